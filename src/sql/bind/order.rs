//! ORDER BY, and the ways in which it and GROUP BY and DISTINCT ON name what they mean.

use sqlparser::ast::{Expr, OrderByExpr, OrderBySort, UnaryOperator, Value, ValueWithSpan};

use super::binder::Binder;
use super::clause::Clause;
use super::name::At;
use super::same::same;
use super::target::Target;
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::{Scalar, SortKey};
use crate::types::Type;

/// One key of ORDER BY: a target, and which way.
#[derive(Clone, Copy, Debug)]
pub(super) struct OrderItem {
    pub target: usize,
    pub descending: bool,
    pub nulls_first: bool,
}

/// Fails for types whose values have no order.
pub(super) fn ordered_type(ty: &Type, what: &str) -> Result<()> {
    if comparable(ty) {
        return Ok(());
    }
    Err(Error::new(
        sqlstate::UNDEFINED_FUNCTION,
        format!("could not identify {what} for type {ty}"),
    ))
}

/// Fails for types whose values cannot be told apart.
pub(super) fn equal_type(ty: &Type) -> Result<()> {
    ordered_type(ty, "an equality operator")
}

fn comparable(ty: &Type) -> bool {
    match ty {
        Type::Json | Type::Void => false,
        Type::Array(element) => comparable(element),
        _ => true,
    }
}

/// Which way a key sorts: descending, NULLs first.
fn direction(key: &OrderByExpr) -> Result<(bool, bool)> {
    if key.with_fill.is_some() {
        return Err(Error::unsupported("WITH FILL"));
    }
    let descending = match &key.options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(operator)) => match operator.to_string().as_str() {
            "<" | "pg_catalog.<" => false,
            ">" | "pg_catalog.>" => true,
            other => {
                return Err(Error::new(
                    sqlstate::WRONG_OBJECT_TYPE,
                    format!("operator {other} is not a valid ordering operator"),
                )
                .with_hint(
                    "Ordering operators must be \"<\" or \">\" members of btree operator families.",
                ));
            }
        },
    };
    // NULLs are larger than everything.
    Ok((descending, key.options.nulls_first.unwrap_or(descending)))
}

/// A key over an expression that is bound already.
pub(super) fn sort_key(key: &OrderByExpr, expr: Scalar) -> Result<SortKey> {
    let (descending, nulls_first) = direction(key)?;
    Ok(SortKey { expr, descending, nulls_first })
}

/// What an item of ORDER BY or GROUP BY is, before any expression is bound.
enum Named<'e> {
    /// The number of a target, from one.
    Ordinal(String),
    /// A name alone.
    Name(&'e sqlparser::ast::Ident),
    /// A constant that is no number.
    Constant,
    /// Anything else.
    Expression,
}

fn named(expr: &Expr) -> Named<'_> {
    match expr {
        Expr::Nested(inner) => named(inner),
        Expr::Identifier(ident) => Named::Name(ident),
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => {
            Named::Ordinal(digits.clone())
        }
        Expr::Value(ValueWithSpan { value: Value::Placeholder(_), .. }) => Named::Expression,
        Expr::Value(_) => Named::Constant,
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match named(expr) {
            Named::Ordinal(digits) => Named::Ordinal(format!("-{digits}")),
            _ => Named::Expression,
        },
        _ => Named::Expression,
    }
}

impl Binder<'_> {
    /// ORDER BY of a query over its targets; expressions that are no targets are added as junk.
    pub fn order_by<'q>(
        &mut self,
        keys: &'q [OrderByExpr],
        targets: &mut Vec<Target<'q>>,
    ) -> Result<Vec<OrderItem>> {
        let mut items: Vec<OrderItem> = Vec::with_capacity(keys.len());
        for key in keys {
            let (descending, nulls_first) = direction(key)?;
            let target = self.find_target(&key.expr, targets, Clause::OrderBy)?;
            if let Some(found) = targets.get_mut(target) {
                let scalar = std::mem::replace(&mut found.scalar, Scalar::truth());
                found.scalar = self.settle(scalar)?;
                ordered_type(&found.scalar.ty.ty, "an ordering operator").map_err(|e| {
                    e.with_hint("Use an explicit ordering operator or modify the query.")
                })?;
            }
            // A target sorted by twice decides nothing the second time.
            if !items.iter().any(|i| i.target == target) {
                items.push(OrderItem { target, descending, nulls_first });
            }
        }
        Ok(items)
    }

    /// The target that an item of ORDER BY, GROUP BY or DISTINCT ON means, added if there is none.
    pub fn find_target<'q>(
        &mut self,
        expr: &'q Expr,
        targets: &mut Vec<Target<'q>>,
        clause: Clause,
    ) -> Result<usize> {
        let word = clause.name();
        match named(expr) {
            Named::Name(ident) => {
                // GROUP BY prefers a column of FROM to an output column.
                let prefers_input = clause == Clause::GroupBy && self.find_column(ident)?.is_some();
                if !prefers_input {
                    let mut found: Option<usize> = None;
                    for (i, target) in targets.iter().enumerate() {
                        if target.junk || *target.name != *ident.value {
                            continue;
                        }
                        match found.and_then(|f| targets.get(f)) {
                            Some(other) if !same(&other.scalar, &target.scalar) => {
                                return Err(Error::new(
                                    sqlstate::AMBIGUOUS_COLUMN,
                                    format!("{word} \"{}\" is ambiguous", ident.value),
                                )
                                .at(ident.span));
                            }
                            Some(_) => {}
                            None => found = Some(i),
                        }
                    }
                    if let Some(found) = found {
                        return Ok(found);
                    }
                }
            }
            Named::Ordinal(digits) => {
                let Ok(number) = digits.parse::<i32>() else {
                    return Err(Error::syntax(format!("non-integer constant in {word}")));
                };
                let place = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
                let count = targets.iter().filter(|t| !t.junk).count();
                return place.filter(|p| *p < count).ok_or_else(|| {
                    Error::new(
                        sqlstate::INVALID_COLUMN_REFERENCE,
                        format!("{word} position {number} is not in select list"),
                    )
                });
            }
            Named::Constant => {
                return Err(Error::syntax(format!("non-integer constant in {word}")));
            }
            Named::Expression => {}
        }
        // The same text with a subquery in it means the same, which bound trees do not show.
        if let Some(known) = targets.iter().position(|t| t.tree == Some(expr)) {
            return Ok(known);
        }
        let scalar = self.in_clause(clause, |binder| binder.expr(expr))?;
        if let Some(known) = targets.iter().position(|t| same(&t.scalar, &scalar)) {
            return Ok(known);
        }
        targets.push(Target::junk(scalar, expr));
        Ok(targets.len() - 1)
    }

    /// ORDER BY within an aggregate or a window: expressions only.
    pub fn sort_keys(&mut self, keys: &[OrderByExpr]) -> Result<Vec<SortKey>> {
        let mut sorted = Vec::with_capacity(keys.len());
        for key in keys {
            let expr = self.expr(&key.expr)?;
            let expr = self.settle(expr)?;
            ordered_type(&expr.ty.ty, "an ordering operator").map_err(|e| {
                e.with_hint("Use an explicit ordering operator or modify the query.")
            })?;
            sorted.push(sort_key(key, expr)?);
        }
        Ok(sorted)
    }
}
