//! Entries for the rows that were there: read as of one time, loaded in sorted runs.

use super::Progress;
use super::job::Run;
use super::maker::Maker;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
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
    /// By the number of their index.
    entries: Vec<Vec<(Key, Vec<u8>)>>,
    rows: u64,
    /// The first row behind them, if there is one.
    next: Option<Key>,
}

/// Loads what is not loaded yet.
pub fn fill(run: &Run<'_>, maker: &mut Maker) -> Result<()> {
    let mvcc = &run.server.mvcc;
    let mut progress: Progress = run.job.progress()?;
    let table = maker.lens.table.clone();
    let whole = index_span(table.id, table.primary_index.id);
    let read_at = match progress.read_at {
        Some(at) => at,
        None => {
            let at = mvcc.now();
            mvcc.protect(ProtectedRecord {
                id: run.job.id().to_string(),
                at,
                spans: vec![table_span(table.id)],
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
    while let Some(left) = progress.left.take().filter(|left| !left.is_empty()) {
        let mut gathered = gather(run, maker, &snapshot, &left)?;
        for number in 0..gathered.entries.len() {
            if let Some(entries) = gathered.entries.get_mut(number) {
                load(run, maker, number, entries, read_at)?;
                progress.index_entries += entries.len() as u64;
            }
        }
        progress.rows += gathered.rows;
        // In the end nothing is left, which is an empty span.
        let start = gathered.next.unwrap_or_else(|| left.end.clone());
        let left = Span { start, end: left.end };
        let share = if left.is_empty() { 0 } else { bytes(&left)?.min(total) };
        progress.left = Some(left);
        run.checkpoint(SHARE * (1.0 - share as f64 / total as f64), STATUS, &progress)?;
        run.job.pausepoint("schemachange.after.checkpoint")?;
    }
    Ok(())
}

fn gather(run: &Run<'_>, maker: &mut Maker, at: &Snapshot, span: &Span) -> Result<Gathered> {
    let entries = vec![Vec::new(); maker.indexes.len()];
    let mut gathered = Gathered { entries, rows: 0, next: None };
    let mut bytes = 0;
    let mut scan = at.scan(span, false, Access::Bulk)?;
    while scan.next()? {
        if bytes >= RUN_BYTES {
            gathered.next = Some(scan.key().to_vec());
            break;
        }
        gathered.rows += 1;
        if gathered.rows.is_multiple_of(BATCH_ROWS as u64) {
            run.job.interrupt().check()?;
        }
        for (number, key, value) in maker.entries(scan.key(), scan.value())? {
            bytes += key.len() + value.len() + ENTRY_BYTES;
            let entries = gathered.entries.get_mut(number);
            entries.ok_or_else(|| Error::internal("no such index"))?.push((key, value));
        }
    }
    Ok(gathered)
}

fn load(
    run: &Run<'_>,
    maker: &Maker,
    number: usize,
    entries: &mut [(Key, Vec<u8>)],
    at: Timestamp,
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
        return Err(maker.duplicate(number, key, value));
    }
    let mut writer = run.server.mvcc.bulk_writer(at)?;
    for (key, value) in entries.iter() {
        writer.put(key, value)?;
    }
    writer.finish()
}
