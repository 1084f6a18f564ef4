//! A transaction's buffered writes, with savepoints. Those that are too many for memory are put
//! aside (see `spilled`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::spilled::{Merged, Spilled};
use super::version;
use crate::error::Result;
use crate::keys::{Key, Span};
use crate::kv::Scratch;

/// What one buffered write costs besides its bytes.
const OVERHEAD_BYTES: usize = 80;

/// Own writes within a scan that are copied rather than shared with it.
const COPIED_MAX: usize = 64;

/// A buffered write: stored bytes (value and tag), and what it hides of before a savepoint.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) stored: Vec<u8>,
    epoch: u32,
    older: Option<Box<Write>>,
}

impl Write {
    /// What was written in each epoch that is remembered, the youngest first.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, &[u8])> {
        std::iter::successors(Some(self), |write| write.older.as_deref())
            .map(|write| (write.epoch, write.stored.as_slice()))
    }
}

/// The writes of a transaction, one for each key.
#[derive(Default)]
pub(super) struct WriteSet {
    // Shared with open scans, which go on seeing what they began with.
    map: Arc<BTreeMap<Key, Write>>,
    epoch: u32,
    bytes: usize,
    operations: u64,
    spilled: Option<Box<Spilled>>,
}

/// A point to roll back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteMark {
    epoch: u32,
    operations: u64,
}

impl WriteSet {
    /// Buffers a write. `innermost` is the youngest savepoint, which must find what was there.
    pub(super) fn insert(&mut self, key: Key, stored: Vec<u8>, innermost: Option<WriteMark>) {
        self.operations += 1;
        self.bytes += key.len() + stored.len() + OVERHEAD_BYTES;
        let epoch = self.epoch;
        let map = Arc::make_mut(&mut self.map);
        match map.entry(key) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(Write { stored, epoch, older: None });
            }
            std::collections::btree_map::Entry::Occupied(mut occupied) => {
                let write = occupied.get_mut();
                let kept = innermost.is_some_and(|mark| mark.epoch >= write.epoch);
                if kept && write.epoch < epoch {
                    let old = std::mem::replace(write, Write { stored, epoch, older: None });
                    write.older = Some(Box::new(old));
                } else {
                    self.bytes = self
                        .bytes
                        .saturating_sub(occupied.key().len() + OVERHEAD_BYTES)
                        .saturating_sub(occupied.get().stored.len());
                    let write = occupied.get_mut();
                    write.stored = stored;
                    write.epoch = epoch;
                }
            }
        }
    }

    /// Puts what memory holds aside. `marks` are the open savepoints.
    pub(super) fn spill(
        &mut self,
        scratch: &Scratch,
        marks: impl Iterator<Item = WriteMark>,
    ) -> Result<()> {
        if !self.map.is_empty() {
            let marks: Vec<u32> = marks.map(|mark| mark.epoch).collect();
            self.spilled.get_or_insert_default().add(scratch, &self.map, &marks)?;
            self.map = Arc::default();
            self.bytes = 0;
        }
        Ok(())
    }

    /// Whether some of the writes were put aside.
    pub(super) fn is_spilled(&self) -> bool {
        self.spilled.is_some()
    }

    /// The stored bytes buffered for a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>> {
        if let Some(write) = self.map.get(key) {
            return Ok(Some(Cow::Borrowed(&write.stored)));
        }
        match &self.spilled {
            None => Ok(None),
            Some(spilled) => Ok(spilled.get(key)?.map(Cow::Owned)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty() && self.spilled.as_ref().is_none_or(|spilled| spilled.is_empty())
    }

    /// Memory taken, as an estimate.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether something was written within a span. Of what was put aside only the bounds within
    /// each index are known, so the answer may be yes where nothing was.
    pub(super) fn has_in(&self, span: &Span) -> bool {
        let spilled = || self.spilled.as_ref().is_some_and(|spilled| spilled.may_have_in(span));
        !span.is_empty() && (range(&self.map, span).next().is_some() || spilled())
    }

    /// Spans with all the keys of writes that were put aside.
    pub(super) fn spilled_spans(&self) -> impl Iterator<Item = &Span> {
        self.spilled.iter().flat_map(|spilled| spilled.spans())
    }

    /// Bytes that were put aside.
    pub(super) fn spilled_bytes(&self) -> u64 {
        self.spilled.as_ref().map_or(0, |spilled| spilled.bytes())
    }

    /// The keys in memory.
    pub(super) fn keys(&self) -> std::collections::btree_map::Keys<'_, Key, Write> {
        self.map.keys()
    }

    /// The writes in memory.
    pub(super) fn into_sorted(self) -> impl Iterator<Item = (Key, Vec<u8>)> {
        let map = Arc::try_unwrap(self.map).unwrap_or_else(|shared| (*shared).clone());
        map.into_iter().map(|(key, write)| (key, write.stored))
    }

    /// A point to roll back to: what is written from now on can be taken back.
    pub(super) fn mark(&mut self) -> WriteMark {
        let mark = WriteMark { epoch: self.epoch, operations: self.operations };
        self.epoch += 1;
        mark
    }

    /// Takes back everything written after a mark; the mark stays good.
    pub(super) fn roll_back(&mut self, mark: WriteMark) {
        if self.operations != mark.operations {
            let map = Arc::make_mut(&mut self.map);
            map.retain(|_, write| {
                while write.epoch > mark.epoch {
                    match write.older.take() {
                        Some(older) => *write = *older,
                        None => return false,
                    }
                }
                true
            });
            if let Some(spilled) = &mut self.spilled {
                spilled.roll_back(mark.epoch, self.epoch);
            }
            self.operations = mark.operations;
            self.bytes = map
                .iter()
                .map(|(key, write)| key.len() + write.stored.len() + OVERHEAD_BYTES)
                .sum();
        }
        self.epoch += 1;
    }

    /// The writes within a span, for a scan in one direction.
    pub(super) fn within(&self, span: &Span, reverse: bool) -> Result<OwnWrites> {
        let memory = self.in_memory(span, reverse);
        match &self.spilled {
            Some(spilled) if !span.is_empty() => {
                Ok(OwnWrites::Merged(Box::new(spilled.scan(memory, span, reverse)?)))
            }
            _ => Ok(OwnWrites::Memory(memory)),
        }
    }

    fn in_memory(&self, span: &Span, reverse: bool) -> InMemory {
        if self.map.is_empty() || span.is_empty() {
            return InMemory::Copied(Vec::new());
        }
        if range(&self.map, span).nth(COPIED_MAX).is_some() {
            let map = self.map.clone();
            let mut shared = Shared { map, span: span.clone(), reverse, here: None };
            shared.step();
            return InMemory::Shared(shared);
        }
        let copy = |(key, write): (&Key, &Write)| (key.clone(), write.stored.clone());
        let mut copied: Vec<_> = range(&self.map, span).map(copy).collect();
        // Taken from the back, so the first one to come is last.
        if !reverse {
            copied.reverse();
        }
        InMemory::Copied(copied)
    }
}

fn range<'a>(
    map: &'a BTreeMap<Key, Write>,
    span: &'a Span,
) -> std::collections::btree_map::Range<'a, Key, Write> {
    map.range::<[u8], _>((
        Bound::Included(span.start.as_slice()),
        Bound::Excluded(span.end.as_slice()),
    ))
}

/// A transaction's writes in the order of a scan.
pub(super) enum OwnWrites {
    Memory(InMemory),
    Merged(Box<Merged>),
}

impl OwnWrites {
    /// The write here: its key and stored bytes.
    pub(super) fn peek(&self) -> Option<(&[u8], &[u8])> {
        match self {
            OwnWrites::Memory(memory) => memory.peek(),
            OwnWrites::Merged(merged) => merged.peek(),
        }
    }

    /// Moves to the next one.
    pub(super) fn step(&mut self) -> Result<()> {
        match self {
            OwnWrites::Memory(memory) => {
                memory.step();
                Ok(())
            }
            OwnWrites::Merged(merged) => merged.step(),
        }
    }
}

/// Buffered writes in the order of a scan.
pub(super) enum InMemory {
    Copied(Vec<(Key, Vec<u8>)>),
    Shared(Shared),
}

pub(super) struct Shared {
    map: Arc<BTreeMap<Key, Write>>,
    span: Span,
    reverse: bool,
    here: Option<Key>,
}

impl Shared {
    fn step(&mut self) {
        let start = self.span.start.as_slice();
        let end = self.span.end.as_slice();
        let left = match (&self.here, self.reverse) {
            (None, _) => (Bound::Included(start), Bound::Excluded(end)),
            (Some(here), false) => (Bound::Excluded(here.as_slice()), Bound::Excluded(end)),
            (Some(here), true) => (Bound::Included(start), Bound::Excluded(here.as_slice())),
        };
        let mut range = self.map.range::<[u8], _>(left);
        let next = if self.reverse { range.next_back() } else { range.next() };
        self.here = next.map(|(key, _)| key.clone());
    }
}

impl InMemory {
    /// The write here: its key and stored bytes.
    pub(super) fn peek(&self) -> Option<(&[u8], &[u8])> {
        match self {
            InMemory::Copied(writes) => {
                writes.last().map(|(key, stored)| (key.as_slice(), stored.as_slice()))
            }
            InMemory::Shared(shared) => {
                let key = shared.here.as_deref()?;
                shared.map.get(key).map(|write| (key, write.stored.as_slice()))
            }
        }
    }

    /// Moves to the next one.
    pub(super) fn step(&mut self) {
        match self {
            InMemory::Copied(writes) => {
                writes.pop();
            }
            InMemory::Shared(shared) => {
                if shared.here.is_some() {
                    shared.step();
                }
            }
        }
    }
}

/// The value within stored bytes of a buffered write, which are never corrupt.
pub(super) fn own_value(stored: &[u8]) -> Option<&[u8]> {
    version::opened(stored).ok().flatten()
}
