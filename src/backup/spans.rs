//! Which keys a layer holds, and which of them from the beginning.

use serde::Deserialize;
use std::collections::BTreeSet;

use crate::archive::Manifest;
use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{Descriptor, DescriptorId, TableDescriptor};
use crate::error::{Error, Result};
use crate::keys::{Span, SpanSet, index_span, table_span};

/// The spans of a table's data. A table that is offline has none: whoever fills it writes past the
/// clock, so it is taken from the beginning by the first layer that finds it in use.
pub(super) fn of_table(table: &TableDescriptor) -> Vec<Span> {
    if !table.state.is_public() {
        return Vec::new();
    }
    if table.sequence().is_some() {
        return vec![index_span(table.id, table.primary_index.id)];
    }
    if !table.has_rows() {
        return Vec::new();
    }
    table.all_indexes().map(|index| index_span(table.id, index.id)).collect()
}

/// The spans of all tables among some descriptors.
pub(super) fn of_objects(
    snapshot: &CatalogSnapshot,
    objects: &BTreeSet<DescriptorId>,
) -> BTreeSet<Span> {
    let tables = objects.iter().filter_map(|id| snapshot.table_any_state(*id));
    tables.flat_map(|table| of_table(table)).collect()
}

/// The layer before a new one, as far as spans are concerned.
pub(super) struct Before<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) tables: &'a [TableDescriptor],
}

/// Splits the spans of a new layer into those that continue the layer before and those that it
/// lacks, or had no data for while they were offline.
pub(super) fn split(spans: BTreeSet<Span>, before: Option<Before<'_>>) -> (Vec<Span>, Vec<Span>) {
    let Some(before) = before else { return (spans.into_iter().collect(), Vec::new()) };
    let mut covered = SpanSet::new();
    for span in before.manifest.spans.iter().chain(&before.manifest.introduced_spans) {
        covered.add(span.clone());
    }
    for table in before.tables.iter().filter(|table| !table.state.is_public()) {
        covered.subtract(&table_span(table.id));
    }
    spans.into_iter().partition(|span| covered.covers(span))
}

/// The tables that a layer holds descriptors of.
pub(super) fn tables_of(layer: &Manifest) -> Result<Vec<TableDescriptor>> {
    let mut tables = Vec::new();
    for value in &layer.descriptors {
        let descriptor: Descriptor = Deserialize::deserialize(value).map_err(|e| {
            Error::corrupt("a descriptor in the backup cannot be read").with_source(e)
        })?;
        if let Descriptor::Table(table) = descriptor {
            tables.push(table);
        }
    }
    Ok(tables)
}
