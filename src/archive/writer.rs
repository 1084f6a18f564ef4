//! Writes a data file: entries in, bytes out, in one pass.

use bytes::Bytes;
use uuid::Uuid;

use super::block::{self, BlockInfo, Footer};
use super::digest::Digest;
use super::encrypt::{DataKey, Sealer};
use super::manifest::FileRecord;
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::keys::Span;
use crate::limits::{ARCHIVE_BLOCK_BYTES_MAX, KEY_BYTES_MAX};

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    /// A block is closed when it has this many bytes before compression.
    pub block_bytes: usize,
    /// Level of zstd.
    pub level: i32,
}

impl Default for WriterOptions {
    fn default() -> Self {
        WriterOptions { block_bytes: 128 << 10, level: 1 }
    }
}

/// Pieces handed to the sink have about this many bytes.
const PIECE_BYTES: usize = 256 << 10;

/// Where the bytes of a file go.
pub type Sink<'a> = Box<dyn FnMut(Bytes) -> Result<()> + Send + 'a>;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSummary {
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Bytes of the stored file.
    pub file_bytes: u64,
    /// Entries, tombstones included.
    pub entries: u64,
    /// From the first key to just after the last; empty if there are none.
    pub span: Span,
    /// BLAKE3 of the stored file.
    pub hash: Digest,
    /// BLAKE3 of the index and footer, before encryption.
    pub index_hash: Digest,
}

impl FileSummary {
    /// The manifest's record of this file; rows and index entries are what the caller counted.
    pub fn into_record(
        self,
        path: impl Into<String>,
        rows: u64,
        index_entries: u64,
        locality: Option<String>,
    ) -> FileRecord {
        FileRecord {
            path: path.into(),
            span: self.span,
            bytes: self.bytes,
            file_bytes: self.file_bytes,
            entries: self.entries,
            rows,
            index_entries,
            hash: self.hash,
            index_hash: self.index_hash,
            locality,
        }
    }
}

/// Writes one data file. An error leaves the file useless: abort it.
pub struct DataFileWriter<'a> {
    out: Output<'a>,
    options: WriterOptions,
    backup: Uuid,
    file: Uuid,
    compressor: zstd::bulk::Compressor<'static>,
    raw: Vec<u8>,
    packed: Vec<u8>,
    block_entries: u64,
    block_first_key: Vec<u8>,
    blocks: Vec<BlockInfo>,
    offset: u64,
    first_key: Vec<u8>,
    key: Vec<u8>,
    at: Timestamp,
    entries: u64,
    bytes: u64,
}

impl<'a> DataFileWriter<'a> {
    /// Begins a file of the backup with the id `backup`.
    pub fn new(
        sink: Sink<'a>,
        backup: Uuid,
        options: WriterOptions,
        key: Option<&DataKey>,
    ) -> Result<Self> {
        let mut out = Output::new(sink, key);
        out.put(block::MAGIC)?;
        Ok(DataFileWriter {
            out,
            options,
            backup,
            file: Uuid::new_v4(),
            compressor: zstd::bulk::Compressor::new(options.level)?,
            raw: Vec::with_capacity(options.block_bytes.saturating_mul(2).min(16 << 20)),
            packed: Vec::new(),
            block_entries: 0,
            block_first_key: Vec::new(),
            blocks: Vec::new(),
            offset: block::MAGIC.len() as u64,
            first_key: Vec::new(),
            key: Vec::new(),
            at: Timestamp::MIN,
            entries: 0,
            bytes: 0,
        })
    }

    /// Adds a version; `None` is a tombstone. Keys rise; versions of one key fall in time.
    pub fn add(&mut self, key: &[u8], at: Timestamp, value: Option<&[u8]>) -> Result<()> {
        if self.entries > 0 && (key < &*self.key || (key == self.key && at >= self.at)) {
            return Err(Error::internal("entries of a data file are out of order"));
        }
        let size = key.len() + value.map_or(0, <[u8]>::len);
        if key.len() > KEY_BYTES_MAX || size > ARCHIVE_BLOCK_BYTES_MAX - (1 << 20) {
            return Err(Error::new(
                sqlstate::PROGRAM_LIMIT_EXCEEDED,
                format!("a row of {size} bytes is too large for a backup"),
            ));
        }
        if !self.raw.is_empty() && self.raw.len() + size > self.options.block_bytes {
            self.flush_block()?;
        }
        let (before, wall): (&[u8], u64) =
            if self.raw.is_empty() { (&[], 0) } else { (&self.key, self.at.wall) };
        block::put_entry(&mut self.raw, before, wall, key, at, value);
        if self.block_entries == 0 {
            self.block_first_key.clear();
            self.block_first_key.extend_from_slice(key);
        }
        if self.entries == 0 {
            self.first_key.extend_from_slice(key);
        }
        self.key.clear();
        self.key.extend_from_slice(key);
        self.at = at;
        self.block_entries += 1;
        self.entries += 1;
        self.bytes += size as u64;
        Ok(())
    }

    /// Bytes of keys and values so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Entries so far.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The key that was added last; empty before the first. A new file should begin only at
    /// another key, so that the versions of one key stay together.
    pub fn last_key(&self) -> &[u8] {
        &self.key
    }

    /// Writes the rest, index and footer included. The sink's file must still be finished.
    pub fn finish(mut self) -> Result<FileSummary> {
        self.flush_block()?;
        let index = block::put_index(&self.blocks, &self.key);
        let mut tail = self.compressor.compress(&index)?;
        let footer = Footer {
            backup: *self.backup.as_bytes(),
            file: *self.file.as_bytes(),
            index_stored_bytes: tail.len() as u64,
            index_raw_bytes: index.len() as u64,
            entries: self.entries,
        };
        footer.put(&mut tail);
        self.out.put(&tail)?;
        let (file_bytes, hash) = self.out.finish()?;
        let span = match self.entries {
            0 => Span::default(),
            _ => Span::new(self.first_key, Span::point(self.key).end),
        };
        Ok(FileSummary {
            bytes: self.bytes,
            file_bytes,
            entries: self.entries,
            span,
            hash,
            index_hash: Digest::of(&tail),
        })
    }

    fn flush_block(&mut self) -> Result<()> {
        if self.raw.is_empty() {
            return Ok(());
        }
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.raw.len()));
        self.compressor.compress_to_buffer(&self.raw, &mut self.packed)?;
        let stored_bytes = self.packed.len() as u64;
        self.blocks.push(BlockInfo {
            offset: self.offset,
            stored_bytes,
            raw_bytes: self.raw.len(),
            entries: self.block_entries,
            first_key: self.block_first_key.clone(),
            digest: block::block_digest(&self.packed),
        });
        self.offset += stored_bytes;
        self.out.put(&self.packed)?;
        self.raw.clear();
        self.block_entries = 0;
        Ok(())
    }
}

/// Encrypts, hashes and hands on.
struct Output<'a> {
    sink: Sink<'a>,
    sealer: Option<Sealer>,
    hasher: blake3::Hasher,
    pending: Vec<u8>,
    file_bytes: u64,
}

impl<'a> Output<'a> {
    fn new(sink: Sink<'a>, key: Option<&DataKey>) -> Self {
        let mut pending = Vec::with_capacity(PIECE_BYTES * 2);
        let sealer = key.map(|key| Sealer::new(key, &mut pending));
        Output { sink, sealer, hasher: blake3::Hasher::new(), pending, file_bytes: 0 }
    }

    fn put(&mut self, text: &[u8]) -> Result<()> {
        match &mut self.sealer {
            Some(sealer) => sealer.push(text, &mut self.pending)?,
            None => self.pending.extend_from_slice(text),
        }
        if self.pending.len() >= PIECE_BYTES { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.hasher.update(&self.pending);
        self.file_bytes += self.pending.len() as u64;
        let piece = std::mem::replace(&mut self.pending, Vec::with_capacity(PIECE_BYTES * 2));
        (self.sink)(piece.into())
    }

    fn finish(mut self) -> Result<(u64, Digest)> {
        if let Some(sealer) = self.sealer.take() {
            sealer.finish(&mut self.pending)?;
        }
        self.send()?;
        Ok((self.file_bytes, self.hasher.finalize().into()))
    }
}
