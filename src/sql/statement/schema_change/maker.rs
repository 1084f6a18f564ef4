//! What makes entries of rows: for an added index, or for all indexes of another form.

use std::sync::Arc;

use super::lens::Lens;
use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};
use crate::catalog::mutation::Form;
use crate::catalog::row::{RowDecoder, TableCodec};
use crate::error::{Error, Result};
use crate::keys::{Key, PREFIX_BYTES, index_prefix};
use crate::sql::bind::BindContext;
use crate::sql::exec::eval::Expr;
use crate::sql::exec::write::form::{FormEntry, FormRow};
use crate::sql::server::Server;
use crate::sql::statement::table::{duplicate, null_found};
use crate::types::Datum;

/// Makes the entries of rows.
pub struct Maker {
    pub lens: Lens,
    /// The indexes that get entries.
    pub indexes: Vec<IndexDescriptor>,
    kind: Kind,
}

enum Kind {
    Index(Box<Shape>),
    Form(Box<FormRow>),
}

/// An added index.
struct Shape {
    predicate: Option<Expr>,
    decoder: RowDecoder,
    /// Positions of the columns that the decoder gives.
    wanted: Vec<usize>,
    row: Vec<Datum>,
}

impl Maker {
    /// For an index that is added to a table.
    pub fn of_index(
        server: &Arc<Server>,
        table: &Arc<TableDescriptor>,
        index: &IndexDescriptor,
        role: &str,
    ) -> Result<Maker> {
        let lens = Lens::new(server, table, role)?;
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
        let kind = Kind::Index(Box::new(Shape { predicate, decoder, wanted, row }));
        Ok(Maker { lens, indexes: vec![index.clone()], kind })
    }

    /// For another form of a table.
    pub fn of_form(
        server: &Arc<Server>,
        table: &Arc<TableDescriptor>,
        form: &Form,
        role: &str,
    ) -> Result<Maker> {
        let lens = Lens::new(server, table, role)?;
        let row = FormRow::new(&BindContext::new(&lens.catalog, &lens.session), table, form)?;
        Ok(Maker { indexes: row.indexes.clone(), lens, kind: Kind::Form(Box::new(row)) })
    }

    /// Rows of the table with the indexes to bytes.
    fn codec(&self) -> &TableCodec {
        match &self.kind {
            Kind::Index(_) => &self.lens.codec,
            Kind::Form(form) => &form.codec,
        }
    }

    /// The indexes in which two rows may clash. The primary key of another form is that of the old
    /// one.
    pub fn unique_indexes(&self) -> Vec<usize> {
        let first = match &self.kind {
            Kind::Index(_) => 0,
            Kind::Form(_) => 1,
        };
        let indexes = (0..).zip(&self.indexes).skip(first);
        indexes.filter(|(_, index)| index.unique).map(|(number, _)| number).collect()
    }

    /// Whether every row has an entry in an index.
    pub fn is_total(&self, number: usize) -> bool {
        self.indexes.get(number).is_some_and(|index| index.predicate.is_none())
    }

    /// The entries of a stored row.
    pub fn entries(&mut self, key: &[u8], value: &[u8]) -> Result<Vec<FormEntry>> {
        match &mut self.kind {
            Kind::Index(shape) => {
                let index = self.indexes.first();
                let index = index.ok_or_else(|| Error::internal("an index went missing"))?;
                let entry = shape.entry(&mut self.lens, index, key, value)?;
                Ok(entry.into_iter().map(|(key, value)| (0, key, value)).collect())
            }
            Kind::Form(form) => {
                let old = self.lens.codec.decode_row(key, value)?;
                let row = form.row(&old, false, &mut |e, r| self.lens.value(e, r))?;
                if let Some(position) = form.null_at(&row) {
                    return Err(null_found(&form.table, &self.lens.schema, position));
                }
                form.entries(&row, &mut |e, r| self.lens.value(e, r))
            }
        }
    }

    /// The entry of a stored row in one of the indexes, if it has one.
    pub fn entry(
        &mut self,
        number: usize,
        key: &[u8],
        value: &[u8],
    ) -> Result<Option<(Key, Vec<u8>)>> {
        let mut entries = self.entries(key, value)?.into_iter();
        Ok(entries.find(|(n, ..)| *n == number).map(|(_, key, value)| (key, value)))
    }

    /// The key at which the row of an entry is stored now.
    pub fn owner(&self, number: usize, key: &[u8], value: &[u8]) -> Result<Key> {
        let index = self.indexes.get(number).ok_or_else(|| Error::internal("no such index"))?;
        let mut owner = self.codec().primary_key_from_index_entry(index.id, key, value)?;
        // In another form it has the same columns under another number.
        let table = &self.lens.table;
        let prefix = index_prefix(table.id, table.primary_index.id);
        if let (Some(old), Some(new)) = (owner.get_mut(..PREFIX_BYTES), prefix.get(..PREFIX_BYTES))
        {
            old.copy_from_slice(new);
        }
        Ok(owner)
    }

    /// 23505 for an entry that two rows have.
    pub fn duplicate(&self, number: usize, key: &[u8], value: &[u8]) -> Error {
        let names = (self.lens.schema.as_str(), self.codec());
        match self.indexes.get(number) {
            Some(index) => duplicate(names, index, (key, value), &self.lens.session),
            None => Error::internal("no such index"),
        }
    }
}

impl Shape {
    fn entry(
        &mut self,
        lens: &mut Lens,
        index: &IndexDescriptor,
        key: &[u8],
        value: &[u8],
    ) -> Result<Option<(Key, Vec<u8>)>> {
        let (row, wanted) = (&mut self.row, &self.wanted);
        let table = &lens.table;
        self.decoder.decode(key, value, &mut |at, datum| {
            let position = wanted.get(at).copied().unwrap_or_default();
            if let (Some(slot), Some(column)) = (row.get_mut(position), table.columns.get(position))
            {
                *slot = datum.to_datum(&column.ty.ty);
            }
        })?;
        if let Some(predicate) = &self.predicate
            && !matches!(lens.value(predicate, &self.row)?, Datum::Bool(true))
        {
            return Ok(None);
        }
        lens.codec.index_entries(index, &self.row).map(Some)
    }
}
