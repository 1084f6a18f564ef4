//! Promises to many threads at once.

use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;

use super::lock::{Asking, Held};
use super::*;
use crate::error::Result;

/// Runs a statement, again for as long as restarting cures it.
fn statement(txn: &mut Txn, mut run: impl FnMut(&mut Txn) -> Result<()>) -> Result<()> {
    let savepoint = txn.savepoint();
    loop {
        match run(txn) {
            Ok(()) => return txn.release(savepoint),
            Err(e) if e.is_retryable() && txn.restart_statement(savepoint)? => {}
            Err(e) => return Err(e),
        }
    }
}

fn add(txn: &mut Txn, name: &str, amount: i64) -> Result<()> {
    let old: i64 = match txn.get(&key(name))? {
        None => 0,
        Some(bytes) => String::from_utf8(bytes).unwrap().parse().unwrap(),
    };
    txn.put(key(name), (old + amount).to_string().into_bytes())
}

fn number(store: &Arc<Mvcc>, name: &str) -> i64 {
    read(store, name).unwrap().parse().unwrap()
}

const CLIENTS: usize = 8;
const ROUNDS: usize = 40;

fn tpcb(store: &Arc<Mvcc>, isolation: Isolation) {
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let mut txn = begin_as(store, isolation);
                    let account = format!("a{}", (client * 7 + round) % 20);
                    let teller = format!("t{}", round % 3);
                    statement(&mut txn, |txn| add(txn, &account, 1)).unwrap();
                    statement(&mut txn, |txn| txn.get(&key(&account)).map(drop)).unwrap();
                    statement(&mut txn, |txn| add(txn, &teller, 1)).unwrap();
                    statement(&mut txn, |txn| add(txn, "hot", 1)).unwrap();
                    let history = format!("h{client}{round:02}").into_bytes();
                    statement(&mut txn, |txn| txn.put(history.clone(), vec![])).unwrap();
                    txn.commit().unwrap();
                }
            });
        }
    });
    let sum = |prefix: &str, n: usize| -> i64 {
        (0..n).map(|i| number(store, &format!("{prefix}{i}"))).sum()
    };
    let total = (CLIENTS * ROUNDS) as i64;
    assert_eq!((number(store, "hot"), sum("t", 3), sum("a", 20)), (total, total, total));
    assert_eq!(store.locked_keys(), 0);
}

#[test]
fn a_hot_row_never_fails_a_client_that_restarts_statements() {
    for isolation in [Isolation::Serializable, Isolation::Snapshot, Isolation::ReadCommitted] {
        tpcb(&store(), isolation);
    }
}

#[test]
fn a_hot_row_in_the_durable_store() {
    let dir = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(dir.path(), &rocksdb::Options::default()).unwrap();
    tpcb(&open(Arc::new(engine)), Isolation::Serializable);
}

#[test]
fn commits_that_meet_share_a_sync() {
    let engine = Arc::new(MemoryEngine::new());
    let store = open(engine.clone());
    let before = engine.synced_writes();
    let start = Barrier::new(CLIENTS);
    let mut times: Vec<Timestamp> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (store, start) = (&store, &start);
                scope.spawn(move || {
                    start.wait();
                    let commit = |round| write(store, &[(&format!("{client}{round:02}"), "x")]);
                    (0..ROUNDS).map(commit).collect::<Vec<_>>()
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    assert!(engine.synced_writes() - before <= (CLIENTS * ROUNDS) as u64);
    assert_eq!(rows(&mut begin(&store), &Span::all(), false).len(), CLIENTS * ROUNDS);
    // What was acknowledged survives the crash, and every commit had a time of its own.
    let after = open(Arc::new(engine.crash()));
    assert_eq!(rows(&mut begin(&after), &Span::all(), false).len(), CLIENTS * ROUNDS);
    times.sort_unstable();
    times.dedup();
    assert_eq!(times.len(), CLIENTS * ROUNDS);
}

#[test]
fn a_circle_of_waiters_is_broken_at_once() {
    let store = store();
    let mut one = begin(&store);
    let mut two = begin(&store);
    put(&mut one, "a", "1");
    put(&mut two, "b", "2");
    let (one, two) = thread::scope(|scope| {
        let other = scope.spawn(move || {
            let outcome = one.put(key("b"), b"1".to_vec()).and_then(|()| one.commit());
            outcome.map_err(|e| e.code())
        });
        let outcome = two.put(key("a"), b"2".to_vec());
        if let Err(e) = &outcome {
            assert_eq!(e.code(), sqlstate::DEADLOCK_DETECTED);
            let savepoint = two.savepoint();
            assert!(!two.restart_statement(savepoint).unwrap());
        }
        let two = match outcome {
            Ok(()) => two.commit().map_err(|e| e.code()),
            Err(e) => {
                two.rollback();
                Err(e.code())
            }
        };
        (other.join().unwrap(), two)
    });
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(one.err().or(two.err()), Some(sqlstate::DEADLOCK_DETECTED));
}

#[test]
fn two_who_share_and_want_more_do_not_wait_for_ever() {
    let store = store();
    let start = Barrier::new(2);
    let outcomes: Vec<_> = thread::scope(|scope| {
        let client = || {
            scope.spawn(|| {
                let mut txn = begin(&store);
                txn.lock(&key("a"), LockMode::Shared, WaitPolicy::Wait).unwrap();
                start.wait();
                txn.put(key("a"), vec![]).and_then(|()| txn.commit()).map_err(|e| e.code())
            })
        };
        let clients = [client(), client()];
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|o| o.is_ok()).count(), 1, "{outcomes:?}");
}

#[test]
fn locks_are_given_in_the_order_of_asking() {
    let store = store();
    let table = &store.locks;
    let interrupt = Interrupt::new();
    let lock = table.id(b"k");
    let ask = |owner, mode, policy| {
        let asking = Asking { owner, policy, limit: None, interrupt: &interrupt };
        let mut held = Held::default();
        let taken = held.take(table, asking, lock, mode, || usize::MAX).unwrap();
        (taken, held)
    };
    let (_, mut first) = ask(1, LockMode::Shared, WaitPolicy::Wait);
    let (said, order) = mpsc::channel();
    thread::scope(|scope| {
        for (owner, mode) in
            [(2, LockMode::Exclusive), (3, LockMode::Shared), (4, LockMode::Exclusive)]
        {
            let said = said.clone();
            let ask = &ask;
            scope.spawn(move || {
                let (_, mut held) = ask(owner, mode, WaitPolicy::Wait);
                said.send(owner).unwrap();
                table.release(owner, &mut held);
            });
            while table.waiters(lock.hash) < owner as usize - 1 {
                thread::yield_now();
            }
        }
        // A newcomer who could share with the holder stands in line all the same.
        assert!(!ask(9, LockMode::Shared, WaitPolicy::Skip).0);
        table.release(1, &mut first);
    });
    assert_eq!(order.try_iter().collect::<Vec<_>>(), [2, 3, 4]);
}
