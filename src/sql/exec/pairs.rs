//! Pairs of a left and a right row, as two lists of row numbers: what joins work on before they
//! copy any value.

use crate::error::Result;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::column::MISSING;
use crate::sql::exec::state::Run;
use crate::sql::plan::physical::Residual;

/// Pairs of rows; a right row may be [`MISSING`].
#[derive(Debug, Default)]
pub struct Pairs {
    /// Row numbers on the left.
    pub left: Vec<u32>,
    /// Row numbers on the right.
    pub right: Vec<u32>,
}

impl Pairs {
    /// Adds a pair.
    #[inline]
    pub fn push(&mut self, left: u32, right: u32) {
        self.left.push(left);
        self.right.push(right);
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.left.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Columns of the pairs: positions in the left columns followed by the right columns.
    pub fn gather(&self, left: &Batch, right: &Batch, positions: &[usize]) -> Batch {
        let width = left.columns.len();
        let columns = positions
            .iter()
            .filter_map(|p| match p.checked_sub(width) {
                None => left.columns.get(*p).map(|c| c.gather_or_null(&self.left)),
                Some(p) => right.columns.get(p).map(|c| c.gather_or_null(&self.right)),
            })
            .collect();
        Batch { columns, rows: self.len() }
    }

    /// The pairs for which a predicate is true.
    pub fn select(
        self,
        residual: Option<&Residual>,
        left: &Batch,
        right: &Batch,
        run: &mut Run<'_, '_>,
    ) -> Result<Pairs> {
        let Some(residual) = residual else { return Ok(self) };
        if self.is_empty() {
            return Ok(self);
        }
        let input = self.gather(left, right, &residual.columns);
        Ok(match residual.predicate.select(run, &input, None)? {
            None => self,
            Some(rows) => Pairs {
                left: rows.iter().filter_map(|r| self.left.get(*r as usize)).copied().collect(),
                right: rows.iter().filter_map(|r| self.right.get(*r as usize)).copied().collect(),
            },
        })
    }

    /// Marks the left rows that occur.
    pub fn mark_left(&self, matched: &mut [bool]) {
        for row in &self.left {
            if let Some(flag) = matched.get_mut(*row as usize) {
                *flag = true;
            }
        }
    }

    /// Marks the right rows that occur.
    pub fn mark_right(&self, matched: &mut [bool]) {
        for row in &self.right {
            if let Some(flag) = matched.get_mut(*row as usize) {
                *flag = true;
            }
        }
    }

    /// The rows with (or without) a mark, paired with nothing on the right.
    pub fn of_left(matched: &[bool], wanted: bool) -> Pairs {
        let left: Vec<u32> = matched
            .iter()
            .enumerate()
            .filter(|(_, m)| **m == wanted)
            .map(|(r, _)| r as u32)
            .collect();
        let right = vec![MISSING; left.len()];
        Pairs { left, right }
    }

    /// Right rows from `start` on without a mark, at most `limit`, paired with nothing on the left;
    /// and where to go on.
    pub fn of_right(matched: &[bool], start: usize, limit: usize) -> (Pairs, usize) {
        let mut right = Vec::new();
        let mut next = start;
        while right.len() < limit
            && let Some(flag) = matched.get(next)
        {
            if !flag {
                right.push(next as u32);
            }
            next += 1;
        }
        (Pairs { left: vec![MISSING; right.len()], right }, next)
    }
}
