//! Questions about `jsonb`: `@>`, `<@`, `?`, `?|`, `?&`.

use serde_json::Value;

use super::args::{array, jsonb, txt};
use super::row::{Row, f};
use crate::error::Result;
use crate::types::{Datum, json};

pub(super) const FUNCTIONS: &[Row] = &[
    f(4046, "jsonb_contains", "jsonb jsonb", "bool", |_, a| {
        Ok(Datum::Bool(contains(jsonb(a, 0)?, jsonb(a, 1)?)))
    }),
    f(4050, "jsonb_contained", "jsonb jsonb", "bool", |_, a| {
        Ok(Datum::Bool(contains(jsonb(a, 1)?, jsonb(a, 0)?)))
    }),
    f(4047, "jsonb_exists", "jsonb text", "bool", |_, a| {
        Ok(Datum::Bool(exists(jsonb(a, 0)?, txt(a, 1)?)))
    }),
    f(4048, "jsonb_exists_any", "jsonb _text", "bool", |_, a| {
        let value = jsonb(a, 0)?;
        Ok(Datum::Bool(keys(a)?.any(|key| exists(value, key))))
    }),
    f(4049, "jsonb_exists_all", "jsonb _text", "bool", |_, a| {
        let value = jsonb(a, 0)?;
        Ok(Datum::Bool(keys(a)?.all(|key| exists(value, key))))
    }),
];

/// The keys asked for; NULLs among them are passed over.
fn keys(a: &[Datum]) -> Result<impl Iterator<Item = &str>> {
    Ok(array(a, 1)?.items.iter().filter_map(|key| match key {
        Datum::Text(key) => Some(&**key),
        _ => None,
    }))
}

/// Whether a string is a key of an object, an element of an array, or the value itself.
fn exists(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(members) => members.contains_key(key),
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(key)),
        Value::String(text) => text == key,
        _ => false,
    }
}

fn is_container(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

fn equal(a: &Value, b: &Value) -> bool {
    json::compare(a, b).is_eq()
}

/// `whole @> part`. An array contains a scalar that is one of its elements, but only at the top.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Array(items), part) if !is_container(part) => {
            items.iter().any(|item| !is_container(item) && equal(item, part))
        }
        _ => contains_below(whole, part),
    }
}

/// Containment of values of one kind. The depth is that of the values, which their parser bounds.
fn contains_below(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, part)| whole.get(key).is_some_and(|whole| contains_below(whole, part))),
        (Value::Array(whole), Value::Array(part)) => {
            part.iter().all(|part| whole.iter().any(|whole| contains_below(whole, part)))
        }
        (whole, part) if is_container(whole) || is_container(part) => false,
        (whole, part) => equal(whole, part),
    }
}
