//! Whether a history of appends and reads of lists can have happened one transaction after another.
//!
//! The final lists tell in which order the appends came; every read must be a beginning of its
//! final list. From that follow the edges, as in Adya's work and the Elle paper: who appended
//! next to whom (ww), who read whose append (wr), who read just before whose append (rw), and who
//! was acknowledged before who began. A circle among them is an anomaly.

use std::collections::{BTreeMap, HashMap};

/// A list's name.
pub type Key = u64;

/// What one transaction did, in order.
#[derive(Clone, Debug)]
pub enum Op {
    /// Appended an element that nobody else appends anywhere.
    Append(Key, u64),
    /// Saw a list.
    Read(Key, Vec<u64>),
}

/// A transaction, acknowledged or of unknown outcome.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What it did.
    pub ops: Vec<Op>,
    /// When it was asked to begin; numbers of a counter that all clients share.
    pub began: u64,
    /// When it was acknowledged; nothing if nobody knows whether it happened.
    pub ended: Option<u64>,
}

/// What is wrong with a history, if something is.
pub fn fault(history: &[Seen], lists: &BTreeMap<Key, Vec<u64>>) -> Option<String> {
    let mut appended: HashMap<u64, usize> = HashMap::new();
    for (i, seen) in history.iter().enumerate() {
        for op in &seen.ops {
            if let Op::Append(_, element) = op {
                appended.insert(*element, i);
            }
        }
    }
    // What is in a list was appended by somebody who was not refused, and once.
    let mut place: HashMap<u64, (Key, usize)> = HashMap::new();
    for (key, list) in lists {
        for (at, element) in list.iter().enumerate() {
            if !appended.contains_key(element) {
                return Some(format!("list {key}: {element} is of a transaction that was refused"));
            }
            if place.insert(*element, (*key, at)).is_some() {
                return Some(format!("list {key}: {element} is there twice"));
            }
        }
    }
    let mut graph = Graph::new(history.len());
    for (i, seen) in history.iter().enumerate() {
        if let Some(fault) = edges_of(i, seen, lists, &appended, &place, &mut graph) {
            return Some(format!("{fault}: {seen:?}"));
        }
    }
    graph.add_real_time(history);
    graph.circle().map(|circle| {
        let parts: Vec<String> = circle
            .iter()
            .filter_map(|i| history.get(*i).map(|seen| format!("  {seen:?}")))
            .collect();
        format!("a circle of {}:\n{}", parts.len(), parts.join("\n"))
    })
}

fn edges_of(
    i: usize,
    seen: &Seen,
    lists: &BTreeMap<Key, Vec<u64>>,
    appended: &HashMap<u64, usize>,
    place: &HashMap<u64, (Key, usize)>,
    graph: &mut Graph,
) -> Option<String> {
    let none = Vec::new();
    let mut own: HashMap<Key, Vec<u64>> = HashMap::new();
    for op in &seen.ops {
        match op {
            Op::Append(key, element) => {
                own.entry(*key).or_default().push(*element);
                let Some((_, at)) = place.get(element) else {
                    if seen.ended.is_some() {
                        return Some(format!("acknowledged {element} is not in list {key}"));
                    }
                    continue;
                };
                let next = lists.get(key).unwrap_or(&none).get(at + 1);
                graph.add(i, next.and_then(|next| appended.get(next)));
            }
            Op::Read(key, list) => {
                // Its own appends are the end of what it sees; the rest is of others.
                let own = own.get(key).unwrap_or(&none);
                let Some(before) = list.strip_suffix(own.as_slice()) else {
                    return Some(format!("does not see its own appends to list {key}"));
                };
                let all = lists.get(key).unwrap_or(&none);
                if !all.starts_with(before) {
                    return Some(format!("saw {before:?} of list {key}, which became {all:?}"));
                }
                if let Some(writer) = before.last().and_then(|last| appended.get(last)) {
                    graph.add(*writer, Some(&i));
                }
                let next = all.get(before.len()).and_then(|next| appended.get(next));
                graph.add(i, next);
            }
        }
    }
    None
}

/// Who comes before whom. Points beyond the transactions stand for moments.
struct Graph {
    after: Vec<Vec<usize>>,
}

impl Graph {
    fn new(points: usize) -> Graph {
        Graph { after: vec![Vec::new(); points] }
    }

    fn add(&mut self, from: usize, to: Option<&usize>) {
        if let Some(to) = to
            && *to != from
        {
            self.after[from].push(*to);
        }
    }

    /// A chain of moments: whoever ended is before the next one, which is before whoever began
    /// later.
    fn add_real_time(&mut self, history: &[Seen]) {
        let mut events: Vec<(u64, bool, usize)> = Vec::new();
        for (i, seen) in history.iter().enumerate() {
            events.push((seen.began, false, i));
            events.extend(seen.ended.map(|ended| (ended, true, i)));
        }
        events.sort_unstable();
        let mut moment = None;
        for (_, is_end, i) in events {
            if is_end {
                let next = self.after.len();
                self.after.push(Vec::new());
                self.after[i].push(next);
                if let Some(moment) = moment {
                    self.add(moment, Some(&next));
                }
                moment = Some(next);
            } else if let Some(moment) = moment {
                self.add(moment, Some(&i));
            }
        }
    }

    /// Points that form a circle, if any do: a walk in depth, without recursion.
    fn circle(&self) -> Option<Vec<usize>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            OnPath,
            Done,
        }
        let mut marks = vec![Mark::New; self.after.len()];
        for start in 0..self.after.len() {
            if marks[start] != Mark::New {
                continue;
            }
            marks[start] = Mark::OnPath;
            let mut path = vec![(start, 0)];
            while let Some((point, tried)) = path.last_mut() {
                let Some(next) = self.after[*point].get(*tried).copied() else {
                    marks[*point] = Mark::Done;
                    path.pop();
                    continue;
                };
                *tried += 1;
                match marks[next] {
                    Mark::Done => {}
                    Mark::New => {
                        marks[next] = Mark::OnPath;
                        path.push((next, 0));
                    }
                    Mark::OnPath => {
                        let points: Vec<usize> = path.iter().map(|(point, _)| *point).collect();
                        let from = points.iter().position(|point| *point == next).unwrap_or(0);
                        return Some(points[from..].to_vec());
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Op::{Append, Read};
    use super::*;

    fn seen(ops: Vec<Op>, began: u64, ended: u64) -> Seen {
        Seen { ops, began, ended: Some(ended) }
    }

    fn lists(of: &[(Key, &[u64])]) -> BTreeMap<Key, Vec<u64>> {
        of.iter().map(|(key, list)| (*key, list.to_vec())).collect()
    }

    #[test]
    fn a_history_in_order_has_no_fault() {
        let history = [
            seen(vec![Append(1, 10), Read(1, vec![10])], 1, 2),
            seen(vec![Read(1, vec![10]), Append(1, 11), Read(2, vec![])], 3, 4),
            Seen { ops: vec![Append(2, 20)], began: 5, ended: None },
        ];
        assert_eq!(fault(&history, &lists(&[(1, &[10, 11]), (2, &[20])])), None);
        assert_eq!(fault(&history, &lists(&[(1, &[10, 11])])), None);
    }

    #[test]
    fn write_skew_is_a_circle() {
        let history = [
            seen(vec![Read(1, vec![]), Append(2, 20)], 1, 4),
            seen(vec![Read(2, vec![]), Append(1, 10)], 2, 3),
        ];
        let fault = fault(&history, &lists(&[(1, &[10]), (2, &[20])])).expect("a fault");
        assert!(fault.starts_with("a circle of 2"), "{fault}");
    }

    #[test]
    fn a_stale_read_is_a_circle_through_time() {
        let history = [seen(vec![Append(1, 10)], 1, 2), seen(vec![Read(1, vec![])], 3, 4)];
        let fault = fault(&history, &lists(&[(1, &[10])])).expect("a fault");
        assert!(fault.starts_with("a circle of 2"), "{fault}");
    }

    #[test]
    fn lost_doubled_refused_and_forked_elements_are_faults() {
        let one = [seen(vec![Append(1, 10)], 1, 2)];
        let said =
            |history: &[Seen], of: &[(Key, &[u64])]| fault(history, &lists(of)).expect("a fault");
        assert!(said(&one, &[]).contains("is not in list 1"));
        assert!(said(&one, &[(1, &[10, 10])]).contains("twice"));
        assert!(said(&one, &[(1, &[10, 11])]).contains("refused"));
        let forked = [one[0].clone(), seen(vec![Append(1, 11), Read(1, vec![11])], 1, 5)];
        assert!(said(&forked, &[(1, &[10, 11])]).contains("a circle"));
        let strange = [one[0].clone(), seen(vec![Read(1, vec![99])], 1, 5)];
        assert!(said(&strange, &[(1, &[10])]).contains("which became"));
        let blind = [seen(vec![Append(1, 10), Read(1, vec![])], 1, 2)];
        assert!(said(&blind, &[(1, &[10])]).contains("its own"));
    }
}
