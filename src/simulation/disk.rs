//! A disk that knows what was synced, and a machine that can lose its power at any moment.
//!
//! ```text
//!            synced            written, not synced      being written
//!   ├──────────────────────┼──────┬──────┬──────┬ ─ ─ ─ ─ ─ ─ ┤
//!                          └ power loss cuts somewhere here ──┘
//! ```
//!
//! It keeps the contract of `kv` and no more: a crash leaves a prefix of the batches, at least all
//! that were synced. Runs that were ingested are on disk by themselves, whatever becomes of the
//! batches before them. Each call is a moment at which the machine may fail and at which another
//! thread may get its turn; a write has several: before anything is on disk, after the batch is in
//! the log, after the sync, after readers see it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::{Condvar, Mutex};

use super::chance::Chance;
use crate::error::{Error, Result, sqlstate};
use crate::keys::Span;
use crate::kv::memory::MemoryEngine;
use crate::kv::{
    Access, Batch, Cursor, Durability, Engine, Family, HistoryLines, Scratch, SortedWriter,
};
use crate::task::{self, Cause, Interrupt, turn};

/// How a machine goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// The process is killed: the operating system still writes what it was given.
    Kill,
    /// The power goes: what was not synced may be lost from some batch on.
    PowerLoss,
}

/// How a disk breaks its contract, to prove that the checks notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lie {
    /// It does not.
    #[default]
    None,
    /// A sync does nothing.
    NoSync,
    /// The last batch that survives a crash survives in part.
    TornBatch,
}

/// What happens to the machine, and when.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    /// Moments until it goes down, and how; never, if absent.
    pub(crate) crash: Option<(u64, Crash)>,
    /// Of a thousand synced writes, how many find the disk full.
    pub(crate) full: u64,
    /// Of a thousand synced writes, how many fail in the sync.
    pub(crate) sync_fails: u64,
    /// Whether other threads get turns at reads too, not only at writes.
    pub(crate) turns_at_reads: bool,
    /// How the disk breaks its contract.
    pub(crate) lie: Lie,
}

impl Fate {
    /// Nothing happens.
    pub(crate) fn calm() -> Fate {
        let lie = Lie::None;
        Fate { crash: None, full: 0, sync_fails: 0, turns_at_reads: false, lie }
    }
}

struct Platters {
    /// What would be found after losing power now.
    durable: MemoryEngine,
    /// Batches since, in their order.
    unsynced: Vec<Batch>,
    chance: Chance,
}

/// The engine of one start of the server.
pub(crate) struct Disk {
    /// What readers see.
    visible: MemoryEngine,
    platters: Mutex<Platters>,
    fate: Fate,
    moments: AtomicU64,
    off: AtomicBool,
    /// After a failed sync nothing is written any more, as in RocksDB.
    failed: AtomicBool,
    /// One write at a time.
    writing: Mutex<bool>,
    written: Condvar,
    /// Raised when the machine goes down, so that nobody sleeps on.
    interrupts: Mutex<Vec<Interrupt>>,
    after: Mutex<Option<MemoryEngine>>,
    /// For the runs that are written to it.
    me: Weak<Disk>,
}

impl Disk {
    /// A machine with an empty disk.
    pub(crate) fn empty(fate: Fate, chance: Chance) -> Arc<Disk> {
        Disk::over(MemoryEngine::new(), fate, chance)
    }

    fn over(found: MemoryEngine, fate: Fate, chance: Chance) -> Arc<Disk> {
        let platters = Platters { durable: found.crash(), unsynced: Vec::new(), chance };
        Arc::new_cyclic(|me| Disk {
            me: me.clone(),
            visible: found,
            platters: Mutex::new(platters),
            moments: AtomicU64::new(0),
            fate,
            off: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            writing: Mutex::new(false),
            written: Condvar::new(),
            interrupts: Mutex::new(Vec::new()),
            after: Mutex::new(None),
        })
    }

    /// Whether the machine went down.
    pub(crate) fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    /// Raises a signal when the machine goes down.
    pub(crate) fn tell(&self, interrupt: &Interrupt) {
        self.interrupts.lock().push(interrupt.clone());
    }

    /// Takes the machine down, unless it is.
    pub(crate) fn crash(&self, how: Crash) {
        if self.off.swap(true, Ordering::Relaxed) {
            return;
        }
        let platters = &mut *self.platters.lock();
        let whole = platters.unsynced.len() as u64;
        let survive = match how {
            Crash::Kill => whole,
            Crash::PowerLoss => platters.chance.below(whole + 1),
        };
        let mut survivors: Vec<Batch> = std::mem::take(&mut platters.unsynced);
        survivors.truncate(survive as usize);
        if self.fate.lie == Lie::TornBatch
            && let Some(last) = survivors.last_mut()
        {
            last.changes.truncate(last.changes.len() / 2);
        }
        let found = platters.durable.crash();
        for batch in survivors {
            found.write(batch, Durability::Synced).expect("memory takes every batch");
        }
        *self.after.lock() = Some(found);
        for interrupt in self.interrupts.lock().iter() {
            interrupt.raise(Cause::Shutdown);
        }
    }

    /// The machine as it starts again after it went down.
    pub(crate) fn restart(&self, fate: Fate) -> Arc<Disk> {
        let found = self.after.lock().take().expect("only a machine that went down starts again");
        let chance = self.platters.lock().chance.branch();
        Disk::over(found, fate, chance)
    }

    /// A moment passes: the machine may go down, others may go on.
    pub(crate) fn moment(&self) -> Result<()> {
        self.age();
        turn::step();
        self.check()
    }

    fn age(&self) {
        let moments = self.moments.fetch_add(1, Ordering::Relaxed);
        if let Some((at, how)) = self.fate.crash
            && moments >= at
        {
            self.crash(how);
        }
    }

    fn check(&self) -> Result<()> {
        if self.is_off() { Err(Error::io("the machine is off")) } else { Ok(()) }
    }

    fn read_moment(&self) -> Result<()> {
        if self.fate.turns_at_reads { self.moment() } else { self.check() }
    }

    fn write_in_turn(&self, batch: Batch, durability: Durability) -> Result<()> {
        self.moment()?;
        if self.failed.load(Ordering::Relaxed) {
            return Err(Error::io("the disk takes no writes after a failed sync"));
        }
        if durability == Durability::Synced {
            let (full, sync_fails) = {
                let chance = &mut self.platters.lock().chance;
                (chance.below(1_000) < self.fate.full, chance.below(1_000) < self.fate.sync_fails)
            };
            if full {
                return Err(Error::new(sqlstate::DISK_FULL, "no space left on device"));
            }
            self.platters.lock().unsynced.push(batch.clone());
            self.moment()?;
            if sync_fails {
                self.failed.store(true, Ordering::Relaxed);
                return Err(Error::io("could not fsync the log"));
            }
            let platters = &mut *self.platters.lock();
            if self.fate.lie != Lie::NoSync {
                for batch in platters.unsynced.drain(..) {
                    platters.durable.write(batch, Durability::Synced)?;
                }
            }
        } else {
            self.platters.lock().unsynced.push(batch.clone());
        }
        self.moment()?;
        self.visible.write(batch, Durability::Synced)?;
        self.moment()
    }
}

/// Holds the pen: one batch after another goes to the log and comes into view.
struct Pen<'a>(&'a Disk);

impl Drop for Pen<'_> {
    fn drop(&mut self) {
        *self.0.writing.lock() = false;
        self.0.written.notify_all();
    }
}

impl Engine for Disk {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read_moment()?;
        self.visible.get(family, key)
    }

    fn first_version(
        &self,
        family: Family,
        prefix: &[u8],
        seek: &[u8],
        found: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<bool> {
        self.read_moment()?;
        self.visible.first_version(family, prefix, seek, found)
    }

    fn cursor(&self, family: Family, span: &Span, access: Access) -> Result<Box<dyn Cursor>> {
        self.read_moment()?;
        self.visible.cursor(family, span, access)
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<()> {
        {
            let mut writing = self.writing.lock();
            while *writing {
                task::wait(&self.written, &mut writing);
            }
            *writing = true;
        }
        let _pen = Pen(self);
        self.write_in_turn(batch, durability)
    }

    fn sorted_writer(&self, family: Family) -> Result<Box<dyn SortedWriter>> {
        self.check()?;
        let visible = self.visible.sorted_writer(family)?;
        let durable = self.platters.lock().durable.sorted_writer(family)?;
        let disk = self.me.upgrade().ok_or_else(|| Error::io("the machine is gone"))?;
        Ok(Box::new(Run { disk, visible, durable }))
    }

    fn scratch(&self) -> &Scratch {
        self.visible.scratch()
    }

    fn flush(&self) -> Result<()> {
        self.check()?;
        let platters = &mut *self.platters.lock();
        for batch in platters.unsynced.drain(..) {
            platters.durable.write(batch, Durability::Synced)?;
        }
        Ok(())
    }

    fn compact(&self, family: Family, span: &Span) -> Result<()> {
        self.check()?;
        self.visible.compact(family, span)?;
        // Tables reach the platters on their own, not in the order of the log.
        self.platters.lock().durable.compact(family, span)
    }

    fn set_history_lines(&self, lines: HistoryLines) {
        self.visible.set_history_lines(lines.clone());
        self.platters.lock().durable.set_history_lines(lines);
    }

    fn erase(&self, family: Family, span: &Span) -> Result<()> {
        let mut batch = Batch::new();
        batch.delete_range(family, span.clone());
        self.write(batch, Durability::Synced)
    }

    fn approximate_bytes(&self, family: Family, span: &Span) -> Result<u64> {
        self.visible.approximate_bytes(family, span)
    }

    fn verify(&self) -> Result<()> {
        self.visible.verify()
    }

    fn checkpoint(&self, dir: &Path) -> Result<()> {
        self.visible.checkpoint(dir)
    }
}

/// A sorted run, which comes to view and to the platters at once.
struct Run {
    disk: Arc<Disk>,
    visible: Box<dyn SortedWriter>,
    durable: Box<dyn SortedWriter>,
}

impl SortedWriter for Run {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.visible.put(key, value)?;
        self.durable.put(key, value)
    }

    fn bytes(&self) -> u64 {
        self.visible.bytes()
    }

    fn seal(&mut self) -> Result<()> {
        self.disk.moment()
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.disk.moment()?;
        if self.disk.failed.load(Ordering::Relaxed) {
            return Err(Error::io("the disk takes no writes after a failed sync"));
        }
        self.durable.finish()?;
        self.visible.finish()?;
        self.disk.moment()
    }
}
