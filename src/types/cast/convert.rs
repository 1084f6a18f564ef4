//! The conversions themselves.

use std::sync::Arc;

use serde_json::Value;

use super::{CastContext, cannot_cast, cast};
use crate::error::{Error, Result, sqlstate};
use crate::types::arith::{float_overflow, float_underflow, out_of_range};
use crate::types::datetime::{self, USECS_PER_DAY};
use crate::types::oid::category;
use crate::types::{Array, ColumnType, Datum, Interval, Numeric, SessionFormat, Type, json, text};

/// A value of type `from` as one of type `to`, which is another type; modifiers come later.
pub(super) fn convert(
    value: &Datum,
    from: &Type,
    to: &ColumnType,
    context: CastContext,
    format: &SessionFormat,
) -> Result<Datum> {
    let converted = match (value, &to.ty) {
        (_, Type::Unknown) => Some(value.clone()),
        (Datum::Bool(b), Type::Int4) => Some(Datum::Int4(i32::from(*b))),
        // The output function says only `t` and `f`.
        (Datum::Bool(b), Type::Text | Type::Varchar | Type::Bpchar) => {
            Some(Datum::text(if *b { "true" } else { "false" }))
        }
        (Datum::Int4(n), Type::Bool) => Some(Datum::Bool(*n != 0)),
        (Datum::Int4(n), Type::Char) => {
            let byte = i8::try_from(*n).map_err(|_| out_of_range("\"char\""))?;
            Some(Datum::Char(byte.cast_unsigned()))
        }
        (Datum::Char(b), Type::Int4) => Some(Datum::Int4(i32::from(b.cast_signed()))),
        (Datum::Int2(n), ty) => from_integer(i64::from(*n), ty)?,
        (Datum::Int4(n), ty) => from_integer(i64::from(*n), ty)?,
        (Datum::Int8(n), ty) => from_integer(*n, ty)?,
        (Datum::Oid(n), ty) => from_oid(*n, ty),
        (Datum::Float4(x), ty) => from_float4(*x, ty)?,
        (Datum::Float8(x), ty) => from_float8(*x, ty)?,
        (Datum::Numeric(n), ty) => from_numeric(n, ty)?,
        (Datum::Text(s), ty) => from_text(s, from, ty),
        (Datum::Jsonb(v), ty) => from_jsonb(v, ty)?,
        (Datum::Array(a), Type::Array(element)) => {
            Some(items(a, element, to.modifier, context, format)?)
        }
        (_, ty) => from_datetime(value, ty, format)?,
    };
    match converted {
        Some(converted) => Ok(converted),
        None => by_text(value, from, &to.ty, format),
    }
}

/// By way of the text form, where no function is made for the pair.
fn by_text(value: &Datum, from: &Type, to: &Type, format: &SessionFormat) -> Result<Datum> {
    let json_pair = matches!((from, to), (Type::Json, Type::Jsonb) | (Type::Jsonb, Type::Json));
    let is_string = |ty: &Type| category(ty) == 'S' || *ty == Type::Unknown;
    if let (Datum::Text(s), true) = (value, is_string(from)) {
        return text::parse(to, s, format);
    }
    if is_string(to) || json_pair || *to == Type::Char {
        return text::parse(to, &text::to_string(value, from, format), format);
    }
    Err(cannot_cast(from, to))
}

/// Between strings; `char(n)` loses its blanks on the way to the others.
fn from_text(s: &Arc<str>, from: &Type, to: &Type) -> Option<Datum> {
    let unpadded = |s: &Arc<str>| match from {
        Type::Bpchar if s.ends_with(' ') => Arc::from(s.trim_end_matches(' ')),
        _ => s.clone(),
    };
    match to {
        Type::Text | Type::Varchar => Some(Datum::Text(unpadded(s))),
        Type::Bpchar => Some(Datum::Text(s.clone())),
        Type::Name => Some(Datum::text(text::cut_name(&unpadded(s)))),
        _ => None,
    }
}

fn from_integer(n: i64, to: &Type) -> Result<Option<Datum>> {
    Ok(Some(match to {
        Type::Int2 => Datum::Int2(i16::try_from(n).map_err(|_| out_of_range("smallint"))?),
        Type::Int4 => Datum::Int4(i32::try_from(n).map_err(|_| out_of_range("integer"))?),
        Type::Int8 => Datum::Int8(n),
        Type::Float4 => Datum::Float4(n as f32),
        Type::Float8 => Datum::Float8(n as f64),
        Type::Numeric => Datum::Numeric(Numeric::from_i64(n)),
        Type::Oid
        | Type::Regclass
        | Type::Regtype
        | Type::Regproc
        | Type::Regnamespace
        | Type::Regrole => {
            // A negative int4 is the same four bytes; a wider number must fit.
            let oid =
                u32::try_from(n).ok().or_else(|| i32::try_from(n).ok().map(i32::cast_unsigned));
            Datum::Oid(oid.ok_or_else(|| out_of_range("OID"))?)
        }
        _ => return Ok(None),
    }))
}

fn from_oid(n: u32, to: &Type) -> Option<Datum> {
    match to {
        Type::Int4 => Some(Datum::Int4(n.cast_signed())),
        Type::Int8 => Some(Datum::Int8(i64::from(n))),
        Type::Oid
        | Type::Regclass
        | Type::Regtype
        | Type::Regproc
        | Type::Regnamespace
        | Type::Regrole => Some(Datum::Oid(n)),
        _ => None,
    }
}

/// A float rounded to the nearest integer, ties to even, if it fits.
fn rounded(x: f64, type_name: &str) -> Result<i64> {
    let whole = x.round_ties_even();
    // 2^63 itself is a float but no bigint; NaN fails both comparisons.
    if whole >= -(2f64.powi(63)) && whole < 2f64.powi(63) {
        Ok(whole as i64)
    } else {
        Err(out_of_range(type_name))
    }
}

fn float_to_integer(x: f64, to: &Type) -> Result<Option<Datum>> {
    let name = match to {
        Type::Int2 => "smallint",
        Type::Int4 => "integer",
        Type::Int8 => "bigint",
        _ => return Ok(None),
    };
    from_integer(rounded(x, name)?, to)
}

fn from_float4(x: f32, to: &Type) -> Result<Option<Datum>> {
    match to {
        Type::Float8 => Ok(Some(Datum::Float8(f64::from(x)))),
        Type::Numeric => Ok(Some(Datum::Numeric(Numeric::from_f32(x)))),
        _ => float_to_integer(f64::from(x), to),
    }
}

fn from_float8(x: f64, to: &Type) -> Result<Option<Datum>> {
    match to {
        Type::Float4 => {
            let narrow = x as f32;
            if narrow.is_infinite() && x.is_finite() {
                return Err(float_overflow());
            }
            if narrow == 0.0 && x != 0.0 {
                return Err(float_underflow());
            }
            Ok(Some(Datum::Float4(narrow)))
        }
        Type::Numeric => Ok(Some(Datum::Numeric(Numeric::from_f64(x)))),
        _ => float_to_integer(x, to),
    }
}

fn from_numeric(n: &Numeric, to: &Type) -> Result<Option<Datum>> {
    Ok(Some(match to {
        Type::Int2 => Datum::Int2(n.to_i16()?),
        Type::Int4 => Datum::Int4(n.to_i32()?),
        Type::Int8 => Datum::Int8(n.to_i64()?),
        Type::Float4 => Datum::Float4(n.to_f32()?),
        Type::Float8 => Datum::Float8(n.to_f64()?),
        _ => return Ok(None),
    }))
}

fn from_jsonb(value: &Value, to: &Type) -> Result<Option<Datum>> {
    let wanted = match to {
        Type::Bool => "boolean",
        Type::Numeric => "numeric",
        Type::Int2 => "smallint",
        Type::Int4 => "integer",
        Type::Int8 => "bigint",
        Type::Float4 => "real",
        Type::Float8 => "double precision",
        _ => return Ok(None),
    };
    let found = match value {
        Value::Bool(b) if *to == Type::Bool => return Ok(Some(Datum::Bool(*b))),
        Value::Number(n) if *to != Type::Bool => {
            let number = json::to_numeric(n);
            return match to {
                Type::Numeric => Ok(Some(Datum::Numeric(number))),
                _ => from_numeric(&number, to),
            };
        }
        Value::Null => "null",
        Value::String(_) => "string",
        Value::Number(_) => "numeric",
        Value::Bool(_) => "boolean",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Err(Error::new(
        sqlstate::INVALID_PARAMETER_VALUE,
        format!("cannot cast jsonb {found} to type {wanted}"),
    ))
}

fn from_datetime(value: &Datum, to: &Type, format: &SessionFormat) -> Result<Option<Datum>> {
    let zone = &format.time_zone;
    Ok(Some(match (value, to) {
        (Datum::Date(d), Type::Timestamp) => Datum::Timestamp(datetime::date_to_timestamp(*d)?),
        (Datum::Date(d), Type::Timestamptz) => {
            Datum::Timestamptz(datetime::date_to_timestamptz(*d, zone)?)
        }
        (Datum::Time(t), Type::Interval) => {
            Datum::Interval(Interval { months: 0, days: 0, micros: *t })
        }
        (Datum::Time(t), Type::Timetz) => {
            let today = datetime::timestamptz_to_timestamp(format.now, zone)?;
            let local = today - today.rem_euclid(USECS_PER_DAY) + t;
            Datum::Timetz(*t, -zone.offset_of_local(local))
        }
        (Datum::Timetz(t, _), Type::Time) => Datum::Time(*t),
        (Datum::Interval(i), Type::Time) => Datum::Time(i.micros.rem_euclid(USECS_PER_DAY)),
        (Datum::Timestamp(t), Type::Date) => Datum::Date(datetime::timestamp_to_date(*t)?),
        (Datum::Timestamp(t), Type::Time) => {
            datetime::timestamp_to_time(*t).map(Datum::Time).into()
        }
        (Datum::Timestamp(t), Type::Timestamptz) => {
            Datum::Timestamptz(datetime::timestamp_to_timestamptz(*t, zone)?)
        }
        (Datum::Timestamptz(t), Type::Timestamp) => {
            Datum::Timestamp(datetime::timestamptz_to_timestamp(*t, zone)?)
        }
        (Datum::Timestamptz(t), Type::Date) => {
            let local = datetime::timestamptz_to_timestamp(*t, zone)?;
            Datum::Date(datetime::timestamp_to_date(local)?)
        }
        (Datum::Timestamptz(t), Type::Time | Type::Timetz) => {
            let local = datetime::timestamptz_to_timestamp(*t, zone)?;
            match (datetime::timestamp_to_time(local), to) {
                (None, _) => Datum::Null,
                (Some(time), Type::Time) => Datum::Time(time),
                (Some(time), _) => Datum::Timetz(time, -zone.offset_at(*t)),
            }
        }
        _ => return Ok(None),
    }))
}

/// An array item by item; the shape stays.
fn items(
    array: &Array,
    element: &Type,
    modifier: i32,
    context: CastContext,
    format: &SessionFormat,
) -> Result<Datum> {
    let target = ColumnType { ty: element.clone(), modifier };
    let items = array
        .items
        .iter()
        .map(|item| cast(item, &array.element, &target, context, format))
        .collect::<Result<Vec<_>>>()?;
    let dimensions = if items.is_empty() { Vec::new() } else { array.dimensions.clone() };
    Ok(Datum::Array(Arc::new(Array { element: element.clone(), dimensions, items })))
}
