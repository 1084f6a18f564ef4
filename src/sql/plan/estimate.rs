//! How many rows: rough numbers from the size of tables and from the shape of predicates.
//!
//! There are no histograms. A table's rows are reckoned from the bytes that its primary index
//! takes; a predicate keeps a fixed share. Good enough to tell large from small and a key lookup
//! from a full scan, which is what plans depend on most.

use crate::catalog::descriptor::TableDescriptor;
use crate::keys::index_span;
use crate::kv::Family;
use crate::sql::exec::eval::compare::{CompareOp, comparison_of};
use crate::sql::plan::PlanContext;
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::Type;

/// Rows that one equality leaves of many, where no key says better.
pub const EQUAL: f64 = 0.005;
/// Rows that one inequality leaves.
pub const RANGE: f64 = 0.3333;
/// Rows that a range with both ends leaves.
pub const BETWEEN: f64 = 0.02;
/// Rows that any other predicate leaves.
pub const OTHER: f64 = 0.3333;
/// Rows of a table about which nothing is known.
const ROWS_UNKNOWN: f64 = 1_000.0;

/// The rows of a table.
pub fn table_rows(table: &TableDescriptor, ctx: &PlanContext<'_>) -> f64 {
    let span = index_span(table.id, table.primary_index.id);
    let engine = ctx.server.mvcc.engine();
    match engine.approximate_bytes(Family::Versions, &span) {
        Ok(0) | Err(_) => ROWS_UNKNOWN,
        Ok(bytes) => (bytes as f64 / row_bytes(table)).max(1.0),
    }
}

/// The bytes of a row, key, version and all.
fn row_bytes(table: &TableDescriptor) -> f64 {
    let columns: usize = table
        .columns
        .iter()
        .map(|c| match c.ty.ty {
            Type::Bool | Type::Char => 2,
            Type::Int2 | Type::Int4 | Type::Date | Type::Float4 | Type::Oid => 4,
            Type::Int8 | Type::Float8 | Type::Time | Type::Timestamp | Type::Timestamptz => 7,
            Type::Numeric => 8,
            Type::Uuid => 17,
            _ => 24,
        })
        .sum();
    (columns + 30) as f64
}

/// The share of rows for which a predicate is true.
pub fn selectivity(predicate: &Scalar) -> f64 {
    match &predicate.kind {
        ScalarKind::Literal(crate::types::Datum::Bool(true)) => 1.0,
        ScalarKind::Literal(_) => 0.0,
        ScalarKind::And(parts) => parts.iter().map(selectivity).product(),
        ScalarKind::Or(parts) => 1.0 - parts.iter().map(|p| 1.0 - selectivity(p)).product::<f64>(),
        ScalarKind::Not(input) => match &input.kind {
            ScalarKind::IsNull(_) => 0.9,
            _ => 1.0 - selectivity(input),
        },
        ScalarKind::Column(_) => 0.5,
        ScalarKind::IsNull(_) => 0.1,
        ScalarKind::IsBool(..) => 0.5,
        ScalarKind::Call { function, .. } => match comparison_of(function).map(|c| c.op) {
            Some(CompareOp::Eq) => EQUAL,
            Some(CompareOp::Ne) => 1.0 - EQUAL,
            Some(_) => RANGE,
            None => OTHER,
        },
        ScalarKind::AnyOf { list, all: false, .. } => (EQUAL * list.len() as f64).min(0.5),
        ScalarKind::AnyOfArray { all: false, .. } => (EQUAL * 10.0).min(0.5),
        _ => OTHER,
    }
}

/// Rows left by some predicates; at least one, for nothing is certain to be empty.
pub fn filtered(rows: f64, predicates: &[Scalar]) -> f64 {
    let share: f64 = predicates.iter().map(selectivity).product();
    (rows * share).max(1.0).min(rows.max(1.0))
}
