//! `pg_index` and `pg_inherits`: indexes.

use super::definition;
use super::notation::{Definition, NULL, none, row, table, vector};
use super::scene::{Scene, attnum, index_oid, indexes, is_primary};
use crate::error::Result;
use crate::sql::exec::context::ExecContext;
use crate::types::{Datum, Type};

pub(super) const TABLES: &[Definition] = &[
    table(
        2610,
        "pg_index",
        "indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool, \
         indnullsnotdistinct bool, indisprimary bool, indisexclusion bool, \
         indimmediate bool, indisclustered bool, indisvalid bool, indcheckxmin bool, \
         indisready bool, indislive bool, indisreplident bool, indkey int2vector, \
         indcollation oidvector, indclass oidvector, indoption int2vector, indexprs text, \
         indpred text",
        all_indexes,
    ),
    table(
        2611,
        "pg_inherits",
        "inhrelid oid, inhparent oid, inhseqno int4, inhdetachpending bool",
        none,
    ),
];

/// `indoption`: descending, NULLs first.
const DESCENDING: i16 = 3;

fn all_indexes(context: &mut ExecContext<'_>) -> Result<Vec<Vec<Datum>>> {
    let scene = Scene::of(context);
    let mut rows = Vec::new();
    for (_, table) in scene.relations() {
        for index in indexes(table) {
            let keys = index.columns.len();
            let all = keys + index.storing.len();
            let key_columns = || index.columns.iter().filter_map(|c| table.column(c.column));
            let columns = index.columns.iter().map(|c| c.column).chain(index.storing.clone());
            let predicate =
                index.predicate.as_deref().map(|sql| definition::expression(scene.catalog, sql));
            rows.push(row![
                index_oid(table, index),
                table.id,
                i16::try_from(all).unwrap_or(i16::MAX),
                i16::try_from(keys).unwrap_or(i16::MAX),
                index.unique,
                false,
                is_primary(table, index),
                false,
                true,
                false,
                true,
                false,
                true,
                true,
                false,
                vector(Type::Int2, columns.map(attnum)),
                vector(Type::Oid, key_columns().map(|c| super::types::collation(&c.ty.ty))),
                vector(Type::Oid, key_columns().map(|c| super::fixed::operator_class(&c.ty.ty))),
                vector(
                    Type::Int2,
                    index.columns.iter().map(|c| if c.descending { DESCENDING } else { 0 })
                ),
                NULL,
                predicate,
            ]);
        }
    }
    Ok(rows)
}
