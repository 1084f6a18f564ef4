//! kill -9 in a loop, under writers that remember what was acknowledged to them.
//!
//! After each restart every acknowledged row must be there, and what was never acknowledged must
//! be there whole or not at all: each transaction writes two rows of equal content.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::process::Home;
use crate::wire::Session;

/// How often the server is killed.
const ROUNDS: usize = 10;

/// Sessions that write at a time.
const WRITERS: i64 = 6;

/// Acknowledgements after which a round's server is killed.
const ACKNOWLEDGED_A_ROUND: i64 = 150;

#[test]
fn no_acknowledged_row_is_lost_to_kill_9() {
    let home = Home::new();
    let mut server = home.start();
    Session::open(&server.url).run(
        "CREATE TABLE ledger (id INT8 PRIMARY KEY, writer INT8 NOT NULL);
         CREATE TABLE mirror (id INT8 PRIMARY KEY, writer INT8 NOT NULL);
         CREATE INDEX ledger_writer_idx ON ledger (writer)",
    );
    let acknowledged = Mutex::new(BTreeSet::new());
    let next = AtomicI64::new(1);
    for round in 0..ROUNDS {
        let enough = AtomicI64::new(0);
        std::thread::scope(|scope| {
            let (ring, hear) = std::sync::mpsc::channel::<()>();
            for writer in 0..WRITERS {
                let (url, ring) = (server.url.clone(), ring.clone());
                let (acknowledged, next, enough) = (&acknowledged, &next, &enough);
                scope.spawn(move || {
                    let db = Session::open(&url);
                    loop {
                        let id = next.fetch_add(1, Ordering::Relaxed);
                        let written = db.rows(&format!(
                            "BEGIN; INSERT INTO ledger VALUES ({id}, {writer}); \
                             INSERT INTO mirror VALUES ({id}, {writer}); COMMIT"
                        ));
                        // The server is gone: whether the row is, too, is open.
                        if written.is_err() {
                            return;
                        }
                        acknowledged.lock().expect("no panic").insert(id);
                        if enough.fetch_add(1, Ordering::Relaxed) == ACKNOWLEDGED_A_ROUND {
                            ring.send(()).expect("somebody listens");
                        }
                    }
                });
            }
            drop(ring);
            hear.recv().expect("writers that got far enough");
            server.kill();
        });
        server = home.start();
        let db = Session::open(&server.url);
        let stored: BTreeSet<i64> = ids(&db, "SELECT id FROM ledger ORDER BY id");
        let acknowledged = acknowledged.lock().expect("no panic");
        let lost: Vec<&i64> = acknowledged.difference(&stored).collect();
        assert!(lost.is_empty(), "round {round}: lost {lost:?}");
        let mirrored = ids(&db, "SELECT id FROM mirror ORDER BY id");
        assert_eq!(stored, mirrored, "round {round}: half a transaction");
        let indexed = db.value(&format!(
            "SELECT sum(n) FROM (SELECT count(*) AS n FROM ledger WHERE writer IN ({})) AS w",
            (0..WRITERS).map(|w| w.to_string()).collect::<Vec<_>>().join(", ")
        ));
        assert_eq!(indexed, stored.len().to_string(), "round {round}: the index");
    }
    crate::check::clean(&server.kill());
}

fn ids(db: &Session, sql: &str) -> BTreeSet<i64> {
    db.run(sql).iter().map(|row| row[0].parse().expect("a number")).collect()
}
