//! `pg_prepared_statements` and `pg_cursors`: what the session has under a name.

use super::notation::{Definition, list, row, view};
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::{Datum, Type, oid};

pub(super) const TABLES: &[Definition] = &[
    view(
        12077,
        "pg_cursors",
        "name text, statement text, is_holdable bool, is_binary bool, is_scrollable bool, \
         creation_time timestamptz",
        cursors,
    ),
    view(
        12095,
        "pg_prepared_statements",
        "name text, statement text, prepare_time timestamptz, parameter_types _regtype, \
         from_sql bool, generic_plans int8, custom_plans int8",
        prepared,
    ),
];

fn cursors(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let notes = context.eval.session.cursors.lock();
    let rows = notes.iter().map(|(name, note)| {
        row![
            name,
            &note.statement,
            note.is_holdable,
            note.is_binary,
            note.is_scrollable,
            Datum::Timestamptz(note.since),
        ]
    });
    Ok(rows.collect())
}

fn prepared(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let notes = context.eval.session.prepared.lock();
    let rows = notes.iter().map(|(name, note)| {
        row![
            name,
            &note.statement,
            Datum::Timestamptz(note.since),
            list(Type::Regtype, note.types.iter().map(oid::oid)),
            note.from_sql,
            0i64,
            0i64,
        ]
    });
    Ok(rows.collect())
}
