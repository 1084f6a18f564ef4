//! What the wanted objects need: present, left out on request, or a refusal.

use std::collections::{BTreeMap, BTreeSet};

use super::holdings::Holdings;
use super::plan::RestoreOptions;
use super::target::Selection;
use crate::catalog::descriptor::{Descriptor, DescriptorId, TableDescriptor, TableKind};
use crate::error::{Error, Result, sqlstate};

/// The selected objects, with old numbers, in the order of those. What needs something that is not
/// selected is refused, or cut to what the options allow.
pub fn settle(
    holdings: &Holdings,
    selection: &Selection,
    options: &RestoreOptions,
) -> Result<BTreeMap<DescriptorId, Descriptor>> {
    let mut selected = selection.ids.clone();
    drop_views(holdings, &mut selected, options)?;
    // The types of a table come along, or one here takes their place.
    let types: Vec<DescriptorId> = selected
        .iter()
        .filter_map(|id| holdings.table(*id))
        .flat_map(TableDescriptor::types_used)
        .collect();
    if let Some(absent) = types.iter().find(|id| holdings.object(**id).is_none()) {
        return Err(Error::corrupt(format!("the backup lacks type {absent} of a table in it")));
    }
    selected.extend(types);
    let mut objects = BTreeMap::new();
    for id in &selected {
        let Some(object) = holdings.object(*id) else { continue };
        let mut object = object.clone();
        if let Descriptor::Table(table) = &mut object {
            settle_table(table, &selected, options)?;
        }
        objects.insert(*id, object);
    }
    Ok(objects)
}

/// Takes views out whose relations are not selected, and views over those.
fn drop_views(
    holdings: &Holdings,
    selected: &mut BTreeSet<DescriptorId>,
    options: &RestoreOptions,
) -> Result<()> {
    loop {
        let mut dropped = BTreeSet::new();
        for table in selected.iter().filter_map(|id| holdings.table(*id)) {
            if !matches!(table.kind, TableKind::View { .. } | TableKind::MaterializedView { .. }) {
                continue;
            }
            let Some(absent) = table.depends_on.iter().find(|id| !selected.contains(id)) else {
                continue;
            };
            if !options.skip_missing_views {
                return Err(missing(
                    format!(
                        "cannot restore view \"{}\" without restoring referenced object {}",
                        table.name,
                        named(holdings, *absent)
                    ),
                    "skip_missing_views",
                ));
            }
            dropped.insert(table.id);
        }
        if dropped.is_empty() {
            return Ok(());
        }
        selected.retain(|id| !dropped.contains(id));
    }
}

fn settle_table(
    table: &mut TableDescriptor,
    selected: &BTreeSet<DescriptorId>,
    options: &RestoreOptions,
) -> Result<()> {
    let name = table.name.clone();
    let absent = |id: &DescriptorId| !selected.contains(id);
    if let Some(key) = table.foreign_keys.iter().find(|key| absent(&key.referenced_table)) {
        if !options.skip_missing_foreign_keys {
            return Err(missing(
                format!(
                    "cannot restore table \"{name}\" without referenced table {}",
                    key.referenced_table
                ),
                "skip_missing_foreign_keys",
            ));
        }
        table.foreign_keys.retain(|key| !absent(&key.referenced_table));
    }
    if table.kind == TableKind::Table
        && let Some(parent) = table.depends_on.iter().find(|id| absent(id))
    {
        return Err(Error::new(
            sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot restore table \"{name}\" without the table {parent} it belongs to"),
        )
        .with_hint("Restore it too."));
    }
    for column in &mut table.columns {
        let Some(sequence) = column.uses_sequences.iter().find(|id| absent(id)) else { continue };
        if !options.skip_missing_sequences {
            return Err(missing(
                format!("cannot restore table \"{name}\" without referenced sequence {sequence}"),
                "skip_missing_sequences",
            ));
        }
        column.default = None;
        column.identity = None;
        column.uses_sequences.clear();
    }
    if let TableKind::Sequence(sequence) = &mut table.kind
        && let Some((owner, _)) = sequence.owned_by
        && absent(&owner)
    {
        if !options.skip_missing_sequence_owners {
            return Err(missing(
                format!("cannot restore sequence \"{name}\" without its owner, table {owner}"),
                "skip_missing_sequence_owners",
            ));
        }
        sequence.owned_by = None;
    }
    Ok(())
}

/// A number, and the name behind it if the backup knows it.
fn named(holdings: &Holdings, id: DescriptorId) -> String {
    match holdings.object(id) {
        Some(object) => format!("{id} (\"{}\")", object.name()),
        None => id.to_string(),
    }
}

fn missing(message: String, option: &str) -> Error {
    Error::new(sqlstate::DEPENDENT_OBJECTS_STILL_EXIST, message)
        .with_hint(format!("Restore it too, or use the \"{option}\" option."))
}
