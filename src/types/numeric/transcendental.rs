//! Exponential, logarithms and powers, by series over fixed-point integers.

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::{Numeric, NumericClass, RESULT_SCALE_MAX, divide_rounded, overflow, power_of_ten};
use crate::error::{Error, Result, sqlstate};

/// Digits beyond the wanted scale, so that the last rounding is right.
const GUARD: i64 = 12;

/// `e^x` for a fixed-point x of `digits` digits.
fn exp_fixed(x: &BigInt, digits: u32) -> BigInt {
    let one = power_of_ten(digits);
    // Halve until the series converges quickly, then square back.
    let halvings = (x.bits() as i64 - one.bits() as i64 + 8).max(0) as u32;
    let reduced = x >> halvings;
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
fn ln_fixed(x: &BigInt, digits: u32) -> BigInt {
    let one = power_of_ten(digits);
    // x = y × 2^k with y near 1, then ln y = 2 artanh((y - 1) / (y + 1)).
    let shift = x.bits() as i64 - one.bits() as i64;
    let y = if shift >= 0 { x >> shift } else { x << -shift };
    let two_artanh = |numerator: BigInt, denominator: BigInt| {
        let z = numerator * &one / denominator;
        let square = &z * &z / &one;
        let (mut power, mut sum) = (z.clone(), z);
        for i in 1u32.. {
            power = &power * &square / &one;
            let term = &power / BigInt::from(2 * i + 1);
            if term.is_zero() {
                break;
            }
            sum += term;
        }
        sum * 2
    };
    let ln_two = two_artanh(BigInt::one(), BigInt::from(3));
    two_artanh(&y - &one, &y + &one) + ln_two * shift
}

impl Numeric {
    /// The mantissa at `digits` digits after the point.
    fn fixed(&self, digits: i64) -> Result<BigInt> {
        let (mantissa, scale) = self.finite().ok_or_else(overflow)?;
        let shift = digits - i64::from(scale);
        Ok(if shift >= 0 {
            mantissa * power_of_ten(shift as u32)
        } else {
            divide_rounded(&mantissa, &power_of_ten(shift.unsigned_abs() as u32))
        })
    }

    /// An estimate of log10(|self|), for the rules of scale.
    fn log10_estimate(&self) -> f64 {
        let Some(parts) = self.parts().filter(|p| !p.digits.is_empty()) else { return 0.0 };
        let lead = parts
            .digits
            .iter()
            .take(15)
            .fold((0.0, 0.1), |(v, unit), d| (v + f64::from(*d) * unit, unit / 10.0));
        lead.0.log10() + parts.exponent as f64
    }

    /// e to this power.
    pub fn exp(&self) -> Result<Numeric> {
        match self.class() {
            NumericClass::NegInfinity => return Ok(Numeric::ZERO),
            NumericClass::NaN | NumericClass::Infinity => return Ok(self.clone()),
            NumericClass::Finite => {}
        }
        let value = self.to_f64()?;
        let magnitude = value * std::f64::consts::LOG10_E;
        if magnitude > 131_072.0 {
            return Err(overflow());
        }
        let scale = (16 - magnitude as i64).max(i64::from(self.scale())).clamp(0, RESULT_SCALE_MAX);
        if magnitude < -(RESULT_SCALE_MAX as f64) - 10.0 {
            return Numeric::checked(BigInt::zero(), scale);
        }
        // Squaring loses digits in proportion to the size of the result.
        let digits = scale + GUARD + magnitude.abs() as i64 + 8;
        let result = exp_fixed(&self.fixed(digits)?, digits as u32);
        Numeric::checked(divide_rounded(&result, &power_of_ten((digits - scale) as u32)), scale)
    }

    fn require_positive(&self) -> Result<()> {
        let message = if self.is_zero() {
            "cannot take logarithm of zero"
        } else if self.is_negative() {
            "cannot take logarithm of a negative number"
        } else {
            return Ok(());
        };
        Err(Error::new(sqlstate::INVALID_ARGUMENT_FOR_LOGARITHM, message))
    }

    /// Digits before the point of ln(self), as PostgreSQL's `estimate_ln_dweight` counts them.
    fn ln_weight(&self) -> i64 {
        let ln = self.log10_estimate() * std::f64::consts::LN_10;
        if ln == 0.0 {
            // Too near to 1 for the estimate: the distance from 1 is about the logarithm.
            let distance = self.sub(&Numeric::from_i64(1)).map_or(0.0, |d| d.log10_estimate());
            return distance.floor() as i64;
        }
        ln.abs().log10() as i64
    }

    /// Natural logarithm.
    pub fn ln(&self) -> Result<Numeric> {
        if self.is_nan() {
            return Ok(self.clone());
        }
        self.require_positive()?;
        if self.class() == NumericClass::Infinity {
            return Ok(self.clone());
        }
        let scale = (16 - self.ln_weight()).max(i64::from(self.scale())).clamp(0, RESULT_SCALE_MAX);
        self.ln_to_scale(scale)
    }

    fn ln_to_scale(&self, scale: i64) -> Result<Numeric> {
        // A number near zero has its first digits far behind the point.
        let digits = scale + GUARD + (-self.log10_estimate()).max(0.0) as i64 + 8;
        let result = ln_fixed(&self.fixed(digits)?, digits as u32);
        Numeric::checked(divide_rounded(&result, &power_of_ten((digits - scale) as u32)), scale)
    }

    /// Logarithm to a base.
    pub fn log(&self, base: &Numeric) -> Result<Numeric> {
        if self.is_nan() || base.is_nan() {
            return Ok(Numeric::NAN);
        }
        base.require_positive()?;
        self.require_positive()?;
        match (self.class(), base.class()) {
            (NumericClass::Infinity, NumericClass::Infinity) => return Ok(Numeric::NAN),
            (NumericClass::Infinity, _) => return Ok(Numeric::infinity()),
            (_, NumericClass::Infinity) => return Ok(Numeric::ZERO),
            _ => {}
        }
        let weight = self.ln_weight() - base.ln_weight();
        let scale = (16 - weight)
            .max(i64::from(self.scale()))
            .max(i64::from(base.scale()))
            .clamp(0, RESULT_SCALE_MAX);
        let working = scale + GUARD + (-base.ln_weight()).max(0);
        self.ln_to_scale(working)?.div_to_scale(&base.ln_to_scale(working)?, scale)
    }

    /// Logarithm to base 10.
    pub fn log10(&self) -> Result<Numeric> {
        self.log(&Numeric::from_i64(10))
    }

    /// This number to a power.
    pub fn power(&self, exponent: &Numeric) -> Result<Numeric> {
        let one = Numeric::from_i64(1);
        if exponent.is_zero() || self.compare(&one).is_eq() {
            return Ok(one);
        }
        if self.is_nan() || exponent.is_nan() {
            return Ok(Numeric::NAN);
        }
        let invalid =
            |m: &str| Error::new(sqlstate::INVALID_ARGUMENT_FOR_POWER_FUNCTION, m.to_owned());
        if self.is_zero() && exponent.is_negative() {
            return Err(invalid("zero raised to a negative power is undefined"));
        }
        if self.class() != NumericClass::Finite || exponent.class() != NumericClass::Finite {
            let grows = self.abs().compare(&one).is_gt() != exponent.is_negative();
            return Ok(if grows { Numeric::infinity() } else { Numeric::ZERO });
        }
        let whole = exponent.min_scale() == 0;
        if self.is_negative() && !whole {
            return Err(invalid(
                "a negative number raised to a non-integer power yields a complex result",
            ));
        }
        // The size of the result decides its scale.
        let magnitude = self.log10_estimate() * exponent.to_f64()?;
        if magnitude > 131_072.0 {
            return Err(overflow());
        }
        let scale = (16 - magnitude as i64)
            .max(i64::from(self.scale()))
            .max(i64::from(exponent.scale()))
            .clamp(0, RESULT_SCALE_MAX);
        if self.is_zero() || magnitude < -(RESULT_SCALE_MAX as f64) - 10.0 {
            return Numeric::checked(BigInt::zero(), scale);
        }
        let (base, own) = self.finite().ok_or_else(overflow)?;
        let count = exponent.trunc(0).finite().and_then(|(m, _)| m.to_i32()).filter(|_| whole);
        if let Some(count) = count.filter(|c| base.bits() * u64::from(c.unsigned_abs()) < 4_000_000)
        {
            let power = base.pow(count.unsigned_abs());
            let power_scale = i64::from(own) * i64::from(count.unsigned_abs());
            let shift = if count >= 0 { scale - power_scale } else { scale + power_scale };
            let scaled = |value: BigInt, by: i64| {
                if by >= 0 {
                    value * power_of_ten(by as u32)
                } else {
                    divide_rounded(&value, &power_of_ten(by.unsigned_abs() as u32))
                }
            };
            let mantissa = if count >= 0 {
                scaled(power, shift)
            } else {
                let numerator = power_of_ten(shift as u32);
                let quotient = divide_rounded(&numerator, &power.abs());
                if power.is_negative() { -quotient } else { quotient }
            };
            return Numeric::checked(mantissa, scale);
        }
        let odd = whole && exponent.fixed(0)?.bit(0);
        let digits = scale + GUARD + magnitude.abs() as i64 + 8;
        let ln = self.abs().ln_to_scale(digits + exponent.log10_estimate().max(0.0) as i64)?;
        let result = exp_fixed(&ln.mul(exponent)?.fixed(digits)?, digits as u32);
        let result = divide_rounded(&result, &power_of_ten((digits - scale) as u32));
        Numeric::checked(if self.is_negative() && odd { -result } else { result }, scale)
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
    fn values_agree_with_postgresql() {
        assert_eq!(n("1").exp().unwrap().to_string(), "2.7182818284590452");
        assert_eq!(n("2.0").ln().unwrap().to_string(), "0.6931471805599453");
        assert_eq!(n("100").log10().unwrap().to_string(), "2.0000000000000000");
        assert_eq!(n("2").power(&n("10")).unwrap().to_string(), "1024.0000000000000");
        assert_eq!(n("2").power(&n("0.5")).unwrap().to_string(), "1.4142135623730950");
        assert_eq!(n("-2").power(&n("3")).unwrap().to_string(), "-8.0000000000000000");
    }

    #[test]
    fn what_has_no_logarithm_or_root_is_refused() {
        assert_eq!(n("0").ln().unwrap_err().code(), sqlstate::INVALID_ARGUMENT_FOR_LOGARITHM);
        assert!(n("-8").power(&n("0.5")).is_err());
        assert!(n("0").power(&n("-1")).is_err());
        assert_eq!(
            n("10").power(&n("200000")).unwrap_err().code(),
            sqlstate::NUMERIC_VALUE_OUT_OF_RANGE
        );
    }
}
