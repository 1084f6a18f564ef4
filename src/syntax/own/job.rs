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
    let which = ShowJobsWhich::Ids(one_id(c)?);
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
    for (one, many, kind) in
        [("query", "queries", WorkKind::Query), ("session", "sessions", WorkKind::Session)]
    {
        let plural = c.eat(&[many]);
        if plural || c.eat(&[one]) {
            let if_exists = c.eat(&["if", "exists"]);
            let which = if plural { IdSource::Query(c.query()?) } else { one_id(c)? };
            return Ok(Statement::CancelWork(CancelWork { kind, if_exists, which }));
        }
    }
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
        ControlJobsWhich::Ids(one_id(c)?)
    };
    let mut reason = None;
    if command == JobCommand::Pause && c.eat(&["with", "reason"]) {
        c.expect_token(&Token::Eq)?;
        reason = Some(c.string()?);
    }
    Ok(Statement::ControlJobs(ControlJobs { command, which, reason }))
}

/// One id: an expression, or a query in parentheses that gives it.
fn one_id(c: &mut Cursor<'_>) -> Result<IdSource> {
    let begins_query = |c: &Cursor<'_>| ["select", "values", "with"].iter().any(|w| c.is(1, w));
    if c.is_token(0, &Token::LParen) && begins_query(c) {
        return Ok(IdSource::Query(c.query()?));
    }
    Ok(IdSource::Expr(c.expr()?))
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
        return Ok(Some(one_id(c)?));
    }
    if c.eat(&["for", "schedules"]) {
        return Ok(Some(IdSource::Query(c.query()?)));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn parsed(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    #[test]
    fn jobs_are_chosen_in_every_way() {
        for (sql, is_it) in [
            ("show jobs", (|w| *w == ShowJobsWhich::All) as fn(&ShowJobsWhich) -> bool),
            ("show automatic jobs", |w| *w == ShowJobsWhich::Automatic),
            ("show job $1", |w| matches!(w, ShowJobsWhich::Ids(IdSource::Expr(_)))),
            ("show job (select max(job_id) from [show jobs])", |w| {
                matches!(w, ShowJobsWhich::Ids(IdSource::Query(_)))
            }),
            ("show jobs when complete select 1", |w| {
                matches!(w, ShowJobsWhich::Ids(IdSource::Query(_)))
            }),
            ("show jobs for schedule 1", |w| {
                matches!(w, ShowJobsWhich::Schedules(IdSource::Expr(_)))
            }),
        ] {
            let Statement::ShowJobs(shown) = parsed(sql) else { panic!("{sql}") };
            assert!(is_it(&shown.which), "{sql}");
            assert_eq!(shown.when_complete, sql.contains("complete"));
        }
        let Statement::ControlJobs(paused) = parsed("pause jobs values (1), (2) with reason = 'x'")
        else {
            panic!()
        };
        assert!(matches!(paused.which, ControlJobsWhich::Ids(IdSource::Query(_))));
        assert_eq!(paused.reason, Some("x".into()));
        let Statement::ControlJobs(canceled) = parsed("cancel all backup jobs") else { panic!() };
        assert_eq!(canceled.which, ControlJobsWhich::AllOfType("BACKUP".to_owned()));
    }

    #[test]
    fn queries_and_sessions_are_canceled() {
        for (sql, kind, if_exists) in [
            ("cancel query '1'", WorkKind::Query, false),
            ("cancel queries if exists select 'a'", WorkKind::Query, true),
            ("cancel session if exists $1", WorkKind::Session, true),
            ("cancel sessions select 'a'", WorkKind::Session, false),
        ] {
            let Statement::CancelWork(canceled) = parsed(sql) else { panic!("{sql}") };
            assert_eq!((canceled.kind, canceled.if_exists), (kind, if_exists));
        }
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("show job", 9),
            ("pause jobs", 11),
            ("pause jobs delete from t", 12),
            ("pause jobs select 1 with reason 'x'", 21),
            ("show jobs for 1", 11),
            ("cancel jobs 1", 13),
            ("resume job 1 with reason = 'x'", 14),
            ("cancel all x jobs", 12),
            ("cancel query", 13),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!(
                (error.code().as_str(), error.position()),
                ("42601", Some(position)),
                "{sql}"
            );
        }
    }
}
