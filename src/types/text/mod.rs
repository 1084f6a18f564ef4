//! # Text forms
//!
//! What PostgreSQL calls the input and output functions of the types: [`parse`] reads a text as a
//! value of a type, [`format_typed`] writes it. Every session setting that matters comes in a
//! [`SessionFormat`].
//!
//! Invariants: what is written reads back as the same value; a text that is no value of the type is
//! 22P02 (22007 for dates, 22003 for numbers out of range) in PostgreSQL's words.
//!
//! What it is not: SQL's literals (`syntax`) or conversions between types (`cast`).

mod array;
mod float;
mod scalar;

use std::fmt::Write as _;
use std::sync::Arc;

pub use super::session::{
    ByteaOutput, DateOrder, DateStyle, IntervalStyle, NameResolver, SessionFormat,
};
pub use float::{float_with_digits, parse_f32, parse_f64};

use super::cast::{CastContext, apply_modifier};
use super::{Array, ColumnType, Datum, Interval, Numeric, Type, datetime, json, oid, typmod};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::limits;

/// `22P02`: the text is no value of the type.
pub(super) fn invalid_syntax(type_name: &str, text: &str) -> Error {
    Error::new(
        sqlstate::INVALID_TEXT_REPRESENTATION,
        format!("invalid input syntax for type {type_name}: \"{text}\""),
    )
}

/// The input function of a type.
pub fn parse(ty: &Type, text: &str, format: &SessionFormat) -> Result<Datum> {
    parse_with(ty, -1, text, format)
}

/// The same for a column: the modifier is applied as on input (a string that is too long is an
/// error unless only blanks are lost).
pub fn parse_column(ty: &ColumnType, text: &str, format: &SessionFormat) -> Result<Datum> {
    let value = parse_with(&ty.ty, ty.modifier, text, format)?;
    if ty.modifier < 0 { Ok(value) } else { apply_modifier(&value, ty, CastContext::Assignment) }
}

fn parse_with(ty: &Type, modifier: i32, text: &str, format: &SessionFormat) -> Result<Datum> {
    Ok(match ty {
        Type::Bool => Datum::Bool(scalar::boolean(text)?),
        Type::Int2 => Datum::Int2(scalar::integer(text, "smallint")?),
        Type::Int4 => Datum::Int4(scalar::integer(text, "integer")?),
        Type::Int8 => Datum::Int8(scalar::integer(text, "bigint")?),
        Type::Float4 => Datum::Float4(float::parse_f32(text)?),
        Type::Float8 => Datum::Float8(float::parse_f64(text)?),
        Type::Numeric => Datum::Numeric(Numeric::parse(text)?),
        Type::Text | Type::Varchar | Type::Bpchar | Type::Unknown => Datum::text(text),
        Type::Name => Datum::text(cut_name(text)),
        Type::Char => Datum::Char(scalar::one_byte(text)),
        Type::Bytea => Datum::Bytea(Arc::from(scalar::bytea(text)?)),
        Type::Date => Datum::Date(datetime::parse_date(text, format)?),
        Type::Time => Datum::Time(datetime::parse_time(text, modifier, format)?),
        Type::Timetz => {
            let (time, zone) = datetime::parse_timetz(text, modifier, format)?;
            Datum::Timetz(time, zone)
        }
        Type::Timestamp => Datum::Timestamp(datetime::parse_timestamp(text, modifier, format)?),
        Type::Timestamptz => {
            Datum::Timestamptz(datetime::parse_timestamptz(text, modifier, format)?)
        }
        Type::Interval => Datum::Interval(Interval::parse(text, modifier)?),
        Type::Uuid => Datum::Uuid(scalar::uuid(text)?),
        Type::Json => {
            json::validate(text)?;
            Datum::Json(Arc::from(text))
        }
        Type::Jsonb => Datum::Jsonb(Arc::new(json::parse(text)?)),
        Type::Oid => Datum::Oid(scalar::oid(text)?),
        Type::Regclass | Type::Regtype | Type::Regproc | Type::Regnamespace | Type::Regrole => {
            Datum::Oid(named_oid(ty, text, format)?)
        }
        Type::Int2Vector => vector(Type::Int2, text, format)?,
        Type::OidVector => vector(Type::Oid, text, format)?,
        Type::Array(element) => {
            Datum::Array(Arc::new(array::parse(element, modifier, text, format)?))
        }
        Type::Record => {
            return Err(Error::unsupported("input of anonymous composite types"));
        }
        Type::Void => Datum::Null,
        Type::Enum(own) => Datum::Enum(Arc::clone(own.labelled(text)?)),
    })
}

/// A name cut to the length of identifiers, at a character's boundary.
pub(super) fn cut_name(name: &str) -> &str {
    let mut end = name.len().min(limits::IDENTIFIER_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// `regclass` and its kin: a number, `-` for none, or a name that the session resolves.
fn named_oid(ty: &Type, text: &str, format: &SessionFormat) -> Result<u32> {
    if text == "-" {
        return Ok(0);
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return scalar::oid(text);
    }
    if let Some(names) = &format.names {
        return names.oid_of(ty, text);
    }
    let (code, kind) = match ty {
        Type::Regtype => {
            if let Some(found) = oid::type_from_name(text) {
                return Ok(oid::oid(&found));
            }
            (sqlstate::UNDEFINED_OBJECT, "type")
        }
        Type::Regclass => (sqlstate::UNDEFINED_TABLE, "relation"),
        Type::Regproc => (sqlstate::UNDEFINED_FUNCTION, "function"),
        Type::Regrole => (sqlstate::UNDEFINED_OBJECT, "role"),
        _ => (sqlstate::INVALID_SCHEMA_NAME, "schema"),
    };
    Err(Error::new(code, format!("{kind} \"{text}\" does not exist")))
}

/// `int2vector` and `oidvector`: numbers with blanks between them, counted from 0.
fn vector(element: Type, text: &str, format: &SessionFormat) -> Result<Datum> {
    let items: Vec<Datum> = text
        .split_ascii_whitespace()
        .map(|word| parse(&element, word, format))
        .collect::<Result<_>>()?;
    let dimensions = vec![(items.len(), 0)];
    Ok(Datum::Array(Arc::new(Array { element, dimensions, items })))
}

/// Appends the text form of a value; NULL appends nothing.
pub fn format(value: &Datum, format: &SessionFormat, out: &mut String) {
    // Formatting into a String cannot fail.
    let _ = match value {
        Datum::Null => Ok(()),
        Datum::Bool(b) => {
            out.push(if *b { 't' } else { 'f' });
            Ok(())
        }
        Datum::Int2(n) => write!(out, "{n}"),
        Datum::Int4(n) => write!(out, "{n}"),
        Datum::Int8(n) => write!(out, "{n}"),
        Datum::Oid(n) => write!(out, "{n}"),
        Datum::Numeric(n) => write!(out, "{n}"),
        Datum::Float4(x) => {
            float::write_f32(*x, format.extra_float_digits, out);
            Ok(())
        }
        Datum::Float8(x) => {
            float::write_f64(*x, format.extra_float_digits, out);
            Ok(())
        }
        Datum::Text(s) | Datum::Json(s) => {
            out.push_str(s);
            Ok(())
        }
        Datum::Enum(member) => {
            out.push_str(&member.label);
            Ok(())
        }
        Datum::Char(b) => {
            scalar::write_one_byte(*b, out);
            Ok(())
        }
        Datum::Bytea(bytes) => {
            scalar::write_bytea(bytes, format.bytea_output, out);
            Ok(())
        }
        other => {
            format_composed(other, format, out);
            Ok(())
        }
    };
}

/// The types whose forms live in other files.
fn format_composed(value: &Datum, format: &SessionFormat, out: &mut String) {
    match value {
        Datum::Date(d) => datetime::write_date(*d, format, out),
        Datum::Time(t) => datetime::write_time(*t, out),
        Datum::Timetz(t, west) => datetime::write_timetz(*t, *west, out),
        Datum::Timestamp(t) => datetime::write_timestamp(*t, format, out),
        Datum::Timestamptz(t) => datetime::write_timestamptz(*t, format, out),
        Datum::Interval(i) => i.write(format, out),
        Datum::Uuid(bytes) => scalar::write_uuid(bytes, out),
        Datum::Jsonb(value) => json::write(value, out),
        Datum::Array(a) => array::write(a, &a.element, format, out),
        Datum::Record(items) => array::write_record(items, format, out),
        _ => {}
    }
}

/// The same where the value alone does not say enough: `regclass` and its kin show names,
/// `int2vector` shows no braces.
pub fn format_typed(value: &Datum, ty: &Type, session: &SessionFormat, out: &mut String) {
    match (value, ty) {
        (
            Datum::Oid(oid),
            Type::Regclass | Type::Regtype | Type::Regproc | Type::Regnamespace | Type::Regrole,
        ) => write_named_oid(*oid, ty, session, out),
        (Datum::Array(a), Type::Int2Vector | Type::OidVector) => {
            for (i, item) in a.items.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                format(item, session, out);
            }
        }
        (Datum::Array(a), Type::Array(element)) => array::write(a, element, session, out),
        _ => format(value, session, out),
    }
}

fn write_named_oid(oid: u32, ty: &Type, session: &SessionFormat, out: &mut String) {
    if oid == 0 {
        out.push('-');
        return;
    }
    let name = session.names.as_ref().and_then(|names| names.name_of(ty, oid));
    let name = name.or_else(|| match ty {
        Type::Regtype => oid::type_from_oid(oid).map(|t| oid::format_type(&t, -1)),
        _ => None,
    });
    match name {
        Some(name) => out.push_str(&name),
        None => {
            let _ = write!(out, "{oid}");
        }
    }
}

/// The text form of a value of a type.
pub fn to_string(value: &Datum, ty: &Type, format: &SessionFormat) -> String {
    let mut out = String::new();
    format_typed(value, ty, format, &mut out);
    out
}

/// A moment in UTC, as a `timestamp` is written.
pub fn utc(at: Timestamp) -> String {
    to_string(&Datum::Timestamp(at.sql_micros()), &Type::Timestamp, &SessionFormat::default())
}

/// Quotes a string literal, as `quote_literal` does.
pub fn quote_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

/// The length of a `varchar(n)` or `char(n)` if it has one.
pub fn length_of(ty: &ColumnType) -> Option<usize> {
    match ty.ty {
        Type::Varchar | Type::Bpchar => typmod::char_length(ty.modifier),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
