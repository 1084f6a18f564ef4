//! Removing history, and keeping what somebody protects.
//!
//! A *GC line* over a span says that versions which a newer one replaced before that time may be
//! gone: reading below it is refused. It is raised first and kept in the store; then a sweep
//! removes. It never passes a protected time, nor a time at which somebody reads.
//!
//! ```text
//!   raise the line ──▶ keep it ──▶ sweep: a pass over the span, deletions in the log's order
//!                         └──▶ fsync ──▶ engine: compactions drop what is hidden as they merge
//! ```
//!
//! The engine's part is quicker and cheaper, but it sees only what it happens to merge (see
//! `kv::history`); the sweep makes sure of all, and only it removes tombstones. Its deletions come
//! after the line in the log, so that needs no fsync; the engine's are durable on their own, so
//! it hears of a line only when that is durable.

use std::collections::BTreeMap;

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use super::scan::pass_newer;
use super::{Mvcc, meta, version};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::keys::Span;
use crate::kv::{Access, Batch, Durability, Engine, Family, HistoryLines};

/// Changes written together by a sweep.
const BATCH_CHANGES: usize = 4_096;

/// History that must be kept: everything readable at `at` or later in `spans`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectedRecord {
    /// Who protects: a job's number or a UUID.
    pub id: String,
    /// The earliest time that must stay readable.
    pub at: Timestamp,
    /// Where.
    pub spans: Vec<Span>,
    /// Why, for people.
    pub purpose: String,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcStats {
    /// Where the line ended up: history from here on is readable.
    pub line: Timestamp,
    /// Versions looked at.
    pub versions_seen: u64,
    /// Versions removed, tombstones among them.
    pub versions_removed: u64,
    /// Bytes of keys and values removed.
    pub bytes_removed: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    span: Span,
    below: Timestamp,
    /// Whether the store has it.
    #[serde(skip)]
    kept: bool,
}

#[derive(Default)]
struct Lines {
    lines: Vec<Line>,
    highest: Timestamp,
    /// Whether the engine was told of them as they are.
    published: bool,
}

impl Lines {
    fn threshold(&self, span: &Span) -> Timestamp {
        let over = self.lines.iter().filter(|line| line.span.overlaps(span));
        over.map(|line| line.below).max().unwrap_or(Timestamp::MIN)
    }

    /// Raises the line; gives back the lines that it makes needless.
    fn raise(&mut self, span: &Span, below: Timestamp) -> Vec<Line> {
        self.highest = self.highest.max(below);
        self.published = false;
        let needless = |line: &mut Line| span.covers(&line.span) && line.below <= below;
        let gone = self.lines.extract_if(.., needless).collect();
        self.lines.push(Line { span: span.clone(), below, kept: false });
        gone
    }

    /// Whether a line that the store has is as high already.
    fn reached(&self, span: &Span, below: Timestamp) -> bool {
        self.lines.iter().any(|l| l.kept && l.span.covers(span) && l.below >= below)
    }
}

/// What may be removed and what not.
pub(super) struct Gc {
    lines: RwLock<Lines>,
    protected: Mutex<BTreeMap<String, ProtectedRecord>>,
}

fn decode<T: serde::de::DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|e| Error::corrupt(format!("{what} kept by the store cannot be read: {e}")))
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::internal(format!("encoding: {e}")))
}

fn named(prefix: &[u8], name: &[u8]) -> Vec<u8> {
    [prefix, name].concat()
}

fn line_name(span: &Span) -> Result<Vec<u8>> {
    Ok(named(meta::GC_LINE, &encode(span)?))
}

impl Gc {
    pub(super) fn load(engine: &dyn Engine) -> Result<Gc> {
        let mut lines = Lines::default();
        let mut protected = BTreeMap::new();
        let span = Span::prefix(meta::GC_LINE.to_vec());
        let mut cursor = engine.cursor(Family::Meta, &span, Access::Range)?;
        cursor.seek_to_first()?;
        while let Some((_, value)) = cursor.entry() {
            let line = Line { kept: true, ..decode("a GC line", value)? };
            lines.highest = lines.highest.max(line.below);
            lines.lines.push(line);
            cursor.next()?;
        }
        lines.published = lines.lines.is_empty();
        let span = Span::prefix(meta::PROTECTED.to_vec());
        let mut cursor = engine.cursor(Family::Meta, &span, Access::Range)?;
        cursor.seek_to_first()?;
        while let Some((_, value)) = cursor.entry() {
            let record: ProtectedRecord = decode("a protected record", value)?;
            protected.insert(record.id.clone(), record);
            cursor.next()?;
        }
        Ok(Gc { lines: RwLock::new(lines), protected: Mutex::new(protected) })
    }

    /// Refuses to read a span at a time whose history may be gone.
    pub(super) fn check(&self, span: &Span, at: Timestamp) -> Result<()> {
        let lines = self.lines.read();
        if at >= lines.highest {
            return Ok(());
        }
        let threshold = lines.threshold(span);
        if at >= threshold { Ok(()) } else { Err(collected(at, threshold)) }
    }

    /// The same for one key.
    pub(super) fn check_point(&self, key: &[u8], at: Timestamp) -> Result<()> {
        if at >= self.lines.read().highest {
            return Ok(());
        }
        self.check(&Span::point(key.to_vec()), at)
    }
}

fn collected(at: Timestamp, threshold: Timestamp) -> Error {
    Error::new(
        sqlstate::INVALID_PARAMETER_VALUE,
        format!(
            "cannot read at {at}, it must be after replica GC threshold {threshold}: older history \
             has been garbage collected"
        ),
    )
    .with_hint("Choose a later time, or raise gc.ttlseconds of the table to keep history longer.")
}

impl Mvcc {
    /// The earliest time that is readable in all of a span.
    pub fn gc_threshold(&self, span: &Span) -> Timestamp {
        self.gc.lines.read().threshold(span)
    }

    /// Keeps history from being removed until [`Mvcc::release`]. A record of the same id is
    /// replaced. Refused if some of the history is gone already.
    pub fn protect(&self, record: ProtectedRecord) -> Result<()> {
        let mut protected = self.gc.protected.lock();
        for span in &record.spans {
            self.gc.check(span, record.at)?;
        }
        let mut batch = Batch::new();
        batch.put(Family::Meta, named(meta::PROTECTED, record.id.as_bytes()), encode(&record)?);
        self.engine.write(batch, Durability::Synced)?;
        protected.insert(record.id.clone(), record);
        Ok(())
    }

    /// Takes a protection back; an unknown id is none.
    pub fn release(&self, id: &str) -> Result<()> {
        let mut protected = self.gc.protected.lock();
        if protected.contains_key(id) {
            let mut batch = Batch::new();
            batch.delete(Family::Meta, named(meta::PROTECTED, id.as_bytes()));
            self.engine.write(batch, Durability::Synced)?;
            protected.remove(id);
        }
        Ok(())
    }

    /// Every protection, by id.
    pub fn protected(&self) -> Vec<ProtectedRecord> {
        self.gc.protected.lock().values().cloned().collect()
    }

    /// Raises the GC line of a span towards `below`, as far as nobody protects or reads history
    /// there; gives back where it is. Removes nothing.
    pub fn set_gc_line(&self, span: &Span, below: Timestamp) -> Result<Timestamp> {
        let protected = self.gc.protected.lock();
        let kept = protected
            .values()
            .filter(|record| record.spans.iter().any(|s| s.overlaps(span)))
            .map(|record| record.at)
            .min()
            .unwrap_or(Timestamp::MAX);
        // No reader may come between the choice of the line and its publication.
        let (line, gone) = self.timeline.with_oldest_reader(|oldest| {
            let line = below.min(kept).min(oldest);
            let mut lines = self.gc.lines.write();
            let gone = (!lines.reached(span, line)).then(|| lines.raise(span, line));
            (line, gone)
        });
        if let Some(gone) = gone {
            let mut batch = Batch::new();
            for old in gone {
                batch.delete(Family::Meta, line_name(&old.span)?);
            }
            let new = Line { span: span.clone(), below: line, kept: true };
            batch.put(Family::Meta, line_name(span)?, encode(&new)?);
            self.engine.write(batch, Durability::Buffered)?;
            let mut lines = self.gc.lines.write();
            if let Some(there) = lines.lines.iter_mut().find(|l| l.span == *span && l.below == line)
            {
                there.kept = true;
            }
        }
        // Until here no other line is written, nor are lines published.
        drop(protected);
        Ok(line)
    }

    /// Tells the engine of the lines, made durable first; its compactions then drop versions that
    /// nobody can see. To be called after lines were raised, once for many.
    pub fn publish_gc_lines(&self) -> Result<()> {
        let _nobody_writes_lines = self.gc.protected.lock();
        let lines = self.gc.lines.read();
        if lines.published {
            return Ok(());
        }
        let kept = lines.lines.iter().filter(|line| line.kept);
        let kept: Vec<_> =
            kept.map(|line| (line.span.clone(), version::stamp(line.below))).collect();
        let highest = lines.highest;
        drop(lines);
        let mut batch = Batch::new();
        meta::put_time(&mut batch, meta::GC_PUBLISHED, highest);
        self.engine.write(batch, Durability::Synced)?;
        self.engine.set_history_lines(HistoryLines::new(kept));
        self.gc.lines.write().published = true;
        Ok(())
    }

    /// Raises the GC line of a span towards `below` and removes the versions which it frees: those
    /// that a newer version no younger than the line replaced, and tombstones with nothing under
    /// them.
    pub fn collect_garbage(&self, span: &Span, below: Timestamp) -> Result<GcStats> {
        let line = self.set_gc_line(span, below)?;
        let mut sweep = Sweep {
            stats: GcStats { line, ..GcStats::default() },
            batch: Batch::new(),
            engine: &*self.engine,
        };
        let stored = version::stored_span(span);
        let mut cursor = self.engine.cursor(Family::Versions, &stored, Access::Bulk)?;
        let mut seek = Vec::new();
        let mut key = Vec::new();
        cursor.seek_to_first()?;
        while let Some((raw, _)) = cursor.entry() {
            let (user, _) = version::split(raw)?;
            if user >= span.end.as_slice() {
                break;
            }
            key.clear();
            key.extend_from_slice(user);
            if !span.contains(&key) {
                cursor.next()?;
                continue;
            }
            // Versions of one key go in one batch, so that none of them can come back to light.
            sweep.flush_if_full()?;
            pass_newer(&mut *cursor, &key, line, &mut seek)?;
            let mut newest = true;
            while let Some((raw, stored)) = cursor.entry() {
                if version::split(raw)?.0 != key {
                    break;
                }
                sweep.stats.versions_seen += 1;
                if !newest || version::opened(stored)?.is_none() {
                    sweep.remove(raw, stored);
                }
                newest = false;
                cursor.next()?;
            }
        }
        sweep.flush()?;
        Ok(sweep.stats)
    }

    /// Removes every version in a span: what a failed load left behind. Nobody may be reading
    /// there.
    pub fn clear_span(&self, span: &Span) -> Result<()> {
        if span.is_empty() {
            return Ok(());
        }
        let (mut batch, stored) = self.clearing(span)?;
        batch.delete_range(Family::Versions, stored);
        self.engine.write(batch, Durability::Synced)
    }

    /// Removes every version in a span and gives the space on disk back: a dropped table or index.
    /// Nobody may be reading there. To be called again if it failed or the server died meanwhile.
    pub fn reclaim_span(&self, span: &Span) -> Result<()> {
        if span.is_empty() {
            return Ok(());
        }
        let (batch, stored) = self.clearing(span)?;
        if !batch.is_empty() {
            self.engine.write(batch, Durability::Synced)?;
        }
        self.engine.erase(Family::Versions, &stored)
    }

    /// What the store calls a span that is to be cleared: deletions at its end, and a range.
    fn clearing(&self, span: &Span) -> Result<(Batch, Span)> {
        let mut batch = Batch::new();
        let mut start = span.start.clone();
        // Versions of a key that is a prefix of a bound lie on the other side of the bound.
        if let Some((0, key)) = span.start.split_last()
            && !self.versions_of(key)?.is_empty()
        {
            start = version::after_versions(key);
        }
        if let Some((0, key)) = span.end.split_last()
            && span.contains(key)
        {
            for raw in self.versions_of(key)? {
                batch.delete(Family::Versions, raw);
            }
        }
        Ok((batch, Span::new(start, span.end.clone())))
    }

    /// The stored keys of every version of a key.
    fn versions_of(&self, key: &[u8]) -> Result<Vec<Vec<u8>>> {
        let span = version::stored_span(&Span::point(key.to_vec()));
        let mut cursor = self.engine.cursor(Family::Versions, &span, Access::Range)?;
        let mut found = Vec::new();
        cursor.seek_to_first()?;
        while let Some((raw, _)) = cursor.entry() {
            if version::split(raw)?.0 != key {
                break;
            }
            found.push(raw.to_vec());
            cursor.next()?;
        }
        Ok(found)
    }
}

struct Sweep<'a> {
    stats: GcStats,
    batch: Batch,
    engine: &'a dyn Engine,
}

impl Sweep<'_> {
    fn remove(&mut self, raw: &[u8], stored: &[u8]) {
        self.stats.versions_removed += 1;
        self.stats.bytes_removed += (raw.len() + stored.len()) as u64;
        self.batch.delete(Family::Versions, raw);
    }

    fn flush_if_full(&mut self) -> Result<()> {
        if self.batch.changes.len() >= BATCH_CHANGES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.engine.write(std::mem::take(&mut self.batch), Durability::Buffered)
    }
}
