//! What a job must not show: keys, and URIs with their credentials.
//!
//! A job's row is read by whoever may see jobs, is printed by SHOW JOBS and goes into every cluster
//! backup; so details hold nothing secret. Secrets lie in a row of `system.job_info`, which only
//! administrators can read and which no backup takes along. The job removes them when it ends.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JobId;
use crate::catalog::system;
use crate::error::{Error, Result};
use crate::mvcc::{Mvcc, Txn, TxnOptions};
use crate::types::Datum;

/// The key of the row within a job's facts.
const KEY: &str = "secrets";

fn row_key(job: JobId) -> [Datum; 2] {
    [Datum::Int8(job), Datum::text(KEY)]
}

/// Keeps a job's secrets, in the transaction that creates the job.
pub fn keep(txn: &mut Txn, job: JobId, secrets: &impl Serialize) -> Result<()> {
    let json = serde_json::to_vec(secrets)
        .map_err(|_| Error::internal("the secrets of a job could not be written"))?;
    let [job, key] = row_key(job);
    let written = Datum::Timestamptz(txn.read_timestamp().sql_micros());
    system::JOB_INFO.upsert(txn, &[job, key, written, Datum::bytes(json)])
}

/// A job's secrets; `None` once they were forgotten.
pub fn find<T: DeserializeOwned>(mvcc: &Arc<Mvcc>, job: JobId) -> Result<Option<T>> {
    let mut txn = mvcc.begin(TxnOptions { read_only: true, ..TxnOptions::default() })?;
    let row = system::JOB_INFO.get(&mut txn, &row_key(job))?;
    match row.as_deref() {
        None => Ok(None),
        Some([_, _, _, Datum::Bytea(json)]) => serde_json::from_slice(json)
            .map(Some)
            .map_err(|_| Error::corrupt("the secrets of a job cannot be read")),
        Some(_) => Err(Error::corrupt("the secrets of a job cannot be read")),
    }
}

/// Removes a job's secrets; it is no error if there are none.
pub fn forget(mvcc: &Arc<Mvcc>, job: JobId) -> Result<()> {
    let mut txn = mvcc.begin(TxnOptions::default())?;
    if system::JOB_INFO.delete(&mut txn, &row_key(job))? {
        txn.commit()?;
    }
    Ok(())
}

/// As [`forget`], in a transaction of the caller's.
pub fn remove(txn: &mut Txn, job: JobId) -> Result<()> {
    system::JOB_INFO.delete(txn, &row_key(job)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, watched_spans};
    use crate::clock::{ManualClock, Timestamp};
    use crate::kv::memory::MemoryEngine;
    use crate::mvcc::Options;

    #[test]
    fn secrets_are_there_until_they_are_forgotten() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(1_700_000_000_000_000_000)));
        let options = Options { watched: watched_spans(), ..Options::default() };
        let mvcc = Mvcc::open(Arc::new(MemoryEngine::new()), clock, options).unwrap();
        let _catalog = Catalog::open(Arc::clone(&mvcc)).unwrap();
        let mut txn = mvcc.begin(TxnOptions::default()).unwrap();
        keep(&mut txn, 7, &vec!["a", "b"]).unwrap();
        assert_eq!(find::<Vec<String>>(&mvcc, 7).unwrap(), None);
        txn.commit().unwrap();
        assert_eq!(find::<Vec<String>>(&mvcc, 7).unwrap().unwrap(), ["a", "b"]);
        assert_eq!(find::<Vec<String>>(&mvcc, 8).unwrap(), None);
        forget(&mvcc, 7).unwrap();
        forget(&mvcc, 7).unwrap();
        assert_eq!(find::<Vec<String>>(&mvcc, 7).unwrap(), None);
    }
}
