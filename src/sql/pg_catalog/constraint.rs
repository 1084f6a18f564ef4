//! `pg_constraint`: keys, checks and foreign keys.

use super::definition::{self, Constraint};
use super::notation::{Definition, NULL, list, row, table};
use super::number;
use super::scene::{Scene, attnum};
use crate::catalog::descriptor::{ForeignKey, ReferentialAction, TableDescriptor};
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::{Datum, Type};

pub(super) const TABLES: &[Definition] = &[table(
    2606,
    "pg_constraint",
    "oid oid, conname name, connamespace oid, contype char, condeferrable bool, \
         condeferred bool, convalidated bool, conrelid oid, contypid oid, conindid oid, \
         conparentid oid, confrelid oid, confupdtype char, confdeltype char, \
         confmatchtype char, conislocal bool, coninhcount int4, connoinherit bool, \
         conkey _int2, confkey _int2, conpfeqop _oid, conppeqop _oid, conffeqop _oid, \
         confdelsetcols _int2, conexclop _oid, conbin text",
    constraints,
)];

fn constraints(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for (schema, table) in scene.relations() {
        for constraint in definition::constraints(table) {
            let (deferrable, deferred) = constraint.deferral();
            let foreign = match constraint {
                Constraint::Foreign(_, key) => Some(key),
                _ => None,
            };
            let index = match constraint {
                Constraint::Primary(index) | Constraint::Unique(index) => {
                    number::index(table.id, index.id)
                }
                Constraint::Foreign(_, key) => referenced_index(&scene, key),
                Constraint::Check(..) => 0,
            };
            let equals = foreign.map(|key| equality(table, key));
            let expression = match constraint {
                Constraint::Check(_, check) => {
                    Some(definition::expression(scene.catalog, &check.expression))
                }
                _ => None,
            };
            let is_foreign = foreign.is_some();
            rows.push(row![
                constraint.oid(table),
                constraint.name(),
                schema.id,
                constraint.letter(),
                deferrable,
                deferred,
                constraint.is_validated(),
                table.id,
                0u32,
                index,
                0u32,
                foreign.map_or(0, |key| key.referenced_table),
                foreign.map_or(b' ', |key| action(key.on_update)),
                foreign.map_or(b' ', |key| action(key.on_delete)),
                foreign.map_or(b' ', |key| if key.match_full { b'f' } else { b's' }),
                true,
                0i32,
                is_foreign || !matches!(constraint, Constraint::Check(..)),
                list(Type::Int2, constraint.columns().into_iter().map(attnum)),
                foreign.map(|key| {
                    list(Type::Int2, key.referenced_columns.iter().copied().map(attnum))
                }),
                equals.clone(),
                equals.clone(),
                equals,
                NULL,
                NULL,
                expression,
            ]);
        }
    }
    Ok(rows)
}

fn action(action: ReferentialAction) -> u8 {
    match action {
        ReferentialAction::NoAction => b'a',
        ReferentialAction::Restrict => b'r',
        ReferentialAction::Cascade => b'c',
        ReferentialAction::SetNull => b'n',
        ReferentialAction::SetDefault => b'd',
    }
}

/// The index on the parent that finds what a foreign key refers to.
pub(super) fn referenced_index(scene: &Scene<'_>, key: &ForeignKey) -> u32 {
    let Some(parent) = scene.catalog.table_any_state(key.referenced_table) else { return 0 };
    let mut wanted = key.referenced_columns.clone();
    wanted.sort_unstable();
    let index = parent.all_indexes().filter(|i| i.unique && i.predicate.is_none()).find(|index| {
        let mut columns: Vec<u32> = index.columns.iter().map(|c| c.column).collect();
        columns.sort_unstable();
        columns == wanted
    });
    index.map_or(0, |index| number::index(parent.id, index.id))
}

/// The operators that compare the columns of a foreign key.
fn equality(table: &TableDescriptor, key: &ForeignKey) -> Datum {
    let types = key.columns.iter().filter_map(|id| table.column(*id)).map(|c| &c.ty.ty);
    list(Type::Oid, types.map(super::fixed::equality_operator))
}
