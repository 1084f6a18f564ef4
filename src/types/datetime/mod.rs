//! Dates, times and time stamps: PostgreSQL's calendar (proleptic Gregorian), counted in days and
//! microseconds from 2000-01-01.
//!
//! `read.rs` takes text apart, `write.rs` puts it together; the arithmetic is here.

mod read;
mod write;

pub use read::{parse_date, parse_time, parse_timestamp, parse_timestamptz, parse_timetz};
pub use write::{write_date, write_time, write_timestamp, write_timestamptz, write_timetz};

use chrono::{Offset, TimeZone as _};

use super::session::SessionFormat;
use super::{Datum, Interval, Numeric};
use crate::error::{Error, Result, sqlstate};

/// Microseconds in a day of 24 hours.
pub const USECS_PER_DAY: i64 = 86_400_000_000;
/// The date that is later than all.
pub const DATE_INFINITY: i32 = i32::MAX;
/// The date that is earlier than all.
pub const DATE_NEG_INFINITY: i32 = i32::MIN;
/// The time stamp that is later than all.
pub const TIMESTAMP_INFINITY: i64 = i64::MAX;
/// The time stamp that is earlier than all.
pub const TIMESTAMP_NEG_INFINITY: i64 = i64::MIN;

/// Days from 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i64 = 10_957;
/// Seconds from 1970-01-01 to 2000-01-01.
const EPOCH_SECONDS: i64 = EPOCH_DAYS * 86_400;
/// 4713-11-24 BC and 294276-12-31: the bounds of a time stamp, in days.
const DAYS_MIN: i64 = -2_451_545;
const DAYS_MAX: i64 = 107_115_035;

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeZone {
    /// Seconds east of UTC.
    Fixed(i32),
    /// From the IANA database.
    Named(chrono_tz::Tz),
}

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: TimeZone = TimeZone::Named(chrono_tz::Tz::UTC);

    /// A name of the IANA database in any case, `UTC`, `Z`, or an offset such as `+02:00` (east
    /// positive). 22023 if unknown.
    pub fn parse(text: &str) -> Result<TimeZone> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
            return Ok(TimeZone::UTC);
        }
        if let Some(east) = read::offset(text) {
            return Ok(TimeZone::Fixed(east));
        }
        chrono_tz::Tz::from_str_insensitive(text).map(TimeZone::Named).map_err(|_| {
            Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("time zone \"{text}\" not recognized"),
            )
        })
    }

    /// As SHOW timezone gives it.
    pub fn name(&self) -> String {
        match self {
            TimeZone::Named(zone) => zone.name().to_owned(),
            TimeZone::Fixed(east) => {
                let mut text = String::from("<");
                write::offset(*east, &mut text);
                text.push('>');
                // POSIX counts west, hence the turned sign.
                write::offset(-*east, &mut text);
                text
            }
        }
    }

    /// Seconds east of UTC at an instant.
    pub fn offset_at(&self, timestamptz: i64) -> i32 {
        match self {
            TimeZone::Fixed(east) => *east,
            TimeZone::Named(zone) => instant(timestamptz)
                .map_or(0, |t| zone.offset_from_utc_datetime(&t).fix().local_minus_utc()),
        }
    }

    /// Seconds east of UTC that a local time stamp is read with: the earlier offset where the
    /// clock is set back, the one before the jump where it is set forward.
    pub fn offset_of_local(&self, timestamp: i64) -> i32 {
        match self {
            TimeZone::Fixed(east) => *east,
            TimeZone::Named(zone) => {
                let Some(local) = instant(timestamp) else { return 0 };
                match zone.offset_from_local_datetime(&local) {
                    chrono::LocalResult::Single(offset) => offset.fix().local_minus_utc(),
                    chrono::LocalResult::Ambiguous(_, later) => later.fix().local_minus_utc(),
                    chrono::LocalResult::None => self.offset_at(timestamp - USECS_PER_DAY),
                }
            }
        }
    }

    /// The zone's abbreviation at an instant.
    pub fn abbreviation_at(&self, timestamptz: i64) -> String {
        match self {
            TimeZone::Fixed(east) => {
                let mut text = String::new();
                write::offset(*east, &mut text);
                text
            }
            TimeZone::Named(zone) => instant(timestamptz)
                .map_or_else(String::new, |t| zone.offset_from_utc_datetime(&t).to_string()),
        }
    }
}

/// chrono's form of microseconds since 2000; `None` outside its range.
fn instant(micros: i64) -> Option<chrono::NaiveDateTime> {
    let seconds = micros.div_euclid(1_000_000).checked_add(EPOCH_SECONDS)?;
    chrono::DateTime::from_timestamp(seconds, 0).map(|t| t.naive_utc())
}

fn out_of_range(what: &str) -> Error {
    Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, format!("{what} out of range"))
}

/// (year, month, day); year 0 is 1 BC.
pub fn civil_from_days(days: i32) -> (i32, i32, i32) {
    // Years that begin in March put the leap day last; eras of 400 years repeat.
    let z = i64::from(days) + EPOCH_DAYS + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as i32, day as i32)
}

/// Days since 2000-01-01 of a date of the proleptic Gregorian calendar.
pub fn days_from_civil(year: i32, month: i32, day: i32) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = i64::from(year) - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468 - EPOCH_DAYS
}

/// Days of a month.
fn month_days(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `make_date`; negative years are BC.
pub fn make_date(year: i32, month: i32, day: i32) -> Result<i32> {
    let bad = || {
        Error::new(
            sqlstate::DATETIME_FIELD_OVERFLOW,
            format!("date field value out of range: {year}-{month:02}-{day:02}"),
        )
    };
    let year = if year < 0 { year.checked_add(1).ok_or_else(bad)? } else { year };
    if year == 0 && day == 0 || !(1..=12).contains(&month) {
        return Err(bad());
    }
    if !(1..=month_days(year, month)).contains(&day) {
        return Err(bad());
    }
    let days = days_from_civil(year, month, day);
    if days < DAYS_MIN {
        return Err(out_of_range("date"));
    }
    i32::try_from(days).ok().filter(|d| *d != DATE_INFINITY).ok_or_else(|| out_of_range("date"))
}

/// `make_time`.
pub fn make_time(hour: i32, minute: i32, second: f64) -> Result<i64> {
    let fits =
        (0..=24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60.0).contains(&second);
    let micros = i64::from(hour) * 3_600_000_000
        + i64::from(minute) * 60_000_000
        + (if fits { (second * 1e6).round() as i64 } else { 0 });
    if !fits || micros > USECS_PER_DAY {
        return Err(Error::new(
            sqlstate::DATETIME_FIELD_OVERFLOW,
            format!("time field value out of range: {hour}:{minute:02}:{second}"),
        ));
    }
    Ok(micros)
}

/// A date and a time of day.
pub fn date_plus_time(date: i32, time: i64) -> Result<i64> {
    match date {
        DATE_INFINITY => return Ok(TIMESTAMP_INFINITY),
        DATE_NEG_INFINITY => return Ok(TIMESTAMP_NEG_INFINITY),
        _ => {}
    }
    if !(DAYS_MIN..=DAYS_MAX).contains(&i64::from(date)) {
        return Err(out_of_range("timestamp"));
    }
    i64::from(date)
        .checked_mul(USECS_PER_DAY)
        .and_then(|t| t.checked_add(time))
        .ok_or_else(|| out_of_range("timestamp"))
}

/// Midnight of a date.
pub fn date_to_timestamp(date: i32) -> Result<i64> {
    date_plus_time(date, 0)
}

/// Midnight of a date in a zone.
pub fn date_to_timestamptz(date: i32, zone: &TimeZone) -> Result<i64> {
    timestamp_to_timestamptz(date_to_timestamp(date)?, zone)
}

/// The date of a time stamp.
pub fn timestamp_to_date(timestamp: i64) -> Result<i32> {
    match timestamp {
        TIMESTAMP_INFINITY => Ok(DATE_INFINITY),
        TIMESTAMP_NEG_INFINITY => Ok(DATE_NEG_INFINITY),
        t => i32::try_from(t.div_euclid(USECS_PER_DAY)).map_err(|_| out_of_range("date")),
    }
}

/// The time of day; `None` for the infinities.
pub fn timestamp_to_time(timestamp: i64) -> Option<i64> {
    let finite = timestamp != TIMESTAMP_INFINITY && timestamp != TIMESTAMP_NEG_INFINITY;
    finite.then(|| timestamp.rem_euclid(USECS_PER_DAY))
}

fn is_infinite(timestamp: i64) -> bool {
    timestamp == TIMESTAMP_INFINITY || timestamp == TIMESTAMP_NEG_INFINITY
}

/// `timestamp AT TIME ZONE zone`, and the cast with the session's zone.
pub fn timestamp_to_timestamptz(timestamp: i64, zone: &TimeZone) -> Result<i64> {
    if is_infinite(timestamp) {
        return Ok(timestamp);
    }
    let east = i64::from(zone.offset_of_local(timestamp)) * 1_000_000;
    timestamp.checked_sub(east).ok_or_else(|| out_of_range("timestamp"))
}

/// `timestamptz AT TIME ZONE zone`, and the cast with the session's zone.
pub fn timestamptz_to_timestamp(timestamptz: i64, zone: &TimeZone) -> Result<i64> {
    if is_infinite(timestamptz) {
        return Ok(timestamptz);
    }
    let east = i64::from(zone.offset_at(timestamptz)) * 1_000_000;
    timestamptz.checked_add(east).ok_or_else(|| out_of_range("timestamp"))
}

/// Microseconds since 2000 from nanoseconds since 1970, for clocks.
pub fn timestamptz_from_unix_nanos(nanos: i64) -> i64 {
    nanos.div_euclid(1_000) - EPOCH_SECONDS * 1_000_000
}

/// Adds months (the day of the month is clamped), then days, then time.
pub fn timestamp_plus_interval(timestamp: i64, interval: Interval) -> Result<i64> {
    if is_infinite(timestamp) {
        return Ok(timestamp);
    }
    let bad = || out_of_range("timestamp");
    let time = timestamp.rem_euclid(USECS_PER_DAY);
    let mut date = timestamp_to_date(timestamp)?;
    if interval.months != 0 {
        let (year, month, day) = civil_from_days(date);
        let months = i64::from(year) * 12 + i64::from(month) - 1 + i64::from(interval.months);
        let year = i32::try_from(months.div_euclid(12)).map_err(|_| bad())?;
        let month = months.rem_euclid(12) as i32 + 1;
        let day = day.min(month_days(year, month));
        date = i32::try_from(days_from_civil(year, month, day)).map_err(|_| bad())?;
    }
    let date = date.checked_add(interval.days).ok_or_else(bad)?;
    date_plus_time(date, time)?
        .checked_add(interval.micros)
        .filter(|t| !is_infinite(*t))
        .ok_or_else(bad)
}

/// The same downwards.
pub fn timestamp_minus_interval(timestamp: i64, interval: Interval) -> Result<i64> {
    timestamp_plus_interval(timestamp, interval.checked_neg()?)
}

/// Months and days are added in local time, the rest to the instant.
pub fn timestamptz_plus_interval(
    timestamptz: i64,
    interval: Interval,
    zone: &TimeZone,
) -> Result<i64> {
    if is_infinite(timestamptz) {
        return Ok(timestamptz);
    }
    let mut at = timestamptz;
    if interval.months != 0 || interval.days != 0 {
        let local = timestamptz_to_timestamp(at, zone)?;
        let moved = timestamp_plus_interval(local, Interval { micros: 0, ..interval })?;
        at = timestamp_to_timestamptz(moved, zone)?;
    }
    at.checked_add(interval.micros).ok_or_else(|| out_of_range("timestamp"))
}

/// The same downwards.
pub fn timestamptz_minus_interval(
    timestamptz: i64,
    interval: Interval,
    zone: &TimeZone,
) -> Result<i64> {
    timestamptz_plus_interval(timestamptz, interval.checked_neg()?, zone)
}

/// The difference in days and time, for two timestamps or two timestamptzs.
pub fn timestamp_minus_timestamp(a: i64, b: i64) -> Result<Interval> {
    if is_infinite(a) || is_infinite(b) {
        return Err(Error::new(
            sqlstate::DATETIME_FIELD_OVERFLOW,
            "cannot subtract infinite timestamps",
        ));
    }
    let micros = a.checked_sub(b).ok_or_else(|| out_of_range("interval"))?;
    Interval { micros, ..Interval::default() }.justify_hours()
}

/// A date some days later.
pub fn date_plus_days(date: i32, days: i32) -> Result<i32> {
    if date == DATE_INFINITY || date == DATE_NEG_INFINITY {
        return Ok(date);
    }
    date.checked_add(days)
        .filter(|d| i64::from(*d) >= DAYS_MIN && *d != DATE_INFINITY)
        .ok_or_else(|| out_of_range("date"))
}

/// A date some days earlier.
pub fn date_minus_days(date: i32, days: i32) -> Result<i32> {
    date_plus_days(date, days.checked_neg().ok_or_else(|| out_of_range("date"))?)
}

/// Days between two dates.
pub fn date_minus_date(a: i32, b: i32) -> Result<i32> {
    let infinite = |d: i32| d == DATE_INFINITY || d == DATE_NEG_INFINITY;
    if infinite(a) || infinite(b) {
        return Err(Error::new(
            sqlstate::DATETIME_FIELD_OVERFLOW,
            "cannot subtract infinite dates",
        ));
    }
    a.checked_sub(b).ok_or_else(|| out_of_range("date"))
}

/// A time of day moved around the clock.
pub fn time_plus_interval(time: i64, interval: Interval) -> i64 {
    (time + interval.micros.rem_euclid(USECS_PER_DAY)).rem_euclid(USECS_PER_DAY)
}

/// The same backwards.
pub fn time_minus_interval(time: i64, interval: Interval) -> i64 {
    (time - interval.micros.rem_euclid(USECS_PER_DAY)).rem_euclid(USECS_PER_DAY)
}

/// The difference of two times of day.
pub fn time_minus_time(a: i64, b: i64) -> Interval {
    Interval { micros: a - b, ..Interval::default() }
}

/// Takes a value of a date or time type apart: midnight-based parts in local time.
fn broken_down(value: &Datum, zone: &TimeZone) -> Option<(i64, Option<i32>)> {
    match value {
        Datum::Date(d) => date_to_timestamp(*d).ok().map(|t| (t, None)),
        Datum::Timestamp(t) => Some((*t, None)),
        Datum::Timestamptz(t) => {
            timestamptz_to_timestamp(*t, zone).ok().map(|l| (l, Some(zone.offset_at(*t))))
        }
        _ => None,
    }
}

/// `extract(field from value)` for dates, time stamps and intervals; NULL where an infinity has no
/// such field.
pub fn extract(field: &str, value: &Datum, format: &SessionFormat) -> Result<Datum> {
    let zone = &format.time_zone;
    if let Datum::Interval(interval) = value {
        return interval.extract(field).map(Datum::Numeric);
    }
    let unknown = || {
        Error::new(sqlstate::INVALID_PARAMETER_VALUE, format!("unit \"{field}\" not recognized"))
    };
    let (local, east) = match value {
        Datum::Time(t) => (*t, None),
        other => broken_down(other, zone).ok_or_else(unknown)?,
    };
    if is_infinite(local) {
        let monotonic = matches!(
            field,
            "year" | "decade" | "century" | "millennium" | "julian" | "isoyear" | "epoch"
        );
        let infinity = if local > 0 { Numeric::infinity() } else { Numeric::neg_infinity() };
        return Ok(if monotonic { Datum::Numeric(infinity) } else { Datum::Null });
    }
    let number = |v: i64| Numeric::from_i64(v);
    let date = timestamp_to_date(local)?;
    let time = local.rem_euclid(USECS_PER_DAY);
    let (year, month, day) = civil_from_days(date);
    let seconds = time % 60_000_000;
    // Years before Christ count from -1.
    let shown = i64::from(if year > 0 { year } else { year - 1 });
    let ages = |n: i64| if shown > 0 { (shown + n - 1) / n } else { -((n - 1 - shown) / n) };
    let week_day = (i64::from(date) + 6).rem_euclid(7);
    let is_time = matches!(value, Datum::Time(_));
    Ok(Datum::Numeric(match field {
        "microseconds" | "microsecond" => number(seconds),
        "milliseconds" | "millisecond" => Numeric::from_i128(i128::from(seconds), 3),
        "second" | "seconds" => Numeric::from_i128(i128::from(seconds), 6),
        "minute" | "minutes" => number(time / 60_000_000 % 60),
        "hour" | "hours" => number(time / 3_600_000_000),
        "epoch" => {
            let utc = i128::from(local) - i128::from(east.unwrap_or(0)) * 1_000_000;
            let since = if is_time { 0 } else { i128::from(EPOCH_SECONDS) * 1_000_000 };
            Numeric::from_i128(utc + since, 6)
        }
        _ if is_time => return Err(unknown()),
        "day" | "days" => number(i64::from(day)),
        "month" | "months" => number(i64::from(month)),
        "quarter" => number(i64::from((month - 1) / 3 + 1)),
        "year" | "years" => number(shown),
        "decade" => number(i64::from(year).div_euclid(10)),
        "century" => number(ages(100)),
        "millennium" => number(ages(1_000)),
        "dow" => number(week_day),
        "isodow" => number(if week_day == 0 { 7 } else { week_day }),
        "doy" => number(i64::from(date) - days_from_civil(year, 1, 1) + 1),
        "week" => number(iso_week(date).1),
        "isoyear" => {
            let iso = iso_week(date).0;
            number(if iso > 0 { iso } else { iso - 1 })
        }
        "timezone" => number(i64::from(east.ok_or_else(unknown)?)),
        "timezone_hour" => number(i64::from(east.ok_or_else(unknown)? / 3_600)),
        "timezone_minute" => number(i64::from(east.ok_or_else(unknown)? / 60 % 60)),
        _ => return Err(unknown()),
    }))
}

/// ISO 8601 year and week of a date.
fn iso_week(date: i32) -> (i64, i64) {
    // The week belongs to the year that holds its Thursday.
    let monday = i64::from(date) - (i64::from(date) + 5).rem_euclid(7);
    let thursday = monday + 3;
    let (year, _, _) = civil_from_days(thursday as i32);
    (i64::from(year), (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
}

/// `date_trunc` over a local time stamp.
pub fn timestamp_trunc(field: &str, timestamp: i64) -> Result<i64> {
    if is_infinite(timestamp) {
        return Ok(timestamp);
    }
    let to = |unit: i64| Ok(timestamp - timestamp.rem_euclid(unit));
    let date = timestamp_to_date(timestamp)?;
    let (year, month, _) = civil_from_days(date);
    let first_of = |year: i32, month: i32| {
        let days = i32::try_from(days_from_civil(year, month, 1));
        date_to_timestamp(days.map_err(|_| out_of_range("timestamp"))?)
    };
    // Centuries begin with the year 1.
    let age = |n: i32| first_of((year - 1).div_euclid(n) * n + 1, 1);
    match field {
        "microseconds" | "microsecond" => Ok(timestamp),
        "milliseconds" | "millisecond" => to(1_000),
        "second" | "seconds" => to(1_000_000),
        "minute" | "minutes" => to(60_000_000),
        "hour" | "hours" => to(3_600_000_000),
        "day" | "days" => to(USECS_PER_DAY),
        "week" => date_to_timestamp(date - (date + 5).rem_euclid(7)),
        "month" | "months" => first_of(year, month),
        "quarter" => first_of(year, (month - 1) / 3 * 3 + 1),
        "year" | "years" => first_of(year, 1),
        "decade" => first_of(year.div_euclid(10) * 10, 1),
        "century" => age(100),
        "millennium" => age(1_000),
        _ => Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("unit \"{field}\" not recognized for type timestamp"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_goes_both_ways() {
        for (y, m, d, days) in
            [(2000, 1, 1, 0), (1970, 1, 1, -10_957), (2024, 2, 29, 8_825), (0, 12, 31, -730_120)]
        {
            assert_eq!(days_from_civil(y, m, d), days, "{y}-{m}-{d}");
            assert_eq!(civil_from_days(days as i32), (y, m, d));
        }
        assert!(make_date(2023, 2, 29).is_err());
    }

    #[test]
    fn adding_months_clamps_the_day() {
        let january = date_to_timestamp(make_date(2024, 1, 31).unwrap()).unwrap();
        let month = Interval { months: 1, ..Interval::default() };
        let february = timestamp_plus_interval(january, month).unwrap();
        assert_eq!(civil_from_days(timestamp_to_date(february).unwrap()), (2024, 2, 29));
        assert!(timestamp_plus_interval(january, Interval { months: i32::MAX, ..month }).is_err());
    }

    #[test]
    fn fields_are_postgresqls() {
        let date = Datum::Date(make_date(2021, 1, 3).unwrap());
        for (field, expected) in [
            ("week", "53"),
            ("isoyear", "2020"),
            ("dow", "0"),
            ("isodow", "7"),
            ("doy", "3"),
            ("century", "21"),
        ] {
            let Datum::Numeric(n) = extract(field, &date, &SessionFormat::default()).unwrap()
            else {
                panic!("{field} is not a number");
            };
            assert_eq!(n.to_string(), expected, "{field}");
        }
        assert!(extract("fortnight", &date, &SessionFormat::default()).is_err());
    }

    #[test]
    fn zones_follow_the_seasons() {
        let zone = TimeZone::parse("europe/berlin").unwrap();
        let summer = date_to_timestamp(make_date(2021, 7, 1).unwrap()).unwrap();
        let winter = date_to_timestamp(make_date(2021, 1, 1).unwrap()).unwrap();
        assert_eq!(zone.offset_at(summer), 7_200);
        assert_eq!(zone.offset_of_local(winter), 3_600);
        assert_eq!(TimeZone::parse("+05:30").unwrap(), TimeZone::Fixed(19_800));
        assert!(TimeZone::parse("Mars/Olympus").is_err());
    }
}
