//! `pg_class`: tables, views, sequences and indexes.

use super::notation::{Definition, NULL, row, table};
use super::scene::{Scene, index_oid, indexes};
use super::{VirtualTable, number};
use crate::catalog::descriptor::{SchemaDescriptor, TableDescriptor, TableKind};
use crate::catalog::privilege::ObjectKind;
use crate::catalog::role::ROOT_ID;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::Datum;

pub(super) const TABLES: &[Definition] = &[table(
    1259,
    "pg_class",
    "oid oid, relname name, relnamespace oid, reltype oid, reloftype oid, \
         relowner oid, relam oid, relfilenode oid, reltablespace oid, relpages int4, \
         reltuples float4, relallvisible int4, reltoastrelid oid, relhasindex bool, \
         relisshared bool, relpersistence char, relkind char, relnatts int2, \
         relchecks int2, relhasrules bool, relhastriggers bool, relhassubclass bool, \
         relrowsecurity bool, relforcerowsecurity bool, relispopulated bool, \
         relreplident char, relispartition bool, relrewrite oid, relfrozenxid int8, \
         relminmxid int8, relacl _text, reloptions _text, relpartbound text",
    classes,
)];

/// `pg_am.oid` of heaps and of B-trees.
const HEAP: u32 = 2;
pub(super) const BTREE: u32 = 403;

/// What the rows of all kinds of relations differ in.
struct Class<'a> {
    oid: u32,
    name: &'a str,
    schema: u32,
    owner: u32,
    kind: u8,
    columns: usize,
    checks: usize,
    has_index: bool,
    has_triggers: bool,
    temporary: bool,
    access: Option<Vec<String>>,
    options: Option<Vec<String>>,
}

impl Class<'_> {
    fn row(self) -> Vec<Datum> {
        let method = match self.kind {
            b'r' | b'm' => HEAP,
            b'i' => BTREE,
            _ => 0,
        };
        let stored = matches!(self.kind, b'r' | b'm' | b'i' | b'S');
        row![
            self.oid,
            self.name,
            self.schema,
            0u32,
            0u32,
            self.owner,
            method,
            if stored { self.oid } else { 0 },
            0u32,
            0i32,
            if matches!(self.kind, b'r' | b'm') { -1f32 } else { 0f32 },
            0i32,
            0u32,
            self.has_index,
            false,
            if self.temporary { b't' } else { b'p' },
            self.kind,
            i16::try_from(self.columns).unwrap_or(i16::MAX),
            i16::try_from(self.checks).unwrap_or(i16::MAX),
            self.kind == b'v' || self.kind == b'm',
            self.has_triggers,
            false,
            false,
            false,
            true,
            if matches!(self.kind, b'r' | b'm') { b'd' } else { b'n' },
            false,
            0u32,
            0i64,
            0i64,
            self.access,
            self.options,
            NULL,
        ]
    }
}

fn classes(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for (schema, table) in scene.relations() {
        rows.push(relation(&scene, schema, table).row());
        for index in indexes(table) {
            rows.push(
                Class {
                    oid: index_oid(table, index),
                    name: &index.name,
                    schema: schema.id,
                    owner: scene.role(&table.privileges.owner),
                    kind: b'i',
                    columns: index.columns.len() + index.storing.len(),
                    checks: 0,
                    has_index: false,
                    has_triggers: false,
                    temporary: table.temporary,
                    access: None,
                    options: None,
                }
                .row(),
            );
        }
    }
    rows.extend(super::all().map(|table| of_virtual(table).row()));
    Ok(rows)
}

/// `relkind`
pub(super) fn kind(table: &TableDescriptor) -> u8 {
    match table.kind {
        TableKind::Table => b'r',
        TableKind::View { .. } => b'v',
        TableKind::MaterializedView { .. } => b'm',
        TableKind::Sequence(_) => b'S',
    }
}

fn relation<'a>(
    scene: &Scene<'_>,
    schema: &SchemaDescriptor,
    table: &'a TableDescriptor,
) -> Class<'a> {
    let object = match table.kind {
        TableKind::Sequence(_) => ObjectKind::Sequence,
        _ => ObjectKind::Table,
    };
    // Clients ask for foreign keys only where there are triggers, which keep them in PostgreSQL.
    let tied =
        !table.foreign_keys.is_empty() || !scene.catalog.inbound_foreign_keys(table.id).is_empty();
    let options: Vec<String> =
        table.storage_parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Class {
        oid: table.id,
        name: &table.name,
        schema: schema.id,
        owner: scene.role(&table.privileges.owner),
        kind: kind(table),
        columns: table.columns.iter().filter(|c| !c.hidden).count(),
        checks: table.checks.len(),
        has_index: indexes(table).next().is_some(),
        has_triggers: tied,
        temporary: table.temporary,
        access: scene.access_list(&table.privileges, object),
        options: (!options.is_empty()).then_some(options),
    }
}

fn of_virtual(table: &VirtualTable) -> Class<'_> {
    Class {
        oid: table.oid,
        name: table.name,
        schema: number::virtual_schema(table.schema),
        owner: ROOT_ID,
        kind: if table.is_view { b'v' } else { b'r' },
        columns: table.columns.len(),
        checks: 0,
        has_index: false,
        has_triggers: false,
        temporary: false,
        access: Some(vec!["root=arwdDxt/root".to_owned(), "=r/root".to_owned()]),
        options: None,
    }
}
