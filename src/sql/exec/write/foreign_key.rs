//! Foreign keys as the executor sees them: from the referencing and from the referenced side.

use std::sync::Arc;

use crate::catalog::descriptor::{IndexDescriptor, ReferentialAction, TableDescriptor};
use crate::catalog::row::TableCodec;
use crate::error::Result;
use crate::keys::{Key, TableId};
use crate::sql::exec::bounds::Place;
use crate::sql::exec::column::int_of;
use crate::sql::exec::eval::Expr;
use crate::sql::exec::reader::IndexReader;
use crate::sql::exec::write::pick;
use crate::types::{Datum, Type};

/// A foreign key of the table that is written: its parents must exist.
pub struct Outgoing {
    /// The constraint's name.
    pub name: String,
    /// Positions of the referencing columns.
    pub columns: Vec<usize>,
    /// MATCH FULL
    pub match_full: bool,
    /// Finds parents by key.
    pub parent: ParentKey,
}

/// Finds rows of a referenced table by the referenced columns.
pub struct ParentKey {
    /// The referenced table.
    pub table: Arc<TableDescriptor>,
    /// Reads its unique index over the referenced columns.
    pub reader: Arc<IndexReader>,
    /// For each column of that index, which of the foreign key's columns it is.
    pub permutation: Vec<usize>,
}

impl ParentKey {
    /// The key under which the parent is found; `None` if no value of its columns is equal.
    pub fn key(&self, values: &[Datum]) -> Result<Option<Key>> {
        let mut ordered = Vec::with_capacity(values.len());
        for (from, ty) in self.permutation.iter().zip(self.reader.key_types()) {
            let value = values.get(*from).cloned().unwrap_or(Datum::Null);
            match in_type(value, &ty.ty) {
                Some(value) => ordered.push(value),
                None => return Ok(None),
            }
        }
        Ok(match self.reader.place(&ordered)? {
            Place::Key(key) => Some(key),
            Place::Span(span) => Some(span.start),
        })
    }
}

/// A value in the type of the column that it is compared with; `None` if it is none of its values.
pub fn in_type(value: Datum, ty: &Type) -> Option<Datum> {
    match (int_of(&value), ty) {
        (Some(v), Type::Int2) => i16::try_from(v).ok().map(Datum::Int2),
        (Some(v), Type::Int4) => i32::try_from(v).ok().map(Datum::Int4),
        (Some(v), Type::Int8) => Some(Datum::Int8(v)),
        _ => Some(value),
    }
}

/// A foreign key of another table that references the table that is written.
pub struct Incoming {
    /// The constraint's name.
    pub name: String,
    /// The referencing table.
    pub child: TableId,
    /// Its descriptor.
    pub child_table: Arc<TableDescriptor>,
    /// The schema that it is in.
    pub child_schema: String,
    /// Positions of the referencing columns in it.
    pub child_columns: Vec<usize>,
    /// Positions of the referenced columns.
    pub columns: Vec<usize>,
    /// ON DELETE
    pub on_delete: ReferentialAction,
    /// ON UPDATE
    pub on_update: ReferentialAction,
    /// Reads whole referencing rows, through an index over the referencing columns if there is one.
    pub reader: Arc<IndexReader>,
    /// For each leading column of that index, which of the foreign key's columns it is; empty if
    /// the whole table has to be read.
    pub permutation: Vec<usize>,
    /// SET DEFAULT: the referencing columns' defaults.
    pub defaults: Vec<Option<Expr>>,
    /// Whether the referenced key exists after all (another row may have taken it).
    pub parent: ParentKey,
}

impl Incoming {
    /// The referenced values of a row.
    pub fn values(&self, row: &[Datum]) -> Vec<Datum> {
        pick(row, &self.columns)
    }

    /// Where referencing rows are, by index; `None` if there is no index to ask.
    pub fn place(&self, values: &[Datum]) -> Result<Option<Place>> {
        if self.permutation.is_empty() {
            return Ok(None);
        }
        let mut ordered = Vec::with_capacity(values.len());
        for (from, ty) in self.permutation.iter().zip(self.reader.key_types()) {
            let value = values.get(*from).cloned().unwrap_or(Datum::Null);
            match in_type(value, &ty.ty) {
                Some(value) => ordered.push(value),
                // No referencing column can hold it: an empty place.
                None => {
                    let nowhere = self.reader.whole();
                    let span = crate::keys::Span { start: nowhere.end.clone(), end: nowhere.end };
                    return Ok(Some(Place::Span(span)));
                }
            }
        }
        self.reader.place(&ordered).map(Some)
    }
}

/// The unique index of a table over exactly these columns, and for each of its columns which of
/// them it is.
pub fn unique_index<'t>(
    table: &'t TableDescriptor,
    columns: &[u32],
) -> Option<(&'t IndexDescriptor, Vec<usize>)> {
    table.all_indexes().filter(|i| i.unique || i.id == table.primary_index.id).find_map(|index| {
        if index.predicate.is_some() || index.columns.len() != columns.len() {
            return None;
        }
        leading(index, columns, columns.len()).map(|p| (index, p))
    })
}

/// The index whose first columns are these, in any order.
pub fn leading_index<'t>(
    table: &'t TableDescriptor,
    columns: &[u32],
) -> Option<(&'t IndexDescriptor, Vec<usize>)> {
    table
        .all_indexes()
        .filter(|i| i.predicate.is_none())
        .find_map(|index| leading(index, columns, columns.len()).map(|p| (index, p)))
}

fn leading(index: &IndexDescriptor, columns: &[u32], count: usize) -> Option<Vec<usize>> {
    let permutation: Vec<usize> = index
        .columns
        .iter()
        .take(count)
        .map_while(|c| columns.iter().position(|id| *id == c.column))
        .collect();
    let mut sorted = permutation.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == count && count > 0).then_some(permutation)
}

/// A reader of the columns that it takes to find a parent: none, its existence is enough.
pub fn parent_key(
    table: &Arc<TableDescriptor>,
    codec: &Arc<TableCodec>,
    columns: &[u32],
) -> Result<Option<ParentKey>> {
    let Some((index, permutation)) = unique_index(table, columns) else { return Ok(None) };
    let reader = Arc::new(IndexReader::new(table, codec, index, Vec::new())?);
    Ok(Some(ParentKey { table: table.clone(), reader, permutation }))
}
