//! ARRAY[…], subscripts, and fields of rows.

use sqlparser::ast::{AccessExpr, Expr, Ident, Subscript};

use super::binder::Binder;
use super::cast::unwrapped;
use super::generic::{array_of, element};
use super::name::At;
use crate::error::{Error, Result, sqlstate};
use crate::sql::function;
use crate::sql::scalar::{ColumnRef, Scalar, ScalarKind};
use crate::types::cast::CastContext;
use crate::types::{ColumnType, Type};

impl Binder<'_> {
    /// `ARRAY[…]`, its elements cast to the target's element type if there is a target.
    pub fn array(&mut self, items: &[Expr], target: Option<&ColumnType>) -> Result<Scalar> {
        let item_type =
            target.and_then(|t| element(&t.ty).map(|ty| ColumnType { ty, modifier: t.modifier }));
        let mut bound = Vec::with_capacity(items.len());
        for item in items {
            bound.push(match (unwrapped(item), &item_type) {
                (Expr::Array(inner), _) => {
                    let inner = self.nested(|b| b.array(&inner.elem, target))?;
                    match target {
                        // Dimensions are no part of the type.
                        Some(target) => self.explicit_cast(inner, target)?,
                        None => inner,
                    }
                }
                (_, Some(item_type)) => {
                    let value = self.expr(item)?;
                    match element(&value.ty.ty) {
                        Some(_) => self.explicit_cast(value, &array_type(item_type))?,
                        None => self.explicit_cast(value, item_type)?,
                    }
                }
                _ => self.expr(item)?,
            });
        }
        if let Some(item_type) = item_type {
            return Ok(Scalar { kind: ScalarKind::Array(bound), ty: array_type(&item_type) });
        }
        if bound.is_empty() {
            return Err(Error::new(
                sqlstate::INDETERMINATE_DATATYPE,
                "cannot determine type of empty array",
            )
            .with_hint("Explicitly cast to the desired type, for example ARRAY[]::integer[]."));
        }
        let (bound, ty) = self.unify("ARRAY", bound)?;
        Ok(Scalar { kind: ScalarKind::Array(bound), ty: array_type(&ty) })
    }

    /// `x[1]`, `x[1:2]`, `(x).f`, and chains of them.
    pub fn access(&mut self, root: &Expr, chain: &[AccessExpr]) -> Result<Scalar> {
        let mut chain = chain.iter().peekable();
        let mut value = match (unwrapped(root), chain.peek()) {
            // `(t).column` and `(f(x)).column` read the column itself.
            (inner, Some(AccessExpr::Dot(Expr::Identifier(field)))) => {
                chain.next();
                self.field_of(inner, field)?
            }
            _ => self.expr(root)?,
        };
        while let Some(step) = chain.next() {
            match step {
                AccessExpr::Dot(Expr::Identifier(field)) => {
                    value = self.record_field(value, None, field)?;
                }
                AccessExpr::Dot(other) => {
                    return Err(Error::syntax(format!("syntax error at or near \"{other}\"")));
                }
                AccessExpr::Subscript(first) => {
                    let mut subscripts = vec![first];
                    while let Some(AccessExpr::Subscript(next)) = chain.peek() {
                        subscripts.push(next);
                        chain.next();
                    }
                    value = self.subscript(value, &subscripts)?;
                }
            }
        }
        Ok(value)
    }

    fn field_of(&mut self, root: &Expr, field: &Ident) -> Result<Scalar> {
        let name: Option<Vec<&Ident>> = match root {
            Expr::Identifier(ident) => Some(vec![ident]),
            Expr::CompoundIdentifier(idents) => Some(idents.iter().collect()),
            _ => None,
        };
        if let Some(name) = name
            && let Some(found) = self.find_item(&name)?
        {
            let alias = found.item.alias.clone();
            return match self.column_of_item(&found, field)? {
                Some(column) => Ok(column.value),
                None => Err(Error::new(
                    sqlstate::UNDEFINED_COLUMN,
                    format!("column \"{}\" not found in data type {alias}", field.value),
                )
                .at(field.span)),
            };
        }
        let names = record_names(root);
        let value = self.expr(root)?;
        self.record_field(value, names.as_deref(), field)
    }

    fn subscript(&mut self, value: Scalar, subscripts: &[&Subscript]) -> Result<Scalar> {
        if value.ty.ty == Type::Jsonb {
            return self.jsonb_subscript(value, subscripts);
        }
        let Some(item) = element(&value.ty.ty) else {
            return Err(Error::new(
                sqlstate::DATATYPE_MISMATCH,
                format!(
                    "cannot subscript type {} because it does not support subscripting",
                    value.ty.ty
                ),
            ));
        };
        let modifier = value.ty.modifier;
        let array = Box::new(value);
        let is_slice = subscripts.iter().any(|s| matches!(s, Subscript::Slice { .. }));
        if !is_slice {
            let mut indexes = Vec::with_capacity(subscripts.len());
            for subscript in subscripts {
                if let Subscript::Index { index } = subscript {
                    indexes.push(self.index(index)?);
                }
            }
            let ty = ColumnType { ty: item, modifier };
            return Ok(Scalar { kind: ScalarKind::Subscript { array, indexes }, ty });
        }
        let mut bounds = Vec::with_capacity(subscripts.len());
        for subscript in subscripts {
            bounds.push(match subscript {
                // Among slices a single index n means 1:n.
                Subscript::Index { index } => {
                    let one = Scalar::literal(crate::types::Datum::Int4(1), Type::Int4);
                    (Some(one), Some(self.index(index)?))
                }
                Subscript::Slice { lower_bound, upper_bound, stride } => {
                    if stride.is_some() {
                        return Err(Error::syntax("syntax error at or near \":\""));
                    }
                    let low = lower_bound.as_ref().map(|e| self.index(e)).transpose()?;
                    let high = upper_bound.as_ref().map(|e| self.index(e)).transpose()?;
                    (low, high)
                }
            });
        }
        let ty = ColumnType { ty: array_of(&item), modifier };
        Ok(Scalar { kind: ScalarKind::Slice { array, bounds }, ty })
    }

    fn index(&mut self, index: &Expr) -> Result<Scalar> {
        let index = self.expr(index)?;
        self.coerce(index, &Type::Int4, CastContext::Assignment)?.ok_or_else(|| {
            Error::new(sqlstate::DATATYPE_MISMATCH, "array subscript must have type integer")
        })
    }

    /// `j['key']`, `j[0]`: what `->` does.
    fn jsonb_subscript(&mut self, value: Scalar, subscripts: &[&Subscript]) -> Result<Scalar> {
        let mut value = value;
        for subscript in subscripts {
            let Subscript::Index { index } = subscript else {
                return Err(Error::new(
                    sqlstate::DATATYPE_MISMATCH,
                    "jsonb subscript does not support slices",
                ));
            };
            let index = self.expr(index)?;
            let index = self.settle(index)?;
            value = self.binary("->", value, index)?;
        }
        Ok(value)
    }
}

fn array_type(item: &ColumnType) -> ColumnType {
    ColumnType { ty: array_of(&item.ty), modifier: item.modifier }
}

/// Names of the fields of what an expression gives, if that is a row that has them.
pub(super) fn record_names(expr: &Expr) -> Option<Vec<String>> {
    if let Some(fields) = super::row::fields(expr) {
        return Some((1..=fields.len()).map(|i| format!("f{i}")).collect());
    }
    let Expr::Function(call) = unwrapped(expr) else { return None };
    let words = super::name::words(&call.name).ok()?;
    let qualified = words.join(".");
    let mut found = function::set_functions(&qualified).iter();
    let found = found.next().or_else(|| function::set_functions(words.last()?).first())?;
    Some(found.columns.iter().map(|(name, _)| (*name).to_owned()).collect())
}

impl Binder<'_> {
    /// Remembers the names of the fields of a column that holds the rows of a function.
    pub fn remember_record(&mut self, column: ColumnRef, row: &Scalar) {
        let ScalarKind::Row(fields) = &row.kind else { return };
        let known = fields.iter().map(|field| {
            let info = self.columns.get(field.as_column()?.0 as usize)?;
            Some((info.name.clone(), field.ty.clone()))
        });
        if let Some(fields) = known.collect::<Option<Vec<_>>>() {
            self.records.insert(column, fields);
        }
    }

    /// A field of a row by name.
    pub(super) fn record_field(
        &self,
        value: Scalar,
        names: Option<&[String]>,
        field: &Ident,
    ) -> Result<Scalar> {
        if value.ty.ty != Type::Record {
            return Err(Error::new(
                sqlstate::WRONG_OBJECT_TYPE,
                format!(
                    "column notation .{} applied to type {}, which is not a composite type",
                    field.value, value.ty.ty
                ),
            )
            .at(field.span));
        }
        if let Some(fields) = value.as_column().and_then(|column| self.records.get(&column))
            && let Some(place) = fields.iter().position(|(name, _)| **name == *field.value)
            && let Some((_, ty)) = fields.get(place)
        {
            let ty = ty.clone();
            return Ok(Scalar { kind: ScalarKind::Field(Box::new(value), place), ty });
        }
        let place = names.and_then(|n| n.iter().position(|name| *name == field.value));
        match (value.kind, place) {
            (ScalarKind::Row(fields), Some(place)) => fields
                .into_iter()
                .nth(place)
                .ok_or_else(|| Error::internal("a field beyond its row")),
            _ => Err(Error::new(
                sqlstate::UNDEFINED_COLUMN,
                format!("could not identify column \"{}\" in record data type", field.value),
            )
            .at(field.span)),
        }
    }
}
