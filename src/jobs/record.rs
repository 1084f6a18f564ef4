//! What is stored about a job.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::JobId;
use super::state::State;
use crate::clock::Timestamp;
use crate::error::{Error, Result, SqlState, sqlstate};

/// A job as it is stored.
#[derive(Clone, Debug)]
pub struct JobRecord {
    /// Its number.
    pub id: JobId,
    /// Where it stands.
    pub state: State,
    /// When its statement ran.
    pub created: Timestamp,
    /// Who made it other than a statement (a schedule).
    pub created_by: Option<CreatedBy>,
    /// The process that runs it.
    pub claim: Option<Claim>,
    /// What does not change while it runs, but for state-like facts.
    pub payload: Payload,
    /// What each checkpoint replaces.
    pub progress: Progress,
}

/// The part of a job that is written at planning and at changes of state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payload {
    /// `BACKUP`, `RESTORE`, …
    pub kind: String,
    /// The statement, canonical and redacted.
    pub description: String,
    /// The statement text for automatic jobs, else empty.
    #[serde(default)]
    pub statement: String,
    /// The role that ran the statement.
    pub user: String,
    /// Descriptors concerned.
    #[serde(default)]
    pub descriptor_ids: Vec<u32>,
    /// What the user asked for, in the terms of the job's kind.
    pub details: Value,
    /// When the first run began.
    #[serde(default)]
    pub started: Option<Timestamp>,
    /// When a terminal state was reached.
    #[serde(default)]
    pub finished: Option<Timestamp>,
    /// The failure, once recorded; a cancelled job has none.
    #[serde(default)]
    pub error: Option<StoredError>,
    /// Whether CANCEL, not an error, is why the job reverts or has ended.
    #[serde(default)]
    pub canceled: bool,
    /// Why it was paused, if somebody said.
    #[serde(default)]
    pub pause_reason: Option<String>,
    /// Whether CANCEL is refused.
    #[serde(default)]
    pub non_cancelable: bool,
    /// Runs that ended in an error worth retrying.
    #[serde(default)]
    pub retries: u32,
}

/// The part of a job that a checkpoint replaces.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// 0 to 1.
    pub fraction: f64,
    /// A word or two about what it does now.
    #[serde(default)]
    pub running_status: String,
    /// What the resumer needs to go on, in the terms of the job's kind.
    #[serde(default)]
    pub state: Value,
    /// When this was written.
    #[serde(default)]
    pub modified: Timestamp,
}

/// Who made a job other than a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedBy {
    /// `crdb_schedule`.
    pub kind: String,
    /// The schedule's number.
    pub id: i64,
}

/// The process that runs a job; another value means that it died and the job may be adopted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// A number unique to one start of the server.
    pub session: i64,
}

/// An error kept with a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredError {
    /// SQLSTATE.
    pub code: String,
    /// The message.
    pub message: String,
    /// The detail line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The hint line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What a statement gives to create a job.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// `BACKUP`, `RESTORE`, …; a resumer must be registered for it.
    pub kind: &'static str,
    /// The statement, canonical and redacted.
    pub description: String,
    /// The role that ran the statement.
    pub user: String,
    /// Descriptors concerned.
    pub descriptor_ids: Vec<u32>,
    /// What the user asked for.
    pub details: Value,
    /// The schedule, if one asked.
    pub created_by: Option<CreatedBy>,
    /// The number, if the planner already needed it (for a lock file's name).
    pub id: Option<JobId>,
}

impl JobRecord {
    /// Whether an error is why the job reverts or has ended.
    pub fn has_failed(&self) -> bool {
        self.payload.error.is_some()
    }

    /// Whether the job has begun to revert, or must when it is resumed.
    pub fn must_revert(&self) -> bool {
        self.has_failed() || self.payload.canceled
    }

    /// What whoever waited for the job is told: nothing if it succeeded, else why it did not.
    pub fn outcome(&self) -> Result<()> {
        match self.state {
            State::Succeeded => Ok(()),
            State::Canceled => Err(Error::new(sqlstate::QUERY_CANCELED, "job canceled by user")),
            State::Failed => Err(match &self.payload.error {
                Some(error) => error.into(),
                None => Error::internal(format!("job {} failed without an error", self.id)),
            }),
            State::Paused => {
                let mut message = format!("job {} was paused before it completed", self.id);
                if let Some(reason) = &self.payload.pause_reason {
                    message += &format!(" with reason: {reason}");
                }
                Err(Error::new(sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
                    .with_hint("RESUME JOB lets it go on."))
            }
            state => Err(Error::internal(format!("job {} is still {state}", self.id))),
        }
    }

    /// Whether `SHOW JOBS` leaves it to `SHOW AUTOMATIC JOBS`.
    pub fn is_automatic(&self) -> bool {
        self.payload.kind.starts_with("AUTO ") || self.payload.kind == "SCHEMA CHANGE GC"
    }
}

impl From<&Error> for StoredError {
    fn from(e: &Error) -> Self {
        StoredError {
            code: e.code().as_str().to_owned(),
            message: e.message().to_owned(),
            detail: e.detail().map(str::to_owned),
            hint: e.hint().map(str::to_owned),
        }
    }
}

impl From<&StoredError> for Error {
    fn from(e: &StoredError) -> Self {
        let code = SqlState::parse(&e.code).unwrap_or(sqlstate::INTERNAL_ERROR);
        let mut error = Error::new(code, e.message.clone());
        if let Some(detail) = &e.detail {
            error = error.with_detail(detail.clone());
        }
        if let Some(hint) = &e.hint {
            error = error.with_hint(hint.clone());
        }
        error
    }
}
