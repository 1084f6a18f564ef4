//! The set-returning functions: one call gives any number of rows.

mod catalog;
mod elements;
mod series;

use super::SetRows;
use super::row::SetRow;
use crate::types::Datum;

/// Every list of set-returning functions.
pub(super) const SET_FUNCTIONS: &[&[SetRow]] =
    &[catalog::FUNCTIONS, elements::FUNCTIONS, series::FUNCTIONS];

/// No rows: what a strict function gives for a NULL argument.
fn nothing() -> SetRows {
    Box::new(std::iter::empty())
}

/// Rows of one column, all known.
fn column(values: Vec<Datum>) -> SetRows {
    Box::new(values.into_iter().map(|value| Ok(vec![value])))
}

/// Rows that are all known.
fn rows(rows: Vec<Vec<Datum>>) -> SetRows {
    Box::new(rows.into_iter().map(Ok))
}
