//! Patterns of numbers, taken apart.

use crate::error::{Error, Result, sqlstate};

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Nine,
    Zero,
    /// `.` or `D`
    Point,
    /// `,` or `G`
    Group,
    /// `L`
    Currency,
    /// `S`
    Sign,
    /// `MI`
    Minus,
    /// `PL`
    Plus,
    /// `SG`
    AnySign,
    /// `PR`
    Bracket,
    /// `TH` (true) or `th`
    Ordinal(bool),
    /// `V`
    Shift,
    Text(char),
}

/// Where an `S` puts the sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignPlace {
    Nowhere,
    Before,
    After,
}

/// A pattern taken apart.
#[derive(Clone, Debug)]
pub(super) struct NumberPattern {
    pub(super) parts: Vec<Part>,
    /// Digits before and after the point, and after `V`.
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) shift: usize,
    /// The first place, counted from 1, that a zero fills; 0 if there is none.
    pub(super) zero_start: usize,
    /// The last place that a zero keeps.
    pub(super) zero_end: usize,
    pub(super) has_point: bool,
    pub(super) has_shift: bool,
    pub(super) fill: bool,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) bracket: bool,
    pub(super) sign: SignPlace,
    sign_at: usize,
    /// `RN` (true) or `rn`.
    pub(super) roman: Option<bool>,
    pub(super) scientific: bool,
}

fn wrong(message: &str) -> Error {
    Error::new(sqlstate::SYNTAX_ERROR, message)
}

const WORDS: &[(&str, Option<Part>)] = &[
    ("EEEE", None),
    ("FM", None),
    ("MI", Some(Part::Minus)),
    ("PL", Some(Part::Plus)),
    ("PR", Some(Part::Bracket)),
    ("RN", None),
    ("SG", Some(Part::AnySign)),
    ("SP", None),
    ("S", Some(Part::Sign)),
    ("TH", Some(Part::Ordinal(true))),
    ("V", Some(Part::Shift)),
    (".", Some(Part::Point)),
    ("D", Some(Part::Point)),
    (",", Some(Part::Group)),
    ("G", Some(Part::Group)),
    ("L", Some(Part::Currency)),
    ("9", Some(Part::Nine)),
    ("0", Some(Part::Zero)),
    ("B", None),
];

/// Takes a pattern apart.
pub(super) fn parse(pattern: &str) -> Result<NumberPattern> {
    let mut p = NumberPattern {
        parts: Vec::new(),
        before: 0,
        after: 0,
        shift: 0,
        zero_start: 0,
        zero_end: 0,
        has_point: false,
        has_shift: false,
        fill: false,
        minus: false,
        plus: false,
        bracket: false,
        sign: SignPlace::Nowhere,
        sign_at: 0,
        roman: None,
        scientific: false,
    };
    let mut rest = pattern;
    while !rest.is_empty() {
        let found = WORDS.iter().find(|(word, _)| {
            rest.get(..word.len())
                .is_some_and(|written| written == *word || written == word.to_ascii_lowercase())
        });
        if let Some((word, part)) = found {
            let lower = !rest.starts_with(word);
            rest = rest.get(word.len()..).unwrap_or_default();
            match (*word, part) {
                ("EEEE", _) => p.scientific = true,
                ("FM", _) => p.fill = true,
                ("RN", _) => p.roman = Some(!lower),
                (_, Some(Part::Ordinal(_))) => p.parts.push(Part::Ordinal(!lower)),
                (_, Some(part)) => {
                    p.note(*part)?;
                    p.parts.push(*part);
                }
                _ => {}
            }
            continue;
        }
        let mut chars = rest.chars();
        match chars.next() {
            Some('"') => loop {
                match chars.next() {
                    Some('"') | None => break,
                    Some('\\') => p.parts.extend(chars.next().map(Part::Text)),
                    Some(c) => p.parts.push(Part::Text(c)),
                }
            },
            Some('\\') if chars.as_str().starts_with('"') => {
                p.parts.extend(chars.next().map(Part::Text));
            }
            Some(c) => p.parts.push(Part::Text(c)),
            None => {}
        }
        rest = chars.as_str();
    }
    if p.sign == SignPlace::Before && p.sign_at == p.before {
        p.sign = SignPlace::After;
    }
    if p.scientific
        && (p.fill || p.minus || p.plus || p.bracket || p.has_shift || p.sign != SignPlace::Nowhere)
    {
        return Err(wrong("\"EEEE\" is incompatible with other formats").with_detail(
            "\"EEEE\" may only be used together with digit and decimal point patterns.",
        ));
    }
    Ok(p)
}

impl NumberPattern {
    /// Takes note of what a part means for the whole.
    fn note(&mut self, part: Part) -> Result<()> {
        match part {
            Part::Nine | Part::Zero if self.bracket => {
                return Err(wrong(if part == Part::Nine {
                    "\"9\" must be ahead of \"PR\""
                } else {
                    "\"0\" must be ahead of \"PR\""
                }));
            }
            Part::Nine if self.has_shift => self.shift += 1,
            Part::Nine if self.has_point => self.after += 1,
            Part::Nine => self.before += 1,
            Part::Zero => {
                if self.zero_start == 0 && !self.has_point {
                    self.zero_start = self.before + 1;
                }
                if self.has_point {
                    self.after += 1
                } else {
                    self.before += 1
                }
                self.zero_end = self.before + self.after;
            }
            Part::Point => {
                if self.has_point {
                    return Err(wrong("multiple decimal points"));
                }
                if self.has_shift {
                    return Err(wrong("cannot use \"V\" and decimal point together"));
                }
                self.has_point = true;
            }
            Part::Shift => {
                if self.has_point {
                    return Err(wrong("cannot use \"V\" and decimal point together"));
                }
                self.has_shift = true;
            }
            Part::Sign => {
                if self.sign != SignPlace::Nowhere {
                    return Err(wrong("cannot use \"S\" twice"));
                }
                if self.plus || self.minus || self.bracket {
                    return Err(wrong("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"));
                }
                if self.has_point {
                    self.sign = SignPlace::After;
                } else {
                    self.sign = SignPlace::Before;
                    self.sign_at = self.before;
                }
            }
            Part::Minus | Part::Plus | Part::AnySign if self.sign != SignPlace::Nowhere => {
                let word = match part {
                    Part::Minus => "MI",
                    Part::Plus => "PL",
                    _ => "SG",
                };
                return Err(wrong(&format!("cannot use \"S\" and \"{word}\" together")));
            }
            Part::Minus => self.minus = true,
            Part::Plus => self.plus = true,
            Part::AnySign => (self.plus, self.minus) = (true, true),
            Part::Bracket => {
                if self.sign != SignPlace::Nowhere || self.plus || self.minus {
                    return Err(wrong("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together"));
                }
                self.bracket = true;
            }
            Part::Group | Part::Currency | Part::Ordinal(_) | Part::Text(_) => {}
        }
        Ok(())
    }
}
