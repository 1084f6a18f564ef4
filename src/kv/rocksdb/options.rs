//! How RocksDB is tuned, and why.

use ::rocksdb::{
    BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, LogLevel,
    Options as DatabaseOptions, SliceTransform,
};

use super::filter::{HistoryFilters, SharedLines};
use crate::kv::{Family, TIMESTAMP_BYTES};

const MIB: usize = 1 << 20;

/// A table is merged early if so many of so many neighbouring entries are deletions.
const DELETIONS_OF: usize = 4_096;
const DELETIONS: usize = 2_048;

/// What a store's owner can choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Blocks kept in memory, all families together, in bytes.
    pub cache_bytes: usize,
    /// Threads for flushes and compactions.
    pub background_jobs: i32,
    /// Files kept open; the rest are opened when they are needed.
    pub max_open_files: i32,
    /// Log kept before families are flushed to free it, in bytes; bounds the time of recovery.
    pub wal_bytes: u64,
    /// One memtable, in bytes.
    pub write_buffer_bytes: usize,
    /// The version of what is stored; a store that notes a higher one is refused untouched.
    pub format: u32,
    /// Whether a log that is damaged before its end is cut off there rather than refused.
    pub discard_damaged_log: bool,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, |n| n.get());
        Options {
            cache_bytes: 256 * MIB,
            background_jobs: i32::try_from(cores.clamp(2, 8)).unwrap_or(2),
            max_open_files: 1_000,
            wal_bytes: 512 << 20,
            write_buffer_bytes: 64 * MIB,
            format: 1,
            discard_damaged_log: false,
        }
    }
}

/// Options of the database as a whole.
pub(super) fn database(options: &Options) -> DatabaseOptions {
    let mut out = DatabaseOptions::default();
    out.create_if_missing(true);
    out.create_missing_column_families(true);
    out.set_max_background_jobs(options.background_jobs);
    out.set_max_open_files(options.max_open_files);
    out.set_max_total_wal_size(options.wal_bytes);
    // Replay ends at the first record that cannot be read: the one that a crash tore. The stricter
    // modes would refuse a store after any power cut; what this one would forgive further up is
    // found before (`log.rs`).
    out.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    // A failed batch may be in the log whole. It must not come back for one family only because
    // the others were flushed past it when the crash came.
    out.set_atomic_flush(true);
    // Tables are written in the background, so that no large fsync falls on one write.
    out.set_bytes_per_sync(1 << 20);
    out.set_log_level(LogLevel::Warn);
    out.set_keep_log_file_num(4);
    out.set_max_log_file_size(4 * MIB);
    out
}

/// Options of one family.
pub(super) fn family(
    options: &Options,
    family: Family,
    cache: &Cache,
    lines: &SharedLines,
) -> DatabaseOptions {
    let mut out = DatabaseOptions::default();
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_format_version(5);
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    out.set_level_compaction_dynamic_level_bytes(true);
    out.set_max_write_buffer_number(4);
    match family {
        Family::Versions => {
            table.set_block_size(16 << 10);
            // Filters over keys without their timestamps; nobody asks for one exact version.
            out.set_prefix_extractor(SliceTransform::create(
                "cairn.version.1",
                without_timestamp,
                Some(has_timestamp),
            ));
            table.set_whole_key_filtering(false);
            // Bloom is quicker where tables are young and often written, ribbon is smaller below.
            table.set_hybrid_ribbon_filter(10.0, 2);
            out.set_memtable_prefix_bloom_ratio(0.05);
            out.set_write_buffer_size(options.write_buffer_bytes);
            out.set_target_file_size_base(64 << 20);
            out.set_compaction_filter_factory(HistoryFilters::new(lines.clone()));
            // A table full of deletions is merged soon, so that a sweep frees space.
            out.add_compact_on_deletion_collector_factory(DELETIONS_OF, DELETIONS, 0.5);
            compress(&mut out);
        }
        Family::Changelog => {
            table.set_block_size(32 << 10);
            out.set_write_buffer_size(options.write_buffer_bytes / 4);
            compress(&mut out);
        }
        Family::Meta => {
            table.set_bloom_filter(10.0, false);
            out.set_write_buffer_size(4 * MIB);
            out.set_compression_type(DBCompressionType::None);
        }
    }
    out.set_block_based_table_factory(&table);
    out
}

/// How tables that are written outside of the database look, before they are ingested.
pub(super) fn table_file() -> DatabaseOptions {
    let mut out = DatabaseOptions::default();
    let mut table = BlockBasedOptions::default();
    table.set_format_version(5);
    table.set_block_size(16 << 10);
    table.set_whole_key_filtering(false);
    table.set_bloom_filter(10.0, false);
    out.set_prefix_extractor(SliceTransform::create(
        "cairn.version.1",
        without_timestamp,
        Some(has_timestamp),
    ));
    out.set_block_based_table_factory(&table);
    out.set_compression_type(DBCompressionType::Lz4);
    out
}

// Upper levels are rewritten often, so quickly compressed; the bottom holds nine tenths.
fn compress(out: &mut DatabaseOptions) {
    out.set_compression_type(DBCompressionType::Lz4);
    out.set_bottommost_compression_type(DBCompressionType::Zstd);
    // Window, level, strategy, dictionary: level 1 costs little more than lz4.
    out.set_bottommost_compression_options(-14, 1, 0, 0, true);
}

fn without_timestamp(key: &[u8]) -> &[u8] {
    key.len().checked_sub(TIMESTAMP_BYTES).and_then(|n| key.get(..n)).unwrap_or(key)
}

fn has_timestamp(key: &[u8]) -> bool {
    key.len() >= TIMESTAMP_BYTES
}
