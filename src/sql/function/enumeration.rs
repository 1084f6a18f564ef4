//! The members of enumerated types. Each function knows its type by its argument's, which may be
//! NULL.

use super::args::any;
use super::row::{Row, t, typed};
use crate::error::{Error, Result};
use crate::sql::exec::context::EvalContext;
use crate::types::{Array, Datum, EnumType, Type};

pub(super) const FUNCTIONS: &[Row] = &[
    t(3528, "enum_first", "anyenum", "anyenum", typed!(first)).lax(),
    t(3529, "enum_last", "anyenum", "anyenum", typed!(last)).lax(),
    t(3530, "enum_range", "anyenum anyenum", "anyarray", typed!(between)).lax(),
    t(3531, "enum_range", "anyenum", "anyarray", typed!(all)).lax(),
];

fn type_of(types: &[Type]) -> Result<&EnumType> {
    match types.first() {
        Some(Type::Enum(own)) => Ok(own),
        _ => Err(Error::internal("an enum function without the type of its argument")),
    }
}

fn first(_: &mut EvalContext<'_>, types: &[Type], _: &[Datum]) -> Result<Datum> {
    Ok(type_of(types)?.members().first().cloned().map(Datum::Enum).into())
}

fn last(_: &mut EvalContext<'_>, types: &[Type], _: &[Datum]) -> Result<Datum> {
    Ok(type_of(types)?.members().last().cloned().map(Datum::Enum).into())
}

fn all(_: &mut EvalContext<'_>, types: &[Type], _: &[Datum]) -> Result<Datum> {
    range(type_of(types)?, &Datum::Null, &Datum::Null)
}

fn between(_: &mut EvalContext<'_>, types: &[Type], args: &[Datum]) -> Result<Datum> {
    range(type_of(types)?, any(args, 0)?, any(args, 1)?)
}

/// The members between two, both included; NULL stands for the end.
fn range(own: &EnumType, low: &Datum, high: &Datum) -> Result<Datum> {
    let inside = |member: &Datum| {
        (low.is_null() || low.compare(member).is_le())
            && (high.is_null() || high.compare(member).is_ge())
    };
    let items = own.members().iter().cloned().map(Datum::Enum).filter(inside).collect();
    Ok(Datum::Array(Array::from_items(Type::Enum(own.clone()), items).into()))
}
