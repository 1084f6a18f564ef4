//! # Keys
//!
//! How meaning becomes ordered bytes. Every row and index entry lives at a key whose byte order is
//! the SQL order of its columns, so that a range of rows is a range of bytes.
//!
//! ```text
//!   ┌──────────────┬──────────────┬───────────────────────────────┐
//!   │ table id     │ index id     │ column, column, …             │   versions family
//!   │ u32, big end │ u32, big end │ ordered.rs, self-delimiting   │
//!   └──────────────┴──────────────┴───────────────────────────────┘
//!      1 ..= 99 system tables · 100 .. user tables, sequences, materialised views
//!      index 1 is a new table's primary index
//! ```
//!
//! Words: a *span* is a half-open range of keys `[start, end)`; a *prefix* is the first eight
//! bytes (table and index).
//!
//! Invariants:
//! - Encodings of columns are self-delimiting, so within one index no key is a prefix of another,
//!   and a version's timestamp can be appended without disturbing the order.
//! - NULL sorts after every value (before, in a descending column), as in PostgreSQL.
//! - Decoding hostile bytes gives an error, never a panic.
//!
//! What it is not: row values (`catalog::row`), versions (`mvcc::version`).

mod decimal;
pub mod ordered;
pub mod pretty;
pub mod span;

pub use span::{Span, SpanSet, prefix_end};

/// An encoded key.
pub type Key = Vec<u8>;

/// A table's number in keys; also its descriptor id.
pub type TableId = u32;

/// An index's number within its table; never used twice by one table.
pub type IndexId = u32;

/// Bytes of the prefix that names table and index.
pub const PREFIX_BYTES: usize = 8;

/// The prefix of an index.
pub fn index_prefix(table: TableId, index: IndexId) -> Key {
    let mut key = Vec::with_capacity(64);
    key.extend_from_slice(&table.to_be_bytes());
    key.extend_from_slice(&index.to_be_bytes());
    key
}

/// All keys of an index.
pub fn index_span(table: TableId, index: IndexId) -> Span {
    Span::prefix(index_prefix(table, index))
}

/// All keys of a table, every index included.
pub fn table_span(table: TableId) -> Span {
    Span::prefix(table.to_be_bytes().to_vec())
}

/// The table and index that a key belongs to; `None` if it is too short to have any.
pub fn split_prefix(key: &[u8]) -> Option<(TableId, IndexId, &[u8])> {
    let (table, rest) = key.split_first_chunk::<4>()?;
    let (index, rest) = rest.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*table), u32::from_be_bytes(*index), rest))
}
