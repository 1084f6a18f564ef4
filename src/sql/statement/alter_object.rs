//! Changes that all objects share: a new name, another owner, another schema.

use std::sync::Arc;

use sqlparser::ast::{Ident, ObjectName};

use super::drop::{find_index, missing, word};
use super::table::temporary;
use super::table::{Draft, rename_in_expressions};
use super::{Outcome, Work, object};
use crate::catalog::descriptor::{Descriptor, DescriptorId, TableDescriptor, TableKind};
use crate::catalog::names::{self, PUBLIC_SCHEMA};
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::{CatalogSnapshot, ObjectRef};
use crate::error::{Error, Result, sqlstate};
use crate::keys::TableId;
use crate::syntax::{AlterObject, AlterObjectAction, AlterSchema, AlterSchemaAction, RelationKind};

/// Runs ALTER of anything with one of the shared changes.
pub fn run(stmt: &AlterObject, work: &mut Work<'_>) -> Result<Outcome> {
    let done = || Outcome::done(format!("ALTER {}", word(stmt.kind).to_uppercase()));
    let found = match stmt.kind {
        RelationKind::Table
        | RelationKind::ForeignTable
        | RelationKind::View
        | RelationKind::MaterializedView
        | RelationKind::Sequence => relation(stmt, work)?,
        RelationKind::Index => index(stmt, work)?,
        RelationKind::Type | RelationKind::Domain => user_type(stmt, work)?,
        RelationKind::Schema => {
            return schema(stmt, work);
        }
        RelationKind::Collation | RelationKind::Extension | RelationKind::Statistics => false,
    };
    if !found {
        let name = object::words(&stmt.name)?.join(".");
        let kind = match stmt.kind {
            RelationKind::Table
            | RelationKind::View
            | RelationKind::Sequence
            | RelationKind::MaterializedView
            | RelationKind::Index => {
                if !stmt.if_exists {
                    return Err(names::undefined("relation", &[&name]));
                }
                work.notice(format!("relation \"{name}\" does not exist, skipping"))?;
                return done();
            }
            kind => kind,
        };
        missing(work, kind, &name, stmt.if_exists)?;
    }
    done()
}

fn relation(stmt: &AlterObject, work: &mut Work<'_>) -> Result<bool> {
    let Some(table) = object::find_relation(work, &stmt.name)? else { return Ok(false) };
    // ALTER TABLE takes any relation, as in PostgreSQL; the others their own kind.
    let right = match table.kind {
        TableKind::Table => stmt.kind == RelationKind::Table,
        TableKind::View { .. } => matches!(stmt.kind, RelationKind::View | RelationKind::Table),
        TableKind::MaterializedView { .. } => {
            matches!(stmt.kind, RelationKind::MaterializedView | RelationKind::Table)
        }
        TableKind::Sequence(_) => {
            matches!(stmt.kind, RelationKind::Sequence | RelationKind::Table)
        }
    };
    if !right {
        return Err(Error::new(
            sqlstate::WRONG_OBJECT_TYPE,
            format!("\"{}\" is not a {}", table.name, word(stmt.kind)),
        ));
    }
    owned(work, ObjectRef::from(&table))?;
    match &stmt.action {
        AlterObjectAction::Rename(name) => rename_relation(work, &table, name)?,
        AlterObjectAction::Owner(owner) => {
            let owner = object::role_name(work, owner);
            give(work, table.id, &owner)?;
        }
        AlterObjectAction::Schema(schema) => move_relation(work, &table, schema)?,
    }
    Ok(true)
}

fn owned(work: &mut Work<'_>, target: ObjectRef<'_>) -> Result<()> {
    object::refuse_system(target.id(), target.name())?;
    let catalog = work.catalog()?;
    privilege::require_owner(&catalog, &work.session.current_user, target)
}

/// Renames a relation. A qualified name moves it too, as in CockroachDB.
pub(super) fn rename_relation(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    name: &ObjectName,
) -> Result<()> {
    let catalog = work.catalog()?;
    object::refuse_views(&catalog, table.id, "rename relation", &table.name)?;
    let words = object::words(name)?;
    let mut draft = Draft::of(&catalog, table)?;
    let new = match words.as_slice() {
        [new] => {
            may_create(work, &catalog, draft.schema.id)?;
            *new
        }
        qualified => {
            let (schema, new) = object::place(work, qualified)?;
            if schema.database != table.database {
                return Err(Error::unsupported("moving a relation to another database"));
            }
            draft.table.schema = schema.id;
            draft.schema = schema;
            new
        }
    };
    if new != table.name || draft.table.schema != table.schema {
        refuse_taken(&catalog, &draft, new)?;
    }
    rename_in_expressions(&mut draft.table, new)?;
    draft.table.name = new.to_owned();
    draft.write(work)
}

fn refuse_taken(catalog: &CatalogSnapshot, draft: &Draft, name: &str) -> Result<()> {
    if object::is_taken(catalog, &draft.schema, name) {
        return Err(Error::new(
            sqlstate::DUPLICATE_TABLE,
            format!("relation \"{name}\" already exists"),
        ));
    }
    Ok(())
}

fn may_create(work: &Work<'_>, catalog: &CatalogSnapshot, schema: DescriptorId) -> Result<()> {
    match catalog.schema_any_state(schema) {
        Some(schema) => {
            privilege::check(catalog, &work.session.current_user, schema, Privilege::Create)
        }
        None => Ok(()),
    }
}

/// Gives a relation to another role, with the sequences that its columns own.
pub(super) fn give(work: &mut Work<'_>, id: TableId, owner: &str) -> Result<()> {
    let catalog = work.catalog()?;
    let Some(table) = catalog.table_any_state(id) else { return Ok(()) };
    object::require_new_owner(work, &catalog, owner, Some(table.schema))?;
    if table.sequence().is_some_and(|s| s.owned_by.is_some()) {
        return Err(Error::unsupported("cannot change owner of sequence")
            .with_detail(format!("Sequence \"{}\" is linked to a table.", table.name)));
    }
    let with: Vec<TableId> =
        std::iter::once(id).chain(catalog.owned_sequences(id).iter().copied()).collect();
    for id in with {
        let Some(table) = catalog.table_any_state(id) else { continue };
        let mut table = table.as_ref().clone();
        owner.clone_into(&mut table.privileges.owner);
        work.server.catalog.write(work.txn, &Descriptor::Table(table))?;
    }
    Ok(())
}

/// Moves a relation to another schema, with the sequences that its columns own.
fn move_relation(work: &mut Work<'_>, table: &Arc<TableDescriptor>, schema: &Ident) -> Result<()> {
    let catalog = work.catalog()?;
    object::refuse_views(&catalog, table.id, "set schema on relation", &table.name)?;
    let words = [schema.value.as_str(), table.name.as_str()];
    if table.sequence().is_some_and(|s| s.owned_by.is_some()) {
        return Err(Error::unsupported("cannot move an owned sequence into another schema")
            .with_detail(format!("Sequence \"{}\" is linked to a table.", table.name)));
    }
    let found = catalog.schema_named(table.database, &schema.value)?;
    let Some(target) = found.cloned() else {
        return Err(names::undefined("schema", &words[..1]));
    };
    if target.id == table.schema {
        return Ok(());
    }
    if table.temporary || temporary::is_reserved(&target.name) {
        return Err(Error::unsupported("cannot move objects into or out of temporary schemas"));
    }
    may_create(work, &catalog, target.id)?;
    work.server.catalog.pin(work.txn, target.id)?;
    let with = std::iter::once(table.id).chain(catalog.owned_sequences(table.id).iter().copied());
    for id in with {
        let Some(table) = catalog.table_any_state(id) else { continue };
        let mut draft = Draft::of(&catalog, table)?;
        draft.schema = Arc::clone(&target);
        draft.table.schema = target.id;
        refuse_taken(&catalog, &draft, &table.name)?;
        draft.write(work)?;
    }
    Ok(())
}

fn index(stmt: &AlterObject, work: &mut Work<'_>) -> Result<bool> {
    let Some((table, index)) = find_index(work, None, &stmt.name)? else { return Ok(false) };
    owned(work, ObjectRef::from(&table))?;
    let AlterObjectAction::Rename(name) = &stmt.action else {
        return Err(Error::unsupported("this change of an index"));
    };
    let words = object::words(name)?;
    let new = words.last().copied().unwrap_or_default();
    let catalog = work.catalog()?;
    let mut draft = Draft::of(&catalog, &table)?;
    refuse_taken(&catalog, &draft, new)?;
    if draft.table.primary_index.id == index {
        draft.table.primary_index.name = new.to_owned();
    }
    for other in draft.table.indexes.iter_mut().filter(|i| i.id == index) {
        other.name = new.to_owned();
    }
    draft.write(work)?;
    Ok(true)
}

fn user_type(stmt: &AlterObject, work: &mut Work<'_>) -> Result<bool> {
    let catalog = work.catalog()?;
    let words = object::words(&stmt.name)?;
    let found = object::scoped(work, &catalog, |s| names::find_type(&catalog, s, &words))?;
    let Some(ty) = found else { return Ok(false) };
    owned(work, ObjectRef::from(&ty))?;
    let mut ty = ty.as_ref().clone();
    match &stmt.action {
        AlterObjectAction::Rename(name) => {
            object::words(name)?.last().copied().unwrap_or_default().clone_into(&mut ty.name);
        }
        AlterObjectAction::Owner(owner) => {
            let owner = object::role_name(work, owner);
            object::require_new_owner(work, &catalog, &owner, Some(ty.schema))?;
            ty.privileges.owner = owner;
        }
        AlterObjectAction::Schema(schema) => {
            let target = catalog
                .schema_named(ty.database, &schema.value)?
                .ok_or_else(|| names::undefined("schema", &[&schema.value]))?;
            may_create(work, &catalog, target.id)?;
            ty.schema = target.id;
        }
    }
    work.server.catalog.write(work.txn, &Descriptor::Type(ty))?;
    Ok(true)
}

fn schema(stmt: &AlterObject, work: &mut Work<'_>) -> Result<Outcome> {
    let action = match &stmt.action {
        AlterObjectAction::Owner(owner) => AlterSchemaAction::Owner(owner.clone()),
        AlterObjectAction::Rename(name) => {
            let words = object::words(name)?;
            AlterSchemaAction::Rename(Ident::new(words.last().copied().unwrap_or(PUBLIC_SCHEMA)))
        }
        AlterObjectAction::Schema(_) => {
            return Err(Error::syntax("a schema has no schema"));
        }
    };
    super::schema::alter(&AlterSchema { name: stmt.name.clone(), action }, work)
}
