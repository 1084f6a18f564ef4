//! `crdb_internal.kv_protected_ts_records`: what keeps history from being collected.

use std::sync::Arc;

use serde_json::json;

use super::notation::{Definition, row, table};
use super::scene::Scene;
use crate::catalog::privilege;
use crate::error::Result;
use crate::keys::pretty;
use crate::mvcc::ProtectedRecord;
use crate::sql::exec::context::ExecContext;
use crate::types::{Datum, Numeric};

pub(super) const TABLES: &[Definition] = &[table(
    9116,
    "kv_protected_ts_records",
    "id uuid, ts numeric, meta_type text, meta bytea, num_spans int8, spans bytea, \
     verified bool, decoded_meta jsonb, decoded_spans jsonb",
    records,
)];

fn records(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let me = &*scene.session.current_user;
    privilege::require_admin(scene.catalog, me, "read crdb_internal.kv_protected_ts_records")?;
    Ok(context.eval.server.mvcc.protected().iter().map(row_of).collect())
}

fn row_of(record: &ProtectedRecord) -> Vec<Datum> {
    // `backup-7` or `schedule-7-…`: what it is for, and whose number follows.
    let (kind, rest) = record.id.split_once('-').unwrap_or(("", &record.id));
    let meta_type = if kind == "schedule" { "schedules" } else { "jobs" };
    let owner = rest.split('-').next().unwrap_or(rest);
    let spans: Vec<String> = record
        .spans
        .iter()
        .map(|span| format!("{}-{}", pretty::key(&span.start), pretty::key(&span.end)))
        .collect();
    let meta = json!({ "id": owner, "record": record.id, "purpose": record.purpose });
    row![
        Datum::Uuid(identity(&record.id)),
        Numeric::parse(&record.at.to_string()).ok().map(Datum::Numeric),
        meta_type,
        Datum::bytes(owner.as_bytes()),
        i64::try_from(spans.len()).unwrap_or(i64::MAX),
        Datum::bytes(spans.join("\n").into_bytes()),
        true,
        Datum::Jsonb(Arc::new(meta)),
        Datum::Jsonb(Arc::new(json!(spans))),
    ]
}

/// A UUID that is always the same for a record: its own name is not one.
fn identity(name: &str) -> [u8; 16] {
    let hash = blake3::hash(name.as_bytes());
    let bytes = hash.as_bytes().first_chunk::<16>().copied().unwrap_or_default();
    uuid::Builder::from_custom_bytes(bytes).into_uuid().into_bytes()
}
