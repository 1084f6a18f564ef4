//! Which version of the store's format this is, and how an older one becomes the newest.
//!
//! ```text
//!   no version      a new store: it gets CURRENT
//!   1 … CURRENT-1   UPGRADES[version - 1] and so on, one step a batch, its number in the batch
//!   CURRENT         nothing to do
//!   above           refused
//! ```
//!
//! A step is one atomic batch that also writes the new number, so a crash between two steps leaves
//! a store of a known version. Whoever changes what is stored raises the version and adds a step.

use crate::error::{Error, Result, sqlstate};
use crate::kv::{Batch, Durability, Engine, Family};

/// Where the version is kept.
const KEY: &[u8] = b"store/format";

/// What brings a store from one version to the next.
type Upgrade = fn(&dyn Engine, &mut Batch) -> Result<()>;

/// The step from version 1 to 2, from 2 to 3 and so on. There has been one version so far.
const UPGRADES: &[Upgrade] = &[];

/// The version of the format that this release writes.
pub fn newest() -> u32 {
    led_to(UPGRADES)
}

/// The version that steps lead to.
fn led_to(steps: &[Upgrade]) -> u32 {
    steps.iter().fold(1, |version, _| version + 1)
}

/// Marks a new store, upgrades an older one, refuses a newer one.
pub(super) fn bring_up_to_date(engine: &dyn Engine) -> Result<()> {
    upgrade(engine, UPGRADES)
}

/// Refuses a store that is not of the newest version: nothing is written.
pub(super) fn check(engine: &dyn Engine) -> Result<()> {
    let newest = newest();
    match version(engine)? {
        Some(version) if version == newest => Ok(()),
        Some(version) if version > newest => Err(too_new(version, newest)),
        Some(version) => {
            Err(unfit(format!("the store has format {version}, this release reads {newest}"))
                .with_hint("Start the server once on the store: it is upgraded then."))
        }
        None => Err(unfit("the store was never begun".to_owned())),
    }
}

fn upgrade(engine: &dyn Engine, steps: &[Upgrade]) -> Result<()> {
    let newest = led_to(steps);
    let Some(from) = version(engine)? else {
        return write(engine, Batch::new(), newest);
    };
    if from > newest {
        return Err(too_new(from, newest));
    }
    for (to, step) in (2..).zip(steps).filter(|(to, _)| *to > from) {
        let mut batch = Batch::new();
        step(engine, &mut batch)?;
        write(engine, batch, to)?;
        tracing::info!(version = to, "the store's format was upgraded");
    }
    Ok(())
}

fn version(engine: &dyn Engine) -> Result<Option<u32>> {
    let Some(bytes) = engine.get(Family::Meta, KEY)? else { return Ok(None) };
    let version = std::str::from_utf8(&bytes).ok().and_then(|s| s.parse::<u32>().ok());
    match version {
        Some(version) if version > 0 => Ok(Some(version)),
        _ => Err(Error::corrupt("the store's format version is not a number")),
    }
}

fn write(engine: &dyn Engine, mut batch: Batch, version: u32) -> Result<()> {
    batch.put(Family::Meta, KEY, version.to_string().into_bytes());
    engine.write(batch, Durability::Synced)
}

fn unfit(message: String) -> Error {
    Error::new(sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}

fn too_new(version: u32, newest: u32) -> Error {
    unfit(format!("the store has format {version}, this release knows formats up to {newest}"))
        .with_hint("Start the store with the release that wrote it, or a newer one.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::memory::MemoryEngine;

    fn first(engine: &dyn Engine, batch: &mut Batch) -> Result<()> {
        let old = engine.get(Family::Meta, b"old")?.unwrap_or_default();
        batch.delete(Family::Meta, *b"old");
        batch.put(Family::Meta, *b"new", old);
        Ok(())
    }

    fn second(_: &dyn Engine, _: &mut Batch) -> Result<()> {
        Err(Error::io("no"))
    }

    #[test]
    fn an_older_store_goes_through_the_steps_that_it_lacks() {
        let engine = MemoryEngine::new();
        let mut batch = Batch::new();
        batch.put(Family::Meta, *b"old", *b"value");
        write(&engine, batch, 1).unwrap();
        // A step that fails leaves the store at the step before, in which a crash keeps it.
        assert!(upgrade(&engine, &[first, second]).is_err());
        let engine = engine.crash();
        assert_eq!(version(&engine).unwrap(), Some(2));
        assert_eq!(engine.get(Family::Meta, b"new").unwrap().unwrap(), b"value");
        assert_eq!(engine.get(Family::Meta, b"old").unwrap(), None);
        // The first step is not taken twice.
        upgrade(&engine, &[first]).unwrap();
        assert_eq!(engine.get(Family::Meta, b"new").unwrap().unwrap(), b"value");
        let e = upgrade(&engine, &[]).unwrap_err();
        assert_eq!(e.code(), sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE);
        assert_eq!(version(&engine).unwrap(), Some(2), "it is left as it was");
    }

    #[test]
    fn a_new_store_begins_with_the_newest_version() {
        let engine = MemoryEngine::new();
        assert!(check(&engine).is_err());
        upgrade(&engine, &[first]).unwrap();
        assert_eq!(version(&engine).unwrap(), Some(2));
        assert!(check(&engine).is_err(), "newer than what the release knows");
    }
}
