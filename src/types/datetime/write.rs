//! Writing dates and times, in ISO style.

use std::fmt::Write as _;

use super::{
    DATE_INFINITY, DATE_NEG_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, USECS_PER_DAY,
    civil_from_days, timestamptz_to_timestamp,
};
use crate::types::session::SessionFormat;

/// `+02`, `+05:30`, `-00:30:15`: seconds east.
pub(super) fn offset(east: i32, out: &mut String) {
    let seconds = east.unsigned_abs();
    let sign = if east < 0 { '-' } else { '+' };
    let _ = write!(out, "{sign}{:02}", seconds / 3_600);
    if !seconds.is_multiple_of(3_600) {
        let _ = write!(out, ":{:02}", seconds / 60 % 60);
    }
    if !seconds.is_multiple_of(60) {
        let _ = write!(out, ":{:02}", seconds % 60);
    }
}

/// Writes the date and tells whether the year is before Christ.
fn civil(days: i32, out: &mut String) -> bool {
    let (year, month, day) = civil_from_days(days);
    let shown = if year > 0 { year } else { 1 - year };
    let _ = write!(out, "{shown:04}-{month:02}-{day:02}");
    year <= 0
}

/// Appends a date.
pub fn write_date(date: i32, _format: &SessionFormat, out: &mut String) {
    match date {
        DATE_INFINITY => out.push_str("infinity"),
        DATE_NEG_INFINITY => out.push_str("-infinity"),
        days => {
            if civil(days, out) {
                out.push_str(" BC");
            }
        }
    }
}

/// Appends a time of day.
pub fn write_time(time: i64, out: &mut String) {
    let _ = write!(
        out,
        "{:02}:{:02}:{:02}",
        time / 3_600_000_000,
        time / 60_000_000 % 60,
        time / 1_000_000 % 60
    );
    let fraction = time % 1_000_000;
    if fraction != 0 {
        out.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
}

/// Appends a time of day with its zone.
pub fn write_timetz(time: i64, zone_west: i32, out: &mut String) {
    write_time(time, out);
    offset(zone_west.saturating_neg(), out);
}

/// Writes a local time stamp and what follows the time.
fn stamp(local: i64, east: Option<i32>, out: &mut String) {
    let days = local.div_euclid(USECS_PER_DAY) as i32;
    let before_christ = civil(days, out);
    out.push(' ');
    write_time(local.rem_euclid(USECS_PER_DAY), out);
    if let Some(east) = east {
        offset(east, out);
    }
    if before_christ {
        out.push_str(" BC");
    }
}

/// Appends a time stamp.
pub fn write_timestamp(timestamp: i64, _format: &SessionFormat, out: &mut String) {
    match timestamp {
        TIMESTAMP_INFINITY => out.push_str("infinity"),
        TIMESTAMP_NEG_INFINITY => out.push_str("-infinity"),
        t => stamp(t, None, out),
    }
}

/// Appends an instant in the session's zone.
pub fn write_timestamptz(timestamptz: i64, format: &SessionFormat, out: &mut String) {
    match timestamptz {
        TIMESTAMP_INFINITY => out.push_str("infinity"),
        TIMESTAMP_NEG_INFINITY => out.push_str("-infinity"),
        t => {
            let local = timestamptz_to_timestamp(t, &format.time_zone).unwrap_or(t);
            stamp(local, Some(format.time_zone.offset_at(t)), out);
        }
    }
}
