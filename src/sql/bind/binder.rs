//! The state of one binding: columns handed out, the levels being bound, what has been noted.

use std::collections::HashMap;
use std::sync::Arc;

use sqlparser::ast::{Query, Statement as Tree};

use super::cte::Cte;
use super::level::Level;
use super::param::Parameters;
use super::{BindContext, BoundKind, BoundStatement, RequiredPrivilege};
use crate::catalog::descriptor::{DescriptorId, TableDescriptor};
use crate::catalog::names::Scope;
use crate::catalog::privilege::Privilege;
use crate::error::{Error, Result, sqlstate};
use crate::keys::TableId;
use crate::limits::EXPRESSION_DEPTH_MAX;
use crate::sql::relation::{CteId, Produced};
use crate::sql::scalar::{ColumnRef, OutputColumn};
use crate::syntax::{Extras, Statement};
use crate::types::{ColumnType, Type};

/// A column that a wildcard stands for: its table's alias, if it has one, and its name.
pub(super) type WildcardColumn = (Option<Arc<str>>, Arc<str>);

/// One binding.
pub(super) struct Binder<'a> {
    pub ctx: &'a BindContext<'a>,
    /// What each column handed out is, by number.
    pub columns: Vec<ColumnInfo>,
    /// Names and types of the fields of columns that hold rows, where they are known.
    pub records: HashMap<ColumnRef, Vec<(Arc<str>, ColumnType)>>,
    /// The levels being bound, the innermost last.
    pub levels: Vec<Level>,
    /// Common table expressions in sight, the nearest last.
    pub ctes: Vec<Cte>,
    pub params: Parameters,
    /// `[SHOW …]` statements, by number.
    pub row_sources: &'a [Statement],
    /// Clauses of the statement that the tree has no room for; the first that they belong to takes
    /// them.
    pub extras: Extras,
    /// Unknown literals and where they stood, to point at one that cannot be read.
    pub literals: Vec<(Arc<str>, u32)>,
    /// The wildcards of the statement's own text by position, as a stored view wants them.
    pub wildcards: Vec<(u32, Vec<WildcardColumn>)>,
    /// The owner of the view being expanded, who needs the privileges.
    pub owner: Option<Arc<str>>,
    /// The views being expanded.
    pub views: Vec<TableId>,
    pub privileges: Vec<RequiredPrivilege>,
    pub tables: Vec<(TableId, u64)>,
    pub volatile: bool,
    pub modifies: bool,
    pub reusable: bool,
    /// Whether the next SELECT is a recursive term.
    pub recursive_term: bool,
    depth: usize,
    next_level: u32,
    next_cte: u32,
}

/// What a column that was handed out is.
#[derive(Clone, Debug)]
pub(super) struct ColumnInfo {
    /// The level that it belongs to.
    pub level: u32,
    pub kind: ColumnKind,
    /// For messages: the item's alias, and its name.
    pub table: Arc<str>,
    pub name: Arc<str>,
}

/// How a column came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// FROM brought it in.
    Source,
    /// An aggregate's result.
    Aggregate,
    /// A window function's result.
    Window,
    /// A set-returning function's result in the select list.
    Set,
    /// Anything else that a level computes.
    Computed,
}

impl<'a> Binder<'a> {
    pub fn new(
        ctx: &'a BindContext<'a>,
        row_sources: &'a [Statement],
        params: &[Option<Type>],
    ) -> Self {
        Binder {
            ctx,
            columns: Vec::new(),
            records: HashMap::new(),
            levels: Vec::new(),
            ctes: Vec::new(),
            params: Parameters::new(params),
            row_sources,
            extras: Extras::default(),
            literals: Vec::new(),
            wildcards: Vec::new(),
            owner: None,
            views: Vec::new(),
            privileges: Vec::new(),
            tables: Vec::new(),
            volatile: false,
            modifies: false,
            reusable: true,
            recursive_term: false,
            depth: 0,
            next_level: 0,
            next_cte: 0,
        }
    }

    /// Binds a whole statement.
    pub fn statement(&mut self, tree: &Tree) -> Result<BoundStatement> {
        match tree {
            Tree::Query(query) => self.top_query(query),
            Tree::Insert(insert) => {
                let bound = self.insert(insert)?;
                self.finish(bound.relation, bound.output, BoundKind::Insert)
            }
            Tree::Update(update) => {
                let bound = self.update(update)?;
                self.finish(bound.relation, bound.output, BoundKind::Update)
            }
            Tree::Delete(delete) => {
                let bound = self.delete(delete)?;
                self.finish(bound.relation, bound.output, BoundKind::Delete)
            }
            Tree::Merge(_) => Err(Error::unsupported("MERGE")),
            _ => Err(Error::internal("this statement is not for the binder")),
        }
    }

    /// Binds a query as a whole statement. `WITH … INSERT` arrives as a query whose body is the
    /// INSERT.
    pub fn top_query(&mut self, query: &Query) -> Result<BoundStatement> {
        let (bound, kind) = self.outermost(query)?;
        let output = bound
            .columns
            .iter()
            .map(|c| OutputColumn {
                name: c.name.clone(),
                ty: c.ty.clone(),
                column: c.column,
                origin: c.origin,
            })
            .collect();
        self.finish(bound.relation, output, kind)
    }

    pub(super) fn finish(
        &mut self,
        relation: crate::sql::relation::Relation,
        output: Vec<OutputColumn>,
        kind: BoundKind,
    ) -> Result<BoundStatement> {
        Ok(BoundStatement {
            relation,
            output,
            kind,
            params: self.params.finish()?,
            privileges: std::mem::take(&mut self.privileges),
            tables: std::mem::take(&mut self.tables),
            volatile: self.volatile,
            modifies: self.modifies,
            reusable: self.reusable,
        })
    }

    /// Runs a step that may nest, within the limit on nesting.
    pub fn nested<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.check_depth(1)?;
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    /// Fails if `more` levels of nesting would be too many.
    pub fn check_depth(&self, more: usize) -> Result<()> {
        if self.depth.saturating_add(more) > EXPRESSION_DEPTH_MAX {
            return Err(Error::new(sqlstate::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
                .with_hint(format!(
                    "An expression may be nested {EXPRESSION_DEPTH_MAX} levels deep; split it up."
                )));
        }
        Ok(())
    }

    /// A number for a new level.
    pub fn new_level(&mut self) -> u32 {
        self.next_level += 1;
        self.next_level
    }

    /// A number for a common table expression.
    pub fn new_cte(&mut self) -> CteId {
        self.next_cte += 1;
        CteId(self.next_cte)
    }

    /// A new column of the innermost level.
    pub fn column(&mut self, kind: ColumnKind, ty: &ColumnType, name: &str) -> Produced {
        let level = self.levels.last().map_or(0, |l| l.id);
        self.column_of(level, kind, ty, "", name)
    }

    /// A new column of any level.
    pub fn column_of(
        &mut self,
        level: u32,
        kind: ColumnKind,
        ty: &ColumnType,
        table: &str,
        name: &str,
    ) -> Produced {
        let column = ColumnRef(u32::try_from(self.columns.len()).unwrap_or(u32::MAX));
        self.columns.push(ColumnInfo {
            level,
            kind,
            table: Arc::from(table),
            name: Arc::from(name),
        });
        Produced { column, ty: ty.clone() }
    }

    /// What a column is.
    pub fn info(&self, column: ColumnRef) -> Option<&ColumnInfo> {
        self.columns.get(column.0 as usize)
    }

    /// Hands a column that a finished subquery made to the level around, under a new name.
    pub fn adopt(&mut self, column: ColumnRef, table: &Arc<str>, name: &Arc<str>) {
        let level = self.levels.last().map_or(0, |l| l.id);
        if let Some(info) = self.columns.get_mut(column.0 as usize) {
            info.level = level;
            info.kind = ColumnKind::Source;
            info.table = table.clone();
            info.name = name.clone();
        }
    }

    /// How many levels out a column's level is: 0 for the innermost; `None` if it is not a level
    /// being bound (a column made and used within a finished subquery).
    pub fn distance(&self, column: ColumnRef) -> Option<usize> {
        let id = self.info(column)?.level;
        self.levels.iter().rev().position(|l| l.id == id)
    }

    /// Whether a column belongs to the innermost level.
    pub fn is_own(&self, column: ColumnRef) -> bool {
        self.distance(column) == Some(0)
    }

    /// Notes that a privilege is needed.
    pub fn require(&mut self, object: DescriptorId, privilege: Privilege) {
        let needed = RequiredPrivilege { object, privilege, role: self.owner.clone() };
        if !self.privileges.contains(&needed) {
            self.privileges.push(needed);
        }
    }

    /// Notes that the statement depends on a relation.
    pub fn depends_on(&mut self, table: &TableDescriptor) {
        if !self.tables.iter().any(|(id, _)| *id == table.id) {
            self.tables.push((table.id, table.version));
        }
    }

    /// Where names of relations are looked for.
    pub fn search(&self) -> Result<Search> {
        Search::new(self.ctx)
    }
}

/// Where a session looks for relations.
pub(super) struct Search {
    database: DescriptorId,
    path: Vec<String>,
    temp: String,
}

impl Search {
    pub fn new(ctx: &BindContext<'_>) -> Result<Search> {
        let name = &ctx.session.database;
        let database = crate::catalog::names::resolve_database(ctx.catalog, name)?.id;
        Ok(Search {
            database,
            path: ctx.session.search_path.clone(),
            temp: format!("pg_temp_{}", ctx.session.backend_pid),
        })
    }

    pub fn scope(&self) -> Scope<'_> {
        Scope { database: self.database, search_path: &self.path, temp_schema: Some(&self.temp) }
    }
}
