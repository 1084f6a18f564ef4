//! # integrity: whether a store holds what it should
//!
//! Reads everything at one moment and compares what must agree: rows with their index entries, in
//! both directions, rows with their constraints, the descriptors with each other.
//!
//! ```text
//!   catalog.rs   database ◀── schema ◀── table ──▶ columns, indexes, referenced tables
//!
//!   table.rs     row ──▶ NOT NULL, CHECK, FOREIGN KEY
//!                 │ ▲
//!                 ▼ │    as many entries as rows that have one, each equal to what the row says
//!                entry
//! ```
//!
//! Words: a *finding* is one thing that is wrong, with the object that it is wrong in.
//!
//! Invariants:
//! - Nothing is written, so that it can be run on a store that is open for reading only.
//! - A finding never ends the check; only what makes going on impossible (an interrupt) does.
//! - What is being filled, and so is no one's to read (offline tables, unfinished indexes), is left
//!   out and said to be.
//!
//! What it is not: a repair. What is wrong comes back from a backup, or by a new index.

mod catalog;
mod table;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::TableDescriptor;
use crate::error::{Error, Result, sqlstate};
use crate::mvcc::Snapshot;
use crate::sql::server::Server;
use crate::sql::variables::SessionState;
use crate::task::Interrupt;

/// Findings of one object that are told one by one; the rest are counted.
const TOLD: usize = 20;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The object: `database.schema.table`.
    pub object: String,
    /// What is wrong with it.
    pub what: String,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Objects of the catalogue.
    pub descriptors: usize,
    /// Tables whose rows were read.
    pub tables: usize,
    /// Tables that nobody may read yet.
    pub left_out: Vec<String>,
    /// Their rows.
    pub rows: u64,
    /// Entries of their indexes.
    pub entries: u64,
    /// What is wrong; of one object the first few.
    pub findings: Vec<Finding>,
    /// How many findings there are beyond those listed.
    pub more: u64,
    counts: HashMap<String, usize>,
}

impl Report {
    /// Whether all is well.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, object: &str, what: impl Into<String>) {
        let count = self.counts.entry(object.to_owned()).or_default();
        *count += 1;
        if *count > TOLD {
            self.more += 1;
        } else {
            self.findings.push(Finding { object: object.to_owned(), what: what.into() });
        }
    }

    /// Takes an error as a finding, unless it is a reason to stop.
    fn add_error(&mut self, object: &str, e: Error) -> Result<()> {
        if [sqlstate::QUERY_CANCELED, sqlstate::ADMIN_SHUTDOWN].contains(&e.code()) {
            return Err(e);
        }
        self.add(object, format!("{} ({})", e.message(), e.code().as_str()));
        Ok(())
    }
}

/// Looks at everything in the store.
pub fn check(server: &Arc<Server>, interrupt: &Interrupt) -> Result<Report> {
    let now = server.mvcc.snapshot(server.mvcc.visible())?;
    let snapshot = server.catalog.snapshot_at(&now)?;
    let mut report = Report::default();
    catalog::check(&snapshot, &mut report);
    let mut checker = Checker { server, interrupt, snapshot: &snapshot, now, session: session() };
    checker.session.see(&snapshot);
    for table in snapshot.tables_any_state().filter(|t| t.has_rows()) {
        let name = qualified(&snapshot, table);
        if !table.state.is_public() {
            report.left_out.push(name);
            continue;
        }
        report.tables += 1;
        if let Err(e) = table::check(&mut checker, table, &name, &mut report) {
            report.add_error(&name, e)?;
        }
    }
    Ok(report)
}

/// What the checks of tables share.
struct Checker<'a> {
    server: &'a Arc<Server>,
    interrupt: &'a Interrupt,
    snapshot: &'a Arc<CatalogSnapshot>,
    now: Snapshot,
    session: SessionState,
}

fn qualified(snapshot: &CatalogSnapshot, table: &TableDescriptor) -> String {
    let database = snapshot.database_any_state(table.database).map_or("?", |d| d.name.as_str());
    let schema = snapshot.schema_any_state(table.schema).map_or("?", |s| s.name.as_str());
    format!("{database}.{schema}.{}", table.name)
}

/// The surroundings of stored expressions: they name nothing by a search path.
fn session() -> SessionState {
    SessionState::of("root".into(), "system".into())
}
