//! What Prometheus reads: one gauge a line, with its meaning above it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::error::Result;
use crate::keys::Span;
use crate::kv::Family;
use crate::mvcc::TxnOptions;
use crate::sql::server::Server;

/// One kind of number, with its values by label.
struct Metric {
    name: &'static str,
    help: &'static str,
    label: &'static str,
    values: Vec<(String, f64)>,
}

impl Metric {
    fn one(name: &'static str, help: &'static str, value: f64) -> Metric {
        Metric { name, help, label: "", values: vec![(String::new(), value)] }
    }

    fn print(&self, out: &mut String) {
        let Metric { name, help, label, values } = self;
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (of, value) in values {
            let _ = match label.is_empty() {
                true => writeln!(out, "{name} {value}"),
                false => writeln!(out, "{name}{{{label}=\"{of}\"}} {value}"),
            };
        }
    }
}

/// Everything, as text.
pub(super) fn gather(server: &Server) -> Result<String> {
    let mut metrics = vec![sessions(server), jobs(server)?, store_bytes(server)?];
    let catalog = server.catalog.current()?;
    metrics.push(Metric::one(
        "cairn_tables",
        "Tables, views and sequences that exist.",
        catalog.tables_any_state().count() as f64,
    ));
    metrics.push(Metric::one(
        "cairn_locked_keys",
        "Keys locked by open transactions.",
        server.mvcc.locked_keys() as f64,
    ));
    metrics.push(Metric::one(
        "cairn_protected_timestamps",
        "Records that keep history from being collected.",
        server.mvcc.protected().len() as f64,
    ));
    let mut out = String::new();
    for metric in &metrics {
        metric.print(&mut out);
    }
    Ok(out)
}

fn sessions(server: &Server) -> Metric {
    let mut by_state: BTreeMap<&str, u32> = BTreeMap::new();
    for session in server.sessions.list() {
        *by_state.entry(session.activity.lock().state).or_default() += 1;
    }
    let values = by_state.into_iter().map(|(s, n)| (s.replace(' ', "_"), f64::from(n))).collect();
    Metric {
        name: "cairn_sessions",
        help: "Connected sessions by what they do.",
        label: "state",
        values,
    }
}

fn jobs(server: &Server) -> Result<Metric> {
    let mut txn = server.mvcc.begin(TxnOptions { read_only: true, ..TxnOptions::default() })?;
    let mut by_state: BTreeMap<String, u32> = BTreeMap::new();
    for job in server.jobs.list(&mut txn)? {
        *by_state.entry(job.state.to_string()).or_default() += 1;
    }
    let values = by_state.into_iter().map(|(s, n)| (s, f64::from(n))).collect();
    Ok(Metric { name: "cairn_jobs", help: "Stored jobs by state.", label: "state", values })
}

fn store_bytes(server: &Server) -> Result<Metric> {
    let engine = server.mvcc.engine();
    let mut values = Vec::new();
    for (name, family) in [("versions", Family::Versions), ("changelog", Family::Changelog)] {
        values.push((name.to_owned(), engine.approximate_bytes(family, &Span::all())? as f64));
    }
    Ok(Metric {
        name: "cairn_store_bytes",
        help: "Approximate bytes on disk by family of keys.",
        label: "family",
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_prints_in_the_text_format() {
        let mut out = String::new();
        Metric::one("a", "What a is.", 2.0).print(&mut out);
        Metric { name: "b", help: "B.", label: "l", values: vec![("x".into(), 1.5)] }
            .print(&mut out);
        let expected = "# HELP a What a is.\n# TYPE a gauge\na 2\n\
                        # HELP b B.\n# TYPE b gauge\nb{l=\"x\"} 1.5\n";
        assert_eq!(out, expected);
    }
}
