//! `pg_tables`, `pg_views`, `pg_matviews`, `pg_indexes`: the catalogue as people read it.

use super::definition;
use super::notation::{Definition, NULL, row, view};
use super::scene::{Scene, indexes};
use crate::catalog::descriptor::TableKind;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::Datum;

pub(super) const TABLES: &[Definition] = &[
    view(
        12028,
        "pg_views",
        "schemaname name, viewname name, viewowner name, definition text",
        views,
    ),
    view(
        12033,
        "pg_tables",
        "schemaname name, tablename name, tableowner name, tablespace name, \
         hasindexes bool, hasrules bool, hastriggers bool, rowsecurity bool",
        tables,
    ),
    view(
        12038,
        "pg_matviews",
        "schemaname name, matviewname name, matviewowner name, tablespace name, \
         hasindexes bool, ispopulated bool, definition text",
        materialized_views,
    ),
    view(
        12043,
        "pg_indexes",
        "schemaname name, tablename name, indexname name, tablespace name, indexdef text",
        all_indexes,
    ),
];

fn tables(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let tables = scene.relations().filter(|(_, t)| matches!(t.kind, TableKind::Table));
    let mut rows: Vec<Vec<Datum>> = tables
        .map(|(schema, table)| {
            let tied = !table.foreign_keys.is_empty()
                || !scene.catalog.inbound_foreign_keys(table.id).is_empty();
            row![
                &schema.name,
                &table.name,
                &table.privileges.owner,
                NULL,
                indexes(table).next().is_some(),
                false,
                tied,
                false
            ]
        })
        .collect();
    let own = super::all().filter(|table| !table.is_view);
    rows.extend(own.map(|t| row![t.schema, t.name, "root", NULL, false, false, false, false]));
    Ok(rows)
}

fn views(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for (schema, table) in scene.relations() {
        if let TableKind::View { query } = &table.kind {
            let definition = format!(" {};", definition::with_types(scene.catalog, query));
            rows.push(row![&schema.name, &table.name, &table.privileges.owner, definition]);
        }
    }
    let own = super::all().filter(|table| table.is_view);
    rows.extend(own.map(|table| row![table.schema, table.name, "root", NULL]));
    Ok(rows)
}

fn materialized_views(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for (schema, table) in scene.relations() {
        if let TableKind::MaterializedView { query } = &table.kind {
            rows.push(row![
                &schema.name,
                &table.name,
                &table.privileges.owner,
                NULL,
                indexes(table).next().is_some(),
                true,
                format!(" {};", definition::with_types(scene.catalog, query)),
            ]);
        }
    }
    Ok(rows)
}

fn all_indexes(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for (schema, table) in scene.relations() {
        for index in indexes(table) {
            let sql = definition::index_sql(scene.catalog, table, index);
            rows.push(row![&schema.name, &table.name, &index.name, NULL, sql]);
        }
    }
    Ok(rows)
}
