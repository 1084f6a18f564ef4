//! Session variables: SET, RESET, USE, and SHOW of one or all.

use sqlparser::ast::{Expr, Ident};
use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, means_itself};
use crate::error::Result;
use crate::syntax::ast::*;

/// After SET.
pub(super) fn set(c: &mut Cursor<'_>) -> Result<Statement> {
    let scope = |c: &Cursor<'_>, word| c.is(0, word) && !c.is_assignment(1);
    let local = scope(c, "local");
    if local || (scope(c, "session") && !c.is(1, "authorization")) {
        c.skip();
    }
    Ok(Statement::SetVariable(SetVariable { local, ..assignment(c)? }))
}

/// After RESET ALL.
pub(super) fn reset_all(_: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::ResetAll)
}

/// After RESET.
pub(super) fn reset(c: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::SetVariable(unset(c)?))
}

/// After USE.
pub(super) fn use_database(c: &mut Cursor<'_>) -> Result<Statement> {
    let value = value(c)?;
    Ok(Statement::SetVariable(SetVariable { local: false, name: "database".to_owned(), value }))
}

/// After SHOW ALL, behind which something else may be meant than all variables.
pub(super) fn show_all(c: &mut Cursor<'_>) -> Result<Option<Statement>> {
    Ok(c.at_end().then_some(Statement::ShowAll))
}

/// After SHOW.
pub(super) fn show(c: &mut Cursor<'_>) -> Result<Statement> {
    if c.is(0, "session") && !c.is(1, "authorization") {
        c.skip();
    }
    Ok(Statement::ShowVariable(name(c)?))
}

/// `name = value` and the special spellings, after SET.
pub(super) fn assignment(c: &mut Cursor<'_>) -> Result<SetVariable> {
    let set = |name: &str, value| SetVariable { local: false, name: name.to_owned(), value };
    if c.eat(&["time", "zone"]) {
        if c.eat(&["local"]) {
            return Ok(set("timezone", VariableValue::Default));
        }
        return Ok(set("timezone", value(c)?));
    }
    if c.eat(&["session", "authorization"]) {
        return Ok(set("session_authorization", value(c)?));
    }
    for (word, name) in [
        ("names", "client_encoding"),
        ("schema", "search_path"),
        ("catalog", "database"),
        ("role", "role"),
    ] {
        if c.is(0, word) && !c.is_assignment(1) {
            c.skip();
            if word == "names" && c.at_end() {
                return Ok(set(name, VariableValue::Default));
            }
            return Ok(set(name, value(c)?));
        }
    }
    let name = dotted(c)?;
    if !c.eat(&["to"]) {
        c.expect_token(&Token::Eq)?;
    }
    Ok(SetVariable { local: false, name, value: values(c)? })
}

/// The variable to put back, after RESET.
pub(super) fn unset(c: &mut Cursor<'_>) -> Result<SetVariable> {
    if c.is(0, "session") && !c.is(1, "authorization") {
        c.skip();
    }
    Ok(SetVariable { local: false, name: name(c)?, value: VariableValue::Default })
}

/// A variable's name, or the words that mean one.
fn name(c: &mut Cursor<'_>) -> Result<String> {
    for (words, name) in [
        (["time", "zone"].as_slice(), "timezone"),
        (&["session", "authorization"], "session_authorization"),
        (&["transaction", "isolation", "level"], "transaction_isolation"),
        (&["transaction", "priority"], "transaction_priority"),
        (&["names"], "client_encoding"),
    ] {
        if c.eat(words) {
            return Ok(name.to_owned());
        }
    }
    dotted(c)
}

/// `name` or `extension.name`. Names of variables do not heed case, quoted or not; `session_user` is
/// a variable too.
fn dotted(c: &mut Cursor<'_>) -> Result<String> {
    let mut name = c.role()?.value;
    while c.eat_token(&Token::Period) {
        name.push('.');
        name.push_str(&c.label()?.value);
    }
    Ok(name.to_lowercase())
}

fn value(c: &mut Cursor<'_>) -> Result<VariableValue> {
    if c.eat(&["default"]) {
        return Ok(VariableValue::Default);
    }
    Ok(VariableValue::List(vec![item(c)?]))
}

fn values(c: &mut Cursor<'_>) -> Result<VariableValue> {
    if c.eat(&["default"]) {
        return Ok(VariableValue::Default);
    }
    Ok(VariableValue::List(c.list(item)?))
}

/// A bare word, which means its own text, or an expression.
pub(super) fn item(c: &mut Cursor<'_>) -> Result<Expr> {
    if let Token::Word(word) = c.peek()
        && c.ends_item(1)
    {
        if !means_itself(word) {
            return c.unexpected();
        }
        let word = Ident { quote_style: word.quote_style, ..Ident::new(word.value.clone()) };
        c.skip();
        return Ok(Expr::Identifier(word));
    }
    c.expr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    fn set(sql: &str) -> (String, String) {
        let Statement::SetVariable(set) = one(sql) else { panic!("{sql}") };
        let value = match set.value {
            VariableValue::Default => "DEFAULT".to_owned(),
            VariableValue::List(items) => {
                items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
        };
        (set.name, value)
    }

    #[test]
    fn every_spelling_names_its_variable() {
        for (sql, name, value) in [
            ("set extra_float_digits = 3", "extra_float_digits", "3"),
            ("SET Application_Name TO 'x'", "application_name", "'x'"),
            ("set search_path to a, \"B\", 'c'", "search_path", "a, \"B\", 'c'"),
            ("set session datestyle = iso, dmy", "datestyle", "iso, dmy"),
            ("set enable_x = on", "enable_x", "on"),
            ("set x = false", "x", "false"),
            ("set x = -1", "x", "-1"),
            ("set my.own = default", "my.own", "DEFAULT"),
            ("set time zone local", "timezone", "DEFAULT"),
            ("set time zone 'utc'", "timezone", "'utc'"),
            ("set time zone -3", "timezone", "-3"),
            ("set names 'utf8'", "client_encoding", "'utf8'"),
            ("set names", "client_encoding", "DEFAULT"),
            ("set schema 'x'", "search_path", "'x'"),
            ("set role none", "role", "none"),
            ("set session authorization default", "session_authorization", "DEFAULT"),
            ("set session authorization joe", "session_authorization", "joe"),
            ("reset x", "x", "DEFAULT"),
            ("reset session authorization", "session_authorization", "DEFAULT"),
            ("reset time zone", "timezone", "DEFAULT"),
            ("use movr", "database", "movr"),
        ] {
            assert_eq!(set(sql), (name.to_owned(), value.to_owned()), "{sql}");
        }
    }

    #[test]
    fn local_lasts_for_the_transaction() {
        for (sql, local) in [
            ("set local x = 1", true),
            ("set local time zone 'utc'", true),
            ("set session x = 1", false),
            ("set x = 1", false),
        ] {
            let Statement::SetVariable(set) = one(sql) else { panic!("{sql}") };
            assert_eq!(set.local, local, "{sql}");
        }
    }

    #[test]
    fn variables_are_shown() {
        for (sql, name) in [
            ("show server_version", "server_version"),
            ("show TimeZone", "timezone"),
            ("show time zone", "timezone"),
            ("show session authorization", "session_authorization"),
            ("show transaction isolation level", "transaction_isolation"),
            ("show a.b", "a.b"),
            ("show session_user", "session_user"),
        ] {
            assert_eq!(one(sql), Statement::ShowVariable(name.to_owned()), "{sql}");
        }
        assert_eq!(one("show all"), Statement::ShowAll);
        assert_eq!(one("reset all"), Statement::ResetAll);
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("set", 4),
            ("set x", 6),
            ("set x = ", 9),
            ("set x = select", 9),
            ("set x = 1,", 11),
            ("show", 5),
            ("show x y", 8),
            ("reset", 6),
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
