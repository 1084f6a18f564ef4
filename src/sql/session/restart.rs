//! SAVEPOINT cockroach_restart: a block that its client can run again without leaving it.
//!
//! ```text
//!   BEGIN ── SAVEPOINT cockroach_restart ── statements ── RELEASE (commits) ── COMMIT
//!                       ▲                        │ 40001      │ 40001
//!                       └── ROLLBACK TO ─────────┴────────────┘
//! ```
//!
//! An ordinary savepoint keeps what was read before it, so going back to one cannot mend a
//! conflict. This one stands before everything: going back begins a new transaction.

use super::Session;
use super::block::Savepoint;
use crate::error::{Error, Result, sqlstate};

/// The name that makes a savepoint the beginning of its transaction.
pub(super) const RESTART_SAVEPOINT: &str = "cockroach_restart";

impl Session {
    /// ROLLBACK TO SAVEPOINT cockroach_restart: the block begins anew, on a fresh snapshot.
    pub(super) fn restart_block(&mut self) -> Result<()> {
        let Some(old) = self.block.take() else { return Ok(()) };
        let modes = old.restart_modes();
        let state = old.savepoints.first().map(|s| Box::new(s.state.clone()));
        let (before, locals) = (old.before, old.locals);
        // Its locks must be free before the new transaction asks for the same ones.
        drop(old.txn);
        self.restore_variables(state);
        self.begin(true, &modes)?;
        let state = self.state.clone();
        if let Some(block) = &mut self.block {
            (block.before, block.locals) = (before, locals);
            let id = block.txn.savepoint();
            block.savepoints.push(Savepoint { name: RESTART_SAVEPOINT.to_owned(), id, state });
        }
        Ok(())
    }

    /// RELEASE SAVEPOINT cockroach_restart: commits, while a conflict can still be answered by
    /// ROLLBACK TO. Afterwards the block takes only its end.
    pub(super) fn commit_on_release(&mut self) -> Result<()> {
        let Some(block) = &mut self.block else { return Ok(()) };
        let rest = crate::mvcc::TxnOptions {
            isolation: block.txn.isolation(),
            read_only: block.txn.is_read_only(),
            interrupt: self.interrupt.clone(),
            ..crate::mvcc::TxnOptions::default()
        };
        let rest = self.server.mvcc.begin(rest)?;
        std::mem::replace(&mut block.txn, rest).commit()?;
        block.committed = true;
        block.savepoints.clear();
        Ok(())
    }

    /// Refuses statements between the commit by RELEASE and the end of the block.
    pub(super) fn check_not_committed(&self) -> Result<()> {
        if self.block.as_ref().is_some_and(|b| b.committed) {
            return Err(Error::new(
                sqlstate::INVALID_TRANSACTION_STATE,
                "current transaction is committed, commands ignored until end of transaction block",
            ));
        }
        Ok(())
    }
}
