//! Cursors over RocksDB's iterators.

use std::sync::Arc;

use ::rocksdb::{DB, DBRawIteratorWithThreadMode, ReadOptions};

use super::{Inner, error};
use crate::error::Result;
use crate::keys::Span;
use crate::kv::{Access, Cursor, Family};

/// How far a pass over everything reads ahead, in bytes.
const BULK_READAHEAD_BYTES: usize = 2 << 20;

/// A cursor that keeps its database open.
pub(super) struct RocksCursor {
    // Declared before `_inner`: fields are dropped in order, so the iterator goes first.
    at: DBRawIteratorWithThreadMode<'static, DB>,
    _inner: Arc<Inner>,
    /// Whether the iterator can only be unpositioned because of an end or an error.
    empty: bool,
}

impl RocksCursor {
    pub(super) fn new(
        inner: &Arc<Inner>,
        family: Family,
        span: &Span,
        access: Access,
    ) -> Result<RocksCursor> {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(span.start.as_slice());
        options.set_iterate_upper_bound(span.end.as_slice());
        options.set_total_order_seek(true);
        match access {
            Access::Point => {}
            // Blocks are prefetched in growing steps once reading turns out to be sequential.
            Access::Range => options.set_auto_readahead_size(true),
            Access::Bulk => {
                options.fill_cache(false);
                options.set_readahead_size(BULK_READAHEAD_BYTES);
            }
        }
        let handle = inner.family(family)?;
        let at = inner.db.raw_iterator_cf_opt(handle, options);
        // SAFETY: the lifetime stands for the database, which `_inner` keeps alive until after
        // the iterator is dropped; the `DB` within the `Arc` never moves.
        #[allow(unsafe_code)]
        let at = unsafe {
            std::mem::transmute::<
                DBRawIteratorWithThreadMode<'_, DB>,
                DBRawIteratorWithThreadMode<'static, DB>,
            >(at)
        };
        Ok(RocksCursor { at, _inner: inner.clone(), empty: span.is_empty() })
    }

    fn check(&self) -> Result<()> {
        if self.at.valid() { Ok(()) } else { self.at.status().map_err(error) }
    }
}

impl Cursor for RocksCursor {
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        if self.empty {
            return Ok(());
        }
        self.at.seek(key);
        self.check()
    }

    fn seek_for_prev(&mut self, key: &[u8]) -> Result<()> {
        if self.empty {
            return Ok(());
        }
        self.at.seek_for_prev(key);
        self.check()
    }

    fn seek_to_first(&mut self) -> Result<()> {
        if self.empty {
            return Ok(());
        }
        self.at.seek_to_first();
        self.check()
    }

    fn seek_to_last(&mut self) -> Result<()> {
        if self.empty {
            return Ok(());
        }
        self.at.seek_to_last();
        self.check()
    }

    fn next(&mut self) -> Result<()> {
        if !self.at.valid() {
            return Ok(());
        }
        self.at.next();
        self.check()
    }

    fn prev(&mut self) -> Result<()> {
        if !self.at.valid() {
            return Ok(());
        }
        self.at.prev();
        self.check()
    }

    fn entry(&self) -> Option<(&[u8], &[u8])> {
        self.at.item()
    }
}
