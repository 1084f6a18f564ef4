//! UPDATE.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::error::Result;
use crate::keys::Key;
use crate::mvcc::{LockMode, WaitPolicy};
use crate::sql::exec::batch::Batch;
use crate::sql::exec::column::datum_bytes;
use crate::sql::exec::eval::Row;
use crate::sql::exec::memory::Charge;
use crate::sql::exec::write::effects::Effects;
use crate::sql::exec::write::writer::{Change, TableWriter};
use crate::sql::exec::write::{drain, returned};
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::UpdateSpec;
use crate::types::{ColumnType, Datum};

/// UPDATE at work.
pub struct Update {
    spec: Arc<UpdateSpec>,
    source: BoxOperator,
    out: Option<VecDeque<Batch>>,
    /// Rows already changed: one that the source gives twice is changed once.
    seen: HashSet<Key>,
    charge: Charge,
}

impl Update {
    /// Before the first row.
    pub fn new(spec: Arc<UpdateSpec>, source: BoxOperator) -> Self {
        Update { spec, source, out: None, seen: HashSet::new(), charge: Charge::default() }
    }

    fn run(&mut self, run: &mut Run<'_, '_>) -> Result<VecDeque<Batch>> {
        let spec = self.spec.clone();
        spec.writers.pin(run)?;
        let writer = spec.writers.get(spec.table)?;
        let mut changed: Vec<usize> = spec.assignments.iter().map(|(p, _)| *p).collect();
        changed.extend(spec.computed.iter().map(|(p, _)| *p));
        // Unique keys that may be handed from row to row are first all given up, then claimed.
        let two_phases = writer.moves_unique_keys(&changed);
        let mut effects = Effects::default();
        let mut out = Vec::new();
        let mut affected = 0;
        let mut waiting: Vec<(Vec<Change>, Batch)> = Vec::new();
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
            let (changes, batch) = self.changes(batch, writer, &changed, run)?;
            affected += changes.len() as u64;
            if two_phases {
                for change in &changes {
                    writer.vacate(change, run)?;
                }
                waiting.push((changes, batch));
            } else {
                self.write(changes, batch, false, &mut effects, &mut out, run)?;
            }
            run.check()?;
        }
        for (changes, batch) in waiting {
            self.write(changes, batch, true, &mut effects, &mut out, run)?;
            run.check()?;
        }
        effects.settle(&spec.writers, run)?;
        if spec.counts {
            run.state.affected += affected;
        }
        Ok(out.into())
    }

    /// Works out the changes of a batch, and the source rows that they come from.
    fn changes(
        &mut self,
        batch: Batch,
        writer: &TableWriter,
        changed: &[usize],
        run: &mut Run<'_, '_>,
    ) -> Result<(Vec<Change>, Batch)> {
        let spec = self.spec.clone();
        let mut keys = Vec::with_capacity(batch.rows);
        let mut rows = Vec::with_capacity(batch.rows);
        let mut kept = Vec::with_capacity(batch.rows);
        for r in 0..batch.rows {
            let old: Vec<Datum> = spec
                .old
                .iter()
                .map(|p| batch.columns.get(*p).map_or(Datum::Null, |c| c.datum(r)))
                .collect();
            let key = writer.primary_key(&old)?;
            if spec.may_repeat {
                self.charge.add(key.len() + 48, run)?;
                if !self.seen.insert(key.clone()) {
                    continue;
                }
            }
            keys.push(key);
            rows.push(old);
            kept.push(r as u32);
        }
        let batch = if kept.len() == batch.rows { batch } else { batch.gather(&kept) };
        keys.sort_unstable();
        for key in &keys {
            run.ctx.txn.lock(key, LockMode::Exclusive, WaitPolicy::Wait)?;
        }
        let mut values = Vec::with_capacity(spec.assignments.len());
        for (position, expr) in &spec.assignments {
            values.push((*position, expr.column(run, &batch)?));
        }
        let mut changes = Vec::with_capacity(rows.len());
        for (r, old) in rows.into_iter().enumerate() {
            let mut new = old.clone();
            for (position, column) in &values {
                if let Some(place) = new.get_mut(*position) {
                    *place = column.datum(r);
                }
            }
            for (position, expr) in &spec.computed {
                let value = expr.datum(run, Row::Datums(&new))?;
                if let Some(place) = new.get_mut(*position) {
                    *place = value;
                }
            }
            writer.check(&new, run)?;
            self.charge.add(new.iter().map(datum_bytes).sum::<usize>(), run)?;
            changes.push(writer.change(old, new, changed, run)?);
        }
        Ok((changes, batch))
    }

    fn write(
        &mut self,
        changes: Vec<Change>,
        batch: Batch,
        vacated: bool,
        effects: &mut Effects,
        out: &mut Vec<Batch>,
        run: &mut Run<'_, '_>,
    ) -> Result<()> {
        let spec = self.spec.clone();
        let writer = spec.writers.get(spec.table)?;
        let types: Vec<ColumnType> = writer.table.columns.iter().map(|c| c.ty.clone()).collect();
        let mut news = Batch::with_types(&types);
        let mut held = 0;
        for change in changes {
            if !vacated {
                writer.vacate(&change, run)?;
            }
            let new = writer.occupy(change, effects, run)?;
            held += new.iter().map(datum_bytes).sum::<usize>();
            if spec.returning.is_some() {
                news.push_row(&new);
            }
        }
        self.charge.give(held);
        if let Some(exprs) = &spec.returning {
            news.columns.extend(batch.columns);
            returned(exprs, news, out, &mut self.charge, run)?;
        }
        Ok(())
    }
}

impl Operator for Update {
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
