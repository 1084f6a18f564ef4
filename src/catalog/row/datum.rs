//! A decoded value that borrows from the stored bytes where it can.

use std::sync::Arc;

use crate::types::{Datum, Type};

/// One decoded value. What it means (a number, days, microseconds) is up to the column's type.
#[derive(Clone, Debug)]
pub enum DatumRef<'a> {
    /// NULL.
    Null,
    /// `boolean`.
    Bool(bool),
    /// Integers, `oid` and its like, `date`, `time`, `timestamp`, `timestamptz`. In the range of
    /// the column's type.
    Int(i64),
    /// `real` and `double precision`.
    Float(f64),
    /// `text` and its like, `json`.
    Text(&'a str),
    /// `bytea`.
    Bytes(&'a [u8]),
    /// Everything else.
    Owned(Datum),
}

impl DatumRef<'_> {
    /// The value as a datum of a type, which must be the type it was decoded with.
    pub fn to_datum(self, ty: &Type) -> Datum {
        match self {
            DatumRef::Null => Datum::Null,
            DatumRef::Bool(b) => Datum::Bool(b),
            DatumRef::Int(n) => match ty {
                Type::Int2 => Datum::Int2(n as i16),
                Type::Int4 => Datum::Int4(n as i32),
                Type::Date => Datum::Date(n as i32),
                Type::Time => Datum::Time(n),
                Type::Timestamp => Datum::Timestamp(n),
                Type::Timestamptz => Datum::Timestamptz(n),
                Type::Oid
                | Type::Regclass
                | Type::Regtype
                | Type::Regproc
                | Type::Regnamespace
                | Type::Regrole => Datum::Oid(n as u32),
                _ => Datum::Int8(n),
            },
            DatumRef::Float(n) => match ty {
                Type::Float4 => Datum::Float4(n as f32),
                _ => Datum::Float8(n),
            },
            DatumRef::Text(text) => match ty {
                Type::Json => Datum::Json(Arc::from(text)),
                _ => Datum::Text(Arc::from(text)),
            },
            DatumRef::Bytes(bytes) => Datum::Bytea(Arc::from(bytes)),
            DatumRef::Owned(datum) => datum,
        }
    }
}

impl From<Datum> for DatumRef<'_> {
    fn from(datum: Datum) -> Self {
        match datum {
            Datum::Null => DatumRef::Null,
            Datum::Bool(b) => DatumRef::Bool(b),
            Datum::Int2(n) => DatumRef::Int(n.into()),
            Datum::Int4(n) | Datum::Date(n) => DatumRef::Int(n.into()),
            Datum::Int8(n) | Datum::Time(n) | Datum::Timestamp(n) | Datum::Timestamptz(n) => {
                DatumRef::Int(n)
            }
            Datum::Oid(n) => DatumRef::Int(n.into()),
            // A float4 NaN would lose its payload on the way through f64 and back.
            Datum::Float4(n) if !n.is_nan() => DatumRef::Float(n.into()),
            Datum::Float8(n) => DatumRef::Float(n),
            other => DatumRef::Owned(other),
        }
    }
}

impl<'a> From<&'a Datum> for DatumRef<'a> {
    fn from(datum: &'a Datum) -> Self {
        match datum {
            Datum::Text(text) | Datum::Json(text) => DatumRef::Text(text),
            Datum::Bytea(bytes) => DatumRef::Bytes(bytes),
            other => DatumRef::from(other.clone()),
        }
    }
}
