//! CREATE VIEW, CREATE MATERIALIZED VIEW and REFRESH.

use std::sync::Arc;

use sqlparser::ast::{CreateView, ObjectName, Query, Statement as Tree};

use super::table::{Draft, bind_query_for, fill_from_query, temporary};
use super::{Outcome, Work, drop, object, sequence};
use crate::catalog::descriptor::{ColumnDescriptor, TableDescriptor, TableKind};
use crate::catalog::privilege;
use crate::error::{Error, Result, sqlstate};
use crate::mvcc::WaitPolicy;
use crate::sql::bind::{StoredView, store_view};
use crate::syntax::{self, RelationKind, Statement};

/// Runs CREATE [OR REPLACE] [MATERIALIZED] VIEW.
pub fn create(stmt: &CreateView, with_no_data: bool, work: &mut Work<'_>) -> Result<Outcome> {
    let tag = if stmt.materialized { "CREATE MATERIALIZED VIEW" } else { "CREATE VIEW" };
    refuse_foreign(stmt)?;
    let parts = object::words(&stmt.name)?;
    let (schema, name) = match stmt.temporary {
        true => temporary::place(work, &parts)?,
        false => object::place(work, &parts)?,
    };
    let catalog = work.catalog()?;
    let stored = store_view(&object::binding(work, &catalog), &stmt.query)?;
    let stored = named(stored, stmt)?;
    for id in &stored.depends_on {
        work.server.catalog.pin(work.txn, *id)?;
        if !schema.is_temporary() && catalog.table_any_state(*id).is_some_and(|t| t.temporary) {
            return Err(Error::unsupported("permanent views over temporary tables")
                .with_hint("Write CREATE TEMPORARY VIEW."));
        }
    }
    if object::is_taken(&catalog, &schema, name) {
        let known = catalog.relation(schema.id, name)?.cloned();
        return match known {
            Some(old) if stmt.or_replace => {
                replace(work, &old, stored)?;
                Outcome::done(tag)
            }
            _ => {
                sequence::already(work, name, stmt.if_not_exists)?;
                Outcome::done(tag)
            }
        };
    }
    let query = stored.query;
    let kind = match stmt.materialized {
        true => TableKind::MaterializedView { query },
        false => TableKind::View { query },
    };
    let mut draft = Draft::new(work, &schema, name, kind)?;
    draft.table.depends_on = stored.depends_on;
    for (name, ty) in stored.columns {
        draft.add_column(ColumnDescriptor::new(0, name, ty))?;
    }
    if !stmt.materialized {
        draft.write(work)?;
        return Outcome::done(tag);
    }
    if with_no_data {
        return Err(Error::unsupported("materialized views WITH NO DATA"));
    }
    draft.add_row_id();
    let bound = bind_query_for(work, &catalog, &stmt.query)?;
    let rows = fill_from_query(work, &Arc::new(draft.table.clone()), &catalog, bound)?;
    draft.write(work)?;
    Outcome::done(format!("SELECT {rows}"))
}

fn refuse_foreign(stmt: &CreateView) -> Result<()> {
    let refused = [
        (stmt.or_alter, "CREATE OR ALTER VIEW"),
        (stmt.materialized && stmt.or_replace, "CREATE OR REPLACE MATERIALIZED VIEW"),
        (!stmt.cluster_by.is_empty() || stmt.secure || stmt.to.is_some(), "this kind of view"),
        (stmt.comment.is_some() || stmt.params.is_some(), "this option of CREATE VIEW"),
        (stmt.with_no_schema_binding || stmt.copy_grants, "this option of CREATE VIEW"),
        (stmt.options != sqlparser::ast::CreateTableOptions::None, "options of CREATE VIEW"),
    ];
    match refused.iter().find(|(said, _)| *said) {
        Some((_, what)) => Err(Error::unsupported(what)),
        None => Ok(()),
    }
}

/// A view whose first columns have the names that the statement lists.
fn named(mut stored: StoredView, stmt: &CreateView) -> Result<StoredView> {
    if stmt.columns.len() > stored.columns.len() {
        return Err(Error::syntax("CREATE VIEW specifies more column names than columns"));
    }
    for (column, tree) in stored.columns.iter_mut().zip(&stmt.columns) {
        if tree.data_type.is_some() || tree.options.is_some() {
            return Err(Error::unsupported("types and options of a view's columns"));
        }
        column.0.clone_from(&tree.name.value);
    }
    for (i, (name, _)) in stored.columns.iter().enumerate() {
        if stored.columns.iter().take(i).any(|(other, _)| other == name) {
            return Err(Error::new(
                sqlstate::DUPLICATE_COLUMN,
                format!("column \"{name}\" specified more than once"),
            ));
        }
    }
    Ok(stored)
}

/// OR REPLACE: the columns of before must stay, more may follow.
fn replace(work: &mut Work<'_>, old: &Arc<TableDescriptor>, new: StoredView) -> Result<()> {
    let catalog = work.catalog()?;
    if !old.is_view() {
        return Err(Error::new(
            sqlstate::WRONG_OBJECT_TYPE,
            format!("\"{}\" is not a view", old.name),
        ));
    }
    privilege::require_owner(&catalog, &work.session.current_user, old)?;
    let wrong = |message: String| Error::new(sqlstate::INVALID_TABLE_DEFINITION, message);
    if new.columns.len() < old.columns.len() {
        return Err(wrong("cannot drop columns from view".to_owned()));
    }
    if new.depends_on.contains(&old.id) {
        return Err(Error::new(
            sqlstate::INVALID_OBJECT_DEFINITION,
            format!("infinite recursion detected in rules for relation \"{}\"", old.name),
        ));
    }
    let mut draft = Draft::of(&catalog, old)?;
    for (i, (name, ty)) in new.columns.into_iter().enumerate() {
        let Some(column) = old.columns.get(i) else {
            draft.add_column(ColumnDescriptor::new(0, name, ty))?;
            continue;
        };
        if column.name != name {
            return Err(wrong(format!(
                "cannot change name of view column \"{}\" to \"{name}\"",
                column.name
            ))
            .with_hint(
                "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.",
            ));
        }
        if column.ty != ty {
            return Err(wrong(format!(
                "cannot change data type of view column \"{name}\" from {} to {ty}",
                column.ty
            )));
        }
    }
    draft.table.depends_on = new.depends_on;
    draft.table.kind = TableKind::View { query: new.query };
    draft.write(work)
}

/// Runs REFRESH MATERIALIZED VIEW.
pub fn refresh(
    name: &ObjectName,
    concurrently: bool,
    no_data: bool,
    work: &mut Work<'_>,
) -> Result<Outcome> {
    if no_data {
        let what = match concurrently {
            true => {
                return Err(Error::syntax(
                    "REFRESH options CONCURRENTLY and WITH NO DATA cannot be used together",
                ));
            }
            false => "REFRESH … WITH NO DATA",
        };
        return Err(Error::unsupported(what));
    }
    let found = object::relation(work, name)?;
    drop::check_kind(RelationKind::MaterializedView, &found).map_err(|e| {
        Error::new(e.code(), format!("\"{}\" is not a materialized view", found.name))
    })?;
    let catalog = work.catalog()?;
    privilege::require_owner(&catalog, &work.session.current_user, &found)?;
    let table = object::hold(work, found.id, WaitPolicy::Wait)?;
    let catalog = work.catalog()?;
    let TableKind::MaterializedView { query } = &table.kind else {
        return Err(Error::internal("a materialized view changed its kind"));
    };
    let query = parse(query)?;
    let bound = bind_query_for(work, &catalog, &query)?;
    let mut draft = Draft::of(&catalog, &table)?;
    draft.renumber();
    fill_from_query(work, &Arc::new(draft.table.clone()), &catalog, bound)?;
    draft.write(work)?;
    Outcome::done("REFRESH MATERIALIZED VIEW")
}

fn parse(sql: &str) -> Result<Query> {
    let broken = || Error::internal("the query of a materialized view is broken");
    let statement = syntax::parse(sql)?.pop().ok_or_else(broken)?;
    let Statement::Sql(tree) = statement.statement else { return Err(broken()) };
    match *tree {
        Tree::Query(query) => Ok(*query),
        _ => Err(broken()),
    }
}
