//! Names of operators and functions, with the types of their arguments, to entries of the tables.

use super::binder::Binder;
use super::candidate::{Candidate, Choice, choose, exact};
use super::generic::{self, Resolved};
use crate::error::{Error, Result, sqlstate};
use crate::sql::function::{
    self, Aggregate, Function, Operator, SetFunction, Signature, Volatility, WindowFunction,
};
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::{Datum, Type};

/// Anything that is called by a function's name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Callable {
    Function(&'static Function),
    Aggregate(&'static Aggregate),
    Set(&'static SetFunction),
    Window(&'static WindowFunction),
}

/// An overload as a particular call uses it.
#[derive(Clone, Debug)]
pub(super) struct Overload {
    pub callable: Callable,
    /// Whether the last parameter repeats in this call.
    pub variadic: bool,
    /// For each parameter the argument that it takes; `None` for its default.
    pub order: Vec<Option<usize>>,
}

/// A function chosen, with its types.
#[derive(Debug)]
pub(super) struct Chosen {
    pub overload: Overload,
    pub types: Resolved,
}

impl Binder<'_> {
    /// `left name right`.
    pub fn binary(&mut self, name: &str, left: Scalar, right: Scalar) -> Result<Scalar> {
        let (operator, types) = binary_operator(name, &left.ty.ty, &right.ty.ty)?;
        self.note_volatility(operator.function.volatility);
        let mut params = types.params.into_iter();
        let (Some(l), Some(r)) = (params.next(), params.next()) else {
            return Err(Error::internal("an operator without operands"));
        };
        let args = vec![self.argument(left, &l)?, self.argument(right, &r)?];
        Ok(Scalar::call(operator.function, args, types.result))
    }

    /// `name operand`.
    pub fn prefix(&mut self, name: &str, operand: Scalar) -> Result<Scalar> {
        let candidates = function::operators(name)
            .iter()
            .filter(|o| o.left.is_none())
            .map(|o| Candidate { params: vec![o.right.clone()], what: *o })
            .collect::<Vec<_>>();
        let args = [operand.ty.ty.clone()];
        let chosen = match exact(&candidates, &args) {
            Some(found) => Choice::One(found.clone()),
            None => choose(candidates, &args),
        };
        let chosen = match chosen {
            Choice::One(chosen) => chosen,
            Choice::Nothing => {
                return Err(Error::new(
                    sqlstate::UNDEFINED_FUNCTION,
                    format!("operator does not exist: {name} {}", operand.ty.ty),
                )
                .with_hint(
                    "No operator matches the given name and argument type. You might need to add \
                     an explicit type cast.",
                ));
            }
            Choice::Ambiguous => {
                return Err(not_unique(
                    "operator",
                    &format!("is not unique: {name} {}", operand.ty.ty),
                ));
            }
        };
        let types = generic::resolve(&chosen.params, &args, &chosen.what.function.result)?;
        self.note_volatility(chosen.what.function.volatility);
        let param = types.params.into_iter().next().unwrap_or(Type::Unknown);
        let operand = self.argument(operand, &param)?;
        Ok(Scalar::call(chosen.what.function, vec![operand], types.result))
    }

    /// Notes what a function depends on.
    pub fn note_volatility(&mut self, volatility: Volatility) {
        self.volatile |= volatility == Volatility::Volatile;
    }

    /// A call of a scalar function by name, for the special forms of the grammar.
    pub fn call_named(&mut self, name: &str, args: Vec<Scalar>) -> Result<Scalar> {
        let types: Vec<Type> = args.iter().map(|a| a.ty.ty.clone()).collect();
        let chosen = choose_callable(name, name, &types, &[])?;
        match chosen.overload.callable {
            Callable::Function(function) => self.call_function(function, &chosen, args),
            _ => Err(Error::internal(format!("{name} is not a scalar function"))),
        }
    }

    /// A call of the scalar function that was chosen.
    pub fn call_function(
        &mut self,
        function: &'static Function,
        chosen: &Chosen,
        args: Vec<Scalar>,
    ) -> Result<Scalar> {
        self.note_volatility(function.volatility);
        let args = self.arguments(chosen, args, &function.defaults)?;
        Ok(Scalar::call(function, args, chosen.types.result.clone()))
    }

    /// Arguments in the order of the parameters, cast, with defaults filled in.
    pub fn arguments(
        &mut self,
        chosen: &Chosen,
        args: Vec<Scalar>,
        defaults: &[Datum],
    ) -> Result<Vec<Scalar>> {
        let mut args: Vec<Option<Scalar>> = args.into_iter().map(Some).collect();
        let count = chosen.overload.order.len();
        let mut ordered = Vec::with_capacity(count);
        for (i, (source, ty)) in chosen.overload.order.iter().zip(&chosen.types.params).enumerate()
        {
            let arg = match source {
                Some(source) => args
                    .get_mut(*source)
                    .and_then(Option::take)
                    .ok_or_else(|| Error::internal("an argument is used twice"))?,
                None => {
                    let default = (i + defaults.len())
                        .checked_sub(count)
                        .and_then(|d| defaults.get(d))
                        .ok_or_else(|| Error::internal("a parameter without default"))?;
                    Scalar::literal(default.clone(), ty.clone())
                }
            };
            ordered.push(self.argument(arg, ty)?);
        }
        Ok(ordered)
    }
}

/// The operator for two operand types, and the types that they are cast to.
pub(super) fn binary_operator(
    name: &str,
    left: &Type,
    right: &Type,
) -> Result<(&'static Operator, Resolved)> {
    let candidates: Vec<Candidate<&'static Operator>> = function::operators(name)
        .iter()
        .filter_map(|o| {
            let left = o.left.clone()?;
            Some(Candidate { params: vec![left, o.right.clone()], what: *o })
        })
        .collect();
    let args = [left.clone(), right.clone()];
    // If one operand is unknown, it is first taken to be of the other's type.
    let assumed = match (left, right) {
        (Type::Unknown, known) => [known.clone(), known.clone()],
        (known, Type::Unknown) => [known.clone(), known.clone()],
        _ => args.clone(),
    };
    let choice = match exact(&candidates, &assumed) {
        Some(found) => Choice::One(found.clone()),
        None => choose(candidates, &args),
    };
    match choice {
        Choice::One(chosen) => {
            let types = generic::resolve(&chosen.params, &args, &chosen.what.function.result)?;
            Ok((chosen.what, types))
        }
        Choice::Nothing => Err(Error::new(
            sqlstate::UNDEFINED_FUNCTION,
            format!("operator does not exist: {left} {name} {right}"),
        )
        .with_hint(
            "No operator matches the given name and argument types. You might need to add \
             explicit type casts.",
        )),
        Choice::Ambiguous => {
            Err(not_unique("operator", &format!("is not unique: {left} {name} {right}")))
        }
    }
}

fn not_unique(what: &str, rest: &str) -> Error {
    Error::new(sqlstate::AMBIGUOUS_FUNCTION, format!("{what} {rest}")).with_hint(format!(
        "Could not choose a best candidate {what}. You might need to add explicit type casts."
    ))
}

/// The overload of a function for the types (and names, where given) of its arguments. `shown` is
/// the name as the statement has it.
pub(super) fn choose_callable(
    name: &str,
    shown: &str,
    args: &[Type],
    names: &[Option<String>],
) -> Result<Chosen> {
    match find_callable(name, args, names) {
        Choice::One(found) => finish(found, args),
        Choice::Nothing => Err(undefined_function(shown, args, names)),
        Choice::Ambiguous => {
            Err(not_unique("function", &format!("{}is not unique", signature(shown, args, names))))
        }
    }
}

/// The overload for exactly these types, without any cast.
pub(super) fn exact_callable(name: &str, args: &[Type]) -> Option<Result<Chosen>> {
    let candidates = candidates(name, args.len(), &[]);
    exact(&candidates, args).map(|found| finish(found.clone(), args))
}

fn find_callable(name: &str, args: &[Type], names: &[Option<String>]) -> Choice<Overload> {
    let candidates = candidates(name, args.len(), names);
    // Parameters are listed in the order of the arguments here.
    match exact(&candidates, args) {
        Some(found) => Choice::One(found.clone()),
        None => choose(candidates, args),
    }
}

fn finish(found: Candidate<Overload>, args: &[Type]) -> Result<Chosen> {
    let overload = found.what;
    let (all, result) = match overload.callable {
        Callable::Function(f) => (&f.params, f.result.clone()),
        Callable::Aggregate(f) => (&f.params, f.result.clone()),
        Callable::Window(f) => (&f.params, f.result.clone()),
        Callable::Set(f) => (&f.params, set_result(f)),
    };
    let repeated = repeat(all, overload.order.len(), overload.variadic);
    let in_order: Vec<Type> = overload
        .order
        .iter()
        .zip(&repeated)
        .map(|(source, param)| match source.and_then(|s| args.get(s)) {
            Some(ty) => ty.clone(),
            None => match param {
                Signature::Is(ty) => ty.clone(),
                _ => Type::Unknown,
            },
        })
        .collect();
    let types = generic::resolve(&repeated, &in_order, &result)?;
    Ok(Chosen { overload, types })
}

fn set_result(f: &SetFunction) -> Signature {
    match f.columns.as_slice() {
        [(_, only)] => only.clone(),
        _ => Signature::Record,
    }
}

/// Parameters for `count` arguments.
fn repeat(params: &[Signature], count: usize, variadic: bool) -> Vec<Signature> {
    let mut list = params.to_vec();
    if variadic && let Some(last) = params.last() {
        list.resize(count.max(params.len()), last.clone());
    }
    list.truncate(count);
    list
}

/// Every overload that could take so many arguments, its parameters in the arguments' order.
fn candidates(name: &str, count: usize, names: &[Option<String>]) -> Vec<Candidate<Overload>> {
    let mut list = Vec::new();
    for f in function::functions(name) {
        let shape = Shape {
            params: &f.params,
            variadic: f.variadic,
            names: &f.names,
            defaults: f.defaults.len(),
        };
        list.extend(shape.fit(count, names, Callable::Function(f)));
    }
    for f in function::set_functions(name) {
        let shape = Shape { params: &f.params, variadic: f.variadic, names: &[], defaults: 0 };
        list.extend(shape.fit(count, names, Callable::Set(f)));
    }
    for f in function::aggregates(name) {
        let shape = Shape { params: &f.params, variadic: false, names: &[], defaults: 0 };
        list.extend(shape.fit(count, names, Callable::Aggregate(f)));
    }
    for f in function::window_functions(name) {
        let shape = Shape { params: &f.params, variadic: false, names: &[], defaults: 0 };
        list.extend(shape.fit(count, names, Callable::Window(f)));
    }
    // Of two that take the same types, the one without repetition and with fewer defaults.
    list.sort_by_key(|c| (c.what.variadic, c.what.order.len()));
    let mut kept: Vec<Candidate<Overload>> = Vec::with_capacity(list.len());
    for candidate in list {
        if !kept.iter().any(|k| k.params == candidate.params) {
            kept.push(candidate);
        }
    }
    kept
}

struct Shape<'f> {
    params: &'f [Signature],
    variadic: bool,
    names: &'f [&'static str],
    defaults: usize,
}

impl Shape<'_> {
    fn fit(
        &self,
        count: usize,
        names: &[Option<String>],
        callable: Callable,
    ) -> Option<Candidate<Overload>> {
        let own = self.params.len();
        let variadic = self.variadic && count >= own && own > 0;
        let total = if variadic { count } else { own };
        if count > total || total - count > self.defaults {
            return None;
        }
        let repeated = repeat(self.params, total, variadic);
        let mut order: Vec<Option<usize>> = vec![None; total];
        for argument in 0..count {
            let place = match names.get(argument).and_then(Option::as_ref) {
                None => argument,
                Some(name) => self.names.iter().position(|n| n == name)?,
            };
            match order.get_mut(place) {
                Some(slot @ None) => *slot = Some(argument),
                _ => return None,
            }
        }
        // Only the last parameters have defaults.
        let required = own.saturating_sub(self.defaults);
        if order.iter().take(required).any(Option::is_none) {
            return None;
        }
        let mut params = vec![Signature::Any; count];
        for (source, param) in order.iter().zip(&repeated) {
            if let Some(slot) = source.and_then(|s| params.get_mut(s)) {
                *slot = param.clone();
            }
        }
        Some(Candidate { params, what: Overload { callable, variadic, order } })
    }
}

/// Whether anything has this name.
pub(super) fn is_callable(name: &str) -> bool {
    !function::functions(name).is_empty()
        || !function::aggregates(name).is_empty()
        || !function::set_functions(name).is_empty()
        || !function::window_functions(name).is_empty()
}

fn signature(shown: &str, args: &[Type], names: &[Option<String>]) -> String {
    let list: Vec<String> = args
        .iter()
        .enumerate()
        .map(|(i, ty)| match names.get(i).and_then(Option::as_ref) {
            Some(name) => format!("{name} => {ty}"),
            None => ty.to_string(),
        })
        .collect();
    format!("{shown}({}) ", list.join(", "))
}

/// 42883 for a function.
pub(super) fn undefined_function(shown: &str, args: &[Type], names: &[Option<String>]) -> Error {
    Error::new(
        sqlstate::UNDEFINED_FUNCTION,
        format!("function {}does not exist", signature(shown, args, names)),
    )
    .with_hint(
        "No function matches the given name and argument types. You might need to add explicit \
         type casts.",
    )
}

/// Whether an expression is a call of a volatile function anywhere outside subqueries.
pub(super) fn calls_volatile(scalar: &Scalar) -> bool {
    let mut found = false;
    super::walk::every(scalar, false, &mut |part, _| {
        if let ScalarKind::Call { function, .. } = &part.kind {
            found |= function.volatility == Volatility::Volatile;
        }
    });
    found
}
