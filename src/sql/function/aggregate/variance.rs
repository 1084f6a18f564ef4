//! Variances and standard deviations: of floats by running moments, of the rest exactly.

use super::super::Accumulator;
use super::super::args::any;
use super::super::row::{AggregateRow, agg};
use super::number::Moments;
use crate::error::{Error, Result};
use crate::types::{Datum, Numeric};

/// Which of the four it is.
#[derive(Clone, Copy)]
struct Measure {
    /// Divides by one less than the count.
    sample: bool,
    /// The root of the variance.
    deviation: bool,
}

const VAR_POP: Measure = Measure { sample: false, deviation: false };
const VAR_SAMP: Measure = Measure { sample: true, deviation: false };
const STDDEV_POP: Measure = Measure { sample: false, deviation: true };
const STDDEV_SAMP: Measure = Measure { sample: true, deviation: true };

macro_rules! measures {
    ($($name:literal $measure:ident: $i2:literal $i4:literal $i8:literal $n:literal $f4:literal $f8:literal;)*) => {
        pub(super) const AGGREGATES: &[AggregateRow] = &[$(
            agg($i2, $name, "int2", "numeric", |_| Exact::boxed($measure)),
            agg($i4, $name, "int4", "numeric", |_| Exact::boxed($measure)),
            agg($i8, $name, "int8", "numeric", |_| Exact::boxed($measure)),
            agg($n, $name, "numeric", "numeric", |_| Exact::boxed($measure)),
            agg($f4, $name, "float4", "float8", |_| Floating::boxed($measure)),
            agg($f8, $name, "float8", "float8", |_| Floating::boxed($measure)),
        )*];
    };
}

measures! {
    "var_pop" VAR_POP: 2720 2719 2718 2723 2721 2722;
    "var_samp" VAR_SAMP: 2643 2642 2641 2646 2644 2645;
    "variance" VAR_SAMP: 2150 2149 2148 2153 2151 2152;
    "stddev_pop" STDDEV_POP: 2726 2725 2724 2729 2727 2728;
    "stddev_samp" STDDEV_SAMP: 2714 2713 2712 2717 2715 2716;
    "stddev" STDDEV_SAMP: 2156 2155 2154 2159 2157 2158;
}

/// Over integers and numerics: count, sum and sum of squares, all exact.
struct Exact {
    count: i64,
    sum: Numeric,
    squares: Numeric,
    measure: Measure,
}

impl Exact {
    fn boxed(measure: Measure) -> Box<dyn Accumulator> {
        Box::new(Exact { count: 0, sum: Numeric::ZERO, squares: Numeric::ZERO, measure })
    }
}

impl Accumulator for Exact {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        let value = match any(args, 0)? {
            Datum::Null => return Ok(()),
            Datum::Int2(v) => Numeric::from_i64((*v).into()),
            Datum::Int4(v) => Numeric::from_i64((*v).into()),
            Datum::Int8(v) => Numeric::from_i64(*v),
            Datum::Numeric(v) => v.clone(),
            other => return Err(Error::internal(format!("variance of {other:?}"))),
        };
        self.count += 1;
        self.sum = self.sum.add(&value)?;
        self.squares = self.squares.add(&value.mul(&value)?)?;
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        if self.count <= i64::from(self.measure.sample) {
            return Ok(Datum::Null);
        }
        let count = Numeric::from_i64(self.count);
        let spread = count.mul(&self.squares)?.sub(&self.sum.mul(&self.sum)?)?;
        if spread.compare(&Numeric::ZERO).is_le() {
            return Ok(Datum::Numeric(Numeric::ZERO));
        }
        let divisor = Numeric::from_i64(self.count - i64::from(self.measure.sample));
        let variance = spread.div(&count.mul(&divisor)?)?;
        Ok(Datum::Numeric(match self.measure.deviation {
            // The root has the digits of the variance, however many it could have itself.
            true => variance.sqrt()?.round(variance.scale().into()),
            false => variance,
        }))
    }
}

/// Over floats.
struct Floating {
    moments: Moments,
    measure: Measure,
}

impl Floating {
    fn boxed(measure: Measure) -> Box<dyn Accumulator> {
        Box::new(Floating { moments: Moments::default(), measure })
    }
}

impl Accumulator for Floating {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        match any(args, 0)? {
            Datum::Null => Ok(()),
            Datum::Float4(v) => self.moments.take((*v).into()),
            Datum::Float8(v) => self.moments.take(*v),
            other => Err(Error::internal(format!("variance of {other:?}"))),
        }
    }
    fn finish(&mut self) -> Result<Datum> {
        let divisor = self.moments.count - f64::from(u8::from(self.measure.sample));
        if divisor <= 0.0 {
            return Ok(Datum::Null);
        }
        let variance = self.moments.squares / divisor;
        Ok(Datum::Float8(if self.measure.deviation { variance.sqrt() } else { variance }))
    }
}
