//! Ordering rows by several columns.
//!
//! A sort compares eight bytes of the first key first: they decide nearly always, and they lie
//! next to the row's number.

use std::cmp::Ordering;

use crate::sql::exec::batch::{Column, Data};
use crate::sql::exec::column::int_of;
use crate::types::Type;
use crate::types::compare::compare_typed;

/// The direction of one sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Direction {
    /// DESC
    pub descending: bool,
    /// NULLS FIRST
    pub nulls_first: bool,
}

/// Order of floats as PostgreSQL has it: NaN equals itself and is the largest.
#[inline]
pub fn compare_floats(a: f64, b: f64) -> Ordering {
    match a.partial_cmp(&b) {
        Some(o) => o,
        None => a.is_nan().cmp(&b.is_nan()),
    }
}

/// Order of two values that are not NULL.
#[inline]
pub fn compare_values(a: &Column, i: usize, b: &Column, j: usize) -> Ordering {
    match (&a.data, &b.data) {
        (Data::Int(x), Data::Int(y)) => x.get(i).cmp(&y.get(j)),
        (Data::Bool(x), Data::Bool(y)) => x.get(i).cmp(&y.get(j)),
        (Data::Float(x), Data::Float(y)) => match (x.get(i), y.get(j)) {
            (Some(x), Some(y)) => compare_floats(*x, *y),
            (x, y) => x.is_some().cmp(&y.is_some()),
        },
        (Data::Text(x), Data::Text(y)) if a.ty.ty == Type::Bpchar => {
            x.get(i).trim_end_matches(' ').cmp(y.get(j).trim_end_matches(' '))
        }
        (Data::Text(x), Data::Text(y)) => x.get(i).cmp(y.get(j)),
        _ => {
            let (x, y) = (a.datum(i), b.datum(j));
            match (int_of(&x), int_of(&y)) {
                (Some(x), Some(y)) => x.cmp(&y),
                _ => compare_typed(&a.ty.ty, &x, &y),
            }
        }
    }
}

/// Order of two rows in one column each.
#[inline]
pub fn compare_rows(a: &Column, i: usize, b: &Column, j: usize, by: Direction) -> Ordering {
    match (a.is_null(i), b.is_null(j)) {
        (true, true) => Ordering::Equal,
        (true, false) if by.nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if by.nulls_first => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let order = compare_values(a, i, b, j);
            if by.descending { order.reverse() } else { order }
        }
    }
}

/// Order of two rows over all keys.
pub fn compare_all(
    a: &[Column],
    i: usize,
    b: &[Column],
    j: usize,
    directions: &[Direction],
) -> Ordering {
    for ((x, y), by) in a.iter().zip(b).zip(directions) {
        let order = compare_rows(x, i, y, j, *by);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

struct Entry {
    prefix: u64,
    row: u32,
    /// Sorts before (0), among (1) or after (2) the values.
    rank: u8,
}

/// The row numbers in order; rows that compare equal stay in their order.
pub fn sort_rows(keys: &[Column], rows: usize, directions: &[Direction]) -> Vec<u32> {
    let Some((first, by)) = keys.first().zip(directions.first()) else {
        return (0..rows as u32).collect();
    };
    let mut exact = true;
    let mut entries = Vec::with_capacity(rows);
    for row in 0..rows {
        let (rank, mut prefix) = if first.is_null(row) {
            (if by.nulls_first { 0 } else { 2 }, 0)
        } else {
            let (prefix, is_exact) = prefix(first, row);
            exact &= is_exact;
            (1, prefix)
        };
        if by.descending && rank == 1 {
            prefix = !prefix;
        }
        entries.push(Entry { prefix, row: row as u32, rank });
    }
    let rest = usize::from(exact);
    let (rest_keys, rest_directions) =
        (keys.get(rest..).unwrap_or_default(), directions.get(rest..).unwrap_or_default());
    entries.sort_unstable_by(|a, b| {
        a.rank
            .cmp(&b.rank)
            .then_with(|| a.prefix.cmp(&b.prefix))
            .then_with(|| {
                compare_all(rest_keys, a.row as usize, rest_keys, b.row as usize, rest_directions)
            })
            .then_with(|| a.row.cmp(&b.row))
    });
    entries.into_iter().map(|e| e.row).collect()
}

/// Eight bytes that order as the value does, and whether equal bytes mean equal values.
fn prefix(column: &Column, row: usize) -> (u64, bool) {
    match &column.data {
        Data::Int(v) => ((v.get(row).copied().unwrap_or(0) as u64) ^ (1 << 63), true),
        Data::Bool(v) => (u64::from(v.get(row).copied().unwrap_or(false)), true),
        Data::Float(v) => {
            let f = v.get(row).copied().unwrap_or(0.0);
            let f = if f.is_nan() {
                f64::NAN.abs()
            } else if f == 0.0 {
                0.0
            } else {
                f
            };
            let bits = f.to_bits();
            (if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }, true)
        }
        Data::Text(v) => {
            let s = v.get(row);
            let s = if column.ty.ty == Type::Bpchar { s.trim_end_matches(' ') } else { s };
            let mut head = [0u8; 8];
            for (slot, byte) in head.iter_mut().zip(s.as_bytes()) {
                *slot = *byte;
            }
            // Strings contain no zero bytes, so a shorter string's padding sorts it first.
            (u64::from_be_bytes(head), s.len() < 8)
        }
        Data::Any(_) => (0, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Datum;

    fn column(ty: Type, values: &[Datum]) -> Column {
        let mut c = Column::empty(ty.into());
        values.iter().for_each(|v| c.push(v));
        c
    }

    #[test]
    fn sorts_by_prefix_then_by_the_whole_value_then_by_the_next_key() {
        let a = column(
            Type::Text,
            &[
                Datum::text("same beginning b"),
                Datum::Null,
                Datum::text("same beginning a"),
                Datum::text("x"),
                Datum::text("x"),
            ],
        );
        let b = column(Type::Int4, &[1, 2, 3, 5, 4].map(Datum::Int4));
        let plain = Direction::default();
        let rows = sort_rows(&[a.clone(), b.clone()], 5, &[plain, plain]);
        assert_eq!(rows, [2, 0, 4, 3, 1]);
        let back = Direction { descending: true, nulls_first: true };
        assert_eq!(sort_rows(&[a, b], 5, &[back, plain]), [1, 4, 3, 0, 2]);
    }

    #[test]
    fn floats_order_with_nan_last_and_one_zero() {
        let f = column(
            Type::Float8,
            &[f64::NAN, 1.0, -0.0, f64::NEG_INFINITY, 0.0, f64::INFINITY].map(Datum::Float8),
        );
        assert_eq!(sort_rows(&[f], 6, &[Direction::default()]), [3, 2, 4, 1, 5, 0]);
    }
}
