//! Rows of `system.scheduled_jobs`, and schedules read from them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Cron, ScheduleId};
use crate::catalog::system::{Reader, SCHEDULED_JOBS};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::JobId;
use crate::mvcc::Txn;
use crate::types::Datum;

/// The only executor there is.
const EXECUTOR: &str = "scheduled-backup-executor";

/// The state of an incremental schedule that another one will wake.
pub const WAITING: &str = "Waiting for initial backup to complete";

/// A schedule as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Its number.
    pub id: ScheduleId,
    /// Its name; not unique.
    pub label: String,
    /// When it was created.
    pub created: Timestamp,
    /// As whom it runs.
    pub owner: String,
    /// When it runs next; `None` while it is paused.
    pub next_run: Option<Timestamp>,
    /// Where it stands.
    pub progress: Progress,
    /// When it recurs; `None` if it never does.
    pub recurrence: Option<String>,
    /// What to do when something is in the way.
    pub policy: Policy,
    /// What it runs.
    pub arguments: Arguments,
}

/// Where a schedule stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// A sentence for people.
    #[serde(default)]
    pub status: String,
    /// Runs of which it is not known yet how they ended.
    #[serde(default)]
    pub pending: Vec<JobId>,
}

/// What to do when something is in the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// If the previous run is not over.
    pub on_previous_running: OnPrevious,
    /// If a run failed or could not begin.
    pub on_execution_failure: OnFailure,
}

/// What to do if the previous run is not over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnPrevious {
    /// Run nevertheless.
    Start,
    /// Leave this run out.
    Skip,
    /// Wait until it is.
    #[default]
    Wait,
}

/// What to do if a run failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Run again soon.
    Retry,
    /// Run at the next time.
    #[default]
    Reschedule,
    /// Run no more until somebody resumes it.
    Pause,
}

/// What a schedule of backups runs. Nothing here is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arguments {
    /// 1 for an incremental backup; absent for a full one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_type: Option<u8>,
    /// The statement, canonical and redacted.
    pub backup_statement: String,
    /// The schedule to wake when a run has succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpause_on_success: Option<ScheduleId>,
    /// The other schedule of a pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependent: Option<ScheduleId>,
    /// Whether the statement has secrets, which are kept beside those of jobs.
    #[serde(default)]
    pub has_secrets: bool,
}

impl OnPrevious {
    /// The word of the statement.
    pub fn word(self) -> &'static str {
        match self {
            OnPrevious::Start => "START",
            OnPrevious::Skip => "SKIP",
            OnPrevious::Wait => "WAIT",
        }
    }
}

impl OnFailure {
    /// The word of the statement.
    pub fn word(self) -> &'static str {
        match self {
            OnFailure::Retry => "RETRY",
            OnFailure::Reschedule => "RESCHEDULE",
            OnFailure::Pause => "PAUSE",
        }
    }
}

impl Schedule {
    /// Whether it runs no more.
    pub fn is_paused(&self) -> bool {
        self.next_run.is_none()
    }

    /// Puts the next run at the recurrence's first time after `now`. Without a recurrence there
    /// is no next run.
    pub fn advance(&mut self, now: Timestamp) -> Result<()> {
        self.next_run = match &self.recurrence {
            Some(text) => Cron::parse(text)?.next(now),
            None => None,
        };
        Ok(())
    }

    /// The schedule with a number, as a transaction sees it.
    pub fn find(from: &mut impl Reader, id: ScheduleId) -> Result<Option<Schedule>> {
        SCHEDULED_JOBS.get(from, &[Datum::Int8(id)])?.map(|row| read(&row)).transpose()
    }

    /// The newest state of a schedule, which nobody else can change before the transaction ends.
    pub fn lock(txn: &mut Txn, id: ScheduleId) -> Result<Option<Schedule>> {
        let row = SCHEDULED_JOBS.get_locked(txn, &[Datum::Int8(id)])?;
        row.map(|row| read(&row)).transpose()
    }

    /// Every schedule, by number.
    pub fn list(from: &mut impl Reader) -> Result<Vec<Schedule>> {
        let rows = SCHEDULED_JOBS.scan(from, &[])?;
        rows.iter().filter(|row| is_ours(row)).map(|row| read(row)).collect()
    }

    /// Adds the schedule.
    pub fn insert(&self, txn: &mut Txn) -> Result<()> {
        SCHEDULED_JOBS.insert(txn, &self.row()?)
    }

    /// Writes the schedule in the place of the one that was locked.
    pub fn replace(&self, txn: &mut Txn, old: &Schedule) -> Result<()> {
        if self == old {
            return Ok(());
        }
        SCHEDULED_JOBS.replace(txn, &old.row()?, &self.row()?)
    }

    /// Removes a schedule, its secrets with it. Returns whether there was one.
    pub fn delete(txn: &mut Txn, id: ScheduleId) -> Result<bool> {
        crate::jobs::secret::remove(txn, id)?;
        SCHEDULED_JOBS.delete(txn, &[Datum::Int8(id)])
    }

    fn row(&self) -> Result<Vec<Datum>> {
        Ok(vec![
            Datum::Int8(self.id),
            Datum::text(&self.label),
            datum_of(self.created),
            Datum::text(&self.owner),
            self.next_run.map(datum_of).into(),
            json(&self.progress)?,
            self.recurrence.as_ref().map(Datum::text).into(),
            json(&self.policy)?,
            Datum::text(EXECUTOR),
            json(&self.arguments)?,
        ])
    }
}

fn is_ours(row: &[Datum]) -> bool {
    matches!(row.get(8), Some(Datum::Text(executor)) if **executor == *EXECUTOR)
}

fn read(row: &[Datum]) -> Result<Schedule> {
    let [id, label, created, owner, next_run, progress, recurrence, policy, _, arguments] = row
    else {
        return Err(corrupt("number of columns"));
    };
    let text = |datum: &Datum, column| match datum {
        Datum::Text(text) => Ok(text.to_string()),
        _ => Err(corrupt(column)),
    };
    let time = |datum: &Datum, column| match datum {
        Datum::Timestamptz(at) => Ok(time_of(*at)),
        _ => Err(corrupt(column)),
    };
    Ok(Schedule {
        id: match id {
            Datum::Int8(id) => *id,
            _ => return Err(corrupt("schedule_id")),
        },
        label: text(label, "schedule_name")?,
        created: time(created, "created")?,
        owner: text(owner, "owner")?,
        next_run: match next_run {
            Datum::Null => None,
            at => Some(time(at, "next_run")?),
        },
        progress: parse(progress, "schedule_state")?.unwrap_or_default(),
        recurrence: match recurrence {
            Datum::Null => None,
            expr => Some(text(expr, "schedule_expr")?),
        },
        policy: parse(policy, "schedule_details")?.unwrap_or_default(),
        arguments: parse(arguments, "execution_args")?.ok_or_else(|| corrupt("execution_args"))?,
    })
}

fn corrupt(what: &str) -> Error {
    Error::new(sqlstate::DATA_CORRUPTED, format!("a row of system.scheduled_jobs has a bad {what}"))
}

fn json(value: &impl Serialize) -> Result<Datum> {
    let bytes = serde_json::to_vec(value)
        .map_err(|e| Error::internal("a schedule has no JSON form").with_source(e))?;
    Ok(Datum::bytes(bytes))
}

fn parse<T: DeserializeOwned>(datum: &Datum, column: &str) -> Result<Option<T>> {
    match datum {
        Datum::Null => Ok(None),
        Datum::Bytea(bytes) => {
            serde_json::from_slice(bytes).map(Some).map_err(|e| corrupt(column).with_source(e))
        }
        _ => Err(corrupt(column)),
    }
}

fn datum_of(time: Timestamp) -> Datum {
    Datum::Timestamptz(time.sql_micros())
}

fn time_of(micros: i64) -> Timestamp {
    Timestamp::from_sql_micros(micros).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_comes_back_from_its_row() {
        let schedule = Schedule {
            id: 7,
            label: "nightly".into(),
            created: Timestamp::from_micros(1_616_533_891_370_123),
            owner: "root".into(),
            next_run: None,
            progress: Progress { status: WAITING.into(), pending: vec![1, 2] },
            recurrence: Some("@daily".into()),
            policy: Policy {
                on_previous_running: OnPrevious::Skip,
                on_execution_failure: OnFailure::Pause,
            },
            arguments: Arguments {
                backup_type: Some(1),
                backup_statement: "BACKUP INTO LATEST IN 'x' WITH detached".into(),
                unpause_on_success: None,
                dependent: Some(9),
                has_secrets: true,
            },
        };
        assert_eq!(read(&schedule.row().unwrap()).unwrap(), schedule);
        let never = Schedule { recurrence: None, next_run: Some(schedule.created), ..schedule };
        assert_eq!(read(&never.row().unwrap()).unwrap(), never);
        let mut row = never.row().unwrap();
        row[9] = Datum::bytes(b"{");
        assert_eq!(read(&row).unwrap_err().code(), sqlstate::DATA_CORRUPTED);
        assert_eq!(read(&row[1..]).unwrap_err().code(), sqlstate::DATA_CORRUPTED);
    }
}
