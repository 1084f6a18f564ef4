//! Runs every `.slt` file beside this one, each against a fresh server, several at once.
//!
//! The format is sqllogictest's. An expected error is a regular expression over
//! `SQLSTATE: message`. What differs from run to run is masked before the comparison: job numbers
//! become `<job>`, dated subdirectories `<path>`, columns of times (`start_time`, `created`, …)
//! `<time>` and columns of sizes `<bytes>`. `nodelocal://1/` is each file's own.
//!
//! `CAIRN_SLT=ddl` in the environment runs only files with `ddl` in their path.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use regex::Regex;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::process::Cairn;
use crate::wire::{Refusal, connect};

/// Servers at a time.
const AT_ONCE: usize = 4;

/// Columns whose values are times of this run.
const TIMES: &[&str] = &["start_time", "end_time", "created", "started", "finished", "modified"];

/// Columns of sizes, which follow from how values are encoded.
const SIZES: &[&str] = &["bytes", "size_bytes"];

/// A connection of a script.
struct Wire {
    client: Client,
    job: Regex,
    path: Regex,
}

impl Wire {
    async fn open(url: &str) -> Result<Wire, Refusal> {
        Ok(Wire {
            client: connect(url).await?,
            job: Regex::new(r"^[0-9]{18,19}$").expect("a pattern"),
            path: Regex::new(r"/?[0-9]{4}/[0-9]{2}/[0-9]{2}-[0-9]{6}\.[0-9]{2}")
                .expect("a pattern"),
        })
    }

    fn masked(&self, column: &str, value: Option<&str>) -> String {
        match value {
            None => "NULL".to_owned(),
            Some(_) if TIMES.contains(&column) => "<time>".to_owned(),
            Some(_) if SIZES.contains(&column) => "<bytes>".to_owned(),
            Some("") => "(empty)".to_owned(),
            Some(text) if self.job.is_match(text) => "<job>".to_owned(),
            Some(text) => self.path.replace_all(text, "<path>").into_owned(),
        }
    }
}

#[async_trait]
impl AsyncDB for Wire {
    type Error = Refusal;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Refusal> {
        let mut columns: Vec<String> = Vec::new();
        let mut rows = Vec::new();
        let mut affected = 0;
        for message in self.client.simple_query(sql).await? {
            match message {
                SimpleQueryMessage::RowDescription(described) => {
                    columns = described.iter().map(|c| c.name().to_owned()).collect();
                }
                SimpleQueryMessage::Row(row) => rows.push(
                    columns.iter().enumerate().map(|(i, c)| self.masked(c, row.get(i))).collect(),
                ),
                SimpleQueryMessage::CommandComplete(n) => affected = n,
                _ => {}
            }
        }
        if columns.is_empty() {
            return Ok(DBOutput::StatementComplete(affected));
        }
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; columns.len()], rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "cairn"
    }

    fn error_sql_state(e: &Refusal) -> Option<String> {
        Some(e.code.clone())
    }
}

fn scripts() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests");
    let wanted = std::env::var("CAIRN_SLT").unwrap_or_default();
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "slt")
                && path.to_string_lossy().contains(&wanted)
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Runs one file; what went wrong, if anything did.
fn run(path: &Path) -> Result<(), String> {
    let server = Cairn::fresh();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let url = server.url.as_str();
        let mut runner = Runner::new(|| Wire::open(url));
        let result = runner.run_file_async(path).await;
        runner.shutdown_async().await;
        result.map_err(|e| match e.display(false).to_string() {
            broken if broken.contains("connection closed") => {
                format!("{broken}\n--- log of the server ---\n{}", server.home().log())
            }
            failed => failed,
        })
    })
}

#[test]
fn every_script_passes_on_a_fresh_server() {
    let all = scripts();
    assert!(!all.is_empty(), "no scripts");
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(path) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(e) = run(path) {
                        failures.lock().expect("no panic").push(format!("{}\n{e}", path.display()));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(
        failures.is_empty(),
        "{} of {}\n\n{}",
        failures.len(),
        all.len(),
        failures.join("\n\n")
    );
}

#[test]
fn every_script_says_what_it_proves() {
    for path in scripts() {
        let text = std::fs::read_to_string(&path).expect("a readable script");
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("# ") && first.len() > 12, "{}", path.display());
    }
}
