//! LIMIT, OFFSET and FETCH.

use sqlparser::ast::{Expr, Fetch, LimitClause, Query};

use super::binder::{Binder, ColumnKind};
use super::clause::Clause;
use crate::error::{Error, Result, sqlstate};
use crate::sql::function;
use crate::sql::relation::Relation;
use crate::sql::scalar::{
    Frame, FrameBound, FrameUnit, Scalar, ScalarKind, SortKey, WindowCall, WindowTarget,
};
use crate::types::{Datum, Type};

/// LIMIT, OFFSET and FETCH as the tree has them.
#[derive(Clone, Copy, Default)]
pub(super) struct LimitTree<'q> {
    pub limit: Option<&'q Expr>,
    pub offset: Option<&'q Expr>,
    pub fetch: Option<&'q Fetch>,
}

/// The same, bound.
#[derive(Default)]
pub(super) struct BoundLimit {
    pub limit: Option<Scalar>,
    pub offset: Option<Scalar>,
    /// FETCH … WITH TIES.
    pub with_ties: bool,
}

impl<'q> LimitTree<'q> {
    /// Reads the clauses of a query.
    pub fn of(query: &'q Query) -> Result<LimitTree<'q>> {
        let mut tree = LimitTree { fetch: query.fetch.as_ref(), ..LimitTree::default() };
        match &query.limit_clause {
            None => {}
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
                if !limit_by.is_empty() {
                    return Err(Error::unsupported("LIMIT BY"));
                }
                tree.limit = limit.as_ref();
                tree.offset = offset.as_ref().map(|o| &o.value);
            }
            Some(LimitClause::OffsetCommaLimit { .. }) => {
                return Err(Error::syntax("LIMIT #,# syntax is not supported")
                    .with_hint("Use separate LIMIT and OFFSET clauses."));
            }
        }
        if tree.limit.is_some() && tree.fetch.is_some() {
            return Err(Error::syntax("multiple LIMIT clauses not allowed"));
        }
        Ok(tree)
    }

    /// Whether there is none of them.
    pub fn is_empty(&self) -> bool {
        self.limit.is_none() && self.offset.is_none() && self.fetch.is_none()
    }
}

impl Binder<'_> {
    /// Binds LIMIT, OFFSET and FETCH of the innermost level.
    pub fn limit(&mut self, tree: LimitTree<'_>) -> Result<BoundLimit> {
        let offset = match tree.offset {
            Some(expr) => Some(self.row_count(expr, Clause::Offset)?),
            None => None,
        };
        let mut with_ties = false;
        let limit = match (tree.limit, tree.fetch) {
            (Some(expr), _) => Some(self.row_count(expr, Clause::Limit)?),
            (None, Some(fetch)) => {
                if fetch.percent {
                    return Err(Error::unsupported("FETCH … PERCENT"));
                }
                with_ties = fetch.with_ties;
                Some(match &fetch.quantity {
                    Some(expr) => self.row_count(expr, Clause::Limit)?,
                    None => Scalar::literal(Datum::Int8(1), Type::Int8),
                })
            }
            (None, None) => None,
        };
        Ok(BoundLimit { limit, offset, with_ties })
    }

    fn row_count(&mut self, expr: &Expr, clause: Clause) -> Result<Scalar> {
        let count = self.in_clause(clause, |binder| {
            let count = binder.expr(expr)?;
            binder.construct_argument(count, &Type::Int8, clause.name())
        })?;
        self.refuse_own_columns(&count, clause.name())?;
        Ok(count)
    }

    /// Puts limits on a relation sorted by `keys`.
    pub fn limited(
        &mut self,
        relation: Relation,
        bound: BoundLimit,
        keys: &[SortKey],
    ) -> Result<Relation> {
        let BoundLimit { limit, offset, with_ties } = bound;
        if limit.is_none() && offset.is_none() {
            return Ok(relation);
        }
        if with_ties && let Some(limit) = limit {
            return self.with_ties(relation, limit, offset, keys);
        }
        Ok(Relation::Limit { input: Box::new(relation), limit, offset })
    }

    /// FETCH … WITH TIES: rows whose rank is within the limit, after those that OFFSET skips.
    fn with_ties(
        &mut self,
        relation: Relation,
        limit: Scalar,
        offset: Option<Scalar>,
        keys: &[SortKey],
    ) -> Result<Relation> {
        if keys.is_empty() {
            return Err(Error::new(
                sqlstate::SYNTAX_ERROR,
                "WITH TIES cannot be specified without ORDER BY clause",
            ));
        }
        let rank = self.ranking("rank")?;
        let row = self.ranking("row_number")?;
        let reach = match &offset {
            Some(offset) => self.binary("+", limit, offset.clone())?,
            None => limit,
        };
        let int = |p: &crate::sql::relation::Produced| Scalar::column(p.column, Type::Int8);
        let mut tests = vec![self.binary("<=", int(&rank.0), reach)?];
        if let Some(offset) = offset {
            tests.push(self.binary(">", int(&row.0), offset)?);
        }
        let ranked = Relation::Window {
            input: Box::new(relation),
            partition_by: Vec::new(),
            order_by: keys.to_vec(),
            calls: vec![rank, row],
        };
        let predicate = Scalar { kind: ScalarKind::And(tests), ty: Type::Bool.into() };
        let filtered = Relation::Filter { input: Box::new(ranked), predicate };
        Ok(Relation::Sort { input: Box::new(filtered), keys: keys.to_vec() })
    }

    /// A call of `rank` or `row_number`.
    pub fn ranking(&mut self, name: &str) -> Result<(crate::sql::relation::Produced, WindowCall)> {
        let function = function::window_functions(name)
            .first()
            .copied()
            .ok_or_else(|| Error::internal(format!("no window function {name}")))?;
        let result = self.column(ColumnKind::Window, &Type::Int8.into(), name);
        let call = WindowCall {
            function: WindowTarget::Window(function),
            args: Vec::new(),
            filter: None,
            frame: Frame {
                unit: FrameUnit::Range,
                start: FrameBound::UnboundedPreceding,
                end: FrameBound::CurrentRow,
            },
            ty: Type::Int8.into(),
        };
        Ok((result, call))
    }
}
