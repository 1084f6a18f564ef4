//! `cairn demo`: the main job, shown. A throw-away server; a bank of a million rows; a full backup,
//! changes, incremental backups; the loss of the database; its restore, compared row by row.
//!
//! Everything goes over the wire as SQL, as any client would send it.

mod client;
mod report;
mod sample;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{log, start};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::node::{GRACE, Node};
use client::{Answer, Connection};
use report::Report;
use sample::{Size, Table};

/// Rows of one COPY.
const ROWS_A_COPY: u64 = 25_000;

/// How often a bar looks at the job behind it.
const LOOK: Duration = Duration::from_millis(100);

/// Where the backups go: a folder of the throw-away store.
const COLLECTION: &str = "'nodelocal://1/bank'";

/// What can be typed after `cairn demo`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Rows of the sample, all tables together
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
}

/// Runs the demo; on a terminal the server stays up until it is told to stop.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    // That everyone is believed is no news here: the store holds a sample and goes.
    log::begin(log::Format::Text, "warn,cairndb::node::root=error")?;
    let store = Throwaway::new()?;
    let mut config = Config::new(&store.0);
    config.listen = "127.0.0.1:0".to_owned();
    config.insecure = true;
    let node = Node::start(&config)?;
    let signals = {
        let _inside = node.runtime().enter();
        start::Signals::listen()?
    };
    println!("A throw-away server listens on {}.\n", node.address());
    let shown = node.runtime().block_on(show(&node.url(), Size::new(arguments.rows)));
    if shown.is_ok() && std::io::stdin().is_terminal() {
        println!(
            "\nThe server stays up until Ctrl-C:\n  psql '{}'",
            node.url().replace("defaultdb", "bank")
        );
        start::wait(&node, signals);
    }
    shown.and(node.shutdown(GRACE))
}

/// A directory that goes when the demo does.
struct Throwaway(PathBuf);

impl Throwaway {
    fn new() -> Result<Throwaway> {
        let name = format!("cairn-demo-{}", uuid::Uuid::new_v4().simple());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir)
            .map_err(|e| Error::from(e).context(format!("creating {}", dir.display())))?;
        Ok(Throwaway(dir))
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_dir_all(&self.0) {
            eprintln!("cairn: {} could not be removed: {e}", self.0.display());
        }
    }
}

async fn show(url: &str, size: Size) -> Result<()> {
    let db = Connection::open(url).await?;
    let watcher = Connection::open(url).await?;
    let mut demo = Demo { db, watcher, report: Report::default() };
    demo.load(size).await?;
    demo.back_up("full backup", &format!("BACKUP DATABASE bank INTO {COLLECTION}")).await?;
    demo.change("change 1 % of the rows", sample::CHANGES).await?;
    let incremental = format!("BACKUP DATABASE bank INTO LATEST IN {COLLECTION}");
    demo.back_up("incremental backup", &incremental).await?;
    demo.change("change a few more", &[sample::LATER_CHANGE]).await?;
    demo.back_up_detached(&format!("{incremental} WITH detached")).await?;
    demo.ask(&format!("SHOW BACKUPS IN {COLLECTION}")).await?;
    demo.ask(&format!("SHOW BACKUP FROM LATEST IN {COLLECTION}")).await?;
    demo.ask("SELECT job_id, job_type, status, fraction_completed, error FROM [SHOW JOBS]").await?;
    let before = demo.checksums("checksums before", size).await?;
    println!("> DROP DATABASE bank CASCADE\n");
    demo.db.run("DROP DATABASE bank CASCADE").await?;
    let restore = format!("RESTORE DATABASE bank FROM LATEST IN {COLLECTION}");
    demo.back_up("restore", &restore).await?;
    let after = demo.checksums("checksums after", size).await?;
    let differing = compare(size, &before, &after);
    println!("Times:\n{}", demo.report.table());
    if differing > 0 {
        return Err(Error::corrupt(format!("{differing} tables differ after the restore")));
    }
    println!("Every table came back as it was.");
    Ok(())
}

/// Prints the checksums side by side; gives back how many tables differ.
fn compare(size: Size, before: &[String], after: &[String]) -> usize {
    let mut answer = Answer {
        columns: ["table", "before", "after", ""].map(str::to_owned).to_vec(),
        ..Answer::default()
    };
    let mut differing = 0;
    for ((table, before), after) in size.tables().iter().zip(before).zip(after) {
        let verdict = if before == after { "equal" } else { "DIFFERENT" };
        differing += usize::from(before != after);
        let row = [table.name, before.as_str(), after.as_str(), verdict];
        answer.rows.push(row.iter().map(|v| Some((*v).to_owned())).collect());
    }
    println!("Checksums of all rows:\n{}", report::shown(&answer));
    differing
}

struct Demo {
    db: Connection,
    /// Looks at jobs while `db` waits for them.
    watcher: Connection,
    report: Report,
}

impl Demo {
    async fn load(&mut self, size: Size) -> Result<()> {
        for sql in sample::SCHEMA {
            self.db.run(sql).await?;
        }
        let began = Instant::now();
        let (mut rows, mut bytes) = (0, 0);
        for table in size.tables() {
            bytes += self.load_table(size, table).await?;
            rows += table.rows;
        }
        println!("Loaded {rows} rows into customers, accounts and transfers.\n");
        self.report.note("load by COPY", began.elapsed(), Some(rows), Some(bytes));
        Ok(())
    }

    async fn load_table(&self, size: Size, table: Table) -> Result<u64> {
        let bar = report::bar(table.name, table.rows);
        let sql = format!("COPY bank.public.{} FROM STDIN", table.name);
        let (mut from, mut bytes) = (0, 0);
        while from < table.rows {
            let to = table.rows.min(from + ROWS_A_COPY);
            let text = table.lines(&size, from, to);
            bytes += text.len() as u64;
            self.db.copy_in(&sql, text).await?;
            bar.set_position(to);
            from = to;
        }
        bar.finish_and_clear();
        Ok(bytes)
    }

    async fn change(&mut self, name: &'static str, statements: &[&str]) -> Result<()> {
        let began = Instant::now();
        let mut rows = 0;
        for sql in statements {
            rows += self.db.run(sql).await?.affected;
        }
        self.report.note(name, began.elapsed(), Some(rows), None);
        Ok(())
    }

    /// Runs BACKUP or RESTORE and waits for it, with a bar that follows its job.
    async fn back_up(&mut self, name: &'static str, sql: &str) -> Result<()> {
        println!("> {sql}");
        let began = Instant::now();
        let answer = self.watched(name, self.db.run(sql)).await?;
        println!("{}", report::shown(&answer));
        self.note_job(name, began.elapsed(), &answer)
    }

    async fn back_up_detached(&mut self, sql: &str) -> Result<()> {
        println!("> {sql}");
        let began = Instant::now();
        let answer = self.db.run(sql).await?;
        println!("{}", report::shown(&answer));
        let id = answer
            .first("job_id")
            .ok_or_else(|| Error::internal("a detached backup did not give its job's id"))?;
        let wait = format!("SHOW JOB WHEN COMPLETE {id}");
        println!("> {wait}");
        let answer = self.watched("detached backup", self.db.run(&wait)).await?;
        println!("{}", report::shown(&answer));
        self.note_job("detached incremental", began.elapsed(), &answer)
    }

    fn note_job(&mut self, name: &'static str, took: Duration, answer: &Answer) -> Result<()> {
        let status = answer.first("status").unwrap_or("unknown");
        if status != "succeeded" {
            return Err(Error::internal(format!("the job of \"{name}\" is {status}")));
        }
        let number = |column| answer.first(column).and_then(|v| v.parse().ok());
        self.report.note(name, took, number("rows"), number("bytes"));
        Ok(())
    }

    /// Waits for a statement, drawing the progress of the job that runs meanwhile.
    async fn watched(
        &self,
        name: &str,
        statement: impl Future<Output = Result<Answer>>,
    ) -> Result<Answer> {
        const SCALE: f64 = 1_000.0;
        let bar = report::bar(name, SCALE as u64);
        let mut statement = std::pin::pin!(statement);
        let answer = loop {
            tokio::select! {
                answer = &mut statement => break answer,
                () = tokio::time::sleep(LOOK) => {
                    if let Some(fraction) = self.fraction().await {
                        bar.set_position((fraction * SCALE) as u64);
                    }
                }
            }
        };
        bar.finish_and_clear();
        answer
    }

    /// How far the running job is. A failed look costs the picture a step, nothing else.
    async fn fraction(&self) -> Option<f64> {
        let jobs = self.watcher.run("SHOW JOBS").await.ok()?;
        let column = |name: &str| jobs.columns.iter().position(|c| c == name);
        let (status, fraction) = (column("status")?, column("fraction_completed")?);
        let running = jobs
            .rows
            .iter()
            .find(|row| row.get(status).is_some_and(|s| s.as_deref() == Some("running")))?;
        running.get(fraction)?.as_deref()?.parse().ok()
    }

    async fn ask(&self, sql: &str) -> Result<()> {
        println!("> {sql}\n{}", report::shown(&self.db.run(sql).await?));
        Ok(())
    }

    /// A checksum of the rows of each table, in the order of their keys.
    async fn checksums(&mut self, name: &'static str, size: Size) -> Result<Vec<String>> {
        let began = Instant::now();
        let mut sums = Vec::new();
        let mut bytes = 0;
        for table in size.tables() {
            let sql =
                format!("COPY (SELECT * FROM bank.public.{} ORDER BY id) TO STDOUT", table.name);
            let mut hasher = blake3::Hasher::new();
            self.db
                .copy_out(&sql, |piece| {
                    bytes += piece.len() as u64;
                    hasher.update(piece);
                })
                .await?;
            let sum = hasher.finalize().to_hex();
            sums.push(sum.get(..32).unwrap_or_default().to_owned());
        }
        self.report.note(name, began.elapsed(), None, Some(bytes));
        Ok(sums)
    }
}
