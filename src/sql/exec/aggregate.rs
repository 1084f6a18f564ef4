//! Grouping and aggregation by hashing; several grouping sets side by side.
//!
//! When there are more groups than memory holds, no further ones are taken into the table: rows of
//! other groups are put aside, divided by the hashes of their keys, and each part is grouped on its
//! own afterwards. With several grouping sets, or when it is not the groups that are many but what
//! one of them collects (DISTINCT, ORDER BY, array_agg), the statement fails instead.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::accumulate::{Grouped, grouped};
use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::distinct::first_seen;
use crate::sql::exec::key::{KeyHasher, KeyTable};
use crate::sql::exec::memory::{Charge, exceeded};
use crate::sql::exec::order::{Direction, sort_rows};
use crate::sql::exec::spill::{Partitions, Parts, Spool, SpoolScan};
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::{AggregateExpr, AggregateSpec};
use crate::types::{ColumnType, Datum, Type};

/// An aggregation at work.
pub struct Aggregate {
    spec: Arc<AggregateSpec>,
    input: BoxOperator,
    sets: Vec<GroupingSet>,
    /// The results of each set, once all input was read.
    results: Option<std::vec::IntoIter<Batch>>,
    current: Option<(Batch, usize)>,
    charge: Charge,
    /// Parts still to be grouped, and the one at hand.
    parts: Parts<Spool>,
}

/// One grouping set: its keys and the states of the aggregates.
struct GroupingSet {
    /// Positions in the grouping columns.
    members: Vec<usize>,
    keys: KeyTable,
    states: Vec<AggregateState>,
}

impl GroupingSet {
    /// The columns of a batch by which the set groups.
    fn columns<'b>(&self, spec: &AggregateSpec, batch: &'b Batch) -> Vec<&'b Column> {
        let positions = self.members.iter().filter_map(|m| spec.groups.get(*m));
        positions.filter_map(|p| batch.columns.get(*p)).collect()
    }
}

/// One aggregate of one grouping set.
struct AggregateState {
    states: Box<dyn Grouped>,
    /// DISTINCT: the group numbers and arguments seen.
    seen: Option<KeyTable>,
    /// ORDER BY: rows kept until they can be added in order.
    kept: Option<Kept>,
}

/// Rows with their group number (first column), arguments and sort keys.
struct Kept {
    rows: Batch,
    args: usize,
    directions: Vec<Direction>,
}

impl AggregateState {
    fn new(expr: &AggregateExpr) -> Self {
        let number: ColumnType = Type::Int8.into();
        let args = expr.args.iter().map(|a| a.ty.clone());
        let seen = expr.distinct.then(|| {
            let types: Vec<ColumnType> =
                std::iter::once(number.clone()).chain(args.clone()).collect();
            KeyTable::new(&types)
        });
        let kept = (!expr.order_by.is_empty()).then(|| {
            let keys = expr.order_by.iter().map(|(e, _)| e.ty.clone());
            let types: Vec<ColumnType> =
                std::iter::once(number.clone()).chain(args.clone()).chain(keys).collect();
            let directions = std::iter::once(Direction::default())
                .chain(expr.order_by.iter().map(|(_, d)| *d))
                .collect();
            Kept { rows: Batch::with_types(&types), args: expr.args.len(), directions }
        });
        AggregateState { states: grouped(expr.function, &expr.types), seen, kept }
    }

    /// Adds rows whose arguments and sort keys have been computed.
    fn add(&mut self, groups: &[u32], args: &[&Column], keys: &[&Column]) -> Result<()> {
        let distinct;
        let (groups, args, keys) = match &mut self.seen {
            None => (groups, args.to_vec(), keys.to_vec()),
            Some(seen) => {
                let number = number_column(groups);
                let mut columns = vec![&number];
                columns.extend(args);
                let first = first_seen(seen, &columns, groups.len());
                let pick = |columns: &[&Column]| -> Vec<Column> {
                    columns.iter().map(|c| c.gather(&first)).collect()
                };
                let groups: Vec<u32> =
                    first.iter().filter_map(|r| groups.get(*r as usize)).copied().collect();
                distinct = (groups, pick(args), pick(keys));
                (&distinct.0[..], distinct.1.iter().collect(), distinct.2.iter().collect())
            }
        };
        match &mut self.kept {
            None => self.states.add(groups, &args),
            Some(kept) => {
                let number = number_column(groups);
                let all = std::iter::once(&number).chain(args).chain(keys);
                for (mine, theirs) in kept.rows.columns.iter_mut().zip(all) {
                    mine.extend(theirs);
                }
                kept.rows.rows += groups.len();
                Ok(())
            }
        }
    }

    fn finish(&mut self, ty: &ColumnType) -> Result<Column> {
        if let Some(kept) = self.kept.take() {
            let columns = &kept.rows.columns;
            let sort: Vec<Column> = columns
                .iter()
                .enumerate()
                .filter(|(i, _)| *i == 0 || *i > kept.args)
                .map(|(_, c)| c.clone())
                .collect();
            let order = sort_rows(&sort, kept.rows.rows, &kept.directions);
            let sorted = kept.rows.gather(&order);
            let groups: Vec<u32> = (0..sorted.rows)
                .filter_map(|r| sorted.columns.first().and_then(|c| c.int(r)))
                .map(|g| g as u32)
                .collect();
            let args: Vec<&Column> = sorted.columns.iter().skip(1).take(kept.args).collect();
            self.states.add(&groups, &args)?;
        }
        self.states.finish(ty)
    }

    fn bytes(&self) -> usize {
        self.states.bytes()
            + self.seen.as_ref().map_or(0, KeyTable::bytes)
            + self.kept.as_ref().map_or(0, |k| k.rows.bytes())
    }
}

fn number_column(groups: &[u32]) -> Column {
    let data = crate::sql::exec::batch::Data::Int(groups.iter().map(|g| i64::from(*g)).collect());
    Column { ty: Type::Int8.into(), data, nulls: None }
}

impl Aggregate {
    /// An aggregation of an input.
    pub fn new(spec: Arc<AggregateSpec>, input: BoxOperator) -> Self {
        let sets = spec
            .sets
            .iter()
            .map(|members| {
                let types: Vec<ColumnType> =
                    members.iter().filter_map(|m| spec.types.get(*m)).cloned().collect();
                GroupingSet {
                    members: members.clone(),
                    keys: KeyTable::new(&types),
                    states: spec.aggregates.iter().map(AggregateState::new).collect(),
                }
            })
            .collect();
        Aggregate {
            spec,
            input,
            sets,
            results: None,
            current: None,
            charge: Charge::default(),
            parts: Parts::default(),
        }
    }

    fn consume(&mut self, run: &mut Run<'_, '_>) -> Result<()> {
        let spec = self.spec.clone();
        let mut numbers = Vec::new();
        let mut aside: Option<(Partitions, usize)> = None;
        while let Some(mut batch) = self.input.next(run)? {
            run.check()?;
            if let Some((aside, _)) = &mut aside {
                batch = self.known(batch, aside)?;
                if batch.rows == 0 {
                    continue;
                }
            }
            let prepared = spec
                .aggregates
                .iter()
                .map(|a| Prepared::new(a, &batch, run))
                .collect::<Result<Vec<_>>>()?;
            for set in &mut self.sets {
                let columns = set.columns(&spec, &batch);
                set.keys.insert(&columns, batch.rows, &mut numbers);
                for (state, rows) in set.states.iter_mut().zip(&prepared) {
                    state.states.resize(set.keys.len());
                    let args: Vec<&Column> = rows.args.iter().collect();
                    let keys: Vec<&Column> = rows.keys.iter().collect();
                    match &rows.selected {
                        None => state.add(&numbers, &args, &keys)?,
                        Some(selected) => {
                            let groups: Vec<u32> = selected
                                .iter()
                                .filter_map(|r| numbers.get(*r as usize))
                                .copied()
                                .collect();
                            state.add(&groups, &args, &keys)?;
                        }
                    }
                }
            }
            let bytes = self
                .sets
                .iter()
                .map(|s| s.keys.bytes() + s.states.iter().map(AggregateState::bytes).sum::<usize>())
                .sum();
            if self.charge.try_raise_to(bytes, run) {
                continue;
            }
            match &aside {
                None if self.may_put_aside() => {
                    let types: Vec<ColumnType> =
                        spec.input.columns.iter().map(|c| c.ty.clone()).collect();
                    aside = Some((Partitions::new(&types, KeyHasher::default(), run)?, bytes));
                }
                // The groups do not become more, so there is little that can still grow.
                Some((_, then)) if bytes <= then.saturating_mul(2) => {}
                _ => return Err(exceeded()),
            }
        }
        if let Some((aside, _)) = aside {
            self.parts = Parts::new(aside.finish()?);
        }
        Ok(())
    }

    fn may_put_aside(&self) -> bool {
        matches!(&self.sets[..], [set] if !set.members.is_empty())
    }

    /// The rows of a batch whose groups are known; the others are put aside.
    fn known(&self, batch: Batch, aside: &mut Partitions) -> Result<Batch> {
        let Some(set) = self.sets.first() else { return Ok(batch) };
        let columns = set.columns(&self.spec, &batch);
        let mut found = Vec::new();
        set.keys.find(&columns, batch.rows, true, &mut found);
        let (known, unknown): (Vec<u32>, Vec<u32>) = (0..batch.rows as u32)
            .partition(|row| found.get(*row as usize).is_some_and(Option::is_some));
        aside.push(&batch, &columns, Some(&unknown))?;
        Ok(if unknown.is_empty() { batch } else { batch.gather(&known) })
    }

    /// The rows of the parts, one part after the other.
    fn next_of_parts(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let spec = &self.spec;
        self.parts.next(run, |spool| {
            let input = (spool.rows() > 0).then(|| Box::new(SpoolScan::new(spool)))?;
            Some(Box::new(Aggregate::new(spec.clone(), input)))
        })
    }

    /// The rows of one grouping set.
    fn finish(&self, number: usize, mut set: GroupingSet) -> Result<Batch> {
        let spec = &*self.spec;
        if set.members.is_empty() && set.keys.is_empty() {
            // The grand total exists even if there are no rows.
            set.keys.insert(&[], 1, &mut Vec::new());
            for state in &mut set.states {
                state.states.resize(1);
            }
        }
        let rows = set.keys.len();
        let mut columns: Vec<Option<Column>> = vec![None; spec.groups.len()];
        for (member, key) in set.members.iter().zip(set.keys.into_keys()) {
            if let Some(place) = columns.get_mut(*member) {
                *place = Some(key);
            }
        }
        let mut out = Vec::with_capacity(spec.types.len());
        let mut types = spec.types.iter();
        for (column, ty) in columns.into_iter().zip(types.by_ref()) {
            out.push(column.unwrap_or_else(|| Column::constant(ty, &Datum::Null, rows)));
        }
        if spec.set_number
            && let Some(ty) = types.next()
        {
            let number = match ty.ty {
                Type::Int4 => Datum::Int4(number as i32),
                _ => Datum::Int8(number as i64),
            };
            out.push(Column::constant(ty, &number, rows));
        }
        for (state, ty) in set.states.iter_mut().zip(types) {
            out.push(state.finish(ty)?);
        }
        Ok(Batch { columns: out, rows })
    }
}

/// The arguments of an aggregate over a batch, of the rows that its FILTER lets through.
struct Prepared {
    selected: Option<Vec<u32>>,
    args: Vec<Column>,
    keys: Vec<Column>,
}

impl Prepared {
    fn new(expr: &AggregateExpr, batch: &Batch, run: &mut Run<'_, '_>) -> Result<Prepared> {
        let mut selected = match &expr.filter {
            None => None,
            Some(filter) => filter.select(run, batch, None)?,
        };
        if expr.function.ordered_set
            && let Some(last) = expr.args.last()
        {
            // An ordered-set aggregate does not see rows where what it orders is NULL.
            let value = last.eval(run, batch, selected.as_deref())?;
            let asked = selected.as_ref().map_or(batch.rows, Vec::len);
            if (0..asked).any(|k| value.is_null(k)) {
                let rows = (0..asked).filter(|k| !value.is_null(*k));
                selected = Some(match &selected {
                    None => rows.map(|k| k as u32).collect(),
                    Some(old) => rows.filter_map(|k| old.get(k)).copied().collect(),
                });
            }
        }
        let rows = selected.as_ref().map_or(batch.rows, Vec::len);
        let mut column = |e: &crate::sql::exec::eval::Expr| -> Result<Column> {
            let mut column = e.eval(run, batch, selected.as_deref())?.into_column(&e.ty, rows);
            column.ty = e.ty.clone();
            Ok(column)
        };
        let args = expr.args.iter().map(&mut column).collect::<Result<Vec<_>>>()?;
        let keys = expr.order_by.iter().map(|(e, _)| column(e)).collect::<Result<Vec<_>>>()?;
        Ok(Prepared { selected, args, keys })
    }
}

impl Operator for Aggregate {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        if self.results.is_none() {
            self.consume(run)?;
            let sets = std::mem::take(&mut self.sets);
            let mut results = Vec::with_capacity(sets.len());
            for (number, set) in sets.into_iter().enumerate() {
                results.push(self.finish(number, set)?);
            }
            self.results = Some(results.into_iter());
        }
        loop {
            if let Some((batch, next)) = &mut self.current {
                if *next < batch.rows {
                    let out = batch.slice(*next, BATCH_ROWS);
                    *next += out.rows;
                    return Ok(Some(out));
                }
                self.current = None;
            }
            match self.results.as_mut().and_then(Iterator::next) {
                Some(batch) => self.current = Some((batch, 0)),
                None => {
                    self.charge.release();
                    return self.next_of_parts(run);
                }
            }
        }
    }
}
