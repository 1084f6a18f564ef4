//! SELECT … FOR UPDATE and FOR SHARE: locks the base rows of what comes through.
//!
//! A row that somebody changed after this statement's snapshot makes `lock` fail with a retryable
//! error; the session then runs the statement again on a fresh snapshot, with the lock in hand.

use std::sync::Arc;

use crate::error::{Error, Result, sqlstate};
use crate::mvcc::WaitPolicy;
use crate::sql::exec::batch::Batch;
use crate::sql::exec::{BoxOperator, Operator, Run};
use crate::sql::plan::physical::LockSpec;
use crate::types::Datum;

/// Row locking at work.
pub struct Lock {
    spec: Arc<LockSpec>,
    input: BoxOperator,
}

impl Lock {
    /// Locks the rows of an input.
    pub fn new(spec: Arc<LockSpec>, input: BoxOperator) -> Self {
        Lock { spec, input }
    }
}

impl Operator for Lock {
    fn next(&mut self, run: &mut Run<'_, '_>) -> Result<Option<Batch>> {
        while let Some(batch) = self.input.next(run)? {
            let mut kept = Vec::with_capacity(batch.rows);
            for row in 0..batch.rows {
                let mut taken = true;
                for target in &self.spec.targets {
                    let key: Vec<Datum> = target
                        .key
                        .iter()
                        .filter_map(|p| batch.columns.get(*p))
                        .map(|c| c.datum(row))
                        .collect();
                    // The absent side of an outer join has no row to lock.
                    if key.iter().any(Datum::is_null) {
                        continue;
                    }
                    let key = target.codec.primary_key(&key)?;
                    match run.ctx.txn.lock(&key, target.mode, target.wait) {
                        Ok(locked) => taken &= locked,
                        Err(e) => return Err(refusal(e, target.wait, &target.name)),
                    }
                }
                if taken {
                    kept.push(row as u32);
                }
            }
            run.check()?;
            if kept.len() == batch.rows {
                return Ok(Some(batch));
            }
            if !kept.is_empty() {
                return Ok(Some(batch.gather(&kept)));
            }
        }
        Ok(None)
    }
}

/// Why a lock was not given, with the table's name where PostgreSQL says it.
pub fn refusal(e: Error, wait: WaitPolicy, table: &str) -> Error {
    if e.code() != sqlstate::LOCK_NOT_AVAILABLE {
        return e;
    }
    if wait == WaitPolicy::NoWait {
        let message = format!("could not obtain lock on row in relation \"{table}\"");
        return Error::new(sqlstate::LOCK_NOT_AVAILABLE, message).with_table("", table);
    }
    e.with_table("", table)
}
