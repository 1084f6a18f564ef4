//! After a failure or CANCEL: every object that the restore made goes away, with its rows, and its
//! name is free again. What was published stays: somebody may have used it.

use std::collections::BTreeSet;

use super::Services;
use super::details::Details;
use super::publish::transact;
use crate::catalog::descriptor::{Descriptor, DescriptorId, State};
use crate::catalog::role::ROOT;
use crate::error::Result;
use crate::keys::table_span;
use crate::task::Interrupt;

/// Undoes a restore. May be called again, and when nothing was done yet.
pub fn undo(services: &Services, details: &Details, interrupt: &Interrupt) -> Result<()> {
    let gone = transact(&services.mvcc, interrupt, |txn| {
        let snapshot = services.catalog.snapshot(txn)?;
        let ours: BTreeSet<DescriptorId> = details.descriptors.iter().map(Descriptor::id).collect();
        // What others put into our databases and schemas meanwhile keeps those alive.
        let occupied: BTreeSet<DescriptorId> = snapshot
            .descriptors()
            .map(|object| object.to_descriptor())
            .filter(|object| !ours.contains(&object.id()))
            .flat_map(|object| [object.parents().0, object.parents().1])
            .collect();
        let mut dropped = false;
        for descriptor in details.descriptors.iter().rev() {
            let Some(there) = snapshot.descriptor(descriptor.id()) else { continue };
            if there.state().is_public() {
                continue;
            }
            let mut there = there.to_descriptor();
            if occupied.contains(&there.id()) {
                there.set_state(State::Public);
                services.catalog.write(txn, &there)?;
            } else {
                services.catalog.delete(txn, &there)?;
            }
            dropped = true;
        }
        if dropped {
            restore_default_databases(services, details, txn)?;
        }
        let public = |id: DescriptorId| {
            snapshot.descriptor(id).is_some_and(|object| object.state().is_public())
        };
        Ok(details.tables.iter().map(|t| t.new).filter(|id| !public(*id)).collect::<Vec<_>>())
    })?;
    for table in gone {
        interrupt.check()?;
        services.mvcc.clear_span(&table_span(table))?;
    }
    Ok(())
}

/// A cluster restore that failed leaves the databases that it took away, empty as they were.
fn restore_default_databases(
    services: &Services,
    details: &Details,
    txn: &mut crate::mvcc::Txn,
) -> Result<()> {
    if details.replaced.is_empty() {
        return Ok(());
    }
    let now = services.catalog.snapshot(txn)?;
    for name in &details.replaced {
        if now.database_named_any_state(name).is_none() {
            services.catalog.create_database(txn, name, ROOT)?;
        }
    }
    Ok(())
}
