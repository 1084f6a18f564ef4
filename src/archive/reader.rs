//! Reads a data file: any span of it, reading only the blocks that the span touches.

use std::cmp::Ordering;
use std::sync::Arc;

use super::block::{self, BlockInfo, FOOTER_BYTES, Footer};
use super::digest::Digest;
use super::document::unpack;
use super::encrypt::{self, DataKey, HEADER_BYTES, Opener};
use super::manifest::FileRecord;
use crate::clock::Timestamp;
use crate::cloud::{Store, path};
use crate::error::{Error, Result, sqlstate};
use crate::keys::Span;
use crate::limits::{ARCHIVE_BLOCK_BYTES_MAX, ARCHIVE_INDEX_BYTES_MAX};

/// Neighbouring blocks are fetched together up to this many bytes.
const FETCH_BYTES: u64 = 4 << 20;
/// What is read from a file's end in the hope that the whole index is in it.
const TAIL_BYTES: u64 = 64 << 10;
/// A block that claims to become longer than this gets memory only as it is decompressed.
const TRUSTED_BYTES: usize = 4 << 20;

/// One version, borrowed from the scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// Its time.
    pub at: Timestamp,
    /// Its value; `None` for a tombstone.
    pub value: Option<&'a [u8]>,
}

/// An opened data file. Cloning is cheap and shares the index.
#[derive(Clone)]
pub struct DataFileReader(Arc<Inner>);

struct Inner {
    source: Source,
    blocks: Vec<BlockInfo>,
    last_key: Vec<u8>,
}

impl DataFileReader {
    /// Opens the file that a manifest of the layer in `dir` records.
    pub fn open(
        store: &Arc<dyn Store>,
        dir: &str,
        record: &FileRecord,
        key: Option<&DataKey>,
    ) -> Result<Self> {
        let source = Source::open(store, path::join(dir, &record.path), record, key)?;
        let damaged = || source.damaged("Its index is not the one that was written.");
        let total = source.text_bytes;
        let tail_bytes = total.min(TAIL_BYTES);
        let tail = source.read(total - tail_bytes, tail_bytes)?;
        let footer_at = tail.len().checked_sub(FOOTER_BYTES).ok_or_else(damaged)?;
        let footer = tail.get(footer_at..).and_then(Footer::get).ok_or_else(damaged)?;
        let index_end = total - FOOTER_BYTES as u64;
        let index_at = index_end.checked_sub(footer.index_stored_bytes).ok_or_else(damaged)?;
        if index_at < block::MAGIC.len() as u64 || footer.index_stored_bytes > index_limit() {
            return Err(damaged());
        }
        let whole = match usize::try_from(total - index_at) {
            Ok(bytes) if bytes <= tail.len() => tail[tail.len() - bytes..].to_vec(),
            _ => source.read(index_at, total - index_at)?,
        };
        if Digest::of(&whole) != record.index_hash {
            return Err(damaged());
        }
        let packed = whole.get(..whole.len() - FOOTER_BYTES).ok_or_else(damaged)?;
        let index = unpack(packed, ARCHIVE_INDEX_BYTES_MAX)
            .filter(|index| index.len() as u64 == footer.index_raw_bytes)
            .ok_or_else(damaged)?;
        let (blocks, last_key) = block::get_index(&index, index_at).ok_or_else(damaged)?;
        let entries = blocks.iter().try_fold(0u64, |sum, block| sum.checked_add(block.entries));
        let span_fits = match blocks.first() {
            Some(first) => {
                record.span.contains(&first.first_key) && record.span.contains(&last_key)
            }
            None => true,
        };
        if entries != Some(footer.entries) || footer.entries != record.entries || !span_fits {
            return Err(damaged());
        }
        Ok(DataFileReader(Arc::new(Inner { source, blocks, last_key })))
    }

    /// The entries of a span, in the order of the file.
    pub fn scan(&self, span: &Span) -> Scan {
        let blocks = &self.0.blocks;
        // The block before the first that begins at or after the start may reach into the span;
        // versions of one key may lie in several blocks that all begin with it.
        let from = blocks.partition_point(|b| b.first_key < span.start).saturating_sub(1);
        let to = blocks.partition_point(|b| b.first_key < span.end);
        let nothing = span.is_empty() || self.0.last_key < span.start || from >= to;
        Scan {
            file: self.0.clone(),
            span: span.clone(),
            next_block: if nothing { to } else { from },
            end_block: to,
            fetched: Vec::new(),
            fetched_at: 0,
            raw: Vec::new(),
            position: 0,
            left: 0,
            key: Vec::new(),
            at: Timestamp::MIN,
            begun: false,
            decompressor: None,
            fetch_bytes: FETCH_BYTES,
        }
    }

    /// Bytes of file that a scan of a span reads.
    pub fn stored_bytes(&self, span: &Span) -> u64 {
        let scan = self.scan(span);
        let blocks = self.0.blocks.get(scan.next_block..scan.end_block).unwrap_or_default();
        blocks.iter().map(|block| block.stored_bytes).sum()
    }
}

/// A pass over a span of a data file. After an error it must not be used any more.
pub struct Scan {
    file: Arc<Inner>,
    span: Span,
    next_block: usize,
    end_block: usize,
    /// Stored bytes of neighbouring blocks, and where in the file they begin.
    fetched: Vec<u8>,
    fetched_at: u64,
    /// The current block, decompressed.
    raw: Vec<u8>,
    position: usize,
    /// Entries of the current block that were not read.
    left: u64,
    key: Vec<u8>,
    at: Timestamp,
    /// Whether there was an entry to compare the next one with.
    begun: bool,
    decompressor: Option<zstd::bulk::Decompressor<'static>>,
    fetch_bytes: u64,
}

impl Scan {
    /// Fetches at most this much at a time (but whole blocks), for whoever has many scans open.
    #[must_use]
    pub fn fetching(mut self, bytes_max: u64) -> Scan {
        self.fetch_bytes = bytes_max.min(FETCH_BYTES);
        self
    }

    /// The next entry; `None` at the end.
    // A lending iterator: the entry borrows the scan's buffers, which `Iterator` cannot express.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>> {
        loop {
            if self.left == 0 {
                if self.position != self.raw.len() {
                    return Err(self.damaged());
                }
                if !self.load_block()? {
                    return Ok(None);
                }
            }
            let Some(value) = self.step()? else { return Ok(None) };
            if self.key < self.span.start {
                continue;
            }
            let value = match value {
                None => None,
                Some((from, to)) => Some(self.raw.get(from..to).unwrap_or_default()),
            };
            return Ok(Some(Entry { key: &self.key, at: self.at, value }));
        }
    }

    /// Decodes one entry; gives where its value lies. `None` when the span is over.
    #[allow(clippy::type_complexity)] // where the value lies, if there is one, if there is an entry
    fn step(&mut self) -> Result<Option<Option<(usize, usize)>>> {
        let first_of_block = self.position == 0;
        let before = self.at;
        if first_of_block {
            self.at = Timestamp::MIN;
        }
        let mut rest = self.raw.get(self.position..).unwrap_or_default();
        let Some(entry) = block::get_entry(&mut rest, &mut self.key, &mut self.at) else {
            return Err(self.damaged());
        };
        let (order, shared) = (entry.order, entry.shared);
        let end = self.raw.len() - rest.len();
        let value = entry.value.map(|value| (end - value.len(), end));
        self.position = end;
        self.left -= 1;
        let in_order = match order {
            Ordering::Less => true,
            Ordering::Equal => self.at < before,
            Ordering::Greater => false,
        };
        if self.begun && !in_order {
            return Err(self.damaged());
        }
        if first_of_block && (shared > 0 || !self.starts_as_promised()) {
            return Err(self.damaged());
        }
        self.begun = true;
        if self.key >= self.span.end {
            self.left = 0;
            self.position = self.raw.len();
            self.next_block = self.end_block;
            return Ok(None);
        }
        if self.key > self.file.last_key {
            return Err(self.damaged());
        }
        Ok(Some(value))
    }

    fn starts_as_promised(&self) -> bool {
        let block = self.next_block.checked_sub(1).and_then(|at| self.file.blocks.get(at));
        block.is_some_and(|block| block.first_key == self.key)
    }

    fn load_block(&mut self) -> Result<bool> {
        if self.next_block >= self.end_block {
            return Ok(false);
        }
        let file = self.file.clone();
        let Some(info) = file.blocks.get(self.next_block) else { return Err(self.damaged()) };
        let end = info.offset + info.stored_bytes;
        if info.offset < self.fetched_at || end > self.fetched_at + self.fetched.len() as u64 {
            self.fetch(&file)?;
        }
        let from = usize::try_from(info.offset - self.fetched_at).unwrap_or(usize::MAX);
        let to = usize::try_from(end - self.fetched_at).unwrap_or(usize::MAX);
        let Some(stored) = self.fetched.get(from..to) else { return Err(self.damaged()) };
        if block::block_digest(stored) != info.digest {
            return Err(self.damaged());
        }
        self.raw.clear();
        if info.raw_bytes <= TRUSTED_BYTES {
            self.raw.reserve(info.raw_bytes);
            let decompressor = match &mut self.decompressor {
                Some(decompressor) => decompressor,
                none => none.insert(zstd::bulk::Decompressor::new()?),
            };
            if decompressor.decompress_to_buffer(stored, &mut self.raw).is_err() {
                return Err(self.damaged());
            }
        } else {
            match unpack(stored, info.raw_bytes.min(ARCHIVE_BLOCK_BYTES_MAX)) {
                Some(raw) => self.raw = raw,
                None => return Err(self.damaged()),
            }
        }
        if self.raw.len() != info.raw_bytes {
            return Err(self.damaged());
        }
        self.position = 0;
        self.left = info.entries;
        self.next_block += 1;
        Ok(true)
    }

    /// Reads the next block and as many after it as fit.
    fn fetch(&mut self, file: &Inner) -> Result<()> {
        let blocks = file.blocks.get(self.next_block..self.end_block).unwrap_or_default();
        let Some(first) = blocks.first() else { return Err(self.damaged()) };
        // The magic goes with the first block, so that it too is looked at.
        let magic = if self.next_block == 0 { block::MAGIC.len() as u64 } else { 0 };
        let start = first.offset - magic;
        let mut end = first.offset + first.stored_bytes;
        for block in &blocks[1..] {
            let next = block.offset + block.stored_bytes;
            if next - start > self.fetch_bytes {
                break;
            }
            end = next;
        }
        self.fetched = file.source.read(start, end - start)?;
        self.fetched_at = start;
        if magic > 0 && !self.fetched.starts_with(block::MAGIC) {
            return Err(self.damaged());
        }
        Ok(())
    }

    fn damaged(&self) -> Error {
        self.file.source.damaged("A block is not what was written.")
    }
}

/// The plaintext of one stored file.
struct Source {
    store: Arc<dyn Store>,
    path: String,
    opener: Option<Opener>,
    text_bytes: u64,
}

impl Source {
    fn open(
        store: &Arc<dyn Store>,
        path: String,
        record: &FileRecord,
        key: Option<&DataKey>,
    ) -> Result<Self> {
        let size = store.size(&path)?.ok_or_else(|| {
            Error::new(
                sqlstate::UNDEFINED_FILE,
                format!("data file \"{path}\" of the backup does not exist"),
            )
        })?;
        let mut source =
            Source { store: store.clone(), path, opener: None, text_bytes: record.file_bytes };
        if size != record.file_bytes {
            let detail = format!("It has {size} bytes instead of {}.", record.file_bytes);
            return Err(source.damaged(&detail));
        }
        let head = source.store.read_range(&source.path, 0, size.min(HEADER_BYTES as u64))?;
        match key {
            Some(key) => {
                let opener = Opener::new(key, &head, size, &source.path)?;
                source.text_bytes = opener.text_bytes();
                source.opener = Some(opener);
            }
            None if encrypt::is_sealed(&head) => return Err(encrypt::key_needed(&source.path)),
            None if !head.starts_with(block::MAGIC) => {
                return Err(source.damaged("It is another kind of file."));
            }
            None => {}
        }
        Ok(source)
    }

    fn read(&self, offset: u64, len: u64) -> Result<Vec<u8>> {
        match &self.opener {
            None => Ok(self.store.read_range(&self.path, offset, len)?.into()),
            Some(opener) => {
                let (from, bytes) = opener.stored_range(offset, len);
                let stored = self.store.read_range(&self.path, from, bytes)?;
                opener.open(stored.into(), offset, len, &self.path)
            }
        }
    }

    fn damaged(&self, detail: &str) -> Error {
        Error::corrupt(format!("data file \"{}\" is damaged", self.path)).with_detail(detail)
    }
}

/// A stored index is hardly longer than what it decompresses to.
fn index_limit() -> u64 {
    ARCHIVE_INDEX_BYTES_MAX as u64 + (1 << 20)
}

/// Reads a whole stored file and compares it with its record; needs no key.
pub fn verify_file(store: &dyn Store, dir: &str, record: &FileRecord) -> Result<()> {
    let file = path::join(dir, &record.path);
    let damaged = |detail: String| {
        Err(Error::corrupt(format!("data file \"{file}\" is damaged")).with_detail(detail))
    };
    match store.size(&file)? {
        None => {
            return Err(Error::new(
                sqlstate::UNDEFINED_FILE,
                format!("data file \"{file}\" of the backup does not exist"),
            ));
        }
        Some(size) if size != record.file_bytes => {
            return damaged(format!("It has {size} bytes instead of {}.", record.file_bytes));
        }
        Some(_) => {}
    }
    let mut hasher = blake3::Hasher::new();
    let mut offset = 0;
    while offset < record.file_bytes {
        let len = (record.file_bytes - offset).min(FETCH_BYTES);
        hasher.update(&store.read_range(&file, offset, len)?);
        offset += len;
    }
    if Digest::from(hasher.finalize()) != record.hash {
        return damaged("Its hash is not the recorded one.".to_owned());
    }
    Ok(())
}
