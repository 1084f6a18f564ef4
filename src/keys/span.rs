//! Ranges of keys, and sets of them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Key;

/// The smallest key after every key that begins with `prefix`. Without one (an empty prefix, or
/// nothing but `0xFF`) the answer is a key of sixteen `0xFF` bytes, which no table's key reaches.
pub fn prefix_end(prefix: &[u8]) -> Key {
    match prefix.iter().rposition(|&b| b != 0xFF) {
        Some(at) => {
            let mut end = prefix[..=at].to_vec();
            end[at] += 1;
            end
        }
        None => vec![0xFF; 16.max(prefix.len() + 1)],
    }
}

/// A half-open range of keys, `[start, end)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first key.
    #[serde(with = "hex_key")]
    pub start: Key,
    /// The first key after the range.
    #[serde(with = "hex_key")]
    pub end: Key,
}

impl Span {
    /// The range `[start, end)`.
    pub fn new(start: impl Into<Key>, end: impl Into<Key>) -> Span {
        Span { start: start.into(), end: end.into() }
    }

    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: Key) -> Span {
        let end = prefix_end(&prefix);
        Span { start: prefix, end }
    }

    /// One key.
    pub fn point(key: Key) -> Span {
        let mut end = Vec::with_capacity(key.len() + 1);
        end.extend_from_slice(&key);
        end.push(0);
        Span { start: key, end }
    }

    /// Every key that a table can have.
    pub fn all() -> Span {
        Span { start: Vec::new(), end: prefix_end(&[]) }
    }

    /// Whether no key lies within.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Whether a key lies within.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.start.as_slice() <= key && key < self.end.as_slice()
    }

    /// Whether every key of `other` lies within.
    pub fn covers(&self, other: &Span) -> bool {
        other.is_empty() || (self.start <= other.start && other.end <= self.end)
    }

    /// Whether some key could lie in both.
    pub fn overlaps(&self, other: &Span) -> bool {
        !self.is_empty() && !other.is_empty() && self.start < other.end && other.start < self.end
    }

    /// The keys of both; `None` if there can be none.
    pub fn intersect(&self, other: &Span) -> Option<Span> {
        self.overlaps(other).then(|| Span {
            start: self.start.clone().max(other.start.clone()),
            end: self.end.clone().min(other.end.clone()),
        })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", super::pretty::key(&self.start), super::pretty::key(&self.end))
    }
}

/// A set of keys made of whole spans. Kept merged and sorted: no two members touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SpanSet {
    spans: Vec<Span>,
}

impl SpanSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the set has no keys.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How many separate spans there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Adds the keys of a span; spans that overlap or touch become one.
    pub fn add(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        // Members from `first` up to `last` overlap or touch the new one.
        let first = self.spans.partition_point(|s| s.end < span.start);
        let last = self.spans.partition_point(|s| s.start <= span.end);
        let mut merged = span;
        for old in &self.spans[first..last] {
            if old.start < merged.start {
                merged.start = old.start.clone();
            }
            if old.end > merged.end {
                merged.end = old.end.clone();
            }
        }
        self.spans.splice(first..last, [merged]);
    }

    /// Removes the keys of a span.
    pub fn subtract(&mut self, span: &Span) {
        if span.is_empty() {
            return;
        }
        let first = self.spans.partition_point(|s| s.end <= span.start);
        let last = self.spans.partition_point(|s| s.start < span.end);
        if first >= last {
            return;
        }
        let mut left = Vec::with_capacity(2);
        if self.spans[first].start < span.start {
            left.push(Span::new(self.spans[first].start.clone(), span.start.clone()));
        }
        if self.spans[last - 1].end > span.end {
            left.push(Span::new(span.end.clone(), self.spans[last - 1].end.clone()));
        }
        self.spans.splice(first..last, left);
    }

    /// Whether a key is in the set.
    pub fn contains(&self, key: &[u8]) -> bool {
        let at = self.spans.partition_point(|s| s.end.as_slice() <= key);
        self.spans.get(at).is_some_and(|s| s.contains(key))
    }

    /// Whether every key of a span is in the set.
    pub fn covers(&self, span: &Span) -> bool {
        if span.is_empty() {
            return true;
        }
        let at = self.spans.partition_point(|s| s.end <= span.start);
        self.spans.get(at).is_some_and(|s| s.covers(span))
    }

    /// Whether some key of a span could be in the set.
    pub fn overlaps(&self, span: &Span) -> bool {
        let at = self.spans.partition_point(|s| s.end <= span.start);
        self.spans.get(at).is_some_and(|s| s.overlaps(span))
    }

    /// The parts of a span that are not in the set, in order.
    pub fn uncovered(&self, span: &Span) -> Vec<Span> {
        let mut left = SpanSet::from_iter([span.clone()]);
        let first = self.spans.partition_point(|s| s.end <= span.start);
        for member in self.spans[first..].iter().take_while(|s| s.start < span.end) {
            left.subtract(member);
        }
        left.spans
    }

    /// The spans, merged and sorted.
    pub fn iter(&self) -> std::slice::Iter<'_, Span> {
        self.spans.iter()
    }
}

impl FromIterator<Span> for SpanSet {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut set = SpanSet::new();
        for span in spans {
            set.add(span);
        }
        set
    }
}

impl<'a> IntoIterator for &'a SpanSet {
    type Item = &'a Span;
    type IntoIter = std::slice::Iter<'a, Span>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

// What is read back may have been edited: it is merged and sorted anew.
impl<'de> Deserialize<'de> for SpanSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Span>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// Keys as text in hexadecimal, for JSON.
mod hex_key {
    use super::{Cow, Deserialize, Deserializer, Key, Serializer};

    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    pub fn serialize<S: Serializer>(key: &Key, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(key.len() * 2);
        for byte in key {
            text.push(DIGITS[usize::from(byte >> 4)] as char);
            text.push(DIGITS[usize::from(byte & 15)] as char);
        }
        serializer.serialize_str(&text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let bad = || serde::de::Error::custom("a key must be an even number of hexadecimal digits");
        if !text.len().is_multiple_of(2) {
            return Err(bad());
        }
        text.as_bytes()
            .chunks_exact(2)
            .map(|pair| match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => Ok(high << 4 | low),
                _ => Err(bad()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(a: u8, b: u8) -> Span {
        Span::new(vec![a], vec![b])
    }

    #[test]
    fn the_end_of_a_prefix_carries() {
        assert_eq!(prefix_end(b"ab"), b"ac");
        assert_eq!(prefix_end(&[1, 0xFF, 0xFF]), [2]);
        assert!(prefix_end(&[0xFF, 0xFF]).as_slice() > [0xFF, 0xFF, 0xFF].as_slice());
        assert!(Span::all().contains(&[0xFF, 0, 0, 0]));
    }

    #[test]
    fn a_point_holds_its_key_only() {
        let p = Span::point(b"k".to_vec());
        assert!(p.contains(b"k"));
        assert!(!p.contains(b"k\0"));
        assert!(!p.contains(b"j"));
    }

    #[test]
    fn json_is_hexadecimal_and_reads_back() {
        let s = Span::new(vec![0, 0xAB], vec![0xFF]);
        let json = serde_json::to_string(&s).unwrap();
        assert_eq!(json, r#"{"start":"00ab","end":"ff"}"#);
        assert_eq!(serde_json::from_str::<Span>(&json).unwrap(), s);
        assert!(serde_json::from_str::<Span>(r#"{"start":"0","end":"ff"}"#).is_err());
        assert!(serde_json::from_str::<Span>(r#"{"start":"0g","end":"ff"}"#).is_err());
        let set: SpanSet =
            serde_json::from_str(r#"[{"start":"05","end":"07"},{"start":"01","end":"05"}]"#)
                .unwrap();
        assert_eq!(set.iter().cloned().collect::<Vec<_>>(), [span(1, 7)]);
    }

    proptest! {
        #[test]
        fn a_set_is_the_set_of_its_bytes(
            steps in prop::collection::vec((any::<bool>(), 0u8..40, 0u8..40), 0..30),
            probe in (0u8..40, 0u8..40),
        ) {
            let mut set = SpanSet::new();
            let mut model = [false; 40];
            for (add, a, b) in steps {
                if add { set.add(span(a, b)) } else { set.subtract(&span(a, b)) }
                for i in a..b.max(a) {
                    model[usize::from(i)] = add;
                }
            }
            for i in 0..40u8 {
                prop_assert_eq!(set.contains(&[i]), model[usize::from(i)]);
            }
            for pair in set.spans.windows(2) {
                prop_assert!(pair[0].end < pair[1].start);
            }
            let wanted = span(probe.0, probe.1);
            let all = (probe.0..probe.1.max(probe.0)).all(|i| model[usize::from(i)]);
            prop_assert_eq!(set.covers(&wanted), all);
            let any = (probe.0..probe.1.max(probe.0)).any(|i| model[usize::from(i)]);
            prop_assert_eq!(!wanted.is_empty() && set.overlaps(&wanted), any);
            let rest = SpanSet::from_iter(set.uncovered(&wanted));
            for i in 0..40u8 {
                let expect = wanted.contains(&[i]) && !model[usize::from(i)];
                prop_assert_eq!(rest.contains(&[i]), expect);
            }
        }
    }
}
