//! `information_schema`: the catalogue in the SQL standard's words, as PostgreSQL 15 has it.
//!
//! ```text
//!   object      databases, schemas, tables, views, sequences
//!   routine     functions and their parameters
//!   column      columns of tables and views, with their types taken apart
//!   constraint  keys, checks, foreign keys, and the columns that they are about
//!   grant       who may do what
//!   empty       what there is nothing of: domains, triggers, composite types
//! ```
//!
//! Words: a *catalog* is a database; *yes or no* is text.
//!
//! Invariants: a reader sees only objects that he owns or holds something on, and those of the
//! virtual schemas, which are everybody's.
//!
//! What it is not: a second truth. Everything here is in `pg_catalog` too.

mod column;
mod constraint;
mod empty;
mod grant;
mod object;
mod routine;

use super::notation::Definition;

pub(super) const TABLES: &[&[Definition]] = &[
    column::TABLES,
    constraint::TABLES,
    empty::TABLES,
    grant::TABLES,
    object::TABLES,
    routine::TABLES,
];
