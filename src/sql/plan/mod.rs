//! # The planner
//!
//! Turns what the binder understood ([`Relation`]) into what the executor runs ([`PhysicalPlan`]).
//!
//! ```text
//!   Relation ─▶ simplify ─▶ decorrelate ─▶ push down ─▶ prune ─▶ planner ─▶ PhysicalPlan ─▶ explain
//!                                                                  │
//!                          access.rs (which index) · join.rs (order, algorithm) · write.rs
//!                          compile.rs (expressions) · estimate.rs (rows)
//! ```
//!
//! Words: a *predicate* is one conjunct of a condition; a *path* is one way to read a table; a
//! *want* is what a node's parent would like of it (an order, few rows), which it may or may not
//! give.
//!
//! Invariants:
//! - Columns keep their numbers through every rewrite, so nothing has to be renumbered.
//! - A rewrite never makes an expression fail that would not have been evaluated in the order that
//!   PostgreSQL allows, and never changes how often a volatile function is called.
//! - A plan holds no parameter values; it is made once and run often.
//!
//! What it is not: name resolution and types (`bind`), or anything that looks at data beyond
//! estimates.

pub mod access;
pub mod compile;
pub mod cte;
pub mod decorrelate;
pub mod disjunction;
pub mod estimate;
pub mod explain;
pub mod expression_text;
pub mod grouping;
pub mod join;
pub mod join_order;
pub mod physical;
pub mod planner;
pub mod prune;
pub mod pushdown;
pub mod scan;
pub mod shared;
pub mod simplify;
pub mod walk;
pub mod write;

use std::sync::Arc;

use crate::catalog::CatalogSnapshot;
use crate::error::Result;
use crate::sql::plan::planner::{Planner, Want};
use crate::sql::plan::prune::Pruner;
use crate::sql::relation::Relation;
use crate::sql::scalar::ColumnRef;
use crate::sql::server::Server;
use crate::sql::variables::SessionState;

pub use explain::{explain, explain_measured};
pub use physical::PhysicalPlan;

/// What planning may look at.
#[derive(Clone, Copy)]
pub struct PlanContext<'a> {
    /// What exists.
    pub catalog: &'a Arc<CatalogSnapshot>,
    /// The store, for estimates.
    pub server: &'a Arc<Server>,
    /// The session, for folding constants.
    pub session: &'a SessionState,
}

/// Plans a statement whose result has the given columns.
pub fn plan(
    ctx: &PlanContext<'_>,
    relation: Relation,
    output: &[ColumnRef],
) -> Result<Arc<PhysicalPlan>> {
    let relation = rewrite(ctx, relation, output);
    let mut planner = Planner::new(*ctx, &relation);
    let root = planner.build(relation, &Want::default())?;
    let root = planner.shape(root, output)?;
    Ok(Arc::new(PhysicalPlan { root, slots: planner.finish() }))
}

/// All rewrites, in order.
fn rewrite(ctx: &PlanContext<'_>, mut relation: Relation, output: &[ColumnRef]) -> Relation {
    simplify::simplify(&mut relation, ctx);
    cte::inline(&mut relation);
    decorrelate::decorrelate(&mut relation);
    let mut relation = pushdown::push_down(relation);
    Pruner::default().prune(&mut relation, &output.iter().copied().collect());
    relation
}
