//! Rows to lines.

use super::format::{Options, Style};
use crate::error::Result;
use crate::sql::client::Field;
use crate::sql::exec::batch::Batch;
use crate::types::binary;
use crate::types::text::{self, SessionFormat};

/// Lines are handed on when this many bytes have gathered.
const PIECE_BYTES: usize = 32 << 10;

/// PGCOPY's signature, flags and header extension length.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Writes lines.
pub(super) struct Writer<'a> {
    options: &'a Options,
    fields: &'a [Field],
    format: SessionFormat,
    out: Vec<u8>,
    text: String,
    value: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Nothing written yet, but for the signature of the binary style.
    pub fn new(options: &'a Options, fields: &'a [Field], format: SessionFormat) -> Self {
        let out = if options.style == Style::Binary { SIGNATURE.to_vec() } else { Vec::new() };
        Writer { options, fields, format, out, text: String::new(), value: Vec::new() }
    }

    /// The line of column names.
    pub fn header(&mut self) {
        for (i, field) in self.fields.iter().enumerate() {
            if i > 0 {
                self.out.push(self.options.delimiter);
            }
            match self.options.style {
                Style::Csv => csv(field.name.as_bytes(), self.options, false, &mut self.out),
                _ => escaped(field.name.as_bytes(), self.options.delimiter, &mut self.out),
            }
        }
        self.out.push(b'\n');
    }

    /// One row.
    pub fn row(&mut self, batch: &Batch, row: usize) -> Result<()> {
        if self.options.style == Style::Binary {
            return self.binary_row(batch, row);
        }
        for (i, (column, field)) in batch.columns.iter().zip(self.fields).enumerate() {
            if i > 0 {
                self.out.push(self.options.delimiter);
            }
            let datum = column.datum(row);
            if datum.is_null() {
                self.out.extend_from_slice(&self.options.null);
                continue;
            }
            self.text.clear();
            text::format_typed(&datum, &field.ty.ty, &self.format, &mut self.text);
            match self.options.style {
                Style::Csv => {
                    let force = self.options.force_quote.has(&field.name);
                    csv(self.text.as_bytes(), self.options, force, &mut self.out);
                }
                _ => escaped(self.text.as_bytes(), self.options.delimiter, &mut self.out),
            }
        }
        self.out.push(b'\n');
        Ok(())
    }

    fn binary_row(&mut self, batch: &Batch, row: usize) -> Result<()> {
        let count = u16::try_from(self.fields.len()).unwrap_or(u16::MAX);
        self.out.extend_from_slice(&count.to_be_bytes());
        for (column, field) in batch.columns.iter().zip(self.fields) {
            let datum = column.datum(row);
            if datum.is_null() {
                self.out.extend_from_slice(&(-1i32).to_be_bytes());
                continue;
            }
            self.value.clear();
            binary::encode(&datum, &field.ty.ty, &mut self.value)?;
            let length = u32::try_from(self.value.len()).unwrap_or(u32::MAX);
            self.out.extend_from_slice(&length.to_be_bytes());
            self.out.extend_from_slice(&self.value);
        }
        Ok(())
    }

    /// The end mark of the binary style.
    pub fn end(&mut self) {
        if self.options.style == Style::Binary {
            self.out.extend_from_slice(&(-1i16).to_be_bytes());
        }
    }

    /// Whether it is time to hand the lines on.
    pub fn is_full(&self) -> bool {
        self.out.len() >= PIECE_BYTES
    }

    /// The lines so far.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

/// The text style: a backslash before what would be misread.
fn escaped(value: &[u8], delimiter: u8, out: &mut Vec<u8>) {
    for byte in value {
        let letter = match byte {
            b'\\' => b'\\',
            8 => b'b',
            12 => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            11 => b'v',
            byte if *byte == delimiter => *byte,
            byte => {
                out.push(*byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', letter]);
    }
}

/// The CSV style: quotes around what would be misread.
fn csv(value: &[u8], options: &Options, force: bool, out: &mut Vec<u8>) {
    let special =
        |b: &u8| *b == options.delimiter || *b == options.quote || *b == b'\n' || *b == b'\r';
    let quoted = force
        || value == options.null.as_slice()
        || value == b"\\."
        || value.first().is_some_and(u8::is_ascii_whitespace)
        || value.last().is_some_and(u8::is_ascii_whitespace)
        || value.iter().any(special);
    if !quoted {
        out.extend_from_slice(value);
        return;
    }
    out.push(options.quote);
    for byte in value {
        if *byte == options.quote || *byte == options.escape {
            out.push(options.escape);
        }
        out.push(*byte);
    }
    out.push(options.quote);
}
