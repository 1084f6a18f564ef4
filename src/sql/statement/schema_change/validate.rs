//! Whether the rows that are there satisfy a constraint which holds for all that is written.

use super::job::Run;
use super::lens::Lens;
use crate::catalog::descriptor::{ColumnId, ForeignKey};
use crate::error::{Error, Result};
use crate::keys::index_span;
use crate::kv::Access;
use crate::limits::BATCH_ROWS;
use crate::mvcc::Snapshot;
use crate::sql::exec::write::foreign_key::parent_key;
use crate::sql::exec::write::references::References;
use crate::sql::statement::table::{null_found, violated};
use crate::types::Datum;

/// What people see while it goes on.
const STATUS: &str = "validating schema";

/// The rows of a table, all as of one time.
fn each_row(
    run: &Run<'_>,
    lens: &mut Lens,
    mut each: impl FnMut(&mut Lens, &Snapshot, Vec<Datum>) -> Result<()>,
) -> Result<()> {
    run.job.report(0.0, STATUS)?;
    let mvcc = &run.server.mvcc;
    let now = mvcc.snapshot(mvcc.now())?;
    let span = index_span(lens.table.id, lens.table.primary_index.id);
    let mut scan = now.scan(&span, false, Access::Bulk)?;
    let mut count = 0usize;
    while scan.next()? {
        let row = lens.codec.decode_row(scan.key(), scan.value())?;
        each(lens, &now, row)?;
        count += 1;
        if count.is_multiple_of(BATCH_ROWS) {
            run.job.interrupt().check()?;
        }
    }
    Ok(())
}

/// Fails if a row violates a constraint of the table: 23514, 23503.
pub fn constraint(run: &Run<'_>, lens: &mut Lens, name: &str) -> Result<()> {
    let table = lens.table.clone();
    if let Some(check) = table.checks.iter().find(|c| c.name == name) {
        let predicate = lens.compile(&check.expression)?;
        return each_row(run, lens, |lens, _, row| match lens.value(&predicate, &row)? {
            Datum::Bool(false) => Err(violated(&table, &lens.schema, name)),
            _ => Ok(()),
        });
    }
    match table.foreign_keys.iter().find(|f| f.name == name) {
        Some(key) => foreign_key(run, lens, key),
        None => Err(Error::internal("a constraint to validate is not there")),
    }
}

fn foreign_key(run: &Run<'_>, lens: &mut Lens, key: &ForeignKey) -> Result<()> {
    let table = lens.table.clone();
    let parent = lens
        .catalog
        .table_any_state(key.referenced_table)
        .cloned()
        .ok_or_else(|| Error::internal("a referenced table went missing"))?;
    let parents = parent_key(&parent, &lens.catalog.codec(parent.id)?, &key.referenced_columns)?
        .ok_or_else(|| Error::internal("a referenced key went missing"))?;
    let mut references = References::new(&table, key, parents);
    each_row(run, lens, |lens, now, row| {
        match references.flaw(&row, |at| Ok(now.get(at)?.is_some()))? {
            Some(flaw) => {
                Err(references.violation(flaw, &table, &lens.schema, &lens.session.format))
            }
            None => Ok(()),
        }
    })
}

/// Fails with 23502 if a row has NULL in a column.
pub fn not_null(run: &Run<'_>, lens: &mut Lens, column: ColumnId) -> Result<()> {
    let table = lens.table.clone();
    let position = table.position(column);
    let position = position.ok_or_else(|| Error::internal("a column went missing"))?;
    each_row(run, lens, |lens, _, row| match row.get(position) {
        Some(value) if !value.is_null() => Ok(()),
        _ => Err(null_found(&table, &lens.schema, position)),
    })
}
