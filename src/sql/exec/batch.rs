//! Batches: about a thousand rows held by column, typed, so that hot loops run over plain vectors.

use crate::types::{ColumnType, Datum};

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

/// Strings one after the other.
#[derive(Clone, Debug, Default)]
pub struct TextData {
    /// The bytes of all strings, valid UTF-8 in each slice.
    pub bytes: String,
    /// Where each string ends.
    pub ends: Vec<u32>,
}
