//! CREATE TABLE: what sqlparser's tree has no room for is cut out of the tokens, and put beside the
//! tree that sqlparser makes of the rest.
//!
//! ```text
//!   CREATE TABLE t ( a INT FAMILY f , INDEX (a) , CHECK (a > 0) ) INTERLEAVE IN PARENT p (a)
//!                    ───────┬──────   ────┬────   ──────┬──────   ────────────┬────────────
//!                        column        beside       constraint              beside
//! ```

mod element;
mod index;

use sqlparser::ast::{ColumnDef, CreateTableOptions, DataType, Ident, ObjectName};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::rewrite::is_word;
use super::{complexity, run};
use crate::error::{Error, Result};
use crate::syntax::ast::{ColumnFamily, CreateTable, Interleave, LikeOption, TableIndex};
use crate::syntax::sql::CairnDialect;
use crate::syntax::text::{Source, may_name_column};

/// What stands beside sqlparser's tree.
#[derive(Debug, Default)]
pub(super) struct Beside {
    indexes: Vec<TableIndex>,
    families: Vec<ColumnFamily>,
    interleave: Option<Interleave>,
    like_options: Vec<LikeOption>,
    /// Names for the columns of `AS query`.
    query_columns: Vec<Ident>,
    /// Where the clauses behind the columns begin.
    behind: Option<u64>,
}

/// Takes a CREATE TABLE apart; other statements come back as they are.
pub(super) fn cut(
    source: &Source<'_>,
    tokens: Vec<TokenWithSpan>,
) -> Result<(Vec<TokenWithSpan>, Option<Beside>)> {
    let Some(name) = name_of_table(&tokens) else { return Ok((tokens, None)) };
    complexity(&tokens)?;
    let mut beside = Beside::default();
    let after_name = end_of_name(source, &tokens, name)?;
    let (head, rest) = tokens.split_at(after_name.min(tokens.len()));
    let mut out = head.to_vec();
    let first = rest.first();
    if is_word(first.map(|t| &t.token), "of") {
        return Err(Error::unsupported("CREATE TABLE OF"));
    }
    if is_word(first.map(|t| &t.token), "partition") {
        return Err(Error::unsupported("a partitioned table"));
    }
    let mut behind = rest;
    let is_list = first.is_some_and(|t| t.token == Token::LParen);
    if is_list {
        let close = close_of(rest).ok_or_else(|| source.syntax_error(None))?;
        behind = rest.get(close + 1..).unwrap_or_default();
        let list = rest.get(..=close).unwrap_or_default();
        if query_of(behind).is_some() {
            beside.query_columns = query_columns(source, list)?;
        } else {
            out.extend(element::cut(source, list, &mut beside)?);
        }
    }
    let query = query_of(behind);
    if !is_list && query.is_none() {
        return Err(source.syntax_error(first.map(column)));
    }
    let (clauses, query) = behind.split_at(query.unwrap_or(behind.len()));
    if is_word(query.get(1).map(|t| &t.token), "execute") {
        return Err(Error::unsupported("CREATE TABLE AS EXECUTE"));
    }
    beside.behind = clauses.first().map(column);
    out.extend(cut_clauses(source, clauses, &mut beside)?);
    out.extend_from_slice(query);
    Ok((out, Some(beside)))
}

/// The tree with what stands beside it. A table without anything beside it was not cut, so it is of
/// a form that only other dialects have.
pub(super) fn assemble(
    source: &Source<'_>,
    mut table: sqlparser::ast::CreateTable,
    beside: Option<Beside>,
    with_no_data: bool,
) -> Result<CreateTable> {
    let Some(beside) = beside else {
        return Err(Error::syntax("unknown form of CREATE TABLE"));
    };
    if matches!(table.table_options, CreateTableOptions::Plain(_)) {
        return Err(source.syntax_error(beside.behind));
    }
    table.columns.extend(beside.query_columns.into_iter().map(|name| ColumnDef {
        name,
        data_type: DataType::Unspecified,
        options: Vec::new(),
    }));
    Ok(CreateTable {
        table,
        indexes: beside.indexes,
        families: beside.families,
        interleave: beside.interleave,
        like_options: beside.like_options,
        with_no_data,
    })
}

fn column(token: &TokenWithSpan) -> u64 {
    token.span.start.column
}

/// Where the name (or IF NOT EXISTS) begins, if this is a CREATE TABLE.
fn name_of_table(tokens: &[TokenWithSpan]) -> Option<usize> {
    let is = |i: usize, word| is_word(tokens.get(i).map(|t| &t.token), word);
    let mut at = 1;
    if is(at, "global") || is(at, "local") {
        at += 1;
    }
    if is(at, "temp") || is(at, "temporary") || is(at, "unlogged") {
        at += 1;
    }
    (is(0, "create") && is(at, "table")).then_some(at + 1)
}

/// Passes IF NOT EXISTS and the name.
fn end_of_name(source: &Source<'_>, tokens: &[TokenWithSpan], mut at: usize) -> Result<usize> {
    let is = |i: usize, word| is_word(tokens.get(i).map(|t| &t.token), word);
    if is(at, "if") && is(at + 1, "not") && is(at + 2, "exists") {
        at += 3;
    }
    expect_name(source, tokens.get(at))?;
    at += 1;
    while tokens.get(at).is_some_and(|t| t.token == Token::Period) {
        match tokens.get(at + 1).map(|t| &t.token) {
            Some(Token::Word(_)) => at += 2,
            _ => return Err(source.syntax_error(tokens.get(at + 1).map(column))),
        }
    }
    Ok(at)
}

/// A word that may name a column or a table.
fn expect_name(source: &Source<'_>, token: Option<&TokenWithSpan>) -> Result<()> {
    match token.map(|t| &t.token) {
        Some(Token::Word(w)) if w.quote_style.is_some() || may_name_column(&w.value) => Ok(()),
        _ => Err(source.syntax_error(token.map(column))),
    }
}

/// Where the parenthesis closes that the tokens begin with.
fn close_of(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut depth = 0usize;
    tokens.iter().position(|t| {
        match t.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

/// Indices of the tokens outside all parentheses and brackets.
fn outside(tokens: &[TokenWithSpan]) -> impl Iterator<Item = usize> {
    let mut depth = 0usize;
    tokens.iter().enumerate().filter_map(move |(i, t)| {
        match t.token {
            Token::LParen | Token::LBracket => {
                depth += 1;
                return (depth == 1).then_some(i);
            }
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(i)
    })
}

/// Where `AS query` begins.
fn query_of(tokens: &[TokenWithSpan]) -> Option<usize> {
    outside(tokens).find(|i| is_word(tokens.get(*i).map(|t| &t.token), "as"))
}

/// `(a, b)` of `CREATE TABLE t (a, b) AS query`.
fn query_columns(source: &Source<'_>, list: &[TokenWithSpan]) -> Result<Vec<Ident>> {
    let inner = list.get(1..list.len().saturating_sub(1)).unwrap_or_default();
    inner
        .split(|t| t.token == Token::Comma)
        .map(|item| match item {
            [TokenWithSpan { token: Token::Word(word), span }] => {
                expect_name(source, item.first())?;
                Ok(word.to_ident(*span))
            }
            [] => Err(source.syntax_error(list.last().map(column))),
            _ => Err(Error::unsupported("a constraint in CREATE TABLE AS")),
        })
        .collect()
}

/// The clauses behind the columns, without those that stand beside the tree.
fn cut_clauses(
    source: &Source<'_>,
    clauses: &[TokenWithSpan],
    beside: &mut Beside,
) -> Result<Vec<TokenWithSpan>> {
    let is = |i: usize, word| is_word(clauses.get(i).map(|t| &t.token), word);
    let mut out = Vec::new();
    let mut skip_to = 0;
    for i in outside(clauses) {
        if i < skip_to {
            continue;
        }
        let rest = clauses.get(i..).unwrap_or_default();
        if is(i, "interleave") && is(i + 1, "in") && is(i + 2, "parent") {
            let end = outside(rest)
                .find(|at| rest.get(*at).is_some_and(|t| t.token == Token::LParen))
                .and_then(|open| close_of(rest.get(open..)?).map(|close| open + close + 1))
                .ok_or_else(|| source.syntax_error(None))?;
            beside.interleave = Some(interleave(source, rest.get(3..end).unwrap_or_default())?);
            out.extend_from_slice(clauses.get(skip_to..i).unwrap_or_default());
            skip_to = i + end;
        } else if (is(i, "without") && is(i + 1, "oids")) || (is(i, "using") && is(i + 1, "heap")) {
            out.extend_from_slice(clauses.get(skip_to..i).unwrap_or_default());
            skip_to = i + 2;
        } else if is(i, "using") {
            return Err(Error::unsupported("an access method of a table"));
        } else if is(i, "partition") {
            return Err(Error::unsupported("a partitioned table"));
        } else if is(i, "locality") {
            return Err(Error::unsupported("LOCALITY"));
        }
    }
    out.extend_from_slice(clauses.get(skip_to..).unwrap_or_default());
    Ok(out)
}

/// `parent (a, b)`, after INTERLEAVE IN PARENT.
fn interleave(source: &Source<'_>, tokens: &[TokenWithSpan]) -> Result<Interleave> {
    run(source, &CairnDialect::default(), tokens.to_vec(), |parser| {
        let parent: ObjectName = parser.parse_object_name(false)?;
        parser.expect_token(&Token::LParen)?;
        let columns = parser.parse_comma_separated(|p| p.parse_identifier())?;
        parser.expect_token(&Token::RParen)?;
        Ok(Interleave { parent, columns })
    })
}

#[cfg(test)]
mod tests;
