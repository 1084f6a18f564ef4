//! The text being parsed, and how to complain about a place in it.

use sqlparser::parser::ParserError;

use super::literal_start;
use crate::error::{Error, Result, sqlstate};
use crate::limits::EXPRESSION_DEPTH_MAX;

/// The whole text and where the statement at hand ends in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The whole text.
    pub(crate) sql: &'a str,
    /// Character position of the semicolon that ends the statement, if one does.
    pub(crate) semicolon: Option<u64>,
}

impl<'a> Source<'a> {
    /// A text of one statement.
    #[cfg(test)]
    pub(crate) fn whole(sql: &'a str) -> Self {
        Source { sql, semicolon: None }
    }

    /// `syntax error at or near` what stands at a character position, or at the end of the statement.
    pub(crate) fn syntax_error(&self, column: Option<u64>) -> Error {
        match column.or(self.semicolon) {
            Some(column) => match self.word_at(column) {
                Some(word) => Error::syntax(format!(
                    "syntax error at or near \"{}\"",
                    // A URI may stand in double quotes where a literal belongs.
                    super::redact_uri(word)
                ))
                .with_position(clamp(column)),
                None => self.end_error(),
            },
            None => self.end_error(),
        }
    }

    fn end_error(&self) -> Error {
        let end = self.sql.chars().count() as u64 + 1;
        Error::syntax("syntax error at end of input").with_position(clamp(end))
    }

    /// sqlparser's error in our words. It speaks in English of one place; that place is all we take.
    pub(crate) fn parser_error(&self, error: &ParserError, at: Option<u64>) -> Error {
        match error {
            ParserError::RecursionLimitExceeded => too_complex(),
            ParserError::ParserError(text) | ParserError::TokenizerError(text) => {
                self.syntax_error(place_in(text).unwrap_or(at))
            }
        }
    }

    /// The byte at a character position, or the end of the text.
    pub(crate) fn byte_of(&self, column: u64) -> usize {
        let index = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
        if self.sql.is_ascii() {
            return index.min(self.sql.len());
        }
        self.sql.char_indices().nth(index).map_or(self.sql.len(), |(byte, _)| byte)
    }

    /// What stands at a character position, as an error may show it: the contents of string literals
    /// stay out, since that is where secrets are.
    fn word_at(&self, column: u64) -> Option<&'a str> {
        let rest = self.sql.get(self.byte_of(column)..)?;
        if rest.is_empty() {
            return None;
        }
        Some(match literal_start(rest) {
            Some(opening) => opening,
            None => super::lexer::first_token_text(rest),
        })
    }
}

/// The error for what is nested or chained beyond reason.
pub(crate) fn too_complex() -> Error {
    Error::new(sqlstate::STATEMENT_TOO_COMPLEX, "statement too complex")
        .with_detail(format!(
            "Expressions and subqueries may be nested {EXPRESSION_DEPTH_MAX} levels deep."
        ))
        .with_hint("Split the statement, or use a list (IN, ANY, VALUES) in place of a long chain.")
}

/// The place in `... found: x at Line: 1, Column: 17`: `Some(None)` is the end of the input, `None` is
/// an error that names no place.
fn place_in(text: &str) -> Option<Option<u64>> {
    if let Some((_, column)) = text.rsplit_once(" at Line: 1, Column: ") {
        let digits = column.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        return digits.parse().ok().map(Some);
    }
    text.ends_with("found: EOF").then_some(None)
}

/// An error's position field is 32 bits wide.
pub(super) fn clamp(column: u64) -> u32 {
    u32::try_from(column).unwrap_or(u32::MAX)
}

/// The result of a sqlparser call in our words.
pub(crate) fn adopt<T>(source: &Source<'_>, result: Result<T, ParserError>) -> Result<T> {
    result.map_err(|e| source.parser_error(&e, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_read_from_the_end_of_the_message() {
        let text = "Expected: x, found: ' at Line: 1, Column: 3' at Line: 1, Column: 9";
        assert_eq!(place_in(text), Some(Some(9)));
        assert_eq!(place_in("Expected: ), found: EOF"), Some(None));
        assert_eq!(place_in("dummy"), None);
    }

    #[test]
    fn positions_count_characters() {
        let source = Source::whole("select 'é' frm x");
        let error = source.syntax_error(Some(12));
        assert_eq!(error.message(), "syntax error at or near \"frm\"");
        assert_eq!(error.position(), Some(12));
        let error = source.syntax_error(None);
        assert_eq!(error.message(), "syntax error at end of input");
        assert_eq!(error.position(), Some(17));
    }

    #[test]
    fn the_inside_of_a_literal_is_not_shown() {
        let error = Source::whole("backup 'secret'").syntax_error(Some(8));
        assert_eq!(error.message(), "syntax error at or near \"'\"");
        let error = Source::whole("backup $x$secret$x$").syntax_error(Some(8));
        assert_eq!(error.message(), "syntax error at or near \"$x$\"");
    }
}
