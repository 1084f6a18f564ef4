//! The format as a whole: round trips, and every kind of damage.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::manifest::tests::{on_top, sample};
use super::*;
use crate::clock::Timestamp;
use crate::cloud::faulty::{Fault, Faulty};
use crate::cloud::{Memory, Store};
use crate::error::{Result, sqlstate};
use crate::keys::Span;

type Row = (Vec<u8>, Timestamp, Option<Vec<u8>>);

fn rows(count: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    for i in 0..count {
        let key = [&110u32.to_be_bytes()[..], &1u32.to_be_bytes(), &i.to_be_bytes()].concat();
        let at = |wall: u64| Timestamp { wall: 1_000_000 + wall, logical: i % 3 };
        if i % 5 == 0 {
            rows.push((key.clone(), at(u64::from(i) + 9), None));
        }
        rows.push((key, at(u64::from(i)), Some(format!("value {i} ").repeat(3).into_bytes())));
    }
    rows
}

fn write(
    store: &Arc<dyn Store>,
    path: &str,
    rows: &[Row],
    block_bytes: usize,
    key: Option<&DataKey>,
) -> FileRecord {
    let mut target = store.writer(path).unwrap();
    let sink: Sink<'_> = Box::new(|piece: Bytes| target.write(piece));
    let options = WriterOptions { block_bytes, level: 1 };
    let mut writer = DataFileWriter::new(sink, Uuid::nil(), options, key).unwrap();
    for (key, at, value) in rows {
        writer.add(key, *at, value.as_deref()).unwrap();
    }
    let summary = writer.finish().unwrap();
    target.finish().unwrap();
    assert_eq!(store.size(path).unwrap(), Some(summary.file_bytes));
    summary.into_record(path, rows.len() as u64, 0, None)
}

fn read(
    store: &Arc<dyn Store>,
    record: &FileRecord,
    key: Option<&DataKey>,
    span: &Span,
) -> Result<Vec<Row>> {
    let mut scan = DataFileReader::open(store, "", record, key)?.scan(span);
    let mut rows = Vec::new();
    while let Some(entry) = scan.next()? {
        rows.push((entry.key.to_vec(), entry.at, entry.value.map(<[u8]>::to_vec)));
    }
    Ok(rows)
}

fn chain_key() -> DataKey {
    DataKey::new(&[5; 32])
}

#[test]
fn every_flip_and_every_cut_of_a_data_file_is_noticed() {
    for key in [None, Some(chain_key())] {
        let memory = Memory::new();
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        let rows = rows(40);
        let record = write(&store, "data/a.cdf", &rows, 400, key.as_ref());
        assert_eq!(read(&store, &record, key.as_ref(), &Span::all()).unwrap(), rows);
        verify_file(&*store, "", &record).unwrap();
        let good = store.read("data/a.cdf").unwrap();
        for at in 0..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 1 << (at % 8);
            memory.poke("data/a.cdf", bad);
            let result = read(&store, &record, key.as_ref(), &Span::all());
            assert!(result.is_err(), "byte {at} of {}", good.len());
            assert!(verify_file(&*store, "", &record).is_err());
        }
        for cut in 0..good.len() {
            memory.poke("data/a.cdf", good.slice(..cut));
            assert!(read(&store, &record, key.as_ref(), &Span::all()).is_err(), "cut at {cut}");
        }
        memory.poke("data/a.cdf", [&good[..], b"x"].concat());
        assert!(read(&store, &record, key.as_ref(), &Span::all()).is_err());
        store.delete("data/a.cdf").unwrap();
        let e = read(&store, &record, key.as_ref(), &Span::all()).unwrap_err();
        assert_eq!(e.code(), sqlstate::UNDEFINED_FILE);
    }
}

#[test]
fn files_that_changed_places_are_noticed() {
    for key in [None, Some(chain_key())] {
        let memory = Memory::new();
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        // The same rows, so that nothing but the identity of the files differs.
        let a = write(&store, "data/a.cdf", &rows(40), 400, key.as_ref());
        let b = write(&store, "data/b.cdf", &rows(40), 400, key.as_ref());
        assert_eq!(a.file_bytes, b.file_bytes);
        let (x, y) = (store.read(&a.path).unwrap(), store.read(&b.path).unwrap());
        memory.poke(&a.path, y);
        memory.poke(&b.path, x);
        for record in [&a, &b] {
            let e = read(&store, record, key.as_ref(), &Span::all()).unwrap_err();
            assert_eq!(e.code(), sqlstate::DATA_CORRUPTED);
            assert!(verify_file(&*store, "", record).is_err());
        }
    }
}

#[test]
fn a_key_that_is_missing_or_too_many_is_named() {
    let store = Memory::shared();
    let key = chain_key();
    let plain = write(&store, "plain", &rows(3), 400, None);
    let sealed = write(&store, "sealed", &rows(3), 400, Some(&key));
    let e = read(&store, &plain, Some(&key), &Span::all()).unwrap_err();
    assert!(e.message().contains("does not appear to be encrypted"), "{e}");
    let e = read(&store, &sealed, None, &Span::all()).unwrap_err();
    assert!(e.message().contains("appears encrypted"), "{e}");
    assert!(read(&store, &sealed, Some(&DataKey::new(&[6; 32])), &Span::all()).is_err());
}

#[test]
fn a_scan_reads_only_the_blocks_of_its_span() {
    let memory = Memory::new();
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let rows = rows(5_000);
    let record = write(&store, "data/a.cdf", &rows, 2_000, None);
    let reader = DataFileReader::open(&store, "", &record, None).unwrap();
    let one = Span::point(rows[3_000].0.clone());
    assert!(reader.stored_bytes(&one) * 20 < reader.stored_bytes(&Span::all()));
    // Damage far away is not seen, because it is not read.
    let mut bad = store.read("data/a.cdf").unwrap().to_vec();
    bad[100] ^= 1;
    memory.poke("data/a.cdf", bad);
    let expected: Vec<Row> = rows.iter().filter(|row| one.contains(&row.0)).cloned().collect();
    assert_eq!(expected.len(), 2, "a value and the tombstone above it");
    assert_eq!(read(&store, &record, None, &one).unwrap(), expected);
    assert!(read(&store, &record, None, &Span::all()).is_err());
}

#[test]
fn a_row_larger_than_a_block_and_an_empty_file_are_files_too() {
    let store = Memory::shared();
    let large: Vec<u8> =
        (0..6_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let rows = vec![
        (b"a".to_vec(), Timestamp::from_nanos(1), Some(Vec::new())),
        (b"b".to_vec(), Timestamp::from_nanos(1), Some(large)),
        (b"c".to_vec(), Timestamp::from_nanos(1), None),
    ];
    for key in [None, Some(chain_key())] {
        let record = write(&store, "large", &rows, 1_000, key.as_ref());
        assert!(read(&store, &record, key.as_ref(), &Span::all()).unwrap() == rows);
        verify_file(&*store, "", &record).unwrap();
        let empty = write(&store, "empty", &[], 1_000, key.as_ref());
        assert!(empty.span.is_empty());
        assert!(read(&store, &empty, key.as_ref(), &Span::all()).unwrap().is_empty());
    }
}

#[test]
fn entries_out_of_order_are_refused_by_the_writer() {
    let mut writer =
        DataFileWriter::new(Box::new(|_| Ok(())), Uuid::nil(), WriterOptions::default(), None)
            .unwrap();
    let at = Timestamp::from_nanos;
    writer.add(b"b", at(5), None).unwrap();
    writer.add(b"b", at(4), None).unwrap();
    assert!(writer.add(b"b", at(4), None).is_err());
    assert!(writer.add(b"a", at(9), None).is_err());
    writer.add(b"c", at(9), None).unwrap();
    assert_eq!((writer.entries(), writer.last_key()), (3, &b"c"[..]));
}

#[test]
fn the_sinks_failure_is_the_writers() {
    let sink: Sink<'_> = Box::new(|_| Err(crate::error::Error::io("no")));
    let mut writer =
        DataFileWriter::new(sink, Uuid::nil(), WriterOptions::default(), None).unwrap();
    writer.add(b"b", Timestamp::from_nanos(5), None).unwrap();
    assert_eq!(writer.finish().unwrap_err().code(), sqlstate::IO_ERROR);
}

#[test]
fn a_layer_is_locked_written_completed_and_read() {
    for secret in [None, Some(Secret::passphrase("p"))] {
        let store = Memory::shared();
        let manifest = sample(1_616_533_891_370_000_000);
        let dir = layout::full_dir(manifest.end_time);
        let key = secret.as_ref().map(|s| chain_key::create_key(&*store, &dir, s).unwrap());
        let layer = Layer::new(store.clone(), dir.clone(), key);
        layer.lock(7).unwrap();
        layer.lock(7).unwrap();
        assert_eq!(layer.lock(8).unwrap_err().code(), sqlstate::FILE_ALREADY_EXISTS);
        let checkpoint = Checkpoint { manifest: manifest.clone(), completed: vec![Span::all()] };
        layer.save_checkpoint(&checkpoint).unwrap();
        assert_eq!(layer.load_checkpoint().unwrap(), Some(checkpoint));
        assert_eq!(collection::latest_full(&*store).unwrap_err().code(), sqlstate::UNDEFINED_FILE);
        let (_orphan, mut writer) = layer.data_writer().unwrap();
        writer.write(Bytes::from_static(b"x")).unwrap();
        writer.finish().unwrap();
        let statistics = serde_json::json!([{"table": 110, "rows": 3}]);
        let mut manifest = manifest;
        manifest.statistics.push(layer.write_statistics(&statistics).unwrap());
        layer.complete(&manifest, true).unwrap();
        layer.complete(&manifest, true).unwrap();
        assert_eq!(layer.read_manifest().unwrap(), manifest);
        assert_eq!(layer.read_statistics(&manifest).unwrap(), [statistics]);
        assert_eq!(collection::latest_full(&*store).unwrap(), dir);
        assert_eq!(layer.load_checkpoint().unwrap(), None);
        let left: Vec<String> =
            store.list_dir(&dir).unwrap().files.into_iter().map(|f| f.path).collect();
        assert!(left.iter().all(|f| !f.contains("LOCK") && !f.contains("CHECKPOINT")), "{left:?}");
        assert!(store.list_dirs(&dir).unwrap().is_empty(), "the file without record is gone");
        assert_eq!(layer.lock(8).unwrap_err().code(), sqlstate::FILE_ALREADY_EXISTS);
        let other = sample(1_616_533_891_370_000_000);
        assert_eq!(layer.complete(&other, true).unwrap_err().code(), sqlstate::FILE_ALREADY_EXISTS);
    }
}

#[test]
fn manifests_that_changed_places_are_noticed() {
    let store = Memory::new();
    let full = sample(1_616_533_891_370_000_000);
    let dir = layout::full_dir(full.end_time);
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let mut dirs = vec![dir.clone()];
    let mut before = full.clone();
    Layer::new(shared.clone(), dir.clone(), None).complete(&full, true).unwrap();
    for end in [1_616_600_000_000_000_000, 1_616_700_000_000_000_000] {
        before = on_top(&before, end);
        let dir = crate::cloud::path::join(&dir, &layout::incremental_dir(before.end_time));
        Layer::new(shared.clone(), dir.clone(), None).complete(&before, false).unwrap();
        dirs.push(dir);
    }
    assert_eq!(collection::layers(&store, &dir).unwrap(), dirs);
    let file = |dir: &str| crate::cloud::path::clean(&format!("{dir}/BACKUP")).unwrap();
    let moved = store.read(&file(&dirs[2])).unwrap();
    store.poke(&file(&dirs[1]), moved);
    let e = Layer::new(shared, dirs[1].clone(), None).read_manifest().unwrap_err();
    assert_eq!(e.code(), sqlstate::DATA_CORRUPTED);
}

#[test]
fn whatever_fails_a_reader_sees_a_whole_layer_or_none_and_the_job_can_go_on() {
    let manifest = sample(1_616_533_891_370_000_000);
    let dir = layout::full_dir(manifest.end_time);
    let run = |store: &Arc<dyn Store>| -> Result<()> {
        let layer = Layer::new(store.clone(), dir.clone(), None);
        layer.lock(manifest.job_id)?;
        let checkpoint = Checkpoint { manifest: manifest.clone(), completed: Vec::new() };
        layer.save_checkpoint(&checkpoint)?;
        layer.complete(&manifest, true)
    };
    let quiet = Faulty::quiet(Memory::shared());
    run(&(Arc::new(quiet.clone()) as Arc<dyn Store>)).unwrap();
    for operation in 0..quiet.operations() {
        for fault in [Fault::Before, Fault::After] {
            let memory = Memory::shared();
            let faulty: Arc<dyn Store> = Arc::new(Faulty::at(memory.clone(), operation, fault));
            let first = run(&faulty);
            let layer = Layer::new(memory.clone(), dir.clone(), None);
            if collection::is_complete(&*memory, &dir).unwrap() {
                assert_eq!(layer.read_manifest().unwrap(), manifest);
            } else {
                assert!(first.is_err(), "{operation} {fault:?}: success without a layer");
                assert!(collection::read_latest(&*memory).is_err());
                // The second run goes on where the first stopped.
                run(&memory).unwrap();
            }
            if first.is_err() && !memory.exists(layout::LATEST).unwrap() {
                layer.complete(&manifest, true).unwrap();
            }
            assert_eq!(collection::latest_full(&*memory).unwrap(), dir);
        }
    }
}

#[test]
fn a_discarded_layer_leaves_nothing_and_a_complete_one_stays() {
    let store = Memory::shared();
    let manifest = sample(1_616_533_891_370_000_000);
    let dir = layout::full_dir(manifest.end_time);
    let secret = Secret::passphrase("p");
    let layer = Layer::new(store.clone(), dir.clone(), None);
    layer.lock(7).unwrap();
    chain_key::create_key(&*store, &dir, &secret).unwrap();
    layer
        .save_checkpoint(&Checkpoint { manifest: manifest.clone(), completed: Vec::new() })
        .unwrap();
    write(&store, &layer.file(&layout::fresh_data_file()), &rows(3), 400, None);
    layer.discard(8).unwrap();
    assert!(layer.load_checkpoint().unwrap().is_some(), "another job's layer was touched");
    layer.discard(7).unwrap();
    assert!(store.list("").unwrap().is_empty());
    layer.lock(7).unwrap();
    layer.complete(&manifest, true).unwrap();
    layer.discard(7).unwrap();
    assert_eq!(layer.read_manifest().unwrap(), manifest);
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let value = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40));
    let key = proptest::collection::vec(0u8..4, 1..5);
    proptest::collection::btree_map((key, 0u64..6), value, 0..120).prop_map(|map| {
        let mut rows: Vec<Row> = map
            .into_iter()
            .map(|((key, wall), value)| (key, Timestamp::from_nanos(wall + 1), value))
            .collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_was_written_is_read_in_every_span(
        rows in any_rows(),
        block_bytes in 1usize..200,
        sealed in any::<bool>(),
        a in proptest::collection::vec(0u8..5, 0..5),
        b in proptest::collection::vec(0u8..5, 0..5),
    ) {
        let store = Memory::shared();
        let key = sealed.then(chain_key);
        let record = write(&store, "f", &rows, block_bytes, key.as_ref());
        prop_assert_eq!(&read(&store, &record, key.as_ref(), &Span::all()).unwrap(), &rows);
        let span = Span::new(a.clone().min(b.clone()), a.max(b));
        let expected: Vec<Row> = rows.iter().filter(|row| span.contains(&row.0)).cloned().collect();
        prop_assert_eq!(read(&store, &record, key.as_ref(), &span).unwrap(), expected);
        let bytes: usize = rows.iter().map(|r| r.0.len() + r.2.as_ref().map_or(0, Vec::len)).sum();
        prop_assert_eq!(record.bytes, bytes as u64);
    }
}
