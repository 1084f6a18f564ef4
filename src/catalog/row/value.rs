//! The columns of a value, by number.
//!
//! ```text
//!   ┌───┬──────┬──────┬──────┬──────┬─
//!   │ 1 │ head │ body │ head │ body │ …        1: the version of the format
//!   └───┴──────┴──────┴──────┴──────┴─
//!   head   high four bits: how much the column's number exceeds the one before, 1 ..= 15;
//!                          0: the excess follows as varint
//!          low four bits:  the kind of the body (body.rs)
//! ```
//!
//! Numbers rise, so a reader stops at the last column it wants and skips the others by their kind
//! alone.

use super::body::{corrupt, push_body, push_varint, take_body, take_varint};
use crate::catalog::descriptor::ColumnId;
use crate::error::Result;
use crate::types::{Datum, Type};

/// The version of the format, first byte of every value.
pub(super) const VERSION: u8 = 1;

/// Appends columns in rising order of their numbers.
pub(super) struct ColumnWriter<'a> {
    out: &'a mut Vec<u8>,
    last: ColumnId,
}

impl<'a> ColumnWriter<'a> {
    /// A writer at the start of the columns.
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        ColumnWriter { out, last: 0 }
    }

    /// Appends a column.
    #[inline]
    pub(super) fn push(&mut self, id: ColumnId, ty: &Type, datum: &Datum) -> Result<()> {
        let excess = id.wrapping_sub(self.last);
        self.last = id;
        let at = self.out.len();
        self.out.push(0);
        let high = if (1..16).contains(&excess) {
            (excess as u8) << 4
        } else {
            push_varint(self.out, u64::from(excess));
            0
        };
        let kind = push_body(self.out, ty, datum)?;
        if let Some(head) = self.out.get_mut(at) {
            *head = high | kind;
        }
        Ok(())
    }
}

/// One column as stored.
pub(super) struct StoredColumn<'a> {
    pub(super) id: ColumnId,
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
}

/// Walks the columns of a value.
pub(super) struct ColumnReader<'a> {
    rest: &'a [u8],
    last: ColumnId,
}

impl<'a> ColumnReader<'a> {
    /// A reader of the columns that follow the version (and, in an index entry, the suffix).
    pub(super) fn new(rest: &'a [u8]) -> Self {
        ColumnReader { rest, last: 0 }
    }

    /// The next column; `None` after the last.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<StoredColumn<'a>>> {
        let Some((&head, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        let excess = match head >> 4 {
            0 => u32::try_from(take_varint(&mut self.rest)?).unwrap_or(0),
            small => u32::from(small),
        };
        let id = self.last.checked_add(excess).filter(|_| excess > 0);
        self.last = id.ok_or_else(|| corrupt("its columns are not in order"))?;
        let kind = head & 0x0F;
        let body = take_body(&mut self.rest, kind)?;
        Ok(Some(StoredColumn { id: self.last, kind, body }))
    }
}

/// Checks and takes the version.
#[inline]
pub(super) fn strip_version(value: &[u8]) -> Result<&[u8]> {
    match value.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some(_) => Err(corrupt("its format is unknown")),
        None => Err(corrupt("it is empty")),
    }
}

/// Takes the version and the suffix of an index entry: suffix and columns.
#[inline]
pub(super) fn split_entry(value: &[u8]) -> Result<(&[u8], &[u8])> {
    let mut rest = strip_version(value)?;
    let length = usize::try_from(take_varint(&mut rest)?).unwrap_or(usize::MAX);
    rest.split_at_checked(length).ok_or_else(|| corrupt("an index entry is cut short"))
}
