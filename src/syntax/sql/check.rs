//! What a statement would cost in recursion, read off its tokens before anything recurses.
//!
//! Parentheses were counted when the text was cut. Here it is the chains that need none: `1 + 1 + 1`
//! makes a tree as deep as it is long, which everything that walks or even drops the tree pays for
//! with stack. Chains of AND and OR are exempt, however long: they are built balanced.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::rewrite::{first_word, is_word};
use crate::error::Result;
use crate::limits::{EXPRESSION_CHAIN_MAX, EXPRESSION_DEPTH_MAX};
use crate::syntax::text::{Source, too_complex};

/// ANDs or ORs from which on a chain is built balanced.
const LONG_CHAIN: usize = 16;

/// What is counted at one level of parentheses.
#[derive(Default, Clone, Copy)]
struct Level {
    /// Operators since the last comma, clause, AND or OR.
    operators: usize,
    /// UNION, EXCEPT, INTERSECT.
    set_operations: usize,
    /// Joins whose ON or USING has not come yet: the parser nests them.
    open_joins: usize,
}

/// Refuses what would recurse too deep. Tells whether there are long chains of AND or OR.
pub(in crate::syntax) fn complexity(tokens: &[TokenWithSpan]) -> Result<bool> {
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    let mut logical = 0usize;
    let mut last = Keyword::NoKeyword;
    for token in tokens {
        let mut keyword = Keyword::NoKeyword;
        match &token.token {
            Token::LParen => {
                outer.push(level);
                level = Level::default();
            }
            Token::LBracket | Token::LBrace => {
                level.operators += 1;
                outer.push(level);
                level = Level::default();
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                level = outer.pop().unwrap_or_default();
            }
            Token::Comma => level.operators = 0,
            Token::Word(word) => {
                keyword = word.keyword;
                count_word(&mut level, keyword, last, &mut logical);
            }
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Placeholder(_)
            | Token::Period
            | Token::HexStringLiteral(_)
            | Token::SingleQuotedByteStringLiteral(_) => {}
            _ => level.operators += 1,
        }
        if level.operators > EXPRESSION_CHAIN_MAX
            || level.set_operations > EXPRESSION_CHAIN_MAX
            || level.open_joins > EXPRESSION_DEPTH_MAX
        {
            return Err(too_complex());
        }
        last = keyword;
    }
    Ok(logical >= LONG_CHAIN)
}

fn count_word(level: &mut Level, keyword: Keyword, last: Keyword, logical: &mut usize) {
    match keyword {
        Keyword::AND | Keyword::OR => {
            *logical += 1;
            level.operators = 0;
        }
        Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT => {
            level.set_operations += 1;
            level.operators = 0;
        }
        Keyword::JOIN => {
            level.operators = 0;
            if !matches!(last, Keyword::CROSS | Keyword::NATURAL) {
                level.open_joins += 1;
            }
        }
        Keyword::ON | Keyword::USING => {
            level.operators = 0;
            level.open_joins = level.open_joins.saturating_sub(1);
        }
        Keyword::SELECT
        | Keyword::FROM
        | Keyword::WHERE
        | Keyword::GROUP
        | Keyword::HAVING
        | Keyword::ORDER
        | Keyword::WHEN
        | Keyword::THEN
        | Keyword::ELSE
        | Keyword::VALUES
        | Keyword::SET
        | Keyword::RETURNING => level.operators = 0,
        Keyword::IS
        | Keyword::NOTNULL
        | Keyword::IN
        | Keyword::LIKE
        | Keyword::ILIKE
        | Keyword::BETWEEN
        | Keyword::SIMILAR
        | Keyword::COLLATE
        | Keyword::AT
        | Keyword::OVERLAPS
        | Keyword::OPERATOR
        | Keyword::NOT => level.operators += 1,
        _ => {}
    }
}

/// Words that begin a statement of ours or of PostgreSQL. sqlparser knows those of other systems.
const VERBS: [&str; 22] = [
    "alter", "analyze", "call", "cluster", "comment", "create", "delete", "drop", "grant",
    "insert", "listen", "merge", "notify", "refresh", "reindex", "revoke", "select", "table",
    "truncate", "unlisten", "update", "upsert",
];

/// Words that begin a clause: they name no table, whatever sqlparser thinks.
const CLAUSES: [&str; 24] = [
    "and",
    "as",
    "asc",
    "desc",
    "end",
    "except",
    "from",
    "group",
    "having",
    "intersect",
    "into",
    "limit",
    "offset",
    "on",
    "or",
    "order",
    "returning",
    "select",
    "then",
    "to",
    "union",
    "using",
    "where",
    "window",
];

/// Refuses what only other systems know, or what sqlparser takes for a name.
pub(super) fn foreign(source: &Source<'_>, tokens: &[TokenWithSpan]) -> Result<()> {
    let known = match tokens.first().map(|t| &t.token) {
        Some(Token::Word(_)) => {
            let verb = first_word(tokens);
            matches!(verb, "with" | "values") || VERBS.contains(&verb)
        }
        _ => true,
    };
    let column = |i: usize| tokens.get(i).map(|t: &TokenWithSpan| t.span.start.column);
    if !known {
        return Err(source.syntax_error(column(0)));
    }
    let is = |i: usize, word| is_word(tokens.get(i).map(|t| &t.token), word);
    for (verb, next) in [("insert", "into"), ("delete", "from"), ("merge", "into")] {
        if is(0, verb) && !is(1, next) {
            return Err(source.syntax_error(column(1)));
        }
    }
    if is(0, "create") && is(1, "or") && (3..6).any(|i| is(i, "table")) {
        return Err(source.syntax_error(column(3)));
    }
    if let Some(verb) = view_of_a_change(tokens) {
        return Err(source.syntax_error(column(verb)));
    }
    for (i, token) in tokens.iter().enumerate() {
        let names_table = match &token.token {
            Token::Comma => true,
            Token::Word(w) if w.quote_style.is_none() => match w.value.as_str() {
                "from" | "join" | "into" => true,
                "update" => i == 0,
                _ => false,
            },
            _ => false,
        };
        // `IS DISTINCT FROM` and a field called `from` are followed by anything.
        let follows = i.checked_sub(1).is_some_and(|before| {
            is(before, "distinct") || tokens.get(before).is_some_and(|t| t.token == Token::Period)
        });
        if names_table && !follows && CLAUSES.iter().any(|word| is(i + 1, word)) {
            return Err(source.syntax_error(column(i + 1)));
        }
    }
    Ok(())
}

/// Where the INSERT, UPDATE or DELETE stands that a view is said to be.
fn view_of_a_change(tokens: &[TokenWithSpan]) -> Option<usize> {
    let is = |i: usize, word| is_word(tokens.get(i).map(|t| &t.token), word);
    if !is(0, "create") || !(1..5).any(|i| is(i, "view")) {
        return None;
    }
    let verb = (0..tokens.len()).find(|i| is(*i, "as"))? + 1;
    ["insert", "update", "delete"].iter().any(|word| is(verb, word)).then_some(verb)
}

/// sqlparser takes a string for a name in places: `SELECT 1 'x'`, `FROM 'x'`. PostgreSQL does not.
pub(super) fn misplaced_strings(source: &Source<'_>, tokens: &[TokenWithSpan]) -> Result<()> {
    let verb = first_word(tokens);
    let may_label = matches!(
        verb,
        "select" | "with" | "values" | "insert" | "upsert" | "update" | "delete" | "table" | ""
    );
    let names_operators = tokens.iter().any(|t| is_word(Some(&t.token), "operator"));
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !matches!(token.token, Token::SingleQuotedString(_)) {
            continue;
        }
        let before =
            |back: usize| i.checked_sub(back).and_then(|at| tokens.get(at)).map(|t| &t.token);
        let misplaced = match before(1) {
            Some(Token::SingleQuotedString(_) | Token::Number(..) | Token::RBracket) => true,
            // `numeric(3) '1'` is a literal with its type.
            Some(Token::RParen) => {
                let is_modifier = matches!(before(2), Some(Token::Number(..)))
                    && matches!(before(3), Some(Token::LParen | Token::Comma));
                !names_operators && !is_modifier
            }
            word if ["join", "into", "update"].iter().any(|w| is_word(word, w)) => may_label,
            word if is_word(word, "as") => may_label,
            word if is_word(word, "from") => depth == 0 && !is_word(before(2), "distinct"),
            _ => false,
        };
        if misplaced {
            return Err(source.syntax_error(Some(token.span.start.column)));
        }
    }
    Ok(())
}
