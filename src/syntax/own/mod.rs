//! The grammars of our own statements.

mod backup;
mod cursor;

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::ast::*;
use super::text::Source;
use crate::error::Result;
use cursor::Cursor;

/// The statement, if its first words make it one of ours.
pub(super) fn parse(source: Source<'_>, tokens: &[TokenWithSpan]) -> Result<Option<Statement>> {
    let first = match tokens.first().map(|t| &t.token) {
        Some(Token::Word(w)) if w.quote_style.is_none() => w.value.as_str(),
        _ => return Ok(None),
    };
    if !matches!(first, "backup" | "restore" | "show" | "pause" | "resume" | "cancel") {
        return Ok(None);
    }
    let mut cursor = Cursor::new(source, tokens.to_vec());
    let c = &mut cursor;
    let statement = if c.eat(&["backup"]) {
        backup::backup(c)?
    } else if c.eat(&["restore"]) {
        backup::restore(c)?
    } else if c.eat(&["show", "backups"]) {
        backup::show_backups(c)?
    } else if c.eat(&["show", "backup"]) {
        backup::show_backup(c)?
    } else if c.eat(&["show", "automatic", "jobs"]) {
        Statement::ShowJobs(ShowJobs { which: ShowJobsWhich::Automatic, when_complete: false })
    } else if c.is(0, "show") && (c.is(1, "job") || c.is(1, "jobs")) {
        show_jobs(c)?
    } else if first != "show" {
        control_jobs(c)?
    } else {
        return Ok(None);
    };
    c.end()?;
    Ok(Some(statement))
}

fn show_jobs(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("show")?;
    let plural = c.eat(&["jobs"]);
    if !plural {
        c.expect("job")?;
    }
    let when_complete = c.eat(&["when", "complete"]);
    let which = if plural && *c.peek() == Token::EOF && !when_complete {
        ShowJobsWhich::All
    } else {
        ShowJobsWhich::Ids(c.ids(plural)?)
    };
    Ok(Statement::ShowJobs(ShowJobs { which, when_complete }))
}

fn control_jobs(c: &mut Cursor<'_>) -> Result<Statement> {
    let command = if c.eat(&["pause"]) {
        JobCommand::Pause
    } else if c.eat(&["resume"]) {
        JobCommand::Resume
    } else {
        c.expect("cancel")?;
        JobCommand::Cancel
    };
    let plural = c.eat(&["jobs"]);
    if !plural {
        c.expect("job")?;
    }
    let which = ControlJobsWhich::Ids(c.ids(plural)?);
    let mut reason = None;
    if command == JobCommand::Pause && c.eat(&["with", "reason"]) {
        c.expect_token(&Token::Eq)?;
        reason = Some(c.string()?);
    }
    Ok(Statement::ControlJobs(ControlJobs { command, which, reason }))
}
