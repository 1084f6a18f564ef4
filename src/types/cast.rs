//! Casts.
use super::session::SessionFormat;
use super::{ColumnType, Datum, Type};
use crate::error::{Error, Result};
/// Where a cast may happen; a wider context includes the narrower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    /// Anywhere.
    Implicit,
    /// Storing into a column.
    Assignment,
    /// Only written out.
    Explicit,
}
/// The narrowest context in which `from` becomes `to`; None if never.
pub fn cast_context(from: &Type, to: &Type) -> Option<CastContext> {
    let _ = (from, to);
    unimplemented!()
}
/// Converts a value.
pub fn cast(
    value: &Datum,
    from: &Type,
    to: &ColumnType,
    context: CastContext,
    format: &SessionFormat,
) -> Result<Datum> {
    let _ = (value, from, to, context, format);
    Err(Error::unsupported("this operation"))
}
/// Applies a modifier to a value already of the type (varchar(n), numeric(p,s), timestamp(p)).
pub fn apply_modifier(value: &Datum, to: &ColumnType, context: CastContext) -> Result<Datum> {
    let _ = (value, to, context);
    Err(Error::unsupported("this operation"))
}
