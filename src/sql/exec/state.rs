//! What one execution of a plan knows beside its operators.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::context::ExecContext;
use crate::sql::exec::eval::member::MemberSet;
use crate::sql::exec::eval::subquery::Answer;
use crate::sql::exec::memory::{Charge, Memory};
use crate::types::Datum;

/// How many of each numbered thing a plan has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slots {
    /// Columns of enclosing queries that are read further in.
    pub outer: usize,
    /// Expressions that are the same for every row.
    pub once: usize,
    /// Lists on the right of `IN`.
    pub sets: usize,
    /// Subqueries that do not depend on their surroundings.
    pub subqueries: usize,
    /// Common table expressions and working tables.
    pub ctes: usize,
    /// Operators.
    pub nodes: usize,
}

/// Rows kept in memory for several readers.
pub type Rows = Arc<Kept>;

/// Rows kept in memory, with what they cost.
#[derive(Debug, Default)]
pub struct Kept {
    /// The rows.
    pub batches: Vec<Batch>,
    /// Their memory, given back with them.
    pub charge: Charge,
}

/// The values of one execution.
pub struct State {
    /// Values of enclosing queries' columns, by slot.
    pub outer: Vec<Datum>,
    /// Values that do not depend on the row, by slot.
    pub once: Vec<Option<Datum>>,
    /// Sets to look up in, by slot.
    pub sets: Vec<Option<Arc<MemberSet>>>,
    /// Answers of independent subqueries, by slot.
    pub subqueries: Vec<Option<Arc<Answer>>>,
    /// Common table expressions that were computed, by slot.
    pub ctes: Vec<Option<Rows>>,
    /// Rows inserted, updated or deleted by the statement itself (not by its WITH queries).
    pub affected: u64,
    measured: Option<Vec<Measured>>,
    memory: Option<Memory>,
    kept: Vec<Charge>,
}

/// What EXPLAIN ANALYZE tells about a node.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// Rows handed out.
    pub rows: u64,
    /// How often it ran to its end.
    pub loops: u64,
    /// Time spent in it and below.
    pub time: Duration,
}

impl State {
    /// The state before anything has run.
    pub fn new(slots: &Slots) -> State {
        State {
            outer: vec![Datum::Null; slots.outer],
            once: vec![None; slots.once],
            sets: vec![None; slots.sets],
            subqueries: vec![None; slots.subqueries],
            ctes: vec![None; slots.ctes],
            affected: 0,
            measured: None,
            memory: None,
            kept: Vec::new(),
        }
    }

    /// Begins to measure.
    pub fn measure(&mut self, nodes: usize) {
        self.measured = Some(vec![Measured::default(); nodes]);
    }

    /// Whether operators are measured.
    pub fn measured(&self) -> bool {
        self.measured.is_some()
    }

    /// Adds to a node's numbers; no rows mean that it came to its end.
    pub fn record(&mut self, node: usize, time: Duration, rows: Option<usize>) {
        if let Some(m) = self.measured.as_mut().and_then(|all| all.get_mut(node)) {
            m.time += time;
            match rows {
                Some(rows) => m.rows += rows as u64,
                None => m.loops += 1,
            }
        }
    }

    /// What was measured, by node.
    pub fn measurements(&self) -> &[Measured] {
        self.measured.as_deref().unwrap_or_default()
    }

    /// Holds memory until the statement ends.
    pub fn keep(&mut self, charge: Charge) {
        self.kept.push(charge);
    }

    /// The value of an outer column.
    pub fn outer(&self, slot: usize) -> Datum {
        self.outer.get(slot).cloned().unwrap_or(Datum::Null)
    }

    /// Sets the value of an outer column.
    pub fn set_outer(&mut self, slot: usize, value: Datum) {
        if let Some(place) = self.outer.get_mut(slot) {
            *place = value;
        }
    }
}

/// What an operator or expression needs at run time.
pub struct Run<'r, 'c> {
    /// The transaction, the session and the parameters.
    pub ctx: &'r mut ExecContext<'c>,
    /// The values of this execution.
    pub state: &'r mut State,
}

impl<'c> Run<'_, 'c> {
    /// The same, for a shorter time.
    pub fn again(&mut self) -> Run<'_, 'c> {
        Run { ctx: &mut *self.ctx, state: &mut *self.state }
    }

    /// Fails when the statement should stop.
    pub fn check(&self) -> Result<()> {
        self.ctx.eval.interrupt.check()
    }

    /// What the statement may still take.
    pub fn memory(&mut self) -> &Memory {
        let most = self.ctx.memory_max;
        self.state.memory.get_or_insert_with(|| Memory::new(most))
    }
}
