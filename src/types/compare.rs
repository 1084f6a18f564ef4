//! Order, equality and hashing of values: those of ORDER BY, GROUP BY and of index keys.
//!
//! The order is total: NULL last, NaN the largest number, -0 equal to 0, arrays and rows item by
//! item. The integer types compare with each other by value, and so do the two floats; other
//! pairs of different types (which a bound expression never makes) are ordered by their type.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{Array, Datum, Type, json};

/// Floats with NaN largest and equal to itself, -0 equal to 0.
fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn integer(value: &Datum) -> Option<i64> {
    match value {
        Datum::Int2(n) => Some(i64::from(*n)),
        Datum::Int4(n) => Some(i64::from(*n)),
        Datum::Int8(n) => Some(*n),
        Datum::Oid(n) => Some(i64::from(*n)),
        _ => None,
    }
}

fn float(value: &Datum) -> Option<f64> {
    match value {
        Datum::Float4(x) => Some(f64::from(*x)),
        Datum::Float8(x) => Some(*x),
        _ => None,
    }
}

/// A number for each kind of value, equal for kinds that compare with each other.
fn kind(value: &Datum) -> u8 {
    match value {
        Datum::Bool(_) => 0,
        Datum::Int2(_) | Datum::Int4(_) | Datum::Int8(_) | Datum::Oid(_) => 1,
        Datum::Float4(_) | Datum::Float8(_) => 2,
        Datum::Numeric(_) => 3,
        Datum::Text(_) => 4,
        Datum::Char(_) => 5,
        Datum::Bytea(_) => 6,
        Datum::Date(_) => 7,
        Datum::Time(_) => 8,
        Datum::Timetz(..) => 9,
        Datum::Timestamp(_) => 10,
        Datum::Timestamptz(_) => 11,
        Datum::Interval(_) => 12,
        Datum::Uuid(_) => 13,
        Datum::Json(_) => 14,
        Datum::Jsonb(_) => 15,
        Datum::Array(_) => 16,
        Datum::Record(_) => 17,
        Datum::Enum(_) => 18,
        Datum::Null => u8::MAX,
    }
}

/// The moment of a timetz: by the instant first, then by the zone.
fn timetz_key(time: i64, zone_west: i32) -> (i64, i32) {
    (time.saturating_add(i64::from(zone_west) * 1_000_000), zone_west)
}

impl Datum {
    /// Total order, NULL last. Text compares by bytes; see [`compare_typed`] for `char(n)`.
    pub fn compare(&self, other: &Datum) -> Ordering {
        compare_as(None, self, other)
    }

    /// Equality as GROUP BY sees it: NULL equals NULL, 1.0 equals 1.00.
    pub fn same(&self, other: &Datum) -> bool {
        self.compare(other).is_eq()
    }
}

/// The same order for a type: `char(n)` ignores the blanks at the end.
pub fn compare_typed(ty: &Type, a: &Datum, b: &Datum) -> Ordering {
    compare_as(Some(ty), a, b)
}

fn compare_as(ty: Option<&Type>, a: &Datum, b: &Datum) -> Ordering {
    match (a, b) {
        (Datum::Null, Datum::Null) => Ordering::Equal,
        (Datum::Null, _) => Ordering::Greater,
        (_, Datum::Null) => Ordering::Less,
        (Datum::Int4(x), Datum::Int4(y)) => x.cmp(y),
        (Datum::Int8(x), Datum::Int8(y)) => x.cmp(y),
        (Datum::Text(x), Datum::Text(y)) => match ty {
            Some(Type::Bpchar) => x.trim_end_matches(' ').cmp(y.trim_end_matches(' ')),
            _ => x.cmp(y),
        },
        (Datum::Numeric(x), Datum::Numeric(y)) => x.compare(y),
        (Datum::Bool(x), Datum::Bool(y)) => x.cmp(y),
        (Datum::Char(x), Datum::Char(y)) => x.cmp(y),
        (Datum::Bytea(x), Datum::Bytea(y)) => x.cmp(y),
        (Datum::Date(x), Datum::Date(y)) => x.cmp(y),
        (Datum::Time(x), Datum::Time(y))
        | (Datum::Timestamp(x), Datum::Timestamp(y))
        | (Datum::Timestamptz(x), Datum::Timestamptz(y)) => x.cmp(y),
        (Datum::Timetz(t, z), Datum::Timetz(u, w)) => timetz_key(*t, *z).cmp(&timetz_key(*u, *w)),
        (Datum::Interval(x), Datum::Interval(y)) => x.compare(y),
        (Datum::Uuid(x), Datum::Uuid(y)) => x.cmp(y),
        (Datum::Json(x), Datum::Json(y)) => x.cmp(y),
        (Datum::Jsonb(x), Datum::Jsonb(y)) => json::compare(x, y),
        (Datum::Array(x), Datum::Array(y)) => compare_arrays(x, y),
        (Datum::Enum(x), Datum::Enum(y)) => x.place.cmp(&y.place),
        (Datum::Record(x), Datum::Record(y)) => compare_items(None, x, y),
        _ => compare_widths(a, b),
    }
}

/// Values of different representation: integers and floats by value, others by kind.
fn compare_widths(a: &Datum, b: &Datum) -> Ordering {
    if let (Some(x), Some(y)) = (integer(a), integer(b)) {
        return x.cmp(&y);
    }
    if let (Some(x), Some(y)) = (float(a), float(b)) {
        return compare_floats(x, y);
    }
    kind(a).cmp(&kind(b))
}

fn compare_items(ty: Option<&Type>, a: &[Datum], b: &[Datum]) -> Ordering {
    let pairs = a.iter().zip(b);
    pairs
        .map(|(x, y)| compare_as(ty, x, y))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// The items first, then the number of dimensions, then their lengths and bounds.
fn compare_arrays(a: &Array, b: &Array) -> Ordering {
    compare_items(Some(&a.element), &a.items, &b.items)
        .then_with(|| a.dimensions.len().cmp(&b.dimensions.len()))
        .then_with(|| {
            let lengths = |array: &Array| array.dimensions.iter().map(|d| d.0).collect::<Vec<_>>();
            lengths(a).cmp(&lengths(b))
        })
        .then_with(|| {
            let bounds = |array: &Array| array.dimensions.iter().map(|d| d.1).collect::<Vec<_>>();
            bounds(a).cmp(&bounds(b))
        })
}

/// A hash consistent with [`Datum::compare`].
pub fn hash_datum<H: Hasher>(value: &Datum, state: &mut H) {
    hash_as(None, value, state);
}

/// A hash consistent with [`compare_typed`].
pub fn hash_typed<H: Hasher>(ty: &Type, value: &Datum, state: &mut H) {
    hash_as(Some(ty), value, state);
}

fn hash_float<H: Hasher>(x: f64, state: &mut H) {
    let bits = if x.is_nan() {
        f64::NAN.to_bits()
    } else if x == 0.0 {
        0
    } else {
        x.to_bits()
    };
    state.write_u64(bits);
}

fn hash_as<H: Hasher>(ty: Option<&Type>, value: &Datum, state: &mut H) {
    if let Some(n) = integer(value) {
        // One hash for all widths.
        state.write_i64(n);
        return;
    }
    state.write_u8(kind(value));
    match value {
        Datum::Bool(b) => b.hash(state),
        Datum::Float4(x) => hash_float(f64::from(*x), state),
        Datum::Float8(x) => hash_float(*x, state),
        Datum::Numeric(n) => n.hash(state),
        Datum::Text(s) => match ty {
            Some(Type::Bpchar) => s.trim_end_matches(' ').hash(state),
            _ => s.hash(state),
        },
        Datum::Char(b) => b.hash(state),
        Datum::Bytea(b) => b.hash(state),
        Datum::Date(d) => d.hash(state),
        Datum::Time(t) | Datum::Timestamp(t) | Datum::Timestamptz(t) => t.hash(state),
        Datum::Timetz(t, west) => timetz_key(*t, *west).hash(state),
        Datum::Interval(i) => i.normalized_micros().hash(state),
        Datum::Uuid(u) => u.hash(state),
        Datum::Json(s) => s.hash(state),
        Datum::Jsonb(j) => json::hash_value(j, state),
        Datum::Array(a) => {
            state.write_usize(a.items.len());
            a.items.iter().for_each(|item| hash_as(Some(&a.element), item, state));
        }
        Datum::Record(items) => {
            state.write_usize(items.len());
            items.iter().for_each(|item| hash_as(None, item, state));
        }
        Datum::Enum(member) => member.place.hash(state),
        Datum::Null | Datum::Int2(_) | Datum::Int4(_) | Datum::Int8(_) | Datum::Oid(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;
    use std::sync::Arc;

    use super::*;
    use crate::types::{Interval, Numeric};

    fn hash(value: &Datum) -> u64 {
        let mut state = DefaultHasher::new();
        hash_datum(value, &mut state);
        state.finish()
    }

    fn numeric(text: &str) -> Datum {
        Datum::Numeric(Numeric::parse(text).unwrap())
    }

    fn ints(items: &[Option<i32>]) -> Datum {
        let items = items.iter().map(|i| i.map(Datum::Int4).into()).collect();
        Datum::Array(Arc::new(Array::from_items(Type::Int4, items)))
    }

    #[test]
    fn equal_values_have_equal_hashes() {
        for (a, b) in [
            (Datum::Int2(7), Datum::Int8(7)),
            (Datum::Float8(0.0), Datum::Float8(-0.0)),
            (Datum::Float8(f64::NAN), Datum::Float8(-f64::NAN)),
            (Datum::Float4(0.5), Datum::Float8(0.5)),
            (numeric("1.0"), numeric("1.00")),
            (numeric("100"), numeric("1e2")),
            (
                Datum::Interval(Interval { months: 1, days: 0, micros: 0 }),
                Datum::Interval(Interval { months: 0, days: 30, micros: 0 }),
            ),
        ] {
            assert!(a.same(&b), "{a:?} {b:?}");
            assert_eq!(hash(&a), hash(&b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn the_order_is_postgresqls() {
        let ascending = [
            vec![Datum::Int4(-1), Datum::Int2(0), Datum::Int8(1), Datum::Null],
            vec![
                Datum::Float8(f64::NEG_INFINITY),
                Datum::Float8(1.0),
                Datum::Float8(f64::INFINITY),
                Datum::Float8(f64::NAN),
                Datum::Null,
            ],
            vec![numeric("-Infinity"), numeric("2"), numeric("Infinity"), numeric("NaN")],
            vec![Datum::text("B"), Datum::text("a"), Datum::text("aa"), Datum::text("é")],
            vec![
                ints(&[]),
                ints(&[Some(1)]),
                ints(&[Some(1), Some(2)]),
                ints(&[Some(1), None]),
                ints(&[Some(2)]),
                ints(&[None]),
            ],
            vec![Datum::Timetz(0, -3600), Datum::Timetz(0, 0), Datum::Timetz(0, 3600)],
        ];
        for list in ascending {
            for pair in list.windows(2) {
                assert_eq!(pair[0].compare(&pair[1]), Ordering::Less, "{pair:?}");
                assert_eq!(pair[1].compare(&pair[0]), Ordering::Greater, "{pair:?}");
            }
        }
    }

    #[test]
    fn blanks_at_the_end_of_char_do_not_count() {
        let (a, b) = (Datum::text("ab"), Datum::text("ab  "));
        assert_eq!(compare_typed(&Type::Bpchar, &a, &b), Ordering::Equal);
        assert_eq!(compare_typed(&Type::Text, &a, &b), Ordering::Less);
        let hash = |d: &Datum| {
            let mut state = DefaultHasher::new();
            hash_typed(&Type::Bpchar, d, &mut state);
            state.finish()
        };
        assert_eq!(hash(&a), hash(&b));
    }
}
