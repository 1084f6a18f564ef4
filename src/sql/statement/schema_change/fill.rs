//! Entries for the rows that were there: read as of one time, loaded in sorted runs.

use super::Progress;
use super::job::Run;
use super::shape::Shape;
use crate::error::Result;
use crate::keys::{Key, Span, index_span, table_span};
use crate::kv::{Access, Family};
use crate::limits::BATCH_ROWS;
use crate::mvcc::{ProtectedRecord, Snapshot};

/// Entries of one run, in bytes. Little in tests, so that a thousand rows make several runs.
const RUN_BYTES: usize = if cfg!(test) { 8 << 10 } else { 32 << 20 };

/// What an entry takes besides its bytes.
const ENTRY_BYTES: usize = 64;

/// The share of filling in the whole job.
const SHARE: f64 = 0.9;

/// What people see while it goes on.
const STATUS: &str = "populating schema";

/// Entries that are loaded together.
struct Gathered {
    entries: Vec<(Key, Vec<u8>)>,
    rows: u64,
    /// The first row behind them, if there is one.
    next: Option<Key>,
}

/// Loads what is not loaded yet.
pub fn fill(run: &Run<'_>, shape: &mut Shape) -> Result<()> {
    let mvcc = &run.server.mvcc;
    let mut progress: Progress = run.job.progress()?;
    let whole = index_span(shape.lens.table.id, shape.lens.table.primary_index.id);
    let read_at = match progress.read_at {
        Some(at) => at,
        None => {
            let at = mvcc.now();
            mvcc.protect(ProtectedRecord {
                id: run.job.id().to_string(),
                at,
                spans: vec![table_span(shape.lens.table.id)],
                purpose: format!("job {}", run.job.id()),
            })?;
            progress.read_at = Some(at);
            progress.left = Some(whole.clone());
            run.checkpoint(0.0, STATUS, &progress)?;
            at
        }
    };
    let snapshot = mvcc.snapshot(read_at)?;
    let bytes = |span: &Span| mvcc.engine().approximate_bytes(Family::Versions, span);
    let total = bytes(&whole)?.max(1);
    while let Some(left) = progress.left.take() {
        let mut gathered = gather(run, shape, &snapshot, &left)?;
        load(run, shape, &mut gathered.entries, read_at)?;
        progress.rows += gathered.rows;
        progress.index_entries += gathered.entries.len() as u64;
        progress.left = gathered.next.map(|start| Span { start, end: left.end });
        let left = match &progress.left {
            Some(left) => bytes(left)?.min(total),
            None => 0,
        };
        let done = 1.0 - left as f64 / total as f64;
        // The end is remembered as an empty span: all is loaded.
        let mut stored = progress.clone();
        stored
            .left
            .get_or_insert_with(|| Span { start: whole.end.clone(), end: whole.end.clone() });
        run.checkpoint(SHARE * done, STATUS, &stored)?;
        run.job.pausepoint("schemachange.after.checkpoint")?;
    }
    Ok(())
}

fn gather(run: &Run<'_>, shape: &mut Shape, at: &Snapshot, span: &Span) -> Result<Gathered> {
    let mut gathered = Gathered { entries: Vec::new(), rows: 0, next: None };
    if span.is_empty() {
        return Ok(gathered);
    }
    let mut bytes = 0;
    let mut scan = at.scan(span, false, Access::Bulk)?;
    while scan.next()? {
        if bytes >= RUN_BYTES {
            gathered.next = Some(scan.key().to_vec());
            break;
        }
        gathered.rows += 1;
        if (gathered.rows as usize).is_multiple_of(BATCH_ROWS) {
            run.job.interrupt().check()?;
        }
        if let Some((key, value)) = shape.entry(scan.key(), scan.value())? {
            bytes += key.len() + value.len() + ENTRY_BYTES;
            gathered.entries.push((key, value));
        }
    }
    Ok(gathered)
}

fn load(
    run: &Run<'_>,
    shape: &Shape,
    entries: &mut [(Key, Vec<u8>)],
    at: crate::clock::Timestamp,
) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let twice = entries.windows(2).find_map(|pair| match pair {
        [a, b] if a.0 == b.0 => Some(a),
        _ => None,
    });
    if let Some((key, value)) = twice {
        return Err(shape.duplicate(key, value));
    }
    let mut writer = run.server.mvcc.bulk_writer(at)?;
    for (key, value) in entries.iter() {
        writer.put(key, value)?;
    }
    writer.finish()
}
