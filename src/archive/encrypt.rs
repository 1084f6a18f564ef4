//! Client-side encryption: the key of a chain, and files sealed in chunks.
//!
//! ```text
//!   passphrase ──PBKDF2-HMAC-SHA256, 64,000 rounds, 16-byte salt──▶ 32-byte key of the chain
//!
//!   "encrypt" │ 2 │ IV, 12 bytes │ chunk 0 │ chunk 1 │ … │ last chunk
//!                                  65,536 + 16 bytes        shorter than full, perhaps empty
//! ```
//!
//! Each chunk is one AES-256-GCM message without associated data. Its nonce is the file's IV with
//! its last eight bytes, read as a big-endian number, plus the chunk's number (wrapping), so chunks
//! cannot change places. As the last chunk is always short, a file that was cut is noticed. A
//! fresh random IV is drawn for each file. Chunks can be opened in any order, hence ranges.
//!
//! The salt lies in ENCRYPTION-INFO beside the full backup, with a few bytes derived from the key
//! that tell a wrong passphrase from a damaged file.

use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::digest::hex;
use super::layout;
use crate::cloud::{Store, WriteMode, path};
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

const ROUNDS: u32 = 64_000;
/// More rounds than this in a file that we did not write would only waste hours.
const ROUNDS_MAX: u32 = 10_000_000;
const SALT_BYTES: usize = 16;
const IV_BYTES: usize = 12;
/// ENCRYPTION-INFO is a few hundred bytes; more is not ours.
const INFO_BYTES_MAX: u64 = 64 << 10;

/// What a user gives to encrypt or decrypt. Wiped from memory when dropped, never printed.
#[derive(Clone)]
pub enum Secret {
    /// `encryption_passphrase`.
    Passphrase(Zeroizing<String>),
    /// `kms`: the URIs of master keys.
    Kms(Vec<Zeroizing<String>>),
}

impl Secret {
    /// A passphrase.
    pub fn passphrase(text: impl Into<String>) -> Self {
        Secret::Passphrase(Zeroizing::new(text.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Secret::Passphrase(_) => "Passphrase(redacted)",
            Secret::Kms(_) => "Kms(redacted)",
        })
    }
}

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

/// A derived key with what is needed to recognise it.
struct Derived {
    key: DataKey,
    check: String,
}

fn derive(passphrase: &str, salt: &[u8], rounds: u32) -> Derived {
    let mut bytes = Zeroizing::new([0u8; 32]);
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase.as_bytes(), salt, rounds, &mut bytes[..]);
    let check = blake3::derive_key("cairn archive 1: check of a passphrase", &bytes[..]);
    Derived { key: DataKey::new(&bytes), check: hex(&check[..8]) }
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

/// ENCRYPTION-INFO, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Info {
    format_version: u32,
    method: String,
    rounds: u32,
    salt: String,
    key_check: String,
    /// BLAKE3 over the other fields, so that a damaged file is not taken for a wrong passphrase.
    checksum: String,
}

impl Info {
    fn sum(&self) -> String {
        let fields = format!(
            "{}\n{}\n{}\n{}\n{}",
            self.format_version, self.method, self.rounds, self.salt, self.key_check
        );
        blake3::hash(fields.as_bytes()).to_hex().to_string()
    }
}

/// The key of a new chain, with the ENCRYPTION-INFO that lets others find it.
pub struct NewKey {
    /// The key.
    pub key: DataKey,
    /// What [`publish_info`] writes. It is no secret.
    pub info: String,
}

/// Draws a salt and derives the key of a new chain. Writes nothing.
pub fn prepare_key(secret: &Secret) -> Result<NewKey> {
    let passphrase = passphrase(secret)?;
    let mut salt = [0u8; SALT_BYTES];
    rand::fill(&mut salt);
    let derived = derive(passphrase, &salt, ROUNDS);
    let mut info = Info {
        format_version: 1,
        method: "passphrase".to_owned(),
        rounds: ROUNDS,
        salt: hex(&salt),
        key_check: derived.check,
        checksum: String::new(),
    };
    info.checksum = info.sum();
    let info = serde_json::to_string(&info)
        .map_err(|e| Error::internal(format!("ENCRYPTION-INFO could not be written: {e}")))?;
    Ok(NewKey { key: derived.key, info })
}

/// Writes ENCRYPTION-INFO into the full backup's directory; it may be there from an earlier try.
pub fn publish_info(store: &dyn Store, full_dir: &str, info: &str) -> Result<()> {
    let file = path::join(full_dir, layout::ENCRYPTION_INFO);
    match store.write(&file, info.to_owned().into(), WriteMode::CreateNew) {
        Err(e) if e.code() == sqlstate::DUPLICATE_FILE => {
            let there = store.read_bounded(&file, INFO_BYTES_MAX)?;
            if there == info.as_bytes() { Ok(()) } else { Err(e) }
        }
        other => other,
    }
}

/// The key of a new chain: writes ENCRYPTION-INFO into the full backup's directory, or, if it is
/// there from an earlier run of the same job, opens it.
pub fn create_key(store: &dyn Store, full_dir: &str, secret: &Secret) -> Result<DataKey> {
    let new = prepare_key(secret)?;
    match publish_info(store, full_dir, &new.info) {
        Ok(()) => Ok(new.key),
        Err(e) if e.code() == sqlstate::DUPLICATE_FILE => open_key(store, full_dir, secret),
        Err(e) => Err(e),
    }
}

/// The key of an existing chain.
pub fn open_key(store: &dyn Store, full_dir: &str, secret: &Secret) -> Result<DataKey> {
    let passphrase = passphrase(secret)?;
    let file = path::join(full_dir, layout::ENCRYPTION_INFO);
    let text = store.read_bounded(&file, INFO_BYTES_MAX).map_err(|e| match e.code() {
        sqlstate::UNDEFINED_FILE => Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("could not find or read encryption information in \"{full_dir}\""),
        )
        .with_hint("The backup seems not to be encrypted; leave the passphrase out."),
        _ => e.context("could not find or read encryption information"),
    })?;
    let damaged = || Error::corrupt(format!("file \"{file}\" is damaged"));
    let info: Info = serde_json::from_slice(&text).map_err(|_| damaged())?;
    // The text must be exactly what we would write, so that no change at all goes unnoticed.
    let again = serde_json::to_vec(&info).map_err(|_| damaged())?;
    if info.checksum != info.sum() || again != text {
        return Err(damaged());
    }
    if info.format_version != 1 {
        return Err(Error::unsupported(format!(
            "encryption information of format {}",
            info.format_version
        )));
    }
    if info.method != "passphrase" {
        return Err(Error::unsupported(format!("encryption by {}", info.method.escape_debug())));
    }
    if info.rounds == 0 || info.rounds > ROUNDS_MAX {
        return Err(damaged());
    }
    let salt = super::digest::unhex(&info.salt).ok_or_else(damaged)?;
    let derived = derive(passphrase, &salt, info.rounds);
    if derived.check != info.key_check {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            "failed to decrypt -- maybe incorrect key",
        )
        .with_hint("The passphrase is not the one that the full backup was made with."));
    }
    Ok(derived.key)
}

fn passphrase(secret: &Secret) -> Result<&str> {
    match secret {
        Secret::Passphrase(text) if text.is_empty() => {
            Err(Error::new(sqlstate::INVALID_PARAMETER_VALUE, "the passphrase must not be empty"))
        }
        Secret::Passphrase(text) => Ok(text),
        Secret::Kms(_) => Err(Error::unsupported("encryption by kms")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Memory;
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

    #[test]
    fn the_passphrase_finds_its_key_again_and_another_does_not() {
        let store = Memory::new();
        let right = Secret::passphrase("correct horse");
        let sealed = seal(&create_key(&store, "/full", &right).unwrap(), b"secret").unwrap();
        let key = open_key(&store, "/full", &right).unwrap();
        assert_eq!(open(&key, &sealed, "f").unwrap(), b"secret");
        // A second run of the job keeps the salt.
        let again = create_key(&store, "/full", &right).unwrap();
        assert_eq!(open(&again, &sealed, "f").unwrap(), b"secret");
        for (dir, passphrase, words) in [
            ("/full", "wrong", "maybe incorrect key"),
            ("/full", "", "must not be empty"),
            ("/plain", "correct horse", "encryption information"),
        ] {
            let e = open_key(&store, dir, &Secret::passphrase(passphrase)).unwrap_err();
            assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE);
            assert!(e.message().contains(words), "{e}");
        }
        let shown = format!("{right:?} {key:?}");
        assert!(!shown.contains("horse"));
    }

    #[test]
    fn every_changed_byte_of_encryption_info_is_noticed() {
        let store = Memory::new();
        let secret = Secret::passphrase("p");
        create_key(&store, "f", &secret).unwrap();
        let good = store.read("f/ENCRYPTION-INFO").unwrap();
        for at in 0..good.len() {
            for bit in [1u8, 0x20] {
                let mut bad = good.to_vec();
                bad[at] ^= bit;
                store.poke("f/ENCRYPTION-INFO", bad);
                let e = open_key(&store, "f", &secret).unwrap_err();
                assert_eq!(e.code(), sqlstate::DATA_CORRUPTED, "byte {at}: {e}");
            }
        }
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
