//! `to_number`.

use super::number_pattern::{Part, parse};
use crate::error::{Error, Result, sqlstate};
use crate::types::Numeric;

/// A text as a number, read by a pattern: as many digits as the pattern has places; signs, group
/// marks and currency signs wherever the pattern has them.
pub fn to_number(text: &str, pattern: &str) -> Result<Numeric> {
    let p = parse(pattern)?;
    if p.roman.is_some() {
        return Err(Error::unsupported("\"RN\" for input"));
    }
    if p.scientific {
        return Err(Error::unsupported("\"EEEE\" for input"));
    }
    let mut rest = text.trim_start();
    let (mut digits, mut negative, mut point) = (String::new(), false, false);
    for part in &p.parts {
        if rest.is_empty() {
            break;
        }
        match part {
            Part::Nine | Part::Zero | Part::Point => {
                // A sign may stand before the first digit whatever the pattern says.
                if digits.is_empty() && !point {
                    rest = rest.trim_start();
                    for (mark, minus) in [('-', true), ('+', false), ('<', true)] {
                        if let Some(after) = rest.strip_prefix(mark) {
                            negative |= minus;
                            rest = after;
                        }
                    }
                }
                if let Some(after) = rest.strip_prefix('.')
                    && !point
                    && (*part == Part::Point || p.has_point)
                {
                    point = true;
                    digits.push('.');
                    rest = after;
                    if *part == Part::Point {
                        continue;
                    }
                }
                if *part != Part::Point
                    && let Some(digit) = rest.chars().next().filter(char::is_ascii_digit)
                {
                    digits.push(digit);
                    rest = rest.get(1..).unwrap_or_default();
                }
            }
            Part::Group => rest = rest.strip_prefix(',').unwrap_or(rest),
            Part::Sign | Part::Minus | Part::Plus | Part::AnySign | Part::Bracket => {
                if let Some(after) = rest.strip_prefix(['-', '<']) {
                    negative = true;
                    rest = after;
                } else {
                    rest = rest.strip_prefix(['+', '>']).unwrap_or(rest);
                }
            }
            Part::Ordinal(_) => {
                let word: String = rest.chars().take(2).collect();
                if ["st", "nd", "rd", "th"].contains(&&*word.to_lowercase()) {
                    rest = rest.get(2..).unwrap_or_default();
                }
            }
            Part::Currency | Part::Text(_) => {
                // One character, unless the number goes on at once.
                let mut chars = rest.chars();
                if chars.next().is_some_and(|c| !c.is_ascii_digit() && !"+-.,<".contains(c)) {
                    rest = chars.as_str();
                }
            }
            Part::Shift => {}
        }
    }
    // A sign after the last digit counts, too.
    negative |= rest.trim_start().starts_with('-');
    if !digits.bytes().any(|b| b.is_ascii_digit()) {
        return Err(Error::new(
            sqlstate::INVALID_TEXT_REPRESENTATION,
            "invalid input syntax for type numeric: \" \"",
        ));
    }
    let sign = if negative { "-" } else { "" };
    let mut value = Numeric::parse(&format!("{sign}{digits}"))?;
    if p.shift > 0 {
        value = value.div(&Numeric::parse(&format!("1{}", "0".repeat(p.shift)))?)?;
    }
    Ok(value)
}
