//! The text of floats: the shortest that reads back exactly, or so many digits.

use std::fmt::Write as _;

use super::invalid_syntax;
use crate::error::{Error, Result, sqlstate};

/// Significant digits of a float8 and a float4 when `extra_float_digits` is 0.
const F64_DIGITS: i32 = 15;
const F32_DIGITS: i32 = 6;

fn special(text: &str) -> Option<f64> {
    let (sign, word) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    match word.to_ascii_lowercase().as_str() {
        "nan" if word.len() == text.len() => Some(f64::NAN),
        "infinity" | "inf" => Some(sign * f64::INFINITY),
        _ => None,
    }
}

/// Whether the text is a plain decimal number, so that Rust's own words are not understood.
fn is_decimal(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
}

fn has_nonzero_digit(text: &str) -> bool {
    text.split(['e', 'E']).next().unwrap_or_default().bytes().any(|b| (b'1'..=b'9').contains(&b))
}

fn out_of_range(text: &str, type_name: &str) -> Error {
    Error::new(
        sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("\"{text}\" is out of range for type {type_name}"),
    )
}

/// `float8in`
pub fn parse_f64(text: &str) -> Result<f64> {
    let word = text.trim_ascii();
    if let Some(value) = special(word) {
        return Ok(value);
    }
    let value: f64 = is_decimal(word)
        .then(|| word.parse().ok())
        .flatten()
        .ok_or_else(|| invalid_syntax("double precision", text))?;
    if value.is_infinite() || (value == 0.0 && has_nonzero_digit(word)) {
        return Err(out_of_range(word, "double precision"));
    }
    Ok(value)
}

/// `float4in`
pub fn parse_f32(text: &str) -> Result<f32> {
    let word = text.trim_ascii();
    if let Some(value) = special(word) {
        return Ok(value as f32);
    }
    let value: f32 = is_decimal(word)
        .then(|| word.parse().ok())
        .flatten()
        .ok_or_else(|| invalid_syntax("real", text))?;
    if value.is_infinite() || (value == 0.0 && has_nonzero_digit(word)) {
        return Err(out_of_range(word, "real"));
    }
    Ok(value)
}

/// `float8out`
pub fn write_f64(value: f64, extra_float_digits: i32, out: &mut String) {
    if write_special(value, out) {
        return;
    }
    if extra_float_digits > 0 {
        layout(&format!("{value:e}"), F64_DIGITS, out);
    } else {
        out.push_str(&float_with_digits(value, (F64_DIGITS + extra_float_digits).max(1)));
    }
}

/// `float4out`
pub fn write_f32(value: f32, extra_float_digits: i32, out: &mut String) {
    if write_special(f64::from(value), out) {
        return;
    }
    if extra_float_digits > 0 {
        layout(&format!("{value:e}"), F32_DIGITS, out);
    } else {
        let digits = (F32_DIGITS + extra_float_digits).max(1);
        out.push_str(&float_with_digits(f64::from(value), digits));
    }
}

fn write_special(value: f64, out: &mut String) -> bool {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        return false;
    }
    true
}

/// A float as C's `%.{digits}g` prints it.
pub fn float_with_digits(value: f64, digits: i32) -> String {
    let mut out = String::new();
    if !write_special(value, &mut out) {
        let decimals = usize::try_from(digits - 1).unwrap_or(0);
        layout(&format!("{value:.decimals$e}"), digits.max(1), &mut out);
    }
    out
}

/// Lays digits and an exponent (Rust's `1.25e3`) out as C does: plain while the exponent is at
/// least -4 and below `limit`, without trailing zeros.
fn layout(scientific: &str, limit: i32, out: &mut String) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let mut digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    digits.truncate(digits.trim_end_matches('0').len().max(1));
    out.push_str(sign);
    let count = digits.len();
    if exponent < -4 || exponent >= limit {
        out.push_str(&digits[..1]);
        if count > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        let mark = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{mark}{:02}", exponent.unsigned_abs());
    } else if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1).unsigned_abs() as usize));
        out.push_str(&digits);
    } else {
        let point = exponent.unsigned_abs() as usize + 1;
        if count <= point {
            out.push_str(&digits);
            out.extend(std::iter::repeat_n('0', point - count));
        } else {
            out.push_str(&digits[..point]);
            out.push('.');
            out.push_str(&digits[point..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: f64, extra: i32) -> String {
        let mut out = String::new();
        write_f64(value, extra, &mut out);
        out
    }

    fn shown4(value: f32) -> String {
        let mut out = String::new();
        write_f32(value, 1, &mut out);
        out
    }

    #[test]
    fn floats_are_laid_out_as_postgresql_does() {
        for (value, text) in [
            (0.1, "0.1"),
            (1e15, "1e+15"),
            (123456789012345.0, "123456789012345"),
            (1234567890123456.0, "1.234567890123456e+15"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (-0.0, "-0"),
            (1e300, "1e+300"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
            (100.0, "100"),
        ] {
            assert_eq!(shown(value, 1), text);
        }
        assert_eq!(shown(0.1 + 0.2, 0), "0.3");
        assert_eq!(shown(1.0 / 3.0, -10), "0.33333");
        assert_eq!(shown4(1e6), "1e+06");
        assert_eq!(shown4(123456.0), "123456");
        assert_eq!(shown4(1234567.0), "1.234567e+06");
        assert_eq!(shown4(0.1), "0.1");
    }

    #[test]
    fn texts_that_are_no_floats() {
        for bad in ["", "abc", "1e", "0x", "1.2.3", "-nan", "1 2", "e5"] {
            let e = parse_f64(bad).unwrap_err();
            assert_eq!(
                e.message(),
                format!("invalid input syntax for type double precision: \"{bad}\"")
            );
        }
        assert_eq!(
            parse_f64("1e400").unwrap_err().message(),
            "\"1e400\" is out of range for type double precision"
        );
        assert_eq!(
            parse_f32("1e40").unwrap_err().message(),
            "\"1e40\" is out of range for type real"
        );
        assert_eq!(parse_f64("1e-400").unwrap_err().code(), sqlstate::NUMERIC_VALUE_OUT_OF_RANGE);
        assert_eq!(parse_f64(" -Inf ").unwrap(), f64::NEG_INFINITY);
        assert_eq!(parse_f64("0e-400").unwrap(), 0.0);
    }
}
