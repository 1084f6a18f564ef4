//! Length, case, trimming and padding of strings.

use super::args::{bytes, i4, i8, txt};
use super::row::{Row, f};
use crate::error::{Error, Result, sqlstate};
use crate::types::{Datum, arith};

pub(super) const FUNCTIONS: &[Row] = &[
    f(1317, "length", "text", "int4", |_, a| chars(txt(a, 0)?)),
    f(1318, "length", "bpchar", "int4", |_, a| chars(txt(a, 0)?.trim_end_matches(' '))),
    f(2010, "length", "bytea", "int4", |_, a| count(bytes(a, 0)?.len())),
    f(1257, "textlen", "text", "int4", |_, a| chars(txt(a, 0)?)),
    f(1381, "char_length", "text", "int4", |_, a| chars(txt(a, 0)?)),
    f(1372, "char_length", "bpchar", "int4", |_, a| chars(txt(a, 0)?.trim_end_matches(' '))),
    f(1369, "character_length", "text", "int4", |_, a| chars(txt(a, 0)?)),
    f(1367, "character_length", "bpchar", "int4", |_, a| chars(txt(a, 0)?.trim_end_matches(' '))),
    f(1374, "octet_length", "text", "int4", |_, a| count(txt(a, 0)?.len())),
    f(1375, "octet_length", "bpchar", "int4", |_, a| count(txt(a, 0)?.len())),
    f(720, "octet_length", "bytea", "int4", |_, a| count(bytes(a, 0)?.len())),
    f(1811, "bit_length", "text", "int4", |_, a| count(txt(a, 0)?.len().saturating_mul(8))),
    f(1810, "bit_length", "bytea", "int4", |_, a| count(bytes(a, 0)?.len().saturating_mul(8))),
    f(870, "lower", "text", "text", |_, a| Ok(Datum::text(lower(txt(a, 0)?)))),
    f(871, "upper", "text", "text", |_, a| Ok(Datum::text(upper(txt(a, 0)?)))),
    f(872, "initcap", "text", "text", |_, a| Ok(Datum::text(title(txt(a, 0)?)))),
    f(873, "lpad", "text int4 text", "text", |_, a| pad(txt(a, 0)?, i4(a, 1)?, txt(a, 2)?, true)),
    f(879, "lpad", "text int4", "text", |_, a| pad(txt(a, 0)?, i4(a, 1)?, " ", true)),
    f(874, "rpad", "text int4 text", "text", |_, a| pad(txt(a, 0)?, i4(a, 1)?, txt(a, 2)?, false)),
    f(880, "rpad", "text int4", "text", |_, a| pad(txt(a, 0)?, i4(a, 1)?, " ", false)),
    f(875, "ltrim", "text text", "text", |_, a| Ok(trimmed(txt(a, 0)?, txt(a, 1)?, true, false))),
    f(881, "ltrim", "text", "text", |_, a| Ok(trimmed(txt(a, 0)?, " ", true, false))),
    f(876, "rtrim", "text text", "text", |_, a| Ok(trimmed(txt(a, 0)?, txt(a, 1)?, false, true))),
    f(882, "rtrim", "text", "text", |_, a| Ok(trimmed(txt(a, 0)?, " ", false, true))),
    f(884, "btrim", "text text", "text", |_, a| Ok(trimmed(txt(a, 0)?, txt(a, 1)?, true, true))),
    f(885, "btrim", "text", "text", |_, a| Ok(trimmed(txt(a, 0)?, " ", true, true))),
    f(6195, "ltrim", "bytea bytea", "bytea", |_, a| {
        Ok(trimmed_bytes(bytes(a, 0)?, bytes(a, 1)?, true, false))
    }),
    f(6196, "rtrim", "bytea bytea", "bytea", |_, a| {
        Ok(trimmed_bytes(bytes(a, 0)?, bytes(a, 1)?, false, true))
    }),
    f(2015, "btrim", "bytea bytea", "bytea", |_, a| {
        Ok(trimmed_bytes(bytes(a, 0)?, bytes(a, 1)?, true, true))
    }),
    f(1622, "repeat", "text int4", "text", |_, a| {
        let (text, times) = (txt(a, 0)?, usize::try_from(i4(a, 1)?).unwrap_or(0));
        bounded(text.len().saturating_mul(times))?;
        Ok(Datum::text(text.repeat(times)))
    }),
    f(3062, "reverse", "text", "text", |_, a| {
        Ok(Datum::text(txt(a, 0)?.chars().rev().collect::<String>()))
    }),
    f(1620, "ascii", "text", "int4", |_, a| {
        Ok(Datum::Int4(txt(a, 0)?.chars().next().map_or(0, |c| c as i32)))
    }),
    f(1621, "chr", "int4", "text", |_, a| Ok(Datum::text(character(i4(a, 0)?)?.to_string()))),
    f(2089, "to_hex", "int4", "text", |_, a| Ok(Datum::text(format!("{:x}", i4(a, 0)?)))),
    f(2090, "to_hex", "int8", "text", |_, a| Ok(Datum::text(format!("{:x}", i8(a, 0)?)))),
];

/// The longest value that PostgreSQL builds, in bytes.
const LONGEST: usize = 0x3fff_ffff;

/// `54000` where a result would be longer than any value may be.
pub(super) fn bounded(length: usize) -> Result<()> {
    if length > LONGEST {
        return Err(Error::new(sqlstate::PROGRAM_LIMIT_EXCEEDED, "requested length too large"));
    }
    Ok(())
}

/// A count as `integer`.
pub(super) fn count(n: usize) -> Result<Datum> {
    Ok(Datum::Int4(i32::try_from(n).map_err(|_| arith::out_of_range("integer"))?))
}

fn chars(text: &str) -> Result<Datum> {
    count(text.chars().count())
}

/// A character mapped to one character, or left alone: `ß` has no single upper-case letter.
fn one(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

/// `lower()`
pub(super) fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().map(|c| one(c, c.to_lowercase())).collect()
}

/// `upper()`
pub(super) fn upper(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    text.chars().map(|c| one(c, c.to_uppercase())).collect()
}

fn title(text: &str) -> String {
    let mut within_word = false;
    let capital = |c: char| {
        let mapped = if within_word { one(c, c.to_lowercase()) } else { one(c, c.to_uppercase()) };
        within_word = c.is_alphanumeric();
        mapped
    };
    text.chars().map(capital).collect()
}

fn pad(text: &str, length: i32, fill: &str, left: bool) -> Result<Datum> {
    let length = usize::try_from(length).unwrap_or(0);
    let have = text.chars().count();
    if have >= length {
        return Ok(Datum::text(text.chars().take(length).collect::<String>()));
    }
    bounded(length.saturating_mul(4))?;
    let filling: String = fill.chars().cycle().take(length - have).collect();
    Ok(Datum::text(match left {
        true => filling + text,
        false => text.to_string() + &filling,
    }))
}

fn trimmed(text: &str, set: &str, left: bool, right: bool) -> Datum {
    let mut rest = text;
    if left {
        rest = rest.trim_start_matches(|c| set.contains(c));
    }
    if right {
        rest = rest.trim_end_matches(|c| set.contains(c));
    }
    Datum::text(rest)
}

fn trimmed_bytes(mut rest: &[u8], set: &[u8], left: bool, right: bool) -> Datum {
    while left
        && let [first, inner @ ..] = rest
        && set.contains(first)
    {
        rest = inner;
    }
    while right
        && let [inner @ .., last] = rest
        && set.contains(last)
    {
        rest = inner;
    }
    Datum::bytes(rest)
}

/// The character with a code point.
pub(super) fn character(code: i32) -> Result<char> {
    let too_large = |code: i32| {
        Error::new(
            sqlstate::PROGRAM_LIMIT_EXCEEDED,
            format!("requested character too large for encoding: {code}"),
        )
    };
    match u32::try_from(code) {
        Err(_) => {
            Err(Error::new(sqlstate::INVALID_PARAMETER_VALUE, "character number must be positive"))
        }
        Ok(0) => Err(Error::new(sqlstate::PROGRAM_LIMIT_EXCEEDED, "null character not permitted")),
        Ok(code_point @ 0xd800..=0xdfff) => Err(Error::new(
            sqlstate::PROGRAM_LIMIT_EXCEEDED,
            format!("requested character not valid for encoding: {code_point}"),
        )),
        Ok(code_point) => char::from_u32(code_point).ok_or_else(|| too_large(code)),
    }
}
