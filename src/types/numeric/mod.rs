//! # Exact decimal numbers
//!
//! PostgreSQL's `numeric`: a finite number is `mantissa / 10^scale`, where the *scale* is the
//! display scale (`1.50` keeps its zero); beside the finite numbers there are NaN and two
//! infinities. Mantissas of up to 127 bits live in the value itself, larger ones behind a shared
//! pointer, so that the usual sums allocate nothing.
//!
//! ```text
//!   Small(i128, scale) ── fits ──┐
//!                                ├─▶ add · mul · div · round …  ─▶ checked() ─▶ Small or Big
//!   Big(BigInt, scale) ── else ──┘
//! ```
//!
//! Rules of scale: addition and subtraction take the larger scale, multiplication the sum,
//! division and the transcendental functions enough for 16 significant digits and at least the
//! operands' scales.
//!
//! Invariants: a mantissa that fits an `i128` is never kept as `Big`; no scale is above 16,383;
//! NaN equals itself and is larger than everything; `1.0` and `1.00` are equal and hash alike.
//!
//! What it is not: binary floating point, whose rules are in `arith`.

mod arithmetic;
mod integral;
mod power;
mod rounding;
mod text;
mod transcendental;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::error::{Error, Result, sqlstate};
use crate::limits::{NUMERIC_INTEGER_DIGITS_MAX, NUMERIC_SCALE_MAX};

/// Largest display scale that a function chooses by itself, as in PostgreSQL.
const RESULT_SCALE_MAX: i64 = 1_000;
/// Significant digits that division and the functions give at least.
const SIGNIFICANT_DIGITS_MIN: i64 = 16;
/// Decimal digits in one of PostgreSQL's base-10000 groups; rules of scale count in groups.
const GROUP: i64 = 4;

/// An exact decimal number, NaN, or an infinity.
#[derive(Clone, Debug)]
pub struct Numeric(Repr);

#[derive(Clone, Debug)]
enum Repr {
    /// The two halves of an `i128`, low first: an `i128` itself would align every datum to 16.
    Small([u64; 2], u16),
    Big(Arc<(BigInt, u16)>),
    NaN,
    Infinity,
    NegInfinity,
}

/// Sign, exponent and digits: value = 0.d1d2d3… × 10^exponent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumericParts {
    /// Below zero.
    pub negative: bool,
    /// Position of the point.
    pub exponent: i64,
    /// Decimal digits 0-9 without leading or trailing zeros; empty for zero.
    pub digits: Vec<u8>,
}

/// NaN, the infinities, or finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumericClass {
    /// A number.
    Finite,
    /// Not a number.
    NaN,
    /// Larger than every number.
    Infinity,
    /// Smaller than every number.
    NegInfinity,
}

/// 22003, "value overflows numeric format".
fn overflow() -> Error {
    Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

fn out_of_range(what: &str) -> Error {
    Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, format!("{what} out of range"))
}

/// `10^n` where it fits.
fn small_power_of_ten(n: u32) -> Option<i128> {
    10i128.checked_pow(n)
}

/// `10^n`. Callers bound n by the limits of scale and length.
fn power_of_ten(n: i64) -> BigInt {
    BigInt::from(10u8).pow(u32::try_from(n).unwrap_or(0))
}

/// Divides rounding half away from zero; the divisor is positive.
fn divide_rounded(value: &BigInt, divisor: &BigInt) -> BigInt {
    let (quotient, remainder) = (value / divisor, value % divisor);
    if remainder.abs() * 2u8 >= *divisor {
        if value.is_negative() { quotient - 1u8 } else { quotient + 1u8 }
    } else {
        quotient
    }
}

/// The same in machine numbers; `None` if the doubled remainder does not fit.
fn divide_rounded_small(value: i128, divisor: i128) -> Option<i128> {
    let (quotient, remainder) = (value.checked_div(divisor)?, value.checked_rem(divisor)?);
    if remainder.unsigned_abs().checked_mul(2)? >= divisor.unsigned_abs() {
        quotient.checked_add(if (value < 0) == (divisor < 0) { 1 } else { -1 })
    } else {
        Some(quotient)
    }
}

impl Numeric {
    /// 0
    pub const ZERO: Numeric = Numeric(Repr::Small([0; 2], 0));
    /// 1
    pub const ONE: Numeric = Numeric(Repr::Small([1, 0], 0));
    /// NaN
    pub const NAN: Numeric = Numeric(Repr::NaN);

    const fn small(mantissa: i128, scale: u16) -> Numeric {
        let bits = mantissa.cast_unsigned();
        Numeric(Repr::Small([bits as u64, (bits >> 64) as u64], scale))
    }

    /// A whole number.
    pub fn from_i64(v: i64) -> Numeric {
        Numeric::small(i128::from(v), 0)
    }

    /// `mantissa / 10^scale`. A scale above the largest one is cut to it, digits and all.
    pub fn from_i128(mantissa: i128, scale: u16) -> Numeric {
        if i64::from(scale) <= NUMERIC_SCALE_MAX {
            return Numeric::small(mantissa, scale);
        }
        Numeric::checked(BigInt::from(mantissa), i64::from(scale)).unwrap_or(Numeric::ZERO)
    }

    /// The scale is in range; the size of the mantissa decides its place.
    fn from_big(mantissa: BigInt, scale: u16) -> Numeric {
        match mantissa.to_i128() {
            Some(small) => Numeric::small(small, scale),
            None => Numeric(Repr::Big(Arc::new((mantissa, scale)))),
        }
    }

    /// A computed result: scales above the largest are rounded away, negative ones filled up, and
    /// 22003 if there are more digits before the point than PostgreSQL allows.
    fn checked(mantissa: BigInt, scale: i64) -> Result<Numeric> {
        let kept = scale.clamp(0, NUMERIC_SCALE_MAX);
        let mantissa = match scale - kept {
            0 => mantissa,
            fill if fill < 0 => {
                if -fill > NUMERIC_INTEGER_DIGITS_MAX && !mantissa.is_zero() {
                    return Err(overflow());
                }
                mantissa * power_of_ten(-fill)
            }
            excess => divide_rounded(&mantissa, &power_of_ten(excess)),
        };
        // A bit is about 0.30103 decimal digits; near the limit the digits are counted.
        let estimate = mantissa.bits() as f64 * std::f64::consts::LOG10_2;
        if estimate as i64 - kept >= NUMERIC_INTEGER_DIGITS_MAX {
            let digits = mantissa.magnitude().to_str_radix(10).len() as i64;
            if digits - kept > NUMERIC_INTEGER_DIGITS_MAX {
                return Err(overflow());
            }
        }
        Ok(Numeric::from_big(mantissa, kept as u16))
    }

    /// From double precision, with the 15 digits that PostgreSQL keeps.
    pub fn from_f64(v: f64) -> Numeric {
        Numeric::from_float(v, 15)
    }

    /// From real, with the 6 digits that PostgreSQL keeps.
    pub fn from_f32(v: f32) -> Numeric {
        Numeric::from_float(f64::from(v), 6)
    }

    fn from_float(v: f64, digits: i32) -> Numeric {
        if v.is_nan() {
            return Numeric::NAN;
        }
        if v.is_infinite() {
            return if v > 0.0 { Numeric::infinity() } else { Numeric::neg_infinity() };
        }
        // Every finite float is within a numeric's range.
        Numeric::parse(&super::text::float_with_digits(v, digits)).unwrap_or(Numeric::NAN)
    }

    /// Infinity
    pub fn infinity() -> Numeric {
        Numeric(Repr::Infinity)
    }

    /// -Infinity
    pub fn neg_infinity() -> Numeric {
        Numeric(Repr::NegInfinity)
    }

    /// Which kind of value it is.
    pub fn class(&self) -> NumericClass {
        match self.0 {
            Repr::Small(..) | Repr::Big(_) => NumericClass::Finite,
            Repr::NaN => NumericClass::NaN,
            Repr::Infinity => NumericClass::Infinity,
            Repr::NegInfinity => NumericClass::NegInfinity,
        }
    }

    /// Whether it is NaN.
    pub fn is_nan(&self) -> bool {
        matches!(self.0, Repr::NaN)
    }

    fn is_infinite(&self) -> bool {
        matches!(self.0, Repr::Infinity | Repr::NegInfinity)
    }

    /// Mantissa and scale, if the mantissa is a machine number.
    fn as_small(&self) -> Option<(i128, u16)> {
        match &self.0 {
            Repr::Small([low, high], scale) => {
                let bits = u128::from(*high) << 64 | u128::from(*low);
                Some((bits.cast_signed(), *scale))
            }
            _ => None,
        }
    }

    /// Mantissa and scale of a finite number.
    fn finite(&self) -> Option<(BigInt, u16)> {
        match &self.0 {
            Repr::Small(..) => self.as_small().map(|(m, s)| (BigInt::from(m), s)),
            Repr::Big(b) => Some((b.0.clone(), b.1)),
            _ => None,
        }
    }

    /// The mantissa at a scale that is not below the number's own.
    fn mantissa_at(&self, scale: u16) -> Option<BigInt> {
        let (mantissa, own) = self.finite()?;
        Some(match scale.saturating_sub(own) {
            0 => mantissa,
            fill => mantissa * power_of_ten(i64::from(fill)),
        })
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        matches!(self.0, Repr::Small([0, 0], _))
    }

    /// Whether it is below 0.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Small([_, high], _) => high.cast_signed() < 0,
            Repr::Big(b) => b.0.is_negative(),
            Repr::NegInfinity => true,
            Repr::NaN | Repr::Infinity => false,
        }
    }

    /// Display scale.
    pub fn scale(&self) -> u16 {
        match &self.0 {
            Repr::Small(_, s) => *s,
            Repr::Big(b) => b.1,
            _ => 0,
        }
    }

    /// Decimal digits of the mantissa; 0 for zero.
    fn digit_count(&self) -> i64 {
        match &self.0 {
            Repr::Small(..) => self
                .as_small()
                .and_then(|(m, _)| m.unsigned_abs().checked_ilog10())
                .map_or(0, |log| i64::from(log) + 1),
            Repr::Big(b) => b.0.magnitude().to_str_radix(10).len() as i64,
            _ => 0,
        }
    }

    /// `None` for NaN and the infinities.
    pub fn parts(&self) -> Option<NumericParts> {
        let (text, scale) = match &self.0 {
            Repr::Small(..) => {
                let (m, s) = self.as_small()?;
                (m.unsigned_abs().to_string(), s)
            }
            Repr::Big(b) => (b.0.magnitude().to_str_radix(10), b.1),
            _ => return None,
        };
        if self.is_zero() {
            return Some(NumericParts { negative: false, exponent: 0, digits: vec![] });
        }
        let exponent = text.len() as i64 - i64::from(scale);
        let digits = text.trim_end_matches('0').bytes().map(|b| b - b'0').collect();
        Some(NumericParts { negative: self.is_negative(), exponent, digits })
    }

    /// The inverse of [`Numeric::parts`] under a display scale; `XX001` on digits that are none.
    pub fn from_parts(parts: &NumericParts, scale: u16) -> Result<Numeric> {
        let bad = || Error::corrupt("malformed numeric digits");
        let too_long = parts.exponent > NUMERIC_INTEGER_DIGITS_MAX
            || parts.exponent < -NUMERIC_SCALE_MAX
            || parts.digits.len() as i64 > NUMERIC_INTEGER_DIGITS_MAX + NUMERIC_SCALE_MAX
            || i64::from(scale) > NUMERIC_SCALE_MAX;
        if too_long || parts.digits.iter().any(|d| *d > 9) {
            return Err(bad());
        }
        let text: Vec<u8> = parts.digits.iter().map(|d| d + b'0').collect();
        let mut mantissa = match text.is_empty() {
            true => BigInt::zero(),
            false => BigInt::parse_bytes(&text, 10).ok_or_else(bad)?,
        };
        if parts.negative {
            mantissa = -mantissa;
        }
        // value = mantissa × 10^(exponent - digits)
        let grow = i64::from(scale) - (parts.digits.len() as i64 - parts.exponent);
        let mantissa = if grow >= 0 {
            mantissa * power_of_ten(grow)
        } else {
            divide_rounded(&mantissa, &power_of_ten(-grow))
        };
        Ok(Numeric::from_big(mantissa, scale))
    }

    /// Total order: NaN largest.
    pub fn compare(&self, other: &Numeric) -> Ordering {
        if let (Some((a, s)), Some((b, t))) = (self.as_small(), other.as_small()) {
            if s == t {
                return a.cmp(&b);
            }
            let grown =
                |m: i128, by: u16| small_power_of_ten(u32::from(by)).and_then(|p| m.checked_mul(p));
            let pair = (grown(a, t.saturating_sub(s)), grown(b, s.saturating_sub(t)));
            if let (Some(a), Some(b)) = pair {
                return a.cmp(&b);
            }
        }
        let rank = |n: &Numeric| match n.class() {
            NumericClass::NegInfinity => 0,
            NumericClass::Finite => 1,
            NumericClass::Infinity => 2,
            NumericClass::NaN => 3,
        };
        rank(self).cmp(&rank(other)).then_with(|| {
            let scale = self.scale().max(other.scale());
            match (self.mantissa_at(scale), other.mantissa_at(scale)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => Ordering::Equal,
            }
        })
    }

    /// Rounds half away from zero; 22003 out of range, 0A000 for NaN and the infinities.
    pub fn to_i64(&self) -> Result<i64> {
        self.to_integer("bigint")?.to_i64().ok_or_else(|| out_of_range("bigint"))
    }

    /// As [`Numeric::to_i64`], for integer.
    pub fn to_i32(&self) -> Result<i32> {
        self.to_integer("integer")?.to_i32().ok_or_else(|| out_of_range("integer"))
    }

    /// As [`Numeric::to_i64`], for smallint.
    pub fn to_i16(&self) -> Result<i16> {
        self.to_integer("smallint")?.to_i16().ok_or_else(|| out_of_range("smallint"))
    }

    fn to_integer(&self, target: &str) -> Result<i128> {
        match self.class() {
            NumericClass::Finite => {
                let rounded = self.round(0);
                rounded.as_small().map(|(m, _)| m).ok_or_else(|| out_of_range(target))
            }
            class => {
                let what = if class == NumericClass::NaN { "NaN" } else { "infinity" };
                Err(Error::new(
                    sqlstate::FEATURE_NOT_SUPPORTED,
                    format!("cannot convert {what} to {target}"),
                ))
            }
        }
    }

    /// The nearest double; 22003 when it would be infinite, or zero for a number that is not.
    pub fn to_f64(&self) -> Result<f64> {
        /// Largest power of ten that is a double exactly.
        const EXACT_SCALE_MAX: u16 = 22;
        /// Whole numbers up to here are doubles exactly.
        const EXACT_MANTISSA_MAX: u128 = 1 << 53;
        match (self.class(), self.as_small()) {
            (NumericClass::NaN, _) => Ok(f64::NAN),
            (NumericClass::Infinity, _) => Ok(f64::INFINITY),
            (NumericClass::NegInfinity, _) => Ok(f64::NEG_INFINITY),
            (_, Some((m, s))) if m.unsigned_abs() <= EXACT_MANTISSA_MAX && s <= EXACT_SCALE_MAX => {
                Ok(m as f64 / 10f64.powi(i32::from(s)))
            }
            _ => super::text::parse_f64(&self.to_string()),
        }
    }

    /// The nearest single; 22003 when it would be infinite, or zero for a number that is not.
    pub fn to_f32(&self) -> Result<f32> {
        match self.class() {
            NumericClass::NaN => Ok(f32::NAN),
            NumericClass::Infinity => Ok(f32::INFINITY),
            NumericClass::NegInfinity => Ok(f32::NEG_INFINITY),
            NumericClass::Finite => super::text::parse_f32(&self.to_string()),
        }
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Numeric) -> bool {
        self.compare(other).is_eq()
    }
}

impl Eq for Numeric {}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Numeric) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Numeric {
    fn cmp(&self, other: &Numeric) -> Ordering {
        self.compare(other)
    }
}

impl Hash for Numeric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Trailing zeros behind the point do not count.
        let trimmed = if self.scale() == 0 { self.clone() } else { self.trim_scale() };
        match &trimmed.0 {
            Repr::Small(halves, scale) => (halves, scale).hash(state),
            Repr::Big(b) => b.hash(state),
            Repr::NaN => state.write_u8(1),
            Repr::Infinity => state.write_u8(2),
            Repr::NegInfinity => state.write_u8(3),
        }
    }
}

#[cfg(test)]
mod tests;
