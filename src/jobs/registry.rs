//! The registry: creates jobs, hands committed ones to workers, and answers for them.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use parking_lot::{Condvar, Mutex, RwLock};

use super::agenda::Agenda;
use super::record::{Claim, JobRecord, NewJob, Payload, Progress};
use super::resumer::Resumer;
use super::state::{self, Request, State};
use super::{JobId, patrol, table};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::error::{Error, Result, sqlstate};
use crate::ids::IdSource;
use crate::mvcc::{Mvcc, Txn, TxnOptions};
use crate::settings::Settings;
use crate::task::{Cause, Interrupt};

/// The first pause before a transaction is run again after a conflict; it doubles.
const CONFLICT_WAIT: Duration = Duration::from_millis(1);
/// The longest such pause.
const CONFLICT_WAIT_MAX: Duration = Duration::from_millis(500);
/// How long a waiter sleeps before it looks by itself.
const WAIT_POLL: Duration = Duration::from_millis(500);

/// Jobs of a node. Dropped without [`Registry::shutdown`] it begins nothing more.
pub struct Registry {
    mvcc: Arc<Mvcc>,
    catalog: Arc<Catalog>,
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    ids: Arc<IdSource>,
    claim: Claim,
    resumers: RwLock<HashMap<&'static str, Arc<dyn Resumer>>>,
    pub(super) board: Arc<Board>,
    patrol: Mutex<Option<JoinHandle<()>>>,
    /// Raised when even small transactions must end.
    halt: Interrupt,
}

/// What sessions, the patrol and the workers tell each other through.
#[derive(Default)]
pub(super) struct Board {
    pub(super) agenda: Mutex<Agenda>,
    /// Rung when the agenda has something for the patrol, or a worker has ended.
    pub(super) bell: Condvar,
    /// Counts changes of state.
    changes: Mutex<u64>,
    changed: Condvar,
}

impl Board {
    /// Notes a job whose row was changed, and wakes the patrol and all who wait for jobs.
    fn note(&self, id: JobId) {
        self.agenda.lock().note(id);
        self.bell.notify_all();
        self.announce();
    }

    /// Wakes all who wait for jobs.
    pub(super) fn announce(&self) {
        *self.changes.lock() += 1;
        self.changed.notify_all();
    }
}

impl Registry {
    /// A registry over a store; nothing runs before [`Registry::start`].
    pub fn new(
        mvcc: Arc<Mvcc>,
        catalog: Arc<Catalog>,
        settings: Arc<Settings>,
        clock: Arc<dyn Clock>,
        ids: Arc<IdSource>,
    ) -> Arc<Registry> {
        let claim = Claim { session: ids.next(&*clock) };
        Arc::new(Registry {
            mvcc,
            catalog,
            settings,
            clock,
            ids,
            claim,
            resumers: RwLock::default(),
            board: Arc::default(),
            patrol: Mutex::new(None),
            halt: Interrupt::new(),
        })
    }

    /// Names the code for a kind of job. Kinds are registered before [`Registry::start`].
    pub fn register(&self, kind: &'static str, resumer: Arc<dyn Resumer>) {
        self.resumers.write().insert(kind, resumer);
    }

    /// Adopts what a dead process left unfinished and begins to run jobs.
    pub fn start(self: &Arc<Self>) -> Result<()> {
        let mut patrol = self.patrol.lock();
        if patrol.is_some() || self.board.agenda.lock().stopping {
            return Ok(());
        }
        patrol::release_foreign_claims(self)?;
        *patrol = Some(patrol::start(self)?);
        Ok(())
    }

    /// Stops: runs are told to, and get `grace` to do so. Jobs under way stay as they are in the
    /// table; whoever starts next adopts them.
    pub fn shutdown(&self, grace: Duration) {
        let until = Instant::now() + grace;
        {
            let mut agenda = self.board.agenda.lock();
            agenda.stop();
            self.board.bell.notify_all();
            while !agenda.is_idle() {
                if self.board.bell.wait_until(&mut agenda, until).timed_out() {
                    break;
                }
            }
        }
        self.halt.raise(Cause::Shutdown);
        self.board.announce();
        if let Some(patrol) = self.patrol.lock().take()
            && patrol.thread().id() != std::thread::current().id()
            && patrol.join().is_err()
        {
            tracing::error!("the patrol of the job registry has panicked");
        }
    }

    /// Whether jobs of a kind can be created.
    pub fn can_run(&self, kind: &str) -> bool {
        self.resumer(kind).is_some()
    }

    /// A number for [`NewJob::id`].
    pub fn next_id(&self) -> JobId {
        self.ids.next(&*self.clock)
    }

    /// Creates a job. Its row is part of the transaction, and it runs when that has committed.
    pub fn create(self: &Arc<Self>, txn: &mut Txn, new: NewJob) -> Result<JobId> {
        if self.resumer(new.kind).is_none() {
            return Err(Error::unsupported(format_args!("running a job of type {}", new.kind)));
        }
        let id = new.id.unwrap_or_else(|| self.next_id());
        let now = self.clock.now();
        let record = JobRecord {
            id,
            state: State::Running,
            created: now,
            created_by: new.created_by,
            claim: None,
            payload: Payload {
                kind: new.kind.to_owned(),
                description: new.description,
                statement: String::new(),
                user: new.user,
                descriptor_ids: new.descriptor_ids,
                details: new.details,
                started: None,
                finished: None,
                error: None,
                canceled: false,
                pause_reason: None,
                non_cancelable: false,
                retries: 0,
            },
            progress: Progress { modified: now, ..Progress::default() },
        };
        table::Row::of(&record)?.insert(txn)?;
        self.wake_on_commit(txn, id);
        Ok(id)
    }

    /// A job as a transaction sees it; 42704 if there is none.
    pub fn get(&self, txn: &mut Txn, id: JobId) -> Result<JobRecord> {
        table::get(txn, id)?.ok_or_else(|| table::unknown(id))?.record()
    }

    /// Every job as a transaction sees it, by number.
    pub fn list(&self, txn: &mut Txn) -> Result<Vec<JobRecord>> {
        let mut records = Vec::new();
        table::for_each(txn, &mut |row| {
            records.push(row.record()?);
            Ok(true)
        })?;
        Ok(records)
    }

    /// A job as it is committed now; 42704 if there is none.
    pub fn load(&self, id: JobId) -> Result<JobRecord> {
        self.get(&mut self.reader()?, id)
    }

    /// What a statement wishes of a job: 42704 if there is none, 55000 if its state forbids it. It
    /// takes effect when the transaction has committed. `reason` is kept with a pause.
    pub fn request(
        self: &Arc<Self>,
        txn: &mut Txn,
        id: JobId,
        request: Request,
        reason: Option<&str>,
    ) -> Result<()> {
        let old = table::lock(txn, id)?.ok_or_else(|| table::unknown(id))?;
        let record = old.record()?;
        let state = record.state;
        if request == Request::Cancel && record.payload.non_cancelable && !state.is_terminal() {
            return Err(Error::new(
                sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("job {id} is not cancelable"),
            ));
        }
        let Some(next) = state::request(id, state, record.must_revert(), request)? else {
            return Ok(());
        };
        let mut row = old.clone();
        row.set_state(next);
        let mut payload = record.payload;
        payload.pause_reason = match request {
            Request::Pause => reason.map(str::to_owned),
            Request::Resume | Request::Cancel => None,
        };
        row.set_payload(&payload)?;
        row.replace(txn, &old)?;
        self.wake_on_commit(txn, id);
        Ok(())
    }

    /// Waits until a job has ended or is paused.
    pub fn wait(&self, id: JobId, interrupt: &Interrupt) -> Result<JobRecord> {
        loop {
            let seen = *self.board.changes.lock();
            let row = table::get(&mut self.reader()?, id)?.ok_or_else(|| table::unknown(id))?;
            let state = row.state()?;
            if state.is_terminal() || state == State::Paused {
                return row.record();
            }
            self.halt.check()?;
            let mut changes = self.board.changes.lock();
            if *changes == seen {
                interrupt.wait_on(&self.board.changed, &mut changes, WAIT_POLL)?;
            }
            drop(changes);
            interrupt.check()?;
        }
    }

    /// What whoever waited for a job is told; see [`JobRecord::outcome`].
    pub fn outcome_of(&self, record: &JobRecord) -> Result<()> {
        record.outcome()
    }

    // For the rest of the room.

    /// Runs a small transaction, again and again if it conflicts with others.
    pub(super) fn transact<T>(&self, body: impl FnMut(&mut Txn) -> Result<T>) -> Result<T> {
        self.transact_within(None, body)
    }

    /// As [`Registry::transact`], waiting for a lock no longer than `patience`: 55P03.
    pub(super) fn transact_within<T>(
        &self,
        patience: Option<Duration>,
        mut body: impl FnMut(&mut Txn) -> Result<T>,
    ) -> Result<T> {
        let mut wait = CONFLICT_WAIT;
        loop {
            let options = TxnOptions {
                interrupt: self.halt.clone(),
                lock_timeout: patience,
                ..TxnOptions::default()
            };
            let mut txn = self.mvcc.begin(options)?;
            let done = match body(&mut txn) {
                Ok(value) => txn.commit().map(|_| value),
                Err(e) => {
                    txn.rollback();
                    Err(e)
                }
            };
            match done {
                Err(e) if e.is_retryable() => self.halt.wait(wait)?,
                done => return done,
            }
            wait = (wait * 2).min(CONFLICT_WAIT_MAX);
        }
    }

    /// A transaction that reads what is committed now.
    pub(super) fn reader(&self) -> Result<Txn> {
        self.mvcc.begin(TxnOptions { read_only: true, ..TxnOptions::default() })
    }

    pub(super) fn resumer(&self, kind: &str) -> Option<Arc<dyn Resumer>> {
        self.resumers.read().get(kind).cloned()
    }

    pub(super) fn claim(&self) -> &Claim {
        &self.claim
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(super) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// The catalogue that jobs of this node work on.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    fn wake_on_commit(&self, txn: &mut Txn, id: JobId) {
        let board = Arc::clone(&self.board);
        txn.on_commit(move |_| board.note(id));
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.board.agenda.lock().stop();
        self.board.bell.notify_all();
        self.halt.raise(Cause::Shutdown);
    }
}
