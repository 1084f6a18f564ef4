//! The four operations, and the sign.

use num_bigint::BigInt;
use num_traits::{Signed, Zero};

use super::{
    GROUP, Numeric, NumericClass, RESULT_SCALE_MAX, Repr, SIGNIFICANT_DIGITS_MIN, divide_rounded,
    divide_rounded_small, overflow, power_of_ten, small_power_of_ten,
};
use crate::error::Result;
use crate::limits::NUMERIC_SCALE_MAX;
use crate::types::arith::division_by_zero;

/// Two machine mantissas brought to one scale.
fn aligned(a: &Numeric, b: &Numeric) -> Option<(i128, i128, u16)> {
    let ((m, s), (n, t)) = (a.as_small()?, b.as_small()?);
    if s == t {
        return Some((m, n, s));
    }
    let grow = |m: i128, by: u16| m.checked_mul(small_power_of_ten(u32::from(by))?);
    Some((grow(m, t.saturating_sub(s))?, grow(n, s.saturating_sub(t))?, s.max(t)))
}

impl Numeric {
    /// Sum.
    pub fn add(&self, other: &Numeric) -> Result<Numeric> {
        if let Some((a, b, scale)) = aligned(self, other)
            && let Some(sum) = a.checked_add(b)
        {
            return Ok(Numeric::small(sum, scale));
        }
        self.add_slowly(other)
    }

    fn add_slowly(&self, other: &Numeric) -> Result<Numeric> {
        match (self.class(), other.class()) {
            (NumericClass::NaN, _) | (_, NumericClass::NaN) => Ok(Numeric::NAN),
            (NumericClass::Finite, NumericClass::Finite) => {
                let scale = self.scale().max(other.scale());
                let (a, b) =
                    self.mantissa_at(scale).zip(other.mantissa_at(scale)).ok_or_else(overflow)?;
                Numeric::checked(a + b, i64::from(scale))
            }
            (NumericClass::Finite, _) => Ok(other.clone()),
            (_, NumericClass::Finite) => Ok(self.clone()),
            (a, b) if a == b => Ok(self.clone()),
            _ => Ok(Numeric::NAN),
        }
    }

    /// Difference.
    pub fn sub(&self, other: &Numeric) -> Result<Numeric> {
        if let Some((a, b, scale)) = aligned(self, other)
            && let Some(difference) = a.checked_sub(b)
        {
            return Ok(Numeric::small(difference, scale));
        }
        self.add_slowly(&other.neg())
    }

    /// Product.
    pub fn mul(&self, other: &Numeric) -> Result<Numeric> {
        if let (Some((a, s)), Some((b, t))) = (self.as_small(), other.as_small())
            && let Some(scale) = s.checked_add(t).filter(|s| i64::from(*s) <= NUMERIC_SCALE_MAX)
            && let Some(product) = a.checked_mul(b)
        {
            return Ok(Numeric::small(product, scale));
        }
        match (self.finite(), other.finite()) {
            (Some((a, s)), Some((b, t))) => Numeric::checked(a * b, i64::from(s) + i64::from(t)),
            _ if self.is_nan() || other.is_nan() => Ok(Numeric::NAN),
            _ if self.is_zero() || other.is_zero() => Ok(Numeric::NAN),
            _ => Ok(infinity_signed(self.is_negative() != other.is_negative())),
        }
    }

    /// What division does with NaN, infinities and zero; `None` for ordinary operands.
    fn special_quotient(&self, other: &Numeric) -> Result<Option<Numeric>> {
        if self.is_nan() || other.is_nan() {
            return Ok(Some(Numeric::NAN));
        }
        if other.is_zero() {
            return Err(division_by_zero());
        }
        Ok(match (self.is_infinite(), other.is_infinite()) {
            (true, true) => Some(Numeric::NAN),
            (true, false) => Some(infinity_signed(self.is_negative() != other.is_negative())),
            (false, true) => Some(Numeric::ZERO),
            (false, false) => None,
        })
    }

    /// Quotient, with the scale that PostgreSQL chooses: 16 significant digits at least, counted
    /// in groups of four.
    pub fn div(&self, other: &Numeric) -> Result<Numeric> {
        if let Some(special) = self.special_quotient(other)? {
            return Ok(special);
        }
        let (weight_a, first_a) = self.leading_group();
        let (weight_b, first_b) = other.leading_group();
        let weight = weight_a - weight_b - i64::from(first_a <= first_b);
        let scale = (SIGNIFICANT_DIGITS_MIN - weight * GROUP)
            .max(i64::from(self.scale()))
            .max(i64::from(other.scale()))
            .clamp(0, RESULT_SCALE_MAX);
        self.div_to_scale(other, scale)
    }

    /// Quotient rounded to a scale; both are finite.
    pub(super) fn div_to_scale(&self, other: &Numeric, scale: i64) -> Result<Numeric> {
        if other.is_zero() {
            return Err(division_by_zero());
        }
        // a/10^s ÷ b/10^t at `scale` digits is a × 10^(scale + t - s) ÷ b.
        let shift = scale + i64::from(other.scale()) - i64::from(self.scale());
        if let (Some((a, _)), Some((b, _))) = (self.as_small(), other.as_small())
            && let Some(power) = u32::try_from(shift).ok().and_then(small_power_of_ten)
            && let Some(numerator) = a.checked_mul(power)
            && let Some(quotient) = divide_rounded_small(numerator, b)
            && let Ok(scale) = u16::try_from(scale)
        {
            return Ok(Numeric::small(quotient, scale));
        }
        let ((a, _), (b, _)) = self.finite().zip(other.finite()).ok_or_else(overflow)?;
        let (mut numerator, mut denominator) =
            if shift >= 0 { (a * power_of_ten(shift), b) } else { (a, b * power_of_ten(-shift)) };
        if denominator.is_negative() {
            numerator = -numerator;
            denominator = -denominator;
        }
        Numeric::checked(divide_rounded(&numerator, &denominator), scale)
    }

    /// The place of the first group of four digits, counted from the point, and its value.
    pub(super) fn leading_group(&self) -> (i64, i64) {
        if self.is_zero() {
            return (0, 0);
        }
        let digits = self.digit_count();
        let exponent = digits - i64::from(self.scale());
        let weight = (exponent - 1).div_euclid(GROUP);
        let in_first = exponent - weight * GROUP;
        let first = match self.as_small() {
            Some((m, _)) => {
                let m = m.unsigned_abs();
                let power = |n: i64| 10u128.pow(u32::try_from(n).unwrap_or(0));
                if digits >= in_first {
                    m / power(digits - in_first)
                } else {
                    m * power(in_first - digits)
                }
            }
            None => self.parts().map_or(0, |parts| {
                let wanted = usize::try_from(in_first).unwrap_or(0);
                let given = parts.digits.into_iter().chain(std::iter::repeat(0));
                given.take(wanted).fold(0, |v, d| v * 10 + u128::from(d))
            }),
        };
        (weight, first as i64)
    }

    /// `div(a, b)`: the integer quotient, truncated toward zero.
    pub fn div_trunc(&self, other: &Numeric) -> Result<Numeric> {
        if let Some(special) = self.special_quotient(other)? {
            return Ok(special);
        }
        let scale = self.scale().max(other.scale());
        let (a, b) = self.mantissa_at(scale).zip(other.mantissa_at(scale)).ok_or_else(overflow)?;
        Numeric::checked(a / b, 0)
    }

    /// Remainder with the sign of the dividend.
    pub fn rem(&self, other: &Numeric) -> Result<Numeric> {
        if self.is_nan() || other.is_nan() {
            return Ok(Numeric::NAN);
        }
        if other.is_zero() {
            return Err(division_by_zero());
        }
        if self.is_infinite() {
            return Ok(Numeric::NAN);
        }
        if other.is_infinite() {
            return Ok(self.clone());
        }
        if let Some((a, b, scale)) = aligned(self, other) {
            // The only overflow is by -1, whose remainder is 0.
            return Ok(Numeric::small(a.checked_rem(b).unwrap_or(0), scale));
        }
        let scale = self.scale().max(other.scale());
        let (a, b): (BigInt, BigInt) =
            self.mantissa_at(scale).zip(other.mantissa_at(scale)).ok_or_else(overflow)?;
        if b.is_zero() {
            return Err(division_by_zero());
        }
        Numeric::checked(a % b, i64::from(scale))
    }

    /// Negation.
    pub fn neg(&self) -> Numeric {
        match &self.0 {
            Repr::Small(..) => match self.as_small().and_then(|(m, s)| Some((m.checked_neg()?, s)))
            {
                Some((m, s)) => Numeric::small(m, s),
                None => match self.finite() {
                    Some((m, s)) => Numeric::from_big(-m, s),
                    None => self.clone(),
                },
            },
            Repr::Big(b) => Numeric::from_big(-&b.0, b.1),
            Repr::NaN => Numeric::NAN,
            Repr::Infinity => Numeric::neg_infinity(),
            Repr::NegInfinity => Numeric::infinity(),
        }
    }

    /// Absolute value.
    pub fn abs(&self) -> Numeric {
        if self.is_negative() { self.neg() } else { self.clone() }
    }

    /// -1, 0 or 1; NaN for NaN.
    pub fn sign(&self) -> Numeric {
        if self.is_nan() {
            Numeric::NAN
        } else if self.is_zero() {
            Numeric::ZERO
        } else {
            Numeric::from_i64(if self.is_negative() { -1 } else { 1 })
        }
    }
}

fn infinity_signed(negative: bool) -> Numeric {
    if negative { Numeric::neg_infinity() } else { Numeric::infinity() }
}
