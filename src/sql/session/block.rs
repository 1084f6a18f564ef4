//! The open transaction of a session.

use sqlparser::ast::Expr;

use super::Session;
use super::extended::Portal;
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::mvcc::{Isolation, SavepointId, Txn, TxnOptions};
use crate::sql::bind::ParameterTypes;
use crate::sql::client::Client;
use crate::sql::exec::context::EvalContext;
use crate::sql::statement::{apply_on_commit, historic_timestamp};
use crate::sql::variables::SessionState;
use crate::syntax::{self, TransactionModes};
use crate::types::{Datum, Type};

/// An open transaction.
pub(super) struct Block {
    /// The transaction of the store.
    pub txn: Txn,
    /// Whether it was begun by BEGIN and ends by COMMIT or ROLLBACK.
    pub explicit: bool,
    /// Whether a statement has failed.
    pub failed: bool,
    /// `now()`: microseconds since 2000-01-01 UTC.
    pub time: i64,
    /// Statements that have run in it.
    pub statements: u64,
    /// Savepoints, innermost last.
    pub savepoints: Vec<Savepoint>,
    /// Whether RELEASE SAVEPOINT cockroach_restart has committed it: only its end is taken.
    pub committed: bool,
    /// Where the running statement began, if others ran before it.
    pub restart: Option<SavepointId>,
    /// How it was begun.
    modes: TransactionModes,
    /// The session as it was before the first SET of the transaction.
    pub before: Option<Box<SessionState>>,
    /// Variables that SET LOCAL changed, with the texts to go back to at the end.
    pub locals: Vec<(String, String)>,
}

impl Block {
    /// How to begin it again.
    pub fn restart_modes(&self) -> TransactionModes {
        TransactionModes { read_only: Some(self.txn.is_read_only()), ..self.modes.clone() }
    }

    /// Whether it reads the past.
    pub fn is_historic(&self) -> bool {
        self.modes.as_of.is_some()
    }
}

/// A named point to return to.
pub(super) struct Savepoint {
    /// Its name.
    pub name: String,
    /// The store's.
    pub id: SavepointId,
    /// The session's variables at that point.
    pub state: SessionState,
}

impl Session {
    /// Opens an implicit block unless one is open. Returns whether it did.
    pub(super) fn ensure_block(&mut self) -> Result<bool> {
        if self.block.is_some() {
            return Ok(false);
        }
        self.begin(false, &TransactionModes::default())?;
        Ok(true)
    }

    /// Opens a block.
    pub(super) fn begin(&mut self, explicit: bool, modes: &TransactionModes) -> Result<()> {
        let as_of = match &modes.as_of {
            Some(_) if modes.read_only == Some(false) => {
                return Err(Error::syntax("AS OF SYSTEM TIME specified with READ WRITE mode"));
            }
            Some(expr) => Some(self.moment(expr, &[], &[])?),
            None => None,
        };
        self.open(explicit, modes, as_of)
    }

    /// Opens a block that reads now, or at a moment of the past.
    pub(super) fn open(
        &mut self,
        explicit: bool,
        modes: &TransactionModes,
        as_of: Option<Timestamp>,
    ) -> Result<()> {
        let isolation = match modes.isolation {
            Some(level) => isolation_of(level),
            None => self.default_isolation(),
        };
        let on = |name: &str| self.state.variables.get(name).is_some_and(|v| v == "on");
        let options = TxnOptions {
            isolation,
            read_only: modes.read_only.unwrap_or_else(|| on("default_transaction_read_only")),
            as_of,
            interrupt: self.interrupt.clone(),
            lock_timeout: super::variable::duration(&self.state, "lock_timeout"),
        };
        let txn = self.server.mvcc.begin(options)?;
        let time = match as_of {
            Some(at) => at.sql_micros(),
            None => self.server.clock.now().sql_micros(),
        };
        self.state.format.now = time;
        self.block = Some(Block {
            txn,
            explicit,
            failed: false,
            committed: false,
            time,
            statements: 0,
            savepoints: Vec::new(),
            restart: None,
            modes: modes.clone(),
            before: None,
            locals: Vec::new(),
        });
        Ok(())
    }

    /// The moment that an AS OF SYSTEM TIME clause means, outside of any transaction.
    pub(super) fn moment(
        &mut self,
        expr: &Expr,
        params: &[Datum],
        types: &[Type],
    ) -> Result<Timestamp> {
        let catalog = self.server.catalog.current()?;
        let now = self.server.clock.now();
        let mut ctx = EvalContext {
            server: &self.server,
            session: &mut self.state,
            catalog: &catalog,
            params,
            statement_time: now.sql_micros(),
            transaction_time: now.sql_micros(),
            read_at: now,
            interrupt: &self.interrupt,
        };
        let mut types = ParameterTypes(types.iter().cloned().map(Some).collect());
        historic_timestamp(expr, &mut types, &mut ctx)
    }

    pub(super) fn default_isolation(&self) -> Isolation {
        match self.state.variables.get("default_transaction_isolation").map(String::as_str) {
            Some("read committed" | "read uncommitted") => Isolation::ReadCommitted,
            Some("repeatable read" | "snapshot") => Isolation::Snapshot,
            _ => Isolation::Serializable,
        }
    }

    /// Commits the block.
    pub(super) fn commit(&mut self, client: &mut dyn Client) -> Result<()> {
        if !self.state.on_commit.is_empty()
            && self.block.is_some()
            && let Err(e) = self.apply_on_commit(client)
        {
            self.rollback();
            return Err(e);
        }
        let Some(block) = self.block.take() else { return Ok(()) };
        self.portals.retain(Portal::survives_commit);
        match block.txn.commit() {
            Ok(_) => {
                let by_function = std::mem::take(&mut self.state.local_values);
                let locals = block.locals.into_iter().chain(by_function);
                for (name, value) in locals.collect::<Vec<_>>().into_iter().rev() {
                    self.shapes.clear();
                    super::variable::apply(&mut self.state, &name, &value)?;
                }
                Ok(())
            }
            Err(e) => {
                self.restore_variables(block.before);
                Err(super::run::explained(e))
            }
        }
    }

    /// What a commit does to temporary tables.
    fn apply_on_commit(&mut self, client: &mut dyn Client) -> Result<()> {
        // Half read portals would go on reading what is about to go.
        self.portals.retain(Portal::survives_commit);
        apply_on_commit(&mut self.work_for(&[], &[], &[], false, client)?)
    }

    /// Gives the block up.
    pub(super) fn rollback(&mut self) {
        if let Some(block) = self.block.take() {
            self.portals.retain(Portal::survives_commit);
            self.restore_variables(block.before);
            for (name, value) in std::mem::take(&mut self.state.local_values).into_iter().rev() {
                // A value that was in force before is valid.
                let _ = super::variable::apply(&mut self.state, &name, &value);
            }
        }
    }

    /// What an error does to the block: an implicit one is over, an explicit one has failed.
    pub(super) fn fail(&mut self) {
        match &mut self.block {
            Some(block) if block.explicit => block.failed = true,
            Some(_) => self.rollback(),
            None => {}
        }
    }

    /// Remembers the session's variables before the first SET of a transaction.
    pub(super) fn remember_variables(&mut self) {
        if let Some(block) = &mut self.block
            && block.before.is_none()
        {
            block.before = Some(Box::new(self.state.clone()));
        }
    }

    pub(super) fn restore_variables(&mut self, before: Option<Box<SessionState>>) {
        let Some(before) = before else { return };
        self.seen = None;
        self.shapes.clear();
        // Sequences are not transactional, and neither is what a session knows of them.
        let sequence_values = std::mem::take(&mut self.state.sequence_values);
        let last_sequence = self.state.last_sequence;
        self.state = SessionState { sequence_values, last_sequence, ..*before };
    }

    /// The savepoint with a name.
    pub(super) fn savepoint_index(&self, name: &str) -> Result<usize> {
        let savepoints = self.block.as_ref().map(|b| b.savepoints.as_slice()).unwrap_or_default();
        savepoints.iter().rposition(|s| s.name == name).ok_or_else(|| {
            Error::new(
                sqlstate::INVALID_SAVEPOINT_SPECIFICATION,
                format!("savepoint \"{name}\" does not exist"),
            )
        })
    }
}

/// The level that one gets for the level that one asks for.
pub(super) fn isolation_of(level: syntax::Isolation) -> Isolation {
    match level {
        syntax::Isolation::ReadUncommitted | syntax::Isolation::ReadCommitted => {
            Isolation::ReadCommitted
        }
        syntax::Isolation::RepeatableRead | syntax::Isolation::Snapshot => Isolation::Snapshot,
        syntax::Isolation::Serializable => Isolation::Serializable,
    }
}

/// The name of a level, as SHOW says it.
pub(super) fn isolation_name(level: Isolation) -> &'static str {
    match level {
        Isolation::Serializable => "serializable",
        Isolation::Snapshot => "repeatable read",
        Isolation::ReadCommitted => "read committed",
    }
}
