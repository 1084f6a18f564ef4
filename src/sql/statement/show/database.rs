//! SHOW DATABASES, SCHEMAS, TABLES, SEQUENCES, ENUMS, TYPES.

use std::sync::Arc;

use sqlparser::ast::{Ident, ObjectName};

use super::optional;
use crate::catalog::comment::CommentKind;
use crate::catalog::descriptor::{DatabaseDescriptor, SchemaDescriptor, TableKind};
use crate::catalog::names;
use crate::catalog::{CatalogSnapshot, ObjectRef};
use crate::error::{Error, Result};
use crate::sql::pg_catalog::VIRTUAL_SCHEMAS;
use crate::sql::statement::Work;
use crate::sql::statement::object::words;
use crate::types::Datum;

type Rows = Vec<Vec<Datum>>;

/// SHOW DATABASES.
pub(super) fn databases(with_comment: bool, work: &mut Work<'_>) -> Result<Rows> {
    let catalog = work.catalog()?;
    let mut all: Vec<_> = catalog.databases().collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let row = |d: &Arc<DatabaseDescriptor>| {
        let mut row = vec![
            Datum::text(&d.name),
            Datum::text(&d.privileges.owner),
            Datum::Null,
            Datum::Null,
            Datum::Null,
        ];
        if with_comment {
            row.push(optional(catalog.comment(CommentKind::Database, d.id, 0)));
        }
        row
    };
    Ok(all.into_iter().map(row).collect())
}

fn database(
    from: Option<&Ident>,
    catalog: &CatalogSnapshot,
    work: &Work<'_>,
) -> Result<Arc<DatabaseDescriptor>> {
    let name = from.map_or(&*work.session.database, |name| name.value.as_str());
    names::resolve_database(catalog, name)
}

/// SHOW SCHEMAS.
pub(super) fn schemas(from: Option<&Ident>, work: &mut Work<'_>) -> Result<Rows> {
    let catalog = work.catalog()?;
    let database = database(from, &catalog, work)?;
    let mut rows: Vec<(String, Datum)> = catalog
        .schemas(database.id)
        .map(|s| (s.name.clone(), Datum::text(&s.privileges.owner)))
        .collect();
    rows.extend(VIRTUAL_SCHEMAS.iter().map(|name| ((*name).to_owned(), Datum::Null)));
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(rows.into_iter().map(|(name, owner)| vec![Datum::text(name), owner]).collect())
}

/// The schemas that `FROM a` or `FROM a.b` means: a database's, or one.
fn schemas_of(
    from: Option<&ObjectName>,
    catalog: &CatalogSnapshot,
    work: &Work<'_>,
) -> Result<Vec<Arc<SchemaDescriptor>>> {
    let current = names::resolve_database(catalog, &work.session.database)?;
    let all = |d: &DatabaseDescriptor| catalog.schemas(d.id).cloned().collect::<Vec<_>>();
    let Some(from) = from else { return Ok(all(&current)) };
    match words(from)?.as_slice() {
        [name] => match catalog.schema_named(current.id, name)? {
            Some(schema) => Ok(vec![schema.clone()]),
            None => Ok(all(&*names::resolve_database(catalog, name)?)),
        },
        two @ [_, _] => {
            let scope = work.scope(catalog)?;
            Ok(vec![names::resolve_schema(catalog, scope, two)?])
        }
        _ => Err(Error::syntax("a database or schema was expected")),
    }
}

/// SHOW TABLES.
pub(super) fn tables(
    from: Option<&ObjectName>,
    with_comment: bool,
    work: &mut Work<'_>,
) -> Result<Rows> {
    let catalog = work.catalog()?;
    let mut rows = Vec::new();
    for schema in schemas_of(from, &catalog, work)? {
        for table in catalog.tables_in(schema.id) {
            let kind = ObjectRef::Table(table).noun();
            let mut row = vec![
                Datum::text(&schema.name),
                Datum::text(&table.name),
                Datum::text(kind),
                Datum::text(&table.privileges.owner),
                Datum::Null,
                Datum::Null,
            ];
            if with_comment {
                row.push(optional(catalog.comment(CommentKind::Table, table.id, 0)));
            }
            rows.push(((schema.name.clone(), table.name.clone()), row));
        }
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// SHOW SEQUENCES.
pub(super) fn sequences(from: Option<&Ident>, work: &mut Work<'_>) -> Result<Rows> {
    let catalog = work.catalog()?;
    let database = database(from, &catalog, work)?;
    let mut rows = Vec::new();
    for schema in catalog.schemas(database.id) {
        for table in catalog.tables_in(schema.id) {
            if matches!(table.kind, TableKind::Sequence(_)) {
                rows.push((schema.name.clone(), table.name.clone()));
            }
        }
    }
    rows.sort();
    Ok(rows.into_iter().map(|(s, n)| vec![Datum::text(s), Datum::text(n)]).collect())
}

/// SHOW ENUMS.
pub(super) fn enums(from: Option<&ObjectName>, work: &mut Work<'_>) -> Result<Rows> {
    let catalog = work.catalog()?;
    let mut rows = Vec::new();
    for schema in schemas_of(from, &catalog, work)? {
        for ty in catalog.types_in(schema.id) {
            let labels: Vec<&str> = ty.members.iter().map(|m| m.label.as_str()).collect();
            let values = format!("{{{}}}", labels.join(","));
            rows.push([&schema.name, &ty.name, &values, &ty.privileges.owner].map(Datum::text));
        }
    }
    Ok(rows.into_iter().map(|row| row.to_vec()).collect())
}

/// SHOW TYPES.
pub(super) fn types(work: &mut Work<'_>) -> Result<Rows> {
    let catalog = work.catalog()?;
    let mut rows = Vec::new();
    for schema in schemas_of(None, &catalog, work)? {
        for ty in catalog.types_in(schema.id) {
            rows.push([&schema.name, &ty.name, &ty.privileges.owner].map(Datum::text).to_vec());
        }
    }
    Ok(rows)
}
