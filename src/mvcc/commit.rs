//! Group commit: whoever comes first leads, and commits for all who came meanwhile.
//!
//! ```text
//!   commit() ─▶ queue ─▶ leader: take times ─ check reads ─ one synced batch ─ publish
//!                          │                                                     │
//!   the others sleep ◀─────┴──── release locks, tell each its outcome ◀──────────┘
//!                                then the first of the queue leads
//! ```
//!
//! A thread that commits alone does everything itself, without a switch to another thread. There
//! is one leader at a time, so commits are checked against all before them, in their order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

use super::conflict::Recent;
use super::large::Prepared;
use super::lock::{Held, LockTable, Owner};
use super::reads::ReadSet;
use super::timeline::Timeline;
use super::version::version_key;
use super::writes::WriteSet;
use super::{changelog, meta};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::keys::{Key, Span};
use crate::kv::{Batch, Durability, Family, SharedEngine};
use crate::task;

/// A group is closed when its writes have this many bytes.
const GROUP_BYTES: usize = 32 << 20;

/// What a transaction hands over to be committed.
pub(super) struct Job {
    pub(super) owner: Owner,
    pub(super) read_at: Timestamp,
    /// What must not have changed since `read_at`.
    pub(super) reads: ReadSet,
    pub(super) writes: WriteSet,
    pub(super) marked: Vec<Span>,
    /// Spans into which nobody writes any more: who read them conflicts, and that is all.
    pub(super) left: Vec<Span>,
    /// What was prepared of a commit that memory does not hold.
    pub(super) prepared: Option<Prepared>,
    pub(super) locks: Held,
}

pub(super) struct Committer {
    pub(super) engine: SharedEngine,
    pub(super) timeline: Arc<Timeline>,
    locks: Arc<LockTable>,
    pub(super) recent: Mutex<Recent>,
    watched: Vec<Span>,
    queue: Mutex<Queue>,
    idle: Condvar,
    /// Set after a failed write: what is on disk is not known any more.
    poisoned: AtomicBool,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Job, Arc<Seat>)>,
    led: bool,
    closed: bool,
}

/// Where a waiting thread learns what became of its commit.
#[derive(Default)]
struct Seat {
    news: Mutex<Option<News>>,
    bell: Condvar,
}

enum News {
    Lead,
    Done(Result<Timestamp>),
}

impl Seat {
    fn tell(&self, news: News) {
        *self.news.lock() = Some(news);
        self.bell.notify_one();
    }

    fn wait(&self) -> News {
        let mut news = self.news.lock();
        loop {
            match news.take() {
                Some(news) => return news,
                None => task::wait(&self.bell, &mut news),
            }
        }
    }
}

impl Committer {
    pub(super) fn new(
        engine: SharedEngine,
        timeline: Arc<Timeline>,
        locks: Arc<LockTable>,
        watched: Vec<Span>,
        floor: Timestamp,
    ) -> Self {
        Committer {
            engine,
            timeline,
            locks,
            recent: Mutex::new(Recent::new(floor)),
            watched,
            queue: Mutex::new(Queue::default()),
            idle: Condvar::new(),
            poisoned: AtomicBool::new(false),
        }
    }

    /// Commits: on success the writes are durable and visible, and the locks are given back. They
    /// are given back after a failure too.
    pub(super) fn commit(&self, job: Job) -> Result<Timestamp> {
        let seat = Arc::new(Seat::default());
        let lead = {
            let mut queue = self.queue.lock();
            if queue.closed {
                drop(queue);
                let mut job = job;
                self.locks.release(job.owner, &mut job.locks);
                return Err(stopped());
            }
            queue.waiting.push_back((job, seat.clone()));
            !std::mem::replace(&mut queue.led, true)
        };
        let mut news = if lead { News::Lead } else { seat.wait() };
        loop {
            match news {
                News::Done(outcome) => return outcome,
                News::Lead => {
                    self.lead();
                    news = seat.wait();
                }
            }
        }
    }

    /// Commits one group, to which the caller's job belongs, and passes the lead on.
    fn lead(&self) {
        let mut group = Group { committer: self, members: Vec::new() };
        {
            let mut queue = self.queue.lock();
            let mut bytes = 0;
            while bytes < GROUP_BYTES
                && let Some((job, seat)) =
                    queue.waiting.pop_front_if(|(job, _)| bytes == 0 || !job.writes.is_spilled())
            {
                bytes += job.writes.bytes().max(1);
                if job.writes.is_spilled() {
                    // It is written in another way, so it goes alone.
                    bytes = GROUP_BYTES;
                }
                group.members.push(Member { job: Some(job), seat, outcome: None });
            }
        }
        group.commit();
    }

    fn pass_lead_on(&self) {
        let mut queue = self.queue.lock();
        match queue.waiting.front() {
            Some((_, seat)) => seat.tell(News::Lead),
            None => {
                queue.led = false;
                self.idle.notify_all();
            }
        }
    }

    /// Refuses new commits and waits for those under way; says whether it was closed before.
    pub(super) fn close(&self) -> bool {
        let mut queue = self.queue.lock();
        let before = std::mem::replace(&mut queue.closed, true);
        while queue.led {
            task::wait(&self.idle, &mut queue);
        }
        before
    }

    pub(super) fn is_closed(&self) -> bool {
        self.queue.lock().closed
    }

    /// Takes no more writes, because nobody knows what the disk holds.
    pub(super) fn poison(&self, why: &Error) {
        self.poisoned.store(true, Ordering::Release);
        tracing::error!(error = %why, "a commit could not be written");
    }

    /// Whether a write failed in a way after which no more are taken.
    pub(super) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    fn check_poison(&self) -> Result<()> {
        if self.is_poisoned() {
            return Err(Error::io("the store takes no writes after a failed one").with_hint(
                "Reads go on. Look for the failure in the server's log and mend its cause; the \
                 store must be opened again before it takes writes.",
            ));
        }
        Ok(())
    }

    /// Which watched spans a job writes into.
    pub(super) fn touched(&self, job: &Job) -> Vec<usize> {
        let touches = |span: &Span| {
            job.writes.has_in(span) || job.marked.iter().any(|marked| marked.overlaps(span))
        };
        (0..self.watched.len()).filter(|i| touches(&self.watched[*i])).collect()
    }
}

/// What was read does not hold any more.
pub(super) fn invalidated() -> Error {
    Error::serialization(
        "could not serialize access due to read/write dependencies among transactions",
    )
}

pub(super) fn stopped() -> Error {
    Error::new(sqlstate::ADMIN_SHUTDOWN, "the store is shutting down")
}

struct Member {
    job: Option<Job>,
    seat: Arc<Seat>,
    outcome: Option<Result<Timestamp>>,
}

/// The commits that are led together. However leading ends, everyone is told, locks are given back
/// and the lead is passed on.
struct Group<'a> {
    committer: &'a Committer,
    members: Vec<Member>,
}

impl Group<'_> {
    fn commit(&mut self) {
        let committer = self.committer;
        if let Err(e) = committer.check_poison() {
            for member in &mut self.members {
                member.outcome = Some(Err(e.clone()));
            }
            return;
        }
        if let [member] = self.members.as_mut_slice()
            && let Some(job) = member.job.as_mut().filter(|job| job.writes.is_spilled())
        {
            member.outcome = Some(committer.commit_large(job));
            return;
        }
        let assigned = committer.timeline.assign(self.members.len());
        let mut touched = Vec::new();
        let mut batch = Batch::new();
        let mut last = None;
        {
            let mut recent = committer.recent.lock();
            recent.prune(committer.timeline.oldest_writer());
            for (member, at) in self.members.iter_mut().zip(assigned.times) {
                let Some(job) = &mut member.job else { continue };
                if recent.invalidates(&job.reads, job.read_at) {
                    member.outcome = Some(Err(invalidated()));
                    continue;
                }
                recent.insert(at, job.writes.keys().map(Key::as_slice), &job.marked);
                recent.insert_spans(at, &job.left);
                member.outcome = Some(Ok(at));
                last = Some(at);
            }
        }
        if last.is_none() {
            committer.timeline.publish(None, &[]);
            return;
        }
        for member in &mut self.members {
            let (Some(Ok(at)), Some(job)) = (&member.outcome, &mut member.job) else { continue };
            touched.extend(committer.touched(job).into_iter().map(|i| (i, *at)));
            let keys = job.writes.keys().map(Key::as_slice);
            changelog::append(&mut batch, *at, keys, &job.marked);
            for (key, stored) in std::mem::take(&mut job.writes).into_sorted() {
                batch.put(Family::Versions, version_key(&key, *at), stored);
            }
        }
        if let Some(bound) = assigned.bound {
            meta::put_time(&mut batch, meta::BOUND_BY_COMMITS, bound);
        }
        match committer.engine.write(batch, Durability::Synced) {
            Ok(()) => {
                if let Some(bound) = assigned.bound {
                    committer.timeline.raise_bound(bound);
                }
                committer.timeline.note_write(true);
                committer.timeline.publish(last, &touched);
            }
            Err(e) => {
                // A full disk refuses a batch before anything of it counts; after any other
                // failure nobody knows what the disk holds, least of all a second fsync.
                if e.code() != sqlstate::DISK_FULL {
                    committer.poison(&e);
                }
                committer.timeline.note_write(false);
                for member in &mut self.members {
                    if matches!(member.outcome, Some(Ok(_))) {
                        member.outcome = Some(Err(e.clone()));
                    }
                }
                committer.timeline.publish(None, &[]);
            }
        }
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if self.members.iter().any(|member| member.outcome.is_none()) {
            // Leading panicked: nobody may believe that anything was committed.
            self.committer.poisoned.store(true, Ordering::Release);
            self.committer.timeline.publish(None, &[]);
        }
        for member in &mut self.members {
            if let Some(job) = &mut member.job {
                self.committer.locks.release(job.owner, &mut job.locks);
            }
        }
        for member in &mut self.members {
            let abandoned = || Err(Error::internal("the commit was abandoned"));
            let outcome = member.outcome.take().unwrap_or_else(abandoned);
            member.seat.tell(News::Done(outcome));
        }
        self.committer.pass_lead_on();
    }
}
