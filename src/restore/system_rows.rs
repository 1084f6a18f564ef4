//! What a cluster restore puts into the system tables: users, grants, settings, schedules, jobs.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::coverage::Coverage;
use super::details::Details;
use super::holdings::Holdings;
use super::merge::Merge;
use super::source::{Chosen, Source};
use crate::catalog::Catalog;
use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::role::{ADMIN, ADMIN_ID, PUBLIC_ID, ROOT, ROOT_ID};
use crate::catalog::row::TableCodec;
use crate::catalog::system::{self, BackupPolicy, RestoreRows, SystemTable};
use crate::error::{Error, Result, sqlstate};
use crate::jobs::{State, StoredError};
use crate::keys::index_span;
use crate::mvcc::Txn;
use crate::settings::{self, Settings};
use crate::types::{Array, Datum, Type};

/// The rows of one system table, in its present form.
pub struct SystemRows {
    table: &'static SystemTable,
    how: RestoreRows,
    rows: Vec<Vec<Datum>>,
}

/// Reads the system tables of a cluster backup; with only users wanted, those about users, whose
/// rows are added to what is there.
pub fn read(catalog: &Catalog, details: &Details, source: &Source) -> Result<Vec<SystemRows>> {
    let layers = source.layers.get(..details.layers.len()).unwrap_or(&source.layers);
    let Some(last) = layers.len().checked_sub(1) else { return Ok(Vec::new()) };
    let holdings = Holdings::at(layers, Chosen { last, at: details.as_of })?;
    let coverage = Coverage::new(layers);
    let mut all = Vec::new();
    for table in system::all() {
        let BackupPolicy::Include { restore: mut how } = table.policy() else { continue };
        if details.users {
            let about_users = [&system::USERS, &system::ROLE_OPTIONS, &system::ROLE_MEMBERS];
            if !about_users.iter().any(|wanted| wanted.id() == table.id()) {
                continue;
            }
            how = RestoreRows::Keep;
        }
        let then = holdings.table(table.id());
        // The form that the table had in the cluster of then.
        let old = then.map_or_else(|| Arc::clone(table.descriptor()), |t| Arc::new(t.clone()));
        let span = index_span(table.id(), old.primary_index.id);
        let known = then.is_some() || table.id() == system::USERS.id();
        if !known && !coverage.touches(&span) {
            // A version of Cairn wrote the backup that did not have the table.
            continue;
        }
        let codec = TableCodec::new(&old)?;
        let mut rows = Vec::new();
        for (span, from_layer) in coverage.parts(&span, table.name())? {
            let mut merge =
                Merge::open(layers.get(from_layer..).unwrap_or_default(), &span, details.as_of)?;
            while merge.next()? {
                let row = codec.decode_row(merge.key(), merge.value())?;
                rows.extend(adapt(table, &old, row, details)?);
            }
        }
        if table.id() == system::USERS.id() {
            renumber(catalog, &mut rows)?;
        }
        all.push(SystemRows { table, how, rows });
    }
    Ok(all)
}

/// A row in the table's present form, with new numbers; `None` if it is about what is gone.
fn adapt(
    table: &SystemTable,
    old: &TableDescriptor,
    row: Vec<Datum>,
    details: &Details,
) -> Result<Option<Vec<Datum>>> {
    let value = |name: &str| {
        let at = old.columns.iter().position(|column| column.name == name);
        at.and_then(|at| row.get(at)).cloned().unwrap_or(Datum::Null)
    };
    let mut now: Vec<Datum> = table.descriptor().columns.iter().map(|c| value(&c.name)).collect();
    let id = if table.id() == system::COMMENTS.id() { now.get_mut(1) } else { now.get_mut(0) };
    if let BackupPolicy::Include { restore: RestoreRows::ReplaceWithNewIds } = table.policy()
        && let Some(id) = id
    {
        let Some(new) = new_id(id, details) else { return Ok(None) };
        *id = new;
    }
    if table.id() == system::JOBS.id() {
        return ended(now);
    }
    Ok(Some(now))
}

fn new_id(old: &Datum, details: &Details) -> Option<Datum> {
    let number = match old {
        Datum::Int8(n) => u32::try_from(*n).ok()?,
        Datum::Oid(n) => *n,
        _ => return None,
    };
    let same = (number < system::FIRST_USER_ID).then_some(number);
    let new = details.ids.get(&number).copied().or(same)?;
    Some(match old {
        Datum::Oid(_) => Datum::Oid(new),
        _ => Datum::Int8(i64::from(new)),
    })
}

/// A job of the cluster of then. One that had not ended does not go on here: it worked on objects
/// and files that are not this cluster's.
fn ended(mut row: Vec<Datum>) -> Result<Option<Vec<Datum>>> {
    let position = |name: &str| {
        system::JOBS.descriptor().columns.iter().position(|column| column.name == name)
    };
    let (Some(status), Some(payload), Some(session)) =
        (position("status"), position("payload"), position("claim_session_id"))
    else {
        return Err(Error::internal("system.jobs has another form"));
    };
    let word = match row.get(status) {
        Some(Datum::Text(word)) => word.to_string(),
        _ => return Ok(None),
    };
    let Ok(state) = word.parse::<State>() else { return Ok(None) };
    if state.is_terminal() {
        return Ok(Some(row));
    }
    let json = match row.get(payload) {
        Some(Datum::Bytea(json)) => serde_json::from_slice::<Value>(json).ok(),
        _ => None,
    };
    let Some(mut json) = json else { return Ok(None) };
    let error = Error::new(
        sqlstate::OPERATOR_INTERVENTION,
        "the job had not ended when its cluster was backed up; it does not continue here",
    );
    if let Some(fields) = json.as_object_mut() {
        let error = serde_json::to_value(StoredError::from(&error)).unwrap_or_default();
        fields.insert("error".to_owned(), error);
        let finished = serde_json::to_value(crate::clock::Timestamp::MIN).unwrap_or_default();
        let started = fields.get("started").cloned().filter(|at| !at.is_null());
        fields.insert("finished".to_owned(), started.unwrap_or(finished));
    }
    let json = serde_json::to_vec(&json)
        .map_err(|e| Error::internal("a job cannot be written").with_source(e))?;
    for (at, datum) in [
        (status, Datum::text(State::Failed.as_str())),
        (payload, Datum::bytes(json)),
        (session, Datum::Null),
    ] {
        if let Some(slot) = row.get_mut(at) {
            *slot = datum;
        }
    }
    Ok(Some(row))
}

/// Writes the rows as each table's policy says. Settings are in force once the transaction commits.
pub fn write(txn: &mut Txn, all: &[SystemRows], settings: &Arc<Settings>) -> Result<()> {
    for SystemRows { table, how, rows } in all {
        let mut wanted = BTreeSet::new();
        for row in rows {
            let key = table.codec()?.primary_key_of_row(row)?;
            let keep = *how == RestoreRows::Keep && txn.get(&key)?.is_some();
            if !keep {
                table.upsert(txn, row)?;
            }
            wanted.insert(key);
        }
        if *how == RestoreRows::Keep {
            continue;
        }
        for row in table.scan(txn, &[])? {
            let codec = table.codec()?;
            if wanted.contains(&codec.primary_key_of_row(&row)?) || is_indispensable(table, &row) {
                continue;
            }
            let columns = &table.descriptor().primary_index.columns;
            let key: Vec<Datum> = columns
                .iter()
                .filter_map(|c| row.get(table.descriptor().position(c.column)?).cloned())
                .collect();
            table.delete(txn, &key)?;
        }
        if table.id() == system::SETTINGS.id() {
            put_in_force(txn, rows, settings);
        }
    }
    Ok(())
}

/// Roles get new numbers like everything else: theirs may be another one's here, now or later.
fn renumber(catalog: &Catalog, rows: &mut [Vec<Datum>]) -> Result<()> {
    let columns = &system::USERS.descriptor().columns;
    let at = columns.iter().position(|column| column.name == "user_id");
    let at = at.ok_or_else(|| Error::internal("system.users has another form"))?;
    let is_own = |row: &&mut Vec<Datum>| match row.get(at) {
        Some(Datum::Oid(number)) => ![ROOT_ID, ADMIN_ID, PUBLIC_ID].contains(number),
        _ => false,
    };
    let count = u32::try_from(rows.len())
        .map_err(|_| Error::unsupported("restoring four billion roles"))?;
    let first = catalog.allocate_ids(count)?;
    for (number, row) in (first..).zip(rows.iter_mut().filter(is_own)) {
        if let Some(slot) = row.get_mut(at) {
            *slot = Datum::Oid(number);
        }
    }
    Ok(())
}

/// The roles without which nobody could log in any more.
fn is_indispensable(table: &SystemTable, row: &[Datum]) -> bool {
    table.id() == system::USERS.id()
        && matches!(row.first(), Some(Datum::Text(name)) if [ROOT, ADMIN].contains(&&**name))
}

fn put_in_force(txn: &mut Txn, rows: &[Vec<Datum>], settings: &Arc<Settings>) {
    let values: Vec<(String, String)> = rows
        .iter()
        .filter_map(|row| match row.as_slice() {
            [Datum::Text(name), Datum::Text(value), ..] => {
                Some((name.to_string(), value.to_string()))
            }
            _ => None,
        })
        .collect();
    let settings = Arc::clone(settings);
    txn.on_commit(move |_| {
        for setting in settings::ALL {
            let value = values.iter().find(|(name, _)| name == setting.name);
            let value = value.and_then(|(_, value)| Settings::validate(setting, value).ok());
            settings.apply(setting, value);
        }
    });
}

/// The rows of `system.table_statistics` for restored tables. Statistics only make queries quicker,
/// so whatever is wrong with them leaves them out.
pub fn statistics(details: &Details, source: &Source) -> Vec<Vec<Datum>> {
    let Some(layer) = details.layers.len().checked_sub(1).and_then(|at| source.layers.get(at))
    else {
        return Vec::new();
    };
    if details.schema_only || layer.manifest.end_time != details.as_of {
        return Vec::new();
    }
    match layer.layer.read_statistics(&layer.manifest) {
        Ok(files) => files
            .iter()
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(|entry| statistic(details, entry))
            .collect(),
        Err(e) => {
            tracing::warn!(error = %e, "the statistics of a backup were left out");
            Vec::new()
        }
    }
}

fn statistic(details: &Details, entry: &Value) -> Option<Vec<Datum>> {
    let number = |name: &str| entry.get(name).and_then(Value::as_i64);
    let int = |name: &str| number(name).map(Datum::Int8);
    let old = u32::try_from(number("tableID")?).ok()?;
    let new = details.tables.iter().find(|table| table.old == old)?.new;
    let columns = entry.get("columnIDs")?.as_array()?;
    let columns: Option<Vec<Datum>> =
        columns.iter().map(|column| column.as_i64().map(Datum::Int8)).collect();
    Some(vec![
        Datum::Int8(i64::from(new)),
        int("statisticID")?,
        entry.get("name").and_then(Value::as_str).map_or(Datum::Null, Datum::text),
        Datum::Array(Arc::new(Array::from_items(Type::Int8, columns?))),
        Datum::Timestamp(number("createdAt")?),
        int("rowCount")?,
        int("distinctCount")?,
        int("nullCount")?,
        Datum::Null,
    ])
}
