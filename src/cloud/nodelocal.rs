//! Files in the server's external I/O directory.
//!
//! A write goes to a hidden temporary file beside its target, is synced, takes its name (by
//! rename, or by hard link where it must not replace anything), and then the directory is synced,
//! so that after a power loss there is the old file or the whole new one. Directories made on the
//! way are synced too.
//!
//! Every path is checked for symbolic links: the real place of the deepest directory that exists
//! must lie below the real root, compared name by name. Listings do not follow links.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::path;
use super::store::{
    ListEntry, Listing, Store, StoreWriter, WriteMode, already_exists, not_found, short_read,
};
use super::uri::ExternalUri;
use crate::error::{Error, Result, sqlstate};

/// How the names of temporary files begin; such files are never listed.
const TEMPORARY: &str = ".cairn-tmp-";

/// Opens a directory below `external_io_dir`.
pub(super) fn open(uri: &ExternalUri, external_io_dir: Option<&Path>) -> Result<Arc<dyn Store>> {
    let Some(base) = external_io_dir else {
        return Err(Error::new(sqlstate::INSUFFICIENT_PRIVILEGE, "local file access is disabled")
            .with_hint("Start the server with --external-io-dir to use nodelocal."));
    };
    let below = path::clean(uri.path()).map_err(|_| outside())?;
    Ok(Arc::new(Nodelocal {
        base: base.to_owned(),
        root: below,
        location: uri.location().trim_end_matches('/').to_owned(),
        redacted: uri.redacted(),
    }))
}

#[derive(Clone)]
struct Nodelocal {
    /// The external I/O directory; made when first written to.
    base: PathBuf,
    /// The store's root below it.
    root: String,
    location: String,
    redacted: String,
}

impl Nodelocal {
    /// The real path of a file that may or may not exist, or why it may not be touched.
    fn locate(&self, path: &str) -> Result<PathBuf> {
        let relative = path::join(&self.root, &path::clean(path).map_err(|_| outside())?);
        if relative.split('/').any(|name| name.starts_with(TEMPORARY)) {
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("names that begin with \"{TEMPORARY}\" are reserved"),
            ));
        }
        let target = self.base.join(&relative);
        self.check_inside(&target)?;
        Ok(target)
    }

    /// Refuses a path whose real place is outside the external I/O directory.
    fn check_inside(&self, target: &Path) -> Result<()> {
        let base = match fs::canonicalize(&self.base) {
            Ok(base) => base,
            // Nothing is there yet, so no link can be.
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(self.failed("open", "", e)),
        };
        let mut existing = target;
        loop {
            match fs::canonicalize(existing) {
                Ok(real) if real.starts_with(&base) => return Ok(()),
                Ok(_) => return Err(outside()),
                // A link to nowhere would be followed by whoever creates the file.
                Err(_) if existing.is_symlink() => return Err(outside()),
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    match existing.parent() {
                        Some(parent) => existing = parent,
                        None => return Err(outside()),
                    }
                }
                Err(e) => return Err(self.failed("open", "", e)),
            }
        }
    }

    fn failed(&self, doing: &str, path: &str, e: io::Error) -> Error {
        let code = match e.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => sqlstate::DISK_FULL,
            ErrorKind::PermissionDenied => sqlstate::INSUFFICIENT_PRIVILEGE,
            _ => sqlstate::IO_ERROR,
        };
        let file = path::join(&self.location, path);
        Error::new(code, format!("cannot {doing} {file}: {e}")).with_source(e)
    }

    fn open_file(&self, path: &str) -> Result<(File, u64)> {
        let target = self.locate(path)?;
        let absent =
            |e: &io::Error| matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
        let file = File::open(&target).map_err(|e| match absent(&e) {
            true => not_found(&self.location, path),
            false => self.failed("read", path, e),
        })?;
        let meta = file.metadata().map_err(|e| self.failed("read", path, e))?;
        if !meta.is_file() {
            return Err(not_found(&self.location, path));
        }
        Ok((file, meta.len()))
    }

    fn begin(&self, path: &str) -> Result<Temporary> {
        let target = self.locate(path)?;
        let Some(dir) = target.parent() else { return Err(outside()) };
        make_dirs(dir).map_err(|e| self.failed("write", path, e))?;
        // The directories may have been swapped for links since they were looked at.
        self.check_inside(&target)?;
        let name = format!("{TEMPORARY}{}", uuid::Uuid::new_v4().simple());
        let temporary = dir.join(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)
            .map_err(|e| self.failed("write", path, e))?;
        let store = self.clone();
        Ok(Temporary { store, path: path.to_owned(), target, temporary: Some(temporary), file })
    }

    /// Adds what lies below a directory, links aside.
    fn walk(&self, dir: &Path, relative: &str, out: &mut Vec<ListEntry>) -> Result<()> {
        let mut pending = vec![(dir.to_owned(), relative.to_owned())];
        while let Some((dir, relative)) = pending.pop() {
            for (name, path, kind) in self.entries(&dir, &relative)? {
                let relative = path::join(&relative, &name);
                if kind.is_dir() {
                    pending.push((path, relative));
                } else if let Some(size) = file_size(&path) {
                    out.push(ListEntry { path: relative, size });
                }
            }
        }
        Ok(())
    }

    /// The directories and regular files of one directory; none if it does not exist.
    fn entries(&self, dir: &Path, relative: &str) -> Result<Vec<(String, PathBuf, fs::FileType)>> {
        let failed = |e| self.failed("list", relative, e);
        let reader = match fs::read_dir(dir) {
            Ok(reader) => reader,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            Err(e) => return Err(failed(e)),
        };
        let mut entries = Vec::new();
        for entry in reader {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            // Names that are not UTF-8 were not written by us and cannot be asked for.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if (kind.is_dir() || kind.is_file()) && !name.starts_with(TEMPORARY) {
                entries.push((name, entry.path(), kind));
            }
        }
        Ok(entries)
    }

    /// Whether any file lies below a directory: object stores have no empty directories.
    fn holds_a_file(&self, dir: &Path) -> Result<bool> {
        let mut pending = vec![dir.to_owned()];
        while let Some(dir) = pending.pop() {
            for (_, path, kind) in self.entries(&dir, "")? {
                if kind.is_file() {
                    return Ok(true);
                }
                pending.push(path);
            }
        }
        Ok(false)
    }
}

impl Store for Nodelocal {
    fn read(&self, path: &str) -> Result<Bytes> {
        let (mut file, size) = self.open_file(path)?;
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.read_to_end(&mut content).map_err(|e| self.failed("read", path, e))?;
        Ok(content.into())
    }

    fn read_range(&self, path: &str, offset: u64, len: u64) -> Result<Bytes> {
        let (mut file, size) = self.open_file(path)?;
        let short = || short_read(&self.location, path, offset, len);
        if offset.checked_add(len).is_none_or(|end| end > size) {
            return Err(short());
        }
        let mut content = vec![0; usize::try_from(len).map_err(|_| short())?];
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut content))
            .map_err(|e| self.failed("read", path, e))?;
        Ok(content.into())
    }

    fn size(&self, path: &str) -> Result<Option<u64>> {
        match fs::metadata(self.locate(path)?) {
            Ok(meta) => Ok(meta.is_file().then_some(meta.len())),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(e) => Err(self.failed("read", path, e)),
        }
    }

    fn write(&self, path: &str, content: Bytes, mode: WriteMode) -> Result<()> {
        let mut temporary = self.begin(path)?;
        temporary.write(content)?;
        temporary.publish(mode)
    }

    fn writer(&self, path: &str) -> Result<Box<dyn StoreWriter>> {
        Ok(Box::new(self.begin(path)?))
    }

    fn list(&self, dir: &str) -> Result<Vec<ListEntry>> {
        let mut entries = Vec::new();
        self.walk(&self.locate(dir)?, &path::clean(dir)?, &mut entries)?;
        entries.sort();
        Ok(entries)
    }

    fn list_dir(&self, dir: &str) -> Result<Listing> {
        let relative = path::clean(dir)?;
        let mut listing = Listing::default();
        for (name, path, kind) in self.entries(&self.locate(dir)?, &relative)? {
            if kind.is_dir() {
                if self.holds_a_file(&path)? {
                    listing.dirs.push(name);
                }
            } else if let Some(size) = file_size(&path) {
                listing.files.push(ListEntry { path: path::join(&relative, &name), size });
            }
        }
        listing.files.sort();
        listing.dirs.sort();
        Ok(listing)
    }

    fn delete(&self, path: &str) -> Result<()> {
        let target = self.locate(path)?;
        match fs::remove_file(&target) {
            Ok(()) => target.parent().map_or(Ok(()), sync_dir),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
            Err(e) => Err(e),
        }
        .map_err(|e| self.failed("delete", path, e))
    }

    fn describe(&self) -> String {
        self.redacted.clone()
    }
}

/// A file that has no name yet.
struct Temporary {
    store: Nodelocal,
    path: String,
    target: PathBuf,
    /// Where it lies; `None` once it has its name.
    temporary: Option<PathBuf>,
    file: File,
}

impl Temporary {
    fn publish(&mut self, mode: WriteMode) -> Result<()> {
        let failed = |e| self.store.failed("write", &self.path, e);
        self.file.sync_all().map_err(failed)?;
        let Some(temporary) = self.temporary.take() else {
            return Err(Error::internal("a file was published twice"));
        };
        let named = match mode {
            WriteMode::Overwrite => fs::rename(&temporary, &self.target),
            WriteMode::CreateNew => {
                let linked = fs::hard_link(&temporary, &self.target);
                fs::remove_file(&temporary).and(linked)
            }
        };
        if let Err(e) = named {
            let _ = fs::remove_file(&temporary);
            return Err(match (e.kind(), mode) {
                (ErrorKind::AlreadyExists, WriteMode::CreateNew) => {
                    already_exists(&self.store.location, &self.path)
                }
                _ => failed(e),
            });
        }
        self.target.parent().map_or(Ok(()), sync_dir).map_err(failed)
    }
}

impl StoreWriter for Temporary {
    fn write(&mut self, piece: Bytes) -> Result<()> {
        self.file.write_all(&piece).map_err(|e| self.store.failed("write", &self.path, e))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.publish(WriteMode::Overwrite)
    }

    fn abort(mut self: Box<Self>) -> Result<()> {
        match self.temporary.take().map(fs::remove_file) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(e)) => Err(self.store.failed("delete", &self.path, e)),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Makes a directory and those above it, and syncs each into the one above.
fn make_dirs(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|p| *p != OsStr::new(""));
    if let Some(parent) = parent {
        make_dirs(parent)?;
    }
    match fs::create_dir(dir) {
        Ok(()) => parent.map_or(Ok(()), sync_dir),
        // Another writer was faster; its directory may not be synced yet.
        Err(e) if e.kind() == ErrorKind::AlreadyExists && dir.is_dir() => {
            parent.map_or(Ok(()), sync_dir)
        }
        Err(e) => Err(e),
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The length of a regular file; `None` when it is gone or something else.
fn file_size(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).map(|meta| meta.len())
}

fn outside() -> Error {
    Error::new(
        sqlstate::INSUFFICIENT_PRIVILEGE,
        "local file access to paths outside of external-io-dir is not allowed",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(base: &Path, path: &str) -> Result<Arc<dyn Store>> {
        let uri = ExternalUri::parse(&format!("nodelocal://1/{path}"))?;
        open(&uri, Some(base))
    }

    #[test]
    fn nothing_outside_is_reachable() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("extern");
        let evil = dir.path().join("extern-evil");
        fs::create_dir_all(&base).unwrap();
        fs::create_dir_all(&evil).unwrap();
        fs::write(evil.join("secret"), b"x").unwrap();
        for path in ["../extern-evil", "a/../../extern-evil", "%2e%2e/extern-evil"] {
            let e = store(&base, path).err().unwrap();
            assert_eq!(e.code(), sqlstate::INSUFFICIENT_PRIVILEGE, "{path}");
        }
        let inside = store(&base, "").unwrap();
        assert!(inside.read("../extern-evil/secret").is_err());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&evil, base.join("link")).unwrap();
            std::os::unix::fs::symlink(evil.join("new"), base.join("dangling")).unwrap();
            let refused = |e: Error| assert_eq!(e.code(), sqlstate::INSUFFICIENT_PRIVILEGE);
            refused(inside.read("link/secret").unwrap_err());
            refused(inside.size("link/secret").unwrap_err());
            refused(inside.write("link/y", Bytes::new(), WriteMode::Overwrite).unwrap_err());
            refused(inside.write("link/d/y", Bytes::new(), WriteMode::CreateNew).unwrap_err());
            refused(inside.write("dangling", Bytes::new(), WriteMode::Overwrite).unwrap_err());
            refused(inside.writer("link/z").err().unwrap());
            refused(inside.delete("link/secret").unwrap_err());
            refused(store(&base, "link").unwrap().list("").unwrap_err());
            assert!(inside.list("").unwrap().is_empty());
            assert_eq!(fs::read_dir(&evil).unwrap().count(), 1);
        }
    }

    #[test]
    fn temporary_files_are_neither_listed_nor_left() {
        let dir = tempfile::tempdir().unwrap();
        let inside = store(dir.path(), "a").unwrap();
        let mut writer = inside.writer("b/c").unwrap();
        writer.write(Bytes::from_static(b"12")).unwrap();
        assert!(inside.list("").unwrap().is_empty());
        assert!(inside.list_dir("").unwrap().dirs.is_empty());
        drop(writer);
        assert_eq!(fs::read_dir(dir.path().join("a/b")).unwrap().count(), 0);
        inside.write("b/c", Bytes::new(), WriteMode::CreateNew).unwrap();
        assert!(inside.write("b/c", Bytes::new(), WriteMode::CreateNew).is_err());
        assert_eq!(fs::read_dir(dir.path().join("a/b")).unwrap().count(), 1);
        let e = inside.read(&format!("{TEMPORARY}1")).unwrap_err();
        assert_eq!(e.code(), sqlstate::INVALID_PARAMETER_VALUE);
    }

    #[test]
    fn a_directory_is_not_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let inside = store(dir.path(), "").unwrap();
        inside.write("a/b", Bytes::from_static(b"x"), WriteMode::Overwrite).unwrap();
        assert_eq!(inside.size("a").unwrap(), None);
        assert_eq!(inside.size("a/b/c").unwrap(), None);
        assert_eq!(inside.read("a").unwrap_err().code(), sqlstate::UNDEFINED_FILE);
    }
}
