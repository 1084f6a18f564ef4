//! # Dates, times and time stamps
//!
//! A date is a count of days and a time stamp a count of microseconds, both from 2000-01-01, in the
//! proleptic Gregorian calendar; the extreme numbers are the infinities. Everything else here turns
//! those counts into years, hours and words and back.
//!
//! ```text
//!   '1999-01-08 04:05+02' ──▶ lex ──▶ read ──▶ count ──▶ write ──▶ text
//!                                       │        ▲ │
//!                                     zone   calendar ──▶ field (extract, date_trunc)
//!                                                └──────▶ arithmetic (± interval, age)
//! ```
//!
//! Words: a *time stamp* has no zone; a *timestamptz* is an instant, kept in UTC; *local* means as
//! a clock in some zone shows it.
//!
//! Invariants: no clock is read, "now" comes with [`SessionFormat`](super::SessionFormat); a result
//! outside PostgreSQL's range is an error (22008), never another date.
//!
//! What it is not: `to_char` and its inverses, which live in [`format_pattern`](super::format_pattern).

mod arithmetic;
pub(super) mod calendar;
mod convert;
mod field;
mod lex;
mod read;
mod reader;
mod words;
mod write;
mod zone;

pub use arithmetic::{
    age, age_tz, date_bin, date_minus_date, date_minus_days, date_plus_days, date_plus_time,
    date_plus_timetz, time_minus_interval, time_minus_time, time_plus_interval,
    timestamp_minus_interval, timestamp_minus_timestamp, timestamp_plus_interval,
    timestamptz_minus_interval, timestamptz_plus_interval,
};
pub use calendar::{civil_from_days, days_from_civil};
pub use convert::{
    apply_time_precision, date_to_timestamp, date_to_timestamptz, make_date, make_time,
    make_timestamp, make_timestamptz, timestamp_to_date, timestamp_to_time,
    timestamp_to_timestamptz, timestamptz_from_epoch, timestamptz_from_unix_nanos,
    timestamptz_to_timestamp, timetz_at_zone,
};
pub use field::{date_part, date_trunc, extract, timestamp_trunc};
pub use read::{parse_date, parse_time, parse_timestamp, parse_timestamptz, parse_timetz};
pub use write::{write_date, write_time, write_timestamp, write_timestamptz, write_timetz};
pub use zone::TimeZone;

use crate::error::{Error, sqlstate};

/// Microseconds of a day.
pub const USECS_PER_DAY: i64 = 86_400_000_000;
/// The date `infinity`.
pub const DATE_INFINITY: i32 = i32::MAX;
/// The date `-infinity`.
pub const DATE_NEG_INFINITY: i32 = i32::MIN;
/// The time stamp `infinity`.
pub const TIMESTAMP_INFINITY: i64 = i64::MAX;
/// The time stamp `-infinity`.
pub const TIMESTAMP_NEG_INFINITY: i64 = i64::MIN;
/// The first time stamp: 4714-11-24 BC.
pub const TIMESTAMP_MIN: i64 = -211_813_488_000_000_000;
/// The first moment after the last time stamp: 294277-01-01.
pub const TIMESTAMP_END: i64 = 9_223_371_331_200_000_000;
/// The first date: 4714-11-24 BC.
pub const DATE_MIN: i32 = -2_451_545;
/// The first day after the last date: 5874898-01-01.
pub const DATE_END: i32 = 2_145_031_949;

/// Whether a time stamp is one of the infinities.
pub fn is_infinite(timestamp: i64) -> bool {
    timestamp == TIMESTAMP_INFINITY || timestamp == TIMESTAMP_NEG_INFINITY
}

/// Whether a date is one of the infinities.
pub fn is_infinite_date(date: i32) -> bool {
    date == DATE_INFINITY || date == DATE_NEG_INFINITY
}

fn timestamp_out_of_range() -> Error {
    Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, "timestamp out of range")
}

fn date_out_of_range() -> Error {
    Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, "date out of range")
}

/// The time stamp if it is in range; computed ones pass through here.
fn checked_timestamp(timestamp: i64) -> Option<i64> {
    (TIMESTAMP_MIN..TIMESTAMP_END).contains(&timestamp).then_some(timestamp)
}

/// The date if it is in range.
fn checked_date(days: i64) -> Option<i32> {
    i32::try_from(days).ok().filter(|d| (DATE_MIN..DATE_END).contains(d))
}
