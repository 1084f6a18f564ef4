//! Text forms: PostgreSQL's input and output functions.

use std::fmt::Write as _;
use std::sync::Arc;

pub use super::session::{
    ByteaOutput, DateOrder, DateStyle, IntervalStyle, NameResolver, SessionFormat,
};
use super::{Array, ColumnType, Datum, Interval, Numeric, Type, cast, datetime, json};
use crate::error::{Error, Result, sqlstate};

fn bad(ty: &Type, text: &str) -> Error {
    Error::new(
        sqlstate::INVALID_TEXT_REPRESENTATION,
        format!("invalid input syntax for type {ty}: \"{text}\""),
    )
}

fn out_of_range(ty: &Type, text: &str) -> Error {
    Error::new(
        sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("value \"{text}\" is out of range for type {ty}"),
    )
}

/// A whole number in PostgreSQL's form: blanks around it, an optional sign, digits.
fn integer<T: TryFrom<i128>>(ty: &Type, text: &str) -> Result<T> {
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad(ty, text));
    }
    // More digits than an i128 has are out of range whatever they are.
    let value: i128 = trimmed.parse().map_err(|_| out_of_range(ty, text))?;
    T::try_from(value).map_err(|_| out_of_range(ty, text))
}

/// A floating-point number; words for infinity and NaN in any case.
fn float(ty: &Type, text: &str) -> Result<f64> {
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let (sign, body) = match trimmed.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    match body.to_ascii_lowercase().as_str() {
        "infinity" | "inf" => return Ok(sign * f64::INFINITY),
        "nan" => return Ok(f64::NAN),
        _ => {}
    }
    if !body.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(bad(ty, text));
    }
    let value: f64 = body.parse().map_err(|_| bad(ty, text))?;
    let nonzero =
        body.split(['e', 'E']).next().is_some_and(|m| m.bytes().any(|b| matches!(b, b'1'..=b'9')));
    if value.is_infinite() || value == 0.0 && nonzero {
        return Err(out_of_range(ty, text));
    }
    Ok(sign * value)
}

fn single(ty: &Type, text: &str) -> Result<f32> {
    let value = float(ty, text)?;
    let narrow = value as f32;
    if narrow.is_infinite() && value.is_finite() || narrow == 0.0 && value != 0.0 {
        return Err(out_of_range(ty, text));
    }
    Ok(narrow)
}

fn boolean(text: &str) -> Result<bool> {
    let word = text.trim().to_ascii_lowercase();
    let begins = |full: &str, least: usize| word.len() >= least && full.starts_with(&word);
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || word == "1" {
        Ok(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        Ok(false)
    } else {
        Err(bad(&Type::Bool, text))
    }
}

/// bytea: `\x` and hexadecimal digits, or characters with octal escapes.
fn bytea(text: &str) -> Result<Vec<u8>> {
    if let Some(hex) = text.strip_prefix("\\x") {
        let digits: Vec<u8> = hex.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        let digit = |b: u8| {
            (b as char).to_digit(16).ok_or_else(|| {
                Error::new(
                    sqlstate::INVALID_PARAMETER_VALUE,
                    format!("invalid hexadecimal digit: \"{}\"", b as char),
                )
            })
        };
        if !digits.len().is_multiple_of(2) {
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                "invalid hexadecimal data: odd number of digits",
            ));
        }
        return digits
            .chunks(2)
            .map(|pair| Ok((digit(pair[0])? * 16 + digit(pair[1])?) as u8))
            .collect();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        if b != b'\\' {
            out.push(b);
            at += 1;
        } else if bytes.get(at + 1) == Some(&b'\\') {
            out.push(b'\\');
            at += 2;
        } else {
            let octal = bytes.get(at + 1..at + 4).and_then(|d| {
                let digits = std::str::from_utf8(d).ok()?;
                u8::from_str_radix(digits, 8).ok().filter(|_| d[0] <= b'3')
            });
            out.push(octal.ok_or_else(|| bad(&Type::Bytea, text))?);
            at += 4;
        }
    }
    Ok(out)
}

/// uuid: 32 hexadecimal digits, hyphens after any group of four, braces around it.
fn uuid(text: &str) -> Result<[u8; 16]> {
    let refuse = || bad(&Type::Uuid, text);
    let body = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}').ok_or_else(refuse)?,
        None => text,
    };
    let mut digits = Vec::with_capacity(32);
    let mut hyphen = true;
    for c in body.chars() {
        match c.to_digit(16) {
            Some(d) => {
                digits.push(d as u8);
                hyphen = false;
            }
            None if c == '-' && !hyphen && digits.len() % 4 == 0 => hyphen = true,
            None => return Err(refuse()),
        }
    }
    if digits.len() != 32 || hyphen {
        return Err(refuse());
    }
    let mut out = [0; 16];
    for (byte, pair) in out.iter_mut().zip(digits.chunks(2)) {
        *byte = pair[0] * 16 + pair[1];
    }
    Ok(out)
}

/// The input function of a type.
pub fn parse(ty: &Type, text: &str, format: &SessionFormat) -> Result<Datum> {
    Ok(match ty {
        Type::Bool => Datum::Bool(boolean(text)?),
        Type::Int2 => Datum::Int2(integer(ty, text)?),
        Type::Int4 => Datum::Int4(integer(ty, text)?),
        Type::Int8 => Datum::Int8(integer(ty, text)?),
        Type::Float4 => Datum::Float4(single(ty, text)?),
        Type::Float8 => Datum::Float8(float(ty, text)?),
        Type::Numeric => Datum::Numeric(Numeric::parse(text)?),
        Type::Text | Type::Varchar | Type::Bpchar | Type::Unknown => Datum::text(text),
        Type::Name => {
            let mut end = text.len().min(crate::limits::IDENTIFIER_BYTES_MAX);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            Datum::text(&text[..end])
        }
        Type::Char => Datum::Char(text.bytes().next().unwrap_or(0)),
        Type::Bytea => Datum::bytes(bytea(text)?),
        Type::Date => Datum::Date(datetime::parse_date(text, format)?),
        Type::Time => Datum::Time(datetime::parse_time(text, -1, format)?),
        Type::Timetz => {
            let (time, zone) = datetime::parse_timetz(text, -1, format)?;
            Datum::Timetz(time, zone)
        }
        Type::Timestamp => Datum::Timestamp(datetime::parse_timestamp(text, -1, format)?),
        Type::Timestamptz => Datum::Timestamptz(datetime::parse_timestamptz(text, -1, format)?),
        Type::Interval => Datum::Interval(Interval::parse(text, -1, format)?),
        Type::Uuid => Datum::Uuid(uuid(text)?),
        Type::Json => {
            json::validate(text)?;
            Datum::Json(Arc::from(text))
        }
        Type::Jsonb => Datum::Jsonb(Arc::new(json::parse(text)?)),
        Type::Oid => Datum::Oid(integer(ty, text)?),
        Type::Regclass | Type::Regtype | Type::Regproc | Type::Regnamespace => {
            match (integer(&Type::Oid, text), &format.names) {
                (Ok(number), _) => Datum::Oid(number),
                (Err(_), Some(names)) => Datum::Oid(names.oid_of(ty, text)?),
                (Err(_), None) => return Err(bad(ty, text)),
            }
        }
        Type::Array(element) => parse_array(element, text, format)?,
        Type::Int2Vector => parse_vector(&Type::Int2, text, format)?,
        Type::OidVector => parse_vector(&Type::Oid, text, format)?,
        Type::Record => {
            return Err(Error::unsupported("input of anonymous composite types"));
        }
        Type::Void => Datum::text(""),
    })
}

fn parse_vector(element: &Type, text: &str, format: &SessionFormat) -> Result<Datum> {
    let items =
        text.split_whitespace().map(|w| parse(element, w, format)).collect::<Result<_>>()?;
    Ok(Datum::Array(Arc::new(Array::from_items(element.clone(), items))))
}

/// `{1,2,NULL,"a b"}`, nested for more dimensions.
fn parse_array(element: &Type, text: &str, format: &SessionFormat) -> Result<Datum> {
    let malformed = || {
        Error::new(
            sqlstate::INVALID_TEXT_REPRESENTATION,
            format!("malformed array literal: \"{text}\""),
        )
    };
    let mut items = Vec::new();
    let mut lengths: Vec<Option<usize>> = Vec::new();
    let mut counts: Vec<usize> = Vec::new();
    let mut characters = text.trim().chars().peekable();
    // Whether a value or a nested array has just ended, and whether one must follow a comma.
    let (mut after_value, mut after_comma) = (false, false);
    loop {
        let Some(c) = characters.next() else { return Err(malformed()) };
        match c {
            c if c.is_ascii_whitespace() => {}
            '{' if !after_value => {
                if counts.len() == 6 {
                    return Err(malformed());
                }
                counts.push(0);
                if lengths.len() < counts.len() {
                    lengths.push(None);
                }
                after_comma = false;
            }
            '}' if !counts.is_empty() && !after_comma => {
                let depth = counts.len() - 1;
                let count = counts.pop().unwrap_or(0);
                if *lengths[depth].get_or_insert(count) != count {
                    return Err(malformed());
                }
                after_value = true;
                match counts.last_mut() {
                    Some(outer) => *outer += 1,
                    None => break,
                }
            }
            ',' if after_value && !counts.is_empty() => (after_value, after_comma) = (false, true),
            c if !after_value && counts.len() == lengths.len() && !counts.is_empty() => {
                let mut word = String::new();
                let quoted = c == '"';
                if quoted {
                    loop {
                        match characters.next() {
                            Some('"') => break,
                            Some('\\') => word.push(characters.next().ok_or_else(malformed)?),
                            Some(c) => word.push(c),
                            None => return Err(malformed()),
                        }
                    }
                } else {
                    let mut next = Some(c);
                    while let Some(c) = next {
                        match c {
                            '\\' => word.push(characters.next().ok_or_else(malformed)?),
                            '"' | '{' => return Err(malformed()),
                            c => word.push(c),
                        }
                        next = characters.next_if(|c| *c != ',' && *c != '}');
                    }
                    word.truncate(word.trim_end().len());
                }
                let null = !quoted && word.eq_ignore_ascii_case("null");
                items.push(if null { Datum::Null } else { parse(element, &word, format)? });
                if let Some(count) = counts.last_mut() {
                    *count += 1;
                }
                (after_value, after_comma) = (true, false);
            }
            _ => return Err(malformed()),
        }
    }
    if characters.any(|c| !c.is_ascii_whitespace()) {
        return Err(malformed());
    }
    let dimensions: Vec<(usize, i32)> = if items.is_empty() {
        vec![]
    } else {
        lengths.iter().map(|l| (l.unwrap_or(0), 1)).collect()
    };
    if !items.is_empty() && dimensions.iter().map(|d| d.0).product::<usize>() != items.len() {
        return Err(malformed());
    }
    Ok(Datum::Array(Arc::new(Array { element: element.clone(), dimensions, items })))
}

/// The same, then the modifier as on input.
pub fn parse_column(ty: &ColumnType, text: &str, format: &SessionFormat) -> Result<Datum> {
    cast::apply_modifier(&parse(&ty.ty, text, format)?, ty, cast::CastContext::Assignment)
}

/// Appends the text form; NULL appends nothing.
pub fn format(value: &Datum, format: &SessionFormat, out: &mut String) {
    format_typed(value, &Type::Unknown, format, out);
}

/// Shortest digits that read back exactly, in PostgreSQL's notation.
fn write_float(digits: &str, out: &mut String) {
    // `digits` is Rust's scientific form: d.ddde-x.
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((digits, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let plain: String = mantissa.chars().filter(|c| *c != '.').collect();
    out.push_str(sign);
    if !(-4..15).contains(&exponent) {
        out.push_str(mantissa);
        let _ = write!(out, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    } else if exponent < 0 {
        out.push_str("0.");
        out.push_str(&"0".repeat(exponent.unsigned_abs() as usize - 1));
        out.push_str(&plain);
    } else {
        let point = exponent as usize + 1;
        if plain.len() <= point {
            out.push_str(&plain);
            out.push_str(&"0".repeat(point - plain.len()));
        } else {
            let _ = write!(out, "{}.{}", &plain[..point], &plain[point..]);
        }
    }
}

/// Infinity and NaN by their names, everything else by `finite`.
fn float_word(value: f64, finite: impl FnOnce() -> String, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        write_float(&finite(), out);
    }
}

/// The same where the type matters (`regclass`, `regtype`).
pub fn format_typed(value: &Datum, ty: &Type, format: &SessionFormat, out: &mut String) {
    match value {
        Datum::Null => {}
        Datum::Bool(v) => out.push(if *v { 't' } else { 'f' }),
        Datum::Int2(v) => drop(write!(out, "{v}")),
        Datum::Int4(v) => drop(write!(out, "{v}")),
        Datum::Int8(v) => drop(write!(out, "{v}")),
        Datum::Float4(v) => float_word(f64::from(*v), || format!("{v:e}"), out),
        Datum::Float8(v) => float_word(*v, || format!("{v:e}"), out),
        Datum::Numeric(v) => v.write(out),
        Datum::Text(v) | Datum::Json(v) => out.push_str(v),
        Datum::Char(0) => {}
        Datum::Char(v) => out.push(*v as char),
        Datum::Bytea(v) => write_bytea(v, format.bytea_output, out),
        Datum::Date(v) => datetime::write_date(*v, format, out),
        Datum::Time(v) => datetime::write_time(*v, out),
        Datum::Timetz(v, zone) => datetime::write_timetz(*v, *zone, out),
        Datum::Timestamp(v) => datetime::write_timestamp(*v, format, out),
        Datum::Timestamptz(v) => datetime::write_timestamptz(*v, format, out),
        Datum::Interval(v) => v.write(format, out),
        Datum::Uuid(v) => {
            for (i, byte) in v.iter().enumerate() {
                if matches!(i, 4 | 6 | 8 | 10) {
                    out.push('-');
                }
                let _ = write!(out, "{byte:02x}");
            }
        }
        Datum::Jsonb(v) => json::write(v, out),
        Datum::Oid(v) => match format.names.as_ref().filter(|_| *ty != Type::Oid) {
            Some(names) if *v != 0 => match names.name_of(ty, *v) {
                Some(name) => out.push_str(&name),
                None => drop(write!(out, "{v}")),
            },
            _ if *v == 0 && is_named(ty) => out.push('-'),
            _ => drop(write!(out, "{v}")),
        },
        Datum::Array(v) if matches!(ty, Type::Int2Vector | Type::OidVector) => {
            for (i, item) in v.items.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                format_typed(item, &v.element, format, out);
            }
        }
        Datum::Array(v) => write_array(v, format, out),
        Datum::Record(fields) => {
            out.push('(');
            for (i, field) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                if field.is_null() {
                    continue;
                }
                let text = to_string(field, &Type::Unknown, format);
                let special = |c: char| "(),\"\\".contains(c) || c.is_ascii_whitespace();
                if text.is_empty() || text.contains(special) {
                    let doubled = text.replace('\\', "\\\\").replace('"', "\"\"");
                    let _ = write!(out, "\"{doubled}\"");
                } else {
                    out.push_str(&text);
                }
            }
            out.push(')');
        }
    }
}

fn is_named(ty: &Type) -> bool {
    matches!(ty, Type::Regclass | Type::Regtype | Type::Regproc | Type::Regnamespace)
}

fn write_bytea(bytes: &[u8], style: ByteaOutput, out: &mut String) {
    match style {
        ByteaOutput::Hex => {
            out.push_str("\\x");
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
        }
        ByteaOutput::Escape => {
            for byte in bytes {
                match byte {
                    b'\\' => out.push_str("\\\\"),
                    b' '..=b'~' => out.push(*byte as char),
                    _ => drop(write!(out, "\\{byte:03o}")),
                }
            }
        }
    }
}

fn write_array(array: &Array, format: &SessionFormat, out: &mut String) {
    if array.items.is_empty() {
        return out.push_str("{}");
    }
    if array.dimensions.iter().any(|(_, lower)| *lower != 1) {
        for (length, lower) in &array.dimensions {
            let upper = i64::from(*lower) + *length as i64 - 1;
            let _ = write!(out, "[{lower}:{upper}]");
        }
        out.push('=');
    }
    // Items between the opening braces of each dimension, from the outermost.
    let mut strides = vec![1usize; array.dimensions.len()];
    for i in (0..strides.len()).rev() {
        let inner = strides.get(i + 1).copied().unwrap_or(1);
        strides[i] = inner * array.dimensions[i].0.max(1);
    }
    for (i, item) in array.items.iter().enumerate() {
        let opens = strides.iter().filter(|s| i % **s == 0).count();
        if i > 0 {
            out.push(',');
        }
        out.push_str(&"{".repeat(opens));
        if item.is_null() {
            out.push_str("NULL");
        } else {
            let text = to_string(item, &array.element, format);
            let special = |c: char| "{},\"\\".contains(c) || c.is_ascii_whitespace();
            if text.is_empty() || text.contains(special) || text.eq_ignore_ascii_case("null") {
                let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
                let _ = write!(out, "\"{escaped}\"");
            } else {
                out.push_str(&text);
            }
        }
        let closes = strides.iter().filter(|s| (i + 1) % **s == 0).count();
        out.push_str(&"}".repeat(closes));
    }
}

/// The text form as a string.
pub fn to_string(value: &Datum, ty: &Type, format: &SessionFormat) -> String {
    let mut out = String::new();
    format_typed(value, ty, format, &mut out);
    out
}

/// Quotes a string literal.
pub fn quote_literal(text: &str) -> String {
    let prefix = if text.contains('\\') { "E" } else { "" };
    format!("{prefix}'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ty: Type, text: &str) -> String {
        let format = SessionFormat::default();
        to_string(&parse(&ty, text, &format).unwrap(), &ty, &format)
    }

    /// Expected values are PostgreSQL 15's.
    #[test]
    fn values_are_shown_as_postgresql_shows_them() {
        let ints = || Type::Array(Box::new(Type::Int4));
        let texts = || Type::Array(Box::new(Type::Text));
        for (ty, text, expected) in [
            (Type::Bool, " YES ", "t"),
            (Type::Int4, " -42 ", "-42"),
            (Type::Float8, "1e20", "1e+20"),
            (Type::Float8, "100000000000000", "100000000000000"),
            (Type::Float8, "1000000000000000", "1e+15"),
            (Type::Float8, "0.0001", "0.0001"),
            (Type::Float8, "0.00001", "1e-05"),
            (Type::Float8, "-0", "-0"),
            (Type::Float4, "0.1", "0.1"),
            (Type::Float8, "1.5", "1.5"),
            (Type::Bytea, "\\xDEad", "\\xdead"),
            (Type::Bytea, "a\\\\\\001", "\\x615c01"),
            (
                Type::Uuid,
                "A0EEBC99-9C0B4EF8-bb6d6bb9bd380a11",
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            ),
            (Type::Date, "2021-03-23", "2021-03-23"),
            (Type::Date, "Jan 8, 1999", "1999-01-08"),
            (Type::Date, "1/8/1999", "1999-01-08"),
            (Type::Date, "0044-03-15 BC", "0044-03-15 BC"),
            (Type::Time, "04:05 PM", "16:05:00"),
            (Type::Timestamp, "2021-03-23T21:31:01.370", "2021-03-23 21:31:01.37"),
            (Type::Timestamptz, "2021-03-23 21:31:01+02", "2021-03-23 19:31:01+00"),
            (Type::Timestamp, "infinity", "infinity"),
            (ints(), "{1, 2,NULL}", "{1,2,NULL}"),
            (ints(), "{{1,2},{3,4}}", "{{1,2},{3,4}}"),
            (texts(), r#"{a,"b c","",null,"NULL","q\"x"}"#, r#"{a,"b c","",NULL,"NULL","q\"x"}"#),
            (ints(), "{}", "{}"),
        ] {
            assert_eq!(shown(ty, text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_value_has_its_code() {
        let format = SessionFormat::default();
        for (ty, text, code) in [
            (Type::Int4, "abc", "22P02"),
            (Type::Int4, "2147483648", "22003"),
            (Type::Int2, "1.5", "22P02"),
            (Type::Bool, "maybe", "22P02"),
            (Type::Float8, "1e400", "22003"),
            (Type::Float8, "1e-400", "22003"),
            (Type::Uuid, "a0eebc99", "22P02"),
            (Type::Date, "2021-02-30", "22008"),
            (Type::Date, "yesterdayish", "22007"),
            (Type::Time, "25:00", "22008"),
            (Type::Bytea, "\\xabc", "22023"),
            (Type::Array(Box::new(Type::Int4)), "{1,2", "22P02"),
            (Type::Array(Box::new(Type::Int4)), "{{1},{2,3}}", "22P02"),
            (Type::Array(Box::new(Type::Int4)), "{1,}", "22P02"),
        ] {
            assert_eq!(parse(&ty, text, &format).unwrap_err().code().as_str(), code, "{ty} {text}");
        }
    }
}
