//! The commit of a transaction whose writes did not fit into memory.
//!
//! ```text
//!   ahead, while others commit                            as the leader
//!   runs ─merge─▶ one write for each key ─┬─▶ changelog   1. is the time still to come?
//!   with a time that is still to come     └─▶ sorted run  2. does what was read hold?
//!                                             (sealed)    3. rest of the changelog, synced
//!                                                         4. run handed over: the commit
//! ```
//!
//! Why it is whole or nothing. The versions become part of the store in one step, when the engine
//! takes the sorted run over; before that step no reader and no recovery finds any of them, and
//! what was written of the run is a leftover file. The changelog is written first and must be on
//! disk before that step, because an incremental backup that misses a changed key would lose it.
//! When a crash or an error comes between, the changelog names keys at a time at which nothing was
//! written; a backup looks them up, finds no version, and goes on.
//!
//! Why the time is right. Versions carry their time, and writing them may take minutes; so a time
//! in the near future is chosen, the versions are written with it, and the commit is led just
//! before it comes. If by then nobody has been given a later time, it is as good as one from the
//! clock, which is moved past it; else it is thrown away and the work done again with more time to
//! spare, in the end by the leader while others wait. Nobody else ever gets the same time: its
//! logical part is one that no clock counts up to, and has the transaction's number in it. After a
//! crash the clock is moved past the last time in the changelog.
//!
//! Everything else is as for a small commit: the leader commits one group at a time, so what was
//! read is checked against all commits before this one; others are checked against spans, one for
//! each index, instead of keys (see `conflict`), which may turn somebody away needlessly but never
//! lets anybody pass wrongly. Readers do not see the time before it is published. An error before
//! the last step leaves a store that takes the next commit; after an error in that step nobody
//! knows, and the store takes no writes until it is opened again.

use std::time::{Duration, Instant};

use super::commit::{Committer, Job, invalidated};
use super::lock::Owner;
use super::version::version_key;
use super::writes::WriteSet;
use super::{changelog, meta};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::keys::{Key, Span};
use crate::kv::{Batch, Durability, Family, SortedWriter};
use crate::task::Interrupt;

/// Keys that are put into one batch of the changelog, in bytes.
const BATCH_BYTES: usize = if cfg!(test) { 64 } else { 1 << 20 };

/// How much is thought to be written in a second, in bytes, before anything is known.
const BYTES_A_SECOND: u64 = 40 << 20;

/// Time to spare besides, in nanoseconds: for the groups that are committed before this one. The
/// clock is moved ahead by what is left of it.
const SPARE_NANOS: u64 = 250_000_000;

/// How often the work is done ahead before the leader does it.
const ATTEMPTS: usize = 3;

/// The clock is hardly moved ahead by more than this.
const AHEAD: Duration = Duration::from_millis(250);

/// Work that took less was not overtaken by time.
const JUMP: Duration = Duration::from_millis(200);

/// Added to the logical part of a chosen time: more than any clock counts within a nanosecond.
const CHOSEN: u32 = 1 << 31;

/// Lets time pass.
fn wait(mut time: Duration, interrupt: &Interrupt) -> Result<()> {
    while !time.is_zero() {
        interrupt.check()?;
        let step = time.min(Duration::from_millis(20));
        std::thread::sleep(step);
        time -= step;
    }
    Ok(())
}

/// Versions written with a time, and what is left of the changelog.
pub(super) struct Prepared {
    at: Timestamp,
    run: Box<dyn SortedWriter>,
    rest: Batch,
}

impl Committer {
    /// Writes the versions of a commit with a time that is still to come. Nothing if time went by
    /// too quickly: then the leader does it.
    pub(super) fn prepare_ahead(
        &self,
        owner: Owner,
        writes: &WriteSet,
        interrupt: &Interrupt,
    ) -> Result<Option<Prepared>> {
        let bytes = u128::from(writes.spilled_bytes()) * 1_000_000_000;
        let mut nanos = u64::try_from(bytes / u128::from(BYTES_A_SECOND)).unwrap_or(u64::MAX);
        for _ in 0..ATTEMPTS {
            let clock = self.timeline.clock();
            // What one commit has moved the clock ahead must not add to what the last one did.
            std::thread::sleep(clock.lead().min(AHEAD));
            let wall = clock.now().wall.saturating_add(nanos).saturating_add(SPARE_NANOS);
            let at = Timestamp { wall, logical: CHOSEN | owner as u32 };
            let begun = Instant::now();
            let prepared = self.prepare(writes, at, &|| interrupt.check())?;
            let took = begun.elapsed();
            let early = Duration::from_nanos(nanos).saturating_sub(took);
            wait(early, interrupt)?;
            if clock.now() < at {
                return Ok(Some(prepared));
            }
            // If it did not take long, the clock has jumped.
            if took > JUMP {
                nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).saturating_mul(2);
            }
        }
        Ok(None)
    }

    /// Commits a job whose writes are in runs. Only the leader calls this.
    pub(super) fn commit_large(&self, job: &mut Job) -> Result<Timestamp> {
        let chosen = job.prepared.take().and_then(|prepared| {
            self.timeline.assign_at(prepared.at).map(|assigned| (assigned, Some(prepared)))
        });
        let (assigned, prepared) = chosen.unwrap_or_else(|| (self.timeline.assign(1), None));
        let outcome = match assigned.times.first() {
            None => Err(Error::internal("a commit got no time")),
            Some(at) => self.commit_large_at(job, *at, prepared, assigned.bound),
        };
        let published = outcome.as_ref().ok().copied();
        let touched = match published {
            Some(at) => self.touched(job).into_iter().map(|i| (i, at)).collect(),
            None => Vec::new(),
        };
        self.timeline.publish(published, &touched);
        job.writes = WriteSet::default();
        outcome
    }

    fn commit_large_at(
        &self,
        job: &Job,
        at: Timestamp,
        prepared: Option<Prepared>,
        bound: Option<Timestamp>,
    ) -> Result<Timestamp> {
        let spans: Vec<Span> =
            job.writes.spilled_spans().chain(&job.marked).chain(&job.left).cloned().collect();
        {
            let mut recent = self.recent.lock();
            recent.prune(self.timeline.oldest_writer());
            if recent.invalidates(&job.reads, job.read_at) {
                return Err(invalidated());
            }
            recent.insert(at, std::iter::empty(), &spans);
        }
        let Prepared { run, mut rest, .. } = match prepared {
            Some(prepared) => prepared,
            None => self.prepare(&job.writes, at, &|| Ok(()))?,
        };
        changelog::append_spans(&mut rest, at, &job.marked);
        if let Some(bound) = bound {
            meta::put_time(&mut rest, meta::BOUND_BY_COMMITS, bound);
        }
        self.log(rest, Durability::Synced)?;
        if let Some(bound) = bound {
            self.timeline.raise_bound(bound);
        }
        run.finish().inspect_err(|e| self.poison(e))?;
        Ok(at)
    }

    /// Writes the versions, which nobody sees yet, and all but the end of the changelog.
    fn prepare(
        &self,
        writes: &WriteSet,
        at: Timestamp,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<Prepared> {
        let mut run = self.engine.sorted_writer(Family::Versions)?;
        let mut writes = writes.within(&Span::all(), false)?;
        let (mut keys, mut bytes, mut number) = (Vec::<Key>::new(), 0, 0);
        while let Some((key, stored)) = writes.peek() {
            run.put(&version_key(key, at), stored)?;
            bytes += key.len();
            keys.push(key.to_vec());
            writes.step()?;
            if bytes >= BATCH_BYTES {
                check()?;
                let mut batch = Batch::new();
                let sorted = keys.iter().map(Key::as_slice);
                number = changelog::append_keys(&mut batch, at, number, sorted);
                self.log(batch, Durability::Buffered)?;
                keys.clear();
                bytes = 0;
            }
        }
        run.seal()?;
        let mut rest = Batch::new();
        changelog::append_keys(&mut rest, at, number, keys.iter().map(Key::as_slice));
        Ok(Prepared { at, run, rest })
    }

    fn log(&self, batch: Batch, durability: Durability) -> Result<()> {
        self.engine.write(batch, durability).inspect_err(|e| {
            self.timeline.note_write(false);
            if e.code() != sqlstate::DISK_FULL {
                self.poison(e);
            }
        })
    }
}
