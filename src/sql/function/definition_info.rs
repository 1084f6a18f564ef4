//! `pg_get_expr`, `pg_get_indexdef`, `pg_get_constraintdef`, `pg_get_viewdef`, `pg_get_function_…`:
//! objects as SQL. What does not exist here (triggers, rules, partitions) has no definition: NULL.

use super::args::{i4, oid, txt};
use super::catalog_names::{scope, split_name};
use super::row::{Row, f};
use super::{Signature, function_by_oid};
use crate::catalog::descriptor::TableKind;
use crate::catalog::names;
use crate::catalog::object::ObjectRef;
use crate::error::Result;
use crate::sql::exec::context::EvalContext;
use crate::sql::pg_catalog::definition;
use crate::types::{Datum, Type, oid as type_table};

pub(super) const FUNCTIONS: &[Row] = &[
    // What the catalogue shows in place of trees is readable already.
    f(1716, "pg_get_expr", "text oid", "text", |_, a| Ok(Datum::Text(txt(a, 0)?.clone()))).stable(),
    f(2509, "pg_get_expr", "text oid bool", "text", |_, a| Ok(Datum::Text(txt(a, 0)?.clone())))
        .stable(),
    f(1643, "pg_get_indexdef", "oid", "text", |c, a| Ok(index(c, oid(a, 0)?, 0))).stable(),
    f(2507, "pg_get_indexdef", "oid int4 bool", "text", |c, a| Ok(index(c, oid(a, 0)?, i4(a, 1)?)))
        .stable(),
    f(1387, "pg_get_constraintdef", "oid", "text", |c, a| Ok(constraint(c, oid(a, 0)?))).stable(),
    f(2508, "pg_get_constraintdef", "oid bool", "text", |c, a| Ok(constraint(c, oid(a, 0)?)))
        .stable(),
    f(1641, "pg_get_viewdef", "oid", "text", |c, a| Ok(view_query(c, oid(a, 0)?))).stable(),
    f(2506, "pg_get_viewdef", "oid bool", "text", |c, a| Ok(view_query(c, oid(a, 0)?))).stable(),
    f(3159, "pg_get_viewdef", "oid int4", "text", |c, a| Ok(view_query(c, oid(a, 0)?))).stable(),
    f(1640, "pg_get_viewdef", "text", "text", named_view).stable(),
    f(2505, "pg_get_viewdef", "text bool", "text", named_view).stable(),
    f(1573, "pg_get_ruledef", "oid", "text", |_, _| Ok(Datum::Null)).stable(),
    f(2504, "pg_get_ruledef", "oid bool", "text", |_, _| Ok(Datum::Null)).stable(),
    f(1662, "pg_get_triggerdef", "oid", "text", |_, _| Ok(Datum::Null)).stable(),
    f(2730, "pg_get_triggerdef", "oid bool", "text", |_, _| Ok(Datum::Null)).stable(),
    f(3352, "pg_get_partkeydef", "oid", "text", |_, _| Ok(Datum::Null)).stable(),
    f(3408, "pg_get_partition_constraintdef", "oid", "text", |_, _| Ok(Datum::Null)).stable(),
    f(3415, "pg_get_statisticsobjdef", "oid", "text", |_, _| Ok(Datum::Null)).stable(),
    f(6174, "pg_get_statisticsobjdef_columns", "oid", "text", |_, _| Ok(Datum::Null)).stable(),
    f(2162, "pg_get_function_arguments", "oid", "text", |_, a| Ok(arguments(oid(a, 0)?))).stable(),
    f(2232, "pg_get_function_identity_arguments", "oid", "text", |_, a| Ok(arguments(oid(a, 0)?)))
        .stable(),
    f(2165, "pg_get_function_result", "oid", "text", |_, a| Ok(result(oid(a, 0)?))).stable(),
    // No function has a body in SQL.
    f(6197, "pg_get_function_sqlbody", "oid", "text", |_, _| Ok(Datum::Null)).stable(),
];

/// CREATE INDEX, or the name of one column counted from 1; NULL for what is no index.
fn index(context: &EvalContext<'_>, number: u32, column: i32) -> Datum {
    let Some((table, index)) = definition::index_with_oid(context.catalog, number) else {
        return Datum::Null;
    };
    let Ok(column) = usize::try_from(column) else { return Datum::text("") };
    match column.checked_sub(1) {
        None => Datum::text(definition::index_sql(context.catalog, table, index)),
        Some(at) => Datum::text(definition::index_column(table, index, at).unwrap_or_default()),
    }
}

fn constraint(context: &EvalContext<'_>, number: u32) -> Datum {
    let found = definition::constraint(context.catalog, number);
    found.map(|(table, constraint)| Datum::text(constraint.sql(context.catalog, table))).into()
}

/// The query of a view; NULL for anything else.
fn view_query(context: &EvalContext<'_>, number: u32) -> Datum {
    let Some(ObjectRef::Table(table)) = context.catalog.descriptor(number) else {
        return Datum::Null;
    };
    match &table.kind {
        TableKind::View { query } | TableKind::MaterializedView { query } => {
            Datum::text(format!(" {query};"))
        }
        _ => Datum::Null,
    }
}

fn named_view(context: &mut EvalContext<'_>, a: &[Datum]) -> Result<Datum> {
    let parts = split_name(txt(a, 0)?);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let table = names::resolve_relation(context.catalog, scope(context)?, &parts)?;
    Ok(view_query(context, table.id))
}

/// A type in a signature, as `format_type` writes it.
fn word(signature: &Signature) -> String {
    match signature {
        Signature::Is(ty) => type_table::format_type(ty, -1),
        Signature::AnyElement => "anyelement".to_owned(),
        Signature::AnyArray => "anyarray".to_owned(),
        Signature::AnyNonArray => "anynonarray".to_owned(),
        Signature::AnyEnum => "anyenum".to_owned(),
        Signature::AnyCompatible => "anycompatible".to_owned(),
        Signature::AnyCompatibleArray => "anycompatiblearray".to_owned(),
        Signature::Any => "\"any\"".to_owned(),
        Signature::Record => "record".to_owned(),
    }
}

fn arguments(number: u32) -> Datum {
    let words = |params: &[Signature], names: &[&str], variadic: bool| {
        let last = params.len().saturating_sub(1);
        let words = params.iter().enumerate().map(|(i, param)| {
            let mut text =
                if variadic && i == last { "VARIADIC ".to_owned() } else { String::new() };
            if let Some(name) = names.get(i) {
                text.push_str(name);
                text.push(' ');
            }
            match param {
                Signature::Is(ty) if variadic && i == last => {
                    let array = Type::Array(Box::new(ty.clone()));
                    text.push_str(&type_table::format_type(&array, -1));
                }
                _ => text.push_str(&word(param)),
            }
            text
        });
        Datum::text(words.collect::<Vec<_>>().join(", "))
    };
    if let Some(f) = function_by_oid(number) {
        return words(&f.params, &f.names, f.variadic);
    }
    if let Some(s) = super::all_set_functions().find(|s| s.oid == number) {
        return words(&s.params, &[], s.variadic);
    }
    if let Some(a) = super::all_aggregates().find(|a| a.oid == number) {
        return if a.params.is_empty() && a.name == "count" {
            Datum::text("*")
        } else {
            words(&a.params, &[], false)
        };
    }
    let window = super::all_window_functions().find(|w| w.oid == number);
    window.map(|w| words(&w.params, &[], false)).into()
}

fn result(number: u32) -> Datum {
    if let Some(f) = function_by_oid(number) {
        return Datum::text(word(&f.result));
    }
    if let Some(s) = super::all_set_functions().find(|s| s.oid == number) {
        return match s.columns.as_slice() {
            [(_, only)] => Datum::text(format!("SETOF {}", word(only))),
            _ => Datum::text("SETOF record"),
        };
    }
    if let Some(a) = super::all_aggregates().find(|a| a.oid == number) {
        return Datum::text(word(&a.result));
    }
    let window = super::all_window_functions().find(|w| w.oid == number);
    window.map(|w| Datum::text(word(&w.result))).into()
}
