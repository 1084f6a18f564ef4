//! Reading rows through an index into columns.

use std::ops::Bound;
use std::sync::Arc;

use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};
use crate::catalog::row::{RowDecoder, TableCodec};
use crate::error::{Error, Result, sqlstate};
use crate::keys::{Key, Span, index_span};
use crate::kv::Access;
use crate::mvcc::{LockMode, Locked, ScanOptions, TxnScan, WaitPolicy};
use crate::sql::exec::batch::Batch;
use crate::sql::exec::bounds::Place;
use crate::sql::exec::lock::refusal;
use crate::sql::exec::state::Run;
use crate::types::{ColumnType, Datum};

/// Reads some columns of a table's rows through one of its indexes.
pub struct IndexReader {
    /// The table.
    pub table: Arc<TableDescriptor>,
    /// The index.
    pub index: IndexDescriptor,
    /// Positions in the table's columns of what is read.
    pub wanted: Vec<usize>,
    /// Their types.
    pub types: Vec<ColumnType>,
    codec: Arc<TableCodec>,
    decoder: RowDecoder,
    /// Whether the entry does not hold every wanted column, so that the row is fetched.
    fetches_row: bool,
    key_types: Vec<ColumnType>,
}

/// A place being read. The scan within sees the transaction as it was when the scan began, so the
/// statement may write meanwhile.
pub struct Progress {
    rest: Rest,
}

enum Rest {
    Place(Place),
    Scan {
        scan: Box<TxnScan>,
        /// What was not reported as read yet.
        unread: Span,
    },
    Nothing,
}

impl Progress {
    /// Nothing read yet.
    pub fn new(place: Place) -> Progress {
        Progress { rest: Rest::Place(place) }
    }

    /// Whether everything was read.
    pub fn is_done(&self) -> bool {
        matches!(self.rest, Rest::Nothing)
    }
}

impl IndexReader {
    /// A reader of the wanted columns.
    pub fn new(
        table: &Arc<TableDescriptor>,
        codec: &Arc<TableCodec>,
        index: &IndexDescriptor,
        wanted: Vec<usize>,
    ) -> Result<IndexReader> {
        let mut covered = true;
        for position in &wanted {
            covered &= codec.covers(index.id, *position)?;
        }
        let read_from = if covered { index.id } else { table.primary_index.id };
        let decoder = RowDecoder::new(codec, read_from, &wanted)?;
        let types = wanted
            .iter()
            .map(|p| table.columns.get(*p).map(|c| c.ty.clone()))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::internal("a scan wants a column that its table has not"))?;
        let key_types = index
            .columns
            .iter()
            .filter_map(|c| table.column(c.column).map(|c| c.ty.clone()))
            .collect();
        Ok(IndexReader {
            table: table.clone(),
            index: index.clone(),
            wanted,
            types,
            codec: codec.clone(),
            decoder,
            fetches_row: !covered,
            key_types,
        })
    }

    /// Whether the index is the table's primary one.
    pub fn is_primary(&self) -> bool {
        self.index.id == self.table.primary_index.id
    }

    /// Whether entries alone are enough.
    pub fn is_covering(&self) -> bool {
        !self.fetches_row
    }

    /// The types of the index's columns.
    pub fn key_types(&self) -> impl Iterator<Item = &ColumnType> {
        self.key_types.iter()
    }

    /// An empty batch of what it reads.
    pub fn empty(&self) -> Batch {
        Batch::with_types(&self.types)
    }

    /// The whole index.
    pub fn whole(&self) -> Span {
        index_span(self.table.id, self.index.id)
    }

    /// Where the entries with these first values are.
    pub fn place(&self, prefix: &[Datum]) -> Result<Place> {
        let full = prefix.len() == self.index.columns.len();
        if full && self.is_primary() {
            return Ok(Place::Key(self.codec.primary_key(prefix)?));
        }
        let span = self.span(prefix, Bound::Unbounded, Bound::Unbounded)?;
        // The entry of a unique index has exactly the columns as its key, unless one is NULL.
        if full && self.index.unique && !prefix.iter().any(Datum::is_null) {
            return Ok(Place::Key(span.start));
        }
        Ok(Place::Span(span))
    }

    /// Where the entries with these first values and a range of the next are.
    pub fn span(
        &self,
        prefix: &[Datum],
        lower: Bound<&Datum>,
        upper: Bound<&Datum>,
    ) -> Result<Span> {
        self.codec.index_prefix_span(self.index.id, prefix, lower, upper)
    }

    /// Adds the row with a key, locked first, in its newest version.
    pub fn read_locked(
        &self,
        run: &mut Run<'_, '_>,
        key: &[u8],
        lock: (LockMode, WaitPolicy),
        out: &mut Batch,
    ) -> Result<()> {
        let locked = run.ctx.txn.get_latest_locked(key, lock.0, lock.1);
        match locked.map_err(|e| refusal(e, lock.1, &self.table.name))? {
            Locked::Value(Some(value)) => self.decode(key, &value, out),
            Locked::Value(None) | Locked::Skipped => Ok(()),
        }
    }

    /// Adds rows from a place to `out` until the batch has `limit` rows or the place is exhausted.
    pub fn read(
        &self,
        run: &mut Run<'_, '_>,
        progress: &mut Progress,
        reverse: bool,
        limit: usize,
        out: &mut Batch,
    ) -> Result<()> {
        let (mut scan, unread) = match std::mem::replace(&mut progress.rest, Rest::Nothing) {
            Rest::Nothing => return Ok(()),
            Rest::Place(Place::Key(key)) => {
                let Some(value) = run.ctx.txn.get(&key)? else { return Ok(()) };
                return if self.fetches_row {
                    let primary =
                        self.codec.primary_key_from_index_entry(self.index.id, &key, &value)?;
                    self.fetch(run, &primary, out)
                } else {
                    self.decode(&key, &value, out)
                };
            }
            Rest::Place(Place::Span(span)) => {
                let options = ScanOptions { reverse, access: Access::Range, record: false };
                (Box::new(run.ctx.txn.scan_with(&span, options)?), span)
            }
            Rest::Scan { scan, unread } => (scan, unread),
        };
        let room = limit.saturating_sub(out.rows).max(1);
        let mut primaries: Vec<Key> = Vec::new();
        let mut taken = 0;
        let mut stopped = None;
        while scan.next()? {
            if self.fetches_row {
                primaries.push(self.codec.primary_key_from_index_entry(
                    self.index.id,
                    scan.key(),
                    scan.value(),
                )?);
            } else {
                self.decode(scan.key(), scan.value(), out)?;
            }
            taken += 1;
            if taken >= room {
                let mut key = scan.key().to_vec();
                // No key is a prefix of another, so nothing lies between a key and its successor.
                if !reverse {
                    key.push(0);
                }
                stopped = Some(key);
                break;
            }
        }
        // Only what was looked at counts as read: a LIMIT does not depend on the rest.
        match stopped {
            None => run.ctx.txn.record_read(&unread),
            Some(at) => {
                let (seen, rest) = if reverse {
                    (
                        Span { start: at.clone(), end: unread.end },
                        Span { start: unread.start, end: at },
                    )
                } else {
                    (
                        Span { start: unread.start, end: at.clone() },
                        Span { start: at, end: unread.end },
                    )
                };
                run.ctx.txn.record_read(&seen);
                progress.rest = Rest::Scan { scan, unread: rest };
            }
        }
        for key in &primaries {
            self.fetch(run, key, out)?;
        }
        Ok(())
    }

    fn fetch(&self, run: &mut Run<'_, '_>, primary: &[u8], out: &mut Batch) -> Result<()> {
        match run.ctx.txn.get(primary)? {
            Some(value) => self.decode(primary, &value, out),
            None => Err(Error::new(
                sqlstate::INDEX_CORRUPTED,
                format!("an entry of index \"{}\" points to no row", self.index.name),
            )
            .with_table("", self.table.name.clone())),
        }
    }

    #[inline]
    fn decode(&self, key: &[u8], value: &[u8], out: &mut Batch) -> Result<()> {
        let columns = &mut out.columns;
        self.decoder.decode(key, value, &mut |i, datum| {
            if let Some(column) = columns.get_mut(i) {
                column.push_ref(datum);
            }
        })?;
        out.rows += 1;
        Ok(())
    }
}
