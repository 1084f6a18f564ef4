//! # restore: bringing back what was backed up
//!
//! RESTORE, from the statement's plan to the moment at which everything is back at once.
//!
//! ```text
//!  in the statement                          in the job, run again after every stop
//!  ────────────────                          ──────────────────────────────────────
//!  source.rs     open collection, chain ─┐   job.rs      the story
//!  holdings.rs   the catalog of then     │     │ open the same layers, by their ids
//!  target.rs     what is wanted          ├─▶   ├ prepare   every descriptor, OFFLINE, one transaction
//!  dependency.rs what it needs           │     ├ load.rs   spans ─▶ merge.rs ─▶ sorted ingestion
//!  place.rs, rewrite.rs  new numbers ─────┤     ├ publish   one transaction: the commit point
//!  plan.rs       details.rs ─────────────┘     └ (undo.rs  failed or cancelled: nothing remains)
//! ```
//!
//! Words: a *layer* is one backup of a chain; the *holdings* are the objects that a chain has at
//! the wanted time; an *old* number is one of the cluster that was backed up, a *new* number the
//! one that the object gets here; a *piece* is a range of keys of one old index; a *chunk* is as
//! many pieces as one thread loads at a time; the *load time* is the timestamp of every restored
//! version.
//!
//! Merging: of all versions of a key, in all layers, the newest one not after the wanted time
//! counts, and if that is a tombstone there is no such row. Where a layer introduced a span, what
//! earlier layers hold of it is not looked at.
//!
//! Invariants:
//! - Nothing is visible before `publish` commits, and everything is after it. Names are taken from
//!   `prepare` on.
//! - Every object gets a new number; keys are rewritten by their first four bytes. Numbers are
//!   never used twice, so whatever a failed run left in a span disturbs nobody, and goes away.
//! - A piece counts as loaded only after its rows are durable, and is remembered only by a later
//!   checkpoint. Loading a piece twice writes the same versions at the same time.
//! - A span that the chain does not wholly cover is an error, never a table with holes.
//! - Every byte that is used was checked against the manifest, and the manifests against each
//!   other and against what the statement saw.
//! - Secrets are in `jobs::secret` only.
//!
//! What it is not: it runs no SQL and rebuilds no index; it knows nothing of how layers are made
//! (`backup`) beyond what `archive` says. Temporary tables and their schemas are not restored.

mod coverage;
mod dependency;
mod describe;
mod details;
mod holdings;
mod job;
mod load;
mod merge;
mod place;
mod plan;
mod publish;
mod rewrite;
mod rows;
mod source;
mod system_rows;
mod target;
mod undo;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::cloud::Cloud;
use crate::mvcc::Mvcc;
use crate::settings::Settings;

pub use details::Details;
pub use holdings::Holdings;
pub use job::RestoreResumer;
pub use plan::{Plan, PlanContext, RestoreOptions, RestoreRequest, plan};
pub use source::{Chosen, Source, SourceFrom, SourceLayer, Subdir, check_access};
pub use target::{Here, select};

/// The kind under which the registry knows this room's jobs.
pub const JOB_KIND: &str = "RESTORE";

/// What a restore works with.
#[derive(Clone)]
pub struct Services {
    /// Versions and transactions.
    pub mvcc: Arc<Mvcc>,
    /// What exists.
    pub catalog: Arc<Catalog>,
    /// External storage.
    pub cloud: Arc<Cloud>,
    /// Cluster settings in force.
    pub settings: Arc<Settings>,
}
