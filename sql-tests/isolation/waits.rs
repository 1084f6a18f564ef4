//! Locks and time limits: who waits, who is turned away, and what frees a lock.

use std::time::Instant;

use super::{PATIENCE, Stage, code};
use crate::wire::Session;

#[test]
fn a_deadlock_is_found_at_once_and_one_gets_through() {
    let stage = Stage::new();
    stage.reset();
    let (a, b) = (stage.begun("SERIALIZABLE"), stage.begun("SERIALIZABLE"));
    a.run("SELECT * FROM test WHERE id = 1 FOR UPDATE");
    b.run("SELECT * FROM test WHERE id = 2 FOR UPDATE");
    let waiting = stage.blocked(&a, "UPDATE test SET value = 0 WHERE id = 2");
    assert_eq!(b.code("UPDATE test SET value = 0 WHERE id = 1"), "40P01");
    b.run("ROLLBACK");
    assert_eq!(code(&waiting.answer()), "");
    a.commit();
    assert_eq!(stage.rows(), "1=10 2=0");
}

#[test]
fn a_circle_of_three_is_found() {
    let stage = Stage::new();
    stage.reset();
    stage.watch.run("INSERT INTO test VALUES (3, 30)");
    let [a, b, c] = ["1", "2", "3"].map(|id| {
        let actor = stage.begun("READ COMMITTED");
        actor.run(&format!("UPDATE test SET value = 0 WHERE id = {id}"));
        actor
    });
    let first = stage.blocked(&a, "UPDATE test SET value = 1 WHERE id = 2");
    let second = stage.blocked(&b, "UPDATE test SET value = 2 WHERE id = 3");
    assert_eq!(c.code("UPDATE test SET value = 3 WHERE id = 1"), "40P01");
    c.run("ROLLBACK");
    assert_eq!(code(&second.answer()), "");
    b.commit();
    assert_eq!(code(&first.answer()), "");
    a.commit();
    assert_eq!(stage.rows(), "1=0 2=1 3=2");
}

#[test]
fn shared_locks_that_both_want_to_raise_are_a_deadlock() {
    let stage = Stage::new();
    stage.reset();
    let (a, b) = (stage.begun("READ COMMITTED"), stage.begun("READ COMMITTED"));
    a.run("SELECT * FROM test WHERE id = 1 FOR SHARE");
    b.run("SELECT * FROM test WHERE id = 1 FOR SHARE");
    let waiting = stage.blocked(&a, "UPDATE test SET value = 1 WHERE id = 1");
    assert_eq!(b.code("UPDATE test SET value = 2 WHERE id = 1"), "40P01");
    b.run("ROLLBACK");
    assert_eq!(code(&waiting.answer()), "");
    a.commit();
}

#[test]
fn lock_timeout_nowait_and_skip_locked() {
    let stage = Stage::new();
    stage.reset();
    let holder = stage.begun("READ COMMITTED");
    holder.run("SELECT * FROM test WHERE id = 1 FOR UPDATE");
    let other = stage.actor();
    other.run("SET lock_timeout = '20ms'");
    let refusal = other.db.refused("UPDATE test SET value = 0 WHERE id = 1");
    assert_eq!(refusal.code, "55P03");
    assert_eq!(refusal.message, "canceling statement due to lock timeout");
    other.run("RESET lock_timeout");
    let refusal = other.db.refused("SELECT * FROM test WHERE id = 1 FOR UPDATE NOWAIT");
    assert_eq!(refusal.code, "55P03");
    assert_eq!(refusal.message, "could not obtain lock on row in relation \"test\"");
    assert_eq!(other.code("SELECT * FROM test FOR SHARE NOWAIT"), "55P03");
    assert_eq!(other.pairs("SELECT * FROM test ORDER BY id FOR UPDATE SKIP LOCKED"), "2=20");
    // A queue of jobs: everyone gets another one.
    let takes = "SELECT id FROM test ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED";
    let worker = stage.begun("READ COMMITTED");
    assert_eq!(worker.pairs(takes), "2");
    assert_eq!(other.pairs(takes), "");
    // Who only reads waits for nobody.
    assert_eq!(other.pairs("SELECT * FROM test ORDER BY id"), "1=10 2=20");
    holder.run("ROLLBACK");
    assert_eq!(other.pairs(takes), "1");
}

#[test]
fn the_first_to_wait_is_the_first_to_be_served() {
    let stage = Stage::new();
    stage.watch.run("CREATE TABLE log (id SERIAL PRIMARY KEY, who INT)");
    stage.reset();
    let holder = stage.begun("READ COMMITTED");
    holder.run("UPDATE test SET value = 0 WHERE id = 1");
    let mut queue = Vec::new();
    for who in 0..6 {
        let actor = stage.begun("READ COMMITTED");
        let sql = format!("UPDATE test SET value = value * 10 + {who} WHERE id = 1; COMMIT");
        queue.push((stage.blocked(&actor, &sql), actor));
    }
    holder.commit();
    for (waiting, _) in queue {
        assert_eq!(code(&waiting.answer()), "");
    }
    assert_eq!(stage.rows(), "1=12345 2=20");
}

#[test]
fn a_client_that_is_gone_holds_nothing() {
    let stage = Stage::new();
    stage.reset();
    // One that idles in its transaction.
    let idle = Session::open(&stage.server.url);
    idle.run("BEGIN; UPDATE test SET value = 0 WHERE id = 1");
    let next = stage.actor();
    let waiting = stage.blocked(&next, "UPDATE test SET value = 1 WHERE id = 1");
    drop(idle);
    assert_eq!(code(&waiting.answer()), "");
    // One that waits for a lock while it holds another.
    let holder = stage.begun("READ COMMITTED");
    holder.run("UPDATE test SET value = 2 WHERE id = 2");
    let doomed = Session::open(&stage.server.url);
    doomed.run("BEGIN; UPDATE test SET value = 3 WHERE id = 1");
    let pid = doomed.value("SELECT pg_backend_pid()");
    let (gone, leave) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        doomed.with(async |client| {
            tokio::select! {
                answer = client.batch_execute("UPDATE test SET value = 4 WHERE id = 2") => {
                    panic!("the lock was free: {answer:?}");
                }
                _ = leave => {}
            }
        });
    });
    let waits = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'"
    );
    stage.until(&waits, "1");
    let waiting = stage.blocked(&next, "UPDATE test SET value = 5 WHERE id = 1");
    gone.send(()).expect("a listening thread");
    thread.join().expect("a thread that does not panic");
    assert_eq!(code(&waiting.answer()), "");
    holder.commit();
    assert_eq!(stage.rows(), "1=5 2=2");
}

#[test]
fn a_cancelled_wait_frees_its_place() {
    let stage = Stage::new();
    stage.reset();
    let holder = stage.begun("READ COMMITTED");
    holder.run("UPDATE test SET value = 0 WHERE id = 1");
    let first = stage.actor();
    let cancelled = stage.blocked(&first, "UPDATE test SET value = 1 WHERE id = 1");
    let second = stage.actor();
    let waiting = stage.blocked(&second, "UPDATE test SET value = 2 WHERE id = 1");
    stage.watch.run(&format!("SELECT pg_cancel_backend({})", first.pid));
    assert_eq!(code(&cancelled.answer()), "57014");
    holder.commit();
    assert_eq!(code(&waiting.answer()), "");
    assert_eq!(stage.rows(), "1=2 2=20");
}

#[test]
fn statements_and_pauses_have_their_limits() {
    let stage = Stage::new();
    stage.reset();
    let holder = stage.begun("READ COMMITTED");
    holder.run("UPDATE test SET value = 0 WHERE id = 1");
    let slow = stage.actor();
    slow.run("SET statement_timeout = '50ms'");
    let begun = Instant::now();
    for sql in ["UPDATE test SET value = 1 WHERE id = 1", "SELECT pg_sleep(60)"] {
        let refusal = slow.db.refused(sql);
        assert_eq!(refusal.code, "57014", "{sql}");
        assert_eq!(refusal.message, "canceling statement due to statement timeout");
    }
    assert!(begun.elapsed() < PATIENCE);
    holder.run("ROLLBACK");
    // A transaction that idles is ended, and its locks with it.
    let idle = stage.actor();
    idle.run("SET idle_in_transaction_session_timeout = '100ms'");
    idle.run("BEGIN; UPDATE test SET value = 7 WHERE id = 1");
    let next = stage.actor();
    next.run("UPDATE test SET value = 8 WHERE id = 1");
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {}", idle.pid);
    stage.until(&gone, "0");
    assert!(idle.db.rows("SELECT 1").is_err());
    assert_eq!(stage.rows(), "1=8 2=20");
    // So is a failed one.
    let failed = stage.actor();
    failed.run("SET idle_in_transaction_session_timeout = '100ms'");
    failed.run("BEGIN");
    assert_eq!(failed.code("SELECT 1 / 0"), "22012");
    stage.until(&gone.replace(&idle.pid, &failed.pid), "0");
    // Outside of transactions another limit counts.
    let resting = stage.actor();
    resting.run("SET idle_session_timeout = '100ms'");
    stage.until(&gone.replace(&idle.pid, &resting.pid), "0");
}

#[test]
fn cockroach_restart_begins_anew() {
    let stage = Stage::new();
    stage.reset();
    let a = stage.begun("SERIALIZABLE");
    a.run("SAVEPOINT cockroach_restart");
    assert_eq!(a.pairs("SELECT * FROM test WHERE id = 1"), "1=10");
    stage.watch.run("UPDATE test SET value = 50 WHERE id = 1");
    assert_eq!(a.code("UPDATE test SET value = 11 WHERE id = 1"), "40001");
    assert_eq!(a.code("SELECT 1"), "25P02");
    a.run("ROLLBACK TO SAVEPOINT cockroach_restart");
    assert_eq!(a.pairs("SELECT * FROM test WHERE id = 1"), "1=50");
    a.run("UPDATE test SET value = value + 1 WHERE id = 1");
    // The conflict can come with the commit, which is at RELEASE.
    assert_eq!(a.pairs("SELECT * FROM test WHERE id = 2"), "2=20");
    stage.watch.run("UPDATE test SET value = 60 WHERE id = 2");
    assert_eq!(a.code("RELEASE SAVEPOINT cockroach_restart"), "40001");
    a.run("ROLLBACK TO SAVEPOINT cockroach_restart");
    assert_eq!(a.pairs("SELECT * FROM test ORDER BY id"), "1=50 2=60");
    a.run("UPDATE test SET value = value + 1");
    a.run("RELEASE SAVEPOINT cockroach_restart");
    assert_eq!(stage.rows(), "1=51 2=61");
    assert_eq!(a.code("SELECT 1"), "25000");
    a.commit();
    assert_eq!(a.pairs("SELECT * FROM test ORDER BY id"), "1=51 2=61");
    // It stands at the beginning or nowhere.
    a.run("BEGIN; SELECT 1");
    assert_eq!(a.code("SAVEPOINT cockroach_restart"), "3B001");
    a.run("ROLLBACK");
}

#[test]
fn a_conflict_is_hidden_only_while_nothing_was_sent() {
    let stage = Stage::new();
    stage.reset();
    // One statement of its own: whatever happens meanwhile, it gets through.
    let holder = stage.begun("SERIALIZABLE");
    holder.run("UPDATE test SET value = value + 1 WHERE id = 1");
    let single = stage.actor();
    let waiting = stage.blocked(&single, "UPDATE test SET value = value * 2 WHERE id = 1");
    holder.commit();
    assert_eq!(code(&waiting.answer()), "");
    assert_eq!(stage.rows(), "1=22 2=20");
}
