//! count, sum and avg.

use super::super::Accumulator;
use super::super::args::any;
use super::super::row::{AggregateRow, agg};
use super::null_at;
use crate::error::{Error, Result};
use crate::sql::exec::batch::{Column, Data};
use crate::types::{Datum, Interval, Numeric, arith};

pub(super) const AGGREGATES: &[AggregateRow] = &[
    agg(2803, "count", "", "int8", |_| Box::new(CountRows(0))),
    agg(2147, "count", "any", "int8", |_| Box::new(CountValues(0))),
    agg(2109, "sum", "int2", "int8", |_| IntSum::boxed(IntResult::Sum8)),
    agg(2108, "sum", "int4", "int8", |_| IntSum::boxed(IntResult::Sum8)),
    agg(2107, "sum", "int8", "numeric", |_| IntSum::boxed(IntResult::SumNumeric)),
    agg(2110, "sum", "float4", "float4", |_| Box::new(RealSum(None))),
    agg(2111, "sum", "float8", "float8", |_| Box::new(FloatSum(None))),
    agg(2114, "sum", "numeric", "numeric", |_| NumericSum::boxed(false)),
    agg(2113, "sum", "interval", "interval", |_| IntervalSum::boxed(false)),
    agg(2102, "avg", "int2", "numeric", |_| IntSum::boxed(IntResult::Average)),
    agg(2101, "avg", "int4", "numeric", |_| IntSum::boxed(IntResult::Average)),
    agg(2100, "avg", "int8", "numeric", |_| IntSum::boxed(IntResult::Average)),
    agg(2104, "avg", "float4", "float8", |_| Box::new(FloatAverage::default())),
    agg(2105, "avg", "float8", "float8", |_| Box::new(FloatAverage::default())),
    agg(2103, "avg", "numeric", "numeric", |_| NumericSum::boxed(true)),
    agg(2106, "avg", "interval", "interval", |_| IntervalSum::boxed(true)),
];

fn misfit(value: &Datum) -> Error {
    Error::internal(format!("aggregate over {} was given {value:?}", value.shown_type()))
}

/// `count(*)`
struct CountRows(i64);

impl Accumulator for CountRows {
    fn add(&mut self, _: &[Datum]) -> Result<()> {
        self.0 += 1;
        Ok(())
    }
    fn add_row(&mut self, _: &[&Column], _: usize) -> Result<()> {
        self.0 += 1;
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(Datum::Int8(self.0))
    }
}

/// `count(x)`
struct CountValues(i64);

impl Accumulator for CountValues {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        self.0 += i64::from(!any(args, 0)?.is_null());
        Ok(())
    }
    fn add_row(&mut self, args: &[&Column], row: usize) -> Result<()> {
        if let [column] = args {
            let null = match &column.data {
                Data::Any(values) => values.get(row).is_none_or(Datum::is_null),
                _ => false,
            };
            self.0 += i64::from(!null && !null_at(column, row));
        }
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(Datum::Int8(self.0))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum IntResult {
    Sum8,
    SumNumeric,
    Average,
}

/// Sum or average of integers. 128 bits hold the sum of more rows than there can be.
struct IntSum {
    sum: i128,
    count: i64,
    result: IntResult,
}

impl IntSum {
    fn boxed(result: IntResult) -> Box<dyn Accumulator> {
        Box::new(IntSum { sum: 0, count: 0, result })
    }

    #[inline]
    fn take(&mut self, value: i64) {
        self.sum += i128::from(value);
        self.count += 1;
    }
}

impl Accumulator for IntSum {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        match any(args, 0)? {
            Datum::Null => {}
            Datum::Int2(v) => self.take((*v).into()),
            Datum::Int4(v) => self.take((*v).into()),
            Datum::Int8(v) => self.take(*v),
            other => return Err(misfit(other)),
        }
        Ok(())
    }
    fn add_row(&mut self, args: &[&Column], row: usize) -> Result<()> {
        match args {
            [column @ Column { data: Data::Int(values), .. }] => {
                if !null_at(column, row)
                    && let Some(value) = values.get(row)
                {
                    self.take(*value);
                }
                Ok(())
            }
            [column] => self.add(&[column.datum(row)]),
            _ => Err(Error::internal("sum of not one column")),
        }
    }
    fn finish(&mut self) -> Result<Datum> {
        if self.count == 0 {
            return Ok(Datum::Null);
        }
        Ok(match self.result {
            IntResult::Sum8 => {
                Datum::Int8(i64::try_from(self.sum).map_err(|_| arith::out_of_range("bigint"))?)
            }
            IntResult::SumNumeric => Datum::Numeric(Numeric::from_i128(self.sum, 0)),
            IntResult::Average => {
                Datum::Numeric(Numeric::from_i128(self.sum, 0).div(&Numeric::from_i64(self.count))?)
            }
        })
    }
}

/// The value of a float column in a row, `None` for NULL.
#[inline]
fn float_at(args: &[&Column], row: usize) -> Result<Option<f64>> {
    match args {
        [column @ Column { data: Data::Float(values), .. }] => {
            Ok(values.get(row).copied().filter(|_| !null_at(column, row)))
        }
        [column] => float_of(&column.datum(row)),
        _ => Err(Error::internal("float aggregate of not one column")),
    }
}

fn float_of(value: &Datum) -> Result<Option<f64>> {
    match value {
        Datum::Null => Ok(None),
        Datum::Float4(v) => Ok(Some((*v).into())),
        Datum::Float8(v) => Ok(Some(*v)),
        other => Err(misfit(other)),
    }
}

/// `sum(real)`, added up as real.
struct RealSum(Option<f32>);

impl RealSum {
    fn take(&mut self, value: Option<f64>) -> Result<()> {
        if let Some(value) = value {
            let value = value as f32;
            self.0 = Some(self.0.map_or(Ok(value), |sum| arith::float4_add(sum, value))?);
        }
        Ok(())
    }
}

impl Accumulator for RealSum {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        self.take(float_of(any(args, 0)?)?)
    }
    fn add_row(&mut self, args: &[&Column], row: usize) -> Result<()> {
        self.take(float_at(args, row)?)
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.0.map(Datum::Float4).into())
    }
}

/// `sum(double precision)`
struct FloatSum(Option<f64>);

impl FloatSum {
    #[inline]
    fn take(&mut self, value: Option<f64>) -> Result<()> {
        if let Some(value) = value {
            self.0 = Some(self.0.map_or(Ok(value), |sum| arith::float8_add(sum, value))?);
        }
        Ok(())
    }
}

impl Accumulator for FloatSum {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        self.take(float_of(any(args, 0)?)?)
    }
    fn add_row(&mut self, args: &[&Column], row: usize) -> Result<()> {
        self.take(float_at(args, row)?)
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.0.map(Datum::Float8).into())
    }
}

/// Count, sum and sum of squared deviations of floats (Youngs and Cramer's update), which the
/// average, the variances and their kin are made of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    pub(super) count: f64,
    pub(super) sum: f64,
    pub(super) squares: f64,
}

impl Moments {
    #[inline]
    pub(super) fn take(&mut self, value: f64) -> Result<()> {
        let before = *self;
        self.count += 1.0;
        self.sum += value;
        if before.count > 0.0 {
            let deviation = value * self.count - self.sum;
            self.squares += deviation * deviation / (self.count * before.count);
            if self.sum.is_infinite() || self.squares.is_infinite() {
                if before.sum.is_finite() && value.is_finite() {
                    return Err(arith::float_overflow());
                }
                self.squares = f64::NAN;
            }
        } else if !value.is_finite() {
            // The deviation of an infinity from itself is not a number.
            self.squares = f64::NAN;
        }
        Ok(())
    }
}

/// `avg(real)`, `avg(double precision)`
#[derive(Default)]
struct FloatAverage(Moments);

impl Accumulator for FloatAverage {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        float_of(any(args, 0)?)?.map_or(Ok(()), |v| self.0.take(v))
    }
    fn add_row(&mut self, args: &[&Column], row: usize) -> Result<()> {
        float_at(args, row)?.map_or(Ok(()), |v| self.0.take(v))
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok((self.0.count > 0.0).then(|| Datum::Float8(self.0.sum / self.0.count)).into())
    }
}

/// Sum or average of numerics.
struct NumericSum {
    sum: Option<Numeric>,
    count: i64,
    average: bool,
}

impl NumericSum {
    fn boxed(average: bool) -> Box<dyn Accumulator> {
        Box::new(NumericSum { sum: None, count: 0, average })
    }
}

impl Accumulator for NumericSum {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        match any(args, 0)? {
            Datum::Null => {}
            Datum::Numeric(value) => {
                self.count += 1;
                self.sum = Some(match &self.sum {
                    Some(sum) => sum.add(value)?,
                    None => value.clone(),
                });
            }
            other => return Err(misfit(other)),
        }
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        let Some(sum) = &self.sum else { return Ok(Datum::Null) };
        Ok(Datum::Numeric(match self.average {
            true => sum.div(&Numeric::from_i64(self.count))?,
            false => sum.clone(),
        }))
    }
}

/// Sum or average of intervals.
struct IntervalSum {
    sum: Interval,
    count: i64,
    average: bool,
}

impl IntervalSum {
    fn boxed(average: bool) -> Box<dyn Accumulator> {
        Box::new(IntervalSum { sum: Interval::default(), count: 0, average })
    }
}

impl Accumulator for IntervalSum {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        match any(args, 0)? {
            Datum::Null => {}
            Datum::Interval(value) => {
                self.count += 1;
                self.sum = self.sum.checked_add(*value)?;
            }
            other => return Err(misfit(other)),
        }
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        if self.count == 0 {
            return Ok(Datum::Null);
        }
        Ok(Datum::Interval(match self.average {
            true => self.sum.checked_div(self.count as f64)?,
            false => self.sum,
        }))
    }
}
