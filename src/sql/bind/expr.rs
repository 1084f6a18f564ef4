//! Expressions: which kind of node is whose business.

use sqlparser::ast::{Expr, FunctionArguments};

use super::binder::Binder;
use super::name::At;
use super::operator::not;
use crate::error::{Error, Result};
use crate::sql::scalar::Scalar;

impl Binder<'_> {
    /// Binds an expression; its type may be unknown.
    pub fn expr(&mut self, expr: &Expr) -> Result<Scalar> {
        self.nested(|binder| binder.node(expr))
    }

    fn node(&mut self, expr: &Expr) -> Result<Scalar> {
        match expr {
            Expr::Nested(inner) => self.expr(inner),
            Expr::Value(value) => self.literal(value),
            Expr::Identifier(ident) => match self.keyword_value(ident)? {
                Some(value) => Ok(value),
                None => self.column_reference(std::slice::from_ref(ident)),
            },
            Expr::CompoundIdentifier(idents) => self.column_reference(idents),
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            Expr::BinaryOp { left, op, right } => self.binary_expr(left, op, right),
            Expr::UnaryOp { op, expr } => self.unary_expr(op, expr),
            Expr::Function(call) => self.function_expr(call),
            Expr::Cast { kind, expr, data_type, format } => {
                self.cast_expr(kind, expr, data_type, format.is_some())
            }
            Expr::TypedString(typed) => self.typed_string(typed),
            Expr::Interval(interval) => self.interval(interval),
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            Expr::IsTrue(e) => self.is_bool(e, true, false),
            Expr::IsNotTrue(e) => self.is_bool(e, true, true),
            Expr::IsFalse(e) => self.is_bool(e, false, false),
            Expr::IsNotFalse(e) => self.is_bool(e, false, true),
            Expr::IsUnknown(e) => self.is_unknown(e, false),
            Expr::IsNotUnknown(e) => self.is_unknown(e, true),
            Expr::IsNull(e) => self.is_null(e, false),
            Expr::IsNotNull(e) => self.is_null(e, true),
            Expr::IsDistinctFrom(a, b) => self.is_distinct(a, b, false),
            Expr::IsNotDistinctFrom(a, b) => self.is_distinct(a, b, true),
            Expr::Between { expr, negated, low, high } => self.between(expr, low, high, *negated),
            Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            Expr::InSubquery { expr, subquery, negated } => {
                let test = self.in_subquery(expr, subquery)?;
                Ok(if *negated { not(test) } else { test })
            }
            Expr::AnyOp { left, compare_op, right, .. } => {
                self.any_of(left, super::operator::operator_name(compare_op)?, right, false)
            }
            Expr::AllOp { left, compare_op, right } => {
                self.any_of(left, super::operator::operator_name(compare_op)?, right, true)
            }
            Expr::Exists { subquery, negated } => {
                let test = self.exists(subquery)?;
                Ok(if *negated { not(test) } else { test })
            }
            Expr::Subquery(query) => self.scalar_subquery(query),
            Expr::Tuple(fields) => self.row_value(&fields.iter().collect::<Vec<_>>()),
            Expr::Array(array) => self.array(&array.elem, None),
            Expr::Like { negated, any, expr, pattern, escape_char } => {
                let operator = if *negated { "!~~" } else { "~~" };
                if *any {
                    return self.like_any(expr, pattern, operator);
                }
                self.like(expr, pattern, escape_char.as_deref(), operator)
            }
            Expr::ILike { negated, any, expr, pattern, escape_char } => {
                let operator = if *negated { "!~~*" } else { "~~*" };
                if *any {
                    return self.like_any(expr, pattern, operator);
                }
                self.like(expr, pattern, escape_char.as_deref(), operator)
            }
            Expr::SimilarTo { negated, expr, pattern, escape_char } => {
                self.similar(expr, pattern, escape_char.as_deref(), *negated)
            }
            Expr::IsNormalized { expr, form, negated } => {
                self.is_normalized(expr, form.as_ref(), *negated)
            }
            Expr::AtTimeZone { timestamp, time_zone } => self.at_time_zone(timestamp, time_zone),
            Expr::Extract { field, expr, .. } => self.extract(field, expr),
            Expr::Ceil { expr, field } => self.rounded("ceil", expr, field),
            Expr::Floor { expr, field } => self.rounded("floor", expr, field),
            Expr::Position { expr, r#in } => self.position_of(expr, r#in),
            Expr::Substring { expr, substring_from, substring_for, shorthand, .. } => self
                .substring(expr, substring_from.as_deref(), substring_for.as_deref(), *shorthand),
            Expr::Trim { trim_where, trim_what, expr, trim_characters } => self.trim(
                trim_where.as_ref(),
                trim_what.as_deref(),
                expr,
                trim_characters.as_deref(),
            ),
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                self.overlay(expr, overlay_what, overlay_from, overlay_for.as_deref())
            }
            Expr::Collate { expr, collation } => self.collate(expr, collation),
            Expr::QualifiedWildcard(name, _) => {
                let idents = super::name::parts(name)?;
                match self.find_item(&idents)? {
                    Some(found) => {
                        let span = idents
                            .last()
                            .map_or_else(sqlparser::tokenizer::Span::empty, |i| i.span);
                        self.whole_row(&found, span)
                    }
                    None => Err(self.missing_item(&idents)),
                }
            }
            Expr::Wildcard(_) => Err(Error::syntax("syntax error at or near \"*\"")),
            Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) => {
                Err(Error::syntax("grouping sets are only allowed in GROUP BY"))
            }
            other => {
                Err(Error::unsupported(format!("the expression {}", shorten(&other.to_string()))))
            }
        }
    }

    /// Binds a call that has a special form in the grammar; `None` if it has none.
    pub fn special_call(&mut self, call: &sqlparser::ast::Function) -> Result<Option<Scalar>> {
        let words = super::name::words(&call.name)?;
        let [name] = words.as_slice() else { return Ok(None) };
        let span = super::name::last(&call.name)?.span;
        if let FunctionArguments::Subquery(query) = &call.args {
            return match *name {
                "array" => self.array_subquery(query).map(Some),
                _ => Err(Error::syntax("syntax error at or near \"SELECT\"").at(span)),
            };
        }
        let plain = call.over.is_none() && call.filter.is_none() && call.within_group.is_empty();
        if !plain {
            return Ok(None);
        }
        let args = super::call::plain_arguments(call);
        match (*name, args) {
            ("coalesce", Some(args)) => self.coalesce(&args).map(Some),
            ("greatest", Some(args)) => self.extreme(&args, true).map(Some),
            ("least", Some(args)) => self.extreme(&args, false).map(Some),
            ("nullif", Some(args)) => self.nullif(&args).map(Some),
            ("row", Some(args)) => self.row_value(&args).map(Some),
            ("grouping", Some(args)) => self.grouping_call(&args).at(span).map(Some),
            (word, Some(args)) => {
                let is_list = matches!(call.args, FunctionArguments::List(_));
                self.time_value(word, if is_list { Some(&args) } else { None })
            }
            _ => Ok(None),
        }
    }
}

/// Enough of an expression's text to recognise it by.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}
