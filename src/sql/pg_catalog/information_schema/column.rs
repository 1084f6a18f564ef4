//! Columns, with their types taken apart into the standard's pieces.

use super::super::notation::{Definition, NULL, row, view, yes};
use super::super::scene::{Scene, attnum};
use super::super::{all, definition};
use crate::catalog::descriptor::{
    ColumnDescriptor, Identity, SequenceOptions, TableDescriptor, TableKind,
};
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::{ColumnType, Datum, Type, oid, typmod};

pub(super) const TABLES: &[Definition] = &[view(
    13295,
    "columns",
    "table_catalog name, table_schema name, table_name name, column_name name, \
         ordinal_position int4, column_default varchar, is_nullable varchar, \
         data_type varchar, character_maximum_length int4, character_octet_length int4, \
         numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, \
         datetime_precision int4, interval_type varchar, interval_precision int4, \
         character_set_catalog name, character_set_schema name, character_set_name name, \
         collation_catalog name, collation_schema name, collation_name name, \
         domain_catalog name, domain_schema name, domain_name name, udt_catalog name, \
         udt_schema name, udt_name name, scope_catalog name, scope_schema name, \
         scope_name name, maximum_cardinality int4, dtd_identifier name, \
         is_self_referencing varchar, is_identity varchar, identity_generation varchar, \
         identity_start varchar, identity_increment varchar, identity_maximum varchar, \
         identity_minimum varchar, identity_cycle varchar, is_generated varchar, \
         generation_expression varchar, is_updatable varchar",
    columns,
)];

/// Bytes that a character takes at most.
const CHARACTER_BYTES: i32 = 4;
/// What PostgreSQL gives as the length in bytes of a string without a limit.
const OCTETS_MAX: i32 = 1 << 30;

/// A type in the standard's pieces.
#[derive(Default)]
pub(super) struct TypeParts {
    pub(super) name: String,
    length: Option<i32>,
    octets: Option<i32>,
    pub(super) precision: Option<i32>,
    pub(super) radix: Option<i32>,
    pub(super) scale: Option<i32>,
    time_precision: Option<i32>,
    udt: String,
    udt_schema: String,
}

fn udt_schema(ty: &Type) -> String {
    match ty {
        Type::Array(element) => udt_schema(element),
        Type::Enum(own) => own.schema().to_owned(),
        _ => "pg_catalog".to_owned(),
    }
}

impl TypeParts {
    /// Takes a type apart.
    pub(super) fn of(column: &ColumnType) -> TypeParts {
        let ty = &column.ty;
        let mut parts = TypeParts {
            name: match ty {
                Type::Array(_) => "ARRAY".to_owned(),
                // The standard's name, whether or not there is a length.
                Type::Bpchar => "character".to_owned(),
                Type::Int2Vector | Type::OidVector => "ARRAY".to_owned(),
                Type::Enum(_) => "USER-DEFINED".to_owned(),
                other => oid::format_type(other, -1),
            },
            udt: oid::type_name(ty),
            udt_schema: udt_schema(ty),
            ..TypeParts::default()
        };
        let binary = |parts: &mut TypeParts, precision, scale| {
            parts.precision = Some(precision);
            parts.radix = Some(2);
            parts.scale = scale;
        };
        match ty {
            Type::Int2 => binary(&mut parts, 16, Some(0)),
            Type::Int4 => binary(&mut parts, 32, Some(0)),
            Type::Int8 => binary(&mut parts, 64, Some(0)),
            Type::Float4 => binary(&mut parts, 24, None),
            Type::Float8 => binary(&mut parts, 53, None),
            Type::Numeric => {
                parts.radix = Some(10);
                if let Some((precision, scale)) = typmod::numeric_precision_scale(column.modifier) {
                    parts.precision = Some(precision);
                    parts.scale = Some(scale);
                }
            }
            Type::Varchar | Type::Bpchar => {
                let length = typmod::char_length(column.modifier);
                parts.length = length.and_then(|n| i32::try_from(n).ok());
                parts.octets =
                    Some(parts.length.map_or(OCTETS_MAX, |n| n.saturating_mul(CHARACTER_BYTES)));
            }
            Type::Text => parts.octets = Some(OCTETS_MAX),
            Type::Date => parts.time_precision = Some(0),
            Type::Time | Type::Timetz | Type::Timestamp | Type::Timestamptz => {
                parts.time_precision = Some(if column.modifier < 0 { 6 } else { column.modifier });
            }
            Type::Interval => parts.time_precision = Some(6),
            _ => {}
        }
        parts
    }
}

fn columns(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for (schema, table) in scene.relations().filter(|(_, t)| scene.may_see(&t.privileges)) {
        // As in PostgreSQL, materialised views are no tables of the standard's.
        if !matches!(table.kind, TableKind::Table | TableKind::View { .. }) {
            continue;
        }
        for column in table.columns.iter().filter(|c| !c.hidden) {
            rows.push(column_row(&scene, &schema.name, table, column));
        }
    }
    for table in all() {
        for (i, column) in table.columns.iter().enumerate() {
            let place = Place {
                schema: table.schema,
                table: table.name,
                column: column.name,
                number: i16::try_from(i + 1).unwrap_or(i16::MAX),
            };
            rows.push(full_row(&scene, place, &column.ty, &Facts::default()));
        }
    }
    Ok(rows)
}

/// Where a column is.
struct Place<'a> {
    schema: &'a str,
    table: &'a str,
    column: &'a str,
    number: i16,
}

/// What is known of a column beyond its type.
#[derive(Default)]
struct Facts<'a> {
    default: Option<String>,
    not_null: bool,
    collation: Option<&'a str>,
    identity: Option<(Identity, Option<&'a SequenceOptions>)>,
    computed: Option<String>,
    updatable: bool,
}

fn column_row(
    scene: &Scene<'_>,
    schema: &str,
    table: &TableDescriptor,
    column: &ColumnDescriptor,
) -> Vec<Datum> {
    let sql = |text: &str| definition::expression(scene.catalog, text);
    let mut sequences = scene.catalog.owned_sequences(table.id).iter();
    let options = sequences.find_map(|id| {
        let options = scene.catalog.table(*id)?.sequence()?;
        (options.owned_by == Some((table.id, column.id))).then_some(options)
    });
    let facts = Facts {
        default: column.default.as_deref().filter(|_| column.identity.is_none()).map(sql),
        not_null: !column.nullable,
        collation: column.collation.as_deref(),
        identity: column.identity.map(|identity| (identity, options)),
        computed: column.computed.as_deref().map(sql),
        updatable: table.has_rows(),
    };
    let place =
        Place { schema, table: &table.name, column: &column.name, number: attnum(column.id) };
    full_row(scene, place, &column.ty, &facts)
}

fn full_row(scene: &Scene<'_>, place: Place<'_>, ty: &ColumnType, facts: &Facts<'_>) -> Vec<Datum> {
    let database = &*scene.session.database;
    let parts = TypeParts::of(ty);
    let collated = facts.collation.map(|_| "pg_catalog");
    let options = facts.identity.and_then(|(_, options)| options);
    let number = |get: fn(&SequenceOptions) -> i64| options.map(|o| get(o).to_string());
    row![
        database,
        place.schema,
        place.table,
        place.column,
        i32::from(place.number),
        facts.default.clone(),
        yes(!facts.not_null),
        parts.name,
        parts.length,
        parts.octets,
        parts.precision,
        parts.radix,
        parts.scale,
        parts.time_precision,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        facts.collation.map(|_| database),
        collated,
        facts.collation,
        NULL,
        NULL,
        NULL,
        database,
        parts.udt_schema,
        parts.udt,
        NULL,
        NULL,
        NULL,
        NULL,
        place.number.to_string(),
        "NO",
        yes(facts.identity.is_some()),
        facts.identity.map(|(identity, _)| match identity {
            Identity::Always => "ALWAYS",
            Identity::ByDefault => "BY DEFAULT",
        }),
        number(|o| o.start),
        number(|o| o.increment),
        number(|o| o.maximum),
        number(|o| o.minimum),
        yes(options.is_some_and(|o| o.cycle)),
        if facts.computed.is_some() { "ALWAYS" } else { "NEVER" },
        facts.computed.clone(),
        yes(facts.updatable),
    ]
}
