//! CockroachDB's own functions, and transaction numbers.

use super::row::{Row, f};
use crate::types::{Datum, Numeric};

/// How far behind the present a follower read is, in microseconds.
const FOLLOWER_LAG: i64 = 4_800_000;

pub(super) const FUNCTIONS: &[Row] = &[
    f(9020, "unique_rowid", "", "int8", |context, _| {
        Ok(Datum::Int8(context.server.ids.next(&*context.server.clock)))
    })
    .volatile(),
    f(9021, "cluster_logical_timestamp", "", "numeric", |context, _| {
        Ok(Datum::Numeric(Numeric::parse(&context.read_at.to_string())?))
    })
    .volatile(),
    f(9022, "follower_read_timestamp", "", "timestamptz", |context, _| {
        Ok(Datum::Timestamptz(context.statement_time.saturating_sub(FOLLOWER_LAG)))
    })
    .stable(),
    f(9023, "experimental_follower_read_timestamp", "", "timestamptz", |context, _| {
        Ok(Datum::Timestamptz(context.statement_time.saturating_sub(FOLLOWER_LAG)))
    })
    .stable(),
    f(2943, "txid_current", "", "int8", |context, _| {
        // A transaction is known by the time it reads at.
        Ok(Datum::Int8(i64::try_from(context.read_at.wall).unwrap_or(i64::MAX)))
    })
    .stable(),
];
