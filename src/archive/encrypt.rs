//! Client-side encryption: files sealed in chunks with the key of their chain.
//!
//! ```text
//!   "encrypt" │ 2 │ IV, 12 bytes │ chunk 0 │ chunk 1 │ … │ last chunk
//!                                  65,536 + 16 bytes        shorter than full, perhaps empty
//! ```
//!
//! Each chunk is one AES-256-GCM message without associated data. Its nonce is the file's IV with
//! its last eight bytes, read as a big-endian number, plus the chunk's number (wrapping), so chunks
//! cannot change places. As the last chunk is always short, a file that was cut is noticed. A
//! fresh random IV is drawn for each file. Chunks can be opened in any order, hence ranges.

use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

use super::digest::hex;
use crate::error::{Error, Result, sqlstate};

/// How an encrypted file begins.
pub const MAGIC: &[u8; 7] = b"encrypt";
/// The version byte after the magic.
pub const VERSION: u8 = 2;
/// Bytes before the first chunk.
pub const HEADER_BYTES: usize = 20;
/// Plaintext bytes of a full chunk.
pub const CHUNK_BYTES: usize = 65_536;
/// Bytes that sealing adds to a chunk.
pub const TAG_BYTES: usize = 16;
/// Stored bytes of a full chunk.
pub const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

const IV_BYTES: usize = 12;

/// The key of a chain, ready for use. Cloning shares it; it is wiped when the last one is gone.
#[derive(Clone)]
pub struct DataKey(Arc<KeyInner>);

struct KeyInner {
    cipher: Aes256Gcm,
    bytes: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(redacted)")
    }
}

impl DataKey {
    /// A key from its bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        let inner =
            KeyInner { cipher: Aes256Gcm::new(bytes.into()), bytes: Zeroizing::new(*bytes) };
        DataKey(Arc::new(inner))
    }

    /// The key as hexadecimal text, for what a job keeps while it runs. Never to be shown.
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(&self.0.bytes[..]))
    }

    /// A key from what [`DataKey::to_secret_text`] gave.
    pub fn from_secret_text(text: &str) -> Result<Self> {
        let bytes = super::digest::unhex(text).map(Zeroizing::new);
        match bytes.as_ref().map(|bytes| <&[u8; 32]>::try_from(bytes.as_slice())) {
            Some(Ok(bytes)) => Ok(DataKey::new(bytes)),
            _ => Err(Error::corrupt("the key that a job keeps cannot be read")),
        }
    }

    fn nonce(iv: &[u8; IV_BYTES], chunk: u64) -> [u8; IV_BYTES] {
        let mut nonce = *iv;
        let (_, low) = nonce.split_at_mut(4);
        let mut number = [0u8; 8];
        number.copy_from_slice(low);
        low.copy_from_slice(&u64::from_be_bytes(number).wrapping_add(chunk).to_be_bytes());
        nonce
    }

    /// Seals `buffer` in place and appends the tag.
    fn seal_chunk(&self, iv: &[u8; IV_BYTES], chunk: u64, buffer: &mut Vec<u8>) -> Result<()> {
        self.0
            .cipher
            .encrypt_in_place(&Self::nonce(iv, chunk).into(), b"", buffer)
            .map_err(|_| Error::internal("a chunk could not be encrypted"))
    }

    /// Opens one sealed chunk in place; gives the plaintext. `None` if it was not sealed so.
    fn open_chunk<'a>(
        &self,
        iv: &[u8; IV_BYTES],
        chunk: u64,
        sealed: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        let at = sealed.len().checked_sub(TAG_BYTES)?;
        let (text, tag) = sealed.split_at_mut(at);
        let tag: [u8; TAG_BYTES] = (&*tag).try_into().ok()?;
        let nonce = Self::nonce(iv, chunk).into();
        self.0.cipher.decrypt_inout_detached(&nonce, b"", (&mut *text).into(), &tag.into()).ok()?;
        Some(text)
    }
}

/// Encrypts one file from front to back.
pub struct Sealer {
    key: DataKey,
    iv: [u8; IV_BYTES],
    chunk: u64,
    buffer: Vec<u8>,
}

impl Sealer {
    /// Begins a file; its header goes to `out`.
    pub fn new(key: &DataKey, out: &mut Vec<u8>) -> Self {
        let mut iv = [0u8; IV_BYTES];
        rand::fill(&mut iv);
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&iv);
        let buffer = Vec::with_capacity(SEALED_CHUNK_BYTES);
        Sealer { key: key.clone(), iv, chunk: 0, buffer }
    }

    /// Adds plaintext; every chunk that becomes full is appended to `out`.
    pub fn push(&mut self, mut text: &[u8], out: &mut Vec<u8>) -> Result<()> {
        while !text.is_empty() {
            let take = text.len().min(CHUNK_BYTES - self.buffer.len());
            let (now, later) = text.split_at(take);
            self.buffer.extend_from_slice(now);
            text = later;
            if self.buffer.len() == CHUNK_BYTES {
                self.flush(out)?;
            }
        }
        Ok(())
    }

    /// Appends the last chunk.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<()> {
        self.flush(out)
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.key.seal_chunk(&self.iv, self.chunk, &mut self.buffer)?;
        out.extend_from_slice(&self.buffer);
        self.buffer.clear();
        self.chunk += 1;
        Ok(())
    }
}

/// Encrypts a whole file.
pub fn seal(key: &DataKey, text: &[u8]) -> Result<Vec<u8>> {
    let chunks = text.len() / CHUNK_BYTES + 1;
    let mut out = Vec::with_capacity(HEADER_BYTES + text.len() + chunks * TAG_BYTES);
    let mut sealer = Sealer::new(key, &mut out);
    sealer.push(text, &mut out)?;
    sealer.finish(&mut out)?;
    Ok(out)
}

/// Whether a file begins as an encrypted one does.
pub fn is_sealed(stored: &[u8]) -> bool {
    stored.starts_with(MAGIC)
}

/// Opens ranges of one encrypted file.
#[derive(Clone)]
pub struct Opener {
    key: DataKey,
    iv: [u8; IV_BYTES],
    stored_bytes: u64,
    text_bytes: u64,
}

impl Opener {
    /// Reads the header of a file whose whole length is `stored_bytes`.
    pub fn new(key: &DataKey, header: &[u8], stored_bytes: u64, file: &str) -> Result<Self> {
        if !is_sealed(header) {
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("file \"{file}\" does not appear to be encrypted"),
            ));
        }
        let damaged = || Error::corrupt(format!("encrypted file \"{file}\" is damaged"));
        let rest = header.get(MAGIC.len()..HEADER_BYTES).ok_or_else(damaged)?;
        let (version, iv) = rest.split_first().ok_or_else(damaged)?;
        if *version != VERSION {
            return Err(damaged().with_detail(format!("Its version is {version}, not {VERSION}.")));
        }
        let iv = iv.try_into().map_err(|_| damaged())?;
        let sealed = stored_bytes.checked_sub(HEADER_BYTES as u64).ok_or_else(damaged)?;
        let full = sealed / SEALED_CHUNK_BYTES as u64;
        let last = (sealed % SEALED_CHUNK_BYTES as u64)
            .checked_sub(TAG_BYTES as u64)
            .ok_or_else(|| damaged().with_detail("It was cut."))?;
        let text_bytes = full * CHUNK_BYTES as u64 + last;
        Ok(Opener { key: key.clone(), iv, stored_bytes, text_bytes })
    }

    /// Length of the plaintext.
    pub fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Which stored bytes must be read for a range of plaintext: offset and length.
    pub fn stored_range(&self, offset: u64, len: u64) -> (u64, u64) {
        let first = offset / CHUNK_BYTES as u64;
        let after = offset.saturating_add(len).div_ceil(CHUNK_BYTES as u64).max(first);
        let at = |chunk: u64| {
            let bytes = chunk.saturating_mul(SEALED_CHUNK_BYTES as u64);
            bytes.saturating_add(HEADER_BYTES as u64).min(self.stored_bytes)
        };
        (at(first), at(after) - at(first))
    }

    /// Opens what [`Opener::stored_range`] asked for; gives the plaintext of the wanted range.
    pub fn open(&self, mut stored: Vec<u8>, offset: u64, len: u64, file: &str) -> Result<Vec<u8>> {
        let damaged = || Error::corrupt(format!("encrypted file \"{file}\" is damaged"));
        let first = offset / CHUNK_BYTES as u64;
        let mut kept = 0;
        let mut from = 0;
        let mut chunk = first;
        while from < stored.len() {
            let to = (from + SEALED_CHUNK_BYTES).min(stored.len());
            let piece = stored.get_mut(from..to).ok_or_else(damaged)?;
            let text = self.key.open_chunk(&self.iv, chunk, piece).ok_or_else(damaged)?;
            let text = text.len();
            stored.copy_within(from..from + text, kept);
            kept += text;
            from = to;
            chunk += 1;
        }
        stored.truncate(kept);
        let skip = usize::try_from(offset % CHUNK_BYTES as u64).map_err(|_| damaged())?;
        let len = usize::try_from(len).map_err(|_| damaged())?;
        if stored.len() < skip.saturating_add(len) {
            return Err(damaged());
        }
        stored.drain(..skip);
        stored.truncate(len);
        Ok(stored)
    }
}

/// Decrypts a whole file.
pub fn open(key: &DataKey, stored: &[u8], file: &str) -> Result<Vec<u8>> {
    let opener = Opener::new(key, stored, stored.len() as u64, file)?;
    let sealed = stored.get(HEADER_BYTES..).unwrap_or_default().to_vec();
    let text = opener.open(sealed, 0, opener.text_bytes(), file)?;
    Ok(text)
}

/// The error for an encrypted file and no key.
pub fn key_needed(file: &str) -> Error {
    Error::new(
        sqlstate::INVALID_PARAMETER_VALUE,
        format!(
            "file \"{file}\" appears encrypted -- try specifying one of encryption_passphrase or kms"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> DataKey {
        DataKey::new(&[7; 32])
    }

    fn text(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|i| (i % 253) as u8).collect()
    }

    #[test]
    fn any_length_comes_back_and_the_last_chunk_is_short() {
        for bytes in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES] {
            let plain = text(bytes);
            let sealed = seal(&key(), &plain).unwrap();
            let chunks = bytes / CHUNK_BYTES + 1;
            assert_eq!(sealed.len(), HEADER_BYTES + bytes + chunks * TAG_BYTES);
            assert_eq!(open(&key(), &sealed, "f").unwrap(), plain);
            assert_ne!(seal(&key(), &plain).unwrap(), sealed, "a fresh IV for each file");
        }
    }

    #[test]
    fn cutting_swapping_and_changing_chunks_is_noticed() {
        let sealed = seal(&key(), &text(2 * CHUNK_BYTES + 10)).unwrap();
        for cut in [0, 5, 19, 20, 35, HEADER_BYTES + SEALED_CHUNK_BYTES, sealed.len() - 1] {
            assert!(open(&key(), &sealed[..cut], "f").is_err(), "cut at {cut}");
        }
        let mut swapped = sealed[..HEADER_BYTES].to_vec();
        let (a, rest) = sealed[HEADER_BYTES..].split_at(SEALED_CHUNK_BYTES);
        let (b, last) = rest.split_at(SEALED_CHUNK_BYTES);
        swapped.extend([b, a, last].concat());
        assert_eq!(open(&key(), &swapped, "f").unwrap_err().code(), sqlstate::DATA_CORRUPTED);
        let other = DataKey::new(&[8; 32]);
        assert!(open(&other, &sealed, "f").is_err());
        assert!(open(&key(), b"plain text", "f").is_err());
    }

    #[test]
    fn nonces_count_in_the_last_eight_bytes_and_wrap() {
        let iv = [1, 2, 3, 4, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(DataKey::nonce(&iv, 0), iv);
        assert_eq!(DataKey::nonce(&iv, 1), [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(DataKey::nonce(&iv, 3)[11], 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn ranges_open_by_themselves(bytes in 0usize..200_000, a in 0usize..200_000, b in 0usize..200_000) {
            let plain = text(bytes);
            let sealed = seal(&key(), &plain).unwrap();
            let opener = Opener::new(&key(), &sealed[..HEADER_BYTES], sealed.len() as u64, "f").unwrap();
            prop_assert_eq!(opener.text_bytes(), bytes as u64);
            let (from, to) = (a.min(b).min(bytes), a.max(b).min(bytes));
            let (offset, len) = opener.stored_range(from as u64, (to - from) as u64);
            let stored = sealed[offset as usize..(offset + len) as usize].to_vec();
            let got = opener.open(stored, from as u64, (to - from) as u64, "f").unwrap();
            prop_assert_eq!(&got[..], &plain[from..to]);
        }
    }
}
