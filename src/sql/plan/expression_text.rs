//! Expressions as text, for EXPLAIN.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::sql::exec::eval::subquery::Asked;
use crate::sql::exec::eval::{Expr, ExprKind};
use crate::sql::function::{self, Function};
use crate::types::text::{self, SessionFormat, quote_literal};
use crate::types::{Datum, Type};

static SYMBOLS: LazyLock<HashMap<usize, &'static str>> = LazyLock::new(|| {
    function::all_operators().map(|o| (std::ptr::from_ref(o.function).addr(), o.name)).collect()
});

/// The operator's symbol, if a function is behind one.
pub fn symbol(function: &'static Function) -> Option<&'static str> {
    SYMBOLS.get(&std::ptr::from_ref(function).addr()).copied()
}

/// A value as SQL.
pub fn literal(datum: &Datum, ty: &Type) -> String {
    match datum {
        Datum::Null => "NULL".into(),
        Datum::Bool(b) => b.to_string(),
        Datum::Int2(_) | Datum::Int4(_) | Datum::Int8(_) | Datum::Numeric(_) => {
            text::to_string(datum, ty, &SessionFormat::default())
        }
        other => {
            let value = quote_literal(&text::to_string(other, ty, &SessionFormat::default()));
            format!("{value}::{ty}")
        }
    }
}

/// An expression over columns with the given names.
pub fn expression(expr: &Expr, names: &[String]) -> String {
    let of = |e: &Expr| expression(e, names);
    let list = |all: &[Expr]| all.iter().map(of).collect::<Vec<_>>().join(", ");
    let joined = |all: &[Expr], word: &str| {
        format!("({})", all.iter().map(of).collect::<Vec<_>>().join(word))
    };
    match &expr.kind {
        ExprKind::Constant(d) => literal(d, &expr.ty.ty),
        ExprKind::Parameter(i) => format!("${}", i + 1),
        ExprKind::Input(p) => names.get(*p).cloned().unwrap_or_else(|| format!("#{p}")),
        ExprKind::Outer(slot) => format!("outer{slot}"),
        ExprKind::Once { input, .. } => of(input),
        ExprKind::Call { function, args, .. } => match (symbol(function), &args[..]) {
            (Some(op), [a]) => format!("({op} {})", of(a)),
            (Some(op), [a, b]) => format!("({} {op} {})", of(a), of(b)),
            _ => format!("{}({})", function.name, list(args)),
        },
        ExprKind::Compare { comparison, left, right } => {
            format!("({} {} {})", of(left), comparison.op.symbol(), of(right))
        }
        ExprKind::Cast { input, .. } => format!("({})::{}", of(input), expr.ty),
        ExprKind::And(parts) => joined(parts, " AND "),
        ExprKind::Or(parts) => joined(parts, " OR "),
        ExprKind::Not(input) => format!("(NOT {})", of(input)),
        ExprKind::IsNull(input) => format!("({} IS NULL)", of(input)),
        ExprKind::IsBool(input, b) => {
            format!("({} IS {})", of(input), if *b { "TRUE" } else { "FALSE" })
        }
        ExprKind::NotDistinct(a, b) => {
            format!("({} IS NOT DISTINCT FROM {})", of(a), of(b))
        }
        ExprKind::Case { whens, otherwise } => {
            let mut out = String::from("CASE");
            for (when, then) in whens {
                out += &format!(" WHEN {} THEN {}", of(when), of(then));
            }
            if let Some(otherwise) = otherwise {
                out += &format!(" ELSE {}", of(otherwise));
            }
            out + " END"
        }
        ExprKind::Coalesce(args) => format!("COALESCE({})", list(args)),
        ExprKind::Extreme(args, greatest) => {
            format!("{}({})", if *greatest { "GREATEST" } else { "LEAST" }, list(args))
        }
        ExprKind::Member { left, list: items, negated, .. } => {
            let word = if *negated { "<> ALL" } else { "= ANY" };
            format!("({} {word} ({}))", of(left), list(items))
        }
        ExprKind::AnyOf { left, operator, list: items, all, .. } => format!(
            "({} {} {} ({}))",
            of(left),
            symbol(operator).unwrap_or(operator.name),
            if *all { "ALL" } else { "ANY" },
            list(items)
        ),
        ExprKind::AnyOfArray { left, operator, array, all, .. } => format!(
            "({} {} {} ({}))",
            of(left),
            symbol(operator).unwrap_or(operator.name),
            if *all { "ALL" } else { "ANY" },
            of(array)
        ),
        ExprKind::Subquery(subquery) => match subquery.asked {
            Asked::Exists => "EXISTS(SubPlan)".into(),
            Asked::Array => "ARRAY(SubPlan)".into(),
            Asked::Scalar => "(SubPlan)".into(),
            Asked::Quantified { all, .. } => {
                format!(
                    "({} {} (SubPlan))",
                    list(subquery.operands()),
                    if all { "ALL" } else { "ANY" }
                )
            }
        },
        ExprKind::Array(items) => format!("ARRAY[{}]", list(items)),
        ExprKind::Row(fields) => format!("ROW({})", list(fields)),
        ExprKind::Subscript { array, indexes } => {
            let indexes: String = indexes.iter().map(|i| format!("[{}]", of(i))).collect();
            format!("({}){indexes}", of(array))
        }
        ExprKind::Slice { array, bounds } => {
            let part = |e: &Option<Expr>| e.as_ref().map(of).unwrap_or_default();
            let bounds: String =
                bounds.iter().map(|(l, u)| format!("[{}:{}]", part(l), part(u))).collect();
            format!("({}){bounds}", of(array))
        }
        ExprKind::Field(input, position) => format!("({}).f{}", of(input), position + 1),
    }
}
