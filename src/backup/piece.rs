//! The work of a layer, cut into pieces: which keys to read, and how.
//!
//! A full backup scans its spans. An incremental asks the changelog which keys changed and looks
//! only at those; where so many changed that a scan is quicker, or the changelog has a gap, it
//! scans by time. Spans that were loaded in bulk since the layer before are read from the
//! beginning, because their versions may be older than the load.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::keys::{Key, Span, SpanSet};
use crate::mvcc::{Changed, ExportRequest, Exporter, Mvcc};

/// Below this many changed keys nobody counts: looking them up takes a moment.
const KEYS_MIN: u64 = 10_000;
/// More changed keys than this are not held in memory.
const KEYS_MAX: u64 = 1_000_000;
/// How often the spans are halved in search of those where little changed.
const HALVINGS: u32 = 4;

/// Part of a layer's work. Pieces do not overlap.
#[derive(Debug)]
pub(super) struct Piece {
    /// What is complete once the piece is done.
    pub(super) span: Span,
    pub(super) source: Source,
}

/// How a piece is read.
#[derive(Debug)]
pub(super) enum Source {
    /// Every version of the span after a time.
    Scan(Timestamp),
    /// The versions of these keys after a time.
    Keys(Vec<Key>, Timestamp),
}

impl Piece {
    /// Begins to read.
    pub(super) fn export(
        self,
        mvcc: &Arc<Mvcc>,
        upto: Timestamp,
        all_versions: bool,
    ) -> Result<Exporter> {
        match self.source {
            Source::Scan(after) => {
                mvcc.export(ExportRequest { span: self.span, after, upto, all_versions })
            }
            Source::Keys(keys, after) => mvcc.export_keys(keys, after, upto, all_versions),
        }
    }
}

/// A layer's spans after planning, and what is known about them.
pub(super) struct Layout<'a> {
    pub(super) spans: &'a [Span],
    pub(super) introduced: &'a [Span],
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// About how many entries there are in all.
    pub(super) known_entries: u64,
}

/// The pieces of a layer, and its spans with those that were loaded in bulk moved to the
/// introduced ones. The same at every run of a job.
pub(super) struct Work {
    pub(super) pieces: Vec<Piece>,
    pub(super) spans: Vec<Span>,
    pub(super) introduced: Vec<Span>,
}

/// Works out what to read.
pub(super) fn divide(mvcc: &Mvcc, layout: &Layout<'_>) -> Result<Work> {
    let from_beginning =
        |span: &Span| Piece { span: span.clone(), source: Source::Scan(Timestamp::MIN) };
    if layout.start == Timestamp::MIN {
        let pieces = layout.spans.iter().chain(layout.introduced).map(from_beginning).collect();
        let (spans, introduced) = (layout.spans.to_vec(), layout.introduced.to_vec());
        return Ok(sorted(Work { pieces, spans, introduced }));
    }
    let mut changes = Changes { mvcc, layout, loaded: SpanSet::new(), pieces: Vec::new() };
    let mut spans = layout.spans.to_vec();
    spans.sort();
    let limit = (layout.known_entries / 10).clamp(KEYS_MIN, KEYS_MAX);
    changes.look(&spans, usize::try_from(limit).unwrap_or(usize::MAX), HALVINGS)?;
    let loaded = changes.loaded;
    let mut work = Work { pieces: Vec::new(), spans: Vec::new(), introduced: Vec::new() };
    for piece in changes.pieces {
        without(piece, &loaded, &mut work.pieces);
    }
    for span in &spans {
        work.spans.extend(loaded.uncovered(span));
    }
    work.introduced.extend(layout.introduced.iter().cloned());
    for span in &spans {
        work.introduced.extend(loaded.iter().filter_map(|l| l.intersect(span)));
    }
    work.pieces.extend(work.introduced.iter().map(from_beginning));
    Ok(sorted(work))
}

fn sorted(mut work: Work) -> Work {
    work.pieces.sort_by(|a, b| a.span.cmp(&b.span));
    work.spans.sort();
    work.introduced.sort();
    work
}

/// The parts of a piece that lie outside of some spans.
pub(super) fn without(piece: Piece, done: &SpanSet, out: &mut Vec<Piece>) {
    if !done.overlaps(&piece.span) {
        out.push(piece);
        return;
    }
    for span in done.uncovered(&piece.span) {
        let source = match &piece.source {
            Source::Scan(after) => Source::Scan(*after),
            Source::Keys(keys, after) => Source::Keys(within(keys, &span), *after),
        };
        out.push(Piece { span, source });
    }
}

fn within(keys: &[Key], span: &Span) -> Vec<Key> {
    let from = keys.partition_point(|key| *key < span.start);
    let to = keys.partition_point(|key| *key < span.end);
    keys.get(from..to).unwrap_or_default().to_vec()
}

struct Changes<'a> {
    mvcc: &'a Mvcc,
    layout: &'a Layout<'a>,
    loaded: SpanSet,
    pieces: Vec<Piece>,
}

impl Changes<'_> {
    /// Reads the changelog once for many spans; where too much changed, for each half by itself.
    fn look(&mut self, spans: &[Span], limit: usize, halvings: u32) -> Result<()> {
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Ok(()) };
        let (start, end) = (self.layout.start, self.layout.end);
        let hull = Span { start: first.start.clone(), end: last.end.clone() };
        let changed = self.mvcc.changed_keys(&hull, start, end, limit)?;
        let (keys, loaded) = match changed {
            Changed::Keys(keys) => (Some(keys), Vec::new()),
            Changed::KeysAndSpans { keys, spans } => (Some(keys), spans),
            Changed::ScanNeeded { reason, spans: loaded } => {
                let (left, right) = spans.split_at(spans.len() / 2);
                if halvings > 0 && !left.is_empty() {
                    self.look(left, limit / 2, halvings - 1)?;
                    return self.look(right, limit / 2, halvings - 1);
                }
                tracing::debug!(reason, "an incremental backup scans");
                (None, loaded)
            }
        };
        for span in loaded {
            self.loaded.add(span);
        }
        for span in spans {
            let source = match &keys {
                Some(keys) => Source::Keys(within(keys, span), start),
                None => Source::Scan(start),
            };
            self.pieces.push(Piece { span: span.clone(), source });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: &str, to: &str) -> Span {
        Span::new(from, to)
    }

    #[test]
    fn what_is_done_is_taken_out_of_a_piece() {
        let keys = ["b", "c", "f", "h"].map(|k| k.as_bytes().to_vec()).to_vec();
        let at = Timestamp::from_nanos(5);
        let mut done = SpanSet::new();
        done.add(span("c", "e"));
        done.add(span("h", "z"));
        let mut out = Vec::new();
        without(Piece { span: span("a", "k"), source: Source::Keys(keys, at) }, &done, &mut out);
        let left: Vec<(Span, Vec<Key>)> = out
            .into_iter()
            .map(|piece| match piece.source {
                Source::Keys(keys, after) if after == at => (piece.span, keys),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected =
            [(span("a", "c"), vec![b"b".to_vec()]), (span("e", "h"), vec![b"f".to_vec()])];
        assert_eq!(left, expected);
    }
}
