//! Sorted runs: tables written aside and handed over whole.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ::rocksdb::{IngestExternalFileOptions, Options as DatabaseOptions, SstFileWriter};

use super::{Inner, error, options};
use crate::error::{Error, Result};
use crate::kv::{Family, SortedWriter};

/// The first tables of a run have about this size, in bytes.
const TABLE_BYTES: u64 = 128 << 20;

/// After so many tables the next ones are twice as large: tables that overlap what is there all
/// begin in the top level, where RocksDB slows writers down when there are many.
const TABLES_OF_A_SIZE: usize = 6;

/// Where tables wait until they are ingested.
pub(super) fn directory(store: &Path) -> PathBuf {
    store.join("ingest")
}

/// Makes the ingest directory anew without what a crash left in it.
pub(super) fn clear_leftovers(store: &Path) -> Result<()> {
    let dir = directory(store);
    let context = |e| Error::from(e).context(format!("clearing {}", dir.display()));
    match std::fs::remove_dir_all(&dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(context(e)),
        _ => {}
    }
    std::fs::create_dir_all(&dir).map_err(context)
}

/// A sorted run being written.
pub(super) struct Ingest {
    inner: Arc<Inner>,
    family: Family,
    /// The table being written, with the bytes put into it.
    open: Option<(SstFileWriter<'static>, u64)>,
    files: Vec<PathBuf>,
    bytes: u64,
    last: Vec<u8>,
}

// The writer borrows its options; they are the same for every store.
fn table_options() -> &'static DatabaseOptions {
    static OPTIONS: OnceLock<DatabaseOptions> = OnceLock::new();
    OPTIONS.get_or_init(options::table_file)
}

impl Ingest {
    pub(super) fn new(inner: &Arc<Inner>, family: Family) -> Result<Ingest> {
        Ok(Ingest {
            inner: inner.clone(),
            family,
            open: None,
            files: Vec::new(),
            bytes: 0,
            last: Vec::new(),
        })
    }

    fn close_table(&mut self) -> Result<()> {
        match self.open.take() {
            Some((mut writer, _)) => writer.finish().map_err(error),
            None => Ok(()),
        }
    }
}

impl SortedWriter for Ingest {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if !self.files.is_empty() && self.last.as_slice() >= key {
            return Err(Error::internal("keys of a sorted run must rise"));
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        let doublings = (self.files.len() / TABLES_OF_A_SIZE).min(5);
        if self.open.as_ref().is_some_and(|(_, bytes)| *bytes >= TABLE_BYTES << doublings) {
            self.close_table()?;
        }
        let bytes = (key.len() + value.len()) as u64;
        if self.open.is_none() {
            let path = self.inner.ingest_file();
            let writer = SstFileWriter::create(table_options());
            self.files.push(path.clone());
            writer.open(&path).map_err(error)?;
            self.open = Some((writer, 0));
        }
        if let Some((writer, so_far)) = &mut self.open {
            writer.put(key, value).map_err(error)?;
            *so_far += bytes;
        }
        self.bytes += bytes;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn seal(&mut self) -> Result<()> {
        self.close_table()
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.close_table()?;
        if self.files.is_empty() {
            return Ok(());
        }
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        options.set_snapshot_consistency(true);
        options.set_allow_global_seqno(true);
        options.set_allow_blocking_flush(true);
        let handle = self.inner.family(self.family)?;
        let files: Vec<&Path> = self.files.iter().map(PathBuf::as_path).collect();
        self.inner.db.ingest_external_file_cf_opts(handle, &options, files).map_err(error)
    }
}

impl Drop for Ingest {
    /// Removes tables that were not handed over; those that were have left already.
    fn drop(&mut self) {
        self.open = None;
        for file in &self.files {
            // What cannot be removed now is removed at the next open.
            let _ = std::fs::remove_file(file);
        }
    }
}
