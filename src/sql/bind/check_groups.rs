//! After grouping: expressions over the input become expressions over the groups, and columns that
//! are neither grouped nor aggregated are refused.

use super::binder::{Binder, ColumnKind};
use super::grouping::Grouping;
use super::level::{BaseTable, Level};
use super::same::same;
use super::walk;
use crate::error::{Error, Result, sqlstate};
use crate::sql::relation::{Produced, Relation};
use crate::sql::scalar::{ColumnRef, Scalar, ScalarKind};
use crate::types::{Datum, Type};

/// The grouping of a level, as expressions above it need it.
pub(super) struct Groups {
    level: u32,
    /// What is grouped by, and the column that holds it.
    exprs: Vec<(Scalar, Produced)>,
    sets: Vec<Vec<usize>>,
    set_number: Option<Produced>,
    tables: Vec<BaseTable>,
    /// Columns that depend on a primary key that is grouped by.
    dependent: Vec<Produced>,
    /// `GROUPING(…)`: the column that stands for it, and its value.
    groupings: Vec<(ColumnRef, Scalar)>,
}

impl Binder<'_> {
    /// Prepares the grouping of the innermost level.
    pub fn groups(&mut self, grouping: Grouping) -> Result<Groups> {
        let mut exprs = Vec::with_capacity(grouping.exprs.len());
        for expr in grouping.exprs {
            let produced = match expr.as_column() {
                Some(column) if self.is_own(column) => Produced { column, ty: expr.ty.clone() },
                _ => self.column(ColumnKind::Computed, &expr.ty, "group"),
            };
            exprs.push((expr, produced));
        }
        let sets = grouping.sets;
        let set_number = (sets.len() > 1)
            .then(|| self.column(ColumnKind::Computed, &Type::Int4.into(), "grouping set"));
        let level: &mut Level = self.level();
        let groupings = std::mem::take(&mut level.groupings);
        let mut groups = Groups {
            level: level.id,
            tables: level.tables.clone(),
            exprs,
            sets,
            set_number,
            dependent: Vec::new(),
            groupings: Vec::new(),
        };
        for (column, args) in groupings {
            let value = self.grouping_value(&groups, &args)?;
            groups.groupings.push((column.column, value));
        }
        Ok(groups)
    }

    /// The value of `GROUPING(args)`: a bit for each argument that the set leaves out.
    fn grouping_value(&mut self, groups: &Groups, args: &[Scalar]) -> Result<Scalar> {
        let mut places = Vec::with_capacity(args.len());
        for arg in args {
            places.push(groups.exprs.iter().position(|(e, _)| same(e, arg)).ok_or_else(|| {
                Error::new(
                    sqlstate::GROUPING_ERROR,
                    "arguments to GROUPING must be grouping expressions of the associated query level",
                )
            })?);
        }
        let bits = |set: &Vec<usize>| {
            let bits = places.iter().fold(0, |bits, p| bits << 1 | i32::from(!set.contains(p)));
            Scalar::literal(Datum::Int4(bits), Type::Int4)
        };
        let Some(number) = &groups.set_number else {
            return Ok(groups.sets.first().map_or_else(Scalar::truth, bits));
        };
        let mut whens = Vec::with_capacity(groups.sets.len());
        for (i, set) in groups.sets.iter().enumerate() {
            let own = Scalar::column(number.column, Type::Int4);
            let i = i32::try_from(i).unwrap_or(i32::MAX);
            let test = self.binary("=", own, Scalar::literal(Datum::Int4(i), Type::Int4))?;
            whens.push((test, bits(set)));
        }
        Ok(Scalar { kind: ScalarKind::Case { whens, otherwise: None }, ty: Type::Int4.into() })
    }

    /// Makes an expression over the input one over the groups.
    pub fn regroup(&self, groups: &mut Groups, scalar: &mut Scalar) -> Result<()> {
        if matches!(scalar.kind, ScalarKind::Literal(_) | ScalarKind::Parameter(_)) {
            return Ok(());
        }
        if let Some((_, group)) = groups.exprs.iter().find(|(e, _)| same(e, scalar)) {
            *scalar = Scalar::column(group.column, group.ty.clone());
            return Ok(());
        }
        if let Some(column) = scalar.as_column() {
            if let Some((_, value)) = groups.groupings.iter().find(|(c, _)| *c == column) {
                *scalar = value.clone();
                return Ok(());
            }
            return self.check_column(groups, column, false);
        }
        walk::try_operands_mut(scalar, &mut |part| self.regroup(groups, part))?;
        if let ScalarKind::Subquery(subquery) = &scalar.kind {
            let mut read = Vec::new();
            walk::every_in(&subquery.relation, true, &mut |part, _| {
                if let ScalarKind::Column(column) = part.kind {
                    read.push(column);
                }
            });
            for column in read {
                self.check_column(groups, column, true)?;
            }
        }
        Ok(())
    }

    fn check_column(&self, groups: &mut Groups, column: ColumnRef, inside: bool) -> Result<()> {
        let Some(info) = self.info(column) else { return Ok(()) };
        if info.level != groups.level || info.kind != ColumnKind::Source {
            return Ok(());
        }
        let grouped = groups.exprs.iter().any(|(_, p)| p.column == column)
            || groups.dependent.iter().any(|p| p.column == column);
        if grouped {
            return Ok(());
        }
        if let Some(dependent) = groups.determined(column) {
            groups.dependent.push(dependent);
            return Ok(());
        }
        let name = if info.table.is_empty() {
            info.name.to_string()
        } else {
            format!("{}.{}", info.table, info.name)
        };
        Err(Error::new(
            sqlstate::GROUPING_ERROR,
            if inside {
                format!("subquery uses ungrouped column \"{name}\" from outer query")
            } else {
                format!(
                    "column \"{name}\" must appear in the GROUP BY clause or be used in an \
                     aggregate function"
                )
            },
        ))
    }

    /// The aggregation itself, over the level's input. Call it after everything above has been
    /// regrouped.
    pub fn aggregation(&mut self, groups: Groups, input: Relation) -> Relation {
        let aggregates = std::mem::take(&mut self.level().aggregates);
        let computed: Vec<(Produced, Scalar)> = groups
            .exprs
            .iter()
            .filter(|(e, p)| e.as_column() != Some(p.column))
            .map(|(e, p)| (p.clone(), e.clone()))
            .collect();
        let input = if computed.is_empty() {
            input
        } else {
            let mut columns = walk::pass(&walk::output(&input));
            columns.extend(computed);
            Relation::Project { input: Box::new(input), columns }
        };
        let mut columns: Vec<Produced> = groups.exprs.into_iter().map(|(_, p)| p).collect();
        let mut sets = groups.sets;
        for dependent in groups.dependent {
            // It has one value for each value of the key, so it makes no group smaller.
            for set in &mut sets {
                set.push(columns.len());
            }
            columns.push(dependent);
        }
        Relation::Aggregate {
            input: Box::new(input),
            groups: columns,
            sets,
            set_number: groups.set_number,
            aggregates,
        }
    }
}

impl Groups {
    /// The column, if a primary key that every set has determines it.
    fn determined(&self, column: ColumnRef) -> Option<Produced> {
        let in_every_set = |wanted: ColumnRef| {
            self.exprs.iter().enumerate().any(|(i, (_, p))| {
                p.column == wanted && self.sets.iter().all(|set| set.contains(&i))
            })
        };
        for base in &self.tables {
            let Some(place) = base.columns.iter().position(|c| *c == column) else { continue };
            let key = &base.table.primary_index.columns;
            let grouped = !key.is_empty()
                && key.iter().all(|part| {
                    base.table
                        .position(part.column)
                        .and_then(|p| base.columns.get(p))
                        .is_some_and(|c| in_every_set(*c))
                });
            if grouped {
                let ty = base.table.columns.get(place)?.ty.clone();
                return Some(Produced { column, ty });
            }
        }
        None
    }
}
