//! Actions that a job carries through while the table stays in use.

use sqlparser::ast::{AlterColumnOperation, AlterTableOperation as Action, TableConstraint};

use super::{add, current, retype};
use crate::catalog::mutation::Change;
use crate::error::Result;
use crate::keys::TableId;
use crate::sql::statement::schema_change::{self, Wanted};
use crate::sql::statement::table::constraint::{self as constraints, Added};
use crate::sql::statement::table::draft::Draft;
use crate::sql::statement::{Outcome, Work, object};

/// Begins an action as a job; `None` if it is done at once.
pub(super) fn run(work: &mut Work<'_>, id: TableId, action: &Action) -> Result<Option<Outcome>> {
    let (table, mut draft) = current(work, id)?;
    let change = match action {
        Action::AddConstraint { constraint, not_valid: false } => {
            added(work, &mut draft, constraint)?
        }
        Action::ValidateConstraint { name } => {
            let name = &name.value;
            let waits = table.checks.iter().any(|c| c.name == *name && c.not_valid)
                || table.foreign_keys.iter().any(|f| f.name == *name && f.not_valid);
            waits.then(|| Change::Constraint { name: name.clone(), stays: true })
        }
        Action::AlterColumn { column_name, op: AlterColumnOperation::SetNotNull } => {
            let column = draft.column(&column_name.value)?;
            column.nullable.then_some(Change::NotNull { column: column.id })
        }
        Action::AddColumn { column_def, column_position: None, .. } => {
            add::online(work, &table, &mut draft, column_def)?
        }
        Action::AlterColumn {
            column_name,
            op: AlterColumnOperation::SetDataType { data_type, using, .. },
        } => {
            retype::online(work, &table, &mut draft, &column_name.value, data_type, using.as_ref())?
        }
        _ => None,
    };
    let Some(change) = change else { return Ok(None) };
    let catalog = work.catalog()?;
    let description = format!("ALTER TABLE {} {action}", object::qualified(&catalog, &table));
    let wanted = Wanted { change, description, tag: "ALTER TABLE" };
    schema_change::begin(work, draft, wanted).map(Some)
}

fn added(
    work: &mut Work<'_>,
    draft: &mut Draft,
    constraint: &TableConstraint,
) -> Result<Option<Change>> {
    if matches!(constraint, TableConstraint::PrimaryKey(_)) {
        return Ok(None);
    }
    let name = match constraints::add(work, draft, constraint)? {
        Added::Primary => return Ok(None),
        Added::Index(index) => return schema_change::index_of(draft, index).map(Some),
        Added::Check(name) | Added::ForeignKey(name) => name,
    };
    draft.set_validated(&name, false);
    Ok(Some(Change::Constraint { name, stays: false }))
}
