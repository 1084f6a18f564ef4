//! ALTER COLUMN … TYPE.

use std::sync::Arc;

use sqlparser::ast::{DataType, Expr, Ident};

use super::current;
use super::remove::readers;
use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{ColumnDescriptor, TableDescriptor};
use crate::catalog::mutation::{Change, NewValue};
use crate::error::{Error, Result, sqlstate};
use crate::keys::{IndexId, TableId};
use crate::sql::bind::{ExpressionUse, bind_expression_over_table, stored_expression};
use crate::sql::function::Volatility;
use crate::sql::scalar::Scalar;
use crate::sql::statement::table::draft::{Draft, row_of};
use crate::sql::statement::table::rewrite::{Source, rewrite};
use crate::sql::statement::table::{check, column as columns, expression, foreign_key};
use crate::sql::statement::{Work, object, schema_change};
use crate::types::{ColumnType, Type};

/// Changes the type of a column: every row is written anew, unless the values stay what they are.
pub(super) fn column(
    work: &mut Work<'_>,
    id: TableId,
    name: &str,
    ty: &DataType,
    using: Option<&Expr>,
) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    let Retyped { old, scalar, stays, .. } = plan(work, &table, &mut draft, name, ty, using)?;
    if stays {
        return draft.write(work);
    }
    let compiled = expression::compile_bound(&scalar, &table)?;
    let indexes = renumber(&mut draft, &old)?;
    let changed = Arc::new(draft.table.clone());
    let position = changed.position(old.id).unwrap_or_default();
    rewrite(work, &table, &changed, &indexes, &[(position, Source::Old(compiled))])?;
    let checks = draft.table.checks.clone();
    draft.write(work)?;
    for kept in checks.iter().filter(|c| c.columns.contains(&old.id)) {
        let (table, _) = current(work, id)?;
        check::check(work, &table, &kept.name, &kept.expression)?;
    }
    Ok(())
}

/// Changes the type of a column of a draft as another form of the table; `None` if the rows can stay
/// as they are, or if something else hangs on the column's values.
pub(super) fn online(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    draft: &mut Draft,
    name: &str,
    ty: &DataType,
    using: Option<&Expr>,
) -> Result<Option<Change>> {
    let Retyped { old, tree, scalar, stays } = plan(work, table, draft, name, ty, using)?;
    let catalog = work.catalog()?;
    let hangs = table.primary_index.columns.iter().any(|c| c.column == old.id)
        || table.checks.iter().any(|c| c.columns.contains(&old.id))
        || table.foreign_keys.iter().any(|f| f.columns.contains(&old.id))
        || !catalog.inbound_foreign_keys(table.id).is_empty();
    // Keys made of the value must be the same whenever they are made.
    if stays || hangs || expression::volatility(&scalar) != Volatility::Immutable {
        return Ok(None);
    }
    let (sql, _) = stored_expression(&object::binding(work, &catalog), &tree)?;
    let indexes = renumber(draft, &old)?;
    let value = NewValue { column: old.id, sql, over_new: false };
    Ok(Some(schema_change::form_of(draft, table, indexes, vec![value])))
}

/// What becomes of a column.
struct Retyped {
    old: ColumnDescriptor,
    /// Its new value over the old row.
    tree: Expr,
    /// The same, bound and cast.
    scalar: Scalar,
    /// Whether the rows can stay as they are.
    stays: bool,
}

/// Changes the type of a column in a draft, and says what that takes.
fn plan(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    draft: &mut Draft,
    name: &str,
    ty: &DataType,
    using: Option<&Expr>,
) -> Result<Retyped> {
    let old = draft.column(name)?.clone();
    let ty = columns::parse_type(work, name, ty)?;
    let catalog = work.catalog()?;
    refuse_dependents(&catalog, table, &old)?;
    let new = ColumnDescriptor { ty: ty.clone(), missing: None, ..old.clone() };
    let tree = match using {
        Some(tree) => tree.clone(),
        None => Expr::Identifier(Ident::with_quote('"', name)),
    };
    let ctx = object::binding(work, &catalog);
    let row = row_of(table);
    let purpose = ExpressionUse::Transform;
    let bound = bind_expression_over_table(&ctx, &tree, table, &row, purpose, Some(&new));
    let scalar = bound.map_err(|e| match e.code() {
        sqlstate::DATATYPE_MISMATCH if using.is_none() => Error::new(
            sqlstate::DATATYPE_MISMATCH,
            format!("column \"{name}\" cannot be cast automatically to type {ty}"),
        )
        .with_hint(format!("You might need to specify \"USING {name}::{ty}\".")),
        _ => e,
    })?;
    let place = draft.column_mut(name)?;
    place.ty = ty.clone();
    check_default(work, &catalog, draft, &new)?;
    check_foreign_keys(&catalog, draft, &old)?;
    let stays = using.is_none() && stays(&old.ty, &ty);
    if !stays {
        draft.column_mut(name)?.missing = None;
    }
    Ok(Retyped { old, tree, scalar, stays })
}

/// New numbers for the primary index, and for those whose entries have the column.
fn renumber(draft: &mut Draft, column: &ColumnDescriptor) -> Result<Vec<IndexId>> {
    let in_key = draft.table.primary_index.columns.iter().any(|c| c.column == column.id);
    let mut ids = vec![draft.next_index_id()];
    draft.table.primary_index.id = ids[0];
    for at in 0..draft.table.indexes.len() {
        let Some(index) = draft.table.indexes.get(at) else { continue };
        let uses = in_key
            || index.columns.iter().any(|c| c.column == column.id)
            || index.storing.contains(&column.id)
            || match &index.predicate {
                Some(sql) => expression::mentions(sql, &column.name)?,
                None => false,
            };
        if uses {
            let id = draft.next_index_id();
            ids.push(id);
            if let Some(index) = draft.table.indexes.get_mut(at) {
                index.id = id;
            }
        }
    }
    Ok(ids)
}

/// Whether values of one type are values of the other as they are, in rows and in keys.
fn stays(old: &ColumnType, new: &ColumnType) -> bool {
    match (&old.ty, &new.ty) {
        (Type::Varchar, Type::Varchar) => {
            new.modifier == -1 || (old.modifier != -1 && new.modifier >= old.modifier)
        }
        (Type::Varchar, Type::Text) => true,
        (Type::Text, Type::Varchar) => new.modifier == -1,
        _ => old == new,
    }
}

fn refuse_dependents(
    catalog: &CatalogSnapshot,
    table: &TableDescriptor,
    column: &ColumnDescriptor,
) -> Result<()> {
    if column.computed.is_some() {
        return Err(Error::unsupported("the type of a generated column"));
    }
    let name = &column.name;
    for other in &table.columns {
        if let Some(sql) = &other.computed
            && expression::mentions(sql, name)?
        {
            return Err(Error::new(
                sqlstate::FEATURE_NOT_SUPPORTED,
                "cannot alter type of a column used by a generated column",
            )
            .with_detail(format!(
                "Column \"{name}\" is used by generated column \"{}\".",
                other.name
            )));
        }
    }
    match readers(catalog, table, name).first() {
        None => Ok(()),
        Some(view) => Err(Error::new(
            sqlstate::FEATURE_NOT_SUPPORTED,
            "cannot alter type of a column used by a view or rule",
        )
        .with_detail(format!("view {} depends on column \"{name}\"", view.name))),
    }
}

/// The default must have a value of the new type.
fn check_default(
    work: &Work<'_>,
    catalog: &Arc<CatalogSnapshot>,
    draft: &Draft,
    new: &ColumnDescriptor,
) -> Result<()> {
    let Some(sql) = &new.default else { return Ok(()) };
    let purpose = ExpressionUse::Default;
    match expression::bind(work, catalog, sql, &draft.table, purpose, new) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::new(
            sqlstate::DATATYPE_MISMATCH,
            format!(
                "default for column \"{}\" cannot be cast automatically to type {}",
                new.name, new.ty
            ),
        )),
    }
}

/// Columns of foreign keys must still meet.
fn check_foreign_keys(
    catalog: &CatalogSnapshot,
    draft: &Draft,
    column: &ColumnDescriptor,
) -> Result<()> {
    let table = &draft.table;
    for key in table.foreign_keys.iter().filter(|f| f.columns.contains(&column.id)) {
        let parent = match key.referenced_table == table.id {
            true => table,
            false => match catalog.table_any_state(key.referenced_table) {
                Some(parent) => parent.as_ref(),
                None => continue,
            },
        };
        for (own, other) in key.columns.iter().zip(&key.referenced_columns) {
            foreign_key::check_types(table, parent, *own, *other, &key.name)?;
        }
    }
    for (child, position) in catalog.inbound_foreign_keys(table.id) {
        let Some(child) = catalog.table_any_state(*child).filter(|c| c.id != table.id) else {
            continue;
        };
        let Some(key) = child.foreign_keys.get(*position) else { continue };
        for (own, other) in key.columns.iter().zip(&key.referenced_columns) {
            foreign_key::check_types(child, table, *own, *other, &key.name)?;
        }
    }
    Ok(())
}
