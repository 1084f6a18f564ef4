//! # Jobs: durable work
//!
//! A job is a row of `system.jobs` written in the transaction of the statement that asked for it.
//! The registry claims committed rows, runs them on threads of their own and makes true what
//! statements merely wished. A statement changes rows; its commit makes a note on the agenda; the
//! patrol looks at the row and finds a worker; the worker calls the resumer and writes down what
//! came of it.
//!
//! Words: *details* are what the user asked for, fixed at planning; *progress* is what a run has
//! done so far, replaced by each *checkpoint*; a *resumer* is the code for one kind of job; a
//! *pausepoint* is a named place at which the setting `jobs.debug.pausepoints` stops a job; a *claim*
//! names the start of the server that runs a job, so that a later start knows what it may adopt.
//!
//! ```text
//!                  ┌────────────── RESUME ─────────────┐
//!                  ▼                                   │
//! create ─▶  running ── PAUSE ─▶ pause-requested ─▶  paused
//!            │  │  │                                   │ CANCEL
//!         ok │  │  └─ CANCEL ─▶ cancel-requested ◀─────┘
//!            ▼  │ error               │
//!     succeeded └────────▶ reverting ◀┘
//!                           │      │
//!                     failed ◀─────┴─▶ canceled        terminal states absorb
//! ```
//!
//! A paused job that had been reverting resumes to reverting: a recorded failure decides.
//!
//! Invariants:
//! - A job is visible and runnable only once the transaction that created it has committed.
//! - Details never change after planning; a terminal state never changes.
//! - State changes go through `state::request` and `state::outcome`, nowhere else.
//! - A job has one worker at most, and whoever lost its claim writes nothing more.
//! - `resume` may be called many times; whatever it does twice does no harm.
//! - Descriptions are redacted before they come here.
//!
//! What it is not: it knows nothing of backups, and it does not run SQL.

mod agenda;
mod patrol;
pub mod pausepoint;
pub mod record;
pub mod registry;
pub mod resumer;
pub mod schedule;
pub mod secret;
pub mod state;
mod table;
#[cfg(test)]
mod tests;
mod worker;

pub use record::{Claim, CreatedBy, JobRecord, NewJob, StoredError};
pub use registry::Registry;
pub use resumer::{JobHandle, Resumer};
pub use state::{Request, State};

/// A job's number: large and time-ordered, like every unique row id.
pub type JobId = i64;
