//! Which rows a window function sees from each row.

use std::ops::Range;

use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::batch::Column;
use crate::sql::exec::column::int_of;
use crate::sql::exec::eval::Row;
use crate::sql::exec::state::Run;
use crate::sql::exec::window::Sorted;
use crate::sql::plan::physical::{Bound, WindowExpr};
use crate::sql::scalar::FrameUnit;
use crate::types::compare::compare_typed;
use crate::types::text::SessionFormat;
use crate::types::{Datum, Numeric, Type, arith, datetime};

/// An end of the frame with its offset worked out.
enum End {
    First,
    Preceding(Datum),
    Current,
    Following(Datum),
    Last,
}

/// The frames of one call.
pub(super) struct Frames<'s> {
    sorted: &'s Sorted,
    unit: FrameUnit,
    start: End,
    end: End,
    format: SessionFormat,
}

fn offset(bound: &Bound, name: &str, unit: FrameUnit, run: &mut Run<'_, '_>) -> Result<End> {
    let (expr, preceding) = match bound {
        Bound::First => return Ok(End::First),
        Bound::Current => return Ok(End::Current),
        Bound::Last => return Ok(End::Last),
        Bound::Preceding(expr) => (expr, true),
        Bound::Following(expr) => (expr, false),
    };
    let value = expr.datum(run, Row::Nothing)?;
    if value.is_null() {
        return Err(Error::new(
            sqlstate::NULL_VALUE_NOT_ALLOWED,
            format!("frame {name} offset must not be null"),
        ));
    }
    if is_negative(&value) {
        let message = if unit == FrameUnit::Range {
            "invalid preceding or following size in window function".to_string()
        } else {
            format!("frame {name} offset must not be negative")
        };
        return Err(Error::new(sqlstate::INVALID_PRECEDING_OR_FOLLOWING_SIZE, message));
    }
    Ok(if preceding { End::Preceding(value) } else { End::Following(value) })
}

fn is_negative(value: &Datum) -> bool {
    match value {
        Datum::Float4(f) => *f < 0.0 || f.is_nan(),
        Datum::Float8(f) => *f < 0.0 || f.is_nan(),
        Datum::Numeric(n) => n.is_negative() || n.is_nan(),
        Datum::Interval(i) => i.normalized_micros() < 0,
        other => int_of(other).is_some_and(|v| v < 0),
    }
}

impl<'s> Frames<'s> {
    /// The frames of a call over sorted rows.
    pub fn new(call: &WindowExpr, sorted: &'s Sorted, run: &mut Run<'_, '_>) -> Result<Self> {
        let start = offset(&call.start, "starting", call.unit, run)?;
        let end = offset(&call.end, "ending", call.unit, run)?;
        let format = run.ctx.eval.session.format.clone();
        Ok(Frames { sorted, unit: call.unit, start, end, format })
    }

    /// The frame of a row within its partition; empty frames have `start == end`.
    pub fn of(&self, row: usize, partition: &Range<usize>) -> Result<Range<usize>> {
        let start = match &self.start {
            End::First => partition.start,
            End::Last => partition.end,
            End::Current => match self.unit {
                FrameUnit::Rows => row,
                _ => self.peers(row).start,
            },
            End::Preceding(n) => self.moved(row, partition, n, true, true)?,
            End::Following(n) => self.moved(row, partition, n, false, true)?,
        };
        let end = match &self.end {
            End::First => partition.start,
            End::Last => partition.end,
            End::Current => match self.unit {
                FrameUnit::Rows => row + 1,
                _ => self.peers(row).end,
            },
            End::Preceding(n) => self.moved(row, partition, n, true, false)?,
            End::Following(n) => self.moved(row, partition, n, false, false)?,
        };
        let start = start.clamp(partition.start, partition.end);
        Ok(start..end.clamp(start, partition.end))
    }

    fn peers(&self, row: usize) -> Range<usize> {
        self.sorted.peers.get(row).cloned().unwrap_or(row..row + 1)
    }

    /// Where an offset leads from a row: the first row of the frame, or the one after its last.
    fn moved(
        &self,
        row: usize,
        partition: &Range<usize>,
        n: &Datum,
        preceding: bool,
        is_start: bool,
    ) -> Result<usize> {
        let count = || usize::try_from(int_of(n).unwrap_or(0)).unwrap_or(usize::MAX);
        Ok(match self.unit {
            FrameUnit::Rows => {
                let at = if preceding {
                    match row.checked_sub(count()) {
                        Some(at) if at >= partition.start => at,
                        // Before the partition: nothing precedes its first row.
                        _ => return Ok(partition.start),
                    }
                } else {
                    row.saturating_add(count())
                };
                if is_start { at } else { at.saturating_add(1) }
            }
            FrameUnit::Groups => {
                let mut group = self.peers(row);
                for _ in 0..count() {
                    if preceding {
                        if group.start == partition.start {
                            let start = partition.start;
                            return Ok(start);
                        }
                        group = self.peers(group.start - 1);
                    } else {
                        if group.end == partition.end {
                            return Ok(partition.end);
                        }
                        group = self.peers(group.end);
                    }
                }
                if is_start { group.start } else { group.end }
            }
            FrameUnit::Range => self.in_range(row, partition, n, preceding, is_start)?,
        })
    }

    /// RANGE with an offset: rows whose key is within the offset of this row's key.
    fn in_range(
        &self,
        row: usize,
        partition: &Range<usize>,
        n: &Datum,
        preceding: bool,
        is_start: bool,
    ) -> Result<usize> {
        let (Some(key), Some(by)) =
            (self.sorted.order_keys.first(), self.sorted.directions.first())
        else {
            return Ok(if is_start { partition.start } else { partition.end });
        };
        if key.is_null(row) {
            // NULLs are within no distance of anything but each other.
            let peers = self.peers(row);
            return Ok(if is_start { peers.start } else { peers.end });
        }
        let subtract = preceding != by.descending;
        let limit = shift(&key.datum(row), n, subtract, &key.ty.ty, &self.format)?;
        let values = value_rows(key, partition);
        let reaches = |at: usize| {
            let order = compare_typed(&key.ty.ty, &key.datum(at), &limit);
            let order = if by.descending { order.reverse() } else { order };
            if is_start { order.is_ge() } else { order.is_gt() }
        };
        let (mut low, mut high) = (values.start, values.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if reaches(middle) { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }
}

/// The rows of a partition whose key is not NULL; NULLs stand together at one end.
fn value_rows(key: &Column, partition: &Range<usize>) -> Range<usize> {
    if key.nulls.is_none() {
        return partition.clone();
    }
    let mut start = partition.start;
    while start < partition.end && key.is_null(start) {
        start += 1;
    }
    let mut end = partition.end;
    while end > start && key.is_null(end - 1) {
        end -= 1;
    }
    start..end
}

/// A key moved by an offset. A result outside of the type is as far as the type goes.
fn shift(
    key: &Datum,
    by: &Datum,
    subtract: bool,
    ty: &Type,
    format: &SessionFormat,
) -> Result<Datum> {
    let misfit = || {
        Error::unsupported(format!(
            "RANGE with offset PRECEDING/FOLLOWING for column type {ty} and this offset type"
        ))
    };
    Ok(match (key, by) {
        (Datum::Float4(_) | Datum::Float8(_), _) => {
            let number = |d: &Datum| match d {
                Datum::Float4(f) => Some(f64::from(*f)),
                Datum::Float8(f) => Some(*f),
                other => int_of(other).map(|v| v as f64),
            };
            let (k, b) = (number(key).ok_or_else(misfit)?, number(by).ok_or_else(misfit)?);
            let moved = if subtract { k - b } else { k + b };
            match key {
                Datum::Float4(_) => Datum::Float4(moved as f32),
                _ => Datum::Float8(moved),
            }
        }
        (Datum::Numeric(k), _) => {
            let b = match by {
                Datum::Numeric(n) => n.clone(),
                other => Numeric::from_i64(int_of(other).ok_or_else(misfit)?),
            };
            Datum::Numeric(if subtract { k.sub(&b)? } else { k.add(&b)? })
        }
        (Datum::Date(d), Datum::Interval(i)) => {
            let at = datetime::date_to_timestamp(*d)?;
            let at = if subtract {
                datetime::timestamp_minus_interval(at, *i)?
            } else {
                datetime::timestamp_plus_interval(at, *i)?
            };
            Datum::Date(datetime::timestamp_to_date(at)?)
        }
        (Datum::Timestamp(t), Datum::Interval(i)) => Datum::Timestamp(if subtract {
            datetime::timestamp_minus_interval(*t, *i)?
        } else {
            datetime::timestamp_plus_interval(*t, *i)?
        }),
        (Datum::Timestamptz(t), Datum::Interval(i)) => {
            let zone = &format.time_zone;
            Datum::Timestamptz(if subtract {
                datetime::timestamptz_minus_interval(*t, *i, zone)?
            } else {
                datetime::timestamptz_plus_interval(*t, *i, zone)?
            })
        }
        (Datum::Time(t), Datum::Interval(i)) => {
            let moved =
                if subtract { t.saturating_sub(i.micros) } else { t.saturating_add(i.micros) };
            Datum::Time(moved)
        }
        (Datum::Interval(k), Datum::Interval(i)) => {
            Datum::Interval(if subtract { k.checked_sub(*i)? } else { k.checked_add(*i)? })
        }
        (Datum::Int2(_) | Datum::Int4(_) | Datum::Int8(_), _) => {
            let (k, b) = (int_of(key).ok_or_else(misfit)?, int_of(by).ok_or_else(misfit)?);
            // Compared with keys of a narrower type, so int8 is wide enough for all of them.
            Datum::Int8(if subtract { k.saturating_sub(b) } else { k.saturating_add(b) })
        }
        (Datum::Null, _) => return Err(arith::out_of_range("key")),
        _ => return Err(misfit()),
    })
}
