//! Many clients at one row: each gets its share, nobody is told to try again, and the first to
//! wait is the first to be served.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Stage, code};
use crate::wire::Session;

const CLIENTS: usize = 16;

/// Updates that all clients make together.
const UPDATES: u64 = 1_200;

/// Lets all clients run a statement again and again, until all of them together ran it often
/// enough; says how often each did.
fn shares(stage: &Stage, sql: &str) -> Vec<u64> {
    let (made, gate) = (AtomicU64::new(0), Barrier::new(CLIENTS));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let db = Session::open(&stage.server.url);
                    gate.wait();
                    let mut own = 0;
                    while made.load(Ordering::Relaxed) < UPDATES {
                        db.run(sql);
                        made.fetch_add(1, Ordering::Relaxed);
                        own += 1;
                    }
                    own
                })
            })
            .collect();
        clients.into_iter().map(|c| c.join().expect("a thread that does not panic")).collect()
    })
}

/// The statement of every client comes by the same row; the row counts them all, and each client
/// has its share.
#[track_caller]
fn assert_fair(stage: &Stage, sql: &str) {
    stage.reset();
    stage.watch.run("UPDATE test SET value = 0");
    let shares = shares(stage, sql);
    let sum: u64 = shares.iter().sum();
    let counted = stage.watch.value("SELECT value FROM test WHERE id = 1");
    assert_eq!(counted, sum.to_string(), "{sql}");
    let fair = UPDATES / CLIENTS as u64;
    for share in &shares {
        assert!(*share >= fair / 3 && *share <= fair * 3, "{sql}: {shares:?}");
    }
}

#[test]
fn everyone_gets_a_share_of_a_hot_row() {
    let stage = Stage::new();
    for sql in [
        // By key; by a look at the whole table; in a block; with a lock taken first.
        "UPDATE test SET value = value + 1 WHERE id = 1",
        "UPDATE test SET value = value + 1 WHERE value >= 0 AND id + 0 = 1",
        "BEGIN; UPDATE test SET value = value + 1 WHERE id = 1; COMMIT",
        "BEGIN; SELECT value FROM test WHERE id = 1 FOR UPDATE; \
         UPDATE test SET value = value + 1 WHERE id = 1; COMMIT",
        "BEGIN ISOLATION LEVEL READ COMMITTED; \
         UPDATE test SET value = value + 1 WHERE id = 1; COMMIT",
        "INSERT INTO test VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET value = test.value + 1",
    ] {
        assert_fair(&stage, sql);
    }
}

#[test]
fn the_order_of_the_queue_holds_for_statements_that_are_run_again() {
    let stage = Stage::new();
    for (sql, how) in [
        ("UPDATE test SET value = value * 10 + {} WHERE id = 1", "by key"),
        ("UPDATE test SET value = value * 10 + {} WHERE id + 0 = 1", "by a look at all rows"),
        ("BEGIN; UPDATE test SET value = value * 10 + {} WHERE id + 0 = 1; COMMIT", "in a block"),
    ] {
        stage.reset();
        let holder = stage.begun("SERIALIZABLE");
        holder.run("UPDATE test SET value = 0 WHERE id = 1");
        let queue: Vec<_> = (1..=6)
            .map(|who| stage.blocked(&stage.actor(), &sql.replace("{}", &who.to_string())))
            .collect();
        holder.commit();
        for waiting in queue {
            assert_eq!(code(&waiting.answer()), "", "{how}");
        }
        assert_eq!(stage.rows(), "1=123456 2=20", "{how}");
    }
}
