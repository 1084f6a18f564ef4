//! What a session decides about the text form of values: styles, the time zone, and "now".

use std::fmt;
use std::sync::Arc;

use super::Type;
use super::datetime::TimeZone;
use crate::error::Result;

/// `DateStyle`'s first half: how dates are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateStyle {
    /// `1999-01-08`
    #[default]
    Iso,
    /// `01/08/1999`
    Sql,
    /// `Fri Jan 08 04:05:06 1999`
    Postgres,
    /// `08.01.1999`
    German,
}

/// `DateStyle`'s second half: how `1/8/1999` is read (and written, in the styles that are ambiguous).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// Month, day, year.
    #[default]
    Mdy,
    /// Day, month, year.
    Dmy,
    /// Year, month, day.
    Ymd,
}

/// `IntervalStyle`: how intervals are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    /// `1 year 2 mons 3 days 04:05:06`
    #[default]
    Postgres,
    /// `@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs`
    PostgresVerbose,
    /// `+1-2 +3 +4:05:06`
    SqlStandard,
    /// `P1Y2M3DT4H5M6S`
    Iso8601,
}

/// `bytea_output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteaOutput {
    /// `\x616263`
    #[default]
    Hex,
    /// `abc`, with octal escapes.
    Escape,
}

/// Names behind `regclass` and its kin. The catalogue implements it, floors above.
pub trait NameResolver: Send + Sync {
    /// The OID of the object that `name` (as written by a person) means for the type `kind`.
    fn oid_of(&self, kind: &Type, name: &str) -> Result<u32>;
    /// The name of an object, quoted and qualified as the search path requires; `None` if unknown.
    fn name_of(&self, kind: &Type, oid: u32) -> Option<String>;
}

/// Everything outside a value that its text form depends on.
#[derive(Clone)]
pub struct SessionFormat {
    /// How dates are written.
    pub date_style: DateStyle,
    /// How ambiguous dates are read.
    pub date_order: DateOrder,
    /// How intervals are written.
    pub interval_style: IntervalStyle,
    /// The session's time zone.
    pub time_zone: TimeZone,
    /// How bytea is written.
    pub bytea_output: ByteaOutput,
    /// `extra_float_digits`: above 0 gives the shortest text that reads back exactly.
    pub extra_float_digits: i32,
    /// The transaction's start, in microseconds since 2000-01-01 UTC: what 'now' and 'today' mean.
    pub now: i64,
    /// Resolves the names in `regclass` and its kin; without it only numbers are understood.
    pub names: Option<Arc<dyn NameResolver>>,
}

impl Default for SessionFormat {
    fn default() -> Self {
        SessionFormat {
            date_style: DateStyle::Iso,
            date_order: DateOrder::Mdy,
            interval_style: IntervalStyle::Postgres,
            time_zone: TimeZone::UTC,
            bytea_output: ByteaOutput::Hex,
            extra_float_digits: 1,
            now: 0,
            names: None,
        }
    }
}

impl fmt::Debug for SessionFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionFormat")
            .field("date_style", &self.date_style)
            .field("date_order", &self.date_order)
            .field("interval_style", &self.interval_style)
            .field("time_zone", &self.time_zone)
            .field("bytea_output", &self.bytea_output)
            .field("extra_float_digits", &self.extra_float_digits)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
