//! Identifiers that order by time: job ids, hidden row ids, unique file names.
//!
//! The shape is CockroachDB's `unique_rowid()`: tens of microseconds since 2015 in the high bits
//! and fifteen low bits of tie-breaker, so that an id is a positive INT8 of about 18 digits and
//! later ids are larger.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{Clock, Timestamp};

/// Nanoseconds of 2015-01-01 00:00:00 UTC, the epoch of the ids.
const EPOCH_NANOS: u64 = 1_420_070_400_000_000_000;

/// Nanoseconds of one tick of the high bits.
const TICK_NANOS: u64 = 10_000;

/// Low bits that tell the ids of one tick apart.
const LOW_BITS: u32 = 15;

/// Hands out ids that are unique within a store and rise with time.
#[derive(Debug, Default)]
pub struct IdSource {
    last: AtomicU64,
}

impl IdSource {
    /// A fresh source. It may follow another one on the same store once the clock is past what
    /// the other [`reached`](Self::reached).
    pub fn new() -> Self {
        Self::default()
    }

    /// The next id: larger than every earlier one of this source.
    pub fn next(&self, clock: &dyn Clock) -> i64 {
        self.take(first_of(clock.now()), 1)
    }

    /// The first of `n` consecutive ids, for bulk loads.
    pub fn next_block(&self, clock: &dyn Clock, n: u32) -> i64 {
        self.take(first_of(clock.now()), u64::from(n.max(1)))
    }

    /// The time from which on no id of this source is handed out again by another one. Ids run
    /// ahead of a clock that stands still, as it does for some seconds after a crash.
    pub fn reached(&self) -> Timestamp {
        let ticks = (self.last.load(Ordering::Relaxed) >> LOW_BITS) + 1;
        Timestamp::from_nanos(EPOCH_NANOS.saturating_add(ticks.saturating_mul(TICK_NANOS)))
    }

    fn take(&self, candidate: u64, n: u64) -> i64 {
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            let first = candidate.max(last + 1);
            match self.last.compare_exchange_weak(
                last,
                first + n - 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return (first & (i64::MAX as u64)) as i64,
                Err(seen) => last = seen,
            }
        }
    }
}

/// The first id of a moment.
fn first_of(now: Timestamp) -> u64 {
    (now.wall.saturating_sub(EPOCH_NANOS) / TICK_NANOS) << LOW_BITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_source_that_follows_another_repeats_nothing() {
        let start = Timestamp::from_nanos(1_700_000_000_000_000_000);
        for count in [1, 100, 1 << 15, 1_000_000] {
            let before = IdSource::new();
            let last = before.next_block(&ManualClock::new(start), count) + i64::from(count) - 1;
            // The clock of the next life begins where the old one stood.
            let clock = ManualClock::new(start);
            clock.observe(before.reached());
            assert!(IdSource::new().next(&clock) > last, "{count}");
        }
    }

    #[test]
    fn ids_rise_even_when_the_clock_stands_still() {
        let clock = ManualClock::new(Timestamp::from_nanos(1_700_000_000_000_000_000));
        let ids = IdSource::new();
        let a = ids.next(&clock);
        let b = ids.next_block(&clock, 100);
        let c = ids.next(&clock);
        assert!(a < b && b + 99 < c);
        assert!(a > 100_000_000_000_000_000, "about eighteen digits: {a}");
    }
}
