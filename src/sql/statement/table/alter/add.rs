//! ADD COLUMN, ADD CONSTRAINT, VALIDATE CONSTRAINT.

use std::sync::Arc;

use sqlparser::ast::{ColumnDef, TableConstraint};

use super::{Waiting, current};
use crate::catalog::descriptor::{ColumnDescriptor, Descriptor, TableDescriptor};
use crate::catalog::mutation::{Change, NewValue};
use crate::catalog::row::freeze;
use crate::error::{Error, Result, sqlstate};
use crate::keys::TableId;
use crate::sql::bind::ExpressionUse;
use crate::sql::function::Volatility;
use crate::sql::statement::table::constraint::{self as constraints, Added};
use crate::sql::statement::table::draft::Draft;
use crate::sql::statement::table::rewrite::{Counter, Source, each_row, fill, rewrite};
use crate::sql::statement::table::{check, column as columns, expression};
use crate::sql::statement::{Work, object, schema_change};
use crate::types::Datum;

/// Adds a column. A default that is the same for every row is kept beside the column, and the rows
/// stay as they are; anything else is written into every row.
pub(super) fn column(
    work: &mut Work<'_>,
    id: TableId,
    def: &ColumnDef,
    if_not_exists: bool,
    waiting: &mut Waiting,
) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    let name = def.name.value.as_str();
    if table.column_named(name).is_some() {
        let text = format!("column \"{name}\" of relation \"{}\" already exists", table.name);
        if if_not_exists {
            return work.notice(format!("{text}, skipping"));
        }
        return Err(Error::new(sqlstate::DUPLICATE_COLUMN, text));
    }
    let defined = columns::define(work, &mut draft, def)?;
    columns::settle(work, &mut draft, &defined)?;
    waiting.extend(defined.constraints.iter().cloned());
    let sequences: Vec<TableDescriptor> = draft.sequences.drain(..).collect();
    for sequence in &sequences {
        work.server.catalog.write(work.txn, &Descriptor::Table(sequence.clone()))?;
    }
    let Some(added) = draft.table.column(defined.id).cloned() else {
        return Err(Error::internal("an added column went missing"));
    };
    // Numbers of a sequence that was just made: no need to take them from the store.
    if let Some(sequence) = sequences.first()
        && let Some(counter) = Counter::new(sequence)
    {
        let source = Source::Counter(counter);
        let source = rewritten(work, &table, draft, name, source)?;
        if let Source::Counter(counter) = source {
            let to = counter.position();
            work.server.catalog.restart_sequence(work.txn, sequence, to)?;
        }
        return Ok(());
    }
    match value_of(work, &draft.table, &added)? {
        Value::Same(value) => {
            if value.is_null() && !added.nullable {
                refuse_rows(work, &table, &added)?;
            }
            if !value.is_null() {
                let frozen = freeze(&added.ty.ty, &value)?;
                draft.column_mut(name)?.missing = Some(frozen);
            }
            draft.write(work)
        }
        Value::Each(source) => rewritten(work, &table, draft, name, source).map(|_| ()),
    }
}

/// Adds a column to a draft as another form of the table; `None` if the rows can stay as they are,
/// or if more hangs on the column than its values.
pub(super) fn online(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    draft: &mut Draft,
    def: &ColumnDef,
) -> Result<Option<Change>> {
    if table.column_named(&def.name.value).is_some() {
        return Ok(None);
    }
    let defined = columns::define(work, draft, def)?;
    columns::settle(work, draft, &defined)?;
    if !defined.constraints.is_empty() || !draft.sequences.is_empty() {
        return Ok(None);
    }
    let Some(added) = draft.table.column(defined.id).cloned() else {
        return Err(Error::internal("an added column went missing"));
    };
    if let Value::Same(_) = value_of(work, &draft.table, &added)? {
        return Ok(None);
    }
    let (sql, over_new) = match (added.computed, added.default) {
        (Some(sql), _) => (sql, true),
        (None, Some(sql)) => (sql, false),
        (None, None) => return Ok(None),
    };
    let id = draft.next_index_id();
    draft.table.primary_index.id = id;
    let value = NewValue { column: added.id, sql, over_new };
    Ok(Some(schema_change::form_of(draft, table, vec![id], vec![value])))
}

/// What the rows that are there get in a new column.
enum Value {
    /// All the same.
    Same(Datum),
    /// Each its own.
    Each(Source),
}

fn value_of(
    work: &mut Work<'_>,
    table: &TableDescriptor,
    column: &ColumnDescriptor,
) -> Result<Value> {
    let catalog = work.catalog()?;
    if let Some(sql) = &column.computed {
        let scalar =
            expression::bind(work, &catalog, sql, table, ExpressionUse::Generated, column)?;
        return Ok(Value::Each(Source::New(expression::compile_bound(&scalar, table)?)));
    }
    let Some(sql) = &column.default else { return Ok(Value::Same(Datum::Null)) };
    let scalar = expression::bind(work, &catalog, sql, table, ExpressionUse::Default, column)?;
    let compiled = expression::compile_bound(&scalar, table)?;
    if expression::volatility(&scalar) == Volatility::Volatile {
        return Ok(Value::Each(Source::Old(compiled)));
    }
    expression::value(work, &catalog, &compiled, &[]).map(Value::Same)
}

fn refuse_rows(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    column: &ColumnDescriptor,
) -> Result<()> {
    each_row(work, table, |_, _| {
        Err(Error::new(
            sqlstate::NOT_NULL_VIOLATION,
            format!(
                "column \"{}\" of relation \"{}\" contains null values",
                column.name, table.name
            ),
        )
        .with_column(column.name.clone()))
    })
}

/// Writes every row anew, with a value for one more column. Gives the source back.
fn rewritten(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    mut draft: Draft,
    name: &str,
    source: Source,
) -> Result<Source> {
    let id = draft.next_index_id();
    draft.table.primary_index.id = id;
    let new = Arc::new(draft.table.clone());
    let position = new.columns.iter().position(|c| c.name == name).unwrap_or_default();
    let sources = [(position, source)];
    rewrite(work, table, &new, &[id], &sources)?;
    draft.write(work)?;
    let [(_, source)] = sources;
    Ok(source)
}

/// Adds a constraint. `validate` is off for NOT VALID: rows that are there are not looked at.
pub(super) fn constraint(
    work: &mut Work<'_>,
    id: TableId,
    tree: &TableConstraint,
    validate: bool,
) -> Result<()> {
    if let TableConstraint::PrimaryKey(_) = tree {
        return primary_key(work, id, tree);
    }
    let (table, mut draft) = current(work, id)?;
    match constraints::add(work, &mut draft, tree)? {
        Added::Primary => Err(Error::internal("a primary key is added elsewhere")),
        Added::Index(index) => {
            let new = Arc::new(draft.table.clone());
            fill(work, &table, &new, &[index])?;
            draft.write(work)
        }
        Added::Check(name) => {
            match validate {
                true => check_rows(work, &table, &draft, &name)?,
                false => draft.set_validated(&name, false),
            }
            draft.write(work)
        }
        Added::ForeignKey(name) => {
            match validate {
                true => foreign_key_rows(work, &table, &draft, &name)?,
                false => draft.set_validated(&name, false),
            }
            draft.write(work)
        }
    }
}

fn check_rows(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    draft: &Draft,
    name: &str,
) -> Result<()> {
    match draft.table.checks.iter().find(|c| c.name == name) {
        Some(found) => check::check(work, table, name, &found.expression),
        None => Ok(()),
    }
}

fn foreign_key_rows(
    work: &mut Work<'_>,
    table: &Arc<TableDescriptor>,
    draft: &Draft,
    name: &str,
) -> Result<()> {
    match draft.table.foreign_keys.iter().find(|f| f.name == name) {
        Some(key) => check::foreign_key(work, table, key),
        None => Ok(()),
    }
}

/// Looks at the rows that NOT VALID left out.
pub(super) fn validate(work: &mut Work<'_>, id: TableId, name: &str) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    if !draft.has_constraint(name) {
        return Err(undefined_constraint(&table, name));
    }
    check_rows(work, &table, &draft, name)?;
    foreign_key_rows(work, &table, &draft, name)?;
    draft.set_validated(name, true);
    draft.write(work)
}

/// 42704 for a constraint of a table.
pub(super) fn undefined_constraint(table: &TableDescriptor, name: &str) -> Error {
    Error::new(
        sqlstate::UNDEFINED_OBJECT,
        format!("constraint \"{name}\" of relation \"{}\" does not exist", table.name),
    )
}

/// Gives a table a primary key in place of its hidden row numbers: every row moves to its new key,
/// and the entries of every index end in the new key.
fn primary_key(work: &mut Work<'_>, id: TableId, tree: &TableConstraint) -> Result<()> {
    let (table, mut draft) = current(work, id)?;
    if object::has_row_id(&table) {
        draft.table.columns.retain(|c| !c.is_row_id());
        draft.table.primary_index.columns.clear();
    }
    constraints::add(work, &mut draft, tree)?;
    let indexes = draft.renumber();
    let new = Arc::new(draft.table.clone());
    rewrite(work, &table, &new, &indexes, &[])?;
    draft.write(work)
}
