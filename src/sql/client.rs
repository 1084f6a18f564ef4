//! What a session tells its client while a statement runs.
//!
//! The doors implement [`Client`]; `sql` never sees a socket. Calls arrive in the order in which
//! the wire needs them: columns, rows, then exactly one of complete, suspended or empty.

use crate::error::{Error, Result};
use crate::sql::exec::batch::Batch;
use crate::types::ColumnType;
use crate::types::text::SessionFormat;

/// A result column as a client is told about it.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: ColumnType,
    /// OID of the table if it is a plain column of one, else 0.
    pub table: u32,
    /// Attribute number within that table, else 0.
    pub attribute: i16,
}

/// How a value travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The text form.
    #[default]
    Text,
    /// The binary form.
    Binary,
}

impl Format {
    /// From the wire's code.
    pub fn from_code(code: i16) -> Result<Format> {
        match code {
            0 => Ok(Format::Text),
            1 => Ok(Format::Binary),
            _ => Err(Error::new(
                crate::error::sqlstate::PROTOCOL_VIOLATION,
                format!("unsupported format code: {code}"),
            )),
        }
    }

    /// The wire's code.
    pub fn code(self) -> i16 {
        match self {
            Format::Text => 0,
            Format::Binary => 1,
        }
    }
}

/// How serious a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// NOTICE
    Notice,
    /// WARNING
    Warning,
    /// INFO
    Info,
}

/// The direction and shape of a COPY.
#[derive(Clone, Debug)]
pub struct CopyShape {
    /// Number of columns.
    pub columns: usize,
    /// The overall format.
    pub format: Format,
}

/// The other side of a session.
pub trait Client {
    /// Result columns, before the first row. `formats` has one entry per column.
    fn columns(&mut self, fields: &[Field], formats: &[Format]) -> Result<()>;
    /// Rows in the shape announced by `fields`.
    fn rows(
        &mut self,
        batch: &Batch,
        fields: &[Field],
        formats: &[Format],
        session: &SessionFormat,
    ) -> Result<()>;
    /// The statement is done; the tag says what it did (`SELECT 5`).
    fn complete(&mut self, tag: &str) -> Result<()>;
    /// The portal has given as many rows as were asked for and may give more.
    fn suspended(&mut self) -> Result<()>;
    /// The text held no statement.
    fn empty(&mut self) -> Result<()>;
    /// A remark that is not an error.
    fn notice(&mut self, severity: Severity, notice: &Error) -> Result<()>;
    /// A variable that clients follow (`TimeZone`, `application_name`, …) has changed.
    fn parameter(&mut self, name: &str, value: &str) -> Result<()>;
    /// COPY FROM STDIN begins.
    fn copy_in(&mut self, shape: &CopyShape) -> Result<()>;
    /// The next piece of COPY data; `None` at its end; 57014 if the client gives up.
    fn copy_read(&mut self) -> Result<Option<Vec<u8>>>;
    /// COPY TO STDOUT begins.
    fn copy_out(&mut self, shape: &CopyShape) -> Result<()>;
    /// A piece of COPY data, one row or more.
    fn copy_write(&mut self, data: &[u8]) -> Result<()>;
    /// COPY TO STDOUT ends.
    fn copy_end(&mut self) -> Result<()>;
    /// Remembers where the output of a statement begins.
    fn mark(&mut self);
    /// Takes back what was said since [`Client::mark`]. False if some of it has left already: the
    /// statement can then no longer be retried in silence.
    fn rewind(&mut self) -> bool;
    /// Whether the client's next message, already here, ends the sequence: then an implicit
    /// transaction may commit before its last statement is acknowledged.
    fn sync_follows(&mut self) -> bool;
}
