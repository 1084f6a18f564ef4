//! Casts that are written out.

use sqlparser::ast::{CastKind, DataType, Expr, TypedString};

use super::binder::Binder;
use super::name::At;
use super::type_name::column_type_in;
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::Scalar;
use crate::types::cast::CastContext;
use crate::types::{ColumnType, Type};

impl Binder<'_> {
    /// `x::type`, `CAST(x AS type)`.
    pub fn cast_expr(
        &mut self,
        kind: &CastKind,
        expr: &Expr,
        target: &DataType,
        has_format: bool,
    ) -> Result<Scalar> {
        if has_format || matches!(kind, CastKind::TryCast | CastKind::SafeCast) {
            return Err(Error::unsupported("this form of CAST"));
        }
        let target = column_type_in(self.ctx, target)?;
        // An array's elements are cast one by one, so that unknown ones take the type.
        if let (Expr::Array(array), Type::Array(_)) = (unwrapped(expr), &target.ty) {
            return self.array(&array.elem, Some(&target));
        }
        let value = self.expr(expr)?;
        self.explicit_cast(value, &target)
    }

    /// An explicit cast of a value.
    pub fn explicit_cast(&mut self, value: Scalar, target: &ColumnType) -> Result<Scalar> {
        let from = value.ty.ty.clone();
        self.coerce_to(value, target, CastContext::Explicit)?.ok_or_else(|| {
            Error::new(sqlstate::CANNOT_COERCE, format!("cannot cast type {from} to {}", target.ty))
        })
    }

    /// `type 'text'`.
    pub fn typed_string(&mut self, typed: &TypedString) -> Result<Scalar> {
        let target = column_type_in(self.ctx, &typed.data_type)?;
        let value = self.literal(&typed.value)?;
        self.explicit_cast(value, &target).at(typed.value.span)
    }
}

/// An expression without the parentheses around it.
pub(super) fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => unwrapped(inner),
        other => other,
    }
}
