//! PostgreSQL's binary forms. Reading trusts nothing: short, long or malformed bytes are 22P03.

use std::sync::Arc;

use super::numeric::{NumericClass, NumericParts};
use super::{Array, Datum, Interval, Numeric, Type, json, oid};
use crate::error::{Error, Result, sqlstate};

/// Dimensions that an array may have, as in PostgreSQL (`MAXDIM`).
const DIMENSIONS_MAX: usize = 6;

/// jsonb's version byte.
const JSONB_VERSION: u8 = 1;

/// Sign words of the numeric form.
const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEG_INFINITY: u16 = 0xF000;

fn malformed(ty: &Type) -> Error {
    Error::new(
        sqlstate::INVALID_BINARY_REPRESENTATION,
        format!("incorrect binary data format for type {ty}"),
    )
}

/// Appends the binary form of a value that is not NULL.
pub fn encode(value: &Datum, ty: &Type, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Datum::Null => return Err(Error::internal("NULL has no binary form")),
        Datum::Bool(v) => out.push(u8::from(*v)),
        Datum::Int2(v) => out.extend(v.to_be_bytes()),
        Datum::Int4(v) | Datum::Date(v) => out.extend(v.to_be_bytes()),
        Datum::Int8(v) | Datum::Time(v) | Datum::Timestamp(v) | Datum::Timestamptz(v) => {
            out.extend(v.to_be_bytes());
        }
        Datum::Float4(v) => out.extend(v.to_be_bytes()),
        Datum::Float8(v) => out.extend(v.to_be_bytes()),
        Datum::Numeric(v) => encode_numeric(v, out),
        Datum::Text(v) | Datum::Json(v) => out.extend(v.as_bytes()),
        Datum::Char(v) => out.push(*v),
        Datum::Bytea(v) => out.extend(v.iter()),
        Datum::Timetz(time, zone) => {
            out.extend(time.to_be_bytes());
            out.extend(zone.to_be_bytes());
        }
        Datum::Interval(v) => {
            out.extend(v.micros.to_be_bytes());
            out.extend(v.days.to_be_bytes());
            out.extend(v.months.to_be_bytes());
        }
        Datum::Uuid(v) => out.extend(v),
        Datum::Jsonb(v) => {
            let mut text = String::new();
            json::write(v, &mut text);
            out.push(JSONB_VERSION);
            out.extend(text.as_bytes());
        }
        Datum::Oid(v) => out.extend(v.to_be_bytes()),
        Datum::Array(v) => encode_array(v, out)?,
        Datum::Record(_) => {
            return Err(Error::unsupported(format!("the binary form of type {ty}")));
        }
    }
    Ok(())
}

fn encode_numeric(value: &Numeric, out: &mut Vec<u8>) {
    let sign = match value.class() {
        NumericClass::NaN => NAN,
        NumericClass::Infinity => INFINITY,
        NumericClass::NegInfinity => NEG_INFINITY,
        NumericClass::Finite if value.is_negative() => NEGATIVE,
        NumericClass::Finite => POSITIVE,
    };
    let parts =
        value.parts().unwrap_or(NumericParts { negative: false, exponent: 0, digits: vec![] });
    // Groups of four digits, aligned to the point.
    let weight = (parts.exponent - 1).div_euclid(4);
    let lead = (parts.exponent - weight * 4).clamp(0, 4) as usize;
    let mut padded = vec![0u8; 4 - lead];
    padded.extend(&parts.digits);
    while !padded.len().is_multiple_of(4) {
        padded.push(0);
    }
    let groups: Vec<u16> = if parts.digits.is_empty() {
        vec![]
    } else {
        padded.chunks(4).map(|g| g.iter().fold(0, |v, d| v * 10 + u16::from(*d))).collect()
    };
    let weight = if groups.is_empty() { 0 } else { weight as i16 };
    out.extend((groups.len() as u16).to_be_bytes());
    out.extend(weight.to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend(value.scale().to_be_bytes());
    groups.iter().for_each(|g| out.extend(g.to_be_bytes()));
}

fn encode_array(array: &Array, out: &mut Vec<u8>) -> Result<()> {
    out.extend((array.dimensions.len() as i32).to_be_bytes());
    out.extend(i32::from(array.items.iter().any(Datum::is_null)).to_be_bytes());
    out.extend(oid::oid(&array.element).to_be_bytes());
    for (length, lower) in &array.dimensions {
        out.extend((*length as i32).to_be_bytes());
        out.extend(lower.to_be_bytes());
    }
    for item in &array.items {
        let at = out.len();
        out.extend((-1i32).to_be_bytes());
        if !item.is_null() {
            encode(item, &array.element, out)?;
            let length = (out.len() - at - 4) as i32;
            out[at..at + 4].copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

/// Reads the binary form; 22P03 on bytes that are none.
pub fn decode(ty: &Type, bytes: &[u8]) -> Result<Datum> {
    let mut reader = Reader { rest: bytes, ty };
    let datum = match ty {
        Type::Bool => Datum::Bool(reader.array::<1>()?[0] != 0),
        Type::Int2 => Datum::Int2(i16::from_be_bytes(reader.array()?)),
        Type::Int4 => Datum::Int4(reader.i32()?),
        Type::Int8 => Datum::Int8(reader.i64()?),
        Type::Float4 => Datum::Float4(f32::from_be_bytes(reader.array()?)),
        Type::Float8 => Datum::Float8(f64::from_be_bytes(reader.array()?)),
        Type::Numeric => Datum::Numeric(reader.numeric()?),
        Type::Text | Type::Varchar | Type::Bpchar | Type::Name | Type::Unknown => {
            Datum::text(reader.text()?)
        }
        Type::Char => Datum::Char(reader.array::<1>()?[0]),
        Type::Bytea => Datum::bytes(reader.everything()),
        Type::Date => Datum::Date(reader.i32()?),
        Type::Time => Datum::Time(reader.time()?),
        Type::Timetz => Datum::Timetz(reader.time()?, reader.i32()?),
        Type::Timestamp => Datum::Timestamp(reader.i64()?),
        Type::Timestamptz => Datum::Timestamptz(reader.i64()?),
        Type::Interval => {
            let (micros, days, months) = (reader.i64()?, reader.i32()?, reader.i32()?);
            Datum::Interval(Interval { months, days, micros })
        }
        Type::Uuid => Datum::Uuid(reader.array()?),
        Type::Json => {
            let text = reader.text()?;
            json::validate(text)?;
            Datum::Json(Arc::from(text))
        }
        Type::Jsonb => {
            if reader.array::<1>()?[0] != JSONB_VERSION {
                return Err(malformed(ty));
            }
            Datum::Jsonb(Arc::new(json::parse(reader.text()?)?))
        }
        Type::Oid | Type::Regclass | Type::Regtype | Type::Regproc | Type::Regnamespace => {
            Datum::Oid(u32::from_be_bytes(reader.array()?))
        }
        Type::Array(element) => reader.items(element)?,
        Type::Int2Vector => reader.items(&Type::Int2)?,
        Type::OidVector => reader.items(&Type::Oid)?,
        Type::Record | Type::Void => {
            return Err(Error::unsupported(format!("binary input of type {ty}")));
        }
    };
    if reader.rest.is_empty() { Ok(datum) } else { Err(malformed(ty)) }
}

struct Reader<'a> {
    rest: &'a [u8],
    ty: &'a Type,
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| malformed(self.ty))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    fn time(&mut self) -> Result<i64> {
        let time = self.i64()?;
        if (0..=86_400_000_000).contains(&time) {
            Ok(time)
        } else {
            Err(Error::new(sqlstate::DATETIME_FIELD_OVERFLOW, "time out of range"))
        }
    }

    fn everything(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    fn text(&mut self) -> Result<&'a str> {
        let text = std::str::from_utf8(self.everything()).ok().filter(|t| !t.contains('\0'));
        text.ok_or_else(|| {
            Error::new(
                sqlstate::CHARACTER_NOT_IN_REPERTOIRE,
                "invalid byte sequence for encoding \"UTF8\"",
            )
        })
    }

    fn numeric(&mut self) -> Result<Numeric> {
        let count = usize::from(u16::from_be_bytes(self.array()?));
        let weight = i64::from(i16::from_be_bytes(self.array()?));
        let sign = u16::from_be_bytes(self.array()?);
        let scale = u16::from_be_bytes(self.array()?);
        match sign {
            NAN => return Ok(Numeric::NAN),
            INFINITY => return Ok(Numeric::infinity()),
            NEG_INFINITY => return Ok(Numeric::neg_infinity()),
            POSITIVE | NEGATIVE => {}
            _ => return Err(malformed(self.ty)),
        }
        if scale > 16_383 || self.rest.len() != count * 2 {
            return Err(malformed(self.ty));
        }
        let mut digits = Vec::with_capacity(count * 4);
        for _ in 0..count {
            let group = u16::from_be_bytes(self.array()?);
            if group > 9_999 {
                return Err(malformed(self.ty));
            }
            digits.extend(
                [group / 1_000, group / 100 % 10, group / 10 % 10, group % 10].map(|d| d as u8),
            );
        }
        let lead = digits.iter().take_while(|d| **d == 0).count();
        digits.drain(..lead);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let exponent = (weight + 1) * 4 - lead as i64;
        // The scale cuts what lies behind it, as numeric_recv does.
        Numeric::from_parts(&NumericParts { negative: sign == NEGATIVE, exponent, digits }, scale)
    }

    fn items(&mut self, element: &Type) -> Result<Datum> {
        let dimensions = self.i32()?;
        let _has_nulls = self.i32()?;
        let element_oid = u32::from_be_bytes(self.array()?);
        let count = usize::try_from(dimensions).map_err(|_| malformed(self.ty))?;
        if count > DIMENSIONS_MAX || element_oid != oid::oid(element) {
            return Err(malformed(self.ty));
        }
        let mut extents = Vec::with_capacity(count);
        let mut total: usize = usize::from(count > 0);
        for _ in 0..count {
            let (length, lower) = (self.i32()?, self.i32()?);
            let length = usize::try_from(length).map_err(|_| malformed(self.ty))?;
            total = total.checked_mul(length).ok_or_else(|| malformed(self.ty))?;
            extents.push((length, lower));
        }
        // Every element has at least its length word.
        if total > self.rest.len() / 4 {
            return Err(malformed(self.ty));
        }
        let mut items = Vec::with_capacity(total);
        for _ in 0..total {
            match self.i32()? {
                -1 => items.push(Datum::Null),
                length => {
                    let length = usize::try_from(length).map_err(|_| malformed(self.ty))?;
                    let (bytes, rest) =
                        self.rest.split_at_checked(length).ok_or_else(|| malformed(self.ty))?;
                    self.rest = rest;
                    items.push(decode(element, bytes)?);
                }
            }
        }
        let dimensions = if total == 0 { vec![] } else { extents };
        Ok(Datum::Array(Arc::new(Array { element: element.clone(), dimensions, items })))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(value: &Datum, ty: &Type) {
        let mut bytes = Vec::new();
        encode(value, ty, &mut bytes).unwrap();
        assert!(decode(ty, &bytes).unwrap().same(value), "{value:?}");
        for cut in 0..bytes.len() {
            let _ = decode(ty, &bytes[..cut]);
        }
    }

    #[test]
    fn numerics_have_postgresqls_bytes() {
        let mut bytes = Vec::new();
        encode(&Datum::Numeric(Numeric::parse("-12345.678").unwrap()), &Type::Numeric, &mut bytes)
            .unwrap();
        // Three groups 1, 2345, 6780; weight 1; negative; three digits shown.
        assert_eq!(bytes, [0, 3, 0, 1, 0x40, 0, 0, 3, 0, 1, 0x09, 0x29, 0x1a, 0x7c]);
        for text in
            ["0", "0.00", "1", "0.0001", "100000", "NaN", "Infinity", "99999999999999999999.5"]
        {
            round_trip(&Datum::Numeric(Numeric::parse(text).unwrap()), &Type::Numeric);
        }
    }

    proptest! {
        #[test]
        fn values_round_trip(a in any::<i64>(), b in any::<i32>(), f in any::<f64>(), s in "[^\0]*") {
            round_trip(&Datum::Int8(a), &Type::Int8);
            round_trip(&Datum::Int4(b), &Type::Int4);
            round_trip(&Datum::Float8(f), &Type::Float8);
            round_trip(&Datum::text(&s), &Type::Text);
            let items = vec![Datum::Int4(b), Datum::Null];
            let array = Array::from_items(Type::Int4, items);
            round_trip(&Datum::Array(Arc::new(array)), &Type::Array(Box::new(Type::Int4)));
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            for ty in [Type::Numeric, Type::Array(Box::new(Type::Text)), Type::Jsonb, Type::Timetz] {
                let _ = decode(&ty, &bytes);
            }
        }
    }
}
