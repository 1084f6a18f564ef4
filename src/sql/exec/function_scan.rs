//! Rows of a set-returning function.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::limits::BATCH_ROWS;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::eval::Row;
use crate::sql::exec::{Operator, Run};
use crate::sql::function::SetRows;
use crate::sql::plan::physical::FunctionScanSpec;
use crate::types::Datum;

/// A set-returning function at work.
pub struct FunctionScan {
    spec: Arc<FunctionScanSpec>,
    rows: Option<SetRows>,
    ordinality: i64,
}

impl FunctionScan {
    /// Before its call.
    pub fn new(spec: Arc<FunctionScanSpec>) -> Self {
        FunctionScan { spec, rows: None, ordinality: 0 }
    }
}

impl Operator for FunctionScan {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let rows = match &mut self.rows {
            Some(rows) => rows,
            slot => {
                let mut args = Vec::with_capacity(self.spec.args.len());
                for arg in &self.spec.args {
                    args.push(arg.datum(run, Row::Nothing)?);
                }
                slot.insert((self.spec.function.body)(&mut run.ctx.eval, &args)?)
            }
        };
        let mut batch = Batch::with_types(&self.spec.types);
        let width = self.spec.types.len() - usize::from(self.spec.ordinality);
        for row in rows.by_ref().take(BATCH_ROWS) {
            let mut row = row?;
            if row.len() != width {
                return Err(Error::internal(format!(
                    "function {} gave {} columns instead of {width}",
                    self.spec.function.name,
                    row.len()
                )));
            }
            if self.spec.ordinality {
                self.ordinality += 1;
                row.push(Datum::Int8(self.ordinality));
            }
            batch.push_row(&row);
        }
        run.check()?;
        Ok((batch.rows > 0).then_some(batch))
    }
}
