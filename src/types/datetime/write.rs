//! The text of dates and times, in each `DateStyle`.

use std::fmt::Write as _;

use super::calendar::{Fields, civil_from_days, day_of_week, days_from_civil, split_time};
use super::zone::offset_text;
use super::{
    DATE_INFINITY, DATE_NEG_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, TimeZone,
};
use crate::types::session::{DateOrder, DateStyle, SessionFormat};

/// English names, by number.
pub(in crate::types) const MONTH_NAMES: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_NAMES: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

fn name_of<'a>(names: &[&'a str], index: i32) -> &'a str {
    usize::try_from(index).ok().and_then(|i| names.get(i)).copied().unwrap_or("???")
}

/// The year as it is written, and the suffix of years before the first.
fn year_and_era(year: i32) -> (i32, &'static str) {
    if year > 0 { (year, "") } else { (1 - year, " BC") }
}

fn write_day(year: i32, month: i32, day: i32, format: &SessionFormat, out: &mut String) {
    let day_first = format.date_order == DateOrder::Dmy;
    let (first, second) = if day_first { (day, month) } else { (month, day) };
    // Formatting into a String cannot fail.
    let _ = match format.date_style {
        DateStyle::Iso => write!(out, "{year:04}-{month:02}-{day:02}"),
        DateStyle::Sql => write!(out, "{first:02}/{second:02}/{year:04}"),
        DateStyle::German => write!(out, "{day:02}.{month:02}.{year:04}"),
        DateStyle::Postgres => write!(out, "{first:02}-{second:02}-{year:04}"),
    };
}

fn write_clock(hour: i32, minute: i32, second: i32, micros: i32, out: &mut String) {
    let _ = write!(out, "{hour:02}:{minute:02}:{second:02}");
    if micros != 0 {
        let digits = format!("{micros:06}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

/// Appends a date.
pub fn write_date(date: i32, format: &SessionFormat, out: &mut String) {
    match date {
        DATE_INFINITY => out.push_str("infinity"),
        DATE_NEG_INFINITY => out.push_str("-infinity"),
        _ => {
            let (year, month, day) = civil_from_days(date);
            let (year, era) = year_and_era(year);
            write_day(year, month, day, format, out);
            out.push_str(era);
        }
    }
}

/// Appends a time of day.
pub fn write_time(time: i64, out: &mut String) {
    let (hour, minute, second, micros) = split_time(time);
    write_clock(hour, minute, second, micros, out);
}

/// Appends a time of day with its zone, given as seconds west of UTC.
pub fn write_timetz(time: i64, zone_west: i32, out: &mut String) {
    write_time(time, out);
    out.push_str(&offset_text(zone_west.saturating_neg()));
}

/// Appends a time stamp.
pub fn write_timestamp(timestamp: i64, format: &SessionFormat, out: &mut String) {
    if !write_infinity(timestamp, out) {
        write_fields(&Fields::of(timestamp), None, format, out);
    }
}

/// Appends an instant as the session's zone shows it.
pub fn write_timestamptz(timestamptz: i64, format: &SessionFormat, out: &mut String) {
    if !write_infinity(timestamptz, out) {
        let east = format.time_zone.offset_at(timestamptz);
        let local = timestamptz.saturating_add(i64::from(east) * 1_000_000);
        let zone = (east, timestamptz, &format.time_zone);
        write_fields(&Fields::of(local), Some(zone), format, out);
    }
}

fn write_infinity(timestamp: i64, out: &mut String) -> bool {
    match timestamp {
        TIMESTAMP_INFINITY => out.push_str("infinity"),
        TIMESTAMP_NEG_INFINITY => out.push_str("-infinity"),
        _ => return false,
    }
    true
}

fn write_fields(
    fields: &Fields,
    zone: Option<(i32, i64, &TimeZone)>,
    format: &SessionFormat,
    out: &mut String,
) {
    let Fields { year, month, day, hour, minute, second, micros } = *fields;
    let (shown_year, era) = year_and_era(year);
    match format.date_style {
        DateStyle::Postgres => {
            let weekday = name_of(&DAY_NAMES, day_of_week(days_from_civil(year, month, day)));
            let month = name_of(&MONTH_NAMES, month - 1);
            let _ = match format.date_order {
                DateOrder::Dmy => write!(out, "{weekday} {day:02} {month} "),
                _ => write!(out, "{weekday} {month} {day:02} "),
            };
            write_clock(hour, minute, second, micros, out);
            let _ = write!(out, " {shown_year:04}");
        }
        _ => {
            write_day(shown_year, month, day, format, out);
            out.push(' ');
            write_clock(hour, minute, second, micros, out);
        }
    }
    if let Some((east, instant, zone)) = zone {
        if format.date_style == DateStyle::Iso {
            out.push_str(&offset_text(east));
        } else {
            out.push(' ');
            out.push_str(&zone.abbreviation_at(instant));
        }
    }
    out.push_str(era);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(timestamptz: i64, style: DateStyle, order: DateOrder) -> String {
        let format = SessionFormat {
            date_style: style,
            date_order: order,
            time_zone: TimeZone::parse("America/New_York").unwrap(),
            ..Default::default()
        };
        let mut out = String::new();
        write_timestamptz(timestamptz, &format, &mut out);
        out
    }

    #[test]
    fn each_style_looks_as_postgresqls() {
        // 1999-01-08 04:05:06.5 in New York.
        let t = days_from_civil(1999, 1, 8) * super::super::USECS_PER_DAY + 32_706_500_000;
        assert_eq!(shown(t, DateStyle::Iso, DateOrder::Mdy), "1999-01-08 04:05:06.5-05");
        assert_eq!(shown(t, DateStyle::Sql, DateOrder::Dmy), "08/01/1999 04:05:06.5 EST");
        assert_eq!(shown(t, DateStyle::German, DateOrder::Mdy), "08.01.1999 04:05:06.5 EST");
        assert_eq!(shown(t, DateStyle::Postgres, DateOrder::Mdy), "Fri Jan 08 04:05:06.5 1999 EST");
    }

    #[test]
    fn years_before_the_first_are_marked() {
        let mut out = String::new();
        let format = SessionFormat::default();
        write_date(super::super::DATE_MIN, &format, &mut out);
        out.push('|');
        write_timestamp(TIMESTAMP_NEG_INFINITY, &format, &mut out);
        out.push('|');
        write_timetz(0, 12_600, &mut out);
        assert_eq!(out, "4714-11-24 BC|-infinity|00:00:00-03:30");
    }
}
