//! Statements of PostgreSQL and CockroachDB that are known and not had: they are refused by name, so
//! that nobody looks for a typing error.

use super::cursor::Cursor;
use crate::error::{Error, Result};
use crate::syntax::ast::RelationKind;

/// What the first words are the name of.
const STATEMENTS: &[&str] = &[
    "alter aggregate",
    "alter collation",
    "alter conversion",
    "alter event trigger",
    "alter foreign data wrapper",
    "alter foreign table",
    "alter language",
    "alter large object",
    "alter publication",
    "alter rule",
    "alter statistics",
    "alter subscription",
    "alter system",
    "alter tablespace",
    "alter text search",
    "alter trigger",
    "create access method",
    "create aggregate",
    "create cast",
    "create changefeed",
    "create conversion",
    "create domain",
    "create event trigger",
    "create foreign data wrapper",
    "create foreign table",
    "create language",
    "create operator",
    "create or replace rule",
    "create or replace trigger",
    "create procedure",
    "create publication",
    "create rule",
    "create subscription",
    "create tablespace",
    "create text search",
    "create transform",
    "create trigger",
    "create user mapping",
    "do",
    "drop access method",
    "drop aggregate",
    "drop cast",
    "drop conversion",
    "drop event trigger",
    "drop foreign data wrapper",
    "drop language",
    "drop operator",
    "drop publication",
    "drop rule",
    "drop server",
    "drop subscription",
    "drop tablespace",
    "drop text search",
    "drop transform",
    "drop trigger",
    "drop user mapping",
    "experimental changefeed",
    "experimental scrub",
    "export into",
    "import into",
    "import foreign schema",
    "import table",
    "import pgdump",
    "import mysqldump",
    "load",
    "security label",
];

/// Refuses a statement that is known by its first words.
pub(super) fn check(c: &Cursor<'_>) -> Result<()> {
    let known = STATEMENTS
        .iter()
        .find(|words| words.split(' ').enumerate().all(|(ahead, word)| c.is(ahead, word)));
    match known {
        Some(words) => Err(Error::unsupported(words.to_ascii_uppercase())),
        None => Ok(()),
    }
}

/// Refuses a change of an object that is known by the words behind the object's name.
pub(super) fn check_change(c: &Cursor<'_>, kind: RelationKind) -> Result<()> {
    let changes: &[&str] = match kind {
        RelationKind::Table => &[
            "alter constraint",
            "alter primary key",
            "attach partition",
            "cluster on",
            "detach partition",
            "disable trigger",
            "enable trigger",
            "experimental_audit set",
            "inherit",
            "no inherit",
            "not of",
            "of",
            "partition by",
            "reset",
            "scatter",
            "set locality",
            "set tablespace",
            "set without",
            "split at",
            "unsplit",
        ],
        RelationKind::Index => &[
            "alter column",
            "attach partition",
            "partition by",
            "reset",
            "scatter",
            "set",
            "split at",
            "unsplit",
        ],
        RelationKind::View | RelationKind::MaterializedView => {
            &["alter", "cluster on", "rename column", "rename", "reset", "set"]
        }
        RelationKind::Type => {
            &["add attribute", "alter attribute", "drop", "rename attribute", "set"]
        }
        RelationKind::Domain => &["add", "alter", "drop", "rename constraint", "set", "validate"],
        RelationKind::Extension => &["add", "drop", "update"],
        _ => &[],
    };
    if let Some(words) = changes
        .iter()
        .find(|words| words.split(' ').enumerate().all(|(ahead, word)| c.is(ahead, word)))
    {
        return Err(Error::unsupported(format!(
            "ALTER {} ... {}",
            word_of(kind),
            words.to_ascii_uppercase()
        )));
    }
    if kind == RelationKind::Table && c.is(0, "alter") {
        return column_change(c);
    }
    Ok(())
}

/// `ALTER [COLUMN] name change`.
fn column_change(c: &Cursor<'_>) -> Result<()> {
    let change = if c.is(1, "column") { 3 } else { 2 };
    let changes: &[&str] = &[
        "drop expression",
        "drop identity",
        "drop stored",
        "reset",
        "restart",
        "set compression",
        "set cycle",
        "set expression",
        "set generated",
        "set not visible",
        "set statistics",
        "set storage",
        "set visible",
    ];
    match changes
        .iter()
        .find(|words| words.split(' ').enumerate().all(|(ahead, word)| c.is(change + ahead, word)))
    {
        Some(words) => {
            Err(Error::unsupported(format!("ALTER COLUMN ... {}", words.to_ascii_uppercase())))
        }
        None => Ok(()),
    }
}

fn word_of(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Index => "INDEX",
        RelationKind::View => "VIEW",
        RelationKind::MaterializedView => "MATERIALIZED VIEW",
        RelationKind::Type => "TYPE",
        RelationKind::Domain => "DOMAIN",
        RelationKind::Extension => "EXTENSION",
        _ => "TABLE",
    }
}

#[cfg(test)]
mod tests {
    use crate::syntax::parse;

    #[test]
    fn what_is_not_had_is_refused_by_its_name() {
        for (sql, message) in [
            ("create trigger t before insert on x execute function f()", "CREATE TRIGGER"),
            ("do $$ begin end $$", "DO"),
            ("alter table t alter column a set statistics 5", "ALTER COLUMN ... SET STATISTICS"),
            ("alter table t alter a drop identity if exists", "ALTER COLUMN ... DROP IDENTITY"),
            ("alter table t inherit p", "ALTER TABLE ... INHERIT"),
            ("alter table t split at values (1)", "ALTER TABLE ... SPLIT AT"),
            ("alter index i set (fillfactor = 70)", "ALTER INDEX ... SET"),
            ("alter view v rename column a to b", "ALTER VIEW ... RENAME COLUMN"),
            ("import into t csv data ('x')", "IMPORT INTO"),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!(error.code().as_str(), "0A000", "{sql}");
            assert_eq!(error.message(), format!("{message} is not supported"), "{sql}");
        }
    }

    #[test]
    fn columns_with_such_names_are_still_columns() {
        for sql in [
            "alter table t alter column a set not null",
            "alter table t add column storage int",
            "alter table t rename column inherit to reset",
            "alter type t add value 'x'",
        ] {
            assert!(parse(sql).is_ok(), "{sql}");
        }
    }
}
