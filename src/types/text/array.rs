//! The text of arrays and rows: `{1,NULL,"two words"}` and `(1,,"two words")`.

use std::fmt::Write as _;

use super::{format, format_typed, parse_with};
use crate::error::{Error, Result, sqlstate};
use crate::types::{Array, Datum, SessionFormat, Type};

/// Most dimensions of an array, as in PostgreSQL.
pub(in crate::types) const DIMENSIONS_MAX: usize = 6;

fn malformed(text: &str, detail: impl Into<String>) -> Error {
    Error::new(
        sqlstate::INVALID_TEXT_REPRESENTATION,
        format!("malformed array literal: \"{text}\""),
    )
    .with_detail(detail)
}

fn too_many_dimensions(count: usize) -> Error {
    Error::new(
        sqlstate::PROGRAM_LIMIT_EXCEEDED,
        format!(
            "number of array dimensions ({count}) exceeds the maximum allowed ({DIMENSIONS_MAX})"
        ),
    )
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    element: &'a Type,
    modifier: i32,
    format: &'a SessionFormat,
    items: Vec<Datum>,
    /// Length of each dimension, once the first sub-array of it has ended.
    lengths: Vec<Option<usize>>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace() || b == 0x0b) {
            self.at += 1;
        }
    }

    fn fail(&self, detail: impl Into<String>) -> Error {
        malformed(self.text, detail)
    }

    fn unexpected(&self) -> Error {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) if "{},\"\\".contains(c) => self.fail(format!("Unexpected \"{c}\" character.")),
            Some(_) => self.fail("Unexpected array element."),
            None => self.fail("Unexpected end of input."),
        }
    }

    /// `[1:2][0:3]=`, if the text begins so.
    fn bounds(&mut self) -> Result<Vec<(usize, i32)>> {
        let mut bounds = Vec::new();
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'[') {
                break;
            }
            self.at += 1;
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(close) = rest.find(']') else {
                return Err(self.fail("Missing \"]\" after array dimensions."));
            };
            let (low, high) = rest[..close].split_once(':').unwrap_or(("1", &rest[..close]));
            let number = |s: &str| {
                s.trim().parse::<i32>().map_err(|_| {
                    self.fail("\"[\" must introduce explicitly-specified array dimensions.")
                })
            };
            let (low, high) = (number(low)?, number(high)?);
            if high < low {
                return Err(Error::new(
                    sqlstate::ARRAY_SUBSCRIPT_ERROR,
                    "upper bound cannot be less than lower bound",
                ));
            }
            let length = i64::from(high) - i64::from(low) + 1;
            let length = usize::try_from(length)
                .ok()
                .filter(|_| high < i32::MAX)
                .ok_or_else(|| self.fail("Array bounds are out of range."))?;
            bounds.push((length, low));
            if bounds.len() > DIMENSIONS_MAX {
                return Err(too_many_dimensions(bounds.len()));
            }
            self.at += close + 1;
        }
        if !bounds.is_empty() {
            if self.peek() != Some(b'=') {
                return Err(self.fail("Missing \"=\" after array dimensions."));
            }
            self.at += 1;
            self.skip_blanks();
        }
        Ok(bounds)
    }

    /// What stands between braces, at a depth from 0.
    fn sub_array(&mut self, depth: usize) -> Result<()> {
        self.at += 1; // the opening brace
        if depth >= DIMENSIONS_MAX {
            return Err(too_many_dimensions(depth + 1));
        }
        if self.lengths.len() == depth {
            self.lengths.push(None);
        }
        let mut count = 0;
        self.skip_blanks();
        if self.peek() == Some(b'}') {
            // Only the whole array may be empty.
            if depth > 0 {
                return Err(self.unexpected());
            }
            self.at += 1;
            return self.close(depth, 0);
        }
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'{') => {
                    // Elements and sub-arrays do not mix at one depth.
                    if self.lengths.len() == depth + 1 && !self.items.is_empty() {
                        return Err(self.unexpected());
                    }
                    self.sub_array(depth + 1)?;
                }
                None => return Err(self.fail("Unexpected end of input.")),
                _ => {
                    if self.lengths.len() > depth + 1 {
                        return Err(self.unexpected());
                    }
                    self.item()?;
                }
            }
            count += 1;
            self.skip_blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return self.close(depth, count);
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn close(&mut self, depth: usize, count: usize) -> Result<()> {
        let detail = "Multidimensional arrays must have sub-arrays with matching dimensions.";
        match self.lengths.get_mut(depth) {
            Some(slot @ None) => *slot = Some(count),
            Some(Some(length)) if *length == count => {}
            _ => return Err(malformed(self.text, detail)),
        }
        Ok(())
    }

    fn item(&mut self) -> Result<()> {
        let mut word = String::new();
        let mut quoted = false;
        // Blanks at the end of an unquoted item are not part of it, escaped ones are.
        let mut kept = 0;
        let mut rest = self.text.get(self.at..).unwrap_or_default().char_indices();
        let mut inside = false;
        let mut ended = false;
        let mut consumed = rest.as_str().len();
        while let Some((offset, c)) = rest.next() {
            match c {
                '\\' => match rest.next() {
                    Some((_, escaped)) => {
                        word.push(escaped);
                        kept = word.len();
                        quoted = true;
                    }
                    None => return Err(self.fail("Unexpected end of input.")),
                },
                '"' if inside => {
                    inside = false;
                    ended = true;
                    kept = word.len();
                }
                '"' if word.is_empty() && !ended => {
                    inside = true;
                    quoted = true;
                }
                '"' => return Err(self.fail("Unexpected array element.")),
                _ if inside => word.push(c),
                ',' | '}' => {
                    consumed = offset;
                    break;
                }
                '{' => return Err(self.fail("Unexpected \"{\" character.")),
                c if c.is_ascii_whitespace() || c == '\x0b' => {
                    if !ended {
                        word.push(c);
                    }
                }
                _ if ended => return Err(self.fail("Unexpected array element.")),
                c => {
                    word.push(c);
                    kept = word.len();
                }
            }
        }
        if inside {
            return Err(self.fail("Unexpected end of input."));
        }
        word.truncate(kept);
        self.at += consumed;
        if word.is_empty() && !quoted {
            return Err(self.unexpected());
        }
        let datum = if !quoted && word.eq_ignore_ascii_case("null") {
            Datum::Null
        } else {
            parse_with(self.element, self.modifier, &word, self.format)?
        };
        self.items.push(datum);
        Ok(())
    }
}

/// `array_in`
pub fn parse(element: &Type, modifier: i32, text: &str, format: &SessionFormat) -> Result<Array> {
    let (items, lengths) = (Vec::new(), Vec::new());
    let mut parser = Parser { text, at: 0, element, modifier, format, items, lengths };
    let bounds = parser.bounds()?;
    parser.skip_blanks();
    if parser.peek() != Some(b'{') {
        return Err(parser.fail(if bounds.is_empty() {
            "Array value must start with \"{\" or dimension information."
        } else {
            "Array contents must start with \"{\"."
        }));
    }
    parser.sub_array(0)?;
    parser.skip_blanks();
    if parser.peek().is_some() {
        return Err(parser.fail("Junk after closing right brace."));
    }
    let lengths: Vec<usize> = parser.lengths.iter().map(|l| l.unwrap_or(0)).collect();
    let items = parser.items;
    let dimensions = if items.is_empty() {
        Vec::new()
    } else if bounds.is_empty() {
        lengths.into_iter().map(|length| (length, 1)).collect()
    } else if bounds.iter().map(|b| b.0).eq(lengths.iter().copied()) {
        bounds
    } else {
        return Err(malformed(text, "Specified array dimensions do not match array contents."));
    };
    Ok(Array { element: element.clone(), dimensions, items })
}

/// `array_out`
pub fn write(array: &Array, element: &Type, format: &SessionFormat, out: &mut String) {
    if array.items.is_empty() {
        out.push_str("{}");
        return;
    }
    if array.dimensions.iter().any(|(_, low)| *low != 1) {
        for (length, low) in &array.dimensions {
            let high = i64::from(*low) + i64::try_from(*length).unwrap_or(0) - 1;
            let _ = write!(out, "[{low}:{high}]");
        }
        out.push('=');
    }
    let lengths: Vec<usize> = array.dimensions.iter().map(|d| d.0.max(1)).collect();
    let mut scratch = String::new();
    for (i, item) in array.items.iter().enumerate() {
        // A brace opens for each dimension that begins at this item and closes where it ends.
        let mut span = 1;
        let begins = lengths
            .iter()
            .rev()
            .take_while(|length| {
                span *= **length;
                i % span == 0
            })
            .count();
        if i > 0 {
            out.push(',');
        }
        out.extend(std::iter::repeat_n('{', begins));
        if item.is_null() {
            out.push_str("NULL");
        } else {
            scratch.clear();
            format_typed(item, element, format, &mut scratch);
            write_item(&scratch, out);
        }
        let mut span = 1;
        let ends = lengths
            .iter()
            .rev()
            .take_while(|length| {
                span *= **length;
                (i + 1) % span == 0
            })
            .count();
        out.extend(std::iter::repeat_n('}', ends));
    }
}

fn write_item(text: &str, out: &mut String) {
    let plain = !text.is_empty()
        && !text.eq_ignore_ascii_case("null")
        && !text.bytes().any(|b| {
            matches!(b, b'"' | b'\\' | b'{' | b'}' | b',' | 0x0b) || b.is_ascii_whitespace()
        });
    if plain {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        if c == '"' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// `record_out`
pub fn write_record(items: &[Datum], session: &SessionFormat, out: &mut String) {
    out.push('(');
    let mut scratch = String::new();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        if item.is_null() {
            continue;
        }
        scratch.clear();
        format(item, session, &mut scratch);
        let plain = !scratch.is_empty()
            && !scratch.bytes().any(|b| {
                matches!(b, b'"' | b'\\' | b'(' | b')' | b',' | 0x0b) || b.is_ascii_whitespace()
            });
        if plain {
            out.push_str(&scratch);
            continue;
        }
        out.push('"');
        for c in scratch.chars() {
            // Rows double what arrays escape.
            if c == '"' || c == '\\' {
                out.push(c);
            }
            out.push(c);
        }
        out.push('"');
    }
    out.push(')');
}
