//! Between dates, times, time stamps and instants; and from numbers to them.

use super::calendar::{UNIX_DAYS_OF_EPOCH, days_from_civil, days_in_month, join_time};
use super::{
    DATE_INFINITY, DATE_NEG_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, TimeZone,
    USECS_PER_DAY, checked_date, checked_timestamp, is_infinite, timestamp_out_of_range,
};
use crate::error::{Error, Result, sqlstate};

/// Rounds a count of microseconds to so many decimals of a second; a modifier of -1 leaves it.
pub fn apply_time_precision(micros: i64, modifier: i32) -> i64 {
    if !(0..6).contains(&modifier) || is_infinite(micros) {
        return micros;
    }
    let unit = 10i64.pow(6 - modifier.unsigned_abs());
    let half = unit / 2;
    // Half away from zero, as PostgreSQL rounds the count.
    let rounded = if micros >= 0 {
        micros.saturating_add(half) / unit
    } else {
        -(half.saturating_sub(micros) / unit)
    };
    rounded.saturating_mul(unit)
}

/// `timestamp AT TIME ZONE zone`: the instant at which the zone's clocks show it.
pub fn timestamp_to_timestamptz(timestamp: i64, zone: &TimeZone) -> Result<i64> {
    if is_infinite(timestamp) {
        return Ok(timestamp);
    }
    let east = i64::from(zone.offset_of_local(timestamp)) * 1_000_000;
    timestamp.checked_sub(east).and_then(checked_timestamp).ok_or_else(timestamp_out_of_range)
}

/// `timestamptz AT TIME ZONE zone`: what the zone's clocks show at an instant.
pub fn timestamptz_to_timestamp(timestamptz: i64, zone: &TimeZone) -> Result<i64> {
    if is_infinite(timestamptz) {
        return Ok(timestamptz);
    }
    let east = i64::from(zone.offset_at(timestamptz)) * 1_000_000;
    timestamptz.checked_add(east).and_then(checked_timestamp).ok_or_else(timestamp_out_of_range)
}

/// `timetz AT TIME ZONE zone`; `now` decides the offset of a named zone.
pub fn timetz_at_zone(time: i64, zone_west: i32, zone: &TimeZone, now: i64) -> (i64, i32) {
    let west = -zone.offset_at(now);
    let shift = (i64::from(zone_west) - i64::from(west)) * 1_000_000;
    ((time + shift).rem_euclid(USECS_PER_DAY), west)
}

/// `date::timestamp`: midnight of the day.
pub fn date_to_timestamp(date: i32) -> Result<i64> {
    match date {
        DATE_INFINITY => Ok(TIMESTAMP_INFINITY),
        DATE_NEG_INFINITY => Ok(TIMESTAMP_NEG_INFINITY),
        _ => i64::from(date).checked_mul(USECS_PER_DAY).and_then(checked_timestamp).ok_or_else(
            || Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, "date out of range for timestamp"),
        ),
    }
}

/// `date::timestamptz`: the zone's midnight of the day.
pub fn date_to_timestamptz(date: i32, zone: &TimeZone) -> Result<i64> {
    let local = date_to_timestamp(date)?;
    timestamp_to_timestamptz(local, zone).map_err(|_| {
        Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, "date out of range for timestamp")
    })
}

/// `timestamp::date`
pub fn timestamp_to_date(timestamp: i64) -> Result<i32> {
    match timestamp {
        TIMESTAMP_INFINITY => Ok(DATE_INFINITY),
        TIMESTAMP_NEG_INFINITY => Ok(DATE_NEG_INFINITY),
        _ => checked_date(timestamp.div_euclid(USECS_PER_DAY)).ok_or_else(timestamp_out_of_range),
    }
}

/// `timestamp::time`; the infinities have none.
pub fn timestamp_to_time(timestamp: i64) -> Option<i64> {
    (!is_infinite(timestamp)).then(|| timestamp.rem_euclid(USECS_PER_DAY))
}

/// Microseconds since 2000 from nanoseconds since 1970, for clocks.
pub fn timestamptz_from_unix_nanos(nanos: i64) -> i64 {
    nanos.div_euclid(1_000) - UNIX_DAYS_OF_EPOCH * USECS_PER_DAY
}

/// A float as C's `%g` prints it, for messages.
fn general(value: f64) -> String {
    crate::types::text::float_with_digits(value, 6)
}

/// `to_timestamp(double precision)`: seconds since 1970.
pub fn timestamptz_from_epoch(seconds: f64) -> Result<i64> {
    let failure = |message: String| Err(Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, message));
    if seconds.is_nan() {
        return failure("timestamp cannot be NaN".into());
    }
    if seconds.is_infinite() {
        return Ok(if seconds > 0.0 { TIMESTAMP_INFINITY } else { TIMESTAMP_NEG_INFINITY });
    }
    let micros = ((seconds - (UNIX_DAYS_OF_EPOCH * 86_400) as f64) * 1e6).round_ties_even();
    // The comparison excludes what `as` would saturate.
    if micros.abs() < 9.3e18
        && let Some(timestamp) = checked_timestamp(micros as i64)
    {
        return Ok(timestamp);
    }
    failure(format!("timestamp out of range: \"{}\"", general(seconds)))
}

/// `make_date`; a negative year is before Christ.
pub fn make_date(year: i32, month: i32, day: i32) -> Result<i32> {
    let invalid = || {
        Error::new(
            sqlstate::DATETIME_FIELD_OVERFLOW,
            format!("date field value out of range: {year}-{month:02}-{day:02}"),
        )
    };
    let astronomical = match year {
        0 => return Err(invalid()),
        y if y < 0 => y.checked_add(1).ok_or_else(invalid)?,
        y => y,
    };
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(astronomical, month) {
        return Err(invalid());
    }
    checked_date(days_from_civil(astronomical, month, day)).ok_or_else(|| {
        Error::new(
            sqlstate::DATETIME_FIELD_OVERFLOW,
            format!("date out of range: {year}-{month:02}-{day:02}"),
        )
    })
}

/// `make_time`
pub fn make_time(hour: i32, minute: i32, second: f64) -> Result<i64> {
    let invalid = || {
        let padded = format!("{:0>2}", general(second));
        Error::new(
            sqlstate::DATETIME_FIELD_OVERFLOW,
            format!("time field value out of range: {hour}:{minute:02}:{padded}"),
        )
    };
    if !(0..=24).contains(&hour) || !(0..=59).contains(&minute) || !(0.0..=60.0).contains(&second) {
        return Err(invalid());
    }
    let micros = (second * 1e6).round_ties_even() as i64;
    let time = join_time(hour, minute, 0, 0) + micros;
    if time > USECS_PER_DAY { Err(invalid()) } else { Ok(time) }
}

/// `make_timestamp`
pub fn make_timestamp(
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    second: f64,
) -> Result<i64> {
    let date = make_date(year, month, day)?;
    let time = make_time(hour, minute, second)?;
    i64::from(date)
        .checked_mul(USECS_PER_DAY)
        .and_then(|d| d.checked_add(time))
        .and_then(checked_timestamp)
        .ok_or_else(|| {
            let second = general(second);
            Error::new(
                sqlstate::DATETIME_FIELD_OVERFLOW,
                format!(
                    "timestamp out of range: {year}-{month:02}-{day:02} {hour}:{minute:02}:{second:0>2}"
                ),
            )
        })
}

/// `make_timestamptz`
pub fn make_timestamptz(
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    second: f64,
    zone: &TimeZone,
) -> Result<i64> {
    timestamp_to_timestamptz(make_timestamp(year, month, day, hour, minute, second)?, zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_rounds_half_away_from_zero() {
        assert_eq!(apply_time_precision(1_500_000, 0), 2_000_000);
        assert_eq!(apply_time_precision(-1_500_000, 0), -2_000_000);
        assert_eq!(apply_time_precision(1_234_567, 3), 1_235_000);
        assert_eq!(apply_time_precision(1_234_567, -1), 1_234_567);
        assert_eq!(apply_time_precision(i64::MAX, 0), i64::MAX);
    }

    #[test]
    fn zones_are_applied_both_ways() {
        let zone = TimeZone::parse("Europe/Berlin").unwrap();
        let summer = make_timestamp(2021, 7, 1, 12, 0, 0.0).unwrap();
        let instant = timestamp_to_timestamptz(summer, &zone).unwrap();
        assert_eq!(instant, make_timestamp(2021, 7, 1, 10, 0, 0.0).unwrap());
        assert_eq!(timestamptz_to_timestamp(instant, &zone).unwrap(), summer);
        assert_eq!(timetz_at_zone(0, 0, &TimeZone::Fixed(-3_600), 0), (82_800_000_000, 3_600));
    }

    #[test]
    fn fields_out_of_range_are_named() {
        let e = make_date(2000, 13, 1).unwrap_err();
        assert_eq!(e.message(), "date field value out of range: 2000-13-01");
        let e = make_time(25, 0, 0.0).unwrap_err();
        assert_eq!(e.message(), "time field value out of range: 25:00:00");
        let e = make_timestamp(2000, 1, 1, 25, 1, 1.5).unwrap_err();
        assert_eq!(e.message(), "time field value out of range: 25:01:1.5");
        let e = timestamptz_from_epoch(1e20).unwrap_err();
        assert_eq!(e.message(), "timestamp out of range: \"1e+20\"");
        assert_eq!(make_date(-44, 3, 15).unwrap(), days_from_civil(-43, 3, 15) as i32);
    }
}
