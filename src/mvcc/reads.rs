//! What a transaction has read, so that its commit can tell whether it still holds.

use std::collections::BTreeMap;

use crate::keys::{PREFIX_BYTES, Span};

/// Reads remembered exactly; beyond it they are merged into one span for each index.
const READS_MAX: usize = 100_000;

/// Bytes of keys remembered exactly.
const BYTES_MAX: usize = 16 << 20;

/// Points and spans, in the order in which they were read, their bytes in one buffer.
#[derive(Default)]
pub(super) struct ReadSet {
    bytes: Vec<u8>,
    reads: Vec<Placed>,
}

#[derive(Clone, Copy)]
struct Placed {
    at: usize,
    start: usize,
    /// `None` for a point.
    end: Option<usize>,
}

/// One thing that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read<'a> {
    Point(&'a [u8]),
    Span(&'a [u8], &'a [u8]),
}

impl ReadSet {
    pub(super) fn add_point(&mut self, key: &[u8]) {
        if self.last() == Some(Read::Point(key)) {
            return;
        }
        self.reads.push(Placed { at: self.bytes.len(), start: key.len(), end: None });
        self.bytes.extend_from_slice(key);
    }

    pub(super) fn add_span(&mut self, span: &Span) {
        if span.is_empty() || self.last() == Some(Read::Span(&span.start, &span.end)) {
            return;
        }
        let placed =
            Placed { at: self.bytes.len(), start: span.start.len(), end: Some(span.end.len()) };
        self.reads.push(placed);
        self.bytes.extend_from_slice(&span.start);
        self.bytes.extend_from_slice(&span.end);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reads.is_empty()
    }

    /// A place to come back to with [`ReadSet::forget_since`].
    pub(super) fn mark(&self) -> usize {
        self.reads.len()
    }

    /// Forgets what was read after a mark.
    pub(super) fn forget_since(&mut self, mark: usize) {
        if let Some(first) = self.reads.get(mark) {
            self.bytes.truncate(first.at);
            self.reads.truncate(mark);
        }
    }

    fn last(&self) -> Option<Read<'_>> {
        self.reads.last().map(|placed| self.read(placed))
    }

    fn read(&self, placed: &Placed) -> Read<'_> {
        let (start, rest) = self.bytes[placed.at..].split_at(placed.start);
        match placed.end {
            None => Read::Point(start),
            Some(end) => Read::Span(start, &rest[..end]),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Read<'_>> {
        self.reads.iter().map(|placed| self.read(placed))
    }

    /// Whether a key was read.
    pub(super) fn contains(&self, key: &[u8]) -> bool {
        self.iter().any(|read| match read {
            Read::Point(point) => point == key,
            Read::Span(start, end) => start <= key && key < end,
        })
    }

    /// Merges the reads if there are too many: one span for each index. True if it did, and marks
    /// are void.
    pub(super) fn bound_memory(&mut self) -> bool {
        if self.reads.len() < READS_MAX && self.bytes.len() < BYTES_MAX {
            return false;
        }
        let mut merged: BTreeMap<Vec<u8>, Span> = BTreeMap::new();
        for read in self.iter() {
            let (start, end) = match read {
                Read::Point(key) => (key.to_vec(), Span::point(key.to_vec()).end),
                Read::Span(start, end) => (start.to_vec(), end.to_vec()),
            };
            let index = start[..start.len().min(PREFIX_BYTES)].to_vec();
            match merged.get_mut(&index) {
                None => {
                    merged.insert(index, Span { start, end });
                }
                Some(span) => {
                    if start < span.start {
                        span.start = start;
                    }
                    if end > span.end {
                        span.end = end;
                    }
                }
            }
        }
        *self = ReadSet::default();
        for span in merged.values() {
            self.add_span(span);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_after_a_mark_are_forgotten() {
        let mut reads = ReadSet::default();
        reads.add_point(b"a");
        reads.add_point(b"a");
        let mark = reads.mark();
        assert_eq!(mark, 1);
        reads.add_span(&Span::new(*b"b", *b"d"));
        assert!(reads.contains(b"c"));
        reads.forget_since(mark);
        assert!(!reads.contains(b"c"));
        assert!(reads.contains(b"a"));
        reads.add_point(b"z");
        assert_eq!(reads.iter().last(), Some(Read::Point(b"z")));
    }

    #[test]
    fn too_many_reads_become_spans_that_cover_them() {
        let mut reads = ReadSet::default();
        for i in 0..READS_MAX as u32 {
            let mut key = vec![0, 0, 0, (i % 2) as u8, 0, 0, 0, 1];
            key.extend_from_slice(&i.to_be_bytes());
            reads.add_point(&key);
        }
        let probe = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7];
        assert!(reads.bound_memory());
        assert_eq!(reads.mark(), 2);
        assert!(reads.contains(&probe));
        assert!(!reads.contains(&[0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 7]));
    }
}
