//! # Statements: text to trees, and back
//!
//! What a client typed, as trees. [`parse`] cuts a text into [`ParsedStatement`]s and says of each
//! what it is; nothing is looked up.
//!
//! ```text
//!   text ──▶ text/  lexer, literals, keywords ──▶ tokens, one list a statement
//!                                                   │
//!                          row_source  [SHOW ...] in FROM, each by itself ──▶ row_sources
//!                          own/  BACKUP, transactions, SHOW, COPY ... ──▶ Statement::…
//!                          sql/  everything else: rewritten for sqlparser ──▶ Statement::Sql
//!   shape  a simple text with parameters in place of its literals
//!                          print  the trees of backups and jobs ──▶ text without secrets
//! ```
//!
//! Words: a *statement* is one tree with the text it came from; an *extra* is what a general
//! statement says that sqlparser's tree has no place for; *own* statements are those whose grammar
//! is CockroachDB's, or whose tree is better ours, parsed here over the same tokens; a *row source*
//! is a statement in brackets that stands for a table.
//!
//! Invariants:
//! - No I/O, no clock, no catalogue.
//! - Nesting is bounded by `limits` before any recursion begins; too deep is 54001.
//! - A refusal is 42601 with the character position, and never shows the inside of a literal.
//! - [`redact_text`] and [`redact_uri`] show no secret, whatever they are given. A statement's own
//!   text and the debug form of its tree hold secrets and are neither logged nor shown.
//!
//! What it is not: a judge of names, types or privileges; those need a catalogue.

mod ast;
mod own;
mod print;
mod row_source;
mod shape;
mod sql;
mod text;

pub use ast::*;
pub use shape::{Literal, Shape, shape};
pub use sql::CURRENT_OF;
pub use text::{
    KeywordClass, decode_escapes, is_secret_in, keyword_class, quote_identifier, quote_literal,
    redact_text, redact_uri,
};

use std::ops::Range;

use sqlparser::tokenizer::TokenWithSpan;

use crate::error::Result;

/// Splits a text into statements and parses each. Empty statements are dropped, so an empty text
/// gives an empty vector.
pub fn parse(sql: &str) -> Result<Vec<ParsedStatement>> {
    let mut statements = Vec::new();
    for chunk in text::split(sql)? {
        let source = text::Source { sql, semicolon: chunk.semicolon };
        statements.push(statement(source, chunk.tokens, chunk.start..chunk.end)?);
    }
    Ok(statements)
}

/// One statement from its tokens, which stand at these bytes of the source. Statements inside
/// statements (EXPLAIN, PREPARE, COPY ...) come here again.
fn statement(
    source: text::Source<'_>,
    tokens: Vec<TokenWithSpan>,
    bytes: Range<usize>,
) -> Result<ParsedStatement> {
    let mut row_sources = Vec::new();
    let tokens = row_source::cut(source, tokens, &mut row_sources)?;
    let (statement, as_of, extras) = match own::parse(source, &tokens)? {
        Some(statement) => (statement, None, Extras::default()),
        None => {
            let general = sql::parse(&source, tokens)?;
            (general.statement, general.as_of, general.extras)
        }
    };
    Ok(ParsedStatement {
        statement,
        text: source.sql.get(bytes.clone()).unwrap_or_default().to_owned(),
        offset: bytes.start,
        as_of,
        row_sources,
        extras,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    #[test]
    fn our_statements_parse() {
        for sql in [
            "BACKUP INTO 'nodelocal://1/a'",
            "BACKUP DATABASE a, b INTO LATEST IN ('x', $2) AS OF SYSTEM TIME '-10s' WITH detached",
            "BACKUP TABLE a, b.*, c.d.e INTO 'sub' IN $1 WITH OPTIONS (kms = ('a', 'b'), detached = false)",
            "BACKUP role TO 'x' INCREMENTAL FROM 'a', 'b' WITH revision_history",
            "RESTORE FROM LATEST IN 'x'",
            "RESTORE TABLE a.b FROM 'sub' IN 'x' AS OF SYSTEM TIME '2020-01-01' WITH into_db = 'y'",
            "SHOW BACKUPS IN 'x'",
            "SHOW BACKUP FILES FROM LATEST IN 'x' WITH check_files",
            "SHOW JOBS",
            "SHOW JOB WHEN COMPLETE 12",
            "PAUSE JOB 12 WITH REASON = 'x'",
            "CANCEL JOBS (SELECT 1)",
        ] {
            assert!(!matches!(one(sql), Statement::Sql(_)), "{sql}");
        }
        let Statement::Backup(b) = one("backup into latest in unlogged") else { panic!() };
        assert_eq!(
            b.into,
            BackupInto::Append(Subdirectory::Latest, Destination::one("unlogged".into()))
        );
    }

    #[test]
    fn unknown_and_repeated_options_are_syntax_errors() {
        for sql in [
            "BACKUP foo INTO 'x' WITH k1, k2 = 'v'",
            "BACKUP INTO 'x' WITH detached, detached",
            "RESTORE FROM LATEST IN 'x' WITH detached = $1",
            "BACKUP INTO",
            "PAUSE 12",
        ] {
            assert_eq!(parse(sql).unwrap_err().code().as_str(), "42601", "{sql}");
        }
    }

    #[test]
    fn a_text_is_cut_into_statements() {
        assert!(parse(" ; -- nothing\n;").unwrap().is_empty());
        let all = parse("select 1; backup into 'x;y'").unwrap();
        assert_eq!(
            all.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(),
            ["select 1", "backup into 'x;y'"]
        );
        assert_eq!(all[1].offset, 10);
    }
}
