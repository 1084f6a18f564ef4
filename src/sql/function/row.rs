//! The notation in which the families write their tables.
//!
//! `f(177, "int4pl", "int4 int4", "int4", body)` is an immutable strict function; what differs is
//! added with a method (`.stable()`, `.lax()`, …). Types are written as `pg_type` names them, with
//! `_` before an array's; a `*` after the last parameter makes it VARIADIC.

use super::{Accumulator, Body, Kernel, SetRows, Signature, TypedBody, Volatility, WindowKind};
use crate::error::Result;
use crate::sql::exec::context::EvalContext;
use crate::types::{Datum, Type, oid};

/// One line of a family's table of functions.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) oid: u32,
    pub(super) name: &'static str,
    pub(super) params: &'static str,
    pub(super) result: &'static str,
    pub(super) volatility: Volatility,
    pub(super) strict: bool,
    pub(super) body: Body,
    pub(super) typed: Option<TypedBody>,
    pub(super) kernel: Option<Kernel>,
    pub(super) names: &'static str,
    pub(super) defaults: Option<fn() -> Vec<Datum>>,
}

/// A function: immutable and strict unless a method says otherwise.
pub(super) const fn f(
    oid: u32,
    name: &'static str,
    params: &'static str,
    result: &'static str,
    body: Body,
) -> Row {
    Row {
        oid,
        name,
        params,
        result,
        volatility: Volatility::Immutable,
        strict: true,
        body,
        typed: None,
        kernel: None,
        names: "",
        defaults: None,
    }
}

/// The two bodies of a function that must know its arguments' types: with the static types, and
/// with those that the values show.
macro_rules! typed {
    ($body:path) => {
        (|context, args| $body(context, &super::args::types_of(args), args), $body)
    };
}
pub(super) use typed;

/// A function that must know the types of its arguments; see [`typed!`].
pub(super) const fn t(
    oid: u32,
    name: &'static str,
    params: &'static str,
    result: &'static str,
    (body, typed): (Body, TypedBody),
) -> Row {
    let mut row = f(oid, name, params, result, body);
    row.typed = Some(typed);
    row
}

impl Row {
    /// Constant within one statement.
    pub(super) const fn stable(mut self) -> Row {
        self.volatility = Volatility::Stable;
        self
    }

    /// May differ with every call.
    pub(super) const fn volatile(mut self) -> Row {
        self.volatility = Volatility::Volatile;
        self
    }

    /// Called with NULL arguments too.
    pub(super) const fn lax(mut self) -> Row {
        self.strict = false;
        self
    }

    /// With a vectorised body.
    pub(super) const fn kernel(mut self, kernel: Kernel) -> Row {
        self.kernel = Some(kernel);
        self
    }

    /// With names for its parameters, separated by blanks.
    pub(super) const fn named(mut self, names: &'static str) -> Row {
        self.names = names;
        self
    }

    /// With values for its last parameters.
    pub(super) const fn defaults(mut self, defaults: fn() -> Vec<Datum>) -> Row {
        self.defaults = Some(defaults);
        self
    }
}

/// One line of the table of operators; the operand types are the function's parameters.
pub(super) struct OperatorRow {
    pub(super) oid: u32,
    pub(super) name: &'static str,
    pub(super) function: u32,
    pub(super) commutator: &'static str,
    pub(super) negator: &'static str,
}

/// An operator, its function's OID, its commutator and negator (empty for none).
pub(super) const fn op(
    oid: u32,
    name: &'static str,
    function: u32,
    commutator: &'static str,
    negator: &'static str,
) -> OperatorRow {
    OperatorRow { oid, name, function, commutator, negator }
}

/// One line of a table of aggregates.
pub(super) struct AggregateRow {
    pub(super) oid: u32,
    pub(super) name: &'static str,
    pub(super) params: &'static str,
    pub(super) result: &'static str,
    pub(super) ordered_set: bool,
    pub(super) start: fn(&[Type]) -> Box<dyn Accumulator>,
}

/// An aggregate.
pub(super) const fn agg(
    oid: u32,
    name: &'static str,
    params: &'static str,
    result: &'static str,
    start: fn(&[Type]) -> Box<dyn Accumulator>,
) -> AggregateRow {
    AggregateRow { oid, name, params, result, ordered_set: false, start }
}

impl AggregateRow {
    /// The last parameter is the WITHIN GROUP expression.
    pub(super) const fn ordered_set(mut self) -> AggregateRow {
        self.ordered_set = true;
        self
    }
}

/// One line of a table of set-returning functions.
pub(super) struct SetRow {
    pub(super) oid: u32,
    pub(super) name: &'static str,
    pub(super) params: &'static str,
    pub(super) columns: &'static str,
    pub(super) body: fn(&mut EvalContext<'_>, &[Datum]) -> Result<SetRows>,
}

/// A set-returning function; `columns` is `name type, name type`.
pub(super) const fn srf(
    oid: u32,
    name: &'static str,
    params: &'static str,
    columns: &'static str,
    body: fn(&mut EvalContext<'_>, &[Datum]) -> Result<SetRows>,
) -> SetRow {
    SetRow { oid, name, params, columns, body }
}

/// One line of the table of window functions.
pub(super) struct WindowRow {
    pub(super) oid: u32,
    pub(super) name: &'static str,
    pub(super) params: &'static str,
    pub(super) result: &'static str,
    pub(super) kind: WindowKind,
}

/// A window function.
pub(super) const fn win(
    oid: u32,
    name: &'static str,
    params: &'static str,
    result: &'static str,
    kind: WindowKind,
) -> WindowRow {
    WindowRow { oid, name, params, result, kind }
}

/// The signature that a type's name stands for; `None` for a name that is none.
pub(super) fn signature(name: &str) -> Option<Signature> {
    Some(match name {
        "anyelement" => Signature::AnyElement,
        "anyarray" => Signature::AnyArray,
        "anynonarray" => Signature::AnyNonArray,
        "anyenum" => Signature::AnyEnum,
        "anycompatible" => Signature::AnyCompatible,
        "anycompatiblearray" => Signature::AnyCompatibleArray,
        "any" => Signature::Any,
        "record" => Signature::Record,
        // `char` is SQL's character(1); the catalogue's one-byte type is meant here.
        "char" => Signature::Is(Type::Char),
        "_char" => Signature::Is(Type::Array(Box::new(Type::Char))),
        _ => Signature::Is(oid::type_from_name(name)?),
    })
}

/// Parameter signatures and whether the last one repeats.
pub(super) fn parameters(text: &str) -> (Vec<Signature>, bool) {
    let variadic = text.ends_with('*');
    let params = text.trim_end_matches('*').split(' ').filter(|w| !w.is_empty());
    (params.filter_map(signature).collect(), variadic)
}
