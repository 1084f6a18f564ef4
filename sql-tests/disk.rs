//! A disk that is full or fails, and comes back: what the server says, keeps and does then.
//!
//! `faults.c` is loaded into the server and makes its writes fail while a control file is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::process::{Cairn, Home};
use crate::wire::Session;

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// Sessions that write at a time.
const WRITERS: i64 = 4;

/// How long something that must happen may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// A place for servers whose disk can be made to fail.
struct Faulty {
    home: Home,
    library: PathBuf,
    control: PathBuf,
    listen: String,
}

impl Faulty {
    fn new() -> Faulty {
        let home = Home::new();
        let library = library(&home);
        let control = home.path().join("faults");
        // The server may start anew by itself, and must be found again.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("a free port")
            .port();
        Faulty { home, library, control, listen: format!("127.0.0.1:{port}") }
    }

    fn start(&self) -> Cairn {
        let mut command = self.home.command_at(&self.listen);
        command.arg("--insecure");
        command.env("LD_PRELOAD", &self.library).env("FAULTS", &self.control);
        Cairn::launch(self.home.clone(), command)
    }

    /// Makes one in `one_in` of the operations fail on files below a path.
    fn fail(&self, errno: i32, operations: &str, one_in: u32, below: &Path) {
        let line = format!("{errno} {operations} {one_in} {}\n", below.display());
        let new = self.control.with_extension("new");
        std::fs::write(&new, line).expect("a control file");
        std::fs::rename(new, &self.control).expect("a control file");
    }

    fn mend(&self) {
        std::fs::remove_file(&self.control).expect("a control file");
    }

    fn engine(&self) -> PathBuf {
        self.home.store().join("kv")
    }
}

/// Compiles the library that makes writing fail.
fn library(home: &Home) -> PathBuf {
    let library = home.path().join("faults.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests/faults.c");
    let status = Command::new("clang")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status()
        .expect("clang");
    assert!(status.success());
    library
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What clients remember.
#[derive(Default)]
struct Memory {
    next: AtomicI64,
    acknowledged: Mutex<BTreeSet<i64>>,
    /// Told that the disk is full: these are not there.
    refused: Mutex<BTreeSet<i64>>,
    full: AtomicU64,
    failed: AtomicU64,
    stop: AtomicBool,
}

impl Memory {
    /// Writes pairs of rows until told to stop, over new connections where old ones break.
    fn write(&self, url: &str, writer: i64) {
        let mut session = None;
        while !self.stop.load(Ordering::Relaxed) {
            let Some(db) = session.take().or_else(|| Session::try_open(url).ok()) else {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            };
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            let written = db.rows(&format!(
                "BEGIN; INSERT INTO ledger VALUES ({id}, {writer}, repeat('x', 2000)); \
                 INSERT INTO mirror VALUES ({id}, {writer}); COMMIT"
            ));
            match written {
                Ok(_) => {
                    self.acknowledged.lock().expect("no panic").insert(id);
                    session = Some(db);
                }
                Err(e) if e.code.is_empty() => {}
                Err(e) => {
                    match e.code.as_str() {
                        "53100" => {
                            self.refused.lock().expect("no panic").insert(id);
                            self.full.fetch_add(1, Ordering::Relaxed);
                        }
                        "58030" => {
                            self.failed.fetch_add(1, Ordering::Relaxed);
                        }
                        // The new process closes the doors of the old one.
                        "57P01" => continue,
                        _ => panic!("an error that no disk makes: {e}"),
                    }
                    // Nobody hammers a disk that is full.
                    std::thread::sleep(Duration::from_millis(5));
                    if db.rows("ROLLBACK").is_ok() {
                        session = Some(db);
                    }
                }
            }
        }
    }

    /// The same; and what was refused for want of space is not there, unless the server was full
    /// in so bad a moment that it had to start anew.
    fn check_full(&self, faulty: &Faulty, url: &str, acknowledged: &BTreeSet<i64>) {
        let refused = self.refused.lock().expect("no panic").clone();
        let stored = self.check(&reopened(url), acknowledged);
        if !faulty.home.log().contains("starting anew") {
            let back: Vec<&i64> = stored.intersection(&refused).collect();
            assert!(back.is_empty(), "refused, and there: {back:?}");
        }
    }

    /// Does something while the writers write; they end with it, also when it fails.
    fn under_load(&self, url: &str, work: impl FnOnce()) {
        std::thread::scope(|scope| {
            let _stop = Stop(self);
            for writer in 0..WRITERS {
                scope.spawn(move || self.write(url, writer));
            }
            work();
        });
    }

    fn acknowledged(&self) -> BTreeSet<i64> {
        self.acknowledged.lock().expect("no panic").clone()
    }

    /// Every acknowledged pair is there, no half pair, and the index agrees.
    fn check(&self, db: &Session, acknowledged: &BTreeSet<i64>) -> BTreeSet<i64> {
        let rows = db.run(
            "SELECT l.id, m.id, i.id FROM ledger AS l FULL JOIN mirror AS m ON l.id = m.id \
             FULL JOIN (SELECT id FROM ledger WHERE writer >= 0 AND writer < 100) AS i \
             ON i.id = l.id",
        );
        let mut stored = BTreeSet::new();
        for row in rows {
            assert!(row[0] == row[1] && row[1] == row[2], "half a transaction: {row:?}");
            stored.insert(row[0].parse().expect("a number"));
        }
        let lost: Vec<&i64> = acknowledged.difference(&stored).collect();
        assert!(lost.is_empty(), "lost {lost:?}");
        stored
    }
}

struct Stop<'a>(&'a Memory);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

/// A new session; the server may be starting anew just now.
fn reopened(url: &str) -> Session {
    let mut session = None;
    until("a session", || {
        session = Session::try_open(url).ok();
        session.is_some()
    });
    session.expect("a session")
}

fn set_up(db: &Session) {
    db.run(
        "CREATE TABLE ledger (id INT8 PRIMARY KEY, writer INT8 NOT NULL, pad TEXT);
         CREATE TABLE mirror (id INT8 PRIMARY KEY, writer INT8 NOT NULL);
         CREATE INDEX ledger_writer_idx ON ledger (writer)",
    );
}

#[test]
fn a_full_disk_loses_nothing_and_writes_go_on_when_there_is_space() {
    let faulty = Faulty::new();
    let server = faulty.start();
    set_up(&Session::open(&server.url));
    let memory = Memory::default();
    let url = server.url.clone();
    memory.under_load(&url, || {
        // The log's writes; its fsyncs; now and then anything, flushes and new files too.
        for (operations, one_in) in [("w", 1), ("s", 1), ("wso", 3)] {
            let before = memory.acknowledged().len() + 100;
            until("commits", || memory.acknowledged().len() > before);
            let full = memory.full.load(Ordering::Relaxed) + 10;
            faulty.fail(ENOSPC, operations, one_in, &faulty.engine());
            until("53100", || memory.full.load(Ordering::Relaxed) > full);
            // Reads go on, of all that was acknowledged by now and of nothing that was refused.
            let acknowledged = memory.acknowledged();
            memory.check_full(&faulty, &server.url, &acknowledged);
            faulty.mend();
        }
        let before = memory.acknowledged().len() + 100;
        until("commits after the last fault", || memory.acknowledged().len() > before);
        memory.check_full(&faulty, &server.url, &memory.acknowledged());
        // The end comes while the disk is full once more.
        let full = memory.full.load(Ordering::Relaxed);
        faulty.fail(ENOSPC, "ws", 2, &faulty.engine());
        until("53100 at the end", || memory.full.load(Ordering::Relaxed) > full);
        server.kill();
    });
    faulty.mend();
    let server = faulty.start();
    memory.check(&Session::open(&server.url), &memory.acknowledged());
    assert_eq!(memory.failed.load(Ordering::Relaxed), 0, "58030 from a full disk");
    clean_after_kill(&faulty, server);
}

#[test]
fn a_disk_that_fails_loses_nothing_and_the_server_starts_anew_when_it_works() {
    let faulty = Faulty::new();
    let server = faulty.start();
    set_up(&Session::open(&server.url));
    let memory = Memory::default();
    let url = server.url.clone();
    memory.under_load(&url, || {
        for (operations, one_in) in [("s", 1), ("w", 1), ("ws", 4)] {
            let before = memory.acknowledged().len() + 100;
            until("commits", || memory.acknowledged().len() > before);
            let failed = memory.failed.load(Ordering::Relaxed) + 10;
            // The probe of the disk fails, too, for as long as the fault is there.
            let below = if one_in == 1 { faulty.home.store() } else { faulty.engine() };
            faulty.fail(EIO, operations, one_in, &below);
            until("58030", || memory.failed.load(Ordering::Relaxed) > failed);
            if one_in == 1 {
                let db = reopened(&server.url);
                memory.check(&db, &memory.acknowledged());
                let told = db.refused("INSERT INTO mirror VALUES (-1, -1)");
                assert_eq!(told.code, "58030", "{told}");
            }
            faulty.mend();
        }
        let before = memory.acknowledged().len() + 100;
        until("commits after the last fault", || memory.acknowledged().len() > before);
    });
    memory.check(&Session::open(&server.url), &memory.acknowledged());
    assert!(faulty.home.log().contains("starting anew"));
    clean_after_kill(&faulty, server);
}

fn clean_after_kill(faulty: &Faulty, server: Cairn) {
    let home = server.kill();
    let log = home.log();
    assert!(!log.contains("panicked"), "{log}");
    crate::check::clean(&faulty.home);
}

#[test]
fn loads_and_backups_on_a_full_disk_fail_whole_and_work_afterwards() {
    let faulty = Faulty::new();
    let server = faulty.start();
    let db = Session::open(&server.url);
    db.run("CREATE TABLE t (id INT8 PRIMARY KEY, v TEXT)");
    db.run("INSERT INTO t SELECT n, n || repeat('x', 1500) FROM generate_series(1, 2000) AS n");
    // Sorted runs lie beside the engine's own files until they are handed over.
    faulty.fail(ENOSPC, "wso", 1, &faulty.engine().join("ingest"));
    for sql in ["CREATE INDEX t_v_idx ON t (v)", "CREATE TABLE u AS SELECT * FROM t"] {
        assert_eq!(db.refused(sql).code, "53100", "{sql}");
    }
    // Other writes are not concerned.
    db.run("INSERT INTO t VALUES (0, 'zero')");
    faulty.mend();
    db.run("CREATE INDEX t_v_idx ON t (v); CREATE TABLE u AS SELECT * FROM t");
    assert_eq!(db.value("SELECT count(*) FROM u"), "2001");

    // What a sort or a transaction cannot hold in memory waits in files, too. Settings are looked
    // at once a second.
    db.run("SET CLUSTER SETTING kv.transaction.write_buffer = '1MiB'");
    db.run("SET CLUSTER SETTING sql.statement.memory_limit = '1MiB'");
    faulty.fail(ENOSPC, "wso", 1, &faulty.engine().join("scratch"));
    let sort = "SELECT count(*) FROM (SELECT v FROM u ORDER BY v OFFSET 1) AS s";
    until("a sort that needs files", || db.rows(sort).is_err());
    assert_eq!(db.refused(sort).code, "53100");
    db.run("RESET CLUSTER SETTING sql.statement.memory_limit");
    let update = "UPDATE u SET v = v || 'y'";
    until("a transaction that needs files", || db.refused(update).code == "53100");
    faulty.mend();
    assert_eq!(db.value("SELECT count(*) FROM u WHERE v LIKE '%y'"), "0");
    assert_eq!(db.value(sort), "2000");
    db.run(update);
    assert_eq!(db.value("SELECT count(*) FROM u WHERE v LIKE '%y'"), "2001");

    let (into, list) =
        ("BACKUP TABLE t INTO 'nodelocal://1/c'", "SHOW BACKUPS IN 'nodelocal://1/c'");
    faulty.fail(ENOSPC, "wso", 1, &faulty.home.nodelocal());
    assert_eq!(db.refused(into).code, "53100");
    faulty.mend();
    assert!(db.rows(list).is_ok_and(|backups| backups.is_empty()) || db.rows(list).is_err());
    db.run(into);
    assert_eq!(db.run(list).len(), 1);
    db.run("DROP TABLE t");
    db.run("RESTORE TABLE t FROM LATEST IN 'nodelocal://1/c'");
    assert_eq!(db.value("SELECT count(*) FROM t"), "2001");
}

/// A wall clock that somebody sets a day ahead while the server runs.
#[test]
fn a_leap_of_the_clock_is_not_followed_and_the_store_remembers_its_time() {
    let home = Home::new();
    let (library, clock) = (library(&home), home.path().join("clock"));
    let start = |more: &[&str]| {
        let mut command = home.command();
        command.arg("--insecure").args(more);
        command.env("LD_PRELOAD", &library).env("CLOCK", &clock);
        command
    };
    let wall = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.expect("after 1970").as_secs_f64()
    };
    let server = Cairn::launch(home.clone(), start(&[]));
    let now = |server: &Cairn| -> f64 {
        let db = Session::open(&server.url);
        db.value("SELECT extract(epoch FROM now())").parse().expect("a number")
    };
    std::fs::write(&clock, "86400").expect("a file");
    assert!((now(&server) - wall()).abs() < 3_600.0);
    assert!(home.log().contains("leapt ahead"));
    // Started anew the server has no reason to doubt the clock.
    let home = server.kill();
    let server = Cairn::launch(home.clone(), start(&[]));
    let ahead = now(&server) - wall();
    assert!((80_000.0..90_000.0).contains(&ahead), "{ahead}");
    Session::open(&server.url).run("CREATE TABLE t (id INT8 PRIMARY KEY)");
    let home = server.kill();
    // Set right, it is a day behind the store.
    std::fs::remove_file(&clock).expect("a file");
    let refused = start(&[]).output().expect("the cairn binary");
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(told.contains("after the machine's clock") && told.contains("--max-offset"), "{told}");
    let server = Cairn::launch(home, start(&["--max-offset=off"]));
    assert!(now(&server) - wall() > 80_000.0, "it went back");
}
