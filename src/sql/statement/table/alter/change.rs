//! ALTER COLUMN: defaults, NOT NULL, identity.

use sqlparser::ast::{Expr, GeneratedAs, SequenceOptions};

use super::current;
use crate::catalog::descriptor::{ColumnDescriptor, Identity, TableDescriptor};
use crate::error::{Error, Result, sqlstate};
use crate::keys::TableId;
use crate::sql::statement::Work;
use crate::sql::statement::table::{check, column as columns};

/// SET NOT NULL: no row may have NULL.
pub(super) fn set_not_null(work: &mut Work<'_>, id: TableId, name: &str) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    let column = draft.column_mut(name)?;
    if !column.nullable {
        return Ok(());
    }
    column.nullable = false;
    let column = column.id;
    check::column_not_null(work, &table, column)?;
    draft.write(work)
}

/// DROP NOT NULL.
pub(super) fn drop_not_null(work: &mut Work<'_>, id: TableId, name: &str) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    let column = draft.column_mut(name)?;
    if column.identity.is_some() {
        return Err(is_special(column, &table, "an identity"));
    }
    if table.primary_index.columns.iter().any(|c| c.column == column.id) {
        return Err(Error::new(
            sqlstate::INVALID_TABLE_DEFINITION,
            format!("column \"{name}\" is in a primary key"),
        ));
    }
    column.nullable = true;
    draft.write(work)
}

fn is_special(column: &ColumnDescriptor, table: &TableDescriptor, what: &str) -> Error {
    Error::syntax(format!(
        "column \"{}\" of relation \"{}\" is {what} column",
        column.name, table.name
    ))
}

fn ordinary(column: &ColumnDescriptor, table: &TableDescriptor) -> Result<()> {
    if column.identity.is_some() {
        return Err(is_special(column, table, "an identity"));
    }
    if column.computed.is_some() {
        return Err(is_special(column, table, "a generated"));
    }
    Ok(())
}

/// SET DEFAULT.
pub(super) fn set_default(
    work: &mut Work<'_>,
    id: TableId,
    name: &str,
    value: &Expr,
) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    ordinary(draft.column(name)?, &table)?;
    columns::set_default(work, &mut draft.table, name, value)?;
    draft.write(work)
}

/// DROP DEFAULT.
pub(super) fn drop_default(work: &mut Work<'_>, id: TableId, name: &str) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    let column = draft.column_mut(name)?;
    ordinary(column, &table)?;
    column.default = None;
    column.uses_sequences.clear();
    draft.write(work)
}

/// ADD GENERATED … AS IDENTITY.
pub(super) fn add_identity(
    work: &mut Work<'_>,
    id: TableId,
    name: &str,
    generated: Option<&GeneratedAs>,
    options: &[SequenceOptions],
) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    let column = draft.column(name)?;
    let state = |what: &str| {
        Error::new(
            sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("column \"{name}\" of relation \"{}\" {what}", table.name),
        )
    };
    if column.nullable {
        return Err(state("must be declared NOT NULL before identity can be added"));
    }
    if column.identity.is_some() {
        return Err(state("is already an identity column"));
    }
    if column.default.is_some() {
        return Err(state("already has a default value"));
    }
    let identity = generated.map_or(Identity::Always, columns::identity);
    columns::own_sequence(work, &mut draft, name, options, Some(identity))?;
    draft.write(work)
}
