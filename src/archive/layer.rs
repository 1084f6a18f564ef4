//! One layer on its store: the order in which its files are written, in one place.
//!
//! ```text
//!   lock            BACKUP-LOCK-<job>   nobody else writes into this directory
//!   (key)           ENCRYPTION-INFO     full of an encrypted chain only, before anything sealed
//!   save_checkpoint BACKUP-CHECKPOINT   at the start (proves that writing works), then often
//!   (writers)       data/…              a checkpoint names a file only once it is durable
//!   statistics      BACKUP-STATISTICS
//!   complete        BACKUP              now the layer exists, whole
//!                   LATEST              a full of a collection only
//!                   BACKUP-CHECKPOINT, BACKUP-LOCK-<job> and files without record are removed
//! ```
//!
//! Why a reader is safe at every step: it looks for BACKUP only, and BACKUP is written in one
//! piece after everything that it names. LATEST is written after the BACKUP it leads to, so it
//! leads to a complete layer, at worst an older one. A crash in between leaves a layer that is
//! complete or one that nobody sees; the job, run again, passes the steps that are done.

use std::sync::Arc;

use serde_json::Value;

use super::collection;
use super::digest::Digest;
use super::document::{self, Kind, STORED_BYTES_MAX};
use super::encrypt::DataKey;
use super::layout;
use super::manifest::{Checkpoint, FileRecord, Manifest, StatisticsFile};
use super::reader::DataFileReader;
use crate::cloud::{Store, StoreWriter, WriteMode, path};
use crate::error::{Error, Result, sqlstate};

/// A layer's directory on a store, complete or not.
#[derive(Clone)]
pub struct Layer {
    store: Arc<dyn Store>,
    dir: String,
    key: Option<DataKey>,
    /// Where data files are written, if not beside the manifest: a locality and its store.
    data: Option<(String, Arc<dyn Store>)>,
}

impl Layer {
    /// The layer in a directory of a store; `key` is that of an encrypted chain.
    pub fn new(store: Arc<dyn Store>, dir: impl Into<String>, key: Option<DataKey>) -> Self {
        Layer { store, dir: dir.into(), key, data: None }
    }

    /// The same layer, which writes its data files into the same directory of another store.
    #[must_use]
    pub fn with_data_in(mut self, locality: &str, store: Arc<dyn Store>) -> Self {
        self.data = Some((locality.to_owned(), store));
        self
    }

    /// The locality of the store that takes the data files, if it is another one.
    pub fn data_locality(&self) -> Option<&str> {
        self.data.as_ref().map(|(locality, _)| locality.as_str())
    }

    fn data_store(&self) -> &Arc<dyn Store> {
        self.data.as_ref().map_or(&self.store, |(_, store)| store)
    }

    /// The directory on the store.
    pub fn dir(&self) -> &str {
        &self.dir
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The key of an encrypted chain.
    pub fn key(&self) -> Option<&DataKey> {
        self.key.as_ref()
    }

    /// The layer's directory for messages.
    pub fn described(&self) -> String {
        layout::described(&*self.store, &self.dir)
    }

    /// The path on the store of one of the layer's files.
    pub fn file(&self, name: &str) -> String {
        path::join(&self.dir, name)
    }

    /// Takes the directory for a job; 42C01 if it holds a layer or another job writes there. A job
    /// that already has it gets it again. Of several jobs at the same time at most one gets it.
    pub fn lock(&self, job_id: i64) -> Result<()> {
        let own = layout::lock_file(job_id);
        let before = self.occupants()?;
        let resumed = before.contains(&own);
        self.check_free(&before, &own, resumed)?;
        if !resumed {
            let file = self.file(&own);
            let written = self.store.write(
                &file,
                format!("job {job_id}\n").into_bytes().into(),
                WriteMode::CreateNew,
            );
            match written {
                Ok(()) => {}
                // Only this job writes this name: an earlier try whose answer was lost.
                Err(e) if e.code() == sqlstate::DUPLICATE_FILE => {}
                Err(e) => return Err(e),
            }
            // Whoever came at the same time sees our lock or we see theirs, perhaps both; whoever
            // sees another's yields.
            let after = self.occupants()?;
            if let Err(e) = self.check_free(&after, &own, false) {
                self.store.delete(&file)?;
                return Err(e);
            }
        }
        Ok(())
    }

    /// Fails with 42C01 if the directory holds a layer or a job writes there. Writes nothing, so it
    /// only spares a user the wait: [`Layer::lock`] decides.
    pub fn check_unoccupied(&self) -> Result<()> {
        self.check_free(&self.occupants()?, "", false)
    }

    /// The manifest, if the layer is complete.
    pub fn completed(&self) -> Result<Option<Manifest>> {
        self.find_manifest()
    }

    /// The names of the files in the layer's directory.
    fn occupants(&self) -> Result<Vec<String>> {
        let dir = path::clean(&self.dir)?;
        let files = self.store.list_dir(&dir)?.files;
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(files.iter().map(|entry| name(&entry.path)).collect())
    }

    /// Refuses a directory in which others are or were; `resumed` if our own lock was there.
    fn check_free(&self, names: &[String], own: &str, resumed: bool) -> Result<()> {
        let busy = |name: &str, why: &str| {
            Err(Error::new(
                sqlstate::FILE_ALREADY_EXISTS,
                format!("{} already contains {name}{why}", self.described()),
            )
            .with_hint("Choose another directory, or wait until the other backup is done."))
        };
        let running = " (is another operation already in progress?)";
        for name in names {
            let other_lock = name.starts_with(layout::LOCK_PREFIX) && name != own;
            if other_lock {
                return busy(&format!("a {name} file"), running);
            }
            if !resumed && name == layout::MANIFEST {
                return busy("a BACKUP file", "");
            }
            if !resumed && name == layout::CHECKPOINT {
                return busy("a BACKUP-CHECKPOINT file", running);
            }
        }
        Ok(())
    }

    /// Writes the checkpoint, replacing the one before.
    pub fn save_checkpoint(&self, checkpoint: &Checkpoint) -> Result<()> {
        let stored = document::encode(Kind::Checkpoint, checkpoint, self.key())?;
        self.store.write(&self.file(layout::CHECKPOINT), stored.into(), WriteMode::Overwrite)
    }

    /// The checkpoint; `None` if there is none.
    pub fn load_checkpoint(&self) -> Result<Option<Checkpoint>> {
        let file = self.file(layout::CHECKPOINT);
        let Some(stored) = self.read(&file)? else { return Ok(None) };
        let checkpoint: Checkpoint =
            document::decode(Kind::Checkpoint, &stored, self.key(), &file)?;
        checkpoint.manifest.check(&self.dir)?;
        Ok(Some(checkpoint))
    }

    /// Begins a data file; gives its path for the record too.
    pub fn data_writer(&self) -> Result<(String, Box<dyn StoreWriter>)> {
        let path = layout::fresh_data_file();
        let writer = self.data_store().writer(&self.file(&path))?;
        Ok((path, writer))
    }

    /// Opens a data file of this layer that lies in the default destination.
    pub fn data_reader(&self, record: &FileRecord) -> Result<DataFileReader> {
        DataFileReader::open(&self.store, &self.dir, record, self.key())
    }

    /// Writes the statistics; the answer goes into the manifest.
    pub fn write_statistics(&self, statistics: &Value) -> Result<StatisticsFile> {
        let stored = document::encode(Kind::Statistics, statistics, self.key())?;
        let hash = Digest::of(&stored);
        let file = self.file(layout::STATISTICS);
        self.store.write(&file, stored.into(), WriteMode::Overwrite)?;
        Ok(StatisticsFile { path: layout::STATISTICS.to_owned(), hash })
    }

    /// The statistics of a complete layer.
    pub fn read_statistics(&self, manifest: &Manifest) -> Result<Vec<Value>> {
        let read = |record: &StatisticsFile| {
            let file = self.file(&record.path);
            let stored = self.store.read_bounded(&file, STORED_BYTES_MAX)?;
            if Digest::of(&stored) != record.hash {
                return Err(Error::corrupt(format!("file \"{file}\" is damaged"))
                    .with_detail("Its hash is not the recorded one."));
            }
            document::decode(Kind::Statistics, &stored, self.key(), &file)
        };
        manifest.statistics.iter().map(read).collect()
    }

    /// The manifest; 58P01 if the layer is not complete.
    pub fn read_manifest(&self) -> Result<Manifest> {
        self.find_manifest()?.ok_or_else(|| {
            Error::new(sqlstate::UNDEFINED_FILE, format!("{} holds no backup", self.described()))
        })
    }

    fn find_manifest(&self) -> Result<Option<Manifest>> {
        let file = self.file(layout::MANIFEST);
        let Some(stored) = self.read(&file)? else { return Ok(None) };
        let manifest: Manifest = document::decode(Kind::Manifest, &stored, self.key(), &file)?;
        manifest.check(&self.dir)?;
        Ok(Some(manifest))
    }

    /// Makes the layer exist: writes the manifest, then LATEST if `names_latest`, then removes the
    /// checkpoint, the job's lock and data files without record. Safe to run again.
    pub fn complete(&self, manifest: &Manifest, names_latest: bool) -> Result<()> {
        manifest.check(&self.dir)?;
        let stored = document::encode(Kind::Manifest, manifest, self.key())?;
        let file = self.file(layout::MANIFEST);
        if let Err(e) = self.store.write(&file, stored.into(), WriteMode::CreateNew) {
            // An earlier try may have written it and not have heard of it.
            match self.find_manifest() {
                Ok(Some(there)) if there == *manifest => {}
                Ok(Some(_)) => return Err(e.with_code(sqlstate::FILE_ALREADY_EXISTS)),
                _ => return Err(e),
            }
        }
        if names_latest {
            collection::write_latest(&*self.store, &self.dir)?;
        }
        self.clean_up(manifest);
        Ok(())
    }

    /// Removes what only the running job needed. The layer is complete, so a failure to do so
    /// (some stores forbid deleting) is no failure of the backup.
    fn clean_up(&self, manifest: &Manifest) {
        let unrecorded = self.store.list(&self.file(layout::DATA_DIR)).unwrap_or_default();
        let recorded: std::collections::HashSet<String> =
            manifest.files.iter().filter_map(|f| path::clean(&self.file(&f.path)).ok()).collect();
        let unrecorded =
            unrecorded.into_iter().map(|entry| entry.path).filter(|path| !recorded.contains(path));
        let own = [layout::CHECKPOINT.to_owned(), layout::lock_file(manifest.job_id)];
        for file in unrecorded.chain(own.iter().map(|name| self.file(name))) {
            if let Err(e) = self.store.delete(&file) {
                tracing::warn!(file, error = %e, "a file of a finished backup was not removed");
            }
        }
    }

    /// Removes everything that a job which failed or was cancelled wrote; its lock goes last. A
    /// layer that is complete is left alone, and so is one that another job has.
    pub fn discard(&self, job_id: i64) -> Result<()> {
        let names = self.occupants()?;
        if !names.contains(&layout::lock_file(job_id)) {
            return Ok(());
        }
        if !names.iter().any(|name| name == layout::MANIFEST) {
            for entry in self.data_store().list(&self.file(layout::DATA_DIR))? {
                self.data_store().delete(&entry.path)?;
            }
            for name in [layout::STATISTICS, layout::CHECKPOINT, layout::ENCRYPTION_INFO] {
                self.store.delete(&self.file(name))?;
            }
        }
        self.store.delete(&self.file(&layout::lock_file(job_id)))
    }

    fn read(&self, file: &str) -> Result<Option<bytes::Bytes>> {
        match self.store.read_bounded(file, STORED_BYTES_MAX) {
            Ok(stored) => Ok(Some(stored)),
            Err(e) if e.code() == sqlstate::UNDEFINED_FILE => Ok(None),
            Err(e) => Err(e),
        }
    }
}
