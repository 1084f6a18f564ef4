//! DELETE.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::error::Result;
use crate::keys::Key;
use crate::mvcc::{LockMode, WaitPolicy};
use crate::sql::exec::batch::Batch;
use crate::sql::exec::memory::Charge;
use crate::sql::exec::write::effects::Effects;
use crate::sql::exec::write::{drain, returned};
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::DeleteSpec;
use crate::types::Datum;

/// DELETE at work.
pub struct Delete {
    spec: Arc<DeleteSpec>,
    source: BoxOperator,
    out: Option<VecDeque<Batch>>,
    /// Rows already deleted: one that the source gives twice is deleted once.
    seen: HashSet<Key>,
    charge: Charge,
}

impl Delete {
    /// Before the first row.
    pub fn new(spec: Arc<DeleteSpec>, source: BoxOperator) -> Self {
        Delete { spec, source, out: None, seen: HashSet::new(), charge: Charge::default() }
    }

    fn run(&mut self, run: &mut Run<'_, '_>) -> Result<VecDeque<Batch>> {
        let spec = self.spec.clone();
        spec.writers.pin(run)?;
        let mut effects = Effects::default();
        let mut out = Vec::new();
        let mut affected = 0;
        let mut read: VecDeque<Batch> = if spec.materialize {
            drain(&mut self.source, &mut self.charge, run)?.into()
        } else {
            VecDeque::new()
        };
        loop {
            let batch = match read.pop_front() {
                Some(batch) => batch,
                None if spec.materialize => break,
                None => match self.source.next(run)? {
                    Some(batch) => batch,
                    None => break,
                },
            };
            let batch = self.batch(batch, &mut effects, run)?;
            affected += batch.rows as u64;
            if let Some(exprs) = &spec.returning {
                returned(exprs, batch, &mut out, &mut self.charge, run)?;
            }
            run.check()?;
        }
        effects.settle(&spec.writers, run)?;
        if spec.counts {
            run.state.affected += affected;
        }
        Ok(out.into())
    }

    /// Deletes the rows of a batch and gives back those that were.
    fn batch(
        &mut self,
        batch: Batch,
        effects: &mut Effects,
        run: &mut Run<'_, '_>,
    ) -> Result<Batch> {
        let spec = self.spec.clone();
        let writer = spec.writers.get(spec.table)?;
        let mut kept = Vec::with_capacity(batch.rows);
        let mut keys = Vec::with_capacity(batch.rows);
        let mut rows = Vec::with_capacity(batch.rows);
        for r in 0..batch.rows {
            let row: Vec<Datum> = spec
                .old
                .iter()
                .map(|p| batch.columns.get(*p).map_or(Datum::Null, |c| c.datum(r)))
                .collect();
            let key = writer.primary_key(&row)?;
            if spec.may_repeat {
                self.charge.add(key.len() + 48, run)?;
                if !self.seen.insert(key.clone()) {
                    continue;
                }
            }
            kept.push(r as u32);
            keys.push(key);
            rows.push(row);
        }
        keys.sort_unstable();
        for key in &keys {
            run.ctx.txn.lock(key, LockMode::Exclusive, WaitPolicy::Wait)?;
        }
        for row in &rows {
            writer.delete(row, effects, run)?;
        }
        Ok(if kept.len() == batch.rows { batch } else { batch.gather(&kept) })
    }
}

impl Operator for Delete {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let out = match &mut self.out {
            Some(out) => out,
            None => {
                let out = self.run(run)?;
                self.out.insert(out)
            }
        };
        Ok(out.pop_front())
    }
}
