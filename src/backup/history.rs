//! With `revision_history`: how descriptors changed during a layer's window.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::archive::{Coverage, DescriptorChange, Manifest};
use crate::catalog::descriptor::{Descriptor, DescriptorId, TableDescriptor};
use crate::catalog::{Catalog, system};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::keys::ordered::decode_datum;
use crate::keys::{split_prefix, table_span};
use crate::mvcc::{ExportRequest, Mvcc};
use crate::types::{Datum, Type};

/// A descriptor as it became at a time; `None` is a drop.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Revision {
    pub(super) time: Timestamp,
    pub(super) id: DescriptorId,
    pub(super) descriptor: Option<Descriptor>,
}

/// Every change of a descriptor in `(after, upto]`, by rising time.
pub(super) fn revisions(
    mvcc: &Arc<Mvcc>,
    after: Timestamp,
    upto: Timestamp,
) -> Result<Vec<Revision>> {
    let codec = system::DESCRIPTOR.codec()?;
    let span = table_span(system::DESCRIPTOR.id());
    let request = ExportRequest { span, after, upto, all_versions: true };
    let mut exporter = mvcc.export(request)?;
    let mut found = Vec::new();
    while let Some(version) = exporter.next()? {
        let damaged = || Error::corrupt("a row of system.descriptor cannot be read");
        let (_, _, mut rest) = split_prefix(version.key).ok_or_else(damaged)?;
        let id = match decode_datum(&mut rest, &Type::Int8, false)? {
            Datum::Int8(id) => u32::try_from(id).map_err(|_| damaged())?,
            _ => return Err(damaged()),
        };
        let descriptor = match version.value {
            None => None,
            Some(value) => match codec.decode_row(version.key, value)?.as_slice() {
                [_, Datum::Bytea(json)] => {
                    Some(serde_json::from_slice(json).map_err(|e| damaged().with_source(e))?)
                }
                _ => return Err(damaged()),
            },
        };
        found.push(Revision { time: version.at, id, descriptor });
    }
    found.sort_by_key(|revision| (revision.time, revision.id));
    Ok(found)
}

/// Whose history a layer keeps.
pub(super) struct Kept<'a> {
    pub(super) whole_cluster: bool,
    pub(super) complete: BTreeSet<DescriptorId>,
    pub(super) objects: &'a BTreeSet<DescriptorId>,
    /// Objects whose data was removed: what became of them cannot be restored.
    pub(super) left_out: &'a BTreeSet<DescriptorId>,
}

impl<'a> Kept<'a> {
    pub(super) fn of(
        layer: &Manifest,
        objects: &'a BTreeSet<DescriptorId>,
        left_out: &'a BTreeSet<DescriptorId>,
    ) -> Self {
        let whole_cluster = layer.coverage == Coverage::All;
        let complete = layer.complete_databases.iter().copied().collect();
        Kept { whole_cluster, complete, objects, left_out }
    }

    fn concerns(&self, descriptor: &Descriptor) -> bool {
        if self.objects.contains(&descriptor.id()) {
            return true;
        }
        if self.whole_cluster {
            return descriptor.id() >= system::FIRST_USER_ID;
        }
        let temporary = match descriptor {
            Descriptor::Table(t) => t.temporary,
            Descriptor::Schema(s) => s.is_temporary(),
            _ => false,
        };
        self.complete.contains(&descriptor.parents().0) && !temporary
    }
}

/// What a layer's window saw of the descriptors that concern it.
#[derive(Debug, Default)]
pub(super) struct History {
    /// When the window begins.
    from: Timestamp,
    /// What there was then.
    start: Vec<Descriptor>,
    /// What changed, by rising time.
    changes: Vec<Revision>,
}

impl History {
    /// Reads the history in `(from, upto]` of what is kept: of what is in the layer at its end, and
    /// of whatever was in its complete databases for a while.
    pub(super) fn gather(
        catalog: &Catalog,
        kept: &Kept<'_>,
        from: Timestamp,
        upto: Timestamp,
    ) -> Result<History> {
        let mvcc = catalog.mvcc();
        let mut start = Vec::new();
        if from > Timestamp::MIN {
            let snapshot = catalog.snapshot_at(&mvcc.snapshot(from)?)?;
            start.extend(snapshot.descriptors().map(|object| object.to_descriptor()));
            start.retain(|descriptor| kept.concerns(descriptor));
        }
        let mut changes = revisions(mvcc, from, upto)?;
        let changed = changes.iter().filter_map(|revision| revision.descriptor.as_ref());
        let mut ids: BTreeSet<DescriptorId> =
            start.iter().chain(changed.filter(|d| kept.concerns(d))).map(Descriptor::id).collect();
        ids.extend(kept.objects);
        for id in kept.left_out {
            ids.remove(id);
        }
        start.retain(|descriptor| ids.contains(&descriptor.id()));
        changes.retain(|revision| ids.contains(&revision.id));
        Ok(History { from, start, changes })
    }

    /// Every form that a table had.
    pub(super) fn tables(&self) -> impl Iterator<Item = &TableDescriptor> {
        let changed = self.changes.iter().filter_map(|revision| revision.descriptor.as_ref());
        self.start.iter().chain(changed).filter_map(|descriptor| match descriptor {
            Descriptor::Table(table) => Some(table),
            _ => None,
        })
    }

    /// As the manifest has it: a full backup says first what there was.
    pub(super) fn into_changes(self, full: bool) -> Result<Vec<DescriptorChange>> {
        let start = self.start.into_iter().filter(|_| full).map(|descriptor| Revision {
            time: self.from,
            id: descriptor.id(),
            descriptor: Some(descriptor),
        });
        start
            .chain(self.changes)
            .map(|revision| {
                let descriptor = revision.descriptor.as_ref().map(to_json).transpose()?;
                Ok(DescriptorChange { time: revision.time, id: revision.id, descriptor })
            })
            .collect()
    }
}

/// A descriptor as a manifest has it.
pub(super) fn to_json(descriptor: &Descriptor) -> Result<serde_json::Value> {
    serde_json::to_value(descriptor)
        .map_err(|e| Error::internal("a descriptor cannot be encoded").with_source(e))
}
