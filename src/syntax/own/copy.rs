//! COPY, with options in parentheses or in the words of old.

use sqlparser::ast::Ident;
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::prepared::boolean;
use crate::error::{Error, Result};
use crate::syntax::ast::*;

/// After COPY.
pub(super) fn copy(c: &mut Cursor<'_>) -> Result<Statement> {
    let mut options = Vec::new();
    if c.is(0, "binary") && !c.is(1, "from") && !c.is(1, "to") {
        c.skip();
        options.push(CopyOption::Format("binary".to_owned()));
    }
    let source = if *c.peek() == Token::LParen {
        CopySource::Query(Box::new(c.statement_in_parentheses()?))
    } else {
        let table = c.name()?;
        let columns = if *c.peek() == Token::LParen { c.columns()? } else { Vec::new() };
        CopySource::Table(table, columns)
    };
    let from = matches!(source, CopySource::Table(..)) && c.eat(&["from"]);
    if !from {
        c.expect("to")?;
    }
    let target = target(c)?;
    if c.eat(&["using", "delimiters"]) || c.eat(&["delimiters"]) {
        options.push(CopyOption::Delimiter(c.literal()?));
    }
    c.eat(&["with"]);
    if c.eat_token(&Token::LParen) {
        options.extend(c.list(option)?);
        c.expect_token(&Token::RParen)?;
    } else {
        while let Some(option) = old_option(c)? {
            options.push(option);
            c.eat_token(&Token::Comma);
        }
    }
    let mut filter = None;
    if c.is(0, "where") {
        if !from {
            return c.refuse("WHERE clause not allowed with COPY TO");
        }
        c.skip();
        filter = Some(c.expr()?);
    }
    Ok(Statement::Copy(Copy { source, from, target, options, filter }))
}

fn target(c: &mut Cursor<'_>) -> Result<CopyTarget> {
    if c.eat_any(&["stdin", "stdout"]) {
        return Ok(CopyTarget::Wire);
    }
    if c.eat(&["program"]) {
        return Ok(CopyTarget::Program(c.literal()?));
    }
    Ok(CopyTarget::File(c.literal()?))
}

/// One option of those in parentheses.
fn option(c: &mut Cursor<'_>) -> Result<CopyOption> {
    let name = c.label()?.value.to_lowercase();
    let text = |c: &mut Cursor<'_>| {
        if c.ends_item(0) {
            return Err(Error::syntax(format!("{name} requires a parameter")));
        }
        c.plain_value()
    };
    Ok(match name.as_str() {
        "format" => CopyOption::Format(text(c)?.to_lowercase()),
        "freeze" => CopyOption::Freeze(boolean(&name, optional(c)?.as_deref())?),
        "delimiter" => CopyOption::Delimiter(text(c)?),
        "null" => CopyOption::Null(text(c)?),
        "default" => CopyOption::Default(text(c)?),
        "header" => CopyOption::Header(header(optional(c)?.as_deref())?),
        "quote" => CopyOption::Quote(text(c)?),
        "escape" => CopyOption::Escape(text(c)?),
        "encoding" => CopyOption::Encoding(text(c)?),
        "destination" => CopyOption::Destination(text(c)?),
        "force_quote" => CopyOption::ForceQuote(some_columns(c)?),
        "force_not_null" => CopyOption::ForceNotNull(some_columns(c)?),
        "force_null" => CopyOption::ForceNull(some_columns(c)?),
        _ => return Err(Error::syntax(format!("option \"{name}\" not recognized"))),
    })
}

fn optional(c: &mut Cursor<'_>) -> Result<Option<String>> {
    if c.ends_item(0) { Ok(None) } else { c.plain_value().map(Some) }
}

fn header(value: Option<&str>) -> Result<CopyHeader> {
    if value.is_some_and(|word| word.eq_ignore_ascii_case("match")) {
        return Ok(CopyHeader::Match);
    }
    match boolean("header", value) {
        Ok(true) => Ok(CopyHeader::On),
        Ok(false) => Ok(CopyHeader::Off),
        Err(_) => Err(Error::syntax("header requires a Boolean value or \"match\"")),
    }
}

/// `*` or `(a, b)`.
fn some_columns(c: &mut Cursor<'_>) -> Result<Option<Vec<Ident>>> {
    if c.eat_token(&Token::Mul) { Ok(None) } else { c.columns().map(Some) }
}

/// `*` or `a, b`.
fn bare_columns(c: &mut Cursor<'_>) -> Result<Option<Vec<Ident>>> {
    if c.eat_token(&Token::Mul) { Ok(None) } else { c.list(Cursor::ident).map(Some) }
}

/// One option in the words of before there were parentheses.
fn old_option(c: &mut Cursor<'_>) -> Result<Option<CopyOption>> {
    let text = |c: &mut Cursor<'_>| {
        c.eat(&["as"]);
        c.literal()
    };
    Ok(Some(if c.eat(&["binary"]) {
        CopyOption::Format("binary".to_owned())
    } else if c.eat(&["csv"]) {
        CopyOption::Format("csv".to_owned())
    } else if c.eat(&["freeze"]) {
        CopyOption::Freeze(true)
    } else if c.eat(&["header"]) {
        CopyOption::Header(CopyHeader::On)
    } else if c.eat(&["delimiter"]) {
        CopyOption::Delimiter(text(c)?)
    } else if c.eat(&["null"]) {
        CopyOption::Null(text(c)?)
    } else if c.eat(&["quote"]) {
        CopyOption::Quote(text(c)?)
    } else if c.eat(&["escape"]) {
        CopyOption::Escape(text(c)?)
    } else if c.eat(&["encoding"]) {
        CopyOption::Encoding(text(c)?)
    } else if c.eat(&["destination"]) {
        c.expect_token(&Token::Eq)?;
        CopyOption::Destination(c.literal()?)
    } else if c.eat(&["force", "quote"]) {
        CopyOption::ForceQuote(bare_columns(c)?)
    } else if c.eat(&["force", "not", "null"]) {
        CopyOption::ForceNotNull(bare_columns(c)?)
    } else if c.eat(&["force", "null"]) {
        CopyOption::ForceNull(bare_columns(c)?)
    } else {
        return Ok(None);
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn copy(sql: &str) -> Copy {
        match parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement {
            Statement::Copy(copy) => copy,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tables_and_queries_over_the_wire() {
        let plain = copy("copy pgbench_accounts from stdin");
        assert_eq!((plain.from, plain.target), (true, CopyTarget::Wire));
        let CopySource::Table(name, columns) = copy("COPY a.b (x, y) TO STDOUT").source else {
            panic!()
        };
        assert_eq!((name.to_string().as_str(), columns.len()), ("a.b", 2));
        let CopySource::Query(query) = copy("copy (select (1), ')') to stdout").source else {
            panic!()
        };
        assert_eq!((query.text.as_str(), query.offset), ("select (1), ')'", 6));
        assert_eq!(copy("copy t to '/x'").target, CopyTarget::File("/x".to_owned()));
        assert_eq!(copy("copy t from program 'x'").target, CopyTarget::Program("x".to_owned()));
        assert!(copy("copy t from stdin where a > 1").filter.is_some());
    }

    #[test]
    fn both_spellings_say_the_same() {
        for (new, old) in [
            ("copy t from stdin (freeze on)", "copy t from stdin with freeze"),
            ("copy t from stdin with (format csv)", "copy t from stdin csv"),
            ("copy t from stdin (format 'binary')", "copy binary t from stdin"),
            (
                "copy t to stdout (format csv, header true, delimiter ';', null '', quote '\"', escape E'\\\\')",
                "copy t to stdout with csv header delimiter ';' null as '' quote '\"' escape as E'\\\\'",
            ),
            ("copy t to stdout (force_quote (a, b))", "copy t to stdout force quote a, b"),
            ("copy t to stdout (force_quote *)", "copy t to stdout force quote *"),
            ("copy t from stdin (force_not_null (a))", "copy t from stdin force not null a"),
            ("copy t from stdin (delimiter '|')", "copy t from stdin using delimiters '|'"),
            ("copy t from stdin (encoding 'utf8')", "copy t from stdin encoding 'utf8'"),
        ] {
            assert_eq!(copy(new), copy(old), "{new}");
        }
        assert_eq!(
            copy("copy t from stdin (format csv, header match)").options[1],
            CopyOption::Header(CopyHeader::Match)
        );
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("copy", Some(5)),
            ("copy t", Some(7)),
            ("copy t from", Some(12)),
            ("copy t from stdin with (format csv", Some(35)),
            ("copy (select 1) from stdin", Some(17)),
            ("copy () to stdout", Some(7)),
            ("copy (select 1 from) to stdout", Some(20)),
            ("copy t to stdout where a", Some(18)),
            ("copy t from stdin (foo)", None),
            ("copy t from stdin (header perhaps)", None),
            ("copy t from stdin (delimiter)", None),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!((error.code().as_str(), error.position()), ("42601", position), "{sql}");
        }
    }
}
