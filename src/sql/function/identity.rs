//! Identifiers, and the types of values.

use super::args::any;
use super::row::{Row, f, t, typed};
use crate::error::Result;
use crate::sql::exec::context::EvalContext;
use crate::types::{Datum, Type, oid};

pub(super) const FUNCTIONS: &[Row] = &[
    f(3432, "gen_random_uuid", "", "uuid", |_, _| Ok(random_uuid())).volatile(),
    f(9010, "uuid_generate_v4", "", "uuid", |_, _| Ok(random_uuid())).volatile(),
    t(1619, "pg_typeof", "any", "regtype", typed!(pg_typeof)).stable().lax(),
];

fn random_uuid() -> Datum {
    Datum::Uuid(*uuid::Uuid::new_v4().as_bytes())
}

fn pg_typeof(_: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    let ty = match types.first() {
        Some(ty) => ty.clone(),
        None => any(a, 0)?.shown_type(),
    };
    Ok(Datum::Oid(oid::oid(&ty)))
}
