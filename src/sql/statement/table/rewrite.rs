//! Reading every row of a table and writing it anew under other index numbers.

use std::cell::Cell;
use std::sync::Arc;

use super::draft::Draft;
use super::load::Loader;
use super::{check, expression};
use crate::catalog::descriptor::{SequenceOptions, TableDescriptor};
use crate::catalog::row::TableCodec;
use crate::catalog::sequence::Position;
use crate::error::{Error, Result};
use crate::keys::{IndexId, index_span};
use crate::kv::Access;
use crate::limits::BATCH_ROWS;
use crate::mvcc::ScanOptions;
use crate::sql::exec::eval::Expr;
use crate::sql::statement::Work;
use crate::types::{Datum, Type};

/// Where the value of a column of the new form comes from, if not from the same column of the old.
pub(super) enum Source {
    /// An expression over the old row.
    Old(Expr),
    /// An expression over the new row, evaluated after all others.
    New(Expr),
    /// A number for the row.
    RowId,
    /// The next number of a sequence that nobody else knows yet.
    Counter(Counter),
}

/// Counts as a sequence does, without asking the store for every few numbers.
pub(super) struct Counter {
    name: String,
    options: SequenceOptions,
    position: Cell<Position>,
}

impl Counter {
    /// From the start of a sequence; `None` if the relation is none.
    pub fn new(sequence: &TableDescriptor) -> Option<Counter> {
        let options = sequence.sequence()?.clone();
        let position = Position { last_value: options.start, is_called: false };
        Some(Counter { name: sequence.name.clone(), options, position: Cell::new(position) })
    }

    /// Where the sequence stands.
    pub fn position(&self) -> Position {
        self.position.get()
    }

    fn next(&self, ty: &Type) -> Result<Datum> {
        let next = self.position.get().next(&self.name, &self.options)?;
        self.position.set(Position { last_value: next, is_called: true });
        let narrow = |_| Error::internal("a sequence counts beyond its type");
        Ok(match ty {
            Type::Int2 => Datum::Int2(i16::try_from(next).map_err(narrow)?),
            Type::Int4 => Datum::Int4(i32::try_from(next).map_err(narrow)?),
            _ => Datum::Int8(next),
        })
    }
}

/// Fills indexes that were added to a table.
pub(in crate::sql::statement) fn fill(
    work: &mut Work<'_>,
    old: &Arc<TableDescriptor>,
    new: &Arc<TableDescriptor>,
    indexes: &[IndexId],
) -> Result<u64> {
    rewrite(work, old, new, indexes, &[])
}

/// Fills indexes that were added to a draft. Hidden columns that came with them are written into
/// every row first, under a new number of the primary index.
pub(super) fn with_expressions(
    work: &mut Work<'_>,
    old: &Arc<TableDescriptor>,
    draft: &mut Draft,
    added: &[IndexId],
) -> Result<()> {
    let catalog = work.catalog()?;
    let mut sources = Vec::new();
    for (position, column) in draft.table.columns.iter().enumerate() {
        if let Some(sql) = column.indexed_expression()
            && old.column(column.id).is_none()
        {
            let expr = expression::compile(work, &catalog, sql, &draft.table)?;
            sources.push((position, Source::New(expr)));
        }
    }
    let mut indexes = added.to_vec();
    if !sources.is_empty() {
        let id = draft.next_index_id();
        draft.table.primary_index.id = id;
        indexes.push(id);
    }
    rewrite(work, old, &Arc::new(draft.table.clone()), &indexes, &sources)?;
    Ok(())
}

/// Fills indexes of the new form of a table from the rows of the old. `sources` gives positions in
/// the new form. Columns that must not be NULL any more are checked.
pub(super) fn rewrite(
    work: &mut Work<'_>,
    old: &Arc<TableDescriptor>,
    new: &Arc<TableDescriptor>,
    indexes: &[IndexId],
    sources: &[(usize, Source)],
) -> Result<u64> {
    let codec = Arc::new(TableCodec::new(new)?);
    let catalog = work.catalog()?;
    let mut loader = Loader::new(work, new, &codec, indexes)?;
    let places: Vec<Option<usize>> = new.columns.iter().map(|c| old.position(c.id)).collect();
    let strict: Vec<usize> = (0..)
        .zip(&new.columns)
        .filter(|(_, c)| !c.nullable && old.column(c.id).is_none_or(|before| before.nullable))
        .map(|(position, _)| position)
        .collect();
    each_row(work, old, |work, before| {
        let mut row: Vec<Datum> = places
            .iter()
            .map(|p| p.and_then(|p| before.get(p)).cloned().unwrap_or(Datum::Null))
            .collect();
        for (position, source) in sources {
            let value = match source {
                Source::Old(expr) => expression::value(work, &catalog, expr, before)?,
                Source::RowId => Datum::Int8(work.server.ids.next(&*work.server.clock)),
                Source::Counter(counter) => {
                    counter.next(new.columns.get(*position).map_or(&Type::Int8, |c| &c.ty.ty))?
                }
                Source::New(_) => continue,
            };
            if let Some(slot) = row.get_mut(*position) {
                *slot = value;
            }
        }
        for (position, source) in sources {
            if let Source::New(expr) = source {
                let value = expression::value(work, &catalog, expr, &row)?;
                if let Some(slot) = row.get_mut(*position) {
                    *slot = value;
                }
            }
        }
        check::not_null(work, new, &strict, &row)?;
        loader.add(work, &row)
    })?;
    loader.finish(work)
}

/// Shows every row of a table as the transaction sees it. The table must be held.
pub(super) fn each_row(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    mut each: impl FnMut(&mut Work<'_>, &[Datum]) -> Result<()>,
) -> Result<()> {
    let codec = TableCodec::new(table)?;
    let span = index_span(table.id, table.primary_index.id);
    // Nobody else writes to a table that is held, so there is no need to remember what was read.
    let options = ScanOptions { reverse: false, access: Access::Bulk, record: false };
    let mut scan = work.txn.scan_with(&span, options)?;
    let mut count = 0usize;
    while scan.next()? {
        let row = codec.decode_row(scan.key(), scan.value())?;
        each(work, &row)?;
        count += 1;
        if count.is_multiple_of(BATCH_ROWS) {
            work.interrupt.check()?;
        }
    }
    Ok(())
}
