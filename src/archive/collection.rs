//! A collection: the dated full backups below one root, their incrementals, and LATEST.

use super::layout;
use crate::cloud::{Store, WriteMode, path};
use crate::error::{Error, Result, sqlstate};

/// LATEST holds one path; more is not ours.
const LATEST_BYTES_MAX: u64 = 4_096;

/// Which full backup LATEST names: its directory, with a leading slash. Does not look whether the
/// backup is there; [`latest_full`] does.
pub fn read_latest(store: &dyn Store) -> Result<String> {
    let text =
        store.read_bounded(layout::LATEST, LATEST_BYTES_MAX).map_err(|e| match e.code() {
            sqlstate::UNDEFINED_FILE => none_completed(store),
            sqlstate::DATA_CORRUPTED => malformed(store),
            _ => e.context("the LATEST file could not be read"),
        })?;
    let text = std::str::from_utf8(&text).map_err(|_| malformed(store))?;
    layout::check_subdir(text.trim_end()).map_err(|_| malformed(store))
}

/// The directory of the full backup that LATEST names, which is there and complete.
pub fn latest_full(store: &dyn Store) -> Result<String> {
    let dir = read_latest(store)?;
    if is_complete(store, &dir)? {
        return Ok(dir);
    }
    Err(none_completed(store).with_detail(format!("LATEST names \"{dir}\", which holds none.")))
}

/// Makes LATEST name a full backup. To be called only once its manifest is written.
pub fn write_latest(store: &dyn Store, full_dir: &str) -> Result<()> {
    let dir = layout::check_subdir(full_dir)?;
    store.write(layout::LATEST, dir.into_bytes().into(), WriteMode::Overwrite)
}

/// Whether a directory holds a complete layer.
pub fn is_complete(store: &dyn Store, dir: &str) -> Result<bool> {
    store.exists(&path::join(dir, layout::MANIFEST))
}

/// The complete full backups with dated directories, oldest first.
pub fn list_fulls(store: &dyn Store) -> Result<Vec<String>> {
    let digits =
        |name: &String, len: usize| name.len() == len && name.bytes().all(|b| b.is_ascii_digit());
    let mut fulls = Vec::new();
    for year in store.list_dirs("")?.into_iter().filter(|name| digits(name, 4)) {
        for month in store.list_dirs(&year)?.into_iter().filter(|name| digits(name, 2)) {
            let month = path::join(&year, &month);
            for day in store.list_dirs(&month)? {
                let dir = format!("/{}", path::join(&month, &day));
                if layout::is_full_dir(&dir) && is_complete(store, &dir)? {
                    fulls.push(dir);
                }
            }
        }
    }
    fulls.sort();
    Ok(fulls)
}

/// The directories of a chain's complete layers: the full backup, then its incrementals by end
/// time. Layers without a manifest are passed over; `manifest::check_chain` notices a gap. On a
/// store that cannot list, fails with 0A000.
pub fn layers(store: &dyn Store, full_dir: &str) -> Result<Vec<String>> {
    if !is_complete(store, full_dir)? {
        return Err(Error::new(
            sqlstate::UNDEFINED_FILE,
            format!("{} does not hold a complete backup", layout::described(store, full_dir)),
        )
        .with_hint("SHOW BACKUPS IN lists the backups of a collection."));
    }
    let mut found = Vec::new();
    for date in store.list_dirs(full_dir)? {
        if !layout::is_incremental_date(&date) {
            continue;
        }
        let date = path::join(full_dir, &date);
        for time in store.list_dirs(&date)? {
            let dir = path::join(&date, &time);
            if layout::is_incremental_time(&time) && is_complete(store, &dir)? {
                found.push(dir);
            }
        }
    }
    found.sort();
    found.insert(0, full_dir.to_owned());
    Ok(found)
}

/// Refuses a root that is itself a backup and so cannot be a collection.
pub fn refuse_layer_as_root(store: &dyn Store) -> Result<()> {
    if !is_complete(store, "")? {
        return Ok(());
    }
    Err(Error::new(
        sqlstate::FILE_ALREADY_EXISTS,
        format!("{} holds a backup and cannot be a collection of backups", store.describe()),
    )
    .with_hint("Name the directory above, or an empty one."))
}

fn none_completed(store: &dyn Store) -> Error {
    Error::new(
        sqlstate::UNDEFINED_FILE,
        format!("path does not contain a completed latest backup: {}", store.describe()),
    )
    .with_hint("BACKUP INTO takes a full backup; SHOW BACKUPS IN lists those that there are.")
}

fn malformed(store: &dyn Store) -> Error {
    Error::corrupt(format!("malformed LATEST file in {}", store.describe()))
        .with_hint("SHOW BACKUPS IN lists the backups; name one instead of LATEST.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Memory;

    fn put(store: &Memory, path: &str) {
        store.poke(path, "x");
    }

    #[test]
    fn latest_names_a_complete_full() {
        let store = Memory::new();
        let code = |store: &Memory| latest_full(store).unwrap_err().code();
        assert_eq!(code(&store), sqlstate::UNDEFINED_FILE);
        for bad in ["", "\n", "/a/../b", "\u{0}", "///"] {
            store.poke(layout::LATEST, bad.to_owned());
            assert_eq!(code(&store), sqlstate::DATA_CORRUPTED, "{bad:?}");
        }
        store.poke(layout::LATEST, vec![0xff, 0xfe]);
        assert_eq!(code(&store), sqlstate::DATA_CORRUPTED);
        store.poke(layout::LATEST, vec![b'a'; 5_000]);
        assert_eq!(code(&store), sqlstate::DATA_CORRUPTED);
        write_latest(&store, "2021/03/23-213101.37").unwrap();
        assert_eq!(&store.read(layout::LATEST).unwrap()[..], b"/2021/03/23-213101.37");
        assert_eq!(code(&store), sqlstate::UNDEFINED_FILE);
        put(&store, "2021/03/23-213101.37/BACKUP");
        assert_eq!(latest_full(&store).unwrap(), "/2021/03/23-213101.37");
    }

    #[test]
    fn every_changed_byte_of_latest_is_noticed() {
        let store = Memory::new();
        put(&store, "2021/03/23-213101.37/BACKUP");
        write_latest(&store, "2021/03/23-213101.37").unwrap();
        let good = store.read(layout::LATEST).unwrap();
        // The leading slash is for the eye: without it the path is the same.
        for at in 1..good.len() {
            for bit in 0..8 {
                let mut bad = good.to_vec();
                bad[at] ^= 1 << bit;
                store.poke(layout::LATEST, bad);
                assert!(latest_full(&store).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn only_complete_dated_layers_are_found_in_order() {
        let store = Memory::new();
        let full = "/2021/03/23-213101.37";
        for file in [
            "2021/03/23-213101.37/BACKUP",
            "2021/03/23-213101.37/20210325/000000.00/BACKUP",
            "2021/03/23-213101.37/20210324/155530.50/BACKUP",
            "2021/03/23-213101.37/20210324/165530.50/BACKUP-CHECKPOINT",
            "2021/03/23-213101.37/data/1.cdf",
            "2021/03/23-213101.37/other/155530.50/BACKUP",
            "2020/12/31-000000.00/BACKUP",
            "2021/04/01-000000.00/BACKUP-CHECKPOINT",
            "by-hand/BACKUP",
            "20x1/03/23-213101.37/BACKUP",
        ] {
            put(&store, file);
        }
        assert_eq!(list_fulls(&store).unwrap(), ["/2020/12/31-000000.00", full]);
        let expected = [
            full.to_owned(),
            format!("{full}/20210324/155530.50"),
            format!("{full}/20210325/000000.00"),
        ];
        assert_eq!(layers(&store, full).unwrap(), expected);
        let e = layers(&store, "/2021/04/01-000000.00").unwrap_err();
        assert_eq!(e.code(), sqlstate::UNDEFINED_FILE);
        refuse_layer_as_root(&store).unwrap();
        put(&store, "BACKUP");
        assert!(refuse_layer_as_root(&store).is_err());
    }
}
