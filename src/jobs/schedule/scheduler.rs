//! The scheduler: the thread that runs what is due and judges the runs that have ended.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::ScheduleId;
use super::record::{OnFailure, OnPrevious, Schedule, WAITING};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::registry::Registry;
use crate::jobs::{JobId, State, table};
use crate::mvcc::Txn;
use crate::settings::{JOBS_SCHEDULER_ENABLED, JOBS_SCHEDULER_PACE};
use crate::task::{Cause, Interrupt};

/// Longest time between two looks at jobs that have ended.
const LOOK: Duration = Duration::from_secs(1);

/// Shortest time between two looks, whatever the setting says.
const LOOK_MIN: Duration = Duration::from_millis(10);

/// After which time a run that could not begin, or failed, is tried again.
const AGAIN_NANOS: u64 = 60_000_000_000;

/// How long to wait for a row that a statement has locked; the next look tries again.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(1));

/// Position of the jobs in `catalog::watched_spans`.
const WATCHED_JOBS: usize = 2;

/// Longest error that a schedule's state shows, in characters.
const ERROR_MAX: usize = 300;

/// Runs what a schedule says.
pub trait Launch: Send + Sync + 'static {
    /// Creates the job of a run as of a time, in a transaction.
    fn launch(
        &self,
        txn: &mut Txn,
        schedule: &Schedule,
        at: Timestamp,
        interrupt: &Interrupt,
    ) -> Result<JobId>;
}

/// Runs schedules, in a thread of its own or look by look.
pub struct Scheduler {
    registry: Arc<Registry>,
    launch: Box<dyn Launch>,
    stop: Interrupt,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How a run has ended.
enum Ended {
    Succeeded,
    Failed(String),
    /// Cancelled, or its row is gone.
    Otherwise,
}

impl Scheduler {
    /// A scheduler that does nothing by itself before [`Scheduler::start`].
    pub fn new(registry: Arc<Registry>, launch: Box<dyn Launch>) -> Arc<Scheduler> {
        let (stop, thread) = (Interrupt::new(), Mutex::new(None));
        Arc::new(Scheduler { registry, launch, stop, thread })
    }

    /// Starts the thread.
    pub fn start(self: &Arc<Self>) -> Result<()> {
        let mut thread = self.thread.lock();
        if thread.is_none() {
            let own = Arc::clone(self);
            let spawned =
                std::thread::Builder::new().name("scheduler".into()).spawn(move || own.work())?;
            *thread = Some(spawned);
        }
        Ok(())
    }

    /// Ends the thread and waits for it. Nothing is run after this.
    pub fn stop(&self) {
        self.stop.raise(Cause::Shutdown);
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the scheduler ended in a panic");
        }
    }

    fn work(&self) {
        let settings = self.registry.settings();
        let (mut seen, mut last) = (None, None::<Instant>);
        loop {
            let pace = settings.duration(JOBS_SCHEDULER_PACE).max(LOOK_MIN);
            if self.stop.wait(pace.min(LOOK)).is_err() {
                return;
            }
            if !settings.bool(JOBS_SCHEDULER_ENABLED) {
                continue;
            }
            let jobs = self.registry.catalog().mvcc().watched_version(WATCHED_JOBS);
            if seen != Some(jobs) && self.settled() {
                seen = Some(jobs);
            }
            if last.is_none_or(|at| at.elapsed() >= pace) {
                last = Some(Instant::now());
                self.log(self.run_due(), "schedules that are due could not be listed");
            }
        }
    }

    fn settled(&self) -> bool {
        let done = self.settle();
        let well = done.is_ok();
        self.log(done, "ended runs of schedules could not be looked at");
        well
    }

    fn log(&self, done: Result<()>, what: &str) {
        if let Err(e) = done
            && self.stop.cause().is_none()
        {
            tracing::warn!(error = %e, "{what}");
        }
    }

    /// Acts upon every run that has ended since the last look.
    pub fn settle(&self) -> Result<()> {
        let mut first = Ok(());
        for schedule in Schedule::list(&mut self.registry.reader()?)? {
            if schedule.progress.pending.is_empty() {
                continue;
            }
            self.stop.check()?;
            if let Err(e) = self.settle_one(&schedule)
                && first.is_ok()
            {
                first = Err(e);
            }
        }
        first
    }

    fn settle_one(&self, seen: &Schedule) -> Result<()> {
        let ended = self.ended(&seen.progress.pending)?;
        if ended.is_empty() {
            return Ok(());
        }
        let now = self.registry.clock().now();
        self.registry.transact_within(PATIENCE, |txn| {
            let Some(old) = Schedule::lock(txn, seen.id)? else { return Ok(()) };
            let mut new = old.clone();
            for (job, how) in &ended {
                let Some(at) = new.progress.pending.iter().position(|id| id == job) else {
                    continue;
                };
                new.progress.pending.remove(at);
                match how {
                    Ended::Succeeded => {
                        if let Some(other) = new.arguments.unpause_on_success.take() {
                            wake(txn, other, now)?;
                        }
                    }
                    Ended::Failed(why) => {
                        failed(&mut new, &format!("job {job} failed: {why}"), now, false)?;
                    }
                    Ended::Otherwise => {}
                }
            }
            new.replace(txn, &old)
        })
    }

    /// Those of some jobs that have ended, and how. A terminal state never changes.
    fn ended(&self, jobs: &[JobId]) -> Result<Vec<(JobId, Ended)>> {
        let mut txn = self.registry.reader()?;
        let mut ended = Vec::new();
        for id in jobs {
            let how = match table::get(&mut txn, *id)?.map(|row| row.record()).transpose()? {
                None => Ended::Otherwise,
                Some(job) => match job.state {
                    State::Succeeded => Ended::Succeeded,
                    State::Failed => {
                        let why = job.payload.error.map(|e| e.message);
                        Ended::Failed(why.unwrap_or_else(|| "unknown error".to_owned()))
                    }
                    State::Canceled => Ended::Otherwise,
                    _ => continue,
                },
            };
            ended.push((*id, how));
        }
        Ok(ended)
    }

    /// Runs every schedule that is due. What goes wrong with one is its own affair.
    pub fn run_due(&self) -> Result<()> {
        let now = self.registry.clock().now();
        let mut due: Vec<(Timestamp, bool, ScheduleId)> = Vec::new();
        for schedule in Schedule::list(&mut self.registry.reader()?)? {
            if let Some(at) = schedule.next_run.filter(|at| *at <= now) {
                // An incremental of the same moment still belongs to the chain before the new full.
                due.push((at, schedule.arguments.backup_type.is_none(), schedule.id));
            }
        }
        due.sort_unstable();
        for (_, _, id) in due {
            self.stop.check()?;
            if let Err(e) = self.run(id, now)
                && self.stop.cause().is_none()
            {
                tracing::warn!(schedule = id, error = %e, "a schedule could not be run");
            }
        }
        Ok(())
    }

    fn run(&self, id: ScheduleId, now: Timestamp) -> Result<()> {
        let mut launch_error = None;
        let ran = self.registry.transact_within(PATIENCE, |txn| {
            launch_error = None;
            let Some(old) = Schedule::lock(txn, id)? else { return Ok(()) };
            let Some(at) = old.next_run.filter(|at| *at <= now) else { return Ok(()) };
            let mut new = old.clone();
            let running = old.progress.pending.len() - self.ended(&old.progress.pending)?.len();
            match old.policy.on_previous_running {
                OnPrevious::Skip if running > 0 => {
                    new.progress.status = format!("rescheduled: {running} already running");
                    new.advance(now)?;
                }
                OnPrevious::Wait if running > 0 => {
                    new.progress.status = format!("delayed: {running} already running");
                    new.next_run = Some(later(now));
                }
                _ => {
                    let job = match self.launch.launch(txn, &old, at, &self.stop) {
                        Ok(job) => job,
                        Err(e) => {
                            launch_error = Some(e.clone());
                            return Err(e);
                        }
                    };
                    tracing::info!(schedule = id, job, "a schedule has made a job");
                    new.progress.pending.push(job);
                    new.progress.status.clear();
                    new.advance(now)?;
                }
            }
            new.replace(txn, &old)
        });
        match launch_error {
            // Somebody holds a lock, or the server stops: the next look tries again.
            Some(e) if e.code() == sqlstate::LOCK_NOT_AVAILABLE => Err(e),
            Some(e) if self.stop.cause().is_some() => Err(e),
            Some(e) => self.could_not_begin(id, now, &e),
            None => ran,
        }
    }

    fn could_not_begin(&self, id: ScheduleId, now: Timestamp, why: &Error) -> Result<()> {
        tracing::warn!(schedule = id, error = %why, "a run of a schedule could not begin");
        self.registry.transact_within(PATIENCE, |txn| {
            let Some(old) = Schedule::lock(txn, id)? else { return Ok(()) };
            if old.next_run.is_none_or(|at| at > now) {
                return Ok(());
            }
            let mut new = old.clone();
            failed(&mut new, why.message(), now, true)?;
            new.replace(txn, &old)
        })
    }
}

/// Does with a schedule what its policy says after a failure. `due` tells whether the run that
/// failed is still the next one.
fn failed(schedule: &mut Schedule, why: &str, now: Timestamp, due: bool) -> Result<()> {
    let why: String = why.chars().take(ERROR_MAX).collect();
    let policy = schedule.policy.on_execution_failure;
    schedule.progress.status = match policy {
        OnFailure::Retry => format!("retrying: {why}"),
        OnFailure::Reschedule => format!("rescheduled: {why}"),
        OnFailure::Pause => format!("paused: {why}"),
    };
    // What somebody has paused meanwhile stays so.
    if schedule.is_paused() {
        return Ok(());
    }
    match policy {
        OnFailure::Retry => schedule.next_run = Some(later(now)),
        OnFailure::Reschedule if due => schedule.advance(now)?,
        OnFailure::Reschedule => {}
        OnFailure::Pause => schedule.next_run = None,
    }
    Ok(())
}

/// Lets a schedule run that has waited for another's first success. One that somebody paused or
/// resumed by hand is left alone.
fn wake(txn: &mut Txn, id: ScheduleId, now: Timestamp) -> Result<()> {
    let Some(old) = Schedule::lock(txn, id)? else { return Ok(()) };
    if !old.is_paused() || old.progress.status != WAITING {
        return Ok(());
    }
    let mut new = old.clone();
    new.progress.status.clear();
    new.advance(now)?;
    new.replace(txn, &old)
}

fn later(now: Timestamp) -> Timestamp {
    Timestamp::from_nanos(now.wall.saturating_add(AGAIN_NANOS))
}
