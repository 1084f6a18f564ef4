//! Whether a new layer may continue a chain: what it holds must follow from what the last layer
//! holds, or a restore would find gaps that nobody was told of.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::target::Resolved;
use crate::archive::{Coverage, Manifest};
use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{DescriptorId, TableDescriptor};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};

fn refused(message: String) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}

/// Refuses a chain of another cluster and an end time that is not after the chain's.
pub(super) fn check_origin(before: &Manifest, cluster: Uuid, end: Timestamp) -> Result<()> {
    if before.cluster_id != cluster {
        return Err(refused(format!("previous BACKUP belongs to cluster {}", before.cluster_id))
            .with_hint("Take a new full backup with BACKUP INTO."));
    }
    if end <= before.end_time {
        return Err(refused(format!(
            "the end time {end} is not after that of the previous BACKUP, {}",
            before.end_time
        ))
        .with_hint("Choose a later AS OF SYSTEM TIME."));
    }
    Ok(())
}

/// Refuses targets that the layer before does not hold. Fewer are fine.
pub(super) fn check_scope(
    before: &Manifest,
    before_tables: &[TableDescriptor],
    snapshot: &CatalogSnapshot,
    targets: &Resolved,
) -> Result<()> {
    let hint = "Take a new full backup of these targets with BACKUP INTO.";
    let was_whole = before.coverage == Coverage::All;
    if was_whole != targets.whole_cluster {
        return Err(refused(
            if was_whole {
                "cannot append a backup of specific tables or databases to a cluster backup"
            } else {
                "cannot append a cluster backup to a backup of specific tables or databases"
            }
            .to_owned(),
        )
        .with_hint(hint));
    }
    if was_whole {
        return Ok(());
    }
    let complete: BTreeSet<DescriptorId> = before.complete_databases.iter().copied().collect();
    if let Some(id) = targets.complete.difference(&complete).next() {
        let name = snapshot.database_any_state(*id).map_or("", |d| d.name.as_str());
        return Err(refused(format!(
            "previous backup does not contain the complete database \"{name}\""
        ))
        .with_hint(hint));
    }
    let known: BTreeSet<DescriptorId> = before_tables.iter().map(|table| table.id).collect();
    for table in targets.objects.iter().filter_map(|id| snapshot.table_any_state(*id)) {
        if !known.contains(&table.id) && !complete.contains(&table.database) {
            return Err(refused(format!(
                "previous backup does not contain table \"{}\"",
                table.name
            ))
            .with_hint(hint));
        }
    }
    Ok(())
}
