//! # The binder
//!
//! From a parsed statement to a typed [`Relation`]: names become numbers, expressions get types,
//! operators and functions become entries of the function tables. PostgreSQL 15 is the
//! specification: which overload is chosen, where a cast is put, what an output column is called
//! and with which SQLSTATE and words a mistake is reported.
//!
//! ```text
//!   syntax tree ──▶ query ──▶ from · join · cte · values · setop        ──▶ Relation
//!                     │          │
//!                     │          └─▶ scope: what a name means here and in the queries around
//!                     └─▶ target · grouping · window · order
//!                            │
//!                            └─▶ expr ──▶ operator · call · special · case · subquery · cast …
//!                                            │
//!                                            └─▶ resolve · coerce ──▶ sql::function, types::cast
//!   INSERT, UPDATE, DELETE ──▶ insert · conflict · update · delete · returning
//! ```
//!
//! Words:
//! - a *level* is one query (SELECT, UPDATE, …) being bound; subqueries push another. A column
//!   belongs to the level whose FROM brought it in; one of an outer level is a *correlation*.
//! - an *item* is an entry of FROM as names see it: an alias and columns.
//! - an *unknown* is a string literal, NULL or parameter that nothing has given a type yet; it
//!   takes the type its context wants, and `text` when no context wants one.
//! - a *clause* says where an expression stands, because what is allowed depends on it.
//! - a *target* is an entry of the select list; *junk* targets are there for ORDER BY only.
//!
//! Invariants:
//! - Every scalar that leaves the room has a type, and no type is `unknown`.
//! - A [`ColumnRef`](super::scalar::ColumnRef) is produced once in a statement.
//! - Nothing is evaluated that could fail at run time only for some rows: the binder folds casts of
//!   literals, and leaves one that fails for the executor to report.
//! - Privileges are collected, not checked; the session checks them when it executes.
//!
//! What it is not: a place where access paths or join orders are considered (`plan`), or where
//! anything is read but the catalog.

mod aggregate;
mod array;
mod binder;
mod call;
mod candidate;
mod case;
mod cast;
mod check_groups;
mod clause;
mod coerce;
mod column_name;
mod common_type;
mod conflict;
mod cte;
mod datetime;
mod default_expr;
mod delete;
mod derived;
mod expr;
mod from;
mod generic;
mod grouping;
mod insert;
mod join;
mod level;
mod limit;
mod literal;
mod lock;
mod member;
mod missing;
mod name;
mod operator;
mod order;
mod param;
mod pattern;
mod query;
mod recursive;
mod resolve;
mod returning;
mod row;
mod row_source;
mod same;
mod scope;
mod set_call;
mod setop;
mod special;
mod subquery;
mod table_function;
mod target;
mod type_name;
mod update;
mod values;
mod view;
mod walk;
mod window;

use std::sync::Arc;

use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::DescriptorId;
use crate::catalog::privilege::Privilege;
use crate::error::Result;
use crate::keys::TableId;
use crate::sql::relation::Relation;
use crate::sql::scalar::OutputColumn;
use crate::sql::variables::SessionState;
use crate::syntax::{ParsedStatement, Statement};
use crate::types::Type;

pub use default_expr::{
    ExpressionUse, bind_constant, bind_constant_with, bind_expression_over_table, bind_kept_value,
    bind_scalar_over_table, stored_expression,
};
pub use row_source::{RowSource, RowSources};
pub use type_name::{column_type, column_type_from_text, column_type_in};
pub use view::{StoredView, store_view};

/// What the binder may look at.
pub struct BindContext<'a> {
    /// What exists, as the transaction sees it.
    pub catalog: &'a Arc<CatalogSnapshot>,
    /// Who asks, from where, and how values are read.
    pub session: &'a SessionState,
    /// Rows of the statements in `[SHOW …]`, if the statement has any.
    pub row_sources: Option<&'a dyn RowSources>,
}

impl<'a> BindContext<'a> {
    /// A context without row sources.
    pub fn new(catalog: &'a Arc<CatalogSnapshot>, session: &'a SessionState) -> Self {
        BindContext { catalog, session, row_sources: None }
    }
}

/// Types of a statement's parameters: what the client declared goes in, what was found comes out.
#[derive(Clone, Debug, Default)]
pub struct ParameterTypes(pub Vec<Option<Type>>);

/// What the command tag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundKind {
    /// `SELECT n`
    Select,
    /// `INSERT 0 n`
    Insert,
    /// `UPDATE n`
    Update,
    /// `DELETE n`
    Delete,
}

/// Something that a role must be allowed to do before the statement may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredPrivilege {
    /// On what.
    pub object: DescriptorId,
    /// What.
    pub privilege: Privilege,
    /// Who must hold it: the owner of a view for what the view reads, or else (`None`) the
    /// session's current user.
    pub role: Option<Arc<str>>,
}

/// A statement, bound.
#[derive(Clone, Debug)]
pub struct BoundStatement {
    /// What it computes.
    pub relation: Relation,
    /// What the client is told about its rows; empty if it returns none.
    pub output: Vec<OutputColumn>,
    /// What the command tag says.
    pub kind: BoundKind,
    /// Types of the parameters.
    pub params: Vec<Type>,
    /// What must be allowed.
    pub privileges: Vec<RequiredPrivilege>,
    /// Relations it depends on and their versions: a plan is good while these are the same.
    pub tables: Vec<(TableId, u64)>,
    /// Whether it calls a volatile function.
    pub volatile: bool,
    /// Whether it writes.
    pub modifies: bool,
    /// Whether it can be kept and run again: rows of `[SHOW …]` are part of the relation itself,
    /// so such a statement must be bound each time.
    pub reusable: bool,
}

/// Binds a query, INSERT, UPDATE or DELETE.
pub fn bind_statement(
    ctx: &BindContext<'_>,
    statement: &ParsedStatement,
    params: &mut ParameterTypes,
) -> Result<BoundStatement> {
    let Statement::Sql(tree) = &statement.statement else {
        return Err(crate::error::Error::internal("this statement is not for the binder"));
    };
    let mut binder = binder::Binder::new(ctx, &statement.row_sources, &params.0);
    binder.extras = statement.extras.clone();
    let bound = binder.statement(tree)?;
    params.0 = bound.params.iter().cloned().map(Some).collect();
    Ok(bound)
}

/// Binds the insertion of rows that come from outside (COPY FROM): the statement is an INSERT whose
/// own rows do not count. Gives the positions, in the table, of the columns that the rows have.
pub fn bind_feed(
    ctx: &BindContext<'_>,
    statement: &ParsedStatement,
) -> Result<(BoundStatement, Vec<usize>)> {
    let Statement::Sql(tree) = &statement.statement else {
        return Err(crate::error::Error::internal("this statement is not for the binder"));
    };
    let sqlparser::ast::Statement::Insert(insert) = &**tree else {
        return Err(crate::error::Error::internal("rows can only be fed to an INSERT"));
    };
    let mut binder = binder::Binder::new(ctx, &[], &[]);
    let (relation, positions) = binder.insert_fed(insert)?;
    let mut bound = binder.finish(relation, Vec::new(), BoundKind::Insert)?;
    bound.reusable = false;
    Ok((bound, positions))
}

/// Binds a query that is part of another statement (CREATE TABLE AS, COPY, DECLARE, BACKUP JOBS …).
pub fn bind_query(
    ctx: &BindContext<'_>,
    query: &sqlparser::ast::Query,
    row_sources: &[Statement],
    params: &mut ParameterTypes,
) -> Result<BoundStatement> {
    let mut binder = binder::Binder::new(ctx, row_sources, &params.0);
    let bound = binder.top_query(query)?;
    params.0 = bound.params.iter().cloned().map(Some).collect();
    Ok(bound)
}
