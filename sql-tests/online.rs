//! Indexes built while others write, on a server that dies meanwhile.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::process::{Cairn, Home};
use crate::wire::Session;

/// Rows of the table when the index begins.
const ROWS: i64 = 20_000;

fn begin(home: &Home) -> Cairn {
    let server = home.start();
    Session::open(&server.url).run(&format!(
        "CREATE TABLE t (id INT8 PRIMARY KEY, a INT8, b INT8);
         INSERT INTO t SELECT g, {ROWS} - g, g % 10 FROM generate_series(1, {ROWS}) g"
    ));
    server
}

/// Changes rows until told to stop or the server is gone; no change may fail.
fn write(url: &str, writer: i64, done: &AtomicI64, stop: &AtomicBool) {
    let db = Session::open(url);
    let mut n = writer;
    while !stop.load(Ordering::Acquire) {
        n = (n * 7_919 + 13) % (2 * ROWS);
        let text = match n % 3 {
            0 => format!("DELETE FROM t WHERE id = {n}"),
            1 => format!("UPDATE t SET b = (b + 1) % 10 WHERE id = {n}"),
            _ => format!("INSERT INTO t VALUES ({n}, -{n}, {writer}) ON CONFLICT DO NOTHING"),
        };
        if let Err(e) = db.rows(&text) {
            assert!(e.code.is_empty() || e.code.starts_with("57P0"), "{text}: {e}");
            return;
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
}

fn status(db: &Session) -> Vec<String> {
    let jobs = "SELECT status FROM [SHOW JOBS] WHERE job_type = 'SCHEMA CHANGE' ORDER BY created";
    db.run(jobs).into_iter().flatten().collect()
}

/// Waits until the last schema change has ended.
fn finished(db: &Session) -> String {
    let jobs = "SELECT max(job_id) FROM [SHOW JOBS] WHERE job_type = 'SCHEMA CHANGE'";
    let id = db.value(jobs);
    db.value(&format!("SELECT status FROM [SHOW JOB WHEN COMPLETE {id}]"))
}

/// What is found by the index is what is found without it.
fn compare(db: &Session) {
    assert!(
        db.run("EXPLAIN SELECT count(*) FROM t WHERE b = 3").concat().concat().contains("by_b"),
        "the index is used"
    );
    for b in 0..10 {
        let by_index = db.value(&format!("SELECT count(*) || ' ' || sum(a) FROM t WHERE b = {b}"));
        let by_rows =
            db.value(&format!("SELECT count(*) || ' ' || sum(a) FROM t WHERE b + 0 = {b}"));
        assert_eq!(by_index, by_rows, "b = {b}");
    }
}

#[test]
fn an_index_outlives_kill_9_at_every_step() {
    for place in ["before_backfill", "after.checkpoint", "before_validation", "before_publishing"] {
        let home = Home::new();
        let server = begin(&home);
        let db = Session::open(&server.url);
        db.run(&format!("SET CLUSTER SETTING jobs.debug.pausepoints = 'schemachange.{place}'"));
        let paused = db.refused("CREATE UNIQUE INDEX by_b ON t (b, id)");
        assert_eq!(paused.code, "55000", "{paused}");
        db.run("UPDATE t SET b = (b + 1) % 10 WHERE id % 7 = 0");
        let server = server.kill().start();
        let db = Session::open(&server.url);
        assert_eq!(status(&db), ["paused"], "{place}");
        db.run("DELETE FROM t WHERE id % 11 = 0");
        db.run("SET CLUSTER SETTING jobs.debug.pausepoints = ''");
        db.run("RESUME JOBS (SELECT job_id FROM [SHOW JOBS] WHERE status = 'paused')");
        assert_eq!(finished(&db), "succeeded", "{place}");
        compare(&db);
    }
}

#[test]
fn another_form_of_the_rows_outlives_kill_9() {
    for place in ["after.checkpoint", "before_publishing"] {
        let home = Home::new();
        let server = begin(&home);
        let db = Session::open(&server.url);
        db.run("CREATE INDEX by_b ON t (b)");
        db.run(&format!("SET CLUSTER SETTING jobs.debug.pausepoints = 'schemachange.{place}'"));
        let paused = db.refused("ALTER TABLE t ALTER COLUMN b TYPE TEXT USING 'b' || b::text");
        assert_eq!(paused.code, "55000", "{paused}");
        db.run("UPDATE t SET b = (b + 1) % 10 WHERE id % 7 = 0");
        let server = server.kill().start();
        let db = Session::open(&server.url);
        db.run("DELETE FROM t WHERE id % 11 = 0");
        let before = db.run("SELECT 'b' || b, count(*), sum(id) FROM t GROUP BY b ORDER BY b");
        db.run("SET CLUSTER SETTING jobs.debug.pausepoints = ''");
        db.run("RESUME JOBS (SELECT job_id FROM [SHOW JOBS] WHERE status = 'paused')");
        assert_eq!(finished(&db), "succeeded", "{place}");
        let after = db.run("SELECT b, count(*), sum(id) FROM t GROUP BY b ORDER BY b");
        assert_eq!(before, after, "{place}");
        for n in 0..10 {
            let by_index = db.value(&format!("SELECT count(*) FROM t WHERE b = 'b{n}'"));
            let by_rows = db.value(&format!("SELECT count(*) FROM t WHERE b || '' = 'b{n}'"));
            assert_eq!(by_index, by_rows, "b{n}");
        }
    }
}

#[test]
fn an_index_outlives_kill_9_under_writers() {
    let home = Home::new();
    let mut server = begin(&home);
    for round in 0..6 {
        let (done, stop) = (AtomicI64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for writer in 0..3 {
                let (url, done, stop) = (&server.url, &done, &stop);
                scope.spawn(move || write(url, writer + 1, done, stop));
            }
            let url = &server.url;
            let index = scope.spawn(move || {
                // The answer is lost with the server, or it came in time.
                let _ = Session::open(url).rows("CREATE INDEX by_b ON t (b)");
            });
            // Later in each round, so that another step is met.
            let mut watch = done.load(Ordering::Relaxed);
            let db = Session::open(url);
            while status(&db).len() <= round as usize || watch < round * 15 {
                watch = done.load(Ordering::Relaxed);
            }
            server.signal("KILL");
            stop.store(true, Ordering::Release);
            index.join().expect("no panic");
        });
        server = server.kill().start();
        let db = Session::open(&server.url);
        assert_eq!(finished(&db), "succeeded", "round {round}");
        compare(&db);
        db.run("DROP INDEX by_b");
    }
}
