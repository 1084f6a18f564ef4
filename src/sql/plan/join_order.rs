//! The order of inner joins: every left-deep order is weighed while there are few inputs, beyond
//! that the cheapest next input is taken each time.

use crate::error::{Error, Result};
use crate::sql::plan::join::{columns_of, equality};
use crate::sql::plan::physical::Node;
use crate::sql::plan::planner::{Planner, Want};
use crate::sql::plan::scan::{Filtered, as_filtered};
use crate::sql::plan::walk::{self, Columns};
use crate::sql::relation::{JoinKind, Relation};
use crate::sql::scalar::Scalar;

/// Inputs of which every order is weighed.
const WEIGHED_MAX: usize = 8;

/// Inputs of one chain of inner joins; more are joined in the order of the statement.
const INPUTS_MAX: usize = 64;

struct Input {
    node: Node,
    columns: Columns,
    filtered: Option<Filtered>,
    /// Rows before predicates: the number of different keys that there may be.
    base_rows: f64,
}

struct Predicate {
    scalar: Scalar,
    /// The inputs that it reads, as bits.
    reads: u64,
}

/// A way to join a set of inputs.
#[derive(Clone)]
struct Chain {
    order: Vec<usize>,
    rows: f64,
    cost: f64,
}

impl Planner<'_> {
    /// Joins inputs by inner joins.
    pub(super) fn order_joins(
        &mut self,
        relations: Vec<Relation>,
        predicates: Vec<Scalar>,
        needed: Columns,
        want: &Want,
    ) -> Result<Node> {
        let mut inputs = Vec::with_capacity(relations.len());
        let mut below = needed.clone();
        predicates.iter().for_each(|p| walk::reads(p, &mut below));
        for relation in relations {
            let columns: Columns = walk::output(&relation).into_iter().map(|p| p.column).collect();
            let filtered = as_filtered(&relation);
            let order = if want.order.iter().all(|o| columns.contains(&o.column)) {
                want.order.clone()
            } else {
                Vec::new()
            };
            // The order is asked for without the limit: how many rows survive the join is unknown.
            let input_want = Want { order, needed: Some(below.clone()), ..Want::default() };
            let node = self.build(relation, &input_want)?;
            let base_rows = match &filtered {
                Some(f) => self.table_rows(&f.scan.table),
                None => node.rows,
            };
            inputs.push(Input { node, columns, filtered, base_rows });
        }
        let predicates: Vec<Predicate> = predicates
            .into_iter()
            .map(|scalar| {
                let read = walk::read_by(&scalar);
                let reads = inputs
                    .iter()
                    .take(INPUTS_MAX)
                    .enumerate()
                    .filter(|(_, input)| !read.is_disjoint(&input.columns))
                    .fold(0u64, |bits, (i, _)| bits | 1 << i);
                Predicate { scalar, reads }
            })
            .collect();
        let order: Vec<usize> = if inputs.len() <= WEIGHED_MAX {
            self.weigh(&inputs, &predicates)?
        } else if inputs.len() <= INPUTS_MAX {
            self.greedy(&inputs, &predicates)?
        } else {
            (0..inputs.len()).collect()
        };
        self.chain(inputs, predicates, order, needed)
    }

    fn weigh(&mut self, inputs: &[Input], predicates: &[Predicate]) -> Result<Vec<usize>> {
        let count = inputs.len();
        let mut best: Vec<Option<Chain>> = vec![None; 1 << count];
        for (i, input) in inputs.iter().enumerate() {
            best[1 << i] =
                Some(Chain { order: vec![i], rows: input.node.rows, cost: input.node.cost });
        }
        for set in 1..(1usize << count) {
            let Some(chain) = best[set].clone() else { continue };
            for next in (0..count).filter(|i| set & (1 << i) == 0) {
                let longer = self.extend(&chain, set as u64, next, inputs, predicates)?;
                let place = &mut best[set | 1 << next];
                if place.as_ref().is_none_or(|known| longer.cost < known.cost) {
                    *place = Some(longer);
                }
            }
        }
        match best.pop().flatten() {
            Some(chain) => Ok(chain.order),
            None => Err(Error::internal("a join without inputs")),
        }
    }

    fn greedy(&mut self, inputs: &[Input], predicates: &[Predicate]) -> Result<Vec<usize>> {
        let first = inputs
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| a.node.rows.total_cmp(&b.node.rows))
            .map_or(0, |(i, _)| i);
        let input = &inputs[first];
        let mut chain = Chain { order: vec![first], rows: input.node.rows, cost: input.node.cost };
        let mut set = 1u64 << first;
        while chain.order.len() < inputs.len() {
            let mut best: Option<(usize, Chain)> = None;
            for next in (0..inputs.len()).filter(|i| set & (1 << i) == 0) {
                let longer = self.extend(&chain, set, next, inputs, predicates)?;
                if best.as_ref().is_none_or(|(_, known)| longer.cost < known.cost) {
                    best = Some((next, longer));
                }
            }
            let Some((next, longer)) = best else { break };
            set |= 1 << next;
            chain = longer;
        }
        Ok(chain.order)
    }

    /// A chain with one more input.
    fn extend(
        &mut self,
        chain: &Chain,
        set: u64,
        next: usize,
        inputs: &[Input],
        predicates: &[Predicate],
    ) -> Result<Chain> {
        let input = &inputs[next];
        let applicable = now(predicates, set, next);
        let outer = joined(inputs, set);
        let mut distinct: f64 = 1.0;
        let mut most: f64 = 1.0;
        let mut share: f64 = 1.0;
        let mut hashable = false;
        for predicate in &applicable {
            if let Some(equal) = equality(&predicate.scalar, &outer, &input.columns) {
                hashable = true;
                let others = inputs
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| predicate.reads & set & (1 << i) != 0)
                    .map(|(_, other)| other.base_rows)
                    .fold(1.0, f64::max);
                most = most.max(input.base_rows.max(others));
                distinct *=
                    match (self.known.distinct(&equal.left), self.known.distinct(&equal.right)) {
                        // Each value of the side that has fewer meets one of the other's.
                        (Some(left), Some(right)) => left.max(right),
                        // A foreign key points from the larger table to the smaller one's key.
                        _ => input.base_rows.min(others).max(1.0),
                    };
            } else {
                share *= self.known.selectivity(&predicate.scalar);
            }
        }
        let pairs = chain.rows * input.node.rows;
        // Several columns together have no more different values than there are rows.
        let rows = (pairs / distinct.min(most) * share).max(1.0);
        let mut cost = if hashable {
            let (large, small) = (chain.rows.max(input.node.rows), chain.rows.min(input.node.rows));
            chain.cost + input.node.cost + large * 0.6 + small * 1.2 + rows * 0.2
        } else {
            chain.cost + input.node.cost + pairs * 0.2 + rows
        };
        if hashable && let Some(filtered) = &input.filtered {
            let on: Vec<Scalar> = applicable.iter().map(|p| p.scalar.clone()).collect();
            if let Some(lookup) = self.lookup(filtered, &on, &outer)? {
                cost = cost.min(chain.cost + chain.rows * lookup.cost + rows * 0.2);
            }
        }
        let mut order = chain.order.clone();
        order.push(next);
        Ok(Chain { order, rows, cost })
    }

    /// The nodes of a chain.
    fn chain(
        &mut self,
        inputs: Vec<Input>,
        predicates: Vec<Predicate>,
        order: Vec<usize>,
        needed: Columns,
    ) -> Result<Node> {
        let mut done: Columns = Columns::new();
        let mut pending: Vec<Scalar> = predicates.into_iter().map(|p| p.scalar).collect();
        let mut result: Option<Node> = None;
        for (step, i) in order.iter().enumerate() {
            let Some(input) = inputs.get(*i) else { continue };
            let outer = done.clone();
            done.extend(&input.columns);
            // Whatever only reads joined inputs (or nothing of this join at all) applies now.
            let others: Columns = order[step + 1..]
                .iter()
                .filter_map(|i| inputs.get(*i))
                .flat_map(|input| input.columns.iter().copied())
                .collect();
            let Some(left) = result.take() else {
                result = Some(input.node.clone());
                continue;
            };
            let (on, later): (Vec<_>, Vec<_>) =
                pending.into_iter().partition(|p| walk::read_by(p).is_disjoint(&others));
            pending = later;
            let mut keep = needed.clone();
            pending.iter().for_each(|p| walk::reads(p, &mut keep));
            let hashed = left.rows.max(input.node.rows) * 0.6
                + left.rows.min(input.node.rows) * 1.2
                + input.node.cost;
            let hashable = on.iter().any(|p| equality(p, &outer, &input.columns).is_some());
            let looped = input.node.cost + left.rows * input.node.rows * 0.2;
            let otherwise = if hashable { hashed } else { looped };
            let mut joined = None;
            if let Some(filtered) = &input.filtered
                && let Some(lookup) = self.lookup(filtered, &on, &columns_of(&left))?
                && left.rows * lookup.cost < otherwise
            {
                joined = Some(self.index_join(
                    JoinKind::Inner,
                    left.clone(),
                    filtered,
                    lookup,
                    &keep,
                )?);
            }
            result = Some(match joined {
                Some(node) => node,
                None => {
                    let node = input.node.clone();
                    self.join_nodes(JoinKind::Inner, left, node, on, &keep, false)?
                }
            });
        }
        let Some(node) = result else { return Err(Error::internal("a join without inputs")) };
        self.filtered(node, pending)
    }
}

/// The predicates that apply once an input joins a set.
fn now(predicates: &[Predicate], set: u64, next: usize) -> Vec<&Predicate> {
    let bit = 1u64 << next;
    predicates
        .iter()
        .filter(|p| p.reads & bit != 0 && p.reads & !(set | bit) == 0 && p.reads != bit)
        .collect()
}

fn joined(inputs: &[Input], set: u64) -> Columns {
    inputs
        .iter()
        .enumerate()
        .filter(|(i, _)| set & (1 << i) != 0)
        .flat_map(|(_, input)| input.columns.iter().copied())
        .collect()
}
