//! Comments on objects (`COMMENT ON …`), one row of `system.comments` each.

use super::descriptor::DescriptorId;
use super::system;
use crate::error::Result;
use crate::mvcc::Txn;
use crate::types::Datum;

/// What a comment is about. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum CommentKind {
    /// A database.
    Database = 0,
    /// A table, view, materialised view or sequence.
    Table = 1,
    /// A column; the part is the column's number.
    Column = 2,
    /// An index; the part is the index's number.
    Index = 3,
    /// A schema.
    Schema = 4,
    /// A constraint; the part is its position among the table's constraints.
    Constraint = 5,
    /// A type.
    Type = 6,
}

impl CommentKind {
    /// Every kind.
    pub const ALL: [CommentKind; 7] = [
        CommentKind::Database,
        CommentKind::Table,
        CommentKind::Column,
        CommentKind::Index,
        CommentKind::Schema,
        CommentKind::Constraint,
        CommentKind::Type,
    ];

    /// The kind that a stored number stands for.
    pub fn from_number(number: i64) -> Option<CommentKind> {
        CommentKind::ALL.into_iter().find(|k| i64::from(*k as u8) == number)
    }
}

/// Sets a comment, or removes it when `text` is absent. `part` is 0 for a whole object.
pub fn set(
    txn: &mut Txn,
    kind: CommentKind,
    object: DescriptorId,
    part: u32,
    text: Option<&str>,
) -> Result<()> {
    let [a, b, c] = key(kind, object, part);
    match text {
        Some(text) => system::COMMENTS.upsert(txn, &[a, b, c, Datum::text(text)]),
        None => system::COMMENTS.delete(txn, &[a, b, c]).map(|_| ()),
    }
}

/// Removes every comment on an object and its parts.
pub fn clear(txn: &mut Txn, object: DescriptorId) -> Result<()> {
    for kind in CommentKind::ALL {
        let prefix = [Datum::Int8(i64::from(kind as u8)), Datum::Int8(i64::from(object))];
        system::COMMENTS.delete_all(txn, &prefix)?;
    }
    Ok(())
}

fn key(kind: CommentKind, object: DescriptorId, part: u32) -> [Datum; 3] {
    [
        Datum::Int8(i64::from(kind as u8)),
        Datum::Int8(i64::from(object)),
        Datum::Int8(i64::from(part)),
    ]
}
