//! Patterns of dates and times, taken apart.

/// A field of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// AD, BC; with points or without.
    Era {
        points: bool,
    },
    /// AM, PM; with points or without.
    HalfDay {
        points: bool,
    },
    Century,
    DayName,
    DayNameShort,
    DayOfYear,
    IsoDayOfYear,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    /// A fraction of a second in this many digits.
    Fraction(u8),
    Hour12,
    Hour24,
    /// The last digits of the year of ISO weeks.
    IsoYear(u8),
    IsoWeek,
    Julian,
    Minute,
    Month,
    MonthName,
    MonthNameShort,
    Milliseconds,
    Microseconds,
    Offset,
    Quarter,
    RomanMonth,
    SecondsOfDay,
    Second,
    ZoneName,
    ZoneHours,
    ZoneMinutes,
    WeekOfYear,
    WeekOfMonth,
    /// `Y,YYY`
    YearWithComma,
    /// The last digits of the year.
    Year(u8),
}

/// How the letters of a field are written in the pattern, and so in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Title,
    Lower,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A field.
    Field {
        field: Field,
        case: Case,
        /// `FM` before it: no padding.
        fill: bool,
        /// `TH` or `th` after it.
        ordinal: Option<Case>,
        /// The word, in capitals; as many digits are read as it has letters.
        word: &'static str,
    },
    /// A separator: a blank or a mark that stands for any separator on input.
    Separator(char),
    /// A character that stands for itself.
    Literal(char),
}

/// The words, the longer of two that begin alike first.
const WORDS: &[(&str, Field)] = &[
    ("A.D.", Field::Era { points: true }),
    ("A.M.", Field::HalfDay { points: true }),
    ("AD", Field::Era { points: false }),
    ("AM", Field::HalfDay { points: false }),
    ("B.C.", Field::Era { points: true }),
    ("BC", Field::Era { points: false }),
    ("CC", Field::Century),
    ("DAY", Field::DayName),
    ("DDD", Field::DayOfYear),
    ("DD", Field::Day),
    ("DY", Field::DayNameShort),
    ("D", Field::DayOfWeek),
    ("FF1", Field::Fraction(1)),
    ("FF2", Field::Fraction(2)),
    ("FF3", Field::Fraction(3)),
    ("FF4", Field::Fraction(4)),
    ("FF5", Field::Fraction(5)),
    ("FF6", Field::Fraction(6)),
    ("HH24", Field::Hour24),
    ("HH12", Field::Hour12),
    ("HH", Field::Hour12),
    ("IDDD", Field::IsoDayOfYear),
    ("ID", Field::IsoDayOfWeek),
    ("IW", Field::IsoWeek),
    ("IYYY", Field::IsoYear(4)),
    ("IYY", Field::IsoYear(3)),
    ("IY", Field::IsoYear(2)),
    ("I", Field::IsoYear(1)),
    ("J", Field::Julian),
    ("MI", Field::Minute),
    ("MM", Field::Month),
    ("MONTH", Field::MonthName),
    ("MON", Field::MonthNameShort),
    ("MS", Field::Milliseconds),
    ("OF", Field::Offset),
    ("P.M.", Field::HalfDay { points: true }),
    ("PM", Field::HalfDay { points: false }),
    ("Q", Field::Quarter),
    ("RM", Field::RomanMonth),
    ("SSSSS", Field::SecondsOfDay),
    ("SSSS", Field::SecondsOfDay),
    ("SS", Field::Second),
    ("TZH", Field::ZoneHours),
    ("TZM", Field::ZoneMinutes),
    ("TZ", Field::ZoneName),
    ("US", Field::Microseconds),
    ("WW", Field::WeekOfYear),
    ("W", Field::WeekOfMonth),
    ("Y,YYY", Field::YearWithComma),
    ("YYYY", Field::Year(4)),
    ("YYY", Field::Year(3)),
    ("YY", Field::Year(2)),
    ("Y", Field::Year(1)),
];

fn is_name(field: Field) -> bool {
    matches!(field, Field::DayName | Field::DayNameShort | Field::MonthName | Field::MonthNameShort)
}

/// The word that a text begins with, its field and case. A word is all upper, all lower, or (the
/// names of days and months) written as names are.
fn word_at(text: &str) -> Option<(&'static str, Field, Case)> {
    WORDS.iter().find_map(|(word, field)| {
        let written = text.get(..word.len())?;
        let title = || {
            let pair = (written.split_at_checked(1), word.split_at_checked(1));
            let (Some((first, rest)), Some((wanted, tail))) = pair else { return false };
            first == wanted && rest == tail.to_ascii_lowercase()
        };
        let case = if written == *word {
            Case::Upper
        } else if written == word.to_ascii_lowercase() {
            Case::Lower
        } else if is_name(*field) && title() {
            Case::Title
        } else {
            return None;
        };
        Some((*word, *field, case))
    })
}

/// A pattern taken apart, and whether `FX` demands an exact match on input.
pub(super) fn parse(pattern: &str) -> (Vec<Node>, bool) {
    let (mut nodes, mut exact) = (Vec::new(), false);
    let mut rest = pattern;
    while !rest.is_empty() {
        let (mut fill, mut localised) = (false, false);
        loop {
            if let Some(after) = strip(rest, "FX") {
                exact = true;
                rest = after;
            } else if let Some(after) = strip(rest, "FM") {
                fill = true;
                rest = after;
            } else if let Some(after) = strip(rest, "TM") {
                localised = true;
                rest = after;
            } else {
                break;
            }
        }
        if let Some((word, field, case)) = word_at(rest) {
            rest = rest.get(word.len()..).unwrap_or_default();
            let mut ordinal = None;
            if let Some(after) = rest.strip_prefix("TH") {
                (ordinal, rest) = (Some(Case::Upper), after);
            } else if let Some(after) = rest.strip_prefix("th") {
                (ordinal, rest) = (Some(Case::Lower), after);
            }
            // Names in the language of the locale are not padded.
            let fill = fill || (localised && is_name(field));
            nodes.push(Node::Field { field, case, fill, ordinal, word });
            continue;
        }
        let mut chars = rest.chars();
        match chars.next() {
            Some('"') => {
                // Quoted text stands for itself; a backslash quotes the quote.
                loop {
                    match chars.next() {
                        Some('"') | None => break,
                        Some('\\') => nodes.extend(chars.next().map(Node::Literal)),
                        Some(c) => nodes.push(Node::Literal(c)),
                    }
                }
            }
            Some('\\') if chars.as_str().starts_with('"') => {
                nodes.extend(chars.next().map(Node::Literal));
            }
            Some(c) if c.is_ascii_alphanumeric() || !c.is_ascii() => nodes.push(Node::Literal(c)),
            Some(c) => nodes.push(Node::Separator(c)),
            None => {}
        }
        rest = chars.as_str();
    }
    (nodes, exact)
}

fn strip<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (begin, rest) = text.split_at_checked(word.len())?;
    (begin == word || begin == word.to_ascii_lowercase()).then_some(rest)
}
