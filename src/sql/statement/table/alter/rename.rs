//! RENAME COLUMN and RENAME CONSTRAINT.

use super::current;
use super::remove::readers;
use crate::error::{Error, Result, sqlstate};
use crate::keys::TableId;
use crate::sql::statement::table::expression;
use crate::sql::statement::{Work, object};

/// Renames a column, in the expressions of its table too.
pub(super) fn column(work: &mut Work<'_>, id: TableId, old: &str, new: &str) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    draft.column(old)?;
    if table.column_named(new).is_some() {
        return Err(Error::new(
            sqlstate::DUPLICATE_COLUMN,
            format!("column \"{new}\" of relation \"{}\" already exists", table.name),
        ));
    }
    let catalog = work.catalog()?;
    if let Some(view) = readers(&catalog, &table, old).first() {
        return Err(Error::new(
            sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot rename column \"{old}\" because view \"{}\" depends on it", view.name),
        )
        .with_hint(format!("You can drop {} instead.", view.name)));
    }
    draft.column_mut(old)?.name = new.to_owned();
    for check in &mut draft.table.checks {
        check.expression = expression::rename_column(&check.expression, old, new)?;
    }
    let computed = draft.table.columns.iter_mut().filter_map(|c| c.computed.as_mut());
    let predicates = draft.table.indexes.iter_mut().filter_map(|i| i.predicate.as_mut());
    for sql in computed.chain(predicates) {
        *sql = expression::rename_column(sql, old, new)?;
    }
    draft.write(work)
}

/// Renames a constraint, and the index behind it.
pub(super) fn constraint(work: &mut Work<'_>, id: TableId, old: &str, new: &str) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    if !draft.has_constraint(old) {
        return Err(Error::new(
            sqlstate::UNDEFINED_OBJECT,
            format!("constraint \"{old}\" for table \"{}\" does not exist", table.name),
        ));
    }
    draft.check_constraint_name(new)?;
    let catalog = work.catalog()?;
    let rename = |name: &mut String| {
        if name == old {
            new.clone_into(name);
        }
    };
    draft.table.checks.iter_mut().for_each(|c| rename(&mut c.name));
    draft.table.foreign_keys.iter_mut().for_each(|f| rename(&mut f.name));
    if object::has_index(&table, old) {
        if draft.is_taken(&catalog, new) {
            return Err(Error::new(
                sqlstate::DUPLICATE_TABLE,
                format!("relation \"{new}\" already exists"),
            ));
        }
        rename(&mut draft.table.primary_index.name);
        draft.table.indexes.iter_mut().for_each(|i| rename(&mut i.name));
    }
    draft.write(work)
}
