//! Powers.

use num_bigint::BigInt;
use num_traits::{Signed, Zero};

use super::{
    Numeric, NumericClass, RESULT_SCALE_MAX, SIGNIFICANT_DIGITS_MIN, divide_rounded, overflow,
    power_of_ten,
};
use crate::error::{Error, Result, sqlstate};
use crate::limits::NUMERIC_INTEGER_DIGITS_MAX;

/// Digits kept beyond the significant ones while multiplying.
const GUARD: i64 = 20;
/// Natural logarithms of results beyond this overflow or vanish, as in PostgreSQL.
const EXPONENT_MAX: f64 = 6_020.0;
const LOG10_E: f64 = std::f64::consts::LOG10_E;

fn domain(message: &str) -> Error {
    Error::new(sqlstate::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message)
}

fn complex_result() -> Error {
    domain("a negative number raised to a non-integer power yields a complex result")
}

/// A positive number with a limited count of digits: `mantissa × 10^exponent`.
#[derive(Clone)]
struct Limited {
    mantissa: BigInt,
    exponent: i64,
}

impl Limited {
    /// The product, cut to about `digits` digits.
    fn times(&self, other: &Limited, digits: i64) -> Limited {
        let mantissa = &self.mantissa * &other.mantissa;
        let exponent = self.exponent + other.exponent;
        let length = (mantissa.bits() as f64 * std::f64::consts::LOG10_2) as i64;
        match length - digits {
            excess if excess > 0 => Limited {
                mantissa: divide_rounded(&mantissa, &power_of_ten(excess)),
                exponent: exponent + excess,
            },
            _ => Limited { mantissa, exponent },
        }
    }
}

impl Numeric {
    /// This number to a power.
    pub fn power(&self, exponent: &Numeric) -> Result<Numeric> {
        if self.class() != NumericClass::Finite || exponent.class() != NumericClass::Finite {
            return self.special_power(exponent);
        }
        if self.is_zero() && exponent.is_negative() {
            return Err(domain("zero raised to a negative power is undefined"));
        }
        match exponent.whole_i32() {
            Some(count) => self.integer_power(count),
            None => self.real_power(exponent),
        }
    }

    /// Powers with NaN or an infinity on either side, by the rules of POSIX's `pow`.
    fn special_power(&self, exponent: &Numeric) -> Result<Numeric> {
        let is_one = self.compare(&Numeric::ONE).is_eq();
        if self.is_nan() {
            return Ok(if exponent.is_zero() { Numeric::ONE } else { Numeric::NAN });
        }
        if exponent.is_nan() {
            return Ok(if is_one { Numeric::ONE } else { Numeric::NAN });
        }
        if self.is_zero() && exponent.is_negative() {
            return Err(domain("zero raised to a negative power is undefined"));
        }
        // An infinite exponent counts as whole.
        if self.is_negative() && !exponent.is_infinite() && !exponent.is_whole() {
            return Err(complex_result());
        }
        if is_one || exponent.is_zero() {
            return Ok(Numeric::ONE);
        }
        if self.is_zero() {
            return Ok(Numeric::ZERO);
        }
        if exponent.is_infinite() {
            let size = self.abs().compare(&Numeric::ONE);
            return Ok(if size.is_eq() {
                Numeric::ONE
            } else if size.is_gt() != exponent.is_negative() {
                Numeric::infinity()
            } else {
                Numeric::ZERO
            });
        }
        Ok(if exponent.is_negative() {
            Numeric::ZERO
        } else if self.is_negative() && exponent.is_odd() {
            Numeric::neg_infinity()
        } else {
            Numeric::infinity()
        })
    }

    /// The power of a whole exponent, by squaring.
    fn integer_power(&self, count: i32) -> Result<Numeric> {
        // An estimate of the decimal exponent of the result.
        let weight = match self.parts().filter(|p| !p.digits.is_empty()) {
            None => 0.0,
            Some(parts) => {
                let mut unit = 1.0;
                let mut lead = 0.0;
                for digit in parts.digits.iter().take(16) {
                    unit /= 10.0;
                    lead += f64::from(*digit) * unit;
                }
                f64::from(count) * (lead.log10() + parts.exponent as f64)
            }
        };
        if weight > (NUMERIC_INTEGER_DIGITS_MAX + 4) as f64 {
            return Err(overflow());
        }
        let scale = SIGNIFICANT_DIGITS_MIN.max(i64::from(self.scale())).clamp(0, RESULT_SCALE_MAX);
        if weight + 1.0 < -(scale as f64) {
            return Numeric::checked(BigInt::zero(), scale);
        }
        if count == 0 {
            return Numeric::checked(power_of_ten(scale), scale);
        }
        let (mantissa, own) = self.finite().ok_or_else(overflow)?;
        if mantissa.is_zero() {
            return Numeric::checked(BigInt::zero(), scale);
        }
        // Each of the multiplications may lose one unit of the last digit kept.
        let digits = scale + weight.max(0.0) as i64 + GUARD + 10;
        let mut base = Limited { mantissa: mantissa.abs(), exponent: -i64::from(own) };
        let mut result: Option<Limited> = None;
        let mut rest = count.unsigned_abs();
        loop {
            if rest & 1 == 1 {
                result = Some(match &result {
                    None => base.clone(),
                    Some(so_far) => so_far.times(&base, digits),
                });
            }
            rest >>= 1;
            if rest == 0 {
                break;
            }
            base = base.times(&base, digits);
        }
        let Limited { mantissa: power, exponent } = result.ok_or_else(overflow)?;
        let magnitude = if count > 0 {
            match exponent + scale {
                up if up >= 0 => power * power_of_ten(up),
                down => divide_rounded(&power, &power_of_ten(-down)),
            }
        } else {
            // 1 / (power × 10^exponent) at `scale` digits.
            match scale - exponent {
                up if up >= 0 => divide_rounded(&power_of_ten(up), &power),
                down => divide_rounded(&power_of_ten(0), &(power * power_of_ten(-down))),
            }
        };
        let negative = mantissa.is_negative() && count % 2 != 0;
        Numeric::checked(if negative { -magnitude } else { magnitude }, scale)
    }

    /// The power of an exponent that is not whole, or too large for squaring.
    fn real_power(&self, exponent: &Numeric) -> Result<Numeric> {
        if self.is_zero() {
            return Numeric::checked(BigInt::zero(), SIGNIFICANT_DIGITS_MIN);
        }
        if self.is_negative() && !exponent.is_whole() {
            return Err(complex_result());
        }
        let base = self.abs();
        let ln_weight = base.ln_weight();
        // A rough logarithm of the result, to eight digits, decides its scale.
        let rough_scale = (8 - ln_weight).max(0);
        let rough = base.ln_to_scale(rough_scale)?.mul(exponent)?;
        let rough = Numeric::checked(rough.fixed(rough_scale)?, rough_scale)?.approximate();
        if rough.abs() > EXPONENT_MAX {
            return if rough > 0.0 {
                Err(overflow())
            } else {
                Numeric::checked(BigInt::zero(), RESULT_SCALE_MAX)
            };
        }
        let weight = (rough * LOG10_E) as i64;
        let scale = (SIGNIFICANT_DIGITS_MIN - weight)
            .max(i64::from(self.scale()))
            .max(i64::from(exponent.scale()))
            .clamp(0, RESULT_SCALE_MAX);
        let significant = (scale + weight).max(0);
        let (exponent_weight, _) = exponent.leading_group();
        let digits = (significant - ln_weight + GUARD).max(0) + (exponent_weight.max(0) + 1) * 4;
        let ln = base.ln_to_scale(digits)?.mul(exponent)?;
        let result = ln.exp_to_scale(scale)?;
        Ok(if self.is_negative() && exponent.is_odd() { result.neg() } else { result })
    }
}
