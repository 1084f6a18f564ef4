//! Constraints that are added to a table with rows: whether the rows satisfy them.

use std::sync::Arc;

use super::expression;
use super::rewrite::each_row;
use crate::catalog::descriptor::{ColumnId, ForeignKey, TableDescriptor};
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::write::foreign_key::parent_key;
use crate::sql::exec::write::references::References;
use crate::sql::statement::Work;
use crate::types::Datum;

fn schema_name(work: &mut Work<'_>, table: &TableDescriptor) -> Result<String> {
    let catalog = work.catalog()?;
    Ok(catalog.schema_any_state(table.schema).map_or_else(String::new, |s| s.name.clone()))
}

/// Fails with 23502 if a row has NULL at one of some positions.
pub(super) fn not_null(
    work: &mut Work<'_>,
    table: &TableDescriptor,
    positions: &[usize],
    row: &[Datum],
) -> Result<()> {
    match positions.iter().find(|p| row.get(**p).is_none_or(Datum::is_null)) {
        Some(position) => Err(null_found(table, &schema_name(work, table)?, *position)),
        None => Ok(()),
    }
}

/// 23502 for a NULL in a column that must not have any.
pub(in crate::sql::statement) fn null_found(
    table: &TableDescriptor,
    schema: &str,
    position: usize,
) -> Error {
    let name = table.columns.get(position).map_or("", |c| c.name.as_str());
    Error::new(
        sqlstate::NOT_NULL_VIOLATION,
        format!("column \"{name}\" of relation \"{}\" contains null values", table.name),
    )
    .with_table(schema, table.name.clone())
    .with_column(name)
}

/// 23514 for a row that was there before a check.
pub(in crate::sql::statement) fn violated(
    table: &TableDescriptor,
    schema: &str,
    name: &str,
) -> Error {
    Error::new(
        sqlstate::CHECK_VIOLATION,
        format!(
            "check constraint \"{name}\" of relation \"{}\" is violated by some row",
            table.name
        ),
    )
    .with_table(schema, table.name.clone())
    .with_constraint(name)
}

/// Fails if a row of a table has NULL in some column.
pub(super) fn column_not_null(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    column: ColumnId,
) -> Result<()> {
    let positions: Vec<usize> = table.position(column).into_iter().collect();
    each_row(work, table, |work, row| not_null(work, table, &positions, row))
}

/// Fails with 23514 if a row of a table violates a check.
pub(super) fn check(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    name: &str,
    sql: &str,
) -> Result<()> {
    let catalog = work.catalog()?;
    let predicate = expression::compile(work, &catalog, sql, table)?;
    let schema = schema_name(work, table)?;
    each_row(work, table, |work, row| {
        if matches!(expression::value(work, &catalog, &predicate, row)?, Datum::Bool(false)) {
            return Err(violated(table, &schema, name));
        }
        Ok(())
    })
}

/// Fails with 23503 if a row of a table refers to nothing.
pub(super) fn foreign_key(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    key: &ForeignKey,
) -> Result<()> {
    let catalog = work.catalog()?;
    let parent = match key.referenced_table == table.id {
        true => Arc::clone(table),
        false => catalog
            .table_any_state(key.referenced_table)
            .cloned()
            .ok_or_else(|| Error::internal("a referenced table went missing"))?,
    };
    let codec = catalog.codec(parent.id)?;
    let parents = parent_key(&parent, &codec, &key.referenced_columns)?
        .ok_or_else(|| Error::internal("a referenced key went missing"))?;
    let schema = schema_name(work, table)?;
    let mut references = References::new(table, key, parents);
    each_row(work, table, |work, row| {
        match references.flaw(row, |at| Ok(work.txn.get(at)?.is_some()))? {
            Some(flaw) => Err(references.violation(flaw, table, &schema, &work.session.format)),
            None => Ok(()),
        }
    })
}
