//! Cairn: a SQL server that speaks PostgreSQL's wire protocol and whose backups are SQL statements.
//!
//! The rooms, in the order of their floors. A room imports only rooms on lower floors; `tidy.rs`
//! reads the imports and fails the build's tests on a violation.

// floor 0: the ground
pub mod clock;
pub mod error;
pub mod ids;
pub mod limits;
pub mod settings;
pub mod task;

// floor 1: words
pub mod syntax;
pub mod types;

// floors 2 to 4: bytes, storage, time
pub mod keys;
pub mod kv;
pub mod mvcc;

// floor 5: what exists · where else
pub mod catalog;
pub mod cloud;

// floor 6: durable work · the format on storage
pub mod archive;
pub mod jobs;

// floor 7: the two verbs
pub mod backup;
pub mod restore;

// floors 8, 9: statements · the doors
pub mod console;
pub mod pgwire;
pub mod sql;

// floor 10: what starts everything
pub mod cli;
pub mod config;
pub mod node;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tidy;
