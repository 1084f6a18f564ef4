//! Functions of whole numbers: factorial, divisors, multiples, buckets.

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::{Numeric, NumericClass, overflow};
use crate::error::{Error, Result, sqlstate};
use crate::types::arith::out_of_range;

/// The largest number whose factorial has not more digits than a numeric may have.
const FACTORIAL_MAX: i64 = 32_177;

impl Numeric {
    /// n!; 22003 below zero or when the result would be too long.
    pub fn factorial(n: i64) -> Result<Numeric> {
        if n < 0 {
            return Err(Error::new(
                sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
                "factorial of a negative number is undefined",
            ));
        }
        if n > FACTORIAL_MAX {
            return Err(overflow());
        }
        Numeric::checked((2..=n).fold(BigInt::one(), |product, i| product * i), 0)
    }

    /// Both mantissas at one scale; `None` unless both are finite.
    fn common(&self, other: &Numeric) -> Option<(BigInt, BigInt, u16)> {
        let scale = self.scale().max(other.scale());
        Some((self.mantissa_at(scale)?, other.mantissa_at(scale)?, scale))
    }

    /// Greatest common divisor; NaN for NaN and the infinities.
    pub fn gcd(&self, other: &Numeric) -> Result<Numeric> {
        match self.common(other) {
            None => Ok(Numeric::NAN),
            Some((a, b, scale)) => Numeric::checked(gcd(a, b), i64::from(scale)),
        }
    }

    /// Least common multiple; NaN for NaN and the infinities.
    pub fn lcm(&self, other: &Numeric) -> Result<Numeric> {
        let Some((a, b, scale)) = self.common(other) else { return Ok(Numeric::NAN) };
        if a.is_zero() || b.is_zero() {
            return Ok(Numeric::small(0, scale));
        }
        let divisor = gcd(a.clone(), b.clone());
        Numeric::checked((a / divisor * b).abs(), i64::from(scale))
    }

    /// The bucket of `count` equal ones between two bounds that a number falls into; 0 is before
    /// the first, `count + 1` behind the last.
    pub fn width_bucket(&self, low: &Numeric, high: &Numeric, count: i32) -> Result<i32> {
        let bad = |message: &str| {
            Err(Error::new(sqlstate::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, message))
        };
        if count <= 0 {
            return bad("count must be greater than zero");
        }
        if self.is_nan() || low.is_nan() || high.is_nan() {
            return bad("operand, lower bound, and upper bound cannot be NaN");
        }
        if low.class() != NumericClass::Finite || high.class() != NumericClass::Finite {
            return bad("lower and upper bounds must be finite");
        }
        let order = low.compare(high);
        if order.is_eq() {
            return bad("lower bound cannot equal upper bound");
        }
        // Bounds may run down as well as up.
        let from_low = if order.is_lt() { self.compare(low) } else { low.compare(self) };
        let from_high = if order.is_lt() { self.compare(high) } else { high.compare(self) };
        if from_low.is_lt() {
            return Ok(0);
        }
        if from_high.is_ge() {
            return count.checked_add(1).ok_or_else(|| out_of_range("integer"));
        }
        let distance = self.sub(low)?.abs();
        let width = high.sub(low)?.abs();
        let bucket = distance.mul(&Numeric::from_i64(i64::from(count)))?.div_trunc(&width)?;
        bucket.to_i32()?.checked_add(1).ok_or_else(|| out_of_range("integer"))
    }
}

fn gcd(mut a: BigInt, mut b: BigInt) -> BigInt {
    while !b.is_zero() {
        let rest = &a % &b;
        (a, b) = (b, rest);
    }
    a.abs()
}
