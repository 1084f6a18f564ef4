//! Statements that tend what is stored: VACUUM, ANALYZE, REINDEX, CLUSTER, REFRESH, LOCK, CHECKPOINT
//! and DISCARD.

use sqlparser::ast::{Ident, ObjectName};
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::error::{Error, Result};
use crate::syntax::ast::*;

/// The modes of LOCK TABLE; the longer ones come before those that they begin with.
const LOCK_MODES: [&str; 8] = [
    "access share",
    "access exclusive",
    "row share",
    "row exclusive",
    "share update exclusive",
    "share row exclusive",
    "share",
    "exclusive",
];

/// `table [(columns)], ...`, or nothing.
fn tables(c: &mut Cursor<'_>) -> Result<Vec<(ObjectName, Vec<Ident>)>> {
    if c.at_end() {
        return Ok(Vec::new());
    }
    c.list(|c| {
        c.eat(&["only"]);
        let name = c.name()?;
        let columns = if *c.peek() == Token::LParen { c.columns()? } else { Vec::new() };
        Ok((name, columns))
    })
}

/// `(option [value], ...)`; `set` says whether it knew the option.
fn options(c: &mut Cursor<'_>, verb: &str, mut set: impl FnMut(&str, bool) -> bool) -> Result<()> {
    c.expect_token(&Token::LParen)?;
    loop {
        let here = c.mark();
        let name = c.label()?.value;
        let on = if c.ends_item(0) {
            true
        } else {
            !matches!(c.plain_value()?.to_ascii_lowercase().as_str(), "false" | "off" | "0")
        };
        if !set(&name, on) {
            c.back_to(here);
            return c.refuse(&format!("unrecognized {verb} option \"{name}\""));
        }
        if !c.eat_token(&Token::Comma) {
            return c.expect_token(&Token::RParen);
        }
    }
}

/// After VACUUM.
pub(super) fn vacuum(c: &mut Cursor<'_>) -> Result<Statement> {
    let mut v = Vacuum::default();
    if *c.peek() == Token::LParen {
        options(c, "VACUUM", |name, on| {
            match name {
                "full" => v.full = on,
                "freeze" => v.freeze = on,
                "verbose" => v.verbose = on,
                "analyze" | "analyse" => v.analyze = on,
                // These steer work that is not done here.
                "disable_page_skipping"
                | "skip_locked"
                | "index_cleanup"
                | "process_main"
                | "process_toast"
                | "truncate"
                | "parallel"
                | "skip_database_stats"
                | "only_database_stats"
                | "buffer_usage_limit" => {}
                _ => return false,
            }
            true
        })?;
    } else {
        v.full = c.eat(&["full"]);
        v.freeze = c.eat(&["freeze"]);
        v.verbose = c.eat(&["verbose"]);
        v.analyze = c.eat_any(&["analyze", "analyse"]);
    }
    v.tables = tables(c)?;
    Ok(Statement::Vacuum(v))
}

/// After ANALYZE.
pub(super) fn analyze(c: &mut Cursor<'_>) -> Result<Statement> {
    let mut a = Analyze::default();
    if *c.peek() == Token::LParen {
        options(c, "ANALYZE", |name, on| {
            match name {
                "verbose" => a.verbose = on,
                "skip_locked" | "buffer_usage_limit" => {}
                _ => return false,
            }
            true
        })?;
    } else {
        a.verbose = c.eat(&["verbose"]);
    }
    a.tables = tables(c)?;
    Ok(Statement::Analyze(a))
}

/// After CREATE STATISTICS: `name [(kinds)] [ON columns] FROM table`.
pub(super) fn create_statistics(c: &mut Cursor<'_>) -> Result<Statement> {
    let name = Some(c.name()?);
    c.skip_parentheses()?;
    let columns = if c.eat(&["on"]) { c.list(Cursor::ident)? } else { Vec::new() };
    c.expect("from")?;
    let table = c.name()?;
    Ok(Statement::Analyze(Analyze { name, verbose: false, tables: vec![(table, columns)] }))
}

/// After REINDEX.
pub(super) fn reindex(c: &mut Cursor<'_>) -> Result<Statement> {
    if *c.peek() == Token::LParen {
        options(c, "REINDEX", |name, _| matches!(name, "verbose" | "concurrently" | "tablespace"))?;
    }
    for kind in ["index", "table", "schema", "database", "system"] {
        if c.eat(&[kind]) {
            c.eat(&["concurrently"]);
            let kind = kind.to_ascii_uppercase();
            return Ok(Statement::Maintain(Maintain::Reindex { kind, name: c.name()? }));
        }
    }
    c.unexpected()
}

/// After CLUSTER.
pub(super) fn cluster(c: &mut Cursor<'_>) -> Result<Statement> {
    if *c.peek() == Token::LParen {
        options(c, "CLUSTER", |name, _| name == "verbose")?;
    } else {
        c.eat(&["verbose"]);
    }
    let (mut table, mut index) = (None, None);
    if !c.at_end() {
        table = Some(c.name()?);
        if c.eat(&["using"]) {
            index = Some(c.ident()?);
        }
    }
    Ok(Statement::Maintain(Maintain::Cluster { table, index }))
}

/// After REFRESH MATERIALIZED VIEW.
pub(super) fn refresh(c: &mut Cursor<'_>) -> Result<Statement> {
    let concurrently = c.eat(&["concurrently"]);
    let view = c.name()?;
    let no_data = c.eat(&["with", "no", "data"]);
    if !no_data {
        c.eat(&["with", "data"]);
    }
    if concurrently && no_data {
        return Err(Error::syntax(
            "REFRESH options CONCURRENTLY and WITH NO DATA cannot be used together",
        ));
    }
    Ok(Statement::Maintain(Maintain::Refresh { view, concurrently, no_data }))
}

/// After LOCK.
pub(super) fn lock(c: &mut Cursor<'_>) -> Result<Statement> {
    c.eat(&["table"]);
    let tables = c.list(|c| {
        c.eat(&["only"]);
        let name = c.name()?;
        c.eat_token(&Token::Mul);
        Ok(name)
    })?;
    let mut mode = "ACCESS EXCLUSIVE".to_owned();
    if c.eat(&["in"]) {
        let written = LOCK_MODES.iter().find(|m| c.eat(&m.split(' ').collect::<Vec<_>>()));
        let Some(written) = written else { return c.unexpected() };
        c.expect("mode")?;
        mode = written.to_ascii_uppercase();
    }
    let nowait = c.eat(&["nowait"]);
    Ok(Statement::LockTable(LockTable { tables, mode, nowait }))
}

/// After CHECKPOINT.
pub(super) fn checkpoint(_: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::Checkpoint)
}

/// After DISCARD.
pub(super) fn discard(c: &mut Cursor<'_>) -> Result<Statement> {
    let what = if c.eat(&["all"]) {
        Discard::All
    } else if c.eat(&["plans"]) {
        Discard::Plans
    } else if c.eat(&["sequences"]) {
        Discard::Sequences
    } else if c.eat_any(&["temp", "temporary"]) {
        Discard::Temp
    } else {
        return c.unexpected();
    };
    Ok(Statement::Discard(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    fn name(name: &str) -> ObjectName {
        ObjectName::from(vec![Ident::new(name)])
    }

    #[test]
    fn vacuum_and_analyze_in_both_spellings() {
        let vacuum = Vacuum { full: true, verbose: true, analyze: true, ..Vacuum::default() };
        for sql in [
            "vacuum full verbose analyze",
            "VACUUM (VERBOSE, FULL true, ANALYZE, FREEZE off, PARALLEL 2)",
        ] {
            assert_eq!(one(sql), Statement::Vacuum(vacuum.clone()), "{sql}");
        }
        let tables = vec![(name("t"), vec!["a".into(), "b".into()]), (name("u"), vec![])];
        assert_eq!(
            one("vacuum t (a, b), u"),
            Statement::Vacuum(Vacuum { tables: tables.clone(), ..Vacuum::default() })
        );
        for sql in ["analyze verbose t (a, b), u", "ANALYSE (VERBOSE) t (a, b), u"] {
            assert_eq!(
                one(sql),
                Statement::Analyze(Analyze { name: None, verbose: true, tables: tables.clone() })
            );
        }
        assert_eq!(
            one("create statistics s on a, b from t"),
            Statement::Analyze(Analyze {
                name: Some(name("s")),
                verbose: false,
                tables: vec![(name("t"), vec!["a".into(), "b".into()])],
            })
        );
    }

    #[test]
    fn what_rebuilds() {
        for (sql, maintain) in [
            (
                "reindex (verbose) table concurrently t",
                Maintain::Reindex { kind: "TABLE".to_owned(), name: name("t") },
            ),
            ("cluster", Maintain::Cluster { table: None, index: None }),
            (
                "cluster t using i",
                Maintain::Cluster { table: Some(name("t")), index: Some("i".into()) },
            ),
            (
                "refresh materialized view concurrently v with data",
                Maintain::Refresh { view: name("v"), concurrently: true, no_data: false },
            ),
            (
                "refresh materialized view v with no data",
                Maintain::Refresh { view: name("v"), concurrently: false, no_data: true },
            ),
        ] {
            assert_eq!(one(sql), Statement::Maintain(maintain), "{sql}");
        }
    }

    #[test]
    fn locks_and_the_rest() {
        for (sql, mode, nowait) in [
            ("lock t, u", "ACCESS EXCLUSIVE", false),
            (
                "lock table only t, u in share row exclusive mode nowait",
                "SHARE ROW EXCLUSIVE",
                true,
            ),
            ("lock table t, u in share mode", "SHARE", false),
        ] {
            assert_eq!(
                one(sql),
                Statement::LockTable(LockTable {
                    tables: vec![name("t"), name("u")],
                    mode: mode.to_owned(),
                    nowait
                })
            );
        }
        assert_eq!(one("checkpoint"), Statement::Checkpoint);
        assert_eq!(one("discard temporary"), Statement::Discard(Discard::Temp));
        assert_eq!(one("discard all"), Statement::Discard(Discard::All));
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("vacuum (nonsense)", 9),
            ("vacuum (full", 13),
            ("analyze t,", 11),
            ("reindex t", 9),
            ("refresh materialized view", 26),
            ("lock t in nonsense mode", 11),
            ("discard", 8),
            ("checkpoint now", 12),
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
