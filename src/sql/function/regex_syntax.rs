//! PostgreSQL's regular expressions in the notation of the `regex` crate.
//!
//! The notations differ in escapes (`\y` is a word boundary, `\m` and `\M` its halves), in bracket
//! expressions, in what `.` and `$` mean, and in what a class of characters holds. The engines
//! differ in choice: where alternatives of different length match at one place, PostgreSQL takes
//! the longest, the crate the first; and PostgreSQL makes a whole expression greedy or not. Neither
//! affects whether there is a match. Backreferences and lookaround cannot be had and are refused.

use crate::error::{Error, Result, sqlstate};

/// How an expression is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Case does not matter.
    pub(super) ignore_case: bool,
    /// `.` and negated brackets do not match a line break.
    pub(super) dot_stops_at_newline: bool,
    /// `^` and `$` match at every line.
    pub(super) anchors_at_lines: bool,
    /// Blanks and comments are left out.
    pub(super) expanded: bool,
    /// The expression is a plain string.
    pub(super) literal: bool,
}

impl Options {
    /// Takes one option letter; `false` if there is no such letter.
    pub(super) fn set(&mut self, letter: char) -> Result<bool> {
        match letter {
            'i' => self.ignore_case = true,
            'c' => self.ignore_case = false,
            'm' | 'n' => (self.dot_stops_at_newline, self.anchors_at_lines) = (true, true),
            'p' => (self.dot_stops_at_newline, self.anchors_at_lines) = (true, false),
            's' => (self.dot_stops_at_newline, self.anchors_at_lines) = (false, false),
            'w' => (self.dot_stops_at_newline, self.anchors_at_lines) = (false, true),
            'x' => self.expanded = true,
            't' => self.expanded = false,
            'q' => self.literal = true,
            'e' => {}
            'b' => return Err(Error::unsupported("a basic regular expression (option \"b\")")),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// `2201B` with the engine's words.
pub(super) fn invalid(reason: &str) -> Error {
    Error::new(
        sqlstate::INVALID_REGULAR_EXPRESSION,
        format!("invalid regular expression: {reason}"),
    )
}

/// An expression in the crate's notation, with the options that it carries itself applied.
pub(super) fn translate(pattern: &str, mut options: Options) -> Result<(String, Options)> {
    let mut rest = pattern;
    if let Some(literal) = rest.strip_prefix("***=") {
        options.literal = true;
        rest = literal;
    } else if let Some(advanced) = rest.strip_prefix("***:") {
        rest = advanced;
    } else if rest.starts_with("***") {
        return Err(invalid("quantifier operand invalid"));
    }
    if options.literal {
        return Ok((regex::escape(rest), options));
    }
    rest = embedded_options(rest, &mut options)?;
    if options.literal {
        return Ok((regex::escape(rest), options));
    }
    let mut reader = Reader {
        rest: rest.chars().collect(),
        at: 0,
        out: String::with_capacity(rest.len() + 16),
        options,
        depth: 0,
        groups: 0,
        before: Before::Nothing,
    };
    reader.expression()?;
    Ok((reader.out, options))
}

/// `(?i)` and the like at the start.
fn embedded_options<'a>(pattern: &'a str, options: &mut Options) -> Result<&'a str> {
    let Some((letters, rest)) = pattern.strip_prefix("(?").and_then(|p| p.split_once(')')) else {
        return Ok(pattern);
    };
    if letters.is_empty() || !letters.chars().all(|c| c.is_ascii_alphabetic()) {
        return Ok(pattern);
    }
    for letter in letters.chars() {
        if !options.set(letter)? {
            return Err(invalid("invalid embedded option"));
        }
    }
    Ok(rest)
}

/// What a quantifier would apply to.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// The start of a branch, an anchor, or a quantifier already.
    Nothing,
    /// Something that can be repeated.
    Atom,
}

struct Reader {
    rest: Vec<char>,
    at: usize,
    out: String,
    options: Options,
    depth: usize,
    groups: usize,
    before: Before,
}

/// The most that a repetition count may be.
const REPETITIONS_MAX: u32 = 255;

/// Parentheses in parentheses.
const NESTING_MAX: usize = 200;

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.at + ahead).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        Some(c)
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.before = Before::Atom;
    }

    fn constraint(&mut self, text: &str) {
        self.out.push_str(text);
        self.before = Before::Nothing;
    }

    fn literal(&mut self, c: char) {
        push_literal(&mut self.out, c);
        self.before = Before::Atom;
    }

    fn expression(&mut self) -> Result<()> {
        while let Some(c) = self.take() {
            match c {
                '\\' => self.escape()?,
                '[' => self.bracket()?,
                '(' => self.open()?,
                ')' => {
                    self.depth = self
                        .depth
                        .checked_sub(1)
                        .ok_or_else(|| invalid("parentheses () not balanced"))?;
                    self.atom(")");
                }
                '|' => self.constraint("|"),
                '^' => self.constraint("^"),
                '$' => self.constraint("$"),
                '.' => self.atom("."),
                '*' | '+' | '?' => self.quantifier(&c.to_string())?,
                '{' if self.peek(0).is_some_and(|c| c.is_ascii_digit()) => self.bounds()?,
                c if self.options.expanded && c.is_whitespace() => {}
                '#' if self.options.expanded => while self.take().is_some_and(|c| c != '\n') {},
                c => self.literal(c),
            }
        }
        match self.depth {
            0 => Ok(()),
            _ => Err(invalid("parentheses () not balanced")),
        }
    }

    fn open(&mut self) -> Result<()> {
        if self.peek(0) == Some('?') {
            match (self.peek(1), self.peek(2)) {
                (Some(':'), _) => {
                    self.at += 2;
                    self.constraint("(?:");
                }
                (Some('#'), _) => {
                    while self.take().is_some_and(|c| c != ')') {}
                    return Ok(());
                }
                (Some('=' | '!'), _) => {
                    return Err(Error::unsupported("lookahead in a regular expression"));
                }
                (Some('<'), Some('=' | '!')) => {
                    return Err(Error::unsupported("lookbehind in a regular expression"));
                }
                _ => return Err(invalid("quantifier operand invalid")),
            }
        } else {
            self.groups += 1;
            self.constraint("(");
        }
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(invalid("regular expression is too complex"));
        }
        Ok(())
    }

    /// A quantifier, and the `?` after it that makes it take as little as it can.
    fn quantifier(&mut self, text: &str) -> Result<()> {
        if self.before == Before::Nothing {
            return Err(invalid("quantifier operand invalid"));
        }
        self.constraint(text);
        if self.peek(0) == Some('?') {
            self.at += 1;
            self.out.push('?');
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Option<u32>> {
        let mut value = None;
        while let Some(digit) = self.peek(0).and_then(|c| c.to_digit(10)) {
            self.at += 1;
            let number = value.unwrap_or(0) * 10 + digit;
            if number > REPETITIONS_MAX {
                return Err(invalid("invalid repetition count(s)"));
            }
            value = Some(number);
        }
        Ok(value)
    }

    /// `{m}`, `{m,}`, `{m,n}` after the brace.
    fn bounds(&mut self) -> Result<()> {
        let low = self.number()?.unwrap_or(0);
        let text = match self.take() {
            Some('}') => format!("{{{low}}}"),
            Some(',') => {
                let high = self.number()?;
                match (self.take(), high) {
                    (Some('}'), None) => format!("{{{low},}}"),
                    (Some('}'), Some(high)) if high >= low => format!("{{{low},{high}}}"),
                    (Some('}'), Some(_)) => return Err(invalid("invalid repetition count(s)")),
                    (None, _) => return Err(invalid("braces {} not balanced")),
                    _ => return Err(invalid("invalid repetition count(s)")),
                }
            }
            None => return Err(invalid("braces {} not balanced")),
            _ => return Err(invalid("invalid repetition count(s)")),
        };
        self.quantifier(&text)
    }

    /// An escape outside brackets, after its backslash.
    fn escape(&mut self) -> Result<()> {
        match self.peek(0) {
            Some('A') => self.boundary("\\A"),
            Some('Z') => self.boundary("\\z"),
            Some('m') => self.boundary("\\b{start}"),
            Some('M') => self.boundary("\\b{end}"),
            Some('y') => self.boundary("\\b"),
            Some('Y') => self.boundary("\\B"),
            Some(c @ ('d' | 'w' | 's')) => {
                self.at += 1;
                self.atom(&format!("[{}]", shorthand(c)));
            }
            Some(c @ ('D' | 'W' | 'S')) => {
                self.at += 1;
                self.atom(&format!("[^{}]", shorthand(c.to_ascii_lowercase())));
            }
            Some('1'..='9') => {
                let digits =
                    (1..3).take_while(|i| self.peek(*i).is_some_and(|c| c.is_ascii_digit()));
                let digits = 1 + digits.count();
                let number: String = self.rest[self.at..self.at + digits].iter().collect();
                let number: usize = number.parse().unwrap_or(usize::MAX);
                if digits == 1 && number > self.groups {
                    return Err(invalid("invalid backreference number"));
                }
                if number <= self.groups {
                    return Err(Error::unsupported("a backreference in a regular expression"));
                }
                let c = self.character_escape()?;
                self.literal(c);
            }
            _ => {
                let c = self.character_escape()?;
                self.literal(c);
            }
        }
        Ok(())
    }

    fn boundary(&mut self, text: &str) {
        self.at += 1;
        self.constraint(text);
    }

    /// The character that an escape stands for.
    fn character_escape(&mut self) -> Result<char> {
        let bad = || invalid("invalid escape \\ sequence");
        Ok(match self.take().ok_or_else(bad)? {
            'a' => '\x07',
            'b' => '\x08',
            'B' => '\\',
            'c' => {
                let c = self.take().ok_or_else(bad)?;
                char::from((u32::from(c) & 0x1f) as u8)
            }
            'e' => '\x1b',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'u' => self.code_point(16, 4, 4)?,
            'U' => self.code_point(16, 8, 8)?,
            'x' => self.code_point(16, 1, 255)?,
            '0'..='7' => {
                self.at -= 1;
                self.code_point(8, 1, 3)?
            }
            c if c.is_ascii_alphanumeric() => return Err(bad()),
            c => c,
        })
    }

    fn code_point(&mut self, radix: u32, least: usize, most: usize) -> Result<char> {
        let bad = || invalid("invalid escape \\ sequence");
        let (mut value, mut digits) = (0u32, 0);
        while digits < most
            && let Some(digit) = self.peek(0).and_then(|c| c.to_digit(radix))
        {
            value = value.checked_mul(radix).and_then(|v| v.checked_add(digit)).ok_or_else(bad)?;
            self.at += 1;
            digits += 1;
        }
        char::from_u32(value).filter(|_| digits >= least).ok_or_else(bad)
    }

    /// A bracket expression after its `[`.
    fn bracket(&mut self) -> Result<()> {
        let unbalanced = || invalid("brackets [] not balanced");
        let word: String = self.rest[self.at..].iter().take(6).collect();
        if let Some(boundary) = match word.as_str() {
            "[:<:]]" => Some("\\b{start}"),
            "[:>:]]" => Some("\\b{end}"),
            _ => None,
        } {
            self.at += 6;
            self.constraint(boundary);
            return Ok(());
        }
        let mut set = String::from("[");
        if self.peek(0) == Some('^') {
            self.at += 1;
            set.push('^');
            if self.options.dot_stops_at_newline {
                set.push_str("\\n");
            }
        }
        let mut first = true;
        loop {
            let c = self.take().ok_or_else(unbalanced)?;
            let start = match c {
                ']' if !first => break,
                '[' if self.peek(0) == Some(':') => {
                    let name = self.delimited(':')?;
                    set.push_str(class(&name).ok_or_else(|| invalid("invalid character class"))?);
                    first = false;
                    continue;
                }
                '\\' if self.peek(0).is_some_and(|c| matches!(c, 'd' | 'w' | 's')) => {
                    set.push_str(shorthand(self.take().unwrap_or('d')));
                    first = false;
                    continue;
                }
                '\\' if self.peek(0).is_some_and(|c| matches!(c, 'D' | 'W' | 'S')) => {
                    let c = self.take().unwrap_or('D').to_ascii_lowercase();
                    set.push_str(&format!("[^{}]", shorthand(c)));
                    first = false;
                    continue;
                }
                c => self.endpoint(c)?,
            };
            first = false;
            if self.peek(0) == Some('-') && self.peek(1).is_some_and(|c| c != ']') {
                self.at += 1;
                let c = self.take().ok_or_else(unbalanced)?;
                let end = self.endpoint(c)?;
                if end < start {
                    return Err(invalid("invalid character range"));
                }
                push_member(&mut set, start);
                set.push('-');
                push_member(&mut set, end);
            } else {
                push_member(&mut set, start);
            }
        }
        set.push(']');
        self.atom(&set);
        Ok(())
    }

    /// One character of a bracket expression, the first of whose spelling is taken already.
    fn endpoint(&mut self, c: char) -> Result<char> {
        match (c, self.peek(0)) {
            ('\\', _) => self.character_escape(),
            ('[', Some(kind @ ('.' | '='))) => {
                let name = self.delimited(kind)?;
                let mut chars = name.chars();
                match (chars.next(), chars.next()) {
                    (Some(only), None) => Ok(only),
                    _ => Err(invalid("invalid collating element")),
                }
            }
            _ => Ok(c),
        }
    }

    /// The text between `[:` and `:]`, from the colon.
    fn delimited(&mut self, kind: char) -> Result<String> {
        self.at += 1;
        let mut name = String::new();
        loop {
            match self.take().ok_or_else(|| invalid("brackets [] not balanced"))? {
                c if c == kind && self.peek(0) == Some(']') => {
                    self.at += 1;
                    return Ok(name);
                }
                c => name.push(c),
            }
        }
    }
}

fn push_literal(out: &mut String, c: char) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// Within brackets every sign that could mean something is escaped.
fn push_member(out: &mut String, c: char) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

/// The members of `\d`, `\w`, `\s`.
fn shorthand(c: char) -> &'static str {
    match c {
        'd' => "0-9",
        'w' => "\\p{Alphabetic}\\p{Nd}_",
        _ => "\\s",
    }
}

/// The members of a named class.
fn class(name: &str) -> Option<&'static str> {
    Some(match name {
        "alpha" => "\\p{Alphabetic}",
        "digit" => "0-9",
        "alnum" => "\\p{Alphabetic}\\p{Nd}",
        "upper" => "\\p{Uppercase}",
        "lower" => "\\p{Lowercase}",
        "space" => "\\s",
        "blank" => " \\t",
        "punct" => "!-/:-@\\[-`{-~\\p{P}\\p{S}",
        "cntrl" => "\\p{Cc}",
        "graph" => "[^\\s\\p{Cc}]",
        "print" => "[^\\p{Cc}]",
        "xdigit" => "0-9A-Fa-f",
        "word" => "\\p{Alphabetic}\\p{Nd}_",
        "ascii" => "\\x00-\\x7f",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(pattern: &str) -> String {
        translate(pattern, Options::default()).unwrap().0
    }

    #[test]
    fn escapes_become_the_crates() {
        assert_eq!(translated(r"\ydog\Y"), r"\bdog\B");
        assert_eq!(translated(r"\mword\M"), r"\b{start}word\b{end}");
        assert_eq!(translated(r"a{2,3}?{x"), r"a{2,3}?\{x");
        assert_eq!(translated(r"[]a\-z[:digit:]]"), r"[\]a\-z0-9]");
        assert_eq!(translated("[[:<:]]a"), r"\b{start}a");
        assert_eq!(translated(r"\x41\u0042"), "AB");
    }

    #[test]
    fn what_the_engine_cannot_do_is_refused_by_name() {
        for (pattern, what) in [
            (r"(a)\1", "a backreference in a regular expression is not supported"),
            ("a(?=b)", "lookahead in a regular expression is not supported"),
            ("(?<!a)b", "lookbehind in a regular expression is not supported"),
        ] {
            let e = translate(pattern, Options::default()).unwrap_err();
            assert_eq!((e.code(), e.message()), (sqlstate::FEATURE_NOT_SUPPORTED, what));
        }
    }

    #[test]
    fn embedded_options_apply_to_the_whole() {
        let (text, options) = translate("(?ix) a b # comment", Options::default()).unwrap();
        assert_eq!(text, "ab");
        assert!(options.ignore_case);
        assert_eq!(translated("***=a.b"), r"a\.b");
    }
}
