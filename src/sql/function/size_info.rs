//! How much room things take: `pg_relation_size`, `pg_database_size` and kin. The store knows
//! roughly how many bytes a stretch of keys has, versions that were overwritten included.

use super::args::{oid, txt};
use super::row::{Row, f, t, typed};
use crate::catalog::names;
use crate::error::{Error, Result, sqlstate};
use crate::keys::{Span, index_span, table_span};
use crate::kv::Family;
use crate::sql::exec::context::EvalContext;
use crate::sql::pg_catalog::definition;
use crate::types::{Datum, Type, text};

pub(super) const FUNCTIONS: &[Row] = &[
    f(2325, "pg_relation_size", "regclass", "int8", |c, a| relation(c, oid(a, 0)?)).volatile(),
    f(2332, "pg_relation_size", "regclass text", "int8", |c, a| match &**txt(a, 1)? {
        "main" => relation(c, oid(a, 0)?),
        // There are no other files than the data itself.
        "fsm" | "vm" | "init" => Ok(Datum::Int8(0)),
        _ => Err(Error::new(sqlstate::INVALID_PARAMETER_VALUE, "invalid fork name")
            .with_hint("Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\".")),
    })
    .volatile(),
    f(2997, "pg_table_size", "regclass", "int8", |c, a| relation(c, oid(a, 0)?)).volatile(),
    f(2998, "pg_indexes_size", "regclass", "int8", |c, a| indexes(c, oid(a, 0)?)).volatile(),
    f(2286, "pg_total_relation_size", "regclass", "int8", |c, a| {
        let number = oid(a, 0)?;
        match c.catalog.table_any_state(number) {
            Some(_) => bytes(c, &table_span(number)),
            None => relation(c, number),
        }
    })
    .volatile(),
    f(2168, "pg_database_size", "name", "int8", |c, a| {
        let id = names::resolve_database(c.catalog, txt(a, 0)?)?.id;
        database(c, id)
    })
    .volatile(),
    f(2324, "pg_database_size", "oid", "int8", |c, a| match c.catalog.database(oid(a, 0)?) {
        Some(found) => database(c, found.id),
        None => Ok(Datum::Null),
    })
    .volatile(),
    f(2322, "pg_tablespace_size", "oid", "int8", |c, _| everything(c)).volatile(),
    f(2323, "pg_tablespace_size", "name", "int8", |c, _| everything(c)).volatile(),
    f(3778, "pg_tablespace_location", "oid", "text", |_, _| Ok(Datum::text(""))).stable(),
    f(3334, "pg_size_bytes", "text", "int8", |_, a| size_of_words(txt(a, 0)?)),
    t(1269, "pg_column_size", "any", "int4", typed!(value_size)).stable(),
];

/// Roughly the bytes of a stretch of keys.
fn bytes(context: &EvalContext<'_>, span: &Span) -> Result<Datum> {
    let bytes = context.server.mvcc.engine().approximate_bytes(Family::Versions, span)?;
    Ok(Datum::Int8(i64::try_from(bytes).unwrap_or(i64::MAX)))
}

/// The bytes of a table's rows, or of one index; NULL for what is neither.
fn relation(context: &EvalContext<'_>, number: u32) -> Result<Datum> {
    if let Some(table) = context.catalog.table_any_state(number) {
        return match table.has_rows() {
            true => bytes(context, &index_span(table.id, table.primary_index.id)),
            false if table.sequence().is_some() => bytes(context, &table_span(table.id)),
            false => Ok(Datum::Int8(0)),
        };
    }
    if let Some((table, index)) = definition::index_with_oid(context.catalog, number) {
        return bytes(context, &index_span(table.id, index.id));
    }
    let made_up = crate::sql::pg_catalog::virtual_table_by_oid(number);
    Ok(made_up.map(|_| Datum::Int8(0)).into())
}

/// The bytes of all secondary indexes of a table.
fn indexes(context: &EvalContext<'_>, number: u32) -> Result<Datum> {
    let Some(table) = context.catalog.table_any_state(number) else { return Ok(Datum::Null) };
    let mut total = 0i64;
    for index in &table.indexes {
        if let Datum::Int8(bytes) = bytes(context, &index_span(table.id, index.id))? {
            total = total.saturating_add(bytes);
        }
    }
    Ok(Datum::Int8(total))
}

fn database(context: &EvalContext<'_>, id: u32) -> Result<Datum> {
    let mut total = 0i64;
    for table in context.catalog.tables_any_state().filter(|table| table.database == id) {
        if let Datum::Int8(bytes) = bytes(context, &table_span(table.id))? {
            total = total.saturating_add(bytes);
        }
    }
    Ok(Datum::Int8(total))
}

fn everything(context: &EvalContext<'_>) -> Result<Datum> {
    bytes(context, &Span::all())
}

/// `1.5 GB` as a number of bytes.
fn size_of_words(words: &str) -> Result<Datum> {
    let invalid =
        || Error::new(sqlstate::INVALID_PARAMETER_VALUE, format!("invalid size: \"{words}\""));
    let trimmed = words.trim();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E');
    let end = trimmed.find(|c| !is_number(c)).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "kb" => 10,
        "mb" => 20,
        "gb" => 30,
        "tb" => 40,
        "pb" => 50,
        _ => {
            return Err(invalid()
                .with_detail(format!("Invalid size unit: \"{}\".", unit.trim()))
                .with_hint(
                    "Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".",
                ));
        }
    };
    let number: f64 = number.parse().map_err(|_| invalid())?;
    let bytes = number * f64::from(1u32 << 10).powi(shift / 10);
    if !bytes.is_finite() || bytes.abs() >= 9.2e18 {
        return Err(Error::new(sqlstate::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"));
    }
    Ok(Datum::Int8(bytes.round() as i64))
}

/// The bytes of one value: those of its type, or of its text.
fn value_size(context: &mut EvalContext<'_>, types: &[Type], a: &[Datum]) -> Result<Datum> {
    let (Some(ty), Some(value)) = (types.first(), a.first()) else { return Ok(Datum::Null) };
    let fixed = crate::types::oid::type_len(ty);
    let size = match fixed {
        0.. => i32::from(fixed),
        _ => {
            let text = text::to_string(value, ty, &context.session.format);
            i32::try_from(text.len()).unwrap_or(i32::MAX)
        }
    };
    Ok(Datum::Int4(size))
}
