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

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Result, sqlstate};

/// How far ahead of the clock its stored bound is put, in nanoseconds: after a crash the clock may
/// start this much ahead.
const BOUND_AHEAD_NANOS: u64 = 3_000_000_000;

/// The bound is moved when the clock is closer to it than this, in nanoseconds.
const BOUND_MARGIN_NANOS: u64 = 1_000_000_000;

pub(super) struct Timeline {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    published: Condvar,
    /// Nanoseconds of the clock's stored bound.
    bound: AtomicU64,
}

struct State {
    visible: Timestamp,
    in_flight: Option<(Timestamp, Timestamp)>,
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
                readers: BTreeMap::new(),
                writers: BTreeMap::new(),
                watched: vec![visible; watched],
            }),
            published: Condvar::new(),
            bound: AtomicU64::new(0),
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
        match state.in_flight {
            None => self.clock.now(),
            Some((first, _)) => first.prev(),
        }
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
                self.published.wait(&mut state);
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
            bound = self.move_bound(*last);
        }
        Assigned { times, bound }
    }

    /// Moves the stored bound of the clock if a time that is handed out came near it; the caller
    /// writes it down.
    pub(super) fn move_bound(&self, at: Timestamp) -> Option<Timestamp> {
        let old = self.bound.load(Ordering::Relaxed);
        if at.wall.saturating_add(BOUND_MARGIN_NANOS) < old {
            return None;
        }
        let new = at.wall.saturating_add(BOUND_AHEAD_NANOS);
        self.bound.fetch_max(new, Ordering::Relaxed);
        Some(Timestamp::from_nanos(new))
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
        self.published.notify_all();
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
