//! The job: the steps in their order, and back.

use std::sync::{Arc, Weak};

use super::lens::Lens;
use super::maker::Maker;
use super::{KIND, Progress, fill, patience, unique, validate};
use crate::catalog::descriptor::{Descriptor, TableDescriptor};
use crate::catalog::mutation::{Change, Form, SchemaChange};
use crate::error::{Error, Result, sqlstate};
use crate::jobs::{JobHandle, Resumer};
use crate::keys::index_span;
use crate::mvcc::{Txn, TxnOptions};
use crate::sql::server::Server;

/// How far a job is that has only to be taken note of.
const PUBLISHED: f64 = 0.99;

/// Runs schema changes.
pub struct SchemaChangeResumer {
    server: Weak<Server>,
}

/// One run of one schema change.
pub struct Run<'a> {
    pub server: Arc<Server>,
    pub job: &'a JobHandle,
    details: SchemaChange,
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
        if self.job.progress::<Progress>()?.published {
            return Ok(());
        }
        let table = self.table()?.ok_or_else(|| gone("the table"))?;
        let change = table.mutation(self.job.id()).cloned().ok_or_else(|| gone("its subject"))?;
        let role = self.job.record().payload.user;
        self.job.pausepoint("schemachange.before_backfill")?;
        match &change {
            Change::Index { index, filled } => {
                let maker = Maker::of_index(&self.server, &table, index, &role)?;
                let full = || Change::Index { index: index.clone(), filled: true };
                self.fill(maker, *filled, full)?;
            }
            Change::Form(form) => {
                let maker = Maker::of_form(&self.server, &table, form, &role)?;
                let full = || Change::Form(Box::new(Form { filled: true, ..(**form).clone() }));
                self.fill(maker, form.filled, full)?;
            }
            Change::Constraint { name, .. } => {
                self.job.pausepoint("schemachange.before_validation")?;
                validate::constraint(self, &mut Lens::new(&self.server, &table, &role)?, name)?;
            }
            Change::NotNull { column } => {
                self.job.pausepoint("schemachange.before_validation")?;
                validate::not_null(self, &mut Lens::new(&self.server, &table, &role)?, *column)?;
            }
        }
        self.job.pausepoint("schemachange.before_publishing")?;
        self.publish()
    }

    /// Loads the entries of the rows that were there, and makes sure that unique ones are.
    fn fill(&self, mut maker: Maker, filled: bool, full: impl Fn() -> Change) -> Result<()> {
        if !filled {
            fill::fill(self, &mut maker)?;
        }
        let unique = maker.unique_indexes();
        if unique.is_empty() {
            return Ok(());
        }
        if !filled {
            let job = self.job.id();
            self.step(|table, _| {
                let mutation = table.mutations.iter_mut().find(|m| m.job == job);
                mutation.ok_or_else(|| gone("its subject"))?.change = full();
                Ok(())
            })?;
        }
        self.job.pausepoint("schemachange.before_validation")?;
        unique.into_iter().try_for_each(|number| unique::validate(self, &mut maker, number))
    }

    /// Makes the change part of the table.
    fn publish(&self) -> Result<()> {
        let job = self.job.id();
        let found = self.step(|table, txn| {
            let at = table.mutations.iter().position(|m| m.job == job);
            let at = at.ok_or_else(|| gone("its subject"))?;
            match table.mutations.remove(at).change {
                Change::Index { index, .. } => {
                    txn.mark_span_written(index_span(table.id, index.id))?;
                    table.indexes.push(index);
                }
                Change::Form(form) => self.take_form(table, txn, *form)?,
                Change::Constraint { name, .. } => {
                    let checks = table.checks.iter_mut().filter(|c| c.name == name);
                    checks.for_each(|c| c.not_valid = false);
                    let keys = table.foreign_keys.iter_mut().filter(|f| f.name == name);
                    keys.for_each(|f| f.not_valid = false);
                }
                Change::NotNull { column } => {
                    let columns = table.columns.iter_mut().filter(|c| c.id == column);
                    columns.for_each(|c| c.nullable = false);
                }
            }
            let mut progress: Progress = self.job.progress()?;
            progress.published = true;
            self.job.checkpoint_in(txn, PUBLISHED, "published", stored(&progress)?)
        })?;
        if found { Ok(()) } else { Err(gone("the table")) }
    }

    fn backwards(&self) -> Result<()> {
        // Whoever wished it away came too late.
        if self.job.progress::<Progress>()?.published {
            return Ok(());
        }
        let job = self.job.id();
        let mut unused = self.details.indexes.clone();
        self.step(|table, _| {
            let at = table.mutations.iter().position(|m| m.job == job);
            let change = at.map(|at| table.mutations.remove(at).change);
            if let Some(Change::Constraint { name, stays: false }) = change {
                table.checks.retain(|c| c.name != name);
                table.foreign_keys.retain(|f| f.name != name);
            }
            // Should this job have come from elsewhere, with a restored cluster.
            unused.retain(|id| !table.indexes_in_use().any(|used| used == *id));
            Ok(())
        })?;
        // Nobody ever read by them, and nobody writes them any more.
        for index in unused {
            self.server.mvcc.clear_span(&index_span(self.details.table, index))?;
        }
        Ok(())
    }

    /// Puts another form in place of the old one.
    fn take_form(&self, table: &mut TableDescriptor, txn: &mut Txn, form: Form) -> Result<()> {
        if !form.fits(table) {
            return Err(Error::new(
                sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("relation \"{}\" was changed while its rows were rewritten", table.name),
            ));
        }
        for index in &form.indexes {
            txn.mark_span_written(index_span(table.id, *index))?;
        }
        // Whoever has read rows where they were must notice those who write them elsewhere.
        for index in table.all_indexes().filter(|i| form.table.index(i.id).is_none()) {
            txn.mark_span_written(index_span(table.id, index.id))?;
        }
        let (privileges, mutations) = (table.privileges.clone(), table.mutations.clone());
        *table = TableDescriptor { privileges, mutations, ..form.table };
        Ok(())
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
        self.job.checkpoint(fraction, status, stored(progress)?)
    }
}

fn stored(progress: &Progress) -> Result<serde_json::Value> {
    serde_json::to_value(progress)
        .map_err(|e| Error::internal("the progress of a job cannot be written").with_source(e))
}

fn gone(what: &str) -> Error {
    Error::new(
        sqlstate::UNDEFINED_OBJECT,
        format!("{what} was dropped while the schema change was in progress"),
    )
}
