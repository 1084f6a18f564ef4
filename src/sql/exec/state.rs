//! What one execution of a plan knows beside its operators.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::batch::Batch;
use crate::sql::exec::context::ExecContext;
use crate::sql::exec::eval::member::MemberSet;
use crate::sql::exec::eval::subquery::Answer;
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
pub type Rows = Arc<Vec<Batch>>;

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

    /// Takes memory from the statement's allowance.
    pub fn charge(&mut self, bytes: usize) -> Result<()> {
        match self.ctx.memory_left.checked_sub(bytes) {
            Some(left) => {
                self.ctx.memory_left = left;
                Ok(())
            }
            None => Err(Error::new(
                sqlstate::OUT_OF_MEMORY,
                "statement needs more memory than it may use",
            )
            .with_hint(
                "Raise the cluster setting sql.statement.memory_limit, or make the statement \
                 sort, group or join fewer rows.",
            )),
        }
    }

    /// Gives memory back.
    pub fn release(&mut self, bytes: usize) {
        self.ctx.memory_left = self.ctx.memory_left.saturating_add(bytes);
    }
}

/// Memory that an operator holds, which grows as it collects and is given back in one go.
#[derive(Debug, Default)]
pub struct Charge {
    bytes: usize,
}

impl Charge {
    /// Makes the charge at least this large.
    pub fn raise_to(&mut self, bytes: usize, run: &mut Run<'_, '_>) -> Result<()> {
        if bytes > self.bytes {
            run.charge(bytes - self.bytes)?;
            self.bytes = bytes;
        }
        Ok(())
    }

    /// Adds to the charge.
    pub fn add(&mut self, bytes: usize, run: &mut Run<'_, '_>) -> Result<()> {
        run.charge(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives everything back.
    pub fn release(&mut self, run: &mut Run<'_, '_>) {
        run.release(std::mem::take(&mut self.bytes));
    }
}
