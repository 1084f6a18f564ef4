//! What the registry has in hand: jobs to look at, jobs that wait for a worker, jobs that run.
//!
//! Nothing here touches the store. A note that a job has changed is never lost: it waits in
//! `changed` until the loop looks, and in `again` until the job's worker looks.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::JobId;
use crate::task::{Cause, Interrupt};

/// Jobs that run at a time; the others wait.
pub(super) const WORKERS_MAX: usize = 8;

/// What became of a word to a job's worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It was told.
    Worker,
    /// There is none.
    Nobody,
    /// Another run has begun, or the run has ended, since the row was read: it has to be read
    /// again.
    TooLate,
}

/// See the module. The registry keeps it behind a mutex.
#[derive(Default)]
pub(super) struct Agenda {
    /// No work is begun any more.
    pub(super) stopping: bool,
    /// Jobs whose rows were changed by a commit.
    changed: BTreeSet<JobId>,
    /// Jobs that wait for a worker. The oldest is served first: numbers rise with time.
    waiting: BTreeSet<JobId>,
    runs: HashMap<JobId, Run>,
    workers: usize,
    epochs: u64,
}

struct Run {
    epoch: u64,
    interrupt: Interrupt,
    /// The job's row was changed since the worker last looked at it.
    again: bool,
}

impl Agenda {
    /// Notes that a job's row was changed.
    pub(super) fn note(&mut self, id: JobId) {
        if !self.stopping {
            self.changed.insert(id);
        }
    }

    /// The jobs to look at.
    pub(super) fn take_changed(&mut self) -> BTreeSet<JobId> {
        std::mem::take(&mut self.changed)
    }

    /// Whether there are jobs to look at.
    pub(super) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Which run of a job this is, for [`Agenda::tell`].
    pub(super) fn epoch(&self, id: JobId) -> Option<u64> {
        self.runs.get(&id).map(|run| run.epoch)
    }

    /// Tells the worker of a job that the row was changed, and to `stop` if the row says so. The
    /// epoch was asked for before the row was read, so that a wish never stops a later run.
    pub(super) fn tell(&mut self, id: JobId, epoch: Option<u64>, stop: bool) -> Told {
        if epoch != self.epoch(id) {
            return Told::TooLate;
        }
        let Some(run) = self.runs.get_mut(&id) else { return Told::Nobody };
        run.again = true;
        if stop {
            run.interrupt.raise(Cause::JobStopped);
        }
        Told::Worker
    }

    /// Puts a job in the queue unless it is there. Answers whether one more worker is needed.
    pub(super) fn enqueue(&mut self, id: JobId) -> bool {
        if self.stopping || self.runs.contains_key(&id) {
            return false;
        }
        self.waiting.insert(id);
        let more =
            self.workers < WORKERS_MAX && self.workers < self.runs.len() + self.waiting.len();
        self.workers += usize::from(more);
        more
    }

    /// A worker could not be started, or ends.
    pub(super) fn worker_ends(&mut self) {
        self.workers = self.workers.saturating_sub(1);
    }

    /// The next job for a worker. Without one the worker ends.
    pub(super) fn next_run(&mut self) -> Option<JobId> {
        let next = if self.stopping { None } else { self.waiting.pop_first() };
        match next {
            Some(id) => {
                self.fresh_interrupt(id);
            }
            None => self.worker_ends(),
        }
        next
    }

    /// Before a worker reads its job's row: from here on it is told of changes anew. The signal
    /// is a fresh one, because the old one may have been raised for a wish that is fulfilled.
    pub(super) fn fresh_interrupt(&mut self, id: JobId) -> Interrupt {
        let interrupt = Interrupt::new();
        if self.stopping {
            interrupt.raise(Cause::Shutdown);
        }
        self.epochs += 1;
        let run = Run { epoch: self.epochs, interrupt: interrupt.clone(), again: false };
        self.runs.insert(id, run);
        interrupt
    }

    /// Ends a run. Answers whether the worker must look at the row once more instead.
    pub(super) fn end_run(&mut self, id: JobId) -> bool {
        if !self.stopping && self.runs.get(&id).is_some_and(|run| run.again) {
            return true;
        }
        self.runs.remove(&id);
        false
    }

    /// Ends a run whatever came meanwhile.
    pub(super) fn abandon_run(&mut self, id: JobId) {
        self.runs.remove(&id);
    }

    /// Takes no more work and tells what runs to stop.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
        self.changed.clear();
        self.waiting.clear();
        for run in self.runs.values() {
            run.interrupt.raise(Cause::Shutdown);
        }
    }

    /// Whether no worker is left.
    pub(super) fn is_idle(&self) -> bool {
        self.workers == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_workers_than_jobs_or_than_the_bound() {
        let mut agenda = Agenda::default();
        let started = (0..20).filter(|id| agenda.enqueue(*id)).count();
        assert_eq!(started, WORKERS_MAX);
        assert!(!agenda.enqueue(3), "it waits already");
        for id in 0..8 {
            assert_eq!(agenda.next_run(), Some(id));
        }
        assert!(!agenda.enqueue(0), "it runs");
        assert!(!agenda.end_run(0));
        assert_eq!(agenda.next_run(), Some(8));
    }

    #[test]
    fn a_change_during_a_run_makes_the_worker_look_again() {
        let mut agenda = Agenda::default();
        assert_eq!(agenda.tell(1, None, true), Told::Nobody);
        assert!(agenda.enqueue(1));
        assert_eq!(agenda.next_run(), Some(1));
        let first = agenda.fresh_interrupt(1);
        let epoch = agenda.epoch(1);
        assert_eq!(agenda.tell(1, epoch, true), Told::Worker);
        assert_eq!(first.cause(), Some(Cause::JobStopped));
        assert!(agenda.end_run(1), "a change came");
        let second = agenda.fresh_interrupt(1);
        assert_eq!(agenda.tell(1, epoch, true), Told::TooLate);
        assert_eq!(second.cause(), None, "a wish of the past stops nothing");
        assert!(!agenda.end_run(1));
        assert_eq!(agenda.next_run(), None);
        assert!(agenda.is_idle());
    }

    #[test]
    fn nothing_begins_after_the_stop() {
        let mut agenda = Agenda::default();
        assert!(agenda.enqueue(1) && agenda.enqueue(2));
        assert_eq!(agenda.next_run(), Some(1));
        let interrupt = agenda.fresh_interrupt(1);
        agenda.stop();
        assert_eq!(interrupt.cause(), Some(Cause::Shutdown));
        assert_eq!(agenda.fresh_interrupt(1).cause(), Some(Cause::Shutdown));
        agenda.note(3);
        assert!(!agenda.has_changed());
        assert!(!agenda.enqueue(3));
        assert_eq!(agenda.next_run(), None);
        assert!(!agenda.end_run(1));
        assert_eq!(agenda.next_run(), None);
        assert!(agenda.is_idle());
    }
}
