//! Walking through expressions and relations, for the binder and the planner alike: one place knows
//! where the parts of each kind are.

use crate::sql::relation::{JoinKind, Produced, Relation};
use crate::sql::scalar::{AggregateCall, FrameBound, Scalar, ScalarKind, SubqueryKind, WindowCall};

/// Calls `visit` with each direct operand, the left operands of a subquery included.
pub fn operands<'s>(scalar: &'s Scalar, visit: &mut dyn FnMut(&'s Scalar)) {
    match &scalar.kind {
        ScalarKind::Literal(_) | ScalarKind::Column(_) | ScalarKind::Parameter(_) => {}
        ScalarKind::Call { args, .. }
        | ScalarKind::And(args)
        | ScalarKind::Or(args)
        | ScalarKind::Coalesce(args)
        | ScalarKind::Extreme(args, _)
        | ScalarKind::Array(args)
        | ScalarKind::Row(args) => args.iter().for_each(visit),
        ScalarKind::Cast { input, .. }
        | ScalarKind::Not(input)
        | ScalarKind::IsNull(input)
        | ScalarKind::IsBool(input, _)
        | ScalarKind::Field(input, _) => visit(input),
        ScalarKind::NotDistinct(a, b) => {
            visit(a);
            visit(b);
        }
        ScalarKind::Case { whens, otherwise } => {
            for (when, then) in whens {
                visit(when);
                visit(then);
            }
            if let Some(otherwise) = otherwise {
                visit(otherwise);
            }
        }
        ScalarKind::AnyOf { left, list, .. } => {
            visit(left);
            list.iter().for_each(visit);
        }
        ScalarKind::AnyOfArray { left, array, .. } => {
            visit(left);
            visit(array);
        }
        ScalarKind::Subquery(subquery) => {
            if let SubqueryKind::Quantified { left, .. } = &subquery.kind {
                left.iter().for_each(visit);
            }
        }
        ScalarKind::Subscript { array, indexes } => {
            visit(array);
            indexes.iter().for_each(visit);
        }
        ScalarKind::Slice { array, bounds } => {
            visit(array);
            for (lower, upper) in bounds {
                lower.iter().chain(upper).for_each(&mut *visit);
            }
        }
    }
}

/// The same, to change them.
pub fn operands_mut<'s>(scalar: &'s mut Scalar, visit: &mut dyn FnMut(&'s mut Scalar)) {
    match &mut scalar.kind {
        ScalarKind::Literal(_) | ScalarKind::Column(_) | ScalarKind::Parameter(_) => {}
        ScalarKind::Call { args, .. }
        | ScalarKind::And(args)
        | ScalarKind::Or(args)
        | ScalarKind::Coalesce(args)
        | ScalarKind::Extreme(args, _)
        | ScalarKind::Array(args)
        | ScalarKind::Row(args) => args.iter_mut().for_each(visit),
        ScalarKind::Cast { input, .. }
        | ScalarKind::Not(input)
        | ScalarKind::IsNull(input)
        | ScalarKind::IsBool(input, _)
        | ScalarKind::Field(input, _) => visit(input),
        ScalarKind::NotDistinct(a, b) => {
            visit(a);
            visit(b);
        }
        ScalarKind::Case { whens, otherwise } => {
            for (when, then) in whens {
                visit(when);
                visit(then);
            }
            if let Some(otherwise) = otherwise {
                visit(otherwise);
            }
        }
        ScalarKind::AnyOf { left, list, .. } => {
            visit(left);
            list.iter_mut().for_each(visit);
        }
        ScalarKind::AnyOfArray { left, array, .. } => {
            visit(left);
            visit(array);
        }
        ScalarKind::Subquery(subquery) => {
            if let SubqueryKind::Quantified { left, .. } = &mut subquery.kind {
                left.iter_mut().for_each(visit);
            }
        }
        ScalarKind::Subscript { array, indexes } => {
            visit(array);
            indexes.iter_mut().for_each(visit);
        }
        ScalarKind::Slice { array, bounds } => {
            visit(array);
            for (lower, upper) in bounds {
                lower.iter_mut().chain(upper).for_each(&mut *visit);
            }
        }
    }
}

/// Calls `visit` with the inputs.
pub fn children<'r>(relation: &'r Relation, visit: &mut dyn FnMut(&'r Relation)) {
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
        | Relation::Lock { input, .. } => visit(input),
        Relation::Join { left, right, .. } | Relation::SetOperation { left, right, .. } => {
            visit(left);
            visit(right);
        }
        Relation::With { definition, body, .. } => {
            visit(definition);
            visit(body);
        }
        Relation::Recursive { base, step, .. } => {
            visit(base);
            visit(step);
        }
        Relation::Insert(insert) => visit(&insert.source),
        Relation::Update(update) => visit(&update.source),
        Relation::Delete(delete) => visit(&delete.source),
    }
}

/// The same, to change them.
pub fn children_mut(relation: &mut Relation, visit: &mut dyn FnMut(&mut Relation)) {
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
        | Relation::Lock { input, .. } => visit(input),
        Relation::Join { left, right, .. } | Relation::SetOperation { left, right, .. } => {
            visit(left);
            visit(right);
        }
        Relation::With { definition, body, .. } => {
            visit(definition);
            visit(body);
        }
        Relation::Recursive { base, step, .. } => {
            visit(base);
            visit(step);
        }
        Relation::Insert(insert) => visit(&mut insert.source),
        Relation::Update(update) => visit(&mut update.source),
        Relation::Delete(delete) => visit(&mut delete.source),
    }
}

/// Calls `visit` with the expressions of an aggregate call.
pub fn call_scalars<'c>(call: &'c AggregateCall, visit: &mut dyn FnMut(&'c Scalar)) {
    call.args.iter().for_each(&mut *visit);
    call.filter.iter().for_each(&mut *visit);
    call.order_by.iter().for_each(|k| visit(&k.expr));
}

/// Calls `visit` with the expressions of a window call.
pub fn window_scalars<'c>(call: &'c WindowCall, visit: &mut dyn FnMut(&'c Scalar)) {
    call.args.iter().for_each(&mut *visit);
    call.filter.iter().for_each(&mut *visit);
    for bound in [&call.frame.start, &call.frame.end] {
        if let FrameBound::Preceding(n) | FrameBound::Following(n) = bound {
            visit(n);
        }
    }
}

/// Calls `visit` with the expressions of this relation (not those of its inputs).
pub fn scalars<'r>(relation: &'r Relation, visit: &mut dyn FnMut(&'r Scalar)) {
    match relation {
        Relation::Scan(_)
        | Relation::Virtual { .. }
        | Relation::Feed { .. }
        | Relation::CteScan { .. }
        | Relation::SetOperation { .. }
        | Relation::With { .. }
        | Relation::Recursive { .. }
        | Relation::Lock { .. } => {}
        Relation::Values { rows, .. } => rows.iter().flatten().for_each(visit),
        Relation::Function { args, .. } => args.iter().for_each(visit),
        Relation::Filter { predicate, .. } => visit(predicate),
        Relation::Project { columns, .. } => columns.iter().for_each(|(_, e)| visit(e)),
        Relation::Join { on, .. } => visit(on),
        Relation::Aggregate { aggregates, .. } => {
            aggregates.iter().for_each(|(_, call)| call_scalars(call, visit));
        }
        Relation::Window { partition_by, order_by, calls, .. } => {
            partition_by.iter().for_each(&mut *visit);
            order_by.iter().for_each(|k| visit(&k.expr));
            calls.iter().for_each(|(_, call)| window_scalars(call, visit));
        }
        Relation::Sort { keys, .. } => keys.iter().for_each(|k| visit(&k.expr)),
        Relation::Limit { limit, offset, .. } => limit.iter().chain(offset).for_each(visit),
        Relation::Distinct { on, .. } => on.iter().flatten().for_each(visit),
        Relation::Insert(insert) => {
            insert.checks.iter().for_each(|c| visit(&c.predicate));
            insert.predicates.iter().for_each(|(_, p)| visit(p));
            insert.returning.iter().flatten().for_each(|(_, e)| visit(e));
            if let Some(update) = insert.on_conflict.as_ref().and_then(|c| c.update.as_ref()) {
                update.assignments.iter().for_each(|(_, e)| visit(e));
                update.condition.iter().for_each(visit);
            }
        }
        Relation::Update(update) => {
            update.assignments.iter().for_each(|(_, e)| visit(e));
            update.checks.iter().for_each(|c| visit(&c.predicate));
            update.predicates.iter().for_each(|(_, p)| visit(p));
            update.computed.iter().for_each(|(_, e)| visit(e));
            update.returning.iter().flatten().for_each(|(_, e)| visit(e));
        }
        Relation::Delete(delete) => {
            delete.predicates.iter().for_each(|(_, p)| visit(p));
            delete.returning.iter().flatten().for_each(|(_, e)| visit(e));
        }
    }
}

/// The same, to change them.
pub fn scalars_mut(relation: &mut Relation, visit: &mut dyn FnMut(&mut Scalar)) {
    match relation {
        Relation::Scan(_)
        | Relation::Virtual { .. }
        | Relation::Feed { .. }
        | Relation::CteScan { .. }
        | Relation::SetOperation { .. }
        | Relation::With { .. }
        | Relation::Recursive { .. }
        | Relation::Lock { .. } => {}
        Relation::Values { rows, .. } => rows.iter_mut().flatten().for_each(visit),
        Relation::Function { args, .. } => args.iter_mut().for_each(visit),
        Relation::Filter { predicate, .. } => visit(predicate),
        Relation::Project { columns, .. } => columns.iter_mut().for_each(|(_, e)| visit(e)),
        Relation::Join { on, .. } => visit(on),
        Relation::Aggregate { aggregates, .. } => {
            for (_, call) in aggregates {
                call.args.iter_mut().for_each(&mut *visit);
                call.filter.iter_mut().for_each(&mut *visit);
                call.order_by.iter_mut().for_each(|k| visit(&mut k.expr));
            }
        }
        Relation::Window { partition_by, order_by, calls, .. } => {
            partition_by.iter_mut().for_each(&mut *visit);
            order_by.iter_mut().for_each(|k| visit(&mut k.expr));
            for (_, call) in calls {
                call.args.iter_mut().for_each(&mut *visit);
                call.filter.iter_mut().for_each(&mut *visit);
                for bound in [&mut call.frame.start, &mut call.frame.end] {
                    if let FrameBound::Preceding(n) | FrameBound::Following(n) = bound {
                        visit(n);
                    }
                }
            }
        }
        Relation::Sort { keys, .. } => keys.iter_mut().for_each(|k| visit(&mut k.expr)),
        Relation::Limit { limit, offset, .. } => limit.iter_mut().chain(offset).for_each(visit),
        Relation::Distinct { on, .. } => on.iter_mut().flatten().for_each(visit),
        Relation::Insert(insert) => {
            insert.checks.iter_mut().for_each(|c| visit(&mut c.predicate));
            insert.predicates.iter_mut().for_each(|(_, p)| visit(p));
            insert.returning.iter_mut().flatten().for_each(|(_, e)| visit(e));
            if let Some(update) = insert.on_conflict.as_mut().and_then(|c| c.update.as_mut()) {
                update.assignments.iter_mut().for_each(|(_, e)| visit(e));
                update.condition.iter_mut().for_each(visit);
            }
        }
        Relation::Update(update) => {
            update.assignments.iter_mut().for_each(|(_, e)| visit(e));
            update.checks.iter_mut().for_each(|c| visit(&mut c.predicate));
            update.predicates.iter_mut().for_each(|(_, p)| visit(p));
            update.computed.iter_mut().for_each(|(_, e)| visit(e));
            update.returning.iter_mut().flatten().for_each(|(_, e)| visit(e));
        }
        Relation::Delete(delete) => {
            delete.predicates.iter_mut().for_each(|(_, p)| visit(p));
            delete.returning.iter_mut().flatten().for_each(|(_, e)| visit(e));
        }
    }
}

/// The columns that a relation hands out, in order.
pub fn output(relation: &Relation) -> Vec<Produced> {
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
        | Relation::Lock { input, .. } => output(input),
        Relation::Project { columns, .. } => columns.iter().map(|(p, _)| p.clone()).collect(),
        Relation::Join { kind, left, right, .. } => {
            let mut columns = output(left);
            if !matches!(kind, JoinKind::Semi | JoinKind::Anti) {
                columns.extend(output(right));
            }
            columns
        }
        Relation::Aggregate { groups, set_number, aggregates, .. } => groups
            .iter()
            .chain(set_number)
            .chain(aggregates.iter().map(|(p, _)| p))
            .cloned()
            .collect(),
        Relation::Window { input, calls, .. } => {
            let mut columns = output(input);
            columns.extend(calls.iter().map(|(p, _)| p.clone()));
            columns
        }
        Relation::SetOperation { columns, .. } | Relation::Recursive { columns, .. } => {
            columns.iter().map(|(p, _, _)| p.clone()).collect()
        }
        Relation::With { body, .. } => output(body),
        Relation::CteScan { columns, .. } => columns.iter().map(|(p, _)| p.clone()).collect(),
        Relation::Insert(insert) => returning_columns(insert.returning.as_deref()),
        Relation::Update(update) => returning_columns(update.returning.as_deref()),
        Relation::Delete(delete) => returning_columns(delete.returning.as_deref()),
    }
}

fn returning_columns(returning: Option<&[(Produced, Scalar)]>) -> Vec<Produced> {
    returning.into_iter().flatten().map(|(p, _)| p.clone()).collect()
}
