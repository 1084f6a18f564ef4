//! CREATE SCHEDULE … FOR BACKUP.

use std::sync::Arc;

use super::super::backup;
use super::super::restore::secret as secret_of;
use super::super::{Outcome, Work, field};
use super::Secrets;
use super::options::Options;
use crate::archive::layout;
use crate::backup::{Elsewhere, Into, Request};
use crate::catalog::privilege;
use crate::clock::Timestamp;
use crate::cloud::ExternalUri;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::schedule::{Arguments, Cron, Progress, Schedule, WAITING};
use crate::jobs::secret;
use crate::sql::client::Field;
use crate::syntax::{BackupOptions, CreateSchedule, FullBackup, StringArg, quote_literal};
use crate::types::{Datum, Type};

const TAG: &str = "CREATE SCHEDULE";

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// The columns: one row for each schedule that was made.
pub fn fields() -> Vec<Field> {
    vec![
        field("schedule_id", Type::Int8),
        field("label", Type::Text),
        field("status", Type::Text),
        field("first_run", Type::Timestamptz),
        field("schedule", Type::Text),
        field("backup_stmt", Type::Text),
    ]
}

/// Runs CREATE SCHEDULE.
pub fn run(stmt: &CreateSchedule, work: &mut Work<'_>) -> Result<Outcome> {
    let catalog = work.catalog()?;
    let me = Arc::clone(&work.session.current_user);
    privilege::require_admin(&catalog, &me, "create schedules")?;
    let now = work.server.clock.now();
    let label = match &stmt.label {
        Some(label) => work.string(label)?,
        None => format!("BACKUP {}", now.micros() / 1_000_000),
    };
    if stmt.if_not_exists && Schedule::list(work.txn)?.iter().any(|s| s.label == label) {
        work.notice(format!("schedule \"{label}\" already exists, skipping"))?;
        return answer(Vec::new());
    }
    let options = Options::read(&stmt.options, now, work)?;
    let cadence = Cadence::of(stmt, now, work)?;

    backup::check_options(&stmt.backup_options)?;
    let uri = backup::uri(&stmt.destination, work)?;
    let passphrase = &stmt.backup_options.encryption_passphrase;
    let passphrase = passphrase.as_ref().map(|arg| work.string(arg)).transpose()?;
    let kms = stmt.backup_options.kms.iter().map(|arg| work.string(arg));
    let kms = kms.collect::<Result<Vec<String>>>()?;
    let targets = dry_run(stmt, &uri, work)?;
    if !options.ignore_existing {
        refuse_existing(&uri, work)?;
    }

    let words = Words { targets, uri: &uri, options: &stmt.backup_options, kms: kms.clone() };
    let has_secrets = passphrase.is_some()
        || !stmt.backup_options.kms.is_empty()
        || uri.to_secret_string() != uri.redacted();
    let secrets = Secrets { uri: uri.to_secret_string(), passphrase, kms };
    let schedule = |recurrence: &Cron, statement: String| Schedule {
        id: work.server.jobs.next_id(),
        label: label.clone(),
        created: now,
        owner: me.to_string(),
        next_run: None,
        progress: Progress::default(),
        recurrence: Some(recurrence.to_string()),
        policy: options.policy,
        arguments: Arguments { backup_statement: statement, has_secrets, ..Arguments::default() },
    };
    let mut full = schedule(&cadence.full, words.statement(false));
    full.next_run = match options.first_run {
        // Whoever leaves the cadence to the server has a first backup at once.
        None if cadence.chosen => Some(now),
        None => cadence.full.next(now),
        first_run => first_run,
    };
    let mut made = Vec::new();
    if let Some(recurrence) = &cadence.incremental {
        let mut incremental = schedule(recurrence, words.statement(true));
        incremental.progress.status = WAITING.to_owned();
        incremental.arguments.backup_type = Some(1);
        incremental.arguments.dependent = Some(full.id);
        full.arguments.dependent = Some(incremental.id);
        full.arguments.unpause_on_success = Some(incremental.id);
        made.push(incremental);
    }
    made.push(full);
    for schedule in &made {
        schedule.insert(work.txn)?;
        if has_secrets {
            secret::keep(work.txn, schedule.id, &secrets)?;
        }
    }
    answer(made.iter().map(row).collect())
}

fn answer(rows: Vec<Vec<Datum>>) -> Result<Outcome> {
    Ok(Outcome::Rows { fields: fields(), rows, tag: TAG.to_owned() })
}

fn row(schedule: &Schedule) -> Vec<Datum> {
    let status = match (schedule.is_paused(), schedule.progress.status.as_str()) {
        (false, _) => "ACTIVE".to_owned(),
        (true, "") => "PAUSED".to_owned(),
        (true, why) => format!("PAUSED: {why}"),
    };
    vec![
        Datum::Int8(schedule.id),
        Datum::text(&schedule.label),
        Datum::text(status),
        schedule.next_run.map(|at| Datum::Timestamptz(at.sql_micros())).into(),
        schedule.recurrence.as_ref().map(Datum::text).into(),
        Datum::text(&schedule.arguments.backup_statement),
    ]
}

/// How often which kind of backup is taken.
struct Cadence {
    full: Cron,
    incremental: Option<Cron>,
    /// Whether the statement left the full backups' to the server.
    chosen: bool,
}

impl Cadence {
    fn of(stmt: &CreateSchedule, now: Timestamp, work: &Work<'_>) -> Result<Cadence> {
        let runs = Cron::parse(&work.string(&stmt.recurring)?)?;
        let full = match &stmt.full_backup {
            Some(FullBackup::Always) => None,
            Some(FullBackup::Recurring(text)) => Some(Cron::parse(&work.string(text)?)?),
            None => match runs.period(now) {
                period if period <= HOUR => Some(Cron::parse("@daily")?),
                period if period <= DAY => Some(Cron::parse("@weekly")?),
                _ => None,
            },
        };
        let chosen = stmt.full_backup.is_none();
        match full {
            Some(full) if full != runs => {
                if full.period(now) < runs.period(now) {
                    return Err(Error::new(
                        sqlstate::INVALID_PARAMETER_VALUE,
                        "full backups must not recur more often than RECURRING says",
                    )
                    .with_hint("FULL BACKUP ALWAYS makes every run a full backup."));
                }
                Ok(Cadence { full, incremental: Some(runs), chosen })
            }
            _ => Ok(Cadence { full: runs, incremental: None, chosen }),
        }
    }
}

/// The statements of a pair of schedules.
struct Words<'a> {
    /// Every name qualified.
    targets: String,
    uri: &'a ExternalUri,
    options: &'a BackupOptions,
    /// Every URI evaluated.
    kms: Vec<String>,
}

impl Words<'_> {
    /// The BACKUP that a run is, without secrets.
    fn statement(&self, incremental: bool) -> String {
        let mut options = BackupOptions { detached: Some(true), ..self.options.clone() };
        // A parameter is none when the statement is run.
        let hidden = options.encryption_passphrase.take();
        options.encryption_passphrase = hidden.map(|_| StringArg::Text(String::new()));
        options.kms = self.kms.iter().cloned().map(StringArg::Text).collect();
        format!(
            "BACKUP {}{}INTO {}{}{options}",
            self.targets,
            if self.targets.is_empty() { "" } else { " " },
            if incremental { "LATEST IN " } else { "" },
            quote_literal(&self.uri.redacted()),
        )
    }
}

/// Plans a full backup and throws the plan away. Gives its targets in canonical words.
fn dry_run(stmt: &CreateSchedule, uri: &ExternalUri, work: &mut Work<'_>) -> Result<String> {
    let request = Request {
        targets: stmt.targets.clone(),
        into: Into::New(uri.clone()),
        elsewhere: Elsewhere::default(),
        end: None,
        revision_history: stmt.backup_options.revision_history == Some(true),
        secret: secret_of(
            &stmt.backup_options.encryption_passphrase,
            &stmt.backup_options.kms,
            work,
        )?,
        detached: true,
    };
    let planned = backup::dry_run(&request, work);
    planned.map(|plan| plan.targets).map_err(|e| e.context("failed to dry run backup"))
}

/// Refuses a collection that holds backups: their schedules may be others'.
fn refuse_existing(uri: &ExternalUri, work: &Work<'_>) -> Result<()> {
    let store = work.server.cloud.open_uri(uri, Some(work.interrupt.clone()))?;
    if !store.exists(layout::LATEST)? {
        return Ok(());
    }
    Err(Error::new(
        sqlstate::FILE_ALREADY_EXISTS,
        format!("backups already created in {}", uri.location()),
    )
    .with_hint("The schedule option ignore_existing_backups allows it."))
}
