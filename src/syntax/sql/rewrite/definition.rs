//! Rules for CREATE.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::{At, Edit, Found, is_word, keyword, refuse};
use crate::error::Result;

/// The rule that applies here, if one does.
pub(super) fn rule(at: &At<'_>, token: &Token, found: &mut Found) -> Result<Option<Edit>> {
    let Token::Word(word) = token else { return Ok(None) };
    if word.quote_style.is_some() {
        return Ok(None);
    }
    let word = word.value.as_str();
    Ok(match (at.object, word) {
        ("index", "storing" | "covering") if at.opens(1) => {
            Edit::new(1, [keyword("include", Keyword::INCLUDE)])
        }
        ("index", "only") if at.after(&["on"]) => Edit::drop(1),
        ("index", "inverted") if at.is(1, "index") => Edit::drop(1),
        ("index" | "table", "tablespace") if at.depth == 0 => Edit::drop(2),
        ("index", "using") if at.is(1, "hash") && at.before(1) == Some(&Token::RParen) => {
            hash_sharding(at)
        }
        ("index", "on") if is_inverted(at) => inverted_method(at),
        ("type", "if") if at.are(1, &["not", "exists"]) && at.after(&["type"]) => {
            found.if_not_exists = true;
            Edit::drop(3)
        }
        ("view", "recursive") if at.is(1, "view") => return refuse("CREATE RECURSIVE VIEW"),
        ("view", "with") if is_check_option(at) => return refuse("WITH CHECK OPTION"),
        ("view" | "table", "with") if at.left() <= 3 && at.is(at.left() - 1, "data") => {
            found.with_no_data = at.is(1, "no");
            Edit::drop(at.left())
        }
        (_, "with") if at.opens(1) => bare_options(at),
        _ => None,
    })
}

fn is_check_option(at: &At<'_>) -> bool {
    let start = if at.is(1, "cascaded") || at.is(1, "local") { 2 } else { 1 };
    at.are(start, &["check", "option"])
}

/// `(columns) USING HASH [WITH (BUCKET_COUNT = n) | WITH BUCKET_COUNT = n]`: there is nothing to
/// spread over.
fn hash_sharding(at: &At<'_>) -> Option<Edit> {
    if at.is(2, "with") && at.is(3, "bucket_count") {
        return Edit::drop(6);
    }
    Edit::drop(2)
}

fn is_inverted(at: &At<'_>) -> bool {
    at.tokens.iter().take(3).any(|t| is_word(Some(&t.token), "inverted"))
}

/// `CREATE INVERTED INDEX i ON t (a)` is `... ON t USING gin (a)`.
fn inverted_method(at: &At<'_>) -> Option<Edit> {
    let open = (1..at.left()).find(|ahead| at.opens(*ahead))?;
    if open.checked_sub(2).is_some_and(|word| at.is(word, "using")) {
        return None;
    }
    let mut put: Vec<Token> = (0..open).filter_map(|i| at.token(i).cloned()).collect();
    put.extend([keyword("using", Keyword::USING), keyword("gin", Keyword::GIN)]);
    Edit::new(open, put)
}

/// `WITH (a, b = 1)`: an option without a value means true, which sqlparser wants said.
fn bare_options(at: &At<'_>) -> Option<Edit> {
    let close = at.close_of(1)?;
    let mut put = vec![keyword("with", Keyword::WITH)];
    let mut depth = 0usize;
    let mut valued = false;
    let mut changed = false;
    for ahead in 1..=close {
        let token = at.token(ahead)?;
        match token {
            Token::LParen => depth += 1,
            Token::Eq => valued = true,
            Token::Comma | Token::RParen if depth == 1 => {
                if !valued && matches!(at.token(ahead - 1), Some(Token::Word(_))) {
                    put.extend([Token::Eq, keyword("true", Keyword::TRUE)]);
                    changed = true;
                }
                valued = false;
            }
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        put.push(token.clone());
    }
    if changed { Edit::new(close + 1, put) } else { None }
}
