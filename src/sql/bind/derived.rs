//! Subqueries in FROM.

use std::sync::Arc;

use sqlparser::ast::{Query, SetExpr, TableAlias};

use super::binder::Binder;
use super::from::{FromPart, renamed};
use super::level::{Item, ItemColumn};
use super::query::{BoundQuery, Unknowns};
use crate::error::{Error, Result};
use crate::sql::scalar::Scalar;

impl Binder<'_> {
    /// `(SELECT …) AS alias`.
    pub fn derived(
        &mut self,
        query: &Query,
        lateral: bool,
        alias: Option<&TableAlias>,
    ) -> Result<FromPart> {
        let Some(alias) = alias else {
            return Err(match &*query.body {
                SetExpr::Values(_) => Error::syntax("VALUES in FROM must have an alias")
                    .with_hint("For example, FROM (VALUES ...) [AS] foo."),
                _ => Error::syntax("subquery in FROM must have an alias")
                    .with_hint("For example, FROM (SELECT ...) [AS] foo."),
            });
        };
        let bound = self.with_lateral(lateral, |binder| binder.query(query, Unknowns::Text))?;
        let item = self.query_item(&bound, Arc::from(alias.name.value.as_str()), Some(alias))?;
        Ok(FromPart::single(bound.relation, item))
    }

    /// Binds with the items before in sight, if LATERAL says so.
    pub fn with_lateral<T>(
        &mut self,
        lateral: bool,
        step: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = std::mem::replace(&mut self.level().lateral_active, lateral);
        let result = step(self);
        self.level().lateral_active = before;
        result
    }

    /// The item that a bound query is in the FROM of the level around.
    pub fn query_item(
        &mut self,
        bound: &BoundQuery,
        name: Arc<str>,
        alias: Option<&TableAlias>,
    ) -> Result<Item> {
        let columns = bound
            .columns
            .iter()
            .map(|c| ItemColumn {
                name: c.name.clone(),
                value: Scalar::column(c.column, c.ty.clone()),
                origin: c.origin,
                hidden: false,
            })
            .collect();
        let item = renamed(Item::new(name, columns), alias)?;
        self.rename_columns(&item);
        self.level().known.push(item.clone());
        Ok(item)
    }
}
