//! Locks on whole indexes, in exchange for very many locks on keys.
//!
//! ```text
//!   T (very many locks)                           others
//!   takes the lock that stands for the index
//!   announces it ───────────────────────────────▶ take their key's lock, then look: announced?
//!   takes every key lock that others have there     no lock there before: give the key's lock
//!   gives back all key locks of the index             back, wait for the index's, try again
//!                                                   some before: go on, T waits for them
//! ```
//!
//! A key's lock and the announcement are both looked at under the lock of the table's shard: either
//! the other one sees the announcement, or T finds its lock. Whoever has locks in the index already
//! may take more, because T waits for it; so no circle closes that was not there before. T waits
//! for a short while only, and goes on with its key locks if the others do not end: an exchange
//! saves memory and is not worth a standstill.
//!
//! The lock on an index is always exclusive, and is an ordinary lock: waiting for it, deadlocks,
//! time limits and interrupts are those of all locks. A key whose hash is another's counts for the
//! index that came first; with 64 bits nobody will see that happen.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use super::{Asking, LockId, LockMode, LockSet, LockTable, Owner, WaitPolicy};
use crate::error::{Result, sqlstate};

/// How long an exchange waits for each lock that somebody else has.
const WAIT: Duration = Duration::from_millis(500);

/// The indexes that are locked as a whole.
#[derive(Default)]
pub(super) struct Whole {
    /// How many there are: nearly always none, which is all that others look at.
    count: AtomicUsize,
    owners: RwLock<HashMap<u64, Owner>>,
}

impl Whole {
    fn announce(&self, place: u64, owner: Owner) {
        self.owners.write().insert(place, owner);
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn forget(&self, place: u64) {
        if self.owners.write().remove(&place).is_some() {
            self.count.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn owner(&self, place: u64) -> Option<Owner> {
        if self.count.load(Ordering::SeqCst) == 0 {
            return None;
        }
        self.owners.read().get(&place).copied()
    }
}

impl LockTable {
    /// The lock that stands for an index.
    fn whole_id(&self, place: u64) -> LockId {
        use std::hash::BuildHasher;
        // Belongs to no index itself: no table has this number.
        LockId { hash: self.hasher.hash_one(("index", place)), place: u64::MAX }
    }

    pub(super) fn place_of(&self, lock: u64) -> Option<u64> {
        self.locks.get(&lock).map(|state| state.place)
    }

    /// Takes a key's lock, with respect to whoever has its index. False: it was skipped.
    pub(super) fn acquire_key(
        &self,
        asking: Asking<'_>,
        id: LockId,
        mode: LockMode,
        locks: &mut LockSet,
    ) -> Result<bool> {
        loop {
            if !self.acquire(asking, id, mode)? {
                return Ok(false);
            }
            let free = match self.whole.owner(id.place) {
                None => true,
                Some(owner) => {
                    owner == asking.owner
                        || locks.keys().any(|lock| self.place_of(*lock) == Some(id.place))
                }
            };
            if free {
                locks.insert(id.hash, mode);
                return Ok(true);
            }
            self.release_one(asking.owner, id.hash);
            let whole = self.whole_id(id.place);
            if !self.acquire(asking, whole, LockMode::Shared)? {
                return Ok(false);
            }
            locks.entry(whole.hash).or_insert(LockMode::Shared);
        }
    }

    /// Exchanges a transaction's locks on keys of an index for the index. False if that cannot be
    /// done now.
    pub(super) fn exchange(
        &self,
        asking: Asking<'_>,
        place: u64,
        locks: &mut LockSet,
    ) -> Result<bool> {
        let whole = self.whole_id(place);
        let skipping = Asking { policy: WaitPolicy::Skip, ..asking };
        if !self.acquire(skipping, whole, LockMode::Exclusive)? {
            return Ok(false);
        }
        let shared_before = locks.insert(whole.hash, LockMode::Exclusive).is_some();
        self.whole.announce(place, asking.owner);
        match self.take_from_others(asking, place, locks) {
            Ok(()) => {}
            Err(e) => {
                self.whole.forget(place);
                if !shared_before {
                    locks.remove(&whole.hash);
                    self.release_one(asking.owner, whole.hash);
                }
                let code = e.code();
                if code == sqlstate::DEADLOCK_DETECTED || code == sqlstate::LOCK_NOT_AVAILABLE {
                    return Ok(false);
                }
                return Err(e);
            }
        }
        let needless: Vec<u64> =
            locks.keys().copied().filter(|lock| self.place_of(*lock) == Some(place)).collect();
        for lock in needless {
            locks.remove(&lock);
            self.release_one(asking.owner, lock);
        }
        Ok(true)
    }

    /// Takes the locks on keys of an index that others have, until there are none.
    fn take_from_others(&self, asking: Asking<'_>, place: u64, locks: &mut LockSet) -> Result<()> {
        let limit = Some(asking.limit.map_or(WAIT, |limit| limit.min(WAIT)));
        let asking = Asking { policy: WaitPolicy::Wait, limit, ..asking };
        loop {
            let of_others: Vec<u64> = self
                .locks
                .iter()
                .filter(|state| state.place == place)
                .filter(|state| state.holders().any(|(owner, _)| owner != asking.owner))
                .map(|state| *state.key())
                .collect();
            if of_others.is_empty() {
                return Ok(());
            }
            for hash in of_others {
                self.acquire(asking, LockId { hash, place }, LockMode::Exclusive)?;
                locks.insert(hash, LockMode::Exclusive);
            }
        }
    }
}
