//! Who must come before whom.
//!
//! ```text
//!   ww   wrote a version ──▶ wrote a later one
//!   wr   wrote a version ──▶ read it
//!   rw   read a version  ──▶ wrote a later one          (an anti-dependency)
//!   rt   was over        ──▶ began                      (real time)
//! ```
//!
//! A register's versions have no order of their own. What is known: nothing came before every
//! value, where nobody deletes, and whoever read one value and wrote another wrote the later one.

use std::collections::{BTreeMap, BTreeSet};

use super::values::Values;
use crate::simulation::history::{Element, History, Key, Op};

/// Why one must come before the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Ww,
    Wr,
    Rw,
    Rt,
}

/// One must come before the other.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind,
    /// Which key it is about, and the earlier and later version.
    pub(super) about: Option<(Key, Option<Element>, Option<Element>)>,
}

/// The transactions that took effect, with what orders them.
pub(super) struct Graph {
    pub(super) edges: Vec<Edge>,
    /// For each transaction, its edges by place.
    pub(super) out: Vec<Vec<usize>>,
}

impl Graph {
    /// Everything that a history tells about order.
    pub(super) fn of(history: &History, values: &Values) -> Graph {
        let mut building = Building { values, edges: Vec::new(), known: BTreeSet::new() };
        building.lists(history);
        building.registers(history);
        building.real_time(history);
        let mut out = vec![Vec::new(); history.transactions.len()];
        for (place, edge) in building.edges.iter().enumerate() {
            out[edge.from].push(place);
        }
        Graph { edges: building.edges, out }
    }
}

struct Building<'a> {
    values: &'a Values,
    edges: Vec<Edge>,
    known: BTreeSet<(usize, usize, Kind)>,
}

impl Building<'_> {
    fn add(&mut self, edge: Edge) {
        if edge.from != edge.to && self.known.insert((edge.from, edge.to, edge.kind)) {
            self.edges.push(edge);
        }
    }

    fn between(
        &mut self,
        kind: Kind,
        (from, to): (Option<usize>, Option<usize>),
        about: (Key, Option<Element>, Option<Element>),
    ) {
        if let (Some(from), Some(to)) = (from, to) {
            self.add(Edge { from, to, kind, about: Some(about) });
        }
    }

    fn lists(&mut self, history: &History) {
        let values = self.values;
        for (key, order) in &values.lists {
            for pair in order.windows(2) {
                let ends = (values.writer(pair[0]), values.writer(pair[1]));
                self.between(Kind::Ww, ends, (*key, Some(pair[0]), Some(pair[1])));
            }
        }
        for (reader, seen) in history.transactions.iter().enumerate() {
            if !values.is_effective(reader) {
                continue;
            }
            for op in &seen.ops {
                let Op::List(key, list) = op else { continue };
                let newest = list.last().copied();
                if let Some(newest) = newest {
                    let ends = (values.writer(newest), Some(reader));
                    self.between(Kind::Wr, ends, (*key, None, Some(newest)));
                }
                // Whoever appended next did not do it before this was read. If that was the reader
                // itself, it is the next one after its own.
                let order = values.lists.get(key).map(Vec::as_slice).unwrap_or_default();
                let later = order.iter().skip(list.len());
                if let Some(next) = later.copied().find(|e| values.writer(*e) != Some(reader)) {
                    let ends = (Some(reader), values.writer(next));
                    self.between(Kind::Rw, ends, (*key, newest, Some(next)));
                }
            }
        }
    }

    fn registers(&mut self, history: &History) {
        let values = self.values;
        let mut later: BTreeMap<(Key, Option<Element>), BTreeSet<Element>> = BTreeMap::new();
        let mut readers: BTreeSet<(Key, Option<Element>, usize)> = BTreeSet::new();
        for (number, seen) in history.transactions.iter().enumerate() {
            if !values.is_effective(number) {
                continue;
            }
            // What was read of others before the first own write of a key.
            let mut own = BTreeSet::new();
            let mut read: BTreeMap<Key, Option<Element>> = BTreeMap::new();
            for op in &seen.ops {
                match op {
                    Op::Read(key, value) if !own.contains(key) => {
                        read.insert(*key, *value);
                        readers.insert((*key, *value, number));
                    }
                    Op::Write(key, value) => {
                        own.insert(*key);
                        if let Some(before) = read.get(key) {
                            later.entry((*key, *before)).or_default().insert(*value);
                        }
                        later.entry((*key, None)).or_default().insert(*value);
                    }
                    Op::Delete(key) => drop(own.insert(*key)),
                    _ => {}
                }
            }
        }
        for ((key, before), after) in &later {
            for value in after {
                let writers = (before.and_then(|b| values.writer(b)), values.writer(*value));
                self.between(Kind::Ww, writers, (*key, *before, Some(*value)));
            }
        }
        for (key, value, reader) in readers {
            if let Some(value) = value {
                let ends = (values.writer(value), Some(reader));
                self.between(Kind::Wr, ends, (key, None, Some(value)));
            } else if values.deleted.contains(&key) {
                continue;
            }
            for next in later.get(&(key, value)).into_iter().flatten() {
                let ends = (Some(reader), values.writer(*next));
                self.between(Kind::Rw, ends, (key, value, Some(*next)));
            }
        }
    }

    /// Only the latest of those that were over; the rest follows.
    fn real_time(&mut self, history: &History) {
        let all = &history.transactions;
        let counts = |i: &usize| self.values.is_effective(*i) && !all[*i].in_the_past;
        let effective: Vec<usize> = (0..all.len()).filter(counts).collect();
        for &to in &effective {
            let over = effective.iter().filter(|from| all[**from].ended < all[to].begun);
            let latest = over.clone().map(|from| all[*from].begun).max().unwrap_or(0);
            let over: Vec<usize> =
                over.copied().filter(|from| all[*from].ended >= latest).collect();
            for from in over {
                self.add(Edge { from, to, kind: Kind::Rt, about: None });
            }
        }
    }
}
