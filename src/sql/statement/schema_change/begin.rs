//! The statement's part: the mutation, the job, and the wait for its end.

use std::sync::Arc;

use super::KIND;
use crate::catalog::descriptor::{TableDescriptor, TableKind};
use crate::catalog::mutation::{Change, Form, Mutation, NewValue, SchemaChange};
use crate::error::{Error, Result, sqlstate};
use crate::jobs::{JobId, NewJob};
use crate::keys::{IndexId, TableId, index_span};
use crate::kv::Access;
use crate::mvcc::ScanOptions;
use crate::sql::server::Server;
use crate::sql::statement::table::Draft;
use crate::sql::statement::{Outcome, Work};
use crate::task::{Cause, Interrupt};

/// A change that is to be a job's.
pub(in crate::sql::statement) struct Wanted {
    /// What is done.
    pub change: Change,
    /// The statement, for those who look at the job.
    pub description: String,
    /// The statement's tag.
    pub tag: &'static str,
}

/// An index that was added to a draft, taken out of it again to be a change.
pub(in crate::sql::statement) fn index_of(draft: &mut Draft, id: IndexId) -> Result<Change> {
    let at = draft.table.indexes.iter().position(|i| i.id == id);
    let at = at.ok_or_else(|| Error::internal("an added index is not in the draft"))?;
    Ok(Change::Index { index: draft.table.indexes.remove(at), filled: false })
}

/// What a draft makes of a table that stays as it is meanwhile: another form, under numbers that the
/// draft has given to some of its indexes.
pub(in crate::sql::statement) fn form_of(
    draft: &mut Draft,
    table: &TableDescriptor,
    indexes: Vec<IndexId>,
    values: Vec<NewValue>,
) -> Change {
    let base = TableDescriptor {
        next_index_id: draft.table.next_index_id,
        next_column_id: draft.table.next_column_id,
        ..table.clone()
    };
    let table = std::mem::replace(&mut draft.table, base.clone());
    Change::Form(Box::new(Form { table, base, indexes, values, filled: false }))
}

/// Whether a change of a table is a job's: the statement is a transaction of its own, and there
/// are rows that others may be changing.
pub(in crate::sql::statement) fn is_online(
    work: &mut Work<'_>,
    table: &TableDescriptor,
) -> Result<bool> {
    let usual = table.kind == TableKind::Table && !table.temporary;
    if work.explicit || !usual || !work.server.jobs.can_run(KIND) {
        return Ok(false);
    }
    let span = index_span(table.id, table.primary_index.id);
    let options = ScanOptions { reverse: false, access: Access::Range, record: false };
    work.txn.scan_with(&span, options)?.next()
}

/// Writes a draft with a change among its mutations, creates the job that carries it through, and
/// answers when that has ended. The table is held.
pub(in crate::sql::statement) fn begin(
    work: &mut Work<'_>,
    mut draft: Draft,
    wanted: Wanted,
) -> Result<Outcome> {
    let Wanted { change, description, tag } = wanted;
    let job = work.server.jobs.next_id();
    let details = change.details(draft.table.id)?;
    let filled: SchemaChange = serde_json::from_value(details.clone())
        .map_err(|e| Error::internal("the details of a job cannot be read").with_source(e))?;
    let mvcc = Arc::clone(&work.server.mvcc);
    for index in &filled.indexes {
        // What an attempt of a transaction that took the same number has left behind.
        let span = index_span(draft.table.id, *index);
        if mvcc.snapshot(mvcc.visible())?.scan(&span, false, Access::Range)?.next()? {
            mvcc.clear_span(&span)?;
        }
    }
    let jobs = Arc::clone(&work.server.jobs);
    jobs.create(
        work.txn,
        NewJob {
            kind: KIND,
            description,
            user: work.session.current_user.to_string(),
            descriptor_ids: vec![draft.table.id],
            details,
            created_by: None,
            id: Some(job),
        },
    )?;
    draft.table.mutations.push(Mutation { job, change });
    draft.write(work)?;
    Ok(Outcome::AfterCommit(Box::new(move |server: &Arc<Server>, interrupt: &Interrupt| {
        let record = server.jobs.wait(job, interrupt).map_err(|e| goes_on(e, job, interrupt))?;
        server.jobs.outcome_of(&record)?;
        Outcome::done(tag)
    })))
}

/// Whoever stops waiting does not stop the job.
fn goes_on(e: Error, job: JobId, interrupt: &Interrupt) -> Error {
    match interrupt.cause() {
        Some(Cause::Shutdown) | None => e,
        Some(_) => e.with_hint(format!(
            "The schema change goes on as job {job}; CANCEL JOB {job} takes it back."
        )),
    }
}

/// Waits until nobody else's change of a table is under way; refused with 55006 within a
/// transaction block, where it might wait for itself.
pub(in crate::sql::statement) fn await_others(work: &Work<'_>, id: TableId) -> Result<()> {
    loop {
        let catalog = work.server.catalog.current()?;
        let Some(table) = catalog.table_any_state(id) else { return Ok(()) };
        let Some(mutation) = table.mutations.first() else { return Ok(()) };
        if work.explicit {
            return Err(in_progress(table, mutation.job));
        }
        let record = work.server.jobs.wait(mutation.job, work.interrupt)?;
        let now = work.server.catalog.current()?;
        let still = now.table_any_state(id).is_some_and(|t| t.mutations.contains(mutation));
        if still || !record.state.is_terminal() {
            return Err(in_progress(table, mutation.job));
        }
    }
}

/// 55006: somebody else changes the table.
pub(in crate::sql::statement) fn in_progress(table: &TableDescriptor, job: JobId) -> Error {
    Error::new(
        sqlstate::OBJECT_IN_USE,
        format!("a schema change of relation \"{}\" is in progress", table.name),
    )
    .with_detail(format!("Job {job} carries it through."))
    .with_hint(format!(
        "SHOW JOB WHEN COMPLETE {job} waits for it, CANCEL JOB {job} takes it back."
    ))
}
