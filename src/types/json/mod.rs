//! # JSON
//!
//! `json` keeps the text as it was given, once [`validate`] has found it well formed. `jsonb` keeps
//! the value, [`parse`]d: numbers as exact decimals, keys of an object unique (the last one wins)
//! and sorted by length, then bytes, which is PostgreSQL's order and that of its output.
//!
//! Invariants: nesting is bounded by [`NESTING_MAX`] on the way in, so every walk over a value is;
//! a value that came through [`parse`] or [`canonical`] prints as PostgreSQL prints it.
//!
//! What it is not: the operators (`->`, `@>`), which live with the functions of SQL.

mod parse;
mod write;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use serde_json::{Map, Value};

use super::Numeric;
pub use parse::{parse, validate};
pub use write::{write, write_pretty, write_string};

/// Deepest nesting of arrays and objects that is read; deeper is 54001.
pub const NESTING_MAX: usize = 1_000;

/// jsonb's order of two keys: the shorter first, then by bytes.
fn compare_keys(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// An object of pairs in any order; of equal keys the last one stays.
fn object(mut pairs: Vec<(String, Value)>) -> Value {
    pairs.sort_by(|a, b| compare_keys(&a.0, &b.0));
    let mut map = Map::with_capacity(pairs.len());
    for (key, value) in pairs {
        map.insert(key, value);
    }
    Value::Object(map)
}

/// Puts the keys of every object in jsonb's order.
pub fn canonical(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        Value::Object(map) => object(map.into_iter().map(|(k, v)| (k, canonical(v))).collect()),
        Value::Number(n) => parse::number(&n.to_string()).unwrap_or(Value::Number(n)),
        scalar => scalar,
    }
}

/// The rank of a value's kind in jsonb's order.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::String(_) => 1,
        Value::Number(_) => 2,
        Value::Bool(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// A JSON number as an exact decimal.
pub fn to_numeric(number: &serde_json::Number) -> Numeric {
    Numeric::parse(&number.to_string()).unwrap_or(Numeric::NAN)
}

/// jsonb's order: null, strings, numbers, booleans, arrays, objects; arrays and objects first by
/// their length. An empty array at the top sorts before everything, as in PostgreSQL.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Array(items), other) if items.is_empty() && rank(other) < 4 => Ordering::Less,
        (other, Value::Array(items)) if items.is_empty() && rank(other) < 4 => Ordering::Greater,
        _ => compare_inner(a, b),
    }
}

fn compare_inner(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(x), Value::String(y)) => x.cmp(y),
        (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        (Value::Number(x), Value::Number(y)) => match (x.as_i64(), y.as_i64()) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => to_numeric(x).compare(&to_numeric(y)),
        },
        (Value::Array(x), Value::Array(y)) => x.len().cmp(&y.len()).then_with(|| {
            let pairs = x.iter().zip(y);
            pairs.map(|(x, y)| compare_inner(x, y)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        }),
        (Value::Object(x), Value::Object(y)) => x.len().cmp(&y.len()).then_with(|| {
            x.iter()
                .zip(y)
                .map(|((kx, x), (ky, y))| kx.cmp(ky).then_with(|| compare_inner(x, y)))
                .find(|o| o.is_ne())
                .unwrap_or(Ordering::Equal)
        }),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// A hash consistent with [`compare`].
pub fn hash_value<H: Hasher>(value: &Value, state: &mut H) {
    rank(value).hash(state);
    match value {
        Value::Null => {}
        Value::Bool(b) => b.hash(state),
        Value::String(s) => s.hash(state),
        Value::Number(n) => to_numeric(n).hash(state),
        Value::Array(items) => {
            items.len().hash(state);
            items.iter().for_each(|item| hash_value(item, state));
        }
        Value::Object(map) => {
            map.len().hash(state);
            for (key, item) in map {
                key.hash(state);
                hash_value(item, state);
            }
        }
    }
}

#[cfg(test)]
mod tests;
