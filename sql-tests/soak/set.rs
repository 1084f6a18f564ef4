//! Set: every acknowledged insert is there once, every acknowledged delete stays one.
//!
//! The table has no key that would refuse a second copy, so a statement that was run twice would
//! be seen. Rows of one statement come and go together.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;

use super::figures::Figures;
use super::round::{Dice, Gone, Round, Workload};
use crate::wire::{Refusal, Session};

const CLIENTS: u64 = 2;

/// Rows of a client after which it deletes its oldest half.
const ROWS_MAX: usize = 4_000;

/// What a client knows of its blocks of rows, by their first number.
#[derive(Default)]
struct Known {
    next: u64,
    /// First number to how many rows: they are there.
    there: BTreeMap<u64, u64>,
    /// They may be there, or not.
    open: BTreeMap<u64, u64>,
    /// A delete of everything below this number was not answered.
    deleting: Option<u64>,
}

pub struct Set(Vec<Mutex<Known>>);

impl Set {
    pub fn new() -> Set {
        Set((0..CLIENTS).map(|_| Mutex::new(Known::default())).collect())
    }
}

impl Workload for Set {
    fn name(&self) -> &'static str {
        "set"
    }

    fn create(&self, db: &Session) {
        db.run(
            "CREATE TABLE soak.public.elements (client INT8 NOT NULL, n INT8 NOT NULL, \
               block INT8 NOT NULL); \
             CREATE INDEX elements_n ON soak.public.elements (client, n)",
        );
    }

    fn clients(&self) -> u64 {
        CLIENTS
    }

    fn step(
        &self,
        client: u64,
        db: &Session,
        dice: &mut Dice,
        round: &Round<'_>,
    ) -> Result<(), Gone> {
        let mut known = self.0[client as usize].lock();
        let rows: u64 = known.there.values().sum();
        if rows as usize > ROWS_MAX {
            let middle = *known.there.keys().nth(known.there.len() / 2).expect("blocks");
            let sql = format!(
                "DELETE FROM soak.public.elements WHERE client = {client} AND n < {middle}"
            );
            match db.rows(&sql) {
                Ok(_) => {
                    known.there = known.there.split_off(&middle);
                    known.open = known.open.split_off(&middle);
                    round.acknowledged(self);
                }
                Err(refusal) => {
                    known.deleting = Some(middle);
                    round.refused(self, &refusal, "a delete from the set")?;
                    panic!("a single statement was told to try again: {refusal}");
                }
            }
            return Ok(());
        }
        let (first, count) = (known.next, dice.between(1, 12));
        known.next += count;
        let insert = format!(
            "INSERT INTO soak.public.elements SELECT {client}, n, {first} \
             FROM generate_series({first}, {}) n",
            first + count - 1
        );
        // What is given up may never be there.
        let given_up = dice.one_in(10);
        let outcome = match dice.below(3) {
            _ if given_up => db.rows(&format!("BEGIN; {insert}; ROLLBACK")),
            0 => db.rows(&format!("BEGIN; {insert}; COMMIT")),
            _ => db.rows(&insert),
        };
        match outcome {
            Ok(_) => {
                if !given_up {
                    known.there.insert(first, count);
                }
                round.acknowledged(self);
            }
            Err(refusal) => {
                if !given_up {
                    known.open.insert(first, count);
                }
                round.refused(self, &refusal, "an insert into the set")?;
                panic!("inserts that nobody else wants were refused: {refusal}");
            }
        }
        Ok(())
    }

    fn check(&self, db: &Session, _: &Figures) {
        for (client, known) in self.0.iter().enumerate() {
            let known = &mut *known.lock();
            let rows = db.run(&format!(
                "SELECT n, block FROM soak.public.elements WHERE client = {client} ORDER BY n"
            ));
            let mut stored: BTreeMap<u64, u64> = BTreeMap::new();
            let mut seen = BTreeSet::new();
            for row in &rows {
                let number = |i: usize| row[i].parse::<u64>().expect("a number");
                assert!(seen.insert(number(0)), "set: {} of client {client} twice", row[0]);
                *stored.entry(number(1)).or_default() += 1;
            }
            if let Some(below) = known.deleting.take()
                && !stored.keys().any(|first| *first < below)
            {
                known.there = known.there.split_off(&below);
                known.open = known.open.split_off(&below);
            }
            for (first, count) in &known.there {
                assert_eq!(
                    stored.get(first),
                    Some(count),
                    "set: acknowledged rows {first}.. of client {client}"
                );
            }
            for (first, count) in &stored {
                let expected = known.there.get(first).or_else(|| known.open.get(first));
                assert_eq!(
                    Some(count),
                    expected,
                    "set: rows {first}.. of client {client}, deleted, given up or half there"
                );
            }
            // What was open is decided now.
            known.there = stored;
            known.open.clear();
        }
    }

    fn check_moment(&self, db: &Session, schema: &str, clause: &str) -> Result<(), Refusal> {
        let rows = db.rows(&format!(
            "SELECT count(*), count(DISTINCT (client, n)) FROM {schema}.elements {clause}"
        ))?;
        assert_eq!(rows[0][0], rows[0][1], "set: an element twice in {schema} {clause}");
        Ok(())
    }
}
