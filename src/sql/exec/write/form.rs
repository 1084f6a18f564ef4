//! Rows in the form that a schema change gives them, while the old form is still the one in use.
//!
//! ```text
//!   row as it is ──▶ places, values ──▶ row as it will be ──▶ entries under the new numbers
//! ```
//!
//! Whoever writes a row writes both forms; what has no place in the new one (a text that is no
//! number, where a column becomes one) cannot be written any more. The values of added columns may be made anew each time
//! (`random()`): nobody has seen them yet. Those that keys are made of are always the same, so that
//! what one writer has put another finds.

use std::sync::Arc;

use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};
use crate::catalog::mutation::Form;
use crate::catalog::row::TableCodec;
use crate::error::{Error, Result};
use crate::keys::Key;
use crate::sql::bind::{BindContext, bind_kept_value, bind_scalar_over_table};
use crate::sql::exec::eval::Expr;
use crate::sql::exec::write::writer::IndexWriter;
use crate::sql::plan::compile::compile_over;
use crate::sql::relation::Produced;
use crate::sql::scalar::ColumnRef;
use crate::types::Datum;

/// Evaluates an expression over a row.
pub type Evaluate<'a> = &'a mut dyn FnMut(&Expr, &[Datum]) -> Result<Datum>;

/// An entry: the number of its index among those of the form, its key and its value.
pub type FormEntry = (usize, Key, Vec<u8>);

/// Makes rows and entries of a form.
pub struct FormRow {
    /// The table as it will be.
    pub table: Arc<TableDescriptor>,
    /// Rows of it to bytes.
    pub codec: Arc<TableCodec>,
    /// The indexes that are filled: the primary one, then the others.
    pub indexes: Vec<IndexDescriptor>,
    writers: Vec<IndexWriter>,
    /// Where the value of each column is in the old row.
    places: Vec<Option<usize>>,
    values: Vec<FormValue>,
}

/// A column whose value is not that of the old row.
struct FormValue {
    position: usize,
    expr: Expr,
    /// Whether it is over the new row, not the old one.
    over_new: bool,
    /// Whether an entry's key depends on it.
    keyed: bool,
}

impl FormRow {
    /// For the rows of a table that are given a form.
    pub fn new(ctx: &BindContext<'_>, old: &TableDescriptor, form: &Form) -> Result<FormRow> {
        let table = Arc::new(form.table.clone());
        let codec = Arc::new(TableCodec::new(&table)?);
        let (old_row, new_row) = (row_of(old), row_of(&table));
        let mut writers = Vec::new();
        for index in table.indexes.iter().filter(|i| form.indexes.contains(&i.id)) {
            let predicate = match &index.predicate {
                Some(sql) => {
                    let scalar = bind_scalar_over_table(ctx, sql, &table, &new_row)?;
                    Some(compile_over(&scalar, &new_row)?)
                }
                None => None,
            };
            writers.push(IndexWriter::new(&table, index, predicate));
        }
        let mut values = Vec::with_capacity(form.values.len());
        for value in &form.values {
            let lost = || Error::internal("a column of a schema change went missing");
            let position = table.position(value.column).ok_or_else(lost)?;
            let column = table.column(value.column).ok_or_else(lost)?;
            let (over, row) = if value.over_new { (&*table, &new_row) } else { (old, &old_row) };
            let scalar = bind_kept_value(ctx, &value.sql, over, row, column)?;
            values.push(FormValue {
                position,
                expr: compile_over(&scalar, row)?,
                over_new: value.over_new,
                keyed: writers.iter().any(|w| w.predicate.is_some() || w.uses.contains(&position)),
            });
        }
        // Those over the new row come when it has all others.
        values.sort_by_key(|value| value.over_new);
        let indexes = std::iter::once(&table.primary_index)
            .chain(writers.iter().map(|w| &w.index))
            .cloned()
            .collect();
        let places = table.columns.iter().map(|c| old.position(c.id)).collect();
        Ok(FormRow { codec, indexes, writers, places, values, table })
    }

    /// The new form of a row. `keys` leaves out what no key depends on.
    pub fn row(&self, old: &[Datum], keys: bool, evaluate: Evaluate<'_>) -> Result<Vec<Datum>> {
        let place = |p: &Option<usize>| p.and_then(|p| old.get(p)).cloned().unwrap_or(Datum::Null);
        let mut row: Vec<Datum> = self.places.iter().map(place).collect();
        for slot in self.values.iter().map(|v| v.position) {
            if let Some(slot) = row.get_mut(slot) {
                *slot = Datum::Null;
            }
        }
        for value in self.values.iter().filter(|v| v.keyed || !keys) {
            let made = match value.over_new {
                true => evaluate(&value.expr, &row)?,
                false => evaluate(&value.expr, old)?,
            };
            if let Some(slot) = row.get_mut(value.position) {
                *slot = made;
            }
        }
        Ok(row)
    }

    /// The position of a column that has NULL in a new row and may not.
    pub fn null_at(&self, row: &[Datum]) -> Option<usize> {
        let made = self.values.iter().map(|v| v.position);
        let mut strict = made.filter(|p| self.table.columns.get(*p).is_some_and(|c| !c.nullable));
        strict.find(|p| row.get(*p).is_none_or(Datum::is_null))
    }

    /// The entries of a new row.
    pub fn entries(&self, row: &[Datum], evaluate: Evaluate<'_>) -> Result<Vec<FormEntry>> {
        let mut entries = Vec::with_capacity(self.indexes.len());
        let (key, value) = self.codec.encode_primary(row)?;
        entries.push((0, key, value));
        for (number, writer) in (1..).zip(&self.writers) {
            if let Some(predicate) = &writer.predicate
                && !matches!(evaluate(predicate, row)?, Datum::Bool(true))
            {
                continue;
            }
            let (key, value) = self.codec.index_entries(&writer.index, row)?;
            entries.push((number, key, value));
        }
        Ok(entries)
    }

    /// Whether no two rows may agree with this one in an index.
    pub fn is_enforced(&self, number: usize, row: &[Datum]) -> bool {
        let writer = number.checked_sub(1).and_then(|at| self.writers.get(at));
        writer.is_some_and(|writer| writer.is_enforced(row))
    }

    /// Whether every row has an entry in an index.
    pub fn is_total(&self, number: usize) -> bool {
        self.indexes.get(number).is_some_and(|index| index.predicate.is_none())
    }
}

fn row_of(table: &TableDescriptor) -> Vec<Produced> {
    let columns = (0..).zip(&table.columns);
    columns.map(|(n, c)| Produced { column: ColumnRef(n), ty: c.ty.clone() }).collect()
}
