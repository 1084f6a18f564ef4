//! What a statement works with.

use std::sync::Arc;

use sqlparser::ast::{Expr, Query};

use crate::catalog::CatalogSnapshot;
use crate::catalog::names::{self, Scope};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::mvcc::Txn;
use crate::sql::bind::{self, BindContext, ParameterTypes};
use crate::sql::client::{Client, Severity};
use crate::sql::exec::context::{EvalContext, ExecContext};
use crate::sql::query::{self, Planned};
use crate::sql::scalar::OutputColumn;
use crate::sql::server::Server;
use crate::sql::variables::SessionState;
use crate::syntax::{Statement, StringArg};
use crate::task::Interrupt;
use crate::types::{ColumnType, Datum, Type};

/// The surroundings of a statement.
pub struct Work<'a> {
    /// The node's services.
    pub server: &'a Arc<Server>,
    /// Who asks, and how values are read and shown.
    pub session: &'a mut SessionState,
    /// The statement's transaction, open.
    pub txn: &'a mut Txn,
    /// Values of the parameters.
    pub params: &'a [Datum],
    /// Types of the parameters.
    pub param_types: &'a [Type],
    /// `statement_timestamp()`: microseconds since 2000-01-01 UTC.
    pub statement_time: i64,
    /// `now()`: microseconds since 2000-01-01 UTC.
    pub transaction_time: i64,
    /// Whether to stop.
    pub interrupt: &'a Interrupt,
    /// The other side, for notices and COPY data.
    pub client: &'a mut dyn Client,
    /// The statements in brackets (`[SHOW …]`) that its queries may name.
    pub row_sources: &'a [Statement],
    /// Whether other statements share the transaction (BEGIN … COMMIT, or several in one text).
    pub explicit: bool,
    /// Whether the transaction has a savepoint to which it may return.
    pub nested: bool,
}

/// Rows of a query within a statement.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The columns.
    pub columns: Vec<OutputColumn>,
    /// The rows.
    pub rows: Vec<Vec<Datum>>,
}

impl Work<'_> {
    /// What exists, as the transaction sees it, its own changes included.
    pub fn catalog(&mut self) -> Result<Arc<CatalogSnapshot>> {
        let catalog = self.server.catalog.snapshot(self.txn)?;
        self.session.see(&catalog);
        Ok(catalog)
    }

    /// Where the session looks for names.
    pub fn scope(&self, catalog: &CatalogSnapshot) -> Result<Scope<'_>> {
        let database = names::resolve_database(catalog, &self.session.database)?.id;
        Ok(Scope { database, search_path: &self.session.search_path, temp_schema: None })
    }

    /// The surroundings of operators and expressions.
    pub fn exec<'b>(&'b mut self, catalog: &'b Arc<CatalogSnapshot>) -> ExecContext<'b> {
        ExecContext {
            feed: None,
            eval: EvalContext {
                server: self.server,
                catalog,
                params: self.params,
                statement_time: self.statement_time,
                transaction_time: self.transaction_time,
                read_at: self.txn.read_timestamp(),
                interrupt: self.interrupt,
                session: self.session,
            },
            memory_max: query::statement_memory(self.server),
            txn: self.txn,
        }
    }

    /// The value of an expression without columns.
    pub fn constant(&mut self, expr: &Expr, expected: Option<&ColumnType>) -> Result<Datum> {
        let catalog = self.catalog()?;
        let mut types = ParameterTypes(self.param_types.iter().cloned().map(Some).collect());
        let ctx = BindContext::new(&catalog, self.session);
        let scalar = bind::bind_constant_with(&ctx, expr, expected, &mut types)?;
        crate::sql::exec::eval_scalar(&scalar, &mut self.exec(&catalog).eval)
    }

    /// A string of the grammar: a literal or the value of a parameter.
    pub fn string(&self, arg: &StringArg) -> Result<String> {
        match arg {
            StringArg::Text(text) => Ok(text.clone()),
            StringArg::Placeholder(number) => {
                match number.checked_sub(1).and_then(|i| self.params.get(i)) {
                    Some(Datum::Null) => Err(Error::new(
                        sqlstate::NULL_VALUE_NOT_ALLOWED,
                        format!("parameter ${number} must not be null"),
                    )),
                    Some(value) => {
                        let ty = self.param_types.get(number - 1).unwrap_or(&Type::Text);
                        Ok(crate::types::text::to_string(value, ty, &self.session.format))
                    }
                    None => Err(Error::new(
                        sqlstate::UNDEFINED_PARAMETER,
                        format!("there is no parameter ${number}"),
                    )),
                }
            }
        }
    }

    /// Runs a query within the statement and gives all its rows.
    pub fn query(&mut self, tree: &Query) -> Result<Rows> {
        let catalog = self.catalog()?;
        let mut types = ParameterTypes(self.param_types.iter().cloned().map(Some).collect());
        let ready = self.ready(tree)?;
        let ctx =
            BindContext { row_sources: Some(&ready), ..BindContext::new(&catalog, self.session) };
        let bound = bind::bind_query(&ctx, tree, self.row_sources, &mut types)?;
        let planned = Planned::new(self.server, &catalog, self.session, bound)?;
        planned.check_privileges(&catalog, &self.session.current_user)?;
        let columns = planned.output.clone();
        let rows = query::collect(&planned, &mut self.exec(&catalog))?;
        Ok(Rows { columns, rows })
    }

    /// The time that AS OF SYSTEM TIME means.
    pub fn timestamp(&mut self, expr: &Expr) -> Result<Timestamp> {
        let catalog = self.catalog()?;
        let mut types = ParameterTypes(self.param_types.iter().cloned().map(Some).collect());
        let mut ctx = self.exec(&catalog);
        super::as_of::historic_timestamp(expr, &mut types, &mut ctx.eval)
    }

    /// Tells the client something that is not an error.
    pub fn notice(&mut self, message: impl Into<String>) -> Result<()> {
        let notice = Error::new(sqlstate::SUCCESSFUL_COMPLETION, message);
        self.client.notice(Severity::Notice, &notice)
    }

    /// Warns the client.
    pub fn warning(&mut self, warning: &Error) -> Result<()> {
        self.client.notice(Severity::Warning, warning)
    }
}
