//! History: snapshots, exports, the changelog, bulk loads and garbage collection, against a
//! simple model.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

type Model = BTreeMap<(String, std::cmp::Reverse<Timestamp>), Option<String>>;
type Row = (String, Timestamp, Option<String>);

fn name(key: &[u8]) -> String {
    String::from_utf8_lossy(key).trim_end_matches('.').to_string()
}

fn drain(mut exporter: Exporter) -> Vec<Row> {
    let mut out = Vec::new();
    while let Some(row) = exporter.next().unwrap() {
        let value = row.value.map(|v| String::from_utf8_lossy(v).to_string());
        out.push((name(row.key), row.at, value));
    }
    assert!(exporter.next().unwrap().is_none());
    out
}

fn expected(
    model: &Model,
    within: &Span,
    after: Timestamp,
    upto: Timestamp,
    all: bool,
) -> Vec<Row> {
    let mut out = Vec::new();
    let mut done = BTreeSet::new();
    for ((name, std::cmp::Reverse(at)), value) in model {
        if !within.contains(&key(name)) || *at > upto {
            continue;
        }
        let newest = done.insert(name.clone());
        if *at <= after || !(all || newest) {
            continue;
        }
        if all || value.is_some() || after > Timestamp::MIN {
            out.push((name.clone(), *at, value.clone()));
        }
    }
    out
}

fn request(span: &Span, after: Timestamp, upto: Timestamp, all_versions: bool) -> ExportRequest {
    ExportRequest { span: span.clone(), after, upto, all_versions }
}

/// Commits each group of changes; gives back the commit times and the model.
fn build(store: &Arc<Mvcc>, commits: &[Vec<(u8, Option<u8>)>]) -> (Vec<Timestamp>, Model) {
    let mut times = vec![Timestamp::MIN];
    let mut model = Model::new();
    for changes in commits {
        let mut txn = begin(store);
        let mut last = BTreeMap::new();
        for (k, v) in changes {
            let name = format!("k{k:02}");
            match v {
                Some(v) => put(&mut txn, &name, &v.to_string()),
                None => txn.delete(key(&name)).unwrap(),
            }
            last.insert(name, v.map(|v| v.to_string()));
        }
        let at = txn.commit().unwrap();
        for (name, value) in last {
            model.insert((name, std::cmp::Reverse(at)), value);
        }
        times.push(at);
    }
    (times, model)
}

fn commits() -> impl Strategy<Value = Vec<Vec<(u8, Option<u8>)>>> {
    let change = (0u8..12, prop::option::weighted(0.7, any::<u8>()));
    prop::collection::vec(prop::collection::vec(change, 1..5), 1..30)
}

fn engines() -> (tempfile::TempDir, [SharedEngine; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let options = rocksdb::Options { cache_bytes: 8 << 20, ..rocksdb::Options::default() };
    let rocks = RocksEngine::open(dir.path(), &options).unwrap();
    (dir, [Arc::new(MemoryEngine::new()), Arc::new(rocks)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn exports_are_what_the_model_says(
        commits in commits(),
        probes in prop::collection::vec(any::<(u8, u8, bool, u8, u8)>(), 1..12),
    ) {
        let (_dir, engines) = engines();
        for engine in engines {
            let store = open(engine);
            let (times, model) = build(&store, &commits);
            for (from, upto, all, a, b) in &probes {
                let pick = |n: u8| times[usize::from(n) % times.len()];
                let (after, upto) = (pick(*from).min(pick(*upto)), pick(*from).max(pick(*upto)));
                let span = span(&format!("k{:02}", a % 14), &format!("k{:02}", b % 14));
                let expect = expected(&model, &span, after, upto, *all);
                let found = drain(store.export(request(&span, after, upto, *all)).unwrap());
                prop_assert_eq!(&found, &expect);
                // The changelog leads to the same.
                let keys = match store.changed_keys(&span, after, upto, 1_000).unwrap() {
                    Changed::Keys(keys) => keys,
                    other => panic!("{other:?}"),
                };
                if after > Timestamp::MIN || *all {
                    let found = drain(store.export_keys(keys, after, upto, *all).unwrap());
                    prop_assert_eq!(&found, &expect);
                }
                // And so do scans of a snapshot, in both directions.
                let live = expected(&model, &span, Timestamp::MIN, upto, false);
                for reverse in [false, true] {
                    let snapshot = store.snapshot(upto).unwrap();
                    let mut scan = snapshot.scan(&span, reverse, Access::Range).unwrap();
                    let mut found = Vec::new();
                    while scan.next().unwrap() {
                        let value = String::from_utf8_lossy(scan.value()).to_string();
                        found.push((name(scan.key()), scan.timestamp(), Some(value)));
                    }
                    if reverse {
                        found.reverse();
                    }
                    prop_assert_eq!(&found, &live);
                }
                for k in 0..12u8 {
                    let name = format!("k{k:02}");
                    let value = store.snapshot(upto).unwrap().get(&key(&name)).unwrap();
                    let row = expected(&model, &Span::point(key(&name)), Timestamp::MIN, upto, false);
                    let expect = row.into_iter().next().and_then(|(_, _, v)| v);
                    prop_assert_eq!(value.map(|v| String::from_utf8(v).unwrap()), expect);
                }
            }
        }
    }

    #[test]
    fn garbage_collection_changes_nothing_that_is_readable(
        commits in commits(),
        line in any::<u8>(),
    ) {
        let (_dir, engines) = engines();
        for engine in engines {
            let store = open(engine);
            let (times, model) = build(&store, &commits);
            let below = times[usize::from(line) % times.len()];
            let stats = store.collect_garbage(&Span::all(), below).unwrap();
            prop_assert_eq!(stats.line, below);
            let now = store.now();
            for upto in times.iter().copied().chain([now]).filter(|at| *at >= below) {
                for (after, all) in [(Timestamp::MIN, false), (below, false), (below, true)] {
                    let found = drain(store.export(request(&Span::all(), after, upto, all)).unwrap());
                    prop_assert_eq!(found, expected(&model, &Span::all(), after, upto, all));
                }
            }
            // What is left below the line is one value a key at most.
            let kept = drain(store.export(request(&Span::all(), Timestamp::MIN, below, true)).unwrap());
            prop_assert_eq!(kept, expected(&model, &Span::all(), Timestamp::MIN, below, false));
            for early in times.iter().filter(|at| **at < below) {
                let snapshot = store.snapshot(*early).unwrap();
                let e = snapshot.get(&key("k00")).unwrap_err();
                prop_assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE);
            }
        }
    }
}

#[test]
fn many_versions_of_one_key_are_skipped() {
    let (_dir, engines) = engines();
    for engine in engines {
        let store = open(engine);
        write(&store, &[("a", "a"), ("c", "c")]);
        let times: Vec<_> = (0..50).map(|i| write(&store, &[("b", &i.to_string())])).collect();
        let at = |i: usize| store.begin(TxnOptions { as_of: Some(times[i]), ..Default::default() });
        for (i, expect) in [(0, "b=0"), (25, "b=25"), (49, "b=49")] {
            let mut txn = at(i).unwrap();
            assert_eq!(rows(&mut txn, &span("a", "z"), false), ["a=a", expect, "c=c"]);
            assert_eq!(rows(&mut txn, &span("a", "z"), true), ["c=c", expect, "a=a"]);
        }
        let all = request(&Span::all(), times[9], times[19], true);
        assert_eq!(drain(store.export(all).unwrap()).len(), 10);
    }
}

#[test]
fn bounds_of_spans_may_be_any_bytes() {
    let (_dir, engines) = engines();
    for engine in engines {
        let store = open(engine);
        write(&store, &[("a", "1"), ("b", "2"), ("c", "3")]);
        let after_b = Span::point(key("b")).end;
        let mut txn = begin(&store);
        let from = Span::new(after_b.clone(), key("z"));
        let to = Span::new(key("a"), after_b.clone());
        assert_eq!(rows(&mut txn, &from, false), ["c=3"]);
        assert_eq!(rows(&mut txn, &from, true), ["c=3"]);
        assert_eq!(rows(&mut txn, &to, false), ["a=1", "b=2"]);
        assert_eq!(rows(&mut txn, &to, true), ["b=2", "a=1"]);
        // The end of one table with a zero byte, where another table begins.
        let tables = Span::prefix(vec![0, 0, 0, 0xFF]);
        assert_eq!(tables.end, [0, 0, 1]);
        drop(txn);
        store.clear_span(&from).unwrap();
        assert_eq!(rows(&mut begin(&store), &Span::all(), false), ["a=1", "b=2"]);
        store.clear_span(&to).unwrap();
        assert_eq!(rows(&mut begin(&store), &Span::all(), false), [""; 0]);
    }
}

#[test]
fn clearing_a_table_leaves_the_next_one() {
    let (_dir, engines) = engines();
    for engine in engines {
        let store = open(engine);
        let mut txn = begin(&store);
        for table in [254u32, 255, 256, 257] {
            let mut key = crate::keys::index_prefix(table, 1);
            key.push(7);
            txn.put(key, vec![1]).unwrap();
        }
        txn.commit().unwrap();
        store.clear_span(&crate::keys::table_span(255)).unwrap();
        let mut txn = begin(&store);
        for (table, rows) in [(254, 1), (255, 0), (256, 1), (257, 1)] {
            let mut scan = txn.scan(&crate::keys::table_span(table), true).unwrap();
            assert_eq!(usize::from(scan.next().unwrap()), rows, "table {table}");
        }
    }
}

#[test]
fn the_future_cannot_be_read() {
    let store = store();
    let later = Timestamp::from_nanos(store.now().wall + 3_600_000_000_000);
    assert_eq!(store.snapshot(later).err().unwrap().code(), sqlstate::INVALID_PARAMETER_VALUE);
    let at = store.now();
    let snapshot = store.snapshot(at).unwrap();
    assert!(write(&store, &[("a", "1")]) > at);
    assert_eq!(snapshot.get(&key("a")).unwrap(), None);
}

#[test]
fn protected_and_read_history_is_kept() {
    let store = store();
    let first = write(&store, &[("a", "1")]);
    let second = write(&store, &[("a", "2")]);
    let third = write(&store, &[("a", "3")]);
    let record = ProtectedRecord {
        id: "7".into(),
        at: first,
        spans: vec![span("a", "b")],
        purpose: "BACKUP".into(),
    };
    store.protect(record.clone()).unwrap();
    assert_eq!(store.protected(), std::slice::from_ref(&record));
    let snapshot = store.snapshot(second).unwrap();
    assert_eq!(store.collect_garbage(&Span::all(), third).unwrap().line, first);
    store.release("7").unwrap();
    assert_eq!(store.collect_garbage(&Span::all(), third).unwrap().line, second);
    assert_eq!(snapshot.get(&key("a")).unwrap().unwrap(), b"2");
    assert!(store.protect(record).is_err());
    drop(snapshot);
    let stats = store.collect_garbage(&Span::all(), third).unwrap();
    assert_eq!((stats.line, stats.versions_removed), (third, 1));
    let refused = request(&span("a", "b"), first, third, false);
    assert!(store.export(refused).is_err());
    assert_eq!(read(&store, "a").as_deref(), Some("3"));
}

#[test]
fn lines_and_protections_survive_a_restart() {
    let engine = Arc::new(MemoryEngine::new());
    let store = open(engine.clone());
    write(&store, &[("a", "1")]);
    let at = write(&store, &[("a", "2")]);
    store.set_gc_line(&span("a", "b"), at).unwrap();
    store.set_gc_line(&Span::all(), at).unwrap();
    let record =
        ProtectedRecord { id: "j".into(), at, spans: vec![Span::all()], purpose: String::new() };
    store.protect(record.clone()).unwrap();
    drop(store);
    let store = open(engine);
    assert_eq!(store.gc_threshold(&span("a", "b")), at);
    assert_eq!(store.protected(), [record]);
    assert_eq!(store.set_gc_line(&Span::all(), store.now()).unwrap(), at);
}

#[test]
fn rows_loaded_in_bulk_are_seen_and_told_to_backups() {
    let (_dir, engines) = engines();
    for engine in engines {
        let store = open(engine);
        let base = write(&store, &[("m", "old")]);
        let mut reader = begin(&store);
        rows(&mut reader, &span("b", "d"), false);
        put(&mut reader, "z", "1");
        let mut load = store.bulk_writer(base).unwrap();
        load.put(&key("b1"), b"x").unwrap();
        load.put(&key("b2"), b"").unwrap();
        assert!(load.put(&key("b2"), b"").is_err());
        assert_eq!(load.rows(), 2);
        drop(load);
        let mut load = store.bulk_writer(base).unwrap();
        load.put(&key("b1"), b"x").unwrap();
        load.put(&key("b2"), b"").unwrap();
        load.finish().unwrap();
        let mut txn = begin(&store);
        txn.mark_span_written(span("b", "c")).unwrap();
        put(&mut txn, "n", "2");
        let at = txn.commit().unwrap();
        assert!(reader.commit().unwrap_err().is_retryable());
        assert_eq!(rows(&mut begin(&store), &span("b", "c"), false), ["b1=x", "b2="]);
        let changed = store.changed_keys(&Span::all(), base, at, 10).unwrap();
        let spans = vec![span("b", "c")];
        assert_eq!(changed, Changed::KeysAndSpans { keys: vec![key("n")], spans: spans.clone() });
        let elsewhere = store.changed_keys(&span("m", "z"), base, at, 10).unwrap();
        assert_eq!(elsewhere, Changed::Keys(vec![key("n")]));
        match store.changed_keys(&Span::all(), Timestamp::MIN, at, 1).unwrap() {
            Changed::ScanNeeded { spans: loaded, .. } => assert_eq!(loaded, spans),
            other => panic!("{other:?}"),
        }
        store.forget_changelog(base).unwrap();
        assert!(matches!(
            store.changed_keys(&span("m", "z"), Timestamp::MIN, at, 10).unwrap(),
            Changed::ScanNeeded { .. }
        ));
        assert_eq!(
            store.changed_keys(&span("m", "z"), base, at, 10).unwrap(),
            Changed::Keys(vec![key("n")])
        );
    }
}
