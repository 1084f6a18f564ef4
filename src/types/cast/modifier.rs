//! Modifiers applied to values: lengths of strings, scales of numbers, decimals of times.

use std::sync::Arc;

use super::CastContext;
use crate::error::{Error, Result, sqlstate};
use crate::types::datetime::apply_time_precision;
use crate::types::{Array, ColumnType, Datum, Type, typmod};

/// Applies a modifier to a value that is already of the type. A string that is too long is cut
/// where the cast is explicit; elsewhere it is 22001 unless only blanks are lost.
pub fn apply_modifier(value: &Datum, to: &ColumnType, context: CastContext) -> Result<Datum> {
    if to.modifier < 0 {
        return Ok(value.clone());
    }
    match (value, &to.ty) {
        (Datum::Text(text), Type::Varchar | Type::Bpchar) => {
            let Some(length) = typmod::char_length(to.modifier) else { return Ok(value.clone()) };
            fit(text, length, &to.ty, context)
        }
        (Datum::Numeric(number), _) => Ok(Datum::Numeric(number.apply_modifier(to.modifier)?)),
        (Datum::Time(t), _) => Ok(Datum::Time(apply_time_precision(*t, to.modifier))),
        (Datum::Timetz(t, west), _) => {
            Ok(Datum::Timetz(apply_time_precision(*t, to.modifier), *west))
        }
        (Datum::Timestamp(t), _) => Ok(Datum::Timestamp(apply_time_precision(*t, to.modifier))),
        (Datum::Timestamptz(t), _) => Ok(Datum::Timestamptz(apply_time_precision(*t, to.modifier))),
        (Datum::Interval(i), _) => Ok(Datum::Interval(i.apply_modifier(to.modifier)?)),
        (Datum::Array(array), Type::Array(element)) => {
            let item_type = ColumnType { ty: element.as_ref().clone(), modifier: to.modifier };
            let items = array
                .items
                .iter()
                .map(|item| apply_modifier(item, &item_type, context))
                .collect::<Result<_>>()?;
            Ok(Datum::Array(Arc::new(Array {
                element: array.element.clone(),
                dimensions: array.dimensions.clone(),
                items,
            })))
        }
        _ => Ok(value.clone()),
    }
}

/// A string of at most `length` characters; `char(n)` gets exactly that many.
fn fit(text: &Arc<str>, length: usize, ty: &Type, context: CastContext) -> Result<Datum> {
    // Bytes are at least as many as characters, so short strings need no counting.
    let cut = if text.len() <= length {
        None
    } else {
        text.char_indices().nth(length).map(|(at, _)| text.split_at(at))
    };
    if let Some((kept, lost)) = cut {
        if context != CastContext::Explicit && !lost.bytes().all(|b| b == b' ') {
            let name = if *ty == Type::Bpchar { "character" } else { "character varying" };
            return Err(Error::new(
                sqlstate::STRING_DATA_RIGHT_TRUNCATION,
                format!("value too long for type {name}({length})"),
            ));
        }
        return Ok(Datum::text(kept));
    }
    let missing = match ty {
        Type::Bpchar => length - text.chars().count(),
        _ => 0,
    };
    if missing == 0 {
        return Ok(Datum::Text(text.clone()));
    }
    let mut padded = String::with_capacity(text.len() + missing);
    padded.push_str(text);
    padded.extend(std::iter::repeat_n(' ', missing));
    Ok(Datum::Text(Arc::from(padded)))
}
