//! What a backup holds while others write: one moment, whole, at no cost to the writers.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::process::Cairn;
use crate::wire::Session;

#[test]
fn an_open_writer_is_neither_waited_for_nor_aborted() {
    let server = Cairn::fresh();
    let writer = Session::open(&server.url);
    let db = Session::open(&server.url);
    db.run("CREATE DATABASE d; CREATE TABLE d.public.t (id INT PRIMARY KEY, v TEXT)");
    db.run("INSERT INTO d.public.t VALUES (1, 'committed')");
    writer.run("BEGIN");
    writer.run("UPDATE d.public.t SET v = 'not yet' WHERE id = 1");
    writer.run("INSERT INTO d.public.t VALUES (2, 'not yet')");
    db.run("BACKUP DATABASE d INTO 'nodelocal://1/b'");
    writer.run("COMMIT");
    db.run("BACKUP DATABASE d INTO LATEST IN 'nodelocal://1/b'");
    let path = db.value("SHOW BACKUPS IN 'nodelocal://1/b'");
    let first_end = db.value(
        "SELECT min(end_time)::text FROM [SHOW BACKUP FROM LATEST IN 'nodelocal://1/b'] \
         WHERE start_time IS NULL",
    );
    db.run("DROP DATABASE d CASCADE");
    db.run(&format!(
        "RESTORE DATABASE d FROM '{path}' IN 'nodelocal://1/b' AS OF SYSTEM TIME '{first_end}'"
    ));
    assert_eq!(db.run("SELECT id, v FROM d.public.t"), [["1", "committed"]]);
    db.run("DROP DATABASE d CASCADE");
    db.run("RESTORE DATABASE d FROM LATEST IN 'nodelocal://1/b'");
    assert_eq!(
        db.run("SELECT id, v FROM d.public.t ORDER BY id"),
        [["1", "not yet"], ["2", "not yet"]]
    );
}

/// Accounts among which money moves.
const ACCOUNTS: u64 = 50;

/// Backups taken while it does.
const LAYERS: usize = 4;

#[test]
fn every_layer_is_one_moment_of_a_bank_at_work() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE DATABASE bank; CREATE TABLE bank.public.a (id INT8 PRIMARY KEY, n INT8)");
    db.run(&format!(
        "INSERT INTO bank.public.a SELECT g, 100 FROM generate_series(0, {}) AS g",
        ACCOUNTS - 1
    ));
    let total = db.value("SELECT sum(n) FROM bank.public.a");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for seed in 1..=4u64 {
            let (url, over) = (server.url.clone(), &over);
            scope.spawn(move || {
                let db = Session::open(&url);
                let mut state = seed;
                while !over.load(Ordering::Relaxed) {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed);
                    let (from, to) = (state >> 33, state >> 40);
                    // A conflict is refused and retried by nobody: the sum holds all the same.
                    let _ = db.rows(&format!(
                        "BEGIN; UPDATE bank.public.a SET n = n - 1 WHERE id = {}; \
                         UPDATE bank.public.a SET n = n + 1 WHERE id = {}; COMMIT",
                        from % ACCOUNTS,
                        to % ACCOUNTS
                    ));
                    let _ = db.rows("ROLLBACK");
                }
            });
        }
        db.run("BACKUP DATABASE bank INTO 'nodelocal://1/b' WITH revision_history");
        for _ in 1..LAYERS {
            db.run("BACKUP DATABASE bank INTO LATEST IN 'nodelocal://1/b' WITH revision_history");
        }
        over.store(true, Ordering::Relaxed);
    });
    let path = db.value("SHOW BACKUPS IN 'nodelocal://1/b'");
    let ends = db.run(
        "SELECT DISTINCT end_time::text FROM [SHOW BACKUP FROM LATEST IN 'nodelocal://1/b'] ORDER BY 1",
    );
    assert_eq!(ends.len(), LAYERS);
    db.run("DROP DATABASE bank CASCADE");
    let mut states = Vec::new();
    for end in &ends {
        db.run(&format!(
            "RESTORE DATABASE bank FROM '{path}' IN 'nodelocal://1/b' AS OF SYSTEM TIME '{}'",
            end[0]
        ));
        assert_eq!(db.value("SELECT sum(n) FROM bank.public.a"), total, "as of {}", end[0]);
        states.push(db.copy_out("COPY bank.public.a TO STDOUT"));
        db.run("DROP DATABASE bank CASCADE");
    }
    states.dedup();
    assert_eq!(states.len(), LAYERS, "money moved between the layers");
}

#[test]
fn any_moment_within_a_history_can_be_restored() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE DATABASE d; CREATE TABLE d.public.t (id INT8 PRIMARY KEY, v INT8)");
    db.run("BACKUP DATABASE d INTO 'nodelocal://1/h' WITH revision_history");
    let mut moments = Vec::new();
    for round in 0..5 {
        db.run(&format!("INSERT INTO d.public.t VALUES ({round}, {round})"));
        db.run(&format!("UPDATE d.public.t SET v = v + 10 WHERE id < {round}"));
        db.run(&format!("DELETE FROM d.public.t WHERE id = {} - 3", round));
        let at = db.value("SELECT cluster_logical_timestamp()");
        moments.push((at, db.copy_out("COPY d.public.t TO STDOUT")));
    }
    db.run("BACKUP DATABASE d INTO LATEST IN 'nodelocal://1/h' WITH revision_history");
    for (at, rows) in &moments {
        db.run("DROP DATABASE d CASCADE");
        db.run(&format!(
            "RESTORE DATABASE d FROM LATEST IN 'nodelocal://1/h' AS OF SYSTEM TIME '{at}'"
        ));
        assert_eq!(&db.copy_out("COPY d.public.t TO STDOUT"), rows, "as of {at}");
    }
}

#[test]
fn layers_right_after_a_crash_have_names_of_their_own() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT8 PRIMARY KEY)");
    db.run("BACKUP TABLE t INTO 'nodelocal://1/c'");
    // The clock goes on from a bound ahead of the machine's, and stands there for a while.
    let server = server.kill().start();
    let db = Session::open(&server.url);
    for id in 0..3 {
        db.run(&format!("INSERT INTO t VALUES ({id})"));
        db.run("BACKUP TABLE t INTO LATEST IN 'nodelocal://1/c'");
    }
    db.run("DROP TABLE t");
    db.run("RESTORE TABLE t FROM LATEST IN 'nodelocal://1/c'");
    assert_eq!(db.value("SELECT count(*) FROM t"), "3");
}

/// Bytes of every file below a directory.
fn bytes_below(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).expect("a readable folder");
    entries
        .map(|entry| {
            let entry = entry.expect("a readable entry");
            let metadata = entry.metadata().expect("metadata");
            if metadata.is_dir() { bytes_below(&entry.path()) } else { metadata.len() }
        })
        .sum()
}

#[test]
fn an_incremental_is_as_large_as_the_change() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE DATABASE d; CREATE TABLE d.public.t (id INT8 PRIMARY KEY, v TEXT)");
    // Text that does not compress away.
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 8
    };
    let lines: String =
        (0..40_000).map(|i| format!("{i}\t{:x}{:x}{:x}\n", noise(), noise(), noise())).collect();
    db.copy_in("COPY d.public.t FROM STDIN", lines);
    let collection = server.home().nodelocal().join("i");
    db.run("BACKUP DATABASE d INTO 'nodelocal://1/i'");
    let full = bytes_below(&collection);
    db.run("UPDATE d.public.t SET v = v || 'x' WHERE id % 1000 = 0");
    let rows = db.run("BACKUP DATABASE d INTO LATEST IN 'nodelocal://1/i'");
    assert_eq!(rows[0][3], "40");
    let incremental = bytes_below(&collection) - full;
    assert!(incremental * 50 < full, "{incremental} bytes after a thousandth of {full} changed");
}

#[test]
fn a_backup_goes_on_when_its_client_leaves() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT8 PRIMARY KEY)");
    db.run("SET CLUSTER SETTING jobs.debug.pausepoints = 'backup.before.flow'");
    let id = {
        let leaving = Session::open(&server.url);
        let refusal = leaving.refused("BACKUP TABLE t INTO 'nodelocal://1/b'");
        assert!(refusal.message.contains("was paused before it completed"), "{refusal}");
        db.value("SELECT job_id FROM [SHOW JOBS]")
    };
    db.run("RESET CLUSTER SETTING jobs.debug.pausepoints");
    db.run(&format!("RESUME JOB {id}"));
    let rows = db.run(&format!("SELECT status FROM [SHOW JOB WHEN COMPLETE {id}]"));
    assert_eq!(rows, [["succeeded"]]);
}
