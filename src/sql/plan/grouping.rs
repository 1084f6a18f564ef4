//! Grouping, window functions, DISTINCT.

use std::sync::Arc;

use crate::error::Result;
use crate::sql::exec::order::Direction;
use crate::sql::plan::compile::Layout;
use crate::sql::plan::physical::{
    AggregateExpr, AggregateSpec, Bound, DistinctSpec, Node, Op, Ordered, WindowExpr, WindowSpec,
};
use crate::sql::plan::planner::{Planner, Want, direction, is_ordered, positions};
use crate::sql::plan::walk::{self, Columns};
use crate::sql::relation::{Produced, Relation};
use crate::sql::scalar::{AggregateCall, FrameBound, Scalar, SortKey, WindowCall};

impl Planner<'_> {
    pub(super) fn aggregate(
        &mut self,
        input: Relation,
        groups: Vec<Produced>,
        sets: Vec<Vec<usize>>,
        set_number: Option<Produced>,
        aggregates: Vec<(Produced, AggregateCall)>,
    ) -> Result<Node> {
        let mut needed: Columns = groups.iter().map(|g| g.column).collect();
        for (_, call) in &aggregates {
            let keys = call.order_by.iter().map(|k| &k.expr);
            for scalar in call.args.iter().chain(&call.filter).chain(keys) {
                walk::reads(scalar, &mut needed);
            }
        }
        let input = self.build(input, &Want::columns(needed))?;
        let layout = Layout::new(&input.columns);
        let mut calls = Vec::with_capacity(aggregates.len());
        for (_, call) in &aggregates {
            let args =
                call.args.iter().map(|a| self.expr(a, &layout)).collect::<Result<Vec<_>>>()?;
            calls.push(AggregateExpr {
                function: call.function,
                types: args.iter().map(|a| a.ty.ty.clone()).collect(),
                args,
                distinct: call.distinct,
                filter: call.filter.as_ref().map(|f| self.expr(f, &layout)).transpose()?,
                order_by: call
                    .order_by
                    .iter()
                    .map(|k| Ok((self.expr(&k.expr, &layout)?, direction(k))))
                    .collect::<Result<_>>()?,
                ty: call.ty.clone(),
            });
        }
        let rows = if groups.is_empty() {
            1.0
        } else {
            let keys: Vec<Scalar> =
                groups.iter().map(|g| Scalar::column(g.column, g.ty.clone())).collect();
            self.known.groups(input.rows, &keys) * sets.len().max(1) as f64
        };
        let cost = input.cost + input.rows * (0.5 + 0.2 * calls.len() as f64);
        let produced: Vec<Produced> = groups
            .iter()
            .cloned()
            .chain(set_number.clone())
            .chain(aggregates.iter().map(|(p, _)| p.clone()))
            .collect();
        let spec = AggregateSpec {
            groups: positions(&layout, groups.iter().map(|g| g.column))?,
            sets,
            set_number: set_number.is_some(),
            aggregates: calls,
            types: produced.iter().map(|p| p.ty.clone()).collect(),
            input,
        };
        Ok(self.node(Op::Aggregate(Arc::new(spec)), produced, rows, cost, Vec::new()))
    }

    pub(super) fn window(
        &mut self,
        input: Relation,
        partition_by: Vec<Scalar>,
        order_by: Vec<SortKey>,
        calls: Vec<(Produced, WindowCall)>,
    ) -> Result<Node> {
        let partitions = partition_by.iter().map(|p| {
            p.as_column().map(|column| Ordered { column, direction: Direction::default() })
        });
        let orders = order_by
            .iter()
            .map(|k| k.expr.as_column().map(|column| Ordered { column, direction: direction(k) }));
        let wanted = partitions.chain(orders).collect::<Option<Vec<_>>>();
        let below = Want { order: wanted.clone().unwrap_or_default(), ..Want::default() };
        let input = self.build(input, &below)?;
        let ordered = wanted.as_ref().is_some_and(|w| is_ordered(&input, w));
        let layout = Layout::new(&input.columns);
        let mut compiled = Vec::with_capacity(calls.len());
        for (_, call) in &calls {
            compiled.push(WindowExpr {
                target: call.function.clone(),
                args: call.args.iter().map(|a| self.expr(a, &layout)).collect::<Result<_>>()?,
                filter: call.filter.as_ref().map(|f| self.expr(f, &layout)).transpose()?,
                unit: call.frame.unit,
                start: self.bound(&call.frame.start)?,
                end: self.bound(&call.frame.end)?,
                ty: call.ty.clone(),
            });
        }
        let mut columns = input.columns.clone();
        columns.extend(calls.into_iter().map(|(p, _)| p));
        let n = input.rows.max(2.0);
        let (rows, cost) = (input.rows, input.cost + n * n.log2() * 0.3);
        let spec = WindowSpec {
            partition_by: partition_by
                .iter()
                .map(|p| self.expr(p, &layout))
                .collect::<Result<_>>()?,
            order_by: order_by
                .iter()
                .map(|k| Ok((self.expr(&k.expr, &layout)?, direction(k))))
                .collect::<Result<_>>()?,
            calls: compiled,
            ordered,
            input,
        };
        let order = wanted.unwrap_or_default();
        Ok(self.node(Op::Window(Arc::new(spec)), columns, rows, cost, order))
    }

    fn bound(&mut self, bound: &FrameBound) -> Result<Bound> {
        let nowhere = Layout::default();
        Ok(match bound {
            FrameBound::UnboundedPreceding => Bound::First,
            FrameBound::CurrentRow => Bound::Current,
            FrameBound::UnboundedFollowing => Bound::Last,
            FrameBound::Preceding(n) => Bound::Preceding(self.expr(n, &nowhere)?),
            FrameBound::Following(n) => Bound::Following(self.expr(n, &nowhere)?),
        })
    }

    pub(super) fn distinct(
        &mut self,
        input: Relation,
        on: Option<Vec<Scalar>>,
        want: &Want,
    ) -> Result<Node> {
        let below = Want {
            order: want.order.clone(),
            rows: want.rows,
            // Every column decides, unless some were named.
            needed: on.as_ref().and_then(|on| want.needed_with(on)),
            ..Want::default()
        };
        let input = self.build(input, &below)?;
        let layout = Layout::new(&input.columns);
        let on = match on {
            None => None,
            Some(on) => Some(on.iter().map(|e| self.expr(e, &layout)).collect::<Result<Vec<_>>>()?),
        };
        let (columns, order) = (input.columns.clone(), input.order.clone());
        let (rows, cost) = ((input.rows * 0.5).max(1.0), input.cost + input.rows * 0.5);
        let spec = DistinctSpec { input, on };
        Ok(self.node(Op::Distinct(Arc::new(spec)), columns, rows, cost, order))
    }
}
