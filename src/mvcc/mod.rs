//! # mvcc: versions and transactions
//!
//! Every key has a history: versions with the times of the commits that wrote them. A transaction
//! reads the database as it was at one time, gathers its writes in memory (beyond a limit in sorted
//! scratch files), and gets a time of its own when it commits. Readers never wait and are never
//! turned away.
//!
//! ```text
//!            get, scan                    put, delete, lock
//!   Txn ───────┬───────── reads ─────┐ ┌──── writes ──── LockTable (who may write a key next)
//!              │         (remembered)│ │    (buffered)
//!              ▼                     ▼ ▼
//!          versions              Committer ── Recent: does what was read still hold?
//!              ▲                     │
//!              └──── one batch ◀─────┤ versions + changelog, fsynced, for a whole group
//!                                    ▼
//!                                Timeline: publishes the group's times
//! ```
//!
//! Words: a *version* is a key's value from one commit on; a *tombstone* is a version that says
//! the key is gone; the *read time* is when a transaction's reads happen, the *commit time* when
//! its writes do; to *refresh* is to move the read time forward after making sure that what was
//! read has not changed; the *changelog* lists the keys of each commit; the *GC line* is the
//! earliest readable time.
//!
//! Invariants:
//! - Commit times rise strictly, and are later than every time at which anyone has read.
//! - When `commit` returns, its writes are on disk and every new transaction sees them.
//! - Under serializable isolation, what a writing transaction read still holds at its commit time;
//!   so the commits, in the order of their times, are the whole story. A transaction that only
//!   reads happens at its read time and never fails.
//! - What a transaction holds in memory is bounded: its writes move to runs (`spilled`), its reads
//!   are merged into spans (`reads`), its locks are exchanged for indexes (`lock`). Its commit is
//!   whole or nothing all the same (`large`).
//! - Versions are immutable: history ends only below the GC line, and reading there is an error.
//! - After a write that failed no commit is taken until the store is opened again.
//!
//! What it is not: rows, tables or privileges; it sees keys and bytes.

mod changelog;
mod commit;
mod conflict;
mod export;
mod format;
mod gc;
mod ingest;
mod large;
mod lock;
mod meta;
mod reads;
mod run;
mod scan;
mod snapshot;
mod spilled;
mod timeline;
mod txn;
mod version;
mod writes;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Result, sqlstate};
use crate::keys::Span;
use crate::kv::{Batch, Durability, Family, SharedEngine, TIMESTAMP_BYTES};
use crate::settings::Settings;

pub use changelog::Changed;
pub use export::{ExportRequest, Exported, Exporter};
pub use format::newest as newest_format;
pub use gc::{GcStats, ProtectedRecord};
pub use ingest::BulkWriter;
pub use lock::{LockMode, WaitPolicy};
pub use scan::TxnScan;
pub use snapshot::{Snapshot, SnapshotScan};
pub use txn::{Isolation, Locked, SavepointId, ScanOptions, Txn, TxnOptions};

use commit::Committer;
use gc::Gc;
use lock::LockTable;
use timeline::{ReadGuard, Timeline};

/// What the owner of the store chooses.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Spans whose last change [`Mvcc::watched_version`] tells: the tables of the catalogue.
    pub watched: Vec<Span>,
    /// Where the limits of transactions are looked up.
    pub settings: Arc<Settings>,
    /// The engine takes no writes: the store is looked at, as it was left.
    pub read_only: bool,
    /// How far the clock may begin ahead of the machine's; no bound without.
    pub max_offset: Option<Duration>,
}

/// The versioned store. Shared by everyone.
pub struct Mvcc {
    engine: SharedEngine,
    clock: Arc<dyn Clock>,
    settings: Arc<Settings>,
    timeline: Arc<Timeline>,
    locks: Arc<LockTable>,
    committer: Committer,
    gc: Gc,
    next_id: AtomicU64,
}

impl Mvcc {
    /// Opens the store that an engine holds, or begins one. The clock is moved past every time
    /// that was ever handed out.
    pub fn open(
        engine: SharedEngine,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Arc<Mvcc>> {
        if options.read_only {
            format::check(&*engine)?;
        } else {
            format::bring_up_to_date(&*engine)?;
        }
        let mut seen = changelog::last_commit(&*engine)?;
        for name in [meta::BOUND_BY_COMMITS, meta::BOUND_WHILE_IDLE] {
            seen = seen.max(meta::time(&*engine, name)?.unwrap_or(Timestamp::MIN));
        }
        check_offset(&*clock, seen, options.max_offset)?;
        clock.observe(seen);
        let visible = clock.now();
        let gc = Gc::load(&*engine)?;
        let timeline = Timeline::new(clock.clone(), visible, options.watched.len());
        let locks = Arc::new(LockTable::new());
        let committer = Committer::new(
            engine.clone(),
            timeline.clone(),
            locks.clone(),
            options.watched,
            visible,
        );
        let (settings, next_id) = (options.settings, AtomicU64::new(1));
        let mvcc = Mvcc { engine, clock, settings, timeline, locks, committer, gc, next_id };
        if options.read_only {
            // Nobody comes after who could read at another time.
            mvcc.timeline.raise_bound(Timestamp::MAX);
        }
        mvcc.keep_bound_ahead(visible)?;
        // A store that cannot be written can still be read; compactions just drop nothing.
        if let Err(e) = mvcc.publish_gc_lines() {
            tracing::warn!(error = %e, "compactions do not know the GC lines yet");
        }
        Ok(Arc::new(mvcc))
    }

    /// The engine below, for metrics and checkpoints.
    pub fn engine(&self) -> &SharedEngine {
        &self.engine
    }

    /// The time, later than every time handed out before.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The latest time up to which every commit is readable.
    pub fn visible(&self) -> Timestamp {
        self.timeline.visible()
    }

    /// Begins a transaction.
    pub fn begin(self: &Arc<Self>, options: TxnOptions) -> Result<Txn> {
        if self.committer.is_closed() {
            return Err(commit::stopped());
        }
        let history = match options.as_of {
            Some(at) => self.read_from(at, at)?,
            None => self.read_latest(!options.read_only),
        };
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        Ok(Txn::new(self.clone(), id, options, history))
    }

    /// The database as of a time that is not in the future. Waits for commits under way.
    pub fn snapshot(self: &Arc<Self>, at: Timestamp) -> Result<Snapshot> {
        let history = self.read_from(at, at)?;
        Ok(Snapshot::new(self.clone(), at, history))
    }

    /// When something was last committed into the watched span of this number; the time of opening
    /// if nothing was since.
    pub fn watched_version(&self, i: usize) -> Timestamp {
        self.timeline.watched(i)
    }

    /// The latest of [`Mvcc::watched_version`] over several watched spans, in one look.
    pub fn watched_latest(&self, of: &[usize]) -> Timestamp {
        self.timeline.watched_latest(of)
    }

    /// How many keys are locked now.
    pub fn locked_keys(&self) -> usize {
        self.locks.len()
    }

    /// Whether a write failed in a way after which no more are taken until the store is opened
    /// again. Reads go on.
    pub fn needs_reopening(&self) -> bool {
        self.committer.is_poisoned()
    }

    /// Whether writes are taken: after one that was refused (the disk was full) another is tried.
    pub fn takes_writes(&self) -> bool {
        if self.needs_reopening() {
            return false;
        }
        if self.timeline.was_refused() {
            let tried = self.engine.write(Batch::new(), Durability::Synced);
            self.timeline.note_write(tried.is_ok());
        }
        !self.timeline.was_refused()
    }

    /// Takes no more transactions, lets commits under way end, and writes memory to disk.
    pub fn shutdown(&self) -> Result<()> {
        if self.committer.close() {
            return Ok(());
        }
        let mut batch = Batch::new();
        // With the time in the place of the bounds the clock starts without a leap.
        let end = self.timeline.begin_lowering_bound();
        meta::put_time(&mut batch, meta::BOUND_BY_COMMITS, end);
        meta::put_time(&mut batch, meta::BOUND_WHILE_IDLE, end);
        let written = self.engine.write(batch, Durability::Synced);
        self.timeline.end_moving_bound(written.is_ok().then_some(end));
        written?;
        self.engine.flush()
    }

    /// The newest value of a key at a time.
    fn read_at(&self, key: &[u8], at: Timestamp) -> Result<Option<Vec<u8>>> {
        Ok(self.version_at(key, at)?.and_then(|(_, value)| value))
    }

    /// The newest version of a key at a time; no value stands for a tombstone.
    fn version_at(
        &self,
        key: &[u8],
        at: Timestamp,
    ) -> Result<Option<(Timestamp, Option<Vec<u8>>)>> {
        let mut seek = Vec::with_capacity(key.len() + TIMESTAMP_BYTES);
        seek.extend_from_slice(key);
        seek.extend_from_slice(&version::stamp(at));
        let mut found = None;
        self.engine.first_version(Family::Versions, key, &seek, &mut |raw, stored| {
            found = Some(
                version::split(raw)
                    .and_then(|(_, at)| Ok((at, version::opened(stored)?.map(<[u8]>::to_vec)))),
            );
        })?;
        found.transpose()
    }

    /// A claim at the latest readable time. A store that cannot be written can still be read: then
    /// the time stands still below the bound of the clock, and so does what there is to read.
    fn read_latest(&self, writer: bool) -> ReadGuard {
        let history = self.timeline.read_latest(writer);
        if !self.timeline.is_near_bound(history.at()) {
            return history;
        }
        drop(history);
        // A failure is told to whoever writes, or reads at a time beyond the bound.
        let _ = self.keep_bound_ahead(self.timeline.visible());
        self.timeline.read_latest(writer)
    }

    /// Waits until every commit up to `at` is readable, and claims history from `keep` on.
    fn read_from(&self, at: Timestamp, keep: Timestamp) -> Result<ReadGuard> {
        let history = self.timeline.read_at(at, keep)?;
        self.keep_bound_ahead(at)?;
        Ok(history)
    }

    /// Makes sure that a time which is handed out lies below the bound that the store keeps: so the
    /// clock does not go back when the machine's clock was set back over a restart.
    fn keep_bound_ahead(&self, at: Timestamp) -> Result<()> {
        let Some(bound) = self.timeline.begin_moving_bound(at) else { return Ok(()) };
        let mut batch = Batch::new();
        meta::put_time(&mut batch, meta::BOUND_WHILE_IDLE, bound);
        let written = self.engine.write(batch, Durability::Synced);
        // While the disk is full every second brings another try; one line in the log is enough.
        let is_news = !self.timeline.was_refused();
        self.timeline.end_moving_bound(written.is_ok().then_some(bound));
        if let Err(e) = &written
            && is_news
        {
            tracing::warn!(error = %e, "the bound of the clock could not be written");
        }
        if self.timeline.is_below_bound(at) { Ok(()) } else { written }
    }
}

/// Refuses a store that has seen times far ahead of the machine's clock: new commits would have to
/// come after those, and everything that counts from now (history kept, AS OF, schedules) would
/// be wrong by that much until the machine's clock gets there.
fn check_offset(clock: &dyn Clock, seen: Timestamp, max: Option<Duration>) -> Result<()> {
    let Some(max) = max else { return Ok(()) };
    let now = clock.now();
    let ahead = Duration::from_nanos(seen.wall.saturating_sub(now.wall));
    if ahead > max {
        return Err(Error::new(
            sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!(
                "the store has seen times up to {seen}, {} seconds after the machine's clock ({now})",
                ahead.as_secs()
            ),
        )
        .with_hint(
            "Set the machine's clock right if it is behind. If it is the store that was ahead, \
             wait until the clock gets there, or start with --max-offset=off to go on from the \
             store's time.",
        ));
    }
    if ahead > Duration::from_nanos(timeline::BOUND_AHEAD_NANOS) {
        tracing::warn!(
            seconds = ahead.as_secs(),
            "the store's time is ahead of the machine's clock and waits for it"
        );
    }
    Ok(())
}
