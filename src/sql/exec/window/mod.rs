//! Window functions.
//!
//! All rows are read and sorted by partition and order; then each call gives one column, worked
//! out partition by partition. Rows come out in the sorted order.
//!
//! ```text
//!   rows    a a a a b b …      partitions: 0..4, 4..6
//!   order   1 1 2 3 5 5 …      peer groups: 0..2, 2..3, 3..4, 4..6
//! ```

mod call;
mod frame;

use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::eval::Expr;
use crate::sql::exec::key::same;
use crate::sql::exec::memory::Charge;
use crate::sql::exec::order::{Direction, sort_rows};
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::WindowSpec;

/// Window functions at work.
pub struct Window {
    spec: Arc<WindowSpec>,
    input: BoxOperator,
    done: Option<(Batch, usize)>,
    charge: Charge,
}

/// The sorted rows and where partitions and peers lie in them.
pub(super) struct Sorted {
    pub rows: Batch,
    pub order_keys: Vec<Column>,
    pub directions: Vec<Direction>,
    pub partitions: Vec<Range<usize>>,
    /// Every row's peer group, as the number of its first and the one after its last row.
    pub peers: Vec<Range<usize>>,
}

impl Window {
    /// Window functions over an input.
    pub fn new(spec: Arc<WindowSpec>, input: BoxOperator) -> Self {
        Window { spec, input, done: None, charge: Charge::default() }
    }

    fn sort(&mut self, run: &mut Run<'_, '_>) -> Result<Sorted> {
        let spec = &*self.spec;
        let mut rows = Batch::with_types(spec.input.columns.iter().map(|c| &c.ty));
        while let Some(batch) = self.input.next(run)? {
            run.check()?;
            rows.append(&batch);
            self.charge.raise_to(rows.bytes() * 2, run)?;
        }
        let column = |e: &Expr, run: &mut Run<'_, '_>, rows: &Batch| e.column(run, rows);
        let mut keys = Vec::new();
        for expr in &spec.partition_by {
            keys.push(column(expr, run, &rows)?);
        }
        for (expr, _) in &spec.order_by {
            keys.push(column(expr, run, &rows)?);
        }
        let directions: Vec<Direction> = spec.order_by.iter().map(|(_, d)| *d).collect();
        let mut all = vec![Direction::default(); spec.partition_by.len()];
        all.extend_from_slice(&directions);
        if !spec.ordered && !all.is_empty() {
            let order = sort_rows(&keys, rows.rows, &all);
            rows = rows.gather(&order);
            keys = keys.iter().map(|k| k.gather(&order)).collect();
        }
        let order_keys = keys.split_off(spec.partition_by.len());
        let partitions = runs(&keys, 0..rows.rows);
        let mut peers = Vec::with_capacity(rows.rows);
        for partition in &partitions {
            let groups = if order_keys.is_empty() {
                vec![partition.clone()]
            } else {
                runs(&order_keys, partition.clone())
            };
            for group in groups {
                peers.extend(std::iter::repeat_n(group.clone(), group.len()));
            }
        }
        Ok(Sorted { rows, order_keys, directions, partitions, peers })
    }
}

/// Runs of rows that agree in all keys.
fn runs(keys: &[Column], range: Range<usize>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = range.start;
    for row in range.start + 1..range.end {
        if !keys.iter().all(|k| same(k, row - 1, k, row)) {
            out.push(start..row);
            start = row;
        }
    }
    if start < range.end {
        out.push(start..range.end);
    }
    out
}

impl Operator for Window {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        if self.done.is_none() {
            let mut sorted = self.sort(run)?;
            let spec = self.spec.clone();
            let mut results = Vec::with_capacity(spec.calls.len());
            for call in &spec.calls {
                results.push(call::evaluate(call, &sorted, run)?);
            }
            sorted.rows.columns.extend(results);
            self.done = Some((sorted.rows, 0));
        }
        let Some((rows, next)) = &mut self.done else { return Ok(None) };
        let batch = rows.slice(*next, BATCH_ROWS);
        *next += batch.rows;
        if batch.rows == 0 {
            self.charge.release();
            return Ok(None);
        }
        Ok(Some(batch))
    }
}
