//! Names as the tree has them, and positions for error messages.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};
use sqlparser::tokenizer::Span;

use crate::error::{Error, Result};

/// The identifiers of a dotted name.
pub(super) fn parts(name: &ObjectName) -> Result<Vec<&Ident>> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Ok(ident),
            ObjectNamePart::Function(_) => Err(Error::unsupported("a computed name")),
        })
        .collect()
}

/// The identifiers of a dotted name as text.
pub(super) fn words(name: &ObjectName) -> Result<Vec<&str>> {
    Ok(parts(name)?.into_iter().map(|ident| ident.value.as_str()).collect())
}

/// The last identifier of a dotted name, the only one when a column is to be assigned.
pub(super) fn last(name: &ObjectName) -> Result<&Ident> {
    parts(name)?.pop().ok_or_else(|| Error::internal("an empty name"))
}

/// The one-based character position of a token in the statement.
pub(super) fn position(span: Span) -> Option<u32> {
    let column = u32::try_from(span.start.column).ok()?;
    (span.start.line > 0 && column > 0).then_some(column)
}

/// Adds a position to an error that has none.
pub(super) trait At {
    /// The error, pointing at a token.
    fn at(self, span: Span) -> Self;
}

impl At for Error {
    fn at(self, span: Span) -> Error {
        match position(span) {
            Some(position) if self.position().is_none() => self.with_position(position),
            _ => self,
        }
    }
}

impl<T> At for Result<T> {
    fn at(self, span: Span) -> Result<T> {
        self.map_err(|e| e.at(span))
    }
}
