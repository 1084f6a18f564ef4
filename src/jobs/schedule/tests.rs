//! Schedules over a store in memory and a clock that is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::cron::moment;
use super::*;
use crate::catalog::{Catalog, watched_spans};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::error::{Error, Result, sqlstate};
use crate::ids::IdSource;
use crate::jobs::{CreatedBy, JobHandle, JobId, NewJob, Registry, Request, Resumer, State};
use crate::kv::memory::MemoryEngine;
use crate::mvcc::{Mvcc, Options, Txn, TxnOptions};
use crate::settings::Settings;
use crate::task::Interrupt;

const LONG: Duration = Duration::from_secs(60);
const HOUR: u64 = 3_600_000_000_000;
const MINUTE: u64 = 60_000_000_000;
const KIND: &str = "BACKUP";

/// Succeeds, fails, or goes on until it is stopped, as its details say.
struct AsTold;

impl Resumer for AsTold {
    fn resume(&self, job: &JobHandle) -> Result<()> {
        match job.details::<String>()?.as_str() {
            "fail" => Err(Error::new(sqlstate::IO_ERROR, "disk on fire")),
            "hang" => job.sleep(LONG),
            _ => Ok(()),
        }
    }

    fn on_fail_or_cancel(&self, _: &JobHandle) -> Result<()> {
        Ok(())
    }
}

/// What the next runs shall do, and those that there were.
#[derive(Default)]
struct Script {
    next: Value,
    runs: Vec<(ScheduleId, JobId, Timestamp)>,
}

struct Stub {
    registry: Arc<Registry>,
    script: Arc<Mutex<Script>>,
}

impl Launch for Stub {
    fn launch(
        &self,
        txn: &mut Txn,
        schedule: &Schedule,
        at: Timestamp,
        _: &Interrupt,
    ) -> Result<JobId> {
        let mut script = self.script.lock();
        if script.next == json!("refuse") {
            return Err(Error::new(sqlstate::UNDEFINED_TABLE, "nothing to back up"));
        }
        let id = self.registry.create(
            txn,
            NewJob {
                kind: KIND,
                description: "BACKUP".into(),
                user: schedule.owner.clone(),
                descriptor_ids: Vec::new(),
                details: script.next.clone(),
                created_by: Some(CreatedBy { kind: CREATED_BY.into(), id: schedule.id }),
                id: None,
            },
        )?;
        script.runs.push((schedule.id, id, at));
        Ok(id)
    }
}

struct Scene {
    mvcc: Arc<Mvcc>,
    clock: Arc<ManualClock>,
    registry: Arc<Registry>,
    scheduler: Arc<Scheduler>,
    script: Arc<Mutex<Script>>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.scheduler.stop();
        self.registry.shutdown(LONG);
    }
}

fn start() -> Timestamp {
    moment((2021, 3, 23), 21, 30)
}

impl Scene {
    fn new() -> Scene {
        let clock = Arc::new(ManualClock::new(start()));
        let options = Options { watched: watched_spans(), ..Options::default() };
        let mvcc = Mvcc::open(Arc::new(MemoryEngine::new()), clock.clone(), options).unwrap();
        let catalog = Catalog::open(Arc::clone(&mvcc)).unwrap();
        let (settings, ids) = (Arc::new(Settings::new()), Arc::new(IdSource::new()));
        let registry = Registry::new(mvcc.clone(), catalog, settings, clock.clone(), ids);
        registry.register(KIND, Arc::new(AsTold));
        registry.start().unwrap();
        let script = Arc::new(Mutex::new(Script { next: json!("succeed"), runs: Vec::new() }));
        let stub = Stub { registry: registry.clone(), script: script.clone() };
        let scheduler = Scheduler::new(registry.clone(), Box::new(stub));
        Scene { mvcc, clock, registry, scheduler, script }
    }

    /// Adds a schedule that runs every hour, first on the coming hour.
    fn hourly(&self, id: ScheduleId, change: impl FnOnce(&mut Schedule)) {
        let mut schedule = Schedule {
            id,
            label: format!("schedule {id}"),
            created: start(),
            owner: "root".into(),
            next_run: Some(moment((2021, 3, 23), 22, 0)),
            progress: Progress::default(),
            recurrence: Some("@hourly".into()),
            policy: Policy::default(),
            arguments: Arguments::default(),
        };
        change(&mut schedule);
        let mut txn = self.mvcc.begin(TxnOptions::default()).unwrap();
        schedule.insert(&mut txn).unwrap();
        txn.commit().unwrap();
    }

    fn schedule(&self, id: ScheduleId) -> Schedule {
        let mut txn = self.mvcc.begin(TxnOptions::default()).unwrap();
        Schedule::find(&mut txn, id).unwrap().unwrap()
    }

    fn next(&self, what: &str) {
        self.script.lock().next = json!(what);
    }

    /// Lets time pass, then the scheduler look; gives the schedules that ran.
    fn pass(&self, nanos: u64) -> Vec<ScheduleId> {
        self.clock.advance_nanos(nanos);
        let before = self.script.lock().runs.len();
        self.scheduler.run_due().unwrap();
        self.script.lock().runs[before..].iter().map(|run| run.0).collect()
    }

    fn last_job(&self) -> JobId {
        self.script.lock().runs.last().unwrap().1
    }

    /// Waits for the last run's end and lets the scheduler see it.
    fn ends(&self, state: State) {
        let record = self.registry.wait(self.last_job(), &Interrupt::new()).unwrap();
        assert_eq!(record.state, state);
        self.scheduler.settle().unwrap();
    }

    fn cancel_last(&self) {
        let mut txn = self.mvcc.begin(TxnOptions::default()).unwrap();
        self.registry.request(&mut txn, self.last_job(), Request::Cancel, None).unwrap();
        txn.commit().unwrap();
        self.ends(State::Canceled);
    }
}

#[test]
fn a_schedule_runs_once_each_time_and_makes_up_for_missed_runs_once() {
    let scene = Scene::new();
    scene.hourly(1, |_| {});
    assert_eq!(scene.pass(29 * MINUTE), [0; 0]);
    assert_eq!(scene.pass(MINUTE), [1]);
    assert_eq!(scene.script.lock().runs[0].2, moment((2021, 3, 23), 22, 0));
    assert_eq!(scene.schedule(1).next_run, Some(moment((2021, 3, 23), 23, 0)));
    let job = scene.registry.load(scene.last_job()).unwrap();
    assert_eq!(job.created_by, Some(CreatedBy { kind: CREATED_BY.into(), id: 1 }));
    assert_eq!(scene.pass(MINUTE), [0; 0]);
    scene.ends(State::Succeeded);
    assert_eq!(scene.schedule(1).progress, Progress::default());
    // The runs of 23:00, 00:00 and 01:00 are one.
    assert_eq!(scene.pass(3 * HOUR), [1]);
    assert_eq!(scene.script.lock().runs[1].2, moment((2021, 3, 23), 23, 0));
    assert_eq!(scene.schedule(1).next_run, Some(moment((2021, 3, 24), 2, 0)));
    assert_eq!(scene.pass(MINUTE), [0; 0]);
}

#[test]
fn a_run_that_is_not_over_is_in_the_way_or_not() {
    let scene = Scene::new();
    let policies = [(1, OnPrevious::Start), (2, OnPrevious::Skip), (3, OnPrevious::Wait)];
    for (id, policy) in policies {
        scene.hourly(id, |s| s.policy.on_previous_running = policy);
    }
    scene.next("hang");
    assert_eq!(scene.pass(30 * MINUTE), [1, 2, 3]);
    assert_eq!(scene.pass(HOUR), [1]);
    assert_eq!(scene.schedule(1).progress.pending.len(), 2);
    let skipped = scene.schedule(2);
    assert_eq!(skipped.next_run, Some(moment((2021, 3, 24), 0, 0)));
    assert_eq!(skipped.progress.status, "rescheduled: 1 already running");
    let waiting = scene.schedule(3);
    let after = waiting.next_run.unwrap();
    assert!(after > moment((2021, 3, 23), 23, 0) && after < moment((2021, 3, 23), 23, 2));
    assert_eq!(waiting.progress.status, "delayed: 1 already running");
    // Once it is over, the one that waited runs; the one that skipped has its next time.
    let held = scene.script.lock().runs[2].1;
    let mut txn = scene.mvcc.begin(TxnOptions::default()).unwrap();
    scene.registry.request(&mut txn, held, Request::Cancel, None).unwrap();
    txn.commit().unwrap();
    scene.registry.wait(held, &Interrupt::new()).unwrap();
    assert_eq!(scene.pass(2 * MINUTE), [3]);
    assert_eq!(scene.schedule(3).next_run, Some(moment((2021, 3, 24), 0, 0)));
    assert_eq!(scene.schedule(3).progress.status, "");
}

#[test]
fn a_run_that_cannot_begin_is_dealt_with_by_policy() {
    let scene = Scene::new();
    let policies = [(1, OnFailure::Retry), (2, OnFailure::Reschedule), (3, OnFailure::Pause)];
    for (id, policy) in policies {
        scene.hourly(id, |s| s.policy.on_execution_failure = policy);
    }
    scene.next("refuse");
    assert_eq!(scene.pass(30 * MINUTE), [0; 0]);
    let again = scene.schedule(1);
    assert!(again.next_run.unwrap() < moment((2021, 3, 23), 22, 2));
    assert_eq!(again.progress.status, "retrying: nothing to back up");
    let later = scene.schedule(2);
    assert_eq!(later.next_run, Some(moment((2021, 3, 23), 23, 0)));
    assert_eq!(later.progress.status, "rescheduled: nothing to back up");
    assert!(scene.schedule(3).is_paused());
    assert_eq!(scene.schedule(3).progress.status, "paused: nothing to back up");
    scene.next("succeed");
    assert_eq!(scene.pass(2 * MINUTE), [1]);
    scene.ends(State::Succeeded);
    assert_eq!(scene.pass(HOUR), [1, 2]);
    assert_eq!(scene.schedule(2).progress.status, "");
}

#[test]
fn a_run_that_failed_is_dealt_with_by_policy() {
    for (policy, word) in [
        (OnFailure::Retry, "retrying"),
        (OnFailure::Reschedule, "rescheduled"),
        (OnFailure::Pause, "paused"),
    ] {
        let scene = Scene::new();
        scene.hourly(1, |s| s.policy.on_execution_failure = policy);
        scene.next("fail");
        assert_eq!(scene.pass(30 * MINUTE), [1]);
        scene.ends(State::Failed);
        let job = scene.last_job();
        let schedule = scene.schedule(1);
        assert_eq!(schedule.progress.status, format!("{word}: job {job} failed: disk on fire"));
        assert!(schedule.progress.pending.is_empty());
        scene.next("succeed");
        let again = if policy == OnFailure::Retry { vec![1] } else { vec![] };
        assert_eq!(scene.pass(2 * MINUTE), again);
        scene.registry.wait(scene.last_job(), &Interrupt::new()).unwrap();
        let at_next = if policy == OnFailure::Pause { vec![] } else { vec![1] };
        assert_eq!(scene.pass(HOUR), at_next);
    }
}

#[test]
fn the_first_success_wakes_the_other_schedule_once() {
    let scene = Scene::new();
    scene.hourly(1, |s| s.arguments.unpause_on_success = Some(2));
    scene.hourly(2, |s| {
        s.next_run = None;
        s.progress.status = WAITING.into();
        s.arguments.backup_type = Some(1);
    });
    scene.next("fail");
    assert_eq!(scene.pass(30 * MINUTE), [1]);
    scene.ends(State::Failed);
    scene.next("hang");
    assert_eq!(scene.pass(HOUR), [1]);
    scene.cancel_last();
    assert!(scene.schedule(2).is_paused());
    assert_eq!(scene.schedule(2).progress.status, WAITING);

    scene.next("succeed");
    assert_eq!(scene.pass(HOUR), [1]);
    assert!(scene.schedule(2).is_paused());
    scene.ends(State::Succeeded);
    assert_eq!(scene.schedule(1).arguments.unpause_on_success, None);
    let woken = scene.schedule(2);
    assert_eq!(woken.next_run, Some(moment((2021, 3, 24), 1, 0)));
    assert_eq!(woken.progress.status, "");
    // At one moment the incremental goes first: it belongs to the chain before the new full.
    assert_eq!(scene.pass(HOUR), [2, 1]);
}

#[test]
fn one_that_was_paused_by_hand_is_not_woken() {
    let scene = Scene::new();
    scene.hourly(1, |s| s.arguments.unpause_on_success = Some(2));
    scene.hourly(2, |s| s.next_run = None);
    assert_eq!(scene.pass(30 * MINUTE), [1]);
    scene.ends(State::Succeeded);
    assert!(scene.schedule(2).is_paused());
}

#[test]
fn the_thread_runs_what_is_due_and_stops() {
    let scene = Scene::new();
    scene.hourly(1, |s| s.next_run = Some(start()));
    scene.clock.advance_nanos(1);
    assert!(scene.clock.now() > start());
    scene.registry.settings().apply(crate::settings::JOBS_SCHEDULER_PACE, Some("10ms".to_owned()));
    scene.scheduler.start().unwrap();
    // The run's end is seen by the thread too.
    let until = std::time::Instant::now() + LONG;
    while scene.script.lock().runs.is_empty() || !scene.schedule(1).progress.pending.is_empty() {
        assert!(std::time::Instant::now() < until, "nothing was run");
        std::thread::yield_now();
    }
    scene.scheduler.stop();
    assert_eq!(scene.schedule(1).next_run, Some(moment((2021, 3, 23), 22, 0)));
}
