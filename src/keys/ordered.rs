//! Values as bytes whose order is the order of the values.
//!
//! ```text
//!   value    ┌──────┬───────────────────────────┐     marker: which encoding follows, 0x10 ..= 0x2F
//!            │marker│ payload, self-delimiting  │
//!            └──────┴───────────────────────────┘
//!   NULL     ┌──────┐
//!            │ 0xFE │        after every value
//!            └──────┘
//!   descending: every byte of the above inverted, so NULL (0x01) comes before every value
//! ```
//!
//! | marker | type | payload |
//! |---|---|---|
//! | 0x10 | boolean | one byte |
//! | 0x11 0x12 0x13 | int2, int4, int8 | big end first, sign bit flipped |
//! | 0x14 0x15 | float4, float8 | bits, negative ones inverted, else sign bit flipped; one zero, one NaN |
//! | 0x16 | numeric | see `decimal.rs` |
//! | 0x17 | text and its like | bytes, 0x00 as 0x00 0xFF, ended by 0x00 0x01 |
//! | 0x18 | "char" | one byte |
//! | 0x19 | bytea | as text |
//! | 0x1A .. 0x1E | date, time, timetz, timestamp, timestamptz | as integers; timetz by its instant, then its zone |
//! | 0x1F | interval | the length in microseconds as a 16-byte integer |
//! | 0x20 | uuid | its bytes |
//! | 0x21 | oid and its like | big end first |
//! | 0x23 | enum | the member's place, as text |
//! | 0x22 | array | elements with their markers, 0x02, then dimensions |
//!
//! Some encodings forget what does not order (the scale of a numeric, how an interval divides
//! into months and days): [`lossless`] says which types read back exactly.

use std::sync::Arc;

use super::decimal;
use crate::error::{Error, Result};
use crate::types::{Array, Datum, Interval, Type};

const NULL: u8 = 0xFE;
const BOOL: u8 = 0x10;
const INT2: u8 = 0x11;
const INT4: u8 = 0x12;
const INT8: u8 = 0x13;
const FLOAT4: u8 = 0x14;
const FLOAT8: u8 = 0x15;
const NUMERIC: u8 = 0x16;
const TEXT: u8 = 0x17;
const CHAR: u8 = 0x18;
const BYTEA: u8 = 0x19;
const DATE: u8 = 0x1A;
const TIME: u8 = 0x1B;
const TIMETZ: u8 = 0x1C;
const TIMESTAMP: u8 = 0x1D;
const TIMESTAMPTZ: u8 = 0x1E;
const INTERVAL: u8 = 0x1F;
const UUID: u8 = 0x20;
const OID: u8 = 0x21;
const ARRAY: u8 = 0x22;
const ENUM: u8 = 0x23;
const ARRAY_END: u8 = 0x02;

const DAY_MICROS: i128 = 86_400_000_000;

/// Whether decoding gives back exactly the value that was encoded. Where it does not, the row's
/// value must hold the column too.
pub fn lossless(ty: &Type) -> bool {
    match ty {
        Type::Bool
        | Type::Int2
        | Type::Int4
        | Type::Int8
        | Type::Text
        | Type::Varchar
        | Type::Name
        | Type::Unknown
        | Type::Char
        | Type::Bytea
        | Type::Date
        | Type::Time
        | Type::Timetz
        | Type::Timestamp
        | Type::Timestamptz
        | Type::Uuid
        | Type::Oid
        | Type::Regclass
        | Type::Regtype
        | Type::Regproc
        | Type::Regnamespace
        | Type::Regrole
        | Type::Int2Vector
        | Type::OidVector
        | Type::Enum(_) => true,
        Type::Array(element) => lossless(element),
        Type::Float4
        | Type::Float8
        | Type::Numeric
        | Type::Bpchar
        | Type::Interval
        | Type::Json
        | Type::Jsonb
        | Type::Record
        | Type::Void => false,
    }
}

/// Appends the encoding of a column's value. As [`encode_datum`], but knows that the padding of
/// `char(n)` does not order.
pub fn encode_column(out: &mut Vec<u8>, datum: &Datum, ty: &Type, descending: bool) -> Result<()> {
    match (ty, datum) {
        (Type::Bpchar, Datum::Text(text)) => {
            let start = out.len();
            out.push(TEXT);
            push_escaped(out, text.trim_end_matches(' ').as_bytes());
            if descending {
                invert(&mut out[start..]);
            }
            Ok(())
        }
        _ => encode_datum(out, datum, descending),
    }
}

/// Appends the encoding of a value. On an error nothing is appended.
pub fn encode_datum(out: &mut Vec<u8>, datum: &Datum, descending: bool) -> Result<()> {
    let start = out.len();
    if let Err(e) = encode_ascending(out, datum) {
        out.truncate(start);
        return Err(e);
    }
    if descending {
        invert(&mut out[start..]);
    }
    Ok(())
}

fn encode_ascending(out: &mut Vec<u8>, datum: &Datum) -> Result<()> {
    match datum {
        Datum::Null => out.push(NULL),
        Datum::Bool(b) => out.extend_from_slice(&[BOOL, u8::from(*b)]),
        Datum::Int2(n) => push(out, INT2, &(n ^ i16::MIN).to_be_bytes()),
        Datum::Int4(n) => push(out, INT4, &(n ^ i32::MIN).to_be_bytes()),
        Datum::Int8(n) => push(out, INT8, &(n ^ i64::MIN).to_be_bytes()),
        Datum::Float4(n) => push(out, FLOAT4, &order_f32(*n).to_be_bytes()),
        Datum::Float8(n) => push(out, FLOAT8, &order_f64(*n).to_be_bytes()),
        Datum::Text(text) => {
            out.push(TEXT);
            push_escaped(out, text.as_bytes());
        }
        Datum::Enum(member) => {
            out.push(ENUM);
            push_escaped(out, &member.place);
        }
        Datum::Char(c) => out.extend_from_slice(&[CHAR, *c]),
        Datum::Bytea(bytes) => {
            out.push(BYTEA);
            push_escaped(out, bytes);
        }
        Datum::Date(days) => push(out, DATE, &(days ^ i32::MIN).to_be_bytes()),
        Datum::Time(micros) => push(out, TIME, &(micros ^ i64::MIN).to_be_bytes()),
        Datum::Timetz(micros, zone) => {
            let instant = micros.saturating_add(i64::from(*zone) * 1_000_000);
            push(out, TIMETZ, &(instant ^ i64::MIN).to_be_bytes());
            out.extend_from_slice(&(zone ^ i32::MIN).to_be_bytes());
        }
        Datum::Timestamp(micros) => push(out, TIMESTAMP, &(micros ^ i64::MIN).to_be_bytes()),
        Datum::Timestamptz(micros) => push(out, TIMESTAMPTZ, &(micros ^ i64::MIN).to_be_bytes()),
        Datum::Interval(interval) => {
            push(out, INTERVAL, &(interval.normalized_micros() ^ i128::MIN).to_be_bytes());
        }
        Datum::Uuid(bytes) => push(out, UUID, bytes),
        Datum::Oid(n) => push(out, OID, &n.to_be_bytes()),
        Datum::Array(array) => {
            out.push(ARRAY);
            for item in &array.items {
                encode_ascending(out, item)?;
            }
            out.push(ARRAY_END);
            let dimensions = u8::try_from(array.dimensions.len())
                .map_err(|_| Error::unsupported("an array of so many dimensions in a key"))?;
            out.push(dimensions);
            for (length, lower) in &array.dimensions {
                let length = u32::try_from(*length)
                    .map_err(|_| Error::unsupported("an array of such length in a key"))?;
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(&(lower ^ i32::MIN).to_be_bytes());
            }
        }
        Datum::Numeric(number) => {
            out.push(NUMERIC);
            decimal::encode(out, number)?;
        }
        Datum::Json(_) => return Err(Error::unsupported("json in a key")),
        Datum::Jsonb(_) => return Err(Error::unsupported("jsonb in a key")),
        Datum::Record(_) => return Err(Error::unsupported("a row value in a key")),
    }
    Ok(())
}

/// Reads one value from the front of `input`, which moves past it.
pub fn decode_datum(input: &mut &[u8], ty: &Type, descending: bool) -> Result<Datum> {
    let mut reader = Reader { input, flip: if descending { 0xFF } else { 0 } };
    let datum = reader.datum(ty)?;
    *input = reader.input;
    Ok(datum)
}

/// Moves `input` past one value without making it. The type is needed only where the bytes do not
/// say by themselves how long they are.
pub fn skip_datum(input: &mut &[u8], ty: &Type, descending: bool) -> Result<()> {
    let flip = if descending { 0xFF } else { 0 };
    let width = match input.first().ok_or_else(cut_short)? ^ flip {
        NULL => 0,
        BOOL | CHAR => 1,
        INT2 => 2,
        INT4 | FLOAT4 | DATE | OID => 4,
        INT8 | FLOAT8 | TIME | TIMESTAMP | TIMESTAMPTZ => 8,
        TIMETZ => 12,
        INTERVAL | UUID => 16,
        TEXT | BYTEA | ENUM => {
            let (zero, escape) = (flip, 0xFF ^ flip);
            let mut rest = input.get(1..).unwrap_or_default();
            loop {
                let run = rest.iter().position(|&b| b == zero).ok_or_else(cut_short)?;
                let after = *rest.get(run + 1).ok_or_else(cut_short)?;
                rest = rest.get(run + 2..).unwrap_or_default();
                if after != escape {
                    *input = rest;
                    return Ok(());
                }
            }
        }
        _ => return decode_datum(input, ty, descending).map(|_| ()),
    };
    *input = input.get(1 + width..).ok_or_else(cut_short)?;
    Ok(())
}

/// Takes a text or bytea of an ascending column that stands in the key as it is, without a zero
/// byte in it. `None`, with `input` where it was, for everything else.
pub fn borrow_plain<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&marker, rest) = input.split_first()?;
    if marker != TEXT && marker != BYTEA {
        return None;
    }
    let end = rest.iter().position(|&b| b == 0)?;
    if *rest.get(end + 1)? != 0x01 {
        return None;
    }
    let plain = rest.get(..end)?;
    *input = rest.get(end + 2..)?;
    Some(plain)
}

/// Reads bytes whose every byte may be inverted.
struct Reader<'a> {
    input: &'a [u8],
    flip: u8,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.input.split_first().ok_or_else(cut_short)?;
        self.input = rest;
        Ok(first ^ self.flip)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (first, rest) = self.input.split_first_chunk::<N>().ok_or_else(cut_short)?;
        self.input = rest;
        let mut bytes = *first;
        if self.flip != 0 {
            invert(&mut bytes);
        }
        Ok(bytes)
    }

    fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?) ^ i32::MIN)
    }

    fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.array()?) ^ i64::MIN)
    }

    fn escaped(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let zero = self.flip;
            let run = self.input.iter().position(|&b| b == zero).ok_or_else(cut_short)?;
            let (plain, rest) = self.input.split_at(run);
            bytes.extend(plain.iter().map(|b| b ^ self.flip));
            self.input = rest;
            match self.array::<2>()? {
                [0, 0xFF] => bytes.push(0),
                [0, 0x01] => return Ok(bytes),
                _ => return Err(Error::corrupt("a text in a key has a bad escape")),
            }
        }
    }

    fn text(&mut self) -> Result<Datum> {
        let text = String::from_utf8(self.escaped()?)
            .map_err(|_| Error::corrupt("a text in a key is not UTF-8"))?;
        Ok(Datum::Text(Arc::from(text)))
    }

    fn datum(&mut self, ty: &Type) -> Result<Datum> {
        let marker = self.byte()?;
        if marker == NULL {
            return Ok(Datum::Null);
        }
        self.payload(marker, ty)
    }

    fn payload(&mut self, marker: u8, ty: &Type) -> Result<Datum> {
        Ok(match (ty, marker) {
            (Type::Bool, BOOL) => match self.byte()? {
                0 => Datum::Bool(false),
                1 => Datum::Bool(true),
                _ => return Err(Error::corrupt("a boolean in a key is neither true nor false")),
            },
            (Type::Int2, INT2) => Datum::Int2(i16::from_be_bytes(self.array()?) ^ i16::MIN),
            (Type::Int4, INT4) => Datum::Int4(self.i32()?),
            (Type::Int8, INT8) => Datum::Int8(self.i64()?),
            (Type::Float4, FLOAT4) => Datum::Float4(unorder_f32(u32::from_be_bytes(self.array()?))),
            (Type::Float8, FLOAT8) => Datum::Float8(unorder_f64(u64::from_be_bytes(self.array()?))),
            (Type::Text | Type::Varchar | Type::Bpchar | Type::Name | Type::Unknown, TEXT) => {
                self.text()?
            }
            (Type::Numeric, NUMERIC) => Datum::Numeric(decimal::decode(|| self.byte())?),
            (Type::Enum(own), ENUM) => {
                let place = self.escaped()?;
                let member = own
                    .at(&place)
                    .ok_or_else(|| Error::corrupt("a key holds a member that its enum has not"))?;
                Datum::Enum(Arc::clone(member))
            }
            (Type::Char, CHAR) => Datum::Char(self.byte()?),
            (Type::Bytea, BYTEA) => Datum::Bytea(Arc::from(self.escaped()?)),
            (Type::Date, DATE) => Datum::Date(self.i32()?),
            (Type::Time, TIME) => Datum::Time(self.i64()?),
            (Type::Timetz, TIMETZ) => {
                let instant = self.i64()?;
                let zone = self.i32()?;
                Datum::Timetz(instant.saturating_sub(i64::from(zone) * 1_000_000), zone)
            }
            (Type::Timestamp, TIMESTAMP) => Datum::Timestamp(self.i64()?),
            (Type::Timestamptz, TIMESTAMPTZ) => Datum::Timestamptz(self.i64()?),
            (Type::Interval, INTERVAL) => {
                interval_of(i128::from_be_bytes(self.array()?) ^ i128::MIN)?
            }
            (Type::Uuid, UUID) => Datum::Uuid(self.array()?),
            (
                Type::Oid
                | Type::Regclass
                | Type::Regtype
                | Type::Regproc
                | Type::Regnamespace
                | Type::Regrole,
                OID,
            ) => Datum::Oid(u32::from_be_bytes(self.array()?)),
            (Type::Array(element), ARRAY) => self.items(element)?,
            (Type::Int2Vector, ARRAY) => self.items(&Type::Int2)?,
            (Type::OidVector, ARRAY) => self.items(&Type::Oid)?,
            _ => {
                return Err(Error::corrupt(format!(
                    "a key has marker {marker:#04x} where a {ty:?} was expected"
                )));
            }
        })
    }

    fn items(&mut self, element: &Type) -> Result<Datum> {
        let mut items = Vec::new();
        loop {
            match self.byte()? {
                ARRAY_END => break,
                NULL => items.push(Datum::Null),
                marker => items.push(self.payload(marker, element)?),
            }
        }
        let mut dimensions = Vec::new();
        for _ in 0..self.byte()? {
            let length = u32::from_be_bytes(self.array()?) as usize;
            dimensions.push((length, self.i32()?));
        }
        let product = dimensions.iter().try_fold(1usize, |all, (n, _)| all.checked_mul(*n));
        let expected = if dimensions.is_empty() { Some(0) } else { product };
        if expected != Some(items.len()) {
            return Err(Error::corrupt("an array in a key has the wrong number of elements"));
        }
        Ok(Datum::Array(Arc::new(Array { element: element.clone(), dimensions, items })))
    }
}

/// Reads one value of unknown type and prints it, for people; `None` if it is no encoding.
pub(super) fn guess(input: &mut &[u8]) -> Option<String> {
    let first = *input.first()?;
    let descending = first == !NULL || (!0x2F..=!0x10).contains(&first);
    let marker = if descending { !first } else { first };
    let ty = match marker {
        NULL => Type::Bool,
        BOOL => Type::Bool,
        INT2 => Type::Int2,
        INT4 => Type::Int4,
        INT8 => Type::Int8,
        FLOAT4 => Type::Float4,
        FLOAT8 => Type::Float8,
        TEXT => Type::Text,
        CHAR => Type::Char,
        BYTEA => Type::Bytea,
        DATE => Type::Date,
        TIME => Type::Time,
        TIMETZ => Type::Timetz,
        TIMESTAMP => Type::Timestamp,
        TIMESTAMPTZ => Type::Timestamptz,
        UUID => Type::Uuid,
        OID => Type::Oid,
        _ => return None,
    };
    Some(match decode_datum(input, &ty, descending).ok()? {
        Datum::Null => "NULL".to_string(),
        Datum::Bool(b) => b.to_string(),
        Datum::Int2(n) => n.to_string(),
        Datum::Int4(n) => n.to_string(),
        Datum::Int8(n) => n.to_string(),
        Datum::Float4(n) => n.to_string(),
        Datum::Float8(n) => n.to_string(),
        Datum::Text(text) => format!("{text:?}"),
        Datum::Oid(n) => n.to_string(),
        other => format!("{other:?}"),
    })
}

fn cut_short() -> Error {
    Error::corrupt("a key ends in the middle of a value")
}

fn push(out: &mut Vec<u8>, marker: u8, payload: &[u8]) {
    out.push(marker);
    out.extend_from_slice(payload);
}

fn push_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2);
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&b| b == 0) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[0, 0xFF]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[0, 0x01]);
}

fn invert(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = !*byte;
    }
}

// All NaNs become one, which is larger than infinity; both zeros become the positive one.
fn order_f64(n: f64) -> u64 {
    let bits = if n.is_nan() { f64::NAN.to_bits() & !(1 << 63) } else { (n + 0.0).to_bits() };
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn unorder_f64(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

fn order_f32(n: f32) -> u32 {
    let bits = if n.is_nan() { f32::NAN.to_bits() & !(1 << 31) } else { (n + 0.0).to_bits() };
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn unorder_f32(bits: u32) -> f32 {
    f32::from_bits(if bits >> 31 == 1 { bits & !(1 << 31) } else { !bits })
}

/// An interval of a length. Every length that some interval has is read: what does not fit into one
/// field overflows into the next smaller one.
fn interval_of(length: i128) -> Result<Datum> {
    let whole = |n: i128| n.clamp(i128::from(i32::MIN), i128::from(i32::MAX)) as i32;
    let all_days = length / DAY_MICROS;
    let months = if i32::try_from(all_days).is_ok() { 0 } else { whole(all_days / 30) };
    let days = whole(all_days - i128::from(months) * 30);
    let rest = length - (i128::from(months) * 30 + i128::from(days)) * DAY_MICROS;
    let micros =
        i64::try_from(rest).map_err(|_| Error::corrupt("an interval in a key is out of range"))?;
    Ok(Datum::Interval(Interval { months, days, micros }))
}

#[cfg(test)]
mod tests;
