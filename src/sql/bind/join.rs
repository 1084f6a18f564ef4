//! Joins: ON, USING and NATURAL, and what names mean above them.

use std::sync::Arc;

use sqlparser::ast::{Ident, Join, JoinConstraint, JoinOperator};

use super::binder::Binder;
use super::clause::Clause;
use super::common_type::{clash_error, common_modifier, resolve_common};
use super::from::{FromPart, check_conflicts, reads_from};
use super::level::{Item, ItemColumn};
use super::name::{At, last};
use crate::error::{Error, Result, sqlstate};
use crate::sql::relation::{JoinKind, Relation};
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::ColumnType;

impl Binder<'_> {
    /// `left JOIN right …`.
    pub fn join(&mut self, left: FromPart, join: &Join) -> Result<FromPart> {
        let (kind, constraint) = operator(&join.join_operator)?;
        // The right side may use the left one if it is LATERAL.
        let mark = self.level().items.len();
        let lateral_ok = matches!(kind, JoinKind::Inner | JoinKind::Left);
        let seen = left.items.iter().cloned().map(|mut item| {
            item.lateral_only = true;
            item.lateral_ok = lateral_ok;
            item
        });
        let seen: Vec<Item> = seen.collect();
        self.level().items.extend(seen);
        let right = self.watch_lateral(|binder| binder.factor(&join.relation));
        self.level().items.truncate(mark);
        let (right, lateral) = right?;
        check_conflicts(&left.items, &right.items)?;
        let mut items = left.items;
        items.extend(right.items);
        for item in &mut items {
            item.lateral_only = false;
            item.lateral_ok = true;
        }
        let (on, columns) = match constraint {
            JoinConstraint::On(condition) => {
                let on = self.join_condition(condition, &items)?;
                (on, side_by_side(&left.columns, &right.columns))
            }
            JoinConstraint::Using(names) => {
                let names = names.iter().map(last).collect::<Result<Vec<&Ident>>>()?;
                self.using(kind, &names, &left.columns, &right.columns)?
            }
            JoinConstraint::Natural => {
                let shared: Vec<Ident> = left
                    .columns
                    .iter()
                    .filter(|c| !c.hidden)
                    .filter(|c| right.columns.iter().any(|r| !r.hidden && r.name == c.name))
                    .map(|c| Ident::new(c.name.to_string()))
                    .collect();
                self.using(kind, &shared.iter().collect::<Vec<_>>(), &left.columns, &right.columns)?
            }
            JoinConstraint::None => (Scalar::truth(), side_by_side(&left.columns, &right.columns)),
        };
        // Columns alone are now found through the join, which knows the merged ones.
        for item in &mut items {
            item.by_column = false;
        }
        let columns: Arc<[ItemColumn]> = columns.into();
        let mut merged = Item::new(Arc::from(""), Vec::new());
        merged.columns = columns.clone();
        merged.by_name = false;
        items.insert(0, merged);
        let lateral = lateral && reads_from(&right.relation, &left.relation);
        let relation = Relation::Join {
            kind,
            left: Box::new(left.relation),
            right: Box::new(right.relation),
            on,
            lateral,
        };
        Ok(FromPart { relation, items, columns })
    }

    /// ON sees the two sides and nothing else of this FROM.
    fn join_condition(
        &mut self,
        condition: &sqlparser::ast::Expr,
        items: &[Item],
    ) -> Result<Scalar> {
        let before = std::mem::replace(&mut self.level().items, items.to_vec());
        let on = self.in_clause(Clause::JoinOn, |binder| {
            let on = binder.expr(condition)?;
            binder.boolean(on, "JOIN/ON")
        });
        self.level().items = before;
        on
    }

    fn using(
        &mut self,
        kind: JoinKind,
        names: &[&Ident],
        left: &[ItemColumn],
        right: &[ItemColumn],
    ) -> Result<(Scalar, Vec<ItemColumn>)> {
        let mut tests = Vec::with_capacity(names.len());
        let mut merged = Vec::with_capacity(names.len());
        let mut used: Vec<(usize, usize)> = Vec::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            if names.iter().take(i).any(|n| n.value == name.value) {
                return Err(Error::new(
                    sqlstate::DUPLICATE_COLUMN,
                    format!(
                        "column name \"{}\" appears more than once in USING clause",
                        name.value
                    ),
                )
                .at(name.span));
            }
            let l = common_column(left, name, "left")?;
            let r = common_column(right, name, "right")?;
            let (Some(lc), Some(rc)) = (left.get(l), right.get(r)) else {
                return Err(Error::internal("a column went missing"));
            };
            tests.push(self.binary("=", lc.value.clone(), rc.value.clone())?);
            merged.push(self.merged_column(kind, lc, rc)?);
            used.push((l, r));
        }
        let rest_left = left.iter().enumerate().filter(|(i, _)| !used.iter().any(|u| u.0 == *i));
        let rest_right = right.iter().enumerate().filter(|(i, _)| !used.iter().any(|u| u.1 == *i));
        merged.extend(rest_left.map(|(_, c)| c.clone()));
        merged.extend(rest_right.map(|(_, c)| c.clone()));
        Ok((Scalar::conjunction(tests).unwrap_or_else(Scalar::truth), merged))
    }

    /// What USING makes of two columns: the one that is never NULL because of the join.
    fn merged_column(
        &mut self,
        kind: JoinKind,
        left: &ItemColumn,
        right: &ItemColumn,
    ) -> Result<ItemColumn> {
        const CONTEXT: &str = "JOIN/USING";
        let types = [&left.value.ty, &right.value.ty];
        let ty = resolve_common(types.iter().map(|t| &t.ty))
            .map_err(|clash| clash_error(CONTEXT, &clash))?;
        let l = self.as_common_type(CONTEXT, left.value.clone(), &ty)?;
        let r = self.as_common_type(CONTEXT, right.value.clone(), &ty)?;
        let value = match kind {
            JoinKind::Full => {
                let modifier = common_modifier(&ty, types);
                let kind = ScalarKind::Coalesce(vec![l, r]);
                Scalar { kind, ty: ColumnType { ty, modifier } }
            }
            JoinKind::Right => r,
            JoinKind::Inner if l.as_column().is_none() && r.as_column().is_some() => r,
            _ => l,
        };
        let origin = if value.as_column().is_none() {
            (0, 0)
        } else if value.as_column() == right.value.as_column() {
            right.origin
        } else {
            left.origin
        };
        Ok(ItemColumn { name: left.name.clone(), value, origin, hidden: false })
    }
}

fn operator(operator: &JoinOperator) -> Result<(JoinKind, &JoinConstraint)> {
    Ok(match operator {
        JoinOperator::Join(c) | JoinOperator::Inner(c) | JoinOperator::CrossJoin(c) => {
            (JoinKind::Inner, c)
        }
        JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinKind::Left, c),
        JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinKind::Right, c),
        JoinOperator::FullOuter(c) => (JoinKind::Full, c),
        _ => return Err(Error::unsupported("this kind of join")),
    })
}

fn side_by_side(left: &[ItemColumn], right: &[ItemColumn]) -> Vec<ItemColumn> {
    left.iter().chain(right).cloned().collect()
}

fn common_column(columns: &[ItemColumn], name: &Ident, side: &str) -> Result<usize> {
    let mut found = columns.iter().enumerate().filter(|(_, c)| *c.name == *name.value);
    let first = found.next().ok_or_else(|| {
        Error::new(
            sqlstate::UNDEFINED_COLUMN,
            format!(
                "column \"{}\" specified in USING clause does not exist in {side} table",
                name.value
            ),
        )
        .at(name.span)
    })?;
    if found.next().is_some() {
        return Err(Error::new(
            sqlstate::AMBIGUOUS_COLUMN,
            format!("common column name \"{}\" appears more than once in {side} table", name.value),
        )
        .at(name.span));
    }
    Ok(first.0)
}
