//! DISTINCT and DISTINCT ON: the first row of each key.
//!
//! When there are more keys than memory holds, no further ones are taken into the table: rows with
//! other keys are put aside, divided by their hashes, and each part is made distinct on its own. The
//! rows then come out in another order, so this is not done where the order matters.

use std::sync::Arc;

use crate::error::Result;
use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::key::{KeyHasher, KeyTable};
use crate::sql::exec::memory::{Charge, exceeded};
use crate::sql::exec::spill::{Partitions, Parts, Spool, SpoolScan};
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::DistinctSpec;
use crate::types::ColumnType;

/// DISTINCT at work.
pub struct Distinct {
    spec: Arc<DistinctSpec>,
    input: BoxOperator,
    seen: KeyTable,
    charge: Charge,
    /// Rows put aside while the input is read.
    aside: Option<Partitions>,
    /// Parts still to be made distinct, and the one at hand.
    parts: Parts<Spool>,
}

impl Distinct {
    /// DISTINCT over an input.
    pub fn new(spec: Arc<DistinctSpec>, input: BoxOperator) -> Self {
        let types: Vec<ColumnType> = match &spec.on {
            Some(on) => on.iter().map(|e| e.ty.clone()).collect(),
            None => spec.input.columns.iter().map(|c| c.ty.clone()).collect(),
        };
        Distinct {
            seen: KeyTable::new(&types),
            spec,
            input,
            charge: Charge::default(),
            aside: None,
            parts: Parts::default(),
        }
    }

    /// Puts the rows aside whose keys are not known; the known ones were handed out before.
    fn put_aside(&mut self, batch: &Batch, keys: &[&Column]) -> Result<bool> {
        let Some(aside) = &mut self.aside else { return Ok(false) };
        let mut found = Vec::new();
        self.seen.find(keys, batch.rows, true, &mut found);
        let unknown = found.iter().enumerate().filter(|(_, n)| n.is_none());
        let unknown: Vec<u32> = unknown.map(|(row, _)| row as u32).collect();
        aside.push(batch, keys, Some(&unknown))?;
        Ok(true)
    }

    /// The rows of the parts, one part after the other.
    fn next_of_parts(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let spec = &self.spec;
        self.parts.next(run, |spool| {
            let input = (spool.rows() > 0).then(|| Box::new(SpoolScan::new(spool)))?;
            Some(Box::new(Distinct::new(spec.clone(), input)))
        })
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
            run.check()?;
            if self.put_aside(&batch, &keys)? {
                continue;
            }
            let first = first_seen(&mut self.seen, &keys, batch.rows);
            if !self.charge.try_raise_to(self.seen.bytes(), run) {
                if self.spec.on.is_some() || !self.spec.input.order.is_empty() {
                    return Err(exceeded());
                }
                let types: Vec<ColumnType> =
                    self.spec.input.columns.iter().map(|c| c.ty.clone()).collect();
                self.aside = Some(Partitions::new(&types, KeyHasher::default(), run)?);
            }
            if first.len() == batch.rows {
                return Ok(Some(batch));
            }
            if !first.is_empty() {
                return Ok(Some(batch.gather(&first)));
            }
        }
        if let Some(aside) = self.aside.take() {
            self.parts = Parts::new(aside.finish()?);
        }
        self.seen = KeyTable::new(&[]);
        self.charge.release();
        self.next_of_parts(run)
    }
}
