//! SHOW COLUMNS, SHOW INDEXES, SHOW STATISTICS.

use std::sync::Arc;

use sqlparser::ast::ObjectName;

use super::optional;
use crate::catalog::comment::CommentKind;
use crate::catalog::descriptor::{ColumnId, IndexDescriptor, TableDescriptor};
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::system::TABLE_STATISTICS;
use crate::catalog::{CatalogSnapshot, names};
use crate::error::Result;
use crate::sql::statement::Work;
use crate::sql::statement::object::words;
use crate::types::{Array, Datum, Type, oid};

type Rows = Vec<Vec<Datum>>;

fn table(
    name: &ObjectName,
    work: &mut Work<'_>,
) -> Result<(Arc<CatalogSnapshot>, Arc<TableDescriptor>)> {
    let catalog = work.catalog()?;
    let table = names::resolve_relation(&catalog, work.scope(&catalog)?, &words(name)?)?;
    Ok((catalog, table))
}

fn every_index(table: &TableDescriptor) -> impl Iterator<Item = &IndexDescriptor> {
    std::iter::once(&table.primary_index).filter(|i| !i.columns.is_empty()).chain(&table.indexes)
}

/// SHOW STATISTICS.
pub(super) fn statistics(name: &ObjectName, work: &mut Work<'_>) -> Result<Rows> {
    let (catalog, table) = table(name, work)?;
    privilege::check(&catalog, &work.session.current_user, &table, Privilege::Select)?;
    let stored = TABLE_STATISTICS.scan(work.txn, &[Datum::Int8(i64::from(table.id))])?;
    let rows = stored.into_iter().filter_map(|row| {
        let mut row = row.into_iter().skip(2);
        let (name, columns) = (row.next()?, row.next()?);
        let Datum::Array(columns) = columns else { return None };
        let names = columns.items.iter().filter_map(|id| {
            let Datum::Int8(id) = id else { return None };
            let column = table.column(ColumnId::try_from(*id).ok()?)?;
            Some(Datum::text(&column.name))
        });
        let names = Datum::Array(Arc::new(Array::from_items(Type::Text, names.collect())));
        Some([name, names].into_iter().chain(row.take(4)).collect())
    });
    Ok(rows.collect())
}

/// SHOW COLUMNS.
pub(super) fn columns(name: &ObjectName, with_comment: bool, work: &mut Work<'_>) -> Result<Rows> {
    let (catalog, table) = table(name, work)?;
    let indexes_of = |column: ColumnId| {
        let names = every_index(&table)
            .filter(|i| {
                i.id == table.primary_index.id
                    || i.columns.iter().any(|c| c.column == column)
                    || i.storing.contains(&column)
                    || table.primary_index.columns.iter().any(|c| c.column == column)
            })
            .map(|i| Datum::text(&i.name))
            .collect();
        Datum::Array(Arc::new(Array::from_items(Type::Text, names)))
    };
    let rows = table.columns.iter().map(|column| {
        let mut row = vec![
            Datum::text(&column.name),
            Datum::text(oid::format_type(&column.ty.ty, column.ty.modifier)),
            Datum::Bool(column.nullable),
            optional(column.default.as_deref()),
            Datum::text(column.computed.as_deref().unwrap_or_default()),
            indexes_of(column.id),
            Datum::Bool(column.hidden),
        ];
        if with_comment {
            row.push(optional(catalog.comment(CommentKind::Column, table.id, column.id)));
        }
        row
    });
    Ok(rows.collect())
}

/// SHOW INDEXES.
pub(super) fn indexes(name: &ObjectName, with_comment: bool, work: &mut Work<'_>) -> Result<Rows> {
    let (catalog, table) = table(name, work)?;
    let column_name =
        |id: ColumnId| table.columns.iter().find(|c| c.id == id).map_or("", |c| c.name.as_str());
    let mut rows = Vec::new();
    for index in every_index(&table) {
        let is_primary = index.id == table.primary_index.id;
        let mut number = 0;
        let mut push = |column: ColumnId, direction: &str, storing: bool, implicit: bool| {
            number += 1;
            let mut row = vec![
                Datum::text(&table.name),
                Datum::text(&index.name),
                Datum::Bool(!index.unique && !is_primary),
                Datum::Int8(number),
                Datum::text(column_name(column)),
                Datum::text(direction),
                Datum::Bool(storing),
                Datum::Bool(implicit),
            ];
            if with_comment {
                row.push(optional(catalog.comment(CommentKind::Index, table.id, index.id)));
            }
            rows.push(row);
        };
        for column in &index.columns {
            push(column.column, if column.descending { "DESC" } else { "ASC" }, false, false);
        }
        for column in &index.storing {
            push(*column, "N/A", true, false);
        }
        if !is_primary {
            for column in &table.primary_index.columns {
                if !index.columns.iter().any(|c| c.column == column.column) {
                    push(column.column, "ASC", false, true);
                }
            }
        }
    }
    Ok(rows)
}
