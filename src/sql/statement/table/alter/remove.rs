//! DROP COLUMN and DROP CONSTRAINT.

use std::sync::Arc;

use super::add::undefined_constraint;
use super::current;
use crate::catalog::descriptor::{ColumnId, TableDescriptor};
use crate::catalog::{CatalogSnapshot, ObjectRef};
use crate::error::Result;
use crate::keys::TableId;
use crate::sql::statement::drop::{blocked, cascaded, release_foreign_keys, remove};
use crate::sql::statement::table::draft::{Draft, undefined_column};
use crate::sql::statement::table::expression;
use crate::sql::statement::table::rewrite::{Source, rewrite};
use crate::sql::statement::{Work, object};

/// Drops a column, with the indexes and constraints of the table that use it. What older rows hold
/// in it stays there and is not read any more.
pub(super) fn column(
    work: &mut Work<'_>,
    id: TableId,
    name: &str,
    if_exists: bool,
    cascade: bool,
) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    let Ok(dropped) = draft.column(name).cloned() else {
        let missing = undefined_column(&table, name);
        if if_exists {
            return work.notice(format!("{}, skipping", missing.message()));
        }
        return Err(missing);
    };
    let catalog = work.catalog()?;
    let what = format!("column {name} of table {}", table.name);
    dependents(work, &catalog, &table, dropped.id, name, &what, cascade)?;
    let sequences: Vec<TableId> = catalog
        .owned_sequences(id)
        .iter()
        .copied()
        .filter(|s| owner(&catalog, *s) == Some((id, dropped.id)))
        .collect();
    let in_key = draft.table.primary_index.columns.iter().any(|c| c.column == dropped.id);
    draft.table.columns.retain(|c| c.id != dropped.id);
    let mut gone = vec![dropped.id];
    for column in &mut draft.table.columns {
        // A generated column cannot stay without what it is generated from (refused above unless
        // CASCADE was said).
        if let Some(sql) = &column.computed
            && expression::mentions(sql, name)?
        {
            match column.hidden {
                true => gone.push(column.id),
                false => column.computed = None,
            }
        }
    }
    draft.table.checks.retain(|c| !c.columns.contains(&dropped.id));
    draft.table.foreign_keys.retain(|f| !f.columns.contains(&dropped.id));
    let mut kept = Vec::with_capacity(draft.table.indexes.len());
    for index in std::mem::take(&mut draft.table.indexes) {
        let uses = index.columns.iter().any(|c| gone.contains(&c.column))
            || index.storing.contains(&dropped.id)
            || match &index.predicate {
                Some(sql) => expression::mentions(sql, name)?,
                None => false,
            };
        if !uses {
            kept.push(index);
        }
    }
    draft.table.indexes = kept;
    draft.drop_unused_expressions();
    release_foreign_keys(work, &catalog, &mut draft, &what, cascade)?;
    if in_key {
        without_key(work, &table, draft)?;
    } else {
        draft.write(work)?;
    }
    remove(work, &sequences, true, Some("column"))
}

fn owner(catalog: &CatalogSnapshot, sequence: TableId) -> Option<(TableId, ColumnId)> {
    catalog.table_any_state(sequence)?.sequence()?.owned_by
}

/// Drops what reads a column from elsewhere, or refuses.
fn dependents(
    work: &mut Work<'_>,
    catalog: &Arc<CatalogSnapshot>,
    table: &TableDescriptor,
    id: ColumnId,
    name: &str,
    what: &str,
    cascade: bool,
) -> Result<()> {
    let (mut names, mut views) = (Vec::new(), Vec::new());
    for other in readers(catalog, table, name) {
        names.push(format!("{} {}", ObjectRef::from(&other).noun(), other.name));
        views.push(other.id);
    }
    // Indexes on expressions go with the column, as those on the column itself.
    for column in table.columns.iter().filter(|c| c.id != id && !c.hidden) {
        if let Some(sql) = &column.computed
            && expression::mentions(sql, name)?
        {
            names.push(format!("column {} of table {}", column.name, table.name));
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    if !cascade {
        let reasons: Vec<String> = names.iter().map(|n| format!("{n} depends on {what}")).collect();
        return Err(blocked(what, &reasons));
    }
    cascaded(work, &names)?;
    remove(work, &views, true, Some("column"))
}

/// The views that read a table and mention a name.
pub(super) fn readers(
    catalog: &CatalogSnapshot,
    table: &TableDescriptor,
    name: &str,
) -> Vec<Arc<TableDescriptor>> {
    use crate::catalog::descriptor::TableKind;
    let mentions = |view: &&Arc<TableDescriptor>| match &view.kind {
        TableKind::View { query } | TableKind::MaterializedView { query } => {
            expression::query_mentions(query, name)
        }
        _ => false,
    };
    let others = catalog.dependents(table.id).iter().filter_map(|id| catalog.table_any_state(*id));
    others.filter(|t| t.depends_on.contains(&table.id)).filter(mentions).cloned().collect()
}

/// Writes a table that has lost its primary key: hidden row numbers take its place.
fn without_key(work: &mut Work<'_>, table: &Arc<TableDescriptor>, mut draft: Draft) -> Result<()> {
    draft.table.primary_index.columns.clear();
    draft.add_row_id();
    let indexes = draft.renumber();
    let new = Arc::new(draft.table.clone());
    let position = new.columns.iter().position(|c| c.is_row_id()).unwrap_or_default();
    rewrite(work, table, &new, &indexes, &[(position, Source::RowId)])?;
    draft.write(work)
}

/// Drops a constraint.
pub(super) fn constraint(
    work: &mut Work<'_>,
    id: TableId,
    name: &str,
    if_exists: bool,
    cascade: bool,
) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    if !draft.has_constraint(name) {
        let missing = undefined_constraint(&table, name);
        if if_exists {
            return work.notice(format!("{}, skipping", missing.message()));
        }
        return Err(missing);
    }
    let catalog = work.catalog()?;
    draft.table.checks.retain(|c| c.name != name);
    draft.table.foreign_keys.retain(|f| f.name != name);
    draft.table.indexes.retain(|i| !(i.constraint && i.name == name));
    let what = format!("constraint {name} on table {}", table.name);
    let primary = draft.table.primary_index.name == name && !object::has_row_id(&table);
    if primary {
        draft.table.primary_index.columns.clear();
    }
    release_foreign_keys(work, &catalog, &mut draft, &what, cascade)?;
    if primary { without_key(work, &table, draft) } else { draft.write(work) }
}
