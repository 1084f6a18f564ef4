//! Exact decimals as ordered bytes.
//!
//! ```text
//!   ┌───────┬──────────────────┬────────────────────────────┬───┐
//!   │ class │ exponent, 4 bytes│ digits, two a byte, plus 1 │ 0 │   below zero all but the
//!   └───────┴──────────────────┴────────────────────────────┴───┘   class inverted
//!    -inf < negative < zero < positive < inf < NaN; only the finite, non-zero have more than it
//! ```
//!
//! The value is `0.d1d2d3… × 10^exponent` without zeros at either end of the digits, so equal
//! numbers have equal bytes and the display scale is forgotten.

use crate::error::{Error, Result};
use crate::types::Numeric;
use crate::types::numeric::{NumericClass, NumericParts};

const NEGATIVE_INFINITY: u8 = 0x10;
const NEGATIVE: u8 = 0x20;
const ZERO: u8 = 0x30;
const POSITIVE: u8 = 0x40;
const INFINITY: u8 = 0x50;
const NAN: u8 = 0x60;

/// Appends a number.
pub(super) fn encode(out: &mut Vec<u8>, number: &Numeric) -> Result<()> {
    match number.class() {
        NumericClass::NaN => out.push(NAN),
        NumericClass::Infinity => out.push(INFINITY),
        NumericClass::NegInfinity => out.push(NEGATIVE_INFINITY),
        NumericClass::Finite => {
            let parts = number
                .parts()
                .ok_or_else(|| Error::internal("a finite number has no digits to encode"))?;
            encode_parts(out, &parts)?;
        }
    }
    Ok(())
}

/// Reads a number through a function that gives the next byte.
pub(super) fn decode(mut next: impl FnMut() -> Result<u8>) -> Result<Numeric> {
    let class = next()?;
    let parts = match class {
        NAN => return Ok(Numeric::NAN),
        INFINITY => return Ok(Numeric::infinity()),
        NEGATIVE_INFINITY => return Ok(Numeric::neg_infinity()),
        _ => decode_parts(class, next)?,
    };
    // The smallest scale that shows every digit.
    let digits = i64::try_from(parts.digits.len()).map_err(|_| bad())?;
    let scale = digits.saturating_sub(parts.exponent).max(0);
    let scale = if parts.digits.is_empty() { 0 } else { scale };
    Numeric::from_parts(&parts, u16::try_from(scale).map_err(|_| bad())?)
}

fn bad() -> Error {
    Error::corrupt("a numeric in a key is malformed")
}

fn encode_parts(out: &mut Vec<u8>, parts: &NumericParts) -> Result<()> {
    if parts.digits.is_empty() {
        out.push(ZERO);
        return Ok(());
    }
    let exponent = i32::try_from(parts.exponent)
        .map_err(|_| Error::unsupported("a numeric of such size in a key"))?;
    out.push(if parts.negative { NEGATIVE } else { POSITIVE });
    let start = out.len();
    out.extend_from_slice(&(exponent ^ i32::MIN).to_be_bytes());
    for pair in parts.digits.chunks(2) {
        let high = pair.first().copied().unwrap_or(0);
        let low = pair.get(1).copied().unwrap_or(0);
        out.push(high.saturating_mul(10).saturating_add(low).saturating_add(1));
    }
    out.push(0);
    if parts.negative {
        for byte in &mut out[start..] {
            *byte = !*byte;
        }
    }
    Ok(())
}

fn decode_parts(class: u8, mut next: impl FnMut() -> Result<u8>) -> Result<NumericParts> {
    let negative = match class {
        ZERO => return Ok(NumericParts { negative: false, exponent: 0, digits: Vec::new() }),
        POSITIVE => false,
        NEGATIVE => true,
        _ => return Err(bad()),
    };
    let flip = if negative { 0xFF } else { 0 };
    let mut exponent = [0; 4];
    for byte in &mut exponent {
        *byte = next()? ^ flip;
    }
    let exponent = i64::from(i32::from_be_bytes(exponent) ^ i32::MIN);
    let mut digits = Vec::new();
    loop {
        match next()? ^ flip {
            0 => break,
            pair @ 1..=100 => digits.extend_from_slice(&[(pair - 1) / 10, (pair - 1) % 10]),
            _ => return Err(bad()),
        }
    }
    if digits.last() == Some(&0) {
        digits.pop();
    }
    if digits.first().is_none_or(|d| *d == 0) || digits.last() == Some(&0) {
        return Err(bad());
    }
    Ok(NumericParts { negative, exponent, digits })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A number of hundredths, as parts.
    fn parts(hundredths: i64) -> NumericParts {
        let text = hundredths.unsigned_abs().to_string();
        let digits: Vec<u8> = text.trim_end_matches('0').bytes().map(|b| b - b'0').collect();
        let exponent = if hundredths == 0 { 0 } else { text.len() as i64 - 2 };
        NumericParts { negative: hundredths < 0, exponent, digits }
    }

    fn encoded(parts: &NumericParts) -> Vec<u8> {
        let mut out = Vec::new();
        encode_parts(&mut out, parts).unwrap();
        out
    }

    fn decoded(bytes: &[u8]) -> Result<NumericParts> {
        let mut bytes = bytes.iter().copied();
        let mut next = || bytes.next().ok_or_else(bad);
        let class = next()?;
        decode_parts(class, next)
    }

    proptest! {
        #[test]
        fn the_order_of_bytes_is_the_order_of_numbers(
            a in -100_000i64..100_000, b in any::<i64>(), shift in 0u32..50,
        ) {
            let b = b >> shift;
            let (pa, pb) = (parts(a), parts(b));
            prop_assert_eq!(encoded(&pa).cmp(&encoded(&pb)), a.cmp(&b));
            prop_assert_eq!(decoded(&encoded(&pb)).unwrap(), pb);
        }

        #[test]
        fn hostile_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            if let Ok(parts) = decoded(&bytes) {
                let again = encoded(&parts);
                prop_assert!(bytes.starts_with(&again));
            }
        }
    }
}
