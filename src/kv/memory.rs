//! The reference engine: ordered maps in memory, with a crash that can be asked for.
//!
//! A cursor holds the map as it was when the cursor was made; the next write copies the map if
//! someone still holds it. Batches that were not synced are remembered with what they replaced,
//! so that [`MemoryEngine::crash`] can take them back.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;

use super::history::HiddenVersions;
use super::{
    Access, Batch, Change, Cursor, Durability, Engine, Family, HistoryLines, Scratch, SortedWriter,
    TIMESTAMP_BYTES,
};
use crate::error::{Error, Result, sqlstate};
use crate::keys::Span;

type Bytes = Arc<[u8]>;
type Map = BTreeMap<Bytes, Bytes>;

/// What goes wrong with a write, for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: the one after it meets the next write.
    None,
    /// The batch is refused: the disk is full (53100).
    Full,
    /// The sync fails (58030); readers never see the batch.
    Sync,
}

#[derive(Clone, Default)]
struct State {
    families: [Arc<Map>; 3],
    /// What unsynced batches replaced, oldest first.
    undo: Vec<(Family, Bytes, Option<Bytes>)>,
    faults: Vec<Fault>,
    synced_writes: u64,
    lines: Arc<HistoryLines>,
}

/// An engine that forgets everything when it is dropped.
#[derive(Default)]
pub struct MemoryEngine {
    state: Arc<RwLock<State>>,
    scratch: Scratch,
}

fn slot(family: Family) -> usize {
    match family {
        Family::Versions => 0,
        Family::Changelog => 1,
        Family::Meta => 2,
    }
}

impl State {
    fn put(&mut self, family: Family, key: Bytes, value: Bytes) {
        let old = Arc::make_mut(&mut self.families[slot(family)]).insert(key.clone(), value);
        self.undo.push((family, key, old));
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        let map = Arc::make_mut(&mut self.families[slot(family)]);
        if let Some((key, old)) = map.remove_entry(key) {
            self.undo.push((family, key, Some(old)));
        }
    }

    /// Goes wrong if a test asked for it.
    fn fault(&mut self) -> Result<()> {
        let fault = if self.faults.is_empty() { None } else { Some(self.faults.remove(0)) };
        match fault {
            None | Some(Fault::None) => Ok(()),
            Some(Fault::Full) => Err(Error::new(sqlstate::DISK_FULL, "no space left on device")),
            Some(Fault::Sync) => Err(Error::io("could not fsync the log")),
        }
    }

    fn apply(&mut self, batch: Batch) {
        for change in batch.changes {
            match change {
                Change::Put(family, key, value) => self.put(family, key.into(), value.into()),
                Change::Delete(family, key) => self.delete(family, &key),
                Change::DeleteRange(family, span) => {
                    let doomed: Vec<Bytes> = range(&self.families[slot(family)], &span)
                        .map(|(key, _)| key.clone())
                        .collect();
                    for key in doomed {
                        self.delete(family, &key);
                    }
                }
            }
        }
    }
}

fn range<'a>(map: &'a Map, span: &Span) -> impl DoubleEndedIterator<Item = (&'a Bytes, &'a Bytes)> {
    let end = span.end.as_slice().max(span.start.as_slice());
    map.range::<[u8], _>((Bound::Included(span.start.as_slice()), Bound::Excluded(end)))
}

impl MemoryEngine {
    /// An empty engine.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the machine would find after losing its power now: a new engine with all that was
    /// synced and nothing else.
    pub fn crash(&self) -> MemoryEngine {
        let mut state = self.state.read().clone();
        for (family, key, old) in std::mem::take(&mut state.undo).into_iter().rev() {
            let map = Arc::make_mut(&mut state.families[slot(family)]);
            match old {
                Some(old) => map.insert(key, old),
                None => map.remove(&key),
            };
        }
        state.faults.clear();
        MemoryEngine { state: Arc::new(RwLock::new(state)), scratch: Scratch::in_memory() }
    }

    /// Makes the next synced write go wrong; several faults are taken in order.
    pub fn inject(&self, fault: Fault) {
        self.state.write().faults.push(fault);
    }

    /// How many synced writes there were: what a disk would have fsynced.
    pub fn synced_writes(&self) -> u64 {
        self.state.read().synced_writes
    }
}

impl Engine for MemoryEngine {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.state.read().families[slot(family)].get(key).map(|value| value.to_vec()))
    }

    fn first_version(
        &self,
        family: Family,
        prefix: &[u8],
        seek: &[u8],
        found: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<bool> {
        let state = self.state.read();
        let mut after = state.families[slot(family)]
            .range::<[u8], _>((Bound::Included(seek), Bound::Unbounded));
        match after.next() {
            Some((key, value))
                if key.len() == prefix.len() + TIMESTAMP_BYTES && key.starts_with(prefix) =>
            {
                found(key, value);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn cursor(&self, family: Family, span: &Span, _access: Access) -> Result<Box<dyn Cursor>> {
        let map = self.state.read().families[slot(family)].clone();
        Ok(Box::new(MemoryCursor { map, span: span.clone(), here: None }))
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<()> {
        let mut state = self.state.write();
        if durability == Durability::Buffered {
            state.apply(batch);
            return Ok(());
        }
        state.fault()?;
        state.apply(batch);
        state.undo.clear();
        state.synced_writes += 1;
        Ok(())
    }

    fn sorted_writer(&self, family: Family) -> Result<Box<dyn SortedWriter>> {
        Ok(Box::new(MemoryWriter {
            state: self.state.clone(),
            family,
            entries: Vec::new(),
            bytes: 0,
        }))
    }

    fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    fn flush(&self) -> Result<()> {
        self.state.write().undo.clear();
        Ok(())
    }

    fn compact(&self, family: Family, span: &Span) -> Result<()> {
        if family != Family::Versions {
            return Ok(());
        }
        let mut state = self.state.write();
        let mut hidden = HiddenVersions::new(state.lines.clone());
        let versions = range(&state.families[slot(family)], span);
        let doomed: Vec<Bytes> =
            versions.map(|(key, _)| key).filter(|key| hidden.may_go(key)).cloned().collect();
        for key in doomed {
            state.delete(family, &key);
        }
        Ok(())
    }

    fn set_history_lines(&self, lines: HistoryLines) {
        self.state.write().lines = Arc::new(lines);
    }

    fn erase(&self, family: Family, span: &Span) -> Result<()> {
        let mut batch = Batch::new();
        batch.delete_range(family, span.clone());
        self.write(batch, Durability::Synced)
    }

    fn approximate_bytes(&self, family: Family, span: &Span) -> Result<u64> {
        let map = self.state.read().families[slot(family)].clone();
        Ok(range(&map, span).map(|(key, value)| (key.len() + value.len()) as u64).sum())
    }

    fn verify(&self) -> Result<()> {
        Ok(())
    }

    fn checkpoint(&self, _dir: &Path) -> Result<()> {
        Err(Error::unsupported("a checkpoint of a store in memory"))
    }
}

struct MemoryCursor {
    map: Arc<Map>,
    span: Span,
    here: Option<(Bytes, Bytes)>,
}

impl MemoryCursor {
    fn first_from(&mut self, from: Bound<&[u8]>) {
        let bound = match from {
            Bound::Included(key) | Bound::Excluded(key) => key,
            Bound::Unbounded => &[],
        };
        let from = if bound < self.span.start.as_slice() {
            Bound::Included(self.span.start.as_slice())
        } else {
            from
        };
        self.here = if bound >= self.span.end.as_slice() || self.span.is_empty() {
            None
        } else {
            self.map
                .range::<[u8], _>((from, Bound::Excluded(self.span.end.as_slice())))
                .next()
                .map(|(k, v)| (k.clone(), v.clone()))
        };
    }

    fn last_to(&mut self, to: Bound<&[u8]>) {
        let end = self.span.end.as_slice();
        let to = match to {
            Bound::Included(key) if key < end => Bound::Included(key),
            Bound::Excluded(key) if key < end => Bound::Excluded(key),
            _ => Bound::Excluded(end),
        };
        let start = self.span.start.as_slice();
        let nothing = match to {
            Bound::Included(key) => key < start,
            Bound::Excluded(key) => key <= start,
            Bound::Unbounded => false,
        };
        self.here = if nothing {
            None
        } else {
            self.map
                .range::<[u8], _>((Bound::Included(start), to))
                .next_back()
                .map(|(k, v)| (k.clone(), v.clone()))
        };
    }
}

impl Cursor for MemoryCursor {
    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.first_from(Bound::Included(key));
        Ok(())
    }
    fn seek_for_prev(&mut self, key: &[u8]) -> Result<()> {
        self.last_to(Bound::Included(key));
        Ok(())
    }
    fn seek_to_first(&mut self) -> Result<()> {
        self.first_from(Bound::Unbounded);
        Ok(())
    }
    fn seek_to_last(&mut self) -> Result<()> {
        self.last_to(Bound::Unbounded);
        Ok(())
    }
    fn next(&mut self) -> Result<()> {
        if let Some((key, _)) = self.here.take() {
            self.first_from(Bound::Excluded(&key));
        }
        Ok(())
    }
    fn prev(&mut self) -> Result<()> {
        if let Some((key, _)) = self.here.take() {
            self.last_to(Bound::Excluded(&key));
        }
        Ok(())
    }
    fn entry(&self) -> Option<(&[u8], &[u8])> {
        self.here.as_ref().map(|(key, value)| (&**key, &**value))
    }
}

struct MemoryWriter {
    state: Arc<RwLock<State>>,
    family: Family,
    entries: Vec<(Bytes, Bytes)>,
    bytes: u64,
}

impl SortedWriter for MemoryWriter {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if self.entries.last().is_some_and(|(last, _)| &**last >= key) {
            return Err(Error::internal("keys of a sorted run must rise"));
        }
        self.bytes += (key.len() + value.len()) as u64;
        self.entries.push((key.into(), value.into()));
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn seal(&mut self) -> Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let mut state = self.state.write();
        state.fault()?;
        for (key, value) in self.entries {
            state.put(self.family, key, value);
        }
        state.undo.clear();
        Ok(())
    }
}
