//! Exact decimal numbers.
use crate::error::{Error, Result};
use std::cmp::Ordering;
/// An exact decimal number.
#[derive(Clone, Debug)]
pub struct Numeric(Repr);
#[derive(Clone, Debug)]
enum Repr {
    Small { mantissa: [u64; 2], scale: u16 },
    NaN,
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
/// The sign bits of NaN and the infinities, or finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumericClass {
    Finite,
    NaN,
    Infinity,
    NegInfinity,
}
#[allow(missing_docs)]
impl Numeric {
    pub const ZERO: Numeric = Numeric(Repr::Small { mantissa: [0; 2], scale: 0 });
    pub const NAN: Numeric = Numeric(Repr::NaN);
    pub fn from_i64(v: i64) -> Numeric {
        let _ = (v,);
        unimplemented!()
    }
    pub fn from_i128(mantissa: i128, scale: u16) -> Numeric {
        let _ = (mantissa, scale);
        unimplemented!()
    }
    pub fn from_f64(v: f64) -> Numeric {
        let _ = (v,);
        unimplemented!()
    }
    pub fn from_f32(v: f32) -> Numeric {
        let _ = (v,);
        unimplemented!()
    }
    pub fn parse(text: &str) -> Result<Numeric> {
        let _ = (text,);
        Err(Error::unsupported("this operation"))
    }
    pub fn infinity() -> Numeric {
        unimplemented!()
    }
    pub fn neg_infinity() -> Numeric {
        unimplemented!()
    }
    pub fn class(&self) -> NumericClass {
        unimplemented!()
    }
    pub fn is_nan(&self) -> bool {
        unimplemented!()
    }
    pub fn is_zero(&self) -> bool {
        unimplemented!()
    }
    pub fn is_negative(&self) -> bool {
        unimplemented!()
    }
    /// Display scale.
    pub fn scale(&self) -> u16 {
        unimplemented!()
    }
    /// Scale without trailing zeros.
    pub fn min_scale(&self) -> u16 {
        unimplemented!()
    }
    pub fn trim_scale(&self) -> Numeric {
        unimplemented!()
    }
    /// None for NaN and the infinities.
    pub fn parts(&self) -> Option<NumericParts> {
        unimplemented!()
    }
    pub fn from_parts(parts: &NumericParts, scale: u16) -> Result<Numeric> {
        let _ = (parts, scale);
        Err(Error::unsupported("this operation"))
    }
    /// Rounds half away from zero; 22003 "bigint out of range", 0A000 cannot convert NaN.
    pub fn to_i64(&self) -> Result<i64> {
        Err(Error::unsupported("this operation"))
    }
    pub fn to_i32(&self) -> Result<i32> {
        Err(Error::unsupported("this operation"))
    }
    pub fn to_i16(&self) -> Result<i16> {
        Err(Error::unsupported("this operation"))
    }
    pub fn to_f64(&self) -> Result<f64> {
        Err(Error::unsupported("this operation"))
    }
    pub fn to_f32(&self) -> Result<f32> {
        Err(Error::unsupported("this operation"))
    }
    pub fn add(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (other,);
        Err(Error::unsupported("this operation"))
    }
    pub fn sub(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (other,);
        Err(Error::unsupported("this operation"))
    }
    pub fn mul(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (other,);
        Err(Error::unsupported("this operation"))
    }
    pub fn div(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (other,);
        Err(Error::unsupported("this operation"))
    }
    /// div(): the integer quotient, truncated.
    pub fn div_trunc(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (other,);
        Err(Error::unsupported("this operation"))
    }
    pub fn rem(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (other,);
        Err(Error::unsupported("this operation"))
    }
    pub fn neg(&self) -> Numeric {
        unimplemented!()
    }
    pub fn abs(&self) -> Numeric {
        unimplemented!()
    }
    pub fn sign(&self) -> Numeric {
        unimplemented!()
    }
    pub fn round(&self, scale: i32) -> Numeric {
        let _ = (scale,);
        unimplemented!()
    }
    pub fn trunc(&self, scale: i32) -> Numeric {
        let _ = (scale,);
        unimplemented!()
    }
    pub fn ceil(&self) -> Numeric {
        unimplemented!()
    }
    pub fn floor(&self) -> Numeric {
        unimplemented!()
    }
    pub fn sqrt(&self) -> Result<Numeric> {
        Err(Error::unsupported("this operation"))
    }
    pub fn exp(&self) -> Result<Numeric> {
        Err(Error::unsupported("this operation"))
    }
    pub fn ln(&self) -> Result<Numeric> {
        Err(Error::unsupported("this operation"))
    }
    /// log(base, self)
    pub fn log(&self, base: &Numeric) -> Result<Numeric> {
        let _ = (base,);
        Err(Error::unsupported("this operation"))
    }
    pub fn log10(&self) -> Result<Numeric> {
        Err(Error::unsupported("this operation"))
    }
    pub fn power(&self, exponent: &Numeric) -> Result<Numeric> {
        let _ = (exponent,);
        Err(Error::unsupported("this operation"))
    }
    pub fn factorial(n: i64) -> Result<Numeric> {
        let _ = (n,);
        Err(Error::unsupported("this operation"))
    }
    pub fn gcd(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (other,);
        Err(Error::unsupported("this operation"))
    }
    pub fn lcm(&self, other: &Numeric) -> Result<Numeric> {
        let _ = (other,);
        Err(Error::unsupported("this operation"))
    }
    pub fn width_bucket(&self, low: &Numeric, high: &Numeric, count: i32) -> Result<i32> {
        let _ = (low, high, count);
        Err(Error::unsupported("this operation"))
    }
    /// numeric(precision, scale): rounds, then 22003 numeric field overflow.
    pub fn apply_modifier(&self, modifier: i32) -> Result<Numeric> {
        let _ = (modifier,);
        Err(Error::unsupported("this operation"))
    }
    pub fn compare(&self, other: &Numeric) -> Ordering {
        let _ = (other,);
        unimplemented!()
    }
}
impl std::fmt::Display for Numeric {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        unimplemented!()
    }
}
