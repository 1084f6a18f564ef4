//! The catalogue as a service: snapshots for readers, writes of descriptors, numbers for new ones.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use super::bootstrap;
use super::descriptor::{
    DatabaseDescriptor, Descriptor, DescriptorId, Privileges, SchemaDescriptor, TableDescriptor,
};
use super::load::{self, load};
use super::names::{PUBLIC_SCHEMA, duplicate, undefined};
use super::object::ObjectRef;
use super::privilege::ObjectKind;
use super::sequence::Sequences;
use super::snapshot::CatalogSnapshot;
use super::{comment, system, zone};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::{IndexId, Key, Span, index_prefix, index_span, table_span};
use crate::mvcc::{LockMode, Mvcc, Snapshot, Txn, TxnOptions, WaitPolicy};
use crate::types::Datum;

/// The table number under which the catalogue keeps what is no row: index 1 the next descriptor's
/// number, index 2 the cluster's id.
const COUNTERS: u32 = 7;

/// Snapshots of the past, and of transactions that changed the catalogue, kept for the next
/// statement of the same transaction.
const KEPT: usize = 16;

/// Positions in [`watched_spans`] whose changes make a snapshot out of date.
const OF_THE_SNAPSHOT: [usize; 4] = [0, 3, 4, 5];

/// What `mvcc` should watch: 0 and 3 to 5 hold everything that a snapshot holds, 1 is the cluster
/// settings, 2 the jobs.
pub fn watched_spans() -> Vec<Span> {
    let tables =
        |first: u32, last: u32| Span { start: table_span(first).start, end: table_span(last).end };
    vec![
        tables(system::DESCRIPTOR.id(), system::ZONES.id()),
        table_span(system::SETTINGS.id()),
        table_span(system::JOBS.id()),
        tables(system::ROLE_MEMBERS.id(), system::COMMENTS.id()),
        table_span(system::ROLE_OPTIONS.id()),
        table_span(system::PRIVILEGES.id()),
    ]
}

/// The catalogue. One per store.
pub struct Catalog {
    mvcc: Arc<Mvcc>,
    cluster_id: Uuid,
    spans: Vec<Span>,
    /// The state at the opening: what was changed before is not in `mvcc`'s watch.
    opened: Timestamp,
    latest: RwLock<Arc<CatalogSnapshot>>,
    loading: Mutex<()>,
    past: Mutex<VecDeque<Arc<CatalogSnapshot>>>,
    own: Mutex<VecDeque<OwnSnapshot>>,
    numbering: Mutex<()>,
    pub(super) sequences: Arc<Sequences>,
}

/// What a transaction that changed the catalogue sees.
struct OwnSnapshot {
    txn: u64,
    read_at: Timestamp,
    /// Of its changes.
    hash: [u8; 32],
    snapshot: Arc<CatalogSnapshot>,
}

impl Catalog {
    /// Opens the catalogue of a store; fills an empty one with the system database, its tables,
    /// `defaultdb`, `postgres`, `root` and `admin`, in one transaction. `mvcc` must watch
    /// [`watched_spans`].
    pub fn open(mvcc: Arc<Mvcc>) -> Result<Arc<Catalog>> {
        let cluster_id = bootstrap::run(&mvcc)?;
        let opened = mvcc.visible();
        let snapshot = load(&mut mvcc.snapshot(opened)?, opened, None)?;
        let all = watched_spans();
        Ok(Arc::new(Catalog {
            mvcc,
            cluster_id,
            spans: OF_THE_SNAPSHOT.iter().filter_map(|i| all.get(*i).cloned()).collect(),
            opened,
            latest: RwLock::new(Arc::new(snapshot)),
            loading: Mutex::new(()),
            past: Mutex::default(),
            own: Mutex::default(),
            numbering: Mutex::new(()),
            sequences: Arc::default(),
        }))
    }

    /// The store underneath.
    pub fn mvcc(&self) -> &Arc<Mvcc> {
        &self.mvcc
    }

    /// The number that tells this cluster from every other.
    pub fn cluster_id(&self) -> Uuid {
        self.cluster_id
    }

    // Snapshots.

    /// The catalogue as a transaction sees it, its own changes included. Costs next to nothing
    /// unless the transaction changed the catalogue or reads the past.
    pub fn snapshot(&self, txn: &mut Txn) -> Result<Arc<CatalogSnapshot>> {
        if txn.has_writes() && self.spans.iter().any(|span| txn.has_writes_in(span)) {
            return self.own_snapshot(txn);
        }
        self.at(txn.read_timestamp())
    }

    /// The catalogue as of the moment of a snapshot of the store.
    pub fn snapshot_at(&self, snapshot: &Snapshot) -> Result<Arc<CatalogSnapshot>> {
        self.at(snapshot.at())
    }

    /// The catalogue as it is now.
    pub fn current(&self) -> Result<Arc<CatalogSnapshot>> {
        self.at(self.mvcc.visible())
    }

    /// When the catalogue last changed, as far as snapshots are concerned.
    fn changed(&self) -> Timestamp {
        self.mvcc.watched_latest(&OF_THE_SNAPSHOT).max(self.opened)
    }

    fn at(&self, at: Timestamp) -> Result<Arc<CatalogSnapshot>> {
        let changed = self.changed();
        if at < changed {
            return self.past(at);
        }
        {
            let latest = self.latest.read();
            if latest.version == changed {
                return Ok(Arc::clone(&latest));
            }
        }
        let _one_at_a_time = self.loading.lock();
        let before = Arc::clone(&self.latest.read());
        if before.version == changed {
            return Ok(before);
        }
        // Nothing was changed between `changed` and `at`, so this is the state since `changed`.
        let loaded = Arc::new(load(&mut self.mvcc.snapshot(at)?, changed, Some(&before))?);
        if loaded.version > before.version {
            *self.latest.write() = Arc::clone(&loaded);
        }
        Ok(loaded)
    }

    fn past(&self, at: Timestamp) -> Result<Arc<CatalogSnapshot>> {
        {
            let mut past = self.past.lock();
            if let Some(found) = past.iter().position(|s| s.version == at) {
                let snapshot = past.remove(found);
                past.extend(snapshot.clone());
                return snapshot.ok_or_else(|| Error::internal("a snapshot vanished"));
            }
        }
        let like = Arc::clone(&self.latest.read());
        let loaded = Arc::new(load(&mut self.mvcc.snapshot(at)?, at, Some(&like))?);
        let mut past = self.past.lock();
        if past.len() >= KEPT {
            past.pop_front();
        }
        past.push_back(Arc::clone(&loaded));
        Ok(loaded)
    }

    fn own_snapshot(&self, txn: &mut Txn) -> Result<Arc<CatalogSnapshot>> {
        let mut hasher = blake3::Hasher::new();
        for span in &self.spans {
            txn.for_each_write(span, &mut |key, value| {
                for part in [key, value.unwrap_or_default()] {
                    hasher.update(&(part.len() as u64).to_le_bytes());
                    hasher.update(part);
                }
                hasher.update(&[u8::from(value.is_some())]);
            })?;
        }
        let hash = *hasher.finalize().as_bytes();
        let (id, read_at) = (txn.id(), txn.read_timestamp());
        {
            let mut own = self.own.lock();
            if let Some(known) = own.iter().find(|o| o.txn == id && o.read_at == read_at)
                && known.hash == hash
            {
                return Ok(Arc::clone(&known.snapshot));
            }
            own.retain(|o| o.txn != id);
        }
        let like = Arc::clone(&self.latest.read());
        let mut loaded = load(&mut Unrecorded(txn), read_at, Some(&like))?;
        loaded.private = true;
        let snapshot = Arc::new(loaded);
        let mut own = self.own.lock();
        if own.len() >= KEPT {
            own.pop_front();
        }
        own.push_back(OwnSnapshot { txn: id, read_at, hash, snapshot: Arc::clone(&snapshot) });
        Ok(snapshot)
    }

    // Writes.

    /// Keeps an object as the transaction sees it until the transaction ends: whoever changes or
    /// drops it waits. To be called before a transaction writes rows of a table, and for whatever
    /// a new object leans on. Fails with 40001 if the object was changed since the transaction's
    /// read timestamp.
    pub fn pin(&self, txn: &mut Txn, id: DescriptorId) -> Result<()> {
        txn.lock(&descriptor_key(id)?, LockMode::Shared, WaitPolicy::Wait)?;
        Ok(())
    }

    /// Keeps an object to oneself until the transaction ends: waits for those who pinned it, and
    /// makes those who come later wait. Fails like [`Catalog::pin`].
    pub fn hold(&self, txn: &mut Txn, id: DescriptorId, wait: WaitPolicy) -> Result<()> {
        txn.lock(&descriptor_key(id)?, LockMode::Exclusive, wait)?;
        Ok(())
    }

    /// Writes a new or changed descriptor and its name; a change raises the version. A taken name
    /// is refused with 42P04, 42P06, 42P07 or 42710.
    pub fn write(&self, txn: &mut Txn, descriptor: &Descriptor) -> Result<()> {
        write(txn, descriptor)
    }

    /// Removes a descriptor, its name, comments, zone configuration and statistics. Its data is the
    /// caller's affair.
    pub fn delete(&self, txn: &mut Txn, descriptor: &Descriptor) -> Result<()> {
        let id = descriptor.id();
        // The name under which it is stored, should the caller have changed it already.
        let stored = stored(txn, id)?
            .ok_or_else(|| undefined(ObjectRef::from(descriptor).class(), &[descriptor.name()]))?;
        leave_indexes(txn, &stored, None);
        system::NAMESPACE.delete(txn, &name_key(&stored))?;
        system::DESCRIPTOR.delete(txn, &[Datum::Int8(i64::from(id))])?;
        comment::clear(txn, id)?;
        zone::delete(txn, id)?;
        system::TABLE_STATISTICS.delete_all(txn, &[Datum::Int8(i64::from(id))])?;
        if matches!(&stored, Descriptor::Table(t) if t.sequence().is_some()) {
            let sequences = Arc::clone(&self.sequences);
            txn.on_commit(move |_| sequences.forget(id));
        }
        Ok(())
    }

    /// Makes a database with its schema `public`.
    pub fn create_database(
        &self,
        txn: &mut Txn,
        name: &str,
        owner: &str,
    ) -> Result<(DatabaseDescriptor, SchemaDescriptor)> {
        let id = self.allocate_ids(2)?;
        let privileges = Privileges::initial(ObjectKind::Database, owner);
        let database = DatabaseDescriptor::new(id, name, privileges);
        let privileges = Privileges::initial_public_schema(owner);
        let schema = SchemaDescriptor::new(id + 1, id, PUBLIC_SCHEMA, privileges);
        write(txn, &Descriptor::Database(database.clone()))?;
        write(txn, &Descriptor::Schema(schema.clone()))?;
        Ok((database, schema))
    }

    /// A number for a new descriptor, never used before or again. Durable at once, in a
    /// transaction of its own.
    pub fn allocate_id(&self) -> Result<DescriptorId> {
        self.allocate_ids(1)
    }

    /// The first of `count` consecutive numbers for new descriptors.
    pub fn allocate_ids(&self, count: u32) -> Result<DescriptorId> {
        let _one_at_a_time = self.numbering.lock();
        let mut txn = self.mvcc.begin(TxnOptions::default())?;
        let key = next_id_key();
        let next = txn.get(&key)?.and_then(|v| v.try_into().ok()).map(u32::from_be_bytes);
        let next = next.ok_or_else(|| Error::corrupt("the next descriptor's number is lost"))?;
        let reaches_in = next < KEPT_FREE.end && next.saturating_add(count) > KEPT_FREE.start;
        let next = if reaches_in { KEPT_FREE.end } else { next };
        let after = next
            .checked_add(count)
            .ok_or_else(|| Error::unsupported("more than four billion descriptors"))?;
        txn.put(key, after.to_be_bytes().to_vec())?;
        txn.commit()?;
        Ok(next)
    }
}

/// Numbers that no descriptor gets: PostgreSQL's own catalogue tables have theirs among them, and
/// so have the tables in their place that the server makes up.
const KEPT_FREE: std::ops::Range<DescriptorId> = 800..16_384;

/// The key of a descriptor's row.
fn descriptor_key(id: DescriptorId) -> Result<Key> {
    system::DESCRIPTOR.codec()?.primary_key(&[Datum::Int8(i64::from(id))])
}

/// The key of the next descriptor's number.
pub(super) fn next_id_key() -> Key {
    index_prefix(COUNTERS, 1)
}

/// The key of the cluster's id.
pub(super) fn cluster_id_key() -> Key {
    index_prefix(COUNTERS, 2)
}

fn name_key(descriptor: &Descriptor) -> [Datum; 3] {
    let (database, schema) = descriptor.parents();
    [
        Datum::Int8(i64::from(database)),
        Datum::Int8(i64::from(schema)),
        Datum::text(descriptor.name()),
    ]
}

/// The descriptor as the transaction sees it.
fn stored(txn: &mut Txn, id: DescriptorId) -> Result<Option<Descriptor>> {
    let row = system::DESCRIPTOR.get(txn, &[Datum::Int8(i64::from(id))])?;
    match row.as_deref() {
        None => Ok(None),
        Some([_, Datum::Bytea(bytes)]) => load::parse(id, bytes).map(Some),
        Some(_) => Err(Error::corrupt(format!("descriptor {id} cannot be read"))),
    }
}

/// As [`Catalog::write`].
pub(super) fn write(txn: &mut Txn, descriptor: &Descriptor) -> Result<()> {
    let id = descriptor.id();
    let old = stored(txn, id)?;
    let new_name = name_key(descriptor);
    let old_name = old.as_ref().map(name_key);
    let renamed = old
        .as_ref()
        .is_none_or(|old| old.parents() != descriptor.parents() || old.name() != descriptor.name());
    if renamed {
        let row = system::NAMESPACE.get(txn, &new_name)?;
        if let Some([_, _, _, Datum::Int8(other)]) = row.as_deref() {
            let other = u32::try_from(*other).ok().map(|id| stored(txn, id)).transpose()?.flatten();
            return Err(duplicate(ObjectRef::from(other.as_ref().unwrap_or(descriptor))));
        }
        if let Some(old_name) = old_name {
            system::NAMESPACE.delete(txn, &old_name)?;
        }
        let [database, schema, name] = new_name;
        let row = [database, schema, name, Datum::Int8(i64::from(id))];
        system::NAMESPACE.upsert(txn, &row)?;
    }
    let mut new = descriptor.clone();
    if let Some(old) = &old {
        leave_indexes(txn, old, Some(&new));
        new.set_version(old.version() + 1);
    }
    let json = serde_json::to_vec(&new)
        .map_err(|e| Error::internal("a descriptor cannot be encoded").with_source(e))?;
    system::DESCRIPTOR.upsert(txn, &[Datum::Int8(i64::from(id)), Datum::bytes(json)])
}

/// Counts every index that a table had and will not have any more as written: what comes to the
/// table from now on is not written there, so whoever read it and commits later must conflict now.
fn leave_indexes(txn: &mut Txn, old: &Descriptor, new: Option<&Descriptor>) {
    let Descriptor::Table(old) = old else { return };
    let kept: Vec<IndexId> = match new {
        Some(Descriptor::Table(new)) => indexes(new).collect(),
        _ => Vec::new(),
    };
    for index in indexes(old).filter(|id| !kept.contains(id)) {
        txn.leave_span(index_span(old.id, index));
    }
}

fn indexes(table: &TableDescriptor) -> impl Iterator<Item = IndexId> {
    std::iter::once(&table.primary_index).chain(&table.indexes).map(|index| index.id)
}

/// A transaction read without its reads being recorded: what a statement depends on in the
/// catalogue is kept still by [`Catalog::pin`], not by conflict with every other change.
struct Unrecorded<'a>(&'a mut Txn);

impl system::Reader for Unrecorded<'_> {
    fn read(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut found = None;
        self.walk(&Span::point(key.to_vec()), &mut |_, value| {
            found = Some(value.to_vec());
            Ok(false)
        })?;
        Ok(found)
    }

    fn walk(
        &mut self,
        span: &Span,
        each: &mut dyn FnMut(&[u8], &[u8]) -> Result<bool>,
    ) -> Result<()> {
        let options = crate::mvcc::ScanOptions {
            reverse: false,
            access: crate::kv::Access::Range,
            record: false,
        };
        let mut scan = self.0.scan_with(span, options)?;
        while scan.next()? {
            if !each(scan.key(), scan.value())? {
                break;
            }
        }
        Ok(())
    }
}
