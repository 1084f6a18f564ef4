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

/// The types that values show; see [`Datum::shown_type`].
pub(super) fn types_of(values: &[Datum]) -> Vec<Type> {
    values.iter().map(Datum::shown_type).collect()
}
