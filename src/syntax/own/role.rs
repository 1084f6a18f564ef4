//! Roles: CREATE, ALTER and DROP of USER, ROLE and GROUP, and what becomes of what they own.

use sqlparser::ast::Ident;
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::variable;
use crate::error::{Error, Result};
use crate::syntax::ast::*;

/// The properties of a role by their words; with NO in front they are off.
const FLAGS: [(&str, RoleFlag); 16] = [
    ("superuser", RoleFlag::Superuser),
    ("createdb", RoleFlag::CreateDb),
    ("createrole", RoleFlag::CreateRole),
    ("login", RoleFlag::Login),
    ("inherit", RoleFlag::Inherit),
    ("replication", RoleFlag::Replication),
    ("bypassrls", RoleFlag::BypassRls),
    ("controljob", RoleFlag::ControlJob),
    ("viewjob", RoleFlag::ViewJob),
    ("cancelquery", RoleFlag::CancelQuery),
    ("controlchangefeed", RoleFlag::ControlChangefeed),
    ("createlogin", RoleFlag::CreateLogin),
    ("viewactivity", RoleFlag::ViewActivity),
    ("viewactivityredacted", RoleFlag::ViewActivityRedacted),
    ("modifyclustersetting", RoleFlag::ModifyClusterSetting),
    ("viewclustersetting", RoleFlag::ViewClusterSetting),
];

/// A role's name: as everywhere, or as a literal, which older scripts have.
pub(super) fn role(c: &mut Cursor<'_>) -> Result<Ident> {
    if let Token::SingleQuotedString(_) = c.peek() {
        return Ok(Ident::with_quote('"', c.literal()?));
    }
    c.role()
}

/// After CREATE USER.
pub(super) fn create_user(c: &mut Cursor<'_>) -> Result<Statement> {
    create(c, true)
}

/// After CREATE ROLE or CREATE GROUP.
pub(super) fn create_role(c: &mut Cursor<'_>) -> Result<Statement> {
    create(c, false)
}

/// USER MAPPING is about foreign servers, not about users.
fn no_mapping(c: &Cursor<'_>) -> Result<()> {
    if c.is(0, "mapping") && (c.is(1, "for") || c.is(1, "if")) {
        return Err(Error::unsupported("USER MAPPING"));
    }
    Ok(())
}

fn create(c: &mut Cursor<'_>, user: bool) -> Result<Statement> {
    no_mapping(c)?;
    let if_not_exists = c.eat(&["if", "not", "exists"]);
    let name = role(c)?;
    let options = options(c, true)?;
    Ok(Statement::CreateRole(CreateRole { user, if_not_exists, name, options }))
}

/// After ALTER USER or ALTER ROLE.
pub(super) fn alter(c: &mut Cursor<'_>) -> Result<Statement> {
    no_mapping(c)?;
    let if_exists = c.eat(&["if", "exists"]);
    let name = if c.eat(&["all"]) { None } else { Some(role(c)?) };
    let action = if name.is_some() && c.eat(&["rename", "to"]) {
        AlterRoleAction::Rename(role(c)?)
    } else {
        let database = if c.eat(&["in", "database"]) { Some(c.ident()?) } else { None };
        if c.eat(&["set"]) {
            AlterRoleAction::Set { database, set: variable::assignment(c)? }
        } else if c.eat(&["reset", "all"]) {
            AlterRoleAction::ResetAll { database }
        } else if c.eat(&["reset"]) {
            AlterRoleAction::Set { database, set: variable::unset(c)? }
        } else if database.is_some() || name.is_none() {
            return c.unexpected();
        } else {
            AlterRoleAction::Options(options(c, false)?)
        }
    };
    Ok(Statement::AlterRole(AlterRole { if_exists, name, action }))
}

/// After ALTER GROUP: its members come and go, which is a GRANT or a REVOKE of the role.
pub(super) fn alter_group(c: &mut Cursor<'_>) -> Result<Statement> {
    let group = role(c)?;
    if c.eat(&["rename", "to"]) {
        let action = AlterRoleAction::Rename(role(c)?);
        return Ok(Statement::AlterRole(AlterRole { if_exists: false, name: Some(group), action }));
    }
    let add = c.eat(&["add"]);
    if !add {
        c.expect("drop")?;
    }
    c.expect("user")?;
    let (what, grantees) = (Granted::Roles(vec![group]), c.list(role)?);
    Ok(if add {
        Statement::Grant(Grant { what, grantees, with_option: false })
    } else {
        Statement::Revoke(Revoke { option_only: false, what, grantees, cascade: false })
    })
}

/// After DROP USER, DROP ROLE or DROP GROUP.
pub(super) fn drop(c: &mut Cursor<'_>) -> Result<Statement> {
    no_mapping(c)?;
    let if_exists = c.eat(&["if", "exists"]);
    Ok(Statement::DropRole(DropRole { if_exists, names: c.list(role)? }))
}

/// After REASSIGN OWNED BY.
pub(super) fn reassign_owned(c: &mut Cursor<'_>) -> Result<Statement> {
    let from = c.list(role)?;
    c.expect("to")?;
    Ok(Statement::ReassignOwned(ReassignOwned { from, to: role(c)? }))
}

/// After DROP OWNED BY.
pub(super) fn drop_owned(c: &mut Cursor<'_>) -> Result<Statement> {
    let roles = c.list(role)?;
    let cascade = c.eat(&["cascade"]);
    if !cascade {
        c.eat(&["restrict"]);
    }
    Ok(Statement::DropOwned(DropOwned { roles, cascade }))
}

/// `[WITH] option ...`; some belong to CREATE only.
fn options(c: &mut Cursor<'_>, create: bool) -> Result<Vec<RoleOption>> {
    c.eat(&["with"]);
    let mut options: Vec<RoleOption> = Vec::new();
    while !c.at_end() {
        let here = c.mark();
        let option = option(c, create)?;
        if options.iter().any(|other| repeats(other, &option)) {
            c.back_to(here);
            return c.refuse("conflicting or redundant options");
        }
        options.push(option);
    }
    Ok(options)
}

fn repeats(one: &RoleOption, other: &RoleOption) -> bool {
    match (one, other) {
        (RoleOption::Flag(one, _), RoleOption::Flag(other, _)) => one == other,
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

fn option(c: &mut Cursor<'_>, create: bool) -> Result<RoleOption> {
    if c.is(0, "password") || (c.is(0, "encrypted") && c.is(1, "password")) {
        c.eat(&["encrypted"]);
        c.expect("password")?;
        c.eat_token(&Token::Eq);
        return Ok(RoleOption::Password(nullable(c)?));
    }
    if c.eat(&["valid", "until"]) {
        return Ok(RoleOption::ValidUntil(nullable(c)?));
    }
    if c.eat(&["connection", "limit"]) {
        return Ok(RoleOption::ConnectionLimit(c.integer()?));
    }
    if c.eat(&["sysid"]) {
        return Ok(RoleOption::SysId(c.count()?));
    }
    if create {
        if c.eat(&["in", "role"]) || c.eat(&["in", "group"]) {
            return Ok(RoleOption::InRole(c.list(role)?));
        }
        if c.eat_any(&["role", "user"]) {
            return Ok(RoleOption::Members(c.list(role)?));
        }
        if c.eat(&["admin"]) {
            return Ok(RoleOption::Admins(c.list(role)?));
        }
    }
    let Token::Word(word) = c.peek() else { return c.unexpected() };
    let flag = |word: &str| FLAGS.iter().find(|(name, _)| *name == word).map(|(_, flag)| *flag);
    let found = match (word.quote_style, flag(&word.value)) {
        (None, Some(found)) => Some((found, true)),
        (None, None) => word.value.strip_prefix("no").and_then(flag).map(|found| (found, false)),
        (Some(_), _) => None,
    };
    match found {
        Some((found, on)) => {
            c.skip();
            Ok(RoleOption::Flag(found, on))
        }
        // SQLLOGIN is the word of later versions for the right to log in over SQL only.
        None if c.eat(&["sqllogin"]) => Ok(RoleOption::Flag(RoleFlag::SqlLogin, true)),
        None if c.eat(&["nosqllogin"]) => Ok(RoleOption::Flag(RoleFlag::SqlLogin, false)),
        None => c.unexpected(),
    }
}

/// A string, or NULL for none.
fn nullable(c: &mut Cursor<'_>) -> Result<Option<StringArg>> {
    if c.eat(&["null"]) {
        return Ok(None);
    }
    match c.peek() {
        Token::SingleQuotedString(_) | Token::Placeholder(_) => Ok(Some(c.string()?)),
        _ => c.unexpected(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    #[test]
    fn a_role_is_created_with_its_options_in_order() {
        let sql = "CREATE USER IF NOT EXISTS Max WITH LOGIN NOCREATEDB PASSWORD 'pw' VALID UNTIL NULL \
                   CONNECTION LIMIT -1 IN ROLE a, \"B\" ADMIN c CONTROLJOB";
        let Statement::CreateRole(created) = one(sql) else { panic!() };
        assert!(created.user && created.if_not_exists);
        assert_eq!(created.name.value, "max");
        assert_eq!(
            created.options,
            [
                RoleOption::Flag(RoleFlag::Login, true),
                RoleOption::Flag(RoleFlag::CreateDb, false),
                RoleOption::Password(Some("pw".into())),
                RoleOption::ValidUntil(None),
                RoleOption::ConnectionLimit(-1),
                RoleOption::InRole(vec!["a".into(), Ident::with_quote('"', "B")]),
                RoleOption::Admins(vec!["c".into()]),
                RoleOption::Flag(RoleFlag::ControlJob, true),
            ]
        );
        let Statement::CreateRole(created) = one("create role 'x'") else { panic!() };
        assert!(!created.user && created.options.is_empty());
        assert_eq!(created.name.value, "x");
    }

    #[test]
    fn roles_are_altered() {
        let action = |sql| match one(sql) {
            Statement::AlterRole(altered) => altered.action,
            other => panic!("{other:?}"),
        };
        assert_eq!(action("alter role a rename to b"), AlterRoleAction::Rename("b".into()));
        assert_eq!(
            action("ALTER USER a PASSWORD NULL"),
            AlterRoleAction::Options(vec![RoleOption::Password(None)])
        );
        assert_eq!(
            action("alter role all in database d reset all"),
            AlterRoleAction::ResetAll { database: Some("d".into()) }
        );
        let AlterRoleAction::Set { database: None, set } =
            action("alter role current_user set application_name = 'x'")
        else {
            panic!()
        };
        assert_eq!(set.name, "application_name");
        assert_eq!(
            one("alter group g add user a, b"),
            Statement::Grant(Grant {
                what: Granted::Roles(vec!["g".into()]),
                grantees: vec!["a".into(), "b".into()],
                with_option: false
            })
        );
    }

    #[test]
    fn roles_go_and_leave_what_they_own() {
        assert_eq!(
            one("drop user if exists a, b"),
            Statement::DropRole(DropRole { if_exists: true, names: vec!["a".into(), "b".into()] })
        );
        assert_eq!(
            one("reassign owned by a to b"),
            Statement::ReassignOwned(ReassignOwned { from: vec!["a".into()], to: "b".into() })
        );
        assert_eq!(
            one("drop owned by a cascade"),
            Statement::DropOwned(DropOwned { roles: vec!["a".into()], cascade: true })
        );
    }

    #[test]
    fn refusals_say_where_and_show_no_password() {
        for (sql, position) in [
            ("create user", 12),
            ("create user select", 13),
            ("create user a with nonsense", 20),
            ("create user a password", 23),
            ("create user a login nologin", 21),
            ("alter role all login", 16),
            ("alter role a in role b", 14),
            ("drop role", 10),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!(
                (error.code().as_str(), error.position()),
                ("42601", Some(position)),
                "{sql}"
            );
        }
        for sql in
            ["create user mapping for a server b", "drop user mapping if exists for a server b"]
        {
            assert_eq!(parse(sql).unwrap_err().code().as_str(), "0A000");
        }
        let error = parse("create user a password 'hush' 'hush'").unwrap_err();
        assert!(!error.message().contains("hush"));
    }
}
