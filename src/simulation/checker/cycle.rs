//! Circles: who would have to come before itself.
//!
//! Which circles are forbidden depends on what the transactions in it were promised. That writes
//! and what was read of them follow one order (ww, wr) holds for everyone. That nothing changed
//! behind a reader's back (rw) is promised to serializable readers; to readers of a snapshot only
//! as far as a circle has no other such edge; to READ COMMITTED never.

use std::collections::VecDeque;

use super::graph::{Edge, Graph, Kind};
use super::{Anomaly, line};
use crate::simulation::history::{History, Level};

/// A kind of circle.
struct Class {
    name: &'static str,
    name_in_time: &'static str,
    /// The edge without which the circle would be of a simpler kind.
    key: Kind,
    /// The other edges.
    rest: &'static [Kind],
    /// Whether readers of a snapshot count.
    snapshot: bool,
}

const CLASSES: &[Class] = &[
    Class {
        name: "G0 (dirty write)",
        name_in_time: "G0 against real time",
        key: Kind::Ww,
        rest: &[Kind::Ww],
        snapshot: true,
    },
    Class {
        name: "G1c (circular information flow)",
        name_in_time: "G1c against real time (stale write)",
        key: Kind::Wr,
        rest: &[Kind::Ww, Kind::Wr],
        snapshot: true,
    },
    Class {
        name: "G-single (read skew)",
        name_in_time: "G-single against real time (stale read)",
        key: Kind::Rw,
        rest: &[Kind::Ww, Kind::Wr],
        snapshot: true,
    },
    Class {
        name: "G2 (write skew)",
        name_in_time: "G2 against real time",
        key: Kind::Rw,
        rest: &[Kind::Ww, Kind::Wr, Kind::Rw],
        snapshot: false,
    },
];

/// Finds the shortest forbidden circle in each knot of dependencies, of the simplest class there
/// is.
pub(super) fn find(history: &History, graph: &Graph, anomalies: &mut Vec<Anomaly>) {
    for with_time in [false, true] {
        for class in CLASSES {
            let search = Search { history, graph, class, with_time };
            let circles = search.circles();
            if !circles.is_empty() {
                anomalies.extend(circles.iter().map(|circle| search.anomaly(circle)));
                return;
            }
        }
    }
}

struct Search<'a> {
    history: &'a History,
    graph: &'a Graph,
    class: &'a Class,
    with_time: bool,
}

impl<'a> Search<'a> {
    /// Whether an edge counts at all.
    fn counts(&self, edge: &Edge, kinds: &[Kind]) -> bool {
        let promised = match self.history.transactions[edge.from].level {
            Level::Serializable => true,
            Level::Snapshot => self.class.snapshot,
            Level::ReadCommitted => false,
        };
        match edge.kind {
            Kind::Rt => self.with_time,
            Kind::Rw => promised && kinds.contains(&Kind::Rw),
            kind => kinds.contains(&kind),
        }
    }

    fn is_key(&self, edge: &Edge) -> bool {
        edge.kind == self.class.key && self.counts(edge, &[self.class.key])
    }

    fn circles(&self) -> Vec<Vec<&'a Edge>> {
        let mut found: Vec<Vec<&Edge>> = Vec::new();
        let knots = self.knots();
        for edge in self.graph.edges.iter().filter(|edge| self.is_key(edge)) {
            if knots[edge.from] != knots[edge.to] {
                continue;
            }
            let Some(back) = self.shortest(edge.to, edge.from) else { continue };
            let circle: Vec<&Edge> = std::iter::once(edge).chain(back).collect();
            let knot = |circle: &[&Edge]| knots[circle[0].from];
            match found.iter_mut().find(|other| knot(other) == knots[edge.from]) {
                Some(other) if other.len() > circle.len() => *other = circle,
                Some(_) => {}
                None => found.push(circle),
            }
        }
        found
    }

    fn next(&self, from: usize, kinds: &'a [Kind]) -> impl Iterator<Item = &'a Edge> {
        let edges = self.graph.out[from].iter().map(|place| &self.graph.edges[*place]);
        edges.filter(move |edge| self.counts(edge, kinds))
    }

    /// The shortest way by the edges of the class beside its key.
    fn shortest(&self, from: usize, to: usize) -> Option<Vec<&'a Edge>> {
        let mut came: Vec<Option<&Edge>> = vec![None; self.graph.out.len()];
        let mut queue = VecDeque::from([from]);
        while let Some(here) = queue.pop_front() {
            if here == to {
                let mut way = Vec::new();
                let mut at = to;
                while at != from {
                    let edge = came[at]?;
                    way.push(edge);
                    at = edge.from;
                }
                way.reverse();
                return Some(way);
            }
            for edge in self.next(here, self.class.rest) {
                if edge.to != from && came[edge.to].is_none() {
                    came[edge.to] = Some(edge);
                    queue.push_back(edge.to);
                }
            }
        }
        None
    }

    /// Which knot each transaction is in: Tarjan's strongly connected components.
    fn knots(&self) -> Vec<usize> {
        let count = self.graph.out.len();
        let mut tarjan = Tarjan {
            met: vec![None; count],
            low: vec![0; count],
            knot: vec![None; count],
            stack: Vec::new(),
            clock: 0,
            knots: 0,
        };
        for start in 0..count {
            if tarjan.met[start].is_none() {
                tarjan.visit(start, &|at| {
                    let edges = self.graph.out[at].iter().map(|place| &self.graph.edges[*place]);
                    edges
                        .filter(|edge| self.counts(edge, self.class.rest) || self.is_key(edge))
                        .map(|edge| edge.to)
                        .collect()
                });
            }
        }
        tarjan.knot.into_iter().map(|knot| knot.unwrap_or(usize::MAX)).collect()
    }

    fn anomaly(&self, circle: &[&Edge]) -> Anomaly {
        let mut story = String::new();
        for edge in circle {
            let (from, to) = (edge.from, edge.to);
            let value = |v: &Option<u64>| v.map_or("nothing".to_owned(), |v| v.to_string());
            let about = edge.about.as_ref();
            let (key, before, after) = match about {
                Some((key, before, after)) => (*key, value(before), value(after)),
                None => (0, String::new(), String::new()),
            };
            let why = match edge.kind {
                Kind::Ww => format!("wrote {before} of k{key}, which came before {after} of T{to}"),
                Kind::Wr => format!("wrote {after} of k{key}, which T{to} saw"),
                Kind::Rw => format!("saw {before} of k{key}, not yet the {after} of T{to}"),
                Kind::Rt => format!("was over before T{to} began"),
            };
            story.push_str(&format!("  T{from} -{:?}-> T{to}: T{from} {why}\n", edge.kind));
        }
        for edge in circle {
            let number = edge.from;
            story.push_str(&format!("  {}\n", line(number, &self.history.transactions[number])));
        }
        let in_time = circle.iter().any(|edge| edge.kind == Kind::Rt);
        let name = if in_time {
            self.class.name_in_time
        } else if is_lost_update(circle) {
            "P4 (lost update)"
        } else {
            self.class.name
        };
        Anomaly { name, story }
    }
}

/// One read what the other wrote over, and wrote over it too.
fn is_lost_update(circle: &[&Edge]) -> bool {
    let key = |edge: &Edge| edge.about.map(|(key, ..)| key);
    match circle {
        [one, other] => (one.kind, other.kind) == (Kind::Rw, Kind::Ww) && key(one) == key(other),
        _ => false,
    }
}

struct Tarjan {
    met: Vec<Option<usize>>,
    low: Vec<usize>,
    knot: Vec<Option<usize>>,
    stack: Vec<usize>,
    clock: usize,
    knots: usize,
}

impl Tarjan {
    fn visit(&mut self, at: usize, next: &dyn Fn(usize) -> Vec<usize>) {
        let now = self.clock;
        self.clock += 1;
        self.met[at] = Some(now);
        self.low[at] = now;
        self.stack.push(at);
        for to in next(at) {
            match self.met[to] {
                None => {
                    self.visit(to, next);
                    self.low[at] = self.low[at].min(self.low[to]);
                }
                Some(met) if self.knot[to].is_none() => self.low[at] = self.low[at].min(met),
                Some(_) => {}
            }
        }
        if self.low[at] == now {
            while let Some(member) = self.stack.pop() {
                self.knot[member] = Some(self.knots);
                if member == at {
                    break;
                }
            }
            self.knots += 1;
        }
    }
}
