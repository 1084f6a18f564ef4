//! Going through expressions and relations.

use crate::error::Result;
use crate::sql::relation::{Insert, JoinKind, OnConflict, Produced, Relation};
use crate::sql::scalar::{
    AggregateCall, ColumnRef, FrameBound, Scalar, ScalarKind, SortKey, SubqueryKind, WindowCall,
};

/// Calls `f` with every direct part of an expression. Of a subquery only the operands outside it
/// are parts.
pub(super) fn parts_mut<'s>(
    scalar: &'s mut Scalar,
    f: &mut dyn FnMut(&'s mut Scalar) -> Result<()>,
) -> Result<()> {
    match &mut scalar.kind {
        ScalarKind::Literal(_) | ScalarKind::Column(_) | ScalarKind::Parameter(_) => {}
        ScalarKind::Call { args: list, .. }
        | ScalarKind::And(list)
        | ScalarKind::Or(list)
        | ScalarKind::Coalesce(list)
        | ScalarKind::Extreme(list, _)
        | ScalarKind::Array(list)
        | ScalarKind::Row(list) => {
            for part in list {
                f(part)?;
            }
        }
        ScalarKind::Cast { input, .. }
        | ScalarKind::Not(input)
        | ScalarKind::IsNull(input)
        | ScalarKind::IsBool(input, _)
        | ScalarKind::Field(input, _) => f(input)?,
        ScalarKind::NotDistinct(a, b) => {
            f(a)?;
            f(b)?;
        }
        ScalarKind::Case { whens, otherwise } => {
            for (when, then) in whens {
                f(when)?;
                f(then)?;
            }
            if let Some(otherwise) = otherwise {
                f(otherwise)?;
            }
        }
        ScalarKind::AnyOf { left, list, .. } => {
            f(left)?;
            for part in list {
                f(part)?;
            }
        }
        ScalarKind::AnyOfArray { left, array, .. } => {
            f(left)?;
            f(array)?;
        }
        ScalarKind::Subquery(subquery) => {
            if let SubqueryKind::Quantified { left, .. } = &mut subquery.kind {
                for part in left {
                    f(part)?;
                }
            }
        }
        ScalarKind::Subscript { array, indexes } => {
            f(array)?;
            for part in indexes {
                f(part)?;
            }
        }
        ScalarKind::Slice { array, bounds } => {
            f(array)?;
            for part in bounds.iter_mut().flat_map(|(low, high)| [low, high]).flatten() {
                f(part)?;
            }
        }
    }
    Ok(())
}

/// Calls `f` with every direct part of an expression.
pub(super) fn parts<'s>(scalar: &'s Scalar, f: &mut dyn FnMut(&'s Scalar)) {
    match &scalar.kind {
        ScalarKind::Literal(_) | ScalarKind::Column(_) | ScalarKind::Parameter(_) => {}
        ScalarKind::Call { args: list, .. }
        | ScalarKind::And(list)
        | ScalarKind::Or(list)
        | ScalarKind::Coalesce(list)
        | ScalarKind::Extreme(list, _)
        | ScalarKind::Array(list)
        | ScalarKind::Row(list) => list.iter().for_each(f),
        ScalarKind::Cast { input, .. }
        | ScalarKind::Not(input)
        | ScalarKind::IsNull(input)
        | ScalarKind::IsBool(input, _)
        | ScalarKind::Field(input, _) => f(input),
        ScalarKind::NotDistinct(a, b) => {
            f(a);
            f(b);
        }
        ScalarKind::Case { whens, otherwise } => {
            for (when, then) in whens {
                f(when);
                f(then);
            }
            otherwise.iter().for_each(|o| f(o));
        }
        ScalarKind::AnyOf { left, list, .. } => {
            f(left);
            list.iter().for_each(f);
        }
        ScalarKind::AnyOfArray { left, array, .. } => {
            f(left);
            f(array);
        }
        ScalarKind::Subquery(subquery) => {
            if let SubqueryKind::Quantified { left, .. } = &subquery.kind {
                left.iter().for_each(f);
            }
        }
        ScalarKind::Subscript { array, indexes } => {
            f(array);
            indexes.iter().for_each(f);
        }
        ScalarKind::Slice { array, bounds } => {
            f(array);
            bounds.iter().flat_map(|(low, high)| [low, high]).flatten().for_each(f);
        }
    }
}

/// Calls `f` with an expression and everything in it, subqueries included. The flag says whether
/// it is inside a subquery.
pub(super) fn every(scalar: &Scalar, inside: bool, f: &mut dyn FnMut(&Scalar, bool)) {
    f(scalar, inside);
    parts(scalar, &mut |part| every(part, inside, f));
    if let ScalarKind::Subquery(subquery) = &scalar.kind {
        every_in(&subquery.relation, true, f);
    }
}

/// Calls `f` with every expression in a relation.
pub(super) fn every_in(relation: &Relation, inside: bool, f: &mut dyn FnMut(&Scalar, bool)) {
    own_scalars(relation, &mut |scalar| every(scalar, inside, f));
    inputs(relation, &mut |input| every_in(input, inside, f));
}

/// Calls `f` with every column that an expression reads, subqueries included.
pub(super) fn columns(scalar: &Scalar, f: &mut dyn FnMut(ColumnRef)) {
    every(scalar, false, &mut |part, _| {
        if let ScalarKind::Column(column) = part.kind {
            f(column);
        }
    });
}

/// Whether an expression reads a column, its own or an outer one.
pub(super) fn has_columns(scalar: &Scalar) -> bool {
    let mut found = false;
    columns(scalar, &mut |_| found = true);
    found
}

/// Whether an expression has a subquery in it.
pub(super) fn has_subquery(scalar: &Scalar) -> bool {
    let mut found = false;
    every(scalar, false, &mut |part, _| {
        found |= matches!(part.kind, ScalarKind::Subquery(_));
    });
    found
}

/// Calls `f` with the relations that a relation reads.
pub(super) fn inputs<'r>(relation: &'r Relation, f: &mut dyn FnMut(&'r Relation)) {
    match relation {
        Relation::Scan(_)
        | Relation::Virtual { .. }
        | Relation::Feed { .. }
        | Relation::Values { .. }
        | Relation::Function { .. }
        | Relation::CteScan { .. } => {}
        Relation::Filter { input, .. }
        | Relation::Project { input, .. }
        | Relation::Aggregate { input, .. }
        | Relation::Window { input, .. }
        | Relation::Sort { input, .. }
        | Relation::Limit { input, .. }
        | Relation::Distinct { input, .. }
        | Relation::Lock { input, .. } => f(input),
        Relation::Join { left, right, .. } | Relation::SetOperation { left, right, .. } => {
            f(left);
            f(right);
        }
        Relation::With { definition, body, .. } => {
            f(definition);
            f(body);
        }
        Relation::Recursive { base, step, .. } => {
            f(base);
            f(step);
        }
        Relation::Insert(insert) => f(&insert.source),
        Relation::Update(update) => f(&update.source),
        Relation::Delete(delete) => f(&delete.source),
    }
}

/// Calls `f` with the expressions that stand in a relation itself, not in its inputs.
pub(super) fn own_scalars<'r>(relation: &'r Relation, f: &mut dyn FnMut(&'r Scalar)) {
    match relation {
        Relation::Scan(_)
        | Relation::Virtual { .. }
        | Relation::Feed { .. }
        | Relation::SetOperation { .. }
        | Relation::With { .. }
        | Relation::Recursive { .. }
        | Relation::CteScan { .. }
        | Relation::Lock { .. } => {}
        Relation::Values { rows, .. } => rows.iter().flatten().for_each(f),
        Relation::Function { args, .. } => args.iter().for_each(f),
        Relation::Filter { predicate, .. } => f(predicate),
        Relation::Project { columns, .. } => columns.iter().for_each(|(_, s)| f(s)),
        Relation::Join { on, .. } => f(on),
        Relation::Aggregate { aggregates, .. } => {
            aggregates.iter().for_each(|(_, call)| aggregate_parts(call, f));
        }
        Relation::Window { partition_by, order_by, calls, .. } => {
            partition_by.iter().for_each(&mut *f);
            sort_parts(order_by, f);
            calls.iter().for_each(|(_, call)| window_parts(call, f));
        }
        Relation::Sort { keys, .. } => sort_parts(keys, f),
        Relation::Limit { limit, offset, .. } => limit.iter().chain(offset).for_each(f),
        Relation::Distinct { on, .. } => on.iter().flatten().for_each(f),
        Relation::Insert(insert) => insert_parts(insert, f),
        Relation::Update(update) => {
            update.assignments.iter().for_each(|(_, s)| f(s));
            update.checks.iter().for_each(|c| f(&c.predicate));
            update.predicates.iter().for_each(|(_, s)| f(s));
            update.computed.iter().for_each(|(_, s)| f(s));
            update.returning.iter().flatten().for_each(|(_, s)| f(s));
        }
        Relation::Delete(delete) => {
            delete.predicates.iter().for_each(|(_, s)| f(s));
            delete.returning.iter().flatten().for_each(|(_, s)| f(s));
        }
    }
}

fn insert_parts<'r>(insert: &'r Insert, f: &mut dyn FnMut(&'r Scalar)) {
    insert.checks.iter().for_each(|c| f(&c.predicate));
    insert.predicates.iter().for_each(|(_, s)| f(s));
    insert.returning.iter().flatten().for_each(|(_, s)| f(s));
    if let Some(OnConflict { update: Some(update), .. }) = &insert.on_conflict {
        update.assignments.iter().for_each(|(_, s)| f(s));
        update.condition.iter().for_each(f);
    }
}

/// Calls `f` with the expressions of an aggregate call.
pub(super) fn aggregate_parts<'r>(call: &'r AggregateCall, f: &mut dyn FnMut(&'r Scalar)) {
    call.args.iter().for_each(&mut *f);
    call.filter.iter().for_each(&mut *f);
    sort_parts(&call.order_by, f);
}

fn sort_parts<'r>(keys: &'r [SortKey], f: &mut dyn FnMut(&'r Scalar)) {
    keys.iter().for_each(|k| f(&k.expr));
}

fn window_parts<'r>(call: &'r WindowCall, f: &mut dyn FnMut(&'r Scalar)) {
    call.args.iter().for_each(&mut *f);
    call.filter.iter().for_each(&mut *f);
    for bound in [&call.frame.start, &call.frame.end] {
        if let FrameBound::Preceding(offset) | FrameBound::Following(offset) = bound {
            f(offset);
        }
    }
}

/// The same, to be changed.
pub(super) fn window_parts_mut<'r>(
    call: &'r mut WindowCall,
    f: &mut dyn FnMut(&'r mut Scalar) -> Result<()>,
) -> Result<()> {
    for part in call.args.iter_mut().chain(call.filter.iter_mut()) {
        f(part)?;
    }
    for bound in [&mut call.frame.start, &mut call.frame.end] {
        if let FrameBound::Preceding(offset) | FrameBound::Following(offset) = bound {
            f(offset)?;
        }
    }
    Ok(())
}

/// The columns that a relation produces, in order.
pub(super) fn produced(relation: &Relation) -> Vec<Produced> {
    match relation {
        Relation::Scan(scan) => scan.columns.iter().map(|(p, _)| p.clone()).collect(),
        Relation::Virtual { columns, .. } => columns.iter().map(|(p, _)| p.clone()).collect(),
        Relation::Feed { columns } => columns.clone(),
        Relation::Values { columns, .. } => columns.clone(),
        Relation::Function { columns, ordinality, .. } => {
            columns.iter().chain(ordinality).cloned().collect()
        }
        Relation::Filter { input, .. }
        | Relation::Sort { input, .. }
        | Relation::Limit { input, .. }
        | Relation::Distinct { input, .. }
        | Relation::Lock { input, .. } => produced(input),
        Relation::Project { columns, .. } => columns.iter().map(|(p, _)| p.clone()).collect(),
        Relation::Join { kind: JoinKind::Semi | JoinKind::Anti, left, .. } => produced(left),
        Relation::Join { left, right, .. } => {
            let mut all = produced(left);
            all.extend(produced(right));
            all
        }
        Relation::Aggregate { groups, set_number, aggregates, .. } => groups
            .iter()
            .chain(set_number)
            .chain(aggregates.iter().map(|(p, _)| p))
            .cloned()
            .collect(),
        Relation::Window { input, calls, .. } => {
            let mut all = produced(input);
            all.extend(calls.iter().map(|(p, _)| p.clone()));
            all
        }
        Relation::SetOperation { columns, .. } | Relation::Recursive { columns, .. } => {
            columns.iter().map(|(p, _, _)| p.clone()).collect()
        }
        Relation::With { body, .. } => produced(body),
        Relation::CteScan { columns, .. } => columns.iter().map(|(p, _)| p.clone()).collect(),
        Relation::Insert(insert) => returned(&insert.returning),
        Relation::Update(update) => returned(&update.returning),
        Relation::Delete(delete) => returned(&delete.returning),
    }
}

fn returned(returning: &Option<Vec<(Produced, Scalar)>>) -> Vec<Produced> {
    returning.iter().flatten().map(|(p, _)| p.clone()).collect()
}

/// Columns passed through a projection as they are.
pub(super) fn pass(columns: &[Produced]) -> Vec<(Produced, Scalar)> {
    columns.iter().map(|p| (p.clone(), Scalar::column(p.column, p.ty.clone()))).collect()
}
