//! A transaction: reads at one time, buffered writes, locks, savepoints.

use std::sync::Arc;
use std::time::Duration;

use super::commit::Job;
use super::conflict::Newest;
use super::lock::{Asking, Held, LockId, LockMode, Owner, WaitPolicy};
use super::reads::ReadSet;
use super::scan::{TxnScan, VersionScan};
use super::timeline::ReadGuard;
use super::writes::{WriteMark, WriteSet, own_value};
use super::{Mvcc, version};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::keys::{Key, Span};
use crate::kv::Access;
use crate::limits::KEY_BYTES_MAX;
use crate::settings;
use crate::task::Interrupt;

/// With so many bytes of writes, the limit is looked up for the first time.
/// The transactions of the simulation are small and shall be large all the same.
const FIRST_LOOK_BYTES: usize = if cfg!(test) { 1 } else { 16 << 10 };

/// How much of what others do meanwhile a transaction may notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Nothing, in either direction: as if transactions ran one after another.
    #[default]
    Serializable,
    /// It reads one snapshot, and fails when somebody else wrote a row that it writes
    /// (REPEATABLE READ).
    Snapshot,
    /// Each statement reads what is committed when it begins.
    ReadCommitted,
}

/// Takes a key and its new value; no value is a deletion.
pub type EachWrite<'a> = &'a mut dyn FnMut(&[u8], Option<&[u8]>);

/// How a transaction begins.
#[derive(Clone, Default)]
pub struct TxnOptions {
    /// The isolation level.
    pub isolation: Isolation,
    /// Whether writes are refused.
    pub read_only: bool,
    /// Reads at this time instead of now; makes it read only.
    pub as_of: Option<Timestamp>,
    /// Ends waits for locks.
    pub interrupt: Interrupt,
    /// How long to wait for one lock; for ever if absent.
    pub lock_timeout: Option<Duration>,
}

/// How a scan reads.
#[derive(Clone, Copy, Debug)]
pub struct ScanOptions {
    /// From the end to the start.
    pub reverse: bool,
    /// How much is expected to be read.
    pub access: Access,
    /// Whether the span counts as read. A caller that turns it off and stops early reports what it
    /// saw to [`Txn::record_read`].
    pub record: bool,
}

impl Default for ScanOptions {
    fn default() -> Self {
        ScanOptions { reverse: false, access: Access::Range, record: true }
    }
}

/// A savepoint within its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SavepointId(u64);

/// What [`Txn::get_latest_locked`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locked {
    /// Somebody else holds the lock, and the policy was to go without it.
    Skipped,
    /// The lock is held; this is the newest committed (or own) value.
    Value(Option<Vec<u8>>),
}

type CommitHook = Box<dyn FnOnce(Timestamp) + Send>;
type RollbackHook = Box<dyn FnOnce() + Send>;

struct Savepoint {
    id: u64,
    writes: WriteMark,
    reads: usize,
    marked: usize,
}

/// A transaction. One thread at a time uses it; dropped without a commit it is rolled back.
pub struct Txn {
    mvcc: Arc<Mvcc>,
    id: Owner,
    options: TxnOptions,
    history: Arc<ReadGuard>,
    read_at: Timestamp,
    reads: ReadSet,
    writes: WriteSet,
    /// Bytes of writes that memory may hold, once it was looked up.
    writes_max: Option<usize>,
    locks: Held,
    /// Whether one of those was newer than the snapshot: then what else was read must hold for
    /// longer than the snapshot, even if nothing is written.
    saw_newer: bool,
    savepoints: Vec<Savepoint>,
    next_savepoint: u64,
    marked: Vec<Span>,
    pub(super) left: Vec<Span>,
    on_commit: Vec<CommitHook>,
    on_rollback: Vec<RollbackHook>,
    /// Set when only running the whole transaction again can help.
    doomed: bool,
}

impl Txn {
    pub(super) fn new(
        mvcc: Arc<Mvcc>,
        id: Owner,
        mut options: TxnOptions,
        history: ReadGuard,
    ) -> Txn {
        options.read_only |= options.as_of.is_some();
        Txn {
            mvcc,
            id,
            options,
            read_at: history.at(),
            history: Arc::new(history),
            reads: ReadSet::default(),
            writes: WriteSet::default(),
            writes_max: None,
            locks: Held::default(),
            saw_newer: false,
            savepoints: Vec::new(),
            next_savepoint: 1,
            marked: Vec::new(),
            left: Vec::new(),
            on_commit: Vec::new(),
            on_rollback: Vec::new(),
            doomed: false,
        }
    }

    /// Its number, never used twice while the server runs.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The time at which it reads.
    pub fn read_timestamp(&self) -> Timestamp {
        self.read_at
    }

    /// Its isolation level.
    pub fn isolation(&self) -> Isolation {
        self.options.isolation
    }

    /// Whether writes are refused.
    pub fn is_read_only(&self) -> bool {
        self.options.read_only
    }

    /// Refuses writes from now on, or takes them again; a transaction in the past takes none.
    pub fn set_read_only(&mut self, read_only: bool) {
        self.options.read_only = read_only || self.options.as_of.is_some();
    }

    /// Changes how long to wait for one lock.
    pub fn set_lock_timeout(&mut self, limit: Option<Duration>) {
        self.options.lock_timeout = limit;
    }

    /// How long it waits for one lock.
    pub fn lock_timeout(&self) -> Option<Duration> {
        self.options.lock_timeout
    }

    /// The store that the transaction is of.
    pub fn mvcc(&self) -> &Arc<Mvcc> {
        &self.mvcc
    }

    /// Whether it has written anything.
    pub fn has_writes(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Whether it has written into a span. Of a transaction too large for memory the answer may be
    /// yes although it only wrote on both sides of the span within an index.
    pub fn has_writes_in(&self, span: &Span) -> bool {
        self.writes.has_in(span) || self.marked.iter().any(|marked| marked.overlaps(span))
    }

    /// Shows each of its writes into a span, in the order of the keys; no value is a deletion.
    pub fn for_each_write(&self, span: &Span, each: EachWrite<'_>) -> Result<()> {
        let mut writes = self.writes.within(span, false)?;
        while let Some((key, stored)) = writes.peek() {
            each(key, own_value(stored));
            writes.step()?;
        }
        Ok(())
    }

    fn records(&self) -> bool {
        !self.options.read_only && self.options.isolation != Isolation::ReadCommitted
    }

    fn bound_reads(&mut self) {
        if self.reads.bound_memory() {
            // Reads since a savepoint can not be told from earlier ones any more.
            let mark = self.reads.mark();
            for savepoint in &mut self.savepoints {
                savepoint.reads = mark;
            }
        }
    }

    /// Counts a span as read: the commit fails if somebody else writes into it meanwhile.
    pub fn record_read(&mut self, span: &Span) {
        if self.records() {
            self.reads.add_span(span);
            self.bound_reads();
        }
    }

    /// The value of a key: what the transaction wrote, or what its snapshot has.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if let Some(stored) = self.writes.get(key)? {
            return Ok(own_value(&stored).map(<[u8]>::to_vec));
        }
        if self.records() {
            self.reads.add_point(key);
            self.bound_reads();
        }
        if self.options.as_of.is_some() {
            self.mvcc.gc.check_point(key, self.read_at)?;
        }
        self.mvcc.read_at(key, self.read_at)
    }

    /// The rows of a span, which counts as read.
    pub fn scan(&mut self, span: &Span, reverse: bool) -> Result<TxnScan> {
        self.scan_with(span, ScanOptions { reverse, ..ScanOptions::default() })
    }

    /// The rows of a span: of the snapshot, with the transaction's writes so far over them. Writes
    /// that come later are not seen by the scan.
    pub fn scan_with(&mut self, span: &Span, options: ScanOptions) -> Result<TxnScan> {
        if options.record {
            self.record_read(span);
        }
        if self.options.as_of.is_some() {
            self.mvcc.gc.check(span, self.read_at)?;
        }
        let reverse = options.reverse;
        let base =
            VersionScan::new(&*self.mvcc.engine, span, self.read_at, reverse, options.access)?;
        let own = self.writes.within(span, reverse)?;
        Ok(TxnScan::new(base, own, reverse, self.history.clone()))
    }

    /// Writes a value. Takes the key's exclusive lock, waiting for it.
    pub fn put(&mut self, key: Key, value: Vec<u8>) -> Result<()> {
        self.write(key, version::sealed_value(value))
    }

    /// Deletes a key, there or not. Takes its exclusive lock, waiting for it.
    pub fn delete(&mut self, key: Key) -> Result<()> {
        self.write(key, version::tombstone())
    }

    fn write(&mut self, key: Key, stored: Vec<u8>) -> Result<()> {
        if self.options.read_only {
            return Err(read_only());
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(Error::new(
                sqlstate::PROGRAM_LIMIT_EXCEEDED,
                format!("a key of {} bytes is longer than {KEY_BYTES_MAX}", key.len()),
            ));
        }
        let lock = self.mvcc.locks.id(&key);
        self.take_lock(lock, LockMode::Exclusive, WaitPolicy::Wait)?;
        self.check_newest(&key, lock)?;
        if self.writes.bytes() >= FIRST_LOOK_BYTES && self.writes.bytes() >= self.writes_max() {
            self.put_writes_aside()?;
        }
        let innermost = self.savepoints.last().map(|savepoint| savepoint.writes);
        self.writes.insert(key, stored, innermost);
        Ok(())
    }

    /// Bytes of writes that memory may hold.
    fn writes_max(&mut self) -> usize {
        let settings = &self.mvcc.settings;
        *self.writes_max.get_or_insert_with(|| {
            usize::try_from(settings.bytes(settings::TRANSACTION_MEMORY)).unwrap_or(usize::MAX)
        })
    }

    fn put_writes_aside(&mut self) -> Result<()> {
        let marks = self.savepoints.iter().map(|savepoint| savepoint.writes);
        self.writes.spill(self.mvcc.engine.scratch(), marks)
    }

    /// Locks a key; false if it was skipped. A newer version than the snapshot's is a retryable
    /// error, with the lock held.
    pub fn lock(&mut self, key: &[u8], mode: LockMode, wait: WaitPolicy) -> Result<bool> {
        if self.options.read_only {
            return Err(read_only());
        }
        let lock = self.mvcc.locks.id(key);
        if !self.take_lock(lock, mode, wait)? {
            return Ok(false);
        }
        self.check_locked(key, lock)?;
        Ok(true)
    }

    /// Locks a key and reads its newest version, whatever the snapshot has: nobody else can
    /// change it before the transaction ends, so this read needs no snapshot. Under serializable
    /// isolation a version newer than the snapshot is a retryable error if something that was
    /// read before has changed as well.
    pub fn get_latest_locked(
        &mut self,
        key: &[u8],
        mode: LockMode,
        wait: WaitPolicy,
    ) -> Result<Locked> {
        if self.options.read_only {
            return Err(read_only());
        }
        let lock = self.mvcc.locks.id(key);
        if !self.take_lock(lock, mode, wait)? {
            return Ok(Locked::Skipped);
        }
        if let Some(stored) = self.writes.get(key)? {
            return Ok(Locked::Value(own_value(&stored).map(<[u8]>::to_vec)));
        }
        let serializable = self.options.isolation == Isolation::Serializable;
        let whole = self.locks.has_index_of(lock);
        let newer = (serializable || whole) && self.has_newer(key)?;
        if newer && serializable {
            if !self.reads_hold() {
                return Err(concurrent_update());
            }
            self.saw_newer = true;
        }
        // Nobody else writes into an index that is locked as a whole: what is not newer stays so.
        if newer || !whole {
            self.locks.note_latest(lock);
        }
        Ok(Locked::Value(self.mvcc.read_at(key, Timestamp::MAX)?))
    }

    fn take_lock(&mut self, lock: LockId, mode: LockMode, policy: WaitPolicy) -> Result<bool> {
        let asking = Asking {
            owner: self.id,
            policy,
            limit: self.options.lock_timeout,
            interrupt: &self.options.interrupt,
        };
        let settings = &self.mvcc.settings;
        let limit = || usize::try_from(settings.int(settings::TRANSACTION_LOCKS)).unwrap_or(0);
        self.locks.take(&self.mvcc.locks, asking, lock, mode, limit).inspect_err(|e| {
            // Whoever closed a circle must let go of what it holds.
            self.doomed |= e.code() == sqlstate::DEADLOCK_DETECTED;
        })
    }

    /// Whether somebody committed a newer version of a key than the transaction sees. With the
    /// lock held, nobody else will.
    fn has_newer(&self, key: &[u8]) -> Result<bool> {
        let newest = self.mvcc.committer.recent.lock().newest(key, self.read_at);
        Ok(match newest {
            Newest::Unchanged => false,
            Newest::Changed => true,
            Newest::Unknown => {
                self.mvcc.version_at(key, Timestamp::MAX)?.is_some_and(|(at, _)| at > self.read_at)
            }
        })
    }

    /// Whether nobody has changed what was read.
    fn reads_hold(&self) -> bool {
        !self.mvcc.committer.recent.lock().invalidates(&self.reads, self.read_at)
    }

    /// Before a write: a newer version is a conflict, unless the write does not depend on what
    /// the transaction has seen.
    fn check_newest(&self, key: &[u8], lock: LockId) -> Result<()> {
        if self.locks.knows_latest(lock) || !self.has_newer(key)? {
            return Ok(());
        }
        if self.options.isolation == Isolation::Serializable && !self.reads.contains(key) {
            return Ok(());
        }
        Err(concurrent_update())
    }

    /// After a lock that was asked for: a newer version is a conflict.
    fn check_locked(&self, key: &[u8], lock: LockId) -> Result<()> {
        if self.locks.knows_latest(lock) || !self.has_newer(key)? {
            return Ok(());
        }
        Err(concurrent_update())
    }

    /// A point to which [`Txn::rollback_to`] can return.
    pub fn savepoint(&mut self) -> SavepointId {
        let id = self.next_savepoint;
        self.next_savepoint += 1;
        self.savepoints.push(Savepoint {
            id,
            writes: self.writes.mark(),
            reads: self.reads.mark(),
            marked: self.marked.len(),
        });
        SavepointId(id)
    }

    fn find(&self, savepoint: SavepointId) -> Result<usize> {
        self.savepoints.iter().rposition(|s| s.id == savepoint.0).ok_or_else(|| {
            Error::new(sqlstate::INVALID_SAVEPOINT_SPECIFICATION, "savepoint does not exist")
        })
    }

    /// Takes back the writes since a savepoint, which stays; later savepoints go. Locks are kept,
    /// and what was read counts as read.
    pub fn rollback_to(&mut self, savepoint: SavepointId) -> Result<()> {
        let place = self.find(savepoint)?;
        self.savepoints.truncate(place + 1);
        if let Some(savepoint) = self.savepoints.last() {
            self.writes.roll_back(savepoint.writes);
            self.marked.truncate(savepoint.marked);
        }
        Ok(())
    }

    /// Forgets a savepoint and those after it; their writes stay.
    pub fn release(&mut self, savepoint: SavepointId) -> Result<()> {
        let place = self.find(savepoint)?;
        self.savepoints.truncate(place);
        Ok(())
    }

    /// After a retryable error in a statement: goes back to the savepoint from before it, forgets
    /// what it read, and moves the read time forward if nothing that was read earlier has changed.
    /// True: run the statement again. False: only running the whole transaction again can help.
    /// Locks are kept, so the statement gets further this time.
    pub fn restart_statement(&mut self, savepoint: SavepointId) -> Result<bool> {
        let place = self.find(savepoint)?;
        if self.doomed || self.options.as_of.is_some() {
            return Ok(false);
        }
        self.rollback_to(savepoint)?;
        self.reads.forget_since(self.savepoints[place].reads);
        Ok(self.refresh())
    }

    /// After a retryable error other than a deadlock: begins anew on a fresh snapshot, as if it had
    /// done nothing. Locks are kept, so that whoever waited for one does not wait for it again.
    pub fn restart(&mut self) {
        self.reads = ReadSet::default();
        self.writes = WriteSet::default();
        self.savepoints.clear();
        self.marked.clear();
        self.left.clear();
        self.on_commit.clear();
        std::mem::take(&mut self.on_rollback).into_iter().for_each(|hook| hook());
        self.doomed = false;
        let history = self.mvcc.read_latest(!self.options.read_only);
        self.move_to(history);
    }

    /// Moves the read time forward, unless something that was read has changed.
    fn refresh(&mut self) -> bool {
        let history = self.mvcc.read_latest(!self.options.read_only);
        if !self.reads_hold() {
            self.doomed = true;
            return false;
        }
        self.move_to(history);
        true
    }

    /// Under READ COMMITTED: reads what is committed by now. Otherwise the same only after a
    /// locked row was newer than the snapshot, so that the next statement does not see an older
    /// state than the one before.
    pub fn begin_statement(&mut self) -> Result<()> {
        if self.saw_newer && !self.refresh() {
            return Err(concurrent_update());
        }
        if self.options.isolation == Isolation::ReadCommitted && self.options.as_of.is_none() {
            let history = self.mvcc.read_latest(!self.options.read_only);
            self.move_to(history);
        }
        Ok(())
    }

    fn move_to(&mut self, history: ReadGuard) {
        self.saw_newer = false;
        self.read_at = history.at();
        self.history = Arc::new(history);
    }

    /// Says that the commit makes rows public which were loaded into a span in bulk: the changelog
    /// tells backups, and whoever read the span conflicts.
    pub fn mark_span_written(&mut self, span: Span) -> Result<()> {
        if self.options.read_only {
            return Err(read_only());
        }
        if !span.is_empty() {
            self.marked.push(span);
        }
        Ok(())
    }

    /// Calls a function after the commit, before it is acknowledged.
    pub fn on_commit(&mut self, hook: impl FnOnce(Timestamp) + Send + 'static) {
        self.on_commit.push(Box::new(hook));
    }

    /// Calls a function if the transaction does not commit.
    pub fn on_rollback(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.on_rollback.push(Box::new(hook));
    }

    /// Commits. On success the writes are durable and visible; a transaction without writes gives
    /// back its read time and never fails, unless it locked a row that was newer than what else
    /// it read. 40001 if something that was read has changed.
    pub fn commit(mut self) -> Result<Timestamp> {
        let at = if self.writes.is_empty() && self.marked.is_empty() {
            if self.saw_newer && !self.reads_hold() {
                return Err(concurrent_update());
            }
            self.read_at
        } else {
            let mut prepared = None;
            if self.writes.is_spilled() {
                self.put_writes_aside()?;
                let (id, stop) = (self.id, &self.options.interrupt);
                prepared = self.mvcc.committer.prepare_ahead(id, &self.writes, stop)?;
            }
            let reads = match self.options.isolation {
                Isolation::Serializable => std::mem::take(&mut self.reads),
                Isolation::Snapshot | Isolation::ReadCommitted => ReadSet::default(),
            };
            self.mvcc.committer.commit(Job {
                owner: self.id,
                read_at: self.read_at,
                reads,
                writes: std::mem::take(&mut self.writes),
                marked: std::mem::take(&mut self.marked),
                left: std::mem::take(&mut self.left),
                prepared,
                locks: std::mem::take(&mut self.locks),
            })?
        };
        self.on_rollback.clear();
        // Before the hooks: one of them may begin a transaction that wants the same rows.
        self.mvcc.locks.release(self.id, &mut self.locks);
        for hook in std::mem::take(&mut self.on_commit) {
            hook(at);
        }
        Ok(at)
    }

    /// Gives the transaction up. Dropping it does the same.
    pub fn rollback(self) {}
}

impl Drop for Txn {
    fn drop(&mut self) {
        self.mvcc.locks.release(self.id, &mut self.locks);
        for hook in std::mem::take(&mut self.on_rollback) {
            hook();
        }
    }
}

fn read_only() -> Error {
    Error::new(
        sqlstate::READ_ONLY_SQL_TRANSACTION,
        "cannot write or lock rows in a read-only transaction",
    )
}

fn concurrent_update() -> Error {
    Error::serialization("could not serialize access due to concurrent update")
}
