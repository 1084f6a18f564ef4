//! Databases and schemas: CREATE, ALTER, DROP.

use sqlparser::ast::{Expr, Ident};
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::variable;
use crate::error::{Error, Result};
use crate::syntax::ast::*;

/// After CREATE DATABASE.
pub(super) fn create(c: &mut Cursor<'_>) -> Result<Statement> {
    let if_not_exists = c.eat(&["if", "not", "exists"]);
    let name = c.ident()?;
    c.eat(&["with"]);
    let options = options(c)?;
    Ok(Statement::CreateDatabase(CreateDatabase { if_not_exists, name, options }))
}

/// `name [=] value ...`, up to the end.
fn options(c: &mut Cursor<'_>) -> Result<Vec<(String, Expr)>> {
    let mut options: Vec<(String, Expr)> = Vec::new();
    while !c.at_end() {
        let region = ["region", "regions", "survive", "placement"].iter().any(|w| c.is(0, w));
        if region || (c.is(0, "primary") && c.is(1, "region")) {
            return Err(Error::unsupported("a multi-region database"));
        }
        let name = if c.eat(&["connection", "limit"]) {
            "connection_limit".to_owned()
        } else {
            c.ident()?.value.to_lowercase()
        };
        if options.iter().any(|(other, _)| *other == name) {
            return Err(Error::syntax("conflicting or redundant options"));
        }
        c.eat_token(&Token::Eq);
        options.push((name, value(c)?));
    }
    Ok(options)
}

/// A bare word, which stays one, or a literal.
fn value(c: &mut Cursor<'_>) -> Result<Expr> {
    match c.peek() {
        Token::Word(_) => Ok(Expr::Identifier(c.label()?)),
        Token::SingleQuotedString(_) => c.value(),
        _ => c.number(),
    }
}

/// After ALTER DATABASE.
pub(super) fn alter(c: &mut Cursor<'_>) -> Result<Statement> {
    let name = c.ident()?;
    let action = if c.eat(&["owner", "to"]) {
        AlterDatabaseAction::Owner(c.role()?)
    } else if c.eat(&["rename", "to"]) {
        AlterDatabaseAction::Rename(c.ident()?)
    } else if c.is(0, "set") && c.is(1, "tablespace") {
        return Err(Error::unsupported("SET TABLESPACE"));
    } else if c.eat(&["set"]) {
        AlterDatabaseAction::Set(variable::assignment(c)?)
    } else if c.eat(&["reset", "all"]) {
        AlterDatabaseAction::ResetAll
    } else if c.eat(&["reset"]) {
        AlterDatabaseAction::Set(variable::unset(c)?)
    } else if c.is(0, "convert") && c.is(1, "to") {
        return Err(Error::unsupported("ALTER DATABASE ... CONVERT TO SCHEMA"));
    } else if c.is(0, "refresh") && c.is(1, "collation") {
        return Err(Error::unsupported("ALTER DATABASE ... REFRESH COLLATION VERSION"));
    } else if (c.is(0, "add") || c.is(0, "drop")) && c.is(1, "region") {
        return Err(Error::unsupported("a multi-region database"));
    } else {
        c.eat(&["with"]);
        if c.at_end() {
            return c.unexpected();
        }
        AlterDatabaseAction::Options(options(c)?)
    };
    Ok(Statement::AlterDatabase(AlterDatabase { name, action }))
}

/// After DROP DATABASE.
pub(super) fn drop(c: &mut Cursor<'_>) -> Result<Statement> {
    let if_exists = c.eat(&["if", "exists"]);
    let name = c.ident()?;
    let behavior = behavior(c);
    let mut force = false;
    if c.eat(&["with"]) || *c.peek() == Token::LParen {
        c.expect_token(&Token::LParen)?;
        c.list(|c| c.expect("force"))?;
        c.expect_token(&Token::RParen)?;
        force = true;
    }
    Ok(Statement::DropDatabase(DropDatabase { if_exists, name, behavior, force }))
}

/// `[CASCADE | RESTRICT]`.
pub(super) fn behavior(c: &mut Cursor<'_>) -> Option<DropBehavior> {
    if c.eat(&["cascade"]) {
        Some(DropBehavior::Cascade)
    } else if c.eat(&["restrict"]) {
        Some(DropBehavior::Restrict)
    } else {
        None
    }
}

/// After CREATE SCHEMA.
pub(super) fn create_schema(c: &mut Cursor<'_>) -> Result<Statement> {
    let if_not_exists = c.eat(&["if", "not", "exists"]);
    let name = if c.is(0, "authorization") { None } else { Some(c.name()?) };
    let authorization: Option<Ident> =
        if c.eat(&["authorization"]) { Some(c.role()?) } else { None };
    if ["create", "grant"].iter().any(|word| c.is(0, word)) {
        return Err(Error::unsupported("CREATE SCHEMA with elements"));
    }
    Ok(Statement::CreateSchema(CreateSchema { if_not_exists, name, authorization }))
}

/// After ALTER SCHEMA.
pub(super) fn alter_schema(c: &mut Cursor<'_>) -> Result<Statement> {
    let name = c.name()?;
    let action = if c.eat(&["rename", "to"]) {
        AlterSchemaAction::Rename(c.ident()?)
    } else {
        c.expect("owner")?;
        c.expect("to")?;
        AlterSchemaAction::Owner(c.role()?)
    };
    Ok(Statement::AlterSchema(AlterSchema { name, action }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    #[test]
    fn databases_are_created_with_options() {
        let Statement::CreateDatabase(plain) = one("create database if not exists A") else {
            panic!()
        };
        assert_eq!((plain.if_not_exists, plain.name, plain.options.len()), (true, "a".into(), 0));
        let Statement::CreateDatabase(full) = one(
            "create database a with owner = joe encoding 'utf8' lc_collate='C' connection limit -1",
        ) else {
            panic!()
        };
        let options: Vec<String> =
            full.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            options,
            ["owner=joe", "encoding='utf8'", "lc_collate='C'", "connection_limit=-1"]
        );
    }

    #[test]
    fn databases_are_altered() {
        for (sql, wanted) in [
            ("alter database a rename to b", AlterDatabaseAction::Rename("b".into())),
            (
                "alter database a owner to current_user",
                AlterDatabaseAction::Owner("current_user".into()),
            ),
            ("alter database a reset all", AlterDatabaseAction::ResetAll),
        ] {
            let Statement::AlterDatabase(alter) = one(sql) else { panic!("{sql}") };
            assert_eq!(alter.action, wanted, "{sql}");
        }
        let Statement::AlterDatabase(alter) = one("alter database a set timezone to 'utc'") else {
            panic!()
        };
        assert!(matches!(alter.action, AlterDatabaseAction::Set(set) if set.name == "timezone"));
        let Statement::AlterDatabase(alter) = one("alter database a connection limit 5") else {
            panic!()
        };
        assert!(matches!(alter.action, AlterDatabaseAction::Options(o) if o.len() == 1));
    }

    #[test]
    fn databases_are_dropped() {
        for (sql, if_exists, behavior, force) in [
            ("drop database a", false, None, false),
            ("drop database if exists a cascade", true, Some(DropBehavior::Cascade), false),
            ("drop database a restrict", false, Some(DropBehavior::Restrict), false),
            ("drop database a with (force)", false, None, true),
        ] {
            let wanted = DropDatabase { if_exists, name: "a".into(), behavior, force };
            assert_eq!(one(sql), Statement::DropDatabase(wanted), "{sql}");
        }
    }

    #[test]
    fn schemas() {
        let Statement::CreateSchema(create) =
            one("create schema if not exists d.s authorization x")
        else {
            panic!()
        };
        assert_eq!(create.name.map(|n| n.to_string()).as_deref(), Some("d.s"));
        assert_eq!(create.authorization, Some("x".into()));
        let Statement::CreateSchema(create) = one("create schema authorization x") else {
            panic!()
        };
        assert_eq!(create.name, None);
        let Statement::AlterSchema(alter) = one("alter schema s rename to t") else { panic!() };
        assert_eq!(alter.action, AlterSchemaAction::Rename("t".into()));
    }

    #[test]
    fn refusals_say_where() {
        for (sql, code, position) in [
            ("create database", "42601", Some(16)),
            ("create database a owner", "42601", Some(24)),
            ("create database a owner x owner y", "42601", None),
            ("create database a primary region 'x'", "0A000", None),
            ("alter database a", "42601", Some(17)),
            ("drop database a, b", "42601", Some(16)),
            ("create schema s create table t (a int)", "0A000", None),
            ("alter schema s", "42601", Some(15)),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!((error.code().as_str(), error.position()), (code, position), "{sql}");
        }
    }
}
