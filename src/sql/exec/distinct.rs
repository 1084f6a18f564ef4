//! DISTINCT and DISTINCT ON: the first row of each key.

use std::sync::Arc;

use crate::error::Result;
use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::key::KeyTable;
use crate::sql::exec::state::Charge;
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::DistinctSpec;
use crate::types::ColumnType;

/// DISTINCT at work.
pub struct Distinct {
    spec: Arc<DistinctSpec>,
    input: BoxOperator,
    seen: KeyTable,
    charge: Charge,
}

impl Distinct {
    /// DISTINCT over an input.
    pub fn new(spec: Arc<DistinctSpec>, input: BoxOperator) -> Self {
        let types: Vec<ColumnType> = match &spec.on {
            Some(on) => on.iter().map(|e| e.ty.clone()).collect(),
            None => spec.input.columns.iter().map(|c| c.ty.clone()).collect(),
        };
        Distinct { seen: KeyTable::new(&types), spec, input, charge: Charge::default() }
    }
}

/// The rows whose keys were not in the table; they are now.
pub fn first_seen(seen: &mut KeyTable, keys: &[&Column], rows: usize) -> Vec<u32> {
    let mut next = seen.len() as u32;
    let mut numbers = Vec::new();
    seen.insert(keys, rows, &mut numbers);
    let mut first = Vec::new();
    for (row, number) in numbers.iter().enumerate() {
        if *number == next {
            first.push(row as u32);
            next += 1;
        }
    }
    first
}

impl Operator for Distinct {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        while let Some(batch) = self.input.next(run)? {
            let computed;
            let keys: Vec<&Column> = match &self.spec.on {
                None => batch.columns.iter().collect(),
                Some(on) => {
                    let mut columns = Vec::with_capacity(on.len());
                    for expr in on {
                        columns.push(expr.column(run, &batch)?);
                    }
                    computed = columns;
                    computed.iter().collect()
                }
            };
            let first = first_seen(&mut self.seen, &keys, batch.rows);
            self.charge.raise_to(self.seen.bytes(), run)?;
            run.check()?;
            if first.len() == batch.rows {
                return Ok(Some(batch));
            }
            if !first.is_empty() {
                return Ok(Some(batch.gather(&first)));
            }
        }
        self.charge.release(run);
        Ok(None)
    }
}
