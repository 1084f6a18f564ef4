//! What the code of one kind of job implements, and what it is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::record::{JobRecord, NewJob, Progress};
use super::registry::Registry;
use super::state::State;
use super::table::{self, Row};
use super::{JobId, pausepoint};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::mvcc::Txn;
use crate::task::{Cause, Interrupt};

/// Nanoseconds between two reports of progress that are written down.
const REPORT_INTERVAL_NANOS: u64 = 1_000_000_000;

/// The code for one kind of job. It is called on a thread that belongs to the job.
pub trait Resumer: Send + Sync + 'static {
    /// Does the work, from the beginning or from the last checkpoint. It is called again after a
    /// pause, a crash or a transient error, so whatever it does twice must do no harm.
    fn resume(&self, job: &JobHandle) -> Result<()>;

    /// Undoes what the job has done so far, after it failed for good or was cancelled. It is
    /// called again until it succeeds.
    fn on_fail_or_cancel(&self, job: &JobHandle) -> Result<()>;

    /// Whether running again may help against an error.
    fn is_transient(&self, error: &Error) -> bool {
        error.is_retryable()
    }
}

/// One run of a job, as its resumer sees it. Threads of the run may share it.
pub struct JobHandle {
    registry: Arc<Registry>,
    record: Mutex<JobRecord>,
    interrupt: Interrupt,
    reported: Mutex<Reported>,
    /// Whether a checkpoint of this run has gone further than the ones before.
    advanced: AtomicBool,
    /// The pausepoint at which the run ends.
    stop_at: Mutex<Option<&'static str>>,
}

/// The last report that was written down.
#[derive(Default)]
struct Reported {
    at: Timestamp,
    running_status: String,
}

impl JobHandle {
    pub(super) fn new(registry: Arc<Registry>, record: JobRecord, interrupt: Interrupt) -> Self {
        JobHandle {
            registry,
            record: Mutex::new(record),
            interrupt,
            reported: Mutex::default(),
            advanced: AtomicBool::new(false),
            stop_at: Mutex::new(None),
        }
    }

    /// The job's number.
    pub fn id(&self) -> JobId {
        self.record.lock().id
    }

    /// The job as this run knows it: as it was when the run began, with the run's checkpoints.
    pub fn record(&self) -> JobRecord {
        self.record.lock().clone()
    }

    /// What the user asked for.
    pub fn details<T: DeserializeOwned>(&self) -> Result<T> {
        let record = self.record.lock();
        T::deserialize(&record.payload.details).map_err(|e| {
            Error::corrupt(format!("the details of job {} can not be read", record.id))
                .with_source(e)
        })
    }

    /// What the last checkpoint remembered; the default before the first one.
    pub fn progress<T: DeserializeOwned + Default>(&self) -> Result<T> {
        let record = self.record.lock();
        if record.progress.state.is_null() {
            return Ok(T::default());
        }
        T::deserialize(&record.progress.state).map_err(|e| {
            Error::corrupt(format!("the progress of job {} can not be read", record.id))
                .with_source(e)
        })
    }

    /// Tells the run to stop.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Remembers how far the work is: durable when it returns. It fails when the run must stop; a
    /// pause, cancel or shutdown finds the checkpoint written nevertheless.
    pub fn checkpoint(&self, fraction: f64, running_status: &str, state: Value) -> Result<()> {
        let progress = self.progress_now(fraction, running_status, state);
        let wished =
            self.registry.transact(|txn| self.write(txn, |row| row.set_progress(&progress)))?;
        self.remember(progress);
        self.stop_if(wished)
    }

    /// As [`JobHandle::checkpoint`], within a transaction of the resumer's: the state is remembered
    /// if and only if that commits. Its error must end the transaction.
    pub fn checkpoint_in(
        &self,
        txn: &mut Txn,
        fraction: f64,
        running_status: &str,
        state: Value,
    ) -> Result<()> {
        let progress = self.progress_now(fraction, running_status, state);
        let wished = self.write(txn, |row| row.set_progress(&progress))?;
        self.stop_if(wished)?;
        // Known to this run at once. A transaction that fails after all ends the run or is run
        // again, and either writes anew.
        self.remember(progress);
        Ok(())
    }

    /// Tells those who watch how far the work is. It is written down once a second at most, and at
    /// once if the status is another; a resumed run does not rely on it.
    pub fn report(&self, fraction: f64, running_status: &str) -> Result<()> {
        self.interrupt.check()?;
        let now = self.registry.clock().now();
        {
            let mut last = self.reported.lock();
            let due = now.wall.saturating_sub(last.at.wall) >= REPORT_INTERVAL_NANOS;
            if !due && last.running_status == running_status {
                return Ok(());
            }
            *last = Reported { at: now, running_status: running_status.to_owned() };
        }
        let wished = self.registry.transact(|txn| {
            self.write(txn, |row| {
                // The state is that of the last checkpoint, which another thread may write now.
                let state = row.progress()?.state;
                row.set_progress(&self.progress_now(fraction, running_status, state))
            })
        })?;
        self.stop_if(wished)
    }

    /// Stops here if the setting `jobs.debug.pausepoints` lists this place; the job is then paused.
    pub fn pausepoint(&self, name: &'static str) -> Result<()> {
        if pausepoint::is_set(self.registry.settings(), name) {
            *self.stop_at.lock() = Some(name);
            return Err(pausepoint::reached(name));
        }
        self.interrupt.check()
    }

    /// Creates a job within a transaction, for the role that this one works for.
    pub fn create(
        &self,
        txn: &mut Txn,
        kind: &'static str,
        description: String,
        descriptor_ids: Vec<u32>,
        details: Value,
    ) -> Result<JobId> {
        let user = self.record.lock().payload.user.clone();
        let (created_by, id) = (None, None);
        let new = NewJob { kind, description, user, descriptor_ids, details, created_by, id };
        self.registry.create(txn, new)
    }

    /// Waits, unless the run must stop.
    pub fn sleep(&self, time: Duration) -> Result<()> {
        self.interrupt.wait(time)
    }

    /// The pausepoint at which the run ended, if that is why.
    pub(super) fn stopped_at(&self) -> Option<&'static str> {
        *self.stop_at.lock()
    }

    /// Whether this run has got further than the runs before.
    pub(super) fn has_advanced(&self) -> bool {
        self.advanced.load(Ordering::Relaxed)
    }

    fn progress_now(&self, fraction: f64, running_status: &str, state: Value) -> Progress {
        // No reader of the row should meet what is no number.
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        let modified = self.registry.clock().now();
        Progress { fraction, running_status: running_status.to_owned(), state, modified }
    }

    /// Changes the row. Answers whether a statement wishes that the job stops.
    fn write(&self, txn: &mut Txn, change: impl Fn(&mut Row) -> Result<()>) -> Result<bool> {
        let id = self.id();
        let old = table::lock(txn, id)?.ok_or_else(|| table::unknown(id))?;
        if old.claim().as_ref() != Some(self.registry.claim()) {
            self.interrupt.raise(Cause::JobStopped);
            return Err(Cause::JobStopped.into());
        }
        let mut row = old.clone();
        change(&mut row)?;
        row.replace(txn, &old)?;
        Ok(!matches!(row.state()?, State::Running | State::Reverting))
    }

    fn remember(&self, progress: Progress) {
        let mut record = self.record.lock();
        if progress.fraction > record.progress.fraction {
            self.advanced.store(true, Ordering::Relaxed);
        }
        record.progress = progress;
    }

    fn stop_if(&self, wished: bool) -> Result<()> {
        if wished {
            self.interrupt.raise(Cause::JobStopped);
        }
        self.interrupt.check()
    }
}
