//! Order, equality and hashing of values: the order of ORDER BY, of index keys and of grouping.
//!
//! NULL is last, NaN largest, `-0` equals `0`, numbers of different integer types compare by value.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{Array, Datum, Type, json};

/// NaN largest, both zeros equal.
fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The value of any datum that is an integer inside.
fn integer(datum: &Datum) -> Option<i64> {
    Some(match datum {
        Datum::Int2(v) => i64::from(*v),
        Datum::Int4(v) => i64::from(*v),
        Datum::Int8(v) | Datum::Time(v) | Datum::Timestamp(v) | Datum::Timestamptz(v) => *v,
        Datum::Date(v) => i64::from(*v),
        Datum::Oid(v) => i64::from(*v),
        Datum::Bool(v) => i64::from(*v),
        Datum::Char(v) => i64::from(*v),
        _ => return None,
    })
}

fn float(datum: &Datum) -> Option<f64> {
    match datum {
        Datum::Float4(v) => Some(f64::from(*v)),
        Datum::Float8(v) => Some(*v),
        _ => None,
    }
}

/// Places kinds of values that never meet in one column.
fn rank(datum: &Datum) -> u8 {
    match datum {
        d if integer(d).is_some() => 0,
        Datum::Float4(_) | Datum::Float8(_) => 1,
        Datum::Numeric(_) => 2,
        Datum::Text(_) | Datum::Json(_) => 3,
        Datum::Bytea(_) => 4,
        Datum::Timetz(..) => 5,
        Datum::Interval(_) => 6,
        Datum::Uuid(_) => 7,
        Datum::Jsonb(_) => 8,
        Datum::Array(_) => 9,
        Datum::Record(_) => 10,
        _ => u8::MAX,
    }
}

impl Datum {
    /// Total order, NULL last. Text compares by bytes; see [`compare_typed`] for bpchar.
    pub fn compare(&self, other: &Datum) -> Ordering {
        if let (Some(a), Some(b)) = (integer(self), integer(other)) {
            return a.cmp(&b);
        }
        match (self, other) {
            (Datum::Text(a) | Datum::Json(a), Datum::Text(b) | Datum::Json(b)) => a.cmp(b),
            (Datum::Numeric(a), Datum::Numeric(b)) => a.compare(b),
            (Datum::Bytea(a), Datum::Bytea(b)) => a.cmp(b),
            (Datum::Timetz(a, x), Datum::Timetz(b, y)) => {
                // By instant, then by zone, as PostgreSQL does.
                (a + i64::from(*x) * 1_000_000).cmp(&(b + i64::from(*y) * 1_000_000)).then(x.cmp(y))
            }
            (Datum::Interval(a), Datum::Interval(b)) => a.compare(b),
            (Datum::Uuid(a), Datum::Uuid(b)) => a.cmp(b),
            (Datum::Jsonb(a), Datum::Jsonb(b)) => json::compare(a, b),
            (Datum::Array(a), Datum::Array(b)) => compare_arrays(a, b),
            (Datum::Record(a), Datum::Record(b)) => compare_lists(a, b),
            _ => match (float(self), float(other)) {
                (Some(a), Some(b)) => compare_floats(a, b),
                _ => rank(self).cmp(&rank(other)),
            },
        }
    }

    /// Equality as GROUP BY sees it (NULL equals NULL).
    pub fn same(&self, other: &Datum) -> bool {
        self.compare(other).is_eq()
    }
}

fn compare_lists(a: &[Datum], b: &[Datum]) -> Ordering {
    a.iter()
        .zip(b)
        .map(|(x, y)| x.compare(y))
        .find(|o| o.is_ne())
        .unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// By elements, then by number of dimensions, lengths and lower bounds.
fn compare_arrays(a: &Array, b: &Array) -> Ordering {
    compare_lists(&a.items, &b.items)
        .then(a.dimensions.len().cmp(&b.dimensions.len()))
        .then_with(|| a.dimensions.cmp(&b.dimensions))
}

/// The same order for a type: bpchar ignores trailing blanks.
pub fn compare_typed(ty: &Type, a: &Datum, b: &Datum) -> Ordering {
    match (ty, a, b) {
        (Type::Bpchar, Datum::Text(a), Datum::Text(b)) => {
            a.trim_end_matches(' ').cmp(b.trim_end_matches(' '))
        }
        _ => a.compare(b),
    }
}

/// A hash consistent with [`Datum::compare`].
pub fn hash_datum<H: Hasher>(value: &Datum, state: &mut H) {
    if let Some(v) = integer(value) {
        return v.hash(state);
    }
    match value {
        Datum::Text(v) | Datum::Json(v) => v.hash(state),
        Datum::Numeric(v) => match v.parts() {
            Some(parts) => (parts.negative, parts.exponent, parts.digits).hash(state),
            None => (v.is_nan(), v.is_negative()).hash(state),
        },
        Datum::Bytea(v) => v.hash(state),
        Datum::Timetz(v, zone) => (v, zone).hash(state),
        Datum::Interval(v) => v.normalized_micros().hash(state),
        Datum::Uuid(v) => v.hash(state),
        Datum::Jsonb(v) => json::hash_value(v, state),
        Datum::Array(v) => v.items.iter().for_each(|d| hash_datum(d, state)),
        Datum::Record(v) => v.iter().for_each(|d| hash_datum(d, state)),
        _ => match float(value) {
            // One pattern for both zeros, one for every NaN.
            Some(v) if v.is_nan() => f64::NAN.to_bits().hash(state),
            Some(v) => (v + 0.0).to_bits().hash(state),
            None => 0u8.hash(state),
        },
    }
}

/// A hash consistent with [`compare_typed`].
pub fn hash_typed<H: Hasher>(ty: &Type, value: &Datum, state: &mut H) {
    match (ty, value) {
        (Type::Bpchar, Datum::Text(v)) => v.trim_end_matches(' ').hash(state),
        _ => hash_datum(value, state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Numeric;

    fn hash(datum: &Datum) -> u64 {
        let mut state = std::collections::hash_map::DefaultHasher::new();
        hash_datum(datum, &mut state);
        state.finish()
    }

    #[test]
    fn null_is_last_and_nan_largest() {
        let mut values = [
            Datum::Null,
            Datum::Float8(f64::NAN),
            Datum::Float8(1.5),
            Datum::Float8(f64::INFINITY),
            Datum::Float8(-2.0),
        ];
        values.sort_by(Datum::compare);
        assert!(matches!(values[0], Datum::Float8(v) if v == -2.0));
        assert!(matches!(values[3], Datum::Float8(v) if v.is_nan()));
        assert!(values[4].is_null());
    }

    #[test]
    fn equal_values_hash_alike() {
        let n = |t: &str| Datum::Numeric(Numeric::parse(t).unwrap());
        for (a, b) in [
            (n("1.0"), n("1.000")),
            (Datum::Float8(0.0), Datum::Float8(-0.0)),
            (Datum::Int2(7), Datum::Int8(7)),
        ] {
            assert!(a.same(&b), "{a:?} {b:?}");
            assert_eq!(hash(&a), hash(&b), "{a:?} {b:?}");
        }
        assert!(compare_typed(&Type::Bpchar, &Datum::text("a  "), &Datum::text("a")).is_eq());
        assert!(Datum::text("a  ").compare(&Datum::text("a")).is_gt());
    }
}
