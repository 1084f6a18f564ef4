//! A store that fails as it is told to: for tests of everything that writes or reads backups.
//!
//! Every call counts as one operation (of a writer: its opening, each piece, its end). A plan
//! says what happens to the n-th: it may fail before it did anything, or fail after it was done,
//! as when an answer is lost. A piece of a streamed file that fails was not written; if `finish`
//! fails before it did anything, no file appears.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::store::{ListEntry, Listing, Store, StoreWriter, WriteMode};
use crate::error::{Error, Result};

/// What happens to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails without effect.
    Before,
    /// It takes effect, and its answer is lost.
    After,
}

/// Which operations fail.
#[derive(Clone, Debug)]
enum Plan {
    /// None.
    Quiet,
    /// The given ones, counted from zero.
    At(BTreeMap<u64, Fault>),
    /// All from a given one on, as when the network is gone.
    From(u64),
    /// About one of `every`, drawn from a seed.
    Seeded { state: u64, every: u64 },
}

#[derive(Debug)]
struct State {
    plan: Plan,
    operations: u64,
    log: Vec<String>,
}

/// A wrapped store. Cloning gives another handle on the same plan and counter.
#[derive(Clone)]
pub struct Faulty {
    inner: Arc<dyn Store>,
    state: Arc<Mutex<State>>,
}

impl Faulty {
    fn with(inner: Arc<dyn Store>, plan: Plan) -> Self {
        let state = State { plan, operations: 0, log: Vec::new() };
        Faulty { inner, state: Arc::new(Mutex::new(state)) }
    }

    /// Fails never; counts.
    pub fn quiet(inner: Arc<dyn Store>) -> Self {
        Self::with(inner, Plan::Quiet)
    }

    /// Fails one operation.
    pub fn at(inner: Arc<dyn Store>, operation: u64, fault: Fault) -> Self {
        Self::with(inner, Plan::At(BTreeMap::from([(operation, fault)])))
    }

    /// Fails one operation and all that follow.
    pub fn from(inner: Arc<dyn Store>, operation: u64) -> Self {
        Self::with(inner, Plan::From(operation))
    }

    /// Fails about one operation of `every`, in a way that the seed decides.
    pub fn seeded(inner: Arc<dyn Store>, seed: u64, every: u64) -> Self {
        Self::with(inner, Plan::Seeded { state: seed, every: every.max(1) })
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// What was done, in order: a verb and a path each.
    pub fn log(&self) -> Vec<String> {
        self.state.lock().log.clone()
    }

    /// Stops failing.
    pub fn heal(&self) {
        self.state.lock().plan = Plan::Quiet;
    }

    fn next_fault(&self, verb: &str, path: &str) -> Option<Fault> {
        let mut state = self.state.lock();
        let number = state.operations;
        state.operations += 1;
        state.log.push(format!("{verb} {path}"));
        match &mut state.plan {
            Plan::Quiet => None,
            Plan::At(faults) => faults.get(&number).copied(),
            Plan::From(first) => (number >= *first).then_some(Fault::Before),
            Plan::Seeded { state, every } => {
                // splitmix64: any seed will do, and the same seed fails the same operations.
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                z ^= z >> 31;
                let hit = (z >> 1).is_multiple_of(*every);
                hit.then_some(if z & 1 == 0 { Fault::Before } else { Fault::After })
            }
        }
    }

    fn run<T>(&self, verb: &str, path: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let failed = || Error::io(format!("cannot {verb} \"{path}\": injected fault"));
        match self.next_fault(verb, path) {
            None => work(),
            Some(Fault::Before) => Err(failed()),
            Some(Fault::After) => work().and_then(|_| Err(failed())),
        }
    }
}

impl Store for Faulty {
    fn read(&self, path: &str) -> Result<Bytes> {
        self.run("read", path, || self.inner.read(path))
    }

    fn read_range(&self, path: &str, offset: u64, len: u64) -> Result<Bytes> {
        self.run("read", path, || self.inner.read_range(path, offset, len))
    }

    fn size(&self, path: &str) -> Result<Option<u64>> {
        self.run("size", path, || self.inner.size(path))
    }

    fn write(&self, path: &str, content: Bytes, mode: WriteMode) -> Result<()> {
        self.run("write", path, || self.inner.write(path, content, mode))
    }

    fn writer(&self, path: &str) -> Result<Box<dyn StoreWriter>> {
        let inner = self.run("open", path, || self.inner.writer(path))?;
        let path = path.to_owned();
        Ok(Box::new(FaultyWriter { faults: self.clone(), path, inner, lost: false }))
    }

    fn list(&self, dir: &str) -> Result<Vec<ListEntry>> {
        self.run("list", dir, || self.inner.list(dir))
    }

    fn list_dir(&self, dir: &str) -> Result<Listing> {
        self.run("list", dir, || self.inner.list_dir(dir))
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.run("delete", path, || self.inner.delete(path))
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}

struct FaultyWriter {
    faults: Faulty,
    path: String,
    inner: Box<dyn StoreWriter>,
    /// A piece was lost, so the file must not be finished.
    lost: bool,
}

impl StoreWriter for FaultyWriter {
    fn write(&mut self, piece: Bytes) -> Result<()> {
        let inner = &mut self.inner;
        let result = self.faults.run("stream", &self.path, || inner.write(piece));
        self.lost |= result.is_err();
        result
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let FaultyWriter { faults, path, inner, lost } = *self;
        if lost {
            return Err(Error::io(format!("cannot finish \"{path}\": a piece was lost")));
        }
        faults.run("finish", &path, || inner.finish())
    }

    fn abort(self: Box<Self>) -> Result<()> {
        let FaultyWriter { faults, path, inner, .. } = *self;
        faults.run("abort", &path, || inner.abort())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Memory;

    #[test]
    fn a_lost_answer_leaves_the_file_and_an_early_fault_does_not() {
        for (fault, there) in [(Fault::Before, false), (Fault::After, true)] {
            let memory = Memory::shared();
            let store = Faulty::at(memory.clone(), 1, fault);
            store.write("a", Bytes::new(), WriteMode::Overwrite).unwrap();
            assert!(store.write("b", Bytes::new(), WriteMode::Overwrite).is_err());
            store.write("c", Bytes::new(), WriteMode::Overwrite).unwrap();
            assert_eq!(memory.exists("b").unwrap(), there);
            assert!(memory.exists("c").unwrap());
            assert_eq!(store.operations(), 3);
        }
    }

    #[test]
    fn a_seed_fails_the_same_operations_again() {
        let run = |seed| {
            let store = Faulty::seeded(Memory::shared(), seed, 4);
            (0..64).map(|i| store.exists(&i.to_string()).is_err()).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!(run(7).iter().any(|failed| *failed) && !run(7).iter().all(|failed| *failed));
    }
}
