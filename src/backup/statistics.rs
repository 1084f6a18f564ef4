//! Table statistics travel with a backup, so that plans are good right after a restore.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::catalog::descriptor::DescriptorId;
use crate::catalog::system::TABLE_STATISTICS;
use crate::error::Result;
use crate::mvcc::Snapshot;
use crate::types::Datum;

/// The statistics of some tables, as a list of objects with the columns of
/// `system.table_statistics` by name.
pub(super) fn collect(snapshot: &Snapshot, objects: &BTreeSet<DescriptorId>) -> Result<Value> {
    let columns = &TABLE_STATISTICS.descriptor().columns;
    let mut list = Vec::new();
    let mut from = snapshot.clone();
    TABLE_STATISTICS.for_each(&mut from, &[], &mut |row| {
        let wanted = match row.first() {
            Some(Datum::Int8(id)) => u32::try_from(*id).is_ok_and(|id| objects.contains(&id)),
            _ => false,
        };
        if wanted {
            let fields = columns.iter().zip(&row);
            let fields = fields.filter_map(|(c, datum)| Some((c.name.clone(), to_json(datum)?)));
            list.push(Value::Object(fields.collect::<Map<_, _>>()));
        }
        Ok(true)
    })?;
    Ok(Value::Array(list))
}

/// A value in JSON; `None` for NULL, which is written by leaving the field out.
fn to_json(datum: &Datum) -> Option<Value> {
    match datum {
        Datum::Int8(n) | Datum::Timestamp(n) | Datum::Timestamptz(n) => Some(json!(n)),
        Datum::Text(text) => Some(json!(text.as_ref())),
        Datum::Bytea(bytes) => {
            Some(json!(bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()))
        }
        Datum::Array(array) => Some(array.items.iter().filter_map(to_json).collect()),
        _ => None,
    }
}
