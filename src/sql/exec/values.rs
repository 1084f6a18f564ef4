//! Literal rows.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::eval::Row;
use crate::sql::exec::{Operator, Run};
use crate::sql::plan::physical::ValuesSpec;

/// Literal rows being handed out.
pub struct Values {
    spec: Arc<ValuesSpec>,
    next: usize,
}

impl Values {
    /// Before the first row.
    pub fn new(spec: Arc<ValuesSpec>) -> Self {
        Values { spec, next: 0 }
    }
}

impl Operator for Values {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let rows: &[_] = self.spec.rows.get(self.next..).unwrap_or_default();
        let rows = &rows[..rows.len().min(BATCH_ROWS)];
        if rows.is_empty() {
            return Ok(None);
        }
        let mut batch = Batch::with_types(&self.spec.types);
        for row in rows {
            for (column, expr) in batch.columns.iter_mut().zip(row) {
                let value = expr.datum(run, Row::Nothing)?;
                column.push(&value);
            }
            batch.rows += 1;
        }
        self.next += rows.len();
        Ok(Some(batch))
    }
}
