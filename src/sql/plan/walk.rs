//! Walking through expressions and relations: what they read, what they produce.

use std::collections::HashSet;

use crate::sql::function::Volatility;
use crate::sql::relation::{Produced, Relation};
use crate::sql::scalar::{
    AggregateCall, ColumnRef, FrameBound, Scalar, ScalarKind, Subquery, SubqueryKind, WindowCall,
};

/// A set of columns.
pub type Columns = HashSet<ColumnRef>;

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
pub fn operands_mut(scalar: &mut Scalar, visit: &mut dyn FnMut(&mut Scalar)) {
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

/// Calls `visit` with the subqueries directly within an expression (not those within them).
pub fn subqueries<'s>(scalar: &'s Scalar, visit: &mut dyn FnMut(&'s Subquery)) {
    if let ScalarKind::Subquery(subquery) = &scalar.kind {
        visit(subquery);
    }
    operands(scalar, &mut |s| subqueries(s, visit));
}

/// Calls `visit` with each relation within an expression, to change it.
pub fn subqueries_mut(scalar: &mut Scalar, visit: &mut dyn FnMut(&mut Subquery)) {
    if let ScalarKind::Subquery(subquery) = &mut scalar.kind {
        visit(subquery);
    }
    operands_mut(scalar, &mut |s| subqueries_mut(s, visit));
}

/// Whether the expression contains a subquery.
pub fn has_subquery(scalar: &Scalar) -> bool {
    let mut found = false;
    subqueries(scalar, &mut |_| found = true);
    found
}

/// Whether two evaluations may differ, or have effects.
pub fn is_volatile(scalar: &Scalar) -> bool {
    let mut volatile = match &scalar.kind {
        ScalarKind::Call { function, .. } => function.volatility == Volatility::Volatile,
        ScalarKind::AnyOf { operator, .. } | ScalarKind::AnyOfArray { operator, .. } => {
            operator.volatility == Volatility::Volatile
        }
        ScalarKind::Subquery(subquery) => is_volatile_relation(&subquery.relation),
        _ => false,
    };
    operands(scalar, &mut |s| volatile = volatile || is_volatile(s));
    volatile
}

/// Whether running the relation twice may differ, or has effects.
pub fn is_volatile_relation(relation: &Relation) -> bool {
    let mut volatile = modifies(relation);
    scalars(relation, &mut |s| volatile = volatile || is_volatile(s));
    children(relation, &mut |r| volatile = volatile || is_volatile_relation(r));
    volatile
}

/// Whether this very relation changes or locks rows.
fn modifies(relation: &Relation) -> bool {
    matches!(
        relation,
        Relation::Insert(_) | Relation::Update(_) | Relation::Delete(_) | Relation::Lock { .. }
    )
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

fn call_scalars<'c>(call: &'c AggregateCall, visit: &mut dyn FnMut(&'c Scalar)) {
    call.args.iter().for_each(&mut *visit);
    call.filter.iter().for_each(&mut *visit);
    call.order_by.iter().for_each(|k| visit(&k.expr));
}

fn window_scalars<'c>(call: &'c WindowCall, visit: &mut dyn FnMut(&'c Scalar)) {
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

/// The columns that an expression reads from its surroundings, those that its subqueries read from
/// outside of themselves included.
pub fn reads(scalar: &Scalar, out: &mut Columns) {
    match &scalar.kind {
        ScalarKind::Column(column) => {
            out.insert(*column);
        }
        ScalarKind::Subquery(subquery) => out.extend(free(&subquery.relation)),
        _ => {}
    }
    operands(scalar, &mut |s| reads(s, out));
}

/// The columns that an expression reads.
pub fn read_by(scalar: &Scalar) -> Columns {
    let mut out = Columns::new();
    reads(scalar, &mut out);
    out
}

/// The columns that a relation reads but nothing in it produces: its correlation.
pub fn free(relation: &Relation) -> Columns {
    let (mut read, mut made) = (Columns::new(), Columns::new());
    collect(relation, &mut read, &mut made);
    read.retain(|c| !made.contains(c));
    read
}

fn collect(relation: &Relation, read: &mut Columns, made: &mut Columns) {
    scalars(relation, &mut |s| reads(s, read));
    match relation {
        Relation::Aggregate { groups, .. } => read.extend(groups.iter().map(|g| g.column)),
        Relation::SetOperation { columns, .. } | Relation::Recursive { columns, .. } => {
            read.extend(columns.iter().flat_map(|(_, l, r)| [*l, *r]));
        }
        Relation::Lock { tables, .. } => read.extend(tables.iter().flat_map(|t| t.key.clone())),
        Relation::Insert(insert) => read.extend(&insert.values),
        Relation::Update(update) => read.extend(&update.old),
        Relation::Delete(delete) => read.extend(&delete.old),
        _ => {}
    }
    makes(relation, &mut |p| {
        made.insert(p.column);
    });
    children(relation, &mut |r| collect(r, read, made));
}

/// Calls `visit` with every column that this very relation brings into being.
pub fn makes<'r>(relation: &'r Relation, visit: &mut dyn FnMut(&'r Produced)) {
    match relation {
        Relation::Scan(scan) => scan.columns.iter().for_each(|(p, _)| visit(p)),
        Relation::Virtual { columns, .. } => columns.iter().for_each(|(p, _)| visit(p)),
        Relation::Feed { columns } => columns.iter().for_each(visit),
        Relation::Values { columns, .. } => columns.iter().for_each(visit),
        Relation::Function { columns, ordinality, .. } => {
            columns.iter().chain(ordinality).for_each(visit);
        }
        Relation::Project { columns, .. } => {
            for (produced, expr) in columns {
                // A column that passes through is made further down.
                if expr.as_column() != Some(produced.column) {
                    visit(produced);
                }
            }
        }
        Relation::Aggregate { set_number, aggregates, .. } => {
            set_number.iter().for_each(&mut *visit);
            aggregates.iter().for_each(|(p, _)| visit(p));
        }
        Relation::Window { calls, .. } => calls.iter().for_each(|(p, _)| visit(p)),
        Relation::SetOperation { columns, .. } | Relation::Recursive { columns, .. } => {
            columns.iter().for_each(|(p, _, _)| visit(p));
        }
        Relation::CteScan { columns, .. } => columns.iter().for_each(|(p, _)| visit(p)),
        Relation::Insert(insert) => {
            insert.new.iter().for_each(&mut *visit);
            if let Some(update) = insert.on_conflict.as_ref().and_then(|c| c.update.as_ref()) {
                update.existing.iter().chain(&update.excluded).for_each(&mut *visit);
            }
            returned(insert.returning.as_deref(), visit);
        }
        Relation::Update(update) => {
            update.new.iter().for_each(&mut *visit);
            returned(update.returning.as_deref(), visit);
        }
        Relation::Delete(delete) => {
            delete.new.iter().for_each(&mut *visit);
            returned(delete.returning.as_deref(), visit);
        }
        Relation::Filter { .. }
        | Relation::Join { .. }
        | Relation::Sort { .. }
        | Relation::Limit { .. }
        | Relation::Distinct { .. }
        | Relation::With { .. }
        | Relation::Lock { .. } => {}
    }
}

fn returned<'r>(returning: Option<&'r [(Produced, Scalar)]>, visit: &mut dyn FnMut(&'r Produced)) {
    for (produced, expr) in returning.into_iter().flatten() {
        if expr.as_column() != Some(produced.column) {
            visit(produced);
        }
    }
}

/// The highest column number within a relation, so that new ones can follow.
pub fn highest(relation: &Relation) -> u32 {
    let mut high = 0;
    makes(relation, &mut |p| high = high.max(p.column.0));
    scalars(relation, &mut |s| high = high.max(highest_in(s)));
    children(relation, &mut |r| high = high.max(highest(r)));
    high
}

fn highest_in(scalar: &Scalar) -> u32 {
    let mut high = match &scalar.kind {
        ScalarKind::Column(c) => c.0,
        ScalarKind::Subquery(subquery) => highest(&subquery.relation),
        _ => 0,
    };
    operands(scalar, &mut |s| high = high.max(highest_in(s)));
    high
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
            if !matches!(
                kind,
                crate::sql::relation::JoinKind::Semi | crate::sql::relation::JoinKind::Anti
            ) {
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

/// Replaces columns by expressions, within subqueries too.
pub fn substitute(scalar: &mut Scalar, with: &dyn Fn(ColumnRef) -> Option<Scalar>) {
    match &mut scalar.kind {
        ScalarKind::Column(column) => {
            if let Some(replacement) = with(*column) {
                *scalar = replacement;
            }
            return;
        }
        ScalarKind::Subquery(subquery) => substitute_in(&mut subquery.relation, with),
        _ => {}
    }
    operands_mut(scalar, &mut |s| substitute(s, with));
}

/// Replaces the columns that a relation reads by expressions. Only for columns that it reads from
/// outside of itself: a reference by number (a group, a lock's key) cannot become an expression.
pub fn substitute_in(relation: &mut Relation, with: &dyn Fn(ColumnRef) -> Option<Scalar>) {
    scalars_mut(relation, &mut |s| substitute(s, with));
    children_mut(relation, &mut |r| substitute_in(r, with));
}

/// The conjuncts of a predicate; the constant true has none.
pub fn conjuncts(predicate: Scalar, out: &mut Vec<Scalar>) {
    match predicate.kind {
        ScalarKind::And(parts) => parts.into_iter().for_each(|p| conjuncts(p, out)),
        ScalarKind::Literal(crate::types::Datum::Bool(true)) => {}
        _ => out.push(predicate),
    }
}
