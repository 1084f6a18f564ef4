//! The manifest: what one layer holds. The checkpoint: what a running job has so far.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::digest::Digest;
use super::layout;
use crate::clock::Timestamp;
use crate::cloud::path;
use crate::error::{Error, Result, sqlstate};
use crate::keys::Span;

/// The version of the format that this code writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// Which versions a layer keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MvccFilter {
    /// The newest of each key as of the end time.
    Latest,
    /// All between start and end time (`revision_history`).
    All,
}

/// What a layer was asked to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Named databases or tables.
    Requested,
    /// The whole cluster.
    All,
}

/// Which program wrote a layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildInfo {
    /// The program's name.
    pub product: String,
    /// Its version.
    pub version: String,
}

impl BuildInfo {
    /// This program.
    pub fn this() -> Self {
        BuildInfo { product: "Cairn".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Counts of what was backed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryCounts {
    /// Rows: entries of primary indexes.
    pub rows: u64,
    /// Entries of secondary indexes.
    pub index_entries: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

impl EntryCounts {
    /// Adds a file's counts.
    pub fn add(&mut self, file: &FileRecord) {
        self.rows = self.rows.saturating_add(file.rows);
        self.index_entries = self.index_entries.saturating_add(file.index_entries);
        self.bytes = self.bytes.saturating_add(file.bytes);
    }
}

/// One data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its path from the layer's directory.
    pub path: String,
    /// The keys that are in it.
    pub span: Span,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Bytes of the stored file.
    pub file_bytes: u64,
    /// Entries, tombstones included.
    pub entries: u64,
    /// Entries of primary indexes.
    pub rows: u64,
    /// Entries of secondary indexes.
    pub index_entries: u64,
    /// BLAKE3 of the stored file.
    pub hash: Digest,
    /// BLAKE3 of the file's index and footer, before encryption.
    pub index_hash: Digest,
    /// Which destination holds it; `None` is the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
}

/// A descriptor as it was at a time; `None` is a drop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DescriptorChange {
    /// When it became so.
    pub time: Timestamp,
    /// The descriptor's id.
    pub id: u32,
    /// What it became.
    pub descriptor: Option<Value>,
}

/// One file of statistics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatisticsFile {
    /// Its path from the layer's directory. The document is a list of objects, each with the
    /// columns of `system.table_statistics` by name (`tableID` is that of the backup; `createdAt`
    /// in microseconds since 2000-01-01, `histogram` absent or hexadecimal).
    pub path: String,
    /// BLAKE3 of the stored file.
    pub hash: Digest,
}

/// What one layer holds. Fields that a later version adds are ignored by an earlier one only if
/// the format version stays the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] when it was written.
    pub format_version: u32,
    /// The layer's own id, also in the footer of its data files.
    pub id: Uuid,
    /// The id of the chain's full backup; a full names itself.
    pub full_id: Uuid,
    /// The id of the layer before; `None` for a full.
    #[serde(default)]
    pub previous_id: Option<Uuid>,
    /// The cluster that was backed up.
    pub cluster_id: Uuid,
    /// The job that wrote it.
    pub job_id: i64,
    /// The program that wrote it.
    pub build: BuildInfo,
    /// Exclusive; [`Timestamp::MIN`] for a full.
    pub start_time: Timestamp,
    /// Inclusive; the layer is consistent as of this time.
    pub end_time: Timestamp,
    /// With [`MvccFilter::All`], the earliest time that can be restored: in an incremental its
    /// `start_time`.
    pub revision_start_time: Timestamp,
    /// Which versions there are.
    pub mvcc_filter: MvccFilter,
    /// What was asked for.
    pub coverage: Coverage,
    /// The databases that are here with everything in them.
    pub complete_databases: Vec<u32>,
    /// The spans that were backed up from `start_time`: with the tombstones of keys that went away
    /// since. In a full, everything. Together with `introduced_spans` they cover every index of
    /// every table and sequence that can be restored from this layer: a reader that misses one
    /// refuses. They may be whole tables or single indexes, and may touch or be joined.
    pub spans: Vec<Span>,
    /// The spans that were backed up from the beginning because the layer before lacks them or
    /// holds something else there (new tables and indexes, tables that were offline, bulk loads).
    /// They need no tombstones: for these keys a reader takes nothing from earlier layers.
    pub introduced_spans: Vec<Span>,
    /// The catalog's descriptors as of `end_time`, each as `serde_json` writes a
    /// `catalog::descriptor::Descriptor`: every object backed up, and the databases and schemas
    /// around it. With [`Coverage::All`] those of the system database too. Offline ones are here
    /// in their state, so that the next layer knows; they cannot be restored.
    pub descriptors: Vec<Value>,
    /// Their history, with [`MvccFilter::All`], by rising time. In an incremental, the changes
    /// after `start_time`, to be applied to the `descriptors` of the layer before. In a full, the
    /// changes after `revision_start_time`, and before them every descriptor that existed then, as
    /// a change with just that time.
    #[serde(default)]
    pub descriptor_changes: Vec<DescriptorChange>,
    /// The data files.
    pub files: Vec<FileRecord>,
    /// Totals over the files.
    pub entry_counts: EntryCounts,
    /// The locality of the server that wrote it.
    #[serde(default)]
    pub locality: Option<String>,
    /// The localities of the other destinations of a locality-aware backup.
    #[serde(default)]
    pub localities: Vec<String>,
    /// The statistics.
    #[serde(default)]
    pub statistics: Vec<StatisticsFile>,
    /// What the statement said that later readers need, by option name.
    #[serde(default)]
    pub options: serde_json::Map<String, Value>,
}

impl Manifest {
    /// Whether this is a full backup.
    pub fn is_full(&self) -> bool {
        self.start_time == Timestamp::MIN
    }

    /// Checks what a reader relies on; `dir` is the layer's directory.
    pub fn check(&self, dir: &str) -> Result<()> {
        let damaged = |why: String| {
            Err(Error::corrupt(format!("the manifest in \"{dir}\" is damaged")).with_detail(why))
        };
        if self.format_version == 0 || self.format_version > FORMAT_VERSION {
            return Err(Error::unsupported(format!("a backup of format {}", self.format_version))
                .with_hint(format!(
                    "It was written by {} {}.",
                    self.build.product, self.build.version
                )));
        }
        if self.start_time >= self.end_time {
            return damaged("Its end time is not after its start time.".to_owned());
        }
        if self.is_full() != (self.full_id == self.id)
            || self.is_full() == self.previous_id.is_some()
        {
            return damaged("Its place in the chain contradicts its start time.".to_owned());
        }
        if self.spans.iter().chain(&self.introduced_spans).any(Span::is_empty) {
            return damaged("It has an empty span.".to_owned());
        }
        let paths = self.files.iter().map(|file| &file.path);
        for file in paths.chain(self.statistics.iter().map(|file| &file.path)) {
            if path::clean(file).ok().as_ref() != Some(file) || file.is_empty() {
                return damaged(format!("It names a file \"{}\".", file.escape_debug()));
            }
        }
        layout::check_place(dir, self.end_time)
    }
}

/// What a running job has so far: a manifest that grows, and the spans that are done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The layer's manifest as it would be if the job ended now.
    pub manifest: Manifest,
    /// The spans whose files are all in the manifest.
    pub completed: Vec<Span>,
}

/// Checks that layers, full first, are one chain without a gap; `dirs` are their directories.
pub fn check_chain<'a>(layers: impl IntoIterator<Item = (&'a str, &'a Manifest)>) -> Result<()> {
    let mut before: Option<&Manifest> = None;
    let mut full: Option<&Manifest> = None;
    for (dir, layer) in layers {
        match (full, before) {
            (Some(full), Some(before)) => {
                if layer.full_id != full.id || layer.cluster_id != full.cluster_id {
                    return Err(Error::corrupt(format!(
                        "the backup in \"{dir}\" does not belong to the full backup above it"
                    )));
                }
                if layer.start_time != before.end_time || layer.previous_id != Some(before.id) {
                    return Err(Error::new(
                        sqlstate::UNDEFINED_FILE,
                        format!("the backup before the one in \"{dir}\" is missing"),
                    )
                    .with_detail(format!(
                        "It begins at {}, and the last one before it that was found ends at {}.",
                        layer.start_time, before.end_time
                    )));
                }
            }
            _ if !layer.is_full() => {
                return Err(Error::new(
                    sqlstate::INVALID_PARAMETER_VALUE,
                    format!("the backup in \"{dir}\" is not a full one"),
                )
                .with_hint(
                    "An incremental backup can only be used with those that it continues.",
                ));
            }
            _ => full = Some(layer),
        }
        before = Some(layer);
    }
    Ok(())
}

/// Of the layers found below a full backup, oldest first, those that lead to the newest.
///
/// Two incrementals that ran at the same time continue the same layer. What the older one holds is
/// in the newer one too, so the newer one alone goes on the chain, and the other lies beside it.
/// Where a layer is missing, all are given back: [`check_chain`] tells which.
pub fn main_line<T>(layers: Vec<T>, manifest: impl Fn(&T) -> &Manifest) -> Vec<T> {
    let mut line = BTreeSet::new();
    let mut wanted = match layers.iter().map(&manifest).max_by_key(|m| m.end_time) {
        Some(newest) => Some(newest.id),
        None => return layers,
    };
    for (at, layer) in layers.iter().map(&manifest).enumerate().rev() {
        if Some(layer.id) == wanted {
            line.insert(at);
            wanted = layer.previous_id;
        }
    }
    if wanted.is_some() {
        return layers;
    }
    let numbered = layers.into_iter().enumerate();
    numbered.filter(|(at, _)| line.contains(at)).map(|(_, layer)| layer).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A small manifest of a full backup.
    pub(crate) fn sample(end: u64) -> Manifest {
        let id = Uuid::new_v4();
        Manifest {
            format_version: FORMAT_VERSION,
            id,
            full_id: id,
            previous_id: None,
            cluster_id: Uuid::nil(),
            job_id: 7,
            build: BuildInfo::this(),
            start_time: Timestamp::MIN,
            end_time: Timestamp::from_nanos(end),
            revision_start_time: Timestamp::MIN,
            mvcc_filter: MvccFilter::Latest,
            coverage: Coverage::Requested,
            complete_databases: vec![104],
            spans: vec![Span::prefix(vec![0, 0, 0, 110])],
            introduced_spans: Vec::new(),
            descriptors: vec![serde_json::json!({"id": 110, "name": "t"})],
            descriptor_changes: Vec::new(),
            files: Vec::new(),
            entry_counts: EntryCounts::default(),
            locality: None,
            localities: Vec::new(),
            statistics: Vec::new(),
            options: serde_json::Map::new(),
        }
    }

    /// An incremental on top of another layer.
    pub(crate) fn on_top(before: &Manifest, end: u64) -> Manifest {
        Manifest {
            full_id: before.full_id,
            previous_id: Some(before.id),
            start_time: before.end_time,
            ..sample(end)
        }
    }

    #[test]
    fn a_manifest_comes_back_from_json() {
        let full = sample(5);
        let text = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), full);
        full.check("").unwrap();
        on_top(&full, 9).check("").unwrap();
    }

    #[test]
    fn contradictions_are_refused() {
        type Spoil = fn(&mut Manifest);
        let spoils: [Spoil; 6] = [
            |m| m.end_time = Timestamp::MIN,
            |m| m.full_id = Uuid::new_v4(),
            |m| m.previous_id = Some(Uuid::new_v4()),
            |m| m.spans.push(Span::default()),
            |m| m.statistics.push(StatisticsFile { path: "../x".into(), hash: Digest::default() }),
            |m| m.statistics.push(StatisticsFile { path: "/x".into(), hash: Digest::default() }),
        ];
        for spoil in spoils {
            let mut bad = sample(5);
            spoil(&mut bad);
            assert_eq!(bad.check("").unwrap_err().code(), sqlstate::DATA_CORRUPTED);
        }
        let mut newer = sample(5);
        newer.format_version = FORMAT_VERSION + 1;
        assert_eq!(newer.check("").unwrap_err().code(), sqlstate::FEATURE_NOT_SUPPORTED);
    }

    #[test]
    fn a_chain_has_no_gaps_and_no_strangers() {
        let full = sample(5);
        let (a, stranger) = (on_top(&full, 9), on_top(&sample(5), 9));
        let b = on_top(&a, 12);
        check_chain([("f", &full), ("a", &a), ("b", &b)]).unwrap();
        let code =
            |layers: &[(&str, &Manifest)]| check_chain(layers.iter().copied()).unwrap_err().code();
        assert_eq!(code(&[("f", &full), ("b", &b)]), sqlstate::UNDEFINED_FILE);
        assert_eq!(code(&[("f", &full), ("s", &stranger)]), sqlstate::DATA_CORRUPTED);
        assert_eq!(code(&[("a", &a)]), sqlstate::INVALID_PARAMETER_VALUE);
        assert_eq!(code(&[("f", &full), ("a", &a), ("a", &a)]), sqlstate::UNDEFINED_FILE);
    }

    #[test]
    fn what_ran_beside_a_newer_layer_is_not_on_the_line() {
        let full = sample(5);
        let (a, b) = (on_top(&full, 9), on_top(&full, 12));
        let c = on_top(&b, 15);
        let ends = |layers: &[&Manifest]| -> Vec<u64> {
            let line = main_line(layers.to_vec(), |m| m);
            line.iter().map(|m| m.end_time.wall).collect()
        };
        assert_eq!(ends(&[&full, &a, &b, &c]), [5, 12, 15]);
        assert_eq!(ends(&[&full, &a, &b]), [5, 12]);
        assert_eq!(ends(&[&full, &a]), [5, 9]);
        assert_eq!(ends(&[&full]), [5]);
        assert_eq!(ends(&[&full, &a, &c]), [5, 9, 15], "a gap stays for check_chain to see");
        assert!(main_line(Vec::<Manifest>::new(), |m| m).is_empty());
    }
}
