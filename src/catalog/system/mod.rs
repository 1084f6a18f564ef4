//! System tables: what the server remembers about itself, kept as ordinary rows so that SQL can
//! read them, versions cover them and BACKUP can take them along.
//!
//! Each table says what a cluster backup does with it; there is no default, so that nobody can add
//! one without deciding (see `tables.rs`). Rows are written through [`SystemTable`], which keeps
//! the secondary indexes in step.

mod access;
mod tables;

use std::sync::{Arc, LazyLock};

pub use access::Reader;
pub use tables::*;

use super::descriptor::{
    ColumnDescriptor, GrantSet, IndexDescriptor, Privileges, State, TableDescriptor, TableKind,
};
use super::privilege::{ObjectKind, Privilege};
use super::role::{ADMIN, ROOT};
use super::row::TableCodec;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::TableId;
use crate::types::Type;

/// The number of the database `system`.
pub const SYSTEM_DATABASE: u32 = 1;
/// The number of its schema `public`.
pub const SYSTEM_SCHEMA: u32 = 2;
/// User descriptors begin here.
pub const FIRST_USER_ID: u32 = 100;

/// What a cluster backup does with a system table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupPolicy {
    /// Its rows go in, and a cluster restore puts them back so.
    Include {
        /// How.
        restore: RestoreRows,
    },
    /// It stays out; the reason is beside it in the list.
    Exclude,
}

/// How a cluster restore puts the rows of a system table back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreRows {
    /// The table's rows are replaced by those of the backup.
    Replace,
    /// As `Replace`, with descriptor numbers changed to those of the restored objects.
    ReplaceWithNewIds,
    /// Rows of the backup are added; those that are there already (the running restore) stay.
    Keep,
}

/// A system table: its descriptor, its codec, and what a cluster backup does with it.
#[derive(Debug)]
pub struct SystemTable {
    descriptor: Arc<TableDescriptor>,
    codec: Result<Arc<TableCodec>>,
    policy: BackupPolicy,
}

impl SystemTable {
    /// Its number.
    pub fn id(&self) -> TableId {
        self.descriptor.id
    }

    /// Its name within `system.public`.
    pub fn name(&self) -> &str {
        &self.descriptor.name
    }

    /// Its descriptor.
    pub fn descriptor(&self) -> &Arc<TableDescriptor> {
        &self.descriptor
    }

    /// Its codec.
    pub fn codec(&self) -> Result<&Arc<TableCodec>> {
        self.codec.as_ref().map_err(Error::clone)
    }

    /// What a cluster backup does with it.
    pub fn policy(&self) -> BackupPolicy {
        self.policy
    }
}

/// The system table with a number.
pub fn table(id: TableId) -> Option<&'static SystemTable> {
    all().find(|t| t.id() == id)
}

/// Every system table, by number.
pub fn all() -> impl Iterator<Item = &'static SystemTable> {
    ALL.iter().map(|t| LazyLock::force(t))
}

/// How a system table is declared.
pub(super) struct Declaration {
    pub(super) id: TableId,
    pub(super) name: &'static str,
    pub(super) policy: BackupPolicy,
    /// Whether administrators may write to it with ordinary statements.
    pub(super) writable: bool,
    /// Name, type, and `NOT NULL` or not.
    pub(super) columns: Vec<(&'static str, Type, bool)>,
    pub(super) primary: &'static [&'static str],
    /// Name, columns, columns kept in the entry.
    pub(super) indexes:
        &'static [(&'static str, &'static [&'static str], &'static [&'static str])],
}

impl Declaration {
    pub(super) fn build(self) -> SystemTable {
        let columns: Vec<ColumnDescriptor> = (1..)
            .zip(&self.columns)
            .map(|(id, (name, ty, not_null))| {
                let mut column = ColumnDescriptor::new(id, *name, ty.clone());
                column.nullable = !not_null;
                column
            })
            .collect();
        let ids = |names: &[&str]| -> Vec<u32> {
            columns.iter().filter(|c| names.contains(&c.name.as_str())).map(|c| c.id).collect()
        };
        let ordered =
            |names: &[&str]| -> Vec<u32> { names.iter().flat_map(|name| ids(&[name])).collect() };
        let mut primary_index = IndexDescriptor::new(1, "primary", true, &ordered(self.primary));
        primary_index.constraint = true;
        let indexes: Vec<IndexDescriptor> = (2..)
            .zip(self.indexes)
            .map(|(id, (name, columns, storing))| {
                let mut index = IndexDescriptor::new(id, *name, false, &ordered(columns));
                index.storing = ids(storing);
                index
            })
            .collect();
        let rights = match self.writable {
            true => ObjectKind::Table.all(),
            false => Privilege::Select.bit(),
        };
        let mut privileges = Privileges { owner: ROOT.to_owned(), ..Privileges::default() };
        for role in [ADMIN, ROOT] {
            privileges.grants.insert(role.to_owned(), GrantSet { held: rights, grantable: rights });
        }
        let descriptor = Arc::new(TableDescriptor {
            id: self.id,
            database: SYSTEM_DATABASE,
            schema: SYSTEM_SCHEMA,
            name: self.name.to_owned(),
            version: 1,
            state: State::Public,
            privileges,
            kind: TableKind::Table,
            next_column_id: columns.len() as u32 + 1,
            next_index_id: indexes.len() as u32 + 2,
            columns,
            primary_index,
            indexes,
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            depends_on: Vec::new(),
            created: Timestamp::MIN,
            data_since: Timestamp::MIN,
            temporary: false,
            storage_parameters: Vec::new(),
            mutations: Vec::new(),
        });
        let codec = TableCodec::new(&descriptor).map(Arc::new);
        SystemTable { descriptor, codec, policy: self.policy }
    }
}

/// Whether administrators may write to a system table with ordinary statements; the others are
/// written only by the statements that they belong to.
pub fn is_writable(table: &TableDescriptor) -> bool {
    table.privileges.grants.get(ROOT).is_some_and(|g| g.holds(Privilege::Insert))
}
