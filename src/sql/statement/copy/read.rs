//! Lines to fields. Data arrives in pieces that end anywhere.

use super::format::{Options, Style};
use crate::error::{Error, Result, sqlstate};
use crate::limits::WIRE_MESSAGE_BYTES_MAX;

/// PGCOPY's signature.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// One row: `None` is NULL.
pub(super) type Fields = Vec<Option<Vec<u8>>>;

/// Cuts data into lines and lines into fields.
pub(super) struct Lines {
    options: Options,
    data: Vec<u8>,
    /// Where unread data begins.
    at: usize,
    line: u64,
    ended: bool,
    /// `\.` or the binary trailer was met.
    closed: bool,
    started: bool,
}

impl Lines {
    /// Nothing read yet.
    pub fn new(options: Options) -> Self {
        Lines {
            options,
            data: Vec::new(),
            at: 0,
            line: 0,
            ended: false,
            closed: false,
            started: false,
        }
    }

    /// Adds data.
    pub fn push(&mut self, data: &[u8]) {
        if self.at > 0 {
            self.data.drain(..self.at);
            self.at = 0;
        }
        self.data.extend_from_slice(data);
    }

    /// There is no more data.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The number of the last line, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The next row; `None` when more data is needed, or at the end.
    pub fn next_line(&mut self, columns: usize) -> Result<Option<Fields>> {
        if self.closed {
            self.at = self.data.len();
            return Ok(None);
        }
        if self.data.len() - self.at > WIRE_MESSAGE_BYTES_MAX {
            return Err(Error::new(
                sqlstate::PROGRAM_LIMIT_EXCEEDED,
                "a line of COPY data is too long",
            ));
        }
        match self.options.style {
            Style::Text => self.text_line(columns),
            Style::Csv => self.csv_line(),
            Style::Binary => self.binary_row(),
        }
    }

    /// Takes the bytes of a line without its end; `None` if it is not complete.
    fn take_line(&mut self, end: Option<usize>) -> Option<(usize, usize)> {
        let from = self.at;
        let to = match end {
            Some(newline) => {
                self.at = newline + 1;
                newline
            }
            None if self.ended && from < self.data.len() => {
                self.at = self.data.len();
                self.at
            }
            None => return None,
        };
        self.line += 1;
        let crlf = to > from && self.data.get(to - 1) == Some(&b'\r');
        Some((from, if crlf { to - 1 } else { to }))
    }

    fn text_line(&mut self, columns: usize) -> Result<Option<Fields>> {
        // An escaped newline is a newline within a value.
        let mut end = None;
        let mut i = self.at;
        while let Some(byte) = self.data.get(i) {
            match byte {
                b'\\' => i += 2,
                b'\n' => {
                    end = Some(i);
                    break;
                }
                _ => i += 1,
            }
        }
        let Some((from, to)) = self.take_line(end) else { return Ok(None) };
        let line = self.data.get(from..to).unwrap_or_default();
        if line == b"\\." {
            self.closed = true;
            return Ok(None);
        }
        // A table without columns has empty lines.
        if columns == 0 && line.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let mut fields = Vec::with_capacity(columns);
        let mut start = 0;
        let mut i = 0;
        loop {
            match line.get(i) {
                Some(b'\\') => i += 2,
                Some(byte) if *byte == self.options.delimiter => {
                    fields.push(self.text_field(line.get(start..i).unwrap_or_default()));
                    i += 1;
                    start = i;
                }
                Some(_) => i += 1,
                None => break,
            }
        }
        fields.push(self.text_field(line.get(start..).unwrap_or_default()));
        Ok(Some(fields))
    }

    fn text_field(&self, raw: &[u8]) -> Option<Vec<u8>> {
        if raw == self.options.null.as_slice() {
            return None;
        }
        if !raw.contains(&b'\\') {
            return Some(raw.to_vec());
        }
        let mut value = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            if *byte != b'\\' {
                value.push(*byte);
                continue;
            }
            let Some((letter, after)) = rest.split_first() else {
                value.push(b'\\');
                break;
            };
            rest = after;
            match letter {
                b'b' => value.push(8),
                b'f' => value.push(12),
                b'n' => value.push(b'\n'),
                b'r' => value.push(b'\r'),
                b't' => value.push(b'\t'),
                b'v' => value.push(11),
                b'0'..=b'7' => {
                    let mut code = u32::from(letter - b'0');
                    for _ in 0..2 {
                        match rest.split_first() {
                            Some((digit @ b'0'..=b'7', after)) => {
                                code = code * 8 + u32::from(digit - b'0');
                                rest = after;
                            }
                            _ => break,
                        }
                    }
                    value.push((code & 0xff) as u8);
                }
                b'x' => {
                    let digits = rest.iter().take(2).take_while(|b| b.is_ascii_hexdigit()).count();
                    let (hex, after) = rest.split_at(digits);
                    let code = std::str::from_utf8(hex)
                        .ok()
                        .and_then(|hex| u8::from_str_radix(hex, 16).ok());
                    value.push(code.unwrap_or(b'x'));
                    rest = after;
                }
                other => value.push(*other),
            }
        }
        Some(value)
    }

    fn csv_line(&mut self) -> Result<Option<Fields>> {
        let Options { quote, escape, .. } = self.options;
        let mut inside = false;
        let mut end = None;
        let mut i = self.at;
        while let Some(byte) = self.data.get(i) {
            if inside && *byte == escape && escape != quote {
                i += 1;
            } else if *byte == quote {
                inside = !inside;
            } else if *byte == b'\n' && !inside {
                end = Some(i);
                break;
            }
            i += 1;
        }
        if inside && self.ended && end.is_none() {
            self.line += 1;
            return Err(Error::new(
                sqlstate::BAD_COPY_FILE_FORMAT,
                "unterminated CSV quoted field",
            ));
        }
        let Some((from, to)) = self.take_line(end) else { return Ok(None) };
        let line = self.data.get(from..to).unwrap_or_default();
        if line == b"\\." {
            self.closed = true;
            return Ok(None);
        }
        let mut fields = Vec::new();
        let mut value = Vec::new();
        let (mut quoted, mut inside) = (false, false);
        let mut bytes = line.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            if inside {
                if byte == escape && bytes.peek().is_some_and(|n| *n == quote || *n == escape) {
                    value.extend(bytes.next());
                } else if byte == quote {
                    inside = false;
                } else {
                    value.push(byte);
                }
            } else if byte == quote {
                (quoted, inside) = (true, true);
            } else if byte == self.options.delimiter {
                fields.push(csv_field(&self.options, std::mem::take(&mut value), quoted));
                quoted = false;
            } else {
                value.push(byte);
            }
        }
        fields.push(csv_field(&self.options, value, quoted));
        Ok(Some(fields))
    }

    fn binary_row(&mut self) -> Result<Option<Fields>> {
        let bad = || Error::new(sqlstate::BAD_COPY_FILE_FORMAT, "unexpected EOF in COPY data");
        let unread = self.data.get(self.at..).unwrap_or_default();
        let mut rest = unread;
        if !self.started {
            if rest.len() < SIGNATURE.len() + 8 {
                return if self.ended { Err(bad()) } else { Ok(None) };
            }
            let Some(after) = rest.strip_prefix(SIGNATURE) else {
                return Err(Error::new(
                    sqlstate::BAD_COPY_FILE_FORMAT,
                    "COPY file signature not recognized",
                ));
            };
            let extension = after.get(4..8).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
            let skip = 8 + extension.unwrap_or(0) as usize;
            let Some(after) = after.get(skip..) else {
                return if self.ended { Err(bad()) } else { Ok(None) };
            };
            rest = after;
        }
        let row = binary_fields(&mut rest);
        match row {
            None if self.ended && rest.is_empty() && self.started => Ok(None),
            None if self.ended => Err(bad()),
            None => Ok(None),
            Some(row) => {
                self.started = true;
                self.at = self.data.len() - rest.len();
                self.line += 1;
                if row.is_none() {
                    self.closed = true;
                }
                Ok(row)
            }
        }
    }
}

/// One binary row; the outer `None` when it is not complete, the inner one at the trailer.
fn binary_fields(rest: &mut &[u8]) -> Option<Option<Fields>> {
    let mut unread = *rest;
    let count = i16::from_be_bytes(take(&mut unread, 2)?.try_into().ok()?);
    let row = if count < 0 {
        None
    } else {
        let mut fields = Vec::new();
        for _ in 0..count {
            let length = i32::from_be_bytes(take(&mut unread, 4)?.try_into().ok()?);
            fields.push(match usize::try_from(length) {
                Ok(length) => Some(take(&mut unread, length)?.to_vec()),
                Err(_) => None,
            });
        }
        Some(fields)
    };
    *rest = unread;
    Some(row)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

fn csv_field(options: &Options, value: Vec<u8>, quoted: bool) -> Option<Vec<u8>> {
    (quoted || value != options.null).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{self, Statement};

    fn lines(sql: &str, pieces: &[&str]) -> Vec<Vec<Option<String>>> {
        let Statement::Copy(copy) = syntax::parse(sql).unwrap().remove(0).statement else {
            panic!("{sql}");
        };
        let mut lines = Lines::new(Options::new(&copy).unwrap());
        let mut rows = Vec::new();
        let mut drain = |lines: &mut Lines| {
            while let Some(row) = lines.next_line(2).unwrap() {
                rows.push(
                    row.into_iter()
                        .map(|f| f.map(|f| String::from_utf8(f).unwrap()))
                        .collect::<Vec<_>>(),
                );
            }
        };
        for piece in pieces {
            lines.push(piece.as_bytes());
            drain(&mut lines);
        }
        lines.end();
        drain(&mut lines);
        rows
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn text_lines_in_pieces() {
        let rows = lines("copy t from stdin", &["1\ta\\tb\n2", "\t\\N\n3\t\\x41\\101", "\n\\.\nx"]);
        assert_eq!(
            rows,
            [vec![some("1"), some("a\tb")], vec![some("2"), None], vec![some("3"), some("AA")]]
        );
    }

    #[test]
    fn csv_lines_with_quotes() {
        let rows = lines(
            "copy t from stdin with (format csv)",
            &["1,\"a,\"\"b\"\"\n", "c\"\n2,\n3,\"\"\n"],
        );
        assert_eq!(
            rows,
            [vec![some("1"), some("a,\"b\"\nc")], vec![some("2"), None], vec![some("3"), some("")]]
        );
    }
}
