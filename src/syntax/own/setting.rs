//! Cluster settings.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::variable;
use crate::error::Result;
use crate::syntax::ast::*;

/// After SET CLUSTER SETTING.
pub(super) fn set(c: &mut Cursor<'_>) -> Result<Statement> {
    let name = name(c)?;
    if !c.eat(&["to"]) {
        c.expect_token(&Token::Eq)?;
    }
    let value = if c.eat(&["default"]) { None } else { Some(variable::item(c)?) };
    Ok(Statement::SetClusterSetting(SetClusterSetting { name, value }))
}

/// After RESET CLUSTER SETTING.
pub(super) fn reset(c: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::SetClusterSetting(SetClusterSetting { name: name(c)?, value: None }))
}

/// After SHOW CLUSTER SETTING.
pub(super) fn show(c: &mut Cursor<'_>) -> Result<Statement> {
    if c.is(0, "all") && c.ends_after(1) {
        c.skip();
        return Ok(Statement::ShowClusterSettings { all: true });
    }
    Ok(Statement::ShowClusterSetting(name(c)?))
}

/// After SHOW [PUBLIC] CLUSTER SETTINGS.
pub(super) fn show_public(_: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::ShowClusterSettings { all: false })
}

/// After SHOW ALL CLUSTER SETTINGS.
pub(super) fn show_all(_: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::ShowClusterSettings { all: true })
}

/// `a.b.c`, in lower case; each word may be a keyword behind a dot.
fn name(c: &mut Cursor<'_>) -> Result<String> {
    let mut name = c.ident()?.value;
    while c.eat_token(&Token::Period) {
        name.push('.');
        name.push_str(&c.label()?.value);
    }
    Ok(name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    #[test]
    fn settings_are_set_and_shown() {
        for (sql, name, value) in [
            (
                "SET CLUSTER SETTING jobs.Retention_time = '336h'",
                "jobs.retention_time",
                Some("'336h'"),
            ),
            ("set cluster setting a.all.default to on", "a.all.default", Some("on")),
            ("set cluster setting a = -1.5", "a", Some("-1.5")),
            ("set cluster setting a.b = default", "a.b", None),
            ("reset cluster setting a.b", "a.b", None),
        ] {
            let Statement::SetClusterSetting(set) = one(sql) else { panic!("{sql}") };
            assert_eq!(set.name, name);
            assert_eq!(set.value.map(|v| v.to_string()).as_deref(), value);
        }
        let shown = Statement::ShowClusterSetting("a.b".to_owned());
        assert_eq!(one("show cluster setting a.b"), shown);
        for (sql, all) in [
            ("show cluster settings", false),
            ("show public cluster settings", false),
            ("show all cluster settings", true),
            ("show cluster setting all", true),
        ] {
            assert_eq!(one(sql), Statement::ShowClusterSettings { all }, "{sql}");
        }
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("set cluster setting", 20),
            ("set cluster setting a.b", 24),
            ("set cluster setting a = 1, 2", 26),
            ("show cluster setting", 21),
            ("show cluster settings x", 23),
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
