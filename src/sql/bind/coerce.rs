//! Casts that the context asks for: unknown literals and parameters take a type, values are
//! converted, modifiers are applied.

use std::sync::Arc;

use super::binder::Binder;
use crate::catalog::descriptor::ColumnDescriptor;
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::cast::{CastContext, apply_modifier, cast, cast_context};
use crate::types::{ColumnType, Datum, Type, text};

/// Whether a type can become another in a context.
pub(super) fn can_coerce(from: &Type, to: &Type, context: CastContext) -> bool {
    from == to || *from == Type::Unknown || cast_context(from, to).is_some_and(|c| c <= context)
}

/// Whether values of both types look the same, and a cast between them is only a change of name.
fn same_values(from: &Type, to: &Type) -> bool {
    let is_oid = |t: &Type| {
        matches!(
            t,
            Type::Oid
                | Type::Regclass
                | Type::Regtype
                | Type::Regproc
                | Type::Regnamespace
                | Type::Regrole
        )
    };
    match (from, to) {
        (Type::Text | Type::Varchar, Type::Text | Type::Varchar) => true,
        (a, b) => is_oid(a) && is_oid(b),
    }
}

/// Whether the cast of a literal can be done at once: it depends on nothing but the value.
fn folds(from: &Type, to: &Type) -> bool {
    let number = |t: &Type| {
        matches!(
            t,
            Type::Int2 | Type::Int4 | Type::Int8 | Type::Float4 | Type::Float8 | Type::Numeric
        )
    };
    let string = |t: &Type| matches!(t, Type::Text | Type::Varchar | Type::Bpchar | Type::Name);
    (number(from) && number(to)) || (string(from) && string(to)) || from == to
}

impl Binder<'_> {
    /// Casts to a type without modifier; `None` if the context does not allow it.
    pub fn coerce(
        &mut self,
        expr: Scalar,
        to: &Type,
        context: CastContext,
    ) -> Result<Option<Scalar>> {
        if expr.ty.ty == *to {
            return Ok(Some(expr));
        }
        if expr.ty.ty == Type::Unknown {
            return self.decide(expr, to).map(Some);
        }
        if !can_coerce(&expr.ty.ty, to, context) {
            return Ok(None);
        }
        let to = ColumnType::plain(to.clone());
        Ok(Some(self.cast_node(expr, to, context)))
    }

    /// Casts to a column's type, its modifier included.
    pub fn coerce_to(
        &mut self,
        expr: Scalar,
        to: &ColumnType,
        context: CastContext,
    ) -> Result<Option<Scalar>> {
        // An interval's fields decide how its text is read.
        if expr.ty.ty == Type::Unknown
            && to.ty == Type::Interval
            && let ScalarKind::Literal(Datum::Text(word)) = &expr.kind
        {
            let word = word.clone();
            let value = text::parse_column(to, &word, &self.ctx.session.format)
                .map_err(|e| self.point_at(e, &word))?;
            return Ok(Some(Scalar::literal(value, to.clone())));
        }
        let Some(expr) = self.coerce(expr, &to.ty, context)? else { return Ok(None) };
        Ok(Some(self.with_modifier(expr, to.modifier, context)))
    }

    /// Applies a modifier (`varchar(n)`, `numeric(p,s)`) to a value of the type.
    pub fn with_modifier(&mut self, expr: Scalar, modifier: i32, context: CastContext) -> Scalar {
        if modifier < 0 || expr.ty.modifier == modifier {
            return expr;
        }
        let to = ColumnType { ty: expr.ty.ty.clone(), modifier };
        if let ScalarKind::Literal(value) = &expr.kind {
            if value.is_null() {
                return Scalar::literal(Datum::Null, to);
            }
            if let Ok(value) = apply_modifier(value, &to, context) {
                return Scalar::literal(value, to);
            }
        }
        let explicit = context == CastContext::Explicit;
        Scalar { kind: ScalarKind::Cast { input: Box::new(expr), explicit }, ty: to }
    }

    /// A cast that is known to exist.
    fn cast_node(&self, expr: Scalar, to: ColumnType, context: CastContext) -> Scalar {
        if let ScalarKind::Literal(value) = &expr.kind {
            if value.is_null() {
                return Scalar::literal(Datum::Null, to);
            }
            if folds(&expr.ty.ty, &to.ty)
                && let Ok(value) = cast(value, &expr.ty.ty, &to, context, &self.ctx.session.format)
            {
                return Scalar::literal(value, to);
            }
        }
        let explicit = context == CastContext::Explicit;
        Scalar { kind: ScalarKind::Cast { input: Box::new(expr), explicit }, ty: to }
    }

    /// Gives an unknown literal or parameter its type.
    fn decide(&mut self, expr: Scalar, to: &Type) -> Result<Scalar> {
        match expr.kind {
            ScalarKind::Parameter(i) => {
                self.params.decide(i, to)?;
                Ok(Scalar { kind: ScalarKind::Parameter(i), ty: to.clone().into() })
            }
            ScalarKind::Literal(Datum::Text(word)) => {
                if *to == Type::Record {
                    return Err(Error::new(
                        sqlstate::FEATURE_NOT_SUPPORTED,
                        "input of anonymous composite types is not implemented",
                    ));
                }
                let value = text::parse(to, &word, &self.ctx.session.format)
                    .map_err(|e| self.point_at(e, &word))?;
                Ok(Scalar::literal(value, to.clone()))
            }
            ScalarKind::Literal(Datum::Null) => Ok(Scalar::literal(Datum::Null, to.clone())),
            _ => Err(Error::internal("an expression of unknown type")),
        }
    }

    /// Adds where a literal stood to an error about it.
    fn point_at(&self, error: Error, word: &Arc<str>) -> Error {
        match self.literals.iter().find(|(known, _)| Arc::ptr_eq(known, word)) {
            Some((_, position)) if error.position().is_none() => error.with_position(*position),
            _ => error,
        }
    }

    /// An argument cast to a parameter's type. Where both types' values look the same the argument
    /// is passed as it is, so that the planner sees the column.
    pub fn argument(&mut self, expr: Scalar, to: &Type) -> Result<Scalar> {
        if same_values(&expr.ty.ty, to) {
            return Ok(expr);
        }
        let from = expr.ty.ty.clone();
        self.coerce(expr, to, CastContext::Implicit)?
            .ok_or_else(|| Error::internal(format!("no implicit cast from {from} to {to}")))
    }

    /// Text where nothing wants another type.
    pub fn settle(&mut self, expr: Scalar) -> Result<Scalar> {
        if expr.ty.ty == Type::Unknown { self.decide(expr, &Type::Text) } else { Ok(expr) }
    }

    /// A condition: `argument of WHERE must be type boolean, not type integer`.
    pub fn boolean(&mut self, expr: Scalar, construct: &str) -> Result<Scalar> {
        let from = expr.ty.ty.clone();
        self.coerce(expr, &Type::Bool, CastContext::Assignment)?.ok_or_else(|| {
            Error::new(
                sqlstate::DATATYPE_MISMATCH,
                format!("argument of {construct} must be type boolean, not type {from}"),
            )
        })
    }

    /// An argument of a construct of the grammar, cast to a type.
    pub fn construct_argument(
        &mut self,
        expr: Scalar,
        to: &Type,
        construct: &str,
    ) -> Result<Scalar> {
        let from = expr.ty.ty.clone();
        self.coerce(expr, to, CastContext::Assignment)?.ok_or_else(|| {
            Error::new(
                sqlstate::DATATYPE_MISMATCH,
                format!("argument of {construct} must be type {to}, not type {from}"),
            )
        })
    }

    /// A value to be stored in a column.
    pub fn assign(&mut self, expr: Scalar, column: &ColumnDescriptor) -> Result<Scalar> {
        let from = expr.ty.ty.clone();
        self.coerce_to(expr, &column.ty, CastContext::Assignment)?.ok_or_else(|| {
            Error::new(
                sqlstate::DATATYPE_MISMATCH,
                format!(
                    "column \"{}\" is of type {} but expression is of type {from}",
                    column.name, column.ty.ty
                ),
            )
            .with_hint("You will need to rewrite or cast the expression.")
        })
    }
}
