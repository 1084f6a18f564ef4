//! Rows of a table: all, a range, or some keys of one of its indexes.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::mvcc::Isolation;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::bounds::Place;
use crate::sql::exec::eval::Row;
use crate::sql::exec::reader::Progress;
use crate::sql::exec::{Operator, Run};
use crate::sql::plan::physical::TableScanSpec;

/// Fewest rows read at a time where few are likely to be enough.
const FIRST_ROWS_MIN: usize = 16;

/// Batches of a scan that will read much are longer, to spread the cost of finding the place again.
const LONG_BATCH_ROWS: usize = 4 * BATCH_ROWS;

/// A scan at work.
pub struct TableScan {
    spec: Arc<TableScanSpec>,
    /// Places still to visit, the next one last.
    places: Option<Vec<Place>>,
    current: Option<Progress>,
    batch_rows: usize,
}

impl TableScan {
    /// A scan that has not begun.
    pub fn new(spec: Arc<TableScanSpec>) -> Self {
        let batch_rows = match spec.enough {
            Some(rows) => rows.clamp(FIRST_ROWS_MIN, BATCH_ROWS),
            None => BATCH_ROWS,
        };
        TableScan { spec, places: None, current: None, batch_rows }
    }
}

impl Operator for TableScan {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let spec = &*self.spec;
        let places = match &mut self.places {
            Some(places) => places,
            slot => {
                let mut places =
                    spec.bounds.places(run, Row::Nothing, &spec.reader, spec.reverse)?;
                places.reverse();
                slot.insert(places)
            }
        };
        // REPEATABLE READ must fail on a row that is newer than its snapshot, not read it.
        let lock = spec.lock.filter(|_| run.ctx.txn.isolation() != Isolation::Snapshot);
        loop {
            let mut batch = spec.reader.empty();
            while batch.rows < self.batch_rows {
                if let Some(lock) = lock
                    && let Some(Place::Key(key)) = places.last()
                {
                    spec.reader.read_locked(run, key, lock, &mut batch)?;
                    places.pop();
                    continue;
                }
                let progress = match &mut self.current {
                    Some(progress) if !progress.is_done() => progress,
                    slot => match places.pop() {
                        Some(place) => slot.insert(Progress::new(place)),
                        None => break,
                    },
                };
                spec.reader.read(run, progress, spec.reverse, self.batch_rows, &mut batch)?;
            }
            if batch.rows == 0 {
                return Ok(None);
            }
            run.check()?;
            self.batch_rows = (self.batch_rows * 2).min(LONG_BATCH_ROWS);
            if let Some(filter) = &spec.filter {
                batch = filter.filter(run, batch)?;
            }
            if let Some(keep) = &spec.keep {
                batch = batch.project(keep);
            }
            if batch.rows > 0 {
                return Ok(Some(batch));
            }
        }
    }
}
