//! Time zones: fixed offsets and the IANA database.

use std::str::FromStr;

use chrono::{DateTime, Offset, TimeZone as _};
use chrono_tz::{OffsetComponents, OffsetName, Tz};

use super::calendar::{
    UNIX_DAYS_OF_EPOCH, civil_from_long_days, day_of_week, days_from_civil, is_leap,
};
use super::{USECS_PER_DAY, words};
use crate::error::{Error, Result, sqlstate};

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeZone {
    /// Seconds east of UTC.
    Fixed(i32),
    /// From the IANA database.
    Named(Tz),
}

/// The database's tables end before this year; later ones borrow the rules of a like year.
const LAST_KNOWN_YEAR: i32 = 2037;
/// Furthest offset that a fixed zone may have, in seconds (PostgreSQL: less than 168 hours).
const OFFSET_SECONDS_MAX: i32 = 167 * 3600 + 59 * 60 + 59;

impl TimeZone {
    /// Coordinated universal time, the default.
    pub const UTC: TimeZone = TimeZone::Named(Tz::UTC);

    /// What `SET TIME ZONE` and `AT TIME ZONE` take: a name of the database, an abbreviation, a
    /// number of hours east, or a POSIX specification such as `UTC+3` or `<+03>-03`, whose sign
    /// counts *west*, `+02:00` included.
    pub fn parse(text: &str) -> Result<TimeZone> {
        Self::lookup(text).ok_or_else(|| {
            Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("time zone \"{text}\" not recognized"),
            )
        })
    }

    pub(super) fn lookup(text: &str) -> Option<TimeZone> {
        let word = text.trim();
        if let Some(seconds) = words::abbreviation(&word.to_ascii_lowercase()) {
            // UTC and its synonyms keep their name.
            return Some(if seconds == 0 { Self::UTC } else { TimeZone::Fixed(seconds) });
        }
        if let Some(zone) = Self::named(word) {
            return Some(zone);
        }
        if let Ok(hours) = word.parse::<f64>() {
            let seconds = (hours * 3600.0).round();
            return (seconds.abs() <= f64::from(OFFSET_SECONDS_MAX))
                .then_some(TimeZone::Fixed(seconds as i32));
        }
        Self::posix(word)
    }

    /// A name of the IANA database, in any case.
    pub(super) fn named(name: &str) -> Option<TimeZone> {
        if let Ok(zone) = Tz::from_str(name) {
            return Some(TimeZone::Named(zone));
        }
        chrono_tz::TZ_VARIANTS
            .iter()
            .find(|zone| zone.name().eq_ignore_ascii_case(name))
            .map(|zone| TimeZone::Named(*zone))
    }

    /// `ABC+3`, `<+03>-03`, `+02:00`: letters, then hours *west* of UTC. No daylight saving.
    fn posix(text: &str) -> Option<TimeZone> {
        let rest = match text.strip_prefix('<') {
            Some(quoted) => quoted.split_once('>')?.1,
            None => text.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
        };
        let (negative, digits) = match rest.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, rest.strip_prefix('+').unwrap_or(rest)),
        };
        let mut west = 0i32;
        let mut unit = 3600;
        for part in digits.split(':') {
            if part.is_empty() || part.len() > 3 || unit == 0 {
                return None;
            }
            let number: i32 =
                part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())??;
            if number > if unit == 3600 { 167 } else { 59 } {
                return None;
            }
            west += number * unit;
            unit = if unit == 3600 { 60 } else { unit / 60 };
        }
        Some(TimeZone::Fixed(if negative { west } else { -west }))
    }

    /// Whether the offset has never changed and will not.
    pub(super) fn is_fixed(&self) -> bool {
        match self {
            TimeZone::Fixed(_) => true,
            TimeZone::Named(zone) => {
                let name = zone.name();
                name.starts_with("Etc/")
                    || name.starts_with("GMT")
                    || matches!(name, "UTC" | "UCT" | "Zulu" | "Universal" | "Greenwich")
            }
        }
    }

    /// As `SHOW timezone` gives it: the name, or `<+02>-02` for a fixed offset.
    pub fn name(&self) -> String {
        match self {
            TimeZone::Named(zone) => zone.name().to_string(),
            TimeZone::Fixed(east) => {
                let text = offset_text(*east);
                let west = offset_text(-*east);
                format!("<{text}>{west}")
            }
        }
    }

    /// Seconds east of UTC at an instant (microseconds since 2000-01-01 UTC).
    pub fn offset_at(&self, timestamptz: i64) -> i32 {
        match self {
            TimeZone::Fixed(east) => *east,
            TimeZone::Named(Tz::UTC) => 0,
            TimeZone::Named(zone) => match instant(timestamptz) {
                Some(utc) => zone.offset_from_utc_datetime(&utc).fix().local_minus_utc(),
                None => 0,
            },
        }
    }

    /// Seconds east of UTC that a local time stamp is read with. A time that a change skips is read
    /// with the offset before it; one that happens twice, with the offset after it.
    pub fn offset_of_local(&self, timestamp: i64) -> i32 {
        match self {
            TimeZone::Fixed(east) => *east,
            TimeZone::Named(Tz::UTC) => 0,
            TimeZone::Named(_) => {
                let before = self.offset_at(timestamp.saturating_sub(USECS_PER_DAY));
                let after = self.offset_at(timestamp.saturating_add(USECS_PER_DAY));
                if before == after {
                    return before;
                }
                let instant = |east: i32| timestamp.saturating_sub(i64::from(east) * 1_000_000);
                let holds = |east: i32| self.offset_at(instant(east)) == east;
                match (holds(before), holds(after)) {
                    (true, false) => before,
                    (false, true) | (true, true) => after,
                    (false, false) => before,
                }
            }
        }
    }

    /// Every name of the IANA database.
    pub fn names() -> impl Iterator<Item = &'static str> {
        chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())
    }

    /// Whether daylight saving is in force at an instant.
    pub fn is_dst_at(&self, timestamptz: i64) -> bool {
        match (self, instant(timestamptz)) {
            (TimeZone::Named(zone), Some(utc)) => {
                !zone.offset_from_utc_datetime(&utc).dst_offset().is_zero()
            }
            _ => false,
        }
    }

    /// The abbreviation in force at an instant: `PST`, `+03`, `UTC`.
    pub fn abbreviation_at(&self, timestamptz: i64) -> String {
        match self {
            TimeZone::Fixed(east) => offset_text(*east),
            TimeZone::Named(zone) => instant(timestamptz)
                .and_then(|utc| {
                    let offset = zone.offset_from_utc_datetime(&utc);
                    offset.abbreviation().map(str::to_string)
                })
                .unwrap_or_else(|| offset_text(self.offset_at(timestamptz))),
        }
    }
}

/// `+02`, `-03:30`, `+00:19:32`: how an offset east of UTC is written.
pub(super) fn offset_text(east: i32) -> String {
    let sign = if east < 0 { '-' } else { '+' };
    let (h, m, s) = (east.abs() / 3600, east.abs() / 60 % 60, east.abs() % 60);
    match (m, s) {
        (0, 0) => format!("{sign}{h:02}"),
        (_, 0) => format!("{sign}{h:02}:{m:02}"),
        _ => format!("{sign}{h:02}:{m:02}:{s:02}"),
    }
}

/// The instant as chrono has it, moved to a like year where the database's tables have ended.
fn instant(timestamptz: i64) -> Option<chrono::NaiveDateTime> {
    let days = timestamptz.div_euclid(USECS_PER_DAY);
    let (year, month, day) = civil_from_long_days(days);
    let days =
        if year > LAST_KNOWN_YEAR { days_from_civil(like_year(year), month, day) } else { days };
    let seconds =
        (days + UNIX_DAYS_OF_EPOCH) * 86_400 + timestamptz.rem_euclid(USECS_PER_DAY) / 1_000_000;
    DateTime::from_timestamp(seconds, 0).map(|utc| utc.naive_utc())
}

/// The last known year that begins on the same day of the week and has as many days.
fn like_year(year: i32) -> i32 {
    let first_day = |y| day_of_week(days_from_civil(y, 1, 1));
    (LAST_KNOWN_YEAR - 27..=LAST_KNOWN_YEAR)
        .rev()
        .find(|y| is_leap(*y) == is_leap(year) && first_day(*y) == first_day(year))
        .unwrap_or(LAST_KNOWN_YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i32, month: i32, day: i32, hour: i64) -> i64 {
        days_from_civil(year, month, day) * USECS_PER_DAY + hour * 3_600_000_000
    }

    #[test]
    fn zones_are_found_by_any_of_their_names() {
        assert_eq!(TimeZone::parse("utc").unwrap(), TimeZone::UTC);
        assert_eq!(TimeZone::parse("europe/berlin").unwrap().name(), "Europe/Berlin");
        assert_eq!(TimeZone::parse("PST").unwrap(), TimeZone::Fixed(-28_800));
        assert_eq!(TimeZone::parse("2").unwrap(), TimeZone::Fixed(7_200));
        assert_eq!(TimeZone::parse("-5.5").unwrap(), TimeZone::Fixed(-19_800));
        assert_eq!(TimeZone::parse("+02:00").unwrap(), TimeZone::Fixed(-7_200));
        assert_eq!(TimeZone::parse("<+03>-03").unwrap(), TimeZone::Fixed(10_800));
        assert_eq!(TimeZone::Fixed(10_800).name(), "<+03>-03");
        for bad in ["nowhere", "+1:2:3:4", "<+03", "+999", ""] {
            let e = TimeZone::parse(bad).unwrap_err();
            assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE, "{bad}");
        }
    }

    #[test]
    fn skipped_and_repeated_times_are_read_as_postgresql_reads_them() {
        let zone = TimeZone::parse("America/New_York").unwrap();
        assert_eq!(zone.offset_at(at(2021, 1, 1, 0)), -18_000);
        assert_eq!(zone.offset_at(at(2021, 7, 1, 0)), -14_400);
        // 02:30 does not exist on that day: read in standard time.
        assert_eq!(zone.offset_of_local(at(2021, 3, 14, 2) + 1_800_000_000), -18_000);
        // 01:30 happens twice: the second one is meant.
        assert_eq!(zone.offset_of_local(at(2021, 11, 7, 1) + 1_800_000_000), -18_000);
        assert_eq!(zone.offset_of_local(at(2021, 7, 1, 12)), -14_400);
        assert_eq!(zone.abbreviation_at(at(2021, 7, 1, 0)), "EDT");
    }

    #[test]
    fn the_rules_go_on_after_the_tables_end() {
        let zone = TimeZone::parse("Europe/Paris").unwrap();
        assert_eq!(zone.offset_at(at(2500, 7, 1, 0)), 7_200);
        assert_eq!(zone.offset_at(at(200_000, 1, 1, 0)), 3_600);
        assert_eq!(zone.offset_at(at(-4000, 1, 1, 0)), 561);
    }
}
