//! Constraints, and the columns and tables that they are about.

use super::super::definition::{self, Constraint, action_words, constraints};
use super::super::notation::{Definition, row, view, yes};
use super::super::scene::Scene;
use crate::catalog::descriptor::{ForeignKey, SchemaDescriptor, TableDescriptor};
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::Datum;

pub(super) const TABLES: &[Definition] = &[
    view(
        13260,
        "check_constraints",
        "constraint_catalog name, constraint_schema name, constraint_name name, \
         check_clause varchar",
        check_constraints,
    ),
    view(
        13300,
        "constraint_column_usage",
        "table_catalog name, table_schema name, table_name name, column_name name, \
         constraint_catalog name, constraint_schema name, constraint_name name",
        constraint_column_usage,
    ),
    view(
        13305,
        "constraint_table_usage",
        "table_catalog name, table_schema name, table_name name, constraint_catalog name, \
         constraint_schema name, constraint_name name",
        constraint_table_usage,
    ),
    view(
        13329,
        "key_column_usage",
        "constraint_catalog name, constraint_schema name, constraint_name name, \
         table_catalog name, table_schema name, table_name name, column_name name, \
         ordinal_position int4, position_in_unique_constraint int4",
        key_column_usage,
    ),
    view(
        13339,
        "referential_constraints",
        "constraint_catalog name, constraint_schema name, constraint_name name, \
         unique_constraint_catalog name, unique_constraint_schema name, \
         unique_constraint_name name, match_option varchar, update_rule varchar, \
         delete_rule varchar",
        referential_constraints,
    ),
    view(
        13411,
        "table_constraints",
        "constraint_catalog name, constraint_schema name, constraint_name name, \
         table_catalog name, table_schema name, table_name name, constraint_type varchar, \
         is_deferrable varchar, initially_deferred varchar, enforced varchar, \
         nulls_distinct varchar",
        table_constraints,
    ),
];

type Found<'a> = (&'a SchemaDescriptor, &'a TableDescriptor, Constraint<'a>);

/// The constraints that the reader may be told about.
fn found<'a>(scene: &Scene<'a>) -> Vec<Found<'a>> {
    let visible = scene.relations().filter(|(_, t)| scene.may_see(&t.privileges));
    visible
        .flat_map(|(schema, table)| constraints(table).map(move |c| (schema, &**table, c)))
        .collect()
}

/// The NOT NULL constraints, which PostgreSQL shows as checks: their names and columns.
fn not_nulls(
    schema: &SchemaDescriptor,
    table: &TableDescriptor,
) -> impl Iterator<Item = (String, String)> {
    let columns = table.columns.iter().filter(|c| !c.hidden && !c.nullable);
    columns.map(|column| {
        let name = format!("{}_{}_{}_not_null", schema.id, table.id, column.id);
        (name, format!("{} IS NOT NULL", column.name))
    })
}

fn check_constraints(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let mut rows = Vec::new();
    for (schema, _, constraint) in found(&scene) {
        if let Constraint::Check(_, check) = constraint {
            let sql = format!("(({}))", definition::expression(scene.catalog, &check.expression));
            rows.push(row![database, &schema.name, &check.name, sql]);
        }
    }
    for (schema, table) in scene.relations().filter(|(_, t)| scene.may_see(&t.privileges)) {
        for (name, clause) in not_nulls(schema, table) {
            rows.push(row![database, &schema.name, name, clause]);
        }
    }
    Ok(rows)
}

fn table_constraints(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let constraint_row = |schema: &str,
                          table: &str,
                          name: &str,
                          kind: &str,
                          (deferrable, deferred): (bool, bool)| {
        let distinct = (kind == "UNIQUE").then_some("YES");
        row![
            database,
            schema,
            name,
            database,
            schema,
            table,
            kind,
            yes(deferrable),
            yes(deferred),
            "YES",
            distinct
        ]
    };
    let mut rows = Vec::new();
    for (schema, table, c) in found(&scene) {
        rows.push(constraint_row(&schema.name, &table.name, c.name(), c.kind(), c.deferral()));
    }
    for (schema, table) in scene.relations().filter(|(_, t)| scene.may_see(&t.privileges)) {
        for (name, _) in not_nulls(schema, table) {
            rows.push(constraint_row(&schema.name, &table.name, &name, "CHECK", (false, false)));
        }
    }
    Ok(rows)
}

/// The key of the parent that a foreign key refers to.
fn referenced<'a>(
    scene: &Scene<'a>,
    key: &ForeignKey,
) -> Option<(&'a SchemaDescriptor, &'a TableDescriptor, Option<Constraint<'a>>)> {
    let parent = scene.catalog.table(key.referenced_table)?;
    let schema = scene.catalog.schema(parent.schema)?;
    let sorted = |mut ids: Vec<u32>| {
        ids.sort_unstable();
        ids
    };
    let wanted = sorted(key.referenced_columns.clone());
    let is_key = |c: &Constraint<'_>| matches!(c, Constraint::Primary(_) | Constraint::Unique(_));
    let found = constraints(parent).filter(is_key).find(|c| sorted(c.columns()) == wanted);
    Some((schema, parent, found))
}

fn key_column_usage(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let mut rows = Vec::new();
    for (schema, table, constraint) in found(&scene) {
        let foreign = match constraint {
            Constraint::Check(..) => continue,
            Constraint::Foreign(_, key) => Some(key),
            _ => None,
        };
        let unique = foreign.and_then(|key| referenced(&scene, key)).and_then(|found| found.2);
        for (i, id) in constraint.columns().into_iter().enumerate() {
            let Some(column) = table.column(id) else { continue };
            let position = foreign.zip(unique).and_then(|(key, unique)| {
                let target = key.referenced_columns.get(i)?;
                let at = unique.columns().iter().position(|c| c == target)?;
                i32::try_from(at + 1).ok()
            });
            rows.push(row![
                database,
                &schema.name,
                constraint.name(),
                database,
                &schema.name,
                &table.name,
                &column.name,
                i32::try_from(i + 1).unwrap_or(i32::MAX),
                position,
            ]);
        }
    }
    Ok(rows)
}

fn constraint_column_usage(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let mut rows = Vec::new();
    for (schema, table, constraint) in found(&scene) {
        // A foreign key uses the columns that it points at.
        let (place, columns) = match constraint {
            Constraint::Foreign(_, key) => match referenced(&scene, key) {
                Some((schema, parent, _)) => ((schema, parent), key.referenced_columns.clone()),
                None => continue,
            },
            other => ((schema, table), other.columns()),
        };
        for column in columns.into_iter().filter_map(|id| place.1.column(id)) {
            rows.push(row![
                database,
                &place.0.name,
                &place.1.name,
                &column.name,
                database,
                &schema.name,
                constraint.name(),
            ]);
        }
    }
    Ok(rows)
}

fn constraint_table_usage(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let mut rows = Vec::new();
    for (schema, table, constraint) in found(&scene) {
        let (of_schema, of_table) = match constraint {
            Constraint::Check(..) => continue,
            Constraint::Foreign(_, key) => match referenced(&scene, key) {
                Some((schema, parent, _)) => (schema, parent),
                None => continue,
            },
            _ => (schema, table),
        };
        let (of, on) = (&of_schema.name, &of_table.name);
        rows.push(row![database, of, on, database, &schema.name, constraint.name()]);
    }
    Ok(rows)
}

fn referential_constraints(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let database = &*scene.session.database;
    let mut rows = Vec::new();
    for (schema, _, constraint) in found(&scene) {
        let Constraint::Foreign(_, key) = constraint else { continue };
        let parent = referenced(&scene, key).and_then(|(schema, _, c)| Some((schema, c?)));
        rows.push(row![
            database,
            &schema.name,
            &key.name,
            parent.map(|_| database),
            parent.map(|(schema, _)| schema.name.as_str()),
            parent.map(|(_, unique)| unique.name()),
            if key.match_full { "FULL" } else { "NONE" },
            action_words(key.on_update),
            action_words(key.on_delete),
        ]);
    }
    Ok(rows)
}
