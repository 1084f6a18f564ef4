//! What every engine must do, asked of both.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::memory::{Fault, MemoryEngine};
use super::rocksdb::{Options, RocksEngine};
use super::{Access, Batch, Durability, Engine, Family};
use crate::error::sqlstate;
use crate::keys::Span;

struct Rocks {
    engine: Option<RocksEngine>,
    dir: tempfile::TempDir,
}

fn small() -> Options {
    Options { cache_bytes: 8 << 20, write_buffer_bytes: 1 << 20, ..Options::default() }
}

impl Rocks {
    fn new() -> Rocks {
        let dir = tempfile::tempdir().unwrap();
        Rocks { engine: Some(RocksEngine::open(dir.path(), &small()).unwrap()), dir }
    }

    fn get(&self) -> &RocksEngine {
        self.engine.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.engine = None;
        self.engine = Some(RocksEngine::open(self.dir.path(), &small()).unwrap());
    }
}

fn with_both(test: impl Fn(&dyn Engine)) {
    test(&MemoryEngine::new());
    test(Rocks::new().get());
}

fn put(engine: &dyn Engine, family: Family, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(family, key, value);
    engine.write(batch, Durability::Synced).unwrap();
}

fn all(engine: &dyn Engine, family: Family, span: &Span) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut cursor = engine.cursor(family, span, Access::Range).unwrap();
    cursor.seek_to_first().unwrap();
    let mut found = Vec::new();
    while let Some((key, value)) = cursor.entry() {
        found.push((key.to_vec(), value.to_vec()));
        cursor.next().unwrap();
    }
    found
}

#[test]
fn families_are_apart() {
    with_both(|engine| {
        put(engine, Family::Meta, b"k", b"meta");
        put(engine, Family::Changelog, b"k", b"log");
        assert_eq!(engine.get(Family::Meta, b"k").unwrap().unwrap(), b"meta");
        assert_eq!(engine.get(Family::Changelog, b"k").unwrap().unwrap(), b"log");
        assert_eq!(engine.get(Family::Versions, b"k").unwrap(), None);
    });
}

#[test]
fn a_cursor_sees_the_moment_it_was_made() {
    with_both(|engine| {
        put(engine, Family::Meta, b"a", b"1");
        let mut cursor = engine.cursor(Family::Meta, &Span::all(), Access::Range).unwrap();
        put(engine, Family::Meta, b"a", b"2");
        put(engine, Family::Meta, b"b", b"2");
        cursor.seek_to_first().unwrap();
        assert_eq!(cursor.entry(), Some((&b"a"[..], &b"1"[..])));
        cursor.next().unwrap();
        assert_eq!(cursor.entry(), None);
        cursor.next().unwrap();
        assert_eq!(cursor.entry(), None);
    });
}

#[test]
fn an_empty_span_has_nothing() {
    with_both(|engine| {
        put(engine, Family::Meta, b"a", b"1");
        let span = Span::new(*b"b", *b"a");
        let mut cursor = engine.cursor(Family::Meta, &span, Access::Range).unwrap();
        cursor.seek_to_first().unwrap();
        assert_eq!(cursor.entry(), None);
        cursor.seek_to_last().unwrap();
        assert_eq!(cursor.entry(), None);
        cursor.seek(b"a").unwrap();
        assert_eq!(cursor.entry(), None);
    });
}

#[test]
fn the_first_version_is_found_among_its_own_only() {
    with_both(|engine| {
        let version = |key: &[u8], n: u8| [key, &[n; 12]].concat();
        put(engine, Family::Versions, &version(b"b", 3), b"three");
        put(engine, Family::Versions, &version(b"b", 5), b"five");
        put(engine, Family::Versions, &version(b"d", 1), b"d");
        let look = |key: &[u8], n: u8| {
            let mut value = None;
            let found = engine
                .first_version(Family::Versions, key, &version(key, n), &mut |_, v| {
                    value = Some(v.to_vec());
                })
                .unwrap();
            assert_eq!(found, value.is_some());
            value
        };
        for round in 0..2 {
            assert_eq!(look(b"b", 0).unwrap(), b"three", "round {round}");
            assert_eq!(look(b"b", 3).unwrap(), b"three");
            assert_eq!(look(b"b", 4).unwrap(), b"five");
            assert_eq!(look(b"b", 6), None);
            assert_eq!(look(b"a", 0), None);
            assert_eq!(look(b"c", 0), None);
            engine.flush().unwrap();
        }
    });
}

#[test]
fn a_sorted_run_appears_whole_or_not_at_all() {
    with_both(|engine| {
        put(engine, Family::Versions, b"aaaaaaaaaaaaaa", b"old");
        let mut writer = engine.sorted_writer(Family::Versions).unwrap();
        writer.put(b"aaaaaaaaaaaaaa", b"new").unwrap();
        writer.put(b"bbbbbbbbbbbbbb", b"new").unwrap();
        assert!(writer.put(b"bbbbbbbbbbbbbb", b"again").is_err());
        assert!(writer.bytes() > 0);
        drop(writer);
        assert_eq!(all(engine, Family::Versions, &Span::all()).len(), 1);
        let mut writer = engine.sorted_writer(Family::Versions).unwrap();
        writer.put(b"aaaaaaaaaaaaaa", b"new").unwrap();
        writer.put(b"bbbbbbbbbbbbbb", b"new").unwrap();
        writer.finish().unwrap();
        let found = all(engine, Family::Versions, &Span::all());
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].1, b"new");
        engine.sorted_writer(Family::Versions).unwrap().finish().unwrap();
    });
}

#[test]
fn a_cursor_outlives_its_engine() {
    let dir = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(dir.path(), &small()).unwrap();
    put(&engine, Family::Meta, b"a", b"1");
    let mut cursor = engine.cursor(Family::Meta, &Span::all(), Access::Bulk).unwrap();
    drop(engine);
    cursor.seek_to_first().unwrap();
    assert!(cursor.entry().is_some());
}

#[test]
fn reopening_keeps_what_was_written_and_clears_unfinished_runs() {
    let mut store = Rocks::new();
    put(store.get(), Family::Versions, b"aaaaaaaaaaaaaa", b"1");
    let left = store.dir.path().join("ingest").join("77.sst");
    std::fs::write(&left, b"half a table").unwrap();
    store.reopen();
    assert!(!left.exists());
    assert_eq!(all(store.get(), Family::Versions, &Span::all()).len(), 1);
}

#[test]
fn a_store_has_one_process() {
    let store = Rocks::new();
    let e = RocksEngine::open(store.dir.path(), &small()).err().unwrap();
    assert_eq!(e.code(), sqlstate::OBJECT_IN_USE, "{e:?}");
    assert!(e.hint().is_some());
}

#[test]
fn a_checkpoint_is_a_store_of_its_own() {
    let store = Rocks::new();
    put(store.get(), Family::Meta, b"a", b"1");
    let copy = store.dir.path().join("copy");
    store.get().checkpoint(&copy).unwrap();
    put(store.get(), Family::Meta, b"b", b"2");
    let copied = RocksEngine::open(&copy, &small()).unwrap();
    assert_eq!(all(&copied, Family::Meta, &Span::all()).len(), 1);
}

#[test]
fn a_crash_loses_what_was_not_synced() {
    let engine = MemoryEngine::new();
    let write = |key: &[u8], value: &[u8], durability| {
        let mut batch = Batch::new();
        batch.put(Family::Meta, key, value);
        engine.write(batch, durability)
    };
    write(b"a", b"1", Durability::Buffered).unwrap();
    write(b"b", b"1", Durability::Synced).unwrap();
    write(b"a", b"2", Durability::Buffered).unwrap();
    write(b"c", b"2", Durability::Buffered).unwrap();
    let mut batch = Batch::new();
    batch.delete_range(Family::Meta, Span::new(*b"b", *b"c"));
    engine.write(batch, Durability::Buffered).unwrap();
    let after = all(&engine.crash(), Family::Meta, &Span::all());
    assert_eq!(after, [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"1".to_vec())]);
    engine.inject(Fault::Full);
    let e = write(b"d", b"3", Durability::Synced).unwrap_err();
    assert_eq!(e.code(), sqlstate::DISK_FULL);
    assert_eq!(engine.get(Family::Meta, b"d").unwrap(), None);
    write(b"d", b"3", Durability::Synced).unwrap();
    assert_eq!(all(&engine.crash(), Family::Meta, &Span::all()).len(), 3);
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8),
    Delete(u8),
    DeleteRange(u8, u8),
    Erase(u8, u8),
    Flush,
    Compact,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u8..30, any::<u8>()).prop_map(|(k, v)| Step::Put(k, v)),
        2 => (0u8..30).prop_map(Step::Delete),
        1 => (0u8..30, 0u8..30).prop_map(|(a, b)| Step::DeleteRange(a.min(b), a.max(b))),
        1 => (0u8..30, 0u8..30).prop_map(|(a, b)| Step::Erase(a.min(b), a.max(b))),
        1 => Just(Step::Flush),
        1 => Just(Step::Compact),
    ]
}

// Long enough to have a prefix, as every version's key is.
fn long(k: u8) -> Vec<u8> {
    vec![k; 14]
}

fn check_against_model(engine: &Arc<dyn Engine>, steps: &[Step], probes: &[(u8, u8, u8)]) {
    let mut model = BTreeMap::new();
    let mut batch = Batch::new();
    for (i, step) in steps.iter().enumerate() {
        match step {
            Step::Put(k, v) => {
                batch.put(Family::Versions, long(*k), vec![*v]);
                model.insert(long(*k), vec![*v]);
            }
            Step::Delete(k) => {
                batch.delete(Family::Versions, long(*k));
                model.remove(&long(*k));
            }
            Step::DeleteRange(a, b) => {
                batch.delete_range(Family::Versions, Span::new(long(*a), long(*b)));
                model.retain(|k, _| !(long(*a) <= *k && *k < long(*b)));
            }
            Step::Erase(a, b) => {
                engine.write(std::mem::take(&mut batch), Durability::Buffered).unwrap();
                engine.erase(Family::Versions, &Span::new(long(*a), long(*b))).unwrap();
                model.retain(|k, _| !(long(*a) <= *k && *k < long(*b)));
            }
            Step::Compact => engine.compact(Family::Versions, &Span::all()).unwrap(),
            Step::Flush => {
                engine.write(std::mem::take(&mut batch), Durability::Buffered).unwrap();
                engine.flush().unwrap();
            }
        }
        if i % 3 == 0 {
            engine.write(std::mem::take(&mut batch), Durability::Buffered).unwrap();
        }
    }
    engine.write(batch, Durability::Synced).unwrap();
    for (a, b, at) in probes {
        let (a, b) = (a.min(b), a.max(b));
        let span = Span::new(long(*a), long(*b));
        let within: Vec<_> = model.range(span.start.clone()..span.end.clone()).collect();
        let found = all(&**engine, Family::Versions, &span);
        assert!(found.iter().map(|(k, v)| (k, v)).eq(within.iter().copied()));
        let mut cursor = engine.cursor(Family::Versions, &span, Access::Point).unwrap();
        let here = |entry: Option<(&[u8], &[u8])>| entry.map(|(k, _)| k.to_vec());
        cursor.seek(&long(*at)).unwrap();
        let expect = within.iter().find(|(k, _)| **k >= long(*at)).map(|(k, _)| (*k).clone());
        assert_eq!(here(cursor.entry()), expect);
        cursor.seek_for_prev(&long(*at)).unwrap();
        let expect = within.iter().rfind(|(k, _)| **k <= long(*at)).map(|(k, _)| (*k).clone());
        assert_eq!(here(cursor.entry()), expect);
        cursor.prev().unwrap();
        let before = within.iter().rev().skip_while(|(k, _)| **k > long(*at)).nth(1);
        assert_eq!(here(cursor.entry()), before.map(|(k, _)| (*k).clone()));
        cursor.seek_to_last().unwrap();
        assert_eq!(here(cursor.entry()), within.last().map(|(k, _)| (*k).clone()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn engines_are_ordered_maps(
        steps in prop::collection::vec(step(), 0..60),
        probes in prop::collection::vec((0u8..30, 0u8..30, 0u8..30), 1..10),
    ) {
        let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
        check_against_model(&memory, &steps, &probes);
        let dir = tempfile::tempdir().unwrap();
        let rocks: Arc<dyn Engine> = Arc::new(RocksEngine::open(dir.path(), &small()).unwrap());
        check_against_model(&rocks, &steps, &probes);
    }
}
