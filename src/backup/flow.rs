//! The pipeline from versions to data files.
//!
//! ```text
//!               ┌─ reader ──batches──▶ writer ─▶ data file ─▶ store ─┐
//!   pieces ─────┤                                                    ├──▶ Finished ──▶ caller
//!   (a queue)   └─ reader ──batches──▶ writer ─▶ data file ─▶ store ─┘
//!                 thread     bounded    thread: compress, encrypt, hash
//! ```
//!
//! A *lane* is a reader and a writer. Pieces are handed out in the order of their keys, so the keys
//! of each lane rise, and a lane goes on with the same file over many small pieces. A new file
//! begins only at a new key: the versions of one key stay together. Memory is bounded by the number
//! of lanes, whatever the size of a table.
//!
//! The first failure ends every lane; files that were not finished are given up.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use uuid::Uuid;

use super::piece::Piece;
use crate::archive::{DataFileWriter, FileRecord, Layer, Sink, WriterOptions};
use crate::clock::Timestamp;
use crate::cloud::StoreWriter;
use crate::error::{Error, Result};
use crate::keys::{IndexId, Key, Span, TableId, split_prefix};
use crate::mvcc::Mvcc;
use crate::task::Interrupt;

/// Bytes of a batch.
const BATCH_BYTES: usize = 512 << 10;
/// Batches between a reader and its writer.
const BATCHES_AHEAD: usize = 4;

/// What the lanes share.
pub(super) struct Flow<'a> {
    pub(super) mvcc: &'a Arc<Mvcc>,
    pub(super) layer: &'a Layer,
    pub(super) backup: Uuid,
    pub(super) upto: Timestamp,
    pub(super) all_versions: bool,
    /// A file is closed when it has this many bytes of keys and values.
    pub(super) file_bytes: u64,
    pub(super) lanes: usize,
    /// Bytes of keys and values per second.
    pub(super) bytes_per_second: u64,
    /// The primary index of each table, to tell rows from index entries.
    pub(super) primary: &'a HashMap<TableId, IndexId>,
    pub(super) interrupt: &'a Interrupt,
}

/// A file that is durable, and the spans that are complete with it. No file if nothing was there.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) record: Option<FileRecord>,
    pub(super) spans: Vec<Span>,
}

/// Versions on their way from the reader to the writer of a lane.
#[derive(Default)]
struct Batch {
    /// Keys and values, one after the other.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// The piece begins with this batch.
    begins: Option<Key>,
    /// The piece is over after this batch.
    ends: Option<Key>,
}

struct Entry {
    key_bytes: usize,
    value_bytes: Option<usize>,
    at: Timestamp,
}

struct Shared {
    queue: Mutex<VecDeque<Piece>>,
    stop: AtomicBool,
    pace: Mutex<Pace>,
}

/// Runs pieces, sorted by their keys, to the end. `finished` is called on the caller's thread, also
/// with `None` when for a while nothing was finished.
pub(super) fn run(
    flow: &Flow<'_>,
    pieces: Vec<Piece>,
    tick: Duration,
    finished: &mut dyn FnMut(Option<Finished>) -> Result<()>,
) -> Result<()> {
    let lanes = flow.lanes.clamp(1, 64);
    let shared = Shared {
        queue: Mutex::new(pieces.into()),
        stop: AtomicBool::new(false),
        pace: Mutex::new(Pace::new(flow.bytes_per_second)),
    };
    std::thread::scope(|scope| {
        let (results, inbox) = sync_channel(lanes);
        for _ in 0..lanes {
            let (batches, incoming) = sync_channel(BATCHES_AHEAD);
            let results = results.clone();
            let shared = &shared;
            scope.spawn(move || read(flow, shared, &batches));
            scope.spawn(move || {
                let outcome = Writer::new(flow, shared, &results).run(&incoming);
                if let Err(e) = outcome {
                    // Nobody listens any more only if another failure was first. It is told before
                    // the others are stopped, so that it is the one that is reported.
                    let _ = results.send(Err(e));
                    shared.stop.store(true, Ordering::Release);
                }
            });
        }
        drop(results);
        let outcome = gather(&inbox, tick, finished);
        if outcome.is_err() {
            shared.stop.store(true, Ordering::Release);
        }
        // Writers that wait to hand over a file see that nobody listens, and end.
        drop(inbox);
        outcome
    })
}

fn gather(
    inbox: &Receiver<Result<Finished>>,
    tick: Duration,
    finished: &mut dyn FnMut(Option<Finished>) -> Result<()>,
) -> Result<()> {
    loop {
        match inbox.recv_timeout(tick) {
            Ok(one) => finished(Some(one?))?,
            Err(RecvTimeoutError::Timeout) => finished(None)?,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn stopped() -> Error {
    Error::internal("a backup's lane was stopped")
}

/// The reader of a lane: takes pieces and sends their versions in batches.
fn read(flow: &Flow<'_>, shared: &Shared, batches: &SyncSender<Result<Batch>>) {
    loop {
        if shared.stop.load(Ordering::Acquire) {
            let _ = batches.send(Err(stopped()));
            return;
        }
        let Some(piece) = shared.queue.lock().pop_front() else { return };
        if let Err(e) = read_piece(flow, shared, piece, batches) {
            // The writer may be gone, having failed itself.
            let _ = batches.send(Err(e));
            return;
        }
    }
}

fn read_piece(
    flow: &Flow<'_>,
    shared: &Shared,
    piece: Piece,
    batches: &SyncSender<Result<Batch>>,
) -> Result<()> {
    let span = piece.span.clone();
    let mut exporter = piece.export(flow.mvcc, flow.upto, flow.all_versions)?;
    let mut batch = Batch { begins: Some(span.start), ..Batch::default() };
    while let Some(version) = exporter.next()? {
        batch.bytes.extend_from_slice(version.key);
        batch.bytes.extend_from_slice(version.value.unwrap_or_default());
        batch.entries.push(Entry {
            key_bytes: version.key.len(),
            value_bytes: version.value.map(<[u8]>::len),
            at: version.at,
        });
        if batch.bytes.len() >= BATCH_BYTES {
            flow.interrupt.check()?;
            if shared.stop.load(Ordering::Acquire) {
                return Err(stopped());
            }
            let next = Batch { bytes: Vec::with_capacity(BATCH_BYTES), ..Batch::default() };
            batches.send(Ok(std::mem::replace(&mut batch, next))).map_err(|_| stopped())?;
        }
    }
    flow.interrupt.check()?;
    batch.ends = Some(span.end);
    batches.send(Ok(batch)).map_err(|_| stopped())
}

/// A store's writer that a data file writes into and that is finished after it.
type Slot = Arc<Mutex<Option<Box<dyn StoreWriter>>>>;

struct OpenFile {
    path: String,
    file: DataFileWriter<'static>,
    store: Slot,
    locality: Option<String>,
    rows: u64,
    index_entries: u64,
}

/// The writer of a lane.
struct Writer<'a> {
    flow: &'a Flow<'a>,
    shared: &'a Shared,
    results: &'a SyncSender<Result<Finished>>,
    open: Option<OpenFile>,
    /// Spans that are complete once the open file is durable.
    pending: Vec<Span>,
    /// Where the part of the current piece begins that no finished file holds.
    from: Key,
}

impl<'a> Writer<'a> {
    fn new(
        flow: &'a Flow<'a>,
        shared: &'a Shared,
        results: &'a SyncSender<Result<Finished>>,
    ) -> Self {
        Writer { flow, shared, results, open: None, pending: Vec::new(), from: Vec::new() }
    }

    fn run(mut self, batches: &Receiver<Result<Batch>>) -> Result<()> {
        for batch in batches {
            let batch = batch?;
            if let Some(start) = batch.begins {
                self.from = start;
            }
            let mut rest = batch.bytes.as_slice();
            for entry in &batch.entries {
                let (key, tail) = rest.split_at_checked(entry.key_bytes).ok_or_else(cut)?;
                let (value, tail) =
                    tail.split_at_checked(entry.value_bytes.unwrap_or(0)).ok_or_else(cut)?;
                rest = tail;
                self.add(key, entry.at, entry.value_bytes.map(|_| value))?;
            }
            if let Some(end) = batch.ends {
                let start = std::mem::take(&mut self.from);
                self.pending.push(Span { start, end });
            }
            let wait = self.shared.pace.lock().take(batch.bytes.len() as u64);
            if !wait.is_zero() {
                self.flow.interrupt.wait(wait)?;
            }
        }
        self.close()
    }

    fn add(&mut self, key: &[u8], at: Timestamp, value: Option<&[u8]>) -> Result<()> {
        let full = self
            .open
            .as_ref()
            .is_some_and(|f| f.file.bytes() >= self.flow.file_bytes && f.file.last_key() != key);
        if full {
            // All versions before this key are in the file; if the piece began with it, none.
            if self.from.as_slice() < key {
                let start = std::mem::replace(&mut self.from, key.to_vec());
                self.pending.push(Span { start, end: key.to_vec() });
            }
            self.close()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(OpenFile::begin(self.flow)?),
        };
        open.file.add(key, at, value)?;
        if value.is_some() {
            match split_prefix(key) {
                Some((table, index, _))
                    if self.flow.primary.get(&table).is_some_and(|primary| *primary != index) =>
                {
                    open.index_entries += 1;
                }
                _ => open.rows += 1,
            }
        }
        Ok(())
    }

    /// Finishes the open file and reports it with the spans that are complete now.
    fn close(&mut self) -> Result<()> {
        let record = self.open.take().map(OpenFile::finish).transpose()?;
        let spans = std::mem::take(&mut self.pending);
        if record.is_none() && spans.is_empty() {
            return Ok(());
        }
        self.results.send(Ok(Finished { record, spans })).map_err(|_| stopped())
    }
}

fn cut() -> Error {
    Error::internal("a batch of a backup was cut")
}

impl OpenFile {
    fn begin(flow: &Flow<'_>) -> Result<OpenFile> {
        let (path, writer) = flow.layer.data_writer()?;
        let store: Slot = Arc::new(Mutex::new(Some(writer)));
        let target = Arc::clone(&store);
        let sink: Sink<'static> = Box::new(move |piece| match target.lock().as_mut() {
            Some(writer) => writer.write(piece),
            None => Err(Error::internal("a data file was written after its end")),
        });
        let file =
            DataFileWriter::new(sink, flow.backup, WriterOptions::default(), flow.layer.key())?;
        let locality = flow.layer.data_locality().map(str::to_owned);
        Ok(OpenFile { path, file, store, locality, rows: 0, index_entries: 0 })
    }

    fn finish(self) -> Result<FileRecord> {
        let summary = self.file.finish()?;
        let writer = self.store.lock().take();
        writer.ok_or_else(|| Error::internal("a data file was finished twice"))?.finish()?;
        Ok(summary.into_record(self.path, self.rows, self.index_entries, self.locality))
    }
}

/// Keeps the lanes together below a rate.
struct Pace {
    bytes_per_second: u64,
    /// When what was taken so far may have been written.
    due: Instant,
}

impl Pace {
    fn new(bytes_per_second: u64) -> Pace {
        Pace { bytes_per_second: bytes_per_second.max(1), due: Instant::now() }
    }

    /// Takes bytes; says how long to wait before the next.
    fn take(&mut self, bytes: u64) -> Duration {
        let now = Instant::now();
        let cost = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        self.due = self.due.max(now) + cost;
        self.due.saturating_duration_since(now).saturating_sub(Duration::from_millis(20))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_makes_those_wait_who_took_too_much() {
        let mut pace = Pace::new(1_000);
        assert!(pace.take(10).is_zero());
        assert!(pace.take(2_000) > Duration::from_millis(1_900));
        assert!(Pace::new(1 << 40).take(1 << 20).is_zero());
    }
}
