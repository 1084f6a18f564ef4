//! Which objects of a backup a statement names.

use std::collections::BTreeSet;

use super::holdings::Holdings;
use crate::catalog::descriptor::{Descriptor, DescriptorId, SchemaDescriptor};
use crate::catalog::names::PUBLIC_SCHEMA;
use crate::catalog::system::{SYSTEM_DATABASE, USERS};
use crate::error::{Error, Result, sqlstate};
use crate::syntax::{TablePattern, Targets};

/// What kind of restore it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Everything.
    Cluster,
    /// Whole databases.
    Databases,
    /// Single tables.
    Tables,
    /// No objects: the users who are not here yet.
    Users,
}

/// What is to be restored, by old number.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The kind.
    pub kind: Kind,
    /// Every object that comes back. With [`Kind::Tables`], tables only: their databases and
    /// schemas are looked for in this cluster.
    pub ids: BTreeSet<DescriptorId>,
}

/// Where names without a database are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// The name of the current database.
    pub database: &'a str,
    /// The schemas of its search path.
    pub search_path: &'a [String],
}

/// Finds what a statement names.
pub fn select(holdings: &Holdings, targets: &Targets, here: Here<'_>) -> Result<Selection> {
    match targets {
        Targets::Cluster if !holdings.everything() => Err(Error::new(
            sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "full cluster RESTORE can only be used on full cluster BACKUP files",
        )
        .with_hint("Name the databases or tables to restore; SHOW BACKUP lists them.")),
        Targets::Cluster => {
            let ids = holdings.user_objects().map(Descriptor::id).collect();
            Ok(Selection { kind: Kind::Cluster, ids })
        }
        Targets::Databases(names) => {
            let mut ids = BTreeSet::new();
            for name in names {
                ids.extend(database(holdings, &name.value)?);
            }
            Ok(Selection { kind: Kind::Databases, ids })
        }
        Targets::Tables(patterns) => {
            let mut ids = BTreeSet::new();
            for one in patterns {
                ids.extend(pattern(holdings, one, here)?);
            }
            Ok(Selection { kind: Kind::Tables, ids })
        }
        Targets::Tenant(_) => Err(Error::unsupported("RESTORE of a tenant")),
        Targets::SystemUsers if holdings.table(USERS.id()).is_none() => Err(Error::new(
            sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "cannot restore system users as no system.users table in the backup",
        )),
        Targets::SystemUsers => Ok(Selection { kind: Kind::Users, ids: BTreeSet::new() }),
    }
}

/// A database and everything in it.
fn database(holdings: &Holdings, name: &str) -> Result<BTreeSet<DescriptorId>> {
    let Some(found) = holdings.database_named(name) else {
        return Err(unresolved(
            sqlstate::INVALID_CATALOG_NAME,
            format!("database \"{name}\" does not exist, or invalid RESTORE timestamp"),
        ));
    };
    if found.id == SYSTEM_DATABASE {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            "the system database cannot be restored by itself",
        )
        .with_hint("Restore the whole cluster, or single system tables WITH into_db."));
    }
    if !holdings.is_complete(found.id) {
        return Err(Error::new(
            sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("cannot RESTORE DATABASE \"{name}\" from a backup of individual tables"),
        )
        .with_hint("Restore the tables by name; SHOW BACKUP lists them."));
    }
    let inside = |object: &&Descriptor| object.id() == found.id || object.parents().0 == found.id;
    Ok(holdings.objects().filter(inside).map(Descriptor::id).collect())
}

/// The tables that a pattern names.
fn pattern(
    holdings: &Holdings,
    pattern: &TablePattern,
    here: Here<'_>,
) -> Result<BTreeSet<DescriptorId>> {
    let prefix: Vec<&str> = pattern.prefix.iter().map(|part| part.value.as_str()).collect();
    let schemas = schemas(holdings, &prefix, pattern.table.is_none(), here);
    let Some(name) = &pattern.table else {
        let ids: BTreeSet<DescriptorId> =
            schemas.iter().flat_map(|s| holdings.tables_in(s.id)).map(|t| t.id).collect();
        if ids.is_empty() {
            let shown = [prefix.as_slice(), &["*"]].concat().join(".");
            return Err(unresolved(
                sqlstate::UNDEFINED_TABLE,
                format!("no tables or databases matched the given targets: {shown}"),
            ));
        }
        return Ok(ids);
    };
    for schema in schemas {
        let mut tables = holdings.tables_in(schema.id);
        if let Some(table) = tables.find(|table| table.name == name.value) {
            return Ok(BTreeSet::from([table.id]));
        }
    }
    let whole: Vec<&str> = prefix.iter().copied().chain([name.value.as_str()]).collect();
    Err(unresolved(
        sqlstate::UNDEFINED_TABLE,
        format!("table \"{}\" does not exist, or invalid RESTORE timestamp", whole.join(".")),
    ))
}

/// The schemas in which a pattern's tables may be, in the order in which they are looked through.
fn schemas<'a>(
    holdings: &'a Holdings,
    prefix: &[&str],
    wildcard: bool,
    here: Here<'_>,
) -> Vec<&'a SchemaDescriptor> {
    let current = holdings.database_named(here.database);
    let in_database = |database: &str, schema: &str| {
        let database = holdings.database_named(database)?;
        holdings.schema_named(database.id, schema)
    };
    match prefix {
        [] if wildcard => in_database(here.database, PUBLIC_SCHEMA).into_iter().collect(),
        [] => {
            let of_path = |name: &String| holdings.schema_named(current?.id, name);
            here.search_path.iter().filter_map(of_path).collect()
        }
        [first] => match in_database(here.database, first) {
            Some(schema) => vec![schema],
            None if wildcard => match holdings.database_named(first) {
                None => Vec::new(),
                Some(database) => holdings
                    .objects()
                    .filter_map(|object| match object {
                        Descriptor::Schema(s) if s.database == database.id => Some(s),
                        _ => None,
                    })
                    .collect(),
            },
            None => in_database(first, PUBLIC_SCHEMA).into_iter().collect(),
        },
        [database, schema] => in_database(database, schema).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn unresolved(code: crate::error::SqlState, message: String) -> Error {
    Error::new(code, message).context(
        "failed to resolve targets in the BACKUP location specified by the RESTORE statement, \
         use SHOW BACKUP to find correct targets",
    )
}
