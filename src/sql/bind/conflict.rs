//! ON CONFLICT, and what UPSERT stands for.

use std::sync::Arc;

use sqlparser::ast::{
    ConflictTarget, DoUpdate, Ident, OnConflict as Tree, OnConflictAction, OnInsert,
};

use super::binder::Binder;
use super::clause::Clause;
use super::name::{At, last};
use super::same::same;
use crate::catalog::descriptor::{ColumnId, IndexDescriptor, TableDescriptor};
use crate::catalog::privilege::Privilege;
use crate::error::{Error, Result, sqlstate};
use crate::sql::relation::{ConflictUpdate, OnConflict};
use crate::sql::scalar::{Scalar, ScalarKind};

impl Binder<'_> {
    /// Binds `ON CONFLICT …`.
    pub fn on_conflict(
        &mut self,
        on: &OnInsert,
        table: &Arc<TableDescriptor>,
        alias: &Arc<str>,
    ) -> Result<OnConflict> {
        let OnInsert::OnConflict(Tree { conflict_target, action }) = on else {
            return Err(Error::unsupported("ON DUPLICATE KEY UPDATE")
                .with_hint("Use ON CONFLICT (column) DO UPDATE."));
        };
        let arbiters = match conflict_target {
            None => Vec::new(),
            Some(ConflictTarget::Columns(columns)) => self.infer_arbiters(table, columns)?,
            Some(ConflictTarget::OnConstraint(name)) => {
                let ident = last(name)?;
                let index = table.all_indexes().find(|i| i.name == ident.value && i.unique);
                let index = index.ok_or_else(|| {
                    Error::new(
                        sqlstate::UNDEFINED_OBJECT,
                        format!(
                            "constraint \"{}\" for table \"{}\" does not exist",
                            ident.value, table.name
                        ),
                    )
                    .at(ident.span)
                })?;
                vec![index.id]
            }
        };
        let update = match action {
            OnConflictAction::DoNothing => None,
            OnConflictAction::DoUpdate(update) => {
                if conflict_target.is_none() {
                    return Err(Error::syntax(
                        "ON CONFLICT DO UPDATE requires inference specification or constraint name",
                    )
                    .with_hint("For example, ON CONFLICT (column_name)."));
                }
                Some(self.conflict_update(update, table, alias)?)
            }
        };
        Ok(OnConflict { arbiters, update })
    }

    fn conflict_update(
        &mut self,
        tree: &DoUpdate,
        table: &Arc<TableDescriptor>,
        alias: &Arc<str>,
    ) -> Result<ConflictUpdate> {
        self.require(table.id, Privilege::Update);
        let existing = self.row_of(table, alias);
        let excluded = self.row_of(table, "excluded");
        let mine = self.row_item(table, alias, &existing);
        let mut theirs = self.row_item(table, &Arc::from("excluded"), &excluded);
        theirs.relation = None;
        let items = vec![mine, theirs];
        let level = self.level();
        level.known.extend(items.iter().cloned());
        level.items = items;
        let (assignments, row_source) =
            self.assignments(&tree.assignments, table, Clause::Update)?;
        if !row_source.is_empty() {
            return Err(Error::unsupported("a subquery for several columns in ON CONFLICT"));
        }
        let condition = match &tree.selection {
            Some(condition) => {
                let bound = self.in_clause(Clause::Conflict, |b| b.expr(condition))?;
                Some(self.boolean(bound, "WHERE")?)
            }
            None => None,
        };
        self.level().items.clear();
        Ok(ConflictUpdate { existing, excluded, assignments, condition })
    }

    /// UPSERT: the row with the same primary key gets the new values; `given` are the columns that
    /// the statement lists, all if it lists none.
    pub fn upsert(
        &mut self,
        table: &Arc<TableDescriptor>,
        given: Option<&[usize]>,
    ) -> Result<Option<OnConflict>> {
        self.require(table.id, Privilege::Update);
        let key: Vec<ColumnId> =
            table.primary_index.columns.iter().map(|part| part.column).collect();
        let hidden_key = table.columns.iter().any(|c| c.hidden && key.contains(&c.id));
        if hidden_key {
            return Ok(None);
        }
        let existing = self.row_of(table, &table.name);
        let excluded = self.row_of(table, "excluded");
        let assignments = table
            .columns
            .iter()
            .zip(&excluded)
            .enumerate()
            .filter(|(i, (c, _))| {
                c.computed.is_none() && !key.contains(&c.id) && given.is_none_or(|g| g.contains(i))
            })
            .map(|(i, (_, p))| (i, Scalar::column(p.column, p.ty.clone())))
            .collect();
        let update = ConflictUpdate { existing, excluded, assignments, condition: None };
        Ok(Some(OnConflict { arbiters: vec![table.primary_index.id], update: Some(update) }))
    }

    /// The unique indexes over exactly these columns; partial ones only if the condition behind
    /// the columns says that the row is in them.
    fn infer_arbiters(&mut self, table: &TableDescriptor, columns: &[Ident]) -> Result<Vec<u32>> {
        let mut wanted: Vec<ColumnId> = Vec::with_capacity(columns.len());
        for ident in columns {
            let column = table.column_named(&ident.value).ok_or_else(|| {
                Error::new(
                    sqlstate::UNDEFINED_COLUMN,
                    format!("column \"{}\" does not exist", ident.value),
                )
                .at(ident.span)
            })?;
            if !wanted.contains(&column.id) {
                wanted.push(column.id);
            }
        }
        let row = self.row_of(table, &table.name);
        let condition = match self.extras.conflict_predicate.take() {
            Some(tree) => {
                let condition = self.over_table(&tree, table, &row, Clause::IndexPredicate)?;
                conjuncts(self.boolean(condition, "WHERE")?)
            }
            None => Vec::new(),
        };
        let predicates = self.predicates(table, &row)?;
        let implied =
            |index: &IndexDescriptor| match predicates.iter().find(|(i, _)| *i == index.id) {
                None => index.predicate.is_none(),
                Some((_, predicate)) => conjuncts(predicate.clone())
                    .iter()
                    .all(|part| condition.iter().any(|given| same(given, part))),
            };
        let fits = |index: &IndexDescriptor| {
            index.unique
                && index.columns.len() == wanted.len()
                && index.columns.iter().all(|part| wanted.contains(&part.column))
                && implied(index)
        };
        let found: Vec<u32> = table.all_indexes().filter(|i| fits(i)).map(|i| i.id).collect();
        if found.is_empty() {
            return Err(Error::new(
                sqlstate::INVALID_COLUMN_REFERENCE,
                "there is no unique or exclusion constraint matching the ON CONFLICT specification",
            ));
        }
        Ok(found)
    }
}

/// The parts of a conjunction.
fn conjuncts(predicate: Scalar) -> Vec<Scalar> {
    match predicate.kind {
        ScalarKind::And(parts) => parts,
        _ => vec![predicate],
    }
}
