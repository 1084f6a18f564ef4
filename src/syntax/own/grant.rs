//! GRANT, REVOKE and ALTER DEFAULT PRIVILEGES.

use sqlparser::ast::{Ident, ObjectName};
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::role::role;
use crate::error::{Error, Result};
use crate::syntax::ast::*;
use crate::syntax::text::may_name_column;

/// After GRANT.
pub(super) fn grant(c: &mut Cursor<'_>) -> Result<Statement> {
    let what = what(c, "to")?;
    c.expect("to")?;
    let grantees = c.list(grantee)?;
    let option = match what {
        Granted::Privileges(..) => ["with", "grant", "option"],
        Granted::Roles(_) => ["with", "admin", "option"],
    };
    let with_option = c.eat(&option);
    granted_by(c)?;
    Ok(Statement::Grant(Grant { what, grantees, with_option }))
}

/// After REVOKE.
pub(super) fn revoke(c: &mut Cursor<'_>) -> Result<Statement> {
    let grant_option = c.eat(&["grant", "option", "for"]);
    let admin_option = !grant_option && c.eat(&["admin", "option", "for"]);
    let what = what(c, "from")?;
    let fits = match what {
        Granted::Privileges(..) => !admin_option,
        Granted::Roles(_) => !grant_option,
    };
    if !fits {
        return c.unexpected();
    }
    c.expect("from")?;
    let grantees = c.list(grantee)?;
    granted_by(c)?;
    let cascade = cascade(c);
    Ok(Statement::Revoke(Revoke {
        option_only: grant_option || admin_option,
        what,
        grantees,
        cascade,
    }))
}

/// After ALTER DEFAULT PRIVILEGES.
pub(super) fn alter_default(c: &mut Cursor<'_>) -> Result<Statement> {
    let (mut roles, mut all_roles, mut schemas) = (Vec::new(), false, Vec::new());
    loop {
        let for_any = all_roles || !roles.is_empty();
        if !for_any && c.eat(&["for", "all", "roles"]) {
            all_roles = true;
        } else if !for_any && (c.eat(&["for", "role"]) || c.eat(&["for", "user"])) {
            roles = c.list(role)?;
        } else if schemas.is_empty() && c.eat(&["in", "schema"]) {
            schemas = c.list(Cursor::name)?;
        } else {
            break;
        }
    }
    let grant = c.eat(&["grant"]);
    if !grant {
        c.expect("revoke")?;
    }
    let mut grant_option = !grant && c.eat(&["grant", "option", "for"]);
    let privileges = privileges(c)?;
    c.expect("on")?;
    let Some(objects) = kind(c) else { return c.unexpected() };
    c.expect(if grant { "to" } else { "from" })?;
    let grantees = c.list(grantee)?;
    if grant {
        grant_option = c.eat(&["with", "grant", "option"]);
    } else {
        cascade(c);
    }
    Ok(Statement::AlterDefaultPrivileges(AlterDefaultPrivileges {
        roles,
        all_roles,
        schemas,
        grant,
        privileges,
        objects,
        grantees,
        grant_option,
    }))
}

/// Privileges on objects, or roles; `end` is the word that follows either.
fn what(c: &mut Cursor<'_>, end: &str) -> Result<Granted> {
    if c.is(0, "system") && !c.is(1, end) && !c.is_token(1, &Token::Comma) && !c.is(1, "on") {
        c.skip();
        return Ok(Granted::Privileges(privileges(c)?, GrantObjects::System));
    }
    let start = c.mark();
    let privileges = privileges(c)?;
    if c.eat(&["on"]) {
        return Ok(Granted::Privileges(privileges, objects(c, end)?));
    }
    // What was read as privileges were the names of roles.
    c.back_to(start);
    Ok(Granted::Roles(c.list(role)?))
}

fn privileges(c: &mut Cursor<'_>) -> Result<Privileges> {
    if c.eat(&["all"]) {
        c.eat(&["privileges"]);
        return Ok(Privileges::All);
    }
    Ok(Privileges::List(c.list(privilege)?))
}

/// Any word: which of them are privileges, and of what, is not for the grammar to say.
fn privilege(c: &mut Cursor<'_>) -> Result<Privilege> {
    let name = match c.peek() {
        Token::SingleQuotedString(_) => c.literal()?,
        _ => c.label()?.value.to_ascii_uppercase(),
    };
    let columns = if *c.peek() == Token::LParen { c.columns()? } else { Vec::new() };
    Ok(Privilege { name, columns })
}

/// What privileges are on, after ON.
pub(super) fn objects(c: &mut Cursor<'_>, end: &str) -> Result<GrantObjects> {
    if c.eat(&["all"]) {
        let Some(kind) = kind(c) else { return c.unexpected() };
        if matches!(kind, ObjectKind::Types | ObjectKind::Schemas) {
            return c.unexpected();
        }
        if !c.eat(&["in", "schema"]) {
            return c.unexpected();
        }
        return Ok(GrantObjects::AllInSchemas(kind, c.list(Cursor::name)?));
    }
    // These words name tables too: a kind is one that a name follows.
    let names_follow = matches!(c.ahead(1), Token::Word(w) if w.quote_style.is_some()
        || (w.value != end && may_name_column(&w.value)));
    if names_follow {
        for (word, objects) in KINDS {
            if c.eat(&[word]) {
                return objects(c);
            }
        }
        if c.eat(&["external", "connection"]) {
            return Ok(GrantObjects::ExternalConnections(c.list(Cursor::ident)?));
        }
        for (word, feature) in [
            ("foreign", "privileges on foreign servers and wrappers"),
            ("large", "privileges on large objects"),
            ("tablespace", "privileges on tablespaces"),
            ("parameter", "privileges on parameters"),
        ] {
            if c.is(0, word) {
                return Err(Error::unsupported(feature));
            }
        }
    }
    c.eat(&["table"]);
    Ok(GrantObjects::Tables(c.list(Cursor::pattern)?))
}

type Objects = fn(&mut Cursor<'_>) -> Result<GrantObjects>;

/// Kinds of objects by their words.
const KINDS: [(&str, Objects); 10] = [
    ("sequence", |c| Ok(GrantObjects::Sequences(c.list(Cursor::name)?))),
    ("database", |c| Ok(GrantObjects::Databases(c.list(Cursor::ident)?))),
    ("schema", |c| Ok(GrantObjects::Schemas(c.list(Cursor::name)?))),
    ("type", |c| Ok(GrantObjects::Types(c.list(Cursor::name)?))),
    ("domain", |c| Ok(GrantObjects::Types(c.list(Cursor::name)?))),
    ("function", |c| Ok(GrantObjects::Functions(c.list(function)?))),
    ("procedure", |c| Ok(GrantObjects::Functions(c.list(function)?))),
    ("routine", |c| Ok(GrantObjects::Functions(c.list(function)?))),
    ("language", |c| Ok(GrantObjects::Languages(c.list(Cursor::ident)?))),
    ("table", |c| Ok(GrantObjects::Tables(c.list(Cursor::pattern)?))),
];

/// A function, perhaps with the types of its arguments, which say nothing here.
pub(super) fn function(c: &mut Cursor<'_>) -> Result<ObjectName> {
    let name = c.name()?;
    c.skip_parentheses()?;
    Ok(name)
}

fn kind(c: &mut Cursor<'_>) -> Option<ObjectKind> {
    [
        ("tables", ObjectKind::Tables),
        ("sequences", ObjectKind::Sequences),
        ("functions", ObjectKind::Functions),
        ("routines", ObjectKind::Functions),
        ("procedures", ObjectKind::Functions),
        ("types", ObjectKind::Types),
        ("schemas", ObjectKind::Schemas),
    ]
    .into_iter()
    .find_map(|(word, kind)| c.eat(&[word]).then_some(kind))
}

fn grantee(c: &mut Cursor<'_>) -> Result<Ident> {
    if c.is(0, "group") {
        c.skip();
    }
    role(c)
}

/// `GRANTED BY`: nobody gives in another's name.
fn granted_by(c: &mut Cursor<'_>) -> Result<()> {
    if !c.eat(&["granted", "by"]) || c.eat_any(&["current_user", "current_role", "session_user"]) {
        return Ok(());
    }
    Err(Error::unsupported("GRANTED BY another role"))
}

fn cascade(c: &mut Cursor<'_>) -> bool {
    let cascade = c.eat(&["cascade"]);
    if !cascade {
        c.eat(&["restrict"]);
    }
    cascade
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    fn given(sql: &str) -> (Granted, Vec<Ident>, bool) {
        match one(sql) {
            Statement::Grant(grant) => (grant.what, grant.grantees, grant.with_option),
            Statement::Revoke(revoke) => (revoke.what, revoke.grantees, revoke.option_only),
            other => panic!("{other:?}"),
        }
    }

    fn list(names: &[&str]) -> Privileges {
        let privilege = |name: &&str| Privilege { name: (*name).to_owned(), columns: vec![] };
        Privileges::List(names.iter().map(privilege).collect())
    }

    fn table(name: &str) -> TablePattern {
        TablePattern { prefix: vec![], table: Some(name.into()) }
    }

    #[test]
    fn objects_of_every_kind() {
        let name = |name: &str| ObjectName::from(vec![Ident::new(name)]);
        for (sql, objects) in [
            ("a, b", GrantObjects::Tables(vec![table("a"), table("b")])),
            ("TABLE a", GrantObjects::Tables(vec![table("a")])),
            ("type", GrantObjects::Tables(vec![table("type")])),
            (
                "d.*",
                GrantObjects::Tables(vec![TablePattern { prefix: vec!["d".into()], table: None }]),
            ),
            ("DATABASE d, e", GrantObjects::Databases(vec!["d".into(), "e".into()])),
            ("SCHEMA s", GrantObjects::Schemas(vec![name("s")])),
            ("SEQUENCE s", GrantObjects::Sequences(vec![name("s")])),
            ("TYPE t", GrantObjects::Types(vec![name("t")])),
            (
                "FUNCTION f(int, numeric(1, 2)), g",
                GrantObjects::Functions(vec![name("f"), name("g")]),
            ),
            ("EXTERNAL CONNECTION x", GrantObjects::ExternalConnections(vec!["x".into()])),
            (
                "ALL TABLES IN SCHEMA s",
                GrantObjects::AllInSchemas(ObjectKind::Tables, vec![name("s")]),
            ),
        ] {
            let what = Granted::Privileges(list(&["SELECT", "BACKUP"]), objects);
            let grantees = vec!["x".into(), "public".into()];
            assert_eq!(
                given(&format!("grant select, backup on {sql} to x, public with grant option")),
                (what.clone(), grantees.clone(), true)
            );
            assert_eq!(
                given(&format!("revoke grant option for select, backup on {sql} from x, public")),
                (what, grantees, true)
            );
        }
    }

    #[test]
    fn privileges_of_columns_roles_and_of_the_whole() {
        let columns =
            Privilege { name: "UPDATE".to_owned(), columns: vec!["a".into(), "b".into()] };
        assert_eq!(
            given("grant update (a, b) on t to x").0,
            Granted::Privileges(
                Privileges::List(vec![columns]),
                GrantObjects::Tables(vec![table("t")])
            )
        );
        assert_eq!(
            given("grant all privileges on t to x").0,
            Granted::Privileges(Privileges::All, GrantObjects::Tables(vec![table("t")]))
        );
        assert_eq!(
            given("grant admin, other to x with admin option"),
            (Granted::Roles(vec!["admin".into(), "other".into()]), vec!["x".into()], true)
        );
        assert_eq!(
            given("revoke admin option for admin from x").0,
            Granted::Roles(vec!["admin".into()])
        );
        assert_eq!(
            given("grant system viewjob, backup to x").0,
            Granted::Privileges(list(&["VIEWJOB", "BACKUP"]), GrantObjects::System)
        );
    }

    #[test]
    fn default_privileges() {
        let Statement::AlterDefaultPrivileges(altered) = one(
            "alter default privileges in schema s for role a, b grant select on tables to c with grant option",
        ) else {
            panic!()
        };
        assert_eq!(altered.roles, ["a".into(), "b".into()]);
        assert_eq!(altered.schemas.len(), 1);
        assert!(altered.grant && altered.grant_option && !altered.all_roles);
        let Statement::AlterDefaultPrivileges(altered) =
            one("alter default privileges for all roles revoke all on schemas from public")
        else {
            panic!()
        };
        assert!(!altered.grant && altered.all_roles);
        assert_eq!((altered.privileges, altered.objects), (Privileges::All, ObjectKind::Schemas));
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("grant", 6),
            ("grant select on t", 18),
            ("grant select on t from x", 19),
            ("grant select to x", 7),
            ("grant a to x with grant option", 14),
            ("revoke grant option for a from x", 27),
            ("alter default privileges grant select on t to x", 42),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!(
                (error.code().as_str(), error.position()),
                ("42601", Some(position)),
                "{sql}"
            );
        }
        let error = parse("grant a to b granted by c").unwrap_err();
        assert_eq!(error.code().as_str(), "0A000");
    }
}
