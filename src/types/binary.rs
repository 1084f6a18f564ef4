//! Binary forms.
use super::{Datum, Type};
use crate::error::{Error, Result};
/// Appends the binary form of a value that is not NULL.
pub fn encode(value: &Datum, ty: &Type, out: &mut Vec<u8>) -> Result<()> {
    let _ = (value, ty, out);
    Err(Error::unsupported("this operation"))
}
/// Reads the binary form; 22P03 on bytes that are none.
pub fn decode(ty: &Type, bytes: &[u8]) -> Result<Datum> {
    let _ = (ty, bytes);
    Err(Error::unsupported("this operation"))
}
