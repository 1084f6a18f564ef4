//! Sorting, in memory; with a LIMIT above only the first rows are kept.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::limit::{limit_count, offset_count};
use crate::sql::exec::order::{Direction, compare_all, sort_rows};
use crate::sql::exec::state::Charge;
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::SortSpec;

/// Rows over which a sort prunes to the first ones it needs.
const PRUNE_ROWS_MIN: usize = 4 * BATCH_ROWS;

/// A sort at work.
pub struct Sort {
    spec: Arc<SortSpec>,
    input: BoxOperator,
    sorted: Option<(Batch, Vec<u32>)>,
    next: usize,
    charge: Charge,
}

/// Rows with their sort keys.
struct Collected {
    rows: Batch,
    keys: Vec<Column>,
}

impl Collected {
    fn append(&mut self, batch: &Batch, keys: &[Column]) {
        if self.rows.rows == 0 {
            self.rows = batch.clone();
            self.keys = keys.to_vec();
            return;
        }
        self.rows.append(batch);
        for (mine, theirs) in self.keys.iter_mut().zip(keys) {
            mine.extend(theirs);
        }
    }

    fn bytes(&self) -> usize {
        self.rows.bytes() + self.keys.iter().map(Column::bytes).sum::<usize>() + self.rows.rows * 24
    }

    fn gather(&mut self, rows: &[u32]) {
        self.rows = self.rows.gather(rows);
        for key in &mut self.keys {
            *key = key.gather(rows);
        }
    }
}

impl Sort {
    /// A sort of an input.
    pub fn new(spec: Arc<SortSpec>, input: BoxOperator) -> Self {
        Sort { spec, input, sorted: None, next: 0, charge: Charge::default() }
    }

    fn collect(&mut self, run: &mut Run<'_, '_>) -> Result<(Batch, Vec<u32>)> {
        let spec = &*self.spec;
        let directions: Vec<Direction> = spec.keys.iter().map(|(_, d)| *d).collect();
        let first = match &spec.first {
            None => None,
            Some((limit, offset)) => match limit_count(limit, run)? {
                None => None,
                Some(limit) => {
                    let offset = match offset {
                        Some(offset) => offset_count(offset, run)?,
                        None => 0,
                    };
                    usize::try_from(limit.saturating_add(offset)).ok()
                }
            },
        };
        let mut all = Collected { rows: Batch::default(), keys: Vec::new() };
        let mut full = false;
        while let Some(batch) = self.input.next(run)? {
            run.check()?;
            let mut keys = Vec::with_capacity(spec.keys.len());
            for (expr, _) in &spec.keys {
                keys.push(expr.column(run, &batch)?);
            }
            let Some(first) = first else {
                all.append(&batch, &keys);
                self.charge.raise_to(all.bytes(), run)?;
                continue;
            };
            if first == 0 {
                continue;
            }
            if full {
                // Rows that come after the last one kept can never be among the first.
                let last = all.rows.rows.min(first) - 1;
                let better: Vec<u32> = (0..batch.rows)
                    .filter(|r| compare_all(&keys, *r, &all.keys, last, &directions).is_lt())
                    .map(|r| r as u32)
                    .collect();
                if better.is_empty() {
                    continue;
                }
                let keys: Vec<Column> = keys.iter().map(|k| k.gather(&better)).collect();
                all.append(&batch.gather(&better), &keys);
            } else {
                all.append(&batch, &keys);
            }
            if all.rows.rows > first.saturating_mul(2).max(PRUNE_ROWS_MIN) {
                let mut order = sort_rows(&all.keys, all.rows.rows, &directions);
                order.truncate(first);
                all.gather(&order);
                full = true;
            }
            self.charge.raise_to(all.bytes(), run)?;
        }
        let mut order = sort_rows(&all.keys, all.rows.rows, &directions);
        if let Some(first) = first {
            order.truncate(first);
        }
        Ok((all.rows, order))
    }
}

impl Operator for Sort {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        if self.sorted.is_none() {
            self.sorted = Some(self.collect(run)?);
        }
        let Some((rows, order)) = &self.sorted else { return Ok(None) };
        let end = (self.next + BATCH_ROWS).min(order.len());
        if self.next >= end {
            self.sorted = Some((Batch::default(), Vec::new()));
            self.charge.release(run);
            return Ok(None);
        }
        let batch = rows.gather(&order[self.next..end]);
        self.next = end;
        Ok(Some(batch))
    }
}
