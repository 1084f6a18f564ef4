//! The arithmetic behind `date_bin`, `age` and the functions that make time stamps.

use crate::error::{Error, Result, sqlstate};
use crate::types::datetime::{
    self, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, TimeZone, USECS_PER_DAY,
};
use crate::types::{Datum, Interval, Type, text};

const USECS_PER_SECOND: i64 = 1_000_000;

/// Seconds from 1970 to 2000.
const UNIX_TO_2000: f64 = 946_684_800.0;

fn overflow(message: impl Into<String>) -> Error {
    Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, message)
}

fn is_infinite(at: i64) -> bool {
    matches!(at, TIMESTAMP_INFINITY | TIMESTAMP_NEG_INFINITY)
}

/// The beginning of the bin of a width, counted from an origin, that a time stamp falls into.
pub(super) fn date_bin(stride: Interval, at: i64, origin: i64) -> Result<i64> {
    if is_infinite(at) {
        return Ok(at);
    }
    if is_infinite(origin) {
        return Err(overflow("origin out of range"));
    }
    if stride.months != 0 {
        return Err(Error::new(
            sqlstate::FEATURE_NOT_SUPPORTED,
            "timestamps cannot be binned into intervals containing months or years",
        ));
    }
    let width = i128::from(stride.days) * i128::from(USECS_PER_DAY) + i128::from(stride.micros);
    if width <= 0 {
        return Err(overflow("stride must be greater than zero"));
    }
    let distance = i128::from(at) - i128::from(origin);
    let start = i128::from(origin) + distance.div_euclid(width) * width;
    i64::try_from(start).map_err(|_| overflow("timestamp out of range"))
}

/// Year, month, day and microseconds of the day of a local time stamp.
fn fields(local: i64) -> Result<(i32, i32, i32, i64)> {
    if is_infinite(local) {
        return Err(overflow("timestamp out of range"));
    }
    let (year, month, day) = datetime::civil_from_days(datetime::timestamp_to_date(local)?);
    Ok((year, month, day, local.rem_euclid(USECS_PER_DAY)))
}

/// `age(a, b)`: the difference in years, months and days as people count them.
pub(super) fn age(a: i64, b: i64) -> Result<Interval> {
    difference(a, b, a < b)
}

/// The same between instants, counted in the calendar of a zone.
pub(super) fn age_tz(a: i64, b: i64, zone: &TimeZone) -> Result<Interval> {
    if is_infinite(a) || is_infinite(b) {
        return Err(overflow("timestamp out of range"));
    }
    let local = |at| datetime::timestamptz_to_timestamp(at, zone);
    difference(local(a)?, local(b)?, a < b)
}

fn difference(a: i64, b: i64, negative: bool) -> Result<Interval> {
    let (a, b) = (fields(a)?, fields(b)?);
    let (later, earlier) = if negative { (b, a) } else { (a, b) };
    let mut micros = later.3 - earlier.3;
    let mut days = later.2 - earlier.2;
    let mut months = i64::from(later.0 - earlier.0) * 12 + i64::from(later.1 - earlier.1);
    if micros < 0 {
        micros += USECS_PER_DAY;
        days -= 1;
    }
    if days < 0 {
        // Borrowed days are those of the month in which the earlier one lies.
        let (year, month) = (earlier.0, earlier.1);
        let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let length = datetime::days_from_civil(next.0, next.1, 1)
            - datetime::days_from_civil(year, month, 1);
        days += i32::try_from(length).unwrap_or(31);
        months -= 1;
    }
    let months = i32::try_from(months).map_err(|_| overflow("interval out of range"))?;
    let age = Interval { months, days, micros };
    if negative { age.checked_neg() } else { Ok(age) }
}

/// An instant from a date and a time of day with its zone (seconds west of UTC).
pub(super) fn date_plus_timetz(date: i32, time: i64, west: i32) -> Result<i64> {
    datetime::date_plus_time(date, time + i64::from(west) * USECS_PER_SECOND)
}

/// `to_timestamp(double precision)`
pub(super) fn timestamptz_from_epoch(seconds: f64) -> Result<i64> {
    if seconds.is_nan() {
        return Err(overflow("timestamp cannot be NaN"));
    }
    if seconds.is_infinite() {
        return Ok(if seconds > 0.0 { TIMESTAMP_INFINITY } else { TIMESTAMP_NEG_INFINITY });
    }
    let micros = ((seconds - UNIX_TO_2000) * 1e6).round_ties_even();
    // From 4714 BC to the end of the year 294276.
    if !(-211_813_488_000_000_000.0..9_223_371_331_200_000_000.0).contains(&micros) {
        let shown = text::to_string(&Datum::Float8(seconds), &Type::Float8, &Default::default());
        return Err(overflow(format!("timestamp out of range: \"{shown}\"")));
    }
    Ok(micros as i64)
}

/// A time of day as it is in another zone at an instant.
pub(super) fn timetz_at_zone(time: i64, west: i32, zone: &TimeZone, now: i64) -> (i64, i32) {
    let east = zone.offset_at(now);
    let shift = (i64::from(west) + i64::from(east)) * USECS_PER_SECOND;
    ((time + shift).rem_euclid(USECS_PER_DAY), -east)
}
