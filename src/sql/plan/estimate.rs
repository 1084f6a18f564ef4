//! How many rows: rough numbers from the size of tables and from the shape of predicates.
//!
//! ANALYZE's statistics tell, where they are there. Without them a table's rows are reckoned from
//! the bytes that its primary index takes, and a predicate keeps a fixed share: good enough to tell
//! large from small and a key lookup from a full scan.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::descriptor::TableDescriptor;
use crate::keys::index_span;
use crate::kv::Family;
use crate::sql::exec::eval::compare::{CompareOp, comparison_of};
use crate::sql::plan::{PlanContext, walk};
use crate::sql::relation::Relation;
use crate::sql::scalar::{ColumnRef, Scalar, ScalarKind};
use crate::sql::statistics::{ColumnStatistics, Side};
use crate::types::{Datum, Type};

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
    let bytes = ctx.server.mvcc.engine().approximate_bytes(Family::Versions, &span);
    let statistics = ctx.server.statistics.of(&ctx.server.mvcc, table);
    match (bytes, statistics) {
        (Ok(bytes), Some(known)) if known.bytes > 0.0 && bytes > 0 => {
            (known.rows * bytes as f64 / known.bytes).max(1.0)
        }
        (_, Some(known)) if known.rows > 0.0 => known.rows,
        (Ok(0) | Err(_), _) => ROWS_UNKNOWN,
        (Ok(bytes), _) => (bytes as f64 / row_bytes(table)).max(1.0),
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

/// What is known of the columns of a query.
#[derive(Default)]
pub struct Known(HashMap<ColumnRef, Arc<ColumnStatistics>>);

/// What an inequality between a column and a constant says.
struct Beyond<'s> {
    column: ColumnRef,
    side: Side,
    value: &'s Datum,
}

impl Known {
    /// Of every table that a relation reads, subqueries included.
    pub fn of(relation: &Relation, ctx: &PlanContext<'_>) -> Known {
        let mut known = Known::default();
        known.gather(relation, ctx);
        known
    }

    fn gather(&mut self, relation: &Relation, ctx: &PlanContext<'_>) {
        if let Relation::Scan(scan) = relation
            && let Some(table) = ctx.server.statistics.of(&ctx.server.mvcc, &scan.table)
        {
            for (produced, at) in &scan.columns {
                let column = scan.table.columns.get(*at);
                if let Some(statistics) = column.and_then(|c| table.columns.get(&c.id)) {
                    self.0.insert(produced.column, statistics.clone());
                }
            }
        }
        walk::scalars(relation, &mut |s| {
            walk::subqueries(s, &mut |q| self.gather(&q.relation, ctx));
        });
        walk::children(relation, &mut |r| self.gather(r, ctx));
    }

    /// How many different values an expression has, if it is a column that is known.
    pub fn distinct(&self, scalar: &Scalar) -> Option<f64> {
        self.0.get(&column_of(scalar)?).map(|column| column.distinct)
    }

    /// The share of rows for which a predicate is true.
    pub fn selectivity(&self, predicate: &Scalar) -> f64 {
        match &predicate.kind {
            ScalarKind::Literal(Datum::Bool(true)) => 1.0,
            ScalarKind::Literal(_) => 0.0,
            ScalarKind::And(parts) => self.share(parts),
            ScalarKind::Or(parts) => {
                1.0 - parts.iter().map(|p| 1.0 - self.selectivity(p)).product::<f64>()
            }
            ScalarKind::Not(input) => match &input.kind {
                ScalarKind::IsNull(inner) => 1.0 - self.nulls(inner),
                _ => 1.0 - self.selectivity(input),
            },
            ScalarKind::Column(_) => 0.5,
            ScalarKind::IsNull(input) => self.nulls(input),
            ScalarKind::IsBool(..) => 0.5,
            ScalarKind::Call { function, args } => match comparison_of(function).map(|c| c.op) {
                Some(CompareOp::Eq) => self.equal(args),
                Some(CompareOp::Ne) => 1.0 - self.equal(args),
                Some(_) => self
                    .beyond(predicate)
                    .and_then(|b| self.0.get(&b.column)?.beyond(b.side, b.value))
                    .unwrap_or(RANGE),
                None => OTHER,
            },
            ScalarKind::AnyOf { left, list, all: false, .. } => {
                let each = list.iter().map(|value| self.equal_to(left, Some(value)));
                each.sum::<f64>().min(if column_of(left).is_some() { 1.0 } else { 0.5 })
            }
            ScalarKind::AnyOfArray { left, all: false, .. } => {
                (self.equal_to(left, None) * 10.0).min(0.5)
            }
            _ => OTHER,
        }
    }

    /// The share of rows for which all predicates are true. Two bounds of one column are seen
    /// together; the rest as if they had nothing to do with each other.
    pub fn share(&self, predicates: &[Scalar]) -> f64 {
        let mut ranges: HashMap<ColumnRef, (f64, f64)> = HashMap::new();
        let mut share = 1.0;
        for predicate in predicates {
            let range = self.beyond(predicate).and_then(|b| {
                Some((b.column, b.side, self.0.get(&b.column)?.beyond(b.side, b.value)?))
            });
            match range {
                Some((column, side, part)) => {
                    let (below, above) = ranges.entry(column).or_insert((1.0, 1.0));
                    let place = if side == Side::Below { below } else { above };
                    *place = place.min(part);
                }
                None => share *= self.selectivity(predicate),
            }
        }
        for (below, above) in ranges.into_values() {
            // Rows below the one and above the other, of which those outside of both are missing.
            share *= (below + above - 1.0).max(1e-6).min(below.min(above));
        }
        share
    }

    /// Rows left by some predicates; at least one, for nothing is certain to be empty.
    pub fn filtered(&self, rows: f64, predicates: &[Scalar]) -> f64 {
        (rows * self.share(predicates)).max(1.0).min(rows.max(1.0))
    }

    /// How many groups rows fall into by some keys.
    pub fn groups(&self, rows: f64, keys: &[Scalar]) -> f64 {
        let each = keys.iter().map(|key| self.distinct(key));
        let product: Option<f64> = each.product();
        product.unwrap_or(rows * 0.1).min(rows).max(1.0)
    }

    fn nulls(&self, input: &Scalar) -> f64 {
        let column = column_of(input).and_then(|c| self.0.get(&c));
        column.map_or(0.1, |column| column.nulls)
    }

    fn equal(&self, args: &[Scalar]) -> f64 {
        let [left, right] = args else { return EQUAL };
        match (self.distinct(left), self.distinct(right)) {
            (Some(a), Some(b)) => 1.0 / a.max(b),
            (Some(_), None) => self.equal_to(left, Some(right)),
            (None, Some(_)) => self.equal_to(right, Some(left)),
            (None, None) => EQUAL,
        }
    }

    fn equal_to(&self, column: &Scalar, value: Option<&Scalar>) -> f64 {
        let known = column_of(column).and_then(|c| self.0.get(&c));
        known.map_or(EQUAL, |known| known.equal(value.and_then(Scalar::as_literal)))
    }

    fn beyond<'s>(&self, predicate: &'s Scalar) -> Option<Beyond<'s>> {
        let ScalarKind::Call { function, args } = &predicate.kind else { return None };
        let [left, right] = &args[..] else { return None };
        let below = match comparison_of(function)?.op {
            CompareOp::Lt | CompareOp::Le => true,
            CompareOp::Gt | CompareOp::Ge => false,
            _ => return None,
        };
        let side = |below| if below { Side::Below } else { Side::Above };
        if let (Some(column), Some(value)) = (column_of(left), right.as_literal()) {
            return Some(Beyond { column, side: side(below), value });
        }
        let (Some(column), Some(value)) = (column_of(right), left.as_literal()) else {
            return None;
        };
        Some(Beyond { column, side: side(!below), value })
    }
}

/// The column that an expression is, whatever it is cast to.
fn column_of(scalar: &Scalar) -> Option<ColumnRef> {
    match &scalar.kind {
        ScalarKind::Cast { input, .. } => column_of(input),
        _ => scalar.as_column(),
    }
}
