//! Transactions larger than the memory that they may take.

use std::fs;
use std::path::Path;
use std::thread;

use crate::process::{Cairn, Home};
use crate::wire::Session;

/// A number of `/proc/<id>/status`, in bytes.
fn status(server: &Cairn, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", server.id())).expect("a process");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the line");
    let number = line.trim_matches(|c: char| !c.is_ascii_digit());
    number.parse::<u64>().expect("a number") * 1024
}

/// How far the server's memory rises above what it is, while something is done.
fn rise(server: &Cairn, work: impl FnOnce()) -> u64 {
    let before = status(server, "VmRSS");
    // Begins the measurement of the peak anew.
    fs::write(format!("/proc/{}/clear_refs", server.id()), "5").expect("to reset the peak");
    work();
    status(server, "VmHWM").saturating_sub(before)
}

const ROWS: u64 = 15_000;
const ROW_BYTES: u64 = 3_000;

fn load(db: &Session) {
    db.run("SET CLUSTER SETTING kv.transaction.write_buffer = '1MiB'");
    db.run("SET CLUSTER SETTING kv.transaction.max_row_locks = 2000");
    db.run("CREATE TABLE t (id INT8 PRIMARY KEY, n INT8, filler TEXT, INDEX (n))");
    db.run(&format!(
        "INSERT INTO t SELECT i, 0, repeat('x', {ROW_BYTES}) FROM generate_series(1, {ROWS}) AS g(i)"
    ));
}

#[test]
fn rewriting_and_deleting_a_table_takes_less_memory_than_its_rows() {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    load(&db);
    let all = format!("{ROWS}|{}", ROWS * ROW_BYTES);
    let sums = "SELECT count(*) || '|' || sum(length(filler)) FROM t WHERE n = ";
    assert_eq!(db.value(&format!("{sums} 0")), all);
    let risen = rise(&server, || {
        db.run("UPDATE t SET n = n + 1");
    });
    assert!(risen < ROWS * ROW_BYTES, "{risen} bytes");
    assert_eq!(db.value(&format!("{sums} 1")), all);
    let risen = rise(&server, || {
        db.run("BEGIN");
        db.run("UPDATE t SET n = n + 1");
        db.run("SAVEPOINT s");
        db.run("DELETE FROM t");
        assert_eq!(db.value("SELECT count(*) FROM t"), "0");
        db.run("ROLLBACK TO s");
        assert_eq!(db.value("SELECT count(*) FROM t WHERE n = 2"), ROWS.to_string());
        db.run("DELETE FROM t WHERE id > 10");
        db.run("COMMIT");
    });
    assert!(risen < ROWS * ROW_BYTES, "{risen} bytes");
    assert_eq!(db.value("SELECT count(*) || '|' || sum(n) FROM t"), "10|20");
}

/// The files of a directory below the store, wherever the engine keeps it.
fn files(store: &Path, directory: &str) -> usize {
    let count = |dir: &Path| fs::read_dir(dir.join(directory)).map_or(0, Iterator::count);
    let below = fs::read_dir(store).expect("a store").flatten();
    count(store) + below.map(|entry| count(&entry.path())).sum::<usize>()
}

#[test]
fn a_kill_in_the_middle_of_a_large_commit_leaves_all_or_nothing() {
    let mut home: Home = {
        let server = Cairn::fresh();
        load(&Session::open(&server.url));
        server.kill()
    };
    for round in 0..3u64 {
        let server = home.start();
        let url = server.url.clone();
        let db = Session::open(&server.url);
        let was: u64 = db.value("SELECT max(n) FROM t").parse().expect("a number");
        // The table is written beside the store first: then the commit is under way.
        let client =
            thread::spawn(move || Session::open(&url).rows("UPDATE t SET n = n + 1").is_ok());
        while files(&server.home().store(), "ingest") == 0 && !client.is_finished() {
            thread::yield_now();
        }
        for _ in 0..round * 20_000 {
            thread::yield_now();
        }
        home = server.kill();
        let acknowledged = client.join().expect("no panic");
        let server = home.start();
        let db = Session::open(&server.url);
        let is: u64 = db.value("SELECT max(n) FROM t").parse().expect("a number");
        assert!(is == was + 1 || (is == was && !acknowledged), "{was} {is} {acknowledged}");
        assert_eq!(db.value(&format!("SELECT count(*) FROM t WHERE n = {is}")), ROWS.to_string());
        assert_eq!(db.value("SELECT count(*) FROM t"), ROWS.to_string());
        for directory in ["ingest", "scratch"] {
            assert_eq!(files(&server.home().store(), directory), 0, "{directory}");
        }
        home = server.kill();
    }
}
