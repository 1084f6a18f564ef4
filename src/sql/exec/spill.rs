//! Rows in temporary files, for what sorts, groupings and joins cannot hold.
//!
//! ```text
//!   spool      batch batch batch …                       read again in the order of writing
//!   batch      rows │ column │ column │ …
//!   column     layout, NULLs │ values, plainly; other types as stored rows have them
//! ```
//!
//! A [`Spool`] is one stream of rows; [`Partitions`] are several, among which rows are divided by
//! the hashes of their keys, so that equal keys meet in one. Collected rows are written when there
//! are enough for a chunk, so even sixteen streams of narrow rows take little memory.

use crate::catalog::row::{push_datum, take_datum};
use crate::error::{Error, Result};
use crate::kv::ScratchFile;
use crate::limits::BATCH_ROWS;
use crate::sql::exec::batch::{Batch, Column, Data, TextData};
use crate::sql::exec::key::KeyHasher;
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::types::ColumnType;

/// Collected rows are written when they have this many bytes, or are a whole batch.
const CHUNK_BYTES: usize = 32 << 10;

/// Streams of a division.
const PARTITIONS: usize = 16;

/// A stream of rows in a temporary file.
pub struct Spool {
    file: ScratchFile,
    types: Vec<ColumnType>,
    /// Where the chunks are, and their lengths.
    chunks: Vec<(u64, usize)>,
    open: Batch,
    rows: u64,
    bytes: Vec<u8>,
}

impl Spool {
    /// An empty stream of rows of some types.
    pub fn new(types: Vec<ColumnType>, run: &Run<'_, '_>) -> Result<Spool> {
        let file = run.ctx.eval.server.mvcc.engine().scratch().create()?;
        let open = Batch::with_types(&types);
        Ok(Spool { file, types, chunks: Vec::new(), open, rows: 0, bytes: Vec::new() })
    }

    /// Rows in it.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds rows.
    pub fn push(&mut self, batch: &Batch) -> Result<()> {
        self.rows += batch.rows as u64;
        if self.open.rows == 0 && is_chunk(batch) {
            return self.write(batch);
        }
        self.open.append(batch);
        if is_chunk(&self.open) {
            return self.flush();
        }
        Ok(())
    }

    /// Writes what was collected; call it after the last rows.
    pub fn flush(&mut self) -> Result<()> {
        if self.open.rows > 0 {
            let open = std::mem::replace(&mut self.open, Batch::with_types(&self.types));
            self.write(&open)?;
        }
        Ok(())
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        self.bytes.clear();
        self.bytes.extend_from_slice(&(batch.rows as u64).to_le_bytes());
        for (column, ty) in batch.columns.iter().zip(&self.types) {
            encode(column, ty, &mut self.bytes)?;
        }
        let at = self.file.append(&self.bytes)?;
        self.chunks.push((at, self.bytes.len()));
        Ok(())
    }

    /// The chunk with a number; `None` after the last.
    pub fn chunk(&self, number: usize) -> Result<Option<Batch>> {
        let Some((at, length)) = self.chunks.get(number).copied() else { return Ok(None) };
        let mut bytes = vec![0; length];
        self.file.read(at, &mut bytes)?;
        let mut rest = bytes.as_slice();
        let rows = number_of(&mut rest)?;
        let columns =
            self.types.iter().map(|ty| decode(ty, rows, &mut rest)).collect::<Result<_>>();
        Ok(Some(Batch { columns: columns?, rows }))
    }
}

fn is_chunk(batch: &Batch) -> bool {
    batch.rows >= BATCH_ROWS || batch.bytes() >= CHUNK_BYTES
}

fn damaged() -> Error {
    Error::corrupt("a temporary file of rows is damaged")
}

fn taken<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (head, rest) = input.split_at_checked(length).ok_or_else(damaged)?;
    *input = rest;
    Ok(head)
}

fn number_of(input: &mut &[u8]) -> Result<usize> {
    let (head, rest) = input.split_first_chunk::<8>().ok_or_else(damaged)?;
    *input = rest;
    usize::try_from(u64::from_le_bytes(*head)).map_err(|_| damaged())
}

const BOOL: u8 = 0;
const INT: u8 = 1;
const FLOAT: u8 = 2;
const TEXT: u8 = 3;
const ANY: u8 = 4;
const WITH_NULLS: u8 = 0x80;

fn encode(column: &Column, ty: &ColumnType, out: &mut Vec<u8>) -> Result<()> {
    let layout = match &column.data {
        Data::Bool(_) => BOOL,
        Data::Int(_) => INT,
        Data::Float(_) => FLOAT,
        Data::Text(_) => TEXT,
        Data::Any(_) => ANY,
    };
    out.push(layout | if column.nulls.is_some() { WITH_NULLS } else { 0 });
    if let Some(nulls) = &column.nulls {
        out.extend(nulls.iter().map(|null| u8::from(*null)));
    }
    match &column.data {
        Data::Bool(values) => out.extend(values.iter().map(|v| u8::from(*v))),
        Data::Int(values) => values.iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes())),
        Data::Float(values) => values.iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes())),
        Data::Text(text) => {
            out.extend_from_slice(&(text.bytes.len() as u64).to_le_bytes());
            out.extend_from_slice(text.bytes.as_bytes());
            text.ends.iter().for_each(|end| out.extend_from_slice(&end.to_le_bytes()));
        }
        Data::Any(values) => {
            for (row, value) in values.iter().enumerate() {
                if !column.is_null(row) {
                    push_datum(out, &ty.ty, value)?;
                }
            }
        }
    }
    Ok(())
}

fn decode(ty: &ColumnType, rows: usize, input: &mut &[u8]) -> Result<Column> {
    let kind = taken(input, 1)?[0];
    let nulls: Option<Vec<bool>> = match kind & WITH_NULLS {
        0 => None,
        _ => Some(taken(input, rows)?.iter().map(|b| *b != 0).collect()),
    };
    let words = |input: &mut &[u8]| -> Result<Vec<[u8; 8]>> {
        let bytes = taken(input, rows.checked_mul(8).ok_or_else(damaged)?)?;
        Ok(bytes.as_chunks::<8>().0.to_vec())
    };
    let data = match kind & !WITH_NULLS {
        BOOL => Data::Bool(taken(input, rows)?.iter().map(|b| *b != 0).collect()),
        INT => Data::Int(words(input)?.into_iter().map(i64::from_le_bytes).collect()),
        FLOAT => Data::Float(words(input)?.into_iter().map(f64::from_le_bytes).collect()),
        TEXT => {
            let length = number_of(input)?;
            let bytes = std::str::from_utf8(taken(input, length)?).map_err(|_| damaged())?;
            let ends = taken(input, rows.checked_mul(4).ok_or_else(damaged)?)?;
            let ends = ends.as_chunks::<4>().0.iter().map(|end| u32::from_le_bytes(*end)).collect();
            Data::Text(TextData { bytes: bytes.to_owned(), ends })
        }
        ANY => {
            let mut values = Vec::with_capacity(rows);
            for row in 0..rows {
                let null = nulls.as_ref().is_some_and(|nulls| nulls[row]);
                values.push(match null {
                    true => crate::types::Datum::Null,
                    false => take_datum(input, &ty.ty)?,
                });
            }
            Data::Any(values)
        }
        _ => return Err(damaged()),
    };
    Ok(Column { ty: ty.clone(), data, nulls })
}

/// Streams among which rows are divided by the hashes of their keys.
pub struct Partitions {
    streams: Vec<Spool>,
    hasher: KeyHasher,
    hashes: Vec<u64>,
}

impl Partitions {
    /// Empty streams. Streams that are to be paired have one hasher; a division of a division has
    /// another, so that it divides.
    pub fn new(types: &[ColumnType], hasher: KeyHasher, run: &Run<'_, '_>) -> Result<Partitions> {
        let streams = (0..PARTITIONS).map(|_| Spool::new(types.to_vec(), run));
        Ok(Partitions { streams: streams.collect::<Result<_>>()?, hasher, hashes: Vec::new() })
    }

    /// Adds those of a batch's rows that are listed (all if there is no list).
    pub fn push(&mut self, batch: &Batch, keys: &[&Column], rows: Option<&[u32]>) -> Result<()> {
        self.hasher.columns(keys, batch.rows, &mut self.hashes);
        let mut divided: Vec<Vec<u32>> = vec![Vec::new(); PARTITIONS];
        let mut add = |row: u32| {
            let hash = self.hashes.get(row as usize).copied().unwrap_or(0);
            divided[(hash >> 32) as usize % PARTITIONS].push(row);
        };
        match rows {
            Some(rows) => rows.iter().copied().for_each(&mut add),
            None => (0..batch.rows as u32).for_each(&mut add),
        }
        for (stream, rows) in self.streams.iter_mut().zip(divided) {
            if !rows.is_empty() {
                stream.push(&batch.gather(&rows))?;
            }
        }
        Ok(())
    }

    /// The streams.
    pub fn finish(mut self) -> Result<Vec<Spool>> {
        for stream in &mut self.streams {
            stream.flush()?;
        }
        Ok(self.streams)
    }
}

/// What was divided, one part after the other: each is worked off by an operator of its own.
pub struct Parts<T> {
    waiting: Vec<T>,
    current: Option<BoxOperator>,
}

impl<T> Default for Parts<T> {
    fn default() -> Self {
        Parts { waiting: Vec::new(), current: None }
    }
}

impl<T> Parts<T> {
    /// Parts, of which none was begun.
    pub fn new(waiting: Vec<T>) -> Parts<T> {
        Parts { waiting, current: None }
    }

    /// The next rows. `open` makes the operator of a part; `None` if there is nothing in it.
    pub fn next(
        &mut self,
        run: &mut Run<'_, '_>,
        open: impl Fn(T) -> Option<BoxOperator>,
    ) -> Result<Option<Batch>> {
        loop {
            if let Some(part) = &mut self.current
                && let Some(batch) = part.next(run)?
            {
                return Ok(Some(batch));
            }
            // What the last part held is free before the next is opened.
            self.current = None;
            let Some(part) = self.waiting.pop() else { return Ok(None) };
            self.current = open(part);
        }
    }
}

/// Reads a stream.
pub struct SpoolScan {
    spool: Spool,
    next: usize,
}

impl SpoolScan {
    /// A reader at the first row.
    pub fn new(spool: Spool) -> SpoolScan {
        SpoolScan { spool, next: 0 }
    }
}

impl Operator for SpoolScan {
    fn next(&mut self, _run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        let batch = self.spool.chunk(self.next)?;
        self.next += 1;
        Ok(batch)
    }
}
