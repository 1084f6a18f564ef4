//! Subqueries in WHERE become joins: `EXISTS` and `IN` semi joins, `NOT EXISTS` anti joins.
//!
//! A subquery that reads columns of the outer query can only be joined once the predicates that
//! read them are pulled up into the join condition. What cannot be pulled up stays a subquery,
//! which runs for each row: slower, never wrong.
//!
//! `NOT IN` stays an expression: with a NULL on either side it is no anti join, and as an
//! expression over a hashed set it is as fast.

use crate::sql::exec::eval::compare::{CompareOp, comparison_of};
use crate::sql::plan::walk::{self, Columns};
use crate::sql::relation::{JoinKind, Produced, Relation};
use crate::sql::scalar::{ColumnRef, Scalar, ScalarKind, Subquery, SubqueryKind};
use crate::types::{Datum, Type};

/// Turns the subqueries of a relation's filters into joins, from the inside out.
pub fn decorrelate(relation: &mut Relation) {
    walk::scalars_mut(relation, &mut |scalar| {
        walk::subqueries_mut(scalar, &mut |subquery| decorrelate(&mut subquery.relation));
    });
    walk::children_mut(relation, &mut decorrelate);
    let Relation::Filter { input, predicate } = relation else { return };
    let mut parts = Vec::new();
    walk::conjuncts(std::mem::replace(predicate, Scalar::truth()), &mut parts);
    let mut base = std::mem::replace(&mut **input, empty());
    let mut rest = Vec::new();
    let mut joined = false;
    for part in parts {
        match joinable(part) {
            Ok((kind, subquery)) => match join(kind, subquery, base) {
                Ok(relation) => {
                    base = relation;
                    joined = true;
                }
                Err(back) => {
                    base = back.0;
                    rest.push(back.1);
                }
            },
            Err(part) => rest.push(part),
        }
    }
    if !joined {
        **input = base;
        *predicate = Scalar::conjunction(rest).unwrap_or_else(Scalar::truth);
        return;
    }
    *relation = match Scalar::conjunction(rest) {
        None => base,
        Some(predicate) => Relation::Filter { input: Box::new(base), predicate },
    };
}

fn empty() -> Relation {
    Relation::Values { columns: Vec::new(), rows: Vec::new() }
}

/// The subquery that a conjunct asks, if a join can answer it.
fn joinable(part: Scalar) -> Result<(JoinKind, Subquery), Scalar> {
    let Scalar { kind, ty } = part;
    match kind {
        ScalarKind::Subquery(subquery) => match &subquery.kind {
            SubqueryKind::Exists => Ok((JoinKind::Semi, *subquery)),
            SubqueryKind::Quantified { operators, all: false, .. }
                if operators
                    .iter()
                    .all(|f| comparison_of(f).is_some_and(|c| c.op == CompareOp::Eq)) =>
            {
                Ok((JoinKind::Semi, *subquery))
            }
            _ => Err(Scalar { kind: ScalarKind::Subquery(subquery), ty }),
        },
        ScalarKind::Not(input) => match input.kind {
            ScalarKind::Subquery(subquery) if matches!(subquery.kind, SubqueryKind::Exists) => {
                Ok((JoinKind::Anti, *subquery))
            }
            kind => {
                let input = Box::new(Scalar { kind, ty: input.ty });
                Err(Scalar { kind: ScalarKind::Not(input), ty })
            }
        },
        kind => Err(Scalar { kind, ty }),
    }
}

/// The conjunct that a subquery was taken from.
fn asked(kind: JoinKind, subquery: Subquery) -> Scalar {
    let scalar = Scalar { kind: ScalarKind::Subquery(Box::new(subquery)), ty: Type::Bool.into() };
    match kind {
        JoinKind::Anti => Scalar { kind: ScalarKind::Not(Box::new(scalar)), ty: Type::Bool.into() },
        _ => scalar,
    }
}

/// Joins the outer relation with a subquery, or gives both back.
fn join(
    kind: JoinKind,
    subquery: Subquery,
    outer: Relation,
) -> Result<Relation, Box<(Relation, Scalar)>> {
    if walk::is_volatile_relation(&subquery.relation) {
        return Err(Box::new((outer, asked(kind, subquery))));
    }
    let mut inner = subquery.relation.clone();
    let exists = matches!(subquery.kind, SubqueryKind::Exists);
    if exists {
        inner = bare(inner);
    }
    let correlated = walk::free(&inner);
    let mut on = Vec::new();
    pull(&mut inner, &correlated, &mut on);
    // The inner side may use outer columns nowhere else, not even ours through a deeper level.
    let left = walk::free(&inner);
    if !left.is_disjoint(&walk::output(&outer).iter().map(|p| p.column).collect()) {
        return Err(Box::new((outer, asked(kind, subquery))));
    }
    if let SubqueryKind::Quantified { left, operators, .. } = &subquery.kind {
        let types: Vec<Produced> = walk::output(&inner);
        for ((left, operator), column) in left.iter().zip(operators).zip(&subquery.columns) {
            let Some(produced) = types.iter().find(|p| p.column == *column) else {
                return Err(Box::new((outer, asked(kind, subquery))));
            };
            let right = Scalar::column(*column, produced.ty.clone());
            on.push(Scalar::call(operator, vec![left.clone(), right], Type::Bool));
        }
    }
    let on = Scalar::conjunction(on).unwrap_or_else(Scalar::truth);
    Ok(Relation::Join { kind, left: Box::new(outer), right: Box::new(inner), on, lateral: false })
}

/// The relation without what does not matter to EXISTS: order, duplicates, computed columns, and
/// a limit of one or more rows.
fn bare(relation: Relation) -> Relation {
    match relation {
        Relation::Sort { input, .. }
        | Relation::Distinct { input, .. }
        | Relation::Project { input, .. } => bare(*input),
        Relation::Limit { input, limit, offset: None }
            if limit.as_ref().is_none_or(|l| match l.as_literal() {
                Some(Datum::Int8(n)) => *n > 0,
                Some(Datum::Null) => true,
                _ => false,
            }) =>
        {
            bare(*input)
        }
        other => other,
    }
}

/// Takes the predicates that read outer columns out of a relation's filters, as far down as the
/// rows that they see are still the rows that come out, and makes the columns that they read come
/// out too.
fn pull(relation: &mut Relation, outer: &Columns, on: &mut Vec<Scalar>) {
    if outer.is_empty() {
        return;
    }
    match relation {
        Relation::Filter { input, predicate } => {
            let mut parts = Vec::new();
            walk::conjuncts(std::mem::replace(predicate, Scalar::truth()), &mut parts);
            let (go, stay): (Vec<_>, Vec<_>) = parts
                .into_iter()
                .partition(|p| !walk::read_by(p).is_disjoint(outer) && !walk::has_subquery(p));
            on.extend(go);
            pull(input, outer, on);
            match Scalar::conjunction(stay) {
                Some(rest) => *predicate = rest,
                None => {
                    let inner = std::mem::replace(&mut **input, empty());
                    *relation = inner;
                }
            }
        }
        Relation::Project { input, columns } => {
            let before = on.len();
            pull(input, outer, on);
            let made = walk::output(input);
            let mut needed: Vec<ColumnRef> = on[before..].iter().flat_map(walk::read_by).collect();
            needed.sort_unstable();
            needed.dedup();
            for column in needed {
                if let Some(produced) = made.iter().find(|p| p.column == column)
                    && !columns.iter().any(|(p, _)| p.column == column)
                {
                    let expr = Scalar::column(column, produced.ty.clone());
                    columns.push((produced.clone(), expr));
                }
            }
        }
        Relation::Join { kind: JoinKind::Inner, left, right, on: joining, lateral: false } => {
            let mut parts = Vec::new();
            walk::conjuncts(std::mem::replace(joining, Scalar::truth()), &mut parts);
            let (go, stay): (Vec<_>, Vec<_>) = parts
                .into_iter()
                .partition(|p| !walk::read_by(p).is_disjoint(outer) && !walk::has_subquery(p));
            on.extend(go);
            *joining = Scalar::conjunction(stay).unwrap_or_else(Scalar::truth);
            pull(left, outer, on);
            pull(right, outer, on);
        }
        Relation::Join {
            kind: JoinKind::Left | JoinKind::Semi | JoinKind::Anti,
            left,
            lateral: false,
            ..
        } => pull(left, outer, on),
        Relation::Sort { input, .. } => pull(input, outer, on),
        _ => {}
    }
}
