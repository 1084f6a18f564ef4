//! Sequences: `nextval`, `currval`, `lastval`, `setval`.
//!
//! The catalogue hands numbers out at once and for everybody; the session remembers the last one.

use std::sync::Arc;

use super::args::{boolean, i8, oid};
use super::row::{Row, f};
use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::sequence::Position;
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::types::Datum;

pub(super) const FUNCTIONS: &[Row] = &[
    f(1574, "nextval", "regclass", "int8", |context, a| {
        let sequence = sequence(context, a, &[Privilege::Usage, Privilege::Update])?;
        let value = context.server.catalog.nextval(&sequence)?;
        context.session.sequence_values.insert(sequence.id, value);
        context.session.last_sequence = Some(sequence.id);
        Ok(Datum::Int8(value))
    })
    .volatile(),
    f(1575, "currval", "regclass", "int8", |context, a| {
        let sequence = sequence(context, a, &[Privilege::Usage, Privilege::Select])?;
        match context.session.sequence_values.get(&sequence.id) {
            Some(value) => Ok(Datum::Int8(*value)),
            None => Err(undefined(format!(
                "currval of sequence \"{}\" is not yet defined in this session",
                sequence.name
            ))),
        }
    })
    .volatile(),
    f(2559, "lastval", "", "int8", |context, _| {
        let session = &context.session;
        let value = session.last_sequence.and_then(|id| session.sequence_values.get(&id));
        value
            .map(|value| Datum::Int8(*value))
            .ok_or_else(|| undefined("lastval is not yet defined in this session".into()))
    })
    .volatile(),
    f(1576, "setval", "regclass int8", "int8", |context, a| set(context, a, true)).volatile(),
    f(1765, "setval", "regclass int8 bool", "int8", |context, a| set(context, a, boolean(a, 2)?))
        .volatile(),
];

fn undefined(message: String) -> Error {
    Error::new(sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}

/// The sequence that argument 0 names, if the session may use it.
fn sequence(
    context: &EvalContext<'_>,
    a: &[Datum],
    privileges: &[Privilege],
) -> Result<Arc<TableDescriptor>> {
    let number = oid(a, 0)?;
    let Some(table) = context.catalog.table(number) else {
        return Err(Error::new(
            sqlstate::UNDEFINED_TABLE,
            format!("relation with OID {number} does not exist"),
        ));
    };
    if table.sequence().is_none() {
        return Err(Error::new(
            sqlstate::WRONG_OBJECT_TYPE,
            format!("\"{}\" is not a sequence", table.name),
        ));
    }
    privilege::check_any(context.catalog, &context.session.current_user, &**table, privileges)?;
    Ok(Arc::clone(table))
}

fn set(context: &mut EvalContext<'_>, a: &[Datum], is_called: bool) -> Result<Datum> {
    let sequence = sequence(context, a, &[Privilege::Update])?;
    let last_value = i8(a, 1)?;
    let position = Position { last_value, is_called };
    context.server.catalog.setval(&sequence, position)?;
    if is_called {
        context.session.sequence_values.insert(sequence.id, last_value);
        context.session.last_sequence = Some(sequence.id);
    }
    Ok(Datum::Int8(last_value))
}
