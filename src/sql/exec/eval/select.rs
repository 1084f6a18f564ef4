//! Predicates as selections: the numbers of the rows for which they are true.

use crate::error::Result;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::eval::vector::count;
use crate::sql::exec::eval::{Expr, ExprKind, Value};
use crate::sql::exec::state::Run;
use crate::types::Datum;

/// Some rows of a batch; `None` is all of them.
pub type Selection = Option<Vec<u32>>;

impl Expr {
    /// Those of the given rows for which the predicate is true.
    pub fn select(
        &self,
        run: &mut Run<'_, '_>,
        input: &Batch,
        rows: Selection,
    ) -> Result<Selection> {
        if let ExprKind::And(parts) = &self.kind {
            let mut rows = rows;
            for part in parts {
                if rows.as_ref().is_some_and(Vec::is_empty) {
                    break;
                }
                rows = part.select(run, input, rows)?;
            }
            return Ok(rows);
        }
        let value = self.eval(run, input, rows.as_deref())?;
        if let Value::Constant(d) = value {
            return Ok(if matches!(d, Datum::Bool(true)) { rows } else { Some(Vec::new()) });
        }
        let asked = count(input, rows.as_deref());
        let mut kept = Vec::with_capacity(asked);
        match &rows {
            None => kept.extend((0..asked as u32).filter(|r| value.is_true(*r as usize))),
            Some(rows) => kept.extend(
                rows.iter().enumerate().filter(|(k, _)| value.is_true(*k)).map(|(_, r)| *r),
            ),
        }
        Ok(if kept.len() == asked { rows } else { Some(kept) })
    }

    /// The rows of a batch for which the predicate is true; the batch itself if that is all.
    pub fn filter(&self, run: &mut Run<'_, '_>, input: Batch) -> Result<Batch> {
        Ok(match self.select(run, &input, None)? {
            None => input,
            Some(rows) => input.gather(&rows),
        })
    }
}
