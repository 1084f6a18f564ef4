//! Temporary tables: those of a session live in a schema of its own.

use std::sync::Arc;

use crate::catalog::descriptor::{Descriptor, SchemaDescriptor};
use crate::catalog::names::PG_TEMP;
use crate::catalog::privilege::{self, Privilege};
use crate::error::{Error, Result, sqlstate};
use crate::mvcc::TxnOptions;
use crate::sql::server::Server;
use crate::sql::statement::Work;
use crate::sql::statement::drop;

/// The name of a session's schema for temporary tables.
pub fn schema_name(backend_pid: i32) -> String {
    format!("pg_temp_{backend_pid}")
}

/// Where a temporary object goes, and its name. Makes the session's schema if there is none yet.
pub(in crate::sql::statement) fn place<'n>(
    work: &mut Work<'_>,
    parts: &[&'n str],
) -> Result<(Arc<SchemaDescriptor>, &'n str)> {
    let own = schema_name(work.session.backend_pid);
    let name = match parts {
        [name] => *name,
        [schema, name] if *schema == PG_TEMP || *schema == own => *name,
        _ => {
            return Err(Error::new(
                sqlstate::INVALID_TABLE_DEFINITION,
                "cannot create temporary relation in non-temporary schema",
            ));
        }
    };
    let catalog = work.catalog()?;
    let database = crate::catalog::names::resolve_database(&catalog, &work.session.database)?;
    privilege::check(&catalog, &work.session.current_user, &database, Privilege::Temporary)?;
    if let Some(schema) = catalog.schema_named(database.id, &own)? {
        work.server.catalog.pin(work.txn, schema.id)?;
        return Ok((Arc::clone(schema), name));
    }
    let id = work.server.catalog.allocate_id()?;
    let owner = work.session.current_user.to_string();
    let privileges = crate::catalog::descriptor::Privileges { owner, grants: Default::default() };
    let schema = SchemaDescriptor::new(id, database.id, own, privileges);
    work.server.catalog.pin(work.txn, database.id)?;
    work.server.catalog.write(work.txn, &Descriptor::Schema(schema.clone()))?;
    Ok((Arc::new(schema), name))
}

/// Drops everything temporary that the session made: at its end, and for DISCARD TEMP.
pub fn discard(work: &mut Work<'_>) -> Result<()> {
    let catalog = work.catalog()?;
    let database = crate::catalog::names::resolve_database(&catalog, &work.session.database)?;
    let own = schema_name(work.session.backend_pid);
    match catalog.schema_named(database.id, &own)? {
        Some(schema) => drop::schema_with_contents(work, schema),
        None => Ok(()),
    }
}

/// Drops the temporary schemas of a session that has ended, or of all sessions before the first
/// begins: a crash leaves some behind.
pub fn sweep(server: &Server, backend_pid: Option<i32>) -> Result<()> {
    let mut txn = server.mvcc.begin(TxnOptions::default())?;
    let catalog = server.catalog.snapshot(&mut txn)?;
    let own = backend_pid.map(schema_name);
    for database in catalog.databases_any_state() {
        for schema in catalog.schemas_any_state(database.id) {
            if !schema.is_temporary() || own.as_ref().is_some_and(|own| *own != schema.name) {
                continue;
            }
            for table in catalog.tables_in_any_state(schema.id) {
                let table = Descriptor::Table(table.as_ref().clone());
                server.catalog.delete(&mut txn, &table)?;
            }
            let schema = Descriptor::Schema(schema.as_ref().clone());
            server.catalog.delete(&mut txn, &schema)?;
        }
    }
    txn.commit().map(|_| ())
}

/// Whether a name is kept for schemas of temporary tables.
pub(in crate::sql::statement) fn is_reserved(name: &str) -> bool {
    name.starts_with("pg_")
}
