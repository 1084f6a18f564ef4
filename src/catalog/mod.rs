//! # Catalogue
//!
//! What exists: databases, schemas, tables, views, sequences and types (*descriptors*); under
//! which names; who may do what with it; and how a table's rows become keys and values.
//!
//! ```text
//!                  names.rs ──▶ ┌─────────────────┐ ◀── privilege.rs      "does t exist, and may
//!   statements ───────────────▶ │ CatalogSnapshot │                        bob read it?"
//!                  service.rs ─▶└────────▲────────┘
//!                     │ write            │ load.rs
//!                     ▼                  │
//!             ┌───────────────────────────────────┐
//!             │ system tables: rows like others   │   system/        descriptors, users, zones, …
//!             └───────────────────────────────────┘
//!                     ▲ rows <-> keys, values
//!                    row/            every table's rows and index entries go through here
//! ```
//!
//! Words:
//! - a *descriptor* says all about one object; it names others by number, so that a rename touches
//!   one row;
//! - a *snapshot* is everything that exists at one moment, in memory, shared, never changed;
//! - an *offline* descriptor keeps its name taken while a restore fills it;
//! - to *pin* an object is to keep it as one sees it until the transaction ends.
//!
//! Invariants:
//! - Numbers of descriptors, and of columns and indexes within a table, are never used twice.
//! - Descriptors are versioned like rows: a read of yesterday sees yesterday's schema.
//! - Two objects of one schema never have one name: each name is a key, and keys conflict.
//! - Whoever writes rows has pinned the table, so no row is written under a schema that a
//!   concurrent statement has replaced.
//! - A snapshot is handed to a transaction only if nothing in it changed between the snapshot's
//!   version and the transaction's read timestamp.
//! - What a role may do is decided in `privilege.rs` and nowhere else.
//!
//! To create a table: resolve the schema (`names`), check CREATE on it (`privilege`), pin the
//! schema and whatever the table refers to, take a number (`Catalog::allocate_id`), build the
//! `TableDescriptor` and hand it to [`Catalog::write`] in the statement's transaction. Dropping is
//! [`Catalog::delete`]; the rows are the business of whoever drops.
//!
//! What it is not: statements, expressions, constraints (`sql`); versions and locks (`mvcc`).

mod bootstrap;
pub mod comment;
pub mod descriptor;
mod load;
pub mod mutation;
pub mod names;
pub mod object;
pub mod privilege;
pub mod role;
pub mod row;
pub mod scram;
pub mod sequence;
mod service;
pub mod setting;
pub mod snapshot;
pub mod system;
pub mod system_grant;
mod table;
pub mod user_type;
pub mod zone;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use object::ObjectRef;
pub use service::{Catalog, watched_spans};
pub use snapshot::CatalogSnapshot;
