//! The aggregates. Each is a state machine that is fed one row at a time, by column where that is
//! faster, and asked for its result once (or, over a window, again and again).

mod bits;
mod collect;
mod extreme;
mod json;
mod number;
mod ordered;
mod regression;
mod variance;

use super::row::AggregateRow;
use crate::sql::exec::batch::Column;
use crate::types::Datum;

/// Every list of aggregates.
pub(super) const AGGREGATES: &[&[AggregateRow]] = &[
    bits::AGGREGATES,
    collect::AGGREGATES,
    extreme::AGGREGATES,
    json::AGGREGATES,
    number::AGGREGATES,
    ordered::AGGREGATES,
    regression::AGGREGATES,
    variance::AGGREGATES,
];

/// Whether a column is NULL in a row.
#[inline]
fn null_at(column: &Column, row: usize) -> bool {
    column.nulls.as_ref().is_some_and(|nulls| nulls.get(row).copied().unwrap_or(true))
}

/// Roughly the memory that a value holds, its own place included.
fn held(value: &Datum) -> usize {
    let behind = match value {
        Datum::Text(text) | Datum::Json(text) => text.len(),
        Datum::Bytea(bytes) => bytes.len(),
        Datum::Array(array) => array.items.iter().map(held).sum(),
        Datum::Record(fields) => fields.iter().map(held).sum(),
        Datum::Jsonb(_) => 256,
        Datum::Numeric(_) => 16,
        _ => 0,
    };
    size_of::<Datum>() + behind
}
