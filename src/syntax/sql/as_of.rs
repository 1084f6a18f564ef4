//! `AS OF SYSTEM TIME` in a query: cut out of the tokens before sqlparser sees them.

use sqlparser::ast::Expr;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::rewrite::is_word;
use super::{CairnDialect, PARSER_DEPTH};
use crate::error::{Error, Result};
use crate::syntax::text::{Source, adopt};

const CLAUSE: [&str; 4] = ["as", "of", "system", "time"];

/// Takes every such clause out. They must all say the same, and one must belong to the statement
/// itself, not only to a subquery.
pub(super) fn cut(
    source: &Source<'_>,
    tokens: Vec<TokenWithSpan>,
) -> Result<(Vec<TokenWithSpan>, Option<Expr>)> {
    if !tokens.windows(CLAUSE.len()).any(is_clause) {
        return Ok((tokens, None));
    }
    // A query that is all in parentheses is still the statement's own.
    let leading = tokens.iter().take_while(|t| t.token == Token::LParen).count();
    let mut kept = Vec::with_capacity(tokens.len());
    let mut times: Vec<Expr> = Vec::new();
    let mut outermost = false;
    let mut depth = 0usize;
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let rest = tokens.get(index..).unwrap_or_default();
        if !is_clause(rest) {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            kept.push(token.clone());
            index += 1;
            continue;
        }
        let behind = rest.get(CLAUSE.len()..).unwrap_or_default().to_vec();
        let dialect = CairnDialect::default();
        let mut parser = sqlparser::parser::Parser::new(&dialect)
            .with_recursion_limit(PARSER_DEPTH)
            .with_tokens_with_locations(behind);
        let time = adopt(source, parser.parse_expr())?;
        index += CLAUSE.len() + parser.index();
        outermost |= depth <= leading;
        if times.first().is_some_and(|first| *first != time) {
            return Err(Error::syntax(
                "AS OF SYSTEM TIME: cannot specify different timestamps in one statement",
            )
            .with_position(u32::try_from(token.span.start.column).unwrap_or(u32::MAX)));
        }
        times.push(time);
    }
    if !outermost {
        return Err(Error::syntax("AS OF SYSTEM TIME must be provided on a top-level statement")
            .with_hint("Write the clause after the last table of the outermost FROM."));
    }
    Ok((kept, times.into_iter().next()))
}

fn is_clause(tokens: &[TokenWithSpan]) -> bool {
    CLAUSE.iter().enumerate().all(|(i, word)| is_word(tokens.get(i).map(|t| &t.token), word))
}
