//! The physical plan: what the executor runs.
//!
//! Compiled (columns are positions, outer columns slots), immutable, shared by its executions.
//! Each node lists the columns that it hands out, in order.

use std::fmt;
use std::sync::Arc;

use crate::catalog::row::TableCodec;
use crate::keys::TableId;
use crate::mvcc::{LockMode, WaitPolicy};
use crate::sql::exec::bounds::Bounds;
use crate::sql::exec::eval::Expr;
use crate::sql::exec::order::Direction;
use crate::sql::exec::reader::IndexReader;
use crate::sql::exec::state::Slots;
use crate::sql::exec::write::Writers;
use crate::sql::function::{Aggregate, SetFunction};
use crate::sql::pg_catalog::VirtualTable;
use crate::sql::relation::{JoinKind, Produced, SetKind};
use crate::sql::scalar::{ColumnRef, FrameUnit, WindowTarget};
use crate::types::{ColumnType, Type};

/// A statement that is ready to run, any number of times.
pub struct PhysicalPlan {
    /// The outermost node; its columns are the statement's output.
    pub root: Node,
    /// How many of each numbered thing it has.
    pub slots: Slots,
}

impl fmt::Debug for PhysicalPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PhysicalPlan").field("root", &self.root).finish_non_exhaustive()
    }
}

/// An operator with its inputs.
#[derive(Clone)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// What it hands out, in order.
    pub columns: Vec<Produced>,
    /// Estimated rows.
    pub rows: f64,
    /// Estimated cost, in rows touched.
    pub cost: f64,
    /// The order that its rows come in.
    pub order: Vec<Ordered>,
    /// Its number, for EXPLAIN ANALYZE.
    pub id: usize,
}

/// A column by which rows are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// The column.
    pub column: ColumnRef,
    /// Its direction.
    pub direction: Direction,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("op", &self.op.name()).field("rows", &self.rows).finish()
    }
}

/// What a node does.
#[derive(Clone)]
#[allow(missing_docs)]
pub enum Op {
    Values(Arc<ValuesSpec>),
    TableScan(Arc<TableScanSpec>),
    VirtualScan(Arc<VirtualScanSpec>),
    Feed,
    FunctionScan(Arc<FunctionScanSpec>),
    Filter(Arc<FilterSpec>),
    Project(Arc<ProjectSpec>),
    HashJoin(Arc<HashJoinSpec>),
    IndexJoin(Arc<IndexJoinSpec>),
    NestedLoop(Arc<NestedLoopSpec>),
    Aggregate(Arc<AggregateSpec>),
    Window(Arc<WindowSpec>),
    Sort(Arc<SortSpec>),
    Limit(Arc<LimitSpec>),
    Distinct(Arc<DistinctSpec>),
    SetOperation(Arc<SetOperationSpec>),
    With(Arc<WithSpec>),
    CteScan(Arc<CteScanSpec>),
    Recursive(Arc<RecursiveSpec>),
    Lock(Arc<LockSpec>),
    Insert(Arc<InsertSpec>),
    Update(Arc<UpdateSpec>),
    Delete(Arc<DeleteSpec>),
}

impl Op {
    /// The kind of node.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Values(_) => "Values",
            Op::TableScan(_) => "Scan",
            Op::VirtualScan(_) => "Virtual Scan",
            Op::Feed => "Feed",
            Op::FunctionScan(_) => "Function Scan",
            Op::Filter(_) => "Filter",
            Op::Project(_) => "Project",
            Op::HashJoin(_) => "Hash Join",
            Op::IndexJoin(_) => "Index Join",
            Op::NestedLoop(_) => "Nested Loop",
            Op::Aggregate(_) => "Aggregate",
            Op::Window(_) => "WindowAgg",
            Op::Sort(_) => "Sort",
            Op::Limit(_) => "Limit",
            Op::Distinct(_) => "Unique",
            Op::SetOperation(_) => "SetOp",
            Op::With(_) => "With",
            Op::CteScan(_) => "CTE Scan",
            Op::Recursive(_) => "Recursive Union",
            Op::Lock(_) => "LockRows",
            Op::Insert(_) => "Insert",
            Op::Update(_) => "Update",
            Op::Delete(_) => "Delete",
        }
    }
}

/// Literal rows.
pub struct ValuesSpec {
    /// The columns' types.
    pub types: Vec<ColumnType>,
    /// The rows.
    pub rows: Vec<Vec<Expr>>,
}

/// Rows of a table through one of its indexes.
pub struct TableScanSpec {
    /// Name or alias.
    pub alias: String,
    /// Reads entries and rows.
    pub reader: Arc<IndexReader>,
    /// Which part of the index.
    pub bounds: Bounds,
    /// From the end.
    pub reverse: bool,
    /// Over the reader's columns: rows for which it is not true are left out.
    pub filter: Option<Expr>,
    /// The reader's columns that are handed out; all of them if `None`.
    pub keep: Option<Vec<usize>>,
    /// Rows that are likely to be enough.
    pub enough: Option<usize>,
    /// How to lock the one row that is read, before it is read: its newest version then counts,
    /// and nobody can have changed it by the time it is written.
    pub lock: Option<(LockMode, WaitPolicy)>,
}

/// Rows that the server makes up.
pub struct VirtualScanSpec {
    /// The table.
    pub table: &'static VirtualTable,
    /// Positions of the columns handed out.
    pub columns: Vec<usize>,
    /// Their types.
    pub types: Vec<ColumnType>,
}

/// Rows of a set-returning function.
pub struct FunctionScanSpec {
    /// The function.
    pub function: &'static SetFunction,
    /// Its arguments; they read no input columns.
    pub args: Vec<Expr>,
    /// The types of its columns, then of the ordinality if there is one.
    pub types: Vec<ColumnType>,
    /// WITH ORDINALITY
    pub ordinality: bool,
}

/// Rows for which a predicate is true.
pub struct FilterSpec {
    /// The input.
    pub input: Node,
    /// The predicate.
    pub predicate: Expr,
}

/// Computed columns.
pub struct ProjectSpec {
    /// The input.
    pub input: Node,
    /// The columns.
    pub exprs: Vec<Expr>,
    /// The same as positions, if nothing is computed.
    pub positions: Option<Vec<usize>>,
}

/// A predicate over pairs of rows.
#[derive(Clone)]
pub struct Residual {
    /// The columns that it reads: positions in left columns followed by right columns.
    pub columns: Vec<usize>,
    /// The predicate over those.
    pub predicate: Expr,
}

/// A join by hashed keys; the right side is kept in memory.
pub struct HashJoinSpec {
    /// Which rows come out.
    pub kind: JoinKind,
    /// The side that is streamed.
    pub left: Node,
    /// The side that is kept.
    pub right: Node,
    /// The keys over the left side.
    pub left_keys: Vec<Expr>,
    /// The keys over the right side.
    pub right_keys: Vec<Expr>,
    /// What else must hold.
    pub residual: Option<Residual>,
    /// Positions handed out, in left columns followed by right columns.
    pub output: Vec<usize>,
    /// Whether somebody relies on the order of the left side.
    pub keeps_order: bool,
}

/// A join that looks rows up in an index.
pub struct IndexJoinSpec {
    /// Which rows come out: inner, left, semi or anti.
    pub kind: JoinKind,
    /// The rows for which others are looked up.
    pub outer: Node,
    /// Name or alias of the table looked up in.
    pub alias: String,
    /// Reads entries and rows.
    pub reader: Arc<IndexReader>,
    /// Which part of the index, over an outer row.
    pub bounds: Bounds,
    /// Over the reader's columns.
    pub filter: Option<Expr>,
    /// Over outer columns followed by the reader's columns.
    pub residual: Option<Residual>,
    /// Positions handed out, in outer columns followed by the reader's columns.
    pub output: Vec<usize>,
}

/// A join of every left row with every right row.
pub struct NestedLoopSpec {
    /// Which rows come out.
    pub kind: JoinKind,
    /// The side of the outer loop.
    pub left: Node,
    /// The side of the inner loop.
    pub right: Node,
    /// Outer slots to fill from left positions before the right side runs.
    pub captured: Vec<(usize, usize)>,
    /// Whether the right side runs anew for every left row; else its rows are kept.
    pub lateral: bool,
    /// What must hold.
    pub on: Option<Residual>,
    /// Positions handed out, in left columns followed by right columns.
    pub output: Vec<usize>,
}

/// Grouping and aggregation.
pub struct AggregateSpec {
    /// The input.
    pub input: Node,
    /// Positions of the grouping columns.
    pub groups: Vec<usize>,
    /// Grouping sets as positions in `groups`.
    pub sets: Vec<Vec<usize>>,
    /// Whether the number of the set is handed out, after the groups.
    pub set_number: bool,
    /// The aggregates, handed out last.
    pub aggregates: Vec<AggregateExpr>,
    /// The output's types.
    pub types: Vec<ColumnType>,
}

/// An aggregate call.
#[derive(Clone)]
pub struct AggregateExpr {
    /// Which.
    pub function: &'static Aggregate,
    /// The arguments.
    pub args: Vec<Expr>,
    /// The arguments' types.
    pub types: Vec<Type>,
    /// DISTINCT
    pub distinct: bool,
    /// FILTER
    pub filter: Option<Expr>,
    /// ORDER BY
    pub order_by: Vec<(Expr, Direction)>,
    /// The result's type.
    pub ty: ColumnType,
}

/// Window functions over one partitioning and ordering. Hands out the input's columns, then one
/// for each call.
pub struct WindowSpec {
    /// The input.
    pub input: Node,
    /// PARTITION BY
    pub partition_by: Vec<Expr>,
    /// ORDER BY
    pub order_by: Vec<(Expr, Direction)>,
    /// The calls.
    pub calls: Vec<WindowExpr>,
    /// Whether the input comes in that order already.
    pub ordered: bool,
}

/// A window function call.
pub struct WindowExpr {
    /// Which.
    pub target: WindowTarget,
    /// The arguments.
    pub args: Vec<Expr>,
    /// FILTER
    pub filter: Option<Expr>,
    /// ROWS, RANGE, GROUPS
    pub unit: FrameUnit,
    /// Where the frame begins.
    pub start: Bound,
    /// Where it ends.
    pub end: Bound,
    /// The result's type.
    pub ty: ColumnType,
}

/// One end of a frame.
pub enum Bound {
    /// UNBOUNDED PRECEDING
    First,
    /// n PRECEDING
    Preceding(Expr),
    /// CURRENT ROW
    Current,
    /// n FOLLOWING
    Following(Expr),
    /// UNBOUNDED FOLLOWING
    Last,
}

/// An ordering, perhaps of the first rows only.
pub struct SortSpec {
    /// The input.
    pub input: Node,
    /// The keys.
    pub keys: Vec<(Expr, Direction)>,
    /// LIMIT and OFFSET that follow: no more rows than their sum are needed.
    pub first: Option<(Expr, Option<Expr>)>,
}

/// LIMIT and OFFSET.
pub struct LimitSpec {
    /// The input.
    pub input: Node,
    /// LIMIT
    pub limit: Option<Expr>,
    /// OFFSET
    pub offset: Option<Expr>,
}

/// DISTINCT, DISTINCT ON.
pub struct DistinctSpec {
    /// The input.
    pub input: Node,
    /// DISTINCT ON
    pub on: Option<Vec<Expr>>,
}

/// UNION, INTERSECT, EXCEPT.
pub struct SetOperationSpec {
    /// Which.
    pub kind: SetKind,
    /// ALL
    pub all: bool,
    /// The left input.
    pub left: Node,
    /// The right input.
    pub right: Node,
    /// Positions of its columns.
    pub left_columns: Vec<usize>,
    /// Positions of its columns.
    pub right_columns: Vec<usize>,
    /// The result's types.
    pub types: Vec<ColumnType>,
}

/// A common table expression and the query that uses it.
pub struct WithSpec {
    /// Where its rows are kept.
    pub slot: usize,
    /// The expression.
    pub definition: Node,
    /// The query.
    pub body: Node,
    /// Whether it runs even if nobody reads it (it changes data).
    pub always: bool,
}

/// Reads a common table expression or a working table.
pub struct CteScanSpec {
    /// Where its rows are kept.
    pub slot: usize,
    /// The expression, run by whoever comes first; `None` for a working table.
    pub definition: Option<Node>,
    /// Positions in the expression's columns.
    pub columns: Vec<usize>,
}

/// WITH RECURSIVE
pub struct RecursiveSpec {
    /// Where the working table is kept.
    pub slot: usize,
    /// The non-recursive term.
    pub base: Node,
    /// The recursive term.
    pub step: Node,
    /// UNION rather than UNION ALL.
    pub distinct: bool,
    /// Positions of the result in the base's columns.
    pub base_columns: Vec<usize>,
    /// Positions of the result in the step's columns.
    pub step_columns: Vec<usize>,
    /// The result's types.
    pub types: Vec<ColumnType>,
}

/// FOR UPDATE, FOR SHARE
pub struct LockSpec {
    /// The input.
    pub input: Node,
    /// The tables.
    pub targets: Vec<LockedTable>,
}

/// A table whose rows are locked.
pub struct LockedTable {
    /// Makes its keys.
    pub codec: Arc<TableCodec>,
    /// Its name.
    pub name: String,
    /// Positions of its primary key.
    pub key: Vec<usize>,
    /// Shared or exclusive.
    pub mode: LockMode,
    /// What to do when somebody else holds the lock.
    pub wait: WaitPolicy,
}

/// INSERT
pub struct InsertSpec {
    /// The rows.
    pub source: Node,
    /// The table.
    pub table: TableId,
    /// Writes it, and the tables that follow by foreign keys.
    pub writers: Arc<Writers>,
    /// The source's column for each table column.
    pub values: Vec<usize>,
    /// ON CONFLICT
    pub conflict: Option<ConflictSpec>,
    /// RETURNING, over the new row.
    pub returning: Option<Vec<Expr>>,
    /// Whether all rows are read before the first is written.
    pub materialize: bool,
    /// Whether its rows count as the statement's.
    pub counts: bool,
}

/// ON CONFLICT
pub struct ConflictSpec {
    /// The unique indexes that arbitrate; all of them if empty.
    pub arbiters: Vec<u32>,
    /// DO UPDATE
    pub update: Option<ConflictUpdateSpec>,
}

/// ON CONFLICT DO UPDATE
pub struct ConflictUpdateSpec {
    /// Table position and value, over the existing row followed by the proposed one.
    pub assignments: Vec<(usize, Expr)>,
    /// WHERE
    pub condition: Option<Expr>,
}

/// UPDATE
pub struct UpdateSpec {
    /// The old rows, with whatever the assignments read.
    pub source: Node,
    /// The table.
    pub table: TableId,
    /// Writes it, and the tables that follow by foreign keys.
    pub writers: Arc<Writers>,
    /// The source's column for each table column.
    pub old: Vec<usize>,
    /// Table position and value, over the source.
    pub assignments: Vec<(usize, Expr)>,
    /// Generated columns: table position and value, over the new row.
    pub computed: Vec<(usize, Expr)>,
    /// RETURNING, over the new row followed by the source's columns.
    pub returning: Option<Vec<Expr>>,
    /// Whether the source may give a row more than once (it joins).
    pub may_repeat: bool,
    /// Whether all rows are read before the first is written.
    pub materialize: bool,
    /// Whether its rows count as the statement's.
    pub counts: bool,
}

/// DELETE
pub struct DeleteSpec {
    /// The old rows.
    pub source: Node,
    /// The table.
    pub table: TableId,
    /// Writes it, and the tables that follow by foreign keys.
    pub writers: Arc<Writers>,
    /// The source's column for each table column.
    pub old: Vec<usize>,
    /// RETURNING, over the source's columns.
    pub returning: Option<Vec<Expr>>,
    /// Whether the source may give a row more than once (it joins).
    pub may_repeat: bool,
    /// Whether all rows are read before the first is written.
    pub materialize: bool,
    /// Whether its rows count as the statement's.
    pub counts: bool,
}
