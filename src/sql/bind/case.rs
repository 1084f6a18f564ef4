//! CASE, COALESCE, NULLIF, GREATEST and LEAST.

use sqlparser::ast::{CaseWhen, Expr};

use super::binder::Binder;
use super::clause::set_not_allowed;
use super::common_type::{clash_error, common_modifier, resolve_common};
use super::resolve::binary_operator;
use super::walk::has_subquery;
use crate::error::{Error, Result};
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::cast::CastContext;
use crate::types::{ColumnType, Datum, Type};

impl Binder<'_> {
    /// Binds parts that are not always evaluated, in which sets may not be returned.
    fn without_sets<T>(
        &mut self,
        construct: &str,
        step: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = self.level().sets.len();
        let result = step(self)?;
        if self.level().sets.len() > before {
            return Err(set_not_allowed(construct).with_hint(
                "You might be able to move the set-returning function into a LATERAL FROM item.",
            ));
        }
        Ok(result)
    }

    /// `CASE …`.
    pub fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<Scalar> {
        self.without_sets("CASE", |binder| binder.case_inner(operand, conditions, otherwise))
    }

    fn case_inner(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<Scalar> {
        let bound_operand = match operand {
            Some(operand) => {
                let bound = self.expr(operand)?;
                Some(self.settle(bound)?)
            }
            None => None,
        };
        let mut whens = Vec::with_capacity(conditions.len());
        let mut results = Vec::with_capacity(conditions.len());
        for CaseWhen { condition, result } in conditions {
            let when = self.expr(condition)?;
            let when = match &bound_operand {
                Some(left) => {
                    // A subquery may stand in the tree only once.
                    let left = match operand.filter(|_| has_subquery(left)) {
                        Some(operand) if !whens.is_empty() => self.expr(operand)?,
                        _ => left.clone(),
                    };
                    let test = self.binary("=", left, when)?;
                    self.boolean(test, "CASE/WHEN")?
                }
                None => self.boolean(when, "CASE/WHEN")?,
            };
            whens.push(when);
            results.push(self.expr(result)?);
        }
        let otherwise = match otherwise {
            Some(otherwise) => Some(self.expr(otherwise)?),
            None => None,
        };
        // ELSE comes first when the common type is looked for.
        let types = otherwise.iter().chain(&results).map(|s| &s.ty.ty);
        let ty = resolve_common(types).map_err(|clash| clash_error("CASE", &clash))?;
        let otherwise = match otherwise {
            Some(otherwise) => Some(self.as_common_type("CASE/ELSE", otherwise, &ty)?),
            None => None,
        };
        let results = self.all_as_common("CASE/WHEN", results, &ty)?;
        let modifier = common_modifier(&ty, otherwise.iter().chain(&results).map(|s| &s.ty));
        let whens = whens.into_iter().zip(results).collect();
        let kind = ScalarKind::Case { whens, otherwise: otherwise.map(Box::new) };
        Ok(Scalar { kind, ty: ColumnType { ty, modifier } })
    }

    /// `COALESCE(…)`.
    pub fn coalesce(&mut self, args: &[&Expr]) -> Result<Scalar> {
        self.without_sets("COALESCE", |binder| {
            let (args, ty) = binder.unified("COALESCE", args)?;
            Ok(Scalar { kind: ScalarKind::Coalesce(args), ty })
        })
    }

    /// `GREATEST(…)` and `LEAST(…)`.
    pub fn extreme(&mut self, args: &[&Expr], greatest: bool) -> Result<Scalar> {
        let word = if greatest { "GREATEST" } else { "LEAST" };
        let (args, ty) = self.unified(word, args)?;
        super::order::ordered_type(&ty.ty, "a comparison function")?;
        Ok(Scalar { kind: ScalarKind::Extreme(args, greatest), ty })
    }

    fn unified(&mut self, context: &str, args: &[&Expr]) -> Result<(Vec<Scalar>, ColumnType)> {
        if args.is_empty() {
            return Err(Error::syntax("syntax error at or near \")\""));
        }
        let args = args.iter().map(|a| self.expr(a)).collect::<Result<Vec<_>>>()?;
        self.unify(context, args)
    }

    /// `NULLIF(a, b)`: NULL if a = b, else a.
    pub fn nullif(&mut self, args: &[&Expr]) -> Result<Scalar> {
        let [a, b] = args else {
            return Err(Error::syntax("NULLIF takes two arguments"));
        };
        let (a, b) = (self.expr(a)?, self.expr(b)?);
        let (_, types) = binary_operator("=", &a.ty.ty, &b.ty.ty)?;
        let left = types.params.into_iter().next().unwrap_or(Type::Text);
        let a = self
            .coerce(a, &left, CastContext::Implicit)?
            .ok_or_else(|| Error::internal("NULLIF without a cast"))?;
        let test = self.binary("=", a.clone(), b)?;
        let ty = a.ty.clone();
        let null = Scalar::literal(Datum::Null, ty.clone());
        let kind = ScalarKind::Case { whens: vec![(test, null)], otherwise: Some(Box::new(a)) };
        Ok(Scalar { kind, ty })
    }
}
