//! CREATE and ALTER SCHEMA.

use super::table::temporary;
use super::{Outcome, Work, object};
use crate::catalog::descriptor::{Descriptor, SchemaDescriptor};
use crate::catalog::names::{self, PUBLIC_SCHEMA};
use crate::catalog::privilege::{self, ObjectKind, Privilege};
use crate::error::{Error, Result, sqlstate};
use crate::syntax::{AlterSchema, AlterSchemaAction, CreateSchema};

/// Runs CREATE SCHEMA.
pub fn create(stmt: &CreateSchema, work: &mut Work<'_>) -> Result<Outcome> {
    let done = || Outcome::done("CREATE SCHEMA");
    let catalog = work.catalog()?;
    let owner = match &stmt.authorization {
        Some(role) => object::role_name(work, role),
        None => work.session.current_user.to_string(),
    };
    object::require_new_owner(work, &catalog, &owner, None)?;
    let words = match &stmt.name {
        Some(name) => object::words(name)?,
        None => vec![owner.as_str()],
    };
    let (database, name) = match words.as_slice() {
        [name] => (work.session.database.to_string(), *name),
        [database, name] => ((*database).to_owned(), *name),
        _ => return Err(Error::syntax("improper schema name")),
    };
    let database = names::resolve_database(&catalog, &database)?;
    object::refuse_system(database.id, &database.name)?;
    privilege::check(&catalog, &work.session.current_user, &database, Privilege::Create)?;
    refuse_reserved(name)?;
    if let Some(existing) = catalog.schema_named(database.id, name)? {
        if stmt.if_not_exists {
            work.notice(format!("schema \"{name}\" already exists, skipping"))?;
            return done();
        }
        return Err(names::duplicate(existing.into()));
    }
    work.server.catalog.pin(work.txn, database.id)?;
    let id = work.server.catalog.allocate_id()?;
    let privileges =
        privilege::for_new_object(&catalog, database.id, None, ObjectKind::Schema, &owner);
    let schema = SchemaDescriptor::new(id, database.id, name, privileges);
    work.server.catalog.write(work.txn, &Descriptor::Schema(schema))?;
    done()
}

fn refuse_reserved(name: &str) -> Result<()> {
    if !temporary::is_reserved(name) && name != "information_schema" && name != "crdb_internal" {
        return Ok(());
    }
    Err(Error::new(sqlstate::RESERVED_NAME, format!("unacceptable schema name \"{name}\""))
        .with_detail("The prefix \"pg_\" is reserved for system schemas."))
}

/// Runs ALTER SCHEMA.
pub fn alter(stmt: &AlterSchema, work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    let words = object::words(&stmt.name)?;
    let schema =
        object::scoped(work, &catalog, |scope| names::resolve_schema(&catalog, scope, &words))?;
    object::refuse_system(schema.id, &schema.name)?;
    privilege::require_owner(&catalog, &work.session.current_user, &schema)?;
    let mut schema = schema.as_ref().clone();
    match &stmt.action {
        AlterSchemaAction::Owner(owner) => {
            let owner = object::role_name(work, owner);
            object::require_new_owner(work, &catalog, &owner, None)?;
            schema.privileges.owner = owner;
        }
        AlterSchemaAction::Rename(name) => {
            refuse_reserved(&name.value)?;
            if schema.name == PUBLIC_SCHEMA {
                return Err(Error::unsupported("renaming schema public"));
            }
            let tables = catalog.tables_in_any_state(schema.id);
            for table in tables {
                object::refuse_views(&catalog, table.id, "rename schema", &schema.name)?;
            }
            schema.name.clone_from(&name.value);
        }
    }
    work.server.catalog.write(work.txn, &Descriptor::Schema(schema))?;
    Outcome::done("ALTER SCHEMA")
}
