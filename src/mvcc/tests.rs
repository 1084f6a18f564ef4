//! What transactions promise, one promise a test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::clock::{ManualClock, SystemClock};
use crate::error::sqlstate;
use crate::keys::Key;
use crate::kv::Access;
use crate::kv::memory::{Fault, MemoryEngine};
use crate::kv::rocksdb::{self, RocksEngine};
use crate::task::{Cause, Interrupt};

mod compaction;
mod history;
mod large;
mod threads;

fn store() -> Arc<Mvcc> {
    open(Arc::new(MemoryEngine::new()))
}

fn open(engine: SharedEngine) -> Arc<Mvcc> {
    Mvcc::open(engine, Arc::new(SystemClock::new()), Options::default()).unwrap()
}

fn begin(store: &Arc<Mvcc>) -> Txn {
    store.begin(TxnOptions::default()).unwrap()
}

fn begin_as(store: &Arc<Mvcc>, isolation: Isolation) -> Txn {
    store.begin(TxnOptions { isolation, ..TxnOptions::default() }).unwrap()
}

fn key(name: &str) -> Key {
    // All names have one length, so that no key is a prefix of another.
    format!("{name:.<4}").into_bytes()
}

fn span(a: &str, b: &str) -> Span {
    Span::new(key(a), key(b))
}

fn put(txn: &mut Txn, name: &str, value: &str) {
    txn.put(key(name), value.into()).unwrap();
}

fn write(store: &Arc<Mvcc>, pairs: &[(&str, &str)]) -> Timestamp {
    let mut txn = begin(store);
    for (name, value) in pairs {
        put(&mut txn, name, value);
    }
    txn.commit().unwrap()
}

fn get(txn: &mut Txn, name: &str) -> Option<String> {
    txn.get(&key(name)).unwrap().map(|v| String::from_utf8(v).unwrap())
}

fn read(store: &Arc<Mvcc>, name: &str) -> Option<String> {
    get(&mut begin(store), name)
}

fn rows(txn: &mut Txn, within: &Span, reverse: bool) -> Vec<String> {
    let mut scan = txn.scan(within, reverse).unwrap();
    let mut out = Vec::new();
    while scan.next().unwrap() {
        let name = String::from_utf8_lossy(scan.key()).trim_end_matches('.').to_string();
        out.push(format!("{name}={}", String::from_utf8_lossy(scan.value())));
    }
    assert!(!scan.next().unwrap());
    assert!(scan.key().is_empty() && scan.value().is_empty());
    out
}

#[test]
fn the_store_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<Mvcc>();
    shared::<Snapshot>();
    sent::<Txn>();
    sent::<TxnScan>();
    sent::<Exporter>();
    sent::<BulkWriter>();
}

#[test]
fn a_commit_is_seen_by_those_who_begin_later_only() {
    let store = store();
    let mut before = begin(&store);
    let at = write(&store, &[("a", "1")]);
    assert_eq!(get(&mut before, "a"), None);
    let mut after = begin(&store);
    assert!(after.read_timestamp() >= at);
    assert_eq!(get(&mut after, "a").as_deref(), Some("1"));
    assert!(write(&store, &[("a", "2")]) > after.read_timestamp());
    assert_eq!(get(&mut after, "a").as_deref(), Some("1"));
}

#[test]
fn a_lost_update_is_refused() {
    let store = store();
    write(&store, &[("a", "1")]);
    for isolation in [Isolation::Serializable, Isolation::Snapshot] {
        let mut txn = begin_as(&store, isolation);
        get(&mut txn, "a");
        write(&store, &[("a", "2")]);
        let e = txn.put(key("a"), b"3".to_vec()).unwrap_err();
        assert_eq!(e.code(), sqlstate::SERIALIZATION_FAILURE);
    }
    assert_eq!(read(&store, "a").as_deref(), Some("2"));
}

#[test]
fn a_blind_write_is_moved_forward() {
    let store = store();
    let mut txn = begin(&store);
    let other = write(&store, &[("a", "2")]);
    put(&mut txn, "a", "3");
    assert!(txn.commit().unwrap() > other);
    assert_eq!(read(&store, "a").as_deref(), Some("3"));
    // Under snapshot isolation the first one wins.
    let mut txn = begin_as(&store, Isolation::Snapshot);
    write(&store, &[("a", "4")]);
    assert!(txn.put(key("a"), b"5".to_vec()).unwrap_err().is_retryable());
}

#[test]
fn write_skew_is_refused_under_serializable_only() {
    let store = store();
    write(&store, &[("a", "1"), ("b", "1")]);
    for (isolation, accepted) in [(Isolation::Serializable, false), (Isolation::Snapshot, true)] {
        let mut one = begin_as(&store, isolation);
        let mut two = begin_as(&store, isolation);
        for txn in [&mut one, &mut two] {
            get(txn, "a");
            get(txn, "b");
        }
        put(&mut one, "a", "0");
        put(&mut two, "b", "0");
        one.commit().unwrap();
        match two.commit() {
            Ok(_) => assert!(accepted),
            Err(e) => assert!(!accepted && e.is_retryable(), "{e:?}"),
        }
    }
}

#[test]
fn a_phantom_is_noticed() {
    let store = store();
    write(&store, &[("b", "1")]);
    let mut txn = begin(&store);
    assert_eq!(rows(&mut txn, &span("a", "f"), false), ["b=1"]);
    put(&mut txn, "z", "1 row");
    write(&store, &[("c", "2")]);
    assert!(txn.commit().unwrap_err().is_retryable());
    assert_eq!(read(&store, "z"), None);
    // Outside of what was read, nothing is in the way.
    let mut txn = begin(&store);
    rows(&mut txn, &span("a", "f"), false);
    put(&mut txn, "z", "2 rows");
    write(&store, &[("f", "2")]);
    txn.commit().unwrap();
}

#[test]
fn who_only_reads_never_fails() {
    let store = store();
    write(&store, &[("a", "1")]);
    let mut txn = begin(&store);
    rows(&mut txn, &span("a", "z"), false);
    write(&store, &[("a", "2"), ("b", "2")]);
    assert_eq!(rows(&mut txn, &span("a", "z"), false), ["a=1"]);
    let at = txn.read_timestamp();
    assert_eq!(txn.commit().unwrap(), at);
}

#[test]
fn read_committed_sees_what_is_committed_before_each_statement() {
    let store = store();
    let mut txn = begin_as(&store, Isolation::ReadCommitted);
    assert_eq!(get(&mut txn, "a"), None);
    write(&store, &[("a", "1")]);
    assert_eq!(get(&mut txn, "a"), None);
    txn.begin_statement().unwrap();
    assert_eq!(get(&mut txn, "a").as_deref(), Some("1"));
    put(&mut txn, "b", "x");
    write(&store, &[("a", "2")]);
    txn.commit().unwrap();
}

#[test]
fn own_writes_are_scanned_in_both_directions() {
    let store = store();
    write(&store, &[("b", "1"), ("d", "1"), ("f", "1"), ("h", "1")]);
    let mut txn = begin(&store);
    put(&mut txn, "a", "own");
    put(&mut txn, "d", "own");
    txn.delete(key("f")).unwrap();
    txn.delete(key("g")).unwrap();
    put(&mut txn, "i", "own");
    let expect = ["a=own", "b=1", "d=own", "h=1", "i=own"];
    assert_eq!(rows(&mut txn, &span("a", "z"), false), expect);
    let mut reversed = expect;
    reversed.reverse();
    assert_eq!(rows(&mut txn, &span("a", "z"), true), reversed);
    assert_eq!(rows(&mut txn, &span("b", "d"), false), ["b=1"]);
    assert_eq!(rows(&mut txn, &span("b", "d"), true), ["b=1"]);
    assert_eq!(rows(&mut txn, &Span::point(key("d")), false), ["d=own"]);
    assert_eq!(rows(&mut txn, &Span::point(key("h")), true), ["h=1"]);
    assert_eq!(rows(&mut txn, &span("z", "a"), true), [""; 0]);
    assert!(txn.has_writes_in(&span("a", "b")) && !txn.has_writes_in(&span("b", "d")));
    assert!(txn.has_writes());
}

#[test]
fn an_open_scan_does_not_see_later_writes() {
    for own in [3, 200] {
        let store = store();
        let mut txn = begin(&store);
        for i in 0..own {
            txn.put(format!("{i:04}").into_bytes(), b"x".to_vec()).unwrap();
        }
        for reverse in [false, true] {
            let mut scan = txn.scan(&Span::all(), reverse).unwrap();
            let mut seen = 0;
            while scan.next().unwrap() {
                let mut moved = scan.key().to_vec();
                moved.push(b'+');
                txn.put(moved.clone(), b"y".to_vec()).unwrap();
                txn.delete(moved).unwrap();
                seen += 1;
            }
            assert_eq!(seen, own);
        }
    }
}

#[test]
fn savepoints_take_back_what_came_after() {
    let store = store();
    let mut txn = begin(&store);
    put(&mut txn, "a", "1");
    let first = txn.savepoint();
    put(&mut txn, "a", "2");
    put(&mut txn, "b", "2");
    let second = txn.savepoint();
    put(&mut txn, "a", "3");
    txn.delete(key("b")).unwrap();
    txn.rollback_to(second).unwrap();
    assert_eq!(get(&mut txn, "a").as_deref(), Some("2"));
    assert_eq!(get(&mut txn, "b").as_deref(), Some("2"));
    put(&mut txn, "a", "4");
    txn.release(second).unwrap();
    assert_eq!(get(&mut txn, "a").as_deref(), Some("4"));
    assert_eq!(txn.rollback_to(second).unwrap_err().code().as_str(), "3B001");
    txn.rollback_to(first).unwrap();
    assert_eq!(rows(&mut txn, &Span::all(), false), ["a=1"]);
    put(&mut txn, "c", "5");
    txn.rollback_to(first).unwrap();
    assert_eq!(rows(&mut txn, &Span::all(), false), ["a=1"]);
    txn.commit().unwrap();
    assert_eq!(rows(&mut begin(&store), &Span::all(), false), ["a=1"]);
}

#[test]
fn a_restarted_statement_sees_the_new_version() {
    let store = store();
    write(&store, &[("a", "1"), ("b", "1")]);
    let mut txn = begin(&store);
    get(&mut txn, "b");
    put(&mut txn, "x", "kept");
    let statement = txn.savepoint();
    get(&mut txn, "a");
    put(&mut txn, "y", "undone");
    write(&store, &[("a", "2")]);
    assert!(txn.put(key("a"), b"3".to_vec()).unwrap_err().is_retryable());
    assert!(txn.restart_statement(statement).unwrap());
    assert_eq!(get(&mut txn, "y"), None);
    assert_eq!(get(&mut txn, "a").as_deref(), Some("2"));
    put(&mut txn, "a", "3");
    txn.commit().unwrap();
    assert_eq!(rows(&mut begin(&store), &Span::all(), false), ["a=3", "b=1", "x=kept"]);
}

#[test]
fn a_transaction_that_begins_anew_keeps_its_locks_and_nothing_else() {
    let store = store();
    write(&store, &[("a", "1"), ("b", "1")]);
    let mut txn = begin(&store);
    assert_eq!(get(&mut txn, "a").as_deref(), Some("1"));
    put(&mut txn, "b", "2");
    let given_up = Arc::new(AtomicUsize::new(0));
    let counter = given_up.clone();
    txn.on_rollback(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    write(&store, &[("a", "2")]);
    txn.restart();
    assert_eq!(given_up.load(Ordering::Relaxed), 1);
    // What it reads is new, what it wrote is gone, what it locked nobody else gets.
    assert_eq!(get(&mut txn, "a").as_deref(), Some("2"));
    assert_eq!(get(&mut txn, "b").as_deref(), Some("1"));
    let mut other = begin(&store);
    let locked = other.lock(&key("b"), LockMode::Exclusive, WaitPolicy::Skip).unwrap();
    assert!(!locked);
    assert!(!txn.has_writes());
    put(&mut txn, "a", "3");
    txn.commit().unwrap();
    assert_eq!(read(&store, "b").as_deref(), Some("1"));
    assert!(other.lock(&key("b"), LockMode::Exclusive, WaitPolicy::Skip).unwrap());
}

#[test]
fn a_statement_is_not_restarted_when_an_earlier_read_changed() {
    let store = store();
    write(&store, &[("a", "1"), ("b", "1")]);
    let mut txn = begin(&store);
    get(&mut txn, "b");
    let statement = txn.savepoint();
    get(&mut txn, "a");
    write(&store, &[("a", "2"), ("b", "2")]);
    assert!(txn.put(key("a"), b"3".to_vec()).is_err());
    assert!(!txn.restart_statement(statement).unwrap());
}

#[test]
fn locks_refuse_skip_and_time_out() {
    let store = store();
    write(&store, &[("a", "1")]);
    let mut holder = begin(&store);
    assert!(holder.lock(&key("a"), LockMode::Shared, WaitPolicy::Wait).unwrap());
    let mut other = begin(&store);
    assert!(other.lock(&key("a"), LockMode::Shared, WaitPolicy::NoWait).unwrap());
    let e = other.lock(&key("a"), LockMode::Exclusive, WaitPolicy::NoWait).unwrap_err();
    assert_eq!(e.code(), sqlstate::LOCK_NOT_AVAILABLE);
    assert!(!other.lock(&key("a"), LockMode::Exclusive, WaitPolicy::Skip).unwrap());
    other.set_lock_timeout(Some(Duration::from_millis(1)));
    let e = other.put(key("a"), vec![]).unwrap_err();
    assert_eq!(e.code(), sqlstate::LOCK_NOT_AVAILABLE);
    holder.rollback();
    other.put(key("a"), vec![]).unwrap();
    assert_eq!(store.locked_keys(), 1);
    drop(other);
    assert_eq!(store.locked_keys(), 0);
}

#[test]
fn the_newest_version_is_read_under_its_lock() {
    let store = store();
    for isolation in [Isolation::Serializable, Isolation::Snapshot, Isolation::ReadCommitted] {
        write(&store, &[("a", "1")]);
        let mut txn = begin_as(&store, isolation);
        write(&store, &[("a", "2")]);
        let mode = LockMode::Exclusive;
        let found = txn.get_latest_locked(&key("a"), mode, WaitPolicy::Wait).unwrap();
        assert_eq!(found, Locked::Value(Some(b"2".to_vec())));
        put(&mut txn, "a", "3");
        let found = txn.get_latest_locked(&key("a"), mode, WaitPolicy::Wait).unwrap();
        assert_eq!(found, Locked::Value(Some(b"3".to_vec())));
        let mut other = begin(&store);
        let skipped = other.get_latest_locked(&key("a"), mode, WaitPolicy::Skip).unwrap();
        assert_eq!(skipped, Locked::Skipped);
        txn.commit().unwrap();
    }
}

#[test]
fn an_interrupt_ends_a_wait_for_a_lock() {
    let store = store();
    let mut holder = begin(&store);
    put(&mut holder, "a", "1");
    let interrupt = Interrupt::new();
    interrupt.raise(Cause::Cancel);
    let mut txn = store.begin(TxnOptions { interrupt, ..TxnOptions::default() }).unwrap();
    assert_eq!(txn.put(key("a"), vec![]).unwrap_err().code(), sqlstate::QUERY_CANCELED);
}

#[test]
fn read_only_transactions_do_not_write() {
    let store = store();
    let at = write(&store, &[("a", "1")]);
    write(&store, &[("a", "2")]);
    let mut txn = store.begin(TxnOptions { as_of: Some(at), ..TxnOptions::default() }).unwrap();
    assert!(txn.is_read_only());
    assert_eq!(get(&mut txn, "a").as_deref(), Some("1"));
    let e = txn.put(key("a"), vec![]).unwrap_err();
    assert_eq!(e.code(), sqlstate::READ_ONLY_SQL_TRANSACTION);
    assert!(txn.lock(&key("a"), LockMode::Shared, WaitPolicy::Wait).is_err());
    assert!(txn.mark_span_written(Span::all()).is_err());
}

#[test]
fn hooks_run_once_and_only_the_right_ones() {
    let store = store();
    let count = Arc::new(AtomicUsize::new(0));
    let hook = |n: usize| {
        let count = count.clone();
        move || {
            count.fetch_add(n, Ordering::Relaxed);
        }
    };
    let mut txn = begin(&store);
    put(&mut txn, "a", "1");
    let (committed, seen) = (hook(1), store.clone());
    txn.on_commit(move |at| {
        assert!(seen.visible() >= at);
        committed();
    });
    txn.on_rollback(hook(10));
    txn.commit().unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let mut txn = begin(&store);
    txn.on_rollback(hook(100));
    drop(txn);
    assert_eq!(count.load(Ordering::Relaxed), 101);
}

#[test]
fn a_failed_sync_commits_nothing_and_poisons_the_store() {
    let engine = Arc::new(MemoryEngine::new());
    let store = open(engine.clone());
    write(&store, &[("a", "1")]);
    engine.inject(Fault::Sync);
    let mut txn = begin(&store);
    put(&mut txn, "a", "2");
    assert_eq!(txn.commit().unwrap_err().code(), sqlstate::IO_ERROR);
    assert_eq!(read(&store, "a").as_deref(), Some("1"));
    assert_eq!(store.locked_keys(), 0);
    let mut txn = begin(&store);
    put(&mut txn, "b", "2");
    assert_eq!(txn.commit().unwrap_err().code(), sqlstate::IO_ERROR);
}

#[test]
fn a_full_disk_refuses_a_commit_and_takes_the_next() {
    let engine = Arc::new(MemoryEngine::new());
    let store = open(engine.clone());
    engine.inject(Fault::Full);
    let mut txn = begin(&store);
    put(&mut txn, "a", "1");
    assert_eq!(txn.commit().unwrap_err().code(), sqlstate::DISK_FULL);
    assert_eq!(read(&store, "a"), None);
    write(&store, &[("a", "2")]);
    assert_eq!(read(&store, "a").as_deref(), Some("2"));
}

#[test]
fn reopening_keeps_data_and_the_clock_does_not_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let options = rocksdb::Options::default();
    let mut last = Timestamp::MIN;
    for round in 0..3 {
        let engine = Arc::new(RocksEngine::open(dir.path(), &options).unwrap());
        // Every time the machine's clock says that it is 1970.
        let clock = Arc::new(ManualClock::new(Timestamp::MIN));
        let store = Mvcc::open(engine, clock, Options::default()).unwrap();
        assert!(store.now() > last);
        assert!(begin(&store).read_timestamp() > last);
        for i in 0..round {
            assert_eq!(read(&store, &format!("k{i}")).as_deref(), Some("v"));
        }
        write(&store, &[(&format!("k{round}"), "v")]);
        if round == 1 {
            store.shutdown().unwrap();
            let mut txn = begin_refused(&store);
            assert_eq!(txn.take().unwrap().code(), sqlstate::ADMIN_SHUTDOWN);
        }
        last = store.now();
    }
}

#[test]
fn a_time_that_somebody_read_at_is_not_used_again_after_power_loss() {
    let hour = 3_600_000_000_000;
    let wrong = Timestamp::from_nanos(1_700_000_000_000_000_000);
    let engine = Arc::new(MemoryEngine::new());
    let clock = Arc::new(ManualClock::new(wrong));
    let store = Mvcc::open(engine.clone(), clock.clone(), Options::default()).unwrap();
    write(&store, &[("a", "1")]);
    clock.advance_nanos(hour);
    let mut reader = begin(&store);
    assert_eq!(get(&mut reader, "a").as_deref(), Some("1"));
    clock.advance_nanos(hour);
    let past = store.snapshot(store.now()).unwrap();
    // The power goes, and the machine's clock is two hours behind what it was.
    let clock = Arc::new(ManualClock::new(wrong));
    let store = Mvcc::open(Arc::new(engine.crash()), clock, Options::default()).unwrap();
    assert!(past.at() > reader.read_timestamp());
    assert!(write(&store, &[("a", "2")]) > past.at());
    let snapshot = store.snapshot(past.at()).unwrap();
    assert_eq!(snapshot.get(&key("a")).unwrap().as_deref(), Some(&b"1"[..]));
}

#[test]
fn a_store_that_cannot_be_written_is_read_as_of_the_last_time_that_it_could() {
    let engine = Arc::new(MemoryEngine::new());
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(1_700_000_000_000_000_000)));
    let store = Mvcc::open(engine.clone(), clock.clone(), Options::default()).unwrap();
    let at = write(&store, &[("a", "1")]);
    clock.advance_nanos(60_000_000_000);
    engine.inject(Fault::Full);
    let mut reader = begin(&store);
    assert_eq!(get(&mut reader, "a").as_deref(), Some("1"));
    let still = reader.read_timestamp();
    assert!(still > at && still < store.now().minus_nanos(50_000_000_000), "{still}");
    // Not asked again at once; and a time that is not there yet is refused, not promised.
    engine.inject(Fault::Full);
    assert_eq!(begin(&store).read_timestamp(), still);
    let refused = store.snapshot(store.now()).err().unwrap();
    assert_eq!(refused.code(), sqlstate::DISK_FULL);
    clock.advance_nanos(2_000_000_000);
    let mut reader = begin(&store);
    assert!(reader.read_timestamp() > still);
    assert!(write(&store, &[("a", "2")]) > reader.read_timestamp());
    assert_eq!(get(&mut reader, "a").as_deref(), Some("1"));
}

fn begin_refused(store: &Arc<Mvcc>) -> Option<crate::error::Error> {
    store.begin(TxnOptions::default()).err()
}

#[test]
fn a_store_of_a_newer_format_is_refused() {
    let engine = Arc::new(MemoryEngine::new());
    let mut batch = Batch::new();
    batch.put(Family::Meta, *b"store/format", *b"99");
    crate::kv::Engine::write(&*engine, batch, Durability::Synced).unwrap();
    let e = Mvcc::open(engine, Arc::new(SystemClock::new()), Options::default()).err().unwrap();
    assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
}

#[test]
fn a_store_far_ahead_of_the_machines_clock_is_refused() {
    let hour = Duration::from_secs(3_600);
    let engine = Arc::new(MemoryEngine::new());
    let start = |at: Duration, max_offset| {
        let clock = ManualClock::new(Timestamp::from_micros(at.as_micros() as u64));
        let options = Options { max_offset, ..Options::default() };
        Mvcc::open(engine.clone(), Arc::new(clock), options)
    };
    let store = start(hour * 24, Some(hour)).unwrap();
    let last = write(&store, &[("a", "1")]);
    drop(store);
    // The machine's clock was set back, by little and by much.
    let store = start(hour * 23 + hour / 2, Some(hour)).unwrap();
    assert!(store.now() > last);
    drop(store);
    let e = start(hour, Some(hour)).err().unwrap();
    assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
    assert!(e.message().contains(" 828"), "{e:?}");
    let store = start(hour, None).unwrap();
    assert!(store.now() > last);
    assert_eq!(read(&store, "a").as_deref(), Some("1"));
}

#[test]
fn whether_a_full_disk_takes_writes_again_is_found_out_by_writing() {
    let engine = Arc::new(MemoryEngine::new());
    let store = open(engine.clone());
    assert!(store.takes_writes());
    let mut txn = begin(&store);
    put(&mut txn, "a", "1");
    engine.inject(Fault::Full);
    engine.inject(Fault::Full);
    txn.commit().unwrap_err();
    assert!(!store.takes_writes());
    assert!(store.takes_writes());
    assert!(!store.needs_reopening());
}

#[test]
fn watched_spans_tell_their_last_commit() {
    let options = Options { watched: vec![span("a", "c"), span("m", "n")], ..Options::default() };
    let clock = Arc::new(SystemClock::new());
    let store = Mvcc::open(Arc::new(MemoryEngine::new()), clock, options).unwrap();
    let before = store.watched_version(1);
    let at = write(&store, &[("b", "1"), ("x", "1")]);
    assert_eq!(store.watched_version(0), at);
    assert_eq!(store.watched_version(1), before);
    let mut txn = begin(&store);
    txn.mark_span_written(span("l", "o")).unwrap();
    let at = txn.commit().unwrap();
    assert_eq!(store.watched_version(1), at);
}
