//! UPDATE, and the SET lists that ON CONFLICT has too.

use std::sync::Arc;

use sqlparser::ast::{
    Assignment, AssignmentTarget, Expr, Ident, ObjectName, TableAlias, TableFactor, TableWithJoins,
    Update as Tree, UpdateTableFromKind,
};

use super::BoundKind;
use super::binder::{Binder, ColumnKind};
use super::clause::Clause;
use super::from::cross;
use super::level::Item;
use super::limit::LimitTree;
use super::name::{At, parts};
use super::query::Unknowns;
use super::returning::{BoundWrite, refuse_value};
use super::values::is_default;
use super::walk;
use crate::catalog::descriptor::TableDescriptor;
use crate::error::{Error, Result, sqlstate};
use crate::sql::relation::{Produced, Relation, Scan, Update};
use crate::sql::scalar::{ColumnRef, Scalar, ScalarKind, Subquery, SubqueryKind};
use crate::types::Type;

/// New values by position in `table.columns`, and rows that subqueries give for several of them.
type Assignments = (Vec<(usize, Scalar)>, Vec<(Produced, Scalar)>);

/// The table that UPDATE or DELETE changes.
pub(super) struct WriteTarget {
    pub table: Arc<TableDescriptor>,
    pub alias: Arc<str>,
    pub scan: Scan,
    pub item: Item,
    pub old: Vec<ColumnRef>,
}

impl Binder<'_> {
    /// Binds UPDATE.
    pub fn update(&mut self, tree: &Tree) -> Result<BoundWrite> {
        self.with_level(|binder| binder.update_table(tree))
    }

    fn update_table(&mut self, tree: &Tree) -> Result<BoundWrite> {
        if tree.or.is_some() || tree.output.is_some() {
            return Err(Error::unsupported("this form of UPDATE"));
        }
        let target = self.write_target(&tree.table, BoundKind::Update)?;
        let WriteTarget { table, alias, scan, item, old } = target;
        let from = match &tree.from {
            None => &[][..],
            Some(UpdateTableFromKind::AfterSet(from)) => from,
            Some(UpdateTableFromKind::BeforeSet(_)) => {
                return Err(Error::syntax("syntax error at or near \"FROM\""));
            }
        };
        let mut source = self.joined_target(scan, item, from)?;
        if let Some(selection) = &tree.selection {
            let predicate = self.condition(selection, Clause::Where)?;
            source = Relation::Filter { input: Box::new(source), predicate };
        }
        source = self.ordered_rows(source, &tree.order_by, tree.limit.as_ref())?;
        let (assignments, rows) = self.assignments(&tree.assignments, &table, Clause::Update)?;
        if !rows.is_empty() {
            let mut columns = walk::pass(&walk::output(&source));
            columns.extend(rows);
            source = Relation::Project { input: Box::new(source), columns };
        }
        let new = self.row_of(&table, &alias);
        let checks = self.checks(&table, &new)?;
        let predicates = self.predicates(&table, &new)?;
        let mut computed = Vec::new();
        for (i, column) in table.columns.iter().enumerate() {
            if let Some(value) = self.generated_value(&table, column, &new)? {
                computed.push((i, value));
            }
        }
        // RETURNING shows the new row under the table's name.
        let shown = self.row_item(&table, &alias, &new);
        if let Some(first) = self.level().items.first_mut() {
            *first = shown;
        }
        let (returning, output) = self.returning(tree.returning.as_deref())?;
        let relation = Relation::Update(Box::new(Update {
            table,
            source,
            old,
            assignments,
            checks,
            predicates,
            computed,
            new,
            returning,
        }));
        Ok(BoundWrite { relation, output })
    }

    /// The table that a statement changes, as the first item of its level.
    pub fn write_target(&mut self, tree: &TableWithJoins, kind: BoundKind) -> Result<WriteTarget> {
        let TableFactor::Table { name, alias, args: None, .. } = &tree.relation else {
            return Err(Error::syntax("a table's name is expected"));
        };
        if !tree.joins.is_empty() {
            return Err(Error::syntax("syntax error at or near \"JOIN\""));
        }
        self.write_target_named(name, alias.as_ref(), kind)
    }

    fn write_target_named(
        &mut self,
        name: &ObjectName,
        alias: Option<&TableAlias>,
        kind: BoundKind,
    ) -> Result<WriteTarget> {
        let table = self.target_table(name, kind)?;
        let (scan, mut item) = self.scan(&table, alias)?;
        item.select_on_use = Some(table.id);
        let old = scan.columns.iter().map(|(p, _)| p.column).collect();
        Ok(WriteTarget { table, alias: item.alias.clone(), scan, item, old })
    }

    /// The target joined with FROM or USING.
    pub fn joined_target(
        &mut self,
        scan: Scan,
        mut item: Item,
        from: &[TableWithJoins],
    ) -> Result<Relation> {
        // While FROM is bound its subqueries do not see the target.
        item.lateral_only = true;
        self.level().items.push(item);
        let mut source = Relation::Scan(scan);
        if from.is_empty() {
            if let Some(item) = self.level().items.first_mut() {
                item.lateral_only = false;
            }
        } else {
            let (others, lateral) = self.watch_lateral(|binder| binder.from(from))?;
            source = cross(source, others, lateral);
        }
        Ok(source)
    }

    /// ORDER BY and LIMIT of UPDATE and DELETE.
    pub fn ordered_rows(
        &mut self,
        mut source: Relation,
        order_by: &[sqlparser::ast::OrderByExpr],
        limit: Option<&Expr>,
    ) -> Result<Relation> {
        if !order_by.is_empty() && limit.is_none() {
            return Err(Error::syntax("ORDER BY without LIMIT changes nothing here"));
        }
        let keys = self.in_clause(Clause::Where, |binder| binder.sort_keys(order_by))?;
        if !keys.is_empty() {
            source = Relation::Sort { input: Box::new(source), keys };
        }
        let bound = self.limit(LimitTree { limit, ..LimitTree::default() })?;
        self.limited(source, bound, &[])
    }

    /// A SET list.
    pub fn assignments(
        &mut self,
        list: &[Assignment],
        table: &Arc<TableDescriptor>,
        clause: Clause,
    ) -> Result<Assignments> {
        let mut values: Vec<(usize, Scalar)> = Vec::with_capacity(list.len());
        let mut rows = Vec::new();
        for assignment in list {
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => {
                    let ident = set_column(name, table)?;
                    let value =
                        self.in_clause(clause, |b| b.new_value(table, ident, &assignment.value))?;
                    push(&mut values, ident, value)?;
                }
                AssignmentTarget::Tuple(names) => {
                    let idents =
                        names.iter().map(|n| set_column(n, table)).collect::<Result<Vec<_>>>()?;
                    let assigned = self.in_clause(clause, |b| {
                        b.new_values(table, &idents, &assignment.value, &mut rows)
                    })?;
                    for (ident, value) in idents.into_iter().zip(assigned) {
                        push(&mut values, ident, value)?;
                    }
                }
            }
        }
        Ok((values, rows))
    }

    /// The new value of one column, with its position.
    fn new_value(
        &mut self,
        table: &Arc<TableDescriptor>,
        ident: &Ident,
        value: &Expr,
    ) -> Result<(usize, Scalar)> {
        let position = self.assigned_column(table, ident)?;
        let column =
            table.columns.get(position).ok_or_else(|| Error::internal("a column went missing"))?;
        if is_default(value) {
            // A generated column is computed anew whatever is said.
            return Ok((position, self.default_value(table, column)?));
        }
        refuse_value(column, false, false).at(ident.span)?;
        let value = self.expr(value)?;
        Ok((position, self.assign(value, column)?))
    }

    /// The new values of `(a, b) = (x, y)` and `(a, b) = (SELECT …)`.
    fn new_values(
        &mut self,
        table: &Arc<TableDescriptor>,
        idents: &[&Ident],
        value: &Expr,
        rows: &mut Vec<(Produced, Scalar)>,
    ) -> Result<Vec<(usize, Scalar)>> {
        let count = |given: usize| {
            if given == idents.len() {
                return Ok(());
            }
            Err(Error::syntax("number of columns does not match number of values"))
        };
        let value = super::cast::unwrapped(value);
        if let Expr::Subquery(query) = value {
            let mut bound = self.query(query, Unknowns::Keep)?;
            count(bound.columns.len())?;
            let mut positions = Vec::with_capacity(idents.len());
            for ident in idents {
                positions.push(self.assigned_column(table, ident)?);
            }
            self.convert_columns(&mut bound, |binder, i, value| {
                let column = positions.get(i).and_then(|p| table.columns.get(*p));
                let Some(column) = column else { return Ok(value) };
                refuse_value(column, false, false)?;
                binder.assign(value, column)
            })?;
            // The subquery runs once per row and gives a row.
            let fields: Vec<Scalar> =
                bound.columns.iter().map(|c| Scalar::column(c.column, c.ty.clone())).collect();
            let types: Vec<_> = bound.columns.iter().map(|c| c.ty.clone()).collect();
            let row = self.column(ColumnKind::Computed, &Type::Record.into(), "row");
            let whole = Scalar { kind: ScalarKind::Row(fields), ty: Type::Record.into() };
            let relation = Relation::Project {
                input: Box::new(bound.relation),
                columns: vec![(row.clone(), whole)],
            };
            let kind = SubqueryKind::Scalar;
            let subquery = Subquery { kind, relation, columns: vec![row.column] };
            let held = self.column(ColumnKind::Computed, &Type::Record.into(), "row");
            let subquery = ScalarKind::Subquery(Box::new(subquery));
            rows.push((held.clone(), Scalar { kind: subquery, ty: Type::Record.into() }));
            return Ok(positions
                .into_iter()
                .zip(types)
                .enumerate()
                .map(|(i, (position, ty))| {
                    let row = Box::new(Scalar::column(held.column, Type::Record));
                    (position, Scalar { kind: ScalarKind::Field(row, i), ty })
                })
                .collect());
        }
        let fields = match super::row::fields(value) {
            Some(fields) => fields,
            None if idents.len() == 1 => vec![value],
            None => {
                return Err(Error::new(
                    sqlstate::FEATURE_NOT_SUPPORTED,
                    "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() \
                     expression",
                ));
            }
        };
        count(fields.len())?;
        idents
            .iter()
            .zip(fields)
            .map(|(ident, field)| self.new_value(table, ident, field))
            .collect()
    }
}

/// The column that SET names; it has no qualifier.
fn set_column<'n>(name: &'n ObjectName, table: &TableDescriptor) -> Result<&'n Ident> {
    match parts(name)?.as_slice() {
        [ident] => Ok(*ident),
        [first, ..] => Err(Error::new(
            sqlstate::UNDEFINED_COLUMN,
            format!("column \"{}\" of relation \"{}\" does not exist", first.value, table.name),
        )
        .at(first.span)),
        [] => Err(Error::internal("an empty name")),
    }
}

fn push(values: &mut Vec<(usize, Scalar)>, ident: &Ident, value: (usize, Scalar)) -> Result<()> {
    if values.iter().any(|(position, _)| *position == value.0) {
        return Err(Error::syntax(format!(
            "multiple assignments to same column \"{}\"",
            ident.value
        ))
        .at(ident.span));
    }
    values.push(value);
    Ok(())
}
