//! WITH RECURSIVE: the rows of the base, then of the step over the rows of the round before, until
//! a round gives none.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::Result;
use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::distinct::first_seen;
use crate::sql::exec::key::KeyTable;
use crate::sql::exec::memory::Charge;
use crate::sql::exec::state::Kept;
use crate::sql::exec::{BoxOperator, Operator, Run, build};
use crate::sql::plan::physical::RecursiveSpec;

/// A recursion at work.
pub struct Recursive {
    spec: Arc<RecursiveSpec>,
    running: Option<BoxOperator>,
    is_base: bool,
    seen: Option<KeyTable>,
    /// Rows of this round, the next round's working table.
    round: Kept,
    ready: VecDeque<Batch>,
    measured: bool,
    charge: Charge,
}

impl Recursive {
    /// Before the base has run.
    pub fn new(spec: Arc<RecursiveSpec>, measured: bool) -> Self {
        Recursive {
            running: Some(build(&spec.base, measured)),
            is_base: true,
            seen: spec.distinct.then(|| KeyTable::new(&spec.types)),
            spec,
            round: Kept::default(),
            ready: VecDeque::new(),
            measured,
            charge: Charge::default(),
        }
    }

    fn take(&mut self, batch: Batch, run: &mut Run<'_, '_>) -> Result<()> {
        let positions =
            if self.is_base { &self.spec.base_columns } else { &self.spec.step_columns };
        let mut batch = batch.project(positions);
        for (column, ty) in batch.columns.iter_mut().zip(&self.spec.types) {
            column.ty = ty.clone();
        }
        if let Some(seen) = &mut self.seen {
            let keys: Vec<&Column> = batch.columns.iter().collect();
            let first = first_seen(seen, &keys, batch.rows);
            self.charge.raise_to(seen.bytes(), run)?;
            if first.len() < batch.rows {
                batch = batch.gather(&first);
            }
        }
        if batch.rows > 0 {
            self.round.charge.add(batch.bytes().saturating_mul(2), run)?;
            self.round.batches.push(batch.clone());
            self.ready.push_back(batch);
        }
        Ok(())
    }
}

impl Operator for Recursive {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            let Some(running) = &mut self.running else { return Ok(None) };
            run.check()?;
            if let Some(batch) = running.next(run)? {
                self.take(batch, run)?;
                continue;
            }
            self.is_base = false;
            let round = std::mem::take(&mut self.round);
            let done = round.batches.is_empty();
            if let Some(place) = run.state.ctes.get_mut(self.spec.slot) {
                *place = if done { None } else { Some(Arc::new(round)) };
            }
            if done {
                self.running = None;
                self.charge.release();
            } else {
                self.running = Some(build(&self.spec.step, self.measured));
            }
        }
    }
}
