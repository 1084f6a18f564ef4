//! CREATE TABLE.

use std::sync::Arc;

use sqlparser::ast::{
    ColumnDef, CreateTable as Tree, CreateTableOptions, DataType, Expr, OnCommit, Query, SetExpr,
    SqlOption, TableConstraint, Value, ValueWithSpan,
};

use super::draft::Draft;
use super::{column, constraint, from_query, index, like, on_commit, temporary};
use crate::catalog::descriptor::TableKind;
use crate::error::{Error, Result, sqlstate};
use crate::sql::statement::{Outcome, Work, object, sequence};
use crate::syntax::CreateTable;

/// Runs CREATE TABLE.
pub fn run(stmt: &CreateTable, work: &mut Work<'_>) -> Result<Outcome> {
    let tree = &stmt.table;
    refuse_foreign(tree)?;
    let parts = object::words(&tree.name)?;
    let (schema, name) = match tree.temporary {
        true => temporary::place(work, &parts)?,
        false => object::place(work, &parts)?,
    };
    let catalog = work.catalog()?;
    if object::is_taken(&catalog, &schema, name) {
        sequence::already(work, name, tree.if_not_exists)?;
        let tag = if tree.query.is_some() { "CREATE TABLE AS" } else { "CREATE TABLE" };
        return Ok(Outcome::Done(tag.to_owned()));
    }
    let mut draft = Draft::new(work, &schema, name, TableKind::Table)?;
    draft.table.storage_parameters = storage_parameters(&tree.table_options)?;
    if tree.query.is_some() {
        return create_as(stmt, draft, work);
    }
    if let Some(source) = &tree.like {
        like::copy(work, &mut draft, source, &stmt.like_options)?;
    }
    let mut constraints = Vec::new();
    let mut defined = Vec::with_capacity(tree.columns.len());
    for def in &tree.columns {
        defined.push(column::define(work, &mut draft, def)?);
    }
    for column in defined {
        column::settle(work, &mut draft, &column)?;
        constraints.extend(column.constraints);
    }
    constraints.extend(tree.constraints.iter().cloned());
    finish(stmt, draft, constraints, work)?;
    Ok(Outcome::Done("CREATE TABLE".to_owned()))
}

/// Adds keys, indexes and other constraints, and writes the table.
fn finish(
    stmt: &CreateTable,
    mut draft: Draft,
    mut constraints: Vec<TableConstraint>,
    work: &mut Work<'_>,
) -> Result<()> {
    // Keys first: foreign keys may refer to them. Checks choose their names before foreign keys.
    constraints.sort_by_key(|c| match c {
        TableConstraint::PrimaryKey(_) | TableConstraint::PrimaryKeyUsingIndex(_) => 0,
        TableConstraint::ForeignKey(_) => 3,
        TableConstraint::Check(_) => 2,
        _ => 1,
    });
    for constraint in &constraints {
        constraint::add(work, &mut draft, constraint)?;
    }
    if draft.table.primary_index.columns.is_empty() {
        draft.add_row_id();
    }
    for tree in &stmt.indexes {
        index::add_inline(work, &mut draft, tree)?;
    }
    for family in &stmt.families {
        for ident in &family.columns {
            draft.column(&ident.value)?;
        }
    }
    if let Some(interleave) = &stmt.interleave {
        let parent = object::relation(work, &interleave.parent)?;
        work.server.catalog.pin(work.txn, parent.id)?;
        draft.table.depends_on.push(parent.id);
    }
    draft.codec()?;
    on_commit::remember(work, draft.table.id, stmt.table.on_commit.as_ref());
    draft.write(work)
}

/// CREATE TABLE AS.
fn create_as(stmt: &CreateTable, draft: Draft, work: &mut Work<'_>) -> Result<Outcome> {
    let tree = &stmt.table;
    let Some(query) = &tree.query else { return Err(Error::internal("no query")) };
    let typed = |def: &ColumnDef| def.data_type != DataType::Unspecified;
    if tree.columns.iter().any(|def| typed(def) || !def.options.is_empty())
        || !tree.constraints.is_empty()
        || !stmt.indexes.is_empty()
    {
        return Err(Error::unsupported("types and constraints in CREATE TABLE AS"));
    }
    let names: Vec<&str> = tree.columns.iter().map(|def| def.name.value.as_str()).collect();
    let without = tree.with_data.as_ref().is_some_and(|with| !with.data);
    let with_data = !stmt.with_no_data && !without;
    on_commit::remember(work, draft.table.id, tree.on_commit.as_ref());
    let rows = made_from(query, &names, with_data, draft, work)?;
    Ok(Outcome::Done(match with_data {
        true => format!("SELECT {rows}"),
        false => "CREATE TABLE AS".to_owned(),
    }))
}

/// Runs SELECT … INTO: as CREATE TABLE AS.
pub fn select_into(query: &Query, work: &mut Work<'_>) -> Result<Outcome> {
    let mut query = query.clone();
    let into = match query.body.as_mut() {
        SetExpr::Select(select) => select.into.take(),
        _ => None,
    };
    let into = into.ok_or_else(|| Error::internal("a query is not for a statement"))?;
    let words: Vec<&str> = match into.targets.as_slice() {
        [Expr::Identifier(ident)] => vec![&ident.value],
        [Expr::CompoundIdentifier(idents)] => object::values(idents),
        _ => return Err(Error::syntax("SELECT … INTO needs the name of one table")),
    };
    let (schema, name) = match into.temporary {
        true => temporary::place(work, &words)?,
        false => object::place(work, &words)?,
    };
    let catalog = work.catalog()?;
    if object::is_taken(&catalog, &schema, name) {
        sequence::already(work, name, false)?;
    }
    let draft = Draft::new(work, &schema, name, TableKind::Table)?;
    let rows = made_from(&query, &[], true, draft, work)?;
    Ok(Outcome::Done(format!("SELECT {rows}")))
}

/// Writes a table with the columns of a query, and fills it if that is wanted.
fn made_from(
    query: &Query,
    names: &[&str],
    with_data: bool,
    mut draft: Draft,
    work: &mut Work<'_>,
) -> Result<u64> {
    let catalog = work.catalog()?;
    let bound = from_query::bind(work, &catalog, query)?;
    from_query::add_columns(&mut draft, &bound, names)?;
    draft.add_row_id();
    let table = Arc::new(draft.table.clone());
    draft.write(work)?;
    match with_data {
        true => from_query::fill_from_query(work, &table, &catalog, bound),
        false => Ok(0),
    }
}

/// Refuses clauses that have no meaning here.
fn refuse_foreign(tree: &Tree) -> Result<()> {
    let refused = [
        (tree.or_replace, "CREATE OR REPLACE TABLE"),
        (tree.external || tree.location.is_some(), "external tables"),
        (tree.clone.is_some(), "CLONE"),
        (tree.inherits.as_ref().is_some_and(|i| !i.is_empty()), "table inheritance"),
        (tree.partition_of.is_some() || tree.partition_by.is_some(), "partitioned tables"),
        (tree.transient || tree.volatile || tree.iceberg || tree.dynamic, "this kind of table"),
        (tree.without_rowid || tree.strict, "this option of CREATE TABLE"),
        (tree.file_format.is_some() || tree.on_cluster.is_some(), "this option of CREATE TABLE"),
        (tree.primary_key.is_some() || tree.order_by.is_some(), "this option of CREATE TABLE"),
        (tree.cluster_by.is_some() || tree.clustered_by.is_some(), "this option of CREATE TABLE"),
        (tree.version.is_some() || tree.comment.is_some(), "this option of CREATE TABLE"),
    ];
    if let Some((_, what)) = refused.iter().find(|(said, _)| *said) {
        return Err(Error::unsupported(what));
    }
    match &tree.on_commit {
        None | Some(OnCommit::PreserveRows) => Ok(()),
        Some(_) if !tree.temporary => Err(Error::new(
            sqlstate::INVALID_TABLE_DEFINITION,
            "ON COMMIT can only be used on temporary tables",
        )),
        Some(_) => Ok(()),
    }
}

/// Storage parameters: kept and shown, without effect.
pub(super) fn storage_parameters(options: &CreateTableOptions) -> Result<Vec<(String, String)>> {
    let list = match options {
        CreateTableOptions::None => return Ok(Vec::new()),
        CreateTableOptions::With(list)
        | CreateTableOptions::Options(list)
        | CreateTableOptions::Plain(list)
        | CreateTableOptions::TableProperties(list) => list,
    };
    list.iter().map(storage_parameter).collect()
}

/// One of them.
pub(super) fn storage_parameter(option: &SqlOption) -> Result<(String, String)> {
    let (name, value) = match option {
        SqlOption::KeyValue { key, value } => (key.value.to_lowercase(), plain(value)),
        SqlOption::Ident(ident) => (ident.value.to_lowercase(), "true".to_owned()),
        _ => return Err(Error::unsupported("this option of CREATE TABLE")),
    };
    let known =
        ["fillfactor", "parallel_workers", "user_catalog_table", "exclude_data_from_backup"];
    if !known.contains(&name.as_str())
        && !["autovacuum_", "toast", "vacuum_", "log_autovacuum", "sql_stats_", "ttl"]
            .iter()
            .any(|start| name.starts_with(start))
    {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("unrecognized parameter \"{name}\""),
        ));
    }
    if name == "fillfactor" && !value.parse::<i64>().is_ok_and(|n| (10..=100).contains(&n)) {
        return Err(Error::new(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("value {value} out of bounds for option \"fillfactor\""),
        )
        .with_detail("Valid values are between \"10\" and \"100\"."));
    }
    Ok((name, value))
}

fn plain(value: &Expr) -> String {
    match value {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => text.clone(),
        Expr::Identifier(ident) => ident.value.clone(),
        other => other.to_string(),
    }
}
