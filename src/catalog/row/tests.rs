//! Properties of the codec: every row comes back as it went in, the order of keys is the order of
//! the values, and hostile bytes are errors.

use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::catalog::descriptor::*;
use crate::error::sqlstate;
use crate::keys::ordered;
use crate::types::{Array, Datum, Interval, Type};

/// A table with columns `c1`, `c2`, … of these types, the first `key` of them the primary key.
fn table(types: &[Type], key: usize) -> TableDescriptor {
    let columns: Vec<ColumnDescriptor> = (1..)
        .zip(types)
        .map(|(id, ty)| ColumnDescriptor::new(id, format!("c{id}"), ty.clone()))
        .collect();
    let primary: Vec<u32> = columns.iter().take(key).map(|c| c.id).collect();
    TableDescriptor {
        id: 100,
        database: 1,
        schema: 2,
        name: "t".into(),
        version: 1,
        state: State::Public,
        privileges: Privileges::default(),
        kind: TableKind::Table,
        next_column_id: columns.len() as u32 + 1,
        columns,
        primary_index: IndexDescriptor::new(1, "t_pkey", true, &primary),
        indexes: vec![],
        next_index_id: 2,
        checks: vec![],
        foreign_keys: vec![],
        depends_on: vec![],
        created: Default::default(),
        data_since: Default::default(),
        temporary: false,
        storage_parameters: vec![],
        mutations: Vec::new(),
    }
}

fn codec(table: TableDescriptor) -> TableCodec {
    TableCodec::new(&Arc::new(table)).unwrap()
}

/// Types that a key can hold.
const KEY_TYPES: &[Type] = &[
    Type::Bool,
    Type::Int2,
    Type::Int4,
    Type::Int8,
    Type::Float4,
    Type::Float8,
    Type::Text,
    Type::Varchar,
    Type::Bpchar,
    Type::Name,
    Type::Char,
    Type::Bytea,
    Type::Date,
    Type::Time,
    Type::Timetz,
    Type::Timestamp,
    Type::Timestamptz,
    Type::Interval,
    Type::Uuid,
    Type::Oid,
    Type::Regclass,
];

fn every_type() -> Vec<Type> {
    let mut types = KEY_TYPES.to_vec();
    types.extend([Type::Json, Type::Record, Type::Int2Vector, Type::OidVector]);
    types.extend(KEY_TYPES.iter().map(|t| Type::Array(Box::new(t.clone()))));
    types
}

fn value_of(ty: &Type) -> BoxedStrategy<Datum> {
    match ty {
        Type::Bool => any::<bool>().prop_map(Datum::Bool).boxed(),
        Type::Int2 => any::<i16>().prop_map(Datum::Int2).boxed(),
        Type::Int4 => int().prop_map(|n| Datum::Int4(n as i32)).boxed(),
        Type::Int8 => int().prop_map(Datum::Int8).boxed(),
        Type::Float4 => any::<u32>().prop_map(|b| Datum::Float4(f32::from_bits(b))).boxed(),
        Type::Float8 => any::<u64>().prop_map(|b| Datum::Float8(f64::from_bits(b))).boxed(),
        Type::Char => any::<u8>().prop_map(Datum::Char).boxed(),
        Type::Bytea => {
            prop::collection::vec(prop_oneof![Just(0u8), Just(0xFF), any::<u8>()], 0..12)
                .prop_map(Datum::bytes)
                .boxed()
        }
        Type::Date => any::<i32>().prop_map(Datum::Date).boxed(),
        Type::Time => (0..=86_400_000_000i64).prop_map(Datum::Time).boxed(),
        Type::Timetz => (0..=86_400_000_000i64, -57_599..57_600i32)
            .prop_map(|(t, z)| Datum::Timetz(t, z))
            .boxed(),
        Type::Timestamp => any::<i64>().prop_map(Datum::Timestamp).boxed(),
        Type::Timestamptz => any::<i64>().prop_map(Datum::Timestamptz).boxed(),
        Type::Interval => (any::<i32>(), any::<i32>(), any::<i64>())
            .prop_map(|(months, days, micros)| Datum::Interval(Interval { months, days, micros }))
            .boxed(),
        Type::Uuid => any::<[u8; 16]>().prop_map(Datum::Uuid).boxed(),
        Type::Oid | Type::Regclass => any::<u32>().prop_map(Datum::Oid).boxed(),
        Type::Json => text().prop_map(|s| Datum::Json(s.into())).boxed(),
        Type::Int2Vector => array_of(&Type::Int2),
        Type::OidVector => array_of(&Type::Oid),
        Type::Array(element) => array_of(element),
        Type::Record => prop::collection::vec(
            prop::sample::select(KEY_TYPES).prop_flat_map(|ty| nullable(&ty)),
            0..4,
        )
        .prop_map(|fields| Datum::Record(Arc::from(fields)))
        .boxed(),
        _ => text().prop_map(Datum::text).boxed(),
    }
}

/// Numbers of every width.
fn int() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0..64u32).prop_map(|(n, shift)| n >> shift)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c\u{0}é ]{0,6}", "\\PC{0,40}"]
}

fn array_of(element: &Type) -> BoxedStrategy<Datum> {
    let element = element.clone();
    (prop::collection::vec(nullable(&element), 0..6), any::<i32>(), any::<bool>())
        .prop_map(move |(items, lower, square)| {
            let dimensions = match items.len() {
                0 => vec![],
                4 if square => vec![(2, lower), (2, 1)],
                n => vec![(n, lower)],
            };
            Datum::Array(Arc::new(Array { element: element.clone(), dimensions, items }))
        })
        .boxed()
}

fn nullable(ty: &Type) -> BoxedStrategy<Datum> {
    prop_oneof![1 => Just(Datum::Null), 6 => value_of(ty)].boxed()
}

/// Types and a row of them; the first ones are of key types and not NULL.
fn a_row(key: usize) -> impl Strategy<Value = (Vec<Type>, Vec<Datum>)> {
    (
        prop::collection::vec(prop::sample::select(KEY_TYPES), key),
        prop::collection::vec(prop::sample::select(every_type()), 0..8),
    )
        .prop_flat_map(move |(mut types, rest)| {
            types.extend(rest);
            let values: Vec<BoxedStrategy<Datum>> = types
                .iter()
                .enumerate()
                .map(|(i, ty)| if i < key { value_of(ty) } else { nullable(ty) })
                .collect();
            (Just(types), values)
        })
}

/// Equal to the bit, as the debug form of floats does not distinguish NaNs.
fn identical(a: &Datum, b: &Datum) -> bool {
    match (a, b) {
        (Datum::Float4(a), Datum::Float4(b)) => a.to_bits() == b.to_bits(),
        (Datum::Float8(a), Datum::Float8(b)) => a.to_bits() == b.to_bits(),
        (Datum::Array(a), Datum::Array(b)) => {
            a.element == b.element
                && a.dimensions == b.dimensions
                && a.items.len() == b.items.len()
                && a.items.iter().zip(&b.items).all(|(a, b)| identical(a, b))
        }
        (Datum::Record(a), Datum::Record(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| identical(a, b))
        }
        _ => format!("{a:?}") == format!("{b:?}"),
    }
}

fn same_rows(a: &[Datum], b: &[Datum]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| identical(a, b))
}

proptest! {
    #[test]
    fn a_row_comes_back_as_it_went_in((types, mut row) in a_row(2)) {
        // A vector's element type is its column's, which an array literal may not know.
        for (ty, datum) in types.iter().zip(&mut row) {
            if let (Type::Int2Vector, Datum::Array(array)) = (ty, &*datum) {
                prop_assert_eq!(&array.element, &Type::Int2);
            }
        }
        let codec = codec(table(&types, 2));
        let (key, value) = codec.encode_primary(&row).unwrap();
        let back = codec.decode_row(&key, &value).unwrap();
        prop_assert!(same_rows(&row, &back), "{row:?}\n{back:?}");
        prop_assert_eq!(codec.primary_key(&row[..2]).unwrap(), key);
        row.clear();
        prop_assert!(codec.encode_primary(&row).is_err());
    }

    #[test]
    fn a_decoder_hands_out_what_is_wanted_and_nothing_else(
        (types, row) in a_row(2),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut wanted: Vec<usize> = picks.iter().map(|p| p.index(types.len())).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.reverse();
        let codec = codec(table(&types, 2));
        let (key, value) = codec.encode_primary(&row).unwrap();
        let decoder = RowDecoder::new(&codec, 1u32, &wanted).unwrap();
        let mut seen = vec![None; wanted.len()];
        decoder.decode(&key, &value, &mut |i, datum| {
            assert!(seen[i].is_none(), "handed out twice");
            seen[i] = Some(datum.to_datum(&types[wanted[i]]));
        }).unwrap();
        for (i, datum) in seen.iter().enumerate() {
            let datum = datum.as_ref().expect("every wanted column");
            prop_assert!(identical(datum, &row[wanted[i]]), "{:?} {:?}", datum, row[wanted[i]]);
        }
    }

    #[test]
    fn an_entry_leads_to_its_row_and_holds_its_columns(
        (types, row) in a_row(2),
        unique: bool,
        first: prop::sample::Index,
        second: prop::sample::Index,
        descending: [bool; 4],
    ) {
        let usable: Vec<u32> = (1..).zip(&types)
            .filter(|(_, ty)| KEY_TYPES.contains(ty)).map(|(id, _)| id).collect();
        let mut columns = vec![usable[first.index(usable.len())]];
        let other = usable[second.index(usable.len())];
        if other != columns[0] { columns.push(other); }
        let mut t = table(&types, 2);
        let mut index = IndexDescriptor::new(2, "i", unique, &columns);
        index.columns.iter_mut().zip(descending).for_each(|(c, d)| c.descending = d);
        index.storing = t.columns.iter().map(|c| c.id).filter(|id| id % 2 == 1).collect();
        t.primary_index.columns.iter_mut().zip(&descending[2..]).for_each(|(c, d)| c.descending = *d);
        t.indexes.push(index.clone());
        let codec = codec(t);
        let (key, value) = codec.index_entries(&index, &row).unwrap();
        let (row_key, _) = codec.encode_primary(&row).unwrap();
        prop_assert_eq!(codec.primary_key_from_index_entry(&index, &key, &value).unwrap(), row_key);
        let wanted: Vec<usize> =
            (0..types.len()).filter(|p| codec.covers(&index, *p).unwrap()).collect();
        prop_assert!(wanted.contains(&0) && wanted.contains(&1), "the key's columns are there");
        let decoder = RowDecoder::new(&codec, &index, &wanted).unwrap();
        let mut count = 0;
        decoder.decode(&key, &value, &mut |i, datum| {
            count += 1;
            let datum = datum.to_datum(&types[wanted[i]]);
            assert!(identical(&datum, &row[wanted[i]]), "{datum:?} {:?}", row[wanted[i]]);
        }).unwrap();
        prop_assert_eq!(count, wanted.len());
        let clash = codec.unique_key(&index, &row).unwrap();
        let has_null = columns.iter().any(|id| row[*id as usize - 1].is_null());
        prop_assert_eq!(clash.is_some(), unique && !has_null);
        prop_assert!(clash.is_none_or(|k| k == key));
    }

    #[test]
    fn hostile_bytes_are_errors((types, row) in a_row(1), damage in damages()) {
        let codec = codec(table(&types, 1));
        let (key, value) = codec.encode_primary(&row).unwrap();
        let (key, value) = (inflict(key, &damage), inflict(value, &damage));
        if let Err(e) = codec.decode_row(&key, &value) {
            prop_assert_eq!(e.code(), sqlstate::DATA_CORRUPTED);
        }
    }

    #[test]
    fn garbage_is_never_a_panic(ty in prop::sample::select(every_type()), value: Vec<u8>) {
        let codec = codec(table(&[Type::Int8, ty], 1));
        let key = codec.primary_key(&[Datum::Int8(1)]).unwrap();
        for value in [value.clone(), [&[1, 0x2C][..], &value].concat(), [&[1, 0x2B][..], &value].concat()] {
            if let Err(e) = codec.decode_row(&key, &value) {
                prop_assert_eq!(e.code(), sqlstate::DATA_CORRUPTED);
            }
        }
    }

    #[test]
    fn a_span_holds_exactly_the_values_between_its_bounds(
        values in prop::collection::vec(prop_oneof![8 => (-9i64..9).prop_map(Datum::Int8), 1 => Just(Datum::Null)], 20),
        low in -10i64..10,
        high in -10i64..10,
        kinds in (0..3u8, 0..3u8),
        descending: bool,
        unique: bool,
    ) {
        let mut t = table(&[Type::Int8, Type::Text, Type::Int8], 1);
        let mut index = IndexDescriptor::new(2, "i", unique, &[2, 3]);
        index.columns[1].descending = descending;
        t.indexes.push(index.clone());
        let codec = codec(t);
        let (low_datum, high_datum) = (Datum::Int8(low), Datum::Int8(high));
        let bound = |kind, datum| match kind {
            0 => Bound::Unbounded,
            1 => Bound::Included(datum),
            _ => Bound::Excluded(datum),
        };
        let prefix = [Datum::text("a")];
        let span = codec.index_prefix_span(
            &index, &prefix, bound(kinds.0, &low_datum), bound(kinds.1, &high_datum),
        ).unwrap();
        for (id, value) in values.iter().enumerate() {
            for text in ["", "a", "a\0", "b"] {
                let row = [Datum::Int8(id as i64), Datum::text(text), value.clone()];
                let (key, _) = codec.index_entries(&index, &row).unwrap();
                let inside = text == "a" && match value {
                    Datum::Int8(n) => {
                        (kinds.0 == 0 || *n > low || (kinds.0 == 1 && *n == low))
                            && (kinds.1 == 0 || *n < high || (kinds.1 == 1 && *n == high))
                    }
                    _ => kinds == (0, 0),
                };
                prop_assert_eq!(span.contains(&key), inside, "{:?} {:?}", value, kinds);
            }
        }
    }

    #[test]
    fn skipping_a_key_column_ends_where_reading_it_does(
        (ty, datum) in prop::sample::select(KEY_TYPES)
            .prop_flat_map(|ty| (Just(ty.clone()), nullable(&ty))),
        descending: bool,
        tail: Vec<u8>,
    ) {
        let mut bytes = Vec::new();
        ordered::encode_column(&mut bytes, &datum, &ty, descending).unwrap();
        bytes.extend(&tail);
        let (mut read, mut skipped) = (bytes.as_slice(), bytes.as_slice());
        ordered::decode_datum(&mut read, &ty, descending).unwrap();
        ordered::skip_datum(&mut skipped, &ty, descending).unwrap();
        prop_assert_eq!(read, skipped);
        prop_assert_eq!(skipped, tail.as_slice());
    }
}

fn damages() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
}

fn inflict(mut bytes: Vec<u8>, damage: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    for (place, what) in damage {
        if bytes.is_empty() {
            break;
        }
        let at = place.index(bytes.len());
        match what % 4 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, *what),
            _ => bytes[at] ^= *what | 1,
        }
    }
    bytes
}

#[test]
fn added_and_dropped_columns_need_no_rewrite() {
    let old = codec(table(&[Type::Int8, Type::Text, Type::Int4], 1));
    let row = [Datum::Int8(1), Datum::text("kept"), Datum::Int4(7)];
    let (key, value) = old.encode_primary(&row).unwrap();

    let mut t = table(&[Type::Int8, Type::Text, Type::Int4], 1);
    t.columns.remove(2);
    t.columns.push(ColumnDescriptor::new(9, "plain", Type::Bool));
    let mut constant = ColumnDescriptor::new(30, "constant", Type::Int4);
    constant.missing = Some(freeze(&Type::Int4, &Datum::Int4(42)).unwrap());
    t.columns.push(constant);
    let new = codec(t);
    let read = new.decode_row(&key, &value).unwrap();
    let expected = [Datum::Int8(1), Datum::text("kept"), Datum::Null, Datum::Int4(42)];
    assert!(same_rows(&read, &expected), "{read:?}");

    // A NULL that is written into the new column is not the constant.
    let row = [Datum::Int8(2), Datum::text("new"), Datum::Bool(true), Datum::Null];
    let (key, value) = new.encode_primary(&row).unwrap();
    assert!(same_rows(&new.decode_row(&key, &value).unwrap(), &row));
}

#[test]
fn nulls_and_small_numbers_take_little_room() {
    let codec = codec(table(&[Type::Int8, Type::Int8, Type::Text, Type::Bool], 1));
    let row = [Datum::Int8(1), Datum::Int8(100), Datum::Null, Datum::Bool(true)];
    let (_, value) = codec.encode_primary(&row).unwrap();
    assert_eq!(value, [1, 0x24, 100, 0x22], "version, column 2 in two bytes, column 4 in one");
}

#[test]
fn a_value_of_another_type_is_refused() {
    let codec = codec(table(&[Type::Int8, Type::Int8], 1));
    let wrong_key = [Datum::Int4(1), Datum::Int8(1)];
    let wrong_value = [Datum::Int8(1), Datum::Int4(1)];
    for row in [wrong_key, wrong_value] {
        assert_eq!(codec.encode_primary(&row).unwrap_err().code(), sqlstate::INTERNAL_ERROR);
    }
}

#[test]
fn equal_values_that_look_different_meet_at_one_key_and_keep_their_looks() {
    let codec = codec(table(&[Type::Float8, Type::Bpchar], 2));
    let a = [Datum::Float8(0.0), Datum::text("x")];
    let b = [Datum::Float8(-0.0), Datum::text("x   ")];
    let (key_a, _) = codec.encode_primary(&a).unwrap();
    let (key_b, value_b) = codec.encode_primary(&b).unwrap();
    assert_eq!(key_a.cmp(&key_b), Ordering::Equal);
    assert!(same_rows(&codec.decode_row(&key_b, &value_b).unwrap(), &b));
}

#[test]
fn a_key_may_not_be_a_novel() {
    let codec = codec(table(&[Type::Text], 1));
    let e = codec.encode_primary(&[Datum::text("x".repeat(100_000))]).unwrap_err();
    assert_eq!(e.code(), sqlstate::PROGRAM_LIMIT_EXCEEDED);
}
