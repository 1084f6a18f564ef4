//! External connections: named places, and a look at whether a place can be reached.

use sqlparser::ast::Ident;
use sqlparser::tokenizer::Token;

use super::backup::{options, text};
use super::cursor::Cursor;
use crate::error::Result;
use crate::syntax::ast::*;

/// A connection's name: as everywhere, or as a literal.
fn name(c: &mut Cursor<'_>) -> Result<Ident> {
    match c.peek() {
        Token::SingleQuotedString(_) => Ok(Ident::with_quote('"', c.literal()?)),
        _ => c.ident(),
    }
}

/// After CREATE EXTERNAL CONNECTION.
pub(super) fn create(c: &mut Cursor<'_>) -> Result<Statement> {
    let if_not_exists = c.eat(&["if", "not", "exists"]);
    let name = name(c)?;
    c.expect("as")?;
    let uri = c.string()?;
    Ok(Statement::CreateConnection(CreateConnection { if_not_exists, name, uri }))
}

/// After DROP EXTERNAL CONNECTION.
pub(super) fn drop(c: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::DropConnection(name(c)?))
}

/// After SHOW BACKUP CONNECTION, which is the old spelling of CHECK; a backup may be called so too.
pub(super) fn show_backup(c: &mut Cursor<'_>) -> Result<Option<Statement>> {
    if c.is(0, "in") { Ok(None) } else { check(c).map(Some) }
}

/// After CHECK EXTERNAL CONNECTION.
pub(super) fn check(c: &mut Cursor<'_>) -> Result<Statement> {
    let uri = c.string()?;
    let (mut transfer, mut time, mut concurrently) = (None, None, None);
    options(c, |c, name| {
        match name {
            "transfer" => text(c, name, &mut transfer)?,
            "time" => text(c, name, &mut time)?,
            "concurrently" if concurrently.is_some() => return c.duplicate(name),
            "concurrently" => {
                c.skip();
                c.expect_token(&Token::Eq)?;
                concurrently = Some(c.count()?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Statement::CheckConnection(CheckConnection { uri, transfer, time, concurrently }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    #[test]
    fn connections_come_and_go() {
        assert_eq!(
            one("create external connection if not exists b as 's3://x'"),
            Statement::CreateConnection(CreateConnection {
                if_not_exists: true,
                name: "b".into(),
                uri: "s3://x".into(),
            })
        );
        assert_eq!(
            one("drop external connection 'B'"),
            Statement::DropConnection(Ident::with_quote('"', "B"))
        );
    }

    #[test]
    fn connections_are_checked() {
        for sql in [
            "check external connection 'x' with transfer = '1MiB', concurrently = 3",
            "SHOW BACKUP CONNECTION 'x' WITH TRANSFER = '1MiB', CONCURRENTLY = 3",
        ] {
            assert_eq!(
                one(sql),
                Statement::CheckConnection(CheckConnection {
                    uri: "x".into(),
                    transfer: Some("1MiB".into()),
                    time: None,
                    concurrently: Some(3),
                })
            );
        }
        assert!(matches!(one("show backup connection in 'x'"), Statement::ShowBackup(_)));
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("create external connection b", 29),
            ("create external connection b as", 32),
            ("drop external connection", 25),
            ("check external connection 'x' with y = 'z'", 36),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!(
                (error.code().as_str(), error.position()),
                ("42601", Some(position)),
                "{sql}"
            );
        }
    }
}
