//! `to_char` and its inverses.

use super::args::{f4, f8, i4, i8, num, span, ts, tstz, txt};
use super::row::{Row, f};
use crate::types::{Datum, format_pattern as pattern};

pub(super) const FUNCTIONS: &[Row] = &[
    f(2049, "to_char", "timestamp text", "text", |_, a| {
        Ok(pattern::timestamp_to_char(ts(a, 0)?, txt(a, 1)?)?.map(Datum::text).into())
    })
    .stable(),
    f(1770, "to_char", "timestamptz text", "text", |context, a| {
        let format = &context.session.format;
        let text = pattern::timestamptz_to_char(tstz(a, 0)?, txt(a, 1)?, format)?;
        Ok(text.map(Datum::text).into())
    })
    .stable(),
    f(1768, "to_char", "interval text", "text", |_, a| {
        Ok(pattern::interval_to_char(span(a, 0)?, txt(a, 1)?)?.map(Datum::text).into())
    })
    .stable(),
    f(1772, "to_char", "numeric text", "text", |_, a| {
        Ok(Datum::text(pattern::numeric_to_char(num(a, 0)?, txt(a, 1)?)?))
    })
    .stable(),
    f(1773, "to_char", "int4 text", "text", |_, a| {
        Ok(Datum::text(pattern::integer_to_char(i4(a, 0)?, txt(a, 1)?)?))
    })
    .stable(),
    f(1774, "to_char", "int8 text", "text", |_, a| {
        Ok(Datum::text(pattern::int_to_char(i8(a, 0)?, txt(a, 1)?)?))
    })
    .stable(),
    f(1775, "to_char", "float4 text", "text", |_, a| {
        Ok(Datum::text(pattern::float_to_char(f4(a, 0)?.into(), txt(a, 1)?)?))
    })
    .stable(),
    f(1776, "to_char", "float8 text", "text", |_, a| {
        Ok(Datum::text(pattern::float_to_char(f8(a, 0)?, txt(a, 1)?)?))
    })
    .stable(),
    f(1777, "to_number", "text text", "numeric", |_, a| {
        Ok(Datum::Numeric(pattern::to_number(txt(a, 0)?, txt(a, 1)?)?))
    })
    .stable(),
    f(1780, "to_date", "text text", "date", |_, a| {
        Ok(Datum::Date(pattern::to_date(txt(a, 0)?, txt(a, 1)?)?))
    })
    .stable(),
    f(1778, "to_timestamp", "text text", "timestamptz", |context, a| {
        let format = &context.session.format;
        Ok(Datum::Timestamptz(pattern::to_timestamp(txt(a, 0)?, txt(a, 1)?, format)?))
    })
    .stable(),
];
