//! Fewer digits: rounding, truncation, and the modifier `numeric(precision, scale)`.

use num_bigint::BigInt;
use num_traits::Zero;

use super::{
    Numeric, NumericClass, divide_rounded, divide_rounded_small, power_of_ten, small_power_of_ten,
};
use crate::error::{Error, Result, sqlstate};
use crate::types::typmod;

/// Digits before or behind the point that `round` and `trunc` count at most, as in PostgreSQL.
const ROUND_SCALE_MAX: i32 = 2_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Half away from zero.
    Round,
    /// Toward zero.
    Truncate,
}

impl Numeric {
    /// Rounds half away from zero; a negative scale rounds before the point.
    pub fn round(&self, scale: i32) -> Numeric {
        self.rescale(scale.clamp(-ROUND_SCALE_MAX, ROUND_SCALE_MAX), Cut::Round)
    }

    /// Cuts toward zero; a negative scale cuts before the point.
    pub fn trunc(&self, scale: i32) -> Numeric {
        self.rescale(scale.clamp(-ROUND_SCALE_MAX, ROUND_SCALE_MAX), Cut::Truncate)
    }

    fn rescale(&self, scale: i32, cut: Cut) -> Numeric {
        let own = i32::from(self.scale());
        if own == scale || self.class() != NumericClass::Finite {
            return self.clone();
        }
        // What is cut before the point comes back as zeros.
        let kept = u16::try_from(scale).unwrap_or(0);
        let refill = if scale < 0 { scale.unsigned_abs() } else { 0 };
        if let Some((m, _)) = self.as_small()
            && let Some(power) = small_power_of_ten(own.abs_diff(scale))
        {
            let moved = if own < scale {
                m.checked_mul(power)
            } else if cut == Cut::Truncate {
                Some(m / power)
            } else {
                divide_rounded_small(m, power)
            };
            let filled = moved.and_then(|m| m.checked_mul(small_power_of_ten(refill)?));
            if let Some(m) = filled {
                return Numeric::small(m, kept);
            }
        }
        let Some((mantissa, _)) = self.finite() else { return self.clone() };
        let power = power_of_ten(i64::from(own.abs_diff(scale)));
        let moved: BigInt = if own < scale {
            mantissa * power
        } else if cut == Cut::Truncate {
            mantissa / power
        } else {
            divide_rounded(&mantissa, &power)
        };
        Numeric::from_big(moved * power_of_ten(i64::from(refill)), kept)
    }

    /// Smallest integer not below.
    pub fn ceil(&self) -> Numeric {
        let cut = self.trunc(0);
        if cut.compare(self).is_lt() { cut.plus(1) } else { cut }
    }

    /// Largest integer not above.
    pub fn floor(&self) -> Numeric {
        let cut = self.trunc(0);
        if cut.compare(self).is_gt() { cut.plus(-1) } else { cut }
    }

    fn plus(&self, n: i64) -> Numeric {
        self.add(&Numeric::from_i64(n)).unwrap_or_else(|_| self.clone())
    }

    /// Scale without trailing zeros.
    pub fn min_scale(&self) -> u16 {
        if self.is_zero() {
            return 0;
        }
        if let Some((mut m, mut scale)) = self.as_small() {
            while scale > 0 && m % 10 == 0 {
                m /= 10;
                scale -= 1;
            }
            return scale;
        }
        let Some((mut mantissa, mut scale)) = self.finite() else { return 0 };
        while scale > 0 && (&mantissa % 10u8).is_zero() {
            mantissa /= 10u8;
            scale -= 1;
        }
        scale
    }

    /// The same number with [`Numeric::min_scale`].
    pub fn trim_scale(&self) -> Numeric {
        self.rescale(i32::from(self.min_scale()), Cut::Truncate)
    }

    /// `numeric(precision, scale)`: rounds, then 22003 if too many digits are left.
    pub fn apply_modifier(&self, modifier: i32) -> Result<Numeric> {
        let Some((precision, scale)) = typmod::numeric_precision_scale(modifier) else {
            return Ok(self.clone());
        };
        let field_overflow = |rest: String| {
            Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow")
                .with_detail(format!("A field with precision {precision}, scale {scale} {rest}"))
        };
        match self.class() {
            NumericClass::NaN => return Ok(self.clone()),
            NumericClass::Infinity | NumericClass::NegInfinity => {
                return Err(field_overflow("cannot hold an infinite value.".into()));
            }
            NumericClass::Finite => {}
        }
        let rounded = self.rescale(scale, Cut::Round);
        let whole_digits = precision - scale;
        let digits = rounded.digit_count() - i64::from(rounded.scale());
        if !rounded.is_zero() && digits > i64::from(whole_digits) {
            let bound = match whole_digits {
                0 => "1".to_owned(),
                n => format!("10^{n}"),
            };
            return Err(field_overflow(format!(
                "must round to an absolute value less than {bound}."
            )));
        }
        Ok(rounded)
    }
}
