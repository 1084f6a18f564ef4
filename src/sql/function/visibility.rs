//! `pg_…_is_visible` for what is always in view or never exists, and names to OIDs.

use super::args::{oid, txt};
use super::row::{Row, f};
use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::context::EvalContext;
use crate::types::session::NameResolver as _;
use crate::types::{Datum, Type};

pub(super) const FUNCTIONS: &[Row] = &[
    f(2082, "pg_operator_is_visible", "oid", "bool", |_, a| {
        let number = oid(a, 0)?;
        let known = super::all_operators().any(|operator| operator.oid == number);
        Ok(known.then_some(Datum::Bool(true)).into())
    })
    .stable(),
    f(2083, "pg_opclass_is_visible", "oid", "bool", |_, _| Ok(Datum::Bool(true))).stable(),
    f(3829, "pg_opfamily_is_visible", "oid", "bool", |_, _| Ok(Datum::Bool(true))).stable(),
    f(3815, "pg_collation_is_visible", "oid", "bool", |_, _| Ok(Datum::Bool(true))).stable(),
    f(2093, "pg_conversion_is_visible", "oid", "bool", |_, _| Ok(Datum::Null)).stable(),
    f(3403, "pg_statistics_obj_is_visible", "oid", "bool", |_, _| Ok(Datum::Null)).stable(),
    f(3756, "pg_ts_parser_is_visible", "oid", "bool", |_, _| Ok(Datum::Null)).stable(),
    f(3757, "pg_ts_dict_is_visible", "oid", "bool", |_, _| Ok(Datum::Null)).stable(),
    f(3758, "pg_ts_config_is_visible", "oid", "bool", |_, _| Ok(Datum::Null)).stable(),
    f(3768, "pg_ts_template_is_visible", "oid", "bool", |_, _| Ok(Datum::Null)).stable(),
    f(6121, "pg_relation_is_publishable", "regclass", "bool", |_, _| Ok(Datum::Bool(false)))
        .stable(),
    f(3495, "to_regclass", "text", "regclass", |c, a| found(c, &Type::Regclass, txt(a, 0)?))
        .stable(),
    f(3493, "to_regtype", "text", "regtype", |c, a| found(c, &Type::Regtype, txt(a, 0)?)).stable(),
    f(3494, "to_regproc", "text", "regproc", |c, a| found(c, &Type::Regproc, txt(a, 0)?)).stable(),
    f(4086, "to_regnamespace", "text", "regnamespace", |c, a| {
        found(c, &Type::Regnamespace, txt(a, 0)?)
    })
    .stable(),
    f(4093, "to_regrole", "text", "regrole", |c, a| found(c, &Type::Regrole, txt(a, 0)?)).stable(),
    f(2854, "pg_my_temp_schema", "", "oid", |_, _| Ok(Datum::Oid(0))).stable(),
    f(2855, "pg_is_other_temp_schema", "oid", "bool", |c, a| {
        let schema = c.catalog.schema_any_state(oid(a, 0)?);
        Ok(Datum::Bool(schema.is_some_and(|schema| schema.is_temporary())))
    })
    .stable(),
    f(2999, "pg_relation_filenode", "regclass", "oid", |_, a| Ok(Datum::Oid(oid(a, 0)?))).stable(),
];

/// The OID that a name means; NULL if there is nothing of that name.
fn found(context: &EvalContext<'_>, kind: &Type, name: &str) -> Result<Datum> {
    let names = crate::sql::pg_catalog::CatalogNames::new(context.catalog, context.session);
    match names.oid_of(kind, name) {
        Ok(number) => Ok(Datum::Oid(number)),
        Err(e) if is_missing(&e) => Ok(Datum::Null),
        Err(e) => Err(e),
    }
}

fn is_missing(e: &Error) -> bool {
    [
        sqlstate::UNDEFINED_TABLE,
        sqlstate::UNDEFINED_OBJECT,
        sqlstate::UNDEFINED_FUNCTION,
        sqlstate::INVALID_SCHEMA_NAME,
        sqlstate::AMBIGUOUS_FUNCTION,
    ]
    .contains(&e.code())
}
