//! What a restore's job keeps: its details, fixed at planning, and its progress.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalog::descriptor::{Descriptor, DescriptorId};
use crate::clock::Timestamp;
use crate::keys::{IndexId, SpanSet, TableId};

/// What was asked for, and everything that planning decided. Holds no secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Details {
    /// The role that ran the statement.
    pub user: String,
    /// Whether the whole cluster comes back, system tables included.
    pub cluster: bool,
    /// Whether only users come back.
    #[serde(default)]
    pub users: bool,
    /// The layers to read, oldest first.
    pub layers: Vec<LayerRef>,
    /// The time to which is restored.
    pub as_of: Timestamp,
    /// The new descriptors as they will be, each public; databases before schemas before the rest.
    pub descriptors: Vec<Descriptor>,
    /// The data to load, by old number.
    pub tables: Vec<TableWork>,
    /// Old numbers to new ones.
    pub ids: BTreeMap<DescriptorId, DescriptorId>,
    /// Objects of this cluster into which something is put: they must stay.
    pub into: Vec<DescriptorId>,
    /// Databases of this cluster that a cluster restore takes the place of.
    pub replaced: Vec<String>,
    /// No rows are wanted.
    pub schema_only: bool,
    /// Without rows, the data is read and checked nevertheless.
    pub verify_data: bool,
}

/// One layer, as a job finds it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRef {
    /// Which of the destinations.
    pub base: usize,
    /// The directory there.
    pub dir: String,
    /// The layer's own id.
    pub id: Uuid,
}

/// The data of one table, materialised view or sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableWork {
    /// Its number in the backup.
    pub old: TableId,
    /// Its number here.
    pub new: TableId,
    /// Its name, for messages.
    pub name: String,
    /// The index of the rows.
    pub primary: IndexId,
    /// Every index, the primary one included, rising.
    pub indexes: Vec<IndexId>,
}

/// What a run needs and nobody may see: kept by `jobs::secret`.
#[derive(Serialize, Deserialize)]
pub struct Secrets {
    /// The destinations with their credentials.
    pub bases: Vec<Vec<String>>,
    /// The key of an encrypted chain.
    pub key: Option<String>,
}

/// How far a run has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing is written.
    #[default]
    Planned,
    /// The descriptors are there, offline.
    Prepared,
    /// Everything is public: the job cannot fail any more.
    Published,
}

/// What each checkpoint remembers. The counts are those of the statement's result row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// How far the run has got.
    pub stage: Stage,
    /// The time of every restored version, once it was chosen.
    #[serde(default)]
    pub loaded_at: Option<Timestamp>,
    /// Old keys whose rows are loaded.
    #[serde(default)]
    pub completed: SpanSet,
    /// Rows: entries of primary indexes, and values of sequences.
    pub rows: u64,
    /// Entries of secondary indexes.
    pub index_entries: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}
