//! Changes of a table that take their time while others go on using it.
//!
//! ```text
//!   the statement ─▶ among the mutations ─▶ rows that were there ─▶ part of the table
//!                    writers heed it           a job sees to them    readers may rely on it
//! ```
//!
//! A descriptor is changed only by whoever holds it alone, and whoever writes rows has pinned it
//! (`Catalog::hold`, `Catalog::pin`). So there is one version of a descriptor in use at a time, and
//! no state is needed in which an index is only deleted from.

use serde::{Deserialize, Serialize};

use super::descriptor::{ColumnId, IndexDescriptor, TableDescriptor};
use crate::error::{Error, Result};
use crate::keys::{IndexId, TableId};

/// The type of the jobs that carry changes through.
pub const SCHEMA_CHANGE: &str = "SCHEMA CHANGE";

/// What such a job is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SchemaChange {
    /// The table.
    pub table: TableId,
    /// The numbers of indexes that it fills.
    pub indexes: Vec<IndexId>,
}

/// A change of a table in use, and the job that carries it through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mutation {
    /// The job.
    pub job: i64,
    /// What it does.
    pub change: Change,
}

/// What is done to a table in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// An index is added. Writers keep it up, nobody reads by it.
    Index {
        /// The index as it will be.
        index: IndexDescriptor,
        /// Whether every row that was there before has its entry.
        #[serde(default)]
        filled: bool,
    },
    /// The rows that are there are compared with a CHECK or FOREIGN KEY constraint of the table,
    /// which holds for all that is written.
    Constraint {
        /// The constraint's name.
        name: String,
        /// Whether it stays, not valid, should a row violate it.
        stays: bool,
    },
    /// A column is to have no NULL. Nobody writes one any more.
    NotNull {
        /// The column.
        column: ColumnId,
    },
    /// Every row is written in another form, under new numbers of indexes. Writers write both.
    Form(Box<Form>),
}

/// Another form of a table's rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// The table as it will be.
    pub table: TableDescriptor,
    /// The table as it was. Should anything else of it change meanwhile, the new form is not taken.
    pub base: TableDescriptor,
    /// The indexes of the new form that are filled, the primary one among them.
    pub indexes: Vec<IndexId>,
    /// The columns whose values are not those of the old rows.
    pub values: Vec<NewValue>,
    /// Whether every row that was there before has its entries.
    #[serde(default)]
    pub filled: bool,
}

/// The value of a column in another form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewValue {
    /// The column of the new form.
    pub column: ColumnId,
    /// An expression; it is cast to the column's type as in an assignment.
    pub sql: String,
    /// Whether it is over the new row, not the old one.
    pub over_new: bool,
}

impl Change {
    /// What the job that carries it through is told.
    pub fn details(&self, table: TableId) -> Result<serde_json::Value> {
        let indexes = match self {
            Change::Index { index, .. } => vec![index.id],
            Change::Form(form) => form.indexes.clone(),
            Change::Constraint { .. } | Change::NotNull { .. } => Vec::new(),
        };
        serde_json::to_value(SchemaChange { table, indexes })
            .map_err(|e| Error::internal("the details of a job cannot be written").with_source(e))
    }
}

impl Form {
    /// Whether a table is still the one that the form was made from, as far as rows are concerned.
    pub fn fits(&self, now: &TableDescriptor) -> bool {
        let bare = |table: &TableDescriptor| TableDescriptor {
            version: 0,
            mutations: Vec::new(),
            privileges: Default::default(),
            ..table.clone()
        };
        bare(&self.base) == bare(now)
    }
}

impl Mutation {
    /// The index that it adds, if it does.
    pub fn index(&self) -> Option<&IndexDescriptor> {
        match &self.change {
            Change::Index { index, .. } => Some(index),
            _ => None,
        }
    }
}

impl TableDescriptor {
    /// The secondary indexes that whoever writes rows keeps up, those in the making included.
    pub fn written_indexes(&self) -> impl Iterator<Item = &IndexDescriptor> {
        self.indexes.iter().chain(self.added_indexes())
    }

    /// The indexes in the making.
    pub fn added_indexes(&self) -> impl Iterator<Item = &IndexDescriptor> {
        self.mutations.iter().filter_map(Mutation::index)
    }

    /// The numbers under which it has entries that somebody will read: those in use, and those that
    /// a change in progress fills. What lies under any other number is of the past.
    pub fn indexes_in_use(&self) -> impl Iterator<Item = IndexId> {
        let of_forms = self.forms().flat_map(|form| form.indexes.iter().copied());
        self.all_indexes().chain(self.added_indexes()).map(|index| index.id).chain(of_forms)
    }

    /// The forms that its rows are being given.
    pub fn forms(&self) -> impl Iterator<Item = &Form> {
        self.mutations.iter().filter_map(|m| match &m.change {
            Change::Form(form) => Some(&**form),
            _ => None,
        })
    }

    /// What a job does to the table.
    pub fn mutation(&self, job: i64) -> Option<&Change> {
        self.mutations.iter().find(|m| m.job == job).map(|m| &m.change)
    }

    /// Whether no NULL may be written into a column that may still hold some.
    pub fn refuses_new_nulls(&self, column: ColumnId) -> bool {
        let wanted = Change::NotNull { column };
        self.mutations.iter().any(|m| m.change == wanted)
    }
}
