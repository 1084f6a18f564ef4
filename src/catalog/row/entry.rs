//! Where the parts of an index's keys and values come from, worked out once per table.

use crate::catalog::descriptor::{ColumnId, IndexDescriptor, TableDescriptor};
use crate::error::{Error, Result};
use crate::keys::{IndexId, Key, PREFIX_BYTES, index_prefix, ordered};
use crate::limits::KEY_BYTES_MAX;
use crate::types::{Datum, Type};

use super::value::ColumnWriter;
use crate::error::sqlstate;

/// A column of a key.
#[derive(Clone, Debug)]
pub(super) struct KeyColumn {
    /// Position in the row.
    pub(super) position: usize,
    pub(super) id: ColumnId,
    pub(super) ty: Type,
    pub(super) descending: bool,
    /// Whether the key gives the value back exactly.
    pub(super) exact: bool,
}

/// A column of a value.
#[derive(Clone, Debug)]
pub(super) struct ValueColumn {
    /// Position in the row.
    pub(super) position: usize,
    pub(super) id: ColumnId,
    pub(super) ty: Type,
    /// Whether a NULL must be written, because absence means something else.
    pub(super) explicit_null: bool,
}

/// Which encoded column of an entry is a column of the primary key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Position among index columns and suffix.
    pub(super) at: usize,
    /// Whether the bytes must be inverted, the two indexes differing in direction.
    pub(super) invert: bool,
}

/// The layout of one index.
#[derive(Clone, Debug)]
pub(super) struct IndexLayout {
    pub(super) id: IndexId,
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) is_primary: bool,
    pub(super) prefix: [u8; PREFIX_BYTES],
    pub(super) columns: Vec<KeyColumn>,
    pub(super) suffix: Vec<KeyColumn>,
    /// In rising order of ids.
    pub(super) values: Vec<ValueColumn>,
    /// The primary key's columns in its order.
    pub(super) primary: Vec<Segment>,
}

impl IndexLayout {
    pub(super) fn new(table: &TableDescriptor, index: &IndexDescriptor) -> Result<IndexLayout> {
        let is_primary = index.id == table.primary_index.id;
        let column = |id: ColumnId| -> Result<(usize, &Type)> {
            let found = table.columns.iter().enumerate().find(|(_, c)| c.id == id);
            found.map(|(position, c)| (position, &c.ty.ty)).ok_or_else(|| {
                Error::corrupt(format!("index {} names a column that is not there", index.name))
            })
        };
        let key_column = |id: ColumnId, descending: bool| -> Result<KeyColumn> {
            let (position, ty) = column(id)?;
            let exact = ordered::lossless(ty);
            Ok(KeyColumn { position, id, ty: ty.clone(), descending, exact })
        };
        let columns = index
            .columns
            .iter()
            .map(|c| key_column(c.column, c.descending))
            .collect::<Result<Vec<_>>>()?;
        let mut suffix = Vec::new();
        let mut primary = Vec::new();
        for part in &table.primary_index.columns {
            let among = columns.iter().position(|c| c.id == part.column);
            let at = match among {
                Some(at) => at,
                None => {
                    suffix.push(key_column(part.column, part.descending)?);
                    columns.len() + suffix.len() - 1
                }
            };
            let there = among.and_then(|at| columns.get(at)).map(|c| c.descending);
            let invert = there.is_some_and(|descending| descending != part.descending);
            primary.push(Segment { at, invert });
        }
        let in_key = |id: ColumnId| columns.iter().chain(&suffix).find(|c| c.id == id);
        let mut values = Vec::new();
        for (position, c) in table.columns.iter().enumerate() {
            let wanted = match in_key(c.id) {
                Some(key) => !key.exact,
                None => is_primary || index.storing.contains(&c.id),
            };
            if wanted {
                values.push(ValueColumn {
                    position,
                    id: c.id,
                    ty: c.ty.ty.clone(),
                    explicit_null: c.missing.is_some(),
                });
            }
        }
        values.sort_by_key(|v| v.id);
        let mut prefix = [0; PREFIX_BYTES];
        prefix.copy_from_slice(&index_prefix(table.id, index.id)[..PREFIX_BYTES]);
        let (id, name, unique) = (index.id, index.name.clone(), index.unique);
        Ok(IndexLayout { id, name, unique, is_primary, prefix, columns, suffix, values, primary })
    }

    /// Index columns, then suffix.
    pub(super) fn key_columns(&self) -> impl Iterator<Item = &KeyColumn> {
        self.columns.iter().chain(&self.suffix)
    }

    /// Appends the encodings of columns.
    #[inline]
    pub(super) fn push_columns(
        out: &mut Vec<u8>,
        columns: &[KeyColumn],
        row: &[Datum],
    ) -> Result<()> {
        for column in columns {
            let datum = row.get(column.position).ok_or_else(short_row)?;
            push_column(out, column, datum)?;
        }
        Ok(())
    }

    /// Whether the row has a NULL in an index column, so that it clashes with none.
    pub(super) fn has_null(&self, row: &[Datum]) -> bool {
        self.columns.iter().any(|c| row.get(c.position).is_none_or(Datum::is_null))
    }

    /// Appends the columns of the value.
    #[inline]
    pub(super) fn push_values(&self, out: &mut Vec<u8>, row: &[Datum]) -> Result<()> {
        let mut writer = ColumnWriter::new(out);
        for column in &self.values {
            let datum = row.get(column.position).ok_or_else(short_row)?;
            if !datum.is_null() || column.explicit_null {
                writer.push(column.id, &column.ty, datum)?;
            }
        }
        Ok(())
    }

    pub(super) fn check_size(&self, key: &Key) -> Result<()> {
        if key.len() <= KEY_BYTES_MAX {
            return Ok(());
        }
        Err(Error::new(
            sqlstate::PROGRAM_LIMIT_EXCEEDED,
            format!(
                "index row size {} exceeds maximum {KEY_BYTES_MAX} for index \"{}\"",
                key.len(),
                self.name
            ),
        )
        .with_hint("Index a hash of the value, or a shorter part of it."))
    }
}

/// Appends the encoding of one column. A datum of another type would give a key in the wrong
/// place, where nobody would ever find it, so that is an error.
#[inline]
pub(super) fn push_column(out: &mut Vec<u8>, column: &KeyColumn, datum: &Datum) -> Result<()> {
    if !fits(&column.ty, datum) {
        return Err(Error::internal(format!(
            "a value of another type was given for a key column of type {}",
            column.ty
        )));
    }
    ordered::encode_column(out, datum, &column.ty, column.descending)
}

fn fits(ty: &Type, datum: &Datum) -> bool {
    match (ty, datum) {
        (_, Datum::Null)
        | (Type::Bool, Datum::Bool(_))
        | (Type::Int2, Datum::Int2(_))
        | (Type::Int4, Datum::Int4(_))
        | (Type::Int8, Datum::Int8(_))
        | (Type::Float4, Datum::Float4(_))
        | (Type::Float8, Datum::Float8(_))
        | (Type::Numeric, Datum::Numeric(_))
        | (
            Type::Text | Type::Varchar | Type::Bpchar | Type::Name | Type::Unknown,
            Datum::Text(_),
        )
        | (Type::Char, Datum::Char(_))
        | (Type::Enum(_), Datum::Enum(_))
        | (Type::Bytea, Datum::Bytea(_))
        | (Type::Date, Datum::Date(_))
        | (Type::Time, Datum::Time(_))
        | (Type::Timetz, Datum::Timetz(..))
        | (Type::Timestamp, Datum::Timestamp(_))
        | (Type::Timestamptz, Datum::Timestamptz(_))
        | (Type::Interval, Datum::Interval(_))
        | (Type::Uuid, Datum::Uuid(_))
        | (Type::Json, Datum::Json(_))
        | (Type::Jsonb, Datum::Jsonb(_))
        | (
            Type::Oid
            | Type::Regclass
            | Type::Regtype
            | Type::Regproc
            | Type::Regnamespace
            | Type::Regrole,
            Datum::Oid(_),
        )
        | (Type::Int2Vector | Type::OidVector, Datum::Array(_))
        | (Type::Record, Datum::Record(_)) => true,
        (Type::Array(element), Datum::Array(array)) => {
            array.items.iter().all(|item| fits(element, item))
        }
        _ => false,
    }
}

pub(super) fn short_row() -> Error {
    Error::internal("a row has fewer values than its table has columns")
}
