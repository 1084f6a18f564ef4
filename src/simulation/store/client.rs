//! One client: transactions, one after another, for as long as the machine runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::super::chance::Chance;
use super::super::clock::SkewedClock;
use super::super::disk::{Crash, Disk};
use super::super::history::{Level, Outcome};
use super::plan::Plan;
use super::record::{Record, all_keys, key, receipt};
use super::running::{Running, Statement};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::keys::Span;
use crate::mvcc::{Mvcc, ProtectedRecord, TxnOptions};
use crate::task::{Cause, Interrupt};

/// How often a statement runs again before its client gives up.
const PATIENCE: u64 = 3;

/// A millisecond and an hour of the machine's clock.
const MILLISECOND: u64 = 1_000_000;
const HOUR: u64 = 3_600_000_000_000;

/// One start of the machine, as its clients see it.
pub(super) struct World<'a> {
    pub(super) plan: &'a Plan,
    pub(super) disk: Arc<Disk>,
    pub(super) clock: Arc<SkewedClock>,
    pub(super) mvcc: Arc<Mvcc>,
    pub(super) record: &'a Mutex<Record>,
    /// The clients' signals.
    pub(super) interrupts: Vec<Interrupt>,
    /// Whether somebody keeps house. Protections are written under a lock that is held meanwhile,
    /// and whoever waits for an ordinary lock does not give its turn away.
    pub(super) keeping_house: AtomicBool,
}

/// Someone who runs transactions.
pub(super) struct Client<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) number: usize,
    pub(super) chance: Chance,
}

impl Client<'_> {
    /// Everything that the client does at one start.
    pub(super) fn run(mut self) {
        for _ in 0..self.world.plan.transactions {
            self.pass_time();
            if self.world.disk.is_off() {
                return;
            }
            let dice = self.chance.below(100);
            let plan = self.world.plan;
            if dice < plan.garbage {
                if !self.world.keeping_house.swap(true, Ordering::Relaxed) {
                    self.keep_house();
                    self.world.keeping_house.store(false, Ordering::Relaxed);
                }
            } else if dice < plan.garbage + plan.past {
                self.read_the_past();
            } else {
                self.transaction();
            }
        }
    }

    /// Between two steps: others go on, clocks tick and jump, requests are cancelled.
    fn pass_time(&mut self) {
        let World { plan, clock, disk, interrupts, .. } = self.world;
        let tick = self.chance.below(2 * MILLISECOND);
        clock.set_wall(clock.wall().saturating_add(tick));
        if self.chance.percent(plan.jumps) {
            clock.set_wall(jumped(clock.wall(), &mut self.chance));
        }
        if self.chance.percent(plan.cancels) {
            let whose = self.chance.below(interrupts.len() as u64) as usize;
            interrupts[whose].raise(Cause::Cancel);
        }
        // What the disk thinks of it is seen at the next call.
        let _ = disk.moment();
    }

    fn transaction(&mut self) {
        let World { plan, mvcc, record, interrupts, .. } = self.world;
        let level = self.chance.weighted(&plan.levels);
        let number = record.lock().begin(self.number, level, false);
        interrupts[self.number].reset();
        let options = TxnOptions {
            isolation: plan.isolation(level),
            read_only: self.chance.percent(10),
            interrupt: interrupts[self.number].clone(),
            ..TxnOptions::default()
        };
        let Ok(txn) = mvcc.begin(options) else { return };
        let mut running = Running::new(txn, level, record);
        let outcome = self.statements(&mut running).and_then(|()| {
            if self.chance.percent(8) {
                return Ok(None);
            }
            if !running.own.is_empty() {
                running.txn.put(receipt(number), Vec::new())?;
                running.own.insert(receipt(number), Some(Vec::new()));
            }
            Ok(Some(()))
        });
        let Running { txn, ops, taken_back, looks, own, .. } = running;
        let ended = match outcome {
            Ok(Some(())) => txn.commit().map(Some),
            Ok(None) => Ok(None),
            Err(e) => {
                drop(txn);
                Err(refused(e))
            }
        };
        let (outcome, committed) = self.judge(ended);
        let mut record = record.lock();
        let moment = record.moment();
        let seen = &mut record.history.transactions[number];
        (seen.ops, seen.taken_back, seen.outcome, seen.ended) = (ops, taken_back, outcome, moment);
        let trace = &mut record.traces[number];
        (trace.looks, trace.writes, trace.committed) = (looks, own, committed);
    }

    fn statements(&mut self, running: &mut Running<'_>) -> Result<()> {
        let plan = self.world.plan;
        for _ in 0..self.chance.between(1, plan.statements) {
            self.pass_time();
            let statement = Statement::of(&mut self.chance, plan, running.level);
            let patience = self.chance.below(PATIENCE + 1);
            if let Err(e) = running.statement(statement, patience) {
                let harmless = [sqlstate::LOCK_NOT_AVAILABLE, sqlstate::READ_ONLY_SQL_TRANSACTION];
                if !harmless.contains(&e.code()) {
                    return Err(e);
                }
            }
        }
        self.pass_time();
        Ok(())
    }

    /// What a client knows after the end of a transaction.
    fn judge(&self, ended: Result<Option<Timestamp>>) -> (Outcome, Option<Timestamp>) {
        let disk = &self.world.disk;
        match ended {
            // The answer never left the machine.
            Ok(Some(_)) if disk.is_off() => (Outcome::Unknown, None),
            Ok(Some(at)) => (Outcome::Committed, Some(at)),
            Ok(None) => (Outcome::Aborted, None),
            Err(e) if e.code() == sqlstate::IO_ERROR => {
                // Nothing but a restart helps.
                disk.crash(Crash::PowerLoss);
                (Outcome::Unknown, None)
            }
            Err(_) => (Outcome::Aborted, None),
        }
    }

    /// A transaction at a time gone by, which sees what was there then.
    fn read_the_past(&mut self) {
        let World { mvcc, record, interrupts, .. } = self.world;
        let now = mvcc.now();
        let at = self.some_time(now);
        let number = record.lock().begin(self.number, Level::Serializable, true);
        interrupts[self.number].reset();
        let interrupt = interrupts[self.number].clone();
        let options = TxnOptions { as_of: Some(at), interrupt, ..TxnOptions::default() };
        let Ok(txn) = mvcc.begin(options) else {
            if at <= now && !self.world.disk.is_off() {
                let complaint = format!("{at} is past, and cannot be read at {now}");
                record.lock().complaints.push(complaint);
            }
            return;
        };
        let mut running = Running::new(txn, Level::Serializable, record);
        for _ in 0..self.chance.between(1, 3) {
            self.pass_time();
            let n = self.chance.below(self.world.plan.keys.into()) as u32;
            if let Err(e) = running.point(n) {
                let line = mvcc.gc_threshold(&Span::point(key(n)));
                if at >= line && !self.world.disk.is_off() {
                    let complaint = format!("{at} is after the line {line}, but: {e}");
                    record.lock().complaints.push(complaint);
                }
                return;
            }
        }
        let Running { txn, ops, looks, .. } = running;
        drop(txn);
        let outcome = if self.world.disk.is_off() { Outcome::Aborted } else { Outcome::Committed };
        let mut record = record.lock();
        let moment = record.moment();
        let seen = &mut record.history.transactions[number];
        (seen.ops, seen.outcome, seen.ended) = (ops, outcome, moment);
        record.traces[number].looks = looks;
    }

    /// The time of some commit, or just before or after it, or now, or later.
    fn some_time(&mut self, now: Timestamp) -> Timestamp {
        let record = self.world.record.lock();
        let times: Vec<Timestamp> = record.traces.iter().filter_map(|t| t.committed).collect();
        let dice = self.chance.below(10);
        if times.is_empty() || dice == 0 {
            return now;
        }
        let at = times[self.chance.below(times.len() as u64) as usize];
        match dice {
            1 => Timestamp::from_nanos(now.wall + HOUR),
            2 => at.prev(),
            3 => at.next(),
            _ => at,
        }
    }

    /// Garbage collection and protection of history.
    fn keep_house(&mut self) {
        let World { mvcc, record, plan, .. } = self.world;
        let now = mvcc.now();
        let at = self.some_time(now);
        let id = self.chance.below(2).to_string();
        let first = self.chance.below(plan.keys.into()) as u32;
        let part = if self.chance.percent(50) {
            all_keys()
        } else {
            Span::new(key(first), key(first + 3))
        };
        // Failures are the disk's; a protection of what is gone is refused.
        match self.chance.below(6) {
            0 => {
                let purpose = String::new();
                let _ = mvcc.protect(ProtectedRecord { id, at, spans: vec![part], purpose });
            }
            1 => drop(mvcc.release(&id)),
            _ => {
                let lines = mvcc.protected();
                let Ok(stats) = mvcc.collect_garbage(&part, at) else { return };
                let holds = |r: &&ProtectedRecord| r.spans.iter().any(|s| s.overlaps(&part));
                let kept = lines.iter().filter(holds).map(|r| r.at).min();
                let still = mvcc.protected();
                if kept.is_some_and(|kept| stats.line > kept && lines == still) {
                    let complaint = format!("garbage up to {} was protected", stats.line);
                    record.lock().complaints.push(complaint);
                }
            }
        }
    }
}

/// A machine's clock after somebody set it.
pub(super) fn jumped(wall: u64, chance: &mut Chance) -> u64 {
    let far = chance.weighted(&[(2, MILLISECOND), (2, 1_000 * MILLISECOND), (1, HOUR)]);
    let far = chance.below(4 * far);
    if chance.percent(50) { wall.saturating_add(far) } else { wall.saturating_sub(far) }
}

/// A failure before the commit: whatever it was, nothing was written.
fn refused(e: Error) -> Error {
    if e.code() == sqlstate::IO_ERROR { Error::serialization(e.message().to_owned()) } else { e }
}

/// Reads everything, as a transaction that begins when nobody writes any more.
pub(super) fn read_everything(mvcc: &Arc<Mvcc>, plan: &Plan, record: &Mutex<Record>) -> Result<()> {
    let number = record.lock().begin(usize::MAX, Level::Serializable, false);
    let txn = mvcc.begin(TxnOptions::default())?;
    let mut running = Running::new(txn, Level::Serializable, record);
    for n in 0..=u32::from(plan.keys) + 1 {
        running.point(n)?;
    }
    let Running { txn, ops, looks, .. } = running;
    let committed = txn.commit()?;
    let mut record = record.lock();
    let moment = record.moment();
    let seen = &mut record.history.transactions[number];
    (seen.ops, seen.outcome, seen.ended) = (ops, Outcome::Committed, moment);
    (record.traces[number].looks, record.traces[number].committed) = (looks, Some(committed));
    Ok(())
}
