//! The general join: every left row with every right row. With `lateral` the right side runs anew
//! for each left row, whose values it reads through outer slots.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::apply::{Apply, Rules};
use crate::sql::exec::batch::Batch;
use crate::sql::exec::memory::Charge;
use crate::sql::exec::pairs::Pairs;
use crate::sql::exec::{BoxOperator, Operator, Run, build};
use crate::sql::plan::physical::NestedLoopSpec;
use crate::sql::relation::JoinKind;

/// A nested loop at work.
pub struct NestedLoop {
    spec: Arc<NestedLoopSpec>,
    left: BoxOperator,
    measured: bool,
    apply: Apply,
    plain: Plain,
}

/// A loop over a right side that does not change.
#[derive(Default)]
struct Plain {
    /// The right rows and which of them found a partner.
    right: Option<(Batch, Vec<bool>)>,
    /// The left batch, the pair to look at next, and which left rows found a partner.
    probe: Option<(Batch, u64, Vec<bool>)>,
    rest: usize,
    charge: Charge,
}

impl NestedLoop {
    /// A join of a left input with a right node.
    pub fn new(spec: Arc<NestedLoopSpec>, left: BoxOperator, measured: bool) -> Self {
        NestedLoop { spec, left, measured, apply: Apply::default(), plain: Plain::default() }
    }

    fn lateral(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let spec = &*self.spec;
        let rules = Rules {
            kind: spec.kind,
            filter: None,
            residual: spec.on.as_ref(),
            output: &spec.output,
        };
        let measured = self.measured;
        let one_is_enough =
            matches!(spec.kind, JoinKind::Semi | JoinKind::Anti) && spec.on.is_none();
        let mut fetch = |run: &mut Run<'_, '_>, left: &Batch, row: usize, out: &mut Batch| {
            for (slot, position) in &spec.captured {
                if let Some(column) = left.columns.get(*position) {
                    run.state.set_outer(*slot, column.datum(row));
                }
            }
            let mut right = build(&spec.right, measured);
            while let Some(batch) = right.next(run)? {
                run.check()?;
                out.append(&batch);
                if one_is_enough {
                    break;
                }
            }
            Ok(())
        };
        let empty = || Batch::with_types(spec.right.columns.iter().map(|c| &c.ty));
        self.apply.next(run, &mut self.left, &rules, &empty, &mut fetch)
    }

    fn plain(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let spec = self.spec.clone();
        let kind = spec.kind;
        let this = &mut self.plain;
        if this.right.is_none() {
            let mut rows = Batch::with_types(spec.right.columns.iter().map(|c| &c.ty));
            let mut right = build(&spec.right, self.measured);
            while let Some(batch) = right.next(run)? {
                run.check()?;
                rows.append(&batch);
                this.charge.raise_to(rows.bytes(), run)?;
            }
            let matched = match kind {
                JoinKind::Right | JoinKind::Full => vec![false; rows.rows],
                _ => Vec::new(),
            };
            this.right = Some((rows, matched));
        }
        loop {
            let Some((right, right_matched)) = &mut this.right else { return Ok(None) };
            if right.rows == 0 && matches!(kind, JoinKind::Inner | JoinKind::Semi | JoinKind::Right)
            {
                return Ok(None);
            }
            let (left, next, matched) = match &mut this.probe {
                Some(probe) => probe,
                slot => {
                    let Some(left) = self.left.next(run)? else {
                        let (pairs, rest) = Pairs::of_right(right_matched, this.rest, BATCH_ROWS);
                        this.rest = rest;
                        if pairs.is_empty() {
                            this.charge.release();
                            return Ok(None);
                        }
                        let left = Batch::with_types(spec.left.columns.iter().map(|c| &c.ty));
                        return Ok(Some(pairs.gather(&left, right, &spec.output)));
                    };
                    let matched = vec![false; left.rows];
                    slot.insert((left, 0, matched))
                }
            };
            run.check()?;
            let width = right.rows as u64;
            let total = left.rows as u64 * width;
            let end = (*next + BATCH_ROWS as u64).min(total);
            let mut pairs = Pairs::default();
            let decided = matches!(kind, JoinKind::Semi | JoinKind::Anti);
            for pair in *next..end {
                let (l, r) = ((pair / width) as u32, (pair % width) as u32);
                if !(decided && matched.get(l as usize).copied().unwrap_or(false)) {
                    pairs.push(l, r);
                }
            }
            *next = end;
            let mut pairs = pairs.select(spec.on.as_ref(), left, right, run)?;
            if !matches!(kind, JoinKind::Inner) {
                pairs.mark_left(matched);
                pairs.mark_right(right_matched);
            }
            let done = *next >= total;
            match kind {
                JoinKind::Semi | JoinKind::Anti => {
                    if !done {
                        continue;
                    }
                    pairs = Pairs::of_left(matched, kind == JoinKind::Semi);
                }
                JoinKind::Left | JoinKind::Full if done => {
                    let rest = Pairs::of_left(matched, false);
                    pairs.left.extend(rest.left);
                    pairs.right.extend(rest.right);
                }
                _ => {}
            }
            let batch = pairs.gather(left, right, &spec.output);
            if done {
                this.probe = None;
            }
            if batch.rows > 0 {
                return Ok(Some(batch));
            }
        }
    }
}

impl Operator for NestedLoop {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        if self.spec.lateral { self.lateral(run) } else { self.plain(run) }
    }
}
