//! SHOW JOB(S), and PAUSE, RESUME and CANCEL of jobs.
//!
//! Jobs belong to those who made them; who else sees or controls them is `privilege`'s to say. The
//! wishes are written in the statement's transaction, so one bad id takes all of them back.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Outcome, Work, field};
use crate::catalog::{CatalogSnapshot, privilege};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::schedule::CREATED_BY;
use crate::jobs::{JobId, JobRecord, Request, State};
use crate::sql::client::Field;
use crate::sql::server::Server;
use crate::syntax::{ControlJobs, ControlJobsWhich, IdSource, JobCommand, ShowJobs, ShowJobsWhich};
use crate::task::Interrupt;
use crate::types::{self, Datum, Type};

/// How long SHOW JOBS shows what has ended.
const SHOWN_AFTER_END_NANOS: u64 = 12 * 3_600_000_000_000;

/// How long WHEN COMPLETE waits.
const COMPLETE_WITHIN: Duration = Duration::from_secs(24 * 3_600);

/// How often WHEN COMPLETE looks at a job that is paused.
const POLL: Duration = Duration::from_secs(1);

/// The only node's number.
const NODE: i64 = 1;

/// Longest description in a list, in characters.
const DESCRIPTION_MAX: usize = 70;

/// The columns of SHOW JOBS.
pub fn fields(_: &ShowJobs) -> Vec<Field> {
    let columns = [
        ("job_id", Type::Int8),
        ("job_type", Type::Text),
        ("description", Type::Text),
        ("statement", Type::Text),
        ("user_name", Type::Text),
        ("status", Type::Text),
        ("running_status", Type::Text),
        ("created", Type::Timestamp),
        ("started", Type::Timestamp),
        ("finished", Type::Timestamp),
        ("modified", Type::Timestamp),
        ("fraction_completed", Type::Float8),
        ("error", Type::Text),
        ("coordinator_id", Type::Int8),
    ];
    columns.into_iter().map(|(name, ty)| field(name, ty)).collect()
}

/// SHOW JOBS and its relatives.
pub fn show(stmt: &ShowJobs, work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    let me = work.session.current_user.clone();
    let wanted = match &stmt.which {
        ShowJobsWhich::All | ShowJobsWhich::Automatic => BTreeSet::new(),
        ShowJobsWhich::Ids(source) | ShowJobsWhich::Schedules(source) => {
            ids(source, work)?.into_iter().collect()
        }
    };
    let line = work.server.clock.now().minus_nanos(SHOWN_AFTER_END_NANOS);
    let mut records = visible(work.server.jobs.list(work.txn)?, &catalog, &me);
    records.retain(|job| match &stmt.which {
        ShowJobsWhich::All => !job.is_automatic() && is_recent(job, line),
        ShowJobsWhich::Automatic => job.is_automatic() && is_recent(job, line),
        ShowJobsWhich::Ids(_) => wanted.contains(&job.id),
        ShowJobsWhich::Schedules(_) => {
            schedule_of(job).is_some_and(|schedule| wanted.contains(&schedule))
        }
    });
    let full = matches!(stmt.which, ShowJobsWhich::Ids(_));
    if !stmt.when_complete {
        return rows(stmt, records, full);
    }
    let pending: Vec<JobId> = records.iter().map(|job| job.id).collect();
    let stmt = stmt.clone();
    let finish = move |server: &Arc<Server>, interrupt: &Interrupt| {
        rows(&stmt, all_complete(server, interrupt, &pending)?, full)
    };
    // Whoever waits outside of a block need not hold on to a snapshot.
    if work.explicit {
        return finish(work.server, work.interrupt);
    }
    Ok(Outcome::AfterCommit(Box::new(finish)))
}

/// The jobs that a role may see.
pub fn visible(jobs: Vec<JobRecord>, catalog: &CatalogSnapshot, role: &str) -> Vec<JobRecord> {
    let sees = |job: &JobRecord| privilege::may_see_job(catalog, role, &job.payload.user);
    jobs.into_iter().filter(sees).collect()
}

fn is_recent(job: &JobRecord, line: Timestamp) -> bool {
    job.payload.finished.is_none_or(|at| at > line)
}

fn schedule_of(job: &JobRecord) -> Option<i64> {
    job.created_by.as_ref().filter(|by| by.kind == CREATED_BY).map(|by| by.id)
}

/// Waits until jobs have ended, and gives them as they are then. One that is gone is left out.
fn all_complete(
    server: &Arc<Server>,
    interrupt: &Interrupt,
    ids: &[JobId],
) -> Result<Vec<JobRecord>> {
    let until = Instant::now() + COMPLETE_WITHIN;
    let mut records = Vec::with_capacity(ids.len());
    for id in ids {
        loop {
            let record = match server.jobs.wait(*id, interrupt) {
                Err(e) if e.code() == sqlstate::UNDEFINED_OBJECT => break,
                waited => waited?,
            };
            if record.state.is_terminal() {
                records.push(record);
                break;
            }
            if Instant::now() >= until {
                return Err(Error::new(
                    sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!("timed out waiting for job {id} to complete"),
                ));
            }
            interrupt.wait(POLL)?;
        }
    }
    Ok(records)
}

fn rows(stmt: &ShowJobs, mut records: Vec<JobRecord>, full: bool) -> Result<Outcome> {
    // First what has not ended, the newest first; then what has, the latest first.
    records.sort_by_key(|job| {
        let ended = job.payload.finished;
        Reverse((ended.is_none(), ended, job.payload.started, job.created, job.id))
    });
    Outcome::rows(fields(stmt), records.into_iter().map(|job| row(job, full)).collect())
}

fn row(job: JobRecord, full: bool) -> Vec<Datum> {
    let time = |at: Timestamp| Datum::Timestamp(at.sql_micros());
    let (payload, progress) = (job.payload, job.progress);
    let description = match full {
        true => payload.description,
        false => shortened(payload.description),
    };
    let error = payload.error.map_or_else(String::new, |e| e.message);
    vec![
        Datum::Int8(job.id),
        Datum::text(payload.kind),
        Datum::text(description),
        Datum::text(payload.statement),
        Datum::text(payload.user),
        Datum::text(job.state.as_str()),
        match progress.running_status.is_empty() {
            true => Datum::Null,
            false => Datum::text(progress.running_status),
        },
        time(job.created),
        payload.started.map(time).into(),
        payload.finished.map(time).into(),
        time(progress.modified),
        Datum::Float8(progress.fraction),
        Datum::text(error),
        job.claim.map(|_| Datum::Int8(NODE)).into(),
    ]
}

/// A description for a list: its middle is left out if it is long.
fn shortened(text: String) -> String {
    let length = text.chars().count();
    if length <= DESCRIPTION_MAX {
        return text;
    }
    let start: String = text.chars().take(DESCRIPTION_MAX - 11).collect();
    let end: String = text.chars().skip(length - 7).collect();
    format!("{start} … {end}")
}

/// PAUSE, RESUME and CANCEL JOB(S).
pub fn control(stmt: &ControlJobs, work: &mut Work<'_>) -> Result<Outcome> {
    let (word, request) = match stmt.command {
        JobCommand::Pause => ("PAUSE", Request::Pause),
        JobCommand::Resume => ("RESUME", Request::Resume),
        JobCommand::Cancel => ("CANCEL", Request::Cancel),
    };
    let reason = stmt.reason.as_ref().map(|reason| work.string(reason)).transpose()?;
    let catalog = work.catalog()?;
    let me = work.session.current_user.clone();
    let (ids, what) = match &stmt.which {
        ControlJobsWhich::Ids(source) => (ids(source, work)?, "JOBS"),
        ControlJobsWhich::Schedules(source) => {
            let schedules = ids(source, work)?;
            let of_them =
                |job: &JobRecord| schedule_of(job).is_some_and(|id| schedules.contains(&id));
            (matching(work, &catalog, request, of_them)?, "JOBS FOR SCHEDULES")
        }
        ControlJobsWhich::AllOfType(kind) => {
            (matching(work, &catalog, request, |job| job.payload.kind == *kind)?, "JOBS")
        }
    };
    for id in &ids {
        // Who may control no job at all learns nothing about which exist.
        privilege::check_control_job(&catalog, &me, "", *id)?;
        let owner = work.server.jobs.get(work.txn, *id)?.payload.user;
        privilege::check_control_job(&catalog, &me, &owner, *id)?;
        work.server.jobs.request(work.txn, *id, request, reason.as_deref())?;
    }
    Outcome::done(format!("{word} {what} {}", ids.len()))
}

/// The visible jobs of a set whose state allows a request.
fn matching(
    work: &mut Work<'_>,
    catalog: &CatalogSnapshot,
    request: Request,
    is_in: impl Fn(&JobRecord) -> bool,
) -> Result<Vec<JobId>> {
    let allowed: &[State] = match request {
        Request::Pause => &[State::Pending, State::Running, State::Reverting],
        Request::Resume => &[State::Paused],
        Request::Cancel => &[State::Pending, State::Running, State::Paused],
    };
    let jobs = visible(work.server.jobs.list(work.txn)?, catalog, &work.session.current_user);
    let ready = |job: &&JobRecord| {
        // A paused job that has begun to revert can only go on reverting.
        let stuck = request == Request::Cancel && (job.must_revert() || job.payload.non_cancelable);
        allowed.contains(&job.state) && !stuck && is_in(job)
    };
    Ok(jobs.iter().filter(ready).map(|job| job.id).collect())
}

/// The numbers of jobs that a statement names; NULLs are skipped.
fn ids(source: &IdSource, work: &mut Work<'_>) -> Result<Vec<i64>> {
    numbers(source, "job", work)
}

/// The numbers of whatever that a statement names; NULLs are skipped.
pub(super) fn numbers(source: &IdSource, noun: &str, work: &mut Work<'_>) -> Result<Vec<i64>> {
    let values = match source {
        // A parameter of which the client said nothing is text.
        IdSource::Expr(expr) => vec![match work.constant(expr, None)? {
            Datum::Text(text) => types::text::parse(&Type::Int8, &text, &work.session.format)?,
            value => value,
        }],
        IdSource::Query(query) => {
            let found = work.query(query)?;
            if found.columns.len() != 1 {
                return Err(Error::syntax(format!(
                    "the query must give one column of {noun} IDs, not {}",
                    found.columns.len()
                )));
            }
            found.rows.into_iter().flatten().collect()
        }
    };
    let number = |value: Datum| match value {
        Datum::Null => None,
        Datum::Int8(id) => Some(Ok(id)),
        Datum::Int4(id) => Some(Ok(i64::from(id))),
        Datum::Int2(id) => Some(Ok(i64::from(id))),
        other => Some(Err(Error::new(
            sqlstate::DATATYPE_MISMATCH,
            format!("{noun} IDs must be of type bigint, not {}", other.shown_type()),
        ))),
    };
    values.into_iter().filter_map(number).collect()
}

#[cfg(test)]
mod tests;
