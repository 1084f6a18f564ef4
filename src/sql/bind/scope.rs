//! What a name means: columns and items of the innermost level, then of the levels around it.

use sqlparser::ast::Ident;
use sqlparser::tokenizer::Span;

use super::binder::Binder;
use super::level::{Item, ItemColumn, Level};
use super::name::At;
use crate::catalog::privilege::Privilege;
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::{Scalar, ScalarKind};
use crate::types::Type;

/// An item that a name found.
pub(super) struct Found {
    pub item: Item,
    /// How many levels out.
    pub up: usize,
}

impl Binder<'_> {
    /// `a`, `t.a`, `s.t.a`, `d.s.t.a`.
    pub fn column_reference(&mut self, idents: &[Ident]) -> Result<Scalar> {
        let (last, qualifier) = match idents.split_last() {
            Some(split) => split,
            None => return Err(Error::internal("an empty name")),
        };
        if qualifier.is_empty() {
            if let Some(column) = self.find_column(last)? {
                return Ok(column.value);
            }
            // A relation's name alone is its whole row.
            if let Some(found) = self.find_item(&[last])? {
                return self.whole_row(&found, last.span);
            }
            return Err(self.missing_column(None, &last.value).at(last.span));
        }
        let qualifier: Vec<&Ident> = qualifier.iter().collect();
        let start = qualifier.first().map_or(last.span, |i| i.span);
        if let Some(found) = self.find_item(&qualifier)? {
            let alias = found.item.alias.clone();
            return match self.column_of_item(&found, last)? {
                Some(column) => Ok(column.value),
                None => Err(self.missing_column(Some(&alias), &last.value).at(start)),
            };
        }
        // `column.field` is not how a field is read; parentheses say so, as in `(column).field`.
        Err(self.missing_item(&qualifier).at(start))
    }

    /// The column that an unqualified name means.
    pub fn find_column(&mut self, name: &Ident) -> Result<Option<ItemColumn>> {
        for up in 0..self.levels.len() {
            let depth = self.levels.len() - 1 - up;
            let Some(level) = self.levels.get(depth) else { continue };
            let mut found: Option<(Item, ItemColumn)> = None;
            for item in level.items.iter().filter(|i| i.by_column && in_sight(level, i)) {
                for column in item.columns.iter().filter(|c| *c.name == *name.value) {
                    if found.is_some() {
                        return Err(Error::new(
                            sqlstate::AMBIGUOUS_COLUMN,
                            format!("column reference \"{}\" is ambiguous", name.value),
                        )
                        .at(name.span));
                    }
                    found = Some((item.clone(), column.clone()));
                }
            }
            if let Some((item, column)) = found {
                self.note_use(&Found { item, up }, name.span)?;
                return Ok(Some(column));
            }
        }
        Ok(None)
    }

    /// The item that `t`, `s.t` or `d.s.t` means.
    pub fn find_item(&mut self, name: &[&Ident]) -> Result<Option<Found>> {
        let (relation, schema) = match name {
            [relation] => (&relation.value, None),
            [schema, relation] => (&relation.value, Some(&schema.value)),
            [database, schema, relation] => {
                if *database.value != *self.ctx.session.database {
                    return Err(Error::new(
                        sqlstate::FEATURE_NOT_SUPPORTED,
                        format!(
                            "cross-database references are not implemented: {}.{}.{}",
                            database.value, schema.value, relation.value
                        ),
                    ));
                }
                (&relation.value, Some(&schema.value))
            }
            _ => return Ok(None),
        };
        for (up, level) in self.levels.iter().rev().enumerate() {
            let mut found = None;
            for item in level.items.iter().filter(|i| i.by_name && in_sight(level, i)) {
                let matches = match schema {
                    None => *item.alias == **relation,
                    // The real name counts, and only while no alias hides it.
                    Some(schema) => item.relation.as_ref().is_some_and(|(s, r)| {
                        **s == **schema && **r == **relation && *item.alias == **r
                    }),
                };
                if !matches {
                    continue;
                }
                if found.is_some() {
                    return Err(Error::new(
                        sqlstate::AMBIGUOUS_ALIAS,
                        format!("table reference \"{relation}\" is ambiguous"),
                    ));
                }
                found = Some(item.clone());
            }
            if let Some(item) = found {
                return Ok(Some(Found { item, up }));
            }
        }
        Ok(None)
    }

    /// A column of an item, if it has one of that name.
    pub fn column_of_item(&mut self, found: &Found, name: &Ident) -> Result<Option<ItemColumn>> {
        let mut columns = found.item.columns.iter().filter(|c| *c.name == *name.value);
        let Some(column) = columns.next() else { return Ok(None) };
        if columns.next().is_some() {
            return Err(Error::new(
                sqlstate::AMBIGUOUS_COLUMN,
                format!("column reference \"{}\" is ambiguous", name.value),
            )
            .at(name.span));
        }
        self.note_use(found, name.span)?;
        Ok(Some(column.clone()))
    }

    /// `t` or `t.*` as one value.
    pub fn whole_row(&mut self, found: &Found, span: Span) -> Result<Scalar> {
        self.note_use(found, span)?;
        if found.item.scalar
            && let Some(only) = found.item.columns.first()
        {
            return Ok(only.value.clone());
        }
        let fields: Vec<Scalar> = found.item.visible().map(|c| c.value.clone()).collect();
        Ok(Scalar { kind: ScalarKind::Row(fields), ty: Type::Record.into() })
    }

    /// Notes that an item is used: privileges, LATERAL, and whether that is allowed at all.
    pub fn note_use(&mut self, found: &Found, span: Span) -> Result<()> {
        let item = &found.item;
        if let Some(table) = item.select_on_use {
            self.require(table, Privilege::Select);
        }
        if item.lateral_only {
            if !item.lateral_ok {
                return Err(Error::new(
                    sqlstate::INVALID_COLUMN_REFERENCE,
                    format!("invalid reference to FROM-clause entry for table \"{}\"", item.alias),
                )
                .with_detail(
                    "The combining JOIN type must be INNER or LEFT for a LATERAL reference.",
                )
                .at(span));
            }
            let depth = self.levels.len().checked_sub(found.up + 1);
            if let Some(level) = depth.and_then(|d| self.levels.get_mut(d)) {
                level.lateral_used = true;
            }
        }
        Ok(())
    }
}

/// Whether names can mean an item now.
pub(super) fn in_sight(level: &Level, item: &Item) -> bool {
    !item.lateral_only || level.lateral_active
}
