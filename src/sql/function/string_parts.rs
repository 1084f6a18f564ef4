//! Pieces of strings: substrings, positions, replacement, splitting.

use super::args::{any, array, bytes, i4, txt};
use super::row::{Row, f};
use super::string_case::{bounded, count};
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::types::{Array, Datum, Type, text};

pub(super) const FUNCTIONS: &[Row] = &[
    f(883, "substr", "text int4", "text", |_, a| substring(txt(a, 0)?, i4(a, 1)?, None)),
    f(877, "substr", "text int4 int4", "text", |_, a| {
        substring(txt(a, 0)?, i4(a, 1)?, Some(i4(a, 2)?))
    }),
    f(937, "substring", "text int4", "text", |_, a| substring(txt(a, 0)?, i4(a, 1)?, None)),
    f(936, "substring", "text int4 int4", "text", |_, a| {
        substring(txt(a, 0)?, i4(a, 1)?, Some(i4(a, 2)?))
    }),
    f(2086, "substr", "bytea int4", "bytea", |_, a| slice(bytes(a, 0)?, i4(a, 1)?, None)),
    f(2085, "substr", "bytea int4 int4", "bytea", |_, a| {
        slice(bytes(a, 0)?, i4(a, 1)?, Some(i4(a, 2)?))
    }),
    f(2013, "substring", "bytea int4", "bytea", |_, a| slice(bytes(a, 0)?, i4(a, 1)?, None)),
    f(2012, "substring", "bytea int4 int4", "bytea", |_, a| {
        slice(bytes(a, 0)?, i4(a, 1)?, Some(i4(a, 2)?))
    }),
    f(3060, "left", "text int4", "text", |_, a| {
        let (text, n) = (txt(a, 0)?, i4(a, 1)?);
        Ok(Datum::text(&text[..boundary(text, n)]))
    }),
    f(3061, "right", "text int4", "text", |_, a| {
        let (text, n) = (txt(a, 0)?, i4(a, 1)?);
        // The last n characters are what the first (length - n) leave.
        let start = match n.checked_neg() {
            Some(0) => text.len(),
            Some(skipped) => boundary(text, skipped),
            None => text.len(),
        };
        Ok(Datum::text(&text[start..]))
    }),
    f(868, "strpos", "text text", "int4", |_, a| position(txt(a, 0)?, txt(a, 1)?)),
    f(849, "position", "text text", "int4", |_, a| position(txt(a, 0)?, txt(a, 1)?)),
    f(2014, "position", "bytea bytea", "int4", |_, a| {
        let (haystack, needle) = (bytes(a, 0)?, bytes(a, 1)?);
        let found = match needle.is_empty() {
            true => Some(0),
            false => haystack.windows(needle.len()).position(|w| w == &**needle),
        };
        count(found.map_or(0, |at| at + 1))
    }),
    f(3696, "starts_with", "text text", "bool", |_, a| {
        Ok(Datum::Bool(txt(a, 0)?.starts_with(&**txt(a, 1)?)))
    }),
    f(2087, "replace", "text text text", "text", |_, a| {
        let (text, from, to) = (txt(a, 0)?, txt(a, 1)?, txt(a, 2)?);
        if from.is_empty() {
            return Ok(Datum::Text(text.clone()));
        }
        if to.len() > from.len() {
            let hits = text.matches(&**from).count();
            bounded(text.len().saturating_add(hits.saturating_mul(to.len() - from.len())))?;
        }
        Ok(Datum::text(text.replace(&**from, to)))
    }),
    f(878, "translate", "text text text", "text", |_, a| {
        let (from, to) = (txt(a, 1)?, txt(a, 2)?);
        let to: Vec<char> = to.chars().collect();
        let mapped = |c: char| match from.chars().position(|f| f == c) {
            Some(i) => to.get(i).copied(),
            None => Some(c),
        };
        Ok(Datum::text(txt(a, 0)?.chars().filter_map(mapped).collect::<String>()))
    }),
    f(1404, "overlay", "text text int4 int4", "text", |_, a| {
        overlay(txt(a, 0)?, txt(a, 1)?, i4(a, 2)?, i4(a, 3)?)
    }),
    f(1405, "overlay", "text text int4", "text", |_, a| {
        let replacement = txt(a, 1)?;
        let length = i32::try_from(replacement.chars().count()).unwrap_or(i32::MAX);
        overlay(txt(a, 0)?, replacement, i4(a, 2)?, length)
    }),
    f(749, "overlay", "bytea bytea int4 int4", "bytea", |_, a| {
        overlay_bytes(bytes(a, 0)?, bytes(a, 1)?, i4(a, 2)?, i4(a, 3)?)
    }),
    f(752, "overlay", "bytea bytea int4", "bytea", |_, a| {
        let replacement = bytes(a, 1)?;
        let length = i32::try_from(replacement.len()).unwrap_or(i32::MAX);
        overlay_bytes(bytes(a, 0)?, replacement, i4(a, 2)?, length)
    }),
    f(2088, "split_part", "text text int4", "text", |_, a| {
        split_part(txt(a, 0)?, txt(a, 1)?, i4(a, 2)?)
    }),
    f(394, "string_to_array", "text text", "_text", |_, a| string_to_array(a)).lax(),
    f(376, "string_to_array", "text text text", "_text", |_, a| string_to_array(a)).lax(),
    f(395, "array_to_string", "anyarray text", "text", array_to_string).stable(),
    f(384, "array_to_string", "anyarray text text", "text", array_to_string).stable().lax(),
];

/// The byte offset after the first `n` characters; a negative `n` leaves that many at the end.
fn boundary(text: &str, n: i32) -> usize {
    let nth = |i: usize| text.char_indices().nth(i).map_or(text.len(), |(at, _)| at);
    match usize::try_from(n) {
        Ok(n) => nth(n),
        Err(_) => {
            let left_out = n.unsigned_abs() as usize;
            text.char_indices().rev().nth(left_out - 1).map_or(0, |(at, _)| at)
        }
    }
}

/// One-based start and optional length as a zero-based half-open range, unclipped at the end.
fn range(start: i32, length: Option<i32>) -> Result<(usize, Option<usize>)> {
    let start = i64::from(start) - 1;
    let end = match length {
        Some(length) if length < 0 => {
            return Err(Error::new(
                sqlstate::SUBSTRING_ERROR,
                "negative substring length not allowed",
            ));
        }
        Some(length) => Some(usize::try_from(start + i64::from(length)).unwrap_or(0)),
        None => None,
    };
    Ok((usize::try_from(start).unwrap_or(0), end))
}

fn substring(text: &str, start: i32, length: Option<i32>) -> Result<Datum> {
    let (start, end) = range(start, length)?;
    let taken = end.map_or(usize::MAX, |end| end.saturating_sub(start));
    if text.is_ascii() {
        let start = start.min(text.len());
        return Ok(Datum::text(&text[start..start.saturating_add(taken).min(text.len())]));
    }
    Ok(Datum::text(text.chars().skip(start).take(taken).collect::<String>()))
}

fn slice(data: &[u8], start: i32, length: Option<i32>) -> Result<Datum> {
    let (start, end) = range(start, length)?;
    let end = end.unwrap_or(data.len()).min(data.len());
    Ok(Datum::bytes(data.get(start..end).unwrap_or(&[])))
}

fn position(haystack: &str, needle: &str) -> Result<Datum> {
    count(haystack.find(needle).map_or(0, |at| haystack[..at].chars().count() + 1))
}

fn overlay_bounds(start: i32, length: i32) -> Result<(usize, i64)> {
    let invalid = || Error::new(sqlstate::SUBSTRING_ERROR, "negative substring length not allowed");
    if start <= 0 {
        return Err(invalid());
    }
    let after =
        start.checked_add(length).ok_or_else(|| crate::types::arith::out_of_range("integer"))?;
    Ok((usize::try_from(start - 1).unwrap_or(0), i64::from(after) - 1))
}

fn overlay(text: &str, replacement: &str, start: i32, length: i32) -> Result<Datum> {
    let (kept, after) = overlay_bounds(start, length)?;
    let mut out: String = text.chars().take(kept).collect();
    out.push_str(replacement);
    out.extend(text.chars().skip(usize::try_from(after).unwrap_or(0)));
    Ok(Datum::text(out))
}

fn overlay_bytes(data: &[u8], replacement: &[u8], start: i32, length: i32) -> Result<Datum> {
    let (kept, after) = overlay_bounds(start, length)?;
    let mut out = data[..kept.min(data.len())].to_vec();
    out.extend_from_slice(replacement);
    out.extend_from_slice(data.get(usize::try_from(after).unwrap_or(0)..).unwrap_or(&[]));
    Ok(Datum::bytes(out))
}

fn split_part(text: &str, delimiter: &str, n: i32) -> Result<Datum> {
    if n == 0 {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            "field position must not be zero",
        ));
    }
    let index = n.unsigned_abs() as usize - 1;
    let field = match (delimiter.is_empty() || text.is_empty(), n > 0) {
        (true, _) => (index == 0).then_some(text),
        (false, true) => text.split(delimiter).nth(index),
        // Fields are those found from the left, also when counting from the right.
        (false, false) => {
            let fields = text.split(delimiter).count();
            fields.checked_sub(index + 1).and_then(|i| text.split(delimiter).nth(i))
        }
    };
    Ok(Datum::text(field.unwrap_or("")))
}

/// The fields of a string: split at a delimiter, at every character (NULL), or not at all (empty);
/// a field that equals the third argument is NULL.
pub(super) fn split_fields(a: &[Datum]) -> Result<Option<Vec<Datum>>> {
    let text = match any(a, 0)? {
        Datum::Null => return Ok(None),
        _ => txt(a, 0)?,
    };
    let null = match a.get(2) {
        Some(Datum::Text(null)) => Some(null),
        _ => None,
    };
    let field = |field: &str| match null {
        Some(null) if **null == *field => Datum::Null,
        _ => Datum::text(field),
    };
    Ok(Some(match any(a, 1)? {
        _ if text.is_empty() => Vec::new(),
        Datum::Text(delimiter) if delimiter.is_empty() => vec![field(text)],
        Datum::Text(delimiter) => text.split(&**delimiter).map(field).collect(),
        _ => text.chars().map(|c| field(c.encode_utf8(&mut [0; 4]))).collect(),
    }))
}

fn string_to_array(a: &[Datum]) -> Result<Datum> {
    Ok(split_fields(a)?
        .map(|fields| Datum::Array(Array::from_items(Type::Text, fields).into()))
        .into())
}

fn array_to_string(context: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    if any(a, 0)?.is_null() || any(a, 1)?.is_null() {
        return Ok(Datum::Null);
    }
    let (array, delimiter) = (array(a, 0)?, txt(a, 1)?);
    let null = match a.get(2) {
        Some(Datum::Text(null)) => Some(null),
        _ => None,
    };
    let mut out = String::new();
    let mut first = true;
    for item in &array.items {
        if item.is_null() && null.is_none() {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push_str(delimiter);
        }
        match null {
            Some(null) if item.is_null() => out.push_str(null),
            _ => text::format_typed(item, &array.element, &context.session.format, &mut out),
        }
    }
    Ok(Datum::text(out))
}
