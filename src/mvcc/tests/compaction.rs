//! Compactions that drop history, against the sweep over the engine in memory.

use proptest::prelude::*;

use super::*;
use crate::kv::Engine;

/// What happens to a store, in order.
#[derive(Clone, Debug)]
enum Step {
    /// A commit of these changes.
    Commit(Vec<(u8, Option<u8>)>),
    /// Tables are written, so that versions of one key lie in several.
    Flush,
    /// The line rises to the time of the commit this far back, in all or half of the keys.
    Line(u8, bool),
    /// A part of the keys is compacted.
    Compact(u8, u8),
    /// The sweep passes.
    Sweep(u8),
    /// The store is opened anew.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let change = (0u8..6, prop::option::weighted(0.6, any::<u8>()));
    prop_oneof![
        8 => prop::collection::vec(change, 1..4).prop_map(Step::Commit),
        3 => Just(Step::Flush),
        2 => (0u8..6, any::<bool>()).prop_map(|(back, all)| Step::Line(back, all)),
        3 => (0u8..7, 0u8..7).prop_map(|(a, b)| Step::Compact(a.min(b), a.max(b))),
        1 => (0u8..6).prop_map(Step::Sweep),
        1 => Just(Step::Reopen),
    ]
}

fn name(k: u8) -> String {
    format!("k{k:02}")
}

/// The value of each key at a time, if that may be read.
fn seen(store: &Arc<Mvcc>, at: Timestamp) -> Vec<Option<Option<Vec<u8>>>> {
    let snapshot = store.snapshot(at).unwrap();
    (0..6).map(|k| snapshot.get(&key(&name(k))).ok()).collect()
}

fn stored(engine: &dyn Engine) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut cursor = engine.cursor(Family::Versions, &Span::all(), Access::Bulk).unwrap();
    let mut found = Vec::new();
    cursor.seek_to_first().unwrap();
    while let Some((key, value)) = cursor.entry() {
        found.push((key.to_vec(), value.to_vec()));
        cursor.next().unwrap();
    }
    found
}

struct Pair {
    dir: tempfile::TempDir,
    rocks: Option<(Arc<RocksEngine>, Arc<Mvcc>)>,
    memory: Arc<Mvcc>,
    clock: Arc<ManualClock>,
}

impl Pair {
    fn new() -> Pair {
        let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(1_000_000_000)));
        let options = Options::default();
        let memory = Mvcc::open(Arc::new(MemoryEngine::new()), clock.clone(), options).unwrap();
        let mut pair = Pair { dir: tempfile::tempdir().unwrap(), rocks: None, memory, clock };
        pair.reopen();
        pair
    }

    fn reopen(&mut self) {
        self.rocks = None;
        let options = rocksdb::Options { cache_bytes: 8 << 20, ..rocksdb::Options::default() };
        let engine = Arc::new(RocksEngine::open(self.dir.path(), &options).unwrap());
        let store = Mvcc::open(engine.clone(), self.clock.clone(), Options::default()).unwrap();
        self.rocks = Some((engine, store));
    }

    fn rocks(&self) -> &Arc<Mvcc> {
        &self.rocks.as_ref().unwrap().1
    }

    fn commit(&self, changes: &[(u8, Option<u8>)]) -> [Timestamp; 2] {
        [self.rocks(), &self.memory].map(|store| {
            let mut txn = begin(store);
            for (k, value) in changes {
                match value {
                    Some(v) => put(&mut txn, &name(*k), &v.to_string()),
                    None => txn.delete(key(&name(*k))).unwrap(),
                }
            }
            txn.commit().unwrap()
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The store with compactions of parts answers every read as the one that nobody compacts, and
    /// after a sweep over all both hold the same number of versions.
    #[test]
    fn compactions_are_never_seen(steps in prop::collection::vec(step(), 1..50)) {
        let mut pair = Pair::new();
        let mut times: Vec<[Timestamp; 2]> = Vec::new();
        let line = |pair: &Pair, times: &[[Timestamp; 2]], back: u8, span: &Span, sweep: bool| {
            let Some(at) = times.iter().rev().nth(usize::from(back)) else { return };
            for (store, at) in [pair.rocks(), &pair.memory].into_iter().zip(at) {
                if sweep {
                    store.collect_garbage(span, *at).unwrap();
                } else {
                    store.set_gc_line(span, *at).unwrap();
                }
                store.publish_gc_lines().unwrap();
            }
        };
        for step in &steps {
            match step {
                Step::Commit(changes) => times.push(pair.commit(changes)),
                Step::Flush => pair.rocks().engine().flush().unwrap(),
                Step::Line(back, all) => {
                    let span = if *all { span("k", "l") } else { span("k02", "k04") };
                    line(&pair, &times, *back, &span, false);
                }
                Step::Compact(a, b) => {
                    let span = span(&name(*a), &name(*b));
                    pair.rocks().engine().compact(Family::Versions, &span).unwrap();
                }
                Step::Sweep(back) => line(&pair, &times, *back, &span("k", "l"), true),
                Step::Reopen => pair.reopen(),
            }
            for [rocks, memory] in &times {
                prop_assert_eq!(seen(pair.rocks(), *rocks), seen(&pair.memory, *memory));
            }
        }
        line(&pair, &times, 0, &span("k", "l"), true);
        pair.rocks().engine().compact(Family::Versions, &Span::all()).unwrap();
        let [rocks, memory] = [pair.rocks(), &pair.memory].map(|s| stored(&**s.engine()));
        let values = |of: &[(Vec<u8>, Vec<u8>)]| -> Vec<_> {
            of.iter().map(|(k, v)| (super::super::version::split(k).unwrap().0.to_vec(), v.clone())).collect()
        };
        prop_assert_eq!(values(&rocks), values(&memory));
    }
}

#[test]
fn a_compaction_drops_what_a_line_frees_without_a_sweep() {
    let pair = Pair::new();
    for v in 0..50 {
        pair.commit(&[(1, Some(v)), (2, Some(v))]);
        if v % 10 == 0 {
            pair.rocks().engine().flush().unwrap();
        }
    }
    let [middle, _] = pair.commit(&[(1, None)]);
    let [last, _] = pair.commit(&[(1, Some(7))]);
    let store = pair.rocks();
    let versions = || stored(&**store.engine()).len();
    assert_eq!(versions(), 102);
    store.engine().compact(Family::Versions, &Span::all()).unwrap();
    assert_eq!(versions(), 102, "there is no line yet");
    // A protection and a reader keep what they need from compactions too.
    let record = ProtectedRecord {
        id: "1".into(),
        at: middle,
        spans: vec![Span::point(key("k01"))],
        purpose: String::new(),
    };
    store.protect(record).unwrap();
    store.set_gc_line(&span("k01", "k02"), store.now()).unwrap();
    store.publish_gc_lines().unwrap();
    store.engine().compact(Family::Versions, &Span::all()).unwrap();
    // Of key 1 the protected tombstone, which nothing but the sweep may take, and what is newer.
    assert_eq!(versions(), 52);
    assert_eq!(store.snapshot(middle).unwrap().get(&key("k01")).unwrap(), None);
    store.release("1").unwrap();
    let reader = store.snapshot(last).unwrap();
    store.set_gc_line(&Span::all(), store.now()).unwrap();
    store.publish_gc_lines().unwrap();
    store.engine().compact(Family::Versions, &Span::all()).unwrap();
    assert_eq!(versions(), 2);
    assert_eq!(reader.get(&key("k01")).unwrap().unwrap(), b"7");
    assert_eq!(reader.get(&key("k02")).unwrap().unwrap(), b"49");
}

#[test]
fn a_line_that_could_not_be_kept_does_not_reach_compactions() {
    let engine = Arc::new(MemoryEngine::new());
    let store = open(engine.clone());
    write(&store, &[("a", "1")]);
    let at = write(&store, &[("a", "2")]);
    store.set_gc_line(&Span::all(), at).unwrap();
    engine.inject(crate::kv::memory::Fault::Sync);
    assert!(store.publish_gc_lines().is_err());
    engine.compact(Family::Versions, &Span::all()).unwrap();
    assert_eq!(stored(&*engine).len(), 2);
    store.publish_gc_lines().unwrap();
    engine.compact(Family::Versions, &Span::all()).unwrap();
    assert_eq!(stored(&*engine).len(), 1);
}

#[test]
fn reclaiming_frees_the_space_of_a_span() {
    let pair = Pair::new();
    let store = pair.rocks();
    // Random enough not to be compressed away.
    let mut state = 1u64;
    let mut load = store.bulk_writer(store.now()).unwrap();
    for i in 0..4_000 {
        let mut value = Vec::new();
        for _ in 0..64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            value.extend_from_slice(&state.to_be_bytes());
        }
        load.put(&key(&format!("m{i:06}")), &value).unwrap();
    }
    load.finish().unwrap();
    write(store, &[("l", "before"), ("n", "after"), ("m000007", "newer")]);
    store.engine().flush().unwrap();
    let bytes = || store.engine().approximate_bytes(Family::Versions, &Span::all()).unwrap();
    assert!(bytes() > 1_500_000, "{}", bytes());
    store.reclaim_span(&span("m", "n")).unwrap();
    assert!(bytes() < 100_000, "{}", bytes());
    assert_eq!(read(store, "m000007"), None);
    assert_eq!(read(store, "l").as_deref(), Some("before"));
    assert_eq!(read(store, "n").as_deref(), Some("after"));
}
