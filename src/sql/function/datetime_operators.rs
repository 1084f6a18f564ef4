//! `+ - * /` of dates, times, time stamps and intervals.

use super::args::{date, f8, i4, span, time, timetz, ts, tstz};
use super::calendar;
use super::row::{Row, f};
use crate::error::Result;
use crate::sql::exec::context::EvalContext;
use crate::types::{Datum, Interval, datetime};

pub(super) const FUNCTIONS: &[Row] = &[
    f(1141, "date_pli", "date int4", "date", |_, a| {
        Ok(Datum::Date(datetime::date_plus_days(date(a, 0)?, i4(a, 1)?)?))
    }),
    f(2550, "integer_pl_date", "int4 date", "date", |_, a| {
        Ok(Datum::Date(datetime::date_plus_days(date(a, 1)?, i4(a, 0)?)?))
    }),
    f(1142, "date_mii", "date int4", "date", |_, a| {
        Ok(Datum::Date(datetime::date_minus_days(date(a, 0)?, i4(a, 1)?)?))
    }),
    f(1140, "date_mi", "date date", "int4", |_, a| {
        Ok(Datum::Int4(datetime::date_minus_date(date(a, 0)?, date(a, 1)?)?))
    }),
    f(2071, "date_pl_interval", "date interval", "timestamp", |_, a| {
        plus(datetime::date_to_timestamp(date(a, 0)?)?, span(a, 1)?)
    }),
    f(2546, "interval_pl_date", "interval date", "timestamp", |_, a| {
        plus(datetime::date_to_timestamp(date(a, 1)?)?, span(a, 0)?)
    }),
    f(2072, "date_mi_interval", "date interval", "timestamp", |_, a| {
        let start = datetime::date_to_timestamp(date(a, 0)?)?;
        Ok(Datum::Timestamp(datetime::timestamp_minus_interval(start, span(a, 1)?)?))
    }),
    f(1272, "datetime_pl", "date time", "timestamp", |_, a| {
        Ok(Datum::Timestamp(datetime::date_plus_time(date(a, 0)?, time(a, 1)?)?))
    }),
    f(1296, "timedate_pl", "time date", "timestamp", |_, a| {
        Ok(Datum::Timestamp(datetime::date_plus_time(date(a, 1)?, time(a, 0)?)?))
    }),
    f(1297, "datetimetz_pl", "date timetz", "timestamptz", |_, a| {
        let (at, zone) = timetz(a, 1)?;
        Ok(Datum::Timestamptz(calendar::date_plus_timetz(date(a, 0)?, at, zone)?))
    }),
    f(1298, "timetzdate_pl", "timetz date", "timestamptz", |_, a| {
        let (at, zone) = timetz(a, 0)?;
        Ok(Datum::Timestamptz(calendar::date_plus_timetz(date(a, 1)?, at, zone)?))
    }),
    f(1747, "time_pl_interval", "time interval", "time", |_, a| {
        Ok(Datum::Time(datetime::time_plus_interval(time(a, 0)?, span(a, 1)?)))
    }),
    f(1848, "interval_pl_time", "interval time", "time", |_, a| {
        Ok(Datum::Time(datetime::time_plus_interval(time(a, 1)?, span(a, 0)?)))
    }),
    f(1748, "time_mi_interval", "time interval", "time", |_, a| {
        Ok(Datum::Time(datetime::time_minus_interval(time(a, 0)?, span(a, 1)?)))
    }),
    f(1690, "time_mi_time", "time time", "interval", |_, a| {
        Ok(Datum::Interval(datetime::time_minus_time(time(a, 0)?, time(a, 1)?)))
    }),
    f(1749, "timetz_pl_interval", "timetz interval", "timetz", |_, a| {
        let (at, zone) = timetz(a, 0)?;
        Ok(Datum::Timetz(datetime::time_plus_interval(at, span(a, 1)?), zone))
    }),
    f(2547, "interval_pl_timetz", "interval timetz", "timetz", |_, a| {
        let (at, zone) = timetz(a, 1)?;
        Ok(Datum::Timetz(datetime::time_plus_interval(at, span(a, 0)?), zone))
    }),
    f(1750, "timetz_mi_interval", "timetz interval", "timetz", |_, a| {
        let (at, zone) = timetz(a, 0)?;
        Ok(Datum::Timetz(datetime::time_minus_interval(at, span(a, 1)?), zone))
    }),
    f(2032, "timestamp_pl_interval", "timestamp interval", "timestamp", |_, a| {
        plus(ts(a, 0)?, span(a, 1)?)
    }),
    f(2548, "interval_pl_timestamp", "interval timestamp", "timestamp", |_, a| {
        plus(ts(a, 1)?, span(a, 0)?)
    }),
    f(2033, "timestamp_mi_interval", "timestamp interval", "timestamp", |_, a| {
        Ok(Datum::Timestamp(datetime::timestamp_minus_interval(ts(a, 0)?, span(a, 1)?)?))
    }),
    f(2031, "timestamp_mi", "timestamp timestamp", "interval", |_, a| {
        Ok(Datum::Interval(datetime::timestamp_minus_timestamp(ts(a, 0)?, ts(a, 1)?)?))
    }),
    f(1189, "timestamptz_pl_interval", "timestamptz interval", "timestamptz", |context, a| {
        plus_tz(context, tstz(a, 0)?, span(a, 1)?)
    })
    .stable(),
    f(2549, "interval_pl_timestamptz", "interval timestamptz", "timestamptz", |context, a| {
        plus_tz(context, tstz(a, 1)?, span(a, 0)?)
    })
    .stable(),
    f(1190, "timestamptz_mi_interval", "timestamptz interval", "timestamptz", |context, a| {
        let zone = &context.session.format.time_zone;
        let at = datetime::timestamptz_minus_interval(tstz(a, 0)?, span(a, 1)?, zone)?;
        Ok(Datum::Timestamptz(at))
    })
    .stable(),
    f(1188, "timestamptz_mi", "timestamptz timestamptz", "interval", |_, a| {
        Ok(Datum::Interval(datetime::timestamp_minus_timestamp(tstz(a, 0)?, tstz(a, 1)?)?))
    }),
    f(1169, "interval_pl", "interval interval", "interval", |_, a| {
        Ok(Datum::Interval(span(a, 0)?.checked_add(span(a, 1)?)?))
    }),
    f(1170, "interval_mi", "interval interval", "interval", |_, a| {
        Ok(Datum::Interval(span(a, 0)?.checked_sub(span(a, 1)?)?))
    }),
    f(1168, "interval_um", "interval", "interval", |_, a| {
        Ok(Datum::Interval(span(a, 0)?.checked_neg()?))
    }),
    f(1618, "interval_mul", "interval float8", "interval", |_, a| {
        Ok(Datum::Interval(span(a, 0)?.checked_mul(f8(a, 1)?)?))
    }),
    f(1624, "mul_d_interval", "float8 interval", "interval", |_, a| {
        Ok(Datum::Interval(span(a, 1)?.checked_mul(f8(a, 0)?)?))
    }),
    f(1326, "interval_div", "interval float8", "interval", |_, a| {
        Ok(Datum::Interval(span(a, 0)?.checked_div(f8(a, 1)?)?))
    }),
];

fn plus(at: i64, span: Interval) -> Result<Datum> {
    Ok(Datum::Timestamp(datetime::timestamp_plus_interval(at, span)?))
}

/// Days and months are those of the session's time zone.
fn plus_tz(context: &EvalContext<'_>, at: i64, span: Interval) -> Result<Datum> {
    let zone = &context.session.format.time_zone;
    Ok(Datum::Timestamptz(datetime::timestamptz_plus_interval(at, span, zone)?))
}
