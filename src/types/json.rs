//! json and jsonb: reading, jsonb's canonical text, and its order.
//!
//! jsonb keeps an object's keys sorted by length and then by bytes, the last of equal keys wins,
//! and numbers keep their decimal text.

use std::cmp::Ordering;
use std::hash::Hash;

use serde_json::{Map, Value};

use super::Numeric;
use crate::error::{Error, Result, sqlstate};

/// Parses and checks; 22P02 with a detail that says where.
fn read(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|e| {
        Error::new(sqlstate::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json")
            .with_detail(format!("Line {}, column {} is not valid JSON.", e.line(), e.column()))
    })
}

/// Checks json text (the text itself is the value).
pub fn validate(text: &str) -> Result<()> {
    read(text).map(|_| ())
}

/// Parses jsonb: last duplicate key wins, keys sorted by length then bytes.
pub fn parse(text: &str) -> Result<Value> {
    let value = canonical(read(text)?);
    if holds_zero_character(&value) {
        return Err(Error::new(
            sqlstate::UNTRANSLATABLE_CHARACTER,
            "unsupported Unicode escape sequence",
        )
        .with_detail("\\u0000 cannot be converted to text."));
    }
    Ok(value)
}

fn holds_zero_character(value: &Value) -> bool {
    match value {
        Value::String(s) => s.contains('\0'),
        Value::Array(items) => items.iter().any(holds_zero_character),
        Value::Object(map) => map.iter().any(|(k, v)| k.contains('\0') || holds_zero_character(v)),
        _ => false,
    }
}

/// Puts the keys of every object in jsonb's order.
pub fn canonical(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> =
                map.into_iter().map(|(k, v)| (k, canonical(v))).collect();
            entries.sort_by(|(a, _), (b, _)| key_order(a, b));
            Value::Object(Map::from_iter(entries))
        }
        other => other,
    }
}

fn key_order(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

/// A JSON number as an exact decimal.
fn number(n: &serde_json::Number) -> Numeric {
    Numeric::parse(&n.to_string()).unwrap_or(Numeric::NAN)
}

/// jsonb's canonical text.
pub fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => number(n).write(out),
        Value::String(s) => write_string(s, out),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_string(key, out);
                out.push_str(": ");
                write(item, out);
            }
            out.push('}');
        }
    }
}

/// `jsonb_pretty`: four blanks a level.
pub fn write_pretty(value: &Value, out: &mut String) {
    pretty(value, 0, out);
}

fn pretty(value: &Value, level: usize, out: &mut String) {
    let new_line = |out: &mut String, level: usize| {
        out.push('\n');
        out.push_str(&"    ".repeat(level));
    };
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                new_line(out, level + 1);
                pretty(item, level + 1, out);
            }
            new_line(out, level);
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                new_line(out, level + 1);
                write_string(key, out);
                out.push_str(": ");
                pretty(item, level + 1, out);
            }
            new_line(out, level);
            out.push('}');
        }
        other => write(other, out),
    }
}

/// Appends a JSON string literal.
pub fn write_string(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// jsonb's order: objects above arrays above booleans, numbers, strings and null.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    let rank = |v: &Value| match v {
        Value::Null => 0,
        Value::String(_) => 1,
        Value::Number(_) => 2,
        Value::Bool(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    };
    match (a, b) {
        (Value::String(x), Value::String(y)) => x.cmp(y),
        (Value::Number(x), Value::Number(y)) => number(x).compare(&number(y)),
        (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        (Value::Array(x), Value::Array(y)) => x.len().cmp(&y.len()).then_with(|| {
            x.iter()
                .zip(y)
                .map(|(x, y)| compare(x, y))
                .find(|o| o.is_ne())
                .unwrap_or(Ordering::Equal)
        }),
        (Value::Object(x), Value::Object(y)) => x.len().cmp(&y.len()).then_with(|| {
            x.iter()
                .zip(y)
                .map(|((k, v), (l, w))| key_order(k, l).then_with(|| compare(v, w)))
                .find(|o| o.is_ne())
                .unwrap_or(Ordering::Equal)
        }),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// A hash consistent with [`compare`].
pub fn hash_value<H: std::hash::Hasher>(value: &Value, state: &mut H) {
    match value {
        Value::Null => 0u8.hash(state),
        Value::Bool(b) => b.hash(state),
        Value::Number(n) => {
            super::compare::hash_datum(&super::Datum::Numeric(number(n)), state);
        }
        Value::String(s) => s.hash(state),
        Value::Array(items) => items.iter().for_each(|v| hash_value(v, state)),
        Value::Object(map) => map.iter().for_each(|(k, v)| {
            k.hash(state);
            hash_value(v, state);
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are PostgreSQL 15's.
    #[test]
    fn jsonb_is_canonical() {
        for (text, expected) in [
            (r#"{"bb":1,"a":[1,2.50,null],"a":true}"#, r#"{"a": true, "bb": 1}"#),
            (r#" [1e2, "x\u00e9\n"] "#, "[100, \"xé\\n\"]"),
            ("{}", "{}"),
        ] {
            let mut out = String::new();
            write(&parse(text).unwrap(), &mut out);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn what_is_no_json_is_refused_whatever_its_depth() {
        for text in ["", "{", "{'a':1}", "[1,]", "nul"] {
            let e = parse(text).unwrap_err();
            assert_eq!(e.code(), sqlstate::INVALID_TEXT_REPRESENTATION, "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse("\"\\u0000\"").is_err());
    }

    #[test]
    fn kinds_and_sizes_order_before_content() {
        let order = |a: &str, b: &str| compare(&parse(a).unwrap(), &parse(b).unwrap());
        assert!(order("{}", "[1]").is_gt());
        assert!(order("[9]", "[1, 1]").is_lt());
        assert!(order("1.0", "1").is_eq());
        assert!(order("null", "\"a\"").is_lt());
    }
}
