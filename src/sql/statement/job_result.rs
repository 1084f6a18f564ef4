//! What BACKUP and RESTORE answer: the number of their job at once, or what it has done once it has
//! ended.

use std::sync::Arc;

use serde::Deserialize;

use super::{Outcome, count, field};
use crate::error::Result;
use crate::jobs::{JobId, JobRecord};
use crate::sql::client::Field;
use crate::sql::server::Server;
use crate::task::Interrupt;
use crate::types::{Datum, Type};

/// The columns of the statement's row.
pub(super) fn fields(detached: bool) -> Vec<Field> {
    let mut fields = vec![field("job_id", Type::Int8)];
    if !detached {
        fields.extend([
            field("status", Type::Text),
            field("fraction_completed", Type::Float8),
            field("rows", Type::Int8),
            field("index_entries", Type::Int8),
            field("bytes", Type::Int8),
        ]);
    }
    fields
}

/// The answer of a statement that has created a job: at once if detached, else when the job, which
/// the commit makes runnable, has ended.
pub(super) fn outcome(tag: &'static str, job: JobId, detached: bool) -> Outcome {
    if detached {
        return answer(tag, detached, vec![Datum::Int8(job)]);
    }
    Outcome::AfterCommit(Box::new(move |server: &Arc<Server>, interrupt: &Interrupt| {
        let record = server.jobs.wait(job, interrupt)?;
        server.jobs.outcome_of(&record)?;
        Result::Ok(answer(tag, detached, row(&record)))
    }))
}

fn answer(tag: &str, detached: bool, row: Vec<Datum>) -> Outcome {
    Outcome::Rows { fields: fields(detached), rows: vec![row], tag: tag.to_owned() }
}

/// The counts that both kinds of job keep in their progress.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Counts {
    rows: u64,
    index_entries: u64,
    bytes: u64,
}

fn row(record: &JobRecord) -> Vec<Datum> {
    let counts: Counts = serde_json::from_value(record.progress.state.clone()).unwrap_or_default();
    vec![
        Datum::Int8(record.id),
        Datum::text(record.state.to_string()),
        Datum::Float8(record.progress.fraction),
        count(counts.rows),
        count(counts.index_entries),
        count(counts.bytes),
    ]
}
