//! RETURNING, and what the statements that write have in common.

use std::sync::Arc;

use sqlparser::ast::{Ident, ObjectName, SelectItem};

use super::BoundKind;
use super::binder::{Binder, ColumnKind};
use super::clause::Clause;
use super::level::{Item, ItemColumn};
use super::name::{At, parts};
use super::query::{BoundQuery, QueryColumn};
use crate::catalog::descriptor::{ColumnDescriptor, Identity, TableDescriptor, TableKind};
use crate::catalog::privilege::Privilege;
use crate::catalog::system;
use crate::error::{Error, Result, sqlstate};
use crate::sql::relation::{Produced, Relation};
use crate::sql::scalar::{OutputColumn, Scalar};

/// A statement that writes, bound.
pub(super) struct BoundWrite {
    pub relation: Relation,
    /// What RETURNING gives.
    pub output: Vec<OutputColumn>,
}

/// RETURNING, bound: what the relation computes, and what the client is told.
type Returning = (Option<Vec<(Produced, Scalar)>>, Vec<OutputColumn>);

impl Binder<'_> {
    /// A data-modifying statement as a query over what it returns.
    pub fn modifying(&mut self, tree: &sqlparser::ast::Statement) -> Result<BoundQuery> {
        use sqlparser::ast::Statement as S;
        let write = match tree {
            S::Insert(insert) => self.insert(insert)?,
            S::Update(update) => self.update(update)?,
            S::Delete(delete) => self.delete(delete)?,
            _ => return Err(Error::unsupported("this statement in WITH")),
        };
        let columns = write
            .output
            .into_iter()
            .map(|c| QueryColumn {
                name: c.name,
                column: c.column,
                ty: c.ty,
                origin: c.origin,
                constant: None,
            })
            .collect();
        Ok(BoundQuery { relation: write.relation, columns })
    }

    /// The table that a statement writes to; fails for what cannot be written.
    pub fn target_table(
        &mut self,
        name: &ObjectName,
        kind: BoundKind,
    ) -> Result<Arc<TableDescriptor>> {
        let idents = parts(name)?;
        let span = idents.first().map_or_else(sqlparser::tokenizer::Span::empty, |i| i.span);
        let shown = idents.last().map_or("", |i| i.value.as_str());
        let (privilege, verb) = match kind {
            BoundKind::Insert => (Privilege::Insert, "insert into"),
            BoundKind::Update => (Privilege::Update, "update"),
            _ => (Privilege::Delete, "delete from"),
        };
        if let [single] = idents.as_slice()
            && self.ctes.iter().any(|c| *c.name == *single.value)
        {
            return Err(Error::new(
                sqlstate::UNDEFINED_TABLE,
                format!("relation \"{shown}\" cannot be the target of a modifying statement"),
            )
            .at(span));
        }
        if self.virtual_table(&idents).is_some() {
            return Err(Error::new(
                sqlstate::INSUFFICIENT_PRIVILEGE,
                format!("permission denied: \"{shown}\" is a system catalog"),
            )
            .at(span));
        }
        let table = self.resolve_table(&idents).at(span)?;
        match &table.kind {
            TableKind::Table => {}
            TableKind::View { .. } => {
                return Err(Error::new(
                    sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!("cannot {verb} view \"{}\"", table.name),
                )
                .with_detail("Views are not automatically updatable.")
                .at(span));
            }
            TableKind::MaterializedView { .. } => {
                return Err(Error::new(
                    sqlstate::WRONG_OBJECT_TYPE,
                    format!("cannot change materialized view \"{}\"", table.name),
                )
                .at(span));
            }
            TableKind::Sequence(_) => {
                return Err(Error::new(
                    sqlstate::WRONG_OBJECT_TYPE,
                    format!("cannot change sequence \"{}\"", table.name),
                )
                .at(span));
            }
        }
        if system::table(table.id).is_some() && !system::is_writable(&table) {
            return Err(Error::new(
                sqlstate::INSUFFICIENT_PRIVILEGE,
                format!("permission denied: \"{}\" is a system table", table.name),
            )
            .at(span));
        }
        self.depends_on(&table);
        self.require(table.id, privilege);
        self.modifies = true;
        Ok(table)
    }

    /// Columns that stand for a row of a table.
    pub fn row_of(&mut self, table: &TableDescriptor, alias: &str) -> Vec<Produced> {
        let level = self.level().id;
        table
            .columns
            .iter()
            .map(|c| self.column_of(level, ColumnKind::Source, &c.ty, alias, &c.name))
            .collect()
    }

    /// The item that such columns are; using it needs SELECT on the table.
    pub fn row_item(&self, table: &TableDescriptor, alias: &Arc<str>, row: &[Produced]) -> Item {
        let columns = table
            .columns
            .iter()
            .zip(row)
            .map(|(c, p)| ItemColumn {
                name: Arc::from(c.name.as_str()),
                value: Scalar::column(p.column, p.ty.clone()),
                origin: (table.id, i16::try_from(c.id).unwrap_or(0)),
                hidden: c.hidden,
            })
            .collect();
        let mut item = Item::new(alias.clone(), columns);
        let schema = self.ctx.catalog.schema_any_state(table.schema);
        let schema = schema.map_or("", |s| s.name.as_str());
        item.relation = Some((Arc::from(schema), Arc::from(table.name.as_str())));
        item.select_on_use = Some(table.id);
        item
    }

    /// RETURNING over the items in sight.
    pub fn returning(&mut self, items: Option<&[SelectItem]>) -> Result<Returning> {
        let Some(items) = items else { return Ok((None, Vec::new())) };
        let targets = self.targets(items, Clause::Returning)?;
        let mut computed = Vec::with_capacity(targets.len());
        let mut output = Vec::with_capacity(targets.len());
        for target in targets {
            let scalar = self.settle(target.scalar)?;
            let produced = self.column(ColumnKind::Computed, &scalar.ty, &target.name);
            output.push(OutputColumn {
                name: target.name,
                ty: produced.ty.clone(),
                column: produced.column,
                origin: target.origin,
            });
            computed.push((produced, scalar));
        }
        Ok((Some(computed), output))
    }

    /// The position of a column that is to be assigned.
    pub fn assigned_column(&self, table: &TableDescriptor, ident: &Ident) -> Result<usize> {
        table.columns.iter().position(|c| c.name == ident.value).ok_or_else(|| {
            Error::new(
                sqlstate::UNDEFINED_COLUMN,
                format!("column \"{}\" of relation \"{}\" does not exist", ident.value, table.name),
            )
            .at(ident.span)
        })
    }
}

/// Fails if a column takes no value but its own; `overriding` lets identity columns take one.
pub(super) fn refuse_value(
    column: &ColumnDescriptor,
    inserting: bool,
    overriding: bool,
) -> Result<()> {
    let error = |detail: String| {
        let message = if inserting {
            format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name)
        } else {
            format!("column \"{}\" can only be updated to DEFAULT", column.name)
        };
        Error::new(sqlstate::GENERATED_ALWAYS, message).with_detail(detail)
    };
    if column.computed.is_some() {
        return Err(error(format!("Column \"{}\" is a generated column.", column.name)));
    }
    if column.identity == Some(Identity::Always) && !overriding {
        let error = error(format!(
            "Column \"{}\" is an identity column defined as GENERATED ALWAYS.",
            column.name
        ));
        return Err(if inserting {
            error.with_hint("Use OVERRIDING SYSTEM VALUE to override.")
        } else {
            error
        });
    }
    Ok(())
}
