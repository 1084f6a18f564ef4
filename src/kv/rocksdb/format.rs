//! The version of what is stored, noted in a file beside it.
//!
//! The store itself knows its version too, but cannot be asked without being opened, and opening
//! replays the log and begins new files. A store of a newer release must stay as it is.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use crate::error::{Error, Result, sqlstate};

const NAME: &str = "FORMAT";

/// Refuses a store that notes a higher version.
pub(super) fn check(dir: &Path, known: u32) -> Result<()> {
    match noted(dir)? {
        Some(version) if version > known => Err(Error::new(
            sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!(
                "the store in {} has format {version}, this release knows formats up to {known}",
                dir.display()
            ),
        )
        .with_hint("Start the store with the release that wrote it, or a newer one.")),
        _ => Ok(()),
    }
}

/// Notes the version, before anything of it is written.
pub(super) fn note(dir: &Path, version: u32) -> Result<()> {
    if noted(dir)? == Some(version) {
        return Ok(());
    }
    let (path, new) = (dir.join(NAME), dir.join("FORMAT.new"));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&new)?;
        writeln!(file, "{version}")?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|e| Error::from(e).context(format!("writing {}", path.display())))
}

fn noted(dir: &Path) -> Result<Option<u32>> {
    let path = dir.join(NAME);
    match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map(Some).map_err(|_| {
            Error::corrupt(format!("{} does not hold a format version", path.display()))
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::from(e).context(format!("reading {}", path.display()))),
    }
}
