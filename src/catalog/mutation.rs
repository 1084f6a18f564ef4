//! Changes of a table that take their time while others go on using it.
//!
//! ```text
//!   the statement ─▶ writing ─▶ rows that were there ─▶ complete ─▶ among the table's indexes
//!                    writers keep it up from here on     (unique)    readers may use it
//! ```
//!
//! A descriptor is changed only by whoever holds it alone, and whoever writes rows has pinned it
//! (`Catalog::hold`, `Catalog::pin`). So there is one version of a descriptor in use at a time, and
//! no state is needed in which an index is only deleted from.

use serde::{Deserialize, Serialize};

use super::descriptor::{IndexDescriptor, TableDescriptor};
use crate::keys::IndexId;

/// An index that is being added to a table in use. Writers keep it up, nobody reads by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mutation {
    /// The job that does it.
    pub job: i64,
    /// The index as it will be.
    pub index: IndexDescriptor,
    /// Whether every row that was there before has its entry.
    #[serde(default)]
    pub filled: bool,
}

impl TableDescriptor {
    /// The secondary indexes that whoever writes rows keeps up, those in the making included.
    pub fn written_indexes(&self) -> impl Iterator<Item = &IndexDescriptor> {
        self.indexes.iter().chain(self.mutations.iter().map(|m| &m.index))
    }

    /// The index in the making with a number.
    pub fn mutation(&self, index: IndexId) -> Option<&Mutation> {
        self.mutations.iter().find(|m| m.index.id == index)
    }
}
