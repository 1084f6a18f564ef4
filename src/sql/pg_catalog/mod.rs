//! # Virtual tables
//!
//! Tables whose rows the server makes up when they are read: `pg_catalog`, `information_schema` and
//! `crdb_internal`. They have columns and an OID like other tables, but no descriptor, no
//! privileges and no data.
//!
//! ```text
//!   name ──▶ virtual_table() ──▶ VirtualTable ──rows()──▶ rows, from the catalog and the server
//! ```
//!
//! Words: a *virtual schema* is one of the three that hold such tables; every database has them.
//!
//! Invariants:
//! - A table's rows have as many values as it has columns, each NULL or of its column's type.
//! - The list is built once and lives for ever.
//!
//! What it is not: a store; what these tables show is kept elsewhere.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::{ColumnType, Datum};

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

/// Every virtual table.
static TABLES: LazyLock<Vec<VirtualTable>> = LazyLock::new(Vec::new);

static BY_NAME: LazyLock<HashMap<(&'static str, &'static str), &'static VirtualTable>> =
    LazyLock::new(|| TABLES.iter().map(|t| ((t.schema, t.name), t)).collect());

/// The virtual table with a name.
pub fn virtual_table(schema: &str, name: &str) -> Option<&'static VirtualTable> {
    BY_NAME.get(&(schema, name)).copied()
}

/// Whether a schema holds virtual tables.
pub fn is_virtual_schema(name: &str) -> bool {
    VIRTUAL_SCHEMAS.contains(&name)
}

/// Every virtual table.
pub fn all() -> impl Iterator<Item = &'static VirtualTable> {
    TABLES.iter()
}
