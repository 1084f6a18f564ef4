//! The select list: expressions, wildcards, names.

use std::sync::Arc;

use sqlparser::ast::{
    Expr, ObjectName, SelectItem, SelectItemQualifiedWildcardKind, WildcardAdditionalOptions,
};
use sqlparser::tokenizer::Span;

use super::array::record_names;
use super::binder::Binder;
use super::cast::unwrapped;
use super::clause::Clause;
use super::column_name::column_name;
use super::level::{Item, ItemColumn};
use super::name::{At, parts, position};
use super::scope::Found;
use crate::error::{Error, Result};
use crate::limits::COLUMNS_MAX;
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::Type;

/// An entry of the select list, or of ORDER BY.
#[derive(Clone)]
pub(super) struct Target<'q> {
    pub name: Arc<str>,
    pub scalar: Scalar,
    /// The expression that it was bound from, if it was one.
    pub tree: Option<&'q Expr>,
    /// OID of the table and number of the column, or zeros.
    pub origin: (u32, i16),
    /// Not in the output.
    pub junk: bool,
}

impl<'q> Target<'q> {
    /// A target that only ORDER BY or GROUP BY needs.
    pub fn junk(scalar: Scalar, tree: &'q Expr) -> Target<'q> {
        let name = Arc::from("");
        Target { name, scalar, tree: Some(tree), origin: (0, 0), junk: true }
    }
}

impl Binder<'_> {
    /// Binds a select list (or RETURNING).
    pub fn targets<'q>(
        &mut self,
        items: &'q [SelectItem],
        clause: Clause,
    ) -> Result<Vec<Target<'q>>> {
        let mut targets = Vec::with_capacity(items.len());
        for item in items {
            self.in_clause(clause, |binder| binder.target(item, &mut targets))?;
        }
        if targets.len() > COLUMNS_MAX {
            return Err(Error::new(
                crate::error::sqlstate::TOO_MANY_COLUMNS,
                format!("target lists can have at most {COLUMNS_MAX} entries"),
            ));
        }
        Ok(targets)
    }

    fn target<'q>(&mut self, item: &'q SelectItem, targets: &mut Vec<Target<'q>>) -> Result<()> {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let target = self.expression(expr, None)?;
                targets.push(target);
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let target = self.expression(expr, Some(&alias.value))?;
                targets.push(target);
            }
            SelectItem::ExprWithAliases { .. } => {
                return Err(Error::unsupported("several aliases for one expression"));
            }
            SelectItem::Wildcard(options) => {
                plain(options)?;
                let span = options.wildcard_token.0.span;
                self.all_columns(span, targets)?;
            }
            SelectItem::QualifiedWildcard(kind, options) => {
                plain(options)?;
                let span = options.wildcard_token.0.span;
                match kind {
                    SelectItemQualifiedWildcardKind::ObjectName(name) => {
                        let found = self.wildcard_item(name)?;
                        self.note_use(&found, span)?;
                        self.push_columns(&found.item, true, span, targets);
                    }
                    SelectItemQualifiedWildcardKind::Expr(expr) => {
                        self.record_columns(expr, targets)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn expression<'q>(&mut self, expr: &'q Expr, alias: Option<&str>) -> Result<Target<'q>> {
        let scalar = self.expr(expr)?;
        let origin = self.origin_of(expr, &scalar);
        let name = match alias {
            Some(alias) => Arc::from(alias),
            None => Arc::from(column_name(expr)),
        };
        Ok(Target { name, scalar, tree: Some(expr), origin, junk: false })
    }

    /// The table and column that a plain column reference reads.
    fn origin_of(&mut self, expr: &Expr, scalar: &Scalar) -> (u32, i16) {
        if !matches!(unwrapped(expr), Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            return (0, 0);
        }
        let Some(column) = scalar.as_column() else { return (0, 0) };
        let all = self.levels.iter().rev().flat_map(|l| l.known.iter());
        let mut columns = all.flat_map(|i| i.columns.iter());
        columns
            .find(|c| c.value.as_column() == Some(column) && c.origin.0 != 0)
            .map_or((0, 0), |c| c.origin)
    }

    /// `*`.
    fn all_columns(&mut self, span: Span, targets: &mut Vec<Target<'_>>) -> Result<()> {
        let items: Vec<Item> = self.level().items.iter().filter(|i| i.by_column).cloned().collect();
        if items.is_empty() {
            return Err(Error::syntax("SELECT * with no tables specified is not valid").at(span));
        }
        for item in items {
            let found = Found { item, up: 0 };
            self.note_use(&found, span)?;
            self.push_columns(&found.item, false, span, targets);
        }
        Ok(())
    }

    /// The item of `t.*`.
    fn wildcard_item(&mut self, name: &ObjectName) -> Result<Found> {
        let idents = parts(name)?;
        match self.find_item(&idents)? {
            Some(found) => Ok(found),
            None => {
                let error = self.missing_item(&idents);
                Err(match idents.first() {
                    Some(first) => error.at(first.span),
                    None => error,
                })
            }
        }
    }

    /// The values of `t.*` within a row.
    pub fn wildcard_values(&mut self, name: &ObjectName) -> Result<Vec<Scalar>> {
        let found = self.wildcard_item(name)?;
        self.note_use(&found, Span::empty())?;
        Ok(found.item.visible().map(|c| c.value.clone()).collect())
    }

    fn push_columns(
        &mut self,
        item: &Item,
        qualified: bool,
        span: Span,
        targets: &mut Vec<Target<'_>>,
    ) {
        let columns: Vec<ItemColumn> = item.visible().cloned().collect();
        // A stored view wants the columns by name, for `*` would mean others later.
        if self.views.is_empty()
            && let Some(position) = position(span)
        {
            let qualify = qualified || item.by_name;
            let names = columns
                .iter()
                .map(|c| (Some(item.alias.clone()).filter(|_| qualify), c.name.clone()));
            let names: Vec<_> = names.collect();
            match self.wildcards.iter_mut().find(|(p, _)| *p == position) {
                Some((_, known)) => known.extend(names),
                None => self.wildcards.push((position, names)),
            }
        }
        targets.extend(columns.into_iter().map(|c| Target {
            name: c.name,
            scalar: c.value,
            tree: None,
            origin: c.origin,
            junk: false,
        }));
    }

    /// `(expression).*`.
    fn record_columns(&mut self, expr: &Expr, targets: &mut Vec<Target<'_>>) -> Result<()> {
        let root = unwrapped(expr);
        let name: Option<Vec<&sqlparser::ast::Ident>> = match root {
            Expr::Identifier(ident) => Some(vec![ident]),
            Expr::CompoundIdentifier(idents) => Some(idents.iter().collect()),
            _ => None,
        };
        if let Some(name) = name
            && let Some(found) = self.find_item(&name)?
        {
            self.note_use(&found, Span::empty())?;
            self.push_columns(&found.item, true, Span::empty(), targets);
            return Ok(());
        }
        let names = record_names(root);
        let value = self.expr(root)?;
        match (value.kind, names) {
            (ScalarKind::Row(fields), Some(names)) => {
                targets.extend(fields.into_iter().zip(names).map(|(scalar, name)| Target {
                    name: Arc::from(name),
                    scalar,
                    tree: None,
                    origin: (0, 0),
                    junk: false,
                }));
                Ok(())
            }
            _ if value.ty.ty == Type::Record => {
                Err(Error::unsupported("expanding this row with .*"))
            }
            _ => Err(Error::new(
                crate::error::sqlstate::WRONG_OBJECT_TYPE,
                format!("type {} is not composite", value.ty.ty),
            )),
        }
    }
}

fn plain(options: &WildcardAdditionalOptions) -> Result<()> {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    if opt_ilike.is_some()
        || opt_exclude.is_some()
        || opt_except.is_some()
        || opt_replace.is_some()
        || opt_rename.is_some()
        || opt_alias.is_some()
    {
        return Err(Error::syntax("syntax error after \"*\""));
    }
    Ok(())
}
