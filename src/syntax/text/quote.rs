//! Writing names and strings so that they read back as themselves.

use super::keyword::{KeywordClass, keyword_class};

/// The name as it must be written: bare when it can be, in double quotes otherwise. As PostgreSQL's
/// `quote_ident`, every keyword that is reserved in some place is quoted.
pub fn quote_identifier(name: &str) -> String {
    let mut bytes = name.bytes();
    let plain = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && matches!(keyword_class(name), None | Some(KeywordClass::Unreserved));
    if plain { name.to_owned() } else { quoted(name, '"') }
}

/// The text as a string literal in single quotes. Backslashes are ordinary characters in it, as
/// `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    quoted(text, '\'')
}

/// The text between two quotes, with the quotes inside it doubled.
pub(super) fn quoted(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        if c == quote {
            out.push(quote);
        }
        out.push(c);
    }
    out.push(quote);
    out
}

/// Cuts a name to the length that the catalog keeps, at a character's border.
pub(super) fn cut_identifier(mut name: String) -> String {
    let max = crate::limits::IDENTIFIER_BYTES_MAX;
    if name.len() > max {
        let mut end = max;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_only_when_they_must_be() {
        for (name, written) in [
            ("abc", "abc"),
            ("a1_b", "a1_b"),
            ("Abc", "\"Abc\""),
            ("1a", "\"1a\""),
            ("a b", "\"a b\""),
            ("select", "\"select\""),
            ("left", "\"left\""),
            ("values", "\"values\""),
            ("name", "name"),
            ("a\"b", "\"a\"\"b\""),
            ("", "\"\""),
            ("é", "\"é\""),
        ] {
            assert_eq!(quote_identifier(name), written);
        }
    }

    #[test]
    fn literals_double_their_quotes_and_leave_backslashes_alone() {
        assert_eq!(quote_literal(r"it's \n"), r"'it''s \n'");
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        let name = format!("{}é", "x".repeat(62));
        assert_eq!(cut_identifier(name), "x".repeat(62));
        assert_eq!(cut_identifier("x".repeat(63)), "x".repeat(63));
    }
}
