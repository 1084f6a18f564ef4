//! The errors of violated constraints, worded as PostgreSQL words them.

use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};
use crate::error::{Error, sqlstate};
use crate::types::text::{SessionFormat, to_string};
use crate::types::{Datum, Type};

/// Longest text of one value in "Failing row contains", as in PostgreSQL.
const VALUE_BYTES_MAX: usize = 64;

/// How values appear in a detail: `(1, null, abc)`.
fn list<'v>(
    values: impl Iterator<Item = (&'v Datum, &'v Type)>,
    format: &SessionFormat,
    limit: usize,
) -> String {
    let mut out = String::from("(");
    for (i, (value, ty)) in values.enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        if value.is_null() {
            out.push_str("null");
            continue;
        }
        let text = to_string(value, ty, format);
        match text.char_indices().find(|(at, c)| at + c.len_utf8() > limit) {
            Some((at, _)) => {
                out.push_str(text.get(..at).unwrap_or_default());
                out.push_str("...");
            }
            None => out.push_str(&text),
        }
    }
    out.push(')');
    out
}

fn failing_row(table: &TableDescriptor, row: &[Datum], format: &SessionFormat) -> String {
    let visible = table
        .columns
        .iter()
        .zip(row)
        .filter(|(c, _)| !c.hidden)
        .map(|(c, value)| (value, &c.ty.ty));
    format!("Failing row contains {}.", list(visible, format, VALUE_BYTES_MAX))
}

/// 23502
pub fn not_null(
    table: &TableDescriptor,
    schema: &str,
    column: &str,
    row: &[Datum],
    format: &SessionFormat,
) -> Error {
    Error::new(
        sqlstate::NOT_NULL_VIOLATION,
        format!(
            "null value in column \"{column}\" of relation \"{}\" violates not-null constraint",
            table.name
        ),
    )
    .with_detail(failing_row(table, row, format))
    .with_table(schema, table.name.clone())
    .with_column(column)
}

/// 23514
pub fn check(
    table: &TableDescriptor,
    schema: &str,
    constraint: &str,
    row: &[Datum],
    format: &SessionFormat,
) -> Error {
    Error::new(
        sqlstate::CHECK_VIOLATION,
        format!(
            "new row for relation \"{}\" violates check constraint \"{constraint}\"",
            table.name
        ),
    )
    .with_detail(failing_row(table, row, format))
    .with_table(schema, table.name.clone())
    .with_constraint(constraint)
}

/// `(a, b)=(1, 2)`, for columns at some positions of a row.
pub fn key_text(
    table: &TableDescriptor,
    positions: &[usize],
    values: &[Datum],
    format: &SessionFormat,
) -> String {
    let columns: Vec<_> = positions.iter().filter_map(|p| table.columns.get(*p)).collect();
    let names: Vec<&str> =
        columns.iter().map(|c| c.indexed_expression().unwrap_or(&c.name)).collect();
    let values = list(values.iter().zip(columns.iter().map(|c| &c.ty.ty)), format, usize::MAX);
    format!("({})={values}", names.join(", "))
}

/// 23505
pub fn unique(
    table: &TableDescriptor,
    schema: &str,
    index: &IndexDescriptor,
    row: &[Datum],
    format: &SessionFormat,
) -> Error {
    let positions: Vec<usize> =
        index.columns.iter().filter_map(|c| table.position(c.column)).collect();
    let values = super::pick(row, &positions);
    Error::new(
        sqlstate::UNIQUE_VIOLATION,
        format!("duplicate key value violates unique constraint \"{}\"", index.name),
    )
    .with_detail(format!("Key {} already exists.", key_text(table, &positions, &values, format)))
    .with_table(schema, table.name.clone())
    .with_constraint(index.name.clone())
}

/// 23503 on the referencing side.
pub fn missing_parent(
    table: &TableDescriptor,
    schema: &str,
    constraint: &str,
    parent: &str,
    key: &str,
) -> Error {
    Error::new(
        sqlstate::FOREIGN_KEY_VIOLATION,
        format!(
            "insert or update on table \"{}\" violates foreign key constraint \"{constraint}\"",
            table.name
        ),
    )
    .with_detail(format!("Key {key} is not present in table \"{parent}\"."))
    .with_table(schema, table.name.clone())
    .with_constraint(constraint)
}

/// 23503 for MATCH FULL with some columns NULL.
pub fn partial_key(table: &TableDescriptor, schema: &str, constraint: &str) -> Error {
    Error::new(
        sqlstate::FOREIGN_KEY_VIOLATION,
        format!(
            "insert or update on table \"{}\" violates foreign key constraint \"{constraint}\"",
            table.name
        ),
    )
    .with_detail("MATCH FULL does not allow mixing of null and nonnull key values.")
    .with_table(schema, table.name.clone())
    .with_constraint(constraint)
}

/// 23503 on the referenced side.
pub fn still_referenced(
    parent: &TableDescriptor,
    child: &TableDescriptor,
    child_schema: &str,
    constraint: &str,
    key: &str,
) -> Error {
    Error::new(
        sqlstate::FOREIGN_KEY_VIOLATION,
        format!(
            "update or delete on table \"{}\" violates foreign key constraint \"{constraint}\" on \
             table \"{}\"",
            parent.name, child.name
        ),
    )
    .with_detail(format!("Key {key} is still referenced from table \"{}\".", child.name))
    .with_table(child_schema, child.name.clone())
    .with_constraint(constraint)
}
