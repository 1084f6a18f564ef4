//! `pg_database`: the databases, the only objects that every database shows alike.

use super::notation::{Definition, NULL, row, table};
use super::scene::Scene;
use crate::catalog::privilege::ObjectKind;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::Datum;

pub(super) const TABLES: &[Definition] = &[table(
    1262,
    "pg_database",
    "oid oid, datname name, datdba oid, encoding int4, datlocprovider char, \
         datistemplate bool, datallowconn bool, datconnlimit int4, datfrozenxid int8, \
         datminmxid int8, dattablespace oid, datcollate text, datctype text, \
         daticulocale text, datcollversion text, datacl _text",
    databases,
)];

/// UTF8 as PostgreSQL numbers encodings.
const UTF8: i32 = 6;

fn databases(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let rows = scene.catalog.databases().map(|database| {
        row![
            database.id,
            &database.name,
            scene.role(&database.privileges.owner),
            UTF8,
            b'c',
            false,
            true,
            -1i32,
            0i64,
            0i64,
            1663u32,
            "C",
            "C.UTF-8",
            NULL,
            NULL,
            scene.access_list(&database.privileges, ObjectKind::Database),
        ]
    });
    Ok(rows.collect())
}
