//! The lock of a store, for those who read it without RocksDB taking the lock for them.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, fcntl_lock};

use crate::error::{Error, Result, sqlstate};

/// Takes the same lock that RocksDB takes; it is held for as long as the file is open.
pub(super) fn take(dir: &Path) -> Result<File> {
    let path = dir.join("LOCK");
    let file = File::options().write(true).open(&path).map_err(|e| {
        if e.kind() == std::io::ErrorKind::NotFound {
            Error::new(sqlstate::UNDEFINED_FILE, format!("there is no store in {}", dir.display()))
        } else {
            Error::from(e).context(format!("opening {}", path.display()))
        }
    })?;
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => Err(in_use(dir)),
        Err(e) => {
            Err(Error::from(std::io::Error::from(e)).context(format!("locking {}", path.display())))
        }
    }
}

/// Somebody else has the store.
pub(super) fn in_use(dir: &Path) -> Error {
    Error::new(
        sqlstate::OBJECT_IN_USE,
        format!("the store in {} is in use by another process", dir.display()),
    )
    .with_hint("Stop the other server, or choose another store directory.")
}
