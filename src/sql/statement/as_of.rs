//! AS OF SYSTEM TIME: which moment an expression means.
//!
//! A string is read as a timestamp, then as a number of nanoseconds since 1970, then as an interval
//! before now; numbers, intervals and timestamps with a type of their own mean the same.

use std::ops::ControlFlow;

use sqlparser::ast::Expr;

use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::sql::bind::{self, BindContext, ParameterTypes};
use crate::sql::exec::context::EvalContext;
use crate::sql::exec::eval_scalar;
use crate::sql::function::{self, Volatility};
use crate::types::text::{self, SessionFormat};
use crate::types::{Datum, Interval, Type};

/// The moment that the expression of an AS OF SYSTEM TIME clause means. Never in the future.
pub fn historic_timestamp(
    expr: &Expr,
    types: &mut ParameterTypes,
    ctx: &mut EvalContext<'_>,
) -> Result<Timestamp> {
    check_constant(expr)?;
    let scalar = {
        let bind = BindContext::new(ctx.catalog, ctx.session);
        bind::bind_constant_with(&bind, expr, None, types).map_err(|e| {
            if e.code() == sqlstate::UNDEFINED_COLUMN || e.code() == sqlstate::SYNTAX_ERROR {
                not_constant()
            } else {
                e
            }
        })?
    };
    let ty = scalar.ty.ty.clone();
    let value = eval_scalar(&scalar, ctx)?;
    let at = match &value {
        Datum::Null => return Err(refused("the time must not be null")),
        Datum::Text(word) => parse_timestamp(word, ctx.statement_time, &ctx.session.format)?,
        Datum::Int2(n) => nanos(i64::from(*n))?,
        Datum::Int4(n) => nanos(i64::from(*n))?,
        Datum::Int8(n) => nanos(*n)?,
        Datum::Numeric(_) | Datum::Float8(_) => {
            let word = text::to_string(&value, &ty, &ctx.session.format);
            from_decimal(&word)?.ok_or_else(|| unreadable(&word))?
        }
        Datum::Interval(back) => before(*back, ctx.statement_time)?,
        Datum::Timestamp(at) | Datum::Timestamptz(at) => from_sql(*at)?,
        _ => return Err(refused(&format!("expected timestamp, decimal, or interval, got {ty}"))),
    };
    let now = ctx.server.mvcc.now();
    if at > now {
        return Err(refused("cannot specify timestamp in the future")
            .with_detail(format!("The time asked for is {at}, and it is {now} now.")));
    }
    Ok(at)
}

/// The moment that a string means.
pub fn parse_timestamp(word: &str, now: i64, format: &SessionFormat) -> Result<Timestamp> {
    let word = word.trim();
    // Special words such as 'now' are moments too, but not historic ones that can be said again.
    if word.starts_with(|c: char| c.is_ascii_digit())
        && word.contains(['-', ':', '/'])
        && let Ok(Datum::Timestamptz(at)) = text::parse(&Type::Timestamptz, word, &utc(format))
    {
        return from_sql(at);
    }
    if let Some(at) = from_decimal(word)? {
        return Ok(at);
    }
    match Interval::parse(word, -1) {
        Ok(back) => before(back, now),
        Err(_) => Err(unreadable(word)),
    }
}

/// Times without a zone are UTC here, whatever the session's zone.
fn utc(format: &SessionFormat) -> SessionFormat {
    SessionFormat { time_zone: crate::types::datetime::TimeZone::UTC, ..format.clone() }
}

/// Only what means the same whenever it is evaluated may say when, and the function that is made
/// for it.
fn check_constant(expr: &Expr) -> Result<()> {
    const OWN: [&str; 2] = ["follower_read_timestamp", "experimental_follower_read_timestamp"];
    let name = |expr: &Expr| match expr {
        Expr::Function(call) => {
            call.name.0.last().and_then(|part| part.as_ident()).map(|i| i.value.to_lowercase())
        }
        _ => None,
    };
    if name(expr).is_some_and(|name| OWN.contains(&name.as_str())) {
        return Ok(());
    }
    let refusal = sqlparser::ast::visit_expressions(expr, |part| {
        if matches!(part, Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. }) {
            return ControlFlow::Break(not_constant());
        }
        let steady = name(part).is_none_or(|name| {
            let functions = function::functions(&name);
            // CURRENT_TIMESTAMP, LOCALTIME and their like are no functions of the registry.
            let special = name.starts_with("current_") || name.starts_with("local");
            !special && functions.iter().all(|f| f.volatility == Volatility::Immutable)
        });
        if steady { ControlFlow::Continue(()) } else { ControlFlow::Break(not_constant()) }
    });
    match refusal {
        ControlFlow::Break(refusal) => Err(refusal),
        ControlFlow::Continue(()) => Ok(()),
    }
}

fn not_constant() -> Error {
    refused("only constant expressions or follower_read_timestamp are allowed")
}

/// Nanoseconds since 1970, with the logical counter as a fraction of ten digits; `None` if it is no
/// number.
fn from_decimal(word: &str) -> Result<Option<Timestamp>> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(None);
    }
    match digits.parse() {
        Ok(Timestamp::MIN) => Err(refused("zero timestamp is invalid")),
        Ok(_) if digits.len() < word.len() => Err(before_1970()),
        Ok(at) => Ok(Some(at)),
        Err(_) if digits.len() < word.len() && digits.parse::<f64>().is_ok() => Err(before_1970()),
        Err(_) => Ok(None),
    }
}

fn before_1970() -> Error {
    refused("timestamp before 1970-01-01T00:00:00Z is invalid")
}

fn nanos(n: i64) -> Result<Timestamp> {
    match u64::try_from(n) {
        Ok(0) => Err(refused("zero timestamp is invalid")),
        Ok(n) => Ok(Timestamp::from_nanos(n)),
        Err(_) => Err(before_1970()),
    }
}

fn from_sql(at: i64) -> Result<Timestamp> {
    Timestamp::from_sql_micros(at).filter(|at| *at > Timestamp::MIN).ok_or_else(before_1970)
}

/// An interval before now; it must be negative.
fn before(back: Interval, now: i64) -> Result<Timestamp> {
    let zero = Interval { months: 0, days: 0, micros: 0 };
    if back == zero {
        return Err(refused("interval value too small, absolute value must be >= 1µs"));
    }
    let at = crate::types::datetime::timestamp_plus_interval(now, back)?;
    if at >= now {
        return Err(refused("interval value too large, AS OF interval must be <= -1µs"));
    }
    from_sql(at)
}

fn unreadable(word: &str) -> Error {
    refused(&format!("value \"{word}\" is neither timestamp, decimal, nor interval"))
}

fn refused(why: &str) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, format!("AS OF SYSTEM TIME: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(word: &str) -> Result<Timestamp> {
        parse_timestamp(word, 1_000_000_000, &SessionFormat::default())
    }

    #[test]
    fn every_form_of_a_string() {
        let now = 946_684_800_000_000 + 1_000_000_000;
        assert_eq!(parse("-10s").unwrap(), Timestamp::from_micros(now - 10_000_000));
        assert_eq!(
            parse("1616533891370000000.0000000003").unwrap(),
            Timestamp { wall: 1_616_533_891_370_000_000, logical: 3 }
        );
        assert_eq!(
            parse("2021-03-23 21:11:31.37").unwrap(),
            Timestamp::from_nanos(1_616_533_891_370_000_000)
        );
    }

    #[test]
    fn what_is_no_time_in_the_past() {
        for word in ["10s", "0s", "0", "0.0", "-5", "-1.5", "soon", "1969-12-31 00:00:00", ""] {
            assert_eq!(parse(word).unwrap_err().code().as_str(), "22023", "{word}");
        }
    }
}
