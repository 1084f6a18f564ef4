//! What the demo shows: results as tables, progress as bars, times at the end.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::client::Answer;

/// The times of the steps.
#[derive(Default)]
pub(super) struct Report {
    steps: Vec<Step>,
}

struct Step {
    name: &'static str,
    took: Duration,
    rows: Option<u64>,
    bytes: Option<u64>,
}

impl Report {
    /// Notes a step that is done, with the rows and bytes that went through it.
    pub(super) fn note(
        &mut self,
        name: &'static str,
        took: Duration,
        rows: Option<u64>,
        bytes: Option<u64>,
    ) {
        self.steps.push(Step { name, took, rows, bytes });
    }

    /// The table of times.
    pub(super) fn table(&self) -> String {
        let header = ["step", "seconds", "rows", "rows/s", "MB", "MB/s"].map(str::to_owned);
        let rows = self.steps.iter().map(|step| {
            let seconds = step.took.as_secs_f64().max(1e-9);
            let megabytes = step.bytes.map(|b| b as f64 / 1e6);
            vec![
                step.name.to_owned(),
                format!("{seconds:.2}"),
                step.rows.map_or(String::new(), |n| n.to_string()),
                step.rows.map_or(String::new(), |n| format!("{:.0}", n as f64 / seconds)),
                megabytes.map_or(String::new(), |m| format!("{m:.1}")),
                megabytes.map_or(String::new(), |m| format!("{:.1}", m / seconds)),
            ]
        });
        aligned(std::iter::once(header.to_vec()).chain(rows).collect())
    }
}

/// A result as a table; long values are cut.
pub(super) fn shown(answer: &Answer) -> String {
    const WIDTH: usize = 44;
    let cut = |value: &Option<String>| {
        let text = value.as_deref().unwrap_or("NULL").replace('\n', " ");
        match text.char_indices().nth(WIDTH) {
            Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
            None => text,
        }
    };
    let rows = answer.rows.iter().map(|row| row.iter().map(cut).collect());
    aligned(std::iter::once(answer.columns.clone()).chain(rows).collect())
}

/// Columns one below the other, the first line underlined.
fn aligned(lines: Vec<Vec<String>>) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| {
        lines.iter().filter_map(|l| l.get(i)).map(|v| v.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(value, width)| format!("{value:<width$}")).collect();
        out.push_str(format!("  {}", cells.join("  ")).trim_end());
        out.push('\n');
        if number == 0 {
            let rules: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
            out.push_str(&format!("  {}\n", rules.join("  ")));
        }
    }
    out
}

/// A bar over a known number of things; drawn only on a terminal.
pub(super) fn bar(what: &str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let style = ProgressStyle::with_template("  {msg:<22} [{bar:40}] {percent:>3} % {eta:>4}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.set_message(what.to_owned());
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let answer = Answer {
            columns: vec!["id".into(), "v".into()],
            rows: vec![vec![Some("1".into()), None], vec![Some("100".into()), Some("x".into())]],
            affected: 2,
        };
        assert_eq!(shown(&answer), "  id   v\n  ---  ----\n  1    NULL\n  100  x\n");
    }

    #[test]
    fn rates_follow_from_times() {
        let mut report = Report::default();
        report.note("load", Duration::from_secs(2), Some(10), Some(4_000_000));
        assert!(report.table().contains("load  2.00     10    5       4.0  2.0"));
    }
}
