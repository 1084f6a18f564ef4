//! Casts: which are allowed where (`pg_cast`), and what they do.

use std::sync::Arc;

use super::session::SessionFormat;
use super::{ColumnType, Datum, Numeric, Type, datetime, json, text};
use crate::error::{Error, Result, sqlstate};

/// Where a cast may happen; a wider context includes the narrower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    /// Anywhere.
    Implicit,
    /// Storing into a column.
    Assignment,
    /// Only written out.
    Explicit,
}

fn is_string(ty: &Type) -> bool {
    matches!(ty, Type::Text | Type::Varchar | Type::Bpchar | Type::Name)
}

/// Place in the chain of numeric types along which casts are implicit.
fn numeric_rank(ty: &Type) -> Option<u8> {
    Some(match ty {
        Type::Int2 => 0,
        Type::Int4 => 1,
        Type::Int8 => 2,
        Type::Numeric => 3,
        Type::Float4 => 4,
        Type::Float8 => 5,
        _ => return None,
    })
}

fn is_oid_like(ty: &Type) -> bool {
    matches!(ty, Type::Oid | Type::Regclass | Type::Regtype | Type::Regproc | Type::Regnamespace)
}

/// The narrowest context in which `from` becomes `to`; `None` if never.
pub fn cast_context(from: &Type, to: &Type) -> Option<CastContext> {
    use CastContext::{Assignment, Explicit, Implicit};
    if from == to || *from == Type::Unknown {
        return Some(Implicit);
    }
    if let (Some(a), Some(b)) = (numeric_rank(from), numeric_rank(to)) {
        return Some(if a < b { Implicit } else { Assignment });
    }
    Some(match (from, to) {
        (f, t) if is_string(f) && is_string(t) => {
            // Cutting to a name, and padding to char, only when stored.
            if *t == Type::Name && *f == Type::Bpchar { Assignment } else { Implicit }
        }
        (Type::Int2 | Type::Int4 | Type::Int8, t) if is_oid_like(t) => Implicit,
        (f, Type::Int4 | Type::Int8) if is_oid_like(f) => Assignment,
        (f, t) if is_oid_like(f) && is_oid_like(t) => Implicit,
        (Type::Text | Type::Varchar, Type::Regclass) => Implicit,
        (Type::Int4, Type::Bool) | (Type::Bool, Type::Int4) => Explicit,
        (Type::Date, Type::Timestamp | Type::Timestamptz)
        | (Type::Timestamp, Type::Timestamptz)
        | (Type::Time, Type::Timetz | Type::Interval) => Implicit,
        (Type::Timestamp, Type::Date | Type::Time)
        | (Type::Timestamptz, Type::Timestamp | Type::Date | Type::Time | Type::Timetz)
        | (Type::Timetz, Type::Time)
        | (Type::Interval, Type::Time)
        | (Type::Json, Type::Jsonb)
        | (Type::Jsonb, Type::Json) => Assignment,
        (Type::Jsonb, Type::Bool | Type::Numeric) => Explicit,
        (Type::Jsonb, t) if numeric_rank(t).is_some() => Explicit,
        (Type::Array(a), Type::Array(b)) => return cast_context(a, b),
        (Type::Int2Vector, Type::Array(b)) if **b == Type::Int2 => Implicit,
        (Type::OidVector, Type::Array(b)) if **b == Type::Oid => Implicit,
        // Everything has a text form; reading one back must be asked for.
        (_, t) if is_string(t) => Assignment,
        (f, _) if is_string(f) => Explicit,
        _ => return None,
    })
}

fn out_of_range(ty: &Type) -> Error {
    Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, format!("{ty} out of range"))
}

/// A whole number as another integer type.
fn narrow(value: i64, to: &Type) -> Result<Datum> {
    let fail = |_| out_of_range(to);
    Ok(match to {
        Type::Int2 => Datum::Int2(i16::try_from(value).map_err(fail)?),
        Type::Int4 => Datum::Int4(i32::try_from(value).map_err(fail)?),
        _ => Datum::Int8(value),
    })
}

/// A float as an integer, rounded half to even.
fn round_float(value: f64, to: &Type) -> Result<Datum> {
    let rounded = value.round_ties_even();
    // -2^63 is exact as a float, 2^63 is the first that does not fit.
    if rounded.is_nan()
        || !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded)
    {
        return Err(out_of_range(to));
    }
    narrow(rounded as i64, to)
}

/// The integer inside any integer datum.
fn whole(value: &Datum) -> Option<i64> {
    match value {
        Datum::Int2(v) => Some(i64::from(*v)),
        Datum::Int4(v) => Some(i64::from(*v)),
        Datum::Int8(v) => Some(*v),
        Datum::Oid(v) => Some(i64::from(*v)),
        _ => None,
    }
}

fn to_number(value: &Datum, to: &Type) -> Result<Option<Datum>> {
    let float = match value {
        Datum::Float4(v) => Some(f64::from(*v)),
        Datum::Float8(v) => Some(*v),
        _ => None,
    };
    Ok(Some(match to {
        Type::Int2 | Type::Int4 | Type::Int8 => match (whole(value), float, value) {
            (Some(v), ..) => narrow(v, to)?,
            (_, Some(v), _) => round_float(v, to)?,
            (.., Datum::Numeric(n)) => match to {
                Type::Int2 => Datum::Int2(n.to_i16()?),
                Type::Int4 => Datum::Int4(n.to_i32()?),
                _ => Datum::Int8(n.to_i64()?),
            },
            (.., Datum::Bool(b)) => narrow(i64::from(*b), to)?,
            _ => return Ok(None),
        },
        Type::Numeric => match (whole(value), value) {
            (Some(v), _) => Datum::Numeric(Numeric::from_i64(v)),
            (_, Datum::Float4(v)) => Datum::Numeric(Numeric::from_f32(*v)),
            (_, Datum::Float8(v)) => Datum::Numeric(Numeric::from_f64(*v)),
            (_, Datum::Numeric(n)) => Datum::Numeric(n.clone()),
            _ => return Ok(None),
        },
        Type::Float8 => match (whole(value), float, value) {
            (Some(v), ..) => Datum::Float8(v as f64),
            (_, Some(v), _) => Datum::Float8(v),
            (.., Datum::Numeric(n)) => Datum::Float8(n.to_f64()?),
            _ => return Ok(None),
        },
        Type::Float4 => match (whole(value), float, value) {
            (Some(v), ..) => Datum::Float4(v as f32),
            (_, Some(v), _) => {
                let narrow = v as f32;
                if narrow.is_infinite() && v.is_finite() || narrow == 0.0 && v != 0.0 {
                    return Err(Error::new(
                        sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
                        if v.abs() < 1.0 {
                            "value out of range: underflow"
                        } else {
                            "value out of range: overflow"
                        },
                    ));
                }
                Datum::Float4(narrow)
            }
            (.., Datum::Numeric(n)) => Datum::Float4(n.to_f32()?),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    }))
}

/// A jsonb scalar as the SQL value that it holds.
fn from_jsonb(value: &serde_json::Value, to: &Type, format: &SessionFormat) -> Result<Datum> {
    match (value, to) {
        (serde_json::Value::Bool(b), Type::Bool) => Ok(Datum::Bool(*b)),
        (serde_json::Value::Number(n), t) if numeric_rank(t).is_some() => {
            let number = Datum::Numeric(Numeric::parse(&n.to_string())?);
            cast(
                &number,
                &Type::Numeric,
                &ColumnType::plain(t.clone()),
                CastContext::Explicit,
                format,
            )
        }
        (other, _) => {
            let kind = match other {
                serde_json::Value::Null => "null",
                serde_json::Value::Bool(_) => "boolean",
                serde_json::Value::Number(_) => "numeric",
                serde_json::Value::String(_) => "string",
                serde_json::Value::Array(_) => "array",
                serde_json::Value::Object(_) => "object",
            };
            Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("cannot cast jsonb {kind} to type {to}"),
            ))
        }
    }
}

/// Converts a value.
pub fn cast(
    value: &Datum,
    from: &Type,
    to: &ColumnType,
    context: CastContext,
    format: &SessionFormat,
) -> Result<Datum> {
    if value.is_null() {
        return Ok(Datum::Null);
    }
    let zone = &format.time_zone;
    let converted = match (value, &to.ty) {
        _ if *from == to.ty => value.clone(),
        (Datum::Text(s), t) if is_string(from) && is_string(t) => {
            // char(n) loses its padding on the way out.
            let s = if *from == Type::Bpchar { s.trim_end_matches(' ') } else { s };
            text::parse(t, s, format)?
        }
        (Datum::Int4(v), Type::Bool) => Datum::Bool(*v != 0),
        (Datum::Oid(v), t) if is_oid_like(t) => Datum::Oid(*v),
        (v, t) if is_oid_like(t) && whole(v).is_some() => Datum::Oid(
            whole(v)
                .and_then(|v| {
                    u32::try_from(v).ok().or_else(|| i32::try_from(v).ok().map(|v| v as u32))
                })
                .ok_or_else(|| out_of_range(&Type::Oid))?,
        ),
        (Datum::Date(d), Type::Timestamp) => Datum::Timestamp(datetime::date_to_timestamp(*d)?),
        (Datum::Date(d), Type::Timestamptz) => {
            Datum::Timestamptz(datetime::date_to_timestamptz(*d, zone)?)
        }
        (Datum::Timestamp(t), Type::Timestamptz) => {
            Datum::Timestamptz(datetime::timestamp_to_timestamptz(*t, zone)?)
        }
        (Datum::Timestamp(t), Type::Date) => Datum::Date(datetime::timestamp_to_date(*t)?),
        (Datum::Timestamp(t), Type::Time) => {
            datetime::timestamp_to_time(*t).map(Datum::Time).into()
        }
        (Datum::Timestamptz(t), Type::Timestamp | Type::Date | Type::Time | Type::Timetz) => {
            let local = datetime::timestamptz_to_timestamp(*t, zone)?;
            match to.ty {
                Type::Timestamp => Datum::Timestamp(local),
                Type::Date => Datum::Date(datetime::timestamp_to_date(local)?),
                Type::Time => datetime::timestamp_to_time(local).map(Datum::Time).into(),
                _ => datetime::timestamp_to_time(local)
                    .map(|time| Datum::Timetz(time, -zone.offset_at(*t)))
                    .into(),
            }
        }
        (Datum::Time(t), Type::Timetz) => Datum::Timetz(*t, -zone.offset_at(format.now)),
        (Datum::Time(t), Type::Interval) => {
            Datum::Interval(super::Interval { micros: *t, ..Default::default() })
        }
        (Datum::Timetz(t, _), Type::Time) => Datum::Time(*t),
        (Datum::Interval(i), Type::Time) => Datum::Time(datetime::time_plus_interval(0, *i)),
        (Datum::Json(s), Type::Jsonb) => Datum::Jsonb(Arc::new(json::parse(s)?)),
        (Datum::Jsonb(v), Type::Json) => {
            let mut out = String::new();
            json::write(v, &mut out);
            Datum::Json(Arc::from(out))
        }
        (Datum::Jsonb(v), t) if *t == Type::Bool || numeric_rank(t).is_some() => {
            from_jsonb(v, t, format)?
        }
        (Datum::Array(array), Type::Array(element)) => {
            let target = ColumnType { ty: (**element).clone(), modifier: to.modifier };
            let items = array
                .items
                .iter()
                .map(|item| cast(item, &array.element, &target, context, format))
                .collect::<Result<_>>()?;
            Datum::Array(Arc::new(super::Array {
                element: (**element).clone(),
                dimensions: array.dimensions.clone(),
                items,
            }))
        }
        (v, t) => match to_number(v, t)? {
            Some(number) => number,
            None if is_string(t) => {
                let shown = match v {
                    Datum::Bool(b) => if *b { "true" } else { "false" }.to_owned(),
                    other => text::to_string(other, from, format),
                };
                Datum::text(shown)
            }
            None => match v {
                Datum::Text(s) => text::parse(t, s, format)?,
                _ => {
                    return Err(Error::new(
                        sqlstate::CANNOT_COERCE,
                        format!("cannot cast type {from} to {}", to.ty),
                    ));
                }
            },
        },
    };
    // An array's elements already have the modifier.
    if matches!(to.ty, Type::Array(_)) {
        Ok(converted)
    } else {
        apply_modifier(&converted, to, context)
    }
}

/// Applies a modifier to a value already of the type (`varchar(n)`, `numeric(p,s)`, `timestamp(p)`).
pub fn apply_modifier(value: &Datum, to: &ColumnType, context: CastContext) -> Result<Datum> {
    let modifier = to.modifier;
    if modifier < 0 {
        return Ok(value.clone());
    }
    let round = |micros: i64| {
        if !(0..6).contains(&modifier) || micros == i64::MAX || micros == i64::MIN {
            return micros;
        }
        let unit = 10i64.pow(6 - modifier as u32);
        micros.saturating_add(unit / 2).div_euclid(unit).saturating_mul(unit)
    };
    Ok(match (value, &to.ty) {
        (Datum::Numeric(n), Type::Numeric) => Datum::Numeric(n.apply_modifier(modifier)?),
        (Datum::Text(s), Type::Varchar | Type::Bpchar) => limit_length(s, to, context)?,
        (Datum::Time(t), _) => Datum::Time(round(*t)),
        (Datum::Timetz(t, zone), _) => Datum::Timetz(round(*t), *zone),
        (Datum::Timestamp(t), _) => Datum::Timestamp(round(*t)),
        (Datum::Timestamptz(t), _) => Datum::Timestamptz(round(*t)),
        (Datum::Interval(i), _) => Datum::Interval(i.apply_modifier(modifier)?),
        _ => value.clone(),
    })
}

/// `varchar(n)` and `char(n)`: too long is cut when asked for, an error when stored, unless only
/// blanks would be lost.
fn limit_length(s: &Arc<str>, to: &ColumnType, context: CastContext) -> Result<Datum> {
    let limit = usize::try_from(to.modifier - 4).unwrap_or(0);
    let length = s.chars().count();
    if length > limit {
        let end = s.char_indices().nth(limit).map_or(s.len(), |(at, _)| at);
        if context != CastContext::Explicit && s[end..].chars().any(|c| c != ' ') {
            return Err(Error::new(
                sqlstate::STRING_DATA_RIGHT_TRUNCATION,
                format!("value too long for type {to}"),
            ));
        }
        return Ok(Datum::text(&s[..end]));
    }
    if to.ty == Type::Bpchar && length < limit {
        return Ok(Datum::text(format!("{s}{}", " ".repeat(limit - length))));
    }
    Ok(Datum::Text(s.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(
        value: Datum,
        from: Type,
        to: Type,
        modifier: i32,
        context: CastContext,
    ) -> Result<String> {
        let format = SessionFormat::default();
        let target = ColumnType { ty: to.clone(), modifier };
        Ok(text::to_string(&cast(&value, &from, &target, context, &format)?, &to, &format))
    }

    /// Expected values are PostgreSQL 15's.
    #[test]
    fn numbers_round_as_postgresql_rounds() {
        use CastContext::Explicit;
        let n = Datum::Numeric(Numeric::parse("2.5").unwrap());
        assert_eq!(run(n, Type::Numeric, Type::Int4, -1, Explicit).unwrap(), "3");
        assert_eq!(run(Datum::Float8(2.5), Type::Float8, Type::Int4, -1, Explicit).unwrap(), "2");
        assert_eq!(
            run(Datum::Float8(0.1), Type::Float8, Type::Numeric, -1, Explicit).unwrap(),
            "0.1"
        );
        let e = run(Datum::Int8(1 << 40), Type::Int8, Type::Int4, -1, Explicit).unwrap_err();
        assert_eq!(e.code(), sqlstate::NUMERIC_VALUE_OUT_OF_RANGE);
        assert_eq!(e.message(), "integer out of range");
        assert_eq!(run(Datum::Bool(true), Type::Bool, Type::Text, -1, Explicit).unwrap(), "true");
    }

    #[test]
    fn lengths_cut_when_asked_and_fail_when_stored() {
        use CastContext::{Assignment, Explicit};
        let s = || Datum::text("abcd");
        assert_eq!(run(s(), Type::Text, Type::Varchar, 7, Explicit).unwrap(), "abc");
        let e = run(s(), Type::Text, Type::Varchar, 7, Assignment).unwrap_err();
        assert_eq!(e.code(), sqlstate::STRING_DATA_RIGHT_TRUNCATION);
        assert_eq!(e.message(), "value too long for type character varying(3)");
        assert_eq!(
            run(Datum::text("ab  "), Type::Text, Type::Varchar, 7, Assignment).unwrap(),
            "ab "
        );
        assert_eq!(
            run(Datum::text("ab"), Type::Text, Type::Bpchar, 8, Assignment).unwrap(),
            "ab  "
        );
    }

    #[test]
    fn contexts_are_those_of_pg_cast() {
        use CastContext::{Assignment, Explicit, Implicit};
        for (from, to, context) in [
            (Type::Int4, Type::Int8, Some(Implicit)),
            (Type::Int8, Type::Int4, Some(Assignment)),
            (Type::Int4, Type::Bool, Some(Explicit)),
            (Type::Int4, Type::Text, Some(Assignment)),
            (Type::Text, Type::Int4, Some(Explicit)),
            (Type::Date, Type::Timestamptz, Some(Implicit)),
            (Type::Bool, Type::Date, None),
            (Type::Varchar, Type::Text, Some(Implicit)),
        ] {
            assert_eq!(cast_context(&from, &to), context, "{from} to {to}");
        }
    }
}
