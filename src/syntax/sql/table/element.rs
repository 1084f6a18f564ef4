//! What stands between the parentheses of CREATE TABLE: columns, constraints, and what is cut out.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::{Beside, column, expect_name, index, outside};
use crate::error::{Error, Result};
use crate::syntax::ast::{ColumnFamily, LikeOption};
use crate::syntax::sql::rewrite::is_word;
use crate::syntax::sql::{CairnDialect, run};
use crate::syntax::text::Source;

/// The list, parentheses included, without the elements and clauses that stand beside the tree.
pub(super) fn cut(
    source: &Source<'_>,
    list: &[TokenWithSpan],
    beside: &mut Beside,
) -> Result<Vec<TokenWithSpan>> {
    let (Some(open), Some(close)) = (list.first(), list.last()) else { return Ok(list.to_vec()) };
    let inner = list.get(1..list.len().saturating_sub(1)).unwrap_or_default();
    let mut out = vec![open.clone()];
    if inner.is_empty() {
        out.push(close.clone());
        return Ok(out);
    }
    let elements = elements(inner);
    let alone = elements.len() == 1;
    let mut comma: Option<&TokenWithSpan> = None;
    for (i, (element, comma_behind)) in elements.into_iter().enumerate() {
        let Some(first) = element.first() else {
            return Err(source.syntax_error(Some(column(comma_behind.unwrap_or(close)))));
        };
        let kept = one(source, element, alone, beside)?;
        if !kept.is_empty() {
            if i > 0
                && let (true, Some(comma)) = (out.len() > 1, comma)
            {
                out.push(comma.clone());
            }
            out.extend(kept);
        }
        comma = Some(comma_behind.unwrap_or(first));
    }
    out.push(close.clone());
    Ok(out)
}

/// The elements, each with the comma behind it.
fn elements(inner: &[TokenWithSpan]) -> Vec<(&[TokenWithSpan], Option<&TokenWithSpan>)> {
    let mut elements = Vec::new();
    let mut start = 0;
    for i in outside(inner) {
        if let Some(comma) = inner.get(i).filter(|t| t.token == Token::Comma) {
            elements.push((inner.get(start..i).unwrap_or_default(), Some(comma)));
            start = i + 1;
        }
    }
    elements.push((inner.get(start..).unwrap_or_default(), None));
    elements
}

/// One element: what sqlparser shall see of it.
fn one(
    source: &Source<'_>,
    element: &[TokenWithSpan],
    alone: bool,
    beside: &mut Beside,
) -> Result<Vec<TokenWithSpan>> {
    let is = |i: usize, word| is_word(element.get(i).map(|t| &t.token), word);
    if index::begins(element) {
        beside.indexes.push(index::parse(source, element)?);
        return Ok(Vec::new());
    }
    if is(0, "family") && index::opens_columns(element, 1) {
        beside.families.push(family(source, element)?);
        return Ok(Vec::new());
    }
    if is(0, "like") {
        if !alone {
            return Err(Error::unsupported("LIKE beside other columns in CREATE TABLE"));
        }
        return like(source, element, beside);
    }
    let constraint = ["constraint", "unique", "primary", "check", "foreign", "exclude"];
    if constraint.into_iter().any(|word| is(0, word)) {
        if let Some(index) = index::partial_unique(source, element)? {
            beside.indexes.push(index);
            return Ok(Vec::new());
        }
        return storage(element);
    }
    expect_name(source, element.first())?;
    let element = column_family(source, element, beside)?;
    storage(&element)
}

/// `FAMILY [name] (a, b)`.
fn family(source: &Source<'_>, element: &[TokenWithSpan]) -> Result<ColumnFamily> {
    let tokens = element.get(1..).unwrap_or_default().to_vec();
    run(source, &CairnDialect::default(), tokens, |parser| {
        let name = match parser.peek_token_ref().token {
            Token::LParen => None,
            _ => Some(parser.parse_identifier()?),
        };
        parser.expect_token(&Token::LParen)?;
        let columns = parser.parse_comma_separated(|p| p.parse_identifier())?;
        parser.expect_token(&Token::RParen)?;
        Ok(ColumnFamily { name, columns })
    })
}

/// `LIKE table {INCLUDING | EXCLUDING} what ...`: the options stand beside.
fn like(
    source: &Source<'_>,
    element: &[TokenWithSpan],
    beside: &mut Beside,
) -> Result<Vec<TokenWithSpan>> {
    const KINDS: [&str; 9] = [
        "all",
        "comments",
        "compression",
        "constraints",
        "defaults",
        "generated",
        "identity",
        "indexes",
        "storage",
    ];
    let mut end = element.len();
    let mut options = Vec::new();
    while let [.., including, what] = element.get(..end).unwrap_or_default()
        && let (Token::Word(word), Token::Word(kind)) = (&including.token, &what.token)
        && matches!(word.value.as_str(), "including" | "excluding")
    {
        if !KINDS.contains(&kind.value.as_str()) && kind.value != "statistics" {
            return Err(source.syntax_error(Some(column(what))));
        }
        options.push(LikeOption {
            including: word.value == "including",
            what: kind.value.to_uppercase(),
        });
        end -= 2;
    }
    options.reverse();
    beside.like_options = options;
    Ok(element.get(..end).unwrap_or_default().to_vec())
}

/// A column without `[CREATE [IF NOT EXISTS]] FAMILY [name]`.
fn column_family(
    source: &Source<'_>,
    element: &[TokenWithSpan],
    beside: &mut Beside,
) -> Result<Vec<TokenWithSpan>> {
    let is = |i: usize, word| is_word(element.get(i).map(|t| &t.token), word);
    let Some(at) = outside(element).filter(|i| *i >= 2).find(|i| is(*i, "family")) else {
        return Ok(element.to_vec());
    };
    let Some(TokenWithSpan { token: Token::Word(named), span }) = element.first() else {
        return Ok(element.to_vec());
    };
    let created = is(at - 1, "create");
    let may_exist = at >= 4 && is(at - 1, "exists") && is(at - 2, "not") && is(at - 3, "if");
    let start = match (created, may_exist) {
        (true, _) => at - 1,
        (_, true) if is(at - 4, "create") => at - 4,
        _ => at,
    };
    let name = match element.get(at + 1) {
        Some(TokenWithSpan { token: Token::Word(name), span }) => Some(name.to_ident(*span)),
        _ if created => None,
        other => return Err(source.syntax_error(other.map(column))),
    };
    let end = at + 1 + usize::from(name.is_some());
    let member = named.to_ident(*span);
    match beside.families.iter_mut().find(|f| name.is_some() && f.name == name) {
        Some(family) => family.columns.push(member),
        None => beside.families.push(ColumnFamily { name, columns: vec![member] }),
    }
    let mut out = element.get(..start).unwrap_or_default().to_vec();
    out.extend_from_slice(element.get(end..).unwrap_or_default());
    Ok(out)
}

/// A column or constraint without what is said of files, and with INCLUDE for STORING.
fn storage(element: &[TokenWithSpan]) -> Result<Vec<TokenWithSpan>> {
    let is = |i: usize, word| is_word(element.get(i).map(|t| &t.token), word);
    let opens = |i: usize| element.get(i).is_some_and(|t| t.token == Token::LParen);
    let mut out = Vec::with_capacity(element.len());
    let mut depth = 0usize;
    let mut i = 0;
    while let Some(token) = element.get(i) {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        let rest = element.get(i..).unwrap_or_default();
        let skipped = if depth > 0 || i < 2 {
            0
        } else if is(i, "without") && is(i + 1, "index") {
            return Err(Error::unsupported("UNIQUE WITHOUT INDEX"));
        } else if is(i, "not") && is(i + 1, "visible") {
            return Err(Error::unsupported("NOT VISIBLE"));
        } else if is(i, "nulls") && is(i + 1, "not") && is(i + 2, "distinct") {
            return Err(Error::unsupported("NULLS NOT DISTINCT"));
        } else if is(i, "using") && is(i + 1, "hash") {
            index::hash_length(rest)
        } else if is(i, "using") && is(i + 1, "index") && is(i + 2, "tablespace") {
            4
        } else if is(i, "with") && opens(i + 1) {
            super::close_of(rest.get(1..).unwrap_or_default()).map_or(0, |close| close + 2)
        } else if (is(i, "storage") || is(i, "compression")) && i + 1 < element.len() {
            2
        } else {
            if (is(i, "storing") || is(i, "covering")) && opens(i + 1) {
                out.push(TokenWithSpan { token: include(), span: token.span });
                i += 1;
                continue;
            }
            0
        };
        if skipped == 0 {
            out.push(token.clone());
            i += 1;
        } else {
            i += skipped;
        }
    }
    Ok(out)
}

fn include() -> Token {
    Token::Word(Word { value: "include".to_owned(), quote_style: None, keyword: Keyword::INCLUDE })
}
