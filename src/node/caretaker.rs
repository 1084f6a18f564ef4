//! The caretaker: a thread that collects garbage and notices changed cluster settings.
//!
//! Garbage is history older than `gc.ttlseconds` of a table, and everything of a table that was
//! dropped longer ago than that. The GC line of `mvcc` keeps what a job protects or a reader sees.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::backup;
use crate::catalog::descriptor::{Descriptor, DescriptorId, TableDescriptor};
use crate::catalog::{setting, system};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::schedule::Schedule;
use crate::keys::ordered::decode_datum;
use crate::keys::{IndexId, Span, TableId, index_span, split_prefix, table_span};
use crate::kv::{Access, Family};
use crate::mvcc::ExportRequest;
use crate::settings::{GC_SWEEP_INTERVAL, SQL_DEFAULT_GC_TTL};
use crate::sql::server::Server;
use crate::task::{Cause, Interrupt};
use crate::types::{Datum, Type};

/// How often it looks whether settings changed.
const LOOK: Duration = Duration::from_secs(1);

/// Position of the cluster settings in `catalog::watched_spans`.
const WATCHED_SETTINGS: usize = 1;

/// The number of the database that holds the system tables.
const SYSTEM_DATABASE: DescriptorId = 1;

/// The first number of a user's object.
const FIRST_USER_ID: DescriptorId = 100;

/// The running thread.
pub(super) struct Caretaker {
    stop: Interrupt,
    thread: JoinHandle<()>,
}

impl Caretaker {
    /// Starts the thread.
    pub(super) fn start(server: Arc<Server>) -> Result<Caretaker> {
        let stop = Interrupt::new();
        let inner = stop.clone();
        let thread = std::thread::Builder::new()
            .name("caretaker".into())
            .spawn(move || work(&server, &inner))?;
        Ok(Caretaker { stop, thread })
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(self) {
        self.stop.raise(Cause::Shutdown);
        if self.thread.join().is_err() {
            tracing::error!("the caretaker ended in a panic");
        }
    }
}

fn work(server: &Server, stop: &Interrupt) {
    let mut settings_seen = server.mvcc.watched_version(WATCHED_SETTINGS);
    let mut swept = Instant::now();
    while stop.wait(LOOK).is_ok() {
        let settings = server.mvcc.watched_version(WATCHED_SETTINGS);
        if settings != settings_seen {
            let now = server.mvcc.snapshot(server.mvcc.visible());
            match now.and_then(|mut now| setting::load(&mut now, &server.settings)) {
                Ok(()) => settings_seen = settings,
                Err(e) => tracing::warn!(error = %e, "cluster settings could not be read"),
            }
        }
        if swept.elapsed() >= server.settings.duration(GC_SWEEP_INTERVAL) {
            if let Err(e) = sweep(server, stop)
                && stop.cause().is_none()
            {
                tracing::warn!(error = %e, "garbage collection failed and will be tried again");
            }
            swept = Instant::now();
        }
    }
}

/// One round over everything.
pub(super) fn sweep(server: &Server, stop: &Interrupt) -> Result<()> {
    release_forgotten(server)?;
    let now = server.mvcc.snapshot(server.mvcc.now())?.at();
    let default_ttl = server.settings.duration(SQL_DEFAULT_GC_TTL);
    let snapshot = server.catalog.current()?;
    // What the catalogue was is needed for as long as there are rows that it describes.
    let mut catalog_line = before(now, default_ttl);
    // Dropped tables come first: the rows that tell of their end are garbage of the catalogue.
    for (id, dropped) in dropped_tables(server, stop)? {
        stop.check()?;
        if snapshot.table_any_state(id).is_some() {
            continue;
        }
        let kept_from = before(now, ttl_when_dropped(server, id, dropped, default_ttl));
        let span = table_span(id);
        // The line passes the drop only if nobody protects or reads what was there before it.
        if dropped < kept_from && server.mvcc.set_gc_line(&span, dropped.next())? > dropped {
            server.mvcc.reclaim_span(&span)?;
            tracing::info!(table = id, "removed the rows of a dropped table");
        } else {
            catalog_line = catalog_line.min(kept_from).min(dropped.prev());
        }
    }
    for table in snapshot.tables_any_state().filter(|t| t.id >= FIRST_USER_ID) {
        stop.check()?;
        let ttl = snapshot.gc_ttl_seconds(table.id).map_or(default_ttl, seconds);
        catalog_line = catalog_line.min(before(now, ttl));
        for index in retired_indexes(server, table)? {
            let lost = lost_index(server, table.id, index)?;
            let span = index_span(table.id, index);
            if lost < before(now, ttl) && server.mvcc.set_gc_line(&span, lost.next())? > lost {
                server.mvcc.reclaim_span(&span)?;
                tracing::info!(table = table.id, index, "removed the entries of a former index");
            }
        }
    }
    let mut removed = 0;
    let system_ttl = snapshot.gc_ttl_seconds(SYSTEM_DATABASE).map_or(default_ttl, seconds);
    let mut oldest = catalog_line.min(before(now, system_ttl));
    let system = Span::new(table_span(1).start, table_span(FIRST_USER_ID).start);
    let tables = snapshot.tables_any_state().map(|t| t.id).filter(|id| *id >= FIRST_USER_ID);
    let tables = tables.map(|id| {
        let ttl = snapshot.gc_ttl_seconds(id).map_or(default_ttl, seconds);
        (table_span(id), before(now, ttl))
    });
    let spans: Vec<_> = std::iter::once((system, oldest)).chain(tables).collect();
    for (span, below) in &spans {
        stop.check()?;
        server.mvcc.set_gc_line(span, *below)?;
    }
    server.mvcc.publish_gc_lines()?;
    for (span, below) in spans {
        stop.check()?;
        let stats = server.mvcc.collect_garbage(&span, below)?;
        removed += stats.versions_removed;
        oldest = oldest.min(stats.line);
    }
    // Before what is readable everywhere nobody asks what changed.
    server.mvcc.forget_changelog(oldest)?;
    tracing::debug!(versions = removed, "collected garbage");
    Ok(())
}

/// Gives up protections of jobs that have ended and of schedules that are gone, should whoever
/// ended them have failed to. A job without a row may be one whose creation has not committed.
fn release_forgotten(server: &Server) -> Result<()> {
    backup::release_orphans(&server.mvcc, &mut |job| match server.jobs.load(job) {
        Ok(record) => Ok(!record.state.is_terminal()),
        Err(e) if e.code() == sqlstate::UNDEFINED_OBJECT => Ok(true),
        Err(e) => Err(e),
    })?;
    let mut now = server.mvcc.snapshot(server.mvcc.visible())?;
    backup::release_schedules(&server.mvcc, &mut |id| Ok(Schedule::find(&mut now, id)?.is_some()))
}

/// `gc.ttlseconds` of a table at its end: its zone went with it.
fn ttl_when_dropped(
    server: &Server,
    id: TableId,
    dropped: Timestamp,
    default_ttl: Duration,
) -> Duration {
    let before = server.mvcc.snapshot(dropped.prev());
    let catalog = before.and_then(|snapshot| server.catalog.snapshot_at(&snapshot));
    // Without the catalogue of that time only the default is known.
    catalog.ok().and_then(|catalog| catalog.gc_ttl_seconds(id)).map_or(default_ttl, seconds)
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// Indexes that a table had once (dropped, emptied by TRUNCATE, replaced when rows were rewritten)
/// and whose entries are still there. One that a transaction is filling right now has a number that
/// the table's committed descriptor has not given out yet; one that a job fills is in use.
fn retired_indexes(server: &Server, table: &TableDescriptor) -> Result<Vec<IndexId>> {
    let engine = server.mvcc.engine();
    let Span { mut start, end } = table_span(table.id);
    let mut found = Vec::new();
    loop {
        let span = Span::new(start, end.clone());
        let mut cursor = engine.cursor(Family::Versions, &span, Access::Range)?;
        cursor.seek_to_first()?;
        let Some((_, index, _)) = cursor.entry().and_then(|(key, _)| split_prefix(key)) else {
            return Ok(found);
        };
        if index < table.next_index_id && !has_index(table, index) {
            found.push(index);
        }
        start = index_span(table.id, index).end;
    }
}

/// Whether a table has an index or is being given it.
fn has_index(table: &TableDescriptor, index: IndexId) -> bool {
    table.indexes_in_use().any(|used| used == index)
}

/// When a table lost an index that it has no more: the time of its first form without it since it
/// last had it. If that is too long ago to be known, a later time.
fn lost_index(server: &Server, table: TableId, index: IndexId) -> Result<Timestamp> {
    let codec = system::DESCRIPTOR.codec()?;
    let key = codec.primary_key(&[Datum::Int8(i64::from(table))])?;
    let upto = server.mvcc.visible();
    let mut lost = upto;
    // The newest form is there however old it is; those before it as far as they are kept.
    let mut newest = server.mvcc.export_keys(vec![key.clone()], Timestamp::MIN, upto, false)?;
    if let Some(version) = newest.next()? {
        lost = version.at;
    }
    let kept_from = server.mvcc.gc_threshold(&Span::point(key.clone()));
    let kept_from = kept_from.max(Timestamp::from_nanos(1));
    let mut forms = server.mvcc.export_keys(vec![key], kept_from, upto, true)?;
    while let Some(version) = forms.next()? {
        let Some(value) = version.value else { break };
        let damaged = || Error::corrupt("a row of system.descriptor cannot be read");
        let row = codec.decode_row(version.key, value)?;
        let [_, Datum::Bytea(json)] = row.as_slice() else { return Err(damaged()) };
        let form = serde_json::from_slice(json).map_err(|e| damaged().with_source(e))?;
        match form {
            Descriptor::Table(table) if !has_index(&table, index) => lost = version.at,
            _ => break,
        }
    }
    Ok(lost)
}

fn before(now: Timestamp, ttl: Duration) -> Timestamp {
    now.minus_nanos(u64::try_from(ttl.as_nanos()).unwrap_or(u64::MAX))
}

/// Descriptors that are gone but whose last trace the store still has, with the time of the drop,
/// as far as there are rows below their number.
fn dropped_tables(server: &Server, stop: &Interrupt) -> Result<Vec<(TableId, Timestamp)>> {
    let index = &system::DESCRIPTOR.descriptor().primary_index;
    let span = index_span(system::DESCRIPTOR.id(), index.id);
    let request = ExportRequest {
        // Deletions are shown only to whoever asks for what happened since some time.
        after: server.mvcc.gc_threshold(&span).max(Timestamp::from_nanos(1)),
        span,
        upto: server.mvcc.visible(),
        all_versions: false,
    };
    let mut export = server.mvcc.export(request)?;
    let mut found = Vec::new();
    while let Some(version) = export.next()? {
        stop.check()?;
        if version.value.is_some() {
            continue;
        }
        let Some((_, _, mut column)) = split_prefix(version.key) else { continue };
        let Datum::Int8(id) = decode_datum(&mut column, &Type::Int8, false)? else { continue };
        let Ok(id) = TableId::try_from(id) else { continue };
        if holds_rows(server, id)? {
            found.push((id, version.at));
        }
    }
    Ok(found)
}

fn holds_rows(server: &Server, id: TableId) -> Result<bool> {
    let engine = server.mvcc.engine();
    let mut cursor = engine.cursor(Family::Versions, &table_span(id), Access::Range)?;
    cursor.seek_to_first()?;
    Ok(cursor.entry().is_some())
}

#[cfg(test)]
mod tests;
