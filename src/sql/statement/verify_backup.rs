//! VERIFY BACKUP: reads a backup as a restore would, every byte of it, and keeps nothing.

use super::restore::{self, collection};
use super::show_backup::check;
use super::{Outcome, Work, count, field};
use crate::error::{Error, Result, sqlstate};
use crate::restore::{Chosen, Holdings, Source};
use crate::sql::client::Field;
use crate::syntax::VerifyBackup;
use crate::types::{Datum, Type};

/// Damaged files that the error names.
const NAMED_MAX: usize = 10;

/// Runs VERIFY BACKUP. One row a layer if all is well; otherwise XX001 with the files concerned.
pub fn run(stmt: &VerifyBackup, work: &mut Work<'_>) -> Result<Outcome> {
    if stmt.detached {
        return Err(Error::unsupported("VERIFY BACKUP with the option detached"));
    }
    if !stmt.options.incremental_location.is_empty() || stmt.options.encryption_info_dir.is_some() {
        return Err(Error::unsupported("VERIFY BACKUP with this option"));
    }
    let from = collection(&stmt.subdirectory, &stmt.collection, work)?;
    let named: Vec<String> = from.uris().map(str::to_owned).collect();
    check(&named, "VERIFY BACKUP", work)?;
    let secret = restore::secret(&stmt.options.encryption_passphrase, &stmt.options.kms, work)?;
    let source = Source::open(&work.server.cloud, &from, secret.as_ref(), Some(work.interrupt))?;
    let mut damaged = Vec::new();
    let mut rows = Vec::new();
    for (at, layer) in source.layers.iter().enumerate() {
        // The descriptors can be read, and so can the statistics.
        let end = Chosen { last: at, at: layer.manifest.end_time };
        Holdings::at(&source.layers, end)?;
        layer.layer.read_statistics(&layer.manifest)?;
        let mut entries = 0;
        for file in &layer.manifest.files {
            match layer.verify(file, work.interrupt) {
                Ok(()) => entries += file.entries,
                Err(e) if is_damage(&e) => {
                    damaged.push(format!("{} ({})", layer.layer.file(&file.path), why(&e)));
                }
                Err(e) => return Err(e),
            }
        }
        let files = &layer.manifest.files;
        rows.push(vec![
            Datum::text(layer.layer.dir()),
            count(files.len() as u64),
            count(entries),
            count(files.iter().map(|file| file.file_bytes).sum()),
        ]);
    }
    if damaged.is_empty() {
        return Outcome::rows(fields(), rows);
    }
    let shown = damaged.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    Err(Error::corrupt(format!("{} files of the backup cannot be restored", damaged.len()))
        .with_detail(shown))
}

/// The columns of VERIFY BACKUP.
pub fn fields() -> Vec<Field> {
    vec![
        field("path", Type::Text),
        field("files", Type::Int8),
        field("entries", Type::Int8),
        field("file_bytes", Type::Int8),
    ]
}

fn is_damage(e: &Error) -> bool {
    e.code() == sqlstate::DATA_CORRUPTED || e.code() == sqlstate::UNDEFINED_FILE
}

fn why(e: &Error) -> &str {
    if e.code() == sqlstate::UNDEFINED_FILE { "missing" } else { "damaged" }
}
