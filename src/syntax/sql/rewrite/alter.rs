//! Rules for ALTER TABLE.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::{At, Edit, keyword};
use crate::error::Result;

/// The rule that applies here, if one does.
pub(super) fn rule(at: &At<'_>, token: &Token) -> Result<Option<Edit>> {
    let Token::Word(word) = token else { return Ok(None) };
    if word.quote_style.is_some() || at.depth > 0 || at.index < 3 {
        return Ok(None);
    }
    Ok(match word.value.as_str() {
        "identity" if at.opens(1) && at.after(&["as"]) => identity_options(at),
        "storing" | "covering" if at.opens(1) => {
            Edit::new(1, [keyword("include", Keyword::INCLUDE)])
        }
        // What is said of files: how full pages are, where they lie.
        "with" if at.opens(1) && at.before(1) == Some(&Token::RParen) => {
            at.close_of(1).and_then(|close| Edit::drop(close + 1))
        }
        "using" if at.are(1, &["index", "tablespace"]) => Edit::drop(4),
        "using" if at.is(1, "hash") => {
            Edit::drop(if at.are(2, &["with", "bucket_count"]) { 6 } else { 2 })
        }
        "create" if at.is(1, "family") => Edit::drop(2 + usize::from(names_family(at, 2))),
        "create" if at.are(1, &["if", "not", "exists", "family"]) && names_family(at, 5) => {
            Edit::drop(6)
        }
        "family"
            if names_family(at, 1) && !at.after(&["column", "exists", "add", "rename", "to"]) =>
        {
            Edit::drop(2)
        }
        _ => None,
    })
}

/// Whether a family's name stands there, and not the next option of the column.
fn names_family(at: &At<'_>, ahead: usize) -> bool {
    let option = ["not", "null", "default", "unique", "primary", "check", "references", "as"];
    matches!(at.token(ahead), Some(Token::Word(_))) && !option.iter().any(|w| at.is(ahead, w))
}

/// `IDENTITY (options)` with the options in the order that sqlparser wants. The sequence's name is
/// left out: it is found by the column it belongs to.
fn identity_options(at: &At<'_>) -> Option<Edit> {
    const ORDER: [&str; 6] = ["increment", "minvalue", "maxvalue", "start", "cache", "cycle"];
    let close = at.close_of(1)?;
    let mut options: Vec<(usize, Vec<Token>)> = Vec::new();
    let mut ahead = 2;
    while ahead < close {
        if at.are(ahead, &["sequence", "name"]) {
            ahead += 3;
            while at.token(ahead) == Some(&Token::Period) {
                ahead += 2;
            }
            continue;
        }
        let keyed = ahead + usize::from(at.is(ahead, "no"));
        let rank = ORDER.iter().position(|word| at.is(keyed, word))?;
        let mut end = keyed + 1;
        while end < close
            && !at.is(end, "no")
            && !at.is(end, "sequence")
            && !ORDER.iter().any(|word| at.is(end, word))
        {
            end += 1;
        }
        options.push((rank, (ahead..end).filter_map(|i| at.token(i).cloned()).collect()));
        ahead = end;
    }
    options.sort_by_key(|(rank, _)| *rank);
    let mut put = vec![keyword("identity", Keyword::IDENTITY)];
    if !options.is_empty() {
        put.push(Token::LParen);
        put.extend(options.into_iter().flat_map(|(_, tokens)| tokens));
        put.push(Token::RParen);
    }
    Edit::new(close + 1, put)
}
