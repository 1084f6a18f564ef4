//! The memory that a statement may hold.
//!
//! Whatever grows with the data keeps a [`Charge`] beside it. A charge that is dropped gives back
//! what it has taken, so nothing is counted after it is gone, however an operator ends. The
//! allowance is made with the first charge and lasts as long as the statement: a second batch of
//! the result does not get another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::Run;

/// What a statement may still take, in bytes; shared by its charges.
#[derive(Clone, Debug)]
pub struct Memory(Arc<AtomicUsize>);

impl Memory {
    /// An allowance.
    pub fn new(bytes: usize) -> Memory {
        Memory(Arc::new(AtomicUsize::new(bytes)))
    }

    fn take(&self, bytes: usize) -> bool {
        let less = |left: usize| left.checked_sub(bytes);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

/// The statement needs more than it may have.
pub fn exceeded() -> Error {
    Error::new(sqlstate::OUT_OF_MEMORY, "statement needs more memory than it may use").with_hint(
        "Raise the cluster setting sql.statement.memory_limit, or make the statement sort, group \
         or join fewer rows.",
    )
}

/// Memory that something holds, which grows as it collects.
#[derive(Debug, Default)]
pub struct Charge {
    bytes: usize,
    memory: Option<Memory>,
}

impl Charge {
    /// Adds to the charge.
    pub fn add(&mut self, bytes: usize, run: &mut Run<'_, '_>) -> Result<()> {
        let memory = self.memory.get_or_insert_with(|| run.memory().clone());
        if !memory.take(bytes) {
            return Err(exceeded());
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Makes the charge at least this large.
    pub fn raise_to(&mut self, bytes: usize, run: &mut Run<'_, '_>) -> Result<()> {
        self.add(bytes.saturating_sub(self.bytes), run)
    }

    /// Makes the charge at least this large if there is memory for it, and says whether there was.
    pub fn try_raise_to(&mut self, bytes: usize, run: &mut Run<'_, '_>) -> bool {
        self.raise_to(bytes, run).is_ok()
    }

    /// Gives some of it back.
    pub fn give(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        if let Some(memory) = &self.memory {
            memory.0.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Gives everything back.
    pub fn release(&mut self) {
        self.give(self.bytes);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.release();
    }
}
