//! Everything that exists, at one moment, in memory: what binding a statement needs.
//!
//! A snapshot never changes; sessions share it. A new one reuses what the one before has parsed
//! wherever the stored bytes are the same, so that a change of one table among ten thousand does
//! not cost the parsing of ten thousand.
//!
//! Lookups by name come in two forms: the ordinary one fails with 55000 for an offline descriptor
//! (a restore is filling it), `_any_state` finds it. Lists without `_any_state` leave those out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::comment::CommentKind;
use super::descriptor::{
    DatabaseDescriptor, Descriptor, DescriptorId, GrantSet, SchemaDescriptor, TableDescriptor,
    TypeDescriptor,
};
use super::names::check_online;
use super::object::ObjectRef;
use super::role::{ADMIN, PUBLIC, ROOT, Role, RoleGraph};
use super::row::TableCodec;
use super::user_type::UserTypes;
use super::zone::{DEFAULT_ZONE, ZoneConfig};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::TableId;

/// A descriptor as a snapshot keeps it, shared by all snapshots that have the same bytes.
#[derive(Debug)]
pub(super) struct Stored {
    /// Hash of the stored bytes.
    pub(super) hash: [u8; 32],
    pub(super) object: Object,
}

#[derive(Debug)]
pub(super) enum Object {
    Database(Arc<DatabaseDescriptor>),
    Schema(Arc<SchemaDescriptor>),
    Table(Arc<TableDescriptor>, OnceLock<Arc<TableCodec>>),
    Type(Arc<TypeDescriptor>),
}

impl Object {
    fn as_ref(&self) -> ObjectRef<'_> {
        match self {
            Object::Database(d) => ObjectRef::Database(d),
            Object::Schema(d) => ObjectRef::Schema(d),
            Object::Table(d, _) => ObjectRef::Table(d),
            Object::Type(d) => ObjectRef::Type(d),
        }
    }
}

impl From<Descriptor> for Object {
    fn from(descriptor: Descriptor) -> Self {
        match descriptor {
            Descriptor::Database(d) => Object::Database(Arc::new(d)),
            Descriptor::Schema(d) => Object::Schema(Arc::new(d)),
            Descriptor::Table(d) => Object::Table(Arc::new(d), OnceLock::new()),
            Descriptor::Type(d) => Object::Type(Arc::new(d)),
        }
    }
}

/// Everything that exists, at one moment.
#[derive(Debug, Default)]
pub struct CatalogSnapshot {
    pub(super) version: Timestamp,
    pub(super) private: bool,
    pub(super) objects: BTreeMap<DescriptorId, Arc<Stored>>,
    /// (database, schema) -> name -> id; zeros where there is none.
    pub(super) names: HashMap<(DescriptorId, DescriptorId), BTreeMap<String, DescriptorId>>,
    pub(super) inbound: HashMap<TableId, Vec<(TableId, usize)>>,
    pub(super) dependents: HashMap<DescriptorId, Vec<DescriptorId>>,
    pub(super) owned_sequences: HashMap<TableId, Vec<TableId>>,
    pub(super) roles: RoleGraph,
    pub(super) comments: HashMap<(CommentKind, DescriptorId, u32), String>,
    pub(super) zones: BTreeMap<DescriptorId, ZoneConfig>,
    pub(super) system_grants: BTreeMap<(String, String), GrantSet>,
    pub(super) user_types: UserTypes,
}

impl CatalogSnapshot {
    /// Works out names and dependencies once every object is there.
    pub(super) fn index(&mut self) {
        for (&id, stored) in &self.objects {
            let (parents, name) = match &stored.object {
                Object::Database(d) => ((0, 0), &d.name),
                Object::Schema(d) => ((d.database, 0), &d.name),
                Object::Table(d, _) => ((d.database, d.schema), &d.name),
                Object::Type(d) => ((d.database, d.schema), &d.name),
            };
            self.names.entry(parents).or_default().insert(name.clone(), id);
            let Object::Table(table, _) = &stored.object else { continue };
            for (at, key) in table.foreign_keys.iter().enumerate() {
                self.inbound.entry(key.referenced_table).or_default().push((id, at));
            }
            let sequences = table.columns.iter().flat_map(|c| &c.uses_sequences);
            let needed: BTreeSet<DescriptorId> = table
                .depends_on
                .iter()
                .chain(sequences)
                .copied()
                .chain(table.types_used())
                .collect();
            for other in needed {
                self.dependents.entry(other).or_default().push(id);
            }
            if let Some((owner, _)) = table.sequence().and_then(|s| s.owned_by) {
                self.owned_sequences.entry(owner).or_default().push(id);
            }
        }
    }

    /// No later change of the catalogue than this is in it.
    pub fn version(&self) -> Timestamp {
        self.version
    }

    /// Whether it shows changes that a transaction has not committed. Versions of descriptors in it
    /// mean nothing to others: no plan made with it may be kept.
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// Any object by number, whatever its state.
    pub fn descriptor(&self, id: DescriptorId) -> Option<ObjectRef<'_>> {
        self.objects.get(&id).map(|stored| stored.object.as_ref())
    }

    /// Every object, by number, whatever its state.
    pub fn descriptors(&self) -> impl Iterator<Item = ObjectRef<'_>> {
        self.objects.values().map(|stored| stored.object.as_ref())
    }

    fn id_of(&self, parents: (DescriptorId, DescriptorId), name: &str) -> Option<DescriptorId> {
        self.names.get(&parents)?.get(name).copied()
    }

    fn ids_in(
        &self,
        parents: (DescriptorId, DescriptorId),
    ) -> impl Iterator<Item = DescriptorId> + '_ {
        self.names.get(&parents).into_iter().flat_map(|names| names.values().copied())
    }

    /// Whatever has a name within a schema (0 for schemas) of a database (0 for databases).
    pub fn named_any_state(
        &self,
        parents: (DescriptorId, DescriptorId),
        name: &str,
    ) -> Option<ObjectRef<'_>> {
        self.descriptor(self.id_of(parents, name)?)
    }

    // Databases.

    /// A usable database by number.
    pub fn database(&self, id: DescriptorId) -> Option<&Arc<DatabaseDescriptor>> {
        self.database_any_state(id).filter(|d| d.state.is_public())
    }

    /// A database by number.
    pub fn database_any_state(&self, id: DescriptorId) -> Option<&Arc<DatabaseDescriptor>> {
        match &self.objects.get(&id)?.object {
            Object::Database(d) => Some(d),
            _ => None,
        }
    }

    /// A database by name; 55000 if it is offline.
    pub fn database_named(&self, name: &str) -> Result<Option<&Arc<DatabaseDescriptor>>> {
        online(self.database_named_any_state(name))
    }

    /// A database by name, whatever its state.
    pub fn database_named_any_state(&self, name: &str) -> Option<&Arc<DatabaseDescriptor>> {
        self.database_any_state(self.id_of((0, 0), name)?)
    }

    /// The usable databases, by name.
    pub fn databases(&self) -> impl Iterator<Item = &Arc<DatabaseDescriptor>> {
        self.ids_in((0, 0)).filter_map(|id| self.database(id))
    }

    /// Every database, by name.
    pub fn databases_any_state(&self) -> impl Iterator<Item = &Arc<DatabaseDescriptor>> {
        self.ids_in((0, 0)).filter_map(|id| self.database_any_state(id))
    }

    // Schemas.

    /// A usable schema by number.
    pub fn schema(&self, id: DescriptorId) -> Option<&Arc<SchemaDescriptor>> {
        self.schema_any_state(id).filter(|d| d.state.is_public())
    }

    /// A schema by number.
    pub fn schema_any_state(&self, id: DescriptorId) -> Option<&Arc<SchemaDescriptor>> {
        match &self.objects.get(&id)?.object {
            Object::Schema(d) => Some(d),
            _ => None,
        }
    }

    /// A schema of a database by name; 55000 if it is offline.
    pub fn schema_named(
        &self,
        database: DescriptorId,
        name: &str,
    ) -> Result<Option<&Arc<SchemaDescriptor>>> {
        online(self.schema_named_any_state(database, name))
    }

    /// A schema of a database by name, whatever its state.
    pub fn schema_named_any_state(
        &self,
        database: DescriptorId,
        name: &str,
    ) -> Option<&Arc<SchemaDescriptor>> {
        self.schema_any_state(self.id_of((database, 0), name)?)
    }

    /// The usable schemas of a database, by name.
    pub fn schemas(&self, database: DescriptorId) -> impl Iterator<Item = &Arc<SchemaDescriptor>> {
        self.ids_in((database, 0)).filter_map(|id| self.schema(id))
    }

    /// Every schema of a database, by name.
    pub fn schemas_any_state(
        &self,
        database: DescriptorId,
    ) -> impl Iterator<Item = &Arc<SchemaDescriptor>> {
        self.ids_in((database, 0)).filter_map(|id| self.schema_any_state(id))
    }

    // Tables, views, sequences.

    fn table_entry(
        &self,
        id: TableId,
    ) -> Option<(&Arc<TableDescriptor>, &OnceLock<Arc<TableCodec>>)> {
        match &self.objects.get(&id)?.object {
            Object::Table(d, codec) => Some((d, codec)),
            _ => None,
        }
    }

    /// A usable table, view or sequence by number.
    pub fn table(&self, id: TableId) -> Option<&Arc<TableDescriptor>> {
        self.table_any_state(id).filter(|d| d.state.is_public())
    }

    /// A table, view or sequence by number.
    pub fn table_any_state(&self, id: TableId) -> Option<&Arc<TableDescriptor>> {
        self.table_entry(id).map(|(d, _)| d)
    }

    /// The codec of a table, made at its first use and kept as long as the table stays as it is.
    pub fn codec(&self, id: TableId) -> Result<Arc<TableCodec>> {
        let (table, slot) = self
            .table_entry(id)
            .ok_or_else(|| Error::internal(format!("table {id} is not in the catalogue")))?;
        if let Some(codec) = slot.get() {
            return Ok(Arc::clone(codec));
        }
        let codec = Arc::new(TableCodec::new(table)?);
        Ok(Arc::clone(slot.get_or_init(|| codec)))
    }

    /// A table, view or sequence of a schema by name; 55000 if it is offline.
    pub fn relation(
        &self,
        schema: DescriptorId,
        name: &str,
    ) -> Result<Option<&Arc<TableDescriptor>>> {
        online(self.relation_any_state(schema, name))
    }

    /// A table, view or sequence of a schema by name, whatever its state.
    pub fn relation_any_state(
        &self,
        schema: DescriptorId,
        name: &str,
    ) -> Option<&Arc<TableDescriptor>> {
        let database = self.schema_any_state(schema)?.database;
        self.table_any_state(self.id_of((database, schema), name)?)
    }

    /// The usable tables, views and sequences of a schema, by name.
    pub fn tables_in(&self, schema: DescriptorId) -> impl Iterator<Item = &Arc<TableDescriptor>> {
        self.tables_in_any_state(schema).filter(|d| d.state.is_public())
    }

    /// Every table, view and sequence of a schema, by name.
    pub fn tables_in_any_state(
        &self,
        schema: DescriptorId,
    ) -> impl Iterator<Item = &Arc<TableDescriptor>> {
        let database = self.schema_any_state(schema).map_or(0, |s| s.database);
        self.ids_in((database, schema)).filter_map(|id| self.table_any_state(id))
    }

    /// Every table, view and sequence, by number, whatever its state.
    pub fn tables_any_state(&self) -> impl Iterator<Item = &Arc<TableDescriptor>> {
        self.objects.keys().filter_map(|id| self.table_any_state(*id))
    }

    // Types.

    /// A user-defined type by number.
    pub fn type_any_state(&self, id: DescriptorId) -> Option<&Arc<TypeDescriptor>> {
        match &self.objects.get(&id)?.object {
            Object::Type(d) => Some(d),
            _ => None,
        }
    }

    /// A user-defined type of a schema by name; 55000 if it is offline.
    pub fn user_type(
        &self,
        schema: DescriptorId,
        name: &str,
    ) -> Result<Option<&Arc<TypeDescriptor>>> {
        let Some(database) = self.schema_any_state(schema).map(|s| s.database) else {
            return Ok(None);
        };
        online(self.id_of((database, schema), name).and_then(|id| self.type_any_state(id)))
    }

    /// Every user-defined type of a schema, by name.
    pub fn types_in(&self, schema: DescriptorId) -> impl Iterator<Item = &Arc<TypeDescriptor>> {
        let database = self.schema_any_state(schema).map_or(0, |s| s.database);
        self.ids_in((database, schema)).filter_map(|id| self.type_any_state(id))
    }

    // What hangs together.

    /// The foreign keys that point at a table: the referring table, and the position in its
    /// `foreign_keys`.
    pub fn inbound_foreign_keys(&self, table: TableId) -> &[(TableId, usize)] {
        self.inbound.get(&table).map_or(&[], Vec::as_slice)
    }

    /// The objects that need an object: views over a relation, tables whose defaults use a
    /// sequence.
    pub fn dependents(&self, id: DescriptorId) -> &[DescriptorId] {
        self.dependents.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The sequences that belong to columns of a table and go away with it.
    pub fn owned_sequences(&self, table: TableId) -> &[TableId] {
        self.owned_sequences.get(&table).map_or(&[], Vec::as_slice)
    }

    // Roles.

    /// Roles and memberships.
    pub fn roles(&self) -> &RoleGraph {
        &self.roles
    }

    /// A role by name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.role(name)
    }

    /// Every role that a role is a member of, through any number of steps.
    pub fn member_of(&self, name: &str) -> &Arc<BTreeSet<String>> {
        self.roles.member_of(name)
    }

    /// Whether a role is a member of another, through any number of steps. Everybody is of `public`.
    pub fn is_member(&self, name: &str, role: &str) -> bool {
        role == PUBLIC || self.roles.member_of(name).contains(role)
    }

    /// Whether a role may do everything.
    pub fn is_admin(&self, name: &str) -> bool {
        name == ROOT || name == ADMIN || self.roles.member_of(name).contains(ADMIN)
    }

    /// The objects that a role owns.
    pub fn owned_by<'a>(&'a self, role: &'a str) -> impl Iterator<Item = ObjectRef<'a>> {
        self.descriptors().filter(move |object| object.privileges().owner == role)
    }

    /// What roles were granted on the cluster as a whole.
    pub fn system_grants(&self) -> impl Iterator<Item = (&str, GrantSet)> {
        self.path_grants(super::system_grant::GLOBAL)
    }

    /// What roles were granted on something without a descriptor (see `system_grant`).
    pub fn path_grants<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, GrantSet)> {
        let of_path = move |((_, p), _): &(&(String, String), &GrantSet)| p == path;
        self.system_grants.iter().filter(of_path).map(|((role, _), set)| (role.as_str(), *set))
    }

    // Comments and zones.

    /// The comment on an object (part 0), a column, an index, …
    pub fn comment(&self, kind: CommentKind, object: DescriptorId, part: u32) -> Option<&str> {
        self.comments.get(&(kind, object, part)).map(String::as_str)
    }

    /// Every comment: kind, object, part, text.
    pub fn comments(&self) -> impl Iterator<Item = (CommentKind, DescriptorId, u32, &str)> {
        self.comments.iter().map(|((kind, id, part), text)| (*kind, *id, *part, text.as_str()))
    }

    /// What CONFIGURE ZONE set on just this database, table or [`DEFAULT_ZONE`].
    pub fn zone(&self, id: DescriptorId) -> Option<&ZoneConfig> {
        self.zones.get(&id)
    }

    /// Every zone configuration, by descriptor.
    pub fn zones(&self) -> impl Iterator<Item = (DescriptorId, &ZoneConfig)> {
        self.zones.iter().map(|(id, config)| (*id, config))
    }

    /// `gc.ttlseconds` of a table or database: its own, its database's, the cluster's; `None` if
    /// nobody set one, so that the cluster setting holds.
    pub fn gc_ttl_seconds(&self, id: DescriptorId) -> Option<i64> {
        let database = self.table_any_state(id).map(|t| t.database);
        [Some(id), database, Some(DEFAULT_ZONE)]
            .into_iter()
            .flatten()
            .find_map(|id| self.zones.get(&id)?.gc_ttl_seconds)
    }
}

/// Lets a found descriptor through if it can be used.
fn online<T>(found: Option<&Arc<T>>) -> Result<Option<&Arc<T>>>
where
    for<'a> ObjectRef<'a>: From<&'a T>,
{
    if let Some(descriptor) = found {
        check_online(ObjectRef::from(descriptor.as_ref()))?;
    }
    Ok(found)
}
