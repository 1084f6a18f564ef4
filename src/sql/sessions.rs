//! Who is connected: what cancel requests and `SHOW SESSIONS` look at.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use parking_lot::Mutex;

use crate::clock::Timestamp;
use crate::task::{Cause, Interrupt};

/// The sessions of a node.
#[derive(Default)]
pub struct Sessions {
    next_pid: AtomicI32,
    open: Mutex<BTreeMap<i32, Arc<SessionInfo>>>,
}

/// One session as others see it.
pub struct SessionInfo {
    /// The process number that its client was told.
    pub pid: i32,
    /// The number that a cancel request must bring.
    pub secret: i32,
    /// The role that logged in.
    pub user: String,
    /// The database it is connected to.
    pub database: String,
    /// Where the client is.
    pub client_address: String,
    /// When it began.
    pub started: Timestamp,
    /// What changes while it lives.
    pub activity: Mutex<Activity>,
    /// Stops what it does.
    pub interrupt: Interrupt,
}

/// What a session is doing.
#[derive(Clone, Default)]
pub struct Activity {
    /// `application_name`.
    pub application: String,
    /// The current or last statement as it came. Few look at it, so it is redacted for them.
    query: String,
    /// When that began.
    pub query_started: Option<Timestamp>,
    /// When the transaction began, if one is open.
    pub transaction_started: Option<Timestamp>,
    /// `active`, `idle`, `idle in transaction`, …
    pub state: &'static str,
}

impl Activity {
    /// Nothing yet.
    pub fn idle() -> Self {
        Activity { state: "idle", ..Self::default() }
    }

    /// Notes the statement that begins.
    pub fn note_query(&mut self, text: &str) {
        self.query.clear();
        self.query.push_str(text);
    }

    /// The current or last statement, without its secrets.
    pub fn query(&self) -> String {
        crate::syntax::redact_text(&self.query)
    }
}

impl Sessions {
    /// An empty register.
    pub fn new() -> Self {
        Self::default()
    }

    /// A process number that no other session of this start has had.
    pub fn next_pid(&self) -> i32 {
        self.next_pid.fetch_add(1, Ordering::Relaxed).rem_euclid(i32::MAX) + 1
    }

    /// Enters a session.
    pub fn insert(&self, session: Arc<SessionInfo>) {
        self.open.lock().insert(session.pid, session);
    }

    /// Takes a session out.
    pub fn remove(&self, pid: i32) {
        self.open.lock().remove(&pid);
    }

    /// Interrupts the statement of a session, if the secret is right.
    pub fn cancel(&self, pid: i32, secret: i32) -> bool {
        let open = self.open.lock();
        let Some(session) = open.get(&pid).filter(|s| s.secret == secret) else { return false };
        session.interrupt.raise(Cause::Cancel);
        true
    }

    /// A session by process number.
    pub fn get(&self, pid: i32) -> Option<Arc<SessionInfo>> {
        self.open.lock().get(&pid).cloned()
    }

    /// Every session, oldest first.
    pub fn list(&self) -> Vec<Arc<SessionInfo>> {
        self.open.lock().values().cloned().collect()
    }
}
