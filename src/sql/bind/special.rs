//! Functions whose arguments are separated by words: POSITION, SUBSTRING, TRIM, OVERLAY, COLLATE.

use sqlparser::ast::{CeilFloorKind, Expr, ObjectName, TrimWhereField};

use super::binder::Binder;
use super::name::words;
use crate::error::{Error, Result, sqlstate};
use crate::sql::scalar::Scalar;
use crate::types::{Datum, Type, oid};

impl Binder<'_> {
    /// `POSITION(what IN text)`.
    pub fn position_of(&mut self, what: &Expr, text: &Expr) -> Result<Scalar> {
        let what = self.expr(what)?;
        let text = self.expr(text)?;
        self.call_named("position", vec![text, what])
    }

    /// `SUBSTRING(x FROM a FOR b)`; `shorthand` is the spelling `SUBSTR`.
    pub fn substring(
        &mut self,
        x: &Expr,
        from: Option<&Expr>,
        length: Option<&Expr>,
        shorthand: bool,
    ) -> Result<Scalar> {
        let mut args = vec![self.expr(x)?];
        match (from, length) {
            (Some(from), None) => args.push(self.expr(from)?),
            (Some(from), Some(length)) => {
                args.push(self.expr(from)?);
                args.push(self.expr(length)?);
            }
            (None, Some(length)) => {
                args.push(Scalar::literal(Datum::Int4(1), Type::Int4));
                let length = self.expr(length)?;
                args.push(self.explicit_cast(length, &Type::Int4.into())?);
            }
            (None, None) => {}
        }
        self.call_named(if shorthand { "substr" } else { "substring" }, args)
    }

    /// `TRIM(BOTH what FROM x)`, `TRIM(x, what)`.
    pub fn trim(
        &mut self,
        side: Option<&TrimWhereField>,
        what: Option<&Expr>,
        x: &Expr,
        characters: Option<&[Expr]>,
    ) -> Result<Scalar> {
        let function = match side {
            None | Some(TrimWhereField::Both) => "btrim",
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
        };
        let mut args = vec![self.expr(x)?];
        for extra in what.into_iter().chain(characters.into_iter().flatten()) {
            args.push(self.expr(extra)?);
        }
        self.call_named(function, args)
    }

    /// `OVERLAY(x PLACING y FROM a FOR b)`.
    pub fn overlay(
        &mut self,
        x: &Expr,
        what: &Expr,
        from: &Expr,
        length: Option<&Expr>,
    ) -> Result<Scalar> {
        let mut args = vec![self.expr(x)?, self.expr(what)?, self.expr(from)?];
        if let Some(length) = length {
            args.push(self.expr(length)?);
        }
        self.call_named("overlay", args)
    }

    /// `CEIL(x)` and `FLOOR(x)`.
    pub fn rounded(&mut self, name: &str, x: &Expr, field: &CeilFloorKind) -> Result<Scalar> {
        match field {
            CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime) => {
                let x = self.expr(x)?;
                self.call_named(name, vec![x])
            }
            _ => Err(Error::syntax(format!("{name} takes one argument"))),
        }
    }

    /// `x COLLATE c`: all strings here compare by code points, which is what `C` means.
    pub fn collate(&mut self, x: &Expr, collation: &ObjectName) -> Result<Scalar> {
        let words = words(collation)?;
        let name = words.last().copied().unwrap_or_default();
        if !matches!(name, "C" | "POSIX" | "default" | "ucs_basic" | "C.UTF-8" | "C.utf8") {
            return Err(Error::new(
                sqlstate::UNDEFINED_OBJECT,
                format!("collation \"{}\" for encoding \"UTF8\" does not exist", words.join(".")),
            ));
        }
        let x = self.expr(x)?;
        let x = self.settle(x)?;
        let of = match &x.ty.ty {
            Type::Array(element) => oid::category(element),
            ty => oid::category(ty),
        };
        if of != 'S' {
            return Err(Error::new(
                sqlstate::DATATYPE_MISMATCH,
                format!("collations are not supported by type {}", x.ty.ty),
            ));
        }
        Ok(x)
    }
}
