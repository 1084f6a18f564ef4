//! ALTER TABLE: one action after the other, each on the table as the one before left it.
//!
//! Actions run in PostgreSQL's order, not in that of the text: what is dropped goes first, then
//! types change, columns are added, and constraints come last, so that they find their columns.

mod add;
mod change;
mod online;
mod remove;
mod rename;
mod retype;

use std::sync::Arc;

use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation as Action, Ident, Owner,
    RenameTableNameKind,
};

use super::create::storage_parameter;
use super::draft::Draft;
use crate::catalog::descriptor::{TableDescriptor, TableKind};
use crate::catalog::privilege;
use crate::error::{Error, Result, sqlstate};
use crate::keys::TableId;
use crate::mvcc::WaitPolicy;
use crate::sql::statement::{Outcome, Work, alter_object, object, schema_change};

/// Runs ALTER TABLE.
pub fn run(stmt: &AlterTable, work: &mut Work<'_>) -> Result<Outcome> {
    let done = || Outcome::done("ALTER TABLE");
    if stmt.location.is_some() || stmt.on_cluster.is_some() || stmt.table_type.is_some() {
        return Err(Error::unsupported("this form of ALTER TABLE"));
    }
    let Some(found) = object::find_relation(work, &stmt.name)? else {
        if stmt.if_exists {
            let name = object::words(&stmt.name)?.join(".");
            work.notice(format!("relation \"{name}\" does not exist, skipping"))?;
            return done();
        }
        object::relation(work, &stmt.name)?;
        return Err(Error::internal("a table appeared"));
    };
    object::refuse_system(found.id, &found.name)?;
    let catalog = work.catalog()?;
    privilege::require_owner(&catalog, &work.session.current_user, &found)?;
    let online = stmt.operations.len() == 1 && schema_change::is_online(work, &found)?;
    object::hold(work, found.id, WaitPolicy::Wait)?;
    if let [action] = stmt.operations.as_slice()
        && online
        && let Some(outcome) = online::run(work, found.id, action)?
    {
        return Ok(outcome);
    }
    let mut actions: Vec<&Action> = stmt.operations.iter().collect();
    actions.sort_by_key(|action| pass(action));
    let mut constraints = Vec::new();
    for action in actions {
        // Constraints of added columns come before those that need them.
        if pass(action) > 2 {
            for constraint in std::mem::take(&mut constraints) {
                add::constraint(work, found.id, &constraint, true)?;
            }
        }
        apply(work, found.id, action, &mut constraints)?;
    }
    for constraint in constraints {
        add::constraint(work, found.id, &constraint, true)?;
    }
    done()
}

/// When an action has its turn.
fn pass(action: &Action) -> u8 {
    use AlterColumnOperation as C;
    match action {
        Action::DropColumn { .. }
        | Action::DropConstraint { .. }
        | Action::DropPrimaryKey { .. }
        | Action::DropForeignKey { .. } => 0,
        Action::AlterColumn { op: C::SetDataType { .. }, .. } => 1,
        Action::AddColumn { .. } => 2,
        Action::AddConstraint { constraint, .. } => match constraint {
            sqlparser::ast::TableConstraint::ForeignKey(_) => 5,
            _ => 4,
        },
        _ => 3,
    }
}

/// Constraints of added columns, still to be added.
type Waiting = Vec<sqlparser::ast::TableConstraint>;

/// The table as it is now.
fn current(work: &mut Work<'_>, id: TableId) -> Result<(Arc<TableDescriptor>, Draft)> {
    let catalog = work.catalog()?;
    let table = catalog
        .table_any_state(id)
        .cloned()
        .ok_or_else(|| Error::internal("a table went missing"))?;
    let draft = Draft::of(&catalog, &table)?;
    Ok((table, draft))
}

fn apply(work: &mut Work<'_>, id: TableId, action: &Action, waiting: &mut Waiting) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    let any = matches!(
        action,
        Action::RenameColumn { .. } | Action::RenameTable { .. } | Action::OwnerTo { .. }
    );
    if !any && !matches!(table.kind, TableKind::Table) {
        return Err(Error::new(
            sqlstate::WRONG_OBJECT_TYPE,
            format!("\"{}\" is not a table", table.name),
        ));
    }
    match action {
        Action::AddColumn { if_not_exists, column_def, column_position, .. } => {
            if column_position.is_some() {
                return Err(Error::unsupported("the position of a column"));
            }
            add::column(work, id, column_def, *if_not_exists, waiting)
        }
        Action::AddConstraint { constraint, not_valid } => {
            add::constraint(work, id, constraint, !not_valid)
        }
        Action::ValidateConstraint { name } => add::validate(work, id, &name.value),
        Action::DropColumn { column_names, if_exists, drop_behavior, .. } => {
            let cascade = *drop_behavior == Some(sqlparser::ast::DropBehavior::Cascade);
            for name in column_names {
                remove::column(work, id, &name.value, *if_exists, cascade)?;
            }
            Ok(())
        }
        Action::DropConstraint { if_exists, name, drop_behavior } => {
            let cascade = *drop_behavior == Some(sqlparser::ast::DropBehavior::Cascade);
            remove::constraint(work, id, &name.value, *if_exists, cascade)
        }
        Action::AlterColumn { column_name, op } => alter_column(work, id, column_name, op),
        Action::RenameColumn { old_column_name, new_column_name } => {
            rename::column(work, id, &old_column_name.value, &new_column_name.value)
        }
        Action::RenameConstraint { old_name, new_name } => {
            rename::constraint(work, id, &old_name.value, &new_name.value)
        }
        Action::RenameTable { table_name } => {
            let (RenameTableNameKind::As(name) | RenameTableNameKind::To(name)) = table_name;
            alter_object::rename_relation(work, &table, name)
        }
        Action::OwnerTo { new_owner } => {
            let owner = match new_owner {
                Owner::Ident(ident) => object::role_name(work, ident),
                Owner::CurrentRole | Owner::CurrentUser => work.session.current_user.to_string(),
                Owner::SessionUser => work.session.session_user.to_string(),
            };
            alter_object::give(work, id, &owner)
        }
        Action::SetOptionsParens { options } => {
            for option in options {
                let (name, value) = storage_parameter(option)?;
                draft.table.storage_parameters.retain(|(n, _)| *n != name);
                draft.table.storage_parameters.push((name, value));
            }
            draft.write(work)
        }
        // Every table is logged, and stays so.
        Action::SetLogged => Ok(()),
        other => Err(Error::unsupported(format!("ALTER TABLE … {}", first_words(other)))),
    }
}

/// The leading keywords of an action, to name it without showing the rest.
fn first_words(action: &Action) -> String {
    let text = action.to_string();
    let words: Vec<&str> = text
        .split_whitespace()
        .take(3)
        .take_while(|word| word.bytes().all(|b| b.is_ascii_uppercase()))
        .collect();
    words.join(" ")
}

fn alter_column(
    work: &mut Work<'_>,
    id: TableId,
    name: &Ident,
    op: &AlterColumnOperation,
) -> Result<()> {
    let name = name.value.as_str();
    match op {
        AlterColumnOperation::SetNotNull => change::set_not_null(work, id, name),
        AlterColumnOperation::DropNotNull => change::drop_not_null(work, id, name),
        AlterColumnOperation::SetDefault { value } => change::set_default(work, id, name, value),
        AlterColumnOperation::DropDefault => change::drop_default(work, id, name),
        AlterColumnOperation::SetDataType { data_type, using, .. } => {
            retype::column(work, id, name, data_type, using.as_ref())
        }
        AlterColumnOperation::AddGenerated { generated_as, sequence_options } => {
            change::add_identity(
                work,
                id,
                name,
                generated_as.as_ref(),
                sequence_options.as_deref().unwrap_or_default(),
            )
        }
    }
}
