//! Circles of waiters: found when they close, at the cost of one of them.

use std::sync::{Barrier, Mutex};

use super::{Stage, Waiting, code};
use crate::wire::Session;

/// A circle of so many, closed one wait after the other: only the last is told.
#[track_caller]
fn circle(stage: &Stage, size: usize) {
    stage.reset();
    stage.watch.run(&format!("INSERT INTO test SELECT i, 0 FROM generate_series(3, {size}) i"));
    let actors: Vec<_> = (1..=size)
        .map(|id| {
            let actor = stage.begun("SERIALIZABLE");
            actor.run(&format!("UPDATE test SET value = 0 WHERE id = {id}"));
            actor
        })
        .collect();
    let wants = |i: usize| format!("UPDATE test SET value = {i} WHERE id = {}", i % size + 1);
    let mut waiting: Vec<Waiting> =
        (1..size).map(|i| stage.blocked(&actors[i - 1], &wants(i))).collect();
    let refusal = actors[size - 1].db.refused(&wants(size));
    assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("40P01", "deadlock detected"));
    actors[size - 1].run("ROLLBACK");
    // The others get through, from the one that wanted what the victim had.
    for i in (1..size).rev() {
        assert_eq!(code(&waiting.pop().expect("a waiter").answer()), "", "{i} of {size}");
        actors[i - 1].commit();
    }
}

#[test]
fn a_circle_of_any_size_has_one_victim() {
    let stage = Stage::new();
    for size in [2, 3, 5] {
        circle(&stage, size);
    }
}

#[test]
fn whoever_comes_when_at_least_one_and_not_all_are_victims() {
    let stage = Stage::new();
    for size in [2_usize, 3, 5] {
        for round in 0..6 {
            stage.reset();
            stage
                .watch
                .run(&format!("INSERT INTO test SELECT i, 0 FROM generate_series(3, {size}) i"));
            let (gate, codes) = (Barrier::new(size), Mutex::new(Vec::new()));
            std::thread::scope(|scope| {
                for i in 0..size {
                    let (gate, codes, stage) = (&gate, &codes, &stage);
                    scope.spawn(move || {
                        let db = Session::open(&stage.server.url);
                        db.run("BEGIN ISOLATION LEVEL READ COMMITTED");
                        db.run(&format!("UPDATE test SET value = 0 WHERE id = {}", i + 1));
                        gate.wait();
                        // All at once.
                        let wants =
                            format!("UPDATE test SET value = 1 WHERE id = {}", (i + 1) % size + 1);
                        let outcome = db.rows(&wants).and_then(|_| db.rows("COMMIT"));
                        let code = outcome.err().map(|e| e.code).unwrap_or_default();
                        if !code.is_empty() {
                            db.run("ROLLBACK");
                        }
                        codes.lock().expect("no panic").push(code);
                    });
                }
            });
            let codes = codes.into_inner().expect("no panic");
            let victims = codes.iter().filter(|code| *code == "40P01").count();
            assert!(codes.iter().all(|code| code.is_empty() || code == "40P01"), "{codes:?}");
            assert_eq!(victims, 1, "{size} clients, round {round}");
        }
    }
}

#[test]
fn a_circle_through_the_queue_is_found() {
    let stage = Stage::new();
    stage.reset();
    // The first waits behind the second, which asks for what only the first could let go.
    let [a, b, c] = [0; 3].map(|_| stage.begun("READ COMMITTED"));
    a.run("SELECT * FROM test WHERE id = 1 FOR SHARE");
    b.run("UPDATE test SET value = 0 WHERE id = 2");
    let raising = stage.blocked(&b, "UPDATE test SET value = 0 WHERE id = 1");
    // Behind the one that wants it alone, though it gets along with the holder.
    let sharing = stage.blocked(&c, "SELECT * FROM test WHERE id = 1 FOR SHARE");
    assert_eq!(a.code("UPDATE test SET value = 0 WHERE id = 2"), "40P01");
    a.run("ROLLBACK");
    assert_eq!(code(&raising.answer()), "");
    b.commit();
    assert_eq!(code(&sharing.answer()), "");
    c.commit();
}

#[test]
fn a_single_statement_that_was_the_victim_is_run_again() {
    let stage = Stage::new();
    stage.reset();
    let a = stage.begun("SERIALIZABLE");
    a.run("UPDATE test SET value = value + 1 WHERE id = 2");
    let holder = stage.begun("SERIALIZABLE");
    holder.run("UPDATE test SET value = value + 1 WHERE id = 1");
    let waits = stage.blocked(&a, "UPDATE test SET value = value + 1 WHERE id = 1");
    // It takes the first row behind the other and then wants the second: a circle.
    let single = stage.actor();
    let all = stage.blocked(&single, "UPDATE test SET value = value * 2");
    holder.commit();
    assert_eq!(code(&waits.answer()), "");
    a.commit();
    assert_eq!(code(&all.answer()), "");
    assert_eq!(stage.rows(), "1=24 2=42");
}
