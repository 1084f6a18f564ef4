//! The text of the small types: booleans, integers, bytes, UUIDs.

use std::fmt::Write as _;
use std::str::FromStr;

use super::invalid_syntax;
use crate::error::{Error, Result, sqlstate};
use crate::types::session::ByteaOutput;

/// `boolin`: any beginning of true, false, yes, no, on, off that says enough; 1 and 0.
pub fn boolean(text: &str) -> Result<bool> {
    let word = text.trim_ascii().to_ascii_lowercase();
    let begins = |full: &str, least: usize| word.len() >= least && full.starts_with(&word);
    if begins("true", 1) || begins("yes", 1) || word == "on" || word == "1" {
        Ok(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        Ok(false)
    } else {
        Err(invalid_syntax("boolean", text))
    }
}

fn value_out_of_range(type_name: &str, text: &str) -> Error {
    Error::new(
        sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("value \"{text}\" is out of range for type {type_name}"),
    )
}

/// `int2in`, `int4in`, `int8in`
pub fn integer<T: FromStr>(text: &str, type_name: &str) -> Result<T> {
    let word = text.trim_ascii();
    if let Ok(value) = word.parse() {
        return Ok(value);
    }
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        Err(value_out_of_range(type_name, text))
    } else {
        Err(invalid_syntax(type_name, text))
    }
}

/// `oidin`: an unsigned number; a negative one counts back from 2^32, as PostgreSQL reads it.
pub fn oid(text: &str) -> Result<u32> {
    let word = text.trim_ascii();
    let wide: i64 = integer(word, "oid").map_err(|e| {
        if e.code() == sqlstate::INVALID_TEXT_REPRESENTATION {
            invalid_syntax("oid", text)
        } else {
            value_out_of_range("oid", text)
        }
    })?;
    u32::try_from(wide)
        .ok()
        .or_else(|| i32::try_from(wide).ok().map(i32::cast_unsigned))
        .ok_or_else(|| value_out_of_range("oid", text))
}

/// `"char"`: the first byte, or `\ooo` for bytes that are not ASCII.
pub fn one_byte(text: &str) -> u8 {
    match text.as_bytes() {
        [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
            (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0')
        }
        bytes => bytes.first().copied().unwrap_or(0),
    }
}

/// The text of a `"char"`; the zero byte has none.
pub fn write_one_byte(byte: u8, out: &mut String) {
    if byte >= 0x80 {
        let _ = write!(out, "\\{byte:03o}");
    } else if byte != 0 {
        out.push(char::from(byte));
    }
}

/// `byteain`: `\x616263`, or text with octal escapes.
pub fn bytea(text: &str) -> Result<Vec<u8>> {
    let invalid = |message: String| Error::new(sqlstate::INVALID_PARAMETER_VALUE, message);
    let Some(hex) = text.strip_prefix("\\x") else { return escaped_bytea(text) };
    let mut out = Vec::with_capacity(hex.len() / 2);
    let mut half = None;
    for c in hex.chars() {
        if half.is_none() && c.is_ascii_whitespace() {
            continue;
        }
        let digit = c
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
            .ok_or_else(|| invalid(format!("invalid hexadecimal digit: \"{c}\"")))?;
        half = match half {
            None => Some(digit),
            Some(high) => {
                out.push(high << 4 | digit);
                None
            }
        };
    }
    match half {
        None => Ok(out),
        Some(_) => Err(invalid("invalid hexadecimal data: odd number of digits".into())),
    }
}

fn escaped_bytea(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        match rest {
            [] => return Ok(out),
            [b'\\', b'\\', tail @ ..] => {
                out.push(b'\\');
                rest = tail;
            }
            [b'\\', b'0'..=b'3', b'0'..=b'7', b'0'..=b'7', tail @ ..] => {
                let (a, b, c) = (rest[1] - b'0', rest[2] - b'0', rest[3] - b'0');
                out.push(a << 6 | b << 3 | c);
                rest = tail;
            }
            [b'\\', ..] => {
                return Err(Error::new(
                    sqlstate::INVALID_TEXT_REPRESENTATION,
                    "invalid input syntax for type bytea",
                ));
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
}

/// `byteaout`
pub fn write_bytea(bytes: &[u8], style: ByteaOutput, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match style {
        ByteaOutput::Hex => {
            out.reserve(2 + bytes.len() * 2);
            out.push_str("\\x");
            for byte in bytes {
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
        ByteaOutput::Escape => {
            for byte in bytes {
                match byte {
                    b'\\' => out.push_str("\\\\"),
                    0x20..=0x7e => out.push(char::from(*byte)),
                    _ => {
                        let _ = write!(out, "\\{byte:03o}");
                    }
                }
            }
        }
    }
}

/// `uuid_in`: 32 hexadecimal digits, hyphens after any group of four, braces around.
pub fn uuid(text: &str) -> Result<[u8; 16]> {
    let fail = || invalid_syntax("uuid", text);
    let body = match text.strip_prefix('{') {
        Some(inner) => inner.strip_suffix('}').ok_or_else(fail)?,
        None => text,
    };
    let mut bytes = [0u8; 16];
    let mut rest = body.as_bytes();
    for (i, slot) in bytes.iter_mut().enumerate() {
        let [high, low, tail @ ..] = rest else { return Err(fail()) };
        let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *slot = digit(high).ok_or_else(fail)? << 4 | digit(low).ok_or_else(fail)?;
        rest = match tail {
            [b'-', more @ ..] if i % 2 == 1 && i < 15 => more,
            _ => tail,
        };
    }
    if rest.is_empty() { Ok(bytes) } else { Err(fail()) }
}

/// `uuid_out`
pub fn write_uuid(bytes: &[u8; 16], out: &mut String) {
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        let _ = write!(out, "{byte:02x}");
    }
}
