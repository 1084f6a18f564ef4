//! A BACKUP and a RESTORE whose server dies in the middle: the next one finishes them.

use crate::process::{Cairn, Home};
use crate::wire::Session;

/// Rows of the table under test.
const ROWS: u64 = 20_000;

/// Tables: the work of a job must be more than one piece.
const TABLES: u64 = 4;

fn fill(db: &Session) {
    db.run("CREATE DATABASE shop");
    for table in 0..TABLES {
        db.run(&format!(
            "CREATE TABLE shop.public.t{table} (id INT8 PRIMARY KEY, code TEXT NOT NULL, n INT8);
             CREATE INDEX t{table}_code_idx ON shop.public.t{table} (code)"
        ));
        let lines: String =
            (0..ROWS).map(|i| format!("{i}\tcode {:x}\t{}\n", i * 7919 % ROWS, i % 10)).collect();
        let copied = db.copy_in(&format!("COPY shop.public.t{table} FROM STDIN"), lines);
        assert_eq!(copied, ROWS);
    }
}

fn contents(db: &Session) -> Vec<String> {
    (0..TABLES)
        .map(|t| {
            db.copy_out(&format!("COPY (SELECT * FROM shop.public.t{t} ORDER BY id) TO STDOUT"))
        })
        .collect()
}

/// Runs a detached job that stops at a pausepoint, kills the server there, and lets the job go on
/// under the next one.
fn killed_at(server: Cairn, pausepoint: &str, statement: &str) -> Cairn {
    let db = Session::open(&server.url);
    db.run(&format!("SET CLUSTER SETTING jobs.debug.pausepoints = '{pausepoint}'"));
    let id = db.value(statement);
    wait_for(&db, &id, "paused");
    let server = server.kill().start();
    let db = Session::open(&server.url);
    assert_eq!(status(&db, &id), "paused", "after the crash at {pausepoint}");
    db.run("SET CLUSTER SETTING jobs.debug.pausepoints = ''");
    db.run(&format!("RESUME JOB {id}"));
    finished(&db, &id);
    server
}

fn status(db: &Session, id: &str) -> String {
    db.value(&format!("SELECT status FROM [SHOW JOB {id}]"))
}

/// Waits until a job stands somewhere. It asks again and again: nothing in SQL waits for a pause.
fn wait_for(db: &Session, id: &str, wanted: &str) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(120);
    loop {
        let now = status(db, id);
        if now == wanted {
            return;
        }
        let over = ["succeeded", "failed", "canceled"].contains(&now.as_str());
        assert!(!over && std::time::Instant::now() < deadline, "the job is {now}, not {wanted}");
        std::thread::yield_now();
    }
}

fn finished(db: &Session, id: &str) {
    let rows = db.run(&format!("SELECT status, error FROM [SHOW JOB WHEN COMPLETE {id}]"));
    assert_eq!(rows[0][0], "succeeded", "{}", rows[0][1]);
}

#[test]
fn a_backup_killed_at_its_pausepoints_resumes_to_success() {
    let mut server = Cairn::fresh();
    let db = Session::open(&server.url);
    fill(&db);
    let before = contents(&db);
    for (n, pausepoint) in
        ["backup.before.flow", "backup.after.write_first_checkpoint"].iter().enumerate()
    {
        server = killed_at(
            server,
            pausepoint,
            &format!("BACKUP DATABASE shop INTO 'nodelocal://1/b{n}' WITH detached"),
        );
        let db = Session::open(&server.url);
        db.run("DROP DATABASE shop CASCADE");
        db.run(&format!("RESTORE DATABASE shop FROM LATEST IN 'nodelocal://1/b{n}'"));
        assert!(before == contents(&db), "the rows differ after {pausepoint}");
    }
}

#[test]
fn a_restore_killed_at_its_pausepoint_resumes_to_success() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    fill(&db);
    let before = contents(&db);
    db.run("BACKUP DATABASE shop INTO 'nodelocal://1/b'");
    db.run("DROP DATABASE shop CASCADE");
    let server = killed_at(
        server,
        "restore.before_publishing_descriptors",
        "RESTORE DATABASE shop FROM LATEST IN 'nodelocal://1/b' WITH detached",
    );
    let db = Session::open(&server.url);
    assert!(before == contents(&db), "the rows differ");
    indexes_agree(&db);
}

/// Looks rows up by the secondary index and by the whole table.
fn indexes_agree(db: &Session) {
    for table in 0..TABLES {
        let by_index = db.value(&format!(
            "SELECT count(*) FROM shop.public.t{table} WHERE code >= 'code 0' AND code < 'code 1'"
        ));
        let by_rows = db.value(&format!(
            "SELECT count(*) FROM shop.public.t{table} WHERE code || '' LIKE 'code 0%'"
        ));
        assert_eq!(by_index, by_rows);
    }
}

/// Kills the server at a moment of the job's own choosing: while it runs.
fn killed_while_running(home: &Home, server: Cairn, statement: &str) -> Cairn {
    let db = Session::open(&server.url);
    let id = db.value(statement);
    server.kill();
    let server = home.start();
    let db = Session::open(&server.url);
    finished(&db, &id);
    server
}

#[test]
fn jobs_killed_while_they_run_are_adopted() {
    let home = Home::new();
    let server = home.start();
    let db = Session::open(&server.url);
    fill(&db);
    let before = contents(&db);
    let server = killed_while_running(
        &home,
        server,
        "BACKUP DATABASE shop INTO 'nodelocal://1/b' WITH detached",
    );
    let db = Session::open(&server.url);
    db.run("DROP DATABASE shop CASCADE");
    let server = killed_while_running(
        &home,
        server,
        "RESTORE DATABASE shop FROM LATEST IN 'nodelocal://1/b' WITH detached",
    );
    let db = Session::open(&server.url);
    assert!(before == contents(&db), "the rows differ");
    indexes_agree(&db);
}

#[test]
fn a_stop_in_order_leaves_a_job_for_the_next_start() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    fill(&db);
    let id = db.value("BACKUP DATABASE shop INTO 'nodelocal://1/b' WITH detached");
    let server = server.restart();
    finished(&Session::open(&server.url), &id);
}

#[test]
fn a_detached_job_appears_with_its_transaction_or_not_at_all() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT8 PRIMARY KEY); INSERT INTO t VALUES (1)");
    db.run("BEGIN");
    let dropped = db.value("BACKUP TABLE t INTO 'nodelocal://1/a' WITH detached");
    db.run("ROLLBACK");
    assert!(db.run(&format!("SELECT status FROM [SHOW JOBS] WHERE job_id = {dropped}")).is_empty());
    db.run("BEGIN");
    let kept = db.value("BACKUP TABLE t INTO 'nodelocal://1/a' WITH detached");
    db.run("COMMIT");
    finished(&db, &kept);
    // Waiting within a transaction would wait for a job that nobody can see yet.
    db.run("BEGIN");
    let refusal = db.refused("BACKUP TABLE t INTO 'nodelocal://1/c'");
    assert_eq!(refusal.code, "25001", "{refusal}");
    db.run("ROLLBACK");
}
