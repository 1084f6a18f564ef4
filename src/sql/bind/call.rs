//! Calls: which function is meant, and what kind of call that makes it.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function as Call, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, OrderByExpr,
};

use super::binder::Binder;
use super::name::{At, last, words};
use super::resolve::{
    Callable, Chosen, choose_callable, exact_callable, is_callable, undefined_function,
};
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::syntax::CURRENT_OF;
use crate::types::cast::cast_context;
use crate::types::{ColumnType, Type, oid};

/// A call, taken apart and its arguments bound.
pub(super) struct Parts<'c> {
    pub shown: String,
    pub args: Vec<Scalar>,
    pub names: Vec<Option<String>>,
    pub star: bool,
    pub distinct: bool,
    pub order_by: &'c [OrderByExpr],
    pub within_group: &'c [OrderByExpr],
    pub filter: Option<&'c Expr>,
    /// Functions that return sets, and window functions, that were bound before the arguments.
    pub sets_before: usize,
    pub windows_before: usize,
}

/// The arguments, if all are plain expressions and nothing else stands with them.
pub(super) fn plain_arguments(call: &Call) -> Option<Vec<&Expr>> {
    match &call.args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) => {
            if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
                return None;
            }
            list.args
                .iter()
                .map(|arg| match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e),
                    _ => None,
                })
                .collect()
        }
    }
}

/// Takes out parameters of type void: so clients mark the places of what a call gives back.
pub(super) fn discard_void(args: &mut Vec<Scalar>, names: &mut Vec<Option<String>>) {
    let is_void =
        |arg: &Scalar| arg.ty.ty == Type::Void && matches!(arg.kind, ScalarKind::Parameter(_));
    let mut stays = args.iter().map(|arg| !is_void(arg)).collect::<Vec<_>>().into_iter();
    names.retain(|_| stays.next().unwrap_or(true));
    args.retain(|arg| !is_void(arg));
}

impl Binder<'_> {
    /// `name(…)` with everything that may follow.
    pub fn function_expr(&mut self, call: &Call) -> Result<Scalar> {
        if words(&call.name)?.as_slice() == [CURRENT_OF] {
            return Err(Error::unsupported("WHERE CURRENT OF"));
        }
        if let Some(value) = self.special_call(call)? {
            return Ok(value);
        }
        let span = last(&call.name)?.span;
        let mut parts = self.call_parts(call)?;
        discard_void(&mut parts.args, &mut parts.names);
        let types: Vec<Type> = parts.args.iter().map(|a| a.ty.ty.clone()).collect();
        let name = self.registry_name(&words(&call.name)?, &types)?;
        if let Some(cast) = self.cast_by_name(&name, &parts, call)? {
            return Ok(cast);
        }
        let chosen = match self.with_ordered_argument(&mut parts, &name).at(span)? {
            Some(chosen) => chosen,
            None => choose_callable(&name, &parts.shown, &types, &parts.names).at(span)?,
        };
        self.call_chosen(call, parts, chosen).at(span)
    }

    fn call_chosen(&mut self, call: &Call, parts: Parts<'_>, chosen: Chosen) -> Result<Scalar> {
        if let Some(over) = &call.over {
            return self.window_call(over, parts, chosen);
        }
        match chosen.overload.callable {
            Callable::Aggregate(aggregate) => self.aggregate_call(aggregate, parts, chosen),
            Callable::Window(_) => Err(Error::new(
                sqlstate::WRONG_OBJECT_TYPE,
                format!("window function {} requires an OVER clause", parts.shown),
            )),
            Callable::Function(function) => {
                parts.must_be_plain()?;
                self.call_function(function, &chosen, parts.args)
            }
            Callable::Set(function) => {
                parts.must_be_plain()?;
                self.set_call(function, &chosen, parts.args)
            }
        }
    }

    /// Binds the arguments of a call.
    pub fn call_parts<'c>(&mut self, call: &'c Call) -> Result<Parts<'c>> {
        let span = last(&call.name)?.span;
        if call.null_treatment.is_some() {
            return Err(Error::unsupported("IGNORE NULLS and RESPECT NULLS"));
        }
        if !matches!(call.parameters, FunctionArguments::None) || call.uses_odbc_syntax {
            return Err(Error::unsupported("this form of a function call"));
        }
        let shown = words(&call.name)?.join(".");
        let (sets_before, windows_before) = {
            let level = self.level();
            (level.sets.len(), level.windows.len())
        };
        let mut parts = Parts {
            shown,
            args: Vec::new(),
            names: Vec::new(),
            star: false,
            distinct: false,
            order_by: &[],
            within_group: &call.within_group,
            filter: call.filter.as_deref(),
            sets_before,
            windows_before,
        };
        let list = match &call.args {
            FunctionArguments::List(list) => list,
            FunctionArguments::None => return Ok(parts),
            FunctionArguments::Subquery(_) => {
                return Err(Error::syntax("syntax error at or near \"SELECT\"").at(span));
            }
        };
        parts.distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        for clause in &list.clauses {
            match clause {
                FunctionArgumentClause::OrderBy(keys) => parts.order_by = keys,
                other => return Err(Error::unsupported(format!("{other} in a function call"))),
            }
        }
        for arg in &list.args {
            let (name, value) = match arg {
                FunctionArg::Unnamed(value) => (None, value),
                FunctionArg::Named { name, arg, .. } => (Some(name.value.clone()), arg),
                FunctionArg::ExprNamed { .. } => {
                    return Err(Error::unsupported("this form of a named argument"));
                }
            };
            if name.is_none() && parts.names.iter().any(Option::is_some) {
                return Err(Error::syntax("positional argument cannot follow named argument"));
            }
            match value {
                FunctionArgExpr::Expr(Expr::Prefixed { prefix, value })
                    if prefix.value == "variadic" =>
                {
                    let spread = self.variadic(value)?;
                    parts.names.extend(spread.iter().skip(1).map(|_| None));
                    parts.args.extend(spread);
                }
                FunctionArgExpr::Expr(e) => parts.args.push(self.expr(e)?),
                FunctionArgExpr::Wildcard | FunctionArgExpr::WildcardWithOptions(_) => {
                    parts.star = true;
                }
                FunctionArgExpr::QualifiedWildcard(name) => {
                    let tree = Expr::QualifiedWildcard(
                        name.clone(),
                        sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
                    );
                    parts.args.push(self.expr(&tree)?);
                }
            }
            parts.names.push(name);
        }
        if parts.star && !parts.args.is_empty() {
            return Err(Error::syntax("syntax error at or near \"*\"").at(span));
        }
        if parts.star {
            parts.names.clear();
        }
        Ok(parts)
    }

    /// `VARIADIC ARRAY[a, b]`: the arguments a and b.
    fn variadic(&mut self, array: &Expr) -> Result<Vec<Scalar>> {
        let array = self.expr(array)?;
        match array.kind {
            ScalarKind::Array(items) if !items.is_empty() => Ok(items),
            _ => Err(Error::unsupported("VARIADIC with anything but ARRAY[…]")),
        }
    }

    /// The name under which the function tables know a function.
    pub fn registry_name(&self, words: &[&str], types: &[Type]) -> Result<String> {
        match words {
            [name] | ["pg_catalog", name] => Ok((*name).to_owned()),
            [schema, name] => {
                let qualified = format!("{schema}.{name}");
                if is_callable(&qualified) {
                    return Ok(qualified);
                }
                let search = self.search()?;
                let known = crate::sql::pg_catalog::is_virtual_schema(schema)
                    || crate::catalog::names::resolve_schema(
                        self.ctx.catalog,
                        search.scope(),
                        &[schema],
                    )
                    .is_ok();
                if known {
                    Err(undefined_function(&qualified, types, &[]))
                } else {
                    Err(Error::new(
                        sqlstate::INVALID_SCHEMA_NAME,
                        format!("schema \"{schema}\" does not exist"),
                    ))
                }
            }
            _ => Err(Error::unsupported("a function of another database")),
        }
    }

    /// `int4(x)`: a function named like a type, of one argument, is a cast.
    fn cast_by_name(
        &mut self,
        name: &str,
        parts: &Parts<'_>,
        call: &Call,
    ) -> Result<Option<Scalar>> {
        let [arg] = parts.args.as_slice() else { return Ok(None) };
        if call.over.is_some() || parts.names.iter().any(Option::is_some) {
            return Ok(None);
        }
        let Some(ty) = oid::type_from_name(name).filter(|ty| oid::type_name(ty) == name) else {
            return Ok(None);
        };
        if exact_callable(name, std::slice::from_ref(&arg.ty.ty)).is_some() {
            return Ok(None);
        }
        let castable = arg.ty.ty == Type::Unknown || cast_context(&arg.ty.ty, &ty).is_some();
        if !castable {
            return Ok(None);
        }
        parts.must_be_plain()?;
        self.explicit_cast(arg.clone(), &ColumnType::plain(ty)).map(Some)
    }
}

impl Parts<'_> {
    /// Fails if something stands here that only aggregates have.
    pub fn must_be_plain(&self) -> Result<()> {
        let not_aggregate = |what: &str| {
            Err(Error::new(
                sqlstate::WRONG_OBJECT_TYPE,
                format!("{what} specified, but {} is not an aggregate function", self.shown),
            ))
        };
        if self.star {
            return not_aggregate(&format!("{}(*)", self.shown));
        }
        if self.distinct {
            return not_aggregate("DISTINCT");
        }
        if !self.within_group.is_empty() {
            return not_aggregate("WITHIN GROUP");
        }
        if !self.order_by.is_empty() {
            return not_aggregate("ORDER BY");
        }
        if self.filter.is_some() {
            return not_aggregate("FILTER");
        }
        Ok(())
    }
}
