//! DROP of relations, indexes, types and schemas; and what goes, or must not go, with them.
//!
//! Rows stay where they are: a descriptor of yesterday still names them, and whoever reads the past
//! finds them until garbage collection passes.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlparser::ast::ObjectName;

use super::table::{Draft, temporary};
use super::{Outcome, Work, object, schema_change};
use crate::catalog::descriptor::{
    ColumnId, Descriptor, DescriptorId, SchemaDescriptor, TableDescriptor, TableKind,
};
use crate::catalog::names::{self, PUBLIC_SCHEMA};
use crate::catalog::user_type::types_in;
use crate::catalog::{CatalogSnapshot, ObjectRef, privilege};
use crate::error::{Error, Result, sqlstate};
use crate::keys::{IndexId, TableId};
use crate::mvcc::WaitPolicy;
use crate::sql::client::Severity;
use crate::sql::exec::write::foreign_key::unique_index;
use crate::syntax::{Drop, DropBehavior, DropName, RelationKind};

/// Runs DROP.
pub fn run(stmt: &Drop, work: &mut Work<'_>) -> Result<Outcome> {
    match stmt.kind {
        RelationKind::Index => indexes(stmt, work)?,
        RelationKind::Schema => schemas(stmt, work)?,
        RelationKind::Type => types(stmt, work)?,
        RelationKind::Table
        | RelationKind::View
        | RelationKind::MaterializedView
        | RelationKind::Sequence => relations(stmt, work)?,
        RelationKind::ForeignTable
        | RelationKind::Domain
        | RelationKind::Collation
        | RelationKind::Extension
        | RelationKind::Statistics => absent(stmt, work)?,
    }
    Outcome::done(format!("DROP {}", word(stmt.kind).to_uppercase()))
}

/// What PostgreSQL's messages call a kind.
pub(super) fn word(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Table => "table",
        RelationKind::ForeignTable => "foreign table",
        RelationKind::View => "view",
        RelationKind::MaterializedView => "materialized view",
        RelationKind::Index => "index",
        RelationKind::Sequence => "sequence",
        RelationKind::Schema => "schema",
        RelationKind::Type => "type",
        RelationKind::Domain => "domain",
        RelationKind::Collation => "collation",
        RelationKind::Extension => "extension",
        RelationKind::Statistics => "statistics object",
    }
}

/// Whether a relation is of a kind; 42809 if it is not.
pub(super) fn check_kind(kind: RelationKind, table: &TableDescriptor) -> Result<()> {
    let right = match table.kind {
        TableKind::Table => kind == RelationKind::Table,
        TableKind::View { .. } => kind == RelationKind::View,
        TableKind::MaterializedView { .. } => kind == RelationKind::MaterializedView,
        TableKind::Sequence(_) => kind == RelationKind::Sequence,
    };
    if right {
        return Ok(());
    }
    let own = ObjectRef::from(table).noun();
    let article = if kind == RelationKind::Index { "an" } else { "a" };
    Err(Error::new(
        sqlstate::WRONG_OBJECT_TYPE,
        format!("\"{}\" is not {article} {}", table.name, word(kind)),
    )
    .with_hint(format!("Use DROP {} to remove a {own}.", own.to_uppercase())))
}

/// The answer to a name that nothing has: a notice with IF EXISTS, else an error.
pub(super) fn missing(
    work: &mut Work<'_>,
    kind: RelationKind,
    name: &str,
    if_exists: bool,
) -> Result<()> {
    let kind_word = word(kind);
    if if_exists {
        return work.notice(format!("{kind_word} \"{name}\" does not exist, skipping"));
    }
    let code = match kind {
        RelationKind::Schema => sqlstate::INVALID_SCHEMA_NAME,
        RelationKind::Table
        | RelationKind::ForeignTable
        | RelationKind::View
        | RelationKind::MaterializedView
        | RelationKind::Sequence => sqlstate::UNDEFINED_TABLE,
        _ => sqlstate::UNDEFINED_OBJECT,
    };
    Err(Error::new(code, format!("{kind_word} \"{name}\" does not exist")))
}

fn cascades(stmt: &Drop) -> bool {
    stmt.behavior == Some(DropBehavior::Cascade)
}

/// Kinds of which there are none.
fn absent(stmt: &Drop, work: &mut Work<'_>) -> Result<()> {
    for name in &stmt.names {
        missing(work, stmt.kind, &name.name.to_string(), stmt.if_exists)?;
    }
    Ok(())
}

fn relations(stmt: &Drop, work: &mut Work<'_>) -> Result<()> {
    let mut roots = Vec::new();
    for DropName { name, .. } in &stmt.names {
        let Some(table) = object::find_relation(work, name)? else {
            missing(work, stmt.kind, &object::words(name)?.join("."), stmt.if_exists)?;
            continue;
        };
        check_kind(stmt.kind, &table)?;
        let catalog = work.catalog()?;
        require_owner_of(work, &catalog, ObjectRef::from(&table))?;
        roots.push(table.id);
    }
    remove(work, &roots, cascades(stmt), None)
}

/// The owner of the object, or of the schema that it is in.
fn require_owner_of(
    work: &Work<'_>,
    catalog: &CatalogSnapshot,
    target: ObjectRef<'_>,
) -> Result<()> {
    object::refuse_system(target.id(), target.name())?;
    let role = &work.session.current_user;
    let schema = match target {
        ObjectRef::Table(t) => catalog.schema_any_state(t.schema),
        ObjectRef::Type(t) => catalog.schema_any_state(t.schema),
        _ => None,
    };
    if schema.is_some_and(|schema| privilege::owns(catalog, role, schema)) {
        return Ok(());
    }
    privilege::require_owner(catalog, role, target)
}

fn types(stmt: &Drop, work: &mut Work<'_>) -> Result<()> {
    let mut roots = Vec::new();
    for DropName { name, .. } in &stmt.names {
        let catalog = work.catalog()?;
        let words = object::words(name)?;
        let found = object::scoped(work, &catalog, |s| names::find_type(&catalog, s, &words))?;
        let Some(ty) = found else {
            missing(work, stmt.kind, &words.join("."), stmt.if_exists)?;
            continue;
        };
        require_owner_of(work, &catalog, ObjectRef::from(&ty))?;
        roots.push(ty.id);
    }
    remove(work, &roots, cascades(stmt), None)
}

fn schemas(stmt: &Drop, work: &mut Work<'_>) -> Result<()> {
    for DropName { name, .. } in &stmt.names {
        let catalog = work.catalog()?;
        let words = object::words(name)?;
        let schema =
            match object::scoped(work, &catalog, |s| names::resolve_schema(&catalog, s, &words)) {
                Ok(schema) => schema,
                Err(e) if e.code() == sqlstate::INVALID_SCHEMA_NAME => {
                    missing(work, stmt.kind, &words.join("."), stmt.if_exists)?;
                    continue;
                }
                Err(e) => return Err(e),
            };
        object::refuse_system(schema.id, &schema.name)?;
        privilege::require_owner(&catalog, &work.session.current_user, &schema)?;
        if schema.name == PUBLIC_SCHEMA || temporary::is_reserved(&schema.name) {
            return Err(Error::new(
                sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
                format!(
                    "cannot drop schema {} because it is required by the database system",
                    schema.name
                ),
            ));
        }
        if cascades(stmt) {
            schema_with_contents(work, &schema)?;
            continue;
        }
        let inside: Vec<String> = contents(&catalog, &schema)
            .into_iter()
            .filter_map(|id| catalog.descriptor(id))
            .map(|o| format!("{} {} depends on schema {}", o.noun(), o.name(), schema.name))
            .collect();
        if !inside.is_empty() {
            return Err(blocked(&format!("schema {}", schema.name), &inside));
        }
        delete(work, schema.id)?;
    }
    Ok(())
}

fn contents(catalog: &CatalogSnapshot, schema: &SchemaDescriptor) -> Vec<DescriptorId> {
    let tables = catalog.tables_in_any_state(schema.id).map(|t| t.id);
    tables.chain(catalog.types_in(schema.id).map(|t| t.id)).collect()
}

/// Drops a schema and everything in it.
pub(super) fn schema_with_contents(
    work: &mut Work<'_>,
    schema: &Arc<SchemaDescriptor>,
) -> Result<()> {
    let catalog = work.catalog()?;
    let roots = contents(&catalog, schema);
    remove(work, &roots, true, Some(&format!("schema {}", schema.name)))?;
    delete(work, schema.id)
}

/// Drops objects and what depends on them, without a word.
pub(super) fn with_dependents(work: &mut Work<'_>, ids: &[DescriptorId]) -> Result<()> {
    remove(work, ids, true, Some("session"))
}

/// Drops everything in a database, and the database.
pub(super) fn database_with_contents(work: &mut Work<'_>, id: DescriptorId) -> Result<()> {
    let catalog = work.catalog()?;
    let schemas: Vec<_> = catalog.schemas_any_state(id).cloned().collect();
    let roots: Vec<_> = schemas.iter().flat_map(|s| contents(&catalog, s)).collect();
    remove(work, &roots, true, Some("database"))?;
    for schema in schemas {
        delete(work, schema.id)?;
    }
    delete(work, id)
}

fn delete(work: &mut Work<'_>, id: DescriptorId) -> Result<()> {
    let catalog = work.catalog()?;
    match catalog.descriptor(id) {
        Some(object) => work.server.catalog.delete(work.txn, &object.to_descriptor()),
        None => Ok(()),
    }
}

/// What dropping some objects takes.
#[derive(Default)]
struct Doomed {
    /// The objects, in the order in which they were found.
    objects: Vec<DescriptorId>,
    /// Foreign keys of tables that stay.
    constraints: Vec<(TableId, String)>,
    /// Defaults of columns of tables that stay.
    defaults: Vec<(TableId, ColumnId)>,
    /// Whether a column, default or constraint of a table that stays needs a type.
    type_in_use: bool,
    /// `view v depends on table t`, for what nobody asked to drop.
    reasons: Vec<String>,
    /// `view v`, for the same.
    also: Vec<String>,
}

fn doomed(catalog: &CatalogSnapshot, roots: &[DescriptorId]) -> Doomed {
    let mut all = Doomed::default();
    let mut seen: BTreeSet<DescriptorId> = roots.iter().copied().collect();
    let mut open: Vec<DescriptorId> = roots.iter().rev().copied().collect();
    while let Some(id) = open.pop() {
        all.objects.push(id);
        let Some(object) = catalog.descriptor(id) else { continue };
        let this = format!("{} {}", object.noun(), object.name());
        for sequence in catalog.owned_sequences(id) {
            if seen.insert(*sequence) {
                open.push(*sequence);
            }
        }
        for other in catalog.dependents(id) {
            let Some(table) = catalog.table_any_state(*other) else { continue };
            if seen.contains(other) {
                continue;
            }
            let is_type = matches!(object, ObjectRef::Type(_));
            if table.depends_on.contains(&id) || (is_type && !holds_rows(table)) {
                seen.insert(*other);
                open.push(*other);
                let name = format!("{} {}", ObjectRef::from(table).noun(), table.name);
                all.reasons.push(format!("{name} depends on {this}"));
                all.also.push(name);
                continue;
            }
            if is_type {
                all.type_in_use = true;
                all.reasons.extend(
                    uses_of_type(table, id).map(|use_| format!("{use_} depends on {this}")),
                );
                continue;
            }
            let owner = catalog.table_any_state(id).and_then(|t| t.sequence()?.owned_by);
            for column in table.columns.iter().filter(|c| c.uses_sequences.contains(&id)) {
                // The column is going, and its sequence with it.
                if owner == Some((table.id, column.id)) && seen.contains(&table.id) {
                    continue;
                }
                let name =
                    format!("default value for column {} of table {}", column.name, table.name);
                all.reasons.push(format!("{name} depends on {this}"));
                all.also.push(name);
                all.defaults.push((table.id, column.id));
            }
        }
        for (child, position) in catalog.inbound_foreign_keys(id) {
            let Some(table) = catalog.table_any_state(*child) else { continue };
            let Some(key) = table.foreign_keys.get(*position) else { continue };
            if seen.contains(child) {
                continue;
            }
            let name = format!("constraint {} on table {}", key.name, table.name);
            all.reasons.push(format!("{name} depends on {this}"));
            all.also.push(name);
            all.constraints.push((table.id, key.name.clone()));
        }
    }
    all.constraints.retain(|(table, _)| !seen.contains(table));
    all.defaults.retain(|(table, _)| !seen.contains(table));
    all
}

/// Whether an object is a table whose columns and constraints are its own.
fn holds_rows(table: &TableDescriptor) -> bool {
    table.kind == TableKind::Table
}

/// What of a table needs a type, in PostgreSQL's words.
fn uses_of_type(table: &TableDescriptor, id: DescriptorId) -> impl Iterator<Item = String> {
    let columns = table.columns.iter().filter(move |c| c.types_used().any(|used| used == id));
    let columns = columns.map(|c| format!("column {} of table {}", c.name, table.name));
    let checks = table.checks.iter().filter(move |c| types_in(&c.expression).contains(&id));
    let checks = checks.map(|c| format!("constraint {} on table {}", c.name, table.name));
    let partial = table.all_indexes().filter(move |index| {
        index.predicate.as_deref().is_some_and(|sql| types_in(sql).contains(&id))
    });
    columns.chain(checks).chain(partial.map(|index| format!("index {}", index.name)))
}

/// "cannot drop x because other objects depend on it".
pub(super) fn blocked(what: &str, reasons: &[String]) -> Error {
    Error::new(
        sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop {what} because other objects depend on it"),
    )
    .with_detail(reasons.join("\n"))
    .with_hint("Use DROP ... CASCADE to drop the dependent objects too.")
}

/// Tells what went beyond what was asked for.
pub(super) fn cascaded(work: &mut Work<'_>, also: &[String]) -> Result<()> {
    let notice = match also {
        [] => return Ok(()),
        [one] => Error::new(sqlstate::SUCCESSFUL_COMPLETION, format!("drop cascades to {one}")),
        many => {
            let lines: Vec<String> =
                many.iter().map(|name| format!("drop cascades to {name}")).collect();
            let count = many.len();
            let text = format!("drop cascades to {count} other objects");
            Error::new(sqlstate::SUCCESSFUL_COMPLETION, text).with_detail(lines.join("\n"))
        }
    };
    work.client.notice(Severity::Notice, &notice)
}

/// Drops objects, and with CASCADE what depends on them. `within` names what they are part of if
/// they were not named themselves: then all of them count as going along.
pub(super) fn remove(
    work: &mut Work<'_>,
    roots: &[DescriptorId],
    cascade: bool,
    within: Option<&str>,
) -> Result<()> {
    if roots.is_empty() {
        return Ok(());
    }
    let catalog = work.catalog()?;
    let doomed = doomed(&catalog, roots);
    if !cascade && !doomed.reasons.is_empty() {
        return Err(match roots {
            [one] => {
                let what = catalog
                    .descriptor(*one)
                    .map_or_else(String::new, |o| format!("{} {}", o.noun(), o.name()));
                blocked(&what, &doomed.reasons)
            }
            _ => Error::new(
                sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
                "cannot drop desired object(s) because other objects depend on them",
            )
            .with_detail(doomed.reasons.join("\n"))
            .with_hint("Use DROP ... CASCADE to drop the dependent objects too."),
        });
    }
    if doomed.type_in_use {
        return Err(Error::unsupported("DROP … CASCADE of a type that columns have")
            .with_detail(doomed.reasons.join("\n"))
            .with_hint("Drop the columns first, or give them another type."));
    }
    let mut also = doomed.also;
    if within.is_some_and(|what| what.starts_with("schema")) {
        let named = roots.iter().filter_map(|id| catalog.descriptor(*id));
        also.splice(0..0, named.map(|o| format!("{} {}", o.noun(), o.name())));
    }
    if within.is_none_or(|what| what.starts_with("schema")) {
        cascaded(work, &also)?;
    }
    for (table, name) in doomed.constraints {
        change(work, table, |t| t.foreign_keys.retain(|f| f.name != name))?;
    }
    for (table, column) in doomed.defaults {
        change(work, table, |t| {
            for c in t.columns.iter_mut().filter(|c| c.id == column) {
                c.default = None;
                c.identity = None;
                c.uses_sequences.clear();
            }
        })?;
    }
    for id in doomed.objects {
        delete(work, id)?;
    }
    Ok(())
}

/// Changes a table that stays.
fn change(
    work: &mut Work<'_>,
    id: TableId,
    change: impl FnOnce(&mut TableDescriptor),
) -> Result<()> {
    let catalog = work.catalog()?;
    let Some(table) = catalog.table_any_state(id) else { return Ok(()) };
    let mut table = table.as_ref().clone();
    change(&mut table);
    work.server.catalog.write(work.txn, &Descriptor::Table(table))
}

/// The table and index that a name means.
pub(super) fn find_index(
    work: &mut Work<'_>,
    on: Option<&ObjectName>,
    name: &ObjectName,
) -> Result<Option<(Arc<TableDescriptor>, IndexId)>> {
    let words = object::words(name)?;
    if let Some(on) = on {
        let table = object::relation(work, on)?;
        let index = table.index_named(words.last().copied().unwrap_or_default()).map(|i| i.id);
        return Ok(index.map(|index| (table, index)));
    }
    let catalog = work.catalog()?;
    object::scoped(work, &catalog, |scope| names::find_index(&catalog, scope, &words))
}

fn indexes(stmt: &Drop, work: &mut Work<'_>) -> Result<()> {
    if stmt.concurrently && work.explicit {
        return Err(Error::new(
            sqlstate::ACTIVE_SQL_TRANSACTION,
            "DROP INDEX CONCURRENTLY cannot run inside a transaction block",
        ));
    }
    for DropName { on, name } in &stmt.names {
        let Some((table, index)) = find_index(work, on.as_ref(), name)? else {
            if let Some(table) = object::find_relation(work, name)? {
                check_kind(stmt.kind, &table)?;
            }
            refuse_in_the_making(work, name)?;
            missing(work, stmt.kind, &object::words(name)?.join("."), stmt.if_exists)?;
            continue;
        };
        let catalog = work.catalog()?;
        require_owner_of(work, &catalog, ObjectRef::from(&table))?;
        let table = object::hold(work, table.id, WaitPolicy::Wait)?;
        let catalog = work.catalog()?;
        drop_index(work, &catalog, &table, index, cascades(stmt))?;
    }
    Ok(())
}

/// Fails with 55006 if a name means an index that is being added to a table in use.
fn refuse_in_the_making(work: &mut Work<'_>, name: &ObjectName) -> Result<()> {
    let catalog = work.catalog()?;
    let own = object::words(name)?.last().copied().unwrap_or_default().to_owned();
    let database = names::resolve_database(&catalog, &work.session.database)?.id;
    for table in catalog.tables_any_state().filter(|table| table.database == database) {
        for mutation in &table.mutations {
            if mutation.index().is_some_and(|index| index.name == own) {
                return Err(schema_change::in_progress(table, mutation.job));
            }
        }
    }
    Ok(())
}

fn drop_index(
    work: &mut Work<'_>,
    catalog: &Arc<CatalogSnapshot>,
    table: &Arc<TableDescriptor>,
    id: IndexId,
    cascade: bool,
) -> Result<()> {
    let Some(index) = table.index(id) else { return Ok(()) };
    if index.constraint || id == table.primary_index.id {
        return Err(Error::new(
            sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
            format!(
                "cannot drop index {0} because constraint {0} on table {1} requires it",
                index.name, table.name
            ),
        )
        .with_hint(format!(
            "You can drop constraint {} on table {} instead.",
            index.name, table.name
        )));
    }
    let what = format!("index {}", index.name);
    let mut draft = Draft::of(catalog, table)?;
    draft.table.indexes.retain(|i| i.id != id);
    draft.drop_unused_expressions();
    release_foreign_keys(work, catalog, &mut draft, &what, cascade)?;
    draft.write(work)
}

/// Drops the foreign keys that refer to keys which a changed table does not have any more, or
/// refuses if that is not wanted.
pub(super) fn release_foreign_keys(
    work: &mut Work<'_>,
    catalog: &Arc<CatalogSnapshot>,
    draft: &mut Draft,
    what: &str,
    cascade: bool,
) -> Result<()> {
    let mut lost = Vec::new();
    for (child, position) in catalog.inbound_foreign_keys(draft.table.id) {
        let Some(table) = catalog.table_any_state(*child) else { continue };
        let Some(key) = table.foreign_keys.get(*position) else { continue };
        let own = table.id == draft.table.id;
        let gone = own && !draft.table.foreign_keys.iter().any(|f| f.name == key.name);
        if !gone && unique_index(&draft.table, &key.referenced_columns).is_none() {
            lost.push((table.id, table.name.clone(), key.name.clone()));
        }
    }
    let names: Vec<String> =
        lost.iter().map(|(_, table, name)| format!("constraint {name} on table {table}")).collect();
    if !cascade && !names.is_empty() {
        let reasons: Vec<String> =
            names.iter().map(|name| format!("{name} depends on {what}")).collect();
        return Err(blocked(what, &reasons));
    }
    cascaded(work, &names)?;
    for (child, _, name) in lost {
        if child == draft.table.id {
            draft.table.foreign_keys.retain(|f| f.name != name);
        } else {
            change(work, child, |t| t.foreign_keys.retain(|f| f.name != name))?;
        }
    }
    Ok(())
}
