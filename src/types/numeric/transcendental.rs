//! Roots, exponentials and logarithms, by series over fixed-point integers.
//!
//! PostgreSQL chooses the scale of a result from an estimate of its size; the estimates here follow
//! the same rules, and the digits are rounded from a longer computation.

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::{
    GROUP, Numeric, NumericClass, RESULT_SCALE_MAX, SIGNIFICANT_DIGITS_MIN, divide_rounded,
    overflow, power_of_ten,
};
use crate::error::{Error, Result, sqlstate};

/// Digits beyond the wanted scale, so that the last rounding is right.
const GUARD: i64 = 20;
/// Exponents from here on overflow or vanish, as in PostgreSQL.
const EXPONENT_MAX: f64 = 6_000.0;
const LN_10: f64 = std::f64::consts::LN_10;
const LOG10_E: f64 = std::f64::consts::LOG10_E;

/// `e^x` for a fixed-point x of `digits` digits.
fn exp_fixed(x: &BigInt, digits: i64) -> BigInt {
    let one = power_of_ten(digits);
    // Halve until the series converges quickly, then square back.
    let halvings = x.bits().saturating_add(8).saturating_sub(one.bits());
    let reduced = x / (BigInt::one() << halvings);
    let (mut term, mut sum) = (one.clone(), one.clone());
    for i in 1u32.. {
        term = &term * &reduced / &one / i;
        if term.is_zero() {
            break;
        }
        sum += &term;
    }
    for _ in 0..halvings {
        sum = &sum * &sum / &one;
    }
    sum
}

/// `ln x` for a fixed-point x > 0 of `digits` digits.
fn ln_fixed(x: &BigInt, digits: i64) -> BigInt {
    let one = power_of_ten(digits);
    // x = y × 2^shift with y near 1, then ln y = 2 artanh((y - 1) / (y + 1)).
    let mut shift = x.bits() as i64 - one.bits() as i64;
    let scaled = |shift: i64| if shift >= 0 { x >> shift } else { x << -shift };
    let mut y = scaled(shift);
    if &y * 4u8 > &one * 5u8 {
        shift += 1;
        y = scaled(shift);
    }
    let two_artanh = |numerator: BigInt, denominator: BigInt| {
        let z = numerator * &one / denominator;
        let square = &z * &z / &one;
        let (mut power, mut sum) = (z.clone(), z);
        for i in 1u32.. {
            power = &power * &square / &one;
            let term = &power / (2 * i + 1);
            if term.is_zero() {
                break;
            }
            sum += term;
        }
        sum * 2u8
    };
    let near = two_artanh(&y - &one, &y + &one);
    if shift == 0 {
        return near;
    }
    near + two_artanh(BigInt::one(), BigInt::from(3u8)) * shift
}

impl Numeric {
    /// The mantissa at `digits` digits after the point, rounded.
    pub(super) fn fixed(&self, digits: i64) -> Result<BigInt> {
        let (mantissa, scale) = self.finite().ok_or_else(overflow)?;
        let shift = digits - i64::from(scale);
        Ok(if shift >= 0 {
            mantissa * power_of_ten(shift)
        } else {
            divide_rounded(&mantissa, &power_of_ten(-shift))
        })
    }

    /// The nearest double, infinite where none is near.
    pub(super) fn approximate(&self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// Square root, with PostgreSQL's scale.
    pub fn sqrt(&self) -> Result<Numeric> {
        if self.is_nan() {
            return Ok(Numeric::NAN);
        }
        if self.is_negative() {
            return Err(Error::new(
                sqlstate::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                "cannot take square root of a negative number",
            ));
        }
        if self.is_infinite() {
            return Ok(self.clone());
        }
        let (weight, _) = self.leading_group();
        let root_weight =
            if weight >= 0 { weight * GROUP / 2 + 1 } else { 1 - (1 - weight * GROUP) / 2 };
        let scale = (SIGNIFICANT_DIGITS_MIN - root_weight)
            .max(i64::from(self.scale()))
            .clamp(0, RESULT_SCALE_MAX);
        // One digit more than wanted, then round: √(m/10^s) = √(m × 10^(2k - s)) / 10^k. The digit
        // suffices: an exact half has a root that ends there.
        let k = scale + 1;
        let (mantissa, own) = self.finite().ok_or_else(overflow)?;
        let shift = 2 * k - i64::from(own);
        let radicand = if shift >= 0 {
            mantissa * power_of_ten(shift)
        } else {
            mantissa / power_of_ten(-shift)
        };
        Numeric::checked(divide_rounded(&radicand.sqrt(), &power_of_ten(1)), scale)
    }

    /// e to this power.
    pub fn exp(&self) -> Result<Numeric> {
        match self.class() {
            NumericClass::NegInfinity => return Ok(Numeric::ZERO),
            NumericClass::NaN | NumericClass::Infinity => return Ok(self.clone()),
            NumericClass::Finite => {}
        }
        let bound = RESULT_SCALE_MAX as f64 * 2.0;
        let weight = (self.approximate() * LOG10_E).clamp(-bound, bound);
        let scale = (SIGNIFICANT_DIGITS_MIN - weight as i64)
            .max(i64::from(self.scale()))
            .clamp(0, RESULT_SCALE_MAX);
        self.exp_to_scale(scale)
    }

    pub(super) fn exp_to_scale(&self, scale: i64) -> Result<Numeric> {
        let value = self.approximate();
        if value.abs() >= EXPONENT_MAX {
            return if value > 0.0 {
                Err(overflow())
            } else {
                Numeric::checked(BigInt::zero(), scale)
            };
        }
        // Squaring loses digits in proportion to the size of the result.
        let digits = scale + GUARD + (value.abs() * LOG10_E) as i64;
        let result = exp_fixed(&self.fixed(digits)?, digits);
        Numeric::checked(divide_rounded(&result, &power_of_ten(digits - scale)), scale)
    }

    fn require_positive(&self) -> Result<()> {
        let message = if self.is_negative() {
            "cannot take logarithm of a negative number"
        } else if self.is_zero() {
            "cannot take logarithm of zero"
        } else {
            return Ok(());
        };
        Err(Error::new(sqlstate::INVALID_ARGUMENT_FOR_LOGARITHM, message))
    }

    /// An estimate of the decimal exponent of `ln(self)`; the number is above zero.
    pub(super) fn ln_weight(&self) -> i64 {
        let tenths = |n: i128| Numeric::small(n, 1);
        if self.compare(&tenths(9)).is_ge() && self.compare(&tenths(11)).is_le() {
            // ln(1 + x) is about x.
            let Ok(distance) = self.sub(&Numeric::ONE) else { return 0 };
            let (weight, first) = distance.leading_group();
            return match first {
                0 => 0,
                first => weight * GROUP + (first as f64).log10() as i64,
            };
        }
        // From the first two groups of digits.
        let (weight, first) = self.leading_group();
        let Some(parts) = self.parts() else { return 0 };
        let in_first = usize::try_from(parts.exponent - weight * GROUP).unwrap_or(0);
        let has_second = parts.digits.len() > in_first;
        let (digits, exponent) = if has_second {
            let more = parts.digits.iter().skip(in_first).chain(std::iter::repeat(&0)).take(4);
            let second = more.fold(0, |v, d| v * 10 + i64::from(*d));
            (first * 10_000 + second, (weight - 1) * GROUP)
        } else {
            (first, weight * GROUP)
        };
        let ln = (digits as f64).ln() + exponent as f64 * LN_10;
        ln.abs().log10() as i64
    }

    /// Natural logarithm.
    pub fn ln(&self) -> Result<Numeric> {
        if self.is_nan() {
            return Ok(Numeric::NAN);
        }
        self.require_positive()?;
        if self.is_infinite() {
            return Ok(self.clone());
        }
        let scale = (SIGNIFICANT_DIGITS_MIN - self.ln_weight())
            .max(i64::from(self.scale()))
            .clamp(0, RESULT_SCALE_MAX);
        self.ln_to_scale(scale)
    }

    pub(super) fn ln_to_scale(&self, scale: i64) -> Result<Numeric> {
        // A number near zero has its first digits far behind the point.
        let behind = i64::from(self.scale()) - self.digit_count();
        let digits = scale + GUARD + behind.max(0);
        let result = ln_fixed(&self.fixed(digits)?, digits);
        Numeric::checked(divide_rounded(&result, &power_of_ten(digits - scale)), scale)
    }

    /// Logarithm to a base.
    pub fn log(&self, base: &Numeric) -> Result<Numeric> {
        if self.is_nan() || base.is_nan() {
            return Ok(Numeric::NAN);
        }
        if self.is_infinite() || base.is_infinite() {
            // Here PostgreSQL looks at the signs before it looks for zeros.
            let negative = [base, self].into_iter().find(|n| n.is_negative());
            negative.map_or(Ok(()), Numeric::require_positive)?;
        }
        base.require_positive()?;
        self.require_positive()?;
        match (self.is_infinite(), base.is_infinite()) {
            (true, true) => return Ok(Numeric::NAN),
            (true, false) => return Ok(Numeric::infinity()),
            (false, true) => return Ok(Numeric::ZERO),
            (false, false) => {}
        }
        let (own, other) = (self.ln_weight(), base.ln_weight());
        let scale = (SIGNIFICANT_DIGITS_MIN - (own - other))
            .max(i64::from(self.scale()))
            .max(i64::from(base.scale()))
            .clamp(0, RESULT_SCALE_MAX);
        // Each logarithm with more significant digits than the quotient.
        let digits = scale + (own - other) + GUARD;
        let numerator = self.ln_to_scale((digits - own).max(0))?;
        let denominator = base.ln_to_scale((digits - other).max(0))?;
        numerator.div_to_scale(&denominator, scale)
    }

    /// Logarithm to base 10.
    pub fn log10(&self) -> Result<Numeric> {
        self.log(&Numeric::from_i64(10))
    }

    /// Whether it is a whole number.
    pub(super) fn is_whole(&self) -> bool {
        self.class() == NumericClass::Finite && self.min_scale() == 0
    }

    /// Whether it is an odd whole number.
    pub(super) fn is_odd(&self) -> bool {
        self.is_whole() && self.trunc(0).finite().is_some_and(|(m, _)| m.abs().bit(0))
    }

    /// The whole number as an `i32`, if it is one.
    pub(super) fn whole_i32(&self) -> Option<i32> {
        if !self.is_whole() {
            return None;
        }
        self.trunc(0).finite()?.0.to_i32()
    }
}
