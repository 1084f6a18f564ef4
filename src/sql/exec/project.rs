//! Computed columns.

use std::sync::Arc;

use crate::error::Result;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::ProjectSpec;

/// A projection at work.
pub struct Project {
    spec: Arc<ProjectSpec>,
    input: BoxOperator,
}

impl Project {
    /// A projection of an input.
    pub fn new(spec: Arc<ProjectSpec>, input: BoxOperator) -> Self {
        Project { spec, input }
    }
}

impl Operator for Project {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let Some(batch) = self.input.next(run)? else { return Ok(None) };
        if let Some(positions) = &self.spec.positions {
            return Ok(Some(batch.project(positions)));
        }
        let mut columns = Vec::with_capacity(self.spec.exprs.len());
        for expr in &self.spec.exprs {
            columns.push(expr.column(run, &batch)?);
        }
        Ok(Some(Batch { columns, rows: batch.rows }))
    }
}
