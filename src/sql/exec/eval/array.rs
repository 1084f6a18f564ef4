//! Arrays in expressions: construction, subscripts, slices.

use std::sync::Arc;

use crate::error::{Error, Result, sqlstate};
use crate::types::{Array, Datum, Type};

/// `ARRAY[…]`: of scalars, or of arrays that agree in their extents.
pub fn build(element: Type, items: Vec<Datum>) -> Result<Datum> {
    if !items.iter().any(|d| matches!(d, Datum::Array(_))) {
        return Ok(Datum::Array(Arc::new(Array::from_items(element, items))));
    }
    let mismatch = || {
        Error::new(
            sqlstate::ARRAY_SUBSCRIPT_ERROR,
            "multidimensional arrays must have array expressions with matching dimensions",
        )
    };
    let outer = items.len();
    let mut inner: Option<Vec<(usize, i32)>> = None;
    let mut flat = Vec::new();
    for item in items {
        let Datum::Array(array) = item else { return Err(mismatch()) };
        match &inner {
            None => inner = Some(array.dimensions.clone()),
            Some(known) if *known == array.dimensions => {}
            Some(_) => return Err(mismatch()),
        }
        flat.extend(array.items.iter().cloned());
    }
    let inner = inner.unwrap_or_default();
    if inner.is_empty() {
        return Ok(Datum::Array(Arc::new(Array::from_items(element, Vec::new()))));
    }
    let mut dimensions = vec![(outer, 1)];
    dimensions.extend(inner);
    Ok(Datum::Array(Arc::new(Array { element, dimensions, items: flat })))
}

fn index(datum: &Datum) -> Option<i64> {
    crate::sql::exec::column::int_of(datum)
}

/// `array[i][j]`; NULL outside of the array.
pub fn subscript(array: &Datum, indexes: &[Datum]) -> Datum {
    let Datum::Array(array) = array else { return Datum::Null };
    if indexes.len() != array.dimensions.len() {
        return Datum::Null;
    }
    let mut position = 0usize;
    for (wanted, (len, lower)) in indexes.iter().zip(&array.dimensions) {
        let Some(offset) = index(wanted)
            .and_then(|i| i.checked_sub(i64::from(*lower)))
            .and_then(|o| usize::try_from(o).ok())
            .filter(|o| o < len)
        else {
            return Datum::Null;
        };
        position = position * len + offset;
    }
    array.items.get(position).cloned().unwrap_or(Datum::Null)
}

/// `array[i:j]`; dimensions that are not mentioned are kept whole. The result counts from 1.
pub fn slice(array: &Datum, bounds: &[(Option<Datum>, Option<Datum>)]) -> Datum {
    let Datum::Array(array) = array else { return Datum::Null };
    let empty = || Datum::Array(Arc::new(Array::from_items(array.element.clone(), Vec::new())));
    if bounds.len() > array.dimensions.len() {
        return empty();
    }
    let mut ranges = Vec::with_capacity(array.dimensions.len());
    for (d, (len, lower)) in array.dimensions.iter().enumerate() {
        let (first, last) = (i64::from(*lower), i64::from(*lower) + *len as i64 - 1);
        let pick = |bound: Option<&Datum>, default: i64| match bound {
            None => Some(default),
            Some(Datum::Null) => None,
            Some(d) => index(d),
        };
        let (from, to) = match bounds.get(d) {
            None => (Some(first), Some(last)),
            Some((from, to)) => (pick(from.as_ref(), first), pick(to.as_ref(), last)),
        };
        let (Some(from), Some(to)) = (from, to) else { return Datum::Null };
        let (from, to) = (from.max(first), to.min(last));
        if from > to {
            return empty();
        }
        ranges.push(((from - first) as usize, (to - first) as usize));
    }
    let mut positions = vec![0usize];
    for ((len, _), (from, to)) in array.dimensions.iter().zip(&ranges) {
        positions =
            positions.iter().flat_map(|p| (*from..=*to).map(move |i| p * len + i)).collect();
    }
    let items = positions.iter().filter_map(|p| array.items.get(*p)).cloned().collect();
    let dimensions = ranges.iter().map(|(from, to)| (to - from + 1, 1)).collect();
    Datum::Array(Arc::new(Array { element: array.element.clone(), dimensions, items }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(datum: &Datum) -> Vec<i32> {
        match datum {
            Datum::Array(a) => a
                .items
                .iter()
                .map(|d| match d {
                    Datum::Int4(i) => *i,
                    other => panic!("{other:?}"),
                })
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn two_dimensions_are_built_read_and_sliced() {
        let row = |a, b| build(Type::Int4, vec![Datum::Int4(a), Datum::Int4(b)]).unwrap();
        let m = build(Type::Int4, vec![row(1, 2), row(3, 4)]).unwrap();
        let at = |i, j| subscript(&m, &[Datum::Int4(i), Datum::Int4(j)]);
        assert!(matches!(at(2, 1), Datum::Int4(3)));
        assert!(at(3, 1).is_null() && at(0, 1).is_null());
        assert!(subscript(&m, &[Datum::Int4(1)]).is_null());
        let s = slice(&m, &[(Some(Datum::Int4(2)), None)]);
        assert_eq!(ints(&s), [3, 4]);
        let one = build(Type::Int4, vec![Datum::Int4(1)]).unwrap();
        assert!(build(Type::Int4, vec![row(1, 2), one]).is_err());
    }
}
