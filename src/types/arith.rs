//! Checked arithmetic on the machine numbers: PostgreSQL's errors instead of wrap-around.

use crate::error::{Error, Result, sqlstate};

/// `22003`: `integer out of range`, with the type's name.
pub fn out_of_range(type_name: &str) -> Error {
    Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, format!("{type_name} out of range"))
}

/// `22012`
pub fn division_by_zero() -> Error {
    Error::new(sqlstate::DIVISION_BY_ZERO, "division by zero")
}

macro_rules! integer_operations {
    ($int:ty, $name:literal: $add:ident, $sub:ident, $mul:ident, $div:ident, $rem:ident, $neg:ident, $abs:ident) => {
        #[doc = concat!("`", $name, " + ", $name, "`")]
        pub fn $add(a: $int, b: $int) -> Result<$int> {
            a.checked_add(b).ok_or_else(|| out_of_range($name))
        }
        #[doc = concat!("`", $name, " - ", $name, "`")]
        pub fn $sub(a: $int, b: $int) -> Result<$int> {
            a.checked_sub(b).ok_or_else(|| out_of_range($name))
        }
        #[doc = concat!("`", $name, " * ", $name, "`")]
        pub fn $mul(a: $int, b: $int) -> Result<$int> {
            a.checked_mul(b).ok_or_else(|| out_of_range($name))
        }
        #[doc = concat!("`", $name, " / ", $name, "`, towards zero")]
        pub fn $div(a: $int, b: $int) -> Result<$int> {
            if b == 0 {
                return Err(division_by_zero());
            }
            a.checked_div(b).ok_or_else(|| out_of_range($name))
        }
        #[doc = concat!("`", $name, " % ", $name, "`, with the sign of the dividend")]
        pub fn $rem(a: $int, b: $int) -> Result<$int> {
            if b == 0 {
                return Err(division_by_zero());
            }
            // The smallest number modulo -1 is 0, although the quotient overflows.
            Ok(a.checked_rem(b).unwrap_or(0))
        }
        #[doc = concat!("`- ", $name, "`")]
        pub fn $neg(a: $int) -> Result<$int> {
            a.checked_neg().ok_or_else(|| out_of_range($name))
        }
        #[doc = concat!("`abs(", $name, ")`")]
        pub fn $abs(a: $int) -> Result<$int> {
            a.checked_abs().ok_or_else(|| out_of_range($name))
        }
    };
}

integer_operations!(i16, "smallint": int2_add, int2_sub, int2_mul, int2_div, int2_rem, int2_neg, int2_abs);
integer_operations!(i32, "integer": int4_add, int4_sub, int4_mul, int4_div, int4_rem, int4_neg, int4_abs);
integer_operations!(i64, "bigint": int8_add, int8_sub, int8_mul, int8_div, int8_rem, int8_neg, int8_abs);

/// `22003`: a float result is too large.
pub fn float_overflow() -> Error {
    Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

/// `22003`: a float result is too small.
pub fn float_underflow() -> Error {
    Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow")
}

macro_rules! float_operations {
    ($float:ty, $name:literal: $add:ident, $sub:ident, $mul:ident, $div:ident) => {
        #[doc = concat!("`", $name, " + ", $name, "`")]
        pub fn $add(a: $float, b: $float) -> Result<$float> {
            let r = a + b;
            if r.is_infinite() && a.is_finite() && b.is_finite() {
                return Err(float_overflow());
            }
            Ok(r)
        }
        #[doc = concat!("`", $name, " - ", $name, "`")]
        pub fn $sub(a: $float, b: $float) -> Result<$float> {
            $add(a, -b)
        }
        #[doc = concat!("`", $name, " * ", $name, "`")]
        pub fn $mul(a: $float, b: $float) -> Result<$float> {
            let r = a * b;
            if r.is_infinite() && a.is_finite() && b.is_finite() {
                return Err(float_overflow());
            }
            if r == 0.0 && a != 0.0 && b != 0.0 {
                return Err(float_underflow());
            }
            Ok(r)
        }
        #[doc = concat!("`", $name, " / ", $name, "`")]
        pub fn $div(a: $float, b: $float) -> Result<$float> {
            if b == 0.0 && !a.is_nan() {
                return Err(division_by_zero());
            }
            let r = a / b;
            if r.is_infinite() && a.is_finite() {
                return Err(float_overflow());
            }
            if r == 0.0 && a != 0.0 && b.is_finite() {
                return Err(float_underflow());
            }
            Ok(r)
        }
    };
}

float_operations!(f32, "real": float4_add, float4_sub, float4_mul, float4_div);
float_operations!(f64, "double precision": float8_add, float8_sub, float8_mul, float8_div);

/// `double precision ^ double precision`
pub fn float8_pow(a: f64, b: f64) -> Result<f64> {
    let domain = |message: &str| {
        Err(Error::new(sqlstate::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message.to_string()))
    };
    if a == 0.0 && b < 0.0 {
        return domain("zero raised to a negative power is undefined");
    }
    if a < 0.0 && b.is_finite() && b.fract() != 0.0 {
        return domain("a negative number raised to a non-integer power yields a complex result");
    }
    let r = a.powf(b);
    if a.is_finite() && b.is_finite() {
        if r.is_infinite() {
            return Err(float_overflow());
        }
        if r == 0.0 && a != 0.0 {
            return Err(float_underflow());
        }
    }
    Ok(r)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_fail_instead_of_wrapping() {
        let e = int4_add(i32::MAX, 1).unwrap_err();
        assert_eq!(
            (e.code(), e.message()),
            (sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range")
        );
        assert_eq!(int2_mul(200, 200).unwrap_err().message(), "smallint out of range");
        assert_eq!(int8_div(i64::MIN, -1).unwrap_err().message(), "bigint out of range");
        assert_eq!(int8_rem(i64::MIN, -1).unwrap(), 0);
        assert_eq!(int4_div(1, 0).unwrap_err().code(), sqlstate::DIVISION_BY_ZERO);
        assert_eq!(int4_div(-7, 2).unwrap(), -3);
        assert_eq!(int4_rem(-7, 2).unwrap(), -1);
        assert_eq!(int4_abs(i32::MIN).unwrap_err().message(), "integer out of range");
    }

    #[test]
    fn floats_report_overflow_and_underflow() {
        assert_eq!(float8_mul(1e308, 10.0).unwrap_err().message(), "value out of range: overflow");
        assert_eq!(
            float8_mul(1e-308, 1e-308).unwrap_err().message(),
            "value out of range: underflow"
        );
        assert!(float8_add(f64::INFINITY, 1.0).unwrap().is_infinite());
        assert_eq!(float8_div(1.0, 0.0).unwrap_err().code(), sqlstate::DIVISION_BY_ZERO);
        assert!(float8_div(f64::NAN, 0.0).unwrap().is_nan());
        assert_eq!(float8_div(1.0, f64::INFINITY).unwrap(), 0.0);
        assert_eq!(
            float8_pow(-8.0, 1.0 / 3.0).unwrap_err().code(),
            sqlstate::INVALID_ARGUMENT_FOR_POWER_FUNCTION
        );
    }
}
