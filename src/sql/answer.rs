//! A client inside the server: it keeps what a session says.

use crate::error::{Error, Result};
use crate::sql::client::{Client, CopyShape, Field, Format, Severity};
use crate::sql::exec::batch::Batch;
use crate::types::Datum;
use crate::types::text::SessionFormat;

/// What a session said.
#[derive(Default)]
pub(crate) struct Answer {
    /// Names of the columns.
    pub(crate) columns: Vec<String>,
    /// The rows.
    pub(crate) rows: Vec<Vec<Datum>>,
    /// The tags of the statements.
    pub(crate) tags: Vec<String>,
    /// Notices and warnings.
    pub(crate) notices: Vec<String>,
    /// How many rows, tags and notices there were when the current statement began.
    marked: (usize, usize, usize),
}

impl Client for Answer {
    fn columns(&mut self, fields: &[Field], _: &[Format]) -> Result<()> {
        self.columns = fields.iter().map(|field| field.name.clone()).collect();
        Ok(())
    }

    fn rows(&mut self, batch: &Batch, _: &[Field], _: &[Format], _: &SessionFormat) -> Result<()> {
        self.rows.extend((0..batch.rows).map(|row| batch.row(row)));
        Ok(())
    }

    fn complete(&mut self, tag: &str) -> Result<()> {
        self.tags.push(tag.to_owned());
        Ok(())
    }

    fn suspended(&mut self) -> Result<()> {
        Ok(())
    }

    fn empty(&mut self) -> Result<()> {
        Ok(())
    }

    fn notice(&mut self, _: Severity, notice: &Error) -> Result<()> {
        self.notices.push(notice.message().to_owned());
        Ok(())
    }

    fn parameter(&mut self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }

    fn copy_in(&mut self, _: &CopyShape) -> Result<()> {
        Err(Error::unsupported("COPY FROM STDIN inside the server"))
    }

    fn copy_read(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn copy_out(&mut self, _: &CopyShape) -> Result<()> {
        Err(Error::unsupported("COPY TO STDOUT inside the server"))
    }

    fn copy_write(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn copy_end(&mut self) -> Result<()> {
        Ok(())
    }

    fn mark(&mut self) {
        self.marked = (self.rows.len(), self.tags.len(), self.notices.len());
    }

    fn rewind(&mut self) -> bool {
        let (rows, tags, notices) = self.marked;
        self.rows.truncate(rows);
        self.tags.truncate(tags);
        self.notices.truncate(notices);
        true
    }

    fn sync_follows(&mut self) -> bool {
        false
    }
}
