//! What an OR says of all its branches: predicates that joins and indexes can use.
//!
//! ```text
//!   (a AND b) OR (a AND c)                     a AND (b OR c)              factored
//!   (x.k = 1 AND y.k = 2) OR x.k = 3           x.k = 1 OR x.k = 3          implied of x
//! ```

use crate::sql::plan::access::same_scalar;
use crate::sql::plan::walk::{self, Columns};
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::Type;

/// Branches of an OR that are looked at; comparing all with all is not worth more.
const BRANCHES_MAX: usize = 32;

fn any(mut branches: Vec<Scalar>) -> Option<Scalar> {
    match branches.len() {
        0 | 1 => branches.pop(),
        _ => Some(Scalar { kind: ScalarKind::Or(branches), ty: Type::Bool.into() }),
    }
}

fn conjuncts(branch: &Scalar) -> Vec<Scalar> {
    let mut out = Vec::new();
    walk::conjuncts(branch.clone(), &mut out);
    out
}

/// The predicates that every branch of an OR has, and the OR of what is left; `None` if the
/// branches have nothing in common.
pub fn factored(branches: &[Scalar]) -> Option<(Vec<Scalar>, Option<Scalar>)> {
    if !(2..=BRANCHES_MAX).contains(&branches.len()) {
        return None;
    }
    let mut parts: Vec<Vec<Scalar>> = branches.iter().map(conjuncts).collect();
    let (first, others) = parts.split_first_mut()?;
    let is_common = |p: &Scalar| {
        !walk::is_volatile(p)
            && others.iter().all(|branch| branch.iter().any(|other| same_scalar(p, other)))
    };
    let common: Vec<Scalar> = first.iter().filter(|p| is_common(p)).cloned().collect();
    if common.is_empty() {
        return None;
    }
    for branch in &mut parts {
        branch.retain(|p| !common.iter().any(|c| same_scalar(p, c)));
    }
    // A branch that says nothing else is true whenever the common predicates are.
    let rest = match parts.iter().any(Vec::is_empty) {
        true => None,
        false => any(parts.into_iter().filter_map(Scalar::conjunction).collect()),
    };
    Some((common, rest))
}

/// What an OR over several inputs says of one of them: each branch with the predicates that read
/// nothing else. `None` if a branch says nothing of it.
pub fn implied(predicate: &Scalar, of: &Columns) -> Option<Scalar> {
    let ScalarKind::Or(branches) = &predicate.kind else { return None };
    if branches.len() > BRANCHES_MAX {
        return None;
    }
    let says = |p: &Scalar| {
        let read = walk::read_by(p);
        !read.is_empty() && read.is_subset(of) && !walk::is_volatile(p) && !walk::has_subquery(p)
    };
    let restricted = branches.iter().map(|branch| {
        let mut parts = conjuncts(branch);
        parts.retain(says);
        Scalar::conjunction(parts)
    });
    any(restricted.collect::<Option<Vec<_>>>()?)
}
