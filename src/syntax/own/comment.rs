//! COMMENT ON.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::grant::function;
use super::object;
use super::role::role;
use crate::error::{Error, Result};
use crate::syntax::ast::*;

/// After COMMENT ON.
pub(super) fn comment(c: &mut Cursor<'_>) -> Result<Statement> {
    let on = subject(c)?;
    c.expect("is")?;
    let text = if c.eat(&["null"]) { None } else { Some(c.literal()?) };
    Ok(Statement::Comment(Comment { on, text }))
}

fn subject(c: &mut Cursor<'_>) -> Result<CommentObject> {
    if c.eat(&["column"]) {
        return Ok(CommentObject::Column(c.name()?));
    }
    if c.eat(&["database"]) {
        return Ok(CommentObject::Database(c.ident()?));
    }
    if c.eat_any(&["role", "user"]) {
        return Ok(CommentObject::Role(role(c)?));
    }
    if c.eat_any(&["function", "procedure", "routine"]) {
        return Ok(CommentObject::Function(function(c)?));
    }
    if c.eat(&["constraint"]) {
        let name = c.ident()?;
        c.expect("on")?;
        if c.is(0, "domain") && !c.is(1, "is") && !c.is_token(1, &Token::Period) {
            return Err(Error::unsupported("comments on constraints of domains"));
        }
        return Ok(CommentObject::Constraint { name, table: c.name()? });
    }
    if let Some(kind) = object::kind(c) {
        return Ok(CommentObject::Object(kind, object::name(c, kind)?));
    }
    if let Token::Word(word) = c.peek()
        && matches!(
            word.value.as_str(),
            "access"
                | "aggregate"
                | "cast"
                | "conversion"
                | "event"
                | "foreign"
                | "language"
                | "large"
                | "operator"
                | "policy"
                | "publication"
                | "rule"
                | "server"
                | "subscription"
                | "tablespace"
                | "text"
                | "transform"
                | "trigger"
        )
    {
        return Err(Error::unsupported(format!("comments on {} objects", word.value)));
    }
    c.unexpected()
}

#[cfg(test)]
mod tests {
    use sqlparser::ast::{Ident, ObjectName};

    use super::*;
    use crate::syntax::parse;

    fn commented(sql: &str) -> Comment {
        match parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement {
            Statement::Comment(comment) => comment,
            other => panic!("{other:?}"),
        }
    }

    fn name(parts: &[&str]) -> ObjectName {
        ObjectName::from(parts.iter().map(|p| Ident::new(*p)).collect::<Vec<_>>())
    }

    #[test]
    fn everything_that_can_be_commented() {
        for (sql, on) in [
            ("table s.t", CommentObject::Object(RelationKind::Table, name(&["s", "t"]))),
            ("index t@i", CommentObject::Object(RelationKind::Index, name(&["i"]))),
            (
                "materialized view v",
                CommentObject::Object(RelationKind::MaterializedView, name(&["v"])),
            ),
            ("schema s", CommentObject::Object(RelationKind::Schema, name(&["s"]))),
            ("column s.t.c", CommentObject::Column(name(&["s", "t", "c"]))),
            ("database d", CommentObject::Database("d".into())),
            ("role r", CommentObject::Role("r".into())),
            ("function f(int, text)", CommentObject::Function(name(&["f"]))),
            (
                "constraint k on s.t",
                CommentObject::Constraint { name: "k".into(), table: name(&["s", "t"]) },
            ),
        ] {
            let comment = commented(&format!("COMMENT ON {sql} IS E'it\\'s'"));
            assert_eq!(comment, Comment { on, text: Some("it's".to_owned()) });
        }
        assert_eq!(commented("comment on table t is null").text, None);
    }

    #[test]
    fn refusals_say_where() {
        for (sql, position) in [
            ("comment on table t", 19),
            ("comment on table t is x", 23),
            ("comment on nonsense t is 'x'", 12),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!(
                (error.code().as_str(), error.position()),
                ("42601", Some(position)),
                "{sql}"
            );
        }
        let error = parse("comment on trigger a on t is 'x'").unwrap_err();
        assert_eq!(error.code().as_str(), "0A000");
    }
}
