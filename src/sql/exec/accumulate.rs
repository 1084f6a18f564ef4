//! The states of one aggregate over all groups.
//!
//! The common ones keep a plain vector with one entry per group and add whole columns; any other
//! aggregate has a boxed accumulator per group, as the function table provides it.

use std::cmp::Ordering;

use crate::error::Result;
use crate::sql::exec::batch::{Column, Data};
use crate::sql::exec::column::{Layout, layout_of, sampled};
use crate::sql::exec::order::compare_values;
use crate::sql::function::{Accumulator, Aggregate};
use crate::types::{ColumnType, Datum, Numeric, Type, arith};

/// The states of one aggregate, by group number.
pub trait Grouped: Send {
    /// Makes room for more groups.
    fn resize(&mut self, groups: usize);
    /// Adds rows: their groups and their arguments.
    fn add(&mut self, groups: &[u32], args: &[&Column]) -> Result<()>;
    /// The results, by group.
    fn finish(&mut self, ty: &ColumnType) -> Result<Column>;
    /// Approximate bytes held.
    fn bytes(&self) -> usize;
}

/// States for an aggregate over arguments of some types.
pub fn grouped(function: &'static Aggregate, types: &[Type]) -> Box<dyn Grouped> {
    match (function.name, types) {
        ("count", []) => Box::new(Count { counts: Vec::new() }),
        ("count", [_]) => Box::new(Count { counts: Vec::new() }),
        ("sum", [Type::Int2 | Type::Int4]) => Box::new(IntSum::new(IntResult::Bigint)),
        ("sum", [Type::Int8]) => Box::new(IntSum::new(IntResult::Numeric)),
        ("avg", [Type::Int2 | Type::Int4 | Type::Int8]) => {
            Box::new(IntSum::new(IntResult::Average))
        }
        ("sum", [Type::Float8]) => Box::new(FloatSum { sums: Vec::new(), present: Vec::new() }),
        ("min" | "max", [ty])
            if matches!(layout_of(ty), Layout::Int | Layout::Float)
                || matches!(ty, Type::Text | Type::Varchar) =>
        {
            let wanted = if function.name == "min" { Ordering::Less } else { Ordering::Greater };
            Box::new(Extreme { wanted, best: None, places: Vec::new() })
        }
        _ => Box::new(Boxed { function, types: types.to_vec(), states: Vec::new() }),
    }
}

/// `count(*)` and `count(x)`.
struct Count {
    counts: Vec<i64>,
}

impl Grouped for Count {
    fn resize(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
    }
    fn add(&mut self, groups: &[u32], args: &[&Column]) -> Result<()> {
        let counts = &mut self.counts;
        match args.first().and_then(|c| c.nulls.as_ref()) {
            None if counts.len() == 1 => counts[0] += groups.len() as i64,
            None => groups.iter().for_each(|g| counts[*g as usize] += 1),
            Some(nulls) => groups
                .iter()
                .zip(nulls)
                .for_each(|(g, null)| counts[*g as usize] += i64::from(!null)),
        }
        Ok(())
    }
    fn finish(&mut self, ty: &ColumnType) -> Result<Column> {
        let data = Data::Int(std::mem::take(&mut self.counts));
        Ok(Column { ty: ty.clone(), data, nulls: None })
    }
    fn bytes(&self) -> usize {
        self.counts.len() * 8
    }
}

#[derive(Clone, Copy)]
enum IntResult {
    Bigint,
    Numeric,
    Average,
}

/// Sums and averages of integers. 128 bits hold the sum of more rows than there can be.
struct IntSum {
    sums: Vec<i128>,
    counts: Vec<i64>,
    result: IntResult,
}

impl IntSum {
    fn new(result: IntResult) -> Self {
        IntSum { sums: Vec::new(), counts: Vec::new(), result }
    }
}

impl Grouped for IntSum {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0);
        self.counts.resize(groups, 0);
    }
    fn add(&mut self, groups: &[u32], args: &[&Column]) -> Result<()> {
        let [column] = args else { return Ok(()) };
        match (&column.data, &column.nulls) {
            (Data::Int(values), None) if self.sums.len() == 1 => {
                self.sums[0] += values.iter().map(|v| i128::from(*v)).sum::<i128>();
                self.counts[0] += values.len() as i64;
            }
            (Data::Int(values), None) => {
                for (g, v) in groups.iter().zip(values) {
                    self.sums[*g as usize] += i128::from(*v);
                    self.counts[*g as usize] += 1;
                }
            }
            _ => {
                for (row, g) in groups.iter().enumerate() {
                    if let Some(v) = column.int(row) {
                        self.sums[*g as usize] += i128::from(v);
                        self.counts[*g as usize] += 1;
                    }
                }
            }
        }
        Ok(())
    }
    fn finish(&mut self, ty: &ColumnType) -> Result<Column> {
        let mut out = Column::with_capacity(ty.clone(), self.sums.len());
        for (sum, count) in self.sums.iter().zip(&self.counts) {
            if *count == 0 {
                out.push_null();
                continue;
            }
            out.push(&match self.result {
                IntResult::Bigint => {
                    Datum::Int8(i64::try_from(*sum).map_err(|_| arith::out_of_range("bigint"))?)
                }
                IntResult::Numeric => Datum::Numeric(Numeric::from_i128(*sum, 0)),
                IntResult::Average => {
                    Datum::Numeric(Numeric::from_i128(*sum, 0).div(&Numeric::from_i64(*count))?)
                }
            });
        }
        Ok(out)
    }
    fn bytes(&self) -> usize {
        self.sums.len() * 24
    }
}

/// `sum(float8)`
struct FloatSum {
    sums: Vec<f64>,
    present: Vec<bool>,
}

impl Grouped for FloatSum {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0.0);
        self.present.resize(groups, false);
    }
    fn add(&mut self, groups: &[u32], args: &[&Column]) -> Result<()> {
        let [column] = args else { return Ok(()) };
        for (row, g) in groups.iter().enumerate() {
            if column.is_null(row) {
                continue;
            }
            let value = match &column.data {
                Data::Float(values) => values.get(row).copied().unwrap_or(0.0),
                _ => match column.datum(row) {
                    Datum::Float8(v) => v,
                    _ => continue,
                },
            };
            let g = *g as usize;
            // The first value is taken as it is, so that the sum of one -0 is -0.
            self.sums[g] =
                if self.present[g] { arith::float8_add(self.sums[g], value)? } else { value };
            self.present[g] = true;
        }
        Ok(())
    }
    fn finish(&mut self, ty: &ColumnType) -> Result<Column> {
        let nulls: Vec<bool> = self.present.iter().map(|p| !p).collect();
        let nulls = nulls.contains(&true).then_some(nulls);
        Ok(Column { ty: ty.clone(), data: Data::Float(std::mem::take(&mut self.sums)), nulls })
    }
    fn bytes(&self) -> usize {
        self.sums.len() * 9
    }
}

/// `min` and `max` of what is held in typed vectors.
struct Extreme {
    wanted: Ordering,
    /// Candidates; a better one is added at the end and the place moved to it.
    best: Option<Column>,
    /// By group, where its candidate is.
    places: Vec<Option<u32>>,
}

impl Extreme {
    /// Drops the candidates that were beaten.
    fn compact(&mut self) {
        if let Some(best) = &mut self.best {
            let rows: Vec<u32> = self.places.iter().flatten().copied().collect();
            *best = best.gather(&rows);
            for (next, place) in self.places.iter_mut().flatten().enumerate() {
                *place = next as u32;
            }
        }
    }
}

impl Grouped for Extreme {
    fn resize(&mut self, groups: usize) {
        self.places.resize(groups, None);
    }
    fn add(&mut self, groups: &[u32], args: &[&Column]) -> Result<()> {
        let [column] = args else { return Ok(()) };
        let best = self.best.get_or_insert_with(|| Column::empty(column.ty.clone()));
        for (row, g) in groups.iter().enumerate() {
            if column.is_null(row) {
                continue;
            }
            let Some(place) = self.places.get_mut(*g as usize) else { continue };
            let better = match *place {
                None => true,
                Some(at) => compare_values(column, row, best, at as usize) == self.wanted,
            };
            if !better {
                continue;
            }
            match (*place, &mut best.data, &column.data) {
                (Some(at), Data::Int(mine), Data::Int(theirs)) => {
                    mine[at as usize] = theirs[row];
                }
                (Some(at), Data::Float(mine), Data::Float(theirs)) => {
                    mine[at as usize] = theirs[row];
                }
                _ => {
                    *place = Some(best.len() as u32);
                    best.push_from(column, row);
                }
            }
        }
        if best.len() > 2 * self.places.len() + 1024 {
            self.compact();
        }
        Ok(())
    }
    fn finish(&mut self, ty: &ColumnType) -> Result<Column> {
        let mut out = Column::with_capacity(ty.clone(), self.places.len());
        for place in &self.places {
            match (place, &self.best) {
                (Some(at), Some(best)) => out.push_from(best, *at as usize),
                _ => out.push_null(),
            }
        }
        Ok(out)
    }
    fn bytes(&self) -> usize {
        self.places.len() * 8 + self.best.as_ref().map_or(0, Column::bytes)
    }
}

/// Any aggregate.
struct Boxed {
    function: &'static Aggregate,
    types: Vec<Type>,
    states: Vec<Box<dyn Accumulator>>,
}

impl Grouped for Boxed {
    fn resize(&mut self, groups: usize) {
        while self.states.len() < groups {
            self.states.push((self.function.start)(&self.types));
        }
    }
    fn add(&mut self, groups: &[u32], args: &[&Column]) -> Result<()> {
        for (row, g) in groups.iter().enumerate() {
            if let Some(state) = self.states.get_mut(*g as usize) {
                state.add_row(args, row)?;
            }
        }
        Ok(())
    }
    fn finish(&mut self, ty: &ColumnType) -> Result<Column> {
        let mut out = Column::with_capacity(ty.clone(), self.states.len());
        for state in &mut self.states {
            out.push(&state.finish()?);
        }
        Ok(out)
    }
    fn bytes(&self) -> usize {
        sampled(self.states.len(), |i| self.states.get(i).map_or(0, |s| s.bytes()))
    }
}
