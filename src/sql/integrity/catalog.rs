//! Whether the descriptors agree with each other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Report, qualified};
use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{ColumnId, DescriptorId, TableDescriptor};
use crate::catalog::object::ObjectRef;

pub(super) fn check(snapshot: &CatalogSnapshot, report: &mut Report) {
    let mut names: BTreeMap<(DescriptorId, DescriptorId, &str), DescriptorId> = BTreeMap::new();
    for object in snapshot.descriptors() {
        report.descriptors += 1;
        let (parents, name) = match object {
            ObjectRef::Database(d) => ((0, 0), d.name.as_str()),
            ObjectRef::Schema(s) => ((s.database, 0), s.name.as_str()),
            ObjectRef::Table(t) => ((t.database, t.schema), t.name.as_str()),
            ObjectRef::Type(t) => ((t.database, t.schema), t.name.as_str()),
        };
        let id = object.id();
        let shown = match object {
            ObjectRef::Table(t) => qualified(snapshot, t),
            _ => name.to_owned(),
        };
        if let Some(other) = names.insert((parents.0, parents.1, name), id) {
            report.add(&shown, format!("objects {other} and {id} have the same name"));
        }
        let (database, schema) = parents;
        if database != 0 && snapshot.database_any_state(database).is_none() {
            report.add(&shown, format!("its database {database} does not exist"));
        }
        match snapshot.schema_any_state(schema) {
            _ if schema == 0 => {}
            None => report.add(&shown, format!("its schema {schema} does not exist")),
            Some(found) if found.database != database => {
                report.add(&shown, format!("its schema {schema} is in another database"));
            }
            Some(_) => {}
        }
        if let ObjectRef::Table(t) = object {
            table(snapshot, t, &shown, report);
        }
    }
}

fn table(snapshot: &CatalogSnapshot, table: &TableDescriptor, name: &str, report: &mut Report) {
    let columns: BTreeSet<ColumnId> = table.columns.iter().map(|c| c.id).collect();
    if columns.len() < table.columns.len() {
        report.add(name, "two columns have the same number");
    }
    if columns.last().is_some_and(|last| *last >= table.next_column_id) {
        report.add(name, "a column has a number that was not given out yet");
    }
    let mut indexes = BTreeSet::new();
    for index in table.all_indexes() {
        if !indexes.insert(index.id) {
            report.add(name, format!("two indexes have the number {}", index.id));
        }
        if index.id >= table.next_index_id && table.has_rows() {
            report.add(name, format!("index \"{}\" has a number of the future", index.name));
        }
        let used = index.columns.iter().map(|c| c.column).chain(index.storing.iter().copied());
        for column in used.filter(|c| !columns.contains(c)) {
            report.add(name, format!("index \"{}\" has no column {column}", index.name));
        }
    }
    for check in &table.checks {
        for column in check.columns.iter().filter(|c| !columns.contains(c)) {
            report.add(name, format!("check \"{}\" has no column {column}", check.name));
        }
    }
    for key in &table.foreign_keys {
        for column in key.columns.iter().filter(|c| !columns.contains(c)) {
            report.add(name, format!("foreign key \"{}\" has no column {column}", key.name));
        }
        let Some(parent) = snapshot.table_any_state(key.referenced_table) else {
            let id = key.referenced_table;
            report.add(name, format!("foreign key \"{}\" refers to no table ({id})", key.name));
            continue;
        };
        if key.referenced_columns.iter().any(|c| parent.position(*c).is_none()) {
            report.add(name, format!("foreign key \"{}\" refers to no column", key.name));
        }
    }
    let sequences = table.columns.iter().flat_map(|c| &c.uses_sequences);
    for needed in table.depends_on.iter().chain(sequences) {
        if snapshot.descriptor(*needed).is_none() {
            report.add(name, format!("it needs object {needed}, which does not exist"));
        }
    }
    if let Some((owner, column)) = table.sequence().and_then(|s| s.owned_by)
        && snapshot.table_any_state(owner).is_none_or(|t| t.position(column).is_none())
    {
        report.add(name, format!("its owner, column {column} of table {owner}, does not exist"));
    }
}
