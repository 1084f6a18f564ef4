//! Views: their queries as the catalog keeps them, and their expansion where they are read.

use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, Statement as Tree, TableAlias, TableFactor, VisitMut, VisitorMut,
};

use super::BindContext;
use super::binder::Binder;
use super::default_expr::pin_types_in;
use super::from::{FromPart, renamed};
use super::level::{Item, ItemColumn};
use super::name::{parts, position};
use super::query::Unknowns;
use crate::catalog::descriptor::{DescriptorId, TableDescriptor};
use crate::catalog::names::qualified_name;
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::Scalar;
use crate::syntax::{self, Statement};
use crate::types::ColumnType;

/// A view as the catalog keeps it.
#[derive(Clone, Debug)]
pub struct StoredView {
    /// The query, every relation qualified and every wildcard spelt out.
    pub query: String,
    /// Names and types of its columns.
    pub columns: Vec<(String, ColumnType)>,
    /// The relations that it reads.
    pub depends_on: Vec<DescriptorId>,
}

/// Makes what the catalog keeps of a view.
pub fn store_view(ctx: &BindContext<'_>, query: &Query) -> Result<StoredView> {
    let mut binder = Binder::new(ctx, &[], &[]);
    let bound = binder.query(query, Unknowns::Text)?;
    if binder.modifies {
        return Err(Error::new(
            sqlstate::FEATURE_NOT_SUPPORTED,
            "views must not contain data-modifying statements in WITH",
        ));
    }
    if !binder.params.finish()?.is_empty() {
        return Err(Error::new(sqlstate::UNDEFINED_PARAMETER, "there is no parameter $1"));
    }
    let columns: Vec<(String, ColumnType)> =
        bound.columns.iter().map(|c| (c.name.to_string(), c.ty.clone())).collect();
    for (i, (name, _)) in columns.iter().enumerate() {
        if columns.iter().take(i).any(|(other, _)| other == name) {
            return Err(Error::new(
                sqlstate::DUPLICATE_COLUMN,
                format!("column \"{name}\" specified more than once"),
            ));
        }
    }
    let mut stored = query.clone();
    let mut rewrite = Rewrite { binder: &binder, scopes: Vec::new(), depends_on: Vec::new() };
    if let ControlFlow::Break(e) = VisitMut::visit(&mut stored, &mut rewrite) {
        return Err(e);
    }
    let depends_on = rewrite.depends_on;
    Ok(StoredView { query: stored.to_string(), columns, depends_on })
}

/// Qualifies relations and spells wildcards out.
struct Rewrite<'b, 'a> {
    binder: &'b Binder<'a>,
    /// Names of common table expressions, by query.
    scopes: Vec<Vec<String>>,
    depends_on: Vec<DescriptorId>,
}

impl Rewrite<'_, '_> {
    fn table(&mut self, name: &mut ObjectName, alias: &mut Option<TableAlias>) -> Result<()> {
        let idents = parts(name)?;
        let Some(last) = idents.last().map(|i| (*i).clone()) else { return Ok(()) };
        if idents.len() == 1 && self.scopes.iter().flatten().any(|known| *known == last.value) {
            return Ok(());
        }
        let words: Vec<String> = if let Some(table) = self.binder.virtual_table(&idents) {
            vec![table.schema.to_owned(), table.name.to_owned()]
        } else {
            let table = self.binder.resolve_table(&idents)?;
            if !self.depends_on.contains(&table.id) {
                self.depends_on.push(table.id);
            }
            qualified_name(self.binder.ctx.catalog, &table).to_vec()
        };
        *name =
            ObjectName(words.into_iter().map(|w| ObjectNamePart::Identifier(quoted(w))).collect());
        if alias.is_none() {
            *alias = Some(TableAlias {
                explicit: true,
                name: quoted(last.value),
                columns: Vec::new(),
                at: None,
            });
        }
        Ok(())
    }

    fn wildcards(&self, body: &mut SetExpr) -> Result<()> {
        match body {
            SetExpr::Select(select) => {
                let items = std::mem::take(&mut select.projection);
                for item in items {
                    match self.spelt_out(&item)? {
                        Some(columns) => select.projection.extend(columns),
                        None => select.projection.push(item),
                    }
                }
                Ok(())
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.wildcards(left)?;
                self.wildcards(right)
            }
            // Nested queries are visited themselves.
            SetExpr::Query(_) | SetExpr::Values(_) => Ok(()),
            SetExpr::Table(_) => {
                Err(Error::unsupported("TABLE in a view").with_hint("Write SELECT * FROM instead."))
            }
            _ => Err(Error::unsupported("this statement in a view")),
        }
    }

    fn spelt_out(&self, item: &SelectItem) -> Result<Option<Vec<SelectItem>>> {
        let options = match item {
            SelectItem::Wildcard(options)
            | SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(_),
                options,
            ) => options,
            _ => return Ok(None),
        };
        let at = position(options.wildcard_token.0.span);
        let known = self.binder.wildcards.iter().find(|(p, _)| Some(*p) == at);
        let Some((_, columns)) = known else {
            return Err(Error::internal("a wildcard that was not bound"));
        };
        let columns = columns.iter().map(|(table, name)| {
            let name = quoted(name.to_string());
            SelectItem::UnnamedExpr(match table {
                Some(table) => Expr::CompoundIdentifier(vec![quoted(table.to_string()), name]),
                None => Expr::Identifier(name),
            })
        });
        Ok(Some(columns.collect()))
    }
}

impl VisitorMut for Rewrite<'_, '_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        let names = query.with.iter().flat_map(|w| &w.cte_tables);
        self.scopes.push(names.map(|c| c.alias.name.value.clone()).collect());
        into_flow(self.wildcards(&mut query.body))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        into_flow(pin_types_in(self.binder.ctx, expr))
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                into_flow(self.table(name, alias))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

fn into_flow(result: Result<()>) -> ControlFlow<Error> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(e) => ControlFlow::Break(e),
    }
}

fn quoted(word: String) -> Ident {
    Ident::with_quote('"', word)
}

impl Binder<'_> {
    /// A view in FROM: its query, bound for its owner.
    pub fn view(
        &mut self,
        table: &Arc<TableDescriptor>,
        sql: &str,
        alias: Option<&TableAlias>,
    ) -> Result<FromPart> {
        if self.views.contains(&table.id) {
            return Err(Error::new(
                sqlstate::INVALID_OBJECT_DEFINITION,
                format!("infinite recursion detected in rules for relation \"{}\"", table.name),
            ));
        }
        let broken = || Error::internal(format!("the query of view \"{}\" is broken", table.name));
        let statement = syntax::parse(sql)?.pop().ok_or_else(broken)?;
        let Statement::Sql(tree) = statement.statement else { return Err(broken()) };
        let Tree::Query(query) = *tree else { return Err(broken()) };
        // The query sees nothing of the statement around it.
        let levels = std::mem::take(&mut self.levels);
        let ctes = std::mem::take(&mut self.ctes);
        let owner = self.owner.replace(Arc::from(table.privileges.owner.as_str()));
        self.views.push(table.id);
        let bound = self.query(&query, Unknowns::Text);
        self.views.pop();
        self.owner = owner;
        self.ctes = ctes;
        self.levels = levels;
        let mut bound = bound?;
        if bound.columns.len() != table.columns.len() {
            return Err(broken());
        }
        self.convert_columns(&mut bound, |binder, i, value| {
            let Some(column) = table.columns.get(i) else { return Ok(value) };
            if value.ty.ty == column.ty.ty { Ok(value) } else { binder.assign(value, column) }
        })?;
        let columns = bound
            .columns
            .iter()
            .zip(&table.columns)
            .enumerate()
            .map(|(i, (bound, c))| ItemColumn {
                name: Arc::from(c.name.as_str()),
                value: Scalar::column(bound.column, bound.ty.clone()),
                origin: (table.id, i16::try_from(i + 1).unwrap_or(0)),
                hidden: c.hidden,
            })
            .collect();
        let name = alias.map_or(table.name.as_str(), |a| a.name.value.as_str());
        let mut item = Item::new(Arc::from(name), columns);
        let schema = self.ctx.catalog.schema_any_state(table.schema).map_or("", |s| &s.name);
        let schema = if alias.is_none() { schema } else { "" };
        item.relation = Some((Arc::from(schema), Arc::from(table.name.as_str())));
        let item = renamed(item, alias)?;
        self.rename_columns(&item);
        self.level().known.push(item.clone());
        Ok(FromPart::single(bound.relation, item))
    }
}
