//! Functions in FROM.

use std::sync::Arc;

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, TableAlias};

use super::binder::{Binder, ColumnKind};
use super::clause::Clause;
use super::from::{FromPart, renamed};
use super::level::{Item, ItemColumn};
use super::name::{At, last, words};
use super::resolve::{Callable, Chosen, choose_callable, undefined_function};
use super::set_call::column_types;
use super::type_name::column_type_in;
use crate::error::{Error, Result, sqlstate};
use crate::sql::function::SetFunction;
use crate::sql::relation::{Produced, Relation};
use crate::sql::scalar::Scalar;
use crate::syntax::ROW_SOURCE;
use crate::types::{ColumnType, Type};

impl Binder<'_> {
    /// `name(args) WITH ORDINALITY AS alias (columns)`.
    pub fn table_function(
        &mut self,
        name: &ObjectName,
        args: &[FunctionArg],
        ordinality: bool,
        alias: Option<&TableAlias>,
    ) -> Result<FromPart> {
        let ident = last(name)?;
        let span = ident.span;
        if ident.value == ROW_SOURCE && name.0.len() == 1 {
            return self.row_source(args, alias).at(span);
        }
        let mut trees = Vec::with_capacity(args.len());
        let mut names = Vec::with_capacity(args.len());
        for arg in args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => {
                    trees.push(e);
                    names.push(None);
                }
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(e), .. } => {
                    trees.push(e);
                    names.push(Some(name.value.clone()));
                }
                _ => return Err(Error::unsupported("this form of an argument in FROM")),
            }
        }
        // Words like current_date are functions here, too.
        let shown = words(name)?;
        if let [word] = shown.as_slice()
            && trees.is_empty()
            && let Some(value) = self.time_value(word, None)?
        {
            return self.value_part(value, ident, ordinality, alias);
        }
        if matches!(shown.as_slice(), ["unnest"] | ["pg_catalog", "unnest"]) && trees.len() > 1 {
            return self.unnest(&trees, ordinality, alias).at(span);
        }
        let mut values = self.lateral_arguments(&trees)?;
        super::call::discard_void(&mut values, &mut names);
        let types: Vec<Type> = values.iter().map(|a| a.ty.ty.clone()).collect();
        let registered = self.registry_name(&shown, &types)?;
        let chosen = choose_callable(&registered, &shown.join("."), &types, &names).at(span)?;
        match chosen.overload.callable {
            Callable::Set(function) => {
                let args = self.arguments(&chosen, values, &[])?;
                self.function_part(function, &chosen, args, ident, ordinality, alias)
            }
            Callable::Function(function) => {
                let value = self.call_function(function, &chosen, values)?;
                self.value_part(value, ident, ordinality, alias)
            }
            Callable::Aggregate(_) => Err(Error::new(
                sqlstate::GROUPING_ERROR,
                "aggregate functions are not allowed in functions in FROM",
            )
            .at(span)),
            Callable::Window(_) => Err(Error::new(
                sqlstate::WRONG_OBJECT_TYPE,
                format!("window function {} requires an OVER clause", ident.value),
            )
            .at(span)),
        }
    }

    fn lateral_arguments(&mut self, trees: &[&Expr]) -> Result<Vec<Scalar>> {
        self.with_lateral(true, |binder| {
            binder.in_clause(Clause::FromFunction, |binder| {
                trees.iter().map(|e| binder.expr(e)).collect()
            })
        })
    }

    /// A function that returns sets.
    fn function_part(
        &mut self,
        function: &'static SetFunction,
        chosen: &Chosen,
        args: Vec<Scalar>,
        ident: &Ident,
        ordinality: bool,
        alias: Option<&TableAlias>,
    ) -> Result<FromPart> {
        let mut types = column_types(function, chosen)?;
        let mut names: Vec<Arc<str>> =
            function.columns.iter().map(|(name, _)| Arc::from(*name)).collect();
        let mut alias = alias.cloned();
        // `AS t (a int, b text)` says what a record holds.
        let is_record = matches!(types.as_slice(), [only] if only.ty == Type::Record);
        let defined =
            alias.as_ref().is_some_and(|a| a.columns.iter().any(|c| c.data_type.is_some()));
        if is_record && !defined {
            return Err(Error::syntax(
                "a column definition list is required for functions returning \"record\"",
            )
            .at(ident.span));
        }
        if defined && let Some(alias) = &mut alias {
            if !is_record {
                return Err(Error::syntax(
                    "a column definition list is only allowed for functions returning \"record\"",
                )
                .at(ident.span));
            }
            types = alias
                .columns
                .iter()
                .map(|c| match &c.data_type {
                    Some(ty) => column_type_in(self.ctx, ty),
                    None => Err(Error::syntax("a column definition without a type")),
                })
                .collect::<Result<_>>()?;
            names = alias.columns.iter().map(|c| Arc::from(c.name.value.as_str())).collect();
            alias.columns.clear();
        } else if let ([only], Some(alias)) = (names.as_mut_slice(), &alias) {
            // A single column is called like the alias.
            *only = Arc::from(alias.name.value.as_str());
        }
        let columns: Vec<Produced> = types
            .iter()
            .zip(&names)
            .map(|(ty, name)| self.column(ColumnKind::Source, ty, name))
            .collect();
        let number = ordinality
            .then(|| self.column(ColumnKind::Source, &ColumnType::plain(Type::Int8), "ordinality"));
        let scalar = columns.len() == 1 && !is_record && !ordinality;
        let relation = Relation::Function {
            function,
            args,
            columns: columns.clone(),
            ordinality: number.clone(),
        };
        self.part(relation, columns, names, number, ident, alias.as_ref(), scalar)
    }

    /// A function that returns one value: one row of one column.
    fn value_part(
        &mut self,
        value: Scalar,
        ident: &Ident,
        ordinality: bool,
        alias: Option<&TableAlias>,
    ) -> Result<FromPart> {
        let value = self.settle(value)?;
        let name: Arc<str> = match alias {
            Some(alias) => Arc::from(alias.name.value.as_str()),
            None => Arc::from(ident.value.as_str()),
        };
        let column = self.column(ColumnKind::Source, &value.ty, &name);
        let number = ordinality
            .then(|| self.column(ColumnKind::Source, &ColumnType::plain(Type::Int8), "ordinality"));
        let mut row = vec![value];
        let mut columns = vec![column.clone()];
        if let Some(number) = &number {
            row.push(Scalar::literal(crate::types::Datum::Int8(1), Type::Int8));
            columns.push(number.clone());
        }
        let relation = Relation::Values { columns, rows: vec![row] };
        let scalar = number.is_none();
        self.part(relation, vec![column], vec![name], number, ident, alias, scalar)
    }

    #[allow(clippy::too_many_arguments)]
    fn part(
        &mut self,
        relation: Relation,
        columns: Vec<Produced>,
        names: Vec<Arc<str>>,
        number: Option<Produced>,
        ident: &Ident,
        alias: Option<&TableAlias>,
        scalar: bool,
    ) -> Result<FromPart> {
        let name = alias.map_or(&ident.value, |a| &a.name.value);
        let names = names.into_iter().chain([Arc::from("ordinality")]);
        let columns = columns
            .into_iter()
            .chain(number)
            .zip(names)
            .map(|(p, name)| ItemColumn {
                name,
                value: Scalar::column(p.column, p.ty),
                origin: (0, 0),
                hidden: false,
            })
            .collect();
        let mut item = Item::new(Arc::from(name.as_str()), columns);
        item.scalar = scalar;
        let item = renamed(item, alias)?;
        self.rename_columns(&item);
        self.level().known.push(item.clone());
        Ok(FromPart::single(relation, item))
    }

    /// `unnest(a, b, …)`: arrays side by side.
    pub fn unnest(
        &mut self,
        arrays: &[&Expr],
        ordinality: bool,
        alias: Option<&TableAlias>,
    ) -> Result<FromPart> {
        let ident = Ident::new("unnest");
        let values = self.lateral_arguments(arrays)?;
        if let [_] = values.as_slice() {
            let types: Vec<Type> = values.iter().map(|a| a.ty.ty.clone()).collect();
            let chosen = choose_callable("unnest", "unnest", &types, &[])?;
            let Callable::Set(function) = chosen.overload.callable else {
                return Err(undefined_function("unnest", &types, &[]));
            };
            let args = self.arguments(&chosen, values, &[])?;
            return self.function_part(function, &chosen, args, &ident, ordinality, alias);
        }
        let mut functions = Vec::with_capacity(values.len());
        let mut columns = Vec::with_capacity(values.len());
        for value in values {
            let types = [value.ty.ty.clone()];
            let chosen = choose_callable("unnest", "unnest", &types, &[])?;
            let Callable::Set(function) = chosen.overload.callable else {
                return Err(undefined_function("unnest", &types, &[]));
            };
            let args = self.arguments(&chosen, vec![value], &[])?;
            let produced = self.set_columns(function, &chosen)?;
            columns.extend(produced.clone());
            functions.push(Relation::Function {
                function,
                args,
                columns: produced,
                ordinality: None,
            });
        }
        let mut relation = self.side_by_side(functions)?;
        let mut number = None;
        if ordinality {
            // The rows are numbered after the arrays were put side by side.
            let (result, call) = self.ranking("row_number")?;
            number = Some(result.clone());
            relation = Relation::Window {
                input: Box::new(relation),
                partition_by: Vec::new(),
                order_by: Vec::new(),
                calls: vec![(result, call)],
            };
        }
        let names = vec![Arc::from("unnest"); columns.len()];
        self.part(relation, columns, names, number, &ident, alias, false)
    }
}
