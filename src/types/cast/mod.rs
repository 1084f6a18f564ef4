//! # Casts
//!
//! Which types become which others, in which context, and how. [`cast_context`] is `pg_cast` and
//! PostgreSQL's rules for what is not in it (conversion by way of text, arrays item by item); the
//! binder asks it. [`cast`] does the work on a value.
//!
//! ```text
//!   implicit  ⊂  assignment  ⊂  explicit
//!   1 + 2.5      INSERT INTO    CAST(x AS t), x::t
//! ```
//!
//! Invariants: a cast that [`cast_context`] allows either gives a value of the target type, within
//! its modifier, or one of PostgreSQL's errors; NULL becomes NULL.
//!
//! What it is not: type resolution (`sql::bind`).

mod convert;
mod modifier;
mod table;

pub use modifier::apply_modifier;
pub use table::{cast_context, catalogued};

use super::session::SessionFormat;
use super::{ColumnType, Datum, Type};
use crate::error::{Error, Result, sqlstate};

/// Where a cast may happen; a wider context includes the narrower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CastContext {
    /// Anywhere.
    Implicit,
    /// Storing into a column.
    Assignment,
    /// Only where it is written out.
    Explicit,
}

/// `42846`: there is no such cast.
pub fn cannot_cast(from: &Type, to: &Type) -> Error {
    Error::new(sqlstate::CANNOT_COERCE, format!("cannot cast type {from} to type {to}"))
}

/// Converts a value. Whether the context allows the cast is the binder's question
/// ([`cast_context`]); here the context decides what happens to strings that are too long.
pub fn cast(
    value: &Datum,
    from: &Type,
    to: &ColumnType,
    context: CastContext,
    format: &SessionFormat,
) -> Result<Datum> {
    if value.is_null() {
        return Ok(Datum::Null);
    }
    if *from == to.ty {
        return if to.modifier < 0 {
            Ok(value.clone())
        } else {
            apply_modifier(value, to, context)
        };
    }
    let converted = convert::convert(value, from, to, context, format)?;
    if to.modifier < 0 { Ok(converted) } else { apply_modifier(&converted, to, context) }
}

#[cfg(test)]
mod tests;
