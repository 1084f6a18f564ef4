//! Rows and index entries as keys and values. This is on the path of everything that reads or
//! writes a row, so a [`TableCodec`] works out once per table what can be known beforehand, and a
//! [`RowDecoder`] once per scan.
//!
//! ```text
//!   row            key    table │ primary index │ key column, …
//!                  value  1 │ column, column, …                            in order of column id
//!
//!   index entry    key    table │ index │ index column, … │ [suffix]
//!                  value  1 │ length │ [suffix] │ column, column, …
//! ```
//!
//! The *suffix* of an entry is what its row's key needs beyond the index columns: the encodings of
//! the primary key's columns that are not among them. A unique index keeps it in the value, so
//! that two rows with equal columns meet at one key; every other index, and an entry of a unique
//! index with a NULL in it (NULLs never clash), keeps it in the key.
//!
//! A value holds the columns that the key does not hold, or does not hold exactly (`1.0` and
//! `1.00` have one key). Columns are found by number: a dropped one is skipped, one that was added
//! later is absent and reads as NULL or as what the descriptor says older rows have. A NULL is
//! absent too, except where absence means something else. See `value.rs` for the bytes.
//!
//! What it is not: constraints, defaults, predicates of partial indexes (`sql`).

mod body;
mod codec;
mod datum;
mod decoder;
mod entry;
mod value;

#[cfg(test)]
mod tests;

pub use body::{freeze, push_datum, take_datum, thaw};
pub use codec::TableCodec;
pub use datum::DatumRef;
pub use decoder::RowDecoder;
