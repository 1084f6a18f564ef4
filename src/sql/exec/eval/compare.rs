//! Comparisons: which functions are comparisons, and loops over typed vectors that do them.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::sql::exec::batch::{Column, Data};
use crate::sql::exec::column::int_of;
use crate::sql::exec::eval::Value;
use crate::sql::exec::order::{compare_floats, compare_values};
use crate::sql::function::{self, Function, Signature};
use crate::types::compare::compare_typed;
use crate::types::{Datum, Type};

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl CompareOp {
    const ALL: [(&'static str, CompareOp); 6] = [
        ("=", CompareOp::Eq),
        ("<>", CompareOp::Ne),
        ("<", CompareOp::Lt),
        ("<=", CompareOp::Le),
        (">", CompareOp::Gt),
        (">=", CompareOp::Ge),
    ];

    /// The operator's name.
    pub fn symbol(self) -> &'static str {
        Self::ALL.iter().find(|(_, op)| *op == self).map_or("=", |(name, _)| name)
    }

    /// Whether an ordering satisfies it.
    #[inline]
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            CompareOp::Eq => order.is_eq(),
            CompareOp::Ne => order.is_ne(),
            CompareOp::Lt => order.is_lt(),
            CompareOp::Le => order.is_le(),
            CompareOp::Gt => order.is_gt(),
            CompareOp::Ge => order.is_ge(),
        }
    }

    /// The operator with its operands exchanged.
    #[must_use]
    pub fn swapped(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::Le => CompareOp::Ge,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::Ge => CompareOp::Le,
            same => same,
        }
    }
}

/// Types whose values are compared with each other by their order alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// boolean
    Bool,
    /// int2, int4, int8
    Integer,
    /// oid and kin
    Oid,
    /// date
    Date,
    /// time
    Time,
    /// timestamp
    Timestamp,
    /// timestamptz
    Timestamptz,
    /// float4, float8
    Float,
    /// text, varchar, name
    Text,
    /// char(n): trailing blanks do not count
    Bpchar,
    /// numeric
    Numeric,
    /// bytea
    Bytea,
    /// uuid
    Uuid,
    /// interval
    Interval,
    /// timetz
    Timetz,
    /// jsonb
    Jsonb,
    /// "char"
    Char,
}

/// The class of a type; `None` if its values are not compared by order alone.
pub fn class_of(ty: &Type) -> Option<Class> {
    Some(match ty {
        Type::Bool => Class::Bool,
        Type::Int2 | Type::Int4 | Type::Int8 => Class::Integer,
        Type::Oid
        | Type::Regclass
        | Type::Regtype
        | Type::Regproc
        | Type::Regnamespace
        | Type::Regrole => Class::Oid,
        Type::Date => Class::Date,
        Type::Time => Class::Time,
        Type::Timestamp => Class::Timestamp,
        Type::Timestamptz => Class::Timestamptz,
        Type::Float4 | Type::Float8 => Class::Float,
        Type::Text | Type::Varchar | Type::Name => Class::Text,
        Type::Bpchar => Class::Bpchar,
        Type::Numeric => Class::Numeric,
        Type::Bytea => Class::Bytea,
        Type::Uuid => Class::Uuid,
        Type::Interval => Class::Interval,
        Type::Timetz => Class::Timetz,
        Type::Jsonb => Class::Jsonb,
        Type::Char => Class::Char,
        _ => return None,
    })
}

/// A comparison of two values of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Which.
    pub op: CompareOp,
    /// Of what.
    pub class: Class,
}

static KNOWN: LazyLock<HashMap<usize, Comparison>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for (name, op) in CompareOp::ALL {
        for operator in function::operators(name) {
            let (Some(Signature::Is(left)), Signature::Is(right)) =
                (&operator.left, &operator.right)
            else {
                continue;
            };
            if let (Some(l), Some(r)) = (class_of(left), class_of(right))
                && l == r
            {
                known.insert(address(operator.function), Comparison { op, class: l });
            }
        }
    }
    known
});

fn address(function: &'static Function) -> usize {
    std::ptr::from_ref(function).addr()
}

/// What a function compares, if it is a comparison within one class.
pub fn comparison_of(function: &'static Function) -> Option<Comparison> {
    KNOWN.get(&address(function)).copied()
}

/// Compares two values of one class that are not NULL.
pub fn compare_datums(class: Class, a: &Datum, b: &Datum) -> Ordering {
    if let (Some(x), Some(y)) = (int_of(a), int_of(b)) {
        return x.cmp(&y);
    }
    match (class, a, b) {
        (Class::Text, Datum::Text(x), Datum::Text(y)) => x.as_bytes().cmp(y.as_bytes()),
        (Class::Bpchar, _, _) => compare_typed(&Type::Bpchar, a, b),
        (Class::Float, _, _) => match (float_of(a), float_of(b)) {
            (Some(x), Some(y)) => compare_floats(x, y),
            _ => a.compare(b),
        },
        _ => a.compare(b),
    }
}

fn float_of(datum: &Datum) -> Option<f64> {
    match datum {
        Datum::Float4(f) => Some(f64::from(*f)),
        Datum::Float8(f) => Some(*f),
        _ => None,
    }
}

/// Runs `$body` with `$f` bound to the comparison of a `$ty` pair, so that each gets its own loop.
macro_rules! by_op {
    ($op:expr, $f:ident => $body:expr) => {
        match $op {
            CompareOp::Eq => {
                let $f = |a, b| a == b;
                $body
            }
            CompareOp::Ne => {
                let $f = |a, b| a != b;
                $body
            }
            CompareOp::Lt => {
                let $f = |a, b| a < b;
                $body
            }
            CompareOp::Le => {
                let $f = |a, b| a <= b;
                $body
            }
            CompareOp::Gt => {
                let $f = |a, b| a > b;
                $body
            }
            CompareOp::Ge => {
                let $f = |a, b| a >= b;
                $body
            }
        }
    };
}

/// Compares two operands over `rows` rows; `None` if there is no loop for their layouts.
pub fn compare_columns(
    comparison: Comparison,
    left: &Value<'_>,
    right: &Value<'_>,
    rows: usize,
) -> Column {
    let op = comparison.op;
    if let (Value::Constant(a), Value::Constant(b)) = (left, right) {
        let answer = if a.is_null() || b.is_null() {
            Datum::Null
        } else {
            Datum::Bool(op.holds(compare_datums(comparison.class, a, b)))
        };
        return Column::constant(&Type::Bool.into(), &answer, rows);
    }
    match (left, right) {
        (Value::Constant(c), other) if let Some(column) = other.as_column() => {
            with_constant(Comparison { op: op.swapped(), ..comparison }, column, c, rows)
        }
        (other, Value::Constant(c)) if let Some(column) = other.as_column() => {
            with_constant(comparison, column, c, rows)
        }
        _ => match (left.as_column(), right.as_column()) {
            (Some(a), Some(b)) => pairwise(op, a, b, rows),
            _ => Column::bools(vec![false; rows], Some(vec![true; rows])),
        },
    }
}

fn with_constant(comparison: Comparison, column: &Column, constant: &Datum, rows: usize) -> Column {
    if constant.is_null() {
        return Column::bools(vec![false; rows], Some(vec![true; rows]));
    }
    let op = comparison.op;
    let values: Vec<bool> = match (&column.data, constant) {
        (Data::Int(v), c) if let Some(c) = int_of(c) => {
            by_op!(op, f => v.iter().map(|&x: &i64| f(x, c)).collect())
        }
        (Data::Float(v), c) if let Some(c) = float_of(c) => {
            if c.is_nan() {
                v.iter().map(|x| op.holds(compare_floats(*x, c))).collect()
            } else {
                // A NaN on the left is larger than any constant.
                let nan = op.holds(Ordering::Greater);
                by_op!(op, f => v.iter().map(|&x: &f64| if x.is_nan() { nan } else { f(x, c) }).collect())
            }
        }
        (Data::Text(v), Datum::Text(c)) if comparison.class == Class::Text => {
            let c: &str = c;
            match op {
                CompareOp::Eq => v.iter().map(|s| s == c).collect(),
                CompareOp::Ne => v.iter().map(|s| s != c).collect(),
                _ => v.iter().map(|s| op.holds(s.cmp(c))).collect(),
            }
        }
        (Data::Bool(v), Datum::Bool(c)) => v.iter().map(|b| op.holds(b.cmp(c))).collect(),
        _ => (0..rows)
            .map(|row| {
                !column.is_null(row)
                    && op.holds(compare_datums(comparison.class, &column.datum(row), constant))
            })
            .collect(),
    };
    Column::bools(values, column.nulls.clone())
}

fn pairwise(op: CompareOp, a: &Column, b: &Column, rows: usize) -> Column {
    let values: Vec<bool> = match (&a.data, &b.data) {
        (Data::Int(x), Data::Int(y)) => {
            by_op!(op, f => x.iter().zip(y).map(|(&x, &y): (&i64, &i64)| f(x, y)).collect())
        }
        _ => (0..rows)
            .map(|row| {
                !a.is_null(row) && !b.is_null(row) && op.holds(compare_values(a, row, b, row))
            })
            .collect(),
    };
    Column::bools(values, either_null(a, b))
}

/// The rows where one of two columns is NULL.
pub fn either_null(a: &Column, b: &Column) -> Option<Vec<bool>> {
    match (&a.nulls, &b.nulls) {
        (None, None) => None,
        (Some(n), None) | (None, Some(n)) => Some(n.clone()),
        (Some(x), Some(y)) => Some(x.iter().zip(y).map(|(x, y)| *x | *y).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(ty: Type, values: &[Datum]) -> Column {
        let mut c = Column::empty(ty.into());
        values.iter().for_each(|v| c.push(v));
        c
    }

    #[test]
    fn nan_is_larger_than_everything_and_equal_to_itself() {
        let f = column(Type::Float8, &[f64::NAN, 1.0, f64::INFINITY].map(Datum::Float8));
        let by = |op, c: f64| {
            let comparison = Comparison { op, class: Class::Float };
            let column = compare_columns(
                comparison,
                &Value::Borrowed(&f),
                &Value::Constant(Datum::Float8(c)),
                3,
            );
            (0..3).map(|r| column.is_true(r)).collect::<Vec<_>>()
        };
        assert_eq!(by(CompareOp::Gt, 1.0), [true, false, true]);
        assert_eq!(by(CompareOp::Ne, 1.0), [true, false, true]);
        assert_eq!(by(CompareOp::Eq, f64::NAN), [true, false, false]);
        assert_eq!(by(CompareOp::Lt, f64::NAN), [false, true, true]);
    }

    #[test]
    fn a_constant_on_the_left_swaps_the_operator() {
        let i = column(Type::Int4, &[Datum::Int4(1), Datum::Null, Datum::Int4(3)]);
        let less = Comparison { op: CompareOp::Lt, class: Class::Integer };
        let c = compare_columns(less, &Value::Constant(Datum::Int8(2)), &Value::Borrowed(&i), 3);
        assert!(!c.is_true(0) && c.is_null(1) && c.is_true(2));
    }
}
