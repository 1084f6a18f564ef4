//! Going through expressions and relations.

use crate::error::Result;
use crate::sql::relation::{Produced, Relation};
use crate::sql::scalar::{ColumnRef, FrameBound, Scalar, ScalarKind, WindowCall};
use crate::sql::walk::children;
pub(super) use crate::sql::walk::{call_scalars, operands, operands_mut, output, scalars};

/// Calls `f` with every direct operand of an expression, until it fails.
pub(super) fn try_operands_mut<'s>(
    scalar: &'s mut Scalar,
    f: &mut dyn FnMut(&'s mut Scalar) -> Result<()>,
) -> Result<()> {
    let mut result = Ok(());
    operands_mut(scalar, &mut |operand| {
        if result.is_ok() {
            result = f(operand);
        }
    });
    result
}

/// Calls `f` with an expression and everything in it, subqueries included. The flag says whether
/// it is inside a subquery.
pub(super) fn every(scalar: &Scalar, inside: bool, f: &mut dyn FnMut(&Scalar, bool)) {
    f(scalar, inside);
    operands(scalar, &mut |part| every(part, inside, f));
    if let ScalarKind::Subquery(subquery) = &scalar.kind {
        every_in(&subquery.relation, true, f);
    }
}

/// Calls `f` with every expression in a relation.
pub(super) fn every_in(relation: &Relation, inside: bool, f: &mut dyn FnMut(&Scalar, bool)) {
    scalars(relation, &mut |scalar| every(scalar, inside, f));
    children(relation, &mut |input| every_in(input, inside, f));
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

/// Calls `f` with every expression of a window call, until it fails.
pub(super) fn try_window_mut<'r>(
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

/// Columns passed through a projection as they are.
pub(super) fn pass(columns: &[Produced]) -> Vec<(Produced, Scalar)> {
    columns.iter().map(|p| (p.clone(), Scalar::column(p.column, p.ty.clone()))).collect()
}
