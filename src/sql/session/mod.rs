//! # Sessions
//!
//! One client's conversation: its transaction, its variables, its prepared statements and portals.
//! The doors hand in texts and messages; what is to be said goes back through
//! [`Client`](super::client::Client).
//!
//! ```text
//!   simple_query ──▶ parse ──▶ run ─────────────▶ control   BEGIN, COMMIT, SAVEPOINT …
//!   parse · bind · execute ────▲   │              variable  SET, SHOW, RESET
//!                                  │              cursor, prepared, explain
//!                                  ├─▶ query      SELECT, INSERT, UPDATE, DELETE
//!                                  └─▶ statement  everything else
//! ```
//!
//! Words: the *block* is the open transaction; it is *explicit* after BEGIN and *implicit* when it
//! spans one text or one sequence of messages up to Sync. A *portal* is a statement with its
//! parameters, perhaps half read. A *run* is one attempt to execute a statement.
//!
//! Invariants:
//! - A statement in an implicit block of its own is acknowledged only once its commit is durable.
//! - A retryable error is retried in silence as long as nothing of the statement's output has left,
//!   either the whole transaction or, in a block that has done more, the statement alone.
//! - After an error a block takes nothing but its end or a return to a savepoint (25P02).
//! - What SET changed in a transaction that fails is changed back.
//!
//! What it is not: a place that knows sockets, or how any statement works.

mod block;
mod control;
mod cursor;
mod discard;
mod explain;
mod extended;
mod named;
mod prepared;
mod query;
mod restart;
mod run;
mod set;
mod shapes;
mod simple;
mod start;
mod variable;

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::CatalogSnapshot;
use crate::error::{Error, Result, sqlstate};
use crate::sql::server::Server;
use crate::sql::sessions::SessionInfo;
use crate::sql::variables::SessionState;
use crate::task::Interrupt;

use block::Block;
use extended::Portal;
use named::Named;
use prepared::Prepared;
use shapes::Shapes;

pub use start::Login;
pub(crate) use variable::{set as set_variable, show as show_variable};

/// What the next command meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// No transaction.
    Idle,
    /// In a transaction block.
    Active,
    /// In a transaction block that has failed.
    Failed,
}

/// Prepared statements and portals of one session, at most.
const NAMED_MAX: usize = 10_000;

/// A client's conversation.
pub struct Session {
    server: Arc<Server>,
    info: Arc<SessionInfo>,
    state: SessionState,
    /// Values to which RESET returns.
    defaults: SessionState,
    interrupt: Interrupt,
    block: Option<Block>,
    prepared: Named<Arc<Prepared>>,
    portals: Named<Portal>,
    shapes: Shapes,
    /// The catalogue that names in values (`'t'::regclass`) are looked up in now.
    seen: Option<Arc<CatalogSnapshot>>,
    /// An extended message failed: everything up to Sync is skipped.
    skipping: bool,
}

impl Session {
    /// What the next command meets.
    pub fn status(&self) -> Status {
        match &self.block {
            Some(block) if block.explicit && block.failed => Status::Failed,
            Some(block) if block.explicit => Status::Active,
            _ => Status::Idle,
        }
    }

    /// How long the client may keep the session waiting for its next command, and what ends the
    /// session then.
    pub fn idle_limit(&self) -> Option<(Duration, Error)> {
        let (name, code, what) = match (&self.block, self.status()) {
            // Within a sequence of messages: Sync ends it, not a pause.
            (Some(_), Status::Idle) => return None,
            (_, Status::Idle) => {
                ("idle_session_timeout", sqlstate::IDLE_SESSION_TIMEOUT, "idle-session")
            }
            _ => (
                "idle_in_transaction_session_timeout",
                sqlstate::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                "idle-in-transaction",
            ),
        };
        let limit = variable::duration(&self.state, name)?;
        Some((limit, Error::new(code, format!("terminating connection due to {what} timeout"))))
    }

    /// What a cancel request must bring.
    pub fn cancel_key(&self) -> (i32, i32) {
        (self.info.pid, self.info.secret)
    }

    fn note_activity(&self, text: Option<&str>) {
        let mut activity = self.info.activity.lock();
        if let Some(text) = text {
            activity.note_query(shown_part(text));
            activity.query_started = Some(self.server.clock.now());
            activity.state = "active";
        } else {
            activity.state = match self.status() {
                Status::Idle => "idle",
                Status::Active => "idle in transaction",
                Status::Failed => "idle in transaction (aborted)",
            };
        }
        let block = self.block.as_ref();
        activity.transaction_started = block.map(|b| b.txn.read_timestamp());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.block = None;
        if let Err(error) = super::statement::sweep_temporary(&self.server, Some(self.info.pid)) {
            tracing::warn!(%error, "the temporary tables of a session stay for now");
        }
        self.server.sessions.remove(self.info.pid);
    }
}

/// "cannot be used in a failed transaction".
fn in_failed_block() -> Error {
    Error::new(
        sqlstate::IN_FAILED_SQL_TRANSACTION,
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}

/// Whether as many names as are allowed exist already.
fn check_room(used: usize, what: &str) -> Result<()> {
    if used < NAMED_MAX {
        return Ok(());
    }
    Err(Error::new(
        sqlstate::PROGRAM_LIMIT_EXCEEDED,
        format!("a session may have at most {NAMED_MAX} {what}"),
    ))
}

/// As much of a statement as lists of sessions show.
fn shown_part(text: &str) -> &str {
    const SHOWN_BYTES: usize = 4 << 10;
    text.get(..text.floor_char_boundary(SHOWN_BYTES)).unwrap_or(text)
}
