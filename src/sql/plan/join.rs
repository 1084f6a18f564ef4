//! Joins: which algorithm, which side is kept in memory, which columns come out.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sql::exec::eval::compare::{CompareOp, comparison_of};
use crate::sql::exec::reader::IndexReader;
use crate::sql::plan::access::Path;
use crate::sql::plan::compile::Layout;
use crate::sql::plan::estimate::Known;
use crate::sql::plan::physical::{
    DistinctSpec, HashJoinSpec, IndexJoinSpec, NestedLoopSpec, Node, Op, Residual,
};
use crate::sql::plan::planner::{Planner, Want, positions};
use crate::sql::plan::scan::{FETCH, Filtered, SEEK, as_filtered, rest_of};
use crate::sql::plan::walk::{self, Columns};
use crate::sql::relation::{JoinKind, Produced, Relation};
use crate::sql::scalar::{Scalar, ScalarKind};

/// Two expressions, one over each side, that must be equal.
pub struct Equality {
    /// Over the left side.
    pub left: Scalar,
    /// Over the right side.
    pub right: Scalar,
}

/// The join predicates, sorted out.
pub struct On {
    /// Equalities between the sides, by which rows can be hashed.
    pub equal: Vec<Equality>,
    /// Everything else.
    pub rest: Vec<Scalar>,
}

/// The columns of a node.
pub fn columns_of(node: &Node) -> Columns {
    node.columns.iter().map(|p| p.column).collect()
}

/// Sorts out the predicates of a join.
pub fn sort_out(on: Vec<Scalar>, left: &Columns, right: &Columns) -> On {
    let mut out = On { equal: Vec::new(), rest: Vec::new() };
    for predicate in on {
        match equality(&predicate, left, right) {
            Some(equality) => out.equal.push(equality),
            None => out.rest.push(predicate),
        }
    }
    out
}

/// The equality of a left and a right expression that a predicate is, if it is one.
pub fn equality(predicate: &Scalar, left: &Columns, right: &Columns) -> Option<Equality> {
    let ScalarKind::Call { function, args } = &predicate.kind else { return None };
    comparison_of(function).filter(|c| c.op == CompareOp::Eq)?;
    let [a, b] = &args[..] else { return None };
    if walk::is_volatile(predicate) {
        return None;
    }
    let (in_a, in_b) = (walk::read_by(a), walk::read_by(b));
    let is = |read: &Columns, of: &Columns, not: &Columns| {
        !read.is_disjoint(of) && read.is_disjoint(not)
    };
    if is(&in_a, left, right) && is(&in_b, right, left) {
        Some(Equality { left: a.clone(), right: b.clone() })
    } else if is(&in_b, left, right) && is(&in_a, right, left) {
        Some(Equality { left: b.clone(), right: a.clone() })
    } else {
        None
    }
}

/// An index lookup that can stand for one side of a join.
pub struct Lookup<'f> {
    /// Which part of the index.
    pub path: Path<'f>,
    /// The scan's own predicates, then those of the join.
    pub predicates: Vec<Scalar>,
    /// Rows found per lookup.
    pub matches: f64,
    /// Cost per lookup.
    pub cost: f64,
}

impl Planner<'_> {
    /// A join of which some columns are needed.
    pub(super) fn join(
        &mut self,
        relation: Relation,
        needed: Columns,
        want: &Want,
    ) -> Result<Node> {
        let Relation::Join { kind, left, right, on, lateral } = relation else {
            return self.build(relation, want);
        };
        if kind == JoinKind::Inner && !lateral {
            let (mut inputs, mut predicates) = (Vec::new(), Vec::new());
            flatten(*left, &mut inputs, &mut predicates);
            flatten(*right, &mut inputs, &mut predicates);
            walk::conjuncts(on, &mut predicates);
            return self.order_joins(inputs, predicates, needed, want);
        }
        let mut predicates = Vec::new();
        walk::conjuncts(on, &mut predicates);
        let outer: Columns = walk::output(&left).into_iter().map(|p| p.column).collect();
        let keeps_order = want.order.iter().all(|o| outer.contains(&o.column));
        let below = Want {
            order: if keeps_order { want.order.clone() } else { Vec::new() },
            rows: want.rows,
            needed: Some(needed.union(&reads_of(&predicates)).copied().collect()),
            ..Want::default()
        };
        if lateral {
            return self.lateral(kind, *left, *right, predicates, needed, &below);
        }
        if kind == JoinKind::Semi
            && let Some(node) = self.semi_by_lookup(&left, &right, &predicates, &needed)?
        {
            return Ok(node);
        }
        let left = self.build(*left, &below)?;
        let inner = as_filtered(&right);
        let right_want = Want { needed: below.needed.clone(), ..Want::default() };
        let right_node = self.build(*right, &right_want)?;
        if let Some(filtered) = &inner
            && matches!(kind, JoinKind::Left | JoinKind::Semi | JoinKind::Anti)
            && let Some(lookup) = self.lookup(filtered, &predicates, &columns_of(&left))?
            && left.rows * lookup.cost < right_node.cost + right_node.rows + left.rows
        {
            return self.index_join(kind, left, filtered, lookup, &needed);
        }
        self.join_nodes(kind, left, right_node, predicates, &needed, !below.order.is_empty())
    }

    /// A join in which the right side reads columns of the left.
    fn lateral(
        &mut self,
        kind: JoinKind,
        left: Relation,
        right: Relation,
        predicates: Vec<Scalar>,
        needed: Columns,
        want: &Want,
    ) -> Result<Node> {
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            return Err(Error::new(
                crate::error::sqlstate::INVALID_COLUMN_REFERENCE,
                "the combining JOIN type must be INNER or LEFT for a LATERAL reference",
            ));
        }
        let mut through = needed.clone();
        through.extend(walk::free(&right));
        predicates.iter().for_each(|p| walk::reads(p, &mut through));
        let below = Want { needed: Some(through), ..want.clone() };
        let left = self.build(left, &below)?;
        let layout = Layout::new(&left.columns);
        let mut captured = Vec::new();
        for column in walk::free(&right) {
            if let Some(position) = layout.position(column) {
                captured.push((self.new_slot(column), position));
            }
        }
        captured.sort_unstable();
        let right = self.build(right, &Want::default())?;
        let cost = left.cost + left.rows * (right.cost + 2.0);
        let rows = joined_rows(
            &self.known,
            kind,
            left.rows,
            right.rows,
            left.rows * right.rows,
            &predicates,
        );
        self.nested(kind, left, right, captured, true, predicates, &needed, rows, cost)
    }

    /// The best join of two nodes.
    pub(super) fn join_nodes(
        &mut self,
        kind: JoinKind,
        left: Node,
        right: Node,
        predicates: Vec<Scalar>,
        needed: &Columns,
        keep_order: bool,
    ) -> Result<Node> {
        let on = sort_out(predicates, &columns_of(&left), &columns_of(&right));
        if on.equal.is_empty() {
            let pairs = left.rows * right.rows;
            let rows = joined_rows(&self.known, kind, left.rows, right.rows, pairs, &on.rest);
            let cost = left.cost + right.cost + pairs * 0.2;
            return self.nested(kind, left, right, Vec::new(), false, on.rest, needed, rows, cost);
        }
        let pairs = left.rows * right.rows / left.rows.max(right.rows).max(1.0);
        let rows = joined_rows(&self.known, kind, left.rows, right.rows, pairs, &on.rest);
        self.hash_join(kind, left, right, on, needed, rows, keep_order)
    }

    #[allow(clippy::too_many_arguments)]
    fn hash_join(
        &mut self,
        mut kind: JoinKind,
        mut left: Node,
        mut right: Node,
        mut on: On,
        needed: &Columns,
        rows: f64,
        keep_order: bool,
    ) -> Result<Node> {
        // The smaller side is the one to keep, where the kind of join leaves the choice.
        let swapped = match kind {
            JoinKind::Inner | JoinKind::Full => Some(kind),
            JoinKind::Left => Some(JoinKind::Right),
            JoinKind::Right => Some(JoinKind::Left),
            JoinKind::Semi | JoinKind::Anti => None,
        };
        if let Some(other) = swapped
            && left.rows < right.rows
            && !keep_order
        {
            std::mem::swap(&mut left, &mut right);
            for equality in &mut on.equal {
                std::mem::swap(&mut equality.left, &mut equality.right);
            }
            kind = other;
        }
        let (l, r) = (Layout::new(&left.columns), Layout::new(&right.columns));
        let (mut left_keys, mut right_keys) = (Vec::new(), Vec::new());
        for equality in &on.equal {
            left_keys.push(self.expr(&equality.left, &l)?);
            right_keys.push(self.expr(&equality.right, &r)?);
        }
        let residual = self.residual(on.rest, &left.columns, &right.columns)?;
        let (output, columns) = outputs(kind, &left.columns, &right.columns, needed);
        let order = match kind {
            // Nobody asked: a large join is free to hand its rows out part by part.
            _ if !keep_order => Vec::new(),
            JoinKind::Inner | JoinKind::Semi | JoinKind::Anti => kept(&left, &columns),
            JoinKind::Left if residual.is_none() => kept(&left, &columns),
            _ => Vec::new(),
        };
        let keeps_order = !order.is_empty();
        let cost = left.cost + right.cost + left.rows * 0.6 + right.rows * 1.2 + rows * 0.2;
        let spec = HashJoinSpec {
            kind,
            left,
            right,
            left_keys,
            right_keys,
            residual,
            output,
            keeps_order,
        };
        Ok(self.node(Op::HashJoin(Arc::new(spec)), columns, rows, cost, order))
    }

    #[allow(clippy::too_many_arguments)]
    fn nested(
        &mut self,
        kind: JoinKind,
        left: Node,
        right: Node,
        captured: Vec<(usize, usize)>,
        lateral: bool,
        predicates: Vec<Scalar>,
        needed: &Columns,
        rows: f64,
        cost: f64,
    ) -> Result<Node> {
        let on = self.residual(predicates, &left.columns, &right.columns)?;
        let (output, columns) = outputs(kind, &left.columns, &right.columns, needed);
        let order = match kind {
            JoinKind::Inner | JoinKind::Semi | JoinKind::Anti => kept(&left, &columns),
            JoinKind::Left if lateral => kept(&left, &columns),
            _ => Vec::new(),
        };
        let spec = NestedLoopSpec { kind, left, right, captured, lateral, on, output };
        Ok(self.node(Op::NestedLoop(Arc::new(spec)), columns, rows, cost, order))
    }

    /// Predicates over pairs of rows.
    fn residual(
        &mut self,
        predicates: Vec<Scalar>,
        left: &[Produced],
        right: &[Produced],
    ) -> Result<Option<Residual>> {
        let Some(predicate) = Scalar::conjunction(predicates) else { return Ok(None) };
        let read = walk::read_by(&predicate);
        let used: Vec<(usize, Produced)> = left
            .iter()
            .chain(right)
            .enumerate()
            .filter(|(_, p)| read.contains(&p.column))
            .map(|(i, p)| (i, p.clone()))
            .collect();
        let produced: Vec<Produced> = used.iter().map(|(_, p)| p.clone()).collect();
        let predicate = self.expr(&predicate, &Layout::new(&produced))?;
        Ok(Some(Residual { columns: used.iter().map(|(i, _)| *i).collect(), predicate }))
    }

    /// The best index lookup for one side of a join, whose predicates may read the outer columns.
    pub(super) fn lookup<'f>(
        &mut self,
        filtered: &'f Filtered,
        on: &[Scalar],
        outer: &Columns,
    ) -> Result<Option<Lookup<'f>>> {
        let scan = &filtered.scan;
        let own: Columns = scan.columns.iter().map(|(p, _)| p.column).collect();
        let mut predicates = filtered.predicates.clone();
        predicates.extend_from_slice(on);
        let usable = |s: &Scalar| {
            !walk::is_volatile(s) && !walk::has_subquery(s) && walk::read_by(s).is_disjoint(&own)
        };
        let all = self.table_rows(&scan.table);
        let codec = self.codec(&scan.table)?;
        let mut best: Option<Lookup<'f>> = None;
        for path in self.paths(scan, &predicates, &usable)? {
            // A lookup that does not look at the outer row is a scan.
            let reads_outer = path.terms.iter().any(|t| match t {
                crate::sql::plan::access::Says::Equal(value) => {
                    !walk::read_by(value).is_disjoint(outer)
                }
                _ => false,
            });
            if !reads_outer {
                continue;
            }
            let matches = if path.single { 1.0 } else { (all * path.share).max(1.0) };
            let mut covering = true;
            for (_, at) in &scan.columns {
                covering &= codec.covers(path.index.id, *at)?;
            }
            let cost = SEEK + matches * if covering { 1.0 } else { 1.0 + FETCH };
            if best.as_ref().is_none_or(|b| cost < b.cost) {
                best = Some(Lookup { path, predicates: predicates.clone(), matches, cost });
            }
        }
        Ok(best)
    }

    /// A join that looks up each outer row.
    pub(super) fn index_join(
        &mut self,
        kind: JoinKind,
        outer: Node,
        inner: &Filtered,
        lookup: Lookup<'_>,
        needed: &Columns,
    ) -> Result<Node> {
        let scan = &inner.scan;
        let own: Columns = scan.columns.iter().map(|(p, _)| p.column).collect();
        let layout = Layout::new(&outer.columns);
        let bounds = self.bounds(&lookup.path, &layout)?;
        let rest = rest_of(&lookup.predicates, &lookup.path.served);
        let outer_columns = columns_of(&outer);
        let (across, inside): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|p| !walk::read_by(p).is_disjoint(&outer_columns));
        let mut read = needed.clone();
        across.iter().chain(&inside).for_each(|p| walk::reads(p, &mut read));
        read.retain(|c| own.contains(c));
        let kept_columns: Vec<(Produced, usize)> =
            scan.columns.iter().filter(|(p, _)| read.contains(&p.column)).cloned().collect();
        let produced: Vec<Produced> = kept_columns.iter().map(|(p, _)| p.clone()).collect();
        let share = self.known.share(&inside) * self.known.share(&across);
        let filter = match Scalar::conjunction(inside) {
            None => None,
            Some(filter) => Some(self.expr(&filter, &Layout::new(&produced))?),
        };
        let residual = self.residual(across, &outer.columns, &produced)?;
        let (output, columns) = outputs(kind, &outer.columns, &produced, needed);
        let codec = self.codec(&scan.table)?;
        let at = kept_columns.iter().map(|(_, at)| *at).collect();
        let reader = IndexReader::new(&scan.table, &codec, lookup.path.index, at)?;
        let pairs = outer.rows * lookup.matches * share;
        let rows = match kind {
            JoinKind::Inner => pairs.max(1.0),
            JoinKind::Left => pairs.max(outer.rows),
            _ => (outer.rows * 0.5).max(1.0),
        };
        let cost = outer.cost + outer.rows * lookup.cost;
        let order = kept(&outer, &columns);
        let spec = IndexJoinSpec {
            kind,
            outer,
            alias: scan.alias.clone(),
            reader: Arc::new(reader),
            bounds,
            filter,
            residual,
            output,
        };
        Ok(self.node(Op::IndexJoin(Arc::new(spec)), columns, rows, cost, order))
    }

    /// A semi join of a large table with few values: looks the values up in the table's index
    /// instead of reading the table.
    fn semi_by_lookup(
        &mut self,
        left: &Relation,
        right: &Relation,
        predicates: &[Scalar],
        needed: &Columns,
    ) -> Result<Option<Node>> {
        let Some(filtered) = as_filtered(left) else { return Ok(None) };
        let lefts: Columns = walk::output(left).into_iter().map(|p| p.column).collect();
        let rights: Columns = walk::output(right).into_iter().map(|p| p.column).collect();
        let on = sort_out(predicates.to_vec(), &lefts, &rights);
        let keys: Option<Vec<_>> = on.equal.iter().map(|e| e.right.as_column()).collect();
        let (Some(keys), true) = (keys, on.rest.is_empty() && !on.equal.is_empty()) else {
            return Ok(None);
        };
        let Some(lookup) = self.lookup(&filtered, predicates, &rights)? else { return Ok(None) };
        let table = self.table_rows(&filtered.scan.table);
        let right = self.build(right.clone(), &Want::default())?;
        if right.rows * lookup.cost > table {
            return Ok(None);
        }
        let mut keys = keys;
        keys.sort_unstable();
        keys.dedup();
        let at = positions(&Layout::new(&right.columns), keys)?;
        let right = self.narrow(right, &at)?;
        let (columns, rows, cost) = (right.columns.clone(), right.rows, right.cost + right.rows);
        let spec = DistinctSpec { input: right, on: None };
        let values = self.node(Op::Distinct(Arc::new(spec)), columns, rows, cost, Vec::new());
        self.index_join(JoinKind::Inner, values, &filtered, lookup, needed).map(Some)
    }
}

fn reads_of(predicates: &[Scalar]) -> Columns {
    let mut read = Columns::new();
    predicates.iter().for_each(|p| walk::reads(p, &mut read));
    read
}

/// The inputs and predicates of nested inner joins.
fn flatten(relation: Relation, inputs: &mut Vec<Relation>, predicates: &mut Vec<Scalar>) {
    match relation {
        Relation::Join { kind: JoinKind::Inner, left, right, on, lateral: false } => {
            flatten(*left, inputs, predicates);
            flatten(*right, inputs, predicates);
            walk::conjuncts(on, predicates);
        }
        Relation::Project { input, columns }
            if columns.iter().all(|(p, e)| e.as_column() == Some(p.column))
                && matches!(
                    &*input,
                    Relation::Join { kind: JoinKind::Inner, lateral: false, .. }
                ) =>
        {
            flatten(*input, inputs, predicates);
        }
        other => inputs.push(other),
    }
}

/// The positions and columns that a join hands out.
fn outputs(
    kind: JoinKind,
    left: &[Produced],
    right: &[Produced],
    needed: &Columns,
) -> (Vec<usize>, Vec<Produced>) {
    let sides = match kind {
        JoinKind::Semi | JoinKind::Anti => &[],
        _ => right,
    };
    left.iter()
        .chain(sides)
        .enumerate()
        .filter(|(_, p)| needed.contains(&p.column))
        .map(|(i, p)| (i, p.clone()))
        .unzip()
}

/// The part of a node's order whose columns still come out.
fn kept(node: &Node, columns: &[Produced]) -> Vec<crate::sql::plan::physical::Ordered> {
    node.order
        .iter()
        .take_while(|o| columns.iter().any(|p| p.column == o.column))
        .copied()
        .collect()
}

/// Estimated rows of a join.
fn joined_rows(
    known: &Known,
    kind: JoinKind,
    left: f64,
    right: f64,
    pairs: f64,
    rest: &[Scalar],
) -> f64 {
    let pairs = known.filtered(pairs, rest);
    match kind {
        JoinKind::Inner => pairs,
        JoinKind::Left => pairs.max(left),
        JoinKind::Right => pairs.max(right),
        JoinKind::Full => pairs.max(left + right),
        JoinKind::Semi | JoinKind::Anti => (left * 0.5).max(1.0),
    }
}
