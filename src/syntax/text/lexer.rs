//! Text to sqlparser's tokens by PostgreSQL's lexical rules.
//!
//! sqlparser's own tokenizer serves a dozen dialects and gets a few things wrong for this one
//! (`a<-1`, `'a'` continued on the next line, `U&".."`, `1..2`, `$$` inside `$x$`), keeps blanks as
//! tokens, and knows no byte offsets.

use sqlparser::ast::Ident;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Word};

use super::keyword::parser_keyword;
use super::literal::{decode_escapes, decode_unicode, dollar_tag};
use super::quote::cut_identifier;
use super::source::{clamp, too_complex};
use crate::error::{Error, Result};
use crate::limits::EXPRESSION_DEPTH_MAX;

/// The tokens of one statement and where they stood.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// At least one.
    pub(crate) tokens: Vec<TokenWithSpan>,
    /// First byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
    /// Character position of the semicolon that ends it, if one does.
    pub(crate) semicolon: Option<u64>,
}

/// Cuts a text at its semicolons. Empty statements are dropped.
pub(crate) fn split(sql: &str) -> Result<Vec<Chunk>> {
    let mut lexer = Lexer::new(sql);
    let mut chunks = Vec::new();
    let mut tokens = Vec::new();
    let (mut start, mut end, mut depth) = (0, 0, 0usize);
    while let Some(token) = lexer.next_token()? {
        match token.token {
            Token::SemiColon => {
                if !tokens.is_empty() {
                    let semicolon = Some(token.span.start.column);
                    let tokens = std::mem::take(&mut tokens);
                    chunks.push(Chunk { tokens, start, end, semicolon });
                }
                depth = 0;
                continue;
            }
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > EXPRESSION_DEPTH_MAX {
            return Err(too_complex());
        }
        if tokens.is_empty() {
            start = lexer.token_start;
        }
        end = lexer.position;
        tokens.push(token);
    }
    if !tokens.is_empty() {
        chunks.push(Chunk { tokens, start, end, semicolon: None });
    }
    Ok(chunks)
}

/// The text of the first token, for an error message; the next character when it is no token.
pub(super) fn first_token_text(text: &str) -> &str {
    let mut lexer = Lexer::new(text);
    let end = match lexer.next_token() {
        Ok(Some(_)) if lexer.position > 0 => lexer.position,
        _ => text.chars().next().map_or(0, char::len_utf8),
    };
    text.get(..end).unwrap_or(text)
}

/// A cursor over a text that yields tokens.
pub(crate) struct Lexer<'a> {
    sql: &'a str,
    ascii: bool,
    /// Next byte to read.
    pub(crate) position: usize,
    /// First byte of the token last returned.
    pub(crate) token_start: usize,
    /// A byte whose column is known, and the column.
    mark: (usize, u64),
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning.
    pub(crate) fn new(sql: &'a str) -> Self {
        Lexer { sql, ascii: sql.is_ascii(), position: 0, token_start: 0, mark: (0, 1) }
    }

    /// The next token; its span counts characters from one.
    pub(crate) fn next_token(&mut self) -> Result<Option<TokenWithSpan>> {
        self.skip_blanks()?;
        self.token_start = self.position;
        let Some(first) = self.peek() else { return Ok(None) };
        let start = self.location(self.position);
        let token = self.read_token(first)?;
        let end = self.location(self.position);
        Ok(Some(TokenWithSpan { token, span: Span { start, end } }))
    }

    fn location(&mut self, byte: usize) -> Location {
        if self.ascii {
            return Location { line: 1, column: byte as u64 + 1 };
        }
        let (mark, column) = self.mark;
        let passed = self.sql.get(mark..byte).map_or(0, |s| s.chars().count()) as u64;
        self.mark = (byte, column + passed);
        Location { line: 1, column: column + passed }
    }

    fn rest(&self) -> &'a str {
        self.sql.get(self.position..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.sql.as_bytes().get(self.position + ahead).copied()
    }

    /// An error at the start of the token being read.
    fn error(&mut self, message: impl Into<String>) -> Error {
        let column = self.location(self.token_start).column;
        Error::syntax(message).with_position(clamp(column))
    }

    fn skip_blanks(&mut self) -> Result<()> {
        loop {
            match (self.byte(0), self.byte(1)) {
                (Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c), _) => self.position += 1,
                (Some(b'-'), Some(b'-')) => {
                    let rest = self.rest();
                    self.position += rest.find(['\n', '\r']).unwrap_or(rest.len());
                }
                (Some(b'/'), Some(b'*')) => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    /// Skips a comment; comments nest.
    fn skip_comment(&mut self) -> Result<()> {
        self.token_start = self.position;
        let mut depth = 0usize;
        loop {
            match (self.byte(0), self.byte(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.position += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.position += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                (Some(_), _) => self.position += 1,
                (None, _) => return Err(self.error("unterminated /* comment at or near \"/*\"")),
            }
        }
    }

    fn read_token(&mut self, first: char) -> Result<Token> {
        match first {
            '\'' => {
                self.position += 1;
                Ok(Token::SingleQuotedString(self.continued(false)?))
            }
            '"' => {
                self.position += 1;
                let name = self.quoted_name()?;
                Ok(quoted_word(name))
            }
            '0'..='9' => self.number(),
            '.' if self.byte(1).is_some_and(|b| b.is_ascii_digit()) => self.number(),
            '$' => self.dollar(),
            c if c.is_ascii_alphabetic() || c == '_' || !c.is_ascii() => self.word(c),
            c if is_operator(c) => Ok(self.operator()),
            c => {
                self.position += c.len_utf8();
                Ok(match c {
                    '(' => Token::LParen,
                    ')' => Token::RParen,
                    '[' => Token::LBracket,
                    ']' => Token::RBracket,
                    '{' => Token::LBrace,
                    '}' => Token::RBrace,
                    ',' => Token::Comma,
                    ';' => Token::SemiColon,
                    '.' => Token::Period,
                    '\\' => Token::Backslash,
                    ':' => match self.byte(0) {
                        // CockroachDB's `value:::type` says what the type is; here it is a cast.
                        Some(b':') => {
                            self.position += 1 + usize::from(self.byte(1) == Some(b':'));
                            Token::DoubleColon
                        }
                        Some(b'=') => {
                            self.position += 1;
                            Token::Assignment
                        }
                        _ => Token::Colon,
                    },
                    other => Token::Char(other),
                })
            }
        }
    }

    /// A word, or a literal with a letter before its quote.
    fn word(&mut self, first: char) -> Result<Token> {
        let prefix = first.to_ascii_lowercase();
        match (prefix, self.byte(1), self.byte(2)) {
            ('e', Some(b'\''), _) => {
                self.position += 2;
                let column = self.location(self.token_start).column;
                let body = self.continued_raw(true)?;
                let text = decode_escapes(&body).map_err(|e| e.with_position(clamp(column)))?;
                return Ok(Token::SingleQuotedString(text));
            }
            ('n', Some(b'\''), _) => {
                self.position += 2;
                return Ok(Token::SingleQuotedString(self.continued(false)?));
            }
            ('b', Some(b'\''), _) => {
                self.position += 2;
                return Ok(Token::SingleQuotedByteStringLiteral(self.continued(false)?));
            }
            ('x', Some(b'\''), _) => {
                self.position += 2;
                return Ok(Token::HexStringLiteral(self.continued(false)?));
            }
            ('u', Some(b'&'), Some(b'\'')) => {
                self.position += 3;
                let body = self.continued(false)?;
                return Ok(Token::SingleQuotedString(self.unicode(&body)?));
            }
            ('u', Some(b'&'), Some(b'"')) => {
                self.position += 3;
                let body = self.quoted_name()?;
                let name = self.unicode(&body)?;
                return Ok(quoted_word(name));
            }
            _ => {}
        }
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()))
            .unwrap_or(rest.len());
        self.position += end;
        // PostgreSQL folds ASCII letters only, in UTF-8.
        let value = cut_identifier(rest.get(..end).unwrap_or_default().to_ascii_lowercase());
        let keyword = parser_keyword(&value);
        Ok(Token::Word(Word { value, quote_style: None, keyword }))
    }

    /// The inside of a name in double quotes, after the opening quote; quotes undoubled.
    fn quoted_name(&mut self) -> Result<String> {
        let name = self.quoted('"', false)?.replace("\"\"", "\"");
        if name.is_empty() {
            return Err(self.error("zero-length delimited identifier at or near \"\"\"\""));
        }
        Ok(name)
    }

    /// The raw inside of a quoted thing, after the opening quote; ends after the closing one.
    fn quoted(&mut self, quote: char, escapes: bool) -> Result<&'a str> {
        let from = self.position;
        let quote_byte = quote as u8;
        loop {
            match self.byte(0) {
                Some(b'\\') if escapes => self.position += 1 + usize::from(self.byte(1).is_some()),
                Some(b) if b == quote_byte => {
                    if self.byte(1) != Some(quote_byte) {
                        let body = self.sql.get(from..self.position).unwrap_or_default();
                        self.position += 1;
                        return Ok(body);
                    }
                    self.position += 2;
                }
                Some(_) => self.position += 1,
                None if quote == '"' => {
                    return Err(self.error("unterminated quoted identifier at or near \"\"\""));
                }
                // What follows the quote may be a secret, so it stays out of the message.
                None => return Err(self.error("unterminated quoted string at or near \"'\"")),
            }
        }
    }

    /// A string literal after its opening quote, decoded, with its continuations on later lines.
    fn continued(&mut self, escapes: bool) -> Result<String> {
        Ok(self.continued_raw(escapes)?.replace("''", "'"))
    }

    fn continued_raw(&mut self, escapes: bool) -> Result<String> {
        let mut body = self.quoted('\'', escapes)?.to_owned();
        while self.at_continuation() {
            body.push_str(self.quoted('\'', escapes)?);
        }
        Ok(body)
    }

    /// Whether the literal goes on after blanks with a line break in them; then moves inside it.
    fn at_continuation(&mut self) -> bool {
        let mut ahead = 0;
        let mut line_broken = false;
        loop {
            match (self.byte(ahead), self.byte(ahead + 1)) {
                (Some(b'\n' | b'\r'), _) => {
                    line_broken = true;
                    ahead += 1;
                }
                (Some(b' ' | b'\t' | 0x0b | 0x0c), _) => ahead += 1,
                (Some(b'-'), Some(b'-')) => {
                    while !matches!(self.byte(ahead), None | Some(b'\n' | b'\r')) {
                        ahead += 1;
                    }
                }
                (Some(b'\''), _) if line_broken => {
                    self.position += ahead + 1;
                    return true;
                }
                _ => return false,
            }
        }
    }

    /// Decodes a `U&` literal whose body was read, looking for UESCAPE behind it.
    fn unicode(&mut self, body: &str) -> Result<String> {
        let start = self.token_start;
        let after_body = self.position;
        let mut escape = '\\';
        if let Some(TokenWithSpan { token: Token::Word(w), .. }) = self.next_token()?
            && w.quote_style.is_none()
            && w.value == "uescape"
        {
            let named = self.next_token()?.map(|t| t.token);
            self.token_start = start;
            escape = match &named {
                Some(Token::SingleQuotedString(s)) => one_escape(s),
                _ => None,
            }
            .ok_or_else(|| self.error("invalid Unicode escape character"))?;
        } else {
            self.position = after_body;
        }
        self.token_start = start;
        let column = self.location(start).column;
        decode_unicode(body, escape).map_err(|e| e.with_position(clamp(column)))
    }

    /// `$1`, `$$..$$`, `$tag$..$tag$`.
    fn dollar(&mut self) -> Result<Token> {
        let rest = self.rest();
        if let Some(tag) = dollar_tag(rest) {
            let body = rest.get(tag.len()..).unwrap_or_default();
            let Some(end) = body.find(tag) else {
                let message = format!("unterminated dollar-quoted string at or near \"{tag}\"");
                return Err(self.error(message));
            };
            self.position += tag.len() * 2 + end;
            return Ok(Token::SingleQuotedString(body.get(..end).unwrap_or_default().to_owned()));
        }
        let digits = rest.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        self.position += 1 + digits;
        if digits == 0 {
            return Ok(Token::Char('$'));
        }
        self.no_junk("trailing junk after parameter")?;
        Ok(Token::Placeholder(rest.get(..=digits).unwrap_or_default().to_owned()))
    }

    /// A number: decimal with a fraction and an exponent, or an integer in base 2, 8 or 16.
    fn number(&mut self) -> Result<Token> {
        let radix = match (self.byte(0), self.byte(1).map(|b| b.to_ascii_lowercase())) {
            (Some(b'0'), Some(b'x')) => 16,
            (Some(b'0'), Some(b'o')) => 8,
            (Some(b'0'), Some(b'b')) => 2,
            _ => 10,
        };
        let from = self.position;
        if radix != 10 {
            self.position += 2;
            let count = self.digits(radix);
            let text = self.sql.get(from + 2..self.position).unwrap_or_default().replace('_', "");
            let value = num_bigint::BigUint::parse_bytes(text.as_bytes(), radix);
            let Some(value) = value.filter(|_| count > 0) else {
                return Err(self.error(format!(
                    "invalid integer at or near \"{}\"",
                    self.sql.get(from..self.position).unwrap_or_default()
                )));
            };
            self.no_junk("trailing junk after numeric literal")?;
            return Ok(Token::Number(value.to_string(), false));
        }
        self.digits(10);
        // `1..2` is two numbers around a range's dots.
        if self.byte(0) == Some(b'.') && self.byte(1) != Some(b'.') {
            self.position += 1;
            self.digits(10);
        }
        if matches!(self.byte(0), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.byte(1), Some(b'+' | b'-')));
            if self.byte(1 + sign).is_some_and(|b| b.is_ascii_digit()) {
                self.position += 1 + sign;
                self.digits(10);
            }
        }
        self.no_junk("trailing junk after numeric literal")?;
        let text = self.sql.get(from..self.position).unwrap_or_default().replace('_', "");
        Ok(Token::Number(text, false))
    }

    /// Passes digits, with single underscores between them; says how many there were.
    fn digits(&mut self, radix: u32) -> usize {
        let is_digit = |b: Option<u8>| b.is_some_and(|b| char::from(b).is_digit(radix));
        let mut count = 0;
        loop {
            if is_digit(self.byte(0)) {
                self.position += 1;
                count += 1;
            } else if self.byte(0) == Some(b'_')
                && is_digit(self.byte(1))
                && (count > 0 || radix != 10)
            {
                self.position += 1;
            } else {
                return count;
            }
        }
    }

    /// A letter right after a number is a slip, not the next word.
    fn no_junk(&mut self, message: &str) -> Result<()> {
        let Some(next) = self.peek().filter(|c| c.is_alphabetic() || *c == '_') else {
            return Ok(());
        };
        let end = self.position + next.len_utf8();
        let text = self.sql.get(self.token_start..end).unwrap_or_default();
        Err(self.error(format!("{message} at or near \"{text}\"")))
    }

    /// The longest operator, by PostgreSQL's rule: it ends before a comment, and in `+` or `-` only
    /// when it has one of `~ ! @ # ^ & | ` ? %` in it.
    fn operator(&mut self) -> Token {
        let rest = self.rest();
        let mut len = rest.bytes().take_while(|b| is_operator(char::from(*b))).count();
        let run = rest.get(..len).unwrap_or_default();
        for comment in ["--", "/*"] {
            if let Some(at) = run.find(comment) {
                len = len.min(at);
            }
        }
        let mut text = rest.get(..len).unwrap_or_default();
        while text.len() > 1 && text.ends_with(['+', '-']) {
            let shorter = text.get(..text.len() - 1).unwrap_or_default();
            if shorter.contains(['~', '!', '@', '#', '^', '&', '|', '`', '?', '%']) {
                break;
            }
            text = shorter;
        }
        self.position += text.len();
        operator_token(text)
    }
}

/// A quoted name is never a keyword.
fn quoted_word(name: String) -> Token {
    let Ident { value, quote_style, .. } = Ident::with_quote('"', cut_identifier(name));
    Token::Word(Word { value, quote_style, keyword: sqlparser::keywords::Keyword::NoKeyword })
}

/// The one character that UESCAPE names, if it may be one.
fn one_escape(text: &str) -> Option<char> {
    let mut chars = text.chars();
    let c = chars.next()?;
    let forbidden =
        c.is_ascii_hexdigit() || matches!(c, '+' | '\'' | '"') || c.is_ascii_whitespace();
    (chars.next().is_none() && !forbidden).then_some(c)
}

fn is_operator(c: char) -> bool {
    "+-*/<>=~!@#%^&|`?".contains(c)
}

fn operator_token(text: &str) -> Token {
    match text {
        "+" => Token::Plus,
        "-" => Token::Minus,
        "*" => Token::Mul,
        "/" => Token::Div,
        "%" => Token::Mod,
        "^" => Token::Caret,
        "=" => Token::Eq,
        "<" => Token::Lt,
        ">" => Token::Gt,
        "<=" => Token::LtEq,
        ">=" => Token::GtEq,
        "<>" | "!=" => Token::Neq,
        "=>" => Token::RArrow,
        "||" => Token::StringConcat,
        "|" => Token::Pipe,
        "&" => Token::Ampersand,
        "&&" => Token::Overlap,
        "#" => Token::Sharp,
        "~" => Token::Tilde,
        "~*" => Token::TildeAsterisk,
        "!~" => Token::ExclamationMarkTilde,
        "!~*" => Token::ExclamationMarkTildeAsterisk,
        "~~" => Token::DoubleTilde,
        "~~*" => Token::DoubleTildeAsterisk,
        "!~~" => Token::ExclamationMarkDoubleTilde,
        "!~~*" => Token::ExclamationMarkDoubleTildeAsterisk,
        "<<" => Token::ShiftLeft,
        ">>" => Token::ShiftRight,
        "!" => Token::ExclamationMark,
        "!!" => Token::DoubleExclamationMark,
        "@" => Token::AtSign,
        "^@" => Token::CaretAt,
        "|/" => Token::PGSquareRoot,
        "||/" => Token::PGCubeRoot,
        "->" => Token::Arrow,
        "->>" => Token::LongArrow,
        "#>" => Token::HashArrow,
        "#>>" => Token::HashLongArrow,
        "@>" => Token::AtArrow,
        "<@" => Token::ArrowAt,
        "#-" => Token::HashMinus,
        "@?" => Token::AtQuestion,
        "@@" => Token::AtAt,
        "?" => Token::Question,
        "?&" => Token::QuestionAnd,
        "?|" => Token::QuestionPipe,
        other => Token::CustomBinaryOperator(other.to_owned()),
    }
}

#[cfg(test)]
mod tests;
