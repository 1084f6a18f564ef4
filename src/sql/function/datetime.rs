//! Functions of dates, times, time stamps and intervals; `datetime_format` has the conversions from
//! and to text.

use super::args::{any, date, f8, i4, span, timetz, ts, tstz, txt};
use super::calendar;
use super::row::{Row, f};
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::types::datetime::{
    self, DATE_INFINITY, DATE_NEG_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, TimeZone,
};
use crate::types::{Datum, Interval};

pub(super) const FUNCTIONS: &[Row] = &[
    f(1299, "now", "", "timestamptz", |c, _| Ok(Datum::Timestamptz(c.transaction_time))).stable(),
    f(2647, "transaction_timestamp", "", "timestamptz", |c, _| {
        Ok(Datum::Timestamptz(c.transaction_time))
    })
    .stable(),
    f(2648, "statement_timestamp", "", "timestamptz", |c, _| {
        Ok(Datum::Timestamptz(c.statement_time))
    })
    .stable(),
    f(2649, "clock_timestamp", "", "timestamptz", |c, _| Ok(Datum::Timestamptz(clock(c))))
        .volatile(),
    f(1384, "date_part", "text date", "float8", part),
    f(1385, "date_part", "text time", "float8", part),
    f(1273, "date_part", "text timetz", "float8", part),
    f(2021, "date_part", "text timestamp", "float8", part),
    f(1171, "date_part", "text timestamptz", "float8", part).stable(),
    f(1172, "date_part", "text interval", "float8", part),
    f(6199, "extract", "text date", "numeric", extract),
    f(6200, "extract", "text time", "numeric", extract),
    f(6201, "extract", "text timetz", "numeric", extract),
    f(6202, "extract", "text timestamp", "numeric", extract),
    f(6203, "extract", "text timestamptz", "numeric", extract).stable(),
    f(6204, "extract", "text interval", "numeric", extract),
    f(2020, "date_trunc", "text timestamp", "timestamp", truncated),
    f(1218, "date_trunc", "text interval", "interval", truncated),
    f(1217, "date_trunc", "text timestamptz", "timestamptz", truncated).stable(),
    f(1284, "date_trunc", "text timestamptz text", "timestamptz", |_, a| {
        datetime::date_trunc(txt(a, 0)?, any(a, 1)?, &TimeZone::parse(txt(a, 2)?)?)
    })
    .stable(),
    f(6177, "date_bin", "interval timestamp timestamp", "timestamp", |_, a| {
        Ok(Datum::Timestamp(calendar::date_bin(span(a, 0)?, ts(a, 1)?, ts(a, 2)?)?))
    }),
    f(6178, "date_bin", "interval timestamptz timestamptz", "timestamptz", |_, a| {
        Ok(Datum::Timestamptz(calendar::date_bin(span(a, 0)?, tstz(a, 1)?, tstz(a, 2)?)?))
    }),
    f(2058, "age", "timestamp timestamp", "interval", |_, a| {
        Ok(Datum::Interval(calendar::age(ts(a, 0)?, ts(a, 1)?)?))
    }),
    f(1199, "age", "timestamptz timestamptz", "interval", |c, a| {
        let zone = &c.session.format.time_zone;
        Ok(Datum::Interval(calendar::age_tz(tstz(a, 0)?, tstz(a, 1)?, zone)?))
    }),
    f(2059, "age", "timestamp", "interval", |c, a| {
        Ok(Datum::Interval(calendar::age(today(c)?, ts(a, 0)?)?))
    })
    .stable(),
    f(1386, "age", "timestamptz", "interval", |c, a| {
        let zone = &c.session.format.time_zone;
        let midnight = datetime::timestamp_to_timestamptz(today(c)?, zone)?;
        Ok(Datum::Interval(calendar::age_tz(midnight, tstz(a, 0)?, zone)?))
    })
    .stable(),
    f(1373, "isfinite", "date", "bool", |_, a| {
        Ok(Datum::Bool(!matches!(date(a, 0)?, DATE_INFINITY | DATE_NEG_INFINITY)))
    }),
    f(2048, "isfinite", "timestamp", "bool", |_, a| Ok(Datum::Bool(is_finite(ts(a, 0)?)))),
    f(1389, "isfinite", "timestamptz", "bool", |_, a| Ok(Datum::Bool(is_finite(tstz(a, 0)?)))),
    f(1390, "isfinite", "interval", "bool", |_, _| Ok(Datum::Bool(true))),
    f(1175, "justify_hours", "interval", "interval", |_, a| {
        Ok(Datum::Interval(span(a, 0)?.justify_hours()?))
    }),
    f(1295, "justify_days", "interval", "interval", |_, a| {
        Ok(Datum::Interval(span(a, 0)?.justify_days()?))
    }),
    f(2711, "justify_interval", "interval", "interval", |_, a| {
        Ok(Datum::Interval(span(a, 0)?.justify_interval()?))
    }),
    f(3846, "make_date", "int4 int4 int4", "date", |_, a| {
        Ok(Datum::Date(datetime::make_date(i4(a, 0)?, i4(a, 1)?, i4(a, 2)?)?))
    })
    .named("year month day"),
    f(3847, "make_time", "int4 int4 float8", "time", |_, a| {
        Ok(Datum::Time(datetime::make_time(i4(a, 0)?, i4(a, 1)?, f8(a, 2)?)?))
    })
    .named("hour min sec"),
    f(3461, "make_timestamp", "int4 int4 int4 int4 int4 float8", "timestamp", |_, a| {
        Ok(Datum::Timestamp(local_time(a)?))
    })
    .named("year month mday hour min sec"),
    f(3462, "make_timestamptz", "int4 int4 int4 int4 int4 float8", "timestamptz", |c, a| {
        let zone = &c.session.format.time_zone;
        Ok(Datum::Timestamptz(datetime::timestamp_to_timestamptz(local_time(a)?, zone)?))
    })
    .stable()
    .named("year month mday hour min sec"),
    f(3463, "make_timestamptz", "int4 int4 int4 int4 int4 float8 text", "timestamptz", |_, a| {
        let zone = TimeZone::parse(txt(a, 6)?)?;
        Ok(Datum::Timestamptz(datetime::timestamp_to_timestamptz(local_time(a)?, &zone)?))
    })
    .stable()
    .named("year month mday hour min sec timezone"),
    f(3464, "make_interval", "int4 int4 int4 int4 int4 int4 float8", "interval", |_, a| {
        Ok(Datum::Interval(Interval::make(
            i4(a, 0)?,
            i4(a, 1)?,
            i4(a, 2)?,
            i4(a, 3)?,
            i4(a, 4)?,
            i4(a, 5)?,
            f8(a, 6)?,
        )?))
    })
    .named("years months weeks days hours mins secs")
    .defaults(|| {
        let mut zeros = vec![Datum::Int4(0); 6];
        zeros.push(Datum::Float8(0.0));
        zeros
    }),
    f(2069, "timezone", "text timestamp", "timestamptz", |_, a| {
        at_zone(&named_zone(a)?, any(a, 1)?, 0)
    }),
    f(1159, "timezone", "text timestamptz", "timestamp", |_, a| {
        at_zone(&named_zone(a)?, any(a, 1)?, 0)
    }),
    f(2037, "timezone", "text timetz", "timetz", |c, a| {
        at_zone(&named_zone(a)?, any(a, 1)?, c.transaction_time)
    })
    .stable(),
    f(2070, "timezone", "interval timestamp", "timestamptz", |_, a| {
        at_zone(&offset_zone(a)?, any(a, 1)?, 0)
    }),
    f(1026, "timezone", "interval timestamptz", "timestamp", |_, a| {
        at_zone(&offset_zone(a)?, any(a, 1)?, 0)
    }),
    f(2038, "timezone", "interval timetz", "timetz", |_, a| {
        at_zone(&offset_zone(a)?, any(a, 1)?, 0)
    }),
    f(1158, "to_timestamp", "float8", "timestamptz", |_, a| {
        Ok(Datum::Timestamptz(calendar::timestamptz_from_epoch(f8(a, 0)?)?))
    }),
];

/// The wall clock, in microseconds since 2000-01-01 UTC.
fn clock(context: &EvalContext<'_>) -> i64 {
    let nanos = i64::try_from(context.server.clock.now().wall).unwrap_or(i64::MAX);
    datetime::timestamptz_from_unix_nanos(nanos)
}

fn part(context: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    datetime::date_part(txt(a, 0)?, any(a, 1)?, &context.session.format)
}

fn extract(context: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    datetime::extract(txt(a, 0)?, any(a, 1)?, &context.session.format)
}

fn truncated(context: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    datetime::date_trunc(txt(a, 0)?, any(a, 1)?, &context.session.format.time_zone)
}

/// The midnight that began the current day in the session's time zone, as a local time stamp.
fn today(context: &EvalContext<'_>) -> Result<i64> {
    let zone = &context.session.format.time_zone;
    let now = datetime::timestamptz_to_timestamp(context.transaction_time, zone)?;
    datetime::date_to_timestamp(datetime::timestamp_to_date(now)?)
}

fn is_finite(at: i64) -> bool {
    !matches!(at, TIMESTAMP_INFINITY | TIMESTAMP_NEG_INFINITY)
}

fn local_time(a: &[Datum]) -> Result<i64> {
    datetime::date_plus_time(
        datetime::make_date(i4(a, 0)?, i4(a, 1)?, i4(a, 2)?)?,
        datetime::make_time(i4(a, 3)?, i4(a, 4)?, f8(a, 5)?)?,
    )
}

fn named_zone(a: &[Datum]) -> Result<TimeZone> {
    TimeZone::parse(txt(a, 0)?)
}

/// A zone given as its distance from UTC.
fn offset_zone(a: &[Datum]) -> Result<TimeZone> {
    let offset = span(a, 0)?;
    let seconds = i32::try_from(offset.micros / 1_000_000).ok();
    match (offset.months, offset.days, seconds) {
        (0, 0, Some(seconds)) => Ok(TimeZone::Fixed(seconds)),
        _ => {
            let mut text = String::new();
            offset.write(&Default::default(), &mut text);
            Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("interval time zone \"{text}\" must not include months or days"),
            ))
        }
    }
}

/// `value AT TIME ZONE zone`
fn at_zone(zone: &TimeZone, value: &Datum, now: i64) -> Result<Datum> {
    Ok(match value {
        Datum::Timestamp(at) => Datum::Timestamptz(datetime::timestamp_to_timestamptz(*at, zone)?),
        Datum::Timestamptz(at) => Datum::Timestamp(datetime::timestamptz_to_timestamp(*at, zone)?),
        other => {
            let (at, west) = timetz(std::slice::from_ref(other), 0)?;
            let (at, west) = calendar::timetz_at_zone(at, west, zone, now);
            Datum::Timetz(at, west)
        }
    })
}
