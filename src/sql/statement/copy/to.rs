//! COPY TO STDOUT.

use std::borrow::Cow;

use sqlparser::ast::ObjectName;

use super::format::{Options, Style};
use super::write::Writer;
use crate::error::{Error, Result};
use crate::sql::bind::{self, BindContext, BoundKind, ParameterTypes};
use crate::sql::client::{CopyShape, Format};
use crate::sql::exec;
use crate::sql::query::Planned;
use crate::sql::statement::Work;
use crate::sql::statement::object::words;
use crate::syntax::{self, Copy, CopyHeader, CopySource, ParsedStatement, quote_identifier};

/// Sends the rows of a table or query to the client; gives their number.
pub(super) fn run(copy: &Copy, options: &Options, work: &mut Work<'_>) -> Result<u64> {
    let parsed: Cow<'_, ParsedStatement> = match &copy.source {
        CopySource::Query(query) => Cow::Borrowed(&**query),
        CopySource::Table(name, columns) => {
            let names: Vec<String> = columns.iter().map(|c| quote_identifier(&c.value)).collect();
            let list = if names.is_empty() { "*".to_owned() } else { names.join(", ") };
            let sql = format!("SELECT {list} FROM {}", quoted(name)?);
            let select = syntax::parse(&sql)?.pop();
            Cow::Owned(select.ok_or_else(|| Error::internal("a SELECT went missing"))?)
        }
    };
    let catalog = work.catalog()?;
    let ctx = BindContext::new(&catalog, work.session);
    let bound = bind::bind_statement(&ctx, &parsed, &mut ParameterTypes::default())?;
    if bound.kind != BoundKind::Select && bound.output.is_empty() {
        return Err(Error::unsupported("COPY of a statement without RETURNING"));
    }
    let planned = Planned::new(work.server, &catalog, work.session, bound)?;
    planned.check_privileges(&catalog, &work.session.current_user)?;

    let wire = if options.style == Style::Binary { Format::Binary } else { Format::Text };
    work.client.copy_out(&CopyShape { columns: planned.fields.len(), format: wire })?;
    let mut writer = Writer::new(options, &planned.fields, work.session.format.clone());
    if options.header != CopyHeader::Off {
        writer.header();
    }
    let mut execution = exec::start(&planned.plan);
    let mut rows = 0;
    loop {
        let batch = execution.next(&mut work.exec(&catalog))?;
        let Some(batch) = batch else { break };
        for row in 0..batch.rows {
            writer.row(&batch, row)?;
            if writer.is_full() {
                work.client.copy_write(&writer.take())?;
            }
        }
        rows += batch.rows as u64;
    }
    writer.end();
    let rest = writer.take();
    if !rest.is_empty() {
        work.client.copy_write(&rest)?;
    }
    work.client.copy_end()?;
    Ok(rows)
}

/// A dotted name as it is written in SQL.
pub(super) fn quoted(name: &ObjectName) -> Result<String> {
    let parts: Vec<String> = words(name)?.into_iter().map(quote_identifier).collect();
    Ok(parts.join("."))
}
