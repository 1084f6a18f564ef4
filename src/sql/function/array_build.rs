//! New arrays from old ones: appending, concatenating, removing, filling.

use std::sync::Arc;

use super::args::{any, array, i4, is_null};
use super::array::alike;
use super::row::{Row, f, t, typed};
use crate::error::{Error, Result, SqlState, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::types::{Array, Datum, Type};

/// `22000`
const DATA_EXCEPTION: SqlState = SqlState::new(b"22000");

/// Elements of one array, as in PostgreSQL.
const ELEMENTS_MAX: usize = 134_217_727;

pub(super) const FUNCTIONS: &[Row] = &[
    t(
        378,
        "array_append",
        "anycompatiblearray anycompatible",
        "anycompatiblearray",
        typed!(array_append),
    )
    .lax(),
    t(
        379,
        "array_prepend",
        "anycompatible anycompatiblearray",
        "anycompatiblearray",
        typed!(array_prepend),
    )
    .lax(),
    f(383, "array_cat", "anycompatiblearray anycompatiblearray", "anycompatiblearray", array_cat)
        .lax(),
    f(3167, "array_remove", "anycompatiblearray anycompatible", "anycompatiblearray", array_remove)
        .lax(),
    f(
        3168,
        "array_replace",
        "anycompatiblearray anycompatible anycompatible",
        "anycompatiblearray",
        array_replace,
    )
    .lax(),
    t(1193, "array_fill", "anyelement _int4", "anyarray", typed!(array_fill)).lax(),
    t(1286, "array_fill", "anyelement _int4 _int4", "anyarray", typed!(array_fill)).lax(),
    f(6172, "trim_array", "anyarray int4", "anyarray", |_, a| {
        let (array, n) = (array(a, 0)?, i4(a, 1)?);
        let length = array.dimensions.first().map_or(0, |(length, _)| *length);
        let kept =
            usize::try_from(n).ok().and_then(|n| length.checked_sub(n)).ok_or_else(|| {
                Error::new(
                    sqlstate::ARRAY_SUBSCRIPT_ERROR,
                    format!("number of elements to trim must be between 0 and {length}"),
                )
            })?;
        // A slice counts from 1 in every dimension.
        let mut dimensions: Vec<(usize, i32)> =
            array.dimensions.iter().map(|(length, _)| (*length, 1)).collect();
        if let Some(first) = dimensions.first_mut() {
            first.0 = kept;
        }
        let items = array.items.len().checked_div(length).unwrap_or(0) * kept;
        Ok(made(&array.element, dimensions, array.items[..items.min(array.items.len())].to_vec()))
    }),
];

/// An array with these dimensions; the empty one if it has no elements.
fn made(element: &Type, dimensions: Vec<(usize, i32)>, items: Vec<Datum>) -> Datum {
    let dimensions = if items.is_empty() { vec![] } else { dimensions };
    Datum::Array(Arc::new(Array { element: element.clone(), dimensions, items }))
}

fn one_dimensional_or_empty(a: &[Datum], i: usize) -> Result<Option<&Array>> {
    if is_null(a, i) {
        return Ok(None);
    }
    let array = array(a, i)?;
    match array.dimensions.len() {
        0 | 1 => Ok(Some(array)),
        _ => Err(Error::new(DATA_EXCEPTION, "argument must be empty or one-dimensional array")),
    }
}

/// The element type of the array argument `i`, from its static type or its value.
fn element(types: &[Type], a: &[Datum], i: usize, other: usize) -> Type {
    match (a.get(i), types.get(i)) {
        (Some(Datum::Array(array)), _) => array.element.clone(),
        (_, Some(Type::Array(element))) => (**element).clone(),
        _ => types.get(other).cloned().unwrap_or(Type::Text),
    }
}

fn array_append(_: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    let element = element(types, a, 0, 1);
    let (mut items, lower) = match one_dimensional_or_empty(a, 0)? {
        Some(array) => (array.items.clone(), array.dimensions.first().map_or(1, |d| d.1)),
        None => (Vec::new(), 1),
    };
    items.push(any(a, 1)?.clone());
    Ok(made(&element, vec![(items.len(), lower)], items))
}

fn array_prepend(_: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    let element = element(types, a, 1, 0);
    let mut items = vec![any(a, 0)?.clone()];
    let mut lower = 1;
    if let Some(array) = one_dimensional_or_empty(a, 1)? {
        items.extend_from_slice(&array.items);
        lower = array.dimensions.first().map_or(1, |d| d.1);
    }
    Ok(made(&element, vec![(items.len(), lower)], items))
}

fn array_cat(_: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    let (left, right) = match (any(a, 0)?, any(a, 1)?) {
        (Datum::Null, other) | (other, Datum::Null) => return Ok(other.clone()),
        _ => (array(a, 0)?, array(a, 1)?),
    };
    let incompatible = |detail: String| {
        Error::new(sqlstate::ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays")
            .with_detail(detail)
    };
    if right.dimensions.is_empty() {
        return Ok(Datum::Array(left.clone()));
    }
    if left.dimensions.is_empty() {
        return Ok(Datum::Array(right.clone()));
    }
    let (l, r) = (&left.dimensions, &right.dimensions);
    let inner = |d: &[(usize, i32)]| d.iter().map(|(n, _)| *n).collect::<Vec<_>>();
    let differing = "Arrays with differing dimensions are not compatible for concatenation.";
    // Along the first dimension; an array of one dimension less counts as one element.
    let dimensions = match l.len() as i64 - r.len() as i64 {
        0 if inner(&l[1..]) == inner(&r[1..]) => {
            let mut dimensions = l.clone();
            dimensions[0].0 += r[0].0;
            dimensions
        }
        0 => {
            return Err(incompatible(
                "Arrays with differing element dimensions are not compatible for concatenation."
                    .into(),
            ));
        }
        1 if inner(&l[1..]) == inner(r) => {
            let mut dimensions = l.clone();
            dimensions[0].0 += 1;
            dimensions
        }
        -1 if inner(l) == inner(&r[1..]) => {
            let mut dimensions = r.clone();
            dimensions[0].0 += 1;
            dimensions
        }
        1 | -1 => return Err(incompatible(differing.into())),
        _ => {
            return Err(incompatible(format!(
                "Arrays of {} and {} dimensions are not compatible for concatenation.",
                l.len(),
                r.len()
            )));
        }
    };
    let mut items = Vec::with_capacity(left.items.len() + right.items.len());
    items.extend_from_slice(&left.items);
    items.extend_from_slice(&right.items);
    Ok(made(&left.element, dimensions, items))
}

fn array_remove(_: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    if is_null(a, 0) {
        return Ok(Datum::Null);
    }
    let (array, unwanted) = (array(a, 0)?, any(a, 1)?);
    if array.dimensions.len() > 1 {
        return Err(Error::unsupported("removing elements from multidimensional arrays"));
    }
    let kept = array.items.iter().filter(|x| !alike(&array.element, x, unwanted));
    let items: Vec<Datum> = kept.cloned().collect();
    let lower = array.dimensions.first().map_or(1, |d| d.1);
    Ok(made(&array.element, vec![(items.len(), lower)], items))
}

fn array_replace(_: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    if is_null(a, 0) {
        return Ok(Datum::Null);
    }
    let (array, from, to) = (array(a, 0)?, any(a, 1)?, any(a, 2)?);
    let replaced = |x: &Datum| if alike(&array.element, x, from) { to.clone() } else { x.clone() };
    let items = array.items.iter().map(replaced).collect();
    Ok(made(&array.element, array.dimensions.clone(), items))
}

/// A list of integers that may not contain NULL.
fn integers(a: &[Datum], i: usize) -> Result<Vec<i32>> {
    let null = |message: &str| Error::new(sqlstate::NULL_VALUE_NOT_ALLOWED, message.to_string());
    if is_null(a, i) {
        return Err(null("dimension array or low bound array cannot be null"));
    }
    let array = array(a, i)?;
    if array.dimensions.len() > 1 {
        return Err(Error::new(
            sqlstate::ARRAY_SUBSCRIPT_ERROR,
            "wrong number of array subscripts",
        )
        .with_detail("Dimension array must be one dimensional."));
    }
    if array.items.iter().any(Datum::is_null) {
        return Err(null("dimension values cannot be null"));
    }
    (0..array.items.len()).map(|i| i4(&array.items, i)).collect()
}

fn array_fill(_: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    let lengths = integers(a, 1)?;
    let lowers = match a.len() {
        2 => vec![1; lengths.len()],
        _ => integers(a, 2)?,
    };
    if lengths.len() != lowers.len() {
        return Err(Error::new(
            sqlstate::ARRAY_SUBSCRIPT_ERROR,
            "wrong number of array subscripts",
        )
        .with_detail("Low bound array has different size than dimensions array."));
    }
    if lengths.len() > 6 {
        return Err(Error::new(
            sqlstate::PROGRAM_LIMIT_EXCEEDED,
            format!(
                "number of array dimensions ({}) exceeds the maximum allowed (6)",
                lengths.len()
            ),
        ));
    }
    let too_large = || {
        Error::new(
            sqlstate::PROGRAM_LIMIT_EXCEEDED,
            format!("array size exceeds the maximum allowed ({ELEMENTS_MAX})"),
        )
    };
    let mut total = usize::from(!lengths.is_empty());
    let mut dimensions = Vec::with_capacity(lengths.len());
    for (length, lower) in lengths.iter().zip(lowers) {
        let length = usize::try_from(*length).map_err(|_| too_large())?;
        total = total.checked_mul(length).filter(|t| *t <= ELEMENTS_MAX).ok_or_else(too_large)?;
        dimensions.push((length, lower));
    }
    let element = types.first().cloned().unwrap_or(Type::Text);
    Ok(made(&element, dimensions, vec![any(a, 0)?.clone(); total]))
}
