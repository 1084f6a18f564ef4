//! `cairn debug check`, and what the server does about files that something else has changed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::process::{Cairn, Home};
use crate::wire::Session;

/// Rows of the table that is damaged.
const ROWS: usize = 3_000;

fn run(home: &Home) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cairn"));
    command.args(["debug", "check", "--store"]).arg(home.store());
    command.output().expect("the cairn binary")
}

fn text(output: &Output) -> String {
    [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy).concat()
}

/// A store without a server on it has nothing wrong.
#[track_caller]
pub fn clean(home: &Home) {
    let output = run(home);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("no problem found"), "{}", text(&output));
}

/// A store with a table `t` of rows that are their own number, a thousand digits long.
fn filled() -> (Cairn, Session) {
    let server = Cairn::fresh();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT8 PRIMARY KEY, v TEXT, n INT8); CREATE INDEX t_n ON t (n)");
    (server, db)
}

fn insert(db: &Session, from: usize, to: usize) {
    db.run(&format!(
        "INSERT INTO t SELECT n, md5(n::text) || md5((-n)::text), n FROM generate_series({from}, {to}) AS n"
    ));
}

fn files(home: &Home, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.store().join("kv")).expect("a store");
    let mut found: Vec<(u64, PathBuf)> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .map(|path| (path.metadata().expect("a file").len(), path))
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("a readable file");
    bytes[at] ^= 0x04;
    std::fs::write(path, bytes).expect("a writable file");
}

fn start(home: &Home, more: &[&str]) -> Result<Cairn, String> {
    let mut command = home.command();
    command.arg("--insecure").args(more);
    Cairn::try_launch(home.clone(), command)
}

#[test]
fn a_flipped_byte_in_a_table_file_is_never_a_wrong_row() {
    let (server, db) = filled();
    insert(&db, 1, ROWS);
    drop(db);
    let (home, _) = server.terminate();
    clean(&home);
    let largest = files(&home, "sst").into_iter().next().expect("a table file");
    let length = std::fs::metadata(&largest).expect("a file").len() as usize;
    let mut noticed = 0;
    for eighth in [1, 3, 5, 6] {
        let at = length * eighth / 8;
        flip(&largest, at);
        let output = run(&home);
        assert_eq!(output.status.code(), Some(1), "byte {at}: {}", text(&output));
        let name = largest.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(text(&output).contains(&name), "byte {at}: {}", text(&output));
        match start(&home, &[]) {
            Err(log) => assert!(log.contains("orruption") && !log.contains("panicked"), "{log}"),
            Ok(server) => {
                let db = Session::open(&server.url);
                let right =
                    "SELECT count(*) FROM t WHERE v = md5(id::text) || md5((-id)::text) AND n = id";
                match db.rows(right) {
                    Ok(rows) => assert_eq!(rows, [[ROWS.to_string()]], "byte {at}"),
                    Err(e) => {
                        assert_eq!(e.code, "XX001", "byte {at}: {e}");
                        noticed += 1;
                    }
                }
                assert!(!server.home().log().contains("panicked"), "byte {at}");
                server.kill();
            }
        }
        flip(&largest, at);
    }
    assert!(noticed > 0, "no damage ever met a statement");
    clean(&home);
}

#[test]
fn a_torn_log_is_the_crash_and_a_damaged_one_is_refused() {
    let (server, db) = filled();
    for n in 0..20 {
        insert(&db, n * 10 + 1, n * 10 + 10);
    }
    drop(db);
    let home = server.kill();
    let log = files(&home, "log").into_iter().next().expect("a log");
    let whole = std::fs::read(&log).expect("a log");
    // The last record is torn.
    std::fs::write(&log, &whole[..whole.len() - 7]).expect("a writable file");
    clean(&home);
    // A record before it is damaged: what follows was acknowledged.
    std::fs::write(&log, &whole).expect("a writable file");
    flip(&log, whole.len() / 2);
    let refused = start(&home, &[]).map(|_| ()).expect_err("a damaged log");
    assert!(refused.contains("is damaged at byte"), "{refused}");
    let output = run(&home);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("is damaged at byte"), "{}", text(&output));
    // Whole again it is as if nothing had been.
    std::fs::write(&log, &whole).expect("a writable file");
    let server = home.start();
    assert_eq!(Session::open(&server.url).value("SELECT count(*) FROM t"), "200");
    insert(&Session::open(&server.url), 201, 300);
    let home = server.kill();
    // The operator may give up what is behind the damage, whole transactions of it.
    let log = files(&home, "log").into_iter().next().expect("a log");
    let length = std::fs::metadata(&log).expect("a file").len() as usize;
    flip(&log, length / 2);
    let server = start(&home, &["--discard-damaged-log"]).expect("a server");
    let left = Session::open(&server.url).value("SELECT count(*) FROM t");
    assert!(["200", "300"].contains(&left.as_str()), "{left}");
    clean(&server.kill());
}

#[test]
fn a_store_in_use_and_a_store_of_a_later_release_are_refused_untouched() {
    let (server, _) = filled();
    let home = server.home().clone();
    let refused = start(&home, &[]).map(|_| ()).expect_err("two servers");
    assert!(refused.contains("in use by another process"), "{refused}");
    let output = run(&home);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("in use by another process"), "{}", text(&output));
    let home = server.kill();
    let format = home.store().join("kv/FORMAT");
    let known = std::fs::read_to_string(&format).expect("a noted format");
    std::fs::write(&format, "999\n").expect("a writable file");
    let state = |home: &Home| -> Vec<(PathBuf, u64, std::time::SystemTime)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(home.store().join("kv")).expect("a store") {
            let entry = entry.expect("an entry");
            let data = entry.metadata().expect("an entry");
            found.push((entry.path(), data.len(), data.modified().expect("a time")));
        }
        found.sort();
        found
    };
    let before = state(&home);
    let refused = start(&home, &[]).map(|_| ()).expect_err("a later release's store");
    assert!(refused.contains("has format 999"), "{refused}");
    assert_eq!(state(&home), before);
    std::fs::write(&format, known).expect("a writable file");
    clean(&home);
    let nowhere = Home::new();
    assert!(text(&run(&nowhere)).contains("there is no store in"), "{}", text(&run(&nowhere)));
}
