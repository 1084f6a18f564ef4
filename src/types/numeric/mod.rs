//! Exact decimal numbers with PostgreSQL's rules of scale.
//!
//! A finite number is `mantissa / 10^scale`. The *scale* is the display scale: `1.50` keeps its
//! zero. Small mantissas live in the value itself, larger ones behind a pointer, so that the usual
//! sums allocate nothing.
//!
//! Rules (PostgreSQL 15, `numeric.c`): addition and subtraction take the larger scale,
//! multiplication the sum of scales, division enough for 16 significant digits and at least the
//! operands' scales. NaN equals itself and is larger than everything; infinities behave as limits.

mod arithmetic;
mod text;
mod transcendental;

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::error::{Error, Result, sqlstate};

/// Largest display scale of a computed result, as in PostgreSQL.
const RESULT_SCALE_MAX: i64 = 1_000;

/// An exact decimal number, NaN, or an infinity.
#[derive(Clone, Debug)]
pub struct Numeric(Repr);

#[derive(Clone, Debug)]
enum Repr {
    Small(i64, u16),
    Big(Box<(BigInt, u16)>),
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

/// `10^n`.
fn power_of_ten(n: u32) -> BigInt {
    BigInt::from(10).pow(n)
}

/// Divides by `10^n`, rounding half away from zero.
fn shrink(value: &BigInt, n: u32) -> BigInt {
    divide_rounded(value, &power_of_ten(n))
}

/// Divides rounding half away from zero; the divisor is positive.
fn divide_rounded(value: &BigInt, divisor: &BigInt) -> BigInt {
    let half: BigInt = divisor / 2;
    let magnitude = value.abs();
    let mut quotient = &magnitude / divisor;
    let remainder = magnitude % divisor;
    // With an odd divisor exactly half cannot occur, and `half` is rounded down.
    if remainder > half || (remainder == half && (divisor % 2i32).is_zero()) {
        quotient += BigInt::one();
    }
    if value.is_negative() { -quotient } else { quotient }
}

impl Numeric {
    /// 0
    pub const ZERO: Numeric = Numeric(Repr::Small(0, 0));
    /// NaN
    pub const NAN: Numeric = Numeric(Repr::NaN);

    /// A whole number.
    pub fn from_i64(v: i64) -> Numeric {
        Numeric(Repr::Small(v, 0))
    }

    /// `mantissa / 10^scale`.
    pub fn from_i128(mantissa: i128, scale: u16) -> Numeric {
        match i64::try_from(mantissa) {
            Ok(small) => Numeric(Repr::Small(small, scale)),
            Err(_) => Numeric(Repr::Big(Box::new((BigInt::from(mantissa), scale)))),
        }
    }

    fn from_big(mantissa: BigInt, scale: u16) -> Numeric {
        match mantissa.to_i64() {
            Some(small) => Numeric(Repr::Small(small, scale)),
            None => Numeric(Repr::Big(Box::new((mantissa, scale)))),
        }
    }

    /// A computed result: 22003 when it has more digits before the point than PostgreSQL allows.
    fn checked(mantissa: BigInt, scale: i64) -> Result<Numeric> {
        let scale_kept = u16::try_from(scale.clamp(0, crate::limits::NUMERIC_SCALE_MAX))
            .map_err(|_| overflow())?;
        let mantissa = match scale {
            s if s < 0 => mantissa * power_of_ten(s.unsigned_abs() as u32),
            s if s > i64::from(scale_kept) => shrink(&mantissa, (s - i64::from(scale_kept)) as u32),
            _ => mantissa,
        };
        // A bit is about 0.30103 decimal digits; the estimate may be one off, as is harmless here.
        let digits = (mantissa.bits() as f64 * std::f64::consts::LOG10_2) as i64;
        if digits - i64::from(scale_kept) > crate::limits::NUMERIC_INTEGER_DIGITS_MAX {
            return Err(overflow());
        }
        Ok(Numeric::from_big(mantissa, scale_kept))
    }

    /// From double precision with the 15 digits that PostgreSQL keeps.
    pub fn from_f64(v: f64) -> Numeric {
        Numeric::from_float_text(v, 14)
    }

    /// From real with the 6 digits that PostgreSQL keeps.
    pub fn from_f32(v: f32) -> Numeric {
        Numeric::from_float_text(f64::from(v), 5)
    }

    fn from_float_text(v: f64, digits_after_first: usize) -> Numeric {
        if v.is_nan() {
            return Numeric::NAN;
        }
        if v.is_infinite() {
            return if v > 0.0 { Numeric::infinity() } else { Numeric::neg_infinity() };
        }
        let text = format!("{v:.digits_after_first$e}");
        match Numeric::parse(&text) {
            // The exponent form pads with zeros that the value never had.
            Ok(n) => n.trim_scale(),
            Err(_) => Numeric::ZERO,
        }
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
        self.class() == NumericClass::NaN
    }

    /// Mantissa and scale of a finite number.
    fn finite(&self) -> Option<(BigInt, u16)> {
        match &self.0 {
            Repr::Small(m, s) => Some((BigInt::from(*m), *s)),
            Repr::Big(b) => Some((b.0.clone(), b.1)),
            _ => None,
        }
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        match &self.0 {
            Repr::Small(m, _) => *m == 0,
            Repr::Big(b) => b.0.is_zero(),
            _ => false,
        }
    }

    /// Whether it is below 0.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Small(m, _) => *m < 0,
            Repr::Big(b) => b.0.is_negative(),
            Repr::NegInfinity => true,
            _ => false,
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

    /// Scale without trailing zeros.
    pub fn min_scale(&self) -> u16 {
        let Some((mut mantissa, mut scale)) = self.finite() else { return 0 };
        if mantissa.is_zero() {
            return 0;
        }
        while scale > 0 && (&mantissa % 10i32).is_zero() {
            mantissa /= 10i32;
            scale -= 1;
        }
        scale
    }

    /// The same number with [`Numeric::min_scale`].
    pub fn trim_scale(&self) -> Numeric {
        self.trunc(i32::from(self.min_scale()))
    }

    /// `None` for NaN and the infinities.
    pub fn parts(&self) -> Option<NumericParts> {
        let (mantissa, scale) = self.finite()?;
        let mut digits: Vec<u8> =
            mantissa.magnitude().to_str_radix(10).bytes().map(|b| b - b'0').collect();
        if mantissa.is_zero() {
            return Some(NumericParts { negative: false, exponent: 0, digits: vec![] });
        }
        let exponent = digits.len() as i64 - i64::from(scale);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        Some(NumericParts { negative: mantissa.is_negative(), exponent, digits })
    }

    /// The inverse of [`Numeric::parts`] under a display scale; `XX001` on digits that are none.
    pub fn from_parts(parts: &NumericParts, scale: u16) -> Result<Numeric> {
        let bad = || Error::corrupt("malformed numeric digits");
        if parts.digits.is_empty() {
            return Ok(Numeric(Repr::Small(0, scale)));
        }
        if parts.digits.iter().any(|d| *d > 9)
            || parts.exponent.abs() > crate::limits::NUMERIC_INTEGER_DIGITS_MAX + 20_000
        {
            return Err(bad());
        }
        let text: Vec<u8> = parts.digits.iter().map(|d| d + b'0').collect();
        let mut mantissa = BigInt::parse_bytes(&text, 10).ok_or_else(bad)?;
        if parts.negative {
            mantissa = -mantissa;
        }
        // value = mantissa × 10^(exponent - digits)
        let own_scale = parts.digits.len() as i64 - parts.exponent;
        let grow = i64::from(scale) - own_scale;
        let mantissa = if grow >= 0 {
            mantissa * power_of_ten(u32::try_from(grow).map_err(|_| bad())?)
        } else {
            shrink(&mantissa, u32::try_from(-grow).map_err(|_| bad())?)
        };
        Ok(Numeric::from_big(mantissa, scale))
    }

    /// Total order: NaN largest.
    pub fn compare(&self, other: &Numeric) -> Ordering {
        if let (Repr::Small(a, s), Repr::Small(b, t)) = (&self.0, &other.0) {
            if s == t {
                return a.cmp(b);
            }
            if s.abs_diff(*t) <= 18 {
                let scaled = |m: i64, by: u16| i128::from(m) * 10i128.pow(u32::from(by));
                return scaled(*a, t.saturating_sub(*s)).cmp(&scaled(*b, s.saturating_sub(*t)));
            }
        }
        let rank = |n: &Numeric| match n.class() {
            NumericClass::NegInfinity => 0,
            NumericClass::Finite => 1,
            NumericClass::Infinity => 2,
            NumericClass::NaN => 3,
        };
        rank(self).cmp(&rank(other)).then_with(|| match (self.finite(), other.finite()) {
            (Some((a, s)), Some((b, t))) => {
                let common = s.max(t);
                (a * power_of_ten(u32::from(common - s)))
                    .cmp(&(b * power_of_ten(u32::from(common - t))))
            }
            _ => Ordering::Equal,
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

    fn to_integer(&self, target: &str) -> Result<BigInt> {
        match self.finite() {
            Some((mantissa, scale)) => Ok(shrink(&mantissa, u32::from(scale))),
            None => {
                let what = if self.is_nan() { "NaN" } else { "infinity" };
                Err(Error::new(
                    sqlstate::FEATURE_NOT_SUPPORTED,
                    format!("cannot convert {what} to {target}"),
                ))
            }
        }
    }

    /// The nearest double; 22003 when it would be infinite.
    pub fn to_f64(&self) -> Result<f64> {
        match self.class() {
            NumericClass::NaN => Ok(f64::NAN),
            NumericClass::Infinity => Ok(f64::INFINITY),
            NumericClass::NegInfinity => Ok(f64::NEG_INFINITY),
            NumericClass::Finite => {
                let text = self.to_string();
                let value: f64 = text.parse().map_err(|_| overflow())?;
                if value.is_infinite() {
                    return Err(Error::new(
                        sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
                        format!("\"{text}\" is out of range for type double precision"),
                    ));
                }
                Ok(value)
            }
        }
    }

    /// The nearest single; 22003 when it would be infinite.
    pub fn to_f32(&self) -> Result<f32> {
        let text = match self.class() {
            NumericClass::NaN => return Ok(f32::NAN),
            NumericClass::Infinity => return Ok(f32::INFINITY),
            NumericClass::NegInfinity => return Ok(f32::NEG_INFINITY),
            NumericClass::Finite => self.to_string(),
        };
        let value: f32 = text.parse().map_err(|_| overflow())?;
        if value.is_infinite() {
            return Err(Error::new(
                sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
                format!("\"{text}\" is out of range for type real"),
            ));
        }
        Ok(value)
    }

    /// `numeric(precision, scale)`: rounds, then 22003 if too many digits are left.
    pub fn apply_modifier(&self, modifier: i32) -> Result<Numeric> {
        if modifier < 4 {
            return Ok(self.clone());
        }
        let packed = modifier - 4;
        let precision = packed >> 16 & 0xffff;
        // Eleven bits, signed.
        let scale = ((packed & 0x7ff) ^ 1024) - 1024;
        let field_overflow = |detail: String| {
            Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow")
                .with_detail(detail)
        };
        match self.class() {
            NumericClass::NaN => return Ok(self.clone()),
            NumericClass::Infinity | NumericClass::NegInfinity => {
                return Err(field_overflow(format!(
                    "A field with precision {precision}, scale {scale} cannot hold an infinite value."
                )));
            }
            NumericClass::Finite => {}
        }
        let rounded = self.round(scale);
        let whole_digits = precision - scale;
        let exponent = rounded.parts().map_or(0, |p| p.exponent);
        if !rounded.is_zero() && exponent > i64::from(whole_digits) {
            let bound =
                if whole_digits == 0 { "1".to_owned() } else { format!("10^{whole_digits}") };
            return Err(field_overflow(format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value less than {bound}."
            )));
        }
        Ok(rounded)
    }
}

/// 22003, "value overflows numeric format".
fn overflow() -> Error {
    Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

fn out_of_range(what: &str) -> Error {
    Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, format!("{what} out of range"))
}
