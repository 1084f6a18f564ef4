//! Loading a freshly made table past the transaction.

use std::sync::Arc;

use crate::catalog::descriptor::TableDescriptor;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::keys::{Key, Span};
use crate::mvcc::{BulkWriter, Mvcc, Txn};
use crate::sql::statement::Work;

/// User bytes of one sorted run.
const RUN_BYTES: u64 = 64 << 20;

/// A load of rows whose keys rise.
pub(super) struct Load {
    mvcc: Arc<Mvcc>,
    span: Span,
    at: Timestamp,
    writer: Option<BulkWriter>,
    last: Option<Key>,
    open: bool,
}

impl Load {
    /// Begins a load if the table's span is the transaction's alone and empty: made by it, without
    /// secondary indexes or foreign keys, and with no savepoint to which it could return.
    pub fn begin(table: &Arc<TableDescriptor>, work: &mut Work<'_>) -> Result<Option<Load>> {
        let plain = table.indexes.is_empty() && table.foreign_keys.is_empty();
        if !plain || work.nested {
            return Ok(None);
        }
        let committed = work.server.catalog.current()?;
        let before = committed.table_any_state(table.id);
        if before.is_some_and(|old| old.primary_index.id == table.primary_index.id) {
            return Ok(None);
        }
        let catalog = work.catalog()?;
        let span = catalog.codec(table.id)?.index_span(table.primary_index.id)?;
        if work.txn.has_writes_in(&span) || work.txn.scan(&span, false)?.next()? {
            return Ok(None);
        }
        let mvcc = work.server.mvcc.clone();
        let (clearer, cleared) = (mvcc.clone(), span.clone());
        work.txn.on_rollback(move || {
            if let Err(e) = clearer.clear_span(&cleared) {
                tracing::warn!(error = %e, "rows of a load that was rolled back remain on disk");
            }
        });
        let at = work.txn.read_timestamp();
        Ok(Some(Load { mvcc, span, at, writer: None, last: None, open: true }))
    }

    /// Whether it still takes rows.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Takes a row if its key is behind the last one's. The first that is not ends the load, and
    /// all further rows go through the transaction.
    pub fn put(&mut self, key: &Key, value: &[u8]) -> Result<bool> {
        if !self.open {
            return Ok(false);
        }
        if self.last.as_ref().is_some_and(|last| last >= key) {
            self.open = false;
            self.end_run()?;
            return Ok(false);
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            slot => slot.insert(self.mvcc.bulk_writer(self.at)?),
        };
        writer.put(key, value)?;
        let full = writer.bytes() >= RUN_BYTES;
        self.last = Some(key.clone());
        if full {
            self.end_run()?;
        }
        Ok(true)
    }

    fn end_run(&mut self) -> Result<()> {
        match self.writer.take() {
            Some(writer) => writer.finish(),
            None => Ok(()),
        }
    }

    /// Makes the rows part of the transaction.
    pub fn finish(mut self, txn: &mut Txn) -> Result<()> {
        self.end_run()?;
        if self.last.is_some() {
            txn.mark_span_written(self.span.clone())?;
        }
        Ok(())
    }
}
