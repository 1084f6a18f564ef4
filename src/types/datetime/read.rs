//! Reading dates and times: ISO 8601 and its SQL spellings, zones, the special words.

use super::{
    DATE_INFINITY, DATE_NEG_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, TimeZone,
    USECS_PER_DAY, date_plus_time, days_from_civil, month_days, timestamp_to_date,
    timestamp_to_timestamptz, timestamptz_to_timestamp,
};
use crate::error::{Error, Result, sqlstate};
use crate::types::session::{DateOrder, SessionFormat};

/// What a text turned out to hold.
enum Read {
    /// Before or after everything.
    Infinity(bool),
    /// An instant given by a word.
    Instant(i64),
    /// A date, a time of day and a zone, each if it was there.
    Parts { date: Option<i32>, time: Option<i64>, zone: Option<TimeZone> },
}

fn bad(ty: &str, text: &str) -> Error {
    Error::new(
        sqlstate::INVALID_DATETIME_FORMAT,
        format!("invalid input syntax for type {ty}: \"{text}\""),
    )
}

fn field_overflow(text: &str) -> Error {
    Error::new(
        sqlstate::DATETIME_FIELD_OVERFLOW,
        format!("date/time field value out of range: \"{text}\""),
    )
}

/// `+02`, `-0330`, `+05:30`, `+05:30:15` as seconds east; `None` if it is none of these.
pub(super) fn offset(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = &text[1..];
    let parts: Vec<&str> = if digits.contains(':') {
        digits.split(':').collect()
    } else if digits.len() > 2 && digits.is_ascii() {
        vec![&digits[..digits.len() - 2], &digits[digits.len() - 2..]]
    } else {
        vec![digits]
    };
    if parts.len() > 3 || parts.iter().any(|p| p.is_empty() || p.len() > 2) {
        return None;
    }
    let mut seconds = 0;
    for (part, unit) in parts.iter().zip([3_600, 60, 1]) {
        if !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        seconds += part.parse::<i32>().ok()? * unit;
    }
    (seconds <= 16 * 3_600).then_some(sign * seconds)
}

/// `hh:mm[:ss[.ffffff]]` in microseconds; a wrong shape is `None`, a wrong size an error.
fn clock(text: &str, whole: &str) -> Result<Option<i64>> {
    let parts: Vec<&str> = text.split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return Ok(None);
    }
    let number = |s: &str| -> Option<i64> {
        (!s.is_empty() && s.len() <= 2 && s.bytes().all(|b| b.is_ascii_digit()))
            .then(|| s.parse().ok())?
    };
    let (Some(hour), Some(minute)) = (number(parts[0]), number(parts[1])) else { return Ok(None) };
    let mut micros = 0;
    if let Some(seconds) = parts.get(2) {
        let (second, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
        if !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(None);
        }
        let Some(second) = number(second) else { return Ok(None) };
        // Seven digits, so that the last is rounded.
        let padded: String = fraction.chars().chain("0000000".chars()).take(7).collect();
        micros = second * 1_000_000 + (padded.parse::<i64>().unwrap_or(0) + 5) / 10;
        if second > 60 {
            return Err(field_overflow(whole));
        }
    }
    let total = hour * 3_600_000_000 + minute * 60_000_000 + micros;
    if hour > 24 || minute > 59 || total > USECS_PER_DAY {
        return Err(field_overflow(whole));
    }
    Ok(Some(total))
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

fn month_named(word: &str) -> Option<i32> {
    let three = word.get(..3)?;
    MONTHS.iter().position(|m| *m == three).map(|i| i as i32 + 1)
}

fn date_of(year: i64, month: i64, day: i64, bc: bool, whole: &str) -> Result<i32> {
    let year = if bc { 1 - year } else { year };
    let (Ok(year), Ok(month), Ok(day)) =
        (i32::try_from(year), i32::try_from(month), i32::try_from(day))
    else {
        return Err(field_overflow(whole));
    };
    if year == 0 && !bc
        || !(1..=12).contains(&month)
        || !(1..=month_days(year, month)).contains(&day)
    {
        return Err(field_overflow(whole));
    }
    let days = days_from_civil(year, month, day);
    i32::try_from(days)
        .ok()
        .filter(|d| i64::from(*d) >= super::DAYS_MIN && *d != DATE_INFINITY)
        .ok_or_else(|| {
            Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, format!("date out of range: \"{whole}\""))
        })
}

/// Two-digit years: 70–99 are of the twentieth century.
fn full_year(text: &str, year: i64) -> i64 {
    match text.len() {
        1 | 2 if year < 70 => year + 2_000,
        1 | 2 => year + 1_900,
        _ => year,
    }
}

/// Three fields of a date in the order that their shape and `DateOrder` say.
fn date_fields(fields: &[&str], order: DateOrder, bc: bool, whole: &str) -> Result<Option<i32>> {
    let number = |s: &str| s.parse::<i64>().ok().filter(|_| s.len() <= 7);
    if let [a, b, c] = fields {
        let named = fields.iter().position(|f| month_named(f).is_some());
        if let Some(at) = named {
            let month = i64::from(month_named(fields[at]).unwrap_or(1));
            let rest: Vec<&str> =
                fields.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, f)| *f).collect();
            let (Some(x), Some(y)) = (number(rest[0]), number(rest[1])) else { return Ok(None) };
            let (year, day) = if rest[0].len() > 2 { (x, y) } else { (full_year(rest[1], y), x) };
            return date_of(year, month, day, bc, whole).map(Some);
        }
        let (Some(x), Some(y), Some(z)) = (number(a), number(b), number(c)) else {
            return Ok(None);
        };
        let (year, month, day) = if a.len() > 2 {
            (x, y, z)
        } else {
            match order {
                DateOrder::Mdy => (full_year(c, z), x, y),
                DateOrder::Dmy => (full_year(c, z), y, x),
                DateOrder::Ymd => (full_year(a, x), y, z),
            }
        };
        return date_of(year, month, day, bc, whole).map(Some);
    }
    Ok(None)
}

/// Reads any date or time text; `None` when it has no such shape.
fn read(text: &str, format: &SessionFormat) -> Result<Option<Read>> {
    let lower = text.trim().to_ascii_lowercase();
    match lower.as_str() {
        "infinity" | "+infinity" => return Ok(Some(Read::Infinity(true))),
        "-infinity" => return Ok(Some(Read::Infinity(false))),
        "now" => return Ok(Some(Read::Instant(format.now))),
        "epoch" => return Ok(Some(Read::Instant(-super::EPOCH_SECONDS * 1_000_000))),
        "today" | "tomorrow" | "yesterday" => {
            let local = timestamptz_to_timestamp(format.now, &format.time_zone)?;
            let shift = match lower.as_str() {
                "today" => 0,
                "tomorrow" => 1,
                _ => -1,
            };
            let date = super::date_plus_days(timestamp_to_date(local)?, shift)?;
            return Ok(Some(Read::Parts { date: Some(date), time: None, zone: None }));
        }
        _ => {}
    }
    let bc = lower.ends_with(" bc");
    let body = lower.strip_suffix(" bc").or_else(|| lower.strip_suffix(" ad")).unwrap_or(&lower);
    // `2021-03-23T10:00` is `2021-03-23 10:00`.
    let body = match body.find('t') {
        Some(at)
            if body.as_bytes().get(at.wrapping_sub(1)).is_some_and(u8::is_ascii_digit)
                && body.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit) =>
        {
            format!("{} {}", &body[..at], &body[at + 1..])
        }
        _ => body.to_owned(),
    };
    let (mut date, mut time, mut zone) = (None, None, None);
    let mut loose: Vec<&str> = Vec::new();
    let mut afternoon = None;
    for word in body.split([' ', ',']).filter(|w| !w.is_empty()) {
        if word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit()) {
            let end = word
                .find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.'))
                .unwrap_or(word.len());
            let Some(micros) = clock(&word[..end], text)? else { return Ok(None) };
            time = Some(micros);
            match &word[end..] {
                "" => {}
                "am" => afternoon = Some(false),
                "pm" => afternoon = Some(true),
                rest => match TimeZone::parse(rest) {
                    Ok(found) => zone = Some(found),
                    Err(_) => return Ok(None),
                },
            }
        } else if word == "am" || word == "pm" {
            afternoon = Some(word == "pm");
        } else if time.is_some()
            && (word.starts_with(['+', '-']) || loose.is_empty() && date.is_some())
        {
            match TimeZone::parse(word) {
                Ok(found) => zone = Some(found),
                Err(_) => return Ok(None),
            }
        } else if let Some(found) = compact(word, bc, text)? {
            date = Some(found);
        } else {
            let fields: Vec<&str> = word.split(['-', '/', '.']).collect();
            match fields.len() {
                1 => loose.push(word),
                _ => match date_fields(&fields, format.date_order, bc, text)? {
                    Some(found) => date = Some(found),
                    None => return Ok(None),
                },
            }
        }
    }
    if !loose.is_empty() {
        match date_fields(&loose, format.date_order, bc, text)? {
            Some(found) if date.is_none() => date = Some(found),
            _ => return Ok(None),
        }
    }
    if let (Some(afternoon), Some(micros)) = (afternoon, time) {
        let noon = USECS_PER_DAY / 2;
        if micros >= noon + 3_600_000_000 {
            return Err(field_overflow(text));
        }
        time = Some(micros % noon + if afternoon { noon } else { 0 });
    }
    Ok((date.is_some() || time.is_some()).then_some(Read::Parts { date, time, zone }))
}

/// `20210323`
fn compact(word: &str, bc: bool, whole: &str) -> Result<Option<i32>> {
    if word.len() != 8 || !word.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    let number = |s: &str| s.parse().unwrap_or(0);
    date_of(number(&word[..4]), number(&word[4..6]), number(&word[6..]), bc, whole).map(Some)
}

/// Rounds to a precision of 0 to 6 digits; -1 is 6.
fn round(micros: i64, modifier: i32) -> i64 {
    if !(0..6).contains(&modifier) {
        return micros;
    }
    let unit = 10i64.pow(6 - modifier as u32);
    (micros + unit / 2).div_euclid(unit) * unit
}

/// Reads a date.
pub fn parse_date(text: &str, format: &SessionFormat) -> Result<i32> {
    match read(text, format)?.ok_or_else(|| bad("date", text))? {
        Read::Infinity(true) => Ok(DATE_INFINITY),
        Read::Infinity(false) => Ok(DATE_NEG_INFINITY),
        Read::Instant(t) => timestamp_to_date(timestamptz_to_timestamp(t, &format.time_zone)?),
        Read::Parts { date, .. } => date.ok_or_else(|| bad("date", text)),
    }
}

/// Reads a time of day; a zone is ignored.
pub fn parse_time(text: &str, modifier: i32, format: &SessionFormat) -> Result<i64> {
    let time = match read(text, format)? {
        Some(Read::Parts { time: Some(time), .. }) => time,
        Some(Read::Instant(t)) => {
            timestamptz_to_timestamp(t, &format.time_zone)?.rem_euclid(USECS_PER_DAY)
        }
        _ => return Err(bad("time", text)),
    };
    Ok(round(time, modifier))
}

/// Reads a time of day with its zone, seconds *west* of UTC; the session's zone if none is given.
pub fn parse_timetz(text: &str, modifier: i32, format: &SessionFormat) -> Result<(i64, i32)> {
    match read(text, format)? {
        Some(Read::Parts { time: Some(time), zone, .. }) => {
            let zone = zone.unwrap_or_else(|| format.time_zone.clone());
            Ok((round(time, modifier), -zone.offset_at(format.now)))
        }
        _ => Err(bad("time with time zone", text)),
    }
}

/// Reads a time stamp; a zone is ignored.
pub fn parse_timestamp(text: &str, modifier: i32, format: &SessionFormat) -> Result<i64> {
    match read(text, format)?.ok_or_else(|| bad("timestamp", text))? {
        Read::Infinity(true) => Ok(TIMESTAMP_INFINITY),
        Read::Infinity(false) => Ok(TIMESTAMP_NEG_INFINITY),
        Read::Instant(t) => timestamptz_to_timestamp(t, &format.time_zone),
        Read::Parts { date: Some(date), time, .. } => {
            Ok(round(date_plus_time(date, time.unwrap_or(0))?, modifier))
        }
        Read::Parts { .. } => Err(bad("timestamp", text)),
    }
}

/// Reads an instant; the session's zone if none is given.
pub fn parse_timestamptz(text: &str, modifier: i32, format: &SessionFormat) -> Result<i64> {
    let ty = "timestamp with time zone";
    match read(text, format)?.ok_or_else(|| bad(ty, text))? {
        Read::Infinity(true) => Ok(TIMESTAMP_INFINITY),
        Read::Infinity(false) => Ok(TIMESTAMP_NEG_INFINITY),
        Read::Instant(t) => Ok(t),
        Read::Parts { date: Some(date), time, zone } => {
            let local = round(date_plus_time(date, time.unwrap_or(0))?, modifier);
            timestamp_to_timestamptz(local, zone.as_ref().unwrap_or(&format.time_zone))
        }
        Read::Parts { .. } => Err(bad(ty, text)),
    }
}
