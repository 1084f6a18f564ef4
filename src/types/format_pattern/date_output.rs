//! `to_char` of time stamps and intervals.

use std::fmt::Write as _;

use super::date_pattern::{Case, Field, Node, parse};
use super::ordinal;
use crate::error::{Error, Result, sqlstate};
use crate::types::datetime::calendar::{self, Fields, JULIAN_OF_EPOCH};
use crate::types::datetime::{is_infinite, timestamptz_to_timestamp};
use crate::types::{Interval, SessionFormat};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
pub(super) const ROMAN_MONTHS: [&str; 12] =
    ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// What fields are taken from.
struct Moment {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    day_of_year: i64,
    /// Days since 2000-01-01; `None` for intervals, which are on no day.
    date: Option<i64>,
    /// The zone's abbreviation and its seconds east of UTC.
    zone: Option<(String, i32)>,
}

/// A time stamp by a pattern; `None` (NULL) for the infinities and the empty pattern.
pub fn timestamp_to_char(timestamp: i64, pattern: &str) -> Result<Option<String>> {
    if is_infinite(timestamp) || pattern.is_empty() {
        return Ok(None);
    }
    write(&of_timestamp(timestamp, None), pattern).map(Some)
}

/// The same, in the session's time zone.
pub fn timestamptz_to_char(
    instant: i64,
    pattern: &str,
    format: &SessionFormat,
) -> Result<Option<String>> {
    if is_infinite(instant) || pattern.is_empty() {
        return Ok(None);
    }
    let zone = &format.time_zone;
    let local = timestamptz_to_timestamp(instant, zone)?;
    let named = (zone.abbreviation_at(instant), zone.offset_at(instant));
    write(&of_timestamp(local, Some(named)), pattern).map(Some)
}

/// An interval by a pattern; `None` (NULL) for the empty pattern.
pub fn interval_to_char(interval: Interval, pattern: &str) -> Result<Option<String>> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let (year, month) = (i64::from(interval.months / 12), i64::from(interval.months % 12));
    let micros = interval.micros;
    let day = i64::from(interval.days);
    let moment = Moment {
        year,
        month,
        day,
        hour: micros / 3_600_000_000,
        minute: micros / 60_000_000 % 60,
        second: micros / 1_000_000 % 60,
        micros: micros % 1_000_000,
        day_of_year: (year * 12 + month) * 30 + day,
        date: None,
        zone: None,
    };
    write(&moment, pattern).map(Some)
}

fn of_timestamp(local: i64, zone: Option<(String, i32)>) -> Moment {
    let f = Fields::of(local);
    let date = calendar::days_from_civil(f.year, f.month, f.day);
    Moment {
        year: f.year.into(),
        month: f.month.into(),
        day: f.day.into(),
        hour: f.hour.into(),
        minute: f.minute.into(),
        second: f.second.into(),
        micros: f.micros.into(),
        day_of_year: calendar::day_of_year(f.year, f.month, f.day).into(),
        date: Some(date),
        zone,
    }
}

fn write(moment: &Moment, pattern: &str) -> Result<String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    for node in parse(pattern).0 {
        match node {
            Node::Separator(c) | Node::Literal(c) => out.push(c),
            Node::Field { field, case, fill, ordinal: ending, .. } => {
                let text = moment.text(field, case, fill)?;
                out.push_str(&text);
                if let Some(ending) = ending
                    && text.ends_with(|c: char| c.is_ascii_digit())
                {
                    out.push_str(ordinal(&text, ending == Case::Upper));
                }
            }
        }
    }
    Ok(out)
}

/// A number, padded with zeros unless `FM` forbids it.
fn padded(n: i64, width: usize, fill: bool) -> String {
    if fill { n.to_string() } else { format!("{n:0width$}") }
}

fn in_case(word: &str, case: Case) -> String {
    match case {
        Case::Upper => word.to_uppercase(),
        Case::Lower => word.to_lowercase(),
        Case::Title => word.to_owned(),
    }
}

/// A word of a pattern as the pattern writes it.
pub(super) fn in_word_case(word: &str, case: Case) -> String {
    match case {
        Case::Upper => word.to_owned(),
        Case::Lower => word.to_lowercase(),
        Case::Title => {
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            format!("{first}{}", rest.to_lowercase())
        }
    }
}

fn blank_padded(word: String, width: usize, fill: bool) -> String {
    if fill { word } else { format!("{word:<width$}") }
}

fn with_points(word: &str, points: bool) -> String {
    if points { word.chars().flat_map(|c| [c, '.']).collect() } else { word.to_owned() }
}

impl Moment {
    /// The day that a field is about; intervals are on none.
    fn day_number(&self) -> Result<i64> {
        self.date.ok_or_else(|| {
            Error::new(
                sqlstate::INVALID_DATETIME_FORMAT,
                "invalid format specification for an interval value",
            )
            .with_hint("Intervals are not tied to specific calendar dates.")
        })
    }

    /// The day by which ISO weeks are counted; intervals pretend to be on one.
    fn iso_day_number(&self) -> i64 {
        let part = |n: i64| i32::try_from(n).unwrap_or(0);
        self.date.unwrap_or_else(|| {
            // Month 0 is the December before.
            let (year, month) = match self.month {
                1.. => (part(self.year), part(self.month)),
                month => (part(self.year) - 1, part(month) + 12),
            };
            calendar::days_from_civil(year, month, 1) + self.day - 1
        })
    }

    /// The year as people count it: 1 BC is 1.
    fn counted(&self, year: i64) -> i64 {
        if self.date.is_some() && year <= 0 { 1 - year } else { year }
    }

    fn text(&self, field: Field, case: Case, fill: bool) -> Result<String> {
        let n = |value: i64, width: usize| padded(value, width, fill);
        // The sign of a negative number takes a place of its own.
        let signed = |value: i64, width: usize| n(value, width + usize::from(value < 0));
        let names = |list: &[&str], at: i64| {
            usize::try_from(at)
                .ok()
                .and_then(|at| list.get(at))
                .copied()
                .unwrap_or_default()
                .to_owned()
        };
        Ok(match field {
            Field::Era { points } => {
                self.day_number()?;
                let word = if self.year <= 0 { "BC" } else { "AD" };
                in_case(&with_points(word, points), case)
            }
            Field::HalfDay { points } => {
                let word = if self.hour % 24 >= 12 { "PM" } else { "AM" };
                in_case(&with_points(word, points), case)
            }
            Field::Century => {
                let century = match self.date {
                    None => self.year / 100,
                    Some(_) if self.year > 0 => (self.year - 1) / 100 + 1,
                    Some(_) => self.year / 100 - 1,
                };
                signed(century, 2)
            }
            Field::DayName => {
                let day = calendar::day_of_week(self.day_number()?);
                blank_padded(in_case(&names(&DAYS, day.into()), case), 9, fill)
            }
            Field::DayNameShort => {
                let day = names(&DAYS, calendar::day_of_week(self.day_number()?).into());
                in_case(day.get(..3).unwrap_or_default(), case)
            }
            Field::DayOfYear => n(self.day_of_year, 3),
            Field::IsoDayOfYear => {
                let days = self.iso_day_number();
                let (iso_year, _) = calendar::iso_week(days);
                n(days - calendar::iso_year_start(iso_year) + 1, 3)
            }
            Field::Day => n(self.day, 2),
            Field::DayOfWeek => {
                (i64::from(calendar::day_of_week(self.day_number()?)) + 1).to_string()
            }
            Field::IsoDayOfWeek => {
                ((calendar::day_of_week(self.day_number()?) + 6) % 7 + 1).to_string()
            }
            Field::Fraction(digits) => {
                let digits = usize::from(digits);
                let all = format!("{:06}", self.micros.abs());
                all.get(..digits).unwrap_or(&all).to_owned()
            }
            Field::Milliseconds => format!("{:03}", self.micros / 1_000),
            Field::Microseconds => format!("{:06}", self.micros),
            Field::Hour12 => signed(if self.hour % 12 == 0 { 12 } else { self.hour % 12 }, 2),
            Field::Hour24 => signed(self.hour, 2),
            Field::Minute => signed(self.minute, 2),
            Field::Second => signed(self.second, 2),
            Field::SecondsOfDay => (self.hour * 3_600 + self.minute * 60 + self.second).to_string(),
            Field::Month => signed(self.month, 2),
            Field::MonthName => {
                self.day_number()?;
                blank_padded(in_case(&names(&MONTHS, self.month - 1), case), 9, fill)
            }
            Field::MonthNameShort => {
                self.day_number()?;
                let month = names(&MONTHS, self.month - 1);
                in_case(month.get(..3).unwrap_or_default(), case)
            }
            Field::RomanMonth if self.month == 0 => String::new(),
            Field::RomanMonth => {
                let at = if self.month < 0 { self.month + 12 } else { self.month - 1 };
                blank_padded(in_case(&names(&ROMAN_MONTHS, at), case), 4, fill)
            }
            Field::Quarter if self.month == 0 => String::new(),
            Field::Quarter => ((self.month - 1) / 3 + 1).to_string(),
            Field::WeekOfYear => n((self.day_of_year - 1) / 7 + 1, 2),
            Field::WeekOfMonth => ((self.day - 1) / 7 + 1).to_string(),
            Field::IsoWeek => n(calendar::iso_week(self.iso_day_number()).1.into(), 2),
            Field::Julian => match self.date {
                Some(days) => (days + JULIAN_OF_EPOCH).to_string(),
                None => self.day_number()?.to_string(),
            },
            Field::YearWithComma => {
                let year = self.counted(self.year);
                format!("{},{:03}", year / 1_000, year % 1_000)
            }
            Field::Year(digits) => self.year_digits(self.counted(self.year), digits, fill),
            Field::IsoYear(digits) => {
                let year = i64::from(calendar::iso_week(self.iso_day_number()).0);
                self.year_digits(self.counted(year), digits, fill)
            }
            Field::ZoneName => {
                self.day_number()?;
                let name = self.zone.as_ref().map_or("", |(name, _)| name);
                if case == Case::Lower { name.to_lowercase() } else { name.to_owned() }
            }
            Field::Offset | Field::ZoneHours | Field::ZoneMinutes => {
                self.day_number()?;
                let east = self.zone.as_ref().map_or(0, |(_, east)| *east);
                let (hours, minutes) = (east.abs() / 3_600, east.abs() / 60 % 60);
                let sign = if east < 0 { '-' } else { '+' };
                match field {
                    Field::ZoneHours => format!("{sign}{hours:02}"),
                    Field::ZoneMinutes => format!("{minutes:02}"),
                    _ => {
                        let mut text = match fill {
                            true => format!("{sign}{hours}"),
                            false => format!("{sign}{hours:02}"),
                        };
                        if minutes != 0 {
                            let _ = write!(text, ":{minutes:02}");
                        }
                        text
                    }
                }
            }
        })
    }

    fn year_digits(&self, year: i64, digits: u8, fill: bool) -> String {
        match digits {
            4 => padded(year, 4 + usize::from(year < 0), fill),
            digits => {
                let cut = year % 10i64.pow(digits.into());
                padded(cut, usize::from(digits) + usize::from(cut < 0), fill)
            }
        }
    }
}
