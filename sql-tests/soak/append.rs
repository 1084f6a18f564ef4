//! Lists: serializable transactions that read and append, judged by `cycles` after every round.
//!
//! Lists of a round are its own, so that a history has an end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::cycles::{self, Key, Op, Seen};
use super::figures::Figures;
use super::round::{Dice, Gone, Round, Workload};
use crate::wire::{Refusal, Session};

/// Lists in use at a time.
const LISTS: u64 = 4;

/// A list is left for a new one after about this many appends.
const LENGTH: u64 = 40;

#[derive(Default)]
pub struct Append {
    elements: AtomicU64,
    events: AtomicU64,
    history: Mutex<Vec<Seen>>,
}

impl Append {
    pub fn new() -> Append {
        Append::default()
    }

    fn now(&self) -> u64 {
        self.events.fetch_add(1, Ordering::SeqCst)
    }

    fn list(&self, dice: &mut Dice) -> Key {
        let appended = self.elements.load(Ordering::Relaxed);
        appended / (LISTS * LENGTH) * LISTS + dice.below(LISTS)
    }

    fn transaction(&self, db: &Session, dice: &mut Dice, ops: &mut Vec<Op>) -> Result<(), Refusal> {
        db.rows("BEGIN ISOLATION LEVEL SERIALIZABLE")?;
        for _ in 0..dice.between(1, 4) {
            let key = self.list(dice);
            if dice.one_in(2) {
                let rows =
                    db.rows(&format!("SELECT items FROM soak.public.lists WHERE key = {key}"))?;
                ops.push(Op::Read(key, rows.first().map_or_else(Vec::new, |row| items(&row[0]))));
            } else {
                let element = self.elements.fetch_add(1, Ordering::Relaxed);
                ops.push(Op::Append(key, element));
                db.rows(&format!(
                    "INSERT INTO soak.public.lists VALUES ({key}, '{element}') \
                     ON CONFLICT (key) DO UPDATE SET items = lists.items || ',' || excluded.items"
                ))?;
            }
        }
        db.rows("COMMIT").map(drop)
    }
}

fn items(text: &str) -> Vec<u64> {
    text.split(',').map(|item| item.parse().expect("a number")).collect()
}

impl Workload for Append {
    fn name(&self) -> &'static str {
        "lists"
    }

    fn create(&self, db: &Session) {
        db.run("CREATE TABLE soak.public.lists (key INT8 PRIMARY KEY, items TEXT NOT NULL)");
    }

    fn clients(&self) -> u64 {
        4
    }

    fn step(&self, _: u64, db: &Session, dice: &mut Dice, round: &Round<'_>) -> Result<(), Gone> {
        let (began, mut ops) = (self.now(), Vec::new());
        match self.transaction(db, dice, &mut ops) {
            Ok(()) => {
                let ended = Some(self.now());
                self.history.lock().push(Seen { ops, began, ended });
                round.acknowledged(self);
            }
            Err(refusal) => {
                if round.refused(self, &refusal, "reads and appends").is_err() {
                    // What it read is no less true if it did not commit, but it may have been
                    // about to be told so: only its appends count.
                    ops.retain(|op| matches!(op, Op::Append(..)));
                    self.history.lock().push(Seen { ops, began, ended: None });
                    return Err(Gone);
                }
                db.rows("ROLLBACK").map_err(|_| Gone)?;
            }
        }
        Ok(())
    }

    fn check(&self, db: &Session, figures: &Figures) {
        let lists: BTreeMap<Key, Vec<u64>> = db
            .run("SELECT key, items FROM soak.public.lists")
            .iter()
            .map(|row| (row[0].parse().expect("a number"), items(&row[1])))
            .collect();
        let history = std::mem::take(&mut *self.history.lock());
        if let Some(fault) = cycles::fault(&history, &lists) {
            panic!("lists: {fault}");
        }
        figures.done("histories without a circle");
        db.run("DELETE FROM soak.public.lists");
        // The next round's lists are new ones.
        let used = self.elements.load(Ordering::Relaxed);
        self.elements.store((used / (LISTS * LENGTH) + 1) * (LISTS * LENGTH), Ordering::Relaxed);
    }

    fn check_moment(&self, _: &Session, _: &str, _: &str) -> Result<(), Refusal> {
        Ok(())
    }
}
