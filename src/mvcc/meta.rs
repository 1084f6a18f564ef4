//! Small facts that the store keeps about itself.

use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::kv::{Batch, Durability, Engine, Family};

/// The version of the whole format of the store.
const FORMAT: &[u8] = b"store/format";
const FORMAT_VERSION: u32 = 1;

/// A time that the clock had not reached when a commit wrote it.
pub(super) const BOUND_BY_COMMITS: &[u8] = b"clock/commits";
/// The same, written while nobody committed.
pub(super) const BOUND_WHILE_IDLE: &[u8] = b"clock/idle";
/// The changelog has every commit after this time.
pub(super) const CHANGELOG_BEGINS: &[u8] = b"changelog/begins";
/// Before the name of a protected record.
pub(super) const PROTECTED: &[u8] = b"protected/";
/// Before the span of a GC line.
pub(super) const GC_LINE: &[u8] = b"gc/";

/// Marks a new store with the format's version; refuses a store that a newer Cairn wrote.
pub(super) fn check_format(engine: &dyn Engine) -> Result<()> {
    match engine.get(Family::Meta, FORMAT)? {
        None => {
            let mut batch = Batch::new();
            batch.put(Family::Meta, FORMAT, FORMAT_VERSION.to_string().into_bytes());
            engine.write(batch, Durability::Synced)
        }
        Some(bytes) => {
            let version = std::str::from_utf8(&bytes).ok().and_then(|s| s.parse::<u32>().ok());
            match version {
                Some(FORMAT_VERSION) => Ok(()),
                Some(version) => Err(Error::new(
                    sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!("the store has format {version}, this server knows {FORMAT_VERSION}"),
                )
                .with_hint("Start the store with the release that wrote it, or a newer one.")),
                None => Err(Error::corrupt("the store's format version is not a number")),
            }
        }
    }
}

/// A time kept under a name.
pub(super) fn time(engine: &dyn Engine, name: &[u8]) -> Result<Option<Timestamp>> {
    let Some(bytes) = engine.get(Family::Meta, name)? else { return Ok(None) };
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Error::corrupt("a time kept by the store is not text"))?;
    Ok(Some(text.parse()?))
}

/// Keeps a time under a name.
pub(super) fn put_time(batch: &mut Batch, name: &[u8], at: Timestamp) {
    batch.put(Family::Meta, name, at.to_string().into_bytes());
}
