//! Rows that the server makes up: pg_catalog, information_schema, SHOW.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::{Operator, Run};
use crate::sql::plan::physical::VirtualScanSpec;
use crate::types::Datum;

/// A virtual table being read.
pub struct VirtualScan {
    spec: Arc<VirtualScanSpec>,
    rows: Option<std::vec::IntoIter<Vec<Datum>>>,
}

impl VirtualScan {
    /// Before its rows were made.
    pub fn new(spec: Arc<VirtualScanSpec>) -> Self {
        VirtualScan { spec, rows: None }
    }
}

impl Operator for VirtualScan {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let rows = match &mut self.rows {
            Some(rows) => rows,
            slot => slot.insert((self.spec.table.rows)(run.ctx)?.into_iter()),
        };
        let mut batch = Batch::with_types(&self.spec.types);
        for row in rows.take(BATCH_ROWS) {
            for (column, position) in batch.columns.iter_mut().zip(&self.spec.columns) {
                // After the last column comes the table's own number.
                column.push(row.get(*position).unwrap_or(&Datum::Oid(self.spec.table.oid)));
            }
            batch.rows += 1;
        }
        run.check()?;
        Ok((batch.rows > 0).then_some(batch))
    }
}
