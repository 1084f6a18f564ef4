//! Scalar expressions after binding: every node has a type, every name is a number.
//!
//! A column is named by a [`ColumnRef`] that is unique in its statement, so that predicates can
//! move through joins and subqueries without renumbering. A reference to a column that the input
//! does not produce is an outer reference (correlation); the apply operator provides it.

use std::sync::Arc;

use crate::sql::function::{Aggregate, Function, WindowFunction};
use crate::sql::relation::Relation;
use crate::types::{ColumnType, Datum, Type};

/// A column of some relation, unique in the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnRef(pub u32);

/// A typed expression.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// What it computes.
    pub kind: ScalarKind,
    /// The type of the result.
    pub ty: ColumnType,
}

/// What an expression computes.
#[derive(Clone, Debug)]
pub enum ScalarKind {
    /// A constant.
    Literal(Datum),
    /// A column of the input, or of an outer query.
    Column(ColumnRef),
    /// A parameter of a prepared statement, from zero.
    Parameter(usize),
    /// A function or operator. Strict functions give NULL when an argument is NULL.
    Call {
        /// The overload that was chosen.
        function: &'static Function,
        /// The arguments, already cast to the function's types.
        args: Vec<Scalar>,
    },
    /// A change of type; the target is the node's own type.
    Cast {
        /// What is cast.
        input: Box<Scalar>,
        /// Whether length violations truncate (explicit) or fail (assignment).
        explicit: bool,
    },
    /// Three-valued AND of two or more.
    And(Vec<Scalar>),
    /// Three-valued OR of two or more.
    Or(Vec<Scalar>),
    /// Three-valued NOT.
    Not(Box<Scalar>),
    /// IS NULL; never NULL itself.
    IsNull(Box<Scalar>),
    /// IS TRUE, IS FALSE (`Some`), IS UNKNOWN is `IsNull`.
    IsBool(Box<Scalar>, bool),
    /// IS NOT DISTINCT FROM.
    NotDistinct(Box<Scalar>, Box<Scalar>),
    /// Searched CASE; the simple form is bound to equality calls.
    Case {
        /// Conditions and results, in order.
        whens: Vec<(Scalar, Scalar)>,
        /// ELSE, NULL if absent.
        otherwise: Option<Box<Scalar>>,
    },
    /// First argument that is not NULL.
    Coalesce(Vec<Scalar>),
    /// GREATEST (`true`) or LEAST over arguments of one type, ignoring NULLs.
    Extreme(Vec<Scalar>, bool),
    /// `left op ANY (list)` / `ALL`; IN is `= ANY`. The list is evaluated once when constant.
    AnyOf {
        /// The left operand.
        left: Box<Scalar>,
        /// The boolean operator, over (left, element).
        operator: &'static Function,
        /// The elements, of the operator's right type.
        list: Vec<Scalar>,
        /// ALL rather than ANY.
        all: bool,
    },
    /// `left op ANY (array)` / `ALL`.
    AnyOfArray {
        /// The left operand.
        left: Box<Scalar>,
        /// The boolean operator, over (left, element).
        operator: &'static Function,
        /// The array.
        array: Box<Scalar>,
        /// ALL rather than ANY.
        all: bool,
    },
    /// A subquery inside an expression.
    Subquery(Box<Subquery>),
    /// `ARRAY[…]`.
    Array(Vec<Scalar>),
    /// `ROW(…)`.
    Row(Vec<Scalar>),
    /// `array[i]`, `array[i][j]`.
    Subscript {
        /// The array.
        array: Box<Scalar>,
        /// One int4 per dimension.
        indexes: Vec<Scalar>,
    },
    /// `array[lower:upper]`, one pair per dimension.
    Slice {
        /// The array.
        array: Box<Scalar>,
        /// Bounds, each optional.
        bounds: Vec<(Option<Scalar>, Option<Scalar>)>,
    },
    /// Field of a record by position.
    Field(Box<Scalar>, usize),
}

/// A subquery inside an expression.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// What is asked of it.
    pub kind: SubqueryKind,
    /// The query; it may use outer columns.
    pub relation: Relation,
    /// Its output columns, in order.
    pub columns: Vec<ColumnRef>,
}

/// What is asked of a subquery.
#[derive(Clone, Debug)]
pub enum SubqueryKind {
    /// EXISTS
    Exists,
    /// The one value of its one row; more than one row is 21000.
    Scalar,
    /// `ARRAY(SELECT …)`
    Array,
    /// `left op ANY/ALL (SELECT …)`; IN is `= ANY`. Row comparisons have several operands.
    Quantified {
        /// The left operands, one per output column.
        left: Vec<Scalar>,
        /// The boolean operators, one per output column.
        operators: Vec<&'static Function>,
        /// ALL rather than ANY.
        all: bool,
    },
}

/// An aggregate call.
#[derive(Clone, Debug)]
pub struct AggregateCall {
    /// The overload that was chosen.
    pub function: &'static Aggregate,
    /// The arguments; empty for `count(*)`.
    pub args: Vec<Scalar>,
    /// DISTINCT
    pub distinct: bool,
    /// FILTER (WHERE …)
    pub filter: Option<Scalar>,
    /// ORDER BY within the call.
    pub order_by: Vec<SortKey>,
    /// The result's type.
    pub ty: ColumnType,
}

/// A window function call.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// A window function or an aggregate used as one.
    pub function: WindowTarget,
    /// The arguments.
    pub args: Vec<Scalar>,
    /// FILTER (WHERE …), aggregates only.
    pub filter: Option<Scalar>,
    /// The frame.
    pub frame: Frame,
    /// The result's type.
    pub ty: ColumnType,
}

/// What runs over a window.
#[derive(Clone, Debug)]
pub enum WindowTarget {
    /// row_number, rank, lag, …
    Window(&'static WindowFunction),
    /// sum, count, …
    Aggregate(&'static Aggregate),
}

/// A window frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// ROWS, RANGE or GROUPS.
    pub unit: FrameUnit,
    /// Where it begins.
    pub start: FrameBound,
    /// Where it ends.
    pub end: FrameBound,
}

/// The unit of a frame's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUnit {
    /// Physical rows.
    Rows,
    /// Values of the ordering column.
    Range,
    /// Groups of peers.
    Groups,
}

/// One end of a frame.
#[derive(Clone, Debug)]
pub enum FrameBound {
    /// UNBOUNDED PRECEDING
    UnboundedPreceding,
    /// n PRECEDING
    Preceding(Box<Scalar>),
    /// CURRENT ROW
    CurrentRow,
    /// n FOLLOWING
    Following(Box<Scalar>),
    /// UNBOUNDED FOLLOWING
    UnboundedFollowing,
}

/// One key of an ordering.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// What is sorted by.
    pub expr: Scalar,
    /// DESC
    pub descending: bool,
    /// NULLS FIRST
    pub nulls_first: bool,
}

impl Scalar {
    /// A constant.
    pub fn literal(value: Datum, ty: impl Into<ColumnType>) -> Scalar {
        Scalar { kind: ScalarKind::Literal(value), ty: ty.into() }
    }

    /// A column.
    pub fn column(column: ColumnRef, ty: impl Into<ColumnType>) -> Scalar {
        Scalar { kind: ScalarKind::Column(column), ty: ty.into() }
    }

    /// The constant true.
    pub fn truth() -> Scalar {
        Scalar::literal(Datum::Bool(true), Type::Bool)
    }

    /// A call of a function whose result has no modifier.
    pub fn call(function: &'static Function, args: Vec<Scalar>, ty: Type) -> Scalar {
        Scalar { kind: ScalarKind::Call { function, args }, ty: ty.into() }
    }

    /// The column, if that is all this is.
    pub fn as_column(&self) -> Option<ColumnRef> {
        match self.kind {
            ScalarKind::Column(column) => Some(column),
            _ => None,
        }
    }

    /// The constant, if that is all this is.
    pub fn as_literal(&self) -> Option<&Datum> {
        match &self.kind {
            ScalarKind::Literal(datum) => Some(datum),
            _ => None,
        }
    }

    /// Conjunction of any number of predicates, flattened.
    pub fn conjunction(predicates: impl IntoIterator<Item = Scalar>) -> Option<Scalar> {
        let mut all = Vec::new();
        for p in predicates {
            match p.kind {
                ScalarKind::And(inner) => all.extend(inner),
                _ => all.push(p),
            }
        }
        match all.len() {
            0 => None,
            1 => all.pop(),
            _ => Some(Scalar { kind: ScalarKind::And(all), ty: Type::Bool.into() }),
        }
    }
}

/// A named output column of a statement, as the client is told about it.
#[derive(Clone, Debug)]
pub struct OutputColumn {
    /// The name that the client sees.
    pub name: Arc<str>,
    /// Its type.
    pub ty: ColumnType,
    /// Where the value comes from.
    pub column: ColumnRef,
    /// Table OID and attribute number if it is a plain column of a table, else zeros.
    pub origin: (u32, i16),
}
