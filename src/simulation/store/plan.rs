//! What a seed draws before anything runs. Each seed likes and dislikes other things, because a
//! mix of everything never does any one thing often enough.

use super::super::chance::Chance;
use super::super::disk::{Crash, Fate, Lie};
use super::super::history::Level;
use crate::mvcc::Isolation;

/// A statement of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Point,
    Scan,
    Append,
    AppendLocked,
    AppendToAll,
    Write,
    Update,
    Delete,
    Lock,
    LockedRead,
    Savepoint,
    RollBackTo,
    Release,
}

const CHOICES: &[Choice] = &[
    Choice::Point,
    Choice::Scan,
    Choice::Append,
    Choice::AppendLocked,
    Choice::AppendToAll,
    Choice::Write,
    Choice::Update,
    Choice::Delete,
    Choice::Lock,
    Choice::LockedRead,
    Choice::Savepoint,
    Choice::RollBackTo,
    Choice::Release,
];

/// What one seed does.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) keys: u8,
    pub(super) clients: usize,
    pub(super) starts: u64,
    /// Transactions of each client at each start.
    pub(super) transactions: u64,
    pub(super) statements: u64,
    pub(super) levels: Vec<(u64, Level)>,
    pub(super) choices: Vec<(u64, Choice)>,
    /// Of a hundred transactions, how many read the past, and how many collect garbage instead.
    pub(super) past: u64,
    pub(super) garbage: u64,
    /// Of a hundred statements, how many make the machine's clock jump.
    pub(super) jumps: u64,
    /// Of a hundred statements, how many cancel somebody's.
    pub(super) cancels: u64,
    pub(super) crashes: bool,
    full: u64,
    sync_fails: u64,
    turns_at_reads: bool,
    /// Whether transactions hold next to nothing in memory.
    pub(super) spills: bool,
    /// How the promises are broken on purpose.
    pub(super) fault: Fault,
}

/// A promise broken on purpose, to prove that the judges notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fault {
    /// None.
    #[default]
    None,
    /// Transactions run at a weaker level than they were promised.
    Weak(Isolation),
    /// The disk lies.
    Disk(Lie),
    /// The clock forgets at a restart what it has handed out.
    Clock,
}

impl Plan {
    /// What a seed draws.
    pub(super) fn of(chance: &mut Chance, fault: Fault) -> Plan {
        let levels = match chance.below(6) {
            0 => vec![(1, Level::ReadCommitted)],
            1 => vec![(1, Level::Snapshot)],
            2 => vec![(3, Level::Serializable), (1, Level::Snapshot), (1, Level::ReadCommitted)],
            _ => vec![(1, Level::Serializable)],
        };
        let choices = CHOICES.iter().map(|choice| {
            // Some seeds never do this, some do little else.
            let weight = [0, 1, 2, 2, 4, 8][chance.below(6) as usize];
            (weight, *choice)
        });
        let mut choices: Vec<(u64, Choice)> = choices.collect();
        choices.push((1, Choice::Point));
        choices.push((2, Choice::Append));
        let often = |chance: &mut Chance, of: u64, value: u64| {
            if chance.below(of) == 0 { value } else { 0 }
        };
        Plan {
            keys: chance.between(1, 8) as u8,
            clients: chance.between(2, 5) as usize,
            starts: chance.between(1, 3),
            transactions: chance.between(2, 5),
            statements: chance.between(1, 5),
            levels,
            choices,
            past: often(chance, 2, 10),
            garbage: often(chance, 2, 10),
            jumps: often(chance, 2, 5),
            cancels: often(chance, 4, 3),
            crashes: chance.percent(80),
            full: often(chance, 6, 50),
            sync_fails: often(chance, 8, 20),
            turns_at_reads: chance.percent(70),
            spills: chance.percent(25),
            fault,
        }
    }

    /// What happens to the machine at one start.
    pub(super) fn fate(&self, chance: &mut Chance) -> Fate {
        let moments = self.clients as u64 * self.transactions * (self.statements * 4 + 8);
        let how = if chance.percent(70) { Crash::PowerLoss } else { Crash::Kill };
        let crash = (self.crashes && chance.percent(75)).then(|| (chance.below(moments), how));
        let lie = match self.fault {
            Fault::Disk(lie) => lie,
            _ => Lie::None,
        };
        Fate {
            crash,
            full: self.full,
            sync_fails: self.sync_fails,
            turns_at_reads: self.turns_at_reads,
            lie,
        }
    }

    /// The isolation that stands for a level.
    pub(super) fn isolation(&self, level: Level) -> Isolation {
        match (self.fault, level) {
            (Fault::Weak(isolation), _) => isolation,
            (_, Level::Serializable) => Isolation::Serializable,
            (_, Level::Snapshot) => Isolation::Snapshot,
            (_, Level::ReadCommitted) => Isolation::ReadCommitted,
        }
    }
}
