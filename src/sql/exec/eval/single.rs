//! Expressions a row at a time.

use std::cmp::Ordering;

use crate::error::{Error, Result};
use crate::sql::exec::context::EvalContext;
use crate::sql::exec::eval::compare::compare_datums;
use crate::sql::exec::eval::{Expr, ExprKind, Row, array};
use crate::sql::exec::state::Run;
use crate::sql::function::Function;
use crate::types::cast::cast;
use crate::types::compare::compare_typed;
use crate::types::{Datum, Type};

/// Where an expression finds what is outside its row.
pub enum Scope<'s, 'r, 'c> {
    /// Within an execution: outer values, remembered values and subqueries are there.
    Run(&'s mut Run<'r, 'c>),
    /// Outside of any: only functions, parameters and constants.
    Pure(&'s mut EvalContext<'c>),
}

impl<'c> Scope<'_, '_, 'c> {
    /// What functions see.
    pub fn eval(&mut self) -> &mut EvalContext<'c> {
        match self {
            Scope::Run(run) => &mut run.ctx.eval,
            Scope::Pure(ctx) => ctx,
        }
    }
}

/// Combines the answers of `left op element` over the elements: ANY or ALL.
pub fn quantify(
    function: &Function,
    types: &[Type],
    ctx: &mut EvalContext<'_>,
    left: &Datum,
    elements: &[Datum],
    all: bool,
) -> Result<Datum> {
    let mut unknown = false;
    for element in elements {
        match function.call(ctx, types, &[left.clone(), element.clone()])? {
            Datum::Bool(b) if b != all => return Ok(Datum::Bool(!all)),
            Datum::Null => unknown = true,
            _ => {}
        }
    }
    Ok(if unknown { Datum::Null } else { Datum::Bool(all) })
}

impl Expr {
    /// The value over one row.
    pub fn datum(&self, run: &mut Run<'_, '_>, row: Row<'_>) -> Result<Datum> {
        self.single(&mut Scope::Run(run), row)
    }

    /// The value over one row, outside of any execution.
    pub fn pure(&self, ctx: &mut EvalContext<'_>, row: Row<'_>) -> Result<Datum> {
        self.single(&mut Scope::Pure(ctx), row)
    }

    /// The value of an expression that reads no columns.
    pub fn constant(&self, ctx: &mut EvalContext<'_>) -> Result<Datum> {
        self.pure(ctx, Row::Nothing)
    }

    /// The value over one row.
    pub fn single(&self, scope: &mut Scope<'_, '_, '_>, row: Row<'_>) -> Result<Datum> {
        Ok(match &self.kind {
            ExprKind::Constant(d) => d.clone(),
            ExprKind::Parameter(i) => parameter(scope.eval(), *i)?,
            ExprKind::Input(p) => row.get(*p),
            ExprKind::Outer(slot) => match scope {
                Scope::Run(run) => run.state.outer(*slot),
                Scope::Pure(_) => return Err(Error::unsupported("a column reference here")),
            },
            ExprKind::Once { slot, input } => {
                if let Scope::Run(run) = scope
                    && let Some(Some(known)) = run.state.once.get(*slot)
                {
                    return Ok(known.clone());
                }
                let value = input.single(scope, Row::Nothing)?;
                if let Scope::Run(run) = scope
                    && let Some(place) = run.state.once.get_mut(*slot)
                {
                    *place = Some(value.clone());
                }
                value
            }
            ExprKind::Call { function, types, args } => {
                call_over(function, types, args, scope, row)?
            }
            ExprKind::Compare { comparison, left, right } => {
                let (a, b) = (left.single(scope, row)?, right.single(scope, row)?);
                if a.is_null() || b.is_null() {
                    Datum::Null
                } else {
                    Datum::Bool(comparison.op.holds(compare_datums(comparison.class, &a, &b)))
                }
            }
            ExprKind::Cast { input, from, context } => {
                let value = input.single(scope, row)?;
                if value.is_null() {
                    Datum::Null
                } else {
                    cast(&value, from, &self.ty, *context, &scope.eval().session.format)?
                }
            }
            ExprKind::And(parts) => connect(parts, scope, row, false)?,
            ExprKind::Or(parts) => connect(parts, scope, row, true)?,
            ExprKind::Not(input) => match input.single(scope, row)? {
                Datum::Bool(b) => Datum::Bool(!b),
                _ => Datum::Null,
            },
            ExprKind::IsNull(input) => Datum::Bool(is_null(input, scope, row)?),
            ExprKind::IsBool(input, wanted) => {
                Datum::Bool(matches!(input.single(scope, row)?, Datum::Bool(b) if b == *wanted))
            }
            ExprKind::NotDistinct(a, b) => {
                let (x, y) = (a.single(scope, row)?, b.single(scope, row)?);
                Datum::Bool(match (x.is_null(), y.is_null()) {
                    (false, false) => compare_typed(&a.ty.ty, &x, &y).is_eq(),
                    (x, y) => x && y,
                })
            }
            ExprKind::Case { whens, otherwise } => {
                for (when, then) in whens {
                    if matches!(when.single(scope, row)?, Datum::Bool(true)) {
                        return then.single(scope, row);
                    }
                }
                match otherwise {
                    Some(otherwise) => otherwise.single(scope, row)?,
                    None => Datum::Null,
                }
            }
            ExprKind::Coalesce(args) => {
                for arg in args {
                    let value = arg.single(scope, row)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Datum::Null
            }
            ExprKind::Extreme(args, greatest) => {
                let mut best = Datum::Null;
                for arg in args {
                    let value = arg.single(scope, row)?;
                    let wanted = if *greatest { Ordering::Greater } else { Ordering::Less };
                    if !value.is_null()
                        && (best.is_null() || compare_typed(&self.ty.ty, &value, &best) == wanted)
                    {
                        best = value;
                    }
                }
                best
            }
            ExprKind::Member { left, list, slot, negated } => {
                self.member(left, list, *slot, *negated, scope, row)?
            }
            ExprKind::AnyOf { left, operator, types, list, all } => {
                let left = left.single(scope, row)?;
                let mut unknown = false;
                for element in list {
                    let element = element.single(scope, row)?;
                    match operator.call(scope.eval(), types, &[left.clone(), element])? {
                        Datum::Bool(b) if b != *all => return Ok(Datum::Bool(b)),
                        Datum::Null => unknown = true,
                        _ => {}
                    }
                }
                if unknown { Datum::Null } else { Datum::Bool(*all) }
            }
            ExprKind::AnyOfArray { left, operator, types, array, all } => {
                let left = left.single(scope, row)?;
                match array.single(scope, row)? {
                    Datum::Array(a) => {
                        quantify(operator, types, scope.eval(), &left, &a.items, *all)?
                    }
                    _ => Datum::Null,
                }
            }
            ExprKind::Subquery(subquery) => match scope {
                Scope::Run(run) => subquery.single(run, row)?,
                Scope::Pure(_) => return Err(Error::unsupported("a subquery here")),
            },
            ExprKind::Array(items) => {
                let items = all_of(items, scope, row)?;
                let element = match &self.ty.ty {
                    Type::Array(element) => (**element).clone(),
                    _ => Type::Text,
                };
                array::build(element, items)?
            }
            ExprKind::Row(fields) => Datum::Record(all_of(fields, scope, row)?.into()),
            ExprKind::Subscript { array, indexes } => {
                let value = array.single(scope, row)?;
                let indexes = all_of(indexes, scope, row)?;
                array::subscript(&value, &indexes)
            }
            ExprKind::Slice { array, bounds } => {
                let value = array.single(scope, row)?;
                let mut limits = Vec::with_capacity(bounds.len());
                for (lower, upper) in bounds {
                    let lower = lower.as_ref().map(|e| e.single(scope, row)).transpose()?;
                    let upper = upper.as_ref().map(|e| e.single(scope, row)).transpose()?;
                    limits.push((lower, upper));
                }
                array::slice(&value, &limits)
            }
            ExprKind::Field(input, position) => match input.single(scope, row)? {
                Datum::Record(fields) => fields.get(*position).cloned().unwrap_or(Datum::Null),
                _ => Datum::Null,
            },
        })
    }
}

/// A parameter's value.
pub fn parameter(ctx: &EvalContext<'_>, i: usize) -> Result<Datum> {
    ctx.params.get(i).cloned().ok_or_else(|| {
        Error::new(
            crate::error::sqlstate::UNDEFINED_PARAMETER,
            format!("there is no parameter ${}", i + 1),
        )
    })
}

/// A row is NULL when all its fields are; anything else when it is NULL itself.
fn is_null(input: &Expr, scope: &mut Scope<'_, '_, '_>, row: Row<'_>) -> Result<bool> {
    Ok(match input.single(scope, row)? {
        Datum::Null => true,
        Datum::Record(fields) => fields.iter().all(Datum::is_null),
        _ => false,
    })
}

fn all_of(exprs: &[Expr], scope: &mut Scope<'_, '_, '_>, row: Row<'_>) -> Result<Vec<Datum>> {
    exprs.iter().map(|e| e.single(scope, row)).collect()
}

fn call_over(
    function: &'static Function,
    types: &[Type],
    args: &[Expr],
    scope: &mut Scope<'_, '_, '_>,
    row: Row<'_>,
) -> Result<Datum> {
    match args {
        [] => function.call(scope.eval(), types, &[]),
        [a] => {
            let a = a.single(scope, row)?;
            function.call(scope.eval(), types, &[a])
        }
        [a, b] => {
            let (a, b) = (a.single(scope, row)?, b.single(scope, row)?);
            function.call(scope.eval(), types, &[a, b])
        }
        _ => {
            let values = all_of(args, scope, row)?;
            function.call(scope.eval(), types, &values)
        }
    }
}

/// AND (`decisive` false) or OR (`decisive` true).
fn connect(
    parts: &[Expr],
    scope: &mut Scope<'_, '_, '_>,
    row: Row<'_>,
    decisive: bool,
) -> Result<Datum> {
    let mut unknown = false;
    for part in parts {
        match part.single(scope, row)? {
            Datum::Bool(b) if b == decisive => return Ok(Datum::Bool(decisive)),
            Datum::Bool(_) => {}
            _ => unknown = true,
        }
    }
    Ok(if unknown { Datum::Null } else { Datum::Bool(!decisive) })
}
