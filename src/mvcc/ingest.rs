//! Loading sorted rows past the transactions: for RESTORE, IMPORT-like loads and new indexes.

use super::Mvcc;
use super::version;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::kv::{Family, SortedWriter, TIMESTAMP_BYTES};

/// Writes rows whose versions all have one time. Nothing is visible before [`BulkWriter::finish`];
/// dropped without it, nothing remains.
///
/// Nobody may read or write the span meanwhile: it belongs to a table or index that is not public
/// yet, and whose publication calls [`super::Txn::mark_span_written`].
pub struct BulkWriter {
    writer: Box<dyn SortedWriter>,
    stamp: [u8; TIMESTAMP_BYTES],
    key: Vec<u8>,
    value: Vec<u8>,
    /// User bytes of the last key within `key`.
    last: usize,
    rows: u64,
}

impl Mvcc {
    /// Begins a sorted load of versions at a time.
    pub fn bulk_writer(&self, at: Timestamp) -> Result<BulkWriter> {
        Ok(BulkWriter {
            writer: self.engine.sorted_writer(Family::Versions)?,
            stamp: version::stamp(at),
            key: Vec::new(),
            value: Vec::new(),
            last: 0,
            rows: 0,
        })
    }
}

impl BulkWriter {
    /// Adds a row. Keys must rise strictly.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if self.rows > 0 && self.key.get(..self.last).is_some_and(|last| last >= key) {
            return Err(Error::internal("keys of a bulk load must rise"));
        }
        self.key.clear();
        self.key.extend_from_slice(key);
        self.key.extend_from_slice(&self.stamp);
        self.last = key.len();
        self.value.clear();
        self.value.extend_from_slice(value);
        self.value.push(version::VALUE);
        self.rows += 1;
        self.writer.put(&self.key, &self.value)
    }

    /// Bytes added so far.
    pub fn bytes(&self) -> u64 {
        self.writer.bytes()
    }

    /// Rows added so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Makes the rows durable and readable.
    pub fn finish(self) -> Result<()> {
        self.writer.finish()
    }
}
