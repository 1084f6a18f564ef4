//! Set-returning functions in the select list: each becomes a function in FROM, joined sideways.

use std::collections::BTreeMap;

use super::binder::{Binder, ColumnKind};
use super::clause::Clause;
use super::level::SetCall;
use super::operator::bool_node;
use super::resolve::Chosen;
use super::walk;
use crate::error::{Error, Result, sqlstate};
use crate::sql::function::{SetFunction, Signature};
use crate::sql::relation::{JoinKind, Produced, Relation};
use crate::sql::scalar::{ColumnRef, Scalar, ScalarKind};
use crate::types::{ColumnType, Type};

impl Binder<'_> {
    /// A call of a set-returning function within an expression.
    pub fn set_call(
        &mut self,
        function: &'static SetFunction,
        chosen: &Chosen,
        args: Vec<Scalar>,
    ) -> Result<Scalar> {
        if self.clause() == Clause::FromFunction {
            return Err(Error::new(
                sqlstate::FEATURE_NOT_SUPPORTED,
                "set-returning functions must appear at top level of FROM",
            ));
        }
        if self.levels.is_empty() {
            return Err(super::clause::set_not_allowed("this context"));
        }
        self.clause().allow_set()?;
        let args = self.arguments(chosen, args, &[])?;
        let columns = self.set_columns(function, chosen)?;
        let rank = self.rank(&args);
        let value = match columns.as_slice() {
            [only] => Scalar::column(only.column, only.ty.clone()),
            several => {
                let fields =
                    several.iter().map(|c| Scalar::column(c.column, c.ty.clone())).collect();
                Scalar { kind: ScalarKind::Row(fields), ty: Type::Record.into() }
            }
        };
        let relation =
            Relation::Function { function, args, columns: columns.clone(), ordinality: None };
        self.level().sets.push(SetCall { relation, columns, rank });
        Ok(value)
    }

    /// New columns for what a set-returning function gives.
    pub fn set_columns(
        &mut self,
        function: &'static SetFunction,
        chosen: &Chosen,
    ) -> Result<Vec<Produced>> {
        let types = column_types(function, chosen)?;
        Ok(function
            .columns
            .iter()
            .zip(types)
            .map(|((name, _), ty)| self.column(ColumnKind::Set, &ty, name))
            .collect())
    }

    /// One more than the highest rank among the sets that arguments refer to.
    fn rank(&mut self, args: &[Scalar]) -> usize {
        let mut read: Vec<ColumnRef> = Vec::new();
        for arg in args {
            walk::columns(arg, &mut |column| read.push(column));
        }
        let sets = &self.level().sets;
        sets.iter()
            .filter(|s| s.columns.iter().any(|c| read.contains(&c.column)))
            .map(|s| s.rank + 1)
            .max()
            .unwrap_or(0)
    }

    /// Joins the sets of the innermost level to its relation: those of one rank run side by side,
    /// the shorter ones padded with NULLs.
    pub fn join_sets(&mut self, mut relation: Relation) -> Result<Relation> {
        let sets = std::mem::take(&mut self.level().sets);
        let mut ranks: BTreeMap<usize, Vec<SetCall>> = BTreeMap::new();
        for set in sets {
            ranks.entry(set.rank).or_default().push(set);
        }
        for sets in ranks.into_values() {
            let right = self.side_by_side(sets.into_iter().map(|s| s.relation).collect())?;
            relation = Relation::Join {
                kind: JoinKind::Inner,
                left: Box::new(relation),
                right: Box::new(right),
                on: Scalar::truth(),
                lateral: true,
            };
        }
        Ok(relation)
    }

    /// Functions row by row beside one another.
    pub fn side_by_side(&mut self, functions: Vec<Relation>) -> Result<Relation> {
        let alone = functions.len() == 1;
        let mut result: Option<(Relation, Vec<Scalar>)> = None;
        for mut relation in functions {
            if alone {
                return Ok(relation);
            }
            let number = self.column(ColumnKind::Computed, &ColumnType::plain(Type::Int8), "");
            let own = Scalar::column(number.column, Type::Int8);
            if let Relation::Function { ordinality, .. } = &mut relation {
                *ordinality = Some(number);
            }
            result = Some(match result {
                None => (relation, vec![own]),
                Some((left, mut numbers)) => {
                    let reached = match numbers.as_slice() {
                        [only] => only.clone(),
                        _ => Scalar {
                            kind: ScalarKind::Coalesce(numbers.clone()),
                            ty: Type::Int8.into(),
                        },
                    };
                    let on = bool_node(self.binary("=", reached, own.clone())?.kind);
                    numbers.push(own);
                    let join = Relation::Join {
                        kind: JoinKind::Full,
                        left: Box::new(left),
                        right: Box::new(relation),
                        on,
                        lateral: false,
                    };
                    (join, numbers)
                }
            });
        }
        result.map(|(relation, _)| relation).ok_or_else(|| Error::internal("no function"))
    }
}

/// The column types of a set-returning function in a call.
pub(super) fn column_types(
    function: &'static SetFunction,
    chosen: &Chosen,
) -> Result<Vec<ColumnType>> {
    if let [_] = function.columns.as_slice() {
        return Ok(vec![chosen.types.result.clone().into()]);
    }
    function
        .columns
        .iter()
        .map(|(_, signature)| match signature {
            Signature::Is(ty) => Ok(ColumnType::plain(ty.clone())),
            polymorphic => {
                // Such a column's type follows from the arguments.
                let given = &chosen.types.params;
                super::generic::resolve(&function.params, given, polymorphic)
                    .map(|resolved| resolved.result.into())
            }
        })
        .collect()
}
