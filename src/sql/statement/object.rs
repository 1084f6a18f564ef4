//! What statements that define things share: names as the tree has them, objects kept to oneself,
//! expressions bound and evaluated outside of any query.

use std::sync::Arc;

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{DescriptorId, SchemaDescriptor, TableDescriptor};
use crate::catalog::names::{self, Scope};
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::role::{PUBLIC, RoleOption};
use crate::catalog::system::FIRST_USER_ID;
use crate::error::{Error, Result, sqlstate};
use crate::keys::table_span;
use crate::mvcc::{Changed, WaitPolicy};
use crate::sql::bind::{BindContext, BoundStatement};
use crate::sql::exec;
use crate::sql::exec::batch::Batch;
use crate::sql::query::Planned;
use crate::sql::statement::table::temporary;
use crate::sql::statement::{Work, schema_change};
use crate::syntax::quote_identifier;

/// The identifiers of a dotted name as text.
pub(super) fn words(name: &ObjectName) -> Result<Vec<&str>> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Ok(ident.value.as_str()),
            ObjectNamePart::Function(_) => Err(Error::unsupported("a computed name")),
        })
        .collect()
}

/// The names of a list of identifiers.
pub(super) fn values(idents: &[Ident]) -> Vec<&str> {
    idents.iter().map(|ident| ident.value.as_str()).collect()
}

/// Looks something up where the session looks for names, its temporary schema first.
pub(super) fn scoped<T>(
    work: &Work<'_>,
    catalog: &CatalogSnapshot,
    look: impl FnOnce(Scope<'_>) -> Result<T>,
) -> Result<T> {
    let own = temporary::schema_name(work.session.backend_pid);
    look(Scope { temp_schema: Some(&own), ..work.scope(catalog)? })
}

/// The relation with a name.
pub(super) fn relation(work: &mut Work<'_>, name: &ObjectName) -> Result<Arc<TableDescriptor>> {
    let catalog = work.catalog()?;
    scoped(work, &catalog, |scope| names::resolve_relation(&catalog, scope, &words(name)?))
}

/// The relation with a name, if there is one.
pub(super) fn find_relation(
    work: &mut Work<'_>,
    name: &ObjectName,
) -> Result<Option<Arc<TableDescriptor>>> {
    let catalog = work.catalog()?;
    scoped(work, &catalog, |scope| names::find_relation(&catalog, scope, &words(name)?))
}

/// A table's name in full, each part quoted where it must be.
pub(super) fn qualified(catalog: &CatalogSnapshot, table: &TableDescriptor) -> String {
    names::qualified_name(catalog, table).map(|part| quote_identifier(&part)).join(".")
}

/// Refuses to change what the server itself keeps.
pub(super) fn refuse_system(id: DescriptorId, name: &str) -> Result<()> {
    if id >= FIRST_USER_ID {
        return Ok(());
    }
    Err(Error::new(
        sqlstate::INSUFFICIENT_PRIVILEGE,
        format!("permission denied: \"{name}\" is a system catalog"),
    ))
}

/// Where a new object goes, its name, and that the role in force may put it there. The schema stays
/// as it is until the transaction ends.
pub(super) fn place<'n>(
    work: &mut Work<'_>,
    parts: &[&'n str],
) -> Result<(Arc<SchemaDescriptor>, &'n str)> {
    let catalog = work.catalog()?;
    let (schema, name) =
        scoped(work, &catalog, |scope| names::resolve_schema_for_create(&catalog, scope, parts))?;
    refuse_system(schema.id, &schema.name)?;
    privilege::check(&catalog, &work.session.current_user, &schema, Privilege::Create)?;
    work.server.catalog.pin(work.txn, schema.id)?;
    Ok((schema, name))
}

/// Whether a name is taken by a relation, type or index of a schema.
pub(super) fn is_taken(catalog: &CatalogSnapshot, schema: &SchemaDescriptor, name: &str) -> bool {
    catalog.named_any_state((schema.database, schema.id), name).is_some()
        || catalog.tables_in_any_state(schema.id).any(|t| has_index(t, name))
}

/// Whether a table has an index with a name that people know: that of hidden row numbers is none.
pub(super) fn has_index(table: &TableDescriptor, name: &str) -> bool {
    let primary = &table.primary_index;
    let known = table.has_rows() && !primary.columns.is_empty() && !has_row_id(table);
    let of_forms = table.forms().flat_map(|form| &form.table.indexes);
    (known && primary.name == name)
        || table.written_indexes().chain(of_forms).any(|i| i.name == name)
}

/// Whether the rows of a table are told apart by a hidden number.
pub(super) fn has_row_id(table: &TableDescriptor) -> bool {
    let mut columns = table.primary_index.columns.iter();
    columns.any(|c| table.column(c.column).is_some_and(|c| c.hidden))
}

/// Keeps a table to oneself in order to change it: as [`keep`], after a schema change that is under
/// way has ended. Within a transaction block that is refused with 55006.
pub(super) fn hold(
    work: &mut Work<'_>,
    id: DescriptorId,
    wait: WaitPolicy,
) -> Result<Arc<TableDescriptor>> {
    schema_change::await_others(work, id)?;
    let table = keep(work, id, wait)?;
    match table.mutations.first() {
        None => Ok(table),
        Some(mutation) if work.explicit => Err(schema_change::in_progress(&table, mutation.job)),
        // Another one began in between: the statement runs again, and waits.
        Some(_) => Err(Error::serialization("the table is being changed concurrently")),
    }
}

/// Keeps a table to oneself until the transaction ends, and gives it back as it is then: whoever
/// was writing rows has finished, and their rows are seen. For that the transaction's snapshot
/// moves forward if it has to, which is refused with 40001 if what it read before has changed.
pub(super) fn keep(
    work: &mut Work<'_>,
    id: DescriptorId,
    wait: WaitPolicy,
) -> Result<Arc<TableDescriptor>> {
    let before = work.txn.savepoint();
    let catalog = Arc::clone(&work.server.catalog);
    let held = match wait {
        // Nothing else is locked yet, so that nobody can be waiting for this.
        WaitPolicy::Wait if !work.explicit => {
            schema_change::hold_patiently(&catalog, work.txn, id, work.interrupt)
        }
        wait => catalog.hold(work.txn, id, wait),
    };
    let moved = match held {
        // The lock is held; only the snapshot is too old.
        Err(e) if e.code() == sqlstate::SERIALIZATION_FAILURE => true,
        Err(e) => return Err(e),
        Ok(()) => has_changed(work, id)?,
    };
    if moved && !work.txn.restart_statement(before)? {
        return Err(Error::serialization("could not serialize access due to concurrent update"));
    }
    work.txn.release(before)?;
    let catalog = work.catalog()?;
    catalog
        .table(id)
        .cloned()
        .ok_or_else(|| Error::serialization("the table was dropped by a concurrent transaction"))
}

/// Whether rows of a table were committed that the transaction does not see.
fn has_changed(work: &Work<'_>, id: DescriptorId) -> Result<bool> {
    let (seen, newest) = (work.txn.read_timestamp(), work.server.mvcc.visible());
    if newest <= seen {
        return Ok(false);
    }
    let changed = work.server.mvcc.changed_keys(&table_span(id), seen, newest, 0)?;
    Ok(!matches!(changed, Changed::Keys(keys) if keys.is_empty()))
}

/// A context for binding.
pub(super) fn binding<'w>(
    work: &'w Work<'_>,
    catalog: &'w Arc<CatalogSnapshot>,
) -> BindContext<'w> {
    BindContext::new(catalog, &*work.session)
}

/// Runs a query and hands over its rows, batch by batch, together with the statement.
pub(super) fn each_batch(
    work: &mut Work<'_>,
    catalog: &Arc<CatalogSnapshot>,
    bound: BoundStatement,
    mut each: impl FnMut(&mut Work<'_>, &Batch) -> Result<()>,
) -> Result<()> {
    let planned = Planned::new(work.server, catalog, work.session, bound)?;
    planned.check_privileges(catalog, &work.session.current_user)?;
    let mut execution = exec::start(&planned.plan);
    loop {
        let batch = {
            let mut ctx = work.exec(catalog);
            execution.next(&mut ctx)?
        };
        match batch {
            Some(batch) => each(work, &batch)?,
            None => return Ok(()),
        }
    }
}

/// The name of a role as a statement has it: `current_user` and its like stand for roles.
pub(super) fn role_name(work: &Work<'_>, ident: &Ident) -> String {
    match (ident.quote_style, ident.value.as_str()) {
        (None, "current_user" | "current_role") => work.session.current_user.to_string(),
        (None, "session_user") => work.session.session_user.to_string(),
        _ => ident.value.clone(),
    }
}

/// Fails with 42704 unless there is a role with a name.
pub(super) fn require_role(catalog: &CatalogSnapshot, name: &str) -> Result<()> {
    if name != PUBLIC && catalog.role(name).is_some() {
        return Ok(());
    }
    Err(Error::new(sqlstate::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist")))
}

/// Fails unless the role in force may give what it owns to another role: it must be able to act as
/// that role, which in turn must be allowed to have such things in the schema.
pub(super) fn require_new_owner(
    work: &Work<'_>,
    catalog: &CatalogSnapshot,
    owner: &str,
    schema: Option<DescriptorId>,
) -> Result<()> {
    require_role(catalog, owner)?;
    privilege::require_membership(catalog, &work.session.current_user, owner)?;
    match schema.and_then(|id| catalog.schema_any_state(id)) {
        Some(schema) if !catalog.is_admin(&work.session.current_user) => {
            privilege::check(catalog, owner, schema, Privilege::Create)
        }
        _ => Ok(()),
    }
}

/// Fails unless the role in force may create databases.
pub(super) fn require_create_database(
    work: &Work<'_>,
    catalog: &CatalogSnapshot,
    action: &str,
) -> Result<()> {
    privilege::require_option(catalog, &work.session.current_user, RoleOption::CreateDb, action)
}

/// Fails with 2BP01 if a view reads a relation: views keep names, so those that lead to the
/// relation must stay. `action` says what was to be done to what.
pub(super) fn refuse_views(
    catalog: &CatalogSnapshot,
    id: DescriptorId,
    action: &str,
    name: &str,
) -> Result<()> {
    let dependents = catalog.dependents(id).iter().filter_map(|id| catalog.table_any_state(*id));
    let mut views = dependents.filter(|t| t.depends_on.contains(&id));
    match views.next() {
        None => Ok(()),
        Some(view) => Err(Error::new(
            sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot {action} \"{name}\" because view \"{}\" depends on it", view.name),
        )
        .with_hint(format!("You can drop {} instead.", view.name))),
    }
}
