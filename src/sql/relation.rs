//! Relations: the logical plan. What the binder makes of a query, what the planner rewrites, and
//! from which it chooses access paths and algorithms.
//!
//! Every relation produces columns named by [`ColumnRef`]; `Relation::columns` lists them in
//! order. Nothing here says how: no index, no join algorithm.

use std::sync::Arc;

use crate::catalog::descriptor::{ForeignKey, TableDescriptor};
use crate::sql::function::SetFunction;
use crate::sql::pg_catalog::VirtualTable;
use crate::sql::scalar::{AggregateCall, ColumnRef, Scalar, SortKey, WindowCall};
use crate::types::ColumnType;

/// A column that a relation produces.
#[derive(Clone, Debug)]
pub struct Produced {
    /// Its number in the statement.
    pub column: ColumnRef,
    /// Its type.
    pub ty: ColumnType,
}

/// A logical plan.
#[derive(Clone, Debug)]
pub enum Relation {
    /// Rows of a table. `columns` pairs a produced column with a position in `table.columns`.
    Scan(Scan),
    /// Rows that the server makes up (pg_catalog, information_schema, crdb_internal, SHOW).
    Virtual {
        /// The table.
        table: &'static VirtualTable,
        /// Produced columns with positions in the virtual table.
        columns: Vec<(Produced, usize)>,
    },
    /// Rows that come from outside of the statement (COPY).
    Feed {
        /// The columns.
        columns: Vec<Produced>,
    },
    /// Literal rows.
    Values {
        /// The columns.
        columns: Vec<Produced>,
        /// The rows; each has one expression per column.
        rows: Vec<Vec<Scalar>>,
    },
    /// A set-returning function in FROM (or lifted from the select list).
    Function {
        /// The overload that was chosen.
        function: &'static SetFunction,
        /// Its arguments; they may use outer columns (LATERAL).
        args: Vec<Scalar>,
        /// The columns.
        columns: Vec<Produced>,
        /// WITH ORDINALITY
        ordinality: Option<Produced>,
    },
    /// Rows for which the predicate is true.
    Filter {
        /// The input.
        input: Box<Relation>,
        /// The predicate.
        predicate: Scalar,
    },
    /// Computed columns; columns that pass through are plain column references to themselves.
    Project {
        /// The input.
        input: Box<Relation>,
        /// Column and expression.
        columns: Vec<(Produced, Scalar)>,
    },
    /// A join. With `lateral` the right side may use columns of the left.
    Join {
        /// Which rows come out.
        kind: JoinKind,
        /// Left input.
        left: Box<Relation>,
        /// Right input.
        right: Box<Relation>,
        /// ON; true for a cross join.
        on: Scalar,
        /// Whether the right side may use columns of the left.
        lateral: bool,
    },
    /// Grouping and aggregation. Without groups there is always one row.
    Aggregate {
        /// The input, which produces the grouping columns.
        input: Box<Relation>,
        /// The grouping columns.
        groups: Vec<Produced>,
        /// GROUPING SETS as positions in `groups`; one set with all groups in the plain case.
        sets: Vec<Vec<usize>>,
        /// The column that holds the number of the grouping set, if `sets` has several.
        set_number: Option<Produced>,
        /// The aggregates.
        aggregates: Vec<(Produced, AggregateCall)>,
    },
    /// Window functions that share partitioning and ordering.
    Window {
        /// The input.
        input: Box<Relation>,
        /// PARTITION BY
        partition_by: Vec<Scalar>,
        /// ORDER BY
        order_by: Vec<SortKey>,
        /// The calls.
        calls: Vec<(Produced, WindowCall)>,
    },
    /// An ordering.
    Sort {
        /// The input.
        input: Box<Relation>,
        /// The keys.
        keys: Vec<SortKey>,
    },
    /// LIMIT and OFFSET (int8; NULL means none).
    Limit {
        /// The input.
        input: Box<Relation>,
        /// LIMIT
        limit: Option<Scalar>,
        /// OFFSET
        offset: Option<Scalar>,
    },
    /// DISTINCT over all columns, or DISTINCT ON some (first row of each in input order).
    Distinct {
        /// The input.
        input: Box<Relation>,
        /// DISTINCT ON expressions.
        on: Option<Vec<Scalar>>,
    },
    /// UNION, INTERSECT, EXCEPT.
    SetOperation {
        /// Which.
        kind: SetKind,
        /// ALL
        all: bool,
        /// Left input, its columns in the order of `columns`.
        left: Box<Relation>,
        /// Right input, its columns in the order of `columns`.
        right: Box<Relation>,
        /// The left and right columns that make each result column.
        columns: Vec<(Produced, ColumnRef, ColumnRef)>,
    },
    /// `WITH`: computes `definition` once (or as often as needed) for the references in `body`.
    With {
        /// Names this expression in [`Relation::CteScan`].
        id: CteId,
        /// The common table expression; a data-modifying one always runs to the end.
        definition: Box<Relation>,
        /// The query that uses it.
        body: Box<Relation>,
    },
    /// `WITH RECURSIVE`: rows of `base`, then of `step` over the rows of the round before.
    Recursive {
        /// Names the working table in [`Relation::CteScan`].
        id: CteId,
        /// The non-recursive term.
        base: Box<Relation>,
        /// The recursive term.
        step: Box<Relation>,
        /// UNION rather than UNION ALL.
        distinct: bool,
        /// Result column, and its source in base and step.
        columns: Vec<(Produced, ColumnRef, ColumnRef)>,
    },
    /// Reads a common table expression or a working table.
    CteScan {
        /// Which.
        id: CteId,
        /// Produced column and the definition's column.
        columns: Vec<(Produced, ColumnRef)>,
    },
    /// SELECT … FOR UPDATE / SHARE over its input's base rows.
    Lock {
        /// The input.
        input: Box<Relation>,
        /// Tables to lock and the columns that hold their primary keys.
        tables: Vec<LockTarget>,
    },
    /// INSERT / UPSERT.
    Insert(Box<Insert>),
    /// UPDATE.
    Update(Box<Update>),
    /// DELETE.
    Delete(Box<Delete>),
}

/// Names a common table expression within a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CteId(pub u32);

/// Rows of a table.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The table.
    pub table: Arc<TableDescriptor>,
    /// Name or alias, for EXPLAIN.
    pub alias: String,
    /// Produced columns with positions in `table.columns`.
    pub columns: Vec<(Produced, usize)>,
    /// `t@index`: the index to use.
    pub hint: Option<u32>,
}

/// A table whose rows are locked.
#[derive(Clone, Debug)]
pub struct LockTarget {
    /// The table.
    pub table: Arc<TableDescriptor>,
    /// Columns of the input that hold its primary key, in key order.
    pub key: Vec<ColumnRef>,
    /// FOR UPDATE or FOR NO KEY UPDATE rather than FOR SHARE.
    pub exclusive: bool,
    /// NOWAIT or SKIP LOCKED.
    pub wait: crate::mvcc::WaitPolicy,
}

/// Which rows a join produces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Pairs that match (CROSS is `on` true).
    Inner,
    /// And left rows without a match.
    Left,
    /// And right rows without a match.
    Right,
    /// And both.
    Full,
    /// Left rows with a match (from EXISTS, IN); produces left columns only.
    Semi,
    /// Left rows without a match; produces left columns only.
    Anti,
}

/// UNION, INTERSECT, EXCEPT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// Rows of either.
    Union,
    /// Rows of both.
    Intersect,
    /// Rows of the left that are not in the right.
    Except,
}

/// INSERT. The source produces one column per table column (defaults already filled in).
#[derive(Clone, Debug)]
pub struct Insert {
    /// The table.
    pub table: Arc<TableDescriptor>,
    /// The rows.
    pub source: Relation,
    /// The source's column for each position of `table.columns`.
    pub values: Vec<ColumnRef>,
    /// ON CONFLICT.
    pub on_conflict: Option<OnConflict>,
    /// CHECK constraints, over `new`.
    pub checks: Vec<Check>,
    /// Partial index predicates, over `new`, by index id.
    pub predicates: Vec<(u32, Scalar)>,
    /// Columns that stand for the new row in checks, predicates, computed columns and RETURNING.
    pub new: Vec<Produced>,
    /// RETURNING, over `new`.
    pub returning: Option<Vec<(Produced, Scalar)>>,
    /// The foreign keys to check.
    pub foreign_keys: Vec<ForeignKey>,
}

/// A CHECK constraint, bound.
#[derive(Clone, Debug)]
pub struct Check {
    /// The constraint's name.
    pub name: String,
    /// Violated when false (not when NULL).
    pub predicate: Scalar,
}

/// ON CONFLICT.
#[derive(Clone, Debug)]
pub struct OnConflict {
    /// Ids of the unique indexes that arbitrate; all of them if empty.
    pub arbiters: Vec<u32>,
    /// DO UPDATE; `None` is DO NOTHING.
    pub update: Option<ConflictUpdate>,
}

/// ON CONFLICT DO UPDATE.
#[derive(Clone, Debug)]
pub struct ConflictUpdate {
    /// Columns that stand for the existing row.
    pub existing: Vec<Produced>,
    /// Columns that stand for the row proposed for insertion (`excluded`).
    pub excluded: Vec<Produced>,
    /// Position in `table.columns` and the new value (computed columns included).
    pub assignments: Vec<(usize, Scalar)>,
    /// WHERE
    pub condition: Option<Scalar>,
}

/// UPDATE. The source produces the old row (every table column) and the assigned values.
#[derive(Clone, Debug)]
pub struct Update {
    /// The table.
    pub table: Arc<TableDescriptor>,
    /// Rows to change, joined with FROM if there is one.
    pub source: Relation,
    /// The source's column for each position of `table.columns`.
    pub old: Vec<ColumnRef>,
    /// Position in `table.columns` and the new value over the source's columns.
    pub assignments: Vec<(usize, Scalar)>,
    /// CHECK constraints, over `new`.
    pub checks: Vec<Check>,
    /// Partial index predicates, over `new`, by index id (the old row is evaluated through them
    /// too, by binding its values to `new`).
    pub predicates: Vec<(u32, Scalar)>,
    /// Generated columns to compute anew: position and expression over `new`.
    pub computed: Vec<(usize, Scalar)>,
    /// Columns that stand for the new row in checks, predicates and RETURNING.
    pub new: Vec<Produced>,
    /// RETURNING, over `new` and the source's columns.
    pub returning: Option<Vec<(Produced, Scalar)>>,
}

/// DELETE. The source produces the old row.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The table.
    pub table: Arc<TableDescriptor>,
    /// Rows to delete, joined with USING if there is one.
    pub source: Relation,
    /// The source's column for each position of `table.columns`.
    pub old: Vec<ColumnRef>,
    /// Partial index predicates, over `new`.
    pub predicates: Vec<(u32, Scalar)>,
    /// Columns that stand for the old row in predicates.
    pub new: Vec<Produced>,
    /// RETURNING, over the source's columns.
    pub returning: Option<Vec<(Produced, Scalar)>>,
}
