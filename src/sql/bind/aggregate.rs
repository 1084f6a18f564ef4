//! Aggregate calls: which query they belong to, and what may stand in them.

use super::binder::{Binder, ColumnKind};
use super::call::Parts;
use super::clause::Clause;
use super::resolve::{Callable, Chosen, calls_volatile, choose_callable};
use super::same::{all_same, same, same_order};
use super::walk;
use crate::error::{Error, Result, sqlstate};
use crate::sql::function::Aggregate;
use crate::sql::scalar::{AggregateCall, Scalar};
use crate::types::Type;

impl Binder<'_> {
    /// A call of an aggregate without OVER.
    pub fn aggregate_call(
        &mut self,
        function: &'static Aggregate,
        parts: Parts<'_>,
        chosen: Chosen,
    ) -> Result<Scalar> {
        let name = function.name;
        let call = self.aggregate_parts(function, parts, chosen)?;
        let up = self.level_of(&call);
        let depth = self.levels.len().checked_sub(up + 1);
        let Some(level) = depth.and_then(|d| self.levels.get(d)) else {
            return Err(Error::internal("an aggregate outside of any query"));
        };
        level.clause.allow_aggregate()?;
        if level.recursive_term {
            return Err(Error::new(
                sqlstate::INVALID_RECURSION,
                "aggregate functions are not allowed in a recursive query's recursive term",
            ));
        }
        let id = level.id;
        self.refuse_nested(&call, id)?;
        // The same call twice is computed once.
        let level = depth.and_then(|d| self.levels.get(d));
        let known = level.and_then(|l| l.aggregates.iter().find(|(_, k)| same_call(k, &call)));
        if let Some((result, known)) = known
            && !call.args.iter().any(calls_volatile)
        {
            return Ok(Scalar::column(result.column, known.ty.clone()));
        }
        let result = self.column_of(id, ColumnKind::Aggregate, &call.ty, "", name);
        let value = Scalar::column(result.column, call.ty.clone());
        if let Some(level) = depth.and_then(|d| self.levels.get_mut(d)) {
            level.aggregates.push((result, call));
        }
        Ok(value)
    }

    /// Checks and binds what stands in an aggregate's parentheses and after them.
    pub fn aggregate_parts(
        &mut self,
        function: &'static Aggregate,
        parts: Parts<'_>,
        chosen: Chosen,
    ) -> Result<AggregateCall> {
        let name = function.name;
        let sets = self.level().sets.len();
        let windows = self.level().windows.len();
        if sets > parts.sets_before {
            return Err(Error::new(
                sqlstate::FEATURE_NOT_SUPPORTED,
                "aggregate function calls cannot contain set-returning function calls",
            )
            .with_hint(
                "You might be able to move the set-returning function into a LATERAL FROM item.",
            ));
        }
        if windows > parts.windows_before {
            return Err(Error::new(
                sqlstate::GROUPING_ERROR,
                "aggregate function calls cannot contain window function calls",
            ));
        }
        if parts.args.is_empty() && !parts.star && !function.ordered_set {
            return Err(Error::new(
                sqlstate::WRONG_OBJECT_TYPE,
                format!("{name}(*) must be used to call a parameterless aggregate function"),
            ));
        }
        let wrong = |message: String| Error::new(sqlstate::WRONG_OBJECT_TYPE, message);
        let (args, chosen, within) = match (function.ordered_set, parts.within_group) {
            (false, []) => (parts.args, chosen, None),
            (false, _) => {
                return Err(wrong(format!(
                    "{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"
                )));
            }
            (true, []) => {
                return Err(wrong(format!(
                    "WITHIN GROUP is required for ordered-set aggregate {name}"
                )));
            }
            (true, [key]) => (parts.args, chosen, Some(key)),
            (true, _) => return Err(Error::unsupported("several keys in WITHIN GROUP")),
        };
        if within.is_some() && (parts.distinct || !parts.order_by.is_empty()) {
            return Err(Error::syntax("cannot use DISTINCT or ORDER BY with WITHIN GROUP"));
        }
        let args = self.arguments(&chosen, args, &[])?;
        let order_by = match within {
            // The ordered expression is the last argument.
            Some(key) => {
                let ordered = args.last().cloned().unwrap_or_else(Scalar::truth);
                vec![super::order::sort_key(key, ordered)?]
            }
            None => self.sort_keys(parts.order_by)?,
        };
        if parts.distinct {
            for arg in &args {
                super::order::equal_type(&arg.ty.ty)?;
            }
            if order_by.iter().any(|key| !args.iter().any(|arg| same(arg, &key.expr))) {
                return Err(Error::new(
                    sqlstate::INVALID_COLUMN_REFERENCE,
                    "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
                ));
            }
        }
        let filter = match parts.filter {
            Some(filter) => Some(self.in_clause(Clause::Filter, |binder| {
                let filter = binder.expr(filter)?;
                binder.boolean(filter, "FILTER")
            })?),
            None => None,
        };
        Ok(AggregateCall {
            function,
            args,
            distinct: parts.distinct,
            filter,
            order_by,
            ty: chosen.types.result.into(),
        })
    }

    /// The overload of an ordered-set aggregate, whose last argument stands in WITHIN GROUP.
    pub fn with_ordered_argument(
        &mut self,
        parts: &mut Parts<'_>,
        name: &str,
    ) -> Result<Option<Chosen>> {
        let [key] = parts.within_group else { return Ok(None) };
        let ordered = self.expr(&key.expr)?;
        parts.args.push(ordered);
        parts.names.push(None);
        let types: Vec<Type> = parts.args.iter().map(|a| a.ty.ty.clone()).collect();
        let chosen = choose_callable(name, &parts.shown, &types, &[])?;
        match chosen.overload.callable {
            Callable::Aggregate(f) if f.ordered_set => Ok(Some(chosen)),
            _ => Err(Error::new(
                sqlstate::WRONG_OBJECT_TYPE,
                format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"),
            )),
        }
    }

    /// How many levels out an aggregate belongs: to the innermost query that it reads from, or to
    /// the one it stands in if it reads no column.
    fn level_of(&self, call: &AggregateCall) -> usize {
        let mut nearest: Option<usize> = None;
        walk::call_scalars(call, &mut |part| {
            walk::columns(part, &mut |column| {
                if let Some(distance) = self.distance(column) {
                    nearest = Some(nearest.map_or(distance, |n| n.min(distance)));
                }
            });
        });
        nearest.unwrap_or(0)
    }

    fn refuse_nested(&self, call: &AggregateCall, level: u32) -> Result<()> {
        let mut nested = false;
        walk::call_scalars(call, &mut |part| {
            walk::columns(part, &mut |column| {
                nested |= self
                    .info(column)
                    .is_some_and(|i| i.kind == ColumnKind::Aggregate && i.level == level);
            });
        });
        if nested {
            return Err(Error::new(
                sqlstate::GROUPING_ERROR,
                "aggregate function calls cannot be nested",
            ));
        }
        Ok(())
    }
}

fn same_call(a: &AggregateCall, b: &AggregateCall) -> bool {
    let same_filter = match (&a.filter, &b.filter) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    };
    std::ptr::eq(a.function, b.function)
        && a.distinct == b.distinct
        && same_filter
        && all_same(&a.args, &b.args)
        && same_order(&a.order_by, &b.order_by)
}
