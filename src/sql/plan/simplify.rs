//! Simpler expressions with the same meaning: constants folded, logic shortened.

use crate::clock::Timestamp;
use crate::sql::exec::context::EvalContext;
use crate::sql::exec::eval::compare::{CompareOp, comparison_of};
use crate::sql::function::Volatility;
use crate::sql::plan::PlanContext;
use crate::sql::plan::{disjunction, walk};
use crate::sql::relation::Relation;
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::task::Interrupt;
use crate::types::{Datum, Type};

/// Simplifies every expression of a relation, subqueries included.
pub fn simplify(relation: &mut Relation, ctx: &PlanContext<'_>) {
    walk::scalars_mut(relation, &mut |s| simplify_scalar(s, ctx));
    walk::children_mut(relation, &mut |r| simplify(r, ctx));
}

/// Simplifies an expression, from the inside out.
pub fn simplify_scalar(scalar: &mut Scalar, ctx: &PlanContext<'_>) {
    walk::operands_mut(scalar, &mut |s| simplify_scalar(s, ctx));
    if let ScalarKind::Subquery(subquery) = &mut scalar.kind {
        simplify(&mut subquery.relation, ctx);
        return;
    }
    if let Some(simpler) = logic(scalar) {
        *scalar = simpler;
    }
    if is_foldable(scalar)
        && let Some(value) = evaluate(scalar, ctx)
    {
        *scalar = Scalar { kind: ScalarKind::Literal(value), ty: scalar.ty.clone() };
    }
}

fn boolean(value: Option<bool>) -> Scalar {
    Scalar::literal(value.map(Datum::Bool).into(), Type::Bool)
}

/// The truth value of a constant predicate.
fn truth(scalar: &Scalar) -> Option<Option<bool>> {
    match scalar.as_literal()? {
        Datum::Bool(b) => Some(Some(*b)),
        Datum::Null => Some(None),
        _ => None,
    }
}

fn logic(scalar: &mut Scalar) -> Option<Scalar> {
    match &mut scalar.kind {
        ScalarKind::And(parts) => connect(std::mem::take(parts), false),
        ScalarKind::Or(parts) => {
            let simpler = connect(std::mem::take(parts), true)?;
            match simpler.kind {
                ScalarKind::Or(parts) => Some(common_first(parts)),
                _ => Some(simpler),
            }
        }
        ScalarKind::Not(input) => match &mut input.kind {
            ScalarKind::Not(inner) => Some((**inner).clone()),
            ScalarKind::Literal(Datum::Bool(b)) => Some(boolean(Some(!*b))),
            ScalarKind::Literal(Datum::Null) => Some(boolean(None)),
            _ => None,
        },
        ScalarKind::Case { whens, otherwise } => {
            whens.retain(|(when, _)| !matches!(truth(when), Some(Some(false) | None)));
            match whens.first() {
                None => Some(match otherwise.take() {
                    Some(otherwise) => *otherwise,
                    None => {
                        Scalar { kind: ScalarKind::Literal(Datum::Null), ty: scalar.ty.clone() }
                    }
                }),
                Some((when, then)) if truth(when) == Some(Some(true)) => Some(then.clone()),
                Some(_) => None,
            }
        }
        ScalarKind::Coalesce(args) => {
            args.retain(|a| !matches!(a.as_literal(), Some(Datum::Null)));
            match args.first() {
                None => {
                    Some(Scalar { kind: ScalarKind::Literal(Datum::Null), ty: scalar.ty.clone() })
                }
                Some(first) if args.len() == 1 || first.as_literal().is_some() => {
                    Some(first.clone())
                }
                Some(_) => None,
            }
        }
        _ => None,
    }
}

/// Flattens AND (`decisive` false) or OR (`decisive` true) and drops what changes nothing.
fn connect(parts: Vec<Scalar>, decisive: bool) -> Option<Scalar> {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part.kind {
            ScalarKind::And(inner) if !decisive => flat.extend(inner),
            ScalarKind::Or(inner) if decisive => flat.extend(inner),
            _ => flat.push(part),
        }
    }
    flat.retain(|p| truth(p) != Some(Some(!decisive)));
    // What stands before a decisive constant may fail, so only a leading one decides alone.
    if let Some(at) = flat.iter().position(|p| truth(p) == Some(Some(decisive))) {
        flat.truncate(at + 1);
    }
    Some(match flat.len() {
        0 => boolean(Some(!decisive)),
        1 => flat.pop()?,
        _ if truth(flat.first()?) == Some(Some(decisive)) => boolean(Some(decisive)),
        _ => Scalar {
            kind: if decisive { ScalarKind::Or(flat) } else { ScalarKind::And(flat) },
            ty: Type::Bool.into(),
        },
    })
}

/// What all branches have in common, then what is left of them.
fn common_first(parts: Vec<Scalar>) -> Scalar {
    let Some((mut all, rest)) = disjunction::factored(&parts) else { return to_list(parts) };
    all.extend(rest.map(|rest| match rest.kind {
        ScalarKind::Or(parts) => to_list(parts),
        _ => rest,
    }));
    Scalar::conjunction(all).unwrap_or_else(|| boolean(Some(true)))
}

/// `a = 1 OR a = 2` is `a IN (1, 2)`, which an index can serve.
pub(super) fn to_list(parts: Vec<Scalar>) -> Scalar {
    let whole = |parts| Scalar { kind: ScalarKind::Or(parts), ty: Type::Bool.into() };
    let mut common = None;
    for part in &parts {
        let ScalarKind::Call { function, args } = &part.kind else { return whole(parts) };
        let (true, [left, right]) =
            (comparison_of(function).is_some_and(|c| c.op == CompareOp::Eq), &args[..])
        else {
            return whole(parts);
        };
        let (Some(column), true) = (
            left.as_column(),
            matches!(right.kind, ScalarKind::Literal(_) | ScalarKind::Parameter(_)),
        ) else {
            return whole(parts);
        };
        match common {
            None => common = Some((column, *function)),
            Some((c, f)) if c == column && std::ptr::eq(f, *function) => {}
            Some(_) => return whole(parts),
        }
    }
    let Some((_, operator)) = common else { return whole(parts) };
    let mut left = None;
    let mut list = Vec::with_capacity(parts.len());
    for part in parts {
        if let ScalarKind::Call { args, .. } = part.kind {
            let mut args = args.into_iter();
            left = left.or(args.next());
            list.extend(args.next_back());
        }
    }
    match left {
        Some(left) => Scalar {
            kind: ScalarKind::AnyOf { left: Box::new(left), operator, list, all: false },
            ty: Type::Bool.into(),
        },
        None => boolean(None),
    }
}

/// Whether the value depends on nothing but constants that are there already.
fn is_foldable(scalar: &Scalar) -> bool {
    let plain = |ty: &Type| {
        matches!(
            ty,
            Type::Bool
                | Type::Int2
                | Type::Int4
                | Type::Int8
                | Type::Float4
                | Type::Float8
                | Type::Numeric
                | Type::Text
                | Type::Varchar
                | Type::Bpchar
        )
    };
    // Among themselves these do not look at the session either.
    let of_time =
        |ty: &Type| matches!(ty, Type::Date | Type::Time | Type::Timestamp | Type::Interval);
    let own = match &scalar.kind {
        ScalarKind::Call { function, .. } => function.volatility == Volatility::Immutable,
        // Other casts look at the session's styles and time zone.
        ScalarKind::Cast { input, .. } => {
            let (from, to) = (&input.ty.ty, &scalar.ty.ty);
            plain(from) && plain(to) || of_time(from) && of_time(to)
        }
        ScalarKind::IsNull(_)
        | ScalarKind::IsBool(..)
        | ScalarKind::NotDistinct(..)
        | ScalarKind::Extreme(..) => true,
        _ => false,
    };
    let mut constant = own;
    walk::operands(scalar, &mut |s| constant = constant && s.as_literal().is_some());
    constant
}

/// The value, unless evaluating it fails: then it fails when (and if) it is needed.
fn evaluate(scalar: &Scalar, ctx: &PlanContext<'_>) -> Option<Datum> {
    let mut session = ctx.session.clone();
    let interrupt = Interrupt::new();
    let mut eval = EvalContext {
        server: ctx.server,
        session: &mut session,
        catalog: ctx.catalog,
        params: &[],
        statement_time: 0,
        transaction_time: 0,
        read_at: Timestamp::MIN,
        interrupt: &interrupt,
    };
    crate::sql::exec::eval_scalar(scalar, &mut eval).ok()
}
