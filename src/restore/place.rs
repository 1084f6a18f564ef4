//! Where the wanted objects go in this cluster: names, numbers, owners.

use std::collections::{BTreeMap, BTreeSet};

use super::holdings::Holdings;
use super::plan::{PlanContext, RestoreOptions};
use super::rewrite::Rewrite;
use super::target::Kind;
use crate::catalog::descriptor::{
    DatabaseDescriptor, Descriptor, DescriptorId, Privileges, SchemaDescriptor, State,
    TableDescriptor,
};
use crate::catalog::names::{PUBLIC_SCHEMA, duplicate};
use crate::catalog::privilege::{
    ObjectKind, Privilege, check_any, for_new_object, holds_system, require_option,
};
use crate::catalog::role::{PUBLIC, RoleOption};
use crate::catalog::system::SYSTEM_DATABASE;
use crate::catalog::{CatalogSnapshot, ObjectRef};
use crate::error::{Error, Result, sqlstate};

/// Objects that a cluster restore names when it finds the cluster in use.
const NAMED_MAX: usize = 20;

/// The databases that every new cluster has, and that a cluster restore takes the place of.
pub const DEFAULT_DATABASES: [&str; 2] = ["defaultdb", "postgres"];

/// The new objects.
#[derive(Debug)]
pub struct Placed {
    /// The descriptors with their new numbers, public; those that others lie in come first.
    pub descriptors: Vec<Descriptor>,
    /// What became of the old numbers.
    pub rewrite: Rewrite,
    /// Objects of this cluster into which something is put.
    pub into: Vec<DescriptorId>,
    /// Names of databases that make room.
    pub replaced: Vec<String>,
}

/// Finds a place for every object, or says why there is none.
pub fn place(
    ctx: &PlanContext<'_>,
    holdings: &Holdings,
    kind: Kind,
    objects: &BTreeMap<DescriptorId, Descriptor>,
    options: &RestoreOptions,
) -> Result<Placed> {
    let mut rewrite = Rewrite::default();
    let mut descriptors: Vec<Descriptor> = objects.values().cloned().collect();
    let mut into = BTreeSet::new();
    let mut replaced = Vec::new();
    match kind {
        Kind::Cluster => {
            check_cluster_is_empty(&ctx.snapshot)?;
            let user = ctx.snapshot.databases_any_state().filter(|d| d.id != SYSTEM_DATABASE);
            replaced = user.map(|d| d.name.clone()).collect();
            number(ctx, &mut rewrite, &descriptors)?;
        }
        Kind::Databases => {
            place_databases(ctx, &mut descriptors, options)?;
            number(ctx, &mut rewrite, &descriptors)?;
        }
        Kind::Tables => {
            let schemas = place_tables(ctx, holdings, objects, options, &mut rewrite, &mut into)?;
            descriptors.extend(schemas.into_iter().map(Descriptor::Schema));
            number(ctx, &mut rewrite, &descriptors)?;
        }
        Kind::Users => {}
    }
    follow_schemas(&mut rewrite, holdings, &descriptors);
    note_renames(holdings, options, &descriptors, &mut rewrite);
    for descriptor in &mut descriptors {
        let before = descriptor.privileges().clone();
        rewrite.descriptor(descriptor)?;
        descriptor.set_state(State::Public);
        if kind != Kind::Cluster {
            *descriptor.privileges_mut() = privileges(ctx, descriptor, &before, options.grants);
            if let Descriptor::Database(database) = descriptor {
                database.default_privileges.clear();
            }
        }
    }
    descriptors.sort_by_key(|descriptor| (rank(descriptor), descriptor.id()));
    Ok(Placed { descriptors, rewrite, into: into.into_iter().collect(), replaced })
}

fn rank(descriptor: &Descriptor) -> u8 {
    match descriptor {
        Descriptor::Database(_) => 0,
        Descriptor::Schema(_) => 1,
        Descriptor::Type(_) => 2,
        Descriptor::Table(_) => 3,
    }
}

/// Gives every object a new number, in the order of the old ones.
fn number(ctx: &PlanContext<'_>, rewrite: &mut Rewrite, objects: &[Descriptor]) -> Result<()> {
    let mut old: Vec<DescriptorId> = objects.iter().map(Descriptor::id).collect();
    old.sort_unstable();
    let count = u32::try_from(old.len())
        .map_err(|_| Error::unsupported("restoring four billion objects"))?;
    let first = ctx.services.catalog.allocate_ids(count)?;
    rewrite.ids.extend(old.into_iter().zip(first..));
    Ok(())
}

/// A cluster restore takes the place of everything, so there must be nothing to lose.
pub fn check_cluster_is_empty(snapshot: &CatalogSnapshot) -> Result<()> {
    let is_default = |id: DescriptorId| {
        snapshot
            .database_any_state(id)
            .is_some_and(|d| DEFAULT_DATABASES.contains(&d.name.as_str()))
    };
    let in_the_way = |object: &ObjectRef<'_>| match *object {
        ObjectRef::Database(d) => d.id != SYSTEM_DATABASE && !is_default(d.id),
        ObjectRef::Schema(d) => {
            d.database != SYSTEM_DATABASE
                && !(is_default(d.database) && d.name == PUBLIC_SCHEMA)
                && !d.is_temporary()
        }
        ObjectRef::Table(d) => d.database != SYSTEM_DATABASE && !d.temporary,
        ObjectRef::Type(d) => d.database != SYSTEM_DATABASE,
    };
    let found: Vec<ObjectRef<'_>> = snapshot.descriptors().filter(in_the_way).collect();
    if found.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = found.iter().take(NAMED_MAX).map(|object| object.name()).collect();
    let more = if found.len() > NAMED_MAX { ", …" } else { "" };
    Err(Error::new(
        sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!(
            "full cluster restore can only be run on a cluster with no tables or databases but \
             found {} descriptors: {}{more}",
            found.len(),
            names.join(", ")
        ),
    ))
}

fn place_databases(
    ctx: &PlanContext<'_>,
    descriptors: &mut [Descriptor],
    options: &RestoreOptions,
) -> Result<()> {
    if !holds_system(&ctx.snapshot, ctx.user, Privilege::Restore) {
        require_option(&ctx.snapshot, ctx.user, RoleOption::CreateDb, "restore a database")?;
    }
    for descriptor in descriptors {
        let Descriptor::Database(database) = descriptor else { continue };
        if let Some(name) = &options.new_db_name {
            database.name.clone_from(name);
        }
        if let Some(taken) = ctx.snapshot.database_named_any_state(&database.name) {
            return Err(duplicate(ObjectRef::from(taken)));
        }
    }
    Ok(())
}

/// Finds the databases and schemas for single tables; answers the schemas that must be made, still
/// with an old number.
fn place_tables(
    ctx: &PlanContext<'_>,
    holdings: &Holdings,
    objects: &BTreeMap<DescriptorId, Descriptor>,
    options: &RestoreOptions,
    rewrite: &mut Rewrite,
    into: &mut BTreeSet<DescriptorId>,
) -> Result<Vec<SchemaDescriptor>> {
    // Schemas to be made, and those of the backup that stand for them, by database and name.
    let mut made: BTreeMap<(DescriptorId, String), SchemaDescriptor> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for object in objects.values() {
        let Descriptor::Table(table) = object else { continue };
        let [database_name, schema_name, _] = holdings.qualified_name(table);
        let wanted = options.into_db.as_ref().unwrap_or(&database_name);
        let database = target_database(ctx, wanted, table)?;
        rewrite.ids.insert(table.database, database.id);
        into.insert(database.id);
        let schema = ctx.snapshot.schema_named(database.id, &schema_name)?;
        if let Some(schema) = schema {
            rewrite.ids.insert(table.schema, schema.id);
            into.insert(schema.id);
            let named = ctx.snapshot.named_any_state((database.id, schema.id), &table.name);
            if let Some(named) = named {
                return Err(duplicate(named).with_hint(
                    "Drop or rename it, or restore the table into another database with \
                     \"into_db\".",
                ));
            }
        } else if let Some(schema) = holdings.schema(table.schema) {
            made.entry((database.id, schema_name.clone())).or_insert_with(|| schema.clone());
        }
        if !taken.insert((database.id, schema_name, table.name.clone())) {
            return Err(duplicate(ObjectRef::from(table))
                .with_detail("Two tables of the backup would get this name."));
        }
    }
    Ok(made.into_values().collect())
}

fn target_database<'s>(
    ctx: &'s PlanContext<'_>,
    name: &str,
    table: &TableDescriptor,
) -> Result<&'s DatabaseDescriptor> {
    let found = ctx.snapshot.database_named(name)?.ok_or_else(|| {
        Error::new(
            sqlstate::INVALID_CATALOG_NAME,
            format!(
                "a database named \"{name}\" needs to exist to restore table \"{}\"",
                table.name
            ),
        )
        .with_hint("Create it, or name another one with \"into_db\".")
    })?;
    if found.id == SYSTEM_DATABASE {
        return Err(Error::new(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            "tables cannot be restored into the system database",
        )
        .with_hint("Restore them into another database with \"into_db\"."));
    }
    check_any(&ctx.snapshot, ctx.user, found, &[Privilege::Create, Privilege::Restore])?;
    Ok(found)
}

/// Schemas of several databases may become one: the others' numbers lead to the one that is made.
fn follow_schemas(rewrite: &mut Rewrite, holdings: &Holdings, descriptors: &[Descriptor]) {
    let mut followers = Vec::new();
    for descriptor in descriptors {
        let Descriptor::Table(table) = descriptor else { continue };
        if rewrite.ids.contains_key(&table.schema) {
            continue;
        }
        let Some(own) = holdings.schema(table.schema) else { continue };
        let target = rewrite.ids.get(&table.database);
        let stands_in = descriptors.iter().find_map(|other| match other {
            Descriptor::Schema(s)
                if s.name == own.name && rewrite.ids.get(&s.database) == target =>
            {
                rewrite.ids.get(&s.id)
            }
            _ => None,
        });
        if let Some(new) = stands_in {
            followers.push((table.schema, *new));
        }
    }
    rewrite.ids.extend(followers);
}

/// Notes which relations have another qualified name than in the backup.
fn note_renames(
    holdings: &Holdings,
    options: &RestoreOptions,
    descriptors: &[Descriptor],
    rewrite: &mut Rewrite,
) {
    let Some(database) = options.into_db.as_ref().or(options.new_db_name.as_ref()) else {
        return;
    };
    for descriptor in descriptors {
        let Descriptor::Table(table) = descriptor else { continue };
        let old = holdings.qualified_name(table);
        let mut new = old.clone();
        new[0].clone_from(database);
        if old != new {
            rewrite.names.insert(table.id, (old, new));
        }
    }
}

/// Owner and grants of a new object: the user who restores it, and what a new object of the kind
/// gets; with `keep`, what roles that exist here had in the backup.
fn privileges(
    ctx: &PlanContext<'_>,
    descriptor: &Descriptor,
    before: &Privileges,
    keep: bool,
) -> Privileges {
    let kind = ObjectRef::from(descriptor).kind();
    let (database, schema) = descriptor.parents();
    let mut privileges = match descriptor {
        Descriptor::Database(_) => Privileges::initial(ObjectKind::Database, ctx.user),
        Descriptor::Schema(s) if s.name == PUBLIC_SCHEMA => {
            Privileges::initial_public_schema(ctx.user)
        }
        Descriptor::Schema(_) => for_new_object(&ctx.snapshot, database, None, kind, ctx.user),
        _ => for_new_object(&ctx.snapshot, database, Some(schema), kind, ctx.user),
    };
    if keep {
        for (role, set) in &before.grants {
            if role == PUBLIC || ctx.snapshot.role(role).is_some() {
                privileges.grant(role, set.held & kind.grantable(), false);
                privileges.grant(role, set.grantable & kind.grantable(), true);
            }
        }
    }
    privileges
}
