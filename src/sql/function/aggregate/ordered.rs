//! Ordered-set aggregates: mode, percentile_cont, percentile_disc. Rows arrive in the order of
//! WITHIN GROUP, without those in which the ordered expression is NULL.

use super::super::Accumulator;
use super::super::args::{any, array, f8};
use super::super::row::{AggregateRow, agg};
use super::held;
use crate::error::{Error, Result, sqlstate};
use crate::types::compare::compare_typed;
use crate::types::{Array, Datum, Type};

pub(super) const AGGREGATES: &[AggregateRow] = &[
    agg(3984, "mode", "anyelement", "anyelement", |types| {
        let ty = types.first().cloned().unwrap_or(Type::Text);
        Box::new(Mode { ty, current: (Datum::Null, 0), best: (Datum::Null, 0) })
    })
    .ordered_set(),
    agg(3974, "percentile_cont", "float8 float8", "float8", |t| Percentile::boxed(t, true))
        .ordered_set(),
    agg(3976, "percentile_cont", "float8 interval", "interval", |t| Percentile::boxed(t, true))
        .ordered_set(),
    agg(3980, "percentile_cont", "_float8 float8", "_float8", |t| Percentile::boxed(t, true))
        .ordered_set(),
    agg(3982, "percentile_cont", "_float8 interval", "_interval", |t| Percentile::boxed(t, true))
        .ordered_set(),
    agg(3972, "percentile_disc", "float8 anyelement", "anyelement", |t| {
        Percentile::boxed(t, false)
    })
    .ordered_set(),
    agg(3978, "percentile_disc", "_float8 anyelement", "anyarray", |t| Percentile::boxed(t, false))
        .ordered_set(),
];

/// The most frequent value, the first of several.
struct Mode {
    ty: Type,
    current: (Datum, u64),
    best: (Datum, u64),
}

impl Accumulator for Mode {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        let value = any(args, 0)?;
        if value.is_null() {
            return Ok(());
        }
        if self.current.1 > 0 && compare_typed(&self.ty, value, &self.current.0).is_eq() {
            self.current.1 += 1;
        } else {
            self.current = (value.clone(), 1);
        }
        if self.current.1 > self.best.1 {
            self.best = self.current.clone();
        }
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.best.0.clone())
    }
}

/// The value at a fraction of the rows (or at several).
struct Percentile {
    /// The fraction or fractions, known from the first row on.
    fractions: Datum,
    values: Vec<Datum>,
    value_type: Type,
    continuous: bool,
    bytes: usize,
}

impl Percentile {
    fn boxed(types: &[Type], continuous: bool) -> Box<dyn Accumulator> {
        Box::new(Percentile {
            fractions: Datum::Null,
            values: Vec::new(),
            value_type: types.get(1).cloned().unwrap_or(Type::Float8),
            continuous,
            bytes: 0,
        })
    }

    fn at(&self, fraction: &Datum) -> Result<Datum> {
        let p = match fraction {
            Datum::Float8(p) => *p,
            _ => return Ok(Datum::Null),
        };
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::new(
                sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
                format!("percentile value {p} is not between 0 and 1"),
            ));
        }
        let Some(last) = self.values.len().checked_sub(1) else { return Ok(Datum::Null) };
        if !self.continuous {
            let row = (p * self.values.len() as f64).ceil() as usize;
            return Ok(self.values.get(row.saturating_sub(1).min(last)).cloned().into());
        }
        let place = p * last as f64;
        let (low, high) = (place.floor(), place.ceil());
        let value = |row: f64| self.values.get((row as usize).min(last));
        match (value(low), value(high)) {
            (Some(low), Some(high)) => between(low, high, place - place.floor()),
            _ => Ok(Datum::Null),
        }
    }
}

/// The point at a share of the way from one value to another.
fn between(low: &Datum, high: &Datum, share: f64) -> Result<Datum> {
    match (low, high) {
        _ if share == 0.0 => Ok(low.clone()),
        (Datum::Float8(low), Datum::Float8(high)) => Ok(Datum::Float8(low + share * (high - low))),
        (Datum::Interval(low), Datum::Interval(high)) => {
            let way = high.checked_sub(*low)?.checked_mul(share)?;
            Ok(Datum::Interval(way.checked_add(*low)?))
        }
        other => Err(Error::internal(format!("no point between {other:?}"))),
    }
}

impl Accumulator for Percentile {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        let value = any(args, 1)?;
        if value.is_null() {
            return Ok(());
        }
        if self.values.is_empty() {
            self.fractions = any(args, 0)?.clone();
        }
        self.bytes += held(value);
        self.values.push(value.clone());
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        let fractions = std::slice::from_ref(&self.fractions);
        match &self.fractions {
            Datum::Null => Ok(Datum::Null),
            Datum::Array(_) => {
                let fractions = array(fractions, 0)?;
                let items = fractions.items.iter().map(|p| self.at(p)).collect::<Result<_>>()?;
                let dimensions = fractions.dimensions.clone();
                let element = self.value_type.clone();
                Ok(Datum::Array(Array { element, dimensions, items }.into()))
            }
            _ => self.at(&Datum::Float8(f8(fractions, 0)?)),
        }
    }
    fn bytes(&self) -> usize {
        128 + self.bytes
    }
}
