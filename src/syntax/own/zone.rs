//! Zone configurations: for how long versions are kept, and how ranges lie.

use sqlparser::ast::{Ident, ObjectName};
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::error::Result;
use crate::syntax::ast::*;

/// After ALTER; `None` when it is about something else than a zone.
pub(super) fn configure(c: &mut Cursor<'_>) -> Result<Option<Statement>> {
    let Ok(Some(target)) = target(c) else { return Ok(None) };
    if !c.eat(&["configure", "zone"]) {
        return Ok(None);
    }
    let action = if c.eat(&["discard"]) {
        ZoneAction::Discard
    } else {
        c.expect("using")?;
        if c.eat(&["default"]) { ZoneAction::UsingDefault } else { ZoneAction::Using(c.list(set)?) }
    };
    Ok(Some(Statement::ConfigureZone(ConfigureZone { target, action })))
}

/// After SHOW ZONE CONFIGURATION.
pub(super) fn show(c: &mut Cursor<'_>) -> Result<Statement> {
    if !c.eat_any(&["from", "for"]) {
        return c.unexpected();
    }
    match target(c)? {
        Some(target) => Ok(Statement::ShowZone(Some(target))),
        None => c.unexpected(),
    }
}

/// After SHOW [ALL] ZONE CONFIGURATIONS.
pub(super) fn show_all(_: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::ShowZone(None))
}

fn target(c: &mut Cursor<'_>) -> Result<Option<ZoneTarget>> {
    if c.eat(&["range"]) {
        return Ok(Some(ZoneTarget::Range(c.label()?)));
    }
    if c.eat(&["database"]) {
        return Ok(Some(ZoneTarget::Database(c.ident()?)));
    }
    if c.eat(&["partition"]) {
        let partition = c.ident()?;
        c.expect("of")?;
        return match object(c)? {
            Some(of) => Ok(Some(ZoneTarget::Partition { partition, of: Box::new(of) })),
            None => c.unexpected(),
        };
    }
    object(c)
}

fn object(c: &mut Cursor<'_>) -> Result<Option<ZoneTarget>> {
    if c.eat(&["table"]) {
        return Ok(Some(ZoneTarget::Table(c.name()?)));
    }
    if !c.eat(&["index"]) {
        return Ok(None);
    }
    let name = c.name()?;
    if c.eat_token(&Token::AtSign) {
        let index = ObjectName::from(vec![c.label()?]);
        return Ok(Some(ZoneTarget::Index { table: Some(name), index }));
    }
    Ok(Some(ZoneTarget::Index { table: None, index: name }))
}

/// `name = value`; the names have dots in them.
fn set(c: &mut Cursor<'_>) -> Result<(Ident, ZoneValue)> {
    let mut name = c.ident()?.value;
    while c.eat_token(&Token::Period) {
        name.push('.');
        name.push_str(&c.label()?.value);
    }
    c.expect_token(&Token::Eq)?;
    let value = if c.eat(&["copy", "from", "parent"]) {
        ZoneValue::CopyFromParent
    } else {
        ZoneValue::Expr(c.expr()?)
    };
    Ok((Ident::new(name), value))
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
    fn zones_of_everything_that_has_one() {
        let index = || ZoneTarget::Index { table: Some(name("t")), index: name("primary") };
        for (sql, target) in [
            ("range default", ZoneTarget::Range("default".into())),
            ("database d", ZoneTarget::Database("d".into())),
            ("table t", ZoneTarget::Table(name("t"))),
            ("index t@primary", index()),
            ("index i", ZoneTarget::Index { table: None, index: name("i") }),
            (
                "partition p of index t@primary",
                ZoneTarget::Partition { partition: "p".into(), of: Box::new(index()) },
            ),
        ] {
            let configured = ConfigureZone { target: target.clone(), action: ZoneAction::Discard };
            assert_eq!(
                one(&format!("alter {sql} configure zone discard")),
                Statement::ConfigureZone(configured)
            );
            let shown = Statement::ShowZone(Some(target));
            assert_eq!(one(&format!("show zone configuration for {sql}")), shown);
        }
        assert_eq!(one("show all zone configurations"), Statement::ShowZone(None));
        assert_eq!(one("show zone configurations"), Statement::ShowZone(None));
    }

    #[test]
    fn zones_are_configured() {
        let action = |sql| match one(sql) {
            Statement::ConfigureZone(configured) => configured.action,
            other => panic!("{other:?}"),
        };
        let ZoneAction::Using(set) = action(
            "alter table t configure zone using gc.ttlseconds = 600, num_replicas = copy from parent",
        ) else {
            panic!()
        };
        assert!(
            matches!(&set[0], (n, ZoneValue::Expr(e)) if n.value == "gc.ttlseconds" && e.to_string() == "600")
        );
        assert_eq!(set[1], ("num_replicas".into(), ZoneValue::CopyFromParent));
        let default = action("alter database d configure zone using default");
        assert_eq!(default, ZoneAction::UsingDefault);
        assert!(matches!(one("alter table t rename to u"), Statement::AlterObject(_)));
        assert!(matches!(one("alter table t add column configure int"), Statement::Sql(_)));
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("alter table t configure zone", 29),
            ("alter table t configure zone using a", 37),
            ("show zone configuration", 24),
            ("show zone configuration for x", 29),
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
