//! Rows for which a predicate is true.

use std::sync::Arc;

use crate::error::Result;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::FilterSpec;

/// A filter at work.
pub struct Filter {
    spec: Arc<FilterSpec>,
    input: BoxOperator,
}

impl Filter {
    /// A filter over an input.
    pub fn new(spec: Arc<FilterSpec>, input: BoxOperator) -> Self {
        Filter { spec, input }
    }
}

impl Operator for Filter {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        while let Some(batch) = self.input.next(run)? {
            let batch = self.spec.predicate.filter(run, batch)?;
            if batch.rows > 0 {
                return Ok(Some(batch));
            }
            run.check()?;
        }
        Ok(None)
    }
}
