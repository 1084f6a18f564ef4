//! What a BACKUP names, as of its end time: descriptors, and whether the role may have them.

use std::collections::BTreeSet;

use crate::catalog::descriptor::{DescriptorId, TableDescriptor};
use crate::catalog::names::{self, PUBLIC_SCHEMA, Scope};
use crate::catalog::privilege::{self, Privilege};
use crate::catalog::system::{self, BackupPolicy, FIRST_USER_ID, SYSTEM_DATABASE, SYSTEM_SCHEMA};
use crate::catalog::{CatalogSnapshot, ObjectRef};
use crate::error::{Error, Result, sqlstate};
use crate::syntax::{TablePattern, Targets, quote_identifier};

/// Where the statement's session looks for names.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The current database.
    pub database: &'a str,
    /// The schemas to look in.
    pub search_path: &'a [String],
}

/// What goes in.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// Everything, system tables included.
    pub(super) whole_cluster: bool,
    /// Databases with all that is in them.
    pub(super) complete: BTreeSet<DescriptorId>,
    /// Every descriptor that goes into the manifest.
    pub(super) objects: BTreeSet<DescriptorId>,
    /// The targets in canonical words: empty, `DATABASE a, b`, `TABLE a.b.c`.
    pub(super) words: String,
}

/// Finds what the targets name in `snapshot`, the catalogue as of the end time.
pub(super) fn resolve(
    snapshot: &CatalogSnapshot,
    session: Names<'_>,
    targets: &Targets,
) -> Result<Resolved> {
    let mut found = Finder { snapshot, session, resolved: Resolved::default() };
    match targets {
        Targets::Cluster => found.cluster(),
        Targets::Databases(list) => {
            let mut words = Vec::new();
            for name in list {
                found.database(&name.value).map_err(of_targets)?;
                words.push(quote_identifier(&name.value));
            }
            found.resolved.words = format!("DATABASE {}", words.join(", "));
        }
        Targets::Tables(patterns) => {
            let mut words = Vec::new();
            for pattern in patterns {
                words.push(found.pattern(pattern).map_err(of_targets)?);
            }
            found.resolved.words = format!("TABLE {}", words.join(", "));
        }
        Targets::Tenant(_) => return Err(Error::unsupported("BACKUP of a tenant")),
        Targets::SystemUsers => return Err(Error::unsupported("BACKUP SYSTEM USERS")),
    }
    Ok(found.resolved)
}

fn of_targets(e: Error) -> Error {
    e.context("failed to resolve targets specified in the BACKUP stmt")
}

struct Finder<'a> {
    snapshot: &'a CatalogSnapshot,
    session: Names<'a>,
    resolved: Resolved,
}

impl Finder<'_> {
    fn cluster(&mut self) {
        self.resolved.whole_cluster = true;
        let user = self.snapshot.descriptors().map(ObjectRef::id).filter(|id| *id >= FIRST_USER_ID);
        self.resolved.objects.extend(user);
        self.resolved.objects.extend([SYSTEM_DATABASE, SYSTEM_SCHEMA]);
        self.resolved.objects.extend(included_system_tables());
        let databases = self.snapshot.databases_any_state().map(|d| d.id);
        self.resolved.complete.extend(databases.filter(|id| *id != SYSTEM_DATABASE));
    }

    fn database(&mut self, name: &str) -> Result<()> {
        let database = names::resolve_database(self.snapshot, name)?;
        self.resolved.complete.insert(database.id);
        self.resolved.objects.insert(database.id);
        let schemas = self.snapshot.schemas_any_state(database.id).filter(|s| !s.is_temporary());
        for schema in schemas {
            self.resolved.objects.insert(schema.id);
            let tables = self.snapshot.tables_in_any_state(schema.id).filter(|t| !t.temporary);
            self.resolved.objects.extend(tables.map(|t| t.id));
            self.resolved.objects.extend(self.snapshot.types_in(schema.id).map(|t| t.id));
        }
        Ok(())
    }

    /// Adds what a pattern names; gives the pattern back with every name qualified.
    fn pattern(&mut self, pattern: &TablePattern) -> Result<String> {
        let prefix: Vec<&str> = pattern.prefix.iter().map(|i| i.value.as_str()).collect();
        let Some(table) = &pattern.table else { return self.star(&prefix) };
        let mut parts = prefix;
        parts.push(&table.value);
        let scope = self.scope();
        let table = names::find_relation(self.snapshot, scope, &parts)?
            .filter(|table| !table.temporary)
            .ok_or_else(|| names::undefined("relation", &parts))?;
        self.table(&table);
        let names = names::qualified_name(self.snapshot, &table);
        Ok(names.map(|name| quote_identifier(&name)).join("."))
    }

    /// `*`, `schema.*`, `database.*`, `database.schema.*`.
    fn star(&mut self, prefix: &[&str]) -> Result<String> {
        let current = self.snapshot.database_named(self.session.database)?.map(|d| d.id);
        let schema = match prefix {
            [] => current.map(|db| self.snapshot.schema_named(db, PUBLIC_SCHEMA)),
            [name] => current.map(|db| self.snapshot.schema_named(db, name)),
            [database, name] => {
                let database = names::resolve_database(self.snapshot, database)?;
                Some(self.snapshot.schema_named(database.id, name))
            }
            _ => return Err(Error::syntax("improper qualified name (too many dotted names)")),
        };
        if let Some(schema) = schema.transpose()?.flatten() {
            let tables: Vec<_> = self.snapshot.tables_in(schema.id).cloned().collect();
            for table in tables.iter().filter(|t| !t.temporary) {
                self.table(table);
            }
            self.parents(schema.database, schema.id);
            let database = self.snapshot.database_any_state(schema.database);
            let database = database.map_or("", |d| d.name.as_str());
            return Ok(format!(
                "{}.{}.*",
                quote_identifier(database),
                quote_identifier(&schema.name)
            ));
        }
        if let [name] = prefix
            && self.snapshot.database_named(name)?.is_some()
        {
            self.database(name)?;
            return Ok(format!("{}.*", quote_identifier(name)));
        }
        Err(Error::new(
            sqlstate::INVALID_CATALOG_NAME,
            format!(
                "\"{}\" does not match any valid database or schema",
                [prefix, &["*"]].concat().join(".")
            ),
        ))
    }

    fn table(&mut self, table: &TableDescriptor) {
        self.resolved.objects.insert(table.id);
        self.parents(table.database, table.schema);
        for id in table.types_used() {
            if let Some(ty) = self.snapshot.type_any_state(id) {
                self.resolved.objects.insert(id);
                self.parents(ty.database, ty.schema);
            }
        }
    }

    fn parents(&mut self, database: DescriptorId, schema: DescriptorId) {
        self.resolved.objects.extend([database, schema]);
    }

    fn scope(&self) -> Scope<'_> {
        let database = self.snapshot.database_named_any_state(self.session.database);
        Scope {
            database: database.map_or(0, |d| d.id),
            search_path: self.session.search_path,
            // Temporary tables can only be backed up with the whole cluster.
            temp_schema: None,
        }
    }
}

/// The system tables whose rows a cluster backup takes along.
pub(super) fn included_system_tables() -> impl Iterator<Item = DescriptorId> {
    system::all().filter(|t| matches!(t.policy(), BackupPolicy::Include { .. })).map(|t| t.id())
}

/// Refuses what a role may not back up. `then` is the catalogue as of the end time, which says what
/// is backed up; `now` says who may: a right that was taken away meanwhile is gone.
pub(super) fn check_privileges(
    then: &CatalogSnapshot,
    now: &CatalogSnapshot,
    role: &str,
    targets: &Resolved,
) -> Result<()> {
    if targets.whole_cluster {
        return match privilege::holds_system(now, role, Privilege::Backup) {
            true => Ok(()),
            false => privilege::require_admin(now, role, "BACKUP the whole cluster"),
        };
    }
    let check = |object: ObjectRef<'_>, any: &[Privilege]| {
        privilege::check_any(now, role, object, any)?;
        match now.descriptor(object.id()) {
            Some(current) => privilege::check_any(now, role, current, any),
            None => Ok(()),
        }
    };
    let mut whole = BTreeSet::new();
    for id in &targets.complete {
        let Some(database) = then.descriptor(*id) else { continue };
        check(database, &[Privilege::Connect, Privilege::Select, Privilege::Backup])?;
        if check(database, &[Privilege::Backup]).is_ok() {
            whole.insert(*id);
        }
    }
    for object in targets.objects.iter().filter_map(|id| then.descriptor(*id)) {
        match object {
            ObjectRef::Database(_) => {}
            ObjectRef::Schema(s) if whole.contains(&s.database) => {}
            ObjectRef::Table(t) if whole.contains(&t.database) => {}
            ObjectRef::Type(t) if whole.contains(&t.database) => {}
            ObjectRef::Schema(_) | ObjectRef::Type(_) => check(object, &[Privilege::Usage])?,
            ObjectRef::Table(_) => check(object, &[Privilege::Select, Privilege::Backup])?,
        }
    }
    Ok(())
}
