//! EXPLAIN of BACKUP and RESTORE: everything that would be decided, and nothing done.

use std::sync::Arc;

use super::restore::services;
use super::{Work, backup, restore as restoring};
use crate::archive::{EntryCounts, Manifest};
use crate::backup::Details;
use crate::catalog::ObjectRef;
use crate::catalog::descriptor::{Descriptor, DescriptorId};
use crate::error::{Error, Result};
use crate::kv::Family;
use crate::mvcc::TxnOptions;
use crate::restore::{self, PlanContext, Source};
use crate::syntax::{Backup, Restore, Targets};
use crate::types::text;

/// Objects that are named one by one.
const NAMED_MAX: usize = 20;

/// What a BACKUP would do. Whatever would be refused is refused here too.
pub(super) fn backup(stmt: &Backup, work: &mut Work<'_>) -> Result<Vec<String>> {
    let request = backup::request(stmt, work)?;
    let plan = backup::dry_run(&request, work)?;
    let details: Details = serde_json::from_value(plan.details)
        .map_err(|e| Error::internal("the plan of a backup cannot be read").with_source(e))?;
    let manifest = &details.manifest;
    let catalog = work.catalog()?;
    let objects = details.objects.iter().filter_map(|id| catalog.descriptor(*id));
    let mut lines = vec![plan.description];
    lines.push(format!("  {}", kind(manifest)));
    lines.push(format!("  directory: {}", shown_dir(&details.dir)));
    lines.push(format!("  encrypted: {}", yes(details.encrypted)));
    lines.push(format!("  objects: {}", details.objects.len()));
    lines.push(format!("  spans: {}", manifest.spans.len() + manifest.introduced_spans.len()));
    if !manifest.is_full() {
        lines.push(format!("  spans from their beginning: {}", manifest.introduced_spans.len()));
        lines.push(format!("  entries in the chain so far: {}", details.known_entries));
    }
    lines.push(format!("  estimated bytes: {}", estimate(manifest, work)?));
    let needed = match stmt.targets {
        Targets::Cluster => "the role admin, or BACKUP on the system".to_owned(),
        _ => {
            let names: Vec<String> = objects
                .filter_map(|object| match object {
                    ObjectRef::Database(d) => Some(format!("CONNECT on {}", d.name)),
                    ObjectRef::Table(t) => Some(format!("SELECT on {}", t.name)),
                    ObjectRef::Type(t) => Some(format!("USAGE on {}", t.name)),
                    ObjectRef::Schema(_) => None,
                })
                .collect();
            listed(&names)
        }
    };
    lines.push(format!("  privileges: {needed}"));
    Ok(lines)
}

/// What a RESTORE would do.
pub(super) fn restore(stmt: &Restore, work: &mut Work<'_>) -> Result<Vec<String>> {
    let request = restoring::request(stmt, work)?;
    let server = Arc::clone(work.server);
    let services = services(&server);
    let snapshot = work.catalog()?;
    // A transaction of its own: what planning writes shall not be kept.
    let options = TxnOptions { interrupt: work.interrupt.clone(), ..TxnOptions::default() };
    let mut txn = server.mvcc.begin(options)?;
    let planned = restore::plan(
        &mut PlanContext {
            services: &services,
            txn: &mut txn,
            snapshot,
            user: &work.session.current_user,
            database: &work.session.database,
            search_path: &work.session.search_path,
            job_id: server.jobs.next_id(),
            interrupt: work.interrupt,
        },
        &request,
    );
    txn.rollback();
    let plan = planned?;
    let details: restore::Details = serde_json::from_value(plan.details)
        .map_err(|e| Error::internal("the plan of a restore cannot be read").with_source(e))?;
    let secret = request.secret.as_ref();
    let source = Source::open(&server.cloud, &request.from, secret, Some(work.interrupt))?;
    let mut lines = vec![plan.description];
    lines.push(format!("  as of: {}", text::utc(details.as_of)));
    for layer in source.layers.iter().take(details.layers.len()) {
        let files = &layer.manifest.files;
        let stored: u64 = files.iter().map(|file| file.file_bytes).sum();
        let EntryCounts { rows, .. } = layer.manifest.entry_counts;
        lines.push(format!(
            "  layer {}: {}, {rows} rows, {} files, {stored} bytes stored",
            shown_dir(layer.layer.dir()),
            kind(&layer.manifest),
            files.len(),
        ));
    }
    let count = |of: fn(&Descriptor) -> bool| details.descriptors.iter().filter(|d| of(d)).count();
    lines.push(format!(
        "  creates: {} databases, {} schemas, {} types, {} tables, views and sequences",
        count(|d| matches!(d, Descriptor::Database(_))),
        count(|d| matches!(d, Descriptor::Schema(_))),
        count(|d| matches!(d, Descriptor::Type(_))),
        count(|d| matches!(d, Descriptor::Table(_))),
    ));
    let rows = if details.schema_only { 0 } else { details.tables.len() };
    lines.push(format!("  loads: the rows of {rows} of them"));
    let catalog = work.catalog()?;
    let into = |id: &DescriptorId| match catalog.descriptor(*id) {
        Some(ObjectRef::Database(d)) => Some(format!("CREATE on {}", d.name)),
        _ => None,
    };
    let needed = match stmt.targets {
        Targets::Cluster | Targets::SystemUsers | Targets::Tenant(_) => "the role admin".to_owned(),
        Targets::Databases(_) => "the role option CREATEDB".to_owned(),
        Targets::Tables(_) => listed(&details.into.iter().filter_map(into).collect::<Vec<_>>()),
    };
    lines.push(format!("  privileges: {needed}"));
    lines.push("  restorable: the chain is whole up to that time".to_owned());
    Ok(lines)
}

fn kind(manifest: &Manifest) -> String {
    let history = match manifest.options.contains_key("revision_history") {
        true => " with every version",
        false => "",
    };
    match manifest.is_full() {
        true => format!("full{history} up to {}", text::utc(manifest.end_time)),
        false => format!(
            "incremental{history} from {} to {}",
            text::utc(manifest.start_time),
            text::utc(manifest.end_time)
        ),
    }
}

/// Bytes of the spans in the store, before compression by the archive; for an incremental, of what
/// is taken whole.
fn estimate(manifest: &Manifest, work: &Work<'_>) -> Result<u64> {
    let whole = match manifest.is_full() {
        true => &manifest.spans,
        false => &manifest.introduced_spans,
    };
    let engine = work.server.mvcc.engine();
    whole.iter().map(|span| engine.approximate_bytes(Family::Versions, span)).sum()
}

fn shown_dir(dir: &str) -> &str {
    if dir.is_empty() { "(the destination itself)" } else { dir }
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown = names.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMED_MAX) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}
