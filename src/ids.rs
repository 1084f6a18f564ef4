//! Identifiers that order by time: job ids, hidden row ids, unique file names.
//!
//! The shape is CockroachDB's `unique_rowid()`: tens of microseconds since 2015 in the high bits
//! and fifteen low bits of tie-breaker, so that an id is a positive INT8 of about 18 digits and
//! later ids are larger.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;

/// Nanoseconds of 2015-01-01 00:00:00 UTC, the epoch of the ids.
const EPOCH_NANOS: u64 = 1_420_070_400_000_000_000;

/// Hands out ids that are unique within a store and rise with time.
#[derive(Debug, Default)]
pub struct IdSource {
    last: AtomicU64,
}

impl IdSource {
    /// A fresh source; it is safe to restart because ids follow the clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next id: larger than every earlier one of this source.
    pub fn next(&self, clock: &dyn Clock) -> i64 {
        let ticks = clock.now().wall.saturating_sub(EPOCH_NANOS) / 10_000;
        self.take(ticks << 15, 1)
    }

    /// The first of `n` consecutive ids, for bulk loads.
    pub fn next_block(&self, clock: &dyn Clock, n: u32) -> i64 {
        let ticks = clock.now().wall.saturating_sub(EPOCH_NANOS) / 10_000;
        self.take(ticks << 15, u64::from(n.max(1)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};

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
