//! Common table expressions: computed once, when first read (or at the start, if they change
//! data), and kept for all who read them.

use std::sync::Arc;

use crate::error::Result;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::state::{Kept, Rows};
use crate::sql::exec::{BoxOperator, Operator, Run, build};
use crate::sql::plan::physical::{CteScanSpec, Node, WithSpec};

/// Runs a node to its end and keeps its rows.
pub fn materialize(node: &Node, measured: bool, run: &mut Run<'_, '_>) -> Result<Rows> {
    let mut operator = build(node, measured);
    let mut rows = Kept::default();
    while let Some(batch) = operator.next(run)? {
        run.check()?;
        rows.charge.add(batch.bytes(), run)?;
        rows.batches.push(batch);
    }
    Ok(Arc::new(rows))
}

/// A query with a common table expression, at work.
pub struct With {
    spec: Arc<WithSpec>,
    body: BoxOperator,
    begun: bool,
    measured: bool,
}

impl With {
    /// Before anything has run.
    pub fn new(spec: Arc<WithSpec>, measured: bool) -> Self {
        With { body: build(&spec.body, measured), spec, begun: false, measured }
    }
}

impl Operator for With {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        if !self.begun {
            self.begun = true;
            // What an earlier run of the same subquery left behind is not ours.
            let rows = if self.spec.always {
                Some(materialize(&self.spec.definition, self.measured, run)?)
            } else {
                None
            };
            if let Some(place) = run.state.ctes.get_mut(self.spec.slot) {
                *place = rows;
            }
        }
        self.body.next(run)
    }
}

/// A reader of a common table expression.
pub struct CteScan {
    spec: Arc<CteScanSpec>,
    rows: Option<Rows>,
    next: usize,
    measured: bool,
}

impl CteScan {
    /// A reader at the first row.
    pub fn new(spec: Arc<CteScanSpec>, measured: bool) -> Self {
        CteScan { spec, rows: None, next: 0, measured }
    }
}

impl Operator for CteScan {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let rows = match &self.rows {
            Some(rows) => rows,
            None => {
                let known = run.state.ctes.get(self.spec.slot).cloned().flatten();
                let rows = match (known, &self.spec.definition) {
                    (Some(rows), _) => rows,
                    (None, Some(definition)) => {
                        let rows = materialize(definition, self.measured, run)?;
                        if let Some(place) = run.state.ctes.get_mut(self.spec.slot) {
                            *place = Some(rows.clone());
                        }
                        rows
                    }
                    (None, None) => Rows::default(),
                };
                self.rows.insert(rows)
            }
        };
        while let Some(batch) = rows.batches.get(self.next) {
            self.next += 1;
            if batch.rows > 0 {
                let columns = self
                    .spec
                    .columns
                    .iter()
                    .filter_map(|p| batch.columns.get(*p))
                    .cloned()
                    .collect();
                return Ok(Some(Batch { columns, rows: batch.rows }));
            }
        }
        Ok(None)
    }
}
