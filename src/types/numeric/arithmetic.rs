//! The four operations, rounding, and what is built from them.

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::{
    Numeric, NumericClass, RESULT_SCALE_MAX, Repr, divide_rounded, overflow, power_of_ten, shrink,
};
use crate::error::{Error, Result, sqlstate};

/// Significant digits that division and roots give at least.
const SIGNIFICANT_DIGITS_MIN: i64 = 16;

/// Digits in one of PostgreSQL's base-10000 groups; the scale rules count in groups.
const GROUP: i64 = 4;

fn division_by_zero() -> Error {
    Error::new(sqlstate::DIVISION_BY_ZERO, "division by zero")
}

impl Numeric {
    /// Sum.
    pub fn add(&self, other: &Numeric) -> Result<Numeric> {
        if let (Repr::Small(a, s), Repr::Small(b, t)) = (&self.0, &other.0)
            && s == t
        {
            return Ok(Numeric::from_i128(i128::from(*a) + i128::from(*b), *s));
        }
        match (self.class(), other.class()) {
            (NumericClass::NaN, _) | (_, NumericClass::NaN) => Ok(Numeric::NAN),
            (NumericClass::Finite, NumericClass::Finite) => {
                let scale = self.scale().max(other.scale());
                let sum = self.mantissa_at(scale).zip(other.mantissa_at(scale)).map(|(a, b)| a + b);
                Numeric::checked(sum.ok_or_else(overflow)?, i64::from(scale))
            }
            (NumericClass::Finite, _) => Ok(other.clone()),
            (_, NumericClass::Finite) => Ok(self.clone()),
            (a, b) if a == b => Ok(self.clone()),
            _ => Ok(Numeric::NAN),
        }
    }

    /// Difference.
    pub fn sub(&self, other: &Numeric) -> Result<Numeric> {
        self.add(&other.neg())
    }

    /// Product.
    pub fn mul(&self, other: &Numeric) -> Result<Numeric> {
        if let (Repr::Small(a, s), Repr::Small(b, t)) = (&self.0, &other.0)
            && let Some(scale) = s.checked_add(*t).filter(|s| *s <= 16_383)
        {
            return Ok(Numeric::from_i128(i128::from(*a) * i128::from(*b), scale));
        }
        match (self.finite(), other.finite()) {
            (Some((a, s)), Some((b, t))) => Numeric::checked(a * b, i64::from(s) + i64::from(t)),
            _ if self.is_nan() || other.is_nan() => Ok(Numeric::NAN),
            _ if self.is_zero() || other.is_zero() => Ok(Numeric::NAN),
            _ if self.is_negative() == other.is_negative() => Ok(Numeric::infinity()),
            _ => Ok(Numeric::neg_infinity()),
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
        let infinite = |n: &Numeric| n.class() != NumericClass::Finite;
        Ok(match (infinite(self), infinite(other)) {
            (true, true) => Some(Numeric::NAN),
            (true, false) if self.is_negative() == other.is_negative() => Some(Numeric::infinity()),
            (true, false) => Some(Numeric::neg_infinity()),
            (false, true) => Some(Numeric::ZERO),
            (false, false) => None,
        })
    }

    /// Quotient, with the scale that PostgreSQL's `select_div_scale` gives.
    pub fn div(&self, other: &Numeric) -> Result<Numeric> {
        if let Some(special) = self.special_quotient(other)? {
            return Ok(special);
        }
        let scale = self.quotient_scale(other);
        self.div_to_scale(other, scale)
    }

    /// Quotient rounded to a scale; both finite, the divisor not zero.
    pub(super) fn div_to_scale(&self, other: &Numeric, scale: i64) -> Result<Numeric> {
        let ((a, s), (b, t)) = self.finite().zip(other.finite()).ok_or_else(overflow)?;
        if b.is_zero() {
            return Err(division_by_zero());
        }
        // a/10^s ÷ b/10^t at `scale` digits is a × 10^(scale + t - s) ÷ b.
        let shift = scale + i64::from(t) - i64::from(s);
        let (mut numerator, mut denominator) = (a, b);
        if shift >= 0 {
            numerator *= power_of_ten(shift as u32);
        } else {
            denominator *= power_of_ten(shift.unsigned_abs() as u32);
        }
        if denominator.is_negative() {
            numerator = -numerator;
            denominator = -denominator;
        }
        Numeric::checked(divide_rounded(&numerator, &denominator), scale)
    }

    /// The group of base 10000 that holds the first digit, counted from the point, and its value.
    fn leading_group(&self) -> (i64, i64) {
        let Some(parts) = self.parts().filter(|p| !p.digits.is_empty()) else { return (0, 0) };
        let weight = (parts.exponent - 1).div_euclid(GROUP);
        let in_first = parts.exponent - weight * GROUP;
        let first = (0..in_first)
            .map(|i| parts.digits.get(i as usize).copied().unwrap_or(0))
            .fold(0i64, |v, d| v * 10 + i64::from(d));
        (weight, first)
    }

    fn quotient_scale(&self, other: &Numeric) -> i64 {
        let (weight_a, first_a) = self.leading_group();
        let (weight_b, first_b) = other.leading_group();
        let mut weight = weight_a - weight_b;
        if first_a <= first_b {
            weight -= 1;
        }
        (SIGNIFICANT_DIGITS_MIN - weight * GROUP)
            .max(i64::from(self.scale()))
            .max(i64::from(other.scale()))
            .clamp(0, RESULT_SCALE_MAX)
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
        if self.class() != NumericClass::Finite {
            return Ok(Numeric::NAN);
        }
        if other.class() != NumericClass::Finite {
            return Ok(self.clone());
        }
        let scale = self.scale().max(other.scale());
        let (a, b) = self.mantissa_at(scale).zip(other.mantissa_at(scale)).ok_or_else(overflow)?;
        Numeric::checked(a % b, i64::from(scale))
    }

    /// Negation.
    pub fn neg(&self) -> Numeric {
        match &self.0 {
            Repr::Small(m, s) => Numeric::from_i128(-i128::from(*m), *s),
            Repr::Big(b) => Numeric::from_big(-b.0.clone(), b.1),
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
        match self.class() {
            NumericClass::NaN => Numeric::NAN,
            _ if self.is_zero() => Numeric::ZERO,
            _ => Numeric::from_i64(if self.is_negative() { -1 } else { 1 }),
        }
    }

    /// Rounds half away from zero; a negative scale rounds before the point.
    pub fn round(&self, scale: i32) -> Numeric {
        self.rescale(scale, shrink)
    }

    /// Cuts toward zero; a negative scale cuts before the point.
    pub fn trunc(&self, scale: i32) -> Numeric {
        self.rescale(scale, |value, n| value / power_of_ten(n))
    }

    fn rescale(&self, scale: i32, cut: impl Fn(&BigInt, u32) -> BigInt) -> Numeric {
        let Some((mantissa, own)) = self.finite() else { return self.clone() };
        let scale = scale.clamp(-131_072, 16_383);
        let kept = scale.max(0) as u16;
        let drop = i32::from(own) - scale;
        let mantissa = match drop {
            0 => mantissa,
            d if d < 0 => mantissa * power_of_ten(d.unsigned_abs()),
            d => {
                let cut = cut(&mantissa, d as u32);
                // What was cut before the point comes back as zeros.
                if scale < 0 { cut * power_of_ten(scale.unsigned_abs()) } else { cut }
            }
        };
        Numeric::from_big(mantissa, kept)
    }

    /// Smallest integer not below.
    pub fn ceil(&self) -> Numeric {
        let cut = self.trunc(0);
        if cut.compare(self).is_lt() { Numeric::plus_one(&cut, 1) } else { cut }
    }

    /// Largest integer not above.
    pub fn floor(&self) -> Numeric {
        let cut = self.trunc(0);
        if cut.compare(self).is_gt() { Numeric::plus_one(&cut, -1) } else { cut }
    }

    fn plus_one(n: &Numeric, by: i64) -> Numeric {
        n.finite().map_or_else(|| n.clone(), |(m, s)| Numeric::from_big(m + by, s))
    }

    /// Square root, with PostgreSQL's scale.
    pub fn sqrt(&self) -> Result<Numeric> {
        match self.class() {
            NumericClass::NaN | NumericClass::Infinity => return Ok(self.clone()),
            _ if self.is_negative() => {
                return Err(Error::new(
                    sqlstate::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                    "cannot take square root of a negative number",
                ));
            }
            _ => {}
        }
        let (weight, _) = self.leading_group();
        let root_weight =
            if weight >= 0 { (weight + 1) * GROUP / 2 - 1 } else { weight * GROUP / 2 };
        let scale = (SIGNIFICANT_DIGITS_MIN - root_weight)
            .max(i64::from(self.scale()))
            .clamp(0, RESULT_SCALE_MAX);
        // One digit more than wanted, then round: √(m/10^s) = √(m × 10^(2k - s)) / 10^k.
        let k = scale + 1;
        let (mantissa, own) = self.finite().ok_or_else(overflow)?;
        let shift = 2 * k - i64::from(own);
        let radicand = if shift >= 0 {
            mantissa * power_of_ten(shift as u32)
        } else {
            mantissa / power_of_ten(shift.unsigned_abs() as u32)
        };
        Numeric::checked(shrink(&radicand.sqrt(), 1), scale)
    }

    /// n!; 22003 below zero or when the result would be too long.
    pub fn factorial(n: i64) -> Result<Numeric> {
        if n < 0 {
            return Err(Error::new(
                sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
                "factorial of a negative number is undefined",
            ));
        }
        // 32178! is the first with more digits than a numeric may have.
        if n > 32_177 {
            return Err(overflow());
        }
        Numeric::checked((2..=n).fold(BigInt::one(), |product, i| product * i), 0)
    }

    /// Greatest common divisor.
    pub fn gcd(&self, other: &Numeric) -> Result<Numeric> {
        let scale = self.scale().max(other.scale());
        let Some((mut a, mut b)) = self.mantissa_at(scale).zip(other.mantissa_at(scale)) else {
            return Ok(Numeric::NAN);
        };
        while !b.is_zero() {
            (a, b) = (b.clone(), a % b);
        }
        Numeric::checked(a.abs(), i64::from(scale))
    }

    /// Least common multiple.
    pub fn lcm(&self, other: &Numeric) -> Result<Numeric> {
        let scale = self.scale().max(other.scale());
        let Some((a, b)) = self.mantissa_at(scale).zip(other.mantissa_at(scale)) else {
            return Ok(Numeric::NAN);
        };
        if a.is_zero() || b.is_zero() {
            return Numeric::checked(BigInt::zero(), i64::from(scale));
        }
        let (divisor, _) =
            self.gcd(other)?.round(i32::from(scale)).finite().ok_or_else(overflow)?;
        Numeric::checked((a / divisor * b).abs(), i64::from(scale))
    }

    /// The bucket of `count` equal ones between two bounds that a number falls into.
    pub fn width_bucket(&self, low: &Numeric, high: &Numeric, count: i32) -> Result<i32> {
        let bad = |m: &str| {
            Err(Error::new(sqlstate::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, m.to_owned()))
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
        let (from_low, from_high) = (self.compare(low), self.compare(high));
        let (before, past) = if order.is_lt() {
            (from_low.is_lt(), from_high.is_ge())
        } else {
            (from_low.is_gt(), from_high.is_le())
        };
        if before {
            return Ok(0);
        }
        if past {
            return count.checked_add(1).ok_or_else(|| {
                Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range")
            });
        }
        let position = self.sub(low)?.mul(&Numeric::from_i64(i64::from(count)))?;
        position.div_trunc(&high.sub(low)?)?.add(&Numeric::from_i64(1))?.to_i32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Numeric {
        Numeric::parse(text).unwrap()
    }

    /// Expected values are PostgreSQL 15's.
    #[test]
    fn scales_are_postgresqls() {
        for (a, b, sum, product, quotient) in [
            ("1", "3", "4", "3", "0.33333333333333333333"),
            ("10.0", "3", "13.0", "30.0", "3.3333333333333333"),
            ("1.50", "0.5", "2.00", "0.750", "3.0000000000000000"),
            ("123456", "7", "123463", "864192", "17636.571428571429"),
            ("1", "10000", "10001", "10000", "0.000100000000000000000000"),
            ("-7", "2", "-5", "-14", "-3.5000000000000000"),
        ] {
            assert_eq!(n(a).add(&n(b)).unwrap().to_string(), sum, "{a} + {b}");
            assert_eq!(n(a).mul(&n(b)).unwrap().to_string(), product, "{a} * {b}");
            assert_eq!(n(a).div(&n(b)).unwrap().to_string(), quotient, "{a} / {b}");
        }
        assert_eq!(n("2").sqrt().unwrap().to_string(), "1.414213562373095");
        assert_eq!(n("144").sqrt().unwrap().to_string(), "12.000000000000000");
    }

    #[test]
    fn rounding_is_half_away_from_zero_in_both_directions() {
        for (text, scale, rounded, cut) in [
            ("2.5", 0, "3", "2"),
            ("-2.5", 0, "-3", "-2"),
            ("2.445", 2, "2.45", "2.44"),
            ("1250", -2, "1300", "1200"),
            ("1.2", 3, "1.200", "1.200"),
        ] {
            assert_eq!(n(text).round(scale).to_string(), rounded, "round {text}");
            assert_eq!(n(text).trunc(scale).to_string(), cut, "trunc {text}");
        }
        assert_eq!(n("-1.5").ceil().to_string(), "-1");
        assert_eq!(n("-1.5").floor().to_string(), "-2");
    }

    #[test]
    fn infinities_and_nan_follow_their_rules() {
        let infinity = Numeric::infinity();
        assert!(infinity.sub(&infinity).unwrap().is_nan());
        assert!(infinity.mul(&Numeric::ZERO).unwrap().is_nan());
        assert_eq!(n("1").div(&infinity).unwrap().to_string(), "0");
        assert_eq!(n("1").div(&Numeric::ZERO).unwrap_err().code(), sqlstate::DIVISION_BY_ZERO);
        assert!(Numeric::NAN.compare(&infinity).is_gt());
        assert_eq!(n("7.5").rem(&n("-2")).unwrap().to_string(), "1.5");
    }

    #[test]
    fn a_modifier_rounds_and_then_checks() {
        // numeric(4,2)
        let modifier = ((4 << 16) | 2) + 4;
        assert_eq!(n("12.345").apply_modifier(modifier).unwrap().to_string(), "12.35");
        let e = n("99.995").apply_modifier(modifier).unwrap_err();
        assert_eq!(e.code(), sqlstate::NUMERIC_VALUE_OUT_OF_RANGE);
        assert!(e.detail().unwrap().contains("10^2"));
    }

    #[test]
    fn integers_round_and_overflow() {
        assert_eq!(n("2.5").to_i32().unwrap(), 3);
        assert_eq!(n("-2.5").to_i16().unwrap(), -3);
        assert_eq!(n("1e19").to_i64().unwrap_err().code(), sqlstate::NUMERIC_VALUE_OUT_OF_RANGE);
        assert_eq!(n("1.0").compare(&n("1.00")), std::cmp::Ordering::Equal);
        assert_eq!(n("48").gcd(&n("36.0")).unwrap().to_string(), "12.0");
        assert_eq!(n("5.35").width_bucket(&n("0.024"), &n("10.06"), 5).unwrap(), 3);
    }
}
