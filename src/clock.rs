//! Time: the hybrid logical timestamp that orders every version, and the clock that hands it out.
//!
//! A [`Timestamp`] is wall nanoseconds since the Unix epoch plus a logical counter that breaks
//! ties. It prints as CockroachDB's decimal (`1616533891370000000.0000000001`). Clocks are handed
//! in, so that a test can hold time still or move it.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 2000-01-01 00:00:00 UTC, from which SQL's timestamps count, in microseconds since 1970.
const SQL_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A point in hybrid logical time. Orders by `wall`, then `logical`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Nanoseconds since 1970-01-01 00:00:00 UTC.
    pub wall: u64,
    /// Tie-breaker within one nanosecond.
    pub logical: u32,
}

impl Timestamp {
    /// Before every version.
    pub const MIN: Timestamp = Timestamp { wall: 0, logical: 0 };
    /// After every version.
    pub const MAX: Timestamp = Timestamp { wall: u64::MAX, logical: u32::MAX };

    /// A timestamp at a wall time in nanoseconds, logical zero.
    pub const fn from_nanos(wall: u64) -> Self {
        Timestamp { wall, logical: 0 }
    }

    /// A timestamp at a wall time in microseconds since the Unix epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Timestamp { wall: micros.saturating_mul(1_000), logical: 0 }
    }

    /// The smallest timestamp after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.logical.checked_add(1) {
            Some(logical) => Timestamp { wall: self.wall, logical },
            None => Timestamp { wall: self.wall.saturating_add(1), logical: 0 },
        }
    }

    /// The largest timestamp before this one; [`Timestamp::MIN`] stays where it is.
    #[must_use]
    pub const fn prev(self) -> Self {
        if self.logical > 0 {
            Timestamp { wall: self.wall, logical: self.logical - 1 }
        } else if self.wall > 0 {
            Timestamp { wall: self.wall - 1, logical: u32::MAX }
        } else {
            Timestamp::MIN
        }
    }

    /// The timestamp moved back by a number of nanoseconds, no further than [`Timestamp::MIN`].
    #[must_use]
    pub const fn minus_nanos(self, nanos: u64) -> Self {
        Timestamp { wall: self.wall.saturating_sub(nanos), logical: self.logical }
    }

    /// The timestamp moved forward by a number of nanoseconds.
    #[must_use]
    pub const fn plus_nanos(self, nanos: u64) -> Self {
        Timestamp { wall: self.wall.saturating_add(nanos), logical: self.logical }
    }

    /// What SQL's timestamps count: whole microseconds since 2000-01-01 00:00:00 UTC.
    pub const fn sql_micros(self) -> i64 {
        self.micros() - SQL_EPOCH_MICROS
    }

    /// The timestamp of SQL's microseconds since 2000-01-01 UTC; `None` before 1970.
    pub fn from_sql_micros(micros: i64) -> Option<Self> {
        let unix = micros.checked_add(SQL_EPOCH_MICROS)?;
        u64::try_from(unix).ok().map(Timestamp::from_micros)
    }

    /// Whole microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        (self.wall / 1_000) as i64
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:010}", self.wall, self.logical)
    }
}

impl FromStr for Timestamp {
    type Err = crate::error::Error;

    /// Reads the decimal form; the fraction may be absent or shorter than ten digits.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let bad = || {
            crate::error::Error::new(
                crate::error::sqlstate::INVALID_PARAMETER_VALUE,
                format!("invalid timestamp \"{s}\""),
            )
        };
        let (wall, fraction) = s.split_once('.').unwrap_or((s, ""));
        if fraction.len() > 10 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let wall: u64 = wall.parse().map_err(|_| bad())?;
        let padded = format!("{fraction:0<10}");
        let logical =
            u32::try_from(padded.parse::<u64>().map_err(|_| bad())?).map_err(|_| bad())?;
        Ok(Timestamp { wall, logical })
    }
}

// In JSON a timestamp is its decimal text, so that no reader rounds it to a float.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A source of timestamps that never goes backwards.
pub trait Clock: Send + Sync + 'static {
    /// A timestamp larger than every one handed out or observed before.
    fn now(&self) -> Timestamp;
    /// Moves the clock past a timestamp seen elsewhere (read back from disk, for instance).
    fn observe(&self, seen: Timestamp);
}

/// The machine's clock made monotonic: never behind what it has handed out or observed.
#[derive(Debug, Default)]
pub struct SystemClock {
    last: Mutex<Timestamp>,
}

impl SystemClock {
    /// A clock that starts at the machine's time.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next timestamp when the machine's clock shows `wall` nanoseconds.
    pub(crate) fn at_wall(&self, wall: u64) -> Timestamp {
        let mut last = self.last.lock();
        *last = if wall > last.wall { Timestamp::from_nanos(wall) } else { last.next() };
        *last
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX));
        self.at_wall(wall)
    }

    fn observe(&self, seen: Timestamp) {
        let mut last = self.last.lock();
        *last = (*last).max(seen);
    }
}

/// A clock that a test moves by hand.
#[derive(Debug)]
pub struct ManualClock {
    last: Mutex<Timestamp>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        ManualClock { last: Mutex::new(start) }
    }

    /// Moves the clock forward.
    pub fn advance_nanos(&self, nanos: u64) {
        let mut last = self.last.lock();
        *last = Timestamp::from_nanos(last.wall.saturating_add(nanos));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let mut last = self.last.lock();
        *last = last.next();
        *last
    }

    fn observe(&self, seen: Timestamp) {
        let mut last = self.last.lock();
        *last = (*last).max(seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_never_repeats_and_passes_what_it_observed() {
        let clock = SystemClock::new();
        let a = clock.now();
        let ahead = Timestamp::from_nanos(a.wall + 3_600_000_000_000);
        clock.observe(ahead);
        assert!(clock.now() > ahead);
        assert!(clock.now() > ahead.next());
    }

    #[test]
    fn the_decimal_form_round_trips() {
        let t = Timestamp { wall: 1_616_533_891_370_000_000, logical: 7 };
        assert_eq!(t.to_string(), "1616533891370000000.0000000007");
        assert_eq!(t.to_string().parse::<Timestamp>().unwrap(), t);
        assert_eq!("5".parse::<Timestamp>().unwrap(), Timestamp::from_nanos(5));
        assert!("5.x".parse::<Timestamp>().is_err());
    }
}
