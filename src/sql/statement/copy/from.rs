//! COPY FROM STDIN.

use super::format::{Options, Style};
use super::load::Load;
use super::read::Lines;
use crate::error::{Error, Result, sqlstate};
use crate::keys::Key;
use crate::limits::BATCH_ROWS;
use crate::sql::bind::{self, BindContext};
use crate::sql::client::{Client, CopyShape, Format};
use crate::sql::exec;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::feed::Feed;
use crate::sql::query::Planned;
use crate::sql::statement::Work;
use crate::syntax::{self, Copy, CopyHeader, CopySource, quote_identifier};
use crate::types::ColumnType;
use crate::types::text::{self, SessionFormat};
use crate::types::{Datum, binary};

/// A column that the lines have.
pub(super) struct Target {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
}

/// Reads rows from the client into a table; gives their number.
pub(super) fn run(copy: &Copy, options: &Options, work: &mut Work<'_>) -> Result<u64> {
    let CopySource::Table(name, columns) = &copy.source else {
        return Err(Error::syntax("COPY query cannot be used with FROM"));
    };
    if work.txn.is_read_only() {
        return Err(Error::new(
            sqlstate::READ_ONLY_SQL_TRANSACTION,
            "cannot execute COPY FROM in a read-only transaction",
        ));
    }
    let catalog = work.catalog()?;
    let insert = insert_text(name, columns)?;
    let parsed =
        syntax::parse(&insert)?.pop().ok_or_else(|| Error::internal("an INSERT went missing"))?;
    let ctx = BindContext::new(&catalog, work.session);
    let (bound, positions) = bind::bind_feed(&ctx, &parsed)?;
    let table_id = match &bound.relation {
        crate::sql::relation::Relation::Insert(insert) => insert.table.id,
        _ => return Err(Error::internal("an INSERT was expected")),
    };
    let table = catalog
        .table(table_id)
        .cloned()
        .ok_or_else(|| Error::internal("the table went missing"))?;
    let targets: Vec<Target> = positions
        .iter()
        .filter_map(|p| table.columns.get(*p))
        .map(|c| Target { name: c.name.clone(), ty: c.ty.clone() })
        .collect();
    let planned = Planned::new(work.server, &catalog, work.session, bound)?;
    planned.check_privileges(&catalog, &work.session.current_user)?;
    let load = Load::begin(&table, work)?;

    let wire = if options.style == Style::Binary { Format::Binary } else { Format::Text };
    work.client.copy_in(&CopyShape { columns: targets.len(), format: wire })?;
    let mut feed = CopyFeed {
        lines: Lines::new(options.clone()),
        options,
        targets: &targets,
        format: work.session.format.clone(),
        table: &table.name,
        client: work.client,
        header: options.header,
        ended: false,
        load,
    };
    let result = {
        let mut ctx = crate::sql::exec::context::ExecContext {
            eval: crate::sql::exec::context::EvalContext {
                server: work.server,
                catalog: &catalog,
                params: &[],
                statement_time: work.statement_time,
                transaction_time: work.transaction_time,
                read_at: work.txn.read_timestamp(),
                interrupt: work.interrupt,
                session: work.session,
            },
            memory_max: crate::sql::query::statement_memory(work.server),
            txn: work.txn,
            feed: Some(&mut feed),
        };
        let mut execution = exec::start(&planned.plan);
        loop {
            match execution.next(&mut ctx) {
                Ok(Some(_)) => {}
                Ok(None) => break Ok(execution.affected()),
                Err(e) => break Err(e),
            }
        }
    };
    // After an error the client hears of it at once: what it still sends is passed over where
    // messages are read.
    let rows = result?;
    if let Some(load) = feed.load.take() {
        load.finish(work.txn)?;
    }
    Ok(rows)
}

/// An INSERT with the same table and columns, for the binder.
fn insert_text(
    name: &sqlparser::ast::ObjectName,
    columns: &[sqlparser::ast::Ident],
) -> Result<String> {
    let mut sql = format!("INSERT INTO {}", super::to::quoted(name)?);
    if !columns.is_empty() {
        let names: Vec<String> = columns.iter().map(|c| quote_identifier(&c.value)).collect();
        sql.push_str(&format!(" ({})", names.join(", ")));
    }
    sql.push_str(" VALUES (NULL)");
    Ok(sql)
}

/// The rows that a client sends.
struct CopyFeed<'a> {
    lines: Lines,
    options: &'a Options,
    targets: &'a [Target],
    format: SessionFormat,
    table: &'a str,
    client: &'a mut dyn Client,
    header: CopyHeader,
    ended: bool,
    load: Option<Load>,
}

impl CopyFeed<'_> {
    /// One more line's values, or none at the end.
    fn row(&mut self) -> Result<Option<Vec<Datum>>> {
        loop {
            if let Some(fields) = self.lines.next_line(self.targets.len())? {
                match self.header {
                    CopyHeader::Off => return self.values(&fields).map(Some),
                    CopyHeader::On => {}
                    CopyHeader::Match => self.match_header(&fields)?,
                }
                self.header = CopyHeader::Off;
                continue;
            }
            if self.ended {
                return Ok(None);
            }
            match self.client.copy_read()? {
                Some(data) => self.lines.push(&data),
                None => {
                    self.ended = true;
                    self.lines.end();
                }
            }
        }
    }

    fn match_header(&self, fields: &[Option<Vec<u8>>]) -> Result<()> {
        let names: Vec<&[u8]> = fields.iter().map(|f| f.as_deref().unwrap_or_default()).collect();
        let wanted: Vec<&[u8]> = self.targets.iter().map(|t| t.name.as_bytes()).collect();
        if names == wanted {
            return Ok(());
        }
        Err(Error::new(
            sqlstate::BAD_COPY_FILE_FORMAT,
            "the header line does not match the columns of the table",
        ))
    }

    fn values(&self, fields: &[Option<Vec<u8>>]) -> Result<Vec<Datum>> {
        let mut row = Vec::with_capacity(self.targets.len());
        for (i, target) in self.targets.iter().enumerate() {
            let Some(field) = fields.get(i) else {
                return Err(self.at(Error::new(
                    sqlstate::BAD_COPY_FILE_FORMAT,
                    format!("missing data for column \"{}\"", target.name),
                )));
            };
            // The options of CSV that decide what the null string means in a column.
            let null = &self.options.null;
            let field = match field {
                None if self.options.force_not_null.has(&target.name) => Some(null),
                Some(value) if value == null && self.options.force_null.has(&target.name) => None,
                other => other.as_ref(),
            };
            let value = match field {
                None => Datum::Null,
                Some(bytes) if self.options.style == Style::Binary => {
                    binary::decode(&target.ty.ty, bytes).and_then(|value| {
                        crate::types::cast::apply_modifier(
                            &value,
                            &target.ty,
                            crate::types::cast::CastContext::Assignment,
                        )
                    })?
                }
                Some(bytes) => std::str::from_utf8(bytes)
                    .map_err(|_| {
                        Error::new(
                            sqlstate::CHARACTER_NOT_IN_REPERTOIRE,
                            "invalid byte sequence for encoding \"UTF8\"",
                        )
                    })
                    .and_then(|word| text::parse_column(&target.ty, word, &self.format))
                    .map_err(|e| self.at_column(e, target))?,
            };
            row.push(value);
        }
        if fields.len() > self.targets.len() {
            let e =
                Error::new(sqlstate::BAD_COPY_FILE_FORMAT, "extra data after last expected column");
            return Err(self.at(e));
        }
        Ok(row)
    }

    fn at(&self, e: Error) -> Error {
        e.with_detail(format!("COPY {}, line {}.", self.table, self.lines.line()))
    }

    fn at_column(&self, e: Error, target: &Target) -> Error {
        e.with_detail(format!(
            "COPY {}, line {}, column {}.",
            self.table,
            self.lines.line(),
            target.name
        ))
    }
}

impl Feed for CopyFeed<'_> {
    fn next(&mut self) -> Result<Option<Batch>> {
        let mut batch = Batch::with_types(self.targets.iter().map(|t| &t.ty));
        while batch.rows < BATCH_ROWS {
            let Some(row) = self.row()? else { break };
            batch.push_row(&row);
        }
        Ok((batch.rows > 0).then_some(batch))
    }

    fn stores(&self) -> bool {
        self.load.as_ref().is_some_and(Load::is_open)
    }

    fn store(&mut self, key: &Key, value: &[u8]) -> Result<bool> {
        match &mut self.load {
            Some(load) => load.put(key, value),
            None => Ok(false),
        }
    }
}
