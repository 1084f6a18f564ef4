//! What the catalogue says: visibility, owners, comments, definitions.

use super::args::{boolean, i4, oid, txt};
use super::row::{Row, f};
use crate::catalog::comment::CommentKind;
use crate::catalog::object::ObjectRef;
use crate::error::Result;
use crate::sql::exec::context::EvalContext;
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
    f(2080, "pg_type_is_visible", "oid", "bool", |_, a| {
        Ok(type_table::type_from_oid(oid(a, 0)?).map(|_| Datum::Bool(true)).into())
    })
    .stable(),
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
        let kind = match &**txt(a, 1)? {
            "pg_class" => CommentKind::Table,
            "pg_namespace" => CommentKind::Schema,
            "pg_database" => CommentKind::Database,
            "pg_type" => CommentKind::Type,
            _ => return Ok(Datum::Null),
        };
        Ok(c.catalog.comment(kind, oid(a, 0)?, 0).map(Datum::text).into())
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
    f(1641, "pg_get_viewdef", "oid", "text", |c, a| Ok(view_query(c, oid(a, 0)?))).stable(),
    f(2506, "pg_get_viewdef", "oid bool", "text", |c, a| Ok(view_query(c, oid(a, 0)?))).stable(),
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

/// Whether a relation is what its bare name means; NULL if it does not exist.
fn visible(context: &EvalContext<'_>, number: u32) -> Result<Datum> {
    let Some(table) = context.catalog.table_any_state(number) else { return Ok(Datum::Null) };
    for name in schemas(context) {
        let Some(schema) = context.catalog.schema_named(table.database, &name)? else { continue };
        if let Some(found) = context.catalog.relation_any_state(schema.id, &table.name) {
            return Ok(Datum::Bool(found.id == number));
        }
    }
    Ok(Datum::Bool(false))
}

/// The query of a view; NULL for anything else.
fn view_query(context: &EvalContext<'_>, number: u32) -> Datum {
    use crate::catalog::descriptor::TableKind;
    let Some(ObjectRef::Table(table)) = context.catalog.descriptor(number) else {
        return Datum::Null;
    };
    match &table.kind {
        TableKind::View { query } | TableKind::MaterializedView { query } => {
            Datum::text(format!(" {query};"))
        }
        _ => Datum::Null,
    }
}
