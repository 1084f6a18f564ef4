//! Bytes: digests, encodings, character sets, single bytes and bits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::args::{bytes, i4, i8, txt};
use super::row::{Row, f};
use super::string_case::bounded;
use crate::error::{Error, Result, sqlstate};
use crate::types::Datum;

pub(super) const FUNCTIONS: &[Row] = &[
    f(2011, "byteacat", "bytea bytea", "bytea", |_, a| {
        let (left, right) = (bytes(a, 0)?, bytes(a, 1)?);
        bounded(left.len().saturating_add(right.len()))?;
        Ok(Datum::bytes([&**left, &**right].concat()))
    }),
    f(2311, "md5", "text", "text", |_, a| {
        Ok(Datum::text(hex(&Md5::digest(txt(a, 0)?.as_bytes()))))
    }),
    f(2321, "md5", "bytea", "text", |_, a| Ok(Datum::text(hex(&Md5::digest(bytes(a, 0)?))))),
    f(3419, "sha224", "bytea", "bytea", |_, a| Ok(Datum::bytes(Sha224::digest(bytes(a, 0)?)))),
    f(3420, "sha256", "bytea", "bytea", |_, a| Ok(Datum::bytes(Sha256::digest(bytes(a, 0)?)))),
    f(3421, "sha384", "bytea", "bytea", |_, a| Ok(Datum::bytes(Sha384::digest(bytes(a, 0)?)))),
    f(3422, "sha512", "bytea", "bytea", |_, a| Ok(Datum::bytes(Sha512::digest(bytes(a, 0)?)))),
    f(1946, "encode", "bytea text", "text", |_, a| {
        Ok(Datum::text(encode(bytes(a, 0)?, txt(a, 1)?)?))
    }),
    f(1947, "decode", "text text", "bytea", |_, a| {
        Ok(Datum::bytes(decode(txt(a, 0)?, txt(a, 1)?)?))
    }),
    f(1714, "convert_from", "bytea name", "text", |_, a| {
        Ok(Datum::text(from_charset(bytes(a, 0)?, txt(a, 1)?)?))
    })
    .stable(),
    f(1717, "convert_to", "text name", "bytea", |_, a| {
        Ok(Datum::bytes(to_charset(txt(a, 0)?, txt(a, 1)?)?))
    })
    .stable(),
    f(1813, "convert", "bytea name name", "bytea", |_, a| {
        let text = from_charset(bytes(a, 0)?, txt(a, 1)?)?;
        Ok(Datum::bytes(to_charset(&text, txt(a, 2)?)?))
    })
    .stable(),
    f(721, "get_byte", "bytea int4", "int4", |_, a| {
        let (data, i) = (bytes(a, 0)?, i4(a, 1)?);
        let byte = usize::try_from(i).ok().and_then(|i| data.get(i));
        byte.map(|b| Datum::Int4(i32::from(*b))).ok_or_else(|| outside(i.into(), data.len()))
    }),
    f(722, "set_byte", "bytea int4 int4", "bytea", |_, a| {
        let (data, i) = (bytes(a, 0)?, i4(a, 1)?);
        let mut changed = data.to_vec();
        match usize::try_from(i).ok().and_then(|i| changed.get_mut(i)) {
            Some(byte) => *byte = i4(a, 2)? as u8,
            None => return Err(outside(i.into(), data.len())),
        }
        Ok(Datum::bytes(changed))
    }),
    f(723, "get_bit", "bytea int8", "int4", |_, a| {
        let (data, i) = (bytes(a, 0)?, i8(a, 1)?);
        let byte = usize::try_from(i / 8).ok().filter(|_| i >= 0).and_then(|at| data.get(at));
        byte.map(|b| Datum::Int4(i32::from(b >> (i % 8) & 1)))
            .ok_or_else(|| outside(i, data.len().saturating_mul(8)))
    }),
    f(724, "set_bit", "bytea int8 int4", "bytea", |_, a| {
        let (data, i, bit) = (bytes(a, 0)?, i8(a, 1)?, i4(a, 2)?);
        let mut changed = data.to_vec();
        match usize::try_from(i / 8).ok().filter(|_| i >= 0).and_then(|at| changed.get_mut(at)) {
            None => return Err(outside(i, data.len().saturating_mul(8))),
            Some(byte) => match bit {
                0 => *byte &= !(1 << (i % 8)),
                1 => *byte |= 1 << (i % 8),
                _ => {
                    return Err(Error::new(
                        sqlstate::INVALID_PARAMETER_VALUE,
                        "new bit must be 0 or 1",
                    ));
                }
            },
        }
        Ok(Datum::bytes(changed))
    }),
    f(6163, "bit_count", "bytea", "int8", |_, a| {
        let bits: u64 = bytes(a, 0)?.iter().map(|b| u64::from(b.count_ones())).sum();
        Ok(Datum::Int8(i64::try_from(bits).unwrap_or(i64::MAX)))
    }),
    f(2007, "like", "bytea bytea", "bool", |_, a| like_bytes(bytes(a, 0)?, bytes(a, 1)?)),
    f(2008, "notlike", "bytea bytea", "bool", |_, a| {
        negated(like_bytes(bytes(a, 0)?, bytes(a, 1)?)?)
    }),
    f(2005, "bytealike", "bytea bytea", "bool", |_, a| like_bytes(bytes(a, 0)?, bytes(a, 1)?)),
    f(2006, "byteanlike", "bytea bytea", "bool", |_, a| {
        negated(like_bytes(bytes(a, 0)?, bytes(a, 1)?)?)
    }),
];

fn like_bytes(data: &[u8], pattern: &[u8]) -> Result<Datum> {
    Ok(Datum::Bool(super::like::matches(data, pattern, false)?))
}

fn negated(value: Datum) -> Result<Datum> {
    Ok(match value {
        Datum::Bool(value) => Datum::Bool(!value),
        other => other,
    })
}

fn outside(index: i64, length: usize) -> Error {
    let last = i64::try_from(length).unwrap_or(i64::MAX) - 1;
    Error::new(
        sqlstate::ARRAY_SUBSCRIPT_ERROR,
        format!("index {index} out of valid range, 0..{last}"),
    )
}

/// Two lower-case digits a byte.
fn hex(data: &[u8]) -> String {
    use std::fmt::Write as _;
    data.iter().fold(String::with_capacity(data.len() * 2), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

/// Characters of a line of base64 before a line break, as in MIME.
const BASE64_LINE: usize = 76;

fn encode(data: &[u8], encoding: &str) -> Result<String> {
    match encoding.to_ascii_lowercase().as_str() {
        "hex" => Ok(hex(data)),
        "base64" => {
            let plain = BASE64.encode(data);
            let mut out = String::with_capacity(plain.len() + plain.len() / BASE64_LINE);
            for (i, c) in plain.chars().enumerate() {
                if i > 0 && i % BASE64_LINE == 0 {
                    out.push('\n');
                }
                out.push(c);
            }
            Ok(out)
        }
        "escape" => Ok(data.iter().fold(String::new(), |mut out, byte| {
            match byte {
                0 | 0x80.. => out.push_str(&format!("\\{byte:03o}")),
                b'\\' => out.push_str("\\\\"),
                _ => out.push(char::from(*byte)),
            }
            out
        })),
        _ => Err(invalid(format!("unrecognized encoding: \"{encoding}\""))),
    }
}

fn decode(text: &str, encoding: &str) -> Result<Vec<u8>> {
    match encoding.to_ascii_lowercase().as_str() {
        "hex" => decode_hex(text),
        "base64" => decode_base64(text),
        "escape" => decode_escape(text),
        _ => Err(invalid(format!("unrecognized encoding: \"{encoding}\""))),
    }
}

fn decode_hex(text: &str) -> Result<Vec<u8>> {
    let digit = |c: char| {
        c.to_digit(16).ok_or_else(|| invalid(format!("invalid hexadecimal digit: \"{c}\"")))
    };
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut chars = text.chars();
    while let Some(high) = chars.next() {
        // Blanks may stand between bytes, not within one.
        if matches!(high, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let high = digit(high)?;
        let low = chars
            .next()
            .ok_or_else(|| invalid("invalid hexadecimal data: odd number of digits"))?;
        out.push((high * 16 + digit(low)?) as u8);
    }
    Ok(out)
}

fn decode_base64(text: &str) -> Result<Vec<u8>> {
    let (mut out, mut buffer, mut position, mut end) = (Vec::new(), 0u32, 0, 0);
    for c in text.chars() {
        let value = match c {
            ' ' | '\t' | '\n' | '\r' => continue,
            '=' => {
                if end == 0 {
                    end = match position {
                        2 => 1,
                        3 => 2,
                        _ => {
                            return Err(invalid("unexpected \"=\" while decoding base64 sequence"));
                        }
                    };
                }
                0
            }
            'A'..='Z' => c as u32 - 'A' as u32,
            'a'..='z' => c as u32 - 'a' as u32 + 26,
            '0'..='9' => c as u32 - '0' as u32 + 52,
            '+' => 62,
            '/' => 63,
            _ => {
                return Err(invalid(format!(
                    "invalid symbol \"{c}\" found while decoding base64 sequence"
                )));
            }
        };
        buffer = (buffer << 6) | value;
        position += 1;
        if position == 4 {
            out.push((buffer >> 16) as u8);
            if end == 0 || end > 1 {
                out.push((buffer >> 8) as u8);
            }
            if end == 0 || end > 2 {
                out.push(buffer as u8);
            }
            (buffer, position) = (0, 0);
        }
    }
    if position != 0 {
        return Err(invalid("invalid base64 end sequence")
            .with_hint("Input data is missing padding, is truncated, or is otherwise corrupted."));
    }
    Ok(out)
}

fn decode_escape(text: &str) -> Result<Vec<u8>> {
    let malformed =
        || Error::new(sqlstate::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea");
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => {
                out.push(b'\\');
                after
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                after
            }
            (b'\\', _) => return Err(malformed()),
            (byte, after) => {
                out.push(*byte);
                after
            }
        };
    }
    Ok(out)
}

/// The character sets that values may be converted from and to.
enum Charset {
    Utf8,
    Latin1,
    Ascii,
}

fn charset(name: &str, role: &str) -> Result<Charset> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match plain.as_str() {
        "utf8" | "unicode" => Ok(Charset::Utf8),
        "latin1" | "iso88591" => Ok(Charset::Latin1),
        "sqlascii" => Ok(Charset::Ascii),
        _ => Err(invalid(format!("invalid {role} encoding name \"{name}\""))),
    }
}

fn sequence(data: &[u8]) -> String {
    data.iter().map(|b| format!("0x{b:02x}")).collect::<Vec<_>>().join(" ")
}

fn from_charset(data: &[u8], name: &str) -> Result<String> {
    let text = match charset(name, "source")? {
        Charset::Latin1 => data.iter().map(|b| char::from(*b)).collect(),
        Charset::Utf8 | Charset::Ascii => match std::str::from_utf8(data) {
            Ok(text) => text.to_string(),
            Err(e) => {
                let at = e.valid_up_to();
                let length = utf8_length(data.get(at).copied().unwrap_or(0));
                let bad = data.get(at..data.len().min(at + length)).unwrap_or(&[]);
                return Err(malformed(bad));
            }
        },
    };
    match text.find('\0') {
        Some(_) => Err(malformed(&[0])),
        None => Ok(text),
    }
}

fn malformed(sequence_of: &[u8]) -> Error {
    Error::new(
        sqlstate::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": {}", sequence(sequence_of)),
    )
}

/// How many bytes a character with this first byte claims to have.
fn utf8_length(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    }
}

fn to_charset(text: &str, name: &str) -> Result<Vec<u8>> {
    match charset(name, "destination")? {
        Charset::Utf8 | Charset::Ascii => Ok(text.as_bytes().to_vec()),
        Charset::Latin1 => text
            .chars()
            .map(|c| {
                u8::try_from(u32::from(c)).map_err(|_| {
                    let bytes = sequence(c.encode_utf8(&mut [0; 4]).as_bytes());
                    Error::new(
                        sqlstate::UNTRANSLATABLE_CHARACTER,
                        format!(
                            "character with byte sequence {bytes} in encoding \"UTF8\" has no \
                             equivalent in encoding \"LATIN1\""
                        ),
                    )
                })
            })
            .collect(),
    }
}
