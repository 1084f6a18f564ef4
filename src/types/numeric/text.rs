//! Reading and writing numbers as text.

use std::fmt;

use num_bigint::BigInt;

use super::{Numeric, Repr, overflow};
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
        if trimmed.ends_with(|c: char| c.is_ascii_alphabetic()) {
            match trimmed.to_ascii_lowercase().as_str() {
                "nan" => return Ok(Numeric::NAN),
                "infinity" | "+infinity" | "inf" | "+inf" => return Ok(Numeric::infinity()),
                "-infinity" | "-inf" => return Ok(Numeric::neg_infinity()),
                _ => {}
            }
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
            || scale > limits::NUMERIC_SCALE_MAX
        {
            return Err(overflow());
        }
        // The common case needs no big number: 38 digits fit an i128.
        if whole.len() + fraction.len() <= 38 && scale >= 0 {
            let mantissa = whole
                .bytes()
                .chain(fraction.bytes())
                .fold(0i128, |m, b| m * 10 + i128::from(b - b'0'));
            let mantissa = if negative { -mantissa } else { mantissa };
            return Ok(Numeric::small(mantissa, u16::try_from(scale).map_err(|_| overflow())?));
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
        let (digits, scale) = match &self.0 {
            Repr::NaN => return out.push_str("NaN"),
            Repr::Infinity => return out.push_str("Infinity"),
            Repr::NegInfinity => return out.push_str("-Infinity"),
            Repr::Small(_, scale) => {
                let mantissa = self.as_small().map_or(0, |(m, _)| m.unsigned_abs());
                // Narrow numbers print faster.
                let digits = match u64::try_from(mantissa) {
                    Ok(narrow) => narrow.to_string(),
                    Err(_) => mantissa.to_string(),
                };
                (digits, usize::from(*scale))
            }
            Repr::Big(b) => (b.0.magnitude().to_str_radix(10), usize::from(b.1)),
        };
        if self.is_negative() {
            out.push('-');
        }
        match digits.len().checked_sub(scale) {
            Some(whole) if whole > 0 => {
                out.push_str(&digits[..whole]);
                if scale > 0 {
                    out.push('.');
                    out.push_str(&digits[whole..]);
                }
            }
            _ => {
                out.push_str("0.");
                out.extend(std::iter::repeat_n('0', scale - digits.len()));
                out.push_str(&digits);
            }
        }
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
