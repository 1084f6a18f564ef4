//! Rules for queries and data-changing statements.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{ALL_FIELDS, At, CURRENT_OF, Edit, Found, is_word, keyword, quoted, refuse};
use crate::error::Result;
use crate::syntax::ast::Overriding;
use crate::syntax::text::{KeywordClass, keyword_class, may_name_column};

/// The rule that applies here, if one does.
pub(super) fn rule(at: &At<'_>, token: &Token, found: &mut Found) -> Result<Option<Edit>> {
    let edit = match token {
        Token::Word(word) if word.quote_style.is_none() => {
            return word_rule(at, &word.value, found);
        }
        // CockroachDB's index hints. The planner chooses for itself.
        Token::AtSign => hint_length(at).and_then(Edit::drop),
        Token::Assignment => Edit::new(1, [Token::RArrow]),
        Token::Period
            if at.token(1) == Some(&Token::Mul)
                && matches!(at.before(1), Some(Token::RParen | Token::RBracket)) =>
        {
            found.all_fields = true;
            Edit::new(2, [keyword("as", Keyword::AS), quoted(ALL_FIELDS)])
        }
        _ => None,
    };
    Ok(edit)
}

fn word_rule(at: &At<'_>, word: &str, found: &mut Found) -> Result<Option<Edit>> {
    Ok(match word {
        "table" if is_query_table(at) => Edit::new(
            1,
            [keyword("select", Keyword::SELECT), Token::Mul, keyword("from", Keyword::FROM)],
        ),
        "trim" if at.opens(1) => trim(at),
        "both" | "leading" | "trailing" if at.is(1, "from") && begins_trim(at) => Edit::drop(2),
        "from" if begins_trim(at) => Edit::drop(1),
        "only" if at.after(&["from", "join", "update"]) => {
            match (at.token(1), at.token(2), at.token(3)) {
                (Some(Token::LParen), Some(name @ Token::Word(_)), Some(Token::RParen)) => {
                    Edit::new(4, [name.clone()])
                }
                _ => Edit::drop(1),
            }
        }
        "like" | "ilike" | "not" => any_like(at),
        "upsert" if at.is(1, "into") && begins_statement(at) => {
            found.upsert = true;
            Edit::new(1, [keyword("upsert", Keyword::INSERT)])
        }
        "operator" => plain_operator(at),
        "for" if at.are(1, &["no", "key", "update"]) => {
            Edit::new(4, [keyword("for", Keyword::FOR), keyword("update", Keyword::UPDATE)])
        }
        "for" if at.are(1, &["key", "share"]) => {
            Edit::new(3, [keyword("for", Keyword::FOR), keyword("share", Keyword::SHARE)])
        }
        "of" if at.after(&["update", "share"]) => lock_list(at),
        "returning" if at.is(1, "nothing") && at.left() == 2 => Edit::drop(2),
        "isnull" if !at.opens(1) => {
            Edit::new(1, [keyword("is", Keyword::IS), keyword("null", Keyword::NULL)])
        }
        "overriding" if at.is(2, "value") && matches!(at.verb, "insert" | "upsert" | "with") => {
            found.overriding = match at.token(1) {
                word if is_word(word, "system") => Some(Overriding::System),
                word if is_word(word, "user") => Some(Overriding::User),
                _ => return Ok(None),
            };
            Edit::drop(3)
        }
        "conflict" if at.after(&["on"]) && at.opens(1) => return conflict(at, found),
        "current" if at.is(1, "of") && at.after(&["where"]) => match at.token(2) {
            Some(Token::Word(cursor)) => Edit::new(
                3,
                [
                    quoted(CURRENT_OF),
                    Token::LParen,
                    Token::SingleQuotedString(cursor.value.clone()),
                    Token::RParen,
                ],
            ),
            _ => None,
        },
        "set" if at.verb == "update" && is_element_assignment(at) => {
            return refuse("an assignment to an element of an array");
        }
        "as" => columns_without_alias(at),
        "exclude" if is_frame_exclusion(at) => match at.is(1, "no") && at.is(2, "others") {
            true => Edit::drop(3),
            false => return refuse("EXCLUDE in a window frame"),
        },
        "rows" if at.is(1, "from") && at.opens(2) && at.after(&["from", "join", "lateral"]) => {
            return refuse("ROWS FROM");
        }
        "search" | "cycle"
            if at.before(1) == Some(&Token::RParen)
                && (at.is(1, "depth") || at.is(1, "breadth") || word == "cycle")
                && at.verb == "with" =>
        {
            return refuse(format!("{} in WITH", word.to_ascii_uppercase()).as_str());
        }
        "all" if at.after(&["by"]) && is_word(at.before(2), "group") => Edit::drop(1),
        "distinct" if at.after(&["by"]) && is_word(at.before(2), "group") => {
            return refuse("GROUP BY DISTINCT");
        }
        _ => None,
    })
}

/// `TRIM([BOTH | LEADING | TRAILING] FROM x)`, without what to trim: a call says the same.
fn trim(at: &At<'_>) -> Option<Edit> {
    let (side, function) = match at.token(2) {
        word if is_word(word, "both") => (1, "btrim"),
        word if is_word(word, "leading") => (1, "ltrim"),
        word if is_word(word, "trailing") => (1, "rtrim"),
        _ => (0, "btrim"),
    };
    if !at.is(2 + side, "from") {
        return None;
    }
    Edit::new(1, [keyword(function, Keyword::NoKeyword)])
}

/// Whether this is the first word in the parentheses of TRIM.
fn begins_trim(at: &At<'_>) -> bool {
    at.before(1) == Some(&Token::LParen) && is_word(at.before(2), "trim")
}

/// `SET a[1] = ...`.
fn is_element_assignment(at: &At<'_>) -> bool {
    matches!(at.token(1), Some(Token::Word(_))) && at.token(2) == Some(&Token::LBracket)
}

/// Whether a query, a data-changing statement or a part of one begins here.
fn begins_statement(at: &At<'_>) -> bool {
    matches!(at.before(1), None | Some(Token::LParen | Token::RParen))
}

/// `TABLE t` where a query may stand.
fn is_query_table(at: &At<'_>) -> bool {
    let set_operations = ["union", "intersect", "except"];
    if !matches!(at.token(1), Some(Token::Word(_))) {
        return false;
    }
    match at.before(1) {
        None | Some(Token::LParen) => true,
        Some(Token::Word(_)) if at.after(&set_operations) => true,
        Some(Token::Word(_)) if at.after(&["all", "distinct"]) => {
            set_operations.iter().any(|w| is_word(at.before(2), w))
        }
        Some(Token::Word(_)) if at.after(&["as"]) => at.verb == "create",
        // `INSERT INTO a TABLE b`, `WITH x AS (..) TABLE x`
        Some(Token::Word(_) | Token::RParen) => {
            at.depth == 0 && matches!(at.verb, "insert" | "upsert" | "with")
        }
        _ => false,
    }
}

/// `[NOT] {LIKE | ILIKE} {ANY | SOME | ALL} (`: the operator that means it.
fn any_like(at: &At<'_>) -> Option<Edit> {
    let negated = at.is(0, "not");
    let start = usize::from(negated);
    let insensitive = at.is(start, "ilike");
    if !insensitive && !at.is(start, "like") {
        return None;
    }
    let quantified = ["any", "some", "all"].iter().any(|w| at.is(start + 1, w));
    if !quantified || !at.opens(start + 2) {
        return None;
    }
    let operator = match (negated, insensitive) {
        (false, false) => Token::DoubleTilde,
        (false, true) => Token::DoubleTildeAsterisk,
        (true, false) => Token::ExclamationMarkDoubleTilde,
        (true, true) => Token::ExclamationMarkDoubleTildeAsterisk,
    };
    Edit::new(start + 1, [operator])
}

/// `OPERATOR(pg_catalog.~)`, of an operator whose precedence is the same written plainly.
fn plain_operator(at: &At<'_>) -> Option<Edit> {
    if !at.opens(1) {
        return None;
    }
    let qualified = at.is(2, "pg_catalog") && at.token(3) == Some(&Token::Period);
    let ahead = if qualified { 4 } else { 2 };
    let operator = at.token(ahead)?;
    let same_precedence = matches!(
        operator,
        Token::Tilde
            | Token::TildeAsterisk
            | Token::ExclamationMarkTilde
            | Token::ExclamationMarkTildeAsterisk
            | Token::DoubleTilde
            | Token::DoubleTildeAsterisk
            | Token::ExclamationMarkDoubleTilde
            | Token::ExclamationMarkDoubleTildeAsterisk
            | Token::StringConcat
            | Token::AtArrow
            | Token::ArrowAt
            | Token::Overlap
            | Token::Arrow
            | Token::LongArrow
            | Token::CustomBinaryOperator(_)
    );
    if !same_precedence || at.token(ahead + 1) != Some(&Token::RParen) {
        return None;
    }
    Edit::new(ahead + 2, [operator.clone()])
}

/// `t@index`, `t@{FORCE_INDEX=index}`: how many tokens the hint is.
fn hint_length(at: &At<'_>) -> Option<usize> {
    let names_table = match at.before(1) {
        Some(Token::Word(w)) => w.quote_style.is_some() || may_name_column(&w.value),
        _ => false,
    };
    if !names_table {
        return None;
    }
    match at.token(1) {
        Some(Token::Word(_)) => Some(2),
        Some(Token::LBrace) => {
            let rest = at.tokens.get(at.index..).unwrap_or_default();
            rest.iter().position(|t| t.token == Token::RBrace).map(|end| end + 1)
        }
        _ => None,
    }
}

/// `FOR UPDATE OF a, b [wait]`: sqlparser takes one table at a time, so the clause is repeated.
fn lock_list(at: &At<'_>) -> Option<Edit> {
    let strength = at.before(1)?.clone();
    let mut names: Vec<Vec<Token>> = vec![Vec::new()];
    let mut ahead = 1;
    loop {
        match at.token(ahead) {
            Some(Token::Comma) => names.push(Vec::new()),
            Some(token @ (Token::Word(_) | Token::Period)) => {
                let continues = *token == Token::Period
                    || matches!(at.token(ahead - 1), Some(Token::Comma | Token::Period))
                    || ahead == 1;
                if !continues {
                    break;
                }
                names.last_mut()?.push(token.clone());
            }
            _ => break,
        }
        ahead += 1;
    }
    if names.len() < 2 {
        return None;
    }
    let wait_length = match at.token(ahead) {
        word if is_word(word, "nowait") => 1,
        word if is_word(word, "skip") && at.is(ahead + 1, "locked") => 2,
        _ => 0,
    };
    let wait: Vec<Token> = (0..wait_length).filter_map(|i| at.token(ahead + i).cloned()).collect();
    let mut put = Vec::new();
    for (i, name) in names.into_iter().enumerate() {
        if i > 0 {
            put.extend([keyword("for", Keyword::FOR), strength.clone()]);
        }
        put.push(keyword("of", Keyword::OF));
        put.extend(name);
        put.extend(wait.iter().cloned());
    }
    Edit::new(ahead + wait_length, put)
}

/// `ON CONFLICT (columns) WHERE condition DO`: the condition is set aside.
fn conflict(at: &At<'_>, found: &mut Found) -> Result<Option<Edit>> {
    let Some(close) = at.close_of(1) else { return Ok(None) };
    let target = at.tokens.get(at.index + 1..=at.index + close).unwrap_or_default();
    let inner = target.get(1..target.len() - 1).unwrap_or_default();
    if !inner.iter().all(|t| matches!(t.token, Token::Word(_) | Token::Comma)) {
        return refuse("an expression in ON CONFLICT");
    }
    if !at.is(close + 1, "where") {
        return Ok(None);
    }
    let condition: Vec<TokenWithSpan> = at
        .tokens
        .iter()
        .skip(at.index + close + 2)
        .take_while(|t| !is_word(Some(&t.token), "do"))
        .cloned()
        .collect();
    let taken = close + 2 + condition.len();
    found.conflict_predicate = Some(condition);
    let mut put = vec![keyword("conflict", Keyword::CONFLICT)];
    put.extend(target.iter().map(|t| t.token.clone()));
    Ok(Edit::new(taken, put))
}

/// `f(..) AS (a int, b text)`: a row type without an alias takes the function's name as its alias.
fn columns_without_alias(at: &At<'_>) -> Option<Edit> {
    if at.before(1) != Some(&Token::RParen) || !at.opens(1) {
        return None;
    }
    let (Some(Token::Word(column)), Some(Token::Word(first_of_type))) = (at.token(2), at.token(3))
    else {
        return None;
    };
    let is_name = column.quote_style.is_some() || may_name_column(&column.value);
    let is_type = !matches!(
        keyword_class(&first_of_type.value),
        Some(KeywordClass::Reserved | KeywordClass::TypeOrFunction)
    ) && !matches!(first_of_type.value.as_str(), "between" | "operator" | "at");
    if !is_name || !is_type || starts_statement(&column.value) {
        return None;
    }
    let mut depth = 0usize;
    let mut back = 1;
    loop {
        match at.before(back)? {
            Token::RParen => depth += 1,
            Token::LParen => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
        back += 1;
    }
    match at.before(back + 1)? {
        name @ Token::Word(w) if w.value != "exists" => {
            Edit::new(1, [keyword("as", Keyword::AS), name.clone()])
        }
        _ => None,
    }
}

/// Unreserved words that begin a statement inside parentheses.
fn starts_statement(word: &str) -> bool {
    matches!(word, "insert" | "update" | "delete" | "merge" | "values" | "upsert")
}

/// `EXCLUDE ...` at the end of a window frame.
fn is_frame_exclusion(at: &At<'_>) -> bool {
    let excluded = at.are(1, &["current", "row"])
        || at.is(1, "group")
        || at.is(1, "ties")
        || at.are(1, &["no", "others"]);
    excluded && at.after(&["row", "preceding", "following"])
}
