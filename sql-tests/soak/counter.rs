//! Counters: increments are never lost, never made twice, and never seen to go back.

use parking_lot::Mutex;

use super::figures::Figures;
use super::round::{Dice, Gone, Round, Workload};
use crate::wire::{Refusal, Session};

const COUNTERS: usize = 3;

/// What is known of one counter.
#[derive(Default)]
struct Known {
    /// The highest value that was acknowledged.
    highest: u64,
    /// Acknowledged increments since the last check, by value.
    values: std::collections::BTreeSet<u64>,
    /// Increments since then whose outcome is not known.
    open: u64,
    /// The value at the last check.
    base: u64,
}

pub struct Counter([Mutex<Known>; COUNTERS]);

impl Counter {
    pub fn new() -> Counter {
        Counter(Default::default())
    }
}

fn value(rows: &[Vec<String>]) -> u64 {
    rows[0][0].parse().expect("a number")
}

impl Workload for Counter {
    fn name(&self) -> &'static str {
        "counters"
    }

    fn create(&self, db: &Session) {
        db.run(&format!(
            "CREATE TABLE soak.public.counter (id INT8 PRIMARY KEY, n INT8 NOT NULL); \
             INSERT INTO soak.public.counter SELECT i, 0 FROM generate_series(0, {}) i",
            COUNTERS - 1
        ));
    }

    fn clients(&self) -> u64 {
        3
    }

    fn step(&self, _: u64, db: &Session, dice: &mut Dice, round: &Round<'_>) -> Result<(), Gone> {
        // One of them is hot.
        let id = if dice.one_in(3) { dice.below(COUNTERS as u64) } else { 0 };
        let known = &self.0[id as usize];
        let before = known.lock().highest;
        if dice.one_in(3) {
            match db.rows(&format!("SELECT n FROM soak.public.counter WHERE id = {id}")) {
                Ok(rows) => {
                    let now = value(&rows);
                    assert!(now >= before, "counter {id}: {now} after {before} was acknowledged");
                    round.acknowledged(self);
                }
                Err(refusal) => round.refused(self, &refusal, "a look at a counter")?,
            }
            return Ok(());
        }
        let update =
            format!("UPDATE soak.public.counter SET n = n + 1 WHERE id = {id} RETURNING n");
        let level = dice.level();
        let outcome = match dice.below(3) {
            0 => {
                let rows = db
                    .rows(&format!("BEGIN ISOLATION LEVEL {level}"))
                    .and_then(|_| db.rows(&update));
                rows.and_then(|rows| db.rows("COMMIT").map(|_| rows))
            }
            _ => db.rows(&update),
        };
        match outcome {
            Ok(rows) => {
                let n = value(&rows);
                assert!(n > before, "counter {id}: {n} after {before} was acknowledged");
                let mut known = known.lock();
                assert!(known.values.insert(n), "counter {id}: {n} was given twice");
                known.highest = known.highest.max(n);
                round.acknowledged(self);
            }
            Err(refusal) => {
                if round.refused(self, &refusal, "an increment").is_err() {
                    known.lock().open += 1;
                    return Err(Gone);
                }
                db.rows("ROLLBACK").map_err(|_| Gone)?;
            }
        }
        Ok(())
    }

    fn check(&self, db: &Session, _: &Figures) {
        for (id, known) in self.0.iter().enumerate() {
            let known = &mut *known.lock();
            let rows = db.run(&format!("SELECT n FROM soak.public.counter WHERE id = {id}"));
            let (n, acknowledged) = (value(&rows), known.values.len() as u64);
            let increments = n.checked_sub(known.base);
            assert!(
                increments.is_some_and(|made| {
                    n >= known.highest && made >= acknowledged && made <= acknowledged + known.open
                }),
                "counter {id}: {n}, was {}; {acknowledged} increments up to {} were acknowledged, \
                 of {} more nobody knows",
                known.base,
                known.highest,
                known.open
            );
            *known = Known { base: n, highest: n, ..Known::default() };
        }
    }

    fn check_moment(&self, db: &Session, schema: &str, clause: &str) -> Result<(), Refusal> {
        let rows = db.rows(&format!("SELECT count(*) FROM {schema}.counter {clause}"))?;
        assert_eq!(rows[0][0], COUNTERS.to_string(), "counters in {schema} {clause}");
        Ok(())
    }
}
