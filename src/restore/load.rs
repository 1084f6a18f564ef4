//! Loading: pieces of old indexes become sorted runs under new numbers.
//!
//! Threads take chunks one by one and hand them back when their rows are durable. The job's own
//! thread counts them and writes the checkpoints, so that a checkpoint never names what is not
//! there. A run that is stopped lets the chunks in hand end and remembers them too.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::Services;
use super::coverage::Coverage;
use super::details::{Details, Progress, TableWork};
use super::job::Control;
use super::merge::Merge;
use super::source::{Source, SourceLayer};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::{Span, SpanSet, TableId, index_span};
use crate::settings;
use crate::task::Interrupt;

/// Rows between two looks at the interrupt.
const ROWS_PER_LOOK: u64 = 1_024;

/// How much is loaded between two chances to stop.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Stored bytes of a chunk.
    pub chunk_bytes: u64,
    /// Longest time between two checkpoints while chunks end.
    pub checkpoint_interval: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { chunk_bytes: 64 << 20, checkpoint_interval: Duration::from_secs(10) }
    }
}

/// A range of keys of one old index, which takes all layers from one on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The old keys.
    pub span: Span,
    /// The number that the table has here.
    pub new: TableId,
    /// Whether these are rows rather than entries of a secondary index.
    pub primary: bool,
    /// The first layer that counts.
    pub from_layer: usize,
    /// Stored bytes, roughly.
    pub bytes: u64,
}

/// Every piece of a restore, in the order of new keys. Refuses a chain that lacks data.
pub fn pieces(details: &Details, layers: &[SourceLayer]) -> Result<Vec<Piece>> {
    let coverage = Coverage::new(layers.get(..details.layers.len()).unwrap_or(layers));
    let mut pieces = Vec::new();
    let mut tables: Vec<&TableWork> = details.tables.iter().collect();
    tables.sort_by_key(|table| table.new);
    for table in tables {
        for index in &table.indexes {
            for (span, from_layer) in coverage.parts(&index_span(table.old, *index), &table.name)? {
                let bytes = coverage.bytes(&span, from_layer);
                let primary = *index == table.primary;
                pieces.push(Piece { span, new: table.new, primary, from_layer, bytes });
            }
        }
    }
    Ok(pieces)
}

/// What is left to load, in chunks of about the wanted size.
fn chunks(pieces: &[Piece], completed: &SpanSet, chunk_bytes: u64) -> Vec<Vec<Piece>> {
    let mut chunks: Vec<Vec<Piece>> = Vec::new();
    let mut bytes = chunk_bytes;
    for piece in pieces {
        for span in completed.uncovered(&piece.span) {
            let piece = Piece { span, ..piece.clone() };
            // An empty piece costs something too.
            let cost = piece.bytes.max(1_024);
            match chunks.last_mut() {
                Some(chunk) if bytes.saturating_add(cost) <= chunk_bytes => {
                    bytes += cost;
                    chunk.push(piece);
                }
                _ => {
                    bytes = cost;
                    chunks.push(vec![piece]);
                }
            }
        }
    }
    chunks
}

/// What came of a chunk.
#[derive(Clone, Copy, Debug, Default)]
struct Loaded {
    rows: u64,
    index_entries: u64,
    bytes: u64,
}

/// Loads everything that is not loaded yet. The progress is right when this returns, whatever it
/// returns.
pub fn load(
    control: &dyn Control,
    services: &Services,
    details: &Details,
    source: &Source,
    progress: &mut Progress,
    pace: Pace,
) -> Result<()> {
    let loaded_at = progress
        .loaded_at
        .ok_or_else(|| Error::internal("a restore loads before its time is chosen"))?;
    let pieces = pieces(details, &source.layers)?;
    let chunks = chunks(&pieces, &progress.completed, pace.chunk_bytes);
    let weight = |piece: &Piece| piece.bytes.saturating_add(1);
    let total: u64 = pieces.iter().map(weight).sum();
    let left: u64 = chunks.iter().flatten().map(weight).sum();
    let mut done = total.saturating_sub(left);
    let layers = source.layers.get(..details.layers.len()).unwrap_or(&source.layers);
    let loader = Loader {
        services,
        layers,
        as_of: details.as_of,
        loaded_at,
        keep: !details.schema_only,
        interrupt: control.interrupt(),
        brake: Brake::new(services.settings.bytes(settings::BULK_IO_MAX_RATE)),
    };
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let wanted = services.settings.int(settings::RESTORE_WORKERS).clamp(1, 64);
    let workers = usize::try_from(wanted).unwrap_or(1).min(chunks.len());

    std::thread::scope(|scope| {
        let (sender, results) = mpsc::sync_channel::<(usize, Result<Loaded>)>(workers.max(1));
        for number in 0..workers {
            let (sender, loader, chunks, next, stop) =
                (sender.clone(), &loader, &chunks, &next, &stop);
            let work = move || {
                while !stop.load(Ordering::Acquire) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(chunk) = chunks.get(at) else { break };
                    if sender.send((at, loader.chunk(chunk))).is_err() {
                        break;
                    }
                }
            };
            let thread = std::thread::Builder::new().name(format!("restore-{number}"));
            if let Err(e) = thread.spawn_scoped(scope, work) {
                stop.store(true, Ordering::Release);
                return Err(Error::from(e).context("a thread could not be started"));
            }
        }
        drop(sender);
        let mut failure: Option<Error> = None;
        let mut saved = Instant::now();
        for (at, result) in results {
            let outcome = result.and_then(|loaded| {
                for piece in chunks.get(at).into_iter().flatten() {
                    progress.completed.add(piece.span.clone());
                    done = done.saturating_add(weight(piece));
                }
                progress.rows += loaded.rows;
                progress.index_entries += loaded.index_entries;
                progress.bytes += loaded.bytes;
                if failure.is_some() {
                    return Ok(());
                }
                if saved.elapsed() < pace.checkpoint_interval {
                    return control.report(share(done, total), "restoring data");
                }
                saved = Instant::now();
                control.checkpoint(share(done, total), "restoring data", progress)?;
                control.pausepoint("restore.after.checkpoint")
            });
            if let Err(e) = outcome {
                stop.store(true, Ordering::Release);
                failure.get_or_insert(e);
            }
        }
        match failure {
            None => Ok(()),
            Some(e) => {
                // What ended meanwhile need not be done again. Why the run stops matters more than
                // whether this worked.
                if let Err(e) = control.checkpoint(share(done, total), "restoring data", progress) {
                    tracing::debug!(error = %e, "the last checkpoint of a stopped restore");
                }
                Err(e)
            }
        }
    })
}

/// How far the job is when so much of the data is done; the rest is publication.
fn share(done: u64, total: u64) -> f64 {
    if total == 0 { 0.95 } else { 0.95 * done as f64 / total as f64 }
}

struct Loader<'a> {
    services: &'a Services,
    layers: &'a [SourceLayer],
    as_of: Timestamp,
    loaded_at: Timestamp,
    /// Whether rows are kept, or only read and checked.
    keep: bool,
    interrupt: &'a Interrupt,
    brake: Brake,
}

/// Keeps all threads together below a number of bytes per second.
struct Brake {
    bytes_per_second: u64,
    begun: Instant,
    bytes: AtomicU64,
}

impl Brake {
    fn new(bytes_per_second: u64) -> Brake {
        let (begun, bytes) = (Instant::now(), AtomicU64::new(0));
        Brake { bytes_per_second: bytes_per_second.max(1), begun, bytes }
    }

    /// Takes bytes that were written, and waits if there were too many.
    fn take(&self, bytes: u64, interrupt: &Interrupt) -> Result<()> {
        let taken = self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        // A day is as good as for ever, and fits into every kind of duration.
        let seconds = (taken as f64 / self.bytes_per_second as f64).min(86_400.0);
        let due = Duration::from_secs_f64(seconds);
        match due.saturating_sub(self.begun.elapsed()) {
            Duration::ZERO => interrupt.check(),
            early => interrupt.wait(early),
        }
    }
}

impl Loader<'_> {
    /// Loads one chunk; its rows are durable when this returns.
    fn chunk(&self, chunk: &[Piece]) -> Result<Loaded> {
        let mut loaded = Loaded::default();
        let mut writer = self.services.mvcc.bulk_writer(self.loaded_at)?;
        let mut key = Vec::new();
        for piece in chunk {
            self.interrupt.check()?;
            let layers = self.layers.get(piece.from_layer..).unwrap_or_default();
            let mut merge = Merge::open(layers, &piece.span, self.as_of)?;
            let (mut rows, mut looked) = (0u64, loaded.bytes);
            while merge.next()? {
                rows += 1;
                rekey(merge.key(), piece.new, &mut key)?;
                loaded.bytes += (key.len() + merge.value().len()) as u64;
                if rows.is_multiple_of(ROWS_PER_LOOK) {
                    self.brake.take(loaded.bytes - looked, self.interrupt)?;
                    looked = loaded.bytes;
                }
                if self.keep {
                    writer.put(&key, merge.value())?;
                }
            }
            if piece.primary {
                loaded.rows += rows;
            } else {
                loaded.index_entries += rows;
            }
        }
        if writer.rows() > 0 {
            writer.finish()?;
        }
        Ok(if self.keep { loaded } else { Loaded::default() })
    }
}

/// A key with another table's number.
fn rekey(old: &[u8], table: TableId, key: &mut Vec<u8>) -> Result<()> {
    let rest = old.get(4..).ok_or_else(|| Error::corrupt("a key in the backup is too short"))?;
    key.clear();
    key.extend_from_slice(&table.to_be_bytes());
    key.extend_from_slice(rest);
    Ok(())
}
