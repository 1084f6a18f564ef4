//! ANALYZE of one table: one scan, a sample, and a row of `system.table_statistics` a column.

use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::ColumnStatistics;
use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::row::{RowDecoder, TableCodec};
use crate::catalog::system::TABLE_STATISTICS;
use crate::error::Result;
use crate::kv::{Access, Family};
use crate::mvcc::{ScanOptions, Txn};
use crate::sql::server::Server;
use crate::task::Interrupt;
use crate::types::{Array, Datum, Type};

/// Rows of the sample.
const SAMPLE_ROWS: usize = 20_000;

/// Bytes of the sample, beyond which it takes no more rows.
const SAMPLE_BYTES_MAX: usize = 32 << 20;

/// Rows between two looks at whether to stop.
const CHECK_ROWS: u64 = 4_096;

/// Looks at all rows of a table and writes what they are like.
pub fn collect(
    server: &Arc<Server>,
    txn: &mut Txn,
    table: &Arc<TableDescriptor>,
    codec: &Arc<TableCodec>,
    created: i64,
    interrupt: &Interrupt,
) -> Result<()> {
    let span = codec.index_span(table.primary_index.id)?;
    let positions: Vec<usize> = (0..table.columns.len()).collect();
    let decoder = RowDecoder::new(codec, table.primary_index.id, &positions)?;
    // The rows are not what the transaction depends on: writers must not invalidate it.
    let options = ScanOptions { reverse: false, access: Access::Range, record: false };
    let mut scan = txn.scan_with(&span, options)?;
    let mut choice = SmallRng::seed_from_u64(u64::from(table.id));
    let mut sample: Vec<Vec<Datum>> = Vec::new();
    let (mut rows, mut bytes) = (0u64, 0usize);
    while scan.next()? {
        rows += 1;
        if rows.is_multiple_of(CHECK_ROWS) {
            interrupt.check()?;
        }
        // Every row is in the sample with the same chance (Vitter's algorithm R).
        let place = if sample.len() < SAMPLE_ROWS && bytes < SAMPLE_BYTES_MAX {
            sample.len()
        } else {
            choice.random_range(0..rows) as usize
        };
        if place > sample.len() || (place == sample.len() && bytes >= SAMPLE_BYTES_MAX) {
            continue;
        }
        let mut row = vec![Datum::Null; positions.len()];
        decoder.decode(scan.key(), scan.value(), &mut |at, value| {
            if let (Some(slot), Some(column)) = (row.get_mut(at), table.columns.get(at)) {
                *slot = value.to_datum(&column.ty.ty);
            }
        })?;
        bytes += scan.value().len() + 32 * row.len();
        match sample.get_mut(place) {
            Some(kept) => *kept = row,
            None => sample.push(row),
        }
    }
    drop(scan);
    let table_bytes = server.mvcc.engine().approximate_bytes(Family::Versions, &span)? as f64;
    TABLE_STATISTICS.delete_all(txn, &[Datum::Int8(i64::from(table.id))])?;
    for (at, column) in table.columns.iter().enumerate() {
        let values = sample.iter().filter_map(|row| row.get(at).cloned()).collect();
        let seen = ColumnStatistics::from_sample(values, rows as f64);
        TABLE_STATISTICS.upsert(
            txn,
            &[
                Datum::Int8(i64::from(table.id)),
                Datum::Int8(i64::from(column.id)),
                Datum::Null,
                Datum::Array(Arc::new(Array::from_items(
                    Type::Int8,
                    vec![Datum::Int8(i64::from(column.id))],
                ))),
                Datum::Timestamp(created),
                Datum::Int8(i64::try_from(rows).unwrap_or(i64::MAX)),
                Datum::Int8(seen.distinct as i64),
                Datum::Int8((seen.nulls * rows as f64) as i64),
                Datum::Bytea(seen.written(&column.ty.ty, table_bytes).into()),
            ],
        )?;
    }
    let (shared, id) = (server.clone(), table.id);
    txn.on_commit(move |_| shared.statistics.forget(id));
    Ok(())
}
