//! # Statements: text to trees, and back
//!
//! Pure: no I/O, no clock, no catalog. [`parse`] turns a text into [`ParsedStatement`]s.

mod ast;

pub use ast::*;

use crate::error::{Error, Result};

/// Splits a text into statements and parses each. Empty statements are dropped, so an empty text
/// gives an empty vector.
pub fn parse(sql: &str) -> Result<Vec<ParsedStatement>> {
    let dialect = sqlparser::dialect::PostgreSqlDialect {};
    let trees = sqlparser::parser::Parser::parse_sql(&dialect, sql)
        .map_err(|_| Error::syntax("syntax error"))?;
    Ok(trees
        .into_iter()
        .map(|tree| ParsedStatement {
            statement: Statement::Sql(Box::new(tree)),
            text: sql.to_owned(),
            offset: 0,
            as_of: None,
            row_sources: Vec::new(),
        })
        .collect())
}
