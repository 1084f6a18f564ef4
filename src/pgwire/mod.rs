//! # pgwire: the door that PostgreSQL clients use
//!
//! Bytes to session calls and back, protocol version 3.0 (3.2 is negotiated down). Each connection
//! has a thread of its own on which its session runs; nothing here is asynchronous.
//!
//! ```text
//!  socket ──▶ stream.rs ──▶ frontend.rs ──▶ connection.rs ──▶ sql::Session
//!    ▲      buffered reads   bytes → message   the loop            │
//!    └──── stream.rs ◀──── backend.rs ◀──── result.rs ◀────────────┘
//!          one flush a turn  message → bytes   rows → DataRow
//! ```
//!
//! Life of a connection: `server.rs` accepts and limits; `startup.rs` answers SSL and GSS
//! requests, cancel requests and the start-up packet; `auth.rs` checks the password (SCRAM-SHA-256,
//! or none with `--insecure`); then the loop until Terminate, end of file or shutdown.
//!
//! *Simple* and *extended* protocol: Query runs every statement of its text in one implicit
//! transaction. Parse, Bind, Describe, Execute and Close work on named statements and portals;
//! after an error everything is skipped up to the next Sync, which ends the implicit transaction.
//!
//! Invariants:
//! - Nothing is sent before a flush point (Sync, Flush, end of a Query, a full buffer), so that a
//!   pipeline costs one write.
//! - Lengths are checked against `limits` before memory is taken; a malformed message is 08P01 and
//!   the end of the connection, never a panic. The message *types* are the pgwire crate's, but
//!   reading them is done here: the crate's decoder trusts the counts within a message.
//! - An error of a session is a message to its client; an error of the socket ends the thread.
//!
//! What it is not: it knows no SQL.

pub mod auth;
pub mod backend;
pub mod connection;
pub mod frontend;
pub mod result;
pub mod server;
pub mod startup;
pub mod stream;

pub use server::PgServer;
