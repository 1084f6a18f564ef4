//! Descriptors: what exists. Stored as JSON rows of `system.descriptor`, versioned by MVCC like
//! every other row, so that a read of yesterday sees yesterday's schema.
//!
//! A descriptor names others by id, never by name; expressions name relations as `id::regclass`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::mutation::Mutation;
use crate::clock::Timestamp;
use crate::keys::{IndexId, TableId};
use crate::types::{ColumnType, EnumMember};

/// The number of a database, schema, table, view, sequence or type. Never used twice.
pub type DescriptorId = u32;

/// The number of a column within its table. Never used twice by one table.
pub type ColumnId = u32;

/// Anything that has a name and a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Descriptor {
    /// A database.
    Database(DatabaseDescriptor),
    /// A schema within a database.
    Schema(SchemaDescriptor),
    /// A table, view, materialised view or sequence.
    Table(TableDescriptor),
    /// A user-defined type.
    Type(TypeDescriptor),
}

/// Whether a descriptor can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In use.
    #[default]
    Public,
    /// Its name is taken but nobody may use it (a restore is filling it); holds the reason.
    Offline(String),
}

/// What may be done by whom: role -> privileges. The owner and `admin` may do everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privileges {
    /// The owning role.
    pub owner: String,
    /// Grants by role; `public` is everybody.
    pub grants: BTreeMap<String, GrantSet>,
}

/// Privileges of one role on one object, as bits of `privilege::Privilege`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantSet {
    /// What the role may do.
    pub held: u32,
    /// What it may pass on.
    pub grantable: u32,
}

/// A database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatabaseDescriptor {
    /// Its number.
    pub id: DescriptorId,
    /// Its name.
    pub name: String,
    /// Rises with each change.
    pub version: u64,
    /// Whether it can be used.
    #[serde(default)]
    pub state: State,
    /// Owner and grants.
    pub privileges: Privileges,
    /// Grants that new objects receive (`ALTER DEFAULT PRIVILEGES`): creator role -> kind -> role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_privileges: Vec<DefaultPrivilege>,
}

/// One rule of `ALTER DEFAULT PRIVILEGES`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultPrivilege {
    /// The role that creates the object.
    pub creator: String,
    /// Only within this schema, if given.
    pub schema: Option<DescriptorId>,
    /// `tables`, `sequences`, `schemas`, `types`.
    pub kind: String,
    /// Who receives.
    pub grantee: String,
    /// What they receive.
    pub grant: GrantSet,
}

/// A schema. Every database has one called `public`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SchemaDescriptor {
    /// Its number.
    pub id: DescriptorId,
    /// The database it belongs to.
    pub database: DescriptorId,
    /// Its name.
    pub name: String,
    /// Rises with each change.
    pub version: u64,
    /// Whether it can be used.
    #[serde(default)]
    pub state: State,
    /// Owner and grants.
    pub privileges: Privileges,
}

/// A user-defined type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TypeDescriptor {
    /// Its number, also its OID.
    pub id: DescriptorId,
    /// The database it belongs to.
    pub database: DescriptorId,
    /// The schema it belongs to.
    pub schema: DescriptorId,
    /// Its name.
    pub name: String,
    /// Rises with each change.
    pub version: u64,
    /// Whether it can be used.
    #[serde(default)]
    pub state: State,
    /// Owner and grants.
    pub privileges: Privileges,
    /// An enum's members in order.
    pub members: Vec<EnumMember>,
}

/// What a table descriptor describes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// Rows.
    Table,
    /// A query.
    View {
        /// The SELECT, every name qualified by database and schema.
        query: String,
    },
    /// The stored result of a query.
    MaterializedView {
        /// The SELECT, every name qualified by database and schema.
        query: String,
    },
    /// A counter; its value is data in its own span.
    Sequence(SequenceOptions),
}

/// How a sequence counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceOptions {
    /// The type's bounds apply to `minimum` and `maximum`.
    pub ty: crate::types::Type,
    /// First value.
    pub start: i64,
    /// Step; negative counts down.
    pub increment: i64,
    /// Smallest value.
    pub minimum: i64,
    /// Largest value.
    pub maximum: i64,
    /// Whether it begins again after the last value.
    pub cycle: bool,
    /// Values that a session takes at a time.
    pub cache: i64,
    /// The column that owns it (`OWNED BY`, serial).
    pub owned_by: Option<(TableId, ColumnId)>,
}

/// A table, view, materialised view or sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableDescriptor {
    /// Its number, also its OID and the first part of its keys.
    pub id: TableId,
    /// The database it belongs to.
    pub database: DescriptorId,
    /// The schema it belongs to.
    pub schema: DescriptorId,
    /// Its name.
    pub name: String,
    /// Rises with each change.
    pub version: u64,
    /// Whether it can be used.
    #[serde(default)]
    pub state: State,
    /// Owner and grants.
    pub privileges: Privileges,
    /// What it is.
    pub kind: TableKind,
    /// The columns in order of definition, hidden ones included.
    pub columns: Vec<ColumnDescriptor>,
    /// The next column's number.
    pub next_column_id: ColumnId,
    /// Where rows live. Views have one without columns and without data.
    pub primary_index: IndexDescriptor,
    /// The secondary indexes.
    #[serde(default)]
    pub indexes: Vec<IndexDescriptor>,
    /// The next index's number.
    pub next_index_id: IndexId,
    /// CHECK constraints.
    #[serde(default)]
    pub checks: Vec<CheckConstraint>,
    /// FOREIGN KEY constraints of this table (those that point here are found by the snapshot).
    #[serde(default)]
    pub foreign_keys: Vec<ForeignKey>,
    /// Relations that a view's query or an INTERLEAVE clause needs.
    #[serde(default)]
    pub depends_on: Vec<DescriptorId>,
    /// When it was created.
    pub created: Timestamp,
    /// A restore or a bulk load gave its rows this timestamp; nothing older can be read.
    #[serde(default)]
    pub data_since: Timestamp,
    /// Whether it goes away with its session.
    #[serde(default)]
    pub temporary: bool,
    /// Storage parameters (`WITH (fillfactor = 100)`): accepted, shown, without effect.
    #[serde(default)]
    pub storage_parameters: Vec<(String, String)>,
    /// What is being added to it while it is in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mutations: Vec<Mutation>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnDescriptor {
    /// Its number.
    pub id: ColumnId,
    /// Its name.
    pub name: String,
    /// Its type and modifier.
    pub ty: ColumnType,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// DEFAULT expression as SQL; relations in it are `id::regclass`.
    pub default: Option<String>,
    /// GENERATED ALWAYS AS (expression) STORED.
    #[serde(default)]
    pub computed: Option<String>,
    /// GENERATED … AS IDENTITY.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// Not in `SELECT *` (the row id of a table without primary key).
    #[serde(default)]
    pub hidden: bool,
    /// Sequences that the default uses.
    #[serde(default)]
    pub uses_sequences: Vec<DescriptorId>,
    /// The name of the NOT NULL or DEFAULT-independent collation, if not the default.
    #[serde(default)]
    pub collation: Option<String>,
    /// What rows written before the column existed hold in it, as `row::freeze` gives it; absent
    /// means NULL. Lets ADD COLUMN … DEFAULT constant leave the rows alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// The two kinds of identity columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// GENERATED ALWAYS
    Always,
    /// GENERATED BY DEFAULT
    ByDefault,
}

/// One column of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexColumn {
    /// The table's column.
    pub column: ColumnId,
    /// Stored in descending order (NULLs first).
    #[serde(default)]
    pub descending: bool,
}

/// A primary or secondary index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexDescriptor {
    /// Its number within the table.
    pub id: IndexId,
    /// Its name.
    pub name: String,
    /// Whether two rows may not agree in all columns.
    pub unique: bool,
    /// The columns of the key, in order. A non-unique index appends the primary key.
    pub columns: Vec<IndexColumn>,
    /// Columns kept in the entry's value (STORING, INCLUDE).
    #[serde(default)]
    pub storing: Vec<ColumnId>,
    /// Partial index: rows for which this SQL is true.
    #[serde(default)]
    pub predicate: Option<String>,
    /// Made by a PRIMARY KEY or UNIQUE constraint rather than CREATE INDEX.
    #[serde(default)]
    pub constraint: bool,
}

/// A CHECK constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckConstraint {
    /// Its name.
    pub name: String,
    /// The expression as SQL.
    pub expression: String,
    /// The columns it reads.
    pub columns: Vec<ColumnId>,
    /// Whether rows that were there before it may violate it (NOT VALID).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_valid: bool,
}

/// A FOREIGN KEY constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// Columns of this table.
    pub columns: Vec<ColumnId>,
    /// The table referenced.
    pub referenced_table: TableId,
    /// Its columns, in the same order.
    pub referenced_columns: Vec<ColumnId>,
    /// What deleting the parent does.
    pub on_delete: ReferentialAction,
    /// What changing the parent's key does.
    pub on_update: ReferentialAction,
    /// MATCH FULL rather than MATCH SIMPLE.
    #[serde(default)]
    pub match_full: bool,
    /// DEFERRABLE, and whether INITIALLY DEFERRED.
    #[serde(default)]
    pub deferrable: Option<bool>,
    /// Whether rows that were there before it may violate it (NOT VALID).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_valid: bool,
}

/// ON DELETE / ON UPDATE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferentialAction {
    /// NO ACTION
    #[default]
    NoAction,
    /// RESTRICT
    Restrict,
    /// CASCADE
    Cascade,
    /// SET NULL
    SetNull,
    /// SET DEFAULT
    SetDefault,
}

impl Descriptor {
    /// Its number.
    pub fn id(&self) -> DescriptorId {
        match self {
            Descriptor::Database(d) => d.id,
            Descriptor::Schema(d) => d.id,
            Descriptor::Table(d) => d.id,
            Descriptor::Type(d) => d.id,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Descriptor::Database(d) => &d.name,
            Descriptor::Schema(d) => &d.name,
            Descriptor::Table(d) => &d.name,
            Descriptor::Type(d) => &d.name,
        }
    }

    /// Whether it can be used.
    pub fn state(&self) -> &State {
        match self {
            Descriptor::Database(d) => &d.state,
            Descriptor::Schema(d) => &d.state,
            Descriptor::Table(d) => &d.state,
            Descriptor::Type(d) => &d.state,
        }
    }

    /// Owner and grants.
    pub fn privileges(&self) -> &Privileges {
        match self {
            Descriptor::Database(d) => &d.privileges,
            Descriptor::Schema(d) => &d.privileges,
            Descriptor::Table(d) => &d.privileges,
            Descriptor::Type(d) => &d.privileges,
        }
    }

    /// Owner and grants, to be changed.
    pub fn privileges_mut(&mut self) -> &mut Privileges {
        match self {
            Descriptor::Database(d) => &mut d.privileges,
            Descriptor::Schema(d) => &mut d.privileges,
            Descriptor::Table(d) => &mut d.privileges,
            Descriptor::Type(d) => &mut d.privileges,
        }
    }

    /// How often it has been changed.
    pub fn version(&self) -> u64 {
        match self {
            Descriptor::Database(d) => d.version,
            Descriptor::Schema(d) => d.version,
            Descriptor::Table(d) => d.version,
            Descriptor::Type(d) => d.version,
        }
    }

    /// Sets the number that rises with each change.
    pub fn set_version(&mut self, version: u64) {
        match self {
            Descriptor::Database(d) => d.version = version,
            Descriptor::Schema(d) => d.version = version,
            Descriptor::Table(d) => d.version = version,
            Descriptor::Type(d) => d.version = version,
        }
    }

    /// Sets whether it can be used.
    pub fn set_state(&mut self, state: State) {
        match self {
            Descriptor::Database(d) => d.state = state,
            Descriptor::Schema(d) => d.state = state,
            Descriptor::Table(d) => d.state = state,
            Descriptor::Type(d) => d.state = state,
        }
    }

    /// Where its name lives: database and schema, 0 where there is none.
    pub fn parents(&self) -> (DescriptorId, DescriptorId) {
        match self {
            Descriptor::Database(_) => (0, 0),
            Descriptor::Schema(d) => (d.database, 0),
            Descriptor::Table(d) => (d.database, d.schema),
            Descriptor::Type(d) => (d.database, d.schema),
        }
    }
}

impl State {
    /// Whether everybody may use it.
    pub fn is_public(&self) -> bool {
        matches!(self, State::Public)
    }
}

impl DatabaseDescriptor {
    /// A new database.
    pub fn new(id: DescriptorId, name: impl Into<String>, privileges: Privileges) -> Self {
        DatabaseDescriptor {
            id,
            name: name.into(),
            version: 1,
            state: State::Public,
            privileges,
            default_privileges: Vec::new(),
        }
    }
}

impl SchemaDescriptor {
    /// A new schema.
    pub fn new(
        id: DescriptorId,
        database: DescriptorId,
        name: impl Into<String>,
        privileges: Privileges,
    ) -> Self {
        let (name, state) = (name.into(), State::Public);
        SchemaDescriptor { id, database, name, version: 1, state, privileges }
    }

    /// Whether it holds the temporary tables of a session.
    pub fn is_temporary(&self) -> bool {
        self.name.starts_with("pg_temp_")
    }
}

impl ColumnDescriptor {
    /// A column without default, computation or identity.
    pub fn new(id: ColumnId, name: impl Into<String>, ty: impl Into<ColumnType>) -> Self {
        ColumnDescriptor {
            id,
            name: name.into(),
            ty: ty.into(),
            nullable: true,
            default: None,
            computed: None,
            identity: None,
            hidden: false,
            uses_sequences: Vec::new(),
            collation: None,
            missing: None,
        }
    }
}

impl ColumnDescriptor {
    /// The expression that an index sorts by, if the column is there only to hold its value.
    pub fn indexed_expression(&self) -> Option<&str> {
        self.computed.as_deref().filter(|_| self.hidden)
    }

    /// Whether it numbers the rows of a table without a primary key.
    pub fn is_row_id(&self) -> bool {
        self.hidden && self.computed.is_none()
    }
}

impl IndexColumn {
    /// A column in ascending order.
    pub fn ascending(column: ColumnId) -> Self {
        IndexColumn { column, descending: false }
    }
}

impl IndexDescriptor {
    /// An index over columns in ascending order.
    pub fn new(id: IndexId, name: impl Into<String>, unique: bool, columns: &[ColumnId]) -> Self {
        IndexDescriptor {
            id,
            name: name.into(),
            unique,
            columns: columns.iter().copied().map(IndexColumn::ascending).collect(),
            storing: Vec::new(),
            predicate: None,
            constraint: false,
        }
    }
}

impl From<&IndexDescriptor> for IndexId {
    fn from(index: &IndexDescriptor) -> IndexId {
        index.id
    }
}
