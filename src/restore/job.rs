//! The job: what happens, in order, however often it is begun again.

use serde_json::Value;

use super::details::{Details, Progress, Secrets, Stage};
use super::load::{self, Pace};
use super::source::Source;
use super::{Services, describe, publish, undo};
use crate::archive::DataKey;
use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::mutation::{Change, SCHEMA_CHANGE};
use crate::error::{Error, Result, sqlstate};
use crate::jobs::{JobHandle, JobId, Resumer, secret};
use crate::mvcc::Txn;
use crate::task::Interrupt;

/// Runs restores.
pub struct RestoreResumer {
    services: Services,
    pace: Pace,
}

/// What a run needs of its job.
pub trait Control: Sync {
    /// The job's number.
    fn id(&self) -> JobId;
    /// What planning decided.
    fn details(&self) -> Result<Details>;
    /// What the last checkpoint remembered.
    fn progress(&self) -> Result<Progress>;
    /// Tells the run to stop.
    fn interrupt(&self) -> &Interrupt;
    /// Remembers how far the work is; durable when it returns. Fails when the run must stop.
    fn checkpoint(&self, fraction: f64, status: &str, progress: &Progress) -> Result<()>;
    /// Tells those who watch how far the work is.
    fn report(&self, fraction: f64, status: &str) -> Result<()>;
    /// As [`Control::checkpoint`], if and only if a transaction commits.
    fn checkpoint_in(&self, txn: &mut Txn, status: &str, progress: &Progress) -> Result<()>;
    /// Creates the job that carries a change of a table through, if and only if a transaction
    /// commits.
    fn go_on(&self, txn: &mut Txn, table: &TableDescriptor, change: &Change) -> Result<JobId>;
    /// Stops here if somebody wants to look at what is stored.
    fn pausepoint(&self, name: &'static str) -> Result<()>;
}

impl RestoreResumer {
    /// A resumer over the services of a node.
    pub fn new(services: Services) -> Self {
        RestoreResumer { services, pace: Pace::default() }
    }

    /// The same with another pace.
    #[cfg(test)]
    pub(super) fn with_pace(services: Services, pace: Pace) -> Self {
        RestoreResumer { services, pace }
    }

    /// The story of a restore.
    pub(super) fn run(&self, control: &dyn Control) -> Result<()> {
        let details = control.details()?;
        let mut progress = control.progress()?;
        if progress.stage < Stage::Published {
            let source = self.open(control, &details)?;
            control.pausepoint("restore.before_load_descriptors_from_backup")?;
            if progress.stage < Stage::Prepared {
                publish::prepare(control, &self.services, &details, &mut progress)?;
            }
            control.pausepoint("restore.after_offline_descriptors")?;
            control.pausepoint("restore.before_flow")?;
            load::load(control, &self.services, &details, &source, &mut progress, self.pace)?;
            control.checkpoint(0.95, "publishing", &progress)?;
            control.pausepoint("restore.after.checkpoint")?;
            control.pausepoint("restore.before_publishing_descriptors")?;
            publish::publish(control, &self.services, &details, &source, &mut progress)?;
        }
        // Everything is public: from here on nothing can be undone, and nothing need be.
        control.pausepoint("restore.after_publishing_descriptors")?;
        secret::forget(&self.services.mvcc, control.id())
    }

    /// Takes back what a run has done, after it failed or was cancelled.
    pub(super) fn revert(&self, control: &dyn Control) -> Result<()> {
        let details = control.details()?;
        undo::undo(&self.services, &details, control.interrupt())?;
        secret::forget(&self.services.mvcc, control.id())
    }

    /// Opens the layers that the statement found.
    fn open(&self, control: &dyn Control, details: &Details) -> Result<Source> {
        let secrets: Secrets =
            secret::find(&self.services.mvcc, control.id())?.ok_or_else(|| {
                Error::new(
                    sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "the job no longer knows how to reach its backup",
                )
            })?;
        let key = secrets.key.as_deref().map(DataKey::from_secret_text).transpose()?;
        let cloud = &self.services.cloud;
        Source::reopen(cloud, secrets.bases, &details.layers, key, control.interrupt())
    }
}

impl Resumer for RestoreResumer {
    fn resume(&self, job: &JobHandle) -> Result<()> {
        self.run(job)
    }

    fn on_fail_or_cancel(&self, job: &JobHandle) -> Result<()> {
        self.revert(job)
    }

    fn is_transient(&self, error: &Error) -> bool {
        error.is_retryable() || error.code() == sqlstate::IO_ERROR
    }
}

impl Control for JobHandle {
    fn id(&self) -> JobId {
        JobHandle::id(self)
    }

    fn details(&self) -> Result<Details> {
        JobHandle::details(self)
    }

    fn progress(&self) -> Result<Progress> {
        JobHandle::progress(self)
    }

    fn interrupt(&self) -> &Interrupt {
        JobHandle::interrupt(self)
    }

    fn checkpoint(&self, fraction: f64, status: &str, progress: &Progress) -> Result<()> {
        JobHandle::checkpoint(self, fraction, status, stored(progress)?)
    }

    fn report(&self, fraction: f64, status: &str) -> Result<()> {
        JobHandle::report(self, fraction, status)
    }

    fn checkpoint_in(&self, txn: &mut Txn, status: &str, progress: &Progress) -> Result<()> {
        let fraction = if progress.stage == Stage::Published { 0.99 } else { 0.0 };
        JobHandle::checkpoint_in(self, txn, fraction, status, stored(progress)?)
    }

    fn go_on(&self, txn: &mut Txn, table: &TableDescriptor, change: &Change) -> Result<JobId> {
        let description = describe::going_on(table, change);
        let details = change.details(table.id)?;
        JobHandle::create(self, txn, SCHEMA_CHANGE, description, vec![table.id], details)
    }

    fn pausepoint(&self, name: &'static str) -> Result<()> {
        JobHandle::pausepoint(self, name)
    }
}

fn stored(progress: &Progress) -> Result<Value> {
    serde_json::to_value(progress)
        .map_err(|e| Error::internal("the progress of a restore cannot be written").with_source(e))
}
