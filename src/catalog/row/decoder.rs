//! Decoding: the columns that a scan wants, and no others.

use super::body::{corrupt, read_body};
use super::codec::TableCodec;
use super::datum::DatumRef;
use super::entry::IndexLayout;
use super::value::{ColumnReader, split_entry, strip_version};
use crate::catalog::descriptor::{ColumnId, TableDescriptor};
use crate::error::{Error, Result};
use crate::keys::{IndexId, PREFIX_BYTES, ordered};
use crate::types::{Datum, Type};

/// Reads chosen columns out of the keys and values of one index.
#[derive(Debug)]
pub struct RowDecoder {
    /// The key's columns as far as the last one wanted.
    key: Vec<KeyStep>,
    /// How many of the key's columns come before the suffix.
    split: usize,
    is_primary: bool,
    /// In rising order of ids.
    columns: Vec<Wanted>,
}

#[derive(Debug)]
struct KeyStep {
    ty: Type,
    descending: bool,
    out: Option<usize>,
}

#[derive(Debug)]
struct Wanted {
    id: ColumnId,
    ty: Type,
    out: usize,
    /// What rows without the column have in it.
    missing: Datum,
}

impl RowDecoder {
    /// A decoder of the columns at some positions (each at most once). Fails if the index does not
    /// hold one of them; see [`TableCodec::covers`].
    pub fn new(
        codec: &TableCodec,
        index: impl Into<IndexId>,
        wanted: &[usize],
    ) -> Result<RowDecoder> {
        RowDecoder::build(codec.table(), codec.layout(index.into())?, wanted)
    }

    pub(super) fn build(
        table: &TableDescriptor,
        layout: &IndexLayout,
        wanted: &[usize],
    ) -> Result<RowDecoder> {
        let mut key: Vec<KeyStep> = layout
            .key_columns()
            .map(|c| KeyStep { ty: c.ty.clone(), descending: c.descending, out: None })
            .collect();
        let mut columns = Vec::new();
        for (out, &position) in wanted.iter().enumerate() {
            if let Some(at) = layout.key_columns().position(|c| c.exact && c.position == position) {
                match key.get_mut(at) {
                    Some(step) if step.out.is_none() => step.out = Some(out),
                    _ => return Err(Error::internal("a column is wanted twice")),
                }
                continue;
            }
            let stored = layout.values.iter().find(|c| c.position == position);
            let (Some(stored), Some(column)) = (stored, table.columns.get(position)) else {
                return Err(Error::internal(format!(
                    "index {} does not hold column {position} of table {}",
                    layout.name, table.name
                )));
            };
            let missing = match &column.missing {
                Some(text) => super::body::thaw(&column.ty.ty, text)?,
                None => Datum::Null,
            };
            columns.push(Wanted { id: stored.id, ty: stored.ty.clone(), out, missing });
        }
        columns.sort_by_key(|w| w.id);
        let last = key.iter().rposition(|step| step.out.is_some());
        key.truncate(last.map_or(0, |at| at + 1));
        Ok(RowDecoder { key, split: layout.columns.len(), is_primary: layout.is_primary, columns })
    }

    /// Hands every wanted column of a row or entry to `out`, with its position in `wanted`. The
    /// order of the calls is not that of `wanted`.
    #[inline]
    pub fn decode(
        &self,
        key: &[u8],
        value: &[u8],
        out: &mut impl FnMut(usize, DatumRef<'_>),
    ) -> Result<()> {
        if !self.key.is_empty() {
            self.decode_key(key, value, out)?;
        }
        if self.columns.is_empty() {
            return Ok(());
        }
        let stored = if self.is_primary { strip_version(value)? } else { split_entry(value)?.1 };
        let mut reader = ColumnReader::new(stored);
        let mut wanted = self.columns.iter();
        let mut next = wanted.next();
        while let Some(want) = next {
            let Some(column) = reader.next()? else {
                // The value ends: the rest of the wanted columns are not in it.
                out(want.out, DatumRef::from(&want.missing));
                next = wanted.next();
                continue;
            };
            // Those passed over are not in the value either.
            let mut at = want;
            while at.id < column.id {
                out(at.out, DatumRef::from(&at.missing));
                match wanted.next() {
                    Some(following) => at = following,
                    None => return Ok(()),
                }
            }
            if at.id == column.id {
                out(at.out, read_body(column.kind, column.body, &at.ty)?);
                next = wanted.next();
            } else {
                next = Some(at);
            }
        }
        Ok(())
    }

    fn decode_key(
        &self,
        key: &[u8],
        value: &[u8],
        out: &mut impl FnMut(usize, DatumRef<'_>),
    ) -> Result<()> {
        let mut rest = key.get(PREFIX_BYTES..).ok_or_else(|| corrupt("a key is cut short"))?;
        for (i, step) in self.key.iter().enumerate() {
            if i == self.split && rest.is_empty() {
                rest = split_entry(value)?.0;
            }
            match step.out {
                None => ordered::skip_datum(&mut rest, &step.ty, step.descending)?,
                Some(position) => match borrow(&mut rest, step)? {
                    Some(datum) => out(position, datum),
                    None => {
                        let datum = ordered::decode_datum(&mut rest, &step.ty, step.descending)?;
                        out(position, DatumRef::from(datum));
                    }
                },
            }
        }
        Ok(())
    }
}

/// A text or bytea that stands in the key as it is.
#[inline]
fn borrow<'a>(input: &mut &'a [u8], step: &KeyStep) -> Result<Option<DatumRef<'a>>> {
    let is_text = match step.ty {
        Type::Text | Type::Varchar | Type::Name => true,
        Type::Bytea => false,
        _ => return Ok(None),
    };
    if step.descending {
        return Ok(None);
    }
    let Some(bytes) = ordered::borrow_plain(input) else { return Ok(None) };
    if !is_text {
        return Ok(Some(DatumRef::Bytes(bytes)));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Some(DatumRef::Text(text))),
        Err(_) => Err(corrupt("a text in a key is not UTF-8")),
    }
}
