//! Vectorised bodies of the hot operators: comparisons and integer and float arithmetic.
//!
//! Values of rows that are NULL are arbitrary and are computed with like all others; an overflow is
//! reported only if it happened in a row without a NULL. The result's NULLs are the caller's.

use std::cmp::Ordering;

use super::Kernel;
use crate::error::{Error, Result};
use crate::sql::exec::batch::{Column, Data, TextData};
use crate::types::{Type, arith};

type Six = [Option<Kernel>; 6];

/// No vectorised comparisons.
pub(super) const NONE: Six = [None; 6];

macro_rules! six {
    ($compare:ident) => {
        [
            Some(|columns, rows| $compare(columns, rows, Ordering::is_eq)),
            Some(|columns, rows| $compare(columns, rows, Ordering::is_ne)),
            Some(|columns, rows| $compare(columns, rows, Ordering::is_lt)),
            Some(|columns, rows| $compare(columns, rows, Ordering::is_le)),
            Some(|columns, rows| $compare(columns, rows, Ordering::is_gt)),
            Some(|columns, rows| $compare(columns, rows, Ordering::is_ge)),
        ]
    };
}

/// Comparisons of integers, dates and time stamps.
pub(super) const INTS: Six = six!(compare_ints);
/// Comparisons of floats.
pub(super) const FLOATS: Six = six!(compare_floats);
/// Comparisons of text by bytes.
pub(super) const TEXTS: Six = six!(compare_texts);
/// Comparisons of booleans.
pub(super) const BOOLS: Six = six!(compare_bools);

/// PostgreSQL's order of floats: NaN equals NaN and is larger than all else; -0 equals 0.
#[inline]
pub(super) fn float_order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn booleans(values: Vec<bool>) -> Column {
    Column { ty: Type::Bool.into(), data: Data::Bool(values), nulls: None }
}

#[inline]
fn compare_ints(
    columns: &[&Column],
    _: usize,
    test: impl Fn(Ordering) -> bool,
) -> Option<Result<Column>> {
    let [Column { data: Data::Int(a), .. }, Column { data: Data::Int(b), .. }] = columns else {
        return None;
    };
    Some(Ok(booleans(a.iter().zip(b).map(|(a, b)| test(a.cmp(b))).collect())))
}

#[inline]
fn compare_floats(
    columns: &[&Column],
    _: usize,
    test: impl Fn(Ordering) -> bool,
) -> Option<Result<Column>> {
    let [Column { data: Data::Float(a), .. }, Column { data: Data::Float(b), .. }] = columns else {
        return None;
    };
    Some(Ok(booleans(a.iter().zip(b).map(|(a, b)| test(float_order(*a, *b))).collect())))
}

#[inline]
fn compare_bools(
    columns: &[&Column],
    _: usize,
    test: impl Fn(Ordering) -> bool,
) -> Option<Result<Column>> {
    let [Column { data: Data::Bool(a), .. }, Column { data: Data::Bool(b), .. }] = columns else {
        return None;
    };
    Some(Ok(booleans(a.iter().zip(b).map(|(a, b)| test(a.cmp(b))).collect())))
}

#[inline]
fn compare_texts(
    columns: &[&Column],
    rows: usize,
    test: impl Fn(Ordering) -> bool,
) -> Option<Result<Column>> {
    let [Column { data: Data::Text(a), .. }, Column { data: Data::Text(b), .. }] = columns else {
        return None;
    };
    let mut result = Vec::with_capacity(rows);
    let (mut a, mut b) = (Slices::new(a), Slices::new(b));
    for _ in 0..rows {
        result.push(test(a.next()?.cmp(b.next()?)));
    }
    Some(Ok(booleans(result)))
}

/// The strings of a text column, one after the other, as bytes.
struct Slices<'a> {
    data: &'a TextData,
    row: usize,
    start: usize,
}

impl<'a> Slices<'a> {
    fn new(data: &'a TextData) -> Self {
        Slices { data, row: 0, start: 0 }
    }

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = *self.data.ends.get(self.row)? as usize;
        let slice = self.data.bytes.as_bytes().get(self.start..end)?;
        (self.row, self.start) = (self.row + 1, end);
        Some(slice)
    }
}

/// Whether row `i` has a NULL in one of the columns.
fn any_null(columns: &[&Column], i: usize) -> bool {
    columns.iter().any(|c| c.nulls.as_ref().is_some_and(|n| n.get(i).copied().unwrap_or(false)))
}

/// Integer arithmetic: `compute` gives the wrapped result and whether it is wrong; `fail` says why.
#[inline]
fn ints(
    columns: &[&Column],
    ty: Type,
    compute: impl Fn(i64, i64) -> (i64, bool),
    fail: impl Fn(i64, i64) -> Error,
) -> Option<Result<Column>> {
    let [Column { data: Data::Int(a), .. }, Column { data: Data::Int(b), .. }] = columns else {
        return None;
    };
    let mut any_wrong = false;
    let result = a.iter().zip(b).map(|(a, b)| {
        let (value, wrong) = compute(*a, *b);
        any_wrong |= wrong;
        value
    });
    let result: Vec<i64> = result.collect();
    if any_wrong {
        let culprit = a
            .iter()
            .zip(b)
            .enumerate()
            .find(|(i, (a, b))| compute(**a, **b).1 && !any_null(columns, *i));
        if let Some((_, (a, b))) = culprit {
            return Some(Err(fail(*a, *b)));
        }
    }
    Some(Ok(Column { ty: ty.into(), data: Data::Int(result), nulls: None }))
}

macro_rules! integer_kernels {
    ($($int:ty, $ty:ident, $name:literal: $add:ident $sub:ident $mul:ident $div:ident $rem:ident;)*) => {$(
        /// Addition with this result type.
        pub(super) const $add: Kernel = |columns, _| {
            ints(columns, Type::$ty, |a, b| {
                let (r, wrapped) = a.overflowing_add(b);
                (r, wrapped | (r != i64::from(r as $int)))
            }, |_, _| arith::out_of_range($name))
        };
        /// Subtraction with this result type.
        pub(super) const $sub: Kernel = |columns, _| {
            ints(columns, Type::$ty, |a, b| {
                let (r, wrapped) = a.overflowing_sub(b);
                (r, wrapped | (r != i64::from(r as $int)))
            }, |_, _| arith::out_of_range($name))
        };
        /// Multiplication with this result type.
        pub(super) const $mul: Kernel = |columns, _| {
            ints(columns, Type::$ty, |a, b| {
                let (r, wrapped) = a.overflowing_mul(b);
                (r, wrapped | (r != i64::from(r as $int)))
            }, |_, _| arith::out_of_range($name))
        };
        /// Division with this result type.
        pub(super) const $div: Kernel = |columns, _| {
            ints(columns, Type::$ty, |a, b| {
                if b == 0 {
                    return (0, true);
                }
                let (r, wrapped) = a.overflowing_div(b);
                (r, wrapped | (r != i64::from(r as $int)))
            }, |_, b| match b {
                0 => arith::division_by_zero(),
                _ => arith::out_of_range($name),
            })
        };
        /// Remainder with this result type.
        pub(super) const $rem: Kernel = |columns, _| {
            ints(columns, Type::$ty, |a, b| match b {
                0 => (0, true),
                _ => (a.wrapping_rem(b), false),
            }, |_, _| arith::division_by_zero())
        };
    )*};
}

integer_kernels! {
    i16, Int2, "smallint": ADD2 SUB2 MUL2 DIV2 REM2;
    i32, Int4, "integer": ADD4 SUB4 MUL4 DIV4 REM4;
    i64, Int8, "bigint": ADD8 SUB8 MUL8 DIV8 REM8;
}

/// Float arithmetic: `compute` as in `types::arith`; rows with a NULL may not fail.
#[inline]
fn floats(
    columns: &[&Column],
    compute: impl Fn(f64, f64) -> Result<f64>,
    fast: impl Fn(f64, f64) -> f64,
    suspect: impl Fn(f64) -> bool,
) -> Option<Result<Column>> {
    let [Column { data: Data::Float(a), .. }, Column { data: Data::Float(b), .. }] = columns else {
        return None;
    };
    let mut result: Vec<f64> = Vec::with_capacity(a.len());
    let mut any_suspect = false;
    result.extend(a.iter().zip(b).map(|(a, b)| {
        let value = fast(*a, *b);
        any_suspect |= suspect(value);
        value
    }));
    if any_suspect {
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            if result.get(i).is_some_and(|r| suspect(*r)) && !any_null(columns, i) {
                match compute(*a, *b) {
                    Ok(value) => result[i] = value,
                    Err(e) => return Some(Err(e)),
                }
            }
        }
    }
    Some(Ok(Column { ty: Type::Float8.into(), data: Data::Float(result), nulls: None }))
}

/// `float8 + float8`
pub(super) const ADD_FLOAT8: Kernel =
    |columns, _| floats(columns, arith::float8_add, |a, b| a + b, |r| !r.is_finite());
/// `float8 - float8`
pub(super) const SUB_FLOAT8: Kernel =
    |columns, _| floats(columns, arith::float8_sub, |a, b| a - b, |r| !r.is_finite());
/// `float8 * float8`
pub(super) const MUL_FLOAT8: Kernel =
    |columns, _| floats(columns, arith::float8_mul, |a, b| a * b, |r| !r.is_finite() || r == 0.0);
/// `float8 / float8`
pub(super) const DIV_FLOAT8: Kernel =
    |columns, _| floats(columns, arith::float8_div, |a, b| a / b, |r| !r.is_finite() || r == 0.0);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::sqlstate;

    fn ints_of(values: &[i64]) -> Column {
        Column { ty: Type::Int4.into(), data: Data::Int(values.to_vec()), nulls: None }
    }

    #[test]
    fn overflow_counts_only_where_no_argument_is_null() {
        let mut a = ints_of(&[i64::from(i32::MAX), 1]);
        let b = ints_of(&[1, 2]);
        let e = ADD4(&[&a, &b], 2).unwrap().unwrap_err();
        assert_eq!(e.code(), sqlstate::NUMERIC_VALUE_OUT_OF_RANGE);
        assert_eq!(e.message(), "integer out of range");
        a.nulls = Some(vec![true, false]);
        let Data::Int(sums) = ADD4(&[&a, &b], 2).unwrap().unwrap().data else { panic!() };
        assert_eq!(sums[1], 3);
    }

    #[test]
    fn division_distinguishes_zero_from_overflow() {
        let message = |a: i64, b: i64| {
            DIV4(&[&ints_of(&[a]), &ints_of(&[b])], 1).unwrap().unwrap_err().to_string()
        };
        assert_eq!(message(1, 0), "division by zero");
        assert_eq!(message(i64::from(i32::MIN), -1), "integer out of range");
        let Data::Int(r) =
            REM8(&[&ints_of(&[i64::MIN]), &ints_of(&[-1])], 1).unwrap().unwrap().data
        else {
            panic!()
        };
        assert_eq!(r, [0]);
    }

    #[test]
    fn nan_is_the_largest_float_and_equals_itself() {
        let floats = |v: &[f64]| Column {
            ty: Type::Float8.into(),
            data: Data::Float(v.to_vec()),
            nulls: None,
        };
        let (a, b) = (floats(&[f64::NAN, f64::NAN, -0.0]), floats(&[f64::NAN, 1.0, 0.0]));
        let values = |i: usize| {
            let Data::Bool(v) = FLOATS[i].unwrap()(&[&a, &b], 3).unwrap().unwrap().data else {
                panic!()
            };
            v
        };
        assert_eq!(values(0), [true, false, true]);
        assert_eq!(values(4), [false, true, false]);
    }

    #[test]
    fn text_is_compared_by_bytes() {
        let texts = |v: &[&str]| {
            let mut data = TextData::default();
            for s in v {
                data.bytes.push_str(s);
                data.ends.push(data.bytes.len() as u32);
            }
            Column { ty: Type::Text.into(), data: Data::Text(data), nulls: None }
        };
        let (a, b) = (texts(&["a", "", "é"]), texts(&["B", "x", "é"]));
        let Data::Bool(less) = TEXTS[2].unwrap()(&[&a, &b], 3).unwrap().unwrap().data else {
            panic!()
        };
        assert_eq!(less, [false, true, false]);
    }
}
