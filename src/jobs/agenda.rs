//! What the registry has in hand: jobs to look at, jobs that wait for a worker, jobs that run.
//!
//! Nothing here touches the store. A note that a job has changed is never lost: it waits in
//! `changed` until the loop looks, and in `again` until the job's worker looks.

use std::collections::{BTreeSet, VecDeque};

use hashbrown::HashMap;

use super::JobId;
use crate::task::{Cause, Interrupt};

/// Jobs that run at a time; the others wait.
pub(super) const WORKERS_MAX: usize = 8;

/// See the module. The registry keeps it behind a mutex.
#[derive(Default)]
pub(super) struct Agenda {
    /// No work is begun any more.
    pub(super) stopping: bool,
    /// Jobs whose rows were changed by a commit.
    changed: BTreeSet<JobId>,
    /// Jobs that wait for a worker, in the order in which they came.
    waiting: VecDeque<JobId>,
    runs: HashMap<JobId, Run>,
    workers: usize,
}

struct Run {
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

    /// Tells the worker of a job, if it has one, that the row was changed, and to `stop` if the
    /// row says so. Answers whether there is a worker.
    pub(super) fn tell(&mut self, id: JobId, stop: bool) -> bool {
        let Some(run) = self.runs.get_mut(&id) else { return false };
        run.again = true;
        if stop {
            run.interrupt.raise(Cause::JobStopped);
        }
        true
    }

    /// Puts a job in the queue unless it is there. Answers whether one more worker is needed.
    pub(super) fn enqueue(&mut self, id: JobId) -> bool {
        if self.stopping || self.runs.contains_key(&id) {
            return false;
        }
        if !self.waiting.contains(&id) {
            self.waiting.push_back(id);
        }
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
        let next = if self.stopping { None } else { self.waiting.pop_front() };
        match next {
            Some(id) => {
                self.runs.insert(id, Run { interrupt: Interrupt::new(), again: false });
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
        self.runs.insert(id, Run { interrupt: interrupt.clone(), again: false });
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
        assert!(!agenda.tell(1, true), "nobody runs it");
        assert!(agenda.enqueue(1));
        assert_eq!(agenda.next_run(), Some(1));
        let first = agenda.fresh_interrupt(1);
        assert!(agenda.tell(1, true));
        assert_eq!(first.cause(), Some(Cause::JobStopped));
        assert!(agenda.end_run(1), "a change came");
        let second = agenda.fresh_interrupt(1);
        assert_eq!(second.cause(), None);
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
