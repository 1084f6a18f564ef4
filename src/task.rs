//! Interrupting work: one handle through which a statement or job learns that it should stop.
//!
//! SQL runs on ordinary threads, so stopping is cooperative: whoever works asks
//! [`Interrupt::check`] between batches, and whoever waits does it through [`Interrupt::wait`],
//! which also notices a client that is gone.

#[cfg(test)]
pub(crate) mod turn;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::error::{Error, Result, sqlstate};

/// Why work was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cause {
    /// The user asked (cancel request, `CANCEL QUERY`).
    Cancel = 1,
    /// `statement_timeout` ran out.
    Timeout = 2,
    /// The server is shutting down.
    Shutdown = 3,
    /// The client's connection is gone.
    ClientGone = 4,
    /// The job that does this work was paused or cancelled.
    JobStopped = 5,
}

/// Answers whether the client is still there; asked at most about once a second.
pub type Probe = Box<dyn Fn() -> bool + Send + Sync>;

struct Inner {
    cause: AtomicU8,
    deadline: Mutex<Option<Instant>>,
    client_is_alive: Option<Probe>,
    waits_for_lock: AtomicBool,
    bell: (Mutex<()>, Condvar),
}

/// A shared stop signal. Cloning gives another handle on the same signal.
#[derive(Clone)]
pub struct Interrupt(Arc<Inner>);

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}

impl Interrupt {
    /// A signal that nobody has raised.
    pub fn new() -> Self {
        Self::build(None)
    }

    /// A signal that also rises by itself once `client_is_alive` says no.
    pub fn with_probe(client_is_alive: Probe) -> Self {
        Self::build(Some(client_is_alive))
    }

    fn build(client_is_alive: Option<Probe>) -> Self {
        Interrupt(Arc::new(Inner {
            cause: AtomicU8::new(0),
            deadline: Mutex::new(None),
            client_is_alive,
            waits_for_lock: AtomicBool::new(false),
            bell: (Mutex::new(()), Condvar::new()),
        }))
    }

    /// Tells the work to stop. The first cause wins until [`Interrupt::reset`].
    pub fn raise(&self, cause: Cause) {
        let _ = self.0.cause.compare_exchange(0, cause as u8, Ordering::AcqRel, Ordering::Acquire);
        let _guard = self.0.bell.0.lock();
        self.0.bell.1.notify_all();
    }

    /// Takes back a cancel or timeout before the next statement; shutdown and a lost client stay.
    pub fn reset(&self) {
        for passing in [Cause::Cancel, Cause::Timeout] {
            let _ = self.0.cause.compare_exchange(
                passing as u8,
                0,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
        }
        *self.0.deadline.lock() = None;
    }

    /// Sets the moment after which [`Interrupt::check`] reports a timeout.
    pub fn set_deadline(&self, deadline: Option<Instant>) {
        *self.0.deadline.lock() = deadline;
    }

    /// Says whether the work waits for a lock just now, for those who look at it.
    pub fn set_waits_for_lock(&self, waits: bool) {
        self.0.waits_for_lock.store(waits, Ordering::Relaxed);
    }

    /// Whether the work waits for a lock just now.
    pub fn waits_for_lock(&self) -> bool {
        self.0.waits_for_lock.load(Ordering::Relaxed)
    }

    /// Why to stop, if at all.
    pub fn cause(&self) -> Option<Cause> {
        match self.0.cause.load(Ordering::Acquire) {
            0 => None,
            1 => Some(Cause::Cancel),
            2 => Some(Cause::Timeout),
            3 => Some(Cause::Shutdown),
            4 => Some(Cause::ClientGone),
            _ => Some(Cause::JobStopped),
        }
    }

    /// Fails when the work should stop: 57014, 57P01 or 08006.
    pub fn check(&self) -> Result<()> {
        if self.cause().is_none() {
            let deadline = *self.0.deadline.lock();
            if deadline.is_some_and(|d| Instant::now() >= d) {
                self.raise(Cause::Timeout);
            }
        }
        match self.cause() {
            None => Ok(()),
            Some(cause) => Err(cause.into()),
        }
    }

    /// Sleeps up to `limit`, waking early with an error when the work should stop.
    pub fn wait(&self, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        loop {
            self.check()?;
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            let slice = (until - now).min(Duration::from_millis(500));
            {
                let mut guard = self.0.bell.0.lock();
                if self.cause().is_none() {
                    self.0.bell.1.wait_for(&mut guard, slice);
                }
            }
            self.probe_client();
        }
    }

    /// Waits on someone else's condition for up to `limit`, in slices, so that a raised signal is
    /// noticed within half a second. Returns whether the condition was signalled.
    pub fn wait_on<T>(
        &self,
        bell: &Condvar,
        guard: &mut MutexGuard<'_, T>,
        limit: Duration,
    ) -> Result<bool> {
        let until = Instant::now() + limit;
        loop {
            self.check()?;
            let now = Instant::now();
            if now >= until {
                return Ok(false);
            }
            #[cfg(test)]
            if turn::wait(guard) {
                return Ok(true);
            }
            let slice = (until - now).min(Duration::from_millis(500));
            if !bell.wait_for(guard, slice).timed_out() {
                return Ok(true);
            }
            self.probe_client();
        }
    }

    fn probe_client(&self) {
        if self.0.client_is_alive.as_ref().is_some_and(|alive| !alive()) {
            self.raise(Cause::ClientGone);
        }
    }
}

/// Waits for a bell that is sure to ring. Like any wait it may end early, so look again.
pub fn wait<T>(bell: &Condvar, guard: &mut MutexGuard<'_, T>) {
    #[cfg(test)]
    if turn::wait(guard) {
        return;
    }
    bell.wait(guard);
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Cancel => {
                Error::new(sqlstate::QUERY_CANCELED, "canceling statement due to user request")
            }
            Cause::Timeout => {
                Error::new(sqlstate::QUERY_CANCELED, "canceling statement due to statement timeout")
            }
            Cause::Shutdown => Error::new(
                sqlstate::ADMIN_SHUTDOWN,
                "terminating connection due to administrator command",
            ),
            Cause::ClientGone => {
                Error::new(sqlstate::CONNECTION_FAILURE, "connection to client lost")
            }
            Cause::JobStopped => Error::new(sqlstate::QUERY_CANCELED, "job was told to stop"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raised_signal_ends_a_wait_at_once_and_can_be_reset() {
        let interrupt = Interrupt::new();
        let other = interrupt.clone();
        let raiser = std::thread::spawn(move || other.raise(Cause::Cancel));
        let e = interrupt.wait(Duration::from_secs(60)).unwrap_err();
        raiser.join().unwrap();
        assert_eq!(e.code(), sqlstate::QUERY_CANCELED);
        interrupt.reset();
        assert!(interrupt.check().is_ok());
    }

    #[test]
    fn shutdown_is_not_taken_back() {
        let interrupt = Interrupt::new();
        interrupt.raise(Cause::Shutdown);
        interrupt.reset();
        assert_eq!(interrupt.cause(), Some(Cause::Shutdown));
    }

    #[test]
    fn a_deadline_is_a_timeout() {
        let interrupt = Interrupt::new();
        interrupt.set_deadline(Some(Instant::now()));
        assert_eq!(interrupt.check().unwrap_err().code(), sqlstate::QUERY_CANCELED);
        assert_eq!(interrupt.cause(), Some(Cause::Timeout));
    }
}
