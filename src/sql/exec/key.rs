//! Keys of hash tables: hashing and equality by column, and a table from key to number.
//!
//! No row is boxed: keys are kept by column like any batch, a single integer key even inside the
//! table itself.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::sql::exec::batch::{Column, Data};
use crate::sql::exec::column::{Layout, int_of, layout_of};
use crate::types::compare::{compare_typed, hash_typed};
use crate::types::{ColumnType, Datum, Type};

/// Hashes values so that equal ones agree, whatever their layout. Tables that are compared with
/// each other share one.
#[derive(Clone, Debug)]
pub struct KeyHasher {
    seed: u64,
    build: DefaultHashBuilder,
}

impl Default for KeyHasher {
    fn default() -> Self {
        let build = DefaultHashBuilder::default();
        KeyHasher { seed: build.hash_one(0x9e37_79b9_u64) | 1, build }
    }
}

const NULL_HASH: u64 = 0x6a09_e667_f3bc_c908;

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

fn trimmed(s: &str) -> &str {
    s.trim_end_matches(' ')
}

impl KeyHasher {
    #[inline]
    fn int(&self, v: i64) -> u64 {
        fold((v as u64) ^ self.seed, 0x9e37_79b9_7f4a_7c15)
    }

    #[inline]
    fn float(&self, v: f64) -> u64 {
        let bits = if v == 0.0 {
            0
        } else if v.is_nan() {
            f64::NAN.to_bits()
        } else {
            v.to_bits()
        };
        self.int(bits as i64)
    }

    #[inline]
    fn text(&self, s: &str) -> u64 {
        let mut h = self.build.build_hasher();
        h.write(s.as_bytes());
        h.finish()
    }

    /// The hash of one value of a type.
    pub fn datum(&self, ty: &Type, datum: &Datum) -> u64 {
        if let Some(v) = int_of(datum) {
            return self.int(v);
        }
        match datum {
            Datum::Null => NULL_HASH,
            Datum::Bool(b) => self.int(i64::from(*b)),
            Datum::Float4(f) => self.float(f64::from(*f)),
            Datum::Float8(f) => self.float(*f),
            Datum::Text(s) if *ty == Type::Bpchar => self.text(trimmed(s)),
            Datum::Text(s) => self.text(s),
            other => {
                let mut h = self.build.build_hasher();
                hash_typed(ty, other, &mut h);
                h.finish()
            }
        }
    }

    /// The hashes of rows over some columns, written to `out`.
    pub fn columns(&self, columns: &[&Column], rows: usize, out: &mut Vec<u64>) {
        out.clear();
        out.resize(rows, self.seed);
        for column in columns {
            let mut mix = |row: usize, h: u64| {
                let h = if column.is_null(row) { NULL_HASH } else { h };
                if let Some(slot) = out.get_mut(row) {
                    *slot = fold(*slot ^ h, 0xff51_afd7_ed55_8ccd);
                }
            };
            match &column.data {
                Data::Int(v) => v.iter().enumerate().for_each(|(r, v)| mix(r, self.int(*v))),
                Data::Float(v) => v.iter().enumerate().for_each(|(r, v)| mix(r, self.float(*v))),
                Data::Bool(v) => {
                    v.iter().enumerate().for_each(|(r, v)| mix(r, self.int(i64::from(*v))));
                }
                Data::Text(v) => {
                    let bpchar = column.ty.ty == Type::Bpchar;
                    for (r, s) in v.iter().enumerate() {
                        mix(r, self.text(if bpchar { trimmed(s) } else { s }));
                    }
                }
                Data::Any(v) => {
                    for (r, d) in v.iter().enumerate() {
                        mix(r, self.datum(&column.ty.ty, d));
                    }
                }
            }
        }
    }
}

/// Equality of two rows in one column each, NULL equal to NULL.
#[inline]
pub fn same(a: &Column, i: usize, b: &Column, j: usize) -> bool {
    match (a.is_null(i), b.is_null(j)) {
        (false, false) => {}
        (x, y) => return x && y,
    }
    match (&a.data, &b.data) {
        (Data::Int(x), Data::Int(y)) => x.get(i) == y.get(j),
        (Data::Bool(x), Data::Bool(y)) => x.get(i) == y.get(j),
        (Data::Float(x), Data::Float(y)) => match (x.get(i), y.get(j)) {
            (Some(x), Some(y)) => x == y || (x.is_nan() && y.is_nan()),
            _ => false,
        },
        (Data::Text(x), Data::Text(y)) if a.ty.ty == Type::Bpchar => {
            trimmed(x.get(i)) == trimmed(y.get(j))
        }
        (Data::Text(x), Data::Text(y)) => x.get(i) == y.get(j),
        _ => {
            let (x, y) = (a.datum(i), b.datum(j));
            match (int_of(&x), int_of(&y)) {
                (Some(x), Some(y)) => x == y,
                _ => compare_typed(&a.ty.ty, &x, &y).is_eq(),
            }
        }
    }
}

/// A set of keys, each with its number in order of first appearance.
pub struct KeyTable {
    hasher: KeyHasher,
    /// The keys by column, in order of their numbers.
    keys: Vec<Column>,
    index: Index,
    count: u32,
    scratch: Vec<u64>,
}

enum Index {
    /// One integer column: the key sits in the table.
    Int { table: HashTable<(i64, u32)>, null: Option<u32> },
    /// Anything else: hash and number; the key is in `keys`.
    General(HashTable<(u64, u32)>),
}

impl KeyTable {
    /// An empty table for keys of these types.
    pub fn new(types: &[ColumnType]) -> KeyTable {
        let index = match types {
            [one] if layout_of(&one.ty) == Layout::Int => {
                Index::Int { table: HashTable::new(), null: None }
            }
            _ => Index::General(HashTable::new()),
        };
        KeyTable {
            hasher: KeyHasher::default(),
            keys: types.iter().map(|t| Column::empty(t.clone())).collect(),
            index,
            count: 0,
            scratch: Vec::new(),
        }
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The keys by column, in order of their numbers.
    pub fn keys(&self) -> &[Column] {
        &self.keys
    }

    /// The keys by column, given up.
    pub fn into_keys(self) -> Vec<Column> {
        self.keys
    }

    /// Approximate bytes held.
    pub fn bytes(&self) -> usize {
        let table = match &self.index {
            Index::Int { table, .. } => table.capacity() * 17,
            Index::General(table) => table.capacity() * 17,
        };
        table + self.keys.iter().map(Column::bytes).sum::<usize>()
    }

    /// The number of each row's key, new keys getting the next numbers. NULL equals NULL.
    pub fn insert(&mut self, columns: &[&Column], rows: usize, out: &mut Vec<u32>) {
        out.clear();
        out.reserve(rows);
        if self.keys.is_empty() {
            if rows > 0 {
                self.count = 1;
            }
            out.resize(rows, 0);
            return;
        }
        let (hasher, count, keys) = (&self.hasher, &mut self.count, &mut self.keys);
        match (&mut self.index, columns) {
            (Index::Int { table, null }, [column]) => {
                for row in 0..rows {
                    let number = match column.int(row) {
                        None => *null.get_or_insert_with(|| {
                            keys[0].push_null();
                            *count += 1;
                            *count - 1
                        }),
                        Some(v) => {
                            let entry = table.entry(
                                hasher.int(v),
                                |(key, _)| *key == v,
                                |(key, _)| hasher.int(*key),
                            );
                            match entry {
                                hashbrown::hash_table::Entry::Occupied(e) => e.get().1,
                                hashbrown::hash_table::Entry::Vacant(e) => {
                                    let number = *count;
                                    e.insert((v, number));
                                    keys[0].push_from(column, row);
                                    *count += 1;
                                    number
                                }
                            }
                        }
                    };
                    out.push(number);
                }
            }
            (Index::General(table), columns) => {
                hasher.columns(columns, rows, &mut self.scratch);
                for (row, &hash) in self.scratch.iter().enumerate() {
                    let entry = table.entry(
                        hash,
                        |(h, n)| {
                            *h == hash
                                && keys
                                    .iter()
                                    .zip(columns)
                                    .all(|(key, c)| same(key, *n as usize, c, row))
                        },
                        |(h, _)| *h,
                    );
                    let number = match entry {
                        hashbrown::hash_table::Entry::Occupied(e) => e.get().1,
                        hashbrown::hash_table::Entry::Vacant(e) => {
                            let number = *count;
                            e.insert((hash, number));
                            for (key, column) in keys.iter_mut().zip(columns) {
                                key.push_from(column, row);
                            }
                            *count += 1;
                            number
                        }
                    };
                    out.push(number);
                }
            }
            // The binder gives every input of a table the same number of keys.
            (Index::Int { .. }, _) => out.resize(rows, 0),
        }
    }

    /// The number of each row's key, if it is there. A NULL is never found unless `nulls_match`.
    pub fn find(
        &self,
        columns: &[&Column],
        rows: usize,
        nulls_match: bool,
        out: &mut Vec<Option<u32>>,
    ) {
        out.clear();
        out.reserve(rows);
        if self.keys.is_empty() {
            out.resize(rows, (self.count > 0).then_some(0));
            return;
        }
        match (&self.index, columns) {
            (Index::Int { table, null }, [column]) => {
                let look =
                    |v: i64| table.find(self.hasher.int(v), |(key, _)| *key == v).map(|(_, n)| *n);
                match (&column.data, &column.nulls) {
                    (Data::Int(values), None) => out.extend(values.iter().map(|v| look(*v))),
                    _ => out.extend((0..rows).map(|row| match column.int(row) {
                        Some(v) => look(v),
                        None if column.is_null(row) && nulls_match => *null,
                        None => None,
                    })),
                }
            }
            (Index::General(table), columns) => {
                let mut hashes = Vec::new();
                self.hasher.columns(columns, rows, &mut hashes);
                for (row, &hash) in hashes.iter().enumerate() {
                    if !nulls_match && columns.iter().any(|c| c.is_null(row)) {
                        out.push(None);
                        continue;
                    }
                    let found = table.find(hash, |(h, n)| {
                        *h == hash
                            && self
                                .keys
                                .iter()
                                .zip(columns)
                                .all(|(key, c)| same(key, *n as usize, c, row))
                    });
                    out.push(found.map(|(_, n)| *n));
                }
            }
            (Index::Int { .. }, _) => out.resize(rows, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(ty: Type, values: &[Datum]) -> Column {
        let mut c = Column::empty(ty.into());
        values.iter().for_each(|v| c.push(v));
        c
    }

    #[test]
    fn integer_keys_are_numbered_in_order_of_appearance() {
        let mut table = KeyTable::new(&[Type::Int4.into()]);
        let c = column(
            Type::Int4,
            &[Datum::Int4(5), Datum::Null, Datum::Int4(5), Datum::Int4(-1), Datum::Null],
        );
        let mut out = Vec::new();
        table.insert(&[&c], 5, &mut out);
        assert_eq!(out, [0, 1, 0, 2, 1]);
        assert_eq!(table.len(), 3);
        let probe = column(Type::Int8, &[Datum::Int8(-1), Datum::Int8(9), Datum::Null]);
        let mut found = Vec::new();
        table.find(&[&probe], 3, false, &mut found);
        assert_eq!(found, [Some(2), None, None]);
        table.find(&[&probe], 3, true, &mut found);
        assert_eq!(found, [Some(2), None, Some(1)]);
    }

    #[test]
    fn several_columns_make_one_key_and_padding_does_not_count() {
        let types = [Type::Bpchar.into(), Type::Float8.into()];
        let mut table = KeyTable::new(&types);
        let a = column(Type::Bpchar, &[Datum::text("a  "), Datum::text("a"), Datum::text("b")]);
        let b = column(
            Type::Float8,
            &[Datum::Float8(0.0), Datum::Float8(-0.0), Datum::Float8(f64::NAN)],
        );
        let mut out = Vec::new();
        table.insert(&[&a, &b], 3, &mut out);
        assert_eq!(out, [0, 0, 1]);
        table.insert(&[&a, &b], 3, &mut out);
        assert_eq!(out, [0, 0, 1]);
    }
}
