//! Which versions a compaction may drop.
//!
//! A *line* over a span says that nobody reads there below a time any more. A compaction then
//! drops each version that another one of the same key, at or below the line, hides.
//!
//! A compaction sees the entries of the tables that it merges, not all there is of a key, so it
//! may draw conclusions only from what it has seen, never from what it has not:
//!
//! ```text
//!   key k, line at 50         in this compaction?
//!     k @ 90  value           yes     newer than the line: stays
//!     k @ 40  value           no      (in a table above, not read now)
//!     k @ 30  tombstone       yes     the newest at or below the line THAT IS SEEN: stays
//!     k @ 20  value           yes     hidden by k @ 30, which is at or below the line: goes
//!     k @ 10  value           no      stays, hidden by k @ 30 and k @ 40
//! ```
//!
//! Why nothing hidden comes back to light:
//! 1. A version goes only if a newer one at or below the line is seen beside it. Every read that
//!    is still allowed finds that one, or a newer one, first. So no allowed read changes.
//! 2. What hid it may go later, but again only because of a newer one at or below a line, and
//!    lines never fall. So for each version that ever went there is a newer one at or below the
//!    line which stays: the newest of them, which nothing here removes, be it a value or a
//!    tombstone.
//! 3. Only the sweep removes such a newest one, if it is a tombstone. It sees every table, and
//!    removes all that is below it in the same batch. So this never happens to a tombstone with
//!    something under it in a table that was not looked at.
//! 4. An entry that a compaction sees may have been deleted in a table that it does not see. The
//!    sweep deletes a version only together with everything older, or because of a newer one that
//!    stays; clearing a span deletes all. Then what the entry hides is gone too, or hidden.
//! 5. Versions arrive with times later than what is there, except sorted runs; those are loaded
//!    where nobody could read yet, by someone who holds the line below their time.
//!
//! A line must be durable before it is handed to an engine: tables are made durable on their own,
//! not in the order of the log, and after a crash the line must not be lower than what a
//! compaction went by.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::keys::{Key, Span};

use super::TIMESTAMP_BYTES;

/// The bytes of a version's time at the end of its key: later times have smaller bytes.
pub type Stamp = [u8; TIMESTAMP_BYTES];

/// Spans and the times below which nobody reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryLines {
    /// Disjoint and in order.
    stretches: Vec<Stretch>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stretch {
    span: Span,
    line: Stamp,
}

impl HistoryLines {
    /// Lines over spans. Where spans overlap the latest line counts.
    pub fn new(lines: impl IntoIterator<Item = (Span, Stamp)>) -> HistoryLines {
        let mut edges: BTreeMap<Key, Vec<(Stamp, bool)>> = BTreeMap::new();
        for (span, line) in lines {
            if !span.is_empty() {
                edges.entry(span.start).or_default().push((line, true));
                edges.entry(span.end).or_default().push((line, false));
            }
        }
        // The lines over the key at hand, each with how many spans bring it.
        let mut over: BTreeMap<Stamp, usize> = BTreeMap::new();
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut open: Option<(Key, Stamp)> = None;
        for (key, changes) in edges {
            for (line, begins) in changes {
                let count = over.entry(line).or_default();
                *count = if begins { *count + 1 } else { count.saturating_sub(1) };
            }
            over.retain(|_, count| *count > 0);
            let latest = over.keys().next().copied();
            if open.as_ref().map(|(_, line)| *line) == latest {
                continue;
            }
            if let Some((start, line)) = open.take() {
                stretches.push(Stretch { span: Span { start, end: key.clone() }, line });
            }
            open = latest.map(|line| (key, line));
        }
        HistoryLines { stretches }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// The line over a key.
    fn over(&self, key: &[u8]) -> Option<Stamp> {
        let after = self.stretches.partition_point(|s| s.span.end.as_slice() <= key);
        self.stretches.get(after).filter(|s| s.span.contains(key)).map(|s| s.line)
    }
}

/// Goes over stored keys in their order and tells which may go.
#[derive(Debug)]
pub struct HiddenVersions {
    lines: Arc<HistoryLines>,
    /// The key whose versions are going by.
    key: Key,
    line: Option<Stamp>,
    /// A version at or below the line went by.
    hidden: bool,
}

impl HiddenVersions {
    /// Begins before the first key.
    pub fn new(lines: Arc<HistoryLines>) -> HiddenVersions {
        HiddenVersions { lines, key: Key::new(), line: None, hidden: false }
    }

    /// Whether the version with this stored key may go. Asked of rising keys. Never panics,
    /// whatever the bytes: it runs within the engine's threads.
    pub fn may_go(&mut self, stored: &[u8]) -> bool {
        if self.lines.is_empty() {
            return false;
        }
        let Some((key, stamp)) = stored.split_last_chunk::<TIMESTAMP_BYTES>() else {
            return false;
        };
        if self.key != key {
            self.key.clear();
            self.key.extend_from_slice(key);
            self.line = self.lines.over(key);
            self.hidden = false;
        }
        if self.hidden {
            return true;
        }
        self.hidden = self.line.is_some_and(|line| *stamp >= line);
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamp(at: u8) -> Stamp {
        [0xFF - at; TIMESTAMP_BYTES]
    }

    fn stored(key: &[u8], at: u8) -> Vec<u8> {
        [key, &stamp(at)].concat()
    }

    fn lines(of: &[(&str, &str, u8)]) -> HistoryLines {
        let spans = of.iter().map(|(from, to, at)| (Span::new(*from, *to), stamp(*at)));
        HistoryLines::new(spans)
    }

    #[test]
    fn what_a_version_below_the_line_hides_may_go() {
        let lines = Arc::new(lines(&[("b", "d", 50)]));
        let mut hidden = HiddenVersions::new(lines);
        let mut ask = |key: &str, at| hidden.may_go(&stored(key.as_bytes(), at));
        assert!(!ask("a", 40) && !ask("a", 30), "no line here");
        assert!(!ask("b", 90) && !ask("b", 60) && !ask("b", 50) && ask("b", 49) && ask("b", 1));
        assert!(!ask("c", 7) && ask("c", 6));
        assert!(!ask("d", 7) && !ask("d", 6));
        let mut nonsense = HiddenVersions::new(Arc::new(HistoryLines::default()));
        assert!(!nonsense.may_go(b"") && !nonsense.may_go(&[0; TIMESTAMP_BYTES]));
    }

    #[test]
    fn where_spans_overlap_the_latest_line_counts() {
        let lines = lines(&[("a", "m", 10), ("c", "e", 30), ("d", "z", 20), ("q", "q", 99)]);
        let at = |key: &str| lines.over(key.as_bytes());
        assert_eq!(at("a"), Some(stamp(10)));
        assert_eq!([at("c"), at("d")], [Some(stamp(30)); 2]);
        assert_eq!([at("e"), at("q"), at("y")], [Some(stamp(20)); 3]);
        assert_eq!([at(""), at("z")], [None, None]);
        assert_eq!(lines.stretches.len(), 3);
    }

    proptest! {
        /// Lines put together agree with each looked at alone.
        #[test]
        fn a_key_has_the_latest_of_its_lines(
            of in prop::collection::vec((0u8..20, 0u8..20, 1u8..100), 0..8),
            key in 0u8..20,
        ) {
            let lines = HistoryLines::new(
                of.iter().map(|(from, to, at)| (Span::new([*from], [*to]), stamp(*at))),
            );
            let alone = of.iter().filter(|(from, to, _)| *from <= key && key < *to);
            prop_assert_eq!(lines.over(&[key]), alone.map(|(.., at)| stamp(*at)).min());
        }

        /// Compactions of any choice of tables, with lines that rise, never change what may be
        /// read; and one that sees everything leaves one version below the line.
        #[test]
        fn compactions_that_see_a_part_change_no_allowed_read(
            versions in prop::collection::btree_map((0u8..3, 1u8..60), (any::<bool>(), 0usize..4), 0..60),
            rounds in prop::collection::vec((prop::collection::vec(any::<bool>(), 4), 0u8..20), 1..6),
        ) {
            // (key, time) -> (value or tombstone, table)
            let mut left = versions.clone();
            let read = |of: &BTreeMap<(u8, u8), (bool, usize)>, key: u8, at: u8| {
                of.range((key, 0)..=(key, at)).next_back().map(|((_, at), (value, _))| (*at, *value))
            };
            let mut line = 0u8;
            for (tables, step) in rounds {
                line += step;
                let span = Span::new([0], [3]);
                let lines = Arc::new(HistoryLines::new([(span, stamp(line))]));
                let mut hidden = HiddenVersions::new(lines.clone());
                let mut seen: Vec<(u8, u8)> =
                    left.iter().filter(|(_, (_, t))| tables[*t]).map(|(k, _)| *k).collect();
                seen.sort_by_key(|(key, at)| stored(&[*key], *at));
                for (key, at) in seen {
                    if hidden.may_go(&stored(&[key], at)) {
                        left.remove(&(key, at));
                    }
                }
                for key in 0..3 {
                    for at in line..=100 {
                        prop_assert_eq!(read(&left, key, at), read(&versions, key, at));
                    }
                }
                if tables.iter().all(|t| *t) {
                    for key in 0..3 {
                        prop_assert!(left.range((key, 0)..=(key, line)).count() <= 1);
                    }
                }
            }
        }
    }
}
