//! Whether a history could have happened in a database that keeps its promises.
//!
//! ```text
//!   history ─▶ values.rs   who wrote what; in which order the versions of a key came;
//!                  │       reads of what nobody wrote, of what was taken back, of half-done work
//!                  ▼
//!              graph.rs    who must come before whom: ww, wr, rw, and real time
//!                  │
//!                  ▼
//!              cycle.rs    a circle has no order: named after the kinds of its edges, and printed
//! ```
//!
//! The method is that of Kingsbury and Alvaro's Elle (2020), after Adya's thesis (1999): elements
//! are never used twice, and a list read whole shows the order of all appends before, so the
//! dependencies are known rather than guessed. The checker knows nothing of timestamps or locks.

mod cycle;
mod graph;
mod values;

#[cfg(test)]
mod tests;

use std::fmt;

use super::history::{History, Op, Outcome, Seen};

/// What is wrong with a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anomaly {
    /// Its name in the literature.
    pub(crate) name: &'static str,
    /// What happened, for people.
    pub(crate) story: String,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.name, self.story)
    }
}

/// Everything that is wrong with a history, as far as it can be told.
pub(crate) fn check(history: &History) -> Vec<Anomaly> {
    let mut anomalies = Vec::new();
    let values = values::Values::of(history, &mut anomalies);
    let graph = graph::Graph::of(history, &values);
    cycle::find(history, &graph, &mut anomalies);
    anomalies
}

/// A transaction in one line.
fn line(number: usize, seen: &Seen) -> String {
    let mut line = format!(
        "T{number} (client {}, {:?}, moments {}-{}{}):",
        seen.client,
        seen.level,
        seen.begun,
        seen.ended,
        match seen.outcome {
            Outcome::Committed if seen.in_the_past => ", in the past",
            Outcome::Committed => "",
            Outcome::Aborted => ", rolled back",
            Outcome::Unknown => ", end not known",
        }
    );
    for op in &seen.ops {
        line.push_str(&match op {
            Op::Append(key, element) => format!(" append(k{key}, {element})"),
            Op::List(key, list) => format!(" list(k{key}) = {list:?}"),
            Op::Write(key, value) => format!(" write(k{key}, {value})"),
            Op::Delete(key) => format!(" delete(k{key})"),
            Op::Read(key, None) => format!(" read(k{key}) = nothing"),
            Op::Read(key, Some(value)) => format!(" read(k{key}) = {value}"),
        });
    }
    line
}
