//! Scratch files: bytes that need not outlive the process.
//!
//! A large transaction's writes, and what a sort or a hash table cannot hold, wait here. A file's
//! name is removed as soon as the file is open, so the space is free again when the file is
//! dropped and when the process ends, however it ends. A name that a crash left between the two
//! steps is removed when the place is opened.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Where scratch files are made.
#[derive(Debug, Default)]
pub struct Scratch {
    /// In memory if absent.
    dir: Option<PathBuf>,
    next: AtomicU64,
    usage: Arc<Usage>,
}

#[derive(Debug, Default)]
struct Usage {
    now: AtomicU64,
    ever: AtomicU64,
}

/// Bytes that were put aside. They are written at the end and read anywhere.
#[derive(Debug)]
pub struct ScratchFile {
    body: Body,
    length: u64,
    usage: Arc<Usage>,
}

#[derive(Debug)]
enum Body {
    Memory(Vec<u8>),
    Disk(File),
}

impl Scratch {
    /// Scratch "files" in memory, for an engine in memory.
    pub fn in_memory() -> Scratch {
        Scratch::default()
    }

    /// Opens a directory for scratch files, emptied of what a crash may have left there.
    pub fn open(dir: &Path) -> Result<Scratch> {
        let context = |e| Error::from(e).context(format!("clearing {}", dir.display()));
        match std::fs::remove_dir_all(dir) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(context(e)),
            _ => {}
        }
        std::fs::create_dir_all(dir).map_err(context)?;
        Ok(Scratch { dir: Some(dir.to_owned()), ..Scratch::default() })
    }

    /// A new empty file.
    pub fn create(&self) -> Result<ScratchFile> {
        let body = match &self.dir {
            None => Body::Memory(Vec::new()),
            Some(dir) => {
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                let path = dir.join(format!("{number}.tmp"));
                let made = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
                let file = made.map_err(temporary)?;
                std::fs::remove_file(&path).map_err(temporary)?;
                Body::Disk(file)
            }
        };
        Ok(ScratchFile { body, length: 0, usage: self.usage.clone() })
    }

    /// Bytes in scratch files now.
    pub fn used(&self) -> u64 {
        self.usage.now.load(Ordering::Relaxed)
    }

    /// Bytes that were ever written to scratch files since the place was opened.
    pub fn written(&self) -> u64 {
        self.usage.ever.load(Ordering::Relaxed)
    }
}

fn temporary(e: std::io::Error) -> Error {
    Error::from(e).context("a temporary file")
}

impl ScratchFile {
    /// Bytes in the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes at the end; gives back where they begin. After an error nothing counts as added.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64> {
        let at = self.length;
        match &mut self.body {
            Body::Memory(all) => all.extend_from_slice(bytes),
            Body::Disk(file) => file.write_all_at(bytes, at).map_err(temporary)?,
        }
        self.length += bytes.len() as u64;
        self.usage.now.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.usage.ever.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(at)
    }

    /// Fills a buffer with the bytes from a place on.
    pub fn read(&self, at: u64, out: &mut [u8]) -> Result<()> {
        match &self.body {
            Body::Disk(file) => file.read_exact_at(out, at).map_err(temporary),
            Body::Memory(all) => {
                let from = usize::try_from(at).ok().and_then(|at| all.get(at..));
                let part = from.and_then(|rest| rest.get(..out.len()));
                out.copy_from_slice(part.ok_or_else(|| Error::corrupt("a temporary file ends"))?);
                Ok(())
            }
        }
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        self.usage.now.fetch_sub(self.length, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_reads_back_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("scratch");
        std::fs::create_dir_all(&at).unwrap();
        std::fs::write(at.join("7.tmp"), b"left by a crash").unwrap();
        for scratch in [Scratch::open(&at).unwrap(), Scratch::in_memory()] {
            let mut file = scratch.create().unwrap();
            assert_eq!(file.append(b"abc").unwrap(), 0);
            assert_eq!(file.append(b"defg").unwrap(), 3);
            let mut out = [0; 4];
            file.read(2, &mut out).unwrap();
            assert_eq!(&out, b"cdef");
            assert!(file.read(5, &mut out).is_err());
            assert_eq!((file.length(), scratch.used()), (7, 7));
            drop(file);
            assert_eq!(scratch.used(), 0);
            assert_eq!(std::fs::read_dir(&at).unwrap().count(), 0);
        }
    }
}
