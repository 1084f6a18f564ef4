//! What is asked of a table's descriptor.

use super::descriptor::{
    ColumnDescriptor, ColumnId, IndexDescriptor, SequenceOptions, TableDescriptor, TableKind,
};
use crate::keys::IndexId;

impl TableDescriptor {
    /// The column with a number.
    pub fn column(&self, id: ColumnId) -> Option<&ColumnDescriptor> {
        self.columns.iter().find(|c| c.id == id)
    }

    /// The position of a column in `columns`.
    pub fn position(&self, id: ColumnId) -> Option<usize> {
        self.columns.iter().position(|c| c.id == id)
    }

    /// The column with a name.
    pub fn column_named(&self, name: &str) -> Option<&ColumnDescriptor> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The index with a number, the primary one included.
    pub fn index(&self, id: IndexId) -> Option<&IndexDescriptor> {
        self.all_indexes().find(|i| i.id == id)
    }

    /// The index with a name, the primary one included.
    pub fn index_named(&self, name: &str) -> Option<&IndexDescriptor> {
        self.all_indexes().find(|i| i.name == name)
    }

    /// The primary index, then the secondary ones.
    pub fn all_indexes(&self) -> impl Iterator<Item = &IndexDescriptor> {
        std::iter::once(&self.primary_index).chain(self.indexes.iter())
    }

    /// Whether it holds rows of its own (a table or a materialised view).
    pub fn has_rows(&self) -> bool {
        matches!(self.kind, TableKind::Table | TableKind::MaterializedView { .. })
    }

    /// Whether it is a view without stored rows.
    pub fn is_view(&self) -> bool {
        matches!(self.kind, TableKind::View { .. })
    }

    /// How a sequence counts, if it is one.
    pub fn sequence(&self) -> Option<&SequenceOptions> {
        match &self.kind {
            TableKind::Sequence(options) => Some(options),
            _ => None,
        }
    }
}
