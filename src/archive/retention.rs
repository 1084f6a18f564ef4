//! Taking backups away: a full and everything below it.
//!
//! ```text
//!   1. LATEST, if it names this full, names the newest other one, or goes
//!   2. the full's BACKUP goes: from now on nobody sees the chain
//!   3. everything else below the directory goes
//! ```
//!
//! A crash in between leaves files that nobody sees; removing the same directory again ends it.

use super::collection::{list_fulls, read_latest, write_latest};
use super::layout;
use crate::cloud::{Store, path};
use crate::error::{Error, Result, sqlstate};

/// Removes a full backup and its incrementals. 58P01 if there is nothing, 55006 while a job writes
/// there.
pub fn remove_chain(store: &dyn Store, full_dir: &str) -> Result<()> {
    let dir = layout::check_subdir(full_dir)?;
    let files = store.list(&path::clean(&dir)?)?;
    if files.is_empty() {
        return Err(Error::new(
            sqlstate::UNDEFINED_FILE,
            format!("\"{dir}\" in {} holds no backup", store.describe()),
        )
        .with_hint("SHOW BACKUPS IN lists the backups of a collection."));
    }
    // A directory above backups, or one that people keep other things in, is never emptied.
    let clean = path::clean(&dir)?;
    let relative = |file: &str| file.get(clean.len() + 1..).unwrap_or_default().to_owned();
    if let Some(foreign) = files.iter().find(|file| !belongs(&relative(&file.path))) {
        return Err(Error::new(
            sqlstate::UNDEFINED_FILE,
            format!("\"{dir}\" in {} is not the directory of a full backup", store.describe()),
        )
        .with_detail(format!("It holds \"{}\".", foreign.path)));
    }
    let names = || files.iter().filter_map(|file| file.path.rsplit('/').next());
    if let Some(lock) = names().find(|name| name.starts_with(layout::LOCK_PREFIX)) {
        return Err(Error::new(
            sqlstate::OBJECT_IN_USE,
            format!("a backup is being written below \"{dir}\": there is a {lock} file"),
        )
        .with_hint("Wait for the job, or cancel it."));
    }
    if read_latest(store).is_ok_and(|latest| latest == dir) {
        let others = list_fulls(store)?;
        match others.iter().rev().find(|other| **other != dir) {
            Some(newest) => write_latest(store, newest)?,
            None => store.delete(layout::LATEST)?,
        }
    }
    store.delete(&path::join(&clean, layout::MANIFEST))?;
    for file in files {
        store.delete(&file.path)?;
    }
    Ok(())
}

/// Whether a path within a full backup's directory is that of one of its files.
fn belongs(relative: &str) -> bool {
    let parts: Vec<&str> = relative.split('/').collect();
    let own = match parts.as_slice() {
        [date, time, own @ ..]
            if layout::is_incremental_date(date) && layout::is_incremental_time(time) =>
        {
            own
        }
        own => own,
    };
    match own {
        [name] => {
            [layout::MANIFEST, layout::CHECKPOINT, layout::STATISTICS, layout::ENCRYPTION_INFO]
                .contains(name)
                || name.starts_with(layout::LOCK_PREFIX)
        }
        [data, name] => *data == layout::DATA_DIR && name.ends_with(layout::DATA_SUFFIX),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Memory;

    const OLD: &str = "/2021/03/23-213101.37";
    const NEW: &str = "/2021/03/24-213101.37";

    fn filled() -> Memory {
        let store = Memory::new();
        for full in [OLD, NEW] {
            for name in ["BACKUP", "data/a.cdf", "20210325/010203.00/BACKUP"] {
                store.poke(&format!("{}/{name}", &full[1..]), "x");
            }
        }
        store.poke("mine.txt", "x");
        write_latest(&store, NEW).unwrap();
        store
    }

    #[test]
    fn a_chain_goes_whole_and_latest_moves_on() {
        let store = filled();
        remove_chain(&store, NEW).unwrap();
        assert_eq!(list_fulls(&store).unwrap(), [OLD]);
        assert_eq!(read_latest(&store).unwrap(), OLD);
        assert!(store.list("2021/03/24-213101.37").unwrap().is_empty());
        remove_chain(&store, &OLD[1..]).unwrap();
        assert!(!store.exists(layout::LATEST).unwrap());
        assert_eq!(store.list("").unwrap().len(), 1);
        let e = remove_chain(&store, OLD).unwrap_err();
        assert_eq!(e.code(), sqlstate::UNDEFINED_FILE);
    }

    #[test]
    fn what_is_in_use_or_no_backup_stays() {
        let store = filled();
        let lock = format!("{}/20210326/010203.00/{}", &OLD[1..], layout::lock_file(7));
        store.poke(&lock, "x");
        assert_eq!(remove_chain(&store, OLD).unwrap_err().code(), sqlstate::OBJECT_IN_USE);
        store.delete(&lock).unwrap();
        store.poke("letters/to-anna.txt", "x");
        // Among them the directories above backups.
        for dir in ["letters", "/", "nothing", "../x", "2021", "2021/03"] {
            assert!(remove_chain(&store, dir).is_err(), "{dir}");
        }
        assert_eq!(store.list("").unwrap().len(), 9);
        // What a crash left is removed by the next try.
        store.delete(&format!("{}/BACKUP", &OLD[1..])).unwrap();
        remove_chain(&store, OLD).unwrap();
        assert_eq!(list_fulls(&store).unwrap(), [NEW]);
    }
}
