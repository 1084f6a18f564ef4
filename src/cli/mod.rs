//! # cli: the command line
//!
//! ```text
//!   cairn start     start.rs   runs a node until it is told to stop
//!   cairn demo      demo/      a throw-away node, a sample, a backup and its restore
//!   cairn debug     debug.rs   looks at a store that no server has open
//!   cairn backup    backup.rs  reads backups without a server: ls, show, verify, export
//!   cairn version
//! ```
//!
//! Words: an *argument* is what was typed; it becomes a `config::Config` before anything is done
//! with it.
//!
//! Invariants:
//! - What is meant for programs goes to standard output, the log to standard error.
//! - Exit codes: 0 done, 1 failed, 2 not understood (clap's).
//! - Passwords come from the environment, never from arguments, which every user of the machine
//!   can read.
//!
//! What it is not: the place where anything is decided that a client could also ask for in SQL.

mod backup;
mod debug;
mod demo;
mod log;
mod start;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;

/// A SQL server that speaks PostgreSQL's protocol and whose backups are SQL statements.
#[derive(Parser)]
#[command(name = "cairn", version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a server on a store directory until it gets SIGTERM or SIGINT
    Start(start::Arguments),
    /// Show a backup and a restore of a million rows on a throw-away server
    Demo(demo::Arguments),
    /// Look at a store that no server has open
    #[command(subcommand)]
    Debug(debug::Command),
    /// Read backups without a server
    Backup(backup::Arguments),
    /// Print the version
    Version,
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Start(arguments) => start::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Debug(command) => match debug::run(&command) {
            Ok(true) => Ok(()),
            // What is wrong was told already.
            Ok(false) => return ExitCode::FAILURE,
            Err(e) => Err(e),
        },
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Version => {
            println!("cairn {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("cairn: {}", explained(&e));
            ExitCode::FAILURE
        }
    }
}

/// An error with its detail and hint, each on a line of its own.
fn explained(e: &Error) -> String {
    let mut text = e.message().to_owned();
    for (word, more) in [("detail", e.detail()), ("hint", e.hint())] {
        if let Some(more) = more {
            text.push_str(&format!("\n{word}: {more}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::error::sqlstate;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_error_is_told_with_its_hint() {
        let e = Error::new(sqlstate::OBJECT_IN_USE, "it is in use").with_hint("Wait.");
        assert_eq!(explained(&e), "it is in use\nhint: Wait.");
    }
}
