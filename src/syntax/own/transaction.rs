//! Transactions: their beginning, their modes, their end, and savepoints.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::error::{Error, Result};
use crate::syntax::ast::*;

/// After BEGIN.
pub(super) fn begin(c: &mut Cursor<'_>) -> Result<Statement> {
    work(c);
    Ok(Statement::Begin(modes(c)?))
}

/// After START TRANSACTION.
pub(super) fn start(c: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::Begin(modes(c)?))
}

/// After COMMIT or END.
pub(super) fn commit(c: &mut Cursor<'_>) -> Result<Statement> {
    two_phase(c, "COMMIT PREPARED")?;
    work(c);
    Ok(Statement::Commit { chain: chain(c)? })
}

/// After ROLLBACK.
pub(super) fn rollback(c: &mut Cursor<'_>) -> Result<Statement> {
    two_phase(c, "ROLLBACK PREPARED")?;
    work(c);
    if c.eat(&["to"]) {
        return Ok(Statement::RollbackTo(savepoint_name(c)?));
    }
    Ok(Statement::Rollback { chain: chain(c)? })
}

/// After ABORT.
pub(super) fn abort(c: &mut Cursor<'_>) -> Result<Statement> {
    work(c);
    Ok(Statement::Rollback { chain: chain(c)? })
}

/// After SAVEPOINT.
pub(super) fn savepoint(c: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::Savepoint(c.ident()?))
}

/// After RELEASE.
pub(super) fn release(c: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::ReleaseSavepoint(savepoint_name(c)?))
}

/// After PREPARE TRANSACTION.
pub(super) fn prepare(_: &mut Cursor<'_>) -> Result<Statement> {
    Err(Error::unsupported("PREPARE TRANSACTION"))
}

/// After SET TRANSACTION.
pub(super) fn set(c: &mut Cursor<'_>) -> Result<Statement> {
    if c.eat(&["snapshot"]) {
        let snapshot = Some(c.literal()?);
        let modes = TransactionModes::default();
        return Ok(Statement::SetTransaction(SetTransaction { session: false, snapshot, modes }));
    }
    set_modes(c, false)
}

/// After SET SESSION CHARACTERISTICS AS TRANSACTION.
pub(super) fn characteristics(c: &mut Cursor<'_>) -> Result<Statement> {
    set_modes(c, true)
}

fn set_modes(c: &mut Cursor<'_>, session: bool) -> Result<Statement> {
    if c.at_end() {
        return c.unexpected();
    }
    let modes = modes(c)?;
    Ok(Statement::SetTransaction(SetTransaction { session, snapshot: None, modes }))
}

fn work(c: &mut Cursor<'_>) {
    c.eat_any(&["work", "transaction"]);
}

fn two_phase(c: &Cursor<'_>, statement: &str) -> Result<()> {
    if c.is(0, "prepared") { Err(Error::unsupported(statement)) } else { Ok(()) }
}

/// `[AND [NO] CHAIN]`.
fn chain(c: &mut Cursor<'_>) -> Result<bool> {
    if !c.eat(&["and"]) {
        return Ok(false);
    }
    let chain = !c.eat(&["no"]);
    c.expect("chain")?;
    Ok(chain)
}

/// `[SAVEPOINT] name`; a savepoint may itself be called `savepoint`.
fn savepoint_name(c: &mut Cursor<'_>) -> Result<sqlparser::ast::Ident> {
    if c.is(0, "savepoint") && !c.ends_after(1) {
        c.skip();
    }
    c.ident()
}

/// Modes up to the end, with commas between them or without.
fn modes(c: &mut Cursor<'_>) -> Result<TransactionModes> {
    let mut modes = TransactionModes::default();
    if c.at_end() {
        return Ok(modes);
    }
    loop {
        mode(c, &mut modes)?;
        if !c.eat_token(&Token::Comma) && c.at_end() {
            return Ok(modes);
        }
    }
}

fn mode(c: &mut Cursor<'_>, modes: &mut TransactionModes) -> Result<()> {
    if c.eat(&["isolation", "level"]) {
        let level = isolation(c)?;
        once(&mut modes.isolation, level, "isolation level")
    } else if c.eat(&["read", "only"]) {
        once(&mut modes.read_only, true, "read mode")
    } else if c.eat(&["read", "write"]) {
        once(&mut modes.read_only, false, "read mode")
    } else if c.eat(&["deferrable"]) {
        once(&mut modes.deferrable, true, "deferrable mode")
    } else if c.eat(&["not", "deferrable"]) {
        once(&mut modes.deferrable, false, "deferrable mode")
    } else if c.eat(&["priority"]) {
        let priority = if c.eat(&["low"]) {
            Priority::Low
        } else if c.eat(&["normal"]) {
            Priority::Normal
        } else {
            c.expect("high")?;
            Priority::High
        };
        once(&mut modes.priority, priority, "user priority")
    } else {
        match c.as_of()? {
            Some(time) => once(&mut modes.as_of, time, "AS OF SYSTEM TIME"),
            None => c.unexpected(),
        }
    }
}

fn isolation(c: &mut Cursor<'_>) -> Result<Isolation> {
    Ok(if c.eat(&["read", "uncommitted"]) {
        Isolation::ReadUncommitted
    } else if c.eat(&["read", "committed"]) {
        Isolation::ReadCommitted
    } else if c.eat(&["repeatable", "read"]) {
        Isolation::RepeatableRead
    } else if c.eat(&["snapshot"]) {
        Isolation::Snapshot
    } else {
        c.expect("serializable")?;
        Isolation::Serializable
    })
}

fn once<T>(slot: &mut Option<T>, value: T, what: &str) -> Result<()> {
    if slot.replace(value).is_some() {
        return Err(Error::syntax(format!("{what} specified multiple times")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    #[test]
    fn transactions_begin_with_their_modes() {
        let none = TransactionModes::default();
        for sql in ["begin", "BEGIN WORK", "begin transaction", "start transaction"] {
            assert_eq!(one(sql), Statement::Begin(none.clone()), "{sql}");
        }
        let full = TransactionModes {
            isolation: Some(Isolation::RepeatableRead),
            read_only: Some(true),
            deferrable: Some(false),
            priority: Some(Priority::High),
            as_of: None,
        };
        for sql in [
            "begin isolation level repeatable read, read only, not deferrable, priority high",
            "start transaction isolation level repeatable read read only not deferrable priority high",
        ] {
            assert_eq!(one(sql), Statement::Begin(full.clone()), "{sql}");
        }
        let Statement::Begin(modes) = one("begin as of system time '-1s', read only") else {
            panic!()
        };
        assert!(modes.as_of.is_some() && modes.read_only == Some(true));
    }

    #[test]
    fn transactions_end() {
        for (sql, chain) in [
            ("commit", false),
            ("END TRANSACTION", false),
            ("commit work and chain", true),
            ("commit and no chain", false),
        ] {
            assert_eq!(one(sql), Statement::Commit { chain }, "{sql}");
        }
        for (sql, chain) in [("rollback", false), ("abort work", false), ("abort and chain", true)]
        {
            assert_eq!(one(sql), Statement::Rollback { chain }, "{sql}");
        }
    }

    #[test]
    fn savepoints_have_names() {
        assert_eq!(one("savepoint A"), Statement::Savepoint("a".into()));
        assert_eq!(one("release a"), Statement::ReleaseSavepoint("a".into()));
        assert_eq!(one("release savepoint savepoint"), one("release savepoint"));
        for sql in ["rollback to x", "rollback transaction to savepoint x"] {
            assert_eq!(one(sql), Statement::RollbackTo("x".into()), "{sql}");
        }
    }

    #[test]
    fn modes_are_set_for_one_transaction_or_the_session() {
        let Statement::SetTransaction(set) = one("set transaction snapshot 'x'") else { panic!() };
        assert_eq!(set.snapshot.as_deref(), Some("x"));
        for (sql, session) in [
            ("set transaction read only", false),
            ("set session characteristics as transaction read only", true),
        ] {
            let Statement::SetTransaction(set) = one(sql) else { panic!("{sql}") };
            assert_eq!((set.session, set.modes.read_only), (session, Some(true)), "{sql}");
        }
    }

    #[test]
    fn refusals() {
        for (sql, code, position) in [
            ("begin foo", "42601", Some(7)),
            ("begin read only,", "42601", Some(17)),
            ("begin read only read write", "42601", None),
            ("commit and", "42601", Some(11)),
            ("savepoint", "42601", Some(10)),
            ("set transaction", "42601", Some(16)),
            ("abort to x", "42601", Some(7)),
            ("commit prepared 'x'", "0A000", None),
            ("prepare transaction 'x'", "0A000", None),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!((error.code().as_str(), error.position()), (code, position), "{sql}");
        }
    }
}
