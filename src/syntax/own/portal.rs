//! Cursors: DECLARE, FETCH, MOVE, CLOSE.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::error::{Error, Result};
use crate::syntax::ast::*;

/// After DECLARE.
pub(super) fn declare(c: &mut Cursor<'_>) -> Result<Statement> {
    let name = c.ident()?;
    let (mut binary, mut insensitive, mut scroll) = (false, None, None);
    loop {
        if c.eat(&["binary"]) {
            binary = true;
        } else if c.eat(&["insensitive"]) {
            either(&mut insensitive, true, ["INSENSITIVE", "ASENSITIVE"])?;
        } else if c.eat(&["asensitive"]) {
            either(&mut insensitive, false, ["INSENSITIVE", "ASENSITIVE"])?;
        } else if c.eat(&["scroll"]) {
            either(&mut scroll, true, ["SCROLL", "NO SCROLL"])?;
        } else if c.eat(&["no", "scroll"]) {
            either(&mut scroll, false, ["SCROLL", "NO SCROLL"])?;
        } else {
            break;
        }
    }
    c.expect("cursor")?;
    let hold = c.eat(&["with", "hold"]);
    if !hold {
        c.eat(&["without", "hold"]);
    }
    c.expect("for")?;
    let is_query = *c.peek() == Token::LParen
        || ["select", "values", "with", "table"].iter().any(|word| c.is(0, word));
    if !is_query {
        return c.unexpected();
    }
    let query = Box::new(c.statement()?);
    Ok(Statement::Declare(Declare { name, binary, insensitive, scroll, hold, query }))
}

/// Sets one of two ways, which exclude each other.
fn either(slot: &mut Option<bool>, value: bool, [one, other]: [&str; 2]) -> Result<()> {
    if slot.replace(value).is_some_and(|before| before != value) {
        return Err(Error::new(
            crate::error::sqlstate::INVALID_CURSOR_DEFINITION,
            format!("cannot specify both {one} and {other}"),
        ));
    }
    Ok(())
}

/// After FETCH.
pub(super) fn fetch(c: &mut Cursor<'_>) -> Result<Statement> {
    fetch_or_move(c, false)
}

/// After MOVE.
pub(super) fn move_cursor(c: &mut Cursor<'_>) -> Result<Statement> {
    fetch_or_move(c, true)
}

fn fetch_or_move(c: &mut Cursor<'_>, is_move: bool) -> Result<Statement> {
    let direction = direction(c)?;
    c.eat_any(&["from", "in"]);
    let cursor = c.ident()?;
    Ok(Statement::Fetch(Fetch { is_move, direction, cursor }))
}

fn direction(c: &mut Cursor<'_>) -> Result<FetchDirection> {
    // A cursor may be called by any of these words; then nothing follows.
    if c.ends_after(1) {
        return Ok(FetchDirection::Forward(1));
    }
    Ok(if c.eat(&["next"]) {
        FetchDirection::Forward(1)
    } else if c.eat(&["prior"]) {
        FetchDirection::Backward(1)
    } else if c.eat(&["first"]) {
        FetchDirection::Absolute(1)
    } else if c.eat(&["last"]) {
        FetchDirection::Absolute(-1)
    } else if c.eat(&["absolute"]) {
        FetchDirection::Absolute(c.integer()?)
    } else if c.eat(&["relative"]) {
        FetchDirection::Relative(c.integer()?)
    } else if c.eat(&["all"]) || c.eat(&["forward", "all"]) {
        FetchDirection::ForwardAll
    } else if c.eat(&["backward", "all"]) {
        FetchDirection::BackwardAll
    } else if c.eat(&["forward"]) {
        FetchDirection::Forward(optional_count(c)?)
    } else if c.eat(&["backward"]) {
        FetchDirection::Backward(optional_count(c)?)
    } else {
        FetchDirection::Forward(optional_count(c)?)
    })
}

fn optional_count(c: &mut Cursor<'_>) -> Result<i64> {
    match c.peek() {
        Token::Number(..) | Token::Minus | Token::Plus => c.integer(),
        _ => Ok(1),
    }
}

/// After CLOSE.
pub(super) fn close(c: &mut Cursor<'_>) -> Result<Statement> {
    Ok(Statement::CloseCursor(if c.eat(&["all"]) { None } else { Some(c.ident()?) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement
    }

    #[test]
    fn cursors_are_declared() {
        let Statement::Declare(plain) = one("declare c cursor for select 1") else { panic!() };
        assert_eq!((plain.binary, plain.insensitive, plain.scroll), (false, None, None));
        assert_eq!((plain.hold, plain.query.text.as_str()), (false, "select 1"));
        let Statement::Declare(full) =
            one("declare c binary insensitive no scroll cursor with hold for values (1)")
        else {
            panic!()
        };
        assert_eq!((full.binary, full.insensitive, full.scroll), (true, Some(true), Some(false)));
        assert!(full.hold);
    }

    #[test]
    fn rows_are_fetched_every_way() {
        use FetchDirection as D;
        for (sql, direction) in [
            ("fetch c", D::Forward(1)),
            ("fetch from c", D::Forward(1)),
            ("fetch next c", D::Forward(1)),
            ("fetch next", D::Forward(1)),
            ("fetch prior in c", D::Backward(1)),
            ("fetch first from c", D::Absolute(1)),
            ("fetch last c", D::Absolute(-1)),
            ("fetch absolute -3 c", D::Absolute(-3)),
            ("fetch relative +2 from c", D::Relative(2)),
            ("fetch 10 c", D::Forward(10)),
            ("fetch -1 from c", D::Forward(-1)),
            ("fetch all c", D::ForwardAll),
            ("fetch forward from c", D::Forward(1)),
            ("fetch forward 5 c", D::Forward(5)),
            ("fetch forward all c", D::ForwardAll),
            ("fetch backward all in c", D::BackwardAll),
            ("move backward 3 c", D::Backward(3)),
        ] {
            let Statement::Fetch(fetch) = one(sql) else { panic!("{sql}") };
            assert_eq!(
                (fetch.direction, fetch.is_move),
                (direction, sql.starts_with("move")),
                "{sql}"
            );
        }
        assert_eq!(one("close all"), Statement::CloseCursor(None));
        assert_eq!(one("close c"), Statement::CloseCursor(Some("c".into())));
    }

    #[test]
    fn refusals_say_where() {
        for (sql, code, position) in [
            ("declare c cursor select 1", "42601", Some(18)),
            ("declare c cursor for delete from t", "42601", Some(22)),
            ("declare c cursor for", "42601", Some(21)),
            ("declare c scroll no scroll cursor for select 1", "42P11", None),
            ("fetch", "42601", Some(6)),
            ("fetch all", "42601", Some(7)),
            ("fetch absolute c", "42601", Some(16)),
            ("close", "42601", Some(6)),
        ] {
            let error = parse(sql).unwrap_err();
            assert_eq!((error.code().as_str(), error.position()), (code, position), "{sql}");
        }
    }
}
