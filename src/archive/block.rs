//! The entries of one block, and the index and footer of a data file, as bytes.
//!
//! Numbers are LEB128 varints of at most ten bytes, unless a width is given.
//!
//! ```text
//!   block   entry, entry, …                                     compressed with zstd as a whole
//!   entry   shared │ unshared │ wall │ logical │ value │ key's unshared bytes │ value's bytes
//!             shared    bytes that the key has in common with the key before (0 in a block's first)
//!             wall      difference of the wall time to the entry before (0 before the first), zigzag
//!             value     0 for a tombstone, else the value's length plus one
//!   index   block count, then for each block:
//!             stored bytes │ raw bytes │ entries │ first key's length │ first key │ digest, 16 bytes
//!           then the last key's length and the last key          compressed with zstd as a whole
//!   footer  64 bytes, little-endian:
//!             backup id, 16 bytes │ file id, 16 bytes │ index's stored bytes, u64 │ index's raw
//!             bytes, u64 │ entries of the file, u64 │ "CDF1END\n"
//! ```

use std::cmp::Ordering;

use crate::clock::Timestamp;
use crate::limits::{ARCHIVE_BLOCK_BYTES_MAX, KEY_BYTES_MAX};

/// How a data file begins.
pub(super) const MAGIC: &[u8; 8] = b"CAIRNDF1";
/// How a data file ends.
pub(super) const END_MAGIC: &[u8; 8] = b"CDF1END\n";
/// Bytes of the footer.
pub(super) const FOOTER_BYTES: usize = 64;
/// Bytes of a block's digest in the index: half a BLAKE3.
pub(super) const BLOCK_DIGEST_BYTES: usize = 16;

pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number as u8) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn get_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        number |= part << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn get_length(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(get_number(bytes)?).ok()
}

fn get_bytes<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

fn zigzag(difference: i64) -> u64 {
    ((difference << 1) ^ (difference >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    ((number >> 1) as i64) ^ -((number & 1) as i64)
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let words = a.chunks_exact(8).zip(b.chunks_exact(8)).take_while(|(x, y)| x == y).count() * 8;
    let tail = a[words..].iter().zip(&b[words..]).take_while(|(x, y)| x == y).count();
    words + tail
}

/// Appends an entry that follows one with the key `before` and the wall time `wall_before`.
pub(super) fn put_entry(
    out: &mut Vec<u8>,
    before: &[u8],
    wall_before: u64,
    key: &[u8],
    at: Timestamp,
    value: Option<&[u8]>,
) {
    let shared = common_prefix(before, key);
    put_number(out, shared as u64);
    put_number(out, (key.len() - shared) as u64);
    put_number(out, zigzag(at.wall.wrapping_sub(wall_before) as i64));
    put_number(out, u64::from(at.logical));
    put_number(out, value.map_or(0, |value| value.len() as u64 + 1));
    out.extend_from_slice(&key[shared..]);
    out.extend_from_slice(value.unwrap_or_default());
}

/// What [`get_entry`] found besides the key and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decoded<'a> {
    /// How the key before compares with this one.
    pub(super) order: Ordering,
    /// Bytes that both keys have in common, as far as the entry says.
    pub(super) shared: usize,
    /// `None` for a tombstone.
    pub(super) value: Option<&'a [u8]>,
}

/// Reads the entry at the front of `bytes`; `key` and `at` are those of the entry before and
/// become this one's. `None` when the bytes are no entry.
pub(super) fn get_entry<'a>(
    bytes: &mut &'a [u8],
    key: &mut Vec<u8>,
    at: &mut Timestamp,
) -> Option<Decoded<'a>> {
    let shared = get_length(bytes)?;
    let unshared = get_length(bytes)?;
    let wall = at.wall.wrapping_add(unzigzag(get_number(bytes)?) as u64);
    let logical = u32::try_from(get_number(bytes)?).ok()?;
    let value_bytes = get_length(bytes)?;
    if shared.checked_add(unshared)? > KEY_BYTES_MAX {
        return None;
    }
    let suffix = get_bytes(bytes, unshared)?;
    let order = key.get(shared..)?.cmp(suffix);
    let value = match value_bytes.checked_sub(1) {
        None => None,
        Some(len) => Some(get_bytes(bytes, len)?),
    };
    key.truncate(shared);
    key.extend_from_slice(suffix);
    *at = Timestamp { wall, logical };
    Some(Decoded { order, shared, value })
}

/// A block as the index describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockInfo {
    /// Where it begins in the file.
    pub(super) offset: u64,
    pub(super) stored_bytes: u64,
    pub(super) raw_bytes: usize,
    pub(super) entries: u64,
    pub(super) first_key: Vec<u8>,
    pub(super) digest: [u8; BLOCK_DIGEST_BYTES],
}

/// The digest of a stored block.
pub(super) fn block_digest(stored: &[u8]) -> [u8; BLOCK_DIGEST_BYTES] {
    let mut short = [0; BLOCK_DIGEST_BYTES];
    short.copy_from_slice(&blake3::hash(stored).as_bytes()[..BLOCK_DIGEST_BYTES]);
    short
}

pub(super) fn put_index(blocks: &[BlockInfo], last_key: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, blocks.len() as u64);
    for block in blocks {
        put_number(&mut out, block.stored_bytes);
        put_number(&mut out, block.raw_bytes as u64);
        put_number(&mut out, block.entries);
        put_number(&mut out, block.first_key.len() as u64);
        out.extend_from_slice(&block.first_key);
        out.extend_from_slice(&block.digest);
    }
    put_number(&mut out, last_key.len() as u64);
    out.extend_from_slice(last_key);
    out
}

/// Reads an index: the blocks and the last key. The blocks must fill the file from its magic to
/// `end` and be in order.
pub(super) fn get_index(mut bytes: &[u8], end: u64) -> Option<(Vec<BlockInfo>, Vec<u8>)> {
    let count = get_number(&mut bytes)?;
    let mut blocks: Vec<BlockInfo> = Vec::new();
    let mut offset = MAGIC.len() as u64;
    for _ in 0..count {
        let stored_bytes = get_number(&mut bytes)?;
        let raw_bytes = get_length(&mut bytes).filter(|raw| *raw <= ARCHIVE_BLOCK_BYTES_MAX)?;
        let entries = get_number(&mut bytes).filter(|entries| *entries > 0)?;
        let first_key_bytes = get_length(&mut bytes).filter(|len| *len <= KEY_BYTES_MAX)?;
        let first_key = get_bytes(&mut bytes, first_key_bytes)?.to_vec();
        let digest = get_bytes(&mut bytes, BLOCK_DIGEST_BYTES)?.try_into().ok()?;
        if blocks.last().is_some_and(|before| before.first_key > first_key) {
            return None;
        }
        blocks.push(BlockInfo { offset, stored_bytes, raw_bytes, entries, first_key, digest });
        offset = offset.checked_add(stored_bytes).filter(|at| *at <= end)?;
    }
    let last_key_bytes = get_length(&mut bytes).filter(|len| *len <= KEY_BYTES_MAX)?;
    let last_key = get_bytes(&mut bytes, last_key_bytes)?.to_vec();
    if blocks.last().is_some_and(|block| block.first_key > last_key) {
        return None;
    }
    (bytes.is_empty() && offset == end).then_some((blocks, last_key))
}

/// The last bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) backup: [u8; 16],
    pub(super) file: [u8; 16],
    pub(super) index_stored_bytes: u64,
    pub(super) index_raw_bytes: u64,
    pub(super) entries: u64,
}

impl Footer {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.backup);
        out.extend_from_slice(&self.file);
        for number in [self.index_stored_bytes, self.index_raw_bytes, self.entries] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(END_MAGIC);
    }

    pub(super) fn get(mut bytes: &[u8]) -> Option<Footer> {
        let number = |from: usize| {
            let eight = bytes.get(from..from + 8)?;
            Some(u64::from_le_bytes(eight.try_into().ok()?))
        };
        let (stored, raw, entries) = (number(32)?, number(40)?, number(48)?);
        let backup = get_bytes(&mut bytes, 16)?.try_into().ok()?;
        let file = get_bytes(&mut bytes, 16)?.try_into().ok()?;
        (bytes.get(24..) == Some(END_MAGIC)).then_some(Footer {
            backup,
            file,
            index_stored_bytes: stored,
            index_raw_bytes: raw,
            entries,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_entries_come_back(
            entries in proptest::collection::vec((
                proptest::collection::vec(0u8..3, 0..20),
                any::<u64>(), any::<u32>(),
                proptest::option::of(proptest::collection::vec(any::<u8>(), 0..30)),
            ), 0..20),
        ) {
            let mut out = Vec::new();
            let (mut before, mut wall) = (Vec::new(), 0);
            for (key, w, logical, value) in &entries {
                let at = Timestamp { wall: *w, logical: *logical };
                put_entry(&mut out, &before, wall, key, at, value.as_deref());
                before.clone_from(key);
                wall = *w;
            }
            let mut bytes = out.as_slice();
            let (mut got, mut at) = (Vec::new(), Timestamp::MIN);
            for (key, w, logical, value) in &entries {
                let old = got.clone();
                let read = get_entry(&mut bytes, &mut got, &mut at).unwrap();
                prop_assert_eq!(read.value, value.as_deref());
                prop_assert_eq!(read.order, old.as_slice().cmp(key));
                prop_assert_eq!(&got, key);
                prop_assert_eq!(at, Timestamp { wall: *w, logical: *logical });
            }
            prop_assert!(bytes.is_empty());
        }

        #[test]
        fn hostile_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), end in 0u64..200) {
            let mut rest = bytes.as_slice();
            let _ = get_entry(&mut rest, &mut vec![1, 2, 3], &mut Timestamp::MIN.next());
            let _ = get_index(&bytes, end);
            let _ = Footer::get(&bytes);
        }
    }

    #[test]
    fn an_index_must_fill_the_file_exactly() {
        let block = |offset, first_key: &[u8]| BlockInfo {
            offset,
            stored_bytes: 10,
            raw_bytes: 20,
            entries: 1,
            first_key: first_key.to_vec(),
            digest: [3; 16],
        };
        let blocks = vec![block(8, b"a"), block(18, b"b")];
        let bytes = put_index(&blocks, b"c");
        assert_eq!(get_index(&bytes, 28), Some((blocks, b"c".to_vec())));
        assert_eq!(get_index(&bytes, 29), None);
        assert_eq!(get_index(&bytes[..bytes.len() - 1], 28), None);
        let unordered = put_index(&[block(8, b"b"), block(18, b"a")], b"c");
        assert_eq!(get_index(&unordered, 28), None);
        // A count that the bytes cannot hold must not take memory for it.
        let mut hostile = Vec::new();
        put_number(&mut hostile, u64::MAX);
        assert_eq!(get_index(&hostile, 28), None);
        assert_eq!(get_number(&mut &[0xff; 11][..]), None);
    }
}
