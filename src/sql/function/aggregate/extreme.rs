//! min and max.

use std::cmp::Ordering;

use super::super::Accumulator;
use super::super::args::any;
use super::super::kernel::float_order;
use super::super::row::{AggregateRow, agg};
use super::null_at;
use crate::error::{Error, Result};
use crate::sql::exec::batch::{Column, Data};
use crate::types::compare::compare_typed;
use crate::types::{Datum, Type};

pub(super) const AGGREGATES: &[AggregateRow] = &[
    agg(2133, "min", "int2", "int2", |_| Ints::boxed(Ordering::Less, |v| Datum::Int2(v as i16))),
    agg(2132, "min", "int4", "int4", |_| Ints::boxed(Ordering::Less, |v| Datum::Int4(v as i32))),
    agg(2131, "min", "int8", "int8", |_| Ints::boxed(Ordering::Less, Datum::Int8)),
    agg(2134, "min", "oid", "oid", |_| Ints::boxed(Ordering::Less, |v| Datum::Oid(v as u32))),
    agg(2138, "min", "date", "date", |_| Ints::boxed(Ordering::Less, |v| Datum::Date(v as i32))),
    agg(2139, "min", "time", "time", |_| Ints::boxed(Ordering::Less, Datum::Time)),
    agg(2142, "min", "timestamp", "timestamp", |_| Ints::boxed(Ordering::Less, Datum::Timestamp)),
    agg(2143, "min", "timestamptz", "timestamptz", |_| {
        Ints::boxed(Ordering::Less, Datum::Timestamptz)
    }),
    agg(2135, "min", "float4", "float4", |_| {
        Floats::boxed(Ordering::Less, |v| Datum::Float4(v as f32))
    }),
    agg(2136, "min", "float8", "float8", |_| Floats::boxed(Ordering::Less, Datum::Float8)),
    agg(2140, "min", "timetz", "timetz", |types| Values::boxed(Ordering::Less, types)),
    agg(2144, "min", "interval", "interval", |types| Values::boxed(Ordering::Less, types)),
    agg(2146, "min", "numeric", "numeric", |types| Values::boxed(Ordering::Less, types)),
    agg(2145, "min", "text", "text", |types| Values::boxed(Ordering::Less, types)),
    agg(2245, "min", "bpchar", "bpchar", |_| Values::boxed(Ordering::Less, &[Type::Bpchar])),
    agg(3527, "min", "anyenum", "anyenum", |types| Values::boxed(Ordering::Less, types)),
    agg(2051, "min", "anyarray", "anyarray", |types| Values::boxed(Ordering::Less, types)),
    agg(2117, "max", "int2", "int2", |_| Ints::boxed(Ordering::Greater, |v| Datum::Int2(v as i16))),
    agg(2116, "max", "int4", "int4", |_| Ints::boxed(Ordering::Greater, |v| Datum::Int4(v as i32))),
    agg(2115, "max", "int8", "int8", |_| Ints::boxed(Ordering::Greater, Datum::Int8)),
    agg(2118, "max", "oid", "oid", |_| Ints::boxed(Ordering::Greater, |v| Datum::Oid(v as u32))),
    agg(2122, "max", "date", "date", |_| Ints::boxed(Ordering::Greater, |v| Datum::Date(v as i32))),
    agg(2123, "max", "time", "time", |_| Ints::boxed(Ordering::Greater, Datum::Time)),
    agg(2126, "max", "timestamp", "timestamp", |_| {
        Ints::boxed(Ordering::Greater, Datum::Timestamp)
    }),
    agg(2127, "max", "timestamptz", "timestamptz", |_| {
        Ints::boxed(Ordering::Greater, Datum::Timestamptz)
    }),
    agg(2119, "max", "float4", "float4", |_| {
        Floats::boxed(Ordering::Greater, |v| Datum::Float4(v as f32))
    }),
    agg(2120, "max", "float8", "float8", |_| Floats::boxed(Ordering::Greater, Datum::Float8)),
    agg(2124, "max", "timetz", "timetz", |types| Values::boxed(Ordering::Greater, types)),
    agg(2128, "max", "interval", "interval", |types| Values::boxed(Ordering::Greater, types)),
    agg(2130, "max", "numeric", "numeric", |types| Values::boxed(Ordering::Greater, types)),
    agg(2129, "max", "text", "text", |types| Values::boxed(Ordering::Greater, types)),
    agg(2244, "max", "bpchar", "bpchar", |_| Values::boxed(Ordering::Greater, &[Type::Bpchar])),
    agg(3526, "max", "anyenum", "anyenum", |types| Values::boxed(Ordering::Greater, types)),
    agg(2050, "max", "anyarray", "anyarray", |types| Values::boxed(Ordering::Greater, types)),
];

/// The integer that stands for a value in a column of integers.
fn int_of(value: &Datum) -> Result<Option<i64>> {
    Ok(Some(match value {
        Datum::Null => return Ok(None),
        Datum::Int2(v) => (*v).into(),
        Datum::Int4(v) | Datum::Date(v) => (*v).into(),
        Datum::Oid(v) => (*v).into(),
        Datum::Int8(v) | Datum::Time(v) | Datum::Timestamp(v) | Datum::Timestamptz(v) => *v,
        other => return Err(Error::internal(format!("{other:?} among integers"))),
    }))
}

/// Extreme of values that columns hold as integers.
struct Ints {
    best: Option<i64>,
    wanted: Ordering,
    datum: fn(i64) -> Datum,
}

impl Ints {
    fn boxed(wanted: Ordering, datum: fn(i64) -> Datum) -> Box<dyn Accumulator> {
        Box::new(Ints { best: None, wanted, datum })
    }

    #[inline]
    fn take(&mut self, value: i64) {
        if self.best.is_none_or(|best| value.cmp(&best) == self.wanted) {
            self.best = Some(value);
        }
    }
}

impl Accumulator for Ints {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        if let Some(value) = int_of(any(args, 0)?)? {
            self.take(value);
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
            _ => Err(Error::internal("extreme of not one column")),
        }
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.best.map(self.datum).into())
    }
}

/// Extreme of floats; NaN is the largest.
struct Floats {
    best: Option<f64>,
    wanted: Ordering,
    datum: fn(f64) -> Datum,
}

impl Floats {
    fn boxed(wanted: Ordering, datum: fn(f64) -> Datum) -> Box<dyn Accumulator> {
        Box::new(Floats { best: None, wanted, datum })
    }

    #[inline]
    fn take(&mut self, value: f64) {
        if self.best.is_none_or(|best| float_order(value, best) == self.wanted) {
            self.best = Some(value);
        }
    }
}

impl Accumulator for Floats {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        match any(args, 0)? {
            Datum::Null => {}
            Datum::Float4(v) => self.take((*v).into()),
            Datum::Float8(v) => self.take(*v),
            other => return Err(Error::internal(format!("{other:?} among floats"))),
        }
        Ok(())
    }
    fn add_row(&mut self, args: &[&Column], row: usize) -> Result<()> {
        match args {
            [column @ Column { data: Data::Float(values), .. }] => {
                if !null_at(column, row)
                    && let Some(value) = values.get(row)
                {
                    self.take(*value);
                }
                Ok(())
            }
            [column] => self.add(&[column.datum(row)]),
            _ => Err(Error::internal("extreme of not one column")),
        }
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.best.map(self.datum).into())
    }
}

/// Extreme of anything else, in its type's order.
struct Values {
    best: Datum,
    wanted: Ordering,
    ty: Type,
}

impl Values {
    fn boxed(wanted: Ordering, types: &[Type]) -> Box<dyn Accumulator> {
        let ty = types.first().cloned().unwrap_or(Type::Text);
        Box::new(Values { best: Datum::Null, wanted, ty })
    }
}

impl Accumulator for Values {
    fn add(&mut self, args: &[Datum]) -> Result<()> {
        let value = any(args, 0)?;
        if value.is_null() {
            return Ok(());
        }
        // Of equal values the last one counts (1.10 and 1.1), of blank-padded ones the first.
        let replaces = self.best.is_null()
            || match compare_typed(&self.ty, value, &self.best) {
                Ordering::Equal => self.ty != Type::Bpchar,
                order => order == self.wanted,
            };
        if replaces {
            self.best = value.clone();
        }
        Ok(())
    }
    fn finish(&mut self) -> Result<Datum> {
        Ok(self.best.clone())
    }
    fn bytes(&self) -> usize {
        match &self.best {
            Datum::Text(text) => 64 + text.len(),
            Datum::Array(array) => 64 + array.items.len() * size_of::<Datum>(),
            _ => 64,
        }
    }
}
