//! Building, reading and gathering columns.

use std::sync::Arc;

use crate::catalog::row::DatumRef;
use crate::sql::exec::batch::{Column, Data, TextData};
use crate::types::{ColumnType, Datum, Type};

/// How values of a type are held in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// [`Data::Bool`]
    Bool,
    /// [`Data::Int`]
    Int,
    /// [`Data::Float`]
    Float,
    /// [`Data::Text`]
    Text,
    /// [`Data::Any`]
    Any,
}

/// How values of a type are held.
pub fn layout_of(ty: &Type) -> Layout {
    match ty {
        Type::Bool => Layout::Bool,
        Type::Int2
        | Type::Int4
        | Type::Int8
        | Type::Oid
        | Type::Regclass
        | Type::Regtype
        | Type::Regproc
        | Type::Regnamespace
        | Type::Regrole
        | Type::Date
        | Type::Time
        | Type::Timestamp
        | Type::Timestamptz => Layout::Int,
        Type::Float4 | Type::Float8 => Layout::Float,
        Type::Text | Type::Varchar | Type::Bpchar | Type::Name | Type::Unknown => Layout::Text,
        _ => Layout::Any,
    }
}

/// In a list of row numbers: no row, all columns NULL.
pub const MISSING: u32 = u32::MAX;

/// The integer inside a value that [`Data::Int`] can hold.
#[inline]
pub fn int_of(datum: &Datum) -> Option<i64> {
    match datum {
        Datum::Int2(v) => Some(i64::from(*v)),
        Datum::Int4(v) => Some(i64::from(*v)),
        Datum::Int8(v) => Some(*v),
        Datum::Oid(v) => Some(i64::from(*v)),
        Datum::Date(v) => Some(i64::from(*v)),
        Datum::Time(v) | Datum::Timestamp(v) | Datum::Timestamptz(v) => Some(*v),
        _ => None,
    }
}

/// The value that an integer stands for in a column of a type.
#[inline]
pub fn int_datum(ty: &Type, v: i64) -> Datum {
    match ty {
        Type::Int2 => Datum::Int2(v as i16),
        Type::Int4 => Datum::Int4(v as i32),
        Type::Oid
        | Type::Regclass
        | Type::Regtype
        | Type::Regproc
        | Type::Regnamespace
        | Type::Regrole => Datum::Oid(v as u32),
        Type::Date => Datum::Date(v as i32),
        Type::Time => Datum::Time(v),
        Type::Timestamp => Datum::Timestamp(v),
        Type::Timestamptz => Datum::Timestamptz(v),
        _ => Datum::Int8(v),
    }
}

/// Whether an integer column of this type can hold the value without changing what it is.
fn int_fits(ty: &Type, datum: &Datum) -> Option<i64> {
    let v = int_of(datum)?;
    let same = match (ty, datum) {
        (Type::Int2, Datum::Int2(_))
        | (Type::Int4, Datum::Int2(_) | Datum::Int4(_))
        | (Type::Int8, Datum::Int2(_) | Datum::Int4(_) | Datum::Int8(_))
        | (Type::Date, Datum::Date(_))
        | (Type::Time, Datum::Time(_))
        | (Type::Timestamp, Datum::Timestamp(_))
        | (Type::Timestamptz, Datum::Timestamptz(_))
        | (
            Type::Oid
            | Type::Regclass
            | Type::Regtype
            | Type::Regproc
            | Type::Regnamespace
            | Type::Regrole,
            Datum::Oid(_),
        ) => true,
        (Type::Int2, Datum::Int4(_) | Datum::Int8(_)) => i16::try_from(v).is_ok(),
        (Type::Int4, Datum::Int8(_)) => i32::try_from(v).is_ok(),
        _ => false,
    };
    same.then_some(v)
}

impl Column {
    /// A column without rows.
    pub fn empty(ty: ColumnType) -> Column {
        Column::with_capacity(ty, 0)
    }

    /// A column without rows but with room for some.
    pub fn with_capacity(ty: ColumnType, rows: usize) -> Column {
        let data = match layout_of(&ty.ty) {
            Layout::Bool => Data::Bool(Vec::with_capacity(rows)),
            Layout::Int => Data::Int(Vec::with_capacity(rows)),
            Layout::Float => Data::Float(Vec::with_capacity(rows)),
            Layout::Text => Data::Text(TextData::with_capacity(rows)),
            Layout::Any => Data::Any(Vec::with_capacity(rows)),
        };
        Column { ty, data, nulls: None }
    }

    /// A boolean column.
    pub fn bools(values: Vec<bool>, nulls: Option<Vec<bool>>) -> Column {
        Column { ty: Type::Bool.into(), data: Data::Bool(values), nulls }
    }

    /// The same value in every row.
    pub fn constant(ty: &ColumnType, datum: &Datum, rows: usize) -> Column {
        if datum.is_null() {
            let mut column = Column::with_capacity(ty.clone(), rows);
            for _ in 0..rows {
                column.push_null();
            }
            return column;
        }
        let data = match (layout_of(&ty.ty), datum) {
            (Layout::Bool, Datum::Bool(b)) => Data::Bool(vec![*b; rows]),
            (Layout::Int, d) => match int_fits(&ty.ty, d) {
                Some(v) => Data::Int(vec![v; rows]),
                None => Data::Any(vec![d.clone(); rows]),
            },
            (Layout::Float, Datum::Float8(f)) => Data::Float(vec![*f; rows]),
            (Layout::Float, Datum::Float4(f)) => Data::Float(vec![f64::from(*f); rows]),
            (Layout::Text, Datum::Text(s)) if s.len().saturating_mul(rows) < (64 << 20) => {
                Data::Text(std::iter::repeat_n(&**s, rows).collect())
            }
            (_, d) => Data::Any(vec![d.clone(); rows]),
        };
        Column { ty: ty.clone(), data, nulls: None }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::Bool(v) => v.len(),
            Data::Int(v) => v.len(),
            Data::Float(v) => v.len(),
            Data::Text(v) => v.len(),
            Data::Any(v) => v.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a row is NULL.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        match &self.nulls {
            None => false,
            Some(nulls) => nulls.get(row).copied().unwrap_or(true),
        }
    }

    /// The value of a row; NULL if there is no such row.
    pub fn datum(&self, row: usize) -> Datum {
        if self.is_null(row) {
            return Datum::Null;
        }
        match &self.data {
            Data::Bool(v) => v.get(row).map_or(Datum::Null, |b| Datum::Bool(*b)),
            Data::Int(v) => v.get(row).map_or(Datum::Null, |i| int_datum(&self.ty.ty, *i)),
            Data::Float(v) => v.get(row).map_or(Datum::Null, |f| match self.ty.ty {
                Type::Float4 => Datum::Float4(*f as f32),
                _ => Datum::Float8(*f),
            }),
            Data::Text(v) => Datum::Text(Arc::from(v.get(row))),
            Data::Any(v) => v.get(row).cloned().unwrap_or(Datum::Null),
        }
    }

    /// The integer of a row, if it is held as one and not NULL.
    #[inline]
    pub fn int(&self, row: usize) -> Option<i64> {
        if self.is_null(row) {
            return None;
        }
        match &self.data {
            Data::Int(v) => v.get(row).copied(),
            Data::Any(v) => v.get(row).and_then(int_of),
            _ => None,
        }
    }

    /// Whether a row is true (neither false nor NULL).
    #[inline]
    pub fn is_true(&self, row: usize) -> bool {
        if self.is_null(row) {
            return false;
        }
        match &self.data {
            Data::Bool(v) => v.get(row).copied().unwrap_or(false),
            Data::Any(v) => matches!(v.get(row), Some(Datum::Bool(true))),
            _ => false,
        }
    }

    /// Holds the values as datums from now on, because one of them does not fit the layout.
    fn degrade(&mut self) {
        if !matches!(self.data, Data::Any(_)) {
            let values = (0..self.len()).map(|row| self.datum(row)).collect();
            self.data = Data::Any(values);
        }
    }

    #[inline]
    fn mark(&mut self, null: bool) {
        // Called after the value was pushed.
        if let Some(nulls) = &mut self.nulls {
            nulls.push(null);
        } else if null {
            let mut nulls = vec![false; self.len() - 1];
            nulls.push(true);
            self.nulls = Some(nulls);
        }
    }

    /// Adds a NULL.
    pub fn push_null(&mut self) {
        match &mut self.data {
            Data::Bool(v) => v.push(false),
            Data::Int(v) => v.push(0),
            Data::Float(v) => v.push(0.0),
            Data::Text(v) => v.push(""),
            Data::Any(v) => v.push(Datum::Null),
        }
        self.mark(true);
    }

    /// Adds a value.
    pub fn push(&mut self, datum: &Datum) {
        match (&mut self.data, datum) {
            (_, Datum::Null) => return self.push_null(),
            (Data::Bool(v), Datum::Bool(b)) => v.push(*b),
            (Data::Float(v), Datum::Float8(f)) => v.push(*f),
            (Data::Float(v), Datum::Float4(f)) => v.push(f64::from(*f)),
            (Data::Text(v), Datum::Text(s)) if v.has_room(s.len()) => v.push(s),
            (Data::Any(v), d) => v.push(d.clone()),
            (Data::Int(v), d) => match int_fits(&self.ty.ty, d) {
                Some(i) => v.push(i),
                None => {
                    self.degrade();
                    return self.push(datum);
                }
            },
            _ => {
                self.degrade();
                return self.push(datum);
            }
        }
        self.mark(false);
    }

    /// Adds a value that a row decoder hands over.
    #[inline]
    pub fn push_ref(&mut self, value: DatumRef<'_>) {
        match (&mut self.data, value) {
            (Data::Int(v), DatumRef::Int(i)) => v.push(i),
            (Data::Text(v), DatumRef::Text(s)) if v.has_room(s.len()) => v.push(s),
            (Data::Float(v), DatumRef::Float(f)) => v.push(f),
            (Data::Bool(v), DatumRef::Bool(b)) => v.push(b),
            (_, DatumRef::Null) => return self.push_null(),
            (_, value) => {
                let datum = value.to_datum(&self.ty.ty);
                return self.push(&datum);
            }
        }
        self.mark(false);
    }

    /// Adds a row of another column of the same type.
    #[inline]
    pub fn push_from(&mut self, other: &Column, row: usize) {
        if other.is_null(row) {
            return self.push_null();
        }
        match (&mut self.data, &other.data) {
            (Data::Int(v), Data::Int(o)) if row < o.len() => v.push(o[row]),
            (Data::Float(v), Data::Float(o)) if row < o.len() => v.push(o[row]),
            (Data::Bool(v), Data::Bool(o)) if row < o.len() => v.push(o[row]),
            (Data::Text(v), Data::Text(o)) if v.has_room(o.get(row).len()) => v.push(o.get(row)),
            _ => {
                let datum = other.datum(row);
                return self.push(&datum);
            }
        }
        self.mark(false);
    }

    /// Adds all rows of another column of the same type.
    pub fn extend(&mut self, other: &Column) {
        let (before, added) = (self.len(), other.len());
        match (&mut self.data, &other.data) {
            (Data::Bool(v), Data::Bool(o)) => v.extend_from_slice(o),
            (Data::Int(v), Data::Int(o)) => v.extend_from_slice(o),
            (Data::Float(v), Data::Float(o)) => v.extend_from_slice(o),
            (Data::Text(v), Data::Text(o)) if v.has_room(o.bytes.len()) => v.extend(o),
            (Data::Any(v), Data::Any(o)) => v.extend_from_slice(o),
            _ => {
                for row in 0..added {
                    let datum = other.datum(row);
                    self.push(&datum);
                }
                return;
            }
        }
        match (&mut self.nulls, &other.nulls) {
            (None, None) => {}
            (Some(mine), Some(theirs)) => mine.extend_from_slice(theirs),
            (Some(mine), None) => mine.resize(before + added, false),
            (None, Some(theirs)) => {
                let mut nulls = vec![false; before];
                nulls.extend_from_slice(theirs);
                self.nulls = Some(nulls);
            }
        }
    }

    /// The rows with the given numbers, in that order.
    pub fn gather(&self, rows: &[u32]) -> Column {
        fn pick<T: Clone>(values: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().filter_map(|&r| values.get(r as usize)).cloned().collect()
        }
        let data = match &self.data {
            Data::Bool(v) => Data::Bool(pick(v, rows)),
            Data::Int(v) => Data::Int(pick(v, rows)),
            Data::Float(v) => Data::Float(pick(v, rows)),
            Data::Any(v) => Data::Any(pick(v, rows)),
            Data::Text(v) => {
                let bytes: usize = rows.iter().map(|&r| v.get(r as usize).len()).sum();
                if bytes > u32::MAX as usize {
                    Data::Any(rows.iter().map(|&r| Datum::text(v.get(r as usize))).collect())
                } else {
                    let mut out = TextData {
                        bytes: String::with_capacity(bytes),
                        ends: Vec::with_capacity(rows.len()),
                    };
                    for &r in rows {
                        out.push(v.get(r as usize));
                    }
                    Data::Text(out)
                }
            }
        };
        let nulls = self.nulls.as_ref().map(|n| pick(n, rows)).filter(|n| n.contains(&true));
        Column { ty: self.ty.clone(), data, nulls }
    }

    /// Like [`Column::gather`], but [`MISSING`] gives NULL: the absent side of an outer join.
    pub fn gather_or_null(&self, rows: &[u32]) -> Column {
        if !rows.contains(&MISSING) {
            return self.gather(rows);
        }
        let mut out = Column::with_capacity(self.ty.clone(), rows.len());
        for row in rows {
            if *row == MISSING {
                out.push_null();
            } else {
                out.push_from(self, *row as usize);
            }
        }
        out
    }

    /// A run of rows.
    pub fn slice(&self, start: usize, len: usize) -> Column {
        fn run<T: Clone>(values: &[T], start: usize, len: usize) -> Vec<T> {
            values.iter().skip(start).take(len).cloned().collect()
        }
        let data = match &self.data {
            Data::Bool(v) => Data::Bool(run(v, start, len)),
            Data::Int(v) => Data::Int(run(v, start, len)),
            Data::Float(v) => Data::Float(run(v, start, len)),
            Data::Any(v) => Data::Any(run(v, start, len)),
            Data::Text(v) => {
                Data::Text((start..(start + len).min(v.len())).map(|i| v.get(i)).collect())
            }
        };
        let nulls = self.nulls.as_ref().map(|n| run(n, start, len)).filter(|n| n.contains(&true));
        Column { ty: self.ty.clone(), data, nulls }
    }

    /// Marks more rows as NULL.
    pub fn add_nulls(&mut self, more: &[bool]) {
        match &mut self.nulls {
            Some(nulls) => {
                for (mine, theirs) in nulls.iter_mut().zip(more) {
                    *mine |= theirs;
                }
            }
            None if more.contains(&true) => self.nulls = Some(more.to_vec()),
            None => {}
        }
    }

    /// Approximate bytes held.
    pub fn bytes(&self) -> usize {
        let data = match &self.data {
            Data::Bool(v) => v.len(),
            Data::Int(v) => v.len() * 8,
            Data::Float(v) => v.len() * 8,
            Data::Text(v) => v.bytes.len() + v.ends.len() * 4,
            Data::Any(v) => sampled(v.len(), |i| v.get(i).map_or(0, datum_bytes)),
        };
        data + self.nulls.as_ref().map_or(0, Vec::len) + 32
    }
}

/// The sum of some sizes, reckoned from a few of them, so that asking often costs little.
pub fn sampled(count: usize, size: impl Fn(usize) -> usize) -> usize {
    const SAMPLES: usize = 32;
    if count <= SAMPLES {
        return (0..count).map(size).sum();
    }
    let step = count / SAMPLES;
    let sum: usize = (0..SAMPLES).map(|i| size(i * step)).sum();
    (sum as u128 * count as u128 / SAMPLES as u128) as usize
}

/// Approximate bytes that a value holds.
pub fn datum_bytes(datum: &Datum) -> usize {
    let beyond = match datum {
        Datum::Text(s) | Datum::Json(s) => s.len() + 16,
        Datum::Bytea(b) => b.len() + 16,
        Datum::Numeric(_) => 32,
        Datum::Jsonb(v) => json_bytes(v, 0),
        Datum::Array(a) => a.items.iter().map(datum_bytes).sum::<usize>() + 64,
        Datum::Record(r) => r.iter().map(datum_bytes).sum::<usize>() + 16,
        _ => 0,
    };
    beyond + std::mem::size_of::<Datum>()
}

fn json_bytes(value: &serde_json::Value, depth: usize) -> usize {
    // A deep document is counted by its outer levels; the bound only has to be about right.
    if depth > 64 {
        return 64;
    }
    match value {
        serde_json::Value::String(s) => s.len() + 32,
        serde_json::Value::Array(items) => {
            items.iter().map(|v| json_bytes(v, depth + 1)).sum::<usize>() + 32
        }
        serde_json::Value::Object(map) => {
            map.iter().map(|(k, v)| k.len() + 48 + json_bytes(v, depth + 1)).sum::<usize>() + 64
        }
        _ => 32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_appear_only_when_needed_and_survive_gathering() {
        let mut c = Column::empty(Type::Int4.into());
        c.push(&Datum::Int4(7));
        assert!(c.nulls.is_none());
        c.push_null();
        c.push(&Datum::Int4(-1));
        assert!(c.is_null(1) && !c.is_null(2));
        let g = c.gather(&[2, 0]);
        assert!(g.nulls.is_none());
        assert!(matches!(g.datum(0), Datum::Int4(-1)));
        let n = c.gather_or_null(&[MISSING, 0]);
        assert!(n.is_null(0) && matches!(n.datum(1), Datum::Int4(7)));
    }

    #[test]
    fn a_value_that_does_not_fit_its_column_is_kept_as_it_is() {
        let mut c = Column::empty(Type::Int4.into());
        c.push(&Datum::Int4(7));
        c.push(&Datum::Date(3));
        assert!(matches!(c.datum(0), Datum::Int4(7)));
        assert!(matches!(c.datum(1), Datum::Date(3)));
    }

    #[test]
    fn text_is_sliced_and_extended_in_place() {
        let mut a = Column::empty(Type::Text.into());
        for s in ["", "ab", "ü", "c"] {
            a.push(&Datum::text(s));
        }
        let mut b = a.slice(1, 2);
        b.extend(&a);
        let all: Vec<String> = (0..b.len())
            .map(|i| match b.datum(i) {
                Datum::Text(s) => s.to_string(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(all, ["ab", "ü", "", "ab", "ü", "c"]);
    }
}
