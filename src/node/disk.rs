//! Whether the disk of a store takes writes.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// What is written to find out, in bytes.
const PROBE_BYTES: usize = 64 << 10;

/// Space that is plenty for an engine to begin again.
const ROOM_BYTES: u64 = 1 << 30;

/// Writes a file, syncs it and removes it.
pub(super) fn works(dir: &Path) -> bool {
    let path = dir.join("probe");
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(&[0xA5; PROBE_BYTES])?;
        file.sync_all()
    });
    written.and(std::fs::remove_file(&path)).is_ok()
}

/// Whether there is enough space to open the store, and so much that no engine would say that the
/// disk is full.
pub(super) fn has_room(dir: &Path) -> bool {
    let Ok(disk) = rustix::fs::statvfs(dir) else { return false };
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    bytes(disk.f_bavail) >= ROOM_BYTES.min(bytes(disk.f_blocks) / 20)
        // Some file systems do not count files.
        && (disk.f_files == 0 || disk.f_favail > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_not_there_takes_no_writes() {
        let dir = tempfile::tempdir().unwrap();
        assert!(works(dir.path()));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(!works(&dir.path().join("gone")));
    }
}
