//! Reading `json` as text: a value of that type keeps its spelling, so its parts are slices of it.
//!
//! The text was checked when the value was made; on text that is not JSON the walk just ends.

use crate::error::{Error, Result, sqlstate};

/// What a value is, by its first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

impl Kind {
    /// As `json_typeof` names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Object => "object",
            Kind::Array => "array",
            Kind::String => "string",
            Kind::Number => "number",
            Kind::Bool => "boolean",
            Kind::Null => "null",
        }
    }
}

/// What a value is.
pub(super) fn kind(text: &str) -> Kind {
    match text.trim_start().bytes().next() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::String,
        Some(b't' | b'f') => Kind::Bool,
        Some(b'n') | None => Kind::Null,
        Some(_) => Kind::Number,
    }
}

fn skip_string(bytes: &[u8], mut at: usize) -> usize {
    at += 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Where the value that starts at `at` ends.
fn skip_value(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0usize;
    loop {
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'"') => {
                at = skip_string(bytes, at);
                if depth == 0 {
                    return at;
                }
            }
            Some(b'{' | b'[') => {
                depth += 1;
                at += 1;
            }
            Some(b'}' | b']') => {
                depth = depth.saturating_sub(1);
                at += 1;
                if depth == 0 {
                    return at;
                }
            }
            Some(_) if depth > 0 => at += 1,
            Some(_) => {
                let end = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b'}' | b']');
                let rest = bytes.get(at..).unwrap_or(&[]);
                return at + rest.iter().position(end).unwrap_or(rest.len()).max(1);
            }
        }
    }
}

/// Walks over what stands between brackets or braces.
struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    /// `None` unless the text starts with `open`.
    fn new(text: &'a str, open: char) -> Option<Self> {
        let text = text.trim().strip_prefix(open)?;
        Some(Walk { text, at: 0 })
    }

    fn skip(&mut self, separators: &[u8]) {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|b| b.is_ascii_whitespace() || separators.contains(b))
        {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<&'a str> {
        if matches!(self.text.as_bytes().get(self.at)?, b'}' | b']') {
            return None;
        }
        let start = self.at;
        self.at = skip_value(self.text.as_bytes(), start);
        self.text.get(start..self.at)
    }
}

/// Keys (with their quotes) and values of an object, duplicates included; `None` if it is none.
pub(super) fn members(text: &str) -> Option<impl Iterator<Item = (&str, &str)> + Send> {
    let mut walk = Walk::new(text, '{')?;
    Some(std::iter::from_fn(move || {
        walk.skip(b",");
        let key = walk.value()?;
        walk.skip(b":");
        Some((key, walk.value()?))
    }))
}

/// Elements of an array; `None` if it is none.
pub(super) fn elements(text: &str) -> Option<impl Iterator<Item = &str> + Send> {
    let mut walk = Walk::new(text, '[')?;
    Some(std::iter::from_fn(move || {
        walk.skip(b",");
        walk.value()
    }))
}

/// The string that a literal with its quotes stands for.
pub(super) fn unquoted(literal: &str) -> Result<String> {
    let text: String = serde_json::from_str(literal).map_err(|e| {
        Error::new(sqlstate::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json")
            .with_detail(e.to_string())
    })?;
    if text.contains('\0') {
        return Err(Error::new(
            sqlstate::UNTRANSLATABLE_CHARACTER,
            "unsupported Unicode escape sequence",
        )
        .with_detail("\\u0000 cannot be converted to text."));
    }
    Ok(text)
}

/// What `->>` gives for a value: a string's content, nothing for null, else the text itself.
pub(super) fn as_text(value: &str) -> Result<Option<String>> {
    match kind(value) {
        Kind::Null => Ok(None),
        Kind::String => unquoted(value).map(Some),
        _ => Ok(Some(value.to_string())),
    }
}

/// The value of a key, the last one if there are several.
pub(super) fn field<'a>(text: &'a str, key: &str) -> Result<Option<&'a str>> {
    let Some(members) = members(text) else { return Ok(None) };
    let mut found = None;
    for (name, value) in members {
        let plain = name.get(1..name.len().saturating_sub(1));
        let same = match plain {
            Some(plain) if !plain.contains('\\') => plain == key,
            _ => unquoted(name)? == key,
        };
        if same {
            found = Some(value);
        }
    }
    Ok(found)
}

/// The element at an index, counted from the end if it is negative.
pub(super) fn element(text: &str, index: i32) -> Option<&str> {
    let from_start = match usize::try_from(index) {
        Ok(index) => index,
        Err(_) => elements(text)?.count().checked_sub(index.unsigned_abs() as usize)?,
    };
    elements(text)?.nth(from_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_their_spelling() {
        let text = r#" {"a": 1.50 , "b" : [1,  {"c":"]"}], "a":"é\n"} "#;
        let all: Vec<_> = members(text).unwrap().collect();
        assert_eq!(
            all,
            [("\"a\"", "1.50"), ("\"b\"", "[1,  {\"c\":\"]\"}]"), ("\"a\"", "\"é\\n\"")]
        );
        assert_eq!(field(text, "a").unwrap(), Some("\"é\\n\""));
        assert_eq!(element("[1, [2], \"x\"]", -2), Some("[2]"));
        assert_eq!(element("[]", 0), None);
        assert_eq!(as_text("\"a\\u00e9\"").unwrap().as_deref(), Some("aé"));
    }

    #[test]
    fn text_that_is_not_json_ends_the_walk() {
        for text in ["{\"a\"", "[1,", "{", "[[[", "{\"a\\", "[\"", "{,:", "[:]"] {
            let members = members(text).map(|m| m.take(100).count());
            let elements = elements(text).map(|e| e.take(100).count());
            assert!(members.unwrap_or(0) < 100 && elements.unwrap_or(0) < 100, "{text}");
        }
    }
}
