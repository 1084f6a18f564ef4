//! UNION, INTERSECT and EXCEPT.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::distinct::first_seen;
use crate::sql::exec::key::KeyTable;
use crate::sql::exec::memory::Charge;
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::SetOperationSpec;
use crate::sql::relation::SetKind;

/// A set operation at work.
pub struct SetOperation {
    spec: Arc<SetOperationSpec>,
    left: Option<BoxOperator>,
    right: Option<BoxOperator>,
    seen: KeyTable,
    /// INTERSECT, EXCEPT: how often each row is to come out, and the next one to look at.
    counted: Option<(Vec<u64>, usize)>,
    charge: Charge,
}

impl SetOperation {
    /// A set operation on two inputs.
    pub fn new(spec: Arc<SetOperationSpec>, left: BoxOperator, right: BoxOperator) -> Self {
        SetOperation {
            seen: KeyTable::new(&spec.types),
            spec,
            left: Some(left),
            right: Some(right),
            counted: None,
            charge: Charge::default(),
        }
    }

    fn shape(&self, batch: Batch, positions: &[usize]) -> Batch {
        let mut batch = batch.project(positions);
        for (column, ty) in batch.columns.iter_mut().zip(&self.spec.types) {
            column.ty = ty.clone();
        }
        batch
    }

    /// The next rows of either input, left first.
    fn either(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        if let Some(left) = &mut self.left {
            if let Some(batch) = left.next(run)? {
                return Ok(Some(self.shape(batch, &self.spec.left_columns)));
            }
            self.left = None;
        }
        if let Some(right) = &mut self.right {
            if let Some(batch) = right.next(run)? {
                return Ok(Some(self.shape(batch, &self.spec.right_columns)));
            }
            self.right = None;
        }
        Ok(None)
    }

    fn union(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        while let Some(batch) = self.either(run)? {
            if self.spec.all {
                return Ok(Some(batch));
            }
            let keys: Vec<&Column> = batch.columns.iter().collect();
            let first = first_seen(&mut self.seen, &keys, batch.rows);
            self.charge.raise_to(self.seen.bytes(), run)?;
            run.check()?;
            if !first.is_empty() {
                return Ok(Some(if first.len() == batch.rows {
                    batch
                } else {
                    batch.gather(&first)
                }));
            }
        }
        self.charge.release();
        Ok(None)
    }

    /// Counts the rows of both sides and works out how often each comes out.
    fn count(&mut self, run: &mut Run<'_, '_>) -> Result<Vec<u64>> {
        let (mut left, mut right): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
        let mut numbers = Vec::new();
        loop {
            let from_left = self.left.is_some();
            let Some(batch) = self.either(run)? else { break };
            // The input may have changed within `either`.
            let from_left = from_left && self.left.is_some();
            let keys: Vec<&Column> = batch.columns.iter().collect();
            self.seen.insert(&keys, batch.rows, &mut numbers);
            left.resize(self.seen.len(), 0);
            right.resize(self.seen.len(), 0);
            let counts = if from_left { &mut left } else { &mut right };
            for number in &numbers {
                if let Some(count) = counts.get_mut(*number as usize) {
                    *count += 1;
                }
            }
            self.charge.raise_to(self.seen.bytes() + left.len() * 16, run)?;
            run.check()?;
        }
        Ok(left
            .iter()
            .zip(&right)
            .map(|(l, r)| match (self.spec.kind, self.spec.all) {
                (SetKind::Intersect, true) => *l.min(r),
                (SetKind::Intersect, false) => u64::from(*l > 0 && *r > 0),
                (SetKind::Except, true) => l.saturating_sub(*r),
                (SetKind::Except, false) => u64::from(*l > 0 && *r == 0),
                (SetKind::Union, _) => l + r,
            })
            .collect())
    }
}

impl Operator for SetOperation {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        if self.spec.kind == SetKind::Union {
            return self.union(run);
        }
        if self.counted.is_none() {
            self.counted = Some((self.count(run)?, 0));
        }
        let Some((counts, next)) = &mut self.counted else { return Ok(None) };
        let mut rows: Vec<u32> = Vec::new();
        while rows.len() < BATCH_ROWS
            && let Some(count) = counts.get_mut(*next)
        {
            let take = (*count).min((BATCH_ROWS - rows.len()) as u64);
            rows.extend(std::iter::repeat_n(*next as u32, take as usize));
            *count -= take;
            if *count == 0 {
                *next += 1;
            }
        }
        if rows.is_empty() {
            self.charge.release();
            return Ok(None);
        }
        let columns = self.seen.keys().iter().map(|k| k.gather(&rows)).collect();
        Ok(Some(Batch { columns, rows: rows.len() }))
    }
}
