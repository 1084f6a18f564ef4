//! The fields of a date or time, collected one by one and given their meaning.

use super::calendar::{JULIAN_OF_EPOCH, days_from_civil, days_in_month, join_time, split_time};
use super::lex::{Field, Kind};
use super::{TimeZone, USECS_PER_DAY, words};
use crate::error::{Error, sqlstate};
use crate::types::session::DateOrder;

/// Why a text is not a date; the message needs the type and the text.
#[derive(Debug)]
pub enum Fault {
    BadFormat,
    Overflow,
    /// The overflow may come from reading day and month the wrong way round.
    DayMonthOverflow,
    ZoneOverflow,
    UnknownZone(String),
}

pub type Read<T> = std::result::Result<T, Fault>;

impl Fault {
    pub fn error(self, type_name: &str, text: &str) -> Error {
        let overflow = || {
            Error::new(
                sqlstate::DATETIME_FIELD_OVERFLOW,
                format!("date/time field value out of range: \"{text}\""),
            )
        };
        match self {
            Fault::BadFormat => Error::new(
                sqlstate::INVALID_DATETIME_FORMAT,
                format!("invalid input syntax for type {type_name}: \"{text}\""),
            ),
            Fault::Overflow => overflow(),
            Fault::DayMonthOverflow => {
                overflow().with_hint("Perhaps you need a different \"datestyle\" setting.")
            }
            Fault::ZoneOverflow => Error::new(
                sqlstate::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                format!("time zone displacement out of range: \"{text}\""),
            ),
            Fault::UnknownZone(name) => Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("time zone \"{name}\" not recognized"),
            ),
        }
    }
}

/// What a text says besides ordinary fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    Now,
    /// Midnight of today plus so many days.
    Day(i64),
    Epoch,
    Infinity,
    NegInfinity,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HalfDay {
    Am,
    Pm,
}

/// The next number is to be read as this.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    Julian,
    IsoTime,
}

/// The fields of a text as they are collected.
#[derive(Default)]
pub struct Reader {
    pub order: DateOrder,
    year: Option<i32>,
    month: Option<i32>,
    day: Option<i32>,
    day_of_year: Option<i32>,
    /// The number in `year` or the word in `month` came from text, and how long the year was.
    year_is_short: bool,
    month_is_word: bool,
    /// Days since 2000 from a Julian day number.
    julian: Option<i64>,
    pub time: Option<(i32, i32, i32, i32)>,
    pub zone: Option<TimeZone>,
    half: Option<HalfDay>,
    before_christ: bool,
    pub special: Option<Special>,
    pub prefix: Option<Prefix>,
}

fn digits(text: &str) -> Read<i32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::BadFormat);
    }
    text.parse().map_err(|_| Fault::Overflow)
}

/// Microseconds of the digits after a point.
fn micros(fraction: &str) -> Read<i32> {
    if fraction.is_empty() {
        return Ok(0);
    }
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::BadFormat);
    }
    let value: f64 = format!("0.{fraction}").parse().map_err(|_| Fault::BadFormat)?;
    Ok((value * 1e6).round_ties_even() as i32)
}

pub fn is_known_word(word: &str) -> bool {
    matches!(
        word,
        "t" | "j"
            | "jd"
            | "julian"
            | "now"
            | "today"
            | "tomorrow"
            | "yesterday"
            | "epoch"
            | "infinity"
            | "am"
            | "pm"
            | "ad"
            | "bc"
            | "allballs"
            | "at"
            | "on"
            | "y"
            | "m"
            | "d"
            | "h"
            | "mm"
            | "s"
    ) || words::month(word).is_some()
        || words::day_of_week(word).is_some()
}

impl Reader {
    /// No fields yet; `order` decides how ambiguous dates are read.
    pub fn new(order: DateOrder) -> Reader {
        Reader { order, ..Default::default() }
    }

    pub fn has_date(&self) -> bool {
        self.julian.is_some()
            || (self.year.is_some() && self.day_of_year.is_some())
            || (self.year.is_some() && self.month.is_some() && self.day.is_some())
    }

    fn has_no_date(&self) -> bool {
        self.julian.is_none()
            && self.year.is_none()
            && self.month.is_none()
            && self.day.is_none()
            && self.day_of_year.is_none()
    }

    fn set<T>(slot: &mut Option<T>, value: T) -> Read<()> {
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(Fault::BadFormat),
        }
    }

    pub fn field(&mut self, field: &Field, time_only: bool) -> Read<()> {
        let text = field.text.as_str();
        if self.prefix.is_some() && !matches!(field.kind, Kind::Number | Kind::Time | Kind::Date) {
            return Err(Fault::BadFormat);
        }
        match field.kind {
            Kind::Date => self.date_field(text, time_only),
            Kind::Time => {
                self.prefix = None;
                Self::set(&mut self.time, clock(text)?)
            }
            Kind::Zone => {
                let zone = TimeZone::Fixed(offset(text)?);
                Self::set(&mut self.zone, zone)
            }
            Kind::Number => self.number_field(text, time_only),
            Kind::Word | Kind::SignedWord => self.word(text),
        }
    }

    fn date_field(&mut self, text: &str, time_only: bool) -> Read<()> {
        if self.prefix.take() == Some(Prefix::Julian) {
            // A Julian day with a zone behind it: J2451187-08.
            let at = text.find('-').ok_or(Fault::BadFormat)?;
            self.julian_day(&text[..at])?;
            return Self::set(&mut self.zone, TimeZone::Fixed(offset(&text[at..])?));
        }
        let starts_with_digit = text.starts_with(|c: char| c.is_ascii_digit());
        // The name of a zone stands behind the date.
        if !self.has_date() && !time_only {
            if !starts_with_digit && !self.looks_like_date(text) {
                return Err(Fault::BadFormat);
            }
            return self.date(text);
        }
        if !starts_with_digit && text.contains('/') && !self.looks_like_date(text) {
            return self.zone_name(text);
        }
        if starts_with_digit {
            // A time run together with its zone: 040506-08.
            let at = text.find('-').ok_or(Fault::BadFormat)?;
            let zone = offset(&text[at..])?;
            self.run_together(&text[..at], true)?;
            return Self::set(&mut self.zone, TimeZone::Fixed(zone));
        }
        self.zone_name(text)
    }

    /// Whether a word with separators begins with a month or weekday, not with a zone's name.
    fn looks_like_date(&self, text: &str) -> bool {
        let first = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        words::month(first).is_some() || words::day_of_week(first).is_some()
    }

    fn zone_name(&mut self, text: &str) -> Read<()> {
        let zone = TimeZone::named(text)
            .or_else(|| TimeZone::lookup(text))
            .ok_or_else(|| Fault::UnknownZone(text.to_string()))?;
        Self::set(&mut self.zone, zone)
    }

    /// Three parts in some order, one of them perhaps a word.
    fn date(&mut self, text: &str) -> Read<()> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let same = |c: char| c.is_ascii_digit() == first.is_ascii_digit();
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() || !same(c)).unwrap_or(rest.len());
            if end == 0 {
                rest = &rest[first.len_utf8()..];
                continue;
            }
            parts.push(&rest[..end]);
            rest = &rest[end..];
        }
        // Words first: knowing the month decides what the numbers are.
        for word in parts.iter().filter(|p| p.starts_with(|c: char| c.is_ascii_alphabetic())) {
            match words::month(word) {
                Some(month) if self.month.is_none() => {
                    self.month = Some(month);
                    self.month_is_word = true;
                }
                _ if words::day_of_week(word).is_some() => {}
                _ => return Err(Fault::BadFormat),
            }
        }
        for number in parts.iter().filter(|p| p.starts_with(|c: char| c.is_ascii_digit())) {
            self.date_number(number)?;
        }
        if self.has_date() { Ok(()) } else { Err(Fault::BadFormat) }
    }

    fn number_field(&mut self, text: &str, time_only: bool) -> Read<()> {
        match self.prefix.take() {
            Some(Prefix::Julian) => return self.julian_day(text),
            Some(Prefix::IsoTime) => return self.run_together(text, true),
            None => {}
        }
        let point = text.find('.');
        if time_only {
            return self.run_together(text, true);
        }
        match point {
            Some(_) if self.has_no_date() => self.date(text),
            Some(at) if at > 2 => self.run_together(text, self.has_date()),
            Some(_) => self.date(text),
            None if text.len() >= 6 && (!self.has_date() || self.time.is_none()) => {
                let has_date = self.has_date();
                self.run_together(text, has_date)
            }
            None => self.date_number(text),
        }
    }

    fn julian_day(&mut self, text: &str) -> Read<()> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let day = i64::from(digits(whole)?);
        Self::set(&mut self.julian, day - JULIAN_OF_EPOCH)?;
        if !fraction.is_empty() {
            let part: f64 = format!("0.{fraction}").parse().map_err(|_| Fault::BadFormat)?;
            let time = (part * USECS_PER_DAY as f64) as i64;
            Self::set(&mut self.time, split_time(time))?;
        }
        Ok(())
    }

    /// One number of a date: which part it is depends on those that are known already.
    fn date_number(&mut self, text: &str) -> Read<()> {
        let value = digits(text)?;
        let len = text.len();
        if len == 3
            && self.year.is_some()
            && self.month.is_none()
            && self.day.is_none()
            && (1..=366).contains(&value)
        {
            return Self::set(&mut self.day_of_year, value);
        }
        enum Part {
            Year,
            Month,
            Day,
        }
        let part = match (self.year.is_some(), self.month.is_some(), self.day.is_some()) {
            (false, false, false) if len >= 3 || self.order == DateOrder::Ymd => Part::Year,
            (false, false, false) if self.order == DateOrder::Dmy => Part::Day,
            (false, false, false) => Part::Month,
            (true, false, false) => Part::Month,
            (false, true, false) if self.month_is_word => {
                if len >= 3 || self.order == DateOrder::Ymd { Part::Year } else { Part::Day }
            }
            (false, true, false) => Part::Day,
            (true, true, false) => {
                if self.month_is_word && len >= 3 && self.year_is_short {
                    // The first number was the day after all: 08-Jan-1999 in YMD order.
                    self.day = self.year.take();
                    Part::Year
                } else {
                    Part::Day
                }
            }
            (false, false, true) => Part::Month,
            (true, false, true) => Part::Month,
            (false, true, true) => Part::Year,
            (true, true, true) => return self.run_together(text, true),
        };
        match part {
            Part::Year => {
                self.year_is_short = len <= 2;
                self.year = Some(value);
            }
            Part::Month => self.month = Some(value),
            Part::Day => self.day = Some(value),
        }
        Ok(())
    }

    /// `20011223`, `040506`, `0405`, `040506.789`.
    fn run_together(&mut self, text: &str, has_date: bool) -> Read<()> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        if !whole.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Fault::BadFormat);
        }
        let len = whole.len();
        if fraction.is_none() && !has_date && len >= 6 {
            if self.year.is_some() || self.month.is_some() || self.day.is_some() {
                return Err(Fault::BadFormat);
            }
            self.day = Some(digits(&whole[len - 2..])?);
            self.month = Some(digits(&whole[len - 4..len - 2])?);
            self.year = Some(digits(&whole[..len - 4])?);
            self.year_is_short = len == 6;
            return Ok(());
        }
        let micros = micros(fraction.unwrap_or_default())?;
        let time = match len {
            6 => (digits(&whole[..2])?, digits(&whole[2..4])?, digits(&whole[4..])?, micros),
            4 => (digits(&whole[..2])?, digits(&whole[2..])?, 0, micros),
            _ => return Err(Fault::BadFormat),
        };
        Self::set(&mut self.time, time)
    }

    fn word(&mut self, word: &str) -> Read<()> {
        let special = match word {
            "now" => Some(Special::Now),
            "today" => Some(Special::Day(0)),
            "tomorrow" => Some(Special::Day(1)),
            "yesterday" => Some(Special::Day(-1)),
            "epoch" => Some(Special::Epoch),
            "infinity" | "+infinity" => Some(Special::Infinity),
            "-infinity" => Some(Special::NegInfinity),
            _ => None,
        };
        if let Some(special) = special {
            return Self::set(&mut self.special, special);
        }
        match word {
            "am" => return Self::set(&mut self.half, HalfDay::Am),
            "pm" => return Self::set(&mut self.half, HalfDay::Pm),
            "ad" => return Ok(()),
            "bc" => self.before_christ = true,
            "at" | "on" => {}
            "t" => self.prefix = Some(Prefix::IsoTime),
            "j" | "jd" | "julian" => self.prefix = Some(Prefix::Julian),
            "allballs" => {
                Self::set(&mut self.time, (0, 0, 0, 0))?;
                Self::set(&mut self.zone, TimeZone::UTC)?;
            }
            "dst" => match &mut self.zone {
                Some(TimeZone::Fixed(east)) => *east += 3600,
                _ => return Err(Fault::BadFormat),
            },
            _ => {
                if let Some(seconds) = words::abbreviation(word) {
                    return Self::set(&mut self.zone, TimeZone::Fixed(seconds));
                }
                if let Some(month) = words::month(word) {
                    return self.month_word(month);
                }
                if words::day_of_week(word).is_some() {
                    return Ok(());
                }
                match TimeZone::named(word) {
                    Some(zone) => return Self::set(&mut self.zone, zone),
                    None => return Err(Fault::BadFormat),
                }
            }
        }
        Ok(())
    }

    fn month_word(&mut self, month: i32) -> Read<()> {
        match self.month {
            None => {}
            // `8 Jan 1999` in MDY order: the first number was taken for the month.
            Some(number) if !self.month_is_word && self.day.is_none() => {
                self.day = Some(number);
            }
            Some(_) => return Err(Fault::BadFormat),
        }
        self.month = Some(month);
        self.month_is_word = true;
        Ok(())
    }

    /// Days since 2000-01-01 of the date.
    pub fn days(&self) -> Read<i64> {
        if let Some(days) = self.julian {
            return Ok(days);
        }
        let mut year = self.year.ok_or(Fault::BadFormat)?;
        if self.before_christ {
            // There is no year 0.
            if year <= 0 {
                return Err(Fault::Overflow);
            }
            year = 1 - year;
        } else if self.year_is_short {
            year += if year < 70 { 2000 } else { 1900 };
        } else if year <= 0 {
            return Err(Fault::Overflow);
        }
        if let Some(day_of_year) = self.day_of_year {
            return Ok(days_from_civil(year, 1, day_of_year));
        }
        let (month, day) = (self.month.ok_or(Fault::BadFormat)?, self.day.ok_or(Fault::BadFormat)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(Fault::DayMonthOverflow);
        }
        if day > days_in_month(year, month) {
            return Err(Fault::Overflow);
        }
        Ok(days_from_civil(year, month, day))
    }

    /// The time of day, with am and pm applied.
    pub fn time_of_day(&self) -> Read<Option<i64>> {
        let Some((mut hour, minute, second, micros)) = self.time else {
            return if self.half.is_some() { Err(Fault::BadFormat) } else { Ok(None) };
        };
        if let Some(half) = self.half {
            if hour > 12 {
                return Err(Fault::Overflow);
            }
            hour = hour % 12 + if half == HalfDay::Pm { 12 } else { 0 };
        }
        let time = join_time(hour, minute, second, micros);
        if minute > 59 || second > 60 || time > USECS_PER_DAY {
            return Err(Fault::Overflow);
        }
        Ok(Some(time))
    }
}

/// `h:mm`, `h:mm:ss`, `h:mm:ss.frac`, and `mm:ss.frac`.
fn clock(text: &str) -> Read<(i32, i32, i32, i32)> {
    let mut parts = text.split(':');
    let mut next = || parts.next().unwrap_or_default();
    let (first, second, third, rest) = (next(), next(), next(), next());
    if !rest.is_empty() || text.matches(':').count() > 2 {
        return Err(Fault::BadFormat);
    }
    let has_third = text.matches(':').count() == 2;
    let fields = if let Some((whole, fraction)) = second.split_once('.') {
        if has_third {
            return Err(Fault::BadFormat);
        }
        (0, digits(first)?, digits(whole)?, micros(fraction)?)
    } else if has_third {
        let (whole, fraction) = third.split_once('.').unwrap_or((third, ""));
        (digits(first)?, digits(second)?, digits(whole)?, micros(fraction)?)
    } else {
        (digits(first)?, digits(second)?, 0, 0)
    };
    if fields.1 > 59 || fields.2 > 60 { Err(Fault::Overflow) } else { Ok(fields) }
}

/// `+8`, `-08:30`, `+0830`, `+08:30:15`: seconds east of UTC.
fn offset(text: &str) -> Read<i32> {
    let (negative, body) = match text.as_bytes().first() {
        Some(b'+') => (false, &text[1..]),
        Some(b'-') => (true, &text[1..]),
        _ => return Err(Fault::BadFormat),
    };
    let parts: Vec<&str> = body.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [run] if run.len() > 2 => {
            let number = digits(run)?;
            (number / 100, number % 100, 0)
        }
        [h] => (digits(h)?, 0, 0),
        [h, m] => (digits(h)?, digits(m)?, 0),
        [h, m, s] => (digits(h)?, digits(m)?, digits(s)?),
        _ => return Err(Fault::BadFormat),
    };
    if hour > 15 || minute > 59 || second > 59 {
        return Err(Fault::ZoneOverflow);
    }
    let seconds = hour * 3600 + minute * 60 + second;
    Ok(if negative { -seconds } else { seconds })
}
