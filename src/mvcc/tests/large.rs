//! Transactions larger than the memory that they may take, and those with very many locks.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::kv::Engine;
use crate::settings::{self, Settings};

/// Stores whose transactions hold next to nothing in memory.
fn small(write_buffer: &str, row_locks: &str) -> Options {
    let settings = Settings::new();
    settings.apply(settings::TRANSACTION_MEMORY, Some(write_buffer.into()));
    settings.apply(settings::TRANSACTION_LOCKS, Some(row_locks.into()));
    Options { settings: Arc::new(settings), ..Options::default() }
}

fn tiny(engine: SharedEngine) -> Arc<Mvcc> {
    Mvcc::open(engine, Arc::new(SystemClock::new()), small("16KiB", "200000")).unwrap()
}

/// A key of an index, fat enough for a run to have several blocks.
fn row(index: u8, n: u32) -> Key {
    let mut key = vec![0, 0, 0, 100, 0, 0, 0, index];
    key.extend_from_slice(&n.to_be_bytes());
    key
}

fn index(index: u8) -> Span {
    Span::prefix(row(index, 0)[..8].to_vec())
}

/// Index 9 so full of writes that earlier ones are in runs.
fn push_out(txn: &mut Txn, round: u32) {
    for n in 0..300 {
        txn.put(row(9, round * 1_000 + n), vec![7; 60]).unwrap();
    }
}

type Model = BTreeMap<u32, Vec<u8>>;

fn scanned(txn: &mut Txn, within: &Span, reverse: bool) -> Vec<(u32, Vec<u8>)> {
    let mut scan = txn.scan(within, reverse).unwrap();
    let mut out = Vec::new();
    while scan.next().unwrap() {
        let n = scan.key()[8..].try_into().unwrap();
        out.push((u32::from_be_bytes(n), scan.value().to_vec()));
    }
    out
}

fn check(txn: &mut Txn, model: &Model) {
    let mut expect: Vec<_> = model.iter().map(|(n, v)| (*n, v.clone())).collect();
    assert_eq!(scanned(txn, &index(1), false), expect);
    let middle = Span::new(row(1, 10), row(1, 31));
    let inside: Vec<_> = model.range(10..31).rev().map(|(n, v)| (*n, v.clone())).collect();
    assert_eq!(scanned(txn, &middle, true), inside);
    expect.reverse();
    assert_eq!(scanned(txn, &index(1), true), expect);
    for n in 0..40 {
        assert_eq!(txn.get(&row(1, n)).unwrap().as_ref(), model.get(&n), "{n}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(u32, u8),
    Delete(u32),
    PushOut,
    Savepoint,
    RollBack(usize),
    Release(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0u32..40, any::<u8>()).prop_map(|(n, v)| Step::Put(n, v)),
        4 => (0u32..40).prop_map(Step::Delete),
        5 => Just(Step::PushOut),
        4 => Just(Step::Savepoint),
        3 => (0usize..4).prop_map(Step::RollBack),
        1 => (0usize..4).prop_map(Step::Release),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// What is in memory and in runs, with savepoints, reads as the model says; so does what is
    /// committed, and the changelog has exactly its keys.
    #[test]
    fn a_spilled_transaction_reads_commits_and_rolls_back_as_one_in_memory(steps in steps()) {
        let engine = Arc::new(MemoryEngine::new());
        let store = tiny(engine.clone());
        let mut base = store.begin(TxnOptions::default()).unwrap();
        let mut model = Model::new();
        for n in (0..40).step_by(3) {
            base.put(row(1, n), vec![1]).unwrap();
            model.insert(n, vec![1]);
        }
        let before = base.commit().unwrap();
        let old = model.clone();
        let mut txn = store.begin(TxnOptions::default()).unwrap();
        let mut touched = std::collections::BTreeSet::new();
        let mut saved = Vec::new();
        for (round, step) in (0..).zip(steps) {
            match step {
                Step::Put(n, v) => {
                    txn.put(row(1, n), vec![v; 30]).unwrap();
                    model.insert(n, vec![v; 30]);
                    touched.insert(n);
                }
                Step::Delete(n) => {
                    txn.delete(row(1, n)).unwrap();
                    model.remove(&n);
                    touched.insert(n);
                }
                Step::PushOut => push_out(&mut txn, round),
                Step::Savepoint => {
                    saved.push((txn.savepoint(), model.clone(), touched.clone()));
                }
                Step::RollBack(i) if i < saved.len() => {
                    saved.truncate(i + 1);
                    let (savepoint, then, then_touched) = saved[i].clone();
                    txn.rollback_to(savepoint).unwrap();
                    (model, touched) = (then, then_touched);
                    check(&mut txn, &model);
                }
                Step::Release(i) if i < saved.len() => {
                    txn.release(saved[i].0).unwrap();
                    saved.truncate(i);
                }
                Step::RollBack(_) | Step::Release(_) => {}
            }
        }
        check(&mut txn, &model);
        let at = txn.commit().unwrap();
        check(&mut store.begin(TxnOptions::default()).unwrap(), &model);
        let as_of = |at| TxnOptions { as_of: Some(at), ..TxnOptions::default() };
        check(&mut store.begin(as_of(before)).unwrap(), &old);
        if at > before {
            let changed = store.changed_keys(&index(1), before, at, 1_000).unwrap();
            let keys = touched.iter().map(|n| row(1, *n)).collect();
            prop_assert_eq!(changed, Changed::Keys(keys));
        }
        let after = tiny(Arc::new(engine.crash()));
        check(&mut after.begin(TxnOptions::default()).unwrap(), &model);
        prop_assert_eq!(engine.scratch().used(), 0);
    }
}

/// Enough writes for two levels of runs, each key many times.
#[test]
fn merged_runs_keep_what_is_in_force_and_what_a_savepoint_wants_back() {
    let dir = tempfile::tempdir().unwrap();
    let options = rocksdb::Options::default();
    let engine = Arc::new(RocksEngine::open(dir.path(), &options).unwrap());
    let store = tiny(engine.clone());
    let mut txn = begin(&store);
    let write = |txn: &mut Txn, value: u8| {
        for n in 0..3_000 {
            txn.put(row(1, n * 7 % 3_000), vec![value; 20]).unwrap();
        }
    };
    write(&mut txn, 1);
    let savepoint = txn.savepoint();
    for value in 2..6 {
        write(&mut txn, value);
    }
    assert!(engine.scratch().used() > 0);
    assert_eq!(std::fs::read_dir(dir.path().join("scratch")).unwrap().count(), 0);
    txn.delete(row(1, 5)).unwrap();
    let all = |txn: &mut Txn| scanned(txn, &index(1), false);
    let seen = all(&mut txn);
    assert!(seen.len() == 2_999 && seen.iter().all(|(_, value)| *value == [5; 20]));
    txn.rollback_to(savepoint).unwrap();
    let seen = all(&mut txn);
    assert!(seen.len() == 3_000 && seen.iter().all(|(_, value)| *value == [1; 20]));
    txn.delete(row(1, 6)).unwrap();
    let at = txn.commit().unwrap();
    assert_eq!(engine.scratch().used(), 0);
    drop((store, engine));
    let store = tiny(Arc::new(RocksEngine::open(dir.path(), &options).unwrap()));
    assert!(store.now() > at);
    assert_eq!(all(&mut begin(&store)).len(), 2_999);
}

#[test]
fn a_large_commit_fails_whole_and_is_checked_like_any_other() {
    let engine = Arc::new(MemoryEngine::new());
    let store = tiny(engine.clone());
    let large = |store: &Arc<Mvcc>| {
        let mut txn = begin(store);
        txn.put(row(1, 1), b"large".to_vec()).unwrap();
        push_out(&mut txn, 1);
        txn
    };
    // A full disk while the changelog is written: nothing happened, and the next one may commit.
    let txn = large(&store);
    engine.inject(Fault::Full);
    assert_eq!(txn.commit().unwrap_err().code(), sqlstate::DISK_FULL);
    assert_eq!(scanned(&mut begin(&store), &index(9), false), []);
    // Somebody changed what it read.
    let mut txn = large(&store);
    txn.get(&row(1, 7)).unwrap();
    let mut other = begin(&store);
    other.put(row(1, 7), vec![]).unwrap();
    other.commit().unwrap();
    assert!(txn.commit().unwrap_err().is_retryable());
    // It changes what somebody else read.
    let mut reader = begin(&store);
    assert_eq!(reader.get(&row(1, 1)).unwrap(), None);
    reader.put(row(2, 1), vec![]).unwrap();
    large(&store).commit().unwrap();
    assert!(reader.commit().unwrap_err().is_retryable());
    // A crash after the changelog and before the versions are handed over.
    let crashed = Arc::new(engine.crash());
    let store = tiny(crashed.clone());
    let before = store.now();
    let mut txn = large(&store);
    txn.put(row(1, 1), b"again".to_vec()).unwrap();
    crashed.inject(Fault::None);
    crashed.inject(Fault::Sync);
    assert!(txn.commit().is_err());
    let store = tiny(Arc::new(crashed.crash()));
    assert_eq!(begin(&store).get(&row(1, 1)).unwrap().unwrap(), b"large");
    let upto = store.now();
    let Changed::Keys(keys) = store.changed_keys(&index(1), before, upto, 9).unwrap() else {
        panic!()
    };
    assert_eq!(keys, [row(1, 1)]);
    let mut export = store.export_keys(keys, before, upto, true).unwrap();
    assert!(export.next().unwrap().is_none());
}

#[test]
fn many_locks_become_one_on_the_index() {
    let options = small("64MiB", "100");
    let clock = Arc::new(SystemClock::new());
    let store = Mvcc::open(Arc::new(MemoryEngine::new()), clock, options).unwrap();
    let quick =
        || TxnOptions { lock_timeout: Some(Duration::from_millis(20)), ..TxnOptions::default() };
    let mut large = begin(&store);
    for n in 0..1_000 {
        large.put(row(1, n), vec![1]).unwrap();
        large.put(row(2, n % 5), vec![1]).unwrap();
    }
    assert!(store.locked_keys() < 150, "{}", store.locked_keys());
    // The whole index is locked, whatever the key; another is not.
    let mut other = store.begin(quick()).unwrap();
    let refused = other.put(row(1, 5_000), vec![]).unwrap_err();
    assert_eq!(refused.code(), sqlstate::LOCK_NOT_AVAILABLE);
    assert!(!other.lock(&row(1, 6_000), LockMode::Shared, WaitPolicy::Skip).unwrap());
    other.put(row(2, 77), vec![]).unwrap();
    // Who waits goes on when the large one ends.
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut waiting = begin(&store);
            sender.send(()).unwrap();
            waiting.put(row(1, 3), vec![3]).unwrap();
            waiting.commit().unwrap();
        });
        receiver.recv().unwrap();
        large.commit().unwrap();
    });
    drop(other);
    assert_eq!(begin(&store).get(&row(1, 3)).unwrap().unwrap(), [3]);
    assert_eq!(store.locked_keys(), 0);
}

/// Others hold locks in the index: the exchange leaves them alone, and never loses an update.
#[test]
fn an_exchange_of_locks_among_busy_writers_loses_nothing() {
    let options = small("16KiB", "40");
    let clock = Arc::new(SystemClock::new());
    let store = Mvcc::open(Arc::new(MemoryEngine::new()), clock, options).unwrap();
    let mut base = begin(&store);
    for n in 0..120 {
        base.put(row(1, n), vec![0, 0]).unwrap();
    }
    base.commit().unwrap();
    let add = |txn: &mut Txn, n: u32| -> crate::error::Result<()> {
        let Locked::Value(Some(old)) =
            txn.get_latest_locked(&row(1, n), LockMode::Exclusive, WaitPolicy::Wait)?
        else {
            panic!()
        };
        let count = u16::from_be_bytes([old[0], old[1]]) + 1;
        txn.put(row(1, n), count.to_be_bytes().to_vec())
    };
    let until_done = |rows: &[u32]| {
        loop {
            let mut txn = begin(&store);
            let done = rows.iter().try_for_each(|n| add(&mut txn, *n));
            match done.and_then(|()| txn.commit()) {
                Ok(_) => return,
                Err(e) if e.is_retryable() || e.code() == sqlstate::DEADLOCK_DETECTED => {}
                Err(e) => panic!("{e:?}"),
            }
        }
    };
    thread::scope(|scope| {
        for client in 0..3u32 {
            let until_done = &until_done;
            scope.spawn(move || {
                for round in 0..60 {
                    until_done(&[client * 40 + round % 40]);
                }
            });
        }
        for _ in 0..4 {
            until_done(&(0..120).collect::<Vec<_>>());
        }
    });
    let total: u32 = scanned(&mut begin(&store), &index(1), false)
        .iter()
        .map(|(_, v)| u32::from(u16::from_be_bytes([v[0], v[1]])))
        .sum();
    assert_eq!(total, 3 * 60 + 4 * 120);
    assert_eq!(store.locked_keys(), 0);
}

/// A large commit is written with a time that is still to come, and the clock is moved past it.
#[test]
fn a_large_commit_chooses_its_time_and_others_commit_meanwhile() {
    let begin_at = Timestamp::from_nanos(1_700_000_000_000_000_000);
    let clock = Arc::new(ManualClock::new(begin_at));
    let engine = Arc::new(MemoryEngine::new());
    let store = Mvcc::open(engine, clock.clone(), small("16KiB", "200000")).unwrap();
    let mut txn = begin(&store);
    push_out(&mut txn, 1);
    let reader = begin(&store);
    let small = write(&store, &[("a", "1")]);
    let at = txn.commit().unwrap();
    assert!(at > small && at > reader.read_timestamp() && at.wall > begin_at.wall);
    assert!(at.logical >= 1 << 31, "{at}");
    assert!(store.now() > at && write(&store, &[("a", "2")]) > at);
    assert_eq!(scanned(&mut begin(&store), &index(9), false).len(), 300);
    // A time that has come cannot be chosen any more.
    assert!(store.timeline.assign_at(at).is_none());
}
