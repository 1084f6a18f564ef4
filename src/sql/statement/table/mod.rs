//! Tables: made, changed, filled.
//!
//! ```text
//!   CREATE TABLE ─▶ create ─┐                    ┌─▶ column      types, defaults, sequences
//!                           ├─▶ Draft ───────────┤
//!   ALTER TABLE ──▶ alter ──┘   (a descriptor    ├─▶ constraint  keys, checks
//!   CREATE INDEX ─▶ index        in the making)  └─▶ foreign_key
//!                                  │
//!                                  ▼
//!                  check ◀── rewrite ──▶ load ──▶ mvcc: ordinary puts, or sorted bulk files
//! ```
//!
//! Words: a *draft* is a descriptor that is not written yet, with the sequences that its columns
//! own; to *rewrite* is to read every row and write it, changed, under new index numbers; to
//! *load* is to fill indexes that nobody can see yet.
//!
//! Invariants:
//! - Whoever changes a table holds it alone (`object::hold`), and has seen every row.
//! - An index whose entries change in form gets a new number. The old entries stay where they were
//!   for those who read the past; no descriptor of today names them.
//! - Rows are loaded in bulk only into indexes that no committed descriptor has.

pub mod alter;
mod check;
mod column;
mod constraint;
pub mod create;
mod draft;
mod duplicate;
mod expression;
mod foreign_key;
mod from_query;
pub mod index;
mod index_column;
mod like;
mod load;
mod name;
pub mod on_commit;
mod rewrite;
pub mod temporary;
pub mod truncate;

#[cfg(test)]
mod tests;

pub(super) use check::{null_found, violated};
pub(in crate::sql) use draft::row_of;
pub(super) use draft::{Draft, rename_in_expressions};
pub(super) use duplicate::duplicate;
pub(super) use from_query::{bind as bind_query_for, fill_from_query};
pub(super) use rewrite::fill;
