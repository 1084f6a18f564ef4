//! `FROM BACKUP OF table FROM LATEST IN '…'`: the rows of a table as they lie in a backup. Nothing is
//! restored, and only the table's own ranges are read.

use super::restore::{collection, secret};
use super::show_backup::check;
use super::{Outcome, Work};
use crate::error::{Error, Result, sqlstate};
use crate::restore::{Here, Holdings, Source, select};
use crate::settings::SERVER_STATEMENT_MEMORY;
use crate::sql::client::Field;
use crate::syntax::{ReadBackup, Targets};
use crate::types::Datum;

/// What a value takes besides its text.
const VALUE_BYTES: u64 = 40;

/// Gives the rows.
pub fn run(stmt: &ReadBackup, work: &mut Work<'_>) -> Result<Outcome> {
    let from = collection(&stmt.subdirectory, &stmt.collection, work)?;
    let named: Vec<String> = from.uris().map(str::to_owned).collect();
    check(&named, "SELECT", work)?;
    let secret = secret(&stmt.options.encryption_passphrase, &stmt.options.kms, work)?;
    let as_of = stmt.as_of.as_ref().map(|expr| work.timestamp(expr)).transpose()?;
    let source = Source::open(&work.server.cloud, &from, secret.as_ref(), Some(work.interrupt))?;
    source.check()?;
    let chosen = source.choose(as_of)?;
    source.check_places(chosen.last)?;
    let holdings = Holdings::at(&source.layers, chosen)?;
    let here = Here { database: &work.session.database, search_path: &work.session.search_path };
    let targets = Targets::Tables(vec![stmt.table.clone()]);
    let found = select(&holdings, &targets, here)?;
    let table = found.ids.iter().find_map(|id| holdings.table(*id));
    let table = table.filter(|table| table.has_rows()).ok_or_else(|| {
        Error::new(
            sqlstate::WRONG_OBJECT_TYPE,
            format!("\"{}\" has no rows of its own in the backup", stmt.table),
        )
        .with_hint("Views and sequences have to be restored.")
    })?;
    let shown: Vec<usize> = (0..table.columns.len())
        .filter(|at| table.columns.get(*at).is_some_and(|column| !column.hidden))
        .collect();
    let fields = shown.iter().filter_map(|at| table.columns.get(*at)).map(|column| Field {
        name: column.name.clone(),
        ty: column.ty.clone(),
        table: 0,
        attribute: 0,
    });
    let fields = fields.collect();
    let limit = work.server.settings.bytes(SERVER_STATEMENT_MEMORY);
    let mut rows: Vec<Vec<Datum>> = Vec::new();
    let mut taken = 0u64;
    source.each_row(chosen, table, work.interrupt, |row| {
        let row: Vec<Datum> =
            shown.iter().map(|at| row.get(*at).cloned().unwrap_or(Datum::Null)).collect();
        taken = taken.saturating_add(row.iter().map(bytes).sum());
        if taken > limit {
            return Err(Error::new(
                sqlstate::OUT_OF_MEMORY,
                "the table in the backup is larger than a statement's memory",
            )
            .with_hint(
                "Restore the table under another name, or raise the cluster setting \
                 sql.statement.memory_limit.",
            ));
        }
        rows.push(row);
        Ok(())
    })?;
    Outcome::rows(fields, rows)
}

fn bytes(value: &Datum) -> u64 {
    let more = match value {
        Datum::Text(text) => text.len(),
        Datum::Bytea(bytes) => bytes.len(),
        Datum::Jsonb(json) => json.to_string().len(),
        _ => 0,
    };
    VALUE_BYTES.saturating_add(more as u64)
}
