//! UNION, INTERSECT and EXCEPT.

use sqlparser::ast::{SetExpr, SetOperator, SetQuantifier};

use super::binder::{Binder, ColumnKind};
use super::common_type::{clash_error, common_modifier, resolve_common};
use super::order::equal_type;
use super::query::{BoundQuery, QueryColumn, Tail, Unknowns};
use super::walk;
use crate::error::{Error, Result};
use crate::sql::relation::{Produced, Relation, SetKind};
use crate::sql::scalar::Scalar;
use crate::types::{ColumnType, Type};

impl Binder<'_> {
    /// A set operation with what follows it.
    pub fn set_operation(&mut self, tree: &SetExpr, tail: Tail<'_>) -> Result<BoundQuery> {
        self.with_level(|binder| {
            let bound = binder.set_tree(tree)?;
            // ORDER BY sees the output columns only.
            binder.finish_output(bound, tail, false)
        })
    }

    /// A tree of set operations; long chains lean to the left and are not recursed into.
    fn set_tree(&mut self, tree: &SetExpr) -> Result<BoundQuery> {
        let mut steps = Vec::new();
        let mut rest = tree;
        while let SetExpr::SetOperation { left, op, set_quantifier, right } = rest {
            steps.push((op, set_quantifier, right));
            rest = left;
        }
        let mut left = self.operand(rest)?;
        while let Some((op, quantifier, right)) = steps.pop() {
            let right = match &**right {
                nested @ SetExpr::SetOperation { .. } => self.nested(|b| b.set_tree(nested))?,
                other => self.operand(other)?,
            };
            left = self.combine(left, right, op, quantifier)?;
        }
        Ok(left)
    }

    fn operand(&mut self, tree: &SetExpr) -> Result<BoundQuery> {
        self.body(tree, Tail::default(), Unknowns::Keep)
    }

    fn combine(
        &mut self,
        mut left: BoundQuery,
        mut right: BoundQuery,
        op: &SetOperator,
        quantifier: &SetQuantifier,
    ) -> Result<BoundQuery> {
        let (kind, word) = match op {
            SetOperator::Union => (SetKind::Union, "UNION"),
            SetOperator::Intersect => (SetKind::Intersect, "INTERSECT"),
            SetOperator::Except => (SetKind::Except, "EXCEPT"),
            SetOperator::Minus => return Err(Error::syntax("syntax error at or near \"MINUS\"")),
        };
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::Distinct | SetQuantifier::None => false,
            _ => return Err(Error::unsupported("BY NAME")),
        };
        if left.columns.len() != right.columns.len() {
            return Err(Error::syntax(format!(
                "each {word} query must have the same number of columns"
            )));
        }
        let mut types = Vec::with_capacity(left.columns.len());
        for (l, r) in left.columns.iter().zip(&right.columns) {
            let ty =
                resolve_common([&l.ty.ty, &r.ty.ty]).map_err(|clash| clash_error(word, &clash))?;
            if !all {
                equal_type(&ty)?;
            }
            let modifier = common_modifier(&ty, [&l.ty, &r.ty]);
            types.push(ColumnType { ty, modifier });
        }
        self.cast_columns(&mut left, &types, word)?;
        self.cast_columns(&mut right, &types, word)?;
        let mut columns = Vec::with_capacity(types.len());
        let mut output = Vec::with_capacity(types.len());
        for ((l, r), ty) in left.columns.iter().zip(&right.columns).zip(&types) {
            let produced = self.column(ColumnKind::Source, ty, &l.name);
            output.push(QueryColumn {
                name: l.name.clone(),
                column: produced.column,
                ty: ty.clone(),
                origin: (0, 0),
                constant: None,
            });
            columns.push((produced, l.column, r.column));
        }
        let relation = Relation::SetOperation {
            kind,
            all,
            left: Box::new(exactly(left)),
            right: Box::new(exactly(right)),
            columns,
        };
        Ok(BoundQuery { relation, columns: output })
    }

    /// Casts the output of a query, deciding what is undecided.
    pub fn cast_columns(
        &mut self,
        query: &mut BoundQuery,
        types: &[ColumnType],
        context: &str,
    ) -> Result<()> {
        self.convert_columns(query, |binder, i, value| {
            let Some(ty) = types.get(i) else { return Ok(value) };
            binder.as_common_type(context, value, &ty.ty)
        })
    }

    /// Casts the output of a subquery to the types that operators want.
    pub fn cast_arguments(&mut self, query: &mut BoundQuery, types: &[Type]) -> Result<()> {
        self.convert_columns(query, |binder, i, value| match types.get(i) {
            Some(ty) => binder.argument(value, ty),
            None => Ok(value),
        })
    }

    /// Converts the output of a query column by column; a projection is added only if something
    /// changes.
    pub fn convert_columns(
        &mut self,
        query: &mut BoundQuery,
        mut convert: impl FnMut(&mut Self, usize, Scalar) -> Result<Scalar>,
    ) -> Result<()> {
        let mut changed = false;
        let mut projection: Vec<(Produced, Scalar)> = Vec::with_capacity(query.columns.len());
        for (i, column) in query.columns.iter_mut().enumerate() {
            let value = match column.constant.take() {
                Some(constant) => constant,
                None => Scalar::column(column.column, column.ty.clone()),
            };
            let value = convert(self, i, value)?;
            let same = value.as_column() == Some(column.column)
                && !projection.iter().any(|(p, _)| p.column == column.column);
            let produced = if same {
                Produced { column: column.column, ty: value.ty.clone() }
            } else {
                changed = true;
                self.column(ColumnKind::Computed, &value.ty, &column.name)
            };
            column.column = produced.column;
            column.ty = produced.ty.clone();
            projection.push((produced, value));
        }
        if changed {
            let input = std::mem::replace(
                &mut query.relation,
                Relation::Values { columns: Vec::new(), rows: Vec::new() },
            );
            query.relation = Relation::Project { input: Box::new(input), columns: projection };
        }
        Ok(())
    }

    /// Decides what is undecided as text.
    pub fn settle_columns(&mut self, query: &mut BoundQuery) -> Result<()> {
        self.convert_columns(query, |binder, _, value| binder.settle(value))
    }
}

/// The relation with the output columns only, in their order.
pub(super) fn exactly(query: BoundQuery) -> Relation {
    let produced = walk::output(&query.relation);
    let wanted: Vec<Produced> =
        query.columns.iter().map(|c| Produced { column: c.column, ty: c.ty.clone() }).collect();
    let same = produced.len() == wanted.len()
        && produced.iter().zip(&wanted).all(|(a, b)| a.column == b.column);
    if same {
        return query.relation;
    }
    Relation::Project { input: Box::new(query.relation), columns: walk::pass(&wanted) }
}
