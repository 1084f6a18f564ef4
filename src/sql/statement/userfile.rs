//! Who may use which userfile storage, and the tables of those who use it first.

use std::sync::Arc;

use super::Work;
use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::{CatalogSnapshot, names};
use crate::cloud::{ExternalUri, Scheme};
use crate::error::{Error, Result, sqlstate};
use crate::sql::userfile::Tables;

/// Completes a URI that a statement writes to; others come back as they are. Creates the tables of
/// its prefix if there are none, for a user who may create tables.
pub(super) fn writable(uri: ExternalUri, work: &Work<'_>) -> Result<ExternalUri> {
    if uri.scheme() != Scheme::Userfile {
        return Ok(uri);
    }
    let (uri, tables) = complete(&uri, work)?;
    let catalog = work.server.catalog.current()?;
    let me = &*work.session.current_user;
    let found = find(&catalog, &tables)?;
    if found.len() < 2 {
        let database = names::resolve_database(&catalog, &tables.database)?;
        privilege::check(&catalog, me, &*database, Privilege::Create)?;
        tables.create(work.server, me)?;
        return Ok(uri);
    }
    for table in &found {
        for privilege in [Privilege::Select, Privilege::Insert, Privilege::Delete] {
            privilege::check(&catalog, me, &**table, privilege)?;
        }
    }
    Ok(uri)
}

/// Completes the URI of a backup that a statement reads; others come back as they are.
pub(super) fn readable(uri: String, work: &Work<'_>) -> Result<String> {
    if !uri.get(..9).is_some_and(|scheme| scheme.eq_ignore_ascii_case("userfile:")) {
        return Ok(uri);
    }
    let (uri, tables) = complete(&ExternalUri::parse(&uri)?, work)?;
    let catalog = work.server.catalog.current()?;
    for table in find(&catalog, &tables)? {
        privilege::check(&catalog, &work.session.current_user, &*table, Privilege::Select)?;
    }
    Ok(uri.to_secret_string())
}

/// The URI with its tables in full; without a host they are the user's own.
fn complete(uri: &ExternalUri, work: &Work<'_>) -> Result<(ExternalUri, Tables)> {
    if let Some(tables) = Tables::of(uri)? {
        return Ok((uri.clone(), tables));
    }
    let user = &work.session.current_user;
    let uri = uri.with_host(&format!("defaultdb.public.userfiles_{user}"));
    match Tables::of(&uri) {
        Ok(Some(tables)) => Ok((uri, tables)),
        _ => Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("user \"{user}\" has no userfile storage without a name"),
        )
        .with_hint("Write userfile://database.schema.prefix/path.")),
    }
}

/// Those tables of a prefix that exist.
fn find(catalog: &CatalogSnapshot, tables: &Tables) -> Result<Vec<Arc<TableDescriptor>>> {
    let Some(database) = catalog.database_named(&tables.database)? else {
        return Ok(Vec::new());
    };
    let Some(schema) = catalog.schema_named(database.id, &tables.schema)? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for name in [tables.files(), tables.payload()] {
        if let Some(table) = catalog.relation(schema.id, &name)? {
            found.push(Arc::clone(table));
        }
    }
    Ok(found)
}
