//! Reading parts of `json` and `jsonb`: `->`, `->>`, `#>`, `#>>` and the functions behind them.

use std::sync::Arc;

use serde_json::Value;

use super::args::{array, i4, json, jsonb, txt};
use super::json_text::{self, Kind};
use super::row::{Row, f};
use super::string_case::count;
use crate::error::{Error, Result, sqlstate};
use crate::types::{Datum, json as syntax};

pub(super) const FUNCTIONS: &[Row] = &[
    f(3947, "json_object_field", "json text", "json", |_, a| {
        Ok(json_text::field(json(a, 0)?, txt(a, 1)?)?.map(json_datum).into())
    }),
    f(3948, "json_object_field_text", "json text", "text", |_, a| {
        json_as_text(json_text::field(json(a, 0)?, txt(a, 1)?)?)
    }),
    f(3949, "json_array_element", "json int4", "json", |_, a| {
        Ok(json_text::element(json(a, 0)?, i4(a, 1)?).map(json_datum).into())
    }),
    f(3950, "json_array_element_text", "json int4", "text", |_, a| {
        json_as_text(json_text::element(json(a, 0)?, i4(a, 1)?))
    }),
    f(3956, "json_array_length", "json", "int4", |_, a| {
        let text = json(a, 0)?;
        match json_text::elements(text) {
            Some(elements) => count(elements.count()),
            None => Err(not_an_array(json_text::kind(text) == Kind::Object)),
        }
    }),
    f(3968, "json_typeof", "json", "text", |_, a| {
        Ok(Datum::text(json_text::kind(json(a, 0)?).name()))
    }),
    f(3478, "jsonb_object_field", "jsonb text", "jsonb", |_, a| {
        Ok(jsonb(a, 0)?.get(&**txt(a, 1)?).map(jsonb_datum).into())
    }),
    f(3214, "jsonb_object_field_text", "jsonb text", "text", |_, a| {
        Ok(jsonb(a, 0)?.get(&**txt(a, 1)?).and_then(jsonb_as_text).map(Datum::text).into())
    }),
    f(3215, "jsonb_array_element", "jsonb int4", "jsonb", |_, a| {
        Ok(top_element(jsonb(a, 0)?, i4(a, 1)?).map(jsonb_datum).into())
    }),
    f(3216, "jsonb_array_element_text", "jsonb int4", "text", |_, a| {
        let element = top_element(jsonb(a, 0)?, i4(a, 1)?);
        Ok(element.and_then(jsonb_as_text).map(Datum::text).into())
    }),
    f(3207, "jsonb_array_length", "jsonb", "int4", |_, a| match &**jsonb(a, 0)? {
        Value::Array(items) => count(items.len()),
        other => Err(not_an_array(other.is_object())),
    }),
    f(3210, "jsonb_typeof", "jsonb", "text", |_, a| {
        Ok(Datum::text(match &**jsonb(a, 0)? {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }))
    }),
    f(3951, "json_extract_path", "json text*", "json", |_, a| {
        Ok(json_path(json(a, 0)?, a.get(1..).unwrap_or(&[]))?.map(json_datum).into())
    }),
    f(3953, "json_extract_path_text", "json text*", "text", |_, a| {
        json_as_text(json_path(json(a, 0)?, a.get(1..).unwrap_or(&[]))?)
    }),
    f(3217, "jsonb_extract_path", "jsonb text*", "jsonb", |_, a| {
        Ok(jsonb_path(jsonb(a, 0)?, a.get(1..).unwrap_or(&[]))?.map(jsonb_datum).into())
    }),
    f(3940, "jsonb_extract_path_text", "jsonb text*", "text", |_, a| {
        let part = jsonb_path(jsonb(a, 0)?, a.get(1..).unwrap_or(&[]))?;
        Ok(part.and_then(jsonb_as_text).map(Datum::text).into())
    }),
];

/// The operators `#>` and `#>>`, which take the path as an array.
pub(super) const PATH_OPERATORS: &[Row] = &[
    f(9001, "json_extract_array_path", "json _text", "json", |_, a| {
        Ok(json_path(json(a, 0)?, &array(a, 1)?.items)?.map(json_datum).into())
    }),
    f(9002, "json_extract_array_path_text", "json _text", "text", |_, a| {
        json_as_text(json_path(json(a, 0)?, &array(a, 1)?.items)?)
    }),
    f(9003, "jsonb_extract_array_path", "jsonb _text", "jsonb", |_, a| {
        Ok(jsonb_path(jsonb(a, 0)?, &array(a, 1)?.items)?.map(jsonb_datum).into())
    }),
    f(9004, "jsonb_extract_array_path_text", "jsonb _text", "text", |_, a| {
        let part = jsonb_path(jsonb(a, 0)?, &array(a, 1)?.items)?;
        Ok(part.and_then(jsonb_as_text).map(Datum::text).into())
    }),
];

/// A `json` value from its text.
pub(super) fn json_datum(text: impl AsRef<str>) -> Datum {
    Datum::Json(Arc::from(text.as_ref()))
}

/// A `jsonb` value.
pub(super) fn jsonb_datum(value: &Value) -> Datum {
    Datum::Jsonb(Arc::new(value.clone()))
}

fn json_as_text(part: Option<&str>) -> Result<Datum> {
    Ok(match part {
        Some(part) => json_text::as_text(part)?.map(Datum::text).into(),
        None => Datum::Null,
    })
}

/// What `->>` gives for a value.
pub(super) fn jsonb_as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => {
            let mut out = String::new();
            syntax::write(other, &mut out);
            Some(out)
        }
    }
}

fn not_an_array(is_object: bool) -> Error {
    let what = if is_object { "non-array" } else { "scalar" };
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, format!("cannot get array length of a {what}"))
}

fn jsonb_element(value: &Value, index: i32) -> Option<&Value> {
    let items = value.as_array()?;
    let index = match usize::try_from(index) {
        Ok(index) => index,
        Err(_) => items.len().checked_sub(index.unsigned_abs() as usize)?,
    };
    items.get(index)
}

/// The same at the top, where a scalar counts as an array of one.
fn top_element(value: &Value, index: i32) -> Option<&Value> {
    match value {
        Value::Array(_) => jsonb_element(value, index),
        Value::Object(_) => None,
        scalar => matches!(index, 0 | -1).then_some(scalar),
    }
}

/// A path element that selects from an array.
fn index(step: &str) -> Option<i32> {
    step.trim_start().parse().ok()
}

fn json_path<'a>(text: &'a str, path: &[Datum]) -> Result<Option<&'a str>> {
    let mut part = text.trim();
    for i in 0..path.len() {
        if path.get(i).is_none_or(Datum::is_null) {
            return Ok(None);
        }
        let step = txt(path, i)?;
        let next = match json_text::kind(part) {
            Kind::Object => json_text::field(part, step)?,
            Kind::Array => index(step).and_then(|i| json_text::element(part, i)),
            _ => None,
        };
        match next {
            Some(next) => part = next,
            None => return Ok(None),
        }
    }
    Ok(Some(part))
}

fn jsonb_path<'a>(value: &'a Value, path: &[Datum]) -> Result<Option<&'a Value>> {
    let mut part = value;
    for i in 0..path.len() {
        if path.get(i).is_none_or(Datum::is_null) {
            return Ok(None);
        }
        let step = txt(path, i)?;
        let next = match part {
            Value::Object(members) => members.get(&**step),
            Value::Array(_) => index(step).and_then(|i| jsonb_element(part, i)),
            _ => None,
        };
        match next {
            Some(next) => part = next,
            None => return Ok(None),
        }
    }
    Ok(Some(part))
}
