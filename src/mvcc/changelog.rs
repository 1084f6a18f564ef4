//! Which keys each commit wrote, so that an incremental backup costs what changed.
//!
//! ```text
//!   'k' ++ commit time ++ chunk  ->  last key, then the keys, each as (shared, length, rest)
//!   's' ++ commit time ++ chunk  ->  a span that was loaded in bulk, as (length, start, end)
//! ```
//!
//! Times are big end first and not inverted, so the log reads in the order of the commits. Keys
//! are sorted and each leaves out what it shares with the one before. The changelog never decides
//! alone: where it may have gaps, the answer is to scan.

use std::collections::BTreeSet;

use super::timeline::ReadGuard;
use super::{Mvcc, meta};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::{Key, Span};
use crate::kv::{Access, Batch, Engine, Family};

const KEYS: u8 = b'k';
const SPANS: u8 = b's';

/// A chunk is closed when it has this many bytes.
const CHUNK_BYTES: usize = 256 << 10;

/// Distinct keys are counted anew each time so many were collected beyond the limit.
const SLACK: usize = 64 << 10;

/// What a stretch of history changed within a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// These keys, sorted, each once; nothing else.
    Keys(Vec<Key>),
    /// These keys, and whatever lies in these spans: they were loaded in bulk by commits of this
    /// stretch, with versions that may be older than it. Export them from the beginning.
    KeysAndSpans {
        /// Sorted, each once.
        keys: Vec<Key>,
        /// In the order of their commits.
        spans: Vec<Span>,
    },
    /// A scan is needed or quicker.
    ScanNeeded {
        /// Why, for the log.
        reason: String,
        /// As in [`Changed::KeysAndSpans`]; a scan by time alone would miss them.
        spans: Vec<Span>,
    },
}

fn log_key(kind: u8, at: Timestamp, chunk: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(17);
    out.push(kind);
    out.extend_from_slice(&at.wall.to_be_bytes());
    out.extend_from_slice(&at.logical.to_be_bytes());
    out.extend_from_slice(&chunk.to_be_bytes());
    out
}

fn log_time(key: &[u8]) -> Result<Timestamp> {
    let bad = || Error::corrupt("an entry of the changelog has no time");
    let (wall, rest) = key.get(1..).and_then(|k| k.split_first_chunk::<8>()).ok_or_else(bad)?;
    let (logical, _) = rest.split_first_chunk::<4>().ok_or_else(bad)?;
    Ok(Timestamp { wall: u64::from_be_bytes(*wall), logical: u32::from_be_bytes(*logical) })
}

/// The entries of `kind` with times in `(after, upto]`.
fn stretch(kind: u8, after: Timestamp, upto: Timestamp) -> Span {
    Span { start: log_key(kind, after.next(), 0), end: log_key(kind, upto.next(), 0) }
}

/// Adds a commit's entries to its batch. `keys` are sorted.
pub(super) fn append<'a>(
    batch: &mut Batch,
    at: Timestamp,
    keys: impl Iterator<Item = &'a [u8]>,
    marked: &[Span],
) {
    append_keys(batch, at, 0, keys);
    append_spans(batch, at, marked);
}

/// Adds keys of a commit to a batch as chunks from a number on, and gives back the next number.
pub(super) fn append_keys<'a>(
    batch: &mut Batch,
    at: Timestamp,
    mut number: u32,
    keys: impl Iterator<Item = &'a [u8]>,
) -> u32 {
    let mut chunk = Chunk::default();
    for key in keys {
        chunk.add(key);
        if chunk.body.len() >= CHUNK_BYTES {
            batch.put(Family::Changelog, log_key(KEYS, at, number), chunk.finish());
            number += 1;
        }
    }
    if !chunk.body.is_empty() {
        batch.put(Family::Changelog, log_key(KEYS, at, number), chunk.finish());
        number += 1;
    }
    number
}

/// Adds the spans that a commit makes public to its batch.
pub(super) fn append_spans(batch: &mut Batch, at: Timestamp, marked: &[Span]) {
    for (number, span) in (0u32..).zip(marked) {
        let mut value = Vec::with_capacity(4 + span.start.len() + span.end.len());
        push_length(&mut value, span.start.len());
        value.extend_from_slice(&span.start);
        value.extend_from_slice(&span.end);
        batch.put(Family::Changelog, log_key(SPANS, at, number), value);
    }
}

#[derive(Default)]
struct Chunk<'a> {
    body: Vec<u8>,
    last: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn add(&mut self, key: &'a [u8]) {
        let shared = self.last.iter().zip(key).take_while(|(a, b)| a == b).count();
        push_length(&mut self.body, shared);
        push_length(&mut self.body, key.len() - shared);
        self.body.extend_from_slice(&key[shared..]);
        self.last = key;
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() + self.last.len() + 4);
        push_length(&mut out, self.last.len());
        out.extend_from_slice(self.last);
        out.append(&mut self.body);
        self.last = &[];
        out
    }
}

/// Seven bits a byte, the lowest first, the high bit set on all but the last.
pub(super) fn push_length(out: &mut Vec<u8>, mut n: usize) {
    while n >= 0x80 {
        out.push((n & 0x7F) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn cut() -> Error {
    Error::corrupt("an entry of the changelog is cut short")
}

pub(super) fn take_length(input: &mut &[u8]) -> Result<usize> {
    let mut n = 0usize;
    for shift in [0, 7, 14, 21, 28] {
        let (byte, rest) = input.split_first().ok_or_else(cut)?;
        *input = rest;
        n |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(n);
        }
    }
    Err(Error::corrupt("an entry of the changelog has a bad length"))
}

pub(super) fn take<'a>(input: &mut &'a [u8], n: usize) -> Result<&'a [u8]> {
    let (head, rest) = input.split_at_checked(n).ok_or_else(cut)?;
    *input = rest;
    Ok(head)
}

/// Calls `visit` with the keys of a chunk that lie in a span.
fn keys_within(mut value: &[u8], span: &Span, mut visit: impl FnMut(&[u8])) -> Result<()> {
    let length = take_length(&mut value)?;
    if take(&mut value, length)? < span.start.as_slice() {
        return Ok(());
    }
    let mut key = Vec::new();
    while !value.is_empty() {
        let shared = take_length(&mut value)?;
        let length = take_length(&mut value)?;
        if shared > key.len() {
            return Err(Error::corrupt("an entry of the changelog shares too much"));
        }
        key.truncate(shared);
        key.extend_from_slice(take(&mut value, length)?);
        if key.as_slice() >= span.end.as_slice() {
            break;
        }
        if key.as_slice() >= span.start.as_slice() {
            visit(&key);
        }
    }
    Ok(())
}

/// The time of the last commit in the log.
pub(super) fn last_commit(engine: &dyn Engine) -> Result<Timestamp> {
    let mut last = Timestamp::MIN;
    for kind in [KEYS, SPANS] {
        let span = Span::prefix(vec![kind]);
        let mut cursor = engine.cursor(Family::Changelog, &span, Access::Point)?;
        cursor.seek_to_last()?;
        if let Some((key, _)) = cursor.entry() {
            last = last.max(log_time(key)?);
        }
    }
    Ok(last)
}

impl Mvcc {
    /// What commits in `(after, upto]` changed within a span. More than `limit` keys, or history
    /// that is gone from the log, is answered with [`Changed::ScanNeeded`].
    pub fn changed_keys(
        &self,
        span: &Span,
        after: Timestamp,
        upto: Timestamp,
        limit: usize,
    ) -> Result<Changed> {
        // Whatever is in flight up to `upto` must be in the log before it is read.
        let _settled: ReadGuard = self.read_from(upto, upto)?;
        let spans = self.loaded_spans(span, after, upto)?;
        let begins = meta::time(&*self.engine, meta::CHANGELOG_BEGINS)?;
        if begins.is_some_and(|begins| after < begins) {
            let reason = format!("the changelog begins after {after}");
            return Ok(Changed::ScanNeeded { reason, spans });
        }
        let mut keys: Vec<Key> = Vec::new();
        let stretch = stretch(KEYS, after, upto);
        let mut cursor = self.engine.cursor(Family::Changelog, &stretch, Access::Bulk)?;
        cursor.seek_to_first()?;
        while let Some((_, value)) = cursor.entry() {
            keys_within(value, span, |key| keys.push(key.to_vec()))?;
            if keys.len() > limit.saturating_add(SLACK) {
                keys.sort_unstable();
                keys.dedup();
                if keys.len() > limit {
                    break;
                }
            }
            cursor.next()?;
        }
        keys.sort_unstable();
        keys.dedup();
        if keys.len() > limit {
            let reason = format!("more than {limit} keys changed");
            return Ok(Changed::ScanNeeded { reason, spans });
        }
        Ok(if spans.is_empty() {
            Changed::Keys(keys)
        } else {
            Changed::KeysAndSpans { keys, spans }
        })
    }

    /// Spans loaded in bulk by commits in `(after, upto]`, as far as they lie within a span.
    fn loaded_spans(&self, span: &Span, after: Timestamp, upto: Timestamp) -> Result<Vec<Span>> {
        let mut found = BTreeSet::new();
        let stretch = stretch(SPANS, after, upto);
        let mut cursor = self.engine.cursor(Family::Changelog, &stretch, Access::Range)?;
        cursor.seek_to_first()?;
        while let Some((_, mut value)) = cursor.entry() {
            let length = take_length(&mut value)?;
            let start = take(&mut value, length)?;
            if let Some(part) = Span::new(start, value).intersect(span) {
                found.insert(part);
            }
            cursor.next()?;
        }
        Ok(found.into_iter().collect())
    }

    /// Forgets the changelog up to a time. Spans loaded in bulk are few and stay.
    pub fn forget_changelog(&self, upto: Timestamp) -> Result<()> {
        let begins = meta::time(&*self.engine, meta::CHANGELOG_BEGINS)?;
        if begins.is_some_and(|begins| upto <= begins) {
            return Ok(());
        }
        let mut batch = Batch::new();
        meta::put_time(&mut batch, meta::CHANGELOG_BEGINS, upto);
        batch.delete_range(Family::Changelog, stretch(KEYS, Timestamp::MIN, upto));
        self.engine.write(batch, crate::kv::Durability::Buffered)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn chunks_read_back_within_a_span(
            keys in prop::collection::btree_set(prop::collection::vec(0u8..4, 1..6), 1..40),
            a in prop::collection::vec(0u8..4, 0..4),
            b in prop::collection::vec(0u8..4, 0..4),
        ) {
            let mut chunk = Chunk::default();
            for key in &keys {
                chunk.add(key);
            }
            let stored = chunk.finish();
            let span = Span::new(a, b);
            let mut read = Vec::new();
            keys_within(&stored, &span, |key| read.push(key.to_vec())).unwrap();
            let expect: Vec<_> = keys.iter().filter(|k| span.contains(k)).cloned().collect();
            prop_assert_eq!(read, expect);
        }

        #[test]
        fn hostile_chunks_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = keys_within(&bytes, &Span::all(), |_| {});
        }
    }
}
