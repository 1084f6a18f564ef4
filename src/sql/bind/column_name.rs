//! What an output column without alias is called.

use sqlparser::ast::{AccessExpr, Expr, Function, Query, SelectItem, SetExpr, TrimWhereField};

use super::cast::unwrapped;
use super::name::last;
use super::type_name::column_type_with;
use crate::error::Result;
use crate::types::{EnumType, Type, oid};

/// How much a name is worth: a CASE takes the name of its ELSE only if that is a strong one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    None,
    Weak,
    Strong,
}

/// The name of an output column.
pub(super) fn column_name(expr: &Expr) -> String {
    match figure(expr) {
        (Strength::None, _) => "?column?".to_owned(),
        (_, name) => name,
    }
}

fn strong(name: &str) -> (Strength, String) {
    (Strength::Strong, name.to_owned())
}

fn none() -> (Strength, String) {
    (Strength::None, String::new())
}

fn figure(expr: &Expr) -> (Strength, String) {
    match expr {
        Expr::Nested(inner) => figure(inner),
        Expr::Identifier(ident) => strong(&ident.value),
        Expr::CompoundIdentifier(idents) => match idents.last() {
            Some(last) => strong(&last.value),
            None => none(),
        },
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|step| match step {
                AccessExpr::Dot(Expr::Identifier(ident)) => Some(ident.value.clone()),
                _ => None,
            });
            match field {
                Some(field) => strong(&field),
                None => figure(root),
            }
        }
        Expr::Function(call) => function(call),
        Expr::Cast { expr, data_type, .. } => {
            let (strength, name) = figure(expr);
            if strength > Strength::Weak {
                return (strength, name);
            }
            match column_type_with(data_type, &users_type) {
                Ok(ty) => (Strength::Weak, type_word(&ty.ty)),
                Err(_) => none(),
            }
        }
        Expr::TypedString(typed) => match column_type_with(&typed.data_type, &users_type) {
            Ok(ty) => (Strength::Weak, type_word(&ty.ty)),
            Err(_) => none(),
        },
        Expr::Interval(_) => (Strength::Weak, "interval".to_owned()),
        Expr::Collate { expr, .. } => figure(expr),
        Expr::Case { else_result, .. } => {
            let inner = else_result.as_deref().map_or_else(none, figure);
            if inner.0 > Strength::Weak { inner } else { (Strength::Weak, "case".to_owned()) }
        }
        Expr::Array(_) => strong("array"),
        Expr::Tuple(_) => strong("row"),
        Expr::Exists { negated: false, .. } => strong("exists"),
        Expr::Subquery(query) => subquery(query),
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::Extract { .. } => strong("extract"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::Position { .. } => strong("position"),
        Expr::Substring { shorthand: true, .. } => strong("substr"),
        Expr::Substring { .. } => strong("substring"),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::Trim { trim_where, .. } => strong(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }),
        Expr::IsNormalized { .. } => strong("is_normalized"),
        Expr::BinaryOp { op: sqlparser::ast::BinaryOperator::Overlaps, .. } => strong("overlaps"),
        // Boolean literals are casts of strings.
        Expr::Value(value) if matches!(value.value, sqlparser::ast::Value::Boolean(_)) => {
            (Strength::Weak, "bool".to_owned())
        }
        _ => none(),
    }
}

fn function(call: &Function) -> (Strength, String) {
    match last(&call.name) {
        Ok(name) => strong(&name.value),
        Err(_) => none(),
    }
}

/// A type of which only the name is wanted.
fn users_type(words: &[&str]) -> Result<Option<Type>> {
    let name = words.last().copied().unwrap_or_default();
    Ok(Some(Type::Enum(EnumType::new(0, "", name, &[]))))
}

fn type_word(ty: &Type) -> String {
    match ty {
        // An array's cast is called like its element's.
        Type::Array(element) => oid::type_name(element),
        ty => oid::type_name(ty),
    }
}

/// A scalar subquery is called like its only column.
fn subquery(query: &Query) -> (Strength, String) {
    let mut body = &*query.body;
    while let SetExpr::Query(inner) = body {
        body = &inner.body;
    }
    while let SetExpr::SetOperation { left, .. } = body {
        body = left;
    }
    match body {
        SetExpr::Select(select) => match select.projection.first() {
            Some(SelectItem::ExprWithAlias { alias, .. }) => strong(&alias.value),
            Some(SelectItem::UnnamedExpr(expr)) => match figure(unwrapped(expr)) {
                (Strength::None, _) => strong("?column?"),
                (_, name) => strong(&name),
            },
            _ => none(),
        },
        SetExpr::Values(_) => strong("column1"),
        _ => none(),
    }
}
