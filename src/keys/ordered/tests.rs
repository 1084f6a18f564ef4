//! The order of bytes against the order of values.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

fn encoded(datum: &Datum, descending: bool) -> Vec<u8> {
    let mut out = vec![7];
    encode_datum(&mut out, datum, descending).unwrap();
    out.split_off(1)
}

/// Pairs of values of one type with the order that SQL gives them.
fn pair() -> impl Strategy<Value = (Type, Datum, Datum, Ordering)> {
    let float = |n: f64| if n.is_nan() { f64::INFINITY } else { n };
    prop_oneof![
        any::<(bool, bool)>().prop_map(|(a, b)| (
            Type::Bool,
            Datum::Bool(a),
            Datum::Bool(b),
            a.cmp(&b)
        )),
        any::<(i16, i16)>().prop_map(|(a, b)| (
            Type::Int2,
            Datum::Int2(a),
            Datum::Int2(b),
            a.cmp(&b)
        )),
        any::<(i32, i32)>().prop_map(|(a, b)| (
            Type::Int4,
            Datum::Int4(a),
            Datum::Int4(b),
            a.cmp(&b)
        )),
        any::<(i64, i64)>().prop_map(|(a, b)| (
            Type::Int8,
            Datum::Int8(a),
            Datum::Int8(b),
            a.cmp(&b)
        )),
        any::<(f64, f64)>().prop_map(move |(a, b)| {
            let (a, b) = (float(a), float(b));
            (Type::Float8, Datum::Float8(a), Datum::Float8(b), a.partial_cmp(&b).unwrap())
        }),
        any::<(f32, f32)>().prop_map(move |(a, b)| {
            let (a, b) = (float(f64::from(a)) as f32, float(f64::from(b)) as f32);
            (Type::Float4, Datum::Float4(a), Datum::Float4(b), a.partial_cmp(&b).unwrap())
        }),
        ("[a-c\0]{0,4}", "[a-c\0]{0,4}")
            .prop_map(|(a, b)| { (Type::Text, Datum::text(&a), Datum::text(&b), a.cmp(&b)) }),
        any::<(Vec<u8>, Vec<u8>)>()
            .prop_map(|(a, b)| { (Type::Bytea, Datum::bytes(&a), Datum::bytes(&b), a.cmp(&b)) }),
        any::<([u8; 16], [u8; 16])>().prop_map(|(a, b)| (
            Type::Uuid,
            Datum::Uuid(a),
            Datum::Uuid(b),
            a.cmp(&b)
        )),
        any::<(u32, u32)>().prop_map(|(a, b)| (Type::Oid, Datum::Oid(a), Datum::Oid(b), a.cmp(&b))),
        any::<(i64, i64)>().prop_map(|(a, b)| {
            (Type::Timestamptz, Datum::Timestamptz(a), Datum::Timestamptz(b), a.cmp(&b))
        }),
        (0..86_400_000_001i64, -50_000i32..50_000, 0..86_400_000_001i64, -50_000i32..50_000)
            .prop_map(|(a, za, b, zb)| {
                let instant = |t: i64, z: i32| (t + i64::from(z) * 1_000_000, z);
                let order = instant(a, za).cmp(&instant(b, zb));
                (Type::Timetz, Datum::Timetz(a, za), Datum::Timetz(b, zb), order)
            }),
        (prop::collection::vec(any::<i8>(), 0..4), prop::collection::vec(any::<i8>(), 0..4))
            .prop_map(|(a, b)| {
                let order = a.cmp(&b);
                let array = |v: Vec<i8>| {
                    let items = v.into_iter().map(|n| Datum::Int4(i32::from(n))).collect();
                    Datum::Array(Arc::new(Array::from_items(Type::Int4, items)))
                };
                (Type::Array(Box::new(Type::Int4)), array(a), array(b), order)
            }),
        any::<(i16, i16, i32, i16, i16, i32)>().prop_map(|(m, d, s, n, e, t)| {
            let interval = |m: i16, d: i16, s: i32| Interval {
                months: i32::from(m),
                days: i32::from(d),
                micros: i64::from(s) * 1_000_000,
            };
            let (a, b) = (interval(m, d, s), interval(n, e, t));
            let order = a.compare(&b);
            (Type::Interval, Datum::Interval(a), Datum::Interval(b), order)
        }),
    ]
}

proptest! {
    #[test]
    fn the_order_of_bytes_is_the_order_of_values((ty, a, b, order) in pair()) {
        let (ea, eb) = (encoded(&a, false), encoded(&b, false));
        prop_assert_eq!(ea.cmp(&eb), order);
        let (da, db) = (encoded(&a, true), encoded(&b, true));
        prop_assert_eq!(da.cmp(&db), order.reverse());
        let null = encoded(&Datum::Null, false);
        prop_assert!(ea < null);
        prop_assert!(encoded(&Datum::Null, true) < da);
        // Self-delimiting: no encoding is the beginning of another.
        prop_assert!(order == Ordering::Equal || !eb.starts_with(&ea));
        for descending in [false, true] {
            let mut bytes = encoded(&a, descending);
            let whole = bytes.clone();
            bytes.extend_from_slice(b"tail");
            let mut input = bytes.as_slice();
            let back = decode_datum(&mut input, &ty, descending).unwrap();
            prop_assert_eq!(input, b"tail");
            prop_assert_eq!(encoded(&back, descending), whole);
            if lossless(&ty) {
                prop_assert_eq!(format!("{back:?}"), format!("{a:?}"));
            }
        }
    }

    #[test]
    fn hostile_bytes_do_not_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..40),
        marker in 0x10u8..0x24,
        descending in any::<bool>(),
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = if descending { !marker } else { marker };
        }
        for ty in [
            Type::Bool, Type::Int4, Type::Float8, Type::Text, Type::Bytea, Type::Timetz,
            Type::Interval, Type::Uuid, Type::Array(Box::new(Type::Text)), Type::Int2Vector,
        ] {
            let mut input = bytes.as_slice();
            let _ = decode_datum(&mut input, &ty, descending);
        }
        let _ = crate::keys::pretty::key(&bytes);
    }
}

#[test]
fn zeros_are_one_and_nan_is_largest() {
    assert_eq!(encoded(&Datum::Float8(-0.0), false), encoded(&Datum::Float8(0.0), false));
    let nan = encoded(&Datum::Float8(-f64::NAN), false);
    assert!(nan > encoded(&Datum::Float8(f64::INFINITY), false));
    assert_eq!(nan, encoded(&Datum::Float8(f64::NAN), false));
    assert!(encoded(&Datum::Float4(f32::NAN), false) < encoded(&Datum::Null, false));
}

#[test]
fn padding_of_char_does_not_order() {
    let of = |text: &str| {
        let mut out = Vec::new();
        encode_column(&mut out, &Datum::text(text), &Type::Bpchar, false).unwrap();
        out
    };
    assert_eq!(of("ab"), of("ab   "));
    assert!(of(" ab") < of("ab"));
    assert!(!lossless(&Type::Bpchar));
}

#[test]
fn what_cannot_be_a_key_is_refused_and_leaves_nothing() {
    let mut out = vec![1];
    let row = Datum::Record(Arc::from(vec![Datum::Int4(1)]));
    assert!(encode_datum(&mut out, &row, false).is_err());
    assert_eq!(out, [1]);
}

#[test]
fn the_longest_intervals_read_back_with_their_length() {
    let extremes = [
        (i32::MAX, i32::MAX, i64::MAX),
        (i32::MIN, i32::MIN, i64::MIN),
        (2_079_479_405, 2_041_588_316, 0),
        (i32::MAX, i32::MIN, i64::MAX),
        (0, i32::MAX, i64::MAX),
    ];
    for (months, days, micros) in extremes {
        let interval = Datum::Interval(crate::types::Interval { months, days, micros });
        for descending in [false, true] {
            let mut bytes = Vec::new();
            encode_datum(&mut bytes, &interval, descending).unwrap();
            let mut rest = bytes.as_slice();
            let read = decode_datum(&mut rest, &Type::Interval, descending).unwrap();
            assert!(rest.is_empty() && read.same(&interval), "{interval:?} came back as {read:?}");
        }
    }
    // A length beyond every interval is damage.
    let mut beyond = vec![INTERVAL];
    beyond.extend((i128::MAX ^ i128::MIN).to_be_bytes());
    let e = decode_datum(&mut beyond.as_slice(), &Type::Interval, false).unwrap_err();
    assert_eq!(e.code(), crate::error::sqlstate::DATA_CORRUPTED);
}
