//! A machine's clock that skews and jumps, under the clock that the server makes of it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{Clock, SystemClock, Timestamp};

/// The clock of one start of the server. What the machine shows can be set to anything.
pub(crate) struct SkewedClock {
    wall: AtomicU64,
    monotonic: SystemClock,
    forgets: bool,
}

impl SkewedClock {
    /// A machine that shows `wall` nanoseconds. One that `forgets` does not listen to what was
    /// handed out before it started, to prove that it must.
    pub(crate) fn new(wall: u64, forgets: bool) -> SkewedClock {
        SkewedClock { wall: AtomicU64::new(wall), monotonic: SystemClock::new(), forgets }
    }

    /// What the machine shows.
    pub(crate) fn wall(&self) -> u64 {
        self.wall.load(Ordering::Relaxed)
    }

    /// Sets what the machine shows.
    pub(crate) fn set_wall(&self, wall: u64) {
        self.wall.store(wall, Ordering::Relaxed);
    }
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.monotonic.at_wall(self.wall())
    }

    fn observe(&self, seen: Timestamp) {
        if !self.forgets {
            self.monotonic.observe(seen);
        }
    }
}
