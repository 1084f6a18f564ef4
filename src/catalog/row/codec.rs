//! Encoding: rows to keys and values.

use std::ops::Bound;
use std::sync::Arc;

use super::body::corrupt;
use super::decoder::RowDecoder;
use super::entry::{IndexLayout, KeyColumn, push_column};
use super::value::{VERSION, split_entry};
use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};
use crate::error::{Error, Result};
use crate::keys::span::prefix_end;
use crate::keys::{IndexId, Key, PREFIX_BYTES, Span, ordered};
use crate::types::Datum;

/// What is known beforehand about a table's keys and values. A row is one datum per column, in the
/// order of `TableDescriptor::columns`, hidden ones included.
#[derive(Debug)]
pub struct TableCodec {
    table: Arc<TableDescriptor>,
    /// The primary index first.
    layouts: Vec<IndexLayout>,
    whole_row: RowDecoder,
}

impl TableCodec {
    /// Works out the layout of a table. Fails only if the descriptor contradicts itself.
    pub fn new(table: &Arc<TableDescriptor>) -> Result<TableCodec> {
        let layouts = table
            .all_indexes()
            .chain(table.added_indexes())
            .map(|index| IndexLayout::new(table, index))
            .collect::<Result<Vec<_>>>()?;
        let primary = layouts.first().ok_or_else(|| Error::internal("no primary index"))?;
        let every: Vec<usize> = (0..table.columns.len()).collect();
        let whole_row = RowDecoder::build(table, primary, &every)?;
        Ok(TableCodec { table: Arc::clone(table), layouts, whole_row })
    }

    /// The table.
    pub fn table(&self) -> &Arc<TableDescriptor> {
        &self.table
    }

    pub(super) fn layout(&self, index: IndexId) -> Result<&IndexLayout> {
        self.layouts.iter().find(|l| l.id == index).ok_or_else(|| {
            Error::internal(format!("table {} has no index {index}", self.table.name))
        })
    }

    fn primary(&self) -> Result<&IndexLayout> {
        self.layout(self.table.primary_index.id)
    }

    /// A row's key and value.
    pub fn encode_primary(&self, row: &[Datum]) -> Result<(Key, Vec<u8>)> {
        let (mut key, mut value) = (Vec::with_capacity(32), Vec::with_capacity(64));
        self.encode_primary_into(row, &mut key, &mut value)?;
        Ok((key, value))
    }

    /// As [`TableCodec::encode_primary`], into buffers that are emptied first, for bulk loads.
    pub fn encode_primary_into(
        &self,
        row: &[Datum],
        key: &mut Vec<u8>,
        value: &mut Vec<u8>,
    ) -> Result<()> {
        let layout = self.primary()?;
        key.clear();
        key.extend_from_slice(&layout.prefix);
        IndexLayout::push_columns(key, &layout.columns, row)?;
        layout.check_size(key)?;
        value.clear();
        value.push(VERSION);
        layout.push_values(value, row)
    }

    /// The key of the row with these values in the primary key's columns, in the key's order.
    pub fn primary_key(&self, columns: &[Datum]) -> Result<Key> {
        let layout = self.primary()?;
        if columns.len() != layout.columns.len() {
            return Err(Error::internal("a primary key has another number of columns"));
        }
        let mut key = Vec::with_capacity(32);
        key.extend_from_slice(&layout.prefix);
        push_all(&mut key, layout.columns.iter(), columns)?;
        layout.check_size(&key)?;
        Ok(key)
    }

    /// The key of a whole row.
    pub fn primary_key_of_row(&self, row: &[Datum]) -> Result<Key> {
        let layout = self.primary()?;
        let mut key = Vec::with_capacity(32);
        key.extend_from_slice(&layout.prefix);
        IndexLayout::push_columns(&mut key, &layout.columns, row)?;
        layout.check_size(&key)?;
        Ok(key)
    }

    /// A row's entry in a secondary index. Whether a partial index has one is the caller's affair.
    /// In a unique index two rows with equal columns, none NULL, get the same key.
    pub fn index_entries(&self, index: &IndexDescriptor, row: &[Datum]) -> Result<(Key, Vec<u8>)> {
        let layout = self.layout(index.id)?;
        let (mut key, mut value) = (Vec::with_capacity(32), Vec::with_capacity(16));
        key.extend_from_slice(&layout.prefix);
        IndexLayout::push_columns(&mut key, &layout.columns, row)?;
        value.push(VERSION);
        if layout.unique && !layout.has_null(row) {
            let mut suffix = Vec::with_capacity(16);
            IndexLayout::push_columns(&mut suffix, &layout.suffix, row)?;
            super::body::push_varint(&mut value, suffix.len() as u64);
            value.extend_from_slice(&suffix);
        } else {
            IndexLayout::push_columns(&mut key, &layout.suffix, row)?;
            value.push(0);
        }
        layout.check_size(&key)?;
        layout.push_values(&mut value, row)?;
        Ok((key, value))
    }

    /// The key at which a row meets another with equal columns in a unique index; `None` if the
    /// index is not unique or a column is NULL, so that nothing can clash.
    pub fn unique_key(&self, index: impl Into<IndexId>, row: &[Datum]) -> Result<Option<Key>> {
        let layout = self.layout(index.into())?;
        if !layout.unique || layout.has_null(row) {
            return Ok(None);
        }
        let mut key = Vec::with_capacity(32);
        key.extend_from_slice(&layout.prefix);
        IndexLayout::push_columns(&mut key, &layout.columns, row)?;
        Ok(Some(key))
    }

    /// All keys of an index.
    pub fn index_span(&self, index: impl Into<IndexId>) -> Result<Span> {
        Ok(Span::prefix(self.layout(index.into())?.prefix.to_vec()))
    }

    /// The keys of an index whose first columns equal `prefix` and whose next column lies between
    /// two bounds, in the sense of the values whichever way the column is sorted. A bound excludes
    /// NULLs, as a comparison in SQL does; without any bound they are included. The values must
    /// have the columns' types.
    pub fn index_prefix_span(
        &self,
        index: impl Into<IndexId>,
        prefix: &[Datum],
        lower: Bound<&Datum>,
        upper: Bound<&Datum>,
    ) -> Result<Span> {
        let layout = self.layout(index.into())?;
        let mut columns = layout.columns.iter().chain(match layout.unique {
            true => &[],
            false => layout.suffix.as_slice(),
        });
        let mut base = layout.prefix.to_vec();
        push_all(&mut base, columns.by_ref().take(prefix.len()), prefix)?;
        if matches!((&lower, &upper), (Bound::Unbounded, Bound::Unbounded)) {
            return Ok(Span::prefix(base));
        }
        let column = columns.next().ok_or_else(|| Error::internal("a bound without a column"))?;
        let with = |datum: &Datum| -> Result<Key> {
            let mut key = base.clone();
            push_column(&mut key, column, datum)?;
            Ok(key)
        };
        let (first, last) = if column.descending { (upper, lower) } else { (lower, upper) };
        let start = match first {
            Bound::Included(datum) => with(datum)?,
            Bound::Excluded(datum) => prefix_end(&with(datum)?),
            // NULLs come first in a descending column.
            Bound::Unbounded if column.descending => prefix_end(&with(&Datum::Null)?),
            Bound::Unbounded => base.clone(),
        };
        let end = match last {
            Bound::Included(datum) => prefix_end(&with(datum)?),
            Bound::Excluded(datum) => with(datum)?,
            Bound::Unbounded if column.descending => prefix_end(&base),
            Bound::Unbounded => with(&Datum::Null)?,
        };
        let end = end.max(start.clone());
        Ok(Span { start, end })
    }

    /// Whether an index alone gives the exact value of the column at a position.
    pub fn covers(&self, index: impl Into<IndexId>, position: usize) -> Result<bool> {
        let layout = self.layout(index.into())?;
        Ok(layout.is_primary
            || layout.key_columns().any(|c| c.exact && c.position == position)
            || layout.values.iter().any(|c| c.position == position))
    }

    /// Every column of a row.
    pub fn decode_row(&self, key: &[u8], value: &[u8]) -> Result<Vec<Datum>> {
        let mut row = vec![Datum::Null; self.table.columns.len()];
        self.whole_row.decode(key, value, &mut |at, datum| {
            if let (Some(slot), Some(column)) = (row.get_mut(at), self.table.columns.get(at)) {
                *slot = datum.to_datum(&column.ty.ty);
            }
        })?;
        Ok(row)
    }

    /// The key of the row that an index entry belongs to.
    pub fn primary_key_from_index_entry(
        &self,
        index: impl Into<IndexId>,
        key: &[u8],
        value: &[u8],
    ) -> Result<Key> {
        let layout = self.layout(index.into())?;
        let primary = self.primary()?;
        let mut rest = key.get(PREFIX_BYTES..).ok_or_else(|| corrupt("a key is cut short"))?;
        let mut parts: Vec<&[u8]> = Vec::with_capacity(layout.columns.len() + layout.suffix.len());
        for (i, column) in layout.key_columns().enumerate() {
            if i == layout.columns.len() && rest.is_empty() {
                rest = split_entry(value)?.0;
            }
            let before = rest;
            ordered::skip_datum(&mut rest, &column.ty, column.descending)?;
            parts.push(before.get(..before.len() - rest.len()).unwrap_or_default());
        }
        let mut out = Vec::with_capacity(key.len() + value.len().min(64));
        out.extend_from_slice(&primary.prefix);
        for segment in &layout.primary {
            let part = parts.get(segment.at).copied().unwrap_or_default();
            if segment.invert {
                out.extend(part.iter().map(|b| !b));
            } else {
                out.extend_from_slice(part);
            }
        }
        Ok(out)
    }
}

fn push_all<'a>(
    key: &mut Vec<u8>,
    columns: impl Iterator<Item = &'a KeyColumn>,
    datums: &[Datum],
) -> Result<()> {
    let mut count = 0;
    for (column, datum) in columns.zip(datums) {
        push_column(key, column, datum)?;
        count += 1;
    }
    if count < datums.len() {
        return Err(Error::internal("more values than an index has columns"));
    }
    Ok(())
}
