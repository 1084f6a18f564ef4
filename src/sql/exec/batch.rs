//! Batches: about a thousand rows held by column, typed, so that hot loops run over plain vectors.

use crate::types::{ColumnType, Datum};

pub use crate::sql::exec::column::{Layout, layout_of};
pub use crate::sql::exec::strings::TextData;

/// Rows by column. All columns have `rows` entries.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The columns.
    pub columns: Vec<Column>,
    /// How many rows (columns may be none).
    pub rows: usize,
}

/// One column of a batch.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its type, which tells what the integers mean.
    pub ty: ColumnType,
    /// The values; where a row is NULL the value is arbitrary.
    pub data: Data,
    /// One flag a row, or `None` when no row is NULL.
    pub nulls: Option<Vec<bool>>,
}

/// The values of a column.
#[derive(Clone, Debug)]
pub enum Data {
    /// `boolean`
    Bool(Vec<bool>),
    /// `int2`, `int4`, `int8`, `oid` and kin, `date`, `time`, `timestamp`, `timestamptz`.
    Int(Vec<i64>),
    /// `float4` (exactly representable) and `float8`.
    Float(Vec<f64>),
    /// `text`, `varchar`, `bpchar`, `name`.
    Text(TextData),
    /// Everything else.
    Any(Vec<Datum>),
}

impl Batch {
    /// No rows yet, of the given types.
    pub fn with_types<'t>(types: impl IntoIterator<Item = &'t ColumnType>) -> Batch {
        Batch { columns: types.into_iter().map(|t| Column::empty(t.clone())).collect(), rows: 0 }
    }

    /// Rows without columns.
    pub fn unit(rows: usize) -> Batch {
        Batch { columns: Vec::new(), rows }
    }

    /// The rows with the given numbers, in that order.
    pub fn gather(&self, rows: &[u32]) -> Batch {
        Batch { columns: self.columns.iter().map(|c| c.gather(rows)).collect(), rows: rows.len() }
    }

    /// A run of rows.
    pub fn slice(&self, start: usize, len: usize) -> Batch {
        let start = start.min(self.rows);
        let len = len.min(self.rows - start);
        if start == 0 && len == self.rows {
            return self.clone();
        }
        Batch { columns: self.columns.iter().map(|c| c.slice(start, len)).collect(), rows: len }
    }

    /// Adds the rows of another batch of the same types.
    pub fn append(&mut self, other: &Batch) {
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            mine.extend(theirs);
        }
        self.rows += other.rows;
    }

    /// Adds one row.
    pub fn push_row(&mut self, row: &[Datum]) {
        for (column, datum) in self.columns.iter_mut().zip(row) {
            column.push(datum);
        }
        self.rows += 1;
    }

    /// One row as values.
    pub fn row(&self, row: usize) -> Vec<Datum> {
        self.columns.iter().map(|c| c.datum(row)).collect()
    }

    /// Approximate bytes held.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(Column::bytes).sum::<usize>() + 64
    }

    /// The columns at the given positions, moved out where they are used once.
    pub fn project(mut self, positions: &[usize]) -> Batch {
        let rows = self.rows;
        let mut columns = Vec::with_capacity(positions.len());
        for (i, &p) in positions.iter().enumerate() {
            let again = positions[i + 1..].contains(&p);
            let Some(column) = self.columns.get_mut(p) else { continue };
            columns.push(if again {
                column.clone()
            } else {
                let ty = column.ty.clone();
                std::mem::replace(column, Column::empty(ty))
            });
        }
        Batch { columns, rows }
    }
}
