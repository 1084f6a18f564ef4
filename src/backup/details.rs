//! What a backup's job keeps: in its row, beside it, and as progress.

use serde::{Deserialize, Serialize};

use crate::archive::{EntryCounts, Manifest};
use crate::catalog::descriptor::DescriptorId;

/// Everything that planning decided. Nothing here is secret: the row of a job is shown to people
/// and goes into cluster backups.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Details {
    /// The store, without its secrets.
    pub location: String,
    /// The layer's directory on the store.
    pub dir: String,
    /// Whether LATEST shall name this layer.
    pub names_latest: bool,
    /// Whether the chain is encrypted; the key is among the secrets.
    pub encrypted: bool,
    /// ENCRYPTION-INFO of a new encrypted chain.
    #[serde(default)]
    pub encryption_info: Option<String>,
    /// The descriptors that go in, as of the end time.
    pub objects: Vec<DescriptorId>,
    /// Objects that were dropped and whose data is gone: their history is left out.
    #[serde(default)]
    pub left_out: Vec<DescriptorId>,
    /// Entries of the chain so far: how much there is to scan, more or less.
    #[serde(default)]
    pub known_entries: u64,
    /// The manifest, still without descriptors and files.
    pub manifest: Manifest,
}

/// What only administrators may see, and only while the job is not over.
#[derive(Serialize, Deserialize)]
pub(super) struct Secrets {
    /// The store's URI in full.
    pub(super) uri: String,
    /// The chain's key. The passphrase that it came from is kept nowhere.
    #[serde(default)]
    pub(super) key: Option<String>,
    /// The locality and the URI of the store that takes the data files, if it is another one.
    #[serde(default)]
    pub(super) elsewhere: Option<(String, String)>,
}

/// What a job has done, as the waiting statement reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Rows: entries of primary indexes.
    #[serde(default)]
    pub rows: u64,
    /// Entries of secondary indexes.
    #[serde(default)]
    pub index_entries: u64,
    /// Bytes of keys and values.
    #[serde(default)]
    pub bytes: u64,
    /// Data files.
    #[serde(default)]
    pub files: u64,
    /// Whether the layer is complete, so that nothing but tidying up is left.
    #[serde(default)]
    pub complete: bool,
}

impl Totals {
    pub(super) fn of(counts: &EntryCounts, files: usize, complete: bool) -> Totals {
        Totals {
            rows: counts.rows,
            index_entries: counts.index_entries,
            bytes: counts.bytes,
            files: files as u64,
            complete,
        }
    }
}
