//! `[SHOW …]` inside a statement's own query, as in `RESUME JOBS (SELECT job_id FROM [SHOW JOBS])`.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Query, TableFactor, Value, ValueWithSpan, Visit, Visitor,
};

use super::{Outcome, Work};
use crate::error::{Error, Result};
use crate::sql::bind::{RowSource, RowSources};
use crate::syntax::{Extras, ParsedStatement, ROW_SOURCE, Statement};

/// The rows of the statements in brackets that a query needs.
pub(super) struct Ready<'a>(Vec<(&'a Statement, RowSource)>);

impl RowSources for Ready<'_> {
    fn rows(&self, statement: &Statement) -> Result<RowSource> {
        let found = self.0.iter().find(|(known, _)| std::ptr::eq(*known, statement));
        found.map(|(_, rows)| rows.clone()).ok_or_else(|| Error::internal("row source not run"))
    }
}

impl<'a> Work<'a> {
    /// Runs the statements in brackets that a query names. One of them may hold a query with others;
    /// those come before it in the list, and it sees no more than them.
    pub(super) fn ready(&mut self, tree: &Query) -> Result<Ready<'a>> {
        let all = self.row_sources;
        let mut ready = Ready(Vec::new());
        for number in named(tree) {
            let Some((source, before)) = all.get(..=number).and_then(|s| s.split_last()) else {
                continue;
            };
            let parsed = ParsedStatement {
                statement: source.clone(),
                text: String::new(),
                offset: 0,
                as_of: None,
                row_sources: Vec::new(),
                extras: Extras::default(),
            };
            let explicit = std::mem::replace(&mut self.explicit, true);
            self.row_sources = before;
            let outcome = super::run(&parsed, self);
            (self.row_sources, self.explicit) = (all, explicit);
            let Outcome::Rows { fields, rows, .. } = outcome? else {
                return Err(Error::syntax("the statement in brackets returns no rows"));
            };
            let columns = fields.into_iter().map(|f| (f.name, f.ty)).collect();
            ready.0.push((source, RowSource { columns, rows }));
        }
        Ok(ready)
    }
}

/// The numbers of the row sources that a query names, in rising order.
fn named(tree: &Query) -> Vec<usize> {
    let mut found = Found(Vec::new());
    let _ = tree.visit(&mut found);
    found.0.sort_unstable();
    found.0.dedup();
    found.0
}

struct Found(Vec<usize>);

impl Visitor for Found {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: Some(args), .. } = factor
            && let [part] = name.0.as_slice()
            && part.as_ident().is_some_and(|ident| ident.value == ROW_SOURCE)
            && let [
                FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
                    value: Value::Number(digits, _),
                    ..
                }))),
            ] = args.args.as_slice()
        {
            self.0.extend(digits.parse::<usize>());
        }
        ControlFlow::Continue(())
    }
}
