//! # Virtual tables
//!
//! Tables whose rows the server makes up when they are read: `pg_catalog`, `information_schema` and
//! `crdb_internal`. They have columns and an OID like other tables, but no descriptor, no
//! privileges and no data.
//!
//! ```text
//!   name ──▶ virtual_table() ──▶ VirtualTable ──rows()──▶ rows, from the catalog and the server
//!                                    ▲
//!              notation ─────────────┘  one line per table: OID, name, columns, how rows are made
//!
//!   number ─── OIDs of what has no descriptor of its own (indexes, constraints, virtual tables)
//!   object_names ─── 't'::regclass and back, for whoever reads and prints values
//!   definition ─── indexes, constraints and expressions as SQL
//! ```
//!
//! Words: a *virtual schema* is one of the three that hold such tables; every database has them. A
//! *scene* is what a reader may see: the catalogue, cut down to the current database.
//!
//! Invariants:
//! - A table's rows have as many values as it has columns, each NULL or of its column's type.
//! - The list is built once and lives for ever.
//! - Columns have PostgreSQL 15's names, types and order. Types that are missing here are shown as
//!   those that print the same: trees and access lists as text, transaction numbers as bigint.
//! - An OID is stable for as long as the object exists, and no two objects of one catalogue table
//!   share one.
//! - A table that is always empty is so because there is nothing of its kind here.
//!
//! What it is not: a store; what these tables show is kept elsewhere.

mod activity;
mod attribute;
mod class;
mod comment;
mod constraint;
mod crdb_internal;
mod database;
pub mod definition;
mod depend;
mod empty;
mod fixed;
mod functions;
mod index;
mod information_schema;
mod listing;
mod named;
mod namespace;
mod notation;
pub mod number;
pub mod object_names;
mod protection;
mod role;
mod scene;
mod sequence;
mod setting;
mod type_functions;
mod types;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::{ColumnType, Datum, Type};

pub use object_names::CatalogNames;
pub(crate) use types::type_name;

/// The schemas that hold virtual tables.
pub const VIRTUAL_SCHEMAS: [&str; 3] = ["pg_catalog", "information_schema", "crdb_internal"];

/// A virtual table.
#[derive(Debug)]
pub struct VirtualTable {
    /// `pg_class.oid`.
    pub oid: u32,
    /// The schema.
    pub schema: &'static str,
    /// The name.
    pub name: &'static str,
    /// The columns.
    pub columns: Vec<VirtualColumn>,
    /// Whether PostgreSQL has it as a view.
    pub is_view: bool,
    /// The rows.
    pub rows: fn(&mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>>,
}

/// A column of a virtual table.
#[derive(Clone, Debug)]
pub struct VirtualColumn {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub ty: ColumnType,
}

/// The hidden column that every virtual table has after its last: its own OID.
pub static TABLE_OID: LazyLock<VirtualColumn> =
    LazyLock::new(|| VirtualColumn { name: "tableoid", ty: ColumnType::plain(Type::Oid) });

/// Every virtual table.
static TABLES: LazyLock<Vec<VirtualTable>> = LazyLock::new(|| {
    let lists: &[(&'static str, &[&[notation::Definition]])] = &[
        (
            "pg_catalog",
            &[
                activity::TABLES,
                attribute::TABLES,
                class::TABLES,
                comment::TABLES,
                constraint::TABLES,
                database::TABLES,
                depend::TABLES,
                empty::TABLES,
                fixed::TABLES,
                functions::TABLES,
                index::TABLES,
                listing::TABLES,
                named::TABLES,
                namespace::TABLES,
                role::TABLES,
                sequence::TABLES,
                setting::TABLES,
                types::TABLES,
            ],
        ),
        ("information_schema", information_schema::TABLES),
        ("crdb_internal", &[crdb_internal::TABLES, protection::TABLES]),
    ];
    lists
        .iter()
        .flat_map(|(schema, lists)| {
            lists.iter().copied().flatten().map(|definition| definition.table(schema))
        })
        .collect()
});

static BY_NAME: LazyLock<HashMap<(&'static str, &'static str), &'static VirtualTable>> =
    LazyLock::new(|| TABLES.iter().map(|t| ((t.schema, t.name), t)).collect());

static BY_OID: LazyLock<HashMap<u32, &'static VirtualTable>> =
    LazyLock::new(|| TABLES.iter().map(|t| (t.oid, t)).collect());

/// The virtual table with a name.
pub fn virtual_table(schema: &str, name: &str) -> Option<&'static VirtualTable> {
    BY_NAME.get(&(schema, name)).copied()
}

/// The virtual table with a `pg_class.oid`.
pub fn virtual_table_by_oid(oid: u32) -> Option<&'static VirtualTable> {
    BY_OID.get(&oid).copied()
}

/// Whether a schema holds virtual tables.
pub fn is_virtual_schema(name: &str) -> bool {
    VIRTUAL_SCHEMAS.contains(&name)
}

/// Every virtual table.
pub fn all() -> impl Iterator<Item = &'static VirtualTable> {
    TABLES.iter()
}

#[cfg(test)]
mod queries;
#[cfg(test)]
mod tests;
