//! `pg_description` and `pg_shdescription`: comments.

use super::definition::constraints;
use super::notation::{Definition, row, table};
use super::number;
use super::scene::Scene;
use crate::catalog::comment::CommentKind;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::Datum;

pub(super) const TABLES: &[Definition] = &[
    table(
        2609,
        "pg_description",
        "objoid oid, classoid oid, objsubid int4, description text",
        descriptions,
    ),
    table(
        2396,
        "pg_shdescription",
        "objoid oid, classoid oid, description text",
        shared_descriptions,
    ),
];

const CLASS: u32 = 1259;
const NAMESPACE: u32 = 2615;
const CONSTRAINT: u32 = 2606;
const TYPE: u32 = 1247;
const DATABASE: u32 = 1262;

fn descriptions(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let catalog = scene.catalog;
    let mut rows = Vec::new();
    for (kind, id, part, text) in catalog.comments() {
        let Some(object) = catalog.descriptor(id) else { continue };
        if object.to_descriptor().parents().0 != scene.database {
            continue;
        }
        let table = catalog.table(id);
        let place = match kind {
            CommentKind::Database => None,
            CommentKind::Table => Some((CLASS, id, 0)),
            CommentKind::Column => Some((CLASS, id, i32::try_from(part).unwrap_or(0))),
            CommentKind::Index => Some((CLASS, number::index(id, part), 0)),
            CommentKind::Schema => Some((NAMESPACE, id, 0)),
            CommentKind::Type => Some((TYPE, number::user_type(id), 0)),
            CommentKind::Constraint => table.and_then(|table| {
                let position = usize::try_from(part).unwrap_or(usize::MAX);
                let constraint = constraints(table).nth(position)?;
                Some((CONSTRAINT, constraint.oid(table), 0))
            }),
        };
        if let Some((class, oid, part)) = place {
            rows.push(row![oid, class, part, text]);
        }
    }
    Ok(rows)
}

fn shared_descriptions(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let comments = scene.catalog.comments();
    let databases = comments.filter(|(kind, ..)| *kind == CommentKind::Database);
    Ok(databases.map(|(_, id, _, text)| row![id, DATABASE, text]).collect())
}
