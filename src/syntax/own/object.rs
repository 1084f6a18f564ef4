//! What all objects share: DROP, and ALTER of a name, an owner or a schema.

use sqlparser::ast::{ObjectName, ObjectNamePart};
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::database::behavior;
use super::{sequence, unsupported};
use crate::error::Result;
use crate::syntax::ast::*;

/// The words of each kind, longer ones first.
const KINDS: [(&[&str], RelationKind); 12] = [
    (&["foreign", "table"], RelationKind::ForeignTable),
    (&["materialized", "view"], RelationKind::MaterializedView),
    (&["table"], RelationKind::Table),
    (&["view"], RelationKind::View),
    (&["index"], RelationKind::Index),
    (&["sequence"], RelationKind::Sequence),
    (&["schema"], RelationKind::Schema),
    (&["type"], RelationKind::Type),
    (&["domain"], RelationKind::Domain),
    (&["collation"], RelationKind::Collation),
    (&["extension"], RelationKind::Extension),
    (&["statistics"], RelationKind::Statistics),
];

pub(super) fn kind(c: &mut Cursor<'_>) -> Option<RelationKind> {
    KINDS.into_iter().find_map(|(words, kind)| c.eat(words).then_some(kind))
}

/// After DROP; other objects than these are sqlparser's.
pub(super) fn drop(c: &mut Cursor<'_>) -> Result<Option<Statement>> {
    let Some(kind) = kind(c) else { return Ok(None) };
    let concurrently = kind == RelationKind::Index && c.eat(&["concurrently"]);
    let if_exists = c.eat(&["if", "exists"]);
    let names = c.list(|c| drop_name(c, kind))?;
    let behavior = behavior(c);
    Ok(Some(Statement::Drop(Drop { kind, concurrently, if_exists, names, behavior })))
}

fn drop_name(c: &mut Cursor<'_>, kind: RelationKind) -> Result<DropName> {
    let name = c.name()?;
    if kind == RelationKind::Index && c.eat_token(&Token::AtSign) {
        return Ok(DropName { on: Some(name), name: ObjectName::from(vec![c.ident()?]) });
    }
    Ok(DropName { on: None, name })
}

/// After ALTER; changes that only some objects know are sqlparser's, or ALTER SEQUENCE's.
pub(super) fn alter(c: &mut Cursor<'_>) -> Result<Option<Statement>> {
    let Some(kind) = kind(c) else { return Ok(None) };
    let if_exists = c.eat(&["if", "exists"]);
    if kind == RelationKind::Table {
        c.eat(&["only"]);
    }
    let Ok(name) = name(c, kind) else { return Ok(None) };
    let action = if c.eat(&["rename", "to"]) {
        AlterObjectAction::Rename(c.name()?)
    } else if c.eat(&["owner", "to"]) {
        AlterObjectAction::Owner(c.role()?)
    } else if c.eat(&["set", "schema"]) {
        AlterObjectAction::Schema(c.ident()?)
    } else if kind == RelationKind::Sequence {
        return sequence::alter(c, if_exists, name).map(Some);
    } else {
        unsupported::check_change(c, kind)?;
        return Ok(None);
    };
    Ok(Some(Statement::AlterObject(AlterObject { kind, if_exists, name, action })))
}

/// An object's name, where an index may be written `table@index`.
pub(super) fn name(c: &mut Cursor<'_>, kind: RelationKind) -> Result<ObjectName> {
    let name = c.name()?;
    if kind == RelationKind::Index && c.eat_token(&Token::AtSign) {
        return Ok(beside(&name, c.ident()?));
    }
    Ok(name)
}

/// The index of a table is named beside it: `a.t@i` is `a.i`.
fn beside(table: &ObjectName, index: sqlparser::ast::Ident) -> ObjectName {
    let mut parts = table.0.clone();
    parts.pop();
    parts.push(ObjectNamePart::Identifier(index));
    ObjectName(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    fn dropped(sql: &str) -> Drop {
        match one(sql) {
            Statement::Drop(drop) => drop,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn many_objects_of_a_kind_are_dropped() {
        let drop = dropped("drop table if exists pgbench_accounts, s.b, \"C\" cascade");
        assert_eq!((drop.kind, drop.if_exists), (RelationKind::Table, true));
        assert_eq!(drop.behavior, Some(DropBehavior::Cascade));
        let names: Vec<String> = drop.names.iter().map(|n| n.name.to_string()).collect();
        assert_eq!(names, ["pgbench_accounts", "s.b", "\"C\""]);
        for (sql, kind) in [
            ("drop materialized view v", RelationKind::MaterializedView),
            ("drop view v restrict", RelationKind::View),
            ("drop sequence s", RelationKind::Sequence),
            ("drop schema a, b", RelationKind::Schema),
            ("drop type t", RelationKind::Type),
            ("drop extension if exists x", RelationKind::Extension),
        ] {
            assert_eq!(dropped(sql).kind, kind, "{sql}");
        }
    }

    #[test]
    fn an_index_may_say_its_table() {
        let drop = dropped("drop index concurrently if exists s.t@i, j");
        assert!(drop.concurrently && drop.if_exists);
        let names: Vec<(Option<String>, String)> = drop
            .names
            .iter()
            .map(|n| (n.on.as_ref().map(ToString::to_string), n.name.to_string()))
            .collect();
        assert_eq!(names, [(Some("s.t".to_owned()), "i".to_owned()), (None, "j".to_owned())]);
    }

    #[test]
    fn names_owners_and_schemas_change() {
        for (sql, kind, name, action) in [
            (
                "alter table if exists a rename to b.c",
                RelationKind::Table,
                "a",
                AlterObjectAction::Rename(ObjectName::from(vec!["b".into(), "c".into()])),
            ),
            (
                "alter view v owner to joe",
                RelationKind::View,
                "v",
                AlterObjectAction::Owner("joe".into()),
            ),
            (
                "alter sequence a.s set schema b",
                RelationKind::Sequence,
                "a.s",
                AlterObjectAction::Schema("b".into()),
            ),
            (
                "alter index a.t@i rename to j",
                RelationKind::Index,
                "a.i",
                AlterObjectAction::Rename(ObjectName::from(vec!["j".into()])),
            ),
        ] {
            let Statement::AlterObject(alter) = one(sql) else { panic!("{sql}") };
            assert_eq!((alter.kind, alter.name.to_string().as_str()), (kind, name), "{sql}");
            assert_eq!(alter.action, action, "{sql}");
        }
        assert!(matches!(one("alter table t add column a int"), Statement::Sql(_)));
        assert!(matches!(one("drop function f"), Statement::Sql(_)));
    }

    #[test]
    fn refusals_say_where() {
        for (sql, code, position) in [
            ("drop table", "42601", Some(11)),
            ("drop table a b", "42601", Some(14)),
            ("drop table a,", "42601", Some(14)),
            ("drop index concurrently", "42601", Some(24)),
            ("alter table a rename to", "42601", Some(24)),
            ("alter table a split at values (1)", "0A000", None),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!((error.code().as_str(), error.position()), (code, position), "{sql}");
        }
    }
}
