//! What was done, counted: the table at the end, and the journal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Outcomes of one workload's transactions.
#[derive(Clone, Copy, Default)]
struct Outcomes {
    acknowledged: u64,
    refused: u64,
    unknown: u64,
}

#[derive(Default)]
struct Counts {
    workloads: BTreeMap<&'static str, Outcomes>,
    done: BTreeMap<&'static str, u64>,
    recoveries: Vec<Duration>,
}

/// The counts and the journal.
pub struct Figures {
    begun: Instant,
    counts: Mutex<Counts>,
    journal: Mutex<File>,
}

/// What a run of any length must have done, or it has proved nothing about it.
const TRIED: [&str; 5] = [
    "rounds",
    "kill -9",
    "moments of the past read",
    "changes of the schema",
    "backups, full or incremental",
];

/// What a long run must have done besides.
const TRIED_IF_LONG: [&str; 6] = [
    "moments refused, their history collected",
    "stops by SIGTERM",
    "restores, every invariant checked",
    "jobs paused and resumed",
    "jobs cancelled",
    "moments read again after a restart",
];

impl Figures {
    /// Begins to count, with a journal in a directory.
    pub fn new(dir: &Path) -> Figures {
        let journal = File::create(dir.join("soak.log")).expect("a journal");
        Figures {
            begun: Instant::now(),
            counts: Mutex::new(Counts::default()),
            journal: Mutex::new(journal),
        }
    }

    /// Writes a line into the journal.
    pub fn note(&self, line: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        writeln!(self.journal.lock(), "{at:10.3} {line}").expect("a journal that can be written");
    }

    /// A workload's transaction was acknowledged.
    pub fn acknowledged(&self, workload: &'static str) {
        self.counts.lock().workloads.entry(workload).or_default().acknowledged += 1;
    }

    /// A workload's transaction was refused with a code that says: try again.
    pub fn refused(&self, workload: &'static str) {
        self.counts.lock().workloads.entry(workload).or_default().refused += 1;
    }

    /// The server went before it answered.
    pub fn unknown(&self, workload: &'static str) {
        self.counts.lock().workloads.entry(workload).or_default().unknown += 1;
    }

    /// Something else was done once more.
    pub fn done(&self, what: &'static str) {
        *self.counts.lock().done.entry(what).or_default() += 1;
    }

    /// A round ended.
    pub fn stopped(&self, in_order: bool) {
        self.done("rounds");
        self.done(if in_order { "stops by SIGTERM" } else { "kill -9" });
    }

    /// How long a start took, until the first answer.
    pub fn recovered(&self, after: Duration) {
        self.counts.lock().recoveries.push(after);
    }

    /// Where it stands, in a line.
    pub fn line(&self) -> String {
        let counts = self.counts.lock();
        let of = |what: &str| counts.done.get(what).copied().unwrap_or(0);
        let acknowledged: u64 = counts.workloads.values().map(|o| o.acknowledged).sum();
        format!(
            "{:.0} min, {} rounds, {acknowledged} transactions, {} restores, nothing wrong",
            self.begun.elapsed().as_secs_f64() / 60.0,
            of("rounds"),
            of("restores, every invariant checked"),
        )
    }

    /// The table of everything.
    pub fn table(&self, seed: u64) -> String {
        let mut counts = self.counts.lock();
        counts.recoveries.sort_unstable();
        let mut table = format!(
            "\nsoak, seed {seed}, {:.1} minutes\n\n| workload | acknowledged | told to try again | \
             unknown, server gone |\n|---|---|---|---|\n",
            self.begun.elapsed().as_secs_f64() / 60.0
        );
        let mut sum = Outcomes::default();
        for (name, o) in &counts.workloads {
            let row = format!("| {name} | {} | {} | {} |", o.acknowledged, o.refused, o.unknown);
            let _ = writeln!(table, "{row}");
            sum.acknowledged += o.acknowledged;
            sum.refused += o.refused;
            sum.unknown += o.unknown;
        }
        let all = format!("| all | {} | {} | {} |", sum.acknowledged, sum.refused, sum.unknown);
        let _ = writeln!(table, "{all}\n\n| what else | how often |\n|---|---|");
        for (what, times) in &counts.done {
            let _ = writeln!(table, "| {what} | {times} |");
        }
        let at = |share: usize| {
            let place = counts.recoveries.len().saturating_sub(1) * share / 100;
            counts.recoveries.get(place).map_or(0.0, |d| d.as_secs_f64() * 1000.0)
        };
        let _ = writeln!(
            table,
            "| start until the first answer, ms: median, 99 %, longest | {:.0}, {:.0}, {:.0} |\n\
             | anomalies | 0 |",
            at(50),
            at(99),
            at(100)
        );
        table
    }

    /// Fails if something was never tried, in the time that there was.
    pub fn assert_everything_was_tried(&self, is_long: bool) {
        let counts = self.counts.lock();
        let long: &[&str] = if is_long { &TRIED_IF_LONG } else { &[] };
        for what in TRIED.iter().chain(long) {
            assert!(counts.done.contains_key(what), "never tried: {what}");
        }
        assert!(counts.workloads.values().all(|o| o.acknowledged > 0), "an idle workload");
    }
}
