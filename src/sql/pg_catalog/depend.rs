//! `pg_depend` and `pg_rewrite`: what hangs together.

use super::definition::{Constraint, constraints};
use super::notation::{Definition, NULL, row, table};
use super::scene::{Scene, attnum};
use super::{constraint, number};
use crate::catalog::descriptor::{TableDescriptor, TableKind};
use crate::catalog::user_type::user_type_of;
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::Datum;

pub(super) const TABLES: &[Definition] = &[
    table(
        2608,
        "pg_depend",
        "classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, \
         refobjsubid int4, deptype char",
        dependencies,
    ),
    table(
        2618,
        "pg_rewrite",
        "oid oid, rulename name, ev_class oid, ev_type char, ev_enabled char, \
         is_instead bool, ev_qual text, ev_action text",
        rules,
    ),
];

const CLASS: u32 = 1259;
const CONSTRAINT: u32 = 2606;
const DEFAULT: u32 = 2604;
const NAMESPACE: u32 = 2615;
const REWRITE: u32 = 2618;
const TYPE: u32 = 1247;

/// An object, or a part of one: catalogue table, OID, column.
type Thing = (u32, u32, i16);

fn dependencies(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut found: Vec<(Thing, Thing, u8)> = Vec::new();
    for (schema, ty) in scene.types() {
        found.push(((TYPE, number::user_type(ty.id), 0), (NAMESPACE, schema.id, 0), b'n'));
    }
    for (schema, table) in scene.relations() {
        found.push(((CLASS, table.id, 0), (NAMESPACE, schema.id, 0), b'n'));
        of_relation(&scene, table, &mut found);
        for constraint in constraints(table) {
            of_constraint(&scene, table, constraint, &mut found);
        }
    }
    let rows = found.into_iter().map(|((class, oid, part), (of_class, of_oid, of_part), kind)| {
        row![class, oid, i32::from(part), of_class, of_oid, i32::from(of_part), kind]
    });
    Ok(rows.collect())
}

fn of_relation(scene: &Scene<'_>, table: &TableDescriptor, found: &mut Vec<(Thing, Thing, u8)>) {
    for column in table.columns.iter().filter(|c| !c.hidden) {
        let place = (CLASS, table.id, attnum(column.id));
        let default = (DEFAULT, number::default(table.id, column.id), 0);
        if column.default.is_some() || column.computed.is_some() {
            found.push((default, place, b'a'));
        }
        if let Some(own) = user_type_of(&column.ty.ty) {
            found.push((place, (TYPE, number::user_type(own), 0), b'n'));
        }
        for sequence in &column.uses_sequences {
            found.push((default, (CLASS, *sequence, 0), b'n'));
        }
    }
    if let Some((owner, column)) = table.sequence().and_then(|s| s.owned_by) {
        let owning = scene.catalog.table_any_state(owner).and_then(|t| t.column(column));
        let is_identity = owning.is_some_and(|c| c.identity.is_some());
        let kind = if is_identity { b'i' } else { b'a' };
        found.push(((CLASS, table.id, 0), (CLASS, owner, attnum(column)), kind));
    }
    if is_rule(table) {
        let rule = (REWRITE, number::rule(table.id), 0);
        found.push((rule, (CLASS, table.id, 0), b'i'));
        for other in &table.depends_on {
            found.push((rule, (CLASS, *other, 0), b'n'));
        }
    }
}

fn of_constraint(
    scene: &Scene<'_>,
    table: &TableDescriptor,
    which: Constraint<'_>,
    found: &mut Vec<(Thing, Thing, u8)>,
) {
    let oid = which.oid(table);
    let this = (CONSTRAINT, oid, 0);
    for column in which.columns() {
        found.push((this, (CLASS, table.id, attnum(column)), b'a'));
    }
    match which {
        Constraint::Primary(index) | Constraint::Unique(index) => {
            found.push(((CLASS, number::index(table.id, index.id), 0), this, b'i'));
        }
        Constraint::Check(..) => {}
        Constraint::Foreign(_, key) => {
            let parent = key.referenced_table;
            for column in &key.referenced_columns {
                found.push((this, (CLASS, parent, attnum(*column)), b'n'));
            }
            let index = constraint::referenced_index(scene, key);
            if index != 0 {
                found.push((this, (CLASS, index, 0), b'n'));
            }
        }
    }
}

fn is_rule(table: &TableDescriptor) -> bool {
    matches!(table.kind, TableKind::View { .. } | TableKind::MaterializedView { .. })
}

fn rules(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let views = scene.relations().filter(|(_, table)| is_rule(table));
    let rows = views.map(|(_, view)| {
        row![number::rule(view.id), "_RETURN", view.id, b'1', b'O', true, NULL, NULL]
    });
    Ok(rows.collect())
}
