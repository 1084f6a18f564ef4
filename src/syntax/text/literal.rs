//! Decoding string literals: escapes, Unicode escapes, dollar quotes.

use crate::error::{Error, Result, sqlstate};

/// Decodes the inside of an `E'..'` literal, whose quotes may be doubled or escaped.
///
/// Octal and hexadecimal escapes name bytes, so what they spell together must be UTF-8.
pub fn decode_escapes(body: &str) -> Result<String> {
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    let mut chars = body.chars().peekable();
    let mut high: Option<u32> = None;
    while let Some(c) = chars.next() {
        if c == '\'' {
            // The second quote of a doubled pair.
            if chars.peek() == Some(&'\'') {
                chars.next();
            }
        }
        if c != '\\' {
            no_half(high)?;
            push(&mut out, c);
            continue;
        }
        let Some(escape) = chars.next() else {
            return Err(Error::syntax("unterminated quoted string"));
        };
        if !matches!(escape, 'u' | 'U') {
            no_half(high)?;
        }
        match escape {
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'x' if chars.peek().is_some_and(char::is_ascii_hexdigit) => {
                out.push(digits(&mut chars, 16, 2) as u8);
            }
            '0'..='7' => {
                let first = escape.to_digit(8).unwrap_or(0);
                let (more, count) = some_digits(&mut chars, 8, 2);
                // PostgreSQL keeps the low eight bits of \777.
                out.push((first * 8u32.pow(count) + more) as u8);
            }
            'u' | 'U' => {
                let width = if escape == 'u' { 4 } else { 8 };
                let (unit, count) = some_digits(&mut chars, 16, width);
                if count != width {
                    return Err(Error::new(
                        sqlstate::INVALID_ESCAPE_SEQUENCE,
                        "invalid Unicode escape",
                    )
                    .with_hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX."));
                }
                if let Some(c) = join_surrogates(&mut high, unit)? {
                    push(&mut out, c);
                }
            }
            other => push(&mut out, other),
        }
    }
    no_half(high)?;
    text_of(out)
}

/// Decodes the inside of a `U&'..'` literal or `U&".."` name whose quotes are already single.
pub(super) fn decode_unicode(body: &str, escape: char) -> Result<String> {
    let mut out = String::with_capacity(body.len());
    let mut chars = body.chars().peekable();
    let mut high: Option<u32> = None;
    while let Some(c) = chars.next() {
        if c != escape {
            no_half(high)?;
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&escape) {
            chars.next();
            no_half(high)?;
            out.push(escape);
            continue;
        }
        let width = if chars.peek() == Some(&'+') {
            chars.next();
            6
        } else {
            4
        };
        let (unit, count) = some_digits(&mut chars, 16, width);
        if count != width {
            return Err(Error::syntax("invalid Unicode escape")
                .with_hint("Unicode escapes must be \\XXXX or \\+XXXXXX."));
        }
        if let Some(c) = join_surrogates(&mut high, unit)? {
            out.push(c);
        }
    }
    no_half(high)?;
    text_of(out.into_bytes())
}

/// Takes one UTF-16 unit or code point; gives a character once one is complete.
fn join_surrogates(high: &mut Option<u32>, unit: u32) -> Result<Option<char>> {
    let code = match (high.take(), unit) {
        (Some(first), 0xDC00..=0xDFFF) => 0x10000 + ((first - 0xD800) << 10) + (unit - 0xDC00),
        (Some(_), _) | (None, 0xDC00..=0xDFFF) => return Err(bad_pair()),
        (None, 0xD800..=0xDBFF) => {
            *high = Some(unit);
            return Ok(None);
        }
        (None, code) => code,
    };
    match char::from_u32(code) {
        Some(c) if code != 0 => Ok(Some(c)),
        _ => Err(Error::syntax("invalid Unicode escape value")),
    }
}

fn no_half(high: Option<u32>) -> Result<()> {
    if high.is_some() { Err(bad_pair()) } else { Ok(()) }
}

fn bad_pair() -> Error {
    Error::syntax("invalid Unicode surrogate pair")
}

fn push(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The bytes as text; the server's encoding is UTF-8 and no text holds a zero byte.
fn text_of(bytes: Vec<u8>) -> Result<String> {
    let bad = |byte: u8| {
        Error::new(
            sqlstate::CHARACTER_NOT_IN_REPERTOIRE,
            format!("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}"),
        )
    };
    if bytes.contains(&0) {
        return Err(bad(0));
    }
    String::from_utf8(bytes)
        .map_err(|e| bad(e.as_bytes().get(e.utf8_error().valid_up_to()).copied().unwrap_or(0)))
}

/// Up to `max` digits: their value and how many there were.
fn some_digits(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    radix: u32,
    max: u32,
) -> (u32, u32) {
    let (mut value, mut count) = (0u32, 0);
    while count < max {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
        chars.next();
        value = value.wrapping_mul(radix).wrapping_add(digit);
        count += 1;
    }
    (value, count)
}

fn digits(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, radix: u32, max: u32) -> u32 {
    some_digits(chars, radix, max).0
}

/// The opening of the string literal that the text begins with: `'`, `E'`, `$tag$` ...
pub(super) fn literal_start(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let prefix = match bytes {
        [b'\'', ..] => 1,
        [b'e' | b'E' | b'b' | b'B' | b'x' | b'X' | b'n' | b'N', b'\'', ..] => 2,
        [b'u' | b'U', b'&', b'\'', ..] => 3,
        [b'$', ..] => dollar_tag(text)?.len(),
        _ => return None,
    };
    text.get(..prefix)
}

/// The `$tag$` that the text begins with.
pub(super) fn dollar_tag(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('$')?;
    let end = inner.find('$')?;
    let tag = inner.get(..end)?;
    let mut chars = tag.chars();
    let good_start = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    let good = match chars.next() {
        None => true,
        Some(first) => good_start(first) && chars.all(|c| good_start(c) || c.is_ascii_digit()),
    };
    if good { text.get(..end + 2) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_in_postgresql() {
        for (body, text) in [
            (r"a\nb\tc\rd\be\ff", "a\nb\tc\rd\u{8}e\u{c}f"),
            (r"\'\\\q", r"'\q"),
            ("it''s", "it's"),
            (r"\x41\x4a\101\60", "AJA0"),
            (r"\u0041\U0001F600\uD83D\uDE00", "A😀😀"),
            (r"\xc3\xa9", "é"),
            (r"\xg", "xg"),
        ] {
            assert_eq!(decode_escapes(body).unwrap(), text, "{body}");
        }
    }

    #[test]
    fn bad_escapes_have_their_codes() {
        for (body, code) in [
            (r"\xff", "22021"),
            (r"\0", "22021"),
            (r"\u12", "22025"),
            (r"\uD83D", "42601"),
            (r"\uD83Dx", "42601"),
            (r"\uDE00", "42601"),
            (r"\U00110000", "42601"),
            (r"\u0000", "42601"),
            ("\\", "42601"),
        ] {
            let error = decode_escapes(body).unwrap_err();
            assert_eq!(error.code().as_str(), code, "{body}: {error}");
        }
    }

    #[test]
    fn unicode_literals_with_any_escape_character() {
        assert_eq!(decode_unicode(r"d\0061t\+000061", '\\').unwrap(), "data");
        assert_eq!(decode_unicode("d!0061!!", '!').unwrap(), "da!");
        assert!(decode_unicode(r"\00", '\\').is_err());
    }

    #[test]
    fn dollar_tags() {
        assert_eq!(dollar_tag("$$a$$"), Some("$$"));
        assert_eq!(dollar_tag("$x1$a"), Some("$x1$"));
        assert_eq!(dollar_tag("$1$a"), None);
        assert_eq!(dollar_tag("$1"), None);
    }
}
