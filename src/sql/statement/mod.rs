//! # Statements
//!
//! Everything that is not a query: one file or folder for each statement. The session opens the
//! transaction, calls [`run`], and sends what comes back.
//!
//! ```text
//!   session ──▶ statement::run ──▶ backup · restore · job · create_table · grant · copy · …
//!                   │                         │
//!                   └── Work: services,       └──▶ Outcome: a tag, rows, or work that begins
//!                       session, transaction       once the transaction has committed
//! ```
//!
//! Words: the [`Work`] is what a statement works with; the [`Outcome`] is what it has to say.
//!
//! Invariants:
//! - A statement writes through its transaction, so that ROLLBACK takes everything back.
//! - It checks privileges before it looks further, and names before it changes anything.
//! - What is not supported is 0A000 with the feature's name, never silence.
//!
//! What it is not: queries, INSERT, UPDATE and DELETE go through `bind`, `plan` and `exec`;
//! transaction control, variables, prepared statements and cursors belong to the session.

mod alter_object;
mod as_of;
pub mod backup;
mod bracket;
mod cluster_setting;
mod comment;
mod copy;
mod database;
mod drop;
mod explain_backup;
mod general;
mod grant;
pub mod job;
mod job_result;
mod maintain;
mod object;
mod owned;
mod read_backup;
mod restore;
mod retention;
mod role;
pub mod schedule;
mod schema;
pub mod schema_change;
mod sequence;
mod show;
mod show_backup;
mod show_create;
mod table;
mod user_type;
mod userfile;
mod verify_backup;
mod view;
mod work;
mod zone;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sql::client::Field;
use crate::sql::server::Server;
use crate::syntax::{ParsedStatement, Statement};
use crate::task::Interrupt;
use crate::types::{ColumnType, Datum, Type};

pub use as_of::{historic_timestamp, parse_timestamp};
pub use table::on_commit::apply as apply_on_commit;
pub(in crate::sql) use table::row_of;
pub use table::temporary::{discard as discard_temporary, sweep as sweep_temporary};
pub use work::{Rows, Work};

/// What happens once the implicit transaction of a statement has committed.
pub type AfterCommit = Box<dyn FnOnce(&Arc<Server>, &Interrupt) -> Result<Outcome>>;

/// What a statement has to say.
pub enum Outcome {
    /// It is done; the command tag says what it did.
    Done(String),
    /// It has rows.
    Rows {
        /// The columns.
        fields: Vec<Field>,
        /// The rows.
        rows: Vec<Vec<Datum>>,
        /// The command tag.
        tag: String,
    },
    /// It goes on after the commit: BACKUP waits for the job that the commit makes runnable.
    AfterCommit(AfterCommit),
}

impl Outcome {
    /// A tag without rows.
    pub fn done(tag: impl Into<String>) -> Result<Outcome> {
        Ok(Outcome::Done(tag.into()))
    }

    /// Rows with the usual tag of statements that show something.
    pub fn rows(fields: Vec<Field>, rows: Vec<Vec<Datum>>) -> Result<Outcome> {
        let tag = format!("SELECT {}", rows.len());
        Ok(Outcome::Rows { fields, rows, tag })
    }
}

/// A result column that is no table's.
pub fn field(name: &str, ty: Type) -> Field {
    Field { name: name.to_owned(), ty: ColumnType::plain(ty), table: 0, attribute: 0 }
}

/// A number of things as a value.
pub(crate) fn count(n: u64) -> Datum {
    Datum::Int8(i64::try_from(n).unwrap_or(i64::MAX))
}

/// Runs a statement that is not the session's own business.
pub fn run(parsed: &ParsedStatement, work: &mut Work<'_>) -> Result<Outcome> {
    match &parsed.statement {
        Statement::Backup(stmt) => backup::run(stmt, work),
        Statement::Copy(stmt) => copy::run(stmt, work),
        Statement::Show(stmt) => show::run(stmt, work),
        Statement::SetClusterSetting(stmt) => cluster_setting::set(stmt, work),
        Statement::ShowClusterSetting(name) => cluster_setting::show(name, work),
        Statement::ShowClusterSettings { .. } => cluster_setting::show_all(work),
        Statement::ShowJobs(stmt) => job::show(stmt, work),
        Statement::ControlJobs(stmt) => job::control(stmt, work),
        Statement::CreateSchedule(stmt) => schedule::create::run(stmt, work),
        Statement::ShowSchedules(stmt) => schedule::show::run(stmt, work),
        Statement::ShowCreateSchedule(id) => schedule::show::create(id.as_ref(), work),
        Statement::ControlSchedules(stmt) => schedule::control::run(stmt, work),
        Statement::AlterSchedule(_) => Err(Error::unsupported("ALTER BACKUP SCHEDULE")),
        Statement::Restore(stmt) => restore::run(stmt, work),
        Statement::ShowBackups(stmt) => show_backup::run_list(stmt, work),
        Statement::ShowBackup(stmt) => show_backup::run(stmt, work),
        Statement::VerifyBackup(stmt) => verify_backup::run(stmt, work),
        Statement::ReadBackup(stmt) => read_backup::run(stmt, work),
        Statement::Explain(stmt) => match explain(&stmt.statement.statement, work)? {
            Some(lines) => {
                let rows = lines.into_iter().map(|line| vec![Datum::text(line)]).collect();
                Outcome::rows(vec![field("QUERY PLAN", Type::Text)], rows)
            }
            None => Err(Error::unsupported("EXPLAIN of this statement as a row source")),
        },
        Statement::AlterBackup(stmt) => retention::alter(stmt, work),
        Statement::DropBackup(stmt) => retention::drop(stmt, work),
        Statement::ExpireBackups(stmt) => retention::expire(stmt, work),
        _ => general::run(parsed, work),
    }
}

/// What EXPLAIN says of a statement that makes a job; `None` for others.
pub fn explain(statement: &Statement, work: &mut Work<'_>) -> Result<Option<Vec<String>>> {
    match statement {
        Statement::Backup(stmt) => explain_backup::backup(stmt, work).map(Some),
        Statement::Restore(stmt) => explain_backup::restore(stmt, work).map(Some),
        _ => Ok(None),
    }
}

/// The columns of a statement's rows, as Describe tells them; `None` if it has none.
pub fn fields(statement: &Statement) -> Option<Vec<Field>> {
    match statement {
        Statement::Backup(stmt) => Some(backup::fields(stmt)),
        Statement::Show(stmt) => show::fields(stmt),
        Statement::ShowClusterSetting(name) => Some(cluster_setting::show_fields(name)),
        Statement::ShowClusterSettings { .. } => Some(cluster_setting::show_all_fields()),
        Statement::ShowJobs(stmt) => Some(job::fields(stmt)),
        Statement::CreateSchedule(_) => Some(schedule::create::fields()),
        Statement::ShowSchedules(stmt) => Some(schedule::show::fields(stmt)),
        Statement::ShowCreateSchedule(_) => Some(schedule::show::create_fields()),
        Statement::Restore(stmt) => Some(restore::fields(stmt)),
        Statement::ShowBackups(_) => Some(show_backup::list_fields()),
        Statement::ShowBackup(stmt) => Some(show_backup::fields(stmt)),
        Statement::VerifyBackup(_) => Some(verify_backup::fields()),
        Statement::ShowZone(_) => Some(zone::show_fields()),
        Statement::ExpireBackups(_) => Some(retention::expire_fields()),
        _ => None,
    }
}

/// The leading keywords of a statement, to name what is not supported without showing its text.
fn first_words(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .take(2)
        .take_while(|word| word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_'))
        .map(str::to_ascii_uppercase)
        .collect();
    if words.is_empty() { "this statement".to_owned() } else { words.join(" ") }
}
