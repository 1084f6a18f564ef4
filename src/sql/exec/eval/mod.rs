//! Expressions that are ready to run: every column is a position in the input, every outer column
//! a slot, every list a set.
//!
//! Two ways to evaluate, with the same answers: a batch at a time (`vector.rs`), where hot loops
//! run over plain vectors, and a row at a time (`single.rs`), for single rows and for the kinds of
//! expression that are not worth a loop of their own.

pub mod array;
pub mod cast;
pub mod compare;
pub mod member;
pub mod select;
pub mod single;
pub mod subquery;
pub mod vector;

use crate::sql::exec::batch::{Batch, Column};
use crate::sql::exec::eval::compare::Comparison;
use crate::sql::exec::eval::subquery::SubqueryExpr;
use crate::sql::function::Function;
use crate::types::cast::CastContext;
use crate::types::{ColumnType, Datum, Type};

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The type of the result.
    pub ty: ColumnType,
}

/// What an expression computes; see [`crate::sql::scalar::ScalarKind`] for the meaning.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A constant.
    Constant(Datum),
    /// A parameter of the statement.
    Parameter(usize),
    /// A column of the input.
    Input(usize),
    /// A column of an enclosing query.
    Outer(usize),
    /// The same for every row of the execution: computed when first needed, then remembered.
    Once {
        /// Where it is remembered.
        slot: usize,
        /// What is computed.
        input: Box<Expr>,
    },
    /// A function.
    Call {
        /// Which.
        function: &'static Function,
        /// The types of the arguments.
        types: Box<[Type]>,
        /// The arguments.
        args: Vec<Expr>,
    },
    /// A comparison of two values of one class.
    Compare {
        /// Which.
        comparison: Comparison,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// A change of type, to the type of this node.
    Cast {
        /// What is cast.
        input: Box<Expr>,
        /// The type that it has.
        from: Type,
        /// How strict to be.
        context: CastContext,
    },
    /// Three-valued AND.
    And(Vec<Expr>),
    /// Three-valued OR.
    Or(Vec<Expr>),
    /// Three-valued NOT.
    Not(Box<Expr>),
    /// IS NULL
    IsNull(Box<Expr>),
    /// IS TRUE, IS FALSE
    IsBool(Box<Expr>, bool),
    /// IS NOT DISTINCT FROM
    NotDistinct(Box<Expr>, Box<Expr>),
    /// CASE
    Case {
        /// Conditions and results.
        whens: Vec<(Expr, Expr)>,
        /// ELSE
        otherwise: Option<Box<Expr>>,
    },
    /// COALESCE
    Coalesce(Vec<Expr>),
    /// GREATEST (true), LEAST
    Extreme(Vec<Expr>, bool),
    /// `left = ANY (list)` or, negated, `left <> ALL (list)`, where the list is the same for every
    /// row.
    Member {
        /// The left operand.
        left: Box<Expr>,
        /// The elements.
        list: Vec<Expr>,
        /// Where the set is remembered.
        slot: usize,
        /// NOT IN
        negated: bool,
    },
    /// `left op ANY (list)`, ALL
    AnyOf {
        /// The left operand.
        left: Box<Expr>,
        /// The operator.
        operator: &'static Function,
        /// The types of the operands.
        types: Box<[Type]>,
        /// The elements.
        list: Vec<Expr>,
        /// ALL
        all: bool,
    },
    /// `left op ANY (array)`, ALL
    AnyOfArray {
        /// The left operand.
        left: Box<Expr>,
        /// The operator.
        operator: &'static Function,
        /// The types of the operands.
        types: Box<[Type]>,
        /// The array.
        array: Box<Expr>,
        /// ALL
        all: bool,
    },
    /// A subquery.
    Subquery(Box<SubqueryExpr>),
    /// `ARRAY[…]`
    Array(Vec<Expr>),
    /// `ROW(…)`
    Row(Vec<Expr>),
    /// `array[i]`
    Subscript {
        /// The array.
        array: Box<Expr>,
        /// The indexes.
        indexes: Vec<Expr>,
    },
    /// `array[i:j]`
    Slice {
        /// The array.
        array: Box<Expr>,
        /// The bounds.
        bounds: Vec<(Option<Expr>, Option<Expr>)>,
    },
    /// A field of a record.
    Field(Box<Expr>, usize),
}

/// One row of something.
#[derive(Clone, Copy)]
pub enum Row<'r> {
    /// No columns at all.
    Nothing,
    /// A row of a batch.
    Batch(&'r Batch, usize),
    /// A row held as values.
    Datums(&'r [Datum]),
    /// Two rows, one after the other.
    Pair(&'r [Datum], &'r [Datum]),
}

impl Row<'_> {
    /// The value at a position; NULL if there is none.
    #[inline]
    pub fn get(&self, position: usize) -> Datum {
        match self {
            Row::Nothing => Datum::Null,
            Row::Batch(batch, row) => {
                batch.columns.get(position).map_or(Datum::Null, |c| c.datum(*row))
            }
            Row::Datums(values) => values.get(position).cloned().unwrap_or(Datum::Null),
            Row::Pair(a, b) => match position.checked_sub(a.len()) {
                None => a.get(position),
                Some(rest) => b.get(rest),
            }
            .cloned()
            .unwrap_or(Datum::Null),
        }
    }
}

/// The result of an expression over some rows: dense, one entry per row that was asked for.
pub enum Value<'v> {
    /// The same in every row.
    Constant(Datum),
    /// A column of the input itself.
    Borrowed(&'v Column),
    /// A column made for the purpose.
    Owned(Column),
}

impl<'v> Value<'v> {
    /// The value of a row.
    pub fn datum(&self, row: usize) -> Datum {
        match self {
            Value::Constant(d) => d.clone(),
            Value::Borrowed(c) => c.datum(row),
            Value::Owned(c) => c.datum(row),
        }
    }

    /// Whether the value of a row is NULL.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Value::Constant(d) => d.is_null(),
            Value::Borrowed(c) => c.is_null(row),
            Value::Owned(c) => c.is_null(row),
        }
    }

    /// Whether the value of a row is true.
    #[inline]
    pub fn is_true(&self, row: usize) -> bool {
        match self {
            Value::Constant(d) => matches!(d, Datum::Bool(true)),
            Value::Borrowed(c) => c.is_true(row),
            Value::Owned(c) => c.is_true(row),
        }
    }

    /// The column, if it is not a constant.
    pub fn as_column(&self) -> Option<&Column> {
        match self {
            Value::Constant(_) => None,
            Value::Borrowed(c) => Some(c),
            Value::Owned(c) => Some(c),
        }
    }

    /// A column of its own.
    pub fn into_column(self, ty: &ColumnType, rows: usize) -> Column {
        match self {
            Value::Constant(d) => Column::constant(ty, &d, rows),
            Value::Borrowed(c) => c.clone(),
            Value::Owned(c) => c,
        }
    }

    /// The same with a constant spread out, so that it can be looked at as a column.
    pub fn spread(self, ty: &ColumnType, rows: usize) -> Value<'v> {
        match self {
            Value::Constant(d) => Value::Owned(Column::constant(ty, &d, rows)),
            other => other,
        }
    }
}

impl Expr {
    /// A constant.
    pub fn literal(value: Datum, ty: impl Into<ColumnType>) -> Expr {
        Expr { kind: ExprKind::Constant(value), ty: ty.into() }
    }

    /// A column of the input.
    pub fn input(position: usize, ty: ColumnType) -> Expr {
        Expr { kind: ExprKind::Input(position), ty }
    }

    /// The input's column, if that is all this is.
    pub fn as_input(&self) -> Option<usize> {
        match self.kind {
            ExprKind::Input(position) => Some(position),
            _ => None,
        }
    }

    /// Visits this expression and everything in it, except what is inside subqueries.
    pub fn walk(&self, visit: &mut impl FnMut(&Expr)) {
        visit(self);
        self.children(&mut |child| child.walk(visit));
    }

    /// Calls `visit` with each direct operand.
    pub fn children(&self, visit: &mut dyn FnMut(&Expr)) {
        match &self.kind {
            ExprKind::Constant(_)
            | ExprKind::Parameter(_)
            | ExprKind::Input(_)
            | ExprKind::Outer(_) => {}
            ExprKind::Once { input, .. }
            | ExprKind::Cast { input, .. }
            | ExprKind::Not(input)
            | ExprKind::IsNull(input)
            | ExprKind::IsBool(input, _)
            | ExprKind::Field(input, _) => visit(input),
            ExprKind::Call { args, .. }
            | ExprKind::And(args)
            | ExprKind::Or(args)
            | ExprKind::Coalesce(args)
            | ExprKind::Extreme(args, _)
            | ExprKind::Array(args)
            | ExprKind::Row(args) => args.iter().for_each(visit),
            ExprKind::Compare { left, right, .. } | ExprKind::NotDistinct(left, right) => {
                visit(left);
                visit(right);
            }
            ExprKind::Case { whens, otherwise } => {
                for (when, then) in whens {
                    visit(when);
                    visit(then);
                }
                if let Some(otherwise) = otherwise {
                    visit(otherwise);
                }
            }
            ExprKind::Member { left, list, .. } | ExprKind::AnyOf { left, list, .. } => {
                visit(left);
                list.iter().for_each(visit);
            }
            ExprKind::AnyOfArray { left, array, .. } => {
                visit(left);
                visit(array);
            }
            ExprKind::Subquery(subquery) => subquery.operands().iter().for_each(visit),
            ExprKind::Subscript { array, indexes } => {
                visit(array);
                indexes.iter().for_each(visit);
            }
            ExprKind::Slice { array, bounds } => {
                visit(array);
                for (lower, upper) in bounds {
                    lower.iter().chain(upper).for_each(&mut *visit);
                }
            }
        }
    }

    /// The input columns that it reads, subqueries' captured columns included.
    pub fn inputs(&self) -> Vec<usize> {
        let mut found = Vec::new();
        self.walk(&mut |e| match &e.kind {
            ExprKind::Input(p) => found.push(*p),
            ExprKind::Subquery(s) => found.extend(s.captured.iter().map(|(_, p)| *p)),
            _ => {}
        });
        found.sort_unstable();
        found.dedup();
        found
    }
}
