//! Reading and writing numbers as text.

use std::fmt;

use num_bigint::BigInt;
use num_traits::Signed;

use super::{Numeric, Repr, overflow, power_of_ten};
use crate::error::{Error, Result, sqlstate};
use crate::limits;

impl Numeric {
    /// PostgreSQL's input form: digits with an optional point and exponent, NaN, infinities.
    pub fn parse(text: &str) -> Result<Numeric> {
        let bad = || {
            Error::new(
                sqlstate::INVALID_TEXT_REPRESENTATION,
                format!("invalid input syntax for type numeric: \"{text}\""),
            )
        };
        let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
        match trimmed.to_ascii_lowercase().as_str() {
            "nan" => return Ok(Numeric::NAN),
            "infinity" | "+infinity" | "inf" | "+inf" => return Ok(Numeric::infinity()),
            "-infinity" | "-inf" => return Ok(Numeric::neg_infinity()),
            _ => {}
        }
        let (negative, rest) = match trimmed.as_bytes().first() {
            Some(b'-') => (true, &trimmed[1..]),
            Some(b'+') => (false, &trimmed[1..]),
            _ => (false, trimmed),
        };
        let (number, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(bad());
        }
        let exponent: i64 = match exponent {
            None => 0,
            Some(e) => {
                let digits = e.strip_prefix(['+', '-']).unwrap_or(e);
                if digits.is_empty() || !all_digits(digits) {
                    return Err(bad());
                }
                // Anything this long is out of range in either direction.
                if digits.len() > 9 {
                    return Err(overflow());
                } else {
                    e.parse().map_err(|_| bad())?
                }
            }
        };
        let whole = whole.trim_start_matches('0');
        let scale = fraction.len() as i64 - exponent;
        if whole.len() as i64 + exponent > limits::NUMERIC_INTEGER_DIGITS_MAX
            || scale > limits::NUMERIC_SCALE_MAX + limits::NUMERIC_INTEGER_DIGITS_MAX
        {
            return Err(overflow());
        }
        // The common case needs no big number.
        if whole.len() + fraction.len() <= 18 && (0..=limits::NUMERIC_SCALE_MAX).contains(&scale) {
            let mantissa = whole
                .bytes()
                .chain(fraction.bytes())
                .fold(0i64, |m, b| m * 10 + i64::from(b - b'0'));
            let mantissa = if negative { -mantissa } else { mantissa };
            return Ok(Numeric(Repr::Small(mantissa, scale as u16)));
        }
        let digits = format!("{whole}{fraction}");
        let digits = if digits.is_empty() { "0" } else { &digits };
        let mut mantissa = BigInt::parse_bytes(digits.as_bytes(), 10).ok_or_else(bad)?;
        if negative {
            mantissa = -mantissa;
        }
        Numeric::checked(mantissa, scale)
    }

    /// Appends the text form.
    pub fn write(&self, out: &mut String) {
        let (negative, mut digits, scale) = match &self.0 {
            Repr::NaN => return out.push_str("NaN"),
            Repr::Infinity => return out.push_str("Infinity"),
            Repr::NegInfinity => return out.push_str("-Infinity"),
            Repr::Small(m, s) => (*m < 0, m.unsigned_abs().to_string(), usize::from(*s)),
            Repr::Big(b) => (b.0.is_negative(), b.0.magnitude().to_str_radix(10), usize::from(b.1)),
        };
        if digits.len() <= scale {
            digits.insert_str(0, &"0".repeat(scale + 1 - digits.len()));
        }
        if negative {
            out.push('-');
        }
        let point = digits.len() - scale;
        out.push_str(&digits[..point]);
        if scale > 0 {
            out.push('.');
            out.push_str(&digits[point..]);
        }
    }

    /// The same number under a larger display scale.
    pub(super) fn mantissa_at(&self, scale: u16) -> Option<BigInt> {
        let (mantissa, own) = self.finite()?;
        Some(mantissa * power_of_ten(u32::from(scale.saturating_sub(own))))
    }
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_with_its_scale() {
        for text in ["0", "1.50", "-0.001", "123456789012345678901234567890.5", "NaN", "-Infinity"]
        {
            assert_eq!(Numeric::parse(text).unwrap().to_string(), text);
        }
        for (text, shown) in [
            ("1e3", "1000"),
            ("1.5e-3", "0.0015"),
            (" +.5 ", "0.5"),
            ("0010", "10"),
            ("-0", "0"),
            ("1e20", "100000000000000000000"),
        ] {
            assert_eq!(Numeric::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn nonsense_and_giants_are_refused() {
        for text in ["", ".", "1e", "1.2.3", "1_0", "e5", "0x1", "- 1"] {
            let e = Numeric::parse(text).unwrap_err();
            assert_eq!(e.code(), sqlstate::INVALID_TEXT_REPRESENTATION, "{text}");
        }
        for text in ["1e131073", "1e99999999999999"] {
            let e = Numeric::parse(text).unwrap_err();
            assert_eq!(e.code(), sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "{text}");
        }
    }
}
