//! INSERT and UPSERT.

use std::sync::Arc;

use sqlparser::ast::{Expr, Ident, Insert as Tree, Query, SetExpr, TableObject, Values};

use super::BoundKind;
use super::binder::{Binder, ColumnKind};
use super::clause::Clause;
use super::limit::LimitTree;
use super::name::{At, parts};
use super::query::Unknowns;
use super::returning::{BoundWrite, refuse_value};
use super::values::{check_width, is_default};
use super::walk;
use crate::catalog::descriptor::TableDescriptor;
use crate::error::{Error, Result, sqlstate};
use crate::sql::relation::{Insert, Produced, Relation};
use crate::sql::scalar::Scalar;
use crate::syntax::Overriding;
use crate::types::Datum;

/// The rows to insert, as far as the statement gives them.
struct Source {
    relation: Relation,
    /// Position in `table.columns`, and the column that holds the value.
    given: Vec<(usize, Produced)>,
}

impl Binder<'_> {
    /// Binds INSERT.
    pub fn insert(&mut self, tree: &Tree) -> Result<BoundWrite> {
        self.with_level(|binder| binder.insert_into(tree))
    }

    fn insert_into(&mut self, tree: &Tree) -> Result<BoundWrite> {
        refuse_foreign(tree)?;
        let TableObject::TableName(name) = &tree.table else {
            return Err(Error::unsupported("INSERT into a function"));
        };
        let table = self.target_table(name, BoundKind::Insert)?;
        let alias: Arc<str> = match &tree.table_alias {
            Some(alias) => Arc::from(alias.alias.value.as_str()),
            None => Arc::from(table.name.as_str()),
        };
        let explicit = !tree.columns.is_empty();
        let overriding = self.extras.overriding.take();
        let positions = self.insert_columns(tree, &table)?;
        let source = match &tree.source {
            None => Source { relation: super::from::one_row(), given: Vec::new() },
            Some(query) => self.insert_source(query, &table, &positions, explicit, overriding)?,
        };
        let given: Vec<usize> = source.given.iter().map(|(p, _)| *p).collect();
        let (relation, values) = self.complete_rows(source, &table)?;
        let new = self.row_of(&table, &alias);
        let checks = self.checks(&table, &new)?;
        let predicates = self.predicates(&table, &new)?;
        let on_conflict = if tree.replace_into {
            self.upsert(&table, if explicit { Some(&given) } else { None })?
        } else {
            match &tree.on {
                Some(on) => Some(self.on_conflict(on, &table, &alias)?),
                None => None,
            }
        };
        let item = self.row_item(&table, &alias, &new);
        let level = self.level();
        level.known.push(item.clone());
        level.items = vec![item];
        let (returning, output) = self.returning(tree.returning.as_deref())?;
        let foreign_keys = table.foreign_keys.clone();
        let relation = Relation::Insert(Box::new(Insert {
            table,
            source: relation,
            values,
            on_conflict,
            checks,
            predicates,
            new,
            returning,
            foreign_keys,
        }));
        Ok(BoundWrite { relation, output })
    }

    /// Binds the insertion of rows that come from outside of the statement (COPY FROM): the tree
    /// names the table and its columns. Gives the positions of the columns too.
    pub fn insert_fed(&mut self, tree: &Tree) -> Result<(Relation, Vec<usize>)> {
        self.with_level(|binder| {
            let TableObject::TableName(name) = &tree.table else {
                return Err(Error::unsupported("COPY into a function"));
            };
            let table = binder.target_table(name, BoundKind::Insert)?;
            let mut positions = binder.insert_columns(tree, &table)?;
            if tree.columns.is_empty() {
                positions.retain(|p| table.columns.get(*p).is_some_and(|c| c.computed.is_none()));
            }
            let mut columns = Vec::with_capacity(positions.len());
            for position in &positions {
                let Some(column) = table.columns.get(*position) else { continue };
                refuse_value(column, true, true)?;
                columns.push(binder.column(ColumnKind::Computed, &column.ty, &column.name));
            }
            let given = positions.iter().copied().zip(columns.iter().cloned()).collect();
            let source = Source { relation: Relation::Feed { columns }, given };
            let (relation, values) = binder.complete_rows(source, &table)?;
            let alias: Arc<str> = Arc::from(table.name.as_str());
            let new = binder.row_of(&table, &alias);
            let checks = binder.checks(&table, &new)?;
            let predicates = binder.predicates(&table, &new)?;
            let foreign_keys = table.foreign_keys.clone();
            let relation = Relation::Insert(Box::new(Insert {
                table,
                source: relation,
                values,
                on_conflict: None,
                checks,
                predicates,
                new,
                returning: None,
                foreign_keys,
            }));
            Ok((relation, positions))
        })
    }

    /// Positions of the columns that values are given for.
    fn insert_columns(&mut self, tree: &Tree, table: &TableDescriptor) -> Result<Vec<usize>> {
        if tree.columns.is_empty() {
            let visible = table.columns.iter().enumerate().filter(|(_, c)| !c.hidden);
            return Ok(visible.map(|(i, _)| i).collect());
        }
        let mut positions = Vec::with_capacity(tree.columns.len());
        for name in &tree.columns {
            let idents: Vec<&Ident> = parts(name)?;
            let [ident] = idents.as_slice() else {
                return Err(Error::unsupported("INSERT into a part of a column"));
            };
            let position = self.assigned_column(table, ident)?;
            if positions.contains(&position) {
                return Err(Error::new(
                    sqlstate::DUPLICATE_COLUMN,
                    format!("column \"{}\" specified more than once", ident.value),
                )
                .at(ident.span));
            }
            positions.push(position);
        }
        Ok(positions)
    }

    fn insert_source(
        &mut self,
        query: &Query,
        table: &TableDescriptor,
        positions: &[usize],
        explicit: bool,
        keep: Option<Overriding>,
    ) -> Result<Source> {
        let plain = query.with.is_none()
            && query.order_by.is_none()
            && LimitTree::of(query)?.is_empty()
            && query.locks.is_empty();
        if plain && let SetExpr::Values(values) = &*query.body {
            return self.insert_values(values, table, positions, explicit, keep);
        }
        let mut bound = self.query(query, Unknowns::Keep)?;
        check_count(bound.columns.len(), positions.len(), explicit)?;
        let targets = positions.iter().filter_map(|p| table.columns.get(*p));
        let targets: Vec<_> = targets.collect();
        self.convert_columns(&mut bound, |binder, i, value| {
            let Some(column) = targets.get(i) else { return Ok(value) };
            if keep == Some(Overriding::User) && column.identity.is_some() {
                return binder.default_value(table, column);
            }
            refuse_value(column, true, keep.is_some())?;
            binder.assign(value, column)
        })?;
        let given = positions
            .iter()
            .zip(&bound.columns)
            .map(|(p, c)| (*p, Produced { column: c.column, ty: c.ty.clone() }))
            .collect();
        Ok(Source { relation: bound.relation, given })
    }

    fn insert_values(
        &mut self,
        values: &Values,
        table: &TableDescriptor,
        positions: &[usize],
        explicit: bool,
        keep: Option<Overriding>,
    ) -> Result<Source> {
        let lists: Vec<Vec<&Expr>> =
            values.rows.iter().map(|row| row.content.iter().collect()).collect();
        let width = check_width(&lists)?;
        check_count(width, positions.len(), explicit)?;
        let positions = positions.get(..width).unwrap_or(positions);
        let mut rows = Vec::with_capacity(lists.len());
        for list in &lists {
            let mut row = Vec::with_capacity(width);
            for (expr, position) in list.iter().zip(positions) {
                let column = table
                    .columns
                    .get(*position)
                    .ok_or_else(|| Error::internal("a column went missing"))?;
                let own = keep == Some(Overriding::User) && column.identity.is_some();
                row.push(if own || is_default(expr) {
                    match &column.computed {
                        // Replaced by the computed value later.
                        Some(_) => Scalar::literal(Datum::Null, column.ty.clone()),
                        None => self.default_value(table, column)?,
                    }
                } else {
                    refuse_value(column, true, keep.is_some())?;
                    let value = self.in_clause(Clause::Values, |b| b.expr(expr))?;
                    self.assign(value, column)?
                });
            }
            rows.push(row);
        }
        let columns: Vec<Produced> = positions
            .iter()
            .filter_map(|p| table.columns.get(*p))
            .map(|c| self.column(ColumnKind::Computed, &c.ty, &c.name))
            .collect();
        let given = positions.iter().copied().zip(columns.iter().cloned()).collect();
        Ok(Source { relation: Relation::Values { columns, rows }, given })
    }

    /// Adds defaults and generated columns, so that there is a value for every column.
    fn complete_rows(
        &mut self,
        source: Source,
        table: &TableDescriptor,
    ) -> Result<(Relation, Vec<crate::sql::scalar::ColumnRef>)> {
        let mut row: Vec<Produced> = Vec::with_capacity(table.columns.len());
        let mut projection: Vec<(Produced, Scalar)> = Vec::with_capacity(table.columns.len());
        let mut added = false;
        for (i, column) in table.columns.iter().enumerate() {
            let given = source.given.iter().find(|(p, _)| *p == i && column.computed.is_none());
            let (produced, value) = match given {
                Some((_, p)) => (p.clone(), Scalar::column(p.column, p.ty.clone())),
                None => {
                    added = true;
                    let value = match &column.computed {
                        Some(_) => Scalar::literal(Datum::Null, column.ty.clone()),
                        None => self.default_value(table, column)?,
                    };
                    (self.column(ColumnKind::Computed, &column.ty, &column.name), value)
                }
            };
            row.push(produced.clone());
            projection.push((produced, value));
        }
        let mut relation = source.relation;
        if added {
            relation = Relation::Project { input: Box::new(relation), columns: projection };
        }
        if table.columns.iter().any(|c| c.computed.is_some()) {
            let mut columns = walk::pass(&row);
            let mut complete = row.clone();
            for (i, column) in table.columns.iter().enumerate() {
                let Some(value) = self.generated_value(table, column, &row)? else { continue };
                let produced = self.column(ColumnKind::Computed, &column.ty, &column.name);
                if let (Some(place), Some(own)) = (columns.get_mut(i), complete.get_mut(i)) {
                    *place = (produced.clone(), value);
                    *own = produced;
                }
            }
            relation = Relation::Project { input: Box::new(relation), columns };
            row = complete;
        }
        Ok((relation, row.into_iter().map(|p| p.column).collect()))
    }
}

fn check_count(given: usize, wanted: usize, explicit: bool) -> Result<()> {
    if given > wanted {
        return Err(Error::syntax("INSERT has more expressions than target columns"));
    }
    if explicit && given < wanted {
        return Err(Error::syntax("INSERT has more target columns than expressions"));
    }
    Ok(())
}

fn refuse_foreign(tree: &Tree) -> Result<()> {
    if tree.or.is_some()
        || tree.ignore
        || tree.overwrite
        || !tree.assignments.is_empty()
        || tree.partitioned.is_some()
        || !tree.after_columns.is_empty()
        || tree.priority.is_some()
        || tree.insert_alias.is_some()
        || tree.output.is_some()
        || tree.settings.is_some()
        || tree.format_clause.is_some()
        || tree.multi_table_insert_type.is_some()
    {
        return Err(Error::unsupported("this form of INSERT"));
    }
    Ok(())
}
