//! A store in memory: the reference that the others are compared with, and the ground of tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::path;
use super::store::{
    ListEntry, Listing, Store, StoreWriter, WriteMode, already_exists, not_found, short_read,
};
use crate::error::Result;

type Files = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// A store in memory. Cloning gives another handle on the same files.
#[derive(Clone, Default)]
pub struct Memory {
    files: Files,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store behind the trait.
    pub fn shared() -> Arc<dyn Store> {
        Arc::new(Self::new())
    }

    /// Sets a file's content directly, past every rule; for tests that damage files.
    pub fn poke(&self, path: &str, content: impl Into<Bytes>) {
        self.files.lock().insert(path.to_owned(), content.into());
    }
}

impl Store for Memory {
    fn read(&self, path: &str) -> Result<Bytes> {
        let path = path::clean(path)?;
        self.files.lock().get(&path).cloned().ok_or_else(|| not_found(&self.describe(), &path))
    }

    fn read_range(&self, path: &str, offset: u64, len: u64) -> Result<Bytes> {
        let content = self.read(path)?;
        let range = usize::try_from(offset)
            .ok()
            .zip(usize::try_from(len).ok())
            .and_then(|(start, len)| Some(start..start.checked_add(len)?))
            .filter(|range| range.end <= content.len());
        match range {
            Some(range) => Ok(content.slice(range)),
            None => Err(short_read(&self.describe(), path, offset, len)),
        }
    }

    fn size(&self, path: &str) -> Result<Option<u64>> {
        let path = path::clean(path)?;
        Ok(self.files.lock().get(&path).map(|content| content.len() as u64))
    }

    fn write(&self, path: &str, content: Bytes, mode: WriteMode) -> Result<()> {
        let path = path::clean(path)?;
        let mut files = self.files.lock();
        if mode == WriteMode::CreateNew && files.contains_key(&path) {
            return Err(already_exists(&self.describe(), &path));
        }
        files.insert(path, content);
        Ok(())
    }

    fn writer(&self, path: &str) -> Result<Box<dyn StoreWriter>> {
        let path = path::clean(path)?;
        Ok(Box::new(Writer { files: self.files.clone(), path, content: Vec::new() }))
    }

    fn list(&self, dir: &str) -> Result<Vec<ListEntry>> {
        let dir = path::clean(dir)?;
        let files = self.files.lock();
        Ok(files
            .iter()
            .filter(|(path, _)| path::below(&dir, path).is_some())
            .map(|(path, content)| ListEntry { path: path.clone(), size: content.len() as u64 })
            .collect())
    }

    fn list_dir(&self, dir: &str) -> Result<Listing> {
        let dir = path::clean(dir)?;
        let mut listing = Listing::default();
        for entry in self.list(&dir)? {
            match path::below(&dir, &entry.path).and_then(|rest| rest.split_once('/')) {
                Some((name, _)) => listing.dirs.push(name.to_owned()),
                None => listing.files.push(entry),
            }
        }
        listing.dirs.sort();
        listing.dirs.dedup();
        Ok(listing)
    }

    fn delete(&self, path: &str) -> Result<()> {
        self.files.lock().remove(&path::clean(path)?);
        Ok(())
    }

    fn describe(&self) -> String {
        "memory://".to_owned()
    }
}

struct Writer {
    files: Files,
    path: String,
    content: Vec<u8>,
}

impl StoreWriter for Writer {
    fn write(&mut self, piece: Bytes) -> Result<()> {
        self.content.extend_from_slice(&piece);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.files.lock().insert(self.path, self.content.into());
        Ok(())
    }

    fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
