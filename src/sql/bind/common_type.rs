//! The one type of several expressions: UNION, CASE, COALESCE, VALUES, IN, ARRAY.

use super::binder::Binder;
use super::coerce::can_coerce;
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::Scalar;
use crate::types::cast::CastContext;
use crate::types::{ColumnType, Type, oid};

/// What stands in the way of a common type.
pub(super) type Clash = (Type, Type);

/// The common type; text if all are unknown; `None` if there is none.
pub(super) fn common_type<'t>(types: impl IntoIterator<Item = &'t Type>) -> Option<Type> {
    resolve_common(types).ok()
}

/// The common type, or the two types that clash.
pub(super) fn resolve_common<'t>(types: impl IntoIterator<Item = &'t Type>) -> Result<Type, Clash> {
    let mut best = Type::Unknown;
    for ty in types {
        if *ty == Type::Unknown || *ty == best {
            continue;
        }
        if best == Type::Unknown {
            best = ty.clone();
        } else if oid::category(ty) != oid::category(&best) {
            return Err((best, ty.clone()));
        } else if !oid::is_preferred(&best)
            && can_coerce(&best, ty, CastContext::Implicit)
            && !can_coerce(ty, &best, CastContext::Implicit)
        {
            best = ty.clone();
        }
    }
    Ok(if best == Type::Unknown { Type::Text } else { best })
}

/// "CASE types integer and text cannot be matched".
pub(super) fn clash_error(context: &str, (a, b): &Clash) -> Error {
    Error::new(
        sqlstate::DATATYPE_MISMATCH,
        format!("{context} types {a} and {b} cannot be matched"),
    )
}

/// The modifier that all have, or none.
pub(super) fn common_modifier<'t>(
    ty: &Type,
    types: impl IntoIterator<Item = &'t ColumnType>,
) -> i32 {
    let mut common = None;
    for own in types {
        if own.ty != *ty || common.is_some_and(|c| c != own.modifier) {
            return -1;
        }
        common = Some(own.modifier);
    }
    common.unwrap_or(-1)
}

impl Binder<'_> {
    /// Casts expressions to their common type. `order` lists them as the type is looked for, where
    /// that is not the order of the expressions.
    pub fn unify(
        &mut self,
        context: &str,
        exprs: Vec<Scalar>,
    ) -> Result<(Vec<Scalar>, ColumnType)> {
        let ty = resolve_common(exprs.iter().map(|e| &e.ty.ty))
            .map_err(|clash| clash_error(context, &clash))?;
        let exprs = self.all_as_common(context, exprs, &ty)?;
        let modifier = common_modifier(&ty, exprs.iter().map(|e| &e.ty));
        Ok((exprs, ColumnType { ty, modifier }))
    }

    /// Casts expressions to a type found to be common.
    pub fn all_as_common(
        &mut self,
        context: &str,
        exprs: Vec<Scalar>,
        ty: &Type,
    ) -> Result<Vec<Scalar>> {
        exprs.into_iter().map(|e| self.as_common_type(context, e, ty)).collect()
    }

    /// Casts an expression to a type found to be common.
    pub fn as_common_type(&mut self, context: &str, expr: Scalar, ty: &Type) -> Result<Scalar> {
        let from = expr.ty.ty.clone();
        self.coerce(expr, ty, CastContext::Implicit)?.ok_or_else(|| {
            Error::new(
                sqlstate::CANNOT_COERCE,
                format!("{context} could not convert type {from} to {ty}"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wider_number_wins_and_categories_do_not_mix() {
        assert_eq!(common_type([&Type::Int4, &Type::Numeric, &Type::Int2]), Some(Type::Numeric));
        assert_eq!(common_type([&Type::Float8, &Type::Numeric]), Some(Type::Float8));
        assert_eq!(common_type([&Type::Unknown, &Type::Date]), Some(Type::Date));
        assert_eq!(common_type([&Type::Unknown, &Type::Unknown]), Some(Type::Text));
        assert_eq!(resolve_common([&Type::Int4, &Type::Text]), Err((Type::Int4, Type::Text)));
    }
}
