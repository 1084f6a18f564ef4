//! The past: invariants at random moments, and moments that read the same ever after.

use std::collections::VecDeque;
use std::time::UNIX_EPOCH;

use parking_lot::Mutex;

use super::figures::Figures;
use super::round::{Dice, Gone, Round, Workload, fate};
use crate::wire::{Refusal, Session};

/// Moments that are remembered.
const MOMENTS: usize = 400;

/// A moment, and what the bank looked like then.
#[derive(Clone)]
pub struct Moment {
    /// As AS OF SYSTEM TIME takes it.
    pub at: String,
    /// The rows.
    pub accounts: Vec<Vec<String>>,
}

impl Moment {
    /// Seconds since then, by this machine's clock.
    fn age(&self) -> u64 {
        let nanos = self.at.split('.').next().unwrap_or_default().parse::<u64>().unwrap_or(0);
        let now = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        now.saturating_sub(nanos / 1_000_000_000)
    }
}

pub struct History {
    moments: Mutex<VecDeque<Moment>>,
    ttl_seconds: u64,
}

/// The accounts, as of a clause.
pub fn accounts(db: &Session, schema: &str, clause: &str) -> Result<Vec<Vec<String>>, Refusal> {
    db.rows(&format!("SELECT id, balance, holder FROM {schema}.account {clause} ORDER BY id"))
}

impl History {
    /// Older moments than `ttl_seconds` may be gone.
    pub fn new(ttl_seconds: u64) -> History {
        History { moments: Mutex::new(VecDeque::new()), ttl_seconds }
    }

    /// Remembers a moment, or reads invariants at one that was remembered.
    pub fn step(&self, db: &Session, dice: &mut Dice, round: &Round<'_>) -> Result<(), Gone> {
        let outcome = self.remember(db).and_then(|()| {
            let (some, workload) = (self.some(dice), dice.pick(round.workloads));
            let clause = match (dice.below(4), some) {
                (0, _) => String::new(),
                (1, _) | (_, None) => "AS OF SYSTEM TIME '-1ms'".to_owned(),
                (_, Some(moment)) => {
                    self.read_again(db, &moment, round.figures)?;
                    format!("AS OF SYSTEM TIME {}", moment.at)
                }
            };
            let read = workload.check_moment(db, "soak.public", &clause);
            self.unless_collected(&clause, read, round.figures)?;
            round.figures.done("moments of the past read");
            Ok(())
        });
        match outcome {
            Ok(()) => Ok(()),
            Err(refusal) => {
                fate(&refusal, "a read of the past");
                Err(Gone)
            }
        }
    }

    fn remember(&self, db: &Session) -> Result<(), Refusal> {
        let at = db.rows("SELECT cluster_logical_timestamp()")?[0][0].clone();
        let accounts = accounts(db, "soak.public", &format!("AS OF SYSTEM TIME {at}"))?;
        let mut moments = self.moments.lock();
        moments.push_back(Moment { at, accounts });
        if moments.len() > MOMENTS {
            // Every other one stays, so that old ones are among them.
            let mut odd = false;
            moments.retain(|_| {
                odd = !odd;
                odd
            });
        }
        while moments.front().is_some_and(|m| m.age() > self.ttl_seconds.saturating_mul(2)) {
            moments.pop_front();
        }
        Ok(())
    }

    fn some(&self, dice: &mut Dice) -> Option<Moment> {
        let moments = self.moments.lock();
        moments.get(dice.below(moments.len() as u64) as usize).cloned()
    }

    /// Remembered moments after one and up to another.
    pub fn between(&self, after: &str, until: &str) -> Vec<Moment> {
        // Times of the same length are in the order of their texts.
        let within = |m: &&Moment| m.at.as_str() > after && m.at.as_str() <= until;
        self.moments.lock().iter().filter(within).cloned().collect()
    }

    /// What was read once is read again.
    fn read_again(&self, db: &Session, moment: &Moment, figures: &Figures) -> Result<(), Refusal> {
        let clause = format!("AS OF SYSTEM TIME {}", moment.at);
        let again = accounts(db, "soak.public", &clause);
        if let Some(again) = self.unless_collected(&clause, again, figures)? {
            assert_eq!(again, moment.accounts, "the past has changed: {clause}");
        }
        Ok(())
    }

    /// Nothing for a moment that may have been collected by now, and was.
    fn unless_collected<T>(
        &self,
        clause: &str,
        read: Result<T, Refusal>,
        figures: &Figures,
    ) -> Result<Option<T>, Refusal> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(refusal) if refusal.message.contains("garbage collected") => {
                let at = clause.rsplit(' ').next().unwrap_or_default().to_owned();
                let age = Moment { at, accounts: Vec::new() }.age();
                assert!(age >= self.ttl_seconds, "after {age} s: {refusal}");
                figures.done("moments refused, their history collected");
                Ok(None)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// After a restart: invariants at some moments from before it.
    pub fn check(
        &self,
        db: &Session,
        workloads: &[Box<dyn Workload>],
        figures: &Figures,
        dice: &mut Dice,
    ) {
        for _ in 0..4 {
            let Some(moment) = self.some(dice) else { return };
            self.read_again(db, &moment, figures).expect("a read of the past");
            let clause = format!("AS OF SYSTEM TIME {}", moment.at);
            for workload in workloads {
                let read = workload.check_moment(db, "soak.public", &clause);
                self.unless_collected(&clause, read, figures).expect("a read of the past");
            }
            figures.done("moments read again after a restart");
        }
    }
}
