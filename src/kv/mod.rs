//! # kv: ordered bytes
//!
//! The one door to the disk for everything that is stored: an ordered map of byte strings in a few
//! families, with atomic durable batches, cheap snapshots and sorted ingestion. Everything above
//! sees only [`Engine`], which is small on purpose, so that an engine over object storage can be a
//! second implementation.
//!
//! ```text
//!      mvcc ──▶ Engine ─┬─▶ rocksdb/   the durable one
//!                       └─▶ memory.rs  the reference: a BTreeMap, for tests and simulation
//!      history.rs: which versions a compaction may drop, and why that is safe
//! ```
//!
//! Words: a *family* is a separate key space with its own tuning; a *batch* is applied whole or
//! not at all; *durable* means fsynced.
//!
//! Invariants:
//! - After `write(batch, Durability::Synced)` returns, the batch survives kill -9 and power loss.
//! - A crash leaves a prefix of the batches in the order in which they were written.
//! - A batch that failed is not visible to this process. If the process ends before the engine
//!   takes writes again, it may be found, whole, by the next one.
//! - A cursor sees the state of the moment it was made, whatever is written meanwhile.
//! - Both engines pass `conformance.rs`.
//!
//! What it is not: versions, transactions, tables.

pub mod history;
pub mod memory;
pub mod rocksdb;
pub mod scratch;

#[cfg(test)]
mod conformance;

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::keys::Span;

pub use history::{HistoryLines, Stamp};
pub use scratch::{Scratch, ScratchFile};

/// A separate key space with its own tuning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Rows and index entries: user key ++ descending timestamp.
    Versions,
    /// Which keys each commit wrote: commit timestamp -> keys.
    Changelog,
    /// Small facts of the store: format version, clock bound, GC lines, protected timestamps.
    Meta,
}

impl Family {
    /// Every family.
    pub const ALL: [Family; 3] = [Family::Versions, Family::Changelog, Family::Meta];
}

/// Bytes at the end of every key of [`Family::Versions`] that tell versions of one thing apart.
/// Engines may keep filters over the rest.
pub const TIMESTAMP_BYTES: usize = 12;

/// When a write may be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// After fsync of the log.
    Synced,
    /// After the operating system has it; a later synced write makes it durable too.
    Buffered,
}

/// One change of a batch.
#[derive(Clone, Debug)]
pub enum Change {
    /// Sets a key.
    Put(Family, Vec<u8>, Vec<u8>),
    /// Removes a key.
    Delete(Family, Vec<u8>),
    /// Removes every key of a span.
    DeleteRange(Family, Span),
}

/// Changes that are applied together, in order.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The changes, in order.
    pub changes: Vec<Change>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }
    /// Sets a key.
    pub fn put(&mut self, family: Family, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.changes.push(Change::Put(family, key.into(), value.into()));
    }
    /// Removes a key.
    pub fn delete(&mut self, family: Family, key: impl Into<Vec<u8>>) {
        self.changes.push(Change::Delete(family, key.into()));
    }
    /// Removes a span.
    pub fn delete_range(&mut self, family: Family, span: Span) {
        self.changes.push(Change::DeleteRange(family, span));
    }
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// A position in a family, over the state at the cursor's creation. Starts unpositioned.
pub trait Cursor: Send {
    /// Moves to the first key `>= key` (within the cursor's span).
    fn seek(&mut self, key: &[u8]) -> Result<()>;
    /// Moves to the last key `<= key` (within the cursor's span).
    fn seek_for_prev(&mut self, key: &[u8]) -> Result<()>;
    /// Moves to the first key of the span.
    fn seek_to_first(&mut self) -> Result<()>;
    /// Moves to the last key of the span.
    fn seek_to_last(&mut self) -> Result<()>;
    /// Moves forward by one.
    fn next(&mut self) -> Result<()>;
    /// Moves back by one.
    fn prev(&mut self) -> Result<()>;
    /// The key and value here; `None` past either end.
    fn entry(&self) -> Option<(&[u8], &[u8])>;
}

/// How a cursor will be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A few keys near each other: blocks are kept in the cache, bloom filters are used where the
    /// span lies within one user key.
    Point,
    /// Many keys that a query wants: blocks are kept in the cache.
    Range,
    /// A pass over everything (backup, backfill, GC): reads ahead and leaves the cache alone.
    Bulk,
}

/// Writes one sorted run and hands it to the engine whole.
pub trait SortedWriter: Send {
    /// Adds an entry; keys must rise strictly.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()>;
    /// Bytes added so far.
    fn bytes(&self) -> u64;
    /// Ends the run and makes its bytes durable without showing them. What can fail for want of
    /// space fails here; calling it before [`SortedWriter::finish`] is optional.
    fn seal(&mut self) -> Result<()>;
    /// Makes the run durable and visible. Nothing is visible if this fails or is never called.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// An ordered, durable map of byte strings.
pub trait Engine: Send + Sync + 'static {
    /// The value of a key.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Shows `found` the first entry at or after `seek` whose key is `prefix` followed by the
    /// [`TIMESTAMP_BYTES`] of a version; says whether there was one. `seek` begins with `prefix`.
    /// This is the point read of everything above, so engines make it as quick as they can.
    fn first_version(
        &self,
        family: Family,
        prefix: &[u8],
        seek: &[u8],
        found: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<bool>;
    /// A cursor over a span of the state as of now. It keeps what it needs alive by itself.
    fn cursor(&self, family: Family, span: &Span, access: Access) -> Result<Box<dyn Cursor>>;
    /// Applies a batch atomically.
    fn write(&self, batch: Batch, durability: Durability) -> Result<()>;
    /// Begins a sorted run (an SST file in RocksDB).
    fn sorted_writer(&self, family: Family) -> Result<Box<dyn SortedWriter>>;
    /// Where bytes are put aside that need not outlive the process.
    fn scratch(&self) -> &Scratch;
    /// Writes memory to disk and waits for it.
    fn flush(&self) -> Result<()>;
    /// Compacts a span, dropping what the lines of history allow.
    fn compact(&self, family: Family, span: &Span) -> Result<()>;
    /// Says from when on history is read, from now on: compactions of [`Family::Versions`] may
    /// drop versions that nobody can see any more. Lines never fall, and must be durable already.
    fn set_history_lines(&self, lines: HistoryLines);
    /// Removes every key of a span and gives its space back: for much data that nobody reads any
    /// more. Durable when it returns; a crash before that may leave any part of the span, even
    /// what was deleted there before, so it must be called again then.
    fn erase(&self, family: Family, span: &Span) -> Result<()>;
    /// Approximate bytes on disk of a span.
    fn approximate_bytes(&self, family: Family, span: &Span) -> Result<u64>;
    /// Reads every file and compares its checksums.
    fn verify(&self) -> Result<()>;
    /// A consistent copy of the whole store in a new directory.
    fn checkpoint(&self, dir: &Path) -> Result<()>;
}

/// An engine that many share.
pub type SharedEngine = Arc<dyn Engine>;
