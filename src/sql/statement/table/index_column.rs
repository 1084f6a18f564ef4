//! The columns of keys and indexes.

use sqlparser::ast::{Expr, Ident, IndexColumn as Tree, IndexType, OrderBySort};

use crate::catalog::descriptor::{ColumnId, IndexColumn, TableDescriptor};
use crate::error::{Error, Result, sqlstate};
use crate::sql::statement::object;
use crate::types::Type;

/// The columns of an index.
pub(super) fn index_columns(table: &TableDescriptor, trees: &[Tree]) -> Result<Vec<IndexColumn>> {
    trees.iter().map(|tree| index_column(table, tree)).collect()
}

/// The columns of a primary key or unique constraint, each once.
pub(super) fn key_columns(
    table: &TableDescriptor,
    trees: &[Tree],
    what: &str,
) -> Result<Vec<IndexColumn>> {
    let mut columns: Vec<IndexColumn> = Vec::with_capacity(trees.len());
    for tree in trees {
        let Expr::Identifier(ident) = &tree.column.expr else {
            return Err(Error::syntax("a constraint may name only columns"));
        };
        if column_named(table, ident).is_none() {
            return Err(Error::new(
                sqlstate::UNDEFINED_COLUMN,
                format!("column \"{}\" named in key does not exist", ident.value),
            ));
        }
        let column = index_column(table, tree)?;
        if columns.iter().any(|c| c.column == column.column) {
            return Err(Error::new(
                sqlstate::DUPLICATE_COLUMN,
                format!("column \"{}\" appears twice in {what} constraint", ident.value),
            ));
        }
        columns.push(column);
    }
    Ok(columns)
}

/// Columns that an index keeps without being sorted by them.
pub(super) fn stored_columns(
    table: &TableDescriptor,
    idents: &[Ident],
    key: &[IndexColumn],
) -> Result<Vec<ColumnId>> {
    let mut ids = Vec::with_capacity(idents.len());
    for ident in idents {
        let Some(id) = column_named(table, ident) else {
            return Err(Error::new(
                sqlstate::UNDEFINED_COLUMN,
                format!("column \"{}\" does not exist", ident.value),
            ));
        };
        // What the entry has anyway need not be stored.
        if !ids.contains(&id) && !key.iter().any(|c| c.column == id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Refuses access methods other than the one that there is.
pub(super) fn check_method(method: Option<&IndexType>) -> Result<()> {
    match method {
        // A hash index can do less than a sorted one and nothing else.
        None | Some(IndexType::BTree | IndexType::Hash) => Ok(()),
        Some(IndexType::Custom(name)) => Err(Error::new(
            sqlstate::UNDEFINED_OBJECT,
            format!("access method \"{}\" does not exist", name.value),
        )),
        Some(other) => {
            Err(Error::unsupported(format!("access method {}", other.to_string().to_lowercase())))
        }
    }
}

fn column_named(table: &TableDescriptor, ident: &Ident) -> Option<ColumnId> {
    table.columns.iter().find(|c| c.name == ident.value && !c.hidden).map(|c| c.id)
}

fn index_column(table: &TableDescriptor, tree: &Tree) -> Result<IndexColumn> {
    let expr = match &tree.column.expr {
        Expr::Nested(inner) => inner.as_ref(),
        expr => expr,
    };
    let Expr::Identifier(ident) = expr else {
        return Err(Error::unsupported("indexes on expressions"));
    };
    let column =
        table.columns.iter().find(|c| c.name == ident.value && !c.is_row_id()).ok_or_else(
            || {
                Error::new(
                    sqlstate::UNDEFINED_COLUMN,
                    format!("column \"{}\" does not exist", ident.value),
                )
            },
        )?;
    check_type(&column.ty.ty)?;
    if let Some(class) = &tree.operator_class {
        let words = object::words(class)?;
        let name = words.last().copied().unwrap_or_default();
        if !name.ends_with("_ops") {
            return Err(Error::new(
                sqlstate::UNDEFINED_OBJECT,
                format!("operator class \"{name}\" does not exist for access method \"btree\""),
            ));
        }
    }
    let options = &tree.column.options;
    let descending = match &options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(_)) => return Err(Error::unsupported("USING in an index")),
    };
    if options.nulls_first.is_some_and(|first| first != descending) {
        return Err(Error::unsupported("indexes with NULLS at the other end")
            .with_hint("Ascending columns have NULLS LAST, descending ones NULLS FIRST."));
    }
    Ok(IndexColumn { column: column.id, descending })
}

/// Refuses types whose values have no place in a key.
fn check_type(ty: &Type) -> Result<()> {
    let element = match ty {
        Type::Array(element) => element.as_ref(),
        ty => ty,
    };
    match element {
        Type::Json => Err(Error::new(
            sqlstate::UNDEFINED_OBJECT,
            format!("data type {ty} has no default operator class for access method \"btree\""),
        )
        .with_hint(
            "You must specify an operator class for the index or define a default operator class \
             for the data type.",
        )),
        Type::Jsonb | Type::Record => Err(Error::unsupported(format!("indexes on type {ty}"))),
        _ => Ok(()),
    }
}
