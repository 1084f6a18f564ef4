//! From ordinary threads to the runtime and back.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::error::{Error, Result, sqlstate};
use crate::settings::{CLOUD_TIMEOUT, Settings};
use crate::task::Interrupt;

/// How often a waiting thread looks at its interrupt.
const SLICE: Duration = Duration::from_millis(50);

/// Runs futures on a runtime for a thread that waits. The thread waits on a channel and not in
/// the runtime, because it may be a thread of another one, where blocking on a future panics.
#[derive(Clone)]
pub(super) struct Bridge {
    runtime: Handle,
    settings: Arc<Settings>,
    interrupt: Option<Interrupt>,
}

impl Bridge {
    pub(super) fn new(
        runtime: Handle,
        settings: Arc<Settings>,
        interrupt: Option<Interrupt>,
    ) -> Self {
        Bridge { runtime, settings, interrupt }
    }

    /// The longest time that one request may take.
    pub(super) fn timeout(&self) -> Duration {
        self.settings.duration(CLOUD_TIMEOUT)
    }

    /// Starts a future; the answer is waited for later.
    pub(super) fn start<T, F>(&self, future: F) -> Pending<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let limit = self.timeout();
        let (sender, answer) = channel();
        let task = self.runtime.spawn(async move {
            let result = match tokio::time::timeout(limit, future).await {
                Ok(result) => result,
                Err(_) => Err(Error::io(format!("external storage did not answer in {limit:?}"))
                    .with_hint("The cluster setting cloudstorage.timeout bounds a request.")),
            };
            // The receiver is gone when the caller was interrupted; then nobody wants the answer.
            let _ = sender.send(result);
        });
        Pending { answer, task: task.abort_handle(), interrupt: self.interrupt.clone() }
    }

    /// Runs a future and waits for its answer.
    pub(super) fn run<T, F>(&self, future: F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.start(future).wait()
    }

    /// Runs a future for whose end nobody waits.
    pub(super) fn detach(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(future);
    }
}

/// An answer that is on its way.
pub(super) struct Pending<T> {
    answer: Receiver<Result<T>>,
    task: AbortHandle,
    interrupt: Option<Interrupt>,
}

impl<T> Pending<T> {
    /// Waits for the answer.
    pub(super) fn wait(self) -> Result<T> {
        loop {
            match self.answer.recv_timeout(SLICE) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(
                        sqlstate::ADMIN_SHUTDOWN,
                        "the request to external storage was dropped because the server shuts down",
                    ));
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(interrupt) = &self.interrupt {
                        interrupt.check()?;
                    }
                }
            }
        }
    }
}

// An abandoned request must not go on writing behind the back of whoever gave it up.
impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
