//! Changing rows: INSERT, UPDATE, DELETE and what follows from them.
//!
//! ```text
//!   insert.rs  update.rs  delete.rs     which rows, in which order; ON CONFLICT; RETURNING
//!        └─────────┼─────────┘
//!              writer.rs                one row: NOT NULL, CHECK, unique keys, every index entry
//!                  │
//!              effects.rs               foreign keys, at the end of the statement
//!                  └── cascade.rs       … and rows of other tables that change with them
//! ```
//!
//! Invariants:
//! - All constraints hold when the statement ends, or nothing of it remains: the session rolls back
//!   to the statement's savepoint on any error.
//! - An index entry exists exactly for the rows that the index covers (partial predicates).
//! - A foreign key's parent row is locked, shared, until the transaction ends, so that the check
//!   holds at every isolation level.
//! - Keys of one batch are locked in key order.

pub mod cascade;
pub mod delete;
pub mod effects;
pub mod foreign_key;
pub mod form;
pub mod insert;
pub mod references;
pub mod update;
pub mod violation;
pub mod writer;

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::keys::TableId;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::eval::Expr;
use crate::sql::exec::memory::Charge;
use crate::sql::exec::write::writer::TableWriter;
use crate::sql::exec::{BoxOperator, Run};
use crate::types::Datum;

/// The tables that a statement may change: its own, and those that follow by foreign keys.
#[derive(Default)]
pub struct Writers {
    tables: HashMap<TableId, TableWriter>,
}

impl Writers {
    /// Adds a table.
    pub fn add(&mut self, writer: TableWriter) {
        self.tables.insert(writer.table.id, writer);
    }

    /// Whether a table is there already.
    pub fn contains(&self, table: TableId) -> bool {
        self.tables.contains_key(&table)
    }

    /// Keeps the tables, those that they refer to and those that refer to them as they are until
    /// the transaction ends: nobody changes their definition under rows that are being written.
    pub fn pin(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let mut ids: Vec<TableId> = Vec::with_capacity(4);
        for writer in self.tables.values() {
            ids.push(writer.table.id);
            ids.extend(writer.outgoing.iter().map(|f| f.parent.table.id));
            ids.extend(writer.incoming.iter().map(|f| f.child));
        }
        // In one order, so that two statements do not wait for each other.
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            run.ctx.eval.server.catalog.pin(run.ctx.txn, id)?;
        }
        Ok(())
    }

    /// The writer of a table.
    pub fn get(&self, table: TableId) -> Result<&TableWriter> {
        self.tables
            .get(&table)
            .ok_or_else(|| Error::internal(format!("no writer was planned for table {table}")))
    }
}

/// All rows of an input, in one batch after the other.
pub(super) fn drain(
    input: &mut BoxOperator,
    charge: &mut Charge,
    run: &mut Run<'_, '_>,
) -> Result<Vec<Batch>> {
    let mut all = Vec::new();
    while let Some(batch) = input.next(run)? {
        run.check()?;
        charge.add(batch.bytes(), run)?;
        all.push(batch);
    }
    Ok(all)
}

/// The values of a row at some positions.
pub(super) fn pick(row: &[Datum], positions: &[usize]) -> Vec<Datum> {
    positions.iter().map(|p| row.get(*p).cloned().unwrap_or(Datum::Null)).collect()
}

/// What RETURNING makes of rows.
pub(super) fn returned(
    exprs: &[Expr],
    rows: Batch,
    out: &mut Vec<Batch>,
    charge: &mut Charge,
    run: &mut Run<'_, '_>,
) -> Result<()> {
    if rows.rows == 0 {
        return Ok(());
    }
    let mut columns = Vec::with_capacity(exprs.len());
    for expr in exprs {
        columns.push(expr.column(run, &rows)?);
    }
    let batch = Batch { columns, rows: rows.rows };
    charge.add(batch.bytes(), run)?;
    out.push(batch);
    Ok(())
}
