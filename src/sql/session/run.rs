//! Runs one statement: in which block, how often, and when it is acknowledged.

use std::sync::Arc;
use std::time::Instant;

use super::{Session, in_failed_block};
use crate::error::{Error, Result, sqlstate};
use crate::sql::client::{Client, Field, Format};
use crate::sql::exec::batch::Batch;
use crate::sql::query::Planned;
use crate::sql::statement::{self, AfterCommit, Outcome, Work};
use crate::syntax::{ParsedStatement, Statement};
use crate::types::{Datum, Type};

/// Attempts at one statement before a retryable error reaches the client.
const ATTEMPTS_MAX: u32 = 20;

/// A statement to run.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    /// Its tree.
    pub parsed: &'a ParsedStatement,
    /// Values of its parameters.
    pub params: &'a [Datum],
    /// Types of its parameters.
    pub types: &'a [Type],
    /// The formats that the client wants, one for each column; text where there is none.
    pub formats: &'a [Format],
    /// How, if it was planned when it was prepared.
    pub planned: Option<&'a Arc<Planned>>,
    /// Whether the client is told of the columns (in the extended protocol, Describe did).
    pub announce: bool,
    /// Whether an implicit block ends with this statement.
    pub last: bool,
    /// Whether it shares its implicit block with other statements of the same text.
    pub shared: bool,
}

impl<'a> Request<'a> {
    /// A statement of the simple protocol, alone in its text.
    pub fn of(parsed: &'a ParsedStatement) -> Request<'a> {
        Request {
            parsed,
            params: &[],
            types: &[],
            formats: &[],
            planned: None,
            announce: true,
            last: true,
            shared: false,
        }
    }
}

/// What is left to do after a successful attempt.
pub(super) enum Finish {
    /// Acknowledge with this tag.
    Tag(String),
    /// Commit, then go on.
    After(AfterCommit),
}

impl Session {
    /// Runs a statement and acknowledges it. On an error the block has failed or is gone.
    pub(super) fn run(&mut self, request: Request<'_>, client: &mut dyn Client) -> Result<()> {
        match self.run_inner(request, client) {
            Ok(()) => Ok(()),
            Err(e) => {
                self.fail();
                Err(e)
            }
        }
    }

    fn run_inner(&mut self, request: Request<'_>, client: &mut dyn Client) -> Result<()> {
        self.begin_statement()?;
        let statement = &request.parsed.statement;
        if let Some(tag) = self.control(statement, client).map_err(explained)? {
            return client.complete(tag);
        }
        if self.block.as_ref().is_some_and(|b| b.failed) {
            return Err(in_failed_block());
        }
        self.check_not_committed()?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            client.mark();
            match self.attempt(request, client) {
                Ok(Finish::Tag(tag)) => return client.complete(&tag),
                Ok(Finish::After(work)) => {
                    let outcome = work(&self.server, &self.interrupt)?;
                    let tag = self.send(outcome, request, client)?;
                    return match tag {
                        Finish::Tag(tag) => client.complete(&tag),
                        Finish::After(_) => Err(Error::internal("work after work")),
                    };
                }
                Err(e) if e.is_retryable() && attempt < ATTEMPTS_MAX && client.rewind() => {
                    if !self.can_retry(&e)? {
                        return Err(explained(e));
                    }
                    self.interrupt.check()?;
                }
                Err(e) => return Err(explained(e)),
            }
        }
    }

    /// Takes back a cancel request that came too late for the statement before, and starts the
    /// clock of `statement_timeout`.
    pub(super) fn begin_statement(&mut self) -> Result<()> {
        self.interrupt.reset();
        let limit = super::variable::duration(&self.state, "statement_timeout");
        if let Some(limit) = limit {
            self.interrupt.set_deadline(Some(Instant::now() + limit));
        }
        self.interrupt.check()
    }

    /// One attempt, with the commit if the block ends here.
    fn attempt(&mut self, request: Request<'_>, client: &mut dyn Client) -> Result<Finish> {
        self.ensure_block()?;
        self.open_statement()?;
        let finish = self.dispatch(request, client)?;
        let Some(block) = &mut self.block else { return Ok(finish) };
        block.statements += 1;
        if !block.explicit && (request.last || matches!(finish, Finish::After(_))) {
            self.commit(client)?;
        } else {
            self.close_statement_savepoint()?;
        }
        Ok(finish)
    }

    /// Makes ready to go back to before the statement, should it have to run again.
    pub(super) fn open_statement(&mut self) -> Result<()> {
        let lock_timeout = super::variable::duration(&self.state, "lock_timeout");
        let Some(block) = &mut self.block else { return Ok(()) };
        if block.statements > 0 || !block.savepoints.is_empty() {
            block.txn.set_lock_timeout(lock_timeout);
            block.txn.begin_statement()?;
            block.restart = Some(block.txn.savepoint());
        }
        Ok(())
    }

    pub(super) fn close_statement_savepoint(&mut self) -> Result<()> {
        let Some(block) = &mut self.block else { return Ok(()) };
        match block.restart.take() {
            Some(id) => block.txn.release(id),
            None => Ok(()),
        }
    }

    /// After a retryable error: whether the statement can run again, with everything made ready.
    fn can_retry(&mut self, e: &Error) -> Result<bool> {
        let Some(block) = &mut self.block else { return Ok(true) };
        if block.statements == 0 && block.savepoints.is_empty() {
            // Nothing else has happened in it: the whole transaction runs again.
            if block.is_historic() {
                return Ok(false);
            }
            if e.code() != sqlstate::DEADLOCK_DETECTED {
                // With its locks, or it would have to queue for them again and again.
                block.txn.restart();
            } else if block.explicit {
                let options = block.restart_modes();
                let (before, locals) = (block.before.take(), std::mem::take(&mut block.locals));
                // Its locks must be free before it asks for the same ones.
                self.block = None;
                self.begin(true, &options)?;
                if let Some(block) = &mut self.block {
                    (block.before, block.locals) = (before, locals);
                }
            } else {
                self.rollback();
            }
            return Ok(true);
        }
        match block.restart.take() {
            Some(id) => block.txn.restart_statement(id),
            None => Ok(false),
        }
    }

    /// Does what the statement says.
    pub(super) fn dispatch(
        &mut self,
        request: Request<'_>,
        client: &mut dyn Client,
    ) -> Result<Finish> {
        let parsed = request.parsed;
        if parsed.as_of.is_some() && !is_query(&parsed.statement) {
            return Err(Error::unsupported("AS OF SYSTEM TIME in this statement"));
        }
        let outcome = match &parsed.statement {
            statement if is_query(statement) => return self.query(request, client),
            Statement::SetVariable(set) => self.set_variable(set, client)?,
            Statement::ResetAll => self.reset_all(client)?,
            Statement::ShowVariable(name) => self.show_variable(name)?,
            Statement::ShowAll => self.show_all(),
            Statement::Prepare(prepare) => self.prepare(prepare, &parsed.text)?,
            Statement::Execute(execute) => return self.execute_prepared(execute, request, client),
            Statement::Deallocate(name) => self.deallocate(name.as_ref())?,
            Statement::Declare(declare) => self.declare(declare, request)?,
            Statement::Fetch(fetch) => return self.fetch(fetch, request, client),
            Statement::CloseCursor(name) => self.close_cursor(name.as_ref())?,
            Statement::Discard(what) => self.discard(*what, request, client)?,
            Statement::Explain(explain) => self.explain(explain, request, client)?,
            _ => {
                let mut work = self.work(request, client)?;
                statement::run(parsed, &mut work)?
            }
        };
        self.send(outcome, request, client)
    }

    /// What a statement works with.
    pub(super) fn work<'a>(
        &'a mut self,
        request: Request<'a>,
        client: &'a mut dyn Client,
    ) -> Result<Work<'a>> {
        let Request { parsed, params, types, shared, .. } = request;
        self.work_for(params, types, &parsed.row_sources, shared, client)
    }

    /// What something with parameters and statements in brackets works with.
    pub(super) fn work_for<'a>(
        &'a mut self,
        params: &'a [Datum],
        param_types: &'a [Type],
        row_sources: &'a [Statement],
        shared: bool,
        client: &'a mut dyn Client,
    ) -> Result<Work<'a>> {
        let statement_time = self.server.clock.now().sql_micros();
        let Some(block) = &mut self.block else { return Err(Error::internal("no open block")) };
        Ok(Work {
            server: &self.server,
            session: &mut self.state,
            explicit: block.explicit || shared || block.statements > 0,
            nested: !block.savepoints.is_empty(),
            transaction_time: block.time,
            txn: &mut block.txn,
            params,
            param_types,
            row_sources,
            statement_time,
            interrupt: &self.interrupt,
            client,
        })
    }

    /// Sends the rows of an outcome.
    fn send(
        &mut self,
        outcome: Outcome,
        request: Request<'_>,
        client: &mut dyn Client,
    ) -> Result<Finish> {
        match outcome {
            Outcome::Done(tag) => Ok(Finish::Tag(tag)),
            Outcome::AfterCommit(work) => Ok(Finish::After(work)),
            Outcome::Rows { fields, rows, tag } => {
                if request.announce {
                    client.columns(&fields, request.formats)?;
                }
                for part in rows.chunks(crate::limits::BATCH_ROWS) {
                    let batch = batch_of(&fields, part);
                    client.rows(&batch, &fields, request.formats, &self.state.format)?;
                }
                Ok(Finish::Tag(tag))
            }
        }
    }
}

/// Rows by column.
pub(super) fn batch_of(fields: &[Field], rows: &[Vec<Datum>]) -> Batch {
    let mut batch = Batch::with_types(fields.iter().map(|f| &f.ty));
    for row in rows {
        batch.push_row(row);
    }
    batch
}

/// Whether a statement goes through the binder.
pub(super) fn is_query(statement: &Statement) -> bool {
    use sqlparser::ast::Statement as Sql;
    let Statement::Sql(tree) = statement else { return false };
    matches!(**tree, Sql::Query(_) | Sql::Insert(_) | Sql::Update(_) | Sql::Delete(_))
        && !is_select_into(tree)
}

/// `SELECT … INTO t` makes a table.
fn is_select_into(tree: &sqlparser::ast::Statement) -> bool {
    let sqlparser::ast::Statement::Query(query) = tree else { return false };
    matches!(&*query.body, sqlparser::ast::SetExpr::Select(select) if select.into.is_some())
}

/// A conflict that could not be hidden, with the hint that tells what to do.
pub(super) fn explained(e: Error) -> Error {
    if e.code() == sqlstate::SERIALIZATION_FAILURE && e.hint().is_none() {
        return e.with_hint("The transaction might succeed if retried.");
    }
    e
}
