//! Transfers by several clients at once; the sum is the same at every moment of the past.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{LEVELS, Stage};
use crate::wire::Session;

const ACCOUNTS: u64 = 8;
const TRANSFERS: u64 = 120;

/// Moves money; says how often it had to be told to try again.
fn transfers(url: &str, level: &str, seed: u64) -> usize {
    let db = Session::open(url);
    let mut again = 0;
    let mut state = seed;
    let mut next = |bound: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    for _ in 0..TRANSFERS {
        let from = next(ACCOUNTS);
        let to = (from + 1 + next(ACCOUNTS - 1)) % ACCOUNTS;
        let amount = next(20);
        loop {
            match transfer(&db, level, from, to, amount) {
                Ok(()) => break,
                Err(code) => {
                    assert!(code == "40001" || code == "40P01", "{code}");
                    db.run("ROLLBACK");
                    again += 1;
                }
            }
        }
    }
    again
}

fn transfer(db: &Session, level: &str, from: u64, to: u64, amount: u64) -> Result<(), String> {
    let run = |sql: &str| db.rows(sql).map_err(|e| e.code);
    run(&format!("BEGIN ISOLATION LEVEL {level}"))?;
    // Under READ COMMITTED what is read must be locked to stay as it is.
    let lock = if level == "READ COMMITTED" { " FOR UPDATE" } else { "" };
    let rows = run(&format!("SELECT balance FROM account WHERE id = {from}{lock}"))?;
    let balance: i64 = rows[0][0].parse().expect("a number");
    if balance >= amount as i64 {
        let left = balance - amount as i64;
        run(&format!("UPDATE account SET balance = {left} WHERE id = {from}"))?;
        run(&format!("UPDATE account SET balance = balance + {amount} WHERE id = {to}"))?;
    }
    run("COMMIT").map(drop)
}

#[test]
fn the_sum_is_the_same_at_every_moment() {
    let stage = Stage::new();
    for level in LEVELS {
        stage.watch.run("DROP TABLE IF EXISTS account");
        stage
            .watch
            .run("CREATE TABLE account (id INT PRIMARY KEY, balance INT CHECK (balance >= 0))");
        stage.watch.run(&format!(
            "INSERT INTO account SELECT i, 100 FROM generate_series(0, {}) i",
            ACCOUNTS - 1
        ));
        let total = (ACCOUNTS * 100).to_string();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let db = Session::open(&stage.server.url);
                let since = db.value("SELECT cluster_logical_timestamp()");
                let mut looks = 0_u64;
                let mut moments = Vec::new();
                while !done.load(Ordering::Relaxed) || looks < 20 {
                    looks += 1;
                    let now = db.value("SELECT cluster_logical_timestamp()");
                    moments.push(now);
                    // The present, a microsecond ago, and some moment since the beginning.
                    let some = moments[(looks as usize * 7) % moments.len()].clone();
                    for clause in [
                        String::new(),
                        "AS OF SYSTEM TIME '-1us'".to_owned(),
                        format!("AS OF SYSTEM TIME {some}"),
                        format!("AS OF SYSTEM TIME {since}"),
                    ] {
                        let sum =
                            db.run(&format!("SELECT sum(balance), count(*) FROM account {clause}"));
                        assert_eq!(
                            sum,
                            [[total.clone(), ACCOUNTS.to_string()]],
                            "{level} {clause}"
                        );
                    }
                }
            });
            let url = &stage.server.url;
            let movers: Vec<_> =
                (1..=4).map(|seed| scope.spawn(move || transfers(url, level, seed))).collect();
            for mover in movers {
                mover.join().expect("a thread that does not panic");
            }
            done.store(true, Ordering::Relaxed);
            reader.join().expect("a thread that does not panic");
        });
        assert_eq!(stage.watch.value("SELECT sum(balance) FROM account"), total, "{level}");
    }
}
