//! Lists taken apart for those who read the catalogue: options, access lists, keys.

use super::super::SetRows;
use super::super::args::{array, txt};
use super::super::row::{SetRow, srf};
use crate::catalog::privilege::Privilege;
use crate::catalog::role::{PUBLIC_ID, ROOT_ID};
use crate::error::Result;
use crate::sql::exec::context::EvalContext;
use crate::types::Datum;

pub(super) const FUNCTIONS: &[SetRow] = &[
    srf(2289, "pg_options_to_table", "_text", "option_name text, option_value text", |_, a| {
        let rows: Vec<_> = array(a, 0)?.items.iter().filter_map(option).map(Ok).collect();
        Ok(Box::new(rows.into_iter()) as SetRows)
    }),
    srf(
        1689,
        "aclexplode",
        "_text",
        "grantor oid, grantee oid, privilege_type text, is_grantable bool",
        explode,
    ),
    srf(9040, "information_schema._pg_expandarray", "anyarray", "x anyelement, n int4", |_, a| {
        Ok(numbered(array(a, 0)?.items.clone()))
    }),
    // Vectors are no arrays to the resolver.
    srf(9041, "information_schema._pg_expandarray", "int2vector", "x int2, n int4", |_, a| {
        Ok(numbered(array(a, 0)?.items.clone()))
    }),
    srf(9042, "information_schema._pg_expandarray", "oidvector", "x oid, n int4", |_, a| {
        Ok(numbered(array(a, 0)?.items.clone()))
    }),
    srf(3425, "pg_partition_ancestors", "regclass", "relid regclass", |_, _| {
        Ok(Box::new(std::iter::empty()))
    }),
];

/// `name=value` as two values.
fn option(item: &Datum) -> Option<Vec<Datum>> {
    let text = txt(std::slice::from_ref(item), 0).ok()?;
    Some(match text.split_once('=') {
        Some((name, value)) => vec![Datum::text(name), Datum::text(value)],
        None => vec![Datum::Text(text.clone()), Datum::Null],
    })
}

fn numbered(items: Vec<Datum>) -> SetRows {
    Box::new(
        items
            .into_iter()
            .enumerate()
            .map(|(i, item)| Ok(vec![item, Datum::Int4(i32::try_from(i + 1).unwrap_or(i32::MAX))])),
    )
}

/// `grantee=letters/grantor`, one row for each letter.
fn explode(context: &mut EvalContext<'_>, a: &[Datum]) -> Result<SetRows> {
    let role = |name: &str| match name {
        "" => PUBLIC_ID,
        _ => context.catalog.role(name).map_or(ROOT_ID, |role| role.id),
    };
    let mut rows = Vec::new();
    for item in &array(a, 0)?.items {
        let text = txt(std::slice::from_ref(item), 0)?;
        let Some((grantee, rest)) = text.split_once('=') else { continue };
        let Some((letters, grantor)) = rest.split_once('/') else { continue };
        // Everybody is written as nothing and numbered 0 in PostgreSQL's lists.
        let grantee = if grantee.is_empty() { 0 } else { role(grantee) };
        let mut letters = letters.chars().peekable();
        while let Some(letter) = letters.next() {
            let grantable = letters.next_if_eq(&'*').is_some();
            let found = Privilege::all().find(|p| p.acl_letter() == Some(letter));
            let name = found.map(|p| Datum::text(p.name()));
            rows.push(Ok(vec![
                Datum::Oid(role(grantor)),
                Datum::Oid(grantee),
                name.into(),
                Datum::Bool(grantable),
            ]));
        }
    }
    Ok(Box::new(rows.into_iter()))
}
