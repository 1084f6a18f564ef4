//! Rows that follow their parents: ON DELETE and ON UPDATE CASCADE, SET NULL, SET DEFAULT.

use std::collections::HashSet;

use crate::catalog::descriptor::ReferentialAction;
use crate::error::{Error, Result};
use crate::kv::Access;
use crate::limits::BATCH_ROWS;
use crate::mvcc::Isolation;
use crate::sql::exec::Run;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::bounds::Place;
use crate::sql::exec::column::datum_bytes;
use crate::sql::exec::eval::Row;
use crate::sql::exec::key::KeyTable;
use crate::sql::exec::memory::Charge;
use crate::sql::exec::reader::Progress;
use crate::sql::exec::write::Writers;
use crate::sql::exec::write::effects::{Abandoned, Effects};
use crate::sql::exec::write::foreign_key::{Incoming, in_type};
use crate::types::{ColumnType, Datum};

/// Rows with the number of the key that they reference.
type Found = Vec<(usize, Vec<Datum>)>;

/// Rows that reference one of some keys: the key's number and the row, and what they cost. At most
/// `limit` of them.
pub fn referencing(
    foreign_key: &Incoming,
    keys: &[&[Datum]],
    limit: Option<usize>,
    run: &mut Run<'_, '_>,
) -> Result<(Found, Charge)> {
    let (mut found, mut charge) = (Vec::new(), Charge::default());
    if keys.is_empty() {
        return Ok((found, charge));
    }
    let reader = &*foreign_key.reader;
    if foreign_key.permutation.is_empty() {
        let place = Place::Span(reader.whole());
        refuse_newer(&place, run)?;
        let types: Vec<ColumnType> = foreign_key
            .child_columns
            .iter()
            .filter_map(|p| reader.types.get(*p))
            .cloned()
            .collect();
        let mut table = KeyTable::new(&types);
        let mut wanted = Batch::with_types(&types);
        // A key that the referencing columns cannot hold is not referenced; NULL never matches.
        for key in keys {
            let fitted: Vec<Datum> = key
                .iter()
                .zip(&types)
                .map(|(v, ty)| in_type(v.clone(), &ty.ty).unwrap_or(Datum::Null))
                .collect();
            wanted.push_row(&fitted);
        }
        let mut numbers = Vec::new();
        table.insert(&wanted.columns.iter().collect::<Vec<_>>(), wanted.rows, &mut numbers);
        let mut first_of = vec![0usize; table.len()];
        for (key, number) in numbers.iter().enumerate().rev() {
            first_of[*number as usize] = key;
        }
        let mut progress = Progress::new(place);
        let mut hits = Vec::new();
        while !progress.is_done() {
            run.check()?;
            let mut batch = reader.empty();
            reader.read(run, &mut progress, false, BATCH_ROWS, &mut batch)?;
            let columns: Vec<_> =
                foreign_key.child_columns.iter().filter_map(|p| batch.columns.get(*p)).collect();
            table.find(&columns, batch.rows, false, &mut hits);
            for (row, hit) in hits.iter().enumerate() {
                if let Some(number) = hit {
                    let key = first_of.get(*number as usize).copied().unwrap_or(0);
                    take(&mut found, key, batch.row(row), &mut charge, run)?;
                    if limit.is_some_and(|l| found.len() >= l) {
                        return Ok((found, charge));
                    }
                }
            }
        }
        return Ok((found, charge));
    }
    for (number, key) in keys.iter().enumerate() {
        let Some(place) = foreign_key.place(key)? else { continue };
        refuse_newer(&place, run)?;
        let mut progress = Progress::new(place);
        while !progress.is_done() {
            let mut batch = reader.empty();
            let wanted = limit.map_or(BATCH_ROWS, |l| l - found.len());
            reader.read(run, &mut progress, false, wanted, &mut batch)?;
            for row in 0..batch.rows {
                take(&mut found, number, batch.row(row), &mut charge, run)?;
            }
            if limit.is_some_and(|l| found.len() >= l) {
                return Ok((found, charge));
            }
        }
    }
    Ok((found, charge))
}

fn take(
    found: &mut Found,
    key: usize,
    row: Vec<Datum>,
    charge: &mut Charge,
    run: &mut Run<'_, '_>,
) -> Result<()> {
    charge.add(row.iter().map(datum_bytes).sum::<usize>() + 32, run)?;
    found.push((key, row));
    Ok(())
}

/// Below SERIALIZABLE nobody checks at commit what this transaction read. A referencing row that
/// was committed after our snapshot must not be overlooked, so the statement runs again on a fresh
/// one; our lock on the parent keeps further ones away.
fn refuse_newer(place: &Place, run: &mut Run<'_, '_>) -> Result<()> {
    if run.ctx.txn.isolation() == Isolation::Serializable {
        return Ok(());
    }
    let span = match place {
        Place::Span(span) => span.clone(),
        Place::Key(key) => crate::keys::Span::point(key.clone()),
    };
    let read_at = run.ctx.txn.read_timestamp();
    let mvcc = &run.ctx.eval.server.mvcc;
    let latest = mvcc.snapshot(mvcc.now())?;
    let mut scan = latest.scan(&span, false, Access::Range)?;
    while scan.next()? {
        if scan.timestamp() > read_at {
            return Err(Error::serialization(
                "could not serialize access due to concurrent update",
            ));
        }
    }
    Ok(())
}

/// Does what a constraint says with the rows that reference some keys.
pub fn follow(
    foreign_key: &Incoming,
    action: ReferentialAction,
    group: &[Abandoned],
    writers: &Writers,
    effects: &mut Effects,
    run: &mut Run<'_, '_>,
) -> Result<()> {
    let keys: Vec<&[Datum]> = group.iter().map(|a| &a.old[..]).collect();
    let (rows, _charge) = referencing(foreign_key, &keys, None, run)?;
    let writer = writers.get(foreign_key.child)?;
    let mut seen = HashSet::new();
    for (number, row) in rows {
        if !seen.insert(writer.primary_key(&row)?) {
            continue;
        }
        let Some(abandoned) = group.get(number) else { continue };
        if action == ReferentialAction::Cascade && abandoned.new.is_none() {
            writer.delete(&row, effects, run)?;
            continue;
        }
        let mut new = row.clone();
        for (i, position) in foreign_key.child_columns.iter().enumerate() {
            let value = match action {
                ReferentialAction::Cascade => {
                    let value = abandoned.new.as_ref().and_then(|n| n.get(i)).cloned();
                    let ty = foreign_key.child_table.columns.get(*position).map(|c| &c.ty.ty);
                    match (value, ty) {
                        (Some(v), Some(ty)) => in_type(v, ty)
                            .ok_or_else(|| crate::types::arith::out_of_range(&ty.to_string()))?,
                        _ => Datum::Null,
                    }
                }
                ReferentialAction::SetDefault => {
                    match foreign_key.defaults.get(i).and_then(Option::as_ref) {
                        Some(default) => default.datum(run, Row::Nothing)?,
                        None => Datum::Null,
                    }
                }
                _ => Datum::Null,
            };
            if let Some(place) = new.get_mut(*position) {
                *place = value;
            }
        }
        let mut changed = foreign_key.child_columns.clone();
        for (position, expr) in &writer.computed {
            let value = expr.datum(run, Row::Datums(&new))?;
            if let Some(place) = new.get_mut(*position) {
                *place = value;
            }
            changed.push(*position);
        }
        writer.check(&new, run)?;
        let change = writer.change(row, new, &changed, run)?;
        writer.vacate(&change, run)?;
        writer.occupy(change, effects, run)?;
    }
    Ok(())
}
