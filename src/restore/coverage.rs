//! Which layers hold the keys of a span, and where it is best cut.

use crate::error::{Error, Result};
use crate::keys::{Key, Span, SpanSet};

use super::source::SourceLayer;

/// What the layers of a chain cover, arranged for looking up.
pub struct Coverage<'a> {
    layers: &'a [SourceLayer],
    /// By layer: everything that it holds.
    held: Vec<SpanSet>,
    /// By layer: what it holds from the beginning.
    introduced: Vec<SpanSet>,
    /// Where introduced spans begin or end and files begin, sorted.
    edges: Vec<&'a Key>,
    /// Where files begin, with their layer and stored bytes, sorted.
    files: Vec<(&'a Key, usize, u64)>,
}

impl<'a> Coverage<'a> {
    /// Arranges what some layers hold, oldest first.
    pub fn new(layers: &'a [SourceLayer]) -> Self {
        let introduced = layers.iter().flat_map(|layer| &layer.manifest.introduced_spans);
        let mut edges: Vec<&Key> = introduced.flat_map(|span| [&span.start, &span.end]).collect();
        let mut files = Vec::new();
        for (at, layer) in layers.iter().enumerate() {
            files.extend(layer.manifest.files.iter().map(|f| (&f.span.start, at, f.file_bytes)));
        }
        files.sort_unstable();
        edges.extend(files.iter().map(|(key, _, _)| *key));
        edges.sort_unstable();
        edges.dedup();
        let held = layers
            .iter()
            .map(|l| l.manifest.spans.iter().chain(&l.manifest.introduced_spans).cloned().collect())
            .collect();
        let introduced =
            layers.iter().map(|l| l.manifest.introduced_spans.iter().cloned().collect()).collect();
        Coverage { layers, held, introduced, edges, files }
    }

    /// Whether any layer holds something of a span.
    pub fn touches(&self, span: &Span) -> bool {
        self.held.iter().any(|set| set.overlaps(span))
    }

    /// A span in parts, in order, each with the first layer that counts for it. XX001 if the layers
    /// do not hold all of it; `name` is whose data it is.
    ///
    /// All versions of a key that a layer has are in one file, and whoever reads a part takes every
    /// file that has keys of it, so a span may be cut anywhere.
    pub fn parts(&self, whole: &Span, name: &str) -> Result<Vec<(Span, usize)>> {
        let from = self.edges.partition_point(|key| **key <= whole.start);
        let to = self.edges.partition_point(|key| **key < whole.end);
        let mut parts = Vec::new();
        let mut start = whole.start.clone();
        let ends = self.edges.get(from..to).unwrap_or_default().iter().copied();
        for end in ends.chain([&whole.end]) {
            let span = Span::new(std::mem::replace(&mut start, end.clone()), end.clone());
            let from_layer = self.introduced.iter().rposition(|set| set.covers(&span)).unwrap_or(0);
            let mut counting = self.held.iter().enumerate().skip(from_layer);
            if let Some((lacking, _)) = counting.find(|(_, set)| !set.covers(&span)) {
                let dir = self.layers.get(lacking).map_or("", |layer| layer.layer.dir());
                return Err(Error::corrupt(format!(
                    "the backup in \"{dir}\" lacks data of \"{name}\""
                ))
                .with_detail(format!("It does not cover {span}.")));
            }
            parts.push((span, from_layer));
        }
        Ok(parts)
    }

    /// Stored bytes of the files that begin in a span, from one layer on.
    pub fn bytes(&self, span: &Span, from_layer: usize) -> u64 {
        let from = self.files.partition_point(|(key, _, _)| **key < span.start);
        let to = self.files.partition_point(|(key, _, _)| **key < span.end);
        let files = self.files.get(from..to).unwrap_or_default();
        files.iter().filter(|(_, layer, _)| *layer >= from_layer).map(|(_, _, bytes)| bytes).sum()
    }
}
