//! Whatever is wrong with a backup is said, and nothing half-made remains.

use std::fs;
use std::path::PathBuf;

use super::scene::{FakeJob, Scene, Style};
use crate::archive::Secret;
use crate::catalog::descriptor::TableDescriptor;
use crate::error::{Error, sqlstate};
use crate::restore::job::Control;

const RESTORE: &str =
    "RESTORE TABLE t FROM LATEST IN 'nodelocal://1/collection' WITH into_db = 'postgres'";

/// Every file of the collection whose name ends so, sorted.
fn files(scene: &Scene, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![scene.dir.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Flips a bit in the middle of every file whose name ends so: which of them a restore reads is
/// its own business.
pub fn spoil_every(scene: &Scene, ending: &str) {
    for path in files(scene, ending) {
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(path, bytes).unwrap();
    }
}

fn scene(secret: Option<Secret>) -> (Scene, TableDescriptor) {
    let scene = Scene::new();
    let table = scene.from.table("t");
    let rows: Vec<(i64, Option<&str>)> = (0..30).map(|i| (i, Some("some text"))).collect();
    scene.from.put(&table, &rows);
    let style = Style { entries: 8, secret, ..Style::default() };
    let full = scene.backup(&[100, 101, table.id], None, &style);
    scene.from.put(&table, &[(1, None), (77, Some("x"))]);
    let next = scene.backup(&[100, 101, table.id], Some(&full), &style);
    scene.from.put(&table, &[(2, None)]);
    scene.backup(&[100, 101, table.id], Some(&next), &style);
    (scene, table)
}

/// Runs a planned job that must fail, reverts it, and finds nothing left.
fn fails(scene: &Scene, job: &FakeJob) -> Error {
    let e = scene.resumer().run(job).unwrap_err();
    scene.resumer().revert(job).unwrap();
    scene.assert_gone(job);
    // Twice does no harm.
    scene.resumer().revert(job).unwrap();
    scene.assert_gone(job);
    assert!(scene.to.find(103, "t").is_none());
    e
}

#[test]
fn damaged_data_fails_the_job_and_frees_the_name() {
    for secret in [None, Some(Secret::passphrase("p"))] {
        let encrypted = secret.is_some();
        let (scene, _) = scene(secret);
        let sql = match encrypted {
            true => format!("{RESTORE}, encryption_passphrase = 'p'"),
            false => RESTORE.to_owned(),
        };
        let data = files(&scene, ".cdf");
        for path in &data {
            let good = fs::read(path).unwrap();
            let job = scene.plan(&sql).unwrap();
            for at in [0, good.len() / 3, good.len() - 1] {
                let mut bad = good.clone();
                bad[at] ^= 1;
                fs::write(path, bad).unwrap();
                let job = scene.plan(&sql).unwrap();
                let e = fails(&scene, &job);
                // Without its first byte an encrypted file is not taken for one.
                let unknown = encrypted && at == 0 && e.message().contains("be encrypted");
                assert!(unknown || e.code() == sqlstate::DATA_CORRUPTED, "byte {at}: {e:?}");
            }
            fs::write(path, &good[..good.len() - 1]).unwrap();
            let e = fails(&scene, &job);
            assert!([sqlstate::DATA_CORRUPTED, sqlstate::IO_ERROR].contains(&e.code()), "{e:?}");
            fs::remove_file(path).unwrap();
            let job = scene.plan(&sql).unwrap();
            assert_eq!(fails(&scene, &job).code(), sqlstate::UNDEFINED_FILE);
            fs::write(path, good).unwrap();
        }
        // Two files of the same table change places.
        let (a, b) = (fs::read(&data[0]).unwrap(), fs::read(&data[1]).unwrap());
        fs::write(&data[0], &b).unwrap();
        fs::write(&data[1], &a).unwrap();
        let job = scene.plan(&sql).unwrap();
        assert_eq!(fails(&scene, &job).code(), sqlstate::DATA_CORRUPTED);
        fs::write(&data[0], a).unwrap();
        fs::write(&data[1], b).unwrap();
        scene.restore(&sql).unwrap();
    }
}

#[test]
fn a_damaged_manifest_is_noticed_by_the_statement() {
    let (scene, _) = scene(None);
    for path in files(&scene, "BACKUP") {
        let good = fs::read(&path).unwrap();
        for at in (0..good.len()).step_by(101) {
            let mut bad = good.clone();
            bad[at] ^= 16;
            fs::write(&path, bad).unwrap();
            let e = scene.plan(RESTORE).err().unwrap();
            assert_eq!(e.code(), sqlstate::DATA_CORRUPTED, "byte {at}");
        }
        fs::write(&path, good).unwrap();
    }
    scene.plan(RESTORE).unwrap();
    for (text, code) in
        [("/2021/xx", sqlstate::UNDEFINED_FILE), ("/a/../b", sqlstate::DATA_CORRUPTED)]
    {
        fs::write(scene.dir.join("LATEST"), text).unwrap();
        assert_eq!(scene.plan(RESTORE).err().unwrap().code(), code);
    }
    fs::remove_file(scene.dir.join("LATEST")).unwrap();
    assert_eq!(scene.plan(RESTORE).err().unwrap().code(), sqlstate::UNDEFINED_FILE);
}

#[test]
fn damaged_encryption_info_is_no_wrong_passphrase() {
    let (scene, _) = scene(Some(Secret::passphrase("p")));
    let sql = format!("{RESTORE}, encryption_passphrase = 'p'");
    scene.plan(&sql).unwrap();
    spoil_every(&scene, "ENCRYPTION-INFO");
    let e = scene.plan(&sql).err().unwrap();
    assert_eq!(e.code(), sqlstate::DATA_CORRUPTED);
    fs::remove_file(files(&scene, "ENCRYPTION-INFO").remove(0)).unwrap();
    let e = scene.plan(&sql).err().unwrap();
    assert!(e.message().contains("could not find or read encryption information"), "{e}");
}

#[test]
fn a_missing_or_exchanged_layer_is_noticed() {
    let (scene, _) = scene(None);
    let manifests = files(&scene, "BACKUP");
    // Sorted: the two incrementals lie below the full's directory, before its own manifest or after.
    let layer = |n: usize| {
        let mut increments: Vec<&PathBuf> =
            manifests.iter().filter(|p| p.components().count() > shortest(&manifests)).collect();
        increments.sort();
        increments[n].clone()
    };
    let middle = layer(0);
    let good = fs::read(&middle).unwrap();
    fs::remove_file(&middle).unwrap();
    let e = scene.plan(RESTORE).err().unwrap();
    assert_eq!(e.code(), sqlstate::UNDEFINED_FILE);
    assert!(e.message().contains("is missing"), "{e}");
    // A manifest in the place of another.
    fs::copy(layer(1), &middle).unwrap();
    assert_eq!(scene.plan(RESTORE).err().unwrap().code(), sqlstate::DATA_CORRUPTED);
    fs::write(&middle, &good).unwrap();
    // What was there at planning must be there when the job runs.
    let job = scene.plan(RESTORE).unwrap();
    let last = layer(1);
    fs::remove_file(&last).unwrap();
    let e = fails(&scene, &job);
    assert_eq!(e.code(), sqlstate::UNDEFINED_FILE);
}

fn shortest(paths: &[PathBuf]) -> usize {
    paths.iter().map(|path| path.components().count()).min().unwrap()
}

#[test]
fn a_cancelled_restore_leaves_nothing_at_any_place() {
    let (scene, _) = scene(None);
    for name in crate::jobs::pausepoint::NAMES {
        if !name.starts_with("restore.") || *name == "restore.after_publishing_descriptors" {
            continue;
        }
        let mut job = scene.plan(RESTORE).unwrap();
        job.pause_at = Some(name);
        fails(&scene, &job);
    }
    // What is public has perhaps been used; it stays.
    let mut job = scene.plan(RESTORE).unwrap();
    job.pause_at = Some("restore.after_publishing_descriptors");
    scene.resumer().run(&job).unwrap_err();
    scene.resumer().revert(&job).unwrap();
    let there = scene.to.find(103, "t").unwrap();
    assert_eq!(scene.to.dump(there.id).len(), 58);
    assert_eq!(job.details().unwrap().tables.len(), 1);
}
