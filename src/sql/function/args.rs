//! Taking arguments apart: the binder promises the types, these check the promise.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::types::{Array, Datum, Interval, Numeric, Type};

fn broken(args: &[Datum], i: usize, expected: &str) -> Error {
    match args.get(i) {
        Some(found) => Error::internal(format!("argument {i} is {found:?}, not {expected}")),
        None => Error::internal(format!("argument {i} is missing")),
    }
}

macro_rules! accessors {
    ($($name:ident -> $ty:ty = $pattern:pat => $value:expr, $expected:literal;)*) => {$(
        #[doc = concat!("Argument `i`, of type `", $expected, "`.")]
        #[inline]
        pub(super) fn $name(args: &[Datum], i: usize) -> Result<$ty> {
            match args.get(i) {
                Some($pattern) => Ok($value),
                _ => Err(broken(args, i, $expected)),
            }
        }
    )*};
}

accessors! {
    boolean -> bool = Datum::Bool(v) => *v, "bool";
    i2 -> i16 = Datum::Int2(v) => *v, "int2";
    i4 -> i32 = Datum::Int4(v) => *v, "int4";
    i8 -> i64 = Datum::Int8(v) => *v, "int8";
    f4 -> f32 = Datum::Float4(v) => *v, "float4";
    f8 -> f64 = Datum::Float8(v) => *v, "float8";
    num -> &Numeric = Datum::Numeric(v) => v, "numeric";
    txt -> &Arc<str> = Datum::Text(v) => v, "text";
    bytes -> &Arc<[u8]> = Datum::Bytea(v) => v, "bytea";
    date -> i32 = Datum::Date(v) => *v, "date";
    time -> i64 = Datum::Time(v) => *v, "time";
    timetz -> (i64, i32) = Datum::Timetz(v, zone) => (*v, *zone), "timetz";
    ts -> i64 = Datum::Timestamp(v) => *v, "timestamp";
    tstz -> i64 = Datum::Timestamptz(v) => *v, "timestamptz";
    span -> Interval = Datum::Interval(v) => *v, "interval";
    json -> &Arc<str> = Datum::Json(v) => v, "json";
    jsonb -> &Arc<serde_json::Value> = Datum::Jsonb(v) => v, "jsonb";
    oid -> u32 = Datum::Oid(v) => *v, "oid";
    array -> &Arc<Array> = Datum::Array(v) => v, "array";
}

/// Argument `i`, whatever it is.
#[inline]
pub(super) fn any(args: &[Datum], i: usize) -> Result<&Datum> {
    args.get(i).ok_or_else(|| broken(args, i, "there"))
}

/// Whether argument `i` is absent or NULL.
pub(super) fn is_null(args: &[Datum], i: usize) -> bool {
    args.get(i).is_none_or(Datum::is_null)
}

/// The type that a value shows. Values of `varchar`, `regclass` and the like show the type whose
/// representation they share; NULL shows nothing.
pub(super) fn type_of(value: &Datum) -> Type {
    match value {
        Datum::Null => Type::Unknown,
        Datum::Bool(_) => Type::Bool,
        Datum::Int2(_) => Type::Int2,
        Datum::Int4(_) => Type::Int4,
        Datum::Int8(_) => Type::Int8,
        Datum::Float4(_) => Type::Float4,
        Datum::Float8(_) => Type::Float8,
        Datum::Numeric(_) => Type::Numeric,
        Datum::Text(_) => Type::Text,
        Datum::Char(_) => Type::Char,
        Datum::Bytea(_) => Type::Bytea,
        Datum::Date(_) => Type::Date,
        Datum::Time(_) => Type::Time,
        Datum::Timetz(..) => Type::Timetz,
        Datum::Timestamp(_) => Type::Timestamp,
        Datum::Timestamptz(_) => Type::Timestamptz,
        Datum::Interval(_) => Type::Interval,
        Datum::Uuid(_) => Type::Uuid,
        Datum::Json(_) => Type::Json,
        Datum::Jsonb(_) => Type::Jsonb,
        Datum::Oid(_) => Type::Oid,
        Datum::Array(array) => Type::Array(Box::new(array.element.clone())),
        Datum::Record(_) => Type::Record,
    }
}

/// The types that values show; see [`type_of`].
pub(super) fn types_of(values: &[Datum]) -> Vec<Type> {
    values.iter().map(type_of).collect()
}
