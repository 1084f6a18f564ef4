//! The rows of a span at a time, out of several layers: the newest version wins, and a tombstone
//! wins as well.
//!
//! ```text
//!   full        k1@5 ─────── k2@4 ─────── k3@6 ┐
//!   layer 1     k1@12 ┐      k2@11 † ┐         ├─▶ heap, by key, then newest first ─▶ k1@12, k3@6
//!   layer 2           └──────────────┘         ┘
//! ```

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::source::SourceLayer;
use crate::archive::{FileRecord, Scan};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::Span;

/// Stored bytes that a pass holds at a time, shared among the files that it has open.
const FETCHED_BYTES: u64 = 64 << 20;

/// What a file fetches at a time at least: less would be many small requests.
const FETCH_BYTES_MIN: u64 = 256 << 10;

/// A pass over the rows of a span.
pub struct Merge<'a> {
    runs: Vec<Run<'a>>,
    heap: BinaryHeap<Head>,
    as_of: Timestamp,
    key: Vec<u8>,
    value: Vec<u8>,
    /// Whether a version of `key` has counted already.
    decided: bool,
    begun: bool,
}

/// Files of one layer that follow one another; one is open at a time.
struct Run<'a> {
    layer: &'a SourceLayer,
    files: Vec<&'a FileRecord>,
    next: usize,
    span: &'a Span,
    scan: Option<Scan>,
    fetch_bytes: u64,
}

/// The version at which a run stands.
#[derive(Default)]
struct Head {
    key: Vec<u8>,
    at: Timestamp,
    value: Vec<u8>,
    live: bool,
    run: usize,
}

impl<'a> Merge<'a> {
    /// Begins a pass over a span in some layers, oldest first. Files are opened as they are needed.
    pub fn open(layers: &'a [SourceLayer], span: &'a Span, as_of: Timestamp) -> Result<Merge<'a>> {
        let mut runs = Vec::new();
        for layer in layers {
            runs.extend(runs_of(layer, span));
        }
        let share = FETCHED_BYTES / u64::try_from(runs.len()).unwrap_or(u64::MAX).max(1);
        let mut heap = BinaryHeap::with_capacity(runs.len());
        for (number, run) in runs.iter_mut().enumerate() {
            run.fetch_bytes = share.max(FETCH_BYTES_MIN);
            let mut head = Head { run: number, ..Head::default() };
            if run.step(&mut head)? {
                heap.push(head);
            }
        }
        let (key, value) = (Vec::new(), Vec::new());
        Ok(Merge { runs, heap, as_of, key, value, decided: false, begun: false })
    }

    /// Goes to the next row; `false` at the end. After an error the pass is over.
    pub fn next(&mut self) -> Result<bool> {
        while let Some(mut top) = self.heap.peek_mut() {
            if !self.begun || top.key != self.key {
                self.key.clear();
                self.key.extend_from_slice(&top.key);
                self.begun = true;
                self.decided = false;
            }
            let counts = !self.decided && top.at <= self.as_of;
            let found = counts && top.live;
            if counts {
                self.decided = true;
                std::mem::swap(&mut self.value, &mut top.value);
            }
            let run = self.runs.get_mut(top.run);
            let run = run.ok_or_else(|| Error::internal("a run of a merge is lost"))?;
            if !run.step(&mut top)? {
                PeekMut::pop(top);
            }
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The row's key, as it was in the backup.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The row's value.
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

/// The files of a layer that have keys of a span, as few runs as possible. A layer's files do not
/// overlap as a rule, which gives one run.
fn runs_of<'a>(layer: &'a SourceLayer, span: &'a Span) -> Vec<Run<'a>> {
    let mut files: Vec<&FileRecord> =
        layer.manifest.files.iter().filter(|file| file.span.overlaps(span)).collect();
    files.sort_by(|a, b| a.span.cmp(&b.span));
    let mut runs: Vec<Run<'a>> = Vec::new();
    for file in files {
        let follows =
            |run: &Run<'_>| run.files.last().is_some_and(|last| last.span.end <= file.span.start);
        match runs.iter_mut().find(|run| follows(run)) {
            Some(run) => run.files.push(file),
            None => {
                let (next, scan, fetch_bytes) = (0, None, FETCH_BYTES_MIN);
                runs.push(Run { layer, files: vec![file], next, span, scan, fetch_bytes });
            }
        }
    }
    runs
}

impl Run<'_> {
    /// Puts the next version into `head`; `false` at the end.
    fn step(&mut self, head: &mut Head) -> Result<bool> {
        loop {
            if let Some(scan) = &mut self.scan {
                if let Some(entry) = scan.next()? {
                    head.key.clear();
                    head.key.extend_from_slice(entry.key);
                    head.at = entry.at;
                    head.live = entry.value.is_some();
                    head.value.clear();
                    head.value.extend_from_slice(entry.value.unwrap_or_default());
                    return Ok(true);
                }
                self.scan = None;
            }
            let Some(file) = self.files.get(self.next) else { return Ok(false) };
            self.next += 1;
            self.scan = Some(self.layer.reader(file)?.scan(self.span).fetching(self.fetch_bytes));
        }
    }
}

// The greatest head is the one that comes first: the smallest key, of that the newest version, and
// of the same version in two layers that of the later run.
impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = other.key.cmp(&self.key);
        key.then_with(|| self.at.cmp(&other.at)).then_with(|| self.run.cmp(&other.run))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}
