//! The job: the steps in their order, and back.

use std::sync::{Arc, Weak};

use super::shape::Shape;
use super::{Details, KIND, Progress, fill, patience, unique};
use crate::catalog::descriptor::{Descriptor, TableDescriptor};
use crate::error::{Error, Result, sqlstate};
use crate::jobs::{JobHandle, Resumer};
use crate::keys::index_span;
use crate::mvcc::{Txn, TxnOptions};
use crate::sql::server::Server;

/// Runs schema changes.
pub struct SchemaChangeResumer {
    server: Weak<Server>,
}

/// One run of one schema change.
pub struct Run<'a> {
    pub server: Arc<Server>,
    pub job: &'a JobHandle,
    details: Details,
}

impl SchemaChangeResumer {
    /// Makes the jobs of a server run.
    pub fn register(server: &Arc<Server>) {
        let resumer = SchemaChangeResumer { server: Arc::downgrade(server) };
        server.jobs.register(KIND, Arc::new(resumer));
    }

    fn run<'a>(&self, job: &'a JobHandle) -> Result<Run<'a>> {
        let server = self
            .server
            .upgrade()
            .ok_or_else(|| Error::new(sqlstate::ADMIN_SHUTDOWN, "the server is shutting down"))?;
        Ok(Run { server, job, details: job.details()? })
    }
}

impl Resumer for SchemaChangeResumer {
    fn resume(&self, job: &JobHandle) -> Result<()> {
        let run = self.run(job)?;
        run.forwards()?;
        run.release();
        Ok(())
    }

    fn on_fail_or_cancel(&self, job: &JobHandle) -> Result<()> {
        let run = self.run(job)?;
        run.backwards()?;
        run.release();
        Ok(())
    }
}

impl Run<'_> {
    fn forwards(&self) -> Result<()> {
        let index = self.details.index;
        let table = self.table()?.ok_or_else(|| gone("the table"))?;
        let Some(mutation) = table.mutation(index) else {
            // Published by a run whose end was not written down any more.
            return match table.index(index) {
                Some(_) => Ok(()),
                None => Err(gone("the index")),
            };
        };
        self.job.pausepoint("schemachange.before_backfill")?;
        let mut shape = Shape::new(&self.server, &table, &mutation.index)?;
        if !mutation.filled {
            fill::fill(self, &mut shape)?;
            if mutation.index.unique {
                self.step(|table, _| {
                    table.mutations.iter_mut().for_each(|m| m.filled |= m.index.id == index);
                    Ok(())
                })?;
            }
        }
        if mutation.index.unique {
            self.job.pausepoint("schemachange.before_validation")?;
            unique::validate(self, &mut shape)?;
        }
        self.job.pausepoint("schemachange.before_publishing")?;
        let found = self.step(|table, txn| {
            let at = table.mutations.iter().position(|m| m.index.id == index);
            let at = at.ok_or_else(|| gone("the index"))?;
            let mutation = table.mutations.remove(at);
            table.indexes.push(mutation.index);
            txn.mark_span_written(index_span(table.id, index))
        })?;
        if found { Ok(()) } else { Err(gone("the table")) }
    }

    fn backwards(&self) -> Result<()> {
        let Details { table: id, index } = self.details;
        let is_public = self.table()?.is_some_and(|table| table.index(index).is_some());
        if is_public {
            return Ok(());
        }
        self.step(|table, _| {
            table.mutations.retain(|m| m.index.id != index);
            Ok(())
        })?;
        // Nobody ever read by it, and nobody writes it any more.
        self.server.mvcc.clear_span(&index_span(id, index))
    }

    /// What a protection is for has ended; a later start releases what is left behind.
    fn release(&self) {
        if let Err(error) = self.server.mvcc.release(&self.job.id().to_string()) {
            tracing::warn!(job = self.job.id(), %error, "history stays protected for now");
        }
    }

    /// The table as it is now, if it is.
    fn table(&self) -> Result<Option<Arc<TableDescriptor>>> {
        let catalog = self.server.catalog.current()?;
        Ok(catalog.table_any_state(self.details.table).cloned())
    }

    /// Changes the descriptor while nobody writes rows: whoever did has committed before, and
    /// whoever will knows of the change. False if the table is gone.
    fn step(
        &self,
        mut change: impl FnMut(&mut TableDescriptor, &mut Txn) -> Result<()>,
    ) -> Result<bool> {
        let catalog = &self.server.catalog;
        let id = self.details.table;
        self.transact(|txn| {
            patience::hold(catalog, txn, id, self.job.interrupt())?;
            let snapshot = catalog.snapshot(txn)?;
            let Some(table) = snapshot.table_any_state(id) else { return Ok(false) };
            let mut table = table.as_ref().clone();
            change(&mut table, txn)?;
            catalog.write(txn, &Descriptor::Table(table))?;
            Ok(true)
        })
    }

    /// Runs a transaction, again for as long as it conflicts with others.
    pub fn transact<T>(&self, mut body: impl FnMut(&mut Txn) -> Result<T>) -> Result<T> {
        loop {
            let interrupt = self.job.interrupt().clone();
            interrupt.check()?;
            let options = TxnOptions { interrupt, ..TxnOptions::default() };
            let mut txn = self.server.mvcc.begin(options)?;
            let done = body(&mut txn).and_then(|value| txn.commit().map(|_| value));
            match done {
                Err(e) if e.is_retryable() => {}
                done => return done,
            }
        }
    }

    /// Remembers how far the work is.
    pub fn checkpoint(&self, fraction: f64, status: &str, progress: &Progress) -> Result<()> {
        let state = serde_json::to_value(progress).map_err(|e| {
            Error::internal("the progress of a job cannot be written").with_source(e)
        })?;
        self.job.checkpoint(fraction, status, state)
    }
}

fn gone(what: &str) -> Error {
    Error::new(
        sqlstate::UNDEFINED_OBJECT,
        format!("{what} was dropped while the schema change was in progress"),
    )
}
