//! OIDs of what has no descriptor of its own.
//!
//! ```text
//!   0 .. 2^30      descriptors (databases, schemas, relations), roles, types; virtual tables have
//!                  PostgreSQL's OIDs, which descriptors are never given
//!   2^30 .. 2^31   indexes, with the constraints that they stand for
//!   2^31 ..        CHECK and FOREIGN KEY constraints; indexes with large numbers
//! ```
//!
//! Everything stays the same from one read to the next, and clients that keep OIDs in signed 32
//! bits can hold those of tables and indexes.

use crate::keys::{IndexId, TableId};
use crate::types::oid::USER_TYPES;

/// `pg_catalog` as `pg_namespace` numbers it.
pub const PG_CATALOG: u32 = 11;
/// `information_schema`
pub const INFORMATION_SCHEMA: u32 = 13_212;
/// `crdb_internal`
pub const CRDB_INTERNAL: u32 = 9_101;

const INDEXES: u32 = 1 << 30;
const OTHERS: u32 = 1 << 31;

/// A virtual schema.
pub fn virtual_schema(name: &str) -> u32 {
    match name {
        "pg_catalog" => PG_CATALOG,
        "information_schema" => INFORMATION_SCHEMA,
        _ => CRDB_INTERNAL,
    }
}

/// A user-defined type.
pub const fn user_type(id: u32) -> u32 {
    USER_TYPES.wrapping_add(id)
}

/// An index, and the constraint that it stands for.
pub fn index(table: TableId, index: IndexId) -> u32 {
    match (table.checked_mul(256), u32::from(index <= 255)) {
        (Some(first), 1) if first < INDEXES - (1 << 15) => INDEXES + first + index,
        _ => OTHERS | scrambled(u64::from(table) << 32 | u64::from(index)),
    }
}

/// The table of an index or of a constraint, if its number says so; a guess that saves a search.
pub fn table_of(oid: u32) -> Option<TableId> {
    match oid {
        INDEXES..OTHERS => Some((oid - INDEXES) / 256),
        OTHERS.. => Some((oid - OTHERS) / 512),
        _ => None,
    }
}

/// A CHECK constraint, by its position in the table's list.
pub fn check(table: TableId, position: usize) -> u32 {
    numbered(table, 0, position)
}

/// A FOREIGN KEY constraint, by its position in the table's list.
pub fn foreign_key(table: TableId, position: usize) -> u32 {
    numbered(table, 1, position)
}

/// The default of a column.
pub fn default(table: TableId, column: u32) -> u32 {
    OTHERS | table.wrapping_mul(2048).wrapping_add(column) & !OTHERS
}

/// The rule that a view is.
pub fn rule(view: TableId) -> u32 {
    OTHERS | view
}

fn numbered(table: TableId, kind: u32, position: usize) -> u32 {
    let position = u32::try_from(position).unwrap_or(u32::MAX);
    match table.checked_mul(512) {
        Some(first) if position < 256 && first < OTHERS - 512 => {
            OTHERS | (first + kind * 256 + position)
        }
        _ => {
            OTHERS | scrambled(u64::from(table) << 32 | u64::from(position) << 1 | u64::from(kind))
        }
    }
}

/// A number that looks like no other, in 31 bits.
fn scrambled(n: u64) -> u32 {
    let mixed = (n ^ (n >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    ((mixed ^ (mixed >> 33)) >> 20) as u32 & !OTHERS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_meet() {
        let mut seen = std::collections::HashSet::new();
        for table in 1..200 {
            for i in 1..255 {
                assert!(seen.insert(index(table, i)), "index {table} {i}");
                assert!(index(table, i) >= INDEXES && index(table, i) < OTHERS);
                assert_eq!(table_of(index(table, i)), Some(table));
            }
        }
        for table in 1..200 {
            for i in 0..255 {
                assert!(seen.insert(check(table, i)));
                assert!(seen.insert(foreign_key(table, i)));
                assert_eq!(table_of(check(table, i)), Some(table));
            }
        }
        assert!(index(107, 300) >= OTHERS && index(u32::MAX, 1) >= OTHERS);
        assert_ne!(index(107, 300), index(108, 44));
    }
}
