//! EXPLAIN.

use super::Session;
use super::run::{Request, is_query};
use crate::error::{Error, Result};
use crate::sql::client::{Client, Field};
use crate::sql::exec;
use crate::sql::plan;
use crate::sql::statement::{self, Outcome, field};
use crate::syntax::Explain;
use crate::types::{Datum, Type};

/// The one column of EXPLAIN.
pub(super) fn fields() -> Vec<Field> {
    vec![field("QUERY PLAN", Type::Text)]
}

impl Session {
    /// EXPLAIN and EXPLAIN ANALYZE.
    pub(super) fn explain(
        &mut self,
        explain: &Explain,
        request: Request<'_>,
        client: &mut dyn Client,
    ) -> Result<Outcome> {
        for (name, value) in &explain.options {
            let text = value.as_deref().unwrap_or("on");
            if name == "format" && !text.eq_ignore_ascii_case("text") {
                return Err(Error::unsupported(format!("EXPLAIN (FORMAT {text})")));
            }
        }
        let lines = if is_query(&explain.statement.statement) {
            let inner = Request { parsed: &explain.statement, planned: None, ..request };
            if let Some(expr) = &explain.statement.as_of {
                self.read_as_of(expr, request.params, request.types)?;
            }
            let catalog = self.catalog()?;
            let planned = self.plan(&catalog, inner, client)?;
            planned.check_privileges(&catalog, &self.state.current_user)?;
            if explain.analyze {
                self.check_writable(&planned)?;
                let mut execution = exec::start_measured(&planned.plan);
                let mut ctx =
                    self.exec_context(&catalog, request.params, self.statement_start())?;
                while execution.next(&mut ctx)?.is_some() {}
                plan::explain_measured(&execution)
            } else {
                plan::explain(&planned.plan)
            }
        } else if explain.analyze {
            return Err(Error::unsupported("EXPLAIN ANALYZE of this statement"));
        } else {
            let inner = Request { parsed: &explain.statement, planned: None, ..request };
            let mut work = self.work(inner, client)?;
            let told = statement::explain(&explain.statement.statement, &mut work)?;
            told.unwrap_or_else(|| vec![explain.statement.redacted_text()])
        };
        let rows = lines.into_iter().map(|line| vec![Datum::text(line)]).collect();
        let tag = "EXPLAIN".to_owned();
        Ok(Outcome::Rows { fields: fields(), rows, tag })
    }
}
