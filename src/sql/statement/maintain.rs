//! Statements that tend tables: VACUUM, ANALYZE, REINDEX, LOCK, CHECKPOINT.
//!
//! Garbage is collected by the node, so VACUUM finds nothing left to do: it checks what it is given,
//! and is done.

use std::sync::Arc;

use sqlparser::ast::{Ident, ObjectName};

use super::table::{Draft, fill};
use super::{Outcome, Work, drop, object, view};
use crate::catalog::descriptor::{TableDescriptor, TableKind};
use crate::catalog::names;
use crate::catalog::privilege::{self, Privilege};
use crate::error::{Error, Result, sqlstate};
use crate::keys::IndexId;
use crate::mvcc::WaitPolicy;
use crate::sql::client::Severity;
use crate::sql::statistics;
use crate::syntax::{Analyze, LockTable, Maintain, Vacuum};

/// Tables with columns as VACUUM and ANALYZE list them.
type Listed = [(ObjectName, Vec<Ident>)];

fn check_tables(work: &mut Work<'_>, tables: &Listed) -> Result<Vec<Arc<TableDescriptor>>> {
    let mut found = Vec::with_capacity(tables.len());
    for (name, columns) in tables {
        let table = object::relation(work, name)?;
        for column in columns {
            if table.column_named(&column.value).is_none() {
                return Err(Error::new(
                    sqlstate::UNDEFINED_COLUMN,
                    format!(
                        "column \"{}\" of relation \"{}\" does not exist",
                        column.value, table.name
                    ),
                ));
            }
        }
        found.push(table);
    }
    Ok(found)
}

fn refuse_block(work: &Work<'_>, what: &str) -> Result<()> {
    if !work.explicit {
        return Ok(());
    }
    Err(Error::new(
        sqlstate::ACTIVE_SQL_TRANSACTION,
        format!("{what} cannot run inside a transaction block"),
    ))
}

/// Runs VACUUM.
pub fn vacuum(stmt: &Vacuum, work: &mut Work<'_>) -> Result<Outcome> {
    refuse_block(work, "VACUUM")?;
    let tables = check_tables(work, &stmt.tables)?;
    if stmt.analyze {
        collect(work, tables)?;
    }
    Outcome::done("VACUUM")
}

/// Runs ANALYZE and CREATE STATISTICS.
pub fn analyze(stmt: &Analyze, work: &mut Work<'_>) -> Result<Outcome> {
    let tables = check_tables(work, &stmt.tables)?;
    collect(work, tables)?;
    Outcome::done(if stmt.name.is_some() { "CREATE STATISTICS" } else { "ANALYZE" })
}

/// Collects the statistics of some tables, or of all in the database.
fn collect(work: &mut Work<'_>, named: Vec<Arc<TableDescriptor>>) -> Result<()> {
    let catalog = work.catalog()?;
    let tables = if named.is_empty() {
        let here = catalog.database_named(&work.session.database)?.map(|database| database.id);
        let schemas = here.into_iter().flat_map(|id| catalog.schemas(id));
        schemas.flat_map(|schema| catalog.tables_in(schema.id)).cloned().collect()
    } else {
        named
    };
    let user = work.session.current_user.clone();
    for table in tables {
        let has_rows = matches!(table.kind, TableKind::Table | TableKind::MaterializedView { .. });
        if !has_rows || object::refuse_system(table.id, &table.name).is_err() {
            continue;
        }
        if privilege::require_owner(&catalog, &user, &table).is_err() {
            let skipped = format!("skipping \"{}\" --- only its owner can analyze it", table.name);
            let warning = Error::new(sqlstate::WARNING, skipped);
            work.client.notice(Severity::Warning, &warning)?;
            continue;
        }
        let codec = catalog.codec(table.id)?;
        let created = work.statement_time;
        statistics::collect(work.server, work.txn, &table, &codec, created, work.interrupt)?;
    }
    Ok(())
}

/// Runs REINDEX, CLUSTER and REFRESH.
pub fn run(stmt: &Maintain, work: &mut Work<'_>) -> Result<Outcome> {
    match stmt {
        Maintain::Refresh { view, concurrently, no_data } => {
            view::refresh(view, *concurrently, *no_data, work)
        }
        Maintain::Reindex { kind, name } => reindex(kind, name, work),
        Maintain::Cluster { .. } => Err(Error::unsupported("CLUSTER")
            .with_hint("Rows are always in the order of the primary key.")),
    }
}

/// Fills secondary indexes anew, under new numbers.
fn reindex(kind: &str, name: &ObjectName, work: &mut Work<'_>) -> Result<Outcome> {
    let (table, only) = match kind {
        "TABLE" => (object::relation(work, name)?, None),
        "INDEX" => {
            let words = object::words(name)?;
            let found = drop::find_index(work, None, name)?;
            let (table, index) = found.ok_or_else(|| names::undefined("relation", &words))?;
            (table, Some(index))
        }
        other => return Err(Error::unsupported(format!("REINDEX {other}"))),
    };
    object::refuse_system(table.id, &table.name)?;
    let catalog = work.catalog()?;
    privilege::require_owner(&catalog, &work.session.current_user, &table)?;
    let table = object::hold(work, table.id, WaitPolicy::Wait)?;
    let catalog = work.catalog()?;
    let mut draft = Draft::of(&catalog, &table)?;
    let mut ids: Vec<IndexId> = Vec::new();
    for at in 0..draft.table.indexes.len() {
        let wanted = draft.table.indexes.get(at).is_some_and(|i| only.is_none_or(|id| id == i.id));
        if !wanted {
            continue;
        }
        let id = draft.next_index_id();
        ids.push(id);
        if let Some(index) = draft.table.indexes.get_mut(at) {
            index.id = id;
        }
    }
    if !ids.is_empty() {
        fill(work, &table, &Arc::new(draft.table.clone()), &ids)?;
        draft.write(work)?;
    }
    Outcome::done("REINDEX")
}

/// Runs LOCK TABLE. Readers are never kept waiting: they read a snapshot.
pub fn lock(stmt: &LockTable, work: &mut Work<'_>) -> Result<Outcome> {
    if !work.explicit {
        return Err(Error::new(
            sqlstate::NO_ACTIVE_SQL_TRANSACTION,
            "LOCK TABLE can only be used in transaction blocks",
        ));
    }
    let mode = stmt.mode.trim_end_matches(" MODE");
    for name in &stmt.tables {
        let table = object::relation(work, name)?;
        if table.sequence().is_some() {
            return Err(Error::new(
                sqlstate::WRONG_OBJECT_TYPE,
                format!("\"{}\" is not a table or view", table.name),
            ));
        }
        let catalog = work.catalog()?;
        let user = work.session.current_user.clone();
        let needed: &[Privilege] = match mode {
            "ACCESS SHARE" => &[Privilege::Select],
            "ROW SHARE" | "ROW EXCLUSIVE" => {
                &[Privilege::Insert, Privilege::Update, Privilege::Delete, Privilege::Truncate]
            }
            _ => &[Privilege::Update, Privilege::Delete, Privilege::Truncate],
        };
        privilege::check_any(&catalog, &user, &table, needed)?;
        if matches!(table.kind, TableKind::View { .. }) {
            continue;
        }
        match mode {
            "ACCESS SHARE" => {}
            "ROW SHARE" | "ROW EXCLUSIVE" => work.server.catalog.pin(work.txn, table.id)?,
            _ => {
                let wait = if stmt.nowait { WaitPolicy::NoWait } else { WaitPolicy::Wait };
                object::keep(work, table.id, wait)?;
            }
        }
    }
    Outcome::done("LOCK TABLE")
}

/// Runs CHECKPOINT: what was written is on disk when it is done.
pub fn checkpoint(work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    privilege::require_admin(&catalog, &work.session.current_user, "run CHECKPOINT")?;
    work.server.mvcc.engine().flush()?;
    Outcome::done("CHECKPOINT")
}
