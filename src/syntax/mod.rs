//! # Statements: text to trees, and back
//!
//! Pure: no I/O, no clock, no catalog. [`parse`] turns a text into [`ParsedStatement`]s.

mod ast;
mod sql;
mod text;

pub use ast::*;
pub use sql::CURRENT_OF;
pub use text::{KeywordClass, decode_escapes, keyword_class, quote_identifier, quote_literal};

use crate::error::Result;

/// Splits a text into statements and parses each. Empty statements are dropped, so an empty text
/// gives an empty vector.
pub fn parse(sql: &str) -> Result<Vec<ParsedStatement>> {
    let mut statements = Vec::new();
    for chunk in text::split(sql)? {
        let source = text::Source { sql, semicolon: chunk.semicolon };
        let general = sql::parse(&source, chunk.tokens)?;
        statements.push(ParsedStatement {
            statement: Statement::Sql(Box::new(general.tree)),
            text: sql.get(chunk.start..chunk.end).unwrap_or_default().to_owned(),
            offset: chunk.start,
            as_of: general.as_of,
            row_sources: Vec::new(),
            extras: general.extras,
        });
    }
    Ok(statements)
}
