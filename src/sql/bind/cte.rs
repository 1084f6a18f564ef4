//! WITH: common table expressions and references to them.

use std::sync::Arc;

use sqlparser::ast::{Cte as Tree, Ident, SetExpr, TableAlias, With};

use super::binder::{Binder, ColumnKind};
use super::from::{FromPart, renamed};
use super::level::{Item, ItemColumn};
use super::name::At;
use super::query::{BoundQuery, Unknowns};
use crate::error::{Error, Result, sqlstate};
use crate::sql::relation::{CteId, Produced, Relation};
use crate::sql::scalar::{ColumnRef, Scalar};
use crate::types::ColumnType;

/// A common table expression in sight.
#[derive(Clone)]
pub(super) struct Cte {
    pub name: Arc<str>,
    pub id: CteId,
    pub columns: Vec<CteColumn>,
    /// How often it was referred to.
    pub references: usize,
    /// It is a data-modifying statement without RETURNING.
    pub silent: bool,
}

/// A column of a common table expression.
#[derive(Clone)]
pub(super) struct CteColumn {
    pub name: Arc<str>,
    pub column: ColumnRef,
    pub ty: ColumnType,
    pub origin: (u32, i16),
}

/// A definition to be put around the query that uses it.
pub(super) struct Definition {
    pub id: CteId,
    pub relation: Relation,
    /// Runs even if nobody reads it.
    pub modifies: bool,
}

impl Binder<'_> {
    /// Binds WITH and puts its expressions in sight.
    pub fn with_clause(&mut self, with: Option<&With>) -> Result<Vec<Definition>> {
        let Some(with) = with else { return Ok(Vec::new()) };
        let mark = self.ctes.len();
        let trees = if with.recursive {
            in_order(&with.cte_tables)?
        } else {
            with.cte_tables.iter().collect()
        };
        let mut definitions = Vec::with_capacity(trees.len());
        for tree in trees {
            let name = &tree.alias.name;
            if self.ctes.iter().skip(mark).any(|c| *c.name == *name.value) {
                return Err(Error::new(
                    sqlstate::DUPLICATE_ALIAS,
                    format!("WITH query name \"{}\" specified more than once", name.value),
                )
                .at(name.span));
            }
            if tree.from.is_some() {
                return Err(Error::syntax("syntax error at or near \"FROM\""));
            }
            let recursive = with.recursive && mentions(&*tree.query, &name.value);
            let (definition, cte) =
                if recursive { self.recursive_cte(tree)? } else { self.plain_cte(tree)? };
            definitions.push(definition);
            self.ctes.push(cte);
        }
        Ok(definitions)
    }

    fn plain_cte(&mut self, tree: &Tree) -> Result<(Definition, Cte)> {
        let modifies = matches!(
            &*tree.query.body,
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_)
        );
        if modifies && !self.levels.is_empty() {
            return Err(Error::new(
                sqlstate::FEATURE_NOT_SUPPORTED,
                "WITH clause containing a data-modifying statement must be at the top level",
            )
            .at(tree.alias.name.span));
        }
        let bound = self.query(&tree.query, Unknowns::Text)?;
        let id = self.new_cte();
        let columns = cte_columns(&bound, &tree.alias)?;
        let silent = modifies && columns.is_empty();
        let name = Arc::from(tree.alias.name.value.as_str());
        let cte = Cte { name, id, columns, references: 0, silent };
        Ok((Definition { id, relation: bound.relation, modifies }, cte))
    }

    /// Takes expressions out of sight and puts their definitions around a query.
    pub fn attach_ctes(
        &mut self,
        mark: usize,
        definitions: Vec<Definition>,
        mut body: Relation,
    ) -> Relation {
        let known = self.ctes.split_off(mark.min(self.ctes.len()));
        for definition in definitions.into_iter().rev() {
            let used = known.iter().any(|c| c.id == definition.id && c.references > 0);
            if !used && !definition.modifies {
                continue;
            }
            body = Relation::With {
                id: definition.id,
                definition: Box::new(definition.relation),
                body: Box::new(body),
            };
        }
        body
    }

    /// The expression that an unqualified name in FROM means, if it is one.
    pub fn cte_reference(
        &mut self,
        ident: &Ident,
        alias: Option<&TableAlias>,
    ) -> Result<Option<FromPart>> {
        let Some(cte) = self.ctes.iter_mut().rev().find(|c| *c.name == *ident.value) else {
            return Ok(None);
        };
        if cte.silent {
            return Err(Error::new(
                sqlstate::FEATURE_NOT_SUPPORTED,
                format!("WITH query \"{}\" does not have a RETURNING clause", ident.value),
            )
            .at(ident.span));
        }
        cte.references += 1;
        let cte = cte.clone();
        let name: Arc<str> = match alias {
            Some(alias) => Arc::from(alias.name.value.as_str()),
            None => cte.name.clone(),
        };
        let columns: Vec<(Produced, ColumnRef)> = cte
            .columns
            .iter()
            .map(|c| (self.column(ColumnKind::Source, &c.ty, &c.name), c.column))
            .collect();
        let item_columns = columns
            .iter()
            .zip(&cte.columns)
            .map(|((p, _), c)| ItemColumn {
                name: c.name.clone(),
                value: Scalar::column(p.column, p.ty.clone()),
                origin: c.origin,
                hidden: false,
            })
            .collect();
        let mut item = Item::new(name, item_columns);
        if alias.is_some() {
            item.relation = Some((Arc::from(""), cte.name.clone()));
        }
        let item = renamed(item, alias)?;
        self.rename_columns(&item);
        self.level().known.push(item.clone());
        Ok(Some(FromPart::single(Relation::CteScan { id: cte.id, columns }, item)))
    }
}

/// The columns of an expression under the names of its alias.
pub(super) fn cte_columns(bound: &BoundQuery, alias: &TableAlias) -> Result<Vec<CteColumn>> {
    if alias.columns.len() > bound.columns.len() {
        return Err(Error::new(
            sqlstate::INVALID_COLUMN_REFERENCE,
            format!(
                "WITH query \"{}\" has {} columns available but {} columns specified",
                alias.name.value,
                bound.columns.len(),
                alias.columns.len()
            ),
        )
        .at(alias.name.span));
    }
    let names = alias.columns.iter().map(|c| Some(&c.name.value)).chain(std::iter::repeat(None));
    Ok(bound
        .columns
        .iter()
        .zip(names)
        .map(|(c, name)| CteColumn {
            name: name.map_or_else(|| c.name.clone(), |n| Arc::from(n.as_str())),
            column: c.column,
            ty: c.ty.clone(),
            origin: c.origin,
        })
        .collect())
}

/// Whether a tree mentions a relation's name anywhere.
pub(super) fn mentions(query: &impl sqlparser::ast::Visit, name: &str) -> bool {
    let mut found = false;
    let _ = sqlparser::ast::visit_relations(query, |relation| {
        if let [part] = relation.0.as_slice()
            && part.as_ident().is_some_and(|i| i.value == name)
        {
            found = true;
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    found
}

/// The expressions of WITH RECURSIVE so that each stands after those that it uses.
fn in_order(trees: &[Tree]) -> Result<Vec<&Tree>> {
    let mut left: Vec<&Tree> = trees.iter().collect();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let ready = left.iter().position(|tree| {
            left.iter()
                .filter(|other| !std::ptr::eq(**other, *tree))
                .all(|other| !mentions(&*tree.query, &other.alias.name.value))
        });
        match ready {
            Some(place) => ordered.push(left.remove(place)),
            None => {
                return Err(Error::new(
                    sqlstate::FEATURE_NOT_SUPPORTED,
                    "mutual recursion between WITH items is not implemented",
                ));
            }
        }
    }
    Ok(ordered)
}
