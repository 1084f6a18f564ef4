//! Making `json` and `jsonb` of SQL values.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::args::{any, array, boolean};
use super::json_access::json_datum;
use super::jsonb_edit::made;
use super::row::{Row, f, t, typed};
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::types::session::{DateStyle, SessionFormat};
use crate::types::{Array, Datum, Type, json as syntax, text};

pub(super) const FUNCTIONS: &[Row] = &[
    t(3176, "to_json", "anyelement", "json", typed!(to_json)).stable(),
    t(3787, "to_jsonb", "anyelement", "jsonb", typed!(to_jsonb)).stable(),
    f(3155, "row_to_json", "record", "json", to_json_lines).stable(),
    f(3156, "row_to_json", "record bool", "json", to_json_lines).stable(),
    f(3153, "array_to_json", "anyarray", "json", to_json_lines).stable(),
    f(3154, "array_to_json", "anyarray bool", "json", to_json_lines).stable(),
    t(3198, "json_build_array", "any*", "json", typed!(json_build_array)).stable().lax(),
    f(3199, "json_build_array", "", "json", |_, _| Ok(json_datum("[]"))).stable().lax(),
    t(3200, "json_build_object", "any*", "json", typed!(json_build_object)).stable().lax(),
    f(3201, "json_build_object", "", "json", |_, _| Ok(json_datum("{}"))).stable().lax(),
    t(3271, "jsonb_build_array", "any*", "jsonb", typed!(jsonb_build_array)).stable().lax(),
    f(3272, "jsonb_build_array", "", "jsonb", |_, _| Ok(made(Value::Array(vec![])))).stable().lax(),
    t(3273, "jsonb_build_object", "any*", "jsonb", typed!(jsonb_build_object)).stable().lax(),
    f(3274, "jsonb_build_object", "", "jsonb", |_, _| Ok(made(Value::Object(Map::new()))))
        .stable()
        .lax(),
    f(3202, "json_object", "_text", "json", |_, a| Ok(json_object(&pairs(array(a, 0)?)?))),
    f(3203, "json_object", "_text _text", "json", |_, a| {
        Ok(json_object(&zipped(array(a, 0)?, array(a, 1)?)?))
    }),
    f(3263, "jsonb_object", "_text", "jsonb", |_, a| Ok(jsonb_object(&pairs(array(a, 0)?)?))),
    f(3264, "jsonb_object", "_text _text", "jsonb", |_, a| {
        Ok(jsonb_object(&zipped(array(a, 0)?, array(a, 1)?)?))
    }),
];

fn invalid(message: impl Into<String>) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

/// A value as JSON text. `lines` puts the parts of an array or row on lines of their own.
pub(super) fn write_json(
    value: &Datum,
    ty: &Type,
    format: &SessionFormat,
    lines: bool,
    out: &mut String,
) {
    let separator = if lines { ",\n " } else { "," };
    match value {
        Datum::Null => out.push_str("null"),
        Datum::Bool(true) => out.push_str("true"),
        Datum::Bool(false) => out.push_str("false"),
        Datum::Json(text) => out.push_str(text),
        Datum::Jsonb(value) => syntax::write(value, out),
        Datum::Array(array) if array.dimensions.is_empty() => out.push_str("[]"),
        Datum::Array(array) => write_dimension(array, 0, 0, format, separator, out),
        Datum::Record(fields) => {
            out.push('{');
            for (i, field) in fields.iter().enumerate() {
                if i > 0 {
                    out.push_str(separator);
                }
                out.push_str(&format!("\"f{}\":", i + 1));
                write_json(field, &field.shown_type(), format, false, out);
            }
            out.push('}');
        }
        Datum::Int2(_)
        | Datum::Int4(_)
        | Datum::Int8(_)
        | Datum::Float4(_)
        | Datum::Float8(_)
        | Datum::Numeric(_) => {
            let text = plain(value, ty, format);
            // The names of NaN and the infinities are not JSON.
            match text.ends_with(|c: char| c.is_ascii_digit()) {
                true => out.push_str(&text),
                false => syntax::write_string(&text, out),
            }
        }
        _ => syntax::write_string(&plain(value, ty, format), out),
    }
}

/// One dimension of an array, from element `start` on.
fn write_dimension(
    array: &Array,
    dimension: usize,
    start: usize,
    format: &SessionFormat,
    separator: &str,
    out: &mut String,
) {
    let Some((length, _)) = array.dimensions.get(dimension) else { return };
    let below: usize = array.dimensions.iter().skip(dimension + 1).map(|(n, _)| *n).product();
    out.push('[');
    for i in 0..*length {
        if i > 0 {
            out.push_str(separator);
        }
        let at = start + i * below;
        match array.items.get(at) {
            Some(item) if dimension + 1 == array.dimensions.len() => {
                write_json(item, &array.element, format, false, out);
            }
            _ => write_dimension(array, dimension + 1, at, format, ",", out),
        }
    }
    out.push(']');
}

/// The text of a scalar: dates and times as ISO 8601 and XML Schema have them, the rest as always.
fn plain(value: &Datum, ty: &Type, format: &SessionFormat) -> String {
    match value {
        Datum::Bool(value) => value.to_string(),
        Datum::Date(_) | Datum::Timestamp(_) | Datum::Timestamptz(_) => {
            let iso = SessionFormat { date_style: DateStyle::Iso, ..format.clone() };
            let text = text::to_string(value, ty, &iso);
            match (value, text.split_once(' ')) {
                (Datum::Date(_), _) | (_, None) => text,
                (_, Some((date, rest))) => {
                    let (time, era) = match rest.split_once(' ') {
                        Some((time, era)) => (time, format!(" {era}")),
                        None => (rest, String::new()),
                    };
                    // A zone of whole hours still shows its minutes.
                    let zone = time.rfind(['+', '-']).map(|at| time.len() - at);
                    let minutes = if zone == Some(3) { ":00" } else { "" };
                    format!("{date}T{time}{minutes}{era}")
                }
            }
        }
        _ => text::to_string(value, ty, format),
    }
}

/// The text of an object's key.
pub(super) fn key_text(value: &Datum, ty: &Type, format: &SessionFormat) -> Result<String> {
    match value {
        Datum::Array(_) | Datum::Record(_) | Datum::Json(_) | Datum::Jsonb(_) => {
            Err(invalid("key value must be scalar, not array, composite, or json"))
        }
        scalar => Ok(plain(scalar, ty, format)),
    }
}

/// A value as parsed JSON.
pub(super) fn to_value(value: &Datum, ty: &Type, format: &SessionFormat) -> Result<Value> {
    Ok(match value {
        Datum::Null => Value::Null,
        Datum::Bool(value) => Value::Bool(*value),
        Datum::Jsonb(value) => (**value).clone(),
        Datum::Text(text) => Value::String(text.to_string()),
        other => {
            let mut text = String::new();
            write_json(other, ty, format, false, &mut text);
            syntax::parse(&text)?
        }
    })
}

fn type_at(types: &[Type], a: &[Datum], i: usize) -> Type {
    types.get(i).cloned().unwrap_or_else(|| a.get(i).map_or(Type::Unknown, Datum::shown_type))
}

fn to_json(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    let mut out = String::new();
    let format = &context.session.format;
    write_json(any(a, 0)?, &type_at(types, a, 0), format, false, &mut out);
    Ok(json_datum(out))
}

fn to_jsonb(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    Ok(made(to_value(any(a, 0)?, &type_at(types, a, 0), &context.session.format)?))
}

/// A row or an array, with line breaks if the second argument says so.
fn to_json_lines(context: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    let lines = a.len() > 1 && boolean(a, 1)?;
    let value = any(a, 0)?;
    let mut out = String::new();
    write_json(value, &value.shown_type(), &context.session.format, lines, &mut out);
    Ok(json_datum(out))
}

fn json_build_array(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    let mut out = String::from("[");
    for (i, value) in a.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_json(value, &type_at(types, a, i), &context.session.format, false, &mut out);
    }
    out.push(']');
    Ok(json_datum(out))
}

fn jsonb_build_array(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    let format = &context.session.format;
    let items = a.iter().enumerate().map(|(i, v)| to_value(v, &type_at(types, a, i), format));
    Ok(made(Value::Array(items.collect::<Result<_>>()?)))
}

fn odd(function: &str) -> Error {
    invalid("argument list must have even number of elements").with_hint(format!(
        "The arguments of {function}() must consist of alternating keys and values."
    ))
}

fn json_build_object(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    if !a.len().is_multiple_of(2) {
        return Err(odd("json_build_object"));
    }
    let format = &context.session.format;
    let mut out = String::from("{");
    for (i, pair) in a.chunks_exact(2).enumerate() {
        let [key, value] = pair else { continue };
        if i > 0 {
            out.push_str(", ");
        }
        if key.is_null() {
            return Err(invalid(format!("argument {} cannot be null", 2 * i + 1))
                .with_hint("Object keys should be text."));
        }
        syntax::write_string(&key_text(key, &type_at(types, a, 2 * i), format)?, &mut out);
        out.push_str(" : ");
        write_json(value, &type_at(types, a, 2 * i + 1), format, false, &mut out);
    }
    out.push('}');
    Ok(json_datum(out))
}

fn jsonb_build_object(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    if !a.len().is_multiple_of(2) {
        return Err(odd("jsonb_build_object"));
    }
    let format = &context.session.format;
    let mut members = Map::new();
    for (i, pair) in a.chunks_exact(2).enumerate() {
        let [key, value] = pair else { continue };
        if key.is_null() {
            return Err(invalid(format!("argument {}: key must not be null", 2 * i + 1)));
        }
        members.insert(
            key_text(key, &type_at(types, a, 2 * i), format)?,
            to_value(value, &type_at(types, a, 2 * i + 1), format)?,
        );
    }
    Ok(made(Value::Object(members)))
}

type Pairs<'a> = Vec<(&'a str, Option<&'a str>)>;

fn pair<'a>(key: &'a Datum, value: &'a Datum) -> Result<(&'a str, Option<&'a str>)> {
    let Datum::Text(key) = key else {
        return Err(Error::new(
            sqlstate::NULL_VALUE_NOT_ALLOWED,
            "null value not allowed for object key",
        ));
    };
    Ok((
        key,
        match value {
            Datum::Text(value) => Some(value),
            _ => None,
        },
    ))
}

fn subscript_error(message: &str) -> Error {
    Error::new(sqlstate::ARRAY_SUBSCRIPT_ERROR, message.to_string())
}

/// Keys and values from one array: alternating, or in rows of two.
fn pairs(array: &Arc<Array>) -> Result<Pairs<'_>> {
    match array.dimensions.as_slice() {
        [] => return Ok(vec![]),
        [(n, _)] if n % 2 != 0 => {
            return Err(subscript_error("array must have even number of elements"));
        }
        [_] | [_, (2, _)] => {}
        [_, _] => return Err(subscript_error("array must have two columns")),
        _ => return Err(subscript_error("wrong number of array subscripts")),
    }
    let pairs = array.items.chunks_exact(2).filter_map(|p| Some((p.first()?, p.get(1)?)));
    pairs.map(|(key, value)| pair(key, value)).collect()
}

/// Keys from one array and values from another.
fn zipped<'a>(keys: &'a Arc<Array>, values: &'a Arc<Array>) -> Result<Pairs<'a>> {
    if keys.dimensions.len() > 1 || values.dimensions.len() != keys.dimensions.len() {
        return Err(subscript_error("wrong number of array subscripts"));
    }
    if keys.items.len() != values.items.len() {
        return Err(subscript_error("mismatched array dimensions"));
    }
    keys.items.iter().zip(&values.items).map(|(key, value)| pair(key, value)).collect()
}

fn json_object(pairs: &Pairs<'_>) -> Datum {
    let mut out = String::from("{");
    for (i, (key, value)) in pairs.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        syntax::write_string(key, &mut out);
        out.push_str(" : ");
        match value {
            Some(value) => syntax::write_string(value, &mut out),
            None => out.push_str("null"),
        }
    }
    out.push('}');
    json_datum(out)
}

fn jsonb_object(pairs: &Pairs<'_>) -> Datum {
    let value = |value: &Option<&str>| value.map_or(Value::Null, |v| Value::String(v.to_string()));
    let members = pairs.iter().map(|(key, v)| (key.to_string(), value(v)));
    made(Value::Object(members.collect()))
}
