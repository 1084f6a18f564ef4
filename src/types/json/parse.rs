//! JSON from text, with PostgreSQL's messages.

use serde_json::{Number, Value};

use super::NESTING_MAX;
use crate::error::{Error, Result, sqlstate};
use crate::types::Numeric;

/// What the lexer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    OpenObject,
    CloseObject,
    OpenArray,
    CloseArray,
    Comma,
    Colon,
    String,
    Number,
    True,
    False,
    Null,
    End,
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(sqlstate::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json")
        .with_detail(detail)
}

fn too_deep() -> Error {
    Error::new(sqlstate::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
        .with_hint(format!("JSON may be nested up to {NESTING_MAX} levels deep."))
}

/// Whether the parser keeps what it reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Check,
    Build,
}

struct Parser<'a> {
    text: &'a str,
    mode: Mode,
    /// Where the token begins and ends.
    start: usize,
    end: usize,
    token: Token,
    /// The contents of a string token, when the mode is to build.
    string: String,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, mode: Mode) -> Result<Self> {
        let mut parser =
            Parser { text, mode, start: 0, end: 0, token: Token::End, string: String::new() };
        parser.advance()?;
        Ok(parser)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn slice(&self) -> &'a str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    fn invalid_token(&mut self, from: usize) -> Error {
        self.end = from;
        while self
            .byte(self.end)
            .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80)
        {
            self.end += 1;
        }
        invalid(format!("Token \"{}\" is invalid.", self.slice()))
    }

    /// Reads the next token.
    fn advance(&mut self) -> Result<()> {
        let mut at = self.end;
        while matches!(self.byte(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        self.start = at;
        self.end = at + 1;
        self.token = match self.byte(at) {
            None => {
                self.end = at;
                Token::End
            }
            Some(b'{') => Token::OpenObject,
            Some(b'}') => Token::CloseObject,
            Some(b'[') => Token::OpenArray,
            Some(b']') => Token::CloseArray,
            Some(b',') => Token::Comma,
            Some(b':') => Token::Colon,
            Some(b'"') => {
                self.read_string()?;
                Token::String
            }
            Some(b'-' | b'0'..=b'9') => {
                self.read_number()?;
                Token::Number
            }
            Some(b) if b.is_ascii_alphabetic() || b == b'_' || b >= 0x80 => {
                let error = self.invalid_token(at);
                match self.slice() {
                    "true" => Token::True,
                    "false" => Token::False,
                    "null" => Token::Null,
                    _ => return Err(error),
                }
            }
            Some(_) => return Err(invalid(format!("Token \"{}\" is invalid.", self.slice()))),
        };
        Ok(())
    }

    fn read_number(&mut self) -> Result<()> {
        let mut at = self.start;
        let digits = |parser: &Self, at: &mut usize| {
            let from = *at;
            while parser.byte(*at).is_some_and(|b| b.is_ascii_digit()) {
                *at += 1;
            }
            *at > from
        };
        if self.byte(at) == Some(b'-') {
            at += 1;
        }
        let mut good = if self.byte(at) == Some(b'0') {
            at += 1;
            true
        } else {
            digits(self, &mut at)
        };
        if good && self.byte(at) == Some(b'.') {
            at += 1;
            good = digits(self, &mut at);
        }
        if good && matches!(self.byte(at), Some(b'e' | b'E')) {
            at += 1;
            if matches!(self.byte(at), Some(b'+' | b'-')) {
                at += 1;
            }
            good = digits(self, &mut at);
        }
        let goes_on =
            self.byte(at).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80);
        if !good || goes_on {
            return Err(self.invalid_token(at));
        }
        self.end = at;
        Ok(())
    }

    fn read_string(&mut self) -> Result<()> {
        self.string.clear();
        let mut at = self.start + 1;
        let mut plain = at;
        // The first half of a surrogate pair.
        let mut high: Option<u32> = None;
        let lone = || invalid("Unicode low surrogate must follow a high surrogate.");
        loop {
            let Some(byte) = self.byte(at) else {
                self.end = self.text.len();
                return Err(invalid(format!("Token \"{}\" is invalid.", self.slice())));
            };
            if high.is_some() && byte != b'\\' {
                return Err(lone());
            }
            match byte {
                b'"' => break,
                0..0x20 => {
                    return Err(invalid(format!(
                        "Character with value 0x{byte:02x} must be escaped."
                    )));
                }
                b'\\' => {
                    self.keep(plain, at);
                    let escape = self.byte(at + 1);
                    let simple = match escape {
                        Some(b'"') => '"',
                        Some(b'\\') => '\\',
                        Some(b'/') => '/',
                        Some(b'b') => '\u{8}',
                        Some(b'f') => '\u{c}',
                        Some(b'n') => '\n',
                        Some(b'r') => '\r',
                        Some(b't') => '\t',
                        Some(b'u') => {
                            let unit = self.hex(at + 2)?;
                            // `json` keeps its text, so halves of pairs do not matter to it.
                            if self.mode == Mode::Build {
                                high = self.surrogate(unit, high)?;
                            }
                            at += 6;
                            plain = at;
                            continue;
                        }
                        Some(_) => {
                            let rest = self.text.get(at + 1..).unwrap_or_default();
                            let shown = rest.chars().next().unwrap_or_default();
                            return Err(invalid(format!(
                                "Escape sequence \"\\{shown}\" is invalid."
                            )));
                        }
                        None => {
                            self.end = self.text.len();
                            return Err(invalid(format!("Token \"{}\" is invalid.", self.slice())));
                        }
                    };
                    if high.is_some() {
                        return Err(lone());
                    }
                    if self.mode == Mode::Build {
                        self.string.push(simple);
                    }
                    at += 2;
                    plain = at;
                }
                _ => at += 1,
            }
        }
        self.keep(plain, at);
        self.end = at + 1;
        Ok(())
    }

    fn keep(&mut self, from: usize, to: usize) {
        if self.mode == Mode::Build {
            self.string.push_str(self.text.get(from..to).unwrap_or_default());
        }
    }

    fn hex(&self, at: usize) -> Result<u32> {
        let digits = self.text.as_bytes().get(at..at + 4).unwrap_or_default();
        let mut value = 0;
        for digit in digits {
            let digit = char::from(*digit).to_digit(16).ok_or_else(bad_unicode)?;
            value = value << 4 | digit;
        }
        if digits.len() == 4 { Ok(value) } else { Err(bad_unicode()) }
    }

    /// Takes a UTF-16 unit; the answer is the first half that waits for its second.
    fn surrogate(&mut self, unit: u32, high: Option<u32>) -> Result<Option<u32>> {
        let code = match (unit, high) {
            (0xd800..=0xdbff, Some(_)) => {
                return Err(invalid("Unicode high surrogate must not follow a high surrogate."));
            }
            (0xd800..=0xdbff, None) => return Ok(Some(unit)),
            (0xdc00..=0xdfff, Some(high)) => 0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff),
            (0xdc00..=0xdfff, None) | (_, Some(_)) => {
                return Err(invalid("Unicode low surrogate must follow a high surrogate."));
            }
            (unit, None) => unit,
        };
        if code == 0 {
            return Err(Error::new(
                sqlstate::UNTRANSLATABLE_CHARACTER,
                "unsupported Unicode escape sequence",
            )
            .with_detail("\\u0000 cannot be converted to text."));
        }
        self.string.push(char::from_u32(code).ok_or_else(bad_unicode)?);
        Ok(None)
    }

    fn expected(&self, what: &str) -> Error {
        match self.token {
            Token::End => invalid("The input string ended unexpectedly."),
            _ => invalid(format!("Expected {what}, but found \"{}\".", self.slice())),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        let value = match self.token {
            Token::OpenObject => return self.object(depth),
            Token::OpenArray => return self.array(depth),
            Token::String => Value::String(std::mem::take(&mut self.string)),
            Token::Number if self.mode == Mode::Check => Value::Null,
            Token::Number => number(self.slice())?,
            Token::True => Value::Bool(true),
            Token::False => Value::Bool(false),
            Token::Null => Value::Null,
            _ => return Err(self.expected("JSON value")),
        };
        self.advance()?;
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Value> {
        if depth >= NESTING_MAX {
            return Err(too_deep());
        }
        let mut items = Vec::new();
        self.advance()?;
        if self.token != Token::CloseArray {
            loop {
                let item = self.value(depth + 1)?;
                if self.mode == Mode::Build {
                    items.push(item);
                }
                match self.token {
                    Token::Comma => self.advance()?,
                    Token::CloseArray => break,
                    _ => return Err(self.expected("\",\" or \"]\"")),
                }
            }
        }
        self.advance()?;
        Ok(Value::Array(items))
    }

    fn object(&mut self, depth: usize) -> Result<Value> {
        if depth >= NESTING_MAX {
            return Err(too_deep());
        }
        let mut pairs = Vec::new();
        self.advance()?;
        match self.token {
            Token::CloseObject => {}
            Token::String => loop {
                let key = std::mem::take(&mut self.string);
                self.advance()?;
                if self.token != Token::Colon {
                    return Err(self.expected("\":\""));
                }
                self.advance()?;
                let item = self.value(depth + 1)?;
                if self.mode == Mode::Build {
                    pairs.push((key, item));
                }
                match self.token {
                    Token::Comma => self.advance()?,
                    Token::CloseObject => break,
                    _ => return Err(self.expected("\",\" or \"}\"")),
                }
                if self.token != Token::String {
                    return Err(self.expected("string"));
                }
            },
            _ => return Err(self.expected("string or \"}\"")),
        }
        self.advance()?;
        Ok(super::object(pairs))
    }

    fn whole(mut self) -> Result<Value> {
        let value = self.value(0)?;
        match self.token {
            Token::End => Ok(value),
            _ => Err(self.expected("end of input")),
        }
    }
}

fn bad_unicode() -> Error {
    invalid("\"\\u\" must be followed by four hexadecimal digits.")
}

/// A number in jsonb's form: an exact decimal without exponent.
pub(super) fn number(text: &str) -> Result<Value> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    let parse = |text: &str| serde_json::from_str::<Number>(text).map(Value::Number);
    let decimal = if plain { parse(text) } else { parse(&Numeric::parse(text)?.to_string()) };
    decimal.map_err(|_| invalid(format!("Token \"{text}\" is invalid.")))
}

/// Checks the text of a `json` value; the text itself is the value.
pub fn validate(text: &str) -> Result<()> {
    Parser::new(text, Mode::Check)?.whole().map(|_| ())
}

/// Parses a `jsonb` value.
pub fn parse(text: &str) -> Result<Value> {
    Parser::new(text, Mode::Build)?.whole()
}
