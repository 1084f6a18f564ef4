//! Rows of `system.jobs`, and records read from them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JobId;
use super::record::{Claim, CreatedBy, JobRecord, Payload, Progress};
use super::state::State;
use crate::catalog::system::{JOB_INFO, JOBS, Reader};
use crate::clock::Timestamp;
use crate::error::{Error, Result, sqlstate};
use crate::mvcc::Txn;
use crate::types::Datum;

/// The only instance of a cluster of one.
const INSTANCE: i64 = 1;

/// The index over status and time of creation.
const BY_STATUS: &str = "jobs_status_created_idx";

// Positions of the columns.
const ID: usize = 0;
const STATUS: usize = 1;
const CREATED: usize = 2;
const PAYLOAD: usize = 3;
const PROGRESS: usize = 4;
const CREATED_BY_TYPE: usize = 5;
const CREATED_BY_ID: usize = 6;
const CLAIM_SESSION: usize = 7;
const CLAIM_INSTANCE: usize = 8;
const NUM_RUNS: usize = 9;
const LAST_RUN: usize = 10;
const JOB_TYPE: usize = 11;

/// A job's row as it is stored. Whoever changes one part leaves the bytes of the others alone: a
/// checkpoint does not write anew what the user asked for.
#[derive(Clone)]
pub(super) struct Row(Vec<Datum>);

impl Row {
    /// The row of a new job.
    pub(super) fn of(record: &JobRecord) -> Result<Row> {
        let (kind, by) = match &record.created_by {
            Some(by) => (text(&by.kind), Datum::Int8(by.id)),
            None => (Datum::Null, Datum::Null),
        };
        let mut row = Row(vec![
            Datum::Int8(record.id),
            text(record.state.as_str()),
            datum_of(record.created),
            json(&record.payload)?,
            json(&record.progress)?,
            kind,
            by,
            Datum::Null,
            Datum::Null,
            Datum::Int8(0),
            Datum::Null,
            text(&record.payload.kind),
        ]);
        row.set_claim(record.claim.as_ref());
        Ok(row)
    }

    /// The row found in the table.
    fn found(row: Vec<Datum>) -> Result<Row> {
        match row.len() > JOB_TYPE {
            true => Ok(Row(row)),
            false => Err(Error::corrupt("a row of system.jobs is too short")),
        }
    }

    pub(super) fn id(&self) -> Result<JobId> {
        match self.0[ID] {
            Datum::Int8(id) => Ok(id),
            _ => Err(corrupt("id")),
        }
    }

    pub(super) fn state(&self) -> Result<State> {
        match &self.0[STATUS] {
            Datum::Text(word) => word.parse(),
            _ => Err(corrupt("status")),
        }
    }

    pub(super) fn claim(&self) -> Option<Claim> {
        match &self.0[CLAIM_SESSION] {
            Datum::Bytea(bytes) => {
                // A claim of another shape is nobody's who is alive.
                let session = <[u8; 8]>::try_from(&bytes[..]).map_or(0, i64::from_be_bytes);
                Some(Claim { session })
            }
            _ => None,
        }
    }

    pub(super) fn payload(&self) -> Result<Payload> {
        parse(&self.0[PAYLOAD], "payload")
    }

    pub(super) fn progress(&self) -> Result<Progress> {
        match &self.0[PROGRESS] {
            Datum::Null => Ok(Progress::default()),
            stored => parse(stored, "progress"),
        }
    }

    /// The whole record.
    pub(super) fn record(&self) -> Result<JobRecord> {
        let created_by = match (&self.0[CREATED_BY_TYPE], &self.0[CREATED_BY_ID]) {
            (Datum::Text(kind), Datum::Int8(id)) => {
                Some(CreatedBy { kind: kind.to_string(), id: *id })
            }
            _ => None,
        };
        let created = match self.0[CREATED] {
            Datum::Timestamp(micros) => time_of(micros),
            _ => return Err(corrupt("created")),
        };
        Ok(JobRecord {
            id: self.id()?,
            state: self.state()?,
            created,
            created_by,
            claim: self.claim(),
            payload: self.payload()?,
            progress: self.progress()?,
        })
    }

    pub(super) fn set_state(&mut self, state: State) {
        self.0[STATUS] = text(state.as_str());
    }

    pub(super) fn set_claim(&mut self, claim: Option<&Claim>) {
        (self.0[CLAIM_SESSION], self.0[CLAIM_INSTANCE]) = match claim {
            Some(claim) => {
                (Datum::Bytea(claim.session.to_be_bytes()[..].into()), Datum::Int8(INSTANCE))
            }
            None => (Datum::Null, Datum::Null),
        };
    }

    pub(super) fn set_payload(&mut self, payload: &Payload) -> Result<()> {
        self.0[PAYLOAD] = json(payload)?;
        Ok(())
    }

    pub(super) fn set_progress(&mut self, progress: &Progress) -> Result<()> {
        self.0[PROGRESS] = json(progress)?;
        Ok(())
    }

    /// Counts one more run, begun now.
    pub(super) fn count_run(&mut self, now: Timestamp) {
        let runs = match self.0[NUM_RUNS] {
            Datum::Int8(runs) => runs,
            _ => 0,
        };
        self.0[NUM_RUNS] = Datum::Int8(runs.saturating_add(1));
        self.0[LAST_RUN] = datum_of(now);
    }

    /// Adds the row.
    pub(super) fn insert(&self, txn: &mut Txn) -> Result<()> {
        JOBS.insert(txn, &self.0)
    }

    /// Writes the row in the place of the one that was locked.
    pub(super) fn replace(&self, txn: &mut Txn, old: &Row) -> Result<()> {
        JOBS.replace(txn, &old.0, &self.0)
    }
}

/// The row of a job as a transaction sees it.
pub(super) fn get(from: &mut impl Reader, id: JobId) -> Result<Option<Row>> {
    JOBS.get(from, &[Datum::Int8(id)])?.map(Row::found).transpose()
}

/// The newest row of a job, which nobody else can change before the transaction ends.
pub(super) fn lock(txn: &mut Txn, id: JobId) -> Result<Option<Row>> {
    JOBS.get_locked(txn, &[Datum::Int8(id)])?.map(Row::found).transpose()
}

/// Shows every row, by number, until `each` answers `false`.
pub(super) fn for_each(
    from: &mut impl Reader,
    each: &mut dyn FnMut(Row) -> Result<bool>,
) -> Result<()> {
    JOBS.for_each(from, &[], &mut |row| each(Row::found(row)?))
}

/// The rows in one state, the oldest first.
pub(super) fn in_state(from: &mut impl Reader, state: State) -> Result<Vec<Row>> {
    let rows = JOBS.scan_index(from, BY_STATUS, &[text(state.as_str())])?;
    rows.into_iter().map(Row::found).collect()
}

/// Removes a job and what is kept beside it.
pub(super) fn delete(txn: &mut Txn, id: JobId) -> Result<()> {
    for row in JOB_INFO.scan(txn, &[Datum::Int8(id)])? {
        if let [job, key, ..] = &row[..] {
            JOB_INFO.delete(txn, &[job.clone(), key.clone()])?;
        }
    }
    JOBS.delete(txn, &[Datum::Int8(id)])?;
    Ok(())
}

/// The error for a number that no job has.
pub(super) fn unknown(id: JobId) -> Error {
    Error::new(sqlstate::UNDEFINED_OBJECT, format!("job with ID {id} does not exist"))
}

fn corrupt(column: &str) -> Error {
    Error::corrupt(format!("a row of system.jobs has a bad {column}"))
}

fn text(words: &str) -> Datum {
    Datum::Text(words.into())
}

fn json(value: &impl Serialize) -> Result<Datum> {
    let bytes = serde_json::to_vec(value)
        .map_err(|e| Error::internal("a job's record has no JSON form").with_source(e))?;
    Ok(Datum::Bytea(bytes.into()))
}

fn parse<T: DeserializeOwned>(datum: &Datum, column: &str) -> Result<T> {
    let Datum::Bytea(bytes) = datum else { return Err(corrupt(column)) };
    serde_json::from_slice(bytes).map_err(|e| corrupt(column).with_source(e))
}

fn datum_of(time: Timestamp) -> Datum {
    Datum::Timestamp(time.sql_micros())
}

fn time_of(micros: i64) -> Timestamp {
    Timestamp::from_sql_micros(micros).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::record::StoredError;

    #[test]
    fn a_record_comes_back_from_its_row() {
        let error = StoredError {
            code: "58030".into(),
            message: "disk on fire".into(),
            detail: None,
            hint: Some("Call somebody.".into()),
        };
        let record = JobRecord {
            id: 7,
            state: State::Reverting,
            created: Timestamp::from_micros(1_616_533_891_370_123),
            created_by: Some(CreatedBy { kind: "crdb_schedule".into(), id: 9 }),
            claim: Some(Claim { session: i64::MAX }),
            payload: Payload {
                kind: "BACKUP".into(),
                description: "BACKUP INTO 'nodelocal://1/x'".into(),
                statement: String::new(),
                user: "root".into(),
                descriptor_ids: vec![104, 105],
                details: serde_json::json!({"end": "1.0000000002"}),
                started: Some(Timestamp::from_nanos(5)),
                finished: None,
                error: Some(error.clone()),
                canceled: false,
                pause_reason: None,
                non_cancelable: true,
                retries: 3,
            },
            progress: Progress { fraction: 0.25, ..Progress::default() },
        };
        let back = Row::of(&record).unwrap().record().unwrap();
        assert_eq!((back.id, back.state, back.created), (7, State::Reverting, record.created));
        assert_eq!((back.created_by, back.claim), (record.created_by, record.claim));
        assert_eq!(back.payload.details, record.payload.details);
        assert_eq!(back.payload.error, Some(error));
        assert_eq!(back.payload.started, record.payload.started);
        assert_eq!((back.payload.non_cancelable, back.payload.retries), (true, 3));
        assert_eq!(back.progress.fraction, 0.25);
    }

    #[test]
    fn what_is_no_row_of_jobs_is_corrupt() {
        assert_eq!(
            Row::found(vec![Datum::Int8(1)]).err().unwrap().code(),
            sqlstate::DATA_CORRUPTED
        );
        let mut row = vec![Datum::Null; JOB_TYPE + 1];
        row[ID] = Datum::Int8(1);
        row[STATUS] = text("asleep");
        let row = Row::found(row).unwrap();
        assert_eq!(row.state().unwrap_err().code(), sqlstate::DATA_CORRUPTED);
        assert_eq!(row.record().unwrap_err().code(), sqlstate::DATA_CORRUPTED);
    }
}
