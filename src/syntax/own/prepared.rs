//! Statements that carry another: EXPLAIN and PREPARE; and EXECUTE and DEALLOCATE.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::error::{Error, Result};
use crate::syntax::ast::*;

/// First words of statements that can be neither explained nor prepared. With EXPLAIN and PREPARE
/// among them, what nests stays shallow.
const NOT_PREPARABLE: [&str; 18] = [
    "abort",
    "begin",
    "close",
    "commit",
    "copy",
    "deallocate",
    "discard",
    "end",
    "fetch",
    "listen",
    "move",
    "notify",
    "prepare",
    "release",
    "rollback",
    "savepoint",
    "start",
    "unlisten",
];

/// After EXPLAIN.
pub(super) fn explain(c: &mut Cursor<'_>) -> Result<Statement> {
    let (mut analyze, mut verbose) = (false, false);
    let mut options = Vec::new();
    if c.eat_any(&["analyze", "analyse"]) {
        analyze = true;
    }
    if c.eat(&["verbose"]) {
        verbose = true;
    }
    if *c.peek() == Token::LParen && !opens_query(c) {
        c.expect_token(&Token::LParen)?;
        for (name, value) in c.list(option)? {
            match name.as_str() {
                "analyze" | "analyse" => analyze = boolean(&name, value.as_deref())?,
                "verbose" => verbose = boolean(&name, value.as_deref())?,
                _ => options.push((name, value)),
            }
        }
        c.expect_token(&Token::RParen)?;
    }
    if c.is(0, "explain") {
        return c.unexpected();
    }
    let statement = Box::new(preparable(c)?);
    Ok(Statement::Explain(Explain { analyze, verbose, options, statement }))
}

/// Whether the parentheses ahead hold a query, not options.
fn opens_query(c: &Cursor<'_>) -> bool {
    let mut ahead = 0;
    while c.is_token(ahead, &Token::LParen) {
        ahead += 1;
    }
    ["select", "values", "with", "table"].iter().any(|word| c.is(ahead, word))
}

/// `name [value]`; a value is a word, a string or a number.
fn option(c: &mut Cursor<'_>) -> Result<(String, Option<String>)> {
    let name = c.label()?.value.to_lowercase();
    if c.ends_item(0) {
        return Ok((name, None));
    }
    Ok((name, Some(c.plain_value()?)))
}

/// What the value of an option means, where it must be a truth value; without one it is true.
pub(super) fn boolean(name: &str, value: Option<&str>) -> Result<bool> {
    match value.map(str::to_ascii_lowercase).as_deref() {
        None | Some("true" | "on" | "1") => Ok(true),
        Some("false" | "off" | "0") => Ok(false),
        Some(_) => Err(Error::syntax(format!("{name} requires a Boolean value"))),
    }
}

fn preparable(c: &mut Cursor<'_>) -> Result<ParsedStatement> {
    if NOT_PREPARABLE.iter().any(|word| c.is(0, word)) {
        return c.unexpected();
    }
    c.statement()
}

/// After PREPARE.
pub(super) fn prepare(c: &mut Cursor<'_>) -> Result<Statement> {
    let name = c.ident()?;
    let mut types = Vec::new();
    if c.eat_token(&Token::LParen) {
        types = c.list(Cursor::data_type)?;
        c.expect_token(&Token::RParen)?;
    }
    c.expect("as")?;
    let statement = Box::new(preparable(c)?);
    Ok(Statement::Prepare(Prepare { name, types, statement }))
}

/// After EXECUTE.
pub(super) fn execute(c: &mut Cursor<'_>) -> Result<Statement> {
    let name = c.ident()?;
    let mut arguments = Vec::new();
    if c.eat_token(&Token::LParen) {
        arguments = c.list(Cursor::expr)?;
        c.expect_token(&Token::RParen)?;
    }
    Ok(Statement::Execute(Execute { name, arguments }))
}

/// After DEALLOCATE.
pub(super) fn deallocate(c: &mut Cursor<'_>) -> Result<Statement> {
    if c.is(0, "prepare") && !c.ends_after(1) {
        c.skip();
    }
    Ok(Statement::Deallocate(if c.eat(&["all"]) { None } else { Some(c.ident()?) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    fn explained(sql: &str) -> Explain {
        match one(sql) {
            Statement::Explain(explain) => explain,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn explain_in_every_spelling() {
        for (sql, analyze, verbose, text) in [
            ("explain select 1", false, false, "select 1"),
            ("explain analyze select 1", true, false, "select 1"),
            ("EXPLAIN ANALYZE VERBOSE select 1", true, true, "select 1"),
            ("explain verbose (select 1)", false, true, "(select 1)"),
            ("explain (analyze, verbose off) select 1", true, false, "select 1"),
            (
                "explain ((select 1) union (select 2))",
                false,
                false,
                "((select 1) union (select 2))",
            ),
            ("explain analyze (distsql) select 'é', 2", true, false, "select 'é', 2"),
        ] {
            let explain = explained(sql);
            assert_eq!((explain.analyze, explain.verbose), (analyze, verbose), "{sql}");
            assert_eq!(explain.statement.text, text, "{sql}");
            assert_eq!(sql.get(explain.statement.offset..), Some(text), "{sql}");
        }
        assert_eq!(
            explained("explain (costs false, format json, opt) select 1").options,
            [
                ("costs".to_owned(), Some("false".to_owned())),
                ("format".to_owned(), Some("json".to_owned())),
                ("opt".to_owned(), None),
            ]
        );
    }

    #[test]
    fn statements_are_prepared_and_executed() {
        let Statement::Prepare(prepare) =
            one("prepare a (int, text[]) as insert into t values ($1, $2)")
        else {
            panic!()
        };
        assert_eq!((prepare.name.value.as_str(), prepare.types.len()), ("a", 2));
        assert_eq!(prepare.statement.text, "insert into t values ($1, $2)");
        let Statement::Execute(execute) = one("execute a (1, 'x' || 'y')") else { panic!() };
        assert_eq!(execute.arguments.len(), 2);
        assert_eq!(one("deallocate prepare a"), Statement::Deallocate(Some("a".into())));
        assert_eq!(one("deallocate all"), Statement::Deallocate(None));
    }

    #[test]
    fn a_prepared_backup_keeps_its_tree() {
        let Statement::Prepare(prepare) = one("prepare b as backup into $1") else { panic!() };
        assert!(matches!(prepare.statement.statement, Statement::Backup(_)));
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("explain", 8),
            ("explain explain select 1", 9),
            ("explain begin", 9),
            ("explain (analyze select 1", 18),
            ("prepare a select 1", 11),
            ("prepare a as prepare b as select 1", 14),
            ("prepare a as select 1 +; select 1", 24),
            ("execute a (1", 13),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!(
                (error.code().as_str(), error.position()),
                ("42601", Some(position)),
                "{sql}"
            );
        }
        let error = parse("explain (analyze maybe) select 1").unwrap_err();
        assert_eq!(error.message(), "analyze requires a Boolean value");
    }
}
