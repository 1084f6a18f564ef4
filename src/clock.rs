//! Time: the hybrid logical timestamp that orders every version, and the clock that hands it out.
//!
//! A [`Timestamp`] is wall nanoseconds since the Unix epoch plus a logical counter that breaks
//! ties. It prints as CockroachDB's decimal (`1616533891370000000.0000000001`). Clocks are handed
//! in, so that a test can hold time still or move it.
//!
//! ```text
//!   wall clock set back          time stands still (the counter counts) until the wall is there
//!   wall clock leaps ahead       followed up to the bound, else not: time keeps the steady pace
//!   started, store far ahead     refused by `mvcc` beyond the bound; below it, as if set back
//!   started, store far behind    accepted: the server was off for so long
//! ```
//!
//! The bound is `cairn start --max-offset`. A machine that slept did not leap: the steady clock
//! counts sleep, though not the pause of a virtual machine.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
    /// How far it is ahead of the machine's clock because of what it observed.
    fn lead(&self) -> Duration {
        Duration::ZERO
    }
}

/// Where a [`SystemClock`] reads the time.
pub trait TimeSource: Send + Sync + 'static {
    /// Nanoseconds since the Unix epoch, as the machine believes. Somebody may set it.
    fn wall(&self) -> u64;
    /// Nanoseconds since some moment, as they really pass; the machine's sleep counts.
    fn steady(&self) -> u64;
}

/// The machine's two clocks.
#[derive(Debug, Default)]
struct Machine;

impl TimeSource for Machine {
    fn wall(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
    }

    fn steady(&self) -> u64 {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        seconds.saturating_mul(SECOND).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
    }
}

const SECOND: u64 = 1_000_000_000;

/// The wall clock is compared with the steady one after so much of it has passed.
const COMPARE_EVERY: u64 = SECOND;

/// The machine's clock made monotonic: never behind what it has handed out or observed.
///
/// When the wall clock leaps ahead by more than `max_leap` the leap is not followed, because there
/// is no way back: every later timestamp would have to lie after it. Time then goes on from where
/// it was, at the pace of the steady clock, until the wall clock comes back or the process is
/// started anew.
pub struct SystemClock {
    source: Box<dyn TimeSource>,
    /// In nanoseconds.
    max_leap: u64,
    state: Mutex<SystemState>,
}

#[derive(Default)]
struct SystemState {
    last: Timestamp,
    /// The two clocks when they were last found to agree.
    agreed: Option<(u64, u64)>,
    /// When a leap that is not followed was last told of, by the steady clock.
    told: Option<u64>,
}

/// How often a leap that lasts is told of.
const TELL_EVERY: u64 = 600 * SECOND;

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemClock {
    /// A clock that starts at the machine's time and follows it everywhere.
    pub fn new() -> Self {
        Self::reading(Box::new(Machine), None)
    }

    /// A clock that does not follow the machine's when that leaps ahead by more than `max_leap`.
    pub fn bounded(max_leap: Option<Duration>) -> Self {
        Self::reading(Box::new(Machine), max_leap)
    }

    fn reading(source: Box<dyn TimeSource>, max_leap: Option<Duration>) -> Self {
        let max_leap = max_leap.and_then(|d| u64::try_from(d.as_nanos()).ok()).unwrap_or(u64::MAX);
        SystemClock { source, max_leap, state: Mutex::default() }
    }

    /// The next timestamp when the machine's clock shows `wall` nanoseconds.
    #[cfg(test)]
    pub(crate) fn at_wall(&self, wall: u64) -> Timestamp {
        self.state.lock().at_wall(wall)
    }

    /// The wall clock, unless it leapt.
    fn believed(&self, state: &mut SystemState) -> u64 {
        let wall = self.source.wall();
        let Some((wall_then, steady_then)) = state.agreed else {
            state.agreed = Some((wall, self.source.steady()));
            return wall;
        };
        let ahead_of_then = wall.saturating_sub(wall_then);
        if wall >= wall_then && ahead_of_then < COMPARE_EVERY.min(self.max_leap) {
            return wall;
        }
        let steady = self.source.steady();
        let passed = steady.saturating_sub(steady_then);
        let leap = ahead_of_then.saturating_sub(passed);
        if leap <= self.max_leap {
            if state.told.take().is_some() {
                tracing::info!("the machine's clock is followed again");
            }
            state.agreed = Some((wall, steady));
            return wall;
        }
        if state.told.is_none_or(|told| steady.saturating_sub(told) >= TELL_EVERY) {
            state.told = Some(steady);
            tracing::error!(
                seconds = leap / SECOND,
                "the machine's clock leapt ahead and is not followed: set it right, or restart \
                 the server to accept its time"
            );
        }
        wall_then.saturating_add(passed)
    }
}

impl fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SystemClock({})", self.state.lock().last)
    }
}

impl SystemState {
    fn at_wall(&mut self, wall: u64) -> Timestamp {
        let last = self.last;
        self.last = if wall > last.wall { Timestamp::from_nanos(wall) } else { last.next() };
        self.last
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let mut state = self.state.lock();
        let wall = self.believed(&mut state);
        state.at_wall(wall)
    }

    fn lead(&self) -> Duration {
        let mut state = self.state.lock();
        let wall = self.believed(&mut state);
        Duration::from_nanos(state.last.wall.saturating_sub(wall))
    }

    fn observe(&self, seen: Timestamp) {
        let mut state = self.state.lock();
        state.last = state.last.max(seen);
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

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

    #[derive(Clone, Default)]
    struct Hands(Arc<(AtomicU64, AtomicU64)>);

    impl Hands {
        fn turn(&self, wall: u64, steady: u64) {
            self.0.0.fetch_add(wall, Ordering::Relaxed);
            self.0.1.fetch_add(steady, Ordering::Relaxed);
        }
    }

    impl TimeSource for Hands {
        fn wall(&self) -> u64 {
            self.0.0.load(Ordering::Relaxed)
        }
        fn steady(&self) -> u64 {
            self.0.1.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_leap_beyond_the_bound_is_not_followed() {
        const DAY: u64 = 86_400 * SECOND;
        let hands = Hands::default();
        hands.turn(1_000 * DAY, 5);
        let bound = Duration::from_secs(600);
        let clock = SystemClock::reading(Box::new(hands.clone()), Some(bound));
        let start = clock.now().wall;
        // Time passes, the machine sleeps, the wall clock is set by a little.
        hands.turn(SECOND, SECOND);
        assert_eq!(clock.now().wall, start + SECOND);
        hands.turn(DAY, DAY);
        assert_eq!(clock.now().wall, start + SECOND + DAY);
        hands.turn(500 * SECOND, 0);
        assert_eq!(clock.now().wall, start + 501 * SECOND + DAY);
        // A day ahead: time goes on at its own pace.
        let before = clock.now();
        hands.turn(DAY + SECOND, SECOND);
        let held = clock.now();
        assert!(held > before && held.wall <= before.wall + SECOND, "{held}");
        hands.turn(3 * SECOND, 3 * SECOND);
        assert_eq!(clock.now().wall, before.wall + 4 * SECOND);
        assert!(clock.now() > held);
        // Set right again, the wall clock is followed.
        hands.0.0.fetch_sub(DAY, Ordering::Relaxed);
        hands.turn(7 * SECOND, 7 * SECOND);
        assert_eq!(clock.now().wall, before.wall + 11 * SECOND);
        // Set back, time stands until the wall clock is there.
        hands.0.0.fetch_sub(DAY, Ordering::Relaxed);
        let stood = clock.now();
        assert_eq!(stood.wall, before.wall + 11 * SECOND);
        hands.turn(SECOND, SECOND);
        assert_eq!(clock.now(), stood.next());
    }

    #[test]
    fn an_unbounded_clock_follows_everywhere() {
        let hands = Hands::default();
        let clock = SystemClock::reading(Box::new(hands.clone()), None);
        hands.turn(5 * SECOND, 0);
        clock.now();
        hands.turn(1_000_000 * SECOND, SECOND);
        assert_eq!(clock.now().wall, 1_000_005 * SECOND);
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
