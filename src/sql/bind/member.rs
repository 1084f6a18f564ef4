//! IN over lists, ANY and ALL.

use sqlparser::ast::{BinaryOperator, Expr};

use super::binder::Binder;
use super::common_type::common_type;
use super::generic::{array_of, element};
use super::operator::{bool_node, not};
use super::resolve::binary_operator;
use super::walk::has_columns;
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::Type;
use crate::types::cast::CastContext;

impl Binder<'_> {
    /// `x IN (a, b, …)`.
    pub fn in_list(&mut self, x: &Expr, list: &[Expr], negated: bool) -> Result<Scalar> {
        if self.is_row(x) {
            let mut tests = Vec::with_capacity(list.len());
            for item in list {
                let test = self.row_comparison(x, &BinaryOperator::Eq, item)?;
                tests.push(test.ok_or_else(|| {
                    Error::new(sqlstate::DATATYPE_MISMATCH, "IN of a row needs rows in its list")
                })?);
            }
            let any = any_true(tests)?;
            return Ok(if negated { not(any) } else { any });
        }
        let left = self.expr(x)?;
        let mut constants = Vec::with_capacity(list.len());
        let mut others = Vec::new();
        for item in list {
            let item = self.expr(item)?;
            if has_columns(&item) || super::walk::has_subquery(&item) {
                others.push(item);
            } else {
                constants.push(item);
            }
        }
        let operator = if negated { "<>" } else { "=" };
        let mut tests = Vec::new();
        // Several constants of one type are looked up together.
        let types = std::iter::once(&left.ty.ty).chain(constants.iter().map(|c| &c.ty.ty));
        let common = common_type(types).filter(|ty| constants.len() > 1 && *ty != Type::Record);
        match common {
            Some(common) => {
                let list = constants
                    .into_iter()
                    .map(|item| self.as_common_type("IN", item, &common))
                    .collect::<Result<Vec<_>>>()?;
                tests.push(self.list_test(operator, left.clone(), list, &common, negated)?);
            }
            None => others.splice(0..0, constants).for_each(drop),
        }
        for item in others {
            tests.push(self.binary(operator, left.clone(), item)?);
        }
        if negated { all_true(tests) } else { any_true(tests) }
    }

    fn list_test(
        &mut self,
        operator: &str,
        left: Scalar,
        list: Vec<Scalar>,
        ty: &Type,
        all: bool,
    ) -> Result<Scalar> {
        let (operator, types) = binary_operator(operator, &left.ty.ty, ty)?;
        let (left_type, right_type) = operand_types(types.params)?;
        let left = Box::new(self.argument(left, &left_type)?);
        let list = list
            .into_iter()
            .map(|item| self.argument(item, &right_type))
            .collect::<Result<Vec<_>>>()?;
        Ok(bool_node(ScalarKind::AnyOf { left, operator: operator.function, list, all }))
    }

    /// `x op ANY (…)` and `ALL`, over a query or an array.
    pub fn any_of(&mut self, x: &Expr, operator: &str, right: &Expr, all: bool) -> Result<Scalar> {
        if let Expr::Subquery(query) = right {
            let left = match super::row::fields(x) {
                Some(fields) => {
                    fields.into_iter().map(|f| self.expr(f)).collect::<Result<Vec<_>>>()?
                }
                None => vec![self.expr(x)?],
            };
            return self.quantified_query(left, operator, query, all);
        }
        let left = self.expr(x)?;
        let right = self.expr(right)?;
        let item = match &right.ty.ty {
            Type::Unknown => Type::Unknown,
            ty => element(ty).ok_or_else(|| {
                Error::new(
                    sqlstate::WRONG_OBJECT_TYPE,
                    "op ANY/ALL (array) requires array on right side",
                )
            })?,
        };
        let (operator, types) = binary_operator(operator, &left.ty.ty, &item)?;
        if types.result != Type::Bool {
            return Err(Error::new(
                sqlstate::WRONG_OBJECT_TYPE,
                "op ANY/ALL (array) requires operator to yield boolean",
            ));
        }
        let (left_type, right_type) = operand_types(types.params)?;
        let left = Box::new(self.argument(left, &left_type)?);
        // Elements whose values look like the operand's need no cast.
        let array = if element(&right.ty.ty)
            .is_some_and(|e| is_string(&e) && is_string(&right_type))
        {
            right
        } else {
            let target = array_of(&right_type);
            let from = right.ty.ty.clone();
            self.coerce(right, &target, CastContext::Implicit)?.ok_or_else(|| {
                Error::new(sqlstate::CANNOT_COERCE, format!("cannot cast type {from} to {target}"))
            })?
        };
        let array = Box::new(array);
        Ok(bool_node(ScalarKind::AnyOfArray { left, operator: operator.function, array, all }))
    }
}

fn is_string(ty: &Type) -> bool {
    matches!(ty, Type::Text | Type::Varchar)
}

fn operand_types(params: Vec<Type>) -> Result<(Type, Type)> {
    let mut params = params.into_iter();
    match (params.next(), params.next()) {
        (Some(left), Some(right)) => Ok((left, right)),
        _ => Err(Error::internal("an operator without operands")),
    }
}

/// OR of tests.
pub(super) fn any_true(mut tests: Vec<Scalar>) -> Result<Scalar> {
    match tests.len() {
        1 => tests.pop().ok_or_else(|| Error::internal("no test")),
        0 => Err(Error::syntax("an empty list")),
        _ => Ok(bool_node(ScalarKind::Or(tests))),
    }
}

fn all_true(tests: Vec<Scalar>) -> Result<Scalar> {
    Scalar::conjunction(tests).ok_or_else(|| Error::syntax("an empty list"))
}
