//! # Binary forms
//!
//! The forms of PostgreSQL's `send` and `receive` functions: big-endian numbers, counts from 2000,
//! numerics in digits of base 10,000. Bytes that are no value of the type are an error (22P03,
//! 22021 for text), never a panic, and no count in them is believed before the bytes are there.

use std::sync::Arc;

use super::datetime::{
    DATE_END, DATE_MIN, TIMESTAMP_END, TIMESTAMP_MIN, USECS_PER_DAY, is_infinite, is_infinite_date,
};
use super::numeric::{NumericClass, NumericParts};
use super::{Array, Datum, Interval, Numeric, Type, json, oid};
use crate::error::{Error, Result, sqlstate};

/// Most dimensions of an array, as in PostgreSQL.
const DIMENSIONS_MAX: i32 = 6;
/// Deepest nesting of rows in rows.
const RECORD_DEPTH_MAX: usize = 100;
/// Largest display scale in a numeric's header.
const NUMERIC_SCALE_MASK: u16 = 0x3fff;
const NUMERIC_NEGATIVE: u16 = 0x4000;
const NUMERIC_NAN: u16 = 0xc000;
const NUMERIC_INFINITY: u16 = 0xd000;
const NUMERIC_NEG_INFINITY: u16 = 0xf000;
/// The only version of jsonb's binary form.
const JSONB_VERSION: u8 = 1;
/// Furthest zone of a timetz, in seconds: less than 16 hours.
const ZONE_SECONDS_END: i32 = 16 * 3600;

fn invalid(message: impl Into<String>) -> Error {
    Error::new(sqlstate::INVALID_BINARY_REPRESENTATION, message)
}

fn length_of(bytes: usize) -> Result<i32> {
    i32::try_from(bytes)
        .map_err(|_| Error::new(sqlstate::PROGRAM_LIMIT_EXCEEDED, "value is too long to be sent"))
}

/// Appends the binary form of a value that is not NULL.
pub fn encode(value: &Datum, ty: &Type, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Datum::Null => return Err(Error::internal("NULL has no binary form")),
        Datum::Bool(b) => out.push(u8::from(*b)),
        Datum::Int2(n) => out.extend(n.to_be_bytes()),
        Datum::Int4(n) => out.extend(n.to_be_bytes()),
        Datum::Int8(n) => out.extend(n.to_be_bytes()),
        Datum::Float4(x) => out.extend(x.to_be_bytes()),
        Datum::Float8(x) => out.extend(x.to_be_bytes()),
        Datum::Numeric(n) => encode_numeric(n, out)?,
        Datum::Text(s) | Datum::Json(s) => out.extend(s.as_bytes()),
        Datum::Enum(member) => out.extend(member.label.as_bytes()),
        Datum::Char(b) => out.push(*b),
        Datum::Bytea(b) => out.extend(b.iter()),
        Datum::Date(d) => out.extend(d.to_be_bytes()),
        Datum::Time(t) | Datum::Timestamp(t) | Datum::Timestamptz(t) => out.extend(t.to_be_bytes()),
        Datum::Timetz(t, west) => {
            out.extend(t.to_be_bytes());
            out.extend(west.to_be_bytes());
        }
        Datum::Interval(i) => {
            out.extend(i.micros.to_be_bytes());
            out.extend(i.days.to_be_bytes());
            out.extend(i.months.to_be_bytes());
        }
        Datum::Uuid(u) => out.extend(u),
        Datum::Jsonb(value) => {
            let mut text = String::new();
            json::write(value, &mut text);
            out.push(JSONB_VERSION);
            out.extend(text.as_bytes());
        }
        Datum::Oid(n) => out.extend(n.to_be_bytes()),
        Datum::Array(a) => {
            let element = match ty {
                Type::Array(element) => element,
                _ => &a.element,
            };
            encode_array(a, element, out)?;
        }
        Datum::Record(items) => {
            out.extend(length_of(items.len())?.to_be_bytes());
            for item in items.iter() {
                let ty = field_type(item);
                out.extend(oid::oid(&ty).to_be_bytes());
                encode_item(item, &ty, out)?;
            }
        }
    }
    Ok(())
}

/// A length and the bytes; -1 for NULL.
fn encode_item(item: &Datum, ty: &Type, out: &mut Vec<u8>) -> Result<()> {
    if item.is_null() {
        out.extend((-1i32).to_be_bytes());
        return Ok(());
    }
    let at = out.len();
    out.extend([0; 4]);
    encode(item, ty, out)?;
    let length = length_of(out.len() - at - 4)?;
    if let Some(slot) = out.get_mut(at..at + 4) {
        slot.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// The type under which a field of an anonymous row travels: a NULL goes as text.
fn field_type(value: &Datum) -> Type {
    if value.is_null() { Type::Text } else { value.shown_type() }
}

fn encode_numeric(number: &Numeric, out: &mut Vec<u8>) -> Result<()> {
    let header = |out: &mut Vec<u8>, count: u16, weight: i16, sign: u16, scale: u16| {
        out.extend(count.to_be_bytes());
        out.extend(weight.to_be_bytes());
        out.extend(sign.to_be_bytes());
        out.extend(scale.to_be_bytes());
    };
    let sign = match number.class() {
        NumericClass::Finite => 0,
        NumericClass::NaN => NUMERIC_NAN,
        NumericClass::Infinity => NUMERIC_INFINITY,
        NumericClass::NegInfinity => NUMERIC_NEG_INFINITY,
    };
    let Some(parts) = number.parts().filter(|_| sign == 0) else {
        header(out, 0, 0, sign, 0);
        return Ok(());
    };
    if parts.digits.is_empty() {
        header(out, 0, 0, 0, number.scale());
        return Ok(());
    }
    // Groups of four digits, counted from the decimal point.
    let weight = (parts.exponent - 1).div_euclid(4);
    let lead = usize::try_from((weight + 1) * 4 - parts.exponent).unwrap_or(0);
    let mut padded = vec![0u8; lead];
    padded.extend(&parts.digits);
    padded.resize(padded.len().next_multiple_of(4), 0);
    let count = u16::try_from(padded.len() / 4).map_err(|_| invalid("numeric is too long"))?;
    let weight = i16::try_from(weight).map_err(|_| invalid("numeric is too large"))?;
    header(out, count, weight, if parts.negative { NUMERIC_NEGATIVE } else { 0 }, number.scale());
    for group in padded.chunks(4) {
        let digit = group.iter().fold(0u16, |sum, d| sum * 10 + u16::from(*d));
        out.extend(digit.to_be_bytes());
    }
    Ok(())
}

fn encode_array(array: &Array, element: &Type, out: &mut Vec<u8>) -> Result<()> {
    let has_null = array.items.iter().any(Datum::is_null);
    // A vector without items keeps its dimension here; an array without items has none.
    let dimensions: &[(usize, i32)] = if array.items.is_empty() { &[] } else { &array.dimensions };
    out.extend(length_of(dimensions.len())?.to_be_bytes());
    out.extend(i32::from(has_null).to_be_bytes());
    out.extend(oid::oid(element).to_be_bytes());
    for (length, low) in dimensions {
        out.extend(length_of(*length)?.to_be_bytes());
        out.extend(low.to_be_bytes());
    }
    array.items.iter().try_for_each(|item| encode_item(item, element, out))
}

/// Bytes from the outside, taken from the front.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.0.split_at_checked(count) else {
            return Err(invalid("insufficient data left in message"));
        };
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| invalid("insufficient data left in message"))
    }

    fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A length and so many bytes, or NULL.
    fn item(&mut self, ty: &Type, depth: usize) -> Result<Datum> {
        match self.i32()? {
            -1 => Ok(Datum::Null),
            length => {
                let length = usize::try_from(length)
                    .map_err(|_| invalid("insufficient data left in message"))?;
                decode_at(ty, self.take(length)?, depth)
            }
        }
    }
}

/// Reads the binary form; 22P03 on bytes that are none.
pub fn decode(ty: &Type, bytes: &[u8]) -> Result<Datum> {
    decode_at(ty, bytes, 0)
}

fn decode_at(ty: &Type, bytes: &[u8], depth: usize) -> Result<Datum> {
    let mut input = Input(bytes);
    let value = decode_prefix(ty, &mut input, depth)?;
    if input.0.is_empty() {
        Ok(value)
    } else {
        Err(invalid(format!("incorrect binary data format for type {ty}")))
    }
}

fn overflow(message: &str) -> Error {
    Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, message.to_string())
}

fn decode_prefix(ty: &Type, input: &mut Input<'_>, depth: usize) -> Result<Datum> {
    Ok(match ty {
        Type::Bool => {
            let [byte] = input.array()?;
            Datum::Bool(byte != 0)
        }
        Type::Int2 => Datum::Int2(i16::from_be_bytes(input.array()?)),
        Type::Int4 => Datum::Int4(input.i32()?),
        Type::Int8 => Datum::Int8(input.i64()?),
        Type::Float4 => Datum::Float4(f32::from_be_bytes(input.array()?)),
        Type::Float8 => Datum::Float8(f64::from_be_bytes(input.array()?)),
        Type::Numeric => Datum::Numeric(decode_numeric(input)?),
        Type::Text | Type::Varchar | Type::Bpchar | Type::Unknown => {
            Datum::text(text(input.take(input.0.len())?)?)
        }
        Type::Name => {
            let name = text(input.take(input.0.len())?)?;
            if name.len() > crate::limits::IDENTIFIER_BYTES_MAX {
                return Err(Error::new(sqlstate::NAME_TOO_LONG, "identifier too long")
                    .with_detail(format!(
                        "Identifier must be less than {} characters.",
                        crate::limits::IDENTIFIER_BYTES_MAX + 1
                    )));
            }
            Datum::text(name)
        }
        Type::Enum(own) => {
            let label = text(input.take(input.0.len())?)?;
            Datum::Enum(Arc::clone(own.labelled(label)?))
        }
        Type::Char => {
            let [byte] = input.array()?;
            Datum::Char(byte)
        }
        Type::Bytea => Datum::bytes(input.take(input.0.len())?),
        Type::Date => {
            let days = input.i32()?;
            if !is_infinite_date(days) && !(DATE_MIN..DATE_END).contains(&days) {
                return Err(overflow("date out of range"));
            }
            Datum::Date(days)
        }
        Type::Time => Datum::Time(time_of_day(input)?),
        Type::Timetz => {
            let time = time_of_day(input)?;
            let west = input.i32()?;
            if west <= -ZONE_SECONDS_END || west >= ZONE_SECONDS_END {
                return Err(Error::new(
                    sqlstate::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                    "time zone displacement out of range",
                ));
            }
            Datum::Timetz(time, west)
        }
        Type::Timestamp => Datum::Timestamp(timestamp(input)?),
        Type::Timestamptz => Datum::Timestamptz(timestamp(input)?),
        Type::Interval => {
            let micros = input.i64()?;
            let (days, months) = (input.i32()?, input.i32()?);
            Datum::Interval(Interval { months, days, micros })
        }
        Type::Uuid => Datum::Uuid(input.array()?),
        Type::Json => {
            let json_text = text(input.take(input.0.len())?)?;
            json::validate(json_text)?;
            Datum::Json(Arc::from(json_text))
        }
        Type::Jsonb => {
            let [version] = input.array()?;
            if version != JSONB_VERSION {
                return Err(invalid(format!("unsupported jsonb version number {version}")));
            }
            Datum::Jsonb(Arc::new(json::parse(text(input.take(input.0.len())?)?)?))
        }
        Type::Oid
        | Type::Regclass
        | Type::Regtype
        | Type::Regproc
        | Type::Regnamespace
        | Type::Regrole => Datum::Oid(input.u32()?),
        Type::Int2Vector => decode_array(&Type::Int2, input, depth)?,
        Type::OidVector => decode_array(&Type::Oid, input, depth)?,
        Type::Array(element) => decode_array(element, input, depth)?,
        Type::Record => decode_record(input, depth)?,
        Type::Void => Datum::Null,
    })
}

fn text(bytes: &[u8]) -> Result<&str> {
    let (bad, end) = match std::str::from_utf8(bytes) {
        Ok(text) => match bytes.iter().position(|b| *b == 0) {
            None => return Ok(text),
            Some(at) => (at, at + 1),
        },
        Err(e) => {
            let at = e.valid_up_to();
            (at, e.error_len().map_or(bytes.len(), |n| at + n))
        }
    };
    let shown: Vec<String> = bytes
        .get(bad..end.max(bad + 1))
        .unwrap_or_default()
        .iter()
        .map(|b| format!("0x{b:02x}"))
        .collect();
    Err(Error::new(
        sqlstate::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    ))
}

fn time_of_day(input: &mut Input<'_>) -> Result<i64> {
    let time = input.i64()?;
    if (0..=USECS_PER_DAY).contains(&time) { Ok(time) } else { Err(overflow("time out of range")) }
}

fn timestamp(input: &mut Input<'_>) -> Result<i64> {
    let value = input.i64()?;
    if is_infinite(value) || (TIMESTAMP_MIN..TIMESTAMP_END).contains(&value) {
        Ok(value)
    } else {
        Err(overflow("timestamp out of range"))
    }
}

fn decode_numeric(input: &mut Input<'_>) -> Result<Numeric> {
    let count = usize::from(input.u16()?);
    let weight = i16::from_be_bytes(input.array()?);
    let sign = input.u16()?;
    let scale = input.u16()?;
    if scale & !NUMERIC_SCALE_MASK != 0 {
        return Err(invalid("invalid scale in external \"numeric\" value"));
    }
    let mut digits = Vec::with_capacity(input.0.len().min(count * 2) * 2);
    for _ in 0..count {
        let group = input.u16()?;
        if group > 9999 {
            return Err(invalid("invalid digit in external \"numeric\" value"));
        }
        let group = [group / 1000, group / 100 % 10, group / 10 % 10, group % 10];
        digits.extend(group.map(|d| d as u8));
    }
    match sign {
        NUMERIC_NAN => return Ok(Numeric::NAN),
        NUMERIC_INFINITY => return Ok(Numeric::infinity()),
        NUMERIC_NEG_INFINITY => return Ok(Numeric::neg_infinity()),
        0 | NUMERIC_NEGATIVE => {}
        _ => return Err(invalid("invalid sign in external \"numeric\" value")),
    }
    let mut exponent = (i64::from(weight) + 1) * 4;
    // Digits beyond the display scale are dropped, as PostgreSQL does.
    let kept = usize::try_from(exponent + i64::from(scale)).unwrap_or(0);
    digits.truncate(kept);
    let leading = digits.iter().take_while(|d| **d == 0).count();
    digits.drain(..leading);
    exponent -= leading as i64;
    while digits.last() == Some(&0) {
        digits.pop();
    }
    if digits.is_empty() {
        return Numeric::from_parts(&NumericParts { negative: false, exponent: 0, digits }, scale);
    }
    Numeric::from_parts(
        &NumericParts { negative: sign == NUMERIC_NEGATIVE, exponent, digits },
        scale,
    )
}

fn decode_array(element: &Type, input: &mut Input<'_>, depth: usize) -> Result<Datum> {
    let count = input.i32()?;
    if !(0..=DIMENSIONS_MAX).contains(&count) {
        return Err(invalid(format!("invalid number of dimensions: {count}")));
    }
    if !(0..=1).contains(&input.i32()?) {
        return Err(invalid("invalid array flags"));
    }
    if input.u32()? != oid::oid(element) {
        return Err(Error::new(sqlstate::DATATYPE_MISMATCH, "wrong element type"));
    }
    let mut dimensions = Vec::new();
    let mut total = 1usize;
    for _ in 0..count {
        let (length, low) = (input.i32()?, input.i32()?);
        let length = usize::try_from(length).map_err(|_| invalid("invalid array length"))?;
        total = total.checked_mul(length).ok_or_else(|| invalid("invalid array length"))?;
        dimensions.push((length, low));
    }
    if count == 0 {
        total = 0;
    }
    // Every item has a length of four bytes at least.
    if total > input.0.len() / 4 {
        return Err(invalid("insufficient data left in message"));
    }
    let items: Vec<Datum> =
        (0..total).map(|_| input.item(element, depth + 1)).collect::<Result<_>>()?;
    if items.is_empty() {
        dimensions.clear();
    }
    Ok(Datum::Array(Arc::new(Array { element: element.clone(), dimensions, items })))
}

fn decode_record(input: &mut Input<'_>, depth: usize) -> Result<Datum> {
    if depth >= RECORD_DEPTH_MAX {
        return Err(invalid("rows are nested too deeply"));
    }
    let count = usize::try_from(input.i32()?).map_err(|_| invalid("wrong number of columns"))?;
    // Every field has an OID and a length.
    if count > input.0.len() / 8 {
        return Err(invalid("insufficient data left in message"));
    }
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        let oid = input.u32()?;
        let ty = oid::type_from_oid(oid)
            .ok_or_else(|| invalid(format!("type with OID {oid} does not exist")))?;
        items.push(input.item(&ty, depth + 1)?);
    }
    Ok(Datum::Record(Arc::from(items)))
}

#[cfg(test)]
mod tests;
