//! Sequences: CREATE and ALTER, whose options come in any order.

use sqlparser::ast::{ObjectName, SequenceOptions};

use super::cursor::Cursor;
use crate::error::{Error, Result};
use crate::syntax::ast::*;

/// After CREATE SEQUENCE.
pub(super) fn create(c: &mut Cursor<'_>) -> Result<Statement> {
    created(c, false)
}

/// After CREATE TEMPORARY SEQUENCE.
pub(super) fn create_temporary(c: &mut Cursor<'_>) -> Result<Statement> {
    created(c, true)
}

fn created(c: &mut Cursor<'_>, temporary: bool) -> Result<Statement> {
    let if_not_exists = c.eat(&["if", "not", "exists"]);
    let name = c.name()?;
    let (mut data_type, mut owned_by, mut sequence_options) = (None, None, Vec::new());
    for change in changes(c)? {
        match change {
            SequenceChange::Option(option) => sequence_options.push(option),
            SequenceChange::DataType(written) => data_type = Some(written),
            SequenceChange::OwnedBy(column) => owned_by = column,
            SequenceChange::Restart(_) => {
                return Err(Error::syntax("RESTART is an option of ALTER SEQUENCE only"));
            }
        }
    }
    Ok(Statement::Sql(Box::new(sqlparser::ast::Statement::CreateSequence {
        temporary,
        if_not_exists,
        name,
        data_type,
        sequence_options,
        owned_by,
    })))
}

/// After ALTER SEQUENCE and its name.
pub(super) fn alter(c: &mut Cursor<'_>, if_exists: bool, name: ObjectName) -> Result<Statement> {
    if c.at_end() {
        return c.unexpected();
    }
    let options = changes(c)?;
    Ok(Statement::AlterSequence(AlterSequence { if_exists, name, options }))
}

/// Every option up to the end; none twice.
fn changes(c: &mut Cursor<'_>) -> Result<Vec<SequenceChange>> {
    let mut changes = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    while !c.at_end() {
        let (what, change) = change(c)?;
        if seen.contains(&what) {
            return Err(Error::syntax("conflicting or redundant options"));
        }
        seen.push(what);
        changes.push(change);
    }
    Ok(changes)
}

fn change(c: &mut Cursor<'_>) -> Result<(&'static str, SequenceChange)> {
    use SequenceChange::Option as Known;
    use SequenceOptions as O;
    Ok(if c.eat(&["increment"]) {
        let by = c.eat(&["by"]);
        ("increment", Known(O::IncrementBy(c.number()?, by)))
    } else if c.eat(&["minvalue"]) {
        ("minvalue", Known(O::MinValue(Some(c.number()?))))
    } else if c.eat(&["no", "minvalue"]) {
        ("minvalue", Known(O::MinValue(None)))
    } else if c.eat(&["maxvalue"]) {
        ("maxvalue", Known(O::MaxValue(Some(c.number()?))))
    } else if c.eat(&["no", "maxvalue"]) {
        ("maxvalue", Known(O::MaxValue(None)))
    } else if c.eat(&["start"]) {
        let with = c.eat(&["with"]);
        ("start", Known(O::StartWith(c.number()?, with)))
    } else if c.eat(&["cache"]) || c.eat(&["per", "node", "cache"]) {
        ("cache", Known(O::Cache(c.number()?)))
    } else if c.eat(&["cycle"]) {
        // sqlparser's flag says NO.
        ("cycle", Known(O::Cycle(false)))
    } else if c.eat(&["no", "cycle"]) {
        ("cycle", Known(O::Cycle(true)))
    } else if c.eat(&["as"]) {
        ("as", SequenceChange::DataType(c.data_type()?))
    } else if c.eat(&["owned", "by", "none"]) {
        ("owned", SequenceChange::OwnedBy(None))
    } else if c.eat(&["owned", "by"]) {
        ("owned", SequenceChange::OwnedBy(Some(c.name()?)))
    } else if c.eat(&["restart"]) {
        let with = c.eat(&["with"]);
        let restart = if with || !c.at_word_or_end() { Some(c.number()?) } else { None };
        ("restart", SequenceChange::Restart(restart))
    } else if c.is(0, "virtual") {
        return Err(Error::unsupported("a virtual sequence"));
    } else if c.is(0, "set") {
        return Err(Error::unsupported("ALTER SEQUENCE ... SET LOGGED"));
    } else {
        return c.unexpected();
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    #[test]
    fn options_come_in_any_order() {
        let Statement::Sql(tree) = one(
            "create sequence if not exists s cache 5 start 3 no cycle increment by -2 as int4 owned by t.a",
        ) else {
            panic!()
        };
        let sqlparser::ast::Statement::CreateSequence {
            temporary,
            if_not_exists,
            data_type,
            sequence_options,
            owned_by,
            ..
        } = *tree
        else {
            panic!()
        };
        assert!(!temporary && if_not_exists && data_type.is_some());
        assert_eq!(owned_by.map(|n| n.to_string()).as_deref(), Some("t.a"));
        let written: Vec<String> = sequence_options.iter().map(|o| o.to_string()).collect();
        assert_eq!(written, [" CACHE 5", " START 3", " NO CYCLE", " INCREMENT BY -2"]);
    }

    #[test]
    fn sequences_are_altered() {
        let Statement::AlterSequence(alter) =
            one("alter sequence if exists s restart increment 2 owned by none")
        else {
            panic!()
        };
        assert!(alter.if_exists);
        assert_eq!(alter.options[0], SequenceChange::Restart(None));
        assert_eq!(alter.options[2], SequenceChange::OwnedBy(None));
        let Statement::AlterSequence(alter) = one("alter sequence s restart with -5") else {
            panic!()
        };
        let SequenceChange::Restart(Some(start)) = &alter.options[0] else { panic!() };
        assert_eq!(start.to_string(), "-5");
    }

    #[test]
    fn refusals_say_where() {
        for (sql, code, position) in [
            ("create sequence", "42601", Some(16)),
            ("create sequence s start", "42601", Some(24)),
            ("create sequence s start x", "42601", Some(25)),
            ("create sequence s cache 1 cache 2", "42601", None),
            ("create sequence s restart", "42601", None),
            ("create sequence s virtual", "0A000", None),
            ("alter sequence s", "42601", Some(17)),
            ("alter sequence s foo", "42601", Some(18)),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!((error.code().as_str(), error.position()), (code, position), "{sql}");
        }
    }
}
