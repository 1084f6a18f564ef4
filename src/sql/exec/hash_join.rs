//! Joins by hashed keys. The right side is read into memory and hashed; the left side streams.
//!
//! When the right side is larger than memory, both sides are divided among temporary files by the
//! hashes of their keys, and each pair of parts is joined on its own. The rows then come out in
//! another order, so this is not done where the plan relies on the order of the left side.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::column::MISSING;
use crate::sql::exec::eval::Expr;
use crate::sql::exec::key::{KeyHasher, KeyTable};
use crate::sql::exec::memory::{Charge, exceeded};
use crate::sql::exec::pairs::Pairs;
use crate::sql::exec::spill::{Partitions, Parts, Spool, SpoolScan};
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::{HashJoinSpec, Node};
use crate::sql::relation::JoinKind;
use crate::types::ColumnType;

/// Pairs made before they are looked at.
const PAIRS_MAX: usize = 4 * BATCH_ROWS;

/// A hash join at work.
pub struct HashJoin {
    spec: Arc<HashJoinSpec>,
    left: BoxOperator,
    right: Option<BoxOperator>,
    built: Option<Built>,
    probe: Option<Probe>,
    /// The next right row to look at once the left side is exhausted.
    rest: usize,
    charge: Charge,
    /// How often its inputs were divided.
    level: u32,
    /// Pairs of parts still to be joined, and the one at hand.
    parts: Parts<(Spool, Spool)>,
}

/// How often a side is divided; what is still too large then has one key too often.
const LEVELS_MAX: u32 = 6;

/// The right side: rows, and for each key the rows that have it.
struct Built {
    rows: Batch,
    table: KeyTable,
    /// Where each key's rows begin in `members`, and one more for the end.
    offsets: Vec<u32>,
    members: Vec<u32>,
    /// Right rows that found a partner, if that matters.
    matched: Vec<bool>,
}

/// A left batch and how far it has been joined.
struct Probe {
    batch: Batch,
    found: Vec<Option<u32>>,
    row: usize,
    offset: usize,
    matched: Vec<bool>,
}

impl HashJoin {
    /// A join of two inputs.
    pub fn new(spec: Arc<HashJoinSpec>, left: BoxOperator, right: BoxOperator) -> Self {
        HashJoin {
            spec,
            left,
            right: Some(right),
            built: None,
            probe: None,
            rest: 0,
            charge: Charge::default(),
            level: 0,
            parts: Parts::default(),
        }
    }

    /// Divides both inputs. `rows` are those of the right side that were read already.
    fn divide(
        &mut self,
        rows: Batch,
        right: &mut BoxOperator,
        run: &mut Run<'_, '_>,
    ) -> Result<()> {
        let spec = self.spec.clone();
        if spec.keeps_order || self.level >= LEVELS_MAX {
            return Err(exceeded());
        }
        let hasher = KeyHasher::default();
        let types =
            |node: &Node| node.columns.iter().map(|c| c.ty.clone()).collect::<Vec<ColumnType>>();
        let mut parts = Partitions::new(&types(&spec.right), hasher.clone(), run)?;
        let mut next = Some(rows);
        while let Some(batch) = next {
            run.check()?;
            let keys = columns(&spec.right_keys, run, &batch)?;
            parts.push(&batch, &keys.iter().collect::<Vec<_>>(), None)?;
            self.charge.release();
            next = right.next(run)?;
        }
        let rights = parts.finish()?;
        let mut parts = Partitions::new(&types(&spec.left), hasher, run)?;
        while let Some(batch) = self.left.next(run)? {
            run.check()?;
            let keys = columns(&spec.left_keys, run, &batch)?;
            parts.push(&batch, &keys.iter().collect::<Vec<_>>(), None)?;
        }
        self.parts = Parts::new(parts.finish()?.into_iter().zip(rights).collect());
        Ok(())
    }

    /// The rows of the parts, one pair of parts after the other.
    fn next_of_parts(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let (spec, level) = (&self.spec, self.level + 1);
        self.parts.next(run, |(left, right)| {
            if left.rows() == 0 && right.rows() == 0 {
                return None;
            }
            let (left, right) = (SpoolScan::new(left), SpoolScan::new(right));
            let mut part = HashJoin::new(spec.clone(), Box::new(left), Box::new(right));
            part.level = level;
            Some(Box::new(part))
        })
    }

    /// Reads and hashes the right side; nothing if it was too large and both sides were divided.
    fn build(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Built>> {
        let spec = self.spec.clone();
        let types: Vec<ColumnType> = spec.right_keys.iter().map(|e| e.ty.clone()).collect();
        let mut table = KeyTable::new(&types);
        let mut rows = Batch::with_types(spec.right.columns.iter().map(|c| &c.ty));
        let (mut numbers, mut all) = (Vec::new(), Vec::new());
        if let Some(mut right) = self.right.take() {
            while let Some(batch) = right.next(run)? {
                run.check()?;
                let keys = columns(&spec.right_keys, run, &batch)?;
                let keys: Vec<&Column> = keys.iter().collect();
                table.insert(&keys, batch.rows, &mut numbers);
                all.extend_from_slice(&numbers);
                rows.append(&batch);
                let bytes = rows.bytes() + table.bytes() + all.len() * 8;
                if !self.charge.try_raise_to(bytes, run) {
                    drop((table, all));
                    self.divide(rows, &mut right, run)?;
                    return Ok(None);
                }
            }
        }
        let mut offsets = vec![0u32; table.len() + 1];
        for number in &all {
            offsets[*number as usize + 1] += 1;
        }
        for i in 1..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let mut members = vec![0u32; all.len()];
        let mut next = offsets.clone();
        for (row, number) in all.iter().enumerate() {
            let place = &mut next[*number as usize];
            members[*place as usize] = row as u32;
            *place += 1;
        }
        let matched = match spec.kind {
            JoinKind::Right | JoinKind::Full => vec![false; rows.rows],
            _ => Vec::new(),
        };
        Ok(Some(Built { rows, table, offsets, members, matched }))
    }

    /// The right rows that found no partner.
    fn unmatched_right(&mut self) -> Option<Batch> {
        let built = self.built.as_ref()?;
        let (pairs, next) = Pairs::of_right(&built.matched, self.rest, BATCH_ROWS);
        self.rest = next;
        if pairs.is_empty() {
            return None;
        }
        let left = Batch::with_types(self.spec.left.columns.iter().map(|c| &c.ty));
        Some(pairs.gather(&left, &built.rows, &self.spec.output))
    }
}

fn columns(keys: &[Expr], run: &mut Run<'_, '_>, batch: &Batch) -> Result<Vec<Column>> {
    let mut out = Vec::with_capacity(keys.len());
    for key in keys {
        out.push(key.column(run, batch)?);
    }
    Ok(out)
}

impl Probe {
    fn is_done(&self) -> bool {
        self.row >= self.batch.rows
    }

    /// The next pairs with equal keys. With `missing`, left rows without any get one all the same.
    fn pairs(&mut self, built: &Built, missing: bool) -> Pairs {
        let mut pairs = Pairs::default();
        while self.row < self.batch.rows && pairs.len() < PAIRS_MAX {
            let row = self.row as u32;
            match self.found.get(self.row).copied().flatten() {
                None => {
                    if missing {
                        pairs.push(row, MISSING);
                    }
                    self.row += 1;
                }
                Some(key) => {
                    let start = built.offsets[key as usize] as usize + self.offset;
                    let end = built.offsets[key as usize + 1] as usize;
                    let take = (end - start).min(PAIRS_MAX - pairs.len());
                    for right in &built.members[start..start + take] {
                        pairs.push(row, *right);
                    }
                    if start + take == end {
                        self.row += 1;
                        self.offset = 0;
                    } else {
                        self.offset += take;
                    }
                }
            }
        }
        pairs
    }
}

impl Operator for HashJoin {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        if self.built.is_none() && self.right.is_some() {
            self.built = self.build(run)?;
        }
        let spec = self.spec.clone();
        let kind = spec.kind;
        let residual = spec.residual.as_ref();
        loop {
            let Some(built) = &mut self.built else { return self.next_of_parts(run) };
            if built.rows.rows == 0
                && matches!(kind, JoinKind::Inner | JoinKind::Semi | JoinKind::Right)
            {
                return Ok(None);
            }
            let probe = match &mut self.probe {
                Some(probe) => probe,
                slot => {
                    let Some(batch) = self.left.next(run)? else {
                        if matches!(kind, JoinKind::Right | JoinKind::Full) {
                            return Ok(self.unmatched_right());
                        }
                        self.charge.release();
                        return Ok(None);
                    };
                    run.check()?;
                    let keys = columns(&spec.left_keys, run, &batch)?;
                    let keys: Vec<&Column> = keys.iter().collect();
                    let mut found = Vec::new();
                    built.table.find(&keys, batch.rows, false, &mut found);
                    let matched = vec![false; batch.rows];
                    slot.insert(Probe { batch, found, row: 0, offset: 0, matched })
                }
            };
            let out = if residual.is_none() && matches!(kind, JoinKind::Semi | JoinKind::Anti) {
                let matched: Vec<bool> = probe.found.iter().map(Option::is_some).collect();
                probe.row = probe.batch.rows;
                Pairs::of_left(&matched, kind == JoinKind::Semi)
            } else {
                let inline = residual.is_none() && matches!(kind, JoinKind::Left | JoinKind::Full);
                let pairs =
                    probe.pairs(built, inline).select(residual, &probe.batch, &built.rows, run)?;
                if matches!(kind, JoinKind::Right | JoinKind::Full) {
                    pairs.mark_right(&mut built.matched);
                }
                if residual.is_some() && !matches!(kind, JoinKind::Inner | JoinKind::Right) {
                    pairs.mark_left(&mut probe.matched);
                }
                match kind {
                    JoinKind::Semi | JoinKind::Anti if !probe.is_done() => continue,
                    JoinKind::Semi | JoinKind::Anti => {
                        Pairs::of_left(&probe.matched, kind == JoinKind::Semi)
                    }
                    JoinKind::Left | JoinKind::Full if residual.is_some() && probe.is_done() => {
                        let mut pairs = pairs;
                        let rest = Pairs::of_left(&probe.matched, false);
                        pairs.left.extend(rest.left);
                        pairs.right.extend(rest.right);
                        pairs
                    }
                    _ => pairs,
                }
            };
            let batch = out.gather(&probe.batch, &built.rows, &spec.output);
            if probe.is_done() {
                self.probe = None;
            }
            if batch.rows > 0 {
                return Ok(Some(batch));
            }
        }
    }
}
