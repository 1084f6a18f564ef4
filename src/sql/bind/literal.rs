//! Constants as the statement writes them.

use std::sync::Arc;

use sqlparser::ast::{Expr, Value, ValueWithSpan};

use super::binder::Binder;
use super::name::{At, position};
use crate::error::{Error, Result};
use crate::sql::scalar::Scalar;
use crate::types::{Datum, Type, text};

impl Binder<'_> {
    /// A literal or parameter.
    pub fn literal(&mut self, value: &ValueWithSpan) -> Result<Scalar> {
        match &value.value {
            Value::Number(digits, _) => self.number(digits).at(value.span),
            Value::SingleQuotedString(word)
            | Value::EscapedStringLiteral(word)
            | Value::UnicodeStringLiteral(word)
            | Value::NationalStringLiteral(word) => Ok(self.unknown(word, position(value.span))),
            Value::DollarQuotedString(word) => Ok(self.unknown(&word.value, position(value.span))),
            Value::Boolean(b) => Ok(Scalar::literal(Datum::Bool(*b), Type::Bool)),
            Value::Null => Ok(Scalar::literal(Datum::Null, Type::Unknown)),
            Value::Placeholder(name) => self.parameter(name).at(value.span),
            Value::HexStringLiteral(_) | Value::SingleQuotedByteStringLiteral(_) => {
                Err(Error::unsupported("type bit")
                    .with_hint("Write bytes as '\\x…'::bytea.")
                    .at(value.span))
            }
            other => Err(Error::syntax(format!("syntax error at or near \"{other}\""))),
        }
    }

    /// A string literal, which is of no type until the context wants one.
    pub fn unknown(&mut self, word: &str, position: Option<u32>) -> Scalar {
        let word: Arc<str> = Arc::from(word);
        if let Some(position) = position {
            self.literals.push((word.clone(), position));
        }
        Scalar::literal(Datum::Text(word), Type::Unknown)
    }

    /// A number: integer, bigint or numeric, the first that holds it.
    fn number(&mut self, digits: &str) -> Result<Scalar> {
        if let Ok(n) = digits.parse::<i32>() {
            return Ok(Scalar::literal(Datum::Int4(n), Type::Int4));
        }
        if let Ok(n) = digits.parse::<i64>() {
            return Ok(Scalar::literal(Datum::Int8(n), Type::Int8));
        }
        let value = text::parse(&Type::Numeric, digits, &self.ctx.session.format)?;
        Ok(Scalar::literal(value, Type::Numeric))
    }

    /// The number that a minus sign and an expression are together, if that is a number.
    pub fn negative_number(&mut self, operand: &Expr) -> Result<Option<Scalar>> {
        match operand {
            Expr::Nested(inner) => self.negative_number(inner),
            Expr::Value(ValueWithSpan { value: Value::Number(digits, _), span })
                if !digits.starts_with('-') =>
            {
                self.number(&format!("-{digits}")).at(*span).map(Some)
            }
            _ => Ok(None),
        }
    }
}
