//! Lives of jobs over the memory engine, each resumer a script.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;

use super::*;
use crate::catalog::{Catalog, watched_spans};
use crate::clock::{ManualClock, Timestamp};
use crate::error::{Error, Result, sqlstate};
use crate::ids::IdSource;
use crate::kv::SharedEngine;
use crate::kv::memory::MemoryEngine;
use crate::mvcc::{Mvcc, Options, Txn, TxnOptions};
use crate::settings::{self, Settings};
use crate::task::Interrupt;

mod threads;

type Step = Box<dyn Fn(&JobHandle) -> Result<()> + Send + Sync>;

struct Script {
    resume: Step,
    undo: Step,
}

impl Resumer for Script {
    fn resume(&self, job: &JobHandle) -> Result<()> {
        (self.resume)(job)
    }

    fn on_fail_or_cancel(&self, job: &JobHandle) -> Result<()> {
        (self.undo)(job)
    }

    fn is_transient(&self, error: &Error) -> bool {
        error.code() == sqlstate::IO_ERROR
    }
}

fn script(
    resume: impl Fn(&JobHandle) -> Result<()> + Send + Sync + 'static,
    undo: impl Fn(&JobHandle) -> Result<()> + Send + Sync + 'static,
) -> Arc<Script> {
    Arc::new(Script { resume: Box::new(resume), undo: Box::new(undo) })
}

/// What must not be undone.
fn never(_: &JobHandle) -> Result<()> {
    panic!("nothing was to be undone")
}

struct Node {
    mvcc: Arc<Mvcc>,
    settings: Arc<Settings>,
    clock: Arc<ManualClock>,
    registry: Arc<Registry>,
}

const DAY_NANOS: u64 = 86_400_000_000_000;

impl Node {
    /// A store without a started registry.
    fn new() -> Node {
        let engine: SharedEngine = Arc::new(MemoryEngine::new());
        let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(20_000 * DAY_NANOS)));
        let options = Options { watched: watched_spans(), ..Options::default() };
        let mvcc = Mvcc::open(engine, clock.clone(), options).unwrap();
        Node::over(mvcc, clock)
    }

    fn over(mvcc: Arc<Mvcc>, clock: Arc<ManualClock>) -> Node {
        let catalog = Catalog::open(mvcc.clone()).unwrap();
        let settings = Arc::new(Settings::new());
        let ids = Arc::new(IdSource::new());
        let registry = Registry::new(mvcc.clone(), catalog, settings.clone(), clock.clone(), ids);
        Node { mvcc, settings, clock, registry }
    }

    /// Another process over the same store.
    fn again(&self) -> Node {
        // Its numbers follow the clock.
        self.clock.advance_nanos(1_000_000);
        Node::over(self.mvcc.clone(), self.clock.clone())
    }

    fn run(resumer: Arc<dyn Resumer>) -> Node {
        let node = Node::new();
        node.start(resumer);
        node
    }

    fn start(&self, resumer: Arc<dyn Resumer>) {
        self.registry.register("BACKUP", resumer);
        self.registry.start().unwrap();
    }

    fn begin(&self) -> Txn {
        self.mvcc.begin(TxnOptions::default()).unwrap()
    }

    fn create(&self) -> JobId {
        let mut txn = self.begin();
        let id = self.registry.create(&mut txn, new_job()).unwrap();
        txn.commit().unwrap();
        id
    }

    fn ask(&self, id: JobId, request: Request) -> Result<()> {
        let mut txn = self.begin();
        self.registry.request(&mut txn, id, request, None)?;
        txn.commit().map(|_| ())
    }

    fn wait(&self, id: JobId) -> JobRecord {
        self.registry.wait(id, &Interrupt::new()).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.registry.shutdown(Duration::from_secs(10));
    }
}

fn new_job() -> NewJob {
    NewJob {
        kind: "BACKUP",
        description: "BACKUP INTO 'nodelocal://1/x'".into(),
        user: "root".into(),
        descriptor_ids: vec![104],
        details: json!({"speed": 3}),
        created_by: None,
        id: None,
    }
}

fn failure() -> Error {
    Error::new(sqlstate::DIVISION_BY_ZERO, "the sums do not add up").with_detail("7 is not 8.")
}

/// A resumer that says that it runs, and runs until it is told to stop.
fn endless() -> (impl Fn(&JobHandle) -> Result<()> + Send + Sync, Receiver<JobId>) {
    let (said, heard) = said();
    let step = move |job: &JobHandle| {
        said.lock().send(job.id()).unwrap();
        job.sleep(Duration::from_secs(600))
    };
    (step, heard)
}

fn said<T>() -> (Arc<Mutex<Sender<T>>>, Receiver<T>) {
    let (said, heard) = channel();
    (Arc::new(Mutex::new(said)), heard)
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_job_runs_once_its_transaction_has_committed() {
    let (said, heard) = said();
    let node = Node::run(script(
        move |job| {
            said.lock().send(job.id()).unwrap();
            assert_eq!(job.details::<serde_json::Value>()?["speed"], 3);
            assert_eq!(job.progress::<Option<u32>>()?, None);
            job.checkpoint(0.5, "half", json!({"rows": 12}))
        },
        never,
    ));
    let mut given_up = node.begin();
    let lost = node.registry.create(&mut given_up, new_job()).unwrap();
    assert_eq!(node.registry.get(&mut given_up, lost).unwrap().state, State::Running);
    given_up.rollback();
    let id = node.create();
    let record = node.wait(id);
    assert_eq!(record.state, State::Succeeded);
    assert!(node.registry.outcome_of(&record).is_ok());
    assert_eq!((record.progress.fraction, &*record.progress.running_status), (1.0, ""));
    assert_eq!(record.progress.state["rows"], 12);
    assert!(record.payload.started < record.payload.finished);
    assert_eq!(record.claim, None);
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [id]);
    assert_eq!(node.registry.load(lost).unwrap_err().code(), sqlstate::UNDEFINED_OBJECT);
}

#[test]
fn a_job_whose_savepoint_was_rolled_back_never_runs() {
    let (said, heard) = said();
    let node =
        Node::run(script(move |job| said.lock().send(job.id()).map_err(|_| failure()), never));
    let mut txn = node.begin();
    let savepoint = txn.savepoint();
    node.registry.create(&mut txn, new_job()).unwrap();
    txn.rollback_to(savepoint).unwrap();
    let kept = node.registry.create(&mut txn, new_job()).unwrap();
    txn.commit().unwrap();
    node.wait(kept);
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [kept]);
}

#[test]
fn a_job_that_fails_is_undone_and_keeps_its_error() {
    let (said, heard) = said();
    let node = Node::run(script(
        |_| Err(failure()),
        move |job| {
            assert_eq!(job.record().state, State::Reverting);
            said.lock().send(()).map_err(|_| failure())
        },
    ));
    let record = node.wait(node.create());
    assert_eq!(record.state, State::Failed);
    let error = node.registry.outcome_of(&record).unwrap_err();
    assert_eq!(error.code(), sqlstate::DIVISION_BY_ZERO);
    assert_eq!((error.message(), error.detail()), (failure().message(), failure().detail()));
    assert_eq!(heard.try_iter().count(), 1);
    assert!(record.progress.fraction < 1.0);
}

#[test]
fn undoing_is_tried_until_it_succeeds() {
    let tries = AtomicUsize::new(0);
    let node = Node::run(script(
        |_| Err(failure()),
        move |_| match tries.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Error::internal("not yet")),
            1 => panic!("not yet either"),
            n if n < 9 => Err(Error::io("still not")),
            _ => Ok(()),
        },
    ));
    let record = node.wait(node.create());
    assert_eq!((record.state, record.payload.retries), (State::Failed, 9));
    assert_eq!(record.outcome().unwrap_err().code(), sqlstate::DIVISION_BY_ZERO);
}

#[test]
fn transient_errors_are_retried_a_few_times() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = runs.clone();
    let node = Node::run(script(
        move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0..3 => Err(Error::io("the wire is cut")),
            3 => Ok(()),
            _ => Err(Error::io("the wire is cut for good")),
        },
        |_| Ok(()),
    ));
    let record = node.wait(node.create());
    assert_eq!((record.state, record.payload.retries), (State::Succeeded, 3));
    let record = node.wait(node.create());
    assert_eq!((record.state, record.payload.retries), (State::Failed, 5));
    assert_eq!(record.outcome().unwrap_err().message(), "the wire is cut for good");
    assert_eq!(runs.load(Ordering::SeqCst), 4 + 6);
}

#[test]
fn a_run_that_gets_further_may_be_cut_more_often() {
    let node = Node::run(script(
        |job| {
            let done = job.progress::<u32>()? + 1;
            job.checkpoint(f64::from(done) / 20.0, "", json!(done))?;
            if done < 20 { Err(Error::io("the wire is cut")) } else { Ok(()) }
        },
        never,
    ));
    let record = node.wait(node.create());
    assert_eq!((record.state, record.payload.retries), (State::Succeeded, 19));
}

#[test]
fn a_paused_job_goes_on_from_its_checkpoint() {
    let (said, heard) = said();
    let node = Node::run(script(
        move |job| {
            let from = job.progress::<u32>()?;
            said.lock().send(from).unwrap();
            if from == 0 {
                job.checkpoint(0.25, "counting", json!(1))?;
                said.lock().send(1).unwrap();
                let told = job.sleep(LONG).unwrap_err();
                // What is known at the end of the run is still written down.
                let e = job.checkpoint(0.75, "counting", json!(3)).unwrap_err();
                assert_eq!(e.code(), sqlstate::QUERY_CANCELED);
                return Err(told);
            }
            Ok(())
        },
        never,
    ));
    let id = node.create();
    assert_eq!((heard.recv_timeout(LONG), heard.recv_timeout(LONG)), (Ok(0), Ok(1)));
    let mut txn = node.begin();
    node.registry.request(&mut txn, id, Request::Pause, Some("lunch")).unwrap();
    txn.commit().unwrap();
    let record = node.wait(id);
    assert_eq!((record.state, record.progress.fraction), (State::Paused, 0.75));
    let e = record.outcome().unwrap_err();
    assert_eq!(e.message(), format!("job {id} was paused before it completed with reason: lunch"));
    node.ask(id, Request::Resume).unwrap();
    assert_eq!(heard.recv_timeout(LONG), Ok(3));
    let record = node.wait(id);
    assert_eq!((record.state, record.payload.pause_reason), (State::Succeeded, None));
}

#[test]
fn a_wish_that_was_rolled_back_changes_nothing() {
    let (go, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let (said, heard) = said();
    let node = Node::run(script(
        move |job| {
            said.lock().send(()).unwrap();
            gate.lock().recv_timeout(LONG).map_err(|_| failure())?;
            job.checkpoint(0.9, "", json!(1))
        },
        never,
    ));
    let id = node.create();
    heard.recv_timeout(LONG).unwrap();
    let mut txn = node.begin();
    node.registry.request(&mut txn, id, Request::Cancel, None).unwrap();
    assert_eq!(node.registry.get(&mut txn, id).unwrap().state, State::CancelRequested);
    txn.rollback();
    go.send(()).unwrap();
    assert_eq!(node.wait(id).state, State::Succeeded);
}

#[test]
fn a_checkpoint_notices_a_wish_by_itself() {
    let node = Node::new();
    let registry = node.registry.clone();
    let mvcc = node.mvcc.clone();
    node.start(script(
        move |job| {
            // The wish is committed by this very thread, so nobody can have told the run of it.
            let mut txn = mvcc.begin(TxnOptions::default())?;
            registry.request(&mut txn, job.id(), Request::Pause, None)?;
            txn.commit()?;
            let e = job.checkpoint(0.5, "half", json!(5)).unwrap_err();
            assert!(job.interrupt().cause().is_some());
            Err(e)
        },
        never,
    ));
    let record = node.wait(node.create());
    assert_eq!((record.state, record.progress.fraction), (State::Paused, 0.5));
}

#[test]
fn a_cancelled_job_is_undone_whether_it_runs_or_rests() {
    let (step, heard) = endless();
    let undone = Arc::new(Mutex::new(Vec::new()));
    let list = undone.clone();
    let node = Node::run(script(step, move |job| {
        list.lock().push(job.id());
        Ok(())
    }));
    let running = node.create();
    heard.recv_timeout(LONG).unwrap();
    node.ask(running, Request::Cancel).unwrap();
    let record = node.wait(running);
    assert_eq!(record.state, State::Canceled);
    let e = record.outcome().unwrap_err();
    assert_eq!((e.code(), e.message()), (sqlstate::QUERY_CANCELED, "job canceled by user"));
    assert!(record.payload.error.is_none());

    let resting = node.create();
    heard.recv_timeout(LONG).unwrap();
    node.ask(resting, Request::Pause).unwrap();
    assert_eq!(node.wait(resting).state, State::Paused);
    node.ask(resting, Request::Cancel).unwrap();
    assert_eq!(loop_until_ended(&node, resting).state, State::Canceled);
    assert_eq!(*undone.lock(), [running, resting]);
    let e = node.ask(resting, Request::Pause).unwrap_err();
    assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
    assert_eq!(node.ask(1, Request::Pause).unwrap_err().code(), sqlstate::UNDEFINED_OBJECT);
}

/// As [`Node::wait`], for a job that was asked to leave a pause.
fn loop_until_ended(node: &Node, id: JobId) -> JobRecord {
    loop {
        let record = node.wait(id);
        if record.state.is_terminal() {
            return record;
        }
    }
}

#[test]
fn a_cancelled_job_paused_while_it_is_undone_ends_canceled() {
    let (run, running) = endless();
    let (undo, undoing) = endless();
    let once = AtomicUsize::new(0);
    let node = Node::run(script(run, move |job| match once.fetch_add(1, Ordering::SeqCst) {
        0 => undo(job),
        _ => Ok(()),
    }));
    let id = node.create();
    running.recv_timeout(LONG).unwrap();
    node.ask(id, Request::Cancel).unwrap();
    undoing.recv_timeout(LONG).unwrap();
    node.ask(id, Request::Pause).unwrap();
    let record = node.wait(id);
    assert_eq!(record.state, State::Paused);
    assert!(record.must_revert());
    assert!(node.ask(id, Request::Cancel).is_err());
    node.ask(id, Request::Resume).unwrap();
    assert_eq!(loop_until_ended(&node, id).state, State::Canceled);
}

#[test]
fn a_pausepoint_pauses_until_it_is_taken_away() {
    let node = Node::run(script(|job| job.pausepoint("backup.before.flow"), never));
    node.settings.apply(settings::JOBS_PAUSEPOINTS, Some("backup.before.flow".into()));
    let id = node.create();
    let record = node.wait(id);
    assert_eq!(record.state, State::Paused);
    assert!(record.outcome().unwrap_err().message().contains("\"backup.before.flow\" hit"));
    node.settings.apply(settings::JOBS_PAUSEPOINTS, None);
    node.ask(id, Request::Resume).unwrap();
    assert_eq!(loop_until_ended(&node, id).state, State::Succeeded);
}

#[test]
fn a_panic_fails_the_job_and_not_the_registry() {
    let calls = AtomicUsize::new(0);
    let node = Node::run(script(
        move |_| match calls.fetch_add(1, Ordering::SeqCst) {
            0 => panic!("the floor is wet"),
            _ => Ok(()),
        },
        |_| Ok(()),
    ));
    let record = node.wait(node.create());
    assert_eq!(record.state, State::Failed);
    let error = record.outcome().unwrap_err();
    assert_eq!(error.code(), sqlstate::INTERNAL_ERROR);
    assert!(error.message().contains("the floor is wet"));
    assert_eq!(node.wait(node.create()).state, State::Succeeded);
}

#[test]
fn a_crashed_process_loses_its_jobs_to_the_next() {
    let (go, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let (said, heard) = said();
    let dead = Node::run(script(
        move |job| {
            job.checkpoint(0.5, "", json!("half"))?;
            said.lock().send(None).unwrap();
            gate.lock().recv_timeout(LONG).map_err(|_| failure())?;
            let e = job.checkpoint(0.1, "", json!("from the grave")).unwrap_err();
            said.lock().send(Some(e.code())).unwrap();
            Err(failure())
        },
        never,
    ));
    let id = dead.create();
    assert_eq!(heard.recv_timeout(LONG), Ok(None));
    let next = dead.again();
    next.start(script(
        |job| match &*job.progress::<String>()? {
            "half" => Ok(()),
            _ => Err(failure()),
        },
        never,
    ));
    assert_eq!(next.wait(id).state, State::Succeeded);
    // The old run finds that the job is not its own, and changes nothing.
    go.send(()).unwrap();
    assert_eq!(heard.recv_timeout(LONG), Ok(Some(sqlstate::QUERY_CANCELED)));
    dead.registry.shutdown(LONG);
    let record = next.registry.load(id).unwrap();
    assert_eq!((record.state, record.progress.state), (State::Succeeded, json!("half")));
}

#[test]
fn a_shutdown_leaves_jobs_to_the_next_start() {
    let (step, heard) = endless();
    let node = Node::run(script(step, never));
    let id = node.create();
    heard.recv_timeout(LONG).unwrap();
    node.registry.shutdown(LONG);
    assert_eq!(node.registry.load(id).unwrap().state, State::Running);
    assert!(node.registry.wait(id, &Interrupt::new()).is_err(), "nobody would ever answer");
    let next = node.again();
    next.start(script(|_| Ok(()), never));
    assert_eq!(next.wait(id).state, State::Succeeded);
}

#[test]
fn wishes_committed_while_no_process_ran_are_fulfilled_at_the_start() {
    let (step, heard) = endless();
    let node = Node::run(script(step, never));
    let (paused, cancelled) = (node.create(), node.create());
    let both: BTreeSet<JobId> = (0..2).map(|_| heard.recv_timeout(LONG).unwrap()).collect();
    assert_eq!(both, BTreeSet::from([paused, cancelled]));
    node.registry.shutdown(LONG);
    node.ask(paused, Request::Pause).unwrap();
    node.ask(cancelled, Request::Cancel).unwrap();
    let next = node.again();
    next.start(script(never, |_| Ok(())));
    assert_eq!(next.wait(paused).state, State::Paused);
    assert_eq!(next.wait(cancelled).state, State::Canceled);
}

#[test]
fn old_jobs_are_swept_and_no_others() {
    let (step, heard) = endless();
    let calls = AtomicUsize::new(0);
    let node = Node::run(script(
        move |job| match calls.fetch_add(1, Ordering::SeqCst) {
            1 => step(job),
            _ => Ok(()),
        },
        never,
    ));
    let old = node.create();
    assert_eq!(node.wait(old).state, State::Succeeded);
    let resting = node.create();
    heard.recv_timeout(LONG).unwrap();
    node.ask(resting, Request::Pause).unwrap();
    assert_eq!(node.wait(resting).state, State::Paused);
    node.clock.advance_nanos(13 * DAY_NANOS);
    let young = node.create();
    assert_eq!(node.wait(young).state, State::Succeeded);
    node.clock.advance_nanos(2 * DAY_NANOS);
    patrol::sweep(&node.registry).unwrap();
    let kept: Vec<JobId> =
        node.registry.list(&mut node.begin()).unwrap().iter().map(|record| record.id).collect();
    assert_eq!(kept, [resting, young]);
}

#[test]
fn a_checkpoint_within_a_transaction_stands_or_falls_with_it() {
    let node = Node::new();
    let mvcc = node.mvcc.clone();
    node.start(script(
        move |job| {
            let mut kept = mvcc.begin(TxnOptions::default())?;
            job.checkpoint_in(&mut kept, 0.3, "", json!("kept"))?;
            kept.commit()?;
            let mut lost = mvcc.begin(TxnOptions::default())?;
            job.checkpoint_in(&mut lost, 0.6, "", json!("lost"))?;
            lost.rollback();
            Ok(())
        },
        never,
    ));
    assert_eq!(node.wait(node.create()).progress.state, json!("kept"));
}
