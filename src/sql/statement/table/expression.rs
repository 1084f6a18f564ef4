//! Expressions of a table's definition: checked, put into the form that the catalogue keeps, and
//! compiled to run over rows.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{
    Expr, Ident, Value, ValueWithSpan, Visit, visit_expressions, visit_expressions_mut,
};

use crate::catalog::CatalogSnapshot;
use crate::catalog::descriptor::{ColumnDescriptor, ColumnId, DescriptorId, TableDescriptor};
use crate::error::{Error, Result, sqlstate};
use crate::sql::bind::{
    ExpressionUse, bind_expression_over_table, bind_scalar_over_table, stored_expression,
};
use crate::sql::exec::eval::{Expr as Compiled, Row};
use crate::sql::function::Volatility;
use crate::sql::plan::compile::compile_over;
use crate::sql::plan::walk;
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::sql::statement::Work;
use crate::sql::statement::object;
use crate::sql::statement::table::draft::row_of;
use crate::syntax::{self, Statement};
use crate::types::{ColumnType, Datum};

/// An expression as the catalogue keeps it.
pub(super) struct Stored {
    /// The text.
    pub sql: String,
    /// The relations that it names: sequences.
    pub names: Vec<DescriptorId>,
    /// Its type.
    pub ty: ColumnType,
}

/// Checks an expression of a table's definition and puts it into the form that is kept.
pub(super) fn store(
    work: &mut Work<'_>,
    tree: &Expr,
    table: &TableDescriptor,
    purpose: ExpressionUse,
    column: Option<&ColumnDescriptor>,
) -> Result<Stored> {
    let catalog = work.catalog()?;
    let ctx = object::binding(work, &catalog);
    let scalar = bind_expression_over_table(&ctx, tree, table, &row_of(table), purpose, column)?;
    let what = match purpose {
        ExpressionUse::Generated => Some("generation expression is not immutable"),
        ExpressionUse::IndexPredicate => {
            Some("functions in index predicate must be marked IMMUTABLE")
        }
        _ => None,
    };
    if let Some(message) = what
        && volatility(&scalar) != Volatility::Immutable
    {
        return Err(Error::new(sqlstate::INVALID_OBJECT_DEFINITION, message));
    }
    let (sql, names) = stored_expression(&ctx, tree)?;
    Ok(Stored { sql, names, ty: scalar.ty })
}

/// The most volatile function that an expression calls.
pub(super) fn volatility(scalar: &Scalar) -> Volatility {
    let mut most = match &scalar.kind {
        ScalarKind::Call { function, .. } => function.volatility,
        ScalarKind::AnyOf { operator, .. } | ScalarKind::AnyOfArray { operator, .. } => {
            operator.volatility
        }
        _ => Volatility::Immutable,
    };
    walk::operands(scalar, &mut |operand| match (most, volatility(operand)) {
        (_, Volatility::Volatile) => most = Volatility::Volatile,
        (Volatility::Immutable, Volatility::Stable) => most = Volatility::Stable,
        _ => {}
    });
    most
}

/// Whether an expression is the word NULL.
pub(super) fn is_null(tree: &Expr) -> bool {
    match tree {
        Expr::Nested(inner) => is_null(inner),
        Expr::Value(ValueWithSpan { value: Value::Null, .. }) => true,
        _ => false,
    }
}

/// Compiles a kept expression over a table's row.
pub(super) fn compile(
    work: &Work<'_>,
    catalog: &Arc<CatalogSnapshot>,
    sql: &str,
    table: &TableDescriptor,
) -> Result<Compiled> {
    let row = row_of(table);
    let scalar = bind_scalar_over_table(&object::binding(work, catalog), sql, table, &row)?;
    compile_over(&scalar, &row)
}

/// Binds a kept expression for a column, with the cast to the column's type.
pub(super) fn bind(
    work: &Work<'_>,
    catalog: &Arc<CatalogSnapshot>,
    sql: &str,
    table: &TableDescriptor,
    purpose: ExpressionUse,
    column: &ColumnDescriptor,
) -> Result<Scalar> {
    let ctx = object::binding(work, catalog);
    let row = row_of(table);
    bind_expression_over_table(&ctx, &parse(sql)?, table, &row, purpose, Some(column))
}

/// Compiles what [`bind`] bound over a table's row.
pub(super) fn compile_bound(scalar: &Scalar, table: &TableDescriptor) -> Result<Compiled> {
    compile_over(scalar, &row_of(table))
}

/// The value of an expression over a row.
pub(super) fn value(
    work: &mut Work<'_>,
    catalog: &Arc<CatalogSnapshot>,
    expr: &Compiled,
    row: &[Datum],
) -> Result<Datum> {
    expr.pure(&mut work.exec(catalog).eval, Row::Datums(row))
}

/// The columns of a table whose names an expression has.
pub(super) fn columns_in(tree: &Expr, table: &TableDescriptor) -> Vec<ColumnId> {
    let names = identifiers(tree);
    table.columns.iter().filter(|c| names.contains(c.name.as_str())).map(|c| c.id).collect()
}

/// The same for a kept expression.
pub(super) fn mentions(sql: &str, name: &str) -> Result<bool> {
    Ok(identifiers(&parse(sql)?).contains(name))
}

/// Whether the query of a view mentions a name as a column. One that cannot be read might.
pub(super) fn query_mentions(sql: &str, name: &str) -> bool {
    match syntax::parse(sql).ok().and_then(|mut all| all.pop()).map(|s| s.statement) {
        Some(Statement::Sql(tree)) => identifiers(tree.as_ref()).contains(name),
        _ => true,
    }
}

fn identifiers(tree: &impl Visit) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let _: ControlFlow<()> = visit_expressions(tree, |expr| {
        match expr {
            Expr::Identifier(ident) => {
                names.insert(ident.value.clone());
            }
            Expr::CompoundIdentifier(idents) => {
                names.extend(idents.last().map(|ident| ident.value.clone()));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
    names
}

/// A kept expression after a column got another name.
pub(super) fn rename_column(sql: &str, old: &str, new: &str) -> Result<String> {
    let mut tree = parse(sql)?;
    let replace = |ident: &mut Ident| {
        if ident.value == old {
            *ident = Ident::with_quote('"', new);
        }
    };
    let _: ControlFlow<()> = visit_expressions_mut(&mut tree, |expr| {
        match expr {
            Expr::Identifier(ident) => replace(ident),
            Expr::CompoundIdentifier(idents) => {
                if let Some(last) = idents.last_mut() {
                    replace(last);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
    Ok(tree.to_string())
}

/// A kept expression after its table got another name: columns qualified by the old one.
pub(super) fn rename_table(sql: &str, old: &str, new: &str) -> Result<String> {
    let mut tree = parse(sql)?;
    let _: ControlFlow<()> = visit_expressions_mut(&mut tree, |expr| {
        if let Expr::CompoundIdentifier(idents) = expr
            && let [table, _] = idents.as_mut_slice()
            && table.value == old
        {
            *table = Ident::with_quote('"', new);
        }
        ControlFlow::Continue(())
    });
    Ok(tree.to_string())
}

fn parse(sql: &str) -> Result<Expr> {
    use sqlparser::ast::{SelectItem, SetExpr, Statement as Tree};
    let broken = || Error::internal("an expression of the catalogue cannot be read");
    let statement = syntax::parse(&format!("SELECT {sql}"))?.pop().ok_or_else(broken)?;
    let Statement::Sql(tree) = statement.statement else { return Err(broken()) };
    let Tree::Query(query) = *tree else { return Err(broken()) };
    let SetExpr::Select(mut select) = *query.body else { return Err(broken()) };
    match select.projection.pop() {
        Some(SelectItem::UnnamedExpr(expr)) => Ok(expr),
        _ => Err(broken()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renaming_a_column_leaves_strings_and_functions_alone() {
        let sql = rename_column("a > 0 AND t.a < length('a') AND b = 'a'", "a", "x y").unwrap();
        assert_eq!(sql, "\"x y\" > 0 AND t.\"x y\" < length('a') AND b = 'a'");
        assert!(mentions("lower(name) <> ''", "name").unwrap());
        assert!(!mentions("lower(name) <> 'other'", "other").unwrap());
    }

    #[test]
    fn renaming_a_table_changes_qualified_columns_only() {
        assert_eq!(rename_table("t.t > 0 AND t > 1", "t", "u").unwrap(), "\"u\".t > 0 AND t > 1");
    }
}
