//! Intervals: months, days and microseconds, kept apart as PostgreSQL does, because a month has no
//! fixed number of days and a day no fixed number of hours.

mod style;

use std::cmp::Ordering;

use super::session::{IntervalStyle, SessionFormat};
use super::{Numeric, typmod};
use crate::error::{Error, Result, sqlstate};

/// Microseconds in a second, minute, hour and day.
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Months, days and microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

fn out_of_range() -> Error {
    Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, "interval out of range")
}

/// Gathers an interval from parts that may carry fractions.
#[derive(Default)]
struct Sum {
    months: i128,
    days: i128,
    micros: i128,
}

impl Sum {
    /// Adds `whole.fraction` of a unit; fractions flow down to smaller units.
    fn add(&mut self, value: &Decimal, unit: &str) -> Option<()> {
        let micros = |per: i64| value.times(i128::from(per));
        match unit {
            "us" | "usec" | "usecs" | "microsecond" | "microseconds" => self.micros += micros(1),
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => {
                self.micros += micros(1_000);
            }
            "s" | "sec" | "secs" | "second" | "seconds" => self.micros += micros(SECOND),
            "m" | "min" | "mins" | "minute" | "minutes" => self.micros += micros(MINUTE),
            "h" | "hr" | "hrs" | "hour" | "hours" => self.micros += micros(HOUR),
            "d" | "day" | "days" => self.add_days(value, 1),
            "w" | "week" | "weeks" => self.add_days(value, 7),
            "mon" | "mons" | "month" | "months" => {
                self.months += value.whole();
                self.add_days(&value.fraction(), 30);
            }
            "y" | "yr" | "yrs" | "year" | "years" => self.months += value.times(12),
            "dec" | "decs" | "decade" | "decades" => self.months += value.times(120),
            "c" | "cent" | "century" | "centuries" => self.months += value.times(1_200),
            "mil" | "mils" | "millennium" | "millennia" => {
                self.months += value.times(12_000);
            }
            _ => return None,
        }
        Some(())
    }

    fn add_days(&mut self, value: &Decimal, per: i128) {
        let scaled = Decimal { units: value.units * per };
        self.days += scaled.whole();
        self.micros += scaled.fraction().times(i128::from(DAY));
    }

    fn finish(self) -> Result<Interval> {
        Ok(Interval {
            months: i32::try_from(self.months).map_err(|_| out_of_range())?,
            days: i32::try_from(self.days).map_err(|_| out_of_range())?,
            micros: i64::try_from(self.micros).map_err(|_| out_of_range())?,
        })
    }
}

/// A decimal with nine digits after the point, enough for any fraction of a unit.
#[derive(Clone, Copy)]
struct Decimal {
    units: i128,
}

impl Decimal {
    const ONE: i128 = 1_000_000_000;

    fn parse(text: &str) -> Option<Decimal> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let whole: i128 =
            if whole.is_empty() { 0 } else { whole.get(..18.min(whole.len()))?.parse().ok()? };
        let padded = format!("{fraction:0<9}");
        let units = whole * Self::ONE + padded.get(..9)?.parse::<i128>().ok()?;
        Some(Decimal { units: if negative { -units } else { units } })
    }

    fn whole(&self) -> i128 {
        self.units / Self::ONE
    }

    fn fraction(&self) -> Decimal {
        Decimal { units: self.units % Self::ONE }
    }

    /// The product with a whole number, rounded half away from zero.
    fn times(&self, factor: i128) -> i128 {
        let product = self.units * factor;
        (product + product.signum() * Self::ONE / 2) / Self::ONE
    }
}

impl Interval {
    /// PostgreSQL's input forms; `modifier` is -1 for none.
    pub fn parse(text: &str, modifier: i32) -> Result<Interval> {
        let bad = || {
            Error::new(
                sqlstate::INVALID_DATETIME_FORMAT,
                format!("invalid input syntax for type interval: \"{text}\""),
            )
        };
        let trimmed = text.trim();
        let parsed = if trimmed.starts_with(['P', 'p']) {
            parse_iso(&trimmed[1..])
        } else {
            let range = typmod::interval_range_precision(modifier).map_or(0, |(range, _)| range);
            parse_words(trimmed, range)
        };
        parsed.ok_or_else(bad)?.finish()?.apply_modifier(modifier)
    }

    /// Appends the text form.
    pub fn write(&self, format: &SessionFormat, out: &mut String) {
        match format.interval_style {
            IntervalStyle::Iso8601 => style::iso(self, out),
            IntervalStyle::Postgres => style::postgres(self, out),
            IntervalStyle::PostgresVerbose => style::verbose(self, out),
            IntervalStyle::SqlStandard => style::sql_standard(self, out),
        }
    }

    /// Cuts off what is below the last field that an interval's typmod names, and rounds to its
    /// precision.
    pub fn apply_modifier(self, modifier: i32) -> Result<Interval> {
        let Some((range, precision)) = typmod::interval_range_precision(modifier) else {
            return Ok(self);
        };
        let down_to = |unit: i64| Interval { micros: self.micros / unit * unit, ..self };
        let cut = match last_field(range) {
            Some("year") => Interval { months: self.months / 12 * 12, ..Interval::default() },
            Some("month") => Interval { months: self.months, ..Interval::default() },
            Some("day") => Interval { micros: 0, ..self },
            Some("hour") => down_to(HOUR),
            Some("minute") => down_to(MINUTE),
            _ => self,
        };
        let Some(precision) = precision.and_then(|p| u32::try_from(p).ok()).filter(|p| *p < 6)
        else {
            return Ok(cut);
        };
        let unit = 10i64.pow(6 - precision);
        let half = cut.micros.signum() * unit / 2;
        let micros = cut.micros.checked_add(half).ok_or_else(out_of_range)? / unit * unit;
        Ok(Interval { micros, ..cut })
    }

    /// Sum, field by field.
    pub fn checked_add(self, other: Interval) -> Result<Interval> {
        let sum = || {
            Some(Interval {
                months: self.months.checked_add(other.months)?,
                days: self.days.checked_add(other.days)?,
                micros: self.micros.checked_add(other.micros)?,
            })
        };
        sum().ok_or_else(out_of_range)
    }

    /// Difference, field by field.
    pub fn checked_sub(self, other: Interval) -> Result<Interval> {
        self.checked_add(other.checked_neg()?)
    }

    /// Negation, field by field.
    pub fn checked_neg(self) -> Result<Interval> {
        let negated = || {
            Some(Interval {
                months: self.months.checked_neg()?,
                days: self.days.checked_neg()?,
                micros: self.micros.checked_neg()?,
            })
        };
        negated().ok_or_else(out_of_range)
    }

    /// Product with a number; fractions of months become days, fractions of days become time.
    pub fn checked_mul(self, factor: f64) -> Result<Interval> {
        self.scale(|v| v * factor)
    }

    /// Quotient by a number.
    pub fn checked_div(self, divisor: f64) -> Result<Interval> {
        if divisor == 0.0 {
            return Err(Error::new(sqlstate::DIVISION_BY_ZERO, "division by zero"));
        }
        self.scale(|v| v / divisor)
    }

    fn scale(self, by: impl Fn(f64) -> f64) -> Result<Interval> {
        let whole = |v: f64| {
            if v.is_nan() || v.abs() > f64::from(i32::MAX) {
                Err(out_of_range())
            } else {
                Ok(v.trunc())
            }
        };
        // Rounding to microseconds hides the noise of binary fractions.
        let tidy = |v: f64| (v * 1e6).round_ties_even() / 1e6;
        let months = by(f64::from(self.months));
        let whole_months = whole(months)?;
        let month_days = tidy((months - whole_months) * 30.0);
        let days = by(f64::from(self.days));
        let mut whole_days = whole(days)?;
        let day_seconds = (DAY / SECOND) as f64;
        let day_rest = days - whole_days + month_days - month_days.trunc();
        let mut seconds = tidy(day_rest * day_seconds);
        // Fractions that add up to a day become one.
        let carried = (seconds / day_seconds).trunc();
        seconds -= carried * day_seconds;
        whole_days += carried + month_days.trunc();
        let micros = (by(self.micros as f64) + seconds * SECOND as f64).round_ties_even();
        if micros.is_nan() || micros.abs() >= 9.3e18 || whole_days.abs() > f64::from(i32::MAX) {
            return Err(out_of_range());
        }
        Ok(Interval { months: whole_months as i32, days: whole_days as i32, micros: micros as i64 })
    }

    /// Gives days and time one sign, by a day borrowed from the one or the other.
    fn agree_day_and_time(mut self) -> Interval {
        if self.days > 0 && self.micros < 0 {
            self.days -= 1;
            self.micros += DAY;
        } else if self.days < 0 && self.micros > 0 {
            self.days += 1;
            self.micros -= DAY;
        }
        self
    }

    /// Makes 24 hours a day.
    pub fn justify_hours(self) -> Result<Interval> {
        let days = i32::try_from(self.micros / DAY).map_err(|_| out_of_range())?;
        let result = Interval {
            days: self.days.checked_add(days).ok_or_else(out_of_range)?,
            micros: self.micros % DAY,
            ..self
        };
        Ok(result.agree_day_and_time())
    }

    /// Makes 30 days a month.
    pub fn justify_days(self) -> Result<Interval> {
        let mut result = Interval {
            months: self.months.checked_add(self.days / 30).ok_or_else(out_of_range)?,
            days: self.days % 30,
            ..self
        };
        if result.months > 0 && result.days < 0 {
            result.months -= 1;
            result.days += 30;
        } else if result.months < 0 && result.days > 0 {
            result.months += 1;
            result.days -= 30;
        }
        Ok(result)
    }

    /// Both, with signs made to agree.
    pub fn justify_interval(self) -> Result<Interval> {
        let mut result = self.justify_hours()?.justify_days()?;
        if result.months > 0 && (result.days < 0 || result.days == 0 && result.micros < 0) {
            result.months -= 1;
            result.days += 30;
        } else if result.months < 0 && (result.days > 0 || result.days == 0 && result.micros > 0) {
            result.months += 1;
            result.days -= 30;
        }
        Ok(result.agree_day_and_time())
    }

    /// Order by length: months of 30 days, days of 24 hours.
    pub fn compare(&self, other: &Interval) -> Ordering {
        self.normalized_micros().cmp(&other.normalized_micros())
    }

    /// The length that the comparison uses, in microseconds.
    pub fn normalized_micros(&self) -> i128 {
        (i128::from(self.months) * 30 + i128::from(self.days)) * i128::from(DAY)
            + i128::from(self.micros)
    }

    /// The length in seconds as `date_part('epoch', …)` counts it, float by float.
    pub fn epoch_seconds(&self) -> f64 {
        let mut seconds = self.micros as f64 / 1_000_000.0;
        seconds += 31_557_600.0 * f64::from(self.months / 12);
        seconds += 2_592_000.0 * f64::from(self.months % 12);
        seconds + 86_400.0 * f64::from(self.days)
    }

    /// `extract(field from interval)`.
    pub fn extract(&self, field: &str) -> Result<Numeric> {
        let number = Numeric::from_i64;
        let (years, seconds) = (i64::from(self.months / 12), self.micros % MINUTE);
        Ok(match field {
            "microseconds" | "microsecond" => number(seconds),
            "milliseconds" | "millisecond" => Numeric::from_i128(i128::from(seconds), 3),
            "second" | "seconds" => Numeric::from_i128(i128::from(seconds), 6),
            "minute" | "minutes" => number(self.micros % HOUR / MINUTE),
            "hour" | "hours" => number(self.micros / HOUR),
            "day" | "days" => number(i64::from(self.days)),
            "month" | "months" => number(i64::from(self.months % 12)),
            "quarter" => number(i64::from(self.months % 12 / 3 + 1)),
            "year" | "years" => number(years),
            "decade" => number(years / 10),
            "century" => number(years / 100),
            "millennium" => number(years / 1_000),
            "epoch" => {
                // A year of 365.25 days, a month of 30 days.
                let days = i128::from(self.months / 12) * 1_461
                    + i128::from(self.months % 12) * 120
                    + i128::from(self.days) * 4;
                Numeric::from_i128(days * i128::from(DAY / 4) + i128::from(self.micros), 6)
            }
            _ => return Err(unknown_field(field)),
        })
    }

    /// `date_trunc(field, interval)`.
    pub fn date_trunc(&self, field: &str) -> Result<Interval> {
        let whole_years =
            |n: i32| Interval { months: self.months / (12 * n) * 12 * n, ..Interval::default() };
        let to = |unit: i64| Interval { micros: self.micros / unit * unit, ..*self };
        Ok(match field {
            "microseconds" | "microsecond" => *self,
            "milliseconds" | "millisecond" => to(1_000),
            "second" | "seconds" => to(SECOND),
            "minute" | "minutes" => to(MINUTE),
            "hour" | "hours" => to(HOUR),
            "day" | "days" => Interval { micros: 0, ..*self },
            "month" | "months" => Interval { months: self.months, ..Interval::default() },
            "quarter" => Interval { months: self.months / 3 * 3, ..Interval::default() },
            "year" | "years" => whole_years(1),
            "decade" => whole_years(10),
            "century" => whole_years(100),
            "millennium" => whole_years(1_000),
            _ => return Err(unknown_field(field)),
        })
    }

    /// `make_interval`.
    pub fn make(
        years: i32,
        months: i32,
        weeks: i32,
        days: i32,
        hours: i32,
        minutes: i32,
        seconds: f64,
    ) -> Result<Interval> {
        if !seconds.is_finite() {
            return Err(out_of_range());
        }
        Sum {
            months: i128::from(years) * 12 + i128::from(months),
            days: i128::from(weeks) * 7 + i128::from(days),
            micros: i128::from(hours) * i128::from(HOUR)
                + i128::from(minutes) * i128::from(MINUTE)
                + (seconds * 1e6).round() as i128,
        }
        .finish()
    }
}

/// The error for a word that is no field of an interval, or none that can be taken from one.
fn unknown_field(field: &str) -> Error {
    let is_field = ["week", "weeks", "timezone", "timezone_hour", "timezone_minute"]
        .iter()
        .any(|word| field.eq_ignore_ascii_case(word));
    let (code, verb) = match is_field {
        true => (sqlstate::FEATURE_NOT_SUPPORTED, "supported"),
        false => (sqlstate::INVALID_PARAMETER_VALUE, "recognized"),
    };
    Error::new(code, format!("unit \"{field}\" not {verb} for type interval"))
}

/// `1Y2M3DT4H5M6.7S` behind the P.
fn parse_iso(text: &str) -> Option<Sum> {
    let mut sum = Sum::default();
    let (date, time) = match text.find(['T', 't']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut parts = 0;
    for (piece, in_time) in std::iter::once((date, false)).chain(time.map(|t| (t, true))) {
        let mut rest = piece;
        while !rest.is_empty() {
            let at = rest.find(|c: char| c.is_ascii_alphabetic())?;
            let value = Decimal::parse(&rest[..at])?;
            let unit = match (rest.as_bytes()[at].to_ascii_uppercase(), in_time) {
                (b'Y', false) => "year",
                (b'M', false) => "month",
                (b'W', false) => "week",
                (b'D', false) => "day",
                (b'H', true) => "hour",
                (b'M', true) => "minute",
                (b'S', true) => "second",
                _ => return None,
            };
            sum.add(&value, unit)?;
            rest = &rest[at + 1..];
            parts += 1;
        }
    }
    (parts > 0).then_some(sum)
}

/// The least of the fields that a typmod's range names; none if it names all.
fn last_field(range: i32) -> Option<&'static str> {
    if range == typmod::INTERVAL_FULL_RANGE {
        return None;
    }
    typmod::INTERVAL_FIELDS.iter().rev().find(|(_, bit)| range & bit != 0).map(|(name, _)| *name)
}

/// `1 year 2 mons 3 days 04:05:06`, `@ 1 hour ago`, `1-2`, `90`. The fields of a typmod say what a
/// number without a unit means (`'3' month`) and whether `1:30` has hours.
fn parse_words(text: &str, range: i32) -> Option<Sum> {
    let unit_of_bare = last_field(range).unwrap_or("second");
    let is_minute_to_second = range != typmod::INTERVAL_FULL_RANGE
        && unit_of_bare == "second"
        && typmod::INTERVAL_FIELDS.iter().filter(|(_, bit)| range & bit != 0).count() == 2;
    let text = text.strip_prefix('@').unwrap_or(text).to_ascii_lowercase();
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        // `1day` is two words.
        let split = word.find(|c: char| c.is_ascii_alphabetic()).filter(|at| *at > 0);
        match split {
            Some(at) => words.extend([&word[..at], &word[at..]]),
            None => words.push(word),
        }
    }
    let ago = words.last() == Some(&"ago");
    if ago {
        words.pop();
    }
    if words.is_empty() {
        return None;
    }
    let mut sum = Sum::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
        let sign = if word.starts_with('-') { -1 } else { 1 };
        if unsigned.contains(':') {
            sum.micros += sign * parse_clock(unsigned, is_minute_to_second)?;
        } else if let Some((years, months)) = unsigned.split_once('-') {
            let (years, months): (i128, i128) = (years.parse().ok()?, months.parse().ok()?);
            sum.months += sign * (years * 12 + months);
        } else {
            let value = Decimal::parse(word)?;
            match words.get(at).filter(|w| w.starts_with(|c: char| c.is_ascii_alphabetic())) {
                Some(unit) => {
                    sum.add(&value, unit)?;
                    at += 1;
                }
                // A bare number before a time is days.
                None if words.get(at).is_some_and(|w| w.contains(':')) => sum.add(&value, "day")?,
                None => sum.add(&value, unit_of_bare)?,
            }
        }
    }
    if ago {
        sum = Sum { months: -sum.months, days: -sum.days, micros: -sum.micros };
    }
    Some(sum)
}

/// `hh:mm`, `hh:mm:ss`, `hh:mm:ss.ffffff`, `mm:ss.fff`; `mm:ss` if there are no hours.
fn parse_clock(text: &str, no_hours: bool) -> Option<i128> {
    let parts: Vec<&str> = text.split(':').collect();
    let micros = |text: &str, per: i64| Some(Decimal::parse(text)?.times(i128::from(per)));
    match parts.as_slice() {
        [m, s] if no_hours || s.contains('.') => Some(micros(m, MINUTE)? + micros(s, SECOND)?),
        [h, m] => Some(micros(h, HOUR)? + micros(m, MINUTE)?),
        [h, m, s] => Some(micros(h, HOUR)? + micros(m, MINUTE)? + micros(s, SECOND)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let format = SessionFormat::default();
        let mut out = String::new();
        Interval::parse(text, -1).unwrap().write(&format, &mut out);
        out
    }

    /// Expected values are PostgreSQL 15's.
    #[test]
    fn forms_are_read_and_written() {
        for (text, expected) in [
            ("1 day", "1 day"),
            (
                "1 year 2 months 3 days 4 hours 5 minutes 6.5 seconds",
                "1 year 2 mons 3 days 04:05:06.5",
            ),
            ("P1Y2M3DT4H5M6S", "1 year 2 mons 3 days 04:05:06"),
            ("1-2", "1 year 2 mons"),
            ("3 4:05:06", "3 days 04:05:06"),
            ("1.5 months", "1 mon 15 days"),
            ("1.5 days", "1 day 12:00:00"),
            ("-1 day +02:03", "-1 days +02:03:00"),
            ("2 hours ago", "-02:00:00"),
            ("@ 1 minute", "00:01:00"),
            ("90", "00:01:30"),
            ("0", "00:00:00"),
            ("1 week 1week", "14 days"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        for text in ["", "day", "1 fortnight", "P", "1:2:3:4", "x"] {
            let e = Interval::parse(text, -1).unwrap_err();
            assert_eq!(e.code(), sqlstate::INVALID_DATETIME_FORMAT, "{text}");
        }
    }

    /// Expected values are PostgreSQL 15's.
    #[test]
    fn fields_give_bare_numbers_their_unit_and_cut_what_is_below() {
        let fields = |names: &[&str]| {
            let named = typmod::INTERVAL_FIELDS.iter().filter(|(name, _)| names.contains(name));
            typmod::interval_modifier(named.map(|(_, bit)| bit).sum(), None).unwrap()
        };
        for (text, names, expected) in [
            ("3", &["month"][..], "3 mons"),
            ("1", &["year"], "1 year"),
            ("90", &["day"], "90 days"),
            ("2", &["hour"], "02:00:00"),
            ("2", &["day", "hour"], "02:00:00"),
            ("2", &["day", "hour", "minute"], "00:02:00"),
            ("1:30", &["minute", "second"], "00:01:30"),
            ("1:30", &["hour", "minute"], "01:30:00"),
            ("1 4:30", &["day", "hour"], "1 day 04:00:00"),
            ("1-2", &["year"], "1 year"),
            ("5", &["second"], "00:00:05"),
            ("1 year 2 days 3 hours", &["month"], "1 year"),
        ] {
            let mut out = String::new();
            let read = Interval::parse(text, fields(names)).unwrap();
            read.write(&SessionFormat::default(), &mut out);
            assert_eq!(out, expected, "{text} {names:?}");
        }
    }

    /// Expected values are PostgreSQL 15's.
    #[test]
    fn products_and_quotients_round_as_postgresql_does() {
        let day = Interval { days: 1, ..Interval::default() };
        let hours = |h: i64| Interval { micros: h * HOUR, ..Interval::default() };
        assert_eq!(day.checked_div(1.5).unwrap(), hours(16));
        let mixed = Interval { months: 1, days: -3, micros: 2 * HOUR + SECOND / 2 };
        let quotient = mixed.checked_div(f64::from(3.7f32)).unwrap();
        let expected = Interval { months: 0, days: 8, micros: -58_767_440_895 };
        assert_eq!(quotient, expected);
    }

    #[test]
    fn lengths_compare_with_months_of_thirty_days() {
        let month = Interval { months: 1, ..Interval::default() };
        let days = Interval { days: 30, ..Interval::default() };
        assert!(month.compare(&days).is_eq());
        let half = month.checked_div(2.0).unwrap();
        assert_eq!(half, Interval { days: 15, ..Interval::default() });
        let hours = Interval { micros: 27 * HOUR, ..Interval::default() };
        assert_eq!(
            hours.justify_hours().unwrap(),
            Interval { months: 0, days: 1, micros: 3 * HOUR }
        );
        assert!(Interval { months: i32::MAX, ..month }.checked_add(month).is_err());
    }
}
