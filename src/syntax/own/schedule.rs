//! Schedules of backups.

use sqlparser::tokenizer::Token;

use super::backup::{backup_options, targets};
use super::cursor::Cursor;
use crate::error::{Error, Result};
use crate::syntax::ast::*;

/// After CREATE SCHEDULE.
pub(super) fn create(c: &mut Cursor<'_>) -> Result<Statement> {
    let if_not_exists = c.eat(&["if", "not", "exists"]);
    let label = if c.is(0, "for") { None } else { Some(c.string()?) };
    c.expect("for")?;
    if c.is(0, "changefeed") {
        return Err(Error::unsupported("schedules of changefeeds"));
    }
    c.expect("backup")?;
    let targets = targets(c, "into")?;
    c.expect("into")?;
    let destination = c.destination()?;
    let backup_options = backup_options(c)?;
    c.expect("recurring")?;
    let recurring = c.string()?;
    let full_backup = if c.eat(&["full", "backup"]) { Some(full_backup(c)?) } else { None };
    let options = if c.eat(&["with", "schedule", "options"]) { c.list(option)? } else { vec![] };
    Ok(Statement::CreateSchedule(CreateSchedule {
        if_not_exists,
        label,
        targets,
        destination,
        backup_options,
        recurring,
        full_backup,
        options,
    }))
}

fn full_backup(c: &mut Cursor<'_>) -> Result<FullBackup> {
    if c.eat(&["always"]) { Ok(FullBackup::Always) } else { Ok(FullBackup::Recurring(c.string()?)) }
}

/// `name` or `name = value`.
fn option(c: &mut Cursor<'_>) -> Result<ScheduleOption> {
    let name = match c.peek() {
        Token::SingleQuotedString(_) => c.literal()?,
        _ => c.ident()?.value,
    };
    let value = if c.eat_token(&Token::Eq) { Some(c.string()?) } else { None };
    Ok(ScheduleOption { name, value })
}

/// After SHOW SCHEDULES.
pub(super) fn show_all(c: &mut Cursor<'_>) -> Result<Statement> {
    show(c, ScheduleFilter::All)
}

/// After SHOW RUNNING SCHEDULES.
pub(super) fn show_running(c: &mut Cursor<'_>) -> Result<Statement> {
    show(c, ScheduleFilter::Running)
}

/// After SHOW PAUSED SCHEDULES.
pub(super) fn show_paused(c: &mut Cursor<'_>) -> Result<Statement> {
    show(c, ScheduleFilter::Paused)
}

fn show(c: &mut Cursor<'_>, state: ScheduleFilter) -> Result<Statement> {
    let for_backup = c.eat(&["for", "backup"]);
    Ok(Statement::ShowSchedules(ShowSchedules { state, for_backup, id: None }))
}

/// After SHOW SCHEDULE.
pub(super) fn show_one(c: &mut Cursor<'_>) -> Result<Statement> {
    let (state, for_backup, id) = (ScheduleFilter::All, false, Some(c.expr()?));
    Ok(Statement::ShowSchedules(ShowSchedules { state, for_backup, id }))
}

/// After SHOW CREATE SCHEDULE.
pub(super) fn show_create(c: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::ShowCreateSchedule(Some(c.expr()?)))
}

/// After SHOW CREATE ALL SCHEDULES.
pub(super) fn show_create_all(_: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::ShowCreateSchedule(None))
}

/// After PAUSE.
pub(super) fn pause(c: &mut Cursor<'_>) -> Result<Option<Statement>> {
    control(c, ScheduleCommand::Pause)
}

/// After RESUME.
pub(super) fn resume(c: &mut Cursor<'_>) -> Result<Option<Statement>> {
    control(c, ScheduleCommand::Resume)
}

/// After DROP.
pub(super) fn drop(c: &mut Cursor<'_>) -> Result<Option<Statement>> {
    control(c, ScheduleCommand::Drop)
}

fn control(c: &mut Cursor<'_>, command: ScheduleCommand) -> Result<Option<Statement>> {
    let which = if c.eat(&["schedule"]) {
        IdSource::Expr(c.expr()?)
    } else if c.eat(&["schedules"]) {
        IdSource::Query(c.query()?)
    } else {
        return Ok(None);
    };
    Ok(Some(Statement::ControlSchedules(ControlSchedules { command, which })))
}

/// After ALTER BACKUP SCHEDULE.
pub(super) fn alter(c: &mut Cursor<'_>) -> Result<Statement> {
    let id = c.expr()?;
    let changes = c.list(change)?;
    Ok(Statement::AlterSchedule(AlterSchedule { id, changes }))
}

fn change(c: &mut Cursor<'_>) -> Result<ScheduleChange> {
    if c.eat(&["execute"]) {
        let full = c.eat(&["full"]);
        c.expect("immediately")?;
        return Ok(ScheduleChange::Execute { full });
    }
    c.expect("set")?;
    Ok(if c.eat(&["label"]) {
        ScheduleChange::Label(c.string()?)
    } else if c.eat(&["into"]) {
        ScheduleChange::Into(c.destination()?)
    } else if c.is(0, "with") {
        ScheduleChange::With(backup_options(c)?)
    } else if c.eat(&["recurring"]) {
        ScheduleChange::Recurring(c.string()?)
    } else if c.eat(&["full", "backup"]) {
        ScheduleChange::FullBackup(full_backup(c)?)
    } else if c.eat(&["schedule", "option"]) {
        ScheduleChange::Option(option(c)?)
    } else {
        return c.unexpected();
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    #[test]
    fn a_schedule_is_created() {
        let Statement::CreateSchedule(s) = one(
            "CREATE SCHEDULE IF NOT EXISTS 'nightly' FOR BACKUP DATABASE bank INTO ('a', 'b') \
             WITH revision_history, encryption_passphrase = $1 RECURRING '@daily' FULL BACKUP ALWAYS \
             WITH SCHEDULE OPTIONS first_run = 'now', ignore_existing_backups",
        ) else {
            panic!()
        };
        assert!(s.if_not_exists);
        assert_eq!(s.label, Some("nightly".into()));
        assert_eq!(s.targets, Targets::Databases(vec!["bank".into()]));
        assert_eq!(s.destination.uris.len(), 2);
        assert_eq!(s.backup_options.revision_history, Some(true));
        assert_eq!(s.recurring, "@daily".into());
        assert_eq!(s.full_backup, Some(FullBackup::Always));
        assert_eq!(
            s.options,
            [
                ScheduleOption { name: "first_run".to_owned(), value: Some("now".into()) },
                ScheduleOption { name: "ignore_existing_backups".to_owned(), value: None },
            ]
        );
        let Statement::CreateSchedule(s) =
            one("create schedule for backup into x recurring $1 full backup '@weekly'")
        else {
            panic!()
        };
        assert_eq!((s.label, s.targets), (None, Targets::Cluster));
        assert_eq!(s.full_backup, Some(FullBackup::Recurring("@weekly".into())));
    }

    #[test]
    fn schedules_are_shown() {
        for (sql, state, for_backup) in [
            ("show schedules", ScheduleFilter::All, false),
            ("show running schedules", ScheduleFilter::Running, false),
            ("show paused schedules for backup", ScheduleFilter::Paused, true),
        ] {
            let shown = ShowSchedules { state, for_backup, id: None };
            assert_eq!(one(sql), Statement::ShowSchedules(shown), "{sql}");
        }
        assert!(matches!(one("show schedule 1"), Statement::ShowSchedules(s) if s.id.is_some()));
        assert!(matches!(one("show create schedule 1"), Statement::ShowCreateSchedule(Some(_))));
        assert_eq!(one("show create all schedules"), Statement::ShowCreateSchedule(None));
    }

    #[test]
    fn schedules_are_controlled() {
        for (sql, command) in [
            ("pause schedule 1", ScheduleCommand::Pause),
            ("resume schedule $1", ScheduleCommand::Resume),
            ("drop schedules select id from [show schedules]", ScheduleCommand::Drop),
        ] {
            let Statement::ControlSchedules(control) = one(sql) else { panic!("{sql}") };
            assert_eq!(control.command, command);
            assert_eq!(matches!(control.which, IdSource::Query(_)), sql.contains("schedules"));
        }
    }

    #[test]
    fn schedules_are_altered() {
        let Statement::AlterSchedule(altered) = one(
            "alter backup schedule 7 set label 'x', set into 'y', set with detached, revision_history = false, \
             set recurring '@hourly', set full backup always, set schedule option on_execution_failure = 'pause', \
             execute full immediately",
        ) else {
            panic!()
        };
        assert_eq!(altered.id.to_string(), "7");
        assert_eq!(
            altered.changes,
            [
                ScheduleChange::Label("x".into()),
                ScheduleChange::Into(Destination::one("y".into())),
                ScheduleChange::With(BackupOptions {
                    detached: Some(true),
                    revision_history: Some(false),
                    ..BackupOptions::default()
                }),
                ScheduleChange::Recurring("@hourly".into()),
                ScheduleChange::FullBackup(FullBackup::Always),
                ScheduleChange::Option(ScheduleOption {
                    name: "on_execution_failure".to_owned(),
                    value: Some("pause".into())
                }),
                ScheduleChange::Execute { full: true },
            ]
        );
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("create schedule for backup into 'x'", 36),
            ("create schedule for backup into 'x' as of system time '-1s' recurring '@daily'", 37),
            ("create schedule for backup into latest in 'x' recurring '@daily'", 40),
            ("show schedules for x", 16),
            ("drop schedule", 14),
            ("alter backup schedule 1", 24),
            ("alter backup schedule 1 set x", 29),
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
