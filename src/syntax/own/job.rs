//! SHOW JOB(S), and PAUSE, RESUME and CANCEL of jobs.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::error::Result;
use crate::syntax::ast::*;

/// After SHOW AUTOMATIC JOBS.
pub(super) fn show_automatic(_: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::ShowJobs(ShowJobs { which: ShowJobsWhich::Automatic, when_complete: false }))
}

/// After SHOW JOB.
pub(super) fn show_job(c: &mut Cursor<'_>) -> Result<Statement> {
    let when_complete = c.eat(&["when", "complete"]);
    let which = ShowJobsWhich::Ids(IdSource::Expr(c.expr()?));
    Ok(Statement::ShowJobs(ShowJobs { which, when_complete }))
}

/// After SHOW JOBS.
pub(super) fn show_jobs(c: &mut Cursor<'_>) -> Result<Statement> {
    let when_complete = c.eat(&["when", "complete"]);
    let which = if let Some(schedules) = for_schedules(c)? {
        ShowJobsWhich::Schedules(schedules)
    } else if !when_complete && *c.peek() == Token::EOF {
        ShowJobsWhich::All
    } else {
        ShowJobsWhich::Ids(IdSource::Query(c.query()?))
    };
    Ok(Statement::ShowJobs(ShowJobs { which, when_complete }))
}

/// After PAUSE.
pub(super) fn pause(c: &mut Cursor<'_>) -> Result<Statement> {
    control(c, JobCommand::Pause)
}

/// After RESUME.
pub(super) fn resume(c: &mut Cursor<'_>) -> Result<Statement> {
    control(c, JobCommand::Resume)
}

/// After CANCEL.
pub(super) fn cancel(c: &mut Cursor<'_>) -> Result<Statement> {
    control(c, JobCommand::Cancel)
}

fn control(c: &mut Cursor<'_>, command: JobCommand) -> Result<Statement> {
    let which = if c.eat(&["all"]) {
        ControlJobsWhich::AllOfType(kind_of_jobs(c)?)
    } else if c.eat(&["jobs"]) {
        match for_schedules(c)? {
            Some(schedules) => ControlJobsWhich::Schedules(schedules),
            None => ControlJobsWhich::Ids(IdSource::Query(c.query()?)),
        }
    } else {
        c.expect("job")?;
        ControlJobsWhich::Ids(IdSource::Expr(c.expr()?))
    };
    let mut reason = None;
    if command == JobCommand::Pause && c.eat(&["with", "reason"]) {
        c.expect_token(&Token::Eq)?;
        reason = Some(c.string()?);
    }
    Ok(Statement::ControlJobs(ControlJobs { command, which, reason }))
}

/// `BACKUP JOBS` and the like, after ALL.
fn kind_of_jobs(c: &mut Cursor<'_>) -> Result<String> {
    for kind in ["backup", "restore", "import", "changefeed"] {
        if c.eat(&[kind, "jobs"]) {
            return Ok(kind.to_ascii_uppercase());
        }
    }
    c.unexpected()
}

/// `FOR SCHEDULE id`, `FOR SCHEDULES <query>`.
fn for_schedules(c: &mut Cursor<'_>) -> Result<Option<IdSource>> {
    if c.eat(&["for", "schedule"]) {
        return Ok(Some(IdSource::Expr(c.expr()?)));
    }
    if c.eat(&["for", "schedules"]) {
        return Ok(Some(IdSource::Query(c.query()?)));
    }
    Ok(None)
}
