//! Workers: threads that take jobs one after another, call their resumers, and write down what
//! came of it.
//!
//! ```text
//!   fresh signal ─▶ claim ─▶ resume / undo ─▶ settle ─▶ ended or paused? ─▶ changed meanwhile?
//!        ▲                                                   │ no                  │ yes
//!        └───────────────────────────────────────────────────┴─────────────────────┘
//! ```
//!
//! The signal is laid out before the row is read: a wish committed earlier is seen in the row, a
//! later one raises the signal.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::record::{JobRecord, Payload};
use super::registry::Registry;
use super::resumer::{JobHandle, Resumer};
use super::state::{self, Outcome, Request, State};
use super::table::{self, Row};
use super::{JobId, pausepoint};
use crate::error::{Error, Result, sqlstate};
use crate::limits::SESSION_STACK_BYTES;
use crate::mvcc::Txn;
use crate::task::{Cause, Interrupt};

/// Runs without progress that may end in a transient error, before one counts as a failure.
const RETRIES_MAX: u32 = 5;
/// The pause before the first retry; it doubles.
const BACKOFF: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 100 });
/// The longest pause before a retry.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Starts a worker; the agenda has counted it.
pub(super) fn spawn(registry: &Arc<Registry>) {
    let own = Arc::clone(registry);
    let thread = thread::Builder::new().name("job".into()).stack_size(SESSION_STACK_BYTES);
    if let Err(e) = thread.spawn(move || work(&own)) {
        tracing::error!(error = %e, "a thread for jobs could not be started");
        registry.board.agenda.lock().worker_ends();
        registry.board.bell.notify_all();
    }
}

/// Whether a state says that somebody wishes the job to stop.
pub(super) fn is_wish(state: State) -> bool {
    matches!(state, State::PauseRequested | State::CancelRequested)
}

/// Fulfils a wish about a job that nobody runs. Answers the state after that; 55P03 if somebody
/// else has locked the row for longer than `patience`.
pub(super) fn fulfil(
    registry: &Registry,
    id: JobId,
    patience: Option<Duration>,
) -> Result<Option<State>> {
    let next = registry.transact_within(patience, |txn| {
        let Some(old) = table::lock(txn, id)? else { return Ok(None) };
        if old.claim().is_some() {
            return Ok(None);
        }
        let mut row = old.clone();
        let next = grant(&mut row)?;
        row.replace(txn, &old)?;
        Ok(Some(next))
    })?;
    registry.board.announce();
    Ok(next)
}

/// Makes a wished state true in a row whose job does not run.
fn grant(row: &mut Row) -> Result<State> {
    let state = row.state()?;
    if !is_wish(state) {
        return Ok(state);
    }
    let mut payload = row.payload()?;
    let next = state::outcome(state, payload.error.is_some(), Outcome::Stopped).unwrap_or(state);
    payload.canceled |= state == State::CancelRequested;
    row.set_payload(&payload)?;
    row.set_state(next);
    Ok(next)
}

fn work(registry: &Arc<Registry>) {
    loop {
        let next = registry.board.agenda.lock().next_run();
        let Some(id) = next else { break };
        if catch_unwind(AssertUnwindSafe(|| drive(registry, id))).is_err() {
            tracing::error!(job = id, "the worker of a job has panicked");
            registry.board.agenda.lock().abandon_run(id);
        }
    }
    registry.board.bell.notify_all();
}

/// Works on a job until it has ended or is paused, or the server stops.
fn drive(registry: &Arc<Registry>, id: JobId) {
    let mut tries = Tries::default();
    loop {
        let interrupt = registry.board.agenda.lock().fresh_interrupt(id);
        match pass(registry, id, interrupt, &mut tries) {
            Ok(Next::Again) => continue,
            Ok(Next::Leave) => {}
            // The row stays as it is, and the patrol comes round.
            Err(e) => tracing::error!(job = id, error = %e, "a job's state could not be written"),
        }
        if !registry.board.agenda.lock().end_run(id) {
            return;
        }
    }
}

enum Next {
    Again,
    Leave,
}

/// How often a job has failed since it last got further.
#[derive(Default)]
struct Tries {
    failed: u32,
    undoing: bool,
}

impl Tries {
    fn pause(&self) -> Duration {
        BACKOFF.saturating_mul(1 << self.failed.saturating_sub(1).min(16)).min(BACKOFF_MAX)
    }
}

fn pass(
    registry: &Arc<Registry>,
    id: JobId,
    interrupt: Interrupt,
    tries: &mut Tries,
) -> Result<Next> {
    if interrupt.cause() == Some(Cause::Shutdown) {
        return Ok(Next::Leave);
    }
    let Some((record, resumer)) = claim(registry, id)? else { return Ok(Next::Leave) };
    let undoing = record.state == State::Reverting;
    if undoing != tries.undoing {
        *tries = Tries { failed: 0, undoing };
    }
    let job = JobHandle::new(Arc::clone(registry), record, interrupt.clone());
    let run = call(&*resumer, &job, undoing);
    if job.has_advanced() {
        tries.failed = 0;
    }
    let run = Run { may_retry: undoing || tries.failed < RETRIES_MAX, ..run };
    if let Err(e) = &run.result {
        tracing::info!(job = id, undoing, error = %e, "a run of a job has ended");
    }
    let settled = registry.transact(|txn| settle(registry, txn, id, &run))?;
    registry.board.announce();
    let Some(settled) = settled else { return Ok(Next::Leave) };
    if settled.state.is_terminal() || settled.state == State::Paused {
        return Ok(Next::Leave);
    }
    if settled.retry {
        tries.failed = tries.failed.saturating_add(1);
        back_off(registry, id, tries.pause())?;
    }
    Ok(Next::Again)
}

/// Waits before a retry, unless somebody wishes that there be none.
fn back_off(registry: &Registry, id: JobId, pause: Duration) -> Result<()> {
    let interrupt = registry.board.agenda.lock().fresh_interrupt(id);
    let row = table::get(&mut registry.reader()?, id)?;
    if row.map(|row| row.state()).transpose()?.is_some_and(|state| !is_wish(state)) {
        // Woken or not: what to do next is read from the row.
        let _ = interrupt.wait(pause);
    }
    Ok(())
}

/// Takes a job for this process and counts a run. `None` if there is nothing to run.
fn claim(registry: &Registry, id: JobId) -> Result<Option<(JobRecord, Arc<dyn Resumer>)>> {
    let claimed = registry.transact(|txn| {
        let Some(old) = table::lock(txn, id)? else { return Ok(None) };
        if old.claim().is_some_and(|claim| claim != *registry.claim()) {
            return Ok(None);
        }
        let mut row = old.clone();
        let state = grant(&mut row)?;
        if !matches!(state, State::Running | State::Reverting) {
            if state != old.state()? {
                row.set_claim(None);
                row.replace(txn, &old)?;
            }
            return Ok(None);
        }
        let mut payload = row.payload()?;
        let Some(resumer) = registry.resumer(&payload.kind) else { return Ok(None) };
        let now = registry.clock().now();
        payload.started.get_or_insert(now);
        row.set_payload(&payload)?;
        let mut progress = row.progress()?;
        progress.modified = now;
        row.set_progress(&progress)?;
        row.set_claim(Some(registry.claim()));
        row.count_run(now);
        row.replace(txn, &old)?;
        Ok(Some((row.record()?, resumer)))
    })?;
    registry.board.announce();
    Ok(claimed)
}

/// How a call of a resumer ended.
struct Run {
    result: Result<()>,
    undoing: bool,
    /// Whether running again may help against the error.
    transient: bool,
    may_retry: bool,
    pausepoint: Option<&'static str>,
    cause: Option<Cause>,
}

fn call(resumer: &dyn Resumer, job: &JobHandle, undoing: bool) -> Run {
    let called = catch_unwind(AssertUnwindSafe(|| {
        let result = match undoing {
            true => resumer.on_fail_or_cancel(job),
            false => resumer.resume(job),
        };
        let transient = result.as_ref().is_err_and(|e| resumer.is_transient(e));
        (result, transient)
    }));
    let cause = job.interrupt().cause();
    let (result, mut transient) =
        called.unwrap_or_else(|panic| (Err(panicked(job.id(), &*panic)), false));
    if let Err(e) = &result {
        // Told to stop for a wish that has passed, or by the resumer itself.
        let is_stop = [sqlstate::QUERY_CANCELED, sqlstate::ADMIN_SHUTDOWN].contains(&e.code());
        transient |= cause == Some(Cause::JobStopped) && is_stop;
    }
    Run { result, undoing, transient, may_retry: true, pausepoint: job.stopped_at(), cause }
}

fn panicked(id: JobId, panic: &(dyn Any + Send)) -> Error {
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::internal(format!("job {id} panicked: {words}"))
}

/// What a run's ending means, given the state that is stored by then.
enum Verdict<'a> {
    Completed,
    Stopped,
    Pausepoint(&'static str),
    Retry,
    Failed(&'a Error),
}

impl Run {
    fn verdict(&self, state: State) -> Verdict<'_> {
        let error = match &self.result {
            Ok(()) => return Verdict::Completed,
            Err(error) => error,
        };
        if let Some(name) = self.pausepoint {
            return Verdict::Pausepoint(name);
        }
        match self.cause {
            Some(Cause::Shutdown) => Verdict::Stopped,
            Some(Cause::JobStopped) if is_wish(state) => Verdict::Stopped,
            // To undo is tried for ever, but a pause is granted in between.
            _ if self.undoing && is_wish(state) => Verdict::Stopped,
            _ if self.undoing || self.transient && self.may_retry => Verdict::Retry,
            _ => Verdict::Failed(error),
        }
    }
}

struct Settled {
    state: State,
    retry: bool,
}

/// Writes down how a run ended. `None` if the job is not this process's any more.
fn settle(registry: &Registry, txn: &mut Txn, id: JobId, run: &Run) -> Result<Option<Settled>> {
    let Some(old) = table::lock(txn, id)? else { return Ok(None) };
    if old.claim().as_ref() != Some(registry.claim()) {
        return Ok(None);
    }
    let mut payload = old.payload()?;
    let state = old.state()?;
    let verdict = run.verdict(state);
    let retry = matches!(verdict, Verdict::Retry);
    let next = next_state(id, state, &mut payload, run.undoing, &verdict).ok_or_else(|| {
        Error::internal(format!("a run of job {id} ended while its status was {state}"))
    })?;
    if retry {
        payload.retries = payload.retries.saturating_add(1);
    }
    let now = registry.clock().now();
    let mut row = old.clone();
    row.set_state(next);
    if next.is_terminal() {
        payload.finished = Some(now);
    }
    if next.is_terminal() || next == State::Paused {
        row.set_claim(None);
    }
    row.set_payload(&payload)?;
    if next != state {
        let mut progress = row.progress()?;
        progress.running_status.clear();
        progress.modified = now;
        if next == State::Succeeded {
            progress.fraction = 1.0;
        }
        row.set_progress(&progress)?;
    }
    row.replace(txn, &old)?;
    Ok(Some(Settled { state: next, retry }))
}

fn next_state(
    id: JobId,
    state: State,
    payload: &mut Payload,
    undoing: bool,
    verdict: &Verdict<'_>,
) -> Option<State> {
    let failed = payload.error.is_some();
    let must_revert = failed || payload.canceled;
    let next = match verdict {
        // All is undone, whether or not somebody wished for a pause meanwhile.
        Verdict::Completed if undoing => {
            state::outcome(State::Reverting, failed, Outcome::Completed)?
        }
        Verdict::Completed => state::outcome(state, failed, Outcome::Completed)?,
        Verdict::Stopped => state::outcome(state, failed, Outcome::Stopped)?,
        Verdict::Pausepoint(name) => {
            let wished = state::request(id, state, must_revert, Request::Pause).ok().flatten();
            let next = state::outcome(wished.unwrap_or(state), failed, Outcome::Stopped)?;
            if next == State::Paused {
                payload.pause_reason = Some(pausepoint::reached(name).message().to_owned());
            }
            next
        }
        Verdict::Retry => state,
        Verdict::Failed(error) => {
            if state != State::CancelRequested {
                payload.error = Some((*error).into());
            }
            state::outcome(state, must_revert, Outcome::Failed)?
        }
    };
    payload.canceled |= state == State::CancelRequested && next == State::Reverting;
    Some(next)
}
