//! Statistics of pairs: covariance, correlation, linear regression. The first argument is the
//! dependent variable.

use super::super::Accumulator;
use super::super::args::f8;
use super::super::row::{AggregateRow, agg};
use crate::error::Result;
use crate::types::{Datum, arith};

pub(super) const AGGREGATES: &[AggregateRow] = &[
    agg(2827, "covar_pop", "float8 float8", "float8", |_| pairs(|s| Some(s.products / s.count))),
    agg(2828, "covar_samp", "float8 float8", "float8", |_| {
        pairs(|s| (s.count > 1.0).then(|| s.products / (s.count - 1.0)))
    }),
    agg(2829, "corr", "float8 float8", "float8", |_| {
        pairs(|s| {
            let spread = s.x_squares != 0.0 && s.y_squares != 0.0;
            spread.then(|| s.products / (s.x_squares * s.y_squares).sqrt())
        })
    }),
    agg(2818, "regr_count", "float8 float8", "int8", |_| {
        Box::new(Pairs { sums: Sums::default(), result: |s| Datum::Int8(s.count as i64) })
    }),
    agg(2819, "regr_sxx", "float8 float8", "float8", |_| pairs(|s| Some(s.x_squares))),
    agg(2820, "regr_syy", "float8 float8", "float8", |_| pairs(|s| Some(s.y_squares))),
    agg(2821, "regr_sxy", "float8 float8", "float8", |_| pairs(|s| Some(s.products))),
    agg(2822, "regr_avgx", "float8 float8", "float8", |_| pairs(|s| Some(s.x / s.count))),
    agg(2823, "regr_avgy", "float8 float8", "float8", |_| pairs(|s| Some(s.y / s.count))),
    agg(2824, "regr_r2", "float8 float8", "float8", |_| {
        pairs(|s| match (s.x_squares == 0.0, s.y_squares == 0.0) {
            (true, _) => None,
            (false, true) => Some(1.0),
            _ => Some(s.products * s.products / (s.x_squares * s.y_squares)),
        })
    }),
    agg(2825, "regr_slope", "float8 float8", "float8", |_| {
        pairs(|s| (s.x_squares != 0.0).then(|| s.products / s.x_squares))
    }),
    agg(2826, "regr_intercept", "float8 float8", "float8", |_| {
        pairs(|s| (s.x_squares != 0.0).then(|| (s.y - s.x * s.products / s.x_squares) / s.count))
    }),
];

/// Count, sums, and sums of squared and multiplied deviations (Youngs and Cramer's update).
#[derive(Default)]
struct Sums {
    count: f64,
    x: f64,
    y: f64,
    x_squares: f64,
    y_squares: f64,
    products: f64,
}

impl Sums {
    fn take(&mut self, y: f64, x: f64) -> Result<()> {
        let (before, x_before, y_before) = (self.count, self.x, self.y);
        self.count += 1.0;
        self.x += x;
        self.y += y;
        if before == 0.0 {
            if !x.is_finite() {
                (self.x_squares, self.products) = (f64::NAN, f64::NAN);
            }
            if !y.is_finite() {
                (self.y_squares, self.products) = (f64::NAN, f64::NAN);
            }
            return Ok(());
        }
        let dx = x * self.count - self.x;
        let dy = y * self.count - self.y;
        let scale = 1.0 / (self.count * before);
        self.x_squares += dx * dx * scale;
        self.y_squares += dy * dy * scale;
        self.products += dx * dy * scale;
        let x_grew = self.x.is_infinite() || self.x_squares.is_infinite();
        let y_grew = self.y.is_infinite() || self.y_squares.is_infinite();
        let x_finite = x_before.is_finite() && x.is_finite();
        let y_finite = y_before.is_finite() && y.is_finite();
        if (x_grew && x_finite)
            || (y_grew && y_finite)
            || (self.products.is_infinite() && x_finite && y_finite)
        {
            return Err(arith::float_overflow());
        }
        for sum in [&mut self.x_squares, &mut self.y_squares, &mut self.products] {
            if sum.is_infinite() {
                *sum = f64::NAN;
            }
        }
        Ok(())
    }
}

/// One measure over the pairs in which neither is NULL.
struct Pairs {
    sums: Sums,
    result: fn(&Sums) -> Datum,
}

fn pairs(measure: fn(&Sums) -> Option<f64>) -> Box<dyn Accumulator> {
    Box::new(Measured { sums: Sums::default(), measure })
}

/// A measure that is NULL without pairs.
struct Measured {
    sums: Sums,
    measure: fn(&Sums) -> Option<f64>,
}

fn take(sums: &mut Sums, args: &[Datum]) -> Result<()> {
    if args.iter().any(Datum::is_null) {
        return Ok(());
    }
    sums.take(f8(args, 0)?, f8(args, 1)?)
}

impl Accumulator for Pairs {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        take(&mut self.sums, args)
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok((self.result)(&self.sums))
    }
}

impl Accumulator for Measured {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        take(&mut self.sums, args)
    }
    fn finish(&mut self) -> Result<Datum> {
        if self.sums.count < 1.0 {
            return Ok(Datum::Null);
        }
        Ok((self.measure)(&self.sums).map(Datum::Float8).into())
    }
}
