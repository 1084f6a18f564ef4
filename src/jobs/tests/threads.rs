//! Many jobs and many wishes at a time.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::jobs::agenda::WORKERS_MAX;

#[test]
fn jobs_beyond_the_bound_wait_and_can_be_paused_meanwhile() {
    let (go, gate) = channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let (said, heard) = said();
    let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let peak = most.clone();
    let node = Node::run(script(
        move |job| {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            said.lock().send(job.id()).unwrap();
            let open = gate.lock().recv_timeout(LONG);
            now.fetch_sub(1, Ordering::SeqCst);
            open.map_err(|_| failure())
        },
        never,
    ));
    let ids: Vec<JobId> = (0..WORKERS_MAX + 4).map(|_| node.create()).collect();
    let first: BTreeSet<JobId> =
        (0..WORKERS_MAX).map(|_| heard.recv_timeout(LONG).unwrap()).collect();
    let waiting: Vec<JobId> = ids.iter().copied().filter(|id| !first.contains(id)).collect();
    assert_eq!(waiting.len(), 4);
    // All workers are busy, yet the pause is granted.
    node.ask(waiting[0], Request::Pause).unwrap();
    assert_eq!(node.wait(waiting[0]).state, State::Paused);
    for _ in 0..ids.len() {
        go.send(()).unwrap();
    }
    for id in ids.iter().filter(|id| **id != waiting[0]) {
        assert_eq!(node.wait(*id).state, State::Succeeded);
    }
    assert_eq!(most.load(Ordering::SeqCst), WORKERS_MAX);
    node.ask(waiting[0], Request::Resume).unwrap();
    assert_eq!(loop_until_ended(&node, waiting[0]).state, State::Succeeded);
}

#[test]
fn no_wish_is_lost_however_they_come() {
    // The rounds of the patrol, which would heal a lost note, are far apart.
    let node = Node::new();
    node.settings.apply(settings::JOBS_ADOPT_INTERVAL, Some("1h".into()));
    node.start(script(
        |job| {
            let done = job.progress::<u32>()?;
            job.checkpoint(f64::from(done % 100) / 100.0, "", json!(done + 1))?;
            job.sleep(LONG)
        },
        |_| Ok(()),
    ));
    let ids: Vec<JobId> = (0..4).map(|_| node.create()).collect();
    std::thread::scope(|scope| {
        for id in &ids {
            let node = &node;
            scope.spawn(move || {
                for _ in 0..50 {
                    node.ask(*id, Request::Pause).unwrap();
                    assert_eq!(node.wait(*id).state, State::Paused);
                    node.ask(*id, Request::Resume).unwrap();
                }
                node.ask(*id, Request::Cancel).unwrap();
                assert_eq!(node.wait(*id).state, State::Canceled);
            });
        }
    });
}

#[test]
fn two_who_wish_at_a_time_are_served_one_after_the_other() {
    let (step, heard) = endless();
    let node = Node::run(script(step, |_| Ok(())));
    let id = node.create();
    heard.recv_timeout(LONG).unwrap();
    std::thread::scope(|scope| {
        for request in [Request::Pause, Request::Cancel] {
            let node = &node;
            scope.spawn(move || {
                if let Err(e) = node.ask(id, request) {
                    assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
                }
            });
        }
    });
    // Whichever came first, the job stops; and what it stopped for can be told.
    let record = node.wait(id);
    assert!(matches!(record.state, State::Paused | State::Canceled), "{}", record.state);
}

#[test]
fn a_waiter_is_woken_by_its_interrupt() {
    let (step, heard) = endless();
    let node = Node::run(script(step, never));
    let id = node.create();
    heard.recv_timeout(LONG).unwrap();
    let interrupt = Interrupt::new();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| node.registry.wait(id, &interrupt));
        interrupt.raise(crate::task::Cause::Cancel);
        let e = waiter.join().unwrap().unwrap_err();
        assert_eq!(e.code(), sqlstate::QUERY_CANCELED);
    });
    assert_eq!(node.registry.load(id).unwrap().state, State::Running);
}

#[test]
fn whatever_is_wished_and_however_runs_end_a_job_has_one_worker_and_ends() {
    const JOBS: usize = 5;
    let runs: Arc<Mutex<BTreeSet<JobId>>> = Arc::default();
    let (in_hand, calls) = (runs.clone(), AtomicUsize::new(0));
    let (calm, overslept) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (be_calm, late) = (calm.clone(), overslept.clone());
    let turn = move |job: &JobHandle, may_fail: bool| {
        assert!(in_hand.lock().insert(job.id()), "job {} runs twice", job.id());
        let sleep = || match be_calm.load(Ordering::SeqCst) {
            true => Ok(()),
            false => job.sleep(LONG).inspect(|()| late.store(true, Ordering::SeqCst)),
        };
        let call = calls.fetch_add(1, Ordering::SeqCst);
        let result = match call % 7 {
            0..3 => job.checkpoint(0.5, "", json!(call)).and_then(|()| sleep()),
            3 => sleep(),
            4 if may_fail => Err(Error::io("the wire is cut")),
            5 if may_fail && call % 3 == 0 => Err(failure()),
            _ => job.report(0.1, "thinking").and_then(|()| sleep()),
        };
        in_hand.lock().remove(&job.id());
        result
    };
    let turn = Arc::new(turn);
    let undone = turn.clone();
    let undo_calls = AtomicUsize::new(0);
    let node = Node::new();
    node.settings.apply(settings::JOBS_ADOPT_INTERVAL, Some("1h".into()));
    node.start(script(
        move |job| turn(job, true),
        move |job| match undo_calls.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => Err(failure()),
            1 => Ok(()),
            _ => undone(job, false),
        },
    ));
    let ids: Vec<JobId> = (0..JOBS).map(|_| node.create()).collect();
    std::thread::scope(|scope| {
        for seed in 1..=6_u64 {
            let (node, ids) = (&node, &ids);
            scope.spawn(move || {
                let mut dice = seed;
                for _ in 0..60 {
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let id = ids[(dice >> 33) as usize % JOBS];
                    let request = match (dice >> 40) % 16 {
                        0 => Request::Cancel,
                        1..9 => Request::Pause,
                        _ => Request::Resume,
                    };
                    match node.ask(id, request) {
                        Ok(()) => {}
                        Err(e) if e.is_retryable() => {}
                        Err(e) => {
                            assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE)
                        }
                    }
                }
            });
        }
    });
    // Who sleeps now was not told to stop, and who begins from now on does not sleep.
    calm.store(true, Ordering::SeqCst);
    for id in ids {
        // Refused while a cancel is under way, which wakes the job as well.
        let _ = node.ask(id, Request::Pause);
        if node.wait(id).state == State::Paused {
            node.ask(id, Request::Resume).unwrap();
        }
        loop_until_ended(&node, id);
    }
    assert!(!overslept.load(Ordering::SeqCst), "nobody woke a job that was to stop");
    assert!(runs.lock().is_empty());
    assert_eq!(node.mvcc.locked_keys(), 0);
}

#[test]
fn a_transaction_left_open_does_not_keep_others_from_their_jobs() {
    let (step, heard) = endless();
    let node = Node::new();
    node.registry.register("BACKUP", script(step, |_| Ok(())));
    // Asked to pause before anybody runs it, and its row locked for longer.
    let stuck = node.create();
    node.ask(stuck, Request::Pause).unwrap();
    let mut open = node.begin();
    assert!(node.registry.request(&mut open, stuck, Request::Cancel, None).is_err());
    node.registry.start().unwrap();
    let id = node.create();
    assert_eq!(heard.recv_timeout(LONG), Ok(id));
    open.rollback();
    assert_eq!(node.wait(stuck).state, State::Paused);
}
