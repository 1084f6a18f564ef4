//! Predicates go down to where their rows come from, and joins lose outer rows that a predicate
//! would throw away anyway.

use crate::sql::plan::disjunction;
use crate::sql::plan::simplify::to_list;
use crate::sql::plan::walk::{self, Columns};
use crate::sql::relation::{JoinKind, Relation, SetKind};
use crate::sql::scalar::{ColumnRef, Scalar, ScalarKind};

/// Pushes all predicates of a relation, and those of its subqueries, as far down as they go.
pub fn push_down(relation: Relation) -> Relation {
    push(relation, Vec::new())
}

/// The relation with predicates applied above it.
fn above(relation: Relation, predicates: Vec<Scalar>) -> Relation {
    match Scalar::conjunction(predicates) {
        None => relation,
        Some(predicate) => Relation::Filter { input: Box::new(relation), predicate },
    }
}

fn outputs(relation: &Relation) -> Columns {
    walk::output(relation).into_iter().map(|p| p.column).collect()
}

/// Splits predicates into those that go further and those that stay.
fn split(
    predicates: Vec<Scalar>,
    mut goes: impl FnMut(&Scalar) -> bool,
) -> (Vec<Scalar>, Vec<Scalar>) {
    predicates.into_iter().partition(|p| goes(p))
}

fn push_subqueries(relation: &mut Relation) {
    walk::scalars_mut(relation, &mut |scalar| {
        walk::subqueries_mut(scalar, &mut |subquery| {
            let inner = std::mem::replace(&mut subquery.relation, nothing());
            subquery.relation = push_down(inner);
        });
    });
}

/// A placeholder while a relation is being rebuilt.
fn nothing() -> Relation {
    Relation::Values { columns: Vec::new(), rows: Vec::new() }
}

fn inside(input: &mut Box<Relation>, predicates: Vec<Scalar>) {
    let inner = std::mem::replace(&mut **input, nothing());
    **input = push(inner, predicates);
}

fn push(mut relation: Relation, mut predicates: Vec<Scalar>) -> Relation {
    push_subqueries(&mut relation);
    match relation {
        Relation::Filter { input, predicate } => {
            let mut all = Vec::new();
            walk::conjuncts(predicate, &mut all);
            all.append(&mut predicates);
            push(*input, all)
        }
        Relation::Project { mut input, columns } => {
            let volatile = columns.iter().any(|(_, e)| walk::is_volatile(e));
            let simple =
                |c: ColumnRef| columns.iter().find(|(p, _)| p.column == c).map(|(_, e)| e.clone());
            let (go, stay) = split(predicates, |p| {
                !volatile
                    && !walk::is_volatile(p)
                    // A predicate that repeats a subquery would run it twice.
                    && !walk::read_by(p).iter().any(|c| {
                        simple(*c).is_some_and(|e| walk::has_subquery(&e))
                    })
                    && can_substitute(p, &|c| simple(c))
            });
            let go = go
                .into_iter()
                .map(|mut p| {
                    walk::substitute(&mut p, &simple);
                    p
                })
                .collect();
            inside(&mut input, go);
            above(Relation::Project { input, columns }, stay)
        }
        Relation::Join { kind, left, right, on, lateral } => {
            push_join(kind, left, right, on, lateral, predicates)
        }
        Relation::Aggregate { mut input, groups, sets, set_number, aggregates } => {
            let keys: Columns = groups.iter().map(|g| g.column).collect();
            let made: Columns = set_number
                .iter()
                .chain(aggregates.iter().map(|(p, _)| p))
                .map(|p| p.column)
                .collect();
            let single = sets.len() == 1 && !groups.is_empty();
            let (go, stay) = split(predicates, |p| {
                let read = walk::read_by(p);
                single
                    && !walk::is_volatile(p)
                    && read.iter().any(|c| keys.contains(c))
                    && read.is_disjoint(&made)
            });
            inside(&mut input, go);
            above(Relation::Aggregate { input, groups, sets, set_number, aggregates }, stay)
        }
        Relation::Window { mut input, partition_by, order_by, calls } => {
            let keys: Columns = partition_by.iter().filter_map(Scalar::as_column).collect();
            let inputs = outputs(&input);
            let (go, stay) = split(predicates, |p| {
                let read = walk::read_by(p);
                !walk::is_volatile(p)
                    && read.iter().any(|c| keys.contains(c))
                    && read.iter().all(|c| keys.contains(c) || !inputs.contains(c))
                    && calls.iter().all(|(made, _)| !read.contains(&made.column))
            });
            inside(&mut input, go);
            above(Relation::Window { input, partition_by, order_by, calls }, stay)
        }
        Relation::Sort { mut input, keys } => {
            let (go, stay) = split(predicates, |p| !walk::is_volatile(p));
            inside(&mut input, go);
            above(Relation::Sort { input, keys }, stay)
        }
        Relation::Distinct { mut input, on } => {
            let keys: Option<Columns> =
                on.as_ref().map(|on| on.iter().filter_map(Scalar::as_column).collect());
            let inputs = outputs(&input);
            let (go, stay) = split(predicates, |p| {
                !walk::is_volatile(p)
                    && keys.as_ref().is_none_or(|keys| {
                        walk::read_by(p).iter().all(|c| keys.contains(c) || !inputs.contains(c))
                    })
            });
            inside(&mut input, go);
            above(Relation::Distinct { input, on }, stay)
        }
        Relation::SetOperation { kind, all, mut left, mut right, columns } => {
            let side = |pick: fn(&(ColumnRef, ColumnRef)) -> ColumnRef| {
                let columns = &columns;
                move |c: ColumnRef| {
                    columns
                        .iter()
                        .find(|(p, _, _)| p.column == c)
                        .map(|(p, l, r)| Scalar::column(pick(&(*l, *r)), p.ty.clone()))
                }
            };
            let (go, stay) = split(predicates, |p| {
                !walk::is_volatile(p) && can_substitute(p, &side(|(l, _)| *l))
            });
            let map = |with: &dyn Fn(ColumnRef) -> Option<Scalar>| -> Vec<Scalar> {
                go.iter()
                    .map(|p| {
                        let mut p = p.clone();
                        walk::substitute(&mut p, with);
                        p
                    })
                    .collect()
            };
            let for_left = map(&side(|(l, _)| *l));
            let for_right =
                if kind == SetKind::Except { Vec::new() } else { map(&side(|(_, r)| *r)) };
            inside(&mut left, for_left);
            inside(&mut right, for_right);
            above(Relation::SetOperation { kind, all, left, right, columns }, stay)
        }
        Relation::With { id, mut definition, mut body } => {
            inside(&mut definition, Vec::new());
            inside(&mut body, predicates);
            Relation::With { id, definition, body }
        }
        mut other => {
            walk::children_mut(&mut other, &mut |child| {
                let inner = std::mem::replace(child, nothing());
                *child = push_down(inner);
            });
            above(other, predicates)
        }
    }
}

/// Whether no subquery refers by number to a column that would be replaced.
fn can_substitute(predicate: &Scalar, with: &dyn Fn(ColumnRef) -> Option<Scalar>) -> bool {
    let mut fine = true;
    walk::subqueries(predicate, &mut |subquery| {
        let by_number = by_number(&subquery.relation);
        fine = fine && by_number.iter().all(|c| with(*c).is_none_or(|e| e.as_column() == Some(*c)));
    });
    fine
}

/// Columns that relations within refer to by number rather than by expression.
fn by_number(relation: &Relation) -> Vec<ColumnRef> {
    let mut found = match relation {
        Relation::Aggregate { groups, .. } => groups.iter().map(|g| g.column).collect(),
        Relation::SetOperation { columns, .. } | Relation::Recursive { columns, .. } => {
            columns.iter().flat_map(|(_, l, r)| [*l, *r]).collect()
        }
        _ => Vec::new(),
    };
    walk::scalars(relation, &mut |s| {
        walk::subqueries(s, &mut |q| found.extend(by_number(&q.relation)));
    });
    walk::children(relation, &mut |r| found.extend(by_number(r)));
    found
}

fn push_join(
    mut kind: JoinKind,
    mut left: Box<Relation>,
    mut right: Box<Relation>,
    on: Scalar,
    lateral: bool,
    predicates: Vec<Scalar>,
) -> Relation {
    let (lefts, rights) = (outputs(&left), outputs(&right));
    let reads_left = |p: &Scalar| !walk::read_by(p).is_disjoint(&lefts);
    let reads_right = |p: &Scalar| !walk::read_by(p).is_disjoint(&rights);
    if matches!(kind, JoinKind::Left | JoinKind::Full)
        && predicates.iter().any(|p| rejects_nulls(p, &rights))
    {
        kind = if kind == JoinKind::Left { JoinKind::Inner } else { JoinKind::Right };
    }
    if matches!(kind, JoinKind::Right | JoinKind::Full)
        && predicates.iter().any(|p| rejects_nulls(p, &lefts))
    {
        kind = if kind == JoinKind::Right { JoinKind::Inner } else { JoinKind::Left };
    }
    let mut joining = Vec::new();
    walk::conjuncts(on, &mut joining);
    let mut stay = Vec::new();
    let (mut for_left, mut for_right) = (Vec::new(), Vec::new());
    for p in predicates {
        let volatile = walk::is_volatile(&p);
        match (kind, reads_left(&p), reads_right(&p)) {
            _ if volatile => stay.push(p),
            (JoinKind::Inner, true, true) => joining.push(p),
            (JoinKind::Inner | JoinKind::Right, false, true) => for_right.push(p),
            (JoinKind::Inner | JoinKind::Left, _, false)
            | (JoinKind::Semi | JoinKind::Anti, _, _) => for_left.push(p),
            _ => stay.push(p),
        }
    }
    let mut rest = Vec::new();
    for p in joining {
        let volatile = walk::is_volatile(&p);
        match (kind, reads_left(&p), reads_right(&p)) {
            _ if volatile => rest.push(p),
            (JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti, false, true) => {
                for_right.push(p);
            }
            (JoinKind::Inner | JoinKind::Semi, _, false) => for_left.push(p),
            (JoinKind::Right, true, false) => for_left.push(p),
            (JoinKind::Inner, true, true) => {
                for_left.extend(disjunction::implied(&p, &lefts).map(listed));
                for_right.extend(disjunction::implied(&p, &rights).map(listed));
                rest.push(p);
            }
            _ => rest.push(p),
        }
    }
    let inner = std::mem::replace(&mut *left, nothing());
    *left = push(inner, for_left);
    let inner = std::mem::replace(&mut *right, nothing());
    *right = push(inner, for_right);
    let on = Scalar::conjunction(rest).unwrap_or_else(Scalar::truth);
    above(Relation::Join { kind, left, right, on, lateral }, stay)
}

/// An OR as a list, if it is one of equalities.
fn listed(predicate: Scalar) -> Scalar {
    match predicate.kind {
        ScalarKind::Or(parts) => to_list(parts),
        _ => predicate,
    }
}

/// Whether a predicate cannot be true when all the given columns are NULL.
pub fn rejects_nulls(predicate: &Scalar, columns: &Columns) -> bool {
    match &predicate.kind {
        ScalarKind::And(parts) => parts.iter().any(|p| rejects_nulls(p, columns)),
        ScalarKind::Or(parts) => parts.iter().all(|p| rejects_nulls(p, columns)),
        ScalarKind::Not(input) => match &input.kind {
            ScalarKind::IsNull(inner) => is_null_then(inner, columns),
            _ => is_null_then(input, columns),
        },
        ScalarKind::IsBool(input, _) => is_null_then(input, columns),
        _ => is_null_then(predicate, columns),
    }
}

/// Whether an expression is NULL when all the given columns are.
fn is_null_then(scalar: &Scalar, columns: &Columns) -> bool {
    match &scalar.kind {
        ScalarKind::Column(column) => columns.contains(column),
        ScalarKind::Call { function, args } => {
            function.strict && args.iter().any(|a| is_null_then(a, columns))
        }
        ScalarKind::Cast { input, .. } | ScalarKind::Not(input) => is_null_then(input, columns),
        ScalarKind::AnyOf { left, operator, list, .. } => {
            operator.strict && !list.is_empty() && is_null_then(left, columns)
        }
        _ => false,
    }
}
