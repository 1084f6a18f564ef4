//! `generate_series` and `generate_subscripts`.

use super::super::SetRows;
use super::super::args::{array, boolean, i4, i8, num, span, ts, tstz};
use super::super::row::{SetRow, srf};
use super::nothing;
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::types::datetime::{self, TimeZone};
use crate::types::{Datum, Interval, Numeric};

pub(super) const FUNCTIONS: &[SetRow] = &[
    srf(1067, "generate_series", "int4 int4", "generate_series int4", |_, a| ints(a, Datum::Int4)),
    srf(1066, "generate_series", "int4 int4 int4", "generate_series int4", |_, a| {
        ints(a, Datum::Int4)
    }),
    srf(1069, "generate_series", "int8 int8", "generate_series int8", |_, a| bigints(a)),
    srf(1068, "generate_series", "int8 int8 int8", "generate_series int8", |_, a| bigints(a)),
    srf(3260, "generate_series", "numeric numeric", "generate_series numeric", |_, a| numerics(a)),
    srf(3259, "generate_series", "numeric numeric numeric", "generate_series numeric", |_, a| {
        numerics(a)
    }),
    srf(
        938,
        "generate_series",
        "timestamp timestamp interval",
        "generate_series timestamp",
        |_, a| timestamps(a),
    ),
    srf(
        939,
        "generate_series",
        "timestamptz timestamptz interval",
        "generate_series timestamptz",
        |context, a| timestamptzs(context, a),
    ),
    srf(1192, "generate_subscripts", "anyarray int4", "generate_subscripts int4", |_, a| {
        subscripts(a)
    }),
    srf(1191, "generate_subscripts", "anyarray int4 bool", "generate_subscripts int4", |_, a| {
        subscripts(a)
    }),
];

fn any_null(a: &[Datum]) -> bool {
    a.iter().any(Datum::is_null)
}

fn zero_step() -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, "step size cannot equal zero")
}

/// From start to stop by step; ends, too, where the next value would overflow.
fn counted(start: i64, stop: i64, step: i64) -> impl Iterator<Item = i64> + Send {
    let mut next = Some(start);
    std::iter::from_fn(move || {
        let value = next.filter(|v| if step > 0 { *v <= stop } else { *v >= stop })?;
        next = value.checked_add(step);
        Some(value)
    })
}

fn ints(a: &[Datum], datum: fn(i32) -> Datum) -> Result<SetRows> {
    if any_null(a) {
        return Ok(nothing());
    }
    let step = if a.len() > 2 { i4(a, 2)? } else { 1 };
    if step == 0 {
        return Err(zero_step());
    }
    let values = counted(i4(a, 0)?.into(), i4(a, 1)?.into(), step.into());
    Ok(Box::new(values.map_while(move |v| Some(Ok(vec![datum(i32::try_from(v).ok()?)])))))
}

fn bigints(a: &[Datum]) -> Result<SetRows> {
    if any_null(a) {
        return Ok(nothing());
    }
    let step = if a.len() > 2 { i8(a, 2)? } else { 1 };
    if step == 0 {
        return Err(zero_step());
    }
    Ok(Box::new(counted(i8(a, 0)?, i8(a, 1)?, step).map(|v| Ok(vec![Datum::Int8(v)]))))
}

fn numerics(a: &[Datum]) -> Result<SetRows> {
    if any_null(a) {
        return Ok(nothing());
    }
    let (start, stop) = (num(a, 0)?.clone(), num(a, 1)?.clone());
    let step = if a.len() > 2 { num(a, 2)?.clone() } else { Numeric::from_i64(1) };
    for (value, name) in [(&start, "start value"), (&stop, "stop value"), (&step, "step size")] {
        if value.parts().is_none() {
            let what = if value.is_nan() { "NaN" } else { "infinity" };
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("{name} cannot be {what}"),
            ));
        }
    }
    if step.is_zero() {
        return Err(zero_step());
    }
    let mut next = Some(start);
    Ok(Box::new(std::iter::from_fn(move || {
        let value = next.take()?;
        let order = value.compare(&stop);
        if if step.is_negative() { order.is_lt() } else { order.is_gt() } {
            return None;
        }
        match value.add(&step) {
            Ok(following) => next = Some(following),
            Err(e) => return Some(Err(e)),
        }
        Some(Ok(vec![Datum::Numeric(value)]))
    })))
}

/// Which way a series goes; a step of no length goes nowhere.
fn is_backward(step: &Interval) -> Result<bool> {
    match step.compare(&Interval::default()) {
        std::cmp::Ordering::Equal => Err(zero_step()),
        order => Ok(order.is_lt()),
    }
}

/// Moments from start to stop, each the one before plus the step.
fn moments(
    start: i64,
    stop: i64,
    backward: bool,
    add: impl Fn(i64) -> Result<i64> + Send + 'static,
    datum: fn(i64) -> Datum,
) -> SetRows {
    let mut next = Some(start);
    Box::new(std::iter::from_fn(move || {
        let value = next.take().filter(|v| if backward { *v >= stop } else { *v <= stop })?;
        match add(value) {
            // At an infinity the series stands still, which PostgreSQL lets run for ever.
            Ok(following) if following == value => {}
            Ok(following) => next = Some(following),
            Err(e) => return Some(Err(e)),
        }
        Some(Ok(vec![datum(value)]))
    }))
}

fn timestamps(a: &[Datum]) -> Result<SetRows> {
    if any_null(a) {
        return Ok(nothing());
    }
    let step = span(a, 2)?;
    let backward = is_backward(&step)?;
    let add = move |at| datetime::timestamp_plus_interval(at, step);
    Ok(moments(ts(a, 0)?, ts(a, 1)?, backward, add, Datum::Timestamp))
}

fn timestamptzs(context: &EvalContext<'_>, a: &[Datum]) -> Result<SetRows> {
    if any_null(a) {
        return Ok(nothing());
    }
    let step = span(a, 2)?;
    let backward = is_backward(&step)?;
    let zone: TimeZone = context.session.format.time_zone;
    let add = move |at| datetime::timestamptz_plus_interval(at, step, &zone);
    Ok(moments(tstz(a, 0)?, tstz(a, 1)?, backward, add, Datum::Timestamptz))
}

fn subscripts(a: &[Datum]) -> Result<SetRows> {
    if any_null(a) {
        return Ok(nothing());
    }
    let dimension = usize::try_from(i4(a, 1)?).ok().and_then(|d| d.checked_sub(1));
    let reverse = a.len() > 2 && boolean(a, 2)?;
    let Some((length, lower)) = dimension.and_then(|d| array(a, 0).ok()?.dimensions.get(d)) else {
        return Ok(nothing());
    };
    let first = i64::from(*lower);
    let last = first + i64::try_from(*length).unwrap_or(0) - 1;
    let (first, last, step) = if reverse { (last, first, -1) } else { (first, last, 1) };
    let values = counted(first, last, step);
    Ok(Box::new(values.map_while(|v| Some(Ok(vec![Datum::Int4(i32::try_from(v).ok()?)])))))
}
