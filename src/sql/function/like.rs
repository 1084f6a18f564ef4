//! LIKE and ILIKE: `%` any string, `_` any character, a backslash before a character means itself.

use super::args::txt;
use super::row::{Row, f};
use super::string_case::lower;
use crate::error::{Error, Result, sqlstate};
use crate::types::Datum;

macro_rules! likes {
    ($(($oid:literal, $name:literal, $params:literal, $test:ident, $wanted:literal)),* $(,)?) => {
        pub(super) const FUNCTIONS: &[Row] = &[
            $(f($oid, $name, $params, "bool", |_, a| {
                Ok(Datum::Bool($test(txt(a, 0)?, txt(a, 1)?)? == $wanted))
            }),)*
            f(1637, "like_escape", "text text", "text", |_, a| {
                Ok(Datum::text(with_backslash(txt(a, 0)?, txt(a, 1)?)?))
            }),
        ];
    };
}

likes! {
    (1569, "like", "text text", like, true),
    (1570, "notlike", "text text", like, false),
    (1571, "like", "name text", like, true),
    (1572, "notlike", "name text", like, false),
    (850, "textlike", "text text", like, true),
    (851, "textnlike", "text text", like, false),
    (1631, "bpcharlike", "bpchar text", like, true),
    (1632, "bpcharnlike", "bpchar text", like, false),
    (858, "namelike", "name text", like, true),
    (859, "namenlike", "name text", like, false),
    (1633, "texticlike", "text text", ilike, true),
    (1634, "texticnlike", "text text", ilike, false),
    (1660, "bpchariclike", "bpchar text", ilike, true),
    (1661, "bpcharicnlike", "bpchar text", ilike, false),
    (1635, "nameiclike", "name text", ilike, true),
    (1636, "nameicnlike", "name text", ilike, false),
}

fn like(text: &str, pattern: &str) -> Result<bool> {
    matches(text.as_bytes(), pattern.as_bytes(), true)
}

fn ilike(text: &str, pattern: &str) -> Result<bool> {
    matches(lower(text).as_bytes(), lower(pattern).as_bytes(), true)
}

/// Bytes of the character that starts with this byte, in valid UTF-8.
fn width(first: u8) -> usize {
    match first {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    }
}

/// Whether a pattern matches the whole of a string. `characters` says whether `_` stands for a
/// UTF-8 character rather than a byte.
///
/// After a mismatch only the last `%` has to be tried at a later place, so the work is at most the
/// product of the lengths.
pub(super) fn matches(text: &[u8], pattern: &[u8], characters: bool) -> Result<bool> {
    let (mut t, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            Some(b'%') => {
                p += 1;
                retry = Some((t, p));
                continue;
            }
            Some(b'_') => text.get(t).map(|first| (if characters { width(*first) } else { 1 }, 1)),
            Some(b'\\') => match pattern.get(p + 1) {
                None if t < text.len() => {
                    return Err(Error::new(
                        sqlstate::INVALID_ESCAPE_SEQUENCE,
                        "LIKE pattern must not end with escape character",
                    ));
                }
                None => None,
                Some(literal) => (text.get(t) == Some(literal)).then_some((1, 2)),
            },
            Some(literal) => (text.get(t) == Some(literal)).then_some((1, 1)),
            None if t >= text.len() => return Ok(true),
            None => None,
        };
        match (step, retry) {
            (Some((in_text, in_pattern)), _) => {
                t += in_text;
                p += in_pattern;
            }
            (None, Some((from, after_percent))) if from < text.len() => {
                let skipped = match characters {
                    true => width(text[from]),
                    false => 1,
                };
                (t, p) = (from + skipped, after_percent);
                retry = Some((t, after_percent));
            }
            (None, _) => return Ok(false),
        }
    }
}

/// A pattern with another escape character, rewritten to the backslash.
fn with_backslash(pattern: &str, escape: &str) -> Result<String> {
    let mut escapes = escape.chars();
    let escape = match (escapes.next(), escapes.next()) {
        (None, _) => return Ok(pattern.replace('\\', "\\\\")),
        (Some('\\'), None) => return Ok(pattern.to_string()),
        (Some(escape), None) => escape,
        _ => {
            return Err(Error::new(sqlstate::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
                .with_hint("Escape string must be empty or one character."));
        }
    };
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut escaped = false;
    for c in pattern.chars() {
        match c {
            c if c == escape && !escaped => {
                out.push('\\');
                escaped = true;
                continue;
            }
            '\\' if !escaped => out.push_str("\\\\"),
            c => out.push(c),
        }
        escaped = false;
    }
    Ok(out)
}
