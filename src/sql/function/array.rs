//! Arrays: extent, search, containment; `array_build` makes new ones.

use super::args::{any, array, i4, is_null};
use super::row::{Row, f};
use crate::error::{Error, Result, sqlstate};
use crate::types::compare::compare_typed;
use crate::types::{Array, Datum, Type};

pub(super) const FUNCTIONS: &[Row] = &[
    f(748, "array_ndims", "anyarray", "int4", |_, a| {
        let n = array(a, 0)?.dimensions.len();
        Ok((n > 0).then(|| Datum::Int4(i32::try_from(n).unwrap_or(i32::MAX))).into())
    }),
    f(747, "array_dims", "anyarray", "text", |_, a| {
        let array = array(a, 0)?;
        let dimension =
            |(length, lower): &(usize, i32)| format!("[{lower}:{}]", upper(*length, *lower));
        let text: String = array.dimensions.iter().map(dimension).collect();
        Ok((!text.is_empty()).then(|| Datum::text(text)).into())
    }),
    f(2176, "array_length", "anyarray int4", "int4", |_, a| {
        Ok(extent(a)?.map(|(length, _)| Datum::Int4(clipped(length))).into())
    }),
    f(2091, "array_lower", "anyarray int4", "int4", |_, a| {
        Ok(extent(a)?.map(|(_, lower)| Datum::Int4(lower)).into())
    }),
    f(2092, "array_upper", "anyarray int4", "int4", |_, a| {
        Ok(extent(a)?.map(|(length, lower)| Datum::Int4(upper(length, lower))).into())
    }),
    f(3179, "cardinality", "anyarray", "int4", |_, a| {
        Ok(Datum::Int4(clipped(array(a, 0)?.items.len())))
    }),
    f(3277, "array_position", "anycompatiblearray anycompatible", "int4", position).lax(),
    f(3278, "array_position", "anycompatiblearray anycompatible int4", "int4", position).lax(),
    f(3279, "array_positions", "anycompatiblearray anycompatible", "_int4", |_, a| {
        if is_null(a, 0) {
            return Ok(Datum::Null);
        }
        let (array, wanted) = (one_dimensional(a)?, any(a, 1)?);
        let hits = array.items.iter().enumerate().filter(|(_, x)| alike(&array.element, x, wanted));
        let hits = hits.map(|(i, _)| Datum::Int4(subscript(array, i))).collect();
        Ok(Datum::Array(Array::from_items(Type::Int4, hits).into()))
    })
    .lax(),
    f(2748, "arraycontains", "anyarray anyarray", "bool", |_, a| {
        Ok(Datum::Bool(contains(array(a, 0)?, array(a, 1)?)))
    }),
    f(2749, "arraycontained", "anyarray anyarray", "bool", |_, a| {
        Ok(Datum::Bool(contains(array(a, 1)?, array(a, 0)?)))
    }),
    f(2747, "arrayoverlap", "anyarray anyarray", "bool", |_, a| {
        let (left, right) = (array(a, 0)?, array(a, 1)?);
        let shared = |x: &Datum| !x.is_null() && holds(right, x);
        Ok(Datum::Bool(left.items.iter().any(shared)))
    }),
];

fn clipped(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn upper(length: usize, lower: i32) -> i32 {
    lower.saturating_add(clipped(length)).saturating_sub(1)
}

/// Length and lower bound of the dimension that argument 1 names.
fn extent(a: &[Datum]) -> Result<Option<(usize, i32)>> {
    let dimension = i4(a, 1)?;
    let index = usize::try_from(dimension).ok().and_then(|d| d.checked_sub(1));
    Ok(index.and_then(|i| array(a, 0).ok()?.dimensions.get(i).copied()))
}

/// The subscript of the i-th element of a one-dimensional array.
fn subscript(array: &Array, i: usize) -> i32 {
    let lower = array.dimensions.first().map_or(1, |(_, lower)| *lower);
    lower.saturating_add(clipped(i))
}

/// Whether two elements are the same; NULL is the same as NULL.
pub(super) fn alike(element: &Type, a: &Datum, b: &Datum) -> bool {
    match (a.is_null(), b.is_null()) {
        (false, false) => compare_typed(element, a, b).is_eq(),
        (a, b) => a == b,
    }
}

fn holds(array: &Array, wanted: &Datum) -> bool {
    array.items.iter().any(|x| !x.is_null() && alike(&array.element, x, wanted))
}

/// Whether every element of `part` is in `whole`; a NULL element never is.
fn contains(whole: &Array, part: &Array) -> bool {
    part.items.iter().all(|x| !x.is_null() && holds(whole, x))
}

fn one_dimensional(a: &[Datum]) -> Result<&Array> {
    let array = array(a, 0)?;
    if array.dimensions.len() > 1 {
        return Err(Error::unsupported("searching for elements in multidimensional arrays"));
    }
    Ok(array)
}

type Context<'a> = crate::sql::exec::context::EvalContext<'a>;

fn position(_: &mut Context<'_>, a: &[Datum]) -> Result<Datum> {
    if is_null(a, 0) {
        return Ok(Datum::Null);
    }
    let array = one_dimensional(a)?;
    let from = match a.get(2) {
        None => i32::MIN,
        Some(Datum::Null) => {
            return Err(Error::new(
                sqlstate::NULL_VALUE_NOT_ALLOWED,
                "initial position must not be null",
            ));
        }
        Some(_) => i4(a, 2)?,
    };
    let wanted = any(a, 1)?;
    let found = array
        .items
        .iter()
        .enumerate()
        .find(|(i, x)| subscript(array, *i) >= from && alike(&array.element, x, wanted));
    Ok(found.map(|(i, _)| Datum::Int4(subscript(array, i))).into())
}
