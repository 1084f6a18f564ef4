//! How versions lie in the store.
//!
//! ```text
//!   key    ┌────────────┬──────────────┬──────────────────┐
//!          │ user key   │ !wall  u64   │ !logical u32     │   big end first, inverted: newest first
//!          └────────────┴──────────────┴──────────────────┘
//!   value  ┌────────────┬─────┐
//!          │ bytes      │ 1   │   a value         ┌─────┐
//!          └────────────┴─────┘                   │ 0   │   a tombstone
//!                                                 └─────┘
//! ```
//!
//! The tag is the last byte, so that taking it off needs no copy. User keys are never prefixes of
//! one another (see `keys`); the bounds of a span may be anything.

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::{Key, Span};
use crate::kv::TIMESTAMP_BYTES;

const TOMBSTONE: u8 = 0;
pub(super) const VALUE: u8 = 1;

/// Timestamp bytes before those of every version of a key.
pub(super) const NEWEST: [u8; TIMESTAMP_BYTES] = [0; TIMESTAMP_BYTES];
/// Timestamp bytes after those of every version of a key.
pub(super) const OLDEST: [u8; TIMESTAMP_BYTES] = [0xFF; TIMESTAMP_BYTES];

/// The bytes of a timestamp in a key.
pub(super) fn stamp(at: Timestamp) -> [u8; TIMESTAMP_BYTES] {
    let mut out = [0; TIMESTAMP_BYTES];
    let (wall, logical) = out.split_at_mut(8);
    wall.copy_from_slice(&(!at.wall).to_be_bytes());
    logical.copy_from_slice(&(!at.logical).to_be_bytes());
    out
}

/// The stored key of a version.
pub(super) fn version_key(key: &[u8], at: Timestamp) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + TIMESTAMP_BYTES);
    out.extend_from_slice(key);
    out.extend_from_slice(&stamp(at));
    out
}

/// Splits a stored key into the user's key and the version's time.
pub(super) fn split(raw: &[u8]) -> Result<(&[u8], Timestamp)> {
    let bad = || Error::corrupt("a stored version has no timestamp");
    let (rest, logical) = raw.split_last_chunk::<4>().ok_or_else(bad)?;
    let (user, wall) = rest.split_last_chunk::<8>().ok_or_else(bad)?;
    let at = Timestamp { wall: !u64::from_be_bytes(*wall), logical: !u32::from_be_bytes(*logical) };
    Ok((user, at))
}

/// Marks bytes as a value.
pub(super) fn sealed_value(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(VALUE);
    bytes
}

/// A tombstone's stored value.
pub(super) fn tombstone() -> Vec<u8> {
    vec![TOMBSTONE]
}

/// The value within stored bytes; `None` for a tombstone.
pub(super) fn opened(stored: &[u8]) -> Result<Option<&[u8]>> {
    match stored.split_last() {
        Some((&VALUE, bytes)) => Ok(Some(bytes)),
        Some((&TOMBSTONE, [])) => Ok(None),
        _ => Err(Error::corrupt("a stored version is neither a value nor a tombstone")),
    }
}

/// The stored range that has every version of a span's keys, and perhaps some of its neighbours',
/// so whoever reads it compares user keys with the span.
pub(super) fn stored_span(span: &Span) -> Span {
    // The versions of a key that is a prefix of `end` lie after `end`. Such a span's end is
    // the key with a zero byte behind it.
    match span.end.split_last() {
        Some((0, key)) if !span.is_empty() => {
            Span { start: span.start.clone(), end: after_versions(key) }
        }
        _ => span.clone(),
    }
}

/// The stored key after every version of a user key.
pub(super) fn after_versions(key: &[u8]) -> Key {
    let mut out = Vec::with_capacity(key.len() + TIMESTAMP_BYTES + 1);
    out.extend_from_slice(key);
    out.extend_from_slice(&OLDEST);
    out.push(0xFF);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_and_tombstones_are_told_apart() {
        assert_eq!(opened(&sealed_value(vec![])).unwrap(), Some(&[][..]));
        assert_eq!(opened(&sealed_value(vec![0])).unwrap(), Some(&[0][..]));
        assert_eq!(opened(&tombstone()).unwrap(), None);
        assert!(opened(&[]).is_err());
        assert!(opened(&[5, 0]).is_err());
        assert!(split(&[1; 11]).is_err());
    }

    #[test]
    fn the_stored_span_of_a_point_has_its_versions() {
        let span = stored_span(&Span::point(b"k".to_vec()));
        for at in [Timestamp::MIN, Timestamp::from_nanos(1 << 60), Timestamp::MAX] {
            assert!(span.contains(&version_key(b"k", at)));
        }
    }

    proptest! {
        #[test]
        fn newer_versions_come_first(
            key in prop::collection::vec(any::<u8>(), 0..8),
            a in any::<(u64, u32)>(),
            b in any::<(u64, u32)>(),
        ) {
            let a = Timestamp { wall: a.0, logical: a.1 };
            let b = Timestamp { wall: b.0, logical: b.1 };
            let (ka, kb) = (version_key(&key, a), version_key(&key, b));
            prop_assert_eq!(ka.cmp(&kb), b.cmp(&a));
            prop_assert_eq!(split(&ka).unwrap(), (key.as_slice(), a));
        }
    }
}
