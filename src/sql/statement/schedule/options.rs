//! `WITH SCHEDULE OPTIONS`.

use super::super::Work;
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::jobs::schedule::{OnFailure, OnPrevious, Policy};
use crate::syntax::ScheduleOption;
use crate::types::{self, Datum, Type};

/// The options, evaluated.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// When to run first; not before now.
    pub(super) first_run: Option<Timestamp>,
    pub(super) policy: Policy,
    /// Whether the collection may hold backups already.
    pub(super) ignore_existing: bool,
}

impl Options {
    /// Reads the options of a statement.
    pub(super) fn read(
        list: &[ScheduleOption],
        now: Timestamp,
        work: &Work<'_>,
    ) -> Result<Options> {
        let mut options = Options::default();
        let mut seen = Vec::new();
        for option in list {
            let name = option.name.to_ascii_lowercase();
            if seen.contains(&name) {
                return Err(Error::syntax(format!("{name} option specified multiple times")));
            }
            let value = option.value.as_ref().map(|value| work.string(value)).transpose()?;
            options.set(&name, value.as_deref(), now, work)?;
            seen.push(name);
        }
        Ok(options)
    }

    fn set(
        &mut self,
        name: &str,
        value: Option<&str>,
        now: Timestamp,
        work: &Work<'_>,
    ) -> Result<()> {
        let given =
            || value.ok_or_else(|| refused(format!("the schedule option {name} needs a value")));
        match name {
            "first_run" => self.first_run = Some(first_run(given()?, now, work)?),
            "on_execution_failure" => {
                self.policy.on_execution_failure = match given()?.to_ascii_lowercase().as_str() {
                    "retry" => OnFailure::Retry,
                    "reschedule" => OnFailure::Reschedule,
                    "pause" => OnFailure::Pause,
                    other => return Err(one_of(name, other, "retry, reschedule, or pause")),
                };
            }
            "on_previous_running" => {
                self.policy.on_previous_running = match given()?.to_ascii_lowercase().as_str() {
                    "start" => OnPrevious::Start,
                    "skip" => OnPrevious::Skip,
                    "wait" => OnPrevious::Wait,
                    other => return Err(one_of(name, other, "start, skip, or wait")),
                };
            }
            "ignore_existing_backups" => {
                self.ignore_existing = match value {
                    None => true,
                    Some(word) => {
                        match types::text::parse(&Type::Bool, word, &work.session.format)? {
                            Datum::Bool(yes) => yes,
                            _ => false,
                        }
                    }
                };
            }
            "updates_cluster_last_backup_time_metric" => {
                return Err(Error::unsupported(
                    "the schedule option updates_cluster_last_backup_time_metric",
                ));
            }
            _ => return Err(refused(format!("invalid schedule option \"{name}\""))),
        }
        Ok(())
    }
}

/// A time that has passed means at once.
fn first_run(word: &str, now: Timestamp, work: &Work<'_>) -> Result<Timestamp> {
    if word.eq_ignore_ascii_case("now") {
        return Ok(now);
    }
    let at = match types::text::parse(&Type::Timestamptz, word, &work.session.format)
        .map_err(|e| e.context("the schedule option first_run"))?
    {
        Datum::Timestamptz(at) if !types::datetime::is_infinite(at) => at,
        _ => return Err(refused("the schedule option first_run must be a time".to_owned())),
    };
    Ok(Timestamp::from_sql_micros(at).map_or(now, |at| at.max(now)))
}

fn one_of(name: &str, given: &str, allowed: &str) -> Error {
    let given: String = given.chars().take(80).collect();
    refused(format!("\"{given}\" is not a valid value of {name}; must be one of {allowed}"))
}

fn refused(message: String) -> Error {
    Error::new(sqlstate::INVALID_PARAMETER_VALUE, message)
}
