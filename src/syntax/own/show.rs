//! The SHOW forms that look at the catalog and at sessions.

use sqlparser::ast::{Ident, ObjectName};

use super::cursor::Cursor;
use super::grant;
use crate::error::{Error, Result};
use crate::syntax::ast::*;

/// After SHOW: what is no form of its own is a variable.
pub(super) fn show(c: &mut Cursor<'_>) -> Result<Option<Statement>> {
    if let Some(feature) = unsupported(c) {
        return Err(Error::unsupported(feature));
    }
    let found = match objects(c)? {
        Some(show) => Some(show),
        None => state(c)?,
    };
    Ok(found.map(Statement::Show))
}

/// Forms that list objects of the catalog.
fn objects(c: &mut Cursor<'_>) -> Result<Option<Show>> {
    Ok(Some(if c.eat(&["databases"]) {
        Show::Databases { with_comment: with_comment(c) }
    } else if c.eat(&["tables"]) {
        let from = from_name(c)?;
        Show::Tables { from, with_comment: with_comment(c) }
    } else if c.eat(&["schemas"]) {
        Show::Schemas { from: from_database(c)? }
    } else if c.eat(&["sequences"]) {
        Show::Sequences { from: from_database(c)? }
    } else if c.eat(&["types"]) {
        Show::Types
    } else if c.eat(&["enums"]) {
        Show::Enums { from: from_name(c)? }
    } else if c.eat(&["functions"]) {
        Show::Functions { from: from_name(c)? }
    } else if c.eat(&["columns"]) {
        let table = of_table(c)?;
        Show::Columns { table, with_comment: with_comment(c) }
    } else if c.eat_any(&["indexes", "index", "keys"]) {
        c.expect("from")?;
        if c.is(0, "database") && !c.ends_after(1) && !c.is(1, "with") {
            c.skip();
            let database = c.ident()?;
            Show::DatabaseIndexes { database, with_comment: with_comment(c) }
        } else {
            let table = c.name()?;
            Show::Indexes { table, with_comment: with_comment(c) }
        }
    } else if c.eat_any(&["constraints", "constraint"]) {
        Show::Constraints { table: of_table(c)? }
    } else if c.eat(&["external", "connections"]) {
        Show::ExternalConnections { name: None }
    } else if c.eat(&["external", "connection"]) {
        Show::ExternalConnections { name: Some(c.ident()?) }
    } else if c.eat(&["create", "all", "external", "connections"]) {
        Show::CreateExternalConnections { name: None }
    } else if c.eat(&["create", "external", "connection"]) {
        Show::CreateExternalConnections { name: Some(c.ident()?) }
    } else if c.eat(&["create"]) {
        Show::Create(create(c)?)
    } else if c.eat(&["grants"]) {
        grants(c)?
    } else if c.eat(&["default", "privileges"]) {
        let all_roles = c.eat(&["for", "all", "roles"]);
        let for_roles = !all_roles
            && (c.eat(&["for", "role"]) || c.eat(&["for", "user"]) || c.eat(&["for", "grantee"]));
        let roles = if for_roles { c.list(Cursor::role)? } else { Vec::new() };
        Show::DefaultPrivileges { roles, all_roles }
    } else if c.eat(&["users"]) {
        Show::Users
    } else if c.eat(&["roles"]) {
        Show::Roles
    } else if c.eat(&["statistics"]) {
        let json = c.eat(&["using", "json"]);
        c.expect("for")?;
        c.expect("table")?;
        Show::Statistics { table: c.name()?, json }
    } else if c.eat_any(&["ranges", "range"]) {
        ranges(c)?
    } else {
        return Ok(None);
    }))
}

/// Forms that tell of sessions, transactions and the node.
fn state(c: &mut Cursor<'_>) -> Result<Option<Show>> {
    for (words, show) in [
        (["transaction", "status"].as_slice(), Show::TransactionStatus),
        (&["savepoint", "status"], Show::SavepointStatus),
        (&["commit", "timestamp"], Show::CommitTimestamp),
        (&["last", "query", "statistics"], Show::LastQueryStatistics),
        (&["locality"], Show::Locality),
    ] {
        if c.eat(words) {
            return Ok(Some(show));
        }
    }
    let mut ahead = usize::from(c.is(0, "all"));
    let all = ahead == 1;
    ahead += usize::from(c.is(ahead, "cluster") || c.is(ahead, "local"));
    let show = if c.is(ahead, "queries") || c.is(ahead, "statements") {
        Show::Queries { all }
    } else if c.is(ahead, "sessions") {
        Show::Sessions { all }
    } else if c.is(ahead, "transactions") {
        Show::Transactions { all }
    } else {
        return Ok(None);
    };
    (0..=ahead).for_each(|_| c.skip());
    Ok(Some(show))
}

/// Forms of CockroachDB about what is not here.
fn unsupported(c: &Cursor<'_>) -> Option<&'static str> {
    [
        (["trace", "for"], "SHOW TRACE"),
        (["kv", "trace"], "SHOW TRACE"),
        (["compact", "trace"], "SHOW TRACE"),
        (["regions", "from"], "a multi-region database"),
        (["survival", "goal"], "a multi-region database"),
        (["partitions", "from"], "SHOW PARTITIONS"),
        (["experimental_fingerprints", "from"], "SHOW EXPERIMENTAL_FINGERPRINTS"),
    ]
    .into_iter()
    .find(|([one, two], _)| c.is(0, one) && c.is(1, two))
    .map(|(_, feature)| feature)
}

fn with_comment(c: &mut Cursor<'_>) -> bool {
    c.eat(&["with", "comment"])
}

fn from_name(c: &mut Cursor<'_>) -> Result<Option<ObjectName>> {
    if c.eat_any(&["from", "in"]) { c.name().map(Some) } else { Ok(None) }
}

fn from_database(c: &mut Cursor<'_>) -> Result<Option<Ident>> {
    if c.eat_any(&["from", "in"]) { c.ident().map(Some) } else { Ok(None) }
}

fn of_table(c: &mut Cursor<'_>) -> Result<ObjectName> {
    c.expect("from")?;
    c.name()
}

/// After SHOW CREATE.
fn create(c: &mut Cursor<'_>) -> Result<ShowCreate> {
    // A relation may be called by any of these words; then nothing follows.
    if c.ends_after(1) {
        return Ok(ShowCreate::Relation(c.name()?));
    }
    Ok(if c.eat(&["all", "tables"]) {
        ShowCreate::AllTables
    } else if c.eat(&["all", "schemas"]) {
        ShowCreate::AllSchemas
    } else if c.eat(&["all", "types"]) {
        ShowCreate::AllTypes
    } else if c.eat(&["database"]) {
        ShowCreate::Database(c.ident()?)
    } else if c.eat(&["schema"]) {
        ShowCreate::Schema(c.name()?)
    } else if c.eat(&["type"]) {
        ShowCreate::Type(c.name()?)
    } else if c.eat(&["function"]) {
        ShowCreate::Function(c.name()?)
    } else if c.eat(&["indexes", "from"]) || c.eat(&["index", "from"]) {
        ShowCreate::Indexes(c.name()?)
    } else {
        if !c.eat(&["materialized", "view"]) {
            c.eat_any(&["table", "view", "sequence"]);
        }
        ShowCreate::Relation(c.name()?)
    })
}

/// After SHOW GRANTS.
fn grants(c: &mut Cursor<'_>) -> Result<Show> {
    if c.eat(&["on", "role"]) {
        let roles = if c.at_end() || c.is(0, "for") { Vec::new() } else { c.list(Cursor::role)? };
        let grantees = grantees(c)?;
        return Ok(Show::RoleGrants { roles, grantees });
    }
    let on = if c.eat(&["on"]) { Some(grant::objects(c, "for")?) } else { None };
    let grantees = grantees(c)?;
    Ok(Show::Grants { on, grantees })
}

fn grantees(c: &mut Cursor<'_>) -> Result<Vec<Ident>> {
    if c.eat(&["for"]) { c.list(Cursor::role) } else { Ok(Vec::new()) }
}

/// After SHOW RANGES. What is not one table is all of them.
fn ranges(c: &mut Cursor<'_>) -> Result<Show> {
    c.expect("from")?;
    if c.eat(&["database"]) {
        c.ident()?;
        return Ok(Show::Ranges { table: None });
    }
    if c.is(0, "index") {
        return Err(Error::unsupported("SHOW RANGES FROM INDEX"));
    }
    c.expect("table")?;
    Ok(Show::Ranges { table: Some(c.pattern()?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn shown(sql: &str) -> Show {
        match parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement {
            Statement::Show(show) => show,
            other => panic!("{other:?}"),
        }
    }

    fn name(parts: &[&str]) -> ObjectName {
        ObjectName::from(parts.iter().map(|part| Ident::new(*part)).collect::<Vec<_>>())
    }

    #[test]
    fn objects_are_listed() {
        for (sql, wanted) in [
            ("show databases with comment", Show::Databases { with_comment: true }),
            ("show tables", Show::Tables { from: None, with_comment: false }),
            (
                "SHOW TABLES FROM d.s WITH COMMENT",
                Show::Tables { from: Some(name(&["d", "s"])), with_comment: true },
            ),
            ("show schemas from d", Show::Schemas { from: Some("d".into()) }),
            ("show sequences", Show::Sequences { from: None }),
            ("show types", Show::Types),
            ("show enums", Show::Enums { from: None }),
            (
                "show columns from s.t",
                Show::Columns { table: name(&["s", "t"]), with_comment: false },
            ),
            ("show indexes from t", Show::Indexes { table: name(&["t"]), with_comment: false }),
            (
                "show keys from database d with comment",
                Show::DatabaseIndexes { database: "d".into(), with_comment: true },
            ),
            ("show constraints from t", Show::Constraints { table: name(&["t"]) }),
            ("show users", Show::Users),
            ("show external connections", Show::ExternalConnections { name: None }),
            (
                "show create external connection x",
                Show::CreateExternalConnections { name: Some("x".into()) },
            ),
            ("show roles", Show::Roles),
            (
                "show statistics using json for table t",
                Show::Statistics { table: name(&["t"]), json: true },
            ),
        ] {
            assert_eq!(shown(sql), wanted, "{sql}");
        }
    }

    #[test]
    fn creates_are_shown() {
        for (sql, wanted) in [
            ("show create t", ShowCreate::Relation(name(&["t"]))),
            ("show create table d.s.t", ShowCreate::Relation(name(&["d", "s", "t"]))),
            ("show create view v", ShowCreate::Relation(name(&["v"]))),
            ("show create database d", ShowCreate::Database("d".into())),
            ("show create schema s", ShowCreate::Schema(name(&["s"]))),
            ("show create all tables", ShowCreate::AllTables),
            ("show create indexes from t", ShowCreate::Indexes(name(&["t"]))),
        ] {
            assert_eq!(shown(sql), Show::Create(wanted), "{sql}");
        }
    }

    #[test]
    fn grants_are_shown() {
        assert_eq!(shown("show grants"), Show::Grants { on: None, grantees: vec![] });
        assert_eq!(
            shown("show grants on database a, b for joe, public"),
            Show::Grants {
                on: Some(GrantObjects::Databases(vec!["a".into(), "b".into()])),
                grantees: vec!["joe".into(), "public".into()],
            }
        );
        let Show::Grants { on: Some(GrantObjects::Tables(tables)), .. } =
            shown("show grants on s.*, t")
        else {
            panic!()
        };
        assert_eq!(tables.len(), 2);
        assert_eq!(
            shown("show grants on role admin for x"),
            Show::RoleGrants { roles: vec!["admin".into()], grantees: vec!["x".into()] }
        );
        assert_eq!(
            shown("show grants on role"),
            Show::RoleGrants { roles: vec![], grantees: vec![] }
        );
    }

    #[test]
    fn sessions_are_shown() {
        for (sql, wanted) in [
            ("show queries", Show::Queries { all: false }),
            ("show all cluster statements", Show::Queries { all: true }),
            ("show local sessions", Show::Sessions { all: false }),
            ("show all transactions", Show::Transactions { all: true }),
            ("show transaction status", Show::TransactionStatus),
            ("show savepoint status", Show::SavepointStatus),
        ] {
            assert_eq!(shown(sql), wanted, "{sql}");
        }
        let variable = parse("show database").unwrap().remove(0).statement;
        assert_eq!(variable, Statement::ShowVariable("database".to_owned()));
    }

    #[test]
    fn refusals_say_where() {
        for (sql, code, position) in [
            ("show columns", "42601", Some(13)),
            ("show tables from", "42601", Some(17)),
            ("show create", "42601", Some(12)),
            ("show create table", "42601", Some(13)),
            ("show grants on", "42601", Some(15)),
            ("show databases x", "42601", Some(16)),
            ("show trace for session", "0A000", None),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!((error.code().as_str(), error.position()), (code, position), "{sql}");
        }
    }
}
