//! The part of a transaction's writes that memory does not hold.
//!
//! ```text
//!            buffered map          the youngest writes
//!                 │ full
//!                 ▼
//!   level 0   run  run  run …      ten of a level are merged into one of the next
//!   level 1   run  run …
//!   level 2   run                  the oldest writes
//! ```
//!
//! The runs are kept from the oldest to the youngest, so the first source that has a key, looked
//! at from the map backwards, has the value in force. Rolling back to a savepoint removes nothing
//! from a run: it declares epochs dead. A merge leaves out what is dead, and what no savepoint
//! could bring back.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::run::{Dead, Entries, Run, RunScan, RunWriter, is_dead};
use super::writes::{InMemory, Write};
use crate::error::Result;
use crate::keys::{Key, PREFIX_BYTES, Span};
use crate::kv::Scratch;

/// Runs of one level that are merged into one of the next.
const MERGED_TOGETHER: usize = 10;

/// Runs of buffered writes.
#[derive(Default)]
pub(super) struct Spilled {
    /// The oldest first.
    runs: Vec<Arc<Run>>,
    dead: Dead,
    /// For each index that was ever written into, a span with all the keys.
    spans: BTreeMap<Vec<u8>, Span>,
}

impl Spilled {
    /// Puts a map of writes aside. `marks` are the epochs of the open savepoints.
    pub(super) fn add(
        &mut self,
        scratch: &Scratch,
        map: &BTreeMap<Key, Write>,
        marks: &[u32],
    ) -> Result<()> {
        let mut writer = RunWriter::new(scratch, map.len(), 0)?;
        for (key, write) in map {
            for (epoch, stored) in write.entries() {
                writer.put(key, epoch, stored)?;
            }
        }
        self.runs.extend(writer.finish()?);
        for key in map.keys() {
            self.widen(key);
        }
        self.merge_full_levels(scratch, marks)
    }

    /// Keys come sorted, so all but the first and the last of an index find nothing to do.
    fn widen(&mut self, key: &[u8]) {
        let index = &key[..key.len().min(PREFIX_BYTES)];
        match self.spans.get_mut(index) {
            None => {
                self.spans.insert(index.to_vec(), Span::point(key.to_vec()));
            }
            Some(span) => {
                if key < span.start.as_slice() {
                    span.start = key.to_vec();
                }
                if key >= span.end.as_slice() {
                    span.end.clear();
                    span.end.extend_from_slice(key);
                    span.end.push(0);
                }
            }
        }
    }

    fn merge_full_levels(&mut self, scratch: &Scratch, marks: &[u32]) -> Result<()> {
        while let Some(level) = self.runs.last().map(|run| run.level) {
            let alike = self.runs.iter().rev().take_while(|run| run.level == level).count();
            if alike < MERGED_TOGETHER {
                break;
            }
            let from = self.runs.len() - alike;
            let merged = self.merge(&self.runs[from..], scratch, marks, level + 1)?;
            self.runs.truncate(from);
            self.runs.extend(merged);
        }
        Ok(())
    }

    fn merge(
        &self,
        runs: &[Arc<Run>],
        scratch: &Scratch,
        marks: &[u32],
        level: u32,
    ) -> Result<Option<Arc<Run>>> {
        let entries = runs.iter().map(|run| run.entries()).sum();
        let mut writer = RunWriter::new(scratch, entries, level)?;
        // The youngest first, so that of equal keys the youngest entry comes first.
        let youngest_first = runs.iter().rev().cloned();
        let mut sources = youngest_first.map(Entries::new).collect::<Result<Vec<_>>>()?;
        let mut last: Option<(Key, u32)> = None;
        loop {
            let mut next: Option<(usize, &[u8])> = None;
            for (i, source) in sources.iter().enumerate() {
                if let Some((key, ..)) = source.peek()
                    && next.is_none_or(|(_, smallest)| key < smallest)
                {
                    next = Some((i, key));
                }
            }
            let Some((i, _)) = next else { break };
            if let Some((key, epoch, stored)) = sources[i].peek()
                && !is_dead(&self.dead, epoch)
            {
                let same = last.as_ref().filter(|(last, _)| last == key);
                // Hidden by a younger entry, it matters only to a savepoint from between the two.
                let needed = same.is_none_or(|(_, younger)| {
                    marks.iter().any(|mark| epoch <= *mark && mark < younger)
                });
                if needed {
                    writer.put(key, epoch, stored)?;
                    match &mut last {
                        Some((last, younger)) => {
                            last.clear();
                            last.extend_from_slice(key);
                            *younger = epoch;
                        }
                        none => *none = Some((key.to_vec(), epoch)),
                    }
                }
            }
            sources[i].step()?;
        }
        writer.finish()
    }

    /// Takes back the entries with epochs after `mark`, up to `now`.
    pub(super) fn roll_back(&mut self, mark: u32, now: u32) {
        self.runs.retain(|run| run.epochs().0 <= mark);
        if mark < now && self.runs.iter().any(|run| run.epochs().1 > mark) {
            let dead = Arc::make_mut(&mut self.dead);
            dead.retain(|(first, _)| *first <= mark);
            dead.push((mark + 1, now));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether a key of a span may have been written; sometimes yes where none was.
    pub(super) fn may_have_in(&self, within: &Span) -> bool {
        self.spans.values().any(|span| span.overlaps(within))
    }

    /// Spans that have all the keys, one for each index.
    pub(super) fn spans(&self) -> impl Iterator<Item = &Span> {
        self.spans.values()
    }

    /// Bytes in its files.
    pub(super) fn bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.bytes()).sum()
    }

    /// The stored bytes in force for a key that the map does not have.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        for run in self.runs.iter().rev() {
            if let Some(stored) = run.get(key, &self.dead)? {
                return Ok(Some(stored));
            }
        }
        Ok(None)
    }

    /// The writes of a span, those in memory over those of the runs.
    pub(super) fn scan(&self, memory: InMemory, span: &Span, reverse: bool) -> Result<Merged> {
        let mut runs = Vec::new();
        if self.may_have_in(span) {
            for run in self.runs.iter().rev() {
                runs.push(RunScan::new(run.clone(), self.dead.clone(), span.clone(), reverse)?);
            }
        }
        let mut merged = Merged { memory, runs, reverse, here: None, key: Key::new() };
        merged.choose();
        Ok(merged)
    }
}

/// Where a merged scan takes its write from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Memory,
    Run(usize),
}

/// Writes from memory and runs in the order of a scan, one for each key.
pub(super) struct Merged {
    memory: InMemory,
    /// The youngest first.
    runs: Vec<RunScan>,
    reverse: bool,
    here: Option<Source>,
    /// The key that was left, while the sources move past it.
    key: Key,
}

impl Merged {
    /// The write here: its key and stored bytes.
    pub(super) fn peek(&self) -> Option<(&[u8], &[u8])> {
        match self.here? {
            Source::Memory => self.memory.peek(),
            Source::Run(i) => self.runs.get(i).and_then(RunScan::peek),
        }
    }

    /// Moves to the next one.
    pub(super) fn step(&mut self) -> Result<()> {
        let mut left = std::mem::take(&mut self.key);
        left.clear();
        let Some((key, _)) = self.peek() else { return Ok(()) };
        left.extend_from_slice(key);
        let at = |entry: Option<(&[u8], &[u8])>| entry.is_some_and(|(key, _)| key == left);
        if at(self.memory.peek()) {
            self.memory.step();
        }
        for run in &mut self.runs {
            if at(run.peek()) {
                run.step()?;
            }
        }
        self.key = left;
        self.choose();
        Ok(())
    }

    /// Finds the source whose key comes next; of several with the same, the youngest.
    fn choose(&mut self) {
        let mut best = self.memory.peek().map(|(key, _)| (Source::Memory, key));
        for (i, run) in self.runs.iter().enumerate() {
            let Some((key, _)) = run.peek() else { continue };
            let sooner =
                best.is_none_or(|(_, best)| if self.reverse { key > best } else { key < best });
            if sooner {
                best = Some((Source::Run(i), key));
            }
        }
        self.here = best.map(|(source, _)| source);
    }
}
