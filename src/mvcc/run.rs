//! Runs: buffered writes that were put aside, sorted, in a scratch file.
//!
//! ```text
//!   block    entry entry entry …        about 16 KiB; all entries of a key lie in one block
//!   entry    shared · rest length · epoch · stored length · rest of the key · stored bytes
//! ```
//!
//! A key has one entry for each epoch (stretch between savepoints) in which it was written, the
//! youngest first. An entry whose epoch was rolled back is *dead*; readers pass over it. The first
//! key of every block, and a filter over the keys, stay in memory.

use std::sync::Arc;

use parking_lot::Mutex;

use super::changelog::{push_length, take, take_length};
use crate::error::{Error, Result};
use crate::keys::{Key, Span};
use crate::kv::{Scratch, ScratchFile};

/// A block is closed when it has this many bytes.
const BLOCK_BYTES: usize = 16 << 10;

/// Blocks are written to the file together once they have this many bytes.
const WRITE_BYTES: usize = 1 << 20;

/// Bits of a filter for each entry, and how many of them a key sets.
const FILTER_BITS: usize = 10;
const FILTER_PROBES: u64 = 6;

/// A filter has at most so many words of 64 bits; a larger run's filter is less sharp.
const FILTER_WORDS_MAX: usize = 512 << 10;

/// Epochs that were rolled back, as ranges with both ends, rising and apart.
pub(super) type Dead = Arc<Vec<(u32, u32)>>;

pub(super) fn is_dead(dead: &[(u32, u32)], epoch: u32) -> bool {
    let after = dead.partition_point(|(first, _)| *first <= epoch);
    after.checked_sub(1).and_then(|i| dead.get(i)).is_some_and(|(_, last)| epoch <= *last)
}

/// A finished run.
pub(super) struct Run {
    file: ScratchFile,
    blocks: Vec<Place>,
    last: Key,
    filter: Filter,
    entries: usize,
    oldest: u32,
    youngest: u32,
    /// How many merges are behind it.
    pub(super) level: u32,
    /// The block read last.
    recent: Mutex<Option<(usize, Arc<Block>)>>,
}

struct Place {
    first: Key,
    at: u64,
    length: usize,
    sum: u32,
}

/// Which keys are surely not in a run.
struct Filter {
    words: Vec<u64>,
    hasher: hashbrown::DefaultHashBuilder,
}

impl Filter {
    fn new(entries: usize) -> Filter {
        let words = (entries.saturating_mul(FILTER_BITS) / 64 + 1).min(FILTER_WORDS_MAX);
        Filter { words: vec![0; words], hasher: hashbrown::DefaultHashBuilder::default() }
    }

    fn bits(&self, key: &[u8]) -> impl Iterator<Item = (usize, u64)> + use<> {
        use std::hash::BuildHasher;
        let hash = self.hasher.hash_one(key);
        let (step, bits) = ((hash >> 32) | 1, self.words.len() as u64 * 64);
        (0..FILTER_PROBES).map(move |i| {
            let bit = hash.wrapping_add(i.wrapping_mul(step)) % bits;
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }

    fn add(&mut self, key: &[u8]) {
        for (word, bit) in self.bits(key) {
            self.words[word] |= bit;
        }
    }

    fn may_have(&self, key: &[u8]) -> bool {
        self.bits(key).all(|(word, bit)| self.words[word] & bit != 0)
    }
}

/// A block in memory.
struct Block {
    bytes: Vec<u8>,
    keys: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    key: (usize, usize),
    stored: (usize, usize),
    epoch: u32,
}

impl Block {
    fn key(&self, entry: usize) -> &[u8] {
        self.entries.get(entry).map_or(&[], |e| &self.keys[e.key.0..e.key.1])
    }

    fn stored(&self, entry: usize) -> &[u8] {
        self.entries.get(entry).map_or(&[], |e| &self.bytes[e.stored.0..e.stored.1])
    }

    fn epoch(&self, entry: usize) -> u32 {
        self.entries.get(entry).map_or(0, |e| e.epoch)
    }

    fn decode(bytes: Vec<u8>) -> Result<Block> {
        let (mut keys, mut entries) = (Vec::with_capacity(bytes.len()), Vec::new());
        let mut rest = bytes.as_slice();
        let mut last = (0, 0);
        while !rest.is_empty() {
            let shared = take_length(&mut rest)?;
            let length = take_length(&mut rest)?;
            let epoch = take_length(&mut rest)? as u32;
            let stored = take_length(&mut rest)?;
            if shared > last.1 - last.0 {
                return Err(Error::corrupt("a key of a temporary file shares too much"));
            }
            let start = keys.len();
            keys.extend_from_within(last.0..last.0 + shared);
            keys.extend_from_slice(take(&mut rest, length)?);
            last = (start, keys.len());
            let at = bytes.len() - rest.len();
            take(&mut rest, stored)?;
            entries.push(Entry { key: last, stored: (at, at + stored), epoch });
        }
        Ok(Block { bytes, keys, entries })
    }
}

/// Writes a run. Keys rise; entries of one key come with falling epochs.
pub(super) struct RunWriter {
    run: Run,
    /// The open block.
    block: Vec<u8>,
    /// Finished blocks that are not written yet.
    waiting: Vec<u8>,
    first: Key,
}

impl RunWriter {
    /// A writer for about so many entries.
    pub(super) fn new(scratch: &Scratch, entries: usize, level: u32) -> Result<RunWriter> {
        let run = Run {
            file: scratch.create()?,
            blocks: Vec::new(),
            last: Key::new(),
            filter: Filter::new(entries),
            entries: 0,
            oldest: u32::MAX,
            youngest: 0,
            level,
            recent: Mutex::new(None),
        };
        Ok(RunWriter { run, block: Vec::new(), waiting: Vec::new(), first: Key::new() })
    }

    pub(super) fn put(&mut self, key: &[u8], epoch: u32, stored: &[u8]) -> Result<()> {
        let same = self.run.entries > 0 && self.run.last == key;
        if self.block.len() >= BLOCK_BYTES && !same {
            self.end_block()?;
        }
        if self.block.is_empty() {
            self.first.clear();
            self.first.extend_from_slice(key);
            self.run.last.clear();
        }
        let shared = self.run.last.iter().zip(key).take_while(|(a, b)| a == b).count();
        push_length(&mut self.block, shared);
        push_length(&mut self.block, key.len() - shared);
        push_length(&mut self.block, epoch as usize);
        push_length(&mut self.block, stored.len());
        self.block.extend_from_slice(&key[shared..]);
        self.block.extend_from_slice(stored);
        if !same {
            self.run.filter.add(key);
        }
        self.run.last.clear();
        self.run.last.extend_from_slice(key);
        self.run.entries += 1;
        self.run.oldest = self.run.oldest.min(epoch);
        self.run.youngest = self.run.youngest.max(epoch);
        Ok(())
    }

    fn end_block(&mut self) -> Result<()> {
        self.run.blocks.push(Place {
            first: self.first.clone(),
            at: self.run.file.length() + self.waiting.len() as u64,
            length: self.block.len(),
            sum: crc32c::crc32c(&self.block),
        });
        self.waiting.append(&mut self.block);
        if self.waiting.len() >= WRITE_BYTES {
            self.run.file.append(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }

    /// The run; `None` if nothing was put into it.
    pub(super) fn finish(mut self) -> Result<Option<Arc<Run>>> {
        if self.run.entries == 0 {
            return Ok(None);
        }
        self.end_block()?;
        self.run.file.append(&self.waiting)?;
        Ok(Some(Arc::new(self.run)))
    }
}

impl Run {
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// Bytes in its file.
    pub(super) fn bytes(&self) -> u64 {
        self.file.length()
    }

    /// The epochs of its entries, the oldest and the youngest.
    pub(super) fn epochs(&self) -> (u32, u32) {
        (self.oldest, self.youngest)
    }

    fn block(&self, number: usize) -> Result<Option<Arc<Block>>> {
        let Some(place) = self.blocks.get(number) else { return Ok(None) };
        if let Some((known, block)) = &*self.recent.lock()
            && *known == number
        {
            return Ok(Some(block.clone()));
        }
        let mut bytes = vec![0; place.length];
        self.file.read(place.at, &mut bytes)?;
        if crc32c::crc32c(&bytes) != place.sum {
            return Err(Error::corrupt("a block of a temporary file is damaged"));
        }
        let block = Arc::new(Block::decode(bytes)?);
        *self.recent.lock() = Some((number, block.clone()));
        Ok(Some(block))
    }

    /// The youngest living entry of a key: its stored bytes.
    pub(super) fn get(&self, key: &[u8], dead: &[(u32, u32)]) -> Result<Option<Vec<u8>>> {
        if key > self.last.as_slice() || !self.filter.may_have(key) {
            return Ok(None);
        }
        let after = self.blocks.partition_point(|place| place.first.as_slice() <= key);
        let Some(number) = after.checked_sub(1) else { return Ok(None) };
        let Some(block) = self.block(number)? else { return Ok(None) };
        let mut entry = first_at(&block, key);
        while entry < block.entries.len() && block.key(entry) == key {
            if !is_dead(dead, block.epoch(entry)) {
                return Ok(Some(block.stored(entry).to_vec()));
            }
            entry += 1;
        }
        Ok(None)
    }
}

/// The first entry of a block whose key is not before `key`.
fn first_at(block: &Block, key: &[u8]) -> usize {
    let before = |e: &Entry| &block.keys[e.key.0..e.key.1] < key;
    block.entries.partition_point(before)
}

/// A walk over every entry of a run, dead or alive, in the order of the file.
pub(super) struct Entries {
    run: Arc<Run>,
    block: Option<Arc<Block>>,
    number: usize,
    entry: usize,
}

impl Entries {
    pub(super) fn new(run: Arc<Run>) -> Result<Entries> {
        let block = run.block(0)?;
        Ok(Entries { run, block, number: 0, entry: 0 })
    }

    /// The entry here: key, epoch, stored bytes.
    pub(super) fn peek(&self) -> Option<(&[u8], u32, &[u8])> {
        let block = self.block.as_deref()?;
        Some((block.key(self.entry), block.epoch(self.entry), block.stored(self.entry)))
    }

    pub(super) fn step(&mut self) -> Result<()> {
        self.entry += 1;
        if self.block.as_ref().is_some_and(|block| self.entry >= block.entries.len()) {
            self.number += 1;
            self.entry = 0;
            self.block = self.run.block(self.number)?;
        }
        Ok(())
    }
}

/// A walk over the living writes of a run within a span, one for each key, in either direction.
pub(super) struct RunScan {
    run: Arc<Run>,
    dead: Dead,
    span: Span,
    reverse: bool,
    /// The block at hand, and where the entries begin (reverse: end) that were not looked at yet.
    block: Option<Arc<Block>>,
    number: usize,
    next: usize,
    /// The entry shown.
    here: Option<(Arc<Block>, usize)>,
}

impl RunScan {
    /// A scan at its first key.
    pub(super) fn new(run: Arc<Run>, dead: Dead, span: Span, reverse: bool) -> Result<RunScan> {
        let bound = if reverse { &span.end } else { &span.start };
        let within = |place: &Place| match reverse {
            false => place.first <= *bound,
            true => place.first < *bound,
        };
        let number = run.blocks.partition_point(within).saturating_sub(1);
        let block = run.block(number)?;
        let next = block.as_ref().map_or(0, |block| first_at(block, bound));
        let mut scan = RunScan { run, dead, span, reverse, block, number, next, here: None };
        scan.step()?;
        Ok(scan)
    }

    /// The write here: its key and stored bytes.
    pub(super) fn peek(&self) -> Option<(&[u8], &[u8])> {
        self.here.as_ref().map(|(block, entry)| (block.key(*entry), block.stored(*entry)))
    }

    /// Moves to the next key.
    pub(super) fn step(&mut self) -> Result<()> {
        self.here = None;
        while let Some(block) = self.block.clone() {
            let (group, living) =
                if self.reverse { self.group_before(&block) } else { self.group_after(&block) };
            let Some(group) = group else {
                self.next_block()?;
                continue;
            };
            let key = block.key(group);
            let past = if self.reverse {
                key < self.span.start.as_slice()
            } else {
                key >= self.span.end.as_slice()
            };
            if past {
                self.block = None;
            } else if let Some(entry) = living {
                self.here = Some((block, entry));
                return Ok(());
            }
        }
        Ok(())
    }

    fn next_block(&mut self) -> Result<()> {
        let number = if self.reverse { self.number.checked_sub(1) } else { Some(self.number + 1) };
        self.block = match number {
            Some(number) => self.run.block(number)?,
            None => None,
        };
        self.number = number.unwrap_or(0);
        let length = self.block.as_ref().map_or(0, |block| block.entries.len());
        self.next = if self.reverse { length } else { 0 };
        Ok(())
    }

    /// Passes over the entries of the next key: one of them, and the youngest that lives.
    fn group_after(&mut self, block: &Block) -> (Option<usize>, Option<usize>) {
        let first = self.next;
        if first >= block.entries.len() {
            return (None, None);
        }
        let mut living = None;
        while self.next < block.entries.len() && block.key(self.next) == block.key(first) {
            if living.is_none() && !is_dead(&self.dead, block.epoch(self.next)) {
                living = Some(self.next);
            }
            self.next += 1;
        }
        (Some(first), living)
    }

    /// The same, going back.
    fn group_before(&mut self, block: &Block) -> (Option<usize>, Option<usize>) {
        let Some(last) = self.next.checked_sub(1) else { return (None, None) };
        let mut living = None;
        while let Some(entry) = self.next.checked_sub(1)
            && block.key(entry) == block.key(last)
        {
            if !is_dead(&self.dead, block.epoch(entry)) {
                living = Some(entry);
            }
            self.next = entry;
        }
        (Some(last), living)
    }
}
