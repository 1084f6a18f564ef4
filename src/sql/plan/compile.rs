//! Expressions made ready to run: columns become positions or outer slots, subqueries plans, and
//! whatever is the same for every row is computed once.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::sql::exec::eval::compare::{CompareOp, comparison_of};
use crate::sql::exec::eval::subquery::{Asked, SubqueryExpr};
use crate::sql::exec::eval::{Expr, ExprKind};
use crate::sql::function::Volatility;
use crate::sql::plan::planner::{Planner, Want};
use crate::sql::plan::walk;
use crate::sql::relation::Produced;
use crate::sql::scalar::{ColumnRef, Scalar, ScalarKind, Subquery, SubqueryKind};
use crate::types::cast::CastContext;
use crate::types::{Datum, Type};

/// Where the columns of an input are.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    positions: HashMap<ColumnRef, usize>,
}

impl Layout {
    /// The positions of some columns.
    pub fn new(columns: &[Produced]) -> Layout {
        Layout { positions: columns.iter().enumerate().map(|(i, p)| (p.column, i)).collect() }
    }

    /// The position of a column.
    pub fn position(&self, column: ColumnRef) -> Option<usize> {
        self.positions.get(&column).copied()
    }

    /// The columns, in no order.
    pub fn columns(&self) -> impl Iterator<Item = ColumnRef> + '_ {
        self.positions.keys().copied()
    }
}

/// What a compiler asks of its surroundings.
pub trait Surroundings {
    /// The slot of a column of an enclosing query.
    fn outer_slot(&mut self, column: ColumnRef) -> Result<usize>;
    /// A slot for a value that is the same for every row; `None` to compute it each time.
    fn once_slot(&mut self) -> Option<usize>;
    /// A slot for a set of list elements.
    fn set_slot(&mut self) -> usize;
    /// A subquery over a layout.
    fn subquery(&mut self, subquery: &Subquery, layout: &Layout) -> Result<SubqueryExpr>;
}

/// The surroundings of an expression that stands alone.
struct Nowhere;

impl Surroundings for Nowhere {
    fn outer_slot(&mut self, _: ColumnRef) -> Result<usize> {
        Err(Error::unsupported("a column reference here"))
    }
    fn once_slot(&mut self) -> Option<usize> {
        None
    }
    fn set_slot(&mut self) -> usize {
        usize::MAX
    }
    fn subquery(&mut self, _: &Subquery, _: &Layout) -> Result<SubqueryExpr> {
        Err(Error::unsupported("a subquery here"))
    }
}

/// An expression that reads no columns.
pub fn compile_constant(scalar: &Scalar) -> Result<Expr> {
    compile(scalar, &Layout::default(), &mut Nowhere)
}

/// An expression over a row that the caller holds.
pub fn compile_over(scalar: &Scalar, columns: &[Produced]) -> Result<Expr> {
    compile(scalar, &Layout::new(columns), &mut Nowhere)
}

/// An expression over a layout.
pub fn compile(scalar: &Scalar, layout: &Layout, around: &mut dyn Surroundings) -> Result<Expr> {
    let mut compiler = Compiler { layout, around };
    let compiled = compiler.expr(scalar)?;
    Ok(compiler.settle(compiled))
}

struct Compiler<'c> {
    layout: &'c Layout,
    around: &'c mut dyn Surroundings,
}

/// An expression, and whether it is the same for every row of an execution.
struct Compiled {
    expr: Expr,
    fixed: bool,
}

impl Compiler<'_> {
    /// The expression, computed once if it can be and is worth it.
    fn settle(&mut self, compiled: Compiled) -> Expr {
        let trivial = matches!(
            compiled.expr.kind,
            ExprKind::Constant(_) | ExprKind::Parameter(_) | ExprKind::Once { .. }
        );
        if !compiled.fixed || trivial {
            return compiled.expr;
        }
        match self.around.once_slot() {
            None => compiled.expr,
            Some(slot) => Expr {
                ty: compiled.expr.ty.clone(),
                kind: ExprKind::Once { slot, input: Box::new(compiled.expr) },
            },
        }
    }

    /// Operands of one expression. If all are fixed it is fixed itself and they are left as they
    /// are; else those that are get computed once each.
    fn operands<'s>(
        &mut self,
        scalars: impl IntoIterator<Item = &'s Scalar>,
        fixed: bool,
    ) -> Result<(Vec<Expr>, bool)> {
        let mut compiled = Vec::new();
        for scalar in scalars {
            compiled.push(self.expr(scalar)?);
        }
        let fixed = fixed && compiled.iter().all(|c| c.fixed);
        let exprs =
            compiled.into_iter().map(|c| if fixed { c.expr } else { self.settle(c) }).collect();
        Ok((exprs, fixed))
    }

    fn one(&mut self, scalar: &Scalar) -> Result<(Box<Expr>, bool)> {
        let compiled = self.expr(scalar)?;
        Ok((Box::new(compiled.expr), compiled.fixed))
    }

    fn expr(&mut self, scalar: &Scalar) -> Result<Compiled> {
        let (kind, fixed) = match &scalar.kind {
            ScalarKind::Literal(datum) => (ExprKind::Constant(datum.clone()), true),
            ScalarKind::Parameter(i) => (ExprKind::Parameter(*i), true),
            ScalarKind::Column(column) => match self.layout.position(*column) {
                Some(position) => (ExprKind::Input(position), false),
                None => (ExprKind::Outer(self.around.outer_slot(*column)?), false),
            },
            ScalarKind::Call { function, args } => {
                let steady = function.volatility != Volatility::Volatile;
                let (mut args, fixed) = self.operands(args, steady)?;
                match (comparison_of(function), args.len()) {
                    (Some(comparison), 2) => {
                        let right = Box::new(args.remove(1));
                        let left = Box::new(args.remove(0));
                        (ExprKind::Compare { comparison, left, right }, fixed)
                    }
                    _ => {
                        let types = args.iter().map(|a| a.ty.ty.clone()).collect();
                        (ExprKind::Call { function, types, args }, fixed)
                    }
                }
            }
            ScalarKind::Cast { input, explicit } => {
                let (inner, fixed) = self.one(input)?;
                if inner.ty.ty == scalar.ty.ty && scalar.ty.modifier == -1 {
                    (inner.kind, fixed)
                } else {
                    let from = inner.ty.ty.clone();
                    let context =
                        if *explicit { CastContext::Explicit } else { CastContext::Assignment };
                    (ExprKind::Cast { input: inner, from, context }, fixed)
                }
            }
            ScalarKind::And(parts) => {
                let (parts, fixed) = self.operands(parts, true)?;
                (ExprKind::And(parts), fixed)
            }
            ScalarKind::Or(parts) => {
                let (parts, fixed) = self.operands(parts, true)?;
                (ExprKind::Or(parts), fixed)
            }
            ScalarKind::Not(input) => {
                let (input, fixed) = self.one(input)?;
                (ExprKind::Not(input), fixed)
            }
            ScalarKind::IsNull(input) => {
                let (input, fixed) = self.one(input)?;
                (ExprKind::IsNull(input), fixed)
            }
            ScalarKind::IsBool(input, wanted) => {
                let (input, fixed) = self.one(input)?;
                (ExprKind::IsBool(input, *wanted), fixed)
            }
            ScalarKind::NotDistinct(a, b) => {
                let (mut both, fixed) = self.operands([&**a, &**b], true)?;
                let b = Box::new(both.remove(1));
                (ExprKind::NotDistinct(Box::new(both.remove(0)), b), fixed)
            }
            ScalarKind::Case { whens, otherwise } => {
                let flat = whens.iter().flat_map(|(w, t)| [w, t]).chain(otherwise.as_deref());
                let (exprs, fixed) = self.operands(flat, true)?;
                let mut exprs = exprs.into_iter();
                let mut pairs = Vec::with_capacity(whens.len());
                for _ in whens {
                    if let (Some(when), Some(then)) = (exprs.next(), exprs.next()) {
                        pairs.push((when, then));
                    }
                }
                (ExprKind::Case { whens: pairs, otherwise: exprs.next().map(Box::new) }, fixed)
            }
            ScalarKind::Coalesce(args) => {
                let (args, fixed) = self.operands(args, true)?;
                (ExprKind::Coalesce(args), fixed)
            }
            ScalarKind::Extreme(args, greatest) => {
                let (args, fixed) = self.operands(args, true)?;
                (ExprKind::Extreme(args, *greatest), fixed)
            }
            ScalarKind::AnyOf { left, operator, list, all } => {
                self.any_of(left, operator, list, *all)?
            }
            ScalarKind::AnyOfArray { left, operator, array, all } => {
                let steady = operator.volatility != Volatility::Volatile;
                let (mut both, fixed) = self.operands([&**left, &**array], steady)?;
                let array = Box::new(both.remove(1));
                let left = Box::new(both.remove(0));
                let element = match &array.ty.ty {
                    Type::Array(element) => (**element).clone(),
                    other => other.clone(),
                };
                let types = Box::from([left.ty.ty.clone(), element]);
                (ExprKind::AnyOfArray { left, operator, types, array, all: *all }, fixed)
            }
            ScalarKind::Subquery(subquery) => {
                let compiled = self.around.subquery(subquery, self.layout)?;
                (ExprKind::Subquery(Box::new(compiled)), false)
            }
            ScalarKind::Array(items) => {
                let (items, fixed) = self.operands(items, true)?;
                (ExprKind::Array(items), fixed)
            }
            ScalarKind::Row(fields) => {
                let (fields, fixed) = self.operands(fields, true)?;
                (ExprKind::Row(fields), fixed)
            }
            ScalarKind::Subscript { array, indexes } => {
                let all = std::iter::once(&**array).chain(indexes);
                let (mut exprs, fixed) = self.operands(all, true)?;
                let array = Box::new(exprs.remove(0));
                (ExprKind::Subscript { array, indexes: exprs }, fixed)
            }
            ScalarKind::Slice { array, bounds } => {
                let flat = bounds.iter().flat_map(|(l, u)| l.iter().chain(u));
                let (exprs, fixed) = self.operands(std::iter::once(&**array).chain(flat), true)?;
                let mut exprs = exprs.into_iter();
                let array = exprs.next().map(Box::new).ok_or_else(|| Error::internal("slice"))?;
                let bounds = bounds
                    .iter()
                    .map(|(l, u)| {
                        let lower = l.as_ref().and_then(|_| exprs.next());
                        (lower, u.as_ref().and_then(|_| exprs.next()))
                    })
                    .collect();
                (ExprKind::Slice { array, bounds }, fixed)
            }
            ScalarKind::Field(input, position) => {
                let (input, fixed) = self.one(input)?;
                (ExprKind::Field(input, *position), fixed)
            }
        };
        Ok(Compiled { expr: Expr { kind, ty: scalar.ty.clone() }, fixed })
    }

    /// `left op ANY (list)`: a set if the list is fixed and the operator is one of identity.
    fn any_of(
        &mut self,
        left: &Scalar,
        operator: &'static crate::sql::function::Function,
        list: &[Scalar],
        all: bool,
    ) -> Result<(ExprKind, bool)> {
        let compiled = self.expr(left)?;
        let element = list.first().map_or(Type::Unknown, |e| e.ty.ty.clone());
        let identity = comparison_of(operator)
            .is_some_and(|c| c.op == if all { CompareOp::Ne } else { CompareOp::Eq });
        let (list, fixed) = self.operands(list, operator.volatility != Volatility::Volatile)?;
        let types = Box::from([left.ty.ty.clone(), element]);
        if fixed && identity && !compiled.fixed {
            let slot = self.around.set_slot();
            let left = Box::new(compiled.expr);
            return Ok((ExprKind::Member { left, list, slot, negated: all }, false));
        }
        let both = fixed && compiled.fixed;
        let left = if both { compiled.expr } else { self.settle(compiled) };
        Ok((ExprKind::AnyOf { left: Box::new(left), operator, types, list, all }, both))
    }
}

impl Surroundings for Planner<'_> {
    fn outer_slot(&mut self, column: ColumnRef) -> Result<usize> {
        self.slot_of(column)
    }

    fn once_slot(&mut self) -> Option<usize> {
        self.slots.once += 1;
        Some(self.slots.once - 1)
    }

    fn set_slot(&mut self) -> usize {
        self.slots.sets += 1;
        self.slots.sets - 1
    }

    fn subquery(&mut self, subquery: &Subquery, layout: &Layout) -> Result<SubqueryExpr> {
        let free = walk::free(&subquery.relation);
        let mut captured = Vec::new();
        for column in &free {
            if let Some(position) = layout.position(*column) {
                captured.push((self.new_slot(*column), position));
            }
        }
        captured.sort_unstable();
        let want = match subquery.kind {
            SubqueryKind::Exists => Want::rows(1.0),
            _ => Want::default(),
        };
        let node = self.build(subquery.relation.clone(), &want)?;
        let inner = Layout::new(&node.columns);
        let columns = match subquery.kind {
            SubqueryKind::Exists => Vec::new(),
            _ => subquery
                .columns
                .iter()
                .map(|c| {
                    inner.position(*c).ok_or_else(|| {
                        Error::internal("a subquery does not hand out its own column")
                    })
                })
                .collect::<Result<_>>()?,
        };
        let asked = match &subquery.kind {
            SubqueryKind::Exists => Asked::Exists,
            SubqueryKind::Scalar => Asked::Scalar,
            SubqueryKind::Array => Asked::Array,
            SubqueryKind::Quantified { left, operators, all } => Asked::Quantified {
                left: left.iter().map(|l| compile(l, layout, self)).collect::<Result<_>>()?,
                operators: operators.clone(),
                all: *all,
            },
        };
        let independent = free.is_empty() && !self.reads_working_table(&subquery.relation);
        let slot = independent.then(|| {
            self.slots.subqueries += 1;
            self.slots.subqueries - 1
        });
        Ok(SubqueryExpr { asked, node, columns, captured, slot })
    }
}

/// The constant that an expression is, if it is one.
pub fn constant_of(expr: &Expr) -> Option<&Datum> {
    match &expr.kind {
        ExprKind::Constant(datum) => Some(datum),
        _ => None,
    }
}
