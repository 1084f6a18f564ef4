//! `[SHOW …]` in FROM: rows of another statement.

use std::fmt;
use std::sync::Arc;

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, TableAlias, Value, ValueWithSpan};

use super::binder::{Binder, ColumnKind};
use super::from::{FromPart, renamed};
use super::level::{Item, ItemColumn};
use crate::error::{Error, Result};
use crate::sql::relation::{Produced, Relation};
use crate::sql::scalar::Scalar;
use crate::syntax::Statement;
use crate::types::{ColumnType, Datum};

/// The rows of a statement in brackets.
#[derive(Clone, Debug, Default)]
pub struct RowSource {
    /// Names and types of the columns.
    pub columns: Vec<(String, ColumnType)>,
    /// The rows; none when only the columns are asked for.
    pub rows: Vec<Vec<Datum>>,
}

/// Runs, or only describes, the statements in brackets. The session provides it.
pub trait RowSources {
    /// The rows of a statement.
    fn rows(&self, statement: &Statement) -> Result<RowSource>;
}

impl fmt::Debug for dyn RowSources + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowSources")
    }
}

impl Binder<'_> {
    /// `[SHOW …] AS alias`, which the parser numbered.
    pub fn row_source(
        &mut self,
        args: &[FunctionArg],
        alias: Option<&TableAlias>,
    ) -> Result<FromPart> {
        let statement = number(args)
            .and_then(|number| self.row_sources.get(number))
            .ok_or_else(|| Error::syntax("no such row source"))?;
        let sources = self
            .ctx
            .row_sources
            .ok_or_else(|| Error::unsupported("a statement in brackets here"))?;
        let source = sources.rows(statement)?;
        self.reusable = false;
        let produced: Vec<Produced> = source
            .columns
            .iter()
            .map(|(name, ty)| self.column(ColumnKind::Source, ty, name))
            .collect();
        let rows = source
            .rows
            .into_iter()
            .map(|row| {
                let typed = row.into_iter().zip(&source.columns);
                typed.map(|(value, (_, ty))| Scalar::literal(value, ty.clone())).collect()
            })
            .collect();
        let columns = produced
            .iter()
            .zip(&source.columns)
            .map(|(p, (name, _))| ItemColumn {
                name: Arc::from(name.as_str()),
                value: Scalar::column(p.column, p.ty.clone()),
                origin: (0, 0),
                hidden: false,
            })
            .collect();
        let name = alias.map_or("", |a| &a.name.value);
        let mut item = Item::new(Arc::from(name), columns);
        item.by_name = alias.is_some();
        let item = renamed(item, alias)?;
        self.rename_columns(&item);
        self.level().known.push(item.clone());
        Ok(FromPart::single(Relation::Values { columns: produced, rows }, item))
    }
}

fn number(args: &[FunctionArg]) -> Option<usize> {
    match args {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
                value: Value::Number(digits, _),
                ..
            }))),
        ] => digits.parse().ok(),
        _ => None,
    }
}
