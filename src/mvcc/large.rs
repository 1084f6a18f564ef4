//! The commit of a transaction whose writes did not fit into memory.
//!
//! ```text
//!   runs ─merge─▶ one write for each key ─┬─▶ changelog, in batches      1. synced
//!                                         └─▶ sorted run of versions     2. sealed
//!                                                     3. handed over: this is the commit
//! ```
//!
//! Why it is whole or nothing. The versions become part of the store in one step, when the engine
//! takes the sorted run over; before that step no reader and no recovery finds any of them, and
//! what was written of the run is a leftover file. The changelog is written first and must be on
//! disk before that step, because an incremental backup that misses a changed key would lose it.
//! When a crash or an error comes between, the changelog names keys at a time at which nothing was
//! written; a backup looks them up, finds no version, and goes on. The time itself is never handed
//! out again, since the clock is moved past the last time in the changelog when the store opens.
//!
//! Everything else is as for a small commit: the leader commits one group at a time, so what was
//! read is checked against all commits before this one; others are checked against spans, one for
//! each index, instead of keys (see `conflict`), which may turn somebody away needlessly but never
//! lets anybody pass wrongly. Readers do not see the time before it is published. An error before
//! the last step leaves a store that takes the next commit; after an error in that step nobody
//! knows, and the store takes no writes until it is opened again.

use super::commit::{Committer, Job, invalidated};
use super::version::version_key;
use super::writes::WriteSet;
use super::{changelog, meta};
use crate::clock::Timestamp;
use crate::error::{Result, sqlstate};
use crate::keys::{Key, Span};
use crate::kv::{Batch, Durability, Family};

/// Keys that are put into one batch of the changelog, in bytes.
const BATCH_BYTES: usize = 1 << 20;

impl Committer {
    /// Commits a job whose writes are in runs. Only the leader calls this.
    pub(super) fn commit_large(&self, job: &mut Job) -> Result<Timestamp> {
        let assigned = self.timeline.assign(1);
        let outcome = match assigned.times.first() {
            None => Err(crate::error::Error::internal("a commit got no time")),
            Some(at) => self.commit_large_at(job, *at, assigned.bound),
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
        bound: Option<Timestamp>,
    ) -> Result<Timestamp> {
        let spans: Vec<Span> = job.writes.spilled_spans().chain(&job.marked).cloned().collect();
        {
            let mut recent = self.recent.lock();
            recent.prune(self.timeline.oldest_writer());
            if recent.invalidates(&job.reads, job.read_at) {
                return Err(invalidated());
            }
            recent.insert(at, std::iter::empty(), &spans);
        }
        let mut run = self.engine.sorted_writer(Family::Versions)?;
        let mut writes = job.writes.within(&Span::all(), false)?;
        let (mut keys, mut bytes, mut number) = (Vec::<Key>::new(), 0, 0);
        while let Some((key, stored)) = writes.peek() {
            run.put(&version_key(key, at), stored)?;
            bytes += key.len();
            keys.push(key.to_vec());
            writes.step()?;
            if bytes >= BATCH_BYTES {
                let mut batch = Batch::new();
                number =
                    changelog::append_keys(&mut batch, at, number, keys.iter().map(Key::as_slice));
                self.log(batch, Durability::Buffered)?;
                keys.clear();
                bytes = 0;
            }
        }
        run.seal()?;
        let mut batch = Batch::new();
        changelog::append_keys(&mut batch, at, number, keys.iter().map(Key::as_slice));
        changelog::append_spans(&mut batch, at, &job.marked);
        if let Some(bound) = bound {
            meta::put_time(&mut batch, meta::BOUND_BY_COMMITS, bound);
        }
        self.log(batch, Durability::Synced)?;
        if let Some(bound) = bound {
            self.timeline.raise_bound(bound);
        }
        run.finish().inspect_err(|e| self.poison(e))?;
        Ok(at)
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
