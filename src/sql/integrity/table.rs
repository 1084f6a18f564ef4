//! Whether a table's rows agree with its constraints and its indexes.

use std::sync::Arc;

use super::{Checker, Report};
use crate::catalog::descriptor::{IndexDescriptor, TableDescriptor};
use crate::catalog::row::TableCodec;
use crate::error::Result;
use crate::keys::{Key, Span, index_span, pretty};
use crate::kv::Access;
use crate::sql::bind::{BindContext, bind_scalar_over_table};
use crate::sql::exec::context::EvalContext;
use crate::sql::exec::eval::{Expr, Row};
use crate::sql::exec::write::foreign_key::parent_key;
use crate::sql::exec::write::references::References;
use crate::sql::exec::write::violation::key_text;
use crate::sql::plan::compile::compile_over;
use crate::sql::statement::row_of;
use crate::types::Datum;

/// Rows between two looks at the interrupt.
const ROWS_A_LOOK: u64 = 1_024;

/// One table being checked.
struct Subject<'t> {
    table: &'t Arc<TableDescriptor>,
    name: &'t str,
    codec: Arc<TableCodec>,
    primary: Vec<usize>,
    checks: Vec<(&'t str, Expr)>,
    indexes: Vec<Index<'t>>,
    foreign_keys: Vec<References<'t>>,
}

struct Index<'t> {
    index: &'t IndexDescriptor,
    predicate: Option<Expr>,
    /// Entries that the rows should have.
    expected: u64,
}

/// Reads a table's rows, then its indexes.
pub(super) fn check(
    checker: &mut Checker<'_>,
    table: &Arc<TableDescriptor>,
    name: &str,
    report: &mut Report,
) -> Result<()> {
    let mut subject = prepare(checker, table, name, report)?;
    let span = index_span(table.id, table.primary_index.id);
    let mut at = span.start.clone();
    let mut rows = 0u64;
    loop {
        let stretch = stretch(checker, &Span::new(at, span.end.clone()))?;
        let Some((last, _)) = stretch.last() else { break };
        at = last.clone();
        at.push(0);
        for (key, value) in &stretch {
            if let Err(e) = row(checker, &mut subject, key, value, report) {
                report.add_error(name, e.context(place(key)))?;
            }
        }
        rows += stretch.len() as u64;
        checker.interrupt.check()?;
    }
    report.rows += rows;
    for index in &subject.indexes {
        let found = entries(checker, &subject, index, report)?;
        report.entries += found;
    }
    Ok(())
}

fn prepare<'t>(
    checker: &mut Checker<'_>,
    table: &'t Arc<TableDescriptor>,
    name: &'t str,
    report: &mut Report,
) -> Result<Subject<'t>> {
    let mut checks = Vec::with_capacity(table.checks.len());
    // What is NOT VALID says nothing of rows that were there before it.
    for check in table.checks.iter().filter(|c| !c.not_valid) {
        match compile(checker, table, &check.expression) {
            Ok(expr) => checks.push((check.name.as_str(), expr)),
            Err(e) => {
                report.add_error(name, e.context(format!("check \"{}\"", check.name)))?;
            }
        }
    }
    let mut indexes = Vec::with_capacity(table.indexes.len());
    for index in &table.indexes {
        let predicate = match &index.predicate {
            Some(sql) => Some(compile(checker, table, sql)?),
            None => None,
        };
        indexes.push(Index { index, predicate, expected: 0 });
    }
    let mut foreign_keys = Vec::with_capacity(table.foreign_keys.len());
    for key in table.foreign_keys.iter().filter(|f| !f.not_valid) {
        // One that refers to nothing is a finding of the catalogue's check.
        let Some(parent) = checker.snapshot.table_any_state(key.referenced_table) else { continue };
        let codec = checker.snapshot.codec(parent.id)?;
        let Some(parent) = parent_key(parent, &codec, &key.referenced_columns)? else {
            report.add(name, format!("foreign key \"{}\" refers to no unique index", key.name));
            continue;
        };
        foreign_keys.push(References::new(table, key, parent));
    }
    Ok(Subject {
        table,
        name,
        codec: checker.snapshot.codec(table.id)?,
        primary: table
            .primary_index
            .columns
            .iter()
            .filter_map(|c| table.position(c.column))
            .collect(),
        checks,
        indexes,
        foreign_keys,
    })
}

fn compile(checker: &Checker<'_>, table: &TableDescriptor, sql: &str) -> Result<Expr> {
    let columns = row_of(table);
    let ctx = BindContext::new(checker.snapshot, &checker.session);
    compile_over(&bind_scalar_over_table(&ctx, sql, table, &columns)?, &columns)
}

fn value(checker: &mut Checker<'_>, expr: &Expr, row: &[Datum]) -> Result<Datum> {
    let read_at = checker.now.at();
    let mut context = EvalContext {
        server: checker.server,
        session: &mut checker.session,
        catalog: checker.snapshot,
        params: &[],
        statement_time: read_at.sql_micros(),
        transaction_time: read_at.sql_micros(),
        read_at,
        interrupt: checker.interrupt,
    };
    expr.pure(&mut context, Row::Datums(row))
}

fn stretch(checker: &mut Checker<'_>, span: &Span) -> Result<Vec<(Key, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut scan = checker.now.scan(span, false, Access::Bulk)?;
    while (found.len() as u64) < ROWS_A_LOOK && scan.next()? {
        found.push((scan.key().to_vec(), scan.value().to_vec()));
    }
    Ok(found)
}

fn place(key: &[u8]) -> String {
    format!("key {}", pretty::key(key))
}

/// A row: its constraints, and what its indexes and the tables it refers to have of it.
fn row(
    checker: &mut Checker<'_>,
    subject: &mut Subject<'_>,
    key: &Key,
    stored: &[u8],
    report: &mut Report,
) -> Result<()> {
    let (table, name) = (subject.table, subject.name);
    let row = subject.codec.decode_row(key, stored)?;
    if subject.codec.primary_key_of_row(&row)? != *key {
        report.add(name, format!("{}: the key is not that of the row", place(key)));
    }
    let who = |checker: &Checker<'_>| {
        let values: Vec<Datum> =
            subject.primary.iter().map(|p| row.get(*p).cloned().unwrap_or(Datum::Null)).collect();
        format!("row {}", key_text(table, &subject.primary, &values, &checker.session.format))
    };
    for (column, value) in table.columns.iter().zip(&row) {
        if value.is_null() && !column.nullable {
            report.add(name, format!("{}: column \"{}\" is null", who(checker), column.name));
        }
    }
    for (check, expr) in &subject.checks {
        match value(checker, expr, &row) {
            Ok(Datum::Bool(false)) => {
                report.add(name, format!("{}: violates check \"{check}\"", who(checker)));
            }
            Ok(_) => {}
            Err(e) => report.add_error(name, e.context(format!("{}: check", who(checker))))?,
        }
    }
    for reference in &mut subject.foreign_keys {
        if reference.flaw(&row, |at| Ok(checker.now.get(at)?.is_some()))?.is_some() {
            let key = &reference.key.name;
            report.add(name, format!("{}: violates foreign key \"{key}\"", who(checker)));
        }
    }
    let mut expected = vec![false; subject.indexes.len()];
    for (index, expected) in subject.indexes.iter().zip(&mut expected) {
        if let Some(predicate) = &index.predicate
            && !matches!(value(checker, predicate, &row)?, Datum::Bool(true))
        {
            continue;
        }
        *expected = true;
        let (at, entry) = subject.codec.index_entries(index.index, &row)?;
        let index = &index.index.name;
        match checker.now.get(&at)? {
            Some(stored) if stored == entry => {}
            Some(_) => report.add(
                name,
                format!("{}: its entry in index \"{index}\" is of another row", who(checker)),
            ),
            None => report.add(name, format!("{}: not in index \"{index}\"", who(checker))),
        }
    }
    for (index, expected) in subject.indexes.iter_mut().zip(expected) {
        index.expected += u64::from(expected);
    }
    Ok(())
}

/// An index: every row's entry was looked for already, so that as many entries as expected are
/// the right ones. If there are more, those without a row are looked for.
fn entries(
    checker: &mut Checker<'_>,
    subject: &Subject<'_>,
    index: &Index<'_>,
    report: &mut Report,
) -> Result<u64> {
    let span = index_span(subject.table.id, index.index.id);
    let mut found = 0;
    {
        let mut scan = checker.now.scan(&span, false, Access::Bulk)?;
        while scan.next()? {
            found += 1;
            if found % ROWS_A_LOOK == 0 {
                checker.interrupt.check()?;
            }
        }
    }
    if found == index.expected {
        return Ok(found);
    }
    let mut at = span.start.clone();
    loop {
        let stretch = stretch(checker, &Span::new(at, span.end.clone()))?;
        let Some((last, _)) = stretch.last() else { return Ok(found) };
        at = last.clone();
        at.push(0);
        for (key, stored) in &stretch {
            let what = format!("{}: the entry in index \"{}\"", place(key), index.index.name);
            match belongs(checker, subject, index, key, stored) {
                Ok(true) => {}
                Ok(false) => report.add(subject.name, format!("{what} belongs to no row")),
                Err(e) => report.add_error(subject.name, e.context(what))?,
            }
        }
        checker.interrupt.check()?;
    }
}

/// Whether an entry is one that the row it names should have.
fn belongs(
    checker: &mut Checker<'_>,
    subject: &Subject<'_>,
    index: &Index<'_>,
    key: &Key,
    stored: &[u8],
) -> Result<bool> {
    let primary = subject.codec.primary_key_from_index_entry(index.index, key, stored)?;
    let Some(row) = checker.now.get(&primary)? else { return Ok(false) };
    let row = subject.codec.decode_row(&primary, &row)?;
    if let Some(predicate) = &index.predicate
        && !matches!(value(checker, predicate, &row)?, Datum::Bool(true))
    {
        return Ok(false);
    }
    Ok(subject.codec.index_entries(index.index, &row)?.0 == *key)
}
