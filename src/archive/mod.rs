//! # archive: the format of backups
//!
//! What BACKUP leaves on a store and RESTORE reads. `backup` and `restore` know each other only
//! through these bytes. Whatever one released version wrote, every later one reads.
//!
//! ```text
//!   <collection>/
//!     LATEST                          "/2021/03/23-213101.37": the newest full     collection.rs
//!     2021/03/23-213101.37/           a full backup, named by its end time in UTC  layout.rs
//!       BACKUP                        the manifest; its presence means complete    manifest.rs
//!       BACKUP-STATISTICS             table statistics
//!       ENCRYPTION-INFO               salt, or wrapped keys, of an encrypted chain chain_key.rs
//!       data/<id>.cdf                 data files                                   writer, reader
//!       BACKUP-CHECKPOINT             only while a job runs                        layer.rs
//!       BACKUP-LOCK-<job>             only while a job runs
//!       20210324/155530.50/           an incremental of this full, named alike
//!         BACKUP, BACKUP-STATISTICS, data/…
//! ```
//!
//! Words: a *layer* is one full or incremental backup; a *chain* is a full and its incrementals,
//! each beginning where the one before ends; an *entry* is one version of one key, a value or a
//! tombstone; a *record* is a manifest's description of a data file.
//!
//! ## How to read it
//!
//! 1. LATEST (or a listing) gives the full's directory. Its incrementals are the directories of
//!    the shape `YYYYMMDD/HHMMSS.CC` below it that hold a BACKUP, in the order of their names.
//! 2. If a file begins with `encrypt`, the chain is encrypted: derive the key from the passphrase
//!    and the full's ENCRYPTION-INFO (a JSON object: `rounds` of PBKDF2-HMAC-SHA256 over the
//!    hexadecimal `salt`; or `keys`, where a master key finds what it wrapped by the SHA-256 of
//!    its identity), and open the file chunk by chunk as `encrypt.rs` says. What follows is
//!    about plaintext. LATEST, ENCRYPTION-INFO and lock files are never encrypted.
//! 3. BACKUP is a document: `CAIRNDOC`, a kind byte (1), JSON in one zstd frame, and the BLAKE3 of
//!    all that. The JSON's fields are those of [`Manifest`]; timestamps are decimal texts, keys
//!    hexadecimal texts, digests 64 hexadecimal digits.
//! 4. A data file is, from front to back,
//!
//! ```text
//!    "CAIRNDF1" │ block │ block │ … │ index │ footer, 64 bytes
//! ```
//!
//!    each block and the index one zstd frame. The footer says where the index begins, and the
//!    index how long each block is and which key it begins with; the bytes are in `block.rs`.
//!    Entries rise by key and, within a key, fall by time. All versions of a key that one layer
//!    holds are in one data file.
//!
//! ## What notices which damage
//!
//! ```text
//!   LATEST            shape, and a complete backup where it leads
//!   BACKUP, …         BLAKE3 at the end; kind byte; the end time must fit the directory's name
//!   chain             ids of full and previous layer; times without gap (manifest::check_chain)
//!   statistics        BLAKE3 in the manifest
//!   data file         length and BLAKE3 of the stored file in the manifest (verify_file);
//!                     BLAKE3 of index and footer in the manifest, and in the index half a BLAKE3
//!                     of each block: so a range that was read by itself is checked as well
//!   ENCRYPTION-INFO   BLAKE3 over its fields, exact text
//!   encrypted files   each chunk is authenticated with its number, the last one is short
//! ```
//!
//! The footer holds the ids of backup and file and the manifest holds the footer's digest, so two
//! data files cannot change places, within a backup or between backups.
//!
//! Invariants:
//! - Files are written in the order that `layer.rs` states, so that a reader is safe at any time.
//! - No length in a file is believed before memory is taken: decompression and keys are bounded.
//! - Keys and passphrases are wiped when dropped and have no printable form.
//!
//! What it is not: which spans and versions go into a layer (`backup`), what becomes of them
//! (`restore`), or the meaning of descriptors, which are opaque JSON here.

mod block;
pub mod chain_key;
pub mod collection;
mod digest;
mod document;
pub mod encrypt;
pub mod layer;
pub mod layout;
pub mod manifest;
mod reader;
pub mod retention;
mod writer;

#[cfg(test)]
mod tests;

pub use chain_key::Secret;
pub use digest::Digest;
pub use encrypt::DataKey;
pub use layer::Layer;
pub use manifest::{
    BuildInfo, Checkpoint, Coverage, DescriptorChange, EntryCounts, FORMAT_VERSION, FileRecord,
    Manifest, MvccFilter, StatisticsFile, check_chain, main_line,
};
pub use reader::{DataFileReader, Entry, Scan, verify_file};
pub use writer::{DataFileWriter, FileSummary, Sink, WriterOptions};
