//! # The durable engine
//!
//! RocksDB with one column family for each [`Family`].
//!
//! ```text
//!   write ──▶ log (fsync) ──▶ memtable ──flush──▶ L0 ─compaction─▶ L1 … bottom
//!                                                 lz4                    zstd
//!   sorted_writer ──▶ ingest/N.sst ──finish──▶ (moved in, as low as it fits)
//! ```
//!
//! Words: the *prefix* of a version is its key without the timestamp; filters are kept over
//! prefixes, so that a point read skips the tables which do not have the key in any version.
//!
//! Invariants:
//! - One process per store: RocksDB's LOCK file is held from open to drop.
//! - Files that a crash left in the ingest and scratch directories are removed at open.
//! - The families are flushed together, so that whatever a crash leaves of the log, all of them
//!   end at the same batch.
//! - A log that is damaged before its end is refused at open (`log.rs`); a torn end is the crash.
//!
//! When a write fails, RocksDB takes no further ones. If the disk was full it tries again by
//! itself every few seconds: it flushes what was acknowledged to new files and begins a new log;
//! the batch that failed is in neither. After any other failure of a write or an fsync nobody
//! knows what the disk has, so writes are refused until the store is opened again; reads go on.
//!
//! The log is bounded by [`Options::wal_bytes`], and so is what a start after a crash replays:
//! at most that many bytes and one batch, read once to check it and once to apply it. 413 MB of log
//! took 3.9 s to replay on two busy cores.
//! - Cursors and writers keep the store open: it closes when the last of them is dropped.
//!
//! What it is not: aware of transactions, or of what the bytes mean.

mod cursor;
mod filter;
mod format;
mod ingest;
mod lock;
mod log;
mod options;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::rocksdb::checkpoint::Checkpoint;
use ::rocksdb::{
    Cache, ColumnFamily, ColumnFamilyDescriptor, CompactOptions, DB, FlushOptions, Range,
    ReadOptions, WriteBatch, WriteOptions,
};

use super::{
    Access, Batch, Change, Cursor, Durability, Engine, Family, HistoryLines, Scratch, SortedWriter,
};
use crate::error::{Error, Result, sqlstate};
use crate::keys::Span;

use filter::SharedLines;

pub use options::Options;

/// A store in a directory.
pub struct RocksEngine {
    inner: Arc<Inner>,
}

struct Inner {
    db: DB,
    dir: PathBuf,
    synced: WriteOptions,
    buffered: WriteOptions,
    next_file: AtomicU64,
    lines: SharedLines,
    scratch: Scratch,
    /// Held by whoever only reads; RocksDB itself takes the lock for those who write.
    _lock: Option<std::fs::File>,
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::Versions => "versions",
        Family::Changelog => "changelog",
        Family::Meta => "meta",
    }
}

impl Inner {
    fn family(&self, family: Family) -> Result<&ColumnFamily> {
        self.db
            .cf_handle(family_name(family))
            .ok_or_else(|| Error::internal(format!("the store has no family {family:?}")))
    }
}

impl RocksEngine {
    /// Opens the store in `dir`, or makes one there.
    pub fn open(dir: &Path, options: &Options) -> Result<RocksEngine> {
        std::fs::create_dir_all(dir)
            .map_err(|e| Error::from(e).context(format!("creating {}", dir.display())))?;
        format::check(dir, options.format)?;
        if !options.discard_damaged_log {
            log::check(dir)?;
        }
        let lines = SharedLines::default();
        let families = families(options, &lines);
        let db = DB::open_cf_descriptors(&options::database(options), dir, families)
            .map_err(|e| open_error(e, dir))?;
        format::note(dir, options.format)?;
        // The ingest directory is cleared only now, when the lock is held.
        ingest::clear_leftovers(dir)?;
        let scratch = Scratch::open(&dir.join("scratch"))?;
        Ok(RocksEngine::new(db, dir, scratch, lines, None))
    }

    /// Opens a store to look at it: nothing in its directory is changed, and writing is refused.
    /// Nobody may have it open meanwhile.
    pub fn open_read_only(dir: &Path, options: &Options) -> Result<RocksEngine> {
        let lock = lock::take(dir)?;
        format::check(dir, options.format)?;
        log::check(dir)?;
        let lines = SharedLines::default();
        let families = families(options, &lines);
        let mut database = options::database(options);
        database.create_if_missing(false);
        database.create_missing_column_families(false);
        let db = DB::open_cf_descriptors_read_only(&database, dir, families, false)
            .map_err(|e| open_error(e, dir))?;
        Ok(RocksEngine::new(db, dir, Scratch::in_memory(), lines, Some(lock)))
    }

    fn new(
        db: DB,
        dir: &Path,
        scratch: Scratch,
        lines: SharedLines,
        lock: Option<std::fs::File>,
    ) -> RocksEngine {
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        let inner = Inner {
            db,
            dir: dir.to_owned(),
            synced,
            buffered: WriteOptions::default(),
            next_file: AtomicU64::new(0),
            scratch,
            lines,
            _lock: lock,
        };
        RocksEngine { inner: Arc::new(inner) }
    }

    /// A number that RocksDB keeps about a family, for metrics (`rocksdb.estimate-num-keys`).
    pub fn property(&self, family: Family, name: &str) -> Option<u64> {
        let family = self.inner.family(family).ok()?;
        self.inner.db.property_int_value_cf(family, name).ok().flatten()
    }
}

fn families(options: &Options, lines: &SharedLines) -> [ColumnFamilyDescriptor; 3] {
    let cache = Cache::new_lru_cache(options.cache_bytes);
    Family::ALL.map(|f| {
        let options = options::family(options, f, &cache, lines);
        ColumnFamilyDescriptor::new(family_name(f), options)
    })
}

fn open_error(e: ::rocksdb::Error, dir: &Path) -> Error {
    let text = e.as_ref();
    if text.contains("lock") && (text.contains("LOCK") || text.contains("lock file")) {
        return lock::in_use(dir).with_source(e);
    }
    error(e).context(format!("opening the store in {}", dir.display()))
}

/// RocksDB's error under our codes.
fn error(e: ::rocksdb::Error) -> Error {
    use ::rocksdb::ErrorKind;
    let text = e.as_ref().to_string();
    let full = text.contains("No space left") || text.contains("NoSpace");
    let code = match e.kind() {
        _ if full => sqlstate::DISK_FULL,
        ErrorKind::Corruption => sqlstate::DATA_CORRUPTED,
        ErrorKind::ShutdownInProgress => sqlstate::ADMIN_SHUTDOWN,
        ErrorKind::InvalidArgument | ErrorKind::NotSupported => sqlstate::INTERNAL_ERROR,
        _ => sqlstate::IO_ERROR,
    };
    let hint = match code {
        sqlstate::DISK_FULL => {
            "Free some space on the disk of the store. Writes work again by themselves a few \
             seconds later; reads work meanwhile."
        }
        sqlstate::IO_ERROR => {
            "The disk of the store failed; the log of the operating system may say why."
        }
        sqlstate::DATA_CORRUPTED => {
            "Stop the server and run \"cairn debug check\" on the store; what is damaged comes \
             back from a backup."
        }
        _ => return Error::new(code, format!("storage: {text}")).with_source(e),
    };
    Error::new(code, format!("storage: {text}")).with_hint(hint).with_source(e)
}

impl Engine for RocksEngine {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let handle = self.inner.family(family)?;
        self.inner.db.get_cf(handle, key).map_err(error)
    }

    fn first_version(
        &self,
        family: Family,
        prefix: &[u8],
        seek: &[u8],
        found: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<bool> {
        let handle = self.inner.family(family)?;
        let mut options = ReadOptions::default();
        options.set_prefix_same_as_start(true);
        let mut at = self.inner.db.raw_iterator_cf_opt(handle, options);
        at.seek(seek);
        match at.item() {
            Some((key, value))
                if key.len() == prefix.len() + super::TIMESTAMP_BYTES
                    && key.starts_with(prefix) =>
            {
                found(key, value);
                Ok(true)
            }
            Some(_) => Ok(false),
            None => at.status().map(|()| false).map_err(error),
        }
    }

    fn cursor(&self, family: Family, span: &Span, access: Access) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(cursor::RocksCursor::new(&self.inner, family, span, access)?))
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<()> {
        let bytes = batch.changes.iter().map(change_bytes).sum();
        let mut out = WriteBatch::with_capacity_bytes(bytes);
        for change in &batch.changes {
            match change {
                Change::Put(family, key, value) => {
                    out.put_cf(self.inner.family(*family)?, key, value);
                }
                Change::Delete(family, key) => out.delete_cf(self.inner.family(*family)?, key),
                Change::DeleteRange(family, span) => {
                    if !span.is_empty() {
                        let handle = self.inner.family(*family)?;
                        out.delete_range_cf(handle, &span.start, &span.end);
                    }
                }
            }
        }
        drop(batch);
        let options = match durability {
            Durability::Synced => &self.inner.synced,
            Durability::Buffered => &self.inner.buffered,
        };
        self.inner.db.write_opt(out, options).map_err(error)
    }

    fn sorted_writer(&self, family: Family) -> Result<Box<dyn SortedWriter>> {
        Ok(Box::new(ingest::Ingest::new(&self.inner, family)?))
    }

    fn scratch(&self) -> &Scratch {
        &self.inner.scratch
    }

    fn flush(&self) -> Result<()> {
        let handles: Vec<&ColumnFamily> =
            Family::ALL.iter().map(|f| self.inner.family(*f)).collect::<Result<_>>()?;
        let mut options = FlushOptions::default();
        options.set_wait(true);
        self.inner.db.flush_cfs_opt(&handles, &options).map_err(error)
    }

    fn compact(&self, family: Family, span: &Span) -> Result<()> {
        let handle = self.inner.family(family)?;
        let mut options = CompactOptions::default();
        // Compactions that RocksDB finds needful go on meanwhile.
        options.set_exclusive_manual_compaction(false);
        self.inner.db.compact_range_cf_opt(
            handle,
            Some(span.start.as_slice()),
            Some(span.end.as_slice()),
            &options,
        );
        Ok(())
    }

    fn set_history_lines(&self, lines: HistoryLines) {
        *self.inner.lines.write() = Arc::new(lines);
    }

    fn erase(&self, family: Family, span: &Span) -> Result<()> {
        if span.is_empty() {
            return Ok(());
        }
        // A table that goes may have held the deletion of something older that lies in a table
        // which stays, so the span is deleted after that, not before.
        let last = last_within(span);
        if span.start <= last {
            let handle = self.inner.family(family)?;
            self.inner.db.delete_file_in_range_cf(handle, &span.start, &last).map_err(error)?;
        }
        let mut batch = Batch::new();
        batch.delete_range(family, span.clone());
        self.write(batch, Durability::Synced)?;
        // What is left lies in the tables at the ends.
        self.compact(family, span)
    }

    fn approximate_bytes(&self, family: Family, span: &Span) -> Result<u64> {
        let handle = self.inner.family(family)?;
        let range = Range::new(&span.start, &span.end);
        Ok(self.inner.db.get_approximate_sizes_cf(handle, &[range]).iter().sum())
    }

    fn verify(&self) -> Result<()> {
        verify::files(&self.inner.db)
    }

    fn checkpoint(&self, dir: &Path) -> Result<()> {
        let checkpoint = Checkpoint::new(&self.inner.db).map_err(error)?;
        checkpoint.create_checkpoint(dir).map_err(error)
    }
}

/// A key shortly before the end of a span: tables are dropped up to and with it, so it must lie
/// within.
fn last_within(span: &Span) -> Vec<u8> {
    let mut last = span.end.clone();
    if let Some(byte) = last.pop()
        && let Some(before) = byte.checked_sub(1)
    {
        last.push(before);
        last.extend_from_slice(&[0xFF; 32]);
    }
    last
}

fn change_bytes(change: &Change) -> usize {
    // A record in the batch costs a few bytes of its own.
    16 + match change {
        Change::Put(_, key, value) => key.len() + value.len(),
        Change::Delete(_, key) => key.len(),
        Change::DeleteRange(_, span) => span.start.len() + span.end.len(),
    }
}

impl Inner {
    /// A name for a file in the ingest directory that no other writer of this store uses.
    fn ingest_file(&self) -> PathBuf {
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        ingest::directory(&self.dir).join(format!("{number}.sst"))
    }
}
