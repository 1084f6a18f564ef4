//! BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, ROLLBACK TO, SET TRANSACTION.

use super::block::{Savepoint, isolation_name, isolation_of};
use super::restart::RESTART_SAVEPOINT;
use super::{Session, in_failed_block};
use crate::error::{Error, Result, sqlstate};
use crate::sql::client::{Client, Severity};
use crate::syntax::{SetTransaction, Statement, TransactionModes};

/// Savepoints of one transaction, at most.
const SAVEPOINTS_MAX: usize = 10_000;

impl Session {
    /// Runs a statement of transaction control and gives its tag; `None` if it is none.
    pub(super) fn control(
        &mut self,
        statement: &Statement,
        client: &mut dyn Client,
    ) -> Result<Option<&'static str>> {
        match statement {
            Statement::Savepoint(_)
            | Statement::ReleaseSavepoint(_)
            | Statement::RollbackTo(_)
            | Statement::SetTransaction(_) => self.check_not_committed()?,
            _ => {}
        }
        Ok(Some(match statement {
            Statement::Begin(modes) => self.begin_block(modes, client)?,
            Statement::Commit { chain } => self.end_block(true, *chain, client)?,
            Statement::Rollback { chain } => self.end_block(false, *chain, client)?,
            Statement::Savepoint(name) => {
                self.set_savepoint(&name.value)?;
                "SAVEPOINT"
            }
            Statement::ReleaseSavepoint(name) => {
                self.release_savepoint(&name.value)?;
                "RELEASE"
            }
            Statement::RollbackTo(name) => {
                self.return_to_savepoint(&name.value)?;
                "ROLLBACK"
            }
            Statement::SetTransaction(set) => {
                self.set_transaction(set, client)?;
                "SET"
            }
            _ => return Ok(None),
        }))
    }

    fn begin_block(
        &mut self,
        modes: &TransactionModes,
        client: &mut dyn Client,
    ) -> Result<&'static str> {
        match &mut self.block {
            Some(block) if block.failed => return Err(in_failed_block()),
            Some(block) if block.explicit => {
                let warning = Error::new(
                    sqlstate::ACTIVE_SQL_TRANSACTION,
                    "there is already a transaction in progress",
                );
                client.notice(Severity::Warning, &warning)?;
            }
            // What ran before BEGIN in the same text belongs to the block, as in PostgreSQL.
            Some(block) if block.statements > 0 => block.explicit = true,
            _ => {
                self.block = None;
                self.begin(true, modes)?;
            }
        }
        Ok("BEGIN")
    }

    fn end_block(
        &mut self,
        commit: bool,
        chain: bool,
        client: &mut dyn Client,
    ) -> Result<&'static str> {
        let Some(block) = self.block.as_ref().filter(|b| b.explicit) else {
            if chain {
                let verb = if commit { "COMMIT" } else { "ROLLBACK" };
                return Err(Error::new(
                    sqlstate::NO_ACTIVE_SQL_TRANSACTION,
                    format!("{verb} AND CHAIN can only be used in transaction blocks"),
                ));
            }
            let warning = Error::new(
                sqlstate::NO_ACTIVE_SQL_TRANSACTION,
                "there is no transaction in progress",
            );
            client.notice(Severity::Warning, &warning)?;
            if commit {
                self.commit(client)?;
                return Ok("COMMIT");
            }
            self.rollback();
            return Ok("ROLLBACK");
        };
        let modes = TransactionModes {
            read_only: Some(block.txn.is_read_only()),
            isolation: Some(match block.txn.isolation() {
                crate::mvcc::Isolation::Serializable => crate::syntax::Isolation::Serializable,
                crate::mvcc::Isolation::Snapshot => crate::syntax::Isolation::RepeatableRead,
                crate::mvcc::Isolation::ReadCommitted => crate::syntax::Isolation::ReadCommitted,
            }),
            ..TransactionModes::default()
        };
        let failed = block.failed;
        let tag = if block.committed {
            // What was released is committed, whatever ends the block.
            self.commit(client)?;
            if commit { "COMMIT" } else { "ROLLBACK" }
        } else if commit && !failed {
            self.commit(client)?;
            "COMMIT"
        } else {
            self.rollback();
            "ROLLBACK"
        };
        if chain {
            self.begin(true, &modes)?;
        }
        Ok(tag)
    }

    fn set_savepoint(&mut self, name: &str) -> Result<()> {
        let state = self.state.clone();
        let block = self.explicit_block("SAVEPOINT")?;
        if block.failed {
            return Err(in_failed_block());
        }
        if name == RESTART_SAVEPOINT && (block.statements > 0 || !block.savepoints.is_empty()) {
            if block.statements == 0 && block.savepoints.iter().all(|s| s.name == name) {
                return Ok(());
            }
            return Err(Error::new(
                sqlstate::INVALID_SAVEPOINT_SPECIFICATION,
                format!("SAVEPOINT \"{name}\" needs to be the first statement in a transaction"),
            ));
        }
        if block.savepoints.len() >= SAVEPOINTS_MAX {
            return Err(Error::new(
                sqlstate::PROGRAM_LIMIT_EXCEEDED,
                format!("a transaction may have at most {SAVEPOINTS_MAX} savepoints"),
            ));
        }
        let id = block.txn.savepoint();
        block.savepoints.push(Savepoint { name: name.to_owned(), id, state });
        Ok(())
    }

    fn release_savepoint(&mut self, name: &str) -> Result<()> {
        let block = self.explicit_block("RELEASE SAVEPOINT")?;
        if block.failed {
            return Err(in_failed_block());
        }
        let index = self.savepoint_index(name)?;
        if name == RESTART_SAVEPOINT {
            return self.commit_on_release();
        }
        let block = self.explicit_block("RELEASE SAVEPOINT")?;
        let id = block.savepoints.get(index).map(|s| s.id);
        block.savepoints.truncate(index);
        match id {
            Some(id) => block.txn.release(id),
            None => Ok(()),
        }
    }

    fn return_to_savepoint(&mut self, name: &str) -> Result<()> {
        self.explicit_block("ROLLBACK TO SAVEPOINT")?;
        let index = self.savepoint_index(name)?;
        if name == RESTART_SAVEPOINT {
            return self.restart_block();
        }
        let block = self.explicit_block("ROLLBACK TO SAVEPOINT")?;
        block.savepoints.truncate(index + 1);
        let Some((id, state)) = block.savepoints.last().map(|s| (s.id, s.state.clone())) else {
            return Ok(());
        };
        block.txn.rollback_to(id)?;
        block.failed = false;
        self.restore_variables(Some(Box::new(state)));
        Ok(())
    }

    fn set_transaction(&mut self, set: &SetTransaction, client: &mut dyn Client) -> Result<()> {
        if set.snapshot.is_some() {
            return Err(Error::unsupported("SET TRANSACTION SNAPSHOT"));
        }
        let modes = &set.modes;
        if set.session {
            self.remember_variables();
            if let Some(level) = modes.isolation {
                let name = isolation_name(isolation_of(level));
                super::variable::set(&mut self.state, "default_transaction_isolation", name)?;
            }
            if let Some(read_only) = modes.read_only {
                let word = if read_only { "on" } else { "off" };
                super::variable::set(&mut self.state, "default_transaction_read_only", word)?;
            }
            return Ok(());
        }
        let Some(block) = self.block.as_ref().filter(|b| b.explicit) else {
            let warning = Error::new(
                sqlstate::NO_ACTIVE_SQL_TRANSACTION,
                "SET TRANSACTION can only be used in transaction blocks",
            );
            return client.notice(Severity::Warning, &warning);
        };
        if block.failed {
            return Err(in_failed_block());
        }
        let fresh = block.statements == 0 && block.savepoints.is_empty();
        let changes = modes.as_of.is_some()
            || modes.isolation.is_some_and(|l| isolation_of(l) != block.txn.isolation());
        if changes && !fresh {
            return Err(Error::new(
                sqlstate::ACTIVE_SQL_TRANSACTION,
                "SET TRANSACTION ISOLATION LEVEL must be called before any query",
            ));
        }
        if fresh {
            let unless_past = || Some(block.txn.is_read_only()).filter(|_| modes.as_of.is_none());
            let read_only = modes.read_only.or_else(unless_past);
            let isolation = modes.isolation.or(match block.txn.isolation() {
                crate::mvcc::Isolation::Serializable => None,
                crate::mvcc::Isolation::Snapshot => Some(crate::syntax::Isolation::RepeatableRead),
                crate::mvcc::Isolation::ReadCommitted => {
                    Some(crate::syntax::Isolation::ReadCommitted)
                }
            });
            let modes = TransactionModes { read_only, isolation, ..modes.clone() };
            let before = self.block.take().and_then(|b| b.before);
            self.begin(true, &modes)?;
            if let Some(block) = &mut self.block {
                block.before = before;
            }
        } else if let (Some(read_only), Some(block)) = (modes.read_only, &mut self.block) {
            if !read_only && block.txn.is_read_only() {
                return Err(Error::new(
                    sqlstate::ACTIVE_SQL_TRANSACTION,
                    "transaction read-write mode must be set before any query",
                ));
            }
            block.txn.set_read_only(read_only);
        }
        Ok(())
    }

    fn explicit_block(&mut self, verb: &str) -> Result<&mut super::Block> {
        self.block.as_mut().filter(|b| b.explicit).ok_or_else(|| {
            Error::new(
                sqlstate::NO_ACTIVE_SQL_TRANSACTION,
                format!("{verb} can only be used in transaction blocks"),
            )
        })
    }
}
