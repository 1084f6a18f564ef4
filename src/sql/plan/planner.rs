//! From relations to nodes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::mvcc::{LockMode, WaitPolicy};
use crate::sql::exec::eval::Expr;
use crate::sql::exec::order::Direction;
use crate::sql::exec::state::Slots;
use crate::sql::plan::PlanContext;
use crate::sql::plan::compile::{Layout, compile, constant_of};
use crate::sql::plan::estimate::{self, Known};
use crate::sql::plan::physical::*;
use crate::sql::plan::walk::{self, Columns};
use crate::sql::relation::{CteId, Produced, Relation};
use crate::sql::scalar::{ColumnRef, Scalar, SortKey};
use crate::types::Datum;

/// What a parent would like of a node.
#[derive(Clone, Default)]
pub struct Want {
    /// Rows in this order.
    pub order: Vec<Ordered>,
    /// No more rows than this are likely to be read.
    pub rows: Option<f64>,
    /// LIMIT and OFFSET directly above, for a sort.
    pub first: Option<(Expr, Option<Expr>)>,
    /// The columns that anybody reads; all of them if `None`.
    pub needed: Option<Columns>,
    /// The rows are about to be changed or locked: a single one is locked before it is read.
    pub lock: Option<(LockMode, WaitPolicy)>,
}

impl Want {
    /// Few rows, in any order.
    pub fn rows(rows: f64) -> Want {
        Want { rows: Some(rows), ..Want::default() }
    }

    /// Certain columns, in any order.
    pub fn columns(needed: Columns) -> Want {
        Want { needed: Some(needed), ..Want::default() }
    }

    /// What is needed together with what some expressions read.
    pub fn needed_with<'s>(
        &self,
        scalars: impl IntoIterator<Item = &'s Scalar>,
    ) -> Option<Columns> {
        let mut needed = self.needed.clone()?;
        scalars.into_iter().for_each(|s| walk::reads(s, &mut needed));
        Some(needed)
    }
}

/// A common table expression that is in reach.
pub(super) struct Cte {
    pub slot: usize,
    /// `None` for a working table.
    pub definition: Option<Node>,
    pub columns: Vec<Produced>,
    pub rows: f64,
}

/// Makes a physical plan.
pub struct Planner<'p> {
    pub(super) ctx: PlanContext<'p>,
    pub(super) slots: Slots,
    outer: HashMap<ColumnRef, usize>,
    pub(super) ctes: HashMap<CteId, Cte>,
    pub(super) working: HashSet<CteId>,
    table_rows: HashMap<u32, f64>,
    /// What is known of the query's columns.
    pub(super) known: Known,
    next_column: u32,
    depth: usize,
    /// Whether the node being built is the statement itself rather than one of its WITH queries.
    pub(super) top_level: bool,
}

impl<'p> Planner<'p> {
    /// A planner for one statement.
    pub fn new(ctx: PlanContext<'p>, relation: &Relation) -> Self {
        Planner {
            ctx,
            slots: Slots::default(),
            outer: HashMap::new(),
            ctes: HashMap::new(),
            working: HashSet::new(),
            table_rows: HashMap::new(),
            known: Known::of(relation, &ctx),
            next_column: walk::highest(relation) + 1,
            depth: 0,
            top_level: true,
        }
    }

    /// The numbers of slots that the plan uses.
    pub fn finish(self) -> Slots {
        self.slots
    }

    /// A column that did not exist before.
    pub(super) fn fresh(&mut self) -> ColumnRef {
        self.next_column += 1;
        ColumnRef(self.next_column - 1)
    }

    /// The slot of an outer column, made if this is the first use.
    pub(super) fn new_slot(&mut self, column: ColumnRef) -> usize {
        let next = self.outer.len();
        let slot = *self.outer.entry(column).or_insert(next);
        self.slots.outer = self.outer.len();
        slot
    }

    /// The slot of an outer column that an enclosing query has announced.
    pub(super) fn slot_of(&mut self, column: ColumnRef) -> Result<usize> {
        self.outer
            .get(&column)
            .copied()
            .ok_or_else(|| Error::internal(format!("column {} is not in reach", column.0)))
    }

    /// Whether a relation reads the working table of a recursion that is being planned.
    pub(super) fn reads_working_table(&self, relation: &Relation) -> bool {
        let mut found =
            matches!(relation, Relation::CteScan { id, .. } if self.working.contains(id));
        walk::scalars(relation, &mut |s| {
            walk::subqueries(s, &mut |q| found = found || self.reads_working_table(&q.relation));
        });
        walk::children(relation, &mut |r| found = found || self.reads_working_table(r));
        found
    }

    /// Estimated rows of a table.
    pub(super) fn table_rows(
        &mut self,
        table: &crate::catalog::descriptor::TableDescriptor,
    ) -> f64 {
        let ctx = self.ctx;
        *self.table_rows.entry(table.id).or_insert_with(|| estimate::table_rows(table, &ctx))
    }

    /// Whether changes of rows count as the statement's.
    pub(super) fn counts(&self) -> bool {
        self.top_level
    }

    pub(super) fn node(
        &mut self,
        op: Op,
        columns: Vec<Produced>,
        rows: f64,
        cost: f64,
        order: Vec<Ordered>,
    ) -> Node {
        self.slots.nodes += 1;
        Node { op, columns, rows, cost, order, id: self.slots.nodes - 1 }
    }

    /// An expression over a layout.
    pub(super) fn expr(&mut self, scalar: &Scalar, layout: &Layout) -> Result<Expr> {
        compile(scalar, layout, self)
    }

    /// The node of a relation.
    pub fn build(&mut self, relation: Relation, want: &Want) -> Result<Node> {
        self.depth += 1;
        if self.depth > crate::limits::EXPRESSION_DEPTH_MAX {
            return Err(Error::new(
                crate::error::sqlstate::STATEMENT_TOO_COMPLEX,
                "statement is too complex: its queries are nested too deeply",
            ));
        }
        let node = self.build_any(relation, want);
        self.depth -= 1;
        node
    }

    fn build_any(&mut self, relation: Relation, want: &Want) -> Result<Node> {
        match relation {
            Relation::Scan(scan) => self.scan(scan, Vec::new(), want),
            Relation::Filter { input, predicate } => self.filter(*input, predicate, want),
            Relation::Project { input, columns } => self.project(*input, columns, want),
            Relation::Join { .. } => {
                let needed = match &want.needed {
                    Some(needed) => needed.clone(),
                    None => walk::output(&relation).into_iter().map(|p| p.column).collect(),
                };
                self.join(relation, needed, want)
            }
            Relation::Sort { input, keys } => self.sort(*input, keys, want),
            Relation::Limit { input, limit, offset } => self.limit(*input, limit, offset, want),
            Relation::Values { columns, rows } => {
                let layout = Layout::default();
                let mut compiled = Vec::with_capacity(rows.len());
                for row in &rows {
                    compiled
                        .push(row.iter().map(|e| self.expr(e, &layout)).collect::<Result<_>>()?);
                }
                let types = columns.iter().map(|c| c.ty.clone()).collect();
                let spec = ValuesSpec { types, rows: compiled };
                let rows = rows.len() as f64;
                Ok(self.node(Op::Values(Arc::new(spec)), columns, rows, rows * 0.1, Vec::new()))
            }
            Relation::Virtual { table, columns } => {
                let spec = VirtualScanSpec {
                    table,
                    columns: columns.iter().map(|(_, at)| *at).collect(),
                    types: columns.iter().map(|(p, _)| p.ty.clone()).collect(),
                };
                let produced = columns.into_iter().map(|(p, _)| p).collect();
                let op = Op::VirtualScan(Arc::new(spec));
                Ok(self.node(op, produced, 100.0, 200.0, Vec::new()))
            }
            Relation::Feed { columns } => {
                Ok(self.node(Op::Feed, columns, 1_000.0, 1_000.0, Vec::new()))
            }
            Relation::Function { function, args, columns, ordinality } => {
                let layout = Layout::default();
                let args =
                    args.iter().map(|a| self.expr(a, &layout)).collect::<Result<Vec<_>>>()?;
                let has_ordinality = ordinality.is_some();
                let produced: Vec<Produced> = columns.into_iter().chain(ordinality).collect();
                let spec = FunctionScanSpec {
                    function,
                    args,
                    types: produced.iter().map(|p| p.ty.clone()).collect(),
                    ordinality: has_ordinality,
                };
                let op = Op::FunctionScan(Arc::new(spec));
                Ok(self.node(op, produced, 100.0, 100.0, Vec::new()))
            }
            Relation::Aggregate { input, groups, sets, set_number, aggregates } => {
                self.aggregate(*input, groups, sets, set_number, aggregates)
            }
            Relation::Window { input, partition_by, order_by, calls } => {
                self.window(*input, partition_by, order_by, calls)
            }
            Relation::Distinct { input, on } => self.distinct(*input, on, want),
            Relation::SetOperation { kind, all, left, right, columns } => {
                let left = self.build(*left, &Want { rows: want.rows, ..Want::default() })?;
                let right = self.build(*right, &Want { rows: want.rows, ..Want::default() })?;
                let (l, r) = (Layout::new(&left.columns), Layout::new(&right.columns));
                let spec = SetOperationSpec {
                    kind,
                    all,
                    left_columns: positions(&l, columns.iter().map(|(_, c, _)| *c))?,
                    right_columns: positions(&r, columns.iter().map(|(_, _, c)| *c))?,
                    types: columns.iter().map(|(p, _, _)| p.ty.clone()).collect(),
                    left: left.clone(),
                    right: right.clone(),
                };
                let produced = columns.into_iter().map(|(p, _, _)| p).collect();
                let rows = left.rows + right.rows;
                let cost = left.cost + right.cost + if all { 0.0 } else { rows };
                Ok(self.node(Op::SetOperation(Arc::new(spec)), produced, rows, cost, Vec::new()))
            }
            Relation::With { id, definition, body } => self.with(id, *definition, *body, want),
            Relation::CteScan { id, columns } => self.cte_scan(id, columns),
            Relation::Recursive { id, base, step, distinct, columns } => {
                self.recursive(id, *base, *step, distinct, columns)
            }
            Relation::Lock { input, tables } => self.lock(*input, tables, want),
            Relation::Insert(insert) => self.insert(*insert),
            Relation::Update(update) => self.update(*update),
            Relation::Delete(delete) => self.delete(*delete),
        }
    }

    /// The node with exactly these columns.
    pub fn shape(&mut self, node: Node, output: &[ColumnRef]) -> Result<Node> {
        let same = node.columns.len() == output.len()
            && node.columns.iter().zip(output).all(|(p, c)| p.column == *c);
        if same {
            return Ok(node);
        }
        let layout = Layout::new(&node.columns);
        let at = positions(&layout, output.iter().copied())?;
        self.narrow(node, &at)
    }

    /// The node with its columns at some positions only.
    pub(super) fn narrow(&mut self, node: Node, at: &[usize]) -> Result<Node> {
        let columns: Vec<Produced> =
            at.iter().filter_map(|p| node.columns.get(*p)).cloned().collect();
        let (rows, cost, order) = (node.rows, node.cost, node.order.clone());
        let exprs = at.iter().zip(&columns).map(|(p, c)| Expr::input(*p, c.ty.clone())).collect();
        let spec = ProjectSpec { input: node, exprs, positions: Some(at.to_vec()) };
        Ok(self.node(Op::Project(Arc::new(spec)), columns, rows, cost, order))
    }

    fn filter(&mut self, input: Relation, predicate: Scalar, want: &Want) -> Result<Node> {
        let mut predicates = Vec::new();
        walk::conjuncts(predicate, &mut predicates);
        if let Relation::Scan(mut scan) = input {
            self.use_indexed_expressions(&mut scan, &mut predicates)?;
            return self.scan(scan, predicates, want);
        }
        let share = self.known.share(&predicates);
        let below = Want {
            order: want.order.clone(),
            rows: want.rows.map(|r| r / share.max(0.001)),
            needed: want.needed_with(&predicates),
            ..Want::default()
        };
        let input = self.build(input, &below)?;
        self.filtered(input, predicates)
    }

    /// A node with predicates on top.
    pub(super) fn filtered(&mut self, input: Node, predicates: Vec<Scalar>) -> Result<Node> {
        let rows = self.known.filtered(input.rows, &predicates);
        let Some(predicate) = Scalar::conjunction(predicates) else { return Ok(input) };
        let layout = Layout::new(&input.columns);
        let predicate = self.expr(&predicate, &layout)?;
        let (columns, cost, order) =
            (input.columns.clone(), input.cost + input.rows * 0.2, input.order.clone());
        let spec = FilterSpec { input, predicate };
        Ok(self.node(Op::Filter(Arc::new(spec)), columns, rows, cost, order))
    }

    fn project(
        &mut self,
        input: Relation,
        columns: Vec<(Produced, Scalar)>,
        want: &Want,
    ) -> Result<Node> {
        // What is wanted of a column that only changes its name is wanted of its source.
        let source = |c: ColumnRef| {
            columns.iter().find(|(p, _)| p.column == c).and_then(|(_, e)| e.as_column())
        };
        let order = want
            .order
            .iter()
            .map(|o| source(o.column).map(|column| Ordered { column, direction: o.direction }))
            .collect::<Option<Vec<_>>>()
            .unwrap_or_default();
        let mut needed = Columns::new();
        columns.iter().for_each(|(_, e)| walk::reads(e, &mut needed));
        let below = Want {
            order,
            rows: want.rows,
            first: want.first.clone(),
            needed: Some(needed),
            lock: want.lock,
        };
        let plain = columns.iter().all(|(p, e)| e.as_column() == Some(p.column));
        let input = self.build(input, &below)?;
        let layout = Layout::new(&input.columns);
        if plain {
            let at = positions(&layout, columns.iter().map(|(p, _)| p.column))?;
            let same =
                at.len() == input.columns.len() && at.iter().enumerate().all(|(i, p)| i == *p);
            return if same { Ok(input) } else { self.narrow(input, &at) };
        }
        let exprs =
            columns.iter().map(|(_, e)| self.expr(e, &layout)).collect::<Result<Vec<_>>>()?;
        let positions = exprs.iter().map(Expr::as_input).collect::<Option<Vec<_>>>();
        let order = input
            .order
            .iter()
            .map_while(|o| {
                columns
                    .iter()
                    .find(|(_, e)| e.as_column() == Some(o.column))
                    .map(|(p, _)| Ordered { column: p.column, direction: o.direction })
            })
            .collect();
        let produced: Vec<Produced> = columns.into_iter().map(|(p, _)| p).collect();
        let (rows, cost) = (input.rows, input.cost + input.rows * 0.1);
        let spec = ProjectSpec { input, exprs, positions };
        Ok(self.node(Op::Project(Arc::new(spec)), produced, rows, cost, order))
    }

    fn sort(&mut self, input: Relation, keys: Vec<SortKey>, want: &Want) -> Result<Node> {
        let plain = keys
            .iter()
            .map(|k| k.expr.as_column().map(|column| Ordered { column, direction: direction(k) }))
            .collect::<Option<Vec<_>>>();
        let below = Want {
            order: plain.clone().unwrap_or_default(),
            rows: plain.as_ref().and(want.rows),
            needed: want.needed_with(keys.iter().map(|k| &k.expr)),
            ..Want::default()
        };
        let input = self.build(input, &below)?;
        let constant = keys.iter().all(|k| k.expr.as_literal().is_some());
        if constant || plain.as_ref().is_some_and(|wanted| is_ordered(&input, wanted)) {
            return Ok(input);
        }
        let layout = Layout::new(&input.columns);
        let compiled = keys
            .iter()
            .map(|k| Ok((self.expr(&k.expr, &layout)?, direction(k))))
            .collect::<Result<Vec<_>>>()?;
        let n = input.rows.max(2.0);
        let (columns, cost) = (input.columns.clone(), input.cost + n * n.log2() * 0.2);
        let rows = input.rows;
        let spec = SortSpec { input, keys: compiled, first: want.first.clone() };
        Ok(self.node(Op::Sort(Arc::new(spec)), columns, rows, cost, plain.unwrap_or_default()))
    }

    fn limit(
        &mut self,
        input: Relation,
        limit: Option<Scalar>,
        offset: Option<Scalar>,
        want: &Want,
    ) -> Result<Node> {
        let layout = Layout::default();
        let limit = limit.map(|l| self.expr(&l, &layout)).transpose()?;
        let offset = offset.map(|o| self.expr(&o, &layout)).transpose()?;
        let number = |e: &Option<Expr>| {
            e.as_ref().and_then(constant_of).and_then(|d| match d {
                Datum::Int8(n) => Some(*n as f64),
                _ => None,
            })
        };
        let few = match (&limit, number(&limit)) {
            (None, _) => want.rows,
            (Some(_), Some(n)) => Some(n + number(&offset).unwrap_or(0.0)),
            // A parameter: probably few.
            (Some(_), None) => Some(100.0),
        };
        let below = Want {
            order: want.order.clone(),
            rows: few,
            first: limit.clone().map(|l| (l, offset.clone())),
            needed: want.needed.clone(),
            lock: None,
        };
        let input = self.build(input, &below)?;
        let rows = number(&limit).unwrap_or(input.rows).min(input.rows).max(0.0);
        let cost =
            input.cost * if limit.is_some() { (rows / input.rows.max(1.0)).max(0.01) } else { 1.0 };
        let (columns, order) = (input.columns.clone(), input.order.clone());
        let spec = LimitSpec { input, limit, offset };
        Ok(self.node(Op::Limit(Arc::new(spec)), columns, rows, cost, order))
    }
}

/// The direction of a sort key.
pub fn direction(key: &SortKey) -> Direction {
    Direction { descending: key.descending, nulls_first: key.nulls_first }
}

/// The positions of columns in a layout.
pub fn positions(
    layout: &Layout,
    columns: impl IntoIterator<Item = ColumnRef>,
) -> Result<Vec<usize>> {
    columns
        .into_iter()
        .map(|c| {
            layout
                .position(c)
                .ok_or_else(|| Error::internal(format!("column {} is not in its input", c.0)))
        })
        .collect()
}

/// Whether a node's rows come in an order.
pub fn is_ordered(node: &Node, wanted: &[Ordered]) -> bool {
    node.rows <= 1.0 && is_single(node) || node.order.starts_with(wanted)
}

/// Whether a node certainly hands out at most one row.
fn is_single(node: &Node) -> bool {
    match &node.op {
        Op::Values(spec) => spec.rows.len() <= 1,
        Op::Aggregate(spec) => spec.groups.is_empty() && spec.sets.len() == 1,
        Op::Project(spec) => is_single(&spec.input),
        Op::Filter(spec) => is_single(&spec.input),
        _ => false,
    }
}
