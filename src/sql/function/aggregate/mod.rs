//! The aggregates. Each is a state machine that is fed one row at a time, by column where that is
//! faster, and asked for its result once (or, over a window, again and again).

mod extreme;
mod number;

use super::row::AggregateRow;
use crate::sql::exec::batch::Column;

/// Every list of aggregates.
pub(super) const AGGREGATES: &[&[AggregateRow]] = &[extreme::AGGREGATES, number::AGGREGATES];

/// Whether a column is NULL in a row.
#[inline]
fn null_at(column: &Column, row: usize) -> bool {
    column.nulls.as_ref().is_some_and(|nulls| nulls.get(row).copied().unwrap_or(true))
}
