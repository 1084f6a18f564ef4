//! General SQL: sqlparser, and what must be done around it.

mod as_of;
mod check;
mod column;
mod dialect;
mod finish;
mod infix;
mod prefix;
mod rewrite;
mod table;
#[cfg(test)]
mod tests;

use sqlparser::ast::Expr;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::ast::{Extras, Statement};
use super::text::Source;
use crate::error::Result;
use crate::limits::EXPRESSION_DEPTH_MAX;

pub(super) use check::complexity;
pub(super) use dialect::CairnDialect;
pub use rewrite::CURRENT_OF;

/// sqlparser counts a subquery as up to three levels of its own.
pub(super) const PARSER_DEPTH: usize = EXPRESSION_DEPTH_MAX;

/// Tokens made ready for sqlparser.
pub(super) struct Prepared {
    /// The rewritten tokens.
    pub(super) tokens: Vec<TokenWithSpan>,
    /// The dialect to parse them with.
    pub(super) dialect: CairnDialect,
    found: rewrite::Found,
}

/// Checks tokens for excess and rewrites what sqlparser does not know.
pub(super) fn prepare(source: &Source<'_>, tokens: Vec<TokenWithSpan>) -> Result<Prepared> {
    let long_chains = check::complexity(&tokens)?;
    check::misplaced_strings(source, &tokens)?;
    let (tokens, found) = rewrite::rewrite(tokens)?;
    Ok(Prepared { tokens, dialect: CairnDialect { long_chains }, found })
}

/// A statement of general SQL, and what sqlparser's tree has no room for.
pub(super) struct General {
    pub(super) statement: Statement,
    pub(super) as_of: Option<Expr>,
    pub(super) extras: Extras,
}

/// Parses one statement of general SQL.
pub(super) fn parse(source: &Source<'_>, tokens: Vec<TokenWithSpan>) -> Result<General> {
    check::foreign(source, &tokens)?;
    let (tokens, as_of) = as_of::cut(source, tokens)?;
    let (tokens, beside) = table::cut(source, tokens)?;
    let Prepared { tokens, dialect, found } = prepare(source, tokens)?;
    let mut tree = run(source, &dialect, tokens, Parser::parse_statement)?;
    finish::finish(&mut tree, &found);
    let conflict_predicate = match found.conflict_predicate {
        Some(tokens) => Some(run(source, &dialect, tokens, Parser::parse_expr)?),
        None => None,
    };
    let extras = Extras {
        overriding: found.overriding,
        with_no_data: found.with_no_data,
        if_not_exists: found.if_not_exists,
        conflict_predicate,
    };
    let statement = match tree {
        sqlparser::ast::Statement::CreateTable(table) => {
            let table = table::assemble(source, table, beside, found.with_no_data)?;
            Statement::CreateTable(Box::new(table))
        }
        tree => Statement::Sql(Box::new(tree)),
    };
    Ok(General { statement, as_of, extras })
}

/// Runs one of sqlparser's rules over all of the tokens.
fn run<'d, T>(
    source: &Source<'_>,
    dialect: &'d CairnDialect,
    tokens: Vec<TokenWithSpan>,
    rule: impl FnOnce(&mut Parser<'d>) -> Result<T, ParserError>,
) -> Result<T> {
    let mut parser =
        Parser::new(dialect).with_recursion_limit(PARSER_DEPTH).with_tokens_with_locations(tokens);
    let result = rule(&mut parser).and_then(|tree| match parser.peek_token_ref().token {
        Token::EOF => Ok(tree),
        _ => parser.expected("end of statement", parser.peek_token()),
    });
    result.map_err(|e| {
        let next = parser.peek_token_ref();
        let at = (next.token != Token::EOF).then_some(next.span.start.column);
        source.parser_error(&e, at)
    })
}
