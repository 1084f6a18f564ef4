//! Sequential: what a client wrote first is seen first, by everyone, at every moment.
//!
//! A client counts up in one table and then, in a transaction of its own, in another. Whoever sees
//! a count in the second table sees at least that in the first; and whoever looks after the
//! acknowledgement sees at least what was acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};

use super::figures::Figures;
use super::round::{Dice, Gone, Round, Workload};
use crate::wire::{Refusal, Session};

const WRITERS: u64 = 2;
const READERS: u64 = 1;

/// Acknowledged counts of one writer.
#[derive(Default)]
struct Counts {
    first: AtomicU64,
    second: AtomicU64,
}

pub struct Sequential(Vec<Counts>);

impl Sequential {
    pub fn new() -> Sequential {
        Sequential((0..WRITERS).map(|_| Counts::default()).collect())
    }

    fn write(&self, client: u64, table: &str, n: u64, db: &Session) -> Result<(), Refusal> {
        db.rows(&format!("UPDATE soak.public.{table} SET n = {n} WHERE client = {client}"))
            .map(drop)
    }

    /// Looks at a writer's counts, the second first.
    fn read(&self, db: &Session, dice: &mut Dice) -> Result<(), Refusal> {
        let client = dice.below(WRITERS);
        let counts = &self.0[client as usize];
        let known = (counts.first.load(Ordering::SeqCst), counts.second.load(Ordering::SeqCst));
        let level = dice.level();
        let in_one = dice.one_in(2);
        if in_one {
            db.rows(&format!("BEGIN ISOLATION LEVEL {level} READ ONLY"))?;
        }
        let second = count(db, "soak.public.second", "", client)?;
        let first = count(db, "soak.public.first", "", client)?;
        if in_one {
            db.rows("COMMIT")?;
        }
        assert!(second <= first, "sequential: {second} before {first} of {client}, {level}");
        assert!(
            first >= known.0 && second >= known.1,
            "sequential: {first}, {second} of {client} seen after {known:?} were acknowledged"
        );
        Ok(())
    }
}

fn count(db: &Session, table: &str, clause: &str, client: u64) -> Result<u64, Refusal> {
    let rows = db.rows(&format!("SELECT n FROM {table} {clause} WHERE client = {client}"))?;
    Ok(rows[0][0].parse().expect("a number"))
}

impl Workload for Sequential {
    fn name(&self) -> &'static str {
        "sequential"
    }

    fn create(&self, db: &Session) {
        for table in ["first", "second"] {
            db.run(&format!(
                "CREATE TABLE soak.public.{table} (client INT8 PRIMARY KEY, n INT8 NOT NULL); \
                 INSERT INTO soak.public.{table} SELECT i, 0 FROM generate_series(0, {}) i",
                WRITERS - 1
            ));
        }
    }

    fn clients(&self) -> u64 {
        WRITERS + READERS
    }

    fn step(
        &self,
        client: u64,
        db: &Session,
        dice: &mut Dice,
        round: &Round<'_>,
    ) -> Result<(), Gone> {
        let outcome = if client < WRITERS {
            let counts = &self.0[client as usize];
            let first = counts.first.load(Ordering::SeqCst);
            // The round before may have ended between the two.
            if counts.second.load(Ordering::SeqCst) < first {
                let written = self.write(client, "second", first, db);
                written.map(|()| counts.second.store(first, Ordering::SeqCst))
            } else {
                let written = self.write(client, "first", first + 1, db);
                written.map(|()| counts.first.store(first + 1, Ordering::SeqCst))
            }
        } else {
            self.read(db, dice)
        };
        round.unopposed(self, outcome, "a count in order", "one client alone was told to try again")
    }

    fn check(&self, db: &Session, _: &Figures) {
        for (client, counts) in self.0.iter().enumerate() {
            for (table, acknowledged) in [("first", &counts.first), ("second", &counts.second)] {
                let stored = count(db, &format!("soak.public.{table}"), "", client as u64)
                    .expect("a readable count");
                let known = acknowledged.load(Ordering::SeqCst);
                assert!(
                    stored == known || stored == known + 1,
                    "sequential: {stored} in {table} of {client}, {known} was acknowledged"
                );
                acknowledged.store(stored, Ordering::SeqCst);
            }
        }
        self.check_moment(db, "soak.public", "").expect("readable counts");
    }

    fn check_moment(&self, db: &Session, schema: &str, clause: &str) -> Result<(), Refusal> {
        let rows = db.rows(&format!(
            "SELECT count(*) FROM {schema}.first JOIN {schema}.second USING (client) {clause} \
             WHERE first.n - second.n NOT IN (0, 1)"
        ))?;
        assert_eq!(rows[0][0], "0", "sequential: out of order in {schema} {clause}");
        Ok(())
    }
}
