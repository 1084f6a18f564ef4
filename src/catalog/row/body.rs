//! One value as bytes: a *kind*, which says how long the bytes are and how to skip them, and the
//! *body*. What the bytes mean is up to the type.
//!
//! | kind | body |
//! |---|---|
//! | 0 | none: NULL |
//! | 1, 2 | none: false, true |
//! | 3 | none: the integer 0 |
//! | 4 … 8 | an integer of 1, 2, 4, 6, 8 bytes, little end first, sign extended |
//! | 9, 10 | a float of 4, 8 bytes, its bits little end first |
//! | 11 | sixteen bytes: uuid; interval as microseconds, days, months |
//! | 12 | a length as varint, then so many bytes |
//!
//! Bytes of kind 12: text and json as UTF-8, bytea as it is, an enum's member as its place, `"char"` one byte, timetz as varints,
//! numeric in PostgreSQL's binary form, jsonb as its text, arrays and rows as below.
//!
//! ```text
//!   array   dimensions │ (length, lower bound) … │ (kind, body) …
//!   row     fields │ (type, kind, body) …
//! ```

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::datum::DatumRef;
use crate::error::{Error, Result};
use crate::types::{Array, Datum, Interval, Type, binary, json};

pub(super) const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const ZERO: u8 = 3;
const INT8: u8 = 4;
const INT16: u8 = 5;
const INT32: u8 = 6;
const INT48: u8 = 7;
const INT64: u8 = 8;
const FLOAT32: u8 = 9;
const FLOAT64: u8 = 10;
const SIXTEEN: u8 = 11;
const BYTES: u8 = 12;

/// Bytes of the body by kind; `VARIABLE` and `UNKNOWN` are no lengths.
const WIDTH: [u8; 16] = [0, 0, 0, 0, 1, 2, 4, 6, 8, 4, 8, 16, VARIABLE, UNKNOWN, UNKNOWN, UNKNOWN];
const VARIABLE: u8 = 0xFE;
const UNKNOWN: u8 = 0xFF;

/// Dimensions of an array, as in PostgreSQL.
const DIMENSIONS_MAX: u64 = 6;

/// Nesting of rows and arrays in a value: deeper ones are refused on the way in and out.
const DEPTH_MAX: usize = 64;

pub(super) fn corrupt(what: &str) -> Error {
    Error::corrupt(format!("stored row is damaged: {what}"))
}

/// Appends an unsigned number, seven bits to the byte, least significant first.
pub(super) fn push_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Reads an unsigned number and moves past it.
pub(super) fn take_varint(input: &mut &[u8]) -> Result<u64> {
    let mut n = 0u64;
    let mut shift = 0;
    loop {
        let (&byte, rest) = input.split_first().ok_or_else(|| corrupt("a number is cut short"))?;
        *input = rest;
        if shift == 63 && byte > 1 {
            return Err(corrupt("a number is too large"));
        }
        n |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(n);
        }
        shift += 7;
    }
}

fn push_zigzag(out: &mut Vec<u8>, n: i64) {
    push_varint(out, ((n << 1) ^ (n >> 63)) as u64);
}

fn take_zigzag(input: &mut &[u8]) -> Result<i64> {
    let n = take_varint(input)?;
    Ok((n >> 1) as i64 ^ -((n & 1) as i64))
}

/// Takes the body that follows a kind and moves past it.
#[inline]
pub(super) fn take_body<'a>(input: &mut &'a [u8], kind: u8) -> Result<&'a [u8]> {
    let length = match WIDTH.get(usize::from(kind)).copied().unwrap_or(UNKNOWN) {
        UNKNOWN => return Err(corrupt("a value is of no known kind")),
        VARIABLE => usize::try_from(take_varint(input)?).unwrap_or(usize::MAX),
        width => usize::from(width),
    };
    let (body, rest) =
        input.split_at_checked(length).ok_or_else(|| corrupt("a value is cut short"))?;
    *input = rest;
    Ok(body)
}

/// Appends the body of a value and returns its kind.
pub(super) fn push_body(out: &mut Vec<u8>, ty: &Type, datum: &Datum) -> Result<u8> {
    push_body_at(out, ty, datum, 0)
}

fn push_body_at(out: &mut Vec<u8>, ty: &Type, datum: &Datum, depth: usize) -> Result<u8> {
    Ok(match (ty, datum) {
        (_, Datum::Null) => NULL,
        (Type::Bool, Datum::Bool(false)) => FALSE,
        (Type::Bool, Datum::Bool(true)) => TRUE,
        (Type::Int2, Datum::Int2(n)) => push_int(out, i64::from(*n)),
        (Type::Int4, Datum::Int4(n)) | (Type::Date, Datum::Date(n)) => push_int(out, i64::from(*n)),
        (Type::Int8, Datum::Int8(n))
        | (Type::Time, Datum::Time(n))
        | (Type::Timestamp, Datum::Timestamp(n))
        | (Type::Timestamptz, Datum::Timestamptz(n)) => push_int(out, *n),
        (
            Type::Oid
            | Type::Regclass
            | Type::Regtype
            | Type::Regproc
            | Type::Regnamespace
            | Type::Regrole,
            Datum::Oid(n),
        ) => push_int(out, i64::from(*n)),
        (Type::Float4, Datum::Float4(n)) => {
            out.extend_from_slice(&n.to_bits().to_le_bytes());
            FLOAT32
        }
        (Type::Float8, Datum::Float8(n)) => {
            out.extend_from_slice(&n.to_bits().to_le_bytes());
            FLOAT64
        }
        (
            Type::Text | Type::Varchar | Type::Bpchar | Type::Name | Type::Unknown,
            Datum::Text(text),
        )
        | (Type::Json, Datum::Json(text)) => push_bytes(out, text.as_bytes()),
        (Type::Enum(_), Datum::Enum(member)) => push_bytes(out, &member.place),
        // Within a row, where only the value's own type is known.
        (Type::Text, Datum::Enum(member)) => push_bytes(out, member.label.as_bytes()),
        (Type::Bytea, Datum::Bytea(bytes)) => push_bytes(out, bytes),
        (Type::Char, Datum::Char(c)) => push_bytes(out, &[*c]),
        (Type::Uuid, Datum::Uuid(bytes)) => {
            out.extend_from_slice(bytes);
            SIXTEEN
        }
        (Type::Interval, Datum::Interval(i)) => {
            out.extend_from_slice(&i.micros.to_le_bytes());
            out.extend_from_slice(&i.days.to_le_bytes());
            out.extend_from_slice(&i.months.to_le_bytes());
            SIXTEEN
        }
        (Type::Timetz, Datum::Timetz(micros, zone)) => push_counted(out, |out| {
            push_zigzag(out, *micros);
            push_zigzag(out, i64::from(*zone));
            Ok(())
        })?,
        (Type::Numeric, Datum::Numeric(_)) => {
            push_counted(out, |out| binary::encode(datum, ty, out))?
        }
        (Type::Jsonb, Datum::Jsonb(value)) => {
            let mut text = String::new();
            json::write(value, &mut text);
            push_bytes(out, text.as_bytes())
        }
        (Type::Array(element), Datum::Array(array)) => {
            push_counted(out, |out| push_array(out, element, array, depth))?
        }
        (Type::Int2Vector, Datum::Array(array)) => {
            push_counted(out, |out| push_array(out, &Type::Int2, array, depth))?
        }
        (Type::OidVector, Datum::Array(array)) => {
            push_counted(out, |out| push_array(out, &Type::Oid, array, depth))?
        }
        (Type::Record, Datum::Record(fields)) => {
            push_counted(out, |out| push_record(out, fields, depth))?
        }
        _ => {
            return Err(Error::internal(format!(
                "a value of another type was given for a column of type {ty}"
            )));
        }
    })
}

#[inline]
fn push_int(out: &mut Vec<u8>, n: i64) -> u8 {
    let bytes = n.to_le_bytes();
    // Bits beyond the sign bit, rounded up to a width that exists.
    let (kind, width) = match 65 - (n ^ (n >> 63)).leading_zeros() {
        _ if n == 0 => return ZERO,
        0..=8 => (INT8, 1),
        9..=16 => (INT16, 2),
        17..=32 => (INT32, 4),
        33..=48 => (INT48, 6),
        _ => (INT64, 8),
    };
    out.extend_from_slice(&bytes[..width]);
    kind
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> u8 {
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
    BYTES
}

/// Writes bytes whose number is known only afterwards.
fn push_counted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<u8> {
    let mut inner = Vec::with_capacity(32);
    write(&mut inner)?;
    Ok(push_bytes(out, &inner))
}

/// Appends kind and body.
fn push_item(out: &mut Vec<u8>, ty: &Type, datum: &Datum, depth: usize) -> Result<()> {
    if depth >= DEPTH_MAX {
        return Err(Error::unsupported("a value nested so deeply"));
    }
    let at = out.len();
    out.push(0);
    let kind = push_body_at(out, ty, datum, depth + 1)?;
    if let Some(byte) = out.get_mut(at) {
        *byte = kind;
    }
    Ok(())
}

fn push_array(out: &mut Vec<u8>, element: &Type, array: &Array, depth: usize) -> Result<()> {
    push_varint(out, array.dimensions.len() as u64);
    for (length, lower) in &array.dimensions {
        push_varint(out, *length as u64);
        push_zigzag(out, i64::from(*lower));
    }
    array.items.iter().try_for_each(|item| push_item(out, element, item, depth))
}

fn push_record(out: &mut Vec<u8>, fields: &[Datum], depth: usize) -> Result<()> {
    push_varint(out, fields.len() as u64);
    for field in fields {
        let ty = field.shown_type();
        push_type(out, &ty)?;
        push_item(out, &ty, field, depth)?;
    }
    Ok(())
}

/// Gives the meaning of a body.
#[inline]
pub(super) fn read_body<'a>(kind: u8, body: &'a [u8], ty: &Type) -> Result<DatumRef<'a>> {
    read_body_at(kind, body, ty, 0)
}

fn read_body_at<'a>(kind: u8, body: &'a [u8], ty: &Type, depth: usize) -> Result<DatumRef<'a>> {
    Ok(match (ty, kind) {
        (_, NULL) => DatumRef::Null,
        (Type::Bool, FALSE) => DatumRef::Bool(false),
        (Type::Bool, TRUE) => DatumRef::Bool(true),
        (Type::Int8 | Type::Time | Type::Timestamp | Type::Timestamptz, ZERO..=INT64) => {
            DatumRef::Int(read_int(kind, body)?)
        }
        (Type::Int4 | Type::Date, ZERO..=INT64) => {
            within(read_int(kind, body)?, i64::from(i32::MIN), i64::from(i32::MAX))?
        }
        (Type::Int2, ZERO..=INT64) => {
            within(read_int(kind, body)?, i64::from(i16::MIN), i64::from(i16::MAX))?
        }
        (
            Type::Oid
            | Type::Regclass
            | Type::Regtype
            | Type::Regproc
            | Type::Regnamespace
            | Type::Regrole,
            ZERO..=INT64,
        ) => within(read_int(kind, body)?, 0, i64::from(u32::MAX))?,
        (Type::Float4, FLOAT32) => {
            Datum::Float4(f32::from_bits(u32::from_le_bytes(exact(body)?))).into()
        }
        (Type::Float8, FLOAT64) => {
            DatumRef::Float(f64::from_bits(u64::from_le_bytes(exact(body)?)))
        }
        (
            Type::Text | Type::Varchar | Type::Bpchar | Type::Name | Type::Unknown | Type::Json,
            BYTES,
        ) => DatumRef::Text(utf8(body)?),
        (Type::Enum(own), BYTES) => {
            let member = own.at(body).ok_or_else(|| corrupt("an enum has no such member"))?;
            DatumRef::Owned(Datum::Enum(Arc::clone(member)))
        }
        (Type::Bytea, BYTES) => DatumRef::Bytes(body),
        (Type::Char, BYTES) => DatumRef::Owned(Datum::Char(u8::from_le_bytes(exact(body)?))),
        (Type::Uuid, SIXTEEN) => DatumRef::Owned(Datum::Uuid(exact(body)?)),
        (Type::Interval, SIXTEEN) => {
            let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = exact(body)?;
            DatumRef::Owned(Datum::Interval(Interval {
                micros: i64::from_le_bytes([a, b, c, d, e, f, g, h]),
                days: i32::from_le_bytes([i, j, k, l]),
                months: i32::from_le_bytes([m, n, o, p]),
            }))
        }
        (Type::Timetz, BYTES) => {
            let mut rest = body;
            let micros = take_zigzag(&mut rest)?;
            let zone = i32::try_from(take_zigzag(&mut rest)?)
                .map_err(|_| corrupt("a time zone is out of range"))?;
            DatumRef::Owned(Datum::Timetz(micros, zone))
        }
        (Type::Numeric, BYTES) => {
            let read = binary::decode(ty, body);
            DatumRef::Owned(read.map_err(|_| corrupt("a numeric cannot be read"))?)
        }
        (Type::Jsonb, BYTES) => {
            let read = json::parse(utf8(body)?);
            let value = read.map_err(|_| corrupt("a jsonb value cannot be read"))?;
            DatumRef::Owned(Datum::Jsonb(Arc::new(value)))
        }
        (Type::Array(element), BYTES) => read_array(body, element, depth)?,
        (Type::Int2Vector, BYTES) => read_array(body, &Type::Int2, depth)?,
        (Type::OidVector, BYTES) => read_array(body, &Type::Oid, depth)?,
        (Type::Record, BYTES) => {
            let mut rest = body;
            let count = take_count(&mut rest)?;
            let mut fields = Vec::with_capacity(count);
            for _ in 0..count {
                let ty = take_type(&mut rest, depth)?;
                fields.push(take_item(&mut rest, &ty, depth)?);
            }
            DatumRef::Owned(Datum::Record(Arc::from(fields)))
        }
        _ => return Err(corrupt("a value does not have its column's type")),
    })
}

#[inline]
fn read_int(kind: u8, body: &[u8]) -> Result<i64> {
    Ok(match kind {
        ZERO => 0,
        INT8 => i64::from(i8::from_le_bytes(exact(body)?)),
        INT16 => i64::from(i16::from_le_bytes(exact(body)?)),
        INT32 => i64::from(i32::from_le_bytes(exact(body)?)),
        INT48 => {
            let [a, b, c, d, e, f] = exact(body)?;
            i64::from_le_bytes([0, 0, a, b, c, d, e, f]) >> 16
        }
        _ => i64::from_le_bytes(exact(body)?),
    })
}

#[inline]
fn within<'a>(n: i64, low: i64, high: i64) -> Result<DatumRef<'a>> {
    if n < low || n > high {
        return Err(corrupt("a number is out of its type's range"));
    }
    Ok(DatumRef::Int(n))
}

#[inline]
fn exact<const N: usize>(body: &[u8]) -> Result<[u8; N]> {
    body.try_into().map_err(|_| corrupt("a value has the wrong length"))
}

fn utf8(body: &[u8]) -> Result<&str> {
    std::str::from_utf8(body).map_err(|_| corrupt("a text is not UTF-8"))
}

/// A number of things of at least one byte each: more than there are bytes is a lie.
fn take_count(input: &mut &[u8]) -> Result<usize> {
    let count = take_varint(input)?;
    match usize::try_from(count) {
        Ok(count) if count <= input.len() => Ok(count),
        _ => Err(corrupt("a value is cut short")),
    }
}

fn take_item(input: &mut &[u8], ty: &Type, depth: usize) -> Result<Datum> {
    if depth >= DEPTH_MAX {
        return Err(corrupt("a value is nested too deeply"));
    }
    let (&kind, rest) = input.split_first().ok_or_else(|| corrupt("a value is cut short"))?;
    *input = rest;
    let body = take_body(input, kind)?;
    Ok(read_body_at(kind, body, ty, depth + 1)?.to_datum(ty))
}

fn read_array<'a>(body: &'a [u8], element: &Type, depth: usize) -> Result<DatumRef<'a>> {
    let mut rest = body;
    let count = take_varint(&mut rest)?;
    if count > DIMENSIONS_MAX {
        return Err(corrupt("an array has too many dimensions"));
    }
    let mut dimensions = Vec::new();
    let mut total = usize::from(count > 0);
    for _ in 0..count {
        let length = usize::try_from(take_varint(&mut rest)?).unwrap_or(usize::MAX);
        let lower = i32::try_from(take_zigzag(&mut rest)?)
            .map_err(|_| corrupt("an array's lower bound is out of range"))?;
        total = total.checked_mul(length).ok_or_else(|| corrupt("an array is too large"))?;
        dimensions.push((length, lower));
    }
    if total > rest.len() {
        return Err(corrupt("an array is cut short"));
    }
    let mut items = Vec::with_capacity(total);
    for _ in 0..total {
        items.push(take_item(&mut rest, element, depth)?);
    }
    let element = element.clone();
    Ok(DatumRef::Owned(Datum::Array(Arc::new(Array { element, dimensions, items }))))
}

/// The numbers of types in stored rows. Append only.
const TYPES: &[Type] = &[
    Type::Unknown,
    Type::Bool,
    Type::Int2,
    Type::Int4,
    Type::Int8,
    Type::Float4,
    Type::Float8,
    Type::Numeric,
    Type::Text,
    Type::Varchar,
    Type::Bpchar,
    Type::Name,
    Type::Char,
    Type::Bytea,
    Type::Date,
    Type::Time,
    Type::Timetz,
    Type::Timestamp,
    Type::Timestamptz,
    Type::Interval,
    Type::Uuid,
    Type::Json,
    Type::Jsonb,
    Type::Oid,
    Type::Regclass,
    Type::Regtype,
    Type::Regproc,
    Type::Regnamespace,
    Type::Int2Vector,
    Type::OidVector,
    Type::Record,
    Type::Void,
    Type::Regrole,
];

/// Says that the element type of an array follows.
const ARRAY_OF: u8 = 0xFF;

fn push_type(out: &mut Vec<u8>, ty: &Type) -> Result<()> {
    if let Type::Array(element) = ty {
        out.push(ARRAY_OF);
        return push_type(out, element);
    }
    let number = TYPES.iter().position(|t| t == ty).and_then(|n| u8::try_from(n).ok());
    out.push(number.ok_or_else(|| Error::internal(format!("type {ty} has no number")))?);
    Ok(())
}

fn take_type(input: &mut &[u8], depth: usize) -> Result<Type> {
    let (&number, rest) = input.split_first().ok_or_else(|| corrupt("a row is cut short"))?;
    *input = rest;
    if number == ARRAY_OF {
        if depth >= DEPTH_MAX {
            return Err(corrupt("a value is nested too deeply"));
        }
        return Ok(Type::Array(Box::new(take_type(input, depth + 1)?)));
    }
    TYPES.get(usize::from(number)).cloned().ok_or_else(|| corrupt("a row has an unknown type"))
}

/// Appends a value of a type, NULL or not, so that [`take_datum`] reads it back.
pub fn push_datum(out: &mut Vec<u8>, ty: &Type, datum: &Datum) -> Result<()> {
    push_item(out, ty, datum, 0)
}

/// Reads what [`push_datum`] appended and moves past it.
pub fn take_datum(input: &mut &[u8], ty: &Type) -> Result<Datum> {
    take_item(input, ty, 0)
}

/// A value as text for `ColumnDescriptor::missing`.
pub fn freeze(ty: &Type, datum: &Datum) -> Result<String> {
    let mut bytes = Vec::new();
    push_item(&mut bytes, ty, datum, 0)?;
    Ok(STANDARD_NO_PAD.encode(bytes))
}

/// Reads what [`freeze`] wrote.
pub fn thaw(ty: &Type, text: &str) -> Result<Datum> {
    let bytes =
        STANDARD_NO_PAD.decode(text).map_err(|_| corrupt("a column's old value is unreadable"))?;
    take_item(&mut bytes.as_slice(), ty, 0)
}
