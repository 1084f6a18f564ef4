//! Type modifiers: how `(10,2)` and `(20)` are kept in one number, as PostgreSQL keeps them.

use super::Type;
use crate::error::{Error, Result, sqlstate};

/// Bytes of header that PostgreSQL counts into the modifiers of strings and numerics.
const HEADER: i32 = 4;
/// The interval modifier's "all fields".
pub const INTERVAL_FULL_RANGE: i32 = 0x7fff;
/// The interval modifier's "all digits".
pub const INTERVAL_FULL_PRECISION: i32 = 0xffff;
/// Bits of the interval modifier's fields, in the order year, month, day, hour, minute, second.
pub const INTERVAL_FIELDS: [(&str, i32); 6] = [
    ("year", 1 << 2),
    ("month", 1 << 1),
    ("day", 1 << 3),
    ("hour", 1 << 10),
    ("minute", 1 << 11),
    ("second", 1 << 12),
];

/// The modifier of `ty(args…)`, checked as PostgreSQL's `typmodin` functions do.
pub fn modifier_for(ty: &Type, args: &[i64]) -> Result<i32> {
    let invalid = |message: String| Error::new(sqlstate::INVALID_PARAMETER_VALUE, message);
    match (ty, args) {
        (_, []) => Ok(-1),
        (Type::Array(element), _) => modifier_for(element, args),
        (Type::Varchar | Type::Bpchar, [n]) => {
            let word = if *ty == Type::Varchar { "varchar" } else { "char" };
            match i32::try_from(*n) {
                Ok(n @ 1..=10_485_760) => Ok(n + HEADER),
                Ok(n) if n > 0 => {
                    Err(invalid(format!("length for type {word} cannot exceed 10485760")))
                }
                _ => Err(invalid(format!("length for type {word} must be at least 1"))),
            }
        }
        (Type::Numeric, [p] | [p, _]) => {
            let s = args.get(1).copied().unwrap_or(0);
            if !(1..=1000).contains(p) {
                return Err(invalid(format!("NUMERIC precision {p} must be between 1 and 1000")));
            }
            if !(-1000..=1000).contains(&s) {
                return Err(invalid(format!("NUMERIC scale {s} must be between -1000 and 1000")));
            }
            Ok(numeric_modifier(*p as i32, s as i32))
        }
        (Type::Numeric, _) => Err(invalid("invalid NUMERIC type modifier".into())),
        (Type::Time | Type::Timetz | Type::Timestamp | Type::Timestamptz, [p]) => {
            if *p < 0 {
                let (word, zone) = match ty {
                    Type::Time => ("TIME", ""),
                    Type::Timetz => ("TIME", " WITH TIME ZONE"),
                    Type::Timestamp => ("TIMESTAMP", ""),
                    _ => ("TIMESTAMP", " WITH TIME ZONE"),
                };
                return Err(invalid(format!("{word}({p}){zone} precision must not be negative")));
            }
            Ok((*p).min(6) as i32)
        }
        (Type::Interval, [p]) => interval_modifier(INTERVAL_FULL_RANGE, Some(*p)),
        (Type::Varchar | Type::Bpchar, _) => Err(invalid("invalid type modifier".into())),
        _ => Err(Error::syntax(format!("type modifier is not allowed for type \"{ty}\""))),
    }
}

/// The modifier of `numeric(precision, scale)`.
pub fn numeric_modifier(precision: i32, scale: i32) -> i32 {
    ((precision << 16) | (scale & 0x7ff)) + HEADER
}

/// Precision and scale of a numeric modifier, if it has any.
pub fn numeric_precision_scale(modifier: i32) -> Option<(i32, i32)> {
    if modifier < HEADER {
        return None;
    }
    let packed = modifier - HEADER;
    // The scale is an 11-bit two's complement number.
    Some((packed >> 16 & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024))
}

/// The length of a `varchar(n)` or `char(n)` modifier, in characters.
pub fn char_length(modifier: i32) -> Option<usize> {
    usize::try_from(modifier.checked_sub(HEADER)?).ok()
}

/// The modifier of `interval fields(precision)`; `range` is a union of [`INTERVAL_FIELDS`] or
/// [`INTERVAL_FULL_RANGE`].
pub fn interval_modifier(range: i32, precision: Option<i64>) -> Result<i32> {
    let precision = match precision {
        None if range == INTERVAL_FULL_RANGE => return Ok(-1),
        None => INTERVAL_FULL_PRECISION,
        Some(p) if p < 0 => {
            return Err(Error::new(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("INTERVAL({p}) precision must not be negative"),
            ));
        }
        Some(p) => p.min(6) as i32,
    };
    Ok(((range & INTERVAL_FULL_RANGE) << 16) | (precision & INTERVAL_FULL_PRECISION))
}

/// Range and precision of an interval modifier, if it has any.
pub fn interval_range_precision(modifier: i32) -> Option<(i32, Option<i32>)> {
    if modifier < 0 {
        return None;
    }
    let precision = modifier & INTERVAL_FULL_PRECISION;
    let precision = (precision != INTERVAL_FULL_PRECISION).then_some(precision.min(6));
    Some((modifier >> 16 & INTERVAL_FULL_RANGE, precision))
}

/// What `format_type` appends: `(20)`, `(10,2)`, ` year to month`.
pub(super) fn suffix(ty: &Type, modifier: i32) -> String {
    match ty {
        Type::Varchar | Type::Bpchar => {
            char_length(modifier).map_or_else(String::new, |n| format!("({n})"))
        }
        Type::Numeric => numeric_precision_scale(modifier)
            .map_or_else(String::new, |(precision, scale)| format!("({precision},{scale})")),
        Type::Interval => {
            let Some((range, precision)) = interval_range_precision(modifier) else {
                return String::new();
            };
            let mut out = String::new();
            if range != INTERVAL_FULL_RANGE {
                let fields: Vec<&str> = INTERVAL_FIELDS
                    .iter()
                    .filter(|(_, bit)| range & bit != 0)
                    .map(|(name, _)| *name)
                    .collect();
                match fields.as_slice() {
                    [] => {}
                    [only] => out = format!(" {only}"),
                    [first, .., last] => out = format!(" {first} to {last}"),
                }
            }
            if let Some(precision) = precision {
                out += &format!("({precision})");
            }
            out
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_modifiers_keep_negative_scales() {
        let modifier = modifier_for(&Type::Numeric, &[3, -2]).unwrap();
        assert_eq!(numeric_precision_scale(modifier), Some((3, -2)));
        let message = modifier_for(&Type::Numeric, &[0]).unwrap_err().to_string();
        assert_eq!(message, "NUMERIC precision 0 must be between 1 and 1000");
    }

    #[test]
    fn lengths_are_bounded() {
        assert_eq!(modifier_for(&Type::Varchar, &[20]).unwrap(), 24);
        let message = modifier_for(&Type::Bpchar, &[0]).unwrap_err().to_string();
        assert_eq!(message, "length for type char must be at least 1");
        let e = modifier_for(&Type::Int4, &[3]).unwrap_err();
        assert_eq!(e.code(), sqlstate::SYNTAX_ERROR);
    }

    #[test]
    fn interval_modifiers_print_their_fields() {
        let year_to_month = interval_modifier((1 << 2) | (1 << 1), None).unwrap();
        assert_eq!(suffix(&Type::Interval, year_to_month), " year to month");
        let second3 = interval_modifier(1 << 12, Some(3)).unwrap();
        assert_eq!(suffix(&Type::Interval, second3), " second(3)");
        assert_eq!(interval_modifier(INTERVAL_FULL_RANGE, None).unwrap(), -1);
    }
}
