//! Sorting: in memory, or with temporary files (see [`external`](super::external)) when there are
//! more rows than the statement may hold. With a LIMIT above only the first rows are kept.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::external::{Merge, Runs};
use crate::sql::exec::limit::{limit_count, offset_count};
use crate::sql::exec::memory::Charge;
use crate::sql::exec::order::{Direction, compare_all, sort_rows};
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::SortSpec;

/// Rows over which a sort prunes to the first ones it needs.
const PRUNE_ROWS_MIN: usize = 4 * BATCH_ROWS;

/// A sort at work.
pub struct Sort {
    spec: Arc<SortSpec>,
    input: BoxOperator,
    sorted: Option<Sorted>,
    next: usize,
    charge: Charge,
}

/// Rows in order.
enum Sorted {
    Memory(Batch, Vec<u32>),
    Files(Box<Merge>),
    Done,
}

/// Rows are collected up to this many bytes whatever else holds memory, lest there be too many runs.
const RUN_BYTES_MIN: usize = 64 << 10;

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

    /// Whether what was collected is more than there is memory for.
    fn is_full(&mut self, all: &Collected, run: &mut Run<'_, '_>) -> bool {
        let bytes = all.bytes();
        !self.charge.try_raise_to(bytes, run) && bytes >= RUN_BYTES_MIN
    }

    fn collect(&mut self, run: &mut Run<'_, '_>) -> Result<Sorted> {
        let spec = self.spec.clone();
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
        let mut runs: Option<Runs> = None;
        while let Some(batch) = self.input.next(run)? {
            run.check()?;
            let mut keys = Vec::with_capacity(spec.keys.len());
            for (expr, _) in &spec.keys {
                keys.push(expr.column(run, &batch)?);
            }
            let Some(first) = first else {
                all.append(&batch, &keys);
                if self.is_full(&all, run) {
                    put_aside(&mut all, &mut runs, None, &directions, run)?;
                    self.charge.release();
                }
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
            if self.is_full(&all, run) {
                put_aside(&mut all, &mut runs, Some(first), &directions, run)?;
                self.charge.release();
                full = false;
            }
        }
        if runs.is_some() && all.rows.rows > 0 {
            put_aside(&mut all, &mut runs, first, &directions, run)?;
            self.charge.release();
        }
        if let Some(runs) = runs {
            return Ok(Sorted::Files(Box::new(runs.merge(run)?)));
        }
        let mut order = sort_rows(&all.keys, all.rows.rows, &directions);
        if let Some(first) = first {
            order.truncate(first);
        }
        Ok(Sorted::Memory(all.rows, order))
    }
}

/// Writes what was collected as a sorted run, and begins anew.
fn put_aside(
    all: &mut Collected,
    runs: &mut Option<Runs>,
    first: Option<usize>,
    directions: &[Direction],
    run: &mut Run<'_, '_>,
) -> Result<()> {
    let last = std::mem::replace(all, Collected { rows: Batch::default(), keys: Vec::new() });
    let mut order = sort_rows(&last.keys, last.rows.rows, directions);
    if let Some(first) = first {
        order.truncate(first);
    }
    let runs = runs.get_or_insert_with(|| {
        let columns = last.rows.columns.iter().chain(&last.keys);
        let types = columns.map(|column| column.ty.clone()).collect();
        Runs::new(types, last.rows.columns.len(), directions.to_vec(), first)
    });
    runs.add(&last.rows, &last.keys, &order, run)
}

impl Operator for Sort {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let sorted = match &mut self.sorted {
            Some(sorted) => sorted,
            None => {
                let sorted = self.collect(run)?;
                self.sorted.insert(sorted)
            }
        };
        let batch = match sorted {
            Sorted::Done => None,
            Sorted::Files(merge) => merge.next_rows()?,
            Sorted::Memory(rows, order) => {
                let end = (self.next + BATCH_ROWS).min(order.len());
                let batch = (self.next < end).then(|| rows.gather(&order[self.next..end]));
                self.next = end;
                batch
            }
        };
        if batch.is_none() {
            self.sorted = Some(Sorted::Done);
            self.charge.release();
        }
        Ok(batch)
    }
}
