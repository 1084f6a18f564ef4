//! The catalog of the cluster that was backed up, as it was at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Chosen, SourceLayer};
use crate::archive::{Coverage, Manifest};
use crate::catalog::descriptor::{
    DatabaseDescriptor, Descriptor, DescriptorId, SchemaDescriptor, TableDescriptor,
};
use crate::catalog::system::SYSTEM_DATABASE;
use crate::error::{Error, Result};

/// The objects that a chain has at a time.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    objects: BTreeMap<DescriptorId, Descriptor>,
    complete: BTreeSet<DescriptorId>,
    everything: bool,
}

impl Holdings {
    /// What the layers hold at the chosen time. What was offline or temporary then is left out.
    pub fn at(layers: &[SourceLayer], chosen: Chosen) -> Result<Holdings> {
        let damaged = || Error::internal("the chosen layer is not in the chain");
        let layer = layers.get(chosen.last).ok_or_else(damaged)?;
        let manifest = &layer.manifest;
        let mut objects = if chosen.at == manifest.end_time {
            read_all(manifest, layer.layer.dir())?
        } else {
            let mut objects = match chosen.last.checked_sub(1).and_then(|at| layers.get(at)) {
                Some(before) => read_all(&before.manifest, before.layer.dir())?,
                None => BTreeMap::new(),
            };
            for change in &manifest.descriptor_changes {
                if change.time > chosen.at {
                    continue;
                }
                match &change.descriptor {
                    None => objects.remove(&change.id),
                    Some(value) => {
                        let descriptor = read(value, layer.layer.dir())?;
                        objects.insert(change.id, descriptor)
                    }
                };
            }
            objects
        };
        let temporary: BTreeSet<DescriptorId> = objects
            .values()
            .filter_map(|object| match object {
                Descriptor::Schema(s) if s.is_temporary() => Some(s.id),
                Descriptor::Table(t) if t.temporary => Some(t.id),
                _ => None,
            })
            .collect();
        objects.retain(|id, object| {
            object.state().is_public()
                && !temporary.contains(id)
                && !temporary.contains(&object.parents().1)
        });
        Ok(Holdings {
            objects,
            complete: manifest.complete_databases.iter().copied().collect(),
            everything: manifest.coverage == Coverage::All,
        })
    }

    /// Whether the whole cluster was backed up.
    pub fn everything(&self) -> bool {
        self.everything
    }

    /// Whether everything in a database was backed up.
    pub fn is_complete(&self, database: DescriptorId) -> bool {
        self.everything || self.complete.contains(&database)
    }

    /// Every object, by number.
    pub fn objects(&self) -> impl Iterator<Item = &Descriptor> {
        self.objects.values()
    }

    /// Every object of the users, by number: not the system database and what is in it.
    pub fn user_objects(&self) -> impl Iterator<Item = &Descriptor> {
        self.objects().filter(|o| o.id() != SYSTEM_DATABASE && o.parents().0 != SYSTEM_DATABASE)
    }

    /// An object by number.
    pub fn object(&self, id: DescriptorId) -> Option<&Descriptor> {
        self.objects.get(&id)
    }

    /// A database by number.
    pub fn database(&self, id: DescriptorId) -> Option<&DatabaseDescriptor> {
        match self.objects.get(&id) {
            Some(Descriptor::Database(d)) => Some(d),
            _ => None,
        }
    }

    /// A schema by number.
    pub fn schema(&self, id: DescriptorId) -> Option<&SchemaDescriptor> {
        match self.objects.get(&id) {
            Some(Descriptor::Schema(d)) => Some(d),
            _ => None,
        }
    }

    /// A table, view or sequence by number.
    pub fn table(&self, id: DescriptorId) -> Option<&TableDescriptor> {
        match self.objects.get(&id) {
            Some(Descriptor::Table(d)) => Some(d),
            _ => None,
        }
    }

    /// A database by name.
    pub fn database_named(&self, name: &str) -> Option<&DatabaseDescriptor> {
        self.objects().find_map(|object| match object {
            Descriptor::Database(d) if d.name == name => Some(d),
            _ => None,
        })
    }

    /// A schema of a database by name.
    pub fn schema_named(&self, database: DescriptorId, name: &str) -> Option<&SchemaDescriptor> {
        self.objects().find_map(|object| match object {
            Descriptor::Schema(d) if d.database == database && d.name == name => Some(d),
            _ => None,
        })
    }

    /// The tables, views and sequences of a schema, by number.
    pub fn tables_in(&self, schema: DescriptorId) -> impl Iterator<Item = &TableDescriptor> {
        self.objects().filter_map(move |object| match object {
            Descriptor::Table(d) if d.schema == schema => Some(d),
            _ => None,
        })
    }

    /// `database.schema.table`, as the views of then call a table.
    pub fn qualified_name(&self, table: &TableDescriptor) -> [String; 3] {
        let database = self.database(table.database).map_or("", |d| &d.name);
        let schema = self.schema(table.schema).map_or("", |s| &s.name);
        [database.to_owned(), schema.to_owned(), table.name.clone()]
    }
}

fn read_all(manifest: &Manifest, dir: &str) -> Result<BTreeMap<DescriptorId, Descriptor>> {
    let mut objects = BTreeMap::new();
    for value in &manifest.descriptors {
        let descriptor = read(value, dir)?;
        objects.insert(descriptor.id(), descriptor);
    }
    Ok(objects)
}

/// A descriptor of a manifest.
fn read(value: &serde_json::Value, dir: &str) -> Result<Descriptor> {
    serde_json::from_value(value.clone()).map_err(|e| {
        Error::corrupt(format!("the manifest in \"{dir}\" has a descriptor that cannot be read"))
            .with_detail(e.to_string())
    })
}
