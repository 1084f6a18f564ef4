//! # Schedules: work that comes round by itself
//!
//! A schedule is a row of `system.scheduled_jobs`: what to run, when next, and what to do if the
//! last run is not over yet or went wrong. The scheduler looks at the rows now and then, runs what
//! is due, and judges the runs that have ended. What a run is, a [`Launch`] from above says.
//!
//! ```text
//!            CREATE, PAUSE, RESUME, DROP SCHEDULE
//!                          │ rows
//!                          ▼
//!   clock ──▶ Scheduler ─ due? ──▶ previous runs over? ──▶ Launch::launch ──▶ a job
//!                 ▲                  no: start, skip, wait      │ error          │ ends
//!                 │                                             ▼                ▼
//!                 └── next time ◀── policy: retry, reschedule, pause ◀── failed, else unpause
//! ```
//!
//! Words: a schedule is *due* when its next run's time has come; a *run* is one job that it made;
//! a run is *pending* until the scheduler has seen how it ended; the *recurrence* is a crontab
//! expression, read in UTC; a schedule without a next run is *paused*.
//!
//! Invariants:
//! - A run's job and the schedule's next time are written in one transaction: no run is made
//!   twice, and none is lost to a crash.
//! - Runs that were missed while nobody looked are made up for by one run, not by many.
//! - How a run ended is acted upon once.
//! - Rows hold nothing secret; secrets of what is to be run lie beside those of jobs.
//!
//! What it is not: it knows nothing of backups, and it judges no privileges.

pub mod cron;
mod record;
mod scheduler;
#[cfg(test)]
mod tests;

pub use cron::Cron;
pub use record::{Arguments, OnFailure, OnPrevious, Policy, Progress, Schedule, WAITING};
pub use scheduler::{Launch, Scheduler};

/// What `created_by_type` of a job says that a schedule made.
pub const CREATED_BY: &str = "crdb_schedule";

/// The number of a schedule.
pub type ScheduleId = i64;
