//! Joins that look up each outer row in an index of the other table.

use std::sync::Arc;

use crate::error::Result;
use crate::sql::exec::apply::{Apply, Rules};
use crate::sql::exec::batch::Batch;
use crate::sql::exec::eval::Row;
use crate::sql::exec::reader::Progress;
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::IndexJoinSpec;
use crate::sql::relation::JoinKind;

/// An index join at work.
pub struct IndexJoin {
    spec: Arc<IndexJoinSpec>,
    outer: BoxOperator,
    apply: Apply,
}

impl IndexJoin {
    /// A join of an input with a table.
    pub fn new(spec: Arc<IndexJoinSpec>, outer: BoxOperator) -> Self {
        IndexJoin { spec, outer, apply: Apply::default() }
    }
}

impl Operator for IndexJoin {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let spec = &*self.spec;
        let rules = Rules {
            kind: spec.kind,
            filter: spec.filter.as_ref(),
            residual: spec.residual.as_ref(),
            output: &spec.output,
        };
        // The first match decides where nothing else has to hold of it.
        let one_is_enough = matches!(spec.kind, JoinKind::Semi | JoinKind::Anti)
            && spec.filter.is_none()
            && spec.residual.is_none();
        let mut fetch = |run: &mut Run<'_, '_>, outer: &Batch, row: usize, out: &mut Batch| {
            let places = spec.bounds.places(run, Row::Batch(outer, row), &spec.reader, false)?;
            let before = out.rows;
            for place in places {
                let mut progress = Progress::new(place);
                while !progress.is_done() {
                    let limit = if one_is_enough { before + 1 } else { usize::MAX };
                    spec.reader.read(run, &mut progress, false, limit, out)?;
                    if one_is_enough && out.rows > before {
                        return Ok(());
                    }
                }
            }
            Ok(())
        };
        self.apply.next(run, &mut self.outer, &rules, &|| spec.reader.empty(), &mut fetch)
    }
}
