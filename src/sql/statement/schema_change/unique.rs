//! A unique index whose old rows are loaded: whether every row has an entry of its own.
//!
//! While rows were being loaded a writer could not meet entries that were still to come. So one of
//! two rows with one key may have covered the other's entry, and whoever left last may have taken
//! the other's with it. By now writers meet every entry there is: what is missing is put there, as
//! a writer would, and what is another row's is a violation.

use super::job::Run;
use super::maker::Maker;
use crate::error::{Error, Result};
use crate::keys::{IndexId, Key, index_span};
use crate::kv::Access;
use crate::limits::BATCH_ROWS;
use crate::mvcc::{LockMode, Locked, Snapshot, Txn, WaitPolicy};

/// What people see while it goes on.
const STATUS: &str = "validating schema";

/// Rounds after which something other than writers must be why the numbers differ.
const ROUNDS_MAX: u32 = 100;

/// The share of the work that is done when it begins.
const SHARE: f64 = 0.9;

/// Makes sure that each row has its entry in an index and no two rows share one; 23505 otherwise.
pub fn validate(run: &Run<'_>, maker: &mut Maker, number: usize) -> Result<()> {
    let index = maker.indexes.get(number).ok_or_else(|| Error::internal("no such index"))?;
    let (id, name) = (index.id, index.name.clone());
    for _ in 0..ROUNDS_MAX {
        run.job.report(SHARE, STATUS)?;
        let mvcc = &run.server.mvcc;
        let now = mvcc.snapshot(mvcc.now())?;
        if rows(run, maker, number, &now)? == entries(run, maker, id, &now)? {
            return Ok(());
        }
        mend_all(run, maker, number, &now)?;
    }
    Err(Error::internal(format!("index \"{name}\" does not come to match its table")))
}

fn entries(run: &Run<'_>, maker: &Maker, index: IndexId, at: &Snapshot) -> Result<u64> {
    let span = index_span(maker.lens.table.id, index);
    let mut scan = at.scan(&span, false, Access::Bulk)?;
    let mut count = 0u64;
    while scan.next()? {
        count += 1;
        look_up(run, count)?;
    }
    Ok(count)
}

fn rows(run: &Run<'_>, maker: &mut Maker, number: usize, at: &Snapshot) -> Result<u64> {
    let span = index_span(maker.lens.table.id, maker.lens.table.primary_index.id);
    let mut scan = at.scan(&span, false, Access::Bulk)?;
    let (mut seen, mut count) = (0u64, 0u64);
    while scan.next()? {
        seen += 1;
        look_up(run, seen)?;
        if maker.is_total(number) || maker.entry(number, scan.key(), scan.value())?.is_some() {
            count += 1;
        }
    }
    Ok(count)
}

fn look_up(run: &Run<'_>, count: u64) -> Result<()> {
    match count.is_multiple_of(BATCH_ROWS as u64) {
        true => run.job.interrupt().check(),
        false => Ok(()),
    }
}

fn mend_all(run: &Run<'_>, maker: &mut Maker, number: usize, at: &Snapshot) -> Result<()> {
    let span = index_span(maker.lens.table.id, maker.lens.table.primary_index.id);
    let mut scan = at.scan(&span, false, Access::Bulk)?;
    let mut seen = 0u64;
    while scan.next()? {
        seen += 1;
        look_up(run, seen)?;
        let Some((key, value)) = maker.entry(number, scan.key(), scan.value())? else { continue };
        if at.get(&key)?.as_ref() != Some(&value) {
            let row: Key = scan.key().to_vec();
            run.transact(|txn| mend(run, txn, maker, number, &row))?;
        }
    }
    Ok(())
}

/// Sees to the entry of one row, as it is now.
fn mend(run: &Run<'_>, txn: &mut Txn, maker: &mut Maker, number: usize, row: &Key) -> Result<()> {
    run.server.catalog.pin(txn, maker.lens.table.id)?;
    let Some(stored) = newest(txn, row)? else { return Ok(()) };
    let Some((key, value)) = maker.entry(number, row, &stored)? else { return Ok(()) };
    match newest(txn, &key)? {
        Some(there) if there == value => return Ok(()),
        Some(there) => {
            let owner = maker.owner(number, &key, &there)?;
            if owner != *row
                && let Some(stored) = newest(txn, &owner)?
                && maker.entry(number, &owner, &stored)?.is_some_and(|(own, _)| own == key)
            {
                return Err(maker.duplicate(number, &key, &value));
            }
        }
        None => {}
    }
    txn.put(key, value)
}

fn newest(txn: &mut Txn, key: &[u8]) -> Result<Option<Vec<u8>>> {
    match txn.get_latest_locked(key, LockMode::Exclusive, WaitPolicy::Wait)? {
        Locked::Value(value) => Ok(value),
        Locked::Skipped => Err(Error::internal("a lock was skipped")),
    }
}
