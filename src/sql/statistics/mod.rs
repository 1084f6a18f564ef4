//! # Statistics: what the planner knows of a table's rows
//!
//! ANALYZE reads a table once, keeps a sample, and writes what it saw into
//! `system.table_statistics`, one row a column; backups carry these rows. The planner looks them up
//! when it reckons how many rows a predicate leaves or a join gives.
//!
//! ```text
//!   ANALYZE ──▶ collect: scan ─▶ sample ─▶ ColumnStatistics ──▶ system.table_statistics
//!                                                                      │ read once, kept
//!   planner ──▶ estimate ──▶ Known (by column of the query) ◀── Statistics::of(table)
//! ```
//!
//! Words: the *distinct* count is the number of different values; *common* values are those that
//! many rows have, each with its share of all rows; *bounds* cut the other values, in order, into
//! parts with equally many rows (an equi-depth histogram).
//!
//! Invariants:
//! - Statistics never change what a query answers, only how.
//! - A table without statistics is planned by its size and by fixed shares.
//! - What was read from the store is never trusted: an unreadable row counts as absent.
//!
//! What it is not: exact. Nor is it kept in step with each write: the number of rows is scaled by
//! how much the table's bytes have changed since.

mod collect;
mod column;

use std::collections::HashMap;
use std::sync::Arc;

use dashmap::DashMap;

use crate::catalog::descriptor::{ColumnId, TableDescriptor};
use crate::catalog::system::TABLE_STATISTICS;
use crate::error::Result;
use crate::keys::TableId;
use crate::mvcc::Mvcc;
use crate::types::Datum;

pub use collect::collect;
pub use column::{ColumnStatistics, Side};

/// What is known of one table.
#[derive(Debug, Default)]
pub struct TableStatistics {
    /// Rows when it was looked at.
    pub rows: f64,
    /// Bytes of its primary index then.
    pub bytes: f64,
    /// Its columns.
    pub columns: HashMap<ColumnId, Arc<ColumnStatistics>>,
}

/// The statistics of all tables, read when they are first asked for.
#[derive(Default)]
pub struct Statistics {
    tables: DashMap<TableId, Option<Arc<TableStatistics>>>,
}

impl Statistics {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known of a table, if something is.
    pub fn of(&self, mvcc: &Arc<Mvcc>, table: &TableDescriptor) -> Option<Arc<TableStatistics>> {
        if let Some(known) = self.tables.get(&table.id) {
            return known.clone();
        }
        let read = load(mvcc, table).unwrap_or_else(|error| {
            tracing::warn!(table = table.name, %error, "statistics could not be read");
            None
        });
        let read = read.map(Arc::new);
        self.tables.insert(table.id, read.clone());
        read
    }

    /// Forgets a table, so that what is stored is read again.
    pub fn forget(&self, table: TableId) {
        self.tables.remove(&table);
    }
}

/// Reads the stored rows of a table.
fn load(mvcc: &Arc<Mvcc>, table: &TableDescriptor) -> Result<Option<TableStatistics>> {
    let mut from = mvcc.snapshot(mvcc.visible())?;
    let rows = TABLE_STATISTICS.scan(&mut from, &[Datum::Int8(i64::from(table.id))])?;
    let mut found = TableStatistics::default();
    for row in rows {
        let [
            _,
            _,
            _,
            Datum::Array(columns),
            _,
            Datum::Int8(count),
            Datum::Int8(distinct),
            Datum::Int8(nulls),
            Datum::Bytea(histogram),
            ..,
        ] = row.as_slice()
        else {
            continue;
        };
        let [Datum::Int8(column)] = columns.items.as_slice() else { continue };
        let column = u32::try_from(*column).ok().and_then(|id| table.column(id));
        let Some(column) = column else { continue };
        let total = *count as f64;
        let Some((bytes, read)) = ColumnStatistics::read(
            &column.ty.ty,
            total,
            *distinct as f64,
            *nulls as f64,
            histogram,
        ) else {
            continue;
        };
        (found.rows, found.bytes) = (total, bytes);
        found.columns.insert(column.id, Arc::new(read));
    }
    Ok((!found.columns.is_empty()).then_some(found))
}
