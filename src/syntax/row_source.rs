//! Statements as row sources: `FROM [SHOW JOBS]` and `WITH x AS (SHOW JOBS)`.
//!
//! sqlparser never sees them. Each is parsed by itself and numbered, and a call of the table function
//! [`ROW_SOURCE`] with that number stands in its place.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

use super::ast::{ROW_SOURCE, Statement};
use super::own;
use super::text::Source;
use crate::error::{Error, Result};

/// Takes the row sources out of a statement's tokens, innermost first, and adds them to `found`.
/// How deep they nest was bounded with the brackets, when the text was cut.
pub(super) fn cut(
    source: Source<'_>,
    tokens: Vec<TokenWithSpan>,
    found: &mut Vec<Statement>,
) -> Result<Vec<TokenWithSpan>> {
    // These carry a statement that is parsed by itself, row sources and all.
    let carries = ["explain", "prepare", "declare", "copy"];
    if carries.iter().any(|word| is(&tokens, 0, word))
        || !(0..tokens.len())
            .any(|at| opening(&tokens, at).is_some() || read_of(&tokens, at).is_some())
    {
        return Ok(tokens);
    }
    let mut out = Vec::with_capacity(tokens.len());
    let mut open: Vec<bool> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let in_brackets = open.last() == Some(&true);
        match token.token {
            Token::LParen => open.push(false),
            Token::LBracket => open.push(true),
            Token::RParen | Token::RBracket => {
                open.pop();
            }
            _ => {}
        }
        if let Some(end) = read_of(&tokens, at).filter(|_| !in_brackets) {
            let inner = tokens.get(at..end).unwrap_or_default().to_vec();
            let column = tokens.get(end).map(|t| t.span.start.column);
            let number = statement(Source { semicolon: column, ..source }, inner, found)?;
            out.extend(call(number, token.span));
            at = end;
            continue;
        }
        let opening = if in_brackets { None } else { opening(&tokens, at) };
        let Some(opening) = opening else {
            out.push(token.clone());
            at += 1;
            continue;
        };
        open.pop();
        let close = close_of(&tokens, at).ok_or_else(|| source.syntax_error(None))?;
        let inner = tokens.get(at + 1..close).unwrap_or_default().to_vec();
        let end = tokens.get(close).map(|t| t.span.start.column);
        let source = Source { semicolon: end, ..source };
        match opening {
            Opening::Query => {
                out.push(TokenWithSpan { token: Token::LParen, span: token.span });
                out.extend(cut(source, inner, found)?);
                out.push(TokenWithSpan { token: Token::RParen, span: token.span });
            }
            Opening::Bracket => {
                let number = statement(source, inner, found)?;
                out.extend(call(number, token.span));
            }
            Opening::Cte => {
                let number = statement(source, inner, found)?;
                let put = |token| TokenWithSpan { token, span: tokens_span(&tokens, at) };
                out.extend([Token::LParen, word("select", Keyword::SELECT), Token::Mul].map(put));
                out.push(put(word("from", Keyword::FROM)));
                out.extend(call(number, token.span));
                out.push(put(Token::RParen));
            }
        }
        at = close + 1;
    }
    Ok(out)
}

/// What begins at a bracket or parenthesis.
#[derive(Clone, Copy)]
enum Opening {
    /// `[SHOW ...`.
    Bracket,
    /// `[SELECT ...`, which is a subquery.
    Query,
    /// `WITH x AS (SHOW ...`.
    Cte,
}

fn opening(tokens: &[TokenWithSpan], at: usize) -> Option<Opening> {
    let before = at.checked_sub(1)?;
    match tokens.get(at).map(|t| &t.token) {
        Some(Token::LBracket) => {
            let in_from = ["from", "join", "lateral"].iter().any(|word| is(tokens, before, word))
                || matches!(
                    tokens.get(before).map(|t| &t.token),
                    Some(Token::Comma | Token::LParen)
                );
            let next = tokens.get(at + 1).map(|t| &t.token)?;
            let Token::Word(Word { value, quote_style: None, .. }) = next else { return None };
            match value.as_str() {
                "select" | "values" | "table" | "with" if in_from => Some(Opening::Query),
                word if in_from && STATEMENTS.contains(&word) => Some(Opening::Bracket),
                _ => None,
            }
        }
        Some(Token::LParen) => {
            let shown = is(tokens, at + 1, "show") || is(tokens, at + 1, "explain");
            (shown && opens_cte(tokens, before)).then_some(Opening::Cte)
        }
        _ => None,
    }
}

/// Where `BACKUP OF … IN … [AS OF SYSTEM TIME …] [WITH …]` ends that begins here in a FROM.
fn read_of(tokens: &[TokenWithSpan], at: usize) -> Option<usize> {
    let before = at.checked_sub(1)?;
    let in_from = is(tokens, before, "from")
        || is(tokens, before, "join")
        || tokens.get(before).is_some_and(|t| t.token == Token::Comma);
    if !in_from || !is(tokens, at, "backup") || !is(tokens, at + 1, "of") {
        return None;
    }
    let found = tokens.iter().skip(at).position(
        |t| matches!(&t.token, Token::Word(w) if w.quote_style.is_none() && w.value == "in"),
    )?;
    // One token, or a list in parentheses.
    let after = |from: usize| close_of(tokens, from).map(|close| close + 1);
    let mut end = after(at + found + 1)?;
    if ["as", "of", "system", "time"].iter().enumerate().all(|(i, word)| is(tokens, end + i, word))
    {
        end = after(end + 4)?;
    }
    let is_option = |at: usize| is(tokens, at, "encryption_passphrase") || is(tokens, at, "kms");
    if is(tokens, end, "with") && is_option(end + 1) {
        while is_option(end + 1) {
            // Its name and the equals sign stand before the value.
            end = after(end + 3)?;
            if tokens.get(end).is_none_or(|t| t.token != Token::Comma) {
                break;
            }
        }
    }
    Some(end)
}

/// First words of statements that give rows.
const STATEMENTS: [&str; 13] = [
    "backup", "cancel", "delete", "expire", "explain", "insert", "pause", "restore", "resume",
    "show", "update", "upsert", "verify",
];

/// Whether `name [(columns)] AS [[NOT] MATERIALIZED]` of a WITH ends here.
fn opens_cte(tokens: &[TokenWithSpan], mut at: usize) -> bool {
    let back = |at: &mut usize| match at.checked_sub(1) {
        Some(before) => {
            *at = before;
            true
        }
        None => false,
    };
    if is(tokens, at, "materialized")
        && (!back(&mut at) || (is(tokens, at, "not") && !back(&mut at)))
    {
        return false;
    }
    if !is(tokens, at, "as") || !back(&mut at) {
        return false;
    }
    if tokens.get(at).is_some_and(|t| t.token == Token::RParen) {
        while tokens.get(at).is_some_and(|t| t.token != Token::LParen) {
            if !back(&mut at) {
                return false;
            }
        }
        if !back(&mut at) {
            return false;
        }
    }
    let named = matches!(tokens.get(at).map(|t| &t.token), Some(Token::Word(_)));
    named
        && back(&mut at)
        && (is(tokens, at, "with")
            || is(tokens, at, "recursive")
            || tokens.get(at).is_some_and(|t| t.token == Token::Comma))
}

/// Parses one row source and gives its number.
fn statement(
    source: Source<'_>,
    tokens: Vec<TokenWithSpan>,
    found: &mut Vec<Statement>,
) -> Result<usize> {
    let tokens = cut(source, tokens, found)?;
    match own::parse(source, &tokens)? {
        Some(statement) => {
            found.push(statement);
            Ok(found.len() - 1)
        }
        None => match tokens.first().map(|t| &t.token) {
            Some(Token::Word(verb)) => Err(Error::unsupported(format!(
                "{} as a row source",
                verb.value.to_ascii_uppercase()
            ))),
            _ => Err(source.syntax_error(None)),
        },
    }
}

/// `"[show]"(n)`.
fn call(number: usize, span: Span) -> [TokenWithSpan; 4] {
    let name =
        Word { value: ROW_SOURCE.to_owned(), quote_style: Some('"'), keyword: Keyword::NoKeyword };
    [Token::Word(name), Token::LParen, Token::Number(number.to_string(), false), Token::RParen]
        .map(|token| TokenWithSpan { token, span })
}

fn word(value: &str, keyword: Keyword) -> Token {
    Token::Word(Word { value: value.to_owned(), quote_style: None, keyword })
}

fn tokens_span(tokens: &[TokenWithSpan], at: usize) -> Span {
    tokens.get(at).map_or_else(Span::empty, |t| t.span)
}

fn is(tokens: &[TokenWithSpan], at: usize, word: &str) -> bool {
    matches!(
        tokens.get(at).map(|t| &t.token),
        Some(Token::Word(w)) if w.quote_style.is_none() && w.value == word
    )
}

/// Where the bracket or parenthesis closes that opens here.
fn close_of(tokens: &[TokenWithSpan], at: usize) -> Option<usize> {
    let mut depth = 0usize;
    tokens.iter().enumerate().skip(at).find_map(|(i, t)| {
        match t.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(i)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{ParsedStatement, Show, parse};

    fn one(sql: &str) -> ParsedStatement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0)
    }

    fn text_of(parsed: &ParsedStatement) -> String {
        match &parsed.statement {
            Statement::Sql(tree) => tree.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn shows_are_row_sources_in_order() {
        let parsed = one("select a from [show jobs] as j, [SHOW TABLES] where a > 1");
        assert_eq!(text_of(&parsed), "SELECT a FROM \"[show]\"(0) AS j, \"[show]\"(1) WHERE a > 1");
        assert!(matches!(parsed.row_sources[0], Statement::ShowJobs(_)));
        assert!(matches!(parsed.row_sources[1], Statement::Show(Show::Tables { .. })));
        let parsed = one("select * from t join [show users] u on true");
        assert_eq!(text_of(&parsed), "SELECT * FROM t JOIN \"[show]\"(0) u ON true");
    }

    #[test]
    fn inner_row_sources_come_first() {
        let parsed = one("select * from [show jobs (select id from [show jobs])]");
        assert_eq!(parsed.row_sources.len(), 2);
        assert_eq!(text_of(&parsed), "SELECT * FROM \"[show]\"(1)");
    }

    #[test]
    fn shows_in_with() {
        let parsed =
            one("with x as (show jobs), y (a) as materialized (show users) select * from x, y");
        assert_eq!(parsed.row_sources.len(), 2);
        assert_eq!(
            text_of(&parsed),
            "WITH x AS (SELECT * FROM \"[show]\"(0)), y (a) AS MATERIALIZED (SELECT * FROM \"[show]\"(1)) SELECT * FROM x, y"
        );
    }

    #[test]
    fn statements_of_our_own_have_them_too() {
        for sql in [
            "pause jobs (select job_id from [show jobs] where status = 'running')",
            "cancel jobs (with x as (show jobs) select job_id from x)",
            "create table t as select * from [show users]",
            "insert into t select * from [show users]",
        ] {
            assert_eq!(one(sql).row_sources.len(), 1, "{sql}");
        }
        let parsed = one("explain select * from [show jobs]");
        let Statement::Explain(explain) = parsed.statement else { panic!() };
        assert_eq!((parsed.row_sources.len(), explain.statement.row_sources.len()), (0, 1));
        assert_eq!(explain.statement.text, "select * from [show jobs]");
    }

    #[test]
    fn brackets_that_are_no_row_sources_stay() {
        assert_eq!(
            text_of(&one("select array[[show]], a[show] from t")),
            "SELECT ARRAY[[show]], a[show] FROM t"
        );
        assert_eq!(text_of(&one("select * from [select 1] x")), "SELECT * FROM (SELECT 1) x");
        assert!(one("select * from f() as (show int)").row_sources.is_empty());
    }

    #[test]
    fn refusals_say_where() {
        for (sql, code, position) in [
            ("select * from [show jobs", "42601", Some(25)),
            ("select * from [show]", "42601", Some(20)),
            ("select * from [show jobs 1]", "42601", Some(26)),
            ("select * from [insert into t values (1)]", "0A000", None),
            ("select * from [foo]", "42601", Some(15)),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!((error.code().as_str(), error.position()), (code, position), "{sql}");
        }
        let deep = "select * from [show jobs (".repeat(300);
        assert_eq!(parse(&deep).unwrap_err().code().as_str(), "54001");
        let nested =
            format!("{}select 1{}", "select * from [show jobs (".repeat(150), ")]".repeat(150));
        assert_eq!(one(&nested).row_sources.len(), 150);
    }
}
