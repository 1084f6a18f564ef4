//! `to_char` of numbers.

use super::number_pattern::{NumberPattern, Part, SignPlace, parse};
use super::ordinal;
use crate::error::{Error, Result, sqlstate};
use crate::types::Numeric;
use crate::types::numeric::NumericParts;

/// Digits that a double precision holds for certain.
const FLOAT_DIGITS: usize = 15;
/// Places that a Roman numeral takes.
const ROMAN_WIDTH: usize = 15;

/// A bigint by a pattern.
pub fn int_to_char(value: i64, pattern: &str) -> Result<String> {
    numeric_to_char(&Numeric::from_i64(value), pattern)
}

/// An integer by a pattern; with an exponent it goes by way of a double precision.
pub fn integer_to_char(value: i32, pattern: &str) -> Result<String> {
    match parse(pattern)?.scientific {
        true => float_to_char(value.into(), pattern),
        false => int_to_char(value.into(), pattern),
    }
}

/// A numeric by a pattern.
pub fn numeric_to_char(value: &Numeric, pattern: &str) -> Result<String> {
    let p = parse(pattern)?;
    if let Some(upper) = p.roman {
        return Ok(roman_text(&p, Some(value.round(0).to_i32()?.into()), upper));
    }
    let Some(parts) = value.parts() else {
        return match p.scientific {
            true => Ok(no_scientific(&p)),
            false => not_a_number(&p, value.is_negative(), &digits_of(value)),
        };
    };
    if p.scientific {
        let exponent = if parts.digits.is_empty() { 0 } else { parts.exponent - 1 };
        let scale = u16::try_from(parts.digits.len()).unwrap_or(u16::MAX);
        let single = NumericParts { negative: false, exponent: 1, digits: parts.digits };
        // The digit before the point is found first, so that rounding may make two of it.
        let mantissa = Numeric::from_parts(&single, scale)?;
        let mantissa = digits_of(&mantissa.round(i32::try_from(p.after).unwrap_or(i32::MAX)));
        return Ok(with_exponent(&mantissa, exponent, value.is_negative()));
    }
    let shifted = match p.shift {
        0 => value.clone(),
        n => value.mul(&Numeric::parse(&format!("1{}", "0".repeat(n)))?)?,
    };
    let rounded = shifted.round(i32::try_from(p.after).unwrap_or(i32::MAX));
    Ok(render(&p, rounded.is_negative(), &digits_of(&rounded)))
}

/// A double precision by a pattern; no more digits than it holds.
pub fn float_to_char(value: f64, pattern: &str) -> Result<String> {
    let mut p = parse(pattern)?;
    if let Some(upper) = p.roman {
        let whole = value.round_ties_even();
        let whole = (whole.abs() < 1e9).then_some(whole as i64);
        return Ok(roman_text(&p, whole, upper));
    }
    if !value.is_finite() {
        let word = if value.is_nan() { "NaN" } else { "Infinity" };
        return match p.scientific {
            true => Ok(no_scientific(&p)),
            false => not_a_number(&p, value < 0.0, word),
        };
    }
    if p.scientific {
        let text = format!("{:.*e}", p.after, value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return Ok(with_exponent(mantissa, exponent.parse().unwrap_or(0), value < 0.0));
    }
    let exponent = i32::try_from(p.shift).unwrap_or(i32::MAX);
    let value = value * 10f64.powi(exponent);
    let whole = format!("{:.0}", value.abs()).len();
    if whole >= FLOAT_DIGITS {
        p.after = 0;
    } else {
        p.after = p.after.min(FLOAT_DIGITS - whole);
    }
    let text = format!("{:.*}", p.after, value.abs());
    Ok(render(&p, value < 0.0, &text))
}

fn digits_of(value: &Numeric) -> String {
    let mut text = String::new();
    value.abs().write(&mut text);
    text
}

fn overflow(p: &NumberPattern) -> String {
    format!("{}.{}", "#".repeat(p.before + p.shift), "#".repeat(p.after))
}

/// What stands for `NaN` and the infinities in a pattern with an exponent.
fn no_scientific(p: &NumberPattern) -> String {
    format!(" {}.{}####", "#".repeat(p.before), "#".repeat(p.after))
}

/// `NaN` and the infinities go through the pattern letter by letter.
fn not_a_number(p: &NumberPattern, negative: bool, word: &str) -> Result<String> {
    if p.parts.iter().any(|part| matches!(part, Part::Ordinal(_))) {
        return Err(Error::new(
            sqlstate::INVALID_TEXT_REPRESENTATION,
            format!("\"{word}\" is not a number"),
        ));
    }
    Ok(render(p, negative, word))
}

/// `1.23e+05`, with a blank where a minus would be.
fn with_exponent(mantissa: &str, exponent: i64, negative: bool) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    let lead = if negative { '-' } else { ' ' };
    format!("{lead}{mantissa}e{sign}{:02}", exponent.abs())
}

fn roman_text(p: &NumberPattern, value: Option<i64>, upper: bool) -> String {
    let text = match value {
        Some(n @ 1..=3999) => roman(n),
        _ => "#".repeat(ROMAN_WIDTH),
    };
    let text = if upper { text } else { text.to_lowercase() };
    if p.fill { text } else { format!("{text:>ROMAN_WIDTH$}") }
}

fn roman(mut n: i64) -> String {
    const LETTERS: [(i64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut text = String::new();
    for (value, letters) in LETTERS {
        while n >= value {
            text.push_str(letters);
            n -= value;
        }
    }
    text
}

/// A number on its way through a pattern.
struct Writer<'a> {
    p: &'a NumberPattern,
    negative: bool,
    digits: &'a [u8],
    /// The next digit.
    at: usize,
    /// The place in the pattern, counted in digits and the point.
    place: usize,
    /// Places before the first digit.
    spare: usize,
    places: usize,
    sign_written: bool,
    /// Whether the last place held a digit.
    in_number: bool,
    /// With `FM`, the last digit after the point that says something (the point itself if none).
    last_relevant: Option<usize>,
    sign: SignPlace,
    bracket: bool,
    out: String,
}

fn render(p: &NumberPattern, negative: bool, digits: &str) -> String {
    let before = p.before + p.shift;
    let whole = digits.find('.').unwrap_or(digits.len());
    let too_long = whole > before;
    let replaced;
    let digits = if too_long {
        replaced = overflow(p);
        replaced.as_str()
    } else {
        digits
    };
    let spare = before.saturating_sub(whole);
    let mut writer = Writer {
        p,
        negative,
        digits: digits.as_bytes(),
        at: 0,
        place: 0,
        spare,
        places: (p.after + before).saturating_sub(1),
        sign_written: match (p.plus, p.minus) {
            (true, false) => false,
            (_, true) => true,
            _ => !negative && p.fill && p.sign == SignPlace::Nowhere,
        },
        in_number: false,
        last_relevant: None,
        sign: p.sign,
        bracket: p.bracket && (negative || !p.fill),
        out: String::new(),
    };
    if p.fill && p.has_point {
        writer.last_relevant = writer.last_relevant_digit();
    }
    if !writer.sign_written && spare == 0 {
        writer.places += 1;
    }
    for part in &p.parts {
        writer.part(*part);
    }
    writer.out
}

impl Writer<'_> {
    fn last_relevant_digit(&self) -> Option<usize> {
        let point = self.digits.iter().position(|b| *b == b'.')?;
        let tail = self.digits.get(point + 1..).unwrap_or_default();
        let mut last = tail.iter().rposition(|b| *b != b'0').map_or(point, |at| point + 1 + at);
        if let Some(kept) = self.p.zero_end.checked_sub(self.spare).filter(|kept| *kept > 0) {
            last = last.max(kept.min(self.digits.len().saturating_sub(1)));
        }
        Some(last)
    }

    fn part(&mut self, part: Part) {
        let fill = self.p.fill;
        match part {
            Part::Nine | Part::Zero | Part::Point => self.digit(part),
            Part::Group if self.in_number => self.out.push(','),
            Part::Minus if self.negative => self.out.push('-'),
            Part::Plus if !self.negative => self.out.push('+'),
            Part::Group | Part::Minus | Part::Plus if fill => {}
            Part::Group | Part::Minus | Part::Plus | Part::Currency => self.out.push(' '),
            Part::AnySign => self.out.push(if self.negative { '-' } else { '+' }),
            Part::Ordinal(upper) => {
                let hidden =
                    self.negative || self.p.has_point || self.digits.first() == Some(&b'#');
                if !hidden {
                    let text = String::from_utf8_lossy(self.digits).into_owned();
                    self.out.push_str(ordinal(&text, upper));
                }
            }
            Part::Text(c) => self.out.push(c),
            Part::Sign | Part::Bracket | Part::Shift => {}
        }
    }

    /// `0.1` by `9.9` is ` .1`: the zero before the point is left out.
    fn leaves_zero_out(&self) -> bool {
        self.p.zero_start == 0
            && self.at == 0
            && self.digits.first() == Some(&b'0')
            && self.p.after != 0
    }

    fn point_is_last_relevant(&self) -> bool {
        self.last_relevant.is_some_and(|at| self.digits.get(at) == Some(&b'.'))
    }

    fn digit(&mut self, part: Part) {
        self.in_number = false;
        let zeros = self.p.zero_start > 0;
        let zero_start = self.p.zero_start.saturating_sub(1);
        let begins = self.place >= self.spare || (zeros && zero_start == self.place);
        if !self.sign_written
            && begins
            && (!self.leaves_zero_out() || self.point_is_last_relevant())
        {
            self.write_sign();
        }
        let next = self.digits.get(self.at).copied();
        if self.place < self.spare && (zero_start > self.place || !zeros) {
            if !self.p.fill {
                self.out.push(' ');
            }
        } else if zeros && self.place < self.spare && zero_start <= self.place {
            self.out.push('0');
            self.in_number = true;
        } else {
            match next {
                Some(b'.') if !self.point_is_last_relevant() || self.p.fill => self.out.push('.'),
                Some(b'.') => {}
                _ if part != Part::Zero && self.last_relevant.is_some_and(|l| self.at > l) => {}
                _ if self.leaves_zero_out() => {
                    if !self.p.fill {
                        self.out.push(' ');
                    } else if self.point_is_last_relevant() {
                        self.out.push('0');
                    }
                }
                Some(digit) => {
                    self.out.push(char::from(digit));
                    self.in_number = true;
                }
                None => {}
            }
            self.at += usize::from(next.is_some());
        }
        let mut end = self.places + usize::from(self.spare > 0) + usize::from(self.p.has_point);
        if self.last_relevant == Some(self.at) {
            end = self.place;
        }
        if self.place + 1 == end {
            if self.sign_written && self.bracket {
                self.out.push(if self.negative { '>' } else { ' ' });
            } else if self.sign == SignPlace::After {
                self.out.push(if self.negative { '-' } else { '+' });
            }
        }
        self.place += 1;
    }

    fn write_sign(&mut self) {
        match self.sign {
            SignPlace::Before => self.out.push(if self.negative { '-' } else { '+' }),
            SignPlace::After => return,
            SignPlace::Nowhere if self.bracket => {
                self.out.push(if self.negative { '<' } else { ' ' });
            }
            SignPlace::Nowhere if self.negative => self.out.push('-'),
            SignPlace::Nowhere => {
                if !self.p.fill {
                    self.out.push(' ');
                }
            }
        }
        self.sign_written = true;
    }
}
