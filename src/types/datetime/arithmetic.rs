//! Dates and times plus and minus each other and intervals.

use super::calendar::{Fields, days_in_month};
use super::{
    TimeZone, USECS_PER_DAY, checked_date, checked_timestamp, date_out_of_range, date_to_timestamp,
    is_infinite, is_infinite_date, timestamp_out_of_range, timestamp_to_timestamptz,
    timestamptz_to_timestamp,
};
use crate::error::{Error, Result, sqlstate};
use crate::types::Interval;

/// Months and days added to a local time stamp: first the months, the day clamped to the month's
/// last, then the days.
fn plus_months_and_days(timestamp: i64, months: i32, days: i32) -> Result<i64> {
    let mut result = timestamp;
    if months != 0 {
        let mut fields = Fields::of(timestamp);
        let total = i64::from(fields.year) * 12 + i64::from(fields.month) - 1 + i64::from(months);
        fields.year = i32::try_from(total.div_euclid(12)).map_err(|_| timestamp_out_of_range())?;
        fields.month = total.rem_euclid(12) as i32 + 1;
        fields.day = fields.day.min(days_in_month(fields.year, fields.month));
        result =
            fields.timestamp().and_then(checked_timestamp).ok_or_else(timestamp_out_of_range)?;
    }
    if days != 0 {
        result = result
            .checked_add(i64::from(days) * USECS_PER_DAY)
            .and_then(checked_timestamp)
            .ok_or_else(timestamp_out_of_range)?;
    }
    Ok(result)
}

/// `timestamp + interval`
pub fn timestamp_plus_interval(timestamp: i64, interval: Interval) -> Result<i64> {
    if is_infinite(timestamp) {
        return Ok(timestamp);
    }
    plus_months_and_days(timestamp, interval.months, interval.days)?
        .checked_add(interval.micros)
        .and_then(checked_timestamp)
        .ok_or_else(timestamp_out_of_range)
}

/// `timestamp - interval`
pub fn timestamp_minus_interval(timestamp: i64, interval: Interval) -> Result<i64> {
    timestamp_plus_interval(timestamp, interval.checked_neg()?)
}

/// `timestamptz + interval`: months and days by the zone's calendar, the time by the clock.
pub fn timestamptz_plus_interval(
    timestamptz: i64,
    interval: Interval,
    zone: &TimeZone,
) -> Result<i64> {
    if is_infinite(timestamptz) {
        return Ok(timestamptz);
    }
    let mut result = timestamptz;
    // Each step returns to an instant, so that an offset that changes between them counts.
    for (months, days) in [(interval.months, 0), (0, interval.days)] {
        if months != 0 || days != 0 {
            let local = timestamptz_to_timestamp(result, zone)?;
            result = timestamp_to_timestamptz(plus_months_and_days(local, months, days)?, zone)?;
        }
    }
    result
        .checked_add(interval.micros)
        .and_then(checked_timestamp)
        .ok_or_else(timestamp_out_of_range)
}

/// `timestamptz - interval`
pub fn timestamptz_minus_interval(
    timestamptz: i64,
    interval: Interval,
    zone: &TimeZone,
) -> Result<i64> {
    timestamptz_plus_interval(timestamptz, interval.checked_neg()?, zone)
}

/// The difference of two time stamps or two instants, in days and time.
pub fn timestamp_minus_timestamp(a: i64, b: i64) -> Result<Interval> {
    if is_infinite(a) || is_infinite(b) {
        return Err(Error::new(
            sqlstate::DATETIME_FIELD_OVERFLOW,
            "cannot subtract infinite timestamps",
        ));
    }
    let micros = a
        .checked_sub(b)
        .ok_or_else(|| Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, "interval out of range"))?;
    Interval { months: 0, days: 0, micros }.justify_hours()
}

/// `age(timestamp, timestamp)`: the difference in years, months and days of the calendar.
pub fn age(a: i64, b: i64) -> Result<Interval> {
    if is_infinite(a) || is_infinite(b) {
        return Err(timestamp_out_of_range());
    }
    let forward = a >= b;
    let (late, early) =
        if forward { (Fields::of(a), Fields::of(b)) } else { (Fields::of(b), Fields::of(a)) };
    let mut micros = late.micros - early.micros;
    let mut second = late.second - early.second;
    let mut minute = late.minute - early.minute;
    let mut hour = late.hour - early.hour;
    let mut day = late.day - early.day;
    let mut month = late.month - early.month;
    let mut year = late.year - early.year;
    if micros < 0 {
        micros += 1_000_000;
        second -= 1;
    }
    if second < 0 {
        second += 60;
        minute -= 1;
    }
    if minute < 0 {
        minute += 60;
        hour -= 1;
    }
    if hour < 0 {
        hour += 24;
        day -= 1;
    }
    if day < 0 {
        // The borrowed month is the one that the earlier time stamp lies in.
        day += days_in_month(early.year, early.month);
        month -= 1;
    }
    if month < 0 {
        month += 12;
        year -= 1;
    }
    let span = Interval {
        months: year * 12 + month,
        days: day,
        micros: super::calendar::join_time(hour, minute, second, micros),
    };
    if forward { Ok(span) } else { span.checked_neg() }
}

/// `age(timestamptz, timestamptz)`, by the zone's calendar.
pub fn age_tz(a: i64, b: i64, zone: &TimeZone) -> Result<Interval> {
    age(timestamptz_to_timestamp(a, zone)?, timestamptz_to_timestamp(b, zone)?)
}

/// `date + integer`
pub fn date_plus_days(date: i32, days: i32) -> Result<i32> {
    if is_infinite_date(date) {
        return Ok(date);
    }
    checked_date(i64::from(date) + i64::from(days)).ok_or_else(date_out_of_range)
}

/// `date - integer`
pub fn date_minus_days(date: i32, days: i32) -> Result<i32> {
    if is_infinite_date(date) {
        return Ok(date);
    }
    checked_date(i64::from(date) - i64::from(days)).ok_or_else(date_out_of_range)
}

/// `date - date`, in days.
pub fn date_minus_date(a: i32, b: i32) -> Result<i32> {
    if is_infinite_date(a) || is_infinite_date(b) {
        return Err(Error::new(
            sqlstate::DATETIME_FIELD_OVERFLOW,
            "cannot subtract infinite dates",
        ));
    }
    a.checked_sub(b).ok_or_else(date_out_of_range)
}

/// `time + interval`: only the interval's time counts, and midnight is passed.
pub fn time_plus_interval(time: i64, interval: Interval) -> i64 {
    (time + interval.micros % USECS_PER_DAY).rem_euclid(USECS_PER_DAY)
}

/// `time - interval`
pub fn time_minus_interval(time: i64, interval: Interval) -> i64 {
    (time - interval.micros % USECS_PER_DAY).rem_euclid(USECS_PER_DAY)
}

/// `time - time`
pub fn time_minus_time(a: i64, b: i64) -> Interval {
    Interval { months: 0, days: 0, micros: a - b }
}

/// `date + time`
pub fn date_plus_time(date: i32, time: i64) -> Result<i64> {
    let midnight = date_to_timestamp(date)?;
    if is_infinite(midnight) {
        return Ok(midnight);
    }
    midnight.checked_add(time).and_then(checked_timestamp).ok_or_else(timestamp_out_of_range)
}

/// `date + timetz`, an instant; the zone is in seconds west of UTC.
pub fn date_plus_timetz(date: i32, time: i64, zone_west: i32) -> Result<i64> {
    let midnight = date_to_timestamp(date)?;
    if is_infinite(midnight) {
        return Ok(midnight);
    }
    midnight
        .checked_add(time)
        .and_then(|t| t.checked_add(i64::from(zone_west) * 1_000_000))
        .and_then(checked_timestamp)
        .ok_or_else(timestamp_out_of_range)
}

/// `date_bin(stride, timestamp, origin)`: the start of the stride-long bin.
pub fn date_bin(stride: Interval, timestamp: i64, origin: i64) -> Result<i64> {
    let failure =
        |message: &str| Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, message.to_string());
    if is_infinite(timestamp) {
        return Ok(timestamp);
    }
    if is_infinite(origin) {
        return Err(failure("origin out of range"));
    }
    if stride.months != 0 {
        return Err(Error::new(
            sqlstate::FEATURE_NOT_SUPPORTED,
            "timestamps cannot be binned into intervals containing months or years",
        ));
    }
    let length = i64::from(stride.days)
        .checked_mul(USECS_PER_DAY)
        .and_then(|d| d.checked_add(stride.micros))
        .ok_or_else(|| failure("interval out of range"))?;
    if length <= 0 {
        return Err(failure("stride must be greater than zero"));
    }
    let distance = timestamp.checked_sub(origin).ok_or_else(|| failure("interval out of range"))?;
    timestamp
        .checked_sub(distance.rem_euclid(length))
        .and_then(checked_timestamp)
        .ok_or_else(timestamp_out_of_range)
}

#[cfg(test)]
mod tests {
    use super::super::{make_date, make_timestamp};
    use super::*;

    fn ts(year: i32, month: i32, day: i32, hour: i32) -> i64 {
        make_timestamp(year, month, day, hour, 0, 0.0).unwrap()
    }

    #[test]
    fn months_are_added_before_days_and_clamp() {
        let month = Interval { months: 1, ..Default::default() };
        assert_eq!(timestamp_plus_interval(ts(2021, 1, 31, 5), month).unwrap(), ts(2021, 2, 28, 5));
        assert_eq!(
            timestamp_minus_interval(ts(2020, 3, 31, 0), month).unwrap(),
            ts(2020, 2, 29, 0)
        );
        let both = Interval { months: 1, days: 1, micros: 0 };
        assert_eq!(timestamp_plus_interval(ts(2021, 1, 31, 0), both).unwrap(), ts(2021, 3, 1, 0));
        let e = timestamp_plus_interval(ts(294_276, 1, 1, 0), Interval { months: 12, ..both });
        assert_eq!(e.unwrap_err().message(), "timestamp out of range");
    }

    #[test]
    fn a_day_is_not_always_24_hours() {
        let zone = TimeZone::parse("America/New_York").unwrap();
        let before = timestamp_to_timestamptz(ts(2021, 3, 13, 12), &zone).unwrap();
        let day = Interval { days: 1, ..Default::default() };
        let hours = Interval { micros: USECS_PER_DAY, ..Default::default() };
        let after = timestamp_to_timestamptz(ts(2021, 3, 14, 12), &zone).unwrap();
        assert_eq!(timestamptz_plus_interval(before, day, &zone).unwrap(), after);
        let later = timestamptz_plus_interval(before, hours, &zone).unwrap();
        assert_eq!(later - after, 3_600_000_000);
    }

    #[test]
    fn ages_count_calendar_months() {
        let span = age(ts(2001, 4, 10, 0), ts(1957, 6, 13, 0)).unwrap();
        assert_eq!(span, Interval { months: 43 * 12 + 9, days: 27, micros: 0 });
        let back = age(ts(1957, 6, 13, 0), ts(2001, 4, 10, 0)).unwrap();
        assert_eq!(back, span.checked_neg().unwrap());
    }

    #[test]
    fn dates_stay_in_range() {
        let day = make_date(2000, 1, 1).unwrap();
        assert_eq!(date_plus_days(day, 60).unwrap(), make_date(2000, 3, 1).unwrap());
        assert_eq!(date_plus_days(day, i32::MAX).unwrap_err().message(), "date out of range");
        assert_eq!(
            time_plus_interval(0, Interval { micros: -1, ..Default::default() }),
            USECS_PER_DAY - 1
        );
        let quarter = Interval { micros: 900_000_000, ..Default::default() };
        let t = make_timestamp(2020, 2, 11, 15, 44, 17.71).unwrap();
        assert_eq!(
            date_bin(quarter, t, ts(2001, 1, 1, 0)).unwrap(),
            ts(2020, 2, 11, 15) + 1_800_000_000
        );
    }
}
