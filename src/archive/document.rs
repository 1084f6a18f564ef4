//! The envelope of every JSON document: manifest, checkpoint, statistics.
//!
//! ```text
//!   "CAIRNDOC" │ kind, 1 byte │ JSON compressed with zstd │ BLAKE3 of all before, 32 bytes
//! ```
//!
//! In an encrypted chain the whole is sealed (`encrypt.rs`). The kind keeps one document from
//! being taken for another. Decompression stops at a bound, whatever the file claims.

use std::io::Read;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::digest::Digest;
use super::encrypt::{self, DataKey};
use crate::error::{Error, Result, sqlstate};
use crate::limits::MANIFEST_BYTES_MAX;

const MAGIC: &[u8; 8] = b"CAIRNDOC";
const DIGEST_BYTES: usize = 32;
const LEVEL: i32 = 3;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// BACKUP.
    Manifest = 1,
    /// BACKUP-CHECKPOINT.
    Checkpoint = 2,
    /// BACKUP-STATISTICS.
    Statistics = 3,
}

/// Longest stored document: what does not compress, sealed.
pub const STORED_BYTES_MAX: u64 = MANIFEST_BYTES_MAX as u64 + (16 << 20);

/// A document as it is stored.
pub fn encode(kind: Kind, value: &impl Serialize, key: Option<&DataKey>) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(value)
        .map_err(|e| Error::internal(format!("a {kind:?} could not be written: {e}")))?;
    if json.len() > MANIFEST_BYTES_MAX {
        return Err(Error::new(
            sqlstate::PROGRAM_LIMIT_EXCEEDED,
            format!("the backup's {kind:?} has {} bytes, more than it may have", json.len())
                .to_lowercase(),
        )
        .with_hint("Back up in several parts, or raise bulkio.backup.file_size."));
    }
    let packed = zstd::bulk::compress(&json, LEVEL)?;
    let mut out = Vec::with_capacity(MAGIC.len() + 1 + packed.len() + DIGEST_BYTES);
    out.extend_from_slice(MAGIC);
    out.push(kind as u8);
    out.extend_from_slice(&packed);
    let digest = Digest::of(&out);
    out.extend_from_slice(&digest.0);
    match key {
        Some(key) => encrypt::seal(key, &out),
        None => Ok(out),
    }
}

/// Reads a stored document; `file` is its name for messages.
pub fn decode<T: DeserializeOwned>(
    kind: Kind,
    stored: &[u8],
    key: Option<&DataKey>,
    file: &str,
) -> Result<T> {
    let opened;
    let text = match key {
        Some(key) => {
            opened = encrypt::open(key, stored, file)?;
            opened.as_slice()
        }
        None if encrypt::is_sealed(stored) => return Err(encrypt::key_needed(file)),
        None => stored,
    };
    let damaged = |why: &str| {
        Error::corrupt(format!("file \"{file}\" is damaged")).with_detail(why.to_owned())
    };
    let at = text.len().checked_sub(DIGEST_BYTES).ok_or_else(|| damaged("It was cut."))?;
    let (body, digest) = text.split_at(at);
    if Digest::of(body).0 != digest {
        return Err(damaged("Its checksum does not match its content."));
    }
    let packed = body
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.strip_prefix(&[kind as u8]))
        .ok_or_else(|| damaged("It is another kind of file."))?;
    let json =
        unpack(packed, MANIFEST_BYTES_MAX).ok_or_else(|| damaged("It cannot be decompressed."))?;
    serde_json::from_slice(&json).map_err(|e| damaged(&format!("It cannot be read: {e}.")))
}

/// Decompresses up to a bound, taking memory only for what really comes out.
pub(super) fn unpack(packed: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let decoder = zstd::stream::read::Decoder::with_buffer(packed).ok()?.single_frame();
    let mut out = Vec::new();
    decoder.take(bytes_max as u64 + 1).read_to_end(&mut out).ok()?;
    (out.len() <= bytes_max).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(stored: &[u8], key: Option<&DataKey>) -> Result<Value> {
        decode(Kind::Manifest, stored, key, "BACKUP")
    }

    #[test]
    fn every_flip_and_every_cut_is_noticed() {
        let value = json!({"a": [1, 2, 3], "b": "text"});
        let key = DataKey::new(&[9; 32]);
        for key in [None, Some(&key)] {
            let good = encode(Kind::Manifest, &value, key).unwrap();
            assert_eq!(read(&good, key).unwrap(), value);
            for at in 0..good.len() {
                for bit in 0..8 {
                    let mut bad = good.clone();
                    bad[at] ^= 1 << bit;
                    assert!(read(&bad, key).is_err(), "bit {bit} of byte {at}");
                }
                assert!(read(&good[..at], key).is_err(), "cut at {at}");
            }
            let mut longer = good.clone();
            longer.push(0);
            assert!(read(&longer, key).is_err());
        }
    }

    #[test]
    fn a_document_is_not_taken_for_another_kind_and_keys_must_fit() {
        let key = DataKey::new(&[9; 32]);
        let checkpoint = encode(Kind::Checkpoint, &json!({}), None).unwrap();
        assert_eq!(read(&checkpoint, None).unwrap_err().code(), sqlstate::DATA_CORRUPTED);
        let plain = encode(Kind::Manifest, &json!({}), None).unwrap();
        let sealed = encode(Kind::Manifest, &json!({}), Some(&key)).unwrap();
        let e = read(&plain, Some(&key)).unwrap_err();
        assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE);
        assert!(e.message().contains("does not appear to be encrypted"));
        let e = read(&sealed, None).unwrap_err();
        assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE);
        assert!(e.message().contains("appears encrypted"));
    }

    #[test]
    fn a_bomb_is_stopped_at_the_bound() {
        let bomb = zstd::bulk::compress(&vec![0u8; 8 << 20], 1).unwrap();
        assert!(bomb.len() < 4_096);
        assert!(unpack(&bomb, 1 << 20).is_none());
        assert_eq!(unpack(&bomb, 8 << 20).unwrap().len(), 8 << 20);
    }
}
