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
}

impl TableDescriptor {
    /// The secondary indexes that whoever writes rows keeps up, those in the making included.
    pub fn written_indexes(&self) -> impl Iterator<Item = &IndexDescriptor> {
        self.indexes.iter().chain(self.added_indexes())
    }

    /// The indexes in the making.
    pub fn added_indexes(&self) -> impl Iterator<Item = &IndexDescriptor> {
        self.mutations.iter().filter_map(|m| match &m.change {
            Change::Index { index, .. } => Some(index),
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
