//! Ranges of keys.
use super::Key;
/// A half-open range of keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /** First key. */
    pub start: Key,
    /** First key after. */
    pub end: Key,
}
/// A set of spans.
#[derive(Clone, Debug, Default)]
pub struct SpanSet;
impl Span {
    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: Key) -> Span {
        let mut end = prefix.clone();
        if let Some(l) = end.last_mut() {
            *l += 1;
        }
        Span { start: prefix, end }
    }
}
