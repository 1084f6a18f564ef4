//! # SQL
//!
//! From a client's text to its rows. A statement descends through these rooms once and comes back:
//!
//! ```text
//!   session ─▶ syntax ─▶ bind ─▶ plan ─▶ exec ─▶ mvcc          SELECT, INSERT, UPDATE, DELETE
//!      │                   │       │       │
//!      │                   └───────┴───────┴── function, pg_catalog, scalar, relation
//!      └────▶ statement ─▶ catalog, jobs, backup, restore       everything else
//! ```
//!
//! Words: a [`relation`](relation) is a logical plan, a [`scalar`](scalar) an expression in it; a
//! [`Planned`](query::Planned) query is ready to run any number of times; the [`Server`](server)
//! is what every session of a node shares; a [`Client`](client::Client) is the other side of a
//! session, whichever door it came through.
//!
//! Invariants:
//! - PostgreSQL's semantics are the specification: types, NULLs, names of columns, SQLSTATEs.
//! - Privileges are checked for each execution, against the role in force.
//! - Nothing here opens a socket or a file.
//!
//! What it is not: storage (`mvcc`), names and roles themselves (`catalog`), or the work of jobs.

pub(crate) mod answer;
pub mod bind;
pub mod client;
pub mod exec;
pub mod function;
pub mod integrity;
pub mod pg_catalog;
pub mod plan;
pub mod query;
pub mod relation;
pub mod scalar;
pub mod server;
pub mod session;
pub mod sessions;
pub mod statement;
pub mod statistics;
pub mod userfile;
pub mod variables;
pub mod walk;

#[cfg(test)]
pub(crate) mod testing;
