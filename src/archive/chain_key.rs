//! Where the key of an encrypted chain comes from.
//!
//! ```text
//!   passphrase ──PBKDF2-HMAC-SHA256, 64,000 rounds, 16-byte salt──▶ 32-byte key of the chain
//!
//!   32 random bytes ──▶ key of the chain ──wrapped by each master key──▶ ENCRYPTION-INFO
//! ```
//!
//! ENCRYPTION-INFO lies beside the full backup. It holds the salt, or the key wrapped by each of
//! the master keys, found by the SHA-256 of the master key's identity; and in either case a few
//! bytes derived from the key that tell a wrong one from a damaged file. It is no secret.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::digest::{hex, unhex};
use super::encrypt::DataKey;
use super::layout;
use crate::cloud::{MasterKey, Store, WriteMode, path};
use crate::error::{Error, Result, sqlstate};

const ROUNDS: u32 = 64_000;
/// More rounds than this in a file that we did not write would only waste hours.
const ROUNDS_MAX: u32 = 10_000_000;
const SALT_BYTES: usize = 16;
/// ENCRYPTION-INFO is a few hundred bytes; more is not ours.
const INFO_BYTES_MAX: u64 = 64 << 10;

/// What a user gives to encrypt or decrypt. Wiped from memory when dropped, never printed.
#[derive(Clone)]
pub enum Secret {
    /// `encryption_passphrase`.
    Passphrase(Zeroizing<String>),
    /// `kms`: master keys, at least one.
    Kms(Vec<Arc<dyn MasterKey>>),
    /// The key itself, found elsewhere already. Opens chains, but makes none.
    Opened(DataKey),
}

impl Secret {
    /// A passphrase.
    pub fn passphrase(text: impl Into<String>) -> Self {
        Secret::Passphrase(Zeroizing::new(text.into()))
    }

    /// The option as a description may show it; `whole` says whether master keys are named.
    pub fn shown(&self, whole: bool) -> String {
        let Secret::Kms(keys) = self else { return "encryption_passphrase = '*****'".to_owned() };
        let quoted: Vec<String> =
            keys.iter().map(|key| format!("'{}'", key.shown(whole).replace('\'', "''"))).collect();
        match quoted.as_slice() {
            [one] => format!("kms = {one}"),
            several => format!("kms = ({})", several.join(", ")),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Secret::Passphrase(_) => "Passphrase(redacted)",
            Secret::Kms(_) => "Kms(redacted)",
            Secret::Opened(_) => "Opened(redacted)",
        })
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

fn check_of_random(bytes: &[u8; 32]) -> String {
    let check = blake3::derive_key("cairn archive 1: check of a wrapped key", bytes);
    hex(&check[..8])
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

/// ENCRYPTION-INFO of a chain whose key is wrapped, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    format_version: u32,
    method: String,
    /// SHA-256 of a master key's identity, to the key that it wrapped.
    keys: BTreeMap<String, String>,
    key_check: String,
    /// BLAKE3 over the other fields.
    checksum: String,
}

const METHOD_PASSPHRASE: &str = "passphrase";
const METHOD_KMS: &str = "kms";

impl Wrapped {
    fn sum(&self) -> String {
        let mut fields = format!("{}\n{}\n{}", self.format_version, self.method, self.key_check);
        for (id, key) in &self.keys {
            fields.push_str(&format!("\n{id}\n{key}"));
        }
        blake3::hash(fields.as_bytes()).to_hex().to_string()
    }

    /// Wraps a key by some master keys. What others wrapped stays.
    fn add(&mut self, key: &[u8; 32], masters: &[Arc<dyn MasterKey>]) -> Result<()> {
        for master in masters {
            self.keys.insert(identity(&**master), hex(&master.wrap(key)?));
        }
        self.checksum = self.sum();
        Ok(())
    }

    /// The key, by the first of some master keys that can unwrap it.
    fn open(&self, masters: &[Arc<dyn MasterKey>], file: &str) -> Result<Zeroizing<[u8; 32]>> {
        let mut found = Vec::with_capacity(masters.len());
        for master in masters {
            let wrapped = self.keys.get(&identity(&**master)).ok_or_else(|| {
                invalid("one of the provided URIs was not used when encrypting the base backup")
                    .with_detail(format!("It is {}.", master.shown(true)))
            })?;
            found.push((master, wrapped));
        }
        let mut refusal = None;
        for (master, wrapped) in found {
            let damaged = || Error::corrupt(format!("file \"{file}\" is damaged"));
            let wrapped = unhex(wrapped).ok_or_else(damaged)?;
            match master.unwrap(&wrapped) {
                Ok(bytes) => {
                    let key = <&[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| wrong_key())?;
                    if check_of_random(key) != self.key_check {
                        return Err(wrong_key());
                    }
                    return Ok(Zeroizing::new(*key));
                }
                // Another region may still answer; the first refusal is the one that is told.
                Err(e) => refusal = refusal.or(Some(e)),
            }
        }
        Err(refusal.unwrap_or_else(|| Error::internal("no master key")))
    }
}

fn identity(master: &dyn MasterKey) -> String {
    hex(&Sha256::digest(master.id().as_bytes()))
}

fn invalid(message: &str) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

fn wrong_key() -> Error {
    invalid("failed to decrypt -- maybe incorrect key")
}

/// The key of a new chain, with the ENCRYPTION-INFO that lets others find it.
pub struct NewKey {
    /// The key.
    pub key: DataKey,
    /// What [`publish_info`] writes. It is no secret.
    pub info: String,
}

/// Draws a salt, or a key, for a new chain. Asks master keys, but writes nothing.
pub fn prepare_key(secret: &Secret) -> Result<NewKey> {
    match secret {
        Secret::Passphrase(text) => prepare_derived(passphrase(text)?),
        Secret::Kms(masters) => prepare_wrapped(masters),
        Secret::Opened(_) => Err(Error::internal("a new chain needs a key of its own")),
    }
}

fn prepare_derived(passphrase: &str) -> Result<NewKey> {
    let mut salt = [0u8; SALT_BYTES];
    rand::fill(&mut salt);
    let derived = derive(passphrase, &salt, ROUNDS);
    let mut info = Info {
        format_version: 1,
        method: METHOD_PASSPHRASE.to_owned(),
        rounds: ROUNDS,
        salt: hex(&salt),
        key_check: derived.check,
        checksum: String::new(),
    };
    info.checksum = info.sum();
    Ok(NewKey { key: derived.key, info: to_text(&info)? })
}

fn prepare_wrapped(masters: &[Arc<dyn MasterKey>]) -> Result<NewKey> {
    let mut key = Zeroizing::new([0u8; 32]);
    rand::fill(&mut key[..]);
    let mut info = Wrapped {
        format_version: 1,
        method: METHOD_KMS.to_owned(),
        keys: BTreeMap::new(),
        key_check: check_of_random(&key),
        checksum: String::new(),
    };
    info.add(&key, masters)?;
    Ok(NewKey { key: DataKey::new(&key), info: to_text(&info)? })
}

fn to_text(info: &impl Serialize) -> Result<String> {
    serde_json::to_string(info)
        .map_err(|e| Error::internal(format!("ENCRYPTION-INFO could not be written: {e}")))
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
    let file = path::join(full_dir, layout::ENCRYPTION_INFO);
    let info = match secret {
        Secret::Opened(key) => return Ok(key.clone()),
        _ => read_info(store, full_dir, &file)?,
    };
    match (info, secret) {
        (Stored::Derived(info), Secret::Passphrase(text)) => {
            let damaged = || Error::corrupt(format!("file \"{file}\" is damaged"));
            let salt = unhex(&info.salt).ok_or_else(damaged)?;
            let derived = derive(passphrase(text)?, &salt, info.rounds);
            if derived.check != info.key_check {
                return Err(wrong_key().with_hint(
                    "The passphrase is not the one that the full backup was made with.",
                ));
            }
            Ok(derived.key)
        }
        (Stored::Wrapped(info), Secret::Kms(masters)) => {
            Ok(DataKey::new(&*info.open(masters, &file)?))
        }
        (Stored::Derived(_), Secret::Kms(_)) => {
            Err(invalid("the backup is encrypted with a passphrase, not with kms")
                .with_hint("Use the option encryption_passphrase."))
        }
        (Stored::Wrapped(_), Secret::Passphrase(_)) => {
            Err(invalid("the backup is encrypted with kms, not with a passphrase")
                .with_hint("Use the option kms."))
        }
        (_, Secret::Opened(key)) => Ok(key.clone()),
    }
}

/// Lets further master keys open a chain, as one that opens it allows.
pub fn add_master_keys(
    store: &dyn Store,
    full_dir: &str,
    old: &[Arc<dyn MasterKey>],
    new: &[Arc<dyn MasterKey>],
) -> Result<()> {
    let file = path::join(full_dir, layout::ENCRYPTION_INFO);
    let Stored::Wrapped(mut info) = read_info(store, full_dir, &file)? else {
        return Err(invalid("the backup is encrypted with a passphrase, not with kms"));
    };
    let key = info.open(old, &file)?;
    info.add(&key, new)?;
    store.write(&file, to_text(&info)?.into(), WriteMode::Overwrite)
}

/// What an ENCRYPTION-INFO can be.
enum Stored {
    Derived(Info),
    Wrapped(Wrapped),
}

fn read_info(store: &dyn Store, full_dir: &str, file: &str) -> Result<Stored> {
    let text = store.read_bounded(file, INFO_BYTES_MAX).map_err(|e| match e.code() {
        sqlstate::UNDEFINED_FILE => {
            invalid(&format!("could not find or read encryption information in \"{full_dir}\""))
                .with_hint("The backup seems not to be encrypted; leave the passphrase or kms out.")
        }
        _ => e.context("could not find or read encryption information"),
    })?;
    let damaged = || Error::corrupt(format!("file \"{file}\" is damaged"));
    // The text must be exactly what we would write, so that no change at all goes unnoticed.
    let format = |version: u32| match version {
        1 => Ok(()),
        version => Err(Error::unsupported(format!("encryption information of format {version}"))),
    };
    if let Ok(info) = serde_json::from_slice::<Wrapped>(&text) {
        if info.checksum != info.sum() || to_text(&info)?.as_bytes() != &text[..] {
            return Err(damaged());
        }
        format(info.format_version)?;
        if info.method != METHOD_KMS {
            return Err(unknown_method(&info.method));
        }
        return Ok(Stored::Wrapped(info));
    }
    let info: Info = serde_json::from_slice(&text).map_err(|_| damaged())?;
    if info.checksum != info.sum() || to_text(&info)?.as_bytes() != &text[..] {
        return Err(damaged());
    }
    format(info.format_version)?;
    if info.method != METHOD_PASSPHRASE {
        return Err(unknown_method(&info.method));
    }
    if info.rounds == 0 || info.rounds > ROUNDS_MAX {
        return Err(damaged());
    }
    Ok(Stored::Derived(info))
}

fn unknown_method(method: &str) -> Error {
    Error::unsupported(format!("encryption by {}", method.escape_debug()))
}

fn passphrase(text: &str) -> Result<&str> {
    if text.is_empty() { Err(invalid("the passphrase must not be empty")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::super::encrypt::{open, seal};
    use super::*;
    use crate::cloud::Memory;
    use crate::cloud::kms::TestKey;

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

    fn masters(names: &[&str]) -> Vec<Arc<dyn MasterKey>> {
        names.iter().map(|name| Arc::new(TestKey::new(name)) as Arc<dyn MasterKey>).collect()
    }

    #[test]
    fn any_one_of_the_master_keys_opens_a_chain_and_no_other_does() {
        let store = Memory::new();
        let both = Secret::Kms(masters(&["a", "b"]));
        let sealed = seal(&create_key(&store, "full", &both).unwrap(), b"secret").unwrap();
        for names in [&["a"][..], &["b"], &["b", "a"]] {
            let key = open_key(&store, "full", &Secret::Kms(masters(names))).unwrap();
            assert_eq!(open(&key, &sealed, "f").unwrap(), b"secret");
        }
        for names in [&["c"][..], &["a", "c"]] {
            let e = open_key(&store, "full", &Secret::Kms(masters(names))).unwrap_err();
            assert!(e.message().contains("one of the provided URIs was not used"), "{e}");
        }
        let e = open_key(&store, "full", &Secret::passphrase("p")).unwrap_err();
        assert!(e.message().contains("encrypted with kms"), "{e}");
        // A new master key comes in through an old one, and the old ones stay.
        add_master_keys(&store, "full", &masters(&["b"]), &masters(&["c"])).unwrap();
        for name in ["a", "b", "c"] {
            let key = open_key(&store, "full", &Secret::Kms(masters(&[name]))).unwrap();
            assert_eq!(open(&key, &sealed, "f").unwrap(), b"secret");
        }
        assert!(add_master_keys(&store, "full", &masters(&["d"]), &masters(&["d"])).is_err());
    }

    #[test]
    fn every_changed_byte_of_wrapped_keys_is_noticed() {
        let store = Memory::new();
        let secret = Secret::Kms(masters(&["a"]));
        create_key(&store, "f", &secret).unwrap();
        let good = store.read("f/ENCRYPTION-INFO").unwrap();
        for at in 0..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            store.poke("f/ENCRYPTION-INFO", bad);
            let e = open_key(&store, "f", &secret).unwrap_err();
            assert_eq!(e.code(), sqlstate::DATA_CORRUPTED, "byte {at}: {e}");
        }
    }
}
