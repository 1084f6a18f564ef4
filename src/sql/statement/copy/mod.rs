//! # COPY
//!
//! Rows in bulk over the wire: `COPY t FROM STDIN`, `COPY t TO STDOUT`, `COPY (query) TO STDOUT`.
//!
//! ```text
//!   FROM   client ──▶ lines (text, csv, binary) ──▶ feed ──▶ INSERT's plan ──▶ transaction
//!                                                     └────▶ sorted run, for a new table
//!   TO     query's plan ──▶ batches ──▶ lines ──▶ client
//! ```
//!
//! Words: a *line* is one row as the format writes it; a *feed* gives the executor batches of rows
//! from outside; *freshly made* is a table that was created or truncated in the same transaction.
//!
//! Invariants:
//! - A COPY FROM is one INSERT: defaults, constraints, indexes and foreign keys are the same.
//! - Rows of a freshly made table without secondary indexes and foreign keys go straight into
//!   sorted runs as long as their keys rise, so that memory does not grow with the data. Nobody
//!   else can see the span before the commit, and a rollback clears it.
//! - An error tells the line that it is about.
//!
//! What it is not: files and programs of the server's machine (0A000).

mod format;
mod from;
mod load;
mod read;
mod to;
mod write;

use crate::error::{Error, Result};
use crate::sql::statement::{Outcome, Work};
use crate::syntax::{Copy, CopyTarget};

/// Runs COPY.
pub fn run(copy: &Copy, work: &mut Work<'_>) -> Result<Outcome> {
    match copy.target {
        CopyTarget::Wire => {}
        CopyTarget::File(_) => return Err(Error::unsupported("COPY with a file of the server")),
        CopyTarget::Program(_) => return Err(Error::unsupported("COPY with a program")),
    }
    let options = format::Options::new(copy)?;
    let rows =
        if copy.from { from::run(copy, &options, work)? } else { to::run(copy, &options, work)? };
    Outcome::done(format!("COPY {rows}"))
}
