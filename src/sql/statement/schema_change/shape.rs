//! What an index takes of a row.

use std::sync::Arc;

use super::lens::Lens;
use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};
use crate::catalog::row::RowDecoder;
use crate::error::{Error, Result};
use crate::keys::Key;
use crate::sql::exec::eval::Expr;
use crate::sql::server::Server;
use crate::sql::statement::table::duplicate;
use crate::types::Datum;

/// An index over a table, ready to say which entry a row has.
pub struct Shape {
    pub lens: Lens,
    pub index: IndexDescriptor,
    predicate: Option<Expr>,
    decoder: RowDecoder,
    /// Positions of the columns that the decoder gives.
    wanted: Vec<usize>,
    row: Vec<Datum>,
}

impl Shape {
    /// The shape of an index of a table as it is now.
    pub fn new(
        server: &Arc<Server>,
        table: &Arc<TableDescriptor>,
        index: &IndexDescriptor,
    ) -> Result<Shape> {
        let lens = Lens::new(server, table)?;
        let predicate = index.predicate.as_ref().map(|sql| lens.compile(sql)).transpose()?;
        let used = |id| {
            predicate.is_some()
                || index.storing.contains(&id)
                || index.columns.iter().any(|c| c.column == id)
                || table.primary_index.columns.iter().any(|c| c.column == id)
        };
        let wanted: Vec<usize> =
            (0..).zip(&table.columns).filter(|(_, c)| used(c.id)).map(|(at, _)| at).collect();
        let decoder = RowDecoder::new(&lens.codec, table.primary_index.id, &wanted)?;
        let row = vec![Datum::Null; table.columns.len()];
        Ok(Shape { lens, index: index.clone(), predicate, decoder, wanted, row })
    }

    /// Whether every row has an entry.
    pub fn is_total(&self) -> bool {
        self.predicate.is_none()
    }

    /// The entry of a stored row, if the index covers it.
    pub fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<Option<(Key, Vec<u8>)>> {
        let (row, table, wanted) = (&mut self.row, &self.lens.table, &self.wanted);
        self.decoder.decode(key, value, &mut |at, datum| {
            let position = wanted.get(at).copied().unwrap_or_default();
            if let (Some(slot), Some(column)) = (row.get_mut(position), table.columns.get(position))
            {
                *slot = datum.to_datum(&column.ty.ty);
            }
        })?;
        if let Some(predicate) = &self.predicate
            && !matches!(self.lens.value(predicate, &self.row)?, Datum::Bool(true))
        {
            return Ok(None);
        }
        self.lens.codec.index_entries(&self.index, &self.row).map(Some)
    }

    /// 23505 for an entry that two rows have.
    pub fn duplicate(&self, key: &[u8], value: &[u8]) -> Error {
        let names = (self.lens.schema.as_str(), &*self.lens.codec);
        duplicate(names, &self.index, (key, value), &self.lens.session)
    }
}
