//! The recent commits, to tell whether what a transaction read has changed since.
//!
//! Kept as far back as the oldest transaction that may still commit reads, and never larger than
//! a bound: a transaction that reads before the *floor* can not be judged any more and must be
//! run again.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use super::Txn;
use super::reads::{Read, ReadSet};
use crate::clock::Timestamp;
use crate::keys::Span;

/// Bytes that remembered commits may take, reckoned with what the maps cost.
const BYTES_MAX: usize = 128 << 20;

/// What one key costs besides its bytes.
const KEY_OVERHEAD_BYTES: usize = 96;

/// A commit with more keys is remembered as the span between its first and last key.
const KEYS_EXACT_MAX: usize = 250_000;

#[derive(Default)]
pub(super) struct Recent {
    newest: BTreeMap<Arc<[u8]>, Timestamp>,
    commits: VecDeque<Commit>,
    spans: VecDeque<Wide>,
    floor: Timestamp,
    bytes: usize,
}

struct Commit {
    at: Timestamp,
    keys: Vec<Arc<[u8]>>,
    bytes: usize,
}

/// A span that a commit wrote into.
struct Wide {
    at: Timestamp,
    span: Span,
}

impl Txn {
    /// Says that nobody will write into a span any more once the transaction has committed: whoever
    /// read it and commits later conflicts. Unlike what is loaded in bulk, nothing in it is new.
    pub fn leave_span(&mut self, span: Span) {
        self.left.push(span);
    }
}

/// What is known about a key's newest version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newest {
    /// Nothing was committed after the time asked about.
    Unchanged,
    /// A commit changed it.
    Changed,
    /// Only the store itself can tell.
    Unknown,
}

impl Recent {
    /// Remembers nothing from before `floor`.
    pub(super) fn new(floor: Timestamp) -> Self {
        Recent { floor, ..Recent::default() }
    }

    /// Remembers a commit. `keys` must be sorted.
    pub(super) fn insert<'a>(
        &mut self,
        at: Timestamp,
        keys: impl ExactSizeIterator<Item = &'a [u8]> + DoubleEndedIterator,
        marked: &[Span],
    ) {
        self.insert_spans(at, marked);
        if keys.len() > KEYS_EXACT_MAX {
            let mut keys = keys;
            if let (Some(first), Some(last)) = (keys.next(), keys.next_back()) {
                let end = Span::point(last.to_vec()).end;
                self.spans.push_back(Wide { at, span: Span::new(first, end) });
            }
            return;
        }
        let mut commit = Commit { at, keys: Vec::with_capacity(keys.len()), bytes: 0 };
        for key in keys {
            let key: Arc<[u8]> = Arc::from(key);
            commit.bytes += key.len() + KEY_OVERHEAD_BYTES;
            commit.keys.push(key.clone());
            self.newest.insert(key, at);
        }
        self.bytes += commit.bytes;
        self.commits.push_back(commit);
    }

    /// Remembers that a commit changed all of some spans.
    pub(super) fn insert_spans(&mut self, at: Timestamp, spans: &[Span]) {
        self.spans.extend(spans.iter().map(|span| Wide { at, span: span.clone() }));
    }

    /// Forgets commits that nobody can ask about, and the oldest ones when there are too many.
    pub(super) fn prune(&mut self, oldest: Timestamp) {
        self.prune_to(oldest, BYTES_MAX);
    }

    fn prune_to(&mut self, oldest: Timestamp, bytes_max: usize) {
        while let Some(commit) = self.commits.front() {
            if commit.at > oldest && self.bytes <= bytes_max {
                break;
            }
            self.floor = self.floor.max(commit.at);
            self.bytes -= commit.bytes;
            if let Some(commit) = self.commits.pop_front() {
                for key in commit.keys {
                    if self.newest.get(&key) == Some(&commit.at) {
                        self.newest.remove(&key);
                    }
                }
            }
        }
        while self.spans.front().is_some_and(|wide| wide.at <= oldest.max(self.floor)) {
            if let Some(wide) = self.spans.pop_front() {
                self.floor = self.floor.max(wide.at);
            }
        }
    }

    /// Whether a key was written after a time.
    pub(super) fn newest(&self, key: &[u8], after: Timestamp) -> Newest {
        if self.newest.get(key).is_some_and(|at| *at > after) {
            return Newest::Changed;
        }
        let wide = self.spans.iter().any(|wide| wide.at > after && wide.span.contains(key));
        if wide || after < self.floor { Newest::Unknown } else { Newest::Unchanged }
    }

    /// Whether something that was read has been written after a time, as far as is known: when in
    /// doubt, yes.
    pub(super) fn invalidates(&self, reads: &ReadSet, after: Timestamp) -> bool {
        if reads.is_empty() {
            return false;
        }
        if after < self.floor {
            return true;
        }
        let newer = self.commits.back().is_some_and(|commit| commit.at > after)
            || self.spans.back().is_some_and(|wide| wide.at > after);
        newer && reads.iter().any(|read| self.written(read, after))
    }

    fn written(&self, read: Read<'_>, after: Timestamp) -> bool {
        let (key, wide) = match read {
            Read::Point(key) => (
                self.newest.get(key).is_some_and(|at| *at > after),
                self.spans.iter().any(|wide| wide.at > after && wide.span.contains(key)),
            ),
            Read::Span(start, end) => (
                self.newest
                    .range::<[u8], _>((Bound::Included(start), Bound::Excluded(end)))
                    .any(|(_, at)| *at > after),
                self.spans.iter().any(|wide| {
                    wide.at > after
                        && start < wide.span.end.as_slice()
                        && wide.span.start.as_slice() < end
                }),
            ),
        };
        key || wide
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: u64) -> Timestamp {
        Timestamp::from_nanos(n)
    }

    fn keys<'a>(
        keys: &'a [&'a [u8]],
    ) -> impl ExactSizeIterator<Item = &'a [u8]> + DoubleEndedIterator {
        keys.iter().copied()
    }

    fn read_span(a: &[u8], b: &[u8]) -> ReadSet {
        let mut reads = ReadSet::default();
        reads.add_span(&Span::new(a, b));
        reads
    }

    #[test]
    fn a_span_is_invalid_when_a_key_in_it_was_written_later() {
        let mut recent = Recent::new(at(1));
        recent.insert(at(5), keys(&[b"b", b"m"]), &[]);
        assert!(recent.invalidates(&read_span(b"a", b"c"), at(4)));
        assert!(!recent.invalidates(&read_span(b"a", b"c"), at(5)));
        assert!(!recent.invalidates(&read_span(b"c", b"m"), at(4)));
        assert_eq!(recent.newest(b"m", at(4)), Newest::Changed);
        assert_eq!(recent.newest(b"n", at(4)), Newest::Unchanged);
    }

    #[test]
    fn a_marked_span_invalidates_reads_within_it() {
        let mut recent = Recent::new(at(1));
        recent.insert(at(5), keys(&[]), &[Span::new(*b"b", *b"d")]);
        assert!(recent.invalidates(&read_span(b"a", b"c"), at(4)));
        assert!(!recent.invalidates(&read_span(b"d", b"e"), at(4)));
        assert_eq!(recent.newest(b"c", at(4)), Newest::Unknown);
    }

    #[test]
    fn who_reads_before_the_floor_is_never_accepted() {
        let mut recent = Recent::new(at(1));
        recent.insert(at(5), keys(&[b"b"]), &[]);
        recent.insert(at(6), keys(&[b"b"]), &[]);
        recent.prune(at(5));
        assert_eq!(recent.newest(b"b", at(5)), Newest::Changed);
        assert!(!recent.invalidates(&read_span(b"x", b"y"), at(5)));
        recent.prune_to(at(2), 0);
        assert!(recent.invalidates(&read_span(b"x", b"y"), at(5)));
        assert_eq!(recent.newest(b"x", at(5)), Newest::Unknown);
        assert!(!recent.invalidates(&read_span(b"b", b"c"), at(6)));
        assert!(recent.newest.is_empty());
    }
}
