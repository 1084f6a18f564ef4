//! Descriptors that tests of several rooms begin with.

use super::descriptor::*;
use super::privilege::ObjectKind;
use crate::clock::Timestamp;
use crate::types::Type;

/// A table of `defaultdb.public` with an int8 column `a`, which is its key.
pub(crate) fn table(id: u32, name: &str) -> TableDescriptor {
    TableDescriptor {
        id,
        database: 100,
        schema: 101,
        name: name.into(),
        version: 1,
        state: State::Public,
        privileges: Privileges::initial(ObjectKind::Table, "root"),
        kind: TableKind::Table,
        columns: vec![ColumnDescriptor::new(1, "a", Type::Int8)],
        next_column_id: 2,
        primary_index: IndexDescriptor::new(1, format!("{name}_pkey"), true, &[1]),
        indexes: vec![],
        next_index_id: 2,
        checks: vec![],
        foreign_keys: vec![],
        depends_on: vec![],
        created: Timestamp::MIN,
        data_since: Timestamp::MIN,
        temporary: false,
        storage_parameters: vec![],
        mutations: Vec::new(),
    }
}

/// The same with a text column `b` and an index on it.
pub(crate) fn indexed_table(id: u32, name: &str) -> TableDescriptor {
    let mut table = table(id, name);
    table.columns.push(ColumnDescriptor::new(2, "b", Type::Text));
    table.next_column_id = 3;
    table.indexes = vec![IndexDescriptor::new(2, format!("{name}_b_idx"), false, &[2])];
    table.next_index_id = 3;
    table
}
