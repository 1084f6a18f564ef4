//! Expressions that the catalog keeps as text: defaults, checks, index predicates, generated
//! columns. Relations in them are numbers: `nextval(104::regclass)`.

use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, SelectItem, SetExpr, Value,
    ValueWithSpan,
};

use super::BindContext;
use super::binder::{Binder, Search};
use super::clause::Clause;
use super::level::{Item, ItemColumn, Level};
use super::type_name::pin_types;
use crate::catalog::descriptor::{ColumnDescriptor, DescriptorId, TableDescriptor};
use crate::catalog::names;
use crate::error::{Error, Result};
use crate::sql::relation::{Check, Produced};
use crate::sql::scalar::Scalar;
use crate::syntax::{self, Statement};
use crate::types::cast::CastContext;
use crate::types::{ColumnType, Datum};

/// What an expression over a table's row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpressionUse {
    /// CHECK
    Check,
    /// DEFAULT, which may not read columns.
    Default,
    /// The predicate of a partial index.
    IndexPredicate,
    /// GENERATED ALWAYS AS
    Generated,
    /// ALTER COLUMN … TYPE … USING
    Transform,
}

impl ExpressionUse {
    fn clause(self) -> Clause {
        match self {
            ExpressionUse::Check => Clause::Check,
            ExpressionUse::Default => Clause::Default,
            ExpressionUse::IndexPredicate => Clause::IndexPredicate,
            ExpressionUse::Generated => Clause::Generated,
            ExpressionUse::Transform => Clause::Transform,
        }
    }
}

/// Binds stored text over a table's row; `columns` holds one column for each of `table.columns`.
pub fn bind_scalar_over_table(
    ctx: &BindContext<'_>,
    sql: &str,
    table: &TableDescriptor,
    columns: &[Produced],
) -> Result<Scalar> {
    let tree = expression(sql)?;
    let mut binder = Binder::new(ctx, &[], &[]);
    binder.over_table(&tree, table, columns, Clause::Check)
}

/// Binds stored text over a table's row as the value of a column.
pub fn bind_kept_value(
    ctx: &BindContext<'_>,
    sql: &str,
    table: &TableDescriptor,
    columns: &[Produced],
    column: &ColumnDescriptor,
) -> Result<Scalar> {
    let tree = expression(sql)?;
    bind_expression_over_table(ctx, &tree, table, columns, ExpressionUse::Transform, Some(column))
}

/// Binds an expression of a statement that changes a table, and casts it to a type if one is
/// expected: a condition to boolean, a default to the column's type.
pub fn bind_expression_over_table(
    ctx: &BindContext<'_>,
    tree: &Expr,
    table: &TableDescriptor,
    columns: &[Produced],
    purpose: ExpressionUse,
    expected: Option<&ColumnDescriptor>,
) -> Result<Scalar> {
    let mut binder = Binder::new(ctx, &[], &[]);
    let columns = if purpose == ExpressionUse::Default { &[] } else { columns };
    let clause = purpose.clause();
    let scalar = binder.over_table(tree, table, columns, clause)?;
    if purpose == ExpressionUse::Default && super::walk::has_columns(&scalar) {
        return Err(Error::new(
            crate::error::sqlstate::FEATURE_NOT_SUPPORTED,
            "cannot use column reference in DEFAULT expression",
        ));
    }
    let scalar = match (purpose, expected) {
        (ExpressionUse::Check | ExpressionUse::IndexPredicate, _) => {
            let construct = if purpose == ExpressionUse::Check { "CHECK" } else { "WHERE" };
            binder.boolean(scalar, construct)?
        }
        (_, Some(column)) => binder.assign(scalar, column)?,
        (_, None) => binder.settle(scalar)?,
    };
    binder.params.finish()?;
    Ok(scalar)
}

/// Binds an expression outside of any query: the value of SET, an option, AS OF SYSTEM TIME.
pub fn bind_constant(
    ctx: &BindContext<'_>,
    tree: &Expr,
    expected: Option<&ColumnType>,
) -> Result<Scalar> {
    bind_constant_with(ctx, tree, expected, &mut super::ParameterTypes::default())
}

/// The same, where parameters may stand in it.
pub fn bind_constant_with(
    ctx: &BindContext<'_>,
    tree: &Expr,
    expected: Option<&ColumnType>,
    params: &mut super::ParameterTypes,
) -> Result<Scalar> {
    let mut binder = Binder::new(ctx, &[], &params.0);
    let level = Level { clause: Clause::Constant, ..Level::new(0) };
    binder.levels.push(level);
    let scalar = binder.expr(tree)?;
    let scalar = match expected {
        Some(expected) => {
            let from = scalar.ty.ty.clone();
            binder.coerce_to(scalar, expected, CastContext::Assignment)?.ok_or_else(|| {
                Error::new(
                    crate::error::sqlstate::DATATYPE_MISMATCH,
                    format!("expression must be of type {expected}, not type {from}"),
                )
            })?
        }
        None => binder.settle(scalar)?,
    };
    params.0 = binder.params.finish()?.into_iter().map(Some).collect();
    Ok(scalar)
}

/// The text under which the catalog keeps an expression, and the relations that it names: names in
/// arguments of sequence functions and in `'name'::regclass` become numbers.
pub fn stored_expression(
    ctx: &BindContext<'_>,
    tree: &Expr,
) -> Result<(String, Vec<DescriptorId>)> {
    let search = Search::new(ctx)?;
    let mut tree = tree.clone();
    let mut named: Vec<DescriptorId> = Vec::new();
    let mut number = |word: &str| -> Result<Expr> {
        let parts = names_in(word)?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let table = names::resolve_relation(ctx.catalog, search.scope(), &parts)?;
        if !named.contains(&table.id) {
            named.push(table.id);
        }
        expression(&format!("{}::regclass", table.id))
    };
    let flow = sqlparser::ast::visit_expressions_mut(&mut tree, |expr| {
        match replace_names(expr, &mut number).and_then(|()| pin_types_in(ctx, expr)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => ControlFlow::Break(e),
        }
    });
    match flow {
        ControlFlow::Break(e) => Err(e),
        ControlFlow::Continue(()) => Ok((tree.to_string(), named)),
    }
}

/// Puts numbers in the place of the types that a cast or a literal names.
pub(super) fn pin_types_in(ctx: &BindContext<'_>, expr: &mut Expr) -> Result<()> {
    match expr {
        Expr::Cast { data_type, .. } => pin_types(ctx, data_type),
        Expr::TypedString(typed) => pin_types(ctx, &mut typed.data_type),
        _ => Ok(()),
    }
}

fn replace_names(expr: &mut Expr, number: &mut dyn FnMut(&str) -> Result<Expr>) -> Result<()> {
    match expr {
        Expr::Cast { expr: inner, data_type: sqlparser::ast::DataType::Regclass, .. } => {
            if let Some(word) = string(inner) {
                *expr = number(&word)?;
            }
        }
        Expr::Function(call) => {
            let words = super::name::words(&call.name)?;
            if !matches!(words.last(), Some(&("nextval" | "currval" | "setval"))) {
                return Ok(());
            }
            if let FunctionArguments::List(list) = &mut call.args
                && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) =
                    list.args.first_mut()
                && let Some(word) = string(first)
            {
                *first = number(&word)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn string(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => string(inner),
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(word), .. }) => {
            // A number is what the catalog keeps already.
            (!word.chars().all(|c| c.is_ascii_digit())).then(|| word.clone())
        }
        _ => None,
    }
}

/// The parts of a dotted name in a string.
fn names_in(word: &str) -> Result<Vec<String>> {
    match expression(word)? {
        Expr::Identifier(ident) => Ok(vec![ident.value]),
        Expr::CompoundIdentifier(idents) => Ok(idents.into_iter().map(|i| i.value).collect()),
        _ => Err(Error::new(crate::error::sqlstate::INVALID_NAME, "invalid name syntax")),
    }
}

/// Parses one expression.
pub(super) fn expression(sql: &str) -> Result<Expr> {
    let wrong = || Error::syntax(format!("not an expression: {sql}"));
    let statement = syntax::parse(&format!("SELECT {sql}"))?.pop().ok_or_else(wrong)?;
    let Statement::Sql(tree) = statement.statement else { return Err(wrong()) };
    let sqlparser::ast::Statement::Query(query) = *tree else { return Err(wrong()) };
    let SetExpr::Select(mut select) = *query.body else { return Err(wrong()) };
    match (select.projection.pop(), select.projection.is_empty()) {
        (Some(SelectItem::UnnamedExpr(expr)), true) => Ok(expr),
        _ => Err(wrong()),
    }
}

impl Binder<'_> {
    /// Binds an expression over a table's row and nothing else.
    pub fn over_table(
        &mut self,
        tree: &Expr,
        table: &TableDescriptor,
        columns: &[Produced],
        clause: Clause,
    ) -> Result<Scalar> {
        let outer = std::mem::take(&mut self.levels);
        let id = self.new_level();
        let mut level = Level { clause, ..Level::new(id) };
        let item_columns = table
            .columns
            .iter()
            .zip(columns)
            .map(|(c, p)| ItemColumn {
                name: Arc::from(c.name.as_str()),
                value: Scalar::column(p.column, p.ty.clone()),
                origin: (0, 0),
                hidden: c.hidden,
            })
            .collect();
        let item = Item::new(Arc::from(table.name.as_str()), item_columns);
        level.known.push(item.clone());
        level.items.push(item);
        self.levels.push(level);
        let result = self.expr(tree);
        self.levels = outer;
        result
    }

    /// The value of a column that nobody gave one: its default, or NULL.
    pub fn default_value(
        &mut self,
        table: &TableDescriptor,
        column: &ColumnDescriptor,
    ) -> Result<Scalar> {
        match &column.default {
            Some(sql) => {
                let tree = expression(sql)?;
                let value = self.over_table(&tree, table, &[], Clause::Default)?;
                self.assign(value, column)
            }
            None => Ok(Scalar::literal(Datum::Null, column.ty.clone())),
        }
    }

    /// The value of a generated column over a row; `None` for an ordinary column.
    pub fn generated_value(
        &mut self,
        table: &TableDescriptor,
        column: &ColumnDescriptor,
        row: &[Produced],
    ) -> Result<Option<Scalar>> {
        let Some(sql) = &column.computed else { return Ok(None) };
        let tree = expression(sql)?;
        let value = self.over_table(&tree, table, row, Clause::Generated)?;
        self.assign(value, column).map(Some)
    }

    /// The CHECK constraints of a table over a row.
    pub fn checks(&mut self, table: &TableDescriptor, row: &[Produced]) -> Result<Vec<Check>> {
        let mut checks = Vec::with_capacity(table.checks.len());
        for check in &table.checks {
            let tree = expression(&check.expression)?;
            let predicate = self.over_table(&tree, table, row, Clause::Check)?;
            let predicate = self.boolean(predicate, "CHECK")?;
            checks.push(Check { name: check.name.clone(), predicate });
        }
        Ok(checks)
    }

    /// The predicates of a table's partial indexes over a row.
    pub fn predicates(
        &mut self,
        table: &TableDescriptor,
        row: &[Produced],
    ) -> Result<Vec<(u32, Scalar)>> {
        let mut predicates = Vec::new();
        for index in table.all_indexes() {
            if let Some(sql) = &index.predicate {
                let tree = expression(sql)?;
                let predicate = self.over_table(&tree, table, row, Clause::IndexPredicate)?;
                predicates.push((index.id, self.boolean(predicate, "WHERE")?));
            }
        }
        Ok(predicates)
    }
}
