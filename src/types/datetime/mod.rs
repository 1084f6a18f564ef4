//! Dates, times and time stamps.
#![allow(missing_docs)]
use super::session::SessionFormat;
use super::{Datum, Interval, Numeric, Type};
use crate::error::{Error, Result};
pub const USECS_PER_DAY: i64 = 86_400_000_000;
pub const DATE_INFINITY: i32 = i32::MAX;
pub const DATE_NEG_INFINITY: i32 = i32::MIN;
pub const TIMESTAMP_INFINITY: i64 = i64::MAX;
pub const TIMESTAMP_NEG_INFINITY: i64 = i64::MIN;
/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeZone {
    /// Seconds east of UTC.
    Fixed(i32),
    /// From the IANA database.
    Named(chrono_tz::Tz),
}
impl TimeZone {
    pub const UTC: TimeZone = TimeZone::Named(chrono_tz::Tz::UTC);
    /// Names, abbreviations, +02:00 (ISO sign), and what SET TIME ZONE takes. 22023 if unknown.
    pub fn parse(text: &str) -> Result<TimeZone> {
        let _ = (text,);
        Err(Error::unsupported("this operation"))
    }
    /// As SHOW timezone gives it.
    pub fn name(&self) -> String {
        unimplemented!()
    }
    /// Seconds east of UTC at an instant.
    pub fn offset_at(&self, timestamptz: i64) -> i32 {
        let _ = (timestamptz,);
        unimplemented!()
    }
    /// Seconds east of UTC that a local time stamp is read with.
    pub fn offset_of_local(&self, timestamp: i64) -> i32 {
        let _ = (timestamp,);
        unimplemented!()
    }
    pub fn abbreviation_at(&self, timestamptz: i64) -> String {
        let _ = (timestamptz,);
        unimplemented!()
    }
}
pub fn parse_date(text: &str, format: &SessionFormat) -> Result<i32> {
    let _ = (text, format);
    Err(Error::unsupported("this operation"))
}
pub fn parse_time(text: &str, modifier: i32, format: &SessionFormat) -> Result<i64> {
    let _ = (text, modifier, format);
    Err(Error::unsupported("this operation"))
}
pub fn parse_timetz(text: &str, modifier: i32, format: &SessionFormat) -> Result<(i64, i32)> {
    let _ = (text, modifier, format);
    Err(Error::unsupported("this operation"))
}
pub fn parse_timestamp(text: &str, modifier: i32, format: &SessionFormat) -> Result<i64> {
    let _ = (text, modifier, format);
    Err(Error::unsupported("this operation"))
}
pub fn parse_timestamptz(text: &str, modifier: i32, format: &SessionFormat) -> Result<i64> {
    let _ = (text, modifier, format);
    Err(Error::unsupported("this operation"))
}
pub fn write_date(date: i32, format: &SessionFormat, out: &mut String) {
    let _ = (date, format, out);
    unimplemented!()
}
pub fn write_time(time: i64, out: &mut String) {
    let _ = (time, out);
    unimplemented!()
}
pub fn write_timetz(time: i64, zone_west: i32, out: &mut String) {
    let _ = (time, zone_west, out);
    unimplemented!()
}
pub fn write_timestamp(timestamp: i64, format: &SessionFormat, out: &mut String) {
    let _ = (timestamp, format, out);
    unimplemented!()
}
pub fn write_timestamptz(timestamptz: i64, format: &SessionFormat, out: &mut String) {
    let _ = (timestamptz, format, out);
    unimplemented!()
}
/// extract(field from value), for date, time, timetz, timestamp, timestamptz and interval. NULL for fields of infinities that have none.
pub fn extract(field: &str, value: &Datum, format: &SessionFormat) -> Result<Datum> {
    let _ = (field, value, format);
    Err(Error::unsupported("this operation"))
}
/// date_part: the same as double precision.
pub fn date_part(field: &str, value: &Datum, format: &SessionFormat) -> Result<Datum> {
    let _ = (field, value, format);
    Err(Error::unsupported("this operation"))
}
/// date_trunc over timestamp, timestamptz (in `zone`) and interval.
pub fn date_trunc(field: &str, value: &Datum, zone: &TimeZone) -> Result<Datum> {
    let _ = (field, value, zone);
    Err(Error::unsupported("this operation"))
}
pub fn date_bin(stride: Interval, timestamp: i64, origin: i64) -> Result<i64> {
    let _ = (stride, timestamp, origin);
    Err(Error::unsupported("this operation"))
}
pub fn timestamp_plus_interval(timestamp: i64, interval: Interval) -> Result<i64> {
    let _ = (timestamp, interval);
    Err(Error::unsupported("this operation"))
}
pub fn timestamp_minus_interval(timestamp: i64, interval: Interval) -> Result<i64> {
    let _ = (timestamp, interval);
    Err(Error::unsupported("this operation"))
}
pub fn timestamptz_plus_interval(
    timestamptz: i64,
    interval: Interval,
    zone: &TimeZone,
) -> Result<i64> {
    let _ = (timestamptz, interval, zone);
    Err(Error::unsupported("this operation"))
}
pub fn timestamptz_minus_interval(
    timestamptz: i64,
    interval: Interval,
    zone: &TimeZone,
) -> Result<i64> {
    let _ = (timestamptz, interval, zone);
    Err(Error::unsupported("this operation"))
}
/// For two timestamps or two timestamptzs.
pub fn timestamp_minus_timestamp(a: i64, b: i64) -> Result<Interval> {
    let _ = (a, b);
    Err(Error::unsupported("this operation"))
}
/// age(timestamp, timestamp)
pub fn age(a: i64, b: i64) -> Result<Interval> {
    let _ = (a, b);
    Err(Error::unsupported("this operation"))
}
/// age(timestamptz, timestamptz)
pub fn age_tz(a: i64, b: i64, zone: &TimeZone) -> Result<Interval> {
    let _ = (a, b, zone);
    Err(Error::unsupported("this operation"))
}
pub fn date_plus_days(date: i32, days: i32) -> Result<i32> {
    let _ = (date, days);
    Err(Error::unsupported("this operation"))
}
pub fn date_minus_days(date: i32, days: i32) -> Result<i32> {
    let _ = (date, days);
    Err(Error::unsupported("this operation"))
}
pub fn date_minus_date(a: i32, b: i32) -> Result<i32> {
    let _ = (a, b);
    Err(Error::unsupported("this operation"))
}
pub fn time_plus_interval(time: i64, interval: Interval) -> i64 {
    let _ = (time, interval);
    unimplemented!()
}
pub fn time_minus_interval(time: i64, interval: Interval) -> i64 {
    let _ = (time, interval);
    unimplemented!()
}
pub fn time_minus_time(a: i64, b: i64) -> Interval {
    let _ = (a, b);
    unimplemented!()
}
pub fn date_plus_time(date: i32, time: i64) -> Result<i64> {
    let _ = (date, time);
    Err(Error::unsupported("this operation"))
}
pub fn date_plus_timetz(date: i32, time: i64, zone_west: i32) -> Result<i64> {
    let _ = (date, time, zone_west);
    Err(Error::unsupported("this operation"))
}
pub fn make_date(year: i32, month: i32, day: i32) -> Result<i32> {
    let _ = (year, month, day);
    Err(Error::unsupported("this operation"))
}
pub fn make_time(hour: i32, minute: i32, second: f64) -> Result<i64> {
    let _ = (hour, minute, second);
    Err(Error::unsupported("this operation"))
}
pub fn make_timestamp(
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    second: f64,
) -> Result<i64> {
    let _ = (year, month, day, hour, minute, second);
    Err(Error::unsupported("this operation"))
}
pub fn make_timestamptz(
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    second: f64,
    zone: &TimeZone,
) -> Result<i64> {
    let _ = (year, month, day, hour, minute, second, zone);
    Err(Error::unsupported("this operation"))
}
/// to_timestamp(double precision)
pub fn timestamptz_from_epoch(seconds: f64) -> Result<i64> {
    let _ = (seconds,);
    Err(Error::unsupported("this operation"))
}
/// timestamp AT TIME ZONE zone (also the cast, with the session's zone)
pub fn timestamp_to_timestamptz(timestamp: i64, zone: &TimeZone) -> Result<i64> {
    let _ = (timestamp, zone);
    Err(Error::unsupported("this operation"))
}
/// timestamptz AT TIME ZONE zone (also the cast, with the session's zone)
pub fn timestamptz_to_timestamp(timestamptz: i64, zone: &TimeZone) -> Result<i64> {
    let _ = (timestamptz, zone);
    Err(Error::unsupported("this operation"))
}
/// timetz AT TIME ZONE zone; `now` decides the offset of a named zone.
pub fn timetz_at_zone(time: i64, zone_west: i32, zone: &TimeZone, now: i64) -> (i64, i32) {
    let _ = (time, zone_west, zone, now);
    unimplemented!()
}
pub fn date_to_timestamp(date: i32) -> Result<i64> {
    let _ = (date,);
    Err(Error::unsupported("this operation"))
}
pub fn date_to_timestamptz(date: i32, zone: &TimeZone) -> Result<i64> {
    let _ = (date, zone);
    Err(Error::unsupported("this operation"))
}
pub fn timestamp_to_date(timestamp: i64) -> Result<i32> {
    let _ = (timestamp,);
    Err(Error::unsupported("this operation"))
}
/// NULL (None) for the infinities.
pub fn timestamp_to_time(timestamp: i64) -> Option<i64> {
    let _ = (timestamp,);
    unimplemented!()
}
/// (year, month, day); year 0 is 1 BC.
pub fn civil_from_days(days: i32) -> (i32, i32, i32) {
    let _ = (days,);
    unimplemented!()
}
/// Days since 2000-01-01 of a date of the proleptic Gregorian calendar.
pub fn days_from_civil(year: i32, month: i32, day: i32) -> i64 {
    let _ = (year, month, day);
    unimplemented!()
}
/// Microseconds since 2000 from nanoseconds since 1970, for clocks.
pub fn timestamptz_from_unix_nanos(nanos: i64) -> i64 {
    let _ = (nanos,);
    unimplemented!()
}

#[allow(dead_code)]
fn _uses(_: &Type, _: &Numeric) {}
