//! Queries: SELECT and the clauses around it, in the order in which PostgreSQL looks at them.

use std::sync::Arc;

use sqlparser::ast::{
    Distinct, LockClause, OrderByExpr, OrderByKind, Query, Select, SelectFlavor, SetExpr,
};

use super::binder::{Binder, ColumnKind};
use super::clause::Clause;
use super::level::{Item, ItemColumn};
use super::limit::{BoundLimit, LimitTree};
use super::order::{OrderItem, equal_type};
use super::target::Target;
use super::{BoundKind, grouping::Grouping};
use crate::error::{Error, Result, sqlstate};
use crate::sql::relation::{Produced, Relation};
use crate::sql::scalar::{ColumnRef, Scalar, SortKey};
use crate::types::{ColumnType, Datum, Type};

/// What becomes of output columns whose type nothing decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknowns {
    /// They become text.
    Text,
    /// They stay, for the query around decides: an operand of UNION, the source of INSERT.
    Keep,
}

/// A query, bound.
#[derive(Debug)]
pub(super) struct BoundQuery {
    pub relation: Relation,
    /// The output; the relation may produce more columns than these.
    pub columns: Vec<QueryColumn>,
}

/// An output column.
#[derive(Clone, Debug)]
pub(super) struct QueryColumn {
    pub name: Arc<str>,
    pub column: ColumnRef,
    pub ty: ColumnType,
    pub origin: (u32, i16),
    /// The literal or parameter that it is, if its type is to be decided outside.
    pub constant: Option<Scalar>,
}

/// ORDER BY, LIMIT and locking, which follow a query's body.
#[derive(Clone, Default)]
pub(super) struct Tail<'q> {
    pub order_by: &'q [OrderByExpr],
    pub limit: LimitTree<'q>,
    pub locks: Vec<&'q LockClause>,
}

impl<'q> Tail<'q> {
    fn of(query: &'q Query) -> Result<Tail<'q>> {
        let order_by = match &query.order_by {
            None => &[][..],
            Some(order_by) => match (&order_by.kind, &order_by.interpolate) {
                (OrderByKind::Expressions(keys), None) => keys,
                _ => return Err(Error::unsupported("this form of ORDER BY")),
            },
        };
        Ok(Tail { order_by, limit: LimitTree::of(query)?, locks: query.locks.iter().collect() })
    }

    /// Whether nothing follows.
    pub fn is_empty(&self) -> bool {
        self.order_by.is_empty() && self.limit.is_empty() && self.locks.is_empty()
    }

    /// What follows a query in parentheses together with what follows the parentheses.
    fn merge(mut self, outer: Tail<'q>) -> Result<Tail<'q>> {
        let twice = |what: &str| Err(Error::syntax(format!("multiple {what} clauses not allowed")));
        if !outer.order_by.is_empty() {
            if !self.order_by.is_empty() {
                return twice("ORDER BY");
            }
            self.order_by = outer.order_by;
        }
        if outer.limit.offset.is_some() {
            if self.limit.offset.is_some() {
                return twice("OFFSET");
            }
            self.limit.offset = outer.limit.offset;
        }
        if outer.limit.limit.is_some() || outer.limit.fetch.is_some() {
            if self.limit.limit.is_some() || self.limit.fetch.is_some() {
                return twice("LIMIT");
            }
            self.limit.limit = outer.limit.limit;
            self.limit.fetch = outer.limit.fetch;
        }
        self.locks.extend(outer.locks);
        Ok(self)
    }
}

impl Binder<'_> {
    /// A query that is a whole statement.
    pub fn outermost(&mut self, query: &Query) -> Result<(BoundQuery, BoundKind)> {
        let kind = match &*query.body {
            SetExpr::Insert(_) => BoundKind::Insert,
            SetExpr::Update(_) => BoundKind::Update,
            SetExpr::Delete(_) => BoundKind::Delete,
            _ => BoundKind::Select,
        };
        Ok((self.query(query, Unknowns::Text)?, kind))
    }

    /// Binds a query.
    pub fn query(&mut self, query: &Query, unknowns: Unknowns) -> Result<BoundQuery> {
        self.nested(|binder| binder.query_below(query, Tail::default(), unknowns))
    }

    fn query_below<'q>(
        &mut self,
        query: &'q Query,
        outer: Tail<'q>,
        unknowns: Unknowns,
    ) -> Result<BoundQuery> {
        if query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty()
        {
            return Err(Error::unsupported("this clause of a query"));
        }
        let tail = Tail::of(query)?.merge(outer)?;
        let mark = self.ctes.len();
        let result = self.with_clause(query.with.as_ref()).and_then(|definitions| {
            let bound = self.body(&query.body, tail, unknowns)?;
            Ok((definitions, bound))
        });
        match result {
            Ok((definitions, mut bound)) => {
                bound.relation = self.attach_ctes(mark, definitions, bound.relation);
                Ok(bound)
            }
            Err(e) => {
                self.ctes.truncate(mark);
                Err(e)
            }
        }
    }

    /// The body of a query with what follows it.
    pub fn body<'q>(
        &mut self,
        body: &'q SetExpr,
        tail: Tail<'q>,
        unknowns: Unknowns,
    ) -> Result<BoundQuery> {
        match body {
            SetExpr::Select(select) => {
                self.with_level(|binder| binder.select(select, tail, unknowns))
            }
            SetExpr::Query(inner) => self.nested(|b| b.query_below(inner, tail, unknowns)),
            SetExpr::SetOperation { .. } => self.set_operation(body, tail),
            SetExpr::Values(values) => self.with_level(|binder| binder.values_query(values, tail)),
            SetExpr::Table(table) => self.with_level(|binder| binder.table_command(table, tail)),
            SetExpr::Insert(tree) | SetExpr::Update(tree) | SetExpr::Delete(tree) => {
                if !tail.is_empty() {
                    return Err(Error::syntax("syntax error after a data-modifying statement"));
                }
                self.modifying(tree)
            }
            SetExpr::Merge(_) => Err(Error::unsupported("MERGE")),
        }
    }

    fn select<'q>(
        &mut self,
        select: &'q Select,
        tail: Tail<'q>,
        unknowns: Unknowns,
    ) -> Result<BoundQuery> {
        refuse_foreign(select)?;
        self.level().recursive_term = std::mem::take(&mut self.recursive_term);
        self.level().named_windows = select.named_window.clone();
        let mut relation = self.from(&select.from)?;
        let mut targets = self.targets(&select.projection, Clause::Select)?;
        if let Some(selection) = &select.selection {
            let predicate = self.condition(selection, Clause::Where)?;
            relation = Relation::Filter { input: Box::new(relation), predicate };
        }
        let mut having = match &select.having {
            Some(having) => Some(self.condition(having, Clause::Having)?),
            None => None,
        };
        let order = self.order_by(tail.order_by, &mut targets)?;
        let grouping = self.group_by(&select.group_by, &mut targets)?;
        let distinct_on = self.distinct_on(select.distinct.as_ref(), &mut targets, &order)?;
        let plain_distinct = matches!(select.distinct, Some(Distinct::Distinct));
        let limit = self.limit(tail.limit)?;
        let keep = unknowns == Unknowns::Keep && !plain_distinct;
        self.settle_targets(&mut targets, keep)?;
        if plain_distinct {
            check_distinct(&targets)?;
        }
        let locks = self.lock_targets(&tail.locks, select, grouping.is_some())?;
        relation = self.grouped(relation, grouping, &mut targets, &mut having)?;
        relation = self.window_relations(relation);
        relation = self.join_sets(relation)?;
        let (mut projection, columns) = self.project(&targets);
        for target in &locks {
            self.carry(&target.key, &mut projection);
        }
        let keys = sort_keys(&order, &projection);
        let outputs: Vec<Produced> = projection.iter().map(|(p, _)| p.clone()).collect();
        relation = Relation::Project { input: Box::new(relation), columns: projection };
        if plain_distinct {
            relation = Relation::Distinct { input: Box::new(relation), on: None };
        }
        if !keys.is_empty() {
            relation = Relation::Sort { input: Box::new(relation), keys: keys.clone() };
        }
        if let Some(on) = distinct_on {
            let on = on
                .iter()
                .filter_map(|i| outputs.get(*i))
                .map(|p| Scalar::column(p.column, p.ty.clone()))
                .collect();
            relation = Relation::Distinct { input: Box::new(relation), on: Some(on) };
        }
        if !locks.is_empty() {
            let tables = locks.into_iter().map(|l| l.target).collect();
            relation = Relation::Lock { input: Box::new(relation), tables };
        }
        let relation = self.limited(relation, limit, &keys)?;
        Ok(BoundQuery { relation, columns })
    }

    /// A condition of a clause.
    pub fn condition(&mut self, expr: &sqlparser::ast::Expr, clause: Clause) -> Result<Scalar> {
        self.in_clause(clause, |binder| {
            let condition = binder.expr(expr)?;
            binder.boolean(condition, clause.name())
        })
    }

    /// Aggregation, with everything above it rewritten to stand on the groups.
    fn grouped(
        &mut self,
        relation: Relation,
        grouping: Option<Grouping>,
        targets: &mut [Target<'_>],
        having: &mut Option<Scalar>,
    ) -> Result<Relation> {
        let level = self.level();
        let groups = grouping.is_some()
            || having.is_some()
            || !level.aggregates.is_empty()
            || !level.groupings.is_empty();
        if !groups {
            return Ok(relation);
        }
        let grouping =
            grouping.unwrap_or_else(|| Grouping { exprs: Vec::new(), sets: vec![Vec::new()] });
        let mut groups = self.groups(grouping)?;
        for target in targets {
            self.regroup(&mut groups, &mut target.scalar)?;
        }
        if let Some(having) = having {
            self.regroup(&mut groups, having)?;
        }
        let mut windows = std::mem::take(&mut self.level().windows);
        for window in &mut windows {
            for part in &mut window.partition_by {
                self.regroup(&mut groups, part)?;
            }
            for key in &mut window.order_by {
                self.regroup(&mut groups, &mut key.expr)?;
            }
            super::walk::try_window_mut(&mut window.call, &mut |part| {
                self.regroup(&mut groups, part)
            })?;
        }
        self.level().windows = windows;
        let mut sets = std::mem::take(&mut self.level().sets);
        for set in &mut sets {
            if let Relation::Function { args, .. } = &mut set.relation {
                for arg in args {
                    self.regroup(&mut groups, arg)?;
                }
            }
        }
        self.level().sets = sets;
        let relation = self.aggregation(groups, relation);
        Ok(match having.take() {
            Some(predicate) => Relation::Filter { input: Box::new(relation), predicate },
            None => relation,
        })
    }

    /// Gives text to targets whose type nothing decided.
    fn settle_targets(&mut self, targets: &mut [Target<'_>], keep: bool) -> Result<()> {
        for target in targets {
            if target.scalar.ty.ty == Type::Unknown && (target.junk || !keep) {
                let scalar = std::mem::replace(&mut target.scalar, Scalar::truth());
                target.scalar = self.settle(scalar)?;
            }
        }
        Ok(())
    }

    /// The projection of targets, and what of it is output.
    pub fn project(
        &mut self,
        targets: &[Target<'_>],
    ) -> (Vec<(Produced, Scalar)>, Vec<QueryColumn>) {
        let mut projection: Vec<(Produced, Scalar)> = Vec::with_capacity(targets.len());
        let mut columns = Vec::with_capacity(targets.len());
        for target in targets {
            // A type that is decided outside brings its own projection.
            let undecided = target.scalar.ty.ty == Type::Unknown;
            let scalar = if undecided {
                Scalar::literal(Datum::Null, Type::Text)
            } else {
                target.scalar.clone()
            };
            let produced = match scalar.as_column() {
                // A column of this level passes through, once.
                Some(column)
                    if self.is_own(column)
                        && !projection.iter().any(|(p, _)| p.column == column) =>
                {
                    Produced { column, ty: scalar.ty.clone() }
                }
                _ => self.column(ColumnKind::Computed, &scalar.ty, &target.name),
            };
            self.remember_record(produced.column, &scalar);
            if !target.junk {
                columns.push(QueryColumn {
                    name: target.name.clone(),
                    column: produced.column,
                    ty: if undecided { Type::Unknown.into() } else { produced.ty.clone() },
                    origin: target.origin,
                    constant: undecided.then(|| target.scalar.clone()),
                });
            }
            projection.push((produced, scalar));
        }
        (projection, columns)
    }

    /// Adds columns to a projection that lacks them.
    fn carry(&self, wanted: &[Produced], projection: &mut Vec<(Produced, Scalar)>) {
        for produced in wanted {
            if !projection.iter().any(|(p, _)| p.column == produced.column) {
                let value = Scalar::column(produced.column, produced.ty.clone());
                projection.push((produced.clone(), value));
            }
        }
    }

    fn distinct_on<'q>(
        &mut self,
        distinct: Option<&'q Distinct>,
        targets: &mut Vec<Target<'q>>,
        order: &[OrderItem],
    ) -> Result<Option<Vec<usize>>> {
        let Some(Distinct::On(exprs)) = distinct else { return Ok(None) };
        let mut on = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let target = self.find_target(expr, targets, Clause::DistinctOn)?;
            if let Some(found) = targets.get_mut(target) {
                let scalar = std::mem::replace(&mut found.scalar, Scalar::truth());
                found.scalar = self.settle(scalar)?;
                equal_type(&found.scalar.ty.ty)?;
            }
            if !on.contains(&target) {
                on.push(target);
            }
        }
        // Sorting must begin with what DISTINCT ON lists.
        let leading = order.iter().take_while(|item| on.contains(&item.target)).count();
        if leading < order.len() && leading < on.len() {
            return Err(Error::new(
                sqlstate::INVALID_COLUMN_REFERENCE,
                "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
            ));
        }
        Ok(Some(on))
    }

    /// ORDER BY and LIMIT of a query whose output columns alone can be named: VALUES, UNION.
    /// Expressions over them may be sorted by only where `expressions` says so.
    pub fn finish_output(
        &mut self,
        bound: BoundQuery,
        tail: Tail<'_>,
        expressions: bool,
    ) -> Result<BoundQuery> {
        if !tail.locks.is_empty() {
            return Err(Error::new(
                sqlstate::FEATURE_NOT_SUPPORTED,
                "FOR UPDATE is not allowed with UNION/INTERSECT/EXCEPT",
            ));
        }
        let BoundQuery { mut relation, columns } = bound;
        let mut targets: Vec<Target<'_>> = columns
            .iter()
            .map(|c| Target {
                name: c.name.clone(),
                scalar: Scalar::column(c.column, c.ty.clone()),
                tree: None,
                origin: c.origin,
                junk: false,
            })
            .collect();
        let count = targets.len();
        if self.level().items.is_empty() {
            let visible = columns.iter().map(|c| ItemColumn {
                name: c.name.clone(),
                value: Scalar::column(c.column, c.ty.clone()),
                origin: c.origin,
                hidden: false,
            });
            let mut item = Item::new(Arc::from(""), visible.collect());
            item.by_name = false;
            self.level().items.push(item);
        }
        let order = self.order_by(tail.order_by, &mut targets)?;
        if targets.len() > count && expressions {
            let (projection, _) = self.project(&targets);
            for (target, (produced, _)) in targets.iter_mut().zip(&projection) {
                target.scalar = Scalar::column(produced.column, produced.ty.clone());
            }
            relation = Relation::Project { input: Box::new(relation), columns: projection };
        } else if targets.len() > count {
            return Err(Error::new(
                sqlstate::FEATURE_NOT_SUPPORTED,
                "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
            )
            .with_detail("Only result column names can be used, not expressions or functions.")
            .with_hint(
                "Add the expression/function to every SELECT, or move the UNION into a FROM clause.",
            ));
        }
        let keys: Vec<SortKey> = order
            .iter()
            .filter_map(|item| {
                Some(SortKey {
                    expr: targets.get(item.target)?.scalar.clone(),
                    descending: item.descending,
                    nulls_first: item.nulls_first,
                })
            })
            .collect();
        if !keys.is_empty() {
            relation = Relation::Sort { input: Box::new(relation), keys: keys.clone() };
        }
        let limit: BoundLimit = self.limit(tail.limit)?;
        relation = self.limited(relation, limit, &keys)?;
        Ok(BoundQuery { relation, columns })
    }
}

fn sort_keys(order: &[OrderItem], projection: &[(Produced, Scalar)]) -> Vec<SortKey> {
    order
        .iter()
        .filter_map(|item| {
            let (produced, _) = projection.get(item.target)?;
            Some(SortKey {
                expr: Scalar::column(produced.column, produced.ty.clone()),
                descending: item.descending,
                nulls_first: item.nulls_first,
            })
        })
        .collect()
}

fn check_distinct(targets: &[Target<'_>]) -> Result<()> {
    for target in targets {
        if target.junk {
            return Err(Error::new(
                sqlstate::INVALID_COLUMN_REFERENCE,
                "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
            ));
        }
        equal_type(&target.scalar.ty.ty)?;
    }
    Ok(())
}

/// Refuses clauses of other servers' SELECT.
fn refuse_foreign(select: &Select) -> Result<()> {
    if select.into.is_some() {
        return Err(Error::unsupported("SELECT INTO").with_hint("Use CREATE TABLE AS."));
    }
    let foreign = select.top.is_some()
        || select.exclude.is_some()
        || !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.qualify.is_some()
        || select.value_table_mode.is_some()
        || select.select_modifiers.is_some()
        || !matches!(select.flavor, SelectFlavor::Standard);
    if foreign {
        return Err(Error::unsupported("this clause of SELECT"));
    }
    Ok(())
}
