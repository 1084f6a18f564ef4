//! Whether two expressions are the same: what GROUP BY, ORDER BY and DISTINCT ask.

use crate::sql::scalar::{Scalar, ScalarKind, SortKey};
use crate::types::Datum;

/// Whether two expressions are written alike, after binding. Subqueries are never the same.
pub(super) fn same(a: &Scalar, b: &Scalar) -> bool {
    a.ty == b.ty && same_kind(a, b)
}

fn same_kind(a: &Scalar, b: &Scalar) -> bool {
    use ScalarKind as K;
    match (&a.kind, &b.kind) {
        (K::Literal(x), K::Literal(y)) => same_datum(x, y),
        (K::Column(x), K::Column(y)) => x == y,
        (K::Parameter(x), K::Parameter(y)) => x == y,
        (K::Call { function: f, args: x }, K::Call { function: g, args: y }) => {
            std::ptr::eq(*f, *g) && all_same(x, y)
        }
        (K::Cast { input: x, explicit: e }, K::Cast { input: y, explicit: g }) => {
            e == g && same(x, y)
        }
        (K::And(x), K::And(y))
        | (K::Or(x), K::Or(y))
        | (K::Coalesce(x), K::Coalesce(y))
        | (K::Array(x), K::Array(y))
        | (K::Row(x), K::Row(y)) => all_same(x, y),
        (K::Extreme(x, e), K::Extreme(y, g)) => e == g && all_same(x, y),
        (K::Not(x), K::Not(y)) | (K::IsNull(x), K::IsNull(y)) => same(x, y),
        (K::IsBool(x, e), K::IsBool(y, g)) => e == g && same(x, y),
        (K::Field(x, e), K::Field(y, g)) => e == g && same(x, y),
        (K::NotDistinct(x, y), K::NotDistinct(v, w)) => same(x, v) && same(y, w),
        (K::Case { whens: x, otherwise: o }, K::Case { whens: y, otherwise: p }) => {
            x.len() == y.len()
                && x.iter().zip(y).all(|(v, w)| same(&v.0, &w.0) && same(&v.1, &w.1))
                && same_option(o.as_deref(), p.as_deref())
        }
        (
            K::AnyOf { left: l, operator: o, list: x, all: e },
            K::AnyOf { left: m, operator: p, list: y, all: g },
        ) => e == g && std::ptr::eq(*o, *p) && same(l, m) && all_same(x, y),
        (
            K::AnyOfArray { left: l, operator: o, array: x, all: e },
            K::AnyOfArray { left: m, operator: p, array: y, all: g },
        ) => e == g && std::ptr::eq(*o, *p) && same(l, m) && same(x, y),
        (K::Subscript { array: x, indexes: i }, K::Subscript { array: y, indexes: j }) => {
            same(x, y) && all_same(i, j)
        }
        (K::Slice { array: x, bounds: i }, K::Slice { array: y, bounds: j }) => {
            same(x, y)
                && i.len() == j.len()
                && i.iter().zip(j).all(|(v, w)| {
                    same_option(v.0.as_ref(), w.0.as_ref())
                        && same_option(v.1.as_ref(), w.1.as_ref())
                })
        }
        _ => false,
    }
}

fn same_datum(a: &Datum, b: &Datum) -> bool {
    match (a.is_null(), b.is_null()) {
        (false, false) => a.same(b),
        (x, y) => x && y,
    }
}

fn same_option(a: Option<&Scalar>, b: Option<&Scalar>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// Whether two lists are the same, one by one.
pub(super) fn all_same(a: &[Scalar], b: &[Scalar]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| same(x, y))
}

/// Whether two orderings are the same.
pub(super) fn same_order(a: &[SortKey], b: &[SortKey]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(x, y)| {
            x.descending == y.descending && x.nulls_first == y.nulls_first && same(&x.expr, &y.expr)
        })
}
