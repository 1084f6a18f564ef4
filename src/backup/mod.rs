//! # BACKUP
//!
//! What the database was at one moment, on external storage. A statement *plans* a backup once, in
//! its transaction; a *job* takes it, over as many runs as it needs.
//!
//! ```text
//!   statement ─▶ plan.rs ───────────────────────────────▶ details, secrets, protection
//!                 │ target.rs       which descriptors, may the role have them
//!                 │ destination.rs  which directory, which chain, which key
//!                 │ chain.rs        does this layer follow from the one before
//!                 └ spans.rs        which keys, and which of them from the beginning
//!
//!   registry ──▶ job.rs: protect, lock, checkpoint ─▶ export ─▶ statistics, manifest, LATEST
//!                 │ piece.rs        scan, or look up what the changelog names
//!                 │ flow.rs         readers ─▶ writers ─▶ data files, in bounded memory
//!                 └ history.rs      how descriptors changed (revision_history)
//! ```
//!
//! Words: a *layer* is what one BACKUP writes, a *chain* a full layer and its incrementals;
//! the *end time* is the moment that a layer shows, the *start time* the end of the layer before;
//! *introduced* spans are those that the layer before lacks and that are read from the beginning;
//! a *piece* is part of the work, a *lane* a pair of threads that does pieces.
//!
//! Invariants:
//! - A layer holds every transaction that committed at or before its end time and none after. No
//!   writer waits for a backup, and no backup for a writer.
//! - The end time, the directory, the spans and the key are fixed at planning; no run changes them.
//! - Nothing is written to the destination before the job's row has committed, and the manifest only
//!   after everything that it names is durable. LATEST follows the manifest, and only for fulls.
//! - History that the job reads is protected from planning until the job ends, whichever way.
//! - Secrets lie in `system.job_info` until the job ends, and nowhere else. Of a passphrase only the
//!   key that was derived from it is kept.
//! - A table that is offline goes in without data; the next layer that finds it in use takes it from
//!   the beginning.
//!
//! What it is not: the bytes of files (`archive`), the states of jobs (`jobs`), or reading backups
//! (`restore`).

mod chain;
mod describe;
mod destination;
mod details;
mod flow;
mod history;
mod job;
mod locality;
mod piece;
mod plan;
mod protect;
mod spans;
mod statistics;
mod target;

#[cfg(test)]
mod tests;

pub use destination::{Into, Stores};
pub use details::{Details, Totals};
pub use job::{BackupResumer, Run};
pub use locality::Elsewhere;
pub use plan::{Plan, PlanContext, Request, plan};
pub use protect::{release_orphans, release_schedule, release_schedules};
pub use target::Names;

/// The kind of a backup's job.
pub const KIND: &str = "BACKUP";
