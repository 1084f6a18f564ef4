//! The one face of every external store.

use bytes::Bytes;

use crate::error::{Error, Result, sqlstate};

/// What a write does with a file that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Replaces it, whole: a reader sees the old or the new content.
    Overwrite,
    /// Fails with 58P02 and leaves it alone. Of several racing writers one succeeds.
    CreateNew,
}

/// A file in a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListEntry {
    /// Path from the store's root.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
}

/// What lies directly in one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The files, by path.
    pub files: Vec<ListEntry>,
    /// The names (not paths) of the directories, sorted.
    pub dirs: Vec<String>,
}

/// A place outside the server that holds files. Paths are relative to the store's root.
///
/// Errors: 58P01 for a file that is not there, 58P02 for one that is, 42501 when the store refuses
/// the credentials or the right, 58030 for everything that may pass, 0A000 for what this kind of
/// store cannot do. None of them carries a secret.
pub trait Store: Send + Sync {
    /// The whole content of a file.
    fn read(&self, path: &str) -> Result<Bytes>;

    /// `len` bytes from `offset`; an error unless the file has all of them.
    fn read_range(&self, path: &str, offset: u64, len: u64) -> Result<Bytes>;

    /// The length of a file; `None` if there is none.
    fn size(&self, path: &str) -> Result<Option<u64>>;

    /// Writes a whole file. Once this returns, it is durable and every reader sees it.
    fn write(&self, path: &str, content: Bytes, mode: WriteMode) -> Result<()>;

    /// Begins a file that is written piece by piece and appears when it is finished.
    fn writer(&self, path: &str) -> Result<Box<dyn StoreWriter>>;

    /// Every file below a directory (`""` is the root), however deep, sorted by path.
    fn list(&self, dir: &str) -> Result<Vec<ListEntry>>;

    /// What lies directly in a directory. A directory exists while a file is below it; some stores
    /// list it a little longer, so whoever finds one must look for what should be in it.
    fn list_dir(&self, dir: &str) -> Result<Listing>;

    /// Removes a file; it is no error if there is none.
    fn delete(&self, path: &str) -> Result<()>;

    /// The store's URI without its secrets.
    fn describe(&self) -> String;

    /// The names of the directories directly in a directory, sorted.
    fn list_dirs(&self, dir: &str) -> Result<Vec<String>> {
        Ok(self.list_dir(dir)?.dirs)
    }

    /// The whole content of a file that should be small; XX001 if it is longer than `bytes_max`.
    fn read_bounded(&self, path: &str, bytes_max: u64) -> Result<Bytes> {
        let size = self.size(path)?.ok_or_else(|| not_found(&self.describe(), path))?;
        if size > bytes_max {
            return Err(Error::corrupt(format!(
                "file \"{path}\" in {} has {size} bytes, more than the {bytes_max} it may have",
                self.describe()
            )));
        }
        self.read_range(path, 0, size)
    }

    /// Whether a file is there.
    fn exists(&self, path: &str) -> Result<bool> {
        Ok(self.size(path)?.is_some())
    }
}

/// Writes one file from front to back. Dropping it unfinished aborts it.
pub trait StoreWriter: Send {
    /// Adds a piece. May block while earlier pieces are on their way; reports their errors too.
    fn write(&mut self, piece: Bytes) -> Result<()>;

    /// Waits until everything is durable and makes the file visible, replacing an older one.
    fn finish(self: Box<Self>) -> Result<()>;

    /// Gives up and removes what was sent; nothing was ever visible.
    fn abort(self: Box<Self>) -> Result<()>;
}

/// 58P01 for a path of a store.
pub(crate) fn not_found(store: &str, path: &str) -> Error {
    Error::new(sqlstate::UNDEFINED_FILE, format!("file \"{path}\" does not exist in {store}"))
}

/// 58P02 for a path of a store.
pub(crate) fn already_exists(store: &str, path: &str) -> Error {
    Error::new(sqlstate::DUPLICATE_FILE, format!("file \"{path}\" already exists in {store}"))
}

/// 58030 for a range that a file does not have.
pub(crate) fn short_read(store: &str, path: &str, offset: u64, len: u64) -> Error {
    Error::io(format!("file \"{path}\" in {store} does not have {len} bytes from offset {offset}"))
}
