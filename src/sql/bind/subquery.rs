//! Queries inside expressions.

use sqlparser::ast::{Expr, Query};

use super::binder::Binder;
use super::generic::array_of;
use super::operator::{bool_node, not};
use super::query::{BoundQuery, Unknowns};
use super::resolve::binary_operator;
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::{Scalar, ScalarKind, Subquery, SubqueryKind};
use crate::types::Type;

impl Binder<'_> {
    fn inner_query(&mut self, query: &Query) -> Result<BoundQuery> {
        self.clause().allow_subquery()?;
        self.query(query, Unknowns::Text)
    }

    /// `EXISTS (…)`.
    pub fn exists(&mut self, query: &Query) -> Result<Scalar> {
        let bound = self.inner_query(query)?;
        Ok(bool_node(subquery(SubqueryKind::Exists, bound)))
    }

    /// `(SELECT …)` as a value.
    pub fn scalar_subquery(&mut self, query: &Query) -> Result<Scalar> {
        let bound = self.inner_query(query)?;
        let ty = only_column(&bound)?;
        Ok(Scalar { kind: subquery(SubqueryKind::Scalar, bound), ty })
    }

    /// `ARRAY(SELECT …)`.
    pub fn array_subquery(&mut self, query: &Query) -> Result<Scalar> {
        let bound = self.inner_query(query)?;
        let ty = array_of(&only_column(&bound)?.ty);
        Ok(Scalar { kind: subquery(SubqueryKind::Array, bound), ty: ty.into() })
    }

    /// `x IN (SELECT …)`.
    pub fn in_subquery(&mut self, x: &Expr, query: &Query) -> Result<Scalar> {
        let left = match super::row::fields(x) {
            Some(fields) => fields.into_iter().map(|f| self.expr(f)).collect::<Result<Vec<_>>>()?,
            None => vec![self.expr(x)?],
        };
        self.quantified_query(left, "=", query, false)
    }

    /// `left op ANY (SELECT …)` and `ALL`.
    pub fn quantified_query(
        &mut self,
        left: Vec<Scalar>,
        operator: &str,
        query: &Query,
        all: bool,
    ) -> Result<Scalar> {
        let mut bound = self.inner_query(query)?;
        if bound.columns.len() != left.len() {
            let how = if bound.columns.len() < left.len() { "few" } else { "many" };
            return Err(Error::syntax(format!("subquery has too {how} columns")));
        }
        // Rows are equal when all fields are; `<> ALL` of rows is NOT `= ANY`.
        let (operator, all, negated) = match (left.len(), operator, all) {
            (1, _, _) | (_, "=", _) => (operator, all, false),
            (_, "<>", true) => ("=", false, true),
            (_, "<>", false) => ("=", true, true),
            _ => return Err(Error::unsupported("this comparison of a row with a subquery")),
        };
        let mut operands = Vec::with_capacity(left.len());
        let mut operators = Vec::with_capacity(left.len());
        let mut wanted = Vec::with_capacity(left.len());
        for (left, column) in left.into_iter().zip(&bound.columns) {
            let (chosen, types) = binary_operator(operator, &left.ty.ty, &column.ty.ty)?;
            if types.result != Type::Bool {
                return Err(Error::new(
                    sqlstate::DATATYPE_MISMATCH,
                    format!(
                        "row comparison operator must yield type boolean, not type {}",
                        types.result
                    ),
                ));
            }
            let mut params = types.params.into_iter();
            let (Some(l), Some(r)) = (params.next(), params.next()) else {
                return Err(Error::internal("an operator without operands"));
            };
            operands.push(self.argument(left, &l)?);
            operators.push(chosen.function);
            wanted.push(r);
        }
        self.cast_arguments(&mut bound, &wanted)?;
        let kind = SubqueryKind::Quantified { left: operands, operators, all };
        let test = bool_node(subquery(kind, bound));
        Ok(if negated { not(test) } else { test })
    }
}

fn only_column(bound: &BoundQuery) -> Result<crate::types::ColumnType> {
    match bound.columns.as_slice() {
        [column] => Ok(column.ty.clone()),
        _ => Err(Error::syntax("subquery must return only one column")),
    }
}

fn subquery(kind: SubqueryKind, bound: BoundQuery) -> ScalarKind {
    let columns = bound.columns.iter().map(|c| c.column).collect();
    ScalarKind::Subquery(Box::new(Subquery { kind, relation: bound.relation, columns }))
}
