//! The window functions, and aggregates over frames.

use std::ops::Range;

use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::batch::Column;
use crate::sql::exec::column::int_of;
use crate::sql::exec::state::Run;
use crate::sql::exec::window::Sorted;
use crate::sql::exec::window::frame::Frames;
use crate::sql::function::{Accumulator, Aggregate, WindowKind};
use crate::sql::plan::physical::WindowExpr;
use crate::sql::scalar::WindowTarget;
use crate::types::{Datum, Type};

/// The column that a call gives over sorted rows.
pub(super) fn evaluate(
    call: &WindowExpr,
    sorted: &Sorted,
    run: &mut Run<'_, '_>,
) -> Result<Column> {
    let mut args = Vec::with_capacity(call.args.len());
    for arg in &call.args {
        args.push(arg.column(run, &sorted.rows)?);
    }
    let mut out = Column::with_capacity(call.ty.clone(), sorted.rows.rows);
    match &call.target {
        WindowTarget::Aggregate(function) => {
            let included = match &call.filter {
                None => None,
                Some(filter) => {
                    let column = filter.column(run, &sorted.rows)?;
                    Some((0..sorted.rows.rows).map(|r| column.is_true(r)).collect::<Vec<_>>())
                }
            };
            let over = Over { function, args, included };
            let frames = Frames::new(call, sorted, run)?;
            for partition in &sorted.partitions {
                over.partition(partition, &frames, run, &mut out)?;
            }
        }
        WindowTarget::Window(function) => {
            let frames = match function.kind {
                WindowKind::FirstValue | WindowKind::LastValue | WindowKind::NthValue => {
                    Some(Frames::new(call, sorted, run)?)
                }
                _ => None,
            };
            for partition in &sorted.partitions {
                run.check()?;
                ranked(function.kind, &args, partition, sorted, frames.as_ref(), &mut out)?;
            }
        }
    }
    Ok(out)
}

/// Rounds of a loop between two looks at the interrupt.
const ROUNDS: usize = 4096;

/// An aggregate over frames.
struct Over {
    function: &'static Aggregate,
    args: Vec<Column>,
    included: Option<Vec<bool>>,
}

impl Over {
    fn start(&self) -> Box<dyn Accumulator> {
        let types: Vec<Type> = self.args.iter().map(|a| a.ty.ty.clone()).collect();
        (self.function.start)(&types)
    }

    fn add(&self, state: &mut dyn Accumulator, rows: Range<usize>) -> Result<()> {
        let args: Vec<&Column> = self.args.iter().collect();
        for row in rows {
            let included = match &self.included {
                None => true,
                Some(included) => included.get(row).copied().unwrap_or(false),
            };
            if included {
                state.add_row(&args, row)?;
            }
        }
        Ok(())
    }

    fn partition(
        &self,
        partition: &Range<usize>,
        frames: &Frames<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Column,
    ) -> Result<()> {
        let mut state = self.start();
        let mut covered = partition.start..partition.start;
        let mut answer: Option<Datum> = None;
        for row in partition.clone() {
            if row % ROUNDS == 0 {
                run.check()?;
            }
            let frame = frames.of(row, partition)?;
            if answer.is_none() || frame != covered {
                if frame.start == covered.start && frame.end >= covered.end {
                    // The frame has only grown: what was added stays.
                    self.add(state.as_mut(), covered.end..frame.end)?;
                } else {
                    state = self.start();
                    self.add(state.as_mut(), frame.clone())?;
                }
                covered = frame;
                answer = Some(state.finish()?);
            }
            out.push(answer.as_ref().unwrap_or(&Datum::Null));
        }
        Ok(())
    }
}

/// The functions that are not aggregates.
fn ranked(
    kind: WindowKind,
    args: &[Column],
    partition: &Range<usize>,
    sorted: &Sorted,
    frames: Option<&Frames<'_>>,
    out: &mut Column,
) -> Result<()> {
    let size = partition.len();
    let mut dense = 0i64;
    for row in partition.clone() {
        let position = row - partition.start;
        let peers = sorted.peers.get(row).cloned().unwrap_or(row..row + 1);
        if peers.start == row {
            dense += 1;
        }
        let rank = (peers.start - partition.start) as i64 + 1;
        let value = match kind {
            WindowKind::RowNumber => Datum::Int8(position as i64 + 1),
            WindowKind::Rank => Datum::Int8(rank),
            WindowKind::DenseRank => Datum::Int8(dense),
            WindowKind::PercentRank => {
                Datum::Float8(if size <= 1 { 0.0 } else { (rank - 1) as f64 / (size - 1) as f64 })
            }
            WindowKind::CumeDist => {
                Datum::Float8((peers.end - partition.start) as f64 / size as f64)
            }
            WindowKind::Ntile => ntile(args, partition, position)?,
            WindowKind::Lag => shifted(args, partition, row, true),
            WindowKind::Lead => shifted(args, partition, row, false),
            WindowKind::FirstValue | WindowKind::LastValue | WindowKind::NthValue => {
                let frame = match frames {
                    Some(frames) => frames.of(row, partition)?,
                    None => partition.clone(),
                };
                framed(kind, args, row, &frame)?
            }
        };
        out.push(&value);
    }
    Ok(())
}

fn ntile(args: &[Column], partition: &Range<usize>, position: usize) -> Result<Datum> {
    let Some(buckets) = args.first().and_then(|c| c.int(partition.start)) else {
        return Ok(Datum::Null);
    };
    let Some(buckets) = usize::try_from(buckets).ok().filter(|b| *b > 0) else {
        return Err(Error::new(
            sqlstate::INVALID_ARGUMENT_FOR_NTILE,
            "argument of ntile must be greater than zero",
        ));
    };
    let (small, larger) = (partition.len() / buckets, partition.len() % buckets);
    // The first `larger` buckets have one row more.
    let in_larger = larger * (small + 1);
    let bucket = if position < in_larger {
        position / (small + 1)
    } else {
        larger + (position - in_larger) / small.max(1)
    };
    Ok(Datum::Int4(i32::try_from(bucket + 1).unwrap_or(i32::MAX)))
}

fn shifted(args: &[Column], partition: &Range<usize>, row: usize, back: bool) -> Datum {
    let Some(value) = args.first() else { return Datum::Null };
    let by = match args.get(1) {
        None => 1,
        Some(offset) => match int_of(&offset.datum(row)) {
            Some(by) => by,
            None => return Datum::Null,
        },
    };
    let at = if back { (row as i64).checked_sub(by) } else { (row as i64).checked_add(by) };
    match at.and_then(|at| usize::try_from(at).ok()).filter(|at| partition.contains(at)) {
        Some(at) => value.datum(at),
        None => args.get(2).map_or(Datum::Null, |default| default.datum(row)),
    }
}

fn framed(kind: WindowKind, args: &[Column], row: usize, frame: &Range<usize>) -> Result<Datum> {
    let Some(value) = args.first() else { return Ok(Datum::Null) };
    let at = match kind {
        WindowKind::LastValue => frame.end.checked_sub(1),
        WindowKind::NthValue => {
            let Some(n) = args.get(1).and_then(|c| c.int(row)) else { return Ok(Datum::Null) };
            let Some(n) = usize::try_from(n).ok().filter(|n| *n > 0) else {
                return Err(Error::new(
                    sqlstate::INVALID_ARGUMENT_FOR_NTH_VALUE,
                    "argument of nth_value must be greater than zero",
                ));
            };
            frame.start.checked_add(n - 1)
        }
        _ => Some(frame.start),
    };
    Ok(match at.filter(|at| frame.contains(at)) {
        Some(at) => value.datum(at),
        None => Datum::Null,
    })
}
