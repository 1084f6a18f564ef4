//! `= <> < <= > >=` for every type, and across types where PostgreSQL has it.

use std::cmp::Ordering;

use super::args::any;
use super::row::{Row, f};
use super::{Volatility, kernel};
use crate::error::{Error, Result};
use crate::sql::exec::context::EvalContext;
use crate::types::datetime::{self, USECS_PER_DAY};
use crate::types::{Datum, Type, compare::compare_typed};

/// Two values of one type (or of types that share a representation), in the type's own order.
fn same(_: &EvalContext<'_>, a: &[Datum]) -> Result<Ordering> {
    Ok(any(a, 0)?.compare(any(a, 1)?))
}

/// `character(n)`: trailing blanks do not count.
fn padded(_: &EvalContext<'_>, a: &[Datum]) -> Result<Ordering> {
    Ok(compare_typed(&Type::Bpchar, any(a, 0)?, any(a, 1)?))
}

fn ints(_: &EvalContext<'_>, a: &[Datum]) -> Result<Ordering> {
    let int = |d: &Datum| match d {
        Datum::Int2(v) => Ok(i64::from(*v)),
        Datum::Int4(v) => Ok(i64::from(*v)),
        Datum::Int8(v) => Ok(*v),
        Datum::Oid(v) => Ok(i64::from(*v)),
        other => Err(Error::internal(format!("{} is not an integer", other.shown_type()))),
    };
    Ok(int(any(a, 0)?)?.cmp(&int(any(a, 1)?)?))
}

fn floats(_: &EvalContext<'_>, a: &[Datum]) -> Result<Ordering> {
    let float = |d: &Datum| match d {
        Datum::Float4(v) => Ok(f64::from(*v)),
        Datum::Float8(v) => Ok(*v),
        other => Err(Error::internal(format!("{} is not a float", other.shown_type()))),
    };
    Ok(kernel::float_order(float(any(a, 0)?)?, float(any(a, 1)?)?))
}

/// Dates and time stamps with and without zone, as instants. What lies beyond the range of a time
/// stamp is still on the right side of everything within.
fn moments(context: &EvalContext<'_>, a: &[Datum]) -> Result<Ordering> {
    let (left, right) = (any(a, 0)?, any(a, 1)?);
    let zoned = matches!(left, Datum::Timestamptz(_)) || matches!(right, Datum::Timestamptz(_));
    let zone = &context.session.format.time_zone;
    let instant = |d: &Datum| -> Result<i128> {
        let local = match d {
            Datum::Date(datetime::DATE_INFINITY) => return Ok(i128::MAX),
            Datum::Date(datetime::DATE_NEG_INFINITY) => return Ok(i128::MIN),
            Datum::Date(days) => i128::from(*days) * i128::from(USECS_PER_DAY),
            Datum::Timestamp(datetime::TIMESTAMP_INFINITY)
            | Datum::Timestamptz(datetime::TIMESTAMP_INFINITY) => return Ok(i128::MAX),
            Datum::Timestamp(datetime::TIMESTAMP_NEG_INFINITY)
            | Datum::Timestamptz(datetime::TIMESTAMP_NEG_INFINITY) => return Ok(i128::MIN),
            Datum::Timestamptz(at) => return Ok(i128::from(*at)),
            Datum::Timestamp(at) => i128::from(*at),
            other => {
                return Err(Error::internal(format!("{} is not a moment", other.shown_type())));
            }
        };
        match i64::try_from(local) {
            Ok(near) if zoned => Ok(local - i128::from(zone.offset_of_local(near)) * 1_000_000),
            _ => Ok(local),
        }
    };
    Ok(instant(left)?.cmp(&instant(right)?))
}

/// Rows of six operators each: operand types, order, kernels, volatility, then OID and name of the
/// functions of `=`, `<>`, `<`, `<=`, `>`, `>=`.
macro_rules! comparisons {
    ($($params:literal, $order:path, $kernels:ident, $volatility:ident:
       $eq:literal $eq_name:literal, $ne:literal $ne_name:literal, $lt:literal $lt_name:literal,
       $le:literal $le_name:literal, $gt:literal $gt_name:literal, $ge:literal $ge_name:literal;)*) => {
        pub(super) const FUNCTIONS: &[Row] = &[$(
            comparisons!(@row $params, $order, $kernels, $volatility, 0, $eq, $eq_name, is_eq),
            comparisons!(@row $params, $order, $kernels, $volatility, 1, $ne, $ne_name, is_ne),
            comparisons!(@row $params, $order, $kernels, $volatility, 2, $lt, $lt_name, is_lt),
            comparisons!(@row $params, $order, $kernels, $volatility, 3, $le, $le_name, is_le),
            comparisons!(@row $params, $order, $kernels, $volatility, 4, $gt, $gt_name, is_gt),
            comparisons!(@row $params, $order, $kernels, $volatility, 5, $ge, $ge_name, is_ge),
        )*];
    };
    (@row $params:literal, $order:path, $kernels:ident, $volatility:ident, $i:literal,
     $oid:literal, $name:literal, $test:ident) => {{
        let mut row = f($oid, $name, $params, "bool", |context, args| {
            Ok(Datum::Bool($order(context, args)?.$test()))
        });
        row.volatility = Volatility::$volatility;
        row.kernel = kernel::$kernels[$i];
        row
    }};
}

comparisons! {
    "bool bool", same, BOOLS, Immutable: 60 "booleq", 84 "boolne", 56 "boollt", 1691 "boolle", 57 "boolgt", 1692 "boolge";
    "int2 int2", ints, INTS, Immutable: 63 "int2eq", 145 "int2ne", 64 "int2lt", 148 "int2le", 146 "int2gt", 151 "int2ge";
    "int2 int4", ints, INTS, Immutable: 158 "int24eq", 164 "int24ne", 160 "int24lt", 166 "int24le", 162 "int24gt", 168 "int24ge";
    "int2 int8", ints, INTS, Immutable: 1850 "int28eq", 1851 "int28ne", 1852 "int28lt", 1854 "int28le", 1853 "int28gt", 1855 "int28ge";
    "int4 int2", ints, INTS, Immutable: 159 "int42eq", 165 "int42ne", 161 "int42lt", 167 "int42le", 163 "int42gt", 169 "int42ge";
    "int4 int4", ints, INTS, Immutable: 65 "int4eq", 144 "int4ne", 66 "int4lt", 149 "int4le", 147 "int4gt", 150 "int4ge";
    "int4 int8", ints, INTS, Immutable: 852 "int48eq", 853 "int48ne", 854 "int48lt", 856 "int48le", 855 "int48gt", 857 "int48ge";
    "int8 int2", ints, INTS, Immutable: 1856 "int82eq", 1857 "int82ne", 1858 "int82lt", 1860 "int82le", 1859 "int82gt", 1861 "int82ge";
    "int8 int4", ints, INTS, Immutable: 474 "int84eq", 475 "int84ne", 476 "int84lt", 478 "int84le", 477 "int84gt", 479 "int84ge";
    "int8 int8", ints, INTS, Immutable: 467 "int8eq", 468 "int8ne", 469 "int8lt", 471 "int8le", 470 "int8gt", 472 "int8ge";
    "float4 float4", floats, FLOATS, Immutable: 287 "float4eq", 288 "float4ne", 289 "float4lt", 290 "float4le", 291 "float4gt", 292 "float4ge";
    "float4 float8", floats, FLOATS, Immutable: 299 "float48eq", 300 "float48ne", 301 "float48lt", 302 "float48le", 303 "float48gt", 304 "float48ge";
    "float8 float4", floats, FLOATS, Immutable: 305 "float84eq", 306 "float84ne", 307 "float84lt", 308 "float84le", 309 "float84gt", 310 "float84ge";
    "float8 float8", floats, FLOATS, Immutable: 293 "float8eq", 294 "float8ne", 295 "float8lt", 296 "float8le", 297 "float8gt", 298 "float8ge";
    "numeric numeric", same, NONE, Immutable: 1718 "numeric_eq", 1719 "numeric_ne", 1722 "numeric_lt", 1723 "numeric_le", 1720 "numeric_gt", 1721 "numeric_ge";
    "text text", same, TEXTS, Immutable: 67 "texteq", 157 "textne", 740 "text_lt", 741 "text_le", 742 "text_gt", 743 "text_ge";
    "text name", same, TEXTS, Immutable: 247 "texteqname", 252 "textnename", 248 "textltname", 249 "textlename", 251 "textgtname", 250 "textgename";
    "bpchar bpchar", padded, NONE, Immutable: 1048 "bpchareq", 1053 "bpcharne", 1049 "bpcharlt", 1050 "bpcharle", 1051 "bpchargt", 1052 "bpcharge";
    "name text", same, TEXTS, Immutable: 240 "nameeqtext", 245 "namenetext", 241 "namelttext", 242 "nameletext", 244 "namegttext", 243 "namegetext";
    "name name", same, TEXTS, Immutable: 62 "nameeq", 659 "namene", 655 "namelt", 656 "namele", 657 "namegt", 658 "namege";
    "char char", same, NONE, Immutable: 61 "chareq", 70 "charne", 1246 "charlt", 72 "charle", 73 "chargt", 74 "charge";
    "bytea bytea", same, NONE, Immutable: 1948 "byteaeq", 1953 "byteane", 1949 "bytealt", 1950 "byteale", 1951 "byteagt", 1952 "byteage";
    "date date", same, INTS, Immutable: 1086 "date_eq", 1091 "date_ne", 1087 "date_lt", 1088 "date_le", 1089 "date_gt", 1090 "date_ge";
    "date timestamp", moments, NONE, Immutable: 2340 "date_eq_timestamp", 2343 "date_ne_timestamp", 2338 "date_lt_timestamp", 2339 "date_le_timestamp", 2341 "date_gt_timestamp", 2342 "date_ge_timestamp";
    "date timestamptz", moments, NONE, Stable: 2353 "date_eq_timestamptz", 2356 "date_ne_timestamptz", 2351 "date_lt_timestamptz", 2352 "date_le_timestamptz", 2354 "date_gt_timestamptz", 2355 "date_ge_timestamptz";
    "time time", same, INTS, Immutable: 1145 "time_eq", 1106 "time_ne", 1102 "time_lt", 1103 "time_le", 1104 "time_gt", 1105 "time_ge";
    "timetz timetz", same, NONE, Immutable: 1352 "timetz_eq", 1353 "timetz_ne", 1354 "timetz_lt", 1355 "timetz_le", 1357 "timetz_gt", 1356 "timetz_ge";
    "timestamp date", moments, NONE, Immutable: 2366 "timestamp_eq_date", 2369 "timestamp_ne_date", 2364 "timestamp_lt_date", 2365 "timestamp_le_date", 2367 "timestamp_gt_date", 2368 "timestamp_ge_date";
    "timestamp timestamp", same, INTS, Immutable: 2052 "timestamp_eq", 2053 "timestamp_ne", 2054 "timestamp_lt", 2055 "timestamp_le", 2057 "timestamp_gt", 2056 "timestamp_ge";
    "timestamp timestamptz", moments, NONE, Stable: 2522 "timestamp_eq_timestamptz", 2525 "timestamp_ne_timestamptz", 2520 "timestamp_lt_timestamptz", 2521 "timestamp_le_timestamptz", 2523 "timestamp_gt_timestamptz", 2524 "timestamp_ge_timestamptz";
    "timestamptz date", moments, NONE, Stable: 2379 "timestamptz_eq_date", 2382 "timestamptz_ne_date", 2377 "timestamptz_lt_date", 2378 "timestamptz_le_date", 2380 "timestamptz_gt_date", 2381 "timestamptz_ge_date";
    "timestamptz timestamp", moments, NONE, Stable: 2529 "timestamptz_eq_timestamp", 2532 "timestamptz_ne_timestamp", 2527 "timestamptz_lt_timestamp", 2528 "timestamptz_le_timestamp", 2530 "timestamptz_gt_timestamp", 2531 "timestamptz_ge_timestamp";
    "timestamptz timestamptz", same, INTS, Immutable: 1152 "timestamptz_eq", 1153 "timestamptz_ne", 1154 "timestamptz_lt", 1155 "timestamptz_le", 1157 "timestamptz_gt", 1156 "timestamptz_ge";
    "interval interval", same, NONE, Immutable: 1162 "interval_eq", 1163 "interval_ne", 1164 "interval_lt", 1165 "interval_le", 1167 "interval_gt", 1166 "interval_ge";
    "uuid uuid", same, NONE, Immutable: 2956 "uuid_eq", 2959 "uuid_ne", 2954 "uuid_lt", 2955 "uuid_le", 2958 "uuid_gt", 2957 "uuid_ge";
    "jsonb jsonb", same, NONE, Immutable: 4043 "jsonb_eq", 4038 "jsonb_ne", 4039 "jsonb_lt", 4041 "jsonb_le", 4040 "jsonb_gt", 4042 "jsonb_ge";
    "oid oid", ints, INTS, Immutable: 184 "oideq", 185 "oidne", 716 "oidlt", 717 "oidle", 1638 "oidgt", 1639 "oidge";
    "anyenum anyenum", same, NONE, Immutable: 3508 "enum_eq", 3509 "enum_ne", 3510 "enum_lt", 3512 "enum_le", 3511 "enum_gt", 3513 "enum_ge";
    "oidvector oidvector", same, NONE, Immutable: 679 "oidvectoreq", 619 "oidvectorne", 677 "oidvectorlt", 678 "oidvectorle", 681 "oidvectorgt", 680 "oidvectorge";
    "record record", same, NONE, Immutable: 2981 "record_eq", 2982 "record_ne", 2983 "record_lt", 2985 "record_le", 2984 "record_gt", 2986 "record_ge";
    "anyarray anyarray", same, NONE, Immutable: 744 "array_eq", 390 "array_ne", 391 "array_lt", 393 "array_le", 392 "array_gt", 396 "array_ge";
}
