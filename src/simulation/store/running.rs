//! One transaction: its statements, what it saw, and what it took back.

use parking_lot::Mutex;

use super::super::chance::Chance;
use super::super::history::{Element, Key, Level, Op};
use super::plan::{Choice, Plan};
use super::record::{Look, Record, Rows, Writes, decode, encode, is_list, key, seen_value};
use crate::error::Result;
use crate::keys::Span;
use crate::mvcc::{Isolation, LockMode, Locked, SavepointId, Txn, WaitPolicy};
use crate::task::turn;

/// A statement with its parameters, so that it can run again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement {
    choice: Choice,
    first: Key,
    last: Key,
    reverse: bool,
    mode: LockMode,
    wait: WaitPolicy,
    /// Where within a scan others get a turn.
    pause: u64,
}

impl Statement {
    /// What a client draws.
    pub(super) fn of(chance: &mut Chance, plan: &Plan, level: Level) -> Statement {
        let mut choice = chance.weighted(&plan.choices);
        if plan.isolation(level) == Isolation::Snapshot {
            // There, rows are not read under a lock: a row that changed is a conflict instead.
            choice = match choice {
                Choice::AppendLocked => Choice::Append,
                Choice::LockedRead => Choice::Lock,
                other => other,
            };
        }
        if level == Level::ReadCommitted && choice == Choice::Append {
            choice = Choice::AppendLocked;
        }
        let first = chance.below(plan.keys.into()) as Key;
        let last = chance.between(first.into(), plan.keys.into()) as Key;
        let mode = if chance.percent(50) { LockMode::Shared } else { LockMode::Exclusive };
        let wait = chance.weighted(&[
            (4, WaitPolicy::Wait),
            (1, WaitPolicy::NoWait),
            (1, WaitPolicy::Skip),
        ]);
        let (reverse, pause) = (chance.percent(30), chance.below(4));
        Statement { choice, first, last, reverse, mode, wait, pause }
    }

    fn span(&self) -> Span {
        Span::new(key(self.first), key(self.last + 1))
    }

    fn list(&self) -> Key {
        self.first & !1
    }

    fn register(&self) -> Key {
        self.first | 1
    }
}

struct Mark {
    id: SavepointId,
    ops: usize,
    own: Writes,
}

/// A transaction under way.
pub(super) struct Running<'a> {
    pub(super) txn: Txn,
    pub(super) level: Level,
    pub(super) ops: Vec<Op>,
    pub(super) taken_back: Vec<Element>,
    pub(super) looks: Vec<Look>,
    pub(super) own: Writes,
    savepoints: Vec<Mark>,
    record: &'a Mutex<Record>,
}

impl<'a> Running<'a> {
    pub(super) fn new(txn: Txn, level: Level, record: &'a Mutex<Record>) -> Running<'a> {
        let (ops, taken_back, looks) = (Vec::new(), Vec::new(), Vec::new());
        let (own, savepoints) = (Writes::new(), Vec::new());
        Running { txn, level, ops, taken_back, looks, own, savepoints, record }
    }

    /// Runs a statement, again for as long as that can cure it. After an error the transaction is
    /// where it was before, or good for nothing, as the caller likes.
    pub(super) fn statement(&mut self, statement: Statement, patience: u64) -> Result<()> {
        self.txn.begin_statement()?;
        match statement.choice {
            Choice::Savepoint => {
                let mark = self.mark();
                self.savepoints.push(mark);
                return Ok(());
            }
            Choice::RollBackTo => return self.roll_back_to(statement.first as usize),
            Choice::Release => return self.release(statement.first as usize),
            _ => {}
        }
        let mark = self.mark();
        let looks = self.looks.len();
        let mut left = patience;
        loop {
            match self.run(statement) {
                Ok(()) => return self.txn.release(mark.id),
                Err(e) if e.is_retryable() && left > 0 => {
                    left -= 1;
                    if !self.txn.restart_statement(mark.id)? {
                        return Err(e);
                    }
                    self.take_back(&mark);
                    for look in &mut self.looks[looks..] {
                        look.forgotten |= look.at.is_some();
                    }
                }
                Err(e) if e.is_retryable() => return Err(e),
                Err(e) => {
                    // As a client with a savepoint before each statement.
                    self.txn.rollback_to(mark.id)?;
                    self.take_back(&mark);
                    return Err(e);
                }
            }
        }
    }

    fn mark(&mut self) -> Mark {
        Mark { id: self.txn.savepoint(), ops: self.ops.len(), own: self.own.clone() }
    }

    fn take_back(&mut self, mark: &Mark) {
        for op in self.ops.drain(mark.ops..) {
            if let Op::Append(_, element) | Op::Write(_, element) = op {
                self.taken_back.push(element);
            }
        }
        self.own = mark.own.clone();
    }

    fn roll_back_to(&mut self, which: usize) -> Result<()> {
        if self.savepoints.is_empty() {
            return Ok(());
        }
        self.savepoints.truncate(which % self.savepoints.len() + 1);
        let Some(mark) = self.savepoints.pop() else { return Ok(()) };
        self.txn.rollback_to(mark.id)?;
        self.take_back(&mark);
        self.savepoints.push(mark);
        Ok(())
    }

    fn release(&mut self, which: usize) -> Result<()> {
        if self.savepoints.is_empty() {
            return Ok(());
        }
        let place = which % self.savepoints.len();
        let id = self.savepoints[place].id;
        self.savepoints.truncate(place);
        self.txn.release(id)
    }

    fn run(&mut self, statement: Statement) -> Result<()> {
        match statement.choice {
            Choice::Point => self.point(statement.first).map(drop),
            Choice::Scan => self.scan(&statement).map(drop),
            Choice::Append => {
                let list = self.point(statement.list())?;
                self.append(statement.list(), list)
            }
            Choice::AppendLocked => {
                let n = statement.list();
                match self.locked(n, LockMode::Exclusive, statement.wait)? {
                    Some(list) => self.append(n, list),
                    None => Ok(()),
                }
            }
            Choice::AppendToAll => {
                let rows = self.scan(&statement)?;
                for n in (statement.first..=statement.last).filter(|n| is_list(*n)) {
                    let seen = decode(rows.get(&key(n)).map(Vec::as_slice));
                    if self.level == Level::ReadCommitted {
                        self.run(Statement {
                            choice: Choice::AppendLocked,
                            first: n,
                            ..statement
                        })?;
                    } else {
                        self.append(n, seen)?;
                    }
                }
                Ok(())
            }
            Choice::Write => self.write(statement.register()),
            Choice::Update => {
                self.point(statement.register())?;
                self.write(statement.register())
            }
            Choice::Delete => {
                let n = statement.register();
                self.txn.delete(key(n))?;
                self.own.insert(key(n), None);
                self.ops.push(Op::Delete(n));
                Ok(())
            }
            Choice::Lock => {
                let n = statement.first;
                if self.txn.lock(&key(n), statement.mode, statement.wait)? {
                    self.point(n)?;
                    // The lock keeps it as it is, whatever the level.
                    if let Some(look) = self.looks.last().cloned() {
                        self.looks.push(Look { at: None, ..look });
                    }
                }
                Ok(())
            }
            Choice::LockedRead => {
                self.locked(statement.first, statement.mode, statement.wait).map(drop)
            }
            Choice::Savepoint | Choice::RollBackTo | Choice::Release => Ok(()),
        }
    }

    /// Reads one key of the snapshot.
    pub(super) fn point(&mut self, n: Key) -> Result<Vec<Element>> {
        let at = self.txn.read_timestamp();
        let stored = self.txn.get(&key(n))?;
        let rows = stored.iter().map(|stored| (key(n), stored.clone())).collect();
        self.look(Some(at), Span::point(key(n)), rows);
        self.ops.push(seen_value(n, stored.as_deref()));
        Ok(decode(stored.as_deref()))
    }

    fn scan(&mut self, statement: &Statement) -> Result<Rows> {
        let (at, span) = (self.txn.read_timestamp(), statement.span());
        let mut scan = self.txn.scan(&span, statement.reverse)?;
        let mut rows = Rows::new();
        let mut last: Option<Vec<u8>> = None;
        while scan.next()? {
            let here = scan.key().to_vec();
            if last.is_some_and(|last| (last < here) == statement.reverse) {
                let complaint = format!("a scan is out of order at {here:?}");
                self.record.lock().complaints.push(complaint);
            }
            rows.insert(here.clone(), scan.value().to_vec());
            last = Some(here);
            if rows.len() as u64 == statement.pause {
                turn::step();
            }
        }
        self.look(Some(at), span, rows.clone());
        for n in statement.first..=statement.last {
            self.ops.push(seen_value(n, rows.get(&key(n)).map(Vec::as_slice)));
        }
        Ok(rows)
    }

    /// Reads the newest version of a key under its lock; `None` if it was skipped.
    fn locked(&mut self, n: Key, mode: LockMode, wait: WaitPolicy) -> Result<Option<Vec<Element>>> {
        let stored = match self.txn.get_latest_locked(&key(n), mode, wait)? {
            Locked::Skipped => return Ok(None),
            Locked::Value(stored) => stored,
        };
        let rows = stored.iter().map(|stored| (key(n), stored.clone())).collect();
        self.look(None, Span::point(key(n)), rows);
        self.ops.push(seen_value(n, stored.as_deref()));
        Ok(Some(decode(stored.as_deref())))
    }

    fn look(&mut self, at: Option<crate::clock::Timestamp>, span: Span, rows: Rows) {
        let own = self.own.iter().filter(|(key, _)| span.contains(key));
        let own = own.map(|(key, value)| (key.clone(), value.clone())).collect();
        self.looks.push(Look { at, span, rows, own, forgotten: false });
    }

    fn append(&mut self, n: Key, mut list: Vec<Element>) -> Result<()> {
        let element = self.record.lock().element();
        list.push(element);
        self.txn.put(key(n), encode(&list))?;
        self.own.insert(key(n), Some(encode(&list)));
        self.ops.push(Op::Append(n, element));
        Ok(())
    }

    fn write(&mut self, n: Key) -> Result<()> {
        let value = self.record.lock().element();
        self.txn.put(key(n), encode(&[value]))?;
        self.own.insert(key(n), Some(encode(&[value])));
        self.ops.push(Op::Write(n, value));
        Ok(())
    }
}
