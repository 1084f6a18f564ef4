//! LIKE, ILIKE, SIMILAR TO.

use sqlparser::ast::Expr;

use super::binder::Binder;
use super::operator::not;
use crate::error::{Error, Result};
use crate::sql::scalar::Scalar;
use crate::types::Type;

impl Binder<'_> {
    /// `x LIKE pattern ESCAPE e`, with the operator that does it and the one for NOT.
    pub fn like(
        &mut self,
        x: &Expr,
        pattern: &Expr,
        escape: Option<&Expr>,
        operator: &str,
    ) -> Result<Scalar> {
        let x = self.expr(x)?;
        let mut pattern = self.expr(pattern)?;
        if let Some(escape) = escape {
            let escape = self.expr(escape)?;
            pattern = self.call_named("like_escape", vec![pattern, escape])?;
        }
        self.binary(operator, x, pattern)
    }

    /// `x LIKE ANY (patterns)`.
    pub fn like_any(&mut self, x: &Expr, patterns: &Expr, operator: &str) -> Result<Scalar> {
        match patterns {
            Expr::Nested(inner) => self.any_of(x, operator, inner, false),
            other => self.any_of(x, operator, other, false),
        }
    }

    /// `x SIMILAR TO pattern ESCAPE e`.
    pub fn similar(
        &mut self,
        x: &Expr,
        pattern: &Expr,
        escape: Option<&Expr>,
        negated: bool,
    ) -> Result<Scalar> {
        let x = self.expr(x)?;
        let mut args = vec![self.expr(pattern)?];
        if let Some(escape) = escape {
            args.push(self.expr(escape)?);
        }
        let pattern = self.call_named("similar_to_escape", args)?;
        self.binary(if negated { "!~" } else { "~" }, x, pattern)
    }

    /// `x IS NORMALIZED`.
    pub fn is_normalized(
        &mut self,
        x: &Expr,
        form: Option<&sqlparser::ast::NormalizationForm>,
        negated: bool,
    ) -> Result<Scalar> {
        if !super::resolve::is_callable("is_normalized") {
            return Err(Error::unsupported("IS NORMALIZED"));
        }
        let mut args = vec![self.expr(x)?];
        if let Some(form) = form {
            args.push(Scalar::literal(crate::types::Datum::text(form.to_string()), Type::Text));
        }
        let test = self.call_named("is_normalized", args)?;
        Ok(if negated { not(test) } else { test })
    }
}
