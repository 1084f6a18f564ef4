//! What expressions and relations read, what they produce, and how columns are replaced.

use std::collections::HashSet;

use crate::sql::function::Volatility;
use crate::sql::relation::{Produced, Relation};
use crate::sql::scalar::{ColumnRef, Scalar, ScalarKind, Subquery};
pub use crate::sql::walk::{
    children, children_mut, operands, operands_mut, output, scalars, scalars_mut,
};

/// A set of columns.
pub type Columns = HashSet<ColumnRef>;

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
