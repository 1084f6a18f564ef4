//! `pg_sequence` and `pg_sequences`: sequences.

use super::notation::{Definition, row, table, view};
use super::scene::Scene;
use crate::catalog::descriptor::{SchemaDescriptor, SequenceOptions, TableDescriptor};
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::{Datum, oid};

pub(super) const TABLES: &[Definition] = &[
    table(
        2224,
        "pg_sequence",
        "seqrelid oid, seqtypid oid, seqstart int8, seqincrement int8, seqmax int8, \
         seqmin int8, seqcache int8, seqcycle bool",
        sequences,
    ),
    view(
        12048,
        "pg_sequences",
        "schemaname name, sequencename name, sequenceowner name, data_type regtype, \
         start_value int8, min_value int8, max_value int8, increment_by int8, cycle bool, \
         cache_size int8, last_value int8",
        readable_sequences,
    ),
];

type Sequence<'a> = (&'a SchemaDescriptor, &'a TableDescriptor, &'a SequenceOptions);

/// The sequences of the current database.
pub(super) fn of<'a>(scene: &Scene<'a>) -> impl Iterator<Item = Sequence<'a>> {
    scene.relations().filter_map(|(schema, table)| Some((schema, &**table, table.sequence()?)))
}

fn sequences(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let rows = of(&scene).map(|(_, table, options)| {
        row![
            table.id,
            oid::oid(&options.ty),
            options.start,
            options.increment,
            options.maximum,
            options.minimum,
            options.cache,
            options.cycle,
        ]
    });
    Ok(rows.collect())
}

fn readable_sequences(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let found: Vec<(String, std::sync::Arc<TableDescriptor>)> = {
        let scene = Scene::of(context);
        let sequences = scene.relations().filter(|(_, table)| table.sequence().is_some());
        sequences.map(|(schema, table)| (schema.name.clone(), table.clone())).collect()
    };
    let mut rows = Vec::new();
    for (schema, table) in found {
        let Some(options) = table.sequence() else { continue };
        let catalog = &context.eval.server.catalog;
        let position = catalog.sequence_position(context.txn, &table)?;
        rows.push(row![
            schema,
            &table.name,
            &table.privileges.owner,
            oid::oid(&options.ty),
            options.start,
            options.minimum,
            options.maximum,
            options.increment,
            options.cycle,
            options.cache,
            position.is_called.then_some(position.last_value),
        ]);
    }
    Ok(rows)
}
