//! What is in a layer.

use super::*;
use crate::archive::MvccFilter;
use crate::catalog::system;
use crate::keys::{SpanSet, index_span};

#[test]
fn a_full_and_its_incrementals_hold_exactly_what_happened() {
    let world = World::new();
    let (t, u) = (world.create("t"), world.create("u"));
    world.write(&t, &[(1, "a"), (2, "b"), (3, "c")], &[]);
    world.write(&t, &[(2, "b2")], &[(2, "b")]);
    world.write(&u, &[(1, "x")], &[]);
    let job = world.full(database("defaultdb"));
    let totals = job.totals();
    assert_eq!((totals.rows, totals.index_entries), (4, 4));
    assert!(totals.complete && totals.bytes > 0);
    // A change, a removal, a row that comes and goes, and a table in which nothing happens.
    world.write(&t, &[(4, "d"), (5, "e")], &[(1, "a")]);
    world.write(&t, &[], &[(5, "e")]);
    world.incremental(database("defaultdb"));
    world.incremental(database("defaultdb"));
    world.write(&u, &[(1, "y")], &[(1, "x")]);
    world.incremental(database("defaultdb"));
    world.check_chain_holds(&[&t, &u]);
    let chain = world.chain(None);
    let entries: Vec<u64> =
        chain.iter().map(|(_, m)| m.files.iter().map(|f| f.entries).sum()).collect();
    assert_eq!(entries, [8, 6, 0, 3]);
    for (layer, manifest) in &chain {
        assert_eq!(layer.read_statistics(manifest).unwrap(), [serde_json::json!([])]);
        assert_eq!(manifest.complete_databases, [100]);
        assert_eq!(manifest.descriptors.len(), 4, "database, schema and two tables");
    }
}

#[test]
fn a_scan_finds_what_the_changelog_would_have_told() {
    let world = World::new();
    let t = world.create("t");
    world.write(&t, &[(1, "a"), (2, "b")], &[]);
    world.full(database("defaultdb"));
    world.write(&t, &[(1, "a2"), (3, "c")], &[(1, "a"), (2, "b")]);
    world.mvcc().forget_changelog(world.mvcc().visible()).unwrap();
    world.incremental(database("defaultdb"));
    world.check_chain_holds(&[&t]);
}

#[test]
fn every_version_of_one_key_is_in_one_file_however_small_files_are() {
    let world = World::new();
    world.set(settings::BACKUP_FILE_SIZE, "1B");
    let (t, u) = (world.create("t"), world.create("u"));
    let everything =
        |into| Request { revision_history: true, ..request(database("defaultdb"), into) };
    for i in 0..50 {
        world.write(&t, &[(7, &format!("v{i}"))], &[]);
        world.write(&u, &[(i, "same")], &[]);
    }
    world.back_up(&everything(Into::New(uri())));
    for i in 0..50 {
        world.write(&t, &[(7, &format!("w{i}"))], &[]);
    }
    world.write(&t, &[], &[(7, "w49")]);
    world.back_up(&everything(Into::Latest(uri())));
    world.check_chain_holds(&[&t, &u]);
    for (_, manifest) in world.chain(None) {
        assert_eq!(manifest.mvcc_filter, MvccFilter::All);
        assert!(manifest.files.len() > 40);
        let mut seen = SpanSet::new();
        for file in &manifest.files {
            assert!(!seen.overlaps(&file.span), "files do not overlap");
            seen.add(file.span.clone());
        }
    }
}

#[test]
fn history_tells_of_tables_that_came_and_went() {
    let world = World::new();
    let everything =
        |into| Request { revision_history: true, ..request(database("defaultdb"), into) };
    let t = world.create("t");
    world.write(&t, &[(1, "a")], &[]);
    world.back_up(&everything(Into::New(uri())));
    let passing = world.create("passing");
    world.write(&passing, &[(1, "gone")], &[]);
    world.drop_table(&passing);
    world.write(&t, &[(2, "b")], &[]);
    world.drop_table(&t);
    world.back_up(&everything(Into::Latest(uri())));
    world.check_chain_holds(&[&t, &passing]);
    let (_, manifest) = world.last_layer();
    let of = |table: &TableDescriptor| {
        let changes = manifest.descriptor_changes.iter().filter(|c| c.id == table.id);
        changes.map(|change| change.descriptor.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(of(&passing), [true, false]);
    assert_eq!(of(&t), [false]);
    assert!(manifest.descriptor_changes.is_sorted_by_key(|c| c.time));
    assert!(manifest.spans.contains(&index_span(t.id, 1)));
    assert!(manifest.introduced_spans.contains(&index_span(passing.id, 1)));
    assert_eq!(manifest.revision_start_time, manifest.start_time);
    assert_eq!(manifest.descriptors.len(), 2, "at the end only the database and its schema");
}

#[test]
fn history_that_was_removed_is_left_out() {
    let world = World::new();
    let everything =
        |into| Request { revision_history: true, ..request(database("defaultdb"), into) };
    let t = world.create("t");
    world.back_up(&everything(Into::New(uri())));
    let passing = world.create("passing");
    world.write(&passing, &[(1, "gone")], &[]);
    world.drop_table(&passing);
    world.mvcc().collect_garbage(&table_span(passing.id), world.mvcc().visible()).unwrap();
    world.write(&t, &[(1, "a")], &[]);
    world.back_up(&everything(Into::Latest(uri())));
    let (_, manifest) = world.last_layer();
    assert!(manifest.descriptor_changes.iter().all(|change| change.id != passing.id));
    assert!(!manifest.introduced_spans.iter().any(|s| s.overlaps(&table_span(passing.id))));
    world.check_chain_holds(&[&t]);
}

#[test]
fn new_tables_and_new_indexes_are_taken_from_the_beginning() {
    let world = World::new();
    let mut t = world.create("t");
    world.write(&t, &[(1, "a")], &[]);
    world.full(database("defaultdb"));
    let u = world.create("u");
    world.write(&u, &[(1, "x")], &[]);
    // A new index in the place of the old one, filled in bulk with a time before the change.
    let at = world.mvcc().now();
    let mut writer = world.mvcc().bulk_writer(at).unwrap();
    let mut key = index_span(t.id, 3).start;
    key.push(9);
    writer.put(&key, b"entry").unwrap();
    writer.finish().unwrap();
    t.indexes[0].id = 3;
    world.put_descriptor(&t);
    world.incremental(database("defaultdb"));
    let (layer, manifest) = world.last_layer();
    let mut introduced = vec![index_span(t.id, 3), index_span(u.id, 1), index_span(u.id, 2)];
    introduced.sort();
    assert_eq!(manifest.introduced_spans, introduced);
    let found = world.found(&layer, &manifest, &[&t]);
    assert_eq!(found, [(key, at, Some(b"entry".to_vec()))]);
    assert_eq!(world.found(&layer, &manifest, &[&u]), world.expected(&manifest, &[&u]));
}

#[test]
fn what_was_loaded_in_bulk_is_taken_whatever_its_time() {
    let world = World::new();
    let t = world.create("t");
    world.write(&t, &[(1, "a"), (900, "z")], &[]);
    let codec = TableCodec::new(&Arc::new(t.clone())).unwrap();
    let row = |a: i64| codec.encode_primary(&[Datum::Int8(a), Datum::text("bulk")]).unwrap();
    let early = world.mvcc().now();
    world.full(database("defaultdb"));
    let mut writer = world.mvcc().bulk_writer(early).unwrap();
    for a in 100..200 {
        let (key, value) = row(a);
        writer.put(&key, &value).unwrap();
    }
    writer.finish().unwrap();
    let loaded = Span::new(row(100).0, row(200).0);
    let mut txn = world.mvcc().begin(TxnOptions::default()).unwrap();
    txn.mark_span_written(loaded.clone()).unwrap();
    txn.commit().unwrap();
    world.write(&t, &[(2, "b")], &[(900, "z")]);
    world.incremental(database("defaultdb"));
    let (layer, manifest) = world.last_layer();
    assert_eq!(manifest.introduced_spans, [loaded]);
    let found = world.found(&layer, &manifest, &[&t]);
    let bulk = found.iter().filter(|(_, at, _)| *at == early).count();
    assert_eq!((bulk, found.len()), (100, 104), "and two changed rows with their index entries");
}

#[test]
fn a_table_that_was_offline_is_taken_from_the_beginning_once_it_is_in_use() {
    let world = World::new();
    let mut t = world.describe_table("t");
    t.state = State::Offline("restoring".into());
    world.put_descriptor(&t);
    world.write(&t, &[(1, "a"), (2, "b")], &[]);
    world.full(database("defaultdb"));
    let (layer, manifest) = world.last_layer();
    assert_eq!(manifest.descriptors.len(), 3, "its descriptor is there");
    assert_eq!(world.found(&layer, &manifest, &[&t]), [], "its data is not");
    world.write(&t, &[(3, "c")], &[]);
    world.incremental(database("defaultdb"));
    let (layer, manifest) = world.last_layer();
    assert_eq!(world.found(&layer, &manifest, &[&t]), []);
    t.state = State::Public;
    world.put_descriptor(&t);
    world.incremental(database("defaultdb"));
    let (layer, manifest) = world.last_layer();
    assert_eq!(manifest.introduced_spans, [index_span(t.id, 1), index_span(t.id, 2)]);
    assert_eq!(world.found(&layer, &manifest, &[&t]).len(), 6);
    world.check_chain_holds(&[]);
}

#[test]
fn a_cluster_backup_takes_system_tables_and_temporary_ones_along() {
    let world = World::new();
    let mut temporary = world.describe_table("temporary");
    temporary.temporary = true;
    world.put_descriptor(&temporary);
    world.write(&temporary, &[(1, "a")], &[]);
    world.full(Targets::Cluster);
    let (layer, manifest) = world.last_layer();
    let mut covered = SpanSet::new();
    manifest.spans.iter().for_each(|span| covered.add(span.clone()));
    for table in system::all() {
        let included = matches!(table.policy(), system::BackupPolicy::Include { .. });
        assert_eq!(covered.covers(&index_span(table.id(), 1)), included, "{}", table.name());
    }
    assert_eq!(world.found(&layer, &manifest, &[&temporary]).len(), 2);
    assert_eq!(manifest.complete_databases, [100, 102]);
    // The secrets of this very job must not travel.
    assert!(!covered.overlaps(&table_span(system::JOB_INFO.id())));
    world.full(database("defaultdb"));
    let (layer, manifest) = world.last_layer();
    assert_eq!(world.found(&layer, &manifest, &[&temporary]), []);
}

#[test]
fn a_backup_does_not_wait_for_a_writer_nor_the_writer_for_it() {
    let world = World::new();
    let t = world.create("t");
    world.write(&t, &[(1, "a")], &[]);
    let codec = TableCodec::new(&Arc::new(t.clone())).unwrap();
    let (key, value) = codec.encode_primary(&[Datum::Int8(1), Datum::text("late")]).unwrap();
    let mut txn = world.mvcc().begin(TxnOptions::default()).unwrap();
    txn.put(key.clone(), value.clone()).unwrap();
    world.full(database("defaultdb"));
    world.incremental(database("defaultdb"));
    world.check_chain_holds(&[&t]);
    let at = txn.commit().unwrap();
    world.written.lock().push((key, at, Some(value)));
    world.incremental(database("defaultdb"));
    world.check_chain_holds(&[&t]);
    assert_eq!(world.last_layer().1.files.len(), 1);
}

#[test]
fn a_commit_at_the_very_end_time_is_in_and_a_later_one_is_not() {
    let world = World::new();
    let t = world.create("t");
    world.write(&t, &[(1, "a")], &[]);
    let end = world.written.lock().last().unwrap().1;
    world.write(&t, &[(2, "b")], &[]);
    let exact = |into, end| Request { end: Some(end), ..request(database("defaultdb"), into) };
    world.back_up(&exact(Into::New(uri()), end));
    let (layer, manifest) = world.last_layer();
    assert_eq!(manifest.end_time, end);
    assert_eq!(world.found(&layer, &manifest, &[&t]).len(), 2);
    world.incremental(database("defaultdb"));
    world.check_chain_holds(&[&t]);
}
