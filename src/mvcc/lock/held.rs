//! The locks that one transaction has.

use std::collections::HashMap;

use super::{Asking, LockId, LockMode, LockSet, LockTable, ThroughState};
use crate::error::{Error, Result, sqlstate};

/// With so many locks, the limit is looked up for the first time.
const FIRST_LOOK: usize = 32;

/// A transaction may have so many times the limit of locks while no exchange is possible.
const PATIENCE: usize = 16;

/// The locks of a transaction.
pub(in crate::mvcc) struct Held {
    pub(super) locks: LockSet,
    /// Indexes that it has as a whole.
    pub(super) places: Vec<u64>,
    /// With so many locks there is something to do.
    look_at: usize,
    /// Locked keys whose newest version was read, so that it may be replaced whatever its time.
    latest: hashbrown::HashSet<u64, ThroughState>,
}

impl Default for Held {
    fn default() -> Held {
        Held {
            locks: LockSet::default(),
            places: Vec::new(),
            look_at: FIRST_LOOK,
            latest: hashbrown::HashSet::default(),
        }
    }
}

impl Held {
    /// Whether the transaction has the key's index as a whole: then nobody else writes there.
    pub(in crate::mvcc) fn has_index_of(&self, id: LockId) -> bool {
        self.places.contains(&id.place)
    }

    /// Takes a lock unless the transaction has it; false if it was skipped. `limit` tells how many
    /// locks on keys it may have, and is asked for only when there are some.
    pub(in crate::mvcc) fn take(
        &mut self,
        table: &LockTable,
        asking: Asking<'_>,
        id: LockId,
        mode: LockMode,
        limit: impl FnOnce() -> usize,
    ) -> Result<bool> {
        if self.locks.get(&id.hash).is_some_and(|held| *held >= mode) || self.has_index_of(id) {
            return Ok(true);
        }
        if self.locks.len() >= self.look_at {
            self.reduce(table, asking, limit())?;
            if self.has_index_of(id) {
                return Ok(true);
            }
        }
        table.acquire_key(asking, id, mode, &mut self.locks)
    }

    /// Exchanges locks on keys for locks on indexes if there are too many.
    fn reduce(&mut self, table: &LockTable, asking: Asking<'_>, limit: usize) -> Result<()> {
        let limit = limit.max(FIRST_LOOK);
        if self.locks.len() >= limit {
            let mut counts: HashMap<u64, usize> = HashMap::new();
            for place in self.locks.keys().filter_map(|lock| table.place_of(*lock)) {
                *counts.entry(place).or_default() += 1;
            }
            // Locks that stand for indexes cannot be exchanged.
            counts.remove(&u64::MAX);
            let mut fullest: Vec<(usize, u64)> = counts.into_iter().map(|(p, n)| (n, p)).collect();
            fullest.sort_unstable();
            while self.locks.len() > limit / 2
                && let Some((_, place)) = fullest.pop()
            {
                if table.exchange(asking, place, &mut self.locks)? {
                    self.places.push(place);
                }
            }
        }
        if self.locks.len() >= limit.saturating_mul(PATIENCE) {
            return Err(Error::new(
                sqlstate::OUT_OF_MEMORY,
                format!("the transaction has {} row locks, which is too many", self.locks.len()),
            )
            .with_hint(
                "Raise the cluster setting kv.transaction.max_row_locks, or write in several \
                 smaller transactions.",
            ));
        }
        self.look_at = limit.max(self.locks.len().saturating_mul(2));
        Ok(())
    }

    /// The newest version of a locked key was read.
    pub(in crate::mvcc) fn note_latest(&mut self, id: LockId) {
        self.latest.insert(id.hash);
    }

    /// Whether the newest version of a locked key was read.
    pub(in crate::mvcc) fn knows_latest(&self, id: LockId) -> bool {
        self.latest.contains(&id.hash)
    }
}
