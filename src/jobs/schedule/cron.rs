//! Crontab expressions: five fields, or a word such as `@daily`, or `@every 1h`; always in UTC.
//!
//! A field is a list of values, ranges (`1-5`) and steps (`*/15`, `10-30/5`, `10/5`); months and
//! days of the week have names. If both the day of the month and the day of the week are
//! restricted, a day that fits either will do.

use std::fmt;

use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::settings::parse_duration;
use crate::types::datetime::civil_from_days;

/// Longest expression that is looked at, in bytes.
const TEXT_MAX: usize = 1_000;

/// Nine years: between the leap days of 2096 and 2104 there are eight.
const SEARCH_DAYS: i64 = 9 * 366;

/// 2000-01-01 in seconds since 1970.
const EPOCH_SECONDS: i64 = 10_957 * 86_400;

const NANOS: u64 = 1_000_000_000;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When something recurs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    text: String,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// This many seconds after the last time.
    Every(u64),
    Fields(Fields),
}

/// The allowed values of each field, one bit each.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether the day of the month, or of the week, is `*`, so that the other one decides.
    any_day: bool,
}

impl Cron {
    /// Reads an expression; 22023 if it is none or never comes.
    pub fn parse(text: &str) -> Result<Cron> {
        let text = text.trim();
        let rule = if text.len() > TEXT_MAX { None } else { rule(text) };
        let cron = rule.map(|rule| Cron { text: text.to_owned(), rule });
        match cron {
            Some(cron) if cron.next(Timestamp::MIN).is_some() => Ok(cron),
            _ => Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("\"{}\" must be a valid cron expression", shown(text)),
            )
            .with_hint(
                "Five fields (minute, hour, day of month, month, day of week), @hourly, @daily, \
                 @weekly, @monthly, @yearly, or @every and a duration are allowed.",
            )),
        }
    }

    /// The first time after another one; `None` if there is none in the years to come.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let seconds = after.wall / NANOS;
        let next = match &self.rule {
            Rule::Every(step) => seconds.checked_add(*step)?,
            Rule::Fields(fields) => fields.next(seconds)?,
        };
        next.checked_mul(NANOS).map(Timestamp::from_nanos)
    }

    /// Seconds between the next two times.
    pub fn period(&self, now: Timestamp) -> u64 {
        let first = self.next(now);
        match first.and_then(|first| Some((first, self.next(first)?))) {
            Some((first, second)) => second.wall.saturating_sub(first.wall) / NANOS,
            None => u64::MAX,
        }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The beginning of a text, for a message.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

fn rule(text: &str) -> Option<Rule> {
    if let Some(word) = text.strip_prefix('@') {
        if let Some(step) = word.strip_prefix("every ") {
            let step = parse_duration(step)?.as_secs();
            return (step > 0).then_some(Rule::Every(step));
        }
        let fields = match word {
            "yearly" | "annually" => "0 0 1 1 *",
            "monthly" => "0 0 1 * *",
            "weekly" => "0 0 * * 0",
            "daily" | "midnight" => "0 0 * * *",
            "hourly" => "0 * * * *",
            _ => return None,
        };
        return Fields::parse(fields).map(Rule::Fields);
    }
    Fields::parse(text).map(Rule::Fields)
}

impl Fields {
    fn parse(text: &str) -> Option<Fields> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = words[..] else { return None };
        let (days, any_day) = field(days, 1, 31, &[])?;
        let (weekdays, any_weekday) = field(weekdays, 0, 6, &WEEKDAYS)?;
        Some(Fields {
            minutes: field(minutes, 0, 59, &[])?.0,
            hours: field(hours, 0, 23, &[])?.0,
            days,
            months: field(months, 1, 12, &MONTHS)?.0,
            weekdays,
            any_day: any_day || any_weekday,
        })
    }

    fn allows_day(&self, days: i64) -> bool {
        let Ok(short) = i32::try_from(days) else { return false };
        let (_, month, day) = civil_from_days(short);
        // 2000-01-01, the day 0, was a Saturday.
        let weekday = (days + 6).rem_euclid(7);
        let by_day = has(self.days, i64::from(day));
        let by_weekday = has(self.weekdays, weekday);
        let fits = if self.any_day { by_day && by_weekday } else { by_day || by_weekday };
        fits && has(self.months, i64::from(month))
    }

    /// The first second after another one, both since 1970.
    fn next(&self, after: u64) -> Option<u64> {
        let after = i64::try_from(after).ok()?;
        let first = (after.checked_sub(EPOCH_SECONDS)?).div_euclid(60) + 1;
        let today = first.div_euclid(1_440);
        for days in today..today + SEARCH_DAYS {
            if !self.allows_day(days) {
                continue;
            }
            let from = if days == today { first.rem_euclid(1_440) } else { 0 };
            let minute =
                (from..1_440).find(|m| has(self.hours, m / 60) && has(self.minutes, m % 60));
            if let Some(minute) = minute {
                return u64::try_from((days * 1_440 + minute) * 60 + EPOCH_SECONDS).ok();
            }
        }
        None
    }
}

fn has(set: u64, value: i64) -> bool {
    (0..64).contains(&value) && set >> value & 1 == 1
}

/// A field's allowed values, and whether it is `*`.
fn field(text: &str, min: u64, max: u64, names: &[&str]) -> Option<(u64, bool)> {
    let (mut set, mut any) = (0, false);
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step)?)),
            None => (part, None),
        };
        let value = |word: &str| {
            let named = names.iter().zip(min..).find(|(name, _)| name.eq_ignore_ascii_case(word));
            named.map(|(_, value)| value).or_else(|| number(word))
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (value(first)?, value(last)?),
            None if matches!(range, "*" | "?") => {
                any |= step.is_none_or(|step| step == 1);
                (min, max)
            }
            // `5/15` goes on to the end.
            None if step.is_some() => (value(range)?, max),
            None => (value(range)?, value(range)?),
        };
        let step = step.unwrap_or(1);
        if first < min || last > max || first > last || step == 0 {
            return None;
        }
        let mut at = first;
        while at <= last {
            set |= 1 << at;
            at = at.checked_add(step)?;
        }
    }
    Some((set, any))
}

fn number(word: &str) -> Option<u64> {
    let digits = !word.is_empty() && word.len() <= 4 && word.bytes().all(|b| b.is_ascii_digit());
    if digits { word.parse().ok() } else { None }
}

/// The moment of a date and time of day, for tests.
#[cfg(test)]
pub(super) fn moment(date: (i32, i32, i32), hour: i64, minute: i64) -> Timestamp {
    use crate::types::datetime::days_from_civil;
    let seconds = days_from_civil(date.0, date.1, date.2) * 86_400 + hour * 3_600 + minute * 60;
    Timestamp::from_nanos((seconds + EPOCH_SECONDS) as u64 * NANOS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn next(text: &str, after: Timestamp) -> Timestamp {
        Cron::parse(text).unwrap().next(after).unwrap()
    }

    #[test]
    fn the_next_time_of_every_form() {
        // A Tuesday.
        let now = moment((2021, 3, 23), 21, 31);
        for (text, expected) in [
            ("* * * * *", moment((2021, 3, 23), 21, 32)),
            ("*/15 * * * *", moment((2021, 3, 23), 21, 45)),
            ("5/20 * * * *", moment((2021, 3, 23), 21, 45)),
            ("0,31,40-42 21 * * *", moment((2021, 3, 23), 21, 40)),
            ("31 21 * * *", moment((2021, 3, 24), 21, 31)),
            ("@hourly", moment((2021, 3, 23), 22, 0)),
            ("@daily", moment((2021, 3, 24), 0, 0)),
            ("@midnight", moment((2021, 3, 24), 0, 0)),
            ("@weekly", moment((2021, 3, 28), 0, 0)),
            ("@monthly", moment((2021, 4, 1), 0, 0)),
            ("@yearly", moment((2022, 1, 1), 0, 0)),
            ("@annually", moment((2022, 1, 1), 0, 0)),
            ("@every 90m", moment((2021, 3, 23), 23, 1)),
            ("0 12 ? jan-FEB,Jul ?", moment((2021, 7, 1), 12, 0)),
            ("0 0 * * mon-fri", moment((2021, 3, 24), 0, 0)),
            ("0 0 29 2 *", moment((2024, 2, 29), 0, 0)),
            // Either of the two days will do.
            ("0 0 1 * fri", moment((2021, 3, 26), 0, 0)),
            // With a step of more than one, a star restricts.
            ("0 0 1 * */7", moment((2021, 3, 28), 0, 0)),
        ] {
            assert_eq!(next(text, now), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_crontab_is_refused() {
        for text in [
            "",
            "@",
            "@never",
            "@every",
            "@every 0s",
            "@every 500ms",
            "@every x",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 13 *",
            "* * * * 7",
            "*/0 * * * *",
            "5-3 * * * *",
            "a * * * *",
            "1- * * * *",
            ", * * * *",
            "1-2-3 * * * *",
            "0 0 30 2 *",
            "99999999999999999999 * * * *",
            "-1 * * * *",
        ] {
            let e = Cron::parse(text).err().unwrap_or_else(|| panic!("{text} was not refused"));
            assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE, "{text}");
        }
        assert!(Cron::parse(&"1,".repeat(10_000)).is_err());
    }

    #[test]
    fn the_period_is_between_two_times() {
        let now = moment((2021, 3, 23), 21, 31);
        for (text, seconds) in
            [("@hourly", 3_600), ("@daily", 86_400), ("@weekly", 604_800), ("@every 5s", 5)]
        {
            assert_eq!(Cron::parse(text).unwrap().period(now), seconds, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_next_time_is_the_first_that_fits(
            minute in 0i64..60, hour in 0i64..24, day in 1i64..29, which in 0usize..4,
            start in 946_684_800u64..4_102_444_800,
        ) {
            let text = match which {
                0 => format!("{minute} * * * *"),
                1 => format!("{minute} {hour} * * *"),
                2 => format!("{minute} {hour} {day} * *"),
                _ => format!("{minute} {hour} {day} * {}", day % 7),
            };
            let cron = Cron::parse(&text).unwrap();
            let after = Timestamp::from_nanos(start * NANOS + 7);
            let at = cron.next(after).unwrap();
            prop_assert!(at > after);
            prop_assert_eq!(at.wall % (60 * NANOS), 0);
            // From any time in between, it is still the next.
            let between = Timestamp::from_nanos(after.wall + (at.wall - after.wall) / 2);
            prop_assert_eq!(cron.next(between), Some(at));
            // It fits.
            let seconds = (at.wall / NANOS) as i64 - EPOCH_SECONDS;
            prop_assert_eq!(seconds.div_euclid(60).rem_euclid(60), minute);
            if which > 0 {
                prop_assert_eq!(seconds.div_euclid(3_600).rem_euclid(24), hour);
            }
            let days = seconds.div_euclid(86_400);
            let (_, _, of_month) = civil_from_days(days as i32);
            if which == 2 {
                prop_assert_eq!(i64::from(of_month), day);
            }
            if which == 3 {
                prop_assert!(
                    i64::from(of_month) == day || (days + 6).rem_euclid(7) == day % 7
                );
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-*/,@?0-9a-z ]{0,30}", start in any::<u64>()) {
            if let Ok(cron) = Cron::parse(&text)
                && let Some(at) = cron.next(Timestamp::from_nanos(start))
            {
                prop_assert!(at.wall > start);
            }
        }
    }
}
