//! Rows written out, and comparisons between them, field by field.

use sqlparser::ast::{BinaryOperator as B, Expr, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::binder::Binder;
use super::operator::{bool_node, not, operator_name};
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::Type;

/// The fields of `(a, b)` or `ROW(a, b)`.
pub(super) fn fields(expr: &Expr) -> Option<Vec<&Expr>> {
    match expr {
        Expr::Nested(inner) => fields(inner),
        Expr::Tuple(list) => Some(list.iter().collect()),
        Expr::Function(f) if f.over.is_none() && f.filter.is_none() => {
            let name = super::name::words(&f.name).ok()?;
            if name.as_slice() != ["row"] {
                return None;
            }
            match &f.args {
                FunctionArguments::List(list) => list
                    .args
                    .iter()
                    .map(|arg| match arg {
                        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e),
                        _ => None,
                    })
                    .collect(),
                FunctionArguments::None => Some(Vec::new()),
                FunctionArguments::Subquery(_) => None,
            }
        }
        _ => None,
    }
}

impl Binder<'_> {
    /// Whether an expression is a row written out.
    pub fn is_row(&self, expr: &Expr) -> bool {
        fields(expr).is_some()
    }

    /// A row as a value.
    pub fn row_value(&mut self, list: &[&Expr]) -> Result<Scalar> {
        let mut values = Vec::with_capacity(list.len());
        for field in list {
            // `t.*` within ROW stands for all columns.
            if let Expr::QualifiedWildcard(name, _) = field {
                values.extend(self.wildcard_values(name)?);
                continue;
            }
            let value = self.expr(field)?;
            values.push(self.settle(value)?);
        }
        Ok(Scalar { kind: ScalarKind::Row(values), ty: Type::Record.into() })
    }

    /// `(a, b) op (c, d)` or `(a, b) = (SELECT …)`; `None` if the left side is no row.
    pub fn row_comparison(&mut self, left: &Expr, op: &B, right: &Expr) -> Result<Option<Scalar>> {
        let Some(left) = fields(left) else { return Ok(None) };
        if let Expr::Subquery(query) = right {
            if *op != B::Eq {
                return Err(Error::unsupported("this comparison of a row with a subquery"));
            }
            let left = left.into_iter().map(|e| self.expr(e)).collect::<Result<Vec<_>>>()?;
            return self.quantified_query(left, "=", query, false).map(Some);
        }
        let Some(right) = fields(right) else { return Ok(None) };
        let left = left.into_iter().map(|e| self.expr(e)).collect::<Result<Vec<_>>>()?;
        let right = right.into_iter().map(|e| self.expr(e)).collect::<Result<Vec<_>>>()?;
        self.compare_rows(operator_name(op)?, left, right).map(Some)
    }

    /// Compares two rows by fields, as SQL's row comparison has it.
    pub fn compare_rows(
        &mut self,
        op: &str,
        left: Vec<Scalar>,
        right: Vec<Scalar>,
    ) -> Result<Scalar> {
        if left.len() != right.len() {
            return Err(Error::syntax("unequal number of entries in row expressions"));
        }
        if left.is_empty() {
            return Err(Error::new(
                sqlstate::FEATURE_NOT_SUPPORTED,
                "cannot compare rows of zero length",
            ));
        }
        let mut pairs: Vec<(Scalar, Scalar)> = left.into_iter().zip(right).collect();
        match op {
            "=" | "<>" => {
                let mut tests = Vec::with_capacity(pairs.len());
                for (a, b) in pairs {
                    tests.push(self.binary(op, a, b)?);
                }
                if tests.len() == 1 {
                    return tests.pop().ok_or_else(|| Error::internal("no test"));
                }
                Ok(bool_node(if op == "=" {
                    ScalarKind::And(tests)
                } else {
                    ScalarKind::Or(tests)
                }))
            }
            "<" | "<=" | ">" | ">=" => {
                // a < c OR (a = c AND (b < d OR …)); only the last comparison may be an equality.
                let strict = if op.starts_with('<') { "<" } else { ">" };
                let (a, b) = pairs.pop().ok_or_else(|| Error::internal("no pair"))?;
                let mut result = self.binary(op, a, b)?;
                while let Some((a, b)) = pairs.pop() {
                    let differs = self.binary(strict, a.clone(), b.clone())?;
                    let equal = self.binary("=", a, b)?;
                    let rest = bool_node(ScalarKind::And(vec![equal, result]));
                    result = bool_node(ScalarKind::Or(vec![differs, rest]));
                }
                Ok(result)
            }
            _ => Err(Error::new(
                sqlstate::FEATURE_NOT_SUPPORTED,
                format!("could not determine interpretation of row comparison operator {op}"),
            )
            .with_hint(
                "Row comparison operators must be associated with btree operator families.",
            )),
        }
    }

    /// `IS [NOT] DISTINCT FROM` between rows; `None` if one side is no row.
    pub fn row_distinct(&mut self, a: &Expr, b: &Expr, negated: bool) -> Result<Option<Scalar>> {
        let (Some(left), Some(right)) = (fields(a), fields(b)) else { return Ok(None) };
        if left.len() != right.len() {
            return Err(Error::syntax("unequal number of entries in row expressions"));
        }
        let mut tests = Vec::with_capacity(left.len());
        for (a, b) in left.into_iter().zip(right) {
            let (a, b) = (self.expr(a)?, self.expr(b)?);
            tests.push(self.not_distinct(a, b)?);
        }
        let same = bool_node(ScalarKind::And(tests));
        Ok(Some(if negated { same } else { not(same) }))
    }
}
