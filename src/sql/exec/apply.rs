//! The outer loop of joins that fetch right rows for one left row after the other: index joins and
//! LATERAL.
//!
//! Right rows of several left rows are collected before predicates are evaluated and values are
//! copied, so that even here most work is done by batch. Left rows come out in their order.

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::column::MISSING;
use crate::sql::exec::eval::Expr;
use crate::sql::exec::memory::Charge;
use crate::sql::exec::pairs::Pairs;
use crate::sql::exec::{BoxOperator, Run};
use crate::sql::plan::physical::Residual;
use crate::sql::relation::JoinKind;

/// What is done with the pairs.
pub struct Rules<'p> {
    /// Inner, left, semi or anti.
    pub kind: JoinKind,
    /// What must hold of the right row.
    pub filter: Option<&'p Expr>,
    /// What must hold of the pair.
    pub residual: Option<&'p Residual>,
    /// What is handed out.
    pub output: &'p [usize],
}

/// Where the loop is.
#[derive(Default)]
pub struct Apply {
    left: Option<Batch>,
    row: usize,
    charge: Charge,
}

impl Apply {
    /// The next rows. `fetch` adds the right rows of one left row to a batch, which is made by
    /// `empty`.
    pub fn next(
        &mut self,
        run: &mut Run<'_, '_>,
        input: &mut BoxOperator,
        rules: &Rules<'_>,
        empty: &dyn Fn() -> Batch,
        fetch: &mut dyn FnMut(&mut Run<'_, '_>, &Batch, usize, &mut Batch) -> Result<()>,
    ) -> Result<Option<Batch>> {
        loop {
            let left = match self.left.take() {
                Some(left) => left,
                None => {
                    self.row = 0;
                    match input.next(run)? {
                        Some(left) => left,
                        None => return Ok(None),
                    }
                }
            };
            run.check()?;
            let first = self.row;
            let mut right = empty();
            let mut pairs = Pairs::default();
            while self.row < left.rows && right.rows < BATCH_ROWS {
                let before = right.rows;
                fetch(run, &left, self.row, &mut right)?;
                for r in before..right.rows {
                    pairs.push(self.row as u32, r as u32);
                }
                self.row += 1;
            }
            self.charge.raise_to(right.bytes(), run)?;
            if let Some(filter) = rules.filter
                && let Some(kept) = filter.select(run, &right, None)?
            {
                pairs = Pairs {
                    left: kept
                        .iter()
                        .filter_map(|r| pairs.left.get(*r as usize))
                        .copied()
                        .collect(),
                    right: kept,
                };
            }
            let pairs = pairs.select(rules.residual, &left, &right, run)?;
            let pairs = finish(rules.kind, pairs, first as u32, self.row as u32);
            let out = pairs.gather(&left, &right, rules.output);
            if self.row < left.rows {
                self.left = Some(left);
            }
            if out.rows > 0 {
                return Ok(Some(out));
            }
        }
    }
}

/// The pairs that come out for the left rows `first..end`, all of whose matches are in `pairs`.
fn finish(kind: JoinKind, pairs: Pairs, first: u32, end: u32) -> Pairs {
    if kind == JoinKind::Inner {
        return pairs;
    }
    let mut out = Pairs::default();
    let mut next = 0;
    for row in first..end {
        let begun = next;
        while pairs.left.get(next) == Some(&row) {
            next += 1;
        }
        let matched = next > begun;
        match kind {
            JoinKind::Semi if matched => out.push(row, MISSING),
            JoinKind::Anti if !matched => out.push(row, MISSING),
            JoinKind::Semi | JoinKind::Anti => {}
            _ if matched => {
                for right in &pairs.right[begun..next] {
                    out.push(row, *right);
                }
            }
            _ => out.push(row, MISSING),
        }
    }
    out
}
