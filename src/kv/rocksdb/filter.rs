//! The compaction filter: drops hidden versions while tables are merged anyway.
//!
//! Each compaction asks with the lines that stood when it began; see `kv::history` for why what
//! it does is safe. A removed entry becomes RocksDB's own deletion of that exact stored key, so
//! nothing else of the key is touched. Open iterators hold on to the tables that they began with
//! and are not disturbed. Its calls come from RocksDB's threads, through C++, so nothing here may
//! panic.

use std::ffi::CStr;
use std::sync::Arc;

use ::rocksdb::CompactionDecision;
use ::rocksdb::compaction_filter::CompactionFilter;
use ::rocksdb::compaction_filter_factory::{CompactionFilterContext, CompactionFilterFactory};
use parking_lot::RwLock;

use crate::kv::history::{HiddenVersions, HistoryLines};

/// The lines in force, swapped whole.
pub(super) type SharedLines = Arc<RwLock<Arc<HistoryLines>>>;

/// Makes a filter for each compaction.
pub(super) struct HistoryFilters {
    lines: SharedLines,
}

impl HistoryFilters {
    pub(super) fn new(lines: SharedLines) -> HistoryFilters {
        HistoryFilters { lines }
    }
}

impl CompactionFilterFactory for HistoryFilters {
    type Filter = HistoryFilter;

    fn create(&mut self, _context: CompactionFilterContext) -> HistoryFilter {
        HistoryFilter { hidden: HiddenVersions::new(self.lines.read().clone()) }
    }

    fn name(&self) -> &CStr {
        c"cairn.history.1"
    }
}

/// The filter of one compaction.
pub(super) struct HistoryFilter {
    hidden: HiddenVersions,
}

impl CompactionFilter for HistoryFilter {
    fn filter(&mut self, _level: u32, key: &[u8], _value: &[u8]) -> CompactionDecision {
        if self.hidden.may_go(key) { CompactionDecision::Remove } else { CompactionDecision::Keep }
    }

    fn name(&self) -> &CStr {
        c"cairn.history.1"
    }
}
