//! From names as a statement has them to descriptors.
//!
//! A relation's name has one to three parts: `t` is looked for along the search path; `a.t` is the
//! schema `a` of the current database, or else schema `public` of the database `a`; `d.s.t` says
//! everything. `pg_temp` stands for the session's own temporary schema.

use std::sync::Arc;

use super::descriptor::{
    DatabaseDescriptor, DescriptorId, SchemaDescriptor, State, TableDescriptor, TypeDescriptor,
};
use super::object::ObjectRef;
use super::snapshot::CatalogSnapshot;
use crate::error::{Error, Result, sqlstate};
use crate::limits::IDENTIFIER_BYTES_MAX;

/// The name that stands for the session's temporary schema.
pub const PG_TEMP: &str = "pg_temp";

/// The schema that every database has.
pub const PUBLIC_SCHEMA: &str = "public";

/// Where a session looks for names.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The current database.
    pub database: DescriptorId,
    /// The schemas to look in, in order, `"$user"` already replaced. Names that do not exist are
    /// passed over.
    pub search_path: &'a [String],
    /// The session's temporary schema, if it made one. It is searched first.
    pub temp_schema: Option<&'a str>,
}

impl<'a> Scope<'a> {
    /// The schemas to look in, the temporary one first unless the path says otherwise.
    fn path(&self) -> impl Iterator<Item = &'a str> {
        let explicit = self.search_path.iter().any(|s| s == PG_TEMP);
        let temp = self.temp_schema;
        temp.filter(|_| !explicit).into_iter().chain(self.search_path.iter().filter_map(move |s| {
            match s.as_str() {
                PG_TEMP => temp,
                name => Some(name),
            }
        }))
    }

    fn schema_name(&self, name: &'a str) -> &'a str {
        match self.temp_schema {
            Some(temp) if name == PG_TEMP => temp,
            _ => name,
        }
    }
}

/// The table, view, materialised view or sequence with a name; 42P01 if there is none, 55000 if it
/// is offline.
pub fn resolve_relation(
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
    parts: &[&str],
) -> Result<Arc<TableDescriptor>> {
    find_relation(snapshot, scope, parts)?.ok_or_else(|| undefined("relation", parts))
}

/// As [`resolve_relation`], `None` if there is none (IF EXISTS). An unknown database in a name of
/// three parts is no relation either.
pub fn find_relation(
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
    parts: &[&str],
) -> Result<Option<Arc<TableDescriptor>>> {
    for schema in schemas_to_search(snapshot, scope, parts)? {
        if let Some(table) = snapshot.relation(schema.id, last(parts))? {
            return Ok(Some(Arc::clone(table)));
        }
    }
    Ok(None)
}

/// The user-defined type with a name, if there is one.
pub fn find_type(
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
    parts: &[&str],
) -> Result<Option<Arc<TypeDescriptor>>> {
    for schema in schemas_to_search(snapshot, scope, parts)? {
        if let Some(ty) = snapshot.user_type(schema.id, last(parts))? {
            return Ok(Some(Arc::clone(ty)));
        }
    }
    Ok(None)
}

/// The table and index that `table@index` or a bare index name means: looks for an index with the
/// last part as its name in the tables of the schemas searched.
pub fn find_index(
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
    parts: &[&str],
) -> Result<Option<(Arc<TableDescriptor>, crate::keys::IndexId)>> {
    for schema in schemas_to_search(snapshot, scope, parts)? {
        for table in snapshot.tables_in(schema.id) {
            if let Some(index) = table.index_named(last(parts)) {
                return Ok(Some((Arc::clone(table), index.id)));
            }
        }
    }
    Ok(None)
}

/// The database with a name; 3D000 if there is none, 55000 if it is offline.
pub fn resolve_database(snapshot: &CatalogSnapshot, name: &str) -> Result<Arc<DatabaseDescriptor>> {
    snapshot.database_named(name)?.map(Arc::clone).ok_or_else(|| {
        Error::new(sqlstate::INVALID_CATALOG_NAME, format!("database \"{name}\" does not exist"))
    })
}

/// The schema with a name of one part (in the current database) or two; 3F000 if there is none.
pub fn resolve_schema(
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
    parts: &[&str],
) -> Result<Arc<SchemaDescriptor>> {
    let (database, name) = match parts {
        [name] => (scope.database, scope.schema_name(name)),
        [database, name] => (resolve_database(snapshot, database)?.id, *name),
        _ => return Err(improper(parts)),
    };
    snapshot.schema_named(database, name)?.map(Arc::clone).ok_or_else(|| no_schema(name))
}

/// The schema that a new object goes into, and the object's own name. An unqualified one goes into
/// the first schema of the search path that exists.
pub fn resolve_schema_for_create<'a>(
    snapshot: &CatalogSnapshot,
    scope: Scope<'_>,
    parts: &[&'a str],
) -> Result<(Arc<SchemaDescriptor>, &'a str)> {
    let schema = match parts {
        [_] => {
            let mut found = None;
            for name in scope.search_path {
                let name = scope.schema_name(name);
                if let Some(schema) = snapshot.schema_named(scope.database, name)? {
                    found = Some(schema);
                    break;
                }
            }
            found.ok_or_else(|| {
                Error::new(
                    sqlstate::INVALID_SCHEMA_NAME,
                    "no schema has been selected to create in",
                )
            })?
        }
        [first, _] => match snapshot.schema_named(scope.database, scope.schema_name(first))? {
            Some(schema) => schema,
            None => match snapshot.database_named(first)? {
                Some(database) => snapshot
                    .schema_named(database.id, PUBLIC_SCHEMA)?
                    .ok_or_else(|| no_schema(PUBLIC_SCHEMA))?,
                None => return Err(no_schema(first)),
            },
        },
        [database, schema, _] => {
            let database = resolve_database(snapshot, database)?;
            snapshot.schema_named(database.id, schema)?.ok_or_else(|| no_schema(schema))?
        }
        _ => return Err(improper(parts)),
    };
    Ok((Arc::clone(schema), last(parts)))
}

fn schemas_to_search<'s>(
    snapshot: &'s CatalogSnapshot,
    scope: Scope<'_>,
    parts: &[&str],
) -> Result<Vec<&'s Arc<SchemaDescriptor>>> {
    let mut schemas = Vec::new();
    match parts {
        [_] => {
            for name in scope.path() {
                schemas.extend(snapshot.schema_named(scope.database, name)?);
            }
        }
        [first, _] => {
            let own = snapshot.schema_named(scope.database, scope.schema_name(first))?;
            schemas.extend(own);
            if own.is_none()
                && let Some(database) = snapshot.database_named(first)?
            {
                schemas.extend(snapshot.schema_named(database.id, PUBLIC_SCHEMA)?);
            }
        }
        [database, schema, _] => {
            if let Some(database) = snapshot.database_named(database)? {
                schemas.extend(snapshot.schema_named(database.id, scope.schema_name(schema))?);
            }
        }
        _ => return Err(improper(parts)),
    }
    Ok(schemas)
}

/// The name by which a relation can be found from anywhere: `database.schema.relation`.
pub fn qualified_name(snapshot: &CatalogSnapshot, table: &TableDescriptor) -> [String; 3] {
    let database = snapshot.database_any_state(table.database).map_or("", |d| &d.name);
    let schema = snapshot.schema_any_state(table.schema).map_or("", |s| &s.name);
    [database.to_owned(), schema.to_owned(), table.name.clone()]
}

/// Cuts a name to the length that PostgreSQL keeps, at a character's edge.
pub fn truncate(name: &str) -> &str {
    name.get(..name.floor_char_boundary(IDENTIFIER_BYTES_MAX)).unwrap_or(name)
}

/// "x does not exist", with the code of its kind.
pub fn undefined(class: &str, parts: &[&str]) -> Error {
    let code = match class {
        "relation" => sqlstate::UNDEFINED_TABLE,
        "database" => sqlstate::INVALID_CATALOG_NAME,
        "schema" => sqlstate::INVALID_SCHEMA_NAME,
        _ => sqlstate::UNDEFINED_OBJECT,
    };
    Error::new(code, format!("{class} \"{}\" does not exist", parts.join(".")))
}

/// "x already exists", with the code of its kind.
pub fn duplicate(object: ObjectRef<'_>) -> Error {
    let code = match object {
        ObjectRef::Database(_) => sqlstate::DUPLICATE_DATABASE,
        ObjectRef::Schema(_) => sqlstate::DUPLICATE_SCHEMA,
        ObjectRef::Table(_) => sqlstate::DUPLICATE_TABLE,
        ObjectRef::Type(_) => sqlstate::DUPLICATE_OBJECT,
    };
    Error::new(code, format!("{} \"{}\" already exists", object.class(), object.name()))
}

/// "x is offline: why", if it is.
pub fn check_online(object: ObjectRef<'_>) -> Result<()> {
    match object.state() {
        State::Public => Ok(()),
        State::Offline(reason) => Err(Error::new(
            sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("{} \"{}\" is offline: {reason}", object.class(), object.name()),
        )
        .with_hint("SHOW JOBS tells how far the job is that is filling it.")),
    }
}

fn no_schema(name: &str) -> Error {
    undefined("schema", &[name])
}

fn improper(parts: &[&str]) -> Error {
    Error::syntax(format!("improper qualified name (too many dotted names): {}", parts.join(".")))
}

fn last<'a>(parts: &[&'a str]) -> &'a str {
    parts.last().copied().unwrap_or_default()
}
