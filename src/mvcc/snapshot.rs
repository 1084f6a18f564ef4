//! Reading as of a time, without a transaction.

use std::sync::Arc;

use super::Mvcc;
use super::scan::VersionScan;
use super::timeline::ReadGuard;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::keys::Span;
use crate::kv::Access;

/// The database as of a time. History is kept for as long as one of its clones lives.
#[derive(Clone)]
pub struct Snapshot {
    mvcc: Arc<Mvcc>,
    at: Timestamp,
    history: Arc<ReadGuard>,
}

impl Snapshot {
    pub(super) fn new(mvcc: Arc<Mvcc>, at: Timestamp, history: ReadGuard) -> Snapshot {
        Snapshot { mvcc, at, history: Arc::new(history) }
    }

    /// The time read at.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.mvcc.gc.check_point(key, self.at)?;
        self.mvcc.read_at(key, self.at)
    }

    /// The rows of a span.
    pub fn scan(&self, span: &Span, reverse: bool, access: Access) -> Result<SnapshotScan> {
        self.mvcc.gc.check(span, self.at)?;
        let scan = VersionScan::new(&*self.mvcc.engine, span, self.at, reverse, access)?;
        Ok(SnapshotScan { scan, _history: self.history.clone() })
    }
}

/// The rows of a span as of a snapshot's time.
pub struct SnapshotScan {
    scan: VersionScan,
    _history: Arc<ReadGuard>,
}

impl SnapshotScan {
    /// Moves to the next row; false when there is none. Begins before the first.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<bool> {
        self.scan.advance()
    }

    /// The key here; empty before the first row and after the last.
    pub fn key(&self) -> &[u8] {
        self.scan.key().unwrap_or(&[])
    }

    /// The value here.
    pub fn value(&self) -> &[u8] {
        if self.scan.key().is_some() { self.scan.value() } else { &[] }
    }

    /// When the row here was committed.
    pub fn timestamp(&self) -> Timestamp {
        self.scan.stamp()
    }
}
