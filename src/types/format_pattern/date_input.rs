//! `to_date` and `to_timestamp`.

use super::date_output::{DAYS, MONTHS, ROMAN_MONTHS, in_word_case};
use super::date_pattern::{Field, Node, parse};
use crate::error::{Error, Result, sqlstate};
use crate::types::SessionFormat;
use crate::types::datetime::calendar::{self, Fields, JULIAN_OF_EPOCH};
use crate::types::datetime::{self, timestamp_to_date, timestamp_to_timestamptz};

/// A text as a date, by a pattern.
pub fn to_date(text: &str, pattern: &str) -> Result<i32> {
    timestamp_to_date(read(text, pattern)?.0)
}

/// A text as a time stamp, by a pattern; in the session's time zone if it names none.
pub fn to_timestamp(text: &str, pattern: &str, format: &SessionFormat) -> Result<i64> {
    match read(text, pattern)? {
        (local, None) => timestamp_to_timestamptz(local, &format.time_zone),
        (local, Some(east)) => timestamp_to_timestamptz(local, &datetime::TimeZone::Fixed(east)),
    }
}

/// What has been read so far; what is absent was not in the pattern.
#[derive(Default)]
struct Found {
    year: Option<i32>,
    year_digits: usize,
    century: Option<i32>,
    before_christ: bool,
    month: Option<i32>,
    day: Option<i32>,
    day_of_year: Option<i32>,
    week_of_year: Option<i32>,
    week_of_month: Option<i32>,
    iso_week: Option<i32>,
    iso_day: Option<i32>,
    iso_day_of_year: Option<i32>,
    is_iso: bool,
    julian: Option<i32>,
    hour: Option<i32>,
    twelve_hours: bool,
    afternoon: bool,
    minute: i32,
    second: i32,
    micros: i32,
    seconds_of_day: Option<i32>,
    zone_sign: i32,
    zone_hours: Option<i32>,
    zone_minutes: i32,
}

fn invalid(message: String) -> Error {
    Error::new(sqlstate::INVALID_DATETIME_FORMAT, message)
}

/// The text being read.
struct Reader<'a> {
    rest: &'a str,
    exact: bool,
    /// A minus was passed over that may belong to a zone's offset.
    minus_skipped: bool,
}

fn is_separator(c: char) -> bool {
    c.is_ascii() && !c.is_ascii_alphanumeric() && !c.is_ascii_control()
}

impl<'a> Reader<'a> {
    fn skip_blanks(&mut self) -> usize {
        let after = self.rest.trim_start();
        let skipped = self.rest.len() - after.len();
        self.rest = after;
        skipped
    }

    fn skip_one(&mut self) {
        let mut chars = self.rest.chars();
        chars.next();
        self.rest = chars.as_str();
    }

    /// A whole number of at most `width` characters (`None`: as many as there are), and how many
    /// digits it had.
    fn integer(&mut self, width: Option<usize>, digits: usize, word: &str) -> Result<(i32, usize)> {
        if !self.exact {
            self.skip_blanks();
        }
        let signed = usize::from(self.rest.starts_with(['-', '+']));
        let body = self.rest.get(signed..).unwrap_or_default();
        let all = signed + body.bytes().take_while(u8::is_ascii_digit).count();
        let shown: String = self.rest.chars().take(width.unwrap_or(digits)).collect();
        if let Some(width) = width
            && self.rest.chars().count() < width
        {
            let left = self.rest.chars().count();
            return Err(invalid(format!(
                "source string too short for \"{word}\" formatting field"
            ))
            .with_detail(format!("Field requires {width} characters, but only {left} remain."))
            .with_hint(
                "If your source string is not fixed-width, try using the \"FM\" modifier.",
            ));
        }
        let used = width.map_or(all, |width| all.min(width));
        let bad = || invalid(format!("invalid value \"{shown}\" for \"{word}\""));
        let number = self.rest.get(..used).unwrap_or_default();
        if used == signed {
            return Err(bad().with_detail("Value must be an integer."));
        }
        if let Some(width) = width.filter(|width| used < *width) {
            return Err(bad()
                .with_detail(format!(
                    "Field requires {width} characters, but only {used} could be parsed."
                ))
                .with_hint(
                    "If your source string is not fixed-width, try using the \"FM\" modifier.",
                ));
        }
        let value = number.parse().map_err(|_| {
            Error::new(
                sqlstate::DATETIME_FIELD_OVERFLOW,
                format!("value for \"{word}\" in source string is out of range"),
            )
        })?;
        self.rest = self.rest.get(used..).unwrap_or_default();
        Ok((value, used - signed))
    }

    /// Which of some words comes next, in any case; the longest that fits.
    fn word(&mut self, words: &[String], field: &str) -> Result<usize> {
        let fits = |word: &String| {
            self.rest.get(..word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word))
        };
        let found = words.iter().enumerate().filter(|(_, word)| fits(word));
        let Some((at, word)) = found.max_by_key(|(_, word)| word.len()) else {
            let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
            let shown = self.rest.get(..end).unwrap_or_default();
            return Err(invalid(format!("invalid value \"{shown}\" for \"{field}\"")).with_detail(
                "The given value did not match any of the allowed values for this field.",
            ));
        };
        self.rest = self.rest.get(word.len()..).unwrap_or_default();
        Ok(at)
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn short(words: &[&str]) -> Vec<String> {
    words.iter().filter_map(|word| word.get(..3)).map(str::to_owned).collect()
}

/// Years of fewer than four digits are those nearest to 2020.
fn nearest_to_2020(year: i32) -> i32 {
    match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}

fn is_digit_field(field: Field) -> bool {
    !matches!(
        field,
        Field::Era { .. }
            | Field::HalfDay { .. }
            | Field::DayName
            | Field::DayNameShort
            | Field::MonthName
            | Field::MonthNameShort
            | Field::RomanMonth
            | Field::Offset
            | Field::ZoneName
            | Field::ZoneHours
    )
}

/// The local time stamp that a text says, and the zone's seconds east of UTC if it says one.
fn read(text: &str, pattern: &str) -> Result<(i64, Option<i32>)> {
    let (nodes, exact) = parse(pattern);
    let mut reader = Reader { rest: text, exact, minus_skipped: false };
    let mut found = Found::default();
    let (mut skipped, mut previous) = (0i64, None);
    for (i, node) in nodes.iter().enumerate() {
        if reader.rest.is_empty() {
            break;
        }
        if !exact {
            skipped += i64::try_from(reader.skip_blanks()).unwrap_or(0);
        }
        match node {
            Node::Separator(_) if exact => reader.skip_one(),
            Node::Separator(_) => {
                skipped -= 1;
                if reader.rest.starts_with(is_separator) {
                    previous = reader.rest.chars().next();
                    reader.skip_one();
                    skipped += 1;
                }
            }
            Node::Literal(_) if skipped > 0 && !exact => skipped -= 1,
            Node::Literal(_) => reader.skip_one(),
            Node::Field { field, case, fill, ordinal, word } => {
                reader.minus_skipped = skipped > 0 && previous == Some('-');
                skipped = 0;
                // Before anything but another number, a number may have any length.
                let free = *fill
                    || ordinal.is_some()
                    || match nodes.get(i + 1) {
                        None | Some(Node::Separator(_)) => true,
                        Some(Node::Literal(c)) => !c.is_ascii_digit(),
                        Some(Node::Field { field, .. }) => !is_digit_field(*field),
                    };
                let word = in_word_case(word, *case);
                found.take(&mut reader, *field, (!free).then_some(word.len()), &word)?;
                if ordinal.is_some() {
                    reader.skip_one();
                    reader.skip_one();
                }
            }
        }
    }
    found.moment(text)
}

impl Found {
    fn take(
        &mut self,
        reader: &mut Reader<'_>,
        field: Field,
        width: Option<usize>,
        name: &str,
    ) -> Result<()> {
        let number = |reader: &mut Reader<'_>, digits: usize| -> Result<i32> {
            Ok(reader.integer(width.map(|_| digits), digits, name)?.0)
        };
        match field {
            Field::Year(digits) => {
                let (year, used) =
                    reader.integer(width.map(|_| digits.into()), digits.into(), name)?;
                let partial = digits < 4 && used < 4;
                self.year = Some(if partial { nearest_to_2020(year) } else { year });
                self.year_digits = digits.into();
            }
            Field::IsoYear(digits) => {
                let (year, used) =
                    reader.integer(width.map(|_| digits.into()), digits.into(), name)?;
                let partial = digits < 4 && used < 4;
                self.year = Some(if partial { nearest_to_2020(year) } else { year });
                (self.year_digits, self.is_iso) = (digits.into(), true);
            }
            Field::YearWithComma => {
                let (thousands, _) = reader.integer(None, 1, name)?;
                reader.rest = reader.rest.strip_prefix(',').unwrap_or(reader.rest);
                let (year, _) = reader.integer(Some(3), 3, name)?;
                self.year = Some(thousands.saturating_mul(1000).saturating_add(year));
                self.year_digits = 4;
            }
            Field::Century => self.century = Some(number(reader, 2)?),
            Field::Era { points } => {
                let words = if points { ["A.D.", "B.C."] } else { ["AD", "BC"] };
                self.before_christ = reader.word(&owned(&words), name)? == 1;
            }
            Field::HalfDay { points } => {
                let words = if points { ["A.M.", "P.M."] } else { ["AM", "PM"] };
                self.afternoon = reader.word(&owned(&words), name)? == 1;
                self.twelve_hours = true;
            }
            Field::Month => self.month = Some(number(reader, 2)?),
            Field::MonthName => self.month = one_more(reader.word(&owned(&MONTHS), name)?),
            Field::MonthNameShort => self.month = one_more(reader.word(&short(&MONTHS), name)?),
            Field::RomanMonth => self.month = one_more(reader.word(&owned(&ROMAN_MONTHS), name)?),
            Field::Day => self.day = Some(number(reader, 2)?),
            Field::DayName => drop(reader.word(&owned(&DAYS), name)?),
            Field::DayNameShort => drop(reader.word(&short(&DAYS), name)?),
            Field::DayOfYear => self.day_of_year = Some(number(reader, 3)?),
            Field::IsoDayOfYear => {
                (self.iso_day_of_year, self.is_iso) = (Some(number(reader, 3)?), true);
            }
            // A day of the week says nothing about the date on its own.
            Field::DayOfWeek | Field::Quarter => drop(number(reader, 1)?),
            Field::IsoDayOfWeek => (self.iso_day, self.is_iso) = (Some(number(reader, 1)?), true),
            Field::IsoWeek => (self.iso_week, self.is_iso) = (Some(number(reader, 2)?), true),
            Field::WeekOfYear => self.week_of_year = Some(number(reader, 2)?),
            Field::WeekOfMonth => self.week_of_month = Some(number(reader, 1)?),
            Field::Julian => self.julian = Some(reader.integer(None, 1, name)?.0),
            Field::Hour24 => self.hour = Some(number(reader, 2)?),
            Field::Hour12 => (self.hour, self.twelve_hours) = (Some(number(reader, 2)?), true),
            Field::Minute => self.minute = number(reader, 2)?,
            Field::Second => self.second = number(reader, 2)?,
            Field::SecondsOfDay => self.seconds_of_day = Some(number(reader, 5)?),
            Field::Milliseconds => self.fraction(reader, 3, width, name)?,
            Field::Microseconds => self.fraction(reader, 6, width, name)?,
            Field::Fraction(digits) => self.fraction(reader, digits.into(), width, name)?,
            Field::ZoneHours => {
                let minus = reader.rest.starts_with('-') || reader.minus_skipped;
                self.zone_sign = if minus { -1 } else { 1 };
                if reader.rest.starts_with(['-', '+', ' ']) {
                    reader.skip_one();
                }
                self.zone_hours = Some(number(reader, 2)?);
            }
            Field::ZoneMinutes => {
                if self.zone_hours.is_none() {
                    (self.zone_sign, self.zone_hours) = (1, Some(0));
                }
                self.zone_minutes = number(reader, 2)?;
            }
            Field::Offset | Field::ZoneName => {
                return Err(Error::new(
                    sqlstate::FEATURE_NOT_SUPPORTED,
                    format!("formatting field \"{name}\" is only supported in to_char"),
                ));
            }
        }
        Ok(())
    }

    fn fraction(
        &mut self,
        reader: &mut Reader<'_>,
        digits: usize,
        width: Option<usize>,
        name: &str,
    ) -> Result<()> {
        let (value, used) = reader.integer(width.map(|_| digits), digits, name)?;
        let scale = u32::try_from(6usize.saturating_sub(used)).unwrap_or(0);
        self.micros = value.saturating_mul(10i32.pow(scale));
        Ok(())
    }

    /// Puts the parts together.
    fn moment(&self, text: &str) -> Result<(i64, Option<i32>)> {
        let out_of_range = || {
            Error::new(
                sqlstate::DATETIME_FIELD_OVERFLOW,
                format!("date/time field value out of range: \"{text}\""),
            )
        };
        let (mut hour, mut minute, mut second) = (self.hour.unwrap_or(0), self.minute, self.second);
        if let Some(seconds) = self.seconds_of_day {
            (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        }
        if self.twelve_hours && self.seconds_of_day.is_none() {
            if self.hour.is_some() && !(1..=12).contains(&hour) {
                return Err(invalid(format!("hour \"{hour}\" is invalid for the 12-hour clock"))
                    .with_hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            hour = if self.afternoon && hour < 12 { hour + 12 } else { hour };
            hour = if !self.afternoon && hour == 12 { 0 } else { hour };
        }
        let valid_time = (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second)
            && (0..1_000_000).contains(&self.micros);
        if !valid_time {
            return Err(out_of_range());
        }
        let days = self.days().ok_or_else(out_of_range)??;
        let (year, month, day) = calendar::civil_from_long_days(days);
        let fields = Fields { year, month, day, hour, minute, second, micros: self.micros };
        let local = fields.timestamp().ok_or_else(out_of_range)?;
        let zone = self.zone_hours.map(|hours| {
            self.zone_sign * hours.saturating_mul(3600).saturating_add(self.zone_minutes * 60)
        });
        if zone.is_some_and(|east| east.abs() >= 16 * 3600) {
            return Err(out_of_range());
        }
        Ok((local, zone))
    }

    /// The day, counted from 2000-01-01; `None` if there is no such day.
    fn days(&self) -> Option<Result<i64>> {
        let mut year = match (self.year, self.century) {
            (Some(year), Some(century)) if self.year_digits <= 2 && !self.before_christ => {
                let within = year % 100;
                if within == 0 { century.checked_mul(100)? } else { (century - 1) * 100 + within }
            }
            (Some(year), _) => year,
            (None, Some(century)) => (century.checked_sub(1)?).checked_mul(100)?.checked_add(1)?,
            (None, None) => 0,
        };
        if self.before_christ && self.year.is_some() {
            year = 1i32.checked_sub(year)?;
        }
        if !(-4713..=294_276).contains(&year) {
            return None;
        }
        if let Some(julian) = self.julian {
            return Some(Ok(i64::from(julian) - JULIAN_OF_EPOCH));
        }
        if self.is_iso {
            let start = calendar::iso_year_start(year);
            if let Some(day) = self.iso_day_of_year {
                return Some(Ok(start + i64::from(day) - 1));
            }
            if let Some(week) = self.iso_week {
                let within = i64::from(self.iso_day.unwrap_or(1)) - 1;
                return Some(Ok(start + (i64::from(week) - 1) * 7 + within));
            }
        }
        let day_of_year = self.day_of_year.or(self.week_of_year.map(|week| (week - 1) * 7 + 1));
        if let Some(day) = day_of_year.filter(|_| self.month.is_none()) {
            if self.year.is_none() {
                return Some(Err(invalid(
                    "cannot calculate day of year without year information".to_owned(),
                )));
            }
            let length = if calendar::is_leap(year) { 366 } else { 365 };
            let first = calendar::days_from_civil(year, 1, 1);
            return (1..=length).contains(&day).then(|| Ok(first + i64::from(day) - 1));
        }
        // Zero says nothing.
        let month = self.month.filter(|month| *month != 0).unwrap_or(1);
        let day = self.day.filter(|day| *day != 0);
        let day = day.or(self.week_of_month.map(|week| (week - 1) * 7 + 1)).unwrap_or(1);
        let exists =
            (1..=12).contains(&month) && (1..=calendar::days_in_month(year, month)).contains(&day);
        exists.then(|| Ok(calendar::days_from_civil(year, month, day)))
    }
}

fn one_more(at: usize) -> Option<i32> {
    i32::try_from(at + 1).ok()
}
