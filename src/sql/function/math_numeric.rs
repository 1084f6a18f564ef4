//! Mathematics over exact numbers.

use super::args::{any, array, i4, i8, num};
use super::row::{Row, f};
use crate::error::{Error, sqlstate};
use crate::types::{Datum, Numeric};

pub(super) const FUNCTIONS: &[Row] = &[
    f(1711, "ceil", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.ceil()))),
    f(2167, "ceiling", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.ceil()))),
    f(1712, "floor", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.floor()))),
    f(1708, "round", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.round(0)))),
    f(1707, "round", "numeric int4", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.round(i4(a, 1)?)))
    }),
    f(1710, "trunc", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.trunc(0)))),
    f(1709, "trunc", "numeric int4", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.trunc(i4(a, 1)?)))
    }),
    f(1706, "sign", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.sign()))),
    f(1730, "sqrt", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.sqrt()?))),
    f(1731, "numeric_sqrt", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.sqrt()?))),
    f(1732, "exp", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.exp()?))),
    f(1733, "numeric_exp", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.exp()?))),
    f(1734, "ln", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.ln()?))),
    f(1735, "numeric_ln", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.ln()?))),
    f(1741, "log", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.log10()?))),
    f(1481, "log10", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.log10()?))),
    f(1736, "log", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 1)?.log(num(a, 0)?)?))
    }),
    f(1737, "numeric_log", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 1)?.log(num(a, 0)?)?))
    }),
    f(2169, "power", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.power(num(a, 1)?)?))
    }),
    f(1738, "pow", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.power(num(a, 1)?)?))
    }),
    f(1973, "div", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.div_trunc(num(a, 1)?)?))
    }),
    f(1980, "numeric_div_trunc", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.div_trunc(num(a, 1)?)?))
    }),
    f(5048, "gcd", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.gcd(num(a, 1)?)?))
    }),
    f(5049, "lcm", "numeric numeric", "numeric", |_, a| {
        Ok(Datum::Numeric(num(a, 0)?.lcm(num(a, 1)?)?))
    }),
    f(1376, "factorial", "int8", "numeric", |_, a| {
        Ok(Datum::Numeric(Numeric::factorial(i8(a, 0)?)?))
    }),
    f(3281, "scale", "numeric", "int4", |_, a| {
        let value = num(a, 0)?;
        Ok(value.parts().map(|_| Datum::Int4(value.scale().into())).into())
    }),
    f(5042, "min_scale", "numeric", "int4", |_, a| {
        let value = num(a, 0)?;
        Ok(value.parts().map(|_| Datum::Int4(value.min_scale().into())).into())
    }),
    f(5043, "trim_scale", "numeric", "numeric", |_, a| Ok(Datum::Numeric(num(a, 0)?.trim_scale()))),
    f(2170, "width_bucket", "numeric numeric numeric int4", "int4", |_, a| {
        Ok(Datum::Int4(num(a, 0)?.width_bucket(num(a, 1)?, num(a, 2)?, i4(a, 3)?)?))
    }),
    f(3218, "width_bucket", "anycompatible anycompatiblearray", "int4", |_, a| {
        let (operand, thresholds) = (any(a, 0)?, array(a, 1)?);
        if thresholds.dimensions.len() > 1 {
            return Err(Error::new(
                sqlstate::ARRAY_SUBSCRIPT_ERROR,
                "thresholds must be one-dimensional array",
            ));
        }
        if thresholds.items.iter().any(Datum::is_null) {
            return Err(Error::new(
                sqlstate::NULL_VALUE_NOT_ALLOWED,
                "thresholds array must not contain NULLs",
            ));
        }
        let below = thresholds.items.partition_point(|t| t.compare(operand).is_le());
        Ok(Datum::Int4(i32::try_from(below).unwrap_or(i32::MAX)))
    }),
];
