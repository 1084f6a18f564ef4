//! What the catalogue says: visibility, owners, comments.

use super::args::{boolean, i4, oid, txt};
use super::catalog_names::scope;
use super::row::{Row, f};
use crate::catalog::comment::CommentKind;
use crate::catalog::names;
use crate::error::Result;
use crate::sql::exec::context::EvalContext;
use crate::sql::pg_catalog::object_names::relation_oid;
use crate::sql::pg_catalog::{self, definition};
use crate::types::{Array, Datum, Type, oid as type_table};

pub(super) const FUNCTIONS: &[Row] = &[
    f(1402, "current_schema", "", "name", |c, _| Ok(schemas(c).first().map(Datum::text).into()))
        .stable(),
    f(1403, "current_schemas", "bool", "_name", |c, a| {
        let mut names = schemas(c);
        if boolean(a, 0)? && !names.iter().any(|n| n == "pg_catalog") {
            names.insert(0, "pg_catalog".into());
        }
        let items = names.iter().map(Datum::text).collect();
        Ok(Datum::Array(Array::from_items(Type::Name, items).into()))
    })
    .stable(),
    f(2079, "pg_table_is_visible", "oid", "bool", |c, a| visible(c, oid(a, 0)?)).stable(),
    f(2080, "pg_type_is_visible", "oid", "bool", |c, a| type_visible(c, oid(a, 0)?)).stable(),
    f(2081, "pg_function_is_visible", "oid", "bool", |_, a| {
        Ok(super::function_by_oid(oid(a, 0)?).map(|_| Datum::Bool(true)).into())
    })
    .stable(),
    f(1642, "pg_get_userbyid", "oid", "name", |c, a| {
        let number = oid(a, 0)?;
        let role = c.catalog.roles().roles().find(|role| role.id == number);
        Ok(Datum::text(match role {
            Some(role) => role.name.clone(),
            None => format!("unknown (OID={number})"),
        }))
    })
    .stable(),
    f(1215, "obj_description", "oid name", "text", |c, a| {
        Ok(description(c, oid(a, 0)?, txt(a, 1)?))
    })
    .stable(),
    f(1348, "obj_description", "oid", "text", |c, a| {
        let found = ["pg_class", "pg_namespace", "pg_type", "pg_constraint"]
            .iter()
            .map(|class| description(c, oid(a, 0).unwrap_or_default(), class))
            .find(|text| !text.is_null());
        Ok(found.into())
    })
    .stable(),
    f(1993, "shobj_description", "oid name", "text", |c, a| match &**txt(a, 1)? {
        "pg_database" => {
            Ok(c.catalog.comment(CommentKind::Database, oid(a, 0)?, 0).map(Datum::text).into())
        }
        _ => Ok(Datum::Null),
    })
    .stable(),
    f(1216, "col_description", "oid int4", "text", |c, a| {
        let part = u32::try_from(i4(a, 1)?).unwrap_or(0);
        Ok(c.catalog.comment(CommentKind::Column, oid(a, 0)?, part).map(Datum::text).into())
    })
    .stable(),
];

/// The schemas of the search path that exist.
fn schemas(context: &EvalContext<'_>) -> Vec<String> {
    let Ok(Some(database)) = context.catalog.database_named(&context.session.database) else {
        return Vec::new();
    };
    let exists = |name: &&String| {
        *name == "pg_catalog"
            || matches!(context.catalog.schema_named(database.id, name), Ok(Some(_)))
    };
    context.session.search_path.iter().filter(exists).cloned().collect()
}

/// Whether a relation, index or virtual table is what its bare name means; NULL if it does not
/// exist.
fn visible(context: &EvalContext<'_>, number: u32) -> Result<Datum> {
    if let Some(table) = pg_catalog::virtual_table_by_oid(number) {
        let in_path = context.session.search_path.iter().any(|schema| schema == table.schema);
        return Ok(Datum::Bool(table.schema == "pg_catalog" || in_path));
    }
    let name = match context.catalog.table_any_state(number) {
        Some(table) => &table.name,
        None => match definition::index_with_oid(context.catalog, number) {
            Some((_, index)) => &index.name,
            None => return Ok(Datum::Null),
        },
    };
    let found = relation_oid(context.catalog, scope(context)?, &[name])?;
    Ok(Datum::Bool(found == Some(number)))
}

/// The same for types.
fn type_visible(context: &EvalContext<'_>, number: u32) -> Result<Datum> {
    if type_table::type_from_oid(number).is_some() {
        return Ok(Datum::Bool(true));
    }
    let id = type_table::user_type(number).map(|(id, _)| id);
    let Some(ty) = id.and_then(|id| context.catalog.type_any_state(id)) else {
        return Ok(Datum::Null);
    };
    let found = names::find_type(context.catalog, scope(context)?, &[&ty.name])?;
    Ok(Datum::Bool(found.is_some_and(|found| found.id == ty.id)))
}

/// The comment on an object of a catalogue table.
fn description(context: &EvalContext<'_>, number: u32, class: &str) -> Datum {
    let catalog = context.catalog;
    let text = match class {
        "pg_class" => match definition::index_with_oid(catalog, number) {
            Some((table, index)) => catalog.comment(CommentKind::Index, table.id, index.id),
            None => catalog.comment(CommentKind::Table, number, 0),
        },
        "pg_namespace" => catalog.comment(CommentKind::Schema, number, 0),
        "pg_database" => catalog.comment(CommentKind::Database, number, 0),
        "pg_type" => {
            let own = type_table::user_type(number).filter(|(_, is_array)| !is_array);
            own.map(|(id, _)| id).and_then(|id| catalog.comment(CommentKind::Type, id, 0))
        }
        "pg_constraint" => definition::constraint(catalog, number).and_then(|(table, found)| {
            let mut all = definition::constraints(table);
            let position = all.position(|c| c.oid(table) == found.oid(table))?;
            catalog.comment(CommentKind::Constraint, table.id, u32::try_from(position).ok()?)
        }),
        _ => None,
    };
    text.map(Datum::text).into()
}
