//! GROUP BY: the expressions, and the grouping sets over them.

use sqlparser::ast::{Expr, Function, GroupByExpr};

use super::binder::{Binder, ColumnKind};
use super::clause::Clause;
use super::order::equal_type;
use super::same::same;
use super::target::Target;
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::Scalar;
use crate::types::Type;

/// The most grouping sets of one query.
const SETS_MAX: usize = 4096;

/// GROUP BY, bound.
#[derive(Default)]
pub(super) struct Grouping {
    /// The expressions, each once.
    pub exprs: Vec<Scalar>,
    /// The sets, as positions in `exprs`.
    pub sets: Vec<Vec<usize>>,
}

/// One comma-separated element: the sets that it stands for.
type Sets = Vec<Vec<usize>>;

impl Binder<'_> {
    /// Binds GROUP BY; `None` if there is none.
    pub fn group_by<'q>(
        &mut self,
        tree: &'q GroupByExpr,
        targets: &mut Vec<Target<'q>>,
    ) -> Result<Option<Grouping>> {
        let elements = match tree {
            GroupByExpr::Expressions(elements, modifiers) if modifiers.is_empty() => elements,
            _ => return Err(Error::unsupported("this form of GROUP BY")),
        };
        if elements.is_empty() {
            return Ok(None);
        }
        let mut grouping = Grouping { exprs: Vec::new(), sets: vec![Vec::new()] };
        for element in elements {
            let sets = self.element(element, targets, &mut grouping.exprs)?;
            grouping.sets = product(&grouping.sets, &sets)?;
        }
        Ok(Some(grouping))
    }

    fn element<'q>(
        &mut self,
        element: &'q Expr,
        targets: &mut Vec<Target<'q>>,
        exprs: &mut Vec<Scalar>,
    ) -> Result<Sets> {
        match element {
            Expr::Tuple(list) => {
                let list: Vec<&Expr> = list.iter().collect();
                Ok(vec![self.columns_of_set(&list, targets, exprs)?])
            }
            Expr::GroupingSets(sets) => {
                let mut all = Vec::new();
                for set in sets {
                    match set.as_slice() {
                        // ROLLUP and CUBE nest in GROUPING SETS.
                        [Expr::Function(call)] if nested_kind(call).is_some() => {
                            let lists = nested_lists(call)?;
                            let parts = self.parts(&lists, targets, exprs)?;
                            all.extend(match nested_kind(call) {
                                Some("cube") => cube(&parts)?,
                                _ => rollup(&parts),
                            });
                        }
                        [inner @ (Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_))] => {
                            all.extend(self.element(inner, targets, exprs)?);
                        }
                        list => {
                            let list: Vec<&Expr> = list.iter().collect();
                            all.push(self.columns_of_set(&list, targets, exprs)?);
                        }
                    }
                }
                Ok(all)
            }
            Expr::Rollup(lists) => {
                let lists: Vec<Vec<&Expr>> = lists.iter().map(|l| l.iter().collect()).collect();
                Ok(rollup(&self.parts(&lists, targets, exprs)?))
            }
            Expr::Cube(lists) => {
                let lists: Vec<Vec<&Expr>> = lists.iter().map(|l| l.iter().collect()).collect();
                cube(&self.parts(&lists, targets, exprs)?)
            }
            expr => Ok(vec![self.columns_of_set(&[expr], targets, exprs)?]),
        }
    }

    fn parts<'q>(
        &mut self,
        lists: &[Vec<&'q Expr>],
        targets: &mut Vec<Target<'q>>,
        exprs: &mut Vec<Scalar>,
    ) -> Result<Sets> {
        lists.iter().map(|list| self.columns_of_set(list, targets, exprs)).collect()
    }

    fn columns_of_set<'q>(
        &mut self,
        list: &[&'q Expr],
        targets: &mut Vec<Target<'q>>,
        exprs: &mut Vec<Scalar>,
    ) -> Result<Vec<usize>> {
        let mut set = Vec::with_capacity(list.len());
        for expr in list {
            if let Expr::Tuple(inner) = expr {
                let inner: Vec<&Expr> = inner.iter().collect();
                set.extend(self.nested(|b| b.columns_of_set(&inner, targets, exprs))?);
                continue;
            }
            let count = targets.len();
            let target = self.find_target(expr, targets, Clause::GroupBy)?;
            let Some(found) = targets.get_mut(target) else {
                return Err(Error::internal("a target went missing"));
            };
            let scalar = std::mem::replace(&mut found.scalar, Scalar::truth());
            let scalar = self.settle(scalar)?;
            equal_type(&scalar.ty.ty)?;
            if let Some(found) = targets.get_mut(target) {
                found.scalar = scalar.clone();
            }
            // What only GROUP BY mentions is no target.
            targets.truncate(count);
            let place = match exprs.iter().position(|e| same(e, &scalar)) {
                Some(place) => place,
                None => {
                    exprs.push(scalar);
                    exprs.len() - 1
                }
            };
            if !set.contains(&place) {
                set.push(place);
            }
        }
        Ok(set)
    }

    /// `GROUPING(a, b)`: a column that is replaced once the grouping is known.
    pub fn grouping_call(&mut self, args: &[&Expr]) -> Result<Scalar> {
        self.clause().allow_aggregate().map_err(|e| {
            Error::new(
                e.code(),
                format!("grouping operations are not allowed in {}", self.clause().name()),
            )
        })?;
        if args.len() > 31 {
            return Err(Error::new(
                sqlstate::TOO_MANY_ARGUMENTS,
                "GROUPING must have fewer than 32 arguments",
            ));
        }
        let args = args.iter().map(|a| self.expr(a)).collect::<Result<Vec<_>>>()?;
        let result = self.column(ColumnKind::Aggregate, &Type::Int4.into(), "grouping");
        let value = Scalar::column(result.column, Type::Int4);
        self.level().groupings.push((result, args));
        Ok(value)
    }
}

fn nested_kind(call: &Function) -> Option<&'static str> {
    match super::name::words(&call.name).ok()?.as_slice() {
        ["rollup"] => Some("rollup"),
        ["cube"] => Some("cube"),
        _ => None,
    }
}

fn nested_lists(call: &Function) -> Result<Vec<Vec<&Expr>>> {
    let args = super::call::plain_arguments(call)
        .ok_or_else(|| Error::syntax("syntax error in GROUP BY"))?;
    Ok(args
        .into_iter()
        .map(|arg| match arg {
            Expr::Tuple(list) => list.iter().collect(),
            other => vec![other],
        })
        .collect())
}

/// Every combination of a set of the left with one of the right.
fn product(left: &Sets, right: &Sets) -> Result<Sets> {
    if left.len().saturating_mul(right.len()) > SETS_MAX {
        return Err(too_many());
    }
    let mut all = Vec::with_capacity(left.len() * right.len());
    for a in left {
        for b in right {
            all.push(merged(a.iter().chain(b)));
        }
    }
    Ok(all)
}

fn merged<'s>(places: impl Iterator<Item = &'s usize>) -> Vec<usize> {
    let mut set = Vec::new();
    for place in places {
        if !set.contains(place) {
            set.push(*place);
        }
    }
    set
}

fn rollup(parts: &Sets) -> Sets {
    (0..=parts.len()).rev().map(|n| merged(parts.iter().take(n).flatten())).collect()
}

fn cube(parts: &Sets) -> Result<Sets> {
    if parts.len() > 12 {
        return Err(Error::new(sqlstate::TOO_MANY_COLUMNS, "CUBE is limited to 12 elements"));
    }
    Ok((0..1usize << parts.len())
        .map(|left_out| {
            let kept = parts.iter().enumerate();
            // The first element is the last to be left out.
            let kept = kept.filter(|(i, _)| left_out >> (parts.len() - 1 - i) & 1 == 0);
            merged(kept.flat_map(|(_, part)| part))
        })
        .collect())
}

fn too_many() -> Error {
    Error::new(
        sqlstate::STATEMENT_TOO_COMPLEX,
        format!("too many grouping sets present (maximum {SETS_MAX})"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rollup_and_cube_expand() {
        let parts = vec![vec![0], vec![1, 2]];
        assert_eq!(rollup(&parts), [vec![0, 1, 2], vec![0], vec![]]);
        assert_eq!(cube(&parts).unwrap(), [vec![0, 1, 2], vec![0], vec![1, 2], vec![]]);
        assert_eq!(
            product(&vec![vec![0]], &vec![vec![1], vec![0]]).unwrap(),
            [vec![0, 1], vec![0]]
        );
    }
}
