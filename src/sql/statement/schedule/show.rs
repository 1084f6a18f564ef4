//! SHOW SCHEDULES and SHOW CREATE SCHEDULE.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use sqlparser::ast::Expr;

use super::super::{Outcome, Work, field, job};
use super::launch;
use crate::catalog::privilege;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::schedule::{CREATED_BY, Schedule, ScheduleId};
use crate::sql::client::Field;
use crate::syntax::{
    BackupInto, BackupOptions, IdSource, ScheduleFilter, ShowSchedules, Targets, quote_literal,
};
use crate::types::{self, Datum, SessionFormat, Type};

/// The columns of SHOW SCHEDULES.
pub fn fields(stmt: &ShowSchedules) -> Vec<Field> {
    vec![
        field("id", Type::Int8),
        field("label", Type::Text),
        field("schedule_status", Type::Text),
        field("next_run", Type::Timestamptz),
        field("state", Type::Text),
        field("recurrence", Type::Text),
        field("jobsrunning", Type::Int8),
        field("owner", Type::Text),
        field("created", Type::Timestamptz),
        field("command", if stmt.for_backup { Type::Text } else { Type::Jsonb }),
    ]
}

/// Runs SHOW SCHEDULES and SHOW SCHEDULE.
pub fn run(stmt: &ShowSchedules, work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    privilege::require_admin(&catalog, &work.session.current_user, "see schedules")?;
    let wanted = stmt.id.as_ref().map(|id| named(id, work)).transpose()?;
    let mut running: BTreeMap<ScheduleId, i64> = BTreeMap::new();
    for job in work.server.jobs.list(work.txn)? {
        let by = job.created_by.filter(|by| by.kind == CREATED_BY && !job.state.is_terminal());
        if let Some(by) = by {
            *running.entry(by.id).or_default() += 1;
        }
    }
    let mut schedules = Schedule::list(work.txn)?;
    schedules.retain(|schedule| match stmt.state {
        ScheduleFilter::All => true,
        ScheduleFilter::Running => !schedule.is_paused(),
        ScheduleFilter::Paused => schedule.is_paused(),
    });
    schedules.retain(|schedule| wanted.as_ref().is_none_or(|ids| ids.contains(&schedule.id)));
    let row = |schedule: Schedule| {
        let running = running.get(&schedule.id).copied().unwrap_or(0);
        row(schedule, running, stmt.for_backup)
    };
    Outcome::rows(fields(stmt), schedules.into_iter().map(row).collect())
}

fn named(id: &Expr, work: &mut Work<'_>) -> Result<Vec<i64>> {
    job::numbers(&IdSource::Expr(id.clone()), "schedule", work)
}

fn row(schedule: Schedule, running: i64, plain: bool) -> Vec<Datum> {
    let status = if schedule.is_paused() { "PAUSED" } else { "ACTIVE" };
    let recurrence = schedule.recurrence.as_deref().unwrap_or("NEVER");
    let arguments = schedule.arguments;
    let command = if plain {
        Datum::text(arguments.backup_statement)
    } else {
        let mut command = json!({ "backup_statement": arguments.backup_statement });
        if let Some(object) = command.as_object_mut() {
            let backup_type = arguments.backup_type.map(|kind| ("backup_type", json!(kind)));
            let wakes = arguments.unpause_on_success.map(|id| ("unpause_on_success", json!(id)));
            object.extend(
                backup_type.into_iter().chain(wakes).map(|(k, value)| (k.to_owned(), value)),
            );
        }
        Datum::Jsonb(Arc::new(command))
    };
    vec![
        Datum::Int8(schedule.id),
        Datum::text(schedule.label),
        Datum::text(status),
        schedule.next_run.map(|at| Datum::Timestamptz(at.sql_micros())).into(),
        Datum::text(schedule.progress.status),
        Datum::text(recurrence),
        Datum::Int8(running),
        Datum::text(schedule.owner),
        Datum::Timestamptz(schedule.created.sql_micros()),
        command,
    ]
}

/// The columns of SHOW CREATE SCHEDULE.
pub fn create_fields() -> Vec<Field> {
    vec![field("schedule_id", Type::Int8), field("create_statement", Type::Text)]
}

/// Runs SHOW CREATE SCHEDULE, of one or of all.
pub fn create(id: Option<&Expr>, work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    privilege::require_admin(&catalog, &work.session.current_user, "see schedules")?;
    let all = Schedule::list(work.txn)?;
    let wanted = match id {
        None => all.iter().map(|schedule| schedule.id).collect(),
        Some(id) => named(id, work)?,
    };
    let mut rows = Vec::new();
    for id in wanted {
        let schedule = all.iter().find(|schedule| schedule.id == id).ok_or_else(|| {
            Error::new(sqlstate::UNDEFINED_OBJECT, format!("schedule with ID {id} does not exist"))
        })?;
        let other = all.iter().find(|other| schedule.arguments.dependent == Some(other.id));
        let text = create_statement(schedule, other)?;
        rows.push(vec![Datum::Int8(id), Datum::text(text)]);
    }
    Outcome::rows(create_fields(), rows)
}

/// The statement that makes a schedule, and the other one of its pair if there is one still.
fn create_statement(schedule: &Schedule, other: Option<&Schedule>) -> Result<String> {
    let stmt = launch::statement(schedule)?;
    let (BackupInto::New(to) | BackupInto::Append(_, to)) = &stmt.into else {
        return Err(Error::corrupt("a scheduled backup has no collection"));
    };
    let targets = match &stmt.targets {
        Targets::Cluster => String::new(),
        targets => format!("{targets} "),
    };
    let options = BackupOptions { detached: None, ..stmt.options.clone() };
    let (full, incremental) = match (schedule.arguments.backup_type, other) {
        (None, other) => (Some(schedule), other),
        (Some(_), other) => (other, Some(schedule)),
    };
    let recurrence =
        |schedule: &Schedule| quote_literal(schedule.recurrence.as_deref().unwrap_or("NEVER"));
    let recurring = match (full, incremental) {
        (Some(full), Some(incremental)) => {
            format!("{} FULL BACKUP {}", recurrence(incremental), recurrence(full))
        }
        (Some(full), None) => format!("{} FULL BACKUP ALWAYS", recurrence(full)),
        _ => recurrence(schedule),
    };
    let first_run = schedule.next_run.map_or_else(String::new, |at| {
        let at = Datum::Timestamptz(at.sql_micros());
        let at = types::text::to_string(&at, &Type::Timestamptz, &SessionFormat::default());
        format!("first_run = {}, ", quote_literal(&at))
    });
    Ok(format!(
        "CREATE SCHEDULE {} FOR BACKUP {targets}INTO {to}{options} RECURRING {recurring} \
         WITH SCHEDULE OPTIONS {first_run}on_execution_failure = '{}', on_previous_running = '{}'",
        quote_literal(&schedule.label),
        schedule.policy.on_execution_failure.word(),
        schedule.policy.on_previous_running.word(),
    ))
}
