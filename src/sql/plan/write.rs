//! INSERT, UPDATE and DELETE: the writers of the table and of those that follow by foreign keys.

use std::sync::Arc;

use crate::catalog::descriptor::{ForeignKey, IndexDescriptor, ReferentialAction, TableDescriptor};
use crate::error::{Error, Result};
use crate::mvcc::{LockMode, WaitPolicy};
use crate::sql::bind::{BindContext, bind_scalar_over_table};
use crate::sql::exec::eval::Expr;
use crate::sql::exec::reader::IndexReader;
use crate::sql::exec::write::Writers;
use crate::sql::exec::write::foreign_key::{
    Incoming, Outgoing, ParentKey, leading_index, parent_key,
};
use crate::sql::exec::write::form::FormRow;
use crate::sql::exec::write::writer::{IndexWriter, TableWriter};
use crate::sql::plan::access;
use crate::sql::plan::compile::Layout;
use crate::sql::plan::physical::{
    ConflictSpec, ConflictUpdateSpec, DeleteSpec, InsertSpec, Node, Op, UpdateSpec,
};
use crate::sql::plan::planner::{Planner, Want, positions};
use crate::sql::plan::walk;
use crate::sql::relation::{Check, Delete, Insert, Produced, Relation, Scan, Update};
use crate::sql::scalar::Scalar;

/// What the binder found out about a table that is written.
struct Bound<'b> {
    checks: &'b [Check],
    predicates: &'b [(u32, Scalar)],
    /// The columns that stand for a row in them.
    row: &'b [Produced],
}

impl Planner<'_> {
    pub(super) fn insert(&mut self, insert: Insert) -> Result<Node> {
        let materialize = reads(&insert.source, insert.table.id);
        let source = self.build(insert.source, &Want::default())?;
        let layout = Layout::new(&source.columns);
        let bound =
            Bound { checks: &insert.checks, predicates: &insert.predicates, row: &insert.new };
        let conflicts = insert.on_conflict.as_ref().is_some_and(|c| c.update.is_some());
        let writers = self.writers(&insert.table, &bound, &insert.foreign_keys, conflicts)?;
        let row = Layout::new(&insert.new);
        let conflict = match &insert.on_conflict {
            None => None,
            Some(conflict) => Some(ConflictSpec {
                arbiters: conflict.arbiters.clone(),
                update: match &conflict.update {
                    None => None,
                    Some(update) => {
                        let mut both = update.existing.clone();
                        both.extend(update.excluded.iter().cloned());
                        let both = Layout::new(&both);
                        Some(ConflictUpdateSpec {
                            assignments: self.assignments(&update.assignments, &both)?,
                            condition: update
                                .condition
                                .as_ref()
                                .map(|c| self.expr(c, &both))
                                .transpose()?,
                        })
                    }
                },
            }),
        };
        let (returning, columns) = self.returning(insert.returning, &row)?;
        let (rows, cost) = (source.rows, source.cost + source.rows * 5.0);
        let spec = InsertSpec {
            values: positions(&layout, insert.values)?,
            source,
            table: insert.table.id,
            writers,
            conflict,
            returning,
            materialize,
            counts: self.counts(),
        };
        Ok(self.node(Op::Insert(Arc::new(spec)), columns, rows, cost, Vec::new()))
    }

    pub(super) fn update(&mut self, update: Update) -> Result<Node> {
        let single = is_plain(&update.source, update.table.id);
        let source = self.build_locked(update.source, single)?;
        let layout = Layout::new(&source.columns);
        let bound =
            Bound { checks: &update.checks, predicates: &update.predicates, row: &update.new };
        let foreign_keys = update.table.foreign_keys.clone();
        let writers = self.writers(&update.table, &bound, &foreign_keys, true)?;
        let mut both = update.new.clone();
        both.extend(source.columns.iter().cloned());
        // A column of the source that RETURNING mentions is found after the new row's.
        let (returning, columns) = self.returning(update.returning, &Layout::new(&both))?;
        let (rows, cost) = (source.rows, source.cost + source.rows * 6.0);
        let spec = UpdateSpec {
            old: positions(&layout, update.old)?,
            assignments: self.assignments(&update.assignments, &layout)?,
            computed: self.assignments(&update.computed, &Layout::new(&update.new))?,
            source,
            table: update.table.id,
            returning,
            may_repeat: !single,
            materialize: !single || has_cascades(&writers, update.table.id)?,
            writers,
            counts: self.counts(),
        };
        Ok(self.node(Op::Update(Arc::new(spec)), columns, rows, cost, Vec::new()))
    }

    pub(super) fn delete(&mut self, delete: Delete) -> Result<Node> {
        let single = is_plain(&delete.source, delete.table.id);
        let source = self.build_locked(delete.source, single)?;
        let layout = Layout::new(&source.columns);
        let bound = Bound { checks: &[], predicates: &delete.predicates, row: &delete.new };
        let writers = self.writers(&delete.table, &bound, &[], true)?;
        let (returning, columns) = self.returning(delete.returning, &layout)?;
        let (rows, cost) = (source.rows, source.cost + source.rows * 5.0);
        let spec = DeleteSpec {
            old: positions(&layout, delete.old)?,
            source,
            table: delete.table.id,
            returning,
            may_repeat: !single,
            materialize: !single || has_cascades(&writers, delete.table.id)?,
            writers,
            counts: self.counts(),
        };
        Ok(self.node(Op::Delete(Arc::new(spec)), columns, rows, cost, Vec::new()))
    }

    /// The source of rows that are about to change.
    fn build_locked(&mut self, source: Relation, plain: bool) -> Result<Node> {
        let lock = plain.then_some((LockMode::Exclusive, WaitPolicy::Wait));
        self.build(source, &Want { lock, ..Want::default() })
    }

    fn assignments(
        &mut self,
        assignments: &[(usize, Scalar)],
        layout: &Layout,
    ) -> Result<Vec<(usize, Expr)>> {
        assignments.iter().map(|(p, e)| Ok((*p, self.expr(e, layout)?))).collect()
    }

    fn returning(
        &mut self,
        returning: Option<Vec<(Produced, Scalar)>>,
        layout: &Layout,
    ) -> Result<(Option<Vec<Expr>>, Vec<Produced>)> {
        let Some(returning) = returning else { return Ok((None, Vec::new())) };
        let exprs =
            returning.iter().map(|(_, e)| self.expr(e, layout)).collect::<Result<Vec<_>>>()?;
        Ok((Some(exprs), returning.into_iter().map(|(p, _)| p).collect()))
    }

    /// The writers of a table and of all tables whose rows may change with its rows. `gives_up`
    /// says whether rows may lose the keys by which others reference them.
    fn writers(
        &mut self,
        table: &Arc<TableDescriptor>,
        bound: &Bound<'_>,
        foreign_keys: &[ForeignKey],
        gives_up: bool,
    ) -> Result<Arc<Writers>> {
        let mut writers = Writers::default();
        let row = Layout::new(bound.row);
        let mut checks = Vec::with_capacity(bound.checks.len());
        for check in bound.checks {
            checks.push((check.name.clone(), self.expr(&check.predicate, &row)?));
        }
        let mut indexes = Vec::with_capacity(table.indexes.len() + table.mutations.len());
        for index in table.written_indexes() {
            let predicate = match bound.predicates.iter().find(|(id, _)| *id == index.id) {
                Some((_, predicate)) => Some(self.expr(predicate, &row)?),
                None if index.predicate.is_some() => Some(self.index_expr(table, index)?),
                None => None,
            };
            indexes.push(IndexWriter::new(table, index, predicate));
        }
        let mut waiting = Vec::new();
        let writer = TableWriter {
            schema: self.schema_name(table),
            codec: self.codec(table)?,
            primary: key_positions(table, &table.primary_index),
            indexes,
            checks,
            computed: self.computed(table)?,
            outgoing: self.outgoing(table, foreign_keys)?,
            incoming: if gives_up { self.incoming(table, &mut waiting)? } else { Vec::new() },
            forms: self.forms(table)?,
            table: table.clone(),
        };
        writers.add(writer);
        while let Some(next) = waiting.pop() {
            if !writers.contains(next.id) {
                let writer = self.following(&next, &mut waiting)?;
                writers.add(writer);
            }
        }
        Ok(Arc::new(writers))
    }

    /// The writer of a table whose rows change because others do.
    fn following(
        &mut self,
        table: &Arc<TableDescriptor>,
        waiting: &mut Vec<Arc<TableDescriptor>>,
    ) -> Result<TableWriter> {
        let mut checks = Vec::with_capacity(table.checks.len());
        for check in &table.checks {
            checks.push((check.name.clone(), self.over_row(table, &check.expression)?));
        }
        let mut indexes = Vec::with_capacity(table.indexes.len() + table.mutations.len());
        for index in table.written_indexes() {
            let predicate = match &index.predicate {
                Some(_) => Some(self.index_expr(table, index)?),
                None => None,
            };
            indexes.push(IndexWriter::new(table, index, predicate));
        }
        Ok(TableWriter {
            schema: self.schema_name(table),
            codec: self.codec(table)?,
            primary: key_positions(table, &table.primary_index),
            indexes,
            checks,
            computed: self.computed(table)?,
            outgoing: self.outgoing(table, &table.foreign_keys)?,
            incoming: self.incoming(table, waiting)?,
            forms: self.forms(table)?,
            table: table.clone(),
        })
    }

    /// The forms that the rows of a table are being given.
    fn forms(&self, table: &TableDescriptor) -> Result<Vec<FormRow>> {
        let ctx = BindContext::new(self.ctx.catalog, self.ctx.session);
        table.forms().map(|form| FormRow::new(&ctx, table, form)).collect()
    }

    fn schema_name(&self, table: &TableDescriptor) -> String {
        self.ctx.catalog.schema_any_state(table.schema).map_or_else(String::new, |s| s.name.clone())
    }

    /// Columns that stand for a table's row.
    fn row_of(&mut self, table: &TableDescriptor) -> Vec<Produced> {
        table.columns.iter().map(|c| Produced { column: self.fresh(), ty: c.ty.clone() }).collect()
    }

    /// An expression of the descriptor over a table's row.
    fn over_row(&mut self, table: &Arc<TableDescriptor>, sql: &str) -> Result<Expr> {
        let row = self.row_of(table);
        let scalar = self.bind(table, sql, &row)?;
        self.expr(&scalar, &Layout::new(&row))
    }

    pub(super) fn bind(
        &self,
        table: &Arc<TableDescriptor>,
        sql: &str,
        row: &[Produced],
    ) -> Result<Scalar> {
        let ctx = BindContext::new(self.ctx.catalog, self.ctx.session);
        bind_scalar_over_table(&ctx, sql, table, row)
    }

    fn index_expr(
        &mut self,
        table: &Arc<TableDescriptor>,
        index: &IndexDescriptor,
    ) -> Result<Expr> {
        let sql = index.predicate.clone().unwrap_or_default();
        self.over_row(table, &sql)
    }

    /// Whether a partial index has every row that some predicates leave.
    pub(super) fn partial_index_applies(
        &mut self,
        scan: &Scan,
        index: &IndexDescriptor,
        predicates: &[Scalar],
    ) -> Result<bool> {
        let Some(sql) = &index.predicate else { return Ok(true) };
        let row: Vec<Produced> = (0..scan.table.columns.len())
            .map(|at| match scan.columns.iter().find(|(_, position)| *position == at) {
                Some((produced, _)) => produced.clone(),
                None => Produced { column: self.fresh(), ty: scan.table.columns[at].ty.clone() },
            })
            .collect();
        let own = self.bind(&scan.table, sql, &row)?;
        Ok(access::implies(predicates, &own))
    }

    fn computed(&mut self, table: &Arc<TableDescriptor>) -> Result<Vec<(usize, Expr)>> {
        let mut computed = Vec::new();
        for (position, column) in table.columns.iter().enumerate() {
            if let Some(sql) = &column.computed {
                computed.push((position, self.over_row(table, sql)?));
            }
        }
        Ok(computed)
    }

    fn parent_key(
        &self,
        table: &Arc<TableDescriptor>,
        columns: &[u32],
        name: &str,
    ) -> Result<ParentKey> {
        parent_key(table, &self.codec(table)?, columns)?.ok_or_else(|| {
            Error::internal(format!(
                "foreign key \"{name}\" references columns of \"{}\" that are not unique",
                table.name
            ))
        })
    }

    fn outgoing(
        &mut self,
        table: &Arc<TableDescriptor>,
        foreign_keys: &[ForeignKey],
    ) -> Result<Vec<Outgoing>> {
        let mut out = Vec::with_capacity(foreign_keys.len());
        for key in foreign_keys {
            let parent = self.table(key.referenced_table, table)?;
            out.push(Outgoing {
                name: key.name.clone(),
                columns: table_positions(table, &key.columns),
                match_full: key.match_full,
                parent: self.parent_key(&parent, &key.referenced_columns, &key.name)?,
            });
        }
        Ok(out)
    }

    fn table(&self, id: u32, known: &Arc<TableDescriptor>) -> Result<Arc<TableDescriptor>> {
        if id == known.id {
            return Ok(known.clone());
        }
        self.ctx.catalog.table_any_state(id).cloned().ok_or_else(|| {
            Error::internal(format!("a foreign key names table {id}, which is gone"))
        })
    }

    /// The foreign keys that reference a table. Tables whose rows they change are added to
    /// `waiting`.
    fn incoming(
        &mut self,
        table: &Arc<TableDescriptor>,
        waiting: &mut Vec<Arc<TableDescriptor>>,
    ) -> Result<Vec<Incoming>> {
        let catalog = self.ctx.catalog;
        let mut incoming = Vec::new();
        for (child, number) in catalog.inbound_foreign_keys(table.id) {
            let child = self.table(*child, table)?;
            let Some(key) = child.foreign_keys.get(*number) else { continue };
            let codec = self.codec(&child)?;
            let (index, permutation) = match leading_index(&child, &key.columns) {
                Some((index, permutation)) => (index, permutation),
                None => (&child.primary_index, Vec::new()),
            };
            let every = (0..child.columns.len()).collect();
            let reader = IndexReader::new(&child, &codec, index, every)?;
            let mut defaults = Vec::new();
            if key.on_delete == ReferentialAction::SetDefault
                || key.on_update == ReferentialAction::SetDefault
            {
                for column in &key.columns {
                    let sql = child.column(*column).and_then(|c| c.default.clone());
                    defaults.push(match sql {
                        Some(sql) => Some(self.over_row(&child, &sql)?),
                        None => None,
                    });
                }
            }
            incoming.push(Incoming {
                name: key.name.clone(),
                child: child.id,
                child_schema: self.schema_name(&child),
                child_columns: table_positions(&child, &key.columns),
                columns: table_positions(table, &key.referenced_columns),
                on_delete: key.on_delete,
                on_update: key.on_update,
                reader: Arc::new(reader),
                permutation,
                defaults,
                parent: self.parent_key(table, &key.referenced_columns, &key.name)?,
                child_table: child.clone(),
            });
            if changes_rows(key.on_delete) || changes_rows(key.on_update) {
                waiting.push(child);
            }
        }
        Ok(incoming)
    }
}

fn changes_rows(action: ReferentialAction) -> bool {
    !matches!(action, ReferentialAction::NoAction | ReferentialAction::Restrict)
}

/// Whether rows of other tables (or of this one) may change as a consequence.
fn has_cascades(writers: &Writers, table: u32) -> Result<bool> {
    let incoming = &writers.get(table)?.incoming;
    Ok(incoming.iter().any(|f| changes_rows(f.on_delete) || changes_rows(f.on_update)))
}

fn table_positions(table: &TableDescriptor, columns: &[u32]) -> Vec<usize> {
    columns.iter().filter_map(|c| table.position(*c)).collect()
}

fn key_positions(table: &TableDescriptor, index: &IndexDescriptor) -> Vec<usize> {
    index.columns.iter().filter_map(|c| table.position(c.column)).collect()
}

/// Whether a relation reads a table anywhere.
fn reads(relation: &Relation, table: u32) -> bool {
    let mut found = matches!(relation, Relation::Scan(scan) if scan.table.id == table);
    walk::scalars(relation, &mut |s| {
        walk::subqueries(s, &mut |q| found = found || reads(&q.relation, table));
    });
    walk::children(relation, &mut |r| found = found || reads(r, table));
    found
}

/// Whether a relation is one pass over the table with nothing else read: then each row comes once,
/// and writing behind the scan does not change what it finds.
fn is_plain(relation: &Relation, table: u32) -> bool {
    let mut subqueries = false;
    walk::scalars(relation, &mut |s| subqueries = subqueries || walk::has_subquery(s));
    if subqueries {
        return false;
    }
    match relation {
        Relation::Scan(scan) => scan.table.id == table,
        Relation::Filter { input, .. } | Relation::Project { input, .. } => is_plain(input, table),
        _ => false,
    }
}
