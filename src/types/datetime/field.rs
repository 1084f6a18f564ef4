//! `extract`, `date_part` and `date_trunc`.

use super::calendar::{
    Fields, JULIAN_OF_EPOCH, UNIX_DAYS_OF_EPOCH, day_of_week, day_of_year, days_from_civil,
    iso_week, iso_year_start, split_time,
};
use super::{
    TIMESTAMP_INFINITY, TimeZone, USECS_PER_DAY, checked_timestamp, date_to_timestamp, is_infinite,
    is_infinite_date, timestamp_out_of_range, timestamptz_to_timestamp, words,
};
use crate::error::{Error, Result, sqlstate};
use crate::types::{Datum, Numeric, SessionFormat};

/// A field of a date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Microseconds,
    Milliseconds,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Epoch,
    Dow,
    Isodow,
    Doy,
    Isoyear,
    Julian,
    Timezone,
    TimezoneHour,
    TimezoneMinute,
}

impl Unit {
    fn parse(word: &str) -> Option<Unit> {
        let lower = word.trim().to_ascii_lowercase();
        Some(match words::cut(&lower) {
            "microsecon" | "us" | "usec" | "usecs" | "usecond" | "useconds" => Unit::Microseconds,
            "millisecon" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" => Unit::Milliseconds,
            "second" | "seconds" | "sec" | "secs" | "s" => Unit::Second,
            "minute" | "minutes" | "min" | "mins" | "m" => Unit::Minute,
            "hour" | "hours" | "hr" | "hrs" | "h" => Unit::Hour,
            "day" | "days" | "d" => Unit::Day,
            "week" | "weeks" | "w" => Unit::Week,
            "month" | "months" | "mon" | "mons" => Unit::Month,
            "quarter" | "qtr" => Unit::Quarter,
            "year" | "years" | "yr" | "yrs" | "y" => Unit::Year,
            "decade" | "decades" | "dec" | "decs" => Unit::Decade,
            "century" | "centuries" | "cent" | "c" => Unit::Century,
            "millennium" | "millennia" | "mil" | "mils" => Unit::Millennium,
            "epoch" => Unit::Epoch,
            "dow" => Unit::Dow,
            "isodow" => Unit::Isodow,
            "doy" => Unit::Doy,
            "isoyear" => Unit::Isoyear,
            "julian" | "jd" | "j" => Unit::Julian,
            "timezone" => Unit::Timezone,
            "timezone_h" => Unit::TimezoneHour,
            "timezone_m" => Unit::TimezoneMinute,
            _ => return None,
        })
    }
}

fn unknown(field: &str, type_name: &str) -> Error {
    Error::new(
        sqlstate::INVALID_PARAMETER_VALUE,
        format!("unit \"{field}\" not recognized for type {type_name}"),
    )
}

fn unsupported(field: &str, type_name: &str) -> Error {
    Error::new(
        sqlstate::FEATURE_NOT_SUPPORTED,
        format!("unit \"{field}\" not supported for type {type_name}"),
    )
}

fn whole(value: impl Into<i64>) -> Numeric {
    Numeric::from_i64(value.into())
}

fn decimal(value: i64, scale: u16) -> Numeric {
    Numeric::from_i128(i128::from(value), scale)
}

/// Century of a year; there is no century 0.
fn century(year: i32) -> i32 {
    if year > 0 { (year + 99) / 100 } else { -((99 - (year - 1)) / 100) }
}

fn millennium(year: i32) -> i32 {
    if year > 0 { (year + 999) / 1000 } else { -((999 - (year - 1)) / 1000) }
}

fn decade(year: i32) -> i32 {
    year.div_euclid(10)
}

/// The year as people count it: 1 BC is -1.
fn counted(year: i32) -> i32 {
    if year > 0 { year } else { year - 1 }
}

/// The fields of a day that do not depend on a time or zone.
fn of_day(unit: Unit, days: i64) -> Option<i32> {
    let (year, month, day) = super::calendar::civil_from_long_days(days);
    Some(match unit {
        Unit::Day => day,
        Unit::Month => month,
        Unit::Quarter => (month - 1) / 3 + 1,
        Unit::Week => iso_week(days).1,
        Unit::Year => counted(year),
        Unit::Decade => decade(year),
        Unit::Century => century(year),
        Unit::Millennium => millennium(year),
        Unit::Isoyear => counted(iso_week(days).0),
        Unit::Dow => day_of_week(days),
        Unit::Isodow => (day_of_week(days) + 6) % 7 + 1,
        Unit::Doy => day_of_year(year, month, day),
        _ => return None,
    })
}

/// The fields of a time of day.
fn of_time(unit: Unit, time: i64) -> Option<Numeric> {
    let (hour, minute, second, micros) = split_time(time);
    let in_minute = i64::from(second) * 1_000_000 + i64::from(micros);
    Some(match unit {
        Unit::Hour => whole(hour),
        Unit::Minute => whole(minute),
        Unit::Second => decimal(in_minute, 6),
        Unit::Milliseconds => decimal(in_minute, 3),
        Unit::Microseconds => whole(in_minute),
        _ => return None,
    })
}

/// What a field of an infinity is: the fields that grow without end are infinite, others NULL.
fn of_infinity(unit: Unit, positive: bool) -> Option<Datum> {
    match unit {
        Unit::Year
        | Unit::Decade
        | Unit::Century
        | Unit::Millennium
        | Unit::Julian
        | Unit::Isoyear
        | Unit::Epoch => Some(Datum::Numeric(match positive {
            true => Numeric::infinity(),
            false => Numeric::neg_infinity(),
        })),
        Unit::Timezone | Unit::TimezoneHour | Unit::TimezoneMinute => None,
        _ => Some(Datum::Null),
    }
}

fn of_zone(unit: Unit, east: i32) -> Option<Numeric> {
    match unit {
        Unit::Timezone => Some(whole(east)),
        Unit::TimezoneHour => Some(whole(east / 3600)),
        Unit::TimezoneMinute => Some(whole(east / 60 % 60)),
        _ => None,
    }
}

/// `extract(field from value)`, for date, time, timetz, timestamp, timestamptz and interval. NULL
/// for fields of the infinities that have none.
pub fn extract(field: &str, value: &Datum, format: &SessionFormat) -> Result<Datum> {
    let unit = |type_name: &str| Unit::parse(field).ok_or_else(|| unknown(field, type_name));
    match value {
        Datum::Null => Ok(Datum::Null),
        Datum::Date(date) => {
            let unit = unit("date")?;
            let fail = || unsupported(field, "date");
            if is_infinite_date(*date) {
                let answer = of_infinity(unit, *date > 0);
                return match answer {
                    Some(Datum::Null) if of_day(unit, 0).is_none() => Err(fail()),
                    answer => answer.ok_or_else(fail),
                };
            }
            let days = i64::from(*date);
            let number = match unit {
                Unit::Julian => whole(days + JULIAN_OF_EPOCH),
                Unit::Epoch => whole((days + UNIX_DAYS_OF_EPOCH) * 86_400),
                _ => of_day(unit, days).map(whole).ok_or_else(fail)?,
            };
            Ok(Datum::Numeric(number))
        }
        Datum::Time(time) => {
            let type_name = "time without time zone";
            let number = match unit(type_name)? {
                Unit::Epoch => decimal(*time, 6),
                unit => of_time(unit, *time).ok_or_else(|| unsupported(field, type_name))?,
            };
            Ok(Datum::Numeric(number))
        }
        Datum::Timetz(time, west) => {
            let type_name = "time with time zone";
            let number = match unit(type_name)? {
                Unit::Epoch => decimal(time + i64::from(*west) * 1_000_000, 6),
                unit => of_time(unit, *time)
                    .or_else(|| of_zone(unit, -west))
                    .ok_or_else(|| unsupported(field, type_name))?,
            };
            Ok(Datum::Numeric(number))
        }
        Datum::Timestamp(timestamp) => {
            let type_name = "timestamp without time zone";
            of_timestamp(unit(type_name)?, *timestamp, None)
                .unwrap_or_else(|| Err(unsupported(field, type_name)))
        }
        Datum::Timestamptz(instant) => {
            let type_name = "timestamp with time zone";
            of_timestamp(unit(type_name)?, *instant, Some(&format.time_zone))
                .unwrap_or_else(|| Err(unsupported(field, type_name)))
        }
        Datum::Interval(interval) => {
            Ok(Datum::Numeric(interval.extract(&field.to_ascii_lowercase())?))
        }
        _ => Err(Error::internal("extract from a value that is no date or time")),
    }
}

/// `None`: the type has no such field.
fn of_timestamp(unit: Unit, timestamp: i64, zone: Option<&TimeZone>) -> Option<Result<Datum>> {
    if is_infinite(timestamp) {
        let positive = timestamp == TIMESTAMP_INFINITY;
        let is_zone = matches!(unit, Unit::Timezone | Unit::TimezoneHour | Unit::TimezoneMinute);
        return match of_infinity(unit, positive) {
            None if is_zone => Some(Ok(Datum::Null)),
            answer => answer.map(Ok),
        };
    }
    let east = zone.map_or(0, |z| z.offset_at(timestamp));
    let local = timestamp.saturating_add(i64::from(east) * 1_000_000);
    let (days, time) = (local.div_euclid(USECS_PER_DAY), local.rem_euclid(USECS_PER_DAY));
    let number = match unit {
        // Seconds since 1970 of the instant, not of the local clock.
        Unit::Epoch => Numeric::from_i128(
            i128::from(timestamp) + i128::from(UNIX_DAYS_OF_EPOCH * USECS_PER_DAY),
            6,
        ),
        Unit::Julian => {
            let part = match decimal(time, 6).div(&decimal(USECS_PER_DAY, 6)) {
                Ok(part) => part,
                Err(e) => return Some(Err(e)),
            };
            return Some(whole(days + JULIAN_OF_EPOCH).add(&part).map(Datum::Numeric));
        }
        _ => of_day(unit, days)
            .map(whole)
            .or_else(|| of_time(unit, time))
            .or_else(|| zone.and_then(|_| of_zone(unit, east)))?,
    };
    Some(Ok(Datum::Numeric(number)))
}

/// `date_part`: the same as a double precision; a date counts as its midnight.
pub fn date_part(field: &str, value: &Datum, format: &SessionFormat) -> Result<Datum> {
    let value = match value {
        Datum::Date(date) => &Datum::Timestamp(date_to_timestamp(*date)?),
        other => other,
    };
    if let (Datum::Interval(interval), true) = (value, field.trim().eq_ignore_ascii_case("epoch")) {
        return Ok(Datum::Float8(interval.epoch_seconds()));
    }
    match extract(field, value, format)? {
        Datum::Numeric(number) => Ok(Datum::Float8(number.to_f64()?)),
        other => Ok(other),
    }
}

/// `date_trunc` over timestamp, timestamptz (by the clocks and calendar of `zone`) and interval.
pub fn date_trunc(field: &str, value: &Datum, zone: &TimeZone) -> Result<Datum> {
    match value {
        Datum::Null => Ok(Datum::Null),
        Datum::Interval(interval) => {
            Ok(Datum::Interval(interval.date_trunc(&field.to_ascii_lowercase())?))
        }
        Datum::Date(date) => {
            let instant = super::date_to_timestamptz(*date, zone)?;
            date_trunc(field, &Datum::Timestamptz(instant), zone)
        }
        Datum::Timestamp(timestamp) => Ok(Datum::Timestamp(timestamp_trunc(field, *timestamp)?)),
        Datum::Timestamptz(instant) => {
            let unit = truncation_unit(field, "timestamp with time zone")?;
            if is_infinite(*instant) {
                return Ok(Datum::Timestamptz(*instant));
            }
            let local = timestamptz_to_timestamp(*instant, zone)?;
            let cut = truncate(unit, local).ok_or_else(timestamp_out_of_range)?;
            let by_clock = matches!(
                unit,
                Unit::Microseconds | Unit::Milliseconds | Unit::Second | Unit::Minute | Unit::Hour
            );
            let result = if by_clock {
                // The offset stays what it is, even inside a repeated hour.
                instant.checked_sub(local - cut).and_then(checked_timestamp)
            } else {
                Some(super::timestamp_to_timestamptz(cut, zone)?)
            };
            Ok(Datum::Timestamptz(result.ok_or_else(timestamp_out_of_range)?))
        }
        _ => Err(Error::internal("date_trunc of a value that is no date or time")),
    }
}

/// `date_trunc(field, timestamp)` on the count itself.
pub fn timestamp_trunc(field: &str, timestamp: i64) -> Result<i64> {
    let unit = truncation_unit(field, "timestamp without time zone")?;
    if is_infinite(timestamp) {
        return Ok(timestamp);
    }
    truncate(unit, timestamp).ok_or_else(timestamp_out_of_range)
}

fn truncation_unit(field: &str, type_name: &str) -> Result<Unit> {
    match Unit::parse(field) {
        // PostgreSQL knows these words only where it extracts.
        None | Some(Unit::Epoch | Unit::Dow | Unit::Isodow | Unit::Doy | Unit::Isoyear) => {
            Err(unknown(field, type_name))
        }
        Some(Unit::Julian | Unit::Timezone | Unit::TimezoneHour | Unit::TimezoneMinute) => {
            Err(unsupported(field, type_name))
        }
        Some(unit) => Ok(unit),
    }
}

fn truncate(unit: Unit, timestamp: i64) -> Option<i64> {
    let to = |step: i64| timestamp.checked_sub(timestamp.rem_euclid(step));
    let fields = Fields::of(timestamp);
    let year = fields.year;
    let start = |year: i32, month: i32| days_from_civil(year, month, 1).checked_mul(USECS_PER_DAY);
    let cut = match unit {
        Unit::Microseconds => Some(timestamp),
        Unit::Milliseconds => to(1_000),
        Unit::Second => to(1_000_000),
        Unit::Minute => to(60_000_000),
        Unit::Hour => to(3_600_000_000),
        Unit::Day => to(USECS_PER_DAY),
        Unit::Week => {
            let (iso_year, week) = iso_week(timestamp.div_euclid(USECS_PER_DAY));
            (iso_year_start(iso_year) + i64::from(week - 1) * 7).checked_mul(USECS_PER_DAY)
        }
        Unit::Month => start(year, fields.month),
        Unit::Quarter => start(year, (fields.month - 1) / 3 * 3 + 1),
        Unit::Year => start(year, 1),
        Unit::Decade => start(year.div_euclid(10) * 10, 1),
        Unit::Century => start((year - 1).div_euclid(100) * 100 + 1, 1),
        Unit::Millennium => start((year - 1).div_euclid(1000) * 1000 + 1, 1),
        _ => None,
    };
    cut.and_then(checked_timestamp)
}
