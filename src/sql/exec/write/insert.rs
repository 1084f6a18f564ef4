//! INSERT and UPSERT, with ON CONFLICT.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::error::{Error, Result, sqlstate};
use crate::keys::Key;
use crate::mvcc::{LockMode, WaitPolicy};
use crate::sql::exec::batch::Batch;
use crate::sql::exec::eval::Row;
use crate::sql::exec::memory::Charge;
use crate::sql::exec::write::effects::Effects;
use crate::sql::exec::write::writer::TableWriter;
use crate::sql::exec::write::{drain, returned};
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::{ConflictSpec, InsertSpec};
use crate::types::{ColumnType, Datum};

/// INSERT at work.
pub struct Insert {
    spec: Arc<InsertSpec>,
    source: BoxOperator,
    out: Option<VecDeque<Batch>>,
    /// Rows that this command inserted or changed, where ON CONFLICT has to know.
    touched: HashSet<Key>,
    charge: Charge,
}

impl Insert {
    /// Before the first row.
    pub fn new(spec: Arc<InsertSpec>, source: BoxOperator) -> Self {
        Insert { spec, source, out: None, touched: HashSet::new(), charge: Charge::default() }
    }

    fn run(&mut self, run: &mut Run<'_, '_>) -> Result<VecDeque<Batch>> {
        let spec = self.spec.clone();
        spec.writers.pin(run)?;
        let writer = spec.writers.get(spec.table)?;
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
            let written = self.batch(&batch, writer, &mut effects, run)?;
            affected += written.count;
            if let Some(exprs) = &spec.returning {
                returned(exprs, written.rows, &mut out, &mut self.charge, run)?;
            }
            run.check()?;
        }
        effects.settle(&spec.writers, run)?;
        if spec.counts {
            run.state.affected += affected;
        }
        Ok(out.into())
    }

    fn batch(
        &mut self,
        batch: &Batch,
        writer: &TableWriter,
        effects: &mut Effects,
        run: &mut Run<'_, '_>,
    ) -> Result<Written> {
        let spec = self.spec.clone();
        let mut written = Written::new(writer, spec.returning.is_some());
        let mut rows = Vec::with_capacity(batch.rows);
        for r in 0..batch.rows {
            let row: Vec<Datum> = spec
                .values
                .iter()
                .map(|p| batch.columns.get(*p).map_or(Datum::Null, |c| c.datum(r)))
                .collect();
            writer.check(&row, run)?;
            let primary = writer.codec.encode_primary(&row)?;
            rows.push((row, primary));
        }
        let fed = run.ctx.feed.as_ref().is_some_and(|f| f.stores());
        if rows.len() > 1 && !fed && spec.conflict.as_ref().is_none_or(|c| c.update.is_some()) {
            let mut keys: Vec<&Key> = rows.iter().map(|(_, (key, _))| key).collect();
            keys.sort_unstable();
            for key in keys {
                run.ctx.txn.lock(key, LockMode::Exclusive, WaitPolicy::Wait)?;
            }
        }
        for (row, primary) in rows {
            match &spec.conflict {
                None if store_past(&primary, run)? => written.add(&row),
                None => {
                    writer.insert(&row, primary, effects, run)?;
                    written.add(&row);
                }
                Some(conflict) => {
                    self.insert_or(conflict, row, primary, writer, effects, &mut written, run)?;
                }
            }
        }
        Ok(written)
    }

    #[allow(clippy::too_many_arguments)]
    fn insert_or(
        &mut self,
        conflict: &ConflictSpec,
        row: Vec<Datum>,
        primary: (Key, Vec<u8>),
        writer: &TableWriter,
        effects: &mut Effects,
        written: &mut Written,
        run: &mut Run<'_, '_>,
    ) -> Result<()> {
        let Some((key, value)) = existing(conflict, &row, &primary.0, writer, run)? else {
            if conflict.update.is_some() {
                self.charge.add(primary.0.len() + 48, run)?;
                self.touched.insert(primary.0.clone());
            }
            writer.insert(&row, primary, effects, run)?;
            written.add(&row);
            return Ok(());
        };
        let Some(update) = &conflict.update else { return Ok(()) };
        if self.touched.contains(&key) {
            return Err(Error::new(
                sqlstate::CARDINALITY_VIOLATION,
                "ON CONFLICT DO UPDATE command cannot affect row a second time",
            )
            .with_hint(
                "Ensure that no rows proposed for insertion within the same command have \
                 duplicate constrained values.",
            ));
        }
        run.ctx.txn.lock(&key, LockMode::Exclusive, WaitPolicy::Wait)?;
        let old = writer.codec.decode_row(&key, &value)?;
        if let Some(condition) = &update.condition
            && !matches!(condition.datum(run, Row::Pair(&old, &row))?, Datum::Bool(true))
        {
            return Ok(());
        }
        let mut new = old.clone();
        let mut changed = Vec::with_capacity(update.assignments.len());
        for (position, expr) in &update.assignments {
            let value = expr.datum(run, Row::Pair(&old, &row))?;
            if let Some(place) = new.get_mut(*position) {
                *place = value;
            }
            changed.push(*position);
        }
        // The statement's assignments hold generated columns over the old row; over the new one:
        for (position, expr) in &writer.computed {
            let value = expr.datum(run, Row::Datums(&new))?;
            if let Some(place) = new.get_mut(*position) {
                *place = value;
            }
            changed.push(*position);
        }
        writer.check(&new, run)?;
        let change = writer.change(old, new, &changed, run)?;
        self.charge.add(change.key().len() + 48, run)?;
        self.touched.insert(change.key().clone());
        writer.vacate(&change, run)?;
        let new = writer.occupy(change, effects, run)?;
        written.add(&new);
        Ok(())
    }
}

/// Lets the feed store a row past the transaction, if the rows come from one that can.
fn store_past(primary: &(Key, Vec<u8>), run: &mut Run<'_, '_>) -> Result<bool> {
    match &mut run.ctx.feed {
        Some(feed) => feed.store(&primary.0, &primary.1),
        None => Ok(false),
    }
}

/// The row that a proposed one conflicts with, if any: its key and value.
fn existing(
    conflict: &ConflictSpec,
    row: &[Datum],
    primary: &Key,
    writer: &TableWriter,
    run: &mut Run<'_, '_>,
) -> Result<Option<(Key, Vec<u8>)>> {
    let arbitrates = |id: u32| conflict.arbiters.is_empty() || conflict.arbiters.contains(&id);
    if arbitrates(writer.table.primary_index.id)
        && let Some(value) = run.ctx.txn.get(primary)?
    {
        return Ok(Some((primary.clone(), value)));
    }
    for index in &writer.indexes {
        if !arbitrates(index.index.id) || !index.is_enforced(row) || !index.covers(row, run)? {
            continue;
        }
        let (entry, _) = writer.codec.index_entries(&index.index, row)?;
        if let Some(value) = run.ctx.txn.get(&entry)? {
            let key = writer.codec.primary_key_from_index_entry(index.index.id, &entry, &value)?;
            if let Some(value) = run.ctx.txn.get(&key)? {
                return Ok(Some((key, value)));
            }
        }
    }
    Ok(None)
}

/// What was written of a batch.
struct Written {
    count: u64,
    rows: Batch,
    keep: bool,
}

impl Written {
    fn new(writer: &TableWriter, keep: bool) -> Self {
        let types: Vec<ColumnType> = if keep {
            writer.table.columns.iter().map(|c| c.ty.clone()).collect()
        } else {
            Vec::new()
        };
        Written { count: 0, rows: Batch::with_types(&types), keep }
    }

    fn add(&mut self, row: &[Datum]) {
        self.count += 1;
        if self.keep {
            self.rows.push_row(row);
        }
    }
}

impl Operator for Insert {
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
