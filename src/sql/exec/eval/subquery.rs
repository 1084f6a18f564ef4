//! Subqueries inside expressions.
//!
//! One that reads nothing from outside runs once per execution and its answer is remembered; `IN`
//! makes a set of it. One that does runs again for each row that needs it, after its outer values
//! were put into their slots.

use std::sync::Arc;

use crate::error::{Error, Result, sqlstate};
use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::build;
use crate::sql::exec::eval::compare::{Class, CompareOp, comparison_of};
use crate::sql::exec::eval::member::MemberSet;
use crate::sql::exec::eval::vector::{Wanted, count, row_at};
use crate::sql::exec::eval::{Expr, Row, Value};
use crate::sql::exec::memory::Charge;
use crate::sql::exec::state::Run;
use crate::sql::function::Function;
use crate::sql::plan::physical::Node;
use crate::types::{Array, ColumnType, Datum, Type};

/// A subquery that is ready to run.
#[derive(Clone, Debug)]
pub struct SubqueryExpr {
    /// What is asked of it.
    pub asked: Asked,
    /// The query.
    pub node: Node,
    /// The positions of its output columns.
    pub columns: Vec<usize>,
    /// Outer slots to fill from positions of the row at hand.
    pub captured: Vec<(usize, usize)>,
    /// Where the answer is remembered, if it does not depend on its surroundings.
    pub slot: Option<usize>,
}

/// What is asked of a subquery.
#[derive(Clone, Debug)]
pub enum Asked {
    /// Is there a row?
    Exists,
    /// The value of its row.
    Scalar,
    /// All values.
    Array,
    /// `left op ANY`, ALL
    Quantified {
        /// The left operands.
        left: Vec<Expr>,
        /// The operators.
        operators: Vec<&'static Function>,
        /// ALL
        all: bool,
    },
}

/// What a subquery gave.
pub enum Answer {
    /// EXISTS, a scalar, an array.
    Value(Datum),
    /// Rows to compare with.
    Rows(Batch),
    /// Values to look up in.
    Set(MemberSet, Class),
}

impl SubqueryExpr {
    /// The expressions over the row at hand.
    pub fn operands(&self) -> &[Expr] {
        match &self.asked {
            Asked::Quantified { left, .. } => left,
            _ => &[],
        }
    }

    /// Runs it and gives its answer.
    fn answer(&self, run: &mut Run<'_, '_>) -> Result<Arc<Answer>> {
        if let Some(slot) = self.slot
            && let Some(Some(known)) = run.state.subqueries.get(slot)
        {
            return Ok(known.clone());
        }
        let answer = Arc::new(self.ask(run)?);
        if let Some(place) = self.slot.and_then(|slot| run.state.subqueries.get_mut(slot)) {
            *place = Some(answer.clone());
        }
        Ok(answer)
    }

    fn ask(&self, run: &mut Run<'_, '_>) -> Result<Answer> {
        run.check()?;
        let mut operator = build(&self.node, run.state.measured());
        let first = self.columns.first().copied().unwrap_or(0);
        match &self.asked {
            Asked::Exists => {
                while let Some(batch) = operator.next(run)? {
                    if batch.rows > 0 {
                        return Ok(Answer::Value(Datum::Bool(true)));
                    }
                }
                Ok(Answer::Value(Datum::Bool(false)))
            }
            Asked::Scalar => {
                let mut found = None;
                while let Some(batch) = operator.next(run)? {
                    if batch.rows == 0 {
                        continue;
                    }
                    if batch.rows > 1 || found.is_some() {
                        return Err(Error::new(
                            sqlstate::CARDINALITY_VIOLATION,
                            "more than one row returned by a subquery used as an expression",
                        ));
                    }
                    found = Some(batch.columns.get(first).map_or(Datum::Null, |c| c.datum(0)));
                }
                Ok(Answer::Value(found.unwrap_or(Datum::Null)))
            }
            Asked::Array => {
                let mut items = Vec::new();
                let mut charge = Charge::default();
                let mut element = None;
                while let Some(batch) = operator.next(run)? {
                    if let Some(column) = batch.columns.get(first) {
                        charge.add(column.bytes(), run)?;
                        element.get_or_insert_with(|| column.ty.ty.clone());
                        items.extend((0..batch.rows).map(|r| column.datum(r)));
                    }
                }
                self.keep(charge, run);
                let element = element
                    .or_else(|| self.node.columns.get(first).map(|c| c.ty.ty.clone()))
                    .unwrap_or(Type::Text);
                Ok(Answer::Value(match element {
                    Type::Array(inner) => crate::sql::exec::eval::array::build(*inner, items)?,
                    element => Datum::Array(Arc::new(Array::from_items(element, items))),
                }))
            }
            Asked::Quantified { .. } => {
                let types: Vec<&ColumnType> = self
                    .columns
                    .iter()
                    .filter_map(|c| self.node.columns.get(*c).map(|p| &p.ty))
                    .collect();
                let mut rows = Batch::with_types(types);
                let mut charge = Charge::default();
                while let Some(batch) = operator.next(run)? {
                    let batch = batch.project(&self.columns);
                    charge.add(batch.bytes(), run)?;
                    rows.append(&batch);
                }
                self.keep(charge, run);
                Ok(match (self.set_class(), rows.columns.first()) {
                    (Some(class), Some(column)) => {
                        Answer::Set(MemberSet::new(&column.ty, column), class)
                    }
                    _ => Answer::Rows(rows),
                })
            }
        }
    }

    /// An answer that is kept for all rows costs its memory as long as the statement runs.
    fn keep(&self, charge: Charge, run: &mut Run<'_, '_>) {
        if self.slot.is_some() {
            run.state.keep(charge);
        }
    }

    /// The class of the values if this is `x IN (…)` or `x NOT IN (…)`.
    fn set_class(&self) -> Option<Class> {
        match &self.asked {
            Asked::Quantified { operators, all, .. } => match operators[..] {
                [one] => comparison_of(one)
                    .filter(|c| c.op == if *all { CompareOp::Ne } else { CompareOp::Eq })
                    .map(|c| c.class),
                _ => None,
            },
            _ => None,
        }
    }

    /// Its value for one row.
    pub fn single(&self, run: &mut Run<'_, '_>, row: Row<'_>) -> Result<Datum> {
        for (slot, position) in &self.captured {
            run.state.set_outer(*slot, row.get(*position));
        }
        let Asked::Quantified { left, operators, all } = &self.asked else {
            return Ok(match &*self.answer(run)? {
                Answer::Value(d) => d.clone(),
                _ => Datum::Null,
            });
        };
        let left: Vec<Datum> = left.iter().map(|e| e.datum(run, row)).collect::<Result<_>>()?;
        let answer = self.answer(run)?;
        self.quantified(run, &answer, &left, operators, *all)
    }

    fn quantified(
        &self,
        run: &mut Run<'_, '_>,
        answer: &Answer,
        left: &[Datum],
        operators: &[&'static Function],
        all: bool,
    ) -> Result<Datum> {
        let rows = match answer {
            Answer::Value(d) => return Ok(d.clone()),
            Answer::Set(set, _) => {
                let ty = self.operands().first().map(|e| e.ty.clone());
                let ty = ty.unwrap_or(ColumnType::plain(Type::Unknown));
                let column = Column::constant(&ty, left.first().unwrap_or(&Datum::Null), 1);
                return Ok(set.contains(&column, 1, all).datum(0));
            }
            Answer::Rows(rows) => rows,
        };
        let mut unknown = false;
        for row in 0..rows.rows {
            // A row comparison: equality holds when all fields do, inequality when one does.
            let mut verdict = Datum::Bool(!row_inequality(operators));
            for (((operand, l), operator), column) in
                self.operands().iter().zip(left).zip(operators).zip(&rows.columns)
            {
                let types = [operand.ty.ty.clone(), column.ty.ty.clone()];
                let args = [l.clone(), column.datum(row)];
                let part = operator.call(&mut run.ctx.eval, &types, &args)?;
                verdict =
                    if row_inequality(operators) { or(verdict, part) } else { and(verdict, part) };
            }
            match verdict {
                Datum::Bool(b) if b != all => return Ok(Datum::Bool(b)),
                Datum::Bool(_) => {}
                _ => unknown = true,
            }
        }
        Ok(if unknown { Datum::Null } else { Datum::Bool(all) })
    }

    /// Its values over the rows asked for.
    pub fn rows<'v>(
        &self,
        ty: &ColumnType,
        run: &mut Run<'_, '_>,
        input: &Batch,
        wanted: Wanted<'_>,
    ) -> Result<Value<'v>> {
        let rows = count(input, wanted);
        if self.captured.is_empty() && self.slot.is_some() {
            let answer = self.answer(run)?;
            match (&*answer, &self.asked) {
                (Answer::Value(d), _) => return Ok(Value::Constant(d.clone())),
                (Answer::Set(set, _), Asked::Quantified { left, all, .. }) => {
                    if let [operand] = &left[..] {
                        let value = operand.eval(run, input, wanted)?.spread(&operand.ty, rows);
                        if let Some(column) = value.as_column() {
                            return Ok(Value::Owned(set.contains(column, rows, *all)));
                        }
                    }
                }
                _ => {}
            }
        }
        let mut out = Column::with_capacity(ty.clone(), rows);
        for position in 0..rows {
            let row = Row::Batch(input, row_at(wanted, position));
            let value = self.single(run, row)?;
            out.push(&value);
        }
        Ok(Value::Owned(out))
    }
}

/// Whether a comparison of several fields is `<>`, which holds as soon as one field differs.
fn row_inequality(operators: &[&'static Function]) -> bool {
    operators
        .first()
        .and_then(|f| comparison_of(f))
        .is_some_and(|c| c.op == CompareOp::Ne && operators.len() > 1)
}

fn and(a: Datum, b: Datum) -> Datum {
    match (a, b) {
        (Datum::Bool(false), _) | (_, Datum::Bool(false)) => Datum::Bool(false),
        (Datum::Bool(true), Datum::Bool(true)) => Datum::Bool(true),
        _ => Datum::Null,
    }
}

fn or(a: Datum, b: Datum) -> Datum {
    match (a, b) {
        (Datum::Bool(true), _) | (_, Datum::Bool(true)) => Datum::Bool(true),
        (Datum::Bool(false), Datum::Bool(false)) => Datum::Bool(false),
        _ => Datum::Null,
    }
}
