//! `pg_attribute` and `pg_attrdef`: columns and their defaults.

use super::notation::{Definition, NULL, row, table};
use super::scene::{Scene, attnum, index_oid, indexes};
use super::{definition, number};
use crate::catalog::descriptor::{ColumnDescriptor, Identity};
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::{ColumnType, Datum, Type, oid};

pub(super) const TABLES: &[Definition] = &[
    table(
        1249,
        "pg_attribute",
        "attrelid oid, attname name, atttypid oid, attstattarget int4, attlen int2, \
         attnum int2, attndims int4, attcacheoff int4, atttypmod int4, attbyval bool, \
         attalign char, attstorage char, attcompression char, attnotnull bool, \
         atthasdef bool, atthasmissing bool, attidentity char, attgenerated char, \
         attisdropped bool, attislocal bool, attinhcount int4, attcollation oid, \
         attacl _text, attoptions _text, attfdwoptions _text, attmissingval text",
        attributes,
    ),
    table(2604, "pg_attrdef", "oid oid, adrelid oid, adnum int2, adbin text", defaults),
];

/// What the rows of all kinds of columns differ in.
struct Attribute<'a> {
    relation: u32,
    name: &'a str,
    ty: &'a ColumnType,
    number: i16,
    not_null: bool,
    has_default: bool,
    identity: u8,
    generated: u8,
    collation: Option<&'a str>,
}

impl Attribute<'_> {
    fn row(self) -> Vec<Datum> {
        let ty = &self.ty.ty;
        row![
            self.relation,
            self.name,
            oid::oid(ty),
            -1i32,
            oid::type_len(ty),
            self.number,
            i32::from(matches!(ty, Type::Array(_))),
            -1i32,
            self.ty.modifier,
            oid::by_value(ty),
            oid::align(ty) as u8,
            super::types::storage(ty),
            0u8,
            self.not_null,
            self.has_default,
            false,
            self.identity,
            self.generated,
            false,
            true,
            0i32,
            match self.collation {
                Some(name) => super::fixed::collation_oid(name),
                None => super::types::collation(ty),
            },
            NULL,
            NULL,
            NULL,
            NULL,
        ]
    }
}

fn attributes(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for (_, table) in scene.relations() {
        let shown = table.columns.iter().filter(|c| !c.hidden);
        rows.extend(shown.map(|column| of_column(table.id, column).row()));
        for index in indexes(table) {
            let key = index.columns.iter().map(|c| c.column);
            let columns = key.chain(index.storing.iter().copied());
            for (i, column) in columns.filter_map(|id| table.column(id)).enumerate() {
                let plain = Attribute {
                    number: i16::try_from(i + 1).unwrap_or(i16::MAX),
                    not_null: false,
                    has_default: false,
                    identity: 0,
                    generated: 0,
                    ..of_column(index_oid(table, index), column)
                };
                rows.push(plain.row());
            }
        }
    }
    for table in super::all() {
        for (i, column) in table.columns.iter().enumerate() {
            let attribute = Attribute {
                relation: table.oid,
                name: column.name,
                ty: &column.ty,
                number: i16::try_from(i + 1).unwrap_or(i16::MAX),
                not_null: false,
                has_default: false,
                identity: 0,
                generated: 0,
                collation: None,
            };
            rows.push(attribute.row());
        }
    }
    Ok(rows)
}

fn of_column(relation: u32, column: &ColumnDescriptor) -> Attribute<'_> {
    Attribute {
        relation,
        name: &column.name,
        ty: &column.ty,
        number: attnum(column.id),
        not_null: !column.nullable,
        has_default: value(column).is_some(),
        identity: match column.identity {
            Some(Identity::Always) => b'a',
            Some(Identity::ByDefault) => b'd',
            None => 0,
        },
        generated: if column.computed.is_some() { b's' } else { 0 },
        collation: column.collation.as_deref(),
    }
}

/// The expression that `pg_attrdef` has: a default or a computation. The sequence behind an
/// identity column is not a default.
fn value(column: &ColumnDescriptor) -> Option<&str> {
    let default = column.default.as_deref().filter(|_| column.identity.is_none());
    column.computed.as_deref().or(default)
}

fn defaults(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for (_, table) in scene.relations() {
        for column in table.columns.iter().filter(|c| !c.hidden) {
            let Some(sql) = value(column) else { continue };
            let sql = definition::expression(scene.catalog, sql);
            let oid = number::default(table.id, column.id);
            rows.push(row![oid, table.id, attnum(column.id), sql]);
        }
    }
    Ok(rows)
}
