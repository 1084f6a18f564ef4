//! `+ - * / % ^ |/ @ & | # ~ << >>` and signs, for numbers.

use super::args::{f4, f8, i2, i4, i8, num};
use super::kernel;
use super::row::{Row, f};
use crate::types::Datum;
use crate::types::arith::{
    self, float4_add, float4_div, float4_mul, float4_sub, float8_add, float8_div, float8_mul,
    float8_sub, int2_add, int2_div, int2_mul, int2_rem, int2_sub, int4_add, int4_div, int4_mul,
    int4_rem, int4_sub, int8_add, int8_div, int8_mul, int8_rem, int8_sub,
};

/// Operands are widened to the result's type, which does the arithmetic.
macro_rules! integers {
    ($($oid:literal $name:literal $params:literal $result:literal:
       $left:ident $right:ident $datum:ident $compute:ident $kernel:ident;)*) => {
        /// Arithmetic of integers.
        pub(super) const INTEGERS: &[Row] = &[$(
            f($oid, $name, $params, $result, |_, a| {
                Ok(Datum::$datum($compute($left(a, 0)?.into(), $right(a, 1)?.into())?))
            })
            .kernel(kernel::$kernel),
        )*];
    };
}

integers! {
    945 "int8mod" "int8 int8" "int8": i8 i8 Int8 int8_rem REM8;
    155 "int2mod" "int2 int2" "int2": i2 i2 Int2 int2_rem REM2;
    156 "int4mod" "int4 int4" "int4": i4 i4 Int4 int4_rem REM4;
    141 "int4mul" "int4 int4" "int4": i4 i4 Int4 int4_mul MUL4;
    152 "int2mul" "int2 int2" "int2": i2 i2 Int2 int2_mul MUL2;
    170 "int24mul" "int2 int4" "int4": i2 i4 Int4 int4_mul MUL4;
    171 "int42mul" "int4 int2" "int4": i4 i2 Int4 int4_mul MUL4;
    465 "int8mul" "int8 int8" "int8": i8 i8 Int8 int8_mul MUL8;
    1276 "int84mul" "int8 int4" "int8": i8 i4 Int8 int8_mul MUL8;
    1280 "int48mul" "int4 int8" "int8": i4 i8 Int8 int8_mul MUL8;
    839 "int82mul" "int8 int2" "int8": i8 i2 Int8 int8_mul MUL8;
    943 "int28mul" "int2 int8" "int8": i2 i8 Int8 int8_mul MUL8;
    176 "int2pl" "int2 int2" "int2": i2 i2 Int2 int2_add ADD2;
    177 "int4pl" "int4 int4" "int4": i4 i4 Int4 int4_add ADD4;
    178 "int24pl" "int2 int4" "int4": i2 i4 Int4 int4_add ADD4;
    179 "int42pl" "int4 int2" "int4": i4 i2 Int4 int4_add ADD4;
    463 "int8pl" "int8 int8" "int8": i8 i8 Int8 int8_add ADD8;
    1274 "int84pl" "int8 int4" "int8": i8 i4 Int8 int8_add ADD8;
    1278 "int48pl" "int4 int8" "int8": i4 i8 Int8 int8_add ADD8;
    837 "int82pl" "int8 int2" "int8": i8 i2 Int8 int8_add ADD8;
    841 "int28pl" "int2 int8" "int8": i2 i8 Int8 int8_add ADD8;
    180 "int2mi" "int2 int2" "int2": i2 i2 Int2 int2_sub SUB2;
    181 "int4mi" "int4 int4" "int4": i4 i4 Int4 int4_sub SUB4;
    182 "int24mi" "int2 int4" "int4": i2 i4 Int4 int4_sub SUB4;
    183 "int42mi" "int4 int2" "int4": i4 i2 Int4 int4_sub SUB4;
    464 "int8mi" "int8 int8" "int8": i8 i8 Int8 int8_sub SUB8;
    1275 "int84mi" "int8 int4" "int8": i8 i4 Int8 int8_sub SUB8;
    1279 "int48mi" "int4 int8" "int8": i4 i8 Int8 int8_sub SUB8;
    838 "int82mi" "int8 int2" "int8": i8 i2 Int8 int8_sub SUB8;
    942 "int28mi" "int2 int8" "int8": i2 i8 Int8 int8_sub SUB8;
    153 "int2div" "int2 int2" "int2": i2 i2 Int2 int2_div DIV2;
    154 "int4div" "int4 int4" "int4": i4 i4 Int4 int4_div DIV4;
    172 "int24div" "int2 int4" "int4": i2 i4 Int4 int4_div DIV4;
    173 "int42div" "int4 int2" "int4": i4 i2 Int4 int4_div DIV4;
    466 "int8div" "int8 int8" "int8": i8 i8 Int8 int8_div DIV8;
    1277 "int84div" "int8 int4" "int8": i8 i4 Int8 int8_div DIV8;
    1281 "int48div" "int4 int8" "int8": i4 i8 Int8 int8_div DIV8;
    840 "int82div" "int8 int2" "int8": i8 i2 Int8 int8_div DIV8;
    948 "int28div" "int2 int8" "int8": i2 i8 Int8 int8_div DIV8;
}

macro_rules! floats {
    ($($oid:literal $name:literal $params:literal $result:literal:
       $left:ident $right:ident $datum:ident $compute:ident;)*) => {
        /// Arithmetic of floats.
        pub(super) const FLOATS: &[Row] = &[$(
            f($oid, $name, $params, $result, |_, a| {
                Ok(Datum::$datum($compute($left(a, 0)?.into(), $right(a, 1)?.into())?))
            }),
        )*];
    };
}

floats! {
    202 "float4mul" "float4 float4" "float4": f4 f4 Float4 float4_mul;
    279 "float48mul" "float4 float8" "float8": f4 f8 Float8 float8_mul;
    283 "float84mul" "float8 float4" "float8": f8 f4 Float8 float8_mul;
    204 "float4pl" "float4 float4" "float4": f4 f4 Float4 float4_add;
    281 "float48pl" "float4 float8" "float8": f4 f8 Float8 float8_add;
    285 "float84pl" "float8 float4" "float8": f8 f4 Float8 float8_add;
    205 "float4mi" "float4 float4" "float4": f4 f4 Float4 float4_sub;
    282 "float48mi" "float4 float8" "float8": f4 f8 Float8 float8_sub;
    286 "float84mi" "float8 float4" "float8": f8 f4 Float8 float8_sub;
    203 "float4div" "float4 float4" "float4": f4 f4 Float4 float4_div;
    280 "float48div" "float4 float8" "float8": f4 f8 Float8 float8_div;
    284 "float84div" "float8 float4" "float8": f8 f4 Float8 float8_div;
}

/// Numeric arithmetic, bits, signs and the kernels of float8.
pub(super) const OTHERS: &[Row] = &[
    f(218, "float8pl", "float8 float8", "float8", |_, a| {
        Ok(Datum::Float8(float8_add(f8(a, 0)?, f8(a, 1)?)?))
    })
    .kernel(kernel::ADD_FLOAT8),
    f(219, "float8mi", "float8 float8", "float8", |_, a| {
        Ok(Datum::Float8(float8_sub(f8(a, 0)?, f8(a, 1)?)?))
    })
    .kernel(kernel::SUB_FLOAT8),
    f(216, "float8mul", "float8 float8", "float8", |_, a| {
        Ok(Datum::Float8(float8_mul(f8(a, 0)?, f8(a, 1)?)?))
    })
    .kernel(kernel::MUL_FLOAT8),
    f(217, "float8div", "float8 float8", "float8", |_, a| {
        Ok(Datum::Float8(float8_div(f8(a, 0)?, f8(a, 1)?)?))
    })
    .kernel(kernel::DIV_FLOAT8),
    f(1724, "numeric_add", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.add(num(a, 1)?)?))
    }),
    f(1725, "numeric_sub", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.sub(num(a, 1)?)?))
    }),
    f(1726, "numeric_mul", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.mul(num(a, 1)?)?))
    }),
    f(1727, "numeric_div", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.div(num(a, 1)?)?))
    }),
    f(1729, "numeric_mod", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.rem(num(a, 1)?)?))
    }),
    f(1728, "mod", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.rem(num(a, 1)?)?))
    }),
    f(940, "mod", "int2 int2", "int2", |_, a| Ok(Datum::Int2(int2_rem(i2(a, 0)?, i2(a, 1)?)?)))
        .kernel(kernel::REM2),
    f(941, "mod", "int4 int4", "int4", |_, a| Ok(Datum::Int4(int4_rem(i4(a, 0)?, i4(a, 1)?)?)))
        .kernel(kernel::REM4),
    f(947, "mod", "int8 int8", "int8", |_, a| Ok(Datum::Int8(int8_rem(i8(a, 0)?, i8(a, 1)?)?)))
        .kernel(kernel::REM8),
    f(1892, "int2and", "int2 int2", "int2", |_, a| Ok(Datum::Int2(i2(a, 0)? & i2(a, 1)?))),
    f(1893, "int2or", "int2 int2", "int2", |_, a| Ok(Datum::Int2(i2(a, 0)? | i2(a, 1)?))),
    f(1894, "int2xor", "int2 int2", "int2", |_, a| Ok(Datum::Int2(i2(a, 0)? ^ i2(a, 1)?))),
    f(1895, "int2not", "int2", "int2", |_, a| Ok(Datum::Int2(!i2(a, 0)?))),
    f(1896, "int2shl", "int2 int4", "int2", |_, a| {
        Ok(Datum::Int2(i32::from(i2(a, 0)?).wrapping_shl(i4(a, 1)? as u32) as i16))
    }),
    f(1897, "int2shr", "int2 int4", "int2", |_, a| {
        Ok(Datum::Int2(i32::from(i2(a, 0)?).wrapping_shr(i4(a, 1)? as u32) as i16))
    }),
    f(1911, "int2up", "int2", "int2", |_, a| Ok(Datum::Int2(i2(a, 0)?))),
    f(213, "int2um", "int2", "int2", |_, a| Ok(Datum::Int2(arith::int2_neg(i2(a, 0)?)?))),
    f(1253, "int2abs", "int2", "int2", |_, a| Ok(Datum::Int2(arith::int2_abs(i2(a, 0)?)?))),
    f(1398, "abs", "int2", "int2", |_, a| Ok(Datum::Int2(arith::int2_abs(i2(a, 0)?)?))),
    f(1898, "int4and", "int4 int4", "int4", |_, a| Ok(Datum::Int4(i4(a, 0)? & i4(a, 1)?))),
    f(1899, "int4or", "int4 int4", "int4", |_, a| Ok(Datum::Int4(i4(a, 0)? | i4(a, 1)?))),
    f(1900, "int4xor", "int4 int4", "int4", |_, a| Ok(Datum::Int4(i4(a, 0)? ^ i4(a, 1)?))),
    f(1901, "int4not", "int4", "int4", |_, a| Ok(Datum::Int4(!i4(a, 0)?))),
    f(1902, "int4shl", "int4 int4", "int4", |_, a| {
        Ok(Datum::Int4(i4(a, 0)?.wrapping_shl(i4(a, 1)? as u32)))
    }),
    f(1903, "int4shr", "int4 int4", "int4", |_, a| {
        Ok(Datum::Int4(i4(a, 0)?.wrapping_shr(i4(a, 1)? as u32)))
    }),
    f(1912, "int4up", "int4", "int4", |_, a| Ok(Datum::Int4(i4(a, 0)?))),
    f(212, "int4um", "int4", "int4", |_, a| Ok(Datum::Int4(arith::int4_neg(i4(a, 0)?)?))),
    f(1251, "int4abs", "int4", "int4", |_, a| Ok(Datum::Int4(arith::int4_abs(i4(a, 0)?)?))),
    f(1397, "abs", "int4", "int4", |_, a| Ok(Datum::Int4(arith::int4_abs(i4(a, 0)?)?))),
    f(1904, "int8and", "int8 int8", "int8", |_, a| Ok(Datum::Int8(i8(a, 0)? & i8(a, 1)?))),
    f(1905, "int8or", "int8 int8", "int8", |_, a| Ok(Datum::Int8(i8(a, 0)? | i8(a, 1)?))),
    f(1906, "int8xor", "int8 int8", "int8", |_, a| Ok(Datum::Int8(i8(a, 0)? ^ i8(a, 1)?))),
    f(1907, "int8not", "int8", "int8", |_, a| Ok(Datum::Int8(!i8(a, 0)?))),
    f(1908, "int8shl", "int8 int4", "int8", |_, a| {
        Ok(Datum::Int8(i8(a, 0)?.wrapping_shl(i4(a, 1)? as u32)))
    }),
    f(1909, "int8shr", "int8 int4", "int8", |_, a| {
        Ok(Datum::Int8(i8(a, 0)?.wrapping_shr(i4(a, 1)? as u32)))
    }),
    f(1910, "int8up", "int8", "int8", |_, a| Ok(Datum::Int8(i8(a, 0)?))),
    f(462, "int8um", "int8", "int8", |_, a| Ok(Datum::Int8(arith::int8_neg(i8(a, 0)?)?))),
    f(1230, "int8abs", "int8", "int8", |_, a| Ok(Datum::Int8(arith::int8_abs(i8(a, 0)?)?))),
    f(1396, "abs", "int8", "int8", |_, a| Ok(Datum::Int8(arith::int8_abs(i8(a, 0)?)?))),
    f(1913, "float4up", "float4", "float4", |_, a| Ok(Datum::Float4(f4(a, 0)?))),
    f(206, "float4um", "float4", "float4", |_, a| Ok(Datum::Float4(-f4(a, 0)?))),
    f(207, "float4abs", "float4", "float4", |_, a| Ok(Datum::Float4(f4(a, 0)?.abs()))),
    f(1394, "abs", "float4", "float4", |_, a| Ok(Datum::Float4(f4(a, 0)?.abs()))),
    f(1914, "float8up", "float8", "float8", |_, a| Ok(Datum::Float8(f8(a, 0)?))),
    f(220, "float8um", "float8", "float8", |_, a| Ok(Datum::Float8(-f8(a, 0)?))),
    f(221, "float8abs", "float8", "float8", |_, a| Ok(Datum::Float8(f8(a, 0)?.abs()))),
    f(1395, "abs", "float8", "float8", |_, a| Ok(Datum::Float8(f8(a, 0)?.abs()))),
    f(1915, "numeric_uplus", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.clone()))),
    f(1771, "numeric_uminus", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.neg()))),
    f(1704, "numeric_abs", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.abs()))),
    f(1705, "abs", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.abs()))),
    f(232, "dpow", "float8 float8", "float8", |_, a| {
        Ok(Datum::Float8(arith::float8_pow(f8(a, 0)?, f8(a, 1)?)?))
    }),
    f(1739, "numeric_power", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.power(num(a, 1)?)?))
    }),
];
