//! SELECT, INSERT, UPDATE and DELETE: bound, planned and run within the block.

use std::sync::Arc;

use super::Session;
use super::run::{Finish, Request};
use crate::catalog::CatalogSnapshot;
use crate::error::{Error, Result, sqlstate};
use crate::sql::bind::{self, BindContext, BoundKind, ParameterTypes, RowSource, RowSources};
use crate::sql::client::{Client, Field};
use crate::sql::exec;
use crate::sql::exec::context::{EvalContext, ExecContext};
use crate::sql::query::{Planned, statement_memory};
use crate::sql::statement::{self, Outcome};
use crate::syntax::{ParsedStatement, Statement};
use crate::types::{Datum, Type};

/// The rows of the statements in brackets, run before the query is bound.
struct Ready<'a>(Vec<(&'a Statement, RowSource)>);

impl RowSources for Ready<'_> {
    fn rows(&self, statement: &Statement) -> Result<RowSource> {
        let found = self.0.iter().find(|(known, _)| *known == statement);
        found.map(|(_, rows)| rows.clone()).ok_or_else(|| Error::internal("row source not run"))
    }
}

/// What stays the same while a statement runs.
#[derive(Clone, Copy)]
pub(super) struct StatementStart {
    /// `statement_timestamp()`: microseconds since 2000-01-01 UTC.
    time: i64,
    /// Memory that it may hold, in bytes.
    memory: usize,
}

impl Session {
    /// Runs a query and sends its rows.
    pub(super) fn query(
        &mut self,
        request: Request<'_>,
        client: &mut dyn Client,
    ) -> Result<Finish> {
        if let Some(expr) = &request.parsed.as_of {
            self.read_as_of(expr, request.params, request.types)?;
        }
        let catalog = self.catalog()?;
        let planned = match request.planned {
            Some(planned) if planned.is_good(&catalog, &self.state) => planned.clone(),
            _ => self.plan(&catalog, request, client)?,
        };
        if let Some(described) = request.planned.filter(|_| !request.announce) {
            check_same_columns(&described.fields, &planned.fields)?;
        }
        planned.check_privileges(&catalog, &self.state.current_user)?;
        self.check_writable(&planned)?;
        if request.announce && !planned.fields.is_empty() {
            client.columns(&planned.fields, request.formats)?;
        } else if request.announce && planned.kind == BoundKind::Select {
            client.columns(&[], &[])?;
        }
        let mut execution = exec::start(&planned.plan);
        let start = self.statement_start();
        let mut sent = 0;
        loop {
            let batch = {
                let mut ctx = self.exec_context(&catalog, request.params, start)?;
                execution.next(&mut ctx)?
            };
            let Some(batch) = batch else { break };
            sent += batch.rows as u64;
            if planned.kind == BoundKind::Select || !planned.fields.is_empty() {
                client.rows(&batch, &planned.fields, request.formats, &self.state.format)?;
            }
        }
        let rows = if planned.kind == BoundKind::Select { sent } else { execution.affected() };
        Ok(Finish::Tag(planned.tag(rows)))
    }

    /// A statement of its own reads the past; within a block the block decides.
    pub(super) fn read_as_of(
        &mut self,
        expr: &sqlparser::ast::Expr,
        params: &[Datum],
        types: &[Type],
    ) -> Result<()> {
        let at = self.moment(expr, params, types)?;
        let Some(block) = &mut self.block else { return Ok(()) };
        if block.is_historic() {
            let expected = block.txn.read_timestamp();
            if expected == at {
                return Ok(());
            }
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!(
                    "inconsistent AS OF SYSTEM TIME timestamp; expected: {expected}, got: {at}"
                ),
            ));
        }
        if block.explicit || block.statements > 0 {
            return Err(Error::new(
                sqlstate::FEATURE_NOT_SUPPORTED,
                "AS OF SYSTEM TIME must be given on BEGIN or in a statement of its own",
            )
            .with_hint("Use BEGIN AS OF SYSTEM TIME, or leave the transaction block."));
        }
        self.block = None;
        let modes = crate::syntax::TransactionModes {
            as_of: Some(expr.clone()),
            ..crate::syntax::TransactionModes::default()
        };
        self.open(false, &modes, Some(at))
    }

    pub(super) fn check_writable(&self, planned: &Planned) -> Result<()> {
        let read_only = self.block.as_ref().is_some_and(|b| b.txn.is_read_only());
        if planned.modifies && read_only {
            let verb = match planned.kind {
                BoundKind::Insert => "INSERT",
                BoundKind::Update => "UPDATE",
                BoundKind::Delete => "DELETE",
                BoundKind::Select => "SELECT",
            };
            return Err(Error::new(
                sqlstate::READ_ONLY_SQL_TRANSACTION,
                format!("cannot execute {verb} in a read-only transaction"),
            ));
        }
        Ok(())
    }

    /// What exists, as the block's transaction sees it.
    pub(super) fn catalog(&mut self) -> Result<Arc<CatalogSnapshot>> {
        let Some(block) = &mut self.block else { return Err(Error::internal("no open block")) };
        let catalog = self.server.catalog.snapshot(&mut block.txn)?;
        if self.seen.as_ref().is_none_or(|seen| !Arc::ptr_eq(seen, &catalog)) {
            self.state.see(&catalog);
            self.seen = Some(catalog.clone());
        }
        Ok(catalog)
    }

    /// Plans a query, with the statements in brackets run first.
    pub(super) fn plan(
        &mut self,
        catalog: &Arc<CatalogSnapshot>,
        request: Request<'_>,
        client: &mut dyn Client,
    ) -> Result<Arc<Planned>> {
        let mut ready = Ready(Vec::new());
        for (number, source) in request.parsed.row_sources.iter().enumerate() {
            ready.0.push((source, self.row_source(number, source, request, client)?));
        }
        let types: Vec<Option<Type>> = request.types.iter().cloned().map(Some).collect();
        self.plan_with(catalog, request.parsed, types, Some(&ready))
    }

    /// Plans a query whose parameters have the given types as far as they are known.
    pub(super) fn plan_with(
        &self,
        catalog: &Arc<CatalogSnapshot>,
        parsed: &ParsedStatement,
        types: Vec<Option<Type>>,
        row_sources: Option<&dyn RowSources>,
    ) -> Result<Arc<Planned>> {
        let ctx = BindContext { catalog, session: &self.state, row_sources };
        let mut types = ParameterTypes(types);
        let bound = bind::bind_statement(&ctx, parsed, &mut types)?;
        Planned::new(&self.server, catalog, &self.state, bound).map(Arc::new)
    }

    /// The rows of `[SHOW …]`.
    fn row_source(
        &mut self,
        number: usize,
        source: &Statement,
        request: Request<'_>,
        client: &mut dyn Client,
    ) -> Result<RowSource> {
        let parsed = ParsedStatement {
            statement: source.clone(),
            text: String::new(),
            offset: 0,
            as_of: None,
            row_sources: Vec::new(),
            extras: Default::default(),
        };
        let outcome = match source {
            Statement::ShowVariable(name) => self.show_variable(name)?,
            Statement::ShowAll => self.show_all(),
            _ => {
                let mut work = self.work(request, client)?;
                // The query around it needs the rows in this transaction.
                work.explicit = true;
                // Those inside of it were numbered before it.
                work.row_sources = work.row_sources.get(..number).unwrap_or_default();
                statement::run(&parsed, &mut work)?
            }
        };
        match outcome {
            Outcome::Rows { fields, rows, .. } => Ok(RowSource {
                columns: fields.into_iter().map(|f| (f.name, f.ty)).collect(),
                rows,
            }),
            _ => Err(Error::syntax("the statement in brackets returns no rows")),
        }
    }

    /// Looks once, when a statement begins to run, at what stays the same for all its batches.
    pub(super) fn statement_start(&self) -> StatementStart {
        StatementStart {
            time: self.server.clock.now().sql_micros(),
            memory: statement_memory(&self.server),
        }
    }

    /// The surroundings of operators in the block.
    pub(super) fn exec_context<'a>(
        &'a mut self,
        catalog: &'a Arc<CatalogSnapshot>,
        params: &'a [Datum],
        start: StatementStart,
    ) -> Result<ExecContext<'a>> {
        let Some(block) = &mut self.block else { return Err(Error::internal("no open block")) };
        Ok(ExecContext {
            feed: None,
            eval: EvalContext {
                server: &self.server,
                session: &mut self.state,
                catalog,
                params,
                statement_time: start.time,
                transaction_time: block.time,
                read_at: block.txn.read_timestamp(),
                interrupt: &self.interrupt,
            },
            txn: &mut block.txn,
            memory_max: start.memory,
        })
    }
}

/// The client was told of the columns when the statement was prepared: they must still be those.
pub(super) fn check_same_columns(described: &[Field], planned: &[Field]) -> Result<()> {
    let same = described.len() == planned.len()
        && described.iter().zip(planned).all(|(old, new)| old.ty == new.ty);
    if same {
        return Ok(());
    }
    Err(Error::new(sqlstate::FEATURE_NOT_SUPPORTED, "cached plan must not change result type"))
}
