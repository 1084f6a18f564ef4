//! DROP BACKUP, EXPIRE BACKUPS, ALTER BACKUP: tending what a collection holds.

use super::restore::{master_keys, uris};
use super::show_backup::check;
use super::{Outcome, Work, field};
use crate::archive::{chain_key, collection, layout, retention};
use crate::catalog::privilege::require_admin;
use crate::clock::Timestamp;
use crate::cloud::Store;
use crate::error::{Error, Result, sqlstate};
use crate::sql::client::Field;
use crate::syntax::{AlterBackup, Destination, DropBackup, ExpireBackups, Subdirectory};
use crate::types::{Datum, Interval, Type};
use std::sync::Arc;

/// Runs DROP BACKUP: a full backup with everything that was appended to it.
pub fn drop(stmt: &DropBackup, work: &mut Work<'_>) -> Result<Outcome> {
    let store = open(&stmt.collection, "DROP BACKUP", work)?;
    let dir = match &stmt.subdirectory {
        Subdirectory::Latest => collection::read_latest(&*store),
        Subdirectory::Named(name) => Ok(work.string(name)?),
    };
    match dir.and_then(|dir| retention::remove_chain(&*store, &dir)) {
        Err(e) if stmt.if_exists && e.code() == sqlstate::UNDEFINED_FILE => {
            work.notice("backup does not exist, skipping")?;
        }
        done => done?,
    }
    Outcome::done("DROP BACKUP")
}

/// Runs ALTER BACKUP … ADD NEW_KMS: further master keys open a chain. Its data stays as it is.
pub fn alter(stmt: &AlterBackup, work: &mut Work<'_>) -> Result<Outcome> {
    let store = open(&stmt.collection, "ALTER BACKUP", work)?;
    let dir = match &stmt.subdirectory {
        Subdirectory::Latest => collection::latest_full(&*store)?,
        Subdirectory::Named(name) => layout::check_subdir(&work.string(name)?)?,
    };
    let (old, new) = (master_keys(&stmt.old_kms, work)?, master_keys(&stmt.new_kms, work)?);
    chain_key::add_master_keys(&*store, &dir, &old, &new)?;
    Outcome::done("ALTER BACKUP")
}

/// Runs EXPIRE BACKUPS: drops the chains whose last layer is old enough. The newest full and the
/// one that LATEST names stay in any case.
pub fn expire(stmt: &ExpireBackups, work: &mut Work<'_>) -> Result<Outcome> {
    let store = open(&stmt.collection, "EXPIRE BACKUPS", work)?;
    let before = cutoff(stmt, work)?;
    let fulls = collection::list_fulls(&*store)?;
    let latest = match collection::read_latest(&*store) {
        Err(e) if e.code() == sqlstate::UNDEFINED_FILE => None,
        latest => Some(latest?),
    };
    let keep = usize::try_from(stmt.keep.unwrap_or(1).max(1)).unwrap_or(usize::MAX);
    let expirable = fulls.len().saturating_sub(keep);
    let mut rows = Vec::new();
    for full in fulls.iter().take(expirable) {
        work.interrupt.check()?;
        let layers = collection::layers(&*store, full)?;
        let end = layers.iter().filter_map(|dir| layout::end_time(dir)).max();
        let Some(end) = end.filter(|end| *end < before && latest.as_ref() != Some(full)) else {
            continue;
        };
        if !stmt.dry_run {
            retention::remove_chain(&*store, full)?;
        }
        let layers = i64::try_from(layers.len()).unwrap_or(i64::MAX);
        rows.push(vec![
            Datum::text(full),
            Datum::Timestamp(end.sql_micros()),
            Datum::Int8(layers),
            Datum::Bool(!stmt.dry_run),
        ]);
    }
    Outcome::rows(expire_fields(), rows)
}

/// The columns of EXPIRE BACKUPS: one row for each chain that is, or would be, dropped.
pub fn expire_fields() -> Vec<Field> {
    vec![
        field("path", Type::Text),
        field("end_time", Type::Timestamp),
        field("layers", Type::Int8),
        field("dropped", Type::Bool),
    ]
}

/// Opens a collection for an administrator who is about to remove what no ROLLBACK brings back.
fn open(destination: &Destination, verb: &str, work: &mut Work<'_>) -> Result<Arc<dyn Store>> {
    if work.explicit {
        return Err(Error::new(
            sqlstate::ACTIVE_SQL_TRANSACTION,
            format!("{verb} cannot be used inside a transaction"),
        ));
    }
    require_admin(&*work.catalog()?, &work.session.current_user, "alter or drop backups")?;
    let uris = uris(destination, work)?;
    check(&uris, verb, work)?;
    match uris.as_slice() {
        [uri] => work.server.cloud.open_interruptible(uri, work.interrupt),
        _ => Err(Error::unsupported(format!("{verb} with a list of destinations"))),
    }
}

/// The moment that OLDER THAN means: a time, or an interval before now, whatever its sign.
fn cutoff(stmt: &ExpireBackups, work: &mut Work<'_>) -> Result<Timestamp> {
    let interval = match work.constant(&stmt.older_than, None)? {
        Datum::Interval(interval) => Some(interval),
        Datum::Text(word) if !word.contains([':', '/']) => Interval::parse(&word, -1).ok(),
        _ => None,
    };
    let Some(Interval { months, days, micros }) = interval else {
        return work.timestamp(&stmt.older_than);
    };
    let out_of_range =
        || Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, "interval out of range for OLDER THAN");
    let back = |negate: bool| {
        let sign = if negate { -1 } else { 1 };
        Some(Interval {
            months: months.checked_mul(sign)?,
            days: days.checked_mul(sign)?,
            micros: micros.checked_mul(i64::from(sign))?,
        })
    };
    let now = work.statement_time;
    for negate in [true, false] {
        let back = back(negate).ok_or_else(out_of_range)?;
        let at = crate::types::datetime::timestamp_plus_interval(now, back)?;
        if at < now {
            return Timestamp::from_sql_micros(at).ok_or_else(out_of_range);
        }
    }
    Err(Error::new(sqlstate::INVALID_PARAMETER_VALUE, "OLDER THAN needs a time before now"))
}
