//! Schema changes that take their time while the table stays in use.
//!
//! ```text
//!   CREATE INDEX (a transaction of its own, a table with rows)
//!        │ one transaction: the index goes among the table's mutations, and a job is created
//!        ▼
//!   job: [writing] ──▶ fill: rows as of one time, in sorted runs below the writers ──▶ publish
//!            │          a checkpoint after each run                                      ▲
//!            │          unique only: ──▶ [filled] ──▶ validate: every row has its entry ─┘
//!            ▼ error, CANCEL JOB
//!        undo: the mutation is taken out, then its entries are removed
//! ```
//!
//! ADD CONSTRAINT of a check or foreign key, VALIDATE CONSTRAINT and SET NOT NULL are the same with
//! less: from the first step on writers heed the constraint, then the rows as of one later time
//! are compared with it, and a last step says that it holds.
//!
//! Rows that have to be written anew (a column that is added with a value of its own for each row,
//! another type, an index on an expression) get a second *form* beside the one in use: another
//! primary index, and other numbers for the indexes that the change concerns. Writers write both
//! forms, old rows are filled in as for an index, and the last step puts the new form in place of
//! the old one.
//!
//! Words: a *mutation* is a change that writers heed and readers do not know; a *step* is a
//! transaction that holds the table alone for a moment and changes its descriptor; the *time of
//! reading* is the one time as of which all old rows are read.
//!
//! Why it is right. Whoever writes rows has pinned the descriptor, and a step waits for all of
//! them, so one version of it is in use at a time. Whoever writes after the first step keeps the
//! index up. The time of reading comes after that step, so each row either is in that snapshot
//! and gets its entry below everything written later, or was written by somebody who knew of the
//! index. What a writer has put or deleted meanwhile lies above the loaded entry and wins.
//!
//! A unique index needs more: a writer cannot meet an entry that is not loaded yet. When all is
//! loaded a second step says so; from then on writers meet every entry. Then rows and entries
//! are counted as of one time until they are as many; where an entry is missing or is another
//! row's, it is made good, or found to be a violation.
//!
//! Invariants:
//! - No reader plans with a mutation, and no backup holds its entries.
//! - A run of the job may stop anywhere: what it did is done again to the same effect.
//! - A table has one mutation at most; whoever wants another change of it waits.
//! - The steps never keep writers waiting for longer than a moment at a time, however long a
//!   transaction before them stays open.
//!
//! What it is not: DDL in a transaction block, on an empty table, a temporary table or a
//! materialised view fills its indexes itself (`table::load`) and is one transaction with the rest.

mod begin;
mod fill;
mod job;
mod lens;
mod maker;
mod patience;
#[cfg(test)]
mod tests;
mod unique;
mod validate;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::keys::Span;

pub use job::SchemaChangeResumer;

use crate::catalog::mutation::SCHEMA_CHANGE as KIND;

pub(super) use begin::{Wanted, await_others, begin, form_of, in_progress, index_of, is_online};
pub(super) use patience::hold as hold_patiently;

/// How far it is. Which steps were taken is in the descriptor.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// The time of reading.
    #[serde(default)]
    read_at: Option<Timestamp>,
    /// The rows that have no entry yet; all of them before the first run.
    #[serde(default)]
    left: Option<Span>,
    /// Rows read so far.
    #[serde(default)]
    rows: u64,
    /// Entries loaded so far.
    #[serde(default)]
    index_entries: u64,
    /// Whether the change has become part of the table.
    #[serde(default)]
    published: bool,
}
