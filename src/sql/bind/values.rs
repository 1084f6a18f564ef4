//! VALUES, and TABLE.

use std::sync::Arc;

use sqlparser::ast::{Expr, Ident, ObjectName, ObjectNamePart, Table, Values};

use super::binder::{Binder, ColumnKind};
use super::clause::Clause;
use super::common_type::{clash_error, common_modifier, resolve_common};
use super::query::{BoundQuery, QueryColumn, Tail};
use super::target::Target;
use crate::error::{Error, Result};
use crate::sql::relation::{Produced, Relation};
use crate::sql::scalar::Scalar;
use crate::types::ColumnType;

/// The name of column `i` (from zero) of VALUES.
pub(super) fn column_name(i: usize) -> Arc<str> {
    Arc::from(format!("column{}", i + 1))
}

impl Binder<'_> {
    /// VALUES as a query.
    pub fn values_query(&mut self, values: &Values, tail: Tail<'_>) -> Result<BoundQuery> {
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            let mut bound = Vec::with_capacity(row.content.len());
            for expr in &row.content {
                if is_default(expr) {
                    return Err(Error::syntax("DEFAULT is not allowed in this context"));
                }
                bound.push(self.in_clause(Clause::Values, |b| b.expr(expr))?);
            }
            rows.push(bound);
        }
        let width = check_width(&rows)?;
        let types = self.unify_columns(&mut rows, width)?;
        let produced: Vec<Produced> = types
            .iter()
            .enumerate()
            .map(|(i, ty)| self.column(ColumnKind::Source, ty, &column_name(i)))
            .collect();
        let columns = produced
            .iter()
            .enumerate()
            .map(|(i, p)| QueryColumn {
                name: column_name(i),
                column: p.column,
                ty: p.ty.clone(),
                origin: (0, 0),
                constant: None,
            })
            .collect();
        let relation = Relation::Values { columns: produced, rows };
        self.finish_output(BoundQuery { relation, columns }, tail, true)
    }

    /// Brings each column of some rows to one type.
    fn unify_columns(&mut self, rows: &mut [Vec<Scalar>], width: usize) -> Result<Vec<ColumnType>> {
        let mut types = Vec::with_capacity(width);
        for i in 0..width {
            let column = || rows.iter().filter_map(|row| row.get(i)).map(|s| &s.ty.ty);
            let ty = resolve_common(column()).map_err(|clash| clash_error("VALUES", &clash))?;
            for row in rows.iter_mut() {
                if let Some(value) = row.get_mut(i) {
                    let scalar = std::mem::replace(value, Scalar::truth());
                    *value = self.as_common_type("VALUES", scalar, &ty)?;
                }
            }
            let given = rows.iter().filter_map(|row| row.get(i)).map(|s| &s.ty);
            let modifier = common_modifier(&ty, given);
            types.push(ColumnType { ty, modifier });
        }
        Ok(types)
    }

    /// `TABLE t`: all columns of a table.
    pub fn table_command(&mut self, table: &Table, tail: Tail<'_>) -> Result<BoundQuery> {
        let words = table.schema_name.iter().chain(&table.table_name);
        let name =
            ObjectName(words.map(|w| ObjectNamePart::Identifier(Ident::new(w.clone()))).collect());
        let part = self.relation_by_name(&name, None)?;
        self.level().items = part.items;
        let targets: Vec<Target<'_>> = part
            .columns
            .iter()
            .filter(|c| !c.hidden)
            .map(|c| Target {
                name: c.name.clone(),
                scalar: c.value.clone(),
                tree: None,
                origin: c.origin,
                junk: false,
            })
            .collect();
        let (projection, columns) = self.project(&targets);
        let relation = Relation::Project { input: Box::new(part.relation), columns: projection };
        self.finish_output(BoundQuery { relation, columns }, tail, true)
    }
}

/// Whether an expression is the word DEFAULT.
pub(super) fn is_default(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Identifier(ident)
            if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default")
    )
}

/// The width of rows, which must all be of one.
pub(super) fn check_width<T>(rows: &[Vec<T>]) -> Result<usize> {
    let width = rows.first().map_or(0, Vec::len);
    if rows.iter().any(|row| row.len() != width) {
        return Err(Error::syntax("VALUES lists must all be the same length"));
    }
    Ok(width)
}
