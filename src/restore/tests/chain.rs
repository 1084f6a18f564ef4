//! Rows: of one layer and of several, at any time, whatever stops the run.

use super::scene::{Scene, Style};
use crate::archive::Secret;
use crate::catalog::descriptor::State;
use crate::clock::Timestamp;
use crate::error::sqlstate;
use crate::restore::details::Stage;
use crate::restore::job::Control;
use crate::task::Cause;

const RESTORE: &str =
    "RESTORE TABLE t FROM LATEST IN 'nodelocal://1/collection' WITH into_db = 'postgres'";

/// A scene with a table `t` of 40 rows in the first cluster.
fn scene() -> (Scene, crate::catalog::descriptor::TableDescriptor) {
    let scene = Scene::new();
    let table = scene.from.table("t");
    let rows: Vec<(i64, String)> = (0..40).map(|i| (i, format!("row {i}"))).collect();
    let rows: Vec<(i64, Option<&str>)> = rows.iter().map(|(i, b)| (*i, Some(&**b))).collect();
    scene.from.put(&table, &rows);
    (scene, table)
}

#[test]
fn a_full_backup_comes_back_with_its_indexes() {
    let (scene, table) = scene();
    scene.backup(&[100, 101, table.id], None, &Style { entries: 7, ..Style::default() });
    let job = scene.restore(RESTORE).unwrap();
    let there = scene.to.find(103, "t").unwrap();
    assert_ne!(there.id, table.id);
    assert_eq!((there.database, there.schema), (102, 103));
    assert_eq!(there.state, State::Public);
    let expected = scene.from.dump(table.id);
    assert_eq!(expected.len(), 80);
    assert_eq!(scene.to.dump(there.id), expected);
    let state = job.state();
    assert_eq!((state.rows, state.index_entries), (40, 40));
    let bytes: usize = expected.iter().map(|(k, v)| k.len() + 4 + v.len()).sum();
    assert_eq!(state.bytes, bytes as u64);
    assert_eq!(there.data_since, state.loaded_at.unwrap());
    assert!(
        crate::jobs::secret::find::<serde_json::Value>(&scene.to.mvcc, job.id).unwrap().is_none()
    );
}

#[test]
fn the_newest_version_wins_and_a_tombstone_too() {
    let (scene, table) = scene();
    let ids = [100, 101, table.id];
    let style = Style { entries: 5, ..Style::default() };
    let full = scene.backup(&ids, None, &style);
    let at_full = scene.from.dump(table.id);
    scene.from.put(&table, &[(1, None), (2, Some("changed")), (50, Some("new"))]);
    let first = scene.backup(&ids, Some(&full), &style);
    let at_first = scene.from.dump(table.id);
    scene.from.put(&table, &[(2, None), (50, Some("newer")), (1, Some("again"))]);
    let second = scene.backup(&ids, Some(&first), &style);
    let at_second = scene.from.dump(table.id);
    for (at, expected) in [
        (Some(full.end_time), &at_full),
        (Some(first.end_time), &at_first),
        (Some(second.end_time), &at_second),
        (None, &at_second),
    ] {
        let scene_job = scene.restore_at(RESTORE, at).unwrap();
        let there = scene.to.find(103, "t").unwrap();
        assert_eq!(&scene.to.dump(there.id), expected, "{at:?}");
        let mut txn = scene.to.begin();
        let descriptor = crate::catalog::descriptor::Descriptor::Table(there);
        scene.to.catalog.delete(&mut txn, &descriptor).unwrap();
        txn.commit().unwrap();
        assert_eq!(scene_job.state().stage, Stage::Published);
    }
    // Between the ends of layers without history there is nothing.
    let early = Timestamp::from_nanos(second.end_time.wall - 1_000);
    for at in [full.end_time.next(), early] {
        let e = scene.restore_at(RESTORE, Some(at)).err().unwrap();
        assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE);
        assert!(e.message().contains("revision_history"), "{e}");
    }
    let e = scene.restore_at(RESTORE, Some(second.end_time.next())).err().unwrap();
    assert!(e.message().contains("do not cover"), "{e}");
}

#[test]
fn with_history_any_time_comes_back() {
    let (scene, table) = scene();
    let ids = [100, 101, table.id];
    let style = Style { entries: 3, history: true, ..Style::default() };
    let mut states = vec![(scene.from.tick(), scene.from.dump(table.id))];
    for step in 0..4 {
        scene.from.put(&table, &[(step, None), (step + 10, Some("x")), (60 + step, Some("y"))]);
        states.push((scene.from.tick(), scene.from.dump(table.id)));
    }
    let full = scene.backup(&ids, None, &style);
    for step in 0..4 {
        scene.from.put(&table, &[(step, Some("back")), (step + 10, None)]);
        states.push((scene.from.tick(), scene.from.dump(table.id)));
    }
    scene.backup(&ids, Some(&full), &style);
    for (at, expected) in states {
        scene.restore_at(RESTORE, Some(at)).unwrap();
        let there = scene.to.find(103, "t").unwrap();
        assert_eq!(scene.to.dump(there.id), expected, "{at}");
        let mut txn = scene.to.begin();
        let descriptor = crate::catalog::descriptor::Descriptor::Table(there);
        scene.to.catalog.delete(&mut txn, &descriptor).unwrap();
        txn.commit().unwrap();
    }
}

#[test]
fn what_a_layer_introduces_replaces_what_earlier_ones_hold() {
    let (scene, table) = scene();
    let ids = [100, 101, table.id];
    let full = scene.backup(&ids, None, &Style::default());
    scene.from.put(&table, &[(1, None), (2, None), (3, Some("kept"))]);
    // From the beginning, so without tombstones for the rows that are gone.
    let style = Style { introduced: vec![table.id], ..Style::default() };
    scene.backup(&ids, Some(&full), &style);
    scene.restore(RESTORE).unwrap();
    let there = scene.to.find(103, "t").unwrap();
    assert_eq!(scene.to.dump(there.id), scene.from.dump(table.id));
}

#[test]
fn a_layer_that_lacks_a_table_is_refused_rather_than_restored_with_holes() {
    let (scene, table) = scene();
    let ids = [100, 101, table.id];
    let full = scene.backup(&ids, None, &Style::default());
    scene.from.put(&table, &[(1, None)]);
    let style = Style { forgotten: vec![table.id], ..Style::default() };
    scene.backup(&ids, Some(&full), &style);
    let e = scene.plan(RESTORE).err().unwrap();
    assert_eq!(e.code(), sqlstate::DATA_CORRUPTED);
    assert!(e.message().contains("lacks data of \"t\""), "{e}");
}

#[test]
fn a_run_stopped_at_any_checkpoint_goes_on_to_the_same_rows() {
    let (scene, table) = scene();
    let ids = [100, 101, table.id];
    let style = Style { entries: 6, ..Style::default() };
    let full = scene.backup(&ids, None, &style);
    scene.from.put(&table, &[(1, None), (7, Some("changed")), (99, Some("new"))]);
    scene.backup(&ids, Some(&full), &style);
    let expected = scene.from.dump(table.id);
    let mut stops = 0;
    for stop in 1.. {
        let mut job = scene.plan(RESTORE).unwrap();
        job.stop_at = Some(stop);
        let first = scene.resumer().run(&job);
        if first.is_ok() {
            break;
        }
        stops += 1;
        let saved = job.state();
        // After a pause, and after a crash that lost what came after the checkpoint.
        job.stop_at = None;
        scene.resumer().run(&job).unwrap();
        let there = scene.to.find(103, "t").unwrap();
        assert_eq!(scene.to.dump(there.id), expected, "stopped at {stop}");
        let end = job.state();
        assert_eq!((end.rows, end.index_entries), (40, 40), "stopped at {stop}");
        assert_eq!(end.loaded_at, saved.loaded_at);
        let mut txn = scene.to.begin();
        let descriptor = crate::catalog::descriptor::Descriptor::Table(there);
        scene.to.catalog.delete(&mut txn, &descriptor).unwrap();
        txn.commit().unwrap();
        let there = scene.to.find(103, "t");
        assert!(there.is_none());
    }
    assert!(stops > 10, "{stops}");
}

#[test]
fn a_crash_that_loses_finished_work_does_it_again() {
    let (scene, table) = scene();
    let ids = [100, 101, table.id];
    scene.backup(&ids, None, &Style { entries: 6, ..Style::default() });
    let mut job = scene.plan(RESTORE).unwrap();
    job.pause_at = Some("restore.before_flow");
    scene.resumer().run(&job).unwrap_err();
    let prepared = job.state();
    assert_eq!(prepared.stage, Stage::Prepared);
    job.pause_at = Some("restore.before_publishing_descriptors");
    scene.resumer().run(&job).unwrap_err();
    assert_eq!(job.state().rows, 40);
    // Everything is loaded, but the job only remembers that it had prepared.
    job.set_state(prepared);
    job.pause_at = None;
    scene.resumer().run(&job).unwrap();
    let there = scene.to.find(103, "t").unwrap();
    assert_eq!(scene.to.dump(there.id), scene.from.dump(table.id));
    assert_eq!(job.state().rows, 40);
}

#[test]
fn every_pausepoint_stops_and_nothing_is_usable_before_the_commit_point() {
    let (scene, table) = scene();
    scene.backup(&[100, 101, table.id], None, &Style { entries: 20, ..Style::default() });
    let mut job = scene.plan(RESTORE).unwrap();
    for name in crate::jobs::pausepoint::NAMES.iter().filter(|name| name.starts_with("restore.")) {
        job.pause_at = Some(name);
        let e = scene.resumer().run(&job).unwrap_err();
        assert!(e.message().contains(name), "{e}");
        let snapshot = scene.to.catalog.current().unwrap();
        match job.state().stage {
            Stage::Planned => assert!(snapshot.relation(103, "t").unwrap().is_none()),
            Stage::Prepared => {
                let e = snapshot.relation(103, "t").unwrap_err();
                assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
                assert!(e.message().contains("offline: restoring"), "{e}");
            }
            Stage::Published => assert!(snapshot.relation(103, "t").unwrap().is_some()),
        }
    }
    job.pause_at = None;
    scene.resumer().run(&job).unwrap();
    let there = scene.to.find(103, "t").unwrap();
    assert_eq!(scene.to.dump(there.id), scene.from.dump(table.id));
}

#[test]
fn an_interrupt_stops_the_run_and_a_later_one_goes_on() {
    let (scene, table) = scene();
    scene.backup(&[100, 101, table.id], None, &Style { entries: 6, ..Style::default() });
    let mut job = scene.plan(RESTORE).unwrap();
    job.interrupt().raise(Cause::JobStopped);
    assert!(scene.resumer().run(&job).is_err());
    assert_eq!(job.state().stage, Stage::Planned);
    job = scene.plan(RESTORE).unwrap();
    scene.resumer().run(&job).unwrap();
    assert_eq!(job.state().rows, 40);
}

#[test]
fn an_encrypted_chain_needs_its_passphrase_once() {
    let (scene, table) = scene();
    let ids = [100, 101, table.id];
    let secret = Some(Secret::passphrase("open sesame"));
    let style = Style { secret, entries: 9, ..Style::default() };
    let full = scene.backup(&ids, None, &style);
    scene.from.put(&table, &[(1, None)]);
    scene.backup(&ids, Some(&full), &style);
    let e = scene.plan(RESTORE).err().unwrap();
    assert!(e.message().contains("appears encrypted"), "{e}");
    let e = scene.plan(&format!("{RESTORE}, encryption_passphrase = 'wrong'")).err().unwrap();
    assert!(e.message().contains("maybe incorrect key"), "{e}");
    let job = scene.restore(&format!("{RESTORE}, encryption_passphrase = 'open sesame'")).unwrap();
    let there = scene.to.find(103, "t").unwrap();
    assert_eq!(scene.to.dump(there.id), scene.from.dump(table.id));
    let details = job.plan.details.to_string();
    for text in [&details, &job.plan.description] {
        assert!(!text.contains("sesame"), "{text}");
    }
    assert!(job.plan.description.contains("encryption_passphrase = '*****'"));
}

#[test]
fn a_schema_comes_back_without_rows_and_rows_can_be_checked_all_the_same() {
    let (scene, table) = scene();
    scene.backup(&[100, 101, table.id], None, &Style { entries: 9, ..Style::default() });
    let job = scene.restore(&format!("{RESTORE}, schema_only")).unwrap();
    let there = scene.to.find(103, "t").unwrap();
    assert!(scene.to.dump(there.id).is_empty());
    assert_eq!((job.state().rows, job.state().bytes), (0, 0));
    // Then with damage in a file: seen only if the rows are looked at.
    super::damage::spoil_every(&scene, ".cdf");
    let other = RESTORE.replace("postgres", "defaultdb");
    scene.restore(&format!("{other}, schema_only")).unwrap();
    let mut txn = scene.to.begin();
    let there = crate::catalog::descriptor::Descriptor::Table(scene.to.find(101, "t").unwrap());
    scene.to.catalog.delete(&mut txn, &there).unwrap();
    txn.commit().unwrap();
    let checked = format!("{other}, schema_only, verify_backup_table_data");
    assert_eq!(scene.restore(&checked).err().unwrap().code(), sqlstate::DATA_CORRUPTED);
}

#[test]
fn files_of_other_localities_are_found_where_the_statement_says() {
    let (mut scene, table) = scene();
    let style = Style { entries: 9, ..Style::default() };
    let mut manifest = scene.backup(&[100, 101, table.id], None, &style);
    let full = manifest.options["full_dir"].as_str().unwrap().to_owned();
    // The first file lies in another destination.
    manifest.files[0].locality = Some("region=eu".to_owned());
    let here = scene.dir.join(full.trim_start_matches('/'));
    let there = scene.dir.with_file_name("other").join(full.trim_start_matches('/'));
    std::fs::create_dir_all(there.join("data")).unwrap();
    let path = manifest.files[0].path.clone();
    std::fs::rename(here.join(&path), there.join(&path)).unwrap();
    std::fs::remove_file(here.join("BACKUP")).unwrap();
    let layer = crate::archive::Layer::new(scene.store.clone(), full, None);
    layer.complete(&manifest, true).unwrap();
    let e = scene.plan(RESTORE).err().unwrap();
    assert!(e.message().contains("for the locality region=eu"), "{e}");
    let first = format!("{}?COCKROACH_LOCALITY=default", super::scene::URI);
    let other = "nodelocal://1/other?COCKROACH_LOCALITY=region%3Deu".to_owned();
    scene.uris = vec![other.clone(), first.clone()];
    assert!(scene.plan(RESTORE).err().unwrap().message().contains("first URI"));
    scene.uris = vec![first, other];
    scene.restore(RESTORE).unwrap();
    let there = scene.to.find(103, "t").unwrap();
    assert_eq!(scene.to.dump(there.id), scene.from.dump(table.id));
}
