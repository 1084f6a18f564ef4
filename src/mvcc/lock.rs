//! Row locks: who may write a key next.
//!
//! ```text
//!   hash of the key ─▶ holders: T1 shared, T2 shared
//!                      queue:   T3 exclusive ─ T4 shared ─ …   first come, first served
//! ```
//!
//! Locks stand for keys by a 64-bit hash: two keys with one hash only wait for each other. A
//! reader never asks for a lock. Whoever would close a circle of waiters gets 40P01 at once.
//! Whoever has very many locks exchanges them for whole indexes (see `lock/whole.rs`).

mod held;
mod whole;

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use parking_lot::{Condvar, Mutex};

pub(super) use held::Held;

use crate::error::{Error, Result, sqlstate};
use crate::keys::PREFIX_BYTES;
use crate::task::Interrupt;

/// What a lock keeps others from doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockMode {
    /// Others may share, nobody may write.
    Shared,
    /// Nobody else may lock or write.
    Exclusive,
}

/// What to do when somebody else holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitPolicy {
    /// Wait for it.
    Wait,
    /// Fail with 55P03.
    NoWait,
    /// Go without it.
    Skip,
}

/// A transaction's number.
pub(super) type Owner = u64;

/// How long one sleep is when there is no time limit.
const LONG_WAIT: Duration = Duration::from_secs(3_600);

/// Hands a hash through as it is: the keys of the table are hashes already.
#[derive(Default)]
pub(super) struct Through(u64);

impl Hasher for Through {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

pub(super) type ThroughState = BuildHasherDefault<Through>;

/// The locks of one transaction.
type LockSet = hashbrown::HashMap<u64, LockMode, ThroughState>;

/// What stands for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LockId {
    /// The hash of the key.
    pub(super) hash: u64,
    /// The index that the key belongs to: its first bytes.
    place: u64,
}

/// Who asks for locks, and how long it waits.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) owner: Owner,
    pub(super) policy: WaitPolicy,
    /// How long to wait for one lock; for ever if absent.
    pub(super) limit: Option<Duration>,
    pub(super) interrupt: &'a Interrupt,
}

pub(super) struct LockTable {
    hasher: hashbrown::DefaultHashBuilder,
    locks: DashMap<u64, LockState, ThroughState>,
    /// What each waiting transaction waits for.
    waits: Mutex<HashMap<Owner, u64>>,
    whole: whole::Whole,
}

struct LockState {
    place: u64,
    /// The usual single holder is kept in place.
    first: (Owner, LockMode),
    crowd: Option<Box<Crowd>>,
}

#[derive(Default)]
struct Crowd {
    holders: Vec<(Owner, LockMode)>,
    queue: VecDeque<Waiter>,
}

struct Waiter {
    owner: Owner,
    mode: LockMode,
    slot: Arc<Slot>,
}

#[derive(Default)]
struct Slot {
    granted: Mutex<bool>,
    bell: Condvar,
}

/// How a request without waiting ended.
enum Tried {
    Granted,
    Busy,
    Queued(Arc<Slot>),
}

impl LockState {
    fn holders(&self) -> impl Iterator<Item = (Owner, LockMode)> {
        std::iter::once(self.first)
            .chain(self.crowd.iter().flat_map(|crowd| crowd.holders.iter().copied()))
    }

    fn mode_of(&self, owner: Owner) -> Option<LockMode> {
        self.holders().find(|(holder, _)| *holder == owner).map(|(_, mode)| mode)
    }

    fn admits(&self, owner: Owner, mode: LockMode) -> bool {
        self.holders().all(|(holder, held)| {
            holder == owner || (held == LockMode::Shared && mode == LockMode::Shared)
        })
    }

    fn queue_is_empty(&self) -> bool {
        self.crowd.as_ref().is_none_or(|crowd| crowd.queue.is_empty())
    }

    fn hold(&mut self, owner: Owner, mode: LockMode) {
        if self.first.0 == owner {
            self.first.1 = mode;
            return;
        }
        let crowd = self.crowd.get_or_insert_default();
        match crowd.holders.iter_mut().find(|(holder, _)| *holder == owner) {
            Some(held) => held.1 = mode,
            None => crowd.holders.push((owner, mode)),
        }
    }

    /// Takes a holder away; false if it was the last one.
    fn drop_holder(&mut self, owner: Owner) -> bool {
        let crowd = self.crowd.as_mut();
        if self.first.0 != owner {
            if let Some(crowd) = crowd {
                crowd.holders.retain(|(holder, _)| *holder != owner);
            }
            return true;
        }
        match crowd.and_then(|crowd| crowd.holders.pop()) {
            Some(next) => {
                self.first = next;
                true
            }
            None => false,
        }
    }

    /// Lets waiters in from the front for as long as they get along with the holders. With
    /// `vacant` nobody holds the lock; false if nobody does in the end.
    fn admit_waiters(&mut self, mut vacant: bool) -> bool {
        loop {
            let Some(front) = self.crowd.as_ref().and_then(|crowd| crowd.queue.front()) else {
                return !vacant;
            };
            let (owner, mode) = (front.owner, front.mode);
            if !vacant && !self.admits(owner, mode) {
                return true;
            }
            let waiter = self.crowd.as_mut().and_then(|crowd| crowd.queue.pop_front());
            if vacant {
                self.first = (owner, mode);
                vacant = false;
            } else {
                self.hold(owner, mode);
            }
            if let Some(waiter) = waiter {
                *waiter.slot.granted.lock() = true;
                waiter.slot.bell.notify_all();
            }
        }
    }
}

impl LockTable {
    pub(super) fn new() -> Self {
        LockTable {
            hasher: hashbrown::DefaultHashBuilder::default(),
            locks: DashMap::with_hasher(ThroughState::default()),
            waits: Mutex::new(HashMap::new()),
            whole: whole::Whole::default(),
        }
    }

    /// What stands for a key.
    pub(super) fn id(&self, key: &[u8]) -> LockId {
        let mut place = [0; PREFIX_BYTES];
        let known = key.len().min(PREFIX_BYTES);
        place[..known].copy_from_slice(&key[..known]);
        LockId { hash: self.hasher.hash_one(key), place: u64::from_be_bytes(place) }
    }

    /// Takes a lock for a transaction that does not have it in this mode yet. False: it was
    /// skipped.
    fn acquire(&self, asking: Asking<'_>, id: LockId, mode: LockMode) -> Result<bool> {
        let Asking { owner, policy, limit, interrupt } = asking;
        let lock = id.hash;
        let slot = match self.attempt(owner, id, mode, policy) {
            Tried::Granted => return Ok(true),
            Tried::Queued(slot) => slot,
            Tried::Busy if policy == WaitPolicy::Skip => return Ok(false),
            Tried::Busy => {
                return Err(Error::new(
                    sqlstate::LOCK_NOT_AVAILABLE,
                    "could not obtain lock on row",
                ));
            }
        };
        let outcome = match self.check_circle(owner, lock) {
            Ok(()) => {
                interrupt.set_waits_for_lock(true);
                let outcome = wait(&slot, limit, interrupt);
                interrupt.set_waits_for_lock(false);
                outcome
            }
            Err(e) => Err(e),
        };
        self.waits.lock().remove(&owner);
        match outcome {
            Ok(()) => Ok(true),
            // Granted in the last moment: then the transaction has it, whatever else happened.
            Err(e) => {
                if self.leave_queue(owner, lock) {
                    Err(e)
                } else {
                    Ok(true)
                }
            }
        }
    }

    fn attempt(&self, owner: Owner, id: LockId, mode: LockMode, policy: WaitPolicy) -> Tried {
        match self.locks.entry(id.hash) {
            Entry::Vacant(vacant) => {
                vacant.insert(LockState { place: id.place, first: (owner, mode), crowd: None });
                Tried::Granted
            }
            Entry::Occupied(mut occupied) => {
                let state = occupied.get_mut();
                let upgrade = match state.mode_of(owner) {
                    Some(held) if held >= mode => return Tried::Granted,
                    held => held.is_some(),
                };
                if (upgrade || state.queue_is_empty()) && state.admits(owner, mode) {
                    state.hold(owner, mode);
                    return Tried::Granted;
                }
                if policy != WaitPolicy::Wait {
                    return Tried::Busy;
                }
                let slot = Arc::new(Slot::default());
                let waiter = Waiter { owner, mode, slot: slot.clone() };
                let queue = &mut state.crowd.get_or_insert_default().queue;
                // Whoever holds the lock already would block those before it in the queue.
                if upgrade {
                    queue.push_front(waiter)
                } else {
                    queue.push_back(waiter)
                }
                Tried::Queued(slot)
            }
        }
    }

    /// Fails if the wait that begins closes a circle. Of two that close one together, the second
    /// sees both, because each is in its queue before it looks.
    fn check_circle(&self, owner: Owner, lock: u64) -> Result<()> {
        let mut waits = self.waits.lock();
        waits.insert(owner, lock);
        let mut seen = HashSet::new();
        let mut to_visit = vec![owner];
        while let Some(waiter) = to_visit.pop() {
            let Some(lock) = waits.get(&waiter) else { continue };
            for blocker in self.blockers(waiter, *lock) {
                if blocker == owner {
                    return Err(Error::new(sqlstate::DEADLOCK_DETECTED, "deadlock detected")
                        .with_hint("Lock rows in the same order everywhere, and retry."));
                }
                if seen.insert(blocker) {
                    to_visit.push(blocker);
                }
            }
        }
        Ok(())
    }

    /// For whom a queued transaction waits: the holders, and those before it in the queue.
    fn blockers(&self, owner: Owner, lock: u64) -> Vec<Owner> {
        let Some(state) = self.locks.get(&lock) else { return Vec::new() };
        let Some(crowd) = &state.crowd else { return Vec::new() };
        let Some(place) = crowd.queue.iter().position(|w| w.owner == owner) else {
            return Vec::new();
        };
        let mode = crowd.queue[place].mode;
        let clash = |other: LockMode| other == LockMode::Exclusive || mode == LockMode::Exclusive;
        let ahead = crowd.queue.iter().take(place).map(|w| (w.owner, w.mode));
        state
            .holders()
            .chain(ahead)
            .filter(|(other, held)| *other != owner && clash(*held))
            .map(|(other, _)| other)
            .collect()
    }

    /// Takes a transaction out of a queue; false if it was not there any more.
    fn leave_queue(&self, owner: Owner, lock: u64) -> bool {
        let Some(mut state) = self.locks.get_mut(&lock) else { return false };
        let Some(crowd) = &mut state.crowd else { return false };
        let Some(place) = crowd.queue.iter().position(|w| w.owner == owner) else { return false };
        crowd.queue.remove(place);
        state.admit_waiters(false);
        true
    }

    /// Gives back one lock of a transaction.
    fn release_one(&self, owner: Owner, lock: u64) {
        if let Entry::Occupied(mut occupied) = self.locks.entry(lock) {
            let held = occupied.get_mut().drop_holder(owner);
            if !occupied.get_mut().admit_waiters(!held) {
                occupied.remove();
            }
        }
    }

    /// Gives back every lock of a transaction.
    pub(super) fn release(&self, owner: Owner, held: &mut Held) {
        for place in held.places.drain(..) {
            self.whole.forget(place);
        }
        for (lock, _) in held.locks.drain() {
            self.release_one(owner, lock);
        }
    }

    /// How many wait in a lock's queue.
    #[cfg(test)]
    pub(super) fn waiters(&self, lock: u64) -> usize {
        let state = self.locks.get(&lock);
        state.and_then(|s| s.crowd.as_ref().map(|crowd| crowd.queue.len())).unwrap_or(0)
    }

    /// How many keys are locked now.
    pub(super) fn len(&self) -> usize {
        self.locks.len()
    }
}

fn wait(slot: &Slot, limit: Option<Duration>, interrupt: &Interrupt) -> Result<()> {
    let until = limit.map(|limit| Instant::now() + limit);
    let mut granted = slot.granted.lock();
    while !*granted {
        let left = match until {
            None => LONG_WAIT,
            Some(until) => until.saturating_duration_since(Instant::now()),
        };
        if left.is_zero() {
            return Err(Error::new(
                sqlstate::LOCK_NOT_AVAILABLE,
                "canceling statement due to lock timeout",
            ));
        }
        interrupt.wait_on(&slot.bell, &mut granted, left)?;
    }
    Ok(())
}
