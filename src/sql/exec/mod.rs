//! # The executor
//!
//! Runs a [`PhysicalPlan`]: a tree of operators, each of which hands its parent one batch of rows
//! at a time when asked.
//!
//! ```text
//!   session ──next()──▶ Execution ──▶ root operator ──next()──▶ … ──▶ table_scan ──▶ mvcc::Txn
//!                          │               │
//!                          │               └─ eval/: expressions over a batch (or one row)
//!                          └─ State: outer values, cached subqueries, common table expressions
//! ```
//!
//! Words: a *batch* is about a thousand rows by column ([`batch`]); a *node* is an operator in the
//! plan, immutable and shared; an *operator* is a node being run; an *outer value* is a column of
//! an enclosing query that a subquery or a LATERAL item reads, kept in a numbered slot; *once*
//! values do not depend on the row and are computed when first needed.
//!
//! Invariants:
//! - Operators borrow nothing from the transaction between calls: a scan remembers where it is.
//! - An expression is evaluated only for rows that need it, so `CASE`, `AND`, `OR` and `COALESCE`
//!   never raise an error for a row that they skip.
//! - Whatever grows with the data (hash tables, sorts, materialised rows) is charged to the
//!   statement's memory ([`memory`]); beyond the limit a sort, a grouping or a hash join goes on in
//!   temporary files, and anything else fails with 53200.
//! - Between batches the interrupt is asked.
//! - A plan can run any number of times, with other parameters each time.
//!
//! What it is not: the place where algorithms are chosen (`sql::plan`), or where constraints are
//! defined (`catalog`).

pub mod accumulate;
pub mod aggregate;
pub mod apply;
pub mod batch;
pub mod bounds;
pub mod column;
pub mod context;
pub mod cte;
pub mod distinct;
pub mod eval;
pub mod external;
pub mod feed;
pub mod filter;
pub mod function_scan;
pub mod hash_join;
pub mod index_join;
pub mod key;
pub mod limit;
pub mod lock;
pub mod memory;
pub mod nested_loop;
pub mod order;
pub mod pairs;
pub mod project;
pub mod reader;
pub mod recursive;
pub mod set_operation;
pub mod sort;
pub mod spill;
pub mod state;
pub mod strings;
pub mod table_scan;
pub mod values;
pub mod virtual_scan;
pub mod window;
pub mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use crate::error::Result;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::context::{EvalContext, ExecContext};
use crate::sql::exec::eval::Row;
use crate::sql::exec::state::State;
use crate::sql::plan::physical::{Node, Op, PhysicalPlan};
use crate::sql::scalar::Scalar;
use crate::types::Datum;

pub use crate::sql::exec::state::Run;

/// An operator at work.
pub trait Operator: Send {
    /// The next batch, never empty; `None` at the end.
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>>;
}

/// A boxed operator.
pub type BoxOperator = Box<dyn Operator>;

/// A statement being run.
pub struct Execution {
    plan: Arc<PhysicalPlan>,
    root: Option<BoxOperator>,
    state: State,
}

/// Prepares to run a plan. Nothing happens before the first call of [`Execution::next`].
pub fn start(plan: &Arc<PhysicalPlan>) -> Execution {
    Execution { plan: plan.clone(), root: None, state: State::new(&plan.slots) }
}

/// Like [`start`], counting rows and time per operator for EXPLAIN ANALYZE.
pub fn start_measured(plan: &Arc<PhysicalPlan>) -> Execution {
    let mut execution = start(plan);
    execution.state.measure(plan.slots.nodes);
    execution
}

impl Execution {
    /// The next rows, never an empty batch; `None` at the end.
    pub fn next(&mut self, ctx: &mut ExecContext<'_>) -> Result<Option<Batch>> {
        let plan = &self.plan;
        let state = &mut self.state;
        let root = self.root.get_or_insert_with(|| build(&plan.root, state.measured()));
        let mut run = Run { ctx, state };
        run.ctx.eval.interrupt.check()?;
        root.next(&mut run)
    }

    /// Rows inserted, updated or deleted so far.
    pub fn affected(&self) -> u64 {
        self.state.affected
    }

    /// The plan being run.
    pub fn plan(&self) -> &Arc<PhysicalPlan> {
        &self.plan
    }

    /// What [`start_measured`] measured, by node number.
    pub fn measurements(&self) -> &[state::Measured] {
        self.state.measurements()
    }
}

/// Evaluates an expression that reads no columns, tables or transaction.
pub fn eval_scalar(scalar: &Scalar, ctx: &mut EvalContext<'_>) -> Result<Datum> {
    let expr = crate::sql::plan::compile::compile_constant(scalar)?;
    expr.constant(ctx)
}

/// Evaluates an expression over one row that the caller holds; `columns` names the row's values.
pub fn eval_row(
    scalar: &Scalar,
    columns: &[crate::sql::relation::Produced],
    row: &[Datum],
    ctx: &mut EvalContext<'_>,
) -> Result<Datum> {
    let expr = crate::sql::plan::compile::compile_over(scalar, columns)?;
    expr.pure(ctx, Row::Datums(row))
}

/// Makes the operators of a node.
pub fn build(node: &Node, measured: bool) -> BoxOperator {
    let operator: BoxOperator = match &node.op {
        Op::Values(spec) => Box::new(values::Values::new(spec.clone())),
        Op::TableScan(spec) => Box::new(table_scan::TableScan::new(spec.clone())),
        Op::Feed => Box::new(feed::FeedScan),
        Op::VirtualScan(spec) => Box::new(virtual_scan::VirtualScan::new(spec.clone())),
        Op::FunctionScan(spec) => Box::new(function_scan::FunctionScan::new(spec.clone())),
        Op::Filter(spec) => {
            Box::new(filter::Filter::new(spec.clone(), build(&spec.input, measured)))
        }
        Op::Project(spec) => {
            Box::new(project::Project::new(spec.clone(), build(&spec.input, measured)))
        }
        Op::HashJoin(spec) => Box::new(hash_join::HashJoin::new(
            spec.clone(),
            build(&spec.left, measured),
            build(&spec.right, measured),
        )),
        Op::IndexJoin(spec) => {
            Box::new(index_join::IndexJoin::new(spec.clone(), build(&spec.outer, measured)))
        }
        Op::NestedLoop(spec) => Box::new(nested_loop::NestedLoop::new(
            spec.clone(),
            build(&spec.left, measured),
            measured,
        )),
        Op::Aggregate(spec) => {
            Box::new(aggregate::Aggregate::new(spec.clone(), build(&spec.input, measured)))
        }
        Op::Window(spec) => {
            Box::new(window::Window::new(spec.clone(), build(&spec.input, measured)))
        }
        Op::Sort(spec) => Box::new(sort::Sort::new(spec.clone(), build(&spec.input, measured))),
        Op::Limit(spec) => Box::new(limit::Limit::new(spec.clone(), build(&spec.input, measured))),
        Op::Distinct(spec) => {
            Box::new(distinct::Distinct::new(spec.clone(), build(&spec.input, measured)))
        }
        Op::SetOperation(spec) => Box::new(set_operation::SetOperation::new(
            spec.clone(),
            build(&spec.left, measured),
            build(&spec.right, measured),
        )),
        Op::With(spec) => Box::new(cte::With::new(spec.clone(), measured)),
        Op::CteScan(spec) => Box::new(cte::CteScan::new(spec.clone(), measured)),
        Op::Recursive(spec) => Box::new(recursive::Recursive::new(spec.clone(), measured)),
        Op::Lock(spec) => Box::new(lock::Lock::new(spec.clone(), build(&spec.input, measured))),
        Op::Insert(spec) => {
            Box::new(write::insert::Insert::new(spec.clone(), build(&spec.source, measured)))
        }
        Op::Update(spec) => {
            Box::new(write::update::Update::new(spec.clone(), build(&spec.source, measured)))
        }
        Op::Delete(spec) => {
            Box::new(write::delete::Delete::new(spec.clone(), build(&spec.source, measured)))
        }
    };
    if measured { Box::new(Stopwatch { inner: operator, node: node.id }) } else { operator }
}

/// Counts what an operator does, for EXPLAIN ANALYZE.
struct Stopwatch {
    inner: BoxOperator,
    node: usize,
}

impl Operator for Stopwatch {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let begun = Instant::now();
        let result = self.inner.next(run);
        let rows = match &result {
            Ok(Some(batch)) => Some(batch.rows),
            _ => None,
        };
        run.state.record(self.node, begun.elapsed(), rows);
        result
    }
}
