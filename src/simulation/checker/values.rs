//! Who wrote what, and in which order: what reads alone tell, and which reads cannot be.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Anomaly, line};
use crate::simulation::history::{Element, History, Key, Level, Op, Outcome, Seen};

/// Who wrote an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer {
    pub(super) by: usize,
    /// Whether its transaction wrote the same key again later.
    last: bool,
    /// Whether its transaction took it back.
    taken_back: bool,
}

/// What is known of the values of a history.
pub(super) struct Values {
    writers: HashMap<Element, Writer>,
    /// For each list, the elements in their order.
    pub(super) lists: BTreeMap<Key, Vec<Element>>,
    /// Registers that somebody deleted: there, nothing was not always at the beginning.
    pub(super) deleted: BTreeSet<Key>,
    /// Which transactions took effect.
    effective: Vec<bool>,
}

impl Values {
    /// Gathers what a history tells, and what is wrong with its reads.
    pub(super) fn of(history: &History, anomalies: &mut Vec<Anomaly>) -> Values {
        let mut values = Values {
            writers: HashMap::new(),
            lists: BTreeMap::new(),
            deleted: BTreeSet::new(),
            effective: Vec::new(),
        };
        values.learn_writers(history);
        values.learn_effects(history);
        values.check_reads(history, anomalies);
        values.learn_orders(history, anomalies);
        values.check_lost(history, anomalies);
        values
    }

    /// Whether a transaction took effect, as far as anyone could see.
    pub(super) fn is_effective(&self, number: usize) -> bool {
        self.effective[number]
    }

    /// Who wrote an element, if its transaction took effect.
    pub(super) fn writer(&self, element: Element) -> Option<usize> {
        let writer = self.writers.get(&element)?;
        (!writer.taken_back && self.effective[writer.by]).then_some(writer.by)
    }

    fn learn_writers(&mut self, history: &History) {
        for (by, seen) in history.transactions.iter().enumerate() {
            let mut last: HashMap<Key, Element> = HashMap::new();
            for op in &seen.ops {
                match op {
                    Op::Append(key, element) | Op::Write(key, element) => {
                        let writer = Writer { by, last: true, taken_back: false };
                        self.writers.insert(*element, writer);
                        let before = last.insert(*key, *element);
                        if let Some(earlier) = before.and_then(|e| self.writers.get_mut(&e)) {
                            earlier.last = false;
                        }
                    }
                    Op::Delete(key) => {
                        if seen.outcome != Outcome::Aborted {
                            self.deleted.insert(*key);
                        }
                        if let Some(earlier) =
                            last.remove(key).and_then(|e| self.writers.get_mut(&e))
                        {
                            earlier.last = false;
                        }
                    }
                    Op::List(..) | Op::Read(..) => {}
                }
            }
            for element in &seen.taken_back {
                self.writers.insert(*element, Writer { by, last: false, taken_back: true });
            }
        }
    }

    /// A transaction whose end is not known took effect if somebody else saw some of it.
    fn learn_effects(&mut self, history: &History) {
        let committed = |seen: &Seen| seen.outcome == Outcome::Committed;
        self.effective = history.transactions.iter().map(committed).collect();
        loop {
            let mut found = Vec::new();
            for (reader, seen) in history.transactions.iter().enumerate() {
                if !self.effective[reader] {
                    continue;
                }
                for writer in elements_read(seen).filter_map(|e| self.writers.get(&e)) {
                    let unknown = history.transactions[writer.by].outcome == Outcome::Unknown;
                    if unknown && !writer.taken_back && !self.effective[writer.by] {
                        found.push(writer.by);
                    }
                }
            }
            if found.is_empty() {
                return;
            }
            for by in found {
                self.effective[by] = true;
            }
        }
    }

    fn check_reads(&self, history: &History, anomalies: &mut Vec<Anomaly>) {
        for (reader, seen) in history.transactions.iter().enumerate() {
            if !self.effective[reader] {
                continue;
            }
            let mut say = |name, what: String| {
                anomalies.push(Anomaly { name, story: format!("{what}\n  {}", line(reader, seen)) })
            };
            for element in elements_read(seen) {
                match self.writers.get(&element) {
                    None => say("garbage read", format!("nobody wrote {element}")),
                    Some(w) if w.taken_back => say(
                        "G1a (aborted read)",
                        format!("T{} took {element} back by a savepoint", w.by),
                    ),
                    Some(w) if w.by != reader && !self.effective[w.by] => {
                        say("G1a (aborted read)", format!("T{} rolled {element} back", w.by));
                    }
                    Some(_) => {}
                }
            }
            for (key, newest) in newest_read(seen) {
                let Some(writer) = self.writers.get(&newest) else { continue };
                if writer.by != reader && !writer.last && !writer.taken_back {
                    let by = writer.by;
                    let what = format!("T{by} wrote k{key} again after {newest}");
                    say("G1b (intermediate read)", what);
                }
            }
            if let Some(what) = own_contradiction(seen) {
                say("internal contradiction", what);
            }
        }
    }

    /// The longest list that was read has the order of all; every other one is its beginning.
    fn learn_orders(&mut self, history: &History, anomalies: &mut Vec<Anomaly>) {
        let mut longest: BTreeMap<Key, (usize, &[Element])> = BTreeMap::new();
        for (reader, key, list) in self.lists_read(history) {
            if has_twice(list) {
                let story = format!("  {}", line(reader, &history.transactions[reader]));
                anomalies.push(Anomaly { name: "an element twice in a list", story });
            }
            let best = longest.entry(key).or_insert((reader, list));
            if best.1.len() < list.len() {
                *best = (reader, list);
            }
        }
        for (reader, key, list) in self.lists_read(history) {
            let Some((other, best)) = longest.get(&key) else { continue };
            if !best.starts_with(list) {
                anomalies.push(Anomaly {
                    name: "incompatible orders",
                    story: format!(
                        "of k{key}\n  {}\n  {}",
                        line(reader, &history.transactions[reader]),
                        line(*other, &history.transactions[*other])
                    ),
                });
            }
        }
        self.lists = longest.into_iter().map(|(key, (_, list))| (key, list.to_vec())).collect();
    }

    fn lists_read<'a>(
        &self,
        history: &'a History,
    ) -> impl Iterator<Item = (usize, Key, &'a [Element])> {
        let effective = self.effective.clone();
        history
            .transactions
            .iter()
            .enumerate()
            .filter(move |(reader, _)| effective[*reader])
            .flat_map(|(reader, seen)| {
                seen.ops.iter().filter_map(move |op| match op {
                    Op::List(key, list) => Some((reader, *key, list.as_slice())),
                    _ => None,
                })
            })
    }

    /// Acknowledged appends that a later reader, and nobody else, ought to have seen.
    fn check_lost(&self, history: &History, anomalies: &mut Vec<Anomaly>) {
        let none = Vec::new();
        for (reader, key, _) in self.lists_read(history) {
            let at = &history.transactions[reader];
            if at.in_the_past {
                continue;
            }
            let order = self.lists.get(&key).unwrap_or(&none);
            for (by, seen) in history.transactions.iter().enumerate() {
                if seen.outcome != Outcome::Committed || seen.ended > at.begun {
                    continue;
                }
                for op in &seen.ops {
                    if let Op::Append(k, element) = op
                        && *k == key
                        && !order.contains(element)
                    {
                        let (writer, reader) = (line(by, seen), line(reader, at));
                        anomalies.push(Anomaly {
                            name: "lost append",
                            story: format!("of {element} to k{key}\n  {writer}\n  {reader}"),
                        });
                    }
                }
            }
        }
        anomalies.dedup();
    }
}

fn elements_read(seen: &Seen) -> impl Iterator<Item = Element> {
    seen.ops.iter().flat_map(|op| match op {
        Op::List(_, list) => list.clone(),
        Op::Read(_, value) => value.iter().copied().collect(),
        _ => Vec::new(),
    })
}

/// The newest element of each thing read.
fn newest_read(seen: &Seen) -> impl Iterator<Item = (Key, Element)> {
    seen.ops.iter().filter_map(|op| match op {
        Op::List(key, list) => list.last().map(|last| (*key, *last)),
        Op::Read(key, Some(value)) => Some((*key, *value)),
        _ => None,
    })
}

fn has_twice(list: &[Element]) -> bool {
    let mut met = BTreeSet::new();
    !list.iter().all(|element| met.insert(element))
}

/// Where a transaction's reads disagree with its own steps before.
fn own_contradiction(seen: &Seen) -> Option<String> {
    let steady = seen.level != Level::ReadCommitted;
    let mut lists: HashMap<Key, (Option<&[Element]>, Vec<Element>)> = HashMap::new();
    let mut registers: HashMap<Key, (bool, Option<Element>)> = HashMap::new();
    for op in &seen.ops {
        match op {
            Op::Append(key, element) => lists.entry(*key).or_default().1.push(*element),
            Op::List(key, list) => {
                let (before, own) = lists.entry(*key).or_default();
                if !list.ends_with(own) {
                    return Some(format!("its own {own:?} are not at the end of k{key}"));
                }
                let others = &list[..list.len() - own.len()];
                if steady && before.is_some_and(|before| before != others) {
                    return Some(format!("k{key} changed under it"));
                }
                *before = Some(others);
            }
            Op::Write(key, value) => drop(registers.insert(*key, (true, Some(*value)))),
            Op::Delete(key) => drop(registers.insert(*key, (true, None))),
            Op::Read(key, value) => {
                if let Some((own, before)) = registers.get(key)
                    && (*own || steady)
                    && before != value
                {
                    return Some(format!("k{key} was {before:?} and then {value:?}"));
                }
                registers.entry(*key).or_insert((false, *value)).1 = *value;
            }
        }
    }
    None
}
