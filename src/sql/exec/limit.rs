//! LIMIT and OFFSET.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState, sqlstate};
use crate::sql::exec::batch::Batch;
use crate::sql::exec::column::int_of;
use crate::sql::exec::eval::{Expr, Row};
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::LimitSpec;

/// A limit at work.
pub struct Limit {
    spec: Arc<LimitSpec>,
    input: BoxOperator,
    /// Rows still to skip and to hand out, once they are known.
    left: Option<(u64, Option<u64>)>,
}

impl Limit {
    /// A limit on an input.
    pub fn new(spec: Arc<LimitSpec>, input: BoxOperator) -> Self {
        Limit { spec, input, left: None }
    }
}

/// The number of rows that LIMIT or OFFSET says; `None` for NULL.
pub fn row_count(
    expr: &Expr,
    name: &str,
    code: SqlState,
    run: &mut Run<'_, '_>,
) -> Result<Option<u64>> {
    match int_of(&expr.datum(run, Row::Nothing)?) {
        None => Ok(None),
        Some(n) => u64::try_from(n)
            .map(Some)
            .map_err(|_| Error::new(code, format!("{name} must not be negative"))),
    }
}

/// What LIMIT says.
pub fn limit_count(expr: &Expr, run: &mut Run<'_, '_>) -> Result<Option<u64>> {
    row_count(expr, "LIMIT", sqlstate::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, run)
}

/// What OFFSET says.
pub fn offset_count(expr: &Expr, run: &mut Run<'_, '_>) -> Result<u64> {
    let code = sqlstate::INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE;
    Ok(row_count(expr, "OFFSET", code, run)?.unwrap_or(0))
}

impl Operator for Limit {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let (skip, left) = match &mut self.left {
            Some(left) => left,
            slot => {
                let offset = match &self.spec.offset {
                    Some(expr) => offset_count(expr, run)?,
                    None => 0,
                };
                let limit = match &self.spec.limit {
                    Some(expr) => limit_count(expr, run)?,
                    None => None,
                };
                slot.insert((offset, limit))
            }
        };
        loop {
            if *left == Some(0) {
                return Ok(None);
            }
            let Some(batch) = self.input.next(run)? else { return Ok(None) };
            let rows = batch.rows as u64;
            if *skip >= rows {
                *skip -= rows;
                continue;
            }
            let start = std::mem::take(skip);
            let take = (rows - start).min(left.unwrap_or(u64::MAX));
            if let Some(left) = left {
                *left -= take;
            }
            if start == 0 && take == rows {
                return Ok(Some(batch));
            }
            return Ok(Some(batch.slice(start as usize, take as usize)));
        }
    }
}
