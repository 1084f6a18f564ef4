//! What everybody saw, and how keys and values are written.

use std::collections::BTreeMap;

use super::super::history::{Element, History, Key, Level, Op, Outcome, Seen};
use crate::clock::Timestamp;
use crate::keys::Span;

/// Keys and values as they are stored; no value is a deletion.
pub(super) type Rows = BTreeMap<Vec<u8>, Vec<u8>>;
/// Writes of a transaction.
pub(super) type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Where the lists (even numbers) and registers (odd ones) are.
pub(super) fn key(n: Key) -> Vec<u8> {
    vec![b'k', n as u8]
}

/// All lists and registers.
pub(super) fn all_keys() -> Span {
    Span::prefix(vec![b'k'])
}

/// Each transaction that writes leaves one of these, so that one whose end is not known can be
/// looked up.
pub(super) fn receipt(number: usize) -> Vec<u8> {
    [&b"r"[..], &(number as u32).to_be_bytes()].concat()
}

/// All receipts.
pub(super) fn all_receipts() -> Span {
    Span::prefix(vec![b'r'])
}

pub(super) fn is_list(n: Key) -> bool {
    n.is_multiple_of(2)
}

/// A list, or a register's single value, as bytes.
pub(super) fn encode(elements: &[Element]) -> Vec<u8> {
    elements.iter().flat_map(|element| element.to_be_bytes()).collect()
}

pub(super) fn decode(stored: Option<&[u8]>) -> Vec<Element> {
    let words = stored.unwrap_or_default().as_chunks::<8>().0;
    words.iter().map(|word| Element::from_be_bytes(*word)).collect()
}

/// The step that saw a value.
pub(super) fn seen_value(n: Key, stored: Option<&[u8]>) -> Op {
    let elements = decode(stored);
    if is_list(n) { Op::List(n, elements) } else { Op::Read(n, elements.first().copied()) }
}

/// One look at the store.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// The time of the snapshot; `None` for a locked read, which sees the newest.
    pub(super) at: Option<Timestamp>,
    pub(super) span: Span,
    pub(super) rows: Rows,
    /// What the transaction had written by then.
    pub(super) own: Writes,
    /// Whether it need not hold until the commit.
    pub(super) forgotten: bool,
}

/// A transaction's times and bytes, for the model.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    pub(super) looks: Vec<Look>,
    pub(super) writes: Writes,
    /// When it was committed, if its client was told.
    pub(super) committed: Option<Timestamp>,
}

/// Everything that is known of a run.
#[derive(Default)]
pub(super) struct Record {
    pub(super) history: History,
    pub(super) traces: Vec<Trace>,
    /// What went wrong while it ran.
    pub(super) complaints: Vec<String>,
    moments: u64,
    elements: Element,
}

impl Record {
    /// A moment that nobody else has.
    pub(super) fn moment(&mut self) -> u64 {
        self.moments += 1;
        self.moments
    }

    /// An element that nobody else has.
    pub(super) fn element(&mut self) -> Element {
        self.elements += 1;
        self.elements
    }

    /// A transaction begins; until it ends nothing is known of it.
    pub(super) fn begin(&mut self, client: usize, level: Level, in_the_past: bool) -> usize {
        let begun = self.moment();
        self.traces.push(Trace::default());
        self.history.transactions.push(Seen {
            client,
            level,
            in_the_past,
            begun,
            ended: u64::MAX,
            outcome: Outcome::Aborted,
            ops: Vec::new(),
            taken_back: Vec::new(),
        });
        self.traces.len() - 1
    }
}
