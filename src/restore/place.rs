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
use crate::catalog::names::{PUBLIC_SCHEMA, check_online, duplicate};
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

/// Where a table goes that does not go to its old place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The database; it has to exist.
    pub database: String,
    /// The schema; it has to exist.
    pub schema: String,
    /// The table's name.
    pub name: String,
}

/// Finds a place for every object, or says why there is none.
pub fn place(
    ctx: &PlanContext<'_>,
    holdings: &Holdings,
    kind: Kind,
    objects: &BTreeMap<DescriptorId, Descriptor>,
    moves: &BTreeMap<DescriptorId, Move>,
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
            let mut tables = Tables {
                ctx,
                holdings,
                options,
                rewrite: &mut rewrite,
                into: &mut into,
                made: BTreeMap::new(),
            };
            tables.place_types(objects)?;
            tables.place_tables(objects, moves)?;
            let schemas = tables.made.into_values();
            check_names(holdings, objects, moves, options)?;
            // Types in whose place one of this cluster is used are not made.
            descriptors.retain(|descriptor| !rewrite.ids.contains_key(&descriptor.id()));
            descriptors.extend(schemas.map(Descriptor::Schema));
            number(ctx, &mut rewrite, &descriptors)?;
        }
        Kind::Users => {}
    }
    follow_schemas(&mut rewrite, holdings, &descriptors);
    note_renames(holdings, options, moves, &descriptors, &mut rewrite);
    for descriptor in &mut descriptors {
        let to = moves.get(&descriptor.id());
        if let (Descriptor::Table(table), Some(to)) = (&mut *descriptor, to) {
            table.name.clone_from(&to.name);
        }
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

/// Finds the databases and schemas for single tables and their types.
struct Tables<'a, 'b> {
    ctx: &'a PlanContext<'b>,
    holdings: &'a Holdings,
    options: &'a RestoreOptions,
    rewrite: &'a mut Rewrite,
    into: &'a mut BTreeSet<DescriptorId>,
    /// Schemas to be made, still with an old number, by database and name.
    made: BTreeMap<(DescriptorId, String), SchemaDescriptor>,
}

impl Tables<'_, '_> {
    /// Finds database and schema; answers both, 0 for a schema that will be made.
    fn home(
        &mut self,
        old: (DescriptorId, DescriptorId),
        what: &str,
    ) -> Result<(DescriptorId, DescriptorId)> {
        let then = self.holdings.database(old.0).map_or("", |d| &d.name);
        let wanted = self.options.into_db.as_deref().unwrap_or(then);
        let database = target_database(self.ctx, wanted, what)?.id;
        self.rewrite.ids.insert(old.0, database);
        self.into.insert(database);
        let own = self.holdings.schema(old.1);
        let name = own.map_or_else(String::new, |s| s.name.clone());
        if let Some(schema) = self.ctx.snapshot.schema_named(database, &name)? {
            self.rewrite.ids.insert(old.1, schema.id);
            self.into.insert(schema.id);
            return Ok((database, schema.id));
        }
        if let Some(schema) = own {
            self.made.entry((database, name)).or_insert_with(|| schema.clone());
        }
        Ok((database, 0))
    }

    /// Finds the database and schema of a table that does not go to its old place.
    fn moved(&mut self, to: &Move, what: &str) -> Result<(DescriptorId, DescriptorId)> {
        let database = target_database(self.ctx, &to.database, what)?.id;
        let schema = self.ctx.snapshot.schema_named(database, &to.schema)?.ok_or_else(|| {
            Error::new(
                sqlstate::INVALID_SCHEMA_NAME,
                format!(
                    "a schema named \"{}\" needs to exist in database \"{}\" to restore {what}",
                    to.schema, to.database
                ),
            )
        })?;
        check_free(self.ctx, (database, schema.id), &to.name)?;
        self.into.extend([database, schema.id]);
        Ok((database, schema.id))
    }

    fn place_tables(
        &mut self,
        objects: &BTreeMap<DescriptorId, Descriptor>,
        moves: &BTreeMap<DescriptorId, Move>,
    ) -> Result<()> {
        for object in objects.values() {
            let Descriptor::Table(table) = object else { continue };
            let what = format!("table \"{}\"", table.name);
            if let Some(to) = moves.get(&table.id) {
                let place = self.moved(to, &what)?;
                self.rewrite.places.insert(table.id, place);
                continue;
            }
            let (database, schema) = self.home((table.database, table.schema), &what)?;
            if schema != 0 {
                check_free(self.ctx, (database, schema), &table.name)?;
            }
        }
        Ok(())
    }

    /// The types of the tables: one of this cluster with the same name and members is used.
    fn place_types(&mut self, objects: &BTreeMap<DescriptorId, Descriptor>) -> Result<()> {
        for object in objects.values() {
            let Descriptor::Type(ty) = object else { continue };
            let what = format!("type \"{}\"", ty.name);
            let (database, schema) = self.home((ty.database, ty.schema), &what)?;
            let named = self.ctx.snapshot.named_any_state((database, schema), &ty.name);
            match named.filter(|_| schema != 0) {
                None => {}
                Some(ObjectRef::Type(here)) if here.members == ty.members => {
                    check_online(ObjectRef::Type(here))?;
                    self.rewrite.ids.insert(ty.id, here.id);
                    self.into.insert(here.id);
                }
                Some(ObjectRef::Type(here)) => {
                    return Err(Error::new(
                        sqlstate::DUPLICATE_OBJECT,
                        format!(
                            "type \"{}\" of the backup is not compatible with type \"{}\" \
                             existing in cluster",
                            ty.name, here.name
                        ),
                    )
                    .with_detail("They do not have the same members in the same places.")
                    .with_hint(
                        "Rename or drop it, or restore into another database with \"into_db\".",
                    ));
                }
                Some(other) => return Err(duplicate(other)),
            }
        }
        Ok(())
    }
}

fn check_free(
    ctx: &PlanContext<'_>,
    parents: (DescriptorId, DescriptorId),
    name: &str,
) -> Result<()> {
    match ctx.snapshot.named_any_state(parents, name) {
        None => Ok(()),
        Some(named) => Err(duplicate(named).with_hint(
            "Drop or rename it, restore the table under another name with AS, or restore it into \
             another database with \"into_db\".",
        )),
    }
}

/// Refuses two tables for one name.
fn check_names(
    holdings: &Holdings,
    objects: &BTreeMap<DescriptorId, Descriptor>,
    moves: &BTreeMap<DescriptorId, Move>,
    options: &RestoreOptions,
) -> Result<()> {
    let mut taken = BTreeSet::new();
    for object in objects.values() {
        let Descriptor::Table(table) = object else { continue };
        if !taken.insert(new_name(holdings, options, moves, table)) {
            return Err(duplicate(ObjectRef::from(table))
                .with_detail("Two tables of the backup would get this name."));
        }
    }
    Ok(())
}

/// The qualified name that a table gets.
fn new_name(
    holdings: &Holdings,
    options: &RestoreOptions,
    moves: &BTreeMap<DescriptorId, Move>,
    table: &TableDescriptor,
) -> [String; 3] {
    if let Some(Move { database, schema, name }) = moves.get(&table.id).cloned() {
        return [database, schema, name];
    }
    let mut name = holdings.qualified_name(table);
    if let Some(database) = options.into_db.as_ref().or(options.new_db_name.as_ref()) {
        name[0].clone_from(database);
    }
    name
}

fn target_database<'s>(
    ctx: &'s PlanContext<'_>,
    name: &str,
    what: &str,
) -> Result<&'s DatabaseDescriptor> {
    let found = ctx.snapshot.database_named(name)?.ok_or_else(|| {
        Error::new(
            sqlstate::INVALID_CATALOG_NAME,
            format!("a database named \"{name}\" needs to exist to restore {what}"),
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
        let (id, database, schema) = match descriptor {
            Descriptor::Table(table) => (table.id, table.database, table.schema),
            Descriptor::Type(ty) => (ty.id, ty.database, ty.schema),
            _ => continue,
        };
        if rewrite.ids.contains_key(&schema) || rewrite.places.contains_key(&id) {
            continue;
        }
        let Some(own) = holdings.schema(schema) else { continue };
        let target = rewrite.ids.get(&database);
        let stands_in = descriptors.iter().find_map(|other| match other {
            Descriptor::Schema(s)
                if s.name == own.name && rewrite.ids.get(&s.database) == target =>
            {
                rewrite.ids.get(&s.id)
            }
            _ => None,
        });
        if let Some(new) = stands_in {
            followers.push((schema, *new));
        }
    }
    rewrite.ids.extend(followers);
}

/// Notes which relations have another qualified name than in the backup.
fn note_renames(
    holdings: &Holdings,
    options: &RestoreOptions,
    moves: &BTreeMap<DescriptorId, Move>,
    descriptors: &[Descriptor],
    rewrite: &mut Rewrite,
) {
    for descriptor in descriptors {
        let Descriptor::Table(table) = descriptor else { continue };
        let old = holdings.qualified_name(table);
        let new = new_name(holdings, options, moves, table);
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
