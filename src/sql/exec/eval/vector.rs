//! Expressions a batch at a time.

use std::borrow::Cow;

use crate::error::Result;
use crate::sql::exec::batch::{Batch, Column, Data};
use crate::sql::exec::eval::cast::cast_column;
use crate::sql::exec::eval::compare::compare_columns;
use crate::sql::exec::eval::single::parameter;
use crate::sql::exec::eval::{Expr, ExprKind, Row, Value};
use crate::sql::exec::key::same;
use crate::sql::exec::state::Run;
use crate::sql::function::{Function, Volatility};
use crate::types::{ColumnType, Datum, Type};

/// The rows of a batch that are asked for: all, or those with the given numbers.
pub type Wanted<'r> = Option<&'r [u32]>;

/// How many rows are asked for.
pub fn count(input: &Batch, wanted: Wanted<'_>) -> usize {
    wanted.map_or(input.rows, <[u32]>::len)
}

/// The batch row behind a dense position.
#[inline]
pub fn row_at(wanted: Wanted<'_>, position: usize) -> usize {
    match wanted {
        None => position,
        Some(rows) => rows.get(position).map_or(0, |r| *r as usize),
    }
}

/// The batch rows behind some dense positions.
pub fn rows_at<'r>(wanted: Wanted<'r>, positions: Option<&'r [u32]>) -> Option<Cow<'r, [u32]>> {
    match (wanted, positions) {
        (None, None) => None,
        (Some(rows), None) | (None, Some(rows)) => Some(Cow::Borrowed(rows)),
        (Some(rows), Some(positions)) => Some(Cow::Owned(
            positions.iter().filter_map(|p| rows.get(*p as usize)).copied().collect(),
        )),
    }
}

impl Expr {
    /// The values over all rows of a batch, as a column.
    pub fn column(&self, run: &mut Run<'_, '_>, input: &Batch) -> Result<Column> {
        let mut column = self.eval(run, input, None)?.into_column(&self.ty, input.rows);
        if column.ty != self.ty {
            column.ty = self.ty.clone();
        }
        Ok(column)
    }

    /// The values over the rows asked for.
    pub fn eval<'v>(
        &self,
        run: &mut Run<'_, '_>,
        input: &'v Batch,
        wanted: Wanted<'_>,
    ) -> Result<Value<'v>> {
        let rows = count(input, wanted);
        if rows == 0 {
            return Ok(Value::Owned(Column::empty(self.ty.clone())));
        }
        Ok(match &self.kind {
            ExprKind::Constant(d) => Value::Constant(d.clone()),
            ExprKind::Parameter(i) => Value::Constant(parameter(&run.ctx.eval, *i)?),
            ExprKind::Outer(slot) => Value::Constant(run.state.outer(*slot)),
            ExprKind::Once { .. } => Value::Constant(self.datum(run, Row::Nothing)?),
            ExprKind::Input(position) => match (input.columns.get(*position), wanted) {
                (None, _) => Value::Constant(Datum::Null),
                (Some(column), None) => Value::Borrowed(column),
                (Some(column), Some(rows)) => Value::Owned(column.gather(rows)),
            },
            ExprKind::Call { function, types, args } => {
                self.call_rows(function, types, args, run, input, wanted)?
            }
            ExprKind::Compare { comparison, left, right } => {
                let a = left.eval(run, input, wanted)?;
                let b = right.eval(run, input, wanted)?;
                Value::Owned(compare_columns(*comparison, &a, &b, rows))
            }
            ExprKind::Cast { input: inner, from, context } => {
                let value = inner.eval(run, input, wanted)?;
                match cast_column(value, from, &self.ty, *context, run, rows)? {
                    Ok(done) => done,
                    Err(column) => Value::Owned(column),
                }
            }
            ExprKind::And(parts) => Value::Owned(connect(parts, run, input, wanted, false)?),
            ExprKind::Or(parts) => Value::Owned(connect(parts, run, input, wanted, true)?),
            ExprKind::Not(inner) => {
                let column = inner.eval(run, input, wanted)?.into_column(&Type::Bool.into(), rows);
                Value::Owned(match column.data {
                    Data::Bool(v) => {
                        Column::bools(v.into_iter().map(|b| !b).collect(), column.nulls)
                    }
                    _ => {
                        let values = (0..rows).map(|r| !column.is_true(r)).collect();
                        Column::bools(values, column.nulls)
                    }
                })
            }
            ExprKind::IsNull(inner) if inner.ty.ty != Type::Record => {
                match inner.eval(run, input, wanted)? {
                    Value::Constant(d) => Value::Constant(Datum::Bool(d.is_null())),
                    value => {
                        let nulls = value.as_column().and_then(|c| c.nulls.clone());
                        let values = nulls.unwrap_or_else(|| vec![false; rows]);
                        Value::Owned(Column::bools(values, None))
                    }
                }
            }
            ExprKind::IsBool(inner, truth) => {
                let value = inner.eval(run, input, wanted)?;
                let values =
                    (0..rows).map(|r| !value.is_null(r) && value.is_true(r) == *truth).collect();
                Value::Owned(Column::bools(values, None))
            }
            ExprKind::NotDistinct(left, right) => {
                let a = left.eval(run, input, wanted)?.spread(&left.ty, rows);
                let b = right.eval(run, input, wanted)?.spread(&right.ty, rows);
                let values = match (a.as_column(), b.as_column()) {
                    (Some(a), Some(b)) => (0..rows).map(|r| same(a, r, b, r)).collect(),
                    _ => vec![false; rows],
                };
                Value::Owned(Column::bools(values, None))
            }
            ExprKind::Case { whens, otherwise } => {
                Value::Owned(self.case_rows(whens, otherwise.as_deref(), run, input, wanted)?)
            }
            ExprKind::Coalesce(args) => Value::Owned(self.coalesce_rows(args, run, input, wanted)?),
            ExprKind::Member { left, list, slot, negated } => {
                let value = left.eval(run, input, wanted)?;
                let column =
                    Expr::member_rows(run, (&left.ty, value), list, *slot, *negated, rows)?;
                Value::Owned(column)
            }
            ExprKind::Subquery(subquery) => subquery.rows(&self.ty, run, input, wanted)?,
            // The rest goes row by row; each evaluates its operands only where it needs them.
            _ => {
                let mut out = Column::with_capacity(self.ty.clone(), rows);
                for position in 0..rows {
                    let row = Row::Batch(input, row_at(wanted, position));
                    let value = self.datum(run, row)?;
                    out.push(&value);
                }
                Value::Owned(out)
            }
        })
    }

    fn call_rows<'v>(
        &self,
        function: &'static Function,
        types: &[Type],
        args: &[Expr],
        run: &mut Run<'_, '_>,
        input: &'v Batch,
        wanted: Wanted<'_>,
    ) -> Result<Value<'v>> {
        let rows = count(input, wanted);
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(arg.eval(run, input, wanted)?);
        }
        if function.strict && values.iter().any(|v| matches!(v, Value::Constant(Datum::Null))) {
            return Ok(Value::Constant(Datum::Null));
        }
        let constant = values.iter().all(|v| matches!(v, Value::Constant(_)));
        if constant && function.volatility != Volatility::Volatile {
            let args: Vec<Datum> = values.iter().map(|v| v.datum(0)).collect();
            return Ok(Value::Constant(function.call(&mut run.ctx.eval, types, &args)?));
        }
        if let Some(kernel) = function.kernel
            && !constant
        {
            let spread: Vec<Value<'_>> =
                values.into_iter().zip(args).map(|(v, a)| v.spread(&a.ty, rows)).collect();
            let columns: Vec<&Column> = spread.iter().filter_map(Value::as_column).collect();
            if let Some(result) = kernel(&columns, rows) {
                let mut column = result?;
                column.ty = self.ty.clone();
                if function.strict {
                    for arg in &columns {
                        if let Some(nulls) = &arg.nulls {
                            column.add_nulls(nulls);
                        }
                    }
                }
                return Ok(Value::Owned(column));
            }
            return self.call_each(function, types, &spread, rows, run);
        }
        self.call_each(function, types, &values, rows, run)
    }

    fn call_each<'v>(
        &self,
        function: &'static Function,
        types: &[Type],
        values: &[Value<'_>],
        rows: usize,
        run: &mut Run<'_, '_>,
    ) -> Result<Value<'v>> {
        let mut out = Column::with_capacity(self.ty.clone(), rows);
        let mut args: Vec<Datum> = Vec::with_capacity(values.len());
        for row in 0..rows {
            if function.strict && values.iter().any(|v| v.is_null(row)) {
                out.push_null();
                continue;
            }
            args.clear();
            args.extend(values.iter().map(|v| v.datum(row)));
            out.push(&function.call(&mut run.ctx.eval, types, &args)?);
        }
        Ok(Value::Owned(out))
    }

    fn case_rows(
        &self,
        whens: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        run: &mut Run<'_, '_>,
        input: &Batch,
        wanted: Wanted<'_>,
    ) -> Result<Column> {
        let rows = count(input, wanted);
        let mut pieces = Pieces::new(rows);
        let mut open: Vec<u32> = (0..rows as u32).collect();
        for (when, then) in whens {
            if open.is_empty() {
                break;
            }
            let subset = rows_at(wanted, Some(&open)).unwrap_or_default();
            let truth = when.eval(run, input, Some(&subset))?;
            let (mut yes, mut no) = (Vec::new(), Vec::new());
            for (k, position) in open.iter().enumerate() {
                if truth.is_true(k) { yes.push(*position) } else { no.push(*position) }
            }
            if !yes.is_empty() {
                let subset = rows_at(wanted, Some(&yes)).unwrap_or_default();
                let value = then.eval(run, input, Some(&subset))?;
                pieces.add(yes, value);
            }
            open = no;
        }
        if let Some(otherwise) = otherwise
            && !open.is_empty()
        {
            let subset = rows_at(wanted, Some(&open)).unwrap_or_default();
            let value = otherwise.eval(run, input, Some(&subset))?;
            pieces.add(open, value);
        }
        Ok(pieces.finish(&self.ty))
    }

    fn coalesce_rows(
        &self,
        args: &[Expr],
        run: &mut Run<'_, '_>,
        input: &Batch,
        wanted: Wanted<'_>,
    ) -> Result<Column> {
        let rows = count(input, wanted);
        let mut pieces = Pieces::new(rows);
        let mut open: Vec<u32> = (0..rows as u32).collect();
        for arg in args {
            if open.is_empty() {
                break;
            }
            let subset = rows_at(wanted, Some(&open)).unwrap_or_default();
            let value = arg.eval(run, input, Some(&subset))?;
            open = pieces.add_present(open, value);
        }
        Ok(pieces.finish(&self.ty))
    }
}

/// AND (`decisive` false) or OR (`decisive` true): each operand only for rows still undecided.
fn connect(
    parts: &[Expr],
    run: &mut Run<'_, '_>,
    input: &Batch,
    wanted: Wanted<'_>,
    decisive: bool,
) -> Result<Column> {
    let rows = count(input, wanted);
    let mut values = vec![!decisive; rows];
    let mut nulls = vec![false; rows];
    let mut open: Option<Vec<u32>> = None;
    for part in parts {
        let subset = rows_at(wanted, open.as_deref());
        let value = part.eval(run, input, subset.as_deref())?;
        let asked = open.as_ref().map_or(rows, Vec::len);
        let mut still = Vec::with_capacity(asked);
        for k in 0..asked {
            let position = open.as_ref().map_or(k, |o| o[k] as usize);
            if value.is_null(k) {
                nulls[position] = true;
                still.push(position as u32);
            } else if value.is_true(k) == decisive {
                values[position] = decisive;
                nulls[position] = false;
            } else {
                still.push(position as u32);
            }
        }
        if still.is_empty() {
            break;
        }
        if still.len() < rows {
            open = Some(still);
        }
    }
    let nulls = nulls.contains(&true).then_some(nulls);
    Ok(Column::bools(values, nulls))
}

/// A column put together from values over some of its rows.
struct Pieces<'v> {
    parts: Vec<Value<'v>>,
    /// For each row the part and the position in it.
    place: Vec<Option<(u32, u32)>>,
}

impl<'v> Pieces<'v> {
    fn new(rows: usize) -> Self {
        Pieces { parts: Vec::new(), place: vec![None; rows] }
    }

    fn add(&mut self, positions: Vec<u32>, value: Value<'v>) {
        let part = self.parts.len() as u32;
        for (k, position) in positions.iter().enumerate() {
            if let Some(place) = self.place.get_mut(*position as usize) {
                *place = Some((part, k as u32));
            }
        }
        self.parts.push(value);
    }

    /// Takes the values that are not NULL and returns the positions of the others.
    fn add_present(&mut self, positions: Vec<u32>, value: Value<'v>) -> Vec<u32> {
        let part = self.parts.len() as u32;
        let mut rest = Vec::new();
        for (k, position) in positions.iter().enumerate() {
            if value.is_null(k) {
                rest.push(*position);
            } else if let Some(place) = self.place.get_mut(*position as usize) {
                *place = Some((part, k as u32));
            }
        }
        self.parts.push(value);
        rest
    }

    fn finish(self, ty: &ColumnType) -> Column {
        let mut out = Column::with_capacity(ty.clone(), self.place.len());
        for place in self.place {
            let Some((part, k)) = place else {
                out.push_null();
                continue;
            };
            match self.parts.get(part as usize) {
                Some(Value::Constant(d)) => out.push(d),
                Some(Value::Borrowed(c)) => out.push_from(c, k as usize),
                Some(Value::Owned(c)) => out.push_from(c, k as usize),
                None => out.push_null(),
            }
        }
        out
    }
}
