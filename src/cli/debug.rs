//! `cairn debug`: looking at a store that no server has open.

use std::path::PathBuf;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::node::Inspected;
use crate::sql::integrity::{self, Report};
use crate::task::Interrupt;

/// What can be typed after `cairn debug`.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Read everything in a store and tell what is wrong: damaged files, rows that disagree with
    /// their indexes or constraints, descriptors that disagree with each other
    Check {
        /// The store's directory; nothing in it is changed
        #[arg(long, value_name = "DIR")]
        store: PathBuf,
    },
}

/// Does it; says whether all is well.
pub(super) fn run(command: &Command) -> Result<bool> {
    match command {
        Command::Check { store } => check(store),
    }
}

fn check(store: &std::path::Path) -> Result<bool> {
    let inspected = Inspected::open(&Config::new(store))?;
    let server = &inspected.server;
    let files = server.mvcc.engine().verify();
    match &files {
        Ok(()) => println!("files: checksums are right"),
        Err(e) => println!("files: {}", whole(e)),
    }
    let report = integrity::check(server, &Interrupt::new())?;
    print!("{}", told(&report));
    let clean = files.is_ok() && report.is_clean();
    println!("{}", if clean { "no problem found" } else { "there are problems" });
    Ok(clean)
}

fn whole(e: &Error) -> String {
    format!("{} ({})", e.message(), e.code().as_str())
}

fn told(report: &Report) -> String {
    let Report { descriptors, tables, rows, entries, .. } = report;
    let mut text = format!(
        "catalogue: {descriptors} objects\n\
         data: {rows} rows and {entries} index entries in {tables} tables\n"
    );
    for name in &report.left_out {
        text.push_str(&format!("{name}: left out, it is being filled\n"));
    }
    for finding in &report.findings {
        text.push_str(&format!("{}: {}\n", finding.object, finding.what));
    }
    if report.more > 0 {
        text.push_str(&format!("{} more of the same objects\n", report.more));
    }
    text
}
