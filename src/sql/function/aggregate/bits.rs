//! bool_and, bool_or, every, bit_and, bit_or, bit_xor.

use super::super::Accumulator;
use super::super::args::any;
use super::super::row::{AggregateRow, agg};
use crate::error::{Error, Result};
use crate::types::Datum;

pub(super) const AGGREGATES: &[AggregateRow] = &[
    agg(2517, "bool_and", "bool", "bool", |_| Fold::boxed(|a, b| a & b)),
    agg(2519, "every", "bool", "bool", |_| Fold::boxed(|a, b| a & b)),
    agg(2518, "bool_or", "bool", "bool", |_| Fold::boxed(|a, b| a | b)),
    agg(2236, "bit_and", "int2", "int2", |_| Fold::boxed(|a, b| a & b)),
    agg(2238, "bit_and", "int4", "int4", |_| Fold::boxed(|a, b| a & b)),
    agg(2240, "bit_and", "int8", "int8", |_| Fold::boxed(|a, b| a & b)),
    agg(2237, "bit_or", "int2", "int2", |_| Fold::boxed(|a, b| a | b)),
    agg(2239, "bit_or", "int4", "int4", |_| Fold::boxed(|a, b| a | b)),
    agg(2241, "bit_or", "int8", "int8", |_| Fold::boxed(|a, b| a | b)),
    agg(6164, "bit_xor", "int2", "int2", |_| Fold::boxed(|a, b| a ^ b)),
    agg(6165, "bit_xor", "int4", "int4", |_| Fold::boxed(|a, b| a ^ b)),
    agg(6166, "bit_xor", "int8", "int8", |_| Fold::boxed(|a, b| a ^ b)),
];

/// All values joined by one operation on bits; a boolean is one bit.
struct Fold {
    bits: Option<i64>,
    join: fn(i64, i64) -> i64,
    /// Makes the result of the type that came in.
    datum: fn(i64) -> Datum,
}

impl Fold {
    fn boxed(join: fn(i64, i64) -> i64) -> Box<dyn Accumulator> {
        Box::new(Fold { bits: None, join, datum: Datum::Int8 })
    }
}

impl Accumulator for Fold {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        let (bits, datum): (i64, fn(i64) -> Datum) = match any(args, 0)? {
            Datum::Null => return Ok(()),
            Datum::Bool(v) => (i64::from(*v), |bits| Datum::Bool(bits != 0)),
            Datum::Int2(v) => (i64::from(*v), |bits| Datum::Int2(bits as i16)),
            Datum::Int4(v) => (i64::from(*v), |bits| Datum::Int4(bits as i32)),
            Datum::Int8(v) => (*v, Datum::Int8),
            other => return Err(Error::internal(format!("{other:?} among bits"))),
        };
        self.datum = datum;
        self.bits = Some(self.bits.map_or(bits, |so_far| (self.join)(so_far, bits)));
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.bits.map(self.datum).into())
    }
}
