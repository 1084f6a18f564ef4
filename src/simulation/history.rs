//! What the clients saw: the only thing that the checker knows.
//!
//! A *key* holds either a list, to which elements are appended, or a register, which is written
//! over. No element or value is ever used twice, so whoever reads one knows who wrote it.

/// Which list or register.
pub(crate) type Key = u32;

/// What was appended or written.
pub(crate) type Element = u64;

/// What a transaction was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// As if one after another.
    Serializable,
    /// One snapshot, and no lost update.
    Snapshot,
    /// Each statement reads what is committed when it begins.
    ReadCommitted,
}

/// What the client was told in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is committed.
    Committed,
    /// It is not.
    Aborted,
    /// Nothing: the machine went down, or the disk failed, in the middle.
    Unknown,
}

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Added an element to a list.
    Append(Key, Element),
    /// Saw a whole list.
    List(Key, Vec<Element>),
    /// Wrote a register.
    Write(Key, Element),
    /// Deleted a register.
    Delete(Key),
    /// Saw a register.
    Read(Key, Option<Element>),
}

/// One transaction as its client saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Who ran it.
    pub(crate) client: usize,
    /// What it was promised.
    pub(crate) level: Level,
    /// Whether it read the past on purpose; then it owes nothing to the order of real time.
    pub(crate) in_the_past: bool,
    /// The moment before it began.
    pub(crate) begun: u64,
    /// The moment after its end was known.
    pub(crate) ended: u64,
    /// What the client was told.
    pub(crate) outcome: Outcome,
    /// Its steps, without those that it took back by a savepoint.
    pub(crate) ops: Vec<Op>,
    /// Elements of steps that it took back.
    pub(crate) taken_back: Vec<Element>,
}

/// Every transaction of a run; its number is its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// In the order in which they ended. The last ones read everything when nobody wrote any more.
    pub(crate) transactions: Vec<Seen>,
}
