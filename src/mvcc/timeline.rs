//! Which times may be read, who reads at which time, and which times commits get.
//!
//! ```text
//!      readable                      being written         not yet
//!   ───────────────────────────┬────────────────────┬─────────────▶ time
//!                  visible ────┘   first .. last     └─ the clock
//! ```
//!
//! A commit takes its time from the clock under this lock; a reader's time is the clock's, or just
//! before the commits in flight. So a time that was handed to a reader is never taken by a later
//! commit.
//!
//! Nor by one after a restart: the store keeps a *bound*, and the clock starts beyond it. Nobody
//! reads at the bound or above before a higher one is on disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Result, sqlstate};
use crate::task;

/// How far ahead of the clock its stored bound is put, in nanoseconds: after a crash the clock may
/// start this much ahead.
pub(super) const BOUND_AHEAD_NANOS: u64 = 3_000_000_000;

/// The bound is moved when the clock is closer to it than this, in nanoseconds.
const BOUND_MARGIN_NANOS: u64 = 1_000_000_000;

pub(super) struct Timeline {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Rung when a group was published, and when the bound was moved or could not be.
    changed: Condvar,
    /// Nanoseconds of the bound that is on disk.
    bound: AtomicU64,
    /// Whether the last write was refused.
    refused: AtomicBool,
}

struct State {
    visible: Timestamp,
    in_flight: Option<(Timestamp, Timestamp)>,
    /// Whether somebody writes a higher bound.
    moves_bound: bool,
    /// When that last failed.
    bound_failed: Timestamp,
    /// Everyone who reads, by time: history is kept for them.
    readers: BTreeMap<Timestamp, usize>,
    /// Those among them who may commit: recent writes are remembered for them.
    writers: BTreeMap<Timestamp, usize>,
    watched: Vec<Timestamp>,
}

/// A reader's claim on history. Dropping it gives the history up.
pub(super) struct ReadGuard {
    timeline: Arc<Timeline>,
    at: Timestamp,
    writer: bool,
}

impl ReadGuard {
    pub(super) fn at(&self) -> Timestamp {
        self.at
    }
}

impl Drop for ReadGuard {
    fn drop(&mut self) {
        let mut state = self.timeline.state.lock();
        leave(&mut state.readers, self.at);
        if self.writer {
            leave(&mut state.writers, self.at);
        }
    }
}

/// A bound that serves for a while.
fn ahead_of(at: Timestamp) -> Timestamp {
    Timestamp::from_nanos(at.wall).plus_nanos(BOUND_AHEAD_NANOS)
}

fn enter(crowd: &mut BTreeMap<Timestamp, usize>, at: Timestamp) {
    *crowd.entry(at).or_default() += 1;
}

fn leave(crowd: &mut BTreeMap<Timestamp, usize>, at: Timestamp) {
    if let Some(count) = crowd.get_mut(&at) {
        *count -= 1;
        if *count == 0 {
            crowd.remove(&at);
        }
    }
}

/// Times for a group of commits.
pub(super) struct Assigned {
    pub(super) times: Vec<Timestamp>,
    /// The clock's new bound, to be written with the group.
    pub(super) bound: Option<Timestamp>,
}

impl Timeline {
    pub(super) fn new(clock: Arc<dyn Clock>, visible: Timestamp, watched: usize) -> Arc<Self> {
        Arc::new(Timeline {
            clock,
            state: Mutex::new(State {
                visible,
                in_flight: None,
                moves_bound: false,
                bound_failed: Timestamp::MIN,
                readers: BTreeMap::new(),
                writers: BTreeMap::new(),
                watched: vec![visible; watched],
            }),
            changed: Condvar::new(),
            bound: AtomicU64::new(0),
            refused: AtomicBool::new(false),
        })
    }

    fn guard(self: &Arc<Self>, state: &mut State, at: Timestamp, writer: bool) -> ReadGuard {
        enter(&mut state.readers, at);
        if writer {
            enter(&mut state.writers, at);
        }
        ReadGuard { timeline: self.clone(), at, writer }
    }

    fn readable(&self, state: &State) -> Timestamp {
        let latest = match state.in_flight {
            None => self.clock.now(),
            Some((first, _)) => first.prev(),
        };
        // Whatever is published lies below the bound.
        latest.min(Timestamp::from_nanos(self.bound.load(Ordering::Relaxed)).prev())
    }

    /// The latest time at which everything is readable.
    pub(super) fn visible(&self) -> Timestamp {
        self.readable(&self.state.lock())
    }

    /// A claim at the latest readable time.
    pub(super) fn read_latest(self: &Arc<Self>, writer: bool) -> ReadGuard {
        let mut state = self.state.lock();
        let at = self.readable(&state);
        self.guard(&mut state, at, writer)
    }

    /// Waits until every commit up to `at` is readable, and claims history from `keep` on.
    /// A time in the future is refused.
    pub(super) fn read_at(self: &Arc<Self>, at: Timestamp, keep: Timestamp) -> Result<ReadGuard> {
        let mut state = self.state.lock();
        if at > state.visible {
            let now = self.clock.now();
            if at > now {
                return Err(Error::new(
                    sqlstate::INVALID_PARAMETER_VALUE,
                    format!("cannot read at {at}: it is in the future, now is {now}"),
                ));
            }
            while state.in_flight.is_some_and(|(first, _)| first <= at) {
                task::wait(&self.changed, &mut state);
            }
        }
        Ok(self.guard(&mut state, keep, false))
    }

    /// Takes times for `count` commits and puts them in flight.
    pub(super) fn assign(&self, count: usize) -> Assigned {
        let mut state = self.state.lock();
        let times: Vec<Timestamp> = (0..count).map(|_| self.clock.now()).collect();
        let mut bound = None;
        if let (Some(first), Some(last)) = (times.first(), times.last()) {
            state.in_flight = Some((*first, *last));
            bound = self.is_near_bound(*last).then(|| ahead_of(*last));
        }
        Assigned { times, bound }
    }

    /// The clock.
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Puts a commit in flight at a time of its own choice, unless that time has come already. The
    /// clock is moved past it.
    pub(super) fn assign_at(&self, at: Timestamp) -> Option<Assigned> {
        let mut state = self.state.lock();
        if self.clock.now() >= at {
            return None;
        }
        self.clock.observe(at);
        state.in_flight = Some((at, at));
        let bound = self.is_near_bound(at).then(|| ahead_of(at));
        Some(Assigned { times: vec![at], bound })
    }

    /// Whether a time comes near the bound, or is beyond it.
    pub(super) fn is_near_bound(&self, at: Timestamp) -> bool {
        at.wall.saturating_add(BOUND_MARGIN_NANOS) >= self.bound.load(Ordering::Relaxed)
    }

    /// Whether a time may be read at already.
    pub(super) fn is_below_bound(&self, at: Timestamp) -> bool {
        at.wall < self.bound.load(Ordering::Relaxed)
    }

    /// Begins to move the bound, if a time comes near it: the caller writes the new one down and
    /// then calls [`Timeline::end_moving_bound`]. For a time below the bound nobody waits, and
    /// after a failure nobody tries again at once.
    pub(super) fn begin_moving_bound(&self, at: Timestamp) -> Option<Timestamp> {
        let mut state = self.state.lock();
        while self.is_near_bound(at) {
            let now = self.clock.now();
            let early = now < state.bound_failed.plus_nanos(BOUND_MARGIN_NANOS);
            if self.is_below_bound(at) && (early || state.moves_bound) {
                return None;
            }
            if !state.moves_bound {
                state.moves_bound = true;
                return Some(ahead_of(at.max(now)));
            }
            task::wait(&self.changed, &mut state);
        }
        None
    }

    /// The bound that was to be moved is on disk, or could not be written.
    pub(super) fn end_moving_bound(&self, written: Option<Timestamp>) {
        let mut state = self.state.lock();
        state.moves_bound = false;
        self.note_write(written.is_some());
        match written {
            Some(bound) => self.raise_bound(bound),
            None => state.bound_failed = self.clock.now(),
        }
        self.changed.notify_all();
    }

    /// Begins to move the bound back to just after the time, for an end after which nobody reads.
    pub(super) fn begin_lowering_bound(&self) -> Timestamp {
        let mut state = self.state.lock();
        while state.moves_bound {
            task::wait(&self.changed, &mut state);
        }
        state.moves_bound = true;
        let bound = Timestamp::from_nanos(self.clock.now().wall.saturating_add(1));
        self.bound.store(bound.wall, Ordering::Relaxed);
        bound
    }

    /// A bound is on disk.
    pub(super) fn raise_bound(&self, bound: Timestamp) {
        self.bound.fetch_max(bound.wall, Ordering::Relaxed);
    }

    /// Remembers whether a write was taken.
    pub(super) fn note_write(&self, taken: bool) {
        // Nearly always it is what it was, and nobody's cache line is bothered.
        if self.was_refused() == taken {
            self.refused.store(!taken, Ordering::Relaxed);
        }
    }

    /// Whether the last write was refused.
    pub(super) fn was_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Ends the group in flight. `last` is the time of its last commit if there was one that was
    /// written; `touched` are the watched spans that it wrote into, with their times.
    pub(super) fn publish(&self, last: Option<Timestamp>, touched: &[(usize, Timestamp)]) {
        let mut state = self.state.lock();
        state.in_flight = None;
        if let Some(last) = last {
            state.visible = last;
        }
        for (at, time) in touched {
            if let Some(watched) = state.watched.get_mut(*at) {
                *watched = *time;
            }
        }
        self.changed.notify_all();
    }

    pub(super) fn watched(&self, at: usize) -> Timestamp {
        let state = self.state.lock();
        state.watched.get(at).copied().unwrap_or(state.visible)
    }

    pub(super) fn watched_latest(&self, of: &[usize]) -> Timestamp {
        let state = self.state.lock();
        of.iter().filter_map(|i| state.watched.get(*i)).max().copied().unwrap_or(state.visible)
    }

    /// The oldest time at which a transaction that may write still reads; the latest readable time
    /// if there is none.
    pub(super) fn oldest_writer(&self) -> Timestamp {
        let state = self.state.lock();
        state.writers.keys().next().copied().unwrap_or(state.visible)
    }

    /// Calls `decide` with the oldest time that anyone reads at (or the latest readable one)
    /// while no new reader can come.
    pub(super) fn with_oldest_reader<T>(&self, decide: impl FnOnce(Timestamp) -> T) -> T {
        let state = self.state.lock();
        let readable = self.readable(&state);
        decide(state.readers.keys().next().copied().unwrap_or(readable).min(readable))
    }
}
