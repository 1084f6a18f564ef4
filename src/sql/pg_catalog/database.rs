//! `pg_database`: the databases, the only objects that every database shows alike; and
//! `pg_default_acl`: what new objects of the current one are given.

use std::collections::BTreeMap;

use super::notation::{Definition, NULL, row, table};
use super::scene::{Scene, access_item};

use crate::catalog::privilege::ObjectKind;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::Datum;

pub(super) const TABLES: &[Definition] = &[
    table(
        1262,
        "pg_database",
        "oid oid, datname name, datdba oid, encoding int4, datlocprovider char, \
         datistemplate bool, datallowconn bool, datconnlimit int4, datfrozenxid int8, \
         datminmxid int8, dattablespace oid, datcollate text, datctype text, \
         daticulocale text, datcollversion text, datacl _text",
        databases,
    ),
    table(
        826,
        "pg_default_acl",
        "oid oid, defaclrole oid, defaclnamespace oid, defaclobjtype char, defaclacl _text",
        default_access,
    ),
];

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

fn default_access(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let Some(database) = scene.catalog.database(scene.database) else { return Ok(Vec::new()) };
    // One row for each creator, schema and kind of object, with a list of grants.
    let mut lists: BTreeMap<(u32, u32, u8), Vec<String>> = BTreeMap::new();
    for rule in &database.default_privileges {
        let letter = match rule.kind.as_str() {
            "tables" => b'r',
            "sequences" => b'S',
            "types" => b'T',
            "schemas" => b'n',
            _ => continue,
        };
        let key = (scene.role(&rule.creator), rule.schema.unwrap_or(0), letter);
        let item = access_item(&rule.grantee, rule.grant, &rule.creator);
        lists.entry(key).or_default().push(item);
    }
    let rows = lists.into_iter().enumerate().map(|(i, ((role, schema, letter), items))| {
        row![u32::try_from(i + 1).unwrap_or(u32::MAX), role, schema, letter, items]
    });
    Ok(rows.collect())
}
