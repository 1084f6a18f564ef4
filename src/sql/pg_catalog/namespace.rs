//! `pg_namespace`: schemas.

use super::notation::{Definition, row, table};
use super::scene::Scene;
use super::{VIRTUAL_SCHEMAS, number};
use crate::catalog::privilege::ObjectKind;
use crate::catalog::role::ROOT_ID;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::Datum;

pub(super) const TABLES: &[Definition] =
    &[table(2615, "pg_namespace", "oid oid, nspname name, nspowner oid, nspacl _text", namespaces)];

fn namespaces(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let everybody = || Some(vec!["root=UC/root".to_owned(), "=U/root".to_owned()]);
    let mut rows: Vec<Vec<Datum>> = VIRTUAL_SCHEMAS
        .iter()
        .map(|name| row![number::virtual_schema(name), *name, ROOT_ID, everybody()])
        .collect();
    for schema in scene.schemas() {
        let access = scene.access_list(&schema.privileges, ObjectKind::Schema);
        rows.push(row![schema.id, &schema.name, scene.role(&schema.privileges.owner), access]);
    }
    Ok(rows)
}
