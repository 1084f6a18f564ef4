//! What every store that can be written must do. Each implementation runs the whole suite; one
//! over the network runs it when `CAIRN_TEST_STORE_URI` names a place that may be filled.

use std::sync::Arc;

use bytes::Bytes;

use super::{Cloud, Memory, Store, WriteMode};
use crate::error::sqlstate;
use crate::settings::Settings;

fn paths(store: &dyn Store, dir: &str) -> Vec<String> {
    store.list(dir).unwrap().into_iter().map(|entry| entry.path).collect()
}

/// Whether a directory is no longer listed once its last file is gone. Some servers of the S3
/// protocol keep their files in a tree and list the empty directory for a while.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Emptied {
    Gone,
    Lingers,
}

/// The whole suite, for a store of another room.
pub(crate) fn conforms(store: Arc<dyn Store>) {
    suite(store, Emptied::Gone);
}

fn suite(store: Arc<dyn Store>, emptied: Emptied) {
    contents(&*store);
    absence(&*store);
    listings(&*store, emptied);
    streams(&*store);
    large_stream(&*store);
    races(&store);
}

fn contents(store: &dyn Store) {
    let path = "contents/a b%25+é=?";
    store.write(path, Bytes::from_static(b"0123456789"), WriteMode::Overwrite).unwrap();
    assert_eq!(&store.read(path).unwrap()[..], b"0123456789");
    assert_eq!(&store.read_range(path, 3, 4).unwrap()[..], b"3456");
    assert_eq!(&store.read_range(path, 0, 10).unwrap()[..], b"0123456789");
    assert!(store.read_range(path, 4, 0).unwrap().is_empty());
    assert!(store.read_range(path, 5, 6).is_err());
    assert!(store.read_range(path, 10, 1).is_err());
    assert!(store.read_range(path, u64::MAX, 2).is_err());
    assert_eq!(store.size(path).unwrap(), Some(10));
    store.write(path, Bytes::from_static(b"new"), WriteMode::Overwrite).unwrap();
    assert_eq!(&store.read(path).unwrap()[..], b"new");
    let e = store.write(path, Bytes::new(), WriteMode::CreateNew).unwrap_err();
    assert_eq!(e.code(), sqlstate::DUPLICATE_FILE);
    assert_eq!(&store.read(path).unwrap()[..], b"new");
    assert!(store.read_bounded(path, 2).is_err());
    assert_eq!(&store.read_bounded(path, 3).unwrap()[..], b"new");
    store.write("contents/empty", Bytes::new(), WriteMode::CreateNew).unwrap();
    assert!(store.read("contents/empty").unwrap().is_empty());
    assert!(store.write("contents/../x", Bytes::new(), WriteMode::Overwrite).is_err());
}

fn absence(store: &dyn Store) {
    assert_eq!(store.read("absent/x").unwrap_err().code(), sqlstate::UNDEFINED_FILE);
    assert_eq!(store.read_range("absent/x", 0, 1).unwrap_err().code(), sqlstate::UNDEFINED_FILE);
    assert_eq!(store.read_range("absent/x", 0, 0).unwrap_err().code(), sqlstate::UNDEFINED_FILE);
    assert_eq!(store.size("absent/x").unwrap(), None);
    store.delete("absent/x").unwrap();
    assert!(store.list("absent").unwrap().is_empty());
    assert!(store.list_dirs("absent").unwrap().is_empty());
}

fn listings(store: &dyn Store, emptied: Emptied) {
    for path in ["l/2021/b", "l/2021/a", "l/2021/03/c", "l/2021x/d", "l/top"] {
        store.write(path, Bytes::from_static(b"xy"), WriteMode::Overwrite).unwrap();
    }
    let all = ["l/2021/03/c", "l/2021/a", "l/2021/b", "l/2021x/d", "l/top"];
    assert_eq!(paths(store, "l"), all);
    assert_eq!(paths(store, "/l/"), all);
    assert_eq!(paths(store, "l/2021"), all[..3]);
    assert!(store.list("l").unwrap().iter().all(|entry| entry.size == 2));
    assert_eq!(store.list_dirs("l").unwrap(), ["2021", "2021x"]);
    let here = store.list_dir("l/2021").unwrap();
    assert_eq!(here.dirs, ["03"]);
    let files: Vec<&str> = here.files.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(files, ["l/2021/a", "l/2021/b"]);
    store.delete("l/2021/03/c").unwrap();
    assert!(!store.exists("l/2021/03/c").unwrap());
    assert!(store.list("l/2021/03").unwrap().is_empty());
    if emptied == Emptied::Gone {
        assert!(store.list_dirs("l/2021").unwrap().is_empty());
    }
    assert!(store.list_dirs("").unwrap().contains(&"l".to_owned()));
}

fn streams(store: &dyn Store) {
    let mut writer = store.writer("s/small").unwrap();
    for _ in 0..100 {
        writer.write(Bytes::from_static(b"piece")).unwrap();
    }
    assert!(!store.exists("s/small").unwrap(), "visible before it was finished");
    writer.finish().unwrap();
    assert_eq!(&store.read("s/small").unwrap()[..], "piece".repeat(100).as_bytes());
    let mut writer = store.writer("s/small").unwrap();
    writer.write(Bytes::from_static(b"second")).unwrap();
    writer.finish().unwrap();
    assert_eq!(&store.read("s/small").unwrap()[..], b"second");
    store.writer("s/empty").unwrap().finish().unwrap();
    assert_eq!(store.size("s/empty").unwrap(), Some(0));
    let mut writer = store.writer("s/gone").unwrap();
    writer.write(Bytes::from_static(b"x")).unwrap();
    writer.abort().unwrap();
    drop(store.writer("s/dropped").unwrap());
    assert_eq!(paths(store, "s"), ["s/empty", "s/small"]);
}

/// Long enough to need several parts where files are sent in parts.
fn large_stream(store: &dyn Store) {
    let piece: Vec<u8> = (0..1_000_003u32).map(|i| (i % 251) as u8).collect();
    let mut expected = Vec::new();
    let mut writer = store.writer("large/kept").unwrap();
    let mut doomed = store.writer("large/doomed").unwrap();
    for _ in 0..20 {
        expected.extend_from_slice(&piece);
        writer.write(Bytes::from(piece.clone())).unwrap();
        doomed.write(Bytes::from(piece.clone())).unwrap();
    }
    writer.finish().unwrap();
    doomed.abort().unwrap();
    assert!(store.read("large/kept").unwrap() == expected);
    let range = store.read_range("large/kept", 8_388_600, 100).unwrap();
    assert_eq!(&range[..], &expected[8_388_600..8_388_700]);
    assert_eq!(paths(store, "large"), ["large/kept"]);
}

fn races(store: &Arc<dyn Store>) {
    let racers: Vec<_> = (0..8u8)
        .map(|me| {
            let store = store.clone();
            std::thread::spawn(move || {
                store.write("race/lock", Bytes::from(vec![me]), WriteMode::CreateNew).is_ok()
            })
        })
        .collect();
    let won: Vec<bool> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let winner = store.read("race/lock").unwrap()[0];
    assert!(won[usize::from(winner)]);
}

fn cloud() -> (tokio::runtime::Runtime, Cloud) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cloud = Cloud::new(runtime.handle().clone(), Arc::new(Settings::new()));
    (runtime, cloud)
}

#[test]
fn memory_conforms() {
    suite(Memory::shared(), Emptied::Gone);
}

#[test]
fn nodelocal_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let (_runtime, mut cloud) = cloud();
    cloud.external_io_dir = Some(dir.path().join("made/when/needed"));
    suite(cloud.open("nodelocal://1/root/of%20it").unwrap(), Emptied::Gone);
}

#[test]
fn a_named_store_conforms() {
    let Ok(uri) = std::env::var("CAIRN_TEST_STORE_URI") else { return };
    let (_runtime, cloud) = cloud();
    let uri = super::ExternalUri::parse(&uri).unwrap();
    let fresh = uri.join(&format!("conformance-{}", uuid::Uuid::new_v4().simple()));
    let store = cloud.open_uri(&fresh, None).unwrap();
    suite(store.clone(), Emptied::Lingers);
    for entry in store.list("").unwrap() {
        store.delete(&entry.path).unwrap();
    }
}
