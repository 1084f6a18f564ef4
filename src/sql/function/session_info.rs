//! Who, where, and with which settings: what a session knows of itself.

use super::args::{boolean, i4, txt};
use super::row::{Row, f};
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::sql::pg_catalog;
use crate::sql::session::show_variable;
use crate::types::{Datum, oid};

pub(super) const FUNCTIONS: &[Row] = &[
    f(89, "version", "", "text", |_, _| {
        let own = env!("CARGO_PKG_VERSION");
        Ok(Datum::text(format!("PostgreSQL 15.0 (Cairn {own})")))
    })
    .stable(),
    f(745, "current_user", "", "name", |c, _| Ok(Datum::Text(c.session.current_user.clone())))
        .stable(),
    f(746, "session_user", "", "name", |c, _| Ok(Datum::Text(c.session.session_user.clone())))
        .stable(),
    f(710, "getpgusername", "", "name", |c, _| Ok(Datum::Text(c.session.current_user.clone())))
        .stable(),
    f(861, "current_database", "", "name", |c, _| Ok(Datum::Text(c.session.database.clone())))
        .stable(),
    f(2026, "pg_backend_pid", "", "int4", |c, _| Ok(Datum::Int4(c.session.backend_pid))).stable(),
    f(3810, "pg_is_in_recovery", "", "bool", |_, _| Ok(Datum::Bool(false))).volatile(),
    f(810, "pg_client_encoding", "", "name", |_, _| Ok(Datum::text("UTF8"))).stable(),
    f(1597, "pg_encoding_to_char", "int4", "name", |_, a| {
        Ok(Datum::text(match i4(a, 0)? {
            0 => "SQL_ASCII",
            6 => "UTF8",
            8 => "LATIN1",
            _ => "",
        }))
    })
    .stable(),
    f(1264, "pg_char_to_encoding", "name", "int4", |_, a| {
        let name: String = txt(a, 0)?.chars().filter(char::is_ascii_alphanumeric).collect();
        Ok(Datum::Int4(match name.to_ascii_lowercase().as_str() {
            "sqlascii" => 0,
            "utf8" | "unicode" => 6,
            "latin1" | "iso88591" => 8,
            _ => -1,
        }))
    })
    .stable(),
    f(2077, "current_setting", "text", "text", |c, a| {
        let name = txt(a, 0)?;
        show_variable(c.session, name).map(Datum::text).ok_or_else(|| {
            Error::new(
                sqlstate::UNDEFINED_OBJECT,
                format!("unrecognized configuration parameter \"{name}\""),
            )
        })
    })
    .stable(),
    f(3294, "current_setting", "text bool", "text", |c, a| {
        let name = txt(a, 0)?;
        match show_variable(c.session, name) {
            None if !boolean(a, 1)? => Err(Error::new(
                sqlstate::UNDEFINED_OBJECT,
                format!("unrecognized configuration parameter \"{name}\""),
            )),
            found => Ok(found.map(Datum::text).into()),
        }
    })
    .stable(),
    f(1081, "format_type", "oid int4", "text", |c, a| format_type(c, a)).stable().lax(),
];

/// The SQL name of a type's OID, with its modifier.
fn format_type(context: &EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    Ok(match (a.first(), a.get(1)) {
        (Some(Datum::Oid(0)), _) => Datum::text("-"),
        (Some(Datum::Oid(number)), modifier) => match oid::type_from_oid(*number) {
            None => {
                let name = pg_catalog::type_name(context.catalog, *number);
                Datum::text(name.as_deref().unwrap_or("???"))
            }
            Some(ty) => {
                let modifier = match modifier {
                    Some(Datum::Int4(modifier)) => *modifier,
                    _ => -1,
                };
                Datum::text(oid::format_type(&ty, modifier))
            }
        },
        _ => Datum::Null,
    })
}
