//! Long fork: rows that come one by one come for everyone in the same order.
//!
//! Writers add the rows of a group singly; readers look at a whole group. Of any two looks one has
//! seen everything that the other has: no two readers may disagree about which came first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::figures::Figures;
use super::round::{Dice, Gone, Round, Workload};
use crate::wire::{Refusal, Session};

/// Rows of a group; each is a bit of what a look has seen.
const KEYS: u64 = 6;

/// Groups that are filled at a time.
const OPEN_GROUPS: u64 = 2;

/// Groups kept in the table.
const KEPT_GROUPS: u64 = 200;

const WRITERS: u64 = 2;
const READERS: u64 = 2;

#[derive(Default)]
pub struct Fork {
    /// Rows asked for so far, all groups together.
    asked: AtomicU64,
    /// What was seen of each group.
    looks: Mutex<BTreeMap<u64, BTreeSet<u64>>>,
}

impl Fork {
    pub fn new() -> Fork {
        Fork::default()
    }

    fn write(&self, db: &Session, dice: &mut Dice) -> Result<(), Refusal> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        // The rows of the open groups come interleaved.
        let (block, place) = (asked / (KEYS * OPEN_GROUPS), asked % (KEYS * OPEN_GROUPS));
        let group = block * OPEN_GROUPS + place % OPEN_GROUPS;
        let key = place / OPEN_GROUPS;
        let level = dice.level();
        db.rows(&format!(
            "BEGIN ISOLATION LEVEL {level}; \
             INSERT INTO soak.public.fork VALUES ({group}, {key}); COMMIT"
        ))?;
        if place == 0 && group > KEPT_GROUPS {
            let old = group - KEPT_GROUPS;
            self.looks.lock().retain(|group, _| *group >= old);
            db.rows(&format!("DELETE FROM soak.public.fork WHERE grp < {old}"))?;
        }
        Ok(())
    }

    fn read(&self, db: &Session, dice: &mut Dice) -> Result<(), Refusal> {
        let asked = self.asked.load(Ordering::Relaxed);
        let block = asked / (KEYS * OPEN_GROUPS);
        let group = block * OPEN_GROUPS + dice.below(OPEN_GROUPS);
        let level = ["SERIALIZABLE", "REPEATABLE READ"][dice.below(2) as usize];
        let sql = format!("SELECT key FROM soak.public.fork WHERE grp = {group}");
        let rows = match dice.below(3) {
            // In one statement, or key by key in one transaction.
            0 => db.rows(&sql)?,
            _ => {
                db.rows(&format!("BEGIN ISOLATION LEVEL {level}"))?;
                let mut rows = Vec::new();
                for key in 0..KEYS {
                    rows.extend(db.rows(&format!("{sql} AND key = {key}"))?);
                }
                db.rows("COMMIT")?;
                rows
            }
        };
        let seen = rows.iter().fold(0, |seen, row| {
            let key: u64 = row[0].parse().expect("a number");
            seen | 1 << key
        });
        let mut looks = self.looks.lock();
        let looks = looks.entry(group).or_default();
        looks.insert(seen);
        check_order(group, looks);
        Ok(())
    }
}

/// Fails if of two looks neither has seen all that the other has.
fn check_order(group: u64, looks: &BTreeSet<u64>) {
    for a in looks {
        for b in looks {
            let both = a & b;
            assert!(
                both == *a || both == *b,
                "long fork in group {group}: one saw {a:06b}, another {b:06b}"
            );
        }
    }
}

impl Workload for Fork {
    fn name(&self) -> &'static str {
        "long fork"
    }

    fn create(&self, db: &Session) {
        db.run("CREATE TABLE soak.public.fork (grp INT8, key INT8, PRIMARY KEY (grp, key))");
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
        let outcome = if client < WRITERS { self.write(db, dice) } else { self.read(db, dice) };
        round.unopposed(
            self,
            outcome,
            "rows one by one",
            "rows that nobody else wants were refused",
        )
    }

    fn check(&self, db: &Session, _: &Figures) {
        // What is there after a restart is one look more at every group.
        let mut looks = self.looks.lock();
        for (group, looks) in looks.iter_mut() {
            let rows = db.run(&format!("SELECT key FROM soak.public.fork WHERE grp = {group}"));
            let seen = rows.iter().fold(0, |seen, row| {
                let key: u64 = row[0].parse().expect("a number");
                seen | 1 << key
            });
            for look in looks.iter() {
                assert_eq!(
                    look & seen,
                    *look,
                    "long fork: rows of group {group} were seen and lost"
                );
            }
            looks.insert(seen);
        }
        // Complete groups do not change any more.
        let last = looks.keys().next_back().copied().unwrap_or(0);
        looks.retain(|group, _| group + 2 * OPEN_GROUPS > last);
    }

    fn check_moment(&self, _: &Session, _: &str, _: &str) -> Result<(), Refusal> {
        Ok(())
    }
}

#[test]
#[should_panic(expected = "long fork in group 7")]
fn a_fork_is_seen() {
    check_order(7, &BTreeSet::from([0b000, 0b001, 0b101, 0b110]));
}
