//! Small facts that the store keeps about itself.

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::kv::{Batch, Engine, Family};

/// A time that the clock had not reached when a commit wrote it.
pub(super) const BOUND_BY_COMMITS: &[u8] = b"clock/commits";
/// The same, written while nobody committed.
pub(super) const BOUND_WHILE_IDLE: &[u8] = b"clock/idle";
/// The changelog has every commit after this time.
pub(super) const CHANGELOG_BEGINS: &[u8] = b"changelog/begins";
/// The latest GC line that compactions were told of.
pub(super) const GC_PUBLISHED: &[u8] = b"compaction/line";
/// Before the name of a protected record.
pub(super) const PROTECTED: &[u8] = b"protected/";
/// Before the span of a GC line.
pub(super) const GC_LINE: &[u8] = b"gc/";

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
