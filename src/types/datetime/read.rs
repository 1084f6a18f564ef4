//! Dates and times from text: every form that PostgreSQL's input functions take.

use super::calendar::days_from_civil;
use super::convert::apply_time_precision;
use super::lex::{self, Kind};
use super::reader::{Fault, Read, Reader, Special, is_known_word};
use super::{
    DATE_INFINITY, DATE_NEG_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, TimeZone,
    USECS_PER_DAY, checked_date, checked_timestamp,
};
use crate::error::{Error, Result, sqlstate};
use crate::types::session::SessionFormat;

fn read(text: &str, format: &SessionFormat, time_only: bool) -> Read<Reader> {
    let mut reader = Reader::new(format.date_order);
    let fields = lex::fields(text, is_known_word).ok_or(Fault::BadFormat)?;
    if fields.is_empty() {
        return Err(Fault::BadFormat);
    }
    // Where only the time is wanted, digits with separators are a date only if they come first,
    // with the time behind them; else they are a time with its zone.
    let date_first = fields.first().is_some_and(|f| f.kind == Kind::Date)
        && fields.get(1).is_some_and(|f| f.kind == Kind::Time);
    for (i, field) in fields.iter().enumerate() {
        reader.field(field, time_only && !(i == 0 && date_first))?;
    }
    if reader.prefix.is_some() {
        return Err(Fault::BadFormat);
    }
    Ok(reader)
}

/// The local time stamp and the zone, if the text has one; or a special value.
enum Moment {
    Local(i64, Option<TimeZone>),
    Special(Special),
}

fn moment(text: &str, format: &SessionFormat) -> Read<Moment> {
    let reader = read(text, format, false)?;
    if let Some(special) = reader.special {
        return match special {
            Special::Day(n) => {
                let today = local_now(format).div_euclid(USECS_PER_DAY);
                let time = reader.time_of_day()?.unwrap_or(0);
                Ok(Moment::Local((today + n) * USECS_PER_DAY + time, reader.zone))
            }
            _ if reader.has_date() => Err(Fault::BadFormat),
            _ => Ok(Moment::Special(special)),
        };
    }
    if !reader.has_date() {
        return Err(Fault::BadFormat);
    }
    let days = reader.days()?;
    let time = reader.time_of_day()?.unwrap_or(0);
    // Too large a year saturates, and the range check of the type reports it.
    let local = days.checked_mul(USECS_PER_DAY).and_then(|d| d.checked_add(time));
    let saturated = if days < 0 { i64::MIN + 1 } else { i64::MAX - 1 };
    Ok(Moment::Local(local.unwrap_or(saturated), reader.zone))
}

fn local_now(format: &SessionFormat) -> i64 {
    let east = format.time_zone.offset_at(format.now);
    format.now.saturating_add(i64::from(east) * 1_000_000)
}

fn range_error(type_name: &str, text: &str) -> Error {
    Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, format!("{type_name} out of range: \"{text}\""))
}

/// A date.
pub fn parse_date(text: &str, format: &SessionFormat) -> Result<i32> {
    let fail = |fault: Fault| fault.error("date", text);
    let reader = read(text, format, false).map_err(fail)?;
    let today = || local_now(format).div_euclid(USECS_PER_DAY);
    let days = match reader.special {
        Some(Special::Infinity) => return Ok(DATE_INFINITY),
        Some(Special::NegInfinity) => return Ok(DATE_NEG_INFINITY),
        Some(Special::Epoch) => days_from_civil(1970, 1, 1),
        Some(Special::Now) => today(),
        Some(Special::Day(n)) => today() + n,
        None if !reader.has_date() => return Err(fail(Fault::BadFormat)),
        None => {
            reader.time_of_day().map_err(fail)?;
            reader.days().map_err(fail)?
        }
    };
    checked_date(days).ok_or_else(|| range_error("date", text))
}

/// A time stamp; a zone in the text is ignored. `modifier` is the number of decimals, or -1.
pub fn parse_timestamp(text: &str, modifier: i32, format: &SessionFormat) -> Result<i64> {
    let local = match moment(text, format).map_err(|f| f.error("timestamp", text))? {
        Moment::Local(local, _) => local,
        Moment::Special(Special::Infinity) => return Ok(TIMESTAMP_INFINITY),
        Moment::Special(Special::NegInfinity) => return Ok(TIMESTAMP_NEG_INFINITY),
        Moment::Special(Special::Epoch) => days_from_civil(1970, 1, 1) * USECS_PER_DAY,
        Moment::Special(_) => local_now(format),
    };
    checked_timestamp(local)
        .map(|t| apply_time_precision(t, modifier))
        .and_then(checked_timestamp)
        .ok_or_else(|| range_error("timestamp", text))
}

/// An instant; without a zone in the text, the session's zone is meant.
pub fn parse_timestamptz(text: &str, modifier: i32, format: &SessionFormat) -> Result<i64> {
    let fail = |fault: Fault| fault.error("timestamp with time zone", text);
    let instant = match moment(text, format).map_err(fail)? {
        Moment::Local(local, zone) => {
            let east = zone.unwrap_or(format.time_zone).offset_of_local(local);
            local.saturating_sub(i64::from(east) * 1_000_000)
        }
        Moment::Special(Special::Infinity) => return Ok(TIMESTAMP_INFINITY),
        Moment::Special(Special::NegInfinity) => return Ok(TIMESTAMP_NEG_INFINITY),
        Moment::Special(Special::Epoch) => days_from_civil(1970, 1, 1) * USECS_PER_DAY,
        Moment::Special(_) => format.now,
    };
    checked_timestamp(instant)
        .map(|t| apply_time_precision(t, modifier))
        .and_then(checked_timestamp)
        .ok_or_else(|| range_error("timestamp", text))
}

/// The time of day in a text, the zone, and the local day that a zone's name needs.
fn time_and_zone(text: &str, format: &SessionFormat) -> Read<(i64, Option<TimeZone>, i64)> {
    let reader = read(text, format, true)?;
    let now = local_now(format);
    let time = match reader.special {
        Some(Special::Now) => now.rem_euclid(USECS_PER_DAY),
        Some(_) => return Err(Fault::BadFormat),
        None => reader.time_of_day()?.ok_or(Fault::BadFormat)?,
    };
    let days = if reader.has_date() {
        reader.days()?
    } else if reader.zone.is_some_and(|zone| !zone.is_fixed()) {
        // Which offset is meant depends on a day that nobody named.
        return Err(Fault::BadFormat);
    } else {
        now.div_euclid(USECS_PER_DAY)
    };
    Ok((time, reader.zone, days))
}

/// A time of day; a zone in the text is ignored.
pub fn parse_time(text: &str, modifier: i32, format: &SessionFormat) -> Result<i64> {
    let (time, _, _) = time_and_zone(text, format).map_err(|f| f.error("time", text))?;
    Ok(apply_time_precision(time, modifier))
}

/// A time of day and its zone, as seconds west of UTC.
pub fn parse_timetz(text: &str, modifier: i32, format: &SessionFormat) -> Result<(i64, i32)> {
    let (time, zone, days) =
        time_and_zone(text, format).map_err(|f| f.error("time with time zone", text))?;
    let local = days.saturating_mul(USECS_PER_DAY).saturating_add(time);
    let east = zone.unwrap_or(format.time_zone).offset_of_local(local);
    Ok((apply_time_precision(time, modifier), -east))
}
