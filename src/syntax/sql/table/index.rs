//! `INDEX` among the columns of CREATE TABLE.

use sqlparser::ast::Ident;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::outside;
use crate::error::{Error, Result};
use crate::syntax::ast::TableIndex;
use crate::syntax::sql::rewrite::is_word;
use crate::syntax::sql::{prepare, run};
use crate::syntax::text::Source;

/// Whether the element declares an index. A column may be called `index` or `inverted`, too.
pub(super) fn begins(element: &[TokenWithSpan]) -> bool {
    let is = |i: usize, word| is_word(element.get(i).map(|t| &t.token), word);
    let mut at = usize::from(is(0, "unique"));
    let unique = at == 1;
    at += usize::from(is(at, "inverted"));
    is(at, "index") && (unique || at > 0 || opens_columns(element, 1))
}

/// Whether `[name] [USING method] (columns)` stands there, and not a type with its modifier.
pub(super) fn opens_columns(element: &[TokenWithSpan], at: usize) -> bool {
    let token = |i: usize| element.get(i).map(|t| &t.token);
    if is_word(token(at), "using") || is_word(token(at + 1), "using") {
        return true;
    }
    let open = match token(at) {
        Some(Token::LParen) => at,
        Some(Token::Word(_)) if token(at + 1) == Some(&Token::LParen) => at + 1,
        _ => return false,
    };
    !matches!(token(open + 1), Some(Token::Number(..)))
}

/// How many tokens `USING HASH [WITH BUCKET_COUNT = n]` is.
pub(super) fn hash_length(tokens: &[TokenWithSpan]) -> usize {
    let is = |i: usize, word| is_word(tokens.get(i).map(|t| &t.token), word);
    if is(2, "with") && is(3, "bucket_count") { 6 } else { 2 }
}

/// `[CONSTRAINT name] UNIQUE (a) [STORING (b)] WHERE condition`: a partial unique index.
pub(super) fn partial_unique(
    source: &Source<'_>,
    element: &[TokenWithSpan],
) -> Result<Option<TableIndex>> {
    let is = |i: usize, word| is_word(element.get(i).map(|t| &t.token), word);
    let unique = if is(0, "constraint") { 2 } else { 0 };
    if !is(unique, "unique") || !outside(element).any(|i| is(i, "where")) {
        return Ok(None);
    }
    let rest = element.get(unique + 1..).unwrap_or_default();
    let mut index = definition(source, rest)?;
    index.unique = true;
    if let (2, Some(TokenWithSpan { token: Token::Word(name), span })) = (unique, element.get(1)) {
        index.name = Some(name.to_ident(*span));
    }
    Ok(Some(index))
}

/// An element that [`begins`] as one.
pub(super) fn parse(source: &Source<'_>, element: &[TokenWithSpan]) -> Result<TableIndex> {
    let is = |i: usize, word| is_word(element.get(i).map(|t| &t.token), word);
    let unique = is(0, "unique");
    let inverted = is(usize::from(unique), "inverted");
    let start = usize::from(unique) + usize::from(inverted) + 1;
    let mut index = definition(source, element.get(start..).unwrap_or_default())?;
    index.unique = unique;
    index.inverted |= inverted;
    Ok(index)
}

/// `[name] [USING method] (columns) ...`.
fn definition(source: &Source<'_>, tokens: &[TokenWithSpan]) -> Result<TableIndex> {
    let is = |i: usize, word| is_word(tokens.get(i).map(|t| &t.token), word);
    for i in outside(tokens) {
        if is(i, "interleave") {
            return Err(Error::unsupported("an interleaved index"));
        }
        if is(i, "partition") && is(i + 1, "by") {
            return Err(Error::unsupported("a partitioned index"));
        }
    }
    let prepared = prepare(source, tokens.to_vec())?;
    let (mut index, method) = run(source, &prepared.dialect, prepared.tokens, rule)?;
    match method.as_ref().map(|m| m.value.as_str()) {
        None | Some("btree") => {}
        Some("gin" | "gist") => index.inverted = true,
        Some(other) => return Err(Error::unsupported(format!("index method \"{other}\""))),
    }
    Ok(index)
}

fn rule(parser: &mut Parser<'_>) -> Result<(TableIndex, Option<Ident>), ParserError> {
    let name = match &parser.peek_token_ref().token {
        Token::Word(w) if w.quote_style.is_some() || w.value != "using" => {
            Some(parser.parse_identifier()?)
        }
        _ => None,
    };
    let method = if eat(parser, "using") { Some(parser.parse_identifier()?) } else { None };
    parser.expect_token(&Token::LParen)?;
    let columns = parser.parse_comma_separated(|p| p.parse_create_index_expr())?;
    parser.expect_token(&Token::RParen)?;
    if eat(parser, "using") {
        if !eat(parser, "hash") {
            return parser.expected("HASH", parser.peek_token());
        }
        if is_next(parser, "with") && parser.peek_nth_token_ref(1).token != Token::LParen {
            eat(parser, "with");
            if !eat(parser, "bucket_count") {
                return parser.expected("BUCKET_COUNT", parser.peek_token());
            }
            parser.expect_token(&Token::Eq)?;
            parser.parse_literal_uint()?;
        }
    }
    let mut storing = Vec::new();
    if eat(parser, "storing") || eat(parser, "covering") || eat(parser, "include") {
        parser.expect_token(&Token::LParen)?;
        storing = parser.parse_comma_separated(|p| p.parse_identifier())?;
        parser.expect_token(&Token::RParen)?;
    }
    if eat(parser, "with") {
        parser.expect_token(&Token::LParen)?;
        parser.parse_comma_separated(|p| p.parse_sql_option())?;
        parser.expect_token(&Token::RParen)?;
    }
    let predicate = if eat(parser, "where") { Some(parser.parse_expr()?) } else { None };
    let index = TableIndex { name, unique: false, inverted: false, columns, storing, predicate };
    Ok((index, method))
}

fn is_next(parser: &Parser<'_>, word: &str) -> bool {
    is_word(Some(&parser.peek_token_ref().token), word)
}

fn eat(parser: &mut Parser<'_>, word: &str) -> bool {
    let there = is_next(parser, word);
    if there {
        parser.advance_token();
    }
    there
}
