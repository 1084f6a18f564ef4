//! What concurrent transactions see of each other, as clients see it.
//!
//! `anomalies` goes through the public Hermitage list at every level, `phantoms` through what a
//! serializable transaction must not miss, `waits` through locks and time limits, `bank` through
//! an invariant under load, read in the past.

mod anomalies;
mod bank;
mod deadlocks;
mod gone;
mod looks;
mod phantoms;
mod queue;
mod retries;
mod waits;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::process::Cairn;
use crate::wire::{Refusal, Session};

/// Rows of an answer, or the error.
type Answer = Result<Vec<Vec<String>>, Refusal>;

/// How long something that must happen may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The levels, as BEGIN takes them.
const LEVELS: [&str; 3] = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];

/// A server, and a session that watches the others.
struct Stage {
    server: Cairn,
    watch: Session,
}

/// A session that takes part.
#[derive(Clone)]
struct Actor {
    db: Arc<Session>,
    pid: String,
}

/// A statement that waits for a lock.
struct Waiting(JoinHandle<Answer>);

impl Stage {
    fn new() -> Stage {
        let server = Cairn::fresh();
        let watch = Session::open(&server.url);
        Stage { server, watch }
    }

    /// Begins every story with the two rows of the list.
    fn reset(&self) {
        self.watch.run("DROP TABLE IF EXISTS test");
        self.watch.run("CREATE TABLE test (id INT PRIMARY KEY, value INT)");
        self.watch.run("INSERT INTO test VALUES (1, 10), (2, 20)");
    }

    fn actor(&self) -> Actor {
        let db = Session::open(&self.server.url);
        let pid = db.value("SELECT pg_backend_pid()");
        Actor { db: Arc::new(db), pid }
    }

    /// An actor in a transaction.
    fn begun(&self, level: &str) -> Actor {
        let actor = self.actor();
        actor.run(&format!("BEGIN ISOLATION LEVEL {level}"));
        actor
    }

    /// Runs a statement that must wait for a lock, until it does.
    #[track_caller]
    fn blocked(&self, actor: &Actor, sql: &str) -> Waiting {
        let (db, text) = (actor.db.clone(), sql.to_owned());
        let thread = std::thread::spawn(move || db.rows(&text));
        let waits = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = {} AND wait_event_type = 'Lock'",
            actor.pid
        );
        let until = Instant::now() + PATIENCE;
        while self.watch.value(&waits) != "1" {
            assert!(!thread.is_finished(), "{sql} did not wait: {:?}", thread.join());
            assert!(Instant::now() < until, "{sql} neither waits nor ends");
            std::thread::yield_now();
        }
        Waiting(thread)
    }

    /// Waits until a query has a value.
    #[track_caller]
    fn until(&self, sql: &str, value: &str) {
        let until = Instant::now() + PATIENCE;
        while self.watch.value(sql) != value {
            assert!(Instant::now() < until, "{sql} is {}", self.watch.value(sql));
            std::thread::yield_now();
        }
    }

    /// All rows at the end, as `id=value`.
    fn rows(&self) -> String {
        pairs(&self.watch.run("SELECT id, value FROM test ORDER BY id"))
    }
}

impl Waiting {
    /// What became of it.
    fn answer(self) -> Answer {
        self.0.join().expect("a thread that does not panic")
    }
}

impl Actor {
    #[track_caller]
    fn run(&self, sql: &str) -> Vec<Vec<String>> {
        self.db.run(sql)
    }

    /// The code of the error of a statement that must fail.
    #[track_caller]
    fn code(&self, sql: &str) -> String {
        self.db.refused(sql).code
    }

    /// Rows as `id=value`.
    #[track_caller]
    fn pairs(&self, sql: &str) -> String {
        pairs(&self.db.run(sql))
    }

    #[track_caller]
    fn commit(&self) {
        self.run("COMMIT");
    }

    /// Commits if it can: the code of the error otherwise.
    fn try_commit(&self) -> Result<(), String> {
        self.db.rows("COMMIT").map(drop).map_err(|e| e.code)
    }
}

fn pairs(rows: &[Vec<String>]) -> String {
    rows.iter().map(|r| r.join("=")).collect::<Vec<_>>().join(" ")
}

/// The code of an answer: empty if it succeeded.
fn code(answer: &Answer) -> &str {
    answer.as_ref().err().map_or("", |e| &e.code)
}
