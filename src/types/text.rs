//! Text forms.
#![allow(missing_docs)]
pub use super::session::{
    ByteaOutput, DateOrder, DateStyle, IntervalStyle, NameResolver, SessionFormat,
};
use super::{ColumnType, Datum, Type};
use crate::error::{Error, Result};
/// The input function of a type.
pub fn parse(ty: &Type, text: &str, format: &SessionFormat) -> Result<Datum> {
    let _ = (ty, text, format);
    Err(Error::unsupported("this operation"))
}
/// The same, then the modifier as on input.
pub fn parse_column(ty: &ColumnType, text: &str, format: &SessionFormat) -> Result<Datum> {
    let _ = (ty, text, format);
    Err(Error::unsupported("this operation"))
}
/// Appends the text form; NULL appends nothing.
pub fn format(value: &Datum, format: &SessionFormat, out: &mut String) {
    let _ = (value, format, out);
    unimplemented!()
}
/// The same where the type matters (regclass, regtype).
pub fn format_typed(value: &Datum, ty: &Type, format: &SessionFormat, out: &mut String) {
    let _ = (value, ty, format, out);
    unimplemented!()
}
pub fn to_string(value: &Datum, ty: &Type, format: &SessionFormat) -> String {
    let _ = (value, ty, format);
    unimplemented!()
}
/// Quotes an identifier if it needs it.
pub fn quote_ident(name: &str) -> String {
    let _ = (name,);
    unimplemented!()
}
/// Quotes a string literal.
pub fn quote_literal(text: &str) -> String {
    let _ = (text,);
    unimplemented!()
}
