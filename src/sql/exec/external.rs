//! Sorting more rows than memory holds: sorted runs in temporary files, merged at the end.
//!
//! ```text
//!   rows ─▶ collected, sorted ─▶ run ┐
//!                                run ├─ merged, at most 32 at a time ─▶ rows in order
//!                                run ┘
//! ```
//!
//! The columns of a run are the rows' columns followed by the sort keys. Of rows that compare
//! equal, those of an earlier run come first, so the order is the one that a sort in memory gives.

use std::cmp::Ordering;

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::Run;
use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::order::{Direction, compare_all};
use crate::sql::exec::spill::Spool;
use crate::types::ColumnType;

/// Runs that are merged at a time: each holds one chunk in memory.
const MERGED_TOGETHER: usize = 32;

/// Sorted runs, in the order in which their rows came.
pub struct Runs {
    runs: Vec<Spool>,
    types: Vec<ColumnType>,
    /// How many of the columns are rows; the rest are keys.
    width: usize,
    directions: Vec<Direction>,
    /// Rows wanted; all if absent.
    first: Option<usize>,
}

impl Runs {
    /// No runs yet.
    pub fn new(
        types: Vec<ColumnType>,
        width: usize,
        directions: Vec<Direction>,
        first: Option<usize>,
    ) -> Runs {
        Runs { runs: Vec::new(), types, width, directions, first }
    }

    /// Adds a run: rows and keys, and the order in which they come.
    pub fn add(
        &mut self,
        rows: &Batch,
        keys: &[Column],
        order: &[u32],
        run: &mut Run<'_, '_>,
    ) -> Result<()> {
        let mut spool = Spool::new(self.types.clone(), run)?;
        for part in order.chunks(BATCH_ROWS) {
            run.check()?;
            let mut batch = rows.gather(part);
            batch.columns.extend(keys.iter().map(|key| key.gather(part)));
            spool.push(&batch)?;
        }
        spool.flush()?;
        self.runs.push(spool);
        Ok(())
    }

    /// The rows in order.
    pub fn merge(mut self, run: &mut Run<'_, '_>) -> Result<Merge> {
        while self.runs.len() > MERGED_TOGETHER {
            let mut merged = Vec::new();
            let mut waiting = std::mem::take(&mut self.runs).into_iter().peekable();
            while waiting.peek().is_some() {
                let some = waiting.by_ref().take(MERGED_TOGETHER).collect();
                let mut merge = Merge::new(some, self.width, self.directions.clone(), self.first)?;
                let mut spool = Spool::new(self.types.clone(), run)?;
                while let Some(batch) = merge.next_whole()? {
                    run.check()?;
                    spool.push(&batch)?;
                }
                spool.flush()?;
                merged.push(spool);
            }
            self.runs = merged;
        }
        Merge::new(self.runs, self.width, self.directions, self.first)
    }
}

/// Runs being merged.
pub struct Merge {
    sources: Vec<Source>,
    /// The numbers of the sources that have rows left, a heap with the next row's on top.
    heap: Vec<usize>,
    width: usize,
    directions: Vec<Direction>,
    /// Rows still wanted.
    left: usize,
}

struct Source {
    spool: Spool,
    next: usize,
    batch: Batch,
    row: usize,
}

impl Source {
    /// Moves to the next row; false at the end.
    fn advance(&mut self) -> Result<bool> {
        self.row += 1;
        while self.row >= self.batch.rows {
            match self.spool.chunk(self.next)? {
                None => return Ok(false),
                Some(batch) => self.batch = batch,
            }
            self.next += 1;
            self.row = 0;
        }
        Ok(true)
    }
}

impl Merge {
    fn new(
        runs: Vec<Spool>,
        width: usize,
        directions: Vec<Direction>,
        first: Option<usize>,
    ) -> Result<Merge> {
        let left = first.unwrap_or(usize::MAX);
        let mut merge = Merge { sources: Vec::new(), heap: Vec::new(), width, directions, left };
        for spool in runs {
            let mut source = Source { spool, next: 0, batch: Batch::default(), row: 0 };
            if source.advance()? {
                merge.heap.push(merge.sources.len());
            }
            merge.sources.push(source);
        }
        for at in (0..merge.heap.len() / 2).rev() {
            merge.sink(at);
        }
        Ok(merge)
    }

    fn comes_before(&self, a: usize, b: usize) -> bool {
        let keys = |s: &'_ Source| s.batch.columns.len().min(self.width);
        let (x, y) = (&self.sources[a], &self.sources[b]);
        let order = compare_all(
            &x.batch.columns[keys(x)..],
            x.row,
            &y.batch.columns[keys(y)..],
            y.row,
            &self.directions,
        );
        order.then(a.cmp(&b)) == Ordering::Less
    }

    /// Puts the heap in order below a place.
    fn sink(&mut self, mut at: usize) {
        loop {
            let mut least = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && self.comes_before(self.heap[child], self.heap[least])
                {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.heap.swap(at, least);
            at = least;
        }
    }

    /// The next rows with their keys; `None` at the end.
    fn next_whole(&mut self) -> Result<Option<Batch>> {
        let mut out: Option<Batch> = None;
        while self.left > 0
            && let Some(top) = self.heap.first().copied()
        {
            let source = &mut self.sources[top];
            let out = out.get_or_insert_with(|| {
                Batch::with_types(source.batch.columns.iter().map(|column| &column.ty))
            });
            for (column, from) in out.columns.iter_mut().zip(&source.batch.columns) {
                column.push_from(from, source.row);
            }
            out.rows += 1;
            self.left -= 1;
            if !source.advance()? {
                self.heap.swap_remove(0);
            }
            self.sink(0);
            if out.rows >= BATCH_ROWS {
                break;
            }
        }
        Ok(out)
    }

    /// The next rows; `None` at the end.
    pub fn next_rows(&mut self) -> Result<Option<Batch>> {
        let Some(mut batch) = self.next_whole()? else { return Ok(None) };
        batch.columns.truncate(self.width);
        Ok(Some(batch))
    }
}
