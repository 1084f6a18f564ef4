//! The two transactions that a restore changes the catalog with: names taken, and the commit point.

use std::sync::Arc;

use super::details::{Details, Progress, Stage};
use super::job::Control;
use super::place::check_cluster_is_empty;
use super::source::Source;
use super::{Services, system_rows};
use crate::catalog::descriptor::{Descriptor, State, TableDescriptor};
use crate::catalog::mutation::Change;
use crate::catalog::system::{self, SYSTEM_DATABASE};
use crate::catalog::{CatalogSnapshot, ObjectRef};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::keys::table_span;
use crate::mvcc::{Mvcc, Txn, TxnOptions};
use crate::task::Interrupt;

/// Why an object is offline, as `relation "x" is offline: …` says it.
const RESTORING: &str = "restoring";

/// Times that a transaction of a restore is tried before the conflict is the job's.
const TRIES: usize = 20;

/// Runs a transaction, again if it conflicts with another.
pub fn transact<T>(
    mvcc: &Arc<Mvcc>,
    interrupt: &Interrupt,
    mut body: impl FnMut(&mut Txn) -> Result<T>,
) -> Result<T> {
    let mut tries = 0;
    loop {
        tries += 1;
        interrupt.check()?;
        let options = TxnOptions { interrupt: interrupt.clone(), ..TxnOptions::default() };
        let mut txn = mvcc.begin(options)?;
        let outcome = body(&mut txn).and_then(|value| txn.commit().map(|_| value));
        match outcome {
            Err(e) if e.is_retryable() && tries < TRIES => {}
            outcome => return outcome,
        }
    }
}

/// Writes every descriptor, offline, and chooses the time of what will be loaded.
pub fn prepare(
    control: &dyn Control,
    services: &Services,
    details: &Details,
    progress: &mut Progress,
) -> Result<()> {
    let mut next = progress.clone();
    next.stage = Stage::Prepared;
    next.loaded_at = Some(services.mvcc.now());
    transact(&services.mvcc, control.interrupt(), |txn| {
        let snapshot = services.catalog.snapshot(txn)?;
        for id in &details.into {
            services.catalog.pin(txn, *id)?;
            if !snapshot.descriptor(*id).is_some_and(|object| object.state().is_public()) {
                return Err(Error::new(
                    sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "the database or schema into which tables are restored was dropped",
                ));
            }
        }
        if details.cluster {
            make_room(services, &snapshot, txn)?;
        }
        for descriptor in &details.descriptors {
            let mut offline = descriptor.clone();
            offline.set_state(State::Offline(RESTORING.to_owned()));
            services.catalog.write(txn, &offline)?;
        }
        control.checkpoint_in(txn, "restoring data", &next)
    })?;
    *progress = next;
    Ok(())
}

/// Drops the databases that every new cluster has, for those of the backup.
fn make_room(services: &Services, snapshot: &CatalogSnapshot, txn: &mut Txn) -> Result<()> {
    // Whoever makes something in them meanwhile conflicts with this.
    txn.record_read(&table_span(system::DESCRIPTOR.id()));
    check_cluster_is_empty(snapshot)?;
    let in_the_way = |object: &ObjectRef<'_>| {
        let database = match *object {
            ObjectRef::Database(d) => d.id,
            ObjectRef::Schema(d) => d.database,
            ObjectRef::Table(d) => d.database,
            ObjectRef::Type(d) => d.database,
        };
        database != SYSTEM_DATABASE
    };
    let objects: Vec<ObjectRef<'_>> = snapshot.descriptors().filter(in_the_way).collect();
    // What lies in another goes first.
    for object in objects.iter().rev() {
        services.catalog.delete(txn, &object.to_descriptor())?;
    }
    Ok(())
}

/// Makes everything public at once, in a cluster restore with the system tables, and tells backups
/// and readers of the loaded rows.
pub fn publish(
    control: &dyn Control,
    services: &Services,
    details: &Details,
    source: &Source,
    progress: &mut Progress,
) -> Result<()> {
    let loaded_at = progress
        .loaded_at
        .ok_or_else(|| Error::internal("a restore is published before its time is chosen"))?;
    // Everything that must be read from the backup is in memory before the transaction begins.
    let rows = match details.cluster || details.users {
        true => system_rows::read(&services.catalog, details, source)?,
        false => Vec::new(),
    };
    let statistics = system_rows::statistics(details, source);
    let mut next = progress.clone();
    next.stage = Stage::Published;
    transact(&services.mvcc, control.interrupt(), |txn| {
        let snapshot = services.catalog.snapshot(txn)?;
        for descriptor in &details.descriptors {
            check_still_offline(&snapshot, descriptor)?;
        }
        for descriptor in &details.descriptors {
            let mut public = public(descriptor, loaded_at);
            if let Descriptor::Table(table) = &mut public {
                go_on(control, txn, table)?;
            }
            services.catalog.write(txn, &public)?;
        }
        if !details.schema_only {
            for table in &details.tables {
                txn.mark_span_written(table_span(table.new))?;
            }
        }
        system_rows::write(txn, &rows, &services.settings)?;
        for row in &statistics {
            system::TABLE_STATISTICS.upsert(txn, row)?;
        }
        control.checkpoint_in(txn, "published", &next)
    })?;
    *progress = next;
    Ok(())
}

/// Lets the changes that a table was in the middle of go on as jobs of this cluster.
fn go_on(control: &dyn Control, txn: &mut Txn, table: &mut TableDescriptor) -> Result<()> {
    let as_restored = table.clone();
    // A foreign key may have been left out because its parent is not here.
    table.mutations.retain(|mutation| match &mutation.change {
        Change::Constraint { name, .. } => {
            as_restored.checks.iter().any(|c| c.name == *name)
                || as_restored.foreign_keys.iter().any(|f| f.name == *name)
        }
        _ => true,
    });
    for mutation in &mut table.mutations {
        mutation.job = control.go_on(txn, &as_restored, &mutation.change)?;
    }
    Ok(())
}

fn public(descriptor: &Descriptor, loaded_at: Timestamp) -> Descriptor {
    let mut public = descriptor.clone();
    public.set_state(State::Public);
    if let Descriptor::Table(table) = &mut public {
        table.created = loaded_at;
        table.data_since = loaded_at;
    }
    public
}

fn check_still_offline(snapshot: &CatalogSnapshot, descriptor: &Descriptor) -> Result<()> {
    let there = snapshot.descriptor(descriptor.id());
    if there.is_some_and(|object| matches!(object.state(), State::Offline(_))) {
        return Ok(());
    }
    let object = ObjectRef::from(descriptor);
    Err(Error::new(
        sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("{} \"{}\" was dropped while it was restored", object.noun(), object.name()),
    ))
}
