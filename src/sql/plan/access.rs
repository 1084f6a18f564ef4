//! Access paths: which predicates an index can serve, and which index serves best.

use std::sync::Arc;

use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};
use crate::sql::exec::eval::compare::{Class, CompareOp, class_of, comparison_of};
use crate::sql::exec::order::Direction;
use crate::sql::plan::estimate;
use crate::sql::plan::physical::Ordered;
use crate::sql::plan::walk;
use crate::sql::relation::Scan;
use crate::sql::scalar::{ColumnRef, Scalar, ScalarKind};
use crate::sql::statistics::{ColumnStatistics, Side, TableStatistics};
use crate::types::{Datum, Type};

/// Places of one scan that may come from lists in the statement's text.
const PLACES_MAX: usize = 10_000;

/// What a predicate says about one column of a table.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Which predicate it is.
    pub predicate: usize,
    /// The column's position in the table.
    pub column: usize,
    /// What it says.
    pub says: Says,
    /// Whether it says all that the predicate says.
    pub exact: bool,
}

/// What is said about a column.
#[derive(Clone, Debug)]
pub enum Says {
    /// It equals this.
    Equal(Scalar),
    /// It is NULL.
    Null,
    /// It is one of these.
    In(Vec<Scalar>),
    /// It is one of the elements.
    InArray(Scalar),
    /// It is at least (or more than) this.
    Lower(Scalar, bool),
    /// It is at most (or less than) this.
    Upper(Scalar, bool),
    /// It is at least the first and less than the second.
    Between(Scalar, Option<Scalar>),
}

/// One way to read a table.
#[derive(Clone, Debug)]
pub struct Path<'t> {
    /// Through this index.
    pub index: &'t IndexDescriptor,
    /// What its first columns are.
    pub terms: Vec<Says>,
    /// The lower bound of the next column.
    pub lower: Option<(Scalar, bool)>,
    /// The upper bound of the next column.
    pub upper: Option<(Scalar, bool)>,
    /// The predicates that need not be looked at again.
    pub served: Vec<usize>,
    /// Rows read, as a share of the table.
    pub share: f64,
    /// Whether at most one row is read.
    pub single: bool,
    /// From the end.
    pub reverse: bool,
    /// Whether rows come in the wanted order.
    pub ordered: bool,
}

/// The conditions on columns of a scan among some predicates. `usable` says whether an expression
/// has a value before the scan begins.
pub fn conditions(
    scan: &Scan,
    predicates: &[Scalar],
    usable: &dyn Fn(&Scalar) -> bool,
) -> Vec<Condition> {
    let mut found = Vec::new();
    for (i, predicate) in predicates.iter().enumerate() {
        for (column, says, exact) in condition(scan, predicate, usable) {
            found.push(Condition { predicate: i, column, says, exact });
        }
    }
    found
}

/// The table position of the column that an expression is, looking through casts that change
/// neither value nor order.
fn column_of(scan: &Scan, scalar: &Scalar) -> Option<usize> {
    match &scalar.kind {
        ScalarKind::Column(column) => {
            scan.columns.iter().find(|(p, _)| p.column == *column).map(|(_, at)| *at)
        }
        ScalarKind::Cast { input, .. } if scalar.ty.modifier == -1 => {
            let keeps = match (&input.ty.ty, &scalar.ty.ty) {
                (Type::Varchar | Type::Name, Type::Text) | (Type::Text, Type::Varchar) => true,
                (Type::Int2, Type::Int4 | Type::Int8) | (Type::Int4, Type::Int8) => true,
                (from, to) => from == to,
            };
            if keeps { column_of(scan, input) } else { None }
        }
        _ => None,
    }
}

/// Whether an index on a column can look for values of an expression's type.
fn comparable(column: &Type, value: &Type) -> bool {
    match (class_of(column), class_of(value)) {
        (Some(a), Some(b)) if a == b => {
            // Rounding a float to the column's width would move it.
            a != Class::Float || column == value
        }
        _ => false,
    }
}

fn condition(
    scan: &Scan,
    predicate: &Scalar,
    usable: &dyn Fn(&Scalar) -> bool,
) -> Vec<(usize, Says, bool)> {
    let column = |s: &Scalar| column_of(scan, s);
    let ty = |at: usize| scan.table.columns.get(at).map(|c| &c.ty.ty);
    let fits = |at: usize, value: &Scalar| {
        usable(value) && ty(at).is_some_and(|t| comparable(t, &value.ty.ty))
    };
    let truth = |b: bool| Scalar::literal(Datum::Bool(b), Type::Bool);
    match &predicate.kind {
        ScalarKind::Column(_) => column(predicate)
            .map(|at| vec![(at, Says::Equal(truth(true)), true)])
            .unwrap_or_default(),
        ScalarKind::Not(input) | ScalarKind::IsBool(input, false) => {
            column(input).map(|at| vec![(at, Says::Equal(truth(false)), true)]).unwrap_or_default()
        }
        ScalarKind::IsBool(input, true) => {
            column(input).map(|at| vec![(at, Says::Equal(truth(true)), true)]).unwrap_or_default()
        }
        ScalarKind::IsNull(input) => {
            column(input).map(|at| vec![(at, Says::Null, true)]).unwrap_or_default()
        }
        ScalarKind::AnyOf { left, operator, list, all: false } => {
            let equal = comparison_of(operator).is_some_and(|c| c.op == CompareOp::Eq);
            match column(left) {
                Some(at) if equal && list.iter().all(|v| fits(at, v)) => {
                    vec![(at, Says::In(list.clone()), true)]
                }
                _ => Vec::new(),
            }
        }
        ScalarKind::AnyOfArray { left, operator, array, all: false } => {
            let equal = comparison_of(operator).is_some_and(|c| c.op == CompareOp::Eq);
            let element = match &array.ty.ty {
                Type::Array(element) => element,
                _ => return Vec::new(),
            };
            match column(left) {
                Some(at)
                    if equal && usable(array) && ty(at).is_some_and(|t| comparable(t, element)) =>
                {
                    vec![(at, Says::InArray((**array).clone()), false)]
                }
                _ => Vec::new(),
            }
        }
        ScalarKind::Call { function, args } => {
            let [left, right] = &args[..] else { return Vec::new() };
            let Some(comparison) = comparison_of(function) else {
                return like(scan, function.name, left, right);
            };
            let mut found = Vec::new();
            let sides = [(left, right, comparison.op), (right, left, comparison.op.swapped())];
            for (subject, value, op) in sides {
                let Some(at) = column(subject).filter(|at| fits(*at, value)) else { continue };
                let value = value.clone();
                let says = match op {
                    CompareOp::Eq => Says::Equal(value),
                    CompareOp::Gt => Says::Lower(value, false),
                    CompareOp::Ge => Says::Lower(value, true),
                    CompareOp::Lt => Says::Upper(value, false),
                    CompareOp::Le => Says::Upper(value, true),
                    CompareOp::Ne => continue,
                };
                found.push((at, says, true));
            }
            found
        }
        _ => Vec::new(),
    }
}

/// `column LIKE 'abc%'`: everything between 'abc' and 'abd'.
fn like(scan: &Scan, name: &str, left: &Scalar, right: &Scalar) -> Vec<(usize, Says, bool)> {
    let (true, Some(at), Some(Datum::Text(pattern))) =
        (name == "textlike", column_of(scan, left), right.as_literal())
    else {
        return Vec::new();
    };
    let is_text =
        scan.table.columns.get(at).is_some_and(|c| class_of(&c.ty.ty) == Some(Class::Text));
    let Some((prefix, rest)) = literal_prefix(pattern).filter(|(p, _)| is_text && !p.is_empty())
    else {
        return Vec::new();
    };
    let text = |s: &str| Scalar::literal(Datum::text(s), Type::Text);
    match rest {
        "" => vec![(at, Says::Equal(text(&prefix)), true)],
        rest => {
            let upper = successor(&prefix).map(|s| text(&s));
            vec![(at, Says::Between(text(&prefix), upper), rest == "%")]
        }
    }
}

/// The part of a LIKE pattern before its first wildcard, unescaped, and the rest.
fn literal_prefix(pattern: &str) -> Option<(String, &str)> {
    let mut prefix = String::new();
    let mut chars = pattern.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '%' | '_' => return Some((prefix, pattern.get(at..)?)),
            // A trailing escape is an error when the pattern is used; leave it to that.
            '\\' => prefix.push(chars.next()?.1),
            c => prefix.push(c),
        }
    }
    Some((prefix, ""))
}

/// The smallest string after all that begin with a prefix; `None` if there is none.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            c => u32::from(c).checked_add(1).and_then(char::from_u32),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// The path through an index that makes the most of some conditions.
pub fn path<'t>(
    table: &'t TableDescriptor,
    index: &'t IndexDescriptor,
    conditions: &[Condition],
    rows: f64,
    statistics: Option<&TableStatistics>,
) -> Path<'t> {
    let mut path = Path {
        index,
        terms: Vec::new(),
        lower: None,
        upper: None,
        served: Vec::new(),
        share: 1.0,
        single: false,
        reverse: false,
        ordered: false,
    };
    let mut places = 1usize;
    let mut unsure = false;
    for key in &index.columns {
        let Some(column) = table.position(key.column) else { break };
        let on: Vec<&Condition> = conditions.iter().filter(|c| c.column == column).collect();
        let known = statistics.and_then(|s| s.columns.get(&key.column)).map(Arc::as_ref);
        let equal = |value: Option<&Scalar>| {
            let value = value.and_then(Scalar::as_literal);
            known.map_or(estimate::EQUAL, |known| known.equal(value))
        };
        let rank = |c: &Condition| match &c.says {
            Says::Equal(_) => 0,
            Says::Null => 1,
            Says::In(list) if places.saturating_mul(list.len().max(1)) <= PLACES_MAX => 2,
            Says::InArray(_) => 3,
            _ => 9,
        };
        let best = on.iter().filter(|c| rank(c) < 9).min_by_key(|c| rank(c));
        let Some(condition) = best else {
            range(&mut path, &on, known);
            break;
        };
        match &condition.says {
            Says::In(list) => {
                places = places.saturating_mul(list.len().max(1));
                let share: f64 = list.iter().map(|value| equal(Some(value))).sum();
                path.share *= share.min(if known.is_some() { 1.0 } else { 0.5 });
            }
            Says::InArray(_) => {
                unsure = true;
                path.share *= (equal(None) * 10.0).min(0.5);
            }
            Says::Equal(value) => path.share *= equal(Some(value)),
            _ => path.share *= known.map_or(estimate::EQUAL, |known| known.nulls),
        }
        path.terms.push(condition.says.clone());
        if condition.exact {
            path.served.push(condition.predicate);
        }
    }
    if unsure {
        // How many places an array makes shows only when it is there; the scan may give up on
        // some terms, so everything is looked at again.
        path.served.clear();
    }
    if path.terms.len() == index.columns.len() {
        let is_unique = index.unique || index.id == table.primary_index.id;
        if is_unique && !path.terms.iter().any(|t| matches!(t, Says::Null)) {
            path.share = (places as f64 / rows.max(1.0)).min(1.0);
            path.single = path.terms.iter().all(|t| matches!(t, Says::Equal(_)));
        }
    }
    path
}

/// Takes bounds of the column after the terms.
fn range(path: &mut Path<'_>, on: &[&Condition], known: Option<&ColumnStatistics>) {
    for condition in on {
        let used = match &condition.says {
            Says::Lower(value, inclusive) if path.lower.is_none() => {
                path.lower = Some((value.clone(), *inclusive));
                true
            }
            Says::Upper(value, inclusive) if path.upper.is_none() => {
                path.upper = Some((value.clone(), *inclusive));
                true
            }
            Says::Between(lower, upper) if path.lower.is_none() && path.upper.is_none() => {
                path.lower = Some((lower.clone(), true));
                path.upper = upper.clone().map(|u| (u, false));
                true
            }
            _ => false,
        };
        if used && condition.exact {
            path.served.push(condition.predicate);
        }
    }
    let beyond = |side, bound: &Option<(Scalar, bool)>| match bound {
        None => Some(1.0),
        Some((value, _)) => known?.beyond(side, value.as_literal()?),
    };
    let parts = (beyond(Side::Above, &path.lower), beyond(Side::Below, &path.upper));
    path.share *= match (&path.lower, &path.upper, parts) {
        (None, None, _) => 1.0,
        (_, _, (Some(above), Some(below))) => (above + below - 1.0).max(1e-6),
        (Some(_), Some(_), _) => estimate::BETWEEN,
        _ => estimate::RANGE,
    };
}

/// The order that a scan of an index gives: its columns, then (as a row has but one place) nothing.
pub fn index_order(table: &TableDescriptor, index: &IndexDescriptor) -> Vec<(usize, Direction)> {
    let mut order: Vec<(usize, Direction)> = index
        .columns
        .iter()
        .filter_map(|c| {
            let direction = Direction { descending: c.descending, nulls_first: c.descending };
            table.position(c.column).map(|at| (at, direction))
        })
        .collect();
    if !index.unique && index.id != table.primary_index.id {
        for c in &table.primary_index.columns {
            if let Some(at) = table.position(c.column)
                && !order.iter().any(|(known, _)| *known == at)
            {
                let direction = Direction { descending: c.descending, nulls_first: c.descending };
                order.push((at, direction));
            }
        }
    }
    order
}

/// Whether a path gives an order: `Some(reverse)` if it does.
pub fn gives_order(scan: &Scan, path: &Path<'_>, wanted: &[Ordered]) -> Option<bool> {
    let table = &scan.table;
    let fixed: Vec<usize> = path
        .terms
        .iter()
        .zip(&path.index.columns)
        .filter(|(t, _)| matches!(t, Says::Equal(_) | Says::Null))
        .filter_map(|(_, c)| table.position(c.column))
        .collect();
    let position = |column: ColumnRef| {
        scan.columns.iter().find(|(p, _)| p.column == column).map(|(_, at)| *at)
    };
    let order = index_order(table, path.index);
    let mut given = order.iter().filter(|(at, _)| !fixed.contains(at));
    let mut reverse: Option<bool> = None;
    let single = path.single;
    for want in wanted {
        let at = position(want.column)?;
        if single || fixed.contains(&at) {
            continue;
        }
        let (have, direction) = given.next()?;
        if *have != at {
            return None;
        }
        let flipped = direction.descending != want.direction.descending;
        let nullable = table.columns.get(at).is_some_and(|c| c.nullable);
        let nulls_first = direction.nulls_first != flipped;
        if nullable && nulls_first != want.direction.nulls_first {
            return None;
        }
        match reverse {
            None => reverse = Some(flipped),
            Some(known) if known == flipped => {}
            Some(_) => return None,
        }
    }
    Some(reverse.unwrap_or(false))
}

/// Whether two expressions are written the same.
pub fn same_scalar(a: &Scalar, b: &Scalar) -> bool {
    let mut alike = match (&a.kind, &b.kind) {
        (ScalarKind::Literal(x), ScalarKind::Literal(y)) => x.same(y),
        (ScalarKind::Column(x), ScalarKind::Column(y)) => x == y,
        (ScalarKind::Parameter(x), ScalarKind::Parameter(y)) => x == y,
        (ScalarKind::Call { function: f, .. }, ScalarKind::Call { function: g, .. }) => {
            std::ptr::eq(*f, *g)
        }
        (
            ScalarKind::AnyOf { operator: f, all: p, .. },
            ScalarKind::AnyOf { operator: g, all: q, .. },
        ) => std::ptr::eq(*f, *g) && p == q,
        (ScalarKind::IsBool(_, p), ScalarKind::IsBool(_, q)) => p == q,
        (ScalarKind::Cast { .. }, ScalarKind::Cast { .. })
        | (ScalarKind::And(_), ScalarKind::And(_))
        | (ScalarKind::Or(_), ScalarKind::Or(_))
        | (ScalarKind::Not(_), ScalarKind::Not(_))
        | (ScalarKind::IsNull(_), ScalarKind::IsNull(_))
        | (ScalarKind::NotDistinct(..), ScalarKind::NotDistinct(..))
        | (ScalarKind::Coalesce(_), ScalarKind::Coalesce(_)) => true,
        _ => false,
    };
    alike = alike && a.ty == b.ty;
    let (mut left, mut right) = (Vec::new(), Vec::new());
    walk::operands(a, &mut |s| left.push(s));
    walk::operands(b, &mut |s| right.push(s));
    alike && left.len() == right.len() && left.iter().zip(&right).all(|(x, y)| same_scalar(x, y))
}

/// Whether predicates imply an index's own, in the simple cases: it is among them, or it says that
/// a column that one of them compares is not NULL.
pub fn implies(predicates: &[Scalar], index_predicate: &Scalar) -> bool {
    let mut parts = Vec::new();
    walk::conjuncts(index_predicate.clone(), &mut parts);
    parts.iter().all(|part| {
        let not_null = match &part.kind {
            ScalarKind::Not(input) => match &input.kind {
                ScalarKind::IsNull(inner) => inner.as_column(),
                _ => None,
            },
            _ => None,
        };
        predicates.iter().any(|p| {
            same_scalar(p, part)
                || not_null.is_some_and(|column| {
                    crate::sql::plan::pushdown::rejects_nulls(p, &[column].into())
                })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_like_pattern_has_a_prefix_and_a_successor() {
        assert_eq!(literal_prefix("abc%"), Some(("abc".into(), "%")));
        assert_eq!(literal_prefix(r"a\%b_c"), Some(("a%b".into(), "_c")));
        assert_eq!(literal_prefix("plain"), Some(("plain".into(), "")));
        assert_eq!(literal_prefix("bad\\"), None);
        assert_eq!(successor("abc").as_deref(), Some("abd"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{10ffff}"), None);
        assert_eq!(successor("\u{d7ff}").as_deref(), Some("\u{e000}"));
    }
}
