//! Operators of the tree: names, chains, AND and OR, IS …, BETWEEN.

use sqlparser::ast::{BinaryOperator as B, Expr, UnaryOperator as U};

use super::binder::Binder;
use crate::error::{Error, Result};
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::Type;

/// The name of a binary operator in the function tables.
pub(super) fn operator_name(op: &B) -> Result<&str> {
    Ok(match op {
        B::Plus => "+",
        B::Minus => "-",
        B::Multiply => "*",
        B::Divide => "/",
        B::Modulo => "%",
        B::StringConcat => "||",
        B::Gt => ">",
        B::Lt => "<",
        B::GtEq => ">=",
        B::LtEq => "<=",
        B::Eq => "=",
        B::NotEq => "<>",
        B::BitwiseOr => "|",
        B::BitwiseAnd => "&",
        B::BitwiseXor | B::PGExp => "^",
        B::PGBitwiseXor => "#",
        B::PGBitwiseShiftLeft => "<<",
        B::PGBitwiseShiftRight => ">>",
        B::PGOverlap => "&&",
        B::PGRegexMatch => "~",
        B::PGRegexIMatch => "~*",
        B::PGRegexNotMatch => "!~",
        B::PGRegexNotIMatch => "!~*",
        B::PGLikeMatch => "~~",
        B::PGILikeMatch => "~~*",
        B::PGNotLikeMatch => "!~~",
        B::PGNotILikeMatch => "!~~*",
        B::PGStartsWith => "^@",
        B::Arrow => "->",
        B::LongArrow => "->>",
        B::HashArrow => "#>",
        B::HashLongArrow => "#>>",
        B::AtAt => "@@",
        B::AtArrow => "@>",
        B::ArrowAt => "<@",
        B::HashMinus => "#-",
        B::AtQuestion => "@?",
        B::Question => "?",
        B::QuestionAnd => "?&",
        B::QuestionPipe => "?|",
        B::LtDashGt => "<->",
        B::Custom(name) if name == "!=" => "<>",
        B::Custom(name) => name,
        B::PGCustomBinaryOperator(parts) => match parts.as_slice() {
            [name] => {
                if name == "!=" {
                    "<>"
                } else {
                    name
                }
            }
            [schema, name] if schema.eq_ignore_ascii_case("pg_catalog") => name,
            _ => return Err(Error::unsupported(format!("operator {}", parts.join(".")))),
        },
        other => return Err(Error::unsupported(format!("operator {other}"))),
    })
}

impl Binder<'_> {
    /// `left op right`, and a whole chain of them where the left operand is one again.
    pub fn binary_expr(&mut self, left: &Expr, op: &B, right: &Expr) -> Result<Scalar> {
        match op {
            B::And | B::Or => self.connective(left, op, right),
            B::Overlaps => self.overlaps(left, right),
            _ => self.chain(left, op, right),
        }
    }

    /// `a AND b AND c …` as one node, however long.
    fn connective(&mut self, left: &Expr, op: &B, right: &Expr) -> Result<Scalar> {
        let word = if *op == B::And { "AND" } else { "OR" };
        let mut terms = vec![right];
        let mut rest = left;
        while let Expr::BinaryOp { left, op: inner, right } = rest
            && inner == op
        {
            terms.push(right);
            rest = left;
        }
        terms.push(rest);
        let mut bound = Vec::with_capacity(terms.len());
        for term in terms.into_iter().rev() {
            let term = self.expr(term)?;
            let term = self.boolean(term, word)?;
            match term.kind {
                ScalarKind::And(inner) if *op == B::And => bound.extend(inner),
                ScalarKind::Or(inner) if *op == B::Or => bound.extend(inner),
                _ => bound.push(term),
            }
        }
        let kind = if *op == B::And { ScalarKind::And(bound) } else { ScalarKind::Or(bound) };
        Ok(Scalar { kind, ty: Type::Bool.into() })
    }

    /// `a + b + c …`, from the left without recursion in the tree.
    fn chain(&mut self, left: &Expr, op: &B, right: &Expr) -> Result<Scalar> {
        let mut steps = vec![(op, right)];
        let mut rest = left;
        while let Expr::BinaryOp { left, op, right } = rest
            && !matches!(op, B::And | B::Or | B::Overlaps)
        {
            steps.push((op, right));
            rest = left;
        }
        self.check_depth(steps.len())?;
        let mut first = Some(rest);
        let mut result: Option<Scalar> = None;
        while let Some((op, right)) = steps.pop() {
            // Row against row, or row against subquery, is no single operator.
            if let Some(start) = first.take() {
                if let Some(row) = self.row_comparison(start, op, right)? {
                    result = Some(row);
                    continue;
                }
                result = Some(self.expr(start)?);
            }
            let left = result.take().ok_or_else(|| Error::internal("a chain without start"))?;
            let right = self.expr(right)?;
            result = Some(self.binary(operator_name(op)?, left, right)?);
        }
        result.ok_or_else(|| Error::internal("an empty chain"))
    }

    /// `op operand`.
    pub fn unary_expr(&mut self, op: &U, operand: &Expr) -> Result<Scalar> {
        let name = match op {
            U::Not => {
                let input = self.expr(operand)?;
                let input = self.boolean(input, "NOT")?;
                return Ok(not(input));
            }
            // A sign before a number is part of it.
            U::Minus => match self.negative_number(operand)? {
                Some(number) => return Ok(number),
                None => "-",
            },
            U::Plus => "+",
            U::BitwiseNot => "~",
            U::PGAbs => "@",
            U::PGSquareRoot => "|/",
            U::PGCubeRoot => "||/",
            U::PGPostfixFactorial | U::PGPrefixFactorial | U::BangNot => {
                return Err(
                    Error::unsupported("the factorial operator").with_hint("Use factorial().")
                );
            }
            other => return Err(Error::unsupported(format!("operator {other}"))),
        };
        let operand = self.expr(operand)?;
        self.prefix(name, operand)
    }

    /// `IS TRUE`, `IS NOT FALSE`, …
    pub fn is_bool(&mut self, operand: &Expr, wanted: bool, negated: bool) -> Result<Scalar> {
        let construct = match (wanted, negated) {
            (true, false) => "IS TRUE",
            (true, true) => "IS NOT TRUE",
            (false, false) => "IS FALSE",
            (false, true) => "IS NOT FALSE",
        };
        let operand = self.expr(operand)?;
        let operand = self.boolean(operand, construct)?;
        let test = bool_node(ScalarKind::IsBool(Box::new(operand), wanted));
        Ok(if negated { not(test) } else { test })
    }

    /// `IS UNKNOWN`, `IS NOT UNKNOWN`.
    pub fn is_unknown(&mut self, operand: &Expr, negated: bool) -> Result<Scalar> {
        let construct = if negated { "IS NOT UNKNOWN" } else { "IS UNKNOWN" };
        let operand = self.expr(operand)?;
        let operand = self.boolean(operand, construct)?;
        let test = bool_node(ScalarKind::IsNull(Box::new(operand)));
        Ok(if negated { not(test) } else { test })
    }

    /// `IS NULL`, `IS NOT NULL`. A row is NULL when all its fields are, and NOT NULL when none is.
    pub fn is_null(&mut self, operand: &Expr, negated: bool) -> Result<Scalar> {
        let operand = self.expr(operand)?;
        let operand = self.settle(operand)?;
        Ok(null_test(operand, negated))
    }

    /// `IS DISTINCT FROM`, `IS NOT DISTINCT FROM`.
    pub fn is_distinct(&mut self, a: &Expr, b: &Expr, negated: bool) -> Result<Scalar> {
        if let Some(row) = self.row_distinct(a, b, negated)? {
            return Ok(row);
        }
        let (a, b) = (self.expr(a)?, self.expr(b)?);
        let test = self.not_distinct(a, b)?;
        Ok(if negated { test } else { not(test) })
    }

    /// IS NOT DISTINCT FROM of two values. Operands that the `=` operator would take in two types
    /// are brought to one.
    pub fn not_distinct(&mut self, a: Scalar, b: Scalar) -> Result<Scalar> {
        let (_, types) = super::resolve::binary_operator("=", &a.ty.ty, &b.ty.ty)?;
        let both: Vec<&Type> = types.params.iter().collect();
        let (a, b) = match super::common_type::common_type(both.iter().copied()) {
            Some(common) => (
                self.as_common_type("IS DISTINCT FROM", a, &common)?,
                self.as_common_type("IS DISTINCT FROM", b, &common)?,
            ),
            None => {
                return Err(Error::unsupported("IS DISTINCT FROM between these types"));
            }
        };
        Ok(bool_node(ScalarKind::NotDistinct(Box::new(a), Box::new(b))))
    }

    /// `x BETWEEN low AND high`.
    pub fn between(&mut self, x: &Expr, low: &Expr, high: &Expr, negated: bool) -> Result<Scalar> {
        let is_row = self.is_row(x);
        // Bound once: nested BETWEENs would double the work at each level.
        let bound_x = if is_row { None } else { Some(self.expr(x)?) };
        let compare = |binder: &mut Self, op: B, bound: &Expr| {
            let left = match &bound_x {
                None => {
                    let row = binder.row_comparison(x, &op, bound)?;
                    return row.ok_or_else(|| Error::unsupported("BETWEEN of a row and a value"));
                }
                Some(left) if super::walk::has_subquery(left) => binder.expr(x)?,
                Some(left) => left.clone(),
            };
            let bound = binder.expr(bound)?;
            binder.binary(operator_name(&op)?, left, bound)
        };
        if negated {
            let below = compare(self, B::Lt, low)?;
            let above = compare(self, B::Gt, high)?;
            Ok(bool_node(ScalarKind::Or(vec![below, above])))
        } else {
            let from = compare(self, B::GtEq, low)?;
            let to = compare(self, B::LtEq, high)?;
            Ok(bool_node(ScalarKind::And(vec![from, to])))
        }
    }
}

/// A boolean expression.
pub(super) fn bool_node(kind: ScalarKind) -> Scalar {
    Scalar { kind, ty: Type::Bool.into() }
}

/// NOT; two of them cancel.
pub(super) fn not(input: Scalar) -> Scalar {
    match input.kind {
        ScalarKind::Not(inner) => *inner,
        _ => bool_node(ScalarKind::Not(Box::new(input))),
    }
}

/// `IS [NOT] NULL`, by fields for a row.
pub(super) fn null_test(operand: Scalar, negated: bool) -> Scalar {
    match operand.kind {
        ScalarKind::Row(fields) if !fields.is_empty() => {
            let tests = fields.into_iter().map(|field| {
                // Only the row itself is taken apart: a field that is a row is a value.
                let test = bool_node(ScalarKind::IsNull(Box::new(field)));
                if negated { not(test) } else { test }
            });
            bool_node(ScalarKind::And(tests.collect()))
        }
        _ => {
            let test = bool_node(ScalarKind::IsNull(Box::new(operand)));
            if negated { not(test) } else { test }
        }
    }
}
