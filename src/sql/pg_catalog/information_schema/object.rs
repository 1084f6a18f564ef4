//! Databases, schemas, tables, views, sequences, character sets.

use super::super::notation::{Definition, NULL, row, view, yes};
use super::super::scene::Scene;
use super::super::{VIRTUAL_SCHEMAS, all, fixed, sequence};
use super::column::TypeParts;
use crate::catalog::descriptor::{TableDescriptor, TableKind};
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::{ColumnType, Datum};

pub(super) const TABLES: &[Definition] = &[
    view(
        13250,
        "character_sets",
        "character_set_catalog name, character_set_schema name, character_set_name name, \
         character_repertoire name, form_of_use name, default_collate_catalog name, \
         default_collate_schema name, default_collate_name name",
        character_sets,
    ),
    view(
        13265,
        "collations",
        "collation_catalog name, collation_schema name, collation_name name, \
         pad_attribute varchar",
        collations,
    ),
    view(13227, "information_schema_catalog_name", "catalog_name name", catalog_name),
    view(
        13382,
        "schemata",
        "catalog_name name, schema_name name, schema_owner name, \
         default_character_set_catalog name, default_character_set_schema name, \
         default_character_set_name name, sql_path varchar",
        schemata,
    ),
    view(
        13386,
        "sequences",
        "sequence_catalog name, sequence_schema name, sequence_name name, \
         data_type varchar, numeric_precision int4, numeric_precision_radix int4, \
         numeric_scale int4, start_value varchar, minimum_value varchar, \
         maximum_value varchar, increment varchar, cycle_option varchar",
        sequences,
    ),
    view(
        13425,
        "tables",
        "table_catalog name, table_schema name, table_name name, table_type varchar, \
         self_referencing_column_name name, reference_generation varchar, \
         user_defined_type_catalog name, user_defined_type_schema name, \
         user_defined_type_name name, is_insertable_into varchar, is_typed varchar, \
         commit_action varchar",
        tables,
    ),
    view(
        13478,
        "view_table_usage",
        "view_catalog name, view_schema name, view_name name, table_catalog name, \
         table_schema name, table_name name",
        view_table_usage,
    ),
    view(
        13483,
        "views",
        "table_catalog name, table_schema name, table_name name, view_definition varchar, \
         check_option varchar, is_updatable varchar, is_insertable_into varchar, \
         is_trigger_updatable varchar, is_trigger_deletable varchar, \
         is_trigger_insertable_into varchar",
        views,
    ),
];

fn catalog_name(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    Ok(vec![row![&*context.eval.session.database]])
}

fn character_sets(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let database = &*context.eval.session.database;
    Ok(vec![row![NULL, NULL, "UTF8", "UCS", "UTF8", database, "pg_catalog", "C"]])
}

fn collations(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let database = &*context.eval.session.database;
    let names = fixed::collation_names();
    Ok(names.map(|name| row![database, "pg_catalog", name, "NO PAD"]).collect())
}

fn schemata(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let schema = |name: &str, owner: &str| row![database, name, owner, NULL, NULL, NULL, NULL];
    let mut rows: Vec<Vec<Datum>> = VIRTUAL_SCHEMAS.iter().map(|s| schema(s, "root")).collect();
    let visible = scene.schemas().filter(|s| scene.may_see(&s.privileges));
    rows.extend(visible.map(|s| schema(&s.name, &s.privileges.owner)));
    Ok(rows)
}

/// What `table_type` says.
fn table_type(table: &TableDescriptor) -> Option<&'static str> {
    match table.kind {
        TableKind::Table if table.temporary => Some("LOCAL TEMPORARY"),
        TableKind::Table => Some("BASE TABLE"),
        TableKind::View { .. } => Some("VIEW"),
        // The standard knows no materialised views, and PostgreSQL leaves them out.
        TableKind::MaterializedView { .. } | TableKind::Sequence(_) => None,
    }
}

fn tables(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let table_row = |schema: &str, name: &str, kind: &str, insertable: bool, temporary: bool| {
        row![
            database,
            schema,
            name,
            kind,
            NULL,
            NULL,
            NULL,
            NULL,
            NULL,
            yes(insertable),
            "NO",
            temporary.then_some("PRESERVE"),
        ]
    };
    let mut rows = Vec::new();
    for (schema, table) in scene.relations().filter(|(_, t)| scene.may_see(&t.privileges)) {
        if let Some(kind) = table_type(table) {
            rows.push(table_row(
                &schema.name,
                &table.name,
                kind,
                table.has_rows(),
                table.temporary,
            ));
        }
    }
    for table in all() {
        let kind = if table.is_view { "VIEW" } else { "BASE TABLE" };
        rows.push(table_row(table.schema, table.name, kind, false, false));
    }
    Ok(rows)
}

fn views(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let view_row = |schema: &str, name: &str, query: Option<String>| {
        row![database, schema, name, query, "NONE", "NO", "NO", "NO", "NO", "NO"]
    };
    let mut rows = Vec::new();
    for (schema, table) in scene.relations().filter(|(_, t)| scene.may_see(&t.privileges)) {
        if let TableKind::View { query } = &table.kind {
            rows.push(view_row(&schema.name, &table.name, Some(format!(" {query};"))));
        }
    }
    rows.extend(all().filter(|t| t.is_view).map(|t| view_row(t.schema, t.name, None)));
    Ok(rows)
}

fn view_table_usage(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let mut rows = Vec::new();
    for (schema, view) in scene.relations().filter(|(_, t)| t.is_view()) {
        for other in view.depends_on.iter().filter_map(|id| scene.catalog.table(*id)) {
            if !scene.may_see(&other.privileges) {
                continue;
            }
            let other_schema = scene.catalog.schema(other.schema).map_or("", |s| &s.name);
            rows.push(row![
                database,
                &schema.name,
                &view.name,
                database,
                other_schema,
                &other.name
            ]);
        }
    }
    Ok(rows)
}

fn sequences(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for (schema, table, options) in sequence::of(&scene) {
        if !scene.may_see(&table.privileges) {
            continue;
        }
        let parts = TypeParts::of(&ColumnType::plain(options.ty.clone()));
        rows.push(row![
            &*scene.session.database,
            &schema.name,
            &table.name,
            parts.name,
            parts.precision,
            parts.radix,
            parts.scale,
            options.start.to_string(),
            options.minimum.to_string(),
            options.maximum.to_string(),
            options.increment.to_string(),
            yes(options.cycle),
        ]);
    }
    Ok(rows)
}
